"""Taking members out of JSON-LD that others wrote: whatever has another shape says nothing."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from app.kit.text import email_address, http_url, phone_number
from app.sources.cell_values import one_line

Data = Mapping[str, Any]
LONGEST = 50_000
"""Of a text that is looked at; the rest of a longer one is left."""
MOST_LISTED = 1_000


def member(data: Data, *names: str) -> Any:
    """The first of these members that says something."""
    for name in names:
        found = data.get(name)
        if found is not None and found not in ("", [], {}):
            return found
    return None


def listed(value: Any) -> list[Any]:
    """A value as a list: one thing may stand for a list of one."""
    if value is None:
        return []
    return value[:MOST_LISTED] if isinstance(value, list) else [value]


def objects(value: Any) -> list[Data]:
    """The objects of a list."""
    return [one for one in listed(value) if isinstance(one, dict)]


def first_object(value: Any) -> Data:
    """The first object of a list, or an empty one."""
    found = objects(value)
    return found[0] if found else {}


def line(value: Any) -> str:
    """A text on one line; of several the first. A number is written out."""
    for one in listed(value):
        if isinstance(one, (int, float)) and not isinstance(one, bool):
            return str(one)
        if isinstance(one, str) and (text := one_line(one[:LONGEST])):
            return text
    return ""


def paragraphs(value: Any) -> str:
    """A text as it stands; of several the first."""
    found = next((one for one in listed(value) if isinstance(one, str)), "")
    return found[:LONGEST]


def lines(value: Any) -> list[str]:
    """The texts of a list, each on one line."""
    return [text for one in listed(value) if (text := line(one))]


def number(value: Any) -> float | None:
    """A number, or a text that is one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            return None
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def whole(value: Any, most: int) -> int | None:
    """A whole number from 0 to a bound."""
    found = number(value)
    if found is None or not found.is_integer() or not 0 <= found <= most:
        return None
    return int(found)


def kind_of(data: Data) -> str:
    """The last part of a type."""
    said = line(member(data, "@type", "type"))
    return said.rpartition("/")[2].rpartition(":")[2]


def identity(data: Data) -> str:
    """What a thing calls itself."""
    return line(member(data, "@id", "id"))


def address(value: Any) -> str | None:
    """An http(s) address that a listing may carry; None for anything else."""
    return _valid(http_url, line(value))


def email(value: Any) -> str | None:
    """An e-mail address; None for anything else."""
    return _valid(email_address, line(value).removeprefix("mailto:"))


def telephone(value: Any) -> str | None:
    """A telephone number; None for anything else."""
    return _valid(phone_number, line(value))


def _valid(judge: Callable[[str], str], text: str) -> str | None:
    if not text:
        return None
    try:
        return judge(text)
    except ValueError:
        return None
