"""Dates as people write them: days put together, years settled, weekdays checked."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from app.opportunities.models import EARLIEST, LATEST
from app.sources.plain_writing.lexicon import MONTHS, WEEKDAY_NAMES, Sort, Token, scan
from app.sources.plain_writing.stamps import FAR_YEARS, Stamp, far, machine_number, stamp
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

CHAIN = 40
"""At most so many days share one month: "5, 12 & 19 June"."""
NEAR = timedelta(days=200)
"""Dates of one list lie no further apart when one of them tells the year of the others."""
SEASON = timedelta(days=345)
"""A range without a first year is no longer: from September to July."""


class DateOrder(StrEnum):
    """Which of two numbers comes first in a date."""

    DMY = "dmy"
    MDY = "mdy"


@dataclass(frozen=True, slots=True)
class Day:
    """A date as written: the year may be missing, the weekday may be told."""

    day: int
    month: int
    year: int | None = None
    weekday: int | None = None
    swapped: bool = False
    maybe_hours: bool = False

    def on(self, year: int) -> date | None:
        """The date in a year, if the calendar has it."""
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Settled:
    """A day whose year is known, and the doubts that came with it."""

    date: date | None
    doubts: tuple[Doubt, ...] = ()


# --- the order of a column --------------------------------------------------------------------

_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})\s?([/.-])\s?(\d{1,2})\s?\2\s?(?:\d{4}|\d{2})(?!\d)")


def date_order(column: Iterable[str]) -> tuple[DateOrder, Doubt | None]:
    """Day first, unless a date of the column proves the opposite and none contradicts it."""
    proofs: dict[DateOrder, str] = {}
    for cell in column:
        for found in _NUMERIC.finditer(tidy(cell[:LONGEST])):
            first, second = int(found[1]), int(found[3])
            if first > 12 >= second:
                proofs.setdefault(DateOrder.DMY, found[0])
            elif second > 12 >= first:
                proofs.setdefault(DateOrder.MDY, found[0])
    if len(proofs) == 2:
        return DateOrder.DMY, doubt("mixed_date_order", "")
    return (DateOrder.MDY if DateOrder.MDY in proofs else DateOrder.DMY), None


# --- tokens to days ---------------------------------------------------------------------------


def days(tokens: list[Token], order: DateOrder) -> list[Token]:
    """The tokens with every date put together as a DAY; ranges and lists stay between them."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        if _is_two_ranges(tokens, at):
            out.extend(tokens[at : at + 3])
            at += 3
            continue
        found, end = _day_at(tokens, at, order)
        if found and len(found) == 1:
            end = _weekday_behind(tokens, at, end, found)
        out.extend(found or [tokens[at]])
        at = end if found else at + 1
    return out


def _day_at(tokens: list[Token], at: int, order: DateOrder) -> tuple[list[Token], int]:
    if tokens[at].sort not in (Sort.NUMBER, Sort.WEEKDAY, Sort.MONTH, Sort.DATE):
        return [], at
    for attempt in (_before_month, _after_month, _numeric):
        found, end = attempt(tokens, at, order)
        if found:
            return found, end
    return [], at


def _is_two_ranges(tokens: list[Token], at: int) -> bool:
    """Whether hours come before the end of a run: "10-5 until 4 July"; a range has two ends."""
    signs = (Sort.NUMBER, Sort.RANGE, Sort.NUMBER, Sort.RANGE)
    return all(_sort(tokens, at + step) is sign for step, sign in enumerate(signs))


def _sort(tokens: list[Token], at: int) -> Sort | None:
    return tokens[at].sort if 0 <= at < len(tokens) else None


def _weekday(tokens: list[Token], at: int) -> tuple[int | None, int]:
    """One weekday, not plural, and where the date after it begins."""
    if _sort(tokens, at) is not Sort.WEEKDAY:
        return None, at
    numbers, plural = tokens[at].value
    spans_days = _sort(tokens, at - 1) is Sort.RANGE and _sort(tokens, at - 2) is Sort.WEEKDAY
    if plural or len(numbers) > 1 or spans_days:
        return None, at
    comma = _sort(tokens, at + 1) is Sort.LIST and tokens[at + 1].text == ","
    return numbers[0], at + (2 if comma else 1)


def _day_number(tokens: list[Token], at: int) -> int | None:
    if _sort(tokens, at) is not Sort.NUMBER:
        return None
    number = int(re.sub(r"\D", "", tokens[at].text))
    return number if 1 <= number <= 31 and len(tokens[at].text) <= 4 else None


def _year(tokens: list[Token], at: int) -> tuple[int | None, int]:
    """A year behind a month, and where the next token stands."""
    if _sort(tokens, at) is Sort.SHORT_YEAR:
        return 2000 + int(tokens[at].text[1:]), at + 1
    comma = _sort(tokens, at) is Sort.LIST and tokens[at].text == ","
    behind = at + 1 if comma else at
    if _sort(tokens, behind) is not Sort.NUMBER or not tokens[behind].text.isdecimal():
        return None, at
    number = int(tokens[behind].text)
    if 1900 <= number <= 2199:
        return number, behind + 1
    short = 24 <= number <= 40 and _sort(tokens, behind + 1) not in (Sort.MONTH, Sort.RANGE)
    return (2000 + number, behind + 1) if short and not comma else (None, at)


def _connector(tokens: list[Token], at: int) -> int:
    """How many tokens join two days at this place: a range, a list sign, or ", and"."""
    if _sort(tokens, at) is Sort.RANGE:
        return 1
    if _sort(tokens, at) is not Sort.LIST:
        return 0
    return 2 if _sort(tokens, at + 1) is Sort.LIST else 1


def _before_month(tokens: list[Token], at: int, order: DateOrder) -> tuple[list[Token], int]:
    """ "Sat 12 & Sun 13 June 2027", "14-16/06/2027": numbers that share what follows them."""
    parts: list[tuple[int, int | None] | Token] = []
    while len(parts) < 2 * CHAIN:
        weekday, here = _weekday(tokens, at)
        number = _day_number(tokens, here)
        if number is None:
            if parts and _sort(tokens, here) is Sort.DATE:
                return _sharing_numbers(parts, tokens, at, order)
            return [], at
        parts.append((number, weekday))
        at = here + 1
        if _sort(tokens, at) is Sort.MONTH:
            year, end = _year(tokens, at + 1)
            month = MONTHS[tokens[at].text]
            return _joined(parts, month, year, f"{tokens[at].text} {year or ''}"), end
        joined = _connector(tokens, at)
        if not joined:
            return [], at
        parts.append(tokens[at])
        at += joined
    return [], at


def _sharing_numbers(
    parts: list[tuple[int, int | None] | Token], tokens: list[Token], at: int, order: DateOrder
) -> tuple[list[Token], int]:
    last, end = _numeric(tokens, at, order)
    if not last or last[0].value.swapped:
        return [], at
    value: Day = last[0].value
    tail = f"/{value.month} {value.year or ''}"
    return [*_joined(parts, value.month, value.year, tail), *last], end


def _joined(
    parts: list[tuple[int, int | None] | Token], month: int, year: int | None, tail: str
) -> list[Token]:
    hours = _maybe_hours(parts)
    return [
        part
        if isinstance(part, Token)
        else Token(
            Sort.DAY,
            f"{part[0]} {tail}".strip(),
            Day(part[0], month, year, part[1], maybe_hours=hours),
        )
        for part in parts
    ]


def _maybe_hours(parts: list[tuple[int, int | None] | Token]) -> bool:
    """Whether "10-12, 14 June" may begin with hours of the clock."""
    if len(parts) < 5 or not isinstance(parts[1], Token) or not isinstance(parts[3], Token):
        return False
    first, last = parts[0], parts[2]
    small = all(isinstance(part, tuple) and part[0] <= 12 for part in (first, last))
    return small and parts[1].sort is Sort.RANGE and parts[3].text == ","


def _after_month(tokens: list[Token], at: int, _: DateOrder) -> tuple[list[Token], int]:
    """ "June 14, 2027" and "June 5, 12 and 19, 2027"."""
    weekday, here = _weekday(tokens, at)
    if _sort(tokens, here) is not Sort.MONTH:
        return [], at
    month = tokens[here].text
    parts: list[tuple[int, int | None] | Token] = []
    end = joined = here + 1
    while len(parts) < 2 * CHAIN:
        number = _day_number(tokens, joined)
        if number is None or _sort(tokens, joined + 1) is Sort.MONTH:
            break
        if parts:
            parts.append(tokens[end])
        parts.append((number, None if parts else weekday))
        end = joined + 1
        step = _connector(tokens, end)
        if not step:
            break
        joined = end + step
    if not parts:
        return [], at
    year, end = _year(tokens, end)
    return _joined(parts, MONTHS[month], year, f"{month} {year or ''}"), end


def _numeric(tokens: list[Token], at: int, order: DateOrder) -> tuple[list[Token], int]:
    weekday, here = _weekday(tokens, at)
    if _sort(tokens, here) is not Sort.DATE:
        return [], at
    text = tokens[here].text
    value = _from_numbers(text, order)
    return [Token(Sort.DAY, text, replace(value, weekday=weekday))], here + 1


def _from_numbers(text: str, order: DateOrder) -> Day:
    parts = [part for part in re.split(r"[\s/.-]+", text) if part]
    year = None
    if len(parts) == 3:
        year = int(parts[2]) + (2000 if len(parts[2]) == 2 else 0)
    if parts[1] in MONTHS:
        return Day(int(parts[0]), MONTHS[parts[1]], year)
    first, second = int(parts[0]), int(parts[1])
    if order is DateOrder.MDY:
        first, second = second, first
    if second > 12 >= first:
        return Day(second, first, year, swapped=True)
    return Day(first, second, year)


def _weekday_behind(tokens: list[Token], start: int, end: int, found: list[Token]) -> int:
    """Take in a weekday that stands behind its date: "14/06/2027 (Mon)"."""
    day: Day = found[0].value
    if day.weekday is not None or _sort(tokens, start - 1) in (Sort.RANGE, Sort.FROM):
        return end
    here = end + (_sort(tokens, end) is Sort.LIST and tokens[end].text == ",")
    weekday, after = _weekday(tokens, here)
    follows = (Sort.NUMBER, Sort.MONTH, Sort.DATE, Sort.RANGE, Sort.WEEKDAY)
    if weekday is None or after != here + 1 or _sort(tokens, after) in follows:
        return end
    found[0] = replace(found[0], value=replace(day, weekday=weekday))
    return after


# --- years and weekdays -----------------------------------------------------------------------


def settle(tokens: Sequence[Token], *, ranges: frozenset[int], today: date) -> list[Settled]:
    """The dates of DAY tokens in their order; `ranges` are places that the next one ends.

    A year told once counts for its neighbours, over New Year too; without any, the next such
    date is taken and doubted.
    """
    written: list[Day] = [token.value for token in tokens]
    years = [day.year for day in written]
    missing = bool(years) and all(year is None for year in years)
    if missing:
        years[0] = _next_year(written[0], today)
    for at in range(len(years) - 2, -1, -1):
        after = years[at + 1]
        if years[at] is None and after is not None:
            years[at] = _back(written[at], written[at + 1], after, strict=at in ranges)
    for at in range(1, len(years)):
        before = years[at - 1]
        if years[at] is None and before is not None:
            years[at] = _onward(written[at - 1], written[at], before, strict=at - 1 in ranges)
    return [
        _settled(token, day, year, no_year=missing, today=today)
        for token, day, year in zip(tokens, written, years, strict=True)
    ]


def _next_year(day: Day, today: date) -> int:
    for year in range(today.year, today.year + 9):
        found = day.on(year)
        if found and found >= today:
            return year
    return today.year


def _back(day: Day, after: Day, year: int, *, strict: bool) -> int:
    here, there, before = day.on(year), after.on(year), day.on(year - 1)
    if here is None or there is None or before is None or here <= there:
        return year
    return year - 1 if there - before < (SEASON if strict else NEAR) else year


def _onward(before: Day, day: Day, year: int, *, strict: bool) -> int:
    here, there, after = day.on(year), before.on(year), day.on(year + 1)
    if here is None or there is None or after is None or here >= there:
        return year
    return year + 1 if after - there < (SEASON if strict else NEAR) else year


def _settled(token: Token, day: Day, year: int | None, *, no_year: bool, today: date) -> Settled:
    found = day.on(year) if year is not None else None
    if found is None:
        return Settled(None, (doubt("no_such_date", token.text),))
    if not EARLIEST <= found.year < LATEST:
        return Settled(None, (doubt("out_of_range", token.text),))
    doubts = []
    if no_year:
        doubts.append(doubt("no_year", token.text))
    if found.year > today.year + FAR_YEARS:
        doubts.append(doubt("unlikely_year", token.text))
    if day.maybe_hours:
        doubts.append(doubt("day_or_time", token.text))
    if day.swapped:
        doubts.append(doubt("american_date", token.text))
    if day.weekday is not None and day.weekday != found.weekday():
        actual, told = WEEKDAY_NAMES[found.weekday()], WEEKDAY_NAMES[day.weekday]
        shown = f"{found.day} {found:%B %Y}"
        doubts.append(doubt("weekday", shown, actual=actual, written=told))
    return Settled(found, tuple(doubts))


# --- one date ---------------------------------------------------------------------------------


def read_date(text: str, *, order: DateOrder, today: date) -> Reading[date]:
    """One date; a time beside it is told as a doubt."""
    plain = tidy(text).lower()
    if plain in EMPTY:
        return nothing(text)
    if len(plain) > LONGEST:
        return unread(text, "too_long")
    if WAITING.fullmatch(plain):
        return unread(text, "to_be_confirmed")
    machine = machine_number(plain)
    if machine:
        return from_machine(text, machine, today)
    tokens = days(scan(plain), order)
    stamps = [stamp(token.text) for token in tokens if token.sort is Sort.STAMP]
    found = [token for token in tokens if token.sort is Sort.DAY]
    if len(stamps) + len(found) != 1:
        return unread(text, _why_not(tokens, several=bool(stamps or found)))
    rest = {token.sort for token in tokens} - {Sort.STAMP, Sort.DAY}
    reading = (
        _from_stamp(text, stamps[0], today) if stamps else _from_day(text, found[0], today=today)
    )
    if any(one and one.minutes is not None for one in stamps):
        reading = _timed(reading)
    if rest <= {Sort.FROM} or reading.value is None:
        return reading
    if rest <= {Sort.CLOCK, Sort.FROM, Sort.AT, Sort.RANGE, Sort.LIST, Sort.DOORS}:
        if all(token.text.startswith(("00:00", "12:00:00 am")) for token in tokens[1:]):
            return reading
        return _timed(reading)
    return Reading(reading.value, text, DOUBTFUL, (*reading.doubts, doubt("unread", text)))


def _timed(reading: Reading[date]) -> Reading[date]:
    """The reading of a date beside which a time stood that nobody reads."""
    if reading.value is None:
        return reading
    more = (*reading.doubts, doubt("time_beside_date", reading.text))
    return Reading(reading.value, reading.text, min(reading.confidence, LIKELY), more)


def _why_not(tokens: list[Token], *, several: bool) -> str:
    sorts = {token.sort for token in tokens}
    if several:
        return "more_than_a_date"
    for sort, code in (
        (Sort.RELATIVE, "relative_date"),
        (Sort.HOLIDAYS, "school_holidays"),
        (Sort.MONTH, "no_day"),
    ):
        if sort in sorts:
            return code
    return "no_date"


def from_machine(text: str, found: Stamp, today: date) -> Reading[date]:
    """The reading of a number that a machine wrote for a date."""
    doubts = [doubt(code, text) for code in found.doubts]
    if far(found.date, today):
        doubts.append(doubt("unlikely_year", text))
    reading = Reading(found.date, text, DOUBTFUL if doubts else CLEAR, tuple(doubts))
    return reading if found.minutes is None else _timed(reading)


def _from_stamp(text: str, found: Stamp | None, today: date) -> Reading[date]:
    if found is None:
        return unread(text, "no_such_date")
    if not EARLIEST <= found.date.year < LATEST:
        return unread(text, "out_of_range")
    codes = list(found.doubts)
    if found.date.year > today.year + FAR_YEARS:
        codes.append("unlikely_year")
    doubts = tuple(doubt(code, text) for code in codes)
    return Reading(found.date, text, DOUBTFUL if doubts else SURE, doubts)


def _from_day(text: str, token: Token, *, today: date) -> Reading[date]:
    (found,) = settle([token], ranges=frozenset(), today=today)
    if found.date is None:
        return Reading(None, text, 0.0, found.doubts)
    return Reading(found.date, text, DOUBTFUL if found.doubts else SURE, found.doubts)
