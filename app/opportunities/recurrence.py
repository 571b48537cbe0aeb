"""Repeating sessions: a guarded subset of RFC 5545 rules, expanded in London's wall-clock time.

Only the days of the 400 after the start are looked at, each once. A general library goes on to
the year 9999 when a rule never matches, which takes seconds for an item of a hundred bytes.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from app.kit.times import LONDON, from_london
from app.opportunities.models import MOST_SESSIONS
from app.opportunities.written import Recurrence

HORIZON = timedelta(days=400)
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "WKST"}
)
_WEEKDAY = re.compile(rf"([+-]?[0-9]{{1,2}})?({'|'.join(WEEKDAYS)})")
_NUMBER = re.compile(r"[+-]?[0-9]{1,5}")
DAY = timedelta(days=1)
MOST_COUNTED = 40_000
"""Occasions since a rule began: every day of this century."""


@dataclass(frozen=True)
class Rule:
    """A rule that was read and found good. Numbers below 0 count from the end."""

    frequency: str
    interval: int
    count: int
    until: datetime | None
    week_starts: int
    months: Sequence[int]
    month_days: Sequence[int]
    weekdays: Sequence[tuple[int, int]]
    """Each as which one in its month or year (0: every one), and the day of the week."""
    positions: Sequence[int]


def expand(recurrence: Recurrence) -> list[tuple[datetime, datetime | None]]:
    """The UTC starts and ends of every occasion, in order; ValueError when the rule is refused."""
    rule = _read(recurrence.rrule.upper().removeprefix("RRULE:"))
    first = recurrence.starts_at.astimezone(LONDON).replace(tzinfo=None)
    length = recurrence.ends_at - recurrence.starts_at if recurrence.ends_at else None
    left_out = set(recurrence.exdates)
    found: list[tuple[datetime, datetime | None]] = []
    for number, day in enumerate(_days(rule, first.date(), first.date() + HORIZON)):
        occasion = datetime.combine(day, first.time())
        if number == rule.count or (rule.until and occasion > rule.until):
            break
        if day not in left_out:
            end = from_london(occasion + length) if length else None
            found.append((from_london(occasion), end))
    if not found:
        raise ValueError("This rule has no occasion in the next 400 days after its start.")
    return found


# --- expanding --------------------------------------------------------------------------------


def starts_between(
    rrule: str, first: datetime, since: date, until: date, zone: tzinfo = LONDON
) -> list[datetime]:
    """When a rule's occasions start between two days, both inclusive, on the clock of a zone.

    `first` has no zone, and neither have the answers. Each day from the first on is looked at
    once, so a rule that began long ago costs little; ValueError when the rule is refused.
    """
    rule = _read(rrule.upper().removeprefix("RRULE:"), zone, MOST_COUNTED)
    found: list[datetime] = []
    for number, day in enumerate(_days(rule, first.date(), until)):
        start = datetime.combine(day, first.time())
        if number == rule.count or (rule.until and start > rule.until):
            break
        if day >= since:
            found.append(start)
    return found


def _days(rule: Rule, first: date, last: date) -> Iterator[date]:
    for period in _periods(rule, first, last):
        days = [day for day in period if _matches(rule, day, first)]
        if rule.positions:
            some = {days[p - 1 if p > 0 else p] for p in rule.positions if abs(p) <= len(days)}
            days = sorted(some)
        yield from (day for day in days if first <= day <= last)


def _periods(rule: Rule, first: date, last: date) -> Iterator[list[date]]:
    """The days of each day, week, month or year that the rule looks at."""
    if rule.frequency in {"DAILY", "WEEKLY"}:
        size = 7 if rule.frequency == "WEEKLY" else 1
        start = first - DAY * ((first.weekday() - rule.week_starts) % 7 if size == 7 else 0)
        while start <= last:
            yield [start + DAY * n for n in range(size)]
            start += DAY * size * rule.interval
        return
    start = first.replace(day=1) if rule.frequency == "MONTHLY" else date(first.year, 1, 1)
    while start <= last:
        size = monthrange(start.year, start.month)[1]
        if rule.frequency == "YEARLY":
            size = 365 + isleap(start.year)
        yield [start + DAY * n for n in range(size)]
        months = start.month - 1 + rule.interval * (1 if rule.frequency == "MONTHLY" else 12)
        start = date(start.year + months // 12, months % 12 + 1, 1)


def _matches(rule: Rule, day: date, first: date) -> bool:
    length = monthrange(day.year, day.month)[1]
    if rule.months and day.month not in rule.months:
        return False
    if rule.month_days and not {day.day, day.day - length - 1} & set(rule.month_days):
        return False
    if rule.weekdays:
        return any(
            weekday == day.weekday() and (not which or which in _which(rule, day))
            for which, weekday in rule.weekdays
        )
    if rule.month_days or rule.frequency == "DAILY":
        return True
    if rule.frequency == "WEEKLY":
        return day.weekday() == first.weekday()
    yearly = rule.frequency == "YEARLY" and not rule.months
    return day.day == first.day and (not yearly or day.month == first.month)


def _which(rule: Rule, day: date) -> tuple[int, int]:
    """Which of its weekday a day is in its month or year, from the start and from the end."""
    place, length = day.day, monthrange(day.year, day.month)[1]
    if rule.frequency == "YEARLY" and not rule.months:
        place, length = day.timetuple().tm_yday, 365 + isleap(day.year)
    return (place - 1) // 7 + 1, -((length - place) // 7 + 1)


# --- reading ----------------------------------------------------------------------------------


def _read(text: str, zone: tzinfo = LONDON, most: int = MOST_SESSIONS) -> Rule:
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name in parts:
            raise ValueError("Write the rule as NAME=VALUE;NAME=VALUE, each name once.")
        parts[name] = value
    unknown = sorted(set(parts) - PARTS)
    if unknown:
        raise ValueError(f"{unknown[0]} is not allowed. Allowed: {', '.join(sorted(PARTS))}.")
    frequency = parts.get("FREQ", "")
    if frequency not in FREQUENCIES:
        raise ValueError(f"FREQ must be one of {', '.join(FREQUENCIES)}.")
    week_starts = parts.get("WKST", "MO")
    if week_starts not in WEEKDAYS:
        raise ValueError(f"WKST must be one of {', '.join(WEEKDAYS)}.")
    return Rule(
        frequency=frequency,
        interval=_number("INTERVAL", parts.get("INTERVAL", "1"), 1, 400),
        count=_number("COUNT", parts.get("COUNT", str(most)), 1, most),
        until=_until(parts["UNTIL"], zone) if "UNTIL" in parts else None,
        week_starts=WEEKDAYS.index(week_starts),
        months=_numbers("BYMONTH", parts, 1, 12),
        month_days=_numbers("BYMONTHDAY", parts, -31, 31),
        weekdays=_weekdays(parts.get("BYDAY"), frequency),
        positions=_numbers("BYSETPOS", parts, -366, 366),
    )


def _number(name: str, text: str, least: int, most: int) -> int:
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most or int(text) == 0:
        raise ValueError(f"{name} must be a number from {least} to {most}, and not 0.")
    return int(text)


def _numbers(name: str, parts: dict[str, str], least: int, most: int) -> list[int]:
    return (
        [_number(name, one, least, most) for one in parts[name].split(",")] if name in parts else []
    )


def _weekdays(text: str | None, frequency: str) -> list[tuple[int, int]]:
    found = []
    for one in text.split(",") if text else ():
        match = _WEEKDAY.fullmatch(one)
        if not match:
            raise ValueError(
                "BYDAY must be days such as MO,TH or, in a month or year, 1SA or -1SU."
            )
        which = _number("BYDAY", match[1], -53, 53) if match[1] else 0
        if which and frequency in {"DAILY", "WEEKLY"}:
            raise ValueError("BYDAY takes numbers, such as 1SA, only with MONTHLY or YEARLY.")
        found.append((which, WEEKDAYS.index(match[2])))
    return found


def _until(text: str, zone: tzinfo) -> datetime:
    """UNTIL on the zone's wall clock, since the occasions are counted on that."""
    try:
        if text.endswith("Z"):
            instant = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return instant.astimezone(zone).replace(tzinfo=None)
        if "T" in text:
            return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - a wall clock
        return datetime.combine(datetime.strptime(text, "%Y%m%d"), time.max)  # noqa: DTZ007
    except (ValueError, OverflowError):
        raise ValueError("UNTIL must be such as 20271231 or 20271231T170000Z.") from None
