"""The quality of sources, now and day by day: counted by what listings miss, none of them read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import delete, func, insert, select
from sqlmodel import Session, col

from app.kit.database import Database
from app.kit.times import today
from app.opportunities import quality
from app.opportunities.models import Opportunity
from app.sources.models import Source
from app.sources.state import mean
from app.sources.state_models import (
    STANDING,
    Period,
    QualityDay,
    QualityGap,
    QualityNow,
    SourceQuality,
)

DAYS = 90
LOWEST = 5


@dataclass
class _Sum:
    """What the standing listings of a source add up to."""

    listings: int = 0
    total: int = 0
    gaps: Counter[str] = field(default_factory=Counter)


def record_quality(database: Database) -> int:
    """Write down today's quality of every source; the number of sources. Again is no harm."""
    with database.reading(seconds=60) as session:
        found = _summed(session)
    day = today()
    with database.writing(seconds=60) as session:
        session.execute(
            delete(SourceQuality)
            .where(col(SourceQuality.day) == day)
            .execution_options(synchronize_session=False)
        )
        rows = [
            {
                "source_pk": pk,
                "day": day,
                "listings": one.listings,
                "mean": mean(one.total, one.listings),
                "gaps": dict(one.gaps),
            }
            for pk, one in sorted(found.items())
        ]
        if rows:
            session.execute(insert(SourceQuality), rows)
    return len(rows)


def quality_now(session: Session, source: Source, public_url: str) -> QualityNow:
    """The quality of a source at this moment, and what would raise the most of its listings."""
    one = _summed(session, source.pk).get(source.pk or 0, _Sum())
    standing = "&".join(f"status={status}" for status in STANDING)
    lowest = sorted(
        (criterion for criterion in quality.WEIGHTS if one.gaps[criterion.code]),
        key=lambda criterion: (-one.gaps[criterion.code], -criterion.points),
    )
    return QualityNow(
        listings=one.listings,
        mean=mean(one.total, one.listings) if one.listings else None,
        lowest=[
            QualityGap(
                code=criterion.code,
                points=criterion.points,
                listings=one.gaps[criterion.code],
                detail=f"{criterion.why} {criterion.advice}",
                href=f"{public_url}/v1/sources/{source.key}/listings"
                f"?gap={criterion.code}&{standing}",
            )
            for criterion in lowest[:LOWEST]
        ],
    )


def quality_days(session: Session, source: Source, period: Period) -> Sequence[QualityDay]:
    """What was recorded of a source in a period, in order of time."""
    last = period.to or today()
    first = period.from_ or _before(last, DAYS - 1)
    statement = (
        select(SourceQuality)
        .where(
            col(SourceQuality.source_pk) == source.pk,
            col(SourceQuality.day).between(first, last),
        )
        .order_by(col(SourceQuality.day))
    )
    return [
        QualityDay(day=row.day, listings=row.listings, mean=row.mean, gaps=row.gaps)
        for row in session.execute(statement).scalars()
    ]


def _before(day: date, days: int) -> date:
    return date.fromordinal(max(1, day.toordinal() - days))


def _summed(session: Session, source_pk: int | None = None) -> dict[int, _Sum]:
    """By source; one query over an index, whatever the number of listings."""
    statement = (
        select(
            col(Opportunity.source_pk),
            col(Opportunity.quality_gaps),
            func.count(),
            func.sum(col(Opportunity.quality)),
        )
        .where(col(Opportunity.status).in_(STANDING))
        .group_by(col(Opportunity.source_pk), col(Opportunity.quality_gaps))
    )
    if source_pk is not None:
        statement = statement.where(col(Opportunity.source_pk) == source_pk)
    found: dict[int, _Sum] = {}
    for pk, gaps, count, total in session.execute(statement):
        one = found.setdefault(pk, _Sum())
        one.listings += count
        one.total += int(total)
        for code, bit in quality.BITS.items():
            if gaps & bit:
                one.gaps[code] += count
    return found
