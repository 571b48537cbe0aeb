"""Text files with separated values: which encoding, which separator, where each row starts."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, TextIOWrapper

from app.sources.cells import BadTable, Notes, RawCell, RawRow, is_blank

MOST_RECORD = 4_000_000
"""Characters in one row. A longer one is a quotation mark that is never closed, or an attack."""
MOST_NULS = 100
"""Stray NUL characters spoil their rows; more of them mean that this is no text at all."""
MOST_LINES = 2_000_000
"""Twice as many as a sheet has rows. Tens of millions of blank lines take a minute to pass over."""
SEPARATORS = (",", ";", "\t", "|")
SAMPLE_CHARACTERS = 65_536
SAMPLE_ROWS = 50

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH = re.compile(rb"[\x80-\xff]")
_DIRECTIVE = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
_MARKUP = re.compile(r"\s*<\s*[!?a-zA-Z]")
_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[{"\]])')
_NOT_TEXT = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "a rich text document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"Rar!", "a compressed file"),
    (b"7z\xbc\xaf", "a compressed file"),
)


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Decode the bytes that are no UTF-8 as Windows-1252, one by one."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    said = error.object[error.start : error.end].decode("cp1252", "replace")
    return said, error.end


codecs.register_error("lcep-windows-1252", _as_windows)
# The limit is one for the whole process; rows are bounded here, by MOST_RECORD.
csv.field_size_limit(MOST_RECORD)


class TextFile:
    """A CSV file that was made out: its encoding, its separator, its rows."""

    def __init__(
        self, data: bytes, notes: Notes, recognised: Callable[[Sequence[RawCell]], int]
    ) -> None:
        _refuse_other_kinds(data)
        if data.count(b"\n") > MOST_LINES or data.count(b"\r") > MOST_LINES:
            raise BadTable(
                "too_many_lines",
                f"This file has more than {MOST_LINES:,} lines. Delete the blank ones, and look "
                "for a quotation mark that is never closed.",
            )
        self._data = data
        self.encoding, self._errors = _encoding(data, notes)
        try:
            sample = self._open().read(SAMPLE_CHARACTERS)
        except UnicodeError:
            raise _undecodable(self.encoding) from None
        if not sample.strip("\ufeff\x00 \t\r\n"):
            raise empty()
        if _MARKUP.match(sample):
            raise BadTable(
                "markup", "This is a web page or XML, not a CSV file. Save it as .xlsx or .csv."
            )
        if _JSON.match(sample):
            raise BadTable("json", "This is JSON, not a CSV file. Send it as application/json.")
        directive = _DIRECTIVE.match(sample.splitlines()[0])
        self.separator = directive[1] if directive else _separator(sample, recognised)
        self._skip = 1 if directive else 0

    def rows(self) -> Iterator[RawRow]:
        """Every row that is not blank."""
        lines = _Lines(self._open())
        for _ in range(self._skip):
            next(lines)
        reader = csv.reader(lines, delimiter=self.separator)
        number = self._skip
        while True:
            lines.begin()
            try:
                cells = next(reader, None)
            except UnicodeError:
                raise _undecodable(self.encoding) from None
            except csv.Error as error:
                raise BadTable("malformed", f"Line {lines.first}: {error}.") from None
            if cells is None:
                return
            number += 1
            if len(lines.record) > 1 and lines.is_last():
                _refuse_open_quote(lines, self.separator)
            if any(cells):
                yield lines.first, number, list(cells)

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(
            BytesIO(self._data), encoding=self.encoding, errors=self._errors, newline=""
        )


class _Lines:
    """The lines of a text, counted, with those of the current row remembered."""

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._ahead: str | None = None
        self.count = 0
        self.first = 1
        self.record: list[str] = []
        self._held = 0

    def begin(self) -> None:
        """A row begins with the next line."""
        self.first = self.count + 1
        self.record = []
        self._held = 0

    def is_last(self) -> bool:
        """Whether no line follows."""
        if self._ahead is None:
            self._ahead = self._text.readline(MOST_RECORD)
        return not self._ahead

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._ahead is None:
            line = self._text.readline(MOST_RECORD)
        else:
            line, self._ahead = self._ahead, None
        if not line:
            raise StopIteration
        self.count += 1
        self._held += len(line)
        if self._held >= MOST_RECORD:
            raise BadTable(
                "row_too_long",
                f"The row that starts on line {self.first} has over {MOST_RECORD:,} characters. "
                "Perhaps a quotation mark there is never closed.",
            )
        self.record.append(line)
        return line


# --- which encoding ---------------------------------------------------------------------------


def empty() -> BadTable:
    """What is said of a file with nothing in it."""
    return BadTable("empty", "This file is empty.")


def _undecodable(encoding: str) -> BadTable:
    return BadTable(
        "encoding",
        f"This text file is neither UTF-8, {encoding.upper()} nor Windows-1252. "
        "Save it as “CSV UTF-8”.",
    )


def _refuse_other_kinds(data: bytes) -> None:
    for start, name in _NOT_TEXT:
        if data.startswith(start):
            raise BadTable("not_a_table", f"This is {name}, not a spreadsheet. Send .xlsx or .csv.")


def _encoding(data: bytes, notes: Notes) -> tuple[str, str]:
    """The encoding of a text, and what to do with bytes that do not fit it."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name, "strict"
    unmarked = _unmarked_utf16(data)
    if unmarked:
        return unmarked, "strict"
    if data.count(b"\0") > MOST_NULS:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise BadTable(
            "nul_bytes",
            f"This file holds NUL bytes from line {line} on: it is damaged, or no text file.",
        )
    if _is_utf8(data):
        return "utf-8", "strict"
    fitting = sum(len(match[0]) for match in _SEQUENCE.finditer(data))
    others = sum(1 for _ in _HIGH.finditer(data)) - fitting
    if fitting > others:
        notes.say(
            "mixed_encoding",
            f"The file is UTF-8 with {others} characters of Windows-1252 in it; both were read.",
        )
        return "utf-8", "lcep-windows-1252"
    notes.say(
        "windows_1252",
        "The file is not UTF-8; it was read as Windows-1252. Check letters such as é and £.",
    )
    if any(byte in data for byte in (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")):
        notes.say("unreadable_characters", "Some characters could not be read; they show as �.")
    return "cp1252", "replace"


def _is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    view = memoryview(data)
    step = 1 << 20
    try:
        for start in range(0, len(data), step):
            decoder.decode(view[start : start + step], start + step >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _unmarked_utf16(data: bytes) -> str | None:
    """UTF-16 without a mark: in Latin text every other byte is NUL."""
    head = data[:4096]
    half = len(head) // 2
    if half < 2 or len(data) % 2:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


# --- which separator --------------------------------------------------------------------------


def _separator(sample: str, recognised: Callable[[Sequence[RawCell]], int]) -> str:
    """The separator that makes most sense of the first rows: headings known, then even rows."""
    lines = sample.splitlines(keepends=True)
    if len(lines) > 1 and len(sample) == SAMPLE_CHARACTERS:
        lines.pop()  # cut in the middle
    best, choice = (0, 0.0, 0), ","
    for separator in SEPARATORS:
        rows = []
        for row in csv.reader(lines, delimiter=separator):
            if not all(map(is_blank, row)):
                rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
        widths = Counter(len(row) for row in rows if len(row) > 1)
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        found = (max(recognised(row) for row in rows), times / len(rows), width)
        if found > best:
            best, choice = found, separator
    return choice


def _refuse_open_quote(lines: _Lines, separator: str) -> None:
    """A last row of several lines may be a quotation mark that swallowed the rest of the file."""
    try:
        for _ in csv.reader(lines.record, delimiter=separator, strict=True):
            continue
    except csv.Error as error:
        if "end of data" in str(error):
            raise BadTable(
                "open_quote",
                f"A quotation mark on line {lines.first} is never closed, so the "
                f"{len(lines.record)} lines from there on read as one row. Close it.",
            ) from None
