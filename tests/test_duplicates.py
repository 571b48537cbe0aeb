"""Listings that may be one: found on arrival, told with reasons, decided by people."""

from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.opportunities import duplicates
from app.opportunities.titles import likeness, read_title, set_apart
from tests import build
from tests.test_opportunities import act, push
from tests.test_service import problem

MOVED = {
    "venue": {"name": "Town Hall", "postcode": "WV1 1RL"},
}


def session(start: str, end: str | None = None) -> dict[str, Any]:
    return {"starts_at": start} | ({"ends_at": end} if end else {})


def find(client: TestClient) -> int:
    return duplicates.find(build.database_of(client))


def matches(client: TestClient, headers: build.Headers, identifier: str) -> Any:
    answer = client.get(f"/v1/opportunities/{identifier}/duplicates", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def waiting(client: TestClient, headers: build.Headers, query: str = "") -> Any:
    answer = client.get(f"/v1/duplicates?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def decide(client: TestClient, headers: build.Headers, one: str, other: str, decision: str) -> Any:
    tag = client.get(f"/v1/opportunities/{one}", headers=headers).headers["etag"]
    return client.post(
        f"/v1/opportunities/{one}/duplicates/{other}",
        json={"decision": decision},
        headers={**headers, "If-Match": tag},
    )


@pytest.fixture
def council(client: TestClient, keys: build.Keys, trusted: build.Headers) -> build.Headers:
    """The key of another publisher, whose trusted source `council` lists what others offer."""
    build.organisation(client, keys, "City Council")
    build.source(
        client, keys, "city-council", key="council", name="What's on", providers=["dance-hub"]
    )
    return keys.publisher("city-council")


class TestFound:
    def test_across_sources_with_reasons(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, council: build.Headers
    ) -> None:
        first = push(client, trusted)["id"]
        second = push(
            client, council, "a-17", "council", title="Dance Club – Saturdays!", price={"from": "5"}
        )["id"]
        assert find(client) == 2
        (found,) = matches(client, keys.staff, second)
        assert (found["kind"], found["status"]) == ("duplicate", "proposed")
        assert 60 <= found["score"] <= 100
        assert "The titles say the same." in found["reasons"]
        assert "All sessions start at the same time." in found["reasons"]
        assert "Both are at the same place." in found["reasons"]
        listing = found["listing"]
        assert (listing["id"], listing["title"]) == (first, "Saturday dance club")
        assert listing["href"] == f"http://testserver/v1/opportunities/{first}"
        assert listing["source"]["key"] == "web"
        assert listing["provider"]["slug"] == "dance-hub"
        assert listing["next_session_at"] == "2027-06-05T09:00:00Z"
        (mirrored,) = matches(client, trusted, first)
        assert mirrored["listing"]["id"] == second
        assert (mirrored["score"], mirrored["reasons"]) == (found["score"], found["reasons"])
        assert "But the prices differ." in found["reasons"]

    def test_within_a_source(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        first, second = push(client, trusted)["id"], push(client, trusted, "2")["id"]
        find(client)
        (pair,) = waiting(client, keys.staff)
        assert (pair["one"]["id"], pair["other"]["id"]) == (first, second)

    @pytest.mark.parametrize(
        "more",
        [
            {"title": "Saturdy dance clubb"},
            {"title": "SATURDAY DANCE CLUB 2027"},
            {"title": "Dance club (Sat 5 June)"},
            {"title": "Saturday dance class"},
            {"venue": {"name": "Dance Room", "postcode": "B1 2AA"}},
            {"sessions": [session("2027-06-05T10:30:00", "2027-06-05T12:00:00")]},
            {"sessions": [{"date": "2027-06-05"}, {"date": "2027-06-12"}]},
            {"sessions": [], "always_available": True},
            {"price": {"free": True}},
        ],
    )
    def test_written_otherwise(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, more: dict[str, Any]
    ) -> None:
        push(client, trusted)
        push(client, trusted, "2", **more)
        find(client)
        assert [pair["kind"] for pair in waiting(client, keys.staff)] == ["duplicate"], more

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({"title": "Summer school week 1"}, {"title": "Summer school week 2"}),
            ({"title": "Summer school, part one"}, {"title": "Summer school, part two"}),
            ({"title": "Dance club, group A"}, {"title": "Dance club, group B"}),
            ({"title": "Ballet for beginners"}, {"title": "Ballet advanced"}),
            ({"title": "Dance 5-7"}, {"title": "Dance 8-11"}),
            ({"title": "Junior dance"}, {"title": "Senior dance"}),
            ({"age_min": 5, "age_max": 7}, {"age_min": 8, "age_max": 11}),
            ({"age_min": 5, "age_max": 8}, {"age_min": 8, "age_max": 11}),
            ({}, MOVED),
            ({}, {"title": "Printing workshop"}),
            ({"title": "Painting workshop"}, {"title": "Printing workshop"}),
            ({}, {"sessions": [session("2027-06-05T14:00:00", "2027-06-05T15:30:00")]}),
            (
                {"title": "Make your own paper lantern"},
                {"title": "Make your own clay lantern"},
            ),
        ],
    )
    def test_two_things(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        first: dict[str, Any],
        second: dict[str, Any],
    ) -> None:
        push(client, trusted, **first)
        push(client, trusted, "2", **second)
        find(client)
        assert waiting(client, keys.staff) == []

    def test_new_dates_are_a_series(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        first = push(client, trusted, title="Summer dance camp 2027")["id"]
        later = [session("2028-06-03T10:00:00", "2028-06-03T11:30:00")]
        second = push(client, trusted, "2", title="Summer dance camp 2028", sessions=later)["id"]
        find(client)
        (found,) = matches(client, trusted, second)
        assert (found["kind"], found["listing"]["id"]) == ("series", first)
        assert "Their dates do not meet: the one comes after the other." in found["reasons"]
        assert waiting(client, keys.staff, "kind=duplicate") == []
        assert (
            client.get(f"/v1/opportunities/{second}", headers=trusted).json()["duplicate_of"]
            is None
        )

        confirmed = decide(client, keys.staff, second, first, "confirm_series")
        assert confirmed.json()["status"] == "confirmed"
        assert waiting(client, keys.staff) == []
        assert [one["status"] for one in matches(client, trusted, first)] == ["confirmed"]

    def test_a_long_series_is_a_chain(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        for number in range(1, 7):
            day = f"2027-06-{number + 10:02}"
            push(client, trusted, str(number), sessions=[session(f"{day}T10:00:00")])
        find(client)
        assert len(waiting(client, keys.staff, "kind=series")) == 5

    def test_online_by_title_alone(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, council: build.Headers
    ) -> None:
        online: dict[str, Any] = {
            "venue": None,
            "delivery": "online",
            "sessions": [],
            "always_available": True,
        }
        push(client, trusted, title="Write a poem with us", **online)
        push(client, council, "p", "council", title="Write a poem with us!", **online)
        find(client)
        (pair,) = waiting(client, keys.staff)
        assert "Both are always available." in pair["reasons"]


class TestKeptCurrent:
    def test_a_change_is_seen(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        push(client, trusted, "2")
        find(client)
        assert len(waiting(client, keys.staff)) == 1
        assert find(client) == 0
        push(client, trusted, "2", title="Printing for everyone")
        assert find(client) == 1
        assert waiting(client, keys.staff) == []
        push(client, trusted, "2")
        find(client)
        assert len(waiting(client, keys.staff)) == 1

    def test_what_is_gone_waits_for_nobody(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        push(client, trusted, "2")
        find(client)
        client.delete("/v1/sources/web/opportunities/2", headers=trusted)
        assert waiting(client, keys.staff) == []
        find(client)
        push(client, trusted, "2")
        find(client)
        assert len(waiting(client, keys.staff)) == 1

    def test_refused_stays_refused_but_as_another_kind(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        first, second = push(client, trusted)["id"], push(client, trusted, "2")["id"]
        find(client)
        refused = decide(client, keys.staff, first, second, "refuse")
        assert refused.json()["status"] == "refused"
        assert refused.json()["decided_at"]
        push(client, trusted, "2", summary="Dance on Saturdays.")
        find(client)
        assert waiting(client, keys.staff) == []
        assert len(waiting(client, keys.staff, "status=refused")) == 1
        later = [session("2027-09-04T10:00:00", "2027-09-04T11:30:00")]
        push(client, trusted, "2", sessions=later)
        find(client)
        (pair,) = waiting(client, keys.staff)
        assert (pair["kind"], pair["decided_at"]) == ("series", None)

    def test_statements_do_not_grow_with_listings(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        def statements(count: int, mark: str) -> int:
            items = [
                {"external_id": f"{mark}{number}", **build.listing(title=f"{mark} {word} dance")}
                for number, word in enumerate(["rose", "oak", "elm", "ash", "ivy"] * count)
            ]
            batch = client.post("/v1/sources/web/batches", json={"items": items}, headers=trusted)
            assert batch.json()["counts"]["created"] == len(items)
            counted: list[str] = []

            def count_one(_c: Any, _cu: Any, statement: str, *_rest: Any) -> None:
                counted.append(statement)

            database = build.database_of(client)
            for engine in (database.read_engine, database.write_engine):
                event.listen(engine, "before_cursor_execute", count_one)
            assert find(client) == len(items)
            for engine in (database.read_engine, database.write_engine):
                event.remove(engine, "before_cursor_execute", count_one)
            return len(counted)

        few, many = statements(1, "alpha"), statements(20, "omega")
        assert many <= few + 4


class TestWhoSees:
    @pytest.fixture
    def pair(
        self, client: TestClient, trusted: build.Headers, council: build.Headers
    ) -> tuple[str, str]:
        first = push(client, trusted)["id"]
        second = push(client, council, "a", "council")["id"]
        find(client)
        return first, second

    def test_of_one_listing(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        council: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair
        path = f"/v1/opportunities/{first}/duplicates"
        problem(client.get(path), 401, "unauthenticated")
        build.organisation(client, keys, "Clay Works")
        problem(client.get(path, headers=keys.publisher("clay-works")), 404, "not_found")
        problem(client.get(path, headers=keys.coordinator("dudley")), 404, "not_found")
        for headers in (trusted, keys.staff, keys.coordinator("birmingham")):
            assert [one["listing"]["id"] for one in matches(client, headers, first)] == [second]

    def test_of_a_foreign_draft_nothing_is_told(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, council: build.Headers
    ) -> None:
        first = push(client, trusted)["id"]
        push(client, council, "b", "council", provider="city-council", price=None)
        find(client)
        assert len(matches(client, keys.staff, first)) == 1
        assert matches(client, trusted, first) == []

    def test_the_list(self, client: TestClient, keys: build.Keys, pair: tuple[str, str]) -> None:
        problem(client.get("/v1/duplicates"), 401, "unauthenticated")
        problem(client.get("/v1/duplicates", headers=keys.publisher("dance-hub")), 403, "forbidden")
        assert waiting(client, keys.coordinator("dudley")) == []
        for headers in (keys.staff, keys.coordinator("birmingham")):
            (found,) = waiting(client, headers)
            assert (found["one"]["id"], found["other"]["id"]) == pair
        assert len(waiting(client, keys.staff, "source=council&kind=duplicate")) == 1
        assert waiting(client, keys.staff, "source=elsewhere") == []
        assert waiting(client, keys.staff, "status=refused&status=confirmed") == []
        problem(client.get("/v1/duplicates?kind=twin", headers=keys.staff), 422, "invalid")

    def test_pages(self, client: TestClient, keys: build.Keys, trusted: build.Headers) -> None:
        for number in range(4):
            push(client, trusted, str(number))
        find(client)
        page = client.get("/v1/duplicates?limit=4&count=true", headers=keys.staff).json()
        assert (len(page["items"]), page["total"]) == (4, 6)
        rest = client.get(page["next"], headers=keys.staff).json()
        assert len(rest["items"]) == 2

    def test_inbox_and_original(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        council: build.Headers,
        pair: tuple[str, str],
    ) -> None:
        first, second = pair

        def inbox(headers: build.Headers) -> Any:
            items = client.get("/v1/me/inbox", headers=headers).json()["items"]
            return {item["kind"]: item for item in items}.get("duplicates")

        item = inbox(keys.staff)
        assert item["count"] == 1
        assert len(client.get(item["href"], headers=keys.staff).json()["items"]) == 1
        assert inbox(keys.coordinator("birmingham"))["count"] == 1
        assert inbox(keys.coordinator("dudley")) is None
        assert inbox(trusted) is None

        read = client.get(f"/v1/opportunities/{second}", headers=council).json()
        assert (read["duplicate_of"]["id"], read["duplicate_of"]["merged"]) == (first, False)
        assert (
            client.get(f"/v1/opportunities/{first}", headers=trusted).json()["duplicate_of"] is None
        )
        assert "duplicate_of" not in client.get(f"/v1/opportunities/{second}").json()


class TestDecide:
    def test_who_and_how(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        first, second = push(client, trusted)["id"], push(client, trusted, "2")["id"]
        path = f"/v1/opportunities/{first}/duplicates/{second}"
        body = {"decision": "refuse"}
        whatever = {"If-Match": "*"}
        problem(client.post(path, json=body, headers=whatever), 401, "unauthenticated")
        problem(client.post(path, json=body, headers={**trusted, **whatever}), 403, "forbidden")
        problem(client.post(path, json=body, headers=keys.staff), 428, "precondition_required")
        problem(
            client.post(path, json=body, headers={**keys.staff, "If-Match": '"99-0a"'}),
            412,
            "stale",
        )
        problem(decide(client, keys.staff, first, second, "refuse"), 404, "not_found")
        find(client)
        problem(
            decide(client, keys.coordinator("dudley"), first, second, "refuse"), 403, "forbidden"
        )
        problem(decide(client, keys.staff, first, second, "confirm_series"), 409, "conflict")
        problem(decide(client, keys.staff, first, second, "perhaps"), 422, "invalid")
        again = act(client, keys.staff, first, "withdraw")
        assert again.json()["duplicate_of"] is None


class TestTitles:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Café Théâtre", "CAFE THEATRE"),
            ("Children's choir", "Childrens choirs"),
            ("Summer School 2026/27", "Summer School 2027-28"),
            ("Jazz & Blues, 7.30pm", "Jazz and Blues (Fri 3rd March)"),
            ("The Tempest", "Tempest"),
        ],
    )
    def test_the_same(self, one: str, other: str) -> None:
        assert likeness(read_title(one), read_title(other)) == 1

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Choir Part II", "Choir part 3"),
            ("Drawing under 5s", "Drawing under 8s"),
            ("Reading Year 3", "Reading Year 4"),
            ("Music KS1", "Music KS2"),
            ("Morning yoga", "Evening yoga"),
            ("Dance 8+", "Dance 11+"),
        ],
    )
    def test_set_apart(self, one: str, other: str) -> None:
        assert set_apart(read_title(one).marks, read_title(other).marks)

    def test_nothing_but_a_date(self) -> None:
        assert read_title("Saturday 5 June").words
        assert likeness(read_title("1984"), read_title("2001")) == 0
