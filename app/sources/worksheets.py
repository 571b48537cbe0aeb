"""The cells of a worksheet and the texts that they share: from parser events to values."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from string import ascii_uppercase

from app.sources.cells import (
    MOST_CHARACTERS,
    BadTable,
    Cell,
    Notes,
    RawCell,
    RawRow,
    TooLong,
    letters,
)

MOST_POSITION = 16_384
"""Columns that the format knows."""
MOST_CELLS = 5_000_000
SHOWN = 5
OVERHEAD = 60
"""Bytes that a short text takes beside its characters."""
_BUILT_IN_DATES = {*range(14, 18), *range(27, 37), *range(50, 59)}
_BUILT_IN_TIMES = {18, 19, 20, 21, 45, 46, 47}
_BUILT_IN_BOTH = {22}
_BUILT_IN_PERCENTS = {9, 10}
_QUOTED = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def corrupt() -> BadTable:
    """What is said of a workbook that cannot be made out."""
    return BadTable(
        "corrupt",
        "This looks like an Excel workbook, but it is damaged and cannot be read. "
        "Open it in your spreadsheet program and save it again as .xlsx.",
    )


def local_name(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition(" ")[2]


def date_kind(code: str | None, identifier: str = "") -> str | None:
    """What a number format shows: `date`, `time`, `both`, `percent`, or None for plain numbers."""
    if code is None:
        number = int(identifier) if identifier.isdecimal() else 0
        if number in _BUILT_IN_PERCENTS:
            return "percent"
        if number in _BUILT_IN_BOTH:
            return "both"
        if number in _BUILT_IN_DATES:
            return "date"
        return "time" if number in _BUILT_IN_TIMES else None
    plain = _QUOTED.sub("", code.split(";")[0]).casefold().replace("general", "")
    if "%" in plain:
        return "percent"
    clock = "h" in plain or "s" in plain
    calendar = "y" in plain or "d" in plain or ("m" in plain and not clock)
    if clock and calendar:
        return "both"
    return "time" if clock else "date" if calendar else None


def from_serial(number: float, kind: str, *, epoch_1904: bool) -> Cell:
    """The date or time that a serial number stands for; the number itself if it is none.

    A share is a text with its sign, `20%`, since 0.2 would be taken for something else.
    """
    if kind == "percent":
        return f"{number * 100:.10g}%"
    if not 0 <= number < 2_958_466:
        return number
    days, seconds = divmod(round(number * 86_400), 86_400)
    clock = time(seconds // 3600, seconds // 60 % 60, seconds % 60)
    if days == 0 and not epoch_1904:
        return clock if kind != "date" else number
    if epoch_1904:
        first = date(1904, 1, 1)
    else:
        # Excel believes in 29 February 1900; serial 60 is that day.
        first = date(1899, 12, 31) if days < 60 else date(1899, 12, 30)
    if first.toordinal() + days > date.max.toordinal():
        return number
    day = first + timedelta(days=days)
    if kind == "date" and not seconds:
        return day
    return datetime.combine(day, clock)


def _column(name: str) -> int:
    """The position of a column by its letters; -1 if they are none."""
    if not (name.isascii() and name.isalpha() and name.isupper() and len(name) <= 3):
        return -1
    column = 0
    for letter in name:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _number(text: str) -> int | float | None:
    if text.isdecimal() and len(text) < 16:
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return None
    if value != value or value in {float("inf"), float("-inf")}:
        return None
    if value.is_integer() and abs(value) < 1e15:
        return int(value)
    return float(f"{value:.15g}")  # as many digits as Excel shows; not 4.3499999999999996


def _iso(text: str) -> Cell:
    for read in (datetime.fromisoformat, time.fromisoformat):
        try:
            value = read(text.removesuffix("Z"))
        except ValueError:
            continue
        if isinstance(value, datetime) and len(text) <= 10:
            return value.date()
        return value
    return text


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


class _Text:
    """Gathers character data, and forgets it past the limit of a cell."""

    __slots__ = ("characters", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.characters = 0

    def add(self, text: str) -> None:
        self.characters += len(text)
        if self.characters <= MOST_CHARACTERS:
            self.pieces.append(text)
        else:
            self.pieces.clear()

    def take(self) -> str | TooLong:
        characters, self.characters = self.characters, 0
        if not characters:
            return ""
        if characters > MOST_CHARACTERS:
            return TooLong(characters)
        text = "".join(self.pieces)
        self.pieces.clear()
        return _unescaped(text)


class SharedReader:
    """Collects the texts that cells share; phonetic guides are left out."""

    def __init__(self) -> None:
        self.found: list[str | TooLong] = []
        self.size = 0
        self._text = _Text()
        self._inside = False
        self._phonetic = 0

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        local = local_name(name)
        if local == "t":
            self._inside = not self._phonetic
        elif local == "rPh":
            self._phonetic += 1

    def end(self, name: str) -> None:
        local = local_name(name)
        if local == "t":
            self._inside = False
        elif local == "rPh":
            self._phonetic -= 1
        elif local == "si":
            text = self._text.take()
            self.size += OVERHEAD + (len(text) if isinstance(text, str) else 0)
            self.found.append(text)

    def text(self, data: str) -> None:
        if self._inside:
            self._text.add(data)


class _Places:
    """The first few cells of which something is said, and how many they are."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.count = 0

    def add(self, place: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(place)


class SheetReader:
    """Turns the events of one sheet into rows."""

    def __init__(
        self,
        shared: list[str | TooLong],
        date_styles: dict[int, str],
        epoch_1904: bool,
        notes: Notes,
    ) -> None:
        self._shared = shared
        self._dates = date_styles
        self._epoch_1904 = epoch_1904
        self._notes = notes
        self._rows: list[RawRow] = []
        self._row = 0
        self._cells: list[RawCell] = []
        self._column = -1
        self._columns: dict[str, int] = {}
        self._kind = ""
        self._style = ""
        self._text = _Text()
        self._reading = False
        self._formula = False
        self._seen = 0
        self._phonetic = 0
        self._valueless = _Places()
        self._errors = _Places()
        self._merged = _Places()
        self._hidden = _Places()
        self._addresses: set[str] = set()
        self._known_starts: dict[str, Callable[[dict[str, str]], None]] = {
            "row": self._start_row,
            "c": self._start_cell,
            "v": self._start_text,
            "t": self._start_text,
            "f": self._start_formula,
            "rPh": self._start_phonetic,
            "mergeCell": self._start_merge,
            "hyperlink": self._start_hyperlink,
        }
        self._known_ends: dict[str, Callable[[], None]] = {
            "row": self._end_row,
            "c": self._end_cell,
            "v": self._end_text,
            "t": self._end_text,
            "rPh": self._end_phonetic,
        }
        # By full name, filled as names are met: a cell costs two look-ups.
        self._starts: dict[str, Callable[[dict[str, str]], None] | None] = {}
        self._ends: dict[str, Callable[[], None] | None] = {}

    def take(self) -> list[RawRow]:
        """The rows that have been completed since."""
        rows, self._rows = self._rows, []
        return rows

    def finish(self, sheet: str) -> None:
        """Note what was odd about the whole sheet."""
        for code, cells, said in (
            (
                "formula_without_value",
                self._valueless,
                "hold a formula whose result is not stored: blank here. Save the file again",
            ),
            ("error_value", self._errors, "show an error such as #N/A, and were read as blank"),
            (
                "merged_cells",
                self._merged,
                "are merged over several rows; only the first of those rows has the text",
            ),
            (
                "hidden_links",
                self._hidden,
                "hide a web address behind their text; it is not read: write it out",
            ),
        ):
            if cells.count:
                more = f" and {cells.count - SHOWN} more" if cells.count > SHOWN else ""
                self._notes.say(code, f"{sheet}: {', '.join(cells.first)}{more} {said}.")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        if name not in self._starts:
            self._starts[name] = self._known_starts.get(local_name(name))
        known = self._starts[name]
        if known is not None:
            known(attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        if name not in self._ends:
            self._ends[name] = self._known_ends.get(local_name(name))
        known = self._ends[name]
        if known is not None:
            known()

    def text(self, data: str) -> None:
        """Character data arrives, in pieces."""
        if self._reading:
            self._text.add(data)

    def _start_row(self, attributes: dict[str, str]) -> None:
        said = attributes.get("r", "")
        self._row = int(said) if said.isdigit() and len(said) < 8 else self._row + 1
        self._cells = []
        self._column = -1

    def _end_row(self) -> None:
        while self._cells and self._cells[-1] is None:
            self._cells.pop()
        self._rows.append((self._row, self._row, self._cells))
        self._cells = []

    def _start_cell(self, attributes: dict[str, str]) -> None:
        name = attributes.get("r", "").rstrip("0123456789")
        column = self._columns.get(name)
        if column is None:
            column = _column(name) if name else self._column + 1
            if not 0 <= column < MOST_POSITION:
                raise corrupt()
            if name:
                self._columns[name] = column
        self._column = column
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "0")
        self._formula = False

    def _start_text(self, _attributes: dict[str, str]) -> None:
        self._reading = not self._phonetic

    def _end_text(self) -> None:
        self._reading = False

    def _start_formula(self, _attributes: dict[str, str]) -> None:
        self._formula = True

    def _start_phonetic(self, _attributes: dict[str, str]) -> None:
        self._phonetic += 1

    def _end_phonetic(self) -> None:
        self._phonetic -= 1

    def _start_merge(self, attributes: dict[str, str]) -> None:
        first, _, last = attributes.get("ref", "").partition(":")
        if first.lstrip(ascii_uppercase) != last.lstrip(ascii_uppercase):
            self._merged.add(f"{first}:{last}")

    def _start_hyperlink(self, attributes: dict[str, str]) -> None:
        place = attributes.get("ref", "").partition(":")[0]
        if place not in self._addresses:
            self._hidden.add(place)

    def _end_cell(self) -> None:
        value = self._value(self._text.take())
        if isinstance(value, str) and ("@" in value or "www." in value or "://" in value):
            self._addresses.add(f"{letters(self._column)}{self._row}")
        if value is None or value == "":
            if self._formula and value is None and self._kind != "e":
                self._valueless.add(f"{letters(self._column)}{self._row}")
            return
        missing = self._column - len(self._cells)
        self._seen += 1 + max(missing, 0)
        if self._seen > MOST_CELLS:
            raise BadTable("too_big", f"This sheet has over {MOST_CELLS:,} cells.")
        if missing >= 0:
            if missing:
                self._cells.extend([None] * missing)
            self._cells.append(value)
        else:
            self._cells[self._column] = value

    def _value(self, text: str | TooLong) -> RawCell:
        if isinstance(text, TooLong):
            return text
        if not text:
            return None
        match self._kind:
            case "s":
                position = int(text) if text.strip().isdigit() else -1
                if not 0 <= position < len(self._shared):
                    raise corrupt()
                return self._shared[position]
            case "b":
                return text.strip() in {"1", "true"}
            case "e":
                self._errors.add(f"{letters(self._column)}{self._row}")
                return None
            case "d":
                return _iso(text)
            case "n":
                number = _number(text)
                style = self._style
                kind = self._dates.get(int(style)) if style.isdecimal() else None
                if number is None or kind is None:
                    return number
                return from_serial(number, kind, epoch_1904=self._epoch_1904)
            case _:
                return text
