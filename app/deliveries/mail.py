"""Mail: rendered from a template and put in the outbox, in the caller's transaction.

A mail is rendered when it is queued, not when it is sent: what a template lacks fails in the
transaction that caused it, where a test sees it, and a mail that waits through an upgrade says
what it said. Its row is then all that sending needs.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from sqlmodel import Session

from app.deliveries.actions import announce
from app.deliveries.models import Delivery
from app.kit.text import email_address, envelope_address, one_line
from app.kit.times import now

TOPIC = "mail"
TEMPLATES = Path(__file__).parent / "templates"
"""`<template>.txt` with a block `subject` and a block `body`, and `<template>.html`."""

SUBJECT_LENGTH = 200
MOST_REFERENCES = 20

PLACEHOLDER = "domain.invalid"
"""Stands for our domain in a Message-ID until it is sent: a row knows no settings."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,120}@[A-Za-z0-9.-]{1,250}>")
_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNWANTED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
"""Control characters, and those that turn the direction of writing round."""


def queue_mail(
    session: Session,
    *,
    template: str,
    to: str,
    values: Mapping[str, Any],
    about: UUID | None = None,
    reply_to: str | None = None,
    message_id: str | None = None,
    in_reply_to: str | None = None,
    references: Sequence[str] = (),
    after: timedelta | None = None,
    automatic: bool = True,
) -> Delivery:
    """Put a mail in the outbox under the topic `mail.<template>`; it is sent once that commits.

    Mails about one thing to one address are sent in the order in which they were queued; one
    that is put off with `after` has no place in that order. `message_id` is the delivery's own
    unless given, and the same however often it is sent. `automatic` is false for what a person
    wrote to a person.

    ValueError for what is no address, no Message-ID, or a subject of several lines; jinja2's
    UndefinedError for a value that the template needs and does not get.
    """
    if not _NAME.fullmatch(template):
        raise ValueError("A template has a plain name.")
    address = email_address(to)
    answers = envelope_address(email_address(reply_to)) if reply_to else None
    if answers and not answers.isascii():
        raise ValueError("Answers go to an address that every mail server takes.")
    thread = [in_reply_to] if in_reply_to else []
    for given in (message_id, *thread, *references):
        if given is not None and not _MESSAGE_ID.fullmatch(given):
            raise ValueError("A Message-ID looks like <something@domain>.")
    delivery = announce(
        session,
        f"{TOPIC}.{template}",
        {
            **rendered(template, values),
            "date": (now() + (after or timedelta())).isoformat(),
            "reply_to": answers,
            "message_id": message_id,
            "in_reply_to": in_reply_to,
            "references": list(references or thread)[-MOST_REFERENCES:],
            "automatic": automatic,
        },
        recipient=address,
        after=after,
        about=about,
        sequence_key=_sequence(about, address) if about and not after else None,
    )
    if message_id is None:
        delivery.payload = {**delivery.payload, "message_id": message_id_for(delivery.id)}
    return delivery


def message_id_for(id: UUID | str) -> str:
    """The Message-ID that stands for an id of ours, always the same.

    The sender puts the domain of the settings in the place of `domain.invalid`.
    """
    return f"<{id.hex if isinstance(id, UUID) else id}@{PLACEHOLDER}>"


def rendered(template: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The subject, the text and the HTML of a mail."""
    plain = _environment().get_template(f"{template}.txt")
    context = dict(values)
    return {
        "subject": _subject(plain, context),
        "text": _clean(plain.render(context)),
        "html": _clean(_environment().get_template(f"{template}.html").render(context)),
    }


def _subject(template: Template, values: Mapping[str, Any]) -> str:
    block = template.blocks["subject"]
    subject = "".join(block(template.new_context(dict(values)))).strip()
    if _BREAKS.search(subject):
        raise ValueError("The subject of a mail is one line.")
    subject = one_line(subject)
    if not subject:
        raise ValueError("A mail has a subject.")
    return subject if len(subject) <= SUBJECT_LENGTH else subject[: SUBJECT_LENGTH - 1] + "…"


def _clean(text: str) -> str:
    text.encode()  # a lone surrogate is refused now, and not by the mail server
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip() + "\n"


def _sequence(about: UUID, address: str) -> str:
    return hashlib.sha256(f"{about.hex} {address.casefold()}".encode()).hexdigest()[:40]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
