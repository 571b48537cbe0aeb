"""All listings that match, page by page: their keys first, then their documents as they are sent.

The keys are eight bytes each and are read at once, in order; so nothing comes twice or is left
out because it moved meanwhile. Documents follow a page at a time, each page in a read of its own:
a slow client holds neither a connection nor a snapshot. What is withdrawn meanwhile is left out.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pydantic_core
from sqlalchemy import text
from sqlmodel import Session

from app.feeds import csv_columns
from app.kit.database import Database, chunks
from app.kit.problems import Kind, Problem
from app.kit.strict_json import dumps
from app.opportunities import documents, listing, search
from app.opportunities.conditions import Sight
from app.opportunities.listing import Asking
from app.opportunities.wanted import Sort, Wanted

MOST_LISTINGS = 200_000
"""In one file."""
AT_ONCE = 250
SECONDS = 60.0
ALWAYS_SHOWN = frozenset({"id", "href"})
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

TOO_MANY_LISTINGS = Kind(
    "too_many_listings", 422, "Too many listings",
    f"A file holds at most {MOST_LISTINGS:,}. Narrow it down with filters, or keep a copy with "
    "/v1/opportunities/changes.",
)  # fmt: skip


@dataclass(frozen=True)
class Search:
    """What is looked for, by whom, in which order, and how it is shown."""

    database: Database
    wanted: Wanted
    sight: Sight
    sort: Sort
    public_url: str
    fields: frozenset[str] = frozenset()

    def keys(self, session: Session, limit: int) -> "array[int]":
        """The keys of the listings that match, in order, at most so many."""
        found: array[int] = array("q")
        for statement in listing.statements_of_keys(self._asking(limit)):
            rows = session.connection().execute(text(statement.sql), statement.parameters)
            found.extend(rows.scalars())
        return found[:limit]

    def all_keys(self) -> "array[int]":
        """The same for a file; a problem if there are more than it holds."""
        with self.database.reading(SECONDS) as session:
            found = self.keys(session, MOST_LISTINGS + 1)
        if len(found) > MOST_LISTINGS:
            raise Problem(TOO_MANY_LISTINGS)
        return found

    def pages(self, keys: "array[int]") -> Iterator[Sequence[Any]]:
        """The rows of these listings, page by page, those that still match in their state."""
        for some in chunks(keys, AT_ONCE):
            with self.database.reading(SECONDS) as session:
                yield self.rows(session, some)

    def rows(self, session: Session, keys: Sequence[int]) -> Sequence[Any]:
        """The rows of some listings."""
        statement = search.of_keys(self.wanted, self.sort, keys, is_sqlite=self.database.is_sqlite)
        return session.connection().execute(text(statement.sql), statement.parameters).all()

    def _asking(self, limit: int) -> Asking:
        return Asking(
            wanted=self.wanted,
            sight=self.sight,
            sort=self.sort,
            limit=limit,
            is_sqlite=self.database.is_sqlite,
        )


# --- lines of JSON ----------------------------------------------------------------------------


def ndjson(found: Search, keys: "array[int]") -> Iterator[bytes]:
    """A listing a line."""
    if found.fields or found.wanted.near is not None:
        for page in found.pages(keys):
            yield b"".join(dumps(_members(found, row)) + b"\n" for row in page)
        return
    public_url = found.public_url
    for page in found.pages(keys):
        yield documents.served_apart(page, public_url, "\n").encode()


def _members(found: Search, row: Any) -> Mapping[str, Any]:
    """A listing as lists show it, with its distance where one is asked for."""
    members = _whole(found, row)
    if not found.fields:
        return members
    kept = found.fields | ALWAYS_SHOWN
    return {name: value for name, value in members.items() if name in kept}


def _whole(found: Search, row: Any) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if found.wanted.near is not None:
        more["distance_km"] = found.wanted.near.kilometres(row.easting, row.northing)
    served = documents.served(row.document, row.change_number, found.public_url, **more)
    members: dict[str, Any] = pydantic_core.from_json(served)
    return members


# --- GeoJSON ----------------------------------------------------------------------------------


def geojson(found: Search, keys: "array[int]") -> Iterator[bytes]:
    """A FeatureCollection (RFC 7946): a point a listing, or none where it has no place."""
    return _collection(_features(found, page) for page in found.pages(keys))


def _features(found: Search, rows: Iterable[Any]) -> Iterator[bytes]:
    for row in rows:
        whole = _whole(found, row)
        venue = whole["venue"]
        point = None
        if venue is not None and venue["lat"] is not None:
            # What the venue hides is rough in the document already.
            point = {"type": "Point", "coordinates": [venue["lng"], venue["lat"]]}
        kept = found.fields | ALWAYS_SHOWN if found.fields else whole.keys()
        properties = {name: value for name, value in whole.items() if name in kept}
        yield dumps(
            {"type": "Feature", "id": whole["id"], "geometry": point, "properties": properties}
        )


def _collection(pages: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    between = b'{"type":"FeatureCollection","features":['
    for page in pages:
        features = b",".join(page)
        if features:
            yield between + features
            between = b","
    yield b"]}" if between == b"," else between + b"]}"


# --- CSV --------------------------------------------------------------------------------------


def csv_file(found: Search, keys: "array[int]", *, mark: bool) -> Iterator[bytes]:
    """A table with a heading; `mark` puts first what tells Excel that it is UTF-8."""
    yield (BYTE_ORDER_MARK if mark else b"") + csv_columns.HEADING.encode()
    for page in found.pages(keys):
        yield "".join(_lines(found, page)).encode()


def _lines(found: Search, rows: Iterable[Any]) -> Iterator[str]:
    for row in rows:
        # Texts are mostly different: to remember them all costs more than it saves.
        shown = pydantic_core.from_json(row.document, cache_strings="keys")
        yield csv_columns.line_of(shown, row.change_number, found.public_url)
