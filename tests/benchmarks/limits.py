"""The least that a batch could do: parse its JSON, executemany the rows, one transaction.

The rows are copies of what the service stored for such a batch, made before the clock starts;
tables, indexes, constraints and the settings of the connection are the real ones.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Table
from sqlmodel import SQLModel

from app.kit.database import Database
from app.kit.identifiers import uuid7
from app.kit.strict_json import loads
from tests.benchmarks.load import BenchmarkError

LISTING, SESSION = "opportunity", "opportunity_session"
Row = dict[str, Any]


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and of this process's processor time."""

    seconds: float
    cpu: float


class Limit:
    """Writes copies of the stored listings of a source, as fast as the driver can."""

    def __init__(self, database: Database, source_key: str) -> None:
        self._is_sqlite = database.is_sqlite
        self._raw = database.write_engine.raw_connection()
        self._driver: Any = self._raw.driver_connection
        self._mark = "?" if self._is_sqlite else "%s"
        self._listings = self._stored(LISTING, f"source_key = {self._mark}", source_key)
        self._sessions = self._stored(
            SESSION,
            f"opportunity_pk IN (SELECT pk FROM opportunity WHERE source_key = {self._mark})",
            source_key,
        )
        self._rounds = 0

    def run(self, body: bytes) -> Spent:
        """Parse a batch and write as many listings and sessions as it holds, once."""
        listings, sessions = self._copies()
        statements = [_insert(name, self._mark) for name in (LISTING, SESSION)]
        values = [[tuple(row.values()) for row in rows] for rows in (listings, sessions)]
        cursor = self._driver.cursor()
        started, cpu = time.perf_counter(), time.process_time()
        items = loads(body)["items"]
        if self._is_sqlite:
            cursor.execute("BEGIN IMMEDIATE")
        for statement, rows in zip(statements, values, strict=True):
            cursor.executemany(statement, rows)
        self._driver.commit()
        spent = Spent(time.perf_counter() - started, time.process_time() - cpu)
        if len(items) != len(listings):
            raise BenchmarkError("The limit must write as many listings as the batch holds.")
        return spent

    def close(self) -> None:
        """Give the connection back."""
        self._raw.close()

    def _stored(self, table: str, where: str, source_key: str) -> list[Row]:
        # JSON goes through as text: neither side of a copy has it parsed.
        columns = [
            f"{column.name}::text"
            if isinstance(column.type, JSON) and not self._is_sqlite
            else column.name
            for column in _table(table).columns
        ]
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY pk"
        found = self._driver.cursor().execute(query, (source_key,)).fetchall()
        self._driver.rollback()
        names = [column.name for column in _table(table).columns]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _copies(self) -> tuple[list[Row], list[Row]]:
        """Rows like the stored ones under new keys, ids and change numbers."""
        self._rounds += 1
        pks = dict(
            zip(
                [row["pk"] for row in self._listings],
                self._new_pks(LISTING, len(self._listings)),
                strict=True,
            )
        )
        listings = [
            {
                **row,
                "pk": pks[row["pk"]],
                "id": self._new_id(),
                "external_id": f"limit-{self._rounds}-{row['external_id']}",
                "change_number": self._new_number(row),
            }
            for row in self._listings
        ]
        sessions = [
            {
                **row,
                "pk": pk,
                "id": self._new_id(),
                "opportunity_pk": pks[row["opportunity_pk"]],
                "change_number": self._new_number(row),
            }
            for row, pk in zip(
                self._sessions, self._new_pks(SESSION, len(self._sessions)), strict=True
            )
        ]
        return listings, sessions

    def _new_pks(self, table: str, count: int) -> Sequence[int]:
        cursor = self._driver.cursor()
        if self._is_sqlite:
            last = cursor.execute(f"SELECT max(pk) FROM {table}").fetchone()[0]
            return range(last + 1, last + 1 + count)
        query = "SELECT nextval(pg_get_serial_sequence(%s, 'pk')) FROM generate_series(1, %s)"
        found = [pk for (pk,) in cursor.execute(query, (table, count)).fetchall()]
        self._driver.rollback()
        return found

    def _new_id(self) -> UUID | str:
        return uuid7().hex if self._is_sqlite else uuid7()

    def _new_number(self, row: Row) -> int | None:
        # Negative, so that it never meets one that the service draws.
        number: int | None = row["change_number"]
        return None if number is None else -(self._rounds * 100_000_000 + number)


def _table(name: str) -> Table:
    return SQLModel.metadata.tables[name]


def _insert(table: str, mark: str) -> str:
    names = [column.name for column in _table(table).columns]
    marks = ", ".join([mark] * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
