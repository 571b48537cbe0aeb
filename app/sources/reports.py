"""What became of a batch: told in the answer, stored whole, read again, sent back as CSV."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from starlette.responses import Response

from app.kit.database import chunks
from app.kit.problems import FieldError
from app.kit.spreadsheet_text import safe_cell
from app.kit.times import now
from app.opportunities.intake import explain
from app.opportunities.models import Status
from app.opportunities.planned import Outcome, Planned
from app.opportunities.remarks import Remark, with_value
from app.sources import spreadsheets
from app.sources.models import (
    Batch,
    BatchItem,
    BatchNote,
    BatchReport,
    BatchSummary,
    ColumnRead,
    Format,
    ItemReport,
    Mode,
)
from app.sources.spreadsheets import OURS, Spreadsheet

AT_ONCE = 1_000
"""Rows of a stored report that are made together."""
INLINE = 1_000
"""Items in the answer; the rest are read from the stored report."""
BOM = "\ufeff"
"""Spreadsheet programs take CSV for UTF-8 only when it starts so."""


@dataclass
class Report:
    """What became of a push, or would become of it."""

    source: str
    format: Format
    mode: Mode
    planned: Sequence[Planned]
    notes: list[BatchNote]
    sheet: Spreadsheet | None = None
    confirm_withdraw: int | None = None
    batch: Batch | None = None

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many items came to what."""
        found = Counter(entry.outcome for entry in self.planned)
        return {outcome.value: found[outcome] for outcome in Outcome}

    @cached_property
    def columns(self) -> list[ColumnRead]:
        """How each column of a spreadsheet was read."""
        return spreadsheets.columns_read(self.sheet) if self.sheet else []

    @cached_property
    def _headings(self) -> dict[str, str]:
        return spreadsheets.headings_by_member(self.sheet) if self.sheet else {}

    def answer(self, public_url: str, status: int) -> Response:
        """The report as it is sent."""
        told = [entry for entry in self.planned if entry.outcome is not Outcome.UNCHANGED]
        batch = self.batch
        report = BatchReport(
            id=batch.id if batch else None,
            href=address(public_url, batch.id) if batch else None,
            source=self.source,
            format=self.format,
            mode=self.mode,
            dry_run=batch is None,
            received_at=batch.received_at if batch else now(),
            counts={Outcome(name): count for name, count in self.counts.items()},
            confirm_withdraw=self.confirm_withdraw,
            notes=self.notes,
            columns=self.columns,
            items=[item_report(entry, public_url, self._headings) for entry in told[:INLINE]],
        )
        return Response(report.model_dump_json(), status, media_type="application/json")

    def stored_columns(self) -> list[dict[str, Any]]:
        """How each column was read, without samples of what stood in it."""
        return [column.model_dump(mode="json", exclude={"samples"}) for column in self.columns]

    def rows(self, batch_pk: int) -> Iterator[list[dict[str, Any]]]:
        """The stored report, a row an item, in parts."""
        for some in chunks(list(enumerate(self.planned)), AT_ONCE):
            yield [self._row(batch_pk, position, entry) for position, entry in some]

    def _row(self, batch_pk: int, position: int, entry: Planned) -> dict[str, Any]:
        cells = None
        index = entry.item.index
        if self.sheet and index is not None and wants_a_look(entry):
            cells = spreadsheets.cells_of(self.sheet, self.sheet.understood[index])
        return {
            "batch_pk": batch_pk,
            "position": position,
            "left_out": index is None,
            "attention": wants_a_look(entry),
            "line": entry.item.line,
            "external_id": entry.external_id,
            "outcome": entry.outcome,
            "opportunity_id": entry.stands_as,
            "status": _status(entry),
            "pending": bool(entry.verdict and entry.verdict.pending),
            "missing": entry.missing,
            "errors": _told(entry.errors, entry, self._headings),
            "warnings": _told(entry.warnings, entry, self._headings),
            "corrections": _corrections(entry),
            "cells": cells,
        }


def wants_a_look(entry: Planned) -> bool:
    """Whether somebody should look at an item and send it again."""
    return bool(entry.errors or entry.warnings or entry.missing)


def address(public_url: str, batch_id: UUID) -> str:
    """Where a stored report is read."""
    return f"{public_url}/v1/batches/{batch_id}"


# --- one item ---------------------------------------------------------------------------------


def item_report(
    entry: Planned, public_url: str, headings: Mapping[str, str] | None = None
) -> ItemReport:
    """What is told of one item."""
    return ItemReport(
        index=entry.item.index,
        line=entry.item.line,
        external_id=entry.external_id,
        outcome=entry.outcome,
        status=_status(entry),
        id=entry.stands_as,
        href=_listing(public_url, entry.stands_as),
        pending=bool(entry.verdict and entry.verdict.pending),
        missing=entry.missing,
        errors=[with_value(one, entry.item.said, headings or {}) for one in entry.errors],
        warnings=[with_value(one, entry.item.said, headings or {}) for one in entry.warnings],
        corrections=_corrections(entry),
    )


def stored_item(row: BatchItem, public_url: str) -> ItemReport:
    """What was told of one item, from the stored report."""
    return ItemReport(
        index=None if row.left_out else row.position,
        line=row.line,
        external_id=row.external_id,
        outcome=row.outcome,
        status=Status(row.status) if row.status else None,
        id=row.opportunity_id,
        href=_listing(public_url, row.opportunity_id),
        pending=row.pending,
        missing=row.missing,
        errors=[Remark(**error) for error in row.errors],
        warnings=[Remark(**warning) for warning in row.warnings],
        corrections=row.corrections,
    )


def _told(
    found: Sequence[FieldError], entry: Planned, headings: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [with_value(one, entry.item.said, headings).model_dump() for one in found]


def _listing(public_url: str, identifier: UUID | None) -> str | None:
    return f"{public_url}/v1/opportunities/{identifier}" if identifier else None


def _status(entry: Planned) -> Status | None:
    if entry.outcome is Outcome.WITHDRAWN:
        return Status.WITHDRAWN
    if entry.known and entry.known.survivor:
        return entry.known.survivor.status
    if entry.verdict and entry.outcome is not Outcome.REJECTED:
        return entry.verdict.status
    return entry.known.status if entry.known else None


def _corrections(entry: Planned) -> dict[str, str]:
    overrides = entry.known.overrides if entry.known else {}
    return {name: override["reason"] for name, override in overrides.items()}


# --- a stored batch ---------------------------------------------------------------------------


def summary(batch: Batch, source_key: str, public_url: str) -> BatchSummary:
    """A batch without its items."""
    return BatchSummary(
        id=batch.id,
        href=address(public_url, batch.id),
        source=source_key,
        format=batch.format,
        mode=batch.mode,
        received_at=batch.received_at,
        counts={Outcome(name): count for name, count in batch.counts.items()},
    )


def stored(
    batch: Batch, source_key: str, rows: Iterable[BatchItem], public_url: str
) -> BatchReport:
    """A stored report as it was told."""
    return BatchReport(
        **summary(batch, source_key, public_url).model_dump(),
        notes=[BatchNote(**note) for note in batch.notes],
        columns=[ColumnRead(**column) for column in batch.columns],
        items=[stored_item(row, public_url) for row in rows],
    )


def as_csv(batch: Batch, rows: Iterable[BatchItem]) -> Iterator[str]:
    """A report to be mended in a spreadsheet program and sent back, line by line.

    Rows of a spreadsheet stand there as they were sent; what we say of them stands before, in
    columns that are not looked at when the file comes back.
    """
    theirs = [column["heading"] for column in batch.columns]
    fields = [column["field"] for column in batch.columns]
    if "external_id" not in fields:
        theirs.insert(0, "external_id")
        fields.insert(0, "external_id")
    place = fields.index("external_id")
    told = [f"{OURS}{name}" for name in ("outcome", "line", "what to change", "warnings")]
    yield BOM + _line([*told, *theirs])
    for row in rows:
        said = [
            row.outcome.value,
            str(row.line if row.line is not None else row.position + 1),
            _sentences([*(Remark(**one) for one in row.errors), *explain(row.missing)]),
            _sentences([Remark(**one) for one in row.warnings]),
        ]
        bare = [""] * len(theirs)
        bare[place] = row.external_id or ""
        for cells in row.cells or [bare]:
            yield _line([*said, *cells])


def _sentences(found: Iterable[FieldError]) -> str:
    said = []
    for one in found:
        heading = getattr(one, "heading", None)
        said.append(f"{heading}: {one.detail}" if heading else one.detail)
    return " ".join(dict.fromkeys(said))


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()
