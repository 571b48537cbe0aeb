"""The public form: what it takes, where it goes, what it refuses, and what it never tells."""

import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, cast

import pytest
import time_machine
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from app.enquiries.models import Enquiry, EnquiryAllowance, State
from app.enquiries.sensitive import advice
from app.kit.observe import JSONFormatter
from app.kit.times import now
from tests import build, enquiring
from tests.conftest import serving
from tests.test_service import problem


@pytest.fixture
def strict(database_url: str) -> Iterator[TestClient]:
    """An application with the limits of the settings."""
    with serving(
        database_url, enquiries_per_address=5, enquiries_per_email=3, enquiry_form_seconds=3
    ) as client:
        yield client


def from_address(client: TestClient, address: str) -> TestClient:
    """A client of the same application at another network address."""
    other = TestClient(
        cast(FastAPI, client.app), raise_server_exceptions=False, client=(address, 50_000)
    )
    other.portal = client.portal
    return other


class TestChallenge:
    def test_it_is_signed_and_kept_by_nobody(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/v1/enquiries/challenge")
        assert answer.headers["cache-control"] == "no-store"
        first = answer.json()
        assert first["not_before"] < first["expires_at"]
        second = shared_client.get("/v1/enquiries/challenge").json()
        assert first["form_token"] != second["form_token"]


class TestSend:
    def test_it_is_received(self, client: TestClient) -> None:
        answer = client.post("/v1/enquiries", json=enquiring.form(client))
        assert answer.status_code == 202, answer.text
        assert answer.headers["cache-control"] == "private, no-store"
        receipt = answer.json()
        assert receipt["reference"].startswith("ENQ-")
        assert receipt["answered_by"] == "Coventry"
        assert receipt["what_happens_next"].startswith("Coventry will answer by ")
        row = enquiring.row(client, receipt["reference"])
        assert row is not None
        assert (row.name, row.email, row.phone, row.postcode) == (
            enquiring.NAME,
            enquiring.EMAIL,
            "+44 121 496 0987",
            "CV15FB",
        )
        assert (row.state, row.spam_reasons) == (State.RECEIVED, [])

    def test_the_mails_that_follow(self, client: TestClient) -> None:
        row = enquiring.sent(client, name="Buy now at shop.example")
        confirmation, notification = enquiring.mails(client)
        assert (confirmation.topic, confirmation.recipient) == (
            "mail.enquiry_confirmation",
            enquiring.EMAIL,
        )
        assert confirmation.about == notification.about == row.id
        # Nobody's words go to anybody by way of our form.
        for part in ("text", "html", "subject"):
            assert "shop.example" not in confirmation.payload[part]
            assert "marimba" not in confirmation.payload[part]
        assert "#enq_" in confirmation.payload["text"]
        assert notification.recipient == "region@example.org"  # Coventry has no mailbox yet
        for personal in enquiring.PERSONAL:
            assert personal not in str(notification.payload)

    def test_a_partnership_with_a_mailbox_is_told(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        headers = {**keys.staff, "If-Match": "*"}
        patch = {"contact_email": "hello@coventry.example", "contact_role": "Coordinator"}
        client.patch("/v1/partnerships/coventry", json=patch, headers=headers)
        enquiring.sent(client)
        confirmation, notification = enquiring.mails(client)
        assert notification.recipient == "hello@coventry.example"
        assert confirmation.payload["reply_to"] == "hello@coventry.example"

    def test_a_mailbox_that_not_every_server_takes_loses_no_enquiry(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        headers = {**keys.staff, "If-Match": "*"}
        patch = {"contact_email": "b\u00fcro@coventry.example", "contact_role": "Coordinator"}
        patched = client.patch("/v1/partnerships/coventry", json=patch, headers=headers)
        assert patched.status_code == 200
        enquiry = enquiring.sent(client)
        confirmation, notification = enquiring.mails(client)
        assert notification.recipient == "b\u00fcro@coventry.example"
        assert confirmation.payload["reply_to"] == "region@example.org"
        replied = enquiring.step(client, enquiry, "reply", keys.staff, {"message": "Yes."})
        assert replied.status_code == 200

    def test_it_needs_no_key_and_takes_any(self, client: TestClient, keys: build.Keys) -> None:
        body = enquiring.form(client)
        assert client.post("/v1/enquiries", json=body, headers=keys.staff).status_code == 202
        refused = client.post("/v1/enquiries", json=body, headers={"Authorization": "Bearer no"})
        problem(refused, 401, "unauthenticated")

    def test_an_idempotency_key(self, client: TestClient) -> None:
        body = enquiring.form(client)
        headers = {"Idempotency-Key": "the-very-same"}
        first = client.post("/v1/enquiries", json=body, headers=headers)
        again = client.post("/v1/enquiries", json=body, headers=headers)
        assert (again.status_code, again.json()) == (202, first.json())
        assert again.headers["idempotency-replayed"] == "true"
        assert len(enquiring.mails(client, "enquiry_confirmation")) == 1

    def test_from_any_origin(self, shared_client: TestClient) -> None:
        answer = shared_client.post(
            "/v1/enquiries",
            json=enquiring.form(shared_client),
            headers={"Origin": "https://front.example"},
        )
        assert answer.headers["access-control-allow-origin"] == "*"


class TestRouting:
    def routed(self, client: TestClient, **more: Any) -> Enquiry:
        return enquiring.sent(client, **more)

    def name_of(self, client: TestClient, keys: build.Keys, row: Enquiry) -> str | None:
        read = client.get(f"/v1/enquiries/{row.id}", headers=keys.staff).json()
        return read["partnership"]["slug"] if read["partnership"] else None

    def test_by_the_partnership_it_is_about(self, client: TestClient, keys: build.Keys) -> None:
        row = enquiring.sent(client, about={"partnership": "dudley"})
        assert self.name_of(client, keys, row) == "dudley"
        assert row.routed_by == "about"
        assert row.routing_reason == "It is about the partnership Dudley."

    def test_by_the_listing_it_is_about(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        pushed = client.put(
            "/v1/sources/web/opportunities/a", json=build.listing(), headers=trusted
        ).json()
        row = enquiring.sent(client, kind="opportunity", about={"opportunity": pushed["id"]})
        assert self.name_of(client, keys, row) == "birmingham"
        assert "Saturday dance club" in row.routing_reason
        read = client.get(f"/v1/enquiries/{row.id}", headers=keys.staff).json()
        assert read["about"]["name"] == "Saturday dance club"
        assert client.get(read["about"]["href"]).status_code == 200

    def test_by_the_programme_it_is_about(self, client: TestClient, keys: build.Keys) -> None:
        programme = {
            "title": "Young writers",
            "kind": "activity",
            "partnerships": ["sandwell", "coventry"],
        }
        made = client.post("/v1/programmes", json=programme, headers=keys.staff)
        assert made.status_code == 201, made.text
        about = {"programme": "young-writers"}
        local = enquiring.sent(client, kind="programme", about=about)
        assert self.name_of(client, keys, local) == "coventry"  # of the two, the postcode's
        far = enquiring.sent(client, kind="programme", about=about, postcode=None)
        assert self.name_of(client, keys, far) == "sandwell"

    def test_by_the_organisation_it_is_about(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        about = {"organisation": "dance-hub"}
        unseated = enquiring.sent(client, about=about)
        assert self.name_of(client, keys, unseated) == "coventry"
        member = {"organisation": "dance-hub", "sector": "arts", "role": "member"}
        answer = client.post("/v1/partnerships/sandwell/members", json=member, headers=keys.staff)
        assert answer.status_code == 201, answer.text
        seated = enquiring.sent(client, about=about)
        assert self.name_of(client, keys, seated) == "sandwell"

    @pytest.mark.parametrize(
        ("postcode", "slug", "by", "reason"),
        [
            ("cv1  5fb", "coventry", "postcode", "Coventry covers the postcode."),
            ("", None, "region", "No postcode was given."),
            ("SW1A 1AA", None, "region", "The postcode is none of the region's."),
            ("B91 3QB", None, "region", "No partnership covers Solihull."),
        ],
    )
    def test_by_the_postcode(
        self,
        shared_client: TestClient,
        shared_keys: build.Keys,
        postcode: str,
        slug: str | None,
        by: str,
        reason: str,
    ) -> None:
        row = enquiring.sent(shared_client, postcode=postcode)
        assert self.name_of(shared_client, shared_keys, row) == slug
        assert (row.routed_by.value, row.routing_reason) == (by, reason)

    @pytest.mark.parametrize("thing", ["partnership", "opportunity", "programme", "organisation"])
    def test_what_it_is_about_must_be_there(self, shared_client: TestClient, thing: str) -> None:
        body = enquiring.form(shared_client, about={thing: "philippa-oakes"})
        answer = shared_client.post("/v1/enquiries", json=body)
        problem(answer, 422, "invalid")
        assert answer.json()["errors"][0]["pointer"] == f"#/about/{thing}"
        assert "philippa" not in answer.text

    def test_what_is_private_is_as_good_as_not_there(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        headers = {**keys.staff, "If-Match": "*"}
        hidden = {"visibility": "private"}
        client.patch("/v1/partnerships/coventry", json=hidden, headers=headers)
        body = enquiring.form(client, about={"partnership": "coventry"})
        problem(client.post("/v1/enquiries", json=body), 422, "invalid")
        row = enquiring.sent(client)
        assert row.routing_reason == "No partnership covers Coventry."

    def test_one_thing_at_most(self, shared_client: TestClient) -> None:
        for about in ({}, {"partnership": "dudley", "programme": "x"}):
            body = enquiring.form(shared_client, about=about)
            answer = shared_client.post("/v1/enquiries", json=body)
            problem(answer, 422, "invalid")
            assert answer.json()["errors"][0]["pointer"] == "#/about"


class TestSuspects:
    """They get the same answer, are kept, and cause no mail."""

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"leave_empty": "https://spam.example"}, "honeypot_filled"),
            ({"form_token": "made-up"}, "token_forged"),
            ({"form_token": "x" * 5_000}, "token_forged"),
            ({"form_token": "é"}, "token_forged"),
            ({"form_token": ""}, "token_forged"),
            ({"message": "see http://a.example http://b.example www.c.example"}, "too_many_links"),
            ({"name": "www.pills.example"}, "link_for_a_name"),
        ],
    )
    def test_signs(
        self,
        shared_client: TestClient,
        shared_keys: build.Keys,
        change: dict[str, str],
        reason: str,
    ) -> None:
        before = len(enquiring.mails(shared_client))
        honest = shared_client.post("/v1/enquiries", json=enquiring.form(shared_client))
        after = len(enquiring.mails(shared_client))
        assert after == before + 2
        body = enquiring.form(shared_client, **change)
        suspect = shared_client.post("/v1/enquiries", json=body)
        assert suspect.status_code == honest.status_code == 202
        same = {"answered_by", "due_at", "what_happens_next"}
        assert {k: suspect.json()[k] for k in same} == {k: honest.json()[k] for k in same}
        assert suspect.json().keys() == honest.json().keys()
        assert len(enquiring.mails(shared_client)) == after
        row = enquiring.row(shared_client, suspect.json()["reference"])
        assert row is not None
        assert (row.state, row.spam_reasons) == (State.SPAM, [reason])
        assert row.retain_until == row.received_at.date() + timedelta(days=30)
        listed = shared_client.get("/v1/enquiries?state=spam&limit=200", headers=shared_keys.staff)
        assert [reason] in [item["spam_reasons"] for item in listed.json()["items"]]

    def test_a_form_sent_too_soon(self, strict: TestClient) -> None:
        assert enquiring.sent(strict).spam_reasons == ["sent_too_soon"]
        with time_machine.travel(now(), tick=False) as clock:
            body = enquiring.form(strict)
            clock.shift(3.5)
            answer = strict.post("/v1/enquiries", json=body)
        row = enquiring.row(strict, answer.json()["reference"])
        assert row is not None
        assert row.state is State.RECEIVED

    def test_a_form_that_was_open_for_too_long(self, client: TestClient) -> None:
        with time_machine.travel(now(), tick=False) as clock:
            body = enquiring.form(client)
            clock.shift(timedelta(hours=24, seconds=1))
            answer = client.post("/v1/enquiries", json=body)
        problem(answer, 422, "invalid")
        error = answer.json()["errors"][0]
        assert (error["pointer"], error["code"]) == ("#/form_token", "token_expired")
        assert "/v1/enquiries/challenge" in error["detail"]


class TestRefusals:
    """What is refused says what to change, and never repeats what was sent."""

    @pytest.mark.parametrize(
        ("member", "value", "word"),
        [
            ("message", "My number is QQ 12 34 56 C, no: AB 12 34 56 C.", "National Insurance"),
            ("message", "ab123456d", "National Insurance"),
            ("name", "AB123456C", "National Insurance"),
            ("message", "Pay with 4111 1111 1111 1111 please", "payment card"),
            ("message", "5500-0000-0000-0004", "payment card"),
            ("message", "My daughter Emily Carter, born 12/03/2019, dances.", "age band"),
            ("message", "Child: Emily\nDOB: 2019-03-12", "age band"),
            ("message", "Our pupil Emily Carter (12 March 2019) plays the horn.", "age band"),
            ("message", "His date of birth is 3rd of May 2018", "age band"),
            ("message", "I am 11 years old and want to dance", "under 13"),
            ("message", "hi i'm 9.", "under 13"),
            ("message", "data:image/png;base64,iVBORw0KGgo", "Files"),
            ("message", "bell \x07", "control characters"),
            ("message", " \n ", "Write something"),
            ("message", "x" * 5_001, "5000"),
            ("name", "Eve\r\nBcc: all@example.org", "one line"),
            ("email", "eve@example.org\r\nBcc: all@example.org", "one line"),
            ("email", "eve", "e-mail address"),
            ("email", "two@at@signs.example", "e-mail address"),
            ("email", "eve@example.org, mallory@example.org", "e-mail address"),
            ("phone", "12", "telephone"),
            ("postcode", "marimba", "postcode"),
            ("role", "child", "young_person_13_plus"),
            ("age_band", "7", "0-4"),
            ("attachments", ["x"], "no such name"),
            ("birth_date", "2019-03-12", "no such name"),
            ("form_token", None, "string"),
        ],
    )
    def test_each(self, shared_client: TestClient, member: str, value: object, word: str) -> None:
        body = enquiring.form(shared_client, **{member: value})
        answer = shared_client.post("/v1/enquiries", json=body)
        problem(answer, 422, "invalid")
        errors = answer.json()["errors"]
        assert f"#/{member}" in {error["pointer"] for error in errors}
        assert word in answer.text
        for personal in (
            *enquiring.PERSONAL,
            "Emily",
            "AB 12",
            "ab123456d",
            "4111",
            "Bcc",
            "eve@",
            "Eve",
        ):
            assert personal not in answer.text

    def test_a_child_whose_name_stands_in_the_field_above(self, shared_client: TestClient) -> None:
        body = enquiring.form(shared_client, message="Born 12/03/2019. Wants to dance.")
        problem(shared_client.post("/v1/enquiries", json=body), 422, "invalid")

    def test_without_consent_to_be_contacted(self, shared_client: TestClient) -> None:
        body = enquiring.form(shared_client, consents={"contact": False})
        answer = shared_client.post("/v1/enquiries", json=body)
        problem(answer, 422, "invalid")
        assert answer.json()["errors"][0]["pointer"] == "#/consents/contact"

    def test_what_is_missing(self, shared_client: TestClient) -> None:
        answer = shared_client.post("/v1/enquiries", json={"kind": "other"})
        problem(answer, 422, "invalid")
        pointers = {error["pointer"] for error in answer.json()["errors"]}
        assert {"#/name", "#/email", "#/message", "#/consents", "#/form_token"} <= pointers

    def test_a_file(self, shared_client: TestClient) -> None:
        files = {"file": ("a.pdf", b"%PDF", "application/pdf")}
        answer = shared_client.post("/v1/enquiries", files=files)
        problem(answer, 415, "unsupported_media_type")

    @pytest.mark.parametrize(
        "text",
        [
            "We met on 12 March 2019 in Stratford, and your festival was a joy.",
            "I was born in 1985 and teach music. Ring 0121 496 0123 or +44 7700 900123.",
            "Our charity is 1234567, our order number 1234 5678 9012 3456.",
            "I am 12 miles away, and we are 30 children aged 5-11.",
            "Born teachers are rare. We perform on 3 July 2027.",
            "Can 8 pupils come at 10.30 on 12/06/2027?",
            "I founded it, date of birth of our choir: 3 May 1999!",
            "1 <3 dancing & 5 > 3",
        ],
    )
    def test_what_is_fine(self, text: str) -> None:
        assert advice(text) is None

    def test_tags_and_turned_writing_are_taken_out(self, client: TestClient) -> None:
        row = enquiring.sent(
            client,
            name="Ann \u202eevil",
            message="I <3 dance<x onload=a()><SCRIPT>alert(1)</SCRIPT > and <<b>i>music</b>\u202e!"
            "\u2066\r\n"
            "Yes <!-- x --></DIV> <sam@example.org>",
        )
        assert row.name == "Ann evil"
        assert row.message == "I <3 dance and music!\nYes  <sam@example.org>"

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("Sam@EXAMPLE.org", "Sam@example.org"),
            ("o'neil+lcep@example.org", "o'neil+lcep@example.org"),
            ("jürgen@exämple.org", "jürgen@exämple.org"),
        ],
    )
    def test_addresses_that_are_unusual_and_right(
        self, shared_client: TestClient, given: str, kept: str
    ) -> None:
        assert enquiring.sent(shared_client, email=given).email == kept

    @pytest.mark.parametrize(
        "email", ['"quoted part"@example.org', "comment(x)@example.org", "Sam <sam@example.org>"]
    )
    def test_addresses_that_the_library_refuses(
        self, shared_client: TestClient, email: str
    ) -> None:
        body = enquiring.form(shared_client, email=email)
        problem(shared_client.post("/v1/enquiries", json=body), 422, "invalid")


class TestLimits:
    def test_a_flood_from_one_address(self, strict: TestClient) -> None:
        """A thousand in a minute are refused; a person at another address gets through."""
        flooder = from_address(strict, "198.51.100.7")
        with time_machine.travel(now(), tick=False) as clock:
            body = enquiring.form(strict)
            clock.shift(4)
            codes = []
            for number in range(1_000):
                body["email"] = f"robot{number}@example.org"
                codes.append(flooder.post("/v1/enquiries", json=body).status_code)
                if number == 500:
                    person = from_address(strict, "198.51.100.8")
                    answer = person.post("/v1/enquiries", json={**body, "email": enquiring.EMAIL})
                    assert answer.status_code == 202
            assert codes == [202] * 5 + [429] * 995
            refused = flooder.post("/v1/enquiries", json=body)
            problem(refused, 429, "too_many_requests")
            assert 0 < int(refused.headers["retry-after"]) <= 600
            clock.shift(600)
            assert flooder.post("/v1/enquiries", json=body).status_code == 202

    def test_a_retry_of_what_was_taken_is_not_refused(self, strict: TestClient) -> None:
        """Else it would hear that nothing was stored, when it was."""
        with time_machine.travel(now(), tick=False) as clock:
            body = enquiring.form(strict)
            clock.shift(4)
            headers = {"Idempotency-Key": "once"}
            first = strict.post("/v1/enquiries", json=body, headers=headers)
            for number in range(4):
                more = {**body, "email": f"colleague{number}@example.org"}
                assert strict.post("/v1/enquiries", json=more).status_code == 202
            again = strict.post("/v1/enquiries", json=body, headers=headers)
            assert (again.status_code, again.json()) == (202, first.json())
            other = strict.post("/v1/enquiries", json=body, headers={"Idempotency-Key": "twice"})
            problem(other, 429, "too_many_requests")

    def test_they_hold_across_processes(self, strict: TestClient, database_url: str) -> None:
        for _ in range(3):
            enquiring.sent(strict, email=enquiring.EMAIL)
        with serving(database_url, enquiries_per_address=5, enquiries_per_email=3) as other:
            body = enquiring.form(other, email=enquiring.EMAIL.upper())
            answer = other.post("/v1/enquiries", json=body)
            problem(answer, 429, "too_many_requests")
            assert enquiring.EMAIL.casefold() not in answer.text.casefold()
            assert enquiring.sent(other, email="other@example.org").reference
            assert enquiring.sent(other, email="more@example.org").reference
            body = enquiring.form(other, email="last@example.org")
            problem(other.post("/v1/enquiries", json=body), 429, "too_many_requests")

    def test_many_at_the_same_moment(self, strict: TestClient) -> None:
        with time_machine.travel(now(), tick=False) as clock:
            bodies = [enquiring.form(strict, email=f"s{n}@example.org") for n in range(12)]
            clock.shift(4)
            with ThreadPoolExecutor(12) as senders:
                answers = list(
                    senders.map(lambda body: strict.post("/v1/enquiries", json=body), bodies)
                )
        codes = Counter(answer.status_code for answer in answers)
        assert codes == {202: 5, 429: 7}

    def test_in_all(self, database_url: str) -> None:
        with serving(database_url, enquiries_in_all=2) as client:
            enquiring.sent(client)
            enquiring.sent(client)
            answer = client.post("/v1/enquiries", json=enquiring.form(client))
            problem(answer, 429, "too_many_requests")
            assert int(answer.headers["retry-after"]) > 3_000

    def test_a_clock_that_went_wrong_locks_nobody_out(self, database_url: str) -> None:
        with serving(database_url, enquiries_in_all=1, enquiry_form_seconds=3) as client:
            with time_machine.travel(now() + timedelta(days=400), tick=False) as clock:
                form = enquiring.form(client)
                clock.shift(5)
                assert client.post("/v1/enquiries", json=form).status_code == 202
            # Put right, it lies before the token, and far before the end of that window.
            answer = client.post("/v1/enquiries", json=form)
            assert answer.status_code == 202, answer.text
            row = enquiring.row(client, answer.json()["reference"])
            assert row is not None
            assert row.spam_reasons == []
            problem(client.post("/v1/enquiries", json=form), 429, "too_many_requests")

    def test_one_ipv6_network_is_one_address(self, strict: TestClient) -> None:
        body = enquiring.form(strict)
        for number in range(6):
            client = from_address(strict, f"2001:db8:1:2::{number + 1}")
            body["email"] = f"s{number}@example.org"
            code = client.post("/v1/enquiries", json=body).status_code
            assert code == (202 if number < 5 else 429)

    def test_only_keyed_digests_are_kept(self, strict: TestClient) -> None:
        client = from_address(strict, "198.51.100.7")
        client.post("/v1/enquiries", json=enquiring.form(strict))
        assert "198.51.100.7" not in enquiring.everything_stored(strict)
        with build.database_of(strict).reading() as session:
            rows = session.exec(select(EnquiryAllowance)).all()
        assert {len(row.digest) for row in rows} == {64}
        assert len(rows) == 3


class TestSilence:
    def test_nothing_is_told_to_logs_metrics_feeds_or_search(
        self, database_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with serving(database_url, metrics=True) as client:
            keys = build.Keys(build.database_of(client))
            row = enquiring.sent(client)
            client.post("/v1/enquiries", json=enquiring.form(client, kind="nonsense"))
            client.post("/v1/enquiries", json=enquiring.form(client, about={"programme": "x"}))
            client.get(f"/v1/enquiries/{row.id}", headers=keys.staff)
            client.get(f"/v1/enquiries?q={enquiring.EMAIL}", headers=keys.staff)
            public = [
                client.get(path).text
                for path in (
                    "/metrics",
                    "/v1/opportunities?q=marimba",
                    "/v1/opportunities/suggest?q=marimba",
                    "/v1/opportunities/changes?after=0",
                    "/v1/partnerships/coventry",
                    "/v1/organisations?q=Quillfeather",
                )
            ]
        shown = JSONFormatter()
        # The test's own client, which is no part of the service, logs whole addresses.
        lines = "\n".join(
            shown.format(record) for record in caplog.records if record.name != "httpx2"
        )
        assert "/v1/enquiries" in lines
        # What was asked for stands in the address that leads to the next page, and nowhere else.
        for personal in enquiring.PERSONAL:
            assert personal not in lines
            for text in public:
                assert personal not in text.replace("q=marimba", "").replace('"marimba"', "")
