"""What it costs to fetch listings from a feed, beside pushing the same as one JSON batch.

Both are done in this process, in turns, each into a source of its own; the feed is served from
memory over loopback by a thread beside it, whose time counts against the harvest.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sqlmodel import Session, select

from app.access.models import SYSTEM
from app.harvests.harvester import Harvester
from app.kit.addresses import Reach
from app.kit.outbound import Outbound
from app.main import open_database
from app.opportunities.life import Rules
from app.organisations.models import Organisation
from app.settings import Settings
from app.sources import batches
from app.sources.batches import Push
from app.sources.models import Source, SourceKind, Trust
from tests.benchmarks import harness
from tests.benchmarks.figures import Figure, Found
from tests.benchmarks.filled import Note
from tests.benchmarks.load import BenchmarkError
from tests.feeding import LICENCE, event, sent
from tests.listener import Received, listening

ITEMS = 10_000
PAGE = 500
RULES = Rules()


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int


def measure(engine: str, plan: Plan, note: Note) -> tuple[str, list[Found]]:
    """The time of a harvest to that of a batch, on one engine, and its version."""
    with harness.store(engine) as store:
        note("loading the region")
        for words in (("migrate",), ("load", "region"), ("load", "demo", "--listings", "100")):
            harness.command(store.url, *words)
        database = open_database(Settings(database_url=store.url))
        shares = []
        try:
            for number in range(plan.rounds):
                note(f"round {number + 1}: {ITEMS:,} items as a batch, then from a feed")
                with database.writing() as session:
                    pushed, fetched = _sources(session, number)
                with _feed(number) as url:
                    with database.writing() as session:
                        session.get_one(Source, fetched).feed_url = url
                    took = _batch(database, pushed, number)
                    shares.append(_harvest(database) / took)
        finally:
            database.close()
    return store.version, [Found(Figure.HARVEST, engine, ITEMS, statistics.median(shares))]


def _sources(session: Session, number: int) -> tuple[str, int]:
    owner = session.exec(select(Organisation.pk)).first() or 0
    kinds = (("batch", SourceKind.PUSH), ("feed", SourceKind.RPDE))
    pushed, fetched = (
        Source(
            key=f"{name}-{number}",
            name=name,
            organisation_pk=owner,
            kind=kind,
            trust=Trust.TRUSTED,
            harvest_hours=24,
            feed_url="http://127.0.0.1/" if kind is SourceKind.RPDE else None,
        )
        for name, kind in kinds
    )
    session.add_all([pushed, fetched])
    session.flush()
    return pushed.key, fetched.pk or 0


def _batch(database: Any, source: str, number: int) -> float:
    """How long the same listings take as a batch."""
    items = [_item(number, one) for one in range(ITEMS)]
    body = json.dumps({"items": items}).encode()
    began = perf_counter()
    batches.take(database, SYSTEM, source, Push(body), RULES, done=_all_created)
    return perf_counter() - began


def _all_created(_: Session, report: Any) -> None:
    if report.counts["created"] != ITEMS:
        raise BenchmarkError(f"A batch came to {report.counts}.")


def _harvest(database: Any) -> float:
    reach = Reach(allow_http=True, allow_loopback=True, ports=frozenset())
    outbound = Outbound(reach, most_bytes=32_000_000, total_seconds=60)
    began = perf_counter()
    done = Harvester(database, outbound, RULES).tick()
    took = perf_counter() - began
    if done != 1:
        raise BenchmarkError(f"There were {done} harvests instead of one.")
    return took


def _starts(number: int) -> str:
    return f"2027-{1 + number % 12:02}-{1 + number % 28:02}T{9 + number % 9:02}:00:00+00:00"


def _item(number: int, one: int) -> dict[str, Any]:
    """A listing as a batch takes it: the same that comes of the feed's event."""
    return {
        "external_id": f"{number}-{one}",
        "title": f"Dance club {number}-{one}",
        "description": "<p>Come and dance.</p>",
        "kind": "club",
        "artforms": ["dance"],
        "age_min": 7,
        "age_max": 11,
        "venue": {
            "name": "The Dance Room",
            "address": "1 Centenary Square, Birmingham",
            "postcode": "B1 1BB",
        },
        "price": {"from": "4.50", "text": "Child £4.50"},
        "sessions": [{"starts_at": _starts(one)}],
    }


@contextmanager
def _feed(number: int) -> Iterator[str]:
    """A feed of that many events, its pages ready."""
    with listening() as listener:
        base = f"http://127.0.0.1:{listener.port}/events"
        pages = {path: sent(body) for path, body in _pages(base, number)}

        def reply(received: Received, handler: Any) -> None:
            pages[received.path](received, handler)

        listener.reply = reply
        yield base


def _pages(base: str, number: int) -> Sequence[tuple[str, bytes]]:
    found = []
    for first in range(0, ITEMS + 1, PAGE):
        items = [
            {
                "state": "updated",
                "kind": "Event",
                "id": f"{number}-{one}",
                "modified": one + 1,
                "data": event(f"{number}-{one}", _starts(one)),
            }
            for one in range(first, min(first + PAGE, ITEMS))
        ]
        following = f"{base}?afterChangeNumber={min(first + PAGE, ITEMS)}"
        page = {"next": following, "items": items, "license": LICENCE}
        path = "/events" if first == 0 else f"/events?afterChangeNumber={first}"
        found.append((path, json.dumps(page).encode()))
    return found
