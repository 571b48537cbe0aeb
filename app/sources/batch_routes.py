"""HTTP for batches: pushing many listings at once, their reports, templates and previews."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import Field as Described
from sqlmodel import Session, col
from starlette.datastructures import UploadFile

from app.access.callers import AnyCaller, SignedIn
from app.access.models import Caller
from app.kit.exact import Parameters, QueryFlag
from app.kit.idempotency import RequestKey
from app.kit.memory import given_back
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import INVALID, NOT_FOUND, FieldError, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession
from app.opportunities.planned import Outcome
from app.opportunities.routes import rules
from app.sources import actions, batches, formats, queries, reports, spreadsheets, templates
from app.sources.batches import Push
from app.sources.models import (
    MOST_ITEMS,
    Batch,
    BatchItem,
    BatchReport,
    BatchSummary,
    Format,
    ItemReport,
    MappingPreview,
    Mode,
    Source,
)
from app.sources.routes import SourceKey
from app.vocabularies import queries as vocabularies

sources = make_router("/v1/sources", "sources")
stored = make_router("/v1/batches", "sources")
blanks = make_router("/v1/templates", "sources")
routers = (sources, stored, blanks)

BATCH_BYTES = 32_000_000
BATCHES_AT_ONCE = 2
BatchId = Annotated[UUID, Path(description="The id of the batch.")]
Outcomes = Annotated[
    list[Outcome], Described(max_length=10, description="What became of the item.")
]
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
MULTIPART: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
TABLES: dict[str, Any] = {
    "text/csv": {
        "schema": {"type": "string"},
        "example": "ID,Activity,Date,Time,Ages,Venue,Postcode,Price\n"
        "C-12,Saturday dance club,Sat 5 June 2027,10am-11.30am,7-11,The Dance Room,B1 1BB,£4.50\n",
    },
    templates.XLSX_TYPE: BINARY,
    "multipart/form-data": MULTIPART,
}
BATCHES: dict[str, Any] = {
    "application/json": {
        "schema": {
            "title": "BatchWrite",
            "type": "object",
            "required": ["items"],
            "additionalProperties": False,
            "properties": {
                "items": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_ITEMS,
                    "items": {"$ref": "#/components/schemas/BatchItemWrite"},
                }
            },
        }
    },
    "application/x-ndjson": {
        "schema": {"type": "string", "description": "A listing a line, with its `external_id`."},
        "example": '{"external_id": "prog-214", "title": "Make a shadow theatre"}\n',
    },
    **TABLES,
}


class BatchParameters(ListParameters):
    """Which items of a batch."""

    outcome: Outcomes = []


class ReportParameters(Parameters):
    """Which items a downloaded report holds."""

    outcome: Outcomes = []


async def _upload(request: Request, caller: SignedIn) -> bytes:  # noqa: ARG001 - known first
    """The bytes of the body, or of the one file in a form. Who sends them is known by then."""
    data = await request.body()
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        async with request.form(max_files=2, max_fields=10) as form:
            files = [part for part in form.values() if isinstance(part, UploadFile)]
            if len(files) != 1:
                raise _unusable("A form must hold one file; name its part `file`.", "file_expected")
            data = await files[0].read()
    if not data.strip():
        raise _unusable("There is nothing in it. Send listings as JSON, CSV or XLSX.", "empty")
    return data


def _unusable(detail: str, code: str) -> Problem:
    return Problem(INVALID, detail, errors=[FieldError(pointer="#", detail=detail, code=code)])


async def _in_turn(upload: Annotated[bytes, Depends(_upload)]) -> bytes:
    """So many batches are worked on at once, and the others wait, having been received."""
    return upload


Upload = Annotated[bytes, Depends(_in_turn, scope="function", max_concurrency=BATCHES_AT_ONCE)]


@sources.post(
    "/{source_key}/batches",
    status_code=201,
    response_model=BatchReport,
    responses={
        **problems(401, 404, 409),
        200: {"model": BatchReport, "description": "The report of a dry run"},
    },
    max_body_size=BATCH_BYTES,
    openapi_extra={"requestBody": {"required": True, "content": BATCHES}},
)
def push_batch(
    request: Request,
    caller: SignedIn,
    source_key: SourceKey,
    idempotency_key: RequestKey,
    upload: Upload,
    mode: Annotated[
        Mode,
        Query(
            description="`upsert` leaves alone what the batch leaves out; `replace` withdraws it."
        ),
    ] = Mode.UPSERT,
    dry_run: Annotated[
        QueryFlag, Query(description="The same report, and nothing is written.")
    ] = False,
    confirm_withdraw: Annotated[
        int | None,
        Query(
            ge=0,
            le=1_000_000,
            description="With `replace`: the number of listings that may be withdrawn, when they "
            "are five or more and over a third of those that are live.",
        ),
    ] = None,
) -> Response:
    """Push up to 10,000 listings in one transaction: JSON, NDJSON, CSV or XLSX.

    Every valid item is applied; every other one is reported with what is wrong with it. The
    same batch again is `unchanged`. The report is stored whole and stays readable. The bytes
    decide what a file is, not its declared type; a form with one file is accepted too.
    """
    with given_back():
        return batches.run(
            request.app.state.database,
            caller,
            source_key,
            Push(upload, mode, dry_run, confirm_withdraw),
            rules(request),
            public_url=request.app.state.settings.public_url,
            idempotency_key=idempotency_key,
        )


@sources.get("/{source_key}/batches", responses=problems(400, 401, 404))
def list_batches(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    source_key: SourceKey,
    parameters: Annotated[ListParameters, Query()],
) -> Page[BatchSummary]:
    """The batches of a source, the latest first."""
    source = actions.seen(session, caller, source_key)
    order = [Order(col(Batch.pk), descending=True)]
    part = paginate(session, queries.batches_of(source), order, parameters, request)
    public_url = request.app.state.settings.public_url
    items = [reports.summary(row, source.key, public_url) for row in part.rows]
    return page(request, response, part, items)


@sources.post(
    "/{source_key}/mapping/preview",
    responses=problems(401, 404),
    max_body_size=BATCH_BYTES,
    openapi_extra={"requestBody": {"required": True, "content": TABLES}},
)
def preview_mapping(
    session: ReadSession, caller: SignedIn, source_key: SourceKey, upload: Upload
) -> MappingPreview:
    """How a spreadsheet would be read: each column, and its first rows. Nothing is stored.

    Save what is right of `mapping` with the source, change what is wrong, and look again.
    """
    source = actions.seen(session, caller, source_key)
    if formats.format_of(upload) in {Format.JSON, Format.NDJSON}:
        raise _unusable("JSON needs no mapping. Send a spreadsheet, as CSV or XLSX.", "no_table")
    return spreadsheets.preview(spreadsheets.read(session, source, upload))


@stored.get("/{batch_id}", responses=problems(401, 404))
def get_batch(
    request: Request, session: ReadSession, caller: SignedIn, batch_id: BatchId
) -> BatchReport:
    """The report of a batch, with the first 1,000 items that are not `unchanged`."""
    batch, source = _batch(session, caller, batch_id)
    told = [outcome for outcome in Outcome if outcome is not Outcome.UNCHANGED]
    statement = queries.batch_items(batch.pk or 0, told).order_by(col(BatchItem.position))
    rows = session.execute(statement.limit(reports.INLINE)).scalars()
    return reports.stored(batch, source.key, rows, request.app.state.settings.public_url)


@stored.get("/{batch_id}/items", responses=problems(400, 401, 404))
def list_batch_items(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    batch_id: BatchId,
    parameters: Annotated[BatchParameters, Query()],
) -> Page[ItemReport]:
    """What became of each item of a batch, in its order."""
    batch, _ = _batch(session, caller, batch_id)
    statement = queries.batch_items(batch.pk or 0, parameters.outcome)
    part = paginate(session, statement, [Order(col(BatchItem.position))], parameters, request)
    public_url = request.app.state.settings.public_url
    items = [reports.stored_item(row, public_url) for row in part.rows]
    return page(request, response, part, items)


@stored.get(
    "/{batch_id}/report.csv",
    response_class=Response,
    responses={
        **problems(401, 404),
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The CSV"},
    },
)
def download_batch_report(
    session: ReadSession,
    caller: SignedIn,
    batch_id: BatchId,
    parameters: Annotated[ReportParameters, Query()],
) -> Response:
    """The rows to look at again, as CSV to mend and send back.

    Without `outcome`: what was rejected, is not ready to be published, or has a warning.
    """
    batch, source = _batch(session, caller, batch_id)
    rows = session.execute(queries.attention(batch.pk or 0, parameters.outcome)).scalars()
    text = "".join(reports.as_csv(batch, rows))
    name = f"{source.key}-{batch.received_at:%Y-%m-%d}.csv"
    return _file(text.encode(), templates.CSV_TYPE, name)


@blanks.get(
    "/opportunities.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_csv_template(caller: AnyCaller) -> Response:  # noqa: ARG001 - for everybody
    """A spreadsheet to fill in, as CSV: every column, and an example to delete."""
    return _file(templates.csv_template(), templates.CSV_TYPE, "opportunities.csv")


@blanks.get(
    "/opportunities.xlsx",
    response_class=Response,
    responses={200: {"content": {templates.XLSX_TYPE: BINARY}}},
)
def get_xlsx_template(session: ReadSession) -> Response:
    """A workbook to fill in, with lists to choose from, notes and an example sheet."""
    labels = vocabularies.all_labels(session)
    return _file(templates.xlsx_template(labels), templates.XLSX_TYPE, "opportunities.xlsx")


def _file(data: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=kind, headers=headers)


def _batch(session: Session, caller: Caller, batch_id: UUID) -> tuple[Batch, Source]:
    found = queries.batch(session, caller, batch_id)
    if found is None:
        raise Problem(NOT_FOUND, "There is no batch with this id.")
    return found
