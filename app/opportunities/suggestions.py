"""As-you-type: what a few letters may become: titles, providers, artforms and places.

Names of things are few, and any word of theirs may begin so: they are kept sorted by each of
their words. Titles are many: those that begin so are found in the index by which lists are sorted
by title, one step for each different title, however often it occurs.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select, text
from sqlmodel import Field, Session, SQLModel, col

from app.kit.identifiers import slugify
from app.opportunities.models import Status
from app.organisations.models import Organisation, Venue, Visibility

MOST = 10
"""Suggestions in all."""
MOST_OF_A_KIND = 4
"""Of one kind, while others have some too."""
LOOKED_AT = 50
"""Names that begin with the letters: the best of these are shown."""
LAST = "{"
"""Comes after every letter that a sort key has."""


class SuggestionKind(StrEnum):
    """What is suggested."""

    ARTFORM = "artform"
    PLACE = "place"
    PROVIDER = "provider"
    TITLE = "title"


@dataclass(frozen=True, order=True)
class Name:
    """A thing that can be suggested: how it is sorted, what it is, and the filter that means it."""

    key: str
    kind: SuggestionKind
    text: str
    parameter: str
    value: str


class Suggestion(SQLModel):
    """What the letters may become."""

    kind: SuggestionKind
    text: str = Field(description="What people read.")
    parameter: str = Field(description="The filter of the list to set; `q` for a title.")
    value: str = Field(description="What to set it to.")


class SuggestionList(SQLModel):
    """Suggestions, the likeliest first."""

    items: list[Suggestion]


class Names:
    """Things by the beginnings of all of their words."""

    def __init__(self, names: Iterable[Name]) -> None:
        beginnings = {
            (name.key[start:], name) for name in names for start in _word_starts(name.key)
        }
        self._sorted = sorted(beginnings)
        self._keys = [key for key, _ in self._sorted]

    def __iter__(self) -> Iterator[Name]:
        """Each of them once."""
        return iter({name for _, name in self._sorted})

    def beginning(self, letters: str) -> list[Name]:
        """Things of which a word begins so; those that begin so themselves come first."""
        found: dict[Name, bool] = {}
        at = bisect_left(self._keys, letters)
        while at < len(self._keys) and self._keys[at].startswith(letters):
            key, name = self._sorted[at]
            found[name] = found.get(name, False) or key == name.key
            at += 1
            if len(found) > LOOKED_AT:
                break
        return sorted(found, key=lambda name: (not found[name], len(name.key), name))


def _word_starts(key: str) -> Iterator[int]:
    yield 0
    for at, letter in enumerate(key):
        if letter == "-":
            yield at + 1


def names(session: Session, places: Iterable[Any], artforms: Iterable[tuple[str, str]]) -> Names:
    """Everything that has a name, as anybody may see it; `places` are authorities."""
    found = [_name(SuggestionKind.ARTFORM, label, "artform", code) for code, label in artforms]
    found += [_name(SuggestionKind.PLACE, one.name, "authority", one.code) for one in places]
    providers = select(col(Organisation.slug), col(Organisation.name)).where(
        col(Organisation.deleted_at).is_(None), col(Organisation.visibility) == Visibility.PUBLIC
    )
    # Whose organisation is private is found by its own people only.
    venues = (
        select(col(Venue.slug), col(Venue.name))
        .join(Organisation, col(Organisation.pk) == col(Venue.organisation_pk))
        .where(
            col(Venue.deleted_at).is_(None),
            col(Venue.hide_exact_address).is_(False),
            col(Organisation.deleted_at).is_(None),
            col(Organisation.visibility) == Visibility.PUBLIC,
        )
    )
    for kind, parameter, statement in (
        (SuggestionKind.PROVIDER, "organisation", providers),
        (SuggestionKind.PLACE, "venue", venues),
    ):
        found += [_name(kind, row.name, parameter, row.slug) for row in session.execute(statement)]
    return Names(found)


def _name(kind: SuggestionKind, said: str, parameter: str, value: str) -> Name:
    return Name(slugify(said, 160), kind, said, parameter, value)


def suggest(session: Session, known: Names, q: str) -> list[Suggestion]:
    """What the letters may become, a few of each kind; nothing from nothing."""
    letters = slugify(q, 100)
    if not letters:
        return []
    by_kind: dict[SuggestionKind, list[Name]] = {kind: [] for kind in SuggestionKind}
    for name in known.beginning(letters):
        by_kind[name.kind].append(name)
    by_kind[SuggestionKind.TITLE] = list(_titles(session, letters))
    shown = [name for some in by_kind.values() for name in some[:MOST_OF_A_KIND]]
    left = [name for some in by_kind.values() for name in some[MOST_OF_A_KIND:]]
    return [
        Suggestion(kind=one.kind, text=one.text, parameter=one.parameter, value=one.value)
        for one in [*shown, *left][:MOST]
    ]


def _titles(session: Session, letters: str) -> Iterator[Name]:
    """Titles of published listings that begin so: each a step further in the index of titles."""
    statement = text(
        "SELECT title, title_sort FROM opportunity WHERE status = :status"
        " AND title_sort > :after AND title_sort < :end ORDER BY title_sort, pk LIMIT 1"
    )
    exact = text(
        "SELECT title, title_sort FROM opportunity WHERE status = :status"
        " AND title_sort = :after ORDER BY pk LIMIT 1"
    )
    parameters = {"status": Status.PUBLISHED.value, "after": letters, "end": letters + LAST}
    connection = session.connection()
    row = connection.execute(exact, {"status": parameters["status"], "after": letters}).first()
    for _ in range(MOST_OF_A_KIND + 1):
        if row is not None:
            yield Name(row.title_sort, SuggestionKind.TITLE, row.title, "q", row.title)
            parameters["after"] = row.title_sort
        row = connection.execute(statement, parameters).first()
        if row is None:
            return
