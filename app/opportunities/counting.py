"""Counting what is wanted: by bitmaps as far as they go, by SQL for the rest."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyroaring import BitMap
from sqlmodel import Session

from app.opportunities import facets, listing, search
from app.opportunities.census import Census, Keys, uncounted
from app.opportunities.census_facts import session_days
from app.opportunities.conditions import ANYBODY, Sight
from app.opportunities.directory import Directory
from app.opportunities.facets import Around, Counts, Facet, Rest
from app.opportunities.listing import Run
from app.opportunities.search import Statement
from app.opportunities.wanted import Wanted, When


def few(session: Session, census: Census, wanted: Wanted) -> Sequence[int] | None:
    """The listings that can be wanted at all, if they are known to be few.

    A filter that hardly anything meets would else be looked for along the whole index of the sort.
    """
    if not wanted.is_public or not asks(wanted):
        return None
    census.prepare()
    if not census.is_ready:
        return None
    with census.in_step(session) as held:
        return few_of(held, wanted)


def few_of(census: Census, wanted: Wanted) -> Sequence[int] | None:
    """The same of a census that is held."""
    found = census.passing(wanted)
    return list(found) if len(found) <= listing.FEW else None


def counts(
    session: Session,
    census: Census,
    wanted: Wanted,
    asked: Sequence[Facet],
    directory: Directory,
    run: Run,
    *,
    is_sqlite: bool,
) -> Counts:
    """All matches and the facets of what is published."""
    around = Around.read(session, directory)
    left = uncounted(wanted)

    def keys(some: Wanted) -> Keys | None:
        if not asks(some):
            return None
        statement = search.keys_of(some, ANYBODY, is_sqlite=is_sqlite, way=listing.way(some))
        return BitMap([row[0] for row in run(statement)])

    rest = Rest(keys=keys(left))
    if Facet.MONTH in asked:
        undated = replace(left, when=When())
        rest = replace(rest, undated=keys(undated) if left.when else rest.keys)
        if left.when:
            # One session must be in the month and meet the other conditions.
            when = replace(left.when, starts_from=None, starts_to=None)
            statement = search.sessions_of(undated, when, is_sqlite=is_sqlite)
            rest = replace(rest, days=_days(run(statement)))
    with census.in_step(session) as held:
        return facets.count(held, wanted, asked, around, rest)


def counts_at_once(
    census: Census, wanted: Wanted, asked: Sequence[Facet], directory: Directory
) -> Counts | None:
    """The same where the bitmaps know it all and what names the facets has been read."""
    around = Around.known(directory)
    if around is None or asks(uncounted(wanted)):
        return None
    return facets.count(census, wanted, asked, around, Rest())


def _days(sessions: Iterable[Any]) -> Mapping[int, Keys]:
    found: dict[int, Keys] = {}
    for pk, *facts in sessions:
        for day in session_days(*facts):
            found.setdefault(day, BitMap()).add(pk)
    return found


def total(wanted: Wanted, sight: Sight, run: Run, *, is_sqlite: bool) -> int:
    """All matches, by SQL, in whatever state."""
    keys = search.keys_of(wanted, sight, is_sqlite=is_sqlite, way=listing.way(wanted))
    counted = Statement(f"SELECT count(*) FROM ({keys.sql}) found", keys.parameters)  # noqa: S608 - made above
    found: int = run(counted)[0][0]
    return found


def without_words_and_circle(wanted: Wanted) -> Wanted:
    """What neither the bitmaps know, nor words or a circle ask."""
    return replace(uncounted(wanted), words=None, near=None)


def asks(wanted: Wanted) -> bool:
    """Whether any filter is set."""
    # A filter of several values is a list or a tuple: an empty one is none, whichever it is.
    return any(
        bool(value) if default == () else value != default
        for name, default in _NO_FILTERS.items()
        for value in (getattr(wanted, name),)
    )


_NO_FILTERS = {
    one.name: one.default for one in dataclasses.fields(Wanted) if one.name != "statuses"
}
