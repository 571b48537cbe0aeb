"""How fast files of all listings are sent, and what memory that takes: MB/s and MB of the server.

One client reads a file to its end and counts its bytes; it keeps none. How much memory the server
had before and at its peak is told by the system.
"""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.benchmarks import harness
from tests.benchmarks.figures import Figure, Found
from tests.benchmarks.filled import Note, filled
from tests.benchmarks.harness import Server, Store, race
from tests.benchmarks.load import BATCH_SECONDS, HOST, BenchmarkError, ask, get_request
from tests.benchmarks.pushes import LISTINGS
from tests.benchmarks.questions import wait_for_counts

PIECE = 1_000_000
"""Bytes that the client takes at once."""
FILES = (
    ("ndjson", Figure.LINES, Figure.LINES_MB),
    ("csv", Figure.TABLE, Figure.TABLE_MB),
    ("geojson", Figure.MAP, Figure.MAP_MB),
)


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    seconds: float
    rounds: int
    sizes: Sequence[int]


@dataclass(frozen=True)
class _Read:
    """A file that was read to its end."""

    megabytes: float
    seconds: float
    lines: int


def measure(engine: str, plan: Plan, note: Note) -> tuple[str, list[Found]]:
    """Each file at each size on one engine, and its version."""
    found: list[Found] = []
    version = ""
    with (
        TemporaryDirectory(prefix="lcep-benchmarks-") as place,
        filled(engine, list(plan.sizes), note) as stores,
    ):
        for size, store in stores.items():
            version = store.version
            for ending, speed, memory in FILES:
                note(f"{size:,} listings as {ending}")
                # A process of its own for each: memory that one took is not given to the next.
                with harness.service(store.url, Path(place)) as server, harness.pinned():
                    wait_for_counts(server)
                    values = _file(server, ending, size, plan.rounds)
                    found += [
                        Found(figure, engine, size, value)
                        for figure, value in zip((speed, memory), values, strict=True)
                    ]
                    if ending == "csv":
                        known = _unmodified(server, store, ending, plan)
                        found.append(Found(Figure.FILE_UNMODIFIED_CPU, engine, size, known))
    return version, found


def _file(server: Server, ending: str, size: int, rounds: int) -> tuple[float, float]:
    """The median speed in MB/s, and by how many MB the memory of the server grew at most."""
    before = server.memory_mb()
    server.forget_peak()
    reads = [_read(server, f"{LISTINGS}.{ending}") for _ in range(rounds)]
    # A line of JSON each; a cell of a table may hold several lines, and a map is all in one.
    if ending == "ndjson" and any(read.lines != size for read in reads):
        raise BenchmarkError(f"A file had {reads[0].lines:,} lines, not {size:,}.")
    speed = statistics.median(read.megabytes / read.seconds for read in reads)
    return speed, server.peak_mb() - before


def _read(server: Server, path: str) -> _Read:
    connection = HTTPConnection(HOST, server.port, timeout=BATCH_SECONDS)
    piece = memoryview(bytearray(PIECE))
    size = lines = 0
    try:
        connection.connect()
        started = perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        if answer.status != 200:
            raise BenchmarkError(f"{path} answered {answer.status}.")
        while taken := answer.readinto(piece):
            size += taken
            lines += sum(1 for _ in re.finditer(b"\n", piece[:taken]))
        seconds = perf_counter() - started
    finally:
        connection.close()
    return _Read(size / 1e6, seconds, lines)


def _unmodified(server: Server, store: Store, ending: str, plan: Plan) -> float:
    """What a conditional request costs the server, in µs of processor time."""
    path = f"{LISTINGS}.{ending}"
    head = ask(server.port, path, method="HEAD")
    asked = {
        "": (server, [get_request(server.port, path, {"If-None-Match": head.headers["etag"]})])
    }
    return race(store, asked, seconds=plan.seconds, rounds=plan.rounds)[""].cpu_us
