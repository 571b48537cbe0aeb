"""Asks one server over kept-alive connections, from this one process, for a bounded time."""

import selectors
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle
from time import perf_counter

HOST = "127.0.0.1"
CONNECTIONS = 16
MOST_REQUESTS = 200_000
STALL_SECONDS = 10.0
BATCH_SECONDS = 120.0
CHUNK = 262_144


class BenchmarkError(Exception):
    """A measurement would mean nothing: a server failed, stalled or answered something else."""


@dataclass(frozen=True)
class Load:
    """What came back: answers, the seconds they took together and each, bytes on the wire."""

    requests: int
    seconds: float
    waits: list[float]
    bytes: int


@dataclass(frozen=True)
class Answer:
    """One answer, and the seconds until its last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def ask(
    port: int,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """Ask once. The connection is open before the clock starts."""
    connection = HTTPConnection(HOST, port, timeout=BATCH_SECONDS)
    try:
        connection.connect()
        started = perf_counter()
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        content = response.read()
        seconds = perf_counter() - started
    finally:
        connection.close()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, content, seconds)


def get_request(port: int, path: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a GET."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def drive(
    port: int, requests: Sequence[bytes], seconds: float, connections: int = CONNECTIONS
) -> Load:
    """Ask the requests in turn, a new one as soon as one is answered: with 200 or 304."""
    turn = cycle(requests)
    waits: list[float] = []
    with selectors.DefaultSelector() as selector:
        lines = [_Line(port) for _ in range(connections)]
        try:
            started = perf_counter()
            deadline = started + seconds
            for line in lines:
                selector.register(line.socket, selectors.EVENT_READ, line)
                line.ask(next(turn))
            asked = len(lines)
            while selector.get_map():
                ready = selector.select(STALL_SECONDS)
                if not ready:
                    raise BenchmarkError(f"No answer within {STALL_SECONDS:g} s.")
                for key, _ in ready:
                    line = key.data
                    if not line.receive():
                        continue
                    moment = perf_counter()
                    waits.append(moment - line.asked_at)
                    if moment < deadline and asked < MOST_REQUESTS:
                        line.ask(next(turn))
                        asked += 1
                    else:
                        selector.unregister(line.socket)
            taken = perf_counter() - started
        finally:
            for line in lines:
                line.socket.close()
    return Load(len(waits), taken, waits, sum(line.received for line in lines))


class _Line:
    """One connection with at most one request under way. Bodies are counted, not kept."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=STALL_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked_at = 0.0
        self.received = 0
        self._head = b""
        self._left = 0

    def ask(self, request: bytes) -> None:
        self._head = b""
        self._left = -1
        self.asked_at = perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come; whether that was the last of the answer."""
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise BenchmarkError("The server closed a connection that should stay open.")
        self.received += len(chunk)
        if self._left < 0:
            self._head += chunk
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._left = _length(self._head[:end]) + end + 4 - len(self._head)
        else:
            self._left -= len(chunk)
        return self._left == 0


def _length(head: bytes) -> int:
    status = head[9:12]
    if status == b"304":
        return 0
    if status != b"200":
        raise BenchmarkError(f"Answered {status.decode()}, not 200.")
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        raise BenchmarkError("An answer without Content-Length cannot be counted.")
    return int(lower[at + 17 :].split(b"\r\n", 1)[0])
