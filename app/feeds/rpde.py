"""Pages of Realtime Paged Data Exchange 1.0, in the order of change numbers.

A page is one range of one index, so it costs the same at any depth. What it holds is told by the
numbers in it alone: whatever changes moves to the end of the feed with a new number, and nothing
ever enters the range that a page has read. So its ETag needs only the last number and their
count, which that index holds, and a conditional request reads nothing else.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple
from uuid import UUID

from app.feeds.openactive_items import CONTEXT, SCHEDULED, STATUSES, duration
from app.feeds.openactive_models import Feed
from app.feeds.openactive_words import STORED_HERE
from app.kit.strict_json import dumps

PAGE = 500
SHAPE = 1
"""To be raised with every change in how a page is written, so that no ETag outlives it."""
PASSED_ON = "public, max-age=3600"
"""Of a page with items: whoever goes on from an old one still meets all that changed since."""
LAST = "public, max-age=8"
"""Of the end of a feed, which tells of the present."""
MINUTE = timedelta(minutes=1)
SESSION_KIND = "ScheduledSession"

_ITEMS = """
    SELECT change_number, item FROM openactive_item
    WHERE feed = :feed AND change_number > :after ORDER BY change_number LIMIT :page"""
_ITEM_NUMBERS = """
    SELECT count(*), max(change_number) FROM (
        SELECT change_number FROM openactive_item
        WHERE feed = :feed AND change_number > :after
        ORDER BY change_number LIMIT :page) AS found"""
_SESSIONS = """
    SELECT change_number, opportunity_pk, id, deleted_at, starts_at, ends_at, has_time, has_end,
        status, capacity, places_left
    FROM opportunity_session
    WHERE change_number > :after ORDER BY change_number LIMIT :page"""
_SESSION_NUMBERS = """
    SELECT count(*), max(change_number) FROM (
        SELECT change_number FROM opportunity_session
        WHERE change_number > :after ORDER BY change_number LIMIT :page) AS found"""
# Only sessions of series are numbered, and each series has an item. A page has several sessions
# of each, so that to look for these apart is half of the work that a join would be.
_SERIES = "SELECT opportunity_pk, id, live FROM openactive_item WHERE feed = :feed"

Run = Callable[[str, Mapping[str, Any]], Sequence[Any]]
"""Runs a query of plain values on either engine."""


class Page(NamedTuple):
    """A page as it is sent, but for what its answer's headers say."""

    body: bytes
    tag: str
    last: bool


class Asked(NamedTuple):
    """Which page of which feed, and whose."""

    feed: Feed | None
    """None is the feed of sessions."""
    after: int | None
    address: str
    """Of the feed, without its query."""
    public_url: str
    licence: str

    @property
    def own_address(self) -> str:
        """The address of this page."""
        return self.address if self.after is None else self._address_after(self.after)

    def _address_after(self, number: int) -> str:
        return f"{self.address}?afterChangeNumber={number}"

    @property
    def parameters(self) -> dict[str, Any]:
        """What the queries ask for."""
        found: dict[str, Any] = {"after": self.after or 0, "page": PAGE}
        return found if self.feed is None else {**found, "feed": self.feed.value}

    def following(self, last: int | None) -> str:
        """Where to go on: behind the last row that was read, or here where there was none."""
        return self.own_address if last is None else self._address_after(last)

    def tag(self, count: int, last: int | None) -> str:
        """The ETag of a page that holds so many items, the last with this number."""
        said = f"{SHAPE} {self.own_address} {self.licence} {count} {last}"
        return f"0-{hashlib.sha256(said.encode()).hexdigest()[:18]}"


class Pages:
    """Pages in memory, given again for as long as their tags are those of the data.

    Unlike the answers in front of the application they outlive the commits of others: while
    partners push, all pages of a feed but the last few stay as they are.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._kept: OrderedDict[str, Page] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def find(self, asked: Asked, wanted: str) -> Page | None:
        """The page with this tag, if it is kept."""
        with self._lock:
            page = self._kept.get(asked.own_address)
            if page is None or page.tag != wanted:
                return None
            self._kept.move_to_end(asked.own_address)
            return page

    def keep(self, asked: Asked, page: Page) -> Page:
        """Keep a page, and let go of those that were not asked for the longest."""
        with self._lock:
            earlier = self._kept.pop(asked.own_address, None)
            self._size -= len(earlier.body) if earlier else 0
            if len(page.body) <= self.capacity:
                self._kept[asked.own_address] = page
                self._size += len(page.body)
            while self._size > self.capacity:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest.body)
        return page


def tag(asked: Asked, run: Run) -> tuple[str, bool]:
    """The ETag of a page without the page, and whether it is the last."""
    sql = _SESSION_NUMBERS if asked.feed is None else _ITEM_NUMBERS
    ((count, last),) = run(sql, asked.parameters)
    return asked.tag(count, last), not count


def page(asked: Asked, run: Run) -> Page:
    """A page with its items."""
    if asked.feed is None:
        rows = run(_SESSIONS, asked.parameters)
        series = _series(run, {row[1] for row in rows})
        items = ",".join(_sessions(rows, series, asked.public_url)).encode()
    else:
        rows = run(_ITEMS, asked.parameters)
        parts = [part for number, item in rows for part in (item, b',"modified":%d},' % number)]
        items = b"".join(parts)[:-1].replace(STORED_HERE, asked.public_url.encode())
    last = rows[-1][0] if rows else None
    following, licence = dumps(asked.following(last)), dumps(asked.licence)
    body = b'{"next":%b,"items":[%b],"license":%b}' % (following, items, licence)
    return Page(body, asked.tag(len(rows), last), not rows)


def _series(run: Run, pks: set[int]) -> dict[int, tuple[str, bool]]:
    """The ids of series, and whether they are shown."""
    if not pks:
        return {}
    where = f" AND opportunity_pk IN ({','.join(map(str, pks))})"
    rows = run(_SERIES + where, {"feed": Feed.SESSION_SERIES.value})
    return {pk: (_uuid(identifier), bool(live)) for pk, identifier, live in rows}


def _sessions(
    rows: Sequence[Any], series: Mapping[int, tuple[str, bool]], public_url: str
) -> Iterator[str]:
    """The items of sessions. Written out, since there are so many and each holds so little."""
    for number, owner, own, gone, starts, ends, timed, ended, status, most, left in rows:
        identifier = _uuid(own)
        above, live = series[owner]
        if gone is not None or not live:
            yield (
                f'{{"state":"deleted","kind":"{SESSION_KIND}","id":"{identifier}",'
                f'"modified":{number}}}'
            )
            continue
        address = f"{public_url}/v1/opportunities/{above}"
        when = ""
        if not timed:
            when = ',"schedulingNote":"The time is not stated."'
        elif ended:
            length = _length(starts, ends)
            if length:
                when = f',"endDate":"{_instant(ends)}","duration":"{length}"'
        if most is not None:
            when += f',"maximumAttendeeCapacity":{most}'
        free = 0 if status == "full" else left
        if free is not None:
            when += f',"remainingAttendeeCapacity":{free}'
        yield (
            f'{{"state":"updated","kind":"{SESSION_KIND}","id":"{identifier}",'
            f'"modified":{number},"data":{{"@context":"{CONTEXT}","@type":"{SESSION_KIND}",'
            f'"@id":"{address}#/subEvent/{identifier}","identifier":"{identifier}",'
            f'"superEvent":"{address}","url":"{address}","startDate":"{_instant(starts)}"'
            f',"eventStatus":"{STATUSES.get(status, SCHEDULED)}"{when}}}}}'
        )


def _uuid(value: Any) -> str:
    """An id as it is written, of what either engine gives."""
    if isinstance(value, UUID):
        return str(value)
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def _instant(value: Any) -> str:
    """An instant in UTC as it is written, of what either engine gives."""
    if isinstance(value, datetime):
        return f"{value.isoformat()[:19]}Z"
    return f"{value[:10]}T{value[11:19]}Z"


def _length(starts: Any, ends: Any) -> str | None:
    if isinstance(starts, str):
        starts, ends = datetime.fromisoformat(starts), datetime.fromisoformat(ends)
    return _written(ends - starts)


@lru_cache(1_000)
def _written(length: timedelta) -> str | None:
    return duration(length) if length >= MINUTE else None
