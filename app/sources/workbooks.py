"""Excel workbooks (.xlsx, .xlsm), read as a stream with bounded memory.

Neither openpyxl nor calamine can be bounded: the first builds any text whole, the second
allocates the whole rectangle that two far cells span. This reads what a table needs (cached
values, dates, sheet names) and nothing else, and refuses document types, so no entity is ever
expanded and nothing outside the file is read. ECMA-376 parts 1 and 3.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO
from xml.parsers import expat

from app.sources.cells import BadTable, Notes, RawRow, TooLong
from app.sources.worksheets import SharedReader, SheetReader, corrupt, date_kind, local_name

MOST_INFLATED = 300_000_000
MOST_RATIO = 200
RATIO_COUNTS_FROM = 2_000_000
"""Smaller parts may shrink as well as they like."""
MOST_MEMBERS = 2_000
MOST_PART = 20_000_000
"""Bytes of the parts that describe the workbook, such as its styles."""
MOST_SHARED = 60_000_000
"""Bytes, roughly, of all the texts that cells share; a sheet of 10,000 rows needs far fewer."""
BLANK_TAIL = 5_000
"""So many blank rows in a row end a sheet: whole columns are often formatted to the bottom."""
CHUNK = 65_536
MOST_TOKEN = 4_000_000
_ENTRY = b"PK\x01\x02"
"""Begins each entry of a zip file's directory."""


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook: its name, the part that holds it, whether people see it."""

    name: str
    part: str
    hidden: bool


class Workbook:
    """An open workbook. BadTable says why one cannot be opened or read."""

    def __init__(self, data: bytes) -> None:
        if data.count(_ENTRY) > MOST_MEMBERS:
            raise BadTable("zip_bomb", f"This file holds over {MOST_MEMBERS:,} parts: refused.")
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError):
            raise corrupt() from None
        self._parts = {
            info.filename.replace("\\", "/").lstrip("/").casefold(): info
            for info in self._zip.infolist()
        }
        _refuse_bombs(self._zip.infolist())
        _refuse_other_kinds(self._parts)
        self.sheets: list[Sheet] = []
        self._epoch_1904 = False
        self._read_workbook()
        self._date_styles: dict[int, str] | None = None
        self._shared: list[str | TooLong] | None = None

    def rows(self, sheet: Sheet, notes: Notes) -> Iterator[RawRow]:
        """The rows of a sheet that hold cells, in order; what is odd goes into `notes`."""
        if self._date_styles is None:
            self._date_styles = self._read_styles()
        if self._shared is None:
            self._shared = self._read_shared()
        reader = SheetReader(self._shared, self._date_styles, self._epoch_1904, notes)
        blank_since = 0
        for _ in self._parse(sheet.part, reader.start, reader.end, reader.text, MOST_INFLATED):
            for row in reader.take():
                if row[2]:
                    blank_since = row[0]
                    yield row
                elif row[0] - blank_since > BLANK_TAIL:
                    notes.say(
                        "stopped_at_blank_rows",
                        f"Reading stopped at row {row[0]}: over {BLANK_TAIL} blank rows came "
                        "before it. Delete them if there is more beneath.",
                    )
                    return
        reader.finish(sheet.name)

    # --- the parts that describe the workbook -----------------------------------------------

    def _read_workbook(self) -> None:
        path = "xl/workbook.xml"
        for name, attributes in self._elements("_rels/.rels"):
            if name == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
                path = attributes.get("Target", path).lstrip("/")
        if path.casefold() not in self._parts:
            raise corrupt()
        folder = path.rpartition("/")[0]
        targets = self._targets(path)
        for name, attributes in self._elements(path):
            if name == "workbookPr":
                self._epoch_1904 = attributes.get("date1904") in {"1", "true"}
            elif name == "sheet":
                kind, part = targets.get(attributes.get("id", ""), ("", ""))
                if kind == "worksheet" and part.casefold() in self._parts:
                    hidden = attributes.get("state", "visible") != "visible"
                    self.sheets.append(Sheet(attributes.get("name", ""), part, hidden))
        by_kind = dict(targets.values())
        self._styles_part = by_kind.get("styles", f"{folder}/styles.xml")
        self._shared_part = by_kind.get("sharedStrings", f"{folder}/sharedStrings.xml")
        if not self.sheets:
            raise BadTable("no_sheet", "This workbook has no sheet with cells.")

    def _targets(self, path: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: the kind and the part behind each id."""
        folder, _, file = path.rpartition("/")
        found = {}
        for name, attributes in self._elements(f"{folder}/_rels/{file}.rels"):
            if name == "Relationship":
                target = attributes.get("Target", "")
                whole = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = (kind, whole)
        return found

    def _read_styles(self) -> dict[int, str]:
        """What kind of date each cell style shows: `date`, `time` or `both`."""
        formats: dict[str, str] = {}
        found: dict[int, str] = {}
        position = 0
        inside = False
        for name, attributes in self._elements(self._styles_part, ends=True):
            if name == "numFmt":
                formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif name == "cellXfs":
                inside = True
            elif name == "/cellXfs":
                inside = False
            elif name == "xf" and inside:
                identifier = attributes.get("numFmtId", "0")
                kind = date_kind(formats.get(identifier), identifier)
                if kind:
                    found[position] = kind
                position += 1
        return found

    def _read_shared(self) -> list[str | TooLong]:
        if self._shared_part.casefold() not in self._parts:
            return []
        reader = SharedReader()
        for _ in self._parse(
            self._shared_part, reader.start, reader.end, reader.text, MOST_INFLATED
        ):
            if reader.size > MOST_SHARED:
                raise BadTable("too_much_text", "This workbook holds too much text. Split it.")
        return reader.found

    def _elements(self, part: str, *, ends: bool = False) -> Iterator[tuple[str, dict[str, str]]]:
        """The elements of a small part; their ends too, as `/name`, when asked for."""
        if part.casefold() not in self._parts:
            return
        found: list[tuple[str, dict[str, str]]] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            found.append((local_name(name), {local_name(key): v for key, v in attributes.items()}))

        def end(name: str) -> None:
            if ends:
                found.append((f"/{local_name(name)}", {}))

        for _ in self._parse(part, start, end, None, MOST_PART):
            yield from found
            found.clear()

    def _parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        text: Callable[[str], None] | None,
        most: int,
    ) -> Iterator[None]:
        """Feed a part to the parser, pausing after each chunk."""
        info = self._parts[part.casefold()]
        if info.file_size > most:
            raise BadTable("too_big", f"A part of this workbook, {part}, is too big to be read.")
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        if text is not None:
            parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse_document_type
        fed = 0
        try:
            with self._open(info) as stream:
                while chunk := stream.read(CHUNK):
                    parser.Parse(chunk, False)
                    fed += len(chunk)
                    if fed - parser.CurrentByteIndex > MOST_TOKEN:
                        raise corrupt()
                    yield
                parser.Parse(b"", True)
            yield
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError,
                NotImplementedError, struct.error) as error:  # fmt: skip
            if isinstance(error, BadTable):
                raise
            raise corrupt() from None

    def _open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        try:
            return self._zip.open(info)
        except RuntimeError:  # a password is asked for
            raise _encrypted() from None


# --- guards -----------------------------------------------------------------------------------


def _encrypted() -> BadTable:
    return BadTable(
        "encrypted",
        "This workbook is protected with a password. Save a copy without one, and send that.",
    )


def _refuse_bombs(members: list[zipfile.ZipInfo]) -> None:
    """Look at the declared sizes before anything is inflated; inflating stops at them."""
    if any(member.flag_bits & 1 for member in members):
        raise _encrypted()
    if any(
        member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for member in members
    ):
        raise corrupt()
    total = sum(member.file_size for member in members)
    steep = any(
        member.file_size > RATIO_COUNTS_FROM
        and member.file_size > MOST_RATIO * max(member.compress_size, 1)
        for member in members
    )
    if total > MOST_INFLATED or steep:
        raise BadTable(
            "zip_bomb",
            f"This file would unpack to {total:,} bytes; refused unread. If it is a real "
            "workbook, copy its rows into a new one, without the empty ones beneath.",
        )


def _refuse_other_kinds(parts: dict[str, zipfile.ZipInfo]) -> None:
    save = "Save it as .xlsx or .csv, and send that."
    if any(name.startswith("xl/") and name.endswith("workbook.bin") for name in parts):
        raise BadTable("xlsb", f"This is a binary Excel workbook (.xlsb). {save}")
    if any(name.startswith("xl/") for name in parts):
        return
    if "content.xml" in parts or "mimetype" in parts:
        raise BadTable("ods", f"This is an OpenDocument file (.ods). {save}")
    if any(name.startswith("word/") for name in parts):
        raise BadTable("not_a_table", "This is a Word document. Put the table into a spreadsheet.")
    if any(name.startswith("index/") and name.endswith(".iwa") for name in parts):
        raise BadTable("not_a_table", f"This is an Apple Numbers or Pages file. {save}")
    raise BadTable("not_a_table", f"This is a zip archive, not a spreadsheet. {save}")


def _refuse_document_type(*_: object) -> None:
    raise BadTable(
        "unsafe", "This workbook declares a document type, which no spreadsheet program writes."
    )
