"""Following RPDE feeds: whole, then what changed; joined, in order, and gone on with."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import select
from starlette.testclient import TestClient

from app.deliveries.models import Delivery
from app.harvests.actions import purge
from tests import build
from tests.feeding import Feeds, event, feeding, harvester, sent, series, session
from tests.listener import status
from tests.test_service import problem

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def feeds() -> Iterator[Feeds]:
    with feeding() as found:
        yield found


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def source(client: TestClient, keys: build.Keys, url: str, **more: Any) -> Any:
    """A trusted source that is fetched, of Dance Hub."""
    build.organisation(client, keys, contact={"email": "hub@example.org"})
    return build.source(client, keys, key="hub", kind="rpde", feed_url=url, **more)


def dataset(feeds: Feeds, *paths: tuple[str, str]) -> str:
    """The address of a dataset page that names these feeds."""
    said = {
        "@type": "Dataset",
        "distribution": [
            {"@type": "DataDownload", "identifier": kind, "contentUrl": feeds.url(path)}
            for kind, path in paths
        ],
    }
    page = (
        f'<html><head><script type="application/ld+json">{json.dumps(said)}</script></head></html>'
    )
    feeds.replies["/data"] = sent(page.encode(), headers={"Content-Type": "text/html"})
    return feeds.url("/data")


def harvest(client: TestClient, keys: build.Keys, **more: Any) -> Any:
    """Ask for a harvest, have it done, and what is told of it."""
    asked = client.post("/v1/sources/hub/harvests", params=more, headers=keys.staff)
    assert asked.status_code == 202, asked.text
    assert asked.json()["outcome"] == "waiting"
    assert harvester(client).tick() == 1
    return client.get(asked.headers["Location"], headers=keys.staff).json()


def listings(client: TestClient) -> dict[str, Any]:
    """What the public sees, by title."""
    found = client.get("/v1/opportunities?limit=100").json()["items"]
    return {one["title"]: one for one in found}


def state(client: TestClient, keys: build.Keys) -> Any:
    return client.get("/v1/sources/hub", headers=keys.staff).json()["state"]["harvest"]


class TestWhole:
    def test_series_and_sessions_become_listings(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        for number in range(4):
            feeds.put("/series", "SessionSeries", f"s{number}", **series(f"s{number}"))
            for week in range(3):
                feeds.put(
                    "/sessions",
                    "ScheduledSession",
                    f"s{number}-{week}",
                    **session(
                        f"s{number}",
                        f"2027-06-{5 + 7 * week:02}T10:00:00+01:00",
                        f"2027-06-{5 + 7 * week:02}T11:30:00+01:00",
                        maximumAttendeeCapacity=20,
                    ),
                )
        feeds.put("/events", "Event", "e1", **event("e1", name="Open day"))
        url = dataset(
            feeds,
            ("ScheduledSession", "/sessions"),
            ("SessionSeries", "/series"),
            ("Event", "/events"),
        )
        source(client, keys, url)
        told = harvest(client, keys)
        assert told["outcome"] == "finished", told
        assert told["problems"] == []
        assert told["counts"]["items"] == 17
        assert told["counts"]["listings"] == {
            "created": 5, "updated": 0, "unchanged": 0, "withdrawn": 0, "rejected": 0,
        }  # fmt: skip
        found = listings(client)
        assert set(found) == {
            "Dance club s0",
            "Dance club s1",
            "Dance club s2",
            "Dance club s3",
            "Open day",
        }
        one = client.get(found["Dance club s1"]["href"]).json()
        assert [session["starts_at"] for session in one["sessions"]] == [
            "2027-06-05T10:00:00+01:00",
            "2027-06-12T10:00:00+01:00",
            "2027-06-19T10:00:00+01:00",
        ]
        assert one["sessions"][0]["ends_at"] == "2027-06-05T11:30:00+01:00"
        assert one["sessions"][0]["capacity"] == 20
        assert (one["kind"], one["artforms"], one["age_min"], one["age_max"]) == (
            "club", ["dance"], 7, 11,
        )  # fmt: skip
        assert one["price"]["from"] == "4.50"
        assert one["venue"]["postcode"] == "B1 1BB"
        (batch,) = told["batches"]
        report = client.get(batch["href"], headers=keys.staff).json()
        assert (report["format"], report["mode"]) == ("rpde", "upsert")

    def test_nothing_new_costs_a_request_a_feed(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        feeds.put("/events", "Event", "e1", **event("e1"))
        source(client, keys, feeds.url("/events"))
        assert harvest(client, keys)["counts"]["pages"] == 3  # what it is, the page, its end
        feeds.forget()
        told = harvest(client, keys)
        assert (told["outcome"], told["counts"]["items"], told["batches"]) == ("finished", 0, [])
        assert feeds.asked == ["/events?afterChangeNumber=1"]

    def test_an_address_that_moved(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        """The feed tells of its new address, which is where it goes on."""
        for number in range(5):
            feeds.put("/events", "Event", f"e{number}", **event(f"e{number}"))
        former = feeds.url("/former").replace("127.0.0.1", "localhost")
        feeds.replies["/former"] = status(301, Location=feeds.url("/events"))
        source(client, keys, former)
        told = harvest(client, keys)
        assert (told["outcome"], told["problems"]) == ("finished", [])
        assert len(listings(client)) == 5

    def test_what_is_written_carelessly_is_left_out(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        place = series("x")["location"] | {"geo": {"latitude": 52.4797, "longitude": -1.9085}}
        place["address"] = place["address"] | {"postalCode": "ask us"}
        organizer = {"@type": "Organization", "email": "none", "telephone": "ring the bell"}
        careless = event("x", location=place, organizer=organizer, url="https://")
        feeds.put("/events", "Event", "x", **careless)
        source(client, keys, feeds.url("/events"))
        assert harvest(client, keys)["counts"]["listings"]["created"] == 1
        (one,) = listings(client).values()
        assert (one["venue"]["postcode"], one["contact"]) == (None, None)
        assert one["venue"]["lat"] == pytest.approx(52.4797, abs=0.001)

    def test_it_is_done_by_itself_when_it_is_due(
        self, client: TestClient, keys: build.Keys, feeds: Feeds, clock: time_machine.Traveller
    ) -> None:
        feeds.put("/events", "Event", "e1", **event("e1"))
        source(client, keys, feeds.url("/events"), harvest_hours=6)
        work = harvester(client)
        assert (work.tick(), work.tick()) == (1, 0)
        assert len(listings(client)) == 1
        assert state(client, keys)["due_at"].startswith("2026-11-02T15:00:00")
        clock.shift(timedelta(hours=6))
        assert (work.tick(), work.tick()) == (1, 0)
        history = client.get("/v1/sources/hub/harvests", headers=keys.staff).json()["items"]
        assert [one["asked_by"] for one in history] == ["schedule", "schedule"]

    def test_only_when_asked(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        feeds.put("/events", "Event", "e1", **event("e1"))
        source(client, keys, feeds.url("/events"), harvest_hours=None)
        assert harvester(client).tick() == 0
        assert harvest(client, keys)["outcome"] == "finished"
        assert state(client, keys)["due_at"] is None


class TestChanges:
    @pytest.fixture(autouse=True)
    def harvested(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        feeds.put("/series", "SessionSeries", "a", **series("a"))
        feeds.put("/series", "SessionSeries", "b", **series("b"))
        for owner in "ab":
            for day in (5, 12):
                feeds.put(
                    "/sessions",
                    "ScheduledSession",
                    f"{owner}{day}",
                    **session(owner, f"2027-06-{day:02}T10:00:00Z", f"2027-06-{day:02}T11:00:00Z"),
                )
        url = dataset(feeds, ("SessionSeries", "/series"), ("ScheduledSession", "/sessions"))
        source(client, keys, url)
        assert harvest(client, keys)["outcome"] == "finished"

    def again(self, client: TestClient, keys: build.Keys) -> dict[str, int]:
        told = harvest(client, keys)
        assert told["outcome"] == "finished", told
        return {name: count for name, count in told["counts"]["listings"].items() if count}

    def test_a_series(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        before = listings(client)["Dance club a"]
        feeds.put("/series", "SessionSeries", "a", **series("a", name="Street dance"))
        assert self.again(client, keys) == {"updated": 1}
        after = client.get(listings(client)["Street dance"]["href"]).json()
        assert after["id"] == before["id"]
        assert len(after["sessions"]) == 2

    def test_a_session_that_moves_keeps_its_id(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        href = listings(client)["Dance club a"]["href"]
        before = client.get(href).json()["sessions"]
        feeds.put("/sessions", "ScheduledSession", "a5", **session("a", "2027-06-06T15:00:00Z"))
        assert self.again(client, keys) == {"updated": 1}
        after = client.get(href).json()["sessions"]
        assert [one["id"] for one in after] == [one["id"] for one in before]
        assert after[0]["starts_at"] == "2027-06-06T16:00:00+01:00"

    def test_a_session_is_cancelled_another_deleted(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        cancelled = {"eventStatus": "https://schema.org/EventCancelled"}
        feeds.put(
            "/sessions",
            "ScheduledSession",
            "a5",
            **session("a", "2027-06-05T10:00:00Z", **cancelled),
        )
        feeds.delete("/sessions", "ScheduledSession", "b5")
        assert self.again(client, keys) == {"updated": 2}
        found = listings(client)
        first, _ = client.get(found["Dance club a"]["href"]).json()["sessions"]
        assert first["status"] == "cancelled"
        assert len(client.get(found["Dance club b"]["href"]).json()["sessions"]) == 1

    def test_a_tombstone_withdraws(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        feeds.delete("/series", "SessionSeries", "a")
        assert self.again(client, keys) == {"withdrawn": 1}
        assert set(listings(client)) == {"Dance club b"}
        feeds.put("/series", "SessionSeries", "a", **series("a"))
        assert self.again(client, keys) == {"updated": 1}
        assert set(listings(client)) == {"Dance club a", "Dance club b"}

    def test_a_session_may_come_before_its_series(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        feeds.put("/sessions", "ScheduledSession", "c5", **session("c", "2027-06-05T10:00:00Z"))
        assert self.again(client, keys) == {}
        feeds.put("/series", "SessionSeries", "c", **series("c"))
        assert self.again(client, keys) == {"created": 1}
        assert len(client.get(listings(client)["Dance club c"]["href"]).json()["sessions"]) == 1

    def test_an_item_that_calls_itself_otherwise_leaves_what_it_was(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        other = series("a") | {"@id": "https://hall.example/series/new"}
        feeds.put("/series", "SessionSeries", "a", **other, eventSchedule=[])
        told = self.again(client, keys)
        assert told["withdrawn"] == 1
        assert told["created"] == 1

    def test_another_address(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        """What only the former address told of goes; what both tell of is the same listing."""
        feeds.put("/elsewhere", "SessionSeries", "x", **series("b"), eventSchedule=[{
            "@type": "Schedule", "startDate": "2027-06-05", "endDate": "2027-06-19",
            "startTime": "10:00", "endTime": "11:00", "repeatFrequency": "P1W",
            "byDay": ["https://schema.org/Saturday"], "scheduleTimezone": "Europe/London",
        }])  # fmt: skip
        before = listings(client)
        read = client.get("/v1/sources/hub", headers=keys.staff)
        changed = client.patch(
            "/v1/sources/hub",
            json={"feed_url": feeds.url("/elsewhere")},
            headers={**keys.staff, "If-Match": read.headers["ETag"]},
        )
        assert changed.status_code == 200, changed.text
        assert self.again(client, keys) == {"updated": 1, "withdrawn": 1}
        after = listings(client)
        assert set(after) == {"Dance club b"}
        assert after["Dance club b"]["id"] == before["Dance club b"]["id"]
        one = client.get(after["Dance club b"]["href"]).json()
        assert len(one["sessions"]) == 3

    def test_too_many_that_nobody_deleted_are_guarded(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        for number in range(6):
            feeds.put("/series", "SessionSeries", f"m{number}", **series(f"m{number}"))
            feeds.put(
                "/sessions", "ScheduledSession", f"m{number}",
                **session(f"m{number}", "2027-06-05T10:00:00Z"),
            )  # fmt: skip
        assert self.again(client, keys) == {"created": 6}
        feeds.put("/elsewhere", "Event", "x", **event("x"))
        read = client.get("/v1/sources/hub", headers=keys.staff)
        client.patch(
            "/v1/sources/hub",
            json={"feed_url": feeds.url("/elsewhere")},
            headers={**keys.staff, "If-Match": read.headers["ETag"]},
        )
        told = harvest(client, keys)
        assert (told["outcome"], told["would_withdraw"]) == ("refused", 8)
        assert len(listings(client)) == 9
        told = harvest(client, keys, confirm_withdraw=8)
        assert told["outcome"] == "finished"
        assert set(listings(client)) == {"Dance club x"}


class TestGoingOn:
    def test_a_harvest_that_is_killed_goes_on_where_it_was(
        self, client: TestClient, keys: build.Keys, feeds: Feeds, clock: time_machine.Traveller
    ) -> None:
        for number in range(9):
            feeds.put("/events", "Event", f"e{number}", **event(f"e{number}"))
        source(client, keys, feeds.url("/events"))
        page = feeds.url("/events?afterChangeNumber=6")

        def killed(received: Any, handler: Any) -> None:
            raise KeyboardInterrupt

        path = page.removeprefix(feeds.url(""))
        client.post("/v1/sources/hub/harvests", headers=keys.staff)
        work = harvester(client)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(work, "_end", lambda *_, **__: None)  # it died before it could tell
            feeds.replies[path] = sent(b"no", 500)
            assert work.tick() == 1
        del feeds.replies[path], killed
        assert harvester(client).tick() == 0, "it is held for some time"
        clock.shift(timedelta(minutes=4))
        feeds.forget()
        assert harvester(client).tick() == 1
        assert feeds.asked == [
            "/events?afterChangeNumber=6",
            "/events?afterChangeNumber=9",
        ]
        assert len(listings(client)) == 9
        (told,) = client.get("/v1/sources/hub/harvests", headers=keys.staff).json()["items"]
        assert (told["outcome"], told["counts"]["items"]) == ("finished", 9)

    def test_bounds_end_a_harvest_and_the_next_goes_on(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        for number in range(9):
            feeds.put("/events", "Event", f"e{number}", **event(f"e{number}"))
        source(client, keys, feeds.url("/events"))
        work = harvester(client, most_pages=3)
        assert work.tick() == 2
        history = client.get("/v1/sources/hub/harvests", headers=keys.staff).json()["items"]
        assert [one["outcome"] for one in history] == ["finished", "incomplete"]
        assert len(listings(client)) == 9

    def test_two_harvesters_never_fetch_the_same(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        feeds.put("/events", "Event", "e", **event("e"))
        source(client, keys, feeds.url("/events"))
        other = harvester(client)
        seen = []

        def meanwhile(received: Any, handler: Any) -> None:
            seen.append(other.tick())
            body = json.dumps(feeds.answer("/events", 0)).encode()
            sent(body)(received, handler)

        feeds.replies["/events"] = meanwhile
        assert harvester(client).tick() == 1
        assert seen == [0, 0]


class TestTrouble:
    def test_gone_for_good(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        feeds.put("/events", "Event", "e1", **event("e1"))
        source(client, keys, feeds.url("/events"))
        harvest(client, keys)
        feeds.replies["/events?afterChangeNumber=1"] = sent(b"", 410)
        told = harvest(client, keys)
        assert (told["outcome"], told["problems"][0]["code"]) == ("failed", "gone")
        assert "410" in told["problems"][0]["detail"]
        now = state(client, keys)
        assert (now["due_at"], now["failures"]) == (None, 1)
        assert len(listings(client)) == 1, "what was read before stays"
        assert mails(client) == ["Your feed cannot be read"]
        feeds.replies.clear()
        assert harvest(client, keys)["outcome"] == "finished"
        assert mails(client) == ["Your feed cannot be read", "Your feed can be read again"]

    def test_one_feed_that_is_gone_leaves_the_others(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        feeds.put("/events", "Event", "e1", **event("e1"))
        source(client, keys, dataset(feeds, ("CourseInstance", "/courses"), ("Event", "/events")))
        told = harvest(client, keys)
        assert (told["outcome"], [one["code"] for one in told["problems"]]) == ("failed", ["gone"])
        assert len(listings(client)) == 1
        assert state(client, keys)["due_at"] is not None

    @pytest.mark.parametrize(
        ("after", "soonest", "latest"), [("1800", 30, 30), (None, 60, 120), ("nonsense", 60, 120)]
    )
    def test_a_busy_feed_is_left_alone(
        self,
        client: TestClient,
        keys: build.Keys,
        feeds: Feeds,
        clock: time_machine.Traveller,
        after: str | None,
        soonest: int,
        latest: int,
    ) -> None:
        source(client, keys, feeds.url("/events"))
        feeds.replies["/events"] = sent(b"", 503, {"Retry-After": after} if after else {})
        told = harvest(client, keys)
        assert (told["outcome"], told["problems"][0]["code"]) == ("failed", "busy")
        wait = datetime.fromisoformat(state(client, keys)["due_at"]) - START
        assert timedelta(minutes=soonest) <= wait <= timedelta(minutes=latest)

    def test_back_off_and_the_owner_is_told_once(
        self, client: TestClient, keys: build.Keys, feeds: Feeds, clock: time_machine.Traveller
    ) -> None:
        source(client, keys, feeds.url("/events"))
        feeds.replies["/events"] = sent(b"", 500)
        work, waits = harvester(client), []
        for _ in range(5):
            at = datetime.now(UTC)
            assert work.tick() == 1
            due = datetime.fromisoformat(state(client, keys)["due_at"])
            waits.append((due - at).total_seconds() / 60)
            clock.move_to(due)
        assert waits == [5, 10, 20, 40, 80]
        now = state(client, keys)
        assert (now["failures"], now["failing_since"][:16]) == (5, "2026-11-02T09:00")
        assert "answered 500" in now["why"]
        assert mails(client) == ["Your feed cannot be read"]
        inbox = client.get("/v1/me/inbox", headers=keys.publisher("dance-hub")).json()["items"]
        assert [(one["kind"], one["count"]) for one in inbox] == [("feeds_failing", 1)]
        feeds.replies.clear()
        feeds.put("/events", "Event", "e", **event("e"))
        assert work.tick() == 1
        assert state(client, keys)["failures"] == 0
        assert mails(client)[-1] == "Your feed can be read again"


def mails(client: TestClient) -> list[str]:
    """The subjects of the mails to Dance Hub, in order."""
    with build.database_of(client).reading() as db:
        found = db.exec(select(Delivery).order_by(Delivery.pk)).all()  # type: ignore[arg-type]
        return [one.payload["subject"] for one in found if one.recipient == "hub@example.org"]


class TestHistory:
    def test_what_is_old_is_forgotten(
        self, client: TestClient, keys: build.Keys, feeds: Feeds, clock: time_machine.Traveller
    ) -> None:
        feeds.put("/events", "Event", "e", **event("e"))
        source(client, keys, feeds.url("/events"), harvest_hours=None)
        first = harvest(client, keys)
        clock.shift(timedelta(days=100))
        second = harvest(client, keys)
        with build.database_of(client).writing() as session:
            assert purge(session, days=99) == 1
        left = client.get("/v1/sources/hub/harvests", headers=keys.staff).json()["items"]
        assert [one["id"] for one in left] == [second["id"]]
        problem(client.get(first["href"], headers=keys.staff), 404, "not_found")


class TestAsking:
    def test_who_may(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        source(client, keys, feeds.url("/events"))
        build.organisation(client, keys, name="Other")
        url = "/v1/sources/hub/harvests"
        problem(client.post(url), 401, "unauthenticated")
        problem(client.get(url), 401, "unauthenticated")
        problem(client.post(url, headers=keys.publisher("other")), 404, "not_found")
        problem(client.post("/v1/sources/none/harvests", headers=keys.staff), 404, "not_found")
        asked = client.post(url, headers=keys.publisher("dance-hub"))
        assert asked.status_code == 202
        again = client.post(url, headers=keys.staff)
        assert again.json()["id"] == asked.json()["id"], "one that waits is enough"
        href = asked.json()["href"]
        assert client.get(href, headers=keys.publisher("dance-hub")).status_code == 200
        problem(client.get(href), 401, "unauthenticated")
        problem(client.get(href, headers=keys.publisher("other")), 404, "not_found")

    def test_only_what_is_fetched(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="hub")
        answer = client.post("/v1/sources/hub/harvests", headers=keys.staff)
        problem(answer, 409, "source_is_pushed")

    def test_paused(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        source(client, keys, feeds.url("/events"), paused=True)
        answer = client.post("/v1/sources/hub/harvests", headers=keys.staff)
        problem(answer, 409, "source_paused")
        assert harvester(client).tick() == 0
        assert feeds.asked == []

    def test_nobody_pushes_to_it(self, client: TestClient, keys: build.Keys, feeds: Feeds) -> None:
        source(client, keys, feeds.url("/events"))
        batch = client.post(
            "/v1/sources/hub/batches",
            json={"items": [{"external_id": "a", **build.listing()}]},
            headers=keys.staff,
        )
        problem(batch, 409, "source_is_fetched")
        alone = client.put(
            "/v1/sources/hub/opportunities/a", json=build.listing(), headers=keys.staff
        )
        problem(alone, 409, "source_is_fetched")

    @pytest.mark.parametrize(
        ("kind", "url"),
        [
            ("rpde", None),
            ("push", "https://example.org/feed"),
            ("ical", "ftp://example.org/feed"),
            ("csv_url", "https://me:word@example.org/feed"),
            ("rpde", "file:///etc/passwd"),
        ],
    )
    def test_addresses(
        self, client: TestClient, keys: build.Keys, kind: str, url: str | None
    ) -> None:
        build.organisation(client, keys)
        answer = client.post(
            "/v1/sources",
            json={"name": "Feed", "organisation": "dance-hub", "kind": kind, "feed_url": url},
            headers=keys.staff,
        )
        assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == "#/feed_url"

    def test_moderated_sources_wait_for_a_moderator(
        self, client: TestClient, keys: build.Keys, feeds: Feeds
    ) -> None:
        feeds.put("/events", "Event", "e", **event("e"))
        source(client, keys, feeds.url("/events"), trust="moderated")
        assert harvest(client, keys)["outcome"] == "finished"
        assert listings(client) == {}
        found = client.get("/v1/sources/hub/listings", headers=keys.staff).json()["items"]
        assert [one["status"] for one in found] == ["submitted"]
