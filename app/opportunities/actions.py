"""Correcting listings, and editing those that are kept by hand."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from app.access import audit
from app.access.models import Caller, Role
from app.deliveries.actions import announce
from app.kit.problems import (
    CONFLICT,
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    Kind,
    Problem,
    invalid,
)
from app.kit.shapes import merged
from app.kit.times import now
from app.opportunities import differences, documents, intake, queries, storing
from app.opportunities.life import Rules
from app.opportunities.models import Opportunity, Status
from app.opportunities.moderation import origin_of, refused
from app.opportunities.planned import Item, Outcome
from app.opportunities.written import OpportunityWrite

EDIT_AT_SOURCE = Kind(
    "edit_at_source", 409, "Edit it at its source",
    "This listing comes from your own system. Change it there and push it again.",
)  # fmt: skip


def editable(session: Session, caller: Caller, identifier: Any) -> Opportunity:
    """A listing that the caller sees, locked until the end of the transaction."""
    statement = queries.visible_to(caller).where(col(Opportunity.id) == identifier)
    locked = statement.with_for_update(key_share=True)
    row: Opportunity | None = session.execute(locked).scalar_one_or_none()
    if row is None:
        if queries.was_public(session, identifier):
            raise Problem(GONE)
        raise Problem(NOT_FOUND, "There is no listing with this id.")
    return row


def confirm(session: Session, caller: Caller, row: Opportunity, rules: Rules) -> None:
    """Say that a listing without an end is still on; one that expired unanswered comes back.

    That is no change of a published listing: neither its version nor its number moves.
    """
    if not queries.may_moderate(session, caller, row.pk or 0):
        _must_manage(session, caller, row)
    if row.last_session_ends_at is not None:
        raise Problem(CONFLICT, "It has dates and ends with them: there is nothing to confirm.")
    if row.status is Status.EXPIRED:
        approved = row.approved_at is not None
        _reconsider(
            session,
            row,
            row.payload,
            row.payload_digest,
            rules,
            trusted=approved,
            texts=row.origin_text,
        )
    elif row.status is not Status.PUBLISHED:
        raise Problem(
            CONFLICT, f"Only a published or expired listing is confirmed; this one is {row.status}."
        )
    session.execute(
        update(Opportunity)
        .where(col(Opportunity.pk) == row.pk)
        .values(confirmed_at=now(), asked_at=None)
        .execution_options(synchronize_session=False)
    )
    session.refresh(row)
    audit.record(session, caller, "opportunity.confirm", "opportunity", row.id, after=row.status)
    announce(session, "opportunity.confirm", {"id": str(row.id), "status": row.status.value})


def correct(
    session: Session,
    caller: Caller,
    row: Opportunity,
    patch: Mapping[str, Any],
    rules: Rules,
) -> None:
    """Edit a listing: a correction laid over what its source says, or a manual listing itself.

    A correction needs a `reason`, survives every later push, and is dropped by
    `drop_override`. Sessions are not corrected as a whole.
    """
    changes = dict(patch)
    reason = changes.pop("reason", None)
    manual = row.source_key.startswith(MANUAL)
    latest, texts = row.payload, row.origin_text
    if manual and row.pending:
        latest = differences.proposal(row.payload, row.pending)
        texts = row.pending.get("texts")
    current = OpportunityWrite.model_validate(_effective(row, latest))
    edited = merged(current, changes).model_dump(mode="json", by_alias=True)
    touched = [name for name in changes if name in OpportunityWrite.model_fields]
    if manual:
        _must_manage(session, caller, row)
        moderates = queries.may_moderate(session, caller, row.pk or 0)
        payload = {**latest, **{name: edited[name] for name in touched}}
        _reconsider(
            session,
            row,
            payload,
            intake.digest_of(payload),
            rules,
            trusted=moderates and row.approved_at is not None,
            texts=differences.mixed_texts(texts, None, touched),
            manual=True,
            reviewed=moderates,
        )
    else:
        if caller.role is Role.PUBLISHER:
            _must_manage(session, caller, row)
            raise Problem(EDIT_AT_SOURCE)
        _must_moderate(session, caller, row)
        if not isinstance(reason, str) or not 3 <= len(reason.strip()) <= 500:
            raise invalid("#/reason", "Say why, in 3 to 500 characters: the partner reads it.")
        if "sessions" in touched or "recurrence" in touched:
            raise invalid("#/sessions", "Sessions cannot be corrected as a whole; ask the partner.")
        row.overrides = {
            **row.overrides,
            **{
                name: {
                    "value": edited[name],
                    "reason": reason.strip(),
                    "by": caller.key_id,
                    "role": caller.role.value,
                    "at": now().isoformat(),
                }
                for name in touched
            },
        }
        _lay_over(session, row, rules)
    _note(session, caller, row, "correct")


def drop_override(
    session: Session, caller: Caller, row: Opportunity, name: str, rules: Rules
) -> None:
    """Give a field back to the source."""
    _must_moderate(session, caller, row)
    if name not in row.overrides:
        raise Problem(NOT_FOUND, f"{name} is not corrected here.")
    row.overrides = {key: value for key, value in row.overrides.items() if key != name}
    _lay_over(session, row, rules)
    _note(session, caller, row, "drop_override")


MANUAL = "manual-"
"""The keys of manual sources start so."""


def _effective(row: Opportunity, payload: Mapping[str, Any]) -> dict[str, Any]:
    corrected = {name: override["value"] for name, override in row.overrides.items()}
    return {**payload, **corrected}


def _lay_over(session: Session, row: Opportunity, rules: Rules) -> None:
    """Lay the corrections over the payload again; neither its state nor what waits changes."""
    if row.status is Status.WITHDRAWN:
        raise Problem(CONFLICT, "It is withdrawn. Restore it before you correct it.")
    waiting, approved = row.pending, row.approved_at is not None
    _reconsider(
        session,
        row,
        row.payload,
        row.payload_digest,
        rules,
        trusted=approved,
        texts=row.origin_text,
    )
    row.pending = waiting


def _reconsider(
    session: Session,
    row: Opportunity,
    payload: Mapping[str, Any],
    digest: str,
    rules: Rules,
    *,
    trusted: bool,
    texts: Mapping[str, Any] | None,
    manual: bool = False,
    reviewed: bool = True,
) -> None:
    """Run a listing's own payload through the intake again, and apply what comes of it."""
    session.flush()
    origin = origin_of(row, trusted=trusted, manual=manual, reviewed=reviewed)
    item = Item(0, row.external_id, dict(payload), texts=texts)
    (planned,) = intake.plan(session, origin, [item], rules, force=True)
    if planned.outcome is Outcome.REJECTED:
        raise refused(planned)
    planned.digest = digest
    planned.columns["payload_digest"] = digest
    storing.apply(session, origin, [planned])
    session.refresh(row)


def _must_manage(session: Session, caller: Caller, row: Opportunity) -> None:
    if not queries.is_managed(session, caller, row.pk or 0):
        raise Problem(FORBIDDEN, "This listing belongs to another organisation.")


def _must_moderate(session: Session, caller: Caller, row: Opportunity) -> None:
    if not queries.may_moderate(session, caller, row.pk or 0):
        raise Problem(FORBIDDEN, "Only staff and the coordinators of its area decide about it.")


def _note(session: Session, caller: Caller, row: Opportunity, action: str) -> None:
    row.updated_at = now()
    session.add(row)
    session.flush()
    documents.mark(session, [row.pk or 0])
    audit.record(session, caller, f"opportunity.{action}", "opportunity", row.id, after=row.status)
    announce(session, f"opportunity.{action}", {"id": str(row.id), "status": row.status.value})
