"""HTTP for organisations."""

from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col

from app.access.callers import AnyCaller, CoordinatorOrStaff, SignedIn, Staff
from app.access.models import Caller
from app.authorities.queries import check_codes, within
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.organisations import actions, queries, reading, venue_routes
from app.organisations.models import (
    Artsmark,
    Organisation,
    OrganisationRead,
    OrganisationSummary,
    OrganisationWrite,
    Visibility,
)
from app.vocabularies.models import Vocabulary

router = make_router("/v1/organisations", "organisations")
routers = (router, venue_routes.router)
OrganisationPath = Annotated[
    str, Path(max_length=80, description="The slug or the id.", examples=["dance-hub"])
]


class OrganisationParameters(ListParameters):
    """Which organisations."""

    q: Annotated[str | None, Field(max_length=200, description="Words in the name.")] = None
    sector: Annotated[
        list[str],
        Field(
            max_length=40,
            description="Terms of the vocabulary `sector`.",
            examples=[["museum"]],
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
    partnership: Annotated[
        list[str],
        Field(
            max_length=40,
            description="Slugs or ids of partnerships that they sit on at present.",
            examples=[["birmingham"]],
        ),
    ] = []
    artsmark: Annotated[
        list[Artsmark], Field(max_length=10, description="How far it has come with Artsmark.")
    ] = []
    arts_award_centre: Annotated[
        bool | None, Field(description="Whether it is an Arts Award centre.")
    ] = None
    visibility: Annotated[
        Literal["public", "private", "any"], Field(description="For those with a key.")
    ] = "public"


@router.get("", responses=problems(400))
def list_organisations(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[OrganisationParameters, Query()],
) -> Page[OrganisationSummary]:
    """Organisations by name, each with its authority and the partnerships that it sits on."""
    queries.check_filter(session, "sector", Vocabulary.SECTOR, parameters.sector)
    check_codes(session, parameters.authority, "?authority")
    authority_pks = within(session, parameters.authority) if parameters.authority else None
    partnership_ids = None
    if parameters.partnership:
        partnership_ids = queries.partnerships_meant(session, caller, parameters.partnership)
    statement = queries.listed(
        caller,
        visibility=None if parameters.visibility == "any" else Visibility(parameters.visibility),
        sectors=parameters.sector,
        authority_pks=authority_pks,
        partnership_ids=partnership_ids,
        artsmarks=parameters.artsmark,
        arts_award_centre=parameters.arts_award_centre,
        q=parameters.q,
    )
    order = [Order(col(Organisation.name)), Order(col(Organisation.pk))]
    part = paginate(session, statement, order, parameters, request)
    public_url = request.app.state.settings.public_url
    return page(request, response, part, reading.in_list(session, part.rows, public_url))


@router.post("", status_code=201, responses=problems(401, 403, 409))
def create_organisation(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    body: OrganisationWrite,
) -> OrganisationRead:
    """Make an organisation. A coordinator edits it once it sits on their partnership."""
    row = actions.create_organisation(session, caller, body)
    response.headers["Location"] = queries.address(row, request.app.state.settings.public_url)
    return _answer(request, session, caller, row)


@router.get("/{organisation}", responses=problems(404))
def get_organisation(
    request: Request, session: ReadSession, caller: AnyCaller, organisation: OrganisationPath
) -> OrganisationRead:
    """One organisation with its venues and the partnerships that it sits on."""
    row = queries.organisation(session, caller, organisation)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no organisation {organisation!r}.")
    return _answer(request, session, caller, row)


@router.put("/{organisation}", responses=problems(401, 403, 404, 409, 412, 428))
def replace_organisation(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    organisation: OrganisationPath,
    if_match: IfMatchHeader,
    body: OrganisationWrite,
) -> OrganisationRead:
    """Write an organisation anew.

    Its own people change `contact` and `safeguarding` and send the rest as it is. Coordinators
    of the partnerships it sits on change all but `slug` and `accreditations`.
    """
    row = actions.replace_organisation(session, caller, organisation, body, if_match)
    return _answer(request, session, caller, row)


@router.patch("/{organisation}", responses=problems(401, 403, 404, 409, 412, 428))
def update_organisation(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    organisation: OrganisationPath,
    if_match: IfMatchHeader,
    body: MergePatch,
) -> OrganisationRead:
    """Change some members of an organisation, by the same rules as PUT."""
    row = actions.update_organisation(session, caller, organisation, body, if_match)
    return _answer(request, session, caller, row)


@router.delete("/{organisation}", status_code=204, responses=problems(401, 403, 404, 409, 412, 428))
def delete_organisation(
    session: WriteSession, caller: Staff, organisation: OrganisationPath, if_match: IfMatchHeader
) -> None:
    """Take an organisation and its venues out of sight. Their history is kept."""
    actions.delete_organisation(session, caller, organisation, if_match)


def _answer(
    request: Request, session: Session, caller: Caller, row: Organisation
) -> OrganisationRead:
    show_version(request, row)
    return reading.whole(session, caller, row, request.app.state.settings.public_url)
