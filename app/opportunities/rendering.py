"""What a listing shows: its document, made from its row and from what stands around it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import select
from sqlmodel import Session

from app.authorities import queries as authorities
from app.authorities.models import Authority, Cover
from app.authorities.postcodes import normalise_postcode, spaced
from app.kit import national_grid
from app.kit.database import Row
from app.kit.strict_json import dumps
from app.kit.times import LONDON, now, today
from app.opportunities import indexing, origins
from app.opportunities.ages import key_stages
from app.opportunities.indexing import Indexed
from app.opportunities.models import (
    Opportunity,
    OpportunityArea,
    OpportunitySession,
)
from app.organisations.models import Organisation, Venue, Visibility
from app.programmes.models import Programme
from app.vocabularies.queries import every_label

SHOWN_SESSIONS = 50
"""Sessions in a document: the next ones, or the last when all are over."""


@dataclass
class Shown:
    """Some listings with everything that their documents show, read in a few queries."""

    listings: Sequence[Any]
    sessions: Mapping[Any, Sequence[Any]]
    areas: Mapping[Any, Collection[int]]
    organisations: Mapping[int, Any]
    venues: Mapping[int, Any]
    programmes: Mapping[int, Any]
    authorities: Mapping[int, Authority]
    covers: Mapping[int, Sequence[Cover]]
    origins: Mapping[int, Sequence[Mapping[str, Any]]]
    labels: indexing.Labels
    at: datetime

    @classmethod
    def read(cls, session: Session, pks: Sequence[int]) -> "Shown":
        """Read what these listings show."""
        table = Opportunity.__table__  # type: ignore[attr-defined]
        unseen = {"payload", "overrides", "pending", "missing", "origin_text"}
        columns = [c for c in table.c if c.name not in unseen]
        statement = select(*columns).where(table.c.pk.in_(pks)).order_by(table.c.pk)
        listings = session.execute(statement).all()
        sessions: dict[int, list[Any]] = {}
        occasion = OpportunitySession.__table__  # type: ignore[attr-defined]
        for one in session.execute(
            select(*occasion.c)
            .where(occasion.c.opportunity_pk.in_(pks), occasion.c.deleted_at.is_(None))
            .order_by(occasion.c.opportunity_pk, occasion.c.starts_at, occasion.c.pk)
        ).all():
            sessions.setdefault(one.opportunity_pk, []).append(one)
        areas: dict[int, list[int]] = {}
        area = OpportunityArea.__table__  # type: ignore[attr-defined]
        for opportunity_pk, authority_pk in session.execute(
            select(area.c.opportunity_pk, area.c.authority_pk).where(area.c.opportunity_pk.in_(pks))
        ).all():
            areas.setdefault(opportunity_pk, []).append(authority_pk)
        return cls.around(session, listings, sessions, areas)

    @classmethod
    def around(
        cls,
        session: Session,
        listings: Sequence[Any],
        sessions: Mapping[Any, Sequence[Any]],
        areas: Mapping[Any, Collection[int]],
        *,
        hold: bool = False,
    ) -> "Shown":
        """Read what is shown around these listings; `hold` keeps it as it is until the commit."""
        return cls(
            listings=listings,
            sessions=sessions,
            areas=areas,
            organisations=_shown(
                session, Organisation, {row.provider_pk for row in listings}, hold=hold
            ),
            venues=_by_pk(session, Venue, {row.venue_pk for row in listings}, hold=hold),
            programmes=_shown(
                session, Programme, {row.programme_pk for row in listings}, hold=hold
            ),
            authorities={a.pk: a for a in authorities.by_code(session).values() if a.pk},
            covers=authorities.covering(session, today()),
            origins=origins.shown(session, [row.pk for row in listings if row.gaps is not None]),
            labels=every_label(session),
            at=now(),
        )

    def index(self, row: Any, rendered: Mapping[str, Any]) -> Indexed:
        """What finds a listing that has this document."""
        return indexing.of(row, rendered, self.areas.get(row.pk, ()), self.labels)

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
            "quality": row.quality,
            "source": {
                "key": row.source_key,
                "name": row.source_name,
                "external_id": row.external_id,
                "url": content["url"],
            },
            "origins": self.origins.get(row.pk, []),
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
        if not codes:
            return []
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
            "postcode": item["postcode"] and spaced(normalise_postcode(item["postcode"])),
            "lat": lat,
            "lng": lng,
            "authority": authority,
            "access": item["access"],
            "hidden": False,
        }


def _by_pk(
    session: Session, model: type[Row], pks: set[Any], *, hold: bool = False
) -> dict[int, Any]:
    wanted = sorted(pk for pk in pks if pk is not None)
    if not wanted:
        return {}
    table = model.__table__  # type: ignore[attr-defined]
    statement = select(*table.c).where(table.c.pk.in_(wanted))
    if hold:
        # An edit of it in between would look for the listings that show it, and miss new ones.
        statement = statement.order_by(table.c.pk).with_for_update(read=True)
    return {row.pk: row for row in session.execute(statement)}


def _shown(
    session: Session, model: type[Row], pks: set[Any], *, hold: bool = False
) -> dict[int, Any]:
    """Those that anybody may see: a listing gives away nothing private or deleted."""
    return {
        pk: row
        for pk, row in _by_pk(session, model, pks, hold=hold).items()
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


def of_new(
    session: Session,
    rows: Sequence[Mapping[str, Any]],
    sessions: Mapping[UUID, Sequence[Mapping[str, Any]]],
    areas: Mapping[UUID, Collection[int]],
) -> list[tuple[str, Indexed]]:
    """The documents of listings that are about to be inserted, and what will find them."""
    listings = [
        SimpleNamespace(**{**row, "pk": row["id"], "content": from_json(row["content"])})
        for row in rows
    ]
    occasions = {
        one: [SimpleNamespace(**occasion) for occasion in some] for one, some in sessions.items()
    }
    shown = Shown.around(session, listings, occasions, areas, hold=True)
    found = []
    for row in listings:
        rendered = shown.render(row)
        found.append((dumps(rendered).decode(), shown.index(row, rendered)))
    return found
