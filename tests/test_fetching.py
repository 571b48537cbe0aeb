"""Reading what lies at an address that others chose: redirects, compression, and their bounds."""

import gzip
import tracemalloc
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from app.kit.addresses import Address, Reach, Refused
from app.kit.outbound import Answer, CallFailed, Outbound
from tests.listener import Listener, Received, Reply, drip, flood, listening, status

LOCAL = Reach(allow_loopback=True)


@pytest.fixture
def listener() -> Any:
    with listening() as found:
        yield found


def fetch(bounds: Outbound, url: str) -> Answer:
    with bounds.open() as calls:
        return calls.fetch(url, {"If-None-Match": '"a"'})


def body(content: bytes, **headers: str) -> Reply:
    def reply(_: Received, handler: Any) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return reply


def by_path(**replies: Reply) -> Reply:
    def reply(received: Received, handler: Any) -> None:
        replies[received.path.strip("/").partition("?")[0]](received, handler)

    return reply


class TestRedirects:
    def test_they_are_followed(self, listener: Listener) -> None:
        with listening() as other:
            other.reply = body(b"here")
            listener.reply = by_path(
                hooks=status(302, Location="/moved?a=b"),
                moved=status(308, Location=f"{other.url}#part"),
            )
            found = fetch(Outbound(LOCAL), listener.url)
            assert (found.status, found.body, found.url) == (200, b"here", other.url)
            assert [one.path for one in listener.received] == ["/hooks", "/moved?a=b"]
            assert other.received[0].headers["host"] == f"127.0.0.1:{other.port}"
            assert other.received[0].headers["if-none-match"] == '"a"'

    @pytest.mark.parametrize(
        ("location", "words"),
        [
            ("/hooks", "circle"),
            ("file:///etc/passwd", "https://"),
            ("ftp://example.org/", "https://"),
            ("http://me:word@127.0.0.1/", "user name"),
            ("http://169.254.169.254/latest", "private or reserved"),
            ("http://[::ffff:10.0.0.1]/", "private or reserved"),
            ("http://2130706433/", "usual form"),
            ("http://[", "address|looked up"),
            ("http://example.org:25/", "Port 25|https"),
        ],
    )
    def test_none_leads_where_the_first_address_may_not(
        self, listener: Listener, location: str, words: str
    ) -> None:
        listener.reply = status(301, Location=location)
        with pytest.raises((Refused, CallFailed), match=words):
            fetch(Outbound(LOCAL), listener.url)
        assert len(listener.received) == 1

    def test_a_name_is_looked_up_for_each(self, listener: Listener) -> None:
        def resolver(host: str, port: int) -> Sequence[Address]:
            asked.append(host)
            return [ip_address("127.0.0.1" if host == "127.0.0.1" else "10.0.0.7")]

        asked: list[str] = []
        bounds = Outbound(
            Reach(allow_http=True, allow_loopback=True, ports=frozenset()), resolver=resolver
        )
        listener.reply = status(302, Location="http://feeds.example/data")
        with pytest.raises(Refused, match=r"feeds\.example leads to"):
            fetch(bounds, listener.url)
        assert asked == ["127.0.0.1", "feeds.example"]

    def test_no_endless_chain(self, listener: Listener) -> None:
        def reply(received: Received, handler: Any) -> None:
            status(303, Location=f"{received.path}a")(received, handler)

        listener.reply = reply
        with pytest.raises(CallFailed, match="more than 5 times"):
            fetch(Outbound(LOCAL), listener.url)
        assert len(listener.received) == 6

    def test_the_deadline_is_that_of_all_of_them(self, listener: Listener) -> None:
        listener.reply = by_path(
            hooks=status(302, Location="/slow"), slow=drip(listener, head=False)
        )
        with pytest.raises(CallFailed, match=r"within 0\.3 seconds"):
            fetch(Outbound(LOCAL, total_seconds=0.3), listener.url)

    def test_not_modified_is_an_answer(self, listener: Listener) -> None:
        listener.reply = status(304, ETag='"a"')
        found = fetch(Outbound(LOCAL), listener.url)
        assert (found.status, found.headers["etag"]) == (304, '"a"')

    def test_a_redirect_that_says_not_where_is_an_answer(self, listener: Listener) -> None:
        listener.reply = status(302)
        assert fetch(Outbound(LOCAL), listener.url).status == 302


class TestCompression:
    @pytest.mark.parametrize("members", [1, 3])
    def test_gzip(self, listener: Listener, members: int) -> None:
        part = "Fün for all. ".encode() * 5_000
        listener.reply = body(gzip.compress(part) * members, Content_Encoding="gzip")
        found = fetch(Outbound(LOCAL, most_bytes=1_000_000), listener.url)
        assert (found.body, found.cut) == (part * members, False)
        assert listener.received[0].headers["accept-encoding"] == "gzip"

    def test_a_bomb_is_cut(self, listener: Listener) -> None:
        listener.reply = body(gzip.compress(bytes(200_000_000), 1), Content_Encoding="gzip")
        tracemalloc.start()
        found = fetch(Outbound(LOCAL, most_bytes=1_000_000), listener.url)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (len(found.body), found.cut) == (1_000_000, True)
        assert peak < 20_000_000

    @pytest.mark.parametrize(
        ("content", "encoding", "words"),
        [
            (b"plain", "gzip", "is not gzip"),
            (gzip.compress(b"whole" * 100, mtime=0)[:-9], "gzip", "breaks off"),
            (b"x", "br", "encoded as 'br'"),
            (b"x", "gzip, gzip", "encoded as"),
        ],
    )
    def test_what_is_not_what_it_says(
        self, listener: Listener, content: bytes, encoding: str, words: str
    ) -> None:
        listener.reply = body(content, Content_Encoding=encoding)
        with pytest.raises(CallFailed, match=words):
            fetch(Outbound(LOCAL), listener.url)


class TestSize:
    def test_much_is_read_whole(self, listener: Listener) -> None:
        content = bytes(range(256)) * 80_000
        listener.reply = body(content)
        found = fetch(Outbound(LOCAL, most_bytes=32_000_000), listener.url)
        assert (found.body, found.cut) == (content, False)

    def test_of_a_gigabyte_little_is_read(self, listener: Listener) -> None:
        sent: list[int] = []
        listener.reply = flood(sent)
        found = fetch(Outbound(LOCAL, most_bytes=2_000_000), listener.url)
        assert (len(found.body), found.cut) == (2_000_000, True)
