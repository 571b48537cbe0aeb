"""The stored document of a listing: its public JSON, rendered when something in it changes.

Reads serve it as it stands, without a query for each thing that it shows. It leaves out what
moves on its own: the change number is spliced in, and addresses start with `@`, which stands for
the public address of the service. A document that differs from the stored one is what makes a
new change number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlmodel import Session, col

from app.authorities import queries as authorities
from app.authorities.models import Authority, Cover
from app.authorities.postcodes import normalise_postcode
from app.kit import national_grid
from app.kit.database import Database, Row, number, touched
from app.kit.strict_json import dumps
from app.kit.times import LONDON, now, today
from app.opportunities import places
from app.opportunities.models import (
    Opportunity,
    OpportunityArea,
    OpportunitySession,
    Status,
)
from app.organisations.models import Organisation, Venue, Visibility
from app.partnerships.models import Partnership
from app.programmes.models import Programme

AT_ONCE = 1_000
"""Up to this many listings follow a change elsewhere in its own transaction; more by a job."""
CHUNK = 500
SHOWN_SESSIONS = 50
"""Sessions in a document: the next ones, or the last when all are over."""

KEY_STAGES = (
    ("eyfs", 0, 5),
    ("ks1", 5, 7),
    ("ks2", 7, 11),
    ("ks3", 11, 14),
    ("ks4", 14, 16),
    ("ks5", 16, 19),
)
"""National curriculum stages and the ages they span, the upper one exclusive."""


# --- serving ----------------------------------------------------------------------------------


def served(document: str, change_number: int | None, public_url: str, **more: Any) -> str:
    """A stored document as it is sent: change number and addresses filled in, members added."""
    text = document.replace('"href":"@/', f'"href":"{public_url}/')
    added = {"change_number": change_number, **more}
    return text[:-1] + "," + dumps(added).decode()[1:]


# --- keeping up -------------------------------------------------------------------------------


def mark(session: Session, pks: Iterable[int]) -> None:
    """Note listings that changed; their documents follow before the commit."""
    session.info.setdefault("listings", set()).update(pks)


def refresh_touched(session: Session) -> None:
    """The before-commit listener: re-render what changed, and what shows something that did."""
    pks: set[int] = session.info.pop("listings", set())
    for row in touched(session):
        if isinstance(row, Venue):
            places.follow(session, row)
    showing = _showing(touched(session))
    if showing:
        where = or_(*showing)
        found = session.execute(select(col(Opportunity.pk)).where(where).limit(AT_ONCE + 1))
        affected = set(found.scalars())
        if len(affected) > AT_ONCE:
            session.execute(
                update(Opportunity)
                .where(where)
                .values(stale=True)
                .execution_options(synchronize_session=False)
            )
        else:
            pks |= affected
    refresh(session, sorted(pks))


def rename_source(session: Session, source_pk: int, name: str) -> None:
    """Give the listings of a source its new name; their documents follow by the job."""
    session.execute(
        update(Opportunity)
        .where(col(Opportunity.source_pk) == source_pk)
        .values(source_name=name, stale=True)
        .execution_options(synchronize_session=False)
    )


def refresh_stale(database: Database) -> int:
    """The job that renders what a wide change left stale, chunk by chunk; the number rendered."""
    total = 0
    while True:
        with database.writing(seconds=60) as session:
            statement = (
                select(col(Opportunity.pk))
                .where(col(Opportunity.stale).is_(True))
                .order_by(col(Opportunity.pk))
                .limit(CHUNK)
                .with_for_update(key_share=True, skip_locked=True)
            )
            pks = list(session.execute(statement).scalars())
            if not pks:
                return total
            refresh(session, pks)
            total += len(pks)


def refresh(session: Session, pks: Sequence[int]) -> None:
    """Render these listings afresh; those whose document differs get a new change number."""
    session.flush()
    for start in range(0, len(pks), CHUNK):
        _refresh_chunk(session, pks[start : start + CHUNK])


def _refresh_chunk(session: Session, pks: Sequence[int]) -> None:
    table = Opportunity.__table__  # type: ignore[attr-defined]
    # Locked before they are read: else a push that commits in between would be shown no more.
    locked = select(table.c.pk).where(table.c.pk.in_(pks)).order_by(table.c.pk)
    session.execute(locked.with_for_update(key_share=True))
    shown = Shown.read(session, pks)
    changed = []
    numbered = []
    for row in shown.listings:
        document = dumps(shown.render(row)).decode()
        if document != row.document or row.stale:
            changed.append({"row_pk": row.pk, "new_document": document})
        if document != row.document and (
            row.status is Status.PUBLISHED or row.change_number is not None
        ):
            numbered.append(row.pk)
    if changed:
        # The version stays: an edit of this listing by somebody else is no conflict with it.
        session.connection().execute(
            update(table)
            .where(table.c.pk == bindparam("row_pk"))
            .values(document=bindparam("new_document"), stale=False),
            changed,
        )
    number(session, table, numbered)


def _showing(rows: Sequence[Row]) -> list[Any]:
    """Conditions that find the listings which show one of the rows."""
    found: dict[type[Row], list[int]] = {}
    for row in rows:
        if row.pk is not None:
            found.setdefault(type(row), []).append(row.pk)
    conditions: list[Any] = []
    if Organisation in found:
        conditions.append(col(Opportunity.provider_pk).in_(found[Organisation]))
    if Venue in found:
        conditions.append(col(Opportunity.venue_pk).in_(found[Venue]))
    if Programme in found:
        conditions.append(col(Opportunity.programme_pk).in_(found[Programme]))
    if Authority in found:
        conditions.append(reaching(found[Authority]))
    if Partnership in found:
        ids = select(col(Partnership.id)).where(col(Partnership.pk).in_(found[Partnership]))
        covered = select(col(Cover.authority_pk)).where(col(Cover.partnership_id).in_(ids))
        conditions.append(reaching(covered))
    return conditions


def reaching(authority_pks: Any) -> Any:
    """Listings that reach one of these authorities, or a district of one."""
    districts = select(col(Authority.pk)).where(
        or_(col(Authority.pk).in_(authority_pks), col(Authority.parent_pk).in_(authority_pks))
    )
    return col(Opportunity.pk).in_(
        select(col(OpportunityArea.opportunity_pk)).where(
            col(OpportunityArea.authority_pk).in_(districts)
        )
    )


# --- rendering --------------------------------------------------------------------------------


@dataclass
class Shown:
    """Some listings with everything that their documents show, read in a few queries."""

    listings: Sequence[Any]
    sessions: Mapping[int, Sequence[Any]]
    areas: Mapping[int, Sequence[int]]
    organisations: Mapping[int, Any]
    venues: Mapping[int, Any]
    programmes: Mapping[int, Any]
    authorities: Mapping[int, Authority]
    covers: Mapping[int, Sequence[Cover]]
    at: datetime

    @classmethod
    def read(cls, session: Session, pks: Sequence[int]) -> "Shown":
        """Read what these listings show."""
        table = Opportunity.__table__  # type: ignore[attr-defined]
        unseen = {"payload", "overrides", "pending", "missing", "search_text"}
        columns = [c for c in table.c if c.name not in unseen]
        statement = select(*columns).where(table.c.pk.in_(pks)).order_by(table.c.pk)
        listings = session.execute(statement).all()
        sessions: dict[int, list[Any]] = {}
        occasion = OpportunitySession.__table__  # type: ignore[attr-defined]
        for one in session.execute(
            select(*occasion.c)
            .where(occasion.c.opportunity_pk.in_(pks), occasion.c.deleted_at.is_(None))
            .order_by(occasion.c.opportunity_pk, occasion.c.starts_at, occasion.c.pk)
        ):
            sessions.setdefault(one.opportunity_pk, []).append(one)
        areas: dict[int, list[int]] = {}
        for opportunity_pk, authority_pk in session.execute(
            select(OpportunityArea.opportunity_pk, OpportunityArea.authority_pk).where(  # type: ignore[call-overload]
                col(OpportunityArea.opportunity_pk).in_(pks)
            )
        ):
            areas.setdefault(opportunity_pk, []).append(authority_pk)
        return cls(
            listings=listings,
            sessions=sessions,
            areas=areas,
            organisations=_shown(session, Organisation, {row.provider_pk for row in listings}),
            venues=_by_pk(session, Venue, {row.venue_pk for row in listings}),
            programmes=_shown(session, Programme, {row.programme_pk for row in listings}),
            authorities={a.pk: a for a in authorities.by_code(session).values() if a.pk},
            covers=authorities.covering(session, today()),
            at=now(),
        )

    def render(self, row: Any) -> dict[str, Any]:
        """The document of one listing, as a dictionary."""
        content: Mapping[str, Any] = row.content
        provider = self.organisations.get(row.provider_pk)
        programme = self.programmes.get(row.programme_pk)
        sessions = self.sessions.get(row.pk, ())
        return {
            "id": row.id,
            "href": f"@/v1/opportunities/{row.id}",
            "title": row.title,
            "summary": content["summary"],
            "description": content["description"],
            "kind": row.kind,
            "artforms": content["artforms"],
            "themes": content["themes"],
            "provider": _reference("organisations", provider, getattr(provider, "name", "")),
            "partnerships": self._partnerships(row),
            "authority": self._authority(row.authority_pk),
            "programme": _reference("programmes", programme, getattr(programme, "title", "")),
            "audiences": content["audiences"],
            "age_min": row.age_min,
            "age_max": row.age_max,
            "key_stages": key_stages(row.age_min, row.age_max),
            "delivery": row.delivery,
            "outreach_areas": self._outreach(content["outreach_areas"]),
            "region_wide": row.region_wide,
            "venue": self._venue(row, content["venue"]),
            "sessions": [session_members(one) for one in _next(sessions, self.at)],
            "recurrence": content["recurrence"],
            "first_session_at": row.first_session_at,
            "next_session_at": row.next_session_at,
            "last_session_at": row.last_session_at,
            "always_available": row.always_available,
            "price": content["price"],
            "access": content["access"],
            "access_text": content["access_text"],
            "booking": content["booking"],
            "image": content["image"],
            "contact": content["contact"],
            "licence": content["licence"],
            "status": row.status,
            "source": {
                "key": row.source_key,
                "name": row.source_name,
                "external_id": row.external_id,
                "url": content["url"],
            },
            "demo": row.demo,
            "version": row.version,
            "published_at": row.published_at,
            "updated_at": row.updated_at,
        }

    def _authority(self, pk: int | None) -> dict[str, str] | None:
        found = self.authorities.get(pk) if pk is not None else None
        if found is None:
            return None
        return {
            "code": found.code,
            "name": found.name,
            "href": f"@/v1/authorities/{found.code}",
        }

    def _outreach(self, codes: Sequence[str]) -> list[dict[str, str]]:
        by_code = {authority.code: pk for pk, authority in self.authorities.items()}
        found = [self._authority(by_code[code]) for code in codes if code in by_code]
        return [one for one in found if one is not None]

    def _partnerships(self, row: Any) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for authority_pk in self.areas.get(row.pk, ()):
            for cover in self.covers.get(authority_pk, ()):
                found[cover.slug] = {
                    "id": cover.partnership_id,
                    "slug": cover.slug,
                    "name": cover.name,
                    "href": f"@/v1/partnerships/{cover.slug}",
                }
        return [found[slug] for slug in sorted(found)]

    def _venue(self, row: Any, item: Any) -> dict[str, Any] | None:
        authority = self._authority(row.authority_pk)
        known = self.venues.get(row.venue_pk)
        if known is not None:
            hidden = known.hide_exact_address
            centre = self.authorities.get(row.authority_pk)
            place = centre if hidden and centre else known
            return {
                "id": known.id,
                "slug": known.slug,
                "name": known.name if not hidden else None,
                "address": None if hidden else known.address,
                "postcode": None if hidden else known.postcode,
                "lat": place.lat,
                "lng": place.lng,
                "authority": authority,
                "access": known.access,
                "hidden": hidden,
            }
        if not isinstance(item, dict):
            return None
        lat, lng = item["lat"], item["lng"]
        if lat is None and row.easting is not None:
            lat, lng = _degrees(row.easting, row.northing)
        return {
            "id": None,
            "slug": None,
            "name": item["name"],
            "address": item["address"],
            "postcode": _spaced(item["postcode"]),
            "lat": lat,
            "lng": lng,
            "authority": authority,
            "access": item["access"],
            "hidden": False,
        }


def key_stages(age_min: float | None, age_max: float | None) -> list[str]:
    """The stages that a range of ages meets; none when no age is stated."""
    if age_min is None and age_max is None:
        return []
    low, high = age_min or 0, age_max if age_max is not None else float("inf")
    return [
        name
        for name, start, end in KEY_STAGES
        if low < end and (high > start or low == high == start)
    ]


def _by_pk(session: Session, model: type[Row], pks: set[Any]) -> dict[int, Any]:
    wanted = [pk for pk in pks if pk is not None]
    if not wanted:
        return {}
    table = model.__table__  # type: ignore[attr-defined]
    found = session.execute(select(*table.c).where(table.c.pk.in_(wanted)))
    return {row.pk: row for row in found}


def _shown(session: Session, model: type[Row], pks: set[Any]) -> dict[int, Any]:
    """Those that anybody may see: a listing gives away nothing private or deleted."""
    return {
        pk: row
        for pk, row in _by_pk(session, model, pks).items()
        if row.deleted_at is None and row.visibility is Visibility.PUBLIC
    }


def _reference(path: str, row: Any, name: str) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"id": row.id, "slug": row.slug, "name": name, "href": f"@/v1/{path}/{row.slug}"}


def _next(sessions: Sequence[Any], at: datetime) -> Sequence[Any]:
    coming = [one for one in sessions if one.ends_at > at]
    return coming[:SHOWN_SESSIONS] if coming else sessions[-SHOWN_SESSIONS:]


def session_members(one: Any) -> dict[str, Any]:
    """One session as it is read; times carry London's offset."""
    starts_at = one.starts_at.astimezone(LONDON).isoformat() if one.has_time else None
    ends_at = one.ends_at.astimezone(LONDON).isoformat() if one.has_end else None
    return {
        "id": one.id,
        "external_id": one.external_id,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "date": one.local_date,
        "status": one.status,
        "capacity": one.capacity,
        "places_left": one.places_left,
    }


def _degrees(easting: int, northing: int) -> tuple[float, float]:
    lat, lng = national_grid.to_wgs84(easting, northing)
    return round(lat, 6), round(lng, 6)


def _spaced(postcode: str | None) -> str | None:
    if postcode is None:
        return None
    plain = normalise_postcode(postcode)
    return f"{plain[:-3]} {plain[-3:]}"
