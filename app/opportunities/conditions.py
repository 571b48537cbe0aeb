"""What must hold for a listing to be shown, as SQL: the same whichever way it is found."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

from app.kit.database import as_stored
from app.kit.times import day_ends, day_starts
from app.opportunities import tags, word_queries
from app.opportunities.ages import AgeBand, KeyStage
from app.opportunities.grid import Box, Near
from app.opportunities.models import Status
from app.opportunities.wanted import OnSchoolDays, Wanted, When
from app.opportunities.word_queries import Part
from app.vocabularies.models import Vocabulary


class Way(Enum):
    """How a statement finds its listings; all ways have the same conditions, and differ in time.

    `WALK` is the index of the sort, until the page is full: what is common is found at once.
    `CELLS` are the squares of a map that a circle or a box touches. `WORDS` is the index of words
    and tags. `KEYS` are the listings that were counted to be all there are, when they are few.
    """

    WALK = "walk"
    CELLS = "cells"
    WORDS = "words"
    KEYS = "keys"


@dataclass(frozen=True)
class Sight:
    """What a caller may see besides what is public."""

    everything: bool = False
    organisation_pk: int | None = None
    authority_pks: Collection[int] = ()
    """Of the areas that it coordinates."""


ANYBODY = Sight()


@dataclass
class Conditions:
    """The WHERE of a statement in the making. Listings are called `o`."""

    is_sqlite: bool
    clauses: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)

    def value(self, value: Any) -> str:
        """A parameter, and how the statement names it."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = as_stored(value, is_sqlite=self.is_sqlite)
        return f":{name}"

    def values(self, values: Iterable[Any]) -> str:
        """Parameters in parentheses, for IN; nothing is in none."""
        named = ", ".join(self.value(value) for value in values)
        return f"({named or 'NULL'})"

    def add(self, clause: str) -> None:
        """One more condition that must hold."""
        self.clauses.append(clause)

    def among(self, column: str, values: Collection[Any]) -> None:
        """The column is one of the values, if there are any."""
        if len(values) == 1:
            self.add(f"{column} = {self.value(next(iter(values)))}")
        elif values:
            self.add(f"{column} IN {self.values(values)}")


def hold(found: Conditions, wanted: Wanted, sight: Sight, way: Way, part: Part) -> None:
    """Everything that must hold, whichever way is taken."""
    found.among("o.status", wanted.statuses)
    if way is Way.CELLS:
        found.add("o.cell BETWEEN c.column1 AND c.column2")
    _sight(found, wanted, sight)
    for authority_pks in (wanted.authority_pks, wanted.partnership_pks):
        if authority_pks is not None:
            found.add(f"(o.region_wide OR {_reaches(found, authority_pks)})")
    found.among("o.provider_pk", wanted.organisation_pks)
    found.among("o.programme_pk", wanted.programme_pks)
    found.among("o.venue_pk", wanted.venue_pks)
    found.among("o.source_key", wanted.source_keys)
    found.among("o.kind", wanted.kinds)
    found.among("o.delivery", wanted.deliveries)
    _terms(found, wanted)
    _ages(found, wanted)
    if wanted.free is not None:
        found.add("o.free" if wanted.free else "NOT o.free")
    if wanted.max_pence is not None:
        found.add(f"o.price_pence <= {found.value(wanted.max_pence)}")
    if wanted.near is not None:
        _within(found, wanted.near)
    if wanted.box is not None:
        _inside(found, wanted.box)
    if wanted.when:
        found.add(f"(o.always_available OR {_takes_place(found, wanted.when)})")
    if wanted.words is not None:
        _words(found, wanted, way, part)
    _bookkeeping(found, wanted)


def _bookkeeping(found: Conditions, wanted: Wanted) -> None:
    if wanted.quality_min is not None:
        found.add(f"o.quality >= {found.value(wanted.quality_min)}")
    if wanted.updated_since is not None:
        found.add(f"o.updated_at >= {found.value(wanted.updated_since)}")
    if wanted.changed_after is not None:
        found.add(f"o.change_number > {found.value(wanted.changed_after)}")
    if wanted.pending is not None:
        found.add(f"o.pending IS {'NOT ' if wanted.pending else ''}NULL")
    if wanted.asked is not None:
        asked = (
            "(o.asked_at IS NOT NULL AND o.asked_at > o.last_seen_at AND o.withdrawn_by IS NULL)"
        )
        found.add(asked if wanted.asked else f"NOT {asked}")


def _sight(found: Conditions, wanted: Wanted, sight: Sight) -> None:
    if sight.everything or wanted.is_public:
        return
    own = "1 = 0"
    if sight.organisation_pk is not None:
        pk = found.value(sight.organisation_pk)
        own = f"(o.owner_pk = {pk} OR coalesce(o.provider_pk, 0) = {pk})"
    elif sight.authority_pks:
        own = _reaches(found, sight.authority_pks)
    if wanted.pending is not None or wanted.asked is not None:
        found.add(own)  # nobody else's business
    else:
        readable = found.values((Status.PUBLISHED, Status.EXPIRED))
        found.add(f"(o.status IN {readable} OR {own})")


def _reaches(found: Conditions, authority_pks: Collection[int]) -> str:
    return (
        "EXISTS (SELECT 1 FROM opportunity_area a WHERE a.opportunity_pk = o.pk"  # noqa: S608
        f" AND a.authority_pk IN {found.values(sorted(authority_pks))})"
    )


def _terms(found: Conditions, wanted: Wanted) -> None:
    asked: list[tuple[Vocabulary, Sequence[str]]] = [
        (Vocabulary.ARTFORM, wanted.artforms),
        (Vocabulary.AUDIENCE, wanted.audiences),
        *((Vocabulary.ACCESS, (code,)) for code in wanted.access),
    ]
    for vocabulary, codes in asked:
        if codes:
            found.add(
                "EXISTS (SELECT 1 FROM opportunity_term t WHERE t.opportunity_pk = o.pk"  # noqa: S608
                f" AND t.vocabulary = {found.value(vocabulary)}"
                f" AND t.code IN {found.values(codes)})"
            )


def _ages(found: Conditions, wanted: Wanted) -> None:
    if wanted.ages:
        met = " OR ".join(_meets_age(found.value(float(age))) for age in wanted.ages)
        found.add(f"({met})")
    for spans in (wanted.age_bands, wanted.key_stages):
        if spans:
            found.add(f"({' OR '.join(_meets_span(found, one) for one in spans)})")


STATED = "(o.age_min IS NOT NULL OR o.age_max IS NOT NULL)"


def _meets_age(age: str) -> str:
    return (
        f"({STATED} AND (o.age_min IS NULL OR o.age_min <= {age})"
        f" AND (o.age_max IS NULL OR o.age_max >= {age}))"
    )


def _meets_span(found: Conditions, one: AgeBand | KeyStage) -> str:
    """A range of ages meets a span whose end does not belong to it.

    Who is to be seven at most is no longer in a stage that begins at seven; bands share no age.
    """
    start, end = (found.value(edge) for edge in one.span)
    meets = f"coalesce(o.age_max, 999) >= {start}"
    if isinstance(one, KeyStage):
        meets = (
            f"(coalesce(o.age_max, 999) > {start}"
            f" OR (o.age_max = {start} AND coalesce(o.age_min, 0) = {start}))"
        )
    return f"({STATED} AND coalesce(o.age_min, 0) < {end} AND {meets})"


def squared(near: Near) -> str:
    """The square of the distance of a listing, in metres."""
    across = f"(CAST(o.easting AS BIGINT) - {near.easting:d})"
    along = f"(CAST(o.northing AS BIGINT) - {near.northing:d})"
    return f"({across} * {across} + {along} * {along})"


def _within(found: Conditions, near: Near) -> None:
    east, north, metres = near.easting, near.northing, near.metres
    found.add(
        f"o.easting BETWEEN {found.value(east - metres)} AND {found.value(east + metres)}"
        f" AND o.northing BETWEEN {found.value(north - metres)} AND {found.value(north + metres)}"
        f" AND {squared(near)} <= {found.value(metres * metres)}"
    )


def _inside(found: Conditions, box: Box) -> None:
    west, south, east, north = box.bounds
    found.add(
        f"o.easting BETWEEN {found.value(west)} AND {found.value(east)}"
        f" AND o.northing BETWEEN {found.value(south)} AND {found.value(north)}"
    )
    for across, along, least in box.sides():
        found.add(
            f"CAST(o.easting AS BIGINT) * {across:d} + CAST(o.northing AS BIGINT) * {along:d}"
            f" >= {least:d}"
        )


# --- sessions ---------------------------------------------------------------------------------


def _takes_place(found: Conditions, when: When) -> str:
    held = " AND ".join(of_session(found, when))
    return f"EXISTS (SELECT 1 FROM opportunity_session s WHERE {held})"  # noqa: S608


def of_session(found: Conditions, when: When) -> list[str]:
    """What holds for one session `s` of a listing, all together."""
    held = ["s.opportunity_pk = o.pk", "s.deleted_at IS NULL", "s.status <> 'cancelled'"]
    if when.starts_from:
        start = found.value(day_starts(when.starts_from))
        # One that ends at midnight belongs to the day before, unless it has no length at all.
        held.append(f"(s.ends_at > {start} OR s.starts_at >= {start})")
    if when.starts_to:
        held.append(f"s.starts_at < {found.value(day_ends(when.starts_to))}")
    if when.weekdays:
        held.append(f"s.weekday IN {found.values(day.number for day in when.weekdays)}")
    if when.times:
        held.append(f"({' OR '.join(_at_time(found, *time.minutes) for time in when.times)})")
    held += [_on_school_days(found, days) for days in when.school]
    if when.has_places is not None:
        places = "(s.status <> 'full' AND coalesce(s.places_left, 1) > 0)"
        held.append(places if when.has_places else f"NOT {places}")
    return held


def _at_time(found: Conditions, first: int, end: int) -> str:
    return f"(s.local_minute >= {found.value(first)} AND s.local_minute < {found.value(end)})"


def _on_school_days(found: Conditions, days: OnSchoolDays) -> str:
    """The session is on one of these days, where the listing is."""
    own = [
        f"(coalesce(o.authority_pk, 0) = {found.value(pk)} AND {_on(found, ranges)})"
        for pk, ranges in days.own
    ]
    elsewhere = _on(found, days.region)
    if own:
        others = found.values(pk for pk, _ in days.own)
        elsewhere = f"(coalesce(o.authority_pk, 0) NOT IN {others} AND {elsewhere})"
    met = " OR ".join([*own, elsewhere])
    return f"NOT ({met})" if days.outside else f"({met})"


def _on(found: Conditions, ranges: Iterable[tuple[date, date]]) -> str:
    told = [
        f"s.local_date BETWEEN {found.value(first)} AND {found.value(last)}"
        for first, last in ranges
    ]
    return f"({' OR '.join(told)})" if told else "1 = 0"


# --- words ------------------------------------------------------------------------------------


def words_alone(
    found: Conditions, wanted: Wanted, groups: Sequence[Sequence[str]], part: Part
) -> str | None:
    """What holds in the index of words itself; None if nothing was asked that could be met."""
    if wanted.words is None or not wanted.words.terms:
        return None
    if found.is_sqlite:
        query = found.value(word_queries.fts5(wanted.words, groups, part))
        return f"opportunity_words MATCH {query}"
    query = found.value(word_queries.tsquery(wanted.words, groups, part))
    return f"w.words @@ CAST({query} AS tsquery)"


def _words(found: Conditions, wanted: Wanted, way: Way, part: Part) -> None:
    clause = words_alone(found, wanted, list(tags.of_wanted(wanted)), part)
    if clause is None:
        found.add("1 = 0")
    elif way is Way.WORDS:
        found.add(f"w.{clause}" if found.is_sqlite else clause)
    elif found.is_sqlite:
        found.add(f"o.pk IN (SELECT rowid FROM opportunity_words WHERE {clause})")  # noqa: S608
    else:
        found.add(
            "EXISTS (SELECT 1 FROM opportunity_words w WHERE w.opportunity_pk = o.pk"  # noqa: S608
            f" AND {clause})"
        )
