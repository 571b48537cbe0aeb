"""The contract: the OpenAPI document, made honest about errors, security and names.

FastAPI documents a validation error in its own shape and knows nothing of the problems that
middleware answers with; here every operation gets the one shape of `kit/problems`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from app.kit.conditional import require_if_match
from app.kit.problems import BY_STATUS, MEDIA_TYPE, ProblemRead

Operation = dict[str, Any]
Schemas = dict[str, Any]

PAGE = "One page of a list."
"""What pydantic forgets to say of `Page[T]`."""
MERGE_PATCH = "application/merge-patch+json"
EVERYWHERE = (401, 422, 429, 500, 503)
WITH_BODY = (413, 415)
ETAG = {"ETag": "The version and digest of this representation."}
READ_HEADERS = ETAG | {"Cache-Control": "How long it may be kept."}
PAGE_HEADERS = {"Link": 'The next page, if any: `<address>; rel="next"`.'}
CREATED_HEADERS = {"Location": "The address of what was made."}
ALL_HEADERS = {
    "X-Request-Id": "Names this request in the service's log.",
    "RateLimit": "How many requests remain, and the seconds until the count starts anew.",
    "RateLimit-Policy": "The quota and its window in seconds.",
}
ERROR_HEADERS = {
    "401": {"WWW-Authenticate": "How to sign in: `Bearer`."},
    "429": {"Retry-After": "Seconds to wait."},
    "503": {"Retry-After": "Seconds to wait."},
}


def operation_name(route: APIRoute) -> str:
    """The name of the route's function, as the camelCase that clients call it by."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@dataclass(frozen=True)
class _Needs:
    """What a route asks of its caller."""

    key: bool
    if_match: bool
    scheme: str | None
    """Another scheme than a key, which it needs instead."""


def document(
    app: FastAPI,
    *,
    tags: list[dict[str, str]],
    signs_in: frozenset[Any],
    models: Sequence[type[BaseModel]] = (),
    names: Mapping[str, str] | None = None,
    schemes: Mapping[Any, str] | None = None,
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of an application.

    `signs_in` are the dependencies that refuse a caller without a key: an operation that has
    none of them is public. `models` are shapes that routes only refer to. `names` are better
    names for schemas. `schemes` names the security scheme of dependencies that take no key.
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
    schemas: Schemas = contract.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    shown: list[type[BaseModel]] = [ProblemRead, *models]
    for model in shown:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[schema["title"]] = schema
    contract = _renamed(contract, {**(names or {}), **_page_names(schemas)})
    schemas = contract["components"]["schemas"]
    needs = dict(_needs(app, signs_in, schemes or {}))
    examples = json.loads(_examples().read_text(encoding="utf-8"))
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            _complete(operation, method, needs[path, method])
            if method == "patch":
                _describe_patch(operation, item.get("put"), schemas)
            _show_example(operation, examples)
    said = json.dumps(contract)
    contract["components"]["schemas"] = {
        name: schema for name, schema in sorted(schemas.items()) if f'"{_ref(name)}"' in said
    }
    return contract


def _needs(
    app: FastAPI, signs_in: frozenset[Any], schemes: Mapping[Any, str]
) -> Iterator[tuple[tuple[str, str], _Needs]]:
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is not None:
            calls = set(_calls(dependant))
            scheme = next((schemes[call] for call in calls if call in schemes), None)
            needs = _Needs(not calls.isdisjoint(signs_in), require_if_match in calls, scheme)
            for method in context.methods or ():
                yield (_plain(context.path or ""), method.lower()), needs


def _plain(path: str) -> str:
    """A path as OpenAPI writes it, without the converter of a parameter."""
    return path.replace(":path}", "}")


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


# --- operations -------------------------------------------------------------------------------


def _complete(operation: Operation, method: str, needs: _Needs) -> None:
    if needs.scheme:
        operation["security"] = [{needs.scheme: []}]
    else:
        operation["security"] = [{"key": []}] if needs.key else [{}, {"key": []}]
    operation["summary"] = _sentence_case(operation["summary"])
    _complete_parameters(operation, method, needs)
    responses: dict[str, Any] = operation["responses"]
    statuses = [*EVERYWHERE, *(WITH_BODY if "requestBody" in operation else ())]
    if "requestBody" in operation or method in {"put", "patch", "delete"}:
        statuses.append(400)
    responses.pop("422", None)
    for status in statuses:
        responses.setdefault(str(status), _problem(BY_STATUS[status].title))
    for status, response in responses.items():
        if status.startswith("2"):
            _add_headers(response, _headers(operation, method, status, response))
        elif status.startswith(("4", "5")):
            response["content"] = _problem("")["content"]
            _add_headers(response, ERROR_HEADERS.get(status, {}))
    if method == "get" and "200" in responses:
        responses.setdefault("304", {"description": "What you have (If-None-Match) is current."})
    operation["responses"] = dict(sorted(responses.items()))


def _sentence_case(summary: str) -> str:
    """FastAPI makes a title of the function's name; a sentence reads better."""
    return summary.capitalize() if summary.istitle() else summary


def _complete_parameters(operation: Operation, method: str, needs: _Needs) -> None:
    parameters = [
        parameter
        for parameter in operation.pop("parameters", ())
        # It is one dependency of all writes, and does something for POST only.
        if parameter["name"] != "Idempotency-Key" or method == "post"
    ]
    for parameter in parameters:
        if parameter["name"] == "If-Match" and needs.if_match:
            parameter["required"] = True
            schema = parameter["schema"]
            parameter["schema"] = {"type": "string", "title": schema["title"]}
    if parameters:
        operation["parameters"] = parameters


def _headers(
    operation: Operation, method: str, status: str, response: Mapping[str, Any]
) -> dict[str, str]:
    names = dict(ALL_HEADERS)
    if method == "get":
        names |= READ_HEADERS
    elif any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", ())):
        names |= ETAG if "content" in response else {}
    if status == "201":
        names |= CREATED_HEADERS
    for media in response.get("content", {}).values():
        names |= PAGE_HEADERS if media["schema"].get("$ref", "").endswith("Page") else {}
    return names


def _add_headers(response: dict[str, Any], names: Mapping[str, str]) -> None:
    headers = response.setdefault("headers", {}) if names else {}
    for name, description in names.items():
        headers.setdefault(name, {"description": description, "schema": {"type": "string"}})


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def _show_example(operation: Operation, examples: Mapping[str, Any]) -> None:
    name: str = operation["operationId"]
    thing = name.removeprefix("replace")
    for known in (name, f"create{thing}", f"add{thing}"):
        if known in examples and "requestBody" in operation:
            for kind, media in operation["requestBody"]["content"].items():
                if kind != "application/x-ndjson" and kind.endswith("json"):
                    media["example"] = examples[known]
            return


# --- merge patches ----------------------------------------------------------------------------


def _describe_patch(operation: Operation, put: Operation | None, schemas: Schemas) -> None:
    """Say what a merge patch may hold: what a PUT holds, all of it optional, null to clear."""
    (media,) = operation["requestBody"]["content"].values()
    whole = media["schema"].get("$ref")
    if whole is None and put is not None:
        whole = put["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    if whole is None:
        raise ValueError(f"{operation['operationId']} does not say what it changes")
    patch = {"schema": {"$ref": _ref(_patch_of(_name(whole), schemas))}}
    operation["requestBody"]["content"] = {MERGE_PATCH: dict(patch), "application/json": patch}


def _patch_of(name: str, schemas: Schemas) -> str:
    made = f"{name.removesuffix('Write')}Patch"
    if made not in schemas:
        whole = schemas[name]
        schemas[made] = {
            "type": "object",
            "title": made,
            "description": f"{whole['description']} Only what changes; null clears (RFC 7396).",
            "additionalProperties": False,
            "properties": {
                member: _optional(schema, schemas) for member, schema in whole["properties"].items()
            },
        }
    return made


def _optional(schema: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    outer = {key: value for key, value in schema.items() if key in {"title", "description"}}
    inner = {key: value for key, value in schema.items() if key not in {*outer, "default"}}
    kinds = [_partial(kind, schemas) for kind in inner.get("anyOf", [inner])]
    if {"type": "null"} not in kinds:
        kinds.append({"type": "null"})
    return {"anyOf": kinds, **outer}


def _partial(kind: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """A member that is an object is merged in its turn; anything else is replaced whole."""
    name = _name(kind.get("$ref", ""))
    if schemas.get(name, {}).get("type") == "object":
        return {"$ref": _ref(_patch_of(name, schemas))}
    return dict(kind)


# --- names ------------------------------------------------------------------------------------


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _page_names(schemas: Schemas) -> dict[str, str]:
    """`OpportunityPage` for `Page_OpportunityRead_`."""
    found = {name: re.fullmatch(r"Page_(\w+?)(?:Read|Summary)?_", name) for name in schemas}
    return {name: f"{match[1]}Page" for name, match in found.items() if match}


def _renamed(contract: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    schemas = contract["components"]["schemas"]
    for old, new in names.items():
        if new in schemas:
            raise ValueError(f"there is a schema {new} already")
        schemas[new] = {"description": PAGE, **schemas.pop(old), "title": new}
    by_ref = {_ref(old): _ref(new) for old, new in names.items()}

    def follow(value: Any) -> Any:
        match value:
            case dict():
                return {key: follow(item) for key, item in value.items()}
            case list():
                return [follow(item) for item in value]
            case str():
                return by_ref.get(value, value)
            case _:
                return value

    result: dict[str, Any] = follow(contract)
    return result


# --- files ------------------------------------------------------------------------------------


def text(contract: dict[str, Any]) -> str:
    """The document as it is committed: indented, ending in a newline."""
    return json.dumps(contract, indent=1, ensure_ascii=False) + "\n"


def committed() -> Path:
    """The committed file."""
    return _folder() / "openapi.json"


def _examples() -> Path:
    """A body for each operation that takes one, beside the contract."""
    return _folder() / "examples.json"


def _folder() -> Path:
    return Path(__file__).resolve().parents[2] / "openapi"
