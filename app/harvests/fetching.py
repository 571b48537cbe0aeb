"""Fetching a partner's feed: what is asked for, and what an answer that is not one comes to."""

import random
import time
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from app.kit.addresses import Refused
from app.kit.outbound import Answer, CallFailed, Calls
from app.kit.retry_after import retry_after

AGENT = "lcep-harvester/1"
GONE = (404, 410)
BUSY = (429, 503)
BUSY_MINUTES = (60, 120)
"""How long a feed that is busy is left alone, at random, as the standard says."""
LONGEST_WAIT = timedelta(days=1)
LONGEST_PAUSE = 2.0


class Fault(Exception):
    """Why a feed cannot be read any further now, in words for whoever runs it."""

    def __init__(
        self, code: str, detail: str, *, url: str = "", after: timedelta | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.url = url
        self.after = after
        """How long it asks to be left alone."""


class Gone(Fault):
    """A feed that answered that it is there no more."""

    def __init__(self, status: int, url: str) -> None:
        super().__init__(
            "gone",
            f"The feed answered {status}: it is there no more. Change `feed_url`, or ask for a "
            "harvest once it is back.",
            url=url,
        )
        self.status = status


@dataclass
class Known:
    """What an earlier answer said of itself, so that only something newer is sent."""

    etag: str | None = None
    modified: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a conditional request."""
        found = {}
        if self.etag:
            found["If-None-Match"] = self.etag
        if self.modified:
            found["If-Modified-Since"] = self.modified
        return found


@dataclass
class Reader:
    """Reads pages one after the other, leaving their server as long alone as it took to answer."""

    calls: Calls
    pages: int = 0
    bytes: int = 0
    told: tuple[int, int] = (0, 0)
    """How many pages and bytes were written down already."""
    _took: float = field(default=0.0)

    def news(self) -> tuple[int, int]:
        """The pages and bytes since this was asked last."""
        pages, size = self.pages - self.told[0], self.bytes - self.told[1]
        self.told = self.pages, self.bytes
        return pages, size

    def read(self, url: str, accept: str, known: Known | None = None) -> Answer | None:
        """What lies at an address; None if it is what is known. Fault if there is no such thing."""
        time.sleep(min(self._took, LONGEST_PAUSE))
        headers = {"User-Agent": AGENT, "Accept": accept, **(known.headers if known else {})}
        began = time.monotonic()
        try:
            answer = self.calls.fetch(url, headers)
        except Refused as error:
            raise Fault("refused", str(error), url=url) from None
        except CallFailed as error:
            raise Fault("unreachable", str(error), url=url) from None
        finally:
            self._took = time.monotonic() - began
        self.pages += 1
        self.bytes += len(answer.body)
        return self._judged(answer, url)

    @staticmethod
    def _judged(answer: Answer, url: str) -> Answer | None:
        status = answer.status
        if status == HTTPStatus.NOT_MODIFIED:
            return None
        if status in GONE:
            raise Gone(status, url)
        if status in BUSY:
            raise Fault(
                "busy", f"The feed answered {status}: it is busy.", url=url, after=_wait(answer)
            )
        if status != HTTPStatus.OK:
            raise Fault("status", f"The feed answered {status} instead of 200.", url=url)
        if answer.cut:
            raise Fault(
                "too_large",
                f"The answer has more than {len(answer.body) // 1_000_000} MB. Send it in smaller "
                "pages.",
                url=url,
            )
        return answer


def known_of(answer: Answer) -> Known:
    """What an answer says of itself."""
    etag = answer.headers.get("etag", "")
    modified = answer.headers.get("last-modified", "")
    return Known(
        etag if 0 < len(etag) <= 200 else None, modified if 0 < len(modified) <= 80 else None
    )


def _wait(answer: Answer) -> timedelta:
    asked = retry_after(answer.headers.get("retry-after", ""))
    if asked is None or asked <= timedelta():
        asked = timedelta(minutes=random.uniform(*BUSY_MINUTES))  # noqa: S311 - it hides nothing
    return min(asked, LONGEST_WAIT)
