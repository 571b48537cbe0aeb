"""Sending mail by SMTP, over one connection for as long as there is more to send."""

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from app.deliveries.letters import Letterhead, letter
from app.deliveries.models import Message
from app.deliveries.worker import Refused, Retry
from app.kit.text import envelope_address
from app.kit.times import now

Security = Literal["starttls", "tls", "none"]

MOST_PER_CONNECTION = 100
"""Mails over one connection; many servers end it after some hundreds."""

WHOLE_SECONDS = 45.0
"""How long one mail may take, however slowly the server goes on talking."""

QUIT_SECONDS = 1.0

PAUSE = timedelta(seconds=3)
"""For how long a server that could not be reached is not asked again.

Else each of a thousand mails would wait for it, and all other deliveries with them. Shorter than
any wait between two attempts, so that no second attempt is spent on it.
"""

_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in, and how."""

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout: float = 10.0


class SmtpSender:
    """Sends mails, one after the other. It belongs to one worker: no two threads share it."""

    def __init__(self, server: MailServer, head: Letterhead) -> None:
        self._server = server
        self._head = head
        self._trust = None
        if server.security != "none":
            self._trust = ssl.create_default_context(cafile=server.ca_file)
        self._connection: smtplib.SMTP | None = None
        self._carried = 0
        self._unreachable: tuple[datetime, str] | None = None

    def __call__(self, message: Message) -> None:
        """Hand in one mail; Retry for what may pass, Refused for what will not."""
        content = letter(message, self._head)
        recipient = envelope_address(message.recipient)
        connection = self._ready()
        options = []
        if not recipient.isascii():
            if not connection.has_extn("smtputf8"):
                raise Refused("The mail server takes no addresses beyond ASCII.")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            with _in_time(connection):
                connection.sendmail(self._head.address, [recipient], content, options)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
            # The library has said RSET: the connection is good for the next mail.
            raise _verdict(error) from None
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            raise Retry(_reason(error)) from None
        self._carried += 1

    def rest(self) -> None:
        """Say goodbye to the server."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(smtplib.SMTPException, OSError):
            if connection.sock is not None:
                connection.sock.settimeout(QUIT_SECONDS)
            connection.quit()
        connection.close()

    def _ready(self) -> smtplib.SMTP:
        """The open connection if it still stands, else a new one."""
        if self._carried >= MOST_PER_CONNECTION:
            self.rest()
        if self._connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._connection.noop()[0] == 250:
                    return self._connection
            self._drop()
        if self._unreachable:
            since, reason = self._unreachable
            if abs(now() - since) < PAUSE:
                raise Retry(reason)
        try:
            self._connection = self._opened()
        except (smtplib.SMTPException, OSError) as error:
            self._unreachable = (now(), _reason(error))
            raise Retry(_reason(error)) from None
        self._unreachable = None
        self._carried = 0
        return self._connection

    def _opened(self) -> smtplib.SMTP:
        """A new connection, encrypted and signed in as the settings say, or none at all."""
        server, name = self._server, self._head.domain
        connection: smtplib.SMTP
        if server.security == "tls":
            connection = smtplib.SMTP_SSL(
                server.host, server.port, name, timeout=server.timeout, context=self._trust
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, name, timeout=server.timeout)
        try:
            with _in_time(connection):
                if server.security == "starttls":
                    connection.starttls(context=self._trust)
                connection.ehlo_or_helo_if_needed()
                if server.username:
                    connection.login(server.username, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        """End the connection without a word, since the server may not listen any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextmanager
def _in_time(connection: smtplib.SMTP) -> Iterator[None]:
    """Hang up on a server that keeps answering, but never to the end."""
    alarm = threading.Timer(WHOLE_SECONDS, _hang_up, [connection.sock])
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        alarm.join()


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):
        # Below any encryption: the thread that reads then sees the end of the stream.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _verdict(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError) -> Retry | Refused:
    """What a server's refusal of this mail comes to; its words stay out, they hold addresses."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, words = next(iter(error.recipients.values()))
        reason = f"The mail server refused the address: {_numbers(code, words)}."
    else:
        code = error.smtp_code
        reason = f"The mail server refused the mail: {_numbers(code, error.smtp_error)}."
    return Refused(reason) if 500 <= code < 600 else Retry(reason)


def _reason(error: Exception) -> str:
    """Why nothing could be handed in, in our own words."""
    match error:
        case smtplib.SMTPAuthenticationError():
            numbers = _numbers(error.smtp_code, error.smtp_error)
            return f"The mail server refused our name or password: {numbers}."
        case smtplib.SMTPSenderRefused():
            numbers = _numbers(error.smtp_code, error.smtp_error)
            return f"The mail server refused our own address: {numbers}."
        case smtplib.SMTPResponseException():
            numbers = _numbers(error.smtp_code, error.smtp_error)
            return f"The mail server would not talk to us: {numbers}."
        case smtplib.SMTPNotSupportedError():
            return "The mail server does not offer the encryption or login of our settings."
        case ssl.SSLCertVerificationError():
            return "The mail server's certificate is not trusted."
        case ssl.SSLError():
            return "The encryption with the mail server failed."
        case TimeoutError():
            return "The mail server did not answer in time."
        case smtplib.SMTPServerDisconnected() if isinstance(error.__context__, TimeoutError):
            return "The mail server did not answer in time."
        case smtplib.SMTPServerDisconnected():
            return "The mail server closed the connection."
        case _:
            return "The mail server could not be reached."


def _numbers(code: int, words: bytes | str) -> str:
    """A code and, if there is one, the enhanced code that follows it: 550 5.1.1."""
    raw = words if isinstance(words, bytes) else words.encode("ascii", "replace")
    found = _ENHANCED.match(raw)
    return f"{code} {found.group(1).decode()}" if found else str(code)
