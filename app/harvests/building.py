"""From what was found in feeds to listings: made anew where something changed, and sent in."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import delete
from sqlmodel import Session, col

from app.access.models import SYSTEM
from app.harvests import actions, openactive_reading, queries, rpde_pages
from app.harvests.actions import Held
from app.harvests.linked_data import line
from app.harvests.models import Harvest, HarvestDue, HarvestedItem
from app.harvests.readings import Unreadable
from app.kit.database import Database, chunks, key
from app.opportunities.life import Rules
from app.opportunities.planned import Item
from app.sources import batches
from app.sources.batches import Arrived, Push
from app.sources.cell_values import Context
from app.sources.models import Format
from app.sources.reports import Report
from app.sources.spreadsheets import words_of

AT_ONCE = 2_000
"""Listings of one batch: few enough that others get their turn to write."""


def build(database: Database, mine: Held, rules: Rules, *, least: int = 1) -> None:
    """Send in the listings that are due, if there are so many.

    What was due is so no more in the transaction of its batch: a harvest that is killed before
    repeats it, and it is `unchanged` then.
    """
    while True:
        with database.reading(seconds=30) as session:
            names = queries.due_names(session, key(mine.source), max(AT_ONCE, least))[:AT_ONCE]
            if len(names) < min(least, AT_ONCE):
                return
            words = words_of(session, mine.source)
            found = queries.items_named(session, key(mine.source), names)
            items = _items(
                names, found, queries.live_names(session, key(mine.source), names), words
            )
        send(database, mine, rules, items, names)


def sweep(database: Database, mine: Held, rules: Rules, confirm_withdraw: int | None) -> None:
    """Withdraw what a former address told of and the present one does not.

    Nobody said that these are gone, so that too many of them at once are guarded.
    """
    with database.reading(seconds=30) as session:
        gone = queries.strangers(session, key(mine.source), rpde_pages.LISTINGS)
    items = [Item(None, name, {}, withdrawn=True) for name in gone]
    send(database, mine, rules, items, [], confirm_withdraw=confirm_withdraw)


def send(
    database: Database,
    mine: Held,
    rules: Rules,
    items: Sequence[Item],
    names: Sequence[str],
    *,
    confirm_withdraw: int | None = None,
) -> None:
    """Send in a batch of listings; they are due no more."""

    def done(session: Session, report: Report | None) -> None:
        harvest = actions.held(session, mine)
        for some in chunks(names):
            session.execute(
                delete(HarvestDue)
                .where(
                    col(HarvestDue.source_pk) == key(mine.source), col(HarvestDue.name).in_(some)
                )
                .execution_options(synchronize_session=False)
            )
        if report is not None:
            note_batch(harvest, report)

    if items:
        push = Push(Arrived(Format.RPDE, items), fetched=True, confirm_withdraw=confirm_withdraw)
        batches.take(database, SYSTEM, mine.source.key, push, rules, done=done)
    elif names:
        with database.writing() as session:
            done(session, None)


def note_batch(harvest: Harvest, report: Report) -> None:
    """Add what became of a batch to what a harvest has counted."""
    listings = dict(harvest.counts.get("listings", {}))
    for outcome, more in report.counts.items():
        listings[outcome] = listings.get(outcome, 0) + more
    harvest.counts = {**harvest.counts, "listings": listings}
    if report.batch is not None:
        harvest.batches = [*harvest.batches, str(report.batch.id)]


def _items(
    names: Sequence[str], found: Iterable[HarvestedItem], live: Collection[str], words: Context
) -> list[Item]:
    """A listing for each of these names, made of all that was found of it.

    Sessions whose series is not there yet are none; but one that is `live` already has to go.
    """
    listings: dict[str, list[HarvestedItem]] = defaultdict(list)
    sessions: dict[str, list[HarvestedItem]] = defaultdict(list)
    for row in found:
        (sessions if row.kind == rpde_pages.SESSION else listings)[row.name].append(row)
    return [
        _item(index, name, listings.get(name, ()), sessions.get(name, ()), words)
        for index, name in enumerate(name for name in names if name in listings or name in live)
    ]


def _item(
    index: int,
    name: str,
    listings: Sequence[HarvestedItem],
    sessions: Sequence[HarvestedItem],
    words: Context,
) -> Item:
    """One listing. It may have moved from one feed to another: what is there counts."""
    present = max(
        (row for row in listings if row.data is not None),
        key=lambda row: row.modified,
        default=None,
    )
    if present is None or present.data is None:
        return Item(index, name, {}, withdrawn=True)
    parts = [
        (line(data.get("identifier")) or row.item_id, data)
        for row in sorted(sessions, key=lambda row: row.item_id)
        if row.data is not None
        for data in [_loaded(row.data)]
    ]
    try:
        reading = openactive_reading.listing(
            name, present.kind, _loaded(present.data), parts, words
        )
    except Unreadable as error:
        return Item(index, name, {"external_id": name}, errors=error.errors)
    return Item(index, name, reading.item, warnings=reading.warnings, withdrawn=reading.withdrawn)


def _loaded(data: bytes) -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads(data)
    return found
