"""Days of term and of holiday, as ranges of dates that filters can use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

DAY = timedelta(days=1)
Span = tuple[date, date]
"""The first and the last of some days, both included."""


@dataclass(frozen=True)
class Ranges:
    """When schools are open, and when closed between two terms; other days are not known."""

    term: tuple[Span, ...] = ()
    holiday: tuple[Span, ...] = ()

    @classmethod
    def between(cls, terms: Iterable[Span]) -> "Ranges":
        """The ranges of these terms, in any order: what they leave between them is holiday."""
        joined: list[Span] = []
        for first, last in sorted(terms):
            if joined and first <= joined[-1][1] + DAY:
                joined[-1] = joined[-1][0], max(last, joined[-1][1])
            else:
                joined.append((first, last))
        holidays = [(before[1] + DAY, after[0] - DAY) for before, after in pairwise(joined)]
        return cls(tuple(joined), tuple(holidays))


@dataclass(frozen=True)
class SchoolDays:
    """The ranges of the region, and of each authority whose terms are its own or its county's."""

    region: Ranges = Ranges()
    own: Mapping[int, Ranges] = field(default_factory=dict)

    @classmethod
    def of(
        cls, terms: Mapping[int | None, Sequence[Span]], parents: Mapping[int, int | None]
    ) -> "SchoolDays":
        """The ranges of terms by authority (None is the region), with each one's county."""
        own = {pk: Ranges.between(spans) for pk, spans in terms.items() if pk is not None}
        inherited = {
            pk: own[county]
            for pk, county in parents.items()
            if pk not in own and county is not None and county in own
        }
        return cls(Ranges.between(terms.get(None, ())), own | inherited)

    def at(self, authority_pk: int | None) -> Ranges:
        """The ranges that hold in an authority; the region's where none is known."""
        if authority_pk is None:
            return self.region
        return self.own.get(authority_pk, self.region)
