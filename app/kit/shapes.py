"""Shapes that every resource shares: references, bodies of edits, merge patches."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeVar
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from sqlmodel import SQLModel
from sqlmodel._compat import SQLModelConfig

from app.kit import exact
from app.kit.problems import MemberError

W = TypeVar("W", bound="Write")


class Reference(SQLModel):
    """Something named elsewhere, with where to read it."""

    id: UUID
    slug: str
    name: str
    href: str


def _bare(value: object) -> object:
    if isinstance(value, Mapping):
        return value.get("slug") or value.get("id") or value
    return value


Referred = Annotated[
    str,
    Field(max_length=80, description="An id or a slug; a reference as it was read will do."),
    BeforeValidator(_bare),
]
"""How a reference is written."""


@cache
def _text_limits(model: type[BaseModel]) -> list[tuple[str, int]]:
    return [
        (name, limit.max_length)
        for name, field in model.model_fields.items()
        for limit in field.metadata
        if hasattr(limit, "max_length")
    ]


class Write(BaseModel):
    """A body that is written: unknown members are refused, read-only ones ignored.

    No SQLModel: its constructor in Python costs a batch of listings a fifth of its time.
    """

    model_config: ClassVar[SQLModelConfig] = SQLModelConfig(extra="forbid")

    read_only: ClassVar[frozenset[str]] = frozenset()
    """Members of the matching `…Read` that may be sent back and are not looked at."""

    _as_sent = field_validator("*", mode="before")(exact.as_sent)

    @model_validator(mode="before")
    @classmethod
    def leave_out_read_only(cls, value: Any) -> Any:
        """Drop the members that only the service writes."""
        if isinstance(value, dict) and not cls.read_only.isdisjoint(value):
            return {name: item for name, item in value.items() if name not in cls.read_only}
        return value

    @model_validator(mode="after")
    def still_fit(self) -> Self:
        """Cleaning may lengthen a text (`&` becomes `&amp;`): look at the limits again."""
        for name, limit in _text_limits(type(self)):
            value = getattr(self, name)
            if isinstance(value, str) and len(value) > limit:
                detail = f"{name} is longer than {limit} characters once it is cleaned."
                raise MemberError(detail, name)
        return self


ROW_MEMBERS = frozenset({"id", "href", "version", "created_at", "updated_at"})
"""Read-only members that nearly every resource has."""

MergePatch = Annotated[
    dict[str, Any],
    Field(description="A JSON Merge Patch (RFC 7396): only what changes; null clears."),
]


def merged(current: W, patch: Mapping[str, Any]) -> W:
    """The body that a merge patch makes of the current one, validated like any body."""
    document = _merge(current.model_dump(mode="json", by_alias=True), patch)
    try:
        return type(current).model_validate(document)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from None


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merge(result.get(name), value)
    return result
