"""The HTTP protocol over real sockets: refusals are problems, and nobody is waited for for ever."""

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.kit import protocol

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body that came; say so when it did not come whole."""
    body = b""
    more = scope["type"] == "http"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            LOST.set()
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


LOST = threading.Event()


@pytest.fixture(
    scope="module",
    params=[protocol.PatientH11, protocol.FASTEST],
    ids=["h11", "fastest"],
)
def address(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """A server over each parser, more impatient than the real one."""
    patched = pytest.MonkeyPatch()
    patched.setattr(protocol, "HEAD_SECONDS", 0.5)
    patched.setattr(protocol, "BODY_SECONDS", 0.7)
    patched.setattr(protocol, "BODY_RATE", 10)
    config = uvicorn.Config(
        echo,
        port=0,
        http=request.param,
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_keep_alive=5,
        h11_max_incomplete_event_size=protocol.HEAD_BYTES,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join(10)
    patched.undo()


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    """A connection that gives up after five seconds."""
    with socket.create_connection(address, timeout=5) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    while chunk := connection.recv(65_536):
        received += chunk
    return received


def problem(received: bytes, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, its headers looked at."""
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0].startswith(f"http/1.1 {status} ")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["content-type"] == "application/problem+json"
    assert headers["content-length"] == str(len(body))
    assert headers["connection"] == "close"
    assert headers["access-control-allow-origin"] == "*"
    found: dict[str, Any] = json.loads(body)
    assert (found["status"], found["code"]) == (status, code)
    assert found["request_id"] == headers["x-request-id"]
    return found


class TestWhatIsWell:
    def test_requests_one_after_another(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            for _ in range(3):
                connection.sendall(POST + b"\r\n")
                connection.sendall(b"0123456789")
                assert connection.recv(1000).endswith(b"0123456789")

    def test_requests_at_once(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall((POST + b"\r\n0123456789") * 3 + GET + b"Connection: close\r\n\r\n")
            assert len(re.findall(b"HTTP/1.1 200", rest(connection))) == 4

    def test_a_connection_rests_between_requests(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(GET + b"\r\n")
            assert b" 200 " in connection.recv(1000)
            time.sleep(0.3)
            connection.sendall(GET + b"\r\n")
            assert b" 200 " in connection.recv(1000)

    def test_a_slow_body_that_keeps_coming(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(POST + b"\r\n")
            for digit in b"0123456789":
                time.sleep(0.1)
                connection.sendall(bytes([digit]))
            assert connection.recv(1000).endswith(b"0123456789")

    def test_nobody_is_upgraded(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(
                GET + b"Connection: upgrade, close\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")


class TestRefusals:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"HELLO\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        ],
        ids=["tls", "words", "header-name", "nul", "length", "chunk"],
    )
    def test_what_is_not_http(self, address: tuple[str, int], sent: bytes) -> None:
        with connected(address) as connection:
            connection.sendall(sent)
            problem(rest(connection), 400, "bad_request")

    @pytest.mark.parametrize(
        "headers",
        [b"A: " + b"a" * 100_000, b"".join(b"A%d: b\r\n" % n for n in range(9_000)), b"A: " * 50],
        ids=["long", "many", "few"],
    )
    @pytest.mark.parametrize("ending", [b"\r\n\r\n", b""], ids=["whole", "endless"])
    def test_headers_have_a_limit(
        self, address: tuple[str, int], headers: bytes, ending: bytes
    ) -> None:
        with connected(address) as connection:
            connection.sendall(GET + headers + ending)
            if len(headers) > protocol.HEAD_BYTES:
                problem(rest(connection), 431, "headers_too_large")
            elif ending:
                assert b" 200 " in connection.recv(1000)

    @pytest.mark.parametrize("at", [1, 2, 3])
    def test_the_blank_line_may_lie_across_two_reads(
        self, address: tuple[str, int], at: int
    ) -> None:
        body = b"a" * 100_000
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        with connected(address) as connection:
            connection.sendall(head[:-at])
            time.sleep(0.05)
            connection.sendall(head[-at:] + body)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    def test_a_long_address(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            problem(rest(connection), 431, "headers_too_large")

    def test_nonsense_behind_a_request_does_not_answer_it(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(GET + b"\r\n" + b"\x00\x00\r\n\r\n")
            received = rest(connection)
            assert not received.startswith(b"HTTP/1.1 400")


class TestDeadlines:
    def test_who_asks_nothing_is_let_go(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            began = time.monotonic()
            assert rest(connection) == b""
            assert time.monotonic() - began < 2

    def test_headers_that_do_not_end(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            began = time.monotonic()
            connection.sendall(GET)
            for _ in range(3):
                time.sleep(0.1)
                connection.sendall(b"A: b\r\n")
            problem(rest(connection), 408, "request_timeout")
            assert time.monotonic() - began < 2

    def test_the_second_request_has_a_deadline_too(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(GET + b"\r\n")
            assert b" 200 " in connection.recv(1000)
            connection.sendall(GET)
            problem(rest(connection), 408, "request_timeout")

    def test_empty_lines_are_no_request(self, address: tuple[str, int]) -> None:
        with connected(address) as connection:
            connection.sendall(GET + b"\r\n")
            assert b" 200 " in connection.recv(1000)
            began = time.monotonic()
            connection.settimeout(0.1)
            received = b"more"
            while received and time.monotonic() - began < 4:
                connection.sendall(b"\r\n")
                with suppress(TimeoutError):
                    received = connection.recv(1000)
                    break
            assert received.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 "))

    def test_a_body_that_does_not_end(self, address: tuple[str, int]) -> None:
        LOST.clear()
        with connected(address) as connection:
            connection.sendall(POST + b"\r\n" + b"01")
            problem(rest(connection), 408, "request_timeout")
        assert LOST.wait(2)
