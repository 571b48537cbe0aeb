"""JSON as RFC 8259 has it: no NaN, lone surrogate, NUL, bottomless nesting or doubled name."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pydantic_core

_NUL = re.compile(rb"\\u0000|\x00")


class BadJSON(ValueError):
    """Text that is not acceptable JSON; the message says why."""


def loads(data: bytes) -> Any:
    """Parse a body strictly. Nesting is limited to about 200 levels."""
    try:
        pydantic_core.from_json(data, allow_inf_nan=False)  # depth, surrogates, NaN
        # Of a name that comes twice a parser keeps the last, and nobody would hear of it.
        value = json.loads(data, object_pairs_hook=_once_each)
    except ValueError as error:
        raise BadJSON(str(error)) from None
    if _NUL.search(data):
        for path in _nul_paths(value, "#"):
            raise BadJSON(f"{path} holds a NUL character; remove it")
    return value


def dumps(value: Any) -> bytes:
    """Serialise to UTF-8 JSON without spaces."""
    return pydantic_core.to_json(value)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(
            name for name, count in Counter(name for name, _ in pairs).items() if count > 1
        )
        raise BadJSON(f"the name {twice!r} comes twice in one object")
    return members


def _nul_paths(value: Any, path: str) -> Iterator[str]:
    match value:
        case str():
            if "\x00" in value:
                yield path
        case dict():
            for name, item in value.items():
                if "\x00" in name:
                    yield path
                yield from _nul_paths(item, f"{path}/{name}")
        case list():
            for index, item in enumerate(value):
                yield from _nul_paths(item, f"{path}/{index}")
