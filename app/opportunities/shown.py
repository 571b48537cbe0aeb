"""A listing as it is read."""

import datetime as dt
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from app.authorities.models import AuthorityReference
from app.kit.shapes import Reference
from app.opportunities.models import Delivery, Kind, PricePer, SessionStatus, Status
from app.opportunities.reviewing import CorrectionRead, PendingRead


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


class OriginalRead(SQLModel):
    """The earlier listing that this one seems to repeat, or into which it was merged."""

    id: UUID
    href: str
    title: str
    merged: bool = Field(description="Whether it was merged; else it only seems to repeat it.")
    score: int | None = Field(description="How sure it is, of 100; none of a merged one.")


class QualityReason(SQLModel):
    """One thing that is looked at in a listing, and what it is worth."""

    code: str = Field(schema_extra={"examples": ["ages"]})
    points: int = Field(description="What it is worth.")
    earned: int = Field(description="Points that the listing has of these: all or none.")
    detail: str = Field(description="Why it matters; and what to do, where it is not earned.")
    pointer: str = Field(description="The member of the listing to change.")


class QualityRead(SQLModel):
    """The quality of a listing, and what would raise it."""

    score: int = Field(description="0 to 100.")
    reasons: list[QualityReason] = Field(
        description="First what would raise the score, the best gain before the others."
    )


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
    quality: int = Field(description="0 to 100: how much it tells families and schools.")
    source: OriginRead
    origins: list[OriginRead] = Field(
        default_factory=list, description="Whence the listings came that were merged into it."
    )
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
    pending_changes: PendingRead | None = Field(
        default=None, description="The same, field by field (with a key)."
    )
    corrections: dict[str, CorrectionRead] | None = Field(
        default=None, description="The fields that were corrected here, and why (with a key)."
    )
    last_seen_at: datetime | None = Field(
        default=None, description="When its source last sent it (with a key)."
    )
    duplicate_of: OriginalRead | None = Field(
        default=None, description="Another listing that it seems to repeat (with a key)."
    )
    asked_at: datetime | None = Field(
        default=None,
        description="Since when an answer is awaited whether it is still on (with a key): "
        "`confirm` it or send it again.",
    )
    would_raise: list[QualityReason] | None = Field(
        default=None, description="What would raise its quality, best gain first (with a key)."
    )
    matched: dict[str, str] | None = Field(
        default=None,
        description="With `highlight`: safe HTML in which what was asked for is in `mark`, of the "
        "title, the summary or the description.",
    )


class FacetValue(SQLModel):
    """How many listings there would be with one value of a filter."""

    value: str
    label: str
    count: int


class Correction(SQLModel):
    """A word of `q` that was taken for another."""

    written: str
    taken_for: str


class OpportunityPart(SQLModel):
    """A listing of which only some members were asked for, by `fields`."""

    model_config = {"extra": "allow"}

    id: UUID
    href: str


class OpportunityPage(SQLModel):
    """One page of listings."""

    items: list[OpportunityRead | OpportunityPart] = Field(
        description="Whole listings; with `fields`, only what it names."
    )
    next: str | None = Field(default=None, description="The address of the next page, if any.")
    total: int | None = Field(default=None, description="All matches, with `count=true`.")
    corrected: list[Correction] = Field(
        default_factory=list,
        description="Words of `q` that are not known, and what was looked for.",
    )
    facets: dict[str, list[FacetValue]] | None = Field(
        default=None,
        description="With `facets`: for each, its values with the number of matches, counted "
        "without that filter itself; most first.",
    )
