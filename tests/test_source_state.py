"""The state of a source, a partner's own listings, and how much a source may send."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event
from starlette.testclient import TestClient

from app.opportunities.asking import ask
from tests import build
from tests.conftest import serving
from tests.test_opportunities import act, edit, push
from tests.test_service import problem


def batch(client: TestClient, headers: build.Headers, *items: Any, query: str = "") -> Any:
    return client.post(
        f"/v1/sources/web/batches{query}", json={"items": list(items)}, headers=headers
    )


def item(external_id: str, **more: Any) -> dict[str, Any]:
    return {"external_id": external_id, **build.listing(**more)}


def own(client: TestClient, headers: build.Headers, query: str = "") -> list[Any]:
    answer = client.get(f"/v1/sources/web/listings?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["items"]
    return found


class TestState:
    def test_nothing_yet(self, client: TestClient, trusted: build.Headers) -> None:
        state = client.get("/v1/sources/web", headers=trusted).json()["state"]
        assert state == {
            "last_push_at": None,
            "last_batch": None,
            "listings": {},
            "live": 0,
            "pending": 0,
            "oldest_unseen": None,
            "harvest": None,
            "quality": None,
        }

    def test_what_came_and_what_did_not_come_again(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        first = batch(client, trusted, item("1"), item("2"), item("3", price=None)).json()
        second = batch(client, trusted, item("1"), item("3", price=None)).json()
        found = client.get("/v1/sources/web", headers=trusted).json()
        state = found["state"]
        assert state["last_batch"]["id"] == second["id"] != first["id"]
        assert state["last_batch"]["counts"] == second["counts"]
        assert state["last_push_at"] == found["last_push_at"]
        assert state["listings"] == found["listings"] == {"published": 2, "draft": 1}
        assert state["live"] == 2
        oldest = state["oldest_unseen"]
        assert (oldest["external_id"], oldest["title"]) == ("2", "Saturday dance club")
        assert client.get(oldest["href"].removeprefix("http://testserver")).status_code == 200
        assert client.get(state["last_batch"]["href"], headers=trusted).status_code == 200
        push(client, trusted, "2")
        state = client.get("/v1/sources/web", headers=trusted).json()["state"]
        assert state["oldest_unseen"]["external_id"] == "1"

    def test_what_waits(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        act(client, keys.staff, made["id"], "approve")
        push(client, moderated, title="Sunday dance club")
        state = client.get("/v1/sources/web", headers=moderated).json()["state"]
        assert (state["live"], state["pending"]) == (1, 1)

    def test_many_sources_take_no_more_queries_than_one(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        engine = build.database_of(client).read_engine
        seen: list[str] = []

        def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        def count() -> int:
            seen.clear()
            event.listen(engine, "before_cursor_execute", note)
            answer = client.get("/v1/sources", headers=keys.staff)
            event.remove(engine, "before_cursor_execute", note)
            assert answer.status_code == 200
            return len(seen)

        batch(client, trusted, item("1"))
        one = count()
        for number in range(4):
            build.source(client, keys, key=f"more-{number}")
            path = f"/v1/sources/more-{number}/batches"
            client.post(path, json={"items": [item("1")]}, headers=trusted)
        assert count() == one

    def test_it_may_be_sent_back(self, client: TestClient, trusted: build.Headers) -> None:
        read = client.get("/v1/sources/web", headers=trusted)
        headers = {**trusted, "If-Match": read.headers["etag"]}
        assert client.put("/v1/sources/web", json=read.json(), headers=headers).status_code == 200


class TestListings:
    def test_what_is_wrong_with_each(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = {
            name: push(client, moderated, name)["id"] for name in ("good", "bad", "fixed", "waits")
        }
        push(client, moderated, "part", price=None)
        for name in ("good", "fixed", "waits"):
            act(client, keys.staff, made[name], "approve")
        act(client, keys.staff, made["bad"], "reject", reason="It is over.")
        path = f"/v1/opportunities/{made['fixed']}"
        edit(client, keys.staff, path, {"age_max": 16, "reason": "The venue told us."})
        push(client, moderated, "waits", title="Sunday dance club")

        rows = {row["external_id"]: row for row in own(client, moderated)}
        assert list(rows) == ["bad", "fixed", "good", "part", "waits"]
        assert rows["good"]["what_to_do"] == []
        assert rows["bad"]["status"] == "rejected"
        assert rows["bad"]["rejection_reason"] == "It is over."
        assert "It is over." in rows["bad"]["what_to_do"][0]
        (corrected,) = rows["fixed"]["corrected"]
        assert (corrected["field"], corrected["reason"]) == ("age_max", "The venue told us.")
        assert (rows["part"]["status"], rows["part"]["missing"]) == ("draft", ["price"])
        assert rows["part"]["what_to_do"] == ["State the price, or that it is free."]
        assert [rows[name]["pending"] for name in rows] == [False, False, False, False, True]
        assert [one["code"] for one in rows["part"]["would_raise"][:2]] == ["description", "price"]
        assert all(len(row["would_raise"]) == 3 for row in rows.values())

        for query, expected in (
            ("problem=missing", ["part"]),
            ("problem=rejected", ["bad"]),
            ("problem=corrected", ["fixed"]),
            ("problem=pending", ["waits"]),
            ("problem=pending&problem=corrected", ["fixed", "waits"]),
            ("problem=asked", []),
            ("status=draft&status=rejected", ["bad", "part"]),
            ("gap=price", ["part"]),
            ("gap=price&gap=times", ["part"]),
            ("sort=quality&limit=1", ["part"]),
            ("sort=last_seen&limit=2&status=published", ["good", "fixed"]),
            ("sort=updated&limit=1&status=rejected", ["bad"]),
        ):
            found = [row["external_id"] for row in own(client, moderated, query)]
            assert found == expected, query

    def test_what_is_asked(self, client: TestClient, keys: build.Keys) -> None:
        start = datetime(2027, 1, 4, 9, tzinfo=UTC)
        with time_machine.travel(start) as traveller:
            build.organisation(client, keys)
            build.source(client, keys, key="web")
            publisher = keys.publisher("dance-hub")
            push(client, publisher, sessions=[], always_available=True)
            traveller.move_to(start + timedelta(days=200))
            assert ask(build.database_of(client), days=180) == 1
            (row,) = own(client, publisher, "problem=asked")
            asked = {name: datetime.fromisoformat(row["asked"][name]) for name in row["asked"]}
            assert asked["expires_at"] - asked["asked_at"] == timedelta(days=30)
            assert len(row["what_to_do"]) == 1

    def test_pages(self, client: TestClient, trusted: build.Headers) -> None:
        for number in range(5):
            push(client, trusted, str(number), image=None if number % 2 else build_image())
        path, found = "/v1/sources/web/listings?sort=quality&limit=2", []
        while path:
            answer = client.get(path, headers=trusted).json()
            found += [row["external_id"] for row in answer["items"]]
            path = (answer["next"] or "").removeprefix("http://testserver")
        assert found == ["1", "3", "0", "2", "4"]

    @pytest.mark.parametrize("query", ["problem=ugly", "gap=beauty", "sort=title", "status=any"])
    def test_bad_filters(self, client: TestClient, trusted: build.Headers, query: str) -> None:
        for path in ("listings", "listings.csv"):
            answer = client.get(f"/v1/sources/web/{path}?{query}", headers=trusted)
            problem(answer, 422, "invalid")

    def test_a_partner_sees_its_own(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.organisation(client, keys, "Clay Works")
        for path in ("listings", "listings.csv"):
            problem(client.get(f"/v1/sources/web/{path}"), 401, "unauthenticated")
            for other in (keys.publisher("clay-works"), keys.coordinator("birmingham")):
                answer = client.get(f"/v1/sources/web/{path}", headers=other)
                problem(answer, 404, "not_found")
            assert client.get(f"/v1/sources/web/{path}", headers=keys.staff).status_code == 200

    def test_a_table_for_spreadsheets(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, "1", title="=HYPERLINK(1) for all")
        push(client, trusted, "2", price=None)
        answer = client.get("/v1/sources/web/listings.csv", headers=trusted)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["cache-control"] == "private, no-store"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["external_id"] for row in rows] == ["1", "2"]
        assert rows[0]["title"] == "'=HYPERLINK(1) for all"
        assert rows[1]["missing"] == "price"
        assert rows[1]["quality"] == str(own(client, trusted, "status=draft")[0]["quality"])
        filtered = client.get("/v1/sources/web/listings.csv?status=draft", headers=trusted)
        assert len(list(csv.DictReader(io.StringIO(filtered.text)))) == 1


def build_image() -> dict[str, str]:
    return {"url": "https://dancehub.example/1.jpg", "alt": "Children dancing"}


class TestInbox:
    def corrected(self, client: TestClient, headers: build.Headers) -> list[Any]:
        items = client.get("/v1/me/inbox", headers=headers).json()["items"]
        return [one for one in items if one["kind"] == "corrected"]

    def test_what_staff_corrected(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.source(client, keys, key="more")
        made = {name: push(client, trusted, name)["id"] for name in ("1", "2", "3", "gone")}
        made["other"] = push(client, trusted, "other", key="more")["id"]
        assert self.corrected(client, trusted) == []
        for name in ("2", "3", "gone", "other"):
            correction = {"age_max": 16, "reason": "The venue told us."}
            edit(client, keys.staff, f"/v1/opportunities/{made[name]}", correction)
        client.delete("/v1/sources/web/opportunities/gone", headers=trusted)

        more, web = self.corrected(client, trusted)
        assert (more["count"], web["count"]) == (1, 2)
        assert web["oldest_at"] < more["oldest_at"]
        for waits, expected in ((more, ["other"]), (web, ["2", "3"])):
            listed = client.get(waits["href"], headers=trusted).json()["items"]
            assert [row["external_id"] for row in listed] == expected
            assert all(row["corrected"] for row in listed)

        path = f"/v1/opportunities/{made['other']}"
        tag = client.get(path, headers=keys.staff).headers["etag"]
        client.delete(f"{path}/overrides/age_max", headers={**keys.staff, "If-Match": tag})
        assert [one["count"] for one in self.corrected(client, trusted)] == [2]

    def test_it_is_the_partner_s(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.organisation(client, keys, "Clay Works")
        path = f"/v1/opportunities/{push(client, trusted)['id']}"
        edit(client, keys.staff, path, {"age_max": 16, "reason": "The venue told us."})
        for other in (keys.staff, keys.coordinator("birmingham"), keys.publisher("clay-works")):
            assert self.corrected(client, other) == []


class TestRoom:
    @pytest.fixture
    def publisher(self, client: TestClient, keys: build.Keys) -> build.Headers:
        build.organisation(client, keys)
        build.source(client, keys, key="web", max_listings=2)
        return keys.publisher("dance-hub")

    def test_the_new_ones_are_refused_and_the_rest_lands(
        self, client: TestClient, publisher: build.Headers
    ) -> None:
        push(client, publisher, "1")
        sent = [item("1", title="Sunday dance club"), item("2"), item("3")]
        dry = batch(client, publisher, *sent, query="?dry_run=true").json()
        report = batch(client, publisher, *sent).json()
        assert dry["counts"] == report["counts"]
        assert report["counts"] | {"created": 1, "updated": 1, "rejected": 1} == report["counts"]
        refused = report["items"][2]
        assert refused["errors"][0]["code"] == "source_full"
        assert refused["status"] is None
        alone = client.put(
            "/v1/sources/web/opportunities/4", json=build.listing(), headers=publisher
        )
        assert problem(alone, 422, "invalid_item")["errors"][0]["code"] == "source_full"
        # What is there is changed as ever, and what leaves makes room.
        assert push(client, publisher, "2", title="Dance for all")["outcome"] == "updated"
        client.delete("/v1/sources/web/opportunities/1", headers=publisher)
        assert push(client, publisher, "4")["outcome"] == "created"

    def test_staff_set_it(
        self, client: TestClient, keys: build.Keys, publisher: build.Headers
    ) -> None:
        read = client.get("/v1/sources/web", headers=publisher).json()
        assert (read["max_listings"], read["pushes_per_hour"]) == (2, None)
        for name in ("max_listings", "pushes_per_hour"):
            headers = {**publisher, "If-Match": "*"}
            answer = client.patch("/v1/sources/web", json={name: 9}, headers=headers)
            problem(answer, 403, "forbidden")
            made = {"name": "Another", name: 9}
            problem(client.post("/v1/sources", json=made, headers=publisher), 403, "forbidden")
            headers = {**keys.staff, "If-Match": "*"}
            answer = client.patch("/v1/sources/web", json={name: 9}, headers=headers)
            assert answer.json()[name] == 9

    def test_by_default_as_the_service_says(self, database_url: str) -> None:
        with serving(database_url, max_listings=1) as client:
            keys = build.Keys(build.database_of(client))
            build.organisation(client, keys)
            build.source(client, keys, key="web")
            report = batch(client, keys.staff, item("1"), item("2")).json()
            assert (report["counts"]["created"], report["counts"]["rejected"]) == (1, 1)


class TestHour:
    def put(self, client: TestClient, headers: build.Headers, external_id: str) -> Any:
        path = f"/v1/sources/web/opportunities/{external_id}"
        return client.put(path, json=build.listing(), headers=headers)

    def test_of_a_source(self, client: TestClient, keys: build.Keys) -> None:
        start = datetime(2027, 1, 4, 9, tzinfo=UTC)
        with time_machine.travel(start, tick=False) as traveller:
            build.organisation(client, keys)
            build.source(client, keys, key="web", pushes_per_hour=3)
            publisher = keys.publisher("dance-hub")
            for name in ("1", "2", "2"):  # one that changes nothing counts, too
                assert self.put(client, publisher, name).status_code in {200, 201}
            refused = self.put(client, keys.staff, "3")
            problem(refused, 429, "too_many_requests")
            assert refused.headers["retry-after"] == "1200"
            problem(batch(client, publisher, item("4")), 429, "too_many_requests")
            dry = batch(client, publisher, item("4"), query="?dry_run=true")
            assert dry.status_code == 200
            traveller.move_to(start + timedelta(seconds=1200))
            assert self.put(client, publisher, "3").status_code == 201
            problem(self.put(client, publisher, "5"), 429, "too_many_requests")

    def test_it_holds_in_another_process(self, database_url: str) -> None:
        with serving(database_url) as one, serving(database_url) as two:
            keys = build.Keys(build.database_of(one))
            build.organisation(one, keys)
            build.source(one, keys, key="web", pushes_per_hour=2)
            assert self.put(one, keys.staff, "1").status_code == 201
            assert self.put(two, keys.staff, "2").status_code == 201
            problem(self.put(one, keys.staff, "3"), 429, "too_many_requests")
            problem(self.put(two, keys.staff, "3"), 429, "too_many_requests")

    def test_of_a_key_over_its_sources(self, database_url: str) -> None:
        start = datetime(2027, 1, 4, 9, tzinfo=UTC)
        with (
            time_machine.travel(start, tick=False) as traveller,
            serving(database_url, pushes_per_hour=40) as client,
        ):
            keys = build.Keys(build.database_of(client))
            build.organisation(client, keys)
            for name in ("web", "web2", "web3"):
                build.source(client, keys, key=name)
            publisher = keys.publisher("dance-hub")

            def send(key: str, headers: build.Headers) -> Any:
                path = f"/v1/sources/{key}/batches"
                return client.post(path, json={"items": [item("1")]}, headers=headers)

            assert send("web", publisher).status_code == 201
            traveller.move_to(start + timedelta(minutes=10))
            assert send("web2", publisher).status_code == 201
            refused = send("web3", publisher)
            problem(refused, 429, "too_many_requests")
            assert refused.headers["retry-after"] == "3000"
            assert send("web3", keys.staff).status_code == 201
            traveller.move_to(start + timedelta(minutes=61))
            assert send("web3", publisher).status_code == 201
