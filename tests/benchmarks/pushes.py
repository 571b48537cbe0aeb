"""Pushing batches: new ones, the same again, as a spreadsheet; and reading in the meantime."""

import base64
import csv
import io
import json
import statistics
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from app.kit.database import Database
from app.main import open_database
from app.settings import Settings
from tests.benchmarks.bare import Kept
from tests.benchmarks.harness import Server, Store
from tests.benchmarks.limits import Limit
from tests.benchmarks.load import Answer, BenchmarkError, ask

ROUNDS = 3
SESSIONS = 4
SOURCE = "benchmarks"
LISTINGS = "/v1/opportunities"
BATCHES = f"/v1/sources/{SOURCE}/batches"
FIRST = "first push, created"
AGAIN = "the same again, unchanged"
SHEET = "as CSV, created"
LIMIT = "limit: parse, executemany, commit"
PLAIN = "plain route that reads the body"
PAUSE = 0.02
"""Seconds between two reads while a batch runs: so many as a few people make."""
Headers = Mapping[str, str]


@dataclass(frozen=True)
class PushFigure:
    """What one batch cost: medians of seconds on the clock and of processor time."""

    name: str
    seconds: float
    cpu_seconds: float


@dataclass(frozen=True)
class Meanwhile:
    """How long a read took, in milliseconds: with nothing else going on, and during a batch."""

    name: str
    idle_p50: float
    idle_p99: float
    busy_p50: float
    busy_p99: float
    reads: int


class Batches:
    """A source of an organisation that exists, and batches for it that are new each time."""

    def __init__(self, server: Server, admin: Headers, items: int) -> None:
        self.server = server
        self.items = items
        self._headers = admin
        listings = answered(ask(server.port, f"{LISTINGS}?limit=200"))["items"]
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
        answered(self._ask("/v1/sources", body), 201)

    def kept(self) -> Kept:
        """The answer to a first batch, for the bare server to give; it also warms ours up."""
        answer = self._ask(BATCHES, self.body(0))
        self.expect(answer, "created")
        return kept_answer(answer, "POST", BATCHES, BATCHES)

    def push(self, body: bytes, outcome: str) -> tuple[float, float]:
        """Push a batch, all of which must come out so: its seconds, and the server's own."""
        before = self.server.cpu_seconds()
        answer = self._ask(BATCHES, body)
        cpu = self.server.cpu_seconds() - before
        self.expect(answer, outcome)
        return answer.seconds, cpu

    def body(self, number: int) -> bytes:
        """A batch of listings that no other number has."""
        items = [_item(one, self._venues) for one in self._numbers(number)]
        return json.dumps({"items": items}, ensure_ascii=False).encode()

    def sheet(self, number: int) -> bytes:
        """The same as a spreadsheet that people keep, for a number of its own."""
        out = io.StringIO()
        rows = csv.DictWriter(out, list(_row(0, self._venues)))
        rows.writeheader()
        rows.writerows(_row(one, self._venues) for one in self._numbers(number))
        return out.getvalue().encode()

    def expect(self, answer: Answer, outcome: str) -> None:
        """An error unless every item of a batch came to this."""
        counts = answered(answer, 201)["counts"]
        if counts[outcome] != self.items:
            raise BenchmarkError(f"A batch that should be {outcome} came out as {counts}.")

    def _numbers(self, number: int) -> range:
        return range(number * self.items, (number + 1) * self.items)

    def _ask(self, path: str, body: bytes) -> Answer:
        headers = {**self._headers, "Content-Type": "application/json"}
        return ask(self.server.port, path, method="POST", headers=headers, body=body)


def answered(answer: Answer, status: int = 200) -> Any:
    """The body of an answer that came out right."""
    if answer.status != status:
        raise BenchmarkError(f"Answered {answer.status}: {answer.body[:500].decode()}")
    return json.loads(answer.body)


def kept_answer(answer: Answer, method: str, route: str, path: str) -> Kept:
    """An answer for the bare server to give."""
    return Kept(
        method=method,
        route=route,
        path=path,
        status=answer.status,
        media_type=answer.headers["content-type"],
        encoding=answer.headers.get("content-encoding", ""),
        body=base64.b64encode(answer.body).decode(),
        etag=answer.headers.get("etag", ""),
    )


def push_all(store: Store, batch: Batches, plain: Server, rounds: int = ROUNDS) -> list[PushFigure]:
    """Each kind of push beside the least that it could cost, round after round."""
    found: dict[str, list[tuple[float, float]]] = {}
    with _database(store) as database, closing(Limit(database, SOURCE)) as limit:
        for number in range(1, 2 * rounds, 2):
            body = batch.body(number)
            spent = limit.run(body)
            found.setdefault(FIRST, []).append(batch.push(body, "created"))
            found.setdefault(AGAIN, []).append(batch.push(body, "unchanged"))
            sheet = batch.sheet(number + 1)
            found.setdefault(SHEET, []).append(batch.push(sheet, "created"))
            found.setdefault(LIMIT, []).append((spent.seconds, spent.cpu))
            found.setdefault(PLAIN, []).append(_take(batch, plain, body))
    return [
        PushFigure(
            name,
            statistics.median(seconds for seconds, _ in values),
            statistics.median(cpu for _, cpu in values),
        )
        for name, values in found.items()
    ]


def read_meanwhile(server: Server, batch: Batches, name: str, paths: Sequence[str]) -> Meanwhile:
    """Read now and then, alone and during a batch."""
    idle = _read_until(server, paths, _after(2.0))
    body = batch.body(2 * ROUNDS + 1)
    pushing = threading.Thread(target=batch.push, args=(body, "created"))
    pushing.start()
    busy = _read_until(server, paths, lambda: not pushing.is_alive())
    pushing.join()
    return Meanwhile(
        name,
        idle_p50=_share(idle, 50),
        idle_p99=_share(idle, 99),
        busy_p50=_share(busy, 50),
        busy_p99=_share(busy, 99),
        reads=len(busy),
    )


def _after(seconds: float) -> Callable[[], bool]:
    end = perf_counter() + seconds
    return lambda: perf_counter() > end


def _read_until(server: Server, paths: Sequence[str], done: Callable[[], bool]) -> list[float]:
    pause = threading.Event()
    waits: list[float] = []
    while not done() or not waits:
        answer = ask(server.port, paths[len(waits) % len(paths)])
        if answer.status != 200:
            raise BenchmarkError(f"A read during a batch answered {answer.status}.")
        waits.append(answer.seconds)
        pause.wait(PAUSE)
    return sorted(waits)


def _share(waits: Sequence[float], percent: int) -> float:
    return waits[min(len(waits) * percent // 100, len(waits) - 1)] * 1000


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


def _row(number: int, venues: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The same listing as somebody writes it into a spreadsheet."""
    month, day = 1 + number % 12, 1 + number % 7
    low, high = 8 + number % 4, 12 + number % 5
    venue = venues[number % len(venues)]
    return {
        "Ref": f"row-{number:08}",
        "Activity": f"Saturday printmaking, group {number}",
        "Summary": "Four mornings of lino, card and screen printing for beginners.",
        "Description": "Draw, cut, ink and print: over four Saturdays everyone makes a small "
        "edition of their own and a large print together with the group. All materials are "
        "included. Please wear something that may get ink on it, and bring a drink.",
        "Type": "Course",
        "Artform": "Visual arts",
        "Ages": f"{low}-{high}",
        "Venue": venue["name"],
        "Postcode": venue["postcode"].lower(),
        "Date": "; ".join(f"{day + 7 * week:02}/{month:02}/2031" for week in range(SESSIONS)),
        "Time": "10am-12pm",
        "Price": "£24 per course",
        "Book at": f"example.org/book/{number}",
        "Contact email": "learning@example.org",
        "Web page": f"https://example.org/courses/{number}",
    }


def _take(batch: Batches, plain: Server, body: bytes) -> tuple[float, float]:
    before = plain.cpu_seconds()
    answer = ask(plain.port, BATCHES, method="POST", body=body)
    batch.expect(answer, "created")
    return answer.seconds, plain.cpu_seconds() - before


@contextmanager
def _database(store: Store) -> Iterator[Database]:
    database = open_database(Settings(database_url=store.url))
    try:
        yield database
    finally:
        database.close()
