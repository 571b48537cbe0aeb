"""Dates as machines write them: ISO 8601, iCalendar, spreadsheets and Unix time."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.kit.times import LONDON
from app.opportunities.models import EARLIEST, LATEST

FAR_YEARS = 5
"""A date further away is more likely a slip."""
SERIAL_EPOCH = date(1899, 12, 30)
"""The day from which spreadsheets count."""

_STAMP = re.compile(
    r"(?P<year>\d{4})[-/.]?(?P<month>\d{1,2})[-/.]?(?P<day>\d{1,2})"
    r"(?:[t ]\s*(?P<hour>\d\d):?(?P<minute>\d\d)(?::?\d\d(?:\.\d+)?)?"
    r"\s?(?P<offset>z|utc|[+-]\d\d:?\d\d)?)?"
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A machine's date and, unless it was only a date, its London time."""

    date: date
    minutes: int | None
    doubts: tuple[str, ...] = ()


def stamp(text: str) -> Stamp | None:
    """A date or date-time as ISO 8601, iCalendar and spreadsheets write it; None if impossible.

    Midnight is how a spreadsheet writes a date without a time, so it counts as none.
    """
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    parts = [int(found[name]) for name in ("year", "month", "day")]
    try:
        if found["hour"] is None:
            return Stamp(date(*parts), None)
        clock = time(int(found["hour"]), int(found["minute"]))
        return _london(datetime.combine(date(*parts), clock), found["offset"])
    except (ValueError, OverflowError):
        return None


def _london(moment: datetime, offset: str | None) -> Stamp:
    if offset is None:
        return _at(moment)
    if offset not in ("z", "utc"):
        away = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
        moment += away if offset[0] == "-" else -away
    local = moment.replace(tzinfo=UTC).astimezone(LONDON)
    if local.hour and (moment.hour, moment.minute) == (0, 0):
        # Midnight in UTC is one o'clock in summer: a date on its way through a system.
        return Stamp(moment.date(), None, ("midnight",))
    return _at(local)


def _at(moment: datetime) -> Stamp:
    minutes = moment.hour * 60 + moment.minute
    return Stamp(moment.date(), minutes or None)


_WHOLE_NUMBER = re.compile(r"(\d{5})(?:\.(\d{1,10}))?|(\d{9,10})(?:\.0)?|(\d{13})")


def machine_number(text: str) -> Stamp | None:
    """A spreadsheet's day number or Unix time; None unless it lies between 2000 and 2099."""
    found = _WHOLE_NUMBER.fullmatch(text)
    if found is None:
        return None
    if found[1]:
        day = SERIAL_EPOCH + timedelta(days=int(found[1]))
        minutes = round(float(f"0.{found[2] or 0}") * 1440) % 1440
        result = Stamp(day, minutes or None, ("serial_number",))
    else:
        seconds = int(found[3] or int(found[4]) // 1000)
        result = _at(datetime.fromtimestamp(seconds, UTC).astimezone(LONDON))
    return result if EARLIEST <= result.date.year < LATEST else None


def far(day: date, today: date) -> bool:
    """Whether a number that stands for a date gives an unlikely one."""
    return not today.year - FAR_YEARS <= day.year <= today.year + FAR_YEARS
