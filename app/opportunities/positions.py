"""When each published listing comes next and where it is, in memory: what pages are sorted by.

Arrays by key hold the exact values, and bitmaps the listings of each week and day and of each
square of the map, so that a page is put together from a few of them. Of what few listings pass,
some weeks hold a page: to look at their days one by one took an eighth of the time of a page
among a million.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from pyroaring import BitMap
from sqlmodel import Session

from app.opportunities.census_facts import DAY_LONG, moments, places
from app.opportunities.grid import Near

SQUARE = 2_000
"""Metres of a side of the squares."""

WEEK = 7

Keys = BitMap
Square = tuple[int, int]
"""Its column and its row."""
K = TypeVar("K")


class Positions:
    """The positions that one process knows. The census holds the lock and keeps them in step."""

    def __init__(self) -> None:
        self.moments = array("q")
        """By key: the moment that lists are sorted by, in microseconds."""
        self.eastings, self.northings = array("i"), array("i")
        """By key: grid metres, of what has a place."""
        self._by_day: dict[int, Keys] = {}
        self._by_square: dict[Square, Keys] = {}
        self._weeks: Mapping[int, Sequence[int]] | None = None
        self._by_week: dict[int, Keys] = {}
        self._placed: Keys | None = None

    def weeks(self, first: int = 0) -> Iterator[tuple[Keys, Sequence[int]]]:
        """The listings of each week and its UTC days of moments, from that of a day on."""
        if self._weeks is None:
            weeks: dict[int, list[int]] = {}
            for day in sorted(self._by_day):
                weeks.setdefault(day // WEEK, []).append(day)
            self._weeks, self._by_week = weeks, {}
        for week, days in self._weeks.items():
            if week >= first // WEEK:
                if week not in self._by_week:
                    self._by_week[week] = BitMap.union(*map(self.on, days))
                yield self._by_week[week], days

    def on(self, day: int) -> Keys:
        """The listings of a day."""
        return self._by_day[day]

    @property
    def placed(self) -> Keys:
        """The listings that have a place."""
        if self._placed is None:
            self._placed = BitMap.union(BitMap(), *self._by_square.values())
        return self._placed

    def around(self, near: Near) -> Keys:
        """The listings in the squares that a circle may touch: all that are in it, and others."""
        (west, south), (east, north) = (
            ((near.easting + metres) // SQUARE, (near.northing + metres) // SQUARE)
            for metres in (-near.metres, near.metres)
        )
        touched = (
            keys
            for (column, row), keys in self._by_square.items()
            if west <= column <= east and south <= row <= north
        )
        return BitMap.union(BitMap(), *touched)

    def rings(self, near: Near) -> Iterator[tuple[int, Keys]]:
        """The listings by ever wider rings of squares, with the least distance squared of each."""
        column, row = near.easting // SQUARE, near.northing // SQUARE
        for ring in range(near.metres // SQUARE + 2):
            least = (max(ring - 1, 0) * SQUARE) ** 2
            for square in _ring(column, row, ring):
                keys = self._by_square.get(square)
                if keys is not None:
                    yield least, keys

    def is_within(self, near: Near, pk: int) -> bool:
        """Whether a listing that has a place is in a circle."""
        across = self.eastings[pk] - near.easting
        along = self.northings[pk] - near.northing
        return across * across + along * along <= near.metres * near.metres

    # --- keeping in step ----------------------------------------------------------------------

    def remove(self, pks: Iterable[int]) -> None:
        """Forget where listings were; their values stay, and count for nothing."""
        self._weeks = self._placed = None
        for pk in pks:
            if pk < len(self.moments):
                _discard(self._by_day, self.moments[pk] // DAY_LONG, pk)
            if pk < len(self.eastings):
                square = self.eastings[pk] // SQUARE, self.northings[pk] // SQUARE
                _discard(self._by_square, square, pk)

    def add(self, session: Session, pks: Sequence[int] | None) -> None:
        """Note where these listings are, or all; they were removed if they were here before."""
        self._weeks = self._placed = None
        days: dict[int, list[int]] = {}
        for pk, moment in moments(session, pks):
            _set(self.moments, pk, moment)
            days.setdefault(moment // DAY_LONG, []).append(pk)
        squares: dict[Square, list[int]] = {}
        for pk, easting, northing in places(session, pks):
            _set(self.eastings, pk, easting)
            _set(self.northings, pk, northing)
            squares.setdefault((easting // SQUARE, northing // SQUARE), []).append(pk)
        _merge(self._by_day, days)
        _merge(self._by_square, squares)


def _ring(column: int, row: int, ring: int) -> Iterator[Square]:
    """The squares around one that are so many steps away."""
    for across in range(-ring, ring + 1):
        edges = (-ring, ring) if ring and abs(across) < ring else range(-ring, ring + 1)
        yield from ((column + across, row + along) for along in edges)


def _merge(held: dict[K, Keys], found: Mapping[K, Collection[int]]) -> None:
    for value, pks in found.items():
        held.setdefault(value, BitMap()).update(pks)


def _discard(held: dict[K, Keys], value: K, pk: int) -> None:
    keys = held.get(value)
    if keys is not None:
        keys.discard(pk)
        if not keys:
            del held[value]


def _set(values: "array[int]", pk: int, value: int) -> None:
    """Put a value at its key; keys begin at 1, and few are missing."""
    if pk >= len(values):
        values.frombytes(bytes(values.itemsize * (pk + 1 - len(values))))
    values[pk] = value
