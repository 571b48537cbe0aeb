"""What owners and moderators are shown of a listing besides its public form."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel


class CorrectionRead(SQLModel):
    """That a field was corrected here, and why."""

    reason: str
    at: datetime


class PendingSessionChange(SQLModel):
    """A session that would change: as it is approved, and as its source has it now."""

    approved: dict[str, Any]
    proposed: dict[str, Any]


class PendingSessions(SQLModel):
    """How the sessions would change; one is recognised by its external id, else by its start."""

    added: list[dict[str, Any]]
    removed: list[dict[str, Any]]
    changed: list[PendingSessionChange]


class PendingChange(SQLModel):
    """One thing that would change."""

    field: str = Field(description="The member, as `approve` and `reject` name it.")
    pointer: str = Field(
        description="Where in the listing the two differ.",
        schema_extra={"examples": ["#/price/from"]},
    )
    approved: Any = Field(description="What is in force; null for sessions.")
    proposed: Any = Field(description="What the source says now; null for sessions.")
    text: str | None = Field(description="What a person wrote at the source, if it was a text.")
    overridden: bool = Field(
        description="A correction lies over this field: what is proposed will not show."
    )
    sessions: PendingSessions | None = Field(description="For sessions: which ones change.")


class PendingRead(SQLModel):
    """The change that waits beside what is approved, field by field."""

    since: datetime
    version: int = Field(description="Of the listing; for If-Match.")
    changes: list[PendingChange]
