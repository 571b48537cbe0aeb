"""Organisations that offer listings: one with live listings is not deleted.

Refused, not withdrawn in passing: a deletion cannot be undone, and hundreds of public listings
should not go with one request that does not name them. A source is retired by the same rule.
"""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.kit.database import key, touched
from app.kit.problems import IN_USE, Problem
from app.opportunities.models import Opportunity, Status
from app.organisations.models import Organisation

LIVE = (Status.PUBLISHED, Status.SUBMITTED)


def keep_offerers(session: Session) -> None:
    """The before-commit listener: 409 if an organisation that is deleted has live listings."""
    gone = [
        row
        for row in touched(session)
        if isinstance(row, Organisation) and row.deleted_at is not None
    ]
    if not gone:
        return
    pks = sorted(key(row) for row in gone)
    # A listing that is being written refers to it: wait until it can be counted.
    session.execute(
        select(col(Organisation.pk)).where(col(Organisation.pk).in_(pks)).with_for_update()
    )
    live = _live(session, pks)
    if live:
        raise Problem(
            IN_USE,
            f"It still has live listings: {live}, published or submitted. Withdraw them first; "
            "POST /v1/opportunities/moderation takes 500 at once.",
        )


def _live(session: Session, pks: Sequence[int]) -> int:
    """How many live listings these organisations offer, or send for others."""
    offered = select(func.count()).where(
        col(Opportunity.provider_pk).in_(pks), col(Opportunity.status).in_(LIVE)
    )
    # Counted by state, and not sought by it: SQLite would walk all that is published.
    sent = (
        select(col(Opportunity.status), func.count())
        .where(
            col(Opportunity.owner_pk).in_(pks),
            func.coalesce(col(Opportunity.provider_pk), 0).not_in(pks),
        )
        .group_by(col(Opportunity.status))
    )
    live: int = session.execute(offered).scalar_one()
    live += sum(count for status, count in session.execute(sent) if status in LIVE)
    return live
