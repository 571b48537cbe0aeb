"""HTTP for the outlines of partnerships: their areas as they are today, on a map."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from sqlmodel import Field, Session, SQLModel, col, select

from app.access.callers import AnyCaller
from app.authorities import queries as authorities
from app.authorities.models import ATTRIBUTION, NOTE, Authority
from app.kit.database import key
from app.kit.problems import problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession
from app.kit.times import today
from app.partnerships import queries, reading
from app.partnerships.models import Area, AreaRead, Partnership
from app.partnerships.routes import PartnershipFilters, narrowed

router = make_router("/v1/partnerships", "partnerships")
routers = (router,)

Positions = list[Any]


class GeoJSON(JSONResponse):
    """An answer in GeoJSON (RFC 7946)."""

    media_type = "application/geo+json"


class PartnershipOutlineProperties(SQLModel):
    """What is said with the outline of a partnership."""

    slug: str
    name: str
    stage: str
    areas: list[AreaRead] = Field(
        description="Those of today. The outline shows an authority whole, also where a "
        "partnership covers only a part of it."
    )
    href: str
    note: str = Field(schema_extra={"examples": [NOTE]})
    attribution: str = Field(schema_extra={"examples": [ATTRIBUTION]})


class PartnershipOutlineFeature(SQLModel):
    """A GeoJSON Feature (RFC 7946): the areas of one partnership."""

    type: Literal["Feature"] = "Feature"
    id: UUID
    geometry: dict[str, Any] | None = Field(
        description="A MultiPolygon, WGS 84; null where no outline is known."
    )
    properties: PartnershipOutlineProperties


class PartnershipOutlineCollection(SQLModel):
    """A GeoJSON FeatureCollection of the areas of partnerships. They may overlap."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[PartnershipOutlineFeature]


@router.get(".geojson", response_class=GeoJSON, responses=problems(401))
def list_partnership_outlines(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[PartnershipFilters, Query()],
) -> PartnershipOutlineCollection:
    """The areas of partnerships as GeoJSON, all at once: indicative, for drawing a map."""
    statement = narrowed(session, caller, parameters).order_by(
        col(Partnership.name), col(Partnership.pk)
    )
    rows = session.execute(statement).scalars().all()
    areas = queries.areas(session, [key(row) for row in rows])
    current = {pk: _of_today(pairs) for pk, pairs in areas.items()}
    outlines = _outlines(session, current.values())
    public_url = request.app.state.settings.public_url
    return PartnershipOutlineCollection(
        features=[_feature(row, current.get(key(row), ()), outlines, public_url) for row in rows]
    )


Pairs = Sequence[tuple[Area, Authority]]


def _feature(
    row: Partnership, areas: Pairs, outlines: Mapping[int, Positions], public_url: str
) -> PartnershipOutlineFeature:
    covered = {key(authority) for _, authority in areas}
    polygons = [
        polygon
        for _, authority in areas
        # Where a county is covered, its districts add nothing.
        if authority.parent_pk not in covered
        for polygon in outlines.get(key(authority), ())
    ]
    return PartnershipOutlineFeature(
        id=row.id,
        geometry={"type": "MultiPolygon", "coordinates": polygons} if polygons else None,
        properties=PartnershipOutlineProperties(
            slug=row.slug,
            name=row.name,
            stage=row.stage,
            areas=[reading.area_read(*pair, public_url) for pair in areas],
            href=queries.address(row, public_url),
            note=NOTE,
            attribution=ATTRIBUTION,
        ),
    )


def _of_today(pairs: Pairs) -> Pairs:
    day = today()
    return [
        (area, authority)
        for area, authority in pairs
        if (area.from_date is None or area.from_date <= day)
        and (area.until_date is None or area.until_date > day)
    ]


def _outlines(session: Session, areas: Iterable[Pairs]) -> dict[int, Positions]:
    """The polygons of every authority that is covered, in one query."""
    pks = {key(authority) for pairs in areas for _, authority in pairs}
    found = authorities.outlined(session, select(Authority).where(col(Authority.pk).in_(pks)))
    return {
        key(row): geometry["coordinates"]
        if geometry["type"] == "MultiPolygon"
        else [geometry["coordinates"]]
        for row, geometry in found
    }
