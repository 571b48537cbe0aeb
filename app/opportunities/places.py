"""Where a listing is: grid metres and authority from its venue, and the authorities it reaches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlmodel import Session, col

from app.authorities import queries as authorities
from app.authorities.models import Authority
from app.opportunities import grid
from app.opportunities.models import Opportunity, OpportunityArea
from app.opportunities.remarks import title_key
from app.organisations.models import Venue


def whereabouts(venue: Venue, centre: Authority | None) -> dict[str, Any]:
    """The columns of a listing at a venue: a hidden one is where the centre of its district is."""
    shown = centre if venue.hide_exact_address and centre else venue
    return {
        "authority_pk": venue.authority_pk,
        "easting": shown.easting,
        "northing": shown.northing,
        "cell": grid.cell(shown.easting, shown.northing),
    }


def same_hall(name: str, venues: Sequence[Venue]) -> Venue | None:
    """The one venue at a postcode that goes by this name, or by a shorter or longer one."""
    words = _words(name)
    exact = [venue for venue in venues if _words(venue.name) == words]
    near = exact or [venue for venue in venues if _is_part(words, _words(venue.name))]
    return near[0] if len(near) == 1 else None


@lru_cache(4_096)
def _words(name: str) -> frozenset[str]:
    return frozenset(title_key(name).split()) - {"the", "at", "of", "and"}


def _is_part(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other) and (one <= other or other <= one)


def districts(known: Iterable[Authority]) -> Mapping[int, Collection[int]]:
    """The districts of each county."""
    found: dict[int, list[int]] = {}
    for authority in known:
        if authority.parent_pk is not None and authority.pk is not None:
            found.setdefault(authority.parent_pk, []).append(authority.pk)
    return found


def reached(
    authority_pk: int | None,
    outreach: Sequence[str],
    known: Mapping[str, Authority],
    parts: Mapping[int, Collection[int]],
) -> frozenset[int]:
    """The authorities that a listing reaches: its venue's, those it comes to, their districts."""
    found = {known[code].pk for code in outreach if code in known}
    below = {part for pk in found for part in parts.get(pk or 0, ())}
    return frozenset({authority_pk, *found, *below} - {None})  # type: ignore[arg-type]


def follow(session: Session, venue: Venue) -> None:
    """Move the listings at a venue to where it is now, as exactly as it is shown."""
    table = Opportunity.__table__  # type: ignore[attr-defined]
    there = select(table.c.pk, table.c.authority_pk, table.c.content).where(
        table.c.venue_pk == venue.pk
    )
    listings = session.execute(there.order_by(table.c.pk).with_for_update(key_share=True)).all()
    if not listings:
        return
    known = authorities.by_code(session)
    centre = next((one for one in known.values() if one.pk == venue.authority_pk), None)
    place = whereabouts(venue, centre)
    differs = [table.c[name].is_distinct_from(value) for name, value in place.items()]
    session.execute(
        update(table)
        .where(table.c.venue_pk == venue.pk, or_(*differs))
        .values(**place, version=table.c.version + 1)
    )
    moved = [row for row in listings if row.authority_pk != venue.authority_pk]
    if not moved:
        return
    parts = districts(known.values())
    session.execute(
        delete(OpportunityArea)
        .where(
            col(OpportunityArea.opportunity_pk).in_(
                select(table.c.pk).where(table.c.venue_pk == venue.pk)
            )
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        insert(OpportunityArea),
        [
            {"opportunity_pk": row.pk, "authority_pk": authority_pk}
            for row in listings
            for authority_pk in sorted(
                reached(venue.authority_pk, row.content["outreach_areas"], known, parts)
            )
        ],
    )
