"""Whether what is stored of listings for reading is what their sources make of it, and mending it.

Documents, words, terms, areas, squares and sort keys are copies: each can be made again. A change
that went round the software, or a fault in it, is found by making them all again.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session, col

from app.authorities import queries as authorities
from app.authorities.models import Authority
from app.kit.database import Database
from app.kit.doctor import Finding
from app.kit.strict_json import dumps
from app.opportunities import documents, grid, indexing, places, titles
from app.opportunities.models import Opportunity, OpportunityArea
from app.opportunities.rendering import Shown
from app.organisations.models import Venue

CHUNK = 500
PLACE = ("authority_pk", "easting", "northing", "cell")
"""What a listing has of the place where it is."""
SECONDS = 60.0


@dataclass
class Differences:
    """How many listings differ in what."""

    documents: int = 0
    index: int = 0
    places: int = 0


def examine(database: Database) -> Iterator[Finding]:
    """Look at every listing, mend what differs, and tell."""
    found = Differences()
    last = 0
    looked_at = 0
    while True:
        with database.reading(SECONDS) as session:
            pks = _next(session, last)
            differing = _differing(session, pks, found) if pks else set()
        if not pks:
            break
        looked_at += len(pks)
        last = pks[-1]
        if differing:
            with database.writing(SECONDS) as session:
                _mend(session, sorted(differing))
    told = {
        "documents that differed from what they show": found.documents,
        "entries of the search index that differed from their listing": found.index,
        "places, areas or sort keys that differed from their listing": found.places,
    }
    for what, number in told.items():
        if number:
            yield Finding("warning", f"{number:,} {what} were mended.")
    if not any(told.values()):
        yield Finding("ok", f"What is stored for reading of {looked_at:,} listings is right.")


def _next(session: Session, last: int) -> list[int]:
    statement = select(col(Opportunity.pk)).where(col(Opportunity.pk) > last)
    return list(session.execute(statement.order_by(col(Opportunity.pk)).limit(CHUNK)).scalars())


def _differing(session: Session, pks: list[int], found: Differences) -> set[int]:
    shown = Shown.read(session, pks)
    indexed = {}
    differing: set[int] = set()
    known = _known(session)
    for row in shown.listings:
        rendered = shown.render(row)
        indexed[row.pk] = shown.index(row, rendered)
        if dumps(rendered).decode() != row.document:
            found.documents += 1
            differing.add(row.pk)
        place = _place(row, shown.venues.get(row.venue_pk), known)
        if _misplaced(row, place, shown.areas.get(row.pk, ()), known):
            found.places += 1
            differing.add(row.pk)
    stale = indexing.stale(session, indexed)
    found.index += len(stale)
    return differing | stale


Columns = Mapping[str, Any]


def _known(session: Session) -> Mapping[str, Authority]:
    return authorities.by_code(session)


def _place(row: Any, venue: Any, known: Mapping[str, Authority]) -> Columns:
    """Where a listing is: at a venue that is kept, or where it was said to be itself."""
    if venue is None:
        own = {name: getattr(row, name) for name in PLACE if name != "cell"}
        return {**own, "cell": grid.cell(row.easting, row.northing)}
    centre = next((one for one in known.values() if one.pk == venue.authority_pk), None)
    return places.whereabouts(venue, centre)


def _reached(row: Any, place: Columns, known: Mapping[str, Authority]) -> frozenset[int]:
    parts = places.districts(known.values())
    return places.reached(place["authority_pk"], row.content["outreach_areas"], known, parts)


def _misplaced(
    row: Any, place: Columns, areas: Collection[int], known: Mapping[str, Authority]
) -> bool:
    return bool(
        any(getattr(row, name) != value for name, value in place.items())
        or row.title_sort != titles.sortable(row.title)
        or frozenset(areas) != _reached(row, place, known)
    )


def _venues_of(pks: list[int]) -> Any:
    table = Venue.__table__  # type: ignore[attr-defined]
    shown = select(col(Opportunity.venue_pk)).where(col(Opportunity.pk).in_(pks))
    return select(*table.c).where(table.c.pk.in_(shown))


def _mend(session: Session, pks: list[int]) -> None:
    table = Opportunity.__table__  # type: ignore[attr-defined]
    known = _known(session)
    columns = (
        table.c.pk,
        table.c.easting,
        table.c.northing,
        table.c.title,
        table.c.authority_pk,
        table.c.venue_pk,
        table.c.content,
    )
    rows = session.execute(select(*columns).where(table.c.pk.in_(pks)).with_for_update()).all()
    venues = {row.pk: row for row in session.execute(_venues_of(pks))}
    found = {row.pk: _place(row, venues.get(row.venue_pk), known) for row in rows}
    session.connection().execute(
        update(table)
        .where(table.c.pk == bindparam("row_pk"))
        .values(
            title_sort=bindparam("new_title"), **{name: bindparam(f"new_{name}") for name in PLACE}
        ),
        [
            {
                "row_pk": row.pk,
                "new_title": titles.sortable(row.title),
                **{f"new_{name}": found[row.pk][name] for name in PLACE},
            }
            for row in rows
        ],
    )
    session.execute(delete(OpportunityArea).where(col(OpportunityArea.opportunity_pk).in_(pks)))
    areas = [
        {"opportunity_pk": row.pk, "authority_pk": authority_pk}
        for row in rows
        for authority_pk in sorted(_reached(row, found[row.pk], known))
    ]
    if areas:
        session.connection().execute(insert(OpportunityArea.__table__), areas)  # type: ignore[attr-defined]
    # With a new number, so that whoever keeps a copy or counts in memory looks at them again.
    documents.mark_anew(session, pks)
