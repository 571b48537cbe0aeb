"""From the events of an iCalendar feed (RFC 5545) to listings: one for each UID.

What a calendar cannot say (kind, ages, price, artform where no category does) comes from the
source's defaults. Organisers, contacts and attendees are people, and stay out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from icalendar import Calendar, Event

from app.harvests.calendar_occasions import Refused, sessions
from app.harvests.linked_data import address
from app.harvests.openactive_reading import TITLE_LENGTH, listing_name
from app.harvests.openactive_when import Warn
from app.harvests.openactive_where import where
from app.harvests.readings import Reading, Unreadable
from app.harvests.sorting import sort_word
from app.kit.problems import FieldError
from app.sources.cell_values import Context, one_line, unknown_word
from app.sources.plain_writing import read_html

MOST_BYTES = 10_000_000
MOST_EVENTS = 20_000
MOST_LISTINGS = 10_000
MOST_CHANGES = 2_000
"""Changed occasions of one event."""
LONGEST_LINE = 200_000
LONGEST_TEXT = 20_000
PRIVATE = frozenset({"PRIVATE", "CONFIDENTIAL"})
BEGIN = re.compile(rb"^BEGIN:", re.MULTILINE | re.IGNORECASE)
_FOLDED = re.compile(rb"\r?\n[ \t]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ufeff\u2028\u2029]")


@dataclass
class Events:
    """What a calendar holds for us."""

    readings: list[Reading] = field(default_factory=list)
    refused: list[tuple[str, Sequence[FieldError]]] = field(default_factory=list)
    """Events that cannot become listings: their UIDs, and what to change."""
    ignored: Counter[str] = field(default_factory=Counter)


def listings(data: bytes, words: Context, today: date) -> Events:
    """The listings of a calendar; Unreadable if it is none."""
    found = Events()
    by_uid: dict[str, list[Event]] = defaultdict(list)
    for calendar in _calendars(data):
        for part in calendar.subcomponents:
            if not isinstance(part, Event):
                if part.name != "VTIMEZONE":
                    found.ignored[str(part.name)[:40]] += 1
            elif str(part.get("CLASS", "")).upper() in PRIVATE:
                found.ignored["private"] += 1
            else:
                by_uid[str(part.get("UID", "")).strip()].append(part)
    if len(by_uid) > MOST_LISTINGS:
        raise Unreadable([_error("#", "too_many", f"It holds more than {MOST_LISTINGS:,} events.")])
    for uid, events in by_uid.items():
        _add(found, uid, events, words, today)
    return found


def _calendars(data: bytes) -> list[Calendar]:
    text = _FOLDED.sub(b"", data.removeprefix(b"\xef\xbb\xbf"))
    if not text.lstrip().upper().startswith(b"BEGIN:VCALENDAR"):
        raise Unreadable(
            [_error("#", "no_calendar", "This is no calendar: it begins with BEGIN:VCALENDAR.")]
        )
    if len(text) > MOST_BYTES:
        detail = f"A calendar has at most {MOST_BYTES // 1_000_000} MB. Leave out what is over."
        raise Unreadable([_error("#", "too_large", detail)])
    if len(BEGIN.findall(text)) > MOST_EVENTS:
        raise Unreadable([_error("#", "too_many", f"It holds more than {MOST_EVENTS:,} entries.")])
    if any(len(line) > LONGEST_LINE for line in text.splitlines()):
        raise Unreadable([_error("#", "too_long", "A line of it is longer than any text may be.")])
    try:
        calendars: list[Calendar] = Calendar.from_ical(
            text.decode("utf-8", "replace"), multiple=True
        )
    except (ValueError, IndexError, KeyError, RecursionError, TypeError, AttributeError) as error:
        detail = f"The calendar cannot be read: {str(error)[:200]}"
        raise Unreadable([_error("#", "no_calendar", detail)]) from None
    return calendars


def _add(found: Events, uid: str, events: list[Event], words: Context, today: date) -> None:
    """Add the listing of one UID, or why there is none."""
    warnings: list[FieldError] = []

    def warn(pointer: str, code: str, detail: str) -> None:
        if not any(one.code == code and one.pointer == pointer for one in warnings):
            warnings.append(_error(pointer, code, detail))

    if not uid:
        found.refused.append(("", [_error("#/external_id", "no_uid", "An event needs a UID.")]))
        return
    name = listing_name(uid)
    changes = [one for one in events if "RECURRENCE-ID" in one]
    masters = [one for one in events if "RECURRENCE-ID" not in one]
    if not masters:
        # A feed that leaves the past out may hold no more of a series than what was changed.
        masters, changes = changes[:1], changes[1:]
    master = max(masters, key=_sequence)
    try:
        if len(changes) > MOST_CHANGES:
            raise Refused(f"An event has at most {MOST_CHANGES:,} changed occasions.")
        item = _item(name, master, words, warn)
        item["sessions"] = sessions(master, changes, today, warn)
    except (Refused, OverflowError) as error:
        found.refused.append((name, [_error("#/sessions", "when", str(error))]))
        return
    withdrawn = str(master.get("STATUS", "")).upper() == "CANCELLED"
    if not item["sessions"] and not withdrawn:
        found.ignored["over"] += 1
        return
    if not item.get("title"):
        found.refused.append((name, [_error("#/title", "no_summary", "It needs a SUMMARY.")]))
        return
    found.readings.append(Reading(name, item, warnings, withdrawn=withdrawn))


def _sequence(event: Event) -> int:
    try:
        return int(event.get("SEQUENCE", 0))
    except (TypeError, ValueError):
        return 0


def _item(name: str, event: Event, words: Context, warn: Warn) -> dict[str, Any]:
    title = _text(event, "SUMMARY")
    if len(title) > TITLE_LENGTH:
        warn("#/title", "shortened", f"A title has {TITLE_LENGTH} characters at most: cut off.")
        title = title[: TITLE_LENGTH - 1].rstrip() + "…"
    found = {
        "external_id": name,
        "title": title,
        "description": _description(event, warn),
        "url": address(_text(event, "URL")),
        **_where(event, words, warn),
        **_sorted(event, words, warn),
    }
    online = address(_text(event, "CONFERENCE"))
    if online:
        found["booking"] = {"url": online}
        found.setdefault("delivery", "online")
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def _text(event: Event, name: str) -> str:
    value = event.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return one_line(str(value)[:LONGEST_TEXT]) if value is not None else ""


def _description(event: Event, warn: Warn) -> str:
    said = event.get("X-ALT-DESC") or event.get("DESCRIPTION") or ""
    if isinstance(said, list):
        said = said[0]
    try:
        return read_html(_CONTROLS.sub("", str(said)[:LONGEST_TEXT]))[:LONGEST_TEXT]
    except ValueError as error:
        warn("#/description", "unread", str(error))
        return ""


def _where(event: Event, words: Context, warn: Warn) -> dict[str, Any]:
    said = _text(event, "LOCATION")
    if said.startswith(("http://", "https://")):
        return {"delivery": "online"}
    place: dict[str, Any] = {"name": said.partition(",")[0].strip(), "address": said}
    geo = event.get("GEO")
    if geo is not None and not isinstance(geo, list):
        place["geo"] = {
            "latitude": getattr(geo, "latitude", None), "longitude": getattr(geo, "longitude", None)
        }  # fmt: skip
    return where({"location": place}, words, warn) if said or "geo" in place else {}


def _sorted(event: Event, words: Context, warn: Warn) -> dict[str, Any]:
    found: dict[str, Any] = {"artforms": [], "themes": [], "audiences": []}
    said = event.get("CATEGORIES")
    for entry in said if isinstance(said, list) else [said]:
        for category in getattr(entry, "cats", ()):
            label = one_line(str(category)[:200])
            if label and not sort_word(label, words, found):
                warn("#/artforms", "unknown_word", unknown_word("artforms", label))
    return {
        name: list(dict.fromkeys(value)) if isinstance(value, list) else value
        for name, value in found.items()
    }


def _error(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, detail=detail, code=code)
