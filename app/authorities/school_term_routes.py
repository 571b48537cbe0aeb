"""HTTP for school terms."""

from datetime import date
from email.message import Message
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import Field, model_validator

from app.access.callers import AnyCaller, Staff
from app.authorities import queries, school_term_actions, school_term_files, school_term_queries
from app.authorities.models import GSS_PATTERN
from app.authorities.reading import Atlas
from app.authorities.school_term_files import Sheet
from app.authorities.school_terms import (
    SchoolTerm,
    SchoolTermRead,
    SchoolTermsReport,
)
from app.kit.pages import ListParameters, Page, page, paginate
from app.kit.problems import UNSUPPORTED_MEDIA_TYPE, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.times import today

router = make_router("/v1/school-terms", "authorities")
routers = (router,)

BODY: dict[str, Any] = {
    "application/json": {"schema": {"$ref": "#/components/schemas/SchoolTermsWrite"}},
    "text/csv": {
        "schema": {"type": "string"},
        "example": "authority,name,starts_on,ends_on,source\n"
        ",Autumn 1 2026,2026-09-02,2026-10-23,An example\n"
        ",Autumn 2 2026,2026-11-02,2026-12-18,An example\n"
        "E08000025,Autumn 1 2026,03/09/2026,22/10/2026,An example\n",
    },
}


class SchoolTermParameters(ListParameters):
    """Which terms."""

    authority: Annotated[
        list[Annotated[str, Field(pattern=GSS_PATTERN)]],
        Field(
            max_length=60,
            description="GSS codes: the terms that hold there, which are an authority's own, else "
            "its county's, else the region's.",
            examples=[["E08000025"]],
        ),
    ] = []
    starts: Annotated[
        date | None, Field(alias="from", description="Terms with a day on or after this one.")
    ] = None
    ends: Annotated[
        date | None, Field(alias="to", description="Terms with a day on or before this one.")
    ] = None

    @model_validator(mode="after")
    def in_order(self) -> "SchoolTermParameters":
        """`to` may not come before `from`."""
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("to must not come before from.")
        return self


async def _body(request: Request, caller: Staff) -> bytes:  # noqa: ARG001 - known first
    """The bytes of the body. Who sends them is known by then."""
    return await request.body()


def _sheet(request: Request, data: Annotated[bytes, Depends(_body)]) -> Sheet:
    """The terms in the body, in the way that its type names."""
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    match kind.get_content_type():
        case "application/json":
            return school_term_files.from_json(data)
        case "text/csv":
            return school_term_files.from_csv(data)
        case _:
            raise Problem(
                UNSUPPORTED_MEDIA_TYPE,
                "Send JSON or CSV, with Content-Type: application/json or text/csv.",
            )


@router.get("", responses=problems(400))
def list_school_terms(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[SchoolTermParameters, Query()],
) -> Page[SchoolTermRead]:
    """School terms, the first to start before the others.

    Each is one unbroken stretch: what lies between two of the same authority is holiday. Of days
    before the first and after the last nothing is known.
    """
    queries.check_codes(session, parameters.authority, "?authority")
    codes = parameters.authority
    statement = school_term_queries.listed(
        caller,
        holders=school_term_queries.holding_in(session, codes) if codes else None,
        starts=parameters.starts,
        ends=parameters.ends,
    )
    part = paginate(session, statement, school_term_queries.ORDER, parameters, request)
    atlas = Atlas.read(session, today(), request.app.state.settings.public_url)
    return page(request, response, part, [_read(atlas, row) for row in part.rows])


@router.put(
    "",
    responses=problems(401, 403, 413, 415),
    openapi_extra={"requestBody": {"required": True, "content": BODY}},
)
def replace_school_terms(
    caller: Staff, sheet: Annotated[Sheet, Depends(_sheet)], session: WriteSession
) -> SchoolTermsReport:
    """Replace all school terms by these, as JSON or CSV; the same again changes nothing.

    Each is one unbroken stretch, so a half term ends one and the next begins after it. Those of
    one authority may not overlap. Nothing is written unless all of them are right: a 422 names
    each item that is not, in a table by its line.
    """
    try:
        return school_term_actions.replace(session, caller, sheet.write)
    except Problem as problem:
        raise school_term_files.with_lines(problem, sheet.lines) from None


def _read(atlas: Atlas, row: SchoolTerm) -> SchoolTermRead:
    return SchoolTermRead(
        **row.model_dump(include=set(SchoolTermRead.model_fields)),
        authority=atlas.reference(row.authority_pk),
    )
