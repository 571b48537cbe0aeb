"""What is told of a source: its state, its quality over time, its listings and what they need."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field as Described
from pydantic import field_validator, model_validator
from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from app.kit.exact import Parameters
from app.kit.pages import ListParameters
from app.kit.times import today
from app.opportunities import quality
from app.opportunities.models import Status
from app.opportunities.shown import QualityReason

STANDING = (Status.DRAFT, Status.SUBMITTED, Status.PUBLISHED)
"""The listings that a source has now: neither refused nor taken away nor over."""
MOST_DAYS = 400


class LastBatch(SQLModel):
    """The last batch of a source."""

    id: UUID
    href: str
    received_at: datetime
    counts: dict[str, int]


class OldestListing(SQLModel):
    """The published listing that its source has not sent for longest."""

    id: UUID
    href: str
    external_id: str
    title: str
    last_seen_at: datetime


class SourceHarvest(SQLModel, table=True):
    """How fetching a source's listings stands. The room that fetches writes it."""

    __tablename__ = "source_harvest"

    source_pk: int = Field(foreign_key="source.pk", primary_key=True)
    feed_url: str = Field(max_length=2_000, description="The address that the rest is about.")
    due_at: datetime | None = Field(
        default=None, index=True, description="None: only when it is asked for."
    )
    harvested_at: datetime | None = Field(
        default=None, description="When it was last fetched to the end without a fault."
    )
    failures: int = Field(default=0, description="Harvests in a row that did not end well.")
    failing_since: datetime | None = None
    why: str | None = Field(default=None, max_length=500)
    told: bool = Field(default=False, description="Whether its owner knows that it fails.")
    sweep: bool = Field(
        default=False, description="Whether what the feed does not hold is to be withdrawn."
    )


class HarvestState(SQLModel):
    """How fetching a source's listings stands."""

    href: str = Field(description="The harvests.")
    harvested_at: datetime | None = Field(
        description="When the feed was last followed to its end without a fault."
    )
    due_at: datetime | None = Field(description="When it is fetched again; none: when asked to.")
    failures: int = Field(description="Harvests in a row that did not end well.")
    failing_since: datetime | None
    why: str | None = Field(description="What is wrong with the feed, and what to do.")


class SourceState(SQLModel):
    """How a source is doing."""

    last_push_at: datetime | None
    last_batch: LastBatch | None
    listings: dict[str, int] = Field(description="How many listings it has in each state.")
    live: int = Field(description="How many are published.")
    pending: int = Field(description="Changes that await a moderator.")
    oldest_unseen: OldestListing | None
    harvest: HarvestState | None = Field(
        default=None, description="Of a source whose listings are fetched."
    )
    quality: float | None = Field(
        description="The mean of its drafts, submitted and published listings, 0 to 100."
    )


class SourceQuality(SQLModel, table=True):
    """The quality of a source's standing listings on one day, by London's calendar."""

    __tablename__ = "source_quality"

    source_pk: int = Field(foreign_key="source.pk", primary_key=True)
    day: date = Field(primary_key=True)
    listings: int
    mean: float
    gaps: dict[str, int] = Field(
        sa_type=JSON, description="How many listings miss each criterion; none is left out."
    )


class QualityDay(SQLModel):
    """The quality of a source on one day."""

    day: date
    listings: int
    mean: float = Field(description="0 to 100.")
    gaps: dict[str, int] = Field(description="How many listings miss each criterion.")


class QualityGap(SQLModel):
    """One thing that many listings of a source leave out."""

    code: str
    points: int = Field(description="What each of them would gain.")
    listings: int = Field(description="How many listings do not have it.")
    detail: str = Field(description="Why it matters, and what to do.")
    href: str = Field(description="These listings.")


class QualityNow(SQLModel):
    """The quality of a source's drafts, submitted and published listings at this moment."""

    listings: int
    mean: float | None = Field(description="0 to 100; none without listings.")
    lowest: list[QualityGap] = Field(
        description="The five things that would raise the most listings."
    )


class SourceQualityRead(SQLModel):
    """The quality of a source: now, and at the end of each day that was recorded."""

    now: QualityNow
    days: list[QualityDay]


class Period(Parameters):
    """From one day to another, both inclusive; by default the last ninety."""

    model_config = {"extra": "forbid"}

    from_: Annotated[date | None, Described(alias="from", description="The first day.")] = None
    to: Annotated[date | None, Described(description="The last day; today by default.")] = None

    @model_validator(mode="after")
    def in_order(self) -> "Period":
        """The days are in order, and not too many."""
        last = self.to or today()
        if self.from_ and self.to and last < self.from_:
            raise ValueError("`to` must not come before `from`.")
        if self.from_ and (last - self.from_).days > MOST_DAYS:
            raise ValueError(f"Ask for at most {MOST_DAYS} days at once: move `from` or `to`.")
        return self


class ListingProblem(StrEnum):
    """What may be the matter with a listing, or be known of it."""

    MISSING = "missing"
    REJECTED = "rejected"
    PENDING = "pending"
    CORRECTED = "corrected"
    ASKED = "asked"


class ListingSort(StrEnum):
    """The orders of a partner's own listings."""

    EXTERNAL_ID = "external_id"
    QUALITY = "quality"
    LAST_SEEN = "last_seen"
    UPDATED = "updated"


class ListingFilters(Parameters):
    """Which of a source's listings. The filters hold together; a repeated one is either."""

    model_config = {"extra": "forbid"}

    status: Annotated[list[Status], Described(max_length=10, description="Their state.")] = []
    problem: Annotated[
        list[ListingProblem],
        Described(
            max_length=10,
            description="`missing`: kept from publication by what is missing; `rejected`; "
            "`pending`: a change awaits a moderator; `corrected` by staff; `asked`: whether it is "
            "still on.",
        ),
    ] = []
    gap: Annotated[
        list[str],
        Described(max_length=20, description="Criteria of the quality that they do not earn."),
    ] = []
    sort: Annotated[
        ListingSort,
        Described(description="`quality`: lowest first; `last_seen`: longest ago first."),
    ] = ListingSort.EXTERNAL_ID

    @field_validator("gap")
    @classmethod
    def known_gaps(cls, value: list[str]) -> list[str]:
        """Only criteria that there are."""
        for one in value:
            if one not in quality.BITS:
                raise ValueError(f"Use one of {', '.join(quality.BITS)}.")
        return value


class ListingParameters(ListParameters, ListingFilters):
    """A page of a source's listings."""


class CorrectedField(SQLModel):
    """A member that staff corrected: what you send there stays behind the correction."""

    field: str
    reason: str
    at: datetime


class Asked(SQLModel):
    """The question whether a listing without an end is still on."""

    asked_at: datetime
    expires_at: datetime = Field(description="When it expires without an answer.")


class PartnerListing(SQLModel):
    """A listing as its partner sees it: its state, what is wrong, what would raise it."""

    id: UUID
    href: str
    external_id: str
    title: str
    status: Status
    version: int
    missing: list[str] = Field(description="What keeps it from being published.")
    rejection_reason: str | None
    pending: bool = Field(description="Whether a change awaits a moderator.")
    corrected: list[CorrectedField]
    asked: Asked | None = Field(description="Send it again, or `confirm` it.")
    what_to_do: list[str] = Field(description="All of that as sentences; empty if all is well.")
    quality: int = Field(description="0 to 100.")
    would_raise: list[QualityReason] = Field(description="The three best gains.")
    last_seen_at: datetime = Field(description="When it was last sent.")
    updated_at: datetime


def sentences(row: Any, missing: list[str], asked: Asked | None) -> list[str]:
    """What is to be done about a listing, in words; `missing` as sentences already."""
    found = list(missing)
    if row.status is Status.REJECTED and row.rejection_reason:
        found.append(f"It was rejected: {row.rejection_reason} Change it and send it again.")
    elif row.rejection_reason:
        found.append(f"A moderator wrote: {row.rejection_reason}")
    if asked:
        found.append("Nobody has sent it for long. Send it again or confirm it, or it expires.")
    return found
