"""A listing with no end is asked about, not kept for ever.

One that its source has not sent for so many days, nor anybody confirmed, puts a question to its
owner. Sending it again or `confirm` is the answer; without one it expires after a time of grace,
and either of the two brings it back.
"""

from datetime import timedelta
from itertools import groupby

from sqlalchemy import or_, select, update
from sqlmodel import Session, col

from app.access import audit
from app.access.models import SYSTEM
from app.deliveries.actions import announce
from app.kit.database import Database
from app.kit.times import now
from app.opportunities import documents
from app.opportunities.models import Opportunity, Status
from app.opportunities.planned import NEVER
from app.opportunities.queries import is_asked

CHUNK = 500


def ask(database: Database, *, days: int) -> int:
    """Ask about what was neither sent nor confirmed for so many days; the number asked about.

    One `opportunity.asked` is announced for each source and chunk. With 0 days nothing is asked.
    """
    total = 0
    while days:
        with database.writing(seconds=60) as session:
            found = _unheard_of(session, days)
            if not found:
                break
            session.execute(
                update(Opportunity)
                .where(col(Opportunity.pk).in_([pk for pk, _, _ in found]))
                .values(asked_at=now())
                .execution_options(synchronize_session=False)
            )
            by_source = sorted(((key, str(identifier)) for _, key, identifier in found))
            for source, some in groupby(by_source, key=lambda one: one[0]):
                ids = [identifier for _, identifier in some]
                announce(session, "opportunity.asked", {"source": source, "ids": ids})
            audit.record(session, SYSTEM, "opportunity.ask", "opportunity", len(found))
            total += len(found)
    return total


def expire_unanswered(database: Database, *, days: int) -> int:
    """Expire what was asked about so many days ago without an answer; the number of them."""
    total = 0
    while True:
        with database.writing(seconds=60) as session:
            statement = (
                select(col(Opportunity.pk))
                .where(is_asked(), col(Opportunity.asked_at) < now() - timedelta(days=days))
                .order_by(col(Opportunity.pk))
                .limit(CHUNK)
                .with_for_update(key_share=True, skip_locked=True)
            )
            pks = list(session.execute(statement).scalars())
            if not pks:
                return total
            session.execute(
                update(Opportunity)
                .where(col(Opportunity.pk).in_(pks))
                .values(
                    status=Status.EXPIRED,
                    sort_at=NEVER,
                    asked_at=None,
                    version=Opportunity.version + 1,
                    updated_at=now(),
                )
                .execution_options(synchronize_session=False)
            )
            documents.mark(session, pks)
            audit.record(session, SYSTEM, "opportunity.expire", "opportunity", len(pks))
            total += len(pks)


def _unheard_of(session: Session, days: int) -> list[tuple[int, str, object]]:
    since = now() - timedelta(days=days)
    statement = (
        select(col(Opportunity.pk), col(Opportunity.source_key), col(Opportunity.id))
        .where(
            col(Opportunity.status) == Status.PUBLISHED,
            col(Opportunity.last_session_ends_at).is_(None),
            col(Opportunity.last_seen_at) < since,
            or_(col(Opportunity.confirmed_at).is_(None), col(Opportunity.confirmed_at) < since),
            or_(
                col(Opportunity.asked_at).is_(None),
                col(Opportunity.asked_at) <= col(Opportunity.last_seen_at),
            ),
        )
        .order_by(col(Opportunity.pk))
        .limit(CHUNK)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [(pk, key, identifier) for pk, key, identifier in session.execute(statement)]
