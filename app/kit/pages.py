"""Lists: keyset pages with signed cursors.

A cursor holds the sort values of the last row read, so that it survives inserts and deletes and
costs the same at any depth. It is signed together with the path, filters and sort that it
belongs to: a forged or foreign one is refused.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlmodel import Session

from app.kit.exact import Parameters
from app.kit.problems import BAD_CURSOR, Problem

T = TypeVar("T")
MAXIMUM_LIMIT = 200
SIGNATURE_BYTES = 16


class ListParameters(Parameters):
    """What every list takes besides its filters."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAXIMUM_LIMIT, description="Items on a page.")] = 50
    cursor: Annotated[
        str | None, Field(max_length=2000, description="Taken from `next`; opaque.")
    ] = None
    count: Annotated[bool, Field(description="Whether to count all matches as `total`.")] = False


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(default=None, description="The address of the next page, if any.")
    total: int | None = Field(default=None, description="All matches, with `count=true`.")


@dataclass(frozen=True)
class Order:
    """One part of a sort: an expression that is never null, and its direction."""

    by: Any
    descending: bool = False


@dataclass(frozen=True)
class Slice:
    """The rows of one page (of entities, or of named columns), and the cursor of the next."""

    rows: list[Any]
    next: str | None
    total: int | None


class Cursors:
    """Signs and reads cursors with the secret of the service."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, values: Sequence[Any], context: str) -> str:
        """The cursor that stands after a row with these sort values."""
        body = json.dumps([_plain(value) for value in values], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._sign(body, context) + body).decode().rstrip("=")

    def read(self, cursor: str, context: str) -> list[Any]:
        """The sort values in a cursor; a problem unless we wrote it for this very list."""
        try:
            raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            raise Problem(BAD_CURSOR) from None
        signature, body = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(body, context)):
            raise Problem(BAD_CURSOR)
        return [_rich(value) for value in json.loads(body)]

    def _sign(self, body: bytes, context: str) -> bytes:
        message = context.encode() + b"\0" + body
        return hmac.digest(self._secret, message, hashlib.sha256)[:SIGNATURE_BYTES]


def paginate(
    session: Session,
    statement: Select[Any],
    order: Sequence[Order],
    parameters: ListParameters,
    request: Request,
) -> Slice:
    """Run one page of a statement in this order; the last part must be unique.

    Reads one row more than asked to know whether there is a next page, never a count unless
    `count=true`.
    """
    cursors: Cursors = request.app.state.cursors
    context = context_of(request)
    total = None
    if parameters.count:
        counted = select(func.count()).select_from(statement.order_by(None).subquery())
        total = session.execute(counted).scalar_one()
    if parameters.cursor is not None:
        statement = statement.where(_after(order, cursors.read(parameters.cursor, context)))
    keys = [part.by.label(f"sort_{index}") for index, part in enumerate(order)]
    statement = statement.add_columns(*keys).order_by(
        *(part.by.desc() if part.descending else part.by.asc() for part in order)
    )
    found = session.execute(statement.limit(parameters.limit + 1)).all()
    rows = found[: parameters.limit]
    following = None
    if len(found) > parameters.limit:
        following = cursors.write(rows[-1][-len(keys) :], context)
    width = len(rows[0]) - len(keys) if rows else 1
    return Slice([row[0] if width == 1 else row for row in rows], following, total)


def next_link(request: Request, cursor: str | None) -> str | None:
    """The absolute address of the next page, under the public address of the service."""
    if cursor is None:
        return None
    asked = [
        (name, value) for name, value in request.query_params.multi_items() if name != "cursor"
    ]
    query = urlencode([*asked, ("cursor", cursor)])
    return f"{request.app.state.settings.public_url}{request.url.path}?{query}"


def page(request: Request, response: Response, part: Slice, items: list[T]) -> Page[T]:
    """The page to answer with, its `Link` header set."""
    address = next_link(request, part.next)
    if address:
        response.headers["Link"] = f'<{address}>; rel="next"'
    return Page[T](items=items, next=address, total=part.total)


def context_of(request: Request) -> str:
    """What a cursor belongs to: the path, the filters and the sort."""
    asked = sorted(
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in {"cursor", "limit", "count", "facets", "fields", "highlight"}
    )
    return f"{request.url.path}?{urlencode(asked)}"


def _after(order: Sequence[Order], values: Sequence[Any]) -> ColumnElement[bool]:
    if len(order) != len(values):
        raise Problem(BAD_CURSOR)
    branches = []
    for index, (part, value) in enumerate(zip(order, values, strict=True)):
        beyond = part.by < value if part.descending else part.by > value
        equal = [o.by == v for o, v in zip(order[:index], values[:index], strict=True)]
        branches.append(and_(*equal, beyond))
    return or_(*branches)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return {"instant": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case UUID():
            return {"uuid": str(value)}
        case _:
            return value


def _rich(value: Any) -> Any:
    match value:
        case {"instant": text}:
            return datetime.fromisoformat(text)
        case {"date": text}:
            return date.fromisoformat(text)
        case {"uuid": text}:
            return UUID(text)
        case _:
            return value
