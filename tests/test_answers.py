"""Kept answers: the same bytes again, never older than what was written, never another's."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from httpx2 import Response
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session
from starlette.testclient import TestClient

from app import tables
from app.kit import revisions
from app.kit.watch import LISTENER
from app.main import PRIVATE_TABLES
from app.sources.demonstration import load_demonstration
from tests import build
from tests.conftest import serving

PATH = "/v1/partnerships?limit=5"
OWN = {"x-request-id"}
"""Headers that every answer has for itself."""
SECONDS = 20.0


@pytest.fixture
def service(database_url: str) -> Iterator[TestClient]:
    """A service that counts, and knows the present revision."""
    with counting(database_url) as client:
        yield client


@pytest.fixture
def staff(service: TestClient) -> build.Headers:
    """The key of a member of staff of that service."""
    return build.Keys(build.database_of(service)).staff


@contextmanager
def counting(url: str, **settings: object) -> Iterator[TestClient]:
    """A service on a database that has begun to keep answers."""
    with serving(url, metrics=True, **settings) as client:
        until(lambda: gives(client, "/"))
        yield client


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that comes about by itself."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "It never came about."
        time.sleep(0.005)


def counts(client: TestClient) -> Mapping[str, float]:
    """How many answers came from where."""
    page = client.get("/metrics").text
    found = re.findall(r'^public_answers_total\{outcome="(\w+)"\} (\S+)', page, re.MULTILINE)
    return {name: float(value) for name, value in found}


def gives(client: TestClient, path: str = PATH, **asked: Any) -> bool:
    """Ask; whether the answer came from memory."""
    before = counts(client)
    assert client.get(path, **asked).status_code in {200, 304}
    after = counts(client)
    return after["given"] + after["unmodified"] > before["given"] + before["unmodified"]


def headers(answer: Response) -> list[tuple[str, str]]:
    return [(k, v) for k, v in answer.headers.multi_items() if k not in OWN]


def names(client: TestClient) -> set[str]:
    """The organisations that the public sees."""
    found = client.get("/v1/organisations?limit=200").json()["items"]
    return {item["name"] for item in found}


def write(client: TestClient, *statements: str, **options: object) -> None:
    """Run statements as the service runs its own."""
    with build.database_of(client).writing() as session:
        for statement in statements:
            session.execute(text(statement).execution_options(**options))


class TestGiven:
    @pytest.mark.parametrize("coding", ["gzip", "identity"])
    @pytest.mark.parametrize("path", [PATH, "/v1/authorities/E08000025", "/openapi.json"])
    def test_the_same_again(self, service: TestClient, path: str, coding: str) -> None:
        asked = {"Accept-Encoding": coding, "Origin": "https://front.example"}
        first = service.get(path, headers=asked)
        before = counts(service)
        again = service.get(path, headers=asked)
        assert counts(service)["given"] == before["given"] + 1
        assert first.status_code == again.status_code == 200
        assert first.content == again.content
        assert headers(first) == headers(again)
        assert first.headers["x-request-id"] != again.headers["x-request-id"]
        zipped = coding == "gzip" and len(again.content) >= 1_000
        assert ("content-encoding" in again.headers) == zipped

    def test_as_if_none_were_kept(self, database_url: str) -> None:
        with counting(database_url) as keeping, serving(database_url, cache_mb=0) as making:
            etag = making.get(PATH).headers["etag"]
            for condition in ({}, {"If-None-Match": etag}, {"If-None-Match": '"0-0", W/' + etag}):
                made = making.get(PATH, headers=condition)
                assert made.status_code == (304 if condition else 200)
                for _ in range(2):
                    kept = keeping.get(PATH, headers=condition)
                    assert kept.status_code == made.status_code
                    assert kept.content == made.content
                    assert headers(kept) == headers(made)

    def test_head_is_given_from_what_get_kept(self, service: TestClient) -> None:
        got = service.get(PATH)
        before = counts(service)
        head = service.head(PATH)
        assert counts(service)["given"] == before["given"] + 1
        assert head.content == b""
        assert headers(head) == headers(got)

    def test_a_first_condition_keeps_the_answer_too(self, service: TestClient) -> None:
        etag = service.get(PATH).headers["etag"]
        write(service, "UPDATE term SET label = label")
        until(lambda: not gives(service, "/v1/vocabularies"))
        first = service.get(PATH, headers={"If-None-Match": etag})
        before = counts(service)
        again = service.get(PATH, headers={"If-None-Match": etag})
        assert counts(service)["unmodified"] == before["unmodified"] + 1
        assert first.status_code == again.status_code == 304
        assert headers(first) == headers(again)
        assert gives(service)

    def test_another_query_is_another_answer(self, service: TestClient) -> None:
        one, two = service.get("/v1/partnerships?limit=1"), service.get("/v1/partnerships?limit=2")
        assert len(one.json()["items"]) == 1
        assert len(two.json()["items"]) == 2
        assert not gives(service, "/v1/partnerships?limit=3")

    def test_a_made_up_host_reaches_nobody_else(self, service: TestClient) -> None:
        first = service.get(PATH, headers={"Host": "evil.example/x"})
        assert "evil" not in first.text
        assert service.get(PATH).json()["next"].startswith("http://testserver/v1/partnerships?")

    def test_problems_are_made_each_time(self, service: TestClient) -> None:
        for path in ("/v1/partnerships?colour=red", "/v1/partnerships/none", "/v1/nothing"):
            before = counts(service)
            first, again = service.get(path), service.get(path)
            assert first.status_code == again.status_code >= 400
            assert counts(service) == before
            assert first.json()["request_id"] != again.json()["request_id"]

    def test_health_is_looked_at_each_time(self, service: TestClient) -> None:
        assert not gives(service, "/readyz")
        assert not gives(service, "/readyz")

    def test_files_keep_their_own_ways(self, service: TestClient) -> None:
        path = "/docs/static/favicon.png"
        whole = service.get(path)
        part = service.get(path, headers={"Range": "bytes=0-9"})
        assert part.status_code == 206
        assert part.content == whole.content[:10]
        for _ in range(2):
            same = service.get(path, headers={"If-None-Match": whole.headers["etag"]})
            assert same.status_code == 304
            assert same.content == b""

    def test_what_is_given_counts_and_has_its_route(self, database_url: str) -> None:
        with counting(database_url, rate_per_address=30) as client:
            statuses = [client.get(PATH).status_code for _ in range(60)]
            page = client.get("/metrics").text
        assert set(statuses) == {200, 429}
        series = r'http_requests_total\{method="GET",route="(.+)",status="200"\} (\S+)'
        found = {route: float(value) for route, value in re.findall(series, page)}
        assert found["/v1/partnerships"] == statuses.count(200)
        assert "unmatched" not in found

    def test_none_are_kept_if_there_is_no_room(self, database_url: str) -> None:
        with serving(database_url, metrics=True, cache_mb=0) as client:
            assert client.get(PATH).content == client.get(PATH).content
            assert counts(client) == {}


class TestRights:
    def test_a_key_neither_gets_nor_leaves_anything(
        self, service: TestClient, staff: build.Headers
    ) -> None:
        path = "/v1/organisations"
        service.get(path)
        before = counts(service)
        for _ in range(2):
            answer = service.get(path, headers=staff)
            assert answer.headers["cache-control"] == "private, no-store"
        other = service.get("/v1/venues", headers=staff)
        assert other.status_code == 200
        assert counts(service) == before
        assert not gives(service, "/v1/venues")

    def test_what_only_staff_see_stays_with_them(
        self, service: TestClient, staff: build.Headers
    ) -> None:
        keys = build.Keys(build.database_of(service))
        build.organisation(service, keys)
        publisher = keys.publisher("dance-hub")
        made = service.post("/v1/opportunities", json={"title": "A draft"}, headers=publisher)
        path = f"/v1/opportunities/{made.json()['id']}"
        for _ in range(2):
            assert service.get(path, headers=staff).json()["title"] == "A draft"
            assert service.get(path).status_code == 404

    def test_a_bad_key_is_refused_where_an_answer_is_kept(self, service: TestClient) -> None:
        assert service.get(PATH).status_code == 200
        for bad in ("", "Bearer nonsense", "Basic eDp5"):
            assert service.get(PATH, headers={"Authorization": bad}).status_code == 401

    def test_no_private_table_is_read_for_the_public(self, service: TestClient) -> None:
        database = build.database_of(service)
        load_demonstration(database, seed=1, listings=40, progress=lambda *_: None)
        read: list[str] = []

        @event.listens_for(database.read_engine, "before_cursor_execute")
        def note(_c: object, _k: object, statement: str, *_: object) -> None:
            read.append(statement)

        paths = list(public_paths(service))
        for path in paths:
            assert service.get(path).status_code == 200, path
        found = set(re.findall(r'(?:FROM|JOIN) "?(\w+)', " ".join(read)))
        assert {"opportunity", "partnership_member", "programme", "case_study"} <= found
        assert not found & PRIVATE_TABLES

    def test_private_tables_exist(self) -> None:
        assert set(tables.metadata.tables) >= PRIVATE_TABLES


def public_paths(client: TestClient) -> Iterator[str]:
    """Every address that the contract opens to everybody, with things that there are."""

    def first(path: str, member: str) -> str:
        return str(client.get(path).json()["items"][0][member])

    def service(path: str) -> str:
        return str(client.get(f"/oruk/v3/{path}").json()["contents"][0]["id"])

    partnership = first("/v1/partnerships", "slug")
    listing = first("/v1/opportunities", "id")
    slugs = [
        client.get(f"/v1/partnerships/{item['slug']}/members").json()["items"]
        for item in client.get("/v1/partnerships").json()["items"]
    ]
    member = next(items[0] for items in slugs if items)
    values = {
        "/problems/{code}": "stale",
        "/v1/authorities/{code}": "E08000025",
        "{opportunity_id}": listing,
        "/v1/partnerships/{partnership}": partnership,
        "{programme}": first("/v1/programmes", "slug"),
        "{case_study}": first("/v1/case-studies", "slug"),
        "{organisation}": first("/v1/organisations", "slug"),
        "{venue}": first("/v1/venues", "slug"),
        "{postcode}": "B11BB",
        "{vocabulary}": "artform",
        "{term}": "dance",
        "{number}": "1",
        "{service_id}": listing,
        "{organization_id}": service("organizations"),
        "{taxonomy_id}": service("taxonomies"),
        "{term_id}": service("taxonomy_terms"),
    }
    stage = client.get(f"/v1/partnerships/{partnership}/stages").json()
    stage_id = (stage["items"] if isinstance(stage, dict) else stage)[0]["id"]
    for pattern, item in client.get("/openapi.json").json()["paths"].items():
        if {} not in item.get("get", {}).get("security", []):
            continue
        if pattern.endswith("/suggest"):
            yield f"{pattern}?q=da"
            continue
        if "{member_id}" in pattern:
            yield member["href"].removeprefix("http://testserver")
            continue
        path = pattern.replace("{stage_id}", stage_id)
        for name, value in values.items():
            path = path.replace(name, name[: name.index("{")] + value)
        yield path
    yield "/v1/opportunities?artform=dance&age=8&free=true&near=B1%201BB&within_km=50&count=true"
    yield f"/v1/opportunities?partnership={partnership}&kind=workshop&sort=title"


class TestChanges:
    def test_who_writes_reads_it_at_once(self, service: TestClient, staff: build.Headers) -> None:
        def read(_: int) -> None:
            for _ in range(40):
                names(service)

        with ThreadPoolExecutor(4) as pool:
            reading = [pool.submit(read, number) for number in range(3)]
            for number in range(15):
                name = f"Group {number}"
                body = {"name": name, "sector": "arts"}
                assert service.post("/v1/organisations", json=body, headers=staff).is_success
                assert name in names(service)
            for one in reading:
                one.result()

    def test_many_write_at_once(self, service: TestClient, staff: build.Headers) -> None:
        keys = build.Keys(build.database_of(service))
        build.organisation(service, keys)
        build.source(service, keys, key="web")
        publisher = keys.publisher("dance-hub")

        def work(worker: int) -> None:
            for number in range(8):
                name = f"Group {worker} {number}"
                body = {"name": name, "sector": "arts"}
                made = service.post("/v1/organisations", json=body, headers=staff)
                assert made.is_success, made.text
                assert name in names(service)
                path = f"/v1/sources/web/opportunities/{number}"
                told = service.put(path, json=build.listing(title=name), headers=publisher)
                assert told.is_success, told.text

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))
        assert len(names(service)) >= 4 * 8

    def test_another_service_sees_it(self, service: TestClient, database_url: str) -> None:
        with counting(database_url) as other:
            headers = build.Keys(build.database_of(other)).staff
            for number in range(3):
                names(service)
                until(lambda: gives(service, "/v1/organisations?limit=200"))
                name = f"Group {number}"
                body = {"name": name, "sector": "arts"}
                assert other.post("/v1/organisations", json=body, headers=headers).is_success
                until(lambda name=name: name in names(service))  # type: ignore[misc]

    def test_another_process_sees_it(self, service: TestClient, database_url: str) -> None:
        path = "/v1/vocabularies/artform"
        until(lambda: gives(service, path))
        script = (
            "import sys; from sqlalchemy import text; from app.main import open_database;"
            "from app.settings import Settings; database = open_database(Settings());\n"
            "with database.writing() as session:\n"
            "    session.execute(text(\"UPDATE term SET label = 'Moving' WHERE code = 'dance'\"))\n"
            "database.close()"
        )
        subprocess.run(
            [sys.executable, "-c", script],
            env={"LCEP_DATABASE_URL": database_url, "PATH": ""},
            check=True,
        )
        until(lambda: "Moving" in service.get(path).text)

    def test_the_server_hangs_up(
        self, service: TestClient, database_url: str, staff: build.Headers
    ) -> None:
        until(lambda: gives(service))
        hang_up(database_url)
        body = {"name": "While deaf", "sector": "arts"}
        assert service.post("/v1/organisations", json=body, headers=staff).is_success
        assert "While deaf" in names(service)
        until(lambda: gives(service, "/v1/organisations?limit=200"))
        with serving(database_url) as other:
            headers = build.Keys(build.database_of(other)).staff
            body = {"name": "Heard again", "sector": "arts"}
            assert other.post("/v1/organisations", json=body, headers=headers).is_success
        until(lambda: "Heard again" in names(service))

    def test_notices_are_lost(
        self, service: TestClient, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        silent = revisions._RAISE  # noqa: SLF001 - as a pooler would swallow the notice
        monkeypatch.setattr(revisions, "_RAISE_AND_TELL", silent)
        names(service)
        with serving(database_url) as other:
            headers = build.Keys(build.database_of(other)).staff
            body = {"name": "Quietly", "sector": "arts"}
            assert other.post("/v1/organisations", json=body, headers=headers).is_success
        until(lambda: "Quietly" in names(service))

    def test_the_database_is_put_back(self, service: TestClient, database_url: str) -> None:
        path = "/v1/vocabularies/artform"
        until(lambda: gives(service, path))
        statement = "UPDATE counter SET value = value - 1000 WHERE name = 'revision'"
        with serving(database_url) as other:
            write(other, statement)
            until(lambda: not gives(service, path))
            write(other, "UPDATE term SET label = 'Moving' WHERE code = 'dance'")
        until(lambda: "Moving" in service.get(path).text)


def hang_up(url: str) -> None:
    """End the connection by which a service listens, where there is one."""
    if url.startswith("sqlite"):
        return
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [LISTENER],
        ).fetchall()
    assert ended == [(True,)]


class TestWhatCounts:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE term SET position = position",
            " insert into partnership_area (pk) select 1 where 1 = 0",
            "WITH old AS (SELECT pk FROM term) DELETE FROM term WHERE pk IN (SELECT pk FROM old)",
            "DELETE FROM organisation WHERE pk IN (SELECT pk FROM organisation)",
        ],
    )
    def test_writing_to_what_shows(self, service: TestClient, statement: str) -> None:
        build.organisation(service, build.Keys(build.database_of(service)))
        until(lambda: gives(service))
        write(service, statement)
        assert gives(service) == (" 1 = 0" in statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE term SET label = 'none' WHERE pk = -1",
            "UPDATE api_key SET last_used_at = NULL",
            "DELETE FROM audit_event",
            "SELECT count(*) FROM term",
        ],
    )
    def test_writing_to_what_does_not(
        self, service: TestClient, staff: build.Headers, statement: str
    ) -> None:
        until(lambda: gives(service))
        write(service, statement)
        assert gives(service)

    def test_writing_what_does_not_show_of_a_table_that_does(self, service: TestClient) -> None:
        until(lambda: gives(service))
        write(service, "UPDATE term SET position = position", unseen=True)
        assert gives(service)

    def test_keys_their_use_and_the_audit_trail(
        self, service: TestClient, staff: build.Headers
    ) -> None:
        until(lambda: gives(service))
        admin = build.Keys(build.database_of(service)).admin
        body = {"name": "Sam", "role": "staff"}
        assert service.post("/v1/keys", json=body, headers=admin).status_code == 201
        build.last_use_of(service).flush()
        assert gives(service)

    def test_a_push_that_changes_nothing(self, service: TestClient) -> None:
        keys = build.Keys(build.database_of(service))
        build.organisation(service, keys)
        build.source(service, keys, key="web")
        push = {"url": "/v1/sources/web/opportunities/1", "headers": keys.publisher("dance-hub")}
        assert service.put(**push, json=build.listing()).json()["outcome"] == "created"  # type: ignore[arg-type]
        until(lambda: gives(service))
        assert service.put(**push, json=build.listing()).json()["outcome"] == "unchanged"  # type: ignore[arg-type]
        batch = {"items": [{"external_id": "1", **build.listing()}]}
        answer = service.post("/v1/sources/web/batches", json=batch, headers=push["headers"])  # type: ignore[arg-type]
        assert answer.json()["counts"]["unchanged"] == 1
        assert gives(service)
        changed = service.put(**push, json=build.listing(title="Sunday"))  # type: ignore[arg-type]
        assert changed.json()["outcome"] == "updated"
        assert not gives(service)

    def test_what_is_taken_back(self, service: TestClient) -> None:
        until(lambda: gives(service))
        with pytest.raises(DBAPIError):
            write(service, "UPDATE term SET label = 'none'", "SELECT nothing FROM nowhere")
        assert gives(service)

    def test_a_commit_that_fails(
        self, service: TestClient, staff: build.Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_: Session) -> None:
            raise ZeroDivisionError

        until(lambda: gives(service))
        with monkeypatch.context() as patch:
            patch.setattr(Session, "commit", fail)
            body = {"name": "Never", "sector": "arts"}
            answer = service.post("/v1/organisations", json=body, headers=staff)
            assert answer.status_code == 500
        assert gives(service)
        assert "Never" not in names(service)


class TestTime:
    def test_a_minute_and_no_longer(self, service: TestClient) -> None:
        start = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)
        with time_machine.travel(start, tick=False) as clock:
            service.get(PATH)
            clock.shift(timedelta(seconds=59))
            assert gives(service)
            clock.shift(timedelta(seconds=1))
            assert not gives(service)
            clock.shift(timedelta(seconds=-120))
            assert not gives(service)

    def test_until_midnight_in_london(self, service: TestClient) -> None:
        start = datetime(2026, 10, 5, 22, 59, 50, tzinfo=UTC)  # in British Summer Time
        with time_machine.travel(start, tick=False) as clock:
            service.get(PATH)
            assert gives(service)
            clock.shift(timedelta(seconds=10))
            assert not gives(service)
            assert gives(service)


class TestRoom:
    def test_memory_is_bounded_and_the_oldest_go_first(self, database_url: str) -> None:
        with counting(database_url, cache_mb=1) as client:
            plain = {"Accept-Encoding": "identity"}
            most = 0.0
            for number in range(12, 130):
                client.get(f"/v1/partnerships?limit={number}", headers=plain)
                most = max(most, kept_bytes(client))
            assert 900_000 < most <= 1_000_000
            assert gives(client, "/v1/partnerships?limit=129", headers=plain)
            assert not gives(client, "/v1/partnerships?limit=12", headers=plain)

    def test_what_is_too_large_is_made_each_time(self, database_url: str) -> None:
        with counting(database_url, cache_mb=1) as client:
            large = client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
            assert len(large.content) > 800_000
            before = kept_bytes(client)
            client.app.add_api_route("/v1/large", lambda: "a" * 1_000_001)  # type: ignore[attr-defined]
            assert client.get("/v1/large", headers={"Accept-Encoding": "identity"}).is_success
            assert kept_bytes(client) == before


def kept_bytes(client: TestClient) -> float:
    found = re.findall(r"^public_answers_bytes (\S+)", client.get("/metrics").text, re.MULTILINE)
    return float(found[0])
