"""Ages as listings write them: years, months, school years, key stages and kinds of people.

Ages that are named ("ages 5-11", "Year 3", "KS2", "under 5s", "8 years") count anywhere. Bare
numbers ("5-11", "8+") count only where every other word is known to go with ages, since most
numbers in listings are not ages: "group of 30", "7 week course", "Room 5".
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from app.sources.plain_writing.age_spans import MARKS, Span, bounds, in_brackets, sort_at, spans_of
from app.sources.plain_writing.age_words import ASIDE, EXCEPTION, NUMBERS, Token, in_digits, scan
from app.sources.plain_writing.words import (
    CLEAR,
    DOUBTFUL,
    EMPTY,
    LIKELY,
    LONGEST,
    SURE,
    WAITING,
    Doubt,
    Reading,
    doubt,
    nothing,
    tidy,
    unread,
)

GROWN_UP = 18.0
OLDEST_YOUNG = 25
"""Nothing that is for children and young people begins past this age."""


@dataclass(frozen=True, slots=True)
class Ages:
    """Ages in years, both inclusive, and codes of the audience vocabulary."""

    age_min: float | None = None
    age_max: float | None = None
    audiences: list[str] = field(default_factory=list)


def read_ages(text: str) -> Reading[Ages]:
    """For whom it is: ages in years, and kinds of people."""
    plain = in_digits(" ".join(tidy(text).lower().split()))
    if plain in EMPTY:
        return nothing(text)
    if len(plain) > LONGEST:
        return unread(text, "too_long")
    if WAITING.fullmatch(plain):
        return unread(text, "to_be_confirmed")
    doubts: list[Doubt] = []
    if EXCEPTION.search(plain):
        plain = EXCEPTION.sub(" ", plain)
        doubts.append(doubt("exception", text))
    plain = "all ages" if plain.strip(" .!") in ("all", "any") else plain
    tokens = list(scan(ASIDE.sub(" ", plain)))
    spans = spans_of(tokens)
    audiences = _audiences(tokens)
    return _Judge(text, tokens, spans, audiences, doubts).reading()


def _audiences(tokens: Sequence[Token]) -> list[str]:
    """The kinds of people that are named, but for those whom it is not for: "no families"."""
    found = [
        token.audience
        for at, token in enumerate(tokens)
        if token.audience
        # "Not for children under 8" is for children.
        and not (sort_at(tokens, at - 1) == "not" and sort_at(tokens, at + 1) not in MARKS)
    ]
    return list(dict.fromkeys(found))


# --- the verdict ------------------------------------------------------------------------------


class _Judge:
    """Decides what the spans of a text amount to."""

    def __init__(
        self,
        text: str,
        tokens: Sequence[Token],
        spans: Sequence[Span],
        audiences: list[str],
        doubts: list[Doubt],
    ) -> None:
        self.text = text
        self.tokens = tokens
        self.audiences = audiences
        self.doubts = doubts
        self.odd = [t for t in tokens if t.sort in ("word", "digits", "counted", "group")]
        # A bare number counts only where nothing else is unknown.
        known = [span for span in spans if not (span.bare and self.odd)]
        self.ignored = len(spans) - len(known)
        self.spans, self.at_odds = in_brackets(known)

    def reading(self) -> Reading[Ages]:
        """The ages, the audiences and what to check."""
        if any("reversed_ages" in span.codes for span in self.spans):
            return unread(self.text, "reversed_ages")
        if not self.spans:
            return self._without_ages()
        definite = [span for span in self.spans if "loose_age" not in span.codes]
        low, high = bounds(self.spans)
        if definite and bounds(definite) == (low, high):
            self.spans = definite
        confidence = LIKELY if self.doubts else CLEAR if self.odd else SURE
        for code in dict.fromkeys(code for span in self.spans for code in span.codes):
            if code != "open":
                reading = f"{_shown(low)} to {_shown(high)}"
                self.doubts.append(doubt(code, self.text, reading=reading))
                confidence = min(confidence, LIKELY if code == "loose_age" else DOUBTFUL)
        if self.ignored or any(token.sort == "digits" for token in self.tokens):
            self.doubts.append(doubt("unread", self.text))
            confidence = min(confidence, LIKELY)
        if self.at_odds or self._has_gap():
            code = "ages_disagree" if self.at_odds else "several_ranges"
            self.doubts.append(doubt(code, self.text))
            confidence = min(confidence, LIKELY)
        if low is not None and low > OLDEST_YOUNG and not self.doubts:
            # "100+" may count seats; nothing for children begins so late.
            self.doubts.append(doubt("past_25", self.text, reading=_shown(low)))
            confidence = DOUBTFUL
        value = Ages(low, high, self.audiences)
        return Reading(value, self.text, confidence, tuple(self.doubts))

    def _without_ages(self) -> Reading[Ages]:
        sorts = {token.sort for token in self.tokens}
        numbers = bool(sorts & {*NUMBERS, "digits"})
        if "adults" in sorts and not (self.audiences or self.odd or numbers):
            return Reading(Ages(GROWN_UP, None), self.text, CLEAR)
        if not self.audiences or len(self.odd) > 2 * len(self.audiences):
            return unread(self.text, "not_ages")
        if numbers or sorts & {"not", "group"}:
            more = (*self.doubts, doubt("unread", self.text))
            return Reading(Ages(None, None, self.audiences), self.text, DOUBTFUL, more)
        value = Ages(None, None, self.audiences)
        confidence = LIKELY if self.odd else SURE
        return Reading(value, self.text, confidence, tuple(self.doubts))

    def _has_gap(self) -> bool:
        """Whether years lie between two spans that nothing joins: "4-5 and 9-11"."""
        ordered = sorted(
            (span for span in self.spans if span.low is not None), key=lambda one: one.low or 0
        )
        for before, after in pairwise(ordered):
            if before.high is None or before.joined or after.joined:
                continue
            if (after.low or 0) > before.high + 1:
                return True
        return False


def _shown(age: float | None) -> str:
    return "any age" if age is None else f"{age:g}"
