"""HTTP for enquiries: the public form, the list, one enquiry."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col

from app.access.callers import SignedIn
from app.access.models import Caller
from app.enquiries import actions, allowances, letters, queries, reading, releases, tokens
from app.enquiries.models import Enquiry, EnquiryKind, State
from app.enquiries.rules import Desk
from app.enquiries.shown import Challenge, EnquiryRead, EnquiryReceipt, EnquirySummary
from app.enquiries.written import EnquiryWrite
from app.kit import idempotency
from app.kit.conditional import show_version
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession, database
from app.kit.times import now
from app.partnerships.queries import partnerships_meant

router = make_router("/v1/enquiries", "enquiries")
routers = (router,)

REGION = "region"
"""Names the regional team where a filter names partnerships."""
EnquiryPath = Annotated[UUID, Path(description="The id of the enquiry.")]


class EnquiryFilters(ListParameters):
    """Which enquiries."""

    state: Annotated[list[State], Field(max_length=6, description="In one of these states.")] = []
    overdue: Annotated[
        bool | None, Field(description="Whether an answer was due and has not been given.")
    ] = None
    kind: Annotated[list[EnquiryKind], Field(max_length=7, description="Of these kinds.")] = []
    partnership: Annotated[
        list[str],
        Field(max_length=60, description="Slugs or ids; `region` is the regional team's own."),
    ] = []
    mine: Annotated[bool, Field(description="Assigned to you, by the name of your key.")] = False
    q: Annotated[
        str | None,
        Field(
            max_length=200,
            description="Words, or parts of them, in the reference, in what it is about, and for "
            "who may read them in the name, the e-mail address, the organisation and the message.",
        ),
    ] = None
    sort: Annotated[
        Literal["received", "due"], Field(description="The newest first, or the most urgent first.")
    ] = "received"


def desk_of(request: Request) -> Desk:
    """The rules and the secret of enquiries."""
    found: Desk = request.app.state.desk
    return found


def address_of(request: Request) -> str:
    """The network address that a request came from."""
    return request.client.host if request.client else "unknown"


def _not_spent(request: Request, key: idempotency.RequestKey) -> None:
    """Refuse a flood by a read alone, before it can queue for the lock of writers.

    Not the retry of what was taken: it gets its first answer again.
    """
    counted = actions.counted(desk_of(request), address_of(request))
    with database(request).reading() as session:
        if key is None or not idempotency.is_known(session, key):
            allowances.refuse_spent(session, counted)


@router.get("/challenge", summary="What a form needs")
async def get_enquiry_challenge(request: Request, response: Response) -> Challenge:
    """A signed token for a form that is opened now. Nothing is stored."""
    response.headers["Cache-Control"] = "no-store"
    return _challenge(desk_of(request))


@router.post("", status_code=202, summary="Send an enquiry", dependencies=[Depends(_not_spent)])
def create_enquiry(request: Request, session: WriteSession, body: EnquiryWrite) -> EnquiryReceipt:
    """Ask, offer or join. The answer is the same whatever we think of it.

    It goes to whoever the thing that it is about belongs to, else to the partnership that covers
    the postcode, else to the regional team. A confirmation follows by mail, with a link to see
    it, to add to it and to withdraw it. What looks like a child's identity, a National Insurance
    number or a card number is refused with 422, and so is a file. Errors never repeat what was
    sent.
    """
    desk = desk_of(request)
    row, partnership = actions.receive(session, desk, body, address_of(request))
    name = letters.who_answers(desk.rules, partnership)
    return EnquiryReceipt(
        reference=row.reference,
        answered_by=name,
        due_at=row.due_at,
        what_happens_next=f"{name[:1].upper()}{name[1:]} will answer by {letters.day_of(row)}. You "
        "get a confirmation by e-mail, with a link to see your enquiry, to add to it or to "
        "withdraw it.",
    )


@router.get("", responses=problems(400, 401))
def list_enquiries(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    parameters: Annotated[EnquiryFilters, Query()],
) -> Page[EnquirySummary]:
    """The enquiries that you answer, or that are about your listings; nothing of the person."""
    due = parameters.sort == "due"
    # Keys follow the order of arrival, and are read in it without sorting all that there is.
    order = [Order(col(Enquiry.pk), descending=not due)]
    if due:
        order.insert(0, Order(col(Enquiry.due_at)))
    statement = queries.listed(caller, **meant(session, caller, parameters))
    part = paginate(session, statement, order, parameters, request)
    public_url = request.app.state.settings.public_url
    return page(request, response, part, reading.in_list(session, caller, part.rows, public_url))


@router.get("/{enquiry_id}", responses=problems(401, 404))
def get_enquiry(
    request: Request, session: WriteSession, caller: SignedIn, enquiry_id: EnquiryPath
) -> EnquiryRead:
    """One enquiry. Whoever may answer it sees who asks, and each such reading is audited."""
    row = queries.by_id(session, caller, enquiry_id)
    if row is None:
        raise Problem(NOT_FOUND, "You have no enquiry of this id. It may have been forgotten.")
    show_version(request, row)
    return releases.read(session, caller, row, request.app.state.settings.public_url)


def _challenge(desk: Desk) -> Challenge:
    at = now()
    return Challenge(
        form_token=tokens.form_token(desk),
        not_before=at + timedelta(seconds=desk.rules.form_seconds),
        expires_at=at + timedelta(hours=desk.rules.form_hours),
    )


def meant(session: Session, caller: Caller, parameters: EnquiryFilters) -> dict[str, Any]:
    """What the filters come to."""
    named = [ref for ref in parameters.partnership if ref != REGION]
    return {
        "states": parameters.state,
        "overdue": parameters.overdue,
        "kinds": parameters.kind,
        "partnership_pks": partnerships_meant(session, caller, named) if named else None,
        "regional": REGION in parameters.partnership,
        "mine": parameters.mine,
        "q": parameters.q,
    }
