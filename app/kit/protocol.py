"""The HTTP protocol of `serve`: refusals in our one shape, and nobody is waited for for ever.

uvicorn answers what it cannot parse in plain text, lets headers grow without end under httptools,
and waits for the rest of a request as long as the other side likes: a few hundred idle sockets
would then hold every connection there is.
"""

import asyncio
import importlib.util
import logging
import secrets
from enum import Enum
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from app.kit.problems import (
    BAD_REQUEST,
    HEADERS_TOO_LARGE,
    REQUEST_TIMEOUT,
    Kind,
    Problem,
    answer,
    request_id,
)

log = logging.getLogger("app.protocol")

HEAD_SECONDS = 10.0
"""For the request line and the headers, from the first byte (or from the connection) on."""
BODY_SECONDS = 30.0
"""For the body, and a second more for each `BODY_RATE` bytes that have come."""
BODY_RATE = 20_000
HEAD_BYTES = 65_536
LINGER_SECONDS = 1.0
"""How long a refused sender is still listened to, so that it reads the refusal."""


class Part(Enum):
    """What of a request is being received."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class Patience(asyncio.Protocol):
    """Laid over one of uvicorn's protocols: deadlines, a limit for headers, problems."""

    if TYPE_CHECKING:
        transport: asyncio.Transport
        loop: asyncio.AbstractEventLoop
        flow: Any
        cycle: Any

    part = Part.NOTHING
    arrived = 0
    """Bytes of the present part."""
    tail = b""
    """The last of them, in which a blank line may begin."""
    began = 0.0
    refused = False
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request soon."""
        super().connection_made(transport)
        self.begin(Part.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self.begin(Part.NOTHING)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Let it be parsed, and see which part of a request that leaves us in."""
        if self.refused:
            return
        if self.part is Part.NOTHING:
            self.begin(Part.HEAD)
        if self.part is Part.HEAD and self._head_is_too_large(data):
            self.refuse(HEADERS_TOO_LARGE)
            return
        self.arrived += len(data)
        super().data_received(data)
        self.follow()

    def send_400_response(self, msg: str) -> None:
        """Refuse what could not be parsed; uvicorn calls this."""
        self.refuse(BAD_REQUEST, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: whoever asks for WebSockets here gets a plain answer, not a line in the log."""

    def follow(self) -> None:
        """Find out which part is being received, where the parser does not tell."""

    def begin(self, part: Part) -> None:
        """A part begins: its bytes and its time are counted from here."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.part = part
        self.arrived = 0
        self.tail = b""
        if part is not Part.NOTHING:
            self.began = self.loop.time()
            self._wait(HEAD_SECONDS if part is Part.HEAD else BODY_SECONDS)

    def refuse(self, kind: Kind, detail: str = "") -> None:
        """Answer with a problem, if an answer can still be given, and close."""
        if self.refused or self.transport.is_closing():
            return
        answerable = self._answerable()
        self.refused = True
        self.begin(Part.NOTHING)
        log.info("refused", extra={"status": kind.status, "detail": detail})
        if not answerable:
            self.transport.close()
            return
        self.transport.write(_raw(Problem(kind, kind.advice)))
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        # Closing with unread bytes resets the connection, and the answer would be lost with it.
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _head_is_too_large(self, data: bytes) -> bool:
        """Count the bytes up to the blank line, which may lie across two reads."""
        known = self.tail + data
        end = known.find(b"\r\n\r\n")
        size = self.arrived - len(self.tail) + (end if end >= 0 else len(known))
        self.tail = known[-3:]
        return size > HEAD_BYTES

    def _wait(self, seconds: float) -> None:
        self.timer = self.loop.call_later(seconds, self._overdue)

    def _overdue(self) -> None:
        self.timer = None
        if self.flow.read_paused:
            self._wait(BODY_SECONDS)  # it is we who are slow
            return
        if self.part is Part.BODY and not self.cycle.response_complete:
            left = self.began + BODY_SECONDS + self.arrived / BODY_RATE - self.loop.time()
            if left > 0:
                self._wait(left)
                return
        if self.part is Part.HEAD and not self.arrived:
            self.transport.close()  # nothing was asked
            return
        self.refuse(REQUEST_TIMEOUT, "The request did not arrive in time.")

    def _answerable(self) -> bool:
        """Whether the next bytes on the wire would be the answer to what is refused."""
        raise NotImplementedError


class PatientH11(Patience, H11Protocol):
    """Over h11, which is pure Python."""

    def follow(self) -> None:
        """h11 knows the state of the other side."""
        states = {"IDLE": Part.HEAD, "SEND_BODY": Part.BODY}
        part = states.get(str(self.conn.their_state), Part.NOTHING)
        if part is not self.part:
            self.begin(part)

    def _answerable(self) -> bool:
        # It parses the next request only when this one is answered.
        cycle = self.cycle
        return cycle is None or cycle.response_complete or not cycle.response_started

    def on_response_complete(self) -> None:
        """What came meanwhile is parsed now."""
        super().on_response_complete()
        self.follow()


if importlib.util.find_spec("httptools"):
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class PatientHttpTools(Patience, HttpToolsProtocol):
        """Over httptools, which is fast, and calls back as it parses."""

        def _answerable(self) -> bool:
            cycle = self.cycle
            if cycle is None or cycle.response_complete:
                return True
            return self.part is Part.BODY and not self.pipeline and not cycle.response_started

        def on_message_begin(self) -> None:
            """A request line begins."""
            if self.part is not Part.HEAD:
                self.begin(Part.HEAD)
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            """The headers are whole."""
            super().on_headers_complete()
            self.begin(Part.BODY)

        def on_body(self, body: bytes) -> None:
            """Some of the body."""
            if not self.refused:
                super().on_body(body)

        def on_message_complete(self) -> None:
            """The request is whole."""
            if not self.refused:
                super().on_message_complete()
                self.begin(Part.NOTHING)

    FASTEST: type[asyncio.Protocol] = PatientHttpTools
else:
    FASTEST = PatientH11


def _raw(problem: Problem) -> bytes:
    """The bytes of an answer that no application gave."""
    name = secrets.token_hex(12)
    token = request_id.set(name)
    try:
        response = answer(problem, {})
    finally:
        request_id.reset(token)
    response.headers["X-Request-Id"] = name
    response.headers["Connection"] = "close"
    # It holds nothing that any origin might not read, and the origin was perhaps not understood.
    response.headers["Access-Control-Allow-Origin"] = "*"
    head = b"".join(b"%s: %s\r\n" % pair for pair in response.raw_headers)
    return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (
        problem.kind.status,
        problem.kind.title.encode(),
        head,
        response.body,
    )
