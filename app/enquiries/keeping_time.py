"""What time does to enquiries: reminders, and the regional team told. Run as often as you like."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from app.access import audit
from app.access.models import SYSTEM
from app.enquiries import letters
from app.enquiries.actions import enter, tell
from app.enquiries.models import OPEN, Enquiry, EntryKind
from app.enquiries.rules import Rules
from app.kit.database import Database, key
from app.kit.times import now
from app.partnerships.models import Partnership
from app.webhooks.events import EventType

AT_ONCE = 200
SERVICE = "the service"
Step = Callable[[Session, Rules, Enquiry, Partnership | None], None]


def keep_time(database: Database, rules: Rules) -> int:
    """Do what is due, once for each enquiry and clock; the number of things done."""
    done = 0
    for moment, mark, step in (
        (Enquiry.remind_at, "chased_at", _remind),
        (Enquiry.due_at, "overdue_at", _overdue),
        (Enquiry.escalate_at, "escalated_at", _escalate),
    ):
        while _is_any_due(database, moment, mark):
            with database.writing() as session:
                count = _step(session, rules, moment, mark, step)
            done += count
            if count < AT_ONCE:
                break
    return done


def _is_any_due(database: Database, moment: Any, mark: str) -> bool:
    """Whether there is anything to do: an idle worker takes no lock of writers."""
    with database.reading() as session:
        return session.execute(_due(moment, mark, now()).limit(1)).first() is not None


def _due(moment: Any, mark: str, at: datetime) -> Select[Enquiry]:
    return select(Enquiry).where(
        col(Enquiry.state).in_(OPEN), moment <= at, getattr(Enquiry, mark).is_(None)
    )


def _step(session: Session, rules: Rules, moment: Any, mark: str, step: Step) -> int:
    """One kind of step for those that it is due for; the mark is set in the same transaction."""
    at = now()
    statement = (
        _due(moment, mark, at)
        .order_by(col(Enquiry.pk))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(statement).scalars().all()
    partnerships = _partnerships(session, rows)
    for row in rows:
        setattr(row, mark, at)
        step(session, rules, row, partnerships.get(row.partnership_pk or 0))
        session.add(row)
    return len(rows)


def _remind(session: Session, rules: Rules, row: Enquiry, partnership: Partnership | None) -> None:
    letters.remind(session, rules, row, partnership)
    enter(session, row, EntryKind.EVENT, SERVICE, "A reminder was sent.")
    audit.record(session, SYSTEM, "enquiry.remind", "enquiry", row.id)


def _overdue(
    session: Session,
    rules: Rules,  # noqa: ARG001 - the steps are called alike
    row: Enquiry,
    partnership: Partnership | None,  # noqa: ARG001 - the same
) -> None:
    enter(session, row, EntryKind.EVENT, SERVICE, "An answer is overdue.")
    audit.record(session, SYSTEM, "enquiry.overdue", "enquiry", row.id)
    tell(session, EventType.ENQUIRY_OVERDUE, row)


def _escalate(
    session: Session, rules: Rules, row: Enquiry, partnership: Partnership | None
) -> None:
    letters.escalate(session, rules, row, partnership)
    enter(session, row, EntryKind.EVENT, SERVICE, "The regional team was told.")
    audit.record(session, SYSTEM, "enquiry.escalate", "enquiry", row.id)


def _partnerships(session: Session, rows: Sequence[Enquiry]) -> dict[int, Partnership]:
    pks = {row.partnership_pk for row in rows if row.partnership_pk}
    if not pks:
        return {}
    statement = select(Partnership).where(col(Partnership.pk).in_(pks))
    return {key(row): row for row in session.execute(statement).scalars()}
