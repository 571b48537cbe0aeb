"""Facets: for each filter, how many listings there would be with each of its values.

A facet is counted without its own filter, so that a front end can offer what else could be chosen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlmodel import Session

from app.authorities import queries as authorities
from app.kit.times import today
from app.opportunities.ages import AgeBand
from app.opportunities.census import Census, Keys, intersection
from app.opportunities.directory import Directory, Provider
from app.opportunities.wanted import Wanted
from app.vocabularies.models import Vocabulary

MONTHS = 15
"""From this one on."""
MOST_VALUES = 100
"""Of one facet; the most frequent ones."""


class Facet(StrEnum):
    """What can be counted."""

    ARTFORM = "artform"
    KIND = "kind"
    AGE_BAND = "age_band"
    AUTHORITY = "authority"
    PARTNERSHIP = "partnership"
    DELIVERY = "delivery"
    FREE = "free"
    ACCESS = "access"
    MONTH = "month"
    PROVIDER = "provider"


@dataclass(frozen=True)
class Value:
    """One value of a facet: what the filter takes, what people read, how many."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Counts:
    """All matches, and what was counted of them."""

    total: int
    facets: Mapping[Facet, Sequence[Value]]


@dataclass(frozen=True)
class Around:
    """What facets are named by, read before they are counted."""

    directory: Directory
    partnerships: Mapping[str, tuple[str, frozenset[int]]]
    """By slug: the name, and the authorities of its areas today."""
    providers: Mapping[int, Provider]
    """By key: the slug and the name of those that anybody may see."""
    authorities: Sequence[tuple[str, str, frozenset[int]]]
    """The code and the name, and the districts of each."""
    months: Sequence[tuple[str, str, date, date]]
    """As filters take it, the name, the first and the last day."""

    @classmethod
    def read(cls, session: Session, directory: Directory) -> "Around":
        """Read it, once for each directory: it took half of the time of all facets together."""
        found = cls.known(directory)
        if found is None:
            found = directory.read_once["around"] = cls(
                directory,
                cls._areas(session),
                directory.providers(session),
                [
                    (code, name.name, directory.within([code]))
                    for code, name in directory.authorities.items()
                ],
                [
                    (f"{month:%Y-%m}", f"{month:%B %Y}", month, _last_day(month))
                    for month in _months(directory.day)
                ],
            )
        return found

    @classmethod
    def known(cls, directory: Directory) -> "Around | None":
        """The same, if it has been read."""
        return directory.read_once.get("around")

    @staticmethod
    def _areas(session: Session) -> Mapping[str, tuple[str, frozenset[int]]]:
        found: dict[str, tuple[str, set[int]]] = {}
        for pk, covers in authorities.covering(session, today()).items():
            for cover in covers:
                found.setdefault(cover.slug, (cover.name, set()))[1].add(pk)
        return {slug: (name, frozenset(pks)) for slug, (name, pks) in found.items()}


@dataclass(frozen=True)
class Rest:
    """What SQL found where the bitmaps do not know a filter; None where it would find all."""

    keys: Keys | None = None
    undated: Keys | None = None
    """Without what is asked of sessions, for the months."""
    days: Mapping[int, Keys] | None = None
    """The days of the sessions that meet what is asked of them besides their dates."""


def count(
    census: Census,
    wanted: Wanted,
    asked: Sequence[Facet],
    around: Around,
    rest: Rest,
) -> Counts:
    """Count all matches, and the facets. The census is in step and held by the caller."""
    parts = census.parts(wanted)

    def base(facet: Facet | None) -> Keys:
        """What the filters let through, but for that of the facet."""
        left = rest.undated if facet is Facet.MONTH else rest.keys
        others = [keys for name, keys in parts.items() if name != facet]
        if left is not None:
            others.append(left)
        return intersection([*others, census.everything])

    everything = base(None)
    found = {}
    for facet in dict.fromkeys(asked):
        # Only what has a filter of its own is counted in anything but the matches themselves.
        is_own = facet.value in parts or facet is Facet.MONTH
        around_it = base(facet) if is_own else everything
        values = [
            (-around_it.intersection_cardinality(keys), value, label)
            for value, label, keys in _VALUES[facet](facet, census, around, rest)
        ]
        values.sort()
        found[facet] = [
            Value(value, label, -few) for few, value, label in values[:MOST_VALUES] if few
        ]
    return Counts(len(everything), found)


Told = Iterator[tuple[str, str, Keys]]
"""The values of a facet: what the filter takes, what people read, and which listings."""


def _terms(facet: Facet, census: Census, around: Around, _: Rest) -> Told:
    labels = around.directory.labels[Vocabulary(facet.value)]
    for code, keys in census.values(facet.value).items():
        yield code, labels.get(code, code), keys


def _fixed(facet: Facet, census: Census, _: Around, __: Rest) -> Told:
    for code, keys in census.values(facet.value).items():
        if code is not None:
            yield code, code.replace("_", " ").capitalize(), keys


def _bands(_: Facet, census: Census, __: Around, ___: Rest) -> Told:
    for band in AgeBand:
        yield band.value, f"{band.value.replace('-', ' to ')} years", census.spanned(band)


def _free(_: Facet, census: Census, __: Around, ___: Rest) -> Told:
    for value, label in ((True, "Free"), (False, "Not free")):
        yield str(value).lower(), label, census.of("free", value)


def _authorities(_: Facet, census: Census, around: Around, __: Rest) -> Told:
    for code, name, pks in around.authorities:
        yield code, name, census.reaching(pks)


def _partnerships(_: Facet, census: Census, around: Around, __: Rest) -> Told:
    for slug, (name, pks) in around.partnerships.items():
        yield slug, name, census.reaching(pks)


def _by_month(_: Facet, census: Census, around: Around, rest: Rest) -> Told:
    for value, label, first, last in around.months:
        yield value, label, census.on_days(first, last, rest.days)


def _providers(_: Facet, census: Census, around: Around, __: Rest) -> Told:
    for pk, keys in census.values("provider_pk").items():
        provider = around.providers.get(pk)
        if provider is not None:
            yield *provider, keys


_VALUES: Mapping[Facet, Callable[[Facet, Census, Around, Rest], Told]] = {
    Facet.ARTFORM: _terms,
    Facet.ACCESS: _terms,
    Facet.KIND: _fixed,
    Facet.DELIVERY: _fixed,
    Facet.AGE_BAND: _bands,
    Facet.FREE: _free,
    Facet.AUTHORITY: _authorities,
    Facet.PARTNERSHIP: _partnerships,
    Facet.MONTH: _by_month,
    Facet.PROVIDER: _providers,
}


def _months(day: date) -> Iterator[date]:
    first = day.replace(day=1)
    for _ in range(MONTHS):
        yield first
        first = _following(first)


def _following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _last_day(month: date) -> date:
    return date.fromordinal(_following(month).toordinal() - 1)
