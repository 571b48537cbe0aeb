"""The words of a text as they are indexed, so that both engines index and ask for the same.

A token is [a-z0-9]+ of at most 40 characters. Accents, case and apostrophes are off; a hyphen
separates, and the joined form ("hiphop" of "hip-hop") stands once more at the end of the text,
where it disturbs no phrase. Spelling is British, stems are Snowball's English ones but for a table,
stop words are left out (of phrases too, on both sides), and numbers are figures. A letter of
another alphabet becomes `x` and its code point; where a script puts no spaces between words, each
letter is a token, so that part of a sentence is found as a phrase.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from html import unescape
from threading import Lock

import Stemmer

from app.opportunities.spellings import FORMS, NUMBERS, STOP_WORDS, british

VERSION = 1
"""Of the analysis, stored with what was analysed: another version is analysed again."""
LONGEST = 40
_MOST_REMEMBERED = 100_000
_LONGEST_REMEMBERED = 60

# --- folding ---------------------------------------------------------------------------------

_FOREIGN = re.compile(r"[^\x00-\x7f]")
_LIKE_ASCII = {
    **dict.fromkeys("’‘ʼ´′‛ꞌ＇", "'"),
    **dict.fromkeys("“”„‟«»〝〞", '"'),
    **dict.fromkeys("‐‑﹣－", "-"),
    # Invisible: a soft hyphen, joiners and marks of direction stand within words.
    **dict.fromkeys("\u00ad\u061c\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ""),
    # "Lego™" is "lego", not "legotm".
    **dict.fromkeys("™℠®©", " "),
}
_LETTERS = {
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ł": "l",
    "ħ": "h",
    "ı": "i",
    "ŋ": "ng",
}
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17d3\u3005\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese."""
_SPACING_MARKS = frozenset((0, 7, 9))
"""The combining classes of vowel signs, nuktas and viramas, which are part of a word."""


class _Memo(dict[str, str]):
    """What a function said, kept within bounds: full, it starts again."""

    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function

    def __missing__(self, key: str) -> str:
        value = self._function(key)
        if len(key) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[key] = value
        return value


def _fold_character(character: str) -> str:
    if character in _LIKE_ASCII:
        return _LIKE_ASCII[character]
    folded = unicodedata.normalize("NFKD", character).casefold()
    return "".join(_fold_part(part) for part in unicodedata.normalize("NFKD", folded))


def _fold_part(part: str) -> str:
    if part.isascii():
        return part.lower()
    if part in _LETTERS:
        return _LETTERS[part]
    category = unicodedata.category(part)
    if category == "Nd":
        return str(unicodedata.decimal(part))
    if category[0] == "M":
        if not _is_of_the_word(part, category):
            return ""
    elif category[0] not in "LN":
        return " "
    code = f"x{ord(part):04x}"
    return f" {code} " if _UNSPACED.match(part) else code


def _is_of_the_word(mark: str, category: str) -> bool:
    """Whether a mark is a vowel sign, say, and not an accent or a choice of glyph."""
    if mark < "\u0900" or "\ufe00" <= mark <= "\ufe2f" or mark >= "\U000e0000":
        return False
    return category != "Me" and unicodedata.combining(mark) in _SPACING_MARKS


_CHARACTERS = _Memo(_fold_character)

# Two words that only their neighbours tell apart from a verb, replaced in place by as many
# characters: SEND, which people write in capitals, and "book", since nearly every listing says to
# book (online).
_SEND = re.compile(
    r"\bSEND\b|\bSend\b(?! (?:us|me|it|in|off|to|your?|an?|the|this|them|for|out|by|photos?"
    r"|pictures?|e?-?mails?)\b)"
)
_BOOK = re.compile(
    r"book(?:(?<=\bbook)(?=,? (?:now|online|your|early|via|through|here|tickets?|direct|directly"
    r"|ahead|places?|essential|in advance|by (?:e?-?mail|phone|phoning|calling|telephone)"
    r"|a (?:place|space|slot|session|visit|ticket))\b)"
    r"|(?<=\bto book)\b(?! (?:clubs?|groups?|making|weeks?|days?|festivals?|fairs?|arts?)\b)"
    r"|(?<=\bplease book)\b|(?<=\bmust book)\b|(?<=\bpre-book)\b)"
)
_ONLINE = re.compile(
    r"online(?:(?<=\bb00k online)|(?<=\bbooked online)|(?<=\bbooking online)"
    r"|(?<=\bbookings online)|(?<=\btickets online)|(?= bookings?\b))\b"
)
_LETTER_AND_LETTER = re.compile(r"(?<![a-z0-9'-])([a-z])&([a-z])(?![a-z0-9'-])")


def _subdued(text: str) -> str:
    return _SEND.sub("S3ND", text) if "SEND" in text or "Send" in text else text


def _settled(text: str) -> str:
    """Small ASCII letters with the last replacements, each as long as what it replaces."""
    if "&" in text:  # R&B
        text = _LETTER_AND_LETTER.sub(r"\1n\2", text)
    if "'n'" in text:  # rock'n'roll
        text = text.replace("'n'", "-n-")
    if "book" in text:
        text = _ONLINE.sub("      ", _BOOK.sub("b00k", text))
    return text


def folded(text: str) -> str:
    """A text in small ASCII letters, for splitting into words."""
    text = _subdued(text)
    if not text.isascii():
        text = _FOREIGN.sub(lambda found: _CHARACTERS[found[0]], text)
    return _settled(text.lower())


def _folded_with_places(text: str) -> tuple[str, list[int]]:
    """The same, and for each of its characters, and the end, where that stands in the text."""
    parts = [c.lower() if c < "\x80" else _CHARACTERS[c] for c in _subdued(text)]
    at = [place for place, part in enumerate(parts) for _ in part]
    return _settled("".join(parts)), [*at, len(text)]


# --- words -----------------------------------------------------------------------------------

WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
"""A word of a folded text, with its apostrophes and hyphens."""
_PART = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
"""The same without its hyphens."""
_PLURAL_NUMBER = re.compile(r"\d+s\Z")
_STEMMER = Stemmer.Stemmer("english", 0)
_STEMMER_LOCK = Lock()
"""A stemmer is not made for several threads. It is asked once for a word."""


def _token(part: str) -> str:
    """The token of a folded word without hyphens; nothing for a stop word."""
    word = part.removesuffix("'s").replace("'", "")
    if word in STOP_WORDS:
        return ""
    word = british(word)
    if word in FORMS:
        return FORMS[word]
    if word in NUMBERS:
        return NUMBERS[word]
    if not word.isalpha():
        return (word[:-1] if _PLURAL_NUMBER.match(word) else word)[:LONGEST]
    if len(word) > LONGEST:
        return word[:LONGEST]
    with _STEMMER_LOCK:
        return str(_STEMMER.stemWord(word))


def _tokens_of(raw: str) -> str:
    return " ".join(filter(None, (_token(part) for part in _PART.findall(raw))))


def _joined_of(raw: str) -> str:
    return " ".join(filter(None, map(_join, WORD.findall(raw))))


def _join(word: str) -> str:
    parts = word.split("-")
    if not 2 <= len(parts) <= 3 or (parts[0][0].isdigit() and parts[-1][0].isdigit()):
        return ""  # no word, or a range: 5-11, 10-12am
    return _token(word.replace("-", ""))


_TOKENS = _Memo(_tokens_of)
_JOINED = _Memo(_joined_of)
_RUNS = {
    code: chr(code) if chr(code).isalnum() or chr(code) in "'-" else " " for code in range(128)
}
"""What parts runs of words, hyphens and apostrophes: quicker to split at than by WORD."""


def tokens(text: str) -> list[str]:
    """The words of a plain text in order, as they are indexed, then the joined forms of hyphens."""
    text = folded(text)
    runs = text.translate(_RUNS).split()
    found = " ".join(map(_TOKENS.__getitem__, runs)).split()
    if "-" in text:
        found += " ".join([_JOINED[run] for run in runs if "-" in run]).split()
    return found


def tokens_of_word(raw: str) -> tuple[str, ...]:
    """The tokens of one match of WORD, in order."""
    return tuple(_TOKENS[raw].split())


def joined_of_word(raw: str) -> str:
    """The token of the joined form of one match of WORD, if it has hyphens."""
    return _JOINED[raw] if "-" in raw else ""


def token(word: str) -> str:
    """The token of a word in small letters, without hyphens; nothing for a stop word."""
    return _TOKENS[word]


Place = tuple[str, int, int]
"""A token and where it stands in the text: from, to."""


def places(text: str) -> tuple[list[Place], list[Place]]:
    """Where each token of a text stands, in order, and where each joined form does."""
    if text.isascii():
        small, at = folded(text), list(range(len(text) + 1))
    else:
        small, at = _folded_with_places(text)
    single: list[Place] = []
    joined: list[Place] = []
    for word in WORD.finditer(small):
        start = word.start()
        single += [
            (one, at[start + part.start()], _end(at, start + part.end()))
            for part in _PART.finditer(word[0])
            if (one := _TOKENS[part[0]])
        ]
        if one := joined_of_word(word[0]):
            joined.append((one, at[start], _end(at, word.end())))
    return single, joined


def _end(at: list[int], end: int) -> int:
    """Where the text goes on after a word: after its accents, and not within a character."""
    return max(at[end], at[end - 1] + 1)


# --- markup ----------------------------------------------------------------------------------

_TAG = re.compile(r"""<(/?(?:p|ul|ol|li|br|h3)\b)?(?:[^<>"]++|"[^"]*+")*+>""")


def _space_or_nothing(tag: re.Match[str]) -> str:
    return " " if tag[1] else ""


def plain(html: str) -> str:
    """The text of our safe subset of HTML on one line; blocks and line breaks part words."""
    return " ".join(unescape(_TAG.sub(_space_or_nothing, html)).split())


def words_of(text: str) -> Iterator[str]:
    """The words of a text in small letters as they are spelt, parts and joined forms."""
    for raw in WORD.findall(folded(text)):
        parts = [part.removesuffix("'s").replace("'", "") for part in raw.split("-")]
        yield from parts
        if 2 <= len(parts) <= 3:
            yield "".join(parts)
