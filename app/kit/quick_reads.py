"""Short reads on the event loop, on SQLite.

Going to a thread and back costs more than finding a page. A read here has a few milliseconds: what
is not done by then is interrupted and done again the ordinary way, in a thread, so that a slow
query never makes a fast one wait. On PostgreSQL there is none: waiting for another process is
what threads are for.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.kit.database import SQLITE_BUSY_SECONDS, Database, sqlite_module

SECONDS = 0.005
MEMORY_PAGES = -16_000
"""SQLite's cache of pages, in KiB when negative: this one connection reads for everybody, and the
inner pages of a million listings' index are ten megabytes."""
STEPS = 1_000
"""Steps of SQLite's machine between two looks at the clock: some ten microseconds."""


class NotQuickError(Exception):
    """It took longer than there is time for on the loop, or the file is busy."""


class QuickReads:
    """One connection that only the event loop uses."""

    def __init__(self, database: Database) -> None:
        self._errors: type[Exception] = sqlite_module().Error
        self._connection: Any = sqlite_module().connect(
            str(database.url.database),
            timeout=SQLITE_BUSY_SECONDS,  # while it opens; from then on it waits for nobody
            isolation_level=None,
            check_same_thread=False,  # the loop may be another thread's at the end
        )
        for pragma in ("query_only=ON", f"cache_size={MEMORY_PAGES}", "busy_timeout=0"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._deadline = 0.0
        self._connection.set_progress_handler(self._is_overdue, STEPS)

    @contextmanager
    def snapshot(self) -> Iterator["QuickReads"]:
        """Reads that see the data at one moment; `NotQuickError` ends them."""
        self._deadline = time.monotonic() + SECONDS
        try:
            self._connection.execute("BEGIN")
            try:
                yield self
            finally:
                self._deadline = float("inf")
                self._connection.execute("ROLLBACK")
        except self._errors as error:
            raise NotQuickError(str(error)) from error

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of a query, as tuples."""
        found: Sequence[Any] = self._connection.execute(sql, parameters).fetchall()
        return found

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _is_overdue(self) -> int:
        return int(time.monotonic() > self._deadline)
