"""Pages picked in memory: which listings a page shows, from the census alone.

The census knows what each filter lets through, when each listing comes next and where it is. What
passes all filters is taken week by week, day by day where a week has many, or square by square
outwards from a point, until the page is full: some thousand listings are looked at, however many
there are. SQL then reads a page of documents by their keys. On the index of a sort, with filters
tested row by row, a page of 100,000 listings took three times as long as one of 10,000.

What it cannot be sure of it leaves to `listing`, which finds the same by SQL: what the census does
not know, what only some callers see, and rows that have moved since they were counted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from pyroaring import BitMap

from app.opportunities import counting, kept_words, search
from app.opportunities.census import Census, Keys
from app.opportunities.census_facts import DAY_LONG, moment_of
from app.opportunities.grid import Near
from app.opportunities.listing import Asking, Found, Reading, Rows
from app.opportunities.models import FAR_FUTURE
from app.opportunities.positions import Positions
from app.opportunities.wanted import Sort
from app.opportunities.word_queries import Part

Position = tuple[int, int]
"""What a listing is sorted by, and its key."""
Hold = Callable[[], AbstractContextManager[Census | None]]
"""The census in step with what is read, or None if it cannot be had."""

FEW = 500
"""So many are sorted at once rather than week by week, day by day, or square by square."""
MOST_PAGES = 3
"""A week of up to so many pages is sorted at once rather than day by day."""
NEVER_MOMENT = moment_of(FAR_FUTURE)
NEVER_DAY = NEVER_MOMENT // DAY_LONG


def page(asking: Asking, hold: Hold, *, looks: bool = True) -> Reading[Found | None]:
    """A page, or None where SQL has to find it.

    Unless it `looks`, words are found only where their listings are in memory.
    """
    if not _is_known(asking):
        return None
    words = Words(asking, hold, looks=looks) if asking.wanted.words is not None else None
    by_relevance = words is not None and asking.sort is Sort.RELEVANCE
    parts = (Part.BY_TITLE, Part.ELSEWHERE) if by_relevance else (Part.ALL,)
    first, after = 0, asking.after
    if by_relevance and after is not None:
        first, *after = after
    picked: list[Position] = []
    numbers: list[int] = []
    for number in range(first, len(parts)):
        among = None
        if words is not None:
            among = yield from words.of(parts[number])
            if among is None:
                return None
        some = _picked(asking, hold, among, after, asking.limit + 1 - len(picked))
        if some is None:
            return None
        picked += some
        numbers += [number] * len(some)
        after = None
        if len(picked) > asking.limit:
            break
    rows = yield from _rows(asking, picked)
    return None if rows is None else _cut(asking, rows, numbers if by_relevance else None)


def _is_known(asking: Asking) -> bool:
    """Whether all that is asked is in the census, or is words."""
    wanted = asking.wanted
    if not wanted.is_public or asking.sort not in (
        Sort.NEXT_SESSION,
        Sort.RELEVANCE,
        Sort.DISTANCE,
    ):
        return False
    return not counting.asks(counting.without_words_and_circle(wanted))


def _cut(asking: Asking, rows: Rows, numbers: Sequence[int] | None) -> Found:
    """The page, and where the next begins; `numbers` are those of the parts of relevance."""
    position: tuple[Any, ...] | None = None
    if len(rows) > asking.limit:
        last = asking.limit - 1
        position = rows[last][1], rows[last][0]
        if numbers is not None:
            position = numbers[last], *position
    return Found(rows[: asking.limit], position)


class Words:
    """The listings that have the words that are asked for, of all that are indexed."""

    def __init__(self, asking: Asking, hold: Hold, *, looks: bool) -> None:
        self._hold = hold
        self._looks = looks
        self._wanted = asking.wanted
        self._is_sqlite = asking.is_sqlite
        self._found: dict[Part, Keys] = {}

    def of(self, part: Part) -> Reading[Keys | None]:
        """Those of a part, each looked for once; None where nobody may look."""
        if part not in self._found:
            found = yield from self._elsewhere() if part is Part.ELSEWHERE else self._look(part)
            if found is None:
                return None
            self._found[part] = found
        return self._found[part]

    def _elsewhere(self) -> Reading[Keys | None]:
        everywhere = yield from self.of(Part.ALL)
        by_title = yield from self.of(Part.BY_TITLE)
        return None if everywhere is None or by_title is None else everywhere - by_title

    def _look(self, part: Part) -> Reading[Keys | None]:
        asked = self._wanted.words
        assert asked is not None
        with self._hold() as census:
            kept = None if census is None else census.words.of(asked, part)
            if census is not None and kept is None:
                census.words.want(asked)
        if kept is not None:
            keys, changed = kept
            if not changed:
                return keys
            return (keys - changed) | (yield from self._ask(part, among=changed))
        if not self._looks:
            return None
        # Rare words are found at once; of common ones only those that carry the tags as well.
        # PostgreSQL looks at all of them in either case before it gives the first.
        if self._is_sqlite:
            found = yield from self._ask(part, limit=kept_words.RARE + 1)
            if len(found) <= kept_words.RARE:
                return found
        return (yield from self._ask(part, tagged=True))

    def _ask(
        self,
        part: Part,
        *,
        tagged: bool = False,
        limit: int | None = None,
        among: Keys | None = None,
    ) -> Reading[Keys]:
        statement = search.keys_of_words(
            self._wanted, part, is_sqlite=self._is_sqlite, tagged=tagged, limit=limit, among=among
        )
        if statement is None:
            return BitMap()
        rows = yield statement
        return BitMap([row[0] for row in rows])


def _picked(
    asking: Asking, hold: Hold, among: Keys | None, after: Sequence[Any] | None, limit: int
) -> list[Position] | None:
    """The listings that a page shows, in their order; None if the census cannot be had."""
    wanted = asking.wanted
    by_distance = asking.sort is Sort.DISTANCE
    behind = None
    if after is not None:
        behind = (after[0] if by_distance else moment_of(after[0]), after[1])
    with hold() as census:
        if census is None:
            return None
        passing = census.passing(wanted, among)
        if by_distance and wanted.near is not None:
            return _nearest(census.positions, passing, wanted.near, behind, limit)
        return _soonest(census.positions, passing, wanted.near, behind, limit)


def _rows(asking: Asking, picked: Sequence[Position]) -> Reading[Rows | None]:
    """Their rows, or None if SQL would have found others."""
    if not picked:
        return []
    keys = [pk for _, pk in picked]
    rows = yield search.of_keys(asking.wanted, asking.sort, keys, is_sqlite=asking.is_sqlite)
    by_distance = asking.sort is Sort.DISTANCE
    told = [(row[1] if by_distance else moment_of(row[1]), row[0]) for row in rows]
    return rows if told == picked else None


# --- the soonest first ------------------------------------------------------------------------


def _soonest(
    at: Positions, passing: Keys, near: Near | None, behind: Position | None, limit: int
) -> list[Position]:
    """The first of those that pass, in the order of their next sessions."""
    if near is not None:
        passing = passing & at.around(near)

    def first_of(keys: Iterable[int], limit: int) -> list[Position]:
        if near is not None:
            keys = (pk for pk in keys if at.is_within(near, pk))
        listed = list(keys)
        found: Iterable[Position] = zip(map(at.moments.__getitem__, listed), listed, strict=True)
        if behind is not None:
            found = (one for one in found if one > behind)
        return sorted(found)[:limit]

    if len(passing) <= FEW:
        return first_of(passing, limit)
    picked: list[Position] = []
    first = 0 if behind is None else behind[0] // DAY_LONG
    for keys, never in _stretches(at, passing, first, MOST_PAGES * limit):
        left = limit - len(picked)
        picked += first_of(_without_moment(at, keys, near, behind, left) if never else keys, left)
        if len(picked) >= limit:
            break
    return picked


def _stretches(at: Positions, passing: Keys, first: int, most: int) -> Iterator[tuple[Keys, bool]]:
    """Those that pass by weeks, and days where a week has more than so many, from a day on.

    With each whether they are those that come at no moment.
    """
    for some, days in at.weeks(first):
        of_week = passing & some
        if len(of_week) <= most:
            yield of_week, False
        else:
            yield from ((of_week & at.on(day), day == NEVER_DAY) for day in days)


def _without_moment(
    at: Positions, keys: Keys, near: Near | None, behind: Position | None, limit: int
) -> Iterable[int]:
    """The first of those that come at no moment: they are many, and in order already."""
    start = behind[1] + 1 if behind is not None and behind[0] == NEVER_MOMENT else 0
    later: Iterable[int] = keys.iter_equal_or_larger(start)
    if near is not None:
        later = (pk for pk in later if at.is_within(near, pk))
    return islice(later, limit)


# --- the nearest first ------------------------------------------------------------------------


def _nearest(
    at: Positions, passing: Keys, near: Near, behind: Position | None, limit: int
) -> list[Position]:
    """The nearest of those that pass, each with the square of its distance."""
    reach = near.metres**2
    # All of few are looked at together, else ring by ring.
    rings = [(0, at.placed)] if len(passing) <= FEW else at.rings(near)
    east, north = near.easting, near.northing
    eastings, northings = at.eastings, at.northings
    picked: list[Position] = []
    for least, keys in rings:
        if len(picked) == limit and least > picked[-1][0]:
            break
        found = [
            ((eastings[pk] - east) ** 2 + (northings[pk] - north) ** 2, pk) for pk in passing & keys
        ]
        farthest = picked[-1][0] if len(picked) == limit else reach
        some = [one for one in found if one[0] <= farthest]
        if behind is not None:
            some = [one for one in some if one > behind]
        if some:
            picked = sorted(picked + some)[:limit]
    return picked
