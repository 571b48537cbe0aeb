"""The words of ages and audiences, and the scanner that finds them in a text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

ALL_AGES = (0.0, 25.0)
"""What "all ages" means in a service for people up to 25."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name for people of some age; `loose` when not all mean the same by it."""

    pattern: str
    low: float
    high: float | None
    loose: bool = False
    audience: str | None = None


NAMED = (
    Named(r"all\ ages?|any\ ages?|every\ age|everyone|everybody|all\ welcome", *ALL_AGES),
    Named(r"eyfs|early\ years\ foundation\ stage|early\ years(?!\ settings?)", 0, 5),
    Named(r"(?:lower|l)\ ?(?:ks|key\ stage)\ ?2", 7, 9),
    Named(r"(?:upper|u)\ ?(?:ks|key\ stage)\ ?2", 9, 11),
    Named(
        r"reception(?:\ (?:class(?:es)?|years?|children))?|ye?a?r\ r|r(?=\ ?(?:-"
        r"|to)\ ?y)",
        4,
        5,
    ),
    Named(r"sixth[\ -]form(?:ers?|s)?|6th[\ -]form(?:ers?|s)?", 16, 19),
    Named(r"primary(?:[\ -](?:aged?|children|pupils|age))*(?=\ schools)", 4, 11),
    Named(r"primary(?:[\ -](?:school|aged?|children|pupils))*", 4, 11),
    Named(r"nursery(?:\ (?:class|aged?|children))?(?!\ (?:school|setting)s)", 3, 4, True),
    Named(r"pre-?\ ?school(?:ers?|\ aged?|\ children)?", 2, 4, True),
    Named(r"toddlers?", 1, 3, True),
    Named(r"bab(?:y|ies)|newborns?|birth|from\ birth", 0, 1, True),
    Named(r"infants?(?:\ school)?", 4, 7, True),
    Named(r"juniors?(?:\ school)?", 7, 11, True),
    Named(r"secondary(?:[\ -](?:school|aged?|pupils|students))*", 11, 16, True),
    Named(r"teen(?:ager)?s?|teenage", 13, 19, True, "young_people"),
    Named(r"tweens?", 9, 12, True),
    Named(r"post[\ -]?16", 16, 19, True),
)
BIRTH = re.compile(r"bab|newborn|birth|from")
AUDIENCES: tuple[tuple[str, str], ...] = (
    (
        "families",
        (
            r"famil(?:y|ies)(?:[\ -]friendly)?|parents?\ (?:and|&)\ (?:child(?:ren)?"
            r"|toddlers?)"
        ),
    ),
    ("young_carers", r"young\ carers?"),
    ("young_people", r"young\ (?:people|persons?|adults?)|youths?"),
    (
        "early_years_settings",
        (
            r"early\ years\ settings?|nursery\ (?:school|setting)s"
            r"|childminders?"
        ),
    ),
    ("home_educated", r"home[\ -]?(?:educat(?:ed|ors?|ion|ing)|school(?:ed|ers?|ing))"),
    ("schools", r"schools|school\ groups?|colleges"),
    ("teachers", r"teachers?|educators?|teaching\ assistants?"),
    ("looked_after", r"looked[\ -]after|care[\ -](?:leavers?|experienced)"),
    ("send", r"send|sen|special\ (?:educational\ )?needs(?:\ and\ disabilit(?:y|ies))?|disabled"),
    ("refugees", r"refugees?|asylum\ seekers?|new\ arrivals?"),
    ("artists", r"artists?|practitioners?"),
    ("children", r"children|kids|child|boys|girls"),
)
"""Codes of the audience vocabulary, and the words for them."""

_YEARS = r"\ ?-?(?:years?|yrs?|y/?o|yr|y)\b(?:[\ -]?(?:of\ age|olds?))?|\ olds?\b"
_MONTHS = r"\ ?-?(?:months?|mths?|mos?|m)\b(?:[\ -]?olds?)?"
_ANY_NAME = "|".join(f"(?P<i{at}>{one.pattern})" for at, one in enumerate(NAMED))
_ANY_AUDIENCE = "|".join(f"(?P<a_{code}>{words})" for code, words in AUDIENCES)
_TOKENS: tuple[tuple[str, str], ...] = (
    ("named", rf"(?:{_ANY_NAME})(?![\w'])"),
    (
        "group",
        (
            r"(?:group|groups|class|classes|classroom|size|sizes|max|maximum|limit|limited|capacity"
            r"|places|spaces)(?:\ sizes?)?(?:\ (?:of|to|is|for)|:)?\ (?:up\ to\ |max\.?\ )?(?=\d)"
        ),
    ),
    (
        "stage",
        (
            r"(?:ks|key\ stages?)[\ -]?(?=[1-5]\b|[1-5]\ ?[-/+&,]|one\b|two\b|three\b"
            r"|four\b|five\b)"
        ),
    ),
    ("class", r"(?:years?|yrs?|y)[\ -]?(?:groups?\ )?(?=\d{1,2}(?!\d|[.:]\d|/\d{3}))"),
    (
        "aged",
        (
            r"(?:ages?|aged)(?:\ (?:range|group|guidance|guide"
            r"|recommendation)s?)?:?\b(?:\ (?=\d))?:?"
        ),
    ),
    (
        "not",
        (
            r"not\ (?:really\ )?(?:suitable|recommended|advised|appropriate|aimed|designed|meant)?"
            r"(?:\ ?(?:for|at))?\b|(?:isn't|aren't)\ (?:suitable|for)(?:\ for)?\b"
            r"|(?:unsuitable|except|excludes|excluding|excl)(?:\ for)?\b|no\b|not\b"
        ),
    ),
    ("upto", r"up\ to(?:\ (?:the\ )?ages?(?:\ of)?)?\b|max(?:imum)?\ age:?(?:\ of)?|until\b"),
    ("under", r"(?:under|below)(?:\ the\ age\ of)?[\ -]?(?=\d|\ ?ages?\b)|u(?=\d)"),
    ("over", r"(?:over|above)(?:\ the\ age\ of)?[\ -]?(?=\d)"),
    ("from", r"from\ (?:the\ )?(?:ages?(?:\ of)?)|min(?:imum)?\ age:?(?:\ (?:is|of))?|age\ from"),
    ("up", r"\+|(?:and|&|or)\ (?:over|up|upwards|above|older)\b(?!\ \d)|plus\b|upwards\b"),
    ("down", r"(?:and|&|or)\ (?:under|below|younger|down)\b(?!\ \d)"),
    ("years", rf"(?P<ny>\d{{1,3}}(?:\.\d{{1,2}})?)(?:{_YEARS})"),
    ("months", rf"(?P<nm>\d{{1,2}})(?:{_MONTHS})"),
    ("plural", r"(?P<np>\d{1,2})'?s\b"),
    ("number", r"(?P<nn>\d{1,3}(?:\.\d{1,2})?)(?![\w%]|[.:]\d|/\d{3}|\ ?(?:am|pm)\b|,\d{3})"),
    ("digits", r"[a-z]*[£$€#]?\d[\w.,:/%]*"),
    ("digits", r"[a-z]+-\d[\w-]*"),
    ("to", r"-|to\b|through\b"),
    ("and", r"and\b|&|,|/|or\b"),
    ("from", r"from\b"),
    ("audience", rf"(?:{_ANY_AUDIENCE})(?!\w)"),
    ("adults", r"adults?(?:\ only)?\b"),
    (
        "filler",
        (
            r"(?:suitable|ideal|perfect|recommended|designed|best|aimed|open|welcome|guidance"
            r"|years?|yrs?"
            r"|groups?|months?|pupils|students|accompanied|by|an?|the|with|their|for|of|in|at|on"
            r"|only|about|between|both|is|are|this|event|activity|please|grown-?ups?|carers?|parents?"
            r"|inclusive|also|old|olds|all|range|school|who|it's|its|approx|mixed)\b"
        ),
    ),
    (
        "counted",
        (
            r"(?:people|participants?|places?|spaces?|weeks?|wks?|hours?|hrs?"
            r"|min(?:ute)?s?|days?"
            r"|sessions?|stalls?|members|metres?|miles?|activities|workshops?|classes|performers)\b"
        ),
    ),
    ("sign", r"[\s().:;!*\"'?\[\]|\\]+"),
    ("word", r"[^\W\d_][^\W\d_'-]*"),
    ("sign", r"."),
)


_SCANNER = re.compile(
    "|".join(f"(?P<t{place}>{pattern})" for place, (_, pattern) in enumerate(_TOKENS)), re.DOTALL
)
_NAMES = [f"i{at}" for at in range(len(NAMED))]
_CODES = [f"a_{code}" for code, _ in AUDIENCES]
_APART = frozenset("([:;")
NUMBERS = frozenset({"years", "months", "plural", "number"})
JOINS = frozenset({"to", "and"})
_SEND = r"(?:send?|special\ needs|disabilit(?:y|ies)|disabled|additional\ needs|ehcps?)\b"
# What speaks of some of the people, or of how they come, and not of the ages it is for.
EXCEPTION = re.compile(
    rf"[,(]?\ ?(?:or\ |and\ )?(?:up\ to\ "
    rf"|to\ )?(?:ages?\ )?\d{{1,2}}\ (?:years\ )?(?:for\ [a-z ]{{1,20}}"
    rf"|if\ |with\ )(?:an?\ )?{_SEND}[^()]{{0,20}}\)?"
)
ASIDE = re.compile(
    r"(?:children\ |those\ )?(?:aged\ )?under(?:\ the\ age\ of)?\ ?-?\d{1,2}'?s?\ "
    r"(?:[a-z]{1,8}\ ){0,3}(?:accompanied|supervised|free"
    r"|(?:with|need|have|bring)\ (?:(?:an?|their|the|one)\ )?"
    r"(?:adults?|parents?|carers?|guardians?|grown-?ups?))\b[^.;,()]{0,40}"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text and what it is."""

    sort: str
    text: str
    number: float | None = None
    named: Named | None = None
    audience: str | None = None
    apart: bool = False
    """Whether a bracket or a colon opens before it."""


_NAMES_OF_NUMBERS = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
SPELT = {name: str(number) for number, name in enumerate(_NAMES_OF_NUMBERS.split(), start=2)}
"""Not "one": it is mostly no number ("one to one", "one of")."""
_SPELT = re.compile(rf"\b({'|'.join(sorted(SPELT, key=len, reverse=True))})(?=(?:e?s)?\b)")
_SIXES = re.compile(r"(?<=6)es\b")
_HALF = re.compile(r"(?<=\d)\ ?1/2(?![\d/])")


def in_digits(plain: str) -> str:
    """The text with numbers in digits: "under fives" is "under 5s", "2 1/2" is "2.5"."""
    return _SIXES.sub("s", _SPELT.sub(lambda word: SPELT[word[0]], _HALF.sub(".5", plain)))


def scan(plain: str) -> Iterator[Token]:
    """The tokens of a tidied text in small letters."""
    apart = False
    for found in _SCANNER.finditer(plain):
        sort = _TOKENS[int((found.lastgroup or "t0")[1:])][0]
        if sort == "sign":
            apart = apart or not _APART.isdisjoint(found[0])
            continue
        number = next((found[name] for name in ("ny", "nm", "np", "nn") if found[name]), None)
        named = audience = None
        if sort == "named":
            named = next(one for one, name in zip(NAMED, _NAMES, strict=True) if found[name])
            audience = named.audience
        elif sort == "audience":
            audience = next(name for name in _CODES if found[name])[2:]
        years = None if number is None else float(number)
        yield Token(sort, found[0], years, named, audience, apart)
        apart = False
