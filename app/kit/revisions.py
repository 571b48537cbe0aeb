"""The revision: one number that moves with every commit of something that the public can read.

Whatever was made of the data under a revision holds for as long as the revision stands. It is a
row of `counter`, raised in the transaction itself, so it moves exactly when the change is seen.
Its lock is the last that a transaction takes, after that of the change numbers: who holds it
only commits, so nobody waits for it long, and nobody who holds it waits for another.

What a transaction wrote is noted as its statements run. Tables that never show in an anonymous
answer do not count, nor does a statement with the execution option `unseen=True`, which writes
only such columns of a table that shows. What cannot be told apart counts. SQLAlchemy's INSERT,
UPDATE and DELETE are recognised by themselves and not inside the CTE of a SELECT; there as text.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, event
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.dml import UpdateBase
from sqlmodel import Session

REVISION = "revision"
"""The name of the counter."""
CHANNEL = "revision"
"""Where PostgreSQL tells listeners the new revision, when the transaction is committed."""
READ = "SELECT value FROM counter WHERE name = 'revision'"
_RAISE = """INSERT INTO counter (name, value) VALUES ('revision', 1)
    ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value"""
_RAISE_AND_TELL = """WITH raised AS (
    INSERT INTO counter (name, value) VALUES ('revision', 1)
    ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value)
    SELECT value, pg_notify('revision', CAST(value AS text)) FROM raised"""

_WRITTEN = "written"
_SOMETHING = ""
"""Stands for a table that could not be told."""
_HARMLESS = re.compile(r"\s*(?:SELECT|BEGIN|PRAGMA|SET|SHOW|EXPLAIN|LISTEN)\b", re.IGNORECASE)
_NAMED = re.compile(
    r"\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM)\s+\"?(\w+)", re.IGNORECASE
)


def note_writes(engine: Engine) -> None:
    """Note, from now on, to which tables each transaction of an engine writes."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.info.pop(_WRITTEN, None)

    @event.listens_for(engine, "after_execute")
    def after(
        connection: Connection,
        statement: Any,
        _many: object,
        _one: object,
        options: Mapping[str, Any],
        result: Any,
    ) -> None:
        table = _table(statement)
        # With RETURNING, drivers count only when the rows have been fetched.
        if table is None or options.get("unseen") or _wrote_nothing(result):
            return
        connection.info.setdefault(_WRITTEN, set()).add(table)


def raise_revision(session: Session, private: Collection[str], *, tell: bool) -> int | None:
    """The new revision, if the transaction wrote to anything but the private tables."""
    connection = session.connection()
    if connection.info.get(_WRITTEN, set()) <= {"counter", *private}:
        return None
    statement = _RAISE_AND_TELL if tell else _RAISE
    found: int = connection.exec_driver_sql(statement).one()[0]
    return found


def current_revision(session: Session) -> int:
    """The revision of the data that a session sees."""
    return session.connection().exec_driver_sql(READ).scalar() or 0


def _table(statement: Any) -> str | None:
    """The table that a statement writes to; none if it writes to none."""
    if isinstance(statement, UpdateBase):
        return getattr(statement.table, "name", _SOMETHING)
    if isinstance(statement, ExecutableDDLElement):
        return _SOMETHING
    if isinstance(statement, TextClause):
        statement = statement.text
    if not isinstance(statement, str) or _HARMLESS.match(statement):
        return None
    named = _NAMED.match(statement)
    return named[1].lower() if named else _SOMETHING


def _wrote_nothing(result: Any) -> bool:
    return not result.returns_rows and result.rowcount == 0
