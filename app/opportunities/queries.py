"""Reading listings: who sees which, filters, sorts and pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import hypot
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, cast, exists, false, func, or_, select
from sqlalchemy.sql.expression import Select
from sqlmodel import Session, col

from app.access.inbox import InboxItem
from app.access.models import Caller, Role
from app.authorities.models import Authority, Cover
from app.kit.pages import Order
from app.kit.times import day_ends, day_starts, today
from app.opportunities.models import (
    Delivery,
    Kind,
    Opportunity,
    OpportunityArea,
    OpportunityArtform,
    OpportunitySession,
    SessionStatus,
    Status,
)
from app.partnerships.models import Partnership

READABLE = (Status.PUBLISHED, Status.EXPIRED)
"""What anybody may read by its id."""


class Sort(StrEnum):
    """The orders of a list of listings."""

    NEXT_SESSION = "next_session"
    DISTANCE = "distance"
    PUBLISHED = "published"
    UPDATED = "updated"
    TITLE = "title"


@dataclass(frozen=True)
class Near:
    """A point in National Grid metres, and how far from it."""

    easting: int
    northing: int
    metres: int


@dataclass(frozen=True)
class Wanted:
    """The filters of a list, resolved: they hold together, and each is one of its values."""

    statuses: Sequence[Status] = ()
    authority_pks: frozenset[int] | None = None
    partnership_pks: Sequence[int] = ()
    organisation_pks: Sequence[int] = ()
    programme_pks: Sequence[int] = ()
    source_keys: Sequence[str] = ()
    artforms: Sequence[str] = ()
    kinds: Sequence[Kind] = ()
    deliveries: Sequence[Delivery] = ()
    age: float | None = None
    free: bool | None = None
    near: Near | None = None
    starts_from: date | None = None
    starts_to: date | None = None
    words: Sequence[str] = ()
    changed_after: int | None = None
    pending: bool | None = None


# --- who sees what ----------------------------------------------------------------------------


def visible_to(caller: Caller) -> Select[Opportunity]:
    """The listings that a caller may see, in any state that it may see them."""
    statement = select(Opportunity)
    if caller.is_staff:
        return statement
    return statement.where(_may_see(caller))


def manages(caller: Caller) -> ColumnElement[bool]:
    """Holds for the listings that a caller moderates or owns, whatever their state."""
    if caller.is_staff:
        return col(Opportunity.pk).is_not(None)
    if caller.role is Role.PUBLISHER:
        return or_(
            col(Opportunity.owner_pk) == caller.organisation_pk,
            col(Opportunity.provider_pk) == caller.organisation_pk,
        )
    if caller.role is Role.COORDINATOR:
        return reaches(covered_by(caller.partnership_pks, today()))
    return false()


def _may_see(caller: Caller) -> ColumnElement[bool]:
    public = col(Opportunity.status).in_(READABLE)
    return or_(public, manages(caller)) if caller.is_signed_in else public


def covered_by(partnership_pks: Iterable[int], on: date) -> Any:
    """The authorities in the areas of these partnerships on a day, districts included."""
    ids = select(col(Partnership.id)).where(col(Partnership.pk).in_(list(partnership_pks)))
    covered = select(col(Cover.authority_pk)).where(
        col(Cover.partnership_id).in_(ids),
        or_(col(Cover.from_date).is_(None), col(Cover.from_date) <= on),
        or_(col(Cover.until_date).is_(None), col(Cover.until_date) > on),
    )
    return select(col(Authority.pk)).where(
        or_(col(Authority.pk).in_(covered), col(Authority.parent_pk).in_(covered))
    )


def reaches(authority_pks: Any) -> ColumnElement[bool]:
    """Holds for listings that reach one of these authorities (a set or a query of them)."""
    return exists(
        select(col(OpportunityArea.opportunity_pk)).where(
            col(OpportunityArea.opportunity_pk) == col(Opportunity.pk),
            col(OpportunityArea.authority_pk).in_(authority_pks),
        )
    )


# --- one listing ------------------------------------------------------------------------------


def by_id(session: Session, caller: Caller, identifier: UUID) -> Opportunity | None:
    """A listing that the caller may see."""
    statement = visible_to(caller).where(col(Opportunity.id) == identifier)
    return session.execute(statement).scalar_one_or_none()


def was_public(session: Session, identifier: UUID) -> bool:
    """Whether a listing was public once and was withdrawn since."""
    statement = select(col(Opportunity.pk)).where(
        col(Opportunity.id) == identifier,
        col(Opportunity.published_at).is_not(None),
        col(Opportunity.status) == Status.WITHDRAWN,
    )
    return session.execute(statement).first() is not None


def is_managed(session: Session, caller: Caller, pk: int) -> bool:
    """Whether the caller owns or moderates a listing."""
    statement = select(col(Opportunity.pk)).where(col(Opportunity.pk) == pk, manages(caller))
    return session.execute(statement).first() is not None


def may_moderate(session: Session, caller: Caller, pk: int) -> bool:
    """Whether the caller is staff, or coordinates an area that the listing reaches."""
    if caller.is_staff:
        return True
    return caller.role is Role.COORDINATOR and is_managed(session, caller, pk)


def served(session: Session, caller: Caller, identifier: UUID) -> Any:
    """The key, version, document and change number of a listing that the caller may see."""
    statement = select(
        col(Opportunity.pk),
        col(Opportunity.version),
        col(Opportunity.document),
        col(Opportunity.change_number),
    ).where(col(Opportunity.id) == identifier)
    if not caller.is_staff:
        statement = statement.where(_may_see(caller))
    return session.execute(statement).one_or_none()


def private(session: Session, caller: Caller, pks: Sequence[int]) -> Sequence[Any]:
    """What the caller may see of these listings besides their public documents."""
    statement = select(
        col(Opportunity.pk),
        col(Opportunity.missing),
        col(Opportunity.rejection_reason),
        col(Opportunity.pending),
        col(Opportunity.last_seen_at),
    ).where(col(Opportunity.pk).in_(pks), manages(caller))
    return session.execute(statement).all()


def sessions_of(row: Opportunity) -> tuple[Select[*tuple[Any, ...]], list[Order]]:
    """The sessions of a listing, and their order."""
    table = OpportunitySession.__table__  # type: ignore[attr-defined]
    statement = select(*table.c).where(
        table.c.opportunity_pk == row.pk, table.c.deleted_at.is_(None)
    )
    return statement, [Order(table.c.starts_at), Order(table.c.pk)]


# --- lists ------------------------------------------------------------------------------------


def listed(caller: Caller, wanted: Wanted) -> Select[*tuple[Any, ...]]:
    """The keys of the listings that match, visible to the caller.

    Only keys, so that a page is found in an index alone: rows are long, and walking them to
    find fifty cost twenty times as much. `documents_of` then reads those fifty.
    """
    statement = select(col(Opportunity.pk))
    if wanted.pending is not None:
        statement = statement.where(manages(caller))  # nobody else's business
    elif list(wanted.statuses) != [Status.PUBLISHED] and not caller.is_staff:
        statement = statement.where(_may_see(caller))
    return statement.where(*_conditions(wanted))


def documents_of(session: Session, pks: Sequence[int]) -> Sequence[Any]:
    """What a page shows of these listings, in their order."""
    statement = select(
        col(Opportunity.pk),
        col(Opportunity.document),
        col(Opportunity.change_number),
        col(Opportunity.easting),
        col(Opportunity.northing),
    ).where(col(Opportunity.pk).in_(pks))
    found = {row.pk: row for row in session.execute(statement)}
    return [found[pk] for pk in pks if pk in found]


def order(sort: Sort, near: Near | None) -> list[Order]:
    """The parts of a sort; the last one is unique."""
    last = Order(col(Opportunity.pk))
    match sort:
        case Sort.NEXT_SESSION:
            return [Order(col(Opportunity.sort_at)), last]
        case Sort.DISTANCE if near is not None:
            return [Order(func.coalesce(_squared(near), -1)), last]
        case Sort.PUBLISHED:
            return [
                Order(
                    func.coalesce(col(Opportunity.published_at), col(Opportunity.created_at)),
                    descending=True,
                ),
                Order(col(Opportunity.pk), descending=True),
            ]
        case Sort.UPDATED:
            return [
                Order(col(Opportunity.updated_at), descending=True),
                Order(col(Opportunity.pk), descending=True),
            ]
        case _:
            return [Order(col(Opportunity.title)), last]


def kilometres(near: Near, easting: int | None, northing: int | None) -> float | None:
    """How far a listing is from a point, in kilometres to the metre."""
    if easting is None or northing is None:
        return None
    return round(hypot(easting - near.easting, northing - near.northing) / 1000, 3)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.statuses:
        found.append(col(Opportunity.status).in_(wanted.statuses))
    if wanted.authority_pks is not None:
        found.append(
            or_(col(Opportunity.region_wide).is_(True), reaches(sorted(wanted.authority_pks)))
        )
    if wanted.partnership_pks:
        found.append(reaches(covered_by(wanted.partnership_pks, today())))
    for column, values in (
        (Opportunity.provider_pk, wanted.organisation_pks),
        (Opportunity.programme_pk, wanted.programme_pks),
        (Opportunity.source_key, wanted.source_keys),
        (Opportunity.kind, wanted.kinds),
        (Opportunity.delivery, wanted.deliveries),
    ):
        if values:
            found.append(col(column).in_(values))
    found.extend(_about(wanted))
    if wanted.near is not None:
        found.extend(_within(wanted.near))
    if wanted.starts_from or wanted.starts_to:
        found.append(_takes_place(wanted.starts_from, wanted.starts_to))
    found.extend(
        col(Opportunity.search_text).contains(word, autoescape=True) for word in wanted.words
    )
    if wanted.pending is not None:
        waits = col(Opportunity.pending).is_not(None)
        found.append(waits if wanted.pending else ~waits)
    if wanted.changed_after is not None:
        found.append(col(Opportunity.change_number) > wanted.changed_after)
    return found


def _about(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.artforms:
        found.append(
            exists(
                select(col(OpportunityArtform.opportunity_pk)).where(
                    col(OpportunityArtform.opportunity_pk) == col(Opportunity.pk),
                    col(OpportunityArtform.code).in_(wanted.artforms),
                )
            )
        )
    if wanted.age is not None:
        found.append(_meets_age(wanted.age))
    if wanted.free is not None:
        found.append(col(Opportunity.free).is_(wanted.free))
    return found


def _meets_age(age: float) -> ColumnElement[bool]:
    low, high = col(Opportunity.age_min), col(Opportunity.age_max)
    return and_(
        or_(low.is_not(None), high.is_not(None)),
        or_(low.is_(None), low <= age),
        or_(high.is_(None), high >= age),
    )


def _takes_place(starts_from: date | None, starts_to: date | None) -> ColumnElement[bool]:
    bounds: list[ColumnElement[bool]] = []
    if starts_from:
        start = day_starts(starts_from)
        # One that ends at midnight belongs to the day before, unless it has no length at all.
        bounds.append(
            or_(col(OpportunitySession.ends_at) > start, col(OpportunitySession.starts_at) >= start)
        )
    if starts_to:
        bounds.append(col(OpportunitySession.starts_at) < day_ends(starts_to))
    session = select(col(OpportunitySession.pk)).where(
        col(OpportunitySession.opportunity_pk) == col(Opportunity.pk),
        col(OpportunitySession.deleted_at).is_(None),
        col(OpportunitySession.status) != SessionStatus.CANCELLED,
        *bounds,
    )
    return or_(col(Opportunity.always_available).is_(True), exists(session))


def _within(near: Near) -> list[ColumnElement[bool]]:
    return [
        col(Opportunity.easting).between(near.easting - near.metres, near.easting + near.metres),
        col(Opportunity.northing).between(near.northing - near.metres, near.northing + near.metres),
        _squared(near) <= near.metres**2,
    ]


def _squared(near: Near) -> ColumnElement[int]:
    across = cast(col(Opportunity.easting), BigInteger) - near.easting
    along = cast(col(Opportunity.northing), BigInteger) - near.northing
    return across * across + along * along


# --- what waits -------------------------------------------------------------------------------


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """What waits for a caller: for moderators submissions and changes, for publishers replies."""
    if caller.role is Role.PUBLISHER:
        kinds = {
            "rejected": (col(Opportunity.status) == Status.REJECTED, "status=rejected"),
            "incomplete": (col(Opportunity.status) == Status.DRAFT, "status=draft"),
        }
    else:
        kinds = {
            "submitted": (col(Opportunity.status) == Status.SUBMITTED, "status=submitted"),
            "pending_changes": (col(Opportunity.pending).is_not(None), "pending=true"),
        }
    found = []
    for kind, (condition, query) in kinds.items():
        count, oldest = session.execute(
            select(func.count(), func.min(Opportunity.updated_at)).where(condition, manages(caller))
        ).one()
        if count:
            found.append(
                InboxItem(
                    kind=kind,
                    count=count,
                    oldest_at=oldest,
                    href=f"{public_url}/v1/opportunities?{query}",
                )
            )
    return found
