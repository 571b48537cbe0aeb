"""The mails of enquiries. Only those to the enquirer say anything that the enquirer said.

A confirmation repeats nothing that was typed into the form: else the form would send anybody's
words to anybody. What goes to partnerships names no person, and leads to where they are named.
"""

from typing import Any

from sqlmodel import Session

from app.deliveries.mail import message_id_for, queue_mail
from app.enquiries.models import Enquiry, EnquiryEntry
from app.enquiries.rules import Desk, Rules
from app.enquiries.tokens import link_token
from app.kit.identifiers import uuid7
from app.kit.text import envelope_address
from app.kit.times import LONDON
from app.partnerships.models import Partnership


def day_of(row: Enquiry) -> str:
    """When an answer is due, as people write it."""
    due = row.due_at.astimezone(LONDON)
    return f"{due:%A} {due.day} {due:%B %Y}"


def who_answers(rules: Rules, partnership: Partnership | None) -> str:
    """The name of who answers."""
    return partnership.name if partnership else rules.regional_name


def desk_address(rules: Rules, partnership: Partnership | None) -> str | None:
    """The mailbox of who answers, as far as one is known."""
    own = partnership.contact_email if partnership else None
    return own or rules.regional_email


def answers_go_to(rules: Rules, partnership: Partnership | None) -> str | None:
    """The first mailbox of who answers that every mail server takes, if there is one."""
    own = partnership.contact_email if partnership else None
    known = [address for address in (own, rules.regional_email) if address]
    return next((one for one in known if envelope_address(one).isascii()), None)


def confirm(session: Session, desk: Desk, row: Enquiry, partnership: Partnership | None) -> None:
    """Tell the enquirer that it came, with the link that opens it."""
    queue_mail(
        session,
        template="enquiry_confirmation",
        to=row.email,
        values={
            "reference": row.reference,
            "answered_by": who_answers(desk.rules, partnership),
            "due": day_of(row),
            "link": link(desk, row),
            "link_days": desk.rules.link_days,
        },
        about=row.id,
        reply_to=answers_go_to(desk.rules, partnership),
        message_id=message_id_for(row.id),
    )


def reply(
    session: Session,
    desk: Desk,
    row: Enquiry,
    partnership: Partnership | None,
    entry: EnquiryEntry,
    earlier: list[str],
) -> None:
    """Send an answer to the enquirer, in the thread of the confirmation."""
    thread = [message_id_for(row.id), *earlier]
    entry.message_id = message_id_for(uuid7())
    queue_mail(
        session,
        template="enquiry_reply",
        to=row.email,
        values={
            "reference": row.reference,
            "answered_by": who_answers(desk.rules, partnership),
            "text": entry.text,
            "link": link(desk, row),
        },
        about=row.id,
        reply_to=answers_go_to(desk.rules, partnership),
        message_id=entry.message_id,
        in_reply_to=thread[-1],
        references=thread,
        automatic=False,
    )


def notify(
    session: Session,
    rules: Rules,
    row: Enquiry,
    partnership: Partnership | None,
    *,
    news: str,
    to: str | None = None,
) -> None:
    """Tell who answers that something is to be done: `news` in a sentence."""
    _tell(session, rules, row, "enquiry_notification", to or desk_address(rules, partnership), news)


def tell_provider(session: Session, rules: Rules, row: Enquiry, to: str) -> None:
    """Tell the provider that an enquiry is shared; nothing of what colleagues told each other."""
    news = "The partnership shares an enquiry about what you offer with you."
    inside = {"why": "It is about what you offer.", "assignee": ""}
    _tell(session, rules, row, "enquiry_notification", to, news, **inside)


def remind(session: Session, rules: Rules, row: Enquiry, partnership: Partnership | None) -> None:
    """Tell the assignee, or else the partnership, that an answer is due."""
    to = row.assignee_email or desk_address(rules, partnership)
    _tell(session, rules, row, "enquiry_reminder", to, "")


def escalate(session: Session, rules: Rules, row: Enquiry, partnership: Partnership | None) -> None:
    """Tell the regional team that an answer is late."""
    news = f"It is with {who_answers(rules, partnership)}."
    _tell(session, rules, row, "enquiry_escalation", rules.regional_email, news)


def _tell(
    session: Session,
    rules: Rules,
    row: Enquiry,
    template: str,
    to: str | None,
    news: str,
    **instead: str,
) -> None:
    if to is None:
        return  # it stands in the inbox of who answers, mail or not
    values: dict[str, Any] = {
        "reference": row.reference,
        "kind": row.kind.value.replace("_", " "),
        "about": row.about_name or "",
        "why": row.routing_reason,
        "due": day_of(row),
        "assignee": row.assignee or "",
        "href": f"{rules.public_url}/v1/enquiries/{row.id}",
        "news": news,
        **instead,
    }
    queue_mail(session, template=template, to=to, values=values, about=row.id)


def link(desk: Desk, row: Enquiry) -> str:
    """The enquirer's link; its token stands after the #, which no server ever sees."""
    page = desk.rules.page_url or f"{desk.rules.public_url}/my-enquiry"
    return f"{page}#{link_token(desk, row.id)}"
