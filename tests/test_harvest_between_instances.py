"""One instance of this software harvests another until both tell the same: a network of regions."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from app.main import create_app
from tests import build
from tests.conftest import fresh_database, serving
from tests.feeding import harvester
from tests.test_opportunities import act

SATURDAYS = [
    {"starts_at": f"2027-06-{day:02}T10:00:00", "ends_at": f"2027-06-{day:02}T11:30:00"}
    for day in (5, 12, 19)
]
HALL = {
    "name": "The Dance Room",
    "address": "1 Centenary Square, Birmingham",
    "postcode": "B1 1BB",
    "access": ["accessible_toilet", "accessible_parking"],
}
PUSHED: dict[str, dict[str, Any]] = {
    "series": {
        "sessions": [
            {**SATURDAYS[0], "capacity": 20, "places_left": 3},
            {**SATURDAYS[1], "status": "cancelled"},
            {**SATURDAYS[2], "status": "full", "places_left": 0},
        ],
        "themes": ["careers", "family"],
        "audiences": ["children", "families"],
        "access": ["wheelchair", "bsl"],
        "access_text": "Ring the bell",
        "venue": HALL,
        "booking": {"url": "https://hall.example/book"},
        "contact": {"email": "learning@hall.example", "phone": "0121 496 0000"},
        "description": "<p>Come and dance.</p><p>Wear what you like.</p>",
        "url": "https://hall.example/saturdays",
    },
    "winter": {
        "sessions": [
            {"starts_at": "2027-10-23T10:00:00", "ends_at": "2027-10-23T11:30:00"},
            {"starts_at": "2027-10-30T10:00:00", "ends_at": "2027-10-30T11:30:00"},
            {"starts_at": "2027-11-06T10:00:00", "ends_at": "2027-11-06T11:30:00"},
        ],
        "artforms": ["music", "theatre", "visual_arts"],
        "price": {"free": True},
        "age_max": None,
    },
    "event": {"sessions": SATURDAYS[:1], "kind": "performance", "price": {"from": "3", "to": "8"}},
    "day": {"sessions": [{"date": "2027-06-05"}], "kind": "festival", "price": {"free": True}},
    "course": {
        "sessions": SATURDAYS,
        "kind": "course",
        "price": {"from": "60", "per": "course", "text": "Half for brothers and sisters"},
    },
    "camp": {"sessions": SATURDAYS, "kind": "holiday_activity", "artforms": ["circus"]},
    "always": {"sessions": [], "always_available": True, "kind": "exhibition"},
    "online": {"sessions": SATURDAYS[:1], "delivery": "online", "venue": None, "kind": "workshop"},
    "asked": {"sessions": SATURDAYS, "price": {"pay_what_you_can": True}},
    "visit": {
        "sessions": [], "always_available": True, "kind": "outreach", "delivery": "outreach",
        "venue": None, "outreach_areas": ["E08000025", "E08000026"],
    },
}  # fmt: skip
SAME = (
    "title", "kind", "artforms", "themes", "audiences", "age_min", "age_max", "delivery",
    "always_available", "price", "access_text", "description", "contact",
)  # fmt: skip
OF_SESSIONS = ("starts_at", "ends_at", "date", "status", "capacity", "places_left")


@contextmanager
def region(url: str) -> Iterator[tuple[TestClient, str]]:
    """An instance that answers over the network, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        base = f"http://127.0.0.1:{place.getsockname()[1]}"
        settings = build.settings(url, public_url=base, cache_mb=0)
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            with serving(url, public_url=base) as client:
                yield client, base
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def other() -> Iterator[tuple[TestClient, str]]:
    with fresh_database("sqlite") as url, region(url) as found:
        yield found


def told(client: TestClient) -> dict[str, Any]:
    """All that a client tells the public, by title."""
    found = client.get("/v1/opportunities?limit=100").json()["items"]
    return {one["title"]: client.get(f"/v1/opportunities/{one['id']}").json() for one in found}


def core(one: dict[str, Any]) -> dict[str, Any]:
    """What both must tell of a listing."""
    venue = one["venue"]
    return {
        **{name: one[name] for name in SAME},
        "sessions": [{name: session[name] for name in OF_SESSIONS} for session in one["sessions"]],
        "access": sorted({*one["access"], *(venue["access"] if venue else ())}),
        "areas": [area["code"] for area in one["outreach_areas"]],
        "place": venue and {name: venue[name] for name in ("name", "address", "postcode")},
        "book": (one["booking"] or {}).get("url"),
    }  # fmt: skip


class TestNetwork:
    def test_both_tell_the_same_and_go_on_doing_so(
        self, client: TestClient, keys: build.Keys, other: tuple[TestClient, str]
    ) -> None:
        there, base = other
        theirs = build.Keys(build.database_of(there))
        build.organisation(there, theirs)
        build.source(there, theirs, key="site")
        push(there, theirs, PUSHED)
        build.organisation(client, keys)
        source = {"kind": "rpde", "feed_url": f"{base}/openactive", "key": "region"}
        build.source(client, keys, **source)
        harvested(client, keys)
        same(client, there, len(PUSHED))

        # Changes, a withdrawal, one that moves from a feed to another, and a new one.
        changed = {
            "series": PUSHED["series"] | {"price": {"from": "5"}, "sessions": SATURDAYS},
            "event": PUSHED["event"] | {"sessions": SATURDAYS},
            "new": {"sessions": SATURDAYS[:1]},
        }
        push(there, theirs, changed)
        gone = told(there)["Listing camp"]
        act(there, theirs.staff, gone["id"], "withdraw", reason="It is off.")
        harvested(client, keys)
        same(client, there, len(PUSHED))
        ids = {title: one["id"] for title, one in told(client).items()}

        # What is shown with a listing changes too.
        read = there.get("/v1/organisations/dance-hub", headers=theirs.staff)
        renamed = there.patch(
            "/v1/organisations/dance-hub",
            json={"name": "Dance House"},
            headers={**theirs.staff, "If-Match": read.headers["ETag"]},
        )
        assert renamed.status_code == 200, renamed.text
        counts = harvested(client, keys)
        assert counts["items"] >= len(PUSHED)
        same(client, there, len(PUSHED))
        assert {title: one["id"] for title, one in told(client).items()} == ids
        assert harvested(client, keys)["items"] == 0


def push(client: TestClient, keys: build.Keys, items: dict[str, dict[str, Any]]) -> None:
    body = {
        "items": [
            {"external_id": name, **build.listing(**{"title": f"Listing {name}", **more})}
            for name, more in items.items()
        ]
    }
    answer = client.post("/v1/sources/site/batches", json=body, headers=keys.staff)
    counts = answer.json()["counts"]
    assert counts["rejected"] == 0, answer.text


def harvested(client: TestClient, keys: build.Keys) -> Any:
    asked = client.post("/v1/sources/region/harvests", headers=keys.staff)
    assert harvester(client).tick() == 1
    found = client.get(asked.headers["Location"], headers=keys.staff).json()
    assert (found["outcome"], found["problems"]) == ("finished", []), found
    assert found["counts"]["listings"].get("rejected", 0) == 0, found
    return found["counts"]


def same(client: TestClient, there: TestClient, count: int) -> None:
    ours, theirs = told(client), told(there)
    assert len(theirs) == count
    assert set(ours) == set(theirs)
    for title, one in theirs.items():
        assert core(ours[title]) == core(one)
