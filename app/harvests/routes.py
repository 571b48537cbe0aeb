"""HTTP for harvests."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field as Described
from sqlmodel import col

from app.access.callers import SignedIn
from app.harvests import actions, queries
from app.harvests.models import (
    BatchReference,
    Harvest,
    HarvestCounts,
    HarvestOutcome,
    HarvestProblem,
    HarvestRead,
)
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.sources.actions import seen
from app.sources.models import Source
from app.sources.reports import address as batch_address
from app.sources.routes import SourceKey

sources = make_router("/v1/sources", "sources")
harvests = make_router("/v1/harvests", "sources")
routers = (sources, harvests)

HarvestId = Annotated[UUID, Path(description="The id of the harvest.")]


class HarvestParameters(ListParameters):
    """Which harvests of a source."""

    outcome: Annotated[
        list[HarvestOutcome], Described(max_length=10, description="How they stand or ended.")
    ] = []


@sources.post(
    "/{source_key}/harvests",
    status_code=202,
    responses=problems(401, 404, 409),
)
def ask_for_harvest(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: SignedIn,
    source_key: SourceKey,
    confirm_withdraw: Annotated[
        int | None,
        Query(
            ge=0,
            le=1_000_000,
            description="The `would_withdraw` of a refused harvest, if so many are to go.",
        ),
    ] = None,
) -> HarvestRead:
    """Have a source's feed fetched as soon as may be. One that waits or runs already is enough.

    An RPDE feed is read from where the last harvest came to; `SessionSeries` are joined with their
    `ScheduledSession`s, `Event`s and `CourseInstance`s become listings, other kinds are counted. A
    table or a calendar is fetched whole if it changed. What was found goes the way of a batch:
    `batches` lead to the reports.
    """
    source = seen(session, caller, source_key, lock=True)
    harvest, _ = actions.ask(session, caller, source, confirm_withdraw)
    read = _read([(harvest, source)], request)[0]
    response.headers["Location"] = read.href
    return read


@sources.get("/{source_key}/harvests", responses=problems(400, 401, 404))
def list_harvests(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    source_key: SourceKey,
    parameters: Annotated[HarvestParameters, Query()],
) -> Page[HarvestRead]:
    """The harvests of a source, the latest first."""
    source = seen(session, caller, source_key)
    statement = queries.harvests_of(source)
    if parameters.outcome:
        statement = statement.where(col(Harvest.outcome).in_(parameters.outcome))
    order = [Order(col(Harvest.pk), descending=True)]
    part = paginate(session, statement, order, parameters, request)
    return page(
        request, response, part, _read([(harvest, source) for harvest in part.rows], request)
    )


@harvests.get("/{harvest_id}", responses=problems(401, 404))
def get_harvest(
    request: Request, session: ReadSession, caller: SignedIn, harvest_id: HarvestId
) -> HarvestRead:
    """One harvest: what was fetched, what was wrong with it, and what became of it."""
    found = queries.harvest(session, caller, harvest_id)
    if found is None:
        raise Problem(NOT_FOUND, "You have no such harvest.")
    return _read([found], request)[0]


def _read(found: Iterable[tuple[Harvest, Source]], request: Request) -> list[HarvestRead]:
    public_url = request.app.state.settings.public_url
    return [
        HarvestRead(
            id=harvest.id,
            href=f"{public_url}/v1/harvests/{harvest.id}",
            source=source.key,
            outcome=harvest.outcome,
            asked_by=harvest.asked_by,
            asked_at=harvest.asked_at,
            started_at=harvest.started_at,
            ended_at=harvest.ended_at,
            counts=HarvestCounts.model_validate(harvest.counts),
            would_withdraw=harvest.would_withdraw,
            problems=[HarvestProblem.model_validate(one) for one in harvest.problems],
            batches=[
                BatchReference(id=UUID(one), href=batch_address(public_url, UUID(one)))
                for one in harvest.batches
            ],
        )
        for harvest, source in found
    ]
