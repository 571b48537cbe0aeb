"""Forgetting: by age each day, and at once on request. What remains is a number.

On SQLite the bytes go too: deleted content is overwritten, and the write-ahead log is emptied
after the commit.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlmodel import Session, col

from app.access import audit
from app.access.models import SYSTEM, Caller
from app.deliveries.actions import forget
from app.enquiries import allowances, queries
from app.enquiries.models import Enquiry, EnquiryEntry, EnquiryOutcome, State
from app.enquiries.rules import Desk
from app.kit import idempotency
from app.kit.database import Database, key, leave_no_trace
from app.kit.problems import CONFLICT, Problem
from app.kit.times import today

AT_ONCE = 100
STATEMENT_SECONDS = 60

_TALLY = text(
    "INSERT INTO enquiry_tally (partnership_pk, kind, month, count) "
    "VALUES (:partnership_pk, :kind, :month, :count) "
    "ON CONFLICT (partnership_pk, kind, month) DO UPDATE "
    "SET count = enquiry_tally.count + :count"
)
"""The same on both engines."""


def due(database: Database) -> dict[str, Any]:
    """What a purge would forget now: how many, the oldest, and how many are held."""
    day = today()
    with database.reading(STATEMENT_SECONDS) as session:
        past = col(Enquiry.retain_until) <= day
        free, held, oldest = session.execute(
            select(
                func.count().filter(col(Enquiry.legal_hold).is_(False)),
                func.count().filter(col(Enquiry.legal_hold)),
                func.min(col(Enquiry.received_at)),
            ).where(past)
        ).one()
        references = session.execute(
            queries.past_retention(day, AT_ONCE).with_only_columns(col(Enquiry.reference))
        )
        return {
            "enquiries": free,
            "held": held,
            "oldest_received_at": oldest.isoformat() if oldest else None,
            "references": list(references.scalars()),
        }


def purge(database: Database) -> int:
    """Forget every enquiry whose time is over, unless it is held; the number of them."""
    forgotten = 0
    while True:
        with database.writing(STATEMENT_SECONDS) as session:
            # Locked: whoever puts one on hold meanwhile must not find it gone.
            past = queries.past_retention(today(), AT_ONCE).with_for_update()
            rows = list(session.execute(past).scalars())
            _forget(session, SYSTEM, "enquiry.purge", rows)
            allowances.forget_ended(session)
        forgotten += len(rows)
        if len(rows) < AT_ONCE:
            return forgotten


def erase(session: Session, caller: Caller, desk: Desk, row: Enquiry) -> None:
    """Forget one enquiry at once, whatever its state; not while law demands that it is kept."""
    if row.legal_hold:
        raise Problem(CONFLICT, "It is held by law. Release it first: POST …/hold.")
    rows = [row, *queries.copies(session, row)]
    if any(one.legal_hold for one in rows):
        raise Problem(CONFLICT, "A copy that was merged into it is held by law. Release it first.")
    allowances.forget_email(session, desk, row.email)
    _forget(session, caller, "enquiry.erase", rows)


def _forget(session: Session, caller: Caller, action: str, rows: Sequence[Enquiry]) -> None:
    if not rows:
        return
    _tally(session, rows)
    pks = [key(row) for row in rows]
    session.execute(delete(EnquiryEntry).where(col(EnquiryEntry.enquiry_pk).in_(pks)))
    forget(session, *(row.id for row in rows))
    idempotency.forget(session, [row.reference for row in rows])
    session.execute(delete(Enquiry).where(col(Enquiry.pk).in_(pks)))
    audit.record_all(session, caller, action, "enquiry", [(row.id, None, None) for row in rows])
    leave_no_trace(session)


def _tally(session: Session, rows: Sequence[Enquiry]) -> None:
    """Count what goes, as it is counted while it is there."""
    counted = Counter(
        (row.partnership_pk or 0, row.kind.value, row.month.isoformat())
        for row in rows
        if row.state is not State.SPAM and row.outcome is not EnquiryOutcome.DUPLICATE
    )
    for (partnership_pk, kind, month), count in sorted(counted.items()):
        values = {"partnership_pk": partnership_pk, "kind": kind, "month": month, "count": count}
        session.connection().execute(_TALLY, values)
