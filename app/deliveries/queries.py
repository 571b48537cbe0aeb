"""What waits to be sent or run. There is no caller here: the worker sees everything."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from app.deliveries.models import Delivery, PeriodicJob


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
            col(Delivery.delivered_at).is_(None),
            col(Delivery.abandoned_at).is_(None),
            col(Delivery.run_at) <= at,
            or_(col(Delivery.locked_until).is_(None), col(Delivery.locked_until) <= at),
            is_next,
        )
        .order_by(col(Delivery.run_at), col(Delivery.pk))
        .limit(1)
    )


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
