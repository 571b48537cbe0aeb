"""Finding services for Open Referral UK: the filters of its standard by our own search.

Pages of this standard have numbers. What matches is a bitmap in memory, which gives the listings
from any place in it without looking at those before, and their number without counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from pyroaring import BitMap
from sqlalchemy import select
from sqlalchemy import text as sql_text
from sqlmodel import Session, col

from app.access.models import ANONYMOUS
from app.authorities import queries as authorities
from app.authorities.postcodes import normalise_postcode
from app.feeds.oruk_models import OrukPlaceParameters, OrukServiceParameters
from app.feeds.oruk_terms import KIND, NAMES, Terms, taxonomy_id
from app.kit.problems import invalid
from app.kit.times import now
from app.opportunities import counting, listing, search
from app.opportunities.census import Census, uncounted
from app.opportunities.conditions import ANYBODY
from app.opportunities.grid import Near
from app.opportunities.models import (
    OLDEST,
    Kind,
    Opportunity,
    OpportunitySession,
    OpportunityTerm,
    SessionStatus,
    Status,
)
from app.opportunities.recurrence import WEEKDAYS
from app.opportunities.wanted import Wanted
from app.organisations import queries as organisations
from app.organisations.models import Organisation

METRES = 5_000
"""Around a postcode, if nothing is said."""
NOTHING: BitMap = BitMap()


@dataclass(frozen=True)
class Looking:
    """Where it is looked."""

    session: Session
    census: Census
    is_sqlite: bool


def services(
    looking: Looking, wanted: Wanted, asked: OrukServiceParameters, terms: Terms
) -> BitMap:
    """The published listings that match. `wanted` has the words that are asked for."""
    session = looking.session
    if asked.organization_id is not None:
        statement = organisations.visible_to(ANONYMOUS).where(
            col(Organisation.id) == asked.organization_id
        )
        found = session.execute(statement).scalar_one_or_none()
        if found is None:
            return NOTHING
        wanted = replace(wanted, organisation_pks=[found.pk or 0])
    if asked.modified_after is not None:
        after = asked.modified_after.astimezone(UTC) + timedelta(microseconds=1)
        wanted = replace(wanted, updated_since=after)
    if isinstance(asked, OrukPlaceParameters):
        wanted = replace(wanted, near=_near(session, asked))
    parts: list[BitMap] = []
    for identifier in asked.taxonomy_term_id:
        if identifier not in terms.codes:
            return NOTHING
        vocabulary, code = terms.codes[identifier]
        if vocabulary == KIND:
            if wanted.kinds not in ([], [Kind(code)], ()):
                return NOTHING
            wanted = replace(wanted, kinds=[Kind(code)])
        else:
            parts.append(_with_term(session, vocabulary, code))
    parts += [_with_taxonomy(session, one) for one in asked.taxonomy_id]
    if asked.day or asked.start_time or asked.end_time:
        parts.append(_at_times(session, asked))
    return _passing(looking, wanted, asked, parts)


def _passing(
    looking: Looking, wanted: Wanted, asked: OrukServiceParameters, parts: list[BitMap]
) -> BitMap:
    left = uncounted(wanted)
    if counting.asks(left):
        statement = search.keys_of(
            left, ANYBODY, is_sqlite=looking.is_sqlite, way=listing.way(left)
        )
        rows = looking.session.connection().execute(sql_text(statement.sql), statement.parameters)
        parts.append(BitMap([row[0] for row in rows]))
    with looking.census.in_step(looking.session) as held:
        if asked.minimum_age is not None or asked.maximum_age is not None:
            low, high = asked.minimum_age or 0, asked.maximum_age
            parts.append(held.aged(low, OLDEST if high is None else high))
        return BitMap.intersection(held.passing(wanted), *parts)


def _near(session: Session, asked: OrukPlaceParameters) -> Near | None:
    if asked.postcode is None:
        if asked.proximity is not None:
            raise invalid("?proximity", "`proximity` needs a `postcode`.")
        return None
    try:
        postcode = normalise_postcode(asked.postcode)
    except ValueError:
        raise invalid("?postcode", "Give a postcode, such as B1 1BB.") from None
    place = authorities.locate(session, [postcode]).get(postcode)
    if place is None:
        raise invalid("?postcode", f"{asked.postcode} is not known here.", "unknown")
    return Near(place.easting, place.northing, asked.proximity or METRES)


def _with_term(session: Session, vocabulary: str, code: str) -> BitMap:
    statement = select(col(OpportunityTerm.opportunity_pk)).where(
        col(OpportunityTerm.vocabulary) == vocabulary, col(OpportunityTerm.code) == code
    )
    return BitMap(session.execute(statement).scalars())


def _with_taxonomy(session: Session, identifier: UUID) -> BitMap:
    """The listings that have a term of a taxonomy."""
    name = next((name for name in NAMES if taxonomy_id(name) == identifier), None)
    if name is None:
        return NOTHING
    if name == KIND:
        statement = select(col(Opportunity.pk)).where(
            col(Opportunity.status) == Status.PUBLISHED, col(Opportunity.kind).is_not(None)
        )
        return BitMap(session.execute(statement).scalars())
    carried = select(col(OpportunityTerm.opportunity_pk)).where(
        col(OpportunityTerm.vocabulary) == name
    )
    return BitMap(session.execute(carried).scalars())


def _at_times(session: Session, asked: OrukServiceParameters) -> BitMap:
    """The listings with a session to come that is on one of the days and between the times."""
    table: Any = OpportunitySession.__table__  # type: ignore[attr-defined]
    statement = select(
        table.c.opportunity_pk, table.c.local_minute, table.c.starts_at, table.c.ends_at
    ).where(
        table.c.deleted_at.is_(None),
        table.c.ends_at > now(),
        table.c.status != SessionStatus.CANCELLED,
    )
    if asked.day:
        days = [WEEKDAYS.index(day) for day in asked.day]
        statement = statement.where(table.c.weekday.in_(days))
    if asked.start_time:
        statement = statement.where(table.c.local_minute >= _minute(asked.start_time))
    if not asked.end_time:
        return BitMap(row[0] for row in session.execute(statement))
    last = _minute(asked.end_time)
    statement = statement.where(table.c.local_minute <= last, table.c.has_end.is_(True))
    return BitMap(
        pk
        for pk, minute, starts, ends in session.execute(statement)
        if minute + (ends - starts).total_seconds() / 60 <= last
    )


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")[:2]
    return int(hours) * 60 + int(minutes)


DOCUMENTS = select(
    col(Opportunity.pk), col(Opportunity.document), col(Opportunity.change_number)
).where(col(Opportunity.status) == Status.PUBLISHED)


def documents(session: Session, pks: Sequence[int]) -> Sequence[Any]:
    """The documents of these listings as they stand, in the order of their keys."""
    statement = DOCUMENTS.where(col(Opportunity.pk).in_(pks)).order_by(col(Opportunity.pk))
    return session.execute(statement).all()


def document(session: Session, identifier: UUID) -> Any:
    """The document of a listing that is published."""
    return session.execute(DOCUMENTS.where(col(Opportunity.id) == identifier)).one_or_none()
