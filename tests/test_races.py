"""What happens between two writers: nobody's decision is lost, and nobody waits for ever."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from sqlalchemy import event
from starlette.testclient import TestClient

from app.kit.database import Unavailable
from app.opportunities import intake, upkeep
from app.opportunities.rendering import Shown
from tests import build
from tests.conftest import fresh_database, serving
from tests.test_opportunities import act, edit, push

BATCH = {"items": [{"external_id": "1", **build.listing(title="Sunday dance club")}]}


def meanwhile(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Do something as soon as the next plan is made, and before it is applied."""
    plan = intake.plan
    waiting = [then]

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        planned = plan(*args, **kwargs)
        if waiting:
            waiting.pop()()
        return planned

    monkeypatch.setattr(intake, "plan", interrupted)


class TestAgainstABatch:
    """A batch is planned for seconds, on a session of its own, before it is applied."""

    def test_a_listing_that_staff_withdraw_stays_away(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        made = push(client, trusted)
        meanwhile(monkeypatch, lambda: act(client, keys.staff, made["id"], "withdraw"))
        report = client.post("/v1/sources/web/batches", json=BATCH, headers=trusted)
        assert report.json()["items"][0]["status"] == "withdrawn"
        assert client.get(f"/v1/opportunities/{made['id']}").status_code == 410

    def test_a_correction_stays(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        path = f"/v1/opportunities/{push(client, trusted)['id']}"
        correction = {"age_max": 16, "reason": "They told us."}
        meanwhile(monkeypatch, lambda: edit(client, keys.staff, path, correction))
        client.post("/v1/sources/web/batches", json=BATCH, headers=trusted)
        item = client.get(path).json()
        assert (item["title"], item["age_max"]) == ("Sunday dance club", 16)

    def test_trust_that_was_taken_away_counts(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        distrust = {"trust": "moderated"}
        meanwhile(monkeypatch, lambda: edit(client, keys.staff, "/v1/sources/web", distrust))
        report = client.post("/v1/sources/web/batches", json=BATCH, headers=trusted)
        assert report.json()["items"][0]["status"] == "submitted"


class TestOnPostgreSQL:
    """SQLite lets one writer in at a time; here they meet."""

    @pytest.fixture
    def client(self) -> Iterator[TestClient]:
        with fresh_database("postgresql") as url, serving(url) as client:
            yield client

    def test_staff_withdraw_while_the_partner_pushes(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        made = push(client, trusted)
        done: list[int] = []
        meanwhile(
            monkeypatch,
            lambda: done.append(act(client, keys.staff, made["id"], "withdraw").status_code),
        )
        push(client, trusted, title="Sunday dance club")
        assert done == [200], "a moderator waits for no push"
        assert client.get(f"/v1/opportunities/{made['id']}").status_code == 410

    def test_a_push_while_what_it_shows_is_renamed(
        self,
        client: TestClient,
        keys: build.Keys,
        trusted: build.Headers,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        made = push(client, trusted)
        read = Shown.read
        pushing = threading.Thread(target=push, args=(client, trusted), kwargs={"title": "Sunday"})

        def interrupted(session: Any, pks: Sequence[int]) -> Shown:
            shown = read(session, pks)
            if pushing.ident is None:
                pushing.start()
                pushing.join(0.7)
            return shown

        monkeypatch.setattr(Shown, "read", interrupted)
        edit(client, keys.staff, "/v1/organisations/dance-hub", {"name": "Dance House"})
        pushing.join()
        item = client.get(f"/v1/opportunities/{made['id']}").json()
        assert (item["title"], item["provider"]["name"]) == ("Sunday", "Dance House")

    def test_a_push_while_the_listing_expires(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        database = build.database_of(client)
        later = [{"starts_at": "2027-09-04T10:00", "ends_at": "2027-09-04T11:00"}]
        reviving = threading.Thread(target=push, args=(client, trusted), kwargs={"sessions": later})

        def before(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
            if statement.startswith("UPDATE opportunity") and reviving.ident is None:
                reviving.start()
                reviving.join(0.7)

        with time_machine.travel(datetime(2027, 6, 12, 11, tzinfo=UTC), tick=True):
            event.listen(database.write_engine, "before_cursor_execute", before)
            upkeep.expire(database)
            event.remove(database.write_engine, "before_cursor_execute", before)
            reviving.join()
        item = client.get(f"/v1/opportunities/{made['id']}").json()
        assert item["status"] == "published"


class TestKeys:
    def test_many_rotations_at_once_make_one_key(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        own = client.get("/v1/me", headers=keys.staff).json()["key"]

        def rotate(_: int) -> int:
            return client.post(f"/v1/keys/{own}/rotate", headers=keys.staff).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(rotate, range(6))) == [201] + [409] * 5

    def test_a_last_use_that_could_not_be_written_is_written_later(
        self, client: TestClient, keys: build.Keys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client.get("/v1/me", headers=keys.staff)
        last_use = build.last_use_of(client)

        def away(*_: object) -> None:
            raise Unavailable

        with monkeypatch.context() as patch:
            patch.setattr(last_use, "_write", away)
            with pytest.raises(Unavailable):
                last_use.flush()
        last_use.flush()
        (key,) = client.get("/v1/keys", headers=keys.staff).json()["items"]
        assert key["last_used_at"]
