"""What becomes of an enquiry: who sees it, guarded steps, mail in one thread, the clock."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import select
from starlette.testclient import TestClient

from app.access.models import AuditEvent
from app.deliveries.mail import message_id_for
from app.deliveries.models import Delivery
from app.enquiries import working_days
from app.enquiries.keeping_time import keep_time
from app.enquiries.models import Enquiry, State
from app.kit.times import now, today
from app.main import enquiry_rules
from tests import build, enquiring
from tests.enquiring import step
from tests.test_service import problem

MONDAY = datetime(2027, 3, 22, 9, 0, tzinfo=UTC)
"""Of the week that ends with Good Friday."""


@pytest.fixture
def enquiry(client: TestClient) -> Enquiry:
    """An enquiry that Coventry answers."""
    return enquiring.sent(client)


@pytest.fixture
def coventry(keys: build.Keys) -> build.Headers:
    """The key of who answers it."""
    return keys.coordinator("coventry")


def read(client: TestClient, enquiry: Enquiry, headers: build.Headers) -> Any:
    answer = client.get(f"/v1/enquiries/{enquiry.id}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def audited(client: TestClient, action: str) -> list[AuditEvent]:
    with build.database_of(client).reading() as session:
        return list(session.exec(select(AuditEvent).where(AuditEvent.action == action)))


def about_a_listing(client: TestClient, keys: build.Keys, **more: Any) -> Enquiry:
    """An enquiry about a listing of Dance Hub's, which Birmingham answers."""
    build.organisation(client, keys)
    build.source(client, keys, key="web")
    publisher = keys.publisher("dance-hub")
    listing = client.put(
        "/v1/sources/web/opportunities/a", json=build.listing(), headers=publisher
    ).json()
    return enquiring.sent(client, kind="opportunity", about={"opportunity": listing["id"]}, **more)


class TestList:
    def test_it_needs_a_key(self, shared_client: TestClient) -> None:
        problem(shared_client.get("/v1/enquiries"), 401, "unauthenticated")

    def test_who_sees_what_and_nobody_the_person(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        build.organisation(client, keys)
        expected = {
            "staff": (keys.staff, 1),
            "own": (keys.coordinator("coventry"), 1),
            "both": (keys.coordinator("dudley", "coventry"), 1),
            "other": (keys.coordinator("dudley"), 0),
            "publisher": (keys.publisher("dance-hub"), 0),
        }
        for who, (headers, count) in expected.items():
            answer = client.get("/v1/enquiries", headers=headers)
            assert len(answer.json()["items"]) == count, who
            assert answer.headers["cache-control"] == "private, no-store"
            for personal in enquiring.PERSONAL:
                assert personal not in answer.text
        assert enquiry.reference in client.get("/v1/enquiries", headers=keys.staff).text

    def test_filters(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry, coventry: build.Headers
    ) -> None:
        regional = enquiring.sent(client, postcode=None, kind="press", message="A page for us?")
        step(client, enquiry, "assign", coventry, {})

        def found(query: str, headers: build.Headers = keys.staff) -> set[str]:
            answer = client.get(f"/v1/enquiries?{query}", headers=headers)
            assert answer.status_code == 200, answer.text
            return {item["reference"] for item in answer.json()["items"]}

        both = {enquiry.reference, regional.reference}
        assert found("") == found("state=received&state=assigned") == found("sort=due") == both
        assert found("state=assigned") == {enquiry.reference}
        assert found("kind=press") == {regional.reference}
        assert found("partnership=coventry") == {enquiry.reference}
        assert found("partnership=region") == {regional.reference}
        assert found("partnership=region&partnership=coventry") == both
        assert found("mine=true", coventry) == {enquiry.reference}
        assert found("mine=true") == set()
        assert found("overdue=false") == both
        assert found("overdue=true") == set()
        assert found("q=MARIMBA") == {enquiry.reference}
        assert found("q=oakes%20marimba") == {enquiry.reference}
        assert found(f"q={regional.reference.lower()}") == {regional.reference}
        assert found("q=%25") == found("q=%20") == set()
        with time_machine.travel(enquiry.due_at + timedelta(seconds=1)):
            assert found("overdue=true") == both
        problem(client.get("/v1/enquiries?state=lost", headers=keys.staff), 422, "invalid")
        unknown = client.get("/v1/enquiries?partnership=atlantis", headers=keys.staff)
        problem(unknown, 422, "invalid")

    def test_pages(self, client: TestClient, keys: build.Keys) -> None:
        sent = [enquiring.sent(client).reference for _ in range(5)]
        for sort, expected in (("received", sent[::-1]), ("due", sent)):
            address = f"/v1/enquiries?limit=2&sort={sort}&count=true"
            seen: list[str] = []
            while address:
                page = client.get(address, headers=keys.staff).json()
                assert page["total"] == 5
                seen += [item["reference"] for item in page["items"]]
                address = page["next"]
            assert seen == expected


class TestRead:
    def test_it_needs_a_key(self, client: TestClient, enquiry: Enquiry) -> None:
        problem(client.get(f"/v1/enquiries/{enquiry.id}"), 401, "unauthenticated")

    def test_who_answers_reads_who_asks_and_that_is_audited(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        found = read(client, enquiry, coventry)
        assert found["contact"] == {
            "name": enquiring.NAME,
            "email": enquiring.EMAIL,
            "phone": "+44 121 496 0987",
            "organisation": enquiring.SCHOOL,
            "postcode": "CV1 5FB",
        }
        assert found["message"] == enquiring.MESSAGE
        assert found["routing"]["reason"] == "Coventry covers the postcode."
        read(client, enquiry, coventry)
        events = audited(client, "enquiry.read")
        assert [event.subject_id for event in events] == [str(enquiry.id)] * 2
        assert {event.role for event in events} == {"coordinator"}

    def test_strangers_and_what_is_not_there(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        build.organisation(client, keys)
        for headers in (keys.coordinator("dudley"), keys.publisher("dance-hub")):
            answer = client.get(f"/v1/enquiries/{enquiry.id}", headers=headers)
            problem(answer, 404, "not_found")
        missing = "/v1/enquiries/0197a1c0-5d5e-7c3a-9d0f-3a0d6c1f2b4e"
        problem(client.get(missing, headers=keys.staff), 404, "not_found")
        assert audited(client, "enquiry.read") == []

    def test_a_publisher_reads_what_is_asked_but_not_by_whom(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        enquiry = about_a_listing(
            client,
            keys,
            message=f"Is there a place? Ring Philippa on 0121 496 0987 or mail "
            f"{enquiring.EMAIL}. Best, {enquiring.NAME}, {enquiring.SCHOOL}, "
            f"{enquiring.POSTCODE}, cv15fb",
        )
        step(client, enquiry, "note", keys.staff, {"note": "A secret of ours."})
        found = read(client, enquiry, keys.publisher("dance-hub"))
        assert found["contact"] is None
        assert found["message"].startswith("Is there a place? Ring [withheld] on [withheld]")
        assert found["entries"] == []
        for personal in (*enquiring.PERSONAL[:5], "cv15fb", "Philippa", "secret"):
            assert personal not in str(found)
        assert audited(client, "enquiry.read") == []
        listed = client.get("/v1/enquiries?q=Philippa", headers=keys.publisher("dance-hub"))
        assert listed.json()["items"] == []


class TestSteps:
    def test_the_whole_way(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        ways: list[tuple[str, Any, str]] = [
            ("assign", {"assignee": "Ali", "email": "ali@example.org"}, "assigned"),
            ("note", {"note": "Rang the hub."}, "in_progress"),
            ("reply", {"message": "We are looking.", "holding": True}, "in_progress"),
            ("reply", {"message": "Yes, from May."}, "answered"),
            ("close", {"outcome": "helped"}, "closed"),
            ("reopen", None, "in_progress"),
            ("spam", None, "spam"),
            ("reopen", None, "received"),
        ]
        for action, body, state in ways:
            answer = step(client, enquiry, action, coventry, body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["state"] == state
            for personal in enquiring.PERSONAL:
                assert personal not in answer.text  # it may be kept for a retry
        found = read(client, enquiry, coventry)
        kinds = [entry["kind"] for entry in found["entries"]]
        assert kinds == ["event", "note", "reply", "reply", "event", "event", "event", "event"]
        assert found["assignee"] == "Ali"
        assigned = [mail.recipient for mail in enquiring.mails(client, "enquiry_notification")]
        assert assigned == ["region@example.org", "ali@example.org"]
        assert len(enquiring.mails(client, "enquiry_confirmation")) == 1

    def test_steps_that_make_no_sense(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        problem(step(client, enquiry, "reopen", coventry), 409, "conflict")
        step(client, enquiry, "close", coventry, {"outcome": "referred"})
        for action, body in (
            ("assign", {}),
            ("reply", {"message": "Hello?"}),
            ("close", {"outcome": "helped"}),
            ("spam", None),
            ("reassign", {"partnership": None, "reason": "Why not"}),
            ("merge", {"into": "ENQ-2222-2222"}),
        ):
            answer = step(client, enquiry, action, coventry, body)
            problem(answer, 409, "conflict")
            assert "is closed" in answer.json()["detail"]
        duplicate = step(client, enquiry, "reopen", coventry)
        assert duplicate.json()["state"] == "in_progress"
        refused = step(client, enquiry, "close", coventry, {"outcome": "duplicate"})
        problem(refused, 422, "invalid")

    def test_who_may_take_them(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = about_a_listing(client, keys)
        bodies: dict[str, Any] = {
            "assign": {},
            "reply": {"message": "Hello"},
            "note": {"note": "x"},
            "close": {"outcome": "helped"},
            "reopen": None,
            "spam": None,
            "share": None,
            "reassign": {"partnership": None, "reason": "x"},
            "merge": {"into": "ENQ-2222-2222"},
        }
        for action, body in bodies.items():
            problem(step(client, enquiry, action, {}, body), 401, "unauthenticated")
            stranger = step(client, enquiry, action, keys.coordinator("dudley"), body)
            problem(stranger, 404, "not_found")
            seen = step(client, enquiry, action, keys.publisher("dance-hub"), body)
            problem(seen, 403, "forbidden")
        for action, more in (("hold", {"hold": True, "reason": "x"}), ("erase", None)):
            problem(step(client, enquiry, action, {}, more), 401, "unauthenticated")
            problem(step(client, enquiry, action, keys.staff, more), 403, "forbidden")

    def test_what_was_withdrawn_stays_so(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])
        client.post("/v1/my-enquiry/withdraw", headers=link)
        problem(step(client, enquiry, "reopen", coventry), 409, "conflict")
        row = enquiring.row(client, enquiry.reference)
        assert row is not None
        assert row.retain_until == today() + timedelta(days=7)

    def test_many_at_the_same_moment(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        """What needs no If-Match never fails for want of it."""
        with ThreadPoolExecutor(8) as hands:
            answers = list(
                hands.map(
                    lambda n: step(client, enquiry, "note", coventry, {"note": f"Note {n}"}),
                    range(8),
                )
            )
        assert [answer.status_code for answer in answers] == [200] * 8
        assert len(read(client, enquiry, coventry)["entries"]) == 8

    def test_they_start_from_what_was_read(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        address = f"/v1/enquiries/{enquiry.id}"
        etag = client.get(address, headers=coventry).headers["etag"]
        bare = client.post(f"{address}/assign", json={}, headers=coventry)
        problem(bare, 428, "precondition_required")
        first = step(client, enquiry, "assign", coventry, {}, if_match=etag)
        assert first.status_code == 200
        stale = step(client, enquiry, "close", coventry, {"outcome": "helped"}, if_match=etag)
        problem(stale, 412, "stale")
        etag = first.headers["etag"]
        last = step(client, enquiry, "close", coventry, {"outcome": "helped"}, if_match=etag)
        assert last.status_code == 200

    def test_each_is_audited_without_the_person(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        step(client, enquiry, "assign", coventry, {"assignee": enquiring.NAME})
        step(client, enquiry, "reply", coventry, {"message": "About the marimba: yes."})
        with build.database_of(client).reading() as session:
            events = session.exec(select(AuditEvent)).all()
        assert {"enquiry.receive", "enquiry.assign", "enquiry.reply"} <= {e.action for e in events}
        for personal in enquiring.PERSONAL:
            assert personal not in str([event.model_dump() for event in events])


class TestReply:
    def test_replies_stand_in_one_thread(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        for text in ("First <b>of</b> all, hello.", "And then."):
            assert step(client, enquiry, "reply", coventry, {"message": text}).status_code == 200
        (confirmation,) = enquiring.mails(client, "enquiry_confirmation")
        first, second = enquiring.mails(client, "enquiry_reply")
        root = message_id_for(enquiry.id)
        assert confirmation.payload["message_id"] == root
        assert first.payload["in_reply_to"] == root
        assert first.payload["references"] == [root]
        assert second.payload["in_reply_to"] == first.payload["message_id"]
        assert second.payload["references"] == [root, first.payload["message_id"]]
        assert first.recipient == second.recipient == enquiring.EMAIL
        assert "First <b>of</b> all, hello." in first.payload["text"]
        assert "First &lt;b&gt;of&lt;/b&gt; all, hello." in first.payload["html"]
        assert first.payload["subject"] == f"Re: Your enquiry {enquiry.reference}"
        assert not first.payload["automatic"]

    def test_a_retry_sends_once(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        headers = {**coventry, "Idempotency-Key": "reply-1"}
        for _ in range(2):
            answer = step(client, enquiry, "reply", headers, {"message": "Hello."})
            assert answer.status_code == 200
        assert len(enquiring.mails(client, "enquiry_reply")) == 1


class TestReassign:
    def test_to_another_partnership_and_to_the_region(
        self, client: TestClient, keys: build.Keys, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        step(client, enquiry, "assign", coventry, {"assignee": "Ali"})
        body = {"partnership": "dudley", "reason": "The school has moved."}
        moved = step(client, enquiry, "reassign", coventry, body)
        assert moved.json()["partnership"]["slug"] == "dudley"
        assert moved.json()["routing"] == {"by": "staff", "reason": "The school has moved."}
        assert (moved.json()["state"], moved.json()["assignee"]) == ("received", None)
        assert moved.json()["due_at"] == enquiry.due_at.isoformat().replace("+00:00", "Z")
        gone = client.get(f"/v1/enquiries/{enquiry.id}", headers=coventry)
        problem(gone, 404, "not_found")
        assert read(client, enquiry, keys.coordinator("dudley"))["contact"]
        again = step(client, enquiry, "reassign", keys.staff, body)
        problem(again, 409, "conflict")
        none = {"partnership": None, "reason": "Nobody's."}
        regional = step(client, enquiry, "reassign", keys.staff, none)
        assert regional.json()["partnership"] is None
        unknown = {"partnership": "atlantis", "reason": "x"}
        problem(step(client, enquiry, "reassign", keys.staff, unknown), 422, "invalid")


class TestShare:
    def test_with_consent(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = about_a_listing(client, keys)
        publisher = keys.publisher("dance-hub")
        mailbox = {"contact": {"email": "box@dance-hub.example"}}
        headers = {**keys.staff, "If-Match": "*"}
        client.patch("/v1/organisations/dance-hub", json=mailbox, headers=headers)
        shared = step(client, enquiry, "share", keys.coordinator("birmingham"))
        assert shared.json()["shared_at"]
        found = read(client, enquiry, publisher)
        assert found["contact"]["email"] == enquiring.EMAIL
        assert found["message"] == enquiring.MESSAGE
        assert found["entries"] == []
        assert [event.role for event in audited(client, "enquiry.read")] == ["publisher"]
        assert len(audited(client, "enquiry.share")) == 1
        again = step(client, enquiry, "share", keys.staff)
        assert again.json()["shared_at"] == shared.json()["shared_at"]
        own = read(client, enquiry, keys.staff)["entries"]
        assert [entry["text"] for entry in own] == ["Contact details shared with Dance Hub."]
        told = enquiring.mails(client)[-1]
        assert told.recipient == "box@dance-hub.example"
        for personal in enquiring.PERSONAL:
            assert personal not in str(told.payload)

    def test_what_colleagues_told_each_other_is_not_told_to_the_provider(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        enquiry = about_a_listing(client, keys)
        mailbox = {"contact": {"email": "box@dance-hub.example"}}
        headers = {**keys.staff, "If-Match": "*"}
        client.patch("/v1/organisations/dance-hub", json=mailbox, headers=headers)
        passed = {"partnership": "dudley", "reason": "Dance Hub never answers."}
        step(client, enquiry, "reassign", keys.staff, passed)
        step(client, enquiry, "assign", keys.staff, {"assignee": "Col League"})
        step(client, enquiry, "share", keys.staff)
        told = enquiring.mails(client)[-1]
        assert told.recipient == "box@dance-hub.example"
        assert "never answers" not in str(told.payload)
        assert "League" not in str(told.payload)

    def test_not_once_it_is_withdrawn(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = about_a_listing(client, keys)
        mailbox = {"contact": {"email": "box@dance-hub.example"}}
        headers = {**keys.staff, "If-Match": "*"}
        client.patch("/v1/organisations/dance-hub", json=mailbox, headers=headers)
        link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])
        client.post("/v1/my-enquiry/withdraw", headers=link)
        problem(step(client, enquiry, "share", keys.staff), 409, "conflict")
        recipients = [mail.recipient for mail in enquiring.mails(client)]
        assert "box@dance-hub.example" not in recipients

    def test_no_longer_when_it_is_withdrawn(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = about_a_listing(client, keys)
        step(client, enquiry, "share", keys.staff)
        link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])
        assert client.get("/v1/my-enquiry", headers=link).json()["shared_at"]
        client.post("/v1/my-enquiry/withdraw", headers=link)
        found = read(client, enquiry, keys.publisher("dance-hub"))
        assert found["contact"] is None
        assert enquiring.EMAIL not in str(found)

    def test_not_without(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = about_a_listing(client, keys, consents={"contact": True})
        problem(step(client, enquiry, "share", keys.staff), 409, "conflict")
        assert read(client, enquiry, keys.publisher("dance-hub"))["contact"] is None

    def test_not_where_there_is_no_provider(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        problem(step(client, enquiry, "share", keys.staff), 409, "conflict")


class TestMerge:
    def test_double_sends_become_one(
        self, client: TestClient, coventry: build.Headers, enquiry: Enquiry
    ) -> None:
        second = enquiring.sent(client, message="And a xylophone.", email=enquiring.EMAIL.upper())
        step(client, second, "note", coventry, {"note": "The same again."})
        merged = step(client, second, "merge", coventry, {"into": enquiry.reference.lower()})
        assert merged.status_code == 200, merged.text
        assert merged.json()["id"] == str(enquiry.id)
        texts = [entry["text"] for entry in read(client, enquiry, coventry)["entries"]]
        assert "And a xylophone." in texts
        assert "The same again." in texts
        left = read(client, second, coventry)
        assert (left["state"], left["outcome"]) == ("closed", "duplicate")
        assert left["merged_into"] == str(enquiry.id)
        problem(step(client, second, "reopen", coventry), 409, "conflict")
        # The link of either mail opens what remains.
        link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[1])
        assert client.get("/v1/my-enquiry", headers=link).json()["reference"] == enquiry.reference

    def test_one_after_another(
        self, client: TestClient, coventry: build.Headers, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        others = [enquiring.sent(client) for _ in range(3)]
        for earlier, later in zip([enquiry, *others], others, strict=False):
            merged = step(client, earlier, "merge", coventry, {"into": later.reference})
            assert merged.status_code == 200, merged.text
        link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])
        own = client.get("/v1/my-enquiry", headers=link)
        assert own.json()["reference"] == others[-1].reference
        # Erasing what is left erases every copy.
        erased = client.post(f"/v1/enquiries/{others[-1].id}/erase", headers=keys.admin)
        assert erased.status_code == 204
        assert enquiring.EMAIL not in enquiring.everything_stored(client)

    def test_what_was_said_first_says_how_long(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        with time_machine.travel(now() + timedelta(days=60)):
            coventry = keys.coordinator("coventry")
            later = enquiring.sent(client)
            assert later.retain_until > enquiry.retain_until
            step(client, enquiry, "merge", coventry, {"into": later.reference})
            for action, body in (("close", {"outcome": "helped"}), ("reopen", {})):
                answer = step(client, later, action, coventry, body)
                assert answer.status_code == 200, answer.text
            merged = enquiring.row(client, later.reference)
            assert merged is not None
            assert merged.retain_until == enquiry.retain_until

    def test_not_what_law_holds(
        self, client: TestClient, coventry: build.Headers, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        """Else what was said in it would go with the other one."""
        second = enquiring.sent(client)
        held = {"hold": True, "reason": "A complaint."}
        step(client, second, "hold", keys.admin, held)
        refused = step(client, second, "merge", coventry, {"into": enquiry.reference})
        problem(refused, 409, "conflict")
        merged = step(client, enquiry, "merge", coventry, {"into": second.reference})
        assert merged.status_code == 200
        problem(step(client, enquiry, "hold", keys.admin, held), 409, "conflict")

    def test_only_of_one_person_and_what_one_answers(
        self, client: TestClient, coventry: build.Headers, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        other = enquiring.sent(client, email="other@example.org")
        answer = step(client, other, "merge", coventry, {"into": str(enquiry.id)})
        problem(answer, 409, "conflict")
        elsewhere = enquiring.sent(client, about={"partnership": "dudley"})
        answer = step(client, enquiry, "merge", coventry, {"into": str(elsewhere.id)})
        problem(answer, 422, "invalid")
        itself = step(client, enquiry, "merge", keys.staff, {"into": str(enquiry.id)})
        problem(itself, 422, "invalid")


class TestWorkingDays:
    @pytest.mark.parametrize(
        ("start", "days", "end"),
        [
            (
                "2027-03-22T09:00Z",
                4,
                "2027-03-30T16:00Z",
            ),  # Easter, and summer time
            ("2026-12-24T20:00Z", 1, "2026-12-29T17:00Z"),  # Boxing Day's substitute is the 28th
            ("2026-12-26T10:00Z", 1, "2026-12-29T17:00Z"),
            ("2027-06-05T10:00Z", 1, "2027-06-07T16:00Z"),
            ("2027-06-01T23:30Z", 1, "2027-06-03T16:00Z"),  # in London it is the 2nd already
            ("2027-06-01T09:00Z", 0, "2027-06-01T16:00Z"),
        ],
    )
    def test_bank_holidays_and_weekends(self, start: str, days: int, end: str) -> None:
        found = working_days.after(datetime.fromisoformat(start), days)
        assert found == datetime.fromisoformat(end)

    def test_england_is_not_scotland(self) -> None:
        assert working_days.is_working(date(2026, 11, 30))  # St Andrew's
        assert not working_days.is_working(date(2026, 8, 31))  # only England's and Wales's


class TestClock:
    @pytest.fixture
    def clock(self) -> Iterator[time_machine.Traveller]:
        with time_machine.travel(MONDAY, tick=False) as traveller:
            yield traveller

    def keep(self, client: TestClient) -> int:
        rules = enquiry_rules(build.settings("sqlite://"))
        return keep_time(build.database_of(client), rules)

    def test_reminder_then_escalation_each_once(
        self, client: TestClient, clock: time_machine.Traveller
    ) -> None:
        keys = build.Keys(build.database_of(client))
        staff = keys.staff
        headers = {**staff, "If-Match": "*"}
        contact = {"contact_email": "hello@coventry.example"}
        client.patch("/v1/partnerships/coventry", json=contact, headers=headers)
        enquiry = enquiring.sent(client)
        assert enquiry.due_at == datetime(2027, 3, 31, 16, 0, tzinfo=UTC)
        assert self.keep(client) == 0
        clock.move_to(enquiry.remind_at)
        assert self.keep(client) == 1
        assert self.keep(client) == 0
        (reminder,) = enquiring.mails(client, "enquiry_reminder")
        assert reminder.recipient == "hello@coventry.example"
        assert "Wednesday 31 March 2027" in reminder.payload["subject"]
        inbox = client.get("/v1/me/inbox", headers=staff).json()["items"]
        assert [item["kind"] for item in inbox] == ["new_enquiries"]
        clock.move_to(enquiry.due_at + timedelta(minutes=1))
        assert self.keep(client) == 1  # that it is overdue
        with build.database_of(client).reading() as session:
            told = select(Delivery).where(Delivery.topic == "event.enquiry.overdue")
            (event,) = session.exec(told)
        assert event.payload["data"] == {
            "id": str(enquiry.id),
            "href": f"/v1/enquiries/{enquiry.id}",
        }
        inbox = client.get("/v1/me/inbox", headers=staff).json()["items"]
        assert [item["kind"] for item in inbox] == ["new_enquiries", "overdue_enquiries"]
        assert inbox[1]["count"] == 1
        late = client.get(inbox[1]["href"], headers=staff).json()["items"]
        assert [item["reference"] for item in late] == [enquiry.reference]
        assert late[0]["overdue"]
        clock.move_to(enquiry.escalate_at)
        assert self.keep(client) == 1
        assert self.keep(client) == 0
        (escalation,) = enquiring.mails(client, "enquiry_escalation")
        assert escalation.recipient == "region@example.org"
        assert "It is with Coventry." in escalation.payload["text"]
        for mail in (reminder, escalation):
            for personal in enquiring.PERSONAL:
                assert personal not in str(mail.payload)
        found = client.get("/v1/enquiries", headers=staff).json()["items"][0]
        assert found["chased_at"] < found["escalated_at"]

    def test_the_assignee_is_reminded(
        self, client: TestClient, clock: time_machine.Traveller
    ) -> None:
        staff = build.Keys(build.database_of(client)).staff
        enquiry = enquiring.sent(client)
        step(client, enquiry, "assign", staff, {"assignee": "Ali", "email": "ali@example.org"})
        clock.move_to(enquiry.remind_at)
        self.keep(client)
        assert [m.recipient for m in enquiring.mails(client, "enquiry_reminder")] == [
            "ali@example.org"
        ]

    def test_who_was_answered_does_not_wait(
        self, client: TestClient, clock: time_machine.Traveller
    ) -> None:
        staff = build.Keys(build.database_of(client)).staff
        answered, held, spam = (enquiring.sent(client) for _ in range(3))
        step(client, answered, "reply", staff, {"message": "Yes."})
        step(client, held, "reply", staff, {"message": "Soon.", "holding": True})
        step(client, spam, "spam", staff)
        clock.move_to(answered.escalate_at)
        assert self.keep(client) == 3  # all three of the one that still waits
        assert len(enquiring.mails(client, "enquiry_escalation")) == 1

    def test_a_new_message_starts_it_anew(
        self, client: TestClient, clock: time_machine.Traveller
    ) -> None:
        staff = build.Keys(build.database_of(client)).staff
        enquiry = enquiring.sent(client)
        step(client, enquiry, "reply", staff, {"message": "Yes."})
        clock.shift(timedelta(days=30))
        link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])
        client.post("/v1/my-enquiry/messages", json={"message": "When?"}, headers=link)
        row = enquiring.row(client, enquiry.reference)
        assert row is not None
        assert row.state is State.IN_PROGRESS
        assert row.due_at > now()
        assert self.keep(client) == 0

    def test_two_workers_at_once_remind_once(
        self, client: TestClient, clock: time_machine.Traveller
    ) -> None:
        enquiries = [enquiring.sent(client) for _ in range(5)]
        clock.move_to(enquiries[0].remind_at)
        with ThreadPoolExecutor(4) as workers:
            done = [workers.submit(self.keep, client) for _ in range(4)]
            assert sum(one.result() for one in done) == 5
        assert len(enquiring.mails(client, "enquiry_reminder")) == 5

    def test_more_than_one_round_takes_all(
        self, client: TestClient, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.enquiries.keeping_time.AT_ONCE", 2)
        for _ in range(5):
            enquiry = enquiring.sent(client)
        clock.move_to(enquiry.remind_at)
        assert self.keep(client) == 5
        assert len(enquiring.mails(client, "enquiry_reminder")) == 5


class TestCounts:
    def test_who_may(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        problem(client.get("/v1/enquiries/counts"), 401, "unauthenticated")
        refused = client.get("/v1/enquiries/counts", headers=keys.publisher("dance-hub"))
        problem(refused, 403, "forbidden")

    def test_numbers(self, client: TestClient, keys: build.Keys, enquiry: Enquiry) -> None:
        enquiring.sent(client, postcode=None)
        enquiring.sent(client, leave_empty="spam")
        step(client, enquiry, "reply", keys.staff, {"message": "Yes."})
        found = client.get("/v1/enquiries/counts", headers=keys.staff).json()
        assert found["states"] == {
            "received": 1,
            "assigned": 0,
            "in_progress": 0,
            "answered": 1,
            "closed": 0,
            "spam": 1,
        }
        assert (found["open"], found["overdue"], found["unassigned"]) == (1, 0, 1)
        assert found["kinds"] == {"school_support": 1}
        partnerships = {
            (item["partnership"] or {}).get("slug"): item["count"] for item in found["months"]
        }
        assert partnerships == {None: 1, "coventry": 1}
        own = client.get("/v1/enquiries/counts", headers=keys.coordinator("coventry")).json()
        assert [item["count"] for item in own["months"]] == [1]
        assert own["states"]["spam"] == 1  # routed to Coventry as any other


class TestTable:
    def test_who_may(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        problem(client.get("/v1/enquiries.csv"), 401, "unauthenticated")
        refused = client.get("/v1/enquiries.csv", headers=keys.publisher("dance-hub"))
        problem(refused, 403, "forbidden")

    def test_it_is_audited_and_holds_no_formula(
        self, client: TestClient, keys: build.Keys, enquiry: Enquiry
    ) -> None:
        evil = enquiring.sent(client, message='=HYPERLINK("http://x.example","y")', name="+Eve")
        enquiring.sent(client, about={"partnership": "dudley"})
        answer = client.get("/v1/enquiries.csv", headers=keys.coordinator("coventry"))
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["cache-control"] == "private, no-store"
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert [row["reference"] for row in rows] == [evil.reference, enquiry.reference]
        assert rows[0]["message"] == """'=HYPERLINK("http://x.example","y")"""
        assert rows[0]["name"] == "'+Eve"
        assert rows[1]["email"] == enquiring.EMAIL
        assert {event.subject_id for event in audited(client, "enquiry.export")} == {
            str(evil.id),
            str(enquiry.id),
        }

    def test_filters(self, client: TestClient, keys: build.Keys, enquiry: Enquiry) -> None:
        answer = client.get("/v1/enquiries.csv?kind=press", headers=keys.staff)
        assert enquiry.reference not in answer.text
        problem(client.get("/v1/enquiries.csv?kinds=press", headers=keys.staff), 422, "invalid")

    def test_not_more_than_it_takes(
        self,
        client: TestClient,
        keys: build.Keys,
        enquiry: Enquiry,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("app.enquiries.release_routes.MOST_ROWS", 0)
        problem(client.get("/v1/enquiries.csv", headers=keys.staff), 422, "invalid")
        assert audited(client, "enquiry.export") == []
