"""The enquirer's own side: a mailed link, no account, and a plain page that opens it."""

import base64
import hashlib
import re
from datetime import timedelta

import pytest
import time_machine
from starlette.testclient import TestClient

from app.enquiries.models import Enquiry, State
from app.enquiries.retention import purge
from app.kit.times import now, today
from tests import build, enquiring
from tests.conftest import serving
from tests.enquiring import step
from tests.test_service import problem


@pytest.fixture
def enquiry(client: TestClient) -> Enquiry:
    """An enquiry that Coventry answers."""
    return enquiring.sent(client)


@pytest.fixture
def link(client: TestClient, enquiry: Enquiry) -> build.Headers:
    """The link that its enquirer got."""
    return enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])


class TestSee:
    def test_what_was_sent_and_what_became_of_it(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        step(client, enquiry, "assign", keys.staff, {"assignee": "Ali Secret"})
        step(client, enquiry, "note", keys.staff, {"note": "A private note."})
        step(client, enquiry, "reply", keys.staff, {"message": "Yes, from May."})
        answer = client.get("/v1/my-enquiry", headers=link)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "private, no-store"
        found = answer.json()
        assert found["reference"] == enquiry.reference
        assert (found["state"], found["answered_by"]) == ("answered", "Coventry")
        assert [(m["author"], m["text"]) for m in found["messages"]] == [
            ("you", enquiring.MESSAGE),
            ("us", "Yes, from May."),
        ]
        assert found["contact"]["email"] == enquiring.EMAIL
        assert found["kept_until"] == enquiry.retain_until.isoformat()
        for private in ("A private note.", "Ali Secret", "Assigned"):
            assert private not in answer.text

    def test_the_link_in_a_reply_works_too(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        step(client, enquiry, "reply", keys.staff, {"message": "Yes."})
        link = enquiring.link_of(enquiring.mails(client, "enquiry_reply")[0])
        assert client.get("/v1/my-enquiry", headers=link).status_code == 200

    def test_without_a_link_that_is_ours(
        self, client: TestClient, keys: build.Keys, link: build.Headers
    ) -> None:
        token = link["Authorization"].removeprefix("Bearer ")
        form = client.get("/v1/enquiries/challenge").json()["form_token"]
        forged = token[:-1] + ("A" if token[-1] != "A" else "B")
        middle = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
        key = keys.admin["Authorization"].removeprefix("Bearer ")
        for bad in (middle, token[:-4], f"enq_{form}", form, key, "enq_", "enq_é", "x" * 3_000):
            headers = {b"Authorization": f"Bearer {bad}".encode()}
            answer = client.get("/v1/my-enquiry", headers=headers)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert forged != token
        problem(client.get("/v1/my-enquiry"), 401, "unauthenticated")
        for path, body in (("messages", {"message": "x"}), ("withdraw", None)):
            answer = client.post(f"/v1/my-enquiry/{path}", json=body)
            problem(answer, 401, "unauthenticated")

    def test_it_opens_nothing_else(
        self, client: TestClient, enquiry: Enquiry, link: build.Headers
    ) -> None:
        for path in (f"/v1/enquiries/{enquiry.id}", "/v1/enquiries", "/v1/me"):
            problem(client.get(path, headers=link), 401, "unauthenticated")

    def test_it_ends(self, client: TestClient, link: build.Headers) -> None:
        with time_machine.travel(now() + timedelta(days=90, minutes=1)):
            problem(client.get("/v1/my-enquiry", headers=link), 401, "unauthenticated")

    def test_who_was_taken_for_spam_is_not_told_so(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        step(client, enquiry, "spam", keys.staff)
        answer = client.get("/v1/my-enquiry", headers=link)
        assert answer.json()["state"] == "received"
        assert "spam" not in answer.text
        assert answer.json()["kept_until"] == enquiry.retain_until.isoformat()
        told = client.post("/v1/my-enquiry/messages", json={"message": "Hello?"}, headers=link)
        assert told.status_code == 200
        row = enquiring.row(client, enquiry.reference)
        assert row is not None
        assert row.state is State.SPAM

    def test_nor_after_an_answer(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        step(client, enquiry, "reply", keys.staff, {"message": "Yes."})
        before = client.get("/v1/my-enquiry", headers=link).json()
        step(client, enquiry, "spam", keys.staff)
        after = client.get("/v1/my-enquiry", headers=link).json()
        ends = "link_expires_at"
        assert {**after, ends: ""} == {**before, ends: ""}


class TestAdd:
    def test_a_message(self, client: TestClient, enquiry: Enquiry, link: build.Headers) -> None:
        before = len(enquiring.mails(client))
        answer = client.post(
            "/v1/my-enquiry/messages", json={"message": "A <b>drum</b> too."}, headers=link
        )
        assert answer.status_code == 200, answer.text
        assert [m["text"] for m in answer.json()["messages"]] == [
            enquiring.MESSAGE,
            "A drum too.",
        ]
        told = enquiring.mails(client)[before:]
        assert [mail.recipient for mail in told] == ["region@example.org"]
        assert "drum" not in str(told[0].payload)
        assert "The enquirer has written again." in told[0].payload["text"]

    def test_who_answers_it_is_told(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        who = {"assignee": "Ali", "email": "ali@example.org"}
        step(client, enquiry, "assign", keys.staff, who)
        client.post("/v1/my-enquiry/messages", json={"message": "And?"}, headers=link)
        assert enquiring.mails(client)[-1].recipient == "ali@example.org"

    def test_a_closed_one_is_taken_up_again(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        step(client, enquiry, "close", keys.staff, {"outcome": "helped"})
        client.post("/v1/my-enquiry/messages", json={"message": "Thanks, but"}, headers=link)
        row = enquiring.row(client, enquiry.reference)
        assert row is not None
        assert (row.state, row.outcome, row.closed_at) == (State.IN_PROGRESS, None, None)
        assert row.retain_until == enquiry.retain_until

    def test_a_retry_adds_once(self, client: TestClient, link: build.Headers) -> None:
        headers = {**link, "Idempotency-Key": "once"}
        for _ in range(2):
            answer = client.post("/v1/my-enquiry/messages", json={"message": "x"}, headers=headers)
            assert len(answer.json()["messages"]) == 2

    def test_what_is_refused(self, client: TestClient, link: build.Headers) -> None:
        for body in (
            {"message": "Emily, born 12/03/2019"},
            {"message": ""},
            {},
            {"message": "x", "attachment": "y"},
        ):
            answer = client.post("/v1/my-enquiry/messages", json=body, headers=link)
            problem(answer, 422, "invalid")
            assert "Emily" not in answer.text

    def test_not_without_end(
        self, client: TestClient, link: build.Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.enquiries.actions.MOST_MESSAGES", 1)
        for code in (200, 409):
            answer = client.post("/v1/my-enquiry/messages", json={"message": "x"}, headers=link)
            assert answer.status_code == code


class TestWithdraw:
    def test_it_ends_and_is_soon_forgotten(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        answer = client.post("/v1/my-enquiry/withdraw", headers=link)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert (found["state"], found["outcome"]) == ("closed", "withdrawn")
        assert not found["may_write"]
        assert found["kept_until"] == (today() + timedelta(days=7)).isoformat()
        mails = len(enquiring.mails(client))
        assert client.post("/v1/my-enquiry/withdraw", headers=link).status_code == 200
        assert len(enquiring.mails(client)) == mails
        more = client.post("/v1/my-enquiry/messages", json={"message": "x"}, headers=link)
        problem(more, 409, "conflict")
        listed = client.get("/v1/enquiries?state=closed", headers=keys.staff).json()["items"]
        assert [item["outcome"] for item in listed] == ["withdrawn"]

    def test_it_never_keeps_it_longer(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        closed = step(client, enquiry, "close", keys.staff, {"outcome": "helped"}).json()
        with time_machine.travel(now() + timedelta(days=88)):
            found = client.post("/v1/my-enquiry/withdraw", headers=link).json()
        assert found["kept_until"] == closed["retain_until"]

    def test_its_copies_go_with_it(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, link: build.Headers
    ) -> None:
        copy = enquiring.sent(client)
        step(client, copy, "merge", keys.staff, {"into": enquiry.reference})
        client.post("/v1/my-enquiry/withdraw", headers=link)
        with time_machine.travel(now() + timedelta(days=8)):
            assert purge(build.database_of(client)) == 2
        assert enquiring.EMAIL not in enquiring.everything_stored(client)


class TestPage:
    def test_it_runs_only_its_own_script(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/my-enquiry")
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag in ("script", "style"):
            (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "innerHTML" not in answer.text

    def test_another_page_can_be_set(self, database_url: str) -> None:
        page = "https://front.example/my-enquiry"
        with serving(database_url, enquiry_page_url=page) as client:
            enquiring.sent(client)
            (mail,) = enquiring.mails(client, "enquiry_confirmation")
            for part in ("text", "html"):
                assert f"{page}#enq_" in mail.payload[part]
            assert client.get("/v1/my-enquiry", headers=enquiring.link_of(mail)).status_code == 200
