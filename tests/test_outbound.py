"""Calls to addresses that others chose: never inside, not for long, not for much."""

# ruff: noqa: S104 - nothing is bound here: these are addresses that must never be called

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest
import trustme

from app.kit.addresses import Address, Reach, Refused, is_internal, refusal, target
from app.kit.outbound import CallFailed, Outbound, Resolver
from tests.listener import Listener, drip, flood, hang, listening, status

INTERNAL = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:0.0.0.0",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:7f00:1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::10.0.0.1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:c0a8:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
)
PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.0.1",
    "172.32.0.1",
    "192.167.0.1",
    "198.17.0.1",
    "223.255.255.1",
    "::ffff:8.8.8.8",
    "2606:4700:4700::1111",
    "2a00:1450:4009::200e",
)
WRITTEN = (
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "0",
    "0.0.0.0",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "x.localhost",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:1]",
    "[fe80::1%25lo]",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
)
"""Ways to write this machine, none of which may reach it."""


class TestAddresses:
    @pytest.mark.parametrize("text", INTERNAL)
    def test_none_inside_is_called(self, text: str) -> None:
        assert is_internal(ip_address(text))
        assert refusal(ip_address(text), 443, Reach())

    @pytest.mark.parametrize("text", PUBLIC)
    def test_those_outside_are(self, text: str) -> None:
        assert not is_internal(ip_address(text))
        assert refusal(ip_address(text), 443, Reach()) is None
        assert refusal(ip_address(text), 22, Reach()) is not None

    @pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
    def test_loopback_may_be_allowed_and_nothing_else_with_it(self, text: str) -> None:
        reach = Reach(allow_loopback=True)
        assert refusal(ip_address(text), 8080, reach) is None
        for other in ("10.0.0.1", "169.254.169.254", "fd00:ec2::254", "0.0.0.0"):
            assert refusal(ip_address(other), 443, reach)


class TestURLs:
    @pytest.mark.parametrize(
        ("url", "word"),
        [
            ("http://example.org/", "https"),
            ("ftp://example.org/", "https"),
            ("file:///etc/passwd", "https"),
            ("gopher://example.org/", "https"),
            ("//example.org/", "https"),
            ("example.org", "https"),
            ("https://", "https"),
            ("https://me:secret@example.org/", "password"),
            ("https://me@example.org/", "password"),
            ("https://example.org/#part", "fragment"),
            ("https://example.org:22/", "Port 22"),
            ("https://example.org:6379/", "Port 6379"),
            ("https://example.org:99999/", "65535"),
            ("https://example.org:0/", "65535"),
            ("https://example.org\\@127.0.0.1/", "backslash"),
            ("https://exa mple.org/", "spaces"),
            ("https://example.org/\r\nX: y", "spaces"),
            ("https://10.0.0.1/", "private"),
            ("https://[fd00:ec2::254]/", "private"),
            ("https://169.254.169.254/latest/meta-data/", "private"),
            ("https://0x7f000001/", "usual form"),
            ("https://3232235777/", "usual form"),
            ("https://localhost/", "own machine"),
            ("https://a.localhost/", "own machine"),
            ("https://exa%00mple.org/", "name"),
            ("https://" + "a" * 2_000, "characters"),
        ],
    )
    def test_what_is_refused_is_told_why(self, url: str, word: str) -> None:
        with pytest.raises(Refused, match=word):
            target(url, Reach())

    def test_parts(self) -> None:
        found = target("https://Bücher.example/a?b=c", Reach())
        assert (found.host, found.port, found.path) == ("xn--bcher-kva.example", 443, b"/a?b=c")
        assert found.authority == "xn--bcher-kva.example"
        other = target("https://[2606:4700:4700::1111]:8443/", Reach(ports=frozenset({8443})))
        assert other.authority == "[2606:4700:4700::1111]:8443"

    def test_http_and_ports_by_setting(self) -> None:
        reach = Reach(allow_http=True, ports=frozenset({80, 8080}))
        assert target("http://example.org:8080/", reach).port == 8080
        with pytest.raises(Refused):
            target("https://example.org/", reach)

    def test_loopback_by_setting(self) -> None:
        reach = Reach(allow_loopback=True)
        for host in ("127.0.0.1:9999", "localhost:9999", "[::1]:9999"):
            assert target(f"http://{host}/", reach).port == 9999
        for url in ("http://example.org/", "https://10.0.0.1/", "https://x.localhost/"):
            with pytest.raises(Refused):
                target(url, reach)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


LOCAL = Reach(allow_loopback=True)
ANY_PORT = Reach(allow_http=True, ports=frozenset())


def always(*texts: str) -> Resolver:
    """A resolver that knows one answer."""

    def resolve(_: str, __: int) -> Sequence[Address]:
        return [ip_address(text) for text in texts]

    return resolve


def post(bounds: Outbound, url: str) -> Any:
    with bounds.open() as calls:
        return calls.post(url, b"{}", {"Content-Type": "application/json"})


class TestConnecting:
    @pytest.mark.parametrize("host", WRITTEN)
    def test_no_way_of_writing_it_reaches_this_machine(self, listener: Listener, host: str) -> None:
        bounds = Outbound(ANY_PORT, total_seconds=3)
        with pytest.raises((Refused, CallFailed)):
            post(bounds, f"http://{host}:{listener.port}/")
        assert listener.received == []

    @pytest.mark.parametrize("text", INTERNAL)
    def test_no_name_leads_inside(self, listener: Listener, text: str) -> None:
        bounds = Outbound(ANY_PORT, resolver=always(text))
        with pytest.raises(Refused, match=r"hooks\.example leads to"):
            post(bounds, f"http://hooks.example:{listener.port}/")
        assert listener.received == []

    def test_one_address_inside_spoils_all(self, listener: Listener) -> None:
        bounds = Outbound(ANY_PORT, resolver=always("8.8.8.8", "127.0.0.1"))
        with pytest.raises(Refused):
            post(bounds, f"http://hooks.example:{listener.port}/")
        assert listener.received == []

    def test_a_name_that_is_bound_anew(
        self, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The connection goes to the number that was looked at; the next look is a new one."""
        answers, connected = iter(["8.8.8.8", "127.0.0.1", "127.0.0.1"]), []

        def resolver(host: str, port: int) -> Sequence[Address]:
            return [ip_address(next(answers))]

        def connect(self: object, host: str, *args: object) -> httpcore.NetworkStream:
            connected.append(host)
            raise httpcore.ConnectError("not in a test")

        monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
        bounds = Outbound(ANY_PORT, resolver=resolver)
        url = f"http://hooks.example:{listener.port}/"
        with pytest.raises(CallFailed):
            post(bounds, url)
        assert connected == ["8.8.8.8"], "looked up once, and pinned"
        with pytest.raises(Refused):
            post(bounds, url)
        assert connected == ["8.8.8.8"]
        assert next(answers) == "127.0.0.1"
        assert listener.received == []

    def test_a_connection_that_is_kept_stays_where_it_was_looked_at(
        self, listener: Listener
    ) -> None:
        asked: list[str] = []

        def once(host: str, port: int) -> Sequence[Address]:
            asked.append(host)
            assert len(asked) == 1
            return [ip_address("127.0.0.1")]

        reach = Reach(allow_loopback=True, allow_http=True, ports=frozenset())
        bounds = Outbound(reach, resolver=once)
        with bounds.open() as calls:
            for _ in range(3):
                assert calls.post(f"http://hooks.example:{listener.port}/", b"{}", {}).status == 204
        assert {one.headers["host"] for one in listener.received} == {
            f"hooks.example:{listener.port}"
        }

    def test_unknown_names(self) -> None:
        def nothing(host: str, port: int) -> Sequence[Address]:
            raise socket.gaierror("no such name")

        with pytest.raises(CallFailed, match=r"hooks\.example could not be looked up"):
            post(Outbound(Reach(), resolver=nothing), "https://hooks.example/")

    def test_a_closed_port(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with pytest.raises(CallFailed, match="refused"):
            post(Outbound(LOCAL), f"http://127.0.0.1:{port}/")


class TestTLS:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    def bounds(self, authority: trustme.CA) -> Outbound:
        trusted = ssl.create_default_context()
        authority.configure_trust(trusted)
        return Outbound(
            Reach(allow_loopback=True, ports=frozenset()),
            resolver=always("127.0.0.1"),
            trusted=trusted,
        )

    def test_the_name_is_kept_while_the_address_is_pinned(self, authority: trustme.CA) -> None:
        asked: list[str | None] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("hooks.example").configure_cert(context)
        context.sni_callback = lambda _, name, __: asked.append(name)
        with listening(context) as listener:
            url = f"https://hooks.example:{listener.port}/a"
            assert post(self.bounds(authority), url).status == 204
        assert asked == ["hooks.example"]
        assert listener.received[0].headers["host"] == f"hooks.example:{listener.port}"

    def test_a_certificate_for_another_name(self, authority: trustme.CA) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("other.example").configure_cert(context)
        with listening(context) as listener:
            with pytest.raises(CallFailed, match="certificate is not valid"):
                post(self.bounds(authority), f"https://hooks.example:{listener.port}/a")
            assert listener.received == []

    def test_a_server_that_speaks_no_tls(self, authority: trustme.CA, listener: Listener) -> None:
        with pytest.raises(CallFailed):
            post(self.bounds(authority), f"https://hooks.example:{listener.port}/a")
        assert listener.received == []


class TestBounds:
    def test_a_slow_resolver(self) -> None:
        def slow(host: str, port: int) -> Sequence[Address]:
            time.sleep(2)
            return [ip_address("8.8.8.8")]

        began = time.monotonic()
        with pytest.raises(CallFailed, match=r"no connection within 0\.3 seconds"):
            post(Outbound(Reach(), resolver=slow, connect_seconds=0.3), "https://hooks.example/")
        assert time.monotonic() - began < 1.5

    @pytest.mark.parametrize("how", ["hang", "head", "body"])
    def test_no_answer_takes_longer_than_the_deadline(self, listener: Listener, how: str) -> None:
        listener.reply = hang(listener) if how == "hang" else drip(listener, head=how == "head")
        began = time.monotonic()
        with pytest.raises(CallFailed, match=r"no whole answer within 0\.7 seconds"):
            post(Outbound(LOCAL, total_seconds=0.7), listener.url)
        assert time.monotonic() - began < 2

    def test_a_handshake_that_hangs(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            began = time.monotonic()
            with pytest.raises(CallFailed, match="no connection"):
                post(Outbound(LOCAL, total_seconds=0.7), f"https://127.0.0.1:{port}/")
            assert time.monotonic() - began < 2

    def test_of_a_gigabyte_little_is_read(self, listener: Listener) -> None:
        sent: list[int] = []
        listener.reply = flood(sent)
        answer = post(Outbound(LOCAL), listener.url)
        assert (answer.status, len(answer.body), answer.cut) == (200, 64_000, True)
        for _ in range(100):
            if sent:
                break
            time.sleep(0.05)
        assert sent[0] < 20_000_000, "the connection was closed, not drained"

    def test_endless_headers(self, listener: Listener) -> None:
        def reply(_: object, handler: Any) -> None:
            handler.close_connection = True
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(100_000):
                handler.wfile.write(b"X-%d: %s\r\n" % (number, b"a" * 100))

        listener.reply = reply
        with pytest.raises(CallFailed):
            post(Outbound(LOCAL, total_seconds=5), listener.url)

    def test_nonsense(self, listener: Listener) -> None:
        def reply(_: object, handler: Any) -> None:
            handler.close_connection = True
            handler.wfile.write(b"220 mail.example ESMTP\r\n")

        listener.reply = reply
        with pytest.raises(CallFailed, match="without an answer in HTTP"):
            post(Outbound(LOCAL), listener.url)

    def test_a_redirect_is_an_answer(self, listener: Listener) -> None:
        with listening() as other:
            listener.reply = status(307, Location=other.url)
            assert post(Outbound(LOCAL), listener.url).status == 307
            assert other.received == []

    def test_the_environment_has_no_say(
        self, listener: Listener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with listening() as proxy:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            assert post(Outbound(LOCAL), listener.url).status == 204
            assert (len(listener.received), proxy.received) == (1, [])

    def test_no_cookie_is_kept(self, listener: Listener) -> None:
        listener.reply = status(204, Set_Cookie="a=b; Path=/")
        with Outbound(LOCAL).open() as calls:
            calls.post(listener.url, b"{}", {})
            calls.post(listener.url, b"{}", {})
        assert not any("cookie" in one.headers for one in listener.received)
