"""Tables as people keep them: encodings, separators, headings, workbooks, and bad files."""

import csv
import io
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from app.kit.spreadsheet_text import safe_cell, without_guard
from app.sources import cells, workbooks
from app.sources.cells import BadTable, letters
from app.sources.tables import Table, read_table
from app.sources.worksheets import date_kind, from_serial

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HEAD = "Title,Date,Price\n"


def read(data: bytes | str, **more: Any) -> tuple[Table, list[list[Any]]]:
    """A table and the cells of its rows."""
    table = read_table(data.encode() if isinstance(data, str) else data, **more)
    return table, [row.cells for row in table.rows]


def refused(data: bytes | str) -> BadTable:
    """Why a file is no table."""
    with pytest.raises(BadTable) as caught:
        read(data)
    assert caught.value.detail.endswith("."), caught.value.detail
    return caught.value


def codes(table: Table) -> list[str]:
    return [note.code for note in table.notes]


def workbook(*rows: list[Any], change: Callable[[Workbook], None] | None = None) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    if change:
        change(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def package(sheet: str, *, shared: str = "", more: dict[str, bytes] | None = None) -> bytes:
    """A workbook of one sheet, its parts written by hand."""
    parts = {
        "_rels/.rels": f'<Relationships><Relationship Id="r1" Type="{RELATIONS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": "<Relationships>"
        f'<Relationship Id="r1" Type="{RELATIONS}/worksheet" Target="worksheets/one.xml"/>'
        f'<Relationship Id="r2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/>'
        "</Relationships>",
        "xl/worksheets/one.xml": sheet,
    }
    if shared:
        parts["xl/sharedStrings.xml"] = shared
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, data in (more or {}).items():
            archive.writestr(name, data)
    return file.getvalue()


def sheet_of(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def text_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


TITLES = f'<row r="1">{text_cell("A1", "Title")}{text_cell("B1", "Price")}</row>'


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "name"),
        [
            ("utf-8", "utf-8"),
            ("utf-8-sig", "utf-8-sig"),
            ("utf-16", "utf-16"),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16-be"),
            ("utf-32", "utf-32"),
        ],
    )
    def test_unicode(self, encoding: str, name: str) -> None:
        table, rows = read("Title,Price\nCafé — 🎭,£3\n".encode(encoding))
        assert table.encoding == name
        assert table.headings == ["Title", "Price"]
        assert rows == [["Café — 🎭", "£3"]]
        assert table.notes == []

    def test_windows_1252_is_noted(self) -> None:
        table, rows = read("Title,Price\nCafé ’s,£3\n".encode("cp1252"))
        assert rows == [["Café ’s", "£3"]]
        assert codes(table) == ["windows_1252"]

    def test_both_in_one_file(self) -> None:
        table, rows = read("Title,Price\nCafé,£3\nTheatre,£4\n".encode() + b"Old caf\xe9,\xa35\n")
        assert rows[-1] == ["Old café", "£5"]
        assert rows[0] == ["Café", "£3"]
        assert codes(table) == ["mixed_encoding"]

    def test_what_windows_1252_lacks_is_told(self) -> None:
        table, _ = read(b"Title,Price\nCaf\xe9 \x81,3\n")
        assert codes(table) == ["windows_1252", "unreadable_characters"]


class TestSeparators:
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_each(self, separator: str) -> None:
        text = "Title|Artforms|Price\nA|Dance, music|£3\nB|Circus|£4".replace("|", separator)
        if separator == ",":
            text = text.replace("Dance, music", '"Dance, music"')
        table, rows = read(text)
        assert table.separator == separator
        assert rows == [["A", "Dance, music", "£3"], ["B", "Circus", "£4"]]

    def test_consistency_counts_more_than_number(self) -> None:
        text = "Was;Wann\n" + "".join(f"a, b, c, d{', e' * place};x\n" for place in range(5))
        table, _ = read(text)
        assert table.separator == ";"

    def test_the_directive_of_excel(self) -> None:
        table, rows = read("sep=;\nTitle;Price\nA, B;3\n")
        assert (table.separator, table.heading_line, rows) == (";", 2, [["A, B", "3"]])

    def test_one_column(self) -> None:
        assert read("Title\nA\nB\n")[1] == [["A"], ["B"]]


class TestRows:
    def test_line_ends_of_every_kind(self) -> None:
        table = read_table(b'Title,Price\r\nA,"1\r\n2"\rB,3\n\n\r\nC,4')
        assert [(row.line, row.number, row.cells) for row in table.rows] == [
            (2, 2, ["A", "1\r\n2"]),
            (4, 3, ["B", "3"]),
            (7, 6, ["C", "4"]),
        ]

    def test_blank_columns_rows_and_spaces_go(self) -> None:
        table, rows = read("Title ,,Price\u00a0,\n A ,,3 ,\n,,,\n \u00a0,,,\nB,,,\n")
        assert table.headings == ["Title", "Price"]
        assert table.columns == ["A", "C"]
        assert rows == [["A", "3"], ["B", ""]]
        assert table.notes == []

    def test_text_under_no_heading_is_kept_and_told(self) -> None:
        table = read_table(b"Title,,Price\nA,extra,3\n")
        (row,) = table.rows
        assert row.extra == {"column B": "extra"}
        assert row.faults == []
        assert codes(table) == ["text_without_heading"]

    def test_a_comma_without_quotation_marks_spoils_its_row_only(self) -> None:
        first, second = read_table(b"Title,Price\nA, B and C,3\nD,4\n").rows
        assert [fault.code for fault in first.faults] == ["too_many_cells"]
        assert second.faults == []

    def test_a_repeated_header_is_left_out(self) -> None:
        table, rows = read(f"{HEAD}A,1 May,3\n{HEAD}B,2 May,4\n")
        assert [row[0] for row in rows] == ["A", "B"]
        assert codes(table) == ["repeated_header"]

    def test_a_cell_of_a_megabyte_spoils_its_row_only(self) -> None:
        first, second = read_table(b"Title,Price\n" + b"x" * 1_000_000 + b",3\nB,4\n").rows
        assert first.cells == [None, "3"]
        assert [fault.code for fault in first.faults] == ["cell_too_long"]
        assert second.cells == ["B", "4"]

    def test_a_nul_spoils_its_row_only(self) -> None:
        first, second = read_table(b"Title,Price\nA\0,3\nB,4\n").rows
        assert [fault.code for fault in first.faults] == ["nul_character"]
        assert second.cells == ["B", "4"]

    def test_our_own_guard_is_taken_off(self) -> None:
        assert read("Title,Phone\n'=A,'+44 121 496 0000\n")[1] == [["=A", "+44 121 496 0000"]]


class TestHeadings:
    def test_title_rows_above(self) -> None:
        table, rows = read(f"Our programme 2027,,\nPlease fill in,,\n,,\n{HEAD}A,1 May,3\n")
        assert table.heading_line == 4
        assert len(rows) == 1
        assert codes(table) == ["rows_above_headings"]

    def test_two_rows_of_headings(self) -> None:
        text = "Activity,,Where,,When,\nName,Description,Name,Postcode,Start,End\nA,b,c,B1 1BB,1,2"
        table, rows = read(text)
        assert table.headings == [
            "Activity Name",
            "Activity Description",
            "Venue Name",
            "Venue Postcode",
            "Start",
            "End",
        ]
        assert rows == [["A", "b", "c", "B1 1BB", "1", "2"]]
        assert codes(table) == ["two_header_rows"]

    def test_a_lower_row_that_fills_gaps(self) -> None:
        table, _ = read("Title,Dates,,Venue,\n,Start,End,Name,Postcode\nA,1,2,c,B1 1BB\n")
        assert table.headings == ["Title", "Start", "End", "Venue Name", "Venue Postcode"]

    def test_a_row_of_words_that_are_headings_elsewhere(self) -> None:
        text = "Title,Kind,Price,Delivery\nExhibition,Workshop,Free,Online\nB,Show,£3,Online\n"
        table, rows = read(text)
        assert table.heading_line == 1
        assert len(rows) == 2

    def test_repeated_headings_get_numbers(self) -> None:
        table, _ = read("Title,Name,name\nA,B,C\n")
        assert table.headings == ["Title", "Name", "name (2)"]
        assert codes(table) == ["repeated_heading"]

    def test_headings_of_signs(self) -> None:
        table, rows = read("Title,!!!\nA,3\n!!!,4\n")
        assert (table.headings, len(rows)) == (["Title", "!!!"], 2)

    def test_headings_nobody_knows(self) -> None:
        table, rows = read("Foo,Bar\nx1,2\n")
        assert (table.headings, rows) == (["Foo", "Bar"], [["x1", "2"]])
        assert codes(table) == ["no_heading_recognised"]

    def test_headings_that_a_saved_mapping_knows(self) -> None:
        table, _ = read("Some words here,and there\nFoo,Bar\nx1,2\n", known={"FOO", "bar"})
        assert table.heading_line == 2


class TestBadText:
    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b"", "empty"),
            (b"\xef\xbb\xbf \r\n\r\n", "empty"),
            (b",,,\n,,\n", "empty"),
            (b"Title,Price\n", "header_only"),
            (b"Title,Price\n,,\n\n", "header_only"),
            (b"\0,\0\n1,2\n", "no_headings"),
            (b"  <!DOCTYPE html><html>", "markup"),
            (b"<?xml version='1.0'?><a/>", "markup"),
            (b'[{"title": "A"}]', "json"),
            (b'{"items": []}', "json"),
            (b'{"title": "A"}\n{"title": "B"}\n', "json"),
            (b"%PDF-1.7 \xff", "not_a_table"),
            (b"\x89PNG\r\n\x1a\n", "not_a_table"),
            (b"Title,Price\n" + b"\0" * 5_000, "nul_bytes"),
            (b'Title,Price\nA,"open\nB,2\nC,3\n', "open_quote"),
            (b"Title\n" + b'"' + b"x" * 5_000_000, "row_too_long"),
            (b"," * 20_000_000, "row_too_long"),
            (b"Title,Price\n" + b"x" * (cells.MOST_BYTES + 1), "too_big"),
            (("Title,Price\nA,3\n".encode("utf-16") + b"\x00\xd8"), "encoding"),
        ],
    )
    def test_is_told(self, data: bytes, code: str) -> None:
        assert refused(data).code == code

    def test_too_many_columns(self) -> None:
        row = ",".join(f"h{place}" for place in range(500))
        assert refused(f"{row}\n{row}x\n").code == "too_many_columns"
        row = ",".join(f"h{place}" for place in range(200))
        assert len(read(f"{row}\n{row}x\n")[0].headings) == 200

    def test_too_many_rows(self) -> None:
        assert len(read("Title,Price\n" + "A,3\n" * 10_000)[1]) == 10_000
        assert refused("Title,Price\n" + "A,3\n" * 10_001).code == "too_many_rows"

    @given(st.binary(max_size=300))
    @settings(max_examples=200, deadline=None)
    def test_any_bytes_are_a_table_or_refused(self, data: bytes) -> None:
        with suppress(BadTable):
            list(read_table(data).rows)

    @given(
        st.lists(
            st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2,
                     max_size=2),
            min_size=1, max_size=5,
        )
    )  # fmt: skip
    @settings(max_examples=100, deadline=None)
    def test_what_the_csv_module_writes_is_read(self, rows: list[list[str]]) -> None:
        text = io.StringIO()
        csv.writer(text).writerows([["Title", "Price"], *rows])
        found: list[list[Any]] = []
        with suppress(BadTable):
            found = [row.cells for row in read_table(text.getvalue().encode()).rows]
        said = {without_guard(cell.strip()) for row in rows for cell in row}
        assert {cell for row in found for cell in row} <= said | {"", None}


class TestWorkbooks:
    def test_typed_cells(self) -> None:
        table, rows = read(
            workbook(
                ["Title", "Date", "Start time", "When", "Places", "Price", "Free", "Phone"],
                [
                    "A",
                    date(2027, 6, 5),
                    time(10, 30),
                    datetime.fromisoformat("2027-06-05T14:15"),
                    20,
                    3.5,
                    True,
                    None,
                ],
            )
        )
        assert (table.kind, table.sheet) == ("xlsx", "Sheet")
        assert rows == [
            [
                "A",
                date(2027, 6, 5),
                time(10, 30),
                datetime.fromisoformat("2027-06-05T14:15"),
                20,
                3.5,
                True,
                None,
            ]
        ]

    def test_the_name_does_not_matter(self) -> None:
        assert read_table(workbook(["Title", "Price"], ["A", 3])).kind == "xlsx"

    def test_the_sheet_with_known_headings_is_read(self) -> None:
        def change(book: Workbook) -> None:
            notes = book.create_sheet("Ideas")
            notes.append(["just", "words"])
            book.create_sheet("2027").append(["Title", "Date", "Price"])
            book["2027"].append(["A", "1 May", 3])

        table, rows = read(workbook(["Hello"], ["there"], change=change))
        assert table.sheet == "2027"
        assert rows == [["A", "1 May", 3]]
        assert codes(table) == ["other_sheets"]
        assert "'Sheet', 'Ideas'" in table.notes[0].detail

    def test_hidden_sheets_and_examples_come_last(self) -> None:
        def change(book: Workbook) -> None:
            for name in ("Example", "Hidden"):
                sheet = book.create_sheet(name)
                sheet.append(["Title", "Date", "Price"])
                sheet.append(["B", "1 May", 3])
            book["Hidden"].sheet_state = "hidden"

        table, _ = read(workbook(["Title", "Price"], ["A", 3], change=change))
        assert table.sheet == "Sheet"
        assert table.notes == []

    def test_formulas(self) -> None:
        rows = (
            f'{TITLES}<row r="2">{text_cell("A2", "A")}<c r="B2"><f>1+2</f><v>3</v></c></row>'
            f'<row r="3">{text_cell("A3", "B")}<c r="B3"><f>1+2</f></c></row>'
            f'<row r="4">{text_cell("A4", "C")}<c r="B4" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
            f'<row r="5">{text_cell("A5", "D")}<c r="B5" t="str"><f>"x"</f><v>x</v></c></row>'
        )
        table, found = read(package(sheet_of(rows)))
        assert found == [["A", 3], ["B", None], ["C", None], ["D", "x"]]
        assert [(note.code, "B3" in note.detail) for note in table.notes] == [
            ("formula_without_value", True),
            ("error_value", False),
        ]

    def test_shared_rich_and_escaped_text(self) -> None:
        shared = (
            f'<sst xmlns="{MAIN}"><si><t>Title</t></si><si><t>Price</t></si>'
            "<si><r><t>Big </t></r><r><t>Draw</t></r><rPh><t>ignored</t></rPh></si>"
            "<si><t>two_x000D_\nlines</t></si></sst>"
        )
        sheet = sheet_of(
            '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row>'
            '<row><c t="s"><v>2</v></c><c t="s"><v>3</v></c></row>'
        )
        assert read(package(sheet, shared=shared))[1] == [["Big Draw", "two\r\nlines"]]

    def test_the_strict_namespace_and_prefixes(self) -> None:
        strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
        sheet = (
            f'<x:worksheet xmlns:x="{strict}"><x:sheetData><x:row r="1">'
            '<x:c r="A1" t="str"><x:v>Title</x:v></x:c></x:row>'
            '<x:row r="2"><x:c r="A2" t="str"><x:v>A</x:v></x:c></x:row>'
            "</x:sheetData></x:worksheet>"
        )
        assert read(package(sheet))[1] == [["A"]]

    def test_rows_merged_downwards_are_told(self) -> None:
        def change(book: Workbook) -> None:
            book["Sheet"].merge_cells("A2:A3")
            book["Sheet"].merge_cells("A5:B5")

        table, _ = read(workbook(["Title", "Price"], ["A", 3], [None, 4], change=change))
        assert [(n.code, "A2:A3" in n.detail, "A5" in n.detail) for n in table.notes] == [
            ("merged_cells", True, False)
        ]

    def test_rows_formatted_to_the_bottom(self) -> None:
        blank = "".join(f'<row r="{line}" s="1"/>' for line in range(3, 9_000))
        late = f'<row r="9001">{text_cell("A9001", "late")}</row>'
        rows = f'{TITLES}<row r="2">{text_cell("A2", "A")}</row>{blank}{late}'
        table, found = read(package(sheet_of(rows)))
        assert found == [["A", None]]
        assert codes(table) == ["stopped_at_blank_rows"]

    def test_two_far_cells_cost_nothing(self) -> None:
        rows = (
            f"{TITLES}"
            f'<row r="1048576">{text_cell("A1048576", "A")}{text_cell("XFD1048576", "far")}</row>'
        )
        table = read_table(package(sheet_of(rows)))
        (row,) = table.rows
        assert row.extra == {"column XFD": "far"}

    def test_a_long_text_spoils_its_row_only(self) -> None:
        rows = (
            f'{TITLES}<row r="2">{text_cell("A2", "x" * 1_000_000)}</row>'
            f'<row r="3">{text_cell("A3", "B")}</row>'
        )
        first, second = read_table(package(sheet_of(rows))).rows
        assert [fault.code for fault in first.faults] == ["cell_too_long"]
        assert second.cells == ["B", None]


class TestBadWorkbooks:
    def test_a_password(self) -> None:
        ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
        assert refused(ole + "EncryptedPackage".encode("utf-16-le")).code == "encrypted"

    def test_old_formats(self) -> None:
        ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
        assert refused(ole + "Workbook".encode("utf-16-le")).code == "xls"
        assert refused(ole + "WordDocument".encode("utf-16-le")).code == "not_a_table"

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("content.xml", "ods"),
            ("xl/workbook.bin", "xlsb"),
            ("word/document.xml", "not_a_table"),
            ("Index/Document.iwa", "not_a_table"),
            ("photos/a.jpg", "not_a_table"),
            ("xl/worksheets/sheet1.xml", "corrupt"),
        ],
    )
    def test_other_zip_files(self, name: str, code: str) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, "x")
        assert refused(file.getvalue()).code == code

    def test_a_damaged_file(self) -> None:
        whole = workbook(["Title", "Price"], ["A", 3])
        assert refused(whole[: len(whole) // 2]).code == "corrupt"
        assert refused(b"PK\x03\x04" + b"\xff" * 100).code == "corrupt"

    def test_any_damage_is_told(self) -> None:
        whole = workbook(["Title", "Price"], *(["A", number] for number in range(30)))
        chance = random.Random(7)
        for _ in range(300):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 20)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with suppress(BadTable):
                list(read_table(bytes(data)).rows)

    def test_a_bomb_is_refused_unread(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def never(*_: object) -> None:
            raise AssertionError("it was inflated")

        bomb = package(sheet_of(TITLES), more={"xl/media/image.bin": b"\0" * 30_000_000})
        monkeypatch.setattr(zipfile.ZipFile, "open", never)
        assert refused(bomb).code == "zip_bomb"

    def test_too_much_in_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workbooks, "MOST_INFLATED", 1_000)
        assert refused(workbook(["Title", "Price"], ["A", 3])).code == "zip_bomb"

    def test_too_many_parts(self) -> None:
        many = {f"xl/media/{place}": b"" for place in range(workbooks.MOST_MEMBERS)}
        assert refused(package(sheet_of(TITLES), more=many)).code == "zip_bomb"

    def test_too_much_shared_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(workbooks, "MOST_SHARED", 10_000)
        shared = f'<sst xmlns="{MAIN}">{"<si><t>ab</t></si>" * 1_000}</sst>'
        assert refused(package(sheet_of(TITLES), shared=shared)).code == "too_much_text"

    @pytest.mark.parametrize(
        "declared",
        [
            '<!DOCTYPE a [<!ENTITY b "bomb"><!ENTITY c "&b;&b;&b;">]>',
            '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        ],
    )
    def test_entities_are_never_expanded(self, declared: str) -> None:
        sheet = declared + sheet_of(f"{TITLES}<row>{text_cell('A2', '&b;')}</row>")
        assert refused(package(sheet)).code == "unsafe"

    def test_a_member_that_lies_about_its_size(self) -> None:
        data = bytearray(package(sheet_of(TITLES + '<row r="2"><c r="A2"><v>1</v></c></row>')))
        at = data.index(b"PK\x01\x02", data.rindex(b"xl/worksheets/one.xml") - 60)
        data[at + 24 : at + 28] = (50).to_bytes(4, "little")
        assert refused(bytes(data)).code == "corrupt"

    def test_500_columns(self) -> None:
        row = [f"h{place}" for place in range(500)]
        assert refused(workbook(row, row)).code == "too_many_columns"

    def test_memory_stays_bounded(self) -> None:
        chance = random.Random(1)
        rows = "".join(
            f'<row r="{line}">{text_cell(f"A{line}", chance.randbytes(10_000).hex())}</row>'
            for line in range(2, 600)
        )
        data = package(sheet_of(TITLES + rows))
        assert len(data) > 5_000_000
        tracemalloc.start()
        try:
            assert sum(1 for _ in read_table(data).rows) == 598
            assert tracemalloc.get_traced_memory()[1] < 3_000_000
        finally:
            tracemalloc.stop()


class TestBadInput:
    """Each kind of bad input that partners are promised a clear answer for."""

    def test_a_file_of_one_row(self) -> None:
        assert refused("Title,Price\n").code == "header_only"
        assert refused(workbook(["Title", "Price"])).code == "header_only"
        assert read("Title,Price\nA,3\n")[1] == [["A", "3"]]

    def test_40_megabytes_are_refused_at_once_with_the_limit(self) -> None:
        data = b"Title,Price\n" + b"A,3\n" * (10 << 20)
        tracemalloc.start()
        try:
            fault = refused(data)
            assert tracemalloc.get_traced_memory()[1] < 100_000
        finally:
            tracemalloc.stop()
        assert fault.code == "too_big"
        assert fault.detail.startswith("This file has 40.0 MB; at most 32 MB are read.")

    def test_windows_1252_keeps_pounds_and_curly_quotes(self) -> None:
        table, rows = read("Title,Price\n“A – child’s café”,£3\n".encode("cp1252"))
        assert rows == [["“A – child’s café”", "£3"]]
        assert (table.encoding, codes(table)) == ("cp1252", ["windows_1252"])

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16_with_a_mark_and_without(self, encoding: str) -> None:
        assert read("Title,Price\nA,£3\n".encode(encoding))[1] == [["A", "£3"]]

    def test_quoted_newlines_and_mixed_line_ends(self) -> None:
        table = read_table(b'Title,Description\r\nA,"one\r\ntwo"\rB,x\nC,y\n')
        rows = list(table.rows)
        assert [row.cells[0] for row in rows] == ["A", "B", "C"]
        assert [(row.line, row.number) for row in rows] == [(2, 2), (4, 3), (5, 4)]

    def test_a_file_with_another_ending_is_read_for_what_it_is(self) -> None:
        # No name is handed in: an XLSX called .csv and a CSV called .xlsx are told by their bytes.
        assert read_table(workbook(["Title", "Price"], ["A", 3])).kind == "xlsx"
        assert read_table(b"Title,Price\nA,3\n").kind == "csv"

    def test_which_of_several_sheets_was_read_is_told(self) -> None:
        def more(book: Workbook) -> None:
            book.create_sheet("Autumn").append(["Title", "Price"])
            book.create_sheet("Spring").append(["Title"])

        table, _ = read(workbook(["Title", "Price", "Date"], ["A", 3, 1], change=more))
        (note,) = (note for note in table.notes if note.code == "other_sheets")
        assert table.sheet == "Sheet"
        assert note.detail == "Only the sheet 'Sheet' was read, not 'Autumn', 'Spring'."

    def test_percentages_are_no_sums(self) -> None:
        def percent(book: Workbook) -> None:
            assert book.active is not None
            book.active["B2"].number_format = "0%"
            book.active["B3"].number_format = '0.0%" off"'

        data = workbook(["Title", "Price"], ["A", 0.2], ["B", 0.175], ["C", 0.2], change=percent)
        assert read(data)[1] == [["A", "20%"], ["B", "17.5%"], ["C", 0.2]]

    def test_addresses_hidden_behind_a_text_are_told(self) -> None:
        def link(book: Workbook) -> None:
            assert book.active is not None
            book.active["B2"].hyperlink = "https://example.org/a"
            book.active["B3"].hyperlink = "https://example.org/b"
            book.active["B3"].value = "https://example.org/b"

        rows: list[list[Any]] = [["Title", "Booking link"], ["A", "Book here"], ["B", "b"]]
        table, found = read(workbook(*rows, change=link))
        assert found == [["A", "Book here"], ["B", "https://example.org/b"]]
        assert [(note.code, "B2" in note.detail, "B3" in note.detail) for note in table.notes] == [
            ("hidden_links", True, False)
        ]

    def test_dates_times_and_booleans_of_a_sheet(self) -> None:
        rows = (
            f'{TITLES}<row r="2">{text_cell("A2", "A")}<c r="B2" t="b"><v>1</v></c></row>'
            f'<row r="3">{text_cell("A3", "B")}<c r="B3"><v>46543</v></c></row>'
        )
        # Without a format a day number stays a number; the reader of dates doubts it.
        assert read(package(sheet_of(rows)))[1] == [["A", True], ["B", 46543]]


class TestDates:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("dd/mm/yyyy", "date"),
            ("mmm-yy", "date"),
            ("h:mm AM/PM", "time"),
            ("[h]:mm", "time"),
            ("m/d/yyyy h:mm", "both"),
            ('[$-809]dddd d "of" mmmm', "date"),
            ("General", None),
            ("0.00E+00", None),
            ('0 "days"', None),
            ("[Red]0.00", None),
            ("£#,##0.00", None),
            ("0.0%", "percent"),
            ('0"%"', None),
        ],
    )
    def test_formats(self, code: str, kind: str | None) -> None:
        assert date_kind(code) == kind

    @pytest.mark.parametrize(
        ("number", "kind", "value"),
        [
            (46_543, "date", date(2027, 6, 5)),
            (46_543.4375, "both", datetime.fromisoformat("2027-06-05T10:30")),
            (0.4375, "time", time(10, 30)),
            (59, "date", date(1900, 2, 28)),
            (61, "date", date(1900, 3, 1)),
            (-1, "date", -1),
            (9e9, "date", 9e9),
        ],
    )
    def test_serials(self, number: float, kind: str, value: object) -> None:
        assert from_serial(number, kind, epoch_1904=False) == value

    def test_the_epoch_of_old_macs(self) -> None:
        assert from_serial(46_543 - 1_462, "date", epoch_1904=True) == date(2027, 6, 5)


class TestSafeCells:
    @pytest.mark.parametrize(
        "text", ["=1+1", "+44 121", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n=1"]
    )
    def test_formulas_are_guarded(self, text: str) -> None:
        assert safe_cell(text) == f"'{text}"
        assert without_guard(safe_cell(text)) == text

    @pytest.mark.parametrize("text", ["", "Dance", "5-11", "it's =", "'quoted'", "£3"])
    def test_other_text_stays(self, text: str) -> None:
        assert safe_cell(text) == text
        assert without_guard(text) == text


def test_letters() -> None:
    assert [letters(place) for place in (0, 25, 26, 701, 702, 16_383)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
        "XFD",
    ]
