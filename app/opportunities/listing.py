"""Pages of listings: which way to walk, how far, and where the next page starts.

What is read is written as generators that yield statements and are given their rows, so that the
ordinary session, the fast path on SQLite and the one that waits for PostgreSQL read the same.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.opportunities import search
from app.opportunities.conditions import Sight, Way
from app.opportunities.search import Statement
from app.opportunities.wanted import Sort, Wanted
from app.opportunities.word_queries import Part

T = TypeVar("T")
Rows = Sequence[Any]
Run = Callable[[Statement], Rows]
Reading = Generator[Statement, Rows, T]
"""Something in the making: it yields statements, is sent their rows, and returns what it found."""

NEAREST = 500
"""How far the search for the nearest goes at first, in metres; then ever twice that."""
SMALL_CIRCLE = 5_000
"""Circles of up to so many metres are looked through whole; in larger ones something comes soon."""
FEW = 2_000
"""So many listings are looked at one by one rather than looked for."""


@dataclass(frozen=True)
class Asking:
    """A page as it is asked for."""

    wanted: Wanted
    sight: Sight
    sort: Sort
    limit: int
    is_sqlite: bool
    after: Sequence[Any] | None = None
    """Of the last row of the page before, as `position` gave it."""
    keys: Sequence[int] | None = None
    """The listings that can be wanted at all, where they were counted and are few."""

    def statement(self, way: Way, **more: Any) -> Statement:
        """The statement for one way, with one row more to know whether a page follows."""
        if self.keys is not None:
            way, more = Way.KEYS, {**more, "keys": self.keys}
        after = more.pop("after", self.after)
        limit = more.pop("limit", self.limit + 1)
        return search.page(
            self.wanted,
            self.sight,
            is_sqlite=self.is_sqlite,
            sort=self.sort,
            way=way,
            limit=limit,
            after=after,
            **more,
        )


@dataclass(frozen=True)
class Found:
    """The rows of a page, and the position of its last one if another page follows."""

    rows: Rows
    position: Sequence[Any] | None


def complete(reading: Reading[T], run: Run) -> T:
    """What a reading finds, where its statements can be run one after the other."""
    try:
        statement = next(reading)
        while True:
            statement = reading.send(run(statement))
    except StopIteration as end:
        found: T = end.value
        return found


def page(asking: Asking) -> Reading[Found]:
    """Find a page."""
    match asking.sort:
        case Sort.RELEVANCE:
            return (yield from _by_relevance(asking))
        case Sort.DISTANCE if asking.keys is None:
            rows = yield from _nearest(asking)
        case _:
            rows = yield asking.statement(way(asking.wanted))
    return _cut(rows, asking.limit, lambda row: (row[1], row[0]))


def statements_of_keys(asking: Asking) -> Iterator[Statement]:
    """The statements that find the keys of all that match, one after the other, in order.

    For whoever reads everything: pages would look for their beginning again and again. The limit
    is that of each statement.
    """
    by_relevance = asking.sort is Sort.RELEVANCE
    for part in (Part.BY_TITLE, Part.ELSEWHERE) if by_relevance else (Part.ALL,):
        yield search.keys_in_order(
            asking.wanted,
            asking.sight,
            is_sqlite=asking.is_sqlite,
            sort=asking.sort,
            way=way(asking.wanted),
            part=part,
            limit=asking.limit,
        )


def way(wanted: Wanted) -> Way:
    """How to find what is wanted, where its number is not known."""
    if wanted.words is not None:
        return Way.WORDS
    if wanted.near is not None and wanted.near.metres <= SMALL_CIRCLE:
        return Way.CELLS
    if wanted.box is not None and _is_small(wanted):
        return Way.CELLS
    return Way.WALK


def _is_small(wanted: Wanted) -> bool:
    assert wanted.box is not None
    west, south, east, north = wanted.box.bounds
    return max(east - west, north - south) <= 2 * SMALL_CIRCLE


def _cut(rows: Rows, limit: int, position: Callable[[Any], Sequence[Any]]) -> Found:
    shown = rows[:limit]
    return Found(shown, position(shown[-1]) if len(rows) > limit else None)


def _by_relevance(asking: Asking) -> Reading[Found]:
    """First those whose title has all the words, then the others; each the soonest first."""
    parts = (Part.BY_TITLE, Part.ELSEWHERE)
    first, after = 0, None
    if asking.after is not None:
        first, *after = asking.after
    found: list[tuple[int, Any]] = []
    for number in range(first, len(parts)):
        left = asking.limit + 1 - len(found)
        rows = yield asking.statement(Way.WORDS, part=parts[number], limit=left, after=after)
        found += [(number, row) for row in rows]
        after = None
        if len(found) > asking.limit:
            break
    shown = found[: asking.limit]
    position = None
    if len(found) > asking.limit:
        number, row = shown[-1]
        position = (number, row[1], row[0])
    return Found([row for _, row in shown], position)


def _nearest(asking: Asking) -> Reading[Rows]:
    """The nearest first: circles ever twice as wide, until the page is full.

    All of a circle is nearer than what lies outside it, so that its page is the page.
    """
    near = asking.wanted.near
    assert near is not None
    reach = NEAREST
    while asking.after is not None and reach * reach <= asking.after[0]:
        reach *= 2
    while reach < near.metres:
        rows = yield asking.statement(_circle(asking.wanted), reach=reach)
        if len(rows) > asking.limit:
            return rows
        reach *= 2
    return (yield asking.statement(_circle(asking.wanted), reach=near.metres))


def _circle(wanted: Wanted) -> Way:
    return Way.WORDS if wanted.words is not None else Way.CELLS
