"""HTTP for listings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from sqlmodel import Session

from app.access.callers import AnyCaller, CoordinatorOrStaff, SignedIn
from app.access.models import SYSTEM, Caller
from app.kit.conditional import IfMatchHeader, prefers, show_version
from app.kit.pages import ListParameters, Page, next_link, paginate
from app.kit.problems import GONE, NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.opportunities import (
    actions,
    differences,
    documents,
    duplicate_queries,
    quality,
    queries,
    rendering,
)
from app.opportunities.life import Rules
from app.opportunities.models import Opportunity
from app.opportunities.shown import OpportunityRead, SessionRead

router = make_router("/v1/opportunities", "opportunities")
routers = (router,)
LINKED_DATA = "application/ld+json"
BY_ACCEPT = {"Vary": "Accept"}
OpportunityId = Annotated[UUID, Path(description="The id of the listing.")]


Correction = Annotated[
    MergePatch,
    Body(json_schema_extra={"$ref": "#/components/schemas/OpportunityCorrectionWrite"}),
]


@router.get(
    "/{opportunity_id}",
    response_model=OpportunityRead,
    responses={
        200: {
            "description": "The listing; as `application/ld+json` in the words of schema.org.",
            "content": {LINKED_DATA: {"schema": {"type": "object"}}},
        },
        308: {
            "description": "It was merged: `Location` names the listing that stands for it. "
            "The `ETag` is of the merged one, to `restore` it with."
        },
        **problems(404, 410),
    },
)
def get_opportunity(
    request: Request, session: ReadSession, caller: AnyCaller, opportunity_id: OpportunityId
) -> Response:
    """One listing. An expired one can still be read; one withdrawn after publication is gone."""
    found = found_or_moved(request, session, caller, opportunity_id)
    if isinstance(found, Response):
        return found
    if prefers(request.headers.get("accept", ""), LINKED_DATA):
        # A room above knows those words; whoever put the application together handed it down.
        told = request.app.state.linked_data(found.document, request.app.state.settings.public_url)
        return Response(told, media_type=LINKED_DATA, headers=BY_ACCEPT)
    return _shown(request, session, caller, found, headers=BY_ACCEPT)


def found_or_moved(
    request: Request, session: Session, caller: Caller, opportunity_id: UUID, ending: str = ""
) -> Any:
    """What is read of a listing, or where a merged one went; a problem if there is neither."""
    found = queries.served(session, caller, opportunity_id)
    if found is None or found.merged_into_pk is not None:
        survivor = duplicate_queries.survivor(session, caller, opportunity_id)
        if survivor is not None:
            return _moved(request, ending, *survivor)
    if found is None:
        if queries.was_public(session, opportunity_id):
            raise Problem(GONE)
        raise Problem(NOT_FOUND, "There is no listing with this id.")
    return found


@router.get("/{opportunity_id}/sessions", responses=problems(400, 404))
def list_opportunity_sessions(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: AnyCaller,
    opportunity_id: OpportunityId,
    parameters: Annotated[ListParameters, Query()],
) -> Page[SessionRead]:
    """All sessions of a listing in order of time, past ones included."""
    row = queries.by_id(session, caller, opportunity_id)
    if row is None:
        raise Problem(NOT_FOUND, "There is no listing with this id.")
    statement, order = queries.sessions_of(row)
    part = paginate(session, statement, order, parameters, request)
    address = next_link(request, part.next)
    if address:
        response.headers["Link"] = f'<{address}>; rel="next"'
    items = [SessionRead.model_validate(rendering.session_members(one)) for one in part.rows]
    return Page[SessionRead](items=items, next=address, total=part.total)


@router.patch(
    "/{opportunity_id}",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def update_opportunity(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
    patch: Correction,
) -> Response:
    """Correct a listing (staff and coordinators, with a `reason`), or edit a manual one.

    A correction is laid over what the source says and survives its next push.
    """
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.correct(session, caller, row, patch, rules(request))
    return answer(request, session, caller, row)


@router.delete(
    "/{opportunity_id}/overrides/{field}",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def drop_override(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    opportunity_id: OpportunityId,
    field: Annotated[str, Path(description="The member that was corrected.", examples=["title"])],
    if_match: IfMatchHeader,
) -> Response:
    """Drop a correction: the field says again what the source says."""
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.drop_override(session, caller, row, field, rules(request))
    return answer(request, session, caller, row)


def rules(request: Request) -> Rules:
    """What the settings decide about listings."""
    settings = request.app.state.settings
    return Rules(
        safeguarding_required=settings.safeguarding_required,
        max_listings=settings.max_listings,
        pushes_per_hour=settings.pushes_per_hour,
    )


def answer(
    request: Request, session: Session, caller: Caller, row: Opportunity, status: int = 200
) -> Response:
    """One listing as it stands, with what only its owner and moderators see."""
    documents.refresh_touched(session)  # what this request changed is in the answer already
    found = queries.served(session, SYSTEM, row.id)
    return _shown(request, session, caller, found, status)


def _moved(request: Request, ending: str, survivor: UUID, version: int) -> Response:
    public_url = request.app.state.settings.public_url
    headers = {
        "Location": f"{public_url}/v1/opportunities/{survivor}{ending}",
        "ETag": f'"{version}-{survivor.hex}"',
    }
    return Response(status_code=308, headers=headers)


def _shown(
    request: Request,
    session: Session,
    caller: Caller,
    found: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    show_version(request, found)
    public_url = request.app.state.settings.public_url
    private = private_parts(session, caller, [found.pk], public_url).get(found.pk, {})
    text = documents.served(found.document, found.change_number, public_url, **private)
    return Response(text, status, media_type="application/json", headers=headers)


def private_parts(
    session: Session, caller: Caller, pks: Sequence[int], public_url: str
) -> Mapping[int, Mapping[str, Any]]:
    """What owners and moderators see besides the public document, by listing."""
    if not caller.is_signed_in or not pks:
        return {}
    rows = queries.private(session, caller, pks)
    originals = duplicate_queries.originals(session, caller, [row.pk for row in rows], public_url)
    approved = queries.approved_of(session, [row.pk for row in rows if row.pending])
    return {
        row.pk: {
            "missing": row.missing,
            "rejection_reason": row.rejection_reason,
            "pending": row.pending["payload"] if row.pending else None,
            "pending_changes": _pending_changes(row, approved[row.pk]) if row.pending else None,
            "corrections": {
                name: {"reason": found["reason"], "at": found["at"]}
                for name, found in row.overrides.items()
            },
            "last_seen_at": row.last_seen_at,
            "duplicate_of": originals.get(row.pk),
            "asked_at": row.asked_at,
            "would_raise": [one._asdict() for one in quality.would_raise(row.quality_gaps)],
        }
        for row in rows
    }


def _pending_changes(row: Any, approved: Mapping[str, Any]) -> dict[str, Any]:
    found = differences.changes(approved, row.pending, row.overrides)
    return differences.shown(row.pending["since"], row.version, found)
