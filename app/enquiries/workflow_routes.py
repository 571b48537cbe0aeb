"""HTTP for what coordinators and staff do with an enquiry."""

from fastapi import Request
from sqlmodel import Session

from app.access.callers import Admin, SignedIn
from app.access.models import Caller
from app.enquiries import reading, retention
from app.enquiries import workflow_actions as workflow
from app.enquiries.models import Enquiry
from app.enquiries.routes import EnquiryPath, desk_of
from app.enquiries.shown import EnquirySummary
from app.enquiries.written import (
    AssignWrite,
    CloseWrite,
    EnquiryMerge,
    HoldWrite,
    NoteWrite,
    ReassignWrite,
    ReplyWrite,
)
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.problems import problems
from app.kit.routes import router as make_router
from app.kit.sessions import WriteSession

router = make_router("/v1/enquiries/{enquiry_id}", "enquiries")
routers = (router,)
STEP = problems(401, 403, 404, 409, 412, 428)


@router.post("/assign", responses=STEP)
def assign_enquiry(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
    body: AssignWrite,
) -> EnquirySummary:
    """Say who answers: you, or a colleague, who is told by mail if you give an address."""
    row = workflow.found(session, caller, enquiry_id, "assign", if_match)
    return _answer(
        request, session, caller, workflow.assign(session, caller, desk_of(request), row, body)
    )


@router.post("/reply", responses=STEP)
def reply_to_enquiry(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
    body: ReplyWrite,
) -> EnquirySummary:
    """Answer by mail. Replies to one enquirer stand in one thread."""
    row = workflow.found(session, caller, enquiry_id, "reply", if_match)
    return _answer(
        request, session, caller, workflow.reply(session, caller, desk_of(request), row, body)
    )


@router.post("/note", responses=problems(401, 403, 404))
def add_enquiry_note(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    body: NoteWrite,
) -> EnquirySummary:
    """Write something down for colleagues. It is not sent, and needs no If-Match."""
    row = workflow.found(session, caller, enquiry_id, "note")
    return _answer(request, session, caller, workflow.note(session, caller, row, body))


@router.post("/close", responses=STEP)
def close_enquiry(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
    body: CloseWrite,
) -> EnquirySummary:
    """End an enquiry and say how it ended. It is forgotten some time after."""
    row = workflow.found(session, caller, enquiry_id, "close", if_match)
    desk = desk_of(request)
    return _answer(
        request, session, caller, workflow.close(session, caller, desk, row, body.outcome)
    )


@router.post("/reopen", responses=STEP)
def reopen_enquiry(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
) -> EnquirySummary:
    """Take an enquiry up again; for one that was taken for spam, say that it is none."""
    row = workflow.found(session, caller, enquiry_id, "reopen", if_match)
    return _answer(
        request, session, caller, workflow.reopen(session, caller, desk_of(request), row)
    )


@router.post("/spam", responses=STEP)
def mark_enquiry_as_spam(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
) -> EnquirySummary:
    """Put an enquiry aside as spam. The enquirer is told nothing."""
    row = workflow.found(session, caller, enquiry_id, "spam", if_match)
    return _answer(
        request, session, caller, workflow.mark_spam(session, caller, desk_of(request), row)
    )


@router.post("/share", responses=STEP)
def share_enquiry(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
) -> EnquirySummary:
    """Let the provider whose listing it is about read who asks, if the enquirer agreed."""
    row = workflow.found(session, caller, enquiry_id, "share", if_match)
    return _answer(request, session, caller, workflow.share(session, caller, desk_of(request), row))


@router.post("/reassign", responses=STEP)
def reassign_enquiry(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
    body: ReassignWrite,
) -> EnquirySummary:
    """Hand an enquiry to another partnership or to the region. Its clock runs on."""
    row = workflow.found(session, caller, enquiry_id, "reassign", if_match)
    return _answer(
        request, session, caller, workflow.reassign(session, caller, desk_of(request), row, body)
    )


@router.post("/merge", responses=STEP)
def merge_enquiry(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
    body: EnquiryMerge,
) -> EnquirySummary:
    """Merge an enquiry into another of the same person, which gets all that was said."""
    row = workflow.found(session, caller, enquiry_id, "merge", if_match)
    return _answer(
        request, session, caller, workflow.merge(session, caller, desk_of(request), row, body)
    )


@router.post("/hold", responses=problems(401, 403, 404, 412, 428))
def hold_enquiry(
    request: Request,
    session: WriteSession,
    caller: Admin,
    enquiry_id: EnquiryPath,
    if_match: IfMatchHeader,
    body: HoldWrite,
) -> EnquirySummary:
    """Keep an enquiry whatever its age, because law demands it, or let it go again."""
    row = workflow.found(session, caller, enquiry_id, "hold", if_match)
    return _answer(request, session, caller, workflow.hold(session, caller, row, body))


@router.post("/erase", status_code=204, responses=problems(401, 403, 404, 409))
def erase_enquiry(
    request: Request, session: WriteSession, caller: Admin, enquiry_id: EnquiryPath
) -> None:
    """Forget an enquiry at once, with all that was said and mailed. Only a number remains."""
    row = workflow.found(session, caller, enquiry_id, "erase")
    retention.erase(session, caller, desk_of(request), row)


def _answer(request: Request, session: Session, caller: Caller, row: Enquiry) -> EnquirySummary:
    """The enquiry without the person: what is answered here may be kept for a retry."""
    session.flush()
    show_version(request, row)
    return reading.in_list(session, caller, [row], request.app.state.settings.public_url)[0]
