"""Engines, sessions, rows and the only commit, on SQLite and PostgreSQL alike.

A reading session sees one snapshot and cannot write. A writing session takes its lock at the
start (SQLite) or as it goes (PostgreSQL) and is committed here, once, after the listeners that
`main` handed over have seen what was touched, change numbers have been drawn and, if the public
can see what was written, the revision has been raised.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Engine,
    Enum,
    MetaData,
    String,
    Table,
    TypeDecorator,
    event,
    func,
    insert,
    text,
)
from sqlalchemy import create_engine as sqlalchemy_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, Session, SQLModel

from app.kit import change_numbers
from app.kit.identifiers import uuid7
from app.kit.revisions import note_writes, raise_revision
from app.kit.times import now

log = logging.getLogger("app.database")

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

MAXIMUM_INTEGER = 2_147_483_647
"""The largest value of an integer column on both engines."""

READ_SECONDS = 2.0
WRITE_SECONDS = 5.0
LOCK_SECONDS = 2.0
IDLE_SECONDS = 15.0
CONNECT_SECONDS = 3.0
SQLITE_BUSY_SECONDS = 5.0
LOG_SECONDS = 0.2
"""How long emptying SQLite's log waits for readers: every writer waits behind it."""
PATIENCE = {"connect_timeout": int(CONNECT_SECONDS), "tcp_user_timeout": 5000}
"""How long a PostgreSQL that does not answer is waited for."""

try:
    from pysqlite3 import dbapi2 as _sqlite
except ImportError:
    _sqlite = sqlite3

V = TypeVar("V")
Listener = Callable[[Session], None]


class Unavailable(Exception):
    """The database is busy or away; the caller should try again shortly."""


# --- rows ------------------------------------------------------------------------------------


class Row(SQLModel):
    """What every table has: a hidden key, a public UUID, timestamps and a version for ETags."""

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True, nullable=False)
    created_at: datetime = Field(default_factory=now, nullable=False)
    updated_at: datetime = Field(default_factory=now, nullable=False)
    version: int = Field(default=1, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy hands it the class
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]


def key(row: Row) -> int:
    """The primary key of a row that has been flushed."""
    if row.pk is None:
        raise ValueError(f"{type(row).__name__} has not been flushed")
    return row.pk


def chunks(values: Sequence[V], size: int = 500) -> Iterator[Sequence[V]]:
    """The values in parts of so many, since a statement takes only so many parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def enum_type(values: type[StrEnum]) -> Enum:
    """A text column holding an enum's values, the same on both engines."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=True,
        name=values.__name__.lower(),
        length=max(len(value) for value in values),
        values_callable=lambda members: [member.value for member in members],
    )


def check_lengths(metadata: MetaData) -> None:
    """Give every bounded text column a CHECK, since SQLite ignores the length of a type."""
    for table in metadata.tables.values():
        for column in table.columns:
            kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
            length = getattr(kind, "length", None)
            if isinstance(kind, String) and length and not isinstance(kind, Enum):
                table.append_constraint(
                    CheckConstraint(
                        func.length(column) <= text(str(length)), name=f"{column.name}_length"
                    )
                )


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, *_: object) -> None:
    for row in session.dirty:
        if isinstance(row, Row) and session.is_modified(row):
            row.updated_at = now()


# --- counters -----------------------------------------------------------------------------------


class Counter(SQLModel, table=True):
    """One row per counter: change numbers, and how far a job has come."""

    name: str = Field(primary_key=True, max_length=40)
    value: int = Field(default=0, sa_type=BigInteger, nullable=False)


# --- what a transaction notes -----------------------------------------------------------------


def touch(session: Session, *rows: Row) -> None:
    """Note that rows changed, so that before-commit listeners can follow it upwards."""
    session.info.setdefault("touched", []).extend(rows)


def touched(session: Session) -> Sequence[Row]:
    """The rows noted by `touch` in this transaction."""
    found: Sequence[Row] = session.info.get("touched", ())
    return found


def leave_no_trace(session: Session) -> None:
    """Ask that what this transaction deletes is gone from the files too, once it is committed."""
    session.info["no_trace"] = True


# --- engines and sessions --------------------------------------------------------------------


class Database:
    """The two engines of one database, its sessions, and the only place that commits."""

    MEMORY_PAGES: ClassVar[int] = -2_000
    """SQLite's page cache per connection, in KiB when negative."""

    def __init__(
        self, url: str, *, pool_size: int = 20, writers: int = 6, private: Collection[str] = ()
    ) -> None:
        self.url: URL = _with_driver(make_url(url))
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.private = frozenset(private)
        """Tables that the public never sees anything of: writing to them raises no revision."""
        self.before_commit: list[Listener] = []
        self.after_commit: list[Callable[[int], None]] = []
        """Told the new revision by the thread that committed it."""
        self.read_engine = self._engine(pool_size, readonly=True)
        self.write_engine = self._engine(writers, readonly=False)
        note_writes(self.write_engine)

    @contextmanager
    def reading(self, seconds: float = READ_SECONDS) -> Iterator[Session]:
        """A session on one snapshot that cannot write; statements end after `seconds`."""
        with _translated(), Session(self.read_engine) as session:
            if seconds != READ_SECONDS:
                self._allow(session, seconds)
            yield session

    @contextmanager
    def writing(self, seconds: float = WRITE_SECONDS) -> Iterator[Session]:
        """A session whose changes are committed together when the block ends without error."""
        with _translated(), Session(self.write_engine, expire_on_commit=False) as session:
            if seconds != WRITE_SECONDS:
                self._allow(session, seconds)
            yield session
            self._commit(session)
        if session.info.get("no_trace"):
            self._leave_no_trace()

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy of an SQLite database into a new file."""
        with self.write_engine.connect() as connection:
            # VACUUM runs outside any transaction, so it goes to the driver itself.
            connection.connection.driver_connection.execute("VACUUM INTO ?", (str(path),))  # type: ignore[union-attr]

    def empty_log(self) -> bool:
        """Write SQLite's write-ahead log into the database and cut it to nothing; whether it went.

        What was deleted stands in the log until then, and nowhere after: `secure_delete` has
        overwritten it in the database itself. PostgreSQL keeps its log by its own rules.
        """
        if not self.is_sqlite:
            return True
        with _translated(), self.write_engine.connect() as connection:
            # Outside any transaction, so it goes to the driver itself.
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA busy_timeout = {int(LOG_SECONDS * 1000)}")
            try:
                busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                driver.execute(f"PRAGMA busy_timeout = {int(SQLITE_BUSY_SECONDS * 1000)}")
        return not busy

    def _leave_no_trace(self) -> None:
        """Empty the log after a commit, which stands whether that succeeds or not."""
        try:
            emptied = self.empty_log()
        except Unavailable:
            emptied = False
        if not emptied:
            log.warning("the write-ahead log is in use; the worker empties it soon")

    def close(self) -> None:
        """Give back every connection."""
        self.read_engine.dispose()
        self.write_engine.dispose()

    def _commit(self, session: Session) -> None:
        session.flush()
        for listener in self.before_commit:
            listener(session)
        session.flush()
        change_numbers.draw(session)
        revision = raise_revision(session, self.private, tell=not self.is_sqlite)
        session.commit()
        if revision is not None:
            for tell in self.after_commit:
                tell(revision)

    def _allow(self, session: Session, seconds: float) -> None:
        connection = session.connection()
        if self.is_sqlite:
            connection.info["deadline"] = time.monotonic() + seconds
        else:
            connection.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000)}"))

    def _engine(self, size: int, *, readonly: bool) -> Engine:
        options: dict[str, Any] = {
            "pool_size": size,
            "max_overflow": size,
            "pool_timeout": CONNECT_SECONDS,
            "pool_use_lifo": True,  # the last one back goes out first: few stay warm and large
            "hide_parameters": True,
            "json_serializer": _json,
        }
        if self.is_sqlite:
            engine = sqlalchemy_engine(
                self.url,
                module=sqlite_module(),
                connect_args={"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False},
                **options,
            )
            _teach_sqlite(engine, readonly=readonly)
            return engine
        seconds = READ_SECONDS if readonly else WRITE_SECONDS
        flags = {
            "statement_timeout": int(seconds * 1000),
            "lock_timeout": int(LOCK_SECONDS * 1000),
            "idle_in_transaction_session_timeout": int(IDLE_SECONDS * 1000),
            "TimeZone": "UTC",
        }
        if readonly:
            flags["default_transaction_read_only"] = "on"
        return sqlalchemy_engine(
            self.url,
            pool_pre_ping=True,
            isolation_level="REPEATABLE READ" if readonly else "READ COMMITTED",
            connect_args={
                **PATIENCE,
                "options": " ".join(f"-c {name}={value}" for name, value in flags.items()),
            },
            **options,
        )


class ReadyJSON(str):
    """JSON as text, which goes into a JSON column as it is: of thousands, a third of the size."""

    __slots__ = ()


def _json(value: Any) -> str:
    return value if isinstance(value, ReadyJSON) else to_json(value).decode()


_AS_THEY_ARE = frozenset({int, str, bool, float, type(None)})


def as_stored(value: Any, *, is_sqlite: bool) -> Any:
    """A value as the engine holds it, for statements in plain text, which know no types."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if not is_sqlite:
        return value
    match value:
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
        case date():
            return value.isoformat()
        case UUID():
            return value.hex
        case _:
            return value


def insert_plain(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows of plain values (no JSON), which all have the same columns.

    On SQLite straight through the driver: half of what thousands of rows cost was SQLAlchemy's
    handling of their values one by one.
    """
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(insert(table), rows)
        return
    names = list(rows[0])
    marks = ", ".join("?" * len(names))
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - our own names
        [tuple(as_stored(value, is_sqlite=True) for value in row.values()) for row in rows],
    )


def sqlite_module() -> ModuleType:
    """pysqlite3 (a current SQLite) where it is installed, else the standard library's."""
    found: ModuleType = _sqlite
    return found


def _with_driver(url: URL) -> URL:
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    return url


def _teach_sqlite(engine: Engine, *, readonly: bool) -> None:
    """Without this SQLite loses updates silently: see `begin` below."""
    seconds = READ_SECONDS if readonly else WRITE_SECONDS
    begin = "BEGIN" if readonly else "BEGIN IMMEDIATE"
    if not readonly:
        _take_turns(engine)

    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        pragmas = [
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "temp_store=MEMORY",
            f"cache_size={Database.MEMORY_PAGES}",
        ]
        if readonly:
            pragmas.append("query_only=ON")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

        def overdue() -> int:
            return int(time.monotonic() > record.info.get("deadline", float("inf")))

        connection.set_progress_handler(overdue, 20_000)

    @event.listens_for(engine, "begin")
    def start(connection: Any) -> None:
        # Python's driver would begin only at the first write: a read-modify-write would then
        # work on a stale read. A writer takes its lock first; a reader takes none.
        connection.exec_driver_sql(begin)
        connection.info["deadline"] = time.monotonic() + seconds


def _take_turns(engine: Engine) -> None:
    """Let the writers of this process wait for each other here, who came first mostly first.

    SQLite's own waiting looks again now and then: of many writers some never met a free moment
    within their five seconds. Writers of other processes are still waited for its way.
    """
    turn = threading.Lock()

    @event.listens_for(engine, "begin")
    def take(connection: Any) -> None:
        if not connection.info.get("turn"):
            if not turn.acquire(timeout=SQLITE_BUSY_SECONDS):
                raise Unavailable("The database is busy with another change.")
            connection.info["turn"] = True

    @event.listens_for(engine, "checkin")
    def give(_: Any, record: Any) -> None:
        if record.info.pop("turn", False):
            turn.release()


BUSY_MARKS = ("locked", "busy", "interrupted", "disk is full", "disk I/O")
AWAY_STATES = frozenset({"08", "53", "57"})
"""PostgreSQL classes: connection lost, out of resources, operator's intervention (timeouts)."""
BUSY_STATES = frozenset({"40001", "40P01", "55P03", "25P03"})
"""PostgreSQL: serialisation failure, deadlock, lock timeout, idle in transaction."""


def is_unavailable(error: BaseException) -> bool:
    """Whether a database error will pass: busy, timed out, restarting or unreachable."""
    if isinstance(error, PoolTimeoutError | InterfaceError):
        return True
    if isinstance(error, _sqlite.OperationalError):
        return _will_pass(error)  # by the driver itself, while rows were read from it
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return state in BUSY_STATES or state[:2] in AWAY_STATES
    if isinstance(error, OperationalError):
        return not isinstance(error.orig, _sqlite.Error) or _will_pass(error.orig)
    return False


def _will_pass(error: Exception) -> bool:
    return any(mark in str(error) for mark in BUSY_MARKS)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if is_unavailable(error):
            raise Unavailable(str(getattr(error, "orig", error))) from error
        raise
