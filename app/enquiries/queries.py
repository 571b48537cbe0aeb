"""Reading enquiries: who sees which, filters, conversations, counts, what is overdue."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlmodel import Session, col

from app.access.inbox import InboxItem
from app.access.models import Caller, Role
from app.enquiries.models import (
    OPEN,
    Enquiry,
    EnquiryEntry,
    EnquiryKind,
    EnquiryOutcome,
    EnquiryTally,
    State,
)
from app.kit.database import chunks
from app.kit.times import now


def visible_to(caller: Caller) -> Select[Enquiry]:
    """The enquiries that a caller may see: staff all, others their partnerships' or listings'."""
    return select(Enquiry).where(_may_see(caller))


def _may_see(caller: Caller) -> ColumnElement[bool]:
    if caller.is_staff:
        return col(Enquiry.pk).is_not(None)
    if caller.role is Role.COORDINATOR:
        return col(Enquiry.partnership_pk).in_(caller.partnership_pks)
    if caller.role is Role.PUBLISHER and caller.organisation_pk is not None:
        return and_(
            col(Enquiry.organisation_pk) == caller.organisation_pk,
            col(Enquiry.state) != State.SPAM,
        )
    return false()


def may_answer(caller: Caller, row: Enquiry) -> bool:
    """Whether an enquiry is the caller's to answer."""
    return caller.coordinates(row.partnership_pk)


def sees_contact(caller: Caller, row: Enquiry) -> bool:
    """Whether the caller may read who asks."""
    if may_answer(caller, row):
        return True
    if row.shared_at is None or row.outcome is EnquiryOutcome.WITHDRAWN:
        return False
    return caller.publishes(row.organisation_pk)


def by_id(
    session: Session, caller: Caller, identifier: UUID, *, lock: bool = False
) -> Enquiry | None:
    """One enquiry that the caller may see."""
    statement = visible_to(caller).where(col(Enquiry.id) == identifier)
    if lock:
        statement = statement.with_for_update()
    return session.execute(statement).scalar_one_or_none()


def by_reference(session: Session, caller: Caller, reference: str) -> Enquiry | None:
    """One enquiry that the caller may see, by what its enquirer was told."""
    statement = visible_to(caller).where(col(Enquiry.reference) == reference.strip().upper())
    return session.execute(statement).scalar_one_or_none()


def own(session: Session, identifier: UUID, *, lock: bool = False) -> Enquiry | None:
    """The enquiry that a link opens, or the one that stands for it since a merge."""
    for _ in range(3):
        statement = select(Enquiry).where(col(Enquiry.id) == identifier)
        if lock:
            statement = statement.with_for_update()
        row = session.execute(statement).scalar_one_or_none()
        if row is None or row.merged_into is None:
            return row
        identifier = row.merged_into
    return None


def copies(session: Session, row: Enquiry) -> list[Enquiry]:
    """The enquiries that were merged into one."""
    statement = select(Enquiry).where(col(Enquiry.merged_into) == row.id)
    return list(session.execute(statement.with_for_update()).scalars())


def first_said(session: Session, row: Enquiry) -> datetime:
    """When the first words in an enquiry came, those of what was merged into it included."""
    statement = select(func.min(col(EnquiryEntry.created_at))).where(
        col(EnquiryEntry.enquiry_pk) == row.pk
    )
    first = session.execute(statement).scalar_one()
    return row.received_at if first is None else min(first, row.received_at)


def listed(
    caller: Caller,
    *,
    states: Collection[State] = (),
    overdue: bool | None = None,
    kinds: Collection[EnquiryKind] = (),
    partnership_pks: Collection[int] | None = None,
    regional: bool = False,
    mine: bool = False,
    q: str | None = None,
) -> Select[Enquiry]:
    """The enquiries that a caller may see, narrowed by what is given."""
    statement = visible_to(caller)
    if states:
        statement = statement.where(col(Enquiry.state).in_(states))
    if overdue is not None:
        late = is_overdue()
        statement = statement.where(late if overdue else ~late)
    if kinds:
        statement = statement.where(col(Enquiry.kind).in_(kinds))
    if partnership_pks is not None or regional:
        named = col(Enquiry.partnership_pk).in_(partnership_pks or ())
        none = col(Enquiry.partnership_pk).is_(None)
        statement = statement.where(or_(named, none) if regional else named)
    if mine:
        statement = statement.where(col(Enquiry.assignee) == caller.name)
    if q is not None:
        statement = statement.where(_holds(caller, q))
    return statement


def _holds(caller: Caller, q: str) -> ColumnElement[bool]:
    """Whether each word of `q` stands somewhere; a publisher's not among what it may not read."""
    words = q.lower().split()
    if not words:
        return false()
    columns: list[Any] = [col(Enquiry.reference), col(Enquiry.about_name)]
    if caller.is_staff or caller.role is Role.COORDINATOR:
        columns += [
            col(Enquiry.name),
            col(Enquiry.email),
            col(Enquiry.organisation),
            col(Enquiry.message),
        ]
    return and_(
        *(
            or_(*(func.lower(column).contains(word, autoescape=True) for column in columns))
            for word in words
        )
    )


def is_overdue() -> ColumnElement[bool]:
    """Whether an answer was due and has not been given."""
    return and_(col(Enquiry.state).in_(OPEN), col(Enquiry.due_at) < now())


def entries(session: Session, pks: Sequence[int]) -> dict[int, list[EnquiryEntry]]:
    """The conversations of several enquiries, the first first, in one query."""
    statement = (
        select(EnquiryEntry)
        .where(col(EnquiryEntry.enquiry_pk).in_(pks))
        .order_by(col(EnquiryEntry.created_at), col(EnquiryEntry.pk))
    )
    found: dict[int, list[EnquiryEntry]] = {}
    for entry in session.execute(statement).scalars():
        found.setdefault(entry.enquiry_pk, []).append(entry)
    return found


def with_email(session: Session, email: str) -> list[Enquiry]:
    """All enquiries that came with an e-mail address, in any case of letters."""
    # SQLite's own `lower` knows ASCII alone, so letters are compared here.
    domain = f"@{email.rpartition('@')[2]}"
    there = select(col(Enquiry.pk), col(Enquiry.email)).where(
        col(Enquiry.email).endswith(domain, autoescape=True)
    )
    pks = [pk for pk, known in session.execute(there) if known.casefold() == email.casefold()]
    statement = select(Enquiry).order_by(col(Enquiry.pk))
    return [
        row
        for some in chunks(pks)
        for row in session.execute(statement.where(col(Enquiry.pk).in_(some))).scalars()
    ]


def past_retention(on: date, limit: int) -> Select[Enquiry]:
    """The enquiries to be forgotten by a day, the oldest first."""
    return (
        select(Enquiry)
        .where(col(Enquiry.retain_until) <= on, col(Enquiry.legal_hold).is_(False))
        .order_by(col(Enquiry.retain_until), col(Enquiry.pk))
        .limit(limit)
    )


# --- numbers ---------------------------------------------------------------------------------


def states(session: Session, caller: Caller) -> dict[State, int]:
    """How many enquiries there are in each state."""
    statement = (
        select(col(Enquiry.state), func.count())
        .where(_may_see(caller))
        .group_by(col(Enquiry.state))
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def open_kinds(session: Session, caller: Caller) -> dict[EnquiryKind, int]:
    """How many open enquiries there are of each kind."""
    statement = (
        select(col(Enquiry.kind), func.count())
        .where(_may_see(caller), col(Enquiry.state).in_(OPEN))
        .group_by(col(Enquiry.kind))
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def waiting(session: Session, caller: Caller) -> tuple[int, int, int]:
    """How many open enquiries are overdue, nobody's yet, and known to the regional team."""
    statement = select(
        func.count().filter(is_overdue()),
        func.count().filter(col(Enquiry.assignee).is_(None)),
        func.count().filter(col(Enquiry.escalated_at).is_not(None)),
    ).where(_may_see(caller), col(Enquiry.state).in_(OPEN))
    row = session.execute(statement).one()
    return row[0], row[1], row[2]


def months(session: Session, caller: Caller) -> dict[tuple[date, EnquiryKind, int], int]:
    """Enquiries by month, kind and partnership (0 is the regional team), forgotten ones too."""
    live = (
        select(
            col(Enquiry.month),
            col(Enquiry.kind),
            func.coalesce(col(Enquiry.partnership_pk), 0),
            func.count(),
        )
        .where(_may_see(caller), is_counted())
        .group_by(col(Enquiry.month), col(Enquiry.kind), col(Enquiry.partnership_pk))
    )
    forgotten = select(
        col(EnquiryTally.month),
        col(EnquiryTally.kind),
        col(EnquiryTally.partnership_pk),
        col(EnquiryTally.count),
    )
    if not caller.is_staff:
        forgotten = forgotten.where(col(EnquiryTally.partnership_pk).in_(caller.partnership_pks))
    found: dict[tuple[date, EnquiryKind, int], int] = {}
    for statement in (live, forgotten):
        for month, kind, partnership_pk, count in session.execute(statement):
            at = (month, kind, partnership_pk)
            found[at] = found.get(at, 0) + count
    return dict(sorted(found.items()))


def is_counted() -> ColumnElement[bool]:
    """Whether an enquiry counts: spam and second copies do not."""
    return and_(
        col(Enquiry.state) != State.SPAM,
        or_(
            col(Enquiry.outcome).is_(None),
            col(Enquiry.outcome) != EnquiryOutcome.DUPLICATE,
        ),
    )


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """What waits for whoever answers: what is new, and what is overdue."""
    if caller.role is Role.PUBLISHER:
        return []
    kinds = {
        "new_enquiries": (col(Enquiry.state) == State.RECEIVED, "state=received"),
        "overdue_enquiries": (is_overdue(), "overdue=true"),
    }
    found = []
    for kind, (condition, query) in kinds.items():
        count, oldest = session.execute(
            select(func.count(), func.min(Enquiry.received_at)).where(condition, _may_see(caller))
        ).one()
        if count:
            href = f"{public_url}/v1/enquiries?{query}"
            found.append(InboxItem(kind=kind, count=count, oldest_at=oldest, href=href))
    return found
