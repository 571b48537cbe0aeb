"""Enquiries as the contract promises them, as much of each as the caller may see."""

import re
from collections.abc import Sequence
from datetime import datetime

import phonenumbers
from sqlmodel import Session

from app.access.models import Caller, Role
from app.authorities.postcodes import spaced
from app.enquiries import letters, queries
from app.enquiries.actions import ENQUIRER, partnership_of
from app.enquiries.models import (
    OPEN,
    Enquiry,
    EnquiryEntry,
    EnquiryOutcome,
    EntryKind,
    RoutedBy,
    State,
    Subject,
)
from app.enquiries.rules import Rules
from app.enquiries.shown import (
    AboutRead,
    EnquirerRead,
    EnquiryCounts,
    EnquiryRead,
    EnquirySummary,
    EntryRead,
    MonthCount,
    MyEnquiry,
    MyMessage,
    RoutingRead,
)
from app.kit.database import key
from app.kit.times import now
from app.partnerships.queries import summaries as partnership_references

PATHS = {
    Subject.PARTNERSHIP: "partnerships",
    Subject.OPPORTUNITY: "opportunities",
    Subject.PROGRAMME: "programmes",
    Subject.ORGANISATION: "organisations",
}
WITHHELD = "[withheld]"
_EMAIL = re.compile(r"[^\s<>()\[\],;:]{1,64}@[^\s<>()\[\],;:]{1,255}")
_SUMMARY = set(EnquirySummary.model_fields) & set(Enquiry.model_fields)


def address(row: Enquiry, public_url: str) -> str:
    """Where an enquiry is read."""
    return f"{public_url}/v1/enquiries/{row.id}"


def in_list(
    session: Session, caller: Caller, rows: Sequence[Enquiry], public_url: str
) -> list[EnquirySummary]:
    """Enquiries as a list shows them: nothing of the person."""
    pks = {row.partnership_pk for row in rows if row.partnership_pk}
    references = partnership_references(session, pks, public_url)
    at = now()
    inside = caller.role is not Role.PUBLISHER
    return [
        EnquirySummary(
            **{
                **row.model_dump(include=_SUMMARY),
                "assignee": row.assignee if inside else None,
                "spam_reasons": row.spam_reasons if inside else [],
            },
            href=address(row, public_url),
            about=about(row, public_url),
            partnership=references.get(row.partnership_pk or 0),
            routing=RoutingRead(by=row.routed_by, reason=_reason(row, inside=inside)),
            overdue=row.state in OPEN and row.due_at < at,
            may_share=row.consent_share,
        )
        for row in rows
    ]


def whole(
    session: Session, caller: Caller, rows: Sequence[Enquiry], public_url: str
) -> list[EnquiryRead]:
    """Enquiries with person and conversation, as far as the caller may see them."""
    said = queries.entries(session, [key(row) for row in rows])
    found = []
    for row, brief in zip(rows, in_list(session, caller, rows, public_url), strict=True):
        answers = queries.may_answer(caller, row)
        known = queries.sees_contact(caller, row)
        found.append(
            EnquiryRead(
                **brief.model_dump(),
                contact=contact(row) if known else None,
                message=row.message if known else masked(row),
                privacy_notice_version=row.privacy_notice_version,
                hold_reason=row.hold_reason if answers else None,
                entries=[_entry(one) for one in said.get(key(row), [])] if answers else [],
            )
        )
    return found


def about(row: Enquiry, public_url: str) -> AboutRead | None:
    """What an enquiry is about."""
    if row.about_kind is None or row.about_id is None:
        return None
    return AboutRead(
        kind=row.about_kind,
        id=row.about_id,
        name=row.about_name or "",
        href=f"{public_url}/v1/{PATHS[row.about_kind]}/{row.about_ref}",
    )


def contact(row: Enquiry) -> EnquirerRead:
    """How to reach the enquirer."""
    return EnquirerRead(
        name=row.name,
        email=row.email,
        phone=row.phone,
        organisation=row.organisation,
        postcode=spaced(row.postcode) if row.postcode else None,
    )


def masked(row: Enquiry) -> str:
    """The message without what would tell a publisher who asks."""
    text = _EMAIL.sub(WITHHELD, row.message)
    if row.postcode:
        inward = re.escape(row.postcode[-3:])
        pattern = rf"\b{re.escape(row.postcode[:-3])}\s*{inward}\b"
        text = re.sub(pattern, WITHHELD, text, flags=re.IGNORECASE)
    for match in reversed(list(phonenumbers.PhoneNumberMatcher(text, "GB"))):
        text = text[: match.start] + WITHHELD + text[match.end :]
    for name in sorted({row.name, *row.name.split()}, key=len, reverse=True):
        if len(name) > 1:
            text = re.sub(rf"\b{re.escape(name)}\b", WITHHELD, text, flags=re.IGNORECASE)
    if row.organisation:
        text = re.sub(re.escape(row.organisation), WITHHELD, text, flags=re.IGNORECASE)
    return text


def own(session: Session, rules: Rules, row: Enquiry, link_ends: datetime) -> MyEnquiry:
    """An enquiry as its enquirer sees it: what was sent, what was answered, its state."""
    said = queries.entries(session, [key(row)]).get(key(row), [])
    messages = [
        MyMessage(
            author="us" if one.kind is EntryKind.REPLY else "you", at=one.created_at, text=one.text
        )
        for one in said
        if one.kind in {EntryKind.MESSAGE, EntryKind.REPLY}
    ]
    first = MyMessage(author="you", at=row.received_at, text=row.message)
    # Whoever was taken for spam is not told so, here as little as by the form.
    state, kept_until = row.state, row.retain_until
    if state is State.SPAM:
        state = State.ANSWERED if row.answered_at else State.RECEIVED
        kept_until = rules.kept_at_most(row.received_at)
    return MyEnquiry(
        reference=row.reference,
        kind=row.kind,
        state=state,
        outcome=row.outcome,
        about=about(row, rules.public_url),
        answered_by=letters.who_answers(rules, partnership_of(session, row)),
        received_at=row.received_at,
        due_at=row.due_at,
        contact=contact(row),
        role=row.role,
        age_band=row.age_band,
        messages=sorted([first, *messages], key=lambda one: one.at),
        shared_at=row.shared_at,
        may_write=row.outcome is not EnquiryOutcome.WITHDRAWN,
        kept_until=kept_until,
        link_expires_at=link_ends,
    )


def counts(session: Session, caller: Caller, public_url: str) -> EnquiryCounts:
    """Numbers for a dashboard."""
    states = queries.states(session, caller)
    overdue, unassigned, escalated = queries.waiting(session, caller)
    months = queries.months(session, caller)
    references = partnership_references(session, {pk for _, _, pk in months if pk}, public_url)
    return EnquiryCounts(
        states={state.value: states.get(state, 0) for state in State},
        open=sum(states.get(state, 0) for state in OPEN),
        overdue=overdue,
        unassigned=unassigned,
        escalated=escalated,
        kinds={kind.value: count for kind, count in queries.open_kinds(session, caller).items()},
        months=[
            MonthCount(partnership=references.get(pk), kind=kind, month=month, count=count)
            for (month, kind, pk), count in months.items()
        ],
    )


def _reason(row: Enquiry, *, inside: bool) -> str:
    """Why it is where it is; what colleagues wrote to each other is not told to publishers."""
    if not inside and row.routed_by is RoutedBy.STAFF:
        return "The regional team or a partnership passed it on."
    return row.routing_reason


def _entry(entry: EnquiryEntry) -> EntryRead:
    author = "The enquirer" if entry.author == ENQUIRER else entry.author
    return EntryRead(
        id=entry.id, kind=entry.kind, at=entry.created_at, author=author, text=entry.text
    )
