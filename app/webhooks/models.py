"""Webhooks, the messages for each, and the attempts to deliver them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field as Member
from pydantic import field_validator
from sqlalchemy import JSON, BigInteger, Column, Index, text
from sqlmodel import Field, SQLModel

from app.access.models import KeyRole
from app.kit.database import Row, enum_type
from app.kit.shapes import ROW_MEMBERS, Write
from app.kit.text import Email, Line, Url
from app.kit.times import Moment, now
from app.webhooks.events import ABOUT, unknown

ERROR_LENGTH = 300
MOST_PATTERNS = 20


class Stopped(StrEnum):
    """Why nothing is sent to a webhook."""

    OWNER = "owner"
    GONE = "gone"
    FAILING = "failing"
    KEY = "key"


class MessageState(StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


# --- tables -----------------------------------------------------------------------------------


class Webhook(Row, table=True):
    """Somebody's address, what it is told, and how it goes.

    It belongs to the family of a key, so that it outlives a rotation and ends with a revocation.
    The secrets are kept as they are: to sign, they must be known, and a key to hide them with
    would lie beside them.
    """

    __tablename__ = "webhook"

    key_pk: int = Field(foreign_key="api_key.pk", index=True, description="The key that made it.")
    family: UUID = Field(index=True, description="The family of that key.")
    role: KeyRole = Field(sa_type=enum_type(KeyRole))
    organisation_pk: int | None = Field(default=None, foreign_key="organisation.pk", index=True)
    url: str = Field(max_length=2_000)
    description: str = Field(default="", max_length=200)
    email: str | None = Field(default=None, max_length=254)
    events: list[str] = Field(sa_type=JSON)
    secret: str = Field(max_length=100)
    earlier_secret: str | None = Field(default=None, max_length=100)
    earlier_until: datetime | None = None
    stopped: Stopped | None = Field(default=None, sa_type=enum_type(Stopped))
    stopped_at: datetime | None = None

    follows: bool = Field(default=False, description="It is told of listings by the change log.")
    told_to: int = Field(default=0, sa_type=BigInteger, description="Of the change log, so far.")
    looked_at: datetime = Field(
        default_factory=now, description="When it had last been given all of the change log."
    )

    failures: int = Field(default=0, description="Since the last success, one after the other.")
    failing_since: datetime | None = None
    paused_until: datetime | None = None
    succeeded_at: datetime | None = None
    served_at: datetime | None = None
    locked_by: str | None = Field(default=None, max_length=40)
    locked_until: datetime | None = None


_WAITING = text("delivered_at IS NULL AND failed_at IS NULL")


class WebhookMessage(SQLModel, table=True):
    """A message for one webhook: an event, or a run of the change log.

    A run stands for all changes beyond `after` up to `until`, each of which is sent as a message
    of its own; `position` is how far it got. So a batch of 10,000 listings is a few rows.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        Index("ix_webhook_message_webhook", "webhook_pk", "pk"),
        Index(
            "ix_webhook_message_waiting",
            "webhook_pk",
            "run_at",
            sqlite_where=_WAITING,
            postgresql_where=_WAITING,
        ),
        Index("ix_webhook_message_created_at", "created_at"),
    )

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(unique=True)
    webhook_pk: int = Field(foreign_key="webhook.pk")
    type: str = Field(max_length=60)
    data: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True)), description="None for a run."
    )
    created_at: datetime = Field(default_factory=now, description="When it happened.")
    run_at: datetime = Field(default_factory=now)
    attempts: int = Field(default=0, description="Made since it was made, moved on or replayed.")
    failing_since: datetime | None = None
    delivered_at: datetime | None = None
    failed_at: datetime | None = None

    after: int | None = Field(default=None, sa_type=BigInteger)
    until: int | None = Field(default=None, sa_type=BigInteger)
    position: int | None = Field(default=None, sa_type=BigInteger)
    new_since: datetime | None = Field(
        default=None, description="When the whole of the change log had last been looked at before."
    )
    sent: int = 0


class WebhookAttempt(SQLModel, table=True):
    """One attempt, or the attempts of a run that went well one after the other."""

    __tablename__ = "webhook_attempt"

    pk: int | None = Field(default=None, primary_key=True)
    message_pk: int = Field(foreign_key="webhook_message.pk", index=True)
    at: datetime = Field(default_factory=now)
    webhook_id: str = Field(max_length=40, description="What the last of them was sent with.")
    status_code: int | None = None
    duration_ms: int
    sent: int = Field(description="Messages that were accepted.")
    error: str | None = Field(default=None, max_length=ERROR_LENGTH)


# --- what is written --------------------------------------------------------------------------


class WebhookWrite(Write):
    """A webhook as its owner writes it."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS | {
        "key",
        "status",
        "stopped",
        "stopped_at",
        "failing_since",
        "succeeded_at",
        "waiting",
        "earlier_secret_until",
        "secret",
    }

    url: Url = Member(description="Where messages are posted to: https, on a public address.")
    events: Annotated[list[str], Member(min_length=1, max_length=MOST_PATTERNS)] = Member(
        description=f"What to be told of. {ABOUT}", examples=[["opportunity.*", "batch.finished"]]
    )
    description: Line | None = Member(default=None, max_length=200, description="For yourself.")
    email: Email | None = Member(
        default=None,
        description="Who is told by mail when the service itself disables it: the address of a "
        "role rather than of a person.",
    )

    @field_validator("events")
    @classmethod
    def are_events(cls, value: list[str]) -> list[str]:
        """Refuse a pattern that names nothing; keep each once."""
        for pattern in value:
            problem = unknown(pattern)
            if problem:
                raise ValueError(problem)
        return list(dict.fromkeys(value))


class WebhookReplayWrite(Write):
    """Which failed messages to send again."""

    since: Moment = Member(description="Those that happened at this instant or later.")


# --- what is read -----------------------------------------------------------------------------


class WebhookStatus(StrEnum):
    """Whether anything is sent."""

    ENABLED = "enabled"
    DISABLED = "disabled"


class WebhookRead(SQLModel):
    """A webhook, without its secret."""

    id: UUID
    href: str
    url: str
    events: list[str]
    description: str | None
    email: str | None = Field(description="Who is told when the service itself disables it.")
    status: WebhookStatus
    stopped: Stopped | None = Field(
        description="Why it is disabled: by its `owner`; its address answered 410 (`gone`); it "
        "was `failing` for days; its `key` was revoked or has expired."
    )
    stopped_at: datetime | None
    failing_since: datetime | None = Field(description="Null when the last attempt went well.")
    succeeded_at: datetime | None = Field(description="When a message was last accepted.")
    waiting: int = Field(description="Messages in the delivery log that wait to be sent.")
    earlier_secret_until: datetime | None = Field(
        description="Until then messages carry a signature of the secret before the last as well."
    )
    key: str = Field(description="The public part of the key that made it.")
    version: int
    created_at: datetime
    updated_at: datetime


class WebhookMade(WebhookRead):
    """A webhook with its secret: this is the only time it is shown."""

    secret: str = Field(
        description="Verify signatures with it. Keep it safe.",
        schema_extra={"examples": ["whsec_…"]},
    )


class WebhookAttemptRead(SQLModel):
    """One attempt to deliver."""

    at: datetime
    webhook_id: str = Field(description="The `webhook-id` header of the (last) message.")
    status_code: int | None = Field(description="What was answered; null if nothing was.")
    duration_ms: int
    sent: int = Field(description="Messages that were accepted.")
    error: str | None = Field(description="What went wrong, in words.")


class WebhookListingsRead(SQLModel):
    """The part of the change log that a delivery stands for."""

    after: int = Field(description="The changes beyond this number …")
    until: int = Field(description="… up to this one.")
    position: int = Field(description="How far it got.")


class WebhookDeliveryRead(SQLModel):
    """An entry of the delivery log: one event, or a run of changes of listings."""

    id: UUID = Field(description="Of an event: its `webhook-id` header.")
    href: str
    type: str
    created_at: datetime
    state: MessageState
    sent: int = Field(description="Messages that were accepted.")
    next_attempt_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None = Field(description="When it was given up. It can be replayed.")
    data: dict[str, Any] | None = Field(description="What is sent; null for a run.")
    listings: WebhookListingsRead | None = Field(
        description="Of a run: each change in it is a message of its own."
    )
    attempts: list[WebhookAttemptRead] = Field(description="The last twenty, oldest first.")


class WebhookReplayRead(SQLModel):
    """How many are sent again."""

    replayed: int
