"""Reading the cells of one row by field, with every doubt and every source text kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache, wraps
from html import unescape
from typing import Any, ParamSpec, TypeVar

import nh3

from app.kit.times import today
from app.sources.cells import Cell, Row, is_blank
from app.sources.columns import ColumnUnderstanding, Terms, as_text
from app.sources.headings import BY_NAME, SHORT, plain
from app.sources.plain_writing import DateOrder, Reading, read_boolean, read_list
from app.sources.synonyms import words

P = ParamSpec("P")
T = TypeVar("T")
REMEMBERED = 2_048
"""Readings of one kind kept at once: the cells of a column repeat one another."""
VOCABULARIES = {
    "artforms": "artform",
    "themes": "theme",
    "audiences": "audience",
    "access": "access",
    "concessions": "concession",
}
_AMOUNT = re.compile(r"£?\s*(\d{1,6}(?:,\d{3})*(?:\.\d{1,2})?)\s*$")
_TAG = re.compile(r"<[a-zA-Z/!]|&[#a-zA-Z0-9]{2,8};")
_PIECES = re.compile(r"\s+(?:and|&|or)\s+|\s*[,/+&]\s*")


def remembered(read: Callable[P, T]) -> Callable[P, T]:
    """The same reader with a memory for short texts."""
    cached = lru_cache(REMEMBERED)(read)

    @wraps(read)
    def look(*said: P.args, **more: P.kwargs) -> T:
        if len(said[0]) > SHORT:  # type: ignore[arg-type] # the first is the text
            return read(*said, **more)
        return cached(*said, **more)  # type: ignore[arg-type] # texts, dates and orders hash

    return look


boolean = remembered(read_boolean)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one row: where in the listing, what, and the text that gave rise to it."""

    pointer: str
    code: str
    detail: str
    heading: str | None = None
    text: str | None = None


@dataclass(slots=True)
class Understood:
    """A listing read from a row, or from several with one id."""

    line: int
    number: int
    item: dict[str, Any]
    """Members of a listing, and its `external_id`."""
    errors: list[Remark] = field(default_factory=list)
    """Why it must not be applied as it stands."""
    doubts: list[Remark] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """What stood in the cells of each field."""
    kept: dict[str, str] = field(default_factory=dict)
    """What stood under headings that mean nothing to us."""
    confidence: dict[str, float] = field(default_factory=dict)
    withdrawn: bool = False
    """The row says that the listing is not to be shown."""
    lines: list[int] = field(default_factory=list)
    """Every line that went into it."""
    derived_id: bool = False
    parent_id: str | None = None


@dataclass(frozen=True)
class Context:
    """What the words of a table may refer to."""

    terms: Terms = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """The saved mapping's own: for each field, their word and our term, or None to ignore it."""
    organisations: Mapping[str, str] = field(default_factory=dict)
    """Names, aliases and slugs in small letters, and the slug; the same for the next two."""
    programmes: Mapping[str, str] = field(default_factory=dict)
    venues: Mapping[str, str] = field(default_factory=dict)
    areas: Mapping[str, str] = field(default_factory=dict)
    """Names and codes of authorities in small letters, and the GSS code."""
    today: date = field(default_factory=today)
    _known: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _read: dict[tuple[str, str], tuple[list[str], list[str]]] = field(
        default_factory=dict, repr=False
    )

    def word(
        self, field_name: str, text: str, allowed: Mapping[str, str]
    ) -> tuple[bool, str | None]:
        """Whether a word is known, and its term; a word that is to be ignored has none."""
        key = plain(text)
        saved = self._index(f"values:{field_name}", self.values.get(field_name, {}))
        if key in saved:
            return True, saved[key] or None
        known = self._index(f"allowed:{field_name}", allowed)
        for name in (key, key.removesuffix("s"), f"{key}s"):
            if name in known:
                return True, known[name]
        code = words(field_name).get(key)
        if code is not None and code in known.values():
            return True, code
        return False, None

    def term(self, field_name: str, text: str) -> tuple[bool, str | None]:
        """A word of one of the vocabularies."""
        return self.word(field_name, text, self.terms.get(VOCABULARIES[field_name], {}))

    def terms_in(self, field_name: str, text: str) -> tuple[list[str], list[str]]:
        """The terms of a text that lists words, and the words that are none."""
        key = (field_name, text)
        if key in self._read:
            return self._read[key]
        codes: list[str] = []
        unknown: list[str] = []
        for word in read_list(text):
            found = self._of_word(field_name, word)
            codes.extend(found or ())
            if found is None:
                unknown.append(word)
        if len(text) <= SHORT and len(self._read) < REMEMBERED:
            self._read[key] = codes, unknown
        return codes, unknown

    def _of_word(self, field_name: str, word: str) -> list[str] | None:
        """The terms that a word, or words joined by “and”, stand for; None if one is unknown."""
        known, code = self.term(field_name, word)
        if known:
            return [code] if code else []
        pieces = [piece for piece in _PIECES.split(word) if piece.strip()]
        found = [self.term(field_name, piece) for piece in pieces]
        if len(pieces) < 2 or not all(one for one, _ in found):
            return None
        return [code for _, code in found if code]

    def named(self, kind: str, text: str) -> str | None:
        """The slug or code behind a name: of `organisations`, `programmes`, `venues`, `areas`."""
        field_name = {"organisations": "provider", "programmes": "programme"}.get(kind, kind)
        found, slug = self.word(field_name, text, getattr(self, kind))
        return slug if found else None

    def _index(self, name: str, said: Mapping[str, str | None]) -> dict[str, str]:
        if name not in self._known:
            self._known[name] = {plain(word): code or "" for word, code in said.items()}
        return self._known[name]


class Layout:
    """The columns of a table, sorted once for all its rows."""

    def __init__(self, columns: Sequence[ColumnUnderstanding]) -> None:
        self.read: list[tuple[int, str, ColumnUnderstanding]] = []
        self.kept: list[tuple[int, str]] = []
        self.ticks: dict[str, list[str]] = {}
        for place, column in enumerate(columns):
            known = BY_NAME.get(column.field or "")
            if column.field is not None and (known is None or known.used):
                self.read.append((place, column.field, column))
                group, colon, _ = column.field.partition(":")
                if colon:
                    self.ticks.setdefault(group, []).append(column.field)
            elif column.field != "contact_name":  # nobody's name is kept
                self.kept.append((place, column.heading))


_Told = tuple[ColumnUnderstanding, Cell, str]
"""A cell with its column and its text."""


class RowCells:
    """The cells of one row by field, and the listing that is made of them."""

    def __init__(self, row: Row, layout: Layout, context: Context) -> None:
        self.context = context
        self._layout = layout
        self.found = found = Understood(row.line, row.number, {}, lines=[row.line])
        self._cells: dict[str, _Told] = {}
        self._more: dict[str, list[_Told]] = {}
        for place, name, column in layout.read:
            cell = row.cells[place]
            if cell is None or cell == "":
                continue
            text = (cell if type(cell) is str else as_text(cell)).strip()
            if name in self._cells:
                self._more.setdefault(name, []).append((column, cell, text))
                found.texts[name] = "; ".join(self.all(name))
            elif text:
                self._cells[name] = (column, cell, text)
                found.texts[name] = text
        for place, heading in layout.kept:
            if not is_blank(row.cells[place]):
                found.kept[heading] = as_text(row.cells[place])
        for name, cell in row.extra.items():
            found.kept[name] = as_text(cell)
        for fault in row.faults:
            found.errors.append(Remark("#", fault.code, fault.detail))

    # --- what the cells hold ------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether a field says something."""
        return name in self._cells

    def ticked(self, name: str) -> list[str]:
        """The terms of a field whose own columns are ticked."""
        return [
            field_name.partition(":")[2]
            for field_name in self._layout.ticks.get(name, ())
            if field_name in self._cells and self.yes(field_name, f"#/{name}")
        ]

    def cell(self, name: str) -> Cell:
        """The first cell of a field."""
        found = self._cells.get(name)
        return found[1] if found else None

    def values(self, name: str) -> list[Cell]:
        """Every cell of a field, in the order of the columns."""
        return [cell for _, cell, _ in self._all(name)]

    def all(self, name: str) -> list[str]:
        """The texts of a field's cells, in the order of their columns, each once."""
        if name not in self._more:
            found = self._cells.get(name)
            return [found[2]] if found else []
        return list(dict.fromkeys(text for _, _, text in self._all(name)))

    def _all(self, name: str) -> list[_Told]:
        found = self._cells.get(name)
        return [found, *self._more.get(name, ())] if found else []

    def text(self, name: str) -> str:
        """The text of a field's first cell; empty when it has none."""
        found = self._cells.get(name)
        return found[2] if found else ""

    def line(self, name: str) -> str:
        """The same on one line, without markup."""
        found = self._cells.get(name)
        return one_line(found[2]) if found else ""

    def heading(self, name: str) -> str | None:
        """The heading of a field's first cell."""
        found = self._cells.get(name)
        return found[0].heading if found else None

    def order(self, name: str) -> DateOrder:
        """The order of day and month in a field's column."""
        found = self._cells.get(name)
        return found[0].order if found else DateOrder.DMY

    # --- what is said of them -----------------------------------------------------------------

    def put(self, member: str, value: Any) -> None:
        """Set a member of the listing, unless there is nothing to set."""
        if value is not None and value not in ("", [], {}):
            self.found.item[member] = value

    def doubt(self, pointer: str, code: str, detail: str, name: str = "") -> None:
        """Note something to check about a field."""
        self.found.doubts.append(
            Remark(pointer, code, detail, self.heading(name), self.found.texts.get(name))
        )

    def error(self, pointer: str, code: str, detail: str, name: str = "") -> None:
        """Note why the row must not be applied."""
        self.found.errors.append(
            Remark(pointer, code, detail, self.heading(name), self.found.texts.get(name))
        )

    def take(self, pointer: str, name: str, reading: Reading[T]) -> T | None:
        """The value of a reading, its doubts and confidence noted."""
        for one in reading.doubts:
            self.doubt(pointer, one.code, one.detail, name)
        if reading.value is not None or reading.doubts:
            before = self.found.confidence.get(name, 1.0)
            self.found.confidence[name] = min(before, reading.confidence)
        return reading.value

    # --- plain kinds --------------------------------------------------------------------------

    def yes(self, name: str, pointer: str) -> bool | None:
        """A yes or a no."""
        cell = self.cell(name)
        if cell is None or isinstance(cell, bool):
            return cell
        return self.take(pointer, name, boolean(as_text(cell)))

    def terms(self, name: str, pointer: str) -> list[str]:
        """The terms of a field's words and of its ticked columns; unknown words are doubted."""
        found, unknown = self.split_terms(name)
        for word in unknown:
            self.doubt(pointer, "unknown_word", unknown_word(name, word), name)
        return found

    def split_terms(self, name: str) -> tuple[list[str], list[str]]:
        """The terms of a field's words and ticks, and the words that are none."""
        if name not in self._cells and name not in self._layout.ticks:
            return [], []
        found: list[str] = []
        unknown: list[str] = []
        for text in self.all(name):
            codes, rest = self.context.terms_in(name, text)
            found.extend(codes)
            unknown.extend(rest)
        found.extend(self.ticked(name))
        return list(dict.fromkeys(found)), unknown


def one_line(text: str) -> str:
    """A text on one line, without markup and control characters."""
    if ("<" in text or "&" in text) and _TAG.search(text):
        text = unescape(nh3.clean(text, tags=set()))
    if text.isprintable():
        # The only space that is printable is the plain one.
        single = "  " not in text and text[:1] != " " and text[-1:] != " "
        return text if single else " ".join(text.split())
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def amount(cell: Cell) -> Decimal | None:
    """A sum in pounds that stands alone in a cell; None for anything else."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        return Decimal(f"{cell:.2f}") if 0 <= cell < 1e6 else None
    match = _AMOUNT.match(as_text(cell).strip())
    if not match:
        return None
    try:
        return Decimal(match[1].replace(",", ""))
    except InvalidOperation:
        return None


def pounds(value: Decimal) -> str:
    """A sum as listings carry it."""
    return f"{value:.2f}"


def unknown_word(name: str, word: str) -> str:
    """What to do about a word that is no term."""
    label = BY_NAME[name].label if name in BY_NAME else name
    return (
        f"“{word[:60]}” is no term of {label.lower()}: use one of ours, or map it for your source."
    )
