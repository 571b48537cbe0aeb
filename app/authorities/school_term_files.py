"""School terms as they are sent: a JSON object, or a table in CSV with a line for each."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from app.authorities.school_terms import MOST_TERMS, SchoolTermsWrite
from app.kit.problems import INVALID, FieldError, Problem, translate
from app.kit.strict_json import BadJSON, loads

COLUMNS = ("authority", "name", "starts_on", "ends_on", "source")
NEEDED = ("name", "starts_on", "ends_on")
_BRITISH_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_ITEM = re.compile(r"#/items/(\d+)")


@dataclass(frozen=True)
class Sheet:
    """School terms, and the line of each where they came as a table."""

    write: SchoolTermsWrite
    lines: Sequence[int] = ()


def from_json(data: bytes) -> Sheet:
    """The terms in a JSON body; a 422 points at whatever is wrong."""
    try:
        return Sheet(_validated(loads(data)))
    except BadJSON as error:
        raise _unreadable(f"The body is not acceptable JSON: {error}", "json_invalid") from None


def from_csv(data: bytes) -> Sheet:
    """The terms in a table; a 422 names the lines that are wrong.

    The first line names the columns, in any order. Days are `2026-09-02` or, as spreadsheets
    here write them, `02/09/2026`.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _unreadable(
            f"Line {line} is not UTF-8. Save the file as “CSV UTF-8”.", "not_utf8"
        ) from None
    if "\x00" in text:
        raise _unreadable("It holds a NUL character: this is no table of text.", "not_csv")
    items: list[dict[str, str]] = []
    lines: list[int] = []
    for line, item in _rows(text):
        if len(items) == MOST_TERMS:
            raise _unreadable(f"It has more than {MOST_TERMS:,} terms.", "too_long")
        items.append(item)
        lines.append(line)
    try:
        return Sheet(_validated({"items": items}), lines)
    except RequestValidationError as error:
        raise with_lines(translate(error), lines) from None


def with_lines(problem: Problem, lines: Sequence[int]) -> Problem:
    """The same problem, its errors naming the lines that their items came from."""
    if not lines or not problem.errors:
        return problem
    errors = [_with_line(error, lines) for error in problem.errors]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return replace(problem, detail=errors[0].detail + more, errors=errors)


def _with_line(error: FieldError, lines: Sequence[int]) -> FieldError:
    item = _ITEM.match(error.pointer)
    if item is None:
        return error
    member = error.pointer[item.end() + 1 :]
    where = f"Line {lines[int(item[1])]}" + (f", {member}" if member else "")
    return error.model_copy(update={"detail": f"{where}: {error.detail}"})


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Each term with the number of its line; the first line names the columns."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns:
                yield reader.line_num, _item(columns, cells, reader.line_num)
            else:
                columns = _columns(cells)
    except csv.Error as error:
        raise _unreadable(f"Line {reader.line_num}: {error}.", "not_csv") from None
    if not columns:
        raise _unreadable(f"There is nothing in it. Columns: {', '.join(COLUMNS)}.", "empty")


def _columns(cells: Sequence[str]) -> list[str]:
    """The names of the columns; those behind the last name are empty."""
    names = [cell.strip().lower().replace(" ", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in NEEDED if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        wrong = f"There is no column {unknown[0][:40]!r}." if unknown else "A column comes twice."
        if missing and not unknown:
            wrong = f"A column is missing: {missing[0]}."
        raise _unreadable(
            f"{wrong} The first line names the columns: {', '.join(COLUMNS)}.", "bad_columns"
        )
    return names


def _item(columns: Sequence[str], cells: Sequence[str], line: int) -> dict[str, str]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise _unreadable(
            f"Line {line} has {len(cells)} cells, and the first line {len(columns)}. Put a text "
            "that holds a comma into quotes.",
            "too_many_cells",
        )
    said = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    for name in ("starts_on", "ends_on"):
        day = _BRITISH_DAY.fullmatch(said.get(name, ""))
        if day:
            said[name] = f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}"
    return {name: text for name, text in said.items() if text}


def _validated(said: Any) -> SchoolTermsWrite:
    try:
        return SchoolTermsWrite.model_validate(said)
    except ValidationError as error:
        raise RequestValidationError(
            [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        ) from None


def _unreadable(detail: str, code: str) -> Problem:
    return Problem(INVALID, detail, errors=[FieldError(pointer="#", detail=detail, code=code)])
