"""Values of filters as tokens, which stand beside the words of a listing in one index.

Words and filters then meet inside the index. Tags only narrow down: the statement checks exactly
what is asked. They are capitals, letters and digits, so that no word is ever one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.opportunities.models import Status
from app.opportunities.wanted import Wanted
from app.vocabularies.models import Vocabulary

PUBLISHED = "S"
EVERYWHERE = "AW"
OLDEST_YEAR = 26
"""Ages from here on share one tag: filters for children tell them apart no further."""


def of_listing(row: Any, terms: Iterable[tuple[str, str]], areas: Iterable[int]) -> list[str]:
    """The tags of a listing that carries these terms and reaches these authorities."""
    found = [_area(pk) for pk in sorted(areas)]
    found += sorted({_term(vocabulary, code) for vocabulary, code in terms})
    found += [_year(year) for year in _years(row.age_min, row.age_max)]
    found += [_delivery(row.delivery), _free(row.free)]
    if row.status == Status.PUBLISHED:
        found.append(PUBLISHED)
    if row.region_wide:
        found.append(EVERYWHERE)
    if row.kind:
        found.append(_kind(row.kind))
    if row.provider_pk is not None:
        found.append(_provider(row.provider_pk))
    return found


def of_wanted(wanted: Wanted) -> Iterator[Sequence[str]]:
    """The filters that tags narrow down: each listing that is wanted has one of each group."""
    if wanted.is_public:
        yield (PUBLISHED,)
    for authority_pks in (wanted.authority_pks, wanted.partnership_pks):
        if authority_pks is not None:
            yield (*(_area(pk) for pk in sorted(authority_pks)), EVERYWHERE)
    if wanted.free is not None:
        yield (_free(wanted.free),)
    for group in _groups(wanted):
        if group:
            yield group


def _groups(wanted: Wanted) -> Iterator[Sequence[str]]:
    """Those of filters that are empty when nothing is asked."""
    yield [_term(Vocabulary.ARTFORM, code) for code in wanted.artforms]
    yield [_term(Vocabulary.AUDIENCE, code) for code in wanted.audiences]
    for code in wanted.access:
        yield [_term(Vocabulary.ACCESS, code)]
    yield [_provider(pk) for pk in wanted.organisation_pks]
    yield [_kind(kind) for kind in wanted.kinds]
    yield [_delivery(delivery) for delivery in wanted.deliveries]
    yield [_year(int(age)) for age in wanted.ages]
    for spans in (wanted.age_bands, wanted.key_stages):
        yield [_year(year) for one in spans for year in range(*map(int, one.span))]


def _area(authority_pk: int) -> str:
    return f"A{authority_pk}"


def _provider(organisation_pk: int) -> str:
    return f"P{organisation_pk}"


def _kind(kind: str) -> str:
    return f"K{_letters(kind)}"


def _delivery(delivery: str) -> str:
    return f"D{_letters(delivery)}"


def _free(free: bool) -> str:
    return "F1" if free else "F0"


def _term(vocabulary: str, code: str) -> str:
    return f"T{_letters(vocabulary)}0{_letters(code)}"


def _year(year: int) -> str:
    return f"Y{min(year, OLDEST_YEAR)}"


def _letters(code: str) -> str:
    """Two codes that differ in underscores alone share a tag, which does no harm."""
    return code.replace("_", "")


def _years(low: float | None, high: float | None) -> Iterable[int]:
    if low is None and high is None:
        return ()
    last = OLDEST_YEAR if high is None else min(int(high), OLDEST_YEAR)
    return range(min(int(low or 0), OLDEST_YEAR), last + 1)
