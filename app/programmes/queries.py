"""Reading programmes and what belongs to them.

What is private is seen by the regional team and by the coordinators of its partnerships.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import SYSTEM, Caller
from app.kit.database import key
from app.kit.shapes import Reference
from app.organisations.models import Visibility
from app.partnerships.queries import as_uuid, covering, holds_words
from app.programmes.models import (
    BudgetLine,
    Milestone,
    Outcome,
    Programme,
    ProgrammeKind,
    ProgrammePartnership,
    ProgrammePriority,
    ProgrammeStatus,
    ProgrammeYear,
)

Part = TypeVar("Part", Milestone, Outcome, BudgetLine)


def visible_to(caller: Caller) -> SelectOfScalar[Programme]:
    """The programmes that a caller may see."""
    statement = select(Programme).where(col(Programme.deleted_at).is_(None))
    if caller.is_staff:
        return statement
    return statement.where(
        or_(
            col(Programme.visibility) == Visibility.PUBLIC,
            col(Programme.pk).in_(_carried_by(caller.partnership_pks)),
        )
    )


def programme(session: Session, caller: Caller, ref: str) -> Programme | None:
    """One programme, by its slug or its id."""
    return programmes_by_ref(session, [ref], caller).get(ref)


def programmes_by_ref(
    session: Session, refs: Iterable[str], caller: Caller = SYSTEM
) -> dict[str, Programme]:
    """Programmes by the slugs or ids that name them; what does not exist is left out.

    For a filter or a reference that the public gives, hand over the caller.
    """
    wanted = set(refs)
    if not wanted:
        return {}
    ids = {identifier: ref for ref in wanted if (identifier := as_uuid(ref))}
    statement = visible_to(caller).where(
        or_(col(Programme.slug).in_(wanted), col(Programme.id).in_(ids))
    )
    found: dict[str, Programme] = {}
    for row in session.execute(statement).scalars():
        if row.id in ids:
            found[ids[row.id]] = row
        if row.slug in wanted:
            found[row.slug] = row
    return found


def summaries(
    session: Session, pks: Iterable[int], public_url: str, caller: Caller = SYSTEM
) -> dict[int, Reference]:
    """References to programmes that exist and that the caller may see, by primary key."""
    wanted = set(pks)
    if not wanted:
        return {}
    statement = visible_to(caller).where(col(Programme.pk).in_(wanted))
    return {
        key(row): Reference(id=row.id, slug=row.slug, name=row.title, href=address(row, public_url))
        for row in session.execute(statement).scalars()
    }


def address(row: Programme, public_url: str) -> str:
    """Where a programme is read."""
    return f"{public_url}/v1/programmes/{row.slug}"


def slug_is_taken(session: Session, slug: str) -> bool:
    """Whether a programme that is not deleted has this slug."""
    statement = visible_to(SYSTEM).where(col(Programme.slug) == slug)
    return session.execute(statement).first() is not None


def listed(
    caller: Caller,
    *,
    visibility: Visibility | None = None,
    partnership_pks: Collection[int] | None = None,
    authority_pks: Collection[int] | None = None,
    kinds: Collection[ProgrammeKind] = (),
    statuses: Collection[ProgrammeStatus] = (),
    priorities: Collection[str] = (),
    years: Collection[str] = (),
    q: str | None = None,
) -> SelectOfScalar[Programme]:
    """The programmes that a caller may see, narrowed by what is given."""
    statement = visible_to(caller)
    if visibility:
        statement = statement.where(col(Programme.visibility) == visibility)
    if partnership_pks is not None:
        statement = statement.where(col(Programme.pk).in_(_carried_by(partnership_pks)))
    if authority_pks is not None:
        there = select(ProgrammePartnership.programme_pk).where(
            col(ProgrammePartnership.partnership_pk).in_(covering(caller, authority_pks))
        )
        statement = statement.where(col(Programme.pk).in_(there))
    if kinds:
        statement = statement.where(col(Programme.kind).in_(kinds))
    if statuses:
        statement = statement.where(col(Programme.status).in_(statuses))
    if priorities:
        serving = select(ProgrammePriority.programme_pk).where(
            col(ProgrammePriority.priority).in_(priorities)
        )
        statement = statement.where(col(Programme.pk).in_(serving))
    if years:
        planned = select(ProgrammeYear.programme_pk).where(col(ProgrammeYear.year).in_(years))
        statement = statement.where(col(Programme.pk).in_(planned))
    if q is not None:
        statement = statement.where(holds_words(col(Programme.words), q))
    return statement


def _carried_by(partnership_pks: Collection[int]) -> SelectOfScalar[int]:
    return select(ProgrammePartnership.programme_pk).where(
        col(ProgrammePartnership.partnership_pk).in_(partnership_pks)
    )


def partnership_pks(session: Session, pks: Collection[int]) -> Mapping[int, list[int]]:
    """The partnerships of several programmes in order, in one query."""
    statement = (
        select(ProgrammePartnership)
        .where(col(ProgrammePartnership.programme_pk).in_(pks))
        .order_by(col(ProgrammePartnership.position))
    )
    found: dict[int, list[int]] = {}
    for row in session.execute(statement).scalars():
        found.setdefault(row.programme_pk, []).append(row.partnership_pk)
    return found


def priorities(session: Session, pks: Collection[int]) -> Mapping[int, list[str]]:
    """The priorities of several programmes in order, in one query."""
    statement = (
        select(ProgrammePriority)
        .where(col(ProgrammePriority.programme_pk).in_(pks))
        .order_by(col(ProgrammePriority.position))
    )
    found: dict[int, list[str]] = {}
    for row in session.execute(statement).scalars():
        found.setdefault(row.programme_pk, []).append(row.priority)
    return found


def plan_years(session: Session, pks: Collection[int]) -> Mapping[int, list[str]]:
    """The plan years of several programmes, earliest first, in one query."""
    statement = (
        select(ProgrammeYear)
        .where(col(ProgrammeYear.programme_pk).in_(pks))
        .order_by(col(ProgrammeYear.year))
    )
    found: dict[int, list[str]] = {}
    for row in session.execute(statement).scalars():
        found.setdefault(row.programme_pk, []).append(row.year)
    return found


def parts(session: Session, table: type[Part], programme_pk: int) -> list[Part]:
    """The milestones, outcomes or budget lines of a programme, in order."""
    statement = (
        select(table)
        .where(col(table.programme_pk) == programme_pk)
        .order_by(col(table.position), col(table.pk))
    )
    return list(session.execute(statement).scalars())
