"""Short reads of PostgreSQL that the event loop waits for, without a thread or the ORM.

A thread, a session and a transaction for each page took nearly twice the processor time. Each
statement here stands for itself; whoever needs several of one moment has them tell which moment
they saw. There are few connections: a read waits for a free one. What takes long is ended, and done
again the ordinary way. Statements go by keys, so that one plan of each does for all values: with a
plan made for each question, a page of one listing took twice as long.
"""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.kit.database import PATIENCE, Database
from app.kit.quick_reads import NotQuickError

CONNECTIONS = 4
"""Of one process: more would only wait for the same processors."""
SECONDS = 0.5
FORBEARANCE = 1.0
"""Seconds for which a server that could not be reached is not tried again."""
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""What SQLAlchemy takes for one in plain text."""


class AwaitedReads:
    """A few connections that only the event loop uses, the last one back the first one out."""

    def __init__(self, database: Database) -> None:
        dialect: Any = database.read_engine.dialect
        arguments, options = dialect.create_connect_args(database.url)
        flags = {
            "default_transaction_read_only": "on",
            "plan_cache_mode": "force_generic_plan",
            "statement_timeout": int(SECONDS * 1000),
            "TimeZone": "UTC",
        }
        self._driver = dialect.loaded_dbapi
        self._arguments: Sequence[Any] = arguments
        self._options: Mapping[str, Any] = {
            **options,
            **PATIENCE,
            "autocommit": True,
            "options": " ".join(f"-c {name}={value}" for name, value in flags.items()),
        }
        self._turn = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[Any] = []
        self._not_before = float("-inf")

    async def rows(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of a query, as tuples; `NotQuickError` if it has not got them in time."""
        try:
            async with asyncio.timeout(SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise NotQuickError("No connection became free.") from None
        try:
            return await self._read(sql, parameters)
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Give the connections back."""
        while self._idle:
            await self._idle.pop().close()

    async def _read(self, sql: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            cursor = await connection.execute(_in_its_style(sql), parameters)
            found: Sequence[Any] = await cursor.fetchall()
        except BaseException as error:
            # Whatever state it is in, nobody else is to have it.
            await connection.close()
            if isinstance(error, self._driver.Error):
                raise NotQuickError(str(error)) from error
            raise
        self._idle.append(connection)
        return found

    async def _connect(self) -> Any:
        if time.monotonic() < self._not_before:
            raise NotQuickError("The server could not be reached a moment ago.")
        try:
            return await self._driver.AsyncConnection.connect(*self._arguments, **self._options)
        except self._driver.Error as error:
            self._not_before = time.monotonic() + FORBEARANCE
            raise NotQuickError(str(error)) from error


@lru_cache(500)
def _in_its_style(sql: str) -> str:
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))
