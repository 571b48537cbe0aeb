"""HTTP for venues."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col

from app.access.callers import AnyCaller, SignedIn
from app.access.models import Caller
from app.authorities.queries import check_codes, within
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.organisations import queries, reading, venue_actions
from app.organisations.models import Venue, VenueRead, VenueWrite
from app.vocabularies.models import Vocabulary

router = make_router("/v1/venues", "organisations")
VenuePath = Annotated[
    str, Path(max_length=80, description="The slug or the id.", examples=["the-dance-room"])
]


class VenueParameters(ListParameters):
    """Which venues."""

    q: Annotated[
        str | None,
        Field(max_length=200, description="Words in the name or address, where these are shown."),
    ] = None
    organisation: Annotated[
        list[str],
        Field(
            max_length=40, description="Slugs or ids of organisations.", examples=[["dance-hub"]]
        ),
    ] = []
    authority: Annotated[
        list[str],
        Field(
            max_length=60,
            description="GSS codes. A county stands for its districts, too.",
            examples=[["E08000025"]],
        ),
    ] = []
    access: Annotated[
        list[str],
        Field(
            max_length=40,
            description="Terms of the vocabulary `access`; any of them is enough.",
            examples=[["step_free"]],
        ),
    ] = []


@router.get("", responses=problems(400))
def list_venues(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[VenueParameters, Query()],
) -> Page[VenueRead]:
    """Venues by slug. Of one whose address is hidden, the public reads only the district."""
    queries.check_filter(session, "access", Vocabulary.ACCESS, parameters.access)
    check_codes(session, parameters.authority, "?authority")
    authority_pks = within(session, parameters.authority) if parameters.authority else None
    organisation_pks = None
    if parameters.organisation:
        organisation_pks = queries.organisations_meant(session, caller, parameters.organisation)
    statement = queries.venues_listed(
        caller,
        organisation_pks=organisation_pks,
        authority_pks=authority_pks,
        access=parameters.access,
        q=parameters.q,
    )
    # By name, the order and the cursor would tell the names of hidden places.
    part = paginate(session, statement, [Order(col(Venue.slug))], parameters, request)
    public_url = request.app.state.settings.public_url
    return page(
        request, response, part, reading.venue_reads(session, caller, part.rows, public_url)
    )


@router.post("", status_code=201, responses=problems(401, 403, 409))
def create_venue(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: SignedIn,
    body: VenueWrite,
) -> VenueRead:
    """Make a venue of an organisation that you act for."""
    row = venue_actions.create_venue(session, caller, body)
    public_url = request.app.state.settings.public_url
    response.headers["Location"] = f"{public_url}/v1/venues/{row.slug}"
    return _answer(request, session, caller, row)


@router.get("/{venue}", responses=problems(404))
def get_venue(
    request: Request, session: ReadSession, caller: AnyCaller, venue: VenuePath
) -> VenueRead:
    """One venue. If its address is hidden, the public reads only the district."""
    row = queries.venue(session, caller, venue)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no venue {venue!r}.")
    return _answer(request, session, caller, row)


@router.put("/{venue}", responses=problems(401, 403, 404, 409, 412, 428))
def replace_venue(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    venue: VenuePath,
    if_match: IfMatchHeader,
    body: VenueWrite,
) -> VenueRead:
    """Write a venue anew. If it becomes hidden, a slug that was not changed is made neutral."""
    row = venue_actions.replace_venue(session, caller, venue, body, if_match)
    return _answer(request, session, caller, row)


@router.patch("/{venue}", responses=problems(401, 403, 404, 409, 412, 428))
def update_venue(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    venue: VenuePath,
    if_match: IfMatchHeader,
    body: MergePatch,
) -> VenueRead:
    """Change some members of a venue, by the same rules as PUT."""
    row = venue_actions.update_venue(session, caller, venue, body, if_match)
    return _answer(request, session, caller, row)


@router.delete("/{venue}", status_code=204, responses=problems(401, 403, 404, 412, 428))
def delete_venue(
    session: WriteSession, caller: SignedIn, venue: VenuePath, if_match: IfMatchHeader
) -> None:
    """Take a venue out of sight. Listings that name it keep it."""
    venue_actions.delete_venue(session, caller, venue, if_match)


def _answer(request: Request, session: Session, caller: Caller, row: Venue) -> VenueRead:
    show_version(request, row)
    public_url = request.app.state.settings.public_url
    return reading.venue_reads(session, caller, [row], public_url)[0]
