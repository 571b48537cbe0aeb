"""What each column of a table means, and how we know."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from app.sources.cells import Cell, Note, Row, is_blank
from app.sources.headings import BY_NAME, candidates, is_exact, plain
from app.sources.plain_writing import DateOrder, date_order
from app.sources.plain_writing.words import BOOLEANS
from app.sources.synonyms import words

SAMPLES = 3
SAMPLE_LENGTH = 80
DATED = frozenset({"when", "start_date", "end_date", "weekly_from", "weekly_until"})
TICKED = {
    "access": "access",
    "artforms": "artform",
    "audiences": "audience",
    "themes": "theme",
    "concessions": "concession",
}
"""Fields whose terms may each have a column of their own, to be ticked; their vocabulary."""

Terms = Mapping[str, Mapping[str, str]]
"""For each vocabulary: a label or code in small letters, and its code."""


class How(StrEnum):
    """How a column was understood."""

    SAVED = "saved"
    EXACT = "exact"
    SYNONYM = "synonym"
    UNMAPPED = "unmapped"


@dataclass(frozen=True)
class ColumnUnderstanding:
    """What one column was taken for. Without a field its text is kept, and not read."""

    heading: str
    field: str | None
    how: How
    samples: list[str] = dataclasses.field(default_factory=list)
    doubts: list[Note] = dataclasses.field(default_factory=list)
    order: DateOrder = DateOrder.DMY
    """Whether the day or the month comes first in its dates."""

    @property
    def label(self) -> str | None:
        """The name of our field for people."""
        known = BY_NAME.get(self.field or "")
        return known.label if known else self.field


def as_text(cell: Cell) -> str:
    """A cell as text: dates and times in ISO 8601, whole numbers without a point."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case bool():
            return "Yes" if cell else "No"
        case datetime():
            if cell.time() == time():
                return cell.date().isoformat()
            return cell.isoformat(timespec="minutes")
        case date():
            return cell.isoformat()
        case time():
            return cell.isoformat(timespec="minutes")
        case float():
            return f"{cell:.15g}"
        case _:
            return str(cell)


def understand(
    headings: Sequence[str],
    rows: Iterable[Row],
    saved: Mapping[str, Any] | None = None,
    terms: Terms | None = None,
) -> list[ColumnUnderstanding]:
    """What each column means: by the source's saved mapping, else by its heading.

    Hand in every row that there is: the order of day and month is settled by a whole column.
    """
    fields = _fields(headings, saved or {})
    samples: list[list[str]] = [[] for _ in headings]
    dates: dict[int, list[str]] = {
        place: [] for place, (name, _, _) in enumerate(fields) if name in DATED
    }
    hungry = set(range(len(headings)))
    for row in rows:
        for place in tuple(hungry):
            cell = row.cells[place]
            text = as_text(cell)[:SAMPLE_LENGTH].strip() if not is_blank(cell) else ""
            if text and text not in samples[place]:
                samples[place].append(text)
                if len(samples[place]) == SAMPLES:
                    hungry.discard(place)
        for place, said in dates.items():
            cell = row.cells[place]
            if isinstance(cell, str) and cell:
                said.append(cell)
    fields = _ticked(headings, fields, samples, terms or {})
    found = []
    for place, heading in enumerate(headings):
        name, how, doubts = fields[place]
        order = DateOrder.DMY
        if place in dates:
            order, mixed = date_order(dates[place])
            if mixed:
                doubts = [*doubts, Note(mixed.code, mixed.detail)]
        found.append(ColumnUnderstanding(heading, name, how, samples[place], doubts, order))
    return found


def unfilled(columns: Sequence[ColumnUnderstanding]) -> list[str]:
    """What a listing needs that no column gives, in plain words."""
    given = {(column.field or "").partition(":")[0] for column in columns}
    needs = (
        ("a title", {"title"}),
        ("a kind", {"kind"}),
        ("an artform", {"artforms"}),
        ("ages or an audience", {"ages", "age_min", "age_max", "audiences"}),
        (
            "a place",
            {"venue_name", "venue_postcode", "venue_address", "delivery", "is_online",
             "outreach_areas"},
        ),
        (
            "dates",
            {"when", "start_date", "weekday", "always_available", "times"},
        ),
        (
            "a price",
            {"price", "is_free", "price_from", "price_hour", "price_session", "price_day",
             "price_week", "price_term"},
        ),
    )  # fmt: skip
    return [name for name, fields in needs if not fields & given]


_Meaning = tuple[str | None, How, list[Note]]


def _fields(headings: Sequence[str], saved: Mapping[str, Any]) -> list[_Meaning]:
    """A saved mapping first, then headings with one meaning, then those with several."""
    claims = _Claims(headings)
    mapping = {plain(heading): name for heading, name in (saved.get("columns") or {}).items()}
    for place, heading in enumerate(headings):
        if plain(heading) in mapping:
            claims.by_mapping(place, mapping[plain(heading)])
    meant = [candidates(heading) for heading in headings]
    for place in claims.open():
        if len(meant[place]) == 1:
            name = meant[place][0]
            exact = is_exact(_unnumbered(headings[place]), name)
            claims.take(place, name, How.EXACT if exact else How.SYNONYM)
    for place in claims.open():
        free = next((name for name in meant[place] if name not in claims.by_field), None)
        if free:
            claims.take(place, free, How.SYNONYM)
    return [meaning or (None, How.UNMAPPED, []) for meaning in claims.found]


class _Claims:
    """Which column has which field."""

    def __init__(self, headings: Sequence[str]) -> None:
        self._headings = headings
        self.found: list[_Meaning | None] = [None] * len(headings)
        self.by_field: dict[str, str] = {}

    def open(self) -> list[int]:
        """The columns that mean nothing yet."""
        return [place for place, meaning in enumerate(self.found) if meaning is None]

    def by_mapping(self, place: int, name: object) -> None:
        """Give a column what the saved mapping says."""
        if name is None:
            self.found[place] = None, How.SAVED, []
        elif not is_field(name):
            note = Note("unknown_field", f"The saved mapping names {name!r}: no field of ours.")
            self.found[place] = None, How.UNMAPPED, [note]
        else:
            self.take(place, str(name), How.SAVED)

    def take(self, place: int, name: str, how: How) -> None:
        """Give a column a field; a second one with the same heading gets none."""
        heading = self._headings[place]
        before = self.by_field.setdefault(name, heading)
        known = BY_NAME.get(name)
        doubts = []
        if before != heading and not (known and known.joined):
            if plain(_unnumbered(before)) == plain(_unnumbered(heading)):
                note = Note("repeated_heading", f"{heading!r} was not read: {before!r} was.")
                self.found[place] = None, How.UNMAPPED, [note]
                return
            doubts.append(Note("same_field", f"It is read where {before!r} is blank."))
        self.found[place] = name, how, doubts


def is_field(name: object) -> bool:
    """Whether a saved mapping may name it: a field of ours, or a term to tick (`access:bsl`)."""
    if not isinstance(name, str):
        return False
    group, colon, code = name.partition(":")
    return (group in TICKED and bool(code)) if colon else name in BY_NAME


def _unnumbered(heading: str) -> str:
    head, bracket, tail = heading.rpartition(" (")
    return head if bracket and tail.rstrip(")").isdigit() else heading


def _ticked(
    headings: Sequence[str],
    fields: list[_Meaning],
    samples: Sequence[Sequence[str]],
    terms: Terms,
) -> list[_Meaning]:
    """Columns that are boxes to tick for one term: their heading is the term, their cells yes."""
    found = list(fields)
    for place, heading in enumerate(headings):
        if fields[place][0] is not None or fields[place][1] is How.SAVED:
            continue
        said = [text.casefold() for text in samples[place]]
        if said and all(text in BOOLEANS or text in {"x", "n/a"} for text in said):
            name = _term(heading, terms)
            if name:
                found[place] = name, How.SYNONYM, fields[place][2]
    return found


def _term(heading: str, terms: Terms) -> str | None:
    name = plain(heading)
    for group, vocabulary in TICKED.items():
        known = {plain(said): code for said, code in terms.get(vocabulary, {}).items()}
        code = known.get(name) or words(group).get(name)
        if code in known.values():
            return f"{group}:{code}"
    return None
