"""HTTP for listings that may be one: seeing them, deciding, merging."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field as Described
from sqlmodel import Field, col

from app.access.callers import CoordinatorOrStaff, SignedIn
from app.kit.conditional import IfMatchHeader
from app.kit.database import key
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.opportunities import actions, duplicate_queries, merging, queries
from app.opportunities.filters import MOST_VALUES
from app.opportunities.matches import (
    DecisionWrite,
    DuplicatePairRead,
    DuplicateRead,
    MatchKind,
    MatchStatus,
    MergeWrite,
    OpportunityMatch,
    pair_columns,
)
from app.opportunities.routes import OpportunityId, answer, rules
from app.opportunities.shown import OpportunityRead

router = make_router("/v1/opportunities", "opportunities")
pairs_router = make_router("/v1/duplicates", "opportunities")
routers = (router, pairs_router)
SUREST_FIRST = [
    Order(col(OpportunityMatch.score), descending=True),
    Order(col(OpportunityMatch.pk), descending=True),
]
OtherId = Annotated[UUID, Path(description="The id of the other listing of the pair.")]


class PairFilters(ListParameters):
    """Which pairs: filters hold together, a repeated one is either."""

    status: Annotated[list[MatchStatus], Described(max_length=10)] = Field(
        default_factory=lambda: [MatchStatus.PROPOSED],
        description="What was decided; by default, nothing yet.",
    )
    kind: Annotated[list[MatchKind], Described(max_length=10)] = Field(
        default_factory=list, description="What the two listings are to each other."
    )
    source: Annotated[list[str], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="Keys of sources that one of the two comes from."
    )


@router.get("/{opportunity_id}/duplicates", responses=problems(400, 401, 404))
def list_opportunity_duplicates(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    opportunity_id: OpportunityId,
    parameters: Annotated[ListParameters, Query()],
) -> Page[DuplicateRead]:
    """Listings that may be the same as this one, the surest first.

    For its owner and its moderators. Another's listing is shown only as far as you may see it.
    They are found within a minute or so of a listing's arrival.
    """
    row = queries.by_id(session, caller, opportunity_id)
    if row is None or not queries.is_managed(session, caller, key(row)):
        raise Problem(NOT_FOUND, "You own or moderate no listing with this id.")
    statement = duplicate_queries.of_listing(caller, key(row))
    part = paginate(session, statement, SUREST_FIRST, parameters, request)
    public_url = request.app.state.settings.public_url
    pks = {pk for pair in part.rows for pk in (pair.one_pk, pair.other_pk)}
    known = duplicate_queries.listings(session, pks, public_url)
    items = [
        DuplicateRead(
            listing=known[pair.other_pk if pair.one_pk == row.pk else pair.one_pk],
            **pair_columns(pair),
        )
        for pair in part.rows
    ]
    return page(request, response, part, items)


@pairs_router.get("", responses=problems(400, 401, 403))
def list_duplicates(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: CoordinatorOrStaff,
    filters: Annotated[PairFilters, Query()],
) -> Page[DuplicatePairRead]:
    """Pairs of listings that may be one, the surest first.

    Coordinators get those of which they moderate at least one listing: a pair across a border
    concerns both areas.
    """
    statement = duplicate_queries.decidable(caller)
    if filters.status:
        statement = statement.where(col(OpportunityMatch.status).in_(filters.status))
    if filters.kind:
        statement = statement.where(col(OpportunityMatch.kind).in_(filters.kind))
    if filters.source:
        statement = statement.where(duplicate_queries.from_source(filters.source))
    part = paginate(session, statement, SUREST_FIRST, filters, request)
    public_url = request.app.state.settings.public_url
    pks = {pk for pair in part.rows for pk in (pair.one_pk, pair.other_pk)}
    known = duplicate_queries.listings(session, pks, public_url)
    items = [
        DuplicatePairRead(one=known[pair.one_pk], other=known[pair.other_pk], **pair_columns(pair))
        for pair in part.rows
    ]
    return page(request, response, part, items)


@router.post(
    "/{opportunity_id}/duplicates/{other_id}",
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def decide_duplicate(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    opportunity_id: OpportunityId,
    other_id: OtherId,
    if_match: IfMatchHeader,
    body: DecisionWrite,
) -> DuplicateRead:
    """Say that two listings are two offers, or one series. A refused pair is not proposed again.

    For staff, and coordinators of the area of either. `merge` confirms a duplicate.
    """
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    pair = merging.decide(session, caller, row, other_id, body.decision)
    other = pair.other_pk if pair.one_pk == row.pk else pair.one_pk
    public_url = request.app.state.settings.public_url
    known = duplicate_queries.listings(session, [other], public_url)
    return DuplicateRead(listing=known[other], **pair_columns(pair))


@router.post(
    "/{opportunity_id}/merge",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def merge_opportunity(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
    body: MergeWrite,
) -> Response:
    """Merge this listing into another one, and get that: it shows whence both came.

    For staff, and coordinators who moderate both. The merged one is withdrawn, its address leads
    to the other, and what its source goes on sending fills what the other leaves out. `restore`
    takes them apart.
    """
    row = merging.held_pair(session, caller, opportunity_id, body.into)
    if_match.check(row)
    survivor = merging.merge(session, caller, row, body.into, body.reason, rules(request))
    return answer(request, session, caller, survivor)
