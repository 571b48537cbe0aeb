"""Telling that listings wait for a moderator.

They stand in no public log, so this is announced: in the transaction that submits them, one event
for all listings of a source that the same people may see. A batch of 10,000 is a few rows in the
outbox, and nobody hears of a listing that is another's and not public.
"""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlmodel import Session, col

from app.authorities.models import Authority
from app.kit.database import chunks
from app.kit.times import today
from app.opportunities.models import Opportunity, OpportunityArea
from app.partnerships.models import Area, Partnership
from app.webhooks.emitting import Scope, emit
from app.webhooks.events import EventType
from app.webhooks.queries import is_anybody_listening

NAMED = 200
"""As many as are named by their ids; the `href` lists them all."""


def tell_submitted(session: Session, pks: Collection[int]) -> None:
    """Tell moderators and owners that these listings wait, once the transaction commits."""
    if not pks or not is_anybody_listening(session):
        return
    groups: dict[tuple[str, Scope], list[UUID]] = {}
    for some in chunks(sorted(pks)):
        covering = _covering(session, some, today())
        listings = select(
            col(Opportunity.pk),
            col(Opportunity.id),
            col(Opportunity.source_key),
            col(Opportunity.owner_pk),
            col(Opportunity.provider_pk),
        ).where(col(Opportunity.pk).in_(some))
        for pk, identifier, source, owner_pk, provider_pk in session.execute(
            listings.order_by(col(Opportunity.pk))
        ):
            scope = Scope(
                organisations=frozenset({owner_pk, provider_pk or owner_pk}),
                partnerships=frozenset(covering.get(pk, ())),
            )
            groups.setdefault((source, scope), []).append(identifier)
    for (source, scope), ids in groups.items():
        emit(
            session,
            EventType.OPPORTUNITY_SUBMITTED,
            {
                "source": source,
                "count": len(ids),
                "ids": [str(identifier) for identifier in ids[:NAMED]],
                "href": f"/v1/opportunities?status=submitted&source={source}",
            },
            scope=scope,
        )


def _covering(session: Session, pks: Sequence[int], on: date) -> dict[int, list[int]]:
    """The partnerships whose areas these listings reach on a day, private ones included."""
    statement = (
        select(col(OpportunityArea.opportunity_pk), col(Area.partnership_pk))
        .join(Authority, col(Authority.pk) == col(OpportunityArea.authority_pk))
        .join(
            Area,
            or_(
                col(Area.authority_pk) == col(Authority.pk),
                col(Area.authority_pk) == col(Authority.parent_pk),
            ),
        )
        .join(Partnership, col(Partnership.pk) == col(Area.partnership_pk))
        .where(
            col(OpportunityArea.opportunity_pk).in_(pks),
            col(Partnership.deleted_at).is_(None),
            or_(col(Area.from_date).is_(None), col(Area.from_date) <= on),
            or_(col(Area.until_date).is_(None), col(Area.until_date) > on),
        )
        .distinct()
    )
    found: dict[int, list[int]] = {}
    for opportunity_pk, partnership_pk in session.execute(statement):
        found.setdefault(opportunity_pk, []).append(partnership_pk)
    return found
