"""What the kit promises for every route: problems, pages, conditions, memory, limits, headers."""

import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from pydantic import ValidationError
from sqlalchemy import text
from starlette.testclient import TestClient

from app.kit import migrations
from app.kit.shapes import Write
from app.opportunities.written import OpportunityWrite, Recurrence, SessionWrite
from tests import build
from tests.conftest import fresh_database, serving

Problem = dict[str, Any]


def problem(answer: Response, status: int, code: str) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: Problem = answer.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"].endswith(f"/problems/{code}")
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["detail"]
    assert answer.headers["cache-control"] == "no-store"
    return body


class TestProblems:
    def test_unknown_path(self, shared_client: TestClient) -> None:
        problem(shared_client.get("/v1/nothing"), 404, "not_found")

    def test_unknown_path_below_a_known_one(self, shared_client: TestClient) -> None:
        problem(shared_client.get("/v1/organisations/"), 404, "not_found")

    def test_wrong_method(self, shared_client: TestClient) -> None:
        answer = shared_client.delete("/v1/organisations")
        problem(answer, 405, "method_not_allowed")
        assert "GET" in answer.headers["allow"]

    def test_unknown_parameter_is_named_with_those_allowed(self, shared_client: TestClient) -> None:
        body = problem(shared_client.get("/v1/opportunities?colour=red"), 422, "invalid")
        assert body["errors"][0]["pointer"] == "?colour"
        assert "artform" in body["errors"][0]["detail"]

    def test_unknown_value_is_named_with_those_allowed(self, shared_client: TestClient) -> None:
        body = problem(shared_client.get("/v1/opportunities?kind=dancing"), 422, "invalid")
        assert "workshop" in body["errors"][0]["detail"]

    def test_unknown_member(self, shared_client: TestClient, shared_keys: build.Keys) -> None:
        answer = shared_client.post(
            "/v1/organisations",
            json={"name": "A", "sector": "arts", "colour": 1},
            headers=shared_keys.staff,
        )
        body = problem(answer, 422, "invalid")
        assert any(error["pointer"] == "#/colour" for error in body["errors"])

    @pytest.mark.parametrize(
        "content",
        [
            b'{"name": NaN}',
            b'{"name": 1e309}',
            b'{"name": "\\ud800"}',
            b'{"name": "a\\u0000b", "sector": "arts"}',
            b'{"name": "a',
            b"\xff\xfe",
            b"[" * 10_000 + b"]" * 10_000,
            b'{"name": ' + b"9" * 5_000 + b"}",
            b'"text"',
            b"[]",
            b"null",
            b"",
        ],
        ids=lambda content: content[:20].decode("latin-1"),
    )
    def test_hostile_bodies(
        self, shared_client: TestClient, shared_keys: build.Keys, content: bytes
    ) -> None:
        answer = shared_client.post(
            "/v1/organisations",
            content=content,
            headers={**shared_keys.staff, "Content-Type": "application/json"},
        )
        problem(answer, 422, "invalid")

    def test_wrong_media_type(self, shared_client: TestClient, shared_keys: build.Keys) -> None:
        answer = shared_client.post(
            "/v1/organisations",
            content=b"<name/>",
            headers={**shared_keys.staff, "Content-Type": "text/xml"},
        )
        problem(answer, 415, "unsupported_media_type")

    def test_body_over_the_limit(self, shared_client: TestClient, shared_keys: build.Keys) -> None:
        headers = {**shared_keys.staff, "Content-Type": "application/json"}
        large = b'{"name": "' + b"a" * 1_100_000 + b'"}'
        problem(
            shared_client.post("/v1/organisations", content=large, headers=headers),
            413,
            "too_large",
        )

        def chunks() -> Any:
            for _ in range(20):
                yield b" " * 100_000

        told = problem(
            shared_client.post("/v1/organisations", content=chunks(), headers=headers),
            413,
            "too_large",
        )
        assert "at most 1 MB" in told["detail"]

    def test_nul_in_path_and_query(self, shared_client: TestClient) -> None:
        assert shared_client.get("/v1/organisations/a%00b").status_code in {404, 422}
        assert shared_client.get("/v1/organisations?q=a%00b").status_code in {200, 422}
        assert shared_client.get("/v1/opportunities?q=%ff%fe").status_code in {200, 422}

    def test_a_fault_says_nothing_and_keeps_its_headers(
        self, client: TestClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        def explode() -> None:
            raise RuntimeError("secret sauce")

        client.app.add_api_route("/v1/explode", explode)  # type: ignore[attr-defined]
        with caplog.at_level(logging.CRITICAL, "app.problems"):
            answer = client.get("/v1/explode", headers={"Origin": "https://front.example"})
        body = problem(answer, 500, "internal")
        assert "sauce" not in answer.text
        assert "RuntimeError" not in answer.text
        assert body["request_id"]
        assert answer.headers["access-control-allow-origin"] == "*"

    def test_every_code_is_explained(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/problems/stale")
        assert answer.status_code == 200
        assert answer.json()["status"] == 412
        problem(shared_client.get("/problems/none"), 404, "not_found")


class TestExactTypes:
    """What pydantic would guess is told to the sender instead."""

    @pytest.mark.parametrize(
        "query",
        [
            "starts_to=0",
            "starts_from=1700000000",
            "count=yes",
            "free=1",
            "limit=1.0",
            "limit=%EF%BC%91",
            "quality_min=NaN",
            "within_km=1_0&near=B1%201BB",
        ],
    )
    def test_one_spelling_in_a_query(self, shared_client: TestClient, query: str) -> None:
        body = problem(shared_client.get(f"/v1/opportunities?{query}"), 422, "invalid")
        assert body["errors"][0]["pointer"] == "?" + query.split("=", maxsplit=1)[0]

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("age_min", "7"),
            ("age_min", True),
            ("always_available", "yes"),
            ("always_available", 1),
            ("exdates", [0]),
            ("starts_at", 0),
            ("date", 0),
            ("date", "0"),
            ("capacity", "12"),
        ],
    )
    def test_json_types_in_a_body(self, member: str, value: object) -> None:
        homes: dict[str, tuple[type[Write], dict[str, object]]] = {
            "exdates": (Recurrence, {"rrule": "FREQ=DAILY", "starts_at": "2027-02-15T10:00:00"}),
            "starts_at": (SessionWrite, {}),
            "date": (SessionWrite, {}),
            "capacity": (SessionWrite, {"date": "2027-02-15"}),
        }
        model, rest = homes.get(member, (OpportunityWrite, {"title": "A title"}))
        with pytest.raises(ValidationError) as caught:
            model.model_validate({**rest, member: value})
        assert caught.value.errors()[0]["loc"][0] == member

    @pytest.mark.parametrize("since", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
    def test_instants_at_the_end_of_time(
        self, shared_client: TestClient, shared_keys: build.Keys, since: str
    ) -> None:
        answer = shared_client.get(f"/v1/audit-events?since={since}", headers=shared_keys.admin)
        problem(answer, 422, "invalid")

    def test_pointers_name_members_only(
        self, shared_client: TestClient, shared_keys: build.Keys
    ) -> None:
        answer = shared_client.post(
            "/v1/opportunities",
            json={"title": "A title", "venue": {"name": " "}, "outreach_areas": ["x"]},
            headers=shared_keys.staff,
        )
        pointers = {error["pointer"] for error in problem(answer, 422, "invalid")["errors"]}
        assert pointers == {"#/venue/name", "#/venue", "#/outreach_areas/0"}

    def test_a_parameter_is_given_once(self, shared_client: TestClient) -> None:
        body = problem(shared_client.get("/v1/organisations?limit=1&limit=2"), 422, "invalid")
        assert body["errors"][0]["code"] == "repeated_parameter"
        twice = shared_client.get("/v1/opportunities?kind=club&kind=course")
        assert twice.status_code == 200

    def test_a_member_is_given_once(
        self, shared_client: TestClient, shared_keys: build.Keys
    ) -> None:
        answer = shared_client.post(
            "/v1/organisations",
            content=b'{"name": "One", "name": "Two", "sector": "arts"}',
            headers={**shared_keys.staff, "Content-Type": "application/json"},
        )
        problem(answer, 422, "invalid")


class TestMethods:
    def test_options(self, shared_client: TestClient) -> None:
        answer = shared_client.options("/v1/organisations", headers={"Origin": "https://a.example"})
        assert answer.status_code == 204
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert answer.headers["access-control-allow-origin"] == "*"
        problem(shared_client.options("/v1/nothing"), 404, "not_found")

    def test_a_path_that_is_written_out_is_no_id(self, shared_client: TestClient) -> None:
        path = "/v1/opportunities/moderation"
        assert shared_client.options(path).headers["allow"] == "OPTIONS, POST"
        for method in ("GET", "PATCH", "DELETE"):
            answer = shared_client.request(method, path)
            problem(answer, 405, "method_not_allowed")
            assert answer.headers["allow"] == "OPTIONS, POST"

    def test_a_form_of_a_thing_is_only_read(self, shared_client: TestClient) -> None:
        path = "/v1/partnerships/birmingham.ics"
        assert shared_client.options(path).headers["allow"] == "GET, HEAD, OPTIONS"
        answer = shared_client.patch(path, json={})
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        assert "PATCH" in shared_client.options("/v1/partnerships/birmingham").headers["allow"]

    def test_allow_names_every_method(self, shared_client: TestClient) -> None:
        answer = shared_client.delete("/v1/authorities/E08000025")
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PATCH, PUT"


class TestPages:
    def test_a_walk_meets_everything_once_though_things_come_and_go(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        for number in range(7):
            build.organisation(client, keys, f"Group {number}")
        page = client.get("/v1/organisations?limit=2").json()
        seen = [item["slug"] for item in page["items"]]
        build.organisation(client, keys, "Aardvark")  # before the cursor: not met
        gone = client.get(f"/v1/organisations/{seen[-1]}")
        client.delete(
            f"/v1/organisations/{seen[-1]}",
            headers={**keys.staff, "If-Match": gone.headers["etag"]},
        )
        while page["next"]:
            answer = client.get(page["next"].removeprefix("http://testserver"))
            page = answer.json()
            seen += [item["slug"] for item in page["items"]]
        assert seen == [f"group-{number}" for number in range(7)]

    def test_link_header_and_count(self, client: TestClient, keys: build.Keys) -> None:
        for number in range(3):
            build.organisation(client, keys, f"Group {number}")
        answer = client.get("/v1/organisations?limit=2&count=true")
        assert answer.json()["total"] == 3
        assert answer.headers["link"] == f'<{answer.json()["next"]}>; rel="next"'

    def test_forged_and_foreign_cursors(self, client: TestClient, keys: build.Keys) -> None:
        for number in range(3):
            build.organisation(client, keys, f"Group {number}")
        following = client.get("/v1/organisations?limit=1").json()["next"]
        cursor = following.split("cursor=")[1]
        problem(client.get(f"/v1/organisations?cursor={cursor}&q=Group"), 400, "bad_cursor")
        problem(client.get(f"/v1/venues?cursor={cursor}"), 400, "bad_cursor")
        problem(client.get(f"/v1/organisations?cursor={cursor[:-2]}AA"), 400, "bad_cursor")
        problem(client.get("/v1/organisations?cursor=%F0%9F%98%80"), 400, "bad_cursor")
        problem(client.get("/v1/organisations?cursor="), 400, "bad_cursor")

    @pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", "1e9", "9" * 400])
    def test_limits(self, shared_client: TestClient, limit: str) -> None:
        problem(shared_client.get(f"/v1/organisations?limit={limit}"), 422, "invalid")


class TestConditions:
    def test_304_head_and_gzip(self, shared_client: TestClient) -> None:
        plain = shared_client.get("/v1/vocabularies", headers={"Accept-Encoding": "identity"})
        tag = plain.headers["etag"]
        assert (
            shared_client.get(
                "/v1/vocabularies",
                headers={"If-None-Match": f'W/"other", {tag}', "Accept-Encoding": "identity"},
            ).status_code
            == 304
        )
        zipped = shared_client.get("/v1/vocabularies", headers={"Accept-Encoding": "gzip"})
        assert zipped.headers["content-encoding"] == "gzip"
        assert zipped.headers["etag"] == tag[:-1] + '-gzip"'
        assert zipped.json() == plain.json()
        again = shared_client.get(
            "/v1/vocabularies",
            headers={"If-None-Match": zipped.headers["etag"], "Accept-Encoding": "gzip"},
        )
        assert again.status_code == 304
        assert again.content == b""
        assert "Accept-Encoding" in again.headers["vary"]
        head = shared_client.head("/v1/vocabularies", headers={"Accept-Encoding": "identity"})
        assert head.status_code == 200
        assert head.content == b""
        assert head.headers["etag"] == tag
        assert head.headers["content-length"] == str(len(plain.content))

    def test_an_edit_names_the_version_it_starts_from(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        build.organisation(client, keys)
        path = "/v1/organisations/dance-hub"
        tag = client.get(path).headers["etag"]
        patch = {"summary": "We dance."}
        problem(client.patch(path, json=patch, headers=keys.staff), 428, "precondition_required")
        headers = {**keys.staff, "If-Match": "W/" + tag}
        assert client.patch(path, json=patch, headers=headers).status_code == 200
        problem(client.patch(path, json=patch, headers=headers), 412, "stale")
        problem(
            client.patch(path, json=patch, headers={**keys.staff, "If-Match": "3"}), 422, "invalid"
        )
        anything = {**keys.staff, "If-Match": "*"}
        assert client.patch(path, json=patch, headers=anything).status_code == 200

    def test_of_many_edits_from_one_version_one_is_made(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        build.organisation(client, keys)
        path = "/v1/organisations/dance-hub"
        headers = {**keys.staff, "If-Match": client.get(path).headers["etag"]}

        def edit(number: int) -> int:
            return client.patch(
                path, json={"summary": f"Edit {number}"}, headers=headers
            ).status_code

        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(edit, range(12)))
        assert sorted(statuses) == [200] + [412] * 11

    def test_cache_headers(self, shared_client: TestClient, shared_keys: build.Keys) -> None:
        public = shared_client.get("/v1/authorities")
        assert public.headers["cache-control"] == ("public, max-age=60, stale-while-revalidate=300")
        private = shared_client.get("/v1/authorities", headers=shared_keys.staff)
        assert private.headers["cache-control"] == "private, no-store"


class TestIdempotency:
    body = {"name": "Once Only", "sector": "arts"}

    def test_a_retry_gets_the_first_answer(self, client: TestClient, keys: build.Keys) -> None:
        headers = {**keys.staff, "Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}
        first = client.post("/v1/organisations", json=self.body, headers=headers)
        again = client.post("/v1/organisations", json=self.body, headers=headers)
        assert first.status_code == again.status_code == 201
        assert first.content == again.content
        assert first.headers["location"] == again.headers["location"]
        assert first.headers["etag"] == again.headers["etag"]
        assert again.headers["idempotency-replayed"] == "true"
        assert len(client.get("/v1/organisations?q=Once").json()["items"]) == 1

    def test_another_body_is_refused(self, client: TestClient, keys: build.Keys) -> None:
        headers = {**keys.staff, "Idempotency-Key": "k1"}
        client.post("/v1/organisations", json=self.body, headers=headers)
        other = client.post(
            "/v1/organisations", json={**self.body, "name": "Twice"}, headers=headers
        )
        problem(other, 422, "idempotency_mismatch")

    def test_if_match_is_part_of_the_request(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        build.source(client, keys)
        made = client.put(
            "/v1/sources/dance-hub-website/opportunities/a",
            json=build.listing(),
            headers=keys.staff,
        )
        path = f"/v1/opportunities/{made.json()['id']}/withdraw"
        headers = {**keys.staff, "Idempotency-Key": "k1"}
        first = client.post(path, headers={**headers, "If-Match": "*"})
        assert first.status_code == 200
        again = client.post(path, headers={**headers, "If-Match": "*"})
        assert again.headers["idempotency-replayed"] == "true"
        problem(client.post(path, headers=headers), 422, "idempotency_mismatch")

    def test_a_key_belongs_to_its_caller_and_route(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        for headers in (keys.staff, keys.admin):
            answer = client.post(
                "/v1/organisations", json=self.body, headers={**headers, "Idempotency-Key": "k1"}
            )
            assert answer.status_code == 201
            assert "idempotency-replayed" not in answer.headers

    def test_a_failure_is_not_remembered(self, client: TestClient, keys: build.Keys) -> None:
        headers = {**keys.staff, "Idempotency-Key": "k2"}
        bad = client.post(
            "/v1/organisations", json={**self.body, "sector": "nonsense"}, headers=headers
        )
        assert bad.status_code == 422
        good = client.post("/v1/organisations", json=self.body, headers=headers)
        assert good.status_code == 201

    def test_at_once(self, client: TestClient, keys: build.Keys) -> None:
        headers = {**keys.staff, "Idempotency-Key": "k3"}

        def send(_: int) -> Response:
            return client.post("/v1/organisations", json=self.body, headers=headers)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, range(8)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len(client.get("/v1/organisations?q=Once").json()["items"]) == 1

    @pytest.mark.parametrize("key", ["", " ", "a" * 256, "snow☃"])
    def test_bad_keys(self, shared_client: TestClient, shared_keys: build.Keys, key: str) -> None:
        headers = {**shared_keys.staff, "Idempotency-Key": key.encode()}
        problem(
            shared_client.post("/v1/organisations", json=self.body, headers=headers),  # type: ignore[arg-type]
            422,
            "invalid",
        )


class TestTransactions:
    def test_a_commit_that_fails_is_heard_of(self, client: TestClient, keys: build.Keys) -> None:
        database = build.database_of(client)
        headers = keys.staff

        def refuse(_: object) -> None:
            raise RuntimeError("the disk is gone")

        database.before_commit.append(refuse)
        body = {"name": "Never", "sector": "arts"}
        answer = client.post("/v1/organisations", json=body, headers=headers)
        database.before_commit.remove(refuse)
        problem(answer, 500, "internal")
        assert client.get("/v1/organisations?q=Never").json()["items"] == []

    def test_reads_go_on_while_a_writer_holds_on(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        build.organisation(client, keys)
        database = build.database_of(client)
        with database.writing() as session:
            session.connection().execute(text("UPDATE organisation SET summary = 'held'"))
            assert client.get("/v1/organisations/dance-hub").status_code == 200

    def test_a_writer_kept_waiting_is_told_to_come_back(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        build.organisation(client, keys)
        path = "/v1/organisations/dance-hub"
        headers = {**keys.staff, "If-Match": "*"}
        database = build.database_of(client)
        with database.writing() as session:
            session.connection().execute(text("UPDATE organisation SET summary = 'held'"))
            answer = client.patch(path, json={"summary": "mine"}, headers=headers)
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert client.patch(path, json={"summary": "mine"}, headers=headers).status_code == 200

    def test_change_numbers_follow_the_commits(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        seen: list[int] = []
        stop = threading.Event()

        def follow() -> None:
            after = 0
            while not (stop.is_set() and not client.get(poll(after)).json()["items"]):
                items = client.get(poll(after)).json()["items"]
                seen.extend(item["change_number"] for item in items)
                after = max([after, *(item["change_number"] for item in items)])

        def poll(after: int) -> str:
            return f"/v1/opportunities?changed_after={after}&limit=200"

        def push(number: int) -> None:
            client.put(
                f"/v1/sources/web/opportunities/{number}",
                json=build.listing(title=f"Listing {number}"),
                headers=keys.staff,
            )

        follower = threading.Thread(target=follow)
        follower.start()
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(push, range(40)))
        stop.set()
        follower.join(30)
        # A poller that remembers the highest number it saw has missed none.
        assert len(set(seen)) == 40


class TestHeaders:
    def test_cors(self, shared_client: TestClient) -> None:
        asked = {
            "Origin": "https://front.example",
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,if-match,idempotency-key",
        }
        answer = shared_client.options("/v1/organisations/x", headers=asked)
        assert answer.status_code == 200
        assert "PATCH" in answer.headers["access-control-allow-methods"]
        error = shared_client.get("/v1/none", headers={"Origin": "https://front.example"})
        assert error.headers["access-control-allow-origin"] == "*"
        exposed = error.headers["access-control-expose-headers"]
        assert {"ETag", "Link", "Retry-After", "X-Request-Id"} <= set(exposed.split(", "))

    def test_request_ids(self, shared_client: TestClient) -> None:
        given = shared_client.get("/healthz", headers={"X-Request-Id": "abc-12345"})
        assert given.headers["x-request-id"] == "abc-12345"
        bad = shared_client.get("/healthz", headers={"X-Request-Id": 'x"; drop'})
        assert bad.headers["x-request-id"] not in {"", 'x"; drop'}

    def test_no_redirect_follows_the_host_header(self, shared_client: TestClient) -> None:
        answer = shared_client.get(
            "/v1/organisations/", headers={"Host": "evil.example"}, follow_redirects=False
        )
        assert answer.status_code == 404

    def test_the_log_holds_no_secret(
        self, shared_client: TestClient, shared_keys: build.Keys, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO):
            shared_client.get("/v1/organisations?q=jane.doe@example.org", headers=shared_keys.staff)
        ours = [record for record in caplog.records if record.name.startswith("app")]
        assert ours
        said = "".join(json.dumps(vars(record), default=str) for record in ours)
        assert "jane.doe" not in said
        assert shared_keys.staff["Authorization"].removeprefix("Bearer ") not in said


class TestLimits:
    def test_so_many_a_minute(self) -> None:
        with (
            fresh_database("sqlite") as url,
            serving(url, rate_per_address=5) as client,
        ):
            answers = [client.get("/v1/authorities?limit=1") for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [429]
            assert answers[0].headers["ratelimit-policy"] == '"address";q=5;w=60'
            problem(answers[-1], 429, "too_many_requests")
            assert int(answers[-1].headers["retry-after"]) > 0
            assert client.get("/healthz").status_code == 200


class TestDoors:
    def test_home(self, shared_client: TestClient) -> None:
        home = shared_client.get("/").json()
        for name, address in home["links"].items():
            path = address.removeprefix("http://testserver")
            assert shared_client.get(path).status_code == 200, name

    def test_documentation_needs_no_internet(self, shared_client: TestClient) -> None:
        for path in ("/docs", "/redoc"):
            page = shared_client.get(path)
            assert page.status_code == 200
            assert "https://" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
        assert shared_client.get("/docs/static/swagger-ui-bundle.js").status_code == 200

    def test_the_contract_is_served_as_committed(self, shared_client: TestClient) -> None:
        served = shared_client.get("/openapi.json")
        committed = Path(__file__).parent.parent / "openapi" / "openapi.json"
        assert served.content == committed.read_bytes()

    def test_readiness(self, empty_database_url: str) -> None:
        migrations.upgrade(empty_database_url)
        with serving(empty_database_url) as client:
            assert client.get("/readyz").json() == {"status": "ok"}
            migrations.downgrade(empty_database_url, "base")
            problem(client.get("/readyz"), 503, "unavailable")

    def test_metrics_are_off_unless_configured(self, shared_client: TestClient) -> None:
        problem(shared_client.get("/metrics"), 404, "not_found")
        with fresh_database("sqlite") as url, serving(url, metrics=True) as client:
            client.get("/v1/organisations/none")
            page = client.get("/metrics").text
            assert 'route="/v1/organisations/{organisation}",status="404"' in page
