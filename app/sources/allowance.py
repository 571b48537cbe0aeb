"""How much a source may send: pushes in an hour, and listings in all.

Both hold across any number of processes, since they are counted in the database. A source's hour
is one instant on its own row (the generic cell rate algorithm), which every push locks anyway. A
key's batches are counted from the batches themselves; what a key sends alone is counted by its
sources, and by the meter of requests that each process has. A dry run writes nothing, and so is
not counted here; nor is a push that is refused, since nothing of it is kept.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.access.models import Caller
from app.kit.problems import TOO_MANY, Problem
from app.kit.times import now
from app.opportunities.life import Rules
from app.opportunities.models import Opportunity
from app.opportunities.planned import Outcome, Planned
from app.sources import queries
from app.sources.models import Batch, Source
from app.sources.state_models import STANDING

HOUR = timedelta(hours=1)
BATCH_COST = 20
"""Listings sent alone that one batch counts as."""
A_LITTLE = timedelta(milliseconds=1)
"""Shares of an hour are rounded; the last push of an allowance must not fail by that."""


def admit(
    session: Session, caller: Caller, source: Source, rules: Rules, *, batch: bool = False
) -> None:
    """Count a push to a locked source, or refuse it with 429 and when to come again."""
    own = source.pushes_per_hour
    quota = rules.pushes_per_hour if own is None else own
    if quota:
        _meter(session, source, quota, min(BATCH_COST, quota) if batch else 1)
    if batch and rules.pushes_per_hour and caller.key_id:
        _meter_key(session, caller.key_id, max(1, rules.pushes_per_hour // BATCH_COST))


def fit(session: Session, source: Source, rules: Rules, planned: Sequence[Planned]) -> None:
    """Refuse the new listings for which the source has no room; what is there already stays."""
    most = rules.max_listings if source.max_listings is None else source.max_listings
    fresh = [entry for entry in planned if entry.outcome is Outcome.CREATED]
    if not most or not fresh:
        return
    standing = session.execute(
        select(func.count())
        .select_from(Opportunity)
        .where(col(Opportunity.source_pk) == source.pk, col(Opportunity.status).in_(STANDING))
    ).scalar_one()
    leaving = sum(entry.outcome is Outcome.WITHDRAWN for entry in planned)
    room = max(0, most - standing + leaving)
    for entry in fresh[room:]:
        entry.verdict = None
        entry.refuse(
            "#",
            f"This source has room for {most:,} listings and holds {standing:,}. Withdraw what is "
            "over, or ask the regional team for more room.",
            "source_full",
        )


def _meter(session: Session, source: Source, quota: int, cost: int) -> None:
    at = now()
    before = max(source.push_arrival_at or at, at)
    if before - at > HOUR + A_LITTLE:
        before = at  # it was written by a clock that went wrong: nobody waits for days for that
    arrival = before + HOUR * cost / quota
    if arrival - at > HOUR + A_LITTLE:
        raise _too_many(
            f"The source {source.key} may send {quota:,} listings, each alone, in an hour; a batch "
            f"counts as {BATCH_COST}.",
            arrival - at - HOUR,
        )
    queries.note(session, source.pk or 0, {"push_arrival_at": arrival})


def _meter_key(session: Session, key_id: str, batches: int) -> None:
    at = now()
    statement = (
        select(col(Batch.received_at))
        .where(col(Batch.caller) == key_id, col(Batch.received_at) > at - HOUR)
        .order_by(col(Batch.received_at).desc())
        .offset(batches - 1)
        .limit(1)
    )
    first = session.execute(statement).scalar_one_or_none()
    if first is not None:
        raise _too_many(f"A key may send {batches:,} batches in an hour.", first + HOUR - at)


def _too_many(detail: str, wait: timedelta) -> Problem:
    seconds = max(1, math.ceil(wait.total_seconds()))
    return Problem(
        TOO_MANY,
        f"{detail} Send several listings in one batch, and come again in {seconds} seconds.",
        headers={"Retry-After": str(seconds)},
    )
