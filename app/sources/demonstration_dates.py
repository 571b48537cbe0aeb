"""School terms near today, and dates that suit each pattern of the demonstration."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from dateutil.easter import easter

from app.sources.demonstration_words import Form, Pattern

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
YEAR = timedelta(days=365)
SATURDAY = 5
SHUT = {(12, 25), (12, 26), (1, 1)}
"""Months and days on which nothing takes place."""

SPLIT = {"half-term", "Christmas", "Easter", "summer"}
"""The holidays between two stretches of term; others are days off within one."""
TERM_NAMES = ("Autumn 1", "Autumn 2", "Spring 1", "Spring 2", "Summer 1", "Summer 2")


@dataclass(frozen=True)
class Holiday:
    """A school holiday, its first and last day included."""

    label: str
    first: date
    last: date


class Calendar:
    """The school year as most of the region keeps it; councils differ by a few days."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.ends = today + YEAR
        years = range(today.year - 2, today.year + 3)
        self.holidays = [holiday for year in years for holiday in _holidays(year)]
        self._closed = {day for holiday in self.holidays for day in _days(holiday)}

    def in_term(self, day: date) -> bool:
        """Whether schools are open on a day."""
        return day.weekday() < SATURDAY and day not in self._closed

    def terms(self, year: int) -> list[tuple[str, date, date]]:
        """The stretches of term of the school year that begins in a year, from Monday to Friday."""
        start = next(
            one for one in self.holidays if one.label == "summer" and one.first.year == year
        )
        closed = [one for one in self.holidays if one.first >= start.first and one.label in SPLIT]
        found = []
        for name, before, after in zip(TERM_NAMES, closed, closed[1:], strict=False):
            first, last = before.last + DAY, after.first - DAY
            while not self.in_term(first):
                first += DAY
            while not self.in_term(last):
                last -= DAY
            found.append((f"{name} {first.year}", first, last))
        return found

    def weeks(self, first: date, last: date) -> list[tuple[str, date]]:
        """Whole holiday weeks between two days: the holiday's label and the Monday."""
        found = []
        for holiday in self.holidays:
            for day in _days(holiday):
                friday = day + 4 * DAY
                if day.weekday() == 0 and friday <= holiday.last and first <= day < last:
                    found.append((holiday.label, day))
        return found


def _days(holiday: Holiday) -> Iterator[date]:
    for number in range((holiday.last - holiday.first).days + 1):
        yield holiday.first + number * DAY


def _monday(day: date) -> date:
    return day - day.weekday() * DAY


def _holidays(year: int) -> list[Holiday]:
    holy_week = _monday(easter(year))
    may_day = _monday(date(year, 5, 7))
    return [
        Holiday("half-term", *_week(date(year, 2, 17))),
        Holiday("Easter", holy_week, holy_week + 13 * DAY),
        Holiday("May Day", may_day, may_day),
        Holiday("half-term", *_week(date(year, 5, 31))),
        Holiday("summer", date(year, 7, 22), date(year, 9, 2)),
        Holiday("half-term", *_week(date(year, 10, 28))),
        Holiday("Christmas", date(year, 12, 20), date(year + 1, 1, 3)),
    ]


def _week(day: date) -> tuple[date, date]:
    monday = _monday(day)
    return monday, monday + 6 * DAY


def dates(
    random: Random, form: Form, calendar: Calendar, *, over: bool
) -> tuple[str, Sequence[date]]:
    """The days of a listing and the holiday that they fall in; all past if it is `over`."""
    count = random.randint(*form.sessions)
    if form.pattern is Pattern.HOLIDAY:
        return _in_holiday(random, calendar, count, over=over)
    if over:
        first = calendar.today - random.randint(40, 300) * DAY
        last = calendar.today - 3 * DAY
    else:
        # What meets for weeks may have begun already; what happens once lies ahead.
        soonest = -21 if form.pattern in {Pattern.WEEKLY, Pattern.WEEKENDS} else 2
        first = calendar.today + random.randint(soonest, 330) * DAY
        last = calendar.ends
    days = _in_pattern(random, form.pattern, calendar, first, count)
    kept = [day for day in days if day <= last and (day.month, day.day) not in SHUT]
    return "", kept or [last]


def _in_holiday(
    random: Random, calendar: Calendar, count: int, *, over: bool
) -> tuple[str, Sequence[date]]:
    if over:
        weeks = calendar.weeks(calendar.today - YEAR, calendar.today - WEEK)
    else:
        weeks = calendar.weeks(calendar.today + 2 * DAY, calendar.ends - 4 * DAY)
    label, monday = random.choice(weeks)
    week = (monday + number * DAY for number in range(5))
    return label, [day for day in week if (day.month, day.day) not in SHUT][:count]


def _in_pattern(
    random: Random, pattern: Pattern, calendar: Calendar, first: date, count: int
) -> list[date]:
    match pattern:
        case Pattern.WEEKLY:
            return _weekly(calendar, _term_day(calendar, first), count)
        case Pattern.WEEKENDS:
            saturday = _monday(first) + random.choice((5, 5, 5, 6)) * DAY
            return [saturday + number * WEEK for number in range(count)]
        case Pattern.SCHOOL_DAYS:
            return _school_days(random, calendar, first, count)
        case Pattern.OPEN_DAYS:
            open_days = (first + number * DAY for number in range(count * 2))
            return [day for day in open_days if day.weekday() != 0][:count]
        case Pattern.RUN | Pattern.DAYS:
            friday = _monday(first) + 4 * DAY
            return [friday + number * DAY for number in range(count)]
        case Pattern.MONTHLY:
            day = _term_day(calendar, first)
            found = [day + number * 4 * WEEK for number in range(count)]
            return [day for day in found if calendar.in_term(day)]
        case _:
            weekend = _monday(first) + random.choice((5, 5, 6)) * DAY
            return [random.choice((_term_day(calendar, first), weekend))]


def _term_day(calendar: Calendar, day: date) -> date:
    while not calendar.in_term(day):
        day += DAY
    return day


def _weekly(calendar: Calendar, first: date, count: int) -> list[date]:
    found: list[date] = []
    day = first
    while len(found) < count:
        if calendar.in_term(day):
            found.append(day)
        day += WEEK
    return found


def _school_days(random: Random, calendar: Calendar, first: date, count: int) -> list[date]:
    step = random.choice((1, 1, 7))
    found: list[date] = []
    day = first
    while len(found) < count:
        day = _term_day(calendar, day)
        found.append(day)
        day += step * DAY
    return found
