"""Answers to the public, kept in memory and given again for as long as they are true.

An answer is kept under the revision and the London day that were present before its data were
read, so the data are of that revision or newer; it is given only while both are still present.
That is decided without a lock: a commit at any moment makes what was kept before it unreachable.

Whoever shows a key takes no part, nor who asks for JSON of another kind where both are to be had:
such a request is passed on as it is, and what comes back is not looked at. Of the rest only what
says `Cache-Control: public` is kept, whole and as it left for the wire: a second caller gets the
same bytes, or the same 304.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.conditional import accepts_gzip, matches
from app.kit.observe import Metrics
from app.kit.times import LONDON, day_ends, day_starts
from app.kit.watch import Watch

LIFETIME = 60.0
"""Seconds that an answer is kept, as others may keep it: what no revision tells ends with it."""
LARGEST = 4_000_000
"""Longer bodies, in bytes, are made anew each time. The contract is a megabyte by now."""
OVERHEAD = 1_500
"""Bytes that an answer takes beside its body: its headers, its key, its place."""
ASIDE = frozenset({b"authorization", b"range"})
"""Headers of requests whose answers are for one caller."""
OTHER_JSON = b"+json"
VARIES = frozenset({"authorization", "accept", "accept-encoding"})
"""What an answer may vary by: the first two are passed on, the third is in the key."""
NOT_KEPT = ("set-cookie", "accept-ranges")
"""Headers of what is not kept: what is one caller's, and files, which are read in parts."""
OF_THE_BODY = frozenset({b"content-type", b"content-length", b"content-encoding"})

Raw = list[tuple[bytes, bytes]]
Key = tuple[str, bytes, bool]


class Kept(NamedTuple):
    """An answer, and what it depends on."""

    revision: int
    day: int
    made_at: float
    endpoint: Any
    tag: bytes
    headers: Raw
    unmodified: Raw
    body: bytes
    size: int


class Answers:
    """Middleware that gives kept answers again, and keeps new ones."""

    def __init__(self, app: ASGIApp, *, watch: Watch, capacity: int, metrics: Metrics) -> None:
        self.app = app
        self.watch = watch
        self.capacity = capacity
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._size = 0
        self._bytes = metrics.answer_bytes
        self._given = metrics.answers.labels("given")
        self._unmodified = metrics.answers.labels("unmodified")
        self._made = metrics.answers.labels("made")
        self._day = 0
        self._day_starts = self._day_ends = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a public read from memory, or pass it on and keep what comes back."""
        method = scope.get("method")
        if method != "GET" and method != "HEAD":  # noqa: PLR1714 - a set would cost more
            await self.app(scope, receive, send)
            return
        # Of a name that is given twice the first counts, here as further in.
        asked = dict(reversed(scope["headers"]))
        aside = not ASIDE.isdisjoint(asked) or OTHER_JSON in asked.get(b"accept", b"").lower()
        revision = None if aside else self.watch.present()
        if revision is None:
            await self.app(scope, receive, send)
            return
        coding = asked.get(b"accept-encoding", b"").decode("latin-1")
        key = (scope["path"], scope["query_string"], accepts_gzip(coding))
        condition = asked.get(b"if-none-match")
        moment = time.time()
        kept = self._kept.get(key)
        if (
            kept is not None
            and kept.revision == revision
            and 0 <= moment - kept.made_at < LIFETIME
            and kept.day == self._today(moment)
        ):
            self._kept.move_to_end(key)
            await self._give(kept, condition, scope, send)
        elif method == "HEAD":
            await self.app(scope, receive, send)
        else:
            await self._make(key, revision, moment, condition, scope, receive, send)

    async def _give(self, kept: Kept, condition: bytes | None, scope: Scope, send: Send) -> None:
        scope["endpoint"] = kept.endpoint  # so that the log names its route
        # Those outside add to the headers, so each caller gets a list of its own.
        if condition is not None and _holds(condition, kept.tag):
            self._unmodified.inc()
            status, headers, body = 304, kept.unmodified.copy(), b""
        else:
            self._given.inc()
            status, headers = 200, kept.headers.copy()
            body = b"" if scope["method"] == "HEAD" else kept.body
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _make(
        self,
        key: Key,
        revision: int,
        moment: float,
        condition: bytes | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Pass a request on without its condition, so that what comes back can be kept."""
        day = self._today(moment)
        inner = scope
        if condition is not None:
            bare = [header for header in scope["headers"] if header[0] != b"if-none-match"]
            # Who knows its tag before its body still looks at the condition.
            inner = {**scope, "headers": bare, "if_none_match": condition}
        start: Message | None = None
        begun = ended = False

        async def seen(message: Message) -> None:
            nonlocal start, begun, ended
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None and not begun:
                begun = True
                headers: Raw = start["headers"]
                tag = dict(headers).get(b"etag", b"")
                body: bytes = message.get("body", b"")
                whole = start["status"] == 200 and not message.get("more_body", False)
                if whole and _is_for_everybody(headers):
                    self._made.inc()
                    if self.watch.present() == revision:
                        size = len(body) + len(key[0]) + len(key[1]) + OVERHEAD
                        kept = Kept(
                            *(revision, day, moment, inner.get("endpoint"), tag),
                            *(headers.copy(), _unmodified(headers), body, size),
                        )
                        self._keep(key, kept)
                if condition and tag and start["status"] == 200 and _holds(condition, tag):
                    ended = True
                    await send({**start, "status": 304, "headers": _unmodified(headers)})
                    await send({"type": "http.response.body", "body": b""})
                    return
                await send(start)
            if not ended:
                await send(message)

        try:
            await self.app(inner, receive, seen)
        finally:
            if "endpoint" in inner:
                scope["endpoint"] = inner["endpoint"]

    def _keep(self, key: Key, kept: Kept) -> None:
        earlier = self._kept.pop(key, None)
        if earlier is not None:
            self._size -= earlier.size
        if len(kept.body) <= LARGEST and kept.size <= self.capacity:
            self._kept[key] = kept
            self._size += kept.size
        while self._size > self.capacity:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size
        self._bytes.set(self._size)

    def _today(self, moment: float) -> int:
        if not self._day_starts <= moment < self._day_ends:
            day = datetime.fromtimestamp(moment, LONDON).date()
            self._day = day.toordinal()
            self._day_starts = day_starts(day).timestamp()
            self._day_ends = day_ends(day).timestamp()
        return self._day


def _is_for_everybody(raw: Sequence[tuple[bytes, bytes]]) -> bool:
    headers = Headers(raw=list(raw))
    varies = {name.strip().lower() for name in headers.get("vary", "").split(",")}
    return (
        headers.get("cache-control", "").startswith("public")
        and "etag" in headers
        and varies <= VARIES
        and not any(name in headers for name in NOT_KEPT)
    )


def _holds(condition: bytes, tag: bytes) -> bool:
    # Mostly it is the tag as we gave it; only what is not has to be taken apart.
    return condition == tag or matches(condition.decode("latin-1"), tag[1:-1].decode("latin-1"))


def _unmodified(headers: Raw) -> Raw:
    return [header for header in headers if header[0] not in OF_THE_BODY]
