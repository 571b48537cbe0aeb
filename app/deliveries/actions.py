"""Announcing; what the worker writes down: leases, outcomes, the purge; reviving dead letters.

The worker's own writes are not edits: neither `version` nor `updated_at` moves.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Update, and_, delete, func, or_, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from app.access.audit import record_all
from app.access.models import Caller
from app.deliveries import queries
from app.deliveries.models import (
    ERROR_LENGTH,
    RECIPIENT_LENGTH,
    TOPIC_LENGTH,
    Delivery,
    Message,
    PeriodicJob,
)
from app.kit.problems import CONFLICT, NOT_FOUND, Problem
from app.kit.times import now

LEASE = timedelta(seconds=60)
"""How long a claim lasts unless renewed; the clocks of all machines must agree much better."""

KEPT = timedelta(days=30)
"""How long a delivered row is kept."""

CLOCKS_DIFFER = timedelta(minutes=1)
"""What was made further in the future than this was made before a clock was put back."""

FURTHEST_RETRY = timedelta(hours=30)
"""No attempt is put off for longer, jitter included."""

AFTER_FAILURE = timedelta(minutes=5)
"""When a failed job runs again, if its own interval is not shorter."""


def announce(
    session: Session,
    topic: str,
    payload: Mapping[str, Any],
    *,
    recipient: str = "",
    after: timedelta | None = None,
    about: UUID | None = None,
    sequence_key: str | None = None,
) -> Delivery:
    """Put a message in the outbox, in the caller's transaction; it is sent once that commits.

    The payload is copied as JSON now. TypeError or ValueError if it is not JSON, ValueError if
    the topic (1 to 80 characters) or the recipient (at most 320) is too long.

    `forget` finds it by what it is `about`. Messages with one `sequence_key` are sent one after
    the other: the next when the one before has been delivered, or has been given up.
    """
    if not 0 < len(topic) <= TOPIC_LENGTH:
        raise ValueError(f"A topic has 1 to {TOPIC_LENGTH} characters.")
    if len(recipient) > RECIPIENT_LENGTH:
        raise ValueError(f"A recipient has at most {RECIPIENT_LENGTH} characters.")
    delivery = Delivery(
        topic=topic,
        recipient=recipient,
        payload=json.loads(json.dumps(payload, allow_nan=False)),
        run_at=now() + (after or timedelta()),
        about=about,
        sequence_key=sequence_key,
    )
    session.add(delivery)
    return delivery


def forget(session: Session, *about: UUID) -> int:
    """Delete every delivery about some things: delivered, dead and waiting; the number of them.

    One that is being sent at this moment may still arrive, since the worker holds it in memory;
    its row goes with the others, and what the worker writes down afterwards finds no row and
    does no harm.
    """
    session.flush()  # what this very transaction announced goes too
    result: Any = session.execute(
        delete(Delivery)
        .where(col(Delivery.about).in_(about))
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


# --- deliveries ------------------------------------------------------------------------------


def claim(session: Session, holder: str) -> Message | None:
    """Lease the longest due delivery to a worker, or None; an attempt counts from here."""
    at = now()
    # One value, not a list: PostgreSQL may run a list's query again for each row it looks at.
    # SQLite leaves the lock out of the statement; its writers already come one at a time.
    due = queries.next_due(at).with_for_update(skip_locked=True).scalar_subquery()
    claimed = session.execute(
        update(Delivery)
        .where(col(Delivery.pk) == due)
        .values(locked_by=holder, locked_until=at + LEASE, attempts=Delivery.attempts + 1)
        .returning(
            col(Delivery.id),
            col(Delivery.topic),
            col(Delivery.recipient),
            col(Delivery.payload),
            col(Delivery.attempts),
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return Message(*claimed) if claimed else None


def renew(session: Session, message: Message, holder: str) -> None:
    """Extend the lease of a delivery that is still being sent."""
    session.execute(_held(message, holder).values(locked_until=now() + LEASE))


def record_delivered(session: Session, message: Message) -> None:
    """Write down that a message was sent, even if the lease has passed to another meanwhile."""
    session.execute(
        update(Delivery)
        .where(col(Delivery.id) == message.id, col(Delivery.delivered_at).is_(None))
        .values(delivered_at=now(), abandoned_at=None, locked_by=None, locked_until=None)
        .execution_options(synchronize_session=False)
    )


def record_failure(
    session: Session, message: Message, holder: str, error: str, again_at: datetime | None
) -> None:
    """Write down why an attempt failed, and when the next one is due; None abandons it."""
    values: dict[str, Any] = {
        "locked_by": None,
        "locked_until": None,
        "last_error": _shown(error),
        **({"run_at": again_at} if again_at else {"abandoned_at": now()}),
    }
    session.execute(_held(message, holder).values(**values))


def purge_delivered(session: Session, limit: int = 5_000) -> int:
    """Delete rows delivered more than 30 days ago, the oldest first; the number of them."""
    old = (
        select(Delivery.pk)
        .where(col(Delivery.delivered_at) < now() - KEPT)
        .order_by(col(Delivery.delivered_at))
        .limit(limit)
    )
    result: Any = session.execute(
        delete(Delivery)
        .where(col(Delivery.pk).in_(old))
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


def _held(message: Message, holder: str) -> Update:
    """An update of a delivery, as long as this worker still holds its lease."""
    return (
        update(Delivery)
        .where(col(Delivery.id) == message.id, col(Delivery.locked_by) == holder)
        .execution_options(synchronize_session=False)
    )


def mend_times(session: Session) -> int:
    """After a clock was put back: let what it queued or leased wait no longer than it should.

    What was made in the future is due as long from now as it was from its making. A lease that
    ends too far ahead is cut, not ended, for its holder may be alive and renew it. A retry that
    lies further ahead than any should comes now. The number of deliveries mended.
    """
    at = now()
    waiting = select(Delivery).where(
        queries.is_waiting(),
        or_(
            col(Delivery.created_at) > at + CLOCKS_DIFFER,
            col(Delivery.locked_until) > at + 2 * LEASE,
            and_(col(Delivery.attempts) > 0, col(Delivery.run_at) > at + FURTHEST_RETRY),
        ),
    )
    wrong = waiting.with_only_columns(
        col(Delivery.pk),
        col(Delivery.created_at),
        col(Delivery.run_at),
        col(Delivery.locked_until),
        col(Delivery.attempts),
    )
    found = session.execute(wrong.limit(1_000)).all()
    for row in found:
        values: dict[str, Any] = {}
        if row.created_at > at + CLOCKS_DIFFER:
            values = {"created_at": at, "run_at": row.run_at - (row.created_at - at)}
        if row.locked_until and row.locked_until > at + 2 * LEASE:
            values["locked_until"] = at + LEASE
        if row.attempts and values.get("run_at", row.run_at) > at + FURTHEST_RETRY:
            values["run_at"] = at
        session.execute(
            update(Delivery)
            .where(col(Delivery.pk) == row.pk)
            .values(values)
            .execution_options(synchronize_session=False)
        )
    return len(found)


# --- dead letters ----------------------------------------------------------------------------


def retry(session: Session, caller: Caller, id: UUID) -> Delivery:
    """Send a dead letter again, with all its attempts before it."""
    statement = queries.visible_to(caller).where(Delivery.id == id).with_for_update()
    row = session.exec(statement).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND, "There is no delivery with this id.")
    if row.abandoned_at is None:
        raise Problem(CONFLICT, "Only a dead letter can be tried again: this one is not dead.")
    _revive(session, caller, [row])
    return row


def retry_many(session: Session, caller: Caller, topic: str, limit: int) -> tuple[int, int]:
    """Send the oldest dead letters of a topic again; how many, and how many are still dead."""
    dead = queries.dead(caller, topic)
    rows = session.exec(dead.limit(limit).with_for_update(skip_locked=True)).all()
    _revive(session, caller, rows)
    session.flush()
    left = select(func.count()).select_from(dead.order_by(None).subquery())
    return len(rows), session.exec(left).one()


def _revive(session: Session, caller: Caller, rows: Sequence[Delivery]) -> None:
    at = now()
    changes = []
    for row in rows:
        before = {"dead": True, "attempts": row.attempts}
        row.abandoned_at = row.locked_by = row.locked_until = None
        row.attempts, row.run_at = 0, at
        session.add(row)
        changes.append((row.id, before, {"dead": False, "attempts": 0}))
    record_all(session, caller, "delivery.retry", "delivery", changes)


# --- periodic jobs ---------------------------------------------------------------------------


def claim_job(session: Session, name: str, every: timedelta, holder: str) -> bool:
    """Lease a job to a worker if it is due; a job never seen before is due at once."""
    at = now()
    job = session.get(PeriodicJob, name, with_for_update=True)
    if job is None:
        job = PeriodicJob(name=name, due_at=at)
    elif not queries.is_due(job, every, at):
        return False
    job.locked_by, job.locked_until, job.last_run_at = holder, at + LEASE, at
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError:  # another worker was first to see it
        return False
    return True


def renew_job(session: Session, name: str, holder: str) -> None:
    """Extend the lease of a job that is still running."""
    session.execute(
        update(PeriodicJob)
        .where(col(PeriodicJob.name) == name, col(PeriodicJob.locked_by) == holder)
        .values(locked_until=now() + LEASE)
        .execution_options(synchronize_session=False)
    )


def finish_job(
    session: Session, name: str, every: timedelta, holder: str, error: str | None
) -> None:
    """Write down how a run ended and when the next is due, unless another has taken over."""
    job = session.get(PeriodicJob, name, with_for_update=True)
    if job is None or job.locked_by != holder:
        return
    at = now()
    if error is not None:
        job.due_at = at + min(every, AFTER_FAILURE)
    else:
        # In step with the last time; after a long pause in step with now, not in a burst.
        following = job.due_at + every
        job.due_at = following if at < following <= at + every else at + every
    job.last_error = None if error is None else _shown(error)
    job.locked_by = job.locked_until = None
    session.add(job)


def _shown(error: str) -> str:
    return "".join(c if c.isprintable() else " " for c in error)[:ERROR_LENGTH]
