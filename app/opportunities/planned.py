"""What was pushed, what is known of it, and what will become of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.kit.problems import FieldError
from app.opportunities import origins
from app.opportunities.life import (
    Verdict,
)
from app.opportunities.models import FAR_FUTURE, Status
from app.opportunities.occasions import Occasion
from app.opportunities.written import OpportunityWrite

UNSAID = OpportunityWrite.read_only | {"external_id"}
"""Members that say nothing of the listing: they make no difference to it."""
NEVER = datetime.fromisoformat(FAR_FUTURE)


class Outcome(StrEnum):
    """What became of one item."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Origin:
    """The facts of a source that its listings need."""

    pk: int
    key: str
    name: str
    owner_pk: int
    trusted: bool
    manual: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    providers: frozenset[int] = frozenset()
    """Other organisations that it may publish for."""
    reviewed: bool = False
    """Taken in before: what it names may have become private or retired since."""
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One listing as it arrived: its place in the push, its external id, what it says."""

    index: int | None
    """None for a listing that a complete push leaves out."""
    external_id: Any
    said: Any
    line: int | None = None
    """Where it stands in a file, from 1."""
    errors: Sequence[FieldError] = ()
    """Why it must not be applied, if that was found on the way here; warnings likewise."""
    warnings: Sequence[FieldError] = ()
    withdrawn: bool = False
    """It is there, and says of itself that it is not to be shown."""
    basis: str | None = None
    """A digest of what it was read from, if reading that may give something else tomorrow."""
    texts: Mapping[str, Any] | str | None = None
    """What a person wrote: {"texts": {field: {"text", "heading", "confidence"}}, "kept": {…}}.

    Of thousands as JSON, which takes a tenth."""


@dataclass(slots=True)
class Known:
    """What is stored of a listing already."""

    pk: int
    id: UUID
    version: int
    digest: str
    status: Status
    withdrawn_by: str | None
    approved_at: datetime | None
    published_at: datetime | None
    last_ends_at: datetime | None
    overrides: Mapping[str, Any]
    pending: Mapping[str, Any] | None
    provider_pk: int | None
    refused_digest: str | None
    missing: Sequence[str]
    gaps: Mapping[str, Any] | None = None
    merged_into_pk: int | None = None
    rejection_reason: str | None = None
    survivor: origins.Survivor | None = None
    """The listing that stands for it, if it was merged."""


@dataclass(slots=True)
class Planned:
    """What will become of one item, and why."""

    item: Item
    external_id: str | None = None
    outcome: Outcome = Outcome.REJECTED
    errors: list[FieldError] = field(default_factory=list)
    warnings: list[FieldError] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    known: Known | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What the source says where the item says nothing."""
    digest: str = ""
    write: OpportunityWrite | None = None
    """What was validated; only while it is being planned."""
    verdict: Verdict | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    occasions: list[Occasion] = field(default_factory=list)
    areas: frozenset[int] = frozenset()
    pk: int | None = None
    id: UUID | None = None

    def release(self) -> None:
        """Let go of what has been stored: of thousands it is much."""
        self.columns = {}
        self.occasions = []

    @property
    def said(self) -> dict[str, Any]:
        """What the item says of the listing."""
        return {name: value for name, value in self.item.said.items() if name not in UNSAID}

    @property
    def payload(self) -> dict[str, Any]:
        """That, with the defaults of its source; made when asked for, since it is large."""
        return {**self.defaults, **self.said}

    @property
    def origin_text(self) -> dict[str, Any] | None:
        """What a person wrote of it, and which members are defaults of the source."""
        texts = self.item.texts
        written = json.loads(texts) if isinstance(texts, str) else texts
        defaults = [name for name in self.defaults if name not in self.item.said]
        return {**(written or {}), **({"defaults": defaults} if defaults else {})} or None

    @property
    def stands_as(self) -> UUID | None:
        """The id under which it is found: its own, or that of the listing it was merged into."""
        survivor = self.known.survivor if self.known else None
        return survivor.id if survivor else self.id

    def refuse(self, where: str, detail: str, code: str) -> None:
        """Note what is wrong; the item will not be applied."""
        self.errors.append(FieldError(pointer=where, detail=detail, code=code))
        self.outcome = Outcome.REJECTED

    def warn(self, where: str, detail: str, code: str) -> None:
        """Note what is odd; the item is applied all the same."""
        self.warnings.append(FieldError(pointer=where, detail=detail, code=code))
