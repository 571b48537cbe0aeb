"""What a table is made of: cells, rows, notes about them, and why a file cannot be read."""

from dataclasses import dataclass, field
from datetime import date, datetime, time

Cell = str | date | datetime | time | float | int | bool | None
"""A value as the file holds it: always a text in CSV, a typed value in a workbook."""

MOST_BYTES = 32 * 1024 * 1024
MOST_ROWS = 10_000
MOST_COLUMNS = 200
MOST_CHARACTERS = 100_000
"""Characters in one cell; a row with a longer one is read without it and says so."""
MOST_NOTES = 100
"""Notes of one kind that are worth reading; the rest would repeat them."""


class BadTable(ValueError):
    """A file that cannot be read as a table: a code for machines, a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of the report should know; the file was read all the same."""

    code: str
    detail: str


@dataclass(slots=True)
class Row:
    """One row of a table, its cells in the order of the headings."""

    line: int
    """The line of the text file on which it starts, or the row of the sheet; from 1."""
    number: int
    """The row as a spreadsheet program numbers it; differs from `line` after quoted newlines."""
    cells: list[Cell]
    faults: list[Note] = field(default_factory=list)
    """What is wrong with it; such a row must not be applied."""
    extra: dict[str, Cell] = field(default_factory=dict)
    """Cells that stand under no heading, by the letter of their column (`column D`)."""


class Notes(list[Note]):
    """Notes in the order of their making, at most so many of each code."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, int] = {}

    def add(self, code: str, detail: str, *, most: int = MOST_NOTES) -> None:
        """Note something, unless enough has been said of it."""
        count = self._counts.get(code, 0)
        self._counts[code] = count + 1
        if count < most:
            self.append(Note(code, detail))

    def say(self, code: str, detail: str) -> None:
        """Note something once."""
        self.add(code, detail, most=1)


class TooLong:
    """Stands for a cell that holds too much; its text is not kept."""

    __slots__ = ("characters",)

    def __init__(self, characters: int) -> None:
        self.characters = characters


RawCell = Cell | TooLong
RawRow = tuple[int, int, list[RawCell]]
"""A line, a row number and cells by position, before a header gives them a meaning."""


def is_blank(cell: object) -> bool:
    """Whether a cell says nothing: empty, or only spaces of any kind."""
    return cell is None or (isinstance(cell, str) and not cell.strip("\u00a0\u200b\ufeff \t\r\n"))


def letters(position: int) -> str:
    """The name of a column as spreadsheets write it: 0 is A, 26 is AA."""
    name = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        name = chr(65 + rest) + name
    return name
