"""From rows of a table to listings: one row each, or several rows with one id."""

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from app.opportunities.models import Kind
from app.sources.cell_values import (
    Context,
    Layout,
    RowCells,
    Understood,
    one_line,
    remembered,
    unknown_word,
)
from app.sources.cells import Row
from app.sources.columns import ColumnUnderstanding
from app.sources.headings import plain
from app.sources.item_contact import address, read_booking, read_contact, read_image
from app.sources.item_groups import grouped
from app.sources.item_place import read_place
from app.sources.item_price import read_prices
from app.sources.item_when import first_date, read_dates, set_status
from app.sources.plain_writing import read_ages, read_html, read_list
from app.sources.synonyms import STATUSES

log = logging.getLogger(__name__)

EXAMPLE_ID = "example-1"
"""The id of the row that shows how a template is filled in; it is never a listing."""
SUMMARY_LENGTH, TEXT_LENGTH = 400, 500
KIND_TERMS = {kind.value: kind.value for kind in Kind}
STATUS_TERMS = {code: code for code in STATUSES}
CATEGORIES = ("audiences", "themes")
"""Where a category that is no artform is looked for."""
_BREAKS = re.compile(r"[\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]")
_EXCEL_DATE = re.compile(
    r"(\d{1,2})[- /](jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*$", re.I
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_ages = remembered(read_ages)


def to_items(
    rows: Iterable[Row], columns: Sequence[ColumnUnderstanding], context: Context
) -> list[Understood]:
    """The listings of a table in the order of their first rows; rows of one id are one listing."""
    layout = Layout(columns)
    return grouped(_item(row, layout, context) for row in rows)


def to_item(row: Row, columns: Sequence[ColumnUnderstanding], context: Context) -> Understood:
    """What one row says, as the members of a listing; what is odd is told, not guessed."""
    return _item(row, Layout(columns), context)


def _item(row: Row, layout: Layout, context: Context) -> Understood:
    cells = RowCells(row, layout, context)
    try:
        _read(cells)
    except (ValueError, ArithmeticError, LookupError, TypeError):
        # A slip of ours in one row is told there; the others still land.
        log.exception("row %d could not be read", row.number)
        cells.error("#", "unreadable_row", "This row could not be read. Tell the regional team.")
    return cells.found


def _read(cells: RowCells) -> None:
    _read_words(cells)
    _read_organisation(cells)
    _read_categories(cells)
    _read_ages(cells)
    read_place(cells)
    read_dates(cells)
    read_prices(cells)
    _read_access(cells)
    read_booking(cells)
    read_image(cells)
    read_contact(cells)
    _read_status(cells)
    _read_identity(cells)


# --- what is only taken over ------------------------------------------------------------------


def _read_words(cells: RowCells) -> None:
    cells.put("title", cells.line("title"))
    cells.put("url", address(cells, "url", "#/url"))
    cells.put("licence", cells.line("licence"))
    summary = cells.line("summary")
    said = cells.all("description")
    if len(summary) > SUMMARY_LENGTH:
        said.insert(0, summary)
        summary = ""
        cells.doubt(
            "#/summary",
            "moved_to_description",
            f"A summary has {SUMMARY_LENGTH} characters at most: it went into the description.",
            "summary",
        )
    cells.put("summary", summary)
    cells.put("description", "".join(_html(cells, text) for text in said))


def _html(cells: RowCells, text: str) -> str:
    try:
        return read_html(_CONTROLS.sub("", _BREAKS.sub("\n", text)))
    except ValueError as error:
        cells.doubt("#/description", "unread", str(error), "description")
        return ""


def _read_organisation(cells: RowCells) -> None:
    for name, kind in (("provider", "organisations"), ("programme", "programmes")):
        text = cells.line(name)
        if not text:
            continue
        slug = cells.context.named(kind, text)
        cells.put(name, slug)
        if slug is None:
            what = "organisation" if name == "provider" else "programme"
            rest = "the source's own stands" if name == "provider" else "left out"
            cells.doubt(
                f"#/{name}",
                f"unknown_{what}",
                f"“{text[:60]}” is no {what} known here: {rest}.",
                name,
            )


def _read_categories(cells: RowCells) -> None:
    found: dict[str, list[str]] = {name: cells.terms(name, f"#/{name}") for name in CATEGORIES}
    artforms, unknown = cells.split_terms("artforms")
    kind = _kind(cells)
    for word in unknown:
        for name in CATEGORIES:
            known, code = cells.context.term(name, word)
            if known:
                found[name] += [code] if code else []
                break
        else:
            known, code = cells.context.word("kind", word, KIND_TERMS)
            if known:
                kind = kind or code
            else:
                cells.doubt(
                    "#/artforms", "unknown_word", unknown_word("artforms", word), "artforms"
                )
    cells.put("kind", kind)
    cells.put("artforms", artforms)
    for name in CATEGORIES:
        cells.put(name, list(dict.fromkeys(found[name])))


def _kind(cells: RowCells) -> str | None:
    text = cells.line("kind")
    if not text:
        return None
    for word in (text, *read_list(text)):
        known, code = cells.context.word("kind", word, KIND_TERMS)
        if known:
            return code
    cells.doubt("#/kind", "unknown_word", unknown_word("kind", text), "kind")
    return None


def _read_ages(cells: RowCells) -> None:
    low = _age(cells, "age_min")
    high = _age(cells, "age_max")
    audiences: list[str] = []
    name = "ages" if cells.has("ages") else "audiences"
    if low is None and high is None and cells.has(name):
        text = _not_a_date(cells) or "; ".join(cells.all(name))
        reading = _ages(text)
        if name == "ages":
            ages = cells.take("#/age_min", name, reading)
        else:
            ages = reading.value
        if ages:
            low, high, audiences = ages.age_min, ages.age_max, ages.audiences
    cells.put("age_min", low)
    cells.put("age_max", high)
    known = cells.context.terms.get("audience", {}).values()
    said = [*cells.found.item.get("audiences", ()), *(one for one in audiences if one in known)]
    cells.put("audiences", list(dict.fromkeys(said)))


def _age(cells: RowCells, name: str) -> float | None:
    text = cells.line(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        ages = cells.take(f"#/{name}", name, _ages(text))
        if ages is None:
            return None
        return ages.age_min if name == "age_min" else ages.age_max
    if 0 <= value <= 120:
        return value
    cells.doubt(f"#/{name}", "not_ages", f"“{text[:40]}” is no age.", name)
    return None


def _not_a_date(cells: RowCells) -> str | None:
    """Ages such as 5-11, which spreadsheet programs turn into the 5th of November."""
    cell = cells.cell("ages")
    if isinstance(cell, (date, datetime)):
        day, month = cell.day, cell.month
    else:
        match = _EXCEL_DATE.match(cells.line("ages"))
        if not match:
            return None
        day, month = int(match[1]), _MONTHS.index(match[2].casefold()) + 1
    text = "-".join(map(str, sorted((day, month))))
    cells.doubt(
        "#/age_min",
        "date_for_ages",
        f"A date stands where ages belong; it was read as ages {text}. Format the cells as text.",
        "ages",
    )
    cells.found.confidence["ages"] = 0.5
    return f"ages {text}"


# --- access, state and identity ------------------------------------------------------------


def _read_access(cells: RowCells) -> None:
    found, unknown = cells.split_terms("access")
    notes = [one_line(text) for text in cells.all("access_text")]
    if cells.has("drop_in") and cells.yes("drop_in", "#/access"):
        found.append("drop_in")
        cells.found.item.setdefault("booking", {})["required"] = False
    # Words that are no term are told to people as they stand.
    notes.extend(
        one_line(word) for word in unknown if plain(word) not in {"yes", "no", "na", "none"}
    )
    text = ". ".join(note.rstrip(".") for note in notes if note)
    if len(text) > TEXT_LENGTH:
        cells.doubt(
            "#/access_text",
            "too_long",
            f"Access notes have {TEXT_LENGTH} characters at most: left out.",
            "access_text" if cells.has("access_text") else "access",
        )
        text = ""
    cells.put("access", list(dict.fromkeys(found)))
    cells.put("access_text", text)


def _read_status(cells: RowCells) -> None:
    if cells.has("status"):
        text = cells.line("status")
        known, code = cells.context.word("status", text, STATUS_TERMS)
        if not known:
            cells.doubt("#", "unknown_status", f"“{text[:40]}” is no state known here.", "status")
        elif code in {"cancelled", "full"}:
            set_status(cells.found.item, code)
            cells.doubt("#/sessions", "status_word", f"Its sessions are marked {code}.", "status")
        elif code in {"withdrawn", "draft"}:
            _withdraw(cells, "status")
    if cells.has("is_published") and cells.yes("is_published", "#") is False:
        _withdraw(cells, "is_published")
    if cells.has("is_closed") and cells.yes("is_closed", "#"):
        _withdraw(cells, "is_closed")


def _withdraw(cells: RowCells, name: str) -> None:
    cells.found.withdrawn = True
    cells.doubt("#", "status_word", "The row says that it is not to be shown.", name)


def _read_identity(cells: RowCells) -> None:
    found = cells.found
    own = cells.text("external_id").strip()
    found.parent_id = cells.text("parent_id").strip() or None
    if found.parent_id:
        sessions = found.item.get("sessions", [])
        if own and len(sessions) == 1:
            sessions[0].setdefault("external_id", own)
        found.item["external_id"] = found.parent_id
    elif own:
        found.item["external_id"] = own
    elif found.item.get("title"):
        found.item["external_id"] = _derived(cells)
        found.derived_id = True
        cells.doubt(
            "#/external_id",
            "derived_external_id",
            "The row has no id; one was made of its title, venue and first date. Keep it from now "
            "on, so that a change of those does not make another listing.",
        )
    if own.casefold() == EXAMPLE_ID:
        cells.error(
            "#/external_id",
            "example_row",
            "This is the example of the template: delete it, or give it an id of your own.",
            "external_id",
        )


def _derived(cells: RowCells) -> str:
    venue = cells.found.item.get("venue") or {}
    place = venue if isinstance(venue, str) else venue.get("postcode") or venue.get("name", "")
    parts = (plain(cells.line("title")), plain(place), plain(first_date(cells)))
    return "row-" + hashlib.blake2b("|".join(parts).encode(), digest_size=8).hexdigest()
