"""What waits to be sent or run, which the worker sees whole; and what staff see of it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.inbox import InboxItem
from app.access.models import Caller
from app.deliveries.models import Delivery, DeliveryState, PeriodicJob


def next_due(at: datetime) -> Select[int | None]:
    """The primary key of the delivery to claim at this instant: the longest due.

    Not one that has an earlier one of its sequence before it, waiting or being sent. A dead one
    holds nothing up.
    """
    before: Any = aliased(Delivery, name="before")
    is_next = ~exists().where(
        before.sequence_key == col(Delivery.sequence_key),
        before.pk < col(Delivery.pk),
        before.delivered_at.is_(None),
        before.abandoned_at.is_(None),
    )
    return (
        select(Delivery.pk)
        .where(
            is_waiting(),
            col(Delivery.run_at) <= at,
            or_(col(Delivery.locked_until).is_(None), col(Delivery.locked_until) <= at),
            is_next,
        )
        .order_by(col(Delivery.run_at), col(Delivery.pk))
        .limit(1)
    )


def is_waiting() -> ColumnElement[bool]:
    """Holds for what is neither delivered nor dead, being sent or not."""
    return and_(col(Delivery.delivered_at).is_(None), col(Delivery.abandoned_at).is_(None))


def is_any_due(session: Session, at: datetime) -> bool:
    """Whether a delivery could be claimed at this instant."""
    return session.execute(next_due(at)).first() is not None


def jobs_named(session: Session, names: Sequence[str]) -> dict[str, PeriodicJob]:
    """The jobs of these names that have run, or been claimed, before."""
    found = session.exec(select(PeriodicJob).where(col(PeriodicJob.name).in_(names)))
    return {job.name: job for job in found}


def is_due(job: PeriodicJob, every: timedelta, at: datetime) -> bool:
    """Whether a job can be claimed at this instant."""
    if job.locked_until and job.locked_until > at:
        return False
    # Due absurdly late means that a clock was put back, or that the interval became shorter.
    return job.due_at <= at or job.due_at > at + 2 * every


# --- what staff see --------------------------------------------------------------------------


def visible_to(caller: Caller) -> SelectOfScalar[Delivery]:
    """The deliveries that a caller may see: staff all, others none."""
    statement = select(Delivery)
    return statement if caller.is_staff else statement.where(false())


def is_in(states: Collection[DeliveryState], at: datetime) -> ColumnElement[bool]:
    """Holds for deliveries in one of these states at this instant."""
    locked = func.coalesce(col(Delivery.locked_until) > at, false())
    conditions = {
        DeliveryState.WAITING: and_(is_waiting(), ~locked),
        DeliveryState.SENDING: and_(is_waiting(), locked),
        DeliveryState.DELIVERED: col(Delivery.delivered_at).is_not(None),
        DeliveryState.DEAD: col(Delivery.abandoned_at).is_not(None),
    }
    return or_(*(conditions[state] for state in states))


def is_of(topic: str) -> ColumnElement[bool]:
    """Holds for this topic and those below it: `mail` for `mail.notice`."""
    return or_(
        col(Delivery.topic) == topic, col(Delivery.topic).startswith(f"{topic}.", autoescape=True)
    )


def state_of(row: Delivery, at: datetime) -> DeliveryState:
    """Where a delivery stands at this instant."""
    if row.delivered_at:
        return DeliveryState.DELIVERED
    if row.abandoned_at:
        return DeliveryState.DEAD
    if row.locked_until and row.locked_until > at:
        return DeliveryState.SENDING
    return DeliveryState.WAITING


def dead(caller: Caller, topic: str) -> SelectOfScalar[Delivery]:
    """The dead letters of a topic, the oldest first."""
    return (
        visible_to(caller)
        .where(col(Delivery.abandoned_at).is_not(None), is_of(topic))
        .order_by(col(Delivery.abandoned_at), col(Delivery.pk))
    )


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """The dead letters, which wait for staff."""
    if not caller.is_staff:
        return []
    count, oldest = session.execute(
        select(func.count(), func.min(Delivery.abandoned_at)).where(
            col(Delivery.abandoned_at).is_not(None)
        )
    ).one()
    href = f"{public_url}/v1/deliveries?state=dead"
    item = InboxItem(kind="dead_deliveries", count=count, oldest_at=oldest, href=href)
    return [item] if count else []
