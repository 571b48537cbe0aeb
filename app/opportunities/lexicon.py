"""Words known to be spelt right, and which of them a word that is not known was meant to be."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cache
from string import ascii_lowercase
from typing import Self

from app.opportunities.known_words import KNOWN_WORDS
from app.opportunities.spellings import AMERICAN, FORMS, NUMBERS, british
from app.opportunities.synonyms import spellings
from app.opportunities.tokens import token, words_of

SHORTEST = 4
"""Letters of a word from which a typing error is looked for."""
OTHER_START = 5
"""Letters from which the error may be in the first letter."""
MOST_CORRECTIONS = 5
FAR_SOUND = 4
"""Edits between two words beyond which they are not one word, whatever they sound like."""
MOST_COMPLETIONS = 8
_FEWEST_COMPLETED = 3
_MOST_SCANNED = 2_000

_WORD = re.compile(r"[a-z]{2,40}")


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(spelt, said) for spelt, said in map(str.split, text.split(","))]


_STARTS = _pairs("kn n, gn n, pn n, wr r, ps s, wh w, chor kor, chao kao")
_ENDS = _pairs("que k, gue g, ough u, tre tr, bre br, er r, or r, ar r, ey i, gh g")
_INSIDE = _pairs(
    "ph f, ght t, rh r, sch sk, chr kr, chl kl, rche rke, tion shn, sion shn, cian shn, ch H, ck k,"
    "ce se, ci si, cy si, c k, qu k, q k, x ks, z s, ea i, ee i, ei i, ie i, y i, oo u, ou u, ew u,"
    "ue u"
)
"""What letters sound like: a small folding, good for catching a slip only."""
_DOUBLE = re.compile(r"(.)\1+")


def sound(word: str) -> str:
    """What a word sounds like, for comparing: "sirkus" and "circus" are the same."""
    for spelt, said in _STARTS:
        if word.startswith(spelt):
            word = said + word[len(spelt) :]
            break
    for spelt, said in _ENDS:
        if word.endswith(spelt):
            word = word[: -len(spelt)] + said
            break
    for spelt, said in _INSIDE:
        word = word.replace(spelt, said)
    return _DOUBLE.sub(r"\1", word).removesuffix("e")


def edits(one: str, other: str) -> int:
    """Letters to insert, delete, change or swap with a neighbour to make one word the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        now = [i]
        for j, there in enumerate(other, 1):
            cost = min(last[j] + 1, now[j - 1] + 1, last[j - 1] + (letter != there))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == there:
                cost = min(cost, before[j - 2] + 1)
            now.append(cost)
        before, last = last, now
    return last[-1]


def _one_slip_away(word: str) -> list[str]:
    """The words one edit away; those with another first letter only if the word is long enough.

    Each is looked up, a few hundred times a tenth of a microsecond: an index of all words with a
    letter left out is little quicker, and takes 25 MB for 20,000 names.
    """
    first = 0 if len(word) >= OTHER_START else 1
    halves = [(word[:place], word[place:]) for place in range(first, len(word) + 1)]
    found = [before + after[1:] for before, after in halves]
    found += [before + after[1] + after[0] + after[2:] for before, after in halves if after[1:]]
    for letter in ascii_lowercase:
        found += [before + letter + after[1:] for before, after in halves]
        found += [before + letter + after for before, after in halves]
    return found


def _stripped(word: str) -> list[str]:
    """What an unknown word may be a form of: "sirkuses" of "sirkus", "dansing" of "danse"."""
    if word.endswith("ing"):
        return [word[:-3], f"{word[:-3]}e"]
    if word.endswith("es"):
        return [word[:-1], word[:-2]]
    return [word[:-1]] if word.endswith("s") else []


@cache
def _own_words() -> frozenset[str]:
    """The words that come with the software."""
    tables = [KNOWN_WORDS, spellings(), *AMERICAN, *AMERICAN.values(), *FORMS, *NUMBERS]
    return frozenset(word for text in tables for word in words_of(text) if _WORD.fullmatch(word))


class Lexicon:
    """Words known to be spelt right. Built once, then only read, by any number of threads."""

    __slots__ = ("_in_order", "_sounds", "_tokens", "_words")

    def __init__(self, words: Iterable[str]) -> None:
        """`words` in small ASCII letters; for names as people write them there is `of`.

        Stop words are left out, since they are never asked for.
        """
        self._words = frozenset(filter(token, words))
        self._in_order = sorted(self._words)
        self._tokens = frozenset(map(token, self._words))
        self._sounds: dict[str, list[str]] = {}
        for word in self._in_order:
            if len(word) >= SHORTEST:
                self._sounds.setdefault(sound(word), []).append(word)

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The domain's own words, and those of names: of providers, venues, places, terms."""
        words = set(_own_words())
        for name in names:
            words.update(filter(_WORD.fullmatch, words_of(name)))
        return cls(words)

    def known(self) -> frozenset[str]:
        """The words it holds."""
        return self._words

    def knows(self, word: str) -> bool:
        """Whether a word, or another form of it, is spelt right; a stop word is."""
        return (one := token(word)) == "" or one in self._tokens

    def corrections(self, word: str) -> list[str]:
        """Which known words one typing error, or their sound, makes of an unknown word.

        At most five, the nearest first, then by the alphabet; only those that are both one error
        away and of the same sound, if there are any; none for a word that is known, is short or
        has figures.
        """
        if len(word) < SHORTEST or not _WORD.fullmatch(word) or self.knows(word):
            return []
        for form in [word, *_stripped(word)]:
            if found := self._taken_for(form):
                return found
        return []

    def _taken_for(self, word: str) -> list[str]:
        if len(word) < SHORTEST:
            return []
        slips = self._words.intersection(_one_slip_away(word))
        alike: Sequence[str] = self._sounds.get(sound(word), ())
        if both := slips.intersection(alike):  # no doubt which
            slips, alike = both, ()
        distances = dict.fromkeys(slips, 1)
        for known in alike:
            if known not in distances and (distance := edits(word, known)) <= FAR_SOUND:
                distances[known] = distance
        found: dict[str, str] = {}
        for _, known in sorted((distance, known) for known, distance in distances.items()):
            if len(known) >= SHORTEST:
                found.setdefault(token(known), british(known))
        return list(found.values())[:MOST_CORRECTIONS]

    def completions(self, start: str) -> list[str]:
        """Tokens of known words that begin so, where the token itself does not: danci, danc."""
        found: dict[str, None] = {}
        if len(start) < _FEWEST_COMPLETED:
            return []
        first = bisect_left(self._in_order, start)
        for word in self._in_order[first : first + _MOST_SCANNED]:
            if not word.startswith(start) or len(found) == MOST_COMPLETIONS:
                break
            if not (one := token(word)).startswith(start):
                found[one] = None
        return list(found)

    def begins(self, start: str) -> bool:
        """Whether a known word begins so."""
        place = bisect_left(self._in_order, start)
        return place < len(self._in_order) and self._in_order[place].startswith(start)
