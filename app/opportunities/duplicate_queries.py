"""Reading pairs of listings: who sees which, what waits, and what a listing repeats."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import Select
from sqlmodel import Session, col

from app.access.inbox import InboxItem
from app.access.models import Caller, Role
from app.kit.shapes import Reference
from app.opportunities import queries
from app.opportunities.duplicates import LIVE
from app.opportunities.life import MERGE
from app.opportunities.matches import (
    MatchedListing,
    MatchKind,
    MatchStatus,
    OpportunityMatch,
)
from app.opportunities.models import Opportunity, Status
from app.opportunities.origins import is_merged
from app.opportunities.shown import OriginalRead, OriginRead
from app.organisations.models import Organisation, Visibility

CHUNK = 500


def pairs() -> Select[*tuple[Any, ...]]:
    """The columns of a pair."""
    return select(*OpportunityMatch.__table__.c)  # type: ignore[attr-defined]


def of_listing(caller: Caller, pk: int) -> Select[*tuple[Any, ...]]:
    """The pairs of a listing whose other listing the caller may see, unless refused."""
    one, other = col(OpportunityMatch.one_pk), col(OpportunityMatch.other_pk)
    partner = case((one == pk, other), else_=one)
    return pairs().where(
        or_(one == pk, other == pk),
        or_(_stands(caller, partner), _is(caller, partner, is_merged())),
    )


def decidable(caller: Caller) -> Select[*tuple[Any, ...]]:
    """The pairs of live listings that the caller sees and of which it moderates at least one.

    One suffices: a pair across a border concerns both areas. Merging needs both.
    """
    sides = (col(OpportunityMatch.one_pk), col(OpportunityMatch.other_pk))
    statement = pairs().where(*(_stands(caller, side) for side in sides))
    if caller.is_staff:
        return statement
    return statement.where(or_(*(_is(caller, side, queries.manages(caller)) for side in sides)))


def from_source(keys: Sequence[str]) -> ColumnElement[bool]:
    """Holds for the pairs of which one listing comes from one of these sources."""
    found = select(col(Opportunity.pk)).where(col(Opportunity.source_key).in_(keys))
    return or_(col(OpportunityMatch.one_pk).in_(found), col(OpportunityMatch.other_pk).in_(found))


def _stands(caller: Caller, side: Any) -> ColumnElement[bool]:
    return _is(caller, side, col(Opportunity.status).in_(LIVE))


def _is(caller: Caller, side: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    seen = queries.visible_to(caller).with_only_columns(col(Opportunity.pk))
    return seen.where(col(Opportunity.pk) == side, condition).correlate(OpportunityMatch).exists()


def pair_of(session: Session, one: int, other: int) -> OpportunityMatch | None:
    """The pair of two listings, in either order."""
    low, high = sorted((one, other))
    statement = select(OpportunityMatch).where(
        col(OpportunityMatch.one_pk) == low, col(OpportunityMatch.other_pk) == high
    )
    return session.execute(statement.with_for_update()).scalar_one_or_none()


def listings(
    session: Session, pks: Collection[int], public_url: str
) -> Mapping[int, MatchedListing]:
    """What a pair shows of these listings."""
    table = Opportunity.__table__  # type: ignore[attr-defined]
    names = ("pk", "id", "title", "status", "provider_pk", "source_key", "source_name")
    statement = select(
        *(table.c[name] for name in (*names, "external_id", "next_session_at")),
        table.c.content["url"].as_string().label("url"),
    ).where(table.c.pk.in_(pks))
    rows = session.execute(statement).all()
    providers = {
        one.pk: Reference(
            id=one.id,
            slug=one.slug,
            name=one.name,
            href=f"{public_url}/v1/organisations/{one.slug}",
        )
        for one in session.execute(
            select(Organisation).where(
                col(Organisation.pk).in_({row.provider_pk for row in rows}),
                col(Organisation.deleted_at).is_(None),
                col(Organisation.visibility) == Visibility.PUBLIC,
            )
        ).scalars()
    }
    return {
        row.pk: MatchedListing(
            id=row.id,
            href=_href(public_url, row.id),
            title=row.title,
            status=row.status,
            provider=providers.get(row.provider_pk),
            source=OriginRead(
                key=row.source_key, name=row.source_name, external_id=row.external_id, url=row.url
            ),
            next_session_at=row.next_session_at,
        )
        for row in rows
    }


def originals(
    session: Session, caller: Caller, pks: Sequence[int], public_url: str
) -> Mapping[int, OriginalRead]:
    """The listing that each of these repeats, or into which it was merged, if the caller sees it.

    Of two that may be one, the earlier is the original; of several, the surest.
    """
    original: Any = aliased(Opportunity)
    visible = queries.visible_to(caller).with_only_columns(col(Opportunity.pk))
    shown = (
        visible.where(col(Opportunity.pk) == original.pk, col(Opportunity.status).in_(LIVE))
        .correlate(original)
        .exists()
    )
    found: dict[int, OriginalRead] = {}
    statement = (
        select(
            col(OpportunityMatch.other_pk).label("pk"),
            original.id,
            original.title,
            col(OpportunityMatch.score),
        )
        .join(original, col(original.pk) == col(OpportunityMatch.one_pk))
        .join(Opportunity, col(Opportunity.pk) == col(OpportunityMatch.other_pk))
        .where(
            col(OpportunityMatch.other_pk).in_(pks),
            col(OpportunityMatch.kind) == MatchKind.DUPLICATE,
            col(OpportunityMatch.status) == MatchStatus.PROPOSED,
            col(Opportunity.status).in_(LIVE),
            shown,
        )
        .order_by(col(OpportunityMatch.score), col(OpportunityMatch.pk).desc())
    )
    for row in session.execute(statement):
        found[row.pk] = OriginalRead(
            id=row.id,
            href=_href(public_url, row.id),
            title=row.title,
            merged=False,
            score=row.score,
        )
    merged = select(
        col(Opportunity.pk).label("pk"), original.id.label("survivor"), original.title
    ).join(original, col(original.pk) == col(Opportunity.merged_into_pk))
    for row in session.execute(merged.where(col(Opportunity.pk).in_(pks), is_merged())):
        found[row.pk] = OriginalRead(
            id=row.survivor,
            href=_href(public_url, row.survivor),
            title=row.title,
            merged=True,
            score=None,
        )
    return found


def survivor(session: Session, caller: Caller, identifier: UUID) -> Any:
    """Where a merged listing went, if the caller may see that: its id, and the merged version."""
    into: Any = aliased(Opportunity)
    seen = queries.visible_to(caller).with_only_columns(col(Opportunity.pk))
    merged: Any = aliased(Opportunity)
    statement = (
        select(into.id, merged.version)
        .join(merged, col(merged.merged_into_pk) == col(into.pk))
        .where(
            col(merged.id) == identifier,
            col(merged.status) == Status.WITHDRAWN,
            col(merged.withdrawn_by) == MERGE,
            seen.where(
                col(Opportunity.pk) == col(into.pk), col(Opportunity.status) != Status.WITHDRAWN
            )
            .correlate(into)
            .exists(),
        )
    )
    return session.execute(statement).one_or_none()


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """The pairs that wait for a moderator's decision."""
    if caller.role in {Role.PUBLISHER, Role.ANONYMOUS}:
        return []
    waiting = (
        decidable(caller)
        .with_only_columns(func.count(), func.min(OpportunityMatch.found_at))
        .where(and_(*proposed_duplicates()))
    )
    count, oldest = session.execute(waiting).one()
    href = f"{public_url}/v1/duplicates?status=proposed&kind=duplicate"
    return [InboxItem(kind="duplicates", count=count, oldest_at=oldest, href=href)] if count else []


def proposed_duplicates() -> Sequence[ColumnElement[bool]]:
    """Hold for the pairs that seem to be one and that nobody decided about."""
    return (
        col(OpportunityMatch.status) == MatchStatus.PROPOSED,
        col(OpportunityMatch.kind) == MatchKind.DUPLICATE,
    )


def _href(public_url: str, identifier: UUID) -> str:
    return f"{public_url}/v1/opportunities/{identifier}"
