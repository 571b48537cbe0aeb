"""Feeds that are careless or hostile: a clear report, what was good kept, and an end."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests import build
from tests.feeding import LICENCE, Feeds, event, feeding, harvester, sent
from tests.listener import drip, flood, hang, status


@pytest.fixture
def feeds() -> Iterator[Feeds]:
    with feeding() as found:
        yield found


@pytest.fixture(autouse=True)
def hub(client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
    """A source whose first page is good: two events, and the way to `/events?page=2`."""
    build.organisation(client, keys)
    build.source(client, keys, key="hub", kind="rpde", feed_url=feeds.url("/events"))
    items = [item(1), item(2)]
    feeds.replies["/events"] = page(feeds, "/events?page=2", items)


def item(number: int, name: str | None = None, **more: Any) -> dict[str, Any]:
    name = name or f"e{number}"
    found = {"state": "updated", "kind": "Event", "id": name, "modified": number}
    return {**found, "data": event(name), **more}


def page(feeds: Feeds, following: str, items: list[Any]) -> Any:
    said = {"next": feeds.url(following), "items": items, "license": LICENCE}
    return sent(json.dumps(said).encode())


def harvest(client: TestClient, keys: build.Keys, **bounds: Any) -> Any:
    """Have the feed fetched, and what is told of it."""
    assert harvester(client, **bounds).tick() == 1
    return client.get("/v1/sources/hub/harvests", headers=keys.staff).json()["items"][0]


def titles(client: TestClient) -> list[str]:
    found = client.get("/v1/opportunities?limit=100").json()["items"]
    return sorted(one["title"].removeprefix("Dance club ") for one in found)


def codes(told: Any) -> list[str]:
    return [one["code"] for one in told["problems"]]


Second = Callable[[Feeds], Any]
LEAF = {"next": 5, "items": [], "license": LICENCE}


class TestPages:
    @pytest.mark.parametrize(
        ("second", "code", "words"),
        [
            (lambda _: sent(b"<html>Not found</html>"), "bad_page", "not acceptable JSON"),
            (lambda _: sent(b'{"items": [}'), "bad_page", "not acceptable JSON"),
            (lambda _: sent(b"[" * 100_000), "bad_page", "not acceptable JSON"),
            (lambda _: sent(b'{"a": 1, "a": 2}'), "bad_page", "comes twice"),
            (lambda _: sent(json.dumps(LEAF).encode()), "bad_page", "`next`"),
            (lambda _: sent(b"[]"), "bad_page", "`next`"),
            (lambda feeds: page(feeds, "/events", []), "loop", "circle"),
            (
                lambda _: sent(json.dumps(LEAF | {"next": "http://127.0.0.1:1/events"}).encode()),
                "bad_page",
                "another server",
            ),
            (
                lambda _: sent(json.dumps(LEAF | {"next": "file:///etc/passwd"}).encode()),
                "bad_page",
                "another server",
            ),
            (lambda feeds: page(feeds, "/events?page=3", [{}] * 10_001), "bad_page", "10,000"),
            (lambda _: status(302, Location="http://169.254.169.254/"), "refused", "reserved"),
            (lambda _: status(302, Location="/events?page=2"), "unreachable", "circle"),
            (lambda _: sent(b"", 500), "status", "500"),
            (lambda _: sent(b"", 401), "status", "401"),
            (lambda feeds: hang(feeds.listener), "unreachable", "within 1 seconds"),
            (lambda feeds: drip(feeds.listener, head=False), "unreachable", "within 1 seconds"),
            (lambda _: flood([]), "too_large", "more than 2 MB"),
            (
                lambda _: sent(
                    gzip.compress(bytes(100_000_000), 1), headers={"Content-Encoding": "gzip"}
                ),
                "too_large",
                "more than 2 MB",
            ),
            (
                lambda _: sent(b"nothing", headers={"Content-Encoding": "gzip"}),
                "unreachable",
                "not gzip",
            ),
        ],
    )
    def test_what_is_no_page_ends_it(
        self,
        client: TestClient,
        keys: build.Keys,
        feeds: Feeds,
        second: Second,
        code: str,
        words: str,
    ) -> None:
        feeds.replies["/events?page=2"] = second(feeds)
        told = harvest(client, keys, total_seconds=1, most_bytes=2_000_000)
        assert (told["outcome"], codes(told)) == ("failed", [code])
        assert words in told["problems"][0]["detail"]
        assert told["problems"][0]["url"].endswith("/events?page=2")
        assert titles(client) == ["e1", "e2"], "what was good is kept"
        # Once it is mended it goes on from there, and nothing is read twice.
        feeds.forget()
        feeds.replies["/events?page=2"] = page(feeds, "/events?page=3", [item(3)])
        feeds.replies["/events?page=3"] = page(feeds, "/events?page=3", [])
        client.post("/v1/sources/hub/harvests", headers=keys.staff)
        assert harvest(client, keys)["outcome"] == "finished"
        assert titles(client) == ["e1", "e2", "e3"]
        assert feeds.asked == ["/events?page=2", "/events?page=3"]

    def test_without_an_end(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        for number in range(2, 80):
            path = f"/events?page={number}"
            feeds.replies[path] = page(feeds, f"/events?page={number + 1}", [])
        told = harvest(client, keys)
        assert (told["outcome"], codes(told)) == ("failed", ["no_end"])
        assert told["counts"]["pages"] < 60
        assert titles(client) == ["e1", "e2"]

    def test_an_empty_page_that_is_not_the_last(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        feeds.replies["/events?page=2"] = page(feeds, "/events?page=3", [])
        feeds.replies["/events?page=3"] = page(feeds, "/events?page=4", [item(3)])
        feeds.replies["/events?page=4"] = page(feeds, "/events?page=4", [])
        told = harvest(client, keys)
        assert (told["outcome"], told["problems"]) == ("finished", [])
        assert titles(client) == ["e1", "e2", "e3"]


class TestItems:
    def ending(self, feeds: Feeds, items: list[Any]) -> None:
        feeds.replies["/events?page=2"] = page(feeds, "/events?page=3", items)
        feeds.replies["/events?page=3"] = page(feeds, "/events?page=3", [])

    def test_each_is_taken_or_told_by_itself(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        self.ending(
            feeds,
            [
                None,
                {"state": "updated", "kind": "Event", "modified": 3, "data": {}},
                item(4, "x" * 201),
                item(5) | {"kind": 7},
                item(6) | {"state": "new"},
                item(7) | {"modified": "soon"},
                item(8) | {"modified": 2**70},
                item(9) | {"data": "text"},
                item(10) | {"kind": "Slot"},
                item(11) | {"kind": "Slot"},
                item(12),
            ],
        )
        told = harvest(client, keys)
        assert told["outcome"] == "finished"
        assert codes(told) == [
            "no_object", "no_id", "no_id", "no_kind", "no_state", "no_modified", "no_modified",
            "no_data",
        ]  # fmt: skip
        assert told["counts"]["ignored"] == {"Slot": 2}
        assert titles(client) == ["e1", "e12", "e2"]

    def test_out_of_order(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        """The latest counts, wherever it stands."""
        self.ending(
            feeds,
            [
                item(9, "a", data=event("a", name="Dance club new")),
                item(3, "b"),
                item(8, "a", data=event("a", name="Dance club old")),
            ],
        )
        told = harvest(client, keys)
        assert codes(told) == ["out_of_order", "repeated"]
        assert titles(client) == ["b", "e1", "e2", "new"]

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"name": ["", None, 5]},
            {"name": {"@value": "x"}},
            {"name": "Dance", "startDate": "2027-13-45", "offers": "free", "location": []},
            {"name": "Dance", "@id": 5, "ageRange": [1], "activity": {"a": "b"}, "image": "x"},
            {"name": "Dance", "subEvent": [[], None, {"startDate": 5}], "organizer": {"@type": 1}},
            {"name": "D" * 5_000, "description": "<p>" * 5_000, "category": ["x"] * 5_000},
            {"name": "\u202eDance\u0007", "url": "javascript:alert(1)", "offers": {"price": "NaN"}},
            {"name": "Dance", "location": {"name": "x", "geo": {"latitude": 1e308}}},
            {"name": "Dance", "eventSchedule": {"repeatFrequency": "P0D", "startTime": "25:00"}},
        ],
    )  # fmt: skip
    def test_data_of_any_shape_spoil_nothing_else(
        self, client: TestClient, keys: build.Keys, feeds: Feeds, data: Any
    ) -> None:
        self.ending(feeds, [item(3, data=data), item(4)])
        told = harvest(client, keys)
        assert told["outcome"] == "finished", told
        assert told["counts"]["items"] == 4
        assert {"e1", "e2", "e4"} <= set(titles(client))

    def test_nul_characters(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        self.ending(feeds, [item(3, data=event("x", name="Dance\x00club"))])
        told = harvest(client, keys)
        assert (told["outcome"], codes(told)) == ("failed", ["bad_page"])
        assert "NUL" in told["problems"][0]["detail"]

    def test_nobody_is_named(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        person = {"@type": "Person", "name": "Jo Bloggs", "email": "jo@example.org"}
        self.ending(feeds, [item(3, data=event("p", organizer=person, leader=[person]))])
        told = harvest(client, keys)
        assert titles(client) == ["e1", "e2", "p"]
        whole = json.dumps(
            [
                client.get(one["href"], headers=keys.staff).json()
                for one in client.get("/v1/opportunities").json()["items"]
            ]
        )
        assert "Bloggs" not in whole
        report = client.get(told["batches"][0]["href"], headers=keys.staff).text
        assert "Bloggs" not in report


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "http://10.0.0.1/feed",
            "http://169.254.169.254/latest/meta-data",
            "http://[::ffff:10.0.0.1]/feed",
        ],
    )
    def test_none_inside_is_called(self, client: TestClient, keys: build.Keys, url: str) -> None:
        build.source(client, keys, key="inside", kind="ical", feed_url=url)
        assert harvester(client).tick() == 2
        told = client.get("/v1/sources/inside/harvests", headers=keys.staff).json()["items"][0]
        assert (told["outcome"], codes(told)) == ("failed", ["refused"])
