"""Moderating and correcting listings."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col

from app.access import audit
from app.access.models import Caller, Role
from app.deliveries.actions import announce
from app.kit.problems import (
    CONFLICT,
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    FieldError,
    Kind,
    Problem,
    invalid,
)
from app.kit.shapes import merged
from app.kit.times import now
from app.opportunities import documents, intake, queries
from app.opportunities.intake import Item, Origin, Outcome, Planned
from app.opportunities.life import PARTNER, STAFF, Rules
from app.opportunities.models import Opportunity, OpportunityWrite, Status

NOT_PUBLISHABLE = Kind(
    "not_publishable", 409, "Not ready to be published", "Add what `errors` lists, then try again."
)
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


def submit(session: Session, caller: Caller, row: Opportunity, rules: Rules) -> None:
    """Send a draft in for moderation."""
    _must_manage(session, caller, row)
    if row.status is not Status.DRAFT:
        raise Problem(CONFLICT, f"Only a draft is submitted; this listing is {row.status}.")
    _must_be_complete(session, row, row.payload, rules)
    row.status = Status.SUBMITTED
    row.rejection_reason = None
    _note(session, caller, row, "submit")


def approve(session: Session, caller: Caller, row: Opportunity, rules: Rules) -> None:
    """Publish a submitted listing, or the change that waits beside a published one."""
    _must_moderate(session, caller, row)
    if row.pending is not None:
        payload, digest = row.pending["payload"], row.pending["digest"]
        _must_be_complete(session, row, payload, rules)
        _reconsider(session, row, payload, digest, rules, trusted=True)
    elif row.status in {Status.SUBMITTED, Status.DRAFT}:
        _must_be_complete(session, row, row.payload, rules)
        _reconsider(session, row, row.payload, row.payload_digest, rules, trusted=True)
    else:
        raise Problem(CONFLICT, f"Nothing waits for approval; this listing is {row.status}.")
    _note(session, caller, row, "approve")


def reject(session: Session, caller: Caller, row: Opportunity, reason: str) -> None:
    """Refuse a submitted listing, or the change that waits beside a published one."""
    _must_moderate(session, caller, row)
    if row.pending is not None:
        # The approved content stays. The refused payload is remembered, so that sending it
        # again unchanged does not make it wait again.
        row.payload_digest = row.pending["digest"]
        row.pending = None
    elif row.status in {Status.SUBMITTED, Status.DRAFT}:
        row.status = Status.REJECTED
        row.approved_at = None
    else:
        raise Problem(CONFLICT, f"Nothing waits for a decision; this listing is {row.status}.")
    row.rejection_reason = reason
    _note(session, caller, row, "reject")


def withdraw(session: Session, caller: Caller, row: Opportunity, reason: str | None) -> None:
    """Take a listing away: by its owner until it is sent again, by moderators until `restore`."""
    moderates = queries.may_moderate(session, caller, row.pk or 0)
    if not moderates:
        _must_manage(session, caller, row)
    if row.status is Status.WITHDRAWN and row.withdrawn_by == STAFF:
        raise Problem(CONFLICT, "It is withdrawn already.")
    if row.status is Status.REJECTED:
        raise Problem(CONFLICT, "It was rejected: nothing of it is public.")
    row.status = Status.WITHDRAWN
    row.pending = None
    row.withdrawn_by = STAFF if moderates else PARTNER
    row.rejection_reason = reason
    _note(session, caller, row, "withdraw")


def restore(session: Session, caller: Caller, row: Opportunity, rules: Rules) -> None:
    """Bring back what was withdrawn, into the state that its content deserves now."""
    _must_moderate(session, caller, row)
    if row.status is not Status.WITHDRAWN:
        raise Problem(
            CONFLICT, f"Only what is withdrawn is restored; this listing is {row.status}."
        )
    row.withdrawn_by = PARTNER
    approved = row.approved_at is not None
    _reconsider(session, row, row.payload, row.payload_digest, rules, trusted=approved)
    row.rejection_reason = None
    _note(session, caller, row, "restore")


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
    latest = row.pending["payload"] if manual and row.pending else row.payload
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
    _reconsider(session, row, row.payload, row.payload_digest, rules, trusted=approved)
    row.pending = waiting


def _reconsider(
    session: Session,
    row: Opportunity,
    payload: Mapping[str, Any],
    digest: str,
    rules: Rules,
    *,
    trusted: bool,
    manual: bool = False,
    reviewed: bool = True,
) -> None:
    """Run a listing's own payload through the intake again, and apply what comes of it."""
    session.flush()
    origin = Origin(
        pk=row.source_pk,
        key=row.source_key,
        name=row.source_name,
        owner_pk=row.owner_pk,
        trusted=trusted,
        manual=manual,
        reviewed=reviewed,
    )
    item = Item(0, row.external_id, dict(payload))
    (planned,) = intake.plan(session, origin, [item], rules, force=True)
    if planned.outcome is Outcome.REJECTED:
        raise Problem(CONFLICT, _said(planned), errors=planned.errors)
    planned.digest = digest
    planned.columns["payload_digest"] = digest
    intake.apply(session, origin, [planned])
    session.refresh(row)


def _said(planned: Planned) -> str:
    first = planned.errors[0]
    return f"{first.pointer}: {first.detail}"


def _must_be_complete(
    session: Session, row: Opportunity, payload: Mapping[str, Any], rules: Rules
) -> None:
    """What was missing when it was pushed may be there by now, so it is looked at afresh."""
    origin = Origin(
        pk=row.source_pk,
        key=row.source_key,
        name=row.source_name,
        owner_pk=row.owner_pk,
        trusted=False,
        reviewed=True,
    )
    item = Item(0, row.external_id, dict(payload))
    (planned,) = intake.plan(session, origin, [item], rules, force=True)
    errors: list[FieldError] = [*planned.errors, *intake.explain(planned.missing)]
    if errors:
        raise Problem(NOT_PUBLISHABLE, errors[0].detail, errors=errors)


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
