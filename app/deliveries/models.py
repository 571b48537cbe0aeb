"""The outbox, the table of periodic jobs, and the message that a sender is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field as Described
from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from app.kit.database import Row
from app.kit.shapes import Write
from app.kit.times import now

TOPIC_LENGTH = 80
RECIPIENT_LENGTH = 320
ERROR_LENGTH = 200
SEQUENCE_LENGTH = 64

_WAITING = text("delivered_at IS NULL AND abandoned_at IS NULL")
_DELIVERED = text("delivered_at IS NOT NULL")
_DEAD = text("abandoned_at IS NOT NULL")


class Delivery(Row, table=True):
    """Something announced, to be sent at least once; its payload is all that sending needs."""

    __tablename__ = "delivery"
    __table_args__ = (
        # Only what waits is indexed, so a long history does not slow claiming.
        Index(
            "ix_delivery_waiting", "run_at", "pk", sqlite_where=_WAITING, postgresql_where=_WAITING
        ),
        Index(
            "ix_delivery_sequence",
            "sequence_key",
            "pk",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index(
            "ix_delivery_delivered",
            "delivered_at",
            sqlite_where=_DELIVERED,
            postgresql_where=_DELIVERED,
        ),
        Index("ix_delivery_dead", "abandoned_at", sqlite_where=_DEAD, postgresql_where=_DEAD),
    )

    topic: str = Field(max_length=TOPIC_LENGTH)
    recipient: str = Field(default="", max_length=RECIPIENT_LENGTH)
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    about: UUID | None = Field(
        default=None,
        index=True,
        description="What it is about, such as an enquiry: whoever erases that, erases this too.",
    )
    sequence_key: str | None = Field(
        default=None,
        max_length=SEQUENCE_LENGTH,
        description="Those of one key are sent one after the other, in the order they came in.",
    )
    run_at: datetime = Field(default_factory=now)
    attempts: int = Field(default=0, description="Attempts begun, the present one included.")
    locked_by: str | None = Field(default=None, max_length=40)
    locked_until: datetime | None = None
    delivered_at: datetime | None = None
    abandoned_at: datetime | None = None
    last_error: str | None = Field(
        default=None, max_length=ERROR_LENGTH, description="Free of personal data."
    )


class PeriodicJob(SQLModel, table=True):
    """When a job is next due, and who runs it now."""

    __tablename__ = "periodic_job"

    name: str = Field(primary_key=True, max_length=60)
    due_at: datetime
    locked_by: str | None = Field(default=None, max_length=40)
    locked_until: datetime | None = None
    last_run_at: datetime | None = Field(default=None, description="When it last began.")
    last_error: str | None = Field(
        default=None,
        max_length=ERROR_LENGTH,
        description="Why the last run failed, free of personal data.",
    )


@dataclass(frozen=True)
class Message:
    """One attempt to deliver; the id is the same at each, so that a receiver can tell repeats."""

    id: UUID
    topic: str
    recipient: str = field(repr=False)
    payload: Mapping[str, Any] = field(repr=False)
    attempt: int


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"


Topic = Annotated[str, Described(min_length=1, max_length=TOPIC_LENGTH, pattern=r"^[a-z0-9_.-]+$")]
"""A topic, or what stands before one of its dots: `mail` for `mail.notice`."""


class DeliveryRead(SQLModel):
    """Something to be sent: never to whom, nor what it says."""

    id: UUID
    href: str
    topic: str = Field(schema_extra={"examples": ["mail.notice"]})
    about: UUID | None = Field(description="The id of what it is about, such as an enquiry.")
    state: DeliveryState
    attempts: int = Field(description="Attempts begun since it was made, or last tried again.")
    last_error: str | None = Field(description="Why the last attempt failed.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="When it is due; null once it is over.")
    delivered_at: datetime | None
    dead_at: datetime | None = Field(description="When it was given up.")


class DeliveriesRetryWrite(Write):
    """Which dead letters to try again."""

    topic: Topic
    limit: int = Field(default=100, ge=1, le=500, description="At most so many, the oldest first.")


class DeliveriesRetried(SQLModel):
    """How many are tried again, and how many of that topic are still dead."""

    retried: int
    remaining: int
