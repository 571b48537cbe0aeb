"""What keeps strangers from costing us, and secrets from staying."""

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from tests import build
from tests.conftest import fresh_database, serving
from tests.test_service import problem


class TestStrangers:
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer lcep_made_up"}])
    def test_their_bodies_are_not_even_parsed(
        self, shared_client: TestClient, headers: dict[str, str]
    ) -> None:
        answer = shared_client.post(
            "/v1/sources/web/batches",
            content=b"{" * 2_000_000,
            headers={"Content-Type": "application/json", **headers},
        )
        problem(answer, 401, "unauthenticated")

    def test_made_up_keys_get_no_allowance_each(self) -> None:
        with (
            fresh_database("sqlite") as url,
            serving(url, rate_per_address=5, rate_per_key=50) as client,
        ):
            known = build.Keys(build.database_of(client)).staff
            statuses = [
                client.get("/v1/me", headers={"Authorization": f"Bearer lcep_{n}_x"}).status_code
                for n in range(7)
            ]
            assert statuses == [401] * 5 + [429] * 2
            assert client.get("/v1/authorities").status_code == 200
            problem(client.get("/v1/me", headers=known), 429, "too_many_requests")


class TestSecrets:
    def test_a_key_is_stored_nowhere(self, client: TestClient, keys: build.Keys) -> None:
        headers = {**keys.admin, "Idempotency-Key": "once"}
        made = client.post("/v1/keys", json={"name": "New", "role": "staff"}, headers=headers)
        assert made.status_code == 201
        with build.database_of(client).reading() as session:
            stored = session.connection().execute(text("SELECT body FROM idempotency_key")).all()
        assert stored == []


class TestRepresentations:
    def test_a_part_is_sent_as_it_is(self, shared_client: TestClient) -> None:
        answer = shared_client.get(
            "/docs/static/swagger-ui.css",
            headers={"Range": "bytes=0-4999", "Accept-Encoding": "gzip"},
        )
        assert answer.status_code == 206
        assert "content-encoding" not in answer.headers
        assert len(answer.content) == 5_000

    def test_the_contract_is_conditional_and_packed(self, shared_client: TestClient) -> None:
        first = shared_client.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
        assert first.headers["content-encoding"] == "gzip"
        again = shared_client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
