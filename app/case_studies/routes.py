"""HTTP for case studies."""

from typing import Annotated, Literal

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col

from app.access.callers import AnyCaller, CoordinatorOrStaff
from app.access.models import Caller
from app.case_studies import actions, queries, reading
from app.case_studies.models import (
    FIRST_YEAR,
    LAST_YEAR,
    CaseStudy,
    CaseStudyRead,
    CaseStudyStatus,
    CaseStudySummary,
    CaseStudyWrite,
)
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.partnerships.queries import check_filter, partnerships_meant
from app.vocabularies.models import Vocabulary

router = make_router("/v1/case-studies", "case-studies")
routers = (router,)
CaseStudyPath = Annotated[
    str, Path(max_length=80, description="The slug or the id.", examples=["shout-out"])
]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]


class CaseStudyParameters(ListParameters):
    """Which case studies."""

    partnership: Annotated[
        list[str], Field(max_length=40, description="Slugs or ids.", examples=[["birmingham"]])
    ] = []
    programme: Annotated[list[str], Field(max_length=40, description="Slugs or ids.")] = []
    priority: Annotated[
        list[str], Field(max_length=40, description="Terms of the vocabulary `priority`.")
    ] = []
    year: Annotated[list[Year], Field(max_length=40, description="Calendar years.")] = []
    q: Annotated[
        str | None, Field(max_length=200, description="Words in the title or the summary.")
    ] = None
    status: Annotated[
        Literal["published", "draft", "any"],
        Field(description="Drafts are shown to staff and to the partnership's coordinators."),
    ] = "published"


@router.get("", responses=problems(400))
def list_case_studies(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[CaseStudyParameters, Query()],
) -> Page[CaseStudySummary]:
    """Case studies, the latest year first, each with its partnership and programme."""
    check_filter(session, "priority", Vocabulary.PRIORITY, parameters.priority)
    partnership_pks = programme_pks = None
    if parameters.partnership:
        partnership_pks = partnerships_meant(session, caller, parameters.partnership)
    if parameters.programme:
        programme_pks = queries.programmes_meant(session, caller, parameters.programme)
    statement = queries.listed(
        caller,
        status=None if parameters.status == "any" else CaseStudyStatus(parameters.status),
        partnership_pks=partnership_pks,
        programme_pks=programme_pks,
        priorities=parameters.priority,
        years=parameters.year,
        q=parameters.q,
    )
    order = [
        Order(col(CaseStudy.year), descending=True),
        Order(col(CaseStudy.pk), descending=True),
    ]
    part = paginate(session, statement, order, parameters, request)
    public_url = request.app.state.settings.public_url
    return page(request, response, part, reading.in_list(session, caller, part.rows, public_url))


@router.post("", status_code=201, responses=problems(401, 403, 409))
def create_case_study(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    body: CaseStudyWrite,
) -> CaseStudyRead:
    """Make a case study, as a draft unless it says otherwise."""
    row = actions.create_case_study(session, caller, body)
    response.headers["Location"] = queries.address(row, request.app.state.settings.public_url)
    return _answer(request, session, caller, row)


@router.get("/{case_study}", responses=problems(404))
def get_case_study(
    request: Request, session: ReadSession, caller: AnyCaller, case_study: CaseStudyPath
) -> CaseStudyRead:
    """One case study with its story, quotes and images."""
    row = queries.case_study(session, caller, case_study)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no case study {case_study!r}.")
    return _answer(request, session, caller, row)


@router.put("/{case_study}", responses=problems(401, 403, 404, 409, 412, 428))
def replace_case_study(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    case_study: CaseStudyPath,
    if_match: IfMatchHeader,
    body: CaseStudyWrite,
) -> CaseStudyRead:
    """Write a case study anew."""
    row = actions.replace_case_study(session, caller, case_study, body, if_match)
    return _answer(request, session, caller, row)


@router.patch("/{case_study}", responses=problems(401, 403, 404, 409, 412, 428))
def update_case_study(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    case_study: CaseStudyPath,
    if_match: IfMatchHeader,
    body: MergePatch,
) -> CaseStudyRead:
    """Change some members of a case study. A list is replaced whole."""
    row = actions.update_case_study(session, caller, case_study, body, if_match)
    return _answer(request, session, caller, row)


@router.delete("/{case_study}", status_code=204, responses=problems(401, 403, 404, 412, 428))
def delete_case_study(
    session: WriteSession,
    caller: CoordinatorOrStaff,
    case_study: CaseStudyPath,
    if_match: IfMatchHeader,
) -> None:
    """Take a case study out of sight. Its quotes are erased."""
    actions.delete_case_study(session, caller, case_study, if_match)


def _answer(request: Request, session: Session, caller: Caller, row: CaseStudy) -> CaseStudyRead:
    show_version(request, row)
    return reading.whole(session, caller, row, request.app.state.settings.public_url)
