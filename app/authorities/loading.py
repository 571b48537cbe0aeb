"""Loading authorities, boundaries and postcodes: those that ship, and those of other regions.

This module speaks both dialects, since two hundred thousand rows go in by COPY or executemany.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import func
from sqlmodel import Session, col, select

from app.authorities import queries
from app.authorities.data import read as shipped
from app.authorities.data.read import AuthorityRecord, PostcodeRecord
from app.authorities.models import Authority, AuthorityKind, Boundary, Postcode, words_of
from app.authorities.postcodes import normalise_postcode
from app.kit.database import Database, key, touch
from app.kit.national_grid import GRID_HEIGHT, GRID_WIDTH, to_wgs84

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""
Stored = tuple[str, int, int, int, float, float]
"""A row of the table `postcode`."""
T = TypeVar("T")

REGION = "West Midlands"
CHUNK = 20_000
"""Postcodes written at once: few enough for little memory, and for short locks from a file."""
READ_SECONDS = 60
WRITE_SECONDS = 120

KINDS = {
    "E06": AuthorityKind.UNITARY,
    "E07": AuthorityKind.DISTRICT,
    "E08": AuthorityKind.METROPOLITAN_BOROUGH,
    "E09": AuthorityKind.LONDON_BOROUGH,
    "S12": AuthorityKind.UNITARY,
    "W06": AuthorityKind.UNITARY,
}
"""Kinds of authority by the first three characters of the GSS code."""

ELSEWHERE = {"N": "northern_ireland", "L": "channel_islands", "M": "isle_of_man"}
"""First letters of codes whose coordinates are on another grid than the British one."""
ELSEWHERE_BY_AREA = {
    "BT": "northern_ireland",
    "GY": "channel_islands",
    "JE": "channel_islands",
    "IM": "isle_of_man",
}
"""The same by postcode area, for rows without a code."""
NO_COORDINATES = "no_coordinates"
NO_AUTHORITY = "no_authority"
_PSEUDO = re.compile(r"[EWS]9{8}")
"""Codes that stand for no authority."""


class BadPostcodeFile(ValueError):
    """The file cannot be loaded; the message names the line and what is wrong with it."""


@dataclass(frozen=True)
class RegionLoaded:
    """How many rows were added."""

    authorities: int
    boundaries: int
    postcodes: int


@dataclass
class PostcodesLoaded:
    """What became of the lines of a file."""

    read: int = 0
    changed: int = 0
    """New postcodes, and those whose authority or place differs now."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Lines left out, by reason."""
    authorities: list[str] = field(default_factory=list)
    """Codes of the authorities that were added."""

    @property
    def unchanged(self) -> int:
        """Postcodes that were there already, just so."""
        return self.read - self.changed - self.skipped.total()

    def as_dict(self) -> dict[str, Any]:
        """The same, as a command prints it."""
        return {
            "read": self.read,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "skipped": dict(self.skipped),
            "authorities": self.authorities,
        }


# --- the region ------------------------------------------------------------------------------


def load_region(database: Database, progress: Progress) -> RegionLoaded:
    """Add the shipped authorities, boundaries and postcodes that are missing, in one transaction.

    What is there stays as it is: staff may have edited it, or `load_postcodes` renewed it.
    """
    records = {record.gss_code: record for record in shipped.authorities()}
    with database.reading(seconds=READ_SECONDS) as session:
        present = queries.by_code(session)
        pks = {row.pk for code, row in present.items() if code in records}
        statement = select(Postcode.postcode).where(col(Postcode.authority_pk).in_(pks))
        known = set(session.exec(statement))
    missing = [record for record in shipped.postcodes() if record.postcode not in known]
    with database.writing(seconds=WRITE_SECONDS) as session:
        authorities = _add_authorities(session, records)
        outlines = _add_boundaries(session, authorities)
        pk_of = {code: key(row) for code, row in authorities.items()}
        added = 0
        for done, chunk in _chunked(missing):
            rows = [_row(record, pk_of) for record in chunk]
            added += _store(session, database, rows, renew=False)
            progress(done, len(missing))
        if added:
            _settle(session)
    return RegionLoaded(len(records.keys() - present.keys()), outlines, added)


def _add_authorities(
    session: Session, records: Mapping[str, AuthorityRecord]
) -> dict[str, Authority]:
    """Make the authorities that are missing; answers all of `records`, by code."""
    present = queries.by_code(session)
    # Counties come first, so that their districts can refer to them.
    for record in sorted(records.values(), key=lambda record: record.parent is not None):
        if record.gss_code not in present:
            row = Authority(
                code=record.gss_code,
                name=record.name,
                kind=AuthorityKind(record.kind),
                parent_pk=present[record.parent].pk if record.parent else None,
                region=REGION,
                aliases=list(record.aliases),
                words=words_of(record.name, list(record.aliases)),
            )
            session.add(row)
            session.flush()
            touch(session, row)
            present[row.code] = row
    return {code: present[code] for code in records}


def _add_boundaries(session: Session, authorities: Mapping[str, Authority]) -> int:
    outlined = set(session.exec(select(Boundary.authority_pk)))
    bare = {code: key(row) for code, row in authorities.items() if row.pk not in outlined}
    if not bare:
        return 0
    outlines = shipped.boundaries()
    session.add_all(Boundary(authority_pk=pk, geometry=outlines[code]) for code, pk in bare.items())
    session.flush()
    return len(bare)


# --- files of other regions ------------------------------------------------------------------


def load_postcodes(database: Database, path: Path, progress: Progress) -> PostcodesLoaded:
    """Load an ONS Postcode Directory or Code-Point Open CSV file; `progress` counts bytes.

    Adds and renews postcodes, and adds the authorities that they name; takes none away. Each
    chunk is a transaction of its own, so that the service goes on meanwhile; a file that breaks
    off with BadPostcodeFile can be mended and loaded again.
    """
    result = PostcodesLoaded()
    total = path.stat().st_size
    with path.open("rb") as raw:
        # A character that is not UTF-8 is reported with its line, if it matters at all.
        text = TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="")
        for _, chunk in _chunked(_records(text, result)):
            # The later of two lines with one postcode holds, as if they came one by one.
            latest = {record.postcode: record for record in chunk}.values()
            with database.writing(seconds=WRITE_SECONDS) as session:
                pk_of = _authorities_named(session, {r.gss_code for r in latest}, result)
                rows = [_row(record, pk_of) for record in latest]
                result.changed += _store(session, database, rows, renew=True)
            progress(raw.tell(), total)
    if result.changed:
        with database.writing(seconds=WRITE_SECONDS) as session:
            _settle(session)
    progress(total, total)
    return result


def _authorities_named(
    session: Session, codes: Collection[str], result: PostcodesLoaded
) -> dict[str, int]:
    """The authorities of these codes by code, made where missing: by name if it shipped."""
    present = queries.by_code(session)
    new = sorted(set(codes) - present.keys())
    if new:
        records = {record.gss_code: record for record in shipped.authorities()}
        named = {code: records[code] for code in new if code in records}
        counties = {record.parent for record in named.values() if record.parent}
        _add_authorities(session, {code: records[code] for code in counties} | named)
        for code in new:
            if code not in records:
                row = Authority(code=code, name=code, kind=KINDS[code[:3]])
                row.words = words_of(row.name, row.aliases)
                session.add(row)
        session.flush()
        result.authorities.extend(new)
        present = queries.by_code(session)
    return {code: key(present[code]) for code in codes}


class _Columns(NamedTuple):
    """Where a file has what we need."""

    postcode: int
    authority: int
    easting: int
    northing: int


CODE_POINT_OPEN = _Columns(postcode=0, authority=8, easting=2, northing=3)
"""Code-Point Open has no header: postcode, quality, easting, northing, …, district, ward."""
DIRECTORY = (
    ("postcode", re.compile(r"pcds|pcd|pcd[278]|postcode")),
    ("authority", re.compile(r"oslaua|laua|lad|lad\d\dcd|ladcd")),
    ("easting", re.compile(r"oseast1m|east1m|eastings?")),
    ("northing", re.compile(r"osnrth1m|north1m|northings?")),
)
"""The directory's names for its columns, which change from year to year (`lad25cd`)."""


def _records(text: Iterable[str], result: PostcodesLoaded) -> Iterator[PostcodeRecord]:
    """The usable lines of a file; the others are counted, or break off with their number."""
    lines = csv.reader(text)
    columns: _Columns | None = None
    try:
        for cells in lines:
            if not cells:
                continue
            if columns is None:
                columns = _columns(cells)
                if columns is not CODE_POINT_OPEN:
                    continue
            result.read += 1
            record = _record(cells, columns)
            if isinstance(record, PostcodeRecord):
                yield record
            else:
                result.skipped[record] += 1
        if columns is None:
            raise ValueError("The file is empty.")
    except (ValueError, csv.Error) as error:
        raise BadPostcodeFile(f"Line {max(lines.line_num, 1)}: {error}") from None


def _columns(first: Sequence[str]) -> _Columns:
    """Where the columns are, by the first line."""
    heads = [cell.strip().lower() for cell in first]
    places = {
        name: next((at for at, head in enumerate(heads) if pattern.fullmatch(head)), None)
        for name, pattern in DIRECTORY
    }
    absent = [name for name, at in places.items() if at is None]
    if not absent:
        return _Columns(**{name: at for name, at in places.items() if at is not None})
    if len(absent) == len(DIRECTORY) and _is_code_point_open(first):
        return CODE_POINT_OPEN
    raise ValueError(
        "This is neither an ONS Postcode Directory (no column for "
        f"{', '.join(absent)}) nor Code-Point Open. It begins: {', '.join(first)[:80]}"
    )


def _is_code_point_open(cells: Sequence[str]) -> bool:
    if len(cells) <= CODE_POINT_OPEN.authority or not cells[2].isdecimal():
        return False
    try:
        normalise_postcode(cells[0])
    except ValueError:
        return False
    return cells[3].isdecimal()


def _record(cells: Sequence[str], columns: _Columns) -> PostcodeRecord | str:
    """A line as a record, or the reason why it is left out; ValueError if it makes no sense."""
    if len(cells) <= max(columns):
        raise ValueError(f"It has only {len(cells)} columns, fewer than the first line.")
    postcode = normalise_postcode(cells[columns.postcode])
    code = cells[columns.authority].strip()
    elsewhere = ELSEWHERE.get(code[:1]) if code else ELSEWHERE_BY_AREA.get(postcode[:2])
    if elsewhere:
        return elsewhere
    easting = _metres(cells[columns.easting])
    northing = _metres(cells[columns.northing])
    if not easting or not northing:
        return NO_COORDINATES
    if not code or _PSEUDO.fullmatch(code):
        return NO_AUTHORITY
    if code[:3] not in KINDS or not queries.is_gss_code(code):
        raise ValueError(f"{code[:20]!r} is not the GSS code of a British local authority.")
    if easting > GRID_WIDTH or northing > GRID_HEIGHT:
        raise ValueError(f"({easting}, {northing}) is outside the National Grid.")
    return PostcodeRecord(postcode, code, easting, northing)


def _metres(cell: str) -> int:
    """A coordinate in metres; 0 for none."""
    text = cell.strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 9):
        raise ValueError(f"{text[:20]!r} is not a coordinate in metres.")
    return int(text or 0)


# --- writing ---------------------------------------------------------------------------------

_KEEP = "ON CONFLICT (postcode) DO NOTHING"
_RENEW = """ON CONFLICT (postcode) DO UPDATE SET authority_pk = excluded.authority_pk,
    easting = excluded.easting, northing = excluded.northing,
    lat = excluded.lat, lng = excluded.lng
    WHERE postcode.authority_pk <> excluded.authority_pk
    OR postcode.easting <> excluded.easting OR postcode.northing <> excluded.northing"""
_INSERT = """INSERT INTO postcode (postcode, authority_pk, easting, northing, lat, lng)
    VALUES (?, ?, ?, ?, ?, ?) """
_STAGE = "CREATE TEMPORARY TABLE IF NOT EXISTS loaded (LIKE postcode) ON COMMIT DROP"
_COPY = "COPY loaded (postcode, authority_pk, easting, northing, lat, lng) FROM STDIN"
_MERGE = """INSERT INTO postcode (postcode, authority_pk, easting, northing, lat, lng)
    SELECT postcode, authority_pk, easting, northing, lat, lng FROM loaded """


def _store(session: Session, database: Database, rows: Sequence[Stored], *, renew: bool) -> int:
    """Write postcodes, none of them twice; answers how many are new or, with `renew`, changed."""
    connection = session.connection()
    conflict = _RENEW if renew else _KEEP
    if database.is_sqlite:
        return connection.exec_driver_sql(_INSERT + conflict, list(rows)).rowcount
    connection.exec_driver_sql(_STAGE)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)
    changed = connection.exec_driver_sql(_MERGE + conflict).rowcount
    connection.exec_driver_sql("TRUNCATE loaded")
    return changed


def _row(record: PostcodeRecord, pk_of: Mapping[str, int]) -> Stored:
    lat, lng = to_wgs84(record.easting, record.northing)
    return (
        record.postcode,
        pk_of[record.gss_code],
        record.easting,
        record.northing,
        round(lat, 6),
        round(lng, 6),
    )


def _settle(session: Session) -> None:
    """Bring the authorities' numbers of postcodes and their centres up to date."""
    tallies: dict[int, tuple[int, int, int]] = {}
    statement = select(
        Postcode.authority_pk,
        func.count(),
        func.sum(Postcode.easting),
        func.sum(Postcode.northing),
    ).group_by(col(Postcode.authority_pk))
    authorities = list(queries.by_code(session).values())
    parents = {row.pk: row.parent_pk for row in authorities}
    for pk, count, easting, northing in session.execute(statement):
        for each in (pk, parents[pk]):
            if each is not None:
                so_far = tallies.get(each, (0, 0, 0))
                tallies[each] = (so_far[0] + count, so_far[1] + easting, so_far[2] + northing)
    for row in authorities:
        count, easting, northing = tallies.get(key(row), (0, 0, 0))
        row.postcode_count = count
        if count:
            row.easting, row.northing = round(easting / count), round(northing / count)
            lat, lng = to_wgs84(row.easting, row.northing)
            row.lat, row.lng = round(lat, 6), round(lng, 6)
        if session.is_modified(row):
            touch(session, row)
    session.flush()


def _chunked(items: Iterable[T]) -> Iterator[tuple[int, list[T]]]:
    """Items a chunk at a time, with how many there were up to its end."""
    remaining = iter(items)
    done = 0
    while chunk := list(islice(remaining, CHUNK)):
        done += len(chunk)
        yield done, chunk
