"""What coordinators and staff do with an enquiry, each step only from where it makes sense."""

from collections.abc import Mapping
from typing import NoReturn
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from app.access import audit
from app.access.models import Caller
from app.enquiries import actions, letters, queries
from app.enquiries.actions import close_as, enter, partnership_of, tell
from app.enquiries.models import (
    OPEN,
    Enquiry,
    EnquiryEntry,
    EnquiryOutcome,
    EntryKind,
    RoutedBy,
    State,
)
from app.enquiries.rules import SPAM, WITHDRAWN, Desk
from app.enquiries.written import (
    AssignWrite,
    EnquiryMerge,
    HoldWrite,
    NoteWrite,
    ReassignWrite,
    ReplyWrite,
)
from app.kit.conditional import IfMatch
from app.kit.database import key
from app.kit.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Problem, invalid
from app.kit.times import now
from app.organisations.queries import by_pks
from app.partnerships.queries import as_uuid, partnership
from app.webhooks.events import EventType

LIVE = frozenset({*OPEN, State.ANSWERED})
FROM: Mapping[str, frozenset[State]] = {
    "assign": frozenset(OPEN),
    "reply": LIVE,
    "note": frozenset(State),
    "close": LIVE,
    "reopen": frozenset({State.ANSWERED, State.CLOSED, State.SPAM}),
    "spam": LIVE,
    "share": LIVE | {State.CLOSED},
    "reassign": LIVE,
    "merge": LIVE,
}
"""The states from which each step can be taken."""


def found(
    session: Session, caller: Caller, identifier: UUID, step: str, if_match: IfMatch | None = None
) -> Enquiry:
    """The enquiry that a step is for: 404 if unseen, 403 if not the caller's, 412, 409."""
    row = queries.by_id(session, caller, identifier, lock=True)
    if row is None:
        raise Problem(NOT_FOUND, "You have no enquiry of this id. It may have been forgotten.")
    if not queries.may_answer(caller, row):
        raise Problem(FORBIDDEN, "This is for the partnership that answers the enquiry.")
    if if_match is not None:
        if_match.check(row)
    if step in FROM and row.state not in FROM[step]:
        _refuse(row, step)
    return row


def assign(
    session: Session, caller: Caller, desk: Desk, row: Enquiry, write: AssignWrite
) -> Enquiry:
    """Say who answers, and tell them if an address is given."""
    before = row.state
    row.assignee = write.assignee or caller.name
    row.assignee_email = write.email
    if row.state is State.RECEIVED:
        row.state = State.ASSIGNED
    enter(session, row, EntryKind.EVENT, caller.name, f"Assigned to {row.assignee}.")
    if write.email:
        letters.notify(
            session,
            desk.rules,
            row,
            partnership_of(session, row),
            news="An enquiry is yours to answer.",
            to=write.email,
        )
    _note(session, caller, "assign", row, before)
    return row


def reply(session: Session, caller: Caller, desk: Desk, row: Enquiry, write: ReplyWrite) -> Enquiry:
    """Answer the enquirer by mail, in one thread with what was sent before."""
    before = row.state
    earlier = [
        entry.message_id
        for entry in queries.entries(session, [key(row)]).get(key(row), [])
        if entry.message_id
    ]
    entry = enter(session, row, EntryKind.REPLY, caller.name, write.message)
    letters.reply(session, desk, row, partnership_of(session, row), entry, earlier)
    row.assignee = row.assignee or caller.name
    if not write.holding:
        row.state = State.ANSWERED
        row.answered_at = now()
        row.first_answered_at = row.first_answered_at or row.answered_at
        tell(session, EventType.ENQUIRY_ANSWERED, row)
    elif row.state is not State.ANSWERED:
        row.state = State.IN_PROGRESS
    _note(session, caller, "reply", row, before)
    return row


def note(session: Session, caller: Caller, row: Enquiry, write: NoteWrite) -> Enquiry:
    """Write something down for colleagues. Whoever does so has begun to work on it."""
    before = row.state
    enter(session, row, EntryKind.NOTE, caller.name, write.note)
    if row.state in {State.RECEIVED, State.ASSIGNED}:
        row.state = State.IN_PROGRESS
    _note(session, caller, "note", row, before)
    return row


def close(
    session: Session, caller: Caller, desk: Desk, row: Enquiry, outcome: EnquiryOutcome
) -> Enquiry:
    """End an enquiry. From then on its time to be forgotten runs."""
    if outcome is EnquiryOutcome.DUPLICATE:
        raise invalid("#/outcome", "Merge it into the other one instead: POST …/merge.")
    purpose = WITHDRAWN if outcome is EnquiryOutcome.WITHDRAWN else row.kind
    close_as(session, caller, desk.rules, row, outcome, purpose)
    enter(session, row, EntryKind.EVENT, caller.name, f"Closed: {outcome.replace('_', ' ')}.")
    return row


def reopen(session: Session, caller: Caller, desk: Desk, row: Enquiry) -> Enquiry:
    """Take an enquiry up again, with a new clock. What was no spam is received only now."""
    before = row.state
    if row.merged_into is not None:
        raise Problem(CONFLICT, "It was merged into another one. Work on that one.")
    _refuse_withdrawn(row)
    was_spam = row.state is State.SPAM
    row.state = State.RECEIVED if was_spam else State.IN_PROGRESS
    row.outcome = row.closed_at = None
    row.spam_reasons = []
    row.sqlmodel_update(actions.clock(desk.rules))
    row.retain_until = desk.rules.kept_at_most(queries.first_said(session, row))
    text = "It is no spam." if was_spam else "Reopened."
    enter(session, row, EntryKind.EVENT, caller.name, text)
    if row.confirmed_at is None:
        actions.announce(session, desk, row, partnership_of(session, row))
    _note(session, caller, "reopen", row, before)
    return row


def mark_spam(session: Session, caller: Caller, desk: Desk, row: Enquiry) -> Enquiry:
    """Put an enquiry aside as spam. It is kept for review, and forgotten sooner."""
    before = row.state
    row.state = State.SPAM
    row.spam_reasons = ["marked_by_hand"]
    first = queries.first_said(session, row)
    row.retain_until = desk.rules.kept_after(SPAM, first, now())
    enter(session, row, EntryKind.EVENT, caller.name, "Marked as spam.")
    _note(session, caller, "spam", row, before)
    return row


def share(session: Session, caller: Caller, desk: Desk, row: Enquiry) -> Enquiry:
    """Let the provider read who asks, as the enquirer allowed. Twice is once."""
    _refuse_withdrawn(row)
    if not row.consent_share:
        raise Problem(
            CONFLICT,
            "The enquirer did not agree that contact details are shared. Answer yourself, or ask "
            "in a reply.",
        )
    if row.organisation_pk is None:
        raise Problem(CONFLICT, "It is about no organisation's listing: nobody to share it with.")
    if row.shared_at is None:
        row.shared_at = now()
        provider = by_pks(session, [row.organisation_pk])[row.organisation_pk]
        text = f"Contact details shared with {provider.name}."
        enter(session, row, EntryKind.EVENT, caller.name, text)
        if provider.contact_email:
            letters.tell_provider(session, desk.rules, row, provider.contact_email)
        _note(session, caller, "share", row, row.state)
    return row


def reassign(
    session: Session, caller: Caller, desk: Desk, row: Enquiry, write: ReassignWrite
) -> Enquiry:
    """Hand an enquiry to another partnership or to the region. Its clock runs on."""
    before = row.state
    target = partnership(session, caller, write.partnership) if write.partnership else None
    if write.partnership and target is None:
        raise invalid("#/partnership", "There is no such partnership.")
    if (target.pk if target else None) == row.partnership_pk:
        raise Problem(CONFLICT, "It is there already.")
    row.partnership_pk = target.pk if target else None
    row.routed_by = RoutedBy.STAFF
    row.routing_reason = write.reason
    row.assignee = row.assignee_email = None
    if row.state is not State.ANSWERED:
        row.state = State.RECEIVED
    name = letters.who_answers(desk.rules, target)
    enter(session, row, EntryKind.EVENT, caller.name, f"Passed to {name}: {write.reason}")
    letters.notify(session, desk.rules, row, target, news="An enquiry was passed to you.")
    _note(session, caller, "reassign", row, before)
    return row


def merge(
    session: Session, caller: Caller, desk: Desk, row: Enquiry, write: EnquiryMerge
) -> Enquiry:
    """Make one of two enquiries that the same person sent; the survivor gets all that was said."""
    identifier = as_uuid(write.into)
    survivor = (
        queries.by_id(session, caller, identifier)
        if identifier
        else queries.by_reference(session, caller, write.into)
    )
    if survivor is None or not queries.may_answer(caller, survivor):
        raise invalid("#/into", "You have no enquiry of this id or reference.")
    if survivor.pk == row.pk or survivor.merged_into is not None:
        raise invalid("#/into", "Name another enquiry, and one that still stands by itself.")
    if survivor.state not in LIVE:
        _refuse(survivor, "merge")
    if row.legal_hold:
        raise Problem(
            CONFLICT,
            "It is held by law, so all of it stays where it is. Merge the other one into it.",
        )
    if survivor.email.casefold() != row.email.casefold():
        raise Problem(
            CONFLICT,
            "They come from different e-mail addresses. Merging would show one person's words to "
            "another.",
        )
    session.execute(
        update(EnquiryEntry)
        .where(col(EnquiryEntry.enquiry_pk) == row.pk)
        .values(enquiry_pk=survivor.pk)
        .execution_options(synchronize_session=False)
    )
    said = enter(session, survivor, EntryKind.MESSAGE, actions.ENQUIRER, row.message)
    said.created_at = row.received_at
    survivor.due_at = min(survivor.due_at, row.due_at)
    session.flush()
    longest = desk.rules.kept_at_most(queries.first_said(session, survivor))
    survivor.retain_until = min(survivor.retain_until, longest)
    text = f"{row.reference} was merged into this one."
    enter(session, survivor, EntryKind.EVENT, caller.name, text)
    # What was merged into it before goes along: one step leads from each copy to what remains.
    for copy in [row, *queries.copies(session, row)]:
        copy.merged_into = survivor.id
        session.add(copy)
    close_as(session, caller, desk.rules, row, EnquiryOutcome.DUPLICATE, row.kind)
    _note(session, caller, "merge", survivor, survivor.state)
    return survivor


def hold(session: Session, caller: Caller, row: Enquiry, write: HoldWrite) -> Enquiry:
    """Keep an enquiry whatever its age, or let it go again."""
    if write.hold and row.merged_into is not None:
        raise Problem(CONFLICT, "What was said in it was merged into another one. Hold that one.")
    row.legal_hold = write.hold
    row.hold_reason = write.reason if write.hold else None
    said = "Held" if write.hold else "No longer held"
    enter(session, row, EntryKind.EVENT, caller.name, f"{said}: {write.reason}")
    _note(session, caller, "hold" if write.hold else "release", row, row.state)
    return row


def _note(session: Session, caller: Caller, step: str, row: Enquiry, before: State) -> None:
    session.add(row)
    audit.record(
        session, caller, f"enquiry.{step}", "enquiry", row.id, before=before, after=row.state
    )


def _refuse_withdrawn(row: Enquiry) -> None:
    if row.outcome is EnquiryOutcome.WITHDRAWN:
        raise Problem(CONFLICT, "The enquirer has withdrawn it. Let it be forgotten.")


def _refuse(row: Enquiry, step: str) -> NoReturn:
    allowed = ", ".join(state.value for state in State if state in FROM[step])
    raise Problem(
        CONFLICT,
        f"{row.reference} is {row.state.value.replace('_', ' ')}. {step.capitalize()} goes from: "
        f"{allowed}.",
    )
