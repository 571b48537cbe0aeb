"""Reading school terms. They are public: everybody sees all."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from sqlalchemy import or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import Caller
from app.authorities import queries
from app.authorities.school_days import SchoolDays, Span
from app.authorities.school_terms import SchoolTerm
from app.kit.pages import Order

ORDER = [Order(col(SchoolTerm.starts_on)), Order(col(SchoolTerm.pk))]


def visible_to(caller: Caller) -> SelectOfScalar[SchoolTerm]:  # noqa: ARG001 - everybody sees all
    """The terms that a caller may see."""
    return select(SchoolTerm)


def listed(
    caller: Caller,
    *,
    holders: Collection[int | None] | None,
    starts: date | None,
    ends: date | None,
) -> SelectOfScalar[SchoolTerm]:
    """Terms of some holders (None is the region) or of all, with a day between these two."""
    statement = visible_to(caller)
    if holders is not None:
        own = col(SchoolTerm.authority_pk).in_([pk for pk in holders if pk is not None])
        region = col(SchoolTerm.authority_pk).is_(None)
        statement = statement.where(or_(own, region) if None in holders else own)
    if starts is not None:
        statement = statement.where(col(SchoolTerm.ends_on) >= starts)
    if ends is not None:
        statement = statement.where(col(SchoolTerm.starts_on) <= ends)
    return statement


def holding_in(session: Session, codes: Iterable[str]) -> set[int | None]:
    """Whose terms hold in these authorities: their own, else the county's, else the region's."""
    wanted = set(codes)
    having = set(session.exec(select(SchoolTerm.authority_pk).distinct()))
    return {
        next((pk for pk in (name.pk, name.parent_pk) if pk is not None and pk in having), None)
        for name in queries.names(session).values()
        if name.code in wanted
    }


def stored(session: Session) -> Sequence[SchoolTerm]:
    """All terms."""
    return session.exec(select(SchoolTerm).order_by(col(SchoolTerm.pk))).all()


def day_ranges(session: Session) -> SchoolDays:
    """Days of term and of holiday in the region, and where authorities have dates of their own."""
    terms: dict[int | None, list[Span]] = {}
    statement = sql_select(
        col(SchoolTerm.authority_pk), col(SchoolTerm.starts_on), col(SchoolTerm.ends_on)
    )
    for authority_pk, first, last in session.execute(statement):
        terms.setdefault(authority_pk, []).append((first, last))
    if not terms.keys() - {None}:
        return SchoolDays.of(terms, {})
    return SchoolDays.of(terms, {one.pk: one.parent_pk for one in queries.names(session).values()})
