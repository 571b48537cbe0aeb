"""What an attempt came to, in words for whoever runs the endpoint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from app.kit.outbound import Answer
from app.kit.retry_after import retry_after

GONE = 410
BUSY = frozenset({429, 503})
"""Answers whose Retry-After is honoured."""


@dataclass(frozen=True)
class Outcome:
    """One attempt; it went well if there is no error."""

    at: datetime
    duration_ms: int
    status_code: int | None = None
    error: str | None = None
    gone: bool = False
    after: timedelta | None = None
    """How long the endpoint asks us to wait."""


def judged(answer: Answer, at: datetime, duration_ms: int) -> Outcome:
    """Only 2xx is a success, as the standard says."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(at, duration_ms, status)
    error = f"The endpoint answered {_named(status)}."
    if 300 <= status < 400:
        error += " Redirects are not followed: give the address where it leads."
    elif status == GONE:
        error += " It wants no more messages, so the webhook was disabled."
    after = retry_after(answer.headers.get("retry-after", "")) if status in BUSY else None
    return Outcome(at, duration_ms, status, error, gone=status == GONE, after=after)


def _named(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)
