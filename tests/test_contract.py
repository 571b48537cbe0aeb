"""The contract is a file, it is current, and it is whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from app.kit import contract
from app.main import create_app, openapi_document
from app.settings import Settings

METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def committed() -> Any:
    return json.loads(contract.committed().read_text(encoding="utf-8"))


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def test_the_committed_file_is_current() -> None:
    made = contract.text(openapi_document(create_app(Settings())))
    assert made == contract.committed().read_text(encoding="utf-8"), "run: python -m app openapi"


def test_it_is_valid(committed: Any) -> None:
    assert committed["openapi"].startswith("3.1")
    validate(committed)


def test_every_operation_is_documented(committed: Any) -> None:
    names = []
    for path, method, operation in operations(committed):
        where = f"{method} {path}"
        names.append(operation["operationId"])
        assert operation["operationId"].isidentifier(), where
        assert operation.get("description"), where
        assert operation["tags"], where
        assert operation["security"], where
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"], where
    assert len(names) == len(set(names))


def test_every_error_is_a_problem(committed: Any) -> None:
    for path, method, operation in operations(committed):
        errors = {s: r for s, r in operation["responses"].items() if s.startswith(("4", "5"))}
        assert {"422", "429", "500", "503"} <= set(errors), f"{method} {path}"
        for status, response in errors.items():
            assert list(response["content"]) == ["application/problem+json"], (path, status)
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}


def test_writes_need_a_key(committed: Any) -> None:
    for path, method, operation in operations(committed):
        if method != "get":
            assert operation["security"] == [{"key": []}], f"{method} {path}"
