"""A partner's spreadsheet, from its bytes to listings, read as its source has it read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

from sqlmodel import Session, col, select

from app.access.models import Caller, Role
from app.authorities import queries as authorities
from app.kit.problems import FieldError, Kind, Problem
from app.kit.strict_json import dumps
from app.opportunities.planned import Item
from app.opportunities.remarks import Remark
from app.organisations import queries as organisations
from app.organisations.models import Organisation, Venue
from app.programmes import queries as programmes
from app.sources.cell_values import Context, Understood
from app.sources.cell_values import Remark as CellRemark
from app.sources.cells import BadTable, Row
from app.sources.columns import ColumnUnderstanding, How, Terms, as_text, understand, unfilled
from app.sources.items import to_items
from app.sources.models import (
    BatchNote,
    ColumnRead,
    Format,
    MappingPreview,
    MappingRead,
    PreviewRow,
    Source,
)
from app.sources.origin_texts import member_of, origin_texts
from app.sources.plain_writing import GRAMMAR
from app.sources.tables import Table, read_table
from app.vocabularies.models import Term

OURS = "report: "
"""How the columns begin that a downloaded report adds; they are dropped when it comes back."""
SHOWN_ROWS = 20
UNREADABLE = Kind(
    "unreadable_file", 422, "The file could not be read",
    "Send JSON, or a spreadsheet saved as CSV or XLSX, with the headings in its first rows.",
)  # fmt: skip


@dataclass
class Spreadsheet:
    """A table as it was understood."""

    table: Table
    rows: list[Row]
    columns: list[ColumnUnderstanding]
    understood: list[Understood]
    values: Mapping[str, Mapping[str, str | None]]
    """The source's words for our terms."""

    @cached_property
    def read(self) -> list[tuple[int, ColumnUnderstanding]]:
        """The columns that are read, and their places; not of the id, which says nothing else."""
        return [
            (place, one)
            for place, one in enumerate(self.columns)
            if one.field and one.field != "external_id"
        ]

    @cached_property
    def by_line(self) -> dict[int, Row]:
        """The rows by the line on which they start."""
        return {row.line: row for row in self.rows}

    @property
    def format(self) -> Format:
        """CSV or XLSX."""
        return Format(self.table.kind)


def read(session: Session, source: Source, data: bytes) -> Spreadsheet:
    """Read a spreadsheet as this source has it read; a 422 says why it cannot be."""
    mapping = MappingRead.model_validate(source.mapping)
    try:
        table = read_table(data, list(mapping.columns))
        rows = _without_ours(table, list(table.rows))
    except BadTable as error:
        fault = FieldError(pointer="#", detail=error.detail, code=error.code)
        raise Problem(UNREADABLE, error.detail, errors=[fault]) from None
    context = words_of(session, source)
    columns = understand(table.headings, rows, {"columns": mapping.columns}, context.terms)
    return Spreadsheet(table, rows, columns, to_items(rows, columns, context), mapping.values)


def _without_ours(table: Table, rows: list[Row]) -> list[Row]:
    """A report that comes back: what it told is not part of the table."""
    kept = [
        place
        for place, heading in enumerate(table.headings)
        if not heading.casefold().startswith(OURS)
    ]
    if len(kept) == len(table.headings):
        return rows
    table.headings = [table.headings[place] for place in kept]
    table.columns = [table.columns[place] for place in kept]
    return [replace(row, cells=[row.cells[place] for place in kept]) for row in rows]


# --- what its words may mean ------------------------------------------------------------------


def _terms(session: Session) -> Terms:
    found: dict[str, dict[str, str]] = {}
    statement = select(Term.vocabulary, Term.code, Term.label).where(col(Term.retired).is_(False))
    for vocabulary, code, label in session.execute(statement):
        words = found.setdefault(str(vocabulary), {})
        words[label.casefold()] = code
        words[code] = code
    return found


def words_of(session: Session, source: Source) -> Context:
    """What the words of a source's listings may mean, by its saved mapping and by ours."""
    owners = [source.organisation_pk, *source.providers]
    return Context(
        terms=_terms(session),
        values=MappingRead.model_validate(source.mapping).values,
        organisations=_names(organisations.by_pks(session, owners).values()),
        programmes=_programmes(session, source.organisation_pk),
        venues=_venues(session, owners),
        areas={
            name.casefold(): authority.code
            for authority in authorities.by_code(session).values()
            for name in (authority.name, authority.code)
        },
    )


def _names(found: Iterable[Organisation]) -> dict[str, str]:
    return {
        name.casefold(): organisation.slug
        for organisation in found
        for name in (organisation.slug, organisation.name)
    }


def _programmes(session: Session, owner_pk: int) -> dict[str, str]:
    eyes = Caller(Role.PUBLISHER, organisation_pk=owner_pk)
    names: dict[str, str] = {}
    for row in session.execute(programmes.visible_to(eyes)).scalars():
        names[row.title.casefold()] = names[row.slug] = row.slug
    return names


def _venues(session: Session, owners: Sequence[int]) -> dict[str, str]:
    statement = select(Venue.name, Venue.slug).where(
        col(Venue.organisation_pk).in_(owners), col(Venue.deleted_at).is_(None)
    )
    names: dict[str, str] = {}
    for name, slug in session.execute(statement):
        names[name.casefold()] = names[slug] = slug
    return names


# --- listings ---------------------------------------------------------------------------------


def items(sheet: Spreadsheet, *, own_ids: bool = False) -> list[Item]:
    """The listings of a spreadsheet, for the intake.

    `own_ids` refuses rows without one: an id that is made of what a row says tells nobody which
    listing was left out.
    """
    found = []
    headings = headings_by_member(sheet)
    for index, one in enumerate(sheet.understood):
        errors = remarks(one.errors)
        external_id = one.item.get("external_id")
        if own_ids and (one.derived_id or external_id is None):
            external_id = None
            errors.append(ID_NEEDED)
        found.append(
            Item(
                index,
                external_id,
                one.item,
                line=one.number,
                errors=errors,
                warnings=remarks(one.doubts),
                withdrawn=one.withdrawn,
                basis=_basis(sheet, one),
                texts=origin_texts(one, headings),
            )
        )
        one.texts, one.kept, one.confidence = {}, {}, {}  # they are in the item now
    return found


def _basis(sheet: Spreadsheet, one: Understood) -> str:
    """A digest of the cells that are read: "every Tuesday" starts on another day tomorrow."""
    rows = [sheet.by_line[line].cells for line in one.lines or [one.line]]
    said = [
        GRAMMAR,
        sheet.values,
        *(
            [[column.field, as_text(row[place])] for place, column in sheet.read if row[place]]
            for row in rows
        ),
    ]
    return blake2b(dumps(said), digest_size=16).hexdigest()


ID_NEEDED = Remark(
    pointer="#/external_id",
    detail="With mode=replace every row needs an id of its own, in a column such as `external_id`. "
    "A report downloaded after mode=upsert carries the ids that were made.",
    code="external_id_needed",
)


def remarks(found: Sequence[CellRemark]) -> list[Remark]:
    """What is told of a row."""
    return [
        Remark(
            pointer=one.pointer,
            detail=one.detail,
            code=one.code,
            heading=one.heading,
            value=one.text[:200] if one.text else None,
        )
        for one in found
    ]


def headings_by_member(sheet: Spreadsheet) -> dict[str, str]:
    """The heading that stands over each of our columns, and each member made of several.

    The name of a member is its path, joined: `venue_postcode`, `sessions_ends_at`.
    """
    found: dict[str, str] = {}
    for column in sheet.columns:
        if column.field:
            found.setdefault(column.field, column.heading)
    for column in sheet.columns:
        if column.field:
            found.setdefault(member_of(column.field), column.heading)
    for member, columns in _MADE_OF.items():
        heading = next((found[one] for one in columns if one in found), None)
        if heading:
            found.setdefault(member, heading)
    return found


_MADE_OF = {
    "age_max": ("ages",),
    "recurrence": ("sessions",),
    "sessions_starts_at": ("start_time", "start_date"),
    "sessions_ends_at": ("end_time", "end_date"),
    "sessions_date": ("start_date",),
}
"""Members with several columns, and those that say most of it."""


def id_column(sheet: Spreadsheet) -> int | None:
    """The place of the column that holds the ids, if there is one."""
    return next(
        (place for place, one in enumerate(sheet.columns) if one.field == "external_id"), None
    )


def report_headings(sheet: Spreadsheet) -> list[str]:
    """The headings of the rows that are sent back: theirs, and one for ids if they had none."""
    headings = [column.heading for column in sheet.columns]
    return headings if id_column(sheet) is not None else ["external_id", *headings]


def cells_of(sheet: Spreadsheet, understood: Understood) -> list[list[str]]:
    """The rows of one listing as text, to be sent back; an id that was made for it stands there."""
    place = id_column(sheet)
    made = understood.item.get("external_id", "") if understood.derived_id else None
    found = []
    for line in understood.lines or [understood.line]:
        texts = [as_text(cell) for cell in sheet.by_line[line].cells]
        if place is None:
            texts.insert(0, made or "")
        elif made:
            texts[place] = made
        found.append(texts)
    return found


# --- a look before anything is stored ---------------------------------------------------------


def preview(sheet: Spreadsheet) -> MappingPreview:
    """How a spreadsheet was understood: each column, and the first rows."""
    return MappingPreview(
        format=sheet.format,
        sheet=sheet.table.sheet,
        encoding=sheet.table.encoding,
        separator=sheet.table.separator,
        heading_line=sheet.table.heading_line,
        total=len(sheet.rows),
        columns=columns_read(sheet),
        unfilled=unfilled(sheet.columns),
        mapping=MappingRead(
            columns={
                one.heading: one.field for one in sheet.columns if one.field or one.how is How.SAVED
            },
            values={},
        ),
        notes=notes(sheet),
        rows=[
            PreviewRow(
                line=one.number,
                external_id=one.item.get("external_id"),
                item=one.item,
                texts=one.texts,
                confidence=one.confidence,
                kept=one.kept,
                errors=remarks(one.errors),
                warnings=remarks(one.doubts),
            )
            for one in sheet.understood[:SHOWN_ROWS]
        ],
    )


def columns_read(sheet: Spreadsheet) -> list[ColumnRead]:
    """How each column was understood."""
    return [
        ColumnRead(
            heading=one.heading,
            field=one.field,
            label=one.label,
            how=one.how,
            samples=one.samples,
            doubts=[BatchNote(code=note.code, detail=note.detail) for note in one.doubts],
        )
        for one in sheet.columns
    ]


def notes(sheet: Spreadsheet) -> list[BatchNote]:
    """What is to be known of the file as a whole."""
    found = [BatchNote(code=note.code, detail=note.detail) for note in sheet.table.notes]
    unread = [repr(one.heading) for one in sheet.columns if one.how is How.UNMAPPED]
    if unread:
        found.append(
            BatchNote(
                code="unmapped_columns",
                detail=f"Not read, but kept: {', '.join(unread[:30])}. To have a column read, "
                "or to say that it is not to be, save a mapping for the source.",
            )
        )
    return found
