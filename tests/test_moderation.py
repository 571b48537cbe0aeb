"""Many decisions at once: each as the single action, and none in the way of another."""

from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from tests import build
from tests.test_opportunities import act, ids, push
from tests.test_service import problem

PATH = "/v1/opportunities/moderation"
NOWHERE = "0197a1c0-5d5e-7c3a-9d0f-3a0d6c1f2b4e"


def named(client: TestClient, headers: build.Headers, *identifiers: str) -> list[dict[str, Any]]:
    """These listings at the versions that the caller reads."""
    items = [client.get(f"/v1/opportunities/{one}", headers=headers).json() for one in identifiers]
    return [{"id": item["id"], "version": item["version"]} for item in items]


def moderate(
    client: TestClient, headers: build.Headers, action: str, items: Any, **more: Any
) -> Any:
    answer = client.post(PATH, json={"action": action, "items": items, **more}, headers=headers)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    outcomes = [item["outcome"] for item in report["items"]]
    assert (outcomes.count("done"), outcomes.count("refused")) == (
        report["done"],
        report["refused"],
    )
    return report


def refusals(report: Any) -> list[tuple[int, str] | None]:
    """The status and code of what stood against each."""
    return [
        (item["error"]["status"], item["error"]["code"]) if item["error"] else None
        for item in report["items"]
    ]


class TestOutcomes:
    def test_one_bad_item_stops_none_of_the_others(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        said: list[dict[str, Any]] = [{}, {"price": None}, {}, {}, {}, {}]
        good, draft, stale, decided, twice, last = (
            push(client, moderated, str(number), **more)["id"] for number, more in enumerate(said)
        )
        act(client, keys.staff, decided, "approve")
        items = named(client, keys.staff, good, draft, stale, decided, twice, last)
        items[2]["version"] += 1
        items.insert(5, items[4])
        items.insert(6, {"id": NOWHERE, "version": 1})
        report = moderate(client, keys.staff, "approve", items)
        assert refusals(report) == [
            None,
            (409, "not_publishable"),
            (412, "stale"),
            (409, "conflict"),
            (409, "conflict"),
            (409, "conflict"),
            (404, "not_found"),
            None,
        ]
        assert [item["status"] for item in report["items"]] == [
            "published",
            "draft",
            "submitted",
            "published",
            "submitted",
            "submitted",
            None,
            "published",
        ]
        assert report["items"][1]["error"]["errors"][0]["code"] == "missing_price"
        assert report["items"][1]["error"]["type"].endswith("/problems/not_publishable")
        assert sorted(ids(client)) == ["0", "3", "5"]
        for item in report["items"]:
            if item["status"]:
                found = client.get(f"/v1/opportunities/{item['id']}", headers=keys.staff).json()
                assert (found["version"], found["status"]) == (item["version"], item["status"])

    def test_each_action(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = [push(client, moderated, str(number))["id"] for number in range(3)]

        def do(action: str, **more: Any) -> list[str]:
            items = named(client, keys.staff, *made)
            report = moderate(client, keys.staff, action, items, **more)
            assert report["refused"] == 0, report
            return [item["status"] for item in report["items"]]

        assert do("withdraw", reason="The hall is closed.") == ["withdrawn"] * 3
        assert push(client, moderated, "0")["status"] == "withdrawn"
        assert do("restore") == ["submitted"] * 3
        assert do("approve") == ["published"] * 3
        push(client, moderated, "1", title="Waiting")
        changed = client.get(f"/v1/opportunities/{made[1]}", headers=keys.staff).json()
        assert changed["pending"]["title"] == "Waiting"
        report = moderate(
            client, keys.staff, "reject", named(client, keys.staff, *made), reason="Not yet."
        )
        assert refusals(report) == [(409, "conflict"), None, (409, "conflict")]
        after = client.get(f"/v1/opportunities/{made[1]}", headers=moderated).json()
        assert (after["pending"], after["rejection_reason"]) == (None, "Not yet.")
        assert push(client, moderated, "1", title="Waiting")["outcome"] == "unchanged"

    def test_submit(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        publisher = keys.publisher("dance-hub")
        bodies = [build.listing(), {"title": "Only a title"}]
        made = [
            client.post("/v1/opportunities", json=body, headers=publisher).json()["id"]
            for body in bodies
        ]
        report = moderate(client, keys.staff, "submit", named(client, keys.staff, *made))
        assert refusals(report) == [None, (409, "not_publishable")]
        assert [item["status"] for item in report["items"]] == ["submitted", "draft"]

    def test_what_cannot_be_restored_stays_as_it_was(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = client.post(
            "/v1/venues",
            json={"organisation": "dance-hub", "name": "Hall", "postcode": "B1 1BB"},
            headers=keys.staff,
        )
        made = [push(client, trusted, "1")["id"], push(client, trusted, "2", venue="hall")["id"]]
        moderate(client, keys.staff, "withdraw", named(client, keys.staff, *made))
        gone = {**keys.staff, "If-Match": venue.headers["etag"]}
        assert client.delete("/v1/venues/hall", headers=gone).status_code == 204
        report = moderate(client, keys.staff, "restore", named(client, keys.staff, *made))
        assert refusals(report) == [None, (409, "conflict")]
        assert report["items"][1]["error"]["errors"][0]["pointer"] == "#/venue"
        assert push(client, trusted, "2", title="Anew")["status"] == "withdrawn"

    def test_it_is_the_single_action(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        one, other = (push(client, moderated, number)["id"] for number in ("1", "2"))
        act(client, keys.staff, one, "approve")
        moderate(client, keys.staff, "approve", named(client, keys.staff, other))
        own = {"id", "href", "sessions", "source", "change_number", "updated_at", "published_at"}
        own |= {"last_seen_at", "provider"}

        def facts(identifier: str) -> dict[str, Any]:
            item = client.get(f"/v1/opportunities/{identifier}", headers=keys.staff).json()
            return {name: value for name, value in item.items() if name not in own}

        assert facts(one) == facts(other)
        trail = client.get(
            f"/v1/audit-events?subject_id={other}&action=opportunity.approve", headers=keys.admin
        )
        assert len(trail.json()["items"]) == 1

    def test_more_sessions_than_one_plan_holds(
        self,
        client: TestClient,
        keys: build.Keys,
        moderated: build.Headers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        made = [push(client, moderated, str(number))["id"] for number in range(5)]
        monkeypatch.setattr("app.opportunities.intake.MOST_OCCASIONS", 4)
        report = moderate(client, keys.staff, "approve", named(client, keys.staff, *made))
        assert report["done"] == 5


class TestWho:
    def test_coordinators_decide_in_their_areas(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        here = push(client, moderated, "here")["id"]
        venue = {"name": "Hall", "postcode": "WV1 1SE"}
        there = push(client, moderated, "there", venue=venue)["id"]
        public = push(client, moderated, "public", venue=venue)["id"]
        act(client, keys.staff, public, "approve")
        items = named(client, keys.staff, here, there, public)
        report = moderate(client, keys.coordinator("birmingham"), "withdraw", items)
        assert refusals(report) == [None, (404, "not_found"), (403, "forbidden")]

    def test_not_publishers(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        items = named(client, moderated, push(client, moderated)["id"])
        body = {"action": "withdraw", "items": items}
        problem(client.post(PATH, json=body), 401, "unauthenticated")
        problem(client.post(PATH, json=body, headers=moderated), 403, "forbidden")


class TestRequest:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"action": "reject", "items": [{"id": NOWHERE, "version": 1}]}, "#/reason"),
            ({"action": "approve", "items": []}, "#/items"),
            ({"action": "approve", "items": [{"id": NOWHERE, "version": 1}] * 501}, "#/items"),
            ({"action": "approve", "items": [{"id": "1", "version": 1}]}, "#/items/0/id"),
            ({"action": "approve", "items": [{"id": NOWHERE}]}, "#/items/0/version"),
            ({"action": "delete", "items": [{"id": NOWHERE, "version": 1}]}, "#/action"),
        ],
    )
    def test_bad_ones(
        self, shared_client: TestClient, shared_keys: build.Keys, body: Any, pointer: str
    ) -> None:
        answer = shared_client.post(PATH, json=body, headers=shared_keys.staff)
        assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == pointer

    def test_a_retry_gets_the_first_answer(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        items = named(client, keys.staff, push(client, moderated)["id"])
        headers = {**keys.staff, "Idempotency-Key": "approve-1"}
        body = {"action": "approve", "items": items}
        first = client.post(PATH, json=body, headers=headers)
        again = client.post(PATH, json=body, headers=headers)
        assert first.json()["done"] == 1
        assert (again.text, again.headers["idempotency-replayed"]) == (first.text, "true")


@pytest.mark.parametrize("action", ["approve", "reject", "withdraw", "restore"])
def test_as_many_statements_for_many_as_for_few(
    client: TestClient, keys: build.Keys, moderated: build.Headers, action: str
) -> None:
    """What they cost does not grow by statements: one plan for each source."""
    database = build.database_of(client)

    def statements(name: str, count: int) -> int:
        said = [{"external_id": f"{name}{n}", **build.listing()} for n in range(count)]
        report = client.post("/v1/sources/web/batches", json={"items": said}, headers=moderated)
        items = [{"id": item["id"], "version": 1} for item in report.json()["items"]]
        if action == "restore":
            decided = moderate(client, keys.staff, "withdraw", items)["items"]
            items = [{"id": item["id"], "version": item["version"]} for item in decided]
        asked: list[str] = []

        def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        event.listen(database.write_engine, "before_cursor_execute", note)
        done = moderate(client, keys.staff, action, items, reason="So.")
        event.remove(database.write_engine, "before_cursor_execute", note)
        assert done["done"] == count
        return len(asked)

    few, many = statements("few", 3), statements("many", 60)
    assert many <= few + 2  # long inserts are sent in a few parts
