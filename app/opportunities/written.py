"""A listing as it is written: by partners, and by people who correct it."""

import datetime as dt
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic import Field as Described
from sqlmodel import Field

from app.kit.problems import MemberError
from app.kit.shapes import ROW_MEMBERS, Referred, Write
from app.kit.text import Email, Line, OptionalText, Phone, SafeHTML, Url
from app.kit.times import LONDON, from_london
from app.opportunities.models import (
    EARLIEST,
    LATEST,
    MOST_SESSIONS,
    OLDEST,
    Delivery,
    Kind,
    PricePer,
    SessionStatus,
)
from app.vocabularies.models import TermId


def _pence(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


Money = Annotated[
    Decimal,
    Described(ge=0, le=100_000, decimal_places=2, examples=["3.50"]),
    AfterValidator(_pence),
]
Age = Annotated[float, Described(ge=0, le=OLDEST, allow_inf_nan=False)]
Code = Annotated[str, Described(pattern=r"^[EWSN]\d{8}$", examples=["E08000025"])]
Terms = Annotated[list[TermId], Described(max_length=20)]


def _london(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("Use an ISO 8601 date and time, such as 2027-02-15T10:00.") from None
    return from_london(value) if isinstance(value, datetime) else value


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_london),
    # Not the format `date-time`, which demands an offset.
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}",
            "description": "ISO 8601; without an offset it is London's time.",
            "examples": ["2027-02-15T10:00:00"],
        }
    ),
]


class SessionWrite(Write):
    """One occasion: a start (and an end), or a date when no time is stated."""

    read_only = frozenset({"id", "weekday"})

    external_id: Line | None = Field(
        default=None, max_length=200, description="Your own id; keeps the session's id stable."
    )
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    date: Annotated[dt.date | None, Described(description="When no time is stated.")] = None
    status: SessionStatus = SessionStatus.SCHEDULED
    capacity: int | None = Field(default=None, ge=0, le=1_000_000)
    places_left: int | None = Field(default=None, ge=0, le=1_000_000)

    @model_validator(mode="after")
    def order(self) -> Self:
        """A session has one kind of start, ends after it, and lies in this century."""
        if self.starts_at and self.date == self.starts_at.astimezone(LONDON).date():
            self.date = None  # as it was read: the day of the start beside the start
        if (self.starts_at is None) == (self.date is None):
            raise MemberError(
                "Give either starts_at or date.", "date" if self.date else "starts_at"
            )
        if self.ends_at and (self.starts_at is None or self.ends_at <= self.starts_at):
            raise MemberError("ends_at must come after starts_at.", "ends_at")
        if self.ends_at and self.starts_at and (self.ends_at - self.starts_at).days > 400:
            raise MemberError("A session lasts at most 400 days.", "ends_at")
        day = self.date or (self.starts_at and self.starts_at.date())
        if day and not EARLIEST <= day.year < LATEST:
            raise MemberError(
                f"A session lies between {EARLIEST} and {LATEST}.",
                "date" if self.date else "starts_at",
            )
        return self


class Recurrence(Write):
    """A rule by which sessions repeat (RFC 5545), expanded for 400 days."""

    rrule: Line = Field(max_length=300, description="Such as FREQ=WEEKLY;BYDAY=TU;COUNT=10.")
    exdates: Annotated[list[date], Described(max_length=400)] = Field(
        default_factory=list, description="London days on which it does not take place."
    )
    starts_at: Instant
    ends_at: Instant | None = None

    @model_validator(mode="after")
    def order(self) -> Self:
        """The first occasion ends after it starts."""
        if self.ends_at and self.ends_at <= self.starts_at:
            raise MemberError("ends_at must come after starts_at.", "ends_at")
        if not EARLIEST <= self.starts_at.year < LATEST:
            raise MemberError(f"A session lies between {EARLIEST} and {LATEST}.", "starts_at")
        return self


class VenueItem(Write):
    """A place given in full, when it is not one of the organisation's venues."""

    read_only = frozenset({"id", "slug", "href", "authority", "hidden"})

    name: Line = Field(max_length=160)
    address: Line | None = Field(default=None, max_length=300)
    postcode: Line | None = Field(
        default=None, max_length=10, schema_extra={"examples": ["B1 1BB"]}
    )
    lat: Annotated[float | None, Described(ge=-90, le=90, allow_inf_nan=False)] = None
    lng: Annotated[float | None, Described(ge=-180, le=180, allow_inf_nan=False)] = None
    access: Terms = Field(default_factory=list)

    @model_validator(mode="after")
    def both(self) -> Self:
        """A latitude needs a longitude."""
        if (self.lat is None) != (self.lng is None):
            raise MemberError(
                "Give both lat and lng, or neither.", "lat" if self.lat is None else "lng"
            )
        return self


class Price(Write):
    """What it costs. `free` means free to everyone."""

    model_config = {"extra": "forbid", "populate_by_name": True}

    free: bool = False
    lowest: Money | None = Field(default=None, alias="from", description="In pounds.")
    highest: Money | None = Field(default=None, alias="to", description="In pounds.")
    per: PricePer | None = None
    text: Line | None = Field(default=None, max_length=300)
    concessions: Terms = Field(default_factory=list)
    pay_what_you_can: bool = False
    bursary: bool = False

    @model_validator(mode="after")
    def order(self) -> Self:
        """Prices are in order, and nothing free costs money."""
        if self.highest is not None and (self.lowest is None or self.highest < self.lowest):
            raise MemberError("`to` needs a `from` that is not above it.", "to")
        if self.free and (self.lowest or self.highest):
            raise MemberError("`free` means free to everyone: leave out `from` and `to`.", "free")
        return self

    @property
    def is_stated(self) -> bool:
        """Whether a reader learns what to pay."""
        return bool(self.free or self.pay_what_you_can or self.text or self.lowest is not None)


class Booking(Write):
    """How to book."""

    url: Url | None = None
    required: bool | None = None
    phone: Annotated[Phone | None, OptionalText] = None
    email: Annotated[Email | None, OptionalText] = None
    opens_at: Instant | None = None
    closes_at: Instant | None = None

    @model_validator(mode="after")
    def order(self) -> Self:
        """Booking closes after it opens."""
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise MemberError("closes_at must come after opens_at.", "closes_at")
        return self


class Image(Write):
    """A picture, with a text for those who cannot see it."""

    url: Url
    alt: Line = Field(max_length=300)
    credit: Line | None = Field(default=None, max_length=200)


class Contact(Write):
    """A public contact: a role, not a private person."""

    role: Line | None = Field(default=None, max_length=120)
    email: Annotated[Email | None, OptionalText] = None
    phone: Annotated[Phone | None, OptionalText] = None
    url: Url | None = None


REGION = "region"
"""In `outreach_areas`: everywhere in the region."""


class OpportunityWrite(Write):
    """A listing as it is written: the whole of it. What is left out is cleared."""

    read_only = ROW_MEMBERS | {
        "status",
        "quality",
        "source",
        "origins",
        "authority",
        "partnerships",
        "key_stages",
        "first_session_at",
        "next_session_at",
        "last_session_at",
        "change_number",
        "published_at",
        "duplicate_of",
        "distance_km",
        "last_seen_at",
        "region_wide",
        "missing",
        "pending",
        "pending_changes",
        "corrections",
        "rejection_reason",
        "asked_at",
        "would_raise",
        "demo",
    }

    title: Line = Field(max_length=160, schema_extra={"examples": ["Saturday dance club"]})
    summary: Annotated[Line | None, OptionalText] = Field(default=None, max_length=400)
    description: SafeHTML = ""
    kind: Kind | None = None
    artforms: Terms = Field(default_factory=list, schema_extra={"examples": [["dance"]]})
    themes: Terms = Field(default_factory=list)
    provider: Referred | None = Field(
        default=None, description="The organisation that offers it; by default the source's."
    )
    programme: Referred | None = None
    audiences: Terms = Field(default_factory=list)
    age_min: Age | None = Field(default=None, description="In years, inclusive.")
    age_max: Age | None = Field(default=None, description="In years, inclusive.")
    delivery: Delivery = Delivery.IN_PERSON
    outreach_areas: Annotated[list[Code | Literal["region"]], Described(max_length=40)] = Field(
        default_factory=list,
        description="Authorities to which it comes, by GSS code, or `region`.",
    )
    venue: VenueItem | Referred | None = Field(
        default=None, description="A place in full, or the id or slug of a known venue."
    )
    sessions: Annotated[list[SessionWrite], Described(max_length=MOST_SESSIONS)] = Field(
        default_factory=list
    )
    recurrence: Recurrence | None = Field(
        default=None, description="Sessions are then made from the rule, and not looked at."
    )
    always_available: bool = False
    price: Price | None = None
    access: Terms = Field(default_factory=list, description="Access and SEND features.")
    access_text: Annotated[Line | None, OptionalText] = Field(default=None, max_length=500)
    booking: Booking | None = None
    image: Image | None = None
    contact: Contact | None = None
    licence: Annotated[Line | None, OptionalText] = Field(default=None, max_length=120)
    url: Url | None = Field(default=None, description="Your own page about it.")

    @model_validator(mode="after")
    def consistent(self) -> Self:
        """Ages in order; dated or always available, not both; sessions by name or by a rule."""
        if self.age_min is not None and self.age_max is not None and self.age_max < self.age_min:
            raise MemberError("age_max must not be below age_min.", "age_max")
        if self.always_available and (self.sessions or self.recurrence):
            raise MemberError(
                "always_available means no sessions and no recurrence.", "always_available"
            )
        if self.recurrence:
            self.sessions = []  # they are made from the rule
        seen: set[str] = set()
        for place, session in enumerate(self.sessions):
            if session.external_id:
                if session.external_id in seen:
                    raise MemberError(
                        f"Two sessions have the external_id {session.external_id}.",
                        *("sessions", place, "external_id"),
                    )
                seen.add(session.external_id)
        return self

    @field_validator("outreach_areas", mode="before")
    @classmethod
    def as_they_were_read(cls, value: Any) -> Any:
        """An authority may be sent as it was read, with its name and address."""
        if not isinstance(value, list):
            return value
        return [one.get("code", one) if isinstance(one, dict) else one for one in value]

    @field_validator("artforms", "themes", "audiences", "access", "outreach_areas")
    @classmethod
    def once_each(cls, value: list[str]) -> list[str]:
        """Keep the order, drop what is said twice."""
        return list(dict.fromkeys(value))


class OpportunityCorrectionWrite(OpportunityWrite):
    """What a moderator or an editor changes of a listing."""

    reason: str | None = Field(
        default=None,
        min_length=3,
        max_length=500,
        description="Why; needed where a partner's listing is corrected, and read by the partner.",
    )
