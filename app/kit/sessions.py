"""The database sessions that a route asks for."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session

from app.kit import idempotency
from app.kit.database import Database

WRITERS = 4
"""Writers at once: waiting ones must never fill the thread pool that readers share."""


def database(request: Request) -> Database:
    """The database of the running service."""
    found: Database = request.app.state.database
    return found


def _read(request: Request) -> Iterator[Session]:
    with database(request).reading() as session:
        yield session


def _write(request: Request, key: idempotency.RequestKey) -> Iterator[Session]:
    with database(request).writing() as session:
        if key:
            idempotency.begin(session, key)
        request.state.session = session
        yield session


def _write_secret(request: Request) -> Iterator[Session]:
    with database(request).writing() as session:
        yield session


# Function scope: the commit happens before the answer leaves, so that the caller hears of one
# that fails. With the default scope a 201 could precede a rollback.
ReadSession = Annotated[Session, Depends(_read, scope="function")]
WriteSession = Annotated[Session, Depends(_write, scope="function", max_concurrency=WRITERS)]
SecretSession = Annotated[
    Session, Depends(_write_secret, scope="function", max_concurrency=WRITERS)
]
"""For an answer that holds a secret: no Idempotency-Key, since the answer must not be kept."""
