"""HTTP for numbers, tables, and what is kept of a person."""

from typing import Annotated

from fastapi import Query, Request, Response
from sqlmodel import col

from app.access.callers import Admin, CoordinatorOrStaff
from app.enquiries import queries, reading, releases
from app.enquiries.models import Enquiry
from app.enquiries.releases import MOST_ROWS
from app.enquiries.routes import EnquiryFilters, meant
from app.enquiries.shown import EnquiryCounts, SubjectAccess
from app.enquiries.written import SubjectAccessWrite
from app.kit.problems import invalid, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, SecretSession, WriteSession

router = make_router("/v1", "enquiries")
routers = (router,)


@router.get("/enquiries/counts", responses=problems(401, 403))
def get_enquiry_counts(
    request: Request, session: ReadSession, caller: CoordinatorOrStaff
) -> EnquiryCounts:
    """Numbers for a dashboard: states, what is overdue, kinds, and months, forgotten ones too."""
    return reading.counts(session, caller, request.app.state.settings.public_url)


@router.get(
    "/enquiries.csv",
    response_class=Response,
    responses={
        **problems(401, 403),
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The CSV"},
    },
)
def get_enquiries_csv(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    parameters: Annotated[EnquiryFilters, Query()],
) -> Response:
    """The same list as CSV, with who asks and the message, at most 5,000; each one is audited."""
    statement = (
        queries.listed(caller, **meant(session, caller, parameters))
        .order_by(col(Enquiry.pk).desc())
        .limit(MOST_ROWS + 1)
    )
    rows = list(session.execute(statement).scalars())
    if len(rows) > MOST_ROWS:
        raise invalid("?state", f"These are more than {MOST_ROWS:,} enquiries. Narrow them down.")
    text = releases.as_csv(session, caller, rows, request.app.state.settings.public_url)
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="enquiries.csv"',
            "Cache-Control": "private, no-store",
        },
    )


@router.post("/enquiries/subject-access", responses=problems(401, 403))
def get_subject_access(
    request: Request, session: SecretSession, caller: Admin, body: SubjectAccessWrite
) -> SubjectAccess:
    """All that is kept of the person with an e-mail address, notes included. It is audited."""
    public_url = request.app.state.settings.public_url
    return releases.subject_access(session, caller, body.email, public_url)
