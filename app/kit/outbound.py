"""Calls to servers that somebody else chose: only to public addresses, not for long, not for much.

A name is looked up once, when the connection is made. Every address that it stands for is looked
at, and the connection goes to one that was looked at: a name that stands for something else a
moment later changes nothing. TLS and the Host header keep the name. Only `fetch` follows
redirects, and looks at each address like the first. Proxies of the environment are not used,
cookies are not kept.

One deadline holds for the whole call, from looking up the name to the last byte that is read, so
that a server that sends a byte now and then gains nothing by it.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx

from app.kit.addresses import Address, Reach, Refused, Target, refusal, target
from app.kit.decoding import Undecodable, decoder

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MOST_BYTES = 64_000
"""As much of an answer's body as is read; what is longer is cut off."""
MOST_ADDRESSES = 4
"""As many of a name's addresses as are tried."""
MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEPT_SECONDS = 5.0

Resolver = Callable[[str, int], Sequence[Address]]
"""The addresses that a name stands for; OSError if there are none."""


class CallFailed(Exception):
    """There was no answer. The words say why, for whoever runs the server that was called."""


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in small letters; of several, the last."""
    body: bytes
    cut: bool
    """Whether there was more of it."""
    url: str = ""
    """Where the answer came from, after redirects."""


def system_resolver(host: str, port: int) -> Sequence[Address]:
    """The addresses of a name as the machine knows them, in its order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [ip_address(entry[4][0]) for entry in found]


class Outbound:
    """Makes calls within these bounds; made once, and used by any number of threads."""

    def __init__(
        self,
        reach: Reach,
        *,
        resolver: Resolver = system_resolver,
        trusted: ssl.SSLContext | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.reach = reach
        self.resolver = resolver
        self.trusted = trusted or httpx.create_ssl_context(trust_env=False)
        self.connect_seconds = connect_seconds
        self.total_seconds = total_seconds
        self.most_bytes = most_bytes

    @contextmanager
    def open(self) -> Iterator["Calls"]:
        """Calls of one thread after each other; a connection is used again for some seconds."""
        deadline = _Deadline()
        with httpcore.ConnectionPool(
            ssl_context=self.trusted,
            max_connections=1,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=_Guarded(self, deadline),
        ) as pool:
            yield Calls(self, pool, deadline)


class Calls:
    """Calls that are made one after the other."""

    def __init__(
        self, bounds: Outbound, pool: httpcore.ConnectionPool, deadline: "_Deadline"
    ) -> None:
        self._bounds = bounds
        self._pool = pool
        self._deadline = deadline

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body; the answer whatever its status. Refused or CallFailed if there is none."""
        return self.call("POST", url, body, headers)

    def fetch(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Read what lies at an address, or where it redirects to; taken out of its compression.

        The deadline and the bound of bytes are those of the whole. Refused or CallFailed if there
        is no answer, if redirects go round, or from TLS to plain HTTP.
        """
        self._begin()
        seen = {url}
        while True:
            answer = self._exchange(
                "GET", url, None, {"Accept-Encoding": "gzip", **headers}, decoding=True
            )
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or not location:
                return answer
            url = _redirected(url, location)
            if url in seen:
                raise CallFailed("The address redirects in a circle.")
            if len(seen) > MOST_REDIRECTS:
                raise CallFailed(f"The address redirects more than {MOST_REDIRECTS} times.")
            seen.add(url)

    def call(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Make one call; the answer whatever its status. Refused or CallFailed if there is none."""
        self._begin()
        return self._exchange(method, url, body, headers)

    def _begin(self) -> None:
        self._deadline.at = time.monotonic() + self._bounds.total_seconds

    def _exchange(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        decoding: bool = False,
    ) -> Answer:
        where = target(url, self._bounds.reach)
        sent = {"Host": where.authority, **headers}
        if body is not None:
            sent["Content-Length"] = str(len(body))
        try:
            with self._pool.stream(
                method,
                httpcore.URL(
                    scheme=where.scheme.encode(),
                    host=where.host.encode(),
                    port=where.port,
                    target=where.path,
                ),
                headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                content=body,
                extensions={"timeout": self._timeouts()},
            ) as response:
                return self._read(response, url, decoding=decoding)
        except _Internal as error:
            raise Refused(str(error)) from None
        except Undecodable as error:
            raise CallFailed(str(error)) from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise CallFailed(self._why(error, where)) from error

    def _read(self, response: httpcore.Response, url: str, *, decoding: bool) -> Answer:
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in response.headers
        }
        gzip = decoder(headers.get("content-encoding", "")) if decoding else None
        body, cut = bytearray(), False
        for part in response.iter_stream():
            room = self._bounds.most_bytes - len(body)
            plain = gzip.read(part, room + 1) if gzip else part
            body += plain[:room]
            if len(plain) > room:
                cut = True  # leaving the block closes the connection
                break
        if gzip and body and not cut:
            gzip.end()
        return Answer(response.status, headers, bytes(body), cut, url)

    def _timeouts(self) -> dict[str, float]:
        whole = self._bounds.total_seconds
        connect = min(self._bounds.connect_seconds, whole)
        return {"connect": connect, "read": whole, "write": whole, "pool": whole}

    def _why(self, error: Exception, where: Target) -> str:
        match error:
            case _Unknown():
                return f"The name {where.host} could not be looked up."
            case httpcore.ConnectTimeout():
                return f"There was no connection within {self._bounds.connect_seconds:g} seconds."
            case httpcore.TimeoutException():
                return f"There was no whole answer within {self._bounds.total_seconds:g} seconds."
            case httpcore.ConnectError():
                cause = error.__cause__ or error.__context__
                if isinstance(cause, ssl.SSLCertVerificationError):
                    return f"The certificate is not valid: {cause.verify_message}."
                if isinstance(cause, ssl.SSLError):
                    return "TLS could not be agreed on."
                return "The connection was refused or could not be made."
            case httpcore.ProtocolError():
                return "The connection was closed without an answer in HTTP."
            case _:
                return "The connection broke off."


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads; CallFailed if it may not lead there."""
    try:
        found = httpx.URL(url).join(location)
    except (httpx.InvalidURL, ValueError):
        raise CallFailed("The address redirects to something that is no address.") from None
    if url.startswith("https:") and found.scheme == "http":
        raise CallFailed("The address redirects from https to http.")
    return str(found.copy_with(fragment=None))


class _Internal(httpcore.ConnectError):
    """A name stands for an address that is not called."""


class _Unknown(httpcore.ConnectError):
    """A name stands for nothing."""


@dataclass
class _Deadline:
    at: float = 0.0

    def left(self, seconds: float | None, late: type[httpcore.TimeoutException]) -> float:
        """The seconds that are left, at most as many as given; an exception if none are."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise late("the deadline has passed")
        return left if seconds is None else min(seconds, left)


class _Guarded(httpcore.NetworkBackend):
    """Connects to a name's addresses if all of them may be called."""

    def __init__(self, bounds: Outbound, deadline: _Deadline) -> None:
        self._bounds = bounds
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Look up, look at every address, then try them in their order."""
        until = time.monotonic() + self._deadline.left(timeout, httpcore.ConnectTimeout)
        addresses = self._looked_up(host, port, until - time.monotonic())
        for address in addresses:
            why = refusal(address, port, self._bounds.reach)
            if why:
                # Not which number: whoever chose the name shall not learn our network from us.
                raise _Internal(f"{host} leads to {why}. Give a public address.")
        failed: Exception | None = None
        for address in addresses[:MOST_ADDRESSES]:
            left = until - time.monotonic()
            if left <= 0:
                raise httpcore.ConnectTimeout("too late") from failed
            try:
                stream = self._inner.connect_tcp(
                    str(address), port, left, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Timed(stream, self._deadline)
        raise failed or _Unknown(host)

    def _looked_up(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        # The system's resolver knows no timeout. A thread that is left behind ends by itself
        # when the resolver gives up.
        found: list[Sequence[Address] | Exception] = []

        def look() -> None:
            try:
                found.append(self._bounds.resolver(host, port))
            except (OSError, ValueError) as error:
                found.append(error)

        looking = threading.Thread(target=look, name="resolver", daemon=True)
        looking.start()
        looking.join(seconds)
        if not found:
            raise httpcore.ConnectTimeout("the name was not looked up in time")
        if isinstance(found[0], Exception) or not found[0]:
            raise _Unknown(host)
        return found[0]


class _Timed(httpcore.NetworkStream):
    """A connection whose every step ends by the deadline of the whole call."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes."""
        return self._inner.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes, in parts, since each may take as long as is left."""
        for start in range(0, len(buffer), 64_000):
            left = self._deadline.left(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + 64_000], left)

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Agree on TLS with the server of this name."""
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What is known of the connection."""
        return self._inner.get_extra_info(info)
