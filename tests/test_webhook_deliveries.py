"""Webhooks when things go wrong: nothing lost, nothing held up, and the owner knows."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlmodel import col, func, select, update
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from starlette.testclient import TestClient

from app.cli import jobs, make_dispatcher
from app.deliveries import worker
from app.deliveries.models import Delivery
from app.kit.addresses import Reach
from app.kit.database import Unavailable
from app.kit.outbound import Outbound
from app.settings import Settings
from app.webhooks import actions, records, signing
from app.webhooks import dispatching as dispatching_module
from app.webhooks.dispatching import dispatching
from app.webhooks.models import Webhook, WebhookAttempt, WebhookMessage
from app.webhooks.records import WAITS
from tests import build
from tests.conftest import serving
from tests.listener import Listener, Received, Reply, drip, flood, hang, listening, status
from tests.test_opportunities import act, push
from tests.test_service import problem
from tests.test_webhooks import PATH, Post, heard, log, make, post_of, read, send_test, told

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def client(database_url: str) -> Iterator[TestClient]:
    """An application that may call this machine."""
    with serving(database_url, outbound_allow_loopback=True) as client:
        yield client


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


@pytest.fixture
def post(client: TestClient) -> Post:
    return post_of(client)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are exactly as long as the table says."""
    monkeypatch.setattr(records, "JITTER", 0)


def batch(client: TestClient, headers: build.Headers, numbers: range, **more: Any) -> None:
    """Push so many listings at once."""
    items = [
        {"external_id": str(number), **build.listing(title=f"Dance club number {number}", **more)}
        for number in numbers
    ]
    answer = client.post("/v1/sources/web/batches", json={"items": items}, headers=headers)
    assert answer.status_code == 201, answer.text


def numbers(listener: Listener, webhook: Any) -> list[int]:
    """The change numbers of what came, in order."""
    return [data["change_number"] for _, data in heard(listener, webhook)]


class TestSigning:
    def test_a_retry_has_the_same_id_and_body_and_a_time_of_its_own(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        listener.reply = status(500)
        post.go()
        clock.shift(timedelta(minutes=1))
        listener.reply = status(204)
        post.go()
        first, second = listener.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        times = [int(one.headers["webhook-timestamp"]) for one in (first, second)]
        assert times == [int(START.timestamp()), int(START.timestamp()) + 60]
        assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
        told(second, webhook)
        changed = Received(second.path, second.headers, second.body.replace(b"test", b"tost"))
        with pytest.raises(WebhookVerificationError):
            told(changed, webhook)

    def test_two_secrets_are_valid_for_a_day(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        old = make(client, keys.staff, listener.url)
        answer = client.post(f"{PATH}/{old['id']}/rotate", headers=keys.staff)
        assert answer.status_code == 200
        new = answer.json()
        assert new["secret"] != old["secret"]
        assert new["earlier_secret_until"] == "2026-11-03T09:00:00Z"
        send_test(client, keys.staff, old)
        post.go()
        (during,) = listener.received
        assert during.headers["webhook-signature"].count("v1,") == 2
        assert told(during, old) == told(during, new)
        clock.shift(timedelta(hours=24))
        send_test(client, keys.staff, old)
        post.go()
        after = listener.received[1]
        assert after.headers["webhook-signature"].count("v1,") == 1
        assert told(after, new)
        with pytest.raises(WebhookVerificationError):
            told(after, old)
        assert read(client, keys.staff, old)["earlier_secret_until"] is None

    def test_what_leaked_is_dropped_by_rotating_twice(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        leaked = make(client, keys.staff, listener.url)
        for _ in range(2):
            latest = client.post(f"{PATH}/{leaked['id']}/rotate", headers=keys.staff).json()
        send_test(client, keys.staff, leaked)
        post.go()
        assert told(listener.received[0], latest)
        with pytest.raises(WebhookVerificationError):
            told(listener.received[0], leaked)


class TestAnswers:
    def attempt(self, client: TestClient, keys: build.Keys, webhook: Any) -> Any:
        """The last attempt of the only delivery."""
        (entry,) = log(client, keys.staff, webhook)
        return entry["attempts"][-1]

    @pytest.mark.parametrize(
        ("code", "words"),
        [
            (302, "Redirects are not followed"),
            (308, "Redirects are not followed"),
            (400, "400 (Bad Request)"),
            (404, "404 (Not Found)"),
            (500, "500 (Internal Server Error)"),
            (599, "answered 599"),
        ],
    )
    def test_only_2xx_is_a_success(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        code: int,
        words: str,
    ) -> None:
        with listening() as other:
            listener.reply = status(code, Location=other.url)
            webhook = make(client, keys.staff, listener.url)
            send_test(client, keys.staff, webhook)
            post.go()
            assert other.received == [], "not even where a redirect leads"
        attempt = self.attempt(client, keys, webhook)
        assert attempt["status_code"] == code
        assert words in attempt["error"]
        found = read(client, keys.staff, webhook)
        assert (found["waiting"], found["status"]) == (1, "enabled")
        assert found["failing_since"] is not None

    def test_410_disables_at_once(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        send_test(client, keys.staff, webhook)
        listener.reply = status(410)
        post.go()
        assert len(listener.received) == 1
        found = read(client, keys.staff, webhook)
        assert (found["status"], found["stopped"]) == ("disabled", "gone")
        states = [entry["state"] for entry in log(client, keys.staff, webhook)]
        assert states == ["waiting", "failed"]
        (item,) = client.get("/v1/me/inbox", headers=keys.staff).json()["items"]
        assert (item["kind"], item["count"]) == ("webhooks_disabled", 1)
        shown = client.get(item["href"].removeprefix("http://testserver"), headers=keys.staff)
        assert [one["id"] for one in shown.json()["items"]] == [webhook["id"]]
        assert client.get("/v1/me/inbox", headers=keys.admin).json()["items"] == []

    @pytest.mark.parametrize(
        ("asked", "wait"),
        [
            ("120", timedelta(seconds=120)),
            ("0", timedelta(seconds=1)),
            ("999999999", timedelta(hours=24)),
            ("Mon, 02 Nov 2026 10:00:00 GMT", timedelta(hours=1)),
            ("Mon, 02 Nov 2020 10:00:00 GMT", timedelta(seconds=1)),
            ("soon", WAITS[1]),
            ("Mon, 02 Nov 2026 10:00:00 +99999999999999", WAITS[1]),
        ],
    )
    @pytest.mark.usefixtures("no_jitter")
    def test_retry_after_is_honoured_within_bounds(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        asked: str,
        wait: timedelta,
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        listener.reply = status(429, Retry_After=asked)
        post.go()
        clock.shift(wait - timedelta(milliseconds=1))
        post.go()
        assert len(listener.received) == 1
        clock.shift(timedelta(milliseconds=1))
        post.go()
        assert len(listener.received) == 2

    @pytest.mark.parametrize("how", ["hang", "drip in the head", "drip in the body"])
    def test_one_that_takes_for_ever(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post, how: str
    ) -> None:
        listener.reply = hang(listener) if how == "hang" else drip(listener, head="head" in how)
        post.bounds = Outbound(Reach(allow_loopback=True), total_seconds=0.5)
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        began = time.monotonic()
        post.go()
        assert time.monotonic() - began < 4
        attempt = self.attempt(client, keys, webhook)
        assert attempt["error"] == "There was no whole answer within 0.5 seconds."
        assert 500 <= attempt["duration_ms"] < 3_000

    def test_one_that_answers_a_gigabyte(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        sent: list[int] = []
        listener.reply = flood(sent)
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        post.go()
        assert self.attempt(client, keys, webhook)["status_code"] == 200
        for _ in range(100):
            if sent:
                break
            time.sleep(0.05)
        assert sent[0] < 20_000_000

    def test_one_that_leads_inside_after_it_was_made(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        """What was allowed when it was made is looked at again when it is called."""
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        post.bounds = Outbound(Reach())
        post.go()
        assert listener.received == []
        attempt = self.attempt(client, keys, webhook)
        assert "own machine" in attempt["error"]
        assert attempt["status_code"] is None


class TestFailing:
    @pytest.mark.usefixtures("no_jitter")
    def test_500_for_a_day_loses_nothing(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        webhook = make(client, keys.staff, listener.url)
        listener.reply = status(500)
        entries = [send_test(client, keys.staff, webhook)["id"] for _ in range(5)]
        batch(client, keys.staff, range(30))
        for _ in range(24 * 4):
            post.go()
            clock.shift(timedelta(minutes=15))
        # One message after the other is asked again and again; the rest do not add to the load.
        assert 6 <= len(listener.received) <= 12
        assert read(client, keys.staff, webhook)["status"] == "enabled"
        failed = len(listener.received)
        listener.reply = status(204)
        clock.shift(timedelta(hours=10))
        post.go()
        came = listener.received[failed:]
        assert set(entries) <= {one.headers["webhook-id"] for one in came}
        kinds = [told(one, webhook)["type"] for one in came]
        assert kinds.count("opportunity.published") == 30
        assert kinds.count("batch.finished") == 1
        assert len({one.headers["webhook-id"] for one in came}) == len(came)
        found = read(client, keys.staff, webhook)
        assert (found["waiting"], found["failing_since"]) == (0, None)

    @pytest.mark.usefixtures("no_jitter")
    def test_given_up_after_75_hours_and_replayed(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        entry = send_test(client, keys.staff, webhook)
        listener.reply = status(503)
        post.go()
        for wait in WAITS[1:]:
            clock.shift(wait)
            post.go()
        assert len(listener.received) == len(WAITS) == 11
        passed = sum(WAITS, timedelta())
        assert timedelta(hours=75) < passed < timedelta(hours=76)
        (given_up,) = log(client, keys.staff, webhook, "state=failed")
        assert (given_up["id"], len(given_up["attempts"])) == (entry["id"], 11)
        clock.shift(timedelta(days=1))
        post.go()
        assert len(listener.received) == 11
        listener.reply = status(204)
        path = f"{PATH}/{webhook['id']}"
        late = {"since": (START + SECOND).isoformat()}
        answer = client.post(f"{path}/replay", json=late, headers=keys.staff)
        assert answer.json() == {"replayed": 0}
        body = {"since": START.isoformat()}
        assert client.post(f"{path}/replay", json=body, headers=keys.staff).json() == {
            "replayed": 1
        }
        post.go()
        assert listener.ids == [entry["id"]] * 12
        assert log(client, keys.staff, webhook)[0]["state"] == "delivered"

    @pytest.mark.usefixtures("no_jitter")
    def test_disabled_after_five_days_and_the_owner_is_told(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        publisher = keys.publisher("dance-hub")
        address = "web.team@example.org"
        webhook = make(client, publisher, listener.url, "opportunity.*", email=address)
        listener.reply = status(500)
        push(client, publisher)
        for _ in range(6 * 24):
            post.go()
            clock.shift(timedelta(hours=1))
        found = read(client, publisher, webhook)
        assert (found["status"], found["stopped"]) == ("disabled", "failing")
        assert datetime.fromisoformat(found["stopped_at"]) - START >= timedelta(days=5)
        kinds = {
            item["kind"] for item in client.get("/v1/me/inbox", headers=publisher).json()["items"]
        }
        assert "webhooks_disabled" in kinds
        with build.database_of(client).reading() as session:
            mails = session.exec(select(Delivery).where(Delivery.topic == "mail.notice")).all()
        assert [mail.recipient for mail in mails] == [address]
        assert "failed for days" in mails[0].payload["text"]
        assert webhook["id"] in mails[0].payload["text"]
        actions = client.get("/v1/audit-events?action=webhook.disable", headers=keys.admin).json()
        assert [event["caller"] for event in actions["items"]] == ["system"]
        asked = len(listener.received)
        push(client, publisher, "2", title="While it was disabled")
        clock.shift(timedelta(days=2))
        post.go()
        assert len(listener.received) == asked
        listener.reply = status(204)
        client.post(f"{PATH}/{webhook['id']}/enable", headers=publisher)
        post.go()
        came = listener.received[asked:]
        assert [told(one, webhook)["data"]["title"] for one in came] == [
            "Saturday dance club",
            "While it was disabled",
        ]
        assert came[0].headers["webhook-id"] == listener.ids[0]
        assert read(client, publisher, webhook)["status"] == "enabled"

    @pytest.mark.usefixtures("no_jitter")
    def test_one_message_that_is_refused_holds_up_no_other(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        bad = send_test(client, keys.staff, webhook)["id"]
        listener.reply = by_id({bad: status(400)})
        for _ in range(40):
            send_test(client, keys.staff, webhook)
            post.go()
            clock.shift(timedelta(seconds=10))
        assert read(client, keys.staff, webhook)["waiting"] <= 2
        assert len(listener.received) >= 40

    def test_a_webhook_that_hangs_holds_up_no_other_and_no_worker(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        with listening() as stuck:
            stuck.reply = hang(stuck)
            post.bounds = Outbound(Reach(allow_loopback=True), total_seconds=3)
            for _ in range(4):
                send_test(client, keys.staff, make(client, keys.staff, stuck.url))
            well = make(client, keys.staff, listener.url)
            for _ in range(20):
                send_test(client, keys.staff, well)
            began = time.monotonic()
            came: list[float] = []

            def reply(received: Received, handler: BaseHTTPRequestHandler) -> None:
                came.append(time.monotonic() - began)
                status(204)(received, handler)

            listener.reply = reply
            post.dispatcher.tick()
            assert len(came) == 20
            assert max(came) < 2.5, "before the first of those that hang had timed out"
            assert len(stuck.received) == 4, "one message each, not the whole queue"


def by_id(replies: dict[str, Reply]) -> Reply:
    """Answer some messages otherwise."""

    def reply(received: Received, handler: BaseHTTPRequestHandler) -> None:
        replies.get(received.headers["webhook-id"], status(204))(received, handler)

    return reply


class TestListings:
    @pytest.fixture
    def source(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")

    @pytest.mark.usefixtures("source")
    def test_a_batch_makes_no_row_for_each_and_each_is_told_once_in_order(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        webhook = make(client, keys.staff, listener.url, "opportunity.*")
        with post.database.reading() as session:
            before = session.exec(select(func.count()).select_from(Delivery)).one()
        batch(client, keys.staff, range(1_200))
        with post.database.reading() as session:
            after = session.exec(select(func.count()).select_from(Delivery)).one()
        assert after - before == 1, "batch.finished"
        post.go()
        found = numbers(listener, webhook)
        assert len(found) == 1_200
        assert found == sorted(set(found))
        assert len(set(listener.ids)) == 1_200
        with post.database.reading() as session:
            assert session.exec(select(func.count()).select_from(WebhookMessage)).one() == 3
            assert session.exec(select(func.count()).select_from(WebhookAttempt)).one() < 30
        entries = log(client, keys.staff, webhook)
        assert [entry["sent"] for entry in entries] == [200, 500, 500]
        assert {entry["state"] for entry in entries} == {"delivered"}
        assert entries[0]["listings"]["after"] == entries[1]["listings"]["until"]
        post.go()
        assert len(listener.received) == 1_200

    @pytest.mark.usefixtures("source")
    def test_published_changed_withdrawn(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        webhook = make(client, keys.staff, listener.url, "opportunity.*")
        one = push(client, keys.staff, "1")
        post.go()
        clock.shift(timedelta(minutes=5))
        push(client, keys.staff, "1", title="Another name")
        post.go()
        clock.shift(timedelta(minutes=5))
        act(client, keys.staff, one["id"], "withdraw", reason="Cancelled")
        post.go()
        act(client, keys.staff, one["id"], "restore")
        post.go()
        found = heard(listener, webhook)
        assert [kind.removeprefix("opportunity.") for kind, _ in found] == [
            "published",
            "changed",
            "withdrawn",
            "changed",
        ]
        assert [data.get("title") for _, data in found] == [
            "Saturday dance club",
            "Another name",
            None,
            "Another name",
        ]
        for _, data in found:
            assert set(data) <= {"id", "change_number", "href", "title"}
            assert data["href"] == f"http://testserver/v1/opportunities/{one['id']}"
        assert "Cancelled" not in str([received.body for received in listener.received])

    @pytest.mark.usefixtures("source")
    def test_only_what_was_asked_for(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        webhook = make(client, keys.staff, listener.url, "opportunity.withdrawn")
        made = [push(client, keys.staff, str(number)) for number in range(3)]
        post.go()
        assert listener.received == []
        assert log(client, keys.staff, webhook) == [], "nothing of interest leaves no trace"
        act(client, keys.staff, made[1]["id"], "withdraw", reason="Cancelled")
        post.go()
        assert [(kind, data["id"]) for kind, data in heard(listener, webhook)] == [
            ("opportunity.withdrawn", made[1]["id"])
        ]

    @pytest.mark.usefixtures("source")
    def test_what_is_not_public_is_not_told(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        build.source(client, keys, key="slow", trust="moderated")
        webhook = make(client, keys.staff, listener.url, "opportunity.published")
        push(client, keys.staff, key="slow")
        push(client, keys.staff, price=None)
        post.go()
        assert heard(listener, webhook) == []

    @pytest.mark.usefixtures("source", "no_jitter")
    def test_it_goes_on_where_it_failed(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        webhook = make(client, keys.staff, listener.url, "opportunity.*")
        batch(client, keys.staff, range(150))

        def break_down(_: Received, handler: BaseHTTPRequestHandler) -> None:
            status(500 if len(listener.received) > 120 else 204)(_, handler)

        listener.reply = break_down
        post.go()
        assert len(listener.received) == 121
        (entry,) = log(client, keys.staff, webhook)
        assert (entry["state"], entry["sent"]) == ("waiting", 120)
        assert (
            entry["attempts"][-1]["error"] == "The endpoint answered 500 (Internal Server Error)."
        )
        assert entry["attempts"][-1]["webhook_id"] == listener.ids[120]
        batch(client, keys.staff, range(500, 510))
        post.go()
        assert len(listener.received) == 121, "what is newer waits for its turn"
        listener.reply = status(204)
        clock.shift(WAITS[1])
        post.go()
        assert listener.ids[120] == listener.ids[121]
        accepted = listener.received[:120] + listener.received[121:]
        found = [told(one, webhook)["data"]["change_number"] for one in accepted]
        assert len(found) == 160
        assert found == sorted(set(found))

    @pytest.mark.usefixtures("source")
    def test_a_run_is_replayed_with_the_same_ids(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        webhook = make(client, keys.staff, listener.url, "opportunity.*")
        batch(client, keys.staff, range(5))
        post.go()
        ids = listener.ids
        push(client, keys.staff, "3", title="A new title")
        post.go()
        entry = log(client, keys.staff, webhook)[-1]
        path = f"{PATH}/{webhook['id']}/deliveries/{entry['id']}/replay"
        answer = client.post(path, headers=keys.staff)
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
        post.go()
        assert listener.ids[6:] == [one for index, one in enumerate(ids) if index != 3]

    def test_a_replay_of_what_is_not_there(self, client: TestClient, keys: build.Keys) -> None:
        webhook = make(client, keys.staff, "https://example.org/")
        path = f"{PATH}/{webhook['id']}/deliveries/{webhook['id']}"
        problem(client.post(f"{path}/replay", headers=keys.staff), 404, "not_found")
        problem(client.get(path, headers=keys.staff), 404, "not_found")


KILLED = """
import sys
from app.kit.addresses import Reach
from app.kit.database import Database
from app.kit.outbound import Outbound
from app.opportunities.headlines import headlines
from app.webhooks.dispatching import Dispatcher

database = Database(sys.argv[1])
bounds = Outbound(Reach(allow_loopback=True))
Dispatcher(database, bounds, headlines, public_url="http://testserver").tick()
"""


class TestKilled:
    def test_between_sending_and_recording(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        webhook = make(client, keys.staff, listener.url)
        entry = send_test(client, keys.staff, webhook)
        for number in range(3):
            push(client, keys.staff, str(number), title=f"Dance club number {number}")
        for expected in (1, 4):
            # The first time it is killed while the event is answered, then at the second listing.
            url = post.database.url.render_as_string(hide_password=False)
            process = subprocess.Popen([sys.executable, "-c", KILLED, url])

            def kill(
                received: Received,
                handler: BaseHTTPRequestHandler,
                pid: int = process.pid,
                count: int = expected,
            ) -> None:
                if len(listener.received) == count:
                    os.kill(pid, signal.SIGKILL)
                status(204)(received, handler)

            listener.reply = kill
            process.wait(60)
            assert process.returncode == -signal.SIGKILL
            assert len(listener.received) == expected
            post.go()
            assert len(listener.received) == expected, "its lease is waited for"
            expire_leases(post)
        listener.reply = status(204)
        post.go()
        ids = listener.ids
        assert ids[0] == ids[1] == entry["id"], "the event came twice, with its id"
        assert ids[2:4] == ids[4:6], "the listings of the page came twice, with theirs"
        assert len(set(ids)) == 4
        assert read(client, keys.staff, webhook)["waiting"] == 0


def expire_leases(post: Post) -> None:
    """As if a minute had passed."""
    with post.database.writing() as session:
        session.execute(update(Webhook).values(locked_until=datetime.now(UTC) - SECOND))


class TestDispatcher:
    def test_two_at_once_tell_each_once_and_in_order(
        self, client: TestClient, keys: build.Keys, listener: Listener, post: Post
    ) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        webhook = make(client, keys.staff, listener.url, "opportunity.*")
        batch(client, keys.staff, range(300))
        for _ in range(10):
            send_test(client, keys.staff, webhook)
        with dispatching(post.dispatcher), dispatching(post.dispatcher):
            for _ in range(200):
                if len(listener.received) >= 310:
                    break
                time.sleep(0.1)
            time.sleep(1.5)
        assert len(set(listener.ids)) == len(listener.ids) == 310
        found = [data["change_number"] for kind, data in heard(listener, webhook) if "opp" in kind]
        assert found == sorted(found)

    def test_a_database_that_is_busy_when_an_outcome_is_written(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        real = records.accepted
        refused: list[int] = []

        def busy(*args: Any, **named: Any) -> None:
            if len(refused) < 2:
                refused.append(1)
                raise Unavailable("database is locked")
            real(*args, **named)

        monkeypatch.setattr(records, "accepted", busy)
        monkeypatch.setattr(dispatching_module, "POLL_SECONDS", 0.01)
        post.go()
        assert (len(listener.received), len(refused)) == (1, 2)
        assert log(client, keys.staff, webhook)[0]["state"] == "delivered"

    def test_another_address_is_tried_at_once(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        webhook = make(client, keys.staff, "http://127.0.0.1:1/")
        send_test(client, keys.staff, webhook)
        for wait in WAITS[1:7]:
            post.go()
            clock.shift(wait * 1.2)
        post.go()
        found = read(client, keys.staff, webhook)
        assert found["failing_since"] == "2026-11-02T09:00:00Z"
        headers = {**keys.staff, "If-Match": "*"}
        body = {"url": listener.url}
        client.patch(f"{PATH}/{webhook['id']}", json=body, headers=headers)
        post.go()
        assert len(listener.received) == 1

    def test_what_serve_and_work_run_beside_the_worker(
        self,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("LCEP_OUTBOUND_ALLOW_LOOPBACK", "true")
        webhook = make(client, keys.staff, listener.url)
        send_test(client, keys.staff, webhook)
        make_dispatcher(post.database).tick()
        assert len(listener.received) == 1
        monkeypatch.delenv("LCEP_OUTBOUND_ALLOW_LOOPBACK")
        send_test(client, keys.staff, webhook)
        make_dispatcher(post.database).tick()
        assert len(listener.received) == 1
        assert {job.name for job in jobs(Settings())} >= {"purge_webhook_log"}


class TestUpkeep:
    def test_the_log_is_kept_for_a_time(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        webhook = make(client, keys.staff, listener.url)
        old = send_test(client, keys.staff, webhook)
        post.go()
        clock.shift(timedelta(days=20))
        send_test(client, keys.staff, webhook)
        post.go()
        clock.shift(timedelta(days=11))
        with post.database.writing() as session:
            assert actions.purge(session, days=30) == 1
        assert old["id"] not in [entry["id"] for entry in log(client, keys.staff, webhook)]
        with post.database.reading() as session:
            attempts = session.exec(select(func.count(col(WebhookAttempt.pk)))).one()
        assert attempts == 1

    def test_an_unfinished_run_is_kept(
        self,
        clock: time_machine.Traveller,
        client: TestClient,
        keys: build.Keys,
        listener: Listener,
        post: Post,
    ) -> None:
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        webhook = make(client, keys.staff, listener.url, "opportunity.*")
        push(client, keys.staff)
        listener.reply = status(410)
        post.go()
        clock.shift(timedelta(days=60))
        with post.database.writing() as session:
            assert actions.purge(session, days=30) == 0
        listener.reply = status(204)
        client.post(f"{PATH}/{webhook['id']}/enable", headers=keys.staff)
        post.go()
        assert listener.ids[0] == listener.ids[1]

    def test_no_waits_are_lost_from_the_worker(self) -> None:
        assert WAITS[: len(worker.WAITS)] == worker.WAITS

    def test_secrets_are_as_the_standard_says(self) -> None:
        secret, body = signing.new_secret(), '{"a":"é"}'.encode()
        at = int(datetime.now(UTC).timestamp())
        headers = signing.headers([secret], "msg_1", at, body)
        assert Verifier(secret).verify(body, headers) == {"a": "é"}
        with pytest.raises(ValueError, match="whsec_"):
            signing.signature("whsec_no!", "msg_1", at, body)

    def test_the_lines_in_the_readme_verify(self) -> None:
        readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
        (lines,) = re.findall(r"```python\n(import base64.*?)```", readme, re.DOTALL)
        secret, body = signing.new_secret(), b'{"a":1}'
        at = int(datetime.now(UTC).timestamp())
        headers = signing.headers([signing.new_secret(), secret], "msg_1", at, body)
        for sent, expected in ((body, True), (body + b" ", False)):
            names: dict[str, Any] = {"headers": headers, "body": sent}
            exec(lines.replace("whsec_…", secret, 1), names)  # noqa: S102 - our own README
            assert (names["genuine"], names["recent"]) == (expected, True)
