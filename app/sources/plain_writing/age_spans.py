"""Spans of ages in a text: the forms in which one is written, and what several amount to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.opportunities.models import OLDEST
from app.sources.plain_writing.age_words import BIRTH, JOINS, NUMBERS, Token

LAST_SCHOOL_YEAR = 14
MONTHS_IN_A_YEAR = 12
KEY_STAGES: Mapping[int, tuple[float, float]] = {
    1: (5, 7),
    2: (7, 11),
    3: (11, 14),
    4: (14, 16),
    5: (16, 19),
}


@dataclass
class Span:
    """Ages from one to another, both inclusive, and how they were written."""

    low: float | None
    high: float | None
    bare: bool = False
    joined: bool = False
    apart: bool = False
    school: bool = False
    floor: bool = False
    codes: tuple[str, ...] = ()


def spans_of(tokens: Sequence[Token]) -> list[Span]:
    """The spans of a text, in its order."""
    spans: list[Span] = []
    at = 0
    while at < len(tokens):
        span, used = _span_at(tokens, at)
        school = tokens[at].sort in ("named", "stage", "class")
        if span and not (school and _denied(tokens, at - 1)):
            span.joined = _joined(tokens, at)
            span.apart = tokens[at].apart or (at > 0 and tokens[at - 1].apart)
            span.school = school
            spans.append(span)
        at += used
    return spans


def _joined(tokens: Sequence[Token], at: int) -> bool:
    """Whether "to" stands before it: "Reception to Year 2" has no gap."""
    return at > 0 and tokens[at - 1].sort == "to"


def _span_at(tokens: Sequence[Token], at: int) -> tuple[Span | None, int]:
    sort = tokens[at].sort
    if sort == "named":
        return _named(tokens, at)
    if sort == "stage":
        return _stages(tokens, at)
    if sort == "class":
        return _school_years(tokens, at)
    if sort == "group":
        return None, 2  # a number of people
    if sort in NUMBERS:
        return _ages(tokens, at)
    return None, 1


def _named(tokens: Sequence[Token], at: int) -> tuple[Span | None, int]:
    named = tokens[at].named
    assert named is not None
    low, high = named.low, named.high
    if sort_at(tokens, at + 1) == "up":
        return Span(low, None), 2
    if sort_at(tokens, at + 1) == "to" and BIRTH.match(tokens[at].text):
        return Span(0.0, None, joined=True, codes=("open",)), 1
    return Span(low, high, codes=("loose_age",) if named.loose else ()), 1


def sort_at(tokens: Sequence[Token], at: int) -> str:
    """What a token is; nothing beyond the ends of the text."""
    return tokens[at].sort if 0 <= at < len(tokens) else ""


_SPELT = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def _series(tokens: Sequence[Token], at: int, mark: str, most: int) -> tuple[list[int], int]:
    """The whole numbers behind a mark, joined by "to", "and" or the mark again."""
    numbers: list[int] = []
    end = at
    while end < len(tokens):
        token = tokens[end]
        if token.apart:
            break  # "Y3-Y6 (7-11)": what the brackets hold are ages
        number = token.number if token.number is not None else _SPELT.get(token.text)
        if number is not None and float(number).is_integer() and 1 <= number <= most:
            numbers.append(int(number))
            end += 1
            continue
        onward = [t for t in tokens[end : end + 3] if t.sort not in JOINS and t.sort != mark]
        joins = token.sort in JOINS or token.sort == mark
        if not (joins and onward and _counts(onward[0], most)):
            break
        end += 1
    return numbers, end


def _counts(token: Token, most: int) -> bool:
    if token.text in _SPELT:
        return True
    return token.number is not None and token.number <= most and token.sort == "number"


def _stages(tokens: Sequence[Token], at: int) -> tuple[Span | None, int]:
    numbers, end = _series(tokens, at + 1, "stage", 5)
    if not numbers:
        return None, 1
    up = sort_at(tokens, end) == "up"
    high = None if up else KEY_STAGES[max(numbers)][1]
    return Span(KEY_STAGES[min(numbers)][0], high), end + up - at


def _school_years(tokens: Sequence[Token], at: int) -> tuple[Span | None, int]:
    numbers, end = _series(tokens, at + 1, "class", LAST_SCHOOL_YEAR)
    if not numbers:
        return None, 1
    low, high = min(numbers) + 4.0, max(numbers) + 5.0
    if sort_at(tokens, end) == "up":
        return Span(low, None), end + 1 - at
    if sort_at(tokens, end) == "down":
        return Span(None, high), end + 1 - at
    return Span(low, high), end - at


def _ages(tokens: Sequence[Token], at: int) -> tuple[Span | None, int]:
    """A row of ages: "5-11", "6 months to 4 years", "7 & 8 year olds", "8 and over"."""
    end = at + 1
    while sort_at(tokens, end) in JOINS and sort_at(tokens, end + 1) in NUMBERS:
        if sort_at(tokens, end) == "and" and sort_at(tokens, end + 2) == "to":
            break  # another range: "5-7 and 8-11"
        end += 2
    row = list(tokens[at:end])
    counted = sort_at(tokens, end) == "counted" or (
        sort_at(tokens, end) == "adults" and end == at + 1
    )
    if counted and row[-1].sort == "number":
        return None, end - at
    values = _in_years(row)
    mark = _mark(tokens, at)
    units = any(token.sort in ("years", "months", "plural") for token in row)
    named = units or _says_age(tokens, at - 1)
    behind = sort_at(tokens, end)
    if behind == "to" and sort_at(tokens, end + 1) == "adults":
        behind, end = "up", end + 1  # "7 to adult"
    span = _bounded(values, mark, behind, row)
    slashed = any(token.text == "/" for token in row)
    if span is None or any(value > OLDEST for value in values) or (slashed and not named):
        return None, end - at
    span.bare = not named
    if not named and sort_at(tokens, end) in ("audience", "filler") and _people(tokens[end]):
        span.codes = ("count_or_age",)
    return span, end - at + (behind in ("up", "down"))


def _says_age(tokens: Sequence[Token], at: int) -> bool:
    """Whether the word before a row of numbers makes them ages."""
    before = sort_at(tokens, at)
    if before == "to":
        return sort_at(tokens, at - 1) == "named"
    if before == "audience":
        return _people(tokens[at])
    return before == "aged" or (before in MARKS and "age" in tokens[at].text)


def _people(token: Token) -> bool:
    return token.text in ("children", "kids", "young people", "pupils", "students", "schools")


MARKS = frozenset({"aged", "under", "over", "upto", "from", "not", "to"})


def _mark(tokens: Sequence[Token], at: int) -> str:
    """The word before a row of ages that says how to take it; "under" and "from" may be bare."""
    before = sort_at(tokens, at - 1)
    if before == "under":
        return "not under" if _denied(tokens, at - 2) else "under"
    if before == "to":
        return _onward(tokens, at - 1)
    if before == "aged" and sort_at(tokens, at - 2) in ("under", "upto", "over"):
        return sort_at(tokens, at - 2)
    return before if before in MARKS else ""


def _denied(tokens: Sequence[Token], at: int) -> bool:
    """Whether "not" stands there, perhaps with small words behind it: "not for the under 5s"."""
    while sort_at(tokens, at) in ("filler", "aged", "audience"):
        at -= 1
    return sort_at(tokens, at) == "not"


def _onward(tokens: Sequence[Token], at: int) -> str:
    """How to take a "to" or a dash before the only ages of a row."""
    if sort_at(tokens, at - 1) == "named":
        return "to"
    if tokens[at].text == "-":
        return ""  # a bullet
    return "onward to" if at else "upto"  # "walkers to 3" begins at an age not told


def _in_years(row: Sequence[Token]) -> list[float]:
    """The ages of a row in years; a number without a unit takes months from the one behind it."""
    values: list[float] = []
    months = False
    for token in reversed(row):
        if token.number is None:
            continue
        if token.sort != "number":
            months = token.sort == "months"
        years = token.number / MONTHS_IN_A_YEAR if months else token.number
        values.append(round(years, 2))
    return values[::-1]


def _bounded(values: Sequence[float], mark: str, behind: str, row: Sequence[Token]) -> Span | None:
    low, high = min(values), max(values)
    if len(values) == 2 and values[0] > values[1] and row[1].sort == "to":
        return Span(None, None, codes=("reversed_ages",))
    lone = mark in ("over", "from") and len(values) == 1
    if behind == "up" or lone or mark == "not under":
        return Span(low, None, floor=mark == "not under")
    if behind == "down" or mark == "upto":
        return Span(None, high)
    if mark == "onward to":
        return Span(None, high, codes=("loose_age",))
    if mark == "under":
        # Under 5 is 4 and younger; under 1 is the first year.
        below = high if row[-1].sort == "months" else max(high - 1, 1.0)
        return Span(None, below)
    if mark == "not":
        return None
    return Span(low, high, codes=("single_age",) if _is_single(row, mark) else ())


def _is_single(row: Sequence[Token], mark: str) -> bool:
    return len(row) == 1 and mark not in ("aged", "to") and "old" not in row[0].text


# --- several spans ----------------------------------------------------------------------------


def in_brackets(spans: Sequence[Span]) -> tuple[list[Span], bool]:
    """Ages in brackets behind a school's word say it in numbers; and whether they contradict it."""
    kept: list[Span] = []
    at_odds = False
    for span in spans:
        school = kept[-1] if kept else None
        if school and school.school and span.apart and not span.school:
            if "loose_age" in school.codes or _within(span, school):
                kept.pop()
            else:
                at_odds = True
        kept.append(span)
    return kept, at_odds


def _within(span: Span, other: Span) -> bool:
    """Whether one lies inside the other; a year more either way is how schools count."""
    if None in (span.low, span.high, other.low, other.high):
        return True
    return other.low - 1 <= span.low and span.high <= other.high + 1  # type: ignore[operator]


def bounds(spans: Sequence[Span]) -> tuple[float | None, float | None]:
    """The span from the youngest to the oldest; a lower and an upper bound close it."""
    floors = [span.low or 0.0 for span in spans if span.floor]
    if floors and len(floors) < len(spans):
        # "Ages 5-11, not for under 7s": who is left out does not open the span.
        low, high = bounds([span for span in spans if not span.floor])
        return max(low or 0.0, *floors), high
    lows = [span.low for span in spans]
    highs = [span.high for span in spans if "open" not in span.codes]
    known_lows = [low for low in lows if low is not None]
    known_highs = [high for high in highs if high is not None]
    one_each = len(spans) == 2 and len(known_lows) == len(known_highs) == 1
    if one_each and (spans[0].low is None or spans[0].high is None):
        return known_lows[0], known_highs[0]
    low = None if None in lows else min(known_lows)
    high = None if None in highs or not highs else max(known_highs)
    return low, high
