"""Keeps the items of the feeds in step with the listings, within the transaction that changes them.

A listing that gets a new change number gets its item rendered, and the item gets the same number.
So the feeds and the log of changes tell the same at any moment, and a page is read as it stands.
Sessions are numbered only where a feed tells of them, which is below a series; all of them anew
when the series appears or goes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import from_json
from sqlalchemy import and_, bindparam, delete, or_, select, true, update
from sqlmodel import Session, col

from app.feeds.openactive_items import KINDS, Labels, deleted, feed_of, updated
from app.feeds.openactive_models import TABLE, Feed, OpenActiveItem
from app.kit.change_numbers import number, number_alongside, numbering
from app.kit.database import Database, chunks, insert_plain, touched
from app.opportunities.models import Opportunity, OpportunitySession, OpportunityTerm, Status
from app.vocabularies.models import Term
from app.vocabularies.queries import every_label

CHUNK = 500
LISTINGS: Any = Opportunity.__table__  # type: ignore[attr-defined]
SESSIONS: Any = OpportunitySession.__table__  # type: ignore[attr-defined]


def keep_items(session: Session) -> None:
    """The before-commit listener: make the items of the listings that get a new number."""
    terms = [row for row in touched(session) if isinstance(row, Term)]
    if terms:
        _let_follow(session, terms)
    numbered = numbering(session)
    listings = sorted(numbered.get(LISTINGS, ()))
    sessions = numbered.pop(SESSIONS, set())
    if not listings:
        return
    number_alongside(session, LISTINGS, TABLE.c.opportunity_pk)
    labels = every_label(session)
    for pks in chunks(listings, CHUNK):
        rows = _Rows(session, pks)
        rows.write(session, labels)
        number(session, SESSIONS, rows.sessions(session, sessions))


def sort_and_renew(database: Database) -> int:
    """The job: make anew what is stale, in chunks that get their numbers as they commit."""
    total = 0
    while True:
        with database.writing(seconds=60) as session:
            stale = (
                select(col(OpenActiveItem.opportunity_pk))
                .where(col(OpenActiveItem.stale) == true())
                .order_by(col(OpenActiveItem.opportunity_pk))
                .limit(CHUNK)
            )
            found = session.execute(stale).scalars().all()
            # The listing is locked before its items, as by everybody else who changes it.
            locked = (
                select(LISTINGS.c.pk)
                .where(LISTINGS.c.pk.in_(found))
                .order_by(LISTINGS.c.pk)
                .with_for_update(key_share=True, skip_locked=True)
            )
            pks = set(session.execute(locked).scalars())
            if not pks:
                return total
            number(session, LISTINGS, pks)
            total += len(pks)


def _let_follow(session: Session, terms: Iterable[Term]) -> None:
    """Mark the items that show the label of one of these terms; the job follows."""
    carried = or_(
        *(
            and_(
                col(OpportunityTerm.vocabulary) == str(term.vocabulary),
                col(OpportunityTerm.code) == term.code,
            )
            for term in terms
        )
    )
    session.execute(
        update(OpenActiveItem)
        .where(
            col(OpenActiveItem.live) == true(),
            col(OpenActiveItem.opportunity_pk).in_(
                select(col(OpportunityTerm.opportunity_pk)).where(carried)
            ),
        )
        .values(stale=True)
        .execution_options(synchronize_session=False)
    )


class _Rows:
    """Some listings, and the items that they have."""

    def __init__(self, session: Session, pks: Sequence[int]) -> None:
        # The rows are locked by what gave them a number, so nobody changes them meanwhile.
        self.listings = session.execute(
            select(LISTINGS.c.pk, LISTINGS.c.id, LISTINGS.c.status, LISTINGS.c.document).where(
                LISTINGS.c.pk.in_(pks)
            )
        ).all()
        self.before: dict[int, dict[Feed, bool]] = {}
        for pk, feed, live in session.execute(
            select(TABLE.c.opportunity_pk, TABLE.c.feed, TABLE.c.live).where(
                TABLE.c.opportunity_pk.in_(pks)
            )
        ):
            self.before.setdefault(pk, {})[feed] = live
        self.series: set[int] = set()
        """Those whose sessions the feed tells of, or told of."""
        self.turned: set[int] = set()
        """Those of them that appeared in their feed just now, or went from it."""

    def write(self, session: Session, labels: Labels) -> None:
        """Store the item of each listing where it belongs, and a tombstone where it was."""
        fresh: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        unsorted = []
        for row in self.listings:
            before = self.before.get(row.pk, {})
            if Feed.UNSORTED in before:
                unsorted.append(row.pk)
            items = items_of(row, before, labels)
            for feed, (live, item) in items.items():
                values = {"row_pk": row.pk, "row_feed": feed, "new_live": live, "new_item": item}
                if feed in before:
                    changed.append(values)
                else:
                    fresh.append(
                        {
                            "opportunity_pk": row.pk,
                            "feed": feed,
                            "id": row.id,
                            "live": live,
                            "stale": False,
                            "item": item,
                        }
                    )
            if Feed.SESSION_SERIES in items:
                self.series.add(row.pk)
                live, _ = items[Feed.SESSION_SERIES]
                if live != before.get(Feed.SESSION_SERIES, False):
                    self.turned.add(row.pk)
        if unsorted:
            session.execute(
                delete(OpenActiveItem)
                .where(TABLE.c.opportunity_pk.in_(unsorted), TABLE.c.feed == Feed.UNSORTED)
                .execution_options(synchronize_session=False)
            )
        if fresh:
            insert_plain(session, TABLE, fresh)
        if changed:
            session.connection().execute(
                update(TABLE)
                .where(
                    TABLE.c.opportunity_pk == bindparam("row_pk"),
                    TABLE.c.feed == bindparam("row_feed"),
                )
                .values(live=bindparam("new_live"), item=bindparam("new_item"), stale=False),
                changed,
            )

    def sessions(self, session: Session, changed: set[int]) -> set[int]:
        """The sessions of series that get a number: what changed, and all where a series turned."""
        found: set[int] = set()
        if changed:
            found |= changed & _sessions_of(session, self.series - self.turned)
        return found | _sessions_of(session, self.turned)


def items_of(row: Any, before: Iterable[Feed], labels: Labels) -> dict[Feed, tuple[bool, bytes]]:
    """What each feed holds of a listing: whether it shows it, and the item."""
    items: dict[Feed, tuple[bool, bytes]] = {
        feed: (False, deleted(KINDS[feed], row.id)) for feed in before if feed is not Feed.UNSORTED
    }
    if row.status is Status.PUBLISHED:
        shown = from_json(row.document)
        feed = feed_of(shown)
        items[feed] = (True, updated(feed, shown, labels))
    return items


def _sessions_of(session: Session, listings: set[int]) -> set[int]:
    if not listings:
        return set()
    statement = select(SESSIONS.c.pk).where(SESSIONS.c.opportunity_pk.in_(listings))
    return set(session.execute(statement).scalars())
