"""Changes that wait: shown field by field, and decided so."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.opportunities import differences
from tests import build
from tests.test_opportunities import act, edit, push
from tests.test_service import problem

FIRST, SECOND = build.listing()["sessions"]
CHANGED: dict[str, Any] = {
    "title": "Sunday dance club",
    "price": {"from": "5.00", "per": "child"},
    "age_max": 14,
    "sessions": [
        {**SECOND, "ends_at": "2027-06-12T12:00:00"},
        {"starts_at": "2027-06-19T10:00:00"},
    ],
}


@pytest.fixture
def path(client: TestClient, keys: build.Keys, moderated: build.Headers) -> str:
    """The path of a listing that was approved and then changed at its source."""
    made = push(client, moderated)
    assert act(client, keys.staff, made["id"], "approve").status_code == 200
    assert push(client, moderated, **CHANGED)["pending"] is True
    return f"/v1/opportunities/{made['id']}"


def decide(client: TestClient, keys: build.Keys, path: str, action: str, **body: Any) -> Any:
    answer = act(client, keys.staff, path.rpartition("/")[2], action, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def waiting(item: Any) -> list[str]:
    changes = (item["pending_changes"] or {"changes": []})["changes"]
    return list(dict.fromkeys(change["field"] for change in changes))


class TestShown:
    def test_field_by_field(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, path: str
    ) -> None:
        answer = client.get(f"{path}/pending", headers=moderated)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert answer.headers["etag"].startswith(f'"{body["version"]}-')
        found = {change["pointer"]: change for change in body["changes"]}
        assert list(found) == ["#/title", "#/age_max", "#/sessions", "#/price/from"]
        title = found["#/title"]
        assert (title["approved"], title["proposed"]) == (
            "Saturday dance club",
            "Sunday dance club",
        )
        price = found["#/price/from"]
        assert (price["field"], price["approved"], price["proposed"]) == ("price", "4.50", "5.00")
        sessions = found["#/sessions"]["sessions"]
        assert found["#/sessions"]["proposed"] is None
        assert [one["starts_at"] for one in sessions["added"]] == ["2027-06-19T10:00:00+01:00"]
        assert [one["starts_at"] for one in sessions["removed"]] == ["2027-06-05T10:00:00+01:00"]
        (changed,) = sessions["changed"]
        assert changed["approved"]["ends_at"] == "2027-06-12T11:30:00+01:00"
        assert changed["proposed"]["ends_at"] == "2027-06-12T12:00:00+01:00"
        private = client.get(path, headers=keys.coordinator("birmingham")).json()
        assert private["pending_changes"] == body
        assert "pending_changes" not in client.get(path).json()

    def test_what_a_correction_hides_is_said(
        self, client: TestClient, keys: build.Keys, path: str
    ) -> None:
        edit(client, keys.staff, path, {"title": "Dance!", "reason": "As on the poster."})
        found = client.get(f"{path}/pending", headers=keys.staff).json()["changes"]
        hidden = {change["field"]: change["overridden"] for change in found}
        assert hidden == {"title": True, "age_max": False, "sessions": False, "price": False}
        assert found[0]["approved"] == "Saturday dance club"
        after = decide(client, keys, path, "approve", fields=["title"])
        assert after["title"] == "Dance!"

    def test_to_nobody_else(self, client: TestClient, keys: build.Keys, path: str) -> None:
        build.organisation(client, keys, "Clay Works")
        problem(client.get(f"{path}/pending"), 401, "unauthenticated")
        for other in (keys.publisher("clay-works"), keys.coordinator("dudley")):
            problem(client.get(f"{path}/pending", headers=other), 404, "not_found")

    def test_none_is_404(self, client: TestClient, keys: build.Keys, path: str) -> None:
        decide(client, keys, path, "approve")
        problem(client.get(f"{path}/pending", headers=keys.staff), 404, "not_found")

    def test_sessions_that_start_at_once_are_told_apart(self) -> None:
        approved = build.listing(sessions=[FIRST, {**FIRST, "capacity": 5}])
        pending = {"payload": build.listing(sessions=[FIRST, {**FIRST, "capacity": 9}])}
        (change,) = differences.changes(approved, pending, {})
        assert [one["proposed"]["capacity"] for one in change["sessions"]["changed"]] == [9]


class TestApprove:
    def test_one_by_one(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, path: str
    ) -> None:
        before = client.get(path).json()
        after = decide(client, keys, path, "approve", fields=["title"])
        assert (after["title"], after["age_max"]) == ("Sunday dance club", 11)
        assert client.get(path).json()["change_number"] > before["change_number"]
        assert waiting(after) == ["age_max", "sessions", "price"]
        assert push(client, moderated, **CHANGED)["outcome"] == "unchanged"
        after = decide(client, keys, path, "approve", fields=["sessions", "price", "age_max"])
        assert (waiting(after), after["pending"]) == ([], None)
        assert after["price"]["from"] == "5.00"
        assert [one["starts_at"][:10] for one in after["sessions"]] == ["2027-06-12", "2027-06-19"]
        assert push(client, moderated, **CHANGED)["outcome"] == "unchanged"

    def test_only_what_waits(self, client: TestClient, keys: build.Keys, path: str) -> None:
        identifier = path.rpartition("/")[2]
        refused = act(client, keys.staff, identifier, "approve", fields=["title", "themes"])
        found = problem(refused, 422, "invalid")
        assert found["errors"][0]["pointer"] == "#/fields/1"
        assert "title, age_max, sessions, price" in found["detail"]
        assert client.get(path).json()["title"] == "Saturday dance club"

    def test_what_only_holds_together(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, path: str
    ) -> None:
        push(client, moderated, sessions=[], always_available=True)
        refused = act(
            client, keys.staff, path.rpartition("/")[2], "approve", fields=["always_available"]
        )
        assert "always_available" in problem(refused, 409, "not_publishable")["detail"]
        after = decide(client, keys, path, "approve", fields=["always_available", "sessions"])
        assert (after["always_available"], after["pending"]) == (True, None)

    def test_a_submitted_listing_has_no_fields_to_choose(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        problem(act(client, keys.staff, made["id"], "approve", fields=["title"]), 409, "conflict")


class TestReject:
    def test_what_is_in_force_waits_no_more(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, path: str
    ) -> None:
        decide(client, keys, path, "reject", reason="Sundays are closed.")
        version = client.get(path).json()["version"]
        for more in ({}, CHANGED, {}):
            again = push(client, moderated, **more)
            assert (again["outcome"], again["pending"]) == ("unchanged", False)
        after = client.get(path, headers=keys.staff).json()
        assert (after["version"], after["pending"]) == (version, None)
        assert push(client, moderated, title="Monday dance club")["pending"] is True

    def test_one_by_one(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, path: str
    ) -> None:
        after = decide(client, keys, path, "reject", reason="It is Saturday.", fields=["title"])
        assert waiting(after) == ["age_max", "sessions", "price"]
        assert after["rejection_reason"] == "It is Saturday."
        assert push(client, moderated, **CHANGED)["outcome"] == "unchanged"
        after = decide(client, keys, path, "approve")
        assert (after["title"], after["age_max"]) == ("Saturday dance club", 14)
        assert after["pending"] is None
        assert push(client, moderated, **CHANGED)["outcome"] == "unchanged"
        changed = push(client, moderated, **{**CHANGED, "title": "Monday dance club"})
        assert changed["pending"] is True
        assert waiting(client.get(path, headers=keys.staff).json()) == ["title"]

    def test_the_last_one_ends_the_wait(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, path: str
    ) -> None:
        decide(client, keys, path, "approve", fields=["price"])
        names = ["title", "age_max", "sessions"]
        after = decide(client, keys, path, "reject", reason="No.", fields=names)
        assert (after["pending"], after["price"]["from"]) == (None, "5.00")
        assert push(client, moderated, **CHANGED)["outcome"] == "unchanged"

    def test_it_is_remembered_beyond_a_correction(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, path: str
    ) -> None:
        decide(client, keys, path, "reject", reason="Sundays are closed.")
        edit(client, keys.staff, path, {"age_max": 12, "reason": "The venue told us."})
        assert push(client, moderated, **CHANGED)["outcome"] == "unchanged"


class TestByHand:
    def test_what_was_refused_is_not_proposed_again(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        build.organisation(client, keys)
        publisher = keys.publisher("dance-hub")
        made = client.post("/v1/opportunities", json=build.listing(), headers=publisher).json()
        path = f"/v1/opportunities/{made['id']}"
        act(client, publisher, made["id"], "submit")
        act(client, keys.staff, made["id"], "approve")
        edit(client, publisher, path, {"title": "Sunday dance club", "age_max": 14})
        decide(client, keys, path, "reject", reason="It is Saturday.", fields=["title"])
        after = edit(client, publisher, path, {"age_min": 5}).json()
        assert waiting(after) == ["age_min", "age_max"]
