"""HTTP for programmes and their budgets."""

from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col

from app.access.callers import AnyCaller, CoordinatorOrStaff
from app.access.models import Caller
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.organisations.models import Visibility
from app.partnerships.queries import authorities_meant, check_filter, partnerships_meant
from app.programmes import actions, queries, reading
from app.programmes.models import (
    BudgetRead,
    BudgetWrite,
    PlanYear,
    Programme,
    ProgrammeKind,
    ProgrammeRead,
    ProgrammeStatus,
    ProgrammeSummary,
    ProgrammeWrite,
)
from app.vocabularies.models import Vocabulary

router = make_router("/v1/programmes", "programmes")
routers = (router,)
ProgrammePath = Annotated[
    str, Path(max_length=80, description="The slug or the id.", examples=["young-writers"])
]


class ProgrammeParameters(ListParameters):
    """Which programmes."""

    partnership: Annotated[
        list[str], Field(max_length=40, description="Slugs or ids.", examples=[["birmingham"]])
    ] = []
    authority: Annotated[
        list[str],
        Field(
            max_length=60,
            description="GSS codes of authorities that its partnerships cover; counties and "
            "districts find each other.",
        ),
    ] = []
    kind: Annotated[
        list[ProgrammeKind], Field(max_length=10, description="What sort of thing it is.")
    ] = []
    status: Annotated[
        list[ProgrammeStatus], Field(max_length=10, description="How far it has come.")
    ] = []
    priority: Annotated[
        list[str], Field(max_length=40, description="Terms of the vocabulary `priority`.")
    ] = []
    year: Annotated[list[PlanYear], Field(max_length=20, description="Plan years.")] = []
    q: Annotated[
        str | None, Field(max_length=200, description="Words in the title or the summary.")
    ] = None
    visibility: Annotated[
        Literal["public", "private", "any"], Field(description="For those with a key.")
    ] = "public"


@router.get("", responses=problems(400))
def list_programmes(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[ProgrammeParameters, Query()],
) -> Page[ProgrammeSummary]:
    """Programmes by title, each with its partnerships, priorities and plan years."""
    check_filter(session, "priority", Vocabulary.PRIORITY, parameters.priority)
    partnership_pks = authority_pks = None
    if parameters.partnership:
        partnership_pks = partnerships_meant(session, caller, parameters.partnership)
    if parameters.authority:
        authority_pks = authorities_meant(session, parameters.authority)
    statement = queries.listed(
        caller,
        visibility=None if parameters.visibility == "any" else Visibility(parameters.visibility),
        partnership_pks=partnership_pks,
        authority_pks=authority_pks,
        kinds=parameters.kind,
        statuses=parameters.status,
        priorities=parameters.priority,
        years=parameters.year,
        q=parameters.q,
    )
    order = [Order(col(Programme.title)), Order(col(Programme.pk))]
    part = paginate(session, statement, order, parameters, request)
    public_url = request.app.state.settings.public_url
    return page(request, response, part, reading.in_list(session, caller, part.rows, public_url))


@router.post("", status_code=201, responses=problems(401, 403, 409))
def create_programme(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    body: ProgrammeWrite,
) -> ProgrammeRead:
    """Make a programme. Coordinators make them for their own partnerships."""
    row = actions.create_programme(session, caller, body)
    response.headers["Location"] = queries.address(row, request.app.state.settings.public_url)
    return _answer(request, session, caller, row)


@router.get("/{programme}", responses=problems(404))
def get_programme(
    request: Request, session: ReadSession, caller: AnyCaller, programme: ProgrammePath
) -> ProgrammeRead:
    """One programme with its milestones and outcomes."""
    row = queries.programme(session, caller, programme)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no programme {programme!r}.")
    return _answer(request, session, caller, row)


@router.put("/{programme}", responses=problems(401, 403, 404, 409, 412, 428))
def replace_programme(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    programme: ProgrammePath,
    if_match: IfMatchHeader,
    body: ProgrammeWrite,
) -> ProgrammeRead:
    """Write a programme anew. Milestones and outcomes with their ids are kept."""
    row = actions.replace_programme(session, caller, programme, body, if_match)
    return _answer(request, session, caller, row)


@router.patch("/{programme}", responses=problems(401, 403, 404, 409, 412, 428))
def update_programme(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    programme: ProgrammePath,
    if_match: IfMatchHeader,
    body: MergePatch,
) -> ProgrammeRead:
    """Change some members of a programme. A list is replaced whole."""
    row = actions.update_programme(session, caller, programme, body, if_match)
    return _answer(request, session, caller, row)


@router.delete("/{programme}", status_code=204, responses=problems(401, 403, 404, 412, 428))
def delete_programme(
    session: WriteSession,
    caller: CoordinatorOrStaff,
    programme: ProgrammePath,
    if_match: IfMatchHeader,
) -> None:
    """Take a programme out of sight. Its record is kept."""
    actions.delete_programme(session, caller, programme, if_match)


@router.get("/{programme}/budget", responses=problems(401, 403, 404))
def get_programme_budget(
    request: Request, session: ReadSession, caller: CoordinatorOrStaff, programme: ProgrammePath
) -> BudgetRead:
    """The budget: for staff and the coordinators of its partnerships only."""
    row = actions.editable(session, caller, programme)
    show_version(request, row)
    return reading.budget(session, row)


@router.put("/{programme}/budget", responses=problems(401, 403, 404, 412, 428))
def replace_programme_budget(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    programme: ProgrammePath,
    if_match: IfMatchHeader,
    body: BudgetWrite,
) -> BudgetRead:
    """Write the whole budget anew, under the version of the programme."""
    row = actions.replace_budget(session, caller, programme, body.items, if_match)
    show_version(request, row)
    return reading.budget(session, row)


def _answer(request: Request, session: Session, caller: Caller, row: Programme) -> ProgrammeRead:
    show_version(request, row)
    return reading.whole(session, caller, row, request.app.state.settings.public_url)
