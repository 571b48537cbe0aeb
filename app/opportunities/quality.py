"""How good a listing is: 0 to 100, why, and what would raise it.

One table holds what is looked at, what it is worth and what is said of it. A listing stores its
score and, as one bit each, what it did not earn: so the score is the same number in every answer,
and averages and reasons for thousands of listings are counted without reading any of them.

Nothing here looks at the clock. How lately a source sent a listing is told beside the score, not
in it: a number that decays by itself would differ between two answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

VERSION = 1
"""Stored with every score. Raise it with any change here: a job then assesses every listing."""

SHORTEST_TITLE = 10
SHORTEST_SUMMARY = 20
FEWEST_WORDS = 40
"""Characters of a title and a summary, words of a description that are worth their points."""


class Occasion(Protocol):
    """What is looked at of a session."""

    @property
    def has_time(self) -> bool:
        """Whether it starts at a time of day."""

    @property
    def has_end(self) -> bool:
        """Whether it is said when it ends."""


class Times(NamedTuple):
    """What the sessions of a listing say together; all false when it has none."""

    timed: bool
    ended: bool


NONE = Times(timed=False, ended=False)
Content = Mapping[str, Any]


def _title(content: Content, _: Times) -> bool:
    title: str = content["title"]
    return len(title) >= SHORTEST_TITLE and " " in title and not title.isupper()


def _summary(content: Content, _: Times) -> bool:
    return len(content["summary"] or "") >= SHORTEST_SUMMARY


def _description(content: Content, _: Times) -> bool:
    # It stops counting once there are enough: some descriptions are very long.
    return len((content["description"] or "").split(None, FEWEST_WORDS)) >= FEWEST_WORDS


def _ages(content: Content, _: Times) -> bool:
    stated = content["age_min"] is not None or content["age_max"] is not None
    return stated or bool(content["audiences"])


def _price(content: Content, _: Times) -> bool:
    price = content["price"]
    return price is not None and bool(
        price["free"] or price["pay_what_you_can"] or price["text"] or price["from"] is not None
    )


def _place(content: Content, _: Times) -> bool:
    if content["delivery"] == "online" or content["outreach_areas"]:
        return True
    venue = content["venue"]
    if isinstance(venue, Mapping):
        return bool(venue["postcode"]) or venue["lat"] is not None
    return venue is not None


def _times(content: Content, times: Times) -> bool:
    return times.timed or bool(content["always_available"])


def _ends(content: Content, times: Times) -> bool:
    return times.ended or bool(content["always_available"])


def _booking(content: Content, _: Times) -> bool:
    booking = content["booking"]
    return booking is not None and bool(
        booking["url"] or booking["phone"] or booking["email"] or booking["required"] is False
    )


def _image(content: Content, _: Times) -> bool:
    image = content["image"]
    return image is not None and bool(image["url"] and image["alt"])


def _access(content: Content, _: Times) -> bool:
    venue = content["venue"]
    return bool(
        content["access"]
        or content["access_text"]
        or (isinstance(venue, Mapping) and venue["access"])
    )


def _contact(content: Content, _: Times) -> bool:
    contact = content["contact"]
    return contact is not None and bool(contact["email"] or contact["phone"] or contact["url"])


def _artforms(content: Content, _: Times) -> bool:
    return bool(content["artforms"])


def _licence(content: Content, _: Times) -> bool:
    return bool(content["licence"])


def _url(content: Content, _: Times) -> bool:
    return bool(content["url"])


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is looked at."""

    code: str
    points: int
    applies_to: str
    """Where it cannot apply its points are given."""
    why: str
    """What it does for families and schools."""
    advice: str
    """What to do to earn it."""
    pointer: str
    earned: Callable[[Content, Times], bool]


EVERY = "every listing"
DATED = "listings with dates; always available ones have the points"

WEIGHTS: Sequence[Criterion] = (
    Criterion(
        "title", 6, EVERY,
        "The title is all that most people read in a list.",
        f"Say what it is in at least two words and {SHORTEST_TITLE} characters, not all capitals.",
        "#/title", _title,
    ),
    Criterion(
        "summary", 6, EVERY,
        "The summary stands under the title in lists and in shared links.",
        "Write one sentence that says who does what.",
        "#/summary", _summary,
    ),
    Criterion(
        "description", 10, EVERY,
        "Families and teachers decide by the description.",
        f"Write at least {FEWEST_WORDS} words: what happens, what to bring, what it is like.",
        "#/description", _description,
    ),
    Criterion(
        "ages", 12, EVERY,
        "Families and schools filter by age, and a listing without ages is not found so.",
        "Say who it is for: age_min and age_max, or an audience.",
        "#/age_min", _ages,
    ),
    Criterion(
        "price", 10, EVERY,
        "Families rule out what does not say its price.",
        "State the price, or that it is free.",
        "#/price", _price,
    ),
    Criterion(
        "place", 10, "listings that take place somewhere; online ones have the points",
        "People look for what is near them, and it is found by its postcode.",
        "Give the venue with its postcode, a known venue, or the areas it comes to.",
        "#/venue", _place,
    ),
    Criterion(
        "times", 8, DATED,
        "Families plan around school and work, and need the time of day.",
        "Give every session a starts_at with its time, not only a date.",
        "#/sessions", _times,
    ),
    Criterion(
        "ends", 4, DATED,
        "Whoever brings a child must know when to fetch it.",
        "Give every session an ends_at.",
        "#/sessions", _ends,
    ),
    Criterion(
        "booking", 8, EVERY,
        "Without a way to book, interest is lost.",
        "Give a booking address, phone or email, or say that none is required.",
        "#/booking", _booking,
    ),
    Criterion(
        "image", 8, EVERY,
        "A picture makes people stop at it; its text alternative includes those who cannot see it.",
        "Add an image with a text alternative.",
        "#/image", _image,
    ),
    Criterion(
        "access", 8, EVERY,
        "Disabled children and their families do not come on the chance that it may work.",
        "Name the access features, or describe access in access_text.",
        "#/access", _access,
    ),
    Criterion(
        "contact", 4, EVERY,
        "Schools ask before they book.",
        "Give a contact: an email, a phone or a page; a role, not a private person.",
        "#/contact", _contact,
    ),
    Criterion(
        "artforms", 2, EVERY,
        "Schools look for an artform to fill a gap in their offer.",
        "Name at least one artform.",
        "#/artforms", _artforms,
    ),
    Criterion(
        "licence", 2, EVERY,
        "Other directories may carry it on only if its licence says so.",
        "Name a licence, such as CC BY 4.0.",
        "#/licence", _licence,
    ),
    Criterion(
        "url", 2, EVERY,
        "Your own page has what no directory holds.",
        "Give the address of your page about it.",
        "#/url", _url,
    ),
)  # fmt: skip
"""A criterion keeps its place, whose bit is stored; add new ones at the end."""

BITS: Mapping[str, int] = {criterion.code: 1 << n for n, criterion in enumerate(WEIGHTS)}
"""The bit of each criterion in `gaps`."""

_TESTS = tuple((1 << n, one.points, one.earned) for n, one in enumerate(WEIGHTS))


class Reason(NamedTuple):
    """One criterion, and the points that a listing earned of it: all or none."""

    code: str
    points: int
    earned: int
    detail: str
    pointer: str


class Quality(NamedTuple):
    """The score of a listing, 0 to 100, and a bit for each criterion that it did not earn."""

    score: int
    gaps: int

    @property
    def reasons(self) -> Sequence[Reason]:
        """Every criterion: first what would raise the score most, at last what it has."""
        return reasons(self.gaps)


def assess(content: Content, times: Times) -> Quality:
    """Assess what is in force of a listing (`Opportunity.content`) and its sessions."""
    score, gaps = 0, 0
    for bit, points, earned in _TESTS:
        if earned(content, times):
            score += points
        else:
            gaps |= bit
    return Quality(score, gaps)


def times_of(occasions: Sequence[Occasion]) -> Times:
    """What these sessions say together."""
    if not occasions:
        return NONE
    return Times(all(one.has_time for one in occasions), all(one.has_end for one in occasions))


def columns(content: Content, occasions: Sequence[Occasion]) -> dict[str, int]:
    """What a listing stores of its quality."""
    return stored(assess(content, times_of(occasions)))


def stored(quality: Quality) -> dict[str, int]:
    """A quality as the columns of a listing."""
    return {
        "quality": quality.score,
        "quality_gaps": quality.gaps,
        "quality_version": VERSION,
    }


@lru_cache(maxsize=4_096)
def reasons(gaps: int) -> Sequence[Reason]:
    """Every criterion for these gaps: first what would raise the score most."""
    found = [
        Reason(
            code=one.code,
            points=one.points,
            earned=0 if gaps & BITS[one.code] else one.points,
            detail=f"{one.why} {one.advice}" if gaps & BITS[one.code] else one.why,
            pointer=one.pointer,
        )
        for one in WEIGHTS
    ]
    return tuple(sorted(found, key=lambda one: (one.earned > 0, -one.points)))


def would_raise(gaps: int, most: int | None = None) -> Sequence[Reason]:
    """What a listing with these gaps did not earn, the best gain first; at most so many."""
    return tuple(one for one in reasons(gaps) if not one.earned)[:most]
