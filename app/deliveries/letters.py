"""Letters: what a mail in the outbox looks like on the way, and on the console."""

import sys
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TextIO

from app.deliveries.mail import PLACEHOLDER
from app.deliveries.models import Message
from app.kit.text import envelope_address

# Everything in seven bits: not every server on the way takes more.
POLICY = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class Letterhead:
    """Who sends our mail: the address, the name shown, where answers go, and our domain."""

    address: str
    name: str
    reply_to: str
    domain: str


def letter(message: Message, head: Letterhead) -> bytes:
    """The whole mail, the same to the last byte however often it is sent."""
    mail = message.payload
    recipient = envelope_address(message.recipient)
    made = EmailMessage(policy=POLICY.clone(utf8=not recipient.isascii()))
    made["From"] = Address(head.name, addr_spec=head.address)
    made["To"] = recipient
    reply_to = mail["reply_to"] or head.reply_to
    if reply_to:
        made["Reply-To"] = Address(addr_spec=reply_to)
    made["Subject"] = mail["subject"]
    made["Date"] = format_datetime(datetime.fromisoformat(mail["date"]))
    if mail["automatic"]:
        made["Auto-Submitted"] = "auto-generated"
    made.set_content(mail["text"])
    made.add_alternative(mail["html"], subtype="html")
    made.set_boundary(f"={message.id.hex}=")
    return _thread(message, head.domain) + made.as_bytes()


def _thread(message: Message, domain: str) -> bytes:
    """Message-ID, In-Reply-To and References, written out here.

    The library would encode an identifier that is longer than a line, and break the thread. What
    is written was checked when the mail was queued.
    """
    mail = message.payload
    named = {
        "Message-ID": [mail["message_id"]],
        "In-Reply-To": [mail["in_reply_to"]] if mail["in_reply_to"] else [],
        "References": mail["references"],
    }
    lines = [f"{name}: " + "\r\n ".join(ids) + "\r\n" for name, ids in named.items() if ids]
    return "".join(lines).replace(f"@{PLACEHOLDER}>", f"@{domain}>").encode("ascii")


class ConsoleMail:
    """Shows whole mails to whoever runs the service, for development: they hold personal data."""

    def __init__(self, head: Letterhead, stream: TextIO | None = None) -> None:
        self._head = head
        self._stream = stream

    def __call__(self, message: Message) -> None:
        """Write the mail as a person would read it."""
        mail = message.payload
        shown = (
            f"From: {self._head.name} <{self._head.address}>\n"
            f"To: {message.recipient}\n"
            f"Subject: {mail['subject']}\n\n{mail['text']}"
        )
        stream = self._stream or sys.stderr
        stream.write(f"{'-' * 72}\n{shown}{'-' * 72}\n")
        stream.flush()
