"""Webhooks over HTTP: who may make, see and change them, and what they are told of."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import delete, func, select
from standardwebhooks import Webhook as Verifier
from starlette.testclient import TestClient

from app.access.queries import PARTNERSHIP, pks_by_slug
from app.deliveries.models import Delivery
from app.deliveries.worker import Worker
from app.kit.addresses import Reach
from app.kit.database import Database
from app.kit.outbound import Outbound
from app.kit.times import now
from app.opportunities.headlines import headlines
from app.webhooks.dispatching import Dispatcher
from app.webhooks.emitting import TOPIC, FanOut, Scope, emit
from app.webhooks.events import EventType
from app.webhooks.models import WebhookMessage
from tests import build, enquiring
from tests.conftest import serving
from tests.listener import Listener, Received, listening
from tests.test_opportunities import act, push
from tests.test_service import problem

PATH = "/v1/webhooks"
NOWHERE = "0197a1c0-5d5e-7c3a-9d0f-3a0d6c1f2b4e"


@pytest.fixture
def client(database_url: str) -> Iterator[TestClient]:
    """An application that may call this machine."""
    with serving(database_url, outbound_allow_loopback=True) as client:
        yield client


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


def make(
    client: TestClient, headers: build.Headers, url: str, *events: str, **more: Any
) -> dict[str, Any]:
    """Make a webhook; the answer's body, with its secret."""
    body = {"url": url, "events": list(events or ["*"]), **more}
    answer = client.post(PATH, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def read(client: TestClient, headers: build.Headers, webhook: Any) -> Any:
    """A webhook as it is now."""
    answer = client.get(f"{PATH}/{webhook['id']}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def log(client: TestClient, headers: build.Headers, webhook: Any, query: str = "") -> Any:
    """The delivery log of a webhook, newest first."""
    answer = client.get(f"{PATH}/{webhook['id']}/deliveries?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def send_test(client: TestClient, headers: build.Headers, webhook: Any) -> Any:
    """Ask for a test delivery; the entry of the log."""
    answer = client.post(f"{PATH}/{webhook['id']}/test", headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


@dataclass
class Post:
    """The worker's part and the dispatcher's: what a minute of both would send."""

    database: Database
    bounds: Outbound = field(
        default_factory=lambda: Outbound(Reach(allow_loopback=True), total_seconds=2)
    )
    patience: timedelta = timedelta(days=5)

    @property
    def dispatcher(self) -> Dispatcher:
        """A dispatcher of its own."""
        return Dispatcher(
            self.database,
            self.bounds,
            headlines,
            public_url="http://testserver",
            patience=self.patience,
        )

    def go(self) -> None:
        """Fan out and send all that is due."""
        Worker(self.database, {TOPIC: FanOut(self.database)}).tick()
        self.dispatcher.tick()


@pytest.fixture
def post(client: TestClient) -> Post:
    return post_of(client)


def post_of(client: TestClient) -> Post:
    """A post with an empty outbox: what was told while the region was loaded is of no interest."""
    database = build.database_of(client)
    with database.writing() as session:
        session.execute(delete(Delivery))
    return Post(database)


def told(received: Received, webhook: Any) -> Any:
    """What a message says, once its signature is verified by the standard's own library."""
    at = int(received.headers["webhook-timestamp"])
    with time_machine.travel(at, tick=False):  # as it was when it came
        return Verifier(webhook["secret"]).verify(received.body, received.headers)


def heard(listener: Listener, webhook: Any) -> list[tuple[str, Any]]:
    """The type and data of all that came for a webhook, verified."""
    path = webhook["url"].removeprefix(f"http://127.0.0.1:{listener.port}")
    messages = [told(one, webhook) for one in listener.received if one.path == path]
    return [(message["type"], message["data"]) for message in messages]


class TestCreate:
    def test_anonymous(self, client: TestClient) -> None:
        problem(client.post(PATH, json={}), 401, "unauthenticated")
        problem(client.get(PATH), 401, "unauthenticated")

    def test_the_secret_is_shown_once(self, client: TestClient, keys: build.Keys) -> None:
        body = {"url": "https://example.org/hooks", "events": ["opportunity.*", "opportunity.*"]}
        answer = client.post(PATH, json=body, headers=keys.staff)
        assert answer.status_code == 201
        made = answer.json()
        assert made["secret"].startswith("whsec_")
        assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) == 32
        assert (made["status"], made["stopped"], made["events"]) == (
            "enabled",
            None,
            ["opportunity.*"],
        )
        assert answer.headers["location"] == made["href"] == f"http://testserver{PATH}/{made['id']}"
        shown = client.get(f"{PATH}/{made['id']}", headers=keys.staff)
        assert "secret" not in shown.json()
        assert shown.headers["cache-control"] == "private, no-store"
        assert made["secret"] not in client.get(PATH, headers=keys.staff).text
        assert {**shown.json(), "secret": made["secret"]} == made

    @pytest.mark.parametrize(
        ("change", "pointer", "word"),
        [
            ({"events": []}, "#/events", "at least 1"),
            ({"events": ["opportunity.painted"]}, "#/events", "opportunity.published"),
            ({"events": ["opportunity"]}, "#/events", "opportunity.*"),
            ({"events": ["webhook.test"]}, "#/events", "no event"),
            ({"url": "example.org"}, "#/url", "https://"),
            ({"url": "http://example.org/"}, "#/url", "https://"),
            ({"url": "https://a:b@example.org/"}, "#/url", "password"),
            ({"url": "https://example.org/#a"}, "#/url", "fragment"),
            ({"url": "https://example.org:25/"}, "#/url", "443, 8443"),
            ({"url": "https://10.1.2.3/"}, "#/url", "private"),
            ({"url": "https://169.254.169.254/"}, "#/url", "private"),
            ({"url": "https://[::ffff:10.0.0.1]/"}, "#/url", "private"),
            ({"secret_word": "x"}, "#/secret_word", ""),
        ],
    )
    def test_what_is_off_is_told(
        self, client: TestClient, keys: build.Keys, change: Any, pointer: str, word: str
    ) -> None:
        body = {"url": "https://example.org/hooks", "events": ["*"], **change}
        answer = client.post(PATH, json=body, headers=keys.staff)
        found = problem(answer, 422, "invalid")
        assert found["errors"][0]["pointer"].startswith(pointer)
        assert word in found["errors"][0]["detail"]

    def test_this_machine_is_refused_unless_it_is_allowed(
        self, database_url: str, keys: build.Keys
    ) -> None:
        with serving(database_url) as other:
            for url in ("http://127.0.0.1:8000/", "https://localhost/", "https://2130706433/"):
                body = {"url": url, "events": ["*"]}
                answer = other.post(PATH, json=body, headers=keys.staff)
                assert "own machine" in problem(answer, 422, "invalid")["detail"]

    def test_so_many_and_no_more(self, client: TestClient, keys: build.Keys) -> None:
        for number in range(20):
            make(client, keys.staff, f"https://example.org/{number}")
        body = {"url": "https://example.org/", "events": ["*"]}
        answer = client.post(PATH, json=body, headers=keys.staff)
        assert "20 webhooks" in problem(answer, 409, "conflict")["detail"]


class TestVisibility:
    def test_others_are_not_there(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        build.organisation(client, keys, "Clay House")
        dance, clay = keys.publisher("dance-hub"), keys.publisher("clay-house")
        dudley, both = keys.coordinator("dudley"), keys.coordinator("dudley", "birmingham")
        made = {
            "admin": make(client, keys.admin, "https://example.org/admin"),
            "staff": make(client, keys.staff, "https://example.org/staff"),
            "dance": make(client, dance, "https://example.org/dance"),
            "both": make(client, both, "https://example.org/both"),
            "dudley": make(client, dudley, "https://example.org/dudley"),
        }
        seen = {
            "admin": (keys.admin, {"admin", "staff", "dance", "both", "dudley"}),
            "staff": (keys.staff, {"staff", "dance", "both", "dudley"}),
            "dance": (dance, {"dance"}),
            "clay": (clay, set()),
            "both": (both, {"both", "dudley"}),
            "dudley": (dudley, {"dudley"}),
        }
        for headers, expected in seen.values():
            items = client.get(PATH, headers=headers).json()["items"]
            assert {item["url"].rpartition("/")[2] for item in items} == expected
            for name, webhook in made.items():
                path = f"{PATH}/{webhook['id']}"
                tag = {"If-Match": "*"}
                answers = [client.get(path, headers=headers)]
                if name not in expected:
                    answers += [
                        client.get(f"{path}/deliveries", headers=headers),
                        client.post(f"{path}/rotate", headers=headers),
                        client.post(f"{path}/test", headers=headers),
                        client.post(f"{path}/enable", headers=headers),
                        client.post(f"{path}/disable", headers=headers),
                        client.delete(path, headers={**headers, **tag}),
                    ]
                    for answer in answers:
                        problem(answer, 404, "not_found")
                else:
                    assert answers[0].status_code == 200

    def test_filter(self, client: TestClient, keys: build.Keys) -> None:
        on = make(client, keys.staff, "https://example.org/on")
        off = make(client, keys.staff, "https://example.org/off")
        client.post(f"{PATH}/{off['id']}/disable", headers=keys.staff)
        for status, webhook in (("enabled", on), ("disabled", off)):
            items = client.get(f"{PATH}?status={status}", headers=keys.staff).json()["items"]
            assert [item["id"] for item in items] == [webhook["id"]]


class TestChange:
    def test_put_patch_and_delete(self, client: TestClient, keys: build.Keys) -> None:
        made = make(client, keys.staff, "https://example.org/a", description="Ours")
        path = f"{PATH}/{made['id']}"
        problem(client.patch(path, json={}, headers=keys.staff), 428, "precondition_required")
        tag = client.get(path, headers=keys.staff).headers["etag"]
        headers = {**keys.staff, "If-Match": tag}
        body = {"events": ["batch.finished"], "description": None}
        changed = client.patch(path, json=body, headers=headers)
        assert changed.status_code == 200
        assert changed.json()["events"] == ["batch.finished"]
        assert (changed.json()["description"], changed.json()["url"]) == (None, made["url"])
        problem(client.put(path, json=changed.json(), headers=headers), 412, "stale")
        headers["If-Match"] = changed.headers["etag"]
        whole = {**changed.json(), "url": "https://example.org/b"}
        assert client.put(path, json=whole, headers=headers).json()["url"] == whole["url"]
        headers["If-Match"] = "*"
        answer = client.patch(path, json={"url": "https://10.0.0.1/"}, headers=headers)
        assert problem(answer, 422, "invalid")["errors"][0]["code"] == "address_refused"
        assert client.delete(path, headers=headers).status_code == 204
        problem(client.get(path, headers=keys.staff), 404, "not_found")

    def test_delete_takes_what_waits_and_the_log(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        post.go()
        send_test(client, keys.staff, webhook)
        headers = {**keys.staff, "If-Match": "*"}
        assert client.delete(f"{PATH}/{webhook['id']}", headers=headers).status_code == 204
        post.go()
        assert len(listener.received) == 1
        with build.database_of(client).reading() as session:
            assert session.exec(select(func.count()).select_from(WebhookMessage)).one() == 0

    def test_every_change_is_audited(self, client: TestClient, keys: build.Keys) -> None:
        made = make(client, keys.staff, "https://example.org/a")
        path = f"{PATH}/{made['id']}"
        headers = {**keys.staff, "If-Match": "*"}
        client.patch(path, json={"events": ["*"]}, headers=headers)
        for action in ("rotate", "disable", "enable", "test"):
            client.post(f"{path}/{action}", headers=keys.staff)
        client.delete(path, headers=headers)
        query = f"subject_kind=webhook&subject_id={made['id']}"
        events = client.get(f"/v1/audit-events?{query}", headers=keys.admin).json()["items"]
        assert [event["action"].removeprefix("webhook.") for event in reversed(events)] == [
            "create",
            "update",
            "rotate",
            "disable",
            "enable",
            "test",
            "delete",
        ]


class TestTestDelivery:
    def test_it_goes_the_ordinary_way(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        webhook = make(client, keys.staff, listener.url, "enquiry.*")
        entry = send_test(client, keys.staff, webhook)
        assert (entry["type"], entry["state"], entry["attempts"]) == ("webhook.test", "waiting", [])
        assert listener.received == []
        post.go()
        (received,) = listener.received
        assert received.headers["webhook-id"] == entry["id"]
        assert received.headers["content-type"] == "application/json"
        message = told(received, webhook)
        assert set(message) == {"type", "timestamp", "data"}
        assert message["timestamp"].endswith("Z")
        assert message["data"] == entry["data"]
        assert message["data"]["href"] == webhook["href"]
        (logged,) = log(client, keys.staff, webhook)
        (attempt,) = logged["attempts"]
        assert (logged["state"], logged["sent"], logged["next_attempt_at"]) == (
            "delivered",
            1,
            None,
        )
        assert (attempt["status_code"], attempt["error"]) == (204, None)
        assert attempt["webhook_id"] == entry["id"]
        assert 0 <= attempt["duration_ms"] < 2_000
        assert client.get(entry["href"], headers=keys.staff).json() == logged
        assert read(client, keys.staff, webhook)["succeeded_at"] is not None

    def test_not_while_it_is_disabled(self, client: TestClient, keys: build.Keys) -> None:
        webhook = make(client, keys.staff, "https://example.org/")
        client.post(f"{PATH}/{webhook['id']}/disable", headers=keys.staff)
        answer = client.post(f"{PATH}/{webhook['id']}/test", headers=keys.staff)
        assert "Enable it" in problem(answer, 409, "conflict")["detail"]

    def test_a_retry_of_the_request_makes_no_second(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        webhook = make(client, keys.staff, "https://example.org/")
        headers = {**keys.staff, "Idempotency-Key": "once"}
        one, two = (client.post(f"{PATH}/{webhook['id']}/test", headers=headers) for _ in range(2))
        assert one.json()["id"] == two.json()["id"]


class TestKeys:
    def test_a_key_that_is_revoked_ends_it_and_a_rotation_does_not(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        build.organisation(client, keys)
        publisher = keys.publisher("dance-hub")
        webhook = make(client, publisher, listener.url, "partnership.*")
        old = client.get("/v1/me", headers=publisher).json()["key"]
        assert webhook["key"] == old
        rotated = client.post(f"/v1/keys/{old}/rotate", headers=publisher).json()
        client.post(f"/v1/keys/{old}/revoke", headers=keys.staff)
        edit_partnership(client, keys)
        post.go()
        assert len(listener.received) == 1
        edit_partnership(client, keys)
        Worker(post.database, {TOPIC: FanOut(post.database)}).tick()
        client.post(f"/v1/keys/{rotated['id']}/revoke", headers=keys.staff)
        post.go()
        edit_partnership(client, keys)
        post.go()
        assert len(listener.received) == 1
        found = read(client, keys.staff, webhook)
        assert (found["status"], found["stopped"], found["waiting"]) == ("disabled", "key", 1)
        for action in ("enable", "test"):
            answer = client.post(f"{PATH}/{webhook['id']}/{action}", headers=keys.staff)
            assert "has ended" in problem(answer, 409, "conflict")["detail"]

    def test_an_organisation_that_is_deleted_ends_it(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        build.organisation(client, keys)
        webhook = make(client, keys.publisher("dance-hub"), listener.url)
        headers = {**keys.staff, "If-Match": "*"}
        send_test(client, keys.staff, webhook)
        assert client.delete("/v1/organisations/dance-hub", headers=headers).status_code == 204
        post.go()
        assert listener.received == []


def edit_partnership(
    client: TestClient, keys: build.Keys, slug: str = "birmingham", **patch: Any
) -> None:
    headers = {**keys.staff, "If-Match": "*"}
    body = patch or {"summary": f"Edited at {now().isoformat()}"}
    answer = client.patch(f"/v1/partnerships/{slug}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


@dataclass
class Audience:
    """A webhook for each kind of owner, all on one listener."""

    dance: Any
    clay: Any
    birmingham: Any
    dudley: Any
    staff: Any

    def heard(self, listener: Listener) -> dict[str, list[tuple[str, Any]]]:
        """What each heard, without those that heard nothing."""
        found = {name: heard(listener, webhook) for name, webhook in vars(self).items()}
        return {name: messages for name, messages in found.items() if messages}


@pytest.fixture
def audience(client: TestClient, keys: build.Keys, listener: Listener) -> Audience:
    build.organisation(client, keys)
    build.organisation(client, keys, "Clay House")
    base = f"http://127.0.0.1:{listener.port}"
    events = ("batch.*", "enquiry.*", "partnership.*", "programme.*", "opportunity.submitted")
    return Audience(
        dance=make(client, keys.publisher("dance-hub"), f"{base}/dance", *events),
        clay=make(client, keys.publisher("clay-house"), f"{base}/clay", *events),
        birmingham=make(client, keys.coordinator("birmingham"), f"{base}/birmingham", *events),
        dudley=make(client, keys.coordinator("dudley"), f"{base}/dudley", *events),
        staff=make(client, keys.staff, f"{base}/staff", *events),
    )


class TestEvents:
    def test_of_what_is_public_all_hear(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        audience: Audience,
    ) -> None:
        edit_partnership(client, keys)
        post.go()
        found = audience.heard(listener)
        assert set(found) == {"dance", "clay", "birmingham", "dudley", "staff"}
        ((kind, data),) = found["clay"]
        assert (kind, data["slug"], data["deleted"]) == ("partnership.changed", "birmingham", False)
        assert data["href"] == "http://testserver/v1/partnerships/birmingham"

    def test_of_what_is_private_its_own_and_staff(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        audience: Audience,
    ) -> None:
        edit_partnership(client, keys, "dudley", visibility="private")
        body = {"title": "Plans", "kind": "activity", "partnerships": ["birmingham"]}
        body["visibility"] = "private"
        made = client.post("/v1/programmes", json=body, headers=keys.staff)
        assert made.status_code == 201, made.text
        post.go()
        found = audience.heard(listener)
        assert set(found) == {"dudley", "birmingham", "staff"}
        assert [kind for kind, _ in found["dudley"]] == ["partnership.changed"]
        assert [(kind, data["slug"]) for kind, data in found["birmingham"]] == [
            ("programme.changed", "plans")
        ]
        assert len(found["staff"]) == 2

    def test_of_an_enquiry_hears_who_sees_it(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        audience: Audience,
    ) -> None:
        build.source(client, keys, key="web")
        listing = push(client, keys.publisher("dance-hub"))
        row = enquiring.sent(client, kind="opportunity", about={"opportunity": listing["id"]})
        spam = enquiring.sent(client, leave_empty="Buy now")
        assert spam.state == "spam"
        birmingham = keys.coordinator("birmingham")
        enquiring.step(client, row, "reply", birmingham, {"message": "Do come on Saturday."})
        post.go()
        found = audience.heard(listener)
        assert set(found) == {"dance", "birmingham", "staff"}
        told = {"id": str(row.id), "href": f"http://testserver/v1/enquiries/{row.id}"}
        for heard_by in found.values():
            assert [one for one in heard_by if one[0].startswith("enquiry")] == [
                ("enquiry.received", told),
                ("enquiry.answered", told),
            ]

    def test_batches_and_submissions(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        audience: Audience,
    ) -> None:
        build.source(client, keys, key="web", trust="moderated")
        items = [
            {"external_id": str(number), **build.listing(title=f"Secret plan {number}")}
            for number in range(250)
        ]
        answer = client.post(
            "/v1/sources/web/batches", json={"items": items}, headers=keys.publisher("dance-hub")
        )
        assert answer.status_code == 201, answer.text
        with build.database_of(client).reading() as session:
            topics = session.exec(select(Delivery.topic)).all()
        assert sorted(topic for topic in topics if "change" not in topic) == [
            "event.batch.finished",
            "event.opportunity.submitted",
        ]
        post.go()
        found = audience.heard(listener)
        assert set(found) == {"dance", "birmingham", "staff"}, "the venue is in Birmingham"
        data = dict(found["dance"])
        assert data["batch.finished"]["counts"]["created"] == 250
        assert (
            data["batch.finished"]["href"] == f"http://testserver/v1/batches/{answer.json()['id']}"
        )
        assert [kind for kind, _ in found["birmingham"]] == ["opportunity.submitted"]
        submitted = data["opportunity.submitted"]
        assert (submitted["source"], submitted["count"], len(submitted["ids"])) == ("web", 250, 200)
        shown = client.get(
            submitted["href"].removeprefix("http://testserver"), headers=keys.staff
        ).json()
        assert len(shown["items"]) == 50
        assert "Secret plan" not in str([one.body for one in listener.received])
        assert all(len(one.body) < 20_000 for one in listener.received)

    def test_submitting_by_hand(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        audience: Audience,
    ) -> None:
        clay = keys.publisher("clay-house")
        made = client.post("/v1/opportunities", json=build.listing(), headers=clay).json()
        post.go()
        assert audience.heard(listener) == {}
        act(client, clay, made["id"], "submit")
        post.go()
        found = audience.heard(listener)
        assert set(found) == {"clay", "birmingham", "staff"}
        assert found["clay"][0][1]["ids"] == [made["id"]]

    def test_events_of_other_rooms(
        self, client: TestClient, listener: Listener, post: Post, audience: Audience
    ) -> None:
        with post.database.writing() as session:
            (pk,) = pks_by_slug(session, PARTNERSHIP, ["birmingham"]).values()
            data = {"id": NOWHERE, "href": f"/v1/enquiries/{NOWHERE}"}
            scope = Scope(partnerships=frozenset({pk}))
            emit(session, EventType.ENQUIRY_RECEIVED, data, scope=scope)
            emit(session, "enquiry.overdue", {"id": NOWHERE}, scope=Scope())
        post.go()
        found = audience.heard(listener)
        assert [kind for kind, _ in found.pop("staff")] == ["enquiry.received", "enquiry.overdue"]
        assert found == {
            "birmingham": [
                (
                    "enquiry.received",
                    {"id": NOWHERE, "href": f"http://testserver/v1/enquiries/{NOWHERE}"},
                )
            ]
        }

    @pytest.mark.parametrize(
        ("event", "data"),
        [
            ("enquiry.invented", {}),
            ("opportunity.published", {}),
            ("enquiry.received", {"text": "a" * 16_000}),
            ("enquiry.received", {"number": float("nan")}),
        ],
    )
    def test_what_cannot_be_told_is_refused(self, post: Post, event: str, data: Any) -> None:
        with post.database.writing() as session:
            with pytest.raises(ValueError, match=r"\w"):
                emit(session, event, data, scope=Scope(public=True))

    def test_fanned_out_twice_it_is_told_once(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        make(client, keys.staff, listener.url, "enquiry.*")
        fan_out = FanOut(post.database)

        def twice(message: Any) -> None:
            fan_out(message)
            fan_out(message)

        with post.database.writing() as session:
            emit(session, "enquiry.received", {"id": NOWHERE}, scope=Scope())
        Worker(post.database, {TOPIC: twice}).tick()
        post.go()
        assert len(listener.received) == 1

    def test_whoever_asks_later_hears_of_what_happens_later(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        push(client, keys.staff, "early")
        edit_partnership(client, keys)
        Worker(post.database, {TOPIC: FanOut(post.database)}).tick()
        webhook = make(client, keys.staff, listener.url)
        later = push(client, keys.staff, "late", title="Late in the day")
        post.go()
        assert [(kind, data["id"]) for kind, data in heard(listener, webhook)] == [
            ("opportunity.published", later["id"])
        ]
