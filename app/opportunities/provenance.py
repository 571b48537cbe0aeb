"""Where each field of a listing comes from: its source, a person's text, a correction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, Session, SQLModel

from app.access.models import Caller, Role
from app.opportunities import differences, queries, rendering
from app.opportunities.models import Opportunity
from app.opportunities.shown import OriginRead

TEAM = "the regional team"
COORDINATOR = "a coordinator"


class ParsedFrom(SQLModel):
    """The text that a person wrote in a spreadsheet."""

    text: str
    heading: str | None = Field(description="The heading of its column, as it was written.")


class KeptText(SQLModel):
    """A column of a spreadsheet that says nothing known here; its text is kept."""

    heading: str
    text: str


class OverrideRead(SQLModel):
    """A correction that lies over what the source says."""

    value: Any
    reason: str
    by: str = Field(description="The id of the key, for staff; else who it was in words.")
    at: datetime


class FieldProvenance(SQLModel):
    """One field: what the source said, what was made of it, what is in force."""

    name: str
    payload: Any = Field(description="What the source said, its defaults included; null: nothing.")
    default: bool = Field(description="The value came from the defaults of the source.")
    parsed_from: ParsedFrom | None
    confidence: float | None = Field(
        description="How sure it is that the text was understood: 0 to 1; null where it was none."
    )
    override: OverrideRead | None
    pending: Any = Field(default=None, description="The value that waits; absent if none does.")
    effective: Any = Field(description="What is in force.")


class ProvenanceRead(SQLModel):
    """A listing, field by field."""

    id: UUID
    version: int
    source: OriginRead
    payload_digest: str = Field(description="Stands for what the source said.")
    last_seen_at: datetime = Field(description="When the source last sent it.")
    fields: list[FieldProvenance]
    kept: list[KeptText] = Field(description="Columns of a spreadsheet that were not understood.")


def provenance(session: Session, caller: Caller, row: Opportunity) -> ProvenanceRead:
    """Where the fields of a listing come from; who corrected one is told by role, or to staff."""
    written = row.origin_text or {}
    statement, _ = queries.sessions_of(row)
    sessions = [rendering.session_members(one) for one in session.execute(statement)]
    sessions.sort(key=lambda one: (one["date"], one["starts_at"] or ""))
    in_force: Mapping[str, Any] = {**row.content, differences.SESSIONS: sessions}
    proposed: Mapping[str, Any] = {}
    waiting: list[str] = []
    if row.pending:
        proposed = row.pending["payload"]
        waiting = differences.waiting(row.payload, row.pending, row.overrides)
    fields = []
    for name in differences.FIELDS:
        said = written.get("texts", {}).get(name)
        known = {
            "name": name,
            "payload": row.payload.get(name),
            "default": name in written.get("defaults", ()),
            "parsed_from": {"text": said["text"], "heading": said.get("heading")} if said else None,
            "confidence": said.get("confidence") if said else None,
            "override": _override(caller, row.overrides.get(name)),
            "effective": in_force.get(name),
        }
        if name in waiting:
            known["pending"] = proposed.get(name)
        fields.append(FieldProvenance.model_validate(known))
    return ProvenanceRead(
        id=row.id,
        version=row.version,
        source=OriginRead(
            key=row.source_key,
            name=row.source_name,
            external_id=row.external_id,
            url=row.content.get("url"),
        ),
        payload_digest=row.payload_digest,
        last_seen_at=row.last_seen_at,
        fields=fields,
        kept=[KeptText(heading=h, text=t) for h, t in written.get("kept", {}).items()],
    )


def _override(caller: Caller, found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    by = COORDINATOR if found.get("role") == Role.COORDINATOR else TEAM
    if caller.is_staff and found["by"]:
        by = found["by"]
    return {"value": found["value"], "reason": found["reason"], "by": by, "at": found["at"]}
