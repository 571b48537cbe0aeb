"""A mail server on this machine, over real sockets, that can be told to misbehave."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from aiosmtpd.smtp import Session as Talk
from sqlmodel import Session, select

from app.deliveries.letters import Letterhead
from app.deliveries.mail import queue_mail
from app.deliveries.models import Delivery, Message
from app.deliveries.smtp import MailServer, SmtpSender
from app.deliveries.worker import Worker
from app.kit.database import Database

HOST = "127.0.0.1"
ADA = "ada@example.org"
HEAD = Letterhead("lcep@example.org", "The LCEP team", "", "lcep.example.org")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""Where the clock stands at first in tests of mail."""


class PowerCut(BaseException):
    """The process ends here: nothing that catches an Exception gets to see it."""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Posted:
    """A mail as it was handed in."""

    sender: str
    recipient: str
    raw: bytes
    encrypted: bool
    name: str
    """The name that the connection was signed in with, if any."""

    @property
    def mail(self) -> EmailMessage:
        """What it says."""
        found = message_from_bytes(self.raw, policy=policy.SMTP)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def id(self) -> str:
        """Its Message-ID."""
        return str(self.mail["Message-ID"])

    def part(self, kind: str) -> str:
        """Its text of this kind, `plain` or `html`."""
        found = self.mail.get_body(preferencelist=(kind,))
        assert found is not None
        return str(found.get_content())


@dataclass
class PostOffice:
    """What a mail server does with each mail; everything can be changed while it runs."""

    port: int = field(default_factory=free_port)
    refusals: dict[str, str] = field(default_factory=dict)
    """Answers to recipients, by their address."""
    verdict: str = "250 OK"
    """The answer to a mail that was handed in."""
    taken: Callable[[Posted], None] = lambda _: None
    """Called when a mail has been taken, before that is said."""
    silence: float = 0
    """Seconds before it says whether it took a mail."""
    drop: bool = False
    """Whether it takes mails and then hangs up without a word."""
    posted: list[Posted] = field(default_factory=list)
    connections: int = 0

    @property
    def subjects(self) -> list[str]:
        """The subjects of what was taken, in order."""
        return [str(posted.mail["Subject"]) for posted in self.posted]

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of what was taken, in order."""
        return [posted.id for posted in self.posted]

    @contextmanager
    def open(self, **options: Any) -> Iterator["PostOffice"]:
        """Listen for as long as the block takes."""
        options = {"enable_SMTPUTF8": False, **options}
        controller = _Quiet(_Counter(self), hostname=HOST, port=self.port, **options)
        controller.start()
        try:
            self.connections = 0  # starting makes one
            yield self
        finally:
            controller.stop()


class _Counter:
    """What the server calls. It looks at every attribute, so it is not the office itself."""

    def __init__(self, office: PostOffice) -> None:
        self._office = office

    async def handle_EHLO(  # noqa: N802 - the library's name
        self, server: SMTP, session: Talk, envelope: Envelope, name: str, answers: list[str]
    ) -> list[str]:
        """Count the connection."""
        self._office.connections += 1
        session.host_name = name
        return answers

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Talk, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        """Take a recipient, unless told otherwise."""
        if address in self._office.refusals:
            return self._office.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Talk, envelope: Envelope
    ) -> str:
        """Take a mail, and misbehave as told."""
        if not self._office.verdict.startswith("250"):
            return self._office.verdict
        assert isinstance(envelope.content, bytes)
        posted = Posted(
            sender=envelope.mail_from or "",
            recipient=envelope.rcpt_tos[0],
            raw=envelope.content,
            encrypted=_transport(server).get_extra_info("sslcontext") is not None,
            name=_name(session),
        )
        self._office.posted.append(posted)
        await asyncio.to_thread(self._office.taken, posted)
        if self._office.silence:
            await asyncio.sleep(self._office.silence)
        if self._office.drop:
            _transport(server).abort()
        return "250 OK"


def _name(session: Talk) -> str:
    given: Any = session.auth_data
    return given.login.decode() if given else ""


def _transport(server: SMTP) -> asyncio.Transport:
    found: Any = server.transport
    transport: asyncio.Transport = found
    return transport


class _Quiet(Controller):
    def factory(self) -> SMTP:
        """A server that does not ask the name service who it is."""
        return SMTP(self.handler, hostname="post.example", **self.SMTP_kwargs)


def signing_in(name: str, password: str) -> dict[str, Any]:
    """Options of a server that takes mail from one who knows the password."""

    def check(_s: SMTP, _n: Talk, _e: Envelope, _m: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        known = (given.login, given.password) == (name.encode(), password.encode())
        return AuthResult(success=known, handled=False, auth_data=given if known else None)

    return {"auth_required": True, "authenticator": check}


def encrypted(context: ssl.SSLContext) -> dict[str, Any]:
    """Options of a server that takes mail only after STARTTLS."""
    return {"tls_context": context, "require_starttls": True}


# --- mail to hand in ---


def queue(session: Session, subject: str = "Hello", to: str = ADA, **more: Any) -> UUID:
    """Queue a notice; the id of the delivery."""
    values = {"subject": subject, "paragraphs": ["A line."], "link": None}
    return queue_mail(session, template="notice", to=to, values=values, **more).id


def put(database: Database, subject: str = "Hello", to: str = ADA, **more: Any) -> UUID:
    """Queue a notice and commit; the id of the delivery."""
    with database.writing() as session:
        return queue(session, subject, to, **more)


def row(database: Database, id: UUID) -> Delivery:
    """The stored delivery."""
    with database.reading() as session:
        return session.exec(select(Delivery).where(Delivery.id == id)).one()


def sender(office: PostOffice, **more: Any) -> SmtpSender:
    """A sender that hands in its mail there."""
    return SmtpSender(MailServer(HOST, office.port, **{"security": "none", **more}), HEAD)


@contextmanager
def handing_in(office: PostOffice, **more: Any) -> Iterator[SmtpSender]:
    """A sender without a worker; it says goodbye at the end."""
    made = sender(office, **more)
    try:
        yield made
    finally:
        made.rest()


def postman(database: Database, office: PostOffice, **more: Any) -> Worker:
    """A worker that hands in its mail there."""
    return Worker(database, {"mail": sender(office, **more)})


def message(subject: str = "Hello", to: str = ADA, **more: Any) -> Message:
    """A mail as the worker gets it, without a database."""
    with Session() as session:
        queue(session, subject, to, **more)
        (made,) = session.new
        assert isinstance(made, Delivery)
        return Message(made.id, made.topic, made.recipient, made.payload, 1)
