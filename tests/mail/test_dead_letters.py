"""How deliveries stand, for staff; and dead letters, to be tried again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.access.models import AuditEvent
from app.deliveries.actions import announce
from app.deliveries.models import Delivery
from app.deliveries.worker import Refused, Retry, Worker
from tests import build
from tests.post_office import ADA, PostOffice, postman, put, row

REFUSAL = "550 5.1.1 <ada@example.org> is gone"


@pytest.fixture
def others(client: TestClient, keys: build.Keys) -> list[build.Headers]:
    """Those who are signed in and are not staff."""
    build.organisation(client, keys)
    return [keys.publisher("dance-hub"), keys.coordinator("birmingham")]


def dead(client: TestClient, office: PostOffice, count: int = 1, **more: Any) -> list[UUID]:
    """Mails that a server has refused for ever."""
    database = build.database_of(client)
    made = [put(database, f"{n}", **more) for n in range(count)]
    office.refusals[ADA] = REFUSAL
    postman(database, office).tick()
    office.refusals.clear()
    return made


def get(client: TestClient, headers: build.Headers, path: str = "", **parameters: Any) -> Any:
    answer = client.get(f"/v1/deliveries{path}", params=parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def audited(client: TestClient) -> list[AuditEvent]:
    with build.database_of(client).reading() as session:
        found = select(AuditEvent).where(AuditEvent.action == "delivery.retry")
        return list(session.exec(found))


class TestList:
    def test_who_may(
        self, client: TestClient, keys: build.Keys, others: list[build.Headers]
    ) -> None:
        assert client.get("/v1/deliveries").status_code == 401
        for headers in others:
            assert client.get("/v1/deliveries", headers=headers).status_code == 403
        for headers in (keys.staff, keys.admin):
            assert client.get("/v1/deliveries", headers=headers).status_code == 200

    def test_says_how_it_stands_and_not_what_it_says(
        self, client: TestClient, keys: build.Keys, office: PostOffice
    ) -> None:
        about = uuid4()
        (made,) = dead(client, office, about=about)
        (item,) = get(client, keys.staff, topic="mail")["items"]
        assert item["id"] == str(made)
        assert item["href"] == f"http://testserver/v1/deliveries/{made}"
        assert (item["topic"], item["about"]) == ("mail.notice", str(about))
        assert (item["state"], item["attempts"]) == ("dead", 1)
        assert item["last_error"] == "The mail server refused the address: 550 5.1.1."
        assert item["dead_at"]
        assert item["next_attempt_at"] is item["delivered_at"] is None
        shown = json.dumps(item)
        assert "ada" not in shown
        assert "A line" not in shown
        assert get(client, keys.staff, f"/{made}") == item

    def test_by_state_topic_and_subject(
        self, client: TestClient, keys: build.Keys, office: PostOffice
    ) -> None:
        database = build.database_of(client)
        about = uuid4()
        (gone,) = dead(client, office)
        arrived = put(database)
        postman(database, office).tick()
        waiting = put(database, about=about)
        with database.writing() as session:
            other = announce(session, "mailing.list", {}).id
        sending: list[str] = []

        def look(_: object) -> None:
            found = get(client, keys.staff, state="sending")["items"]
            sending.extend(item["id"] for item in found)
            raise Retry("Not yet.")

        def ids(**parameters: Any) -> list[str]:
            found = get(client, keys.staff, **parameters)["items"]
            return [item["id"] for item in found]

        assert ids(state="dead") == [str(gone)]
        assert ids(state="delivered", topic="mail") == [str(arrived)]
        assert ids(state="waiting", topic="mail") == [str(waiting)]
        assert ids(state=["dead", "waiting"]) == [str(other), str(waiting), str(gone)]
        assert ids(topic="mailing") == [str(other)]
        assert ids(topic="mail.notice", about=str(about)) == [str(waiting)]
        Worker(database, {"mail": look}).tick()
        assert sending == [str(waiting)]

    def test_page_by_page(self, client: TestClient, keys: build.Keys, office: PostOffice) -> None:
        made = dead(client, office, 5)
        address, seen = "/v1/deliveries?limit=2&state=dead&count=true", []
        while address:
            body = client.get(address, headers=keys.staff).json()
            seen += [item["id"] for item in body["items"]]
            assert body["total"] == 5
            address = body["next"]
        assert seen == [str(each) for each in reversed(made)]

    @pytest.mark.parametrize(
        "query", ["state=lost", "topic=", "topic=%25", "about=x", "recipient=ada"]
    )
    def test_what_it_does_not_know(self, client: TestClient, keys: build.Keys, query: str) -> None:
        answer = client.get(f"/v1/deliveries?{query}", headers=keys.staff)
        assert answer.status_code == 422


class TestOne:
    def test_who_may(
        self,
        client: TestClient,
        keys: build.Keys,
        office: PostOffice,
        others: list[build.Headers],
    ) -> None:
        (made,) = dead(client, office)
        assert client.get(f"/v1/deliveries/{made}").status_code == 401
        for headers in others:
            assert client.get(f"/v1/deliveries/{made}", headers=headers).status_code == 403
        assert client.get(f"/v1/deliveries/{uuid4()}", headers=keys.staff).status_code == 404


class TestRetry:
    def test_is_sent_again_with_the_same_id(
        self, client: TestClient, keys: build.Keys, office: PostOffice
    ) -> None:
        (made,) = dead(client, office)
        answer = client.post(f"/v1/deliveries/{made}/retry", headers=keys.staff)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["state"], body["attempts"], body["dead_at"]) == ("waiting", 0, None)
        assert body["next_attempt_at"]
        (event,) = audited(client)
        assert (event.subject_kind, event.subject_id) == ("delivery", str(made))
        assert event.role == "staff"
        database = build.database_of(client)
        postman(database, office).tick()
        assert office.ids == [f"<{made.hex}@lcep.example.org>"]
        kept = row(database, made)
        assert (kept.attempts, kept.abandoned_at) == (1, None)

    def test_only_what_is_dead(
        self, client: TestClient, keys: build.Keys, office: PostOffice
    ) -> None:
        database = build.database_of(client)
        arrived = put(database)
        postman(database, office).tick()
        for made in (arrived, put(database)):
            answer = client.post(f"/v1/deliveries/{made}/retry", headers=keys.staff)
            assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        answer = client.post(f"/v1/deliveries/{uuid4()}/retry", headers=keys.staff)
        assert answer.status_code == 404
        assert audited(client) == []

    def test_who_may(
        self,
        client: TestClient,
        keys: build.Keys,
        office: PostOffice,
        others: list[build.Headers],
    ) -> None:
        (made,) = dead(client, office)
        many = {"topic": "mail"}
        for path, body in ((f"{made}/retry", None), ("retry", many)):
            assert client.post(f"/v1/deliveries/{path}", json=body).status_code == 401
            for headers in others:
                answer = client.post(f"/v1/deliveries/{path}", json=body, headers=headers)
                assert answer.status_code == 403
        assert row(build.database_of(client), made).abandoned_at

    def test_the_oldest_of_a_topic(
        self, client: TestClient, keys: build.Keys, office: PostOffice
    ) -> None:
        made = dead(client, office, 5)
        with _dead_of_another_topic(client) as other:
            answer = client.post(
                "/v1/deliveries/retry", json={"topic": "mail", "limit": 3}, headers=keys.admin
            )
            assert answer.json() == {"retried": 3, "remaining": 2}
            postman(build.database_of(client), office).tick()
            assert office.subjects == ["0", "1", "2"]
            assert {event.subject_id for event in audited(client)} == {str(i) for i in made[:3]}
            again = client.post(
                "/v1/deliveries/retry", json={"topic": "mail.notice"}, headers=keys.admin
            )
            assert again.json() == {"retried": 2, "remaining": 0}
            assert row(build.database_of(client), other).abandoned_at

    @pytest.mark.parametrize(
        "body",
        [{}, {"topic": ""}, {"topic": "mail", "limit": 0}, {"topic": "mail", "limit": 501}],
    )
    def test_what_cannot_be_asked(
        self, client: TestClient, keys: build.Keys, body: dict[str, Any]
    ) -> None:
        answer = client.post("/v1/deliveries/retry", json=body, headers=keys.staff)
        assert answer.status_code == 422

    def test_an_idempotency_key_makes_it_once(
        self, client: TestClient, keys: build.Keys, office: PostOffice
    ) -> None:
        dead(client, office, 2)
        headers = {**keys.staff, "Idempotency-Key": "again"}
        body = {"topic": "mail", "limit": 1}
        first = client.post("/v1/deliveries/retry", json=body, headers=headers)
        second = client.post("/v1/deliveries/retry", json=body, headers=headers)
        assert first.json() == second.json() == {"retried": 1, "remaining": 1}


class TestInbox:
    def test_staff_are_told_of_dead_letters(
        self,
        client: TestClient,
        keys: build.Keys,
        office: PostOffice,
        others: list[build.Headers],
    ) -> None:
        def told(headers: build.Headers) -> list[Any]:
            items = client.get("/v1/me/inbox", headers=headers).json()["items"]
            return [item for item in items if item["kind"] == "dead_deliveries"]

        assert told(keys.staff) == []
        made = dead(client, office, 2)
        (item,) = told(keys.staff)
        oldest = row(build.database_of(client), made[0]).abandoned_at
        assert oldest
        assert item["count"] == 2
        assert item["oldest_at"] == oldest.isoformat().replace("+00:00", "Z")
        href = item["href"].removeprefix("http://testserver")
        assert len(client.get(href, headers=keys.staff).json()["items"]) == 2
        assert all(told(headers) == [] for headers in others)


@contextmanager
def _dead_of_another_topic(client: TestClient) -> Iterator[UUID]:
    database = build.database_of(client)
    with database.writing() as session:
        made = announce(session, "mailing.list", {}).id

    def refuse(_: object) -> None:
        raise Refused("No.")

    Worker(database, {"mailing": refuse, "mail": refuse}).tick()
    with database.reading() as session:
        found = session.exec(select(Delivery).where(Delivery.id == made)).one()
        assert (found.last_error, found.attempts) == ("No.", 1)
    yield made
