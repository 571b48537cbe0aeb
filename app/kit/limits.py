"""Rate limits: so many requests a minute for each caller, counted in this process.

The generic cell rate algorithm: one number per caller, its theoretical arrival time. Headers
follow the IETF draft (RateLimit, RateLimit-Policy) with Retry-After on a refusal.
"""

import hashlib
import time
from collections import OrderedDict

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.problems import TOO_MANY, Problem, answer

WINDOW_SECONDS = 60
MOST_CALLERS = 50_000
"""Callers remembered at once; the longest silent are forgotten first."""
EXEMPT = frozenset({"/healthz", "/readyz", "/metrics"})


class Meter:
    """Counts one policy: `quota` requests in each window, refilled evenly."""

    def __init__(self, name: str, quota: int) -> None:
        self.name = name
        self.quota = quota
        self._step = WINDOW_SECONDS / quota if quota else 0.0
        self._arrivals: OrderedDict[str, float] = OrderedDict()

    def take(self, caller: str, moment: float) -> tuple[int, float]:
        """Count one request: how many remain (negative when refused), seconds until the reset."""
        arrival = max(self._arrivals.pop(caller, moment), moment) + self._step
        waiting = arrival - moment
        refused = waiting > WINDOW_SECONDS
        if refused:
            arrival -= self._step
        self._arrivals[caller] = arrival
        while len(self._arrivals) > MOST_CALLERS:
            self._arrivals.popitem(last=False)
        if refused:
            return -1, waiting - WINDOW_SECONDS
        return int((WINDOW_SECONDS - waiting) / self._step), waiting

    def is_spent(self, caller: str, moment: float) -> bool:
        """Whether the next request would be refused."""
        waiting = self._arrivals.get(caller, moment) - moment + self._step
        return bool(self.quota) and waiting > WINDOW_SECONDS


def _digest(caller: str) -> str:
    return hashlib.blake2b(caller.encode(), digest_size=12).hexdigest()


class RateLimit:
    """Middleware that meters each key, or each address when there is no key."""

    def __init__(self, app: ASGIApp, *, per_address: int, per_key: int) -> None:
        self.app = app
        self.address = Meter("address", per_address)
        self.key = Meter("key", per_key)
        self.refused = Meter("address", per_address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, with its headers, or answer 429."""
        if scope["type"] != "http" or scope["path"] in EXEMPT:
            await self.app(scope, receive, send)
            return
        credential = Headers(scope=scope).get("authorization")
        meter = self.key if credential else self.address
        if not meter.quota:
            await self.app(scope, receive, send)
            return
        address = _digest((scope.get("client") or ("unknown",))[0])
        moment = time.monotonic()
        if credential and self.refused.is_spent(address, moment):
            # Whoever makes up keys gets no new allowance with each of them.
            meter, credential = self.refused, None
        remaining, seconds = meter.take(_digest(credential) if credential else address, moment)
        headers = {
            "RateLimit-Policy": f'"{meter.name}";q={meter.quota};w={WINDOW_SECONDS}',
            "RateLimit": f'"{meter.name}";r={max(remaining, 0)};t={int(seconds) + 1}',
        }
        if remaining < 0:
            headers["Retry-After"] = str(int(seconds) + 1)
            response = answer(Problem(TOO_MANY, headers=headers), scope)
            await response(scope, receive, send)
            return

        async def metered(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 401 and credential:
                    self.refused.take(address, moment)
                MutableHeaders(raw=message.setdefault("headers", [])).update(headers)
            await send(message)

        await self.app(scope, receive, metered)
