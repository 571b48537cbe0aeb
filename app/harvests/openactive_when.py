"""When an OpenActive item takes place: its sessions, or the rule of its schedule."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from app.harvests.linked_data import Data, identity, line, lines, member, objects, whole
from app.kit.times import LONDON
from app.opportunities.models import MOST_SESSIONS, SessionStatus
from app.opportunities.recurrence import WEEKDAYS

Warn = Callable[[str, str, str], None]
"""Takes a pointer, a code and what is odd."""

NO_TIME = "The time is not stated."
ALWAYS = "Always available."
CANCELLED = ("EventCancelled", "EventPostponed")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS = dict(zip(DAY_NAMES, WEEKDAYS, strict=True))
_DURATION = re.compile(
    r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?"
)
_REPEATS = re.compile(r"P(\d{1,3})([DWMY])")
_FREQUENCIES = {"D": "DAILY", "W": "WEEKLY", "M": "MONTHLY", "Y": "YEARLY"}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?Z?")
LONDONS = frozenset({"", "Europe/London", "Europe/Belfast", "GB"})
MOST_CAPACITY = 1_000_000


def session(name: str, data: Data, warn: Warn) -> dict[str, Any] | None:
    """One occasion as a listing's session; None if it says no start."""
    starts = _moment(member(data, "startDate"))
    if starts is None:
        warn("#/sessions", "no_start", f"The session {name[:60]} has no startDate: left out.")
        return None
    found: dict[str, Any] = {"external_id": name[:200]}
    if isinstance(starts, datetime) and line(data.get("schedulingNote")) == NO_TIME:
        starts = starts.astimezone(LONDON).date() if starts.tzinfo else starts.date()
    if not isinstance(starts, datetime):
        found["date"] = starts.isoformat()
    else:
        found["starts_at"] = starts.isoformat()
        ends = _end(starts, data)
        if ends is not None:
            found["ends_at"] = ends.isoformat()
    _say_places(found, data)
    return found


def _end(starts: datetime, data: Data) -> datetime | None:
    ends = _moment(member(data, "endDate"))
    if not isinstance(ends, datetime):
        length = _length(line(data.get("duration")))
        ends = starts + length if length else None
    if ends is None or _comparable(ends) <= _comparable(starts):
        return None
    return ends


def _comparable(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=LONDON)


def _say_places(found: dict[str, Any], data: Data) -> None:
    """Whether it takes place, and for how many."""
    status = line(data.get("eventStatus")).rpartition("/")[2].rpartition(":")[2]
    capacity = whole(data.get("maximumAttendeeCapacity"), MOST_CAPACITY)
    left = whole(data.get("remainingAttendeeCapacity"), MOST_CAPACITY)
    if capacity is not None:
        found["capacity"] = capacity
    if left is not None:
        found["places_left"] = left
    if status in CANCELLED:
        found["status"] = SessionStatus.CANCELLED.value
    elif left == 0:
        found["status"] = SessionStatus.FULL.value


def of_series(data: Data, sessions: Sequence[tuple[str, Data]], warn: Warn) -> dict[str, Any]:
    """When a series is: its sessions, those it holds itself, or what its schedule says."""
    parts = [*sessions, *_embedded(data)]
    found = _all(parts, warn)
    if found:
        return {"sessions": found}
    schedules = objects(data.get("eventSchedule"))
    if any(line(one.get("schedulingNote")) == ALWAYS for one in (data, *schedules)):
        return {"always_available": True}
    for one in schedules:
        rule = _rule(one)
        if rule:
            return {"recurrence": rule}
    return {}


def of_course(data: Data, warn: Warn) -> dict[str, Any]:
    """When a course is: its parts, or from its first day on."""
    found = _all(_embedded(data), warn)
    if found:
        return {"sessions": found}
    return of_series(data, (), warn) or of_event(data, warn)


def of_event(data: Data, warn: Warn) -> dict[str, Any]:
    """When something is that happens once."""
    if member(data, "startDate") is None and not member(data, "subEvent", "eventSchedule"):
        always = line(data.get("schedulingNote")) == ALWAYS
        return {"always_available": True} if always else {}
    if member(data, "startDate") is None:
        return of_series(data, (), warn)
    one = session("", data, warn)
    if one is None:
        return {}
    del one["external_id"]  # it moves without becoming another
    return {"sessions": [one]}


def _embedded(data: Data) -> list[tuple[str, Data]]:
    found = objects(member(data, "subEvent", "subEvents"))
    return [(identity(one) or line(one.get("identifier")), one) for one in found]


def _all(parts: Sequence[tuple[str, Data]], warn: Warn) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for position, (name, data) in enumerate(parts):
        one = session(name or f"number {position}", data, warn)
        if one is not None:
            if not name:
                del one["external_id"]
            found[name or f"\0{position}"] = one
    ordered = sorted(found.values(), key=_start)
    if len(ordered) > MOST_SESSIONS:
        warn(
            "#/sessions",
            "too_many_sessions",
            f"It has {len(ordered):,} sessions; the {MOST_SESSIONS:,} latest are taken.",
        )
        ordered = ordered[-MOST_SESSIONS:]
    return ordered


def _start(one: dict[str, Any]) -> datetime:
    return _comparable(datetime.fromisoformat(one.get("starts_at") or one["date"]))


def _moment(value: Any) -> datetime | date | None:
    text = line(value)
    try:
        if len(text) == len("2027-02-15"):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _length(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if not match:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _rule(schedule: Data) -> dict[str, Any] | None:
    """A schedule that tells every occasion, as a rule; a partial one tells too little."""
    repeats = _REPEATS.fullmatch(line(schedule.get("repeatFrequency")))
    first = _moment(schedule.get("startDate"))
    clock = _CLOCK.fullmatch(line(schedule.get("startTime")))
    zone = line(schedule.get("scheduleTimezone"))
    if (
        line(member(schedule, "@type", "type")).endswith("PartialSchedule")
        or not repeats
        or first is None
        or not clock
        or zone not in LONDONS
    ):
        return None
    day = first.date() if isinstance(first, datetime) else first
    starts = datetime(day.year, day.month, day.day, int(clock[1]), int(clock[2]), tzinfo=LONDON)
    parts = [f"FREQ={_FREQUENCIES[repeats[2]]}", f"INTERVAL={int(repeats[1]) or 1}"]
    days = [code for one in lines(schedule.get("byDay")) if (code := DAYS.get(_last(one)))]
    if days and repeats[2] in "WD":
        parts.append(f"BYDAY={','.join(dict.fromkeys(days))}")
    count = whole(schedule.get("repeatCount"), MOST_SESSIONS)
    last = _moment(schedule.get("endDate"))
    if last is not None:
        until = last.date() if isinstance(last, datetime) else last
        parts.append(f"UNTIL={until:%Y%m%d}T235959")
    elif count:
        parts.append(f"COUNT={count}")
    found: dict[str, Any] = {"rrule": ";".join(parts), "starts_at": starts.isoformat()}
    ends = _CLOCK.fullmatch(line(schedule.get("endTime")))
    if ends:
        until_time = starts.replace(hour=int(ends[1]), minute=int(ends[2]))
        if until_time > starts:
            found["ends_at"] = until_time.isoformat()
    left_out = [_moment(one) for one in lines(schedule.get("exceptDate"))]
    if left_out:
        found["exdates"] = [
            (
                one.astimezone(LONDON) if isinstance(one, datetime) and one.tzinfo else one
            ).isoformat()[:10]
            for one in left_out
            if one is not None
        ][:400]
    return found


def _last(text: str) -> str:
    return text.rpartition("/")[2].rpartition(":")[2]
