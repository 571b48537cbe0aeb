"""Square kilometres of the National Grid: a place on the map as runs of an index.

`cell` numbers the squares column by column, so that the squares of one column that lie in a box
are one run of numbers. A circle of 20 km is 41 runs. It needs no index of a special kind, writes
like any other column, and is the same statement on both engines; an R*Tree would be walked no
faster for what lists ask (a box of the same size holds the same rows), and costs a table more at
each write.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, hypot, isqrt

METRES = 1_000
COLUMN = 2_000
"""More than there are squares from south to north."""


@dataclass(frozen=True)
class Near:
    """A point in grid metres, and how far from it."""

    easting: int
    northing: int
    metres: int

    def runs(self, metres: int | None = None) -> Iterator[tuple[int, int]]:
        """The runs of cells that the circle touches, or one of another radius around the point."""
        reach = self.metres if metres is None else metres
        first, last = (self.easting - reach) // METRES, (self.easting + reach) // METRES
        for column in range(max(first, 0), last + 1):
            west, east = column * METRES, (column + 1) * METRES - 1
            across = max(west - self.easting, self.easting - east, 0)
            along = isqrt(max(reach * reach - across * across, 0)) + 1
            low = max((self.northing - along) // METRES, 0)
            high = (self.northing + along) // METRES
            if high >= low:
                yield column * COLUMN + low, column * COLUMN + min(high, COLUMN - 1)

    def kilometres(self, easting: int | None, northing: int | None) -> float | None:
        """How far a place is, in kilometres to the metre."""
        if easting is None or northing is None:
            return None
        return round(hypot(easting - self.easting, northing - self.northing) / 1000, 3)


@dataclass(frozen=True)
class Box:
    """A box on a map in grid metres: its corners in order around it, since it lies askew there."""

    corners: tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """West, south, east and north of a box along the grid that holds it."""
        eastings, northings = zip(*self.corners, strict=True)
        return min(eastings), min(northings), max(eastings), max(northings)

    def runs(self) -> Iterator[tuple[int, int]]:
        """The runs of cells that it touches."""
        west, south, east, north = self.bounds
        low, high = max(south // METRES, 0), min(north // METRES, COLUMN - 1)
        for column in range(max(west // METRES, 0), ceil((east + 1) / METRES)):
            if high >= low:
                yield column * COLUMN + low, column * COLUMN + high

    def sides(self) -> Iterator[tuple[int, int, int]]:
        """For each side (a, b, c): a place is inside where a*easting + b*northing >= c."""
        for (e1, n1), (e2, n2) in zip(
            self.corners, (*self.corners[1:], self.corners[0]), strict=True
        ):
            # The corners go round against the clock, so inside is to the left of each side.
            across, along = n1 - n2, e2 - e1
            yield across, along, across * e1 + along * n1


def cell(easting: int | None, northing: int | None) -> int | None:
    """The number of the square kilometre of a place."""
    if easting is None or northing is None:
        return None
    return easting // METRES * COLUMN + northing // METRES
