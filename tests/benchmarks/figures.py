"""The figures of discovery: what each is, which goal it has, and the table of them all."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
LARGE, LARGEST = 100_000, 1_000_000


@dataclass(frozen=True)
class Goal:
    """How much a figure is to be, at least or at most; from a size on, or at each."""

    text: str = ""
    least: float | None = None
    most: float | None = None
    by_size: Mapping[int, float] = field(default_factory=dict)
    """The most at a size; at others there is no goal."""
    engine: str | None = None
    """The only engine that it is for."""

    def is_met(self, value: float, size: int, engine: str) -> bool | None:
        """Whether a value is good enough; None where nothing is asked."""
        if self.engine not in {None, engine}:
            return None
        most = self.by_size.get(size, self.most)
        if self.least is None and most is None:
            return None
        return (self.least is None or value >= self.least) and (most is None or value <= most)


class Figure(Enum):
    """What is measured: its name, its unit, its goal."""

    CACHED = "cached page, share of a bare route", "", Goal("≥ 0.85", least=0.85)
    CACHED_GZIP = "the same, gzipped", "", Goal("≥ 0.85", least=0.85)
    UNMODIFIED = "304, share of the bare route's 200", "", Goal("≥ 1.3", least=1.3)
    WRK_CACHED = "cached page, by wrk", "", Goal("≥ 0.85", least=0.85)
    WRK_UNMODIFIED = "304, by wrk", "", Goal("≥ 1.3", least=1.3)
    ONE = "one listing, warm, share of the cached page's ratio", "", Goal("≥ 0.8", least=0.8)
    POSTCODE = "a postcode, warm, the same", "", Goal("≥ 0.8", least=0.8)
    FEED = "page of a feed, share of a bare route", "", Goal("≥ 0.6", least=0.6)
    FEED_WRK = "the same, by wrk", "", Goal("≥ 0.6", least=0.6)
    FEED_CPU = "page of a feed, not kept, CPU of the server", "µs", Goal()
    FEED_UNMODIFIED_CPU = "304 of a feed, not kept, CPU of the server", "µs", Goal()
    BY_HAND = (
        "page not cached, share of ASGI by hand",
        "",
        Goal("≥ 0.5, better 0.75", least=0.5, engine="sqlite"),
    )
    NAIVE = "page not cached, times naive SQLModel", "", Goal("≥ 6", least=6, engine="sqlite")
    PAGE_CPU = "page not cached, CPU of the server", "µs", Goal()
    PAGE_DATABASE = "page not cached, CPU of PostgreSQL", "µs", Goal()
    GROWTH = (
        "page, CPU at this size to the one before",
        "",
        Goal("≤ 1.15 at 1,000,000", by_size={LARGEST: 1.15}),
    )
    GROWTH_DATABASE = (
        "page, CPU of PostgreSQL, the same",
        "",
        Goal("≤ 1.5 at 1,000,000", by_size={LARGEST: 1.5}),
    )
    DEEP = "20th page to the first, CPU", "", Goal("≤ 1.1", most=1.1)
    DEEP_DATABASE = "20th page to the first, CPU of PostgreSQL", "", Goal("≤ 1.5", most=1.5)
    COUNTED = (
        "total and all facets, median",
        "ms",
        Goal("≤ 3 at 100,000, ≤ 10 at 1,000,000", by_size={LARGE: 3, LARGEST: 10}),
    )
    COMMON = "text, two filters, common words, median", "ms", Goal("≤ 50 at 1,000,000", most=50)
    COMMON_P99 = "the same, p99", "ms", Goal()
    RARE = "text, two filters, rare words, median", "ms", Goal("≤ 10 at 1,000,000", most=10)
    NEAR = "nearest 50 within 20 km, artform, age, median", "ms", Goal("≤ 5 at 1,000,000", most=5)
    NEAR_P99 = "the same, p99", "ms", Goal("≤ 50 at 1,000,000", most=50)
    SUGGEST = "as you type, median", "ms", Goal("≤ 10", most=10)
    WORKERS = "two processes, times one", "", Goal("≥ 1.6", least=1.6, engine="sqlite")
    BUSY_SHARE = "reads during a batch, share of quiet throughput", "", Goal("≥ 0.7", least=0.7)
    BUSY_P99 = "reads during a batch, p99", "ms", Goal("≤ 100", most=100)
    FIRST = "batch, first push, times the limit", "", Goal("≤ 6", most=6)
    AGAIN = "batch, the same again, share of the first", "", Goal("≤ 0.33", most=0.33)
    SHEET = "batch, CSV, times JSON", "", Goal("≤ 1.5", most=1.5)
    LINES = "file of all as NDJSON", "MB/s", Goal("≥ 20", least=20)
    LINES_MB = "the same, memory that the server took for it", "MB", Goal("≤ 150", most=150)
    TABLE = "file of all as CSV", "MB/s", Goal("≥ 20", least=20)
    TABLE_MB = "the same, memory for it", "MB", Goal("≤ 150", most=150)
    MAP = "file of all as GeoJSON", "MB/s", Goal()
    MAP_MB = "the same, memory for the map", "MB", Goal("≤ 150", most=150)
    HARVEST = "10,000 items of a feed, times the same as a JSON batch", "", Goal("≤ 2", most=2)
    FILE_UNMODIFIED_CPU = "304 of a file, CPU of the server", "µs", Goal()

    def __init__(self, title: str, unit: str, goal: Goal) -> None:
        self.title = title
        self.unit = unit
        self.goal = goal


@dataclass(frozen=True)
class Found:
    """One figure, measured; without a value it could not be, for a reason."""

    figure: Figure
    engine: str
    size: int
    value: float | None
    problem: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether its goal is met; None where there is none."""
        if self.value is None:
            return False
        return self.figure.goal.is_met(self.value, self.size, self.engine)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "figure": self.figure.title,
            "unit": self.figure.unit,
            "goal": self.figure.goal.text,
            "engine": self.engine,
            "listings": self.size,
            "value": self.value,
            "met": self.is_met,
            "problem": self.problem,
        }

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.problem}, not met"
        digits = 0 if self.value >= 100 else 1 if self.value >= 10 else 2
        unit = f" {self.figure.unit}" if self.figure.unit else ""
        said = f"{self.value:,.{digits}f}{unit}"
        return f"**{said}**, not met" if self.is_met is False else said


def table(found: Sequence[Found]) -> Iterator[str]:
    """The table as Markdown, which can be read as it stands; figures down, databases across."""
    columns = list(dict.fromkeys((one.engine, one.size) for one in found))
    cells = {(one.figure, one.engine, one.size): str(one) for one in found}
    head = ["", "Goal", *(f"{NAMES[engine]}, {size:,}" for engine, size in columns)]
    rows = [head]
    for figure in Figure:
        values = [cells.get((figure, *column), "") for column in columns]
        if any(values):
            rows.append([figure.title[0].upper() + figure.title[1:], figure.goal.text, *values])
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    yield _line(rows[0], widths)
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rows[1:]:
        yield _line(row, widths)


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return (
        "| "
        + " | ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        + " |"
    )
