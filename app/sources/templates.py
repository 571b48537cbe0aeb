"""Files to fill in: the columns that we read best, with an example, as CSV and as XLSX."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO, StringIO

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from app.kit.spreadsheet_text import safe_cell
from app.kit.times import today
from app.opportunities.models import Delivery, Kind, PricePer
from app.sources.cells import MOST_ROWS
from app.sources.headings import BY_NAME
from app.sources.items import EXAMPLE_ID

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTINGS, EXAMPLE, WORDS, LISTS = "Listings", "Example", "Words", "Lists"
SATURDAY = 5
TEXT, DAY, CLOCK = "@", "dd/mm/yyyy", "hh:mm"

Labels = Mapping[str, Mapping[str, str]]
"""For each vocabulary: a code, and its label."""


@dataclass(frozen=True)
class Column:
    """A column of the template: our field, what to write, an example, a list to choose from."""

    field: str
    note: str
    example: str = ""
    choices: str = ""
    several: bool = False
    """Whether more than one choice may be written, separated by semicolons."""
    form: str = TEXT
    width: int = 18

    @property
    def heading(self) -> str:
        """What stands over it."""
        return BY_NAME[self.field].label


COLUMNS: tuple[Column, ...] = (
    Column(
        "external_id",
        "Your own id for the listing. Keep it the same each time you send the listing: that is "
        "how we know it again.",
        EXAMPLE_ID,
    ),
    Column("title", "Needed. Up to 160 characters.", "Saturday dance club", width=32),
    Column("summary", "One sentence, up to 400 characters.", "For beginners.", width=32),
    Column(
        "description",
        "What happens, in as many words as you like.",
        "Learn a routine each week with a professional dancer. No experience needed.",
        width=48,
    ),
    Column("kind", "What sort of thing it is.", "Club", "kind"),
    Column("artforms", "One or more, separated by semicolons.", "Dance", "artform", several=True),
    Column("themes", "If any; separated by semicolons.", "", "theme", several=True),
    Column(
        "audiences", "Whom it is for; separated by semicolons.", "Young people", "audience",
        several=True,
    ),
    Column("ages", "Such as 5-11, 8+, under 5s, Year 3, KS2 or all ages.", "11-16"),
    Column("delivery", "How it reaches people.", "In person", "delivery"),
    Column(
        "outreach_areas",
        "For outreach: the councils to which you come, separated by semicolons, or Region.",
    ),
    Column("venue_name", "Where it takes place.", "The Dance Room", width=24),
    Column("venue_address", "Street and town.", "1 Centenary Square, Birmingham", width=32),
    Column("venue_postcode", "Such as B1 1BB.", "B1 1BB", width=12),
    Column("start_date", "The day, or the first of several: 05/06/2027.", form=DAY, width=14),
    Column("start_time", "Such as 10:30.", "10:30", form=CLOCK, width=12),
    Column("end_date", "The last day, if there are several.", form=DAY, width=14),
    Column("end_time", "Such as 12:00.", "12:00", form=CLOCK, width=12),
    Column(
        "weekday",
        "If it repeats every week between the two dates: the days, such as Saturday, or Tuesday "
        "and Thursday.",
        "Saturday",
    ),
    Column(
        "when",
        "Instead of the five columns before it: when it takes place, in your own words, such as "
        "Sat 5 June 2027, 10.30am-12pm. One row may hold many dates.",
        width=32,
    ),
    Column("always_available", "Yes for things without dates, such as loan boxes.", "", "yes"),
    Column("price", "Such as Free, £3.50 per child or £117 per class.", "£4.50 per child"),
    Column("concessions", "Who pays less.", "", "concession", several=True),
    Column(
        "access", "Access and SEND features, separated by semicolons.", "Wheelchair accessible",
        "access", several=True,
    ),
    Column("access_text", "What else people should know, up to 500 characters.", width=32),
    Column("booking_url", "The page on which people book.", "https://example.org/book", width=28),
    Column("booking_required", "Whether people must book.", "Yes", "yes"),
    Column("booking_email", "A shared address, not a private one."),
    Column("booking_phone", "Such as 0121 496 0000."),
    Column("image_url", "The address of a picture that you may share."),
    Column("image_alt", "What the picture shows, for those who cannot see it."),
    Column("image_credit", "Who made the picture."),
    Column("contact_role", "A role, never a person's name.", "Learning team"),
    Column("contact_email", "A shared address, not a private one.", "learning@example.org"),
    Column("contact_phone", "Such as 0121 496 0000."),
    Column("url", "Your own page about it.", "https://example.org/dance-club", width=28),
    Column("capacity", "How many places each session has.", width=10),
    Column("status", "Leave blank, or write Cancelled, Full or Withdrawn.", "", "status"),
)  # fmt: skip
"""The columns of both templates, in order."""


def csv_template() -> bytes:
    """The template as CSV: UTF-8 with a mark, so that Excel reads it, headings and one example."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([safe_cell(column.heading) for column in COLUMNS])
    writer.writerow([safe_cell(str(value)) for value in _example(as_text=True)])
    return text.getvalue().encode("utf-8-sig")


def xlsx_template(labels: Labels) -> bytes:
    """The template as a workbook: lists to choose from, notes, an example and our words."""
    book = Workbook()
    listings = book.active
    assert isinstance(listings, Worksheet)
    listings.title = LISTINGS
    example = book.create_sheet(EXAMPLE)
    words = book.create_sheet(WORDS)
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    choices = _choices(labels)
    for sheet in (listings, example):
        _write_headings(sheet)
    example.append(_example(as_text=False))
    _write_lists(lists, choices)
    _add_choices(listings, choices)
    _write_words(words, choices)
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _example(*, as_text: bool) -> list[str | date]:
    """The example row: a club on Saturdays of the coming June."""
    first = date(today().year + 1, 6, 1)
    first += timedelta(days=(SATURDAY - first.weekday()) % 7)
    days = {"start_date": first, "end_date": first + timedelta(weeks=3)}
    return [
        column.example
        if column.field not in days
        else f"{days[column.field]:%d/%m/%Y}"
        if as_text
        else days[column.field]
        for column in COLUMNS
    ]


def _choices(labels: Labels) -> dict[str, list[str]]:
    found = {name: list(terms.values()) for name, terms in labels.items()}
    return found | {
        "kind": [_spoken(kind) for kind in Kind],
        "delivery": [_spoken(delivery) for delivery in Delivery],
        "price_per": [_spoken(per) for per in PricePer],
        "yes": ["Yes", "No"],
        "status": ["Cancelled", "Full", "Withdrawn"],
    }


def _spoken(code: str) -> str:
    return code.upper() if code == Kind.CPD else code.replace("_", " ").capitalize()


def _write_headings(sheet: Worksheet) -> None:
    for place, column in enumerate(COLUMNS, start=1):
        letter = get_column_letter(place)
        cell = sheet.cell(1, place, column.heading)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="E7E6F7")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        note = Comment(column.note, "LCEP", height=110, width=260)
        cell.comment = note
        dimension = sheet.column_dimensions[letter]
        dimension.width = column.width
        # Text stays as it is typed: 5-11 is no date, 0121 keeps its nought.
        dimension.number_format = column.form
    sheet.freeze_panes = "C2"


def _write_lists(sheet: Worksheet, choices: Mapping[str, Sequence[str]]) -> None:
    for place, (name, words) in enumerate(choices.items(), start=1):
        for line, text in enumerate((name, *words), start=1):
            sheet.cell(line, place, text)


def _add_choices(sheet: Worksheet, choices: Mapping[str, Sequence[str]]) -> None:
    places = {name: get_column_letter(at) for at, name in enumerate(choices, start=1)}
    for place, column in enumerate(COLUMNS, start=1):
        words = choices.get(column.choices)
        if not words:
            continue
        letter = places[column.choices]
        rule = DataValidation(
            type="list",
            formula1=f"{LISTS}!${letter}$2:${letter}${len(words) + 1}",
            allow_blank=True,
            # Several words in one cell are no entry of the list, yet right.
            showErrorMessage=not column.several,
            errorStyle="warning",
            errorTitle=column.heading,
            error=f"This is not in the list; see the sheet {WORDS}.",
            promptTitle=column.heading[:32],
            prompt=column.note[:250],
            showInputMessage=True,
        )
        sheet.add_data_validation(rule)
        at = get_column_letter(place)
        rule.add(f"{at}2:{at}{MOST_ROWS + 1}")


def _write_words(sheet: Worksheet, choices: Mapping[str, Sequence[str]]) -> None:
    """Every list in the open, under the heading of its column."""
    shown = [column for column in COLUMNS if column.choices in choices]
    for place, column in enumerate(shown, start=1):
        sheet.cell(1, place, column.heading).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = 34
        for line, text in enumerate(choices[column.choices], start=2):
            sheet.cell(line, place, text)
    sheet.freeze_panes = "A2"
