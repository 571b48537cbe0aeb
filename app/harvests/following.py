"""Following RPDE feeds: from where the last harvest came to, page by page, to the end.

Each page is kept in one transaction with the place where the feed goes on, so that whoever is
killed in between goes on there. What is found is kept as it was told, since a session and its
series come in different feeds and at different times; which listings it makes is noted as due.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session, col

from app.harvests import actions, datasets, openactive_reading, queries, rpde_pages
from app.harvests.actions import Held
from app.harvests.fetching import Fault, Gone, Known, Reader, known_of
from app.harvests.models import (
    Harvest,
    HarvestDue,
    HarvestedItem,
    HarvestPosition,
)
from app.harvests.rpde_pages import BadPage, Item, Page
from app.kit.database import Database, chunks, key
from app.kit.outbound import Answer
from app.kit.strict_json import dumps
from app.kit.times import now

ACCEPT = "application/json, application/vnd.openactive.rpde+json; version=1, text/html;q=0.5"
MOST_PAGES = 2_000
"""Of one harvest; the next goes on from there."""
MOST_SECONDS = 600.0
MOST_EMPTY = 50
"""Pages without an item after each other: a feed that goes on so has no end."""
MOST_KEPT = 500_000
"""Items of one source."""

ITEMS: Any = HarvestedItem.__table__  # type: ignore[attr-defined]
DUE: Any = HarvestDue.__table__  # type: ignore[attr-defined]


class Follower:
    """Follows the feeds of one source for one harvest."""

    def __init__(
        self,
        database: Database,
        mine: Held,
        reader: Reader,
        *,
        most_pages: int = MOST_PAGES,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._database = database
        self._mine = mine
        self._reader = reader
        self._most_pages = most_pages
        self._until = time.monotonic() + most_seconds
        self._kept = 0
        self.faults: list[Fault] = []
        self.incomplete = False
        self.all_stopped = False
        """Whether every feed is gone for good."""

    def follow(self, after_page: Callable[[], None]) -> None:
        """Read all feeds as far as may be; `after_page` is called now and then between pages."""
        positions = self._positions()
        stopped = 0
        for position in positions:
            if position.stopped is not None:
                stopped += 1
                self.faults.append(Gone(position.stopped, position.address))
                continue
            try:
                self._follow(position, after_page)
            except Gone as gone:
                stopped += 1
                self.faults.append(gone)
                self._note(position, {"stopped": gone.status})
            except Fault as fault:
                self.faults.append(fault)
        self.all_stopped = bool(positions) and stopped == len(positions)

    def _positions(self) -> Sequence[HarvestPosition]:
        """The feeds and how far each was followed; the dataset page is read each time anew."""
        url = self._mine.source.feed_url or ""
        with self._database.reading() as session:
            known = list(queries.positions(session, self._source_pk))
            self._kept = queries.count_items(session, self._source_pk)
            session.expunge_all()
        if [one.address for one in known] == [url]:
            return known
        try:
            answer = self._read(url, None)
            addresses = datasets.feeds(answer.body, answer.url) if answer else []
        except BadPage as error:
            self.faults.append(Fault("no_feed", str(error), url=url))
            return known
        except Fault as fault:
            self.faults.append(fault)
            return []
        if addresses == [answer.url if answer else None]:
            addresses = [url]  # a feed is asked for as it was given: its redirect may move
        with self._database.writing() as session:
            actions.held(session, self._mine)
            there = {one.address for one in known}
            for address in addresses:
                if address not in there:
                    session.add(
                        HarvestPosition(
                            source_pk=self._source_pk, address=address, next_url=address
                        )
                    )
            session.flush()
            found = queries.positions(session, self._source_pk)
            session.expunge_all()
        return [one for one in found if one.address in addresses]

    def _follow(self, position: HarvestPosition, after_page: Callable[[], None]) -> None:
        seen: set[str] = set()
        empty = 0
        while True:
            if self._is_over():
                self.incomplete = True
                return
            url = position.next_url
            seen.add(url)
            known = Known(position.etag, position.modified) if position.ended else None
            answer = self._read(url, known)
            if answer is None:
                self._note(position, {"read_at": now()})
                return
            try:
                page = rpde_pages.read(answer.body, url, answer.url)
            except BadPage as error:
                raise Fault("bad_page", str(error), url=url) from None
            circle = page.following in seen and not page.is_last
            self._keep(position, page, answer, url if circle else page.following)
            if circle:
                raise Fault("loop", "The feed leads in a circle: `next` is a page before.", url=url)
            if page.is_last:
                return
            empty = empty + 1 if page.is_empty else 0
            if empty > MOST_EMPTY:
                raise Fault(
                    "no_end",
                    f"{empty} pages in a row hold nothing and lead on. The last page of a feed is "
                    "empty and its `next` is its own address.",
                    url=url,
                )
            after_page()

    @property
    def _source_pk(self) -> int:
        return key(self._mine.source)

    def _is_over(self) -> bool:
        return self._reader.pages >= self._most_pages or time.monotonic() > self._until

    def _read(self, url: str, known: Known | None) -> Answer | None:
        return self._reader.read(url, ACCEPT, known)

    def _keep(self, position: HarvestPosition, page: Page, answer: Answer, following: str) -> None:
        """Write down a page and where the feed goes on, together."""
        said = known_of(answer) if page.is_last else Known()
        values = {
            "next_url": following,
            "ended": page.is_last,
            "etag": said.etag,
            "modified": said.modified,
            "read_at": now(),
        }
        with self._database.writing(seconds=30) as session:
            harvest = actions.held(session, self._mine)
            if self._kept > MOST_KEPT:
                raise Fault(
                    "too_many_items",
                    f"The feed holds more than {MOST_KEPT:,} items. Ask the regional team.",
                    url=page.url,
                )
            kept, deleted = keep_items(session, key_of(position), self._source_pk, page)
            self._kept += kept
            _move(session, position, values)
            count(harvest, self._reader, items=kept, deleted=deleted, ignored=page.ignored)
            actions.note_problems(harvest, page.problems)
        position.sqlmodel_update(values)

    def _note(self, position: HarvestPosition, values: Mapping[str, Any]) -> None:
        with self._database.writing() as session:
            count(actions.held(session, self._mine), self._reader)
            _move(session, position, values)


def key_of(position: HarvestPosition) -> int:
    """The primary key of a position that is stored."""
    if position.pk is None:
        raise ValueError("the position has not been flushed")
    return position.pk


def _move(session: Session, position: HarvestPosition, values: Mapping[str, Any]) -> None:
    session.execute(
        update(HarvestPosition)
        .where(col(HarvestPosition.pk) == position.pk)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def count(
    harvest: Harvest,
    reader: Reader,
    *,
    items: int = 0,
    deleted: int = 0,
    ignored: Mapping[str, int] | None = None,
) -> None:
    """Add to what a harvest has counted; what the reader read since is taken over."""
    counts = dict(harvest.counts)
    pages, size = reader.news()
    for name, more in (
        ("pages", pages),
        ("bytes", size),
        ("items", items),
        ("deleted", deleted),
    ):
        counts[name] = counts.get(name, 0) + more
    there = dict(counts.get("ignored", {}))
    for kind, more in (ignored or {}).items():
        if kind in there or len(there) < MOST_KINDS:
            there[kind] = there.get(kind, 0) + more
    counts["ignored"] = there
    harvest.counts = counts


MOST_KINDS = 50
"""Kinds of ignored items that are counted apart."""


# --- items ------------------------------------------------------------------------------------


def keep_items(session: Session, position_pk: int, source_pk: int, page: Page) -> tuple[int, int]:
    """Keep what is new on a page, and note the listings it makes; how many, and how many deleted.

    An item that is older than what is known, or the same, says nothing.
    """
    known = _known(session, position_pk, page.items)
    added: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    names: set[str] = set()
    deleted = 0
    for item in page.items:
        before = known.get((item.kind, item.id))
        if before is not None and before[0] >= item.modified:
            continue
        if item.data is not None:
            name = _name(item, item.data, page)
        elif before is not None:
            name = before[1]
            deleted += 1
        else:
            continue  # it was never there for us
        if name is None:
            continue
        names.add(name)
        if before is not None:
            names.add(before[1])  # one that calls itself otherwise leaves its former listing
        row = {
            "position_pk": position_pk,
            "kind": item.kind,
            "item_id": item.id,
            "source_pk": source_pk,
            "modified": item.modified,
            "name": name,
            "data": None if item.data is None else dumps(item.data),
        }
        (changed if before else added).append(row)
    connection = session.connection()
    if added:
        connection.execute(insert(ITEMS), added)
    if changed:
        statement = (
            update(ITEMS)
            .where(
                ITEMS.c.position_pk == bindparam("at_position"),
                ITEMS.c.kind == bindparam("of_kind"),
                ITEMS.c.item_id == bindparam("of_id"),
            )
            .values({name: bindparam(name) for name in ("modified", "name", "data")})
        )
        connection.execute(
            statement,
            [
                {
                    "at_position": row["position_pk"],
                    "of_kind": row["kind"],
                    "of_id": row["item_id"],
                    **{name: row[name] for name in ("modified", "name", "data")},
                }
                for row in changed
            ],
        )
    note_due(session, source_pk, names)
    return len(added) + len(changed), deleted


def _name(item: Item, data: Mapping[str, Any], page: Page) -> str | None:
    """The listing that an item is, or that it is a session of."""
    if item.kind != rpde_pages.SESSION:
        return openactive_reading.key_of(item.kind, item.id, data)
    name = openactive_reading.series_of(data)
    if name is None:
        page.tell("no_series", "`superEvent` must be the `@id` of the SessionSeries.", item.id)
    return name


def _known(
    session: Session, position_pk: int, items: Sequence[Item]
) -> dict[tuple[str, str], tuple[int, str]]:
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for some in chunks([item.id for item in items]):
        statement = select(ITEMS.c.kind, ITEMS.c.item_id, ITEMS.c.modified, ITEMS.c.name).where(
            ITEMS.c.position_pk == position_pk, ITEMS.c.item_id.in_(some)
        )
        for kind, identifier, modified, name in session.execute(statement):
            found[kind, identifier] = modified, name
    return found


def note_due(session: Session, source_pk: int, names: Collection[str]) -> None:
    """Note listings that are to be made anew."""
    there: set[str] = set()
    for some in chunks(sorted(names)):
        statement = select(DUE.c.name).where(DUE.c.source_pk == source_pk, DUE.c.name.in_(some))
        there.update(session.execute(statement).scalars())
    rows = [{"source_pk": source_pk, "name": name} for name in sorted(set(names) - there)]
    if rows:
        session.connection().execute(insert(DUE), rows)
