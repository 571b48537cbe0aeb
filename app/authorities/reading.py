"""What the contract shows of authorities and postcodes, in a few queries for any number."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from sqlmodel import Session

from app.authorities import queries
from app.authorities.models import (
    ATTRIBUTION,
    NOTE,
    Authority,
    AuthorityFields,
    AuthorityLinks,
    AuthorityRead,
    AuthorityReference,
    AuthoritySummary,
    BoundaryFeature,
    BoundaryProperties,
    Centre,
    Cover,
    CoverRead,
    IndicatorFields,
    PostcodeRead,
)
from app.authorities.postcodes import spaced
from app.authorities.queries import Found, Name
from app.kit.database import key
from app.kit.problems import invalid


@dataclass(frozen=True)
class Atlas:
    """Every authority by name, and what covers it on a day."""

    names: Mapping[int, Name]
    covers: Mapping[int, Sequence[Cover]]
    districts: Mapping[int, Sequence[int]]
    public_url: str

    @classmethod
    def read(cls, session: Session, on: date, public_url: str) -> Self:
        """Read it in two queries, however many authorities are then shown."""
        names = queries.names(session)
        parents = {name.pk: name.parent_pk for name in names.values()}
        districts: dict[int, list[int]] = {}
        for pk, parent_pk in parents.items():
            if parent_pk is not None:
                districts.setdefault(parent_pk, []).append(pk)
        covers = queries.handed_down(queries.covers(session, on), parents)
        return cls(names, covers, districts, public_url)

    def reference(self, pk: int | None) -> AuthorityReference | None:
        """A reference to an authority, or None for none."""
        if pk is None:
            return None
        return _reference(self.names[pk], self.public_url)

    def is_covered(self, pk: int) -> bool:
        """Whether a partnership surely covers some of it, or each district of a county."""
        if any(cover.confirmed for cover in self.covers.get(pk, ())):
            return True
        districts = self.districts.get(pk, ())
        return bool(districts) and all(self.is_covered(district) for district in districts)

    def cover_reads(self, pk: int) -> list[CoverRead]:
        """The partnerships that cover an authority."""
        return [cover_read(cover, pk, self.public_url) for cover in self.covers.get(pk, ())]

    def covered_as(self, covered: bool | None, partnerships: Collection[str]) -> set[int] | None:
        """The authorities that are covered or not, and by one of these; None for no limit."""
        if covered is None and not partnerships:
            return None
        return {
            pk
            for pk in self.names
            if (covered is None or self.is_covered(pk) is covered)
            and (not partnerships or any(_is_one(c, partnerships) for c in self.covers.get(pk, ())))
        }


def check_partnerships(atlas: Atlas, refs: Sequence[str], pointer: str) -> None:
    """A 422 for an id or slug of no partnership that covers an authority today."""
    known = [cover for covers in atlas.covers.values() for cover in covers]
    for ref in refs:
        if not any(_is_one(cover, [ref]) for cover in known):
            slugs = ", ".join(sorted({cover.slug for cover in known})) or "none yet"
            raise invalid(
                pointer,
                f"There is no partnership {ref!r} that covers an authority. Allowed: {slugs}.",
                "unknown_partnership",
            )


def address(code: str, public_url: str) -> str:
    """Where an authority is read."""
    return f"{public_url}/v1/authorities/{code}"


def cover_read(cover: Cover, authority_pk: int, public_url: str) -> CoverRead:
    """A cover as the contract promises it, seen from one authority."""
    return CoverRead(
        id=cover.partnership_id,
        slug=cover.slug,
        name=cover.name,
        href=f"{public_url}/v1/partnerships/{cover.slug}",
        stage=cover.stage,
        whole=cover.whole,
        confirmed=cover.confirmed,
        through_county=cover.authority_pk != authority_pk,
        from_date=cover.from_date,
        until_date=cover.until_date,
    )


def in_list(atlas: Atlas, row: Authority) -> AuthoritySummary:
    """An authority as a list shows it."""
    pk = key(row)
    return AuthoritySummary(
        **row.model_dump(include=set(AuthorityFields.model_fields)),
        id=row.id,
        code=row.code,
        href=address(row.code, atlas.public_url),
        kind=row.kind,
        parent=atlas.reference(row.parent_pk),
        successor=atlas.reference(row.successor_pk),
        region=row.region,
        centre=_centre(row),
        postcode_count=row.postcode_count,
        covered=atlas.is_covered(pk),
        partnerships=atlas.cover_reads(pk),
        version=row.version,
    )


def whole(session: Session, atlas: Atlas, row: Authority) -> AuthorityRead:
    """An authority with its districts and figures."""
    pk = key(row)
    districts = [atlas.reference(district) for district in atlas.districts.get(pk, ())]
    figures = queries.indicators(session, pk)
    return AuthorityRead(
        **in_list(atlas, row).model_dump(),
        districts=[district for district in districts if district],
        indicators=[IndicatorFields(**figure.model_dump()) for figure in figures],
        links=AuthorityLinks(
            boundary=f"{address(row.code, atlas.public_url)}/boundary",
            opportunities=f"{atlas.public_url}/v1/opportunities?authority={row.code}",
        ),
    )


def outline(atlas: Atlas, row: Authority, geometry: dict[str, Any]) -> BoundaryFeature:
    """The outline of an authority as GeoJSON."""
    return BoundaryFeature(
        id=row.code,
        geometry=geometry,
        properties=BoundaryProperties(
            code=row.code,
            name=row.name,
            kind=row.kind,
            parent=atlas.names[row.parent_pk].code if row.parent_pk else None,
            covered=atlas.is_covered(key(row)),
            href=address(row.code, atlas.public_url),
            note=NOTE,
            attribution=ATTRIBUTION,
        ),
    )


def postcode_read(session: Session, found: Found, on: date, public_url: str) -> PostcodeRead:
    """A postcode with who works there: one query, for the covers."""
    place = found.place
    pk = place.authority_pk
    parent_pk = found.authority.parent_pk
    covers = queries.covers(session, on, [pk] if parent_pk is None else [pk, parent_pk])
    both = queries.handed_down(covers, {pk: parent_pk}).get(pk, [])
    href = f"{public_url}/v1/postcodes/{place.postcode}"
    return PostcodeRead(
        postcode=spaced(place.postcode),
        href=href,
        lat=place.lat,
        lng=place.lng,
        easting=place.easting,
        northing=place.northing,
        authority=_reference(found.authority, public_url),
        parent=_reference(found.parent, public_url) if found.parent else None,
        partnerships=[cover_read(cover, pk, public_url) for cover in both],
        nearby=f"{href}/nearby",
    )


def _reference(name: Name, public_url: str) -> AuthorityReference:
    return AuthorityReference(code=name.code, name=name.name, href=address(name.code, public_url))


def _centre(row: Authority) -> Centre | None:
    if row.easting is None or row.northing is None or row.lat is None or row.lng is None:
        return None
    return Centre(lat=row.lat, lng=row.lng, easting=row.easting, northing=row.northing)


def _is_one(cover: Cover, refs: Collection[str]) -> bool:
    return cover.slug in refs or str(cover.partnership_id) in refs
