"""iCalendar (RFC 5545) as text: lines, their escaping and folding, London's time zone.

A writer of our own, because nearly all of an event is the same for every session of a listing: it
is written and folded once, and a session adds five short lines. The `icalendar` library builds
each event from objects: 495 µs an event, where this took 44 with the reading from the database
included. The tests read all of it with that library.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta

from app.kit.times import LONDON

OCTETS = 75
"""Of one line at most, without its end."""
END = b"\r\n"
ZONE = "Europe/London"
PRODUCT = "-//Local Cultural Education Partnerships//Opportunities//EN"
REFRESH = "PT4H"
"""How often subscribers are asked to look again."""
_ESCAPED = re.compile(r"[\\;,\n]")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_TO_ESCAPE = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}

VTIMEZONE = b"\r\n".join(
    (
        b"BEGIN:VTIMEZONE",
        b"TZID:Europe/London",
        b"BEGIN:DAYLIGHT",
        b"DTSTART:19960331T010000",
        b"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        b"TZOFFSETFROM:+0000",
        b"TZOFFSETTO:+0100",
        b"TZNAME:BST",
        b"END:DAYLIGHT",
        b"BEGIN:STANDARD",
        b"DTSTART:19961027T020000",
        b"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        b"TZOFFSETFROM:+0100",
        b"TZOFFSETTO:+0000",
        b"TZNAME:GMT",
        b"END:STANDARD",
        b"END:VTIMEZONE",
        b"",
    )
)
"""The rule since 1996; no session here is older than 2000."""


def line(name: str, value: str) -> bytes:
    """One property, folded, with its end. The value is escaped already, if it is a text."""
    whole = f"{name}:{value}".encode()
    if len(whole) <= OCTETS:
        return whole + END
    return (END + b" ").join(_folded(whole)) + END


def text(value: str) -> str:
    """A text as a value. Other controls than line ends mean nothing to anybody."""
    plain = _CONTROLS.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    return _ESCAPED.sub(lambda found: _TO_ESCAPE[found[0]], plain)


def texts(values: Iterable[str]) -> str:
    """Several texts as one value."""
    return ",".join(map(text, values))


def moment(name: str, value: datetime) -> bytes:
    """A property whose value is a time on London's clocks.

    Of the hour that comes twice in autumn, such a time means the first; the second is told in UTC.
    """
    local = value.astimezone(LONDON)
    if local.fold:
        return line(name, instant(value))
    return line(f"{name};TZID={ZONE}", f"{local:%Y%m%dT%H%M%S}")


def instant(value: datetime) -> str:
    """A time in UTC."""
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def days(first: date) -> bytes:
    """The beginning and end of an event that lasts a day, whose hours are not known."""
    after = first + timedelta(days=1)
    return line("DTSTART;VALUE=DATE", f"{first:%Y%m%d}") + line(
        "DTEND;VALUE=DATE", f"{after:%Y%m%d}"
    )


def calendar(
    *, name: str, description: str, address: str, events: Iterable[bytes]
) -> Iterator[bytes]:
    """A calendar to subscribe to, part by part."""
    yield b"".join(
        (
            b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n",
            line("PRODID", PRODUCT),
            b"CALSCALE:GREGORIAN\r\n",
            line("NAME", text(name)),
            line("X-WR-CALNAME", text(name)),
            line("DESCRIPTION", text(description)),
            line("X-WR-CALDESC", text(description)),
            line("X-WR-TIMEZONE", ZONE),
            line("REFRESH-INTERVAL;VALUE=DURATION", REFRESH),
            line("X-PUBLISHED-TTL", REFRESH),
            line("SOURCE;VALUE=URI", address),
            VTIMEZONE,
        )
    )
    yield from events
    yield b"END:VCALENDAR\r\n"


def _folded(whole: bytes) -> Iterator[bytes]:
    """Parts of at most 75 octets, the space before them included, cut between characters only."""
    start, room = 0, OCTETS
    while start < len(whole):
        end = min(start + room, len(whole))
        # An octet that goes on with a character is never the first of a part.
        while end < len(whole) and whole[end] & 0xC0 == 0x80:
            end -= 1
        yield whole[start:end]
        start, room = end, OCTETS - 1
