"""RPDE feeds on this machine that do as they are told, and a harvester that may read them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.testclient import TestClient

from app.harvests.harvester import Harvester
from app.kit.addresses import Reach
from app.kit.outbound import Outbound
from app.opportunities.life import Rules
from tests import build
from tests.listener import Listener, Received, Reply, listening

LICENCE = "https://creativecommons.org/licenses/by/4.0/"


@dataclass
class Feeds:
    """RPDE feeds by their paths, ordered by change number, a few items a page."""

    listener: Listener
    page: int = 3
    items: dict[str, dict[tuple[str, str], dict[str, Any]]] = field(default_factory=dict)
    number: int = 0
    replies: dict[str, Reply] = field(default_factory=dict)
    """What is answered instead, by path and query."""

    def __post_init__(self) -> None:
        """Answer for the listener."""
        self.listener.reply = self._reply

    def url(self, path: str = "/series") -> str:
        """The address of a feed."""
        return f"{self.listener.scheme}://127.0.0.1:{self.listener.port}{path}"

    def put(self, path: str, kind: str, name: str, /, **data: Any) -> dict[str, Any]:
        """Show an item, or change it."""
        self.number += 1
        item = {"state": "updated", "kind": kind, "id": name, "modified": self.number, "data": data}
        known = self.items.setdefault(path, {})
        known.pop((kind, name), None)
        known[kind, name] = item
        return item

    def delete(self, path: str, kind: str, name: str) -> None:
        """Leave a tombstone."""
        self.number += 1
        known = self.items[path]
        known.pop((kind, name))
        known[kind, name] = {
            "state": "deleted",
            "kind": kind,
            "id": name,
            "modified": self.number,
        }

    @property
    def asked(self) -> list[str]:
        """The paths and queries that were asked for, in order."""
        return [one.path for one in self.listener.received]

    def forget(self) -> None:
        """Begin to count anew."""
        self.listener.received.clear()

    def answer(self, path: str, after: int) -> dict[str, Any]:
        """A page of a feed."""
        found = [one for one in self.items.get(path, {}).values() if one["modified"] > after]
        found = sorted(found, key=lambda one: one["modified"])[: self.page]
        last = found[-1]["modified"] if found else after
        following = f"{self.url(path)}?afterChangeNumber={last}" if last else self.url(path)
        return {"next": following, "items": found, "license": LICENCE}

    def _reply(self, received: Received, handler: Any) -> None:
        if received.path in self.replies:
            self.replies[received.path](received, handler)
            return
        parts = urlsplit(received.path)
        if parts.path not in self.items:
            sent(b"", 404)(received, handler)
            return
        after = int(parse_qs(parts.query).get("afterChangeNumber", ["0"])[0])
        body = json.dumps(self.answer(parts.path, after)).encode()
        tag = f'"{hash(body)}"'
        if received.headers.get("if-none-match") == tag:
            sent(b"", 304)(received, handler)
        else:
            sent(body, headers={"ETag": tag, "Content-Type": "application/json"})(received, handler)


def sent(body: bytes, code: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with these bytes."""

    def reply(_: Received, handler: Any) -> None:
        handler.send_response(code)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


@contextmanager
def feeding(**more: Any) -> Iterator[Feeds]:
    """Feeds on a port of their own."""
    with listening() as listener:
        yield Feeds(listener, **more)


def series(name: str, /, **more: Any) -> dict[str, Any]:
    """A SessionSeries that can be published."""
    return {
        "@context": "https://openactive.io/",
        "@type": "SessionSeries",
        "@id": f"https://hall.example/series/{name}",
        "name": f"Dance club {name}",
        "description": "Come and dance.",
        "category": ["Dance", "Club"],
        "activity": [{"@type": "Concept", "prefLabel": "Dance"}],
        "ageRange": {"@type": "QuantitativeValue", "minValue": 7, "maxValue": 11},
        "location": {
            "@type": "Place",
            "name": "The Dance Room",
            "address": {
                "@type": "PostalAddress",
                "streetAddress": "1 Centenary Square",
                "addressLocality": "Birmingham",
                "postalCode": "B1 1BB",
                "addressCountry": "GB",
            },
        },
        "organizer": {"@type": "Organization", "name": "Dance Hub"},
        "offers": [{"@type": "Offer", "name": "Child", "price": 4.5, "priceCurrency": "GBP"}],
        **more,
    }


def session(owner: str, starts: str, ends: str | None = None, **more: Any) -> dict[str, Any]:
    """A ScheduledSession of a series."""
    return {
        "@context": "https://openactive.io/",
        "@type": "ScheduledSession",
        "superEvent": f"https://hall.example/series/{owner}",
        "startDate": starts,
        **({"endDate": ends} if ends else {}),
        **more,
    }


def event(name: str, starts: str = "2027-06-05T10:00:00+01:00", /, **more: Any) -> dict[str, Any]:
    """An Event that can be published."""
    return {
        **series(name, **more),
        "@type": "Event",
        "@id": f"https://hall.example/events/{name}",
        "startDate": starts,
    }


def harvester(client: TestClient, **bounds: Any) -> Harvester:
    """The harvester of a client's application, which may read feeds on this machine."""
    outbound = {
        name: bounds.pop(name) for name in ("total_seconds", "most_bytes") if name in bounds
    }
    reach = Reach(allow_http=True, allow_loopback=True, ports=frozenset())
    return Harvester(
        build.database_of(client), Outbound(reach, **outbound), Rules(max_listings=20_000), **bounds
    )
