"""Types as they were sent.

pydantic means well: it takes `"yes"` for true, `"7"` for 7 and 0 for a day in 1970. A partner's
mistake would be stored as something that was never said, so it is told instead.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ValidationInfo, field_validator

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ].+", re.ASCII)
_WHOLE = re.compile(r"-?\d+", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_DIGIT = re.compile(r"\d")
_FLAGS = frozenset({"true", "false"})
_NUMBERS = (int, float)
_COUNTED = frozenset({int, float, Decimal})
_PLAIN = (bool, int, float, str)


def as_sent(cls: type[BaseModel], value: Any, info: ValidationInfo) -> Any:
    """For a body: a member that means a flag, a number or a day is sent as one."""
    kinds = _kinds(cls, info.field_name or "")
    if not kinds or value is None:
        return value
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, _PLAIN):
            _check_member(kinds, item)
    return value


def as_written(cls: type[BaseModel], value: Any, info: ValidationInfo) -> Any:
    """For a query, where everything is text: one spelling for each type."""
    kinds = _kinds(cls, info.field_name or "")
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, str):
            _check_text(kinds, item)
    return value


class Parameters(BaseModel):
    """Query parameters, in one spelling each."""

    _as_written = field_validator("*", mode="before")(as_written)


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        _check_text(frozenset({bool}), value)
    return value


QueryFlag = Annotated[bool, BeforeValidator(_flag)]
"""A flag in a query: `true` or `false`."""


def _check_member(kinds: frozenset[type], item: bool | float | str) -> None:
    if isinstance(item, bool):
        if bool not in kinds:
            raise ValueError("This is not a place for true or false.")
    elif isinstance(item, _NUMBERS):
        if kinds.isdisjoint(_COUNTED):
            raise ValueError("This is not a place for a number.")
    elif date in kinds or datetime in kinds:
        _check_text(kinds, item)
    elif Decimal not in kinds:
        raise ValueError("Send it as JSON has it, without quotes.")


def _check_text(kinds: frozenset[type], text: str) -> None:
    if bool in kinds and text not in _FLAGS:
        raise ValueError("Use true or false.")
    # What is no number at all is pydantic's to refuse, which knows its place in a list.
    if int in kinds and _DIGIT.search(text) and not _WHOLE.fullmatch(text):
        raise ValueError("Use a whole number, such as 7.")
    if float in kinds and _DIGIT.search(text) and not _NUMBER.fullmatch(text):
        raise ValueError("Use a number, such as 7.5.")
    if date in kinds and not _DAY.fullmatch(text):
        raise ValueError("Use a day, such as 2027-02-15.")
    if datetime in kinds and not _MOMENT.fullmatch(text):
        raise ValueError("Use a date and time, such as 2027-02-15T10:00:00Z.")


@cache
def _kinds(cls: type[BaseModel], name: str) -> frozenset[type]:
    """The kinds of value that a field takes, or none when it takes any others as well."""
    leaves = set(_leaves(cls.model_fields[name].annotation)) - {type(None)}
    if AwareDatetime in leaves:
        leaves = leaves - {AwareDatetime} | {datetime}
    ours = {bool, int, float, Decimal, date, datetime}
    return frozenset(leaves) if leaves <= ours else frozenset()


def _leaves(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for one in inner:
        yield from _leaves(one)
