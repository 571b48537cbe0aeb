"""HTTP for what only the owner and the moderators of a listing are told and asked."""

from fastapi import Request, Response

from app.access.callers import SignedIn
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.opportunities import actions, quality, queries
from app.opportunities.routes import OpportunityId, answer, rules
from app.opportunities.shown import OpportunityRead, QualityRead, QualityReason

router = make_router("/v1/opportunities", "opportunities")
routers = (router,)


@router.get("/{opportunity_id}/quality", responses=problems(401, 404))
def get_opportunity_quality(
    request: Request, session: ReadSession, caller: SignedIn, opportunity_id: OpportunityId
) -> QualityRead:
    """The score of a listing, why, and what would raise it: for its owner and its moderators."""
    found = queries.assessed(session, caller, opportunity_id)
    if found is None:
        raise Problem(NOT_FOUND, "There is no listing with this id among those you look after.")
    show_version(request, found)
    return QualityRead(
        score=found.quality,
        reasons=[QualityReason(**one._asdict()) for one in quality.reasons(found.quality_gaps)],
    )


@router.post(
    "/{opportunity_id}/confirm",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def confirm_opportunity(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
) -> Response:
    """Say that a listing without an end is still on. Sending it again says the same.

    One that expired because nobody answered is published again.
    """
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.confirm(session, caller, row, rules(request))
    return answer(request, session, caller, row)
