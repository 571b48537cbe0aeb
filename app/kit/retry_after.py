"""How long a server asks to be left alone (RFC 9110, Retry-After)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from app.kit.times import now


def retry_after(value: str) -> timedelta | None:
    """Seconds, or a date; nonsense is no wish, and its numbers may be of any size."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 10**8))
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return _with_zone(until) - now()


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
