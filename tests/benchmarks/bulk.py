"""Fills a database with as many listings as are asked for, as fast as the engine takes rows.

The demonstration's listings are copied: each copy has ids, numbers, a place and dates of its own,
and the words, tags and terms that find it. It is read like any other; only its texts repeat.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import JSON
from sqlmodel import SQLModel

import app.tables  # noqa: F401 - so that every table is known
from app.kit.database import Database
from app.kit.identifiers import uuid7
from app.opportunities.grid import cell

SEED = 4
AT_ONCE = 20_000
CACHE_KB = 2_000_000
"""Most of the indexes of a million listings, so that random keys do not wait for a disk."""
DAYS = 300
"""Copies take place up to so many days later."""
TIMES = (
    "first_session_at",
    "next_session_at",
    "next_session_ends_at",
    "last_session_at",
    "last_session_ends_at",
    "sort_at",
)
SESSION_TIMES = ("starts_at", "ends_at")
Row = dict[str, Any]
_AREA = re.compile(r"\bA\d+\b")


class Filler:
    """Copies the listings of a database until it holds enough."""

    def __init__(self, database: Database) -> None:
        self._is_sqlite = database.is_sqlite
        self._raw = database.write_engine.raw_connection()
        driver: Any = self._raw.driver_connection
        self._driver = driver
        self._chance = random.Random(SEED)
        if self._is_sqlite:
            self._driver.set_progress_handler(None, 0)
            self._driver.execute("PRAGMA synchronous=OFF")
            self._driver.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        else:
            self._driver.execute("SET statement_timeout = 0")  # filling takes what it takes
            self._driver.commit()

    def fill(self, wanted: int) -> None:
        """Copy until there are so many listings."""
        listings = self._all("opportunity")
        extra = {
            table: _grouped(self._all(table), "opportunity_pk")
            for table in (
                *("opportunity_session", "opportunity_area", "opportunity_term"),
                "openactive_item",
            )
        }
        words = {row["pk"]: row for row in self._words()}
        places = self._rows("SELECT easting, northing, authority_pk FROM postcode")
        made = len(listings)
        numbers = self._next_numbers(wanted)
        pks = {table: self._last(table) for table in ("opportunity", "opportunity_session")}
        while made < wanted:
            batch: dict[str, list[Row]] = {}
            for row in islice(_forever(listings), made % len(listings), None):
                pks["opportunity"] += 1
                self._copy(row, pks, extra, words, places, numbers, batch)
                made += 1
                if made == wanted or made % AT_ONCE == 0:
                    break
            for table, rows in batch.items():
                self._write(table, rows)
            self._driver.commit()
        self._finish()

    def close(self) -> None:
        """Give the connection back."""
        self._raw.close()

    # --- one copy -----------------------------------------------------------------------------

    def _copy(
        self,
        row: Row,
        pks: dict[str, int],
        extra: Mapping[str, Mapping[int, Sequence[Row]]],
        words: Mapping[int, Row],
        places: Sequence[Row],
        numbers: Iterator[int],
        batch: dict[str, list[Row]],
    ) -> None:
        pk, identifier = pks["opportunity"], uuid7()
        later = timedelta(days=self._chance.randrange(DAYS))
        place = self._chance.choice(places) if row["easting"] is not None else None
        copy = {
            **row,
            **self._later(row, TIMES, timedelta() if row["always_available"] else later),
            "pk": pk,
            "id": identifier.hex if self._is_sqlite else identifier,
            "external_id": f"copy-{pk}",
            "change_number": None if row["change_number"] is None else next(numbers),
            "document": row["document"].replace(_id_of(row), str(identifier)),
        }
        if place:
            copy |= {**place, "venue_pk": None, "cell": cell(place["easting"], place["northing"])}
        batch.setdefault("opportunity", []).append(copy)
        for one in extra["opportunity_session"].get(row["pk"], ()):
            pks["opportunity_session"] += 1
            other = uuid7()
            session = {
                **one,
                **self._later(one, SESSION_TIMES, later),
                "pk": pks["opportunity_session"],
                "id": other.hex if self._is_sqlite else other,
                "opportunity_pk": pk,
                "change_number": None if one["change_number"] is None else next(numbers),
            }
            session["local_date"] = self._day(one["local_date"], later)
            session["weekday"] = (one["weekday"] + later.days) % 7
            batch.setdefault("opportunity_session", []).append(session)
        areas = [one["authority_pk"] for one in extra["opportunity_area"].get(row["pk"], ())]
        if place:
            areas = [place["authority_pk"]]
        batch.setdefault("opportunity_area", []).extend(
            {"opportunity_pk": pk, "authority_pk": authority_pk} for authority_pk in areas
        )
        batch.setdefault("opportunity_term", []).extend(
            {**one, "opportunity_pk": pk} for one in extra["opportunity_term"].get(row["pk"], ())
        )
        batch.setdefault("openactive_item", []).extend(
            {
                **one,
                "opportunity_pk": pk,
                "id": copy["id"],
                "change_number": copy["change_number"],
                "item": one["item"].replace(_id_of(row).encode(), str(identifier).encode()),
            }
            for one in extra["openactive_item"].get(row["pk"], ())
        )
        batch.setdefault("opportunity_words", []).append(
            _words_in(words[row["pk"]], pk, place, self._is_sqlite)
        )

    def _later(self, row: Row, names: Sequence[str], by: timedelta) -> Row:
        return {name: self._shifted(row[name], by) for name in names if row[name] is not None}

    def _shifted(self, value: Any, by: timedelta) -> Any:
        if not self._is_sqlite:
            return value + by if value.year < 9000 else value
        if value.startswith("9999"):
            return value
        moment = datetime.fromisoformat(value) + by
        return moment.isoformat(" ", "microseconds")

    def _day(self, value: Any, by: timedelta) -> Any:
        if not self._is_sqlite:
            return value + by
        return (datetime.fromisoformat(value).replace(tzinfo=UTC) + by).date().isoformat()

    # --- the engine ---------------------------------------------------------------------------

    def _all(self, table: str) -> list[Row]:
        columns = [
            f"{column.name}::text AS {column.name}"
            if isinstance(column.type, JSON) and not self._is_sqlite
            else column.name
            for column in SQLModel.metadata.tables[table].columns
        ]
        where = "WHERE status = 'published'" if table == "opportunity" else ""
        return self._rows(f"SELECT {', '.join(columns)} FROM {table} {where}")

    def _words(self) -> list[Row]:
        if self._is_sqlite:
            return self._rows("SELECT rowid AS pk, title, body, tags FROM opportunity_words")
        return self._rows(
            "SELECT opportunity_pk AS pk, words::text AS words FROM opportunity_words"
        )

    def _rows(self, query: str) -> list[Row]:
        cursor = self._driver.cursor()
        cursor.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _last(self, table: str) -> int:
        found: int = self._rows(f"SELECT max(pk) AS last FROM {table}")[0]["last"]
        return found

    def _next_numbers(self, wanted: int) -> Iterator[int]:
        last = self._rows("SELECT value FROM counter WHERE name = 'changes'")[0]["value"]
        self._driver.cursor().execute(
            f"UPDATE counter SET value = {last + 20 * wanted} WHERE name = 'changes'"
        )
        return iter(range(last + 1, last + 20 * wanted))

    def _write(self, table: str, rows: Sequence[Row]) -> None:
        names = list(rows[0])
        cursor = self._driver.cursor()
        if self._is_sqlite:
            marks = ", ".join("?" * len(names))
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
            cursor.execute("BEGIN IMMEDIATE") if not self._driver.in_transaction else None
            cursor.executemany(statement, [tuple(row.values()) for row in rows])
            return
        with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copying:
            for row in rows:
                copying.write_row(tuple(row.values()))

    def _finish(self) -> None:
        cursor = self._driver.cursor()
        if self._is_sqlite:
            cursor.execute("INSERT INTO opportunity_words (opportunity_words) VALUES ('optimize')")
            cursor.execute("ANALYZE")
            self._driver.commit()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for table in ("opportunity", "opportunity_session"):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'pk'), max(pk)) FROM {table}"
            )
        self._driver.commit()


def _words_in(row: Row, pk: int, place: Row | None, is_sqlite: bool) -> Row:
    """The words of a copy, its tags those of its own area."""
    name = "tags" if is_sqlite else "words"
    text = row[name]
    if place:
        area = f"A{place['authority_pk']}"
        text = _AREA.sub(area, text)
    if is_sqlite:
        return {"rowid": pk, "title": row["title"], "body": row["body"], "tags": text}
    return {"opportunity_pk": pk, "words": text}


def _id_of(row: Row) -> str:
    found: str = json.loads(row["document"])["id"]
    return found


def _grouped(rows: Sequence[Row], name: str) -> Mapping[int, Sequence[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row[name], []).append(row)
    return found


def _forever(rows: Sequence[Row]) -> Iterator[Row]:
    while True:
        yield from rows


def fill(database: Database, wanted: int) -> None:
    """Fill a database that holds the demonstration."""
    filler = Filler(database)
    try:
        filler.fill(wanted)
    finally:
        filler.close()
