"""The life of a listing, at its edges; and items that are meant to do harm."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from app.opportunities import upkeep
from app.opportunities.intake import MOST_ERRORS
from tests import build
from tests.test_opportunities import act, edit, ids, push
from tests.test_service import problem


def approved(client: TestClient, keys: build.Keys, headers: build.Headers) -> str:
    """The path of a listing of a moderated source that was approved."""
    made = push(client, headers)
    act(client, keys.staff, made["id"], "approve")
    return f"/v1/opportunities/{made['id']}"


class TestWhatWaits:
    def test_it_outlives_a_correction(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        path = approved(client, keys, moderated)
        push(client, moderated, title="Sunday dance club")
        correction = {"age_max": 16, "reason": "The venue told us."}
        corrected = edit(client, keys.staff, path, correction).json()
        assert (corrected["age_max"], corrected["pending"]["title"]) == (16, "Sunday dance club")

    def test_incomplete_it_is_not_approved(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        path = approved(client, keys, moderated)
        push(client, moderated, price=None)
        refused = act(client, keys.staff, path.rpartition("/")[2], "approve")
        assert problem(refused, 409, "not_publishable")["errors"][0]["code"] == "missing_price"
        assert client.get(path).json()["status"] == "published"

    def test_it_goes_with_a_listing_that_is_withdrawn(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        path = approved(client, keys, moderated)
        identifier = path.rpartition("/")[2]
        push(client, moderated, title="Sunday dance club")
        act(client, moderated, identifier, "withdraw")
        problem(act(client, keys.staff, identifier, "approve"), 409, "conflict")
        problem(client.get(path), 410, "gone")

    def test_why_it_was_taken_away_is_not_forgotten(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        path = approved(client, keys, moderated)
        act(client, keys.staff, path.rpartition("/")[2], "withdraw", reason="The hall is unsafe.")
        told = push(client, moderated, title="Sunday dance club")
        assert (told["outcome"], told["status"]) == ("updated", "withdrawn")
        (warning,) = told["warnings"]
        assert warning["code"] == "withdrawn_by_staff"
        assert "The hall is unsafe." in warning["detail"]
        for reader in (moderated, keys.staff):
            shown = client.get(path, headers=reader).json()
            assert shown["rejection_reason"] == "The hall is unsafe."
        act(client, keys.staff, path.rpartition("/")[2], "restore")
        assert client.get(path, headers=moderated).json()["rejection_reason"] is None

    def test_why_it_was_rejected_outlives_a_correction(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        act(client, keys.staff, made["id"], "reject", reason="Not for children.")
        path = f"/v1/opportunities/{made['id']}"
        corrected = edit(client, keys.staff, path, {"age_max": 16, "reason": "So it says."}).json()
        assert corrected["status"] == "rejected"
        assert corrected["rejection_reason"] == "Not for children."

    def test_it_is_told_to_nobody_else(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        approved(client, keys, moderated)
        push(client, moderated, title="Sunday dance club")
        build.organisation(client, keys, "Clay Works")
        assert ids(client, "pending=true", moderated) == ["1"]
        for other in (keys.publisher("clay-works"), keys.coordinator("dudley")):
            assert ids(client, "pending=true", other) == []
        problem(client.get("/v1/opportunities?pending=true"), 422, "invalid")


class TestByHand:
    @pytest.fixture
    def path(self, client: TestClient, keys: build.Keys) -> str:
        build.organisation(client, keys)
        headers = keys.publisher("dance-hub")
        made = client.post("/v1/opportunities", json=build.listing(), headers=headers)
        return f"/v1/opportunities/{made.json()['id']}"

    def test_edits_that_wait_add_up(self, client: TestClient, keys: build.Keys, path: str) -> None:
        publisher, identifier = keys.publisher("dance-hub"), path.rpartition("/")[2]
        act(client, publisher, identifier, "submit")
        act(client, keys.staff, identifier, "approve")
        edit(client, publisher, path, {"title": "Sunday dance club"})
        waiting = edit(client, publisher, path, {"age_max": 14}).json()["pending"]
        assert (waiting["title"], waiting["age_max"]) == ("Sunday dance club", 14)

    def test_it_stays_with_its_organisation(
        self, client: TestClient, keys: build.Keys, path: str
    ) -> None:
        build.organisation(client, keys, "Clay Works")
        tag = client.get(path, headers=keys.publisher("dance-hub")).headers["etag"]
        headers = {**keys.publisher("dance-hub"), "If-Match": tag}
        refused = client.patch(path, json={"provider": "clay-works"}, headers=headers)
        assert problem(refused, 409, "conflict")["errors"][0]["code"] == "provider_not_allowed"

    def test_the_manual_source_is_kept(
        self, client: TestClient, keys: build.Keys, path: str
    ) -> None:
        assert path
        source, publisher = "/v1/sources/manual-dance-hub", keys.publisher("dance-hub")
        tag = client.get(source, headers=publisher).headers["etag"]
        edit(client, keys.staff, path, {"title": "Draft still"})
        refused = client.delete(source, headers={**publisher, "If-Match": tag})
        problem(refused, 409, "conflict")


class TestStates:
    def test_a_correction_brings_nothing_back(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        path = f"/v1/opportunities/{push(client, trusted)['id']}"
        client.delete("/v1/sources/web/opportunities/1", headers=trusted)
        tag = client.get(path, headers=keys.staff).headers["etag"]
        refused = client.patch(
            path,
            json={"age_max": 16, "reason": "The venue told us."},
            headers={**keys.staff, "If-Match": tag},
        )
        problem(refused, 409, "conflict")
        problem(client.get(path), 410, "gone")

    def test_to_delete_and_send_again_undoes_no_rejection(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        act(client, keys.staff, made["id"], "reject", reason="No picture of the room.")
        problem(act(client, moderated, made["id"], "withdraw"), 409, "conflict")
        path = "/v1/sources/web/opportunities/1"
        assert client.delete(path, headers=moderated).status_code == 204
        assert push(client, moderated)["status"] == "rejected"

    def test_cancelled_whole_it_ends_when_it_would_have(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        push(client, trusted, sessions=[{"starts_at": "2027-06-05T10:00", "status": "cancelled"}])
        with time_machine.travel(datetime(2027, 6, 6, tzinfo=UTC), tick=True):
            assert upkeep.expire(build.database_of(client)) == 1

    def test_a_day_ends_with_itself(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, "day", sessions=[{"date": "2027-06-05"}])
        push(client, trusted, "midnight", sessions=[{"starts_at": "2027-06-06T00:00"}])
        assert sorted(ids(client, "starts_from=2027-06-05")) == ["day", "midnight"]
        assert ids(client, "starts_from=2027-06-06") == ["midnight"]

    def test_a_retired_term_hinders_nobody(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        term = "/v1/vocabularies/artform/terms/dance"
        found = client.get(term)
        retired = client.put(
            term,
            json={**found.json(), "retired": True},
            headers={**keys.staff, "If-Match": found.headers["etag"]},
        )
        assert retired.status_code == 200, retired.text
        correction = {"age_max": 16, "reason": "The venue told us."}
        edit(client, keys.staff, f"/v1/opportunities/{made['id']}", correction)
        assert ids(client, "artform=dance") == ["1"]


class TestValues:
    @pytest.mark.parametrize(
        ("sent", "read"), [("4", "4.00"), ("4.5", "4.50"), ("1E1", "10.00"), (4.5, "4.50")]
    )
    def test_money_has_pence(
        self, client: TestClient, trusted: build.Headers, sent: Any, read: str
    ) -> None:
        made = push(client, trusted, price={"from": sent})
        assert client.get(f"/v1/opportunities/{made['id']}").json()["price"]["from"] == read

    def test_a_part_of_a_price_is_corrected(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        path = f"/v1/opportunities/{push(client, trusted)['id']}"
        correction = {"price": {"from": "5.00"}, "reason": "The venue told us."}
        price = edit(client, keys.staff, path, correction).json()["price"]
        assert (price["from"], price["per"]) == ("5.00", "child")

    def test_null_clears(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        path = f"/v1/opportunities/{push(client, trusted, themes=['family'])['id']}"
        correction = {"themes": None, "reason": "The venue told us."}
        assert edit(client, keys.staff, path, correction).json()["themes"] == []

    def test_read_only_members_make_no_difference(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        assert push(client, trusted, version=7, region_wide=True)["outcome"] == "unchanged"


def rule(text: str, **more: str) -> dict[str, Any]:
    return {"sessions": [], "recurrence": {"rrule": text, "starts_at": "2027-10-12T16:00", **more}}


class TestHarm:
    @pytest.fixture(autouse=True)
    def source(self, shared_client: TestClient, shared_keys: build.Keys) -> None:
        if shared_client.get("/v1/sources/harm", headers=shared_keys.staff).status_code == 404:
            build.organisation(shared_client, shared_keys, "Harm Arts")
            build.source(shared_client, shared_keys, "harm-arts", key="harm")

    @pytest.mark.parametrize(
        "item",
        [
            {"sessions": [{"starts_at": "9999-12-31T23:59:59-10:00"}]},
            {"booking": {"opens_at": "0001-01-01T00:00:00+10:00"}},
            rule("FREQ=WEEKLY", starts_at="9999-06-01T10:00"),
            rule("FREQ=WEEKLY", starts_at="2150-06-01T10:00"),
            rule("FREQ=WEEKLY;UNTIL=00010101T000000Z"),
            rule("FREQ=MONTHLY;BYDAY=1000000000000MO"),
            rule("FREQ=MONTHLY;BYDAY=0MO"),
            rule("FREQ=WEEKLY;BYDAY=1MO"),
            rule("FREQ=WEEKLY;WKST=XX"),
            rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
            rule("FREQ=DAILY;BYSETPOS=2"),
        ],
    )
    def test_refused_at_once(
        self, shared_client: TestClient, shared_keys: build.Keys, item: dict[str, Any]
    ) -> None:
        began = time.process_time()
        answer = shared_client.put(
            "/v1/sources/harm/opportunities/1",
            json=build.listing(**item),
            headers=shared_keys.staff,
        )
        problem(answer, 422, "invalid_item")
        assert time.process_time() - began < 2

    def test_a_thousand_mistakes_are_one(
        self, shared_client: TestClient, shared_keys: build.Keys
    ) -> None:
        item = {"external_id": "1", "title": "A title", "sessions": [{}] * 900}
        answer = shared_client.post(
            "/v1/sources/harm/batches", json={"items": [item]}, headers=shared_keys.staff
        )
        assert len(answer.json()["items"][0]["errors"]) == MOST_ERRORS

    def test_short_rules_do_not_become_millions_of_rows(
        self, shared_client: TestClient, shared_keys: build.Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.opportunities.intake.MOST_OCCASIONS", 1_000)
        items = [
            {"external_id": str(number), **build.listing(**rule("FREQ=DAILY"))}
            for number in range(4)
        ]
        answer = shared_client.post(
            "/v1/sources/harm/batches?dry_run=true",
            content=json.dumps({"items": items}),
            headers={**shared_keys.staff, "Content-Type": "application/json"},
        )
        report = answer.json()
        assert report["counts"]["created"] == 2
        assert report["items"][2]["errors"][0]["code"] == "too_many_sessions"
