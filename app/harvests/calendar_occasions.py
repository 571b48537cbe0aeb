"""When the events of a calendar take place: rules, exceptions and changes of single occasions.

Only the days around today are expanded, each looked at once, and rules below a day are refused: a
rule of a hundred bytes could else keep a machine busy for hours.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from icalendar import Event

from app.harvests.openactive_when import Warn
from app.kit.times import LONDON
from app.opportunities.models import MOST_SESSIONS, SessionStatus
from app.opportunities.recurrence import starts_between

BEFORE = timedelta(days=30)
"""How long what took place stays with a listing."""
HORIZON = timedelta(days=400)
MOST_RULES = 5
MOST_DATES = 2_000
"""RDATEs and EXDATEs of one event."""
MOST_DAYS = 400
OLDEST = date(1990, 1, 1)

When = date | datetime


class Refused(ValueError):
    """An event's times cannot be read; the words say what to change."""


def sessions(
    master: Event, changes: Iterable[Event], today: date, warn: Warn
) -> list[dict[str, Any]]:
    """The occasions of an event around today, in order; Refused if they cannot be told."""
    first = start_of(master)
    length = _length(master, first)
    repeats = bool(_values(master, "RRULE") or _values(master, "RDATE"))
    found: dict[When, dict[str, Any]] = {}
    for start in _starts(master, first, today, warn):
        found[_identity(start)] = {"start": start, "length": length, "event": master}
    for change in changes:
        of = _value(change, "RECURRENCE-ID")
        if not isinstance(of, date):
            continue
        if change.get("RECURRENCE-ID").params.get("RANGE"):
            warn(
                "#/sessions",
                "this_and_future",
                "A change of one occasion and all after it is read as a change of that one.",
            )
        start = start_of(change)
        found[_identity(of)] = {
            "start": start,
            "length": _length(change, start),
            "event": change,
        }
    told = [
        session
        for identity, one in found.items()
        for session in _told(identity, one, repeats=repeats)
    ]
    told = [one for one in told if _is_around(one, today)]
    told.sort(key=lambda one: str(one.get("starts_at") or one["date"]))
    if len(told) > MOST_SESSIONS:
        warn(
            "#/sessions",
            "too_many_sessions",
            f"It has {len(told):,} occasions; the first {MOST_SESSIONS:,} are taken.",
        )
    return told[:MOST_SESSIONS]


def start_of(event: Event) -> When:
    """When an event starts; Refused if it does not say."""
    start = _value(event, "DTSTART")
    if not isinstance(start, date) or _day(start) < OLDEST:
        raise Refused("The event has no DTSTART that can be read.")
    return start


def _starts(master: Event, first: When, today: date, warn: Warn) -> set[When]:
    since, until = today - BEFORE, today + HORIZON
    left_out = {_identity(one) for one in _dates(master, "EXDATE")}
    rules = _values(master, "RRULE")
    if len(rules) > MOST_RULES:
        raise Refused(f"An event has at most {MOST_RULES} rules; this has {len(rules)}.")
    found: set[When] = {first}
    for rule in rules:
        found.update(_by_rule(rule.to_ical().decode(), first, since, until))
    for one in _dates(master, "RDATE"):
        found.add(one)
    if any(name in master for name in ("EXRULE",)):
        warn("#/sessions", "exrule", "EXRULE is not read any more: use EXDATE.")
    return {one for one in found if _identity(one) not in left_out}


def _by_rule(rule: str, first: When, since: date, until: date) -> Iterator[When]:
    zone = _zone(first)
    wall = (
        first.astimezone(zone).replace(tzinfo=None)
        if isinstance(first, datetime) and first.tzinfo
        else datetime.combine(_day(first), first.time() if isinstance(first, datetime) else time())
    )
    # A day more on either side: the zone's day may be another than London's.
    day = timedelta(days=1)
    try:
        starts = starts_between(rule, wall, since - day, until + day, zone)
    except ValueError as error:
        raise Refused(f"The rule {rule[:80]} cannot be followed. {error}") from None
    for start in starts:
        yield start.replace(tzinfo=zone) if isinstance(first, datetime) else start.date()


def _zone(moment: When) -> tzinfo:
    return (moment.tzinfo if isinstance(moment, datetime) else None) or LONDON


def _length(event: Event, start: When) -> timedelta | None:
    """How long it takes; None if it does not say. Of whole days a day, if it does not say."""
    end, length = _value(event, "DTEND"), _value(event, "DURATION")
    if isinstance(end, date) and isinstance(end, datetime) == isinstance(start, datetime):
        found = _comparable(end) - _comparable(start)
    else:
        found = length if isinstance(length, timedelta) else timedelta()
    if found > timedelta():
        return found
    return None if isinstance(start, datetime) else timedelta(days=1)


def _told(identity: When, one: dict[str, Any], *, repeats: bool) -> Iterator[dict[str, Any]]:
    """The sessions of one occasion: one, or one a day of an event of whole days."""
    start, length = one["start"], one["length"]
    status = str(one["event"].get("STATUS", "")).upper()
    more = {"status": SessionStatus.CANCELLED.value} if status == "CANCELLED" else {}
    if not isinstance(start, datetime):
        for number in range(min(max(length.days, 1), MOST_DAYS)):
            day = start + timedelta(days=number)
            yield {"date": day.isoformat(), **more}
        return
    begins = _comparable(start)
    found: dict[str, Any] = {"starts_at": begins.astimezone(LONDON).isoformat()}
    if length:
        found["ends_at"] = (begins + length).astimezone(LONDON).isoformat()
    if repeats and isinstance(identity, datetime):
        found["external_id"] = f"{identity.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield found | more


def _is_around(one: dict[str, Any], today: date) -> bool:
    first: str = one.get("starts_at") or one["date"]
    last: str = one.get("ends_at") or first
    return last[:10] >= (today - BEFORE).isoformat() and first[:10] <= (today + HORIZON).isoformat()


# --- values -----------------------------------------------------------------------------------


def _values(event: Event, name: str) -> list[Any]:
    found = event.get(name)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _value(event: Event, name: str) -> Any:
    found = _values(event, name)
    return getattr(found[0], "dt", None) if found else None


def _dates(event: Event, name: str) -> list[When]:
    found: list[When] = []
    for entry in _values(event, name):
        for one in getattr(entry, "dts", ()):
            value = one.dt[0] if isinstance(one.dt, tuple) else one.dt
            if isinstance(value, date):
                found.append(value)
            if len(found) > MOST_DATES:
                raise Refused(f"An event has at most {MOST_DATES:,} dates in {name}.")
    return found


def _identity(when: When) -> When:
    """What makes an occasion the same: its instant, or its day."""
    return _comparable(when).astimezone(UTC) if isinstance(when, datetime) else when


def _comparable(when: When) -> datetime:
    if not isinstance(when, datetime):
        return datetime.combine(when, time(), LONDON)
    return when if when.tzinfo else when.replace(tzinfo=LONDON)


def _day(when: When) -> date:
    return when.date() if isinstance(when, datetime) else when
