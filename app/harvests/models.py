"""Harvests, how far each feed was followed, and what was found in it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.kit.database import enum_type
from app.kit.identifiers import uuid7
from app.kit.times import now
from app.opportunities.planned import Outcome

MOST_PROBLEMS = 100
"""Told of one harvest: a feed that is wrong a million times is wrong in one way."""


class HarvestOutcome(StrEnum):
    """How a harvest stands or ended."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    FAILED = "failed"


OPEN = (HarvestOutcome.WAITING, HarvestOutcome.RUNNING)


class Harvest(SQLModel, table=True):
    """One time that a source's listings were fetched."""

    __table_args__ = (
        Index("ix_harvest_source", "source_pk", "pk"),
        Index("ix_harvest_outcome", "outcome", "pk"),
    )

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True)
    source_pk: int = Field(foreign_key="source.pk")
    asked_by: str = Field(max_length=16, description="The public part of a key, or `schedule`.")
    asked_at: datetime = Field(default_factory=now)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: HarvestOutcome = Field(
        default=HarvestOutcome.WAITING, sa_type=enum_type(HarvestOutcome)
    )
    held_by: str | None = Field(default=None, max_length=64, description="Who fetches it.")
    held_until: datetime | None = Field(default=None, description="When another may go on with it.")
    confirm_withdraw: int | None = None
    would_withdraw: int | None = None
    counts: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    problems: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    batches: list[str] = Field(default_factory=list, sa_type=JSON)


class HarvestPosition(SQLModel, table=True):
    """How far one feed of a source was followed."""

    __tablename__ = "harvest_position"
    __table_args__ = (UniqueConstraint("source_pk", "address"),)

    pk: int | None = Field(default=None, primary_key=True)
    source_pk: int = Field(foreign_key="source.pk")
    address: str = Field(max_length=2_000)
    next_url: str = Field(max_length=2_000, description="The page to read next.")
    etag: str | None = Field(default=None, max_length=200, description="Of that page, if read.")
    modified: str | None = Field(default=None, max_length=80, description="Its Last-Modified.")
    read_at: datetime | None = None
    ended: bool = Field(default=False, description="Whether its end was reached.")
    stopped: int | None = Field(default=None, description="404 or 410, which ended it for good.")


class HarvestedItem(SQLModel, table=True):
    """An item of an RPDE feed as it was last told."""

    __tablename__ = "harvested_item"
    __table_args__ = (Index("ix_harvested_item_name", "source_pk", "name"),)

    position_pk: int = Field(foreign_key="harvest_position.pk", primary_key=True)
    kind: str = Field(max_length=60, primary_key=True)
    item_id: str = Field(max_length=200, primary_key=True)
    source_pk: int = Field(foreign_key="source.pk")
    modified: int = Field(sa_type=BigInteger)
    name: str = Field(
        max_length=200, description="Of the listing that it is, or of the one it is a session of."
    )
    data: bytes | None = Field(
        default=None, sa_type=LargeBinary, description="As JSON; none once it was deleted."
    )


class HarvestDue(SQLModel, table=True):
    """A listing that is to be made anew of what was found."""

    __tablename__ = "harvest_due"

    source_pk: int = Field(foreign_key="source.pk", primary_key=True)
    name: str = Field(max_length=200, primary_key=True)


# --- as they are shown ------------------------------------------------------------------------


class HarvestProblem(SQLModel):
    """Something that was wrong with a feed."""

    url: str = Field(description="The page.")
    item: str | None = Field(default=None, description="The id of the item, if it is about one.")
    code: str
    detail: str = Field(description="What is wrong, and what to change.")


class HarvestCounts(SQLModel):
    """What was fetched."""

    pages: int = 0
    bytes: int = 0
    items: int = Field(default=0, description="Items that said something new.")
    deleted: int = Field(default=0, description="Of these, those that were deleted.")
    ignored: dict[str, int] = Field(
        default_factory=dict, description="Items of kinds that are no listings."
    )
    listings: dict[Outcome, int] = Field(
        default_factory=dict, description="What became of the listings."
    )


class BatchReference(SQLModel):
    """A batch that a harvest sent in."""

    id: UUID
    href: str


class HarvestRead(SQLModel):
    """One time that a source's listings were fetched."""

    id: UUID
    href: str
    source: str
    outcome: HarvestOutcome = Field(
        description="`incomplete`: a bound was reached, and the next goes on from there; `refused`:"
        " it would withdraw too much; `failed`: the problems say why, and what was good is kept."
    )
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    counts: HarvestCounts
    would_withdraw: int | None = Field(
        description="What `confirm_withdraw` must say for so many to be withdrawn."
    )
    problems: list[HarvestProblem] = Field(description=f"The first {MOST_PROBLEMS}.")
    batches: list[BatchReference] = Field(description="What became of each listing.")
