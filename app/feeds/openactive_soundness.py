"""Whether the feeds tell of listings as they stand, and mending it.

Items are copies, and harvesters hold copies of them: what was told wrongly is an error although it
is mended, since it went out. It gets a new number, so that whoever harvests meets it again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.sql.expression import ColumnElement
from sqlmodel import Session, col

from app.feeds.openactive_items import Labels
from app.feeds.openactive_keeping import LISTINGS, SESSIONS, items_of
from app.feeds.openactive_models import TABLE, Feed
from app.kit.change_numbers import CHANGES, number
from app.kit.database import Counter, Database, chunks
from app.kit.doctor import Finding
from app.opportunities.models import Status
from app.vocabularies.queries import every_label

CHUNK = 500
SECONDS = 60.0
Items = Mapping[Feed, tuple[bool, bytes]]
NUMBERED = (LISTINGS, SESSIONS, TABLE)
"""What has change numbers of the one counter."""


@dataclass
class Told:
    """How many listings the feeds told of, and how."""

    listings: int = 0
    wrongly: int = 0
    otherwise: int = 0
    """Rightly, but in other words than would be chosen now."""
    waiting: int = 0


def examine(database: Database) -> Iterator[Finding]:
    """Look at the items of every listing, mend what differs, and tell."""
    if _raise_counter(database):
        yield Finding(
            "error",
            "Change numbers were above their counter, so that changes would have been missed. It "
            "was raised. This happens where a database is put together from parts of others.",
        )
    told = _items(database)
    sessions = _sessions(database)
    if told.wrongly:
        yield Finding("error", _mended(f"{told.wrongly:,} listings", "they stand"))
    if sessions:
        yield Finding("error", _mended(f"{sessions:,} sessions", "their series"))
    if told.otherwise:
        yield Finding("warning", f"{told.otherwise:,} items of the OpenActive feeds were mended.")
    if told.waiting:
        yield Finding(
            "warning",
            f"{told.waiting:,} listings wait to be told anew in the OpenActive feeds. The worker "
            "does so each minute: see that it runs.",
        )
    if not (told.wrongly or sessions or told.otherwise or told.waiting):
        yield Finding("ok", f"The OpenActive feeds tell of {told.listings:,} listings as they are.")


def _mended(what: str, truth: str) -> str:
    return (
        f"{what} were told otherwise in the OpenActive feeds than {truth}. They were mended, and "
        "harvesters learn of it. Run this again: if it comes back, something changes the database "
        "past this software."
    )


# --- the counter ------------------------------------------------------------------------------


def _raise_counter(database: Database) -> bool:
    """Raise the counter to the highest number there is; whether it had to be."""
    with database.reading(SECONDS) as session:
        highest = _highest(session)
        if highest <= _counted(session):
            return False
    with database.writing(SECONDS) as session:
        session.execute(
            update(Counter)
            .where(col(Counter.name) == CHANGES, col(Counter.value) < highest)
            .values(value=highest)
        )
    return True


def _highest(session: Session) -> int:
    found = (session.execute(select(func.max(one.c.change_number))).scalar() for one in NUMBERED)
    return max(highest or 0 for highest in found)


def _counted(session: Session) -> int:
    counter = select(col(Counter.value)).where(col(Counter.name) == CHANGES)
    counted: int = session.execute(counter).scalar_one()
    return counted


# --- listings ---------------------------------------------------------------------------------


def _items(database: Database) -> Told:
    told = Told()
    last = 0
    while True:
        with database.reading(SECONDS) as session:
            rows = _next(session, last)
            differing = _differing(session, rows, told) if rows else []
        if not rows:
            return told
        last = rows[-1].pk
        if differing:
            with database.writing(SECONDS) as session:
                _mend(session, differing)


def _next(session: Session, last: int) -> Sequence[Any]:
    columns = (LISTINGS.c[name] for name in ("pk", "id", "status", "document", "change_number"))
    statement = select(*columns).where(LISTINGS.c.pk > last).order_by(LISTINGS.c.pk).limit(CHUNK)
    return session.execute(statement).all()


def _differing(session: Session, rows: Sequence[Any], told: Told) -> list[int]:
    """The listings of which a feed does not hold what it would be given now."""
    labels = every_label(session)
    stored: dict[int, dict[Feed, Any]] = {}
    between = TABLE.c.opportunity_pk.between(rows[0].pk, rows[-1].pk)
    for item in session.execute(select(TABLE).where(between)):
        stored.setdefault(item.opportunity_pk, {})[item.feed] = item
    differing = []
    for row in rows:
        held = stored.get(row.pk, {})
        told.listings += row.status is Status.PUBLISHED
        if any(item.stale for item in held.values()):
            told.waiting += 1
            continue
        wanted = _wanted(row, held, labels)
        if not _agrees(row, held, wanted):
            told.wrongly += 1
        elif any(item.item != wanted[feed][1] for feed, item in held.items()):
            told.otherwise += 1
        else:
            continue
        differing.append(row.pk)
    return differing


def _wanted(row: Any, held: Mapping[Feed, Any], labels: Labels) -> Items:
    if row.change_number is None and row.status is not Status.PUBLISHED:
        return {}  # it was never public, and nobody is to learn that it exists
    return items_of(row, held, labels)


def _agrees(row: Any, held: Mapping[Feed, Any], wanted: Items) -> bool:
    """Whether a listing is where it belongs, shown or as a tombstone, with its own number."""
    if row.status is Status.PUBLISHED and row.change_number is None:
        return False
    right = {feed: (live, row.change_number, row.id) for feed, (live, _) in wanted.items()}
    return right == {feed: (one.live, one.change_number, one.id) for feed, one in held.items()}


def _mend(session: Session, pks: Sequence[int]) -> None:
    """Have items made anew as the transaction ends; of what was never public none is left."""
    # Listings before items, as everybody does who changes them.
    locked = select(LISTINGS.c.pk).where(LISTINGS.c.pk.in_(pks)).order_by(LISTINGS.c.pk)
    session.execute(locked.with_for_update(key_share=True))
    public = locked.where(
        (LISTINGS.c.status == Status.PUBLISHED) | LISTINGS.c.change_number.is_not(None)
    )
    known = set(session.execute(public).scalars())
    hidden = [pk for pk in pks if pk not in known]
    if hidden:
        session.execute(delete(TABLE).where(TABLE.c.opportunity_pk.in_(hidden)))
    own = select(LISTINGS.c.id).where(LISTINGS.c.pk == TABLE.c.opportunity_pk).scalar_subquery()
    session.execute(update(TABLE).where(TABLE.c.opportunity_pk.in_(pks)).values(id=own))
    number(session, LISTINGS, known)


# --- sessions ---------------------------------------------------------------------------------


def _sessions(database: Database) -> int:
    """Number the sessions of series that are shown, and take it from those that no feed tells."""
    unheard = (SESSIONS.c.change_number.is_(None), _in_feed(TABLE.c.live, ~TABLE.c.stale))
    astray = (SESSIONS.c.change_number.is_not(None), ~_in_feed())
    with database.reading(SECONDS) as session:
        missing = session.execute(
            select(SESSIONS.c.pk, SESSIONS.c.opportunity_pk).where(*unheard)
        ).all()
        wrong = session.execute(select(func.count()).select_from(SESSIONS).where(*astray)).scalar()
    for rows in chunks(missing, CHUNK):
        with database.writing(SECONDS) as session:
            # A session is numbered where its listing is.
            number(session, LISTINGS, {row.opportunity_pk for row in rows})
            number(session, SESSIONS, {row.pk for row in rows})
    if wrong:
        with database.writing(SECONDS) as session:
            session.execute(update(SESSIONS).where(*astray).values(change_number=None))
    return len(missing) + (wrong or 0)


def _in_feed(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the series of a session has an item."""
    return exists().where(
        TABLE.c.opportunity_pk == SESSIONS.c.opportunity_pk,
        TABLE.c.feed == Feed.SESSION_SERIES,
        *conditions,
    )
