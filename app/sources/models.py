"""Sources, the batches they push, and what became of each item."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field as Described
from pydantic import model_validator
from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from app.kit.database import Row, enum_type
from app.kit.identifiers import uuid7
from app.kit.problems import FieldError
from app.kit.shapes import ROW_MEMBERS, Reference, Referred, Write
from app.kit.text import Line, Slug
from app.kit.times import now
from app.opportunities.intake import Outcome
from app.opportunities.models import OpportunityWrite, Status


class SourceKind(StrEnum):
    """How a source's listings arrive."""

    PUSH = "push"
    SPREADSHEET = "spreadsheet"
    MANUAL = "manual"


class Trust(StrEnum):
    """Whether a source's listings are published at once or wait for a moderator."""

    TRUSTED = "trusted"
    MODERATED = "moderated"


class SourceFields(SQLModel):
    """What a source says of itself."""

    name: Line = Field(max_length=160, description="What people call this system.")
    paused: bool = Field(default=False, description="Whether pushes are refused for now.")


class Source(Row, SourceFields, table=True):
    """A publisher's system."""

    __table_args__ = (
        Index(
            "uq_source_key",
            "key",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    key: str = Field(max_length=80)
    organisation_pk: int = Field(foreign_key="organisation.pk", index=True)
    kind: SourceKind = Field(sa_type=enum_type(SourceKind))
    trust: Trust = Field(sa_type=enum_type(Trust))
    defaults: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    providers: list[int] = Field(default_factory=list, sa_type=JSON)
    revision: int = Field(default=0, description="Counts the pushes that changed something.")
    last_push_at: datetime | None = None
    deleted_at: datetime | None = None
    demo: bool = False


class SourceWrite(Write, SourceFields):
    """A source as it is written."""

    read_only = (ROW_MEMBERS | {"listings", "last_push_at", "organisation_name", "demo"}) - {"key"}

    key: Slug | None = Field(
        default=None, description="Its place in addresses; made from the name when left out."
    )
    organisation: Referred | None = Field(
        default=None, description="Whose it is; a publisher's own organisation by default."
    )
    kind: SourceKind = SourceKind.PUSH
    trust: Trust = Field(
        default=Trust.MODERATED, description="Staff set it; a publisher's sources are moderated."
    )
    defaults: dict[str, Any] = Field(
        default_factory=dict,
        description="Members of a listing that hold where an item leaves them out.",
    )
    providers: Annotated[list[Referred], Described(max_length=100)] = Field(
        default_factory=list,
        description="Other organisations that it may publish for; staff set them.",
    )

    @model_validator(mode="after")
    def defaults_fit(self) -> "SourceWrite":
        """Defaults are members of a listing, other than its title and sessions."""
        allowed = set(OpportunityWrite.model_fields) - {"title", "sessions", "recurrence"}
        unknown = sorted(set(self.defaults) - allowed)
        if unknown:
            raise ValueError(
                f"defaults: {unknown[0]!r} cannot have one. Allowed: {', '.join(sorted(allowed))}."
            )
        OpportunityWrite.model_validate({"title": "A title", **self.defaults})
        return self


class SourceRead(SourceFields):
    """A source."""

    id: UUID
    key: str
    href: str
    organisation: Reference | None
    kind: SourceKind
    trust: Trust
    defaults: dict[str, Any]
    providers: list[Reference]
    last_push_at: datetime | None
    listings: dict[str, int] = Field(description="How many listings it has in each state.")
    demo: bool
    version: int
    created_at: datetime
    updated_at: datetime


class Batch(SQLModel, table=True):
    """One push of many items, and what became of them."""

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True)
    source_pk: int = Field(foreign_key="source.pk", index=True)
    caller: str = Field(max_length=16)
    received_at: datetime = Field(default_factory=now)
    counts: dict[str, int] = Field(sa_type=JSON)


class BatchItem(SQLModel, table=True):
    """What became of one item of a batch."""

    __tablename__ = "batch_item"
    __table_args__ = (Index("ix_batch_item_outcome", "batch_pk", "outcome", "position"),)

    batch_pk: int = Field(foreign_key="batch.pk", primary_key=True)
    position: int = Field(primary_key=True)
    external_id: str | None = Field(default=None, max_length=200)
    outcome: Outcome = Field(sa_type=enum_type(Outcome))
    opportunity_id: UUID | None = None
    status: str | None = Field(default=None, max_length=16)
    pending: bool = False
    missing: list[str] = Field(default_factory=list, sa_type=JSON)
    errors: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)


class BatchWrite(SQLModel):
    """Many items at once. Each is taken or refused by itself."""

    model_config = {"extra": "forbid"}

    items: Annotated[
        list[Any],
        Described(
            min_length=1,
            max_length=10_000,
            description="Listings, each with its `external_id`.",
            json_schema_extra={"items": {"$ref": "#/components/schemas/BatchItemWrite"}},
        ),
    ]


class BatchItemWrite(OpportunityWrite):
    """A listing in a batch."""

    external_id: str = Field(
        min_length=1, max_length=200, description="Your own id for it; case matters."
    )


class ItemReport(SQLModel):
    """What became of one item."""

    index: int = Field(description="Its place in the batch, from 0.")
    external_id: str | None
    outcome: Outcome = Field(description="`rejected` means that it was not applied.")
    status: Status | None = Field(default=None, description="The state of the listing now.")
    id: UUID | None = Field(default=None, description="The id of the listing.")
    href: str | None = None
    pending: bool = Field(
        default=False, description="The change waits for a moderator; what is public stays."
    )
    missing: list[str] = Field(
        default_factory=list, description="What it needs before it can be published."
    )
    errors: list[FieldError] = Field(default_factory=list)


class BatchReport(SQLModel):
    """What became of a batch. The items that are not `unchanged` are listed, at most 1,000."""

    id: UUID | None = Field(default=None, description="None for a dry run: nothing is stored.")
    href: str | None = None
    source: str
    dry_run: bool = False
    received_at: datetime
    counts: dict[Outcome, int]
    items: list[ItemReport]


class ItemResult(ItemReport):
    """What became of one listing."""

    opportunity: dict[str, Any] | None = Field(
        default=None, description="The listing as it stands now."
    )
