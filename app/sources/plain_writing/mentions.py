"""What a text about dates mentions, in its order: days, spans of time, weekdays, and signs."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise

from app.sources.plain_writing.dates import DateOrder, Day, days, settle
from app.sources.plain_writing.lexicon import ORDINALS, SMALL_NUMBERS, Sort, Token, scan
from app.sources.plain_writing.stamps import far, machine_number, stamp
from app.sources.plain_writing.times import (
    Span,
    between,
    clock,
    ends_only,
    spans,
    tied,
    without_doors,
)
from app.sources.plain_writing.words import Doubt, doubt


@dataclass(frozen=True, slots=True)
class Days:
    """A day, or all days from the first to the last; `role` is from, until or except."""

    first: date
    last: date
    role: str = ""
    start: Span | None = None
    end: Span | None = None

    @property
    def is_range(self) -> bool:
        """Whether it is more than one day."""
        return self.first != self.last


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Days of the week; with ordinals, those of a month."""

    numbers: frozenset[int]
    several: bool
    ordinals: tuple[int, ...] = ()
    left_out: bool = False
    """It does not take place on them."""


Mention = Days | Weekdays | Span


@dataclass
class Facts:
    """Everything that a text says about when."""

    mentions: list[Mention] = field(default_factory=list)
    signs: set[Sort] = field(default_factory=set)
    doubts: list[Doubt] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    interval: int = 1
    count: int | None = None
    count_is_weeks: bool = False
    minutes: int | None = None
    """How long it lasts, when that is said instead of an end."""
    impossible: bool = False
    named_days: set[date] = field(default_factory=set)
    """Dates beside which their weekday stands."""


_SKIPPED = {Sort.RANGE, Sort.LIST, Sort.FROM, Sort.AT, Sort.DOORS}
_UNREAD = {Sort.NUMBER, Sort.SHORT_YEAR, Sort.MONTH, Sort.ODD, Sort.ORDINAL, Sort.CLOCK}
_ROLES: Mapping[Sort, str] = {Sort.FROM: "from", Sort.RANGE: "until"}


def facts(plain: str, *, order: DateOrder, today: date) -> Facts:
    """What a tidied text in small letters says about when."""
    found = Facts()
    tokens = list(_without_stamps(tied(between(scan(plain))), found))
    for token in tokens:
        if token.sort is Sort.CLOCK and clock(token.text) is None:
            found.doubts.append(doubt("no_such_time", token.text))
            found.impossible = True
    tokens = days(spans(tokens, bare=False), order)
    if any(token.sort in (Sort.DAY, Sort.WEEKDAY) for token in tokens):
        tokens = spans(tokens, bare=True)
    tokens = _without_lone_ends(without_doors(tokens), found)
    _gather(_settled(tokens, found, today), found)
    return found


# --- before reading ---------------------------------------------------------------------------


def _without_stamps(tokens: list[Token], found: Facts) -> Iterator[Token]:
    """A machine's date and time as a day and a clock; "/" between two of them is a range."""
    for at, token in enumerate(tokens):
        around = (tokens[max(at - 1, 0)].sort, tokens[min(at + 1, len(tokens) - 1)].sort)
        if token.text == "/" and around == (Sort.STAMP, Sort.STAMP):
            yield Token(Sort.RANGE, "/")
            continue
        if token.sort is Sort.CLOCK and _is_empty_midnight(tokens, at):
            continue
        if token.sort is not Sort.STAMP:
            yield token
            continue
        value = stamp(token.text)
        if value is None:
            found.doubts.append(doubt("no_such_date", token.text))
            found.impossible = True
            continue
        found.doubts.extend(doubt(code, token.text) for code in value.doubts)
        day = value.date
        yield Token(Sort.DAY, token.text, Day(day.day, day.month, day.year))
        if value.minutes is not None:
            yield Token(Sort.CLOCK, f"{value.minutes // 60:02}h{value.minutes % 60:02}")


def _is_empty_midnight(tokens: list[Token], at: int) -> bool:
    """A spreadsheet writes a date without a time as "25/07/2027 00:00"."""
    written = tokens[at].text
    return (
        at > 0
        and tokens[at - 1].sort is Sort.DATE
        and bool(re.fullmatch(r"00:00(:00)?|12:00:00 am", written))
    )


def _without_lone_ends(tokens: list[Token], found: Facts) -> list[Token]:
    """Without times that say only when it ends, which are told; "10-12-2" is told too."""
    drop = {at for at in range(len(tokens)) if ends_only(tokens, at)}
    for at in sorted(drop):
        found.doubts.append(doubt("no_start_time", tokens[at].text))
    for at in range(1, len(tokens) - 1):
        sorts = [token.sort for token in tokens[at - 1 : at + 2]]
        if sorts == [Sort.SPAN, Sort.RANGE, Sort.SPAN] and at + 1 not in drop:
            found.unread.append(tokens[at].text + tokens[at + 1].text)
    return [token for at, token in enumerate(tokens) if at not in drop]


def _settled(tokens: list[Token], found: Facts, today: date) -> list[Token]:
    """The tokens with the date of each day settled; a day that cannot be is told and dropped."""
    places = [at for at, token in enumerate(tokens) if token.sort is Sort.DAY]
    ranges = {
        nth
        for nth, (here, there) in enumerate(pairwise(places))
        if any(token.sort is Sort.RANGE for token in tokens[here + 1 : there])
    }
    settled = settle([tokens[at] for at in places], ranges=frozenset(ranges), today=today)
    for at, one in zip(places, settled, strict=True):
        found.doubts.extend(one.doubts)
        if one.date is None:
            found.impossible = True
        else:
            if tokens[at].value.weekday is not None:
                found.named_days.add(one.date)
            tokens[at] = replace(tokens[at], value=one.date)
    return [token for token in tokens if token.sort is not Sort.DAY or type(token.value) is date]


# --- reading ----------------------------------------------------------------------------------


def _gather(tokens: list[Token], found: Facts) -> None:
    at = 0
    excepted = False
    while at < len(tokens):
        token = tokens[at]
        if token.sort is Sort.EXCEPT:
            excepted = True
            found.signs.add(Sort.EXCEPT)
            at += 1
        elif token.sort is Sort.DAY:
            at = _take_days(tokens, at, found, excepted=excepted)
        elif _starts_weekdays(tokens, at):
            at = _take_weekdays(tokens, at, found, excepted=excepted)
            excepted = False
        else:
            excepted = excepted and token.sort in (Sort.LIST, Sort.RANGE)
            _take_sign(token, found)
            at += 1


def _take_days(tokens: list[Token], at: int, found: Facts, *, excepted: bool) -> int:
    first = tokens[at].value
    before = tokens[at - 1].sort if at else None
    role = "except" if excepted else _ROLES.get(before, "") if before else ""
    sorts = [token.sort for token in tokens[at : at + 5]]
    if sorts[:3] == [Sort.DAY, Sort.RANGE, Sort.DAY]:
        found.mentions.append(_range(found, Days(first, tokens[at + 2].value, role)))
        return at + 3
    if sorts == [Sort.DAY, Sort.SPAN, Sort.RANGE, Sort.DAY, Sort.SPAN] and not excepted:
        start, end = tokens[at + 1].value, tokens[at + 4].value
        last = tokens[at + 3].value
        if start.end is None and end.end is None:
            found.mentions.append(_range(found, Days(first, last, role, start, end)))
            return at + 5
    found.mentions.append(Days(first, first, role))
    return at + 1


def _range(found: Facts, days: Days) -> Days:
    if days.last < days.first:
        shown = f"{days.first:%d/%m/%Y} - {days.last:%d/%m/%Y}"
        found.doubts.append(doubt("end_before_start", shown))
        found.impossible = True
    return days


def _starts_weekdays(tokens: list[Token], at: int) -> bool:
    if tokens[at].sort is Sort.WEEKDAY:
        return True
    return _ordinal(tokens[at]) is not None and _weekday_follows(tokens, at + 1)


def _weekday_follows(tokens: list[Token], at: int) -> bool:
    for token in tokens[at : at + 6]:
        if token.sort is Sort.WEEKDAY:
            return True
        if token.sort is not Sort.LIST and _ordinal(token) is None:
            return False
    return False


def _ordinal(token: Token) -> int | None:
    if token.sort is Sort.ORDINAL:
        return ORDINALS[token.text]
    if token.sort is Sort.NUMBER and token.text in ("1st", "2nd", "3rd", "4th"):
        return int(token.text[0])
    return None


def _take_weekdays(tokens: list[Token], at: int, found: Facts, *, excepted: bool) -> int:
    """Weekdays joined by list signs and ranges: "Mon, Wed & Fri", "Tues-Sun", "1st Saturday"."""
    numbers: set[int] = set()
    ordinals: list[int] = []
    several = False
    end = at
    while at < len(tokens):
        token = tokens[at]
        ordinal = _ordinal(token)
        if ordinal is not None and _weekday_follows(tokens, at + 1):
            ordinals.append(ordinal)
        elif token.sort is Sort.WEEKDAY:
            group, plural = token.value
            several = several or plural
            if at >= 2 and numbers and tokens[at - 1].sort is Sort.RANGE:
                numbers |= _run(tokens[at - 2], group[0])
                several = True
            numbers |= set(group)
            end = at + 1
        elif token.sort not in (Sort.LIST, Sort.RANGE):
            break
        at += 1
    found.mentions.append(Weekdays(frozenset(numbers), several, tuple(ordinals), excepted))
    return end


def _run(before: Token, last: int) -> set[int]:
    """The days from the one before a range sign to the last, over Sunday if need be."""
    if before.sort is not Sort.WEEKDAY:
        return set()
    first = before.value[0][0]
    return {(first + step) % 7 for step in range((last - first) % 7 + 1)}


# --- signs ------------------------------------------------------------------------------------


def _take_sign(token: Token, found: Facts) -> None:
    if token.sort in _SKIPPED:
        return
    if token.sort in _UNREAD:
        found.unread.append(token.text)
        if token.sort is Sort.MONTH:
            found.signs.add(Sort.MONTH)
        return
    found.signs.add(token.sort)
    take = _TAKERS.get(token.sort)
    if take:
        take(token, found)


def _take_span(token: Token, found: Facts) -> None:
    found.mentions.append(token.value)
    found.doubts.extend(doubt(code, token.text) for code in token.value.doubts)


def _take_count(token: Token, found: Facts) -> None:
    number = re.search(r"\d+", token.text)
    words = [SMALL_NUMBERS[word] for word in token.text.split() if word in SMALL_NUMBERS]
    found.count = int(number[0]) if number else words[0] if words else None
    found.count_is_weeks = "w" in token.text


def _take_interval(token: Token, found: Facts) -> None:
    found.interval = 2
    for sign, number in (("3", 3), ("three", 3), ("4", 4), ("four", 4)):
        if sign in token.text:
            found.interval = number


def _take_duration(token: Token, found: Facts) -> None:
    number = float(re.match(r"[\d.]+", token.text)[0])  # type: ignore[index]
    found.minutes = round(number * (60 if "h" in token.text else 1))


_TAKERS: Mapping[Sort, Callable[[Token, Facts], None]] = {
    Sort.SPAN: _take_span,
    Sort.COUNT: _take_count,
    Sort.INTERVAL: _take_interval,
    Sort.DURATION: _take_duration,
}


def of_machine_number(plain: str, today: date) -> Facts | None:
    """The facts of a spreadsheet's day number or a Unix time, the whole of a text."""
    value = machine_number(plain)
    if value is None:
        return None
    found = Facts([Days(value.date, value.date)])
    found.doubts.extend(doubt(code, plain) for code in value.doubts)
    if far(value.date, today):
        found.doubts.append(doubt("unlikely_year", plain))
    if value.minutes is not None:
        found.mentions.append(Span(value.minutes, None))
    return found


def each_day(days: Days) -> list[date]:
    """Every day of a mention, in order."""
    return [days.first + timedelta(days=step) for step in range((days.last - days.first).days + 1)]
