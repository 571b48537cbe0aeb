"""Reading authorities, what covers them, and postcodes. They are public: everybody sees all."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, false, func, or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import Caller
from app.authorities.models import (
    GSS_PATTERN,
    Authority,
    AuthorityKind,
    Boundary,
    Cover,
    Indicator,
    Postcode,
    plain_words,
)
from app.authorities.postcodes import normalise_postcode
from app.kit.problems import INVALID, FieldError, Problem

LOCATED_AT_ONCE = 1_000
"""Postcodes in one query: well under what either engine takes as parameters."""
FIRST_REACH = 500
"""How far the search for the nearest postcode goes at first, in metres; then ever twice that."""
LAST_REACH = 8_000
"""How far it goes at most. The emptiest hills of the region are nearer than that to a postcode."""
_GSS = re.compile(GSS_PATTERN)


class Name(NamedTuple):
    """An authority by name, and its county."""

    pk: int
    code: str
    name: str
    parent_pk: int | None


class Place(NamedTuple):
    """Where a postcode is: grid metres, WGS 84 degrees, and its authority."""

    postcode: str
    authority_pk: int
    easting: int
    northing: int
    lat: float
    lng: float


class Found(NamedTuple):
    """A postcode with its authority and, for a district, the county."""

    place: Place
    authority: Name
    parent: Name | None


# --- authorities -----------------------------------------------------------------------------


def visible_to(caller: Caller) -> SelectOfScalar[Authority]:  # noqa: ARG001 - everybody sees all
    """The authorities that a caller may see."""
    return select(Authority)


def authority(session: Session, caller: Caller, code: str) -> Authority | None:
    """The authority of this GSS code."""
    if not is_gss_code(code):
        return None
    return session.execute(
        visible_to(caller).where(col(Authority.code) == code)
    ).scalar_one_or_none()


def is_gss_code(text: str) -> bool:
    """Whether a text is shaped like a GSS code."""
    return _GSS.fullmatch(text) is not None


def listed(
    caller: Caller,
    *,
    kinds: Collection[AuthorityKind],
    parents: Collection[str],
    pks: Collection[int] | None,
    q: str | None,
) -> SelectOfScalar[Authority]:
    """Authorities narrowed by what is given; `pks` limits them to these rows."""
    statement = visible_to(caller)
    if kinds:
        statement = statement.where(col(Authority.kind).in_(kinds))
    if parents:
        county = select(col(Authority.pk)).where(col(Authority.code).in_(parents))
        statement = statement.where(col(Authority.parent_pk).in_(county))
    if pks is not None:
        statement = statement.where(col(Authority.pk).in_(pks))
    if q is not None:
        words = plain_words(q)
        matches = col(Authority.words).contains(words, autoescape=True) if words else false()
        statement = statement.where(matches)
    return statement


def by_code(session: Session) -> dict[str, Authority]:
    """Every authority by its GSS code."""
    return {row.code: row for row in session.exec(select(Authority))}


def names(session: Session) -> dict[int, Name]:
    """Every authority's name and county, by primary key, in the order of names."""
    statement = select(Authority.pk, Authority.code, Authority.name, Authority.parent_pk)
    ordered = statement.order_by(col(Authority.name), col(Authority.code))
    return {row[0]: Name(*row) for row in session.execute(ordered)}


def check_codes(session: Session, codes: Sequence[str], pointer: str) -> None:
    """A 422 that names each GSS code that is not known; `pointer` says where, as `?authority`."""
    if not codes:
        return
    statement = select(Authority.code).where(col(Authority.code).in_(set(codes)))
    known = set(session.exec(statement))
    errors = [
        FieldError(
            pointer=pointer,
            detail=f"There is no authority {code[:20]!r}. Use a GSS code of /v1/authorities.",
            code="unknown_authority",
        )
        for code in dict.fromkeys(codes)
        if code not in known
    ]
    if errors:
        raise Problem(INVALID, f"{pointer}: {errors[0].detail}", errors=errors)


def within(session: Session, codes: Iterable[str]) -> set[int]:
    """The authorities of these GSS codes and the districts of those that are counties."""
    named = select(col(Authority.pk)).where(col(Authority.code).in_(set(codes)))
    statement = select(Authority.pk).where(
        or_(col(Authority.pk).in_(named), col(Authority.parent_pk).in_(named))
    )
    return {pk for pk in session.exec(statement) if pk is not None}


def indicators(session: Session, authority_pk: int) -> list[Indicator]:
    """The figures about one authority."""
    statement = select(Indicator).where(Indicator.authority_pk == authority_pk)
    ordered = statement.order_by(
        col(Indicator.name), col(Indicator.period), col(Indicator.age_band), col(Indicator.pk)
    )
    return list(session.exec(ordered))


def boundary(session: Session, authority_pk: int) -> dict[str, Any] | None:
    """The outline of an authority as a GeoJSON geometry, if one is known."""
    row = session.get(Boundary, authority_pk)
    return row.geometry if row else None


def outlined(
    session: Session, authorities: SelectOfScalar[Authority]
) -> list[tuple[Authority, dict[str, Any]]]:
    """Those of some authorities whose outline is known, each with it, in the order of names."""
    rows = session.execute(
        authorities.join(Boundary, col(Boundary.authority_pk) == col(Authority.pk))
        .add_columns(col(Boundary.geometry))
        .order_by(col(Authority.name), col(Authority.code))
    )
    return [(row[0], row[1]) for row in rows]


# --- what covers them ------------------------------------------------------------------------


def covers(session: Session, on: date, authority_pks: Collection[int] | None = None) -> list[Cover]:
    """The covers in force on a day, those for certain first; of some authorities or of all."""
    statement = select(Cover).where(
        or_(col(Cover.from_date).is_(None), col(Cover.from_date) <= on),
        or_(col(Cover.until_date).is_(None), col(Cover.until_date) > on),
    )
    if authority_pks is not None:
        statement = statement.where(col(Cover.authority_pk).in_(authority_pks))
    ordered = statement.order_by(col(Cover.confirmed).desc(), col(Cover.slug), col(Cover.pk))
    return list(session.exec(ordered))


def covering(session: Session, on: date) -> dict[int, list[Cover]]:
    """The covers in force on a day by authority; a district also has those of its county."""
    parents = {name.pk: name.parent_pk for name in names(session).values()}
    return handed_down(covers(session, on), parents)


def handed_down(
    found: Iterable[Cover], parents: Mapping[int, int | None]
) -> dict[int, list[Cover]]:
    """Covers by authority, each district with its county's; each partnership counts once.

    One that is certain goes before one that is not, then an area's own before its county's.
    """
    own: dict[int, list[Cover]] = {}
    for cover in found:
        own.setdefault(cover.authority_pk, []).append(cover)
    result: dict[int, list[Cover]] = {}
    for pk, parent_pk in parents.items():
        both = [*own.get(pk, ()), *own.get(parent_pk or 0, ())]
        if both:
            both.sort(key=lambda cover: not cover.confirmed)
            first = {cover.partnership_id: cover for cover in reversed(both)}
            result[pk] = [cover for cover in both if first[cover.partnership_id] is cover]
    return result


# --- postcodes -------------------------------------------------------------------------------


def _one_postcode() -> Select[Any]:
    tables = SQLModel.metadata.tables
    place, district = tables["postcode"], tables["authority"]
    county = district.alias("county")
    return (
        sql_select(
            *(place.c[name] for name in Place._fields),
            *(district.c[name] for name in Name._fields),
            *(county.c[name] for name in Name._fields),
        )
        .join(district, district.c.pk == place.c.authority_pk)
        .outerjoin(county, county.c.pk == district.c.parent_pk)
        .where(place.c.postcode == bindparam("postcode"))
    )


_ONE_POSTCODE = _one_postcode()
"""Made once: putting it together takes some forty times as long as running it."""


def postcode(session: Session, text: str) -> Found | None:
    """The postcode that a text is, in one read by its key; ValueError if it is malformed."""
    row = session.execute(_ONE_POSTCODE, {"postcode": normalise_postcode(text)}).first()
    if row is None:
        return None
    return Found(Place(*row[:6]), Name(*row[6:10]), Name(*row[10:]) if row[10] else None)


def locate(session: Session, postcodes: Iterable[str]) -> dict[str, Place]:
    """Where normalised postcodes are, a thousand to a query; unknown ones are left out."""
    table = SQLModel.metadata.tables["postcode"]
    found: dict[str, Place] = {}
    wanted = iter(set(postcodes))
    while chunk := list(islice(wanted, LOCATED_AT_ONCE)):
        statement = sql_select(*(table.c[name] for name in Place._fields)).where(
            table.c.postcode.in_(chunk)
        )
        found |= {row[0]: Place(*row) for row in session.execute(statement)}
    return found


def knows_outward(session: Session, normalised: str) -> bool:
    """Whether any postcode is known that shares this one's outward code (`B1` of `B1 1BB`)."""
    outward = normalised[:-3]
    # A range of the key instead of LIKE, which finds no use for it on either engine. B10 0AA lies
    # between the ends of B1 as well: its length tells it apart.
    statement = (
        select(Postcode.postcode)
        .where(
            col(Postcode.postcode).between(f"{outward}0", f"{outward}9ZZ"),
            func.length(col(Postcode.postcode)) == len(normalised),
        )
        .limit(1)
    )
    return session.exec(statement).first() is not None


def nearest_authority(session: Session, easting: int, northing: int) -> Authority | None:
    """The authority of the postcode nearest to grid metres; None if none is within 8 km."""
    reach = FIRST_REACH
    across = col(Postcode.easting) - easting
    along = col(Postcode.northing) - northing
    squared = across * across + along * along
    while reach <= LAST_REACH:
        statement = (
            select(Postcode.authority_pk, squared)
            .where(
                col(Postcode.easting).between(easting - reach, easting + reach),
                col(Postcode.northing).between(northing - reach, northing + reach),
            )
            .order_by(squared, col(Postcode.authority_pk))
            .limit(1)
        )
        nearest = session.execute(statement).first()
        # In a corner of the box, it may be farther than one just outside of its sides.
        if nearest is not None and nearest[1] <= reach * reach:
            return session.get(Authority, nearest[0])
        reach *= 2
    return None
