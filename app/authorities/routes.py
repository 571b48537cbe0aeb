"""HTTP for authorities, their boundaries, and postcodes."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import Field
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from app.access.callers import AnyCaller, Staff
from app.access.models import Caller
from app.authorities import actions, queries, reading
from app.authorities.models import (
    Authority,
    AuthorityKind,
    AuthorityRead,
    AuthoritySummary,
    AuthorityWrite,
    BoundaryCollection,
    BoundaryFeature,
    PostcodeRead,
)
from app.authorities.postcodes import normalise_postcode
from app.authorities.queries import Found
from app.authorities.reading import Atlas
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.database import key
from app.kit.exact import Parameters
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Kind, Problem, invalid, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.kit.times import today

OUTSIDE_REGION = Kind(
    "outside_region", 404, "Outside the region",
    "This service knows the postcodes of its region only. Check the first half of this one.",
)  # fmt: skip
UNKNOWN = Kind(
    "unknown", 404, "Unknown postcode",
    "Its first half is known, the whole is not. Check it; it may be newer than the data here.",
)  # fmt: skip
NEARBY_KM = 5

router = make_router("/v1/authorities", "authorities")
postcodes = make_router("/v1/postcodes", "authorities")
routers = (router, postcodes)

CodePath = Annotated[str, Path(description="A GSS code.", examples=["E08000025"])]
PostcodePath = Annotated[
    str, Path(description="A whole postcode; spaces and case do not matter.", examples=["B1 1BB"])
]


class GeoJSON(JSONResponse):
    """An answer in GeoJSON (RFC 7946)."""

    media_type = "application/geo+json"


class AuthorityFilters(Parameters):
    """Which authorities."""

    kind: Annotated[
        list[AuthorityKind], Field(max_length=10, description="Any of these kinds.")
    ] = []
    parent: Annotated[
        list[str],
        Field(
            max_length=60,
            description="GSS codes of counties: finds their districts.",
            examples=[["E10000028"]],
        ),
    ] = []
    partnership: Annotated[
        list[str],
        Field(
            max_length=60,
            description="Slugs or ids of partnerships: finds what they cover today, wholly, in "
            "part or uncertainly, and the districts of a county that they cover.",
            examples=[["birmingham"]],
        ),
    ] = []
    covered: Annotated[
        bool | None,
        Field(description="Whether a partnership is known for certain to cover it today."),
    ] = None
    q: Annotated[
        str | None,
        Field(min_length=1, max_length=100, description="Part of the name or of an alias."),
    ] = None


class AuthorityParameters(AuthorityFilters, ListParameters):
    """Which authorities, and which page of them."""


class BoundaryParameters(AuthorityFilters):
    """Which authorities' outlines."""

    model_config = {"extra": "forbid"}


@router.get("", responses=problems(400))
def list_authorities(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[AuthorityParameters, Query()],
) -> Page[AuthoritySummary]:
    """Authorities by name, each with its county, its centre and who covers it."""
    atlas = _atlas(request, session)
    statement = _narrowed(session, caller, atlas, parameters)
    order = [Order(col(Authority.name)), Order(col(Authority.code))]
    part = paginate(session, statement, order, parameters, request)
    return page(request, response, part, [reading.in_list(atlas, row) for row in part.rows])


@router.get(".geojson", response_class=GeoJSON)
def list_authority_boundaries(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[BoundaryParameters, Query()],
) -> BoundaryCollection:
    """The outlines of authorities as GeoJSON, all at once: indicative, for drawing a map."""
    atlas = _atlas(request, session)
    rows = queries.outlined(session, _narrowed(session, caller, atlas, parameters))
    return BoundaryCollection(
        features=[reading.outline(atlas, row, geometry) for row, geometry in rows]
    )


@router.get("/{code}", responses=problems(404))
def get_authority(
    request: Request, session: ReadSession, caller: AnyCaller, code: CodePath
) -> AuthorityRead:
    """One authority with who covers it, its districts if it is a county, and its figures."""
    return _answer(request, session, _authority(session, caller, code))


@router.put("/{code}", responses=problems(401, 403, 404, 412, 428))
def replace_authority(
    request: Request,
    session: WriteSession,
    caller: Staff,
    code: CodePath,
    if_match: IfMatchHeader,
    body: AuthorityWrite,
) -> AuthorityRead:
    """Write anew what staff may change: name, aliases, validity, successor."""
    row = actions.replace_authority(session, caller, code, body, if_match)
    return _answer(request, session, row)


@router.patch("/{code}", responses=problems(401, 403, 404, 412, 428))
def update_authority(
    request: Request,
    session: WriteSession,
    caller: Staff,
    code: CodePath,
    if_match: IfMatchHeader,
    body: MergePatch,
) -> AuthorityRead:
    """Change some of name, aliases, validity and successor."""
    row = actions.update_authority(session, caller, code, body, if_match)
    return _answer(request, session, row)


@router.get("/{code}/boundary", response_class=GeoJSON, responses=problems(404))
def get_authority_boundary(
    request: Request, session: ReadSession, caller: AnyCaller, code: CodePath
) -> BoundaryFeature:
    """The outline of one authority as GeoJSON: indicative, not a legal boundary."""
    row = _authority(session, caller, code)
    geometry = queries.boundary(session, key(row))
    if geometry is None:
        raise Problem(NOT_FOUND, f"No outline of {row.name} is known here.")
    show_version(request, row)
    return reading.outline(_atlas(request, session), row, geometry)


@postcodes.get("/{postcode}", responses=problems(404))
def get_postcode(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,  # noqa: ARG001 - everybody sees all
    postcode: PostcodePath,
) -> PostcodeRead:
    """Where a postcode is, its authority and county, and the partnerships that cover it.

    404 has the code `outside_region` or `unknown`; a malformed one is 422. Postcodes that are no
    longer in use are known, too.
    """
    public_url: str = request.app.state.settings.public_url
    return reading.postcode_read(session, _found(session, postcode), today(), public_url)


@postcodes.get(
    "/{postcode}/nearby",
    status_code=307,
    response_class=RedirectResponse,
    responses={
        307: {
            "description": "Go on to the opportunities within five kilometres.",
            "headers": {
                "Location": {
                    "description": "The search, as an absolute address.",
                    "schema": {"type": "string", "format": "uri"},
                }
            },
        },
        **problems(404),
    },
)
def get_postcode_nearby(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,  # noqa: ARG001 - everybody sees all
    postcode: PostcodePath,
) -> RedirectResponse:
    """Lead to the opportunities near a postcode."""
    place = _found(session, postcode).place
    search = f"near={place.postcode}&within_km={NEARBY_KM}"
    return RedirectResponse(
        f"{request.app.state.settings.public_url}/v1/opportunities?{search}", status_code=307
    )


def _atlas(request: Request, session: Session) -> Atlas:
    return Atlas.read(session, today(), request.app.state.settings.public_url)


def _narrowed(
    session: Session, caller: Caller, atlas: Atlas, filters: AuthorityFilters
) -> SelectOfScalar[Authority]:
    queries.check_codes(session, filters.parent, "?parent")
    reading.check_partnerships(atlas, filters.partnership, "?partnership")
    return queries.listed(
        caller,
        kinds=filters.kind,
        parents=filters.parent,
        pks=atlas.covered_as(filters.covered, filters.partnership),
        q=filters.q,
    )


def _authority(session: Session, caller: Caller, code: str) -> Authority:
    row = queries.authority(session, caller, code)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no authority {code!r}. Give a GSS code.")
    return row


def _answer(request: Request, session: Session, row: Authority) -> AuthorityRead:
    show_version(request, row)
    return reading.whole(session, _atlas(request, session), row)


def _found(session: Session, text: str) -> Found:
    try:
        found = queries.postcode(session, text)
    except ValueError as error:
        raise invalid(":postcode", str(error), "malformed_postcode") from None
    if found is None:
        known = queries.knows_outward(session, normalise_postcode(text))
        raise Problem(UNKNOWN if known else OUTSIDE_REGION)
    return found
