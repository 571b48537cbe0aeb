"""What time does to listings: the next session moves on, the last one ends, areas change."""

from datetime import date
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.sql.expression import Select
from sqlmodel import Session, col

from app.access import audit
from app.access.models import SYSTEM
from app.authorities.models import Cover
from app.kit.database import Counter, Database
from app.kit.times import now, today
from app.opportunities import documents, words
from app.opportunities.models import Opportunity, OpportunitySession, SessionStatus, Status
from app.opportunities.planned import NEVER

CHUNK = 500
AREAS_FOLLOWED = "areas_followed"
"""Counts days: the last one on which areas that begin and end were looked at."""
WORDS_ANALYSED = "words_analysed"
"""Names the version of the analysis by which the words of listings are indexed."""


def expire(database: Database) -> int:
    """Expire the published listings whose last session has ended; the number of them."""
    total = 0
    while True:
        with database.writing(seconds=60) as session:
            statement = select(col(Opportunity.pk)).where(
                col(Opportunity.status) == Status.PUBLISHED,
                col(Opportunity.always_available).is_(False),
                col(Opportunity.last_session_ends_at) < now(),
            )
            pks = _free(session, statement)
            if not pks:
                return total
            session.execute(
                update(Opportunity)
                .where(col(Opportunity.pk).in_(pks))
                .values(
                    status=Status.EXPIRED,
                    next_session_at=None,
                    next_session_ends_at=None,
                    sort_at=NEVER,
                    version=Opportunity.version + 1,
                    updated_at=now(),
                )
                .execution_options(synchronize_session=False)
            )
            documents.mark(session, pks)
            audit.record(session, SYSTEM, "opportunity.expire", "opportunity", len(pks))
            total += len(pks)


def move_on(database: Database) -> int:
    """Give listings whose next session has ended the one after it; the number of them."""
    total = 0
    while True:
        with database.writing(seconds=60) as session:
            statement = select(col(Opportunity.pk)).where(
                col(Opportunity.next_session_ends_at) <= now()
            )
            pks = _free(session, statement)
            if not pks:
                return total
            _move(session, pks)
            total += len(pks)


def follow_areas(database: Database) -> None:
    """Mark the listings where a partnership's area has begun or ended since the last look.

    The last day looked at is looked at again: a listing may have been rendered just before it
    ended, with the areas of the day.
    """
    day = today()
    with database.writing(seconds=60) as session:
        seen = session.get(Counter, AREAS_FOLLOWED, with_for_update=True)
        if seen is None:
            seen = Counter(name=AREAS_FOLLOWED, value=day.toordinal())
        since = min(date.fromordinal(seen.value), day)
        seen.value = day.toordinal()
        session.add(seen)
        turned = select(col(Cover.authority_pk)).where(
            or_(
                col(Cover.from_date).between(since, day),
                col(Cover.until_date).between(since, day),
            )
        )
        if session.execute(turned.limit(1)).first() is None:
            return
        session.execute(
            update(Opportunity)
            .where(documents.reaching(turned))
            .values(stale=True)
            .execution_options(synchronize_session=False)
        )


def index_anew(database: Database) -> None:
    """Mark every listing to be indexed again, when words are analysed otherwise than before."""
    with database.writing(seconds=60) as session:
        known = session.get(Counter, WORDS_ANALYSED, with_for_update=True)
        if known is not None and known.value == words.VERSION:
            return
        if known is None:
            known = Counter(name=WORDS_ANALYSED)
        known.value = words.VERSION
        session.add(known)
        session.execute(
            update(Opportunity).values(stale=True).execution_options(synchronize_session=False)
        )


def _free(session: Session, due: Select[*tuple[Any, ...]]) -> list[int]:
    """Lock the next listings that are due; one that is being written waits for the next tick."""
    statement = due.order_by(col(Opportunity.pk)).limit(CHUNK)
    locked = statement.with_for_update(key_share=True, skip_locked=True)
    return list(session.execute(locked).scalars())


def _move(session: Session, pks: list[int]) -> None:
    coming = (
        select(
            col(OpportunitySession.opportunity_pk),
            func.min(col(OpportunitySession.starts_at)),
            func.min(col(OpportunitySession.ends_at)),
        )
        .where(
            col(OpportunitySession.opportunity_pk).in_(pks),
            col(OpportunitySession.deleted_at).is_(None),
            col(OpportunitySession.status) != SessionStatus.CANCELLED,
            col(OpportunitySession.ends_at) > now(),
        )
        .group_by(col(OpportunitySession.opportunity_pk))
    )
    found = {pk: (start, end) for pk, start, end in session.execute(coming)}
    table = Opportunity.__table__  # type: ignore[attr-defined]
    rows = []
    for pk in pks:
        start, end = found.get(pk, (None, None))
        rows.append({"row_pk": pk, "start": start, "ends": end, "sort": start or NEVER})
    session.connection().execute(
        update(table)
        .where(table.c.pk == bindparam("row_pk"))
        .values(
            next_session_at=bindparam("start", type_=table.c.next_session_at.type),
            next_session_ends_at=bindparam("ends", type_=table.c.next_session_ends_at.type),
            sort_at=bindparam("sort", type_=table.c.sort_at.type),
        ),
        rows,
    )
    documents.mark(session, pks)
