"""What can be wrong with a database, and how to tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import text

from app.kit import migrations
from app.kit.database import Database, Unavailable, sqlite_module

SAFE_SQLITE = (3, 51, 3)
"""The first SQLite in which checkpoints of the write-ahead log cannot race with its reset."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Literal["ok", "warning", "error"]
    text: str


def examine(database: Database) -> Iterator[Finding]:
    """Look at the reach, schema and soundness of a database."""
    try:
        revision = migrations.current(database)
    except Unavailable as error:
        yield Finding("error", f"The database cannot be reached: {error}")
        return
    yield Finding("ok", f"The database answers ({database.url.get_backend_name()}).")
    if revision == migrations.head():
        yield Finding("ok", f"Its schema is current ({revision}).")
    else:
        told = revision or "none"
        yield Finding("error", f"Its schema is {told}. Run: python -m app migrate")
        return
    yield from _sqlite(database) if database.is_sqlite else _postgresql(database)


def _sqlite(database: Database) -> Iterator[Finding]:
    module = sqlite_module()
    version: str = module.sqlite_version
    if tuple(int(part) for part in version.split(".")) >= SAFE_SQLITE:
        yield Finding("ok", f"SQLite {version} is current.")
    else:
        yield Finding(
            "warning",
            f"SQLite {version} has a rare fault in its write-ahead log. "
            "Install pysqlite3, or SQLite 3.51.3 or later.",
        )
    with database.reading(seconds=600) as session:
        connection = session.connection()
        result = connection.execute(text("PRAGMA quick_check")).scalar()
        broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    level: Literal["ok", "error"] = "ok" if result == "ok" else "error"
    yield Finding(level, f"The file is sound: {result}.")
    if broken is not None:
        yield Finding(
            "error", f"A row of {broken[0]} refers to a row of {broken[2]} that is not there."
        )


def _postgresql(database: Database) -> Iterator[Finding]:
    with database.reading() as session:
        connection = session.connection()
        version = connection.execute(text("SHOW server_version")).scalar()
        collation = connection.execute(
            text("SELECT datcollate FROM pg_database WHERE datname = current_database()")
        ).scalar()
    yield Finding("ok", f"PostgreSQL {version}.")
    if str(collation) not in {"C", "C.UTF-8", "C.utf8", "POSIX"}:
        yield Finding(
            "warning",
            f"The collation is {collation}: names sort otherwise than on SQLite. "
            "Create the database with LC_COLLATE 'C.UTF-8'.",
        )
