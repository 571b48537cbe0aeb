"""The contract: the OpenAPI document, made honest about errors, security and names.

FastAPI documents a validation error in its own shape and knows nothing of the problems that
middleware answers with; here every operation gets the one shape of `kit/problems`.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from app.kit.problems import BY_STATUS, MEDIA_TYPE, ProblemRead

EVERYWHERE = (401, 422, 429, 500, 503)
WITH_BODY = (413, 415)
READ_HEADERS = {
    "ETag": "The version and digest of this representation.",
    "Cache-Control": "How long it may be kept.",
}
ALL_HEADERS = {
    "X-Request-Id": "Names this request in the service's log.",
    "RateLimit": "How many requests remain, and the seconds until the count starts anew.",
    "RateLimit-Policy": "The quota and its window in seconds.",
}


def operation_name(route: APIRoute) -> str:
    """The name of the route's function, as the camelCase that clients call it by."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def document(
    app: FastAPI,
    *,
    tags: list[dict[str, str]],
    signs_in: frozenset[Any],
    models: Sequence[type[BaseModel]] = (),
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application.

    `signs_in` are the dependencies that refuse a caller without a key: an operation that has
    none of them is public. `models` are shapes that routes only refer to.
    """
    contract = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=tags,
        contact=app.contact,
        license_info=app.license_info,
        servers=app.servers,
    )
    schemas = contract.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    shown: list[type[BaseModel]] = [ProblemRead, *models]
    for model in shown:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[schema["title"]] = schema
    protected = dict(_protected(app, signs_in))
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            operation["security"] = [{"key": []}]
            if not protected.get((path, method), False):
                operation["security"].insert(0, {})
            _complete(operation, method)
    return contract


def _protected(app: FastAPI, signs_in: frozenset[Any]) -> Iterator[tuple[tuple[str, str], bool]]:
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is not None:
            calls = set(_calls(dependant))
            for method in context.methods or ():
                yield (_plain(context.path or ""), method.lower()), not calls.isdisjoint(signs_in)


def _plain(path: str) -> str:
    """A path as OpenAPI writes it, without the converter of a parameter."""
    return path.replace(":path}", "}")


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _complete(operation: dict[str, Any], method: str) -> None:
    responses: dict[str, Any] = operation["responses"]
    statuses = [*EVERYWHERE, *(WITH_BODY if "requestBody" in operation else ())]
    if "requestBody" in operation or method in {"put", "patch", "delete"}:
        statuses.append(400)
    responses.pop("422", None)
    for status in statuses:
        responses.setdefault(str(status), _problem(BY_STATUS[status].title))
    for status, response in responses.items():
        if status.startswith("2"):
            names = ALL_HEADERS | (READ_HEADERS if method == "get" else {})
            headers = response.setdefault("headers", {})
            for name, description in names.items():
                headers.setdefault(name, {"description": description, "schema": {"type": "string"}})
        elif status.startswith(("4", "5")):
            response["content"] = _problem("")["content"]
            if status in {"429", "503"}:
                response["headers"] = {
                    "Retry-After": {
                        "description": "Seconds to wait.",
                        "schema": {"type": "string"},
                    }
                }
    if method == "get":
        responses.setdefault("304", {"description": "What you have (If-None-Match) is current."})
    operation["responses"] = dict(sorted(responses.items()))


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def text(contract: dict[str, Any]) -> str:
    """The document as it is committed: indented, ending in a newline."""
    return json.dumps(contract, indent=1, ensure_ascii=False) + "\n"


def committed() -> Path:
    """The committed file."""
    return Path(__file__).resolve().parents[2] / "openapi" / "openapi.json"
