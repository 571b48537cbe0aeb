"""Forgetting: by age, on request, from the files too; what law holds stays; numbers remain."""

import json
import logging
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from os import environ
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pydantic import ValidationError
from sqlmodel import select
from starlette.testclient import TestClient

from app.access.models import AuditEvent
from app.enquiries.models import Enquiry, EnquiryAllowance, EnquiryEntry, EnquiryTally
from app.enquiries.retention import purge
from app.kit.database import SQLITE_BUSY_SECONDS
from app.kit.observe import JSONFormatter
from app.kit.times import now, today
from app.main import open_database
from tests import build, enquiring
from tests.conftest import serving
from tests.enquiring import step
from tests.test_service import problem

DAY = timedelta(days=1)


def closed(client: TestClient, headers: build.Headers, **more: Any) -> Enquiry:
    """An enquiry with a whole conversation, that has ended."""
    enquiry = enquiring.sent(client, **more)
    link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[-1])
    step(client, enquiry, "note", headers, {"note": f"{enquiring.NAME} rang about the marimba."})
    text = f"Dear {enquiring.NAME}, the marimba is yours."
    keyed = {**headers, "Idempotency-Key": f"reply-to-{enquiry.reference}"}
    step(client, enquiry, "reply", keyed, {"message": text})
    again = {**link, "Idempotency-Key": f"thanks-for-{enquiry.reference}"}
    body = {"message": f"Thanks! {enquiring.PHONE}"}
    added = client.post("/v1/my-enquiry/messages", json=body, headers=again)
    assert added.status_code == 200, added.text
    answer = step(client, enquiry, "close", headers, {"outcome": "helped"})
    assert answer.status_code == 200, answer.text
    found = enquiring.row(client, enquiry.reference)
    assert found is not None
    return found


class TestRetainUntil:
    def test_it_follows_the_state(self, client: TestClient, keys: build.Keys) -> None:
        start = datetime(2027, 1, 10, 9, tzinfo=UTC)
        with time_machine.travel(start, tick=False) as clock:
            staff = keys.staff
            enquiry = enquiring.sent(client)
            assert enquiry.retain_until == date(2028, 1, 10)
            clock.shift(10 * DAY)
            ended = step(client, enquiry, "close", staff, {"outcome": "helped"}).json()
            assert ended["retain_until"] == "2027-04-20"
            again = step(client, enquiry, "reopen", staff).json()
            assert again["retain_until"] == "2028-01-10"
            clock.move_to(datetime(2027, 12, 20, 9, tzinfo=UTC))
            late = step(client, enquiry, "close", staff, {"outcome": "helped"}).json()
            assert late["retain_until"] == "2028-01-10"  # at most a year after it came

    def test_purposes_are_a_table_in_the_settings(self, database_url: str) -> None:
        table = {"longest": 100, "press": 3, "default": 20}
        with serving(database_url, enquiry_retention=table) as client:
            staff = build.Keys(build.database_of(client)).staff
            press = enquiring.sent(client, kind="press")
            other = enquiring.sent(client)
            assert press.retain_until == today() + 100 * DAY
            for enquiry, days in ((press, 3), (other, 20)):
                ended = step(client, enquiry, "close", staff, {"outcome": "helped"}).json()
                assert ended["retain_until"] == (today() + days * DAY).isoformat()

    def test_a_table_with_an_unknown_purpose_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            build.settings("sqlite://", enquiry_retention={"defualt": 20})


class TestPurge:
    def test_by_age_whatever_the_state(self, client: TestClient, keys: build.Keys) -> None:
        database = build.database_of(client)
        old = enquiring.sent(client)
        assert purge(database) == 0
        with time_machine.travel(now() + 364 * DAY):
            assert purge(database) == 0
            young = enquiring.sent(client)
        with time_machine.travel(now() + 366 * DAY):
            assert purge(database) == 1
        assert enquiring.row(client, old.reference) is None
        assert enquiring.row(client, young.reference) is not None
        problem(client.get(f"/v1/enquiries/{old.id}", headers=keys.staff), 404, "not_found")

    def test_nothing_of_the_person_stays(self, client: TestClient, keys: build.Keys) -> None:
        with time_machine.travel(now(), tick=False) as clock:
            staff = keys.staff
            enquiry = closed(client, staff)
            link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])
            before = enquiring.everything_stored(client)
            for personal in enquiring.PERSONAL:
                if personal != "CV1 5FB":
                    assert personal in before, personal
            clock.shift(91 * DAY)
            assert purge(build.database_of(client)) == 1
        after = enquiring.everything_stored(client)
        for personal in enquiring.PERSONAL:
            assert personal not in after, personal
        assert enquiring.mails(client) == []
        with build.database_of(client).reading() as session:
            assert session.exec(select(EnquiryEntry)).all() == []
            assert session.exec(select(EnquiryAllowance)).all() == []
            events = session.exec(
                select(AuditEvent).where(AuditEvent.action == "enquiry.purge")
            ).all()
        assert [event.subject_id for event in events] == [str(enquiry.id)]
        gone = client.get("/v1/my-enquiry", headers=link)
        problem(gone, 404, "not_found")

    def test_numbers_remain(self, client: TestClient, keys: build.Keys) -> None:
        staff, coventry = keys.staff, keys.coordinator("coventry")
        with time_machine.travel(datetime(2027, 2, 28, 12, tzinfo=UTC)):
            for _ in range(2):
                enquiring.sent(client)
            enquiring.sent(client, kind="press", postcode=None)
            enquiring.sent(client, leave_empty="spam")
            double = enquiring.sent(client)
            first = enquiring.sent(client)
            step(client, double, "merge", staff, {"into": first.reference})
            counted = client.get("/v1/enquiries/counts", headers=staff).json()["months"]
        with time_machine.travel(datetime(2028, 3, 1, 12, tzinfo=UTC)):
            assert purge(build.database_of(client)) == 6
        after = client.get("/v1/enquiries/counts", headers=staff).json()
        assert after["months"] == counted
        assert {(item["month"], item["kind"], item["count"]) for item in counted} == {
            ("2027-02-01", "school_support", 3),
            ("2027-02-01", "press", 1),
        }
        assert sum(after["states"].values()) == 0
        own = client.get("/v1/enquiries/counts", headers=coventry).json()["months"]
        assert [item["count"] for item in own] == [3]
        with build.database_of(client).reading() as session:
            assert len(session.exec(select(EnquiryTally)).all()) == 2

    def test_in_parts(self, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.enquiries.retention.AT_ONCE", 2)
        for _ in range(5):
            enquiring.sent(client)
        with time_machine.travel(now() + 366 * DAY):
            assert purge(build.database_of(client)) == 5
            assert purge(build.database_of(client)) == 0


class TestHold:
    def test_what_law_holds_is_kept(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = enquiring.sent(client)
        body = {"hold": True, "reason": "A complaint is being looked into."}
        held = step(client, enquiry, "hold", keys.admin, body)
        assert held.json()["legal_hold"] is True
        database = build.database_of(client)
        with time_machine.travel(now() + 400 * DAY):
            assert purge(database) == 0
        refused = client.post(f"/v1/enquiries/{enquiry.id}/erase", headers=keys.admin)
        problem(refused, 409, "conflict")
        found = client.get(f"/v1/enquiries/{enquiry.id}", headers=keys.staff).json()
        assert found["hold_reason"] == body["reason"]
        step(client, enquiry, "hold", keys.admin, {"hold": False, "reason": "It is over."})
        with time_machine.travel(now() + 400 * DAY):
            assert purge(database) == 1


class TestErase:
    def test_at_once(self, client: TestClient, keys: build.Keys) -> None:
        admin = keys.admin
        enquiry = closed(client, keys.staff)
        double = enquiring.sent(client)
        first = enquiring.sent(client)
        step(client, double, "merge", keys.staff, {"into": first.reference})
        for one in (enquiry, first):
            answer = client.post(f"/v1/enquiries/{one.id}/erase", headers=admin)
            assert (answer.status_code, answer.content) == (204, b"")
        stored = enquiring.everything_stored(client)
        for personal in enquiring.PERSONAL:
            assert personal not in stored, personal
        again = client.post(f"/v1/enquiries/{enquiry.id}/erase", headers=admin)
        problem(again, 404, "not_found")
        with build.database_of(client).reading() as session:
            events = session.exec(
                select(AuditEvent).where(AuditEvent.action == "enquiry.erase")
            ).all()
        assert {event.role for event in events} == {"admin"}
        assert {event.subject_id for event in events} == {
            str(one.id) for one in (enquiry, first, double)
        }


class TestSubjectAccess:
    def test_who_may(self, client: TestClient, keys: build.Keys) -> None:
        body = {"email": enquiring.EMAIL}
        path = "/v1/enquiries/subject-access"
        problem(client.post(path, json=body), 401, "unauthenticated")
        problem(client.post(path, json=body, headers=keys.staff), 403, "forbidden")
        problem(client.post(path, json={"email": "x"}, headers=keys.admin), 422, "invalid")

    def test_all_that_is_kept(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = closed(client, keys.staff, email=enquiring.EMAIL.title())
        spam = enquiring.sent(client, leave_empty="x")
        enquiring.sent(client, email="other@example.org", name="Somebody Else")
        answer = client.post(
            "/v1/enquiries/subject-access",
            json={"email": enquiring.EMAIL.upper()},
            headers={**keys.admin, "Idempotency-Key": "must not be kept"},
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "private, no-store"
        found = answer.json()["enquiries"]
        assert [item["reference"] for item in found] == [enquiry.reference, spam.reference]
        kinds = {entry["kind"] for entry in found[0]["entries"]}
        assert kinds == {"message", "reply", "note", "event"}
        assert "Somebody Else" not in answer.text
        with build.database_of(client).reading() as session:
            events = session.exec(select(AuditEvent)).all()
        actions = [event.action for event in events]
        assert actions.count("enquiry.subject_access") == 1
        assert actions.count("enquiry.read") == 2
        assert enquiring.EMAIL not in str([e.model_dump() for e in events]).lower()

    def test_letters_beyond_ascii_in_any_case(self, client: TestClient, keys: build.Keys) -> None:
        enquiry = enquiring.sent(client, email="\u00c9milie@example.org")
        enquiring.sent(client, email="emilie@example.org")
        body = {"email": "\u00e9milie@example.org"}
        path = "/v1/enquiries/subject-access"
        found = client.post(path, json=body, headers=keys.admin).json()["enquiries"]
        assert [item["reference"] for item in found] == [enquiry.reference]


@pytest.fixture
def sqlite_file(request: pytest.FixtureRequest, database_url: str) -> Path:
    """The file of a database on SQLite."""
    return Path(database_url.removeprefix("sqlite:///"))


def files_of(path: Path) -> bytes:
    return b"".join(found.read_bytes() for found in sorted(path.parent.glob(f"{path.name}*")))


class TestBytes:
    """On SQLite what was deleted is gone from the file and from its write-ahead log."""

    @pytest.fixture(params=["purge", "erase"])
    def way(self, request: pytest.FixtureRequest) -> str:
        found: str = request.param
        return found

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    def test_none_stay(
        self, database_url: str, sqlite_file: Path, way: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        marks = [text.encode() for text in enquiring.PERSONAL if text != "CV1 5FB"]
        with serving(database_url) as client:
            keys = build.Keys(build.database_of(client))
            enquiries = []
            for number in range(20):
                # Of many lengths, so that pages are split, filled and joined as time goes by.
                message = enquiring.MESSAGE + f" marimba {number}" * (number * 6)
                enquiries.append(closed(client, keys.staff, message=message))
            held = files_of(sqlite_file)
            for mark in marks:
                if mark != b"CV15FB":  # the region's postcodes are there in any case
                    assert mark in held, mark
            if way == "purge":
                with time_machine.travel(now() + 100 * DAY):
                    assert purge(build.database_of(client)) == 20
            else:
                for enquiry in enquiries:
                    answer = client.post(f"/v1/enquiries/{enquiry.id}/erase", headers=keys.admin)
                    assert answer.status_code == 204
            assert sqlite_file.with_name(sqlite_file.name + "-wal").stat().st_size == 0
            left = files_of(sqlite_file)
        for data in (left, files_of(sqlite_file)):
            for mark in marks:
                if mark != b"CV15FB":
                    assert mark not in data, mark
        shown = JSONFormatter()
        lines = "\n".join(shown.format(r) for r in caplog.records if r.name != "httpx2")
        for personal in enquiring.PERSONAL:
            assert personal not in lines

    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    def test_a_log_in_use_is_emptied_later_and_holds_nobody_up(
        self, database_url: str, sqlite_file: Path
    ) -> None:
        with serving(database_url) as client:
            admin = build.Keys(build.database_of(client)).admin
            enquiry = enquiring.sent(client)
            other = open_database(build.settings(database_url))
            with other.reading() as session:
                session.exec(select(Enquiry)).all()  # somebody reads for a long time
                began = time.monotonic()
                answer = client.post(f"/v1/enquiries/{enquiry.id}/erase", headers=admin)
                assert answer.status_code == 204
                # Until the log is given up, no other writer gets in: a form would wait as long.
                assert time.monotonic() - began < SQLITE_BUSY_SECONDS / 2
                enquiring.sent(client, email="another@example.org")
                assert enquiring.EMAIL.encode() in files_of(sqlite_file)
            assert other.empty_log()
            assert enquiring.EMAIL.encode() not in files_of(sqlite_file)
            other.close()


class TestCommand:
    def run(self, url: str, *words: str) -> Any:
        environment = {**environ, "LCEP_DATABASE_URL": url}
        run = subprocess.run(
            [sys.executable, "-m", "app", "purge", *words],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
            timeout=120,
        )
        return json.loads(run.stdout)

    def test_a_dry_run_says_what_would_go(self, database_url: str) -> None:
        with serving(database_url) as client:
            references = [self.aged(client), self.aged(client)]
            held = self.aged(client, legal_hold=True)
            enquiring.sent(client)
            found = self.run(database_url, "--dry-run")
            assert (found["dry_run"], found["enquiries"], found["held"]) == (True, 2, 1)
            assert sorted(found["references"]) == sorted(references)
            assert enquiring.row(client, references[0]) is not None
            done = self.run(database_url)
            assert (done["dry_run"], done["enquiries"]) == (False, 2)
            assert enquiring.row(client, references[0]) is None
            assert enquiring.row(client, held) is not None
            assert self.run(database_url)["enquiries"] == 0

    def aged(self, client: TestClient, **more: Any) -> str:
        """The reference of an enquiry whose time is over."""
        reference = enquiring.sent(client).reference
        with build.database_of(client).writing() as session:
            row = session.exec(select(Enquiry).where(Enquiry.reference == reference)).one()
            row.retain_until = today() - DAY
            row.sqlmodel_update(more)
            session.add(row)
        return reference
