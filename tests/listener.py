"""An HTTP server on this machine that does as it is told, for what we call."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    """By their names in small letters."""
    body: bytes


Reply = Callable[[Received, BaseHTTPRequestHandler], None]


def status(code: int, **headers: str) -> Reply:
    """Answer with this status and nothing more."""

    def reply(_: Received, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return reply


@dataclass
class Listener:
    """What came in, and how it is answered; `reply` may be changed at any time."""

    port: int
    scheme: str = "http"
    reply: Reply = field(default_factory=lambda: status(204))
    received: list[Received] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)
    """Set at the end: whatever hangs waits for it."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks"

    @property
    def ids(self) -> list[str]:
        """The ids of the messages that came, in order."""
        return [one.headers["webhook-id"] for one in self.received]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side may hang up whenever it likes."""


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[Listener]:
    """A listener on a port of its own, for as long as the block takes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(self.path, headers, body)
            listener.received.append(received)
            listener.reply(received, self)

        do_GET = do_POST  # noqa: N815 - the server looks for this name

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    listener = Listener(server.server_port, "https" if context else "http")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        listener.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def hang(listener: Listener) -> Reply:
    """Never answer."""

    def reply(_: Received, handler: BaseHTTPRequestHandler) -> None:
        listener.let_go.wait(30)
        handler.close_connection = True

    return reply


def drip(listener: Listener, *, head: bool, seconds: float = 0.05) -> Reply:
    """Answer byte by byte and without end, in the head or in the body."""

    def reply(_: Received, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        start = b"HTTP/1.1 200 OK\r\nX-Long: " if head else b"HTTP/1.1 200 OK\r\n\r\n"
        handler.wfile.write(start)
        while not listener.let_go.wait(seconds):
            handler.wfile.write(b"a")

    return reply


def flood(sent: list[int], size: int = 1_000_000_000) -> Reply:
    """Answer 200 with a gigabyte; `sent` is told how much of it went out."""

    def reply(_: Received, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        part, total = bytes(1_000_000), 0
        try:
            while total < size:
                handler.wfile.write(part)
                total += len(part)
        except OSError:
            pass
        sent.append(total)

    return reply
