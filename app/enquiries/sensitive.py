"""What must not be in an enquiry: a child's identity, numbers of identity and of money.

Nothing is stored of what is refused, and no refusal repeats what it found.
"""

import re
from collections.abc import Iterator
from datetime import date

from app.kit.times import today

_NINO = re.compile(
    r"(?<![A-Z0-9])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
    r"(?:[ -]?\d\d){3}[ -]?[A-D](?![A-Z0-9])",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_CARD_STARTS = ("2", "3", "4", "5", "6")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = re.compile(
    r"(?<![\d/.-])(?:"
    r"(?P<d1>\d{1,2})[/.-](?P<m1>\d{1,2})[/.-](?P<y1>\d{4}|\d\d)"
    r"|(?P<y2>\d{4})[/.-](?P<m2>\d{1,2})[/.-](?P<d2>\d{1,2})"
    rf"|(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<m3>{_MONTH})[\s,]+(?P<y3>\d{{4}}|\d\d)"
    rf"|(?P<m4>{_MONTH})\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?[\s,]+(?P<y4>\d{{4}})"
    r")(?![\d/-])",
    re.IGNORECASE,
)
_BIRTH = re.compile(
    r"\b(?:d\.?\s?o\.?\s?b\b|born\b|birth\s?da(?:y|te)|date of birth|birthdate)", re.IGNORECASE
)
_CHILD = re.compile(
    r"\b(?:son|daughter|child|children|kid|boy|girl|pupil|student|nephew|niece|grandson"
    r"|granddaughter|grandchild|toddler|baby|year \d{1,2}|aged?)\b",
    re.IGNORECASE,
)
_NAME_BEFORE = re.compile(r"\b[A-Z][a-z'’-]+(?:\s+[A-Z][a-z'’-]+){0,2}\s*[,(:–-]*\s*$")
_SENTENCE = re.compile(r"[.!?]\s+(?=[A-Z])|\n")
_TOO_YOUNG = re.compile(
    r"\b(?:i\s?['’]?\s?a?m|my age is)\s+(?:only\s+|just\s+)?(\d{1,2})"
    r"(?=\s*(?:years?|yrs?)\b|\s*[.!,]|\s*$)",
    re.IGNORECASE | re.MULTILINE,
)
_DATA = re.compile(r"data:[\w/+.-]{0,80}(?:;[\w=-]{0,40}){0,3};base64,", re.IGNORECASE)
CHILDHOOD = 18
NEAR = 60
"""Characters between a word about birth, or a name, and the date that belongs to it."""

NINO_ADVICE = "This looks like a National Insurance number. Take it out: we never need one."
CARD_ADVICE = "This looks like the number of a payment card. Take it out: we never need one."
CHILD_ADVICE = (
    "This looks like a child's date of birth. Please leave names and dates of birth of children "
    "out, and choose an age band instead: we do not need to know who they are."
)
YOUNG_ADVICE = (
    "It is good that you ask. As you are under 13, please let a parent, a carer or a teacher "
    "write to us for you, and leave out who you are."
)
DATA_ADVICE = "Files cannot be sent with an enquiry. Say what you have, and we will ask for it."


def advice(text: str) -> str | None:
    """Why a text cannot be taken, and what to do instead; None if it can."""
    if _NINO.search(text):
        return NINO_ADVICE
    if any(_is_card(found) for found in _DIGITS.findall(text)):
        return CARD_ADVICE
    if _names_child(text):
        return CHILD_ADVICE
    if any(int(age) < 13 for age in _TOO_YOUNG.findall(text)):
        return YOUNG_ADVICE
    if _DATA.search(text):
        return DATA_ADVICE
    return None


def _is_card(text: str) -> bool:
    digits = [int(character) for character in text if character.isdigit()]
    if not text.startswith(_CARD_STARTS) or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _names_child(text: str) -> bool:
    """A child's birthday said as such, or right after a name where a child is spoken of."""
    for sentence in _SENTENCE.split(text):
        of_child = _CHILD.search(sentence) is not None
        for found in _childhood_dates(sentence):
            # Only so much of it: what somebody makes up to keep us busy must not succeed.
            before = sentence[max(0, found.start() - NEAR) : found.start()]
            if _BIRTH.search(before + sentence[found.start() : found.end() + NEAR]):
                return True
            if of_child and _NAME_BEFORE.search(before):
                return True
    # A form that was pasted has its words and its dates on lines of their own.
    return any(
        _BIRTH.search(text[max(0, found.start() - NEAR) : found.start()])
        for found in _childhood_dates(text)
    )


def _childhood_dates(text: str) -> Iterator[re.Match[str]]:
    """The dates in a text on which somebody was born who is a child today."""
    day = today()
    for found in _DATE.finditer(text):
        parts = found.groupdict()
        number = next(n for n in "1234" if parts[f"y{n}"])
        born = _date(parts[f"y{number}"], parts[f"m{number}"], parts[f"d{number}"])
        if born and born <= day and day.year - born.year <= CHILDHOOD:
            yield found


def _date(year: str, month: str, day: str) -> date | None:
    number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
    full = int(year) if len(year) == 4 else 2000 + int(year)
    for first, second in ((number, int(day)), (int(day), number)):
        try:
            return date(full, first, second)
        except ValueError:
            continue
    return None
