"""The route class of this API: strict bodies, known parameters only, remembered answers."""

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from email.message import Message
from typing import Any, TypeVar, get_origin
from weakref import WeakKeyDictionary

from fastapi import Request, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.kit import idempotency
from app.kit.problems import INVALID, UNSUPPORTED_MEDIA_TYPE, FieldError, Problem
from app.kit.strict_json import BadJSON, loads

LARGE = 200_000
"""Bodies longer than this many bytes are parsed off the event loop."""


ShortWay = Callable[[Request], Awaitable[Response | None]]
"""Answers a request on the event loop if it can, or leaves it to the handler with None."""
_SHORT_WAYS: WeakKeyDictionary[Callable[..., Any], ShortWay] = WeakKeyDictionary()
E = TypeVar("E", bound=Callable[..., Any])


def with_short_way(way: ShortWay) -> Callable[[E], E]:
    """Give a handler a named fast path, which is tried first and answers just the same."""

    def mark(endpoint: E) -> E:
        _SHORT_WAYS[endpoint] = way
        return endpoint

    return mark


class Route(APIRoute):
    """A route that refuses what it does not know before it runs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the checks in front and the memory of answers behind."""
        run = super().get_route_handler()
        known = dict(_query_names(self.dependant))
        reads_json = self.body_field is not None and not _is_form(self.body_field)
        asked = frozenset(_calls(self.dependant))

        short_way = _SHORT_WAYS.get(self.endpoint)

        async def handle(request: Request) -> Response:
            if short_way is not None and (quick := await short_way(request)) is not None:
                return quick
            _check_query(request, known)
            if reads_json:
                if not asked.isdisjoint(request.app.state.guards):
                    # Nobody unknown makes us read, or even parse, what may be 32 MB.
                    await request.app.state.admit(request)
                await _parse(request)
            try:
                response = await run(request)
            except idempotency.Replay as replay:
                if replay.version is not None:
                    request.state.version = replay.version
                return replay.response
            session = getattr(request.state, "session", None)
            if session is not None and "idempotency" in session.info:
                version = getattr(request.state, "version", None)
                await run_in_threadpool(idempotency.remember, session, response, version)
            return response

        return handle


def router(prefix: str, tag: str) -> APIRouter:
    """A router of this API: its paths start with `prefix`, its operations carry one tag."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=Route, redirect_slashes=False)


def _query_names(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """The parameters of a query, and whether each may be repeated."""
    for parameter in dependant.query_params:
        annotation = parameter.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            for name, field in annotation.model_fields.items():
                yield field.alias or name, get_origin(field.annotation) is list
        else:
            yield parameter.alias, get_origin(annotation) is list
    for inner in dependant.dependencies:
        yield from _query_names(inner)


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _is_form(body_field: Any) -> bool:
    return isinstance(body_field.field_info, params.Form)


def _check_query(request: Request, known: Mapping[str, bool]) -> None:
    allowed = f"Allowed: {', '.join(sorted(known))}." if known else "None is allowed here."
    errors: list[FieldError] = []
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            # Told once: of hundreds of unknown names, the answer would else be mostly this list.
            told = "" if errors else f" {allowed}"
            detail, code = f"There is no parameter of this name.{told}", "unknown_parameter"
        elif count > 1 and not known[name]:
            detail, code = "This can be given only once.", "repeated_parameter"
        else:
            continue
        errors.append(FieldError(pointer=f"?{name}", detail=detail, code=code))
    if errors:
        raise Problem(INVALID, f"{errors[0].pointer}: {errors[0].detail}", errors=errors)


async def _parse(request: Request) -> None:
    body = await request.body()
    if not body:
        return
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    subtype = message.get_content_subtype()
    if message.get_content_maintype() != "application" or not (
        subtype in {"json", "merge-patch+json"} or subtype.endswith("+json")
    ):
        raise Problem(UNSUPPORTED_MEDIA_TYPE, "Send JSON, with Content-Type: application/json.")
    try:
        large = len(body) > LARGE
        parsed = await run_in_threadpool(loads, body) if large else loads(body)
        request._json = parsed  # noqa: SLF001 - Starlette's own cache of the parsed body
    except BadJSON as error:
        raise Problem(
            INVALID,
            f"The body is not acceptable JSON: {error}",
            errors=[FieldError(pointer="#", detail=str(error), code="json_invalid")],
        ) from None
