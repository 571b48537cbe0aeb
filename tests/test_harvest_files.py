"""Fetching a table: whole, if it changed, through the source's mapping, guarded."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests import build
from tests.feeding import Feeds, feeding, harvester, sent

HEAD = "ID,Activity,When,Ages,Venue,Postcode,Price,Art,Kind\n"


@pytest.fixture
def feeds() -> Iterator[Feeds]:
    with feeding() as found:
        yield found


@pytest.fixture(autouse=True)
def hub(client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
    build.organisation(client, keys)
    build.source(
        client,
        keys,
        key="hub",
        kind="csv_url",
        feed_url=feeds.url("/listings.csv"),
        mapping={"columns": {"Art": "artforms"}, "values": {"artforms": {"Steps": "dance"}}},
    )


def show(feeds: Feeds, *numbers: int, **headers: str) -> None:
    rows = [
        f'r{number},Dance club {number},"Sat 5 June 2027, 10am-11.30am",7-11,'
        "The Dance Room,B1 1BB,£4.50,Steps,club\n"
        for number in numbers
    ]
    body = (HEAD + "".join(rows)).encode()
    tag = f'"{hash(body)}"'
    whole = sent(body, headers={"ETag": tag, **headers})

    def reply(received: Any, handler: Any) -> None:
        same = received.headers.get("if-none-match") == tag
        (sent(b"", 304) if same else whole)(received, handler)

    feeds.replies["/listings.csv"] = reply


def harvest(client: TestClient, keys: build.Keys, **more: Any) -> Any:
    asked = client.post("/v1/sources/hub/harvests", params=more, headers=keys.staff)
    assert asked.status_code == 202, asked.text
    assert harvester(client).tick() == 1
    return client.get(asked.headers["Location"], headers=keys.staff).json()


def titles(client: TestClient) -> set[str]:
    return {one["title"] for one in client.get("/v1/opportunities").json()["items"]}


class TestTables:
    def test_what_is_there_is_taken_in_and_the_rest_withdrawn(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        show(feeds, 1, 2)
        told = harvest(client, keys)
        assert (told["outcome"], told["counts"]["listings"]["created"]) == ("finished", 2), told
        assert titles(client) == {"Dance club 1", "Dance club 2"}
        (batch,) = told["batches"]
        report = client.get(batch["href"], headers=keys.staff).json()
        assert (report["format"], report["mode"]) == ("csv", "replace")
        show(feeds, 2, 3)
        told = harvest(client, keys)
        assert told["counts"]["listings"] == {
            "created": 1, "updated": 0, "unchanged": 1, "withdrawn": 1, "rejected": 0,
        }  # fmt: skip
        assert titles(client) == {"Dance club 2", "Dance club 3"}

    def test_what_did_not_change_is_not_sent_again(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        show(feeds, 1)
        harvest(client, keys)
        told = harvest(client, keys)
        assert (told["outcome"], told["batches"]) == ("finished", [])
        assert told["counts"]["pages"] == 1
        assert "if-none-match" in feeds.listener.received[-1].headers

    def test_a_file_that_lost_most_is_guarded(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        show(feeds, *range(8))
        harvest(client, keys)
        show(feeds, 1)
        told = harvest(client, keys)
        assert (told["outcome"], told["would_withdraw"]) == ("refused", 7)
        assert "confirm_withdraw" in told["problems"][0]["detail"]
        assert len(titles(client)) == 8
        assert harvest(client, keys)["outcome"] == "refused", "it is not taken for known"
        assert harvest(client, keys, confirm_withdraw=7)["outcome"] == "finished"
        assert titles(client) == {"Dance club 1"}

    @pytest.mark.parametrize("body", [b"<html><p>Log in</p></html>", b"\x00\x01\x02", b""])
    def test_what_is_no_table(
        self, client: TestClient, keys: build.Keys, feeds: Feeds, body: bytes
    ) -> None:
        show(feeds, 1)
        harvest(client, keys)
        feeds.replies["/listings.csv"] = sent(body)
        told = harvest(client, keys)
        assert (told["outcome"], told["problems"][0]["code"]) == ("failed", "unreadable")
        assert titles(client) == {"Dance club 1"}

    def test_a_page_that_is_away_is_asked_again(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        told = harvest(client, keys)
        assert (told["outcome"], told["problems"][0]["code"]) == ("failed", "gone")
        state = client.get("/v1/sources/hub", headers=keys.staff).json()["state"]["harvest"]
        assert state["due_at"] is not None
