"""HTTP for the members of a partnership."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col

from app.access.callers import AnyCaller, CoordinatorOrStaff
from app.access.models import Caller
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.database import key
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.partnerships import member_actions, queries, reading
from app.partnerships.models import Member, MemberRead, MemberRole, MemberWrite, Partnership
from app.vocabularies.models import Vocabulary

router = make_router("/v1/partnerships/{partnership}/members", "partnerships")
PartnershipPath = Annotated[
    str,
    Path(max_length=80, description="The slug or the id.", examples=["birmingham"]),
]
MemberPath = Annotated[UUID, Path(description="The id of the member.")]


class MemberParameters(ListParameters):
    """Which members."""

    sector: Annotated[
        list[str], Field(max_length=40, description="Terms of the vocabulary `sector`.")
    ] = []
    role: Annotated[
        list[MemberRole], Field(max_length=10, description="What they do in the partnership.")
    ] = []
    ended: Annotated[
        bool, Field(description="Also those who have left, and those still to come.")
    ] = False


@router.get("", responses=problems(400, 404))
def list_partnership_members(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    partnership: PartnershipPath,
    parameters: Annotated[MemberParameters, Query()],
) -> Page[MemberRead]:
    """The members at present, in the order of their joining; people only by their consent."""
    queries.check_filter(session, "sector", Vocabulary.SECTOR, parameters.sector)
    row = found(session, caller, partnership)
    statement = queries.members(
        caller,
        key(row),
        ended=parameters.ended,
        sectors=parameters.sector,
        roles=parameters.role,
    )
    part = paginate(session, statement, [Order(col(Member.pk))], parameters, request)
    public_url = request.app.state.settings.public_url
    items = reading.member_reads(session, caller, row, part.rows, public_url)
    return page(request, response, part, items)


@router.post("", status_code=201, responses=problems(401, 403, 404, 409))
def add_partnership_member(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    partnership: PartnershipPath,
    body: MemberWrite,
) -> MemberRead:
    """Let an organisation or an individual practitioner join."""
    row, member = member_actions.add_member(session, caller, partnership, body)
    shown = _answer(request, session, caller, row, member)
    response.headers["Location"] = shown.href
    return shown


@router.get("/{member_id}", responses=problems(404))
def get_partnership_member(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    partnership: PartnershipPath,
    member_id: MemberPath,
) -> MemberRead:
    """One member, at present or in the past."""
    row = found(session, caller, partnership)
    member = queries.member(session, caller, key(row), member_id)
    if member is None:
        raise Problem(NOT_FOUND, "This partnership has no member of this id.")
    return _answer(request, session, caller, row, member)


@router.put("/{member_id}", responses=problems(401, 403, 404, 409, 412, 428))
def replace_partnership_member(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    partnership: PartnershipPath,
    member_id: MemberPath,
    if_match: IfMatchHeader,
    body: MemberWrite,
) -> MemberRead:
    """Write a member anew, under the version of the member."""
    row, member = member_actions.replace_member(
        session, caller, partnership, member_id, body, if_match
    )
    return _answer(request, session, caller, row, member)


@router.patch("/{member_id}", responses=problems(401, 403, 404, 409, 412, 428))
def update_partnership_member(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    partnership: PartnershipPath,
    member_id: MemberPath,
    if_match: IfMatchHeader,
    body: MergePatch,
) -> MemberRead:
    """Change some things about a member, under the version of the member."""
    row, member = member_actions.update_member(
        session, caller, partnership, member_id, body, if_match
    )
    return _answer(request, session, caller, row, member)


@router.delete("/{member_id}", status_code=204, responses=problems(401, 403, 404, 412, 428))
def end_partnership_membership(
    session: WriteSession,
    caller: CoordinatorOrStaff,
    partnership: PartnershipPath,
    member_id: MemberPath,
    if_match: IfMatchHeader,
) -> None:
    """End a membership today. An organisation stays in the history; a person is erased."""
    member_actions.end_membership(session, caller, partnership, member_id, if_match)


def found(session: Session, caller: Caller, ref: str) -> Partnership:
    """The partnership of a path, or 404."""
    row = queries.partnership(session, caller, ref)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no partnership {ref!r}.")
    return row


def _answer(
    request: Request, session: Session, caller: Caller, row: Partnership, member: Member
) -> MemberRead:
    show_version(request, member)
    public_url = request.app.state.settings.public_url
    return reading.member_reads(session, caller, row, [member], public_url)[0]
