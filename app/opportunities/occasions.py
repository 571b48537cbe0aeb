"""The sessions of listings: from what is written to rows, keeping the ids of those that stay."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session, col

from app.kit.change_numbers import number
from app.kit.database import insert_plain
from app.kit.identifiers import uuid7
from app.kit.times import LONDON, day_ends, day_starts, now
from app.opportunities.models import OpportunitySession, SessionStatus
from app.opportunities.recurrence import expand
from app.opportunities.written import OpportunityWrite

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Occasion:
    """One session as it will be stored."""

    starts_at: datetime
    ends_at: datetime
    has_time: bool
    has_end: bool
    local_date: date
    local_minute: int | None
    weekday: int
    external_id: str | None = None
    status: SessionStatus = SessionStatus.SCHEDULED
    capacity: int | None = None
    places_left: int | None = None

    @property
    def identity(self) -> tuple[str, object]:
        """What makes it the same session in the next push: its external id, else its start."""
        if self.external_id:
            return "external_id", self.external_id
        return "start", (self.starts_at, self.has_time)


def of(write: OpportunityWrite) -> list[Occasion]:
    """The sessions of a listing in order of time; ValueError when its rule is refused."""
    if write.recurrence:
        found = [_timed(start, end) for start, end in expand(write.recurrence)]
    else:
        found = [
            _dated(session.date, **_rest(session))
            if session.date
            else _timed(session.starts_at, session.ends_at, **_rest(session))  # type: ignore[arg-type]
            for session in write.sessions
        ]
    unique = {occasion.identity: occasion for occasion in found}
    return sorted(unique.values(), key=lambda occasion: occasion.starts_at)


def summary(occasions: Sequence[Occasion], at: datetime) -> dict[str, datetime | None]:
    """The first, next and last session of those that take place.

    When none does, the listing still ends with the last that was planned.
    """
    going = [one for one in occasions if one.status is not SessionStatus.CANCELLED]
    coming = next((one for one in going if one.ends_at > at), None)
    last = max(going or occasions, key=lambda one: one.ends_at, default=None)
    return {
        "first_session_at": going[0].starts_at if going else None,
        "next_session_at": coming.starts_at if coming else None,
        "next_session_ends_at": coming.ends_at if coming else None,
        "last_session_at": going[-1].starts_at if going else None,
        "last_session_ends_at": last.ends_at if last else None,
    }


def rows_of(occasions: Sequence[Occasion]) -> list[dict[str, Any]]:
    """The rows of a new listing's sessions, each with an id, but for the key of the listing."""
    return [{"id": uuid7(), **_values(occasion)} for occasion in occasions]


def insert_new(session: Session, wanted: Mapping[int, Sequence[dict[str, Any]]]) -> None:
    """Insert the sessions of new listings; `rows_of` made them."""
    table = OpportunitySession.__table__  # type: ignore[attr-defined]
    rows = [{"opportunity_pk": pk, **row} for pk, some in wanted.items() for row in some]
    if not rows:
        return
    insert_plain(session, table, rows)
    pks: list[int] = []
    owners = list(wanted)
    for start in range(0, len(owners), CHUNK):
        some = owners[start : start + CHUNK]
        found = select(table.c.pk).where(table.c.opportunity_pk.in_(some))
        pks.extend(session.execute(found).scalars())
    number(session, table, pks)


def store(session: Session, wanted: Mapping[int, Sequence[Occasion]]) -> set[int]:
    """Make the stored sessions of these listings equal to the wanted ones; those that differed.

    A session that stays keeps its id; one that goes leaves a tombstone; what differs gets a new
    change number. Its listing needs one too (`documents.mark_anew`), shown there or not.
    """
    at = now()
    stored: dict[int, dict[tuple[str, object], OpportunitySession]] = {}
    for row in _rows(session, list(wanted)):
        stored.setdefault(row.opportunity_pk, {})[_identity(row)] = row
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    differing: set[int] = set()
    for opportunity_pk, occasions in wanted.items():
        known = len(added) + len(changed)
        before = stored.get(opportunity_pk, {})
        for occasion in occasions:
            values = _values(occasion)
            if occasion.identity not in before:
                added.append({"opportunity_pk": opportunity_pk, "id": uuid7(), **values})
                continue
            row = before.pop(occasion.identity)
            if row.deleted_at is not None or any(
                getattr(row, name) != value for name, value in values.items()
            ):
                changed.append({"row_pk": row.pk, "new_deleted_at": None, **_prefixed(values)})
        for row in before.values():
            if row.deleted_at is None:
                values = {name: getattr(row, name) for name in _COLUMNS}
                changed.append({"row_pk": row.pk, "new_deleted_at": at, **_prefixed(values)})
        if len(added) + len(changed) > known:
            differing.add(opportunity_pk)
    _write(session, added, changed)
    return differing


_COLUMNS = (
    "external_id",
    "starts_at",
    "ends_at",
    "has_time",
    "has_end",
    "local_date",
    "local_minute",
    "weekday",
    "status",
    "capacity",
    "places_left",
)


def _write(
    session: Session, added: Sequence[dict[str, Any]], changed: Sequence[dict[str, Any]]
) -> None:
    table = OpportunitySession.__table__  # type: ignore[attr-defined]
    pks: list[int] = []
    if added:
        session.connection().execute(insert(table), added)
    for start in range(0, len(added), CHUNK):
        ids = [row["id"] for row in added[start : start + CHUNK]]
        pks.extend(session.execute(select(table.c.pk).where(table.c.id.in_(ids))).scalars())
    if changed:
        names = (*_COLUMNS, "deleted_at")
        statement = (
            update(table)
            .where(table.c.pk == bindparam("row_pk"))
            .values({n: bindparam(f"new_{n}", type_=table.c[n].type) for n in names})
        )
        session.connection().execute(statement, changed)
    number(session, table, [*pks, *(row["row_pk"] for row in changed)])


def _rows(session: Session, opportunity_pks: Sequence[int]) -> Iterable[OpportunitySession]:
    for start in range(0, len(opportunity_pks), CHUNK):
        statement = select(OpportunitySession).where(
            col(OpportunitySession.opportunity_pk).in_(opportunity_pks[start : start + CHUNK])
        )
        yield from session.execute(statement.execution_options(populate_existing=True)).scalars()


def _identity(row: OpportunitySession) -> tuple[str, object]:
    if row.external_id:
        return "external_id", row.external_id
    return "start", (row.starts_at, row.has_time)


def _values(occasion: Occasion) -> dict[str, Any]:
    return {name: getattr(occasion, name) for name in _COLUMNS}


def _prefixed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}


def _rest(session: Any) -> dict[str, Any]:
    return {
        "external_id": session.external_id,
        "status": session.status,
        "capacity": session.capacity,
        "places_left": session.places_left,
    }


def _timed(starts_at: datetime, ends_at: datetime | None, **rest: Any) -> Occasion:
    local = starts_at.astimezone(LONDON)
    return Occasion(
        starts_at=starts_at,
        ends_at=ends_at or starts_at,
        has_time=True,
        has_end=ends_at is not None,
        local_date=local.date(),
        local_minute=local.hour * 60 + local.minute,
        weekday=local.weekday(),
        **rest,
    )


def _dated(day: date, **rest: Any) -> Occasion:
    return Occasion(
        starts_at=day_starts(day),
        ends_at=day_ends(day),
        has_time=False,
        has_end=False,
        local_date=day,
        local_minute=None,
        weekday=day.weekday(),
        **rest,
    )
