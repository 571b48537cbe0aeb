"""HTTP for the enquirer, who brings the token of the mailed link and no key."""

import base64
import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, FastAPI, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel import Session
from starlette.responses import HTMLResponse

from app.enquiries import actions, queries, reading, tokens
from app.enquiries.models import Enquiry
from app.enquiries.routes import desk_of
from app.enquiries.shown import MyEnquiry
from app.enquiries.written import MessageWrite
from app.kit.problems import NOT_FOUND, UNAUTHENTICATED, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession

SCHEME = "enquiry_link"
PAGE = Path(__file__).with_name("my_enquiry.html")

router = make_router("/v1/my-enquiry", "enquiries")
routers = (router,)

bearer = HTTPBearer(
    scheme_name=SCHEME,
    description="The token after the # of the link that the enquirer got by mail.",
    auto_error=False,
)


class Holder(NamedTuple):
    """Who holds a link: the enquiry that it opens, and when it ends."""

    enquiry: UUID
    ends_at: datetime


def link_holder(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Holder:
    """The enquiry of the link whose token is shown."""
    found = tokens.opened(desk_of(request), credentials.credentials) if credentials else None
    if found is None:
        raise Problem(
            UNAUTHENTICATED,
            "This link is not valid, or it has ended. Use the one in the latest mail from us.",
            headers={"WWW-Authenticate": 'Bearer realm="enquiry"'},
        )
    return Holder(*found)


LinkHolder = Annotated[Holder, Depends(link_holder)]


@router.get("", responses=problems(401, 404), summary="Your enquiry")
def get_my_enquiry(request: Request, session: ReadSession, holder: LinkHolder) -> MyEnquiry:
    """What you sent, what we answered, and how far it has come."""
    return _answer(request, session, holder, _own(session, holder))


@router.post("/messages", responses=problems(401, 404, 409), summary="Add to your enquiry")
def add_my_enquiry_message(
    request: Request, session: WriteSession, holder: LinkHolder, body: MessageWrite
) -> MyEnquiry:
    """Add what you still want to say. If we had answered, it is with us again."""
    row = actions.add_message(session, desk_of(request), _own(session, holder, lock=True), body)
    return _answer(request, session, holder, row)


@router.post("/withdraw", responses=problems(401, 404), summary="Withdraw your enquiry")
def withdraw_my_enquiry(request: Request, session: WriteSession, holder: LinkHolder) -> MyEnquiry:
    """Take your enquiry back. It is deleted soon after."""
    row = actions.withdraw(session, desk_of(request), _own(session, holder, lock=True))
    return _answer(request, session, holder, row)


def open_page(app: FastAPI) -> None:
    """Serve the plain page that the mailed link opens, unless a front end has its own."""
    text = PAGE.read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash(text, 'script')}; "
        f"style-src {_hash(text, 'style')}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
    }

    async def get_my_enquiry_page(_: Request) -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    app.add_route("/my-enquiry", get_my_enquiry_page, include_in_schema=False)


def _hash(page: str, tag: str) -> str:
    """The hash by which a policy lets the one script, or the one style, of a page run."""
    found = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digest = hashlib.sha256((found[1] if found else "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _own(session: Session, holder: Holder, *, lock: bool = False) -> Enquiry:
    row = queries.own(session, holder.enquiry, lock=lock)
    if row is None:
        raise Problem(NOT_FOUND, "This enquiry was deleted, as our retention rules say.")
    return row


def _answer(request: Request, session: Session, holder: Holder, row: Enquiry) -> MyEnquiry:
    session.flush()
    return reading.own(session, desk_of(request).rules, row, holder.ends_at)
