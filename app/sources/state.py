"""Reading the state of sources: counted in an index, a few queries for a whole page of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, literal_column, or_, select
from sqlalchemy.sql.expression import Select
from sqlmodel import Session, col

from app.access.inbox import InboxItem
from app.access.models import Caller, Role
from app.kit.database import key
from app.kit.pages import Order
from app.opportunities import quality
from app.opportunities.intake import explain
from app.opportunities.models import Opportunity, Status
from app.opportunities.queries import is_asked
from app.opportunities.shown import QualityReason
from app.sources.models import HARVESTED, Batch, Source
from app.sources.state_models import (
    STANDING,
    Asked,
    CorrectedField,
    HarvestState,
    LastBatch,
    ListingFilters,
    ListingProblem,
    ListingSort,
    OldestListing,
    PartnerListing,
    SourceHarvest,
    SourceState,
    sentences,
)


def states(
    session: Session, sources: Sequence[Source], public_url: str
) -> Mapping[int, SourceState]:
    """The state of each of these sources, in seven queries."""
    pks = [key(row) for row in sources]
    counts, means = _counted(session, pks)
    pending = _pending(session, pks)
    batches = _last_batches(session, pks, public_url)
    oldest = _oldest_unseen(session, pks, public_url)
    harvests = _harvests(session, sources, public_url)
    return {
        key(row): SourceState(
            last_push_at=row.last_push_at,
            last_batch=batches.get(key(row)),
            listings=counts.get(key(row), {}),
            live=counts.get(key(row), {}).get(Status.PUBLISHED.value, 0),
            pending=pending.get(key(row), 0),
            oldest_unseen=oldest.get(key(row)),
            harvest=harvests.get(key(row)),
            quality=means.get(key(row)),
        )
        for row in sources
    }


def _counted(
    session: Session, pks: Collection[int]
) -> tuple[dict[int, dict[str, int]], dict[int, float]]:
    """How many listings each source has in each state, and the mean quality of the standing."""
    statement = (
        select(
            col(Opportunity.source_pk),
            col(Opportunity.status),
            func.count(),
            func.sum(col(Opportunity.quality)),
        )
        .where(col(Opportunity.source_pk).in_(pks))
        .group_by(col(Opportunity.source_pk), col(Opportunity.status))
    )
    counts: dict[int, dict[str, int]] = {}
    totals: dict[int, list[int]] = {}
    for source_pk, status, count, score in session.execute(statement):
        counts.setdefault(source_pk, {})[status.value] = count
        if status in STANDING:
            total = totals.setdefault(source_pk, [0, 0])
            total[0] += int(score)
            total[1] += count
    return counts, {pk: mean(score, count) for pk, (score, count) in totals.items()}


def mean(total: int, count: int) -> float:
    """A mean score to one decimal, rounded the same way everywhere."""
    return round(total / count, 1)


def _pending(session: Session, pks: Collection[int]) -> dict[int, int]:
    statement = (
        select(col(Opportunity.source_pk), func.count())
        .where(col(Opportunity.source_pk).in_(pks), col(Opportunity.pending).is_not(None))
        .group_by(col(Opportunity.source_pk))
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def _last_batches(session: Session, pks: Collection[int], public_url: str) -> dict[int, LastBatch]:
    last = (
        select(col(Batch.pk))
        .where(col(Batch.source_pk) == col(Source.pk))
        .order_by(col(Batch.received_at).desc(), col(Batch.pk).desc())
        .limit(1)
        .correlate(Source)
        .scalar_subquery()
    )
    found = session.execute(select(last).where(col(Source.pk).in_(pks))).scalars().all()
    rows = session.execute(select(Batch).where(col(Batch.pk).in_([pk for pk in found if pk])))
    return {
        row.source_pk: LastBatch(
            id=row.id,
            href=f"{public_url}/v1/batches/{row.id}",
            received_at=row.received_at,
            counts=row.counts,
        )
        for row in rows.scalars()
    }


def _harvests(
    session: Session, sources: Sequence[Source], public_url: str
) -> dict[int, HarvestState]:
    fetched = {key(row): row for row in sources if row.kind in HARVESTED}
    if not fetched:
        return {}
    found = session.execute(
        select(SourceHarvest).where(col(SourceHarvest.source_pk).in_(list(fetched)))
    ).scalars()
    known = {row.source_pk: row for row in found}
    return {
        pk: HarvestState(
            href=f"{public_url}/v1/sources/{row.key}/harvests",
            **(
                known.get(pk) or SourceHarvest(source_pk=pk, feed_url="", due_at=row.created_at)
            ).model_dump(include={"harvested_at", "due_at", "failures", "failing_since", "why"}),
        )
        for pk, row in fetched.items()
    }


def _oldest_unseen(
    session: Session, pks: Collection[int], public_url: str
) -> dict[int, OldestListing]:
    # The first entry of the index for each source, not the least of many rows.
    oldest = (
        select(col(Opportunity.pk))
        .where(
            col(Opportunity.source_pk) == col(Source.pk),
            col(Opportunity.status) == Status.PUBLISHED,
        )
        .order_by(col(Opportunity.last_seen_at))
        .limit(1)
        .correlate(Source)
        .scalar_subquery()
    )
    found = session.execute(select(oldest).where(col(Source.pk).in_(pks))).scalars().all()
    rows = session.execute(
        select(
            col(Opportunity.source_pk),
            col(Opportunity.id),
            col(Opportunity.external_id),
            col(Opportunity.title),
            col(Opportunity.last_seen_at),
        ).where(col(Opportunity.pk).in_([pk for pk in found if pk]))
    )
    return {
        row.source_pk: OldestListing(
            id=row.id,
            href=f"{public_url}/v1/opportunities/{row.id}",
            external_id=row.external_id,
            title=row.title,
            last_seen_at=row.last_seen_at,
        )
        for row in rows
    }


# --- a partner's own listings -----------------------------------------------------------------


def listings(source: Source, wanted: ListingFilters) -> Select[*tuple[Any, ...]]:
    """What is told of the listings of a source that match."""
    names = (
        "id", "external_id", "title", "status", "version", "missing", "rejection_reason",
        "overrides", "quality", "quality_gaps", "last_seen_at", "updated_at", "asked_at",
    )  # fmt: skip
    table = Opportunity.__table__  # type: ignore[attr-defined]
    statement = select(
        *(table.c[name] for name in names),
        col(Opportunity.pending).is_not(None).label("pending"),
        is_asked().label("is_asked"),
    ).where(col(Opportunity.source_pk) == source.pk)
    if wanted.status:
        statement = statement.where(col(Opportunity.status).in_(wanted.status))
    if wanted.problem:
        statement = statement.where(or_(*(_PROBLEMS[one]() for one in wanted.problem)))
    if wanted.gap:
        bits = sum(quality.BITS[one] for one in set(wanted.gap))
        statement = statement.where(col(Opportunity.quality_gaps).bitwise_and(bits) != 0)
    return statement


def is_corrected() -> ColumnElement[bool]:
    """Holds for the listings that staff corrected; as it stands in `ix_opportunity_corrected`."""
    return cast(col(Opportunity.overrides), Text) != literal_column("'{}'")


_PROBLEMS: Mapping[ListingProblem, Any] = {
    ListingProblem.MISSING: lambda: (
        (col(Opportunity.status) == Status.DRAFT) & (cast(col(Opportunity.missing), Text) != "[]")
    ),
    ListingProblem.REJECTED: lambda: col(Opportunity.status) == Status.REJECTED,
    ListingProblem.PENDING: lambda: col(Opportunity.pending).is_not(None),
    ListingProblem.CORRECTED: is_corrected,
    ListingProblem.ASKED: is_asked,
}


def listing_order(sort: ListingSort) -> list[Order]:
    """The parts of a sort; the last one is unique within a source."""
    first = {
        ListingSort.QUALITY: [Order(col(Opportunity.quality))],
        ListingSort.LAST_SEEN: [Order(col(Opportunity.last_seen_at))],
        ListingSort.UPDATED: [Order(col(Opportunity.updated_at), descending=True)],
    }.get(sort, [])
    return [*first, Order(col(Opportunity.external_id))]


def partner_listing(row: Any, public_url: str, grace_days: int) -> PartnerListing:
    """One listing as its partner sees it."""
    asked = None
    if row.is_asked:
        expires_at = row.asked_at + timedelta(days=grace_days)
        asked = Asked(asked_at=row.asked_at, expires_at=expires_at)
    advice = [one.detail for one in explain(row.missing)] if row.status is Status.DRAFT else []
    return PartnerListing(
        id=row.id,
        href=f"{public_url}/v1/opportunities/{row.id}",
        external_id=row.external_id,
        title=row.title,
        status=row.status,
        version=row.version,
        missing=row.missing,
        rejection_reason=row.rejection_reason,
        pending=row.pending,
        corrected=[
            CorrectedField(field=name, reason=one["reason"], at=one["at"])
            for name, one in row.overrides.items()
        ],
        asked=asked,
        what_to_do=sentences(row, advice, asked),
        quality=row.quality,
        would_raise=[
            QualityReason(**one._asdict()) for one in quality.would_raise(row.quality_gaps, 3)
        ],
        last_seen_at=row.last_seen_at,
        updated_at=row.updated_at,
    )


# --- what waits -------------------------------------------------------------------------------


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """The corrections that a publisher has yet to make at its end: an entry for each source."""
    if caller.role is not Role.PUBLISHER:
        return []
    statement = (
        select(col(Source.key), func.count(), func.min(col(Opportunity.updated_at)))
        .join(Opportunity, col(Opportunity.source_pk) == col(Source.pk))
        .where(
            col(Source.organisation_pk) == caller.organisation_pk,
            col(Source.deleted_at).is_(None),
            col(Opportunity.status).in_(STANDING),
            is_corrected(),
        )
        .group_by(col(Source.key))
        .order_by(col(Source.key))
    )
    query = "&".join(["problem=corrected", *(f"status={status}" for status in STANDING)])
    return [
        InboxItem(
            kind="corrected",
            count=count,
            oldest_at=oldest,
            href=f"{public_url}/v1/sources/{source_key}/listings?{query}",
        )
        for source_key, count, oldest in session.execute(statement)
    ]
