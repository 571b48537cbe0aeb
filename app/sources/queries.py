"""Reading sources and batches: staff see all, a publisher those of its organisation."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, false, func, select, update
from sqlalchemy.sql.expression import Select
from sqlmodel import Session, col

from app.access.models import Caller, Role
from app.opportunities.models import Opportunity
from app.opportunities.planned import Origin, Outcome
from app.organisations.models import Organisation
from app.sources.models import Batch, BatchItem, Source, SourceKind, Trust


def visible_to(caller: Caller) -> Select[Source]:
    """The live sources that a caller may see."""
    statement = select(Source).where(col(Source.deleted_at).is_(None))
    if caller.is_staff:
        return statement
    if caller.role is Role.PUBLISHER:
        return statement.where(col(Source.organisation_pk) == caller.organisation_pk)
    return statement.where(false())


def by_key(session: Session, caller: Caller, key: str, *, lock: bool = False) -> Source | None:
    """One source; `lock` keeps other pushes to it waiting until the end of the transaction.

    Not those who moderate its listings: PostgreSQL looks at a foreign key under a shared lock.
    """
    statement = visible_to(caller).where(col(Source.key) == key)
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(
            populate_existing=True
        )
    return session.execute(statement).scalar_one_or_none()


def origin(source: Source) -> Origin:
    """What its listings need to know of a source."""
    return Origin(
        pk=source.pk or 0,
        key=source.key,
        name=source.name,
        owner_pk=source.organisation_pk,
        trusted=source.trust is Trust.TRUSTED,
        manual=source.kind is SourceKind.MANUAL,
        defaults=source.defaults,
        providers=frozenset(source.providers),
        demo=source.demo,
    )


def listing(
    session: Session, source: Source, external_id: str, *, lock: bool = False
) -> Opportunity | None:
    """A listing of a source by its external id; `lock` keeps moderators waiting."""
    statement = select(Opportunity).where(
        col(Opportunity.source_pk) == source.pk, col(Opportunity.external_id) == external_id
    )
    if lock:
        statement = statement.with_for_update(key_share=True)
    return session.execute(statement).scalar_one_or_none()


def counts_by_state(session: Session, source_pks: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many listings each source has in each state, in one query."""
    statement = (
        select(col(Opportunity.source_pk), col(Opportunity.status), func.count())
        .where(col(Opportunity.source_pk).in_(list(source_pks)))
        .group_by(col(Opportunity.source_pk), col(Opportunity.status))
    )
    found: dict[int, dict[str, int]] = {}
    for source_pk, status, count in session.execute(statement):
        found.setdefault(source_pk, {})[status.value] = count
    return found


def organisation_refs(session: Session, pks: Iterable[int]) -> dict[int, Organisation]:
    """Organisations by primary key."""
    statement = select(Organisation).where(col(Organisation.pk).in_(list(pks)))
    return {row.pk: row for row in session.execute(statement).scalars() if row.pk}


def batch(session: Session, caller: Caller, identifier: UUID) -> tuple[Batch, Source] | None:
    """A batch of a source that the caller may see."""
    statement = (
        visible_to(caller)
        .join(Batch, col(Batch.source_pk) == col(Source.pk))
        .add_columns(Batch)
        .where(col(Batch.id) == identifier)
    )
    found = session.execute(statement).first()
    return (found[1], found[0]) if found else None


def batch_items(batch_pk: int, outcomes: Sequence[Outcome]) -> Select[BatchItem]:
    """The items of a batch, of these outcomes if any are named."""
    statement = select(BatchItem).where(col(BatchItem.batch_pk) == batch_pk)
    return statement.where(col(BatchItem.outcome).in_(outcomes)) if outcomes else statement


def attention(batch_pk: int, outcomes: Sequence[Outcome]) -> Select[BatchItem]:
    """The items of a batch to look at again, or those of these outcomes, in their order."""
    statement = batch_items(batch_pk, outcomes).order_by(col(BatchItem.position))
    return statement if outcomes else statement.where(col(BatchItem.attention).is_(True))


def with_items(before: datetime) -> Select[int | None]:
    """The keys of batches received before then whose items are still kept, the oldest first."""
    kept = exists(select(col(BatchItem.position)).where(col(BatchItem.batch_pk) == col(Batch.pk)))
    return (
        select(col(Batch.pk)).where(col(Batch.received_at) < before, kept).order_by(col(Batch.pk))
    )


def batches_of(source: Source) -> Select[Batch]:
    """The batches of a source."""
    return select(Batch).where(col(Batch.source_pk) == source.pk)


def note(session: Session, source_pk: int, values: Mapping[str, Any]) -> None:
    """Write down when a source pushed, without an edit of it."""
    session.execute(
        update(Source)
        .where(col(Source.pk) == source_pk)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def by_pk(session: Session, pk: int) -> Opportunity:
    """A listing that was just written."""
    return session.get_one(Opportunity, pk)
