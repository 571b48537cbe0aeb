"""HTTP for files of listings: the filters of the list, and all that match in one answer."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from sqlmodel import Field, Session

from app.access.callers import AnyCaller
from app.access.models import Caller
from app.feeds import files, streams
from app.feeds.files import Search
from app.kit.problems import problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, database
from app.opportunities.filters import OpportunityFilters, sight
from app.opportunities.list_parameters import OpportunityFileParameters
from app.opportunities.list_routes import resolved

router = make_router("/v1/opportunities", "feeds")
routers = (router,)

NDJSON = "application/x-ndjson"
GEOJSON = "application/geo+json"
CSV = "text/csv"


class OpportunityTableParameters(OpportunityFilters):
    """Which listings, in which order, and how the table begins."""

    bom: bool = Field(
        default=False,
        description="Begin with a byte order mark, by which Excel knows that it is UTF-8.",
    )


def documented(kind: str, schema: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for an answer of this media type."""
    content = {kind: {"schema": schema or {"type": "string"}}}
    return {200: {"description": "Whatever matches.", "content": content}}


@router.get(".ndjson", response_class=Response, responses={**problems(401), **documented(NDJSON)})
def export_opportunities_as_lines(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[OpportunityFileParameters, Query()],
) -> Response:
    """All listings that match, a line of JSON each, as the list shows them to everybody.

    At most 200,000; more is a 422 with the code `too_many_listings`. They come in the order of
    the list, as they were at that moment; what is withdrawn while you read is left out.
    """
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    found = searched(request, session, caller, parameters, frozenset(parameters.fields))
    return streams.answer(request, tag, NDJSON, files.ndjson(found, found.all_keys()))


@router.get(
    ".geojson",
    response_class=Response,
    responses={**problems(401), **documented(GEOJSON, {"type": "object"})},
)
def export_opportunities_as_map(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[OpportunityFileParameters, Query()],
) -> Response:
    """All listings that match as GeoJSON (RFC 7946): a point each, or a null geometry.

    `properties` are the members of the list; `fields` chooses among them. Where a venue hides its
    address the point is the middle of its district. At most 200,000, as for `.ndjson`.
    """
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    found = searched(request, session, caller, parameters, frozenset(parameters.fields))
    return streams.answer(request, tag, GEOJSON, files.geojson(found, found.all_keys()))


@router.get(".csv", response_class=Response, responses={**problems(401), **documented(CSV)})
def export_opportunities_as_table(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[OpportunityTableParameters, Query()],
) -> Response:
    """All listings that match as CSV (RFC 4180, UTF-8): a heading, then a row each.

    Several values stand in one cell with semicolons between. A text that a spreadsheet program
    would take for a formula has a `'` before it. At most 200,000, as for `.ndjson`.
    """
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    found = searched(request, session, caller, parameters)
    body = files.csv_file(found, found.all_keys(), mark=parameters.bom)
    return streams.answer(
        request, tag, f"{CSV}; charset=utf-8; header=present", body, name="opportunities.csv"
    )


def searched(
    request: Request,
    session: Session,
    caller: Caller,
    filters: OpportunityFilters,
    fields: frozenset[str] = frozenset(),
) -> Search:
    """What filters look for."""
    return Search(
        database=database(request),
        wanted=resolved(request, session, caller, filters),
        sight=sight(session, caller),
        sort=filters.order,
        public_url=request.app.state.settings.public_url,
        fields=fields,
    )
