"""HTTP for sources, their listings and batches."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Body, Path, Query, Request, Response
from sqlmodel import Session, col

from app.access.callers import SignedIn
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.database import key
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import GONE, NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch, Reference, merged
from app.opportunities.intake import clean_external_id
from app.opportunities.life import MERGE
from app.opportunities.models import Status
from app.opportunities.planned import Outcome
from app.opportunities.routes import answer, rules
from app.opportunities.shown import OpportunityRead
from app.opportunities.written import OpportunityWrite
from app.organisations.models import Organisation
from app.sources import actions, queries, reports, state
from app.sources.actions import INVALID_ITEM
from app.sources.models import (
    ItemReport,
    MappingRead,
    Source,
    SourceRead,
    SourceWrite,
)

sources = make_router("/v1/sources", "sources")
manual = make_router("/v1/opportunities", "opportunities")
routers = (sources, manual)

SourceKey = Annotated[str, Path(description="The key of the source.", examples=["dance-hub"])]
ExternalId = Annotated[
    str,
    Path(
        description="Your own id for the listing; slashes percent-encoded.", examples=["prog-214"]
    ),
]


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
    report = reports.item_report(planned, request.app.state.settings.public_url)
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
    if row.status is Status.WITHDRAWN and row.withdrawn_by != MERGE:
        raise Problem(GONE, "It is withdrawn already.")
    actions.withdraw(session, caller, source, row)


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


def _read(request: Request, session: Session, rows: Sequence[Source]) -> list[SourceRead]:
    public_url = request.app.state.settings.public_url
    states = state.states(session, rows, public_url)
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
            mapping=MappingRead.model_validate(row.mapping),
            last_push_at=row.last_push_at,
            listings=states[key(row)].listings,
            state=states[key(row)],
            max_listings=row.max_listings,
            pushes_per_hour=row.pushes_per_hour,
            feed_url=row.feed_url,
            harvest_hours=row.harvest_hours,
            demo=row.demo,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]
