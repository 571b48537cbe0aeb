"""An enquiry from the form to the last byte, with a mail server on loopback and a moving clock."""

import re
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import time_machine
from starlette.testclient import TestClient

from app.deliveries.worker import Job, Worker
from app.enquiries.keeping_time import keep_time
from app.enquiries.retention import purge
from app.main import enquiry_rules
from tests import build, enquiring
from tests.enquiring import step
from tests.post_office import PostOffice, sender

START = datetime(2027, 3, 1, 10, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def worker(client: TestClient, office: PostOffice) -> Worker:
    """The worker as the command line makes it, as far as enquiries are concerned."""
    rules = enquiry_rules(build.settings("sqlite://"))
    jobs = [
        Job("enquiries", MINUTE, partial(keep_time, rules=rules)),
        Job("purge_enquiries", DAY, purge),
    ]
    return Worker(build.database_of(client), {"mail": sender(office)}, jobs)


def test_the_whole_journey(client: TestClient, database_url: str) -> None:
    with PostOffice().open() as office, time_machine.travel(START, tick=False) as clock:
        keys = build.Keys(build.database_of(client))
        staff = keys.staff
        headers = {**staff, "If-Match": "*"}
        contact = {"contact_email": "hello@coventry.example"}
        client.patch("/v1/partnerships/coventry", json=contact, headers=headers)
        postman = worker(client, office)

        enquiry = enquiring.sent(client)
        postman.tick()
        confirmation, notification = office.posted
        assert confirmation.recipient == enquiring.EMAIL
        assert confirmation.mail["Reply-To"] == "hello@coventry.example"
        assert confirmation.mail["Auto-Submitted"] == "auto-generated"
        assert notification.recipient == "hello@coventry.example"
        for personal in enquiring.PERSONAL:
            assert personal.encode() not in notification.raw

        step(client, enquiry, "reply", staff, {"message": "Which <size> of marimba?"})
        postman.tick()
        reply = office.posted[-1]
        assert reply.recipient == enquiring.EMAIL
        assert reply.mail["In-Reply-To"] == confirmation.id
        assert reply.mail["References"] == confirmation.id
        assert reply.mail["Auto-Submitted"] is None
        assert "Which <size> of marimba?" in reply.part("plain")
        assert "Which &lt;size&gt; of marimba?" in reply.part("html")

        token = re.search(r"/my-enquiry#(enq_\S+)", reply.part("plain"))
        assert token
        link = {"Authorization": f"Bearer {token[1]}"}
        seen = client.get("/v1/my-enquiry", headers=link).json()
        assert seen["messages"][-1]["text"] == "Which <size> of marimba?"
        body = {"message": "The large one."}
        assert client.post("/v1/my-enquiry/messages", json=body, headers=link).status_code == 200

        before = len(office.posted)
        clock.move_to(START + timedelta(days=7))
        postman.tick()  # the message is told, and a reminder is queued
        clock.shift(MINUTE)
        postman.tick()
        clock.move_to(START + timedelta(days=14))
        postman.tick()
        clock.shift(MINUTE)
        postman.tick()
        told = [(posted.recipient, str(posted.mail["Subject"])) for posted in office.posted]
        assert [subject.partition(":")[0] for _, subject in told[before:]] == [
            f"Enquiry {enquiry.reference}",
            "Reminder",
            "Overdue",
        ]
        assert told[-1][0] == "region@example.org"

        step(client, enquiry, "close", staff, {"outcome": "helped"})
        clock.move_to(START + timedelta(days=110))
        postman.tick()
        clock.shift(MINUTE)
        postman.tick()
        assert enquiring.row(client, enquiry.reference) is None
        stored = enquiring.everything_stored(client)
        for personal in enquiring.PERSONAL:
            assert personal not in stored, personal
    if database_url.startswith("sqlite"):
        path = Path(database_url.removeprefix("sqlite:///"))
        data = b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))
        for personal in (enquiring.NAME, enquiring.EMAIL, "496 0987", "marimba", "The large one."):
            assert personal.encode() not in data, personal


def test_the_form_does_not_wait_for_the_mail_server(client: TestClient) -> None:
    with PostOffice(silence=30).open():
        before = time.monotonic()
        enquiring.sent(client)
        assert time.monotonic() - before < 15  # the mail waits in the outbox
    assert len(enquiring.mails(client)) == 2
    assert {mail.delivered_at for mail in enquiring.mails(client)} == {None}
