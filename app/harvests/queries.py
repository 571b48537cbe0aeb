"""Reading harvests, and what is to be fetched."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.sql.expression import Select
from sqlmodel import Session, col

from app.access.inbox import InboxItem
from app.access.models import Caller
from app.harvests.models import OPEN, Harvest, HarvestDue, HarvestedItem, HarvestPosition
from app.kit.database import chunks
from app.opportunities.intake import LIVE
from app.opportunities.models import Opportunity
from app.sources import queries as sources
from app.sources.models import HARVESTED, Source
from app.sources.state_models import SourceHarvest

TOLD_AFTER = 3
"""Failures in a row after which somebody should hear of it: a server may be down for an hour."""


def visible_to(caller: Caller) -> Select[Harvest, Source]:
    """The harvests of the sources that a caller may see, with these."""
    return (
        sources.visible_to(caller)
        .join(Harvest, col(Harvest.source_pk) == col(Source.pk))
        .with_only_columns(Harvest, Source)
    )


def harvest(session: Session, caller: Caller, identifier: UUID) -> tuple[Harvest, Source] | None:
    """A harvest and its source."""
    found = session.execute(visible_to(caller).where(col(Harvest.id) == identifier)).first()
    return (found[0], found[1]) if found else None


def harvests_of(source: Source) -> Select[Harvest]:
    """The harvests of a source."""
    return select(Harvest).where(col(Harvest.source_pk) == source.pk)


def open_harvest(session: Session, source_pk: int) -> Harvest | None:
    """The harvest of a source that waits or runs: there is one at most."""
    statement = select(Harvest).where(
        col(Harvest.source_pk) == source_pk, col(Harvest.outcome).in_(OPEN)
    )
    return session.execute(statement.limit(1)).scalar_one_or_none()


def due(at: datetime) -> Select[Source]:
    """Sources to be fetched now, for which no harvest waits or runs."""
    waiting = select(col(Harvest.source_pk)).where(col(Harvest.outcome).in_(OPEN))
    return (
        select(Source)
        .outerjoin(SourceHarvest, col(SourceHarvest.source_pk) == col(Source.pk))
        .where(
            col(Source.kind).in_(HARVESTED),
            col(Source.deleted_at).is_(None),
            col(Source.paused).is_(False),
            or_(
                col(SourceHarvest.due_at) <= at,
                col(SourceHarvest.source_pk).is_(None),
                col(SourceHarvest.feed_url) != col(Source.feed_url),
            ),
            col(Source.harvest_hours).is_not(None),
            col(Source.pk).not_in(waiting),
        )
        .order_by(col(SourceHarvest.due_at), col(Source.pk))
    )


def next_open(at: datetime) -> Select[Harvest]:
    """Harvests that nobody is at work on, the oldest first."""
    return (
        select(Harvest)
        .where(
            col(Harvest.outcome).in_(OPEN),
            or_(col(Harvest.held_until).is_(None), col(Harvest.held_until) < at),
        )
        .order_by(col(Harvest.pk))
    )


def positions(session: Session, source_pk: int) -> Sequence[HarvestPosition]:
    """How far each feed of a source was followed, in the order in which they were named."""
    statement = (
        select(HarvestPosition)
        .where(col(HarvestPosition.source_pk) == source_pk)
        .order_by(col(HarvestPosition.pk))
    )
    return session.execute(statement).scalars().all()


def due_names(session: Session, source_pk: int, most: int) -> list[str]:
    """Listings to be made anew."""
    statement = (
        select(col(HarvestDue.name))
        .where(col(HarvestDue.source_pk) == source_pk)
        .order_by(col(HarvestDue.name))
        .limit(most)
    )
    return list(session.execute(statement).scalars())


def items_named(session: Session, source_pk: int, names: Sequence[str]) -> Iterable[HarvestedItem]:
    """All that was found of these listings."""
    for some in chunks(names):
        statement = select(HarvestedItem).where(
            col(HarvestedItem.source_pk) == source_pk, col(HarvestedItem.name).in_(some)
        )
        yield from session.execute(statement).scalars()


def live_names(session: Session, source_pk: int, names: Sequence[str]) -> set[str]:
    """Those of these names that are live listings of a source."""
    found: set[str] = set()
    for some in chunks(names):
        statement = select(col(Opportunity.external_id)).where(
            col(Opportunity.source_pk) == source_pk,
            col(Opportunity.external_id).in_(some),
            col(Opportunity.status).in_(LIVE),
        )
        found.update(session.execute(statement).scalars())
    return found


def count_items(session: Session, source_pk: int) -> int:
    """How many items are kept of a source's feeds."""
    statement = select(func.count()).where(col(HarvestedItem.source_pk) == source_pk)
    count: int = session.execute(statement).scalar_one()
    return count


def strangers(session: Session, source_pk: int, kinds: Collection[str]) -> list[str]:
    """Live listings of a source that its feeds do not hold."""
    held = select(col(HarvestedItem.name)).where(
        col(HarvestedItem.source_pk) == source_pk,
        col(HarvestedItem.kind).in_(kinds),
        col(HarvestedItem.data).is_not(None),
    )
    statement = select(col(Opportunity.external_id)).where(
        col(Opportunity.source_pk) == source_pk,
        col(Opportunity.status).in_(LIVE),
        col(Opportunity.external_id).not_in(held),
    )
    return list(session.execute(statement).scalars())


def state(session: Session, source_pk: int) -> SourceHarvest | None:
    """How fetching from a source stands."""
    return session.get(SourceHarvest, source_pk)


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """The caller's sources whose feeds keep failing."""
    failing = (
        sources.visible_to(caller)
        .join(SourceHarvest, col(SourceHarvest.source_pk) == col(Source.pk))
        .where(col(SourceHarvest.failures) >= TOLD_AFTER)
        .with_only_columns(func.count(), func.min(col(SourceHarvest.failing_since)))
    )
    count, oldest = session.execute(failing).one()
    if not count:
        return []
    href = f"{public_url}/v1/sources"
    return [InboxItem(kind="feeds_failing", count=count, oldest_at=oldest, href=href)]
