"""Taking in what the public sends, and what enquirers do with their own."""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlmodel import Session

from app.access import audit
from app.access.models import ANONYMOUS, Caller
from app.enquiries import allowances, letters, queries, working_days
from app.enquiries.models import (
    REASON_LENGTH,
    Enquiry,
    EnquiryEntry,
    EnquiryOutcome,
    EntryKind,
    State,
)
from app.enquiries.routing import route
from app.enquiries.rules import SPAM, WITHDRAWN, Desk, Rules
from app.enquiries.suspicion import signs
from app.enquiries.tokens import FormToken, examined
from app.enquiries.written import EnquiryWrite, MessageWrite
from app.kit.database import key
from app.kit.problems import CONFLICT, Problem, invalid
from app.kit.times import LONDON, now
from app.partnerships.models import Partnership
from app.webhooks.emitting import Scope, emit
from app.webhooks.events import EventType

ENQUIRER = "enquirer"
MOST_MESSAGES = 50
_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"
"""No vowels, so that no reference is a word, and nothing that is read for something else."""


class Received(NamedTuple):
    """An enquiry that came, and who answers."""

    row: Enquiry
    partnership: Partnership | None


def receive(session: Session, desk: Desk, write: EnquiryWrite, address: str) -> Received:
    """Take in an enquiry. What looks like spam is kept apart, and told nothing of it."""
    token = examined(desk, write.form_token)
    if token is FormToken.EXPIRED:
        raise invalid(
            "#/form_token",
            "The form was open for too long. Get a new token from /v1/enquiries/challenge, wait "
            f"{desk.rules.form_seconds} seconds and send it again.",
            "token_expired",
        )
    allowances.take(session, counted(desk, address, write.email))
    routed = route(session, write.about, write.postcode)
    suspicions = signs(write, token, desk.rules)
    at = now()
    thing = routed.thing
    row = Enquiry(
        reference=_reference(),
        kind=write.kind,
        state=State.SPAM if suspicions else State.RECEIVED,
        name=write.name,
        email=write.email,
        phone=write.phone,
        organisation=write.organisation,
        postcode=write.postcode,
        role=write.role,
        age_band=write.age_band,
        message=write.message,
        consent_share=write.consents.share_with_provider,
        privacy_notice_version=write.privacy_notice_version,
        about_kind=thing.kind if thing else None,
        about_id=thing.id if thing else None,
        about_ref=thing.ref if thing else None,
        about_name=thing.name if thing else None,
        organisation_pk=thing.organisation_pk if thing else None,
        partnership_pk=routed.partnership.pk if routed.partnership else None,
        routed_by=routed.by,
        routing_reason=routed.reason[:REASON_LENGTH],
        spam_reasons=suspicions,
        received_at=at,
        month=at.astimezone(LONDON).date().replace(day=1),
        **clock(desk.rules),
        retain_until=desk.rules.kept_after(SPAM, at, at)
        if suspicions
        else desk.rules.kept_at_most(at),
    )
    session.add(row)
    # No digest of what a person wrote: it would outlive the person.
    audit.record(session, ANONYMOUS, "enquiry.receive", "enquiry", row.id)
    if not suspicions:
        announce(session, desk, row, routed.partnership)
    return Received(row, routed.partnership)


def counted(desk: Desk, address: str, email: str | None = None) -> Sequence[allowances.Allowance]:
    """What an enquiry is counted by, in the order in which it is counted."""
    named = [allowances.by_email(desk, email)] if email is not None else []
    return [allowances.by_address(desk, address), *named, allowances.in_all(desk)]


def announce(session: Session, desk: Desk, row: Enquiry, partnership: Partnership | None) -> None:
    """Tell the enquirer and whoever answers that an enquiry came."""
    row.confirmed_at = now()
    letters.confirm(session, desk, row, partnership)
    letters.notify(session, desk.rules, row, partnership, news="A new enquiry has come.")
    tell(session, EventType.ENQUIRY_RECEIVED, row)


def tell(session: Session, event: EventType, row: Enquiry) -> None:
    """Tell the webhooks of those who see an enquiry that something became of it, and no more."""
    scope = Scope(
        organisations=frozenset(filter(None, [row.organisation_pk])),
        partnerships=frozenset(filter(None, [row.partnership_pk])),
    )
    emit(session, event, {"id": str(row.id), "href": f"/v1/enquiries/{row.id}"}, scope=scope)


def clock(rules: Rules) -> dict[str, Any]:
    """The clock of an enquiry, started now."""
    at = now()
    return {
        "remind_at": working_days.after(at, rules.remind_days),
        "due_at": working_days.after(at, rules.due_days),
        "escalate_at": working_days.after(at, rules.escalate_days),
        "chased_at": None,
        "overdue_at": None,
        "escalated_at": None,
    }


def enter(session: Session, row: Enquiry, kind: EntryKind, author: str, text: str) -> EnquiryEntry:
    """Put something into the conversation. The enquiry counts as edited."""
    entry = EnquiryEntry(enquiry_pk=key(row), kind=kind, author=author, text=text)
    session.add(entry)
    row.updated_at = now()
    session.add(row)
    return entry


# --- the enquirer's side ---------------------------------------------------------------------


def add_message(session: Session, desk: Desk, row: Enquiry, write: MessageWrite) -> Enquiry:
    """Add what the enquirer still has to say. Who answered already is asked again."""
    _refuse_ended(row)
    recent = [
        entry
        for entry in queries.entries(session, [key(row)]).get(key(row), [])
        if entry.kind is EntryKind.MESSAGE
    ]
    if len(recent) >= MOST_MESSAGES:
        raise Problem(CONFLICT, "You have written often enough. Please wait for an answer.")
    enter(session, row, EntryKind.MESSAGE, ENQUIRER, write.message)
    if row.state in {State.ANSWERED, State.CLOSED}:
        row.state = State.IN_PROGRESS
        row.outcome = row.closed_at = None
        row.sqlmodel_update(clock(desk.rules))
        row.retain_until = desk.rules.kept_at_most(queries.first_said(session, row))
    if row.state is not State.SPAM:
        letters.notify(
            session,
            desk.rules,
            row,
            partnership_of(session, row),
            news="The enquirer has written again.",
            to=row.assignee_email,
        )
    audit.record(session, ANONYMOUS, "enquiry.message", "enquiry", row.id)
    return row


def withdraw(session: Session, desk: Desk, row: Enquiry) -> Enquiry:
    """End an enquiry at the enquirer's wish; it is forgotten soon. Twice is once."""
    if row.outcome is EnquiryOutcome.WITHDRAWN:
        return row
    close_as(session, ANONYMOUS, desk.rules, row, EnquiryOutcome.WITHDRAWN, WITHDRAWN)
    for copy in queries.copies(session, row):
        copy.retain_until = min(copy.retain_until, row.retain_until)
        session.add(copy)
    enter(session, row, EntryKind.EVENT, ENQUIRER, "Withdrawn by the enquirer.")
    letters.notify(
        session,
        desk.rules,
        row,
        partnership_of(session, row),
        news="The enquirer has withdrawn it. Nothing is left to do.",
        to=row.assignee_email,
    )
    return row


def close_as(
    session: Session,
    caller: Caller,
    rules: Rules,
    row: Enquiry,
    outcome: EnquiryOutcome,
    purpose: str,
) -> None:
    """End an enquiry, and say how long it is still kept."""
    before = row.state
    row.state = State.CLOSED
    row.outcome = outcome
    row.closed_at = now()
    row.retain_until = min(
        row.retain_until, rules.kept_after(purpose, row.received_at, row.closed_at)
    )
    session.add(row)
    audit.record(
        session, caller, "enquiry.close", "enquiry", row.id, before=before, after=row.state
    )


def partnership_of(session: Session, row: Enquiry) -> Partnership | None:
    """Whose it is to answer; None is the regional team."""
    return session.get(Partnership, row.partnership_pk) if row.partnership_pk else None


def _refuse_ended(row: Enquiry) -> None:
    if row.outcome is EnquiryOutcome.WITHDRAWN:
        raise Problem(CONFLICT, "You have withdrawn this enquiry. Send a new one instead.")


def _reference() -> str:
    drawn = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"ENQ-{drawn[:4]}-{drawn[4:]}"
