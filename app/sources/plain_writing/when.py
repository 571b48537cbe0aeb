"""When something takes place: sessions, a rule by which they repeat, or always."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from app.kit.times import LONDON, from_london
from app.opportunities.models import MOST_SESSIONS
from app.opportunities.recurrence import expand
from app.opportunities.written import Recurrence
from app.sources.plain_writing.dates import DateOrder
from app.sources.plain_writing.lexicon import WEEKDAY_CODES, WEEKDAY_NAMES, Sort
from app.sources.plain_writing.mentions import (
    Days,
    Facts,
    Weekdays,
    each_day,
    facts,
    of_machine_number,
)
from app.sources.plain_writing.times import Span
from app.sources.plain_writing.words import (
    CLEAR,
    DOUBTFUL,
    EMPTY,
    LIKELY,
    LONGEST,
    SURE,
    UNREAD,
    WAITING,
    Doubt,
    Reading,
    doubt,
    nothing,
    tidy,
    unread,
)

SHORT_RUN = 7
"""A run of so many days is every day; a longer one may have days off."""
LONGEST_RUN = 400
"""In days: sessions are not made further ahead."""


@dataclass(frozen=True, slots=True)
class When:
    """Sessions, or a rule, or always; times are London's, written without an offset."""

    sessions: list[dict[str, str]] = field(default_factory=list)
    recurrence: dict[str, Any] | None = None
    always_available: bool = False
    term_time: bool = False
    """It takes place in term time only, which no rule can say."""

    def members(self) -> dict[str, Any]:
        """The members of a listing that say it."""
        if self.always_available:
            return {"always_available": True}
        if self.recurrence:
            return {"recurrence": self.recurrence}
        return {"sessions": self.sessions}


def read_when(text: str, *, order: DateOrder, today: date) -> Reading[When]:
    """When something takes place, as listings write it; `today` decides a missing year."""
    plain = tidy(text).lower()
    if plain in EMPTY:
        return nothing(text)
    if len(plain) > LONGEST:
        return unread(text, "too_long")
    if WAITING.fullmatch(plain):
        return unread(text, "to_be_confirmed")
    found = of_machine_number(plain, today) or facts(plain, order=order, today=today)
    return _Reader(text, found, today).read()


# Signs that stand for a when of their own, and what to ask when nothing else is told.
_WITHOUT_DATES = (
    (Sort.WAITING, "to_be_confirmed"),
    (Sort.RELATIVE, "relative_date"),
    (Sort.HOLIDAYS, "school_holidays"),
    (Sort.TERM_TIME, "term_time"),
    (Sort.MONTH, "no_day"),
    (Sort.SPAN, "no_date"),
)
# Signs that ask something beside a value that was read.
_BESIDE = (
    (Sort.TERM_TIME, "term_time"),
    (Sort.RELATIVE, "relative_date"),
    (Sort.CANCELLED, "cancelled"),
    (Sort.WAITING, "to_be_confirmed"),
    (Sort.WEEK_OF, "week_commencing"),
)


class _Reader:
    """Puts the facts of one text together."""

    def __init__(self, text: str, found: Facts, today: date) -> None:
        self.text = text
        self.found = found
        self.today = today
        self.confidence = SURE
        self.doubts = list(found.doubts)
        days = [one for one in found.mentions if isinstance(one, Days)]
        self.days = [one for one in days if one.role != "except"]
        self.left_out = [one for one in days if one.role == "except"]
        weekdays = [one for one in found.mentions if isinstance(one, Weekdays)]
        self.weekdays = [one for one in weekdays if not one.left_out]
        self.closed = frozenset[int]().union(*(one.numbers for one in weekdays if one.left_out))
        self.spans = [one for one in found.mentions if isinstance(one, Span)]

    def read(self) -> Reading[When]:
        """The reading: a value if one can be had, and every doubt."""
        if self.found.impossible:
            return Reading(None, self.text, UNREAD, self._once())
        when = self._when()
        if when is None:
            return Reading(None, self.text, UNREAD, self._once())
        for sign, code in _BESIDE:
            if sign in self.found.signs:
                self.doubt(code, LIKELY)
        if Sort.HOLIDAYS in self.found.signs:
            self.doubt("weeks_off" if Sort.EXCEPT in self.found.signs else "school_holidays")
        if self.found.unread:
            self.doubts.append(doubt("unread", " ".join(self.found.unread)))
            self.confidence = min(self.confidence, DOUBTFUL)
        if self.found.doubts:
            self.confidence = min(self.confidence, DOUBTFUL)
        for span in self.spans:
            self.confidence = min(self.confidence, span.confidence)
        return Reading(when, self.text, self.confidence, self._once())

    def doubt(self, code: str, confidence: float = DOUBTFUL) -> None:
        """Note a doubt about the whole text."""
        self.doubts.append(doubt(code, self.text))
        self.confidence = min(self.confidence, confidence)

    def _once(self) -> tuple[Doubt, ...]:
        return tuple({one.code: one for one in self.doubts}.values())

    # What it is about.

    def _when(self) -> When | None:
        signs = self.found.signs
        repeats = {Sort.EVERY, Sort.INTERVAL, Sort.MONTHLY, Sort.COUNT} & signs
        if self.weekdays and self._are_dates():
            self._check_weekdays()
            return self._dates()
        if self.weekdays or (repeats and self.days and not self._are_dates()):
            return self._rule()
        if self.days:
            return self._dates()
        if Sort.DAILY in signs and self.spans:
            return self._rule()
        return self._without_dates()

    def _without_dates(self) -> When | None:
        signs = self.found.signs
        if Sort.ALWAYS in signs and not self.found.unread and not self.spans:
            self.confidence = CLEAR
            return When(always_available=True)
        code = next((code for sign, code in _WITHOUT_DATES if sign in signs), None)
        self.doubts.append(doubt(code or "no_date", self.text))
        return None

    def _are_dates(self) -> bool:
        """Whether the dates are the sessions themselves, rather than the bounds of a rule."""
        plain = [one for one in self.days if not one.role and not one.is_range]
        if len(plain) < len(self.days) or not plain:
            return False
        named = any(one.several for one in self.weekdays) or Sort.EVERY in self.found.signs
        if len(plain) == 1:
            return bool(self.weekdays) and not named and Sort.COUNT not in self.found.signs
        return True

    def _check_weekdays(self) -> None:
        told = frozenset[int]().union(*(one.numbers for one in self.weekdays))
        for days in self.days:
            if days.first.weekday() not in told:
                written = " or ".join(WEEKDAY_NAMES[number] for number in sorted(told))
                shown = f"{days.first.day} {days.first:%B %Y}"
                actual = WEEKDAY_NAMES[days.first.weekday()]
                self.doubts.append(doubt("weekday", shown, actual=actual, written=written))
                self.confidence = min(self.confidence, DOUBTFUL)

    # Dates.

    def _dates(self) -> When | None:
        sessions: list[dict[str, str]] = []
        for group, times in self._groups(Days):
            for days in group:
                if days.role == "except":
                    continue
                if days.role == "until" and len(self.days) == 1:
                    self.doubts.append(doubt("no_start", self.text))
                    return None
                if days.role == "from" and not days.is_range:
                    self.doubt("no_end")
                if days.start:
                    sessions.extend(self._long(days))
                    continue
                if not self._fits(days):
                    return None
                sessions.extend(self._sessions(each_day(days), times))
        told = None if self.found.count_is_weeks else self.found.count
        if told and told != len({one.get("date") or one["starts_at"] for one in sessions}):
            self.doubt("count_mismatch")
        return self._listed(sessions)

    def _listed(self, sessions: list[dict[str, str]]) -> When | None:
        unique = list({tuple(one.items()): one for one in sessions}.values())
        if not unique or len(unique) > MOST_SESSIONS:
            self.doubts.append(doubt("too_long" if unique else "no_date", self.text))
            return None
        return When(sessions=unique, term_time=Sort.TERM_TIME in self.found.signs)

    def _fits(self, days: Days) -> bool:
        length = (days.last - days.first).days
        if length > LONGEST_RUN:
            self.doubts.append(doubt("every_day", self.text))
            return False
        if length >= SHORT_RUN and Sort.DAILY not in self.found.signs:
            self.doubt("every_day", LIKELY)
        return True

    def _long(self, days: Days) -> list[dict[str, str]]:
        """One session from a time of one day to a time of another."""
        assert days.start is not None
        assert days.end is not None
        start = _moment(days.first, days.start.start)
        end = _moment(days.last, days.end.start)
        self.confidence = min(self.confidence, days.start.confidence, days.end.confidence)
        for code in (*days.start.doubts, *days.end.doubts):
            self.doubt(code)
        if start.date() != end.date():
            self.confidence = min(self.confidence, CLEAR)
        if not _follows(start, end) or (end - start).days >= LONGEST_RUN:
            self.doubt("end_before_start" if end <= start else "every_day")
            return [{"starts_at": start.isoformat()}]
        return [{"starts_at": start.isoformat(), "ends_at": end.isoformat()}]

    def _sessions(self, days: Iterable[date], times: Sequence[Span]) -> list[dict[str, str]]:
        left_out = self._exdates()
        going = [day for day in days if day not in left_out and day.weekday() not in self.closed]
        if not times:
            if Sort.PART_OF_DAY in self.found.signs:
                self.doubt("no_time")
            return [{"date": day.isoformat()} for day in going]
        return [self._session(day, span) for day in going for span in times]

    def _session(self, day: date, span: Span) -> dict[str, str]:
        start, end = self._start_and_end(day, span)
        if end is None:
            return {"starts_at": start.isoformat()}
        return {"starts_at": start.isoformat(), "ends_at": end.isoformat()}

    def _start_and_end(self, day: date, span: Span) -> tuple[datetime, datetime | None]:
        start = _moment(day, span.start)
        end = None if span.end is None else _moment(day, span.end)
        if end is None and self.found.minutes and "end_before_start" not in span.doubts:
            end = start + timedelta(minutes=self.found.minutes)
        if end is not None and not _follows(start, end):
            # The hour that is skipped when summer time begins.
            self.doubt("end_before_start")
            return start, None
        return start, end

    def _exdates(self) -> list[date]:
        return sorted({day for days in self.left_out for day in each_day(days)[:LONGEST_RUN]})

    def _groups(self, kind: type[Any]) -> list[tuple[list[Any], list[Span]]]:
        """What goes with which times: "5 June 10am, 6 June 2pm", "10am Sat 5 June"."""
        row = [
            one
            for one in self.found.mentions
            if isinstance(one, (kind, Span)) and not getattr(one, "left_out", False)
        ]
        if not any(isinstance(one, Span) for one in row):
            return [([one for one in row if isinstance(one, kind)], [])]
        times_first = isinstance(row[0], Span)
        groups: list[tuple[list[Any], list[Span]]] = []
        last_was_time = not times_first
        for one in row:
            is_time = isinstance(one, Span)
            if not groups or (is_time == times_first and last_was_time != is_time):
                groups.append(([], []))
            groups[-1][is_time].append(one)
            last_was_time = is_time
        if any((not group or not times) and not _has_own_times(group) for group, times in groups):
            self.doubt("some_without_time")
        return groups

    # Rules.

    def _rule(self) -> When | None:
        start, end = self._bounds()
        groups = self._groups(Weekdays) if self.weekdays else [([], self.spans)]
        if len(groups) > 1 or any(len(times) != 1 for _, times in groups):
            return self._expanded(groups, start, end)
        group, (span,) = groups[0]
        first, rule = self._weekly(group, start, end)
        if first is None:
            return None
        starts_at, ends_at = self._start_and_end(first, span)
        recurrence = {
            "rrule": rule,
            "starts_at": starts_at.isoformat(),
            "ends_at": ends_at.isoformat() if ends_at else None,
            "exdates": [day.isoformat() for day in self._exdates()],
        }
        self._check_count(rule, first, end)
        self._check_first(start, first)
        self._ask_start(start)
        return When(recurrence=recurrence, term_time=Sort.TERM_TIME in self.found.signs)

    def _bounds(self) -> tuple[date | None, date | None]:
        """The first and last day between which a rule holds."""
        start = end = None
        for days in self.days:
            if days.is_range:
                start, end = days.first, days.last
            elif days.role == "until":
                end = days.first
            else:
                start = days.first
        if len(self.days) > 2:
            self.doubt("per_week")
        lone = self.days[0] if len(self.days) == 1 else None
        if lone and not lone.role and not lone.is_range and self.found.count is None:
            self.doubt("per_week")
        return start, end

    def _ask_start(self, start: date | None) -> None:
        signs = self.found.signs
        told = Sort.EVERY in signs or Sort.INTERVAL in signs or Sort.DAILY in signs
        plural = any(one.several or one.ordinals for one in self.weekdays)
        if start is None and not (told or plural):
            self.doubt("per_week")
        elif start is None and self.found.interval > 1:
            self.doubt("no_start")
        elif start is None and not {Sort.ALWAYS, Sort.TERM_TIME} & signs:
            self.doubt("no_start", LIKELY)

    def _weekly(
        self, group: Sequence[Weekdays], start: date | None, end: date | None
    ) -> tuple[date | None, str]:
        """The first day of a rule and the rule; no day if it has none."""
        numbers = sorted(frozenset[int]().union(*(one.numbers for one in group)) - self.closed)
        ordinals = [number for one in group for number in one.ordinals]
        begin = start or self.today
        if end and end < begin:
            self.doubts.append(doubt("end_before_start" if start else "no_start", self.text))
            return None, ""
        if Sort.DAILY in self.found.signs and self.closed:
            numbers = sorted(set(numbers or range(7)) - self.closed)
        if Sort.DAILY in self.found.signs and not numbers:
            return begin, f"FREQ=DAILY{self._limit(end, 1)}"
        numbers = numbers or [begin.weekday()]
        if ordinals or Sort.MONTHLY in self.found.signs:
            if not ordinals:
                self.doubts.append(doubt("per_week", self.text))
                return None, ""
            codes = ",".join(f"{nth}{WEEKDAY_CODES[n]}" for nth in ordinals for n in numbers)
            rule = f"FREQ=MONTHLY;BYDAY={codes}"
        else:
            interval = f"INTERVAL={self.found.interval};" if self.found.interval > 1 else ""
            codes = ",".join(WEEKDAY_CODES[number] for number in numbers)
            rule = f"FREQ=WEEKLY;{interval}BYDAY={codes}"
        first = _occasions(rule.replace(f"INTERVAL={self.found.interval};", ""), begin, 1)
        if not first or (end and first[0] > end):
            self.doubts.append(doubt("end_before_start", self.text))
            return None, ""
        return first[0], rule + self._limit(end, len(numbers))

    def _limit(self, end: date | None, a_week: int) -> str:
        if end:
            return f";UNTIL={end:%Y%m%d}"
        count = self.found.count
        if count and self.found.count_is_weeks:
            count *= a_week
        return f";COUNT={count}" if count else ""

    def _check_count(self, rule: str, first: date, end: date | None) -> None:
        if not (end and self.found.count):
            return
        left_out = self._exdates()
        days = [day for day in _occasions(rule, first, MOST_SESSIONS) if day not in left_out]
        weeks = {day.isocalendar()[:2] for day in days}
        if self.found.count != len(weeks if self.found.count_is_weeks else days):
            self.doubt("count_mismatch")

    def _check_first(self, start: date | None, first: date) -> None:
        """A course of ten weeks, or a date with its weekday, begins on the day that is told."""
        if start and start != first and (self.found.count or start in self.found.named_days):
            names = [WEEKDAY_NAMES[day.weekday()] for day in (start, first)]
            shown = f"{start.day} {start:%B %Y}"
            self.doubts.append(doubt("weekday", shown, actual=names[0], written=names[1]))
            self.confidence = min(self.confidence, DOUBTFUL)

    def _expanded(
        self, groups: list[tuple[list[Any], list[Span]]], start: date | None, end: date | None
    ) -> When | None:
        """Sessions one by one, for what no single rule with one time can say."""
        timed = any(times for _, times in groups)
        bounded = start and (end or self.found.count)
        if not bounded or (start and end and (end - start).days > LONGEST_RUN):
            self.doubts.append(doubt("several_rules" if timed else "no_time", self.text))
            return None
        sessions: list[dict[str, str]] = []
        for group, times in groups:
            first, rule = self._weekly(group, start, end)
            if first is None:
                return None
            sessions.extend(self._sessions(_occasions(rule, first, MOST_SESSIONS), times))
        return self._listed(sorted(sessions, key=lambda one: one.get("starts_at") or one["date"]))


def _has_own_times(group: Sequence[Any]) -> bool:
    return bool(group) and all(isinstance(one, Days) and one.start for one in group)


def _moment(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time.min) + timedelta(minutes=minutes)


def _follows(start: datetime, end: datetime) -> bool:
    return from_london(end) > from_london(start)


def _occasions(rule: str, first: date, most: int) -> list[date]:
    """The first days of a rule, at most those of the 400 days that our reader looks at."""
    starts_at = from_london(datetime.combine(first, time.min))
    try:
        occasions = expand(Recurrence(rrule=rule, starts_at=starts_at))
    except ValueError:
        return []
    return [start.astimezone(LONDON).date() for start, _ in occasions[:most]]
