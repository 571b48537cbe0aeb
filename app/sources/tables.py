"""Tables as people keep them: from the bytes of a file to headings and rows.

The bytes decide what a file is, not its name nor the declared type. Rows come as a stream.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

from app.kit.spreadsheet_text import without_guard
from app.sources.cells import (
    MOST_BYTES,
    MOST_CHARACTERS,
    MOST_COLUMNS,
    MOST_ROWS,
    BadTable,
    Cell,
    Note,
    Notes,
    RawCell,
    RawRow,
    Row,
    TooLong,
    is_blank,
    letters,
)
from app.sources.header_rows import HEADING_LENGTH, Finder, heading_of
from app.sources.headings import plain
from app.sources.text_files import TextFile, empty
from app.sources.workbooks import Sheet, Workbook

HEAD_ROWS = 30
"""How many rows are looked at to find the headings."""
MOST_SHEETS = 50
GUIDE_SHEETS = frozenset(
    {"example", "examples", "words", "notes", "guidance", "instructions", "lists", "help",
     "read me", "readme", "guide", "key", "lookup", "lookups"}
)  # fmt: skip
"""Sheets that explain a table; they are read only when there is no other."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass
class Table:
    """A table that was made out. Its rows can be read once."""

    kind: Literal["csv", "xlsx"]
    heading_line: int
    headings: list[str]
    """Each different: a heading that stands twice is `Name` and `Name (2)`."""
    columns: list[str]
    """The letter of each heading's column."""
    rows: Iterator[Row]
    """BadTable may still come while they are read: then none of them should be applied."""
    notes: list[Note]
    """Complete when the rows have been read."""
    sheet: str | None = None
    encoding: str | None = None
    separator: str | None = None


def read_table(data: bytes, known: Collection[str] = ()) -> Table:
    """Make out the table in a file; BadTable says why there is none.

    `known` are headings that the source's saved mapping names.
    """
    if not data:
        raise empty()
    if len(data) > MOST_BYTES:
        raise BadTable(
            "too_big",
            f"This file has {len(data) / (1 << 20):.1f} MB; at most {MOST_BYTES >> 20} MB are "
            "read. Split it into several files.",
        )
    finder = Finder(known)
    notes = Notes()
    if data.startswith(_ZIP):
        return _from_workbook(Workbook(data), finder, notes)
    if data.startswith(_OLE):
        raise _old_office(data)
    text = TextFile(data, notes, finder.recognised)
    rows = text.rows()
    head = list(islice(rows, HEAD_ROWS))
    if not head:
        raise empty()
    table = _table("csv", head, rows, finder, notes)
    table.encoding, table.separator = text.encoding, text.separator
    return table


def _from_workbook(workbook: Workbook, finder: Finder, notes: Notes) -> Table:
    heads: list[tuple[tuple[bool, int, bool], Sheet, list[RawRow]]] = []
    for sheet in workbook.sheets[:MOST_SHEETS]:
        head = list(islice(workbook.rows(sheet, Notes()), HEAD_ROWS))
        if head:
            ours = not sheet.hidden and sheet.name.strip().casefold() not in GUIDE_SHEETS
            known = max(finder.recognised(cells) for _, _, cells in head)
            heads.append(((ours, known, len(head) > 1), sheet, head))
    if not heads:
        raise empty()
    _, sheet, head = max(heads, key=lambda found: found[0])
    others = [
        repr(other.name)
        for (ours, _, _), other, _ in heads
        if ours and other is not sheet
    ]  # fmt: skip
    if others:
        notes.say(
            "other_sheets",
            f"Only the sheet {sheet.name!r} was read, not {', '.join(others[:10])}.",
        )
    rows = workbook.rows(sheet, notes)
    for _ in head:
        next(rows)
    table = _table("xlsx", head, rows, finder, notes)
    table.sheet = sheet.name
    return table


def _old_office(data: bytes) -> BadTable:
    """What an OLE container is: a workbook behind a password, or an old format."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return BadTable(
            "encrypted",
            "This workbook is protected with a password. Save a copy without one, and send that.",
        )
    if "WordDocument".encode("utf-16-le") in data:
        return BadTable("not_a_table", "This is a Word document. Put the table into a spreadsheet.")
    return BadTable("xls", "This is an old Excel file (.xls). Save it as .xlsx or .csv.")


# --- from raw rows to rows --------------------------------------------------------------------


def _table(
    kind: Literal["csv", "xlsx"],
    head: Sequence[RawRow],
    rest: Iterator[RawRow],
    finder: Finder,
    notes: Notes,
) -> Table:
    position = finder.header(head)
    line, _, cells = head[position]
    said = [heading_of(cell) for cell in cells]
    above = head[position - 1] if position else None
    if above is not None:
        both = finder.combined(above[2], cells)
        if both:
            said = both
            notes.say(
                "two_header_rows", f"Rows {above[1]} and {head[position][1]} were read as headings."
            )
        _note_rows_above(head[:position], bool(both), notes)
    places = [place for place, heading in enumerate(said) if heading]
    if not places:
        raise BadTable("no_headings", f"Row {head[position][1]} holds no headings that show.")
    if len(places) > MOST_COLUMNS:
        raise BadTable(
            "too_many_columns",
            f"This table has {len(places)} columns; at most {MOST_COLUMNS} are read. "
            "Leave out those that a listing does not need.",
        )
    headings = _different([said[place] for place in places], notes)
    if finder.recognised(list(headings)) == 0:
        notes.say(
            "no_heading_recognised",
            f"None of the headings in row {head[position][1]} is known here: "
            f"{', '.join(headings[:10])}.",
        )
    shaper = _Shaper(kind, places, len(cells), cells, notes)
    rows = shaper.rows(chain(head[position + 1 :], rest))
    first = next(rows, None)
    if first is None:
        raise BadTable(
            "header_only", "There are headings, but no rows beneath them. Add your listings."
        )
    return Table(
        kind=kind,
        heading_line=line,
        headings=headings,
        columns=[letters(place) for place in places],
        rows=chain([first], rows),
        notes=notes,
    )


def _note_rows_above(rows: Sequence[RawRow], combined: bool, notes: Notes) -> None:
    skipped = rows[:-1] if combined else rows
    if skipped:
        text = " ".join(heading_of(cell) for _, _, cells in skipped for cell in cells).split()
        what = (
            "1 row above the headings was"
            if len(skipped) == 1
            else (f"{len(skipped)} rows above the headings were")
        )
        notes.say("rows_above_headings", f"{what} left out: {' '.join(text)[:120]!r}.")


def _different(said: Sequence[str], notes: Notes) -> list[str]:
    """Headings with a number behind those that were there before."""
    seen: dict[str, int] = {}
    found = []
    for heading in said:
        count = seen[heading.casefold()] = seen.get(heading.casefold(), 0) + 1
        if count > 1:
            notes.say("repeated_heading", f"The heading {heading!r} stands over several columns.")
        found.append(heading if count == 1 else f"{heading} ({count})")
    return found


class _Shaper:
    """Gives raw rows the shape of the headings."""

    def __init__(
        self,
        kind: str,
        places: Sequence[int],
        width: int,
        header: Sequence[RawCell],
        notes: Notes,
    ) -> None:
        self._places = places
        self._named = frozenset(places)
        self._width = width
        self._header = [plain(heading_of(cell)) for cell in header]
        self._strict_width = kind == "csv"
        self._notes = notes

    def rows(self, raw: Iterator[RawRow]) -> Iterator[Row]:
        """Every row that says something; BadTable past the most that are read."""
        count = 0
        for line, number, cells in raw:
            row = self._row(line, number, cells)
            if row is None:
                continue
            count += 1
            if count > MOST_ROWS:
                raise BadTable(
                    "too_many_rows",
                    f"A file may have {MOST_ROWS:,} rows; this one has more. Split it.",
                )
            yield row

    def _row(self, line: int, number: int, raw: Sequence[RawCell]) -> Row | None:
        faults: list[Note] = []
        cells: list[Cell] = [
            self._cell(cell, place, faults) for place, cell in enumerate(raw)
        ]  # fmt: skip
        if all(map(is_blank, cells)) and not faults:
            return None
        if self._repeats_header(cells):
            self._notes.add("repeated_header", f"Row {number} repeats the headings; left out.")
            return None
        extra = {
            f"column {letters(place)}": cell
            for place, cell in enumerate(cells)
            if place not in self._named and not is_blank(cell)
        }
        if len(extra) > MOST_COLUMNS:
            faults.append(Note("too_many_cells", f"This row has {len(cells)} cells."))
            extra = {}
        if extra:
            self._note_extra(number, len(raw), extra, faults)
        count = len(cells)
        shaped = [cells[place] if place < count else None for place in self._places]
        return Row(line, number, shaped, faults, extra)

    def _note_extra(
        self, number: int, width: int, extra: dict[str, Cell], faults: list[Note]
    ) -> None:
        if self._strict_width and width > self._width:
            faults.append(
                Note(
                    "too_many_cells",
                    f"This row has {width} cells, the headings {self._width}. Put text that "
                    "holds the separator into quotation marks.",
                )
            )
        self._notes.add(
            "text_without_heading",
            f"Row {number} has text under no heading, in {', '.join(extra)}; it is kept, not read.",
        )

    def _cell(self, cell: RawCell, place: int, faults: list[Note]) -> Cell:
        if isinstance(cell, str):
            if len(cell) > MOST_CHARACTERS:
                cell = TooLong(len(cell))
            elif "\0" in cell:
                faults.append(
                    Note("nul_character", f"Column {letters(place)} holds a NUL character.")
                )
                return None
            else:
                return without_guard(cell.strip())
        if isinstance(cell, TooLong):
            faults.append(
                Note(
                    "cell_too_long",
                    f"Column {letters(place)} holds {cell.characters:,} characters; "
                    f"a cell may have {MOST_CHARACTERS:,}.",
                )
            )
            return None
        return cell

    def _repeats_header(self, cells: Sequence[Cell]) -> bool:
        place = self._places[0]
        first = cells[place] if place < len(cells) else None
        if not isinstance(first, str) or len(first) > 2 * HEADING_LENGTH:
            return False
        if plain(first) != self._header[place]:
            return False
        said = [plain(cell) if isinstance(cell, str) else "" for cell in cells]
        width = min(len(said), len(self._header))
        return said[:width] == self._header[:width] and sum(map(bool, said)) >= 2
