"""Merging listings: what leads where, what is kept, what comes back."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from app.opportunities import documents, duplicates, merging, upkeep
from app.opportunities.life import Rules
from tests import build
from tests.test_duplicates import find, matches, waiting
from tests.test_opportunities import act, edit, ids, push
from tests.test_service import problem


@pytest.fixture
def council(client: TestClient, keys: build.Keys, trusted: build.Headers) -> build.Headers:
    """The key of another publisher, with a trusted source `council`."""
    build.organisation(client, keys, "City Council")
    build.source(client, keys, "city-council", key="council", name="What's on")
    return keys.publisher("city-council")


def keep_up(client: TestClient) -> int:
    return merging.keep_up(build.database_of(client), Rules())


def tag(client: TestClient, headers: build.Headers, identifier: str) -> str:
    answer = client.get(f"/v1/opportunities/{identifier}", headers=headers, follow_redirects=False)
    return str(answer.headers["etag"])


def merge(client: TestClient, headers: build.Headers, one: str, into: str, **more: Any) -> Any:
    return client.post(
        f"/v1/opportunities/{one}/merge",
        json={"into": into, **more},
        headers={**headers, "If-Match": tag(client, headers, one)},
    )


def merged(client: TestClient, headers: build.Headers, one: str, into: str) -> Any:
    answer = merge(client, headers, one, into)
    assert answer.status_code == 200, answer.text
    return answer.json()


def leads_to(client: TestClient, identifier: str, headers: Any = None) -> str | None:
    answer = client.get(f"/v1/opportunities/{identifier}", headers=headers, follow_redirects=False)
    if answer.status_code != 308:
        return None
    return str(answer.headers["location"].rpartition("/")[2])


def restore(client: TestClient, headers: build.Headers, identifier: str) -> Any:
    return client.post(
        f"/v1/opportunities/{identifier}/restore",
        headers={**headers, "If-Match": tag(client, headers, identifier)},
    )


def read(client: TestClient, identifier: str, headers: Any = None) -> Any:
    answer = client.get(f"/v1/opportunities/{identifier}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def pair(client: TestClient, trusted: build.Headers, council: build.Headers) -> tuple[str, str]:
    """The ids of the organisation's own listing, and of the council's of the same offer."""
    first = push(client, trusted)["id"]
    second = push(
        client,
        council,
        "a/17",
        "council",
        summary="Street dance every Saturday.",
        booking={"url": "https://council.example/book"},
        url="https://council.example/17",
    )["id"]
    find(client)
    return first, second


class TestMerge:
    def test_one_is_left_and_shows_both(
        self, client: TestClient, keys: build.Keys, pair: tuple[str, str], council: build.Headers
    ) -> None:
        first, second = pair
        before = read(client, second)["change_number"]
        survivor = merged(client, keys.staff, second, first)
        assert survivor["id"] == first
        assert survivor["origins"] == [
            {
                "key": "council",
                "name": "What's on",
                "external_id": "a/17",
                "url": "https://council.example/17",
            }
        ]
        assert survivor["source"]["key"] == "web"
        assert survivor["summary"] == "Street dance every Saturday."
        assert survivor["booking"]["url"] == "https://council.example/book"
        assert read(client, first)["origins"] == survivor["origins"]
        assert ids(client) == ["1"]
        for headers in (None, keys.staff, council):
            assert leads_to(client, second, headers) == first
        assert waiting(client, keys.staff) == []
        (found,) = matches(client, keys.staff, first)
        assert (found["status"], found["listing"]["id"]) == ("confirmed", second)
        private = client.get("/v1/sources/council/opportunities/a%2F17", headers=council).json()
        assert (private["status"], private["duplicate_of"]["id"]) == ("withdrawn", first)
        assert private["duplicate_of"]["merged"] is True
        assert private["change_number"] > before

    def test_who_may(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        council: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        path, body = f"/v1/opportunities/{second}/merge", {"into": first}
        whatever = {"If-Match": "*"}
        problem(client.post(path, json=body, headers=whatever), 401, "unauthenticated")
        problem(client.post(path, json=body, headers={**council, **whatever}), 403, "forbidden")
        problem(client.post(path, json=body, headers=keys.staff), 428, "precondition_required")
        problem(
            client.post(path, json=body, headers={**keys.staff, "If-Match": '"99-0a"'}),
            412,
            "stale",
        )
        elsewhere = push(client, trusted, "w", venue={"name": "Town Hall", "postcode": "WV1 1RL"})[
            "id"
        ]
        birmingham = keys.coordinator("birmingham")
        problem(merge(client, birmingham, second, elsewhere), 403, "forbidden")
        problem(merge(client, birmingham, elsewhere, second), 403, "forbidden")
        assert merged(client, birmingham, second, first)["id"] == first

    def test_what_cannot_be(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, pair: tuple[str, str]
    ) -> None:
        first, second = pair
        problem(merge(client, keys.staff, first, first), 409, "conflict")
        nowhere = "0197a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"
        problem(merge(client, keys.staff, first, nowhere), 422, "invalid")
        draft = push(client, trusted, "d", price=None)["id"]
        assert (
            "would be lost"
            in problem(merge(client, keys.staff, first, draft), 409, "conflict")["detail"]
        )
        act(client, keys.staff, second, "withdraw")
        problem(merge(client, keys.staff, first, second), 409, "conflict")
        problem(merge(client, keys.staff, second, first), 409, "conflict")
        assert leads_to(client, first) is None

    def test_what_nobody_sees_is_led_to_by_nothing(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, council: build.Headers
    ) -> None:
        first = push(client, trusted, price=None)["id"]
        second = push(client, council, "b", "council", price=None)["id"]
        merged(client, keys.staff, second, first)
        problem(client.get(f"/v1/opportunities/{second}"), 404, "not_found")
        assert leads_to(client, second, trusted) == first
        assert read(client, second, council)["status"] == "withdrawn"

    def test_chains_lead_to_the_end(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, pair: tuple[str, str]
    ) -> None:
        first, second = pair
        third, fourth = (push(client, trusted, name)["id"] for name in ("3", "4"))
        merged(client, keys.staff, second, first)
        survivor = merged(client, keys.staff, first, third)
        assert survivor["id"] == third
        assert {one["external_id"] for one in survivor["origins"]} == {"1", "a/17"}
        assert survivor["summary"] == "Street dance every Saturday."
        assert [leads_to(client, one) for one in (first, second)] == [third, third]
        problem(merge(client, keys.staff, third, first), 409, "conflict")
        problem(merge(client, keys.staff, third, second), 409, "conflict")
        assert merged(client, keys.staff, fourth, second)["id"] == third
        assert leads_to(client, fourth) == third

    def test_its_own_words_and_corrections_win(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, pair: tuple[str, str]
    ) -> None:
        first, second = pair
        path = f"/v1/opportunities/{first}"
        edit(client, keys.staff, path, {"summary": "Corrected.", "reason": "They rang."})
        assert merged(client, keys.staff, second, first)["summary"] == "Corrected."
        push(client, trusted, booking={"url": "https://dancehub.example/book"})
        after = read(client, first)
        assert after["booking"]["url"] == "https://dancehub.example/book"
        assert (after["title"], after["summary"]) == ("Saturday dance club", "Corrected.")
        push(client, trusted)
        assert read(client, first)["booking"]["url"] == "https://council.example/book"

    def test_what_it_lacked_may_come_with_the_other(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, council: build.Headers
    ) -> None:
        first = push(client, trusted, price=None)["id"]
        second = push(client, council, "b", "council", provider="city-council", age_min=None)["id"]
        refused = merge(client, keys.staff, second, first)
        problem(refused, 409, "conflict")
        merged(client, keys.staff, first, second)
        assert read(client, second)["age_min"] is None, "ages come from one listing, as a pair"
        assert read(client, second)["price"]["from"] == "4.50"


class TestPushedAgain:
    def test_it_reaches_the_survivor(
        self,
        client: TestClient,
        keys: build.Keys,
        council: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        keep_up(client)
        number = read(client, first)["change_number"]
        more = {"summary": "Street dance every Saturday.", "url": "https://council.example/17"}
        same = push(
            client,
            council,
            "a/17",
            "council",
            booking={"url": "https://council.example/book"},
            **more,
        )
        assert (same["outcome"], same["id"]) == ("unchanged", first)
        assert same["href"] == f"http://testserver/v1/opportunities/{first}"
        assert keep_up(client) == 0
        assert read(client, first)["change_number"] == number

        report = push(client, council, "a/17", "council", summary="Every Saturday in June.")
        assert (report["outcome"], report["status"]) == ("updated", "published")
        assert (report["id"], leads_to(client, second)) == (first, first)
        (told,) = report["warnings"]
        assert (told["code"], told["pointer"], told["value"]) == ("merged", "#", None)
        assert first in told["detail"]
        assert keep_up(client) == 1
        assert keep_up(client) == 0
        after = read(client, first)
        assert after["summary"] == "Every Saturday in June."
        assert after["booking"] is None
        assert after["change_number"] > number

    def test_in_a_batch(
        self,
        client: TestClient,
        keys: build.Keys,
        council: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        items = [
            {"external_id": "a/17", **build.listing(title="Dance")},
            {"external_id": "new", **build.listing(title="Clay")},
        ]
        made = client.post("/v1/sources/council/batches", json={"items": items}, headers=council)
        report = made.json()["items"]
        assert [one["status"] for one in report] == ["published", "published"]
        assert report[0]["id"] == first
        assert ["merged" in {w["code"] for w in one["warnings"]} for one in report] == [True, False]
        stored = client.get(f"{made.headers['location']}/items", headers=council).json()["items"]
        assert stored[0]["href"] == f"http://testserver/v1/opportunities/{first}"

    def test_what_no_moderator_saw_fills_nothing(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.organisation(client, keys, "Clay Works")
        build.source(client, keys, "clay-works", key="clay", trust="moderated")
        clay = keys.publisher("clay-works")
        first = push(client, trusted)["id"]
        second = push(client, clay, "c", "clay", summary="Seen by staff.")["id"]
        assert merged(client, keys.staff, second, first)["summary"] == "Seen by staff."
        push(client, clay, "c", "clay", summary="Seen by nobody.")
        keep_up(client)
        assert read(client, first)["summary"] is None
        client.delete("/v1/sources/web/opportunities/1", headers=trusted)
        keep_up(client)
        assert read(client, second, clay)["status"] == "submitted"


class TestComingBack:
    def test_restored_they_are_two(
        self, client: TestClient, keys: build.Keys, pair: tuple[str, str]
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        back = restore(client, keys.staff, second)
        assert (back.status_code, back.json()["status"]) == (200, "published")
        assert leads_to(client, second) is None
        assert keep_up(client) == 1
        after = read(client, first)
        assert (after["origins"], after["summary"]) == ([], None)
        find(client)
        assert waiting(client, keys.staff) == []
        assert len(waiting(client, keys.staff, "status=refused")) == 1

    def test_when_the_survivor_is_withdrawn_by_its_source(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        client.delete("/v1/sources/web/opportunities/1", headers=trusted)
        assert keep_up(client) == 1
        assert keep_up(client) == 0
        assert read(client, second)["status"] == "published"
        assert ids(client) == ["a/17"]
        push(client, trusted)
        assert read(client, first)["origins"] == []
        find(client)
        assert len(waiting(client, keys.staff)) == 1

    def test_when_the_survivor_is_withdrawn_by_staff(
        self, client: TestClient, keys: build.Keys, pair: tuple[str, str]
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        act(client, keys.staff, first, "withdraw")
        keep_up(client)
        assert ids(client) == []
        problem(client.get(f"/v1/opportunities/{second}"), 410, "gone")

    def test_when_the_survivor_is_over_before_it(
        self,
        client: TestClient,
        keys: build.Keys,
        council: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        later = [{"starts_at": "2027-09-04T10:00:00", "ends_at": "2027-09-04T11:30:00"}]
        push(client, council, "a/17", "council", sessions=later)
        assert keep_up(client) == 1
        with time_machine.travel(datetime(2027, 7, 1, tzinfo=UTC), tick=True):
            upkeep.expire(build.database_of(client))
            assert keep_up(client) == 1
            assert read(client, first)["status"] == "expired"
            assert read(client, second)["status"] == "published"

    def test_what_its_own_source_takes_away_leaves(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        council: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        path = "/v1/sources/council/opportunities/a%2F17"
        assert client.delete(path, headers=council).status_code == 204
        problem(client.delete(path, headers=council), 410, "gone")
        keep_up(client)
        after = read(client, first)
        assert (after["origins"], after["summary"]) == ([], None)
        client.delete("/v1/sources/web/opportunities/1", headers=trusted)
        keep_up(client)
        problem(client.get(f"/v1/opportunities/{second}"), 410, "gone")
        assert push(client, council, "a/17", "council")["status"] == "published"

    def test_what_waits_beside_the_survivor_goes_on_waiting(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        build.organisation(client, keys, "City Council")
        build.source(client, keys, "city-council", key="council")
        council = keys.publisher("city-council")
        first = push(client, moderated)["id"]
        act(client, keys.staff, first, "approve")
        push(client, moderated, title="Sunday dance club")
        second = push(client, council, "b", "council", summary="From the council.")["id"]
        survivor = merged(client, keys.staff, second, first)
        assert survivor["pending"]["title"] == "Sunday dance club"
        assert (survivor["title"], survivor["status"]) == ("Saturday dance club", "published")
        assert survivor["summary"] == "From the council."

    def test_a_renamed_source_is_renamed_among_the_origins(
        self, client: TestClient, keys: build.Keys, pair: tuple[str, str]
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        found = client.get("/v1/sources/council", headers=keys.staff)
        renamed = client.patch(
            "/v1/sources/council",
            json={"name": "Council listings"},
            headers={**keys.staff, "If-Match": found.headers["etag"]},
        )
        assert renamed.status_code == 200, renamed.text
        documents.refresh_stale(build.database_of(client))
        assert read(client, first)["origins"][0]["name"] == "Council listings"

    def test_a_merged_listing_is_compared_with_nothing(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, pair: tuple[str, str]
    ) -> None:
        first, second = pair
        merged(client, keys.staff, second, first)
        push(client, trusted, "3")
        duplicates.find(build.database_of(client))
        (found,) = waiting(client, keys.staff)
        assert found["one"]["id"] == first
