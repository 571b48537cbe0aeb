"""What is measured on one engine: starting, reading, pushing, memory."""

import base64
import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from app.kit.database import Database
from app.main import open_database
from app.settings import Settings
from tests.benchmarks.bare import Kept, keep
from tests.benchmarks.harness import Rate, Server, Store, bare, command, pinned, race, service
from tests.benchmarks.limits import Limit
from tests.benchmarks.load import Answer, BenchmarkError, ask, get_request

STARTS = 3
BATCH_ROUNDS = 5
BATCH_ITEMS = 1_000
SESSIONS = 4
SOURCE = "benchmarks"
LISTINGS = "/v1/opportunities"
BATCHES = f"/v1/sources/{SOURCE}/batches"
Headers = Mapping[str, str]
Note = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured: seconds for each side and round, rounds, listings made beforehand."""

    seconds: float
    rounds: int
    listings: int


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
class PushFigure:
    """What one batch cost: medians of seconds on the clock and of processor time."""

    name: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Figures:
    """All that was measured on one engine. Memory in MB."""

    engine: str
    version: str
    listings: int
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
            batch = _Batches(server, admin)
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
                note(f"batches of {BATCH_ITEMS:,}")
                pushes = _push(store, batch, plain)
            batches_mb = server.peak_mb()
    return Figures(
        engine=store.engine,
        version=store.version,
        listings=plan.listings,
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


def _json(answer: Answer, status: int = 200) -> Any:
    if answer.status != status:
        raise BenchmarkError(f"Answered {answer.status}: {answer.body[:500].decode()}")
    return json.loads(answer.body)


# --- reads ------------------------------------------------------------------------------------


def _reads(server: Server) -> Iterator[Read]:
    """The reads, with addresses that exist in the data at hand."""
    pages = _pages(server, f"{LISTINGS}?limit=50", 6)
    listings = _json(ask(server.port, f"{LISTINGS}?limit=200"))["items"]
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
        following = _json(ask(server.port, found[-1]))["next"]
    return found


def _kept(server: Server, reads: Sequence[Read]) -> Iterator[Kept]:
    for read in reads:
        for path in read.paths:
            yield _as_kept(_right(server, path, read.headers), "GET", read.route, path)


def _as_kept(answer: Answer, method: str, route: str, path: str) -> Kept:
    return Kept(
        method=method,
        route=route,
        path=path,
        status=answer.status,
        media_type=answer.headers["content-type"],
        encoding=answer.headers.get("content-encoding", ""),
        body=base64.b64encode(answer.body).decode(),
    )


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


# --- batches ----------------------------------------------------------------------------------


class _Batches:
    """A source of an organisation that exists, and batches for it that are new each time."""

    def __init__(self, server: Server, admin: Headers) -> None:
        self.server = server
        self._headers = {**admin, "Content-Type": "application/json"}
        listings = _json(ask(server.port, f"{LISTINGS}?limit=200"))["items"]
        # The provider of something published has all that publishing needs.
        self._venues = [
            {"name": one["venue"]["name"] or "The hall", "postcode": one["venue"]["postcode"]}
            for one in listings
            if one["venue"] and one["venue"]["postcode"]
        ]
        source = {
            "key": SOURCE,
            "name": "Benchmarks",
            "organisation": listings[0]["provider"]["slug"],
            "trust": "trusted",
        }
        body = json.dumps(source).encode()
        _json(self._ask("/v1/sources", body), 201)

    def kept(self) -> Kept:
        """The answer to a first batch, for the bare server to give; it also warms ours up."""
        answer = self._ask(BATCHES, self.body(0))
        _expect(answer, "created")
        return _as_kept(answer, "POST", BATCHES, BATCHES)

    def push(self, number: int, outcome: str) -> tuple[float, float]:
        """Push a batch, all of which must come out so: its seconds, and the server's own."""
        before = self.server.cpu_seconds()
        answer = self._ask(BATCHES, self.body(number))
        cpu = self.server.cpu_seconds() - before
        _expect(answer, outcome)
        return answer.seconds, cpu

    def body(self, number: int) -> bytes:
        """A batch of listings that no other number has."""
        items = [
            _item(number * BATCH_ITEMS + position, self._venues) for position in range(BATCH_ITEMS)
        ]
        return json.dumps({"items": items}, ensure_ascii=False).encode()

    def _ask(self, path: str, body: bytes) -> Answer:
        return ask(self.server.port, path, method="POST", headers=self._headers, body=body)


def _expect(answer: Answer, outcome: str) -> None:
    counts = _json(answer, 201)["counts"]
    if counts[outcome] != BATCH_ITEMS:
        raise BenchmarkError(f"A batch that should be {outcome} came out as {counts}.")


def _item(number: int, venues: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """A listing such as a partner's system sends, about 1.3 kB of JSON."""
    month, day = 1 + number % 12, 1 + number % 7
    return {
        "external_id": f"course-{number:08}",
        "title": f"Saturday printmaking, group {number}",
        "summary": "Four mornings of lino, card and screen printing for beginners.",
        "description": (
            "<p>Draw, cut, ink and print: over four Saturdays everyone makes a small edition of "
            "their own and a large print together with the group.</p><p>All materials are "
            "included. Please wear something that may get ink on it, and bring a drink.</p>"
        ),
        "kind": "course",
        "artforms": ["visual_arts"],
        "age_min": 8 + number % 4,
        "age_max": 12 + number % 5,
        "venue": venues[number % len(venues)],
        "sessions": [
            {
                "external_id": f"{number}-{week}",
                "starts_at": f"2031-{month:02}-{day + 7 * week:02}T10:00:00",
                "ends_at": f"2031-{month:02}-{day + 7 * week:02}T12:00:00",
                "capacity": 16,
                "places_left": number % 17,
            }
            for week in range(SESSIONS)
        ],
        "price": {"from": "24.00", "per": "course", "concessions": ["low_income"]},
        "booking": {"required": True, "url": f"https://example.org/book/{number}"},
        "contact": {"role": "Learning team", "email": "learning@example.org"},
        "url": f"https://example.org/courses/{number}",
    }


def _push(store: Store, batch: _Batches, plain: Server) -> list[PushFigure]:
    found: dict[str, list[tuple[float, float]]] = {}
    with _database(store) as database, closing(Limit(database, SOURCE)) as limit:
        for number in range(1, BATCH_ROUNDS + 1):
            body = batch.body(number)
            spent = limit.run(body)
            found.setdefault("first push, created", []).append(batch.push(number, "created"))
            found.setdefault("the same again, unchanged", []).append(
                batch.push(number, "unchanged")
            )
            found.setdefault(LIMIT, []).append((spent.seconds, spent.cpu))
            found.setdefault(PLAIN, []).append(_take(plain, body))
    return [
        PushFigure(
            name,
            statistics.median(seconds for seconds, _ in values),
            statistics.median(cpu for _, cpu in values),
        )
        for name, values in found.items()
    ]


LIMIT = "limit: parse, executemany, commit"
PLAIN = "plain route that reads the body"


def _take(plain: Server, body: bytes) -> tuple[float, float]:
    before = plain.cpu_seconds()
    answer = ask(plain.port, BATCHES, method="POST", body=body)
    _expect(answer, "created")
    return answer.seconds, plain.cpu_seconds() - before


@contextmanager
def _database(store: Store) -> Iterator[Database]:
    database = open_database(Settings(database_url=store.url))
    try:
        yield database
    finally:
        database.close()
