"""The words and signs of dates and times, and the scanner that finds them in a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any

MONTHS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "january jan",
            "february feb febuary",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sept sep",
            "october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}
WEEKDAYS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(
        (
            "monday mon",
            "tuesday tues tue",
            "wednesday weds wed wednesay",
            "thursday thurs thur thu",
            "friday fri",
            "saturday sat",
            "sunday sun",
        )
    )
    for name in names.split()
}
PLURALS = frozenset(
    [
        "mondays",
        "tuesdays",
        "wednesdays",
        "thursdays",
        "fridays",
        "saturdays",
        "sundays",
        "mons",
        "fris",
        "sats",
        "suns",
    ]
)
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
DAY_GROUPS: Mapping[str, tuple[int, ...]] = {
    "weekday": (0, 1, 2, 3, 4),
    "weekdays": (0, 1, 2, 3, 4),
    "weekend": (5, 6),
    "weekends": (5, 6),
}
_SMALL_NUMBERS = "one two three four five six seven eight nine ten eleven twelve"
SMALL_NUMBERS: Mapping[str, int] = {
    name: number for number, name in enumerate(_SMALL_NUMBERS.split(), start=1)
}
ORDINALS: Mapping[str, int] = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


class Sort(StrEnum):
    """What a piece of text is."""

    STAMP = auto()  # a machine's date, maybe with a time: (date parts, time parts, offset)
    DATE = auto()  # a date in numbers: (first, second, year or None)
    DAY = auto()  # a date that has been put together
    CLOCK = auto()  # (hour, minute, "am" | "pm" | None, certain)
    SPAN = auto()  # times that have been put together
    NUMBER = auto()
    SHORT_YEAR = auto()
    MONTH = auto()
    WEEKDAY = auto()  # (the days, whether plural)
    ORDINAL = auto()
    RANGE = auto()
    LIST = auto()
    FROM = auto()
    EXCEPT = auto()
    EVERY = auto()
    DAILY = auto()
    MONTHLY = auto()
    INTERVAL = auto()
    COUNT = auto()
    DURATION = auto()
    AT = auto()
    DOORS = auto()
    TERM_TIME = auto()
    HOLIDAYS = auto()
    ALWAYS = auto()
    WAITING = auto()
    RELATIVE = auto()
    WEEK_OF = auto()
    PART_OF_DAY = auto()
    CANCELLED = auto()
    ODD = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text, what it is, and what it says."""

    sort: Sort
    text: str
    value: Any = None


_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_SMALL = "|".join(SMALL_NUMBERS)

# Tried in this order at each place. Every repeat is bounded or cannot overlap what follows it,
# so that reading stays linear. `None`: nothing is said.
PATTERNS: tuple[tuple[Sort | None, str], ...] = (
    (
        Sort.STAMP,
        (
            r"(?:19|20|21)\d\d-\d\d-\d\d"
            r"(?:(?:t|\ {1,3})\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?"
            r"(?:\ ?(?:z|utc)\b|\+\d\d:?\d\d|(?<=:\d\d:\d\d)-\d\d:\d\d)?"
            r"(?![\d:]|\ ?[ap]\.?m\b))?(?!\d)"
        ),
    ),
    (Sort.STAMP, r"(?:19|20|21)\d\d(?:0[1-9]|1[0-2])[0-3]\d(?:t\d{4}(?:\d\d)?z?)?(?![\d-])"),
    (Sort.STAMP, r"(?:19|20|21)\d\d(?P<s1>[/.])\d{1,2}(?P=s1)\d{1,2}(?!\d)"),
    (Sort.ALWAYS, r"24\ ?/\ ?7\b(?!\ ?/)"),
    (Sort.DATE, r"\d{1,2}\ ?(?P<s2>[/.-])\ ?\d{1,2}\ ?(?P=s2)\ ?(?:\d{4}|\d{2})(?![\d:])"),
    (Sort.DATE, rf"\d{{1,2}}(?P<s3>[/-])(?:{_MONTH})(?P=s3)(?:\d{{4}}|\d{{2}})(?!\d)"),
    (
        Sort.DATE,
        rf"\d{{1,2}}/\d{{1,2}}(?![\d/])(?!\ {{0,3}}(?:of\ )?(?:{_MONTH})\b)",
    ),
    (Sort.ODD, r"[£$€]\ ?\d[\d.,]{0,20}"),
    (Sort.DURATION, r"\d{1,2}(?:\.\d)?[\ -]?(?:hours?|hrs?)\b|\d{1,3}[\ -]?min(?:ute)?s?\b"),
    (
        Sort.CLOCK,
        (
            # "2027 noon" is a year and a time, not 27 minutes past eight.
            r"(?:\d{1,2}(?:[:.]\d\d(?::\d\d)?)?|[01]?\d[0-5]\d)\ ?(?:a\.m\b\.?|p\.m\b\.?|[ap]m\b)"
            r"|(?:12|0?0)(?:[:.]00)?\ ?(?:noon|midday|midnight)\b"
        ),
    ),
    (Sort.CLOCK, r"[0-2]\d[0-5]\d\ ?h(?:ou)?rs?\b|[0-2]?\dh[0-5]\d\b"),
    (Sort.CLOCK, r"\d{1,2}[:.]\d\d(?::\d\d)?(?!\d)(?:\ ?h(?:ou)?rs?\b)?"),
    (Sort.CLOCK, r"\d{1,2}\ o'?\ ?clock\b|(?:12\ )?noon\b|midday\b|midnight\b"),
    (
        Sort.COUNT,
        (
            rf"(?:for\ )?(?:\d{{1,2}}|{_SMALL})[\ -]?(?:weeks?|wks?|weekly\ sessions?|sessions?)\b"
            r"(?!\ (?:a|per|each)\b)(?:\ (?:course|programme|block|run|term)\b)?"
        ),
    ),
    (Sort.SHORT_YEAR, r"'\d\d(?!\d)"),
    (Sort.NUMBER, rf"\d{{1,4}}(?:st|nd|rd|th)?(?![\da-z])|\d{{1,2}}(?=(?:{_MONTH})\b)"),
    (Sort.ODD, r"\d[\w.]{0,40}"),
    (
        Sort.ORDINAL,
        r"(?:first|second|third|fourth|last)\b(?=[ ,&a-z]{0,24}(?:mon|tue|wed|thu|fri|sat|sun))",
    ),
    (Sort.INTERVAL, r"every\ (?:other|second|alternate|2nd)\b|alternate\b|fortnightly\b"),
    (Sort.INTERVAL, r"every\ (?:fortnight|(?:2|two)\ weeks)\b"),
    (Sort.INTERVAL, r"every\ (?:3|three|4|four)\ weeks\b"),
    (
        Sort.MONTHLY,
        (
            r"(?:of|in)\ (?:(?:the|each|every)\ )?month\b|(?:every|each|per)\ month\b"
            r"|monthly\b"
        ),
    ),
    (Sort.DAILY, r"(?:every|each|per)\ day\b|daily\b|7\ days\ a\ week\b"),
    (
        Sort.EVERY,
        (
            r"(?:every|each|per|once\ a)\ week\b|weekly\b|every\b|each\b"
            r"|all\ (?=[a-z]+days\b)"
        ),
    ),
    (Sort.TERM_TIME, r"(?:during\ |in\ )?(?:school\ )?term[\ -]?times?(?:\ only)?\b"),
    (Sort.TERM_TIME, r"during\ term\b|in\ term\b|term\ weeks\b"),
    (
        Sort.HOLIDAYS,
        (
            r"(?:the\ )?(?:(?:school|summer|easter|christmas|spring|october|february|may|bank)\ )?"
            r"(?:half[\ -]?terms?|holidays?|hols)(?:\ week)?(?:\ only)?\b"
        ),
    ),
    (
        Sort.ALWAYS,
        (
            r"always\ available\b|(?:open\ |available\ )?all\ year(?:[\ -]round)?\b"
            r"|year[\ -]round\b"
            r"|any\ ?time\b|on[\ -]?going\b|on[\ -]demand\b|(?:available\ )?(?:by|on)\ "
            r"(?:arrangement|appointment|request)\b|flexible(?:\ dates?)?\b|permanent(?:\ "
            r"(?:display|exhibition|collection))?\b|throughout\ the\ year\b"
            r"|to\ suit\ you(?:r\ school)?\b"
        ),
    ),
    (
        Sort.WAITING,
        r"(?:tbc|tba|to\ be\ (?:confirmed|announced|advised|arranged)|to\ follow|coming\ soon)\b",
    ),
    (Sort.WEEK_OF, r"(?:w/c|w/b|wc\b|week\ (?:commencing|beginning|of)\b)"),
    (
        Sort.RELATIVE,
        (
            rf"(?:today|tomorrow|tonight|yesterday|now|(?:next|this)(?:\ (?:{_WEEKDAY}))?"
            r"|last\ (?=week|month|year))\b"
        ),
    ),
    (Sort.DOORS, r"(?:doors|arrive|arrivals?|registration)(?:\ open)?(?:\ at|\ from|\ by)?\b:?"),
    # "7pm for 7.30pm": guests come at seven.
    (Sort.DOORS, r"for\ (?=\d{1,2}(?:[:.]\d\d)?\ ?[ap]\.?m\b|\d{1,2}[:.]\d\d(?!\d))"),
    (
        Sort.EXCEPT,
        (
            r"except(?:\ for)?(?:\ on)?\b|closed(?:\ on)?\b|excluding\b|excl?\b\.?"
            r"|apart\ from\b|not\ including\b"
            r"|(?:but\ )?not(?:\ on)?\b|no\ (?:session|class|club|workshop|meeting)s?(?:\ on)?\b"
        ),
    ),
    (
        Sort.FROM,
        (
            r"(?:starting|commencing|beginning)(?:\ from|\ on)?\b|(?:starts|commences|begins)"
            r"(?:\ on|\ from|\ at)?\b|from\b|between\b|first\ session\b|start\ date\b:?"
        ),
    ),
    (
        Sort.RANGE,
        (
            r"-{1,3}|(?:up\ )?until?l?\b|till?\b|up\ to\b|to\b|through\b|thru\b"
            r"|(?:ending|ends|finishing|finishes|finish)(?:\ on|\ at)?\b|end\ date\b:?"
            r"|last\ session\b"
        ),
    ),
    (Sort.CANCELLED, r"cancelled\b|postponed\b"),
    (
        Sort.PART_OF_DAY,
        (
            r"(?:in\ the\ )?(?:mornings?|afternoons?|evenings?|nights?|lunch[\ -]?times?)\b"
            r"|after[\ -]?school\b|before\ school\b"
        ),
    ),
    (Sort.AT, r"at\b|@"),
    (Sort.LIST, r"[,&;+/|\n]|and\b|or\b|plus\b|then\b"),
    (
        None,
        (
            r"[\ .():]+|(?:on|the|of|in|for|dates?|times?|only|bst|gmt|all\ day|start|show"
            r"|shows|is|are"
            r"|held|runs?|running|takes\ place|sessions?|performances?|drop[\ -]in"
            r"|booking\ (?:essential|required)|w/ends)\b"
        ),
    ),
    (Sort.ODD, r"[a-z']+-?\d[\w-]{0,40}"),
)
_GAP = re.compile(r"[ .():]+")
_WORD = re.compile(r"[a-z][a-z']{0,39}")
_SORTS = {f"p{place}": sort for place, (sort, _) in enumerate(PATTERNS)}
_FINDER = re.compile(
    "|".join(f"(?P<p{place}>{pattern})" for place, (_, pattern) in enumerate(PATTERNS)), re.ASCII
)


def scan(text: str) -> list[Token]:
    """The tokens of a tidied text in small letters; what is unknown becomes ODD."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        gap = _GAP.match(text, at)
        if gap:
            at = gap.end()
            continue
        token, at = _next(text, at)
        if token is not None:
            tokens.append(token)
    return tokens


def _next(text: str, at: int) -> tuple[Token | None, int]:
    word = _WORD.match(text, at)
    if word:
        known = _known_word(word[0])
        if known:
            return known, word.end() + (text[word.end() : word.end() + 1] == ".")
    found = _FINDER.match(text, at)
    if found:
        sort = _SORTS[found.lastgroup or ""]
        return (Token(sort, found[0]) if sort else None), found.end()
    end = word.end() if word else at + 1
    return Token(Sort.ODD, text[at:end]), end


def _known_word(word: str) -> Token | None:
    if word in MONTHS:
        return Token(Sort.MONTH, word, MONTHS[word])
    if word in WEEKDAYS:
        return Token(Sort.WEEKDAY, word, ((WEEKDAYS[word],), False))
    if word in PLURALS or word.replace("'", "") in PLURALS:
        return Token(Sort.WEEKDAY, word, ((WEEKDAYS[word.replace("'", "")[:-1]],), True))
    if word in DAY_GROUPS:
        return Token(Sort.WEEKDAY, word, (DAY_GROUPS[word], True))
    return None
