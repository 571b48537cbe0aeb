"""When a listing takes place, put together from the columns that say a part of it."""

import re
from datetime import date, datetime, time
from typing import Any

from app.kit.times import LONDON
from app.opportunities.recurrence import expand
from app.opportunities.written import Recurrence
from app.sources.cell_values import RowCells, remembered
from app.sources.plain_writing import DateOrder, Reading, When, read_date, read_time, read_when

UNSTABLE = frozenset({"no_year", "no_start", "relative_date"})
"""Doubts of readings that depend on the day of reading."""
ID_LENGTH = 200
PARTS = (
    "when",
    "start_date",
    "start_time",
    "end_date",
    "end_time",
    "weekday",
    "times",
    "weekly_from",
    "weekly_until",
    "season",
)
_EVERY = re.compile(r"\b(?:every|each|weekly|\w+days)\b", re.IGNORECASE)
_HAS_TIME = re.compile(r"\d\s?[ap]\.?m|\d[:.]\d\d|T\d\d:\d\d|noon|midday", re.IGNORECASE)
_MIDNIGHT = re.compile(
    r"(?:T|(?<![\d:]))00:00(?::00)?(?![\d:])|\b12:00(?::00)?\s?am\b", re.IGNORECASE
)
_WHOLE_YEAR = re.compile(r"all year(?: round)?|any ?time|always", re.IGNORECASE)


@remembered
def _when(text: str, order: DateOrder, today: date) -> Reading[When]:
    return read_when(text, order=order, today=today)


@remembered
def _date(text: str, order: DateOrder, today: date) -> Reading[date]:
    return read_date(text, order=order, today=today)


_time = remembered(read_time)


def read_dates(cells: RowCells) -> None:
    """Set the sessions, the recurrence or `always_available` of a listing."""
    if cells.has("always_available") and cells.yes("always_available", "#/always_available"):
        cells.put("always_available", True)
        if cells.has("start_date") or cells.has("when"):
            cells.doubt(
                "#/always_available",
                "dated_and_always",
                "It is said to be always available, so its dates were not read.",
                "always_available",
            )
        return
    name = next((name for name in PARTS if cells.has(name)), None)
    if name is None:
        return
    text, order = _composed(cells)
    if not text:
        return
    when = cells.take("#/sessions", name, _when(text, order, cells.context.today))
    if when is None:
        return
    members = when.members()
    if "sessions" in members:
        members["sessions"] = [dict(session) for session in members["sessions"]]
        _add_session_facts(cells, members["sessions"])
    cells.found.item.update(members)


def _composed(cells: RowCells) -> tuple[str, DateOrder]:
    """One text out of the columns, in the way that people write it."""
    start, start_time = _day(cells, "start_date")
    end, end_time = _day(cells, "end_date")
    times = _times(cells, start_time, end_time)
    season = cells.line("season")
    if cells.has("when"):
        parts = _with_free_text(cells, start, end, times)
        return _spaced(*parts, season), cells.order("when")
    since = start or _day(cells, "weekly_from")[0]
    until = end or _day(cells, "weekly_until")[0]
    weekday = cells.line("weekday")
    order = cells.order("start_date")
    if weekday and (until or not since or _EVERY.search(weekday)):
        every = weekday if _EVERY.search(weekday) else f"every {weekday}"
        return _spaced(every, times, _bound("from", since), _bound("until", until), season), order
    if since or until or times:
        return _spaced(weekday, _span(since, until), times, season), order
    return ("always available" if _WHOLE_YEAR.fullmatch(season) else season), order


def _with_free_text(cells: RowCells, start: str, end: str, times: str) -> list[str]:
    when = "; ".join(cells.all("when"))
    weekday = cells.line("weekday")
    if weekday.casefold() in when.casefold():
        weekday = ""
    if _HAS_TIME.search(when):
        times = ""
    return [weekday, when, times, _bound("from", start), _bound("until", end)]


def _span(since: str, until: str) -> str:
    if not since:
        return _bound("until", until)
    same_day = until.partition("T")[0] == since.partition("T")[0]
    if not until or (same_day and "T" not in since + until):
        return since
    return f"{since} - {until}"


def _bound(word: str, day: str) -> str:
    return f"{word} {day}" if day else ""


def _spaced(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _day(cells: RowCells, name: str) -> tuple[str, str]:
    """The date of a cell in ISO 8601, or its text if it holds more; or a time that stands there."""
    cell = cells.cell(name)
    if cell is None:
        return "", ""
    if isinstance(cell, time):
        return "", cells.text(name)
    text = cells.line(name)
    if isinstance(cell, (date, datetime)):
        return text, ""
    reading = _date(text, cells.order(name), cells.context.today)
    timed = _HAS_TIME.search(_MIDNIGHT.sub("", text))
    if reading.value is not None and not reading.doubts and not timed:
        return reading.value.isoformat(), ""
    if reading.value is None and _time(text).value is not None:
        return "", text
    return text, ""


def _times(cells: RowCells, from_start: str, from_end: str) -> str:
    """The times of day: from columns of their own, or from those of the dates."""
    starts = _clock(cells, "start_time") or from_start
    ends = _clock(cells, "end_time") or from_end
    if starts and ends:
        return f"{starts}-{ends}"
    return starts or _clock(cells, "times")


def _clock(cells: RowCells, name: str) -> str:
    cell = cells.cell(name)
    if isinstance(cell, datetime):
        return cell.time().isoformat(timespec="minutes")
    if isinstance(cell, date) or cell is None:
        return ""
    text = cells.line(name)
    return text if text.casefold() not in {"00:00", "00:00:00", "n/a", "-"} else ""


def _add_session_facts(cells: RowCells, sessions: list[dict[str, Any]]) -> None:
    identifier = cells.line("session_id")
    if identifier and len(sessions) == 1 and len(identifier) <= ID_LENGTH:
        sessions[0]["external_id"] = identifier
    for name in ("capacity", "places_left"):
        text = cells.line(name)
        if text.isdecimal() and len(text) < 7:
            for session in sessions:
                session[name] = int(text)
        elif text:
            cells.doubt(
                f"#/sessions/0/{name}", "not_a_number", f"“{text[:40]}” is no whole number.", name
            )


def set_status(item: dict[str, Any], status: str) -> None:
    """Give every session of a listing a status."""
    for session in item.get("sessions", ()):
        session["status"] = status


def as_sessions(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The sessions of a listing, those of its rule written out; ValueError if that fails."""
    if "recurrence" not in item:
        return list(item.get("sessions", ()))
    found = []
    for start, end in expand(Recurrence.model_validate(item["recurrence"])):
        session = {"starts_at": _local(start)}
        if end:
            session["ends_at"] = _local(end)
        found.append(session)
    return found


def _local(moment: datetime) -> str:
    return moment.astimezone(LONDON).replace(tzinfo=None).isoformat()


def first_date(cells: RowCells) -> str:
    """What tells a listing from another of the same name: its first date, or when as written."""
    item = cells.found.item
    guessed = any(one.code in UNSTABLE for one in cells.found.doubts)
    if not guessed:
        sessions = item.get("sessions") or [item.get("recurrence") or {}]
        first = min((one.get("starts_at") or one.get("date") or "" for one in sessions), default="")
        if first:
            return str(first)[:10]
    return " ".join(" ".join(cells.all(name)) for name in PARTS if cells.has(name))
