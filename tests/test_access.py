"""Keys, roles, the caller's own view and the audit trail."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text
from starlette.testclient import TestClient

from app.kit.times import now
from tests import build
from tests.test_service import problem


class TestCredentials:
    @pytest.mark.parametrize(
        "header",
        [
            "Bearer",
            "Bearer nonsense",
            "Bearer lcep_abc",
            "Bearer lcep_abcdefghijkl_wrong",
            "Basic dXNlcjpwYXNz",
            "lcep_abc_def",
            "Bearer " + "x" * 3_000,
        ],
    )
    def test_bad_ones_are_refused_everywhere(self, shared_client: TestClient, header: str) -> None:
        for path in ("/v1/me", "/v1/authorities", "/v1/keys"):
            answer = shared_client.get(path, headers={"Authorization": header})
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_a_right_id_with_a_wrong_secret(
        self, shared_client: TestClient, shared_keys: build.Keys
    ) -> None:
        token = shared_keys.staff["Authorization"]
        answer = shared_client.get("/v1/me", headers={"Authorization": token[:-4] + "AAAA"})
        problem(answer, 401, "unauthenticated")

    def test_only_a_digest_is_kept(self, client: TestClient, keys: build.Keys) -> None:
        secret = keys.staff["Authorization"].rsplit("_", 1)[-1]
        database = build.database_of(client)
        with database.reading() as session:
            rows = session.connection().execute(text("SELECT * FROM api_key")).all()
        assert secret not in str(rows)

    def test_an_expired_key(self, client: TestClient, keys: build.Keys) -> None:
        headers = keys.staff
        with time_machine.travel(now() + timedelta(days=367), tick=True):
            problem(client.get("/v1/me", headers=headers), 401, "unauthenticated")


class TestMe:
    def test_anonymous(self, shared_client: TestClient) -> None:
        me = shared_client.get("/v1/me").json()
        assert me["role"] == "anonymous"
        assert me["key"] is None

    def test_a_coordinator_sees_its_partnerships(
        self, shared_client: TestClient, shared_keys: build.Keys
    ) -> None:
        me = shared_client.get("/v1/me", headers=shared_keys.coordinator("birmingham")).json()
        assert me["role"] == "coordinator"
        assert [one["slug"] for one in me["partnerships"]] == ["birmingham"]
        assert me["partnerships"][0]["href"] == "http://testserver/v1/partnerships/birmingham"

    def test_the_inbox_is_for_those_with_a_key(
        self, shared_client: TestClient, shared_keys: build.Keys
    ) -> None:
        problem(shared_client.get("/v1/me/inbox"), 401, "unauthenticated")
        inbox = shared_client.get("/v1/me/inbox", headers=shared_keys.staff).json()
        assert inbox == {"items": []}

    def test_use_is_noted_without_a_write_per_request(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        me = client.get("/v1/me", headers=keys.staff).json()
        key = client.get(f"/v1/keys/{me['key']}", headers=keys.staff)
        assert key.json()["last_used_at"] is None
        client.app.state.last_use.flush()  # type: ignore[attr-defined]
        later = client.get(f"/v1/keys/{me['key']}", headers=keys.staff)
        assert later.json()["last_used_at"] is not None
        assert later.json()["created_at"] == key.json()["created_at"]


class TestCreateKey:
    def test_who_may_make_which(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        publisher = {"name": "Web", "role": "publisher", "organisation": "dance-hub"}
        staff = {"name": "Sam", "role": "staff"}
        callers = {
            None: (401, 401),
            "publisher": (403, 403),
            "coordinator": (403, 403),
            "staff": (201, 403),
            "admin": (201, 201),
        }
        headers = {
            None: {},
            "publisher": keys.publisher("dance-hub"),
            "coordinator": keys.coordinator("birmingham"),
            "staff": keys.staff,
            "admin": keys.admin,
        }
        for caller, expected in callers.items():
            for body, status in zip((publisher, staff), expected, strict=True):
                answer = client.post("/v1/keys", json=body, headers=headers[caller])
                assert answer.status_code == status, (caller, body)

    def test_a_new_key_works_and_is_shown_once(self, client: TestClient, keys: build.Keys) -> None:
        made = client.post("/v1/keys", json={"name": "Sam", "role": "staff"}, headers=keys.admin)
        assert made.headers["location"] == f"http://testserver/v1/keys/{made.json()['id']}"
        headers = {"Authorization": f"Bearer {made.json()['key']}"}
        assert client.get("/v1/me", headers=headers).json()["name"] == "Sam"
        shown = client.get(f"/v1/keys/{made.json()['id']}", headers=keys.admin).json()
        assert "key" not in shown

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"name": "A", "role": "publisher"}, "#"),
            ({"name": "A", "role": "staff", "organisation": "dance-hub"}, "#"),
            ({"name": "A", "role": "coordinator"}, "#"),
            ({"name": "A", "role": "publisher", "organisation": "none"}, "#/organisation"),
            ({"name": "A", "role": "coordinator", "partnerships": ["none"]}, "#/partnerships"),
            ({"name": "A", "role": "staff", "expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at"),
            ({"name": "A", "role": "staff", "expires_at": "2999-01-01T00:00:00Z"}, "#/expires_at"),
            ({"name": "A", "role": "king"}, "#/role"),
            ({"name": " ", "role": "staff"}, "#/name"),
        ],
    )
    def test_invalid(
        self,
        shared_client: TestClient,
        shared_keys: build.Keys,
        body: dict[str, object],
        pointer: str,
    ) -> None:
        answer = shared_client.post("/v1/keys", json=body, headers=shared_keys.admin)
        found = problem(answer, 422, "invalid")
        assert found["errors"][0]["pointer"] == pointer


class TestRotateAndRevoke:
    def test_rotation_leaves_two_live_keys(self, client: TestClient, keys: build.Keys) -> None:
        me = client.get("/v1/me", headers=keys.staff).json()["key"]
        rotated = client.post(f"/v1/keys/{me}/rotate", headers=keys.staff)
        assert rotated.status_code == 201
        new = {"Authorization": f"Bearer {rotated.json()['key']}"}
        assert client.get("/v1/me", headers=keys.staff).status_code == 200
        assert client.get("/v1/me", headers=new).status_code == 200
        problem(client.post(f"/v1/keys/{me}/rotate", headers=keys.staff), 409, "conflict")
        assert client.post(f"/v1/keys/{me}/revoke", headers=keys.staff).status_code == 200
        problem(client.get("/v1/me", headers=keys.staff), 401, "unauthenticated")
        again = client.post(f"/v1/keys/{rotated.json()['id']}/rotate", headers=new)
        assert again.status_code == 201

    def test_keys_of_others_are_not_seen(self, client: TestClient, keys: build.Keys) -> None:
        admin = client.get("/v1/me", headers=keys.admin).json()["key"]
        for action in ("rotate", "revoke"):
            answer = client.post(f"/v1/keys/{admin}/{action}", headers=keys.staff)
            problem(answer, 404, "not_found")
        problem(
            client.get(f"/v1/keys/{admin}", headers=keys.coordinator("dudley")), 404, "not_found"
        )

    def test_the_list_shows_what_one_manages(self, client: TestClient, keys: build.Keys) -> None:
        client.get("/v1/me", headers=keys.admin)
        client.get("/v1/me", headers=keys.coordinator("dudley", "sandwell"))
        problem(client.get("/v1/keys", headers=keys.coordinator("dudley")), 403, "forbidden")
        roles = {key["role"] for key in client.get("/v1/keys", headers=keys.staff).json()["items"]}
        assert "admin" not in roles
        everything = client.get("/v1/keys", headers=keys.admin).json()["items"]
        (coordinator,) = [key for key in everything if len(key["partnerships"]) == 2]
        assert {one["slug"] for one in coordinator["partnerships"]} == {"dudley", "sandwell"}


class TestAuditTrail:
    def test_only_admins_read_it(self, shared_client: TestClient, shared_keys: build.Keys) -> None:
        problem(shared_client.get("/v1/audit-events"), 401, "unauthenticated")
        problem(shared_client.get("/v1/audit-events", headers=shared_keys.staff), 403, "forbidden")

    def test_a_change_and_its_row_stand_together(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        made = client.post(
            "/v1/organisations",
            json={"name": "Dance Hub", "sector": "arts"},
            headers={**keys.staff, "X-Request-Id": "find-me-again"},
        )
        assert made.status_code == 201
        client.post(
            "/v1/organisations",
            json={"name": "Dance Hub 2", "sector": "nonsense"},
            headers=keys.staff,
        )
        events = client.get(
            "/v1/audit-events?subject_kind=organisation", headers=keys.admin
        ).json()["items"]
        (event,) = events
        assert event["role"] == "staff"
        assert event["request_id"] == "find-me-again"
        assert event["after_digest"]
        assert event["before_digest"] is None
