"""Pairs of listings that may be one: the tables, what is read of them, what is decided."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field as Described
from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.kit.database import enum_type
from app.kit.shapes import Reference
from app.kit.text import Line
from app.kit.times import now
from app.opportunities.models import Status
from app.opportunities.shown import OriginRead


class MatchKind(StrEnum):
    """What two listings are to each other."""

    DUPLICATE = "duplicate"
    SERIES = "series"


class MatchStatus(StrEnum):
    """What people decided about a pair."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


class Decision(StrEnum):
    """What can be decided about a pair besides merging it."""

    REFUSE = "refuse"
    CONFIRM_SERIES = "confirm_series"


# --- tables -----------------------------------------------------------------------------------


class OpportunityMatchKey(SQLModel, table=True):
    """A sign by which a live listing is found among those it may be one with, as a digest."""

    __tablename__ = "opportunity_match_key"

    key: int = Field(primary_key=True, sa_type=BigInteger)
    opportunity_pk: int = Field(foreign_key="opportunity.pk", primary_key=True, index=True)


class OpportunityMatch(SQLModel, table=True):
    """A pair of listings, the earlier one first, with the grounds and the decision."""

    __tablename__ = "opportunity_match"
    __table_args__ = (
        UniqueConstraint("one_pk", "other_pk"),
        CheckConstraint("one_pk < other_pk", "in_order"),
        Index("ix_opportunity_match_listed", "status", "score", "pk"),
    )

    pk: int | None = Field(default=None, primary_key=True)
    one_pk: int = Field(foreign_key="opportunity.pk")
    other_pk: int = Field(foreign_key="opportunity.pk", index=True)
    kind: MatchKind = Field(sa_type=enum_type(MatchKind))
    score: int = Field(ge=0, le=100)
    reasons: list[str] = Field(sa_type=JSON)
    status: MatchStatus = Field(default=MatchStatus.PROPOSED, sa_type=enum_type(MatchStatus))
    decided_by: str | None = Field(default=None, max_length=16)
    decided_at: datetime | None = None
    found_at: datetime = Field(default_factory=now)


# --- what is written --------------------------------------------------------------------------


class DecisionWrite(SQLModel):
    """What is decided about a pair."""

    model_config = {"extra": "forbid"}

    decision: Decision = Field(
        description="`refuse`: they are two offers, and are not proposed again. "
        "`confirm_series`: the one follows the other, with new dates."
    )


class MergeWrite(SQLModel):
    """Into which listing another one is merged."""

    model_config = {"extra": "forbid"}

    into: UUID = Field(description="The id of the listing that stays.")
    reason: Line | None = Field(default=None, max_length=500, description="The partner reads it.")


# --- what is read -----------------------------------------------------------------------------


class MatchedListing(SQLModel):
    """A listing of a pair: enough to tell it from the other."""

    id: UUID
    href: str
    title: str
    status: Status
    provider: Reference | None
    source: OriginRead
    next_session_at: datetime | None


class MatchRead(SQLModel):
    """How near two listings are, and what was decided."""

    kind: MatchKind = Field(
        description="`duplicate`: likely the same offer. `series`: the same with new dates."
    )
    score: int = Described(ge=0, le=100, description="How sure it is.")
    reasons: list[str] = Field(description="What speaks for it and against it, in words.")
    status: MatchStatus
    found_at: datetime
    decided_at: datetime | None


class DuplicateRead(MatchRead):
    """A listing that may be the same as this one, or a part of the same series."""

    listing: MatchedListing


class DuplicatePairRead(MatchRead):
    """Two listings that may be one, the earlier first."""

    one: MatchedListing
    other: MatchedListing


def in_order(one: int, other: int) -> tuple[int, int]:
    """The keys of a pair as it is stored."""
    return (one, other) if one < other else (other, one)


def pair_columns(row: Any) -> dict[str, Any]:
    """What `MatchRead` shows of a row."""
    return {name: getattr(row, name) for name in MatchRead.model_fields}
