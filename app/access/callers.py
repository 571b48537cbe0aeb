"""The caller of a request, and the roles that a route asks for."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from app.access.actions import LastUse, authenticate
from app.access.models import ANONYMOUS, Caller, Role
from app.kit.database import Database
from app.kit.problems import FORBIDDEN, UNAUTHENTICATED, Problem

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="lcep"'}
RANK = list(Role)

bearer = HTTPBearer(
    scheme_name="key",
    description="An API key: `lcep_<id>_<secret>`. Reading what is published needs none.",
    auto_error=False,
)


async def current_caller(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Caller:
    """Who asks. No header is anonymous; a bad one is refused even where none is needed."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    if "authorization" not in request.headers:
        return ANONYMOUS
    if credentials is None or not credentials.credentials.isascii():
        raise Problem(UNAUTHENTICATED, headers=CHALLENGE)
    caller = await run_in_threadpool(
        _authenticated, request.app.state.database, credentials.credentials
    )
    if caller is None:
        raise Problem(
            UNAUTHENTICATED, "This key is not valid. It may have expired.", headers=CHALLENGE
        )
    last_use: LastUse = request.app.state.last_use
    if caller.key_pk is not None:
        last_use.note(caller.key_pk)
    return caller


async def admit(request: Request) -> None:
    """Authenticate before the body is read, where a key is needed."""
    caller = await current_caller(request, await bearer(request))
    if not caller.is_signed_in:
        raise Problem(UNAUTHENTICATED, headers=CHALLENGE)
    request.state.caller = caller


def _authenticated(database: Database, token: str) -> Caller | None:
    with database.reading() as session:
        return authenticate(session, token)


AnyCaller = Annotated[Caller, Depends(current_caller)]


def at_least(role: Role) -> Callable[[Caller], Caller]:
    """A dependency that lets through this role and those above it."""

    async def check(caller: AnyCaller) -> Caller:
        if not caller.is_signed_in:
            raise Problem(UNAUTHENTICATED, headers=CHALLENGE)
        if RANK.index(caller.role) < RANK.index(role):
            raise Problem(FORBIDDEN, f"This needs the role {role} or above.")
        return caller

    return check  # type: ignore[return-value]


SignedIn = Annotated[Caller, Depends(at_least(Role.PUBLISHER))]
CoordinatorOrStaff = Annotated[Caller, Depends(at_least(Role.COORDINATOR))]
Staff = Annotated[Caller, Depends(at_least(Role.STAFF))]
Admin = Annotated[Caller, Depends(at_least(Role.ADMIN))]
