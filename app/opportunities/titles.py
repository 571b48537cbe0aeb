"""What a title says once its dates are left out, and how alike two titles are.

Parts, groups, levels and ages in a title are its marks: "Week 1" and "Week 2" have the same words
and are two things.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from app.kit.identifiers import slugify

MOST_LETTERS = 160
"""Of a title."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MONTHS = _listed(
    "jan january feb february mar march apr april may jun june jul july aug august "
    "sep sept september oct october nov november dec december"
)
WEEKDAYS = _listed(
    "mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday "
    "sat saturday sun sunday"
)
FILLERS = _listed(
    "the a an and of for in at on with to by from our your their its it is are or as be "
    "age aged ages year years old yr yrs new free"
)
DROPPED = frozenset([*MONTHS, *WEEKDAYS, *(f"{day}s" for day in WEEKDAYS), *FILLERS])

GENERIC = frozenset(
    _listed(
        "workshop class club session event activity course day lesson group programme project "
        "drop dropin live online"
    )
)
"""Words that say little: a workshop may be called a class elsewhere."""
GENERIC_WEIGHT = 0.4
SLIP = 0.9
"""What a word with a slip of the pen counts."""

LEVELS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("beginner", "beginners", "starter", "starters"), ("level", "beginner")),
    **dict.fromkeys(("improver", "improvers"), ("level", "improver")),
    **dict.fromkeys(("intermediate", "intermediates"), ("level", "intermediate")),
    "advanced": ("level", "advanced"),
    **dict.fromkeys(("baby", "babies"), ("group", "baby")),
    **dict.fromkeys(("toddler", "toddlers"), ("group", "toddler")),
    **dict.fromkeys(("mini", "minis"), ("group", "mini")),
    **dict.fromkeys(("junior", "juniors"), ("group", "junior")),
    **dict.fromkeys(("senior", "seniors"), ("group", "senior")),
    **dict.fromkeys(("teen", "teens", "teenagers"), ("group", "teen")),
    **dict.fromkeys(("adult", "adults"), ("group", "adult")),
    **dict.fromkeys(("girl", "girls"), ("group", "girl")),
    **dict.fromkeys(("boy", "boys"), ("group", "boy")),
    **dict.fromkeys(("morning", "mornings"), ("time", "morning")),
    **dict.fromkeys(("afternoon", "afternoons"), ("time", "afternoon")),
    **dict.fromkeys(("evening", "evenings"), ("time", "evening")),
}
"""Words that set one group apart from another: what they tell apart, and how."""

_FIGURES = tuple(map(str, range(1, 11)))
_ORDINAL_WORDS = _listed("one two three four five six seven eight nine ten")
ORDINALS = dict(zip(_ORDINAL_WORDS, _FIGURES, strict=True))
ROMAN = dict(zip(_listed("i ii iii iv v vi vii viii ix x"), _FIGURES, strict=True))

_APOSTROPHES = re.compile(r"['’`]")
_MONTH = f"(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})"
_DATES = re.compile(
    r"\b\d{4}-\d\d-\d\d\b"
    r"|\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b"
    r"|\b(?:19|20)\d\d\s*[-–/]\s*(?:20)?\d\d\b"
    r"|\b(?:19|20)\d\d\b"
    r"|\b\d{1,2}(?:[:.]\d\d)?\s*(?:am|pm)\b"
    r"|\b\d{1,2}[:.]\d\d\b"
    r"|\b\d{1,2}(?:st|nd|rd|th)\b"
    rf"|\b\d{{1,2}}\s+{_MONTH}\b|\b{_MONTH}\s+\d{{1,2}}\b"
)
_VALUE = r"(\d{1,3}|[a-f]|x|ix|iv|v?i{1,3}|v|one|two|three|four|five|six|seven|eight|nine|ten)"
_PARTS = re.compile(
    r"\b(week|wk|part|pt|session|day|group|level|stage|step|unit|module|term|class|year|grade|set|"
    r"block|team|cohort|room|episode|chapter|volume|vol|act|round|phase|number|no|ks|key stage)"
    rf"s?\.?\s*{_VALUE}\b"
)
_AGES = re.compile(r"\b(\d{1,2})\s*(?:-|–|to)\s*(\d{1,2})\b")
_UNDER = re.compile(r"\bunder\s*-?\s*(\w+?)s?\b|\bu(\d{1,2})s?\b")
_OVER = re.compile(r"\b(\d{1,2})\s*\+|\bover\s*(\d{1,2})s?\b")
_WORD = re.compile(r"[^\W_]+")

Marks = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Title:
    """The words of a title that carry meaning, and what sets it apart from its siblings."""

    words: tuple[str, ...]
    marks: Marks


@lru_cache(maxsize=20_000)
def read_title(text: str) -> Title:
    """Take a title apart: dates and fillers go, parts, groups and ages become marks."""
    folded = _fold(text)
    marks: dict[str, set[str]] = {}

    def take(label: str, value: str) -> str:
        marks.setdefault(label, set()).add(ORDINALS.get(value) or ROMAN.get(value) or value)
        return " "

    rest = _DATES.sub(" ", folded)
    rest = _AGES.sub(lambda found: take("ages", f"{found[1]}-{found[2]}"), rest)
    rest = _OVER.sub(lambda found: take("ages", f"{found[1] or found[2]}+"), rest)
    rest = _UNDER.sub(lambda found: take("ages", f"-{_figure(found[1] or found[2])}"), rest)
    rest = _PARTS.sub(lambda found: take(_label(found[1]), found[2]), rest)
    words = []
    for word in _WORD.findall(rest):
        if word in LEVELS:
            take(*LEVELS[word])
        elif word.isdigit() or (word in ROMAN and len(word) > 1):
            take("number", word)
        elif word not in DROPPED:
            words.append(_singular(word))
    kept = tuple(dict.fromkeys(words)) or tuple(dict.fromkeys(_WORD.findall(folded)))
    return Title(kept, {label: frozenset(values) for label, values in marks.items()})


def set_apart(one: Marks, other: Marks) -> bool:
    """Whether two titles name different parts, groups, levels or ages."""
    return any(one[label] != other[label] for label in one.keys() & other.keys())


def likeness(one: Title, other: Title) -> float:
    """How alike two titles are, from 0 to 1; 1 means that they say the same.

    The share of words that both have, where a slip of the pen still counts and words that say
    little count less. Where each has a word of weight that the other lacks, they differ in it.
    """
    same = frozenset(one.words) & frozenset(other.words)
    shared = sum(2 * _weight(word) for word in same)
    left = [word for word in other.words if word not in same]
    alone = []
    for word in one.words:
        if word in same:
            continue
        slip = next((candidate for candidate in left if _is_slip(word, candidate)), None)
        if slip is None:
            alone.append(word)
        else:
            shared += SLIP * (_weight(word) + _weight(slip))
            left.remove(slip)
    whole = sum(map(_weight, one.words)) + sum(map(_weight, other.words))
    found_share = shared / whole if whole else 0.0
    if any(word not in GENERIC for word in alone) and any(word not in GENERIC for word in left):
        found_share *= 0.85
    elif (not alone or not left) and min(len(one.words), len(other.words)) > 1:
        found_share = max(found_share, 0.75)  # the one is the other, and says more
    if one.marks.keys() != other.marks.keys():
        found_share *= 0.95
    return found_share


def _fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("&", " and ")).casefold()
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return _APOSTROPHES.sub("", letters)


def _label(word: str) -> str:
    return {"wk": "week", "pt": "part", "vol": "volume", "no": "number", "ks": "key stage"}.get(
        word, word
    )


def _figure(word: str) -> str:
    return ORDINALS.get(word, word)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _weight(word: str) -> float:
    return GENERIC_WEIGHT if word in GENERIC else 1.0


def _is_slip(one: str, other: str) -> bool:
    """Whether two words differ by a letter too many, or by two exchanged.

    A letter that differs makes another word as often as not: painting, printing.
    """
    if min(len(one), len(other)) < 4 or abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        differ = [at for at in range(len(one)) if one[at] != other[at]]
        if len(differ) != 2 or differ[1] != differ[0] + 1:
            return False
        first, second = differ
        return one[first] == other[second] and one[second] == other[first]
    shorter, longer = sorted((one, other), key=len)
    at = next((i for i, letter in enumerate(shorter) if letter != longer[i]), len(shorter))
    return shorter[at:] == longer[at + 1 :]


def sortable(title: str) -> str:
    """A title as lists are sorted by it: without case, accents and punctuation."""
    return slugify(title, MOST_LETTERS) or title.casefold()[:MOST_LETTERS]
