"""Idempotency-Key: a retry of a POST gets the first answer, and changes nothing twice.

The key's row is inserted first, in the transaction of the effect itself, and the answer is
stored in it before the commit: so the effect and the remembered answer stand or fall together.
A failed request leaves no row, and its retry runs afresh.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from sqlalchemy import JSON, delete, or_
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, col
from starlette.responses import Response

from app.kit.database import is_unavailable
from app.kit.problems import IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_MISMATCH, Problem, invalid
from app.kit.times import now

LIFETIME = timedelta(hours=24)
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')
KEPT_HEADERS = frozenset({"location", "etag", "content-type", "link"})


class IdempotencyKey(SQLModel, table=True):
    """A key that was used, and what was answered."""

    __tablename__ = "idempotency_key"

    scope: str = Field(primary_key=True, max_length=64)
    request_digest: str = Field(max_length=64)
    status: int | None = None
    version: int | None = None
    headers: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    body: str | None = None
    expires_at: datetime = Field(index=True)


@dataclass(frozen=True)
class Key:
    """The key of one request: where it counts, and what was asked with it."""

    scope: str
    request_digest: str


class Replay(Exception):
    """The stored answer of an earlier request with the same key."""

    def __init__(self, response: Response, version: int | None) -> None:
        self.response = response
        self.version = version


async def _key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Makes a retry safe: the same key with the same request gets the first "
            "answer again for 24 hours. Any text of 1 to 255 visible characters; a UUID is good.",
            examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Key | None:
    if idempotency_key is None or request.method != "POST":
        return None
    match = _KEY.fullmatch(idempotency_key)
    if not match:
        raise invalid("Idempotency-Key", "Use 1 to 255 visible characters, such as a UUID.")
    body = hashlib.sha256(await request.body()).hexdigest()
    credential = request.headers.get("authorization", body)
    scope = "\n".join((credential, request.method, request.url.path, match[1]))
    asked = "\n".join(
        (
            request.url.query,
            request.headers.get("content-type", ""),
            request.headers.get("if-match", ""),
            body,
        )
    )
    return Key(_digest(scope), _digest(asked))


RequestKey = Annotated[Key | None, Depends(_key)]


def is_known(session: Session, key: Key) -> bool:
    """Whether the answer of an earlier request with this key is kept."""
    return session.get(IdempotencyKey, key.scope) is not None


def begin(session: Session, key: Key) -> None:
    """Claim a key at the start of its transaction, or replay the answer that it has."""
    row = IdempotencyKey(
        scope=key.scope, request_digest=key.request_digest, expires_at=now() + LIFETIME
    )
    earlier = session.get(IdempotencyKey, key.scope)
    if earlier is None:
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError:
            earlier = session.get(IdempotencyKey, key.scope)
        except Exception as error:
            if not is_unavailable(error):
                raise
            raise Problem(IDEMPOTENCY_IN_FLIGHT, headers={"Retry-After": "2"}) from error
        else:
            session.info["idempotency"] = row
            return
    if earlier is None:
        raise Problem(IDEMPOTENCY_IN_FLIGHT, headers={"Retry-After": "2"})
    if earlier.request_digest != key.request_digest:
        raise Problem(IDEMPOTENCY_MISMATCH)
    headers = {**earlier.headers, "Idempotency-Replayed": "true"}
    response = Response(earlier.body or "", earlier.status or 200, headers=headers)
    raise Replay(response, earlier.version)


def remember(session: Session, response: Response, version: int | None = None) -> None:
    """Store the answer beside the claimed key, if there is one, with the version for its ETag."""
    row: IdempotencyKey | None = session.info.get("idempotency")
    if row is not None and response.status_code < 500:
        row.status = response.status_code
        row.body = bytes(response.body).decode()
        row.version = version
        row.headers = {k: v for k, v in response.headers.items() if k.lower() in KEPT_HEADERS}
        session.add(row)


def forget(session: Session, words: Collection[str]) -> None:
    """Forget the keys whose stored answer holds one of these words, whatever their age."""
    if words:
        holds = or_(*(col(IdempotencyKey.body).contains(word, autoescape=True) for word in words))
        session.execute(
            delete(IdempotencyKey).where(holds).execution_options(synchronize_session=False)
        )


def purge(session: Session) -> int:
    """Forget the keys that are past their 24 hours; the number of them."""
    result: Any = session.execute(
        delete(IdempotencyKey).where(col(IdempotencyKey.expires_at) < now())
    )
    return int(result.rowcount)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
