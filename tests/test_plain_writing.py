"""People's own writing: a labelled corpus with its score, round trips, and hostile texts."""

import csv
import json
import time as clock
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.opportunities.recurrence import expand
from app.opportunities.written import OpportunityWrite
from app.sources.plain_writing import (
    CONFIDENT,
    DOUBTS,
    DateOrder,
    Reading,
    date_order,
    markup,
    read_ages,
    read_boolean,
    read_date,
    read_html,
    read_list,
    read_postcode,
    read_price,
    read_time,
    read_url,
    read_when,
)
from app.sources.plain_writing.age_words import AUDIENCES, NAMED
from app.sources.plain_writing.lexicon import WEEKDAY_CODES, WEEKDAY_NAMES
from app.sources.plain_writing.postcodes import AREAS
from app.sources.plain_writing.prices import CONCESSIONS
from app.sources.plain_writing.words import read_any_url
from app.vocabularies.models import Vocabulary
from app.vocabularies.terms import TERMS

TODAY = date(2027, 1, 15)
CORPUS = Path(__file__).parent / "corpus_plain_writing.csv"
PASS = 0.98
LEAST = 900


# --- the corpus -------------------------------------------------------------------------------


class Result(NamedTuple):
    """A reading in the form in which the corpus writes it."""

    value: Any
    doubts: set[str]
    confidence: float


def _when(text: str) -> Result:
    reading = read_when(text, order=DateOrder.DMY, today=TODAY)
    value: dict[str, Any] | None = None
    if reading.value is not None:
        value = reading.value.members()
        if reading.value.term_time:
            value = {**value, "term_time": True}
    return _result(reading, value)


def _date(text: str) -> Result:
    reading = read_date(text, order=DateOrder.DMY, today=TODAY)
    return _result(reading, reading.value and reading.value.isoformat())


def _time(text: str) -> Result:
    reading = read_time(text)
    value = None
    if reading.value is not None:
        ends = reading.value.ends
        value = [f"{reading.value.starts:%H:%M}", f"{ends:%H:%M}" if ends else None]
    return _result(reading, value)


def _ages(text: str) -> Result:
    reading = read_ages(text)
    value = None
    if reading.value is not None:
        ages = reading.value
        value = {"age_min": ages.age_min, "age_max": ages.age_max, "audiences": ages.audiences}
    return _result(reading, value)


def _order(text: str) -> Result:
    order, doubt = date_order(json.loads(text))
    return Result(order.value, {doubt.code} if doubt else set(), 1.0)


def _result(reading: Reading[Any], value: Any) -> Result:
    return Result(value, {doubt.code for doubt in reading.doubts}, reading.confidence)


def _plain(read: Callable[[str], Reading[Any]]) -> Callable[[str], Result]:
    def result(text: str) -> Result:
        reading = read(text)
        return _result(reading, reading.value)

    return result


READERS: dict[str, Callable[[str], Result]] = {
    "when": _when,
    "date": _date,
    "time": _time,
    "ages": _ages,
    "price": _plain(read_price),
    "postcode": _plain(read_postcode),
    "boolean": _plain(read_boolean),
    "url": _plain(read_url),
    "list": lambda text: Result(read_list(text), set(), 1.0),
    "html": lambda text: Result(read_html(text), set(), 1.0),
    "order": _order,
}


def _corpus() -> list[tuple[str, str, Any, set[str]]]:
    with CORPUS.open(encoding="utf-8", newline="") as file:
        return [
            (row["kind"], row["text"], json.loads(row["expected_json"]), set(row["doubts"].split()))
            for row in csv.DictReader(file)
        ]


def test_corpus() -> None:
    """`pytest -rP` shows the score."""
    rows = _corpus()
    assert len(rows) >= LEAST
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    missed: list[str] = []
    confident: list[str] = []
    for kind, text, expected, doubts in rows:
        got = READERS[kind](text)
        total[kind] += 1
        if (got.value, got.doubts) == (expected, doubts):
            right[kind] += 1
            continue
        line = f"{kind} {text!r}: {got.value} {sorted(got.doubts)}, not {expected} {sorted(doubts)}"
        missed.append(line)
        if got.value is not None and got.value != expected and not got.doubts:
            confident.append(line)
    print("\nplain writing, read as labelled:")  # noqa: T201
    for kind, count in [*total.items(), ("all", total.total())]:
        hits = right.total() if kind == "all" else right[kind]
        print(f"  {kind:9} {hits:4} of {count:4}  {hits / count:6.1%}")  # noqa: T201
    print("\n".join(["not read as labelled:", *missed]))  # noqa: T201
    assert not confident, "wrong and sure of it:\n" + "\n".join(confident)
    assert right.total() / total.total() >= PASS, "\n".join(missed)


def test_corpus_covers_every_doubt() -> None:
    told = set(chain.from_iterable(doubts for *_, doubts in _corpus()))
    # Prose is too long for a row of the corpus.
    assert told | {"too_long"} == set(DOUBTS)


def test_codes_stand_in_the_vocabularies() -> None:
    audiences = {code for code, _ in AUDIENCES} | {one.audience for one in NAMED if one.audience}
    assert audiences <= {term.code for term in TERMS[Vocabulary.AUDIENCE]}
    concessions = {code for code, _ in CONCESSIONS} | {"pay_what_you_can"}
    assert concessions <= {term.code for term in TERMS[Vocabulary.CONCESSION]}


# --- written, and read back -------------------------------------------------------------------

DAYS = st.dates(date(2026, 1, 1), date(2031, 12, 31))
MINUTES = st.integers(6 * 60, 21 * 60 + 30)
MONTHS_WRITTEN = st.sampled_from(["%B", "%b"])


def _ordinal(day: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10 if day // 10 != 1 else 0, "th")
    return f"{day}{ending}"


@st.composite
def written_days(draw: st.DrawFn, day: date) -> str:
    """A date in a British style, with its year."""
    month = day.strftime(draw(MONTHS_WRITTEN))
    number = draw(st.sampled_from([str(day.day), _ordinal(day.day), f"{day.day:02}"]))
    weekday = draw(
        st.sampled_from(["", f"{day:%A} ", f"{day:%a} ", f"{day:%A}, ", f"{day:%A} the "])
    )
    return draw(
        st.sampled_from(
            [
                f"{weekday}{number} {month} {day.year}",
                f"{weekday}{number} of {month} {day.year}",
                f"{weekday}{number} {month}, {day.year}",
                f"{month} {number}, {day.year}",
                f"{weekday}{day.day}/{day.month}/{day:%y}",
                f"{weekday}{day:%d/%m/%Y}",
                f"{day:%d.%m.%Y}",
                f"{day:%d-%m-%Y}",
                f"{day:%d-%b-%y}",
                f"{day.isoformat()}",
                f"{day.isoformat()} 00:00:00",
                f"{number} {month} '{day:%y}",
            ]
        )
    )


@st.composite
def written_times(draw: st.DrawFn, minutes: int) -> str:
    """A time of day in a style that says whether it is morning or evening."""
    hour, minute = divmod(minutes, 60)
    half = "am" if hour < 12 else "pm"
    short = f"{(hour - 1) % 12 + 1}"
    styles = [f"{short}.{minute:02}{half}", f"{short}:{minute:02} {half.upper()}"]
    styles += [f"{short}.{minute:02} {half[0]}.m."]
    if hour < 10 or hour > 12:
        styles += [f"{hour:02}:{minute:02}", f"{hour:02}.{minute:02}", f"{hour:02}{minute:02} hrs"]
    if minute == 0:
        styles += [f"{short}{half}", f"{short} {half}"]
    if minutes == 720:
        styles += ["noon", "12 noon", "midday"]
    return draw(st.sampled_from(styles))


DASHES = st.sampled_from([" - ", "-", "–", " – ", " to ", " until ", " till "])


@given(data=st.data(), day=DAYS)
def test_dates_are_read_back(data: st.DataObject, day: date) -> None:
    text = data.draw(written_days(day))
    reading = read_date(text, order=DateOrder.DMY, today=TODAY)
    assert (reading.value, reading.doubts) == (day, ()), text
    assert reading.confidence >= CONFIDENT


@given(data=st.data(), day=DAYS, start=MINUTES, length=st.integers(15, 300))
def test_sessions_are_read_back(data: st.DataObject, day: date, start: int, length: int) -> None:
    end = min(start + length, 23 * 60 + 45)
    when = data.draw(written_days(day))
    if "00:00" in when:
        when = day.isoformat()
    hours = data.draw(written_times(start)) + data.draw(DASHES) + data.draw(written_times(end))
    pattern = data.draw(st.sampled_from(["{0}, {1}", "{0} {1}", "{1}, {0}", "{1} on {0}"]))
    text = pattern.format(when, hours)
    reading = read_when(text, order=DateOrder.DMY, today=TODAY)
    midnight = datetime.combine(day, time.min)
    expected = {
        "starts_at": (midnight + timedelta(minutes=start)).isoformat(),
        "ends_at": (midnight + timedelta(minutes=end)).isoformat(),
    }
    assert reading.value is not None, text
    assert reading.value.sessions == [expected], text
    assert reading.doubts == ()


@given(data=st.data(), start=MINUTES, length=st.integers(15, 300))
def test_times_are_read_back(data: st.DataObject, start: int, length: int) -> None:
    end = min(start + length, 23 * 60 + 45)
    text = data.draw(written_times(start)) + data.draw(DASHES) + data.draw(written_times(end))
    reading = read_time(text)
    assert reading.value is not None, text
    assert reading.value.starts == time(start // 60, start % 60), text
    assert reading.value.ends == time(end // 60, end % 60), text


@given(data=st.data(), first=DAYS, weeks=st.integers(1, 40), start=MINUTES)
def test_rules_are_read_back(data: st.DataObject, first: date, weeks: int, start: int) -> None:
    last = first + timedelta(weeks=weeks)
    name = WEEKDAY_NAMES[first.weekday()]
    hour = data.draw(written_times(start))
    pattern = data.draw(
        st.sampled_from(
            [
                "{name}s {hour} from {first} until {last}",
                "Every {name}, {hour}, {first} - {last}",
                "{first} to {last}, {name}s, {hour}",
                "{name}s, {first} – {last}, {hour}",
            ]
        )
    )
    text = pattern.format(name=name, hour=hour, first=f"{first:%d %B %Y}", last=f"{last:%d/%m/%Y}")
    reading = read_when(text, order=DateOrder.DMY, today=TODAY)
    assert reading.value is not None, text
    rule = reading.value.recurrence
    assert rule is not None, text
    code = WEEKDAY_CODES[first.weekday()]
    assert rule["rrule"] == f"FREQ=WEEKLY;BYDAY={code};UNTIL={last:%Y%m%d}", text
    assert rule["starts_at"].startswith(first.isoformat()), text
    assert reading.doubts == ()


@given(day=DAYS, wrong=st.integers(1, 6))
def test_a_weekday_that_contradicts_its_date_is_a_doubt(day: date, wrong: int) -> None:
    told = WEEKDAY_NAMES[(day.weekday() + wrong) % 7]
    for text in (f"{told} {day:%d %B %Y}", f"{day:%d/%m/%Y} ({told})", f"{told} {day:%d/%m/%y}"):
        reading = read_date(text, order=DateOrder.DMY, today=TODAY)
        assert {doubt.code for doubt in reading.doubts} == {"weekday"}, text
        assert reading.confidence < CONFIDENT


@given(day=DAYS, data=st.data())
def test_a_date_without_a_year_is_a_doubt(day: date, data: st.DataObject) -> None:
    styles = ["{0:%-d} {0:%B}", "{0:%a} {0:%-d} {0:%b}", "{0:%B} {0:%-d}", "{0:%-d}/{0:%-m}"]
    text = data.draw(st.sampled_from([*styles, "{0:%A} {0:%-d} of {0:%B}"])).format(day)
    for reading in (
        read_date(text, order=DateOrder.DMY, today=TODAY),
        read_when(f"{text}, 10am-12pm", order=DateOrder.DMY, today=TODAY),
    ):
        assert "no_year" in {doubt.code for doubt in reading.doubts}, text
        assert reading.confidence < CONFIDENT


@given(day=DAYS, minutes=st.integers(1, 1_439), machine=st.booleans())
def test_a_time_beside_a_date_is_never_dropped_silently(
    day: date, minutes: int, machine: bool
) -> None:
    hours = f"{minutes // 60:02}:{minutes % 60:02}"
    text = f"{day.isoformat()}T{hours}:00" if machine else f"{day:%d/%m/%Y} {hours}"
    reading = read_date(text, order=DateOrder.DMY, today=TODAY)
    assert reading.value == day
    assert [doubt.code for doubt in reading.doubts] == ["time_beside_date"]
    when = read_when(text, order=DateOrder.DMY, today=TODAY).value
    assert when is not None
    assert when.sessions[0]["starts_at"] == f"{day.isoformat()}T{hours}:00"


@given(day=DAYS, order=st.sampled_from(list(DateOrder)))
def test_numbers_follow_the_order_of_the_column(day: date, order: DateOrder) -> None:
    text = f"{day:%m/%d/%Y}" if order is DateOrder.MDY else f"{day:%d/%m/%Y}"
    assert read_date(text, order=order, today=TODAY).value == day


@given(low=st.integers(0, 24), more=st.integers(1, 12), data=st.data())
def test_ages_are_read_back(low: int, more: int, data: st.DataObject) -> None:
    high = low + more
    pattern = data.draw(
        st.sampled_from(
            [
                "{0}-{1}",
                "{0}–{1}",
                "{0} to {1}",
                "Ages {0} - {1}",
                "aged {0} to {1}",
                "{0}-{1} years",
                "{0} to {1} year olds",
                "Age {0}–{1}yrs",
                "Suitable for ages {0}-{1}",
                "Children aged {0}-{1}",
                "Ages {0}-{1}, please bring a drink",
            ]
        )
    )
    reading = read_ages(pattern.format(low, high))
    assert reading.value is not None
    assert (reading.value.age_min, reading.value.age_max) == (low, high)
    assert reading.doubts == ()


@given(year=st.integers(1, 13), more=st.integers(0, 5))
def test_a_school_year_is_two_ages(year: int, more: int) -> None:
    last = min(year + more, 13)
    text = f"Year {year}" if last == year else f"Years {year}-{last}"
    value = read_ages(text).value
    assert value is not None
    assert (value.age_min, value.age_max) == (year + 4, last + 5)


@given(pence=st.integers(1, 50_000), data=st.data())
def test_prices_are_read_back(pence: int, data: st.DataObject) -> None:
    amount = f"{Decimal(pence) / 100:.2f}"
    patterns = ["£{0}", "£{0} per child", "£{0} per session", "Tickets £{0}", "Cost: £{0}"]
    patterns += ["£{0}pp", "£{0} each", "from £{0}", "£{0} + VAT", "£{0}/hour", "GBP {0}"]
    text = data.draw(st.sampled_from(patterns)).format(amount)
    value = read_price(text).value
    assert value is not None, text
    assert value["from"] == amount, text
    assert "to" not in value


@given(
    area=st.sampled_from(sorted(AREAS)),
    district=st.integers(1, 9),
    inner=st.from_regex(r"[1-9][ABD-HJLNP-UW-Z]{2}", fullmatch=True),
    style=st.sampled_from(["{0} {1}", "{0}{1}", " {0}  {1} ", "12 High St, {0} {1}"]),
    lower=st.booleans(),
)
def test_postcodes_are_read_back(
    area: str, district: int, inner: str, style: str, lower: bool
) -> None:
    text = style.format(f"{area}{district}", inner)
    reading = read_postcode(text.lower() if lower else text)
    assert reading.value == f"{area}{district} {inner}"
    assert reading.doubts == ()


SWAPS = {"O": "O0", "0": "0Oo", "1": "1lI", "I": "I1l", "L": "L1"}


@given(
    area=st.sampled_from(sorted(AREAS)),
    district=st.integers(1, 19),
    inner=st.from_regex(r"[0-9][ABD-HJLNP-UW-Z]{2}", fullmatch=True),
    data=st.data(),
)
def test_a_mistyped_postcode_has_one_reading_or_a_doubt(
    area: str, district: int, inner: str, data: st.DataObject
) -> None:
    right = f"{area}{district} {inner}"
    typed = "".join(data.draw(st.sampled_from(SWAPS.get(one, one))) for one in right)
    reading = read_postcode(typed)
    if reading.value is None:
        assert reading.doubts, typed
        return
    assert len(reading.value) == len(right)
    pairs = zip(reading.value, typed, strict=True)
    assert all(one == other or other.upper() in "O0I1L" for one, other in pairs), typed
    assert reading.doubts or reading.value == typed.upper(), typed


# --- fast paths are the plain ones ------------------------------------------------------------

_TAGS = "<p> </p> <b> </b> <i> </i> <em> </em> <strong> </strong> <br> <ul> </ul> <li> </li> <h3>"
_WORDS = "</h3> a &amp; &lt; &gt; &nbsp; é • - false"
_HTML = st.sampled_from(
    [*_TAGS.split(), *_WORDS.split(), " ", "b c", "\n", "e\u0301", "\u200b", "0 false false false"]
)
_PARTS = "http:// https:// www. example .org .com .co.uk / a b-c -- - . .. _ ~ %20 ? # 1 xn-- A :80"
_ADDRESSES = st.sampled_from([*_PARTS.split(), "@", "é", "//", "127.0.0.1"])


@settings(max_examples=500)
@given(pieces=st.lists(_HTML, max_size=9), wrapped=st.booleans())
def test_clean_html_is_read_as_by_the_whole_path(pieces: list[str], wrapped: bool) -> None:
    text = f"<p>{''.join(pieces)}</p>" if wrapped else "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markup, "is_clean", lambda _: False)
        expected = markup.read_any_html(text)
    assert read_html(text) == expected


@settings(max_examples=500)
@given(text=st.lists(_ADDRESSES, max_size=8).map("".join))
def test_usual_addresses_are_read_as_by_the_whole_path(text: str) -> None:
    assert read_url(text) == read_any_url(text)


# --- whatever is sent -------------------------------------------------------------------------

READ_ALL: tuple[Callable[[str], object], ...] = tuple(READERS[kind] for kind in READERS)[:-1]
PIECES = (
    "£ 5 11 - – , / & . : ( ) \n am pm noon 10.30 14:00 14/6/27 2027-06-14 2027-06-14T10:00Z June "
    "2027 Tuesday Tuesdays every until from to except term time weeks 6 first of the month daily "
    "under over 5s + years months KS Year 3 free child conc. per VAT B1 1BB O0 1l <p> </li> <!-- "
    "&lt; www. example.org https:// yes no x ; • 29 Feb 31 31/6/27 99 0 between and or"
)
_LISTS = st.lists(st.sampled_from(PIECES.split(" ")), max_size=14)
_SIGNS = "²³①½⅓٣٤٥５\u202e\u2066\u05d0\u0627\ud800\0\x1f\x7f\u200d😀e\u0301 -/.:£ampst019"
_ODD = st.text(st.sampled_from(_SIGNS), max_size=40)
_HUGE = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "£", "ages ", "1/"]),
    st.integers(10**15, 10**400),
    st.sampled_from(["", "am", "p", "+", " June"]),
)
PUT_TOGETHER = _LISTS.map(" ".join) | _LISTS.map("".join) | _ODD | _HUGE


def _listing(**members: Any) -> OpportunityWrite:
    return OpportunityWrite.model_validate({"title": "A listing", **members})


@settings(max_examples=400)
@given(text=st.text(max_size=60) | PUT_TOGETHER)
def test_every_reading_is_accepted_by_a_listing(text: str) -> None:
    when = read_when(text, order=DateOrder.DMY, today=TODAY)
    ages = read_ages(text)
    price = read_price(text)
    url = read_url(text)
    members: dict[str, Any] = {"description": read_html(text)}
    if when.value is not None:
        members |= when.value.members()
    if ages.value is not None:
        members |= {"age_min": ages.value.age_min, "age_max": ages.value.age_max}
        members["audiences"] = ages.value.audiences
    if price.value is not None:
        members["price"] = price.value
    if url.value is not None:
        members["url"] = url.value
    write = _listing(**members)
    if write.recurrence:
        assert expand(write.recurrence)


@settings(max_examples=400)
@given(text=st.text(max_size=80) | PUT_TOGETHER)
def test_a_reading_is_sure_or_has_a_doubt(text: str) -> None:
    readings: list[Reading[Any]] = [
        read_when(text, order=DateOrder.MDY, today=TODAY),
        read_date(text, order=DateOrder.DMY, today=TODAY),
        *(
            read(text)
            for read in (read_time, read_ages, read_price, read_postcode, read_boolean, read_url)
        ),
    ]
    for reading in readings:
        assert reading.text == text
        assert 0 <= reading.confidence <= 1
        assert reading.confidence >= CONFIDENT or reading.doubts
        assert all(doubt.code in DOUBTS and doubt.detail for doubt in reading.doubts)
    assert all(read_list(text))
    date_order([text])


@given(text=st.text(max_size=200) | PUT_TOGETHER)
def test_html_that_was_read_is_read_the_same(text: str) -> None:
    once = read_html(text)
    if "&lt;" not in once:  # a written-out tag is a tag when it is read again
        assert read_html(once) == once


HOSTILE = (
    "1, " * 3_400,
    "1-" * 5_000,
    "14 " * 3_400,
    "14 June " * 1_250,
    "Tuesday " * 1_250,
    "10am-" * 2_000,
    "from until " * 900,
    "<!-- " * 2_000,
    "<p" * 5_000,
    "<a href=" * 1_250,
    "<ul><li>" * 1_250,
    "<b>" * 3_333,
    "&lt;div&gt;" * 900,
    "<b></i>" * 1_400,
    "&lt;" * 2_500,
    "£1-" * 3_300,
    "free for " * 1_100,
    "under 5s " * 1_100,
    "(" * 10_000,
    " " * 10_000,
    "a" * 10_000,
    "a." * 5_000,
    "http:" + "/" * 9_995,
    "B1 1" * 2_500,
    "1" * 10_000,
    "every " * 1_600,
    "Normal 0 " * 1_100,
    "\n" * 10_000,
    "- " * 5_000,
)
SLOW = 0.5
"""Seconds for one text of 10,000 characters; it takes a hundredth of that."""


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
@pytest.mark.parametrize("length", [1_490, 10_000, 100_000])
def test_long_texts_are_read_in_time(text: str, length: int) -> None:
    text = (text * (length // len(text) + 1))[:length]
    for read in READ_ALL:
        start = clock.process_time()
        read(text)
        assert clock.process_time() - start < SLOW * max(length / 10_000, 1), read
    start = clock.process_time()
    date_order([text])
    assert clock.process_time() - start < SLOW * max(length / 10_000, 1)


def test_text_of_tags_without_end_is_kept() -> None:
    assert read_html("<div>" * 101 + "Come <b>along</b>") == "<p>Come  along</p>"


def test_prose_is_not_read_as_a_value() -> None:
    text = "Come along, 14 June 2027, ages 5-11, £5. " * 100
    for reading in (
        read_when(text, order=DateOrder.DMY, today=TODAY),
        read_date(text, order=DateOrder.DMY, today=TODAY),
        read_time(text),
        read_ages(text),
        read_price(text),
        read_postcode(text),
    ):
        assert reading.value is None
        assert [doubt.code for doubt in reading.doubts] == ["too_long"]


def test_a_doubt_says_what_to_change() -> None:
    (doubt,) = read_when("Sat 14 June 2027", order=DateOrder.DMY, today=TODAY).doubts
    assert doubt.code == "weekday"
    assert doubt.detail == (
        "“14 June 2027” is a Monday, not a Saturday: correct the day or the date."
    )
