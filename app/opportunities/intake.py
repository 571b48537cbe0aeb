"""Taking listings in: plan (reads only) and apply (set-based writes), for one item or thousands.

`plan` validates each item, resolves what it refers to in a bounded number of queries, and
decides what will become of it. `apply` writes the changed ones: it adds no read per item.
"""

import hashlib
import json
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session, col

from app.access.models import SYSTEM, Caller, Role
from app.authorities import queries as authorities
from app.authorities.models import Authority
from app.authorities.postcodes import normalise_postcode
from app.authorities.queries import Place
from app.kit import national_grid
from app.kit.identifiers import uuid7
from app.kit.problems import FieldError, pointer, sentence
from app.kit.times import now
from app.opportunities import documents, occasions, places
from app.opportunities.life import WHAT_IS_MISSING, Rules, Verdict, after_push, missing_facts
from app.opportunities.models import (
    FAR_FUTURE,
    REGION,
    Delivery,
    Opportunity,
    OpportunityArea,
    OpportunityArtform,
    OpportunityWrite,
    Status,
    VenueItem,
)
from app.opportunities.occasions import Occasion
from app.organisations import queries as organisations
from app.organisations.models import Organisation, Venue, Visibility
from app.programmes import queries as programmes
from app.programmes.models import Programme
from app.vocabularies.models import Vocabulary
from app.vocabularies.queries import known_codes, unknown_terms

PARSER = 1
"""Part of every digest: a new version of this module looks at every item again."""
CHUNK = 500
MOST_ERRORS = 20
"""Told of one item: a list of a thousand bad sessions is wrong in one way."""
MOST_OCCASIONS = 100_000
"""Sessions of one push: rules of a hundred bytes each would else become millions of rows."""
TOO_MANY = f"A push holds at most {MOST_OCCASIONS:,} sessions. Send the rest in another one."
UNSAID = OpportunityWrite.read_only | {"external_id"}
"""Members that say nothing of the listing: they make no difference to it."""
NEVER = datetime.fromisoformat(FAR_FUTURE)


class Outcome(StrEnum):
    """What became of one item."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Origin:
    """The facts of a source that its listings need."""

    pk: int
    key: str
    name: str
    owner_pk: int
    trusted: bool
    manual: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    providers: frozenset[int] = frozenset()
    """Other organisations that it may publish for."""
    reviewed: bool = False
    """Taken in before: what it names may have become private or retired since."""
    demo: bool = False


@dataclass(frozen=True)
class Item:
    """One listing as it arrived: its place in the push, its external id, what it says."""

    index: int
    external_id: Any
    said: Any


@dataclass
class Known:
    """What is stored of a listing already."""

    pk: int
    id: UUID
    version: int
    digest: str
    status: Status
    withdrawn_by: str | None
    approved_at: datetime | None
    published_at: datetime | None
    last_ends_at: datetime | None
    overrides: Mapping[str, Any]
    pending: Mapping[str, Any] | None


@dataclass
class Planned:
    """What will become of one item, and why."""

    item: Item
    external_id: str | None = None
    outcome: Outcome = Outcome.REJECTED
    errors: list[FieldError] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    known: Known | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    write: OpportunityWrite | None = None
    verdict: Verdict | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    occasions: list[Occasion] = field(default_factory=list)
    areas: frozenset[int] = frozenset()
    pk: int | None = None
    id: UUID | None = None

    def refuse(self, where: str, detail: str, code: str) -> None:
        """Note what is wrong; the item will not be applied."""
        self.errors.append(FieldError(pointer=where, detail=detail, code=code))
        self.outcome = Outcome.REJECTED


# --- plan -------------------------------------------------------------------------------------


def plan(
    session: Session, origin: Origin, items: Sequence[Item], rules: Rules, *, force: bool = False
) -> list[Planned]:
    """Decide what becomes of each item; nothing is written. `force` looks at unchanged ones."""
    planned = [Planned(item) for item in items]
    _identify(planned, origin)
    _find_known(session, origin, [entry for entry in planned if not entry.errors])
    candidates = []
    room = MOST_OCCASIONS
    for entry in planned:
        if entry.errors:
            continue
        entry.digest = digest_of(entry.payload)
        if not force and _is_settled(entry):
            entry.outcome = Outcome.UNCHANGED
        elif _validate(entry):
            room -= len(entry.occasions)
            if room < 0:
                entry.refuse("#/sessions", TOO_MANY, "too_many_sessions")
            else:
                candidates.append(entry)
    if candidates:
        _resolve(session, origin, candidates, rules)
    for entry in candidates:
        if not entry.errors:
            entry.outcome = Outcome.UPDATED if entry.known else Outcome.CREATED
    return planned


def plan_held(
    session: Session,
    origin: Origin,
    items: Sequence[Item],
    rules: Rules,
    planned: list[Planned] | None = None,
) -> list[Planned]:
    """A plan that nobody can overtake: its listings are locked, and still as it found them.

    A plan that was made before, without the lock, is made again if a moderator or the clock
    came in between.
    """
    if planned is None:
        planned = plan(session, origin, items, rules)
    while not _lock(session, planned):
        planned = plan(session, origin, items, rules)
    return planned


def _lock(session: Session, planned: Sequence[Planned]) -> bool:
    """Lock the listings that a plan is about; whether they are as it found them."""
    found = {entry.known.pk: entry.known.version for entry in planned if entry.known}
    table = Opportunity.__table__  # type: ignore[attr-defined]
    stands = True
    for pks in _chunks(sorted(found)):
        # In one order everywhere, so that two writers never wait for each other.
        statement = select(table.c.pk, table.c.version).where(table.c.pk.in_(pks))
        held = session.execute(statement.order_by(table.c.pk).with_for_update(key_share=True))
        stands = all(found[pk] == version for pk, version in held.all()) and stands
    return stands


def clean_external_id(value: Any) -> str:
    """An external id in NFC without outer spaces; ValueError says what is wrong with it."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError("Every item needs an external_id: your own id for it.")
    cleaned = unicodedata.normalize("NFC", value).strip()
    if len(cleaned) > 200:
        raise ValueError("An external_id has at most 200 characters.")
    if cleaned in {".", ".."} or any(unicodedata.category(one) == "Cc" for one in cleaned):
        raise ValueError("An external_id must not be `.` or `..`, nor hold control characters.")
    return cleaned


def _identify(planned: Sequence[Planned], origin: Origin) -> None:
    seen: dict[str, list[Planned]] = {}
    for entry in planned:
        if not isinstance(entry.item.said, dict):
            entry.refuse("#", "An item is a JSON object.", "object_expected")
            continue
        said = {name: value for name, value in entry.item.said.items() if name not in UNSAID}
        entry.payload = {**origin.defaults, **said}
        try:
            entry.external_id = clean_external_id(entry.item.external_id)
        except ValueError as error:
            entry.refuse("#/external_id", str(error), "external_id")
            continue
        seen.setdefault(entry.external_id, []).append(entry)
    for external_id, same in seen.items():
        if len(same) > 1:
            places = ", ".join(str(entry.item.index) for entry in same)
            for entry in same:
                entry.refuse(
                    "#/external_id",
                    f"{external_id!r} is given more than once, at {places}. Keep one.",
                    "duplicate_external_id",
                )


_KNOWN = (
    "external_id",
    "pk",
    "id",
    "version",
    "payload_digest",
    "status",
    "withdrawn_by",
    "approved_at",
    "published_at",
    "last_session_ends_at",
    "overrides",
    "pending",
)


def _find_known(session: Session, origin: Origin, planned: Sequence[Planned]) -> None:
    table = Opportunity.__table__  # type: ignore[attr-defined]
    by_id = {entry.external_id: entry for entry in planned if entry.external_id}
    for ids in _chunks(list(by_id)):
        statement = select(*(table.c[name] for name in _KNOWN)).where(
            table.c.source_pk == origin.pk, table.c.external_id.in_(ids)
        )
        for external_id, *rest in session.execute(statement):
            by_id[external_id].known = Known(*rest)


def digest_of(payload: Mapping[str, Any]) -> str:
    """What tells whether an item says the same as before, its defaults included."""
    text = json.dumps([PARSER, payload], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _is_settled(entry: Planned) -> bool:
    """Whether a push of the same again leaves everything as it is."""
    known = entry.known
    if known is None:
        return False
    if known.pending is not None:
        return bool(known.pending["digest"] == entry.digest)
    if known.digest != entry.digest:
        return False
    match known.status:
        case Status.PUBLISHED | Status.SUBMITTED | Status.REJECTED:
            return True
        case Status.WITHDRAWN:
            return known.withdrawn_by == "staff"
        case Status.EXPIRED:
            return known.last_ends_at is not None and known.last_ends_at < now()
        case _:
            return False  # a draft: what was missing elsewhere may be there by now


def _validate(entry: Planned) -> bool:
    overrides = entry.known.overrides if entry.known else {}
    corrected = {name: override["value"] for name, override in overrides.items()}
    try:
        entry.write = OpportunityWrite.model_validate({**entry.payload, **corrected})
    except ValidationError as error:
        for found in error.errors()[:MOST_ERRORS]:
            where = pointer(["body", *found["loc"]])
            entry.refuse(where, sentence(found), str(found["type"]))
        return False
    try:
        entry.occasions = occasions.of(entry.write)
    except ValueError as error:
        entry.refuse("#/recurrence/rrule", str(error), "recurrence")
        return False
    return True


@dataclass
class _World:
    """What the items of one push refer to, read in a handful of queries."""

    organisations: Mapping[str, Organisation]
    owner: Organisation | None
    programmes: Mapping[str, Programme]
    venues: Mapping[str, Venue]
    places: Mapping[str, Place]
    authorities: Mapping[str, Authority]
    districts: Mapping[int, Collection[int]]
    terms: Mapping[Vocabulary, set[str]]
    by_pk: Mapping[int, Authority]


def _resolve(session: Session, origin: Origin, planned: Sequence[Planned], rules: Rules) -> None:
    writes = [entry.write for entry in planned if entry.write]
    world = _read_world(session, origin, writes)
    at = now()
    for entry in planned:
        if entry.write:
            _place(session, entry, entry.write, origin, world)
            if not entry.errors:
                _decide(entry, entry.write, origin, world, rules, at)


def _read_world(session: Session, origin: Origin, writes: Sequence[OpportunityWrite]) -> _World:
    by_code = authorities.by_code(session)
    # A listing makes public what it names: a source names only what its owner may see.
    eyes = SYSTEM if origin.reviewed else Caller(Role.PUBLISHER, organisation_pk=origin.owner_pk)
    postcodes = set()
    for write in writes:
        if isinstance(write.venue, VenueItem) and write.venue.postcode:
            try:
                postcodes.add(normalise_postcode(write.venue.postcode))
            except ValueError:
                continue  # reported with its item
    return _World(
        organisations=organisations.organisations_by_ref(
            session, {write.provider for write in writes if write.provider}
        ),
        owner=session.get(Organisation, origin.owner_pk),
        programmes=programmes.programmes_by_ref(
            session, {write.programme for write in writes if write.programme}, eyes
        ),
        venues=organisations.venues_by_ref(
            session, {write.venue for write in writes if isinstance(write.venue, str)}, eyes
        ),
        places=authorities.locate(session, postcodes),
        authorities=by_code,
        districts=places.districts(by_code.values()),
        terms=known_codes(session, retired=origin.reviewed),
        by_pk={authority.pk: authority for authority in by_code.values() if authority.pk},
    )


def _place(
    session: Session, entry: Planned, write: OpportunityWrite, origin: Origin, world: _World
) -> None:
    """Fill in whom and what the item refers to, and where it is."""
    carried = [
        ("#/artforms", Vocabulary.ARTFORM, write.artforms),
        ("#/themes", Vocabulary.THEME, write.themes),
        ("#/audiences", Vocabulary.AUDIENCE, write.audiences),
        ("#/access", Vocabulary.ACCESS, write.access),
    ]
    if write.price:
        carried.append(("#/price/concessions", Vocabulary.CONCESSION, write.price.concessions))
    if isinstance(write.venue, VenueItem):
        carried.append(("#/venue/access", Vocabulary.ACCESS, write.venue.access))
    entry.errors.extend(unknown_terms(world.terms, carried))
    columns = entry.columns
    columns["provider_pk"] = _provider(entry, write, origin, world)
    columns["programme_pk"] = None
    if write.programme:
        programme = world.programmes.get(write.programme)
        if programme is None:
            entry.refuse("#/programme", f"There is no programme {write.programme}.", "unknown")
        else:
            columns["programme_pk"] = programme.pk
    columns |= {"venue_pk": None, "authority_pk": None, "easting": None, "northing": None}
    if isinstance(write.venue, VenueItem):
        _locate(session, entry, write.venue, world)
    elif write.venue:
        _known_venue(entry, write.venue, world)
    _reach(entry, write, world)


def _provider(entry: Planned, write: OpportunityWrite, origin: Origin, world: _World) -> int | None:
    provider = world.organisations.get(write.provider) if write.provider else world.owner
    allowed = provider is not None and (
        origin.reviewed or provider.pk in {origin.owner_pk, *origin.providers}
    )
    if provider is None or not (allowed or provider.visibility is Visibility.PUBLIC):
        entry.refuse(
            "#/provider", f"There is no organisation {write.provider}. Use its slug.", "unknown"
        )
        return None
    if not allowed:
        entry.refuse(
            "#/provider",
            f"This source may not publish for {provider.slug}. Ask the regional team to allow it.",
            "provider_not_allowed",
        )
    return provider.pk


def _known_venue(entry: Planned, ref: str, world: _World) -> None:
    venue = world.venues.get(ref)
    if venue is None:
        entry.refuse(
            "#/venue", f"There is no venue {ref}. Use its slug, or give it in full.", "unknown"
        )
        return
    centre = world.by_pk.get(venue.authority_pk or 0)
    entry.columns |= {"venue_pk": venue.pk, **places.whereabouts(venue, centre)}


def _locate(session: Session, entry: Planned, venue: VenueItem, world: _World) -> None:
    columns = entry.columns
    if venue.postcode:
        try:
            postcode = normalise_postcode(venue.postcode)
        except ValueError:
            entry.refuse(
                "#/venue/postcode", f"{venue.postcode!r} is not a postcode.", "malformed_postcode"
            )
            return
        place = world.places.get(postcode)
        if place is None:
            entry.refuse(
                "#/venue/postcode",
                f"{venue.postcode} is not a postcode known here. Check it, or give lat and lng.",
                "unknown_postcode",
            )
            return
        columns |= {
            "authority_pk": place.authority_pk,
            "easting": place.easting,
            "northing": place.northing,
        }
    if venue.lat is not None and venue.lng is not None:
        try:
            easting, northing = national_grid.from_wgs84(venue.lat, venue.lng)
        except ValueError:
            entry.refuse("#/venue/lat", "These coordinates are not in Great Britain.", "outside")
            return
        columns |= {"easting": round(easting), "northing": round(northing)}
        if columns["authority_pk"] is None:
            nearest = authorities.nearest_authority(session, round(easting), round(northing))
            columns["authority_pk"] = nearest.pk if nearest else None


def _reach(entry: Planned, write: OpportunityWrite, world: _World) -> None:
    for index, code in enumerate(write.outreach_areas):
        if code != REGION and code not in world.authorities:
            entry.refuse(
                f"#/outreach_areas/{index}", f"{code} is not an authority known here.", "unknown"
            )
    authority_pk = entry.columns["authority_pk"]
    entry.areas = places.reached(
        authority_pk, write.outreach_areas, world.authorities, world.districts
    )
    placeless = not entry.areas
    online = write.delivery in {Delivery.ONLINE, Delivery.HYBRID} and not write.outreach_areas
    entry.columns["region_wide"] = REGION in write.outreach_areas or (
        online and (placeless or write.delivery is Delivery.ONLINE)
    )


def _decide(
    entry: Planned,
    write: OpportunityWrite,
    origin: Origin,
    world: _World,
    rules: Rules,
    at: datetime,
) -> None:
    columns = entry.columns
    columns |= occasions.summary(entry.occasions, at)
    provider = _organisation(world, columns["provider_pk"])
    entry.missing = missing_facts(
        write,
        has_provider=provider is not None,
        has_place=bool(entry.areas) or columns["region_wide"] or columns["easting"] is not None,
        has_dates=write.always_available or bool(entry.occasions),
        safeguarding=not rules.safeguarding_required
        or (provider is not None and provider.safeguarding_complete),
    )
    known = entry.known
    ends = columns["last_session_ends_at"]
    entry.verdict = after_push(
        known.status if known else None,
        withdrawn_by=known.withdrawn_by if known else None,
        was_approved=bool(known and known.approved_at),
        changed=known is None or known.digest != entry.digest,
        trusted=origin.trusted,
        missing=bool(entry.missing),
        over=not write.always_available and ends is not None and ends < at,
        manual=origin.manual,
    )
    price = write.price
    columns |= {
        "title": write.title,
        "kind": write.kind,
        "delivery": write.delivery,
        "age_min": write.age_min,
        "age_max": write.age_max,
        "free": bool(price and price.free),
        "price_pence": _pence(write),
        "always_available": write.always_available,
        "content": write.model_dump(mode="json", by_alias=True, exclude={"sessions"}),
        "payload": entry.payload,
        "payload_digest": entry.digest,
        "missing": entry.missing,
        "search_text": _search_text(write, provider),
        "sort_at": columns["next_session_at"] or NEVER,
    }


def _organisation(world: _World, pk: int | None) -> Organisation | None:
    if world.owner is not None and world.owner.pk == pk:
        return world.owner
    return next((found for found in world.organisations.values() if found.pk == pk), None)


def _pence(write: OpportunityWrite) -> int | None:
    if write.price is None or not (write.price.free or write.price.lowest is not None):
        return None
    return int((write.price.lowest or 0) * 100)


def _search_text(write: OpportunityWrite, provider: Organisation | None) -> str:
    parts = [
        write.title,
        write.summary,
        write.description,
        provider.name if provider else "",
        *write.artforms,
        *write.themes,
    ]
    return " ".join(part for part in parts if part).casefold()[:30_000]


# --- apply ------------------------------------------------------------------------------------


def apply(session: Session, origin: Origin, planned: Sequence[Planned]) -> None:
    """Write what was planned, in the caller's transaction."""
    at = now()
    fresh = [entry for entry in planned if entry.outcome is Outcome.CREATED]
    edited = [entry for entry in planned if entry.outcome is Outcome.UPDATED]
    waiting = [entry for entry in edited if entry.verdict and entry.verdict.pending]
    applied = [entry for entry in edited if entry.verdict and not entry.verdict.pending]
    for entry in planned:
        if entry.known:
            entry.pk, entry.id = entry.known.pk, entry.known.id
    _insert(session, origin, fresh, at)
    _update(session, applied, at)
    _hold(session, waiting, at)
    _see(session, [entry for entry in planned if entry.outcome is Outcome.UNCHANGED], at)
    changed = [entry for entry in (*fresh, *applied) if entry.pk is not None]
    _link(session, changed, fresh=len(applied) == 0)
    occasions.store(
        session,
        {entry.pk: entry.occasions for entry in changed if entry.pk is not None},
        fresh={entry.pk for entry in fresh if entry.pk is not None},
    )
    documents.mark(session, [entry.pk for entry in (*changed, *waiting) if entry.pk is not None])


def _state(entry: Planned, at: datetime) -> dict[str, Any]:
    verdict = entry.verdict or Verdict(Status.DRAFT)
    known = entry.known
    published = known.published_at if known else None
    if verdict.status is Status.PUBLISHED and published is None:
        published = at
    approved = known.approved_at if known else None
    if verdict.status is Status.PUBLISHED:
        approved = approved or at
    elif verdict.status is not Status.EXPIRED and verdict.status is not Status.WITHDRAWN:
        approved = None
    return {
        "status": verdict.status,
        "published_at": published,
        "approved_at": approved,
        "withdrawn_by": known.withdrawn_by
        if known and verdict.status is Status.WITHDRAWN
        else None,
        "pending": None,
    }


def _insert(session: Session, origin: Origin, entries: Sequence[Planned], at: datetime) -> None:
    rows = []
    for entry in entries:
        entry.id = uuid7()
        rows.append(
            {
                **entry.columns,
                **_state(entry, at),
                "id": entry.id,
                "created_at": at,
                "updated_at": at,
                "last_seen_at": at,
                "version": 1,
                "source_pk": origin.pk,
                "source_key": origin.key,
                "source_name": origin.name,
                "owner_pk": origin.owner_pk,
                "external_id": entry.external_id,
                "overrides": {},
                "rejection_reason": None,
                "stale": False,
                "demo": origin.demo,
            }
        )
    if not rows:
        return
    table = Opportunity.__table__  # type: ignore[attr-defined]
    session.connection().execute(insert(table), rows)
    by_id = {entry.id: entry for entry in entries}
    for ids in _chunks(list(by_id)):
        for pk, identifier in session.execute(
            select(table.c.pk, table.c.id).where(table.c.id.in_(ids))
        ):
            by_id[identifier].pk = pk


_UPDATED = (
    "provider_pk",
    "programme_pk",
    "venue_pk",
    "authority_pk",
    "easting",
    "northing",
    "region_wide",
    "first_session_at",
    "next_session_at",
    "next_session_ends_at",
    "last_session_at",
    "last_session_ends_at",
    "title",
    "kind",
    "delivery",
    "age_min",
    "age_max",
    "free",
    "price_pence",
    "always_available",
    "content",
    "payload",
    "payload_digest",
    "missing",
    "search_text",
    "sort_at",
    "status",
    "published_at",
    "approved_at",
    "withdrawn_by",
    "pending",
)


def _update(session: Session, entries: Sequence[Planned], at: datetime) -> None:
    if not entries:
        return
    table = Opportunity.__table__  # type: ignore[attr-defined]
    statement = (
        update(table)
        .where(table.c.pk == bindparam("row_pk"))
        .values(
            {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in _UPDATED}
            | {
                "version": table.c.version + 1,
                "updated_at": at,
                "last_seen_at": at,
                "rejection_reason": None,
            }
        )
    )
    rows = []
    for entry in entries:
        values = entry.columns | _state(entry, at)
        rows.append({"row_pk": entry.pk, **{f"new_{name}": values[name] for name in _UPDATED}})
    session.connection().execute(statement, rows)


def _hold(session: Session, entries: Sequence[Planned], at: datetime) -> None:
    """Keep a moderated change beside the approved content."""
    for entry in entries:
        session.execute(
            update(Opportunity)
            .where(col(Opportunity.pk) == entry.pk)
            .values(
                pending={
                    "payload": entry.payload,
                    "digest": entry.digest,
                    "since": at.isoformat(),
                },
                last_seen_at=at,
                version=Opportunity.version + 1,
            )
            .execution_options(synchronize_session=False)
        )


def _see(session: Session, entries: Sequence[Planned], at: datetime) -> None:
    """Note that the source still has them; that is no change."""
    for pks in _chunks([entry.pk for entry in entries if entry.pk is not None]):
        session.execute(
            update(Opportunity)
            .where(col(Opportunity.pk).in_(pks))
            .values(last_seen_at=at)
            .execution_options(synchronize_session=False)
        )


def _link(session: Session, entries: Sequence[Planned], *, fresh: bool) -> None:
    pks = [entry.pk for entry in entries if entry.pk is not None]
    if not fresh:
        for some in _chunks(pks):
            for table in (OpportunityArtform, OpportunityArea):
                session.execute(
                    delete(table)
                    .where(col(table.opportunity_pk).in_(some))
                    .execution_options(synchronize_session=False)
                )
    artforms = [
        {"opportunity_pk": entry.pk, "code": code}
        for entry in entries
        if entry.write
        for code in entry.write.artforms
    ]
    areas = [
        {"opportunity_pk": entry.pk, "authority_pk": authority_pk}
        for entry in entries
        for authority_pk in sorted(entry.areas)
    ]
    if artforms:
        session.execute(insert(OpportunityArtform), artforms)
    if areas:
        session.execute(insert(OpportunityArea), areas)


def explain(missing: Iterable[str]) -> list[FieldError]:
    """What is missing, as things to do."""
    return [
        FieldError(pointer=f"#/{name}", detail=WHAT_IS_MISSING[name], code=f"missing_{name}")
        for name in missing
    ]


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
