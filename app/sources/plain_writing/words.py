"""What a reading is, what a doubt says, and the plain kinds: yes or no, lists, addresses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.kit.text import http_url

T = TypeVar("T")

SURE = 1.0
CLEAR = 0.9
LIKELY = 0.75
DOUBTFUL = 0.5
UNREAD = 0.0
CONFIDENT = 0.6
"""Below this a reading has no value, or a doubt says why."""
SHOWN = 60
"""So much of a text is quoted back, in characters."""
LONGEST = 1_500
"""A longer text is prose, not a value, and is not read."""

DOUBTS: Mapping[str, str] = {
    "ambiguous_postcode": "{text} can be read as {readings}: write the right one.",
    "ages_disagree": "{text} says two things about ages: they were read as one span.",
    "american_date": "{text} has the month first: write 25 July 2027 or 25/07/2027.",
    "am_or_pm": "{text} can be morning or evening: add am or pm.",
    "booking_fee": "{text}: say how much the booking fee is.",
    "bundle": "{text} is the price of several together: give the price of one.",
    "cancelled": "{text}: if it is off, send the session with the status cancelled.",
    "conditional_free": "{text} is not free to everyone: say who pays, and how much.",
    "corrected": "{text} was read as {reading}: correct it at your end.",
    "count_or_age": "{text} may count people: write 'ages 8-12', or leave the number out.",
    "count_mismatch": "{text}: the number of sessions does not fit the last date.",
    "day_or_time": "{text} can be days or hours: write the times with am or pm.",
    "end_before_start": "{text} ends before it starts: correct one of the two.",
    "every_day": "{text}: say 'daily', or name the days on which it is open.",
    "exception": "{text}: the exception is not kept as an age; put it in the access text.",
    "loose_age": "{text} is read as about {reading}: give the ages in years.",
    "midnight": "{text} is at midnight and was read as a date: add the time.",
    "mixed_date_order": "Some dates have the day first and some the month: use 25/07/2027.",
    "more_than_a_date": "{text} holds more than one date: give one.",
    "no_date": "{text} has no date: add one, such as 14 June 2027.",
    "no_day": "{text} names a month without a day: add the day.",
    "no_end": "{text} has no end: add the last date.",
    "no_lowest": "{text} gives the highest price only: give the lowest too.",
    "no_pound_sign": "{text} has no pound sign: write £5.00 if it is a price.",
    "no_start": "{text} does not say when it starts: add the first date.",
    "no_start_time": "{text} says when it ends, not when it starts: add the start.",
    "no_such_date": "{text} is not in the calendar: correct it.",
    "no_such_time": "{text} is not on the clock: correct it.",
    "no_time": "{text} has no time: add one, such as 4pm-5.30pm.",
    "no_year": "{text} has no year: add it. The next such date was taken.",
    "not_an_address": "{text} is not a web address: write it as https://www.example.org.",
    "not_a_postcode": "{text} holds no whole postcode: write one such as B1 1BB.",
    "not_ages": "{text} gives no age: write 'ages 5-11', '8+' or 'Year 3'.",
    "not_a_price": "{text} gives no price: write 'Free' or '£3.50 per child'.",
    "not_yes_or_no": "{text} is neither yes nor no: write Yes or No.",
    "odd_ending": "{text} has an unusual ending for a web address: check it.",
    "odd_hours": "{text} starts in the night: check am and pm.",
    "out_of_range": "{text} lies outside 2000 to 2099: correct the year.",
    "past_25": "{text} is read as ages from {reading}: listings are for people up to 25, check it.",
    "per_week": "{text}: say whether it is every week, and from when until when.",
    "relative_date": "{text} depends on the day it is read: write the date itself.",
    "reversed_ages": "{text} runs from old to young: put the younger age first.",
    "school_holidays": "{text}: give the dates; school holidays differ from place to place.",
    "serial_number": "{text} looks like a spreadsheet's day number: format the cell as a date.",
    "several_addresses": "{text} holds several web addresses: give one.",
    "several_postcodes": "{text} holds several postcodes: give one.",
    "several_prices": "{text} holds several prices: say what each is for.",
    "several_ranges": "{text} names ages with a gap between them: they were read as one span.",
    "several_rules": "{text} repeats in more than one way: send it as two listings, or as dates.",
    "single_age": "{text}: say whether this is one age, the youngest or the oldest.",
    "some_without_time": "{text}: some of the dates have no time: add it to each.",
    "term_time": "{text}: give the first and last date and the weeks off; terms differ.",
    "time_beside_date": "{text} holds a time too, and only the date was read: check the time.",
    "tick_or_cross": "{text} may be a tick or a cross: write Yes or No.",
    "to_be_confirmed": "{text}: send it again once it is confirmed.",
    "too_long": "{text} is too long to read as one value: put prose in the description.",
    "unlikely_year": "{text} is an unlikely year: check it.",
    "unread": "{text} was not understood: write it more plainly, or put it in the description.",
    "wait_or_no": "{text} is not a price: write 'Free' if nothing is to pay.",
    "week_commencing": "{text} names a week: give the days on which it takes place.",
    "weekday": "{text} is a {actual}, not a {written}: correct the day or the date.",
    "weeks_off": "{text}: give the dates that are left out.",
}
"""Every doubt: a stable code, and what a partner should change."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something to check: a stable code, and in plain English what to change."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A value read from a text, how sure the reading is (0 to 1), and what to check."""

    value: T | None
    text: str
    confidence: float
    doubts: tuple[Doubt, ...] = ()


def doubt(code: str, text: str, **more: str) -> Doubt:
    """The doubt with this code about this text, which is quoted in part."""
    text = " ".join(text.split())
    quoted = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return Doubt(code, DOUBTS[code].format(text=f"“{quoted}”", **more))


def unread(text: str, code: str, **more: str) -> Reading[T]:
    """A reading without a value, with one doubt."""
    return Reading(None, text, UNREAD, (doubt(code, text, **more),))


def nothing(text: str) -> Reading[T]:
    """The reading of an empty cell: nothing was said, and that is certain."""
    return Reading(None, text, SURE)


_TIDY = {ord(c): " " for c in "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000\t"}
_TIDY |= {ord(c): "-" for c in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"}
_TIDY |= {ord(c): "'" for c in "\u2018\u2019\u02bc\u00b4`"}
_TIDY |= {ord(c): '"' for c in "\u201c\u201d"}
_TIDY |= {ord("\u00bc"): ".25", ord("\u00be"): ".75"}
_TIDY |= {ord("\u00bd"): ".5", ord("\u2022"): ";", ord("\u00b7"): ".", ord("\r"): "\n"}
_UNSEEN: dict[int, str | None] = dict.fromkeys(
    [*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)]
)
_UNSEEN |= dict.fromkeys([0x00AD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F)])
_UNSEEN |= dict.fromkeys(range(0x2066, 0x206A))
_UNSEEN |= {0x2028: "\n", 0x2029: "\n", 0x85: "\n"}
_UNSEEN.pop(0x0D)


def visible(text: str) -> str:
    """The text without what nobody sees: control and zero-width characters, lone surrogates."""
    return text.translate(_UNSEEN)


def tidy(text: str) -> str:
    """Visible text with one kind of space, dash and quotation mark."""
    return visible(text).translate(_TIDY).strip()


# --- yes or no --------------------------------------------------------------------------------

EMPTY = frozenset({"", "-", "--", "?", "n/a", "na", "n.a.", "none", "nil", "null"})
"""Ways to leave a cell empty."""
WAITING = re.compile(
    r"\s*(?:dates?|times?|prices?|costs?)?\s*\(?"
    r"(?:tbc|tba|t\.b\.[ac]\.?|to be (?:confirmed|announced|advised|arranged)"
    r"|to follow)\)?[.!]?\s*"
)
BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(
        ("yes", "y", "true", "t", "1", "on", "✓", "✔", "☑", "✅", "yes please", "yep"), True
    ),
    **dict.fromkeys(("no", "n", "false", "f", "0", "off", "✗", "✘", "☐", "❌", "nope"), False),
}
_ANSWER = re.compile(r"(yes|no)\s*[-,.;:!(]")


def read_boolean(text: str) -> Reading[bool]:
    """Yes or no, as people tick it."""
    plain = tidy(text).lower().rstrip(" .!")
    if plain in EMPTY - {"none"}:
        return nothing(text)
    if plain in BOOLEANS:
        return Reading(BOOLEANS[plain], text, SURE)
    if plain == "x":
        return Reading(True, text, DOUBTFUL, (doubt("tick_or_cross", text),))
    answer = _ANSWER.match(plain)
    if answer and len(plain) < LONGEST:
        return Reading(answer[1] == "yes", text, LIKELY)
    return unread(text, "to_be_confirmed" if WAITING.fullmatch(plain) else "not_yes_or_no")


# --- lists ------------------------------------------------------------------------------------

_HARD = re.compile(r"[;|\n\r\u2022\u25cf\u25aa]|\s/\s")
_MARK = re.compile(r"^\s*(?:[-*\u2013\u2014\u00b7]\s+|\d{1,2}[.)]\s+)")
_MOST_WORDS = 5
"""A part of a comma list with more words is a piece of a sentence."""


def read_list(text: str) -> list[str]:
    """The parts of a list, in order and each once: at `;`, lines and bullets, else at safe commas.

    A comma is safe when it stands outside brackets and every part is a short label; "drama and
    music" stays whole, since some labels hold an "and".
    """
    plain = visible(text)
    parts = _HARD.split(plain)
    if sum(bool(part.strip()) for part in parts) < 2:
        parts = _at_commas(plain)
    labels = (" ".join(_MARK.sub("", part).split()).strip(" ,") for part in parts)
    return list(dict.fromkeys(label for label in labels if label))


def _at_commas(text: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        # A comma inside a number does not separate.
        number = text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()
        if letter == "," and depth == 0 and not number:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    if parts[1:] and parts[-1].split()[:1] in (["and"], ["or"]):
        parts[-1] = " ".join(parts[-1].split()[1:])
    short = all(
        len(part.split()) <= _MOST_WORDS and not part.rstrip().endswith(".") for part in parts
    )
    return parts if short and depth == 0 else [text]


# --- web addresses ----------------------------------------------------------------------------

_ENDINGS = (
    "uk com org net info co io gov edu ac eu me tv biz wales scot london art arts school "
    "church events academy museum theatre gallery studio dance education music community "
    "social online site website ly gl be cymru foundation charity club space tickets world "
    "link app"
)
ENDINGS = frozenset(_ENDINGS.split())
"""The last parts of web addresses that listings use."""
_BROKEN = re.compile(
    r"^(?:https?|htt?p?s?|ttps?)\s*[:;]?\s*/{1,3}\s*|^https?:(?=\w)", re.IGNORECASE
)
_HOST = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.([a-z]{2,24})(?::\d{1,5})?(?=[/?#]|$)", re.IGNORECASE
)
_LINK = re.compile(r"""<a\s[^<>]*href\s*=\s*["']?([^"'<>\s]{1,2000})""", re.IGNORECASE)


SHORT_URL = 500
_USUAL = re.compile(
    r"(?P<scheme>https?://)?(?:[a-z0-9](?:[a-z0-9]|-(?!-)){0,61}+(?<!-)\.){1,4}(?P<ending>[a-z]{2,24})"
    r"(?P<path>(?:/(?!\.)[\w~.-]++)*+/?)(?<!\.)",
    re.ASCII,
)
"""An address that is written as it is kept."""


def read_url(text: str) -> Reading[str]:
    """A web address; `https://` is put before one without a scheme."""
    usual = _USUAL.fullmatch(text)
    if usual and len(text) <= SHORT_URL and (usual["scheme"] or usual["ending"] in ENDINGS):
        value = f"{'' if usual['scheme'] else 'https://'}{text}{'' if usual['path'] else '/'}"
        return Reading(value, text, SURE if usual["scheme"] else CLEAR)
    return read_any_url(text)


def read_any_url(text: str) -> Reading[str]:
    """The same by the whole path: an address in any form, with its slips."""
    plain = visible(text).strip()
    if plain.lower() in EMPTY:
        return nothing(text)
    link = _LINK.search(plain[:LONGEST])
    plain = link[1] if link else plain.strip(" <>()[]\"'").rstrip(".,;")
    pieces = [piece for piece in re.split(r"[\s,;]+", plain[:LONGEST]) if _HOST.search(piece)]
    if len(pieces) > 1:
        return unread(text, "several_addresses")
    if len(plain.split()) != 1 or len(plain) > LONGEST:
        return unread(text, "not_an_address")
    return _address(text, plain)


def _address(text: str, plain: str) -> Reading[str]:
    scheme = _BROKEN.match(plain)
    rest = plain[scheme.end() :] if scheme else plain
    host = _HOST.match(rest)
    if host is None or "@" in rest.split("/")[0]:
        return unread(text, "not_an_address")
    known = scheme is not None and scheme[0].lower() in ("http://", "https://")
    try:
        value = http_url(plain if known else f"https://{rest}")
    except ValueError:
        return unread(text, "not_an_address")
    if scheme and not known:
        return Reading(value, text, LIKELY, (doubt("corrected", text, reading=value),))
    if not known and host[1].lower() not in ENDINGS:
        return Reading(value, text, DOUBTFUL, (doubt("odd_ending", text),))
    return Reading(value, text, SURE if known else CLEAR)
