"""The audit trail: one row for each change, in the transaction of the change itself."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, SQLModel

from app.access.models import AuditEvent, Caller
from app.kit.problems import request_id


def record(
    session: Session,
    caller: Caller,
    action: str,
    subject_kind: str,
    subject_id: object,
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """Write down who did what; `before` and `after` are kept only as digests."""
    session.add(_event(caller, action, subject_kind, subject_id, before, after))


def record_all(
    session: Session,
    caller: Caller,
    action: str,
    subject_kind: str,
    changes: Iterable[tuple[object, Any, Any]],
) -> None:
    """Write down the same action on many subjects: the id, before and after of each."""
    rows = [
        _event(caller, action, subject_kind, subject_id, before, after).model_dump(exclude={"pk"})
        for subject_id, before, after in changes
    ]
    if rows:
        session.execute(insert(AuditEvent), rows)


def _event(
    caller: Caller, action: str, subject_kind: str, subject_id: object, before: Any, after: Any
) -> AuditEvent:
    return AuditEvent(
        caller=caller.key_id or "system",
        role=caller.role.value,
        action=action,
        subject_kind=subject_kind,
        subject_id=str(subject_id)[:80],
        before_digest=digest(before),
        after_digest=digest(after),
        request_id=request_id.get(),
    )


def digest(value: Any) -> str | None:
    """Twenty-four hexadecimal digits that stand for a state, or None for nothing."""
    if value is None:
        return None
    if isinstance(value, SQLModel):
        value = value.model_dump(mode="json")
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
