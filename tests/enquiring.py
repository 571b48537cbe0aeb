"""Factories for enquiries: a form that can be sent, what became of it, and the mails about it."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.deliveries.models import Delivery
from app.enquiries.models import Enquiry
from tests import build

NAME = "Philippa Wetherby-Oakes"
EMAIL = "philippa.oakes@example.org"
PHONE = "0121 496 0987"
SCHOOL = "Quillfeather Primary"
POSTCODE = "CV1 5FB"
MESSAGE = "We would dearly love a marimba for our after-school orchestra."
PERSONAL = (NAME, EMAIL, "496 0987", SCHOOL, "CV1 5FB", "CV15FB", "marimba")
"""What must be found nowhere but where it is meant to be."""


def form(client: TestClient, **more: Any) -> dict[str, Any]:
    """A form as a person fills it in, with a token of its own."""
    challenge = client.get("/v1/enquiries/challenge")
    assert challenge.status_code == 200, challenge.text
    return {
        "kind": "school_support",
        "postcode": POSTCODE,
        "name": NAME,
        "email": EMAIL,
        "phone": PHONE,
        "organisation": SCHOOL,
        "role": "teacher",
        "message": MESSAGE,
        "age_band": "5-10",
        "consents": {"contact": True, "share_with_provider": True},
        "privacy_notice_version": "2026-11",
        "form_token": challenge.json()["form_token"],
        **more,
    }


def sent(client: TestClient, **more: Any) -> Enquiry:
    """Send an enquiry; the row that it became."""
    answer = client.post("/v1/enquiries", json=form(client, **more))
    assert answer.status_code == 202, answer.text
    found = row(client, answer.json()["reference"])
    assert found is not None
    return found


def row(client: TestClient, reference: str) -> Enquiry | None:
    """The row of an enquiry as it is now."""
    with build.database_of(client).reading() as session:
        statement = select(Enquiry).where(Enquiry.reference == reference)
        return session.exec(statement).one_or_none()


def mails(client: TestClient, template: str = "") -> list[Delivery]:
    """The mails in the outbox, the first first, of one template or of all."""
    with build.database_of(client).reading() as session:
        statement = select(Delivery).where(col(Delivery.topic).startswith(f"mail.{template}"))
        return list(session.exec(statement.order_by(col(Delivery.pk))))


def link_of(mail: Delivery) -> build.Headers:
    """Headers with the token of the link in a mail."""
    found = re.search(r"\S+/my-enquiry#(enq_\S+)", mail.payload["text"])
    assert found, mail.payload["text"]
    return {"Authorization": f"Bearer {found[1]}"}


def step(
    client: TestClient,
    enquiry: Enquiry,
    action: str,
    headers: build.Headers,
    body: Mapping[str, Any] | None = None,
    if_match: str = "*",
) -> Any:
    """Take a step with an enquiry."""
    return client.post(
        f"/v1/enquiries/{enquiry.id}/{action}",
        json=body,
        headers={**headers, "If-Match": if_match},
    )


def everything_stored(client: TestClient) -> str:
    """Every value of every table, as text."""
    with build.database_of(client).reading(60) as session:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            names = "SELECT name FROM sqlite_master WHERE type = 'table'"
        else:
            names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        tables = connection.execute(text(names)).scalars().all()
        skipped = ("postcode", "boundary", "opportunity_words")
        return "\n".join(
            str(connection.execute(text(f'SELECT * FROM "{name}"')).all())
            for name in tables
            if not name.startswith(skipped)
        )
