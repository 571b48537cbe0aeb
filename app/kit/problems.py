"""One shape for every error: RFC 9457 problem details."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.database import Unavailable, is_unavailable
from app.kit.strict_json import dumps

log = logging.getLogger("app.problems")
request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The identifier of the request being answered; `observe` sets it."""

MEDIA_TYPE = "application/problem+json"
MAXIMUM_ERRORS = 100


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its stable code, status, title and what to do about it."""

    code: str
    status: int
    title: str
    advice: str

    def __post_init__(self) -> None:
        """Enter the list that `/problems/{code}` explains."""
        KINDS[self.code] = self


KINDS: dict[str, Kind] = {}

BAD_REQUEST = Kind("bad_request", 400, "Bad request", "Send a well-formed HTTP request.")
BAD_CURSOR = Kind(
    "bad_cursor", 400, "Bad cursor",
    "Use `next` exactly as it was given, with the same filters and sort, or start again.",
)  # fmt: skip
UNAUTHENTICATED = Kind(
    "unauthenticated", 401, "Not signed in",
    "Send a valid key in the header: Authorization: Bearer lcep_….",
)  # fmt: skip
FORBIDDEN = Kind("forbidden", 403, "Not allowed", "Ask the regional team for the role you need.")
NOT_FOUND = Kind("not_found", 404, "Not found", "Check the address. `GET /` lists what there is.")
METHOD_NOT_ALLOWED = Kind(
    "method_not_allowed", 405, "Method not allowed", "Use a method that the Allow header names."
)
REQUEST_TIMEOUT = Kind(
    "request_timeout", 408, "Request timeout", "Send the whole request without long pauses."
)
CONFLICT = Kind("conflict", 409, "Conflict", "Read the thing again and change what conflicts.")
IN_USE = Kind("in_use", 409, "Still in use", "Remove what refers to it first.")
IDEMPOTENCY_IN_FLIGHT = Kind(
    "idempotency_in_flight", 409, "The first request is still running",
    "Wait a moment, then send the same request again.",
)  # fmt: skip
GONE = Kind("gone", 410, "Gone", "It was withdrawn. Remove your copy.")
STALE = Kind(
    "stale", 412, "Changed in the meantime", "Read it again and repeat your edit with its ETag."
)
TOO_LARGE = Kind(
    "too_large", 413, "Too large", "Send less in one request: split a batch into several."
)
UNSUPPORTED_MEDIA_TYPE = Kind(
    "unsupported_media_type", 415, "Unsupported media type",
    "Send one of the media types that the documentation names, as Content-Type.",
)  # fmt: skip
INVALID = Kind("invalid", 422, "Invalid", "Change what `errors` points at and send it again.")
IDEMPOTENCY_MISMATCH = Kind(
    "idempotency_mismatch", 422, "Idempotency-Key used for something else",
    "Use a new key for a different request.",
)  # fmt: skip
PRECONDITION_REQUIRED = Kind(
    "precondition_required", 428, "If-Match is needed",
    "Read the thing first and send its ETag back in If-Match.",
)  # fmt: skip
TOO_MANY = Kind("too_many_requests", 429, "Too many requests", "Wait as long as Retry-After says.")
HEADERS_TOO_LARGE = Kind("headers_too_large", 431, "Headers too large", "Send shorter headers.")
INTERNAL = Kind(
    "internal", 500, "Something went wrong here",
    "Try again. If it stays, tell the regional team the request_id.",
)  # fmt: skip
UNAVAILABLE = Kind(
    "unavailable", 503, "Busy", "Nothing was changed. Try again as Retry-After says."
)

BY_STATUS = {
    400: BAD_REQUEST,
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    408: REQUEST_TIMEOUT,
    409: CONFLICT,
    410: GONE,
    412: STALE,
    413: TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE,
    422: INVALID,
    428: PRECONDITION_REQUIRED,
    429: TOO_MANY,
    431: HEADERS_TOO_LARGE,
    500: INTERNAL,
    503: UNAVAILABLE,
}


@dataclass
class Problem(Exception):
    """Raise this to answer with a problem. `detail` is about this case; say what to do next."""

    kind: Kind
    detail: str = ""
    errors: Sequence["FieldError"] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The code and the detail, for logs and commands."""
        return f"{self.kind.code}: {self.detail}"


class FieldError(BaseModel):
    """One thing wrong with the request."""

    pointer: str = Field(
        description="Where: a JSON pointer into the body, `?name` for a parameter, `:name` for "
        "a part of the path, or a header's name.",
        examples=["#/sessions/0/ends_at"],
    )
    detail: str = Field(description="What is wrong and what is allowed.")
    code: str = Field(description="A stable word for programs.", examples=["missing"])


class ProblemRead(BaseModel):
    """An error, as RFC 9457 describes it."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="A page that explains this kind of problem.")
    title: str = Field(description="The kind of problem, in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened and what to do next.")
    instance: str = Field(description="The path that was asked for.")
    code: str = Field(description="A stable word for programs.", examples=["not_found"])
    request_id: str = Field(description="Quote this when you ask for help.")
    errors: list[FieldError] | None = Field(
        default=None, description="Each thing that is wrong, when several may be."
    )


class MemberError(ValueError):
    """What is wrong with one member, where a validator compares several: it is pointed at."""

    def __init__(self, detail: str, *member: int | str) -> None:
        super().__init__(detail)
        self.member = member


def invalid(pointer: str, detail: str, code: str = "invalid") -> Problem:
    """A 422 about one member of the request."""
    error = FieldError(pointer=pointer, detail=detail, code=code)
    return Problem(INVALID, detail, errors=[error])


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for the problems that a route may answer with."""
    return {status: _documented(BY_STATUS[status].title) for status in statuses}


def _documented(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def answer(problem: Problem, scope: Scope) -> Response:
    """The response that tells of a problem."""
    kind = problem.kind
    public_url = scope["app"].state.settings.public_url if "app" in scope else ""
    body: dict[str, Any] = {
        "type": f"{public_url}/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail or _limit(kind, scope) + kind.advice,
        "instance": scope.get("path", ""),
        "code": kind.code,
        "request_id": request_id.get(),
    }
    if problem.errors:
        body["errors"] = [error.model_dump() for error in problem.errors[:MAXIMUM_ERRORS]]
    body |= problem.extra
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(dumps(body), kind.status, headers=headers, media_type=MEDIA_TYPE)


def _limit(kind: Kind, scope: Scope) -> str:
    """How much a body may hold, if that is what it is about."""
    limit = scope.get(MAX_BODY_SIZE_SCOPE_KEY)
    if kind is not TOO_LARGE or limit is None:
        return ""
    return f"A body has at most {limit / 1_000_000:g} MB here. "


def translate(error: Exception) -> Problem:
    """The problem that stands for any exception; unknown ones are logged and say nothing."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            found = [field_error(item) for item in error.errors()]
            return Problem(INVALID, _summary(found), errors=found)
        case HTTPException():
            kind = BY_STATUS.get(error.status_code) or Kind(
                "http_error", error.status_code, HTTPStatus(error.status_code).phrase, ""
            )
            return Problem(kind, headers=error.headers or {})
        case ClientDisconnect():
            return Problem(BAD_REQUEST, "The request ended before it was whole.")
        case StaleDataError():
            return Problem(STALE)
        case Unavailable():
            return Problem(UNAVAILABLE, headers={"Retry-After": "2"})
        case _ if is_unavailable(error):
            return Problem(UNAVAILABLE, headers={"Retry-After": "2"})
        case IntegrityError():
            log.info("integrity", extra={"error": type(error.orig).__name__})
            return Problem(CONFLICT, "It clashes with something that exists already.")
        case DataError():
            return Problem(INVALID, "A value is out of range.")
        case _:
            log.error("unhandled", exc_info=error)
            return Problem(INTERNAL)


def _summary(errors: Sequence[FieldError]) -> str:
    first = f"{errors[0].pointer}: {errors[0].detail}" if errors else INVALID.advice
    return first if len(errors) < 2 else f"{first} (and {len(errors) - 1} more)"


PLACES = {"query": "?", "path": ":", "header": "", "cookie": ""}
_BRANCH = re.compile(r"function-\w+\[.*|constrained-\w+|literal\[.*", re.DOTALL)
"""How pydantic marks, in a location, which kind of several it tried: not part of the body."""


def field_error(item: Mapping[str, Any]) -> FieldError:
    """What pydantic found wrong, with the member that it is about."""
    error = (item.get("ctx") or {}).get("error")
    member = error.member if isinstance(error, MemberError) else ()
    return FieldError(
        pointer=pointer([*item["loc"], *member]), detail=sentence(item), code=str(item["type"])
    )


def pointer(location: Iterable[int | str]) -> str:
    """A pydantic location as `#/a/0/b`, `?name` or `:name`."""
    first, *rest = location
    if first in PLACES:
        return PLACES[str(first)] + ".".join(str(part) for part in rest)
    parts = [
        part
        for part in (rest if first == "body" else [first, *rest])
        if isinstance(part, int) or not _BRANCH.fullmatch(part)
    ]
    return "#" + "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in parts)


def sentence(item: Mapping[str, Any]) -> str:
    """What pydantic found wrong, in words that say what to change."""
    context = item.get("ctx") or {}
    match item["type"]:
        case "missing":
            return "This is needed."
        case "extra_forbidden":
            return "There is no such name here. Check its spelling or leave it out."
        case "enum" | "literal_error":
            return f"Use one of {context.get('expected', '')}."
        case "model_type" | "model_attributes_type" | "dict_type":
            return "Send a JSON object."
        case "value_error":
            return str(context.get("error", item["msg"]))
        case "json_invalid":
            return f"This is not valid JSON: {context.get('error', '')}"
        case _:
            message = str(item["msg"])
            return message if message.endswith(".") else message + "."


def handle(request: Request, error: Exception) -> Response:
    """The exception handler of the application."""
    return answer(translate(error), request.scope)


def install(app: FastAPI) -> None:
    """Answer every known exception of an application as a problem."""
    for kind in (
        Problem,
        RequestValidationError,
        HTTPException,
        StaleDataError,
        Unavailable,
        IntegrityError,
        DataError,
    ):
        app.add_exception_handler(kind, handle)


class Guard:
    """The innermost middleware: nothing below it may fail without a problem being answered.

    It also gives the plain-text refusals of lower layers (a body over the limit) their shape.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass HTTP through, and answer what breaks."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        replaced: Response | None = None

        async def watched(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                headers = dict(message["headers"])
                plain = headers.get(b"content-type", b"").startswith(b"text/plain")
                if plain and message["status"] >= 400:
                    kind = BY_STATUS.get(message["status"], BAD_REQUEST)
                    replaced = answer(Problem(kind), scope)
                    return
            if replaced is None:
                await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            replaced = answer(translate(error), scope)
        if replaced is not None:
            await replaced(scope, receive, send)
