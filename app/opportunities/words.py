"""Search by words: what a person asks for, and what of it a text answers.

A question is words and "quoted phrases"; anything else in it is a separator, so that no part of it
is ever query syntax. Every term must be met, in one of its alternatives: the words as they are
indexed (see `tokens.py`), what means the same or is a kind of it (`synonyms.py`), and, of a word
that nobody knows, the known words that it is one slip or the sound away from (`lexicon.py`).
A phrase means what it says: it has no synonyms and no corrections.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from app.opportunities.lexicon import SHORTEST, Lexicon
from app.opportunities.synonyms import Run, is_entry, longest, meant_by
from app.opportunities.tokens import (
    LONGEST,
    VERSION,
    WORD,
    Place,
    folded,
    joined_of_word,
    places,
    plain,
    token,
    tokens,
    tokens_of_word,
)

__all__ = [
    "MOST_TERMS",
    "VERSION",
    "Asked",
    "Lexicon",
    "Term",
    "asked",
    "highlighted",
    "plain",
    "tokens",
]

MOST_TERMS = 12
MOST_IN_PHRASE = 12
"""Tokens of a phrase beyond which the rest of it is not looked at."""


@dataclass(frozen=True)
class Term:
    """One thing that must be met: alternatives, each a run of tokens that stand together.

    With `prefix` the last token of an alternative may go on.
    """

    alternatives: tuple[Run, ...]
    prefix: bool = False


@dataclass(frozen=True)
class Asked:
    """What a person wants: every term; and what was corrected, as (written, taken for)."""

    terms: tuple[Term, ...]
    corrected: tuple[tuple[str, str], ...] = ()


# --- asking ----------------------------------------------------------------------------------

_SEND = re.compile(r"(?i)\bsend\b")
_IN_CAPITALS = "s3nd"
"""What `folded` makes of SEND."""


@dataclass(frozen=True)
class _Word:
    """A word of a question: as folded, its tokens in order, and its joined form if any."""

    raw: str
    run: Run
    joined: str


def asked(q: str, lexicon: Lexicon, *, prefix: bool = False) -> Asked:
    """What a person wants, from what they typed: at most 12 terms, none of stop words only.

    With `prefix` the last word is still being typed: it may go on, and has no synonyms yet. It is
    complete once a space or a quote follows.
    """
    # Who asks for "send" in small letters means SEND.
    text = folded(_SEND.sub("SEND", q))
    pieces = text.split('"')
    if len(pieces) % 2 == 0:  # an unbalanced quote means nothing
        pieces = [" ".join(pieces)]
    unfinished = prefix and text[-1:].isalnum()
    terms: dict[Term, None] = {}
    corrected: dict[tuple[str, str], None] = {}
    for place, piece in enumerate(pieces):
        if place % 2:
            found = _phrase(piece)
        else:
            last = unfinished and place == len(pieces) - 1
            found = _loose(piece, lexicon, corrected, last, first=not terms)
        for term in found:
            terms[term] = None
            if len(terms) == MOST_TERMS:
                return Asked(tuple(terms), tuple(corrected))
    return Asked(tuple(terms), tuple(corrected))


def _words(piece: str) -> Iterator[_Word]:
    for raw in WORD.findall(piece):
        yield _Word(raw, tokens_of_word(raw), joined_of_word(raw))


def _phrase(piece: str) -> Iterator[Term]:
    spelt = (piece, piece.replace(_IN_CAPITALS, "send"))
    runs = [
        tuple(one for word in _words(text) for one in word.run)[:MOST_IN_PHRASE] for text in spelt
    ]
    if runs[0]:
        yield Term(tuple(dict.fromkeys(runs)))


def _loose(
    piece: str,
    lexicon: Lexicon,
    corrected: dict[tuple[str, str], None],
    unfinished: bool,
    *,
    first: bool,
) -> Iterator[Term]:
    every = list(_words(piece))
    # A stop word that stands alone may be the start of another: "the", of "theatre".
    typed = every.pop() if unfinished and every else None
    words = [word for word in every if word.run]
    place = 0
    while place < len(words):
        entry, after = _entry(words, place)
        if entry:
            yield Term(_alternatives([entry, *_joined(words[place:after]), *meant_by(entry)]))
        else:
            neighbours = words[max(place - 1, 0) : place], words[place + 1 : after + 1]
            yield _one(words[place], lexicon, corrected, neighbours)
        place = after
    if typed and (typed.run or (first and not words)):
        yield _being_typed(typed, lexicon, corrected)


def _entry(words: Sequence[_Word], place: int) -> tuple[Run, int]:
    """The longest run of words from a place that has an entry of its own, and where it ends."""
    for after in range(min(len(words), place + longest()), place, -1):
        run = tuple(one for word in words[place:after] for one in word.run)
        # One token is one word, which may also have a joined form, neighbours and corrections.
        if len(run) > 1 and is_entry(run):
            return run, after
    return (), place + 1


def _joined(words: Sequence[_Word]) -> list[Run]:
    return [(words[0].joined,)] if len(words) == 1 and words[0].joined else []


def _one(
    word: _Word,
    lexicon: Lexicon,
    corrected: dict[tuple[str, str], None],
    neighbours: tuple[Sequence[_Word], Sequence[_Word]],
) -> Term:
    """The term of one word, with its corrections, and met by a known name that it is half of."""
    spelt = [word.run, *_joined([word])]
    found = [*spelt]
    before, after = neighbours
    pairs = [*(one.raw + word.raw for one in before), *(word.raw + one.raw for one in after)]
    # "sky light", of Skylight. A stop word makes an empty token, which is no alternative.
    found += [(one,) for pair in pairs if lexicon.knows(pair) and (one := token(pair))]
    for run in spelt:
        found += meant_by(run)
    found += _corrections(word, lexicon, corrected)
    return Term(_alternatives(found))


def _corrections(
    word: _Word, lexicon: Lexicon, corrected: dict[tuple[str, str], None]
) -> Iterator[Run]:
    taken_for = lexicon.corrections(word.raw.replace("'", ""))
    for known in taken_for:
        corrected[(word.raw, known)] = None
        run = (token(known),)
        yield run
        if len(taken_for) == 1:  # no doubt what was meant, so its likes are meant too
            yield from meant_by(run)


_ENDINGS = ("e", "ng", "g", "s")
"""Letters after which a word that is being typed has its token: "paintin", paint."""


def _being_typed(word: _Word, lexicon: Lexicon, corrected: dict[tuple[str, str], None]) -> Term:
    *complete, last = word.raw.replace("'", "").replace(_IN_CAPITALS, "send").split("-")
    before = tuple(filter(None, map(token, complete)))
    found = [(*before, last[:LONGEST]), word.run, *_joined([word])]
    if complete:
        found.append(("".join([*complete, last])[:LONGEST],))
        return Term(_alternatives(found), prefix=True)
    forms = [last + ending for ending in _ENDINGS] if len(last) >= SHORTEST else []
    begun = [one for one in map(token, forms) if len(one) <= len(last)]
    found += [(one,) for one in [*begun, *lexicon.completions(last)]]
    if not lexicon.begins(last) and not any(map(lexicon.knows, forms)):
        found += _corrections(word, lexicon, corrected)
    return Term(_alternatives(found), prefix=True)


def _alternatives(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Each once, without those that another is part of: they are met whenever that is."""
    unique = [run for run in dict.fromkeys(runs) if run]
    single = {run[0] for run in unique if len(run) == 1}
    several = [run for run in unique if len(run) > 1 and single.isdisjoint(run)]
    return tuple(
        run
        for run in unique
        if len(run) == 1
        or (run in several and not any(one != run and _holds(run, one) for one in several))
    )


def _holds(run: Run, part: Run) -> bool:
    return any(run[i : i + len(part)] == part for i in range(len(run) - len(part) + 1))


# --- showing ---------------------------------------------------------------------------------

_ELLIPSIS = "…"
_LEAD = 0.25
"""The part of an excerpt that may stand before the first match."""

Span = tuple[int, int]


def highlighted(text: str, asked: Asked, limit: int = 240) -> str | None:
    """An excerpt of a plain text as safe HTML, what matched in <mark>; None where nothing did.

    At most `limit` characters of the text, cut between words, from where most terms are met.
    """
    single, joined = places(text)
    where = _Where(single, joined)
    matches = sorted(
        (start, end, number)
        for number, term in enumerate(asked.terms)
        for start, end in where.met(term)
    )
    if not matches:
        return None
    start, end = _window(matches, single, len(text), limit)
    parts = [_ELLIPSIS] if start else []
    at = start
    for span in _merged(matches):
        first, last = max(span[0], start), min(span[1], end)
        if first < last:
            parts += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
            at = last
    parts.append(escape(text[at:end]))
    if end < len(text):
        parts.append(_ELLIPSIS)
    return "".join(parts)


class _Where:
    """Where the tokens of a text stand, by the token."""

    def __init__(self, single: list[Place], joined: list[Place]) -> None:
        self._single = single
        self._indexes: dict[str, list[int]] = {}
        for index, (one, _, _) in enumerate(single):
            self._indexes.setdefault(one, []).append(index)
        self._joined: dict[str, list[Span]] = {}
        for one, start, end in joined:
            self._joined.setdefault(one, []).append((start, end))

    def met(self, term: Term) -> Iterator[Span]:
        """Where a term is met."""
        for *firsts, last in term.alternatives:
            for one in self._going_on(last) if term.prefix else (last,):
                for index in self._indexes.get(one, ()):
                    first = index - len(firsts)
                    if first >= 0 and firsts == [word for word, _, _ in self._single[first:index]]:
                        yield self._single[first][1], self._single[index][2]
                if not firsts:
                    yield from self._joined.get(one, ())

    def _going_on(self, start: str) -> list[str]:
        return [one for one in (*self._indexes, *self._joined) if one.startswith(start)]


def _merged(matches: Sequence[tuple[int, int, int]]) -> Iterator[Span]:
    """Matches, in order, without overlaps."""
    start, end = matches[0][:2]
    for first, last, _ in matches:
        if first > end:
            yield start, end
            start, end = first, last
        end = max(end, last)
    yield start, end


def _window(
    matches: Sequence[tuple[int, int, int]], single: Sequence[Place], length: int, limit: int
) -> Span:
    """From where to where to show: where most terms are met, and there as early as can be."""
    if length <= limit:
        return 0, length
    best, after = matches[0][:2]
    most = 0
    for i, (first, last, _) in enumerate(matches):
        room = first + limit * (1 - _LEAD)
        met = len({number for _, end, number in matches[i:] if end <= room})
        if met > most:
            best, after, most = first, last, met
    earliest = max(best - limit * _LEAD, after - limit)
    start = min((first for _, first, _ in single if earliest <= first <= best), default=best)
    if start <= single[0][1] and after <= limit:
        start = 0  # better than a cut just after it
    if length <= start + limit:
        return start, length
    # One word alone may be longer than the limit.
    ends = (last for _, _, last in single if start < last <= start + limit)
    return start, max(ends, default=start + limit)
