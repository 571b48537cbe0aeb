"""What is measured on one engine: starting, reading, pushing, memory."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.benchmarks.bare import Kept, keep
from tests.benchmarks.harness import Rate, Server, Store, bare, command, pinned, race, service
from tests.benchmarks.load import Answer, BenchmarkError, ask, get_request
from tests.benchmarks.pushes import (
    LISTINGS,
    Batches,
    Headers,
    Meanwhile,
    PushFigure,
    answered,
    kept_answer,
    push_all,
    read_meanwhile,
)

STARTS = 3
Note = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured: seconds for each side and round, rounds, listings made beforehand."""

    seconds: float
    rounds: int
    listings: int
    items: int
    """Listings in a batch."""


@dataclass(frozen=True)
class Read:
    """One kind of read: its route, and addresses that are asked in turn."""

    name: str
    route: str
    paths: Sequence[str]
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True)
class ReadFigure:
    """One kind of read, by the service and by plain routes that return the same bytes."""

    name: str
    kilobytes: float
    service: Rate
    same_middleware: Rate
    plain: Rate


@dataclass(frozen=True)
class Figures:
    """All that was measured on one engine. Memory in MB."""

    engine: str
    version: str
    listings: int
    items: int
    migrate_seconds: float
    load_region_seconds: float
    load_demo_seconds: float
    ready_seconds: float
    ready_mb: float
    reading_mb: float
    batches_mb: float
    batch_megabytes: float
    reads: list[ReadFigure]
    pushes: list[PushFigure]
    waits: Meanwhile


def measure(store: Store, plan: Plan, note: Note) -> Figures:
    """Everything, on an empty database."""
    note("preparing the database")
    _, migrating = command(store.url, "migrate")
    _, region = command(store.url, "load", "region")
    _, demo = command(store.url, "load", "demo", "--listings", str(plan.listings))
    store.settle()
    with TemporaryDirectory(prefix="lcep-benchmarks-") as place:
        folder = Path(place)
        note("starting")
        starts = _starts(store, folder)
        with service(store.url, folder) as server:
            starts.append(server.ready_seconds)
            ready_mb = server.memory_mb()
            admin = _administrator(store)
            reads = list(_reads(server))
            batch = Batches(server, admin, plan.items)
            answers = folder / "answers.json"
            keep(answers, [*_kept(server, reads), batch.kept()])
            with (
                bare("plain", store.url, folder, answers) as plain,
                bare("same", store.url, folder, answers) as same,
                pinned(),
            ):
                read_figures = []
                for read in reads:
                    note(read.name)
                    read_figures.append(_race(store, plan, read, server, same, plain))
                reading_mb = server.memory_mb()
                note(f"batches of {plan.items:,}")
                pushes = push_all(store, batch, plain)
                note("reading during a batch")
                waits = read_meanwhile(server, batch, read_figures[0].name, reads[0].paths)
            batches_mb = server.peak_mb()
    return Figures(
        engine=store.engine,
        version=store.version,
        listings=plan.listings,
        items=plan.items,
        migrate_seconds=migrating,
        load_region_seconds=region,
        load_demo_seconds=demo,
        ready_seconds=statistics.median(starts),
        ready_mb=ready_mb,
        reading_mb=reading_mb,
        batches_mb=batches_mb,
        batch_megabytes=len(batch.body(0)) / 1e6,
        reads=read_figures,
        pushes=pushes,
        waits=waits,
    )


def _starts(store: Store, folder: Path) -> list[float]:
    """All starts but the last, whose server is the one to measure."""
    found = []
    for _ in range(STARTS - 1):
        with service(store.url, folder) as server:
            found.append(server.ready_seconds)
    return found


def _administrator(store: Store) -> Headers:
    token, _ = command(store.url, "keys", "create", "--role", "admin", "--name", "Benchmarks")
    return {"Authorization": f"Bearer {token}"}


def _right(server: Server, path: str, headers: Headers) -> Answer:
    answer = ask(server.port, path, headers=headers)
    if answer.status != 200:
        raise BenchmarkError(f"{path} answered {answer.status}.")
    return answer


# --- reads ------------------------------------------------------------------------------------


def _reads(server: Server) -> Iterator[Read]:
    """The reads, with addresses that exist in the data at hand."""
    pages = _pages(server, f"{LISTINGS}?limit=50", 6)
    listings = answered(ask(server.port, f"{LISTINGS}?limit=200"))["items"]
    postcodes = {one["venue"]["postcode"] or "" for one in listings if one["venue"]} - {""}
    codes = sorted({one["authority"]["code"] for one in listings if one["authority"]})
    filtered = [
        f"{LISTINGS}?limit=50&authority={code}&age={age}" for code in codes[:6] for age in (8, 14)
    ]
    yield Read("list page, 50 listings", LISTINGS, pages)
    yield Read("the same, gzipped", LISTINGS, pages, {"Accept-Encoding": "gzip"})
    yield Read("list page by authority and age", LISTINGS, filtered)
    yield Read(
        "one listing",
        LISTINGS + "/{opportunity_id}",
        [f"{LISTINGS}/{one['id']}" for one in listings[:50]],
    )
    yield Read(
        "a postcode",
        "/v1/postcodes/{postcode}",
        [f"/v1/postcodes/{one.replace(' ', '')}" for one in sorted(postcodes)[:50]],
    )


def _pages(server: Server, path: str, most: int) -> list[str]:
    """Addresses of the first pages of a list, by its own `next` links."""
    found: list[str] = []
    following: str | None = path
    while following and len(found) < most:
        parts = urlsplit(following)
        found.append(f"{parts.path}?{parts.query}")
        following = answered(ask(server.port, found[-1]))["next"]
    return found


def _kept(server: Server, reads: Sequence[Read]) -> Iterator[Kept]:
    for read in reads:
        for path in read.paths:
            yield kept_answer(_right(server, path, read.headers), "GET", read.route, path)


def _race(
    store: Store, plan: Plan, read: Read, server: Server, same: Server, plain: Server
) -> ReadFigure:
    sides = {
        name: (side, [get_request(side.port, path, read.headers) for path in read.paths])
        for name, side in (("service", server), ("same", same), ("plain", plain))
    }
    sizes = [len(_right(plain, path, read.headers).body) for path in read.paths]
    rates = race(store, sides, seconds=plan.seconds, rounds=plan.rounds)
    return ReadFigure(
        name=read.name,
        kilobytes=statistics.mean(sizes) / 1000,
        service=rates["service"],
        same_middleware=rates["same"],
        plain=rates["plain"],
    )
