"""HTTP for sources, their listings and batches."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Path, Query, Request, Response
from pydantic import Field as Described
from sqlmodel import Session, col

from app.access.callers import SignedIn
from app.access.models import Caller
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.database import key
from app.kit.exact import QueryFlag
from app.kit.idempotency import RequestKey
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import GONE, NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch, Reference, merged
from app.opportunities.intake import Outcome, clean_external_id
from app.opportunities.models import OpportunityRead, OpportunityWrite, Status
from app.opportunities.routes import answer, rules
from app.organisations.models import Organisation
from app.sources import actions, batches, queries
from app.sources.actions import INVALID_ITEM
from app.sources.models import (
    Batch,
    BatchItem,
    BatchReport,
    BatchWrite,
    ItemReport,
    Source,
    SourceRead,
    SourceWrite,
)

sources = make_router("/v1/sources", "sources")
batches_router = make_router("/v1/batches", "sources")
manual = make_router("/v1/opportunities", "opportunities")
routers = (sources, batches_router, manual)

BATCH_BYTES = 32_000_000
BATCHES_AT_ONCE = 2
SourceKey = Annotated[str, Path(description="The key of the source.", examples=["dance-hub"])]
BatchId = Annotated[UUID, Path(description="The id of the batch.")]
ExternalId = Annotated[
    str,
    Path(
        description="Your own id for the listing; slashes percent-encoded.", examples=["prog-214"]
    ),
]


class BatchParameters(ListParameters):
    """Which items of a batch."""

    outcome: Annotated[
        list[Outcome], Described(max_length=10, description="What became of the item.")
    ] = []


async def _turn() -> None:
    """Nothing but a turn: so many batches are worked on at once, and the others wait."""


@sources.get("", responses=problems(400, 401))
def list_sources(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    parameters: Annotated[ListParameters, Query()],
) -> Page[SourceRead]:
    """Your sources; staff see all."""
    part = paginate(
        session, queries.visible_to(caller), [Order(col(Source.key))], parameters, request
    )
    return page(request, response, part, _read(request, session, part.rows))


@sources.post("", status_code=201, responses=problems(401, 403, 409))
def create_source(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: SignedIn,
    body: SourceWrite,
) -> SourceRead:
    """Make a source for a system that will push listings."""
    row = actions.create(session, caller, body)
    (read,) = _read(request, session, [row])
    response.headers["Location"] = read.href
    show_version(request, row)
    return read


@sources.get("/{source_key}", responses=problems(401, 404))
def get_source(
    request: Request, session: ReadSession, caller: SignedIn, source_key: SourceKey
) -> SourceRead:
    """One source, with how many listings it has in each state."""
    row = actions.seen(session, caller, source_key)
    show_version(request, row)
    return _read(request, session, [row])[0]


@sources.put("/{source_key}", responses=problems(401, 403, 404, 412, 428))
def replace_source(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    source_key: SourceKey,
    if_match: IfMatchHeader,
    body: SourceWrite,
) -> SourceRead:
    """Change a source. Its key, kind and organisation stay; staff set trust and providers."""
    row = actions.seen(session, caller, source_key, lock=True)
    if_match.check(row)
    actions.replace(session, caller, row, body)
    show_version(request, row)
    return _read(request, session, [row])[0]


@sources.patch("/{source_key}", responses=problems(401, 403, 404, 412, 428))
def update_source(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    source_key: SourceKey,
    if_match: IfMatchHeader,
    patch: MergePatch,
) -> SourceRead:
    """Change parts of a source."""
    row = actions.seen(session, caller, source_key, lock=True)
    if_match.check(row)
    (present,) = _read(request, session, [row])
    current = SourceWrite.model_validate(present.model_dump(mode="json"))
    actions.replace(session, caller, row, merged(current, patch))
    show_version(request, row)
    return _read(request, session, [row])[0]


@sources.delete("/{source_key}", status_code=204, responses=problems(401, 404, 409, 412, 428))
def delete_source(
    session: WriteSession, caller: SignedIn, source_key: SourceKey, if_match: IfMatchHeader
) -> None:
    """Retire a source that has no live listing left. Its history stays."""
    row = actions.seen(session, caller, source_key, lock=True)
    if_match.check(row)
    actions.delete(session, caller, row)


@sources.put(
    "/{source_key}/opportunities/{external_id:path}",
    response_model=ItemReport,
    responses={**problems(401, 404, 409), 201: {"model": ItemReport, "description": "Created"}},
)
def push_opportunity(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    source_key: SourceKey,
    external_id: ExternalId,
    body: Annotated[
        dict[str, object],
        Body(
            description="The whole listing.",
            json_schema_extra={"$ref": "#/components/schemas/OpportunityWrite"},
        ),
    ],
) -> Response:
    """Push one listing: 201 made, 200 changed or unchanged. Sending it again does no harm."""
    source = actions.seen(session, caller, source_key, lock=True)
    planned = actions.push(session, caller, source, external_id, body, rules(request))
    report = batches.item_report(planned, request.app.state.settings.public_url)
    status = 201 if planned.outcome is Outcome.CREATED else 200
    headers = {"Location": report.href} if report.href and status == 201 else {}
    return Response(
        report.model_dump_json(), status, media_type="application/json", headers=headers
    )


@sources.get(
    "/{source_key}/opportunities/{external_id:path}",
    response_model=OpportunityRead,
    responses=problems(401, 404),
)
def get_pushed_opportunity(
    request: Request,
    session: ReadSession,
    caller: SignedIn,
    source_key: SourceKey,
    external_id: ExternalId,
) -> Response:
    """One listing of your source, in whatever state it is."""
    source = actions.seen(session, caller, source_key)
    row = queries.listing(session, source, _clean(external_id))
    if row is None:
        raise Problem(NOT_FOUND, f"This source has sent no listing {external_id!r}.")
    return answer(request, session, caller, row)


@sources.delete(
    "/{source_key}/opportunities/{external_id:path}",
    status_code=204,
    responses=problems(401, 404, 409, 410),
)
def withdraw_pushed_opportunity(
    session: WriteSession, caller: SignedIn, source_key: SourceKey, external_id: ExternalId
) -> None:
    """Withdraw one listing of your source. Sending it again brings it back."""
    source = actions.seen(session, caller, source_key, lock=True)
    row = queries.listing(session, source, _clean(external_id), lock=True)
    if row is None:
        raise Problem(NOT_FOUND, f"This source has sent no listing {external_id!r}.")
    if row.status is Status.WITHDRAWN:
        raise Problem(GONE, "It is withdrawn already.")
    actions.withdraw(session, caller, source, row)


@sources.post(
    "/{source_key}/batches",
    status_code=201,
    response_model=BatchReport,
    responses={
        **problems(401, 404, 409),
        200: {"model": BatchReport, "description": "The report of a dry run"},
    },
    max_body_size=BATCH_BYTES,
    dependencies=[Depends(_turn, scope="function", max_concurrency=BATCHES_AT_ONCE)],
)
def push_batch(
    request: Request,
    caller: SignedIn,
    source_key: SourceKey,
    body: BatchWrite,
    idempotency_key: RequestKey,
    dry_run: Annotated[
        QueryFlag, Query(description="The same report, and nothing is written.")
    ] = False,
) -> Response:
    """Push up to 10,000 listings in one transaction.

    Every valid item is applied; every other one is reported with what is wrong with it. The
    same batch again is `unchanged`. The report is stored whole and stays readable.
    """
    return batches.run(
        request.app.state.database,
        caller,
        source_key,
        body.items,
        rules(request),
        public_url=request.app.state.settings.public_url,
        dry_run=dry_run,
        idempotency_key=idempotency_key,
    )


@batches_router.get("/{batch_id}", responses=problems(401, 404))
def get_batch(
    request: Request, session: ReadSession, caller: SignedIn, batch_id: BatchId
) -> BatchReport:
    """The report of a batch, with the first 1,000 items that are not `unchanged`."""
    batch, source = _batch(session, caller, batch_id)
    public_url = request.app.state.settings.public_url
    told = [outcome for outcome in Outcome if outcome is not Outcome.UNCHANGED]
    statement = queries.batch_items(batch.pk or 0, told).order_by(col(BatchItem.position))
    rows = session.execute(statement.limit(batches.INLINE)).scalars()
    return BatchReport(
        id=batch.id,
        href=f"{public_url}/v1/batches/{batch.id}",
        source=source.key,
        received_at=batch.received_at,
        counts={Outcome(name): count for name, count in batch.counts.items()},
        items=[batches.stored_report(row, public_url) for row in rows],
    )


@batches_router.get("/{batch_id}/items", responses=problems(400, 401, 404))
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
    items = [batches.stored_report(row, public_url) for row in part.rows]
    return page(request, response, part, items)


@manual.post(
    "",
    status_code=201,
    response_model=OpportunityRead,
    responses=problems(401, 403, 409),
)
def create_opportunity(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    body: OpportunityWrite,
) -> Response:
    """Make a draft by hand, for people who have no system. `submit` sends it in."""
    said = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    planned = actions.create_manual(session, caller, said, rules(request))
    row = queries.by_pk(session, planned.pk or 0)
    response = answer(request, session, caller, row, 201)
    public_url = request.app.state.settings.public_url
    response.headers["Location"] = f"{public_url}/v1/opportunities/{row.id}"
    return response


def _clean(external_id: str) -> str:
    try:
        return clean_external_id(external_id)
    except ValueError as error:
        raise Problem(INVALID_ITEM, str(error)) from None


def _batch(session: Session, caller: Caller, batch_id: UUID) -> tuple[Batch, Source]:
    found = queries.batch(session, caller, batch_id)
    if found is None:
        raise Problem(NOT_FOUND, "There is no batch with this id.")
    return found


def _read(request: Request, session: Session, rows: Sequence[Source]) -> list[SourceRead]:
    public_url = request.app.state.settings.public_url
    counts = queries.counts_by_state(session, [key(row) for row in rows])
    pks = {row.organisation_pk for row in rows} | {pk for row in rows for pk in row.providers}
    known = queries.organisation_refs(session, pks)

    def refer(organisation: Organisation) -> Reference:
        return Reference(
            id=organisation.id,
            slug=organisation.slug,
            name=organisation.name,
            href=f"{public_url}/v1/organisations/{organisation.slug}",
        )

    return [
        SourceRead(
            id=row.id,
            key=row.key,
            name=row.name,
            paused=row.paused,
            href=f"{public_url}/v1/sources/{row.key}",
            organisation=refer(known[row.organisation_pk]),
            kind=row.kind,
            trust=row.trust,
            defaults=row.defaults,
            providers=[refer(known[pk]) for pk in row.providers if pk in known],
            last_push_at=row.last_push_at,
            listings=counts.get(key(row), {}),
            demo=row.demo,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]
