"""Sources, the batches they push, and what became of each item."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field as Described
from pydantic import field_validator, model_validator
from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from app.kit.database import Row, enum_type
from app.kit.identifiers import uuid7
from app.kit.problems import MemberError
from app.kit.shapes import ROW_MEMBERS, Reference, Referred, Write
from app.kit.text import Line, Slug, Url
from app.kit.times import now
from app.opportunities.models import Status
from app.opportunities.planned import Outcome
from app.opportunities.remarks import Remark
from app.opportunities.written import OpportunityWrite
from app.sources.cell_values import VOCABULARIES
from app.sources.columns import is_field
from app.sources.headings import FIELDS
from app.sources.state_models import SourceState

MOST_WORDS = 1_000
"""Words of a source for the terms of one column."""
TERM_COLUMNS = frozenset({*VOCABULARIES, "kind", "status", "delivery"})


MOST_ITEMS = 10_000
"""Items of one batch."""


class SourceKind(StrEnum):
    """How a source's listings arrive."""

    PUSH = "push"
    SPREADSHEET = "spreadsheet"
    MANUAL = "manual"
    RPDE = "rpde"
    ICAL = "ical"
    CSV_URL = "csv_url"


HARVESTED = frozenset({SourceKind.RPDE, SourceKind.ICAL, SourceKind.CSV_URL})
"""Kinds of sources that push nothing: their listings are fetched."""


class Trust(StrEnum):
    """Whether a source's listings are published at once or wait for a moderator."""

    TRUSTED = "trusted"
    MODERATED = "moderated"


class Mode(StrEnum):
    """What a batch means for what it leaves out."""

    UPSERT = "upsert"
    REPLACE = "replace"


class Format(StrEnum):
    """What a batch was sent as; its bytes decide."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    XLSX = "xlsx"
    RPDE = "rpde"
    ICAL = "ical"


class MappingWrite(Write):
    """How a source's spreadsheets are read: their headings, and their words for our terms."""

    columns: dict[str, str | None] = Field(
        default_factory=dict,
        max_length=200,
        description="Their heading and our column; empty: it is kept, and not read.",
        schema_extra={"examples": [{"Activity": "title", "Internal note": ""}]},
    )
    values: dict[str, dict[str, str | None]] = Field(
        default_factory=dict,
        max_length=20,
        description="For each of our columns, their word and our term; empty: it says nothing.",
        schema_extra={"examples": [{"artforms": {"Street": "dance"}}]},
    )

    @field_validator("columns")
    @classmethod
    def known_columns(cls, value: dict[str, str | None]) -> dict[str, str | None]:
        """Only columns that there are; an empty name, which a patch can say, is none."""
        value = {heading: name or None for heading, name in value.items()}
        for heading, name in value.items():
            if name is not None and not is_field(name):
                allowed = ", ".join(field.name for field in FIELDS)
                raise ValueError(f"{heading!r}: there is no column {name!r}. Use one of {allowed}.")
        return value

    @field_validator("values")
    @classmethod
    def known_fields(
        cls, value: dict[str, dict[str, str | None]]
    ) -> dict[str, dict[str, str | None]]:
        """Only columns that hold terms, and not too many words."""
        for name, words in value.items():
            if name not in TERM_COLUMNS:
                raise ValueError(
                    f"{name!r} holds no terms. Use one of {', '.join(sorted(TERM_COLUMNS))}."
                )
            if len(words) > MOST_WORDS:
                raise ValueError(f"{name} has more than {MOST_WORDS} words.")
        return {
            name: {word: term or None for word, term in words.items()}
            for name, words in value.items()
        }


class SourceFields(SQLModel):
    """What a source says of itself."""

    name: Line = Field(max_length=160, description="What people call this system.")
    paused: bool = Field(default=False, description="Whether pushes are refused for now.")
    max_listings: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Drafts, submitted and published listings that it may have; staff set it. "
        "None: as many as the service allows every source.",
    )
    pushes_per_hour: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="What it may push in an hour, a batch counting as twenty; staff set it. "
        "None: as the service allows every source.",
    )
    feed_url: Url | None = Field(
        default=None,
        max_length=2_000,
        description="Where its listings are fetched from, for the kinds `rpde` (a feed, or the "
        "dataset page that names several), `ical` and `csv_url`.",
        schema_extra={"examples": ["https://dance-hub.example.org/openactive"]},
    )
    harvest_hours: int | None = Field(
        default=24,
        ge=1,
        le=720,
        description="Hours from one harvest to the next. None: only when it is asked for.",
    )


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
    harvest_hours: int | None = None  # without a default, which would take the place of None
    trust: Trust = Field(sa_type=enum_type(Trust))
    defaults: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    providers: list[int] = Field(default_factory=list, sa_type=JSON)
    mapping: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    revision: int = Field(default=0, description="Counts the pushes that changed something.")
    last_push_at: datetime | None = None
    push_arrival_at: datetime | None = Field(
        default=None, description="When its allowance of pushes will be whole again."
    )
    deleted_at: datetime | None = None
    demo: bool = False


class SourceWrite(Write, SourceFields):
    """A source as it is written."""

    read_only = (
        ROW_MEMBERS | {"listings", "last_push_at", "organisation_name", "demo", "state"}
    ) - {"key"}

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

    mapping: MappingWrite = Field(
        default_factory=MappingWrite,
        description="How its spreadsheets are read; `mapping/preview` shows what comes of it.",
    )

    @model_validator(mode="after")
    def address_fits_kind(self) -> "SourceWrite":
        """What is fetched needs an address; what is pushed has none."""
        if (self.kind in HARVESTED) != (self.feed_url is not None):
            kinds = ", ".join(sorted(HARVESTED))
            raise MemberError(
                f"Give `feed_url` for the kinds {kinds}, and for no other.", "feed_url"
            )
        return self

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


class MappingRead(SQLModel):
    """How a source's spreadsheets are read."""

    columns: dict[str, str | None] = Field(default_factory=dict)
    values: dict[str, dict[str, str | None]] = Field(default_factory=dict)


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
    mapping: MappingRead
    last_push_at: datetime | None
    listings: dict[str, int] = Field(description="How many listings it has in each state.")
    state: SourceState
    demo: bool
    version: int
    created_at: datetime
    updated_at: datetime


class Batch(SQLModel, table=True):
    """One push of many items, and what became of them."""

    __table_args__ = (
        Index("ix_batch_source", "source_pk", "received_at"),
        Index("ix_batch_caller", "caller", "received_at"),
    )

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True)
    source_pk: int = Field(foreign_key="source.pk")
    caller: str = Field(max_length=16)
    received_at: datetime = Field(default_factory=now)
    format: Format = Field(sa_type=enum_type(Format))
    mode: Mode = Field(sa_type=enum_type(Mode))
    counts: dict[str, int] = Field(sa_type=JSON)
    notes: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    columns: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)


class BatchItem(SQLModel, table=True):
    """What became of one item of a batch."""

    __tablename__ = "batch_item"
    __table_args__ = (Index("ix_batch_item_outcome", "batch_pk", "outcome", "position"),)

    batch_pk: int = Field(foreign_key="batch.pk", primary_key=True)
    position: int = Field(primary_key=True)
    left_out: bool = False
    attention: bool = Field(default=False, description="Somebody should look at it.")
    line: int | None = None
    external_id: str | None = Field(default=None, max_length=200)
    outcome: Outcome = Field(sa_type=enum_type(Outcome))
    opportunity_id: UUID | None = None
    status: str | None = Field(default=None, max_length=16)
    pending: bool = False
    missing: list[str] = Field(default_factory=list, sa_type=JSON)
    errors: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    warnings: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    corrections: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    cells: list[list[str]] | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True)),
        description="The rows of a spreadsheet that want another look, to be sent back.",
    )


class BatchWrite(SQLModel):
    """Many items at once. Each is taken or refused by itself."""

    model_config = {"extra": "forbid"}

    items: Annotated[
        list[Any],
        Described(
            min_length=1,
            max_length=MOST_ITEMS,
            description="Listings, each with its `external_id`.",
        ),
    ]


class BatchItemWrite(OpportunityWrite):
    """A listing in a batch."""

    external_id: str = Field(
        min_length=1, max_length=200, description="Your own id for it; case matters."
    )


class ItemReport(SQLModel):
    """What became of one item."""

    index: int | None = Field(
        description="Its place in the batch, from 0; none for what `replace` withdrew."
    )
    line: int | None = Field(default=None, description="Its line in the file, from 1.")
    external_id: str | None
    outcome: Outcome = Field(description="`rejected` means that it was not applied.")
    status: Status | None = Field(default=None, description="The state of the listing now.")
    id: UUID | None = Field(
        default=None,
        description="The id of the listing; once it is merged, of the one that stands for it.",
    )
    href: str | None = None
    pending: bool = Field(
        default=False, description="The change waits for a moderator; what is public stays."
    )
    missing: list[str] = Field(
        default_factory=list, description="What it needs before it can be published."
    )
    errors: list[Remark] = Field(default_factory=list, description="Why it was not applied.")
    warnings: list[Remark] = Field(
        default_factory=list, description="What is odd about it; it was applied all the same."
    )
    corrections: dict[str, str] = Field(
        default_factory=dict,
        description="Members that a moderator corrected, and why: the correction stays in force.",
    )


class BatchNote(SQLModel):
    """Something about a batch as a whole."""

    code: str
    detail: str


class ColumnRead(SQLModel):
    """How a column of a spreadsheet was understood."""

    heading: str
    field: str | None = Field(description="Our column; none: its text is kept, and not read.")
    label: str | None = None
    how: str = Field(description="saved, exact, synonym or unmapped.")
    samples: list[str] = Field(default_factory=list, description="Up to three of its values.")
    doubts: list[BatchNote] = Field(default_factory=list)


class BatchSummary(SQLModel):
    """A batch: what was sent, and how many items came to what."""

    id: UUID | None = Field(default=None, description="None for a dry run: nothing is stored.")
    href: str | None = None
    source: str
    format: Format
    mode: Mode
    dry_run: bool = False
    received_at: datetime
    counts: dict[Outcome, int]


class BatchReport(BatchSummary):
    """What became of a batch. The items that are not `unchanged` are listed, at most 1,000."""

    confirm_withdraw: int | None = Field(
        default=None,
        description="Of a dry run: what the parameter must say for so many to be withdrawn.",
    )
    notes: list[BatchNote] = Field(
        default_factory=list, description="What is to be known of it as a whole."
    )
    columns: list[ColumnRead] = Field(
        default_factory=list, description="How each column of a spreadsheet was read."
    )
    items: list[ItemReport]


class PreviewRow(SQLModel):
    """A row of a spreadsheet as it was understood."""

    line: int
    external_id: str | None
    item: dict[str, Any] = Field(description="The listing that comes of it.")
    texts: dict[str, str] = Field(description="What stood in the cells of each of our columns.")
    confidence: dict[str, float] = Field(description="From 0 to 1, where it is not certain.")
    kept: dict[str, str] = Field(description="What stood under headings that mean nothing to us.")
    errors: list[Remark]
    warnings: list[Remark]


class MappingPreview(SQLModel):
    """How a spreadsheet would be read. Nothing is stored."""

    format: Format
    sheet: str | None
    encoding: str | None
    separator: str | None
    heading_line: int
    total: int = Field(description="Rows in it.")
    columns: list[ColumnRead]
    unfilled: list[str] = Field(description="Columns that publishing needs, and are not there.")
    mapping: MappingRead = Field(description="What was understood, ready to be saved.")
    notes: list[BatchNote]
    rows: list[PreviewRow] = Field(description="The first rows.")


class ItemResult(ItemReport):
    """What became of one listing."""

    opportunity: dict[str, Any] | None = Field(
        default=None, description="The listing as it stands now."
    )
