"""The templates: what they hold, and that they come back as listings."""

import io
from datetime import date

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from app.opportunities.written import OpportunityWrite
from app.sources.cell_values import Context, Understood
from app.sources.cells import BadTable
from app.sources.columns import How, understand, unfilled
from app.sources.headings import BY_NAME
from app.sources.items import EXAMPLE_ID, to_items
from app.sources.tables import read_table
from app.sources.templates import COLUMNS, csv_template, xlsx_template
from app.vocabularies.terms import TERMS

LABELS = {name.value: {term.code: term.label for term in terms} for name, terms in TERMS.items()}
KNOWN = {
    name: {said.casefold(): code for code, label in terms.items() for said in (code, label)}
    for name, terms in LABELS.items()
}


def understood(data: bytes) -> list[Understood]:
    """The listings of a file; each column must be understood without a doubt."""
    table = read_table(data)
    rows = list(table.rows)
    assert table.notes == []
    columns = understand(table.headings, rows, None, KNOWN)
    assert {column.how for column in columns} == {How.EXACT}
    assert not any(column.doubts for column in columns)
    assert unfilled(columns) == []
    return to_items(rows, columns, Context(terms=KNOWN))


def is_the_example(found: Understood) -> None:
    """The example is a whole listing, read without a doubt."""
    assert found.doubts == []
    assert found.kept == {}
    said = {name: value for name, value in found.item.items() if name != "external_id"}
    listing = OpportunityWrite.model_validate(said)
    assert listing.title == "Saturday dance club"
    assert listing.kind == "club"
    assert (listing.artforms, listing.access) == (["dance"], ["wheelchair"])
    assert (listing.age_min, listing.age_max) == (11, 16)
    assert listing.recurrence is not None
    assert listing.recurrence.rrule.startswith("FREQ=WEEKLY;BYDAY=SA;UNTIL=")
    assert listing.price is not None
    assert str(listing.price.lowest) == "4.50"
    assert listing.booking is not None
    assert listing.booking.required is True


def test_every_column_is_a_field_once() -> None:
    fields = [column.field for column in COLUMNS]
    assert len(set(fields)) == len(fields)
    assert set(fields) <= {name for name, field in BY_NAME.items() if field.used}


class TestCSV:
    def test_it_comes_back(self) -> None:
        (found,) = understood(csv_template())
        is_the_example(found)

    def test_its_example_is_never_a_listing(self) -> None:
        (found,) = understood(csv_template())
        assert found.item["external_id"] == EXAMPLE_ID
        assert [error.code for error in found.errors] == ["example_row"]

    def test_excel_reads_it(self) -> None:
        data = csv_template()
        assert data.startswith(b"\xef\xbb\xbf")
        assert data.endswith(b"\r\n")
        assert data.count(b"\r\n") == 2


class TestXLSX:
    def test_an_empty_one_is_told(self) -> None:
        with pytest.raises(BadTable) as caught:
            read_table(xlsx_template(LABELS))
        assert caught.value.code == "header_only"

    def test_it_comes_back_filled_in(self) -> None:
        book = openpyxl.load_workbook(io.BytesIO(xlsx_template(LABELS)))
        (example,) = book["Example"].iter_rows(min_row=2, values_only=True)
        book["Listings"].append([7, *example[1:]])
        file = io.BytesIO()
        book.save(file)
        assert read_table(file.getvalue()).sheet == "Listings"
        (found,) = understood(file.getvalue())
        assert found.errors == []
        assert found.item["external_id"] == "7"
        is_the_example(found)

    def test_lists_notes_and_words(self) -> None:
        book = openpyxl.load_workbook(io.BytesIO(xlsx_template(LABELS)))
        assert book.sheetnames == ["Listings", "Example", "Words", "Lists"]
        assert book["Lists"].sheet_state == "hidden"
        listings = book["Listings"]
        assert all(cell.comment is not None for cell in listings[1])
        rules = {
            str(rule.sqref).split(":")[0].rstrip("0123456789"): rule
            for rule in listings.data_validations.dataValidation
        }
        assert len(rules) == sum(bool(column.choices) for column in COLUMNS)
        for place, column in enumerate(COLUMNS):
            if column.choices == "artform":
                rule = rules[get_column_letter(place + 1)]
                sheet, _, area = rule.formula1.partition("!")
                listed = [cell.value for (cell,) in book[sheet][area.replace("$", "")]]
                assert listed == list(LABELS["artform"].values())
                assert not rule.showErrorMessage
        words = {cell.value for row in book["Words"].iter_rows() for cell in row}
        assert {"Dance", "School visit", "CPD", "In person", "Hearing loop"} <= words

    def test_ages_stay_text_and_dates_are_dates(self) -> None:
        book = openpyxl.load_workbook(io.BytesIO(xlsx_template(LABELS)))
        listings = book["Listings"]
        forms = {
            column.field: listings.column_dimensions[get_column_letter(place)].number_format
            for place, column in enumerate(COLUMNS, start=1)
        }
        assert (forms["ages"], forms["contact_phone"]) == ("@", "@")
        assert (forms["start_date"], forms["start_time"]) == ("dd/mm/yyyy", "hh:mm")
        place = [column.field for column in COLUMNS].index("start_date") + 1
        value = book["Example"].cell(2, place).value
        assert isinstance(value, date)
        assert value.weekday() == 5

    def test_new_terms_appear(self) -> None:
        data = xlsx_template({**LABELS, "artform": {"kites": "Kite flying"}})
        words = openpyxl.load_workbook(io.BytesIO(data))["Words"]
        assert "Kite flying" in {cell.value for row in words.iter_rows() for cell in row}
