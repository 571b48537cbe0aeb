"""The filters of lists of listings: as they are written in a query, and what they come to."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, field_validator, model_validator
from pydantic import Field as Described
from sqlmodel import Field, Session

from app.access.models import Caller, Role
from app.authorities.postcodes import normalise_postcode
from app.authorities.queries import Place
from app.kit import national_grid
from app.kit.exact import Parameters
from app.kit.problems import invalid
from app.kit.times import today
from app.opportunities import queries
from app.opportunities.ages import AgeBand, KeyStage
from app.opportunities.conditions import ANYBODY, Sight
from app.opportunities.directory import Directory
from app.opportunities.grid import Box, Near
from app.opportunities.models import Delivery, Kind, Status
from app.opportunities.wanted import Sort, TimeOfDay, Wanted, Weekday, When
from app.opportunities.words import asked
from app.opportunities.written import Age, Code
from app.organisations import queries as organisations
from app.partnerships import queries as partnerships
from app.programmes import queries as programmes
from app.vocabularies.models import TermId, Vocabulary

DEFAULT_KILOMETRES = 10.0
MOST_VALUES = 50
MIDDLE = 55.0, -2.0
"""The latitude and longitude of the middle of the National Grid, roughly."""

Slugs = Annotated[list[str], Described(max_length=MOST_VALUES)]
Locate = Callable[[str], Place | None]
"""Where a normalised postcode is."""

Terms = Annotated[list[TermId], Described(max_length=MOST_VALUES)]


class OpportunityFilters(Parameters):
    """Which listings, and in which order. Filters hold together; a repeated one is either."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(
        default=None,
        max_length=200,
        description='Words that all occur in the listing, in any form; `"a phrase"` in quotes.',
    )
    authority: Annotated[list[Code], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list,
        description="GSS codes; a county means its districts too. Listings that come to the area "
        "or to the whole region match as well.",
    )
    partnership: Slugs = Field(
        default_factory=list,
        description="Slugs or ids of partnerships; their areas are those of today.",
    )
    organisation: Slugs = Field(default_factory=list, description="Slugs or ids of providers.")
    programme: Slugs = Field(default_factory=list, description="Slugs or ids of programmes.")
    venue: Slugs = Field(default_factory=list, description="Slugs or ids of venues.")
    source: Slugs = Field(default_factory=list, description="Keys of sources.")
    artform: Terms = Field(default_factory=list, description="Terms of the vocabulary `artform`.")
    audience: Terms = Field(default_factory=list, description="Terms of the vocabulary `audience`.")
    access: Terms = Field(
        default_factory=list,
        description="Terms of the vocabulary `access`, of the listing or its venue. A repeated one "
        "is wanted too, not instead.",
    )
    kind: Annotated[list[Kind], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="What sort of thing it is."
    )
    delivery: Annotated[list[Delivery], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="How it reaches people."
    )
    age: Annotated[list[Age], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="In years; listings without ages do not match."
    )
    age_band: Annotated[list[AgeBand], Described(max_length=10)] = Field(
        default_factory=list, description="Listings whose ages meet the band."
    )
    key_stage: Annotated[list[KeyStage], Described(max_length=10)] = Field(
        default_factory=list, description="Listings whose ages meet the stage."
    )
    free: bool | None = Field(default=None, description="true: free to everyone.")
    max_price: Annotated[
        Decimal | None,
        Described(
            ge=0,
            le=100_000,
            allow_inf_nan=False,
            description="In pounds: the lowest price is at most this. Free costs nothing.",
        ),
    ] = None
    near: str | None = Field(
        default=None,
        max_length=60,
        description="A postcode, or `lat,lng`.",
        schema_extra={"examples": ["B1 1BB", "52.48,-1.9"]},
    )
    within_km: Annotated[
        float | None,
        Described(gt=0, le=200, allow_inf_nan=False, description="With `near`; 10 by default."),
    ] = None
    bbox: str | None = Field(
        default=None,
        max_length=100,
        description="A box on the map: west, south, east and north in degrees, by commas.",
        schema_extra={"examples": ["-2.1,52.4,-1.7,52.6"]},
    )
    starts_from: date | None = Field(
        default=None, description="A session on this London day or later."
    )
    starts_to: date | None = Field(
        default=None, description="A session on this London day or earlier."
    )
    weekday: Annotated[list[Weekday], Described(max_length=10)] = Field(
        default_factory=list, description="A session that starts on this day of the week."
    )
    time_of_day: Annotated[list[TimeOfDay], Described(max_length=10)] = Field(
        default_factory=list,
        description="A session that starts before noon, before five, or from five on, in London.",
    )
    term_time: bool | None = Field(
        default=None, description="A session on a day in the school terms, or on one that is not."
    )
    holiday: bool | None = Field(
        default=None,
        description="A session on a day between school terms, or on one that is not.",
    )
    has_places: bool | None = Field(
        default=None, description="A session that is not full, as far as its source tells."
    )
    quality_min: Annotated[int | None, Described(ge=0, le=100)] = Field(
        default=None, description="A quality of at least this."
    )
    updated_since: Annotated[AwareDatetime | None, Described()] = Field(
        default=None, description="Changed at this instant or later."
    )
    status: Annotated[list[str], Described(max_length=10)] = Field(
        default_factory=list,
        description="With a key: draft, submitted, published, rejected, withdrawn, expired or any.",
    )
    pending: bool | None = Field(
        default=None, description="With a key: whether a change awaits a moderator."
    )
    asked: bool | None = Field(
        default=None,
        description="With a key: whether its owner has been asked if it is still on.",
    )
    changed_after: int | None = Field(
        default=None, ge=0, le=2**62, description="Change numbers above this one."
    )
    sort: Sort | None = Field(
        default=None, description="`relevance` with `q`, else `next_session`, by default."
    )

    @field_validator("status")
    @classmethod
    def known_status(cls, value: list[str]) -> list[str]:
        """Only states, or `any`."""
        allowed = [*Status, "any"]
        for one in value:
            if one not in allowed:
                raise ValueError(f"Use one of {', '.join(allowed)}.")
        return value

    @model_validator(mode="after")
    def consistent(self) -> "OpportunityFilters":
        """Dates in order, distances only from somewhere, relevance only to something."""
        if self.starts_from and self.starts_to and self.starts_to < self.starts_from:
            raise ValueError("starts_to must not come before starts_from.")
        if self.near is None and (self.within_km is not None or self.sort is Sort.DISTANCE):
            raise ValueError("within_km and sort=distance need `near`.")
        if self.q is None and self.sort is Sort.RELEVANCE:
            raise ValueError("sort=relevance needs `q`.")
        return self

    @property
    def order(self) -> Sort:
        """The sort that is asked for, or that goes without saying."""
        return self.sort or (Sort.RELEVANCE if self.q is not None else Sort.NEXT_SESSION)


def sight(session: Session, caller: Caller) -> Sight:
    """What a caller may see besides what is public."""
    if not caller.is_signed_in:
        return ANYBODY
    if caller.is_staff:
        return Sight(everything=True)
    if caller.role is Role.PUBLISHER:
        return Sight(organisation_pk=caller.organisation_pk)
    covered = queries.covered_by(caller.partnership_pks, today())
    return Sight(authority_pks=frozenset(session.execute(covered).scalars()))


def resolve(
    session: Session | None,
    caller: Caller,
    filters: OpportunityFilters,
    directory: Directory,
    locate: Locate,
) -> Wanted:
    """The filters with what they name looked up; a 422 names what does not exist.

    Without a session nothing may be asked for that the directory does not know.
    """
    wanted = _known(filters, caller, directory, locate)
    if filters.q is not None:
        lexicon = directory.kept.lexicon if session is None else directory.lexicon(session)
        assert lexicon is not None  # else it needs a session
        wanted = replace(wanted, words=asked(filters.q, lexicon))
    if session is None:
        return wanted
    return replace(
        wanted,
        partnership_pks=_areas(session, caller, filters.partnership),
        organisation_pks=_named(
            "organisation",
            filters.organisation,
            organisations.organisations_by_ref(session, filters.organisation, caller),
        ),
        programme_pks=_named(
            "programme",
            filters.programme,
            programmes.programmes_by_ref(session, filters.programme, caller),
        ),
        venue_pks=_named(
            "venue", filters.venue, organisations.venues_by_ref(session, filters.venue, caller)
        ),
    )


def needs_session(filters: OpportunityFilters, directory: Directory) -> bool:
    """Whether the filters name what the directory does not know."""
    return bool(
        (filters.q is not None and directory.kept.lexicon is None)
        or filters.partnership
        or filters.organisation
        or filters.programme
        or filters.venue
    )


def postcode_of(filters: OpportunityFilters) -> str | None:
    """The postcode that is to be located, if it looks like one."""
    if filters.near is None or "," in filters.near:
        return None
    try:
        return normalise_postcode(filters.near)
    except ValueError:
        return None


def _known(
    filters: OpportunityFilters, caller: Caller, directory: Directory, locate: Locate
) -> Wanted:
    return Wanted(
        statuses=_statuses(caller, filters),
        pending=filters.pending,
        asked=filters.asked,
        authority_pks=_authorities(directory, filters.authority),
        source_keys=filters.source,
        artforms=_terms(directory, Vocabulary.ARTFORM, filters.artform),
        audiences=_terms(directory, Vocabulary.AUDIENCE, filters.audience),
        access=_terms(directory, Vocabulary.ACCESS, filters.access),
        kinds=filters.kind,
        deliveries=filters.delivery,
        ages=filters.age,
        age_bands=filters.age_band,
        key_stages=filters.key_stage,
        free=filters.free,
        max_pence=None if filters.max_price is None else int(filters.max_price * 100),
        near=_near(filters, locate),
        box=_box(filters.bbox),
        when=When(
            starts_from=filters.starts_from,
            starts_to=filters.starts_to,
            weekdays=tuple(filters.weekday),
            times=tuple(filters.time_of_day),
            school=directory.on_school_days(filters.term_time, filters.holiday),
            has_places=filters.has_places,
        ),
        quality_min=filters.quality_min,
        updated_since=filters.updated_since,
        changed_after=filters.changed_after,
    )


def _statuses(caller: Caller, filters: OpportunityFilters) -> list[Status]:
    if filters.pending is not None and not caller.is_signed_in:
        raise invalid("?pending", "What waits is told only with a key.")
    if filters.asked is not None and not caller.is_signed_in:
        raise invalid("?asked", "What is asked is told only with a key.")
    if not filters.status:
        return [] if filters.pending else [Status.PUBLISHED]
    if not caller.is_signed_in and set(filters.status) - {Status.PUBLISHED, Status.EXPIRED}:
        raise invalid("?status", "Without a key, only published and expired can be asked for.")
    return [] if "any" in filters.status else [Status(one) for one in filters.status]


def _authorities(directory: Directory, codes: Sequence[str]) -> Collection[int] | None:
    if not codes:
        return None
    for code in codes:
        if code not in directory.authorities:
            raise invalid("?authority", f"There is no authority {code}. See /v1/authorities.")
    return directory.within(codes)


def _areas(session: Session, caller: Caller, refs: Sequence[str]) -> Collection[int] | None:
    if not refs:
        return None
    found = partnerships.partnerships_by_ref(session, refs, caller)
    pks = _named("partnership", refs, found)
    return frozenset(session.execute(queries.covered_by(pks, today())).scalars())


def _named(name: str, asked_for: Sequence[str], found: Mapping[str, Any]) -> list[int]:
    for ref in asked_for:
        if ref not in found:
            raise invalid(f"?{name}", f"There is no {name} {ref!r}.")
    return [found[ref].pk for ref in asked_for]


def _terms(directory: Directory, vocabulary: Vocabulary, codes: Sequence[str]) -> Sequence[str]:
    if codes:
        known = directory.labels[vocabulary]
        for code in codes:
            if code not in known:
                allowed = ", ".join(sorted(known))
                raise invalid(f"?{vocabulary}", f"{code!r} is not one of {allowed}.")
    return codes


def _near(filters: OpportunityFilters, locate: Locate) -> Near | None:
    if filters.near is None:
        return None
    metres = max(round((filters.within_km or DEFAULT_KILOMETRES) * 1000), 1)
    latitude, comma, longitude = filters.near.partition(",")
    if comma:
        try:
            easting, northing = national_grid.from_wgs84(float(latitude), float(longitude))
        except ValueError:
            raise invalid("?near", "Give `lat,lng` in Great Britain, such as 52.48,-1.9.") from None
        return Near(round(easting), round(northing), metres)
    try:
        postcode = normalise_postcode(filters.near)
    except ValueError:
        raise invalid("?near", "Give a postcode or `lat,lng`.") from None
    place = locate(postcode)
    if place is None:
        raise invalid("?near", f"{filters.near} is not a postcode that is known here.", "unknown")
    return Near(place.easting, place.northing, metres)


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise invalid("?bbox", "Give west,south,east,north in degrees.") from None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise invalid("?bbox", "Give west,south,east,north in degrees: west before east.")
    corners = ((south, west), (south, east), (north, east), (north, west))
    one, two, three, four = (_corner(*corner) for corner in corners)
    return Box((one, two, three, four))


def _corner(latitude: float, longitude: float) -> tuple[int, int]:
    """A corner in grid metres; off the grid it is the grid's, so that the world is no mistake."""
    try:
        easting, northing = national_grid.from_wgs84(latitude, longitude)
    except ValueError:
        return (
            0 if longitude < MIDDLE[1] else national_grid.GRID_WIDTH,
            0 if latitude < MIDDLE[0] else national_grid.GRID_HEIGHT,
        )
    return round(easting), round(northing)
