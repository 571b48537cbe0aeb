"""Calendars: what a telephone that subscribes would show, whatever becomes of a listing."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import time_machine
from httpx2 import Response
from starlette.testclient import TestClient

from app.feeds import calendar_routes, calendars
from tests import build
from tests.conftest import serving
from tests.test_answers import until
from tests.test_authorities import statements
from tests.test_opportunities import act, edit, push
from tests.test_service import problem

PATH = "/v1/opportunities"
LONDON = ZoneInfo("Europe/London")
NOON = {"starts_at": "2027-06-05T12:00", "ends_at": "2027-06-05T13:00"}


def read(answer: Response) -> Any:
    """The calendar, its lines checked as RFC 5545 has them."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    for line in answer.content.split(b"\r\n"):
        assert len(line) <= 75
        assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)
        line.decode()
    found = icalendar.Calendar.from_ical(answer.content)
    assert isinstance(found, icalendar.Calendar)
    assert not [one.errors for one in found.walk() if one.errors]
    return found


def events(client: TestClient, path: str = f"{PATH}.ics", **asked: Any) -> list[Any]:
    return list(read(client.get(path, **asked)).walk("VEVENT"))


def event(client: TestClient, path: str = f"{PATH}.ics") -> Any:
    (one,) = events(client, path)
    return one


def states(client: TestClient, path: str = f"{PATH}.ics") -> dict[str, str]:
    return {str(one["UID"]): str(one["STATUS"]) for one in events(client, path)}


class TestEvents:
    """GET /v1/opportunities.ics: what an event says."""

    def test_whole(self, client: TestClient, trusted: build.Headers) -> None:
        pushed = push(
            client,
            trusted,
            summary="For beginners; bring shoes, water",
            sessions=[NOON],
            booking={"url": "https://example.org/book"},
        )
        shown = client.get(f"{PATH}/{pushed['id']}").json()
        one = event(client)
        assert one["UID"] == shown["sessions"][0]["id"]
        assert one["SUMMARY"] == "Saturday dance club"
        assert one["LOCATION"] == "The Dance Room, 1 Centenary Square, Birmingham, B1 1BB"
        assert one["DTSTART"].dt == datetime(2027, 6, 5, 12, tzinfo=LONDON)
        assert one["DTEND"].dt == datetime(2027, 6, 5, 13, tzinfo=LONDON)
        assert one["DTSTART"].params["TZID"] == "Europe/London"
        assert one["STATUS"] == "CONFIRMED"
        assert one["TRANSP"] == "TRANSPARENT"
        assert one["URL"] == "https://example.org/book"
        assert [str(name) for name in one["CATEGORIES"].cats] == ["Dance"]
        assert one["GEO"].latitude == pytest.approx(shown["venue"]["lat"], abs=1e-5)
        told = str(one["DESCRIPTION"]).split("\n\n")
        assert told[0] == "For beginners; bring shoes, water"
        assert "Ages 7 to 11." in told
        assert "£4.50 per child." in told
        assert told[-1] == shown["href"]
        assert one["SEQUENCE"] >= 1
        assert one["DTSTAMP"].dt == datetime.fromisoformat(shown["updated_at"]).replace(
            microsecond=0
        )

    def test_the_calendar(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        found = read(client.get(f"{PATH}.ics?artform=dance"))
        assert found["VERSION"] == "2.0"
        assert found["PRODID"]
        assert found["X-WR-CALNAME"] == "Opportunities"
        assert found["X-PUBLISHED-TTL"] == "PT4H"
        assert found["REFRESH-INTERVAL"].dt == timedelta(hours=4)
        assert found["SOURCE"] == f"http://testserver{PATH}.ics?artform=dance"
        (zone,) = found.walk("VTIMEZONE")
        assert zone["TZID"] == "Europe/London"
        made = zone.to_tz()
        for text in (
            "2027-03-28T00:30",
            "2027-03-28T02:30",
            "2027-07-01T00:00",
            "2027-10-31T03:00",
        ):
            moment = datetime.fromisoformat(text)
            assert made.utcoffset(moment) == LONDON.utcoffset(moment)

    def test_hours_across_the_change_of_clocks(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        starts = [
            "2027-10-30T10:00:00+01:00", "2027-10-31T01:30:00+01:00", "2027-10-31T01:30:00+00:00",
            "2027-11-06T10:00:00+00:00",
        ]  # fmt: skip
        push(client, trusted, sessions=[{"starts_at": one} for one in starts])
        found = [one["DTSTART"].dt.astimezone(UTC) for one in events(client)]
        assert found == [datetime.fromisoformat(one).astimezone(UTC) for one in starts]

    def test_a_day_without_hours(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, sessions=[{"date": "2027-06-05"}])
        one = event(client)
        assert one["DTSTART"].params["VALUE"] == "DATE"
        assert (one["DTSTART"].dt, one["DTEND"].dt) == (date(2027, 6, 5), date(2027, 6, 6))

    def test_an_end_that_is_not_known(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, sessions=[{"starts_at": "2027-06-05T12:00"}])
        assert "DTEND" not in event(client)

    def test_full_and_cancelled(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, "full", sessions=[{**NOON, "status": "full"}])
        assert str(event(client)["DESCRIPTION"]).startswith("Fully booked.")
        other = {"starts_at": "2027-06-06T12:00", "status": "cancelled"}
        push(client, trusted, "full", sessions=[NOON, other])
        assert [str(one["STATUS"]) for one in events(client)] == ["CONFIRMED", "CANCELLED"]

    @pytest.mark.parametrize(
        "title",
        [
            "é" * 80,
            "x" * 61 + "✓ tick",
            'Comma, semicolon; backslash \\ colon: quote " n\\n',
            "BEGIN:VEVENT",
            "😀" * 40,
        ],
    )
    def test_odd_texts(self, client: TestClient, trusted: build.Headers, title: str) -> None:
        push(client, trusted, title=title, sessions=[NOON])
        assert event(client)["SUMMARY"] == title

    def test_lines_of_an_address_cannot_break_out(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        venue = {
            "name": "Hall", "address": "1 Road\nEND:VEVENT\nBEGIN:VALARM", "postcode": "B1 1BB"
        }  # fmt: skip
        push(client, trusted, venue=venue, sessions=[NOON])
        assert event(client)["LOCATION"] == "Hall, 1 Road END:VEVENT BEGIN:VALARM, B1 1BB"

    def test_a_hidden_place(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = {
            "name": "A refuge", "organisation": "dance-hub", "address": "1 Secret Street",
            "postcode": "B1 1BB", "hide_exact_address": True,
        }  # fmt: skip
        made = client.post("/v1/venues", json=venue, headers=keys.staff).json()
        push(client, trusted, venue=made["slug"], sessions=[NOON])
        assert event(client)["LOCATION"] == "Birmingham"
        said = client.get(f"{PATH}.ics").text
        assert not re.search("Secret|refuge|B1 1BB|GEO", said)

    def test_what_is_always_there_is_no_event(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        pushed = push(client, trusted, sessions=[], always_available=True)
        assert events(client) == []
        assert events(client, f"{PATH}/{pushed['id']}.ics") == []


class TestChanges:
    """GET /v1/opportunities.ics: what becomes of an event."""

    def test_a_change_keeps_the_uid_and_raises_the_sequence(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        session = {**NOON, "external_id": "s1"}
        push(client, trusted, sessions=[session])
        first = event(client)
        later = {"starts_at": "2027-06-05T14:00", "ends_at": "2027-06-05T15:00"}
        push(client, trusted, sessions=[{**session, **later}])
        moved = event(client)
        assert moved["UID"] == first["UID"]
        assert moved["SEQUENCE"] > first["SEQUENCE"]
        assert moved["DTSTART"].dt.hour == 14
        # Whatever an event shows counts, the name of who offers it too.
        edit(client, keys.staff, "/v1/organisations/dance-hub", {"name": "Dance House"})
        until(lambda: "By Dance House." in str(event(client)["DESCRIPTION"]))
        assert event(client)["SEQUENCE"] > moved["SEQUENCE"]

    def test_nothing_new_is_the_same(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        before = client.get(f"{PATH}.ics").content
        push(client, trusted)
        assert client.get(f"{PATH}.ics").content == before

    def test_a_session_that_is_taken_out_is_cancelled(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        both = build.listing()["sessions"]
        push(client, trusted, sessions=both)
        first, second = (str(one["UID"]) for one in events(client))
        push(client, trusted, sessions=both[:1])
        assert states(client) == {first: "CONFIRMED", second: "CANCELLED"}
        assert {str(one["SUMMARY"]) for one in events(client)} == {"Saturday dance club"}
        push(client, trusted, sessions=both)
        assert states(client) == {first: "CONFIRMED", second: "CONFIRMED"}

    def test_what_a_source_leaves_out_because_it_is_over_took_place(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        both = build.listing()["sessions"]
        with time_machine.travel("2027-06-04T12:00Z"):
            push(client, trusted, sessions=both)
            first, second = (str(one["UID"]) for one in events(client))
        with time_machine.travel("2027-06-07T12:00Z"):
            assert states(client) == {first: "CONFIRMED", second: "CONFIRMED"}
            push(client, trusted, sessions=both[1:])
            assert states(client) == {second: "CONFIRMED"}
        with time_machine.travel("2027-07-14T12:00Z"):
            assert states(client) == {}

    def test_a_listing_that_is_withdrawn_is_cancelled_for_thirty_days(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        with time_machine.travel("2027-05-01T12:00Z"):
            pushed = push(client, trusted, summary="Not for everybody")
            one = f"{PATH}/{pushed['id']}.ics"
            before = events(client)
            gone = act(client, keys.staff, pushed["id"], "withdraw", reason="A mistake.")
            assert gone.status_code == 200, gone.text
            searches = (
                f"{PATH}.ics", f"{PATH}.ics?artform=dance&q=dance&near=B1%201BB", one,
                "/v1/organisations/dance-hub.ics", "/v1/partnerships/birmingham.ics",
            )  # fmt: skip
            for path in searches:
                until(lambda path=path: set(states(client, path).values()) == {"CANCELLED"})  # type: ignore[misc]
                after = events(client, path)
                assert [str(e["UID"]) for e in after] == [str(e["UID"]) for e in before]
                assert all(
                    a["SEQUENCE"] > b["SEQUENCE"] for a, b in zip(after, before, strict=True)
                )
                said = client.get(path).text
                assert "Saturday dance club" not in said
                assert "Not for everybody" not in said
            assert events(client, f"{PATH}.ics?artform=film") == []
            assert events(client, f"{PATH}.ics?status=expired") == []
        with time_machine.travel("2027-05-31T12:00Z"):
            assert len(events(client)) == 2
        with time_machine.travel("2027-06-02T12:00Z"):
            assert events(client) == []
            problem(client.get(one), 410, "gone")

    def test_what_was_never_public_leaves_no_trace(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        pushed = push(client, moderated)
        rejected = act(client, keys.staff, pushed["id"], "reject", reason="No.")
        assert rejected.status_code == 200, rejected.text
        assert events(client) == []
        problem(client.get(f"{PATH}/{pushed['id']}.ics"), 404, "not_found")

    def test_what_awaits_approval_says_nothing(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        pushed = push(client, moderated, sessions=[NOON])
        one = f"{PATH}/{pushed['id']}"
        assert act(client, keys.staff, pushed["id"], "approve").status_code == 200
        gone = client.delete("/v1/sources/web/opportunities/1", headers=moderated)
        assert gone.status_code in {200, 204}, gone.text
        until(lambda: set(states(client).values()) == {"CANCELLED"})
        push(client, moderated, sessions=[{"starts_at": "2027-07-07T19:00"}])
        assert client.get(one, headers=keys.staff).json()["status"] == "submitted"
        until(lambda: states(client) == {})
        assert events(client, f"{PATH}.ics?status=any", headers=keys.staff) == []
        problem(client.get(f"{one}.ics"), 404, "not_found")

    def test_a_draft_that_was_public(self, client: TestClient, trusted: build.Headers) -> None:
        pushed = push(client, trusted, sessions=[NOON])
        push(client, trusted, sessions=[NOON], price=None)
        until(lambda: set(states(client).values()) == {"CANCELLED"})
        assert set(states(client, f"{PATH}/{pushed['id']}.ics").values()) == {"CANCELLED"}


class TestSubscribing:
    """Any calendar: whom it is for, how much it holds, what asking again costs."""

    def test_one_listing(self, client: TestClient, trusted: build.Headers) -> None:
        pushed = push(client, trusted, "1")
        push(client, trusted, "2", title="Another")
        path = f"{PATH}/{pushed['id']}.ics"
        assert {str(one["SUMMARY"]) for one in events(client, path)} == {"Saturday dance club"}
        assert read(client.get(path))["X-WR-CALNAME"] == "Saturday dance club"
        problem(client.get(f"{PATH}/01a21699-1426-7dff-b8c9-93fbc71805ec.ics"), 404, "not_found")
        problem(client.get(f"{PATH}/nonsense.ics"), 422, "invalid")

    def test_one_organisation_and_one_partnership(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.organisation(client, keys, "Open Arts", authority="E08000031")
        build.source(client, keys, "open-arts", key="other")
        push(client, trusted, sessions=[NOON])
        venue = {"name": "Gallery", "postcode": "WV1 1SE"}
        other = keys.publisher("open-arts")
        push(client, other, key="other", title="Painting", venue=venue, sessions=[NOON])
        for path, title, name in (
            ("organisations/dance-hub", "Saturday dance club", "Dance Hub"),
            ("organisations/open-arts", "Painting", "Open Arts"),
            ("partnerships/birmingham", "Saturday dance club", "Birmingham"),
        ):
            whole = read(client.get(f"/v1/{path}.ics"))
            assert [str(one["SUMMARY"]) for one in whole.walk("VEVENT")] == [title]
            assert whole["NAME"] == name
        for path in ("organisations/nobody", "partnerships/nowhere"):
            problem(client.get(f"/v1/{path}.ics"), 404, "not_found")
        private = {"visibility": "private"}
        edit(client, keys.staff, "/v1/organisations/open-arts", private)
        problem(client.get("/v1/organisations/open-arts.ics"), 404, "not_found")

    def test_a_merged_listing_leads_to_what_stands_for_it(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        kept, merged = push(client, trusted, "1")["id"], push(client, trusted, "2")["id"]
        answer = act(client, keys.staff, merged, "merge", into=kept)
        assert answer.status_code == 200, answer.text
        answer = client.get(f"{PATH}/{merged}.ics", follow_redirects=False)
        assert answer.status_code == 308
        assert answer.headers["location"] == f"http://testserver{PATH}/{kept}.ics"

    @pytest.mark.parametrize(
        "path", [f"{PATH}.ics?q=dance", "/v1/partnerships/birmingham.ics", f"{PATH}/%s.ics"]
    )
    def test_asking_again_costs_one_look_up(
        self, client: TestClient, trusted: build.Headers, path: str
    ) -> None:
        pushed = push(client, trusted)
        path = path.replace("%s", pushed["id"])
        tag = client.get(path).headers["etag"]
        with statements(build.database_of(client)) as ran:
            answer = client.get(path, headers={"if-none-match": tag})
        assert answer.status_code == 304
        assert len([one for one in ran if not one.startswith(("BEGIN", "SET"))]) <= 1, ran
        push(client, trusted, title="Another")
        until(lambda: client.get(path, headers={"if-none-match": tag}).status_code == 200)

    def test_filters_are_those_of_the_list(self, client: TestClient) -> None:
        problem(client.get(f"{PATH}.ics?colour=red"), 422, "invalid")
        problem(client.get(f"{PATH}.ics?fields=title"), 422, "invalid")


@pytest.fixture(scope="module")
def many(shared_database_url: str) -> Iterator[TestClient]:
    """A service over more listings than are read at once."""
    with serving(shared_database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        items = [
            build.listing(external_id=str(number), title=f"Club {number}") for number in range(120)
        ]
        answer = client.post(
            "/v1/sources/web/batches", json={"items": items}, headers=keys.publisher("dance-hub")
        )
        assert answer.json()["counts"]["created"] == len(items), answer.text
        yield client


def test_many_listings_take_few_statements(many: TestClient) -> None:
    with statements(build.database_of(many)) as ran:
        assert len(events(many)) == 240
    assert len([one for one in ran if one.lstrip().startswith("SELECT")]) <= 16, ran


def test_a_calendar_ends_somewhere(many: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendars, "MOST_EVENTS", 110)
    assert len(events(many, f"{PATH}.ics?sort=title")) == 110
    monkeypatch.setattr(calendars, "MOST_LISTINGS", 10)
    monkeypatch.setattr(calendar_routes, "MOST_LISTINGS", 10)
    whole = read(many.get(f"{PATH}.ics?sort=published"))
    assert len(whole.walk("VEVENT")) == 20
    assert "these are the first 10." in whole["X-WR-CALDESC"]
