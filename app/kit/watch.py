"""Knowing the present revision at the cost of microseconds, in every process.

On SQLite `PRAGMA data_version` of one connection tells whether anybody else committed; only then
is the revision read. On PostgreSQL a thread listens, and a commit here is known at once. It asks
now and then as well, since a pooler between us and the server swallows notices; when it cannot
hear the server it says so, and nobody may rely on what was true before.
"""

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from app.kit.database import PATIENCE, READ_SECONDS, Database, sqlite_module
from app.kit.revisions import CHANNEL, READ

log = logging.getLogger("app.watch")

ASK_SECONDS = 0.15
"""How often PostgreSQL is asked, whether it told anything or not."""
TRUSTED_SECONDS = 1.0
"""How long its last answer counts: with a broken network nobody is served older data."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
STOP_SECONDS = 5.0
LISTENER = "lcep revisions"
"""The name of the listening connection, for whoever looks at the server."""


def _unknown() -> int | None:
    return None


class Watch:
    """Tells the present revision of a database, once it watches one."""

    def __init__(self) -> None:
        self.present: Callable[[], int | None] = _unknown
        """The revision that every reading session from now on has or has passed; or not known."""

    @contextmanager
    def over(self, database: Database) -> Iterator[None]:
        """Watch a database for as long as the block lasts."""
        watch = _sqlite if database.is_sqlite else _postgresql
        with watch(database) as present:
            self.present = present
            try:
                yield
            finally:
                self.present = _unknown


def _connect(database: Database, **options: Any) -> Any:
    """A connection of the driver's own, in no pool and no transaction."""
    dialect = database.read_engine.dialect
    arguments, given = dialect.create_connect_args(database.url)
    return dialect.connect(*arguments, **{**given, **options})


# --- SQLite -----------------------------------------------------------------------------------


@contextmanager
def _sqlite(database: Database) -> Iterator[Callable[[], int | None]]:
    # It waits for nobody, since whoever asks has no time.
    connection = _connect(database, timeout=0, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    ask = connection.execute
    errors = sqlite_module().Error
    seen = revision = -1

    def present() -> int | None:
        nonlocal seen, revision
        try:
            (version,) = ask("PRAGMA data_version").fetchone()
            if version != seen:
                found = ask(READ).fetchone()
                revision = found[0] if found else 0
                # Noted last: a commit in between only makes us read once more.
                seen = version
        except errors:
            return None
        return revision

    try:
        yield present
    finally:
        connection.close()


# --- PostgreSQL -------------------------------------------------------------------------------


@contextmanager
def _postgresql(database: Database) -> Iterator[Callable[[], int | None]]:
    listener = _Listener(database)
    database.after_commit.append(listener.told)
    thread = threading.Thread(target=listener.run, name="revisions", daemon=True)
    thread.start()
    try:
        yield listener.present
    finally:
        database.after_commit.remove(listener.told)
        listener.stop()
        thread.join(STOP_SECONDS)


class _Listener:
    """One connection that listens, and what is known by it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._revision = 0
        self._told_at = self._sure_at = float("-inf")
        self._stopping = threading.Event()
        self._bell, self._door = socket.socketpair()
        self._heard = True

    def present(self) -> int | None:
        """The revision, or None when the server was not heard lately."""
        if time.monotonic() - self._sure_at > TRUSTED_SECONDS:
            return None
        return self._revision

    def told(self, revision: int) -> None:
        """A transaction with this revision was committed, here or elsewhere."""
        with self._lock:
            self._revision = max(self._revision, revision)
            self._told_at = time.monotonic()

    def stop(self) -> None:
        """End `run` at once."""
        self._stopping.set()
        with suppress(OSError):  # it may have seen that it is to stop, and closed the door
            self._door.send(b"!")

    def run(self) -> None:
        """Listen until stopped; after a failure, connect again."""
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - whatever it was, we are deaf and connect again
                if self._heard:
                    wait = FIRST_WAIT
                    log.warning("revisions are not heard", extra={"error": type(error).__name__})
                self._heard = False
                self._stopping.wait(wait)
                wait = min(wait * 2, LONGEST_WAIT)
        self._bell.close()
        self._door.close()

    def _listen(self) -> None:
        connection = _connect(
            self._database,
            **PATIENCE,
            application_name=LISTENER,
            autocommit=True,
            prepare_threshold=None,  # a pooler may sit in between
            options=f"-c statement_timeout={int(READ_SECONDS * 1000)}",
        )
        try:
            connection.execute(f"LISTEN {CHANNEL}")
            with selectors.DefaultSelector() as selector:
                selector.register(connection.fileno(), selectors.EVENT_READ)
                selector.register(self._bell, selectors.EVENT_READ)
                while not self._stopping.is_set():
                    self._ask(connection)
                    self._hear(connection, selector, time.monotonic() + ASK_SECONDS)
        finally:
            self._sure_at = float("-inf")
            connection.close()

    def _ask(self, connection: Any) -> None:
        asked_at = time.monotonic()
        found = connection.execute(READ).fetchone()
        revision = found[0] if found else 0
        with self._lock:
            # An answer may be older than what we were told while it was on its way. One that was
            # asked for later is right even if it is lower: the database was put back.
            if revision > self._revision or asked_at > self._told_at:
                self._revision = revision
            self._sure_at = asked_at
        if not self._heard:
            log.info("revisions are heard again")
            self._heard = True

    def _hear(self, connection: Any, selector: selectors.BaseSelector, until: float) -> None:
        while not self._stopping.is_set() and (left := until - time.monotonic()) > 0:
            selector.select(left)
            for notice in connection.notifies(timeout=0):
                self.told(int(notice.payload))
