"""Fetching tables and calendars: whole, if they changed, and guarded."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from tests import build
from tests.feeding import Feeds, feeding, harvester, sent
from tests.listener import Received, Reply

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


def show(feeds: Feeds, *numbers: int) -> None:
    rows = [
        f'r{number},Dance club {number},"Sat 5 June 2027, 10am-11.30am",7-11,'
        "The Dance Room,B1 1BB,£4.50,Steps,club\n"
        for number in numbers
    ]
    feeds.replies["/listings.csv"] = answering((HEAD + "".join(rows)).encode())


def answering(body: bytes) -> Reply:
    """Answer with these bytes, unless they are known already."""
    tag = f'"{hash(body)}"'
    whole, same = sent(body, headers={"ETag": tag}), sent(b"", 304)

    def reply(received: Received, handler: Any) -> None:
        known = received.headers.get("if-none-match") == tag
        (same if known else whole)(received, handler)

    return reply


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


class TestCalendars:
    @pytest.fixture(autouse=True)
    def diary(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        build.source(
            client,
            keys,
            name="Diary",
            key="diary",
            kind="ical",
            feed_url=feeds.url("/diary.ics"),
            harvest_hours=None,
            defaults={"kind": "club", "artforms": ["dance"], "age_min": 7, "price": {"free": True}},
        )

    def show(self, feeds: Feeds, *events: str) -> None:
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Hall//EN"]
        for event in events:
            lines += ["BEGIN:VEVENT", *event.split("|"), "END:VEVENT"]
        body = "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
        feeds.replies["/diary.ics"] = answering(body)

    def harvest(self, client: TestClient, keys: build.Keys) -> Any:
        asked = client.post("/v1/sources/diary/harvests", headers=keys.staff)
        harvester(client).tick()
        return client.get(asked.headers["Location"], headers=keys.staff).json()

    def test_events_become_listings(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        place = "LOCATION:The Dance Room\\, 1 Centenary Square\\, Birmingham B1 1BB"
        with time_machine.travel(datetime(2027, 3, 1, 9, tzinfo=UTC), tick=False) as clock:
            weekly = (
                "UID:a|SUMMARY:Street dance|DTSTART;TZID=Europe/London:20270320T100000|"
                f"DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=60|{place}"
            )
            bad = "UID:b|SUMMARY:Too often|DTSTART:20270320T100000Z|RRULE:FREQ=SECONDLY"
            self.show(feeds, weekly, bad)
            told = self.harvest(client, keys)
            assert (told["outcome"], told["problems"]) == ("finished", []), told
            assert told["counts"]["listings"]["created"] == 1
            assert told["counts"]["listings"]["rejected"] == 1
            report = client.get(told["batches"][0]["href"], headers=keys.staff).json()
            assert (report["format"], report["mode"]) == ("ical", "replace")
            (rejected,) = [one for one in report["items"] if one["outcome"] == "rejected"]
            assert rejected["external_id"] == "b"
            assert "FREQ" in rejected["errors"][0]["detail"]
            (one,) = client.get("/v1/opportunities").json()["items"]
            href = one["href"]
            sessions = client.get(href).json()["sessions"]
            assert [session["starts_at"] for session in sessions[:3]] == [
                "2027-03-20T10:00:00+00:00",
                "2027-03-27T10:00:00+00:00",
                "2027-04-03T10:00:00+01:00",
            ]
            # The same file on the same day is not read again; on another day its horizon moved.
            assert self.harvest(client, keys)["batches"] == []
            clock.shift(timedelta(days=28))
            told = self.harvest(client, keys)
            assert told["counts"]["listings"]["updated"] == 1
            later = client.get(href).json()["sessions"]
            assert later[0]["id"] == sessions[2]["id"], "what is to come keeps its ids"
            assert later[-1]["starts_at"] > sessions[-1]["starts_at"]
            self.show(feeds, weekly + "|STATUS:CANCELLED")
            assert self.harvest(client, keys)["counts"]["listings"]["withdrawn"] == 1
            assert client.get("/v1/opportunities").json()["items"] == []

    def test_what_is_no_calendar(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        feeds.replies["/diary.ics"] = sent(b"<html>Log in</html>")
        told = self.harvest(client, keys)
        assert (told["outcome"], told["problems"][0]["code"]) == ("failed", "unreadable")
        assert "BEGIN:VCALENDAR" in told["problems"][0]["detail"]
