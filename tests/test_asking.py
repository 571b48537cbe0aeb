"""A listing with no end: asked about, answered, expired, and brought back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.deliveries.models import Delivery
from app.opportunities.asking import ask, expire_unanswered
from tests import build
from tests.test_opportunities import act, ids, push
from tests.test_service import problem

START = datetime(2027, 1, 4, 9, tzinfo=UTC)
ENDLESS: dict[str, Any] = {"sessions": [], "always_available": True}


class Clock:
    """The time of a test, moved on day by day, and the daily jobs."""

    def __init__(self, traveller: Any, client: TestClient) -> None:
        self.traveller = traveller
        self.database = build.database_of(client)
        self.at = START

    def pass_days(self, days: int) -> tuple[int, int]:
        """Let days go by, then run the jobs: how many expired, how many were asked about."""
        self.at += timedelta(days=days)
        self.traveller.move_to(self.at)
        return expire_unanswered(self.database, days=30), ask(self.database, days=180)


@pytest.fixture
def clock(client: TestClient) -> Iterator[Clock]:
    with time_machine.travel(START, tick=True) as traveller:
        yield Clock(traveller, client)


@pytest.fixture
def publisher(client: TestClient, keys: build.Keys, clock: Clock) -> build.Headers:
    """The publisher of a trusted source `web`; its key lasts longer than the tests."""
    build.organisation(client, keys)
    build.source(client, keys, key="web")
    return keys.publisher("dance-hub")


def waiting(client: TestClient, headers: build.Headers) -> dict[str, Any]:
    items = client.get("/v1/me/inbox", headers=headers).json()["items"]
    return {item["kind"]: item for item in items}


class TestAsked:
    def test_after_half_a_year(
        self, client: TestClient, publisher: build.Headers, clock: Clock
    ) -> None:
        made = push(client, publisher, **ENDLESS)
        push(client, publisher, "dated", sessions=[{"starts_at": "2028-06-05T10:00"}])
        path = f"/v1/opportunities/{made['id']}"
        before = client.get(path)
        assert clock.pass_days(179) == (0, 0)
        assert "confirm" not in waiting(client, publisher)
        assert clock.pass_days(2) == (0, 1)
        assert clock.pass_days(1) == (0, 0)  # once is enough
        item = waiting(client, publisher)["confirm"]
        assert item["count"] == 1
        listed = client.get(item["href"].removeprefix("http://testserver"), headers=publisher)
        assert [one["id"] for one in listed.json()["items"]] == [made["id"]]
        assert listed.json()["items"][0]["asked_at"] is not None
        # Nothing of it is public.
        after = client.get(path)
        assert after.headers["etag"] == before.headers["etag"]
        assert "asked_at" not in after.json()
        with clock.database.reading() as session:
            told = session.execute(
                select(col(Delivery.payload)).where(col(Delivery.topic) == "opportunity.asked")
            ).scalars()
            assert list(told) == [{"source": "web", "ids": [made["id"]]}]

    def test_never_if_the_setting_says_so(
        self, client: TestClient, publisher: build.Headers, clock: Clock
    ) -> None:
        push(client, publisher, **ENDLESS)
        clock.traveller.move_to(START + timedelta(days=900))
        assert ask(clock.database, days=0) == 0
        assert ask(clock.database, days=180) == 1

    def test_what_is_withdrawn_needs_no_answer(
        self, client: TestClient, publisher: build.Headers, clock: Clock
    ) -> None:
        made = push(client, publisher, **ENDLESS)
        clock.pass_days(181)
        act(client, publisher, made["id"], "withdraw")
        assert "confirm" not in waiting(client, publisher)
        assert clock.pass_days(60) == (0, 0)
        problem(client.get(f"/v1/opportunities/{made['id']}"), 410, "gone")

    def test_nobody_else_hears_of_it(
        self, client: TestClient, keys: build.Keys, publisher: build.Headers, clock: Clock
    ) -> None:
        push(client, publisher, **ENDLESS)
        clock.pass_days(181)
        build.organisation(client, keys, "Clay Works")
        other = keys.publisher("clay-works")
        assert "confirm" not in waiting(client, other)
        assert ids(client, "asked=true", other) == []
        assert ids(client, "asked=true", publisher) == ["1"]
        assert ids(client, "asked=false", publisher) == []
        problem(client.get("/v1/opportunities?asked=true"), 422, "invalid")


class TestAnswered:
    @pytest.mark.parametrize("answer", ["push", "batch", "owner", "staff", "coordinator"])
    def test_it_stays(
        self,
        client: TestClient,
        keys: build.Keys,
        publisher: build.Headers,
        clock: Clock,
        answer: str,
    ) -> None:
        made = push(client, publisher, **ENDLESS)
        path = f"/v1/opportunities/{made['id']}"
        before = client.get(path).headers["etag"]
        clock.pass_days(181)
        match answer:
            case "push":
                assert push(client, publisher, **ENDLESS)["outcome"] == "unchanged"
            case "batch":
                item = {"external_id": "1", **build.listing(**ENDLESS)}
                sent = client.post(
                    "/v1/sources/web/batches", json={"items": [item]}, headers=publisher
                )
                assert sent.json()["counts"]["unchanged"] == 1
            case _:
                who = {
                    "owner": publisher,
                    "staff": keys.staff,
                    "coordinator": keys.coordinator("birmingham"),
                }[answer]
                found = act(client, who, made["id"], "confirm")
                assert found.status_code == 200, found.text
                assert found.json()["asked_at"] is None
        assert client.get(path).headers["etag"] == before
        assert "confirm" not in waiting(client, publisher)
        assert clock.pass_days(60) == (0, 0)
        assert client.get(path).json()["status"] == "published"
        assert clock.pass_days(121) == (0, 1)  # and in half a year again

    def test_not_by_others(
        self, client: TestClient, keys: build.Keys, publisher: build.Headers, clock: Clock
    ) -> None:
        made = push(client, publisher, **ENDLESS)
        build.organisation(client, keys, "Clay Works")
        problem(act(client, keys.publisher("clay-works"), made["id"], "confirm"), 403, "forbidden")
        path = f"/v1/opportunities/{made['id']}/confirm"
        problem(client.post(path, headers={"If-Match": "*"}), 401, "unauthenticated")
        problem(client.post(path, headers=publisher), 428, "precondition_required")

    def test_only_what_has_no_end_and_is_public(
        self, client: TestClient, keys: build.Keys, publisher: build.Headers, clock: Clock
    ) -> None:
        dated = push(client, publisher, "dated")
        problem(act(client, publisher, dated["id"], "confirm"), 409, "conflict")
        draft = push(client, publisher, "draft", **ENDLESS, price=None)
        assert draft["status"] == "draft"
        problem(act(client, publisher, draft["id"], "confirm"), 409, "conflict")


class TestUnanswered:
    @pytest.fixture
    def path(self, client: TestClient, publisher: build.Headers, clock: Clock) -> str:
        made = push(client, publisher, **ENDLESS)
        clock.pass_days(181)
        assert clock.pass_days(29) == (0, 0)
        assert clock.pass_days(2) == (1, 0)
        return f"/v1/opportunities/{made['id']}"

    def test_it_expires(
        self, client: TestClient, publisher: build.Headers, clock: Clock, path: str
    ) -> None:
        assert client.get(path).json()["status"] == "expired"
        assert ids(client) == []
        assert "confirm" not in waiting(client, publisher)
        assert clock.pass_days(400) == (0, 0)

    def test_sent_again_unchanged_it_comes_back(
        self, client: TestClient, publisher: build.Headers, clock: Clock, path: str
    ) -> None:
        again = push(client, publisher, **ENDLESS)
        assert (again["outcome"], again["status"]) == ("updated", "published")
        assert ids(client) == ["1"]
        assert clock.pass_days(40) == (0, 0)

    @pytest.mark.parametrize("who", ["owner", "staff"])
    def test_confirmed_it_comes_back(
        self,
        client: TestClient,
        keys: build.Keys,
        publisher: build.Headers,
        clock: Clock,
        path: str,
        who: str,
    ) -> None:
        headers = publisher if who == "owner" else keys.staff
        found = act(client, headers, path.rpartition("/")[2], "confirm")
        assert found.json()["status"] == "published"
        assert ids(client) == ["1"]
        assert clock.pass_days(40) == (0, 0)

    def test_withdrawn_and_restored_it_comes_back(
        self, client: TestClient, keys: build.Keys, publisher: build.Headers, path: str
    ) -> None:
        identifier = path.rpartition("/")[2]
        act(client, keys.staff, identifier, "withdraw")
        assert push(client, publisher, **ENDLESS)["outcome"] == "unchanged"
        act(client, keys.staff, identifier, "restore")
        assert client.get(path).json()["status"] == "published"


def test_a_moderated_one_comes_back_without_a_moderator(
    client: TestClient, keys: build.Keys, clock: Clock
) -> None:
    build.organisation(client, keys)
    build.source(client, keys, key="web", trust="moderated")
    publisher = keys.publisher("dance-hub")
    made = push(client, publisher, **ENDLESS)
    act(client, keys.staff, made["id"], "approve")
    clock.pass_days(181)
    assert clock.pass_days(31) == (1, 0)
    assert push(client, publisher, **ENDLESS)["status"] == "published"
