"""What filters name, read once for each revision of the data: authorities, terms, school days.

Looking these up for each request took longer than finding the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.authorities import queries as authorities
from app.authorities.queries import Name, Place
from app.authorities.school_days import SchoolDays
from app.authorities.school_term_queries import day_ranges
from app.kit.times import today
from app.opportunities import suggestions
from app.opportunities.suggestions import Names
from app.opportunities.wanted import OnSchoolDays
from app.opportunities.words import Lexicon
from app.organisations.models import Organisation, Venue, Visibility
from app.vocabularies.models import Vocabulary
from app.vocabularies.queries import every_label

MOST_PLACES = 10_000

Stamp = tuple[object, ...]
Provider = tuple[str, str]
"""A slug and a name."""


@dataclass
class Kept:
    """What takes long to make, made again only when a name changed."""

    stamp: Stamp = ()
    lexicon: Lexicon | None = None
    names: Names | None = None
    providers: Mapping[int, Provider] | None = None


@dataclass(frozen=True)
class Directory:
    """The names of things as they are on a day."""

    day: date
    authorities: Mapping[str, Name]
    """By GSS code."""
    labels: Mapping[Vocabulary, Mapping[str, str]]
    """The label of each term, retired ones included, by vocabulary and code."""
    school: SchoolDays = field(default_factory=SchoolDays)
    kept: Kept = field(default_factory=Kept, repr=False, compare=False)
    places: dict[str, Place] = field(default_factory=dict, repr=False, compare=False)
    """Where postcodes are that were asked for lately: somebody who looks around asks again."""
    read_once: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What others read of the same revision on the same day, so that they read it once."""

    @classmethod
    def read(cls, session: Session, day: date, kept: Kept | None = None) -> "Directory":
        """Read it; `kept` is of the one before, and stays if no name changed."""
        labels = every_label(session)
        found = {name.code: name for name in authorities.names(session).values()}
        # The latest instant alone would not do: who wrote first may commit last.
        counted = [
            tuple(
                session.execute(
                    select(func.count(), func.sum(model.version), func.max(model.updated_at))
                ).one()
            )
            for model in (Organisation, Venue)
        ]
        stamp = (*counted, str(labels), tuple(found.values()))
        if kept is None or kept.stamp != stamp:
            kept = Kept(stamp)
        return cls(
            day=day,
            authorities=found,
            labels=labels,
            school=day_ranges(session),
            kept=kept,
        )

    def within(self, codes: Sequence[str]) -> frozenset[int]:
        """The authorities of these codes, and the districts of those that are counties."""
        meant = {self.authorities[code].pk for code in codes}
        return frozenset(
            name.pk
            for name in self.authorities.values()
            if name.pk in meant or name.parent_pk in meant
        )

    def note_place(self, place: Place) -> None:
        """Remember where a postcode is."""
        if len(self.places) >= MOST_PLACES:
            self.places.clear()
        self.places[place.postcode] = place

    def on_school_days(
        self, term_time: bool | None, holiday: bool | None
    ) -> tuple[OnSchoolDays, ...]:
        """What the two filters ask of the days of a session."""
        found = []
        for asked, sort in ((term_time, "term"), (holiday, "holiday")):
            if asked is not None:
                own = tuple((pk, getattr(one, sort)) for pk, one in self.school.own.items())
                region = getattr(self.school.region, sort)
                found.append(OnSchoolDays(region=region, own=own, outside=not asked))
        return tuple(found)

    def names(self, session: Session) -> Names:
        """Everything that has a name, for suggestions."""
        if self.kept.names is None:
            artforms = self.labels[Vocabulary.ARTFORM].items()
            self.kept.names = suggestions.names(session, self.authorities.values(), artforms)
        return self.kept.names

    def providers(self, session: Session) -> Mapping[int, Provider]:
        """The organisations that anybody may see, by their keys."""
        if self.kept.providers is None:
            statement = select(
                col(Organisation.pk), col(Organisation.slug), col(Organisation.name)
            ).where(
                col(Organisation.deleted_at).is_(None),
                col(Organisation.visibility) == Visibility.PUBLIC,
            )
            self.kept.providers = {
                pk: (slug, name) for pk, slug, name in session.execute(statement)
            }
        return self.kept.providers

    def lexicon(self, session: Session) -> Lexicon:
        """The words that are known to be spelt right: of the field, and of names here."""
        if self.kept.lexicon is None:
            labels = [label for terms in self.labels.values() for label in terms.values()]
            named = [name.text for name in self.names(session)]
            self.kept.lexicon = Lexicon.of([*named, *labels])
        return self.kept.lexicon


class Directories:
    """The directory of a process, read again when the data or the day changed."""

    def __init__(self) -> None:
        self._held: tuple[int, Directory] | None = None

    def at(self, session: Session, revision: int) -> Directory:
        """The directory of a revision, which is that of the session."""
        day = today()
        held = self._held
        if held is not None and held[0] == revision and held[1].day == day:
            return held[1]
        found = Directory.read(session, day, held[1].kept if held else None)
        self._held = revision, found
        return found

    def latest(self) -> tuple[int, Directory] | None:
        """The one that was read last, with the revision that it is of, if it is of today."""
        held = self._held
        if held is None or held[1].day != today():
            return None
        return held
