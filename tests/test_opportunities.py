"""Listings: pushed, read, filtered, moderated, corrected."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy import event
from starlette.testclient import TestClient

from app.kit.strict_json import dumps
from app.opportunities import upkeep
from app.opportunities.documents import refresh_stale
from app.opportunities.rendering import Shown
from tests import build
from tests.test_service import problem


def push(
    client: TestClient,
    headers: build.Headers,
    external_id: str = "1",
    key: str = "web",
    **more: Any,
) -> Any:
    answer = client.put(
        f"/v1/sources/{key}/opportunities/{external_id}",
        json=build.listing(**more),
        headers=headers,
    )
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def act(
    client: TestClient, headers: build.Headers, identifier: str, action: str, **body: Any
) -> Any:
    path = f"/v1/opportunities/{identifier}"
    tag = client.get(path, headers=headers).headers["etag"]
    return client.post(f"{path}/{action}", json=body or None, headers={**headers, "If-Match": tag})


def edit(client: TestClient, headers: build.Headers, path: str, patch: Any) -> Any:
    tag = client.get(path, headers=headers).headers["etag"]
    answer = client.patch(path, json=patch, headers={**headers, "If-Match": tag})
    assert answer.status_code == 200, answer.text
    return answer


def ids(client: TestClient, query: str = "", headers: Any = None) -> list[str]:
    answer = client.get(f"/v1/opportunities?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return [item["source"]["external_id"] for item in answer.json()["items"]]


class TestPush:
    def test_made_read_and_sent_again(self, client: TestClient, trusted: build.Headers) -> None:
        first = push(client, trusted)
        assert (first["outcome"], first["status"]) == ("created", "published")
        read = client.get(f"/v1/opportunities/{first['id']}")
        assert read.status_code == 200
        item = read.json()
        assert item["title"] == "Saturday dance club"
        assert item["provider"]["slug"] == "dance-hub"
        assert item["authority"]["code"] == "E08000025"
        assert [one["slug"] for one in item["partnerships"]] == ["birmingham"]
        assert item["venue"]["postcode"] == "B1 1BB"
        assert item["sessions"][0]["starts_at"] == "2027-06-05T10:00:00+01:00"
        assert item["key_stages"] == ["ks2"]
        assert item["price"]["from"] == "4.50"
        assert item["href"] == f"http://testserver/v1/opportunities/{first['id']}"
        assert item["change_number"] >= 1
        assert "missing" not in item

        again = push(client, trusted)
        assert again["outcome"] == "unchanged"
        assert (
            client.get(f"/v1/opportunities/{first['id']}").headers["etag"] == read.headers["etag"]
        )

        changed = push(client, trusted, title="Saturday dance")
        assert changed["outcome"] == "updated"
        after = client.get(f"/v1/opportunities/{first['id']}").json()
        assert after["title"] == "Saturday dance"
        assert after["change_number"] > item["change_number"]
        assert after["version"] == item["version"] + 1
        assert [one["id"] for one in after["sessions"]] == [one["id"] for one in item["sessions"]]

    def test_what_was_read_can_be_sent_back(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        rule = {"rrule": "FREQ=WEEKLY;COUNT=3", "starts_at": "2027-06-05T10:00"}
        written: list[dict[str, Any]] = [
            {"outreach_areas": ["E08000025"]},
            {"recurrence": rule},
        ]
        for number, more in enumerate(written):
            made = push(client, trusted, str(number), **more)
            item = client.get(f"/v1/opportunities/{made['id']}", headers=trusted).json()
            path = f"/v1/sources/web/opportunities/{number}"
            sent = client.put(path, json=item, headers=trusted)
            assert sent.status_code == 200, sent.text
            after = client.get(f"/v1/opportunities/{made['id']}", headers=trusted).json()
            same = {name for name in item if after[name] == item[name]}
            assert {"sessions", "outreach_areas", "venue", "price", "provider"} <= same

    def test_what_is_left_out_is_cleared(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(client, trusted, summary="Fun", themes=["family"])
        push(client, trusted)
        item = client.get(f"/v1/opportunities/{made['id']}").json()
        assert item["summary"] is None
        assert item["themes"] == []

    def test_incomplete_is_a_draft_that_says_what_is_missing(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        answer = client.put(
            "/v1/sources/web/opportunities/1", json={"title": "Something"}, headers=trusted
        )
        report = answer.json()
        assert report["status"] == "draft"
        assert report["missing"] == ["kind", "artforms", "audience", "where", "when", "price"]
        problem(client.get(f"/v1/opportunities/{report['id']}"), 404, "not_found")
        own = client.get(f"/v1/opportunities/{report['id']}", headers=trusted)
        assert own.json()["missing"] == report["missing"]
        stranger = build.organisation(client, keys, "Clay Works")["slug"]
        problem(
            client.get(f"/v1/opportunities/{report['id']}", headers=keys.publisher(stranger)),
            404,
            "not_found",
        )
        assert push(client, trusted)["status"] == "published"

    def test_safeguarding_facts_are_needed(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys, "No Policy", safeguarding=None)
        build.source(client, keys, "no-policy", key="web")
        headers = keys.publisher("no-policy")
        report = push(client, headers)
        assert (report["status"], report["missing"]) == ("draft", ["safeguarding"])
        path = "/v1/organisations/no-policy"
        facts = {
            "policy_url": "https://example.org/p",
            "reviewed_on": "2026-10-01",
            "lead_named": True,
        }
        client.patch(
            path,
            json={"safeguarding": facts},
            headers={**headers, "If-Match": client.get(path).headers["etag"]},
        )
        assert push(client, headers)["status"] == "published"

    @pytest.mark.parametrize(
        ("change", "pointer", "code"),
        [
            ({"title": ""}, "#/title", "value_error"),
            ({"title": "x" * 161}, "#/title", "string_too_long"),
            ({"title": "a\u0007b"}, "#/title", "value_error"),
            ({"colour": "red"}, "#/colour", "extra_forbidden"),
            ({"kind": "party"}, "#/kind", "enum"),
            ({"artforms": ["yodelling"]}, "#/artforms/0", "unknown_term"),
            ({"age_min": 11, "age_max": 5}, "#/age_max", "value_error"),
            ({"age_min": "NaN"}, "#/age_min", "value_error"),
            ({"age_min": 10**400}, "#/age_min", "float_type"),
            (
                {"venue": {"name": "X", "postcode": "B1 1B"}},
                "#/venue/postcode",
                "malformed_postcode",
            ),
            (
                {"venue": {"name": "X", "postcode": "B1 9ZZ"}},
                "#/venue/postcode",
                "unknown_postcode",
            ),
            ({"venue": {"name": "X", "lat": 48.8, "lng": 2.3}}, "#/venue/lat", "outside"),
            ({"venue": {"name": "X", "lat": 52.4}}, "#/venue/lng", "value_error"),
            ({"venue": "no-such-venue"}, "#/venue", "unknown"),
            ({"provider": "nobody"}, "#/provider", "unknown"),
            ({"programme": "nothing"}, "#/programme", "unknown"),
            ({"outreach_areas": ["E99999999"]}, "#/outreach_areas/0", "unknown"),
            ({"sessions": [{}]}, "#/sessions/0/starts_at", "value_error"),
            (
                {"sessions": [{"starts_at": "2027-06-05T11:00", "date": "2027-06-06"}]},
                "#/sessions/0/date",
                "value_error",
            ),
            (
                {"sessions": [{"starts_at": "2027-06-05T11:00", "ends_at": "2027-06-05T10:00"}]},
                "#/sessions/0/ends_at",
                "value_error",
            ),
            ({"sessions": [{"date": "1970-01-01"}]}, "#/sessions/0/date", "value_error"),
            (
                {
                    "sessions": [
                        {"date": "2027-06-05", "external_id": "a"},
                        {"date": "2027-06-06", "external_id": "a"},
                    ]
                },
                "#/sessions/1/external_id",
                "value_error",
            ),
            (
                {"sessions": [{"starts_at": "next Tuesday"}]},
                "#/sessions/0/starts_at",
                "value_error",
            ),
            ({"sessions": [{"date": "2027-06-05"}] * 1001}, "#/sessions", "too_long"),
            ({"always_available": True}, "#/always_available", "value_error"),
            ({"price": {"free": True, "from": "2"}}, "#/price/free", "value_error"),
            ({"price": {"from": "5", "to": "2"}}, "#/price/to", "value_error"),
            ({"price": {"from": "-1"}}, "#/price/from", "greater_than_equal"),
            ({"price": {"from": "2.505"}}, "#/price/from", "decimal_max_places"),
            ({"url": "javascript:alert(1)"}, "#/url", "value_error"),
            ({"booking": {"url": "https://u:p@example.org"}}, "#/booking/url", "value_error"),
            ({"contact": {"email": "nobody"}}, "#/contact/email", "value_error"),
            ({"image": {"url": "https://example.org/a.png"}}, "#/image/alt", "missing"),
        ],
    )
    def test_bad_items(
        self,
        shared_client: TestClient,
        shared_source: build.Headers,
        change: dict[str, Any],
        pointer: str,
        code: str,
    ) -> None:
        answer = shared_client.put(
            "/v1/sources/shared/opportunities/bad",
            json={**build.listing(), **change},
            headers=shared_source,
        )
        found = problem(answer, 422, "invalid_item")
        assert (pointer, code) in {(e["pointer"], e["code"]) for e in found["errors"]}
        gone = shared_client.get("/v1/sources/shared/opportunities/bad", headers=shared_source)
        problem(gone, 404, "not_found")

    @pytest.mark.parametrize(
        "external_id", ["with space", "a%2Fb", "%F0%9F%98%80", "x" * 200, "Ünï", "a%3Fb%23c"]
    )
    def test_external_ids_are_the_partners_own(
        self, client: TestClient, trusted: build.Headers, external_id: str
    ) -> None:
        path = f"/v1/sources/web/opportunities/{external_id}"
        assert client.put(path, json=build.listing(), headers=trusted).status_code == 201
        assert client.put(path, json=build.listing(), headers=trusted).status_code == 200
        assert client.get(path, headers=trusted).status_code == 200

    @pytest.mark.parametrize("external_id", ["x" * 201, "%00", "a%09b", "%20"])
    def test_bad_external_ids(
        self, shared_client: TestClient, shared_source: build.Headers, external_id: str
    ) -> None:
        answer = shared_client.put(
            f"/v1/sources/shared/opportunities/{external_id}",
            json=build.listing(),
            headers=shared_source,
        )
        problem(answer, 422, "invalid_item")

    def test_only_the_publisher_pushes_to_its_source(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        assert trusted
        path = "/v1/sources/web/opportunities/1"
        problem(client.put(path, json=build.listing()), 401, "unauthenticated")
        build.organisation(client, keys, "Clay Works")
        for headers in (keys.publisher("clay-works"), keys.coordinator("birmingham")):
            problem(client.put(path, json=build.listing(), headers=headers), 404, "not_found")

    def test_a_source_publishes_for_others_only_if_staff_allow(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.organisation(client, keys, "Clay Works")
        path = "/v1/sources/web/opportunities/1"
        item = build.listing(provider="clay-works")
        refused = problem(client.put(path, json=item, headers=trusted), 422, "invalid_item")
        assert refused["errors"][0]["code"] == "provider_not_allowed"
        source = client.get("/v1/sources/web", headers=keys.staff)
        edit = {"If-Match": source.headers["etag"]}
        body = {"providers": ["clay-works"]}
        problem(
            client.patch("/v1/sources/web", json=body, headers={**trusted, **edit}),
            403,
            "forbidden",
        )
        allowed = client.patch("/v1/sources/web", json=body, headers={**keys.staff, **edit})
        assert allowed.status_code == 200
        assert client.put(path, json=item, headers=trusted).status_code == 201

    def test_a_rule_becomes_sessions(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(
            client,
            trusted,
            sessions=[],
            recurrence={
                "rrule": "FREQ=WEEKLY;BYDAY=TU;COUNT=6",
                "starts_at": "2027-10-12T16:00",
                "ends_at": "2027-10-12T17:00",
                "exdates": ["2027-10-26"],
            },
        )
        sessions = client.get(f"/v1/opportunities/{made['id']}/sessions").json()["items"]
        assert [one["starts_at"] for one in sessions] == [
            "2027-10-12T16:00:00+01:00",
            "2027-10-19T16:00:00+01:00",
            "2027-11-02T16:00:00+00:00",
            "2027-11-09T16:00:00+00:00",
            "2027-11-16T16:00:00+00:00",
        ]

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=SECONDLY",
            "FREQ=DAILY;BYHOUR=1,2,3",
            "FREQ=DAILY;COUNT=1000000",
            "FREQ=WEEKLY;FREQ=DAILY",
            "weekly",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=WEEKLY;UNTIL=tomorrow",
        ],
    )
    def test_hostile_rules(
        self, shared_client: TestClient, shared_source: build.Headers, rule: str
    ) -> None:
        item = build.listing(
            sessions=[], recurrence={"rrule": rule, "starts_at": "2027-10-12T16:00"}
        )
        answer = shared_client.put(
            "/v1/sources/shared/opportunities/bad", json=item, headers=shared_source
        )
        found = problem(answer, 422, "invalid_item")
        assert found["errors"][0]["pointer"] == "#/recurrence/rrule"

    def test_sessions_keep_their_ids_and_leave_tombstones(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"/v1/opportunities/{made['id']}/sessions"
        first, second = client.get(path).json()["items"]
        push(
            client,
            trusted,
            sessions=[
                {"starts_at": "2027-06-12T10:00", "ends_at": "2027-06-12T11:30"},
                {"starts_at": "2027-06-19T10:00"},
            ],
        )
        kept, new = client.get(path).json()["items"]
        assert kept["id"] == second["id"]
        assert new["id"] not in {first["id"], second["id"]}
        push(client, trusted)
        assert [one["id"] for one in client.get(path).json()["items"]] == [
            first["id"],
            second["id"],
        ]


@pytest.fixture(scope="module")
def shared_source(shared_client: TestClient, shared_keys: build.Keys) -> build.Headers:
    """The key of a publisher with a trusted source `shared`, for this file."""
    build.organisation(shared_client, shared_keys, "Shared Arts")
    build.source(shared_client, shared_keys, "shared-arts", key="shared")
    return shared_keys.publisher("shared-arts")


class TestBatches:
    def test_every_item_is_told(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, "same")
        push(client, trusted, "changed")
        items = [
            {"external_id": "new", **build.listing()},
            {"external_id": "same", **build.listing()},
            {"external_id": "changed", **build.listing(title="Another title")},
            {"external_id": "bad", **build.listing(age_min=-3)},
            {"external_id": "twice", **build.listing()},
            {"external_id": "twice", **build.listing()},
            {"title": "Nameless"},
            "not an object",
        ]
        answer = client.post("/v1/sources/web/batches", json={"items": items}, headers=trusted)
        assert answer.status_code == 201
        report = answer.json()
        assert answer.headers["location"] == report["href"]
        assert report["counts"] == {
            "created": 1,
            "updated": 1,
            "unchanged": 1,
            "withdrawn": 0,
            "rejected": 5,
        }
        by_index = {item["index"]: item for item in report["items"]}
        assert sorted(by_index) == [0, 2, 3, 4, 5, 6, 7]
        assert by_index[3]["errors"][0]["pointer"] == "#/age_min"
        assert by_index[4]["errors"][0]["code"] == "duplicate_external_id"
        assert by_index[6]["errors"][0]["code"] == "external_id"
        assert by_index[7]["errors"][0]["code"] == "object_expected"
        problem(
            client.get("/v1/sources/web/opportunities/twice", headers=trusted), 404, "not_found"
        )

        stored = client.get(f"/v1/batches/{report['id']}", headers=trusted).json()
        assert stored["items"] == report["items"]
        rejected = client.get(
            f"/v1/batches/{report['id']}/items?outcome=rejected&limit=3", headers=trusted
        ).json()
        assert [item["index"] for item in rejected["items"]] == [3, 4, 5]
        assert rejected["next"]

        again = client.post("/v1/sources/web/batches", json={"items": items}, headers=trusted)
        assert again.json()["counts"]["unchanged"] == 3

    def test_a_dry_run_tells_the_same_and_writes_nothing(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        items = {"items": [{"external_id": "1", **build.listing()}, {"external_id": "2"}]}
        dry = client.post("/v1/sources/web/batches?dry_run=true", json=items, headers=trusted)
        assert dry.status_code == 200
        assert dry.json()["counts"]["created"] == 1
        assert dry.json()["id"] is None
        problem(client.get("/v1/sources/web/opportunities/1", headers=trusted), 404, "not_found")
        real = client.post("/v1/sources/web/batches", json=items, headers=trusted)
        assert real.json()["counts"] == dry.json()["counts"]

    def test_a_retry_with_a_key_gets_the_first_report(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        items = {"items": [{"external_id": "1", **build.listing()}]}
        headers = {**trusted, "Idempotency-Key": "batch-1"}
        first = client.post("/v1/sources/web/batches", json=items, headers=headers)
        again = client.post("/v1/sources/web/batches", json=items, headers=headers)
        assert first.content == again.content
        assert first.json()["counts"]["created"] == 1

    def test_a_thousand_at_once(self, client: TestClient, trusted: build.Headers) -> None:
        items = [
            {"external_id": str(n), **build.listing(title=f"Listing {n}")} for n in range(1_000)
        ]
        database = build.database_of(client)
        counted: list[str] = []

        def count(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
            counted.append(statement)

        event.listen(database.write_engine, "before_cursor_execute", count)
        answer = client.post("/v1/sources/web/batches", json={"items": items}, headers=trusted)
        event.remove(database.write_engine, "before_cursor_execute", count)
        assert answer.json()["counts"]["created"] == 1_000
        assert len(counted) < 120, "statements grow with the items"
        numbers = [
            item["change_number"]
            for item in client.get("/v1/opportunities?limit=200").json()["items"]
        ]
        assert len(set(numbers)) == 200

    @pytest.mark.parametrize("body", [{}, {"items": []}, {"items": {}}, {"rows": []}])
    def test_what_is_no_batch(
        self, shared_client: TestClient, shared_source: build.Headers, body: Any
    ) -> None:
        answer = shared_client.post("/v1/sources/shared/batches", json=body, headers=shared_source)
        problem(answer, 422, "invalid")

    def test_a_batch_belongs_to_its_publisher(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        items = {"items": [{"external_id": "1", **build.listing()}]}
        batch = client.post("/v1/sources/web/batches", json=items, headers=trusted).json()["id"]
        build.organisation(client, keys, "Clay Works")
        problem(
            client.get(f"/v1/batches/{batch}", headers=keys.publisher("clay-works")),
            404,
            "not_found",
        )
        problem(client.get(f"/v1/batches/{batch}"), 401, "unauthenticated")


class TestStates:
    def test_moderated_listings_wait(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        assert made["status"] == "submitted"
        assert ids(client) == []
        coordinator = keys.coordinator("birmingham")
        assert ids(client, "status=submitted", coordinator) == ["1"]
        assert ids(client, "status=submitted", keys.coordinator("dudley")) == []
        inbox = client.get("/v1/me/inbox", headers=coordinator).json()["items"]
        assert [(item["kind"], item["count"]) for item in inbox] == [("submitted", 1)]
        problem(act(client, moderated, made["id"], "approve"), 403, "forbidden")
        approved = act(client, coordinator, made["id"], "approve")
        assert approved.json()["status"] == "published"
        assert ids(client) == ["1"]
        assert push(client, moderated)["outcome"] == "unchanged"

    def test_a_change_waits_beside_what_is_approved(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        act(client, keys.staff, made["id"], "approve")
        changed = push(client, moderated, title="Sunday dance club")
        assert (changed["status"], changed["pending"]) == ("published", True)
        assert push(client, moderated, title="Sunday dance club")["outcome"] == "unchanged"
        assert (
            client.get(f"/v1/opportunities/{made['id']}").json()["title"] == "Saturday dance club"
        )
        waiting = client.get("/v1/opportunities?pending=true", headers=keys.staff).json()["items"]
        assert waiting[0]["pending"]["title"] == "Sunday dance club"
        act(client, keys.staff, made["id"], "approve")
        assert client.get(f"/v1/opportunities/{made['id']}").json()["title"] == "Sunday dance club"
        assert push(client, moderated, title="Sunday dance club")["outcome"] == "unchanged"
        push(client, moderated, title="Monday dance club")
        refused = act(client, keys.staff, made["id"], "reject", reason="Mondays are closed.")
        assert refused.status_code == 200
        assert refused.json()["title"] == "Sunday dance club"
        assert push(client, moderated, title="Monday dance club")["outcome"] == "unchanged"

    def test_rejected_stays_until_it_changes(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        act(client, keys.staff, made["id"], "reject", reason="No picture of the room, please.")
        own = client.get(f"/v1/opportunities/{made['id']}", headers=moderated).json()
        assert own["rejection_reason"] == "No picture of the room, please."
        assert push(client, moderated)["status"] == "rejected"
        assert push(client, moderated, title="Better")["status"] == "submitted"

    def test_withdrawn_by_the_partner_comes_back(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = "/v1/sources/web/opportunities/1"
        before = client.get(f"/v1/opportunities/{made['id']}").json()["change_number"]
        assert client.delete(path, headers=trusted).status_code == 204
        problem(client.delete(path, headers=trusted), 410, "gone")
        problem(client.get(f"/v1/opportunities/{made['id']}"), 410, "gone")
        again = push(client, trusted)
        assert (again["outcome"], again["status"]) == ("updated", "published")
        after = client.get(f"/v1/opportunities/{made['id']}").json()["change_number"]
        assert after >= before + 2

    def test_withdrawn_by_staff_stays_until_restored(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        gone = act(client, keys.staff, made["id"], "withdraw", reason="The hall has burnt down.")
        assert gone.json()["status"] == "withdrawn"
        assert push(client, trusted)["status"] == "withdrawn"
        assert push(client, trusted, title="New title")["status"] == "withdrawn"
        assert ids(client) == []
        back = act(client, keys.staff, made["id"], "restore")
        assert back.json()["status"] == "published"
        assert ids(client) == ["1"]

    def test_expired_by_time_and_revived(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(client, trusted)
        database = build.database_of(client)
        with time_machine.travel(datetime(2027, 6, 6, tzinfo=UTC), tick=True):
            assert upkeep.expire(database) == 0
            assert upkeep.move_on(database) == 1
            item = client.get(f"/v1/opportunities/{made['id']}").json()
            assert item["next_session_at"] == "2027-06-12T09:00:00Z"
        with time_machine.travel(datetime(2027, 6, 12, 11, tzinfo=UTC), tick=True):
            assert upkeep.expire(database) == 1
            assert ids(client) == []
            expired = client.get(f"/v1/opportunities/{made['id']}")
            assert expired.json()["status"] == "expired"
            later = [{"starts_at": "2027-09-04T10:00", "ends_at": "2027-09-04T11:00"}]
            assert push(client, trusted, sessions=later)["status"] == "published"

    def test_by_hand(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        publisher = keys.publisher("dance-hub")
        made = client.post("/v1/opportunities", json={"title": "Open rehearsal"}, headers=publisher)
        assert made.status_code == 201, made.text
        item = made.json()
        assert item["status"] == "draft"
        assert item["source"]["key"] == "manual-dance-hub"
        refused = problem(act(client, publisher, item["id"], "submit"), 409, "not_publishable")
        assert {error["code"] for error in refused["errors"]} >= {"missing_kind", "missing_price"}
        path = f"/v1/opportunities/{item['id']}"
        facts = {name: value for name, value in build.listing().items() if name != "title"}
        tag = client.get(path, headers=publisher).headers["etag"]
        edited = client.patch(path, json=facts, headers={**publisher, "If-Match": tag})
        assert edited.status_code == 200, edited.text
        assert edited.json()["missing"] == []
        assert act(client, publisher, item["id"], "submit").json()["status"] == "submitted"
        act(client, keys.staff, item["id"], "approve")
        assert client.get(path).json()["title"] == "Open rehearsal"


class TestCorrections:
    def test_they_survive_every_push(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"/v1/opportunities/{made['id']}"
        tag = client.get(path).headers["etag"]
        edit = {"age_max": 16}
        problem(
            client.patch(path, json=edit, headers={**trusted, "If-Match": tag}),
            409,
            "edit_at_source",
        )
        staff = {**keys.staff, "If-Match": tag}
        problem(client.patch(path, json=edit, headers=staff), 422, "invalid")
        corrected = client.patch(path, json={**edit, "reason": "The venue told us."}, headers=staff)
        assert corrected.status_code == 200, corrected.text
        assert corrected.json()["age_max"] == 16
        assert push(client, trusted)["outcome"] == "unchanged"
        assert push(client, trusted, title="New title")["outcome"] == "updated"
        item = client.get(path)
        assert (item.json()["title"], item.json()["age_max"]) == ("New title", 16)
        dropped = client.delete(
            f"{path}/overrides/age_max", headers={**keys.staff, "If-Match": item.headers["etag"]}
        )
        assert dropped.json()["age_max"] == 11


class TestFilters:
    @pytest.fixture(autouse=True)
    def listings(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, "bham")
        push(
            client,
            trusted,
            "wolves",
            title="Drum circle",
            kind="workshop",
            artforms=["music"],
            age_min=14,
            age_max=18,
            price={"free": True},
            venue={"name": "Hall", "postcode": "WV1 1SE"},
            sessions=[{"date": "2027-01-16"}],
        )
        push(
            client,
            trusted,
            "online",
            title="Make a film",
            kind="online_resource",
            artforms=["film"],
            delivery="online",
            venue=None,
            sessions=[],
            always_available=True,
            age_min=None,
            age_max=None,
            audiences=["families"],
        )
        push(
            client,
            trusted,
            "outreach",
            title="Story sacks",
            kind="outreach",
            artforms=["literature", "libraries"],
            delivery="outreach",
            venue=None,
            outreach_areas=["E10000028"],
            age_min=0,
            age_max=4.5,
            sessions=[{"starts_at": "2027-03-28T10:00"}],
        )

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["wolves", "outreach", "bham", "online"]),
            ("sort=title", ["wolves", "online", "bham", "outreach"]),
            ("authority=E08000025", ["bham", "online"]),
            ("authority=E08000025&authority=E08000031", ["wolves", "bham", "online"]),
            ("authority=E07000199", ["outreach", "online"]),
            ("authority=E10000028", ["outreach", "online"]),
            ("partnership=birmingham", ["bham", "online"]),
            ("partnership=tamworth&partnership=wolverhampton", ["wolves", "outreach", "online"]),
            ("artform=music&artform=dance", ["wolves", "bham"]),
            ("artform=libraries", ["outreach"]),
            ("kind=workshop", ["wolves"]),
            ("delivery=online", ["online"]),
            ("age=8", ["bham"]),
            ("age=4.5", ["outreach"]),
            ("age=4.6", []),
            ("age=14&free=true", ["wolves"]),
            ("free=false", ["outreach", "bham", "online"]),
            ("near=B1%201BB&within_km=3", ["bham"]),
            ("near=b11bb&within_km=30", ["wolves", "bham"]),
            ("near=b11bb&within_km=30&sort=distance", ["bham", "wolves"]),
            ("near=52.5853,-2.1200&within_km=3", ["wolves"]),
            ("starts_from=2027-03-28&starts_to=2027-03-28", ["outreach", "online"]),
            ("starts_from=2027-06-06", ["bham", "online"]),
            ("starts_to=2027-01-16", ["wolves", "online"]),
            ("q=drum", ["wolves"]),
            ("q=DANCE club", ["bham"]),
            ("q=100%25", []),
            ("q=_", []),
            ("organisation=dance-hub&kind=club", ["bham"]),
            ("kind=club&artform=music", []),
        ],
    )
    def test_they_hold_together(self, client: TestClient, query: str, expected: list[str]) -> None:
        assert ids(client, query) == expected

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("authority=E99999999", "?authority"),
            ("authority=Birmingham", "?authority.0"),
            ("partnership=nowhere", "?partnership"),
            ("organisation=nobody", "?organisation"),
            ("artform=yodelling", "?artform"),
            ("kind=party", "?kind.0"),
            ("age=-1", "?age.0"),
            ("age=nan", "?age.0"),
            ("age=1e308", "?age.0"),
            ("free=perhaps", "?free"),
            ("near=B1", "?near"),
            ("near=B1%209ZZ", "?near"),
            ("near=0,0", "?near"),
            ("near=91,0", "?near"),
            ("near=nan,nan", "?near"),
            ("near=b11bb&within_km=0", "?within_km"),
            ("near=b11bb&within_km=-1", "?within_km"),
            ("near=b11bb&within_km=1e308", "?within_km"),
            ("within_km=5", "?"),
            ("sort=distance", "?"),
            ("sort=random", "?sort"),
            ("starts_from=yesterday", "?starts_from"),
            ("starts_from=2027-02-30", "?starts_from"),
            ("starts_from=2027-02-02&starts_to=2027-02-01", "?"),
            ("status=submitted", "?status"),
            ("status=lost", "?status"),
            ("changed_after=-1", "?changed_after"),
            ("changed_after=99999999999999999999", "?changed_after"),
        ],
    )
    def test_bad_ones_are_named(self, client: TestClient, query: str, pointer: str) -> None:
        found = problem(client.get(f"/v1/opportunities?{query}"), 422, "invalid")
        assert found["errors"][0]["pointer"] == pointer

    def test_distances_are_told(self, client: TestClient) -> None:
        items = client.get("/v1/opportunities?near=B1%201BB&within_km=30").json()["items"]
        by_id = {item["source"]["external_id"]: item["distance_km"] for item in items}
        assert by_id["bham"] == 0
        assert 18 < by_id["wolves"] < 22

    def test_pages(self, client: TestClient) -> None:
        first = client.get("/v1/opportunities?limit=3&count=true").json()
        assert first["total"] == 4
        second = client.get(first["next"].removeprefix("http://testserver")).json()
        met = [item["source"]["external_id"] for item in first["items"] + second["items"]]
        assert met == ["wolves", "outreach", "bham", "online"]
        assert second["next"] is None


class TestDocuments:
    def test_they_follow_what_they_show(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"/v1/opportunities/{made['id']}"
        before = client.get(path)
        organisation = client.get("/v1/organisations/dance-hub", headers=keys.staff)
        renamed = client.patch(
            "/v1/organisations/dance-hub",
            json={"name": "Dance House"},
            headers={**keys.staff, "If-Match": organisation.headers["etag"]},
        )
        assert renamed.status_code == 200, renamed.text
        after = client.get(path)
        assert after.json()["provider"]["name"] == "Dance House"
        assert after.json()["change_number"] > before.json()["change_number"]
        assert after.json()["version"] == before.json()["version"]
        assert after.headers["etag"] != before.headers["etag"]

    def test_a_hidden_address_is_nowhere(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = client.post(
            "/v1/venues",
            json={
                "organisation": "dance-hub",
                "name": "The Refuge",
                "address": "12 Secret Street",
                "postcode": "B1 1BB",
                "hide_exact_address": True,
            },
            headers=keys.staff,
        )
        assert venue.status_code == 201, venue.text
        made = push(client, trusted, venue=venue.json()["slug"])
        text = client.get(f"/v1/opportunities/{made['id']}").text
        assert "Secret" not in text
        assert "B1 1BB" not in text
        assert ids(client, "near=B1%201BB&within_km=0.1") == []

    def test_stored_equals_fresh(self, client: TestClient, trusted: build.Headers) -> None:
        for number in range(5):
            push(client, trusted, str(number), age_min=number)
        database = build.database_of(client)
        with database.reading() as session:
            shown = Shown.read(session, [1, 2, 3, 4, 5])
            assert len(shown.listings) == 5
            for row in shown.listings:
                assert dumps(shown.render(row)).decode() == row.document

    def test_a_wide_change_is_followed_by_the_job(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        items = [{"external_id": str(n), **build.listing(title=f"L {n}")} for n in range(1_050)]
        client.post("/v1/sources/web/batches", json={"items": items}, headers=trusted)
        organisation = client.get("/v1/organisations/dance-hub", headers=keys.staff)
        client.patch(
            "/v1/organisations/dance-hub",
            json={"name": "Dance House"},
            headers={**keys.staff, "If-Match": organisation.headers["etag"]},
        )
        database = build.database_of(client)
        assert refresh_stale(database) == 1_050
        names = {
            item["provider"]["name"]
            for item in client.get("/v1/opportunities?limit=200").json()["items"]
        }
        assert names == {"Dance House"}


def test_lists_ask_a_constant_number_of_questions(client: TestClient, keys: build.Keys) -> None:
    """No query per row, on any list: as many statements for 30 rows as for 3."""
    database = build.database_of(client)
    paths = [
        "/v1/opportunities",
        "/v1/organisations",
        "/v1/venues",
        "/v1/sources",
        "/v1/keys",
        "/v1/partnerships",
        "/v1/programmes",
        "/v1/case-studies",
        "/v1/authorities",
        "/v1/audit-events",
    ]

    def grow(start: int, end: int) -> None:
        for number in range(start, end):
            slug = build.organisation(client, keys, f"Group {number}")["slug"]
            build.source(client, keys, slug, key=f"web-{number}")
            client.post(
                "/v1/venues",
                json={"organisation": slug, "name": f"Hall {number}", "postcode": "B1 1BB"},
                headers=keys.staff,
            )
            push(client, keys.publisher(slug), str(number), f"web-{number}")

    def counted() -> None:
        """What counts listings beside a request has seen what was written."""
        answer = client.get("/v1/opportunities?count=true&limit=1", headers=keys.admin)
        assert answer.status_code == 200, answer.text

    def ask(path: str) -> int:
        asked: list[str] = []

        def count(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
            asked.append(statement)

        event.listen(database.read_engine, "before_cursor_execute", count)
        answer = client.get(path, headers=keys.admin)
        event.remove(database.read_engine, "before_cursor_execute", count)
        assert answer.status_code == 200, answer.text
        return len(asked)

    grow(0, 3)
    counted()
    few = {path: ask(path) for path in paths}
    grow(3, 12)
    counted()
    many = {path: ask(path) for path in paths}
    assert many == few
