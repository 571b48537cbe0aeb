"""How fast listings are found: each figure as a ratio within one run, or in milliseconds."""

import shutil
import statistics
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.benchmarks import harness, pushes, questions, rivals
from tests.benchmarks.bare import keep
from tests.benchmarks.figures import LARGE, Figure, Found
from tests.benchmarks.filled import Note, filled, writable
from tests.benchmarks.harness import Rate, Server, Store, race
from tests.benchmarks.load import CONNECTIONS, HOST, BenchmarkError, ask, drive, get_request
from tests.benchmarks.pushes import LISTINGS, Batches, Headers, answered, kept_answer
from tests.benchmarks.questions import Questions

GZIP = {"Accept-Encoding": "gzip"}
READERS = 4
"""Connections that read during a batch."""
QUIET_SECONDS = 3.0
SLICE_SECONDS = 0.5
GROWTH_ROUNDS = 2
SURE = 30
"""Answers in a row, by connections of their own, of which each of two processes gave some."""


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    seconds: float
    rounds: int
    sizes: Sequence[int]
    items: int
    """Listings in a batch."""


FEED = "/openactive/feeds/session-series"
FEED_PAGE = 500


class Bench:
    """One engine's figures, in the making."""

    def __init__(self, engine: str, plan: Plan, folder: Path, note: Note) -> None:
        self.engine = engine
        self.plan = plan
        self.folder = folder
        self.note = note
        self.found: list[Found] = []

    def add(self, figure: Figure, size: int, value: float) -> None:
        """A figure."""
        self.found.append(Found(figure, self.engine, size, value))

    def fail(self, figure: Figure, size: int, problem: str) -> None:
        """A figure that could not be had."""
        self.found.append(Found(figure, self.engine, size, None, problem))

    def attempt(self, what: str, measure_it: Callable[[], None]) -> None:
        """Measure; what cannot be is told and left out, so that the rest is not lost."""
        self.note(what)
        try:
            measure_it()
        except Exception as error:  # noqa: BLE001 - hours of other figures must not be lost
            self.note(f"{what} could not be measured: {error!r}")

    def race(
        self, store: Store, sides: Mapping[str, tuple[Server, Sequence[str], Headers]], **more: int
    ) -> dict[str, Rate]:
        """Drive all sides in turn."""
        asked = {
            name: (server, [get_request(server.port, path, headers) for path in paths])
            for name, (server, paths, headers) in sides.items()
        }
        return race(store, asked, seconds=self.plan.seconds, rounds=self.plan.rounds, **more)


def measure(engine: str, plan: Plan, note: Note) -> tuple[str, list[Found]]:
    """Everything on one engine, and its version."""
    with (
        TemporaryDirectory(prefix="lcep-benchmarks-") as place,
        filled(engine, list(plan.sizes), note) as made,
    ):
        bench = Bench(engine, plan, Path(place), note)
        asked: dict[int, Questions] = {}
        for size, store in made.items():
            bench.attempt(f"{size:,} listings", partial(_at, bench, size, store, asked))
        stores = {size: store for size, store in made.items() if size in asked}
        if not stores:
            raise BenchmarkError("Nothing could be asked at any size.")
        bench.attempt("pages as the data grow", lambda: _growth(bench, stores, asked))
        largest = max(stores)
        if engine == "sqlite":
            bench.attempt(
                "two processes", lambda: _workers(bench, largest, stores[largest], asked[largest])
            )
        batched = max((size for size in stores if size <= LARGE), default=largest)
        bench.attempt(
            "batches, and reading meanwhile",
            lambda: _batches(bench, batched, stores[batched], asked[batched]),
        )
    return stores[largest].version, bench.found


def _at(bench: Bench, size: int, store: Store, asked: dict[int, Questions]) -> None:
    """What is measured at one size alone."""
    with harness.service(store.url, bench.folder, keeps=False) as server:
        bench.note(f"{size:,}: finding what to ask")
        asked[size] = questions.find(server, size)
        with harness.pinned():
            bench.note(f"{size:,}: words, places, counts")
            _waits(bench, size, store, server, asked[size])
            bench.note(f"{size:,}: pages that are not kept, against their rivals")
            bench.attempt("rivals", lambda: _rivals(bench, size, store, server, asked[size]))
    bench.note(f"{size:,}: answers that are kept, against a bare route")
    _kept(bench, size, store, asked[size])
    bench.attempt("feeds", lambda: _feeds(bench, size, store))


# --- one at a time ----------------------------------------------------------------------------


def _waits(bench: Bench, size: int, store: Store, server: Server, asked: Questions) -> None:
    """What is asked by one caller alone."""
    kinds: Sequence[tuple[Sequence[str], Figure, Figure | None]] = (
        (asked.counted, Figure.COUNTED, None),
        (asked.common, Figure.COMMON, Figure.COMMON_P99),
        (asked.rare, Figure.RARE, None),
        (asked.near, Figure.NEAR, Figure.NEAR_P99),
        (asked.suggest, Figure.SUGGEST, None),
    )
    # Once before, as of a service that runs for a while: a word that many listings have is read
    # into memory when it is first asked for, which takes PostgreSQL a second or two.
    for path in asked.common:
        ask(server.port, path)
    for paths, median, p99 in kinds:
        try:
            rate = bench.race(store, {"": (server, paths, {})}, connections=1)[""]
        except BenchmarkError as error:
            bench.fail(median, size, str(error))
            continue
        bench.add(median, size, rate.p50_ms)
        if p99 is not None:
            bench.add(p99, size, rate.p99_ms)


# --- not kept ---------------------------------------------------------------------------------


def _rivals(bench: Bench, size: int, store: Store, server: Server, asked: Questions) -> None:
    ways = {"naive": rivals.NAIVE}
    if store.engine == "sqlite":
        ways["by hand"] = rivals.BY_HAND
    with harness.rivals(store.url, bench.folder) as rival:
        paths = {way: [_on(way, path) for path in asked.pages] for way in ways.values()}
        for way in paths.values():
            _same_listings(server, asked.pages[0], rival, way[0])
        rates = bench.race(
            store,
            {
                "service": (server, asked.pages, {}),
                **{name: (rival, paths[way], {}) for name, way in ways.items()},
            },
        )
    service = rates["service"]
    if "by hand" in rates:
        bench.add(Figure.BY_HAND, size, rates["by hand"].cpu_us / service.cpu_us)
    bench.add(Figure.NAIVE, size, rates["naive"].cpu_us / service.cpu_us)


def _on(way: str, path: str) -> str:
    return f"{way}?{urlsplit(path).query}"


def _same_listings(server: Server, path: str, rival: Server, other: str) -> None:
    ours, theirs = (
        [one["id"] for one in answered(ask(side.port, address))["items"]]
        for side, address in ((server, path), (rival, other))
    )
    if ours != theirs:
        raise BenchmarkError(f"{other} does not list what {path} does.")


# --- kept -------------------------------------------------------------------------------------


def _kept(bench: Bench, size: int, store: Store, asked: Questions) -> None:
    """Answers from memory beside a bare route that returns the same bytes."""
    pages = asked.pages[:6]
    reads: dict[str, tuple[str, Sequence[str], Headers]] = {
        "page": (LISTINGS, pages, {}),
        "gzip": (LISTINGS, pages, GZIP),
        "one": (LISTINGS + "/{opportunity_id}", asked.listings, {}),
        "postcode": ("/v1/postcodes/{postcode}", asked.postcodes, {}),
    }
    with harness.service(store.url, bench.folder) as server:
        questions.wait_for_counts(server)
        answers = bench.folder / f"answers-{size}.json"
        keep(
            answers,
            [
                kept_answer(ask(server.port, path, headers=headers), "GET", route, path)
                for route, paths, headers in reads.values()
                for path in paths
            ],
        )
        tag = ask(server.port, pages[0]).headers["etag"]
        known = {"If-None-Match": tag}
        with (
            harness.bare("same", store.url, bench.folder, answers) as bare,
            harness.pinned(),
        ):
            sides: dict[str, tuple[Server, Sequence[str], Headers]] = {
                "unmodified": (server, pages[:1], known)
            }
            for name, (_, paths, headers) in reads.items():
                sides[name] = (server, paths, headers)
                sides[f"bare {name}"] = (bare, paths, headers)
            rates = bench.race(store, sides)
            by_wrk = list(_by_wrk(bench, server, bare, pages[0], known))
    ratios = {name: rates[f"bare {name}"].cpu_us / rates[name].cpu_us for name in reads}
    bench.add(Figure.CACHED, size, ratios["page"])
    bench.add(Figure.CACHED_GZIP, size, ratios["gzip"])
    bench.add(Figure.UNMODIFIED, size, rates["bare page"].cpu_us / rates["unmodified"].cpu_us)
    for figure, value in by_wrk:
        bench.add(figure, size, value)
    bench.add(Figure.ONE, size, ratios["one"] / ratios["page"])
    bench.add(Figure.POSTCODE, size, ratios["postcode"] / ratios["page"])


def _by_wrk(
    bench: Bench, server: Server, bare: Server, path: str, known: Headers
) -> Iterator[tuple[Figure, float]]:
    """The same by wrk, where there is one: requests a second, as it is written in C."""
    if shutil.which("wrk") is None:
        return
    rates: dict[str, list[float]] = {}
    for _ in range(bench.plan.rounds):
        for name, side, headers in (
            ("page", server, {}),
            ("bare", bare, {}),
            ("unmodified", server, known),
        ):
            rates.setdefault(name, []).append(_wrk(side, path, headers))
    page, plain, unmodified = (statistics.median(rates[name]) for name in rates)
    yield Figure.WRK_CACHED, page / plain
    yield Figure.WRK_UNMODIFIED, unmodified / plain


def _wrk(server: Server, path: str, headers: Headers) -> float:
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1s"]
    words += [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        [*words, f"http://{HOST}:{server.port}{path}"], capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("Requests/sec"))
    return float(line.partition(":")[2])


# --- feeds ------------------------------------------------------------------------------------


def _feeds(bench: Bench, size: int, store: Store) -> None:
    """Pages of 500 at several depths: kept beside a bare route, and made each time."""
    paths = [FEED, *(f"{FEED}?afterChangeNumber={size * part}" for part in (1, 2, 4))]
    with harness.service(store.url, bench.folder) as server:
        questions.wait_for_counts(server)
        found = [ask(server.port, path) for path in paths]
        if {len(answered(one)["items"]) for one in found} != {FEED_PAGE}:
            raise BenchmarkError("Not all pages are full.")
        answers = bench.folder / f"feeds-{size}.json"
        keep(
            answers,
            [kept_answer(one, "GET", FEED, path) for one, path in zip(found, paths, strict=True)],
        )
        with harness.bare("same", store.url, bench.folder, answers) as bare, harness.pinned():
            rates = bench.race(store, {"feed": (server, paths, {}), "bare": (bare, paths, {})})
            bench.add(Figure.FEED, size, rates["bare"].cpu_us / rates["feed"].cpu_us)
            if shutil.which("wrk"):
                rounds = range(bench.plan.rounds)
                pairs = [(_wrk(server, paths[-1], {}), _wrk(bare, paths[-1], {})) for _ in rounds]
                share = statistics.median(ours / theirs for ours, theirs in pairs)
                bench.add(Figure.FEED_WRK, size, share)
    with harness.service(store.url, bench.folder, keeps=False) as server, harness.pinned():
        questions.wait_for_counts(server)
        known = {"If-None-Match": ask(server.port, paths[-1]).headers["etag"]}
        sides: dict[str, tuple[Server, Sequence[str], Headers]] = {
            "feed": (server, paths, {}),
            "unmodified": (server, paths[-1:], known),
        }
        rates = bench.race(store, sides)
    bench.add(Figure.FEED_CPU, size, rates["feed"].cpu_us)
    bench.add(Figure.FEED_UNMODIFIED_CPU, size, rates["unmodified"].cpu_us)


# --- as the data grow -------------------------------------------------------------------------


def _growth(bench: Bench, stores: Mapping[int, Store], asked: Mapping[int, Questions]) -> None:
    """First and deep pages of all sizes in one race."""
    with ExitStack() as stack:
        sides: dict[str, tuple[Server, Sequence[str], Headers]] = {}
        for size, store in stores.items():
            server = stack.enter_context(harness.service(store.url, bench.folder, keeps=False))
            questions.wait_for_counts(server)
            sides[f"page {size}"] = (server, asked[size].pages, {})
            sides[f"first {size}"] = (server, asked[size].first, {})
            sides[f"deep {size}"] = (server, asked[size].deep, {})
        with harness.pinned():
            rounds: dict[str, list[Rate]] = {}
            for _ in range(GROWTH_ROUNDS):
                for size, store in stores.items():
                    own = {name: one for name, one in sides.items() if name.endswith(f" {size}")}
                    for name, rate in bench.race(store, own).items():
                        rounds.setdefault(name, []).append(rate)
    rates = {name: min(found, key=lambda rate: rate.cpu_us) for name, found in rounds.items()}
    before: int | None = None
    for size in stores:
        page, first, deep = (rates[f"{name} {size}"] for name in ("page", "first", "deep"))
        bench.add(Figure.PAGE_CPU, size, page.cpu_us)
        bench.add(Figure.DEEP, size, deep.cpu_us / first.cpu_us)
        if page.database_us and first.database_us and deep.database_us:
            bench.add(Figure.PAGE_DATABASE, size, page.database_us)
            bench.add(Figure.DEEP_DATABASE, size, deep.database_us / first.database_us)
        if before is not None:
            smaller = rates[f"page {before}"]
            bench.add(Figure.GROWTH, size, page.cpu_us / smaller.cpu_us)
            if page.database_us and smaller.database_us:
                growth = page.database_us / smaller.database_us
                bench.add(Figure.GROWTH_DATABASE, size, growth)
        before = size


# --- several processes ------------------------------------------------------------------------


def _workers(bench: Bench, size: int, store: Store, asked: Questions) -> None:
    """Pages that are not kept, by one process and by two, all on whatever core is free."""
    with (
        harness.service(store.url, bench.folder, keeps=False, pinned=False) as one,
        harness.service(store.url, bench.folder, keeps=False, pinned=False, workers=2) as two,
    ):
        for server in (one, two):
            questions.wait_for_counts(server, SURE)
        sides: dict[str, tuple[Server, Sequence[str], Headers]] = {
            "one": (one, asked.first, {}),
            "two": (two, asked.first, {}),
        }
        rates = bench.race(store, sides, connections=2 * CONNECTIONS)
    bench.add(Figure.WORKERS, size, rates["two"].per_second / rates["one"].per_second)


# --- batches ----------------------------------------------------------------------------------


def _batches(bench: Bench, size: int, kept: Store, asked: Questions) -> None:
    """What pushes cost where there are many listings already, and what readers notice."""
    with writable(kept) as store:
        token, _ = harness.command(
            store.url, "keys", "create", "--role", "admin", "--name", "Benchmarks"
        )
        admin = {"Authorization": f"Bearer {token}"}
        with harness.service(store.url, bench.folder, pinned=False) as server:
            batch = Batches(server, admin, bench.plan.items)
            answers = bench.folder / "batch.json"
            keep(answers, [batch.kept()])
            with harness.bare("plain", store.url, bench.folder, answers) as plain:
                pushed = pushes.push_all(store, batch, plain, 2)
            share, p99 = _reading_meanwhile(server, batch, asked.pages)
    # What PostgreSQL did shows on the clock alone.
    figures = {
        one.name: one.cpu_seconds if store.engine == "sqlite" else one.seconds for one in pushed
    }
    first = figures[pushes.FIRST]
    bench.add(Figure.FIRST, size, first / figures[pushes.LIMIT])
    bench.add(Figure.AGAIN, size, figures[pushes.AGAIN] / first)
    bench.add(Figure.SHEET, size, figures[pushes.SHEET] / first)
    bench.add(Figure.BUSY_SHARE, size, share)
    bench.add(Figure.BUSY_P99, size, p99)


def _reading_meanwhile(server: Server, batch: Batches, paths: Sequence[str]) -> tuple[float, float]:
    """Throughput during a batch as a share of that before it, and the p99 during it, in ms."""
    requests = [get_request(server.port, path, {}) for path in paths]
    # What was pushed before emptied the memory: both sides are to begin with it full.
    for path in paths:
        answered(ask(server.port, path))
    quiet = drive(server.port, requests, QUIET_SECONDS, READERS)
    body = batch.body(100)
    pushing = threading.Thread(target=batch.push, args=(body, "created"))
    pushing.start()
    waits: list[float] = []
    seconds = 0.0
    while pushing.is_alive():
        busy = drive(server.port, requests, SLICE_SECONDS, READERS)
        waits += busy.waits
        seconds += busy.seconds
    pushing.join()
    waits.sort()
    share = (len(waits) / seconds) / (quiet.requests / quiet.seconds)
    return share, waits[len(waits) * 99 // 100] * 1000
