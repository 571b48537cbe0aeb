"""Reading listings: who sees which, filters, sorts and pages."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select
from sqlalchemy.sql.expression import Select
from sqlmodel import Session, col

from app.access.inbox import InboxItem
from app.access.models import Caller, Role
from app.authorities.models import Authority
from app.kit.pages import Order
from app.kit.times import today
from app.opportunities.models import (
    Opportunity,
    OpportunityArea,
    OpportunitySession,
    Status,
)
from app.partnerships.models import Area, Partnership

READABLE = (Status.PUBLISHED, Status.EXPIRED)
"""What anybody may read by its id."""


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
    """The authorities in the areas of these partnerships on a day, districts included.

    Whether a partnership is public makes no difference to whom its coordinators answer for.
    """
    covered = (
        select(col(Area.authority_pk))
        .join(Partnership, col(Partnership.pk) == col(Area.partnership_pk))
        .where(
            col(Area.partnership_pk).in_(list(partnership_pks)),
            col(Partnership.deleted_at).is_(None),
            or_(col(Area.from_date).is_(None), col(Area.from_date) <= on),
            or_(col(Area.until_date).is_(None), col(Area.until_date) > on),
        )
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
    return bool(were_public(session, [identifier]))


def were_public(session: Session, identifiers: Sequence[UUID]) -> set[UUID]:
    """Those of these listings that were public once and were withdrawn since."""
    statement = select(col(Opportunity.id)).where(
        col(Opportunity.id).in_(identifiers),
        col(Opportunity.published_at).is_not(None),
        col(Opportunity.status) == Status.WITHDRAWN,
    )
    return set(session.execute(statement).scalars()) if identifiers else set()


def locked(
    session: Session, caller: Caller, identifiers: Sequence[UUID]
) -> dict[UUID, Opportunity]:
    """The listings of these that the caller sees, locked until the end of the transaction."""
    statement = visible_to(caller).where(col(Opportunity.id).in_(identifiers))
    # In one order everywhere, so that two writers never wait for each other.
    held = statement.order_by(col(Opportunity.pk)).with_for_update(key_share=True)
    return {row.id: row for row in session.execute(held).scalars()}


def states(session: Session, pks: Sequence[int]) -> dict[int, Any]:
    """The id, version and state of these listings as they stand now."""
    statement = select(
        col(Opportunity.pk), col(Opportunity.id), col(Opportunity.version), col(Opportunity.status)
    ).where(col(Opportunity.pk).in_(pks))
    return {row.pk: row for row in session.execute(statement)}


def managed_by_id(session: Session, caller: Caller, identifier: UUID) -> Opportunity | None:
    """A listing that the caller owns or moderates."""
    statement = select(Opportunity).where(col(Opportunity.id) == identifier, manages(caller))
    return session.execute(statement).scalar_one_or_none()


def managed(session: Session, caller: Caller, pks: Sequence[int]) -> set[int]:
    """Those of these listings that the caller owns or moderates."""
    statement = select(col(Opportunity.pk)).where(col(Opportunity.pk).in_(pks), manages(caller))
    return set(session.execute(statement).scalars()) if pks else set()


def is_managed(session: Session, caller: Caller, pk: int) -> bool:
    """Whether the caller owns or moderates a listing."""
    return bool(managed(session, caller, [pk]))


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
        col(Opportunity.merged_into_pk),
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
        col(Opportunity.overrides),
        col(Opportunity.version),
        col(Opportunity.last_seen_at),
        col(Opportunity.quality_gaps),
        case((is_asked(), col(Opportunity.asked_at))).label("asked_at"),
    ).where(col(Opportunity.pk).in_(pks), manages(caller))
    return session.execute(statement).all()


def approved_of(session: Session, pks: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The payloads in force of listings beside which a change waits."""
    if not pks:
        return {}
    statement = select(col(Opportunity.pk), col(Opportunity.payload)).where(
        col(Opportunity.pk).in_(pks)
    )
    return {row.pk: row.payload for row in session.execute(statement)}


def assessed(session: Session, caller: Caller, identifier: UUID) -> Any:
    """The version, score and gaps of a listing that the caller owns or moderates, or None."""
    statement = select(
        col(Opportunity.version), col(Opportunity.quality), col(Opportunity.quality_gaps)
    ).where(col(Opportunity.id) == identifier, manages(caller))
    return session.execute(statement).one_or_none()


def is_asked() -> ColumnElement[bool]:
    """Holds while a listing's owner has been asked whether it is still on, and has not answered.

    Sending it again is an answer, and needs no write of its own: the question is then the older.
    Only what is published is asked about; when it expires the question goes, so that the state
    need not be named here, whose indexes SQLite would walk instead of the small one.
    """
    return and_(
        col(Opportunity.asked_at).is_not(None),
        col(Opportunity.asked_at) > col(Opportunity.last_seen_at),
        col(Opportunity.withdrawn_by).is_(None),
    )


def sessions_of(row: Opportunity) -> tuple[Select[*tuple[Any, ...]], list[Order]]:
    """The sessions of a listing, and their order."""
    table = OpportunitySession.__table__  # type: ignore[attr-defined]
    statement = select(*table.c).where(
        table.c.opportunity_pk == row.pk, table.c.deleted_at.is_(None)
    )
    return statement, [Order(table.c.starts_at), Order(table.c.pk)]


# --- what waits -------------------------------------------------------------------------------


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """What waits for a caller: for moderators submissions and changes, for publishers replies."""
    if caller.role is Role.PUBLISHER:
        kinds = {
            "rejected": (col(Opportunity.status) == Status.REJECTED, "status=rejected"),
            "incomplete": (col(Opportunity.status) == Status.DRAFT, "status=draft"),
            "confirm": (is_asked(), "asked=true"),
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
