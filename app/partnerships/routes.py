"""HTTP for partnerships, their areas, stages and priorities."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import ConfigDict, Field
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from app.access.callers import AnyCaller, CoordinatorOrStaff, Staff
from app.access.models import Caller
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.database import key
from app.kit.exact import Parameters
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.organisations.models import Visibility
from app.partnerships import actions, member_routes, queries, reading
from app.partnerships.models import (
    AreaRead,
    AreasWrite,
    Partnership,
    PartnershipRead,
    PartnershipSummary,
    PartnershipWrite,
    PrioritiesWrite,
    PriorityRead,
    StageRead,
    StageWrite,
)
from app.vocabularies.models import Vocabulary

router = make_router("/v1/partnerships", "partnerships")
routers = (router, member_routes.router)
PartnershipPath = member_routes.PartnershipPath


class PartnershipFilters(Parameters):
    """Which partnerships."""

    model_config = ConfigDict(extra="forbid")

    stage: Annotated[
        list[str], Field(max_length=20, description="Terms of the vocabulary `stage`.")
    ] = []
    authority: Annotated[
        list[str],
        Field(
            max_length=60,
            description="GSS codes. A county finds what covers its districts, and a district "
            "what covers its county.",
            examples=[["E08000025"]],
        ),
    ] = []
    sector: Annotated[
        list[str], Field(max_length=40, description="Sectors of members at present.")
    ] = []
    priority: Annotated[
        list[str], Field(max_length=40, description="Terms of the vocabulary `priority`.")
    ] = []
    q: Annotated[
        str | None, Field(max_length=200, description="Words in the name or in an alias.")
    ] = None
    visibility: Annotated[
        Literal["public", "private", "any"], Field(description="For those with a key.")
    ] = "public"


class PartnershipParameters(ListParameters, PartnershipFilters):
    """Which partnerships, and which page of them."""


@router.get("", responses=problems(400))
def list_partnerships(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[PartnershipParameters, Query()],
) -> Page[PartnershipSummary]:
    """Partnerships by name, each with its areas, lead organisation and number of members."""
    statement = narrowed(session, caller, parameters)
    order = [Order(col(Partnership.name)), Order(col(Partnership.pk))]
    part = paginate(session, statement, order, parameters, request)
    public_url = request.app.state.settings.public_url
    return page(request, response, part, reading.in_list(session, caller, part.rows, public_url))


@router.post("", status_code=201, responses=problems(401, 403, 409))
def create_partnership(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: Staff,
    body: PartnershipWrite,
) -> PartnershipRead:
    """Make a partnership, with its areas and its first stage."""
    row = actions.create_partnership(session, caller, body)
    response.headers["Location"] = queries.address(row, request.app.state.settings.public_url)
    return _answer(request, session, caller, row)


@router.get("/{partnership}", responses=problems(404))
def get_partnership(
    request: Request, session: ReadSession, caller: AnyCaller, partnership: PartnershipPath
) -> PartnershipRead:
    """One partnership with its areas, members, stages, priorities, and where to read on."""
    return _answer(request, session, caller, member_routes.found(session, caller, partnership))


@router.put("/{partnership}", responses=problems(401, 403, 404, 409, 412, 428))
def replace_partnership(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    partnership: PartnershipPath,
    if_match: IfMatchHeader,
    body: PartnershipWrite,
) -> PartnershipRead:
    """Write a partnership anew. Only staff change its slug, stage and areas."""
    row = actions.replace_partnership(session, caller, partnership, body, if_match)
    return _answer(request, session, caller, row)


@router.patch("/{partnership}", responses=problems(401, 403, 404, 409, 412, 428))
def update_partnership(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    partnership: PartnershipPath,
    if_match: IfMatchHeader,
    body: MergePatch,
) -> PartnershipRead:
    """Change some members of a partnership. Only staff change its slug, stage and areas."""
    row = actions.update_partnership(session, caller, partnership, body, if_match)
    return _answer(request, session, caller, row)


@router.delete("/{partnership}", status_code=204, responses=problems(401, 403, 404, 412, 428))
def delete_partnership(
    session: WriteSession, caller: Staff, partnership: PartnershipPath, if_match: IfMatchHeader
) -> None:
    """Take a partnership out of sight. Its history is kept."""
    actions.delete_partnership(session, caller, partnership, if_match)


@router.get("/{partnership}/areas", responses=problems(404))
def list_partnership_areas(
    request: Request, session: ReadSession, caller: AnyCaller, partnership: PartnershipPath
) -> Page[AreaRead]:
    """The authorities that a partnership covers, or has covered."""
    return _areas(request, session, member_routes.found(session, caller, partnership))


@router.put("/{partnership}/areas", responses=problems(401, 403, 404, 412, 428))
def replace_partnership_areas(
    request: Request,
    session: WriteSession,
    caller: Staff,
    partnership: PartnershipPath,
    if_match: IfMatchHeader,
    body: AreasWrite,
) -> Page[AreaRead]:
    """Write all areas of a partnership anew, under the version of the partnership."""
    row = actions.replace_areas(session, caller, partnership, body.items, if_match)
    return _areas(request, session, row)


@router.get("/{partnership}/stages", responses=problems(404))
def list_partnership_stages(
    request: Request, session: ReadSession, caller: AnyCaller, partnership: PartnershipPath
) -> Page[StageRead]:
    """The stages that a partnership reached, latest first, with reasons and evidence."""
    row = member_routes.found(session, caller, partnership)
    show_version(request, row)
    return Page(items=[reading.stage_read(item) for item in queries.stages(session, key(row))])


@router.post("/{partnership}/stages", status_code=201, responses=problems(401, 403, 404, 409))
def add_partnership_stage(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: Staff,
    partnership: PartnershipPath,
    body: StageWrite,
) -> StageRead:
    """Enter a stage that was reached. The latest by date is the partnership's stage."""
    row, entry = actions.add_stage(session, caller, partnership, body)
    address = queries.address(row, request.app.state.settings.public_url)
    response.headers["Location"] = f"{address}/stages/{entry.id}"
    return reading.stage_read(entry)


@router.get("/{partnership}/stages/{stage_id}", responses=problems(404))
def get_partnership_stage(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    partnership: PartnershipPath,
    stage_id: Annotated[UUID, Path(description="The id of the stage.")],
) -> StageRead:
    """One stage that a partnership reached."""
    row = member_routes.found(session, caller, partnership)
    entry = queries.stage(session, key(row), stage_id)
    if entry is None:
        raise Problem(NOT_FOUND, "This partnership has no stage of this id.")
    show_version(request, entry)
    return reading.stage_read(entry)


@router.get("/{partnership}/priorities", responses=problems(404))
def list_partnership_priorities(
    request: Request, session: ReadSession, caller: AnyCaller, partnership: PartnershipPath
) -> Page[PriorityRead]:
    """What a partnership works towards, the first first."""
    return _priorities(request, session, member_routes.found(session, caller, partnership))


@router.put("/{partnership}/priorities", responses=problems(401, 403, 404, 412, 428))
def replace_partnership_priorities(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    partnership: PartnershipPath,
    if_match: IfMatchHeader,
    body: PrioritiesWrite,
) -> Page[PriorityRead]:
    """Write all priorities anew, under the version of the partnership."""
    row = actions.replace_priorities(session, caller, partnership, body.items, if_match)
    return _priorities(request, session, row)


def narrowed(
    session: Session, caller: Caller, parameters: PartnershipFilters
) -> SelectOfScalar[Partnership]:
    """The partnerships that a caller may see and that filters ask for."""
    queries.check_filter(session, "stage", Vocabulary.STAGE, parameters.stage)
    queries.check_filter(session, "sector", Vocabulary.SECTOR, parameters.sector)
    queries.check_filter(session, "priority", Vocabulary.PRIORITY, parameters.priority)
    authority_pks = None
    if parameters.authority:
        authority_pks = queries.authorities_meant(session, parameters.authority)
    return queries.listed(
        caller,
        visibility=None if parameters.visibility == "any" else Visibility(parameters.visibility),
        stages=parameters.stage,
        authority_pks=authority_pks,
        sectors=parameters.sector,
        priorities=parameters.priority,
        q=parameters.q,
    )


def _answer(
    request: Request, session: Session, caller: Caller, row: Partnership
) -> PartnershipRead:
    show_version(request, row)
    return reading.whole(session, caller, row, request.app.state.settings.public_url)


def _areas(request: Request, session: Session, row: Partnership) -> Page[AreaRead]:
    show_version(request, row)
    public_url = request.app.state.settings.public_url
    return Page(items=reading.area_reads(session, row, public_url))


def _priorities(request: Request, session: Session, row: Partnership) -> Page[PriorityRead]:
    show_version(request, row)
    found = queries.priorities(session, key(row))
    return Page(items=[reading.priority_read(item) for item in found])
