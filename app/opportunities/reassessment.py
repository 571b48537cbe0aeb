"""Assessing stored listings again after the weights of `quality` have changed."""

from sqlalchemy import Integer, bindparam, cast, func, or_, select, update
from sqlmodel import Session, col

from app.kit.database import Database
from app.opportunities import documents, quality
from app.opportunities.models import Opportunity, OpportunitySession

CHUNK = 500


def reassess(database: Database) -> int:
    """Assess what was assessed under other weights, chunk by chunk; the number of them."""
    total = 0
    while True:
        with database.writing(seconds=60) as session:
            version = col(Opportunity.quality_version)
            statement = (
                select(col(Opportunity.pk), col(Opportunity.content))
                # Two ranges of an index; `!=` would read every row to find none.
                .where(or_(version < quality.VERSION, version > quality.VERSION))
                .order_by(version, col(Opportunity.pk))
                .limit(CHUNK)
                .with_for_update(key_share=True, skip_locked=True)
            )
            found = {row[0]: row[1] for row in session.execute(statement)}
            if not found:
                return total
            times = _times(session, list(found))
            table = Opportunity.__table__  # type: ignore[attr-defined]
            rows = []
            for pk, content in found.items():
                values = quality.stored(quality.assess(content, times.get(pk, quality.NONE)))
                rows.append({"row_pk": pk, **{f"new_{k}": v for k, v in values.items()}})
            session.connection().execute(
                update(table)
                .where(table.c.pk == bindparam("row_pk"))
                .values(
                    quality=bindparam("new_quality"),
                    quality_gaps=bindparam("new_quality_gaps"),
                    quality_version=bindparam("new_quality_version"),
                ),
                rows,
            )
            documents.mark(session, list(found))
            total += len(found)


def _times(session: Session, pks: list[int]) -> dict[int, quality.Times]:
    """What the sessions of each of these listings say together."""
    statement = (
        select(
            col(OpportunitySession.opportunity_pk),
            func.min(cast(col(OpportunitySession.has_time), Integer)),
            func.min(cast(col(OpportunitySession.has_end), Integer)),
        )
        .where(
            col(OpportunitySession.opportunity_pk).in_(pks),
            col(OpportunitySession.deleted_at).is_(None),
        )
        .group_by(col(OpportunitySession.opportunity_pk))
    )
    return {
        pk: quality.Times(timed=bool(timed), ended=bool(ended))
        for pk, timed, ended in session.execute(statement)
    }
