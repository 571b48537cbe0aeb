"""Repeating sessions: a guarded subset of RFC 5545 rules, expanded in London's wall-clock time."""

from datetime import datetime, timedelta
from itertools import islice

from dateutil.rrule import rrulestr

from app.kit.times import LONDON, from_london
from app.opportunities.models import MOST_SESSIONS, Recurrence

HORIZON = timedelta(days=400)
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST"}
)


def expand(recurrence: Recurrence) -> list[tuple[datetime, datetime | None]]:
    """The UTC starts and ends of every occasion, in order; ValueError when the rule is refused.

    A rule that repeats more often than daily could run for ever, so it is refused before it is
    expanded; 400 days and 1,000 occasions bound the rest.
    """
    rule = recurrence.rrule.upper().removeprefix("RRULE:")
    _guard(rule)
    first = recurrence.starts_at.astimezone(LONDON).replace(tzinfo=None)
    length = recurrence.ends_at - recurrence.starts_at if recurrence.ends_at else None
    try:
        occasions = rrulestr(_local_until(rule), dtstart=first)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"This is not a rule of RFC 5545: {error}.") from None
    left_out = set(recurrence.exdates)
    last = first + HORIZON
    found: list[tuple[datetime, datetime | None]] = []
    for occasion in islice(occasions, MOST_SESSIONS + len(left_out) + 1):
        if occasion > last:
            break
        if occasion.date() in left_out:
            continue
        start = from_london(occasion)
        end = from_london(occasion + length) if length else None
        found.append((start, end))
        if len(found) == MOST_SESSIONS:
            break
    if not found:
        raise ValueError("This rule has no occasion in the next 400 days after its start.")
    return found


def _guard(rule: str) -> None:
    parts = {}
    for part in rule.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise ValueError("Write the rule as NAME=VALUE;NAME=VALUE, each name once.")
        parts[name] = value
    unknown = sorted(set(parts) - PARTS)
    if unknown:
        raise ValueError(f"{unknown[0]} is not allowed. Allowed: {', '.join(sorted(PARTS))}.")
    if parts.get("FREQ") not in FREQUENCIES:
        raise ValueError(f"FREQ must be one of {', '.join(sorted(FREQUENCIES))}.")
    if any(len(value) > 200 for value in parts.values()):
        raise ValueError("A part of the rule is too long.")
    for name, most in (("INTERVAL", 400), ("COUNT", MOST_SESSIONS)):
        number = parts.get(name, "1")
        if not (number.isdigit() and 1 <= int(number) <= most):
            raise ValueError(f"{name} must be a number from 1 to {most}.")


def _local_until(rule: str) -> str:
    """UNTIL in UTC as London's wall clock, since the occasions are counted on that."""
    parts = []
    for part in rule.split(";"):
        name, _, value = part.partition("=")
        if name == "UNTIL" and value.endswith("Z"):
            instant = datetime.strptime(value, "%Y%m%dT%H%M%S%z")
            value = instant.astimezone(LONDON).strftime("%Y%m%dT%H%M%S")
        elif name == "UNTIL" and len(value) == 8:
            value += "T235959"
        parts.append(f"{name}={value}")
    return ";".join(parts)
