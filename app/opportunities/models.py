"""A listing, its sessions, what is written about it and what is read."""

import datetime as dt
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic import Field as Described
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from app.authorities.models import AuthorityReference
from app.kit.database import MAXIMUM_INTEGER, Row, enum_type
from app.kit.identifiers import uuid7
from app.kit.shapes import ROW_MEMBERS, Reference, Referred, Write
from app.kit.text import Email, Line, OptionalText, Phone, SafeHTML, Url
from app.kit.times import LONDON, from_london, now
from app.vocabularies.models import TermId

EARLIEST = 2000
LATEST = 2100
MOST_SESSIONS = 1_000
OLDEST = 120.0
FAR_FUTURE = "9999-12-31T00:00:00+00:00"


class Kind(StrEnum):
    """What sort of thing a listing offers."""

    WORKSHOP = "workshop"
    COURSE = "course"
    CLUB = "club"
    PERFORMANCE = "performance"
    EXHIBITION = "exhibition"
    FESTIVAL = "festival"
    SCHOOL_VISIT = "school_visit"
    OUTREACH = "outreach"
    RESIDENCY = "residency"
    CPD = "cpd"
    TEACHERS_NETWORK = "teachers_network"
    YOUTH_BOARD = "youth_board"
    WORK_EXPERIENCE = "work_experience"
    APPRENTICESHIP = "apprenticeship"
    ARTS_AWARD = "arts_award"
    HOLIDAY_ACTIVITY = "holiday_activity"
    COMMISSION = "commission"
    FUNDING = "funding"
    LOAN_RESOURCE = "loan_resource"
    ONLINE_RESOURCE = "online_resource"
    MEETING = "meeting"


class Delivery(StrEnum):
    """How a listing reaches people."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    HYBRID = "hybrid"
    OUTREACH = "outreach"


class Status(StrEnum):
    """The life of a listing."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class SessionStatus(StrEnum):
    """Whether a session takes place."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    FULL = "full"


class PricePer(StrEnum):
    """What one price pays for."""

    PERSON = "person"
    CHILD = "child"
    ADULT_AND_CHILD = "adult_and_child"
    FAMILY = "family"
    CLASS = "class"
    SCHOOL = "school"
    HOUR = "hour"
    SESSION = "session"
    HALF_DAY = "half_day"
    DAY = "day"
    WEEK = "week"
    TERM = "term"
    COURSE = "course"
    MEMBERSHIP = "membership"


# --- what is written --------------------------------------------------------------------------


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
            raise ValueError("Give either starts_at or date.")
        if self.ends_at and (self.starts_at is None or self.ends_at <= self.starts_at):
            raise ValueError("ends_at must come after starts_at.")
        if self.ends_at and self.starts_at and (self.ends_at - self.starts_at).days > 400:
            raise ValueError("A session lasts at most 400 days.")
        day = self.date or (self.starts_at and self.starts_at.date())
        if day and not EARLIEST <= day.year < LATEST:
            raise ValueError(f"A session lies between {EARLIEST} and {LATEST}.")
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
            raise ValueError("ends_at must come after starts_at.")
        if not EARLIEST <= self.starts_at.year < LATEST:
            raise ValueError(f"A session lies between {EARLIEST} and {LATEST}.")
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
            raise ValueError("Give both lat and lng, or neither.")
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
            raise ValueError("`to` needs a `from` that is not above it.")
        if self.free and (self.lowest or self.highest):
            raise ValueError("`free` means free to everyone: leave out `from` and `to`.")
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
            raise ValueError("closes_at must come after opens_at.")
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
        "rejection_reason",
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
            raise ValueError("age_max must not be below age_min.")
        if self.always_available and (self.sessions or self.recurrence):
            raise ValueError("always_available means no sessions and no recurrence.")
        if self.recurrence:
            self.sessions = []  # they are made from the rule
        seen: set[str] = set()
        for session in self.sessions:
            if session.external_id:
                if session.external_id in seen:
                    raise ValueError(f"Two sessions have the external_id {session.external_id}.")
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


# --- tables -----------------------------------------------------------------------------------


class Opportunity(Row, table=True):
    """A listing. What filters and sorts need stands in columns, the rest in `content`."""

    __table_args__ = (
        UniqueConstraint("source_pk", "external_id"),
        # It holds what the commonest filters look at, so that a page is found in it alone.
        Index(
            "ix_opportunity_listed",
            "status",
            "sort_at",
            "pk",
            "region_wide",
            "age_min",
            "age_max",
            "free",
            "kind",
            "delivery",
        ),
        Index("ix_opportunity_place", "status", "easting", "northing"),
        Index("ix_opportunity_provider", "provider_pk", "status"),
        Index("ix_opportunity_change_number", "change_number", unique=True),
        Index(
            "ix_opportunity_stale",
            "pk",
            sqlite_where=text("stale = 1"),
            postgresql_where=text("stale"),
        ),
        CheckConstraint("age_min IS NULL OR age_max IS NULL OR age_min <= age_max", "ages"),
    )

    source_pk: int = Field(foreign_key="source.pk")
    source_key: str = Field(max_length=80)
    source_name: str = Field(max_length=160)
    owner_pk: int = Field(
        foreign_key="organisation.pk", index=True, description="The source's organisation."
    )
    external_id: str = Field(max_length=200)
    payload: dict[str, Any] = Field(sa_type=JSON, description="The item as it was sent.")
    payload_digest: str = Field(max_length=32)
    content: dict[str, Any] = Field(sa_type=JSON, description="What is in force.")
    overrides: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    pending: dict[str, Any] | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True)),
        description="A change that awaits a moderator.",
    )
    status: Status = Field(sa_type=enum_type(Status))
    withdrawn_by: str | None = Field(default=None, max_length=10)
    rejection_reason: str | None = Field(default=None, max_length=500)
    missing: list[str] = Field(default_factory=list, sa_type=JSON)
    approved_at: datetime | None = None
    published_at: datetime | None = None
    last_seen_at: datetime = Field(default_factory=now)
    title: str = Field(max_length=160)
    kind: Kind | None = Field(default=None, sa_type=enum_type(Kind))
    delivery: Delivery = Field(sa_type=enum_type(Delivery))
    provider_pk: int | None = Field(default=None, foreign_key="organisation.pk")
    programme_pk: int | None = Field(default=None, foreign_key="programme.pk", index=True)
    venue_pk: int | None = Field(default=None, foreign_key="venue.pk", index=True)
    authority_pk: int | None = Field(default=None, foreign_key="authority.pk", index=True)
    easting: int | None = None
    northing: int | None = None
    region_wide: bool = False
    age_min: float | None = None
    age_max: float | None = None
    free: bool = False
    price_pence: int | None = Field(default=None, le=MAXIMUM_INTEGER)
    always_available: bool = False
    first_session_at: datetime | None = None
    next_session_at: datetime | None = None
    next_session_ends_at: datetime | None = None
    last_session_at: datetime | None = Field(default=None, index=True)
    last_session_ends_at: datetime | None = None
    sort_at: datetime = Field(description="The next session, or the far future.")
    search_text: str = Field(default="", sa_type=Text)
    document: str | None = Field(default=None, sa_type=Text)
    stale: bool = False
    change_number: int | None = Field(default=None, sa_type=BigInteger)
    demo: bool = False


class OpportunitySession(SQLModel, table=True):
    """One occasion of a listing: UTC for machines, London's date and minute for people."""

    __tablename__ = "opportunity_session"
    __table_args__ = (
        Index("ix_opportunity_session_times", "opportunity_pk", "starts_at", "ends_at"),
        Index("ix_opportunity_session_change_number", "change_number", unique=True),
    )

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True)
    opportunity_pk: int = Field(foreign_key="opportunity.pk")
    external_id: str | None = Field(default=None, max_length=200)
    starts_at: datetime
    ends_at: datetime
    has_time: bool = True
    has_end: bool = True
    local_date: date
    local_minute: int | None = Field(default=None, ge=0, le=1439)
    weekday: int = Field(ge=0, le=6, description="0 is Monday.")
    status: SessionStatus = Field(sa_type=enum_type(SessionStatus))
    capacity: int | None = None
    places_left: int | None = None
    deleted_at: datetime | None = None
    change_number: int | None = Field(default=None, sa_type=BigInteger)


class OpportunityArtform(SQLModel, table=True):
    """An artform of a listing, for filters."""

    __tablename__ = "opportunity_artform"
    __table_args__ = (Index("ix_opportunity_artform_code", "code", "opportunity_pk"),)

    opportunity_pk: int = Field(foreign_key="opportunity.pk", primary_key=True)
    code: str = Field(max_length=60, primary_key=True)


class OpportunityArea(SQLModel, table=True):
    """An authority that a listing reaches: its venue's, and those it comes to."""

    __tablename__ = "opportunity_area"
    __table_args__ = (Index("ix_opportunity_area_authority", "authority_pk", "opportunity_pk"),)

    opportunity_pk: int = Field(foreign_key="opportunity.pk", primary_key=True)
    authority_pk: int = Field(foreign_key="authority.pk", primary_key=True)


# --- what is read -----------------------------------------------------------------------------


class PlaceRead(SQLModel):
    """Where it takes place."""

    id: UUID | None = Field(default=None, description="Of a venue known to the service.")
    slug: str | None = None
    name: str | None
    address: str | None
    postcode: str | None
    lat: float | None
    lng: float | None
    authority: AuthorityReference | None
    access: list[str]
    hidden: bool = Field(description="The exact address is kept back; coordinates are rough.")


class SessionRead(SQLModel):
    """One occasion; times carry London's offset."""

    id: UUID
    external_id: str | None
    starts_at: str | None = Field(description="None when only the date is known.")
    ends_at: str | None
    date: dt.date
    status: SessionStatus
    capacity: int | None
    places_left: int | None


class PriceRead(SQLModel):
    """What it costs, in pounds."""

    model_config = {"populate_by_name": True}

    free: bool
    lowest: str | None = Field(default=None, alias="from")
    highest: str | None = Field(default=None, alias="to")
    per: PricePer | None
    text: str | None
    concessions: list[str]
    pay_what_you_can: bool
    bursary: bool


class RecurrenceRead(SQLModel):
    """The rule by which sessions repeat."""

    rrule: str
    exdates: list[date]
    starts_at: datetime
    ends_at: datetime | None


class BookingRead(SQLModel):
    """How to book."""

    url: str | None
    required: bool | None
    phone: str | None
    email: str | None
    opens_at: datetime | None
    closes_at: datetime | None


class ImageRead(SQLModel):
    """A picture."""

    url: str
    alt: str
    credit: str | None


class ContactRead(SQLModel):
    """A public contact."""

    role: str | None
    email: str | None
    phone: str | None
    url: str | None


class OriginRead(SQLModel):
    """Whence a listing came."""

    key: str
    name: str
    external_id: str
    url: str | None


class OpportunityRead(SQLModel):
    """A listing."""

    id: UUID
    href: str
    title: str
    summary: str | None
    description: str
    kind: Kind | None
    artforms: list[str]
    themes: list[str]
    provider: Reference | None
    partnerships: list[Reference]
    authority: AuthorityReference | None
    programme: Reference | None
    audiences: list[str]
    age_min: float | None
    age_max: float | None
    key_stages: list[str] = Field(description="Derived from the ages.")
    delivery: Delivery
    outreach_areas: list[AuthorityReference]
    region_wide: bool
    venue: PlaceRead | None
    sessions: list[SessionRead] = Field(description="The next ones; at most 50 in lists.")
    recurrence: RecurrenceRead | None
    first_session_at: datetime | None
    next_session_at: datetime | None
    last_session_at: datetime | None
    always_available: bool
    price: PriceRead | None
    access: list[str]
    access_text: str | None
    booking: BookingRead | None
    image: ImageRead | None
    contact: ContactRead | None
    licence: str | None
    status: Status
    source: OriginRead
    demo: bool = Field(description="Demonstration data, not a real offer.")
    version: int
    published_at: datetime | None
    updated_at: datetime
    change_number: int | None
    distance_km: float | None = Field(default=None, description="With `near`.")
    missing: list[str] | None = Field(
        default=None, description="What keeps it from being published (with a key)."
    )
    rejection_reason: str | None = Field(default=None, description="With a key.")
    pending: dict[str, Any] | None = Field(
        default=None, description="A change that awaits a moderator (with a key)."
    )
    last_seen_at: datetime | None = Field(
        default=None, description="When its source last sent it (with a key)."
    )
