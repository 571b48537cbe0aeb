"""JSON as RFC 8259 has it: no NaN, lone surrogate, NUL, bottomless nesting or doubled name.

Nor so many values that they take a hundred times the memory of their text: 31 MB of "{},{},…" took
3 GB.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pydantic_core

MOST_VALUES = 1_600_000
"""As many commas as 32 MB of session dates have, the most that an honest body holds."""
MOST_NAMES = 1_000
"""Names in one object."""

_NUL = re.compile(rb"\\u0000|\x00")


class BadJSON(ValueError):
    """Text that is not acceptable JSON; the message says why."""


def loads(data: bytes, *, with_nul: bool = False) -> Any:
    """Parse a body strictly. Nesting is limited to about 200 levels.

    `with_nul` leaves it to the caller to look for NUL characters, with `nul_paths`.
    """
    if data.count(b",") > MOST_VALUES:
        raise BadJSON(f"it holds more than {MOST_VALUES:,} values; send less at once")
    try:
        pydantic_core.from_json(data, allow_inf_nan=False)  # depth, surrogates, NaN
        # Of a name that comes twice a parser keeps the last, and nobody would hear of it.
        value = json.loads(data, object_pairs_hook=_once_each)
    except ValueError as error:
        raise BadJSON(str(error)) from None
    if not with_nul and _NUL.search(data):
        for path in nul_paths(value, "#"):
            raise BadJSON(f"{path} holds a NUL character; remove it")
    return value


def dumps(value: Any) -> bytes:
    """Serialise to UTF-8 JSON without spaces."""
    return pydantic_core.to_json(value)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_NAMES:
        raise BadJSON(f"an object has {len(pairs):,} names; at most {MOST_NAMES:,} are read")
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(
            name for name, count in Counter(name for name, _ in pairs).items() if count > 1
        )
        raise BadJSON(f"the name {twice!r} comes twice in one object")
    return members


def nul_paths(value: Any, path: str) -> Iterator[str]:
    """Pointers to the texts and names that hold a NUL character, which no database takes."""
    match value:
        case str():
            if "\x00" in value:
                yield path
        case dict():
            for name, item in value.items():
                if "\x00" in name:
                    yield path
                yield from nul_paths(item, f"{path}/{name}")
        case list():
            for index, item in enumerate(value):
                yield from nul_paths(item, f"{path}/{index}")
