"""Postcodes as people type them: without a space, in small letters, with letter O for zero."""

import re
from itertools import product

from app.authorities.postcodes import normalise_postcode, spaced
from app.sources.plain_writing.words import (
    CLEAR,
    EMPTY,
    LIKELY,
    LONGEST,
    SURE,
    Reading,
    doubt,
    nothing,
    tidy,
    unread,
)

_AREAS = (
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT "
    "DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L "
    "LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S "
    "SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR "
    "WS WV YO ZE"
)
AREAS = frozenset(_AREAS.split())
"""The letters with which British postcodes begin."""
WITH_DISTRICT_ZERO = frozenset({"BL", "CM", "CR", "FY", "HA", "PR", "SL", "SS"})
_DISTRICTS = "E1 EC1 EC2 EC3 EC4 N1 NW1 SE1 SW1 W1 WC1 WC2"
WITH_LETTER = frozenset(_DISTRICTS.split())
"""Districts, all in London, that a letter may follow, and the letters that do."""
LETTERS = frozenset("ABCDEFGHJKMNPRSTUVWXY")
CONFUSED = {"O": "O0", "0": "0O", "I": "I1", "L": "L1"}
"""What a character may stand for: people type one for the other."""

_PARTS = re.compile(r"([A-Z]{1,2})([0-9]{1,2})([A-Z]?)[0-9][A-Z]{2}")
_IN_TEXT = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9]{1,3} {0,3}[0-9OoIiLl][A-Za-z0-9]{2}(?![A-Za-z0-9])"
)
_MOST = 7


def read_postcode(text: str) -> Reading[str]:
    """The postcode of a text or an address, such as `B1 1BB`; corrected when only one fits."""
    plain = tidy(text)
    if plain.lower() in EMPTY:
        return nothing(text)
    if len(plain) > LONGEST:
        return unread(text, "too_long")
    compact = re.sub(r"[\s.,_-]+", "", plain)
    if len(compact) <= _MOST and compact.isascii():
        return _whole(text, compact)
    return _within(text, plain)


def _whole(text: str, compact: str) -> Reading[str]:
    found = _readings(compact)
    if len(found) > 1:
        return unread(text, "ambiguous_postcode", readings=" or ".join(found))
    if not found:
        return unread(text, "not_a_postcode")
    if found[0].replace(" ", "") == compact.upper():
        return Reading(found[0], text, SURE)
    return Reading(found[0], text, CLEAR, (doubt("corrected", text, reading=found[0]),))


def _within(text: str, plain: str) -> Reading[str]:
    """The one postcode of an address: as written, else the one that can be corrected."""
    places = [place[0] for place in _IN_TEXT.finditer(plain)]
    exact = {spaced(p) for place in places if _is_postcode(p := _joined(place).upper())}
    if len(exact) > 1:
        return unread(text, "several_postcodes")
    if exact:
        return Reading(exact.pop(), text, CLEAR)
    # Words of an address resemble a mistyped postcode; a postcode is in capitals and has digits.
    typed = [p for p in places if any(map(str.isdigit, p)) and p.replace("l", "I").isupper()]
    found = {one for place in typed for one in _readings(_joined(place))}
    if len(found) > 1:
        return unread(text, "ambiguous_postcode", readings=" or ".join(sorted(found)))
    if found:
        reading = found.pop()
        return Reading(reading, text, LIKELY, (doubt("corrected", text, reading=reading),))
    return unread(text, "not_a_postcode")


def _joined(text: str) -> str:
    return text.replace(" ", "")


def _is_postcode(compact: str) -> bool:
    parts = _PARTS.fullmatch(compact)
    if parts is None or parts[1] not in AREAS:
        return False
    if parts[2].startswith("0") and (len(parts[2]) > 1 or parts[1] not in WITH_DISTRICT_ZERO):
        return False
    try:
        normalise_postcode(compact)
    except ValueError:
        return False
    return not parts[3] or (parts[1] + parts[2] in WITH_LETTER and parts[3] in LETTERS)


def _readings(compact: str) -> list[str]:
    """The postcodes that it may be: itself if it is one, else those that a mistake explains."""
    capital = compact.upper()
    # A small l among capitals is more often a one: both are readings then.
    looks_odd = "l" in compact and any(map(str.isupper, compact))
    if _is_postcode(capital) and not looks_odd:
        return [spaced(capital)]
    choices = [CONFUSED.get(letter, letter) for letter in capital]
    candidates = ("".join(letters) for letters in product(*choices))
    return sorted({spaced(one) for one in candidates if _is_postcode(one)})
