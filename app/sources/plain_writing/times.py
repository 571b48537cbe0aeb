"""Times of day: noon and midnight, 12 and 24 hours, and spans that share one am or pm."""

import re
from dataclasses import dataclass
from datetime import time

from app.sources.plain_writing.lexicon import Sort, Token, scan
from app.sources.plain_writing.words import (
    CLEAR,
    DOUBTFUL,
    EMPTY,
    LIKELY,
    LONGEST,
    SURE,
    WAITING,
    Doubt,
    Reading,
    doubt,
    nothing,
    tidy,
    unread,
)

DAY_MINUTES = 1_440
NOON = 720
LATE = 17 * 60
"""A span that starts from here on (in minutes) may end after midnight."""
EARLY = 6 * 60
"""A span that starts before it (in minutes) is more likely a slip than a night event."""
MORNING_HOURS = range(9, 12)
"""Hours that listings without am or pm mean as morning."""
BETWEEN = 8
"""Within so many tokens "between" finds its "and"."""
_DIGITS = re.compile(r"(\d{1,2})(?:[:.h]?(\d\d))?")


@dataclass(frozen=True, slots=True)
class Clock:
    """An hour and minute as written; `half` is am or pm, `exact` needs neither."""

    hour: int
    minute: int
    half: str | None = None
    exact: bool = False
    colon: bool = False

    @property
    def minutes(self) -> int:
        """Minutes after midnight, as far as it says."""
        hour = self.hour
        if self.half and hour <= 12:
            hour = hour % 12 + (12 if self.half == "pm" else 0)
        return (hour * 60 + self.minute) % DAY_MINUTES

    @property
    def certain(self) -> bool:
        """Whether it can only be one time of the day."""
        return self.exact or self.half is not None


@dataclass(frozen=True, slots=True)
class Span:
    """When it starts and ends, in minutes after midnight; after 1,440 is the next day."""

    start: int
    end: int | None
    confidence: float = SURE
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A start and, if told, an end; an end before the start is on the next day."""

    starts: time
    ends: time | None


def clock(text: str) -> Clock | None:
    """The time that a piece of text writes; None when no clock shows it."""
    if "noon" in text or "midday" in text:
        return Clock(12, 0, exact=True)
    if "midnight" in text:
        return Clock(0, 0, exact=True)
    found = _DIGITS.match(text)
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    rest = text[found.end() :]
    half = "am" if "a" in rest else "pm" if "p" in rest else None
    if hour > 24 or minute > 59 or (hour == 24 and minute) or (hour > 12 and half == "am"):
        return None
    exact = half is None and (hour > 12 or found[1].startswith("0") or "h" in text)
    return Clock(hour, minute, half, exact, ":" in text)


def span(first: Clock, second: Clock | None) -> Span:
    """The span between two written times; each may take its am or pm from the other."""
    if second is None:
        start, confidence, doubts = _alone(first)
        return _checked(Span(start, None, confidence, doubts))
    if first.certain and second.certain:
        return _checked(_ordered(first.minutes, second.minutes, SURE))
    if second.certain:
        # "10-12pm" and "4-5pm": the last time of the clock that comes before the end.
        choices = [m for m in _both(first) if m < (second.minutes or DAY_MINUTES)]
        if choices:
            return _checked(_ordered(max(choices), second.minutes, CLEAR))
        return Span(first.minutes, None, DOUBTFUL, ("end_before_start",))
    if first.certain:
        # "10am-12" and "10pm-1": the next time of the clock after the start.
        after = (*_both(second), *(minutes + DAY_MINUTES for minutes in _both(second)))
        return _checked(_ordered(first.minutes, min(m for m in after if m > first.minutes), CLEAR))
    return _checked(_unmarked(first, second))


def _both(written: Clock) -> tuple[int, int]:
    minutes = (written.hour % 12) * 60 + written.minute
    return minutes, minutes + NOON


def _alone(written: Clock) -> tuple[int, float, tuple[str, ...]]:
    if written.certain:
        return written.minutes, SURE, ()
    if written.hour == 12 or written.hour in MORNING_HOURS:
        return written.minutes, LIKELY, ()
    return _both(written)[1], DOUBTFUL, ("am_or_pm",)


def _unmarked(first: Clock, second: Clock) -> Span:
    """Neither says am or pm: "10-12" and "10-4" speak for themselves, "4-5" does not."""
    start, confidence, doubts = _alone(first)
    if first.hour % 12 > second.hour % 12 and not doubts:
        return Span(start, _both(second)[1], LIKELY)
    if doubts:
        evening = _both(second)[1]
        if evening <= start:
            return Span(start, None, DOUBTFUL, (*doubts, "end_before_start"))
        return Span(start, evening, confidence, doubts)
    if first.hour == 12:
        return _ordered(start, _both(second)[1], LIKELY)
    even = first.colon and second.colon and first.hour > 9 and second.hour > 9
    return _ordered(start, second.minutes, CLEAR if even else confidence)


def _ordered(start: int, end: int, confidence: float) -> Span:
    if end > start:
        return Span(start, end, confidence)
    if start >= LATE and end <= EARLY:
        return Span(start, end + DAY_MINUTES, min(confidence, CLEAR))
    return Span(start, None, DOUBTFUL, ("end_before_start",))


def _checked(found: Span) -> Span:
    if 0 < found.start < EARLY:
        return Span(found.start, found.end, DOUBTFUL, (*found.doubts, "odd_hours"))
    return found


# --- in a row of tokens -----------------------------------------------------------------------


def between(tokens: list[Token]) -> list[Token]:
    """The tokens with "between 10 and 12" written as "from 10 to 12"."""
    for at, token in enumerate(tokens):
        if token.sort is Sort.FROM and token.text == "between":
            for place in range(at + 1, min(at + BETWEEN, len(tokens))):
                if tokens[place].text == "and":
                    tokens[place] = Token(Sort.RANGE, "and")
                    break
    return tokens


def spans(tokens: list[Token], *, bare: bool) -> list[Token]:
    """Times put together into spans; `bare` numbers such as "10-12" count as hours too."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        found, used = _span_at(tokens, at, bare=bare)
        out.append(found or tokens[at])
        at += used
    return out


def _span_at(tokens: list[Token], at: int, *, bare: bool) -> tuple[Token | None, int]:
    first = _hour(tokens, at)
    if first is None:
        return None, 1
    second = _hour(tokens, at + 2) if _is(tokens, at + 1, Sort.RANGE) else None
    if second is not None and _is(tokens, at + 2, Sort.NUMBER):
        # The number after "10am-" is a day when a month follows.
        second = None if _is(tokens, at + 3, Sort.MONTH, Sort.DATE) else second
    if _is(tokens, at, Sort.NUMBER):
        timed = second is not None and (bare or _is(tokens, at + 2, Sort.CLOCK))
        told = _is(tokens, at - 1, Sort.AT) and second is None
        if not (timed or told) or _is_day(tokens, at):
            return None, 1
    written = " ".join(token.text for token in tokens[at : at + (3 if second else 1)])
    return Token(Sort.SPAN, written, span(first, second)), 3 if second else 1


def _is(tokens: list[Token], at: int, *sorts: Sort) -> bool:
    return 0 <= at < len(tokens) and tokens[at].sort in sorts


def _is_day(tokens: list[Token], at: int) -> bool:
    """Whether the number belongs to a month: "June 5-7pm", "14 June"."""
    if _is(tokens, at + 1, Sort.MONTH):
        return True
    return _is(tokens, at - 1, Sort.MONTH) and not _is(tokens, at - 2, Sort.NUMBER)


def _hour(tokens: list[Token], at: int) -> Clock | None:
    if _is(tokens, at, Sort.CLOCK):
        return clock(tokens[at].text)
    if not _is(tokens, at, Sort.NUMBER):
        return None
    text = tokens[at].text
    if not text.isdecimal():
        return None
    if len(text) == 4:
        # "1400-1530" is on the clock, "2027-2028" is not meant so.
        return clock(text + "h") if text[:2] not in ("19", "20", "21") else None
    return clock(text) if int(text) <= 24 else None


def read_time(text: str) -> Reading[TimeRange]:
    """A time of day, or a span of it: "10.30am–12pm", "noon", "14:00"."""
    plain = tidy(text).lower()
    if plain in EMPTY:
        return nothing(text)
    if len(plain) > LONGEST:
        return unread(text, "too_long")
    if WAITING.fullmatch(plain):
        return unread(text, "to_be_confirmed")
    tokens = tied(between(scan(plain)))
    if any(token.sort is Sort.CLOCK and clock(token.text) is None for token in tokens):
        return unread(text, "no_such_time")
    doors = any(token.sort is Sort.DOORS for token in tokens)
    tokens = without_doors(spans(tokens, bare=True))
    if doors:
        tokens = [token for token in tokens if token.sort is not Sort.LIST]
    if any(ends_only(tokens, at) for at in range(len(tokens))):
        return unread(text, "no_start_time")
    found = [token for token in tokens if token.sort is Sort.SPAN]
    rest = [t for t in tokens if t.sort not in (Sort.SPAN, Sort.AT, Sort.FROM)]
    if (
        len(tokens) == 1
        and tokens[0].sort is Sort.NUMBER
        and tokens[0].text.isdecimal()
        and int(tokens[0].text) <= 24
    ):
        found, rest = (
            [Token(Sort.SPAN, tokens[0].text, span(Clock(int(tokens[0].text), 0), None))],
            [],
        )
    if len(found) != 1 or rest:
        return unread(text, "no_time" if not found else "unread")
    value: Span = found[0].value
    doubts: tuple[Doubt, ...] = tuple(doubt(code, text) for code in value.doubts)
    return Reading(
        TimeRange(_time(value.start), None if value.end is None else _time(value.end)),
        text,
        value.confidence,
        doubts,
    )


def without_doors(tokens: list[Token]) -> list[Token]:
    """Without the time at which doors open, when the time of the event is told too.

    The word stands before its time or behind it: of two neighbours the earlier is meant.
    """
    doors = [at for at, token in enumerate(tokens) if token.sort is Sort.DOORS]
    times = sum(token.sort is Sort.SPAN for token in tokens)
    drop: set[int] = set()
    for at in doors:
        drop.add(at)
        beside = [place for place in (at - 1, at + 1) if _is(tokens, place, Sort.SPAN)]
        beside = [
            place for place in beside if place not in drop and tokens[place].value.end is None
        ]
        if at + 2 < len(tokens) and beside == [at - 1]:
            comma = tokens[at + 1].sort is Sort.LIST and _is(tokens, at + 2, Sort.SPAN)
            beside = beside if comma else []
        if beside and times > 1:
            drop.add(min(beside, key=lambda place: tokens[place].value.start))
            times -= 1
    return [token for at, token in enumerate(tokens) if at not in drop]


def ends_only(tokens: list[Token], at: int) -> bool:
    """Whether a lone time at this place is an end without a start: "until 4pm"."""
    lone = tokens[at].sort is Sort.SPAN and tokens[at].value.end is None
    return lone and _is(tokens, at - 1, Sort.RANGE) and tokens[at - 1].text[0] != "-"


def tied(tokens: list[Token]) -> list[Token]:
    """The tokens without a comma before a word of ending: "10am, finishes 4pm"."""
    return [
        token
        for at, token in enumerate(tokens)
        if token.sort is not Sort.LIST
        or not _is(tokens, at + 1, Sort.RANGE)
        or tokens[at + 1].text[0] == "-"
    ]


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)
