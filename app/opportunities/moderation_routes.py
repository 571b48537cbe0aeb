"""HTTP for deciding about listings, and for what moderators and owners see of them."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Body, Depends, Request, Response
from pydantic import Field as Described
from sqlmodel import Field, Session, SQLModel

from app.access.callers import CoordinatorOrStaff, SignedIn
from app.access.models import Caller
from app.kit import idempotency
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.idempotency import RequestKey
from app.kit.problems import NOT_FOUND, FieldError, Problem, invalid, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession, database
from app.kit.text import Line
from app.opportunities import actions, differences, moderation, provenance, queries
from app.opportunities.models import Opportunity, Status
from app.opportunities.moderation import Action, Decided, Decision, Named
from app.opportunities.provenance import ProvenanceRead
from app.opportunities.reviewing import PendingRead
from app.opportunities.routes import OpportunityId, answer, rules
from app.opportunities.shown import OpportunityRead

router = make_router("/v1/opportunities", "opportunities")
routers = (router,)

MOST_AT_ONCE = 500
MOST_FIELDS = 40
SECONDS = 60.0
"""How long the database may work on many decisions at once."""
WRITERS = 2
EDITED = problems(401, 403, 404, 409, 410, 412, 428)

FieldNames = Annotated[
    list[str],
    Described(
        max_length=MOST_FIELDS,
        description="Only these fields of the change that waits; the rest keeps waiting.",
        examples=[["title"]],
    ),
]


class Reason(SQLModel):
    """Why, and of a change that waits which fields."""

    model_config = {"extra": "forbid"}

    reason: Line = Field(max_length=500, description="The partner reads it.")
    fields: FieldNames = Field(default_factory=list)


class OptionalReason(SQLModel):
    """Why, if that needs saying."""

    model_config = {"extra": "forbid"}

    reason: Line | None = Field(default=None, max_length=500, description="The partner reads it.")


class Approval(SQLModel):
    """Which fields of a change that waits."""

    model_config = {"extra": "forbid"}

    fields: FieldNames = Field(default_factory=list)


class ModerationItem(SQLModel):
    """A listing, at the version that was read."""

    model_config = {"extra": "forbid"}

    id: UUID
    version: int = Field(ge=0, le=2**31 - 1)


class ModerationWrite(SQLModel):
    """One decision about many listings."""

    model_config = {"extra": "forbid"}

    action: Action
    reason: Line | None = Field(
        default=None, max_length=500, description="Needed to reject; the partner reads it."
    )
    items: Annotated[list[ModerationItem], Described(min_length=1, max_length=MOST_AT_ONCE)]


class ModerationError(SQLModel):
    """Why a listing was not decided on."""

    type: str = Field(description="A page that explains this kind of problem.")
    title: str
    status: int = Field(description="The HTTP status that the single action answers with.")
    code: str = Field(description="A stable word for programs.")
    detail: str
    errors: list[FieldError]


class ModerationItemRead(SQLModel):
    """What became of one listing."""

    id: UUID
    version: int | None = Field(description="Its version now; null if you may not see it.")
    outcome: Literal["done", "refused"]
    status: Status | None = Field(description="Its state now; null if you may not see it.")
    error: ModerationError | None


class ModerationReport(SQLModel):
    """What became of each listing, in the order of the request."""

    action: Action
    done: int
    refused: int
    items: list[ModerationItemRead]


async def _turn() -> None:
    """Nothing but a turn: so many are worked on at once, and the others wait."""


def _editable(
    session: WriteSession,
    caller: SignedIn,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
) -> Opportunity:
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    return row


EditableListing = Annotated[Opportunity, Depends(_editable, scope="function")]
"""The listing that the request is about, locked, at the version that If-Match names."""


@router.post(
    "/moderation",
    responses=problems(401, 403),
    response_model=ModerationReport,
    dependencies=[Depends(_turn, scope="function", max_concurrency=WRITERS)],
)
def moderate_opportunities(
    request: Request,
    caller: CoordinatorOrStaff,
    body: ModerationWrite,
    idempotency_key: RequestKey,
) -> Response:
    """Decide about up to 500 listings at once, each as the single action would.

    The answer tells what became of each; one that is refused stops none of the others.
    """
    if body.action is Action.REJECT and body.reason is None:
        raise invalid("#/reason", "Say why: the partner reads it.", "missing")
    named = [Named(item.id, item.version) for item in body.items]
    decision = Decision(body.action, body.reason)
    with database(request).writing(SECONDS) as session:
        if idempotency_key:
            idempotency.begin(session, idempotency_key)
        found = moderation.decide_all(session, caller, named, decision, rules(request))
        items = [_item(one, request.app.state.settings.public_url) for one in found]
        done = sum(item.outcome == "done" for item in items)
        report = ModerationReport(
            action=body.action, done=done, refused=len(items) - done, items=items
        )
        response = Response(report.model_dump_json(), media_type="application/json")
        idempotency.remember(session, response)
        return response


@router.get(
    "/{opportunity_id}/provenance",
    responses=problems(401, 404),
    response_model_exclude_unset=True,  # `pending` stands only where a value waits
)
def get_opportunity_provenance(
    request: Request, session: ReadSession, caller: SignedIn, opportunity_id: OpportunityId
) -> ProvenanceRead:
    """Where each field comes from: source, defaults, a person's text, a correction."""
    row = _own(session, caller, opportunity_id)
    show_version(request, row)
    return provenance.provenance(session, caller, row)


@router.get("/{opportunity_id}/pending", responses=problems(401, 404))
def get_opportunity_pending(
    request: Request, session: ReadSession, caller: SignedIn, opportunity_id: OpportunityId
) -> PendingRead:
    """The change that waits beside what is approved, field by field; 404 if none does."""
    row = _own(session, caller, opportunity_id)
    if row.pending is None:
        raise Problem(NOT_FOUND, "No change of this listing waits: it stands as its source has it.")
    show_version(request, row)
    found = differences.changes(row.payload, row.pending, row.overrides)
    return PendingRead.model_validate(differences.shown(row.pending["since"], row.version, found))


@router.post("/{opportunity_id}/submit", response_model=OpportunityRead, responses=EDITED)
def submit_opportunity(
    request: Request, session: WriteSession, caller: SignedIn, row: EditableListing
) -> Response:
    """Send a draft in for moderation; 409 lists what is missing."""
    return _decided(request, session, caller, row, Decision(Action.SUBMIT))


@router.post("/{opportunity_id}/approve", response_model=OpportunityRead, responses=EDITED)
def approve_opportunity(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    row: EditableListing,
    body: Annotated[Approval | None, Body()] = None,
) -> Response:
    """Publish what was submitted, or the change that waits beside it, whole or field by field."""
    fields = tuple(body.fields) if body else ()
    return _decided(request, session, caller, row, Decision(Action.APPROVE, fields=fields))


@router.post("/{opportunity_id}/reject", response_model=OpportunityRead, responses=EDITED)
def reject_opportunity(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    row: EditableListing,
    body: Reason,
) -> Response:
    """Refuse what was submitted, or the change that waits beside it, and say why.

    What was refused of a change does not wait again when it is sent again unchanged.
    """
    decision = Decision(Action.REJECT, body.reason, tuple(body.fields))
    return _decided(request, session, caller, row, decision)


@router.post("/{opportunity_id}/withdraw", response_model=OpportunityRead, responses=EDITED)
def withdraw_opportunity(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    row: EditableListing,
    body: Annotated[OptionalReason | None, Body()] = None,
) -> Response:
    """Take a listing away. What moderators withdraw stays away until `restore`."""
    decision = Decision(Action.WITHDRAW, body.reason if body else None)
    return _decided(request, session, caller, row, decision)


@router.post("/{opportunity_id}/restore", response_model=OpportunityRead, responses=EDITED)
def restore_opportunity(
    request: Request, session: WriteSession, caller: CoordinatorOrStaff, row: EditableListing
) -> Response:
    """Bring back what was withdrawn."""
    return _decided(request, session, caller, row, Decision(Action.RESTORE))


def _decided(
    request: Request, session: Session, caller: Caller, row: Opportunity, decision: Decision
) -> Response:
    moderation.decide(session, caller, row, decision, rules(request))
    return answer(request, session, caller, row)


def _own(session: Session, caller: Caller, opportunity_id: UUID) -> Opportunity:
    row = queries.managed_by_id(session, caller, opportunity_id)
    if row is None:
        raise Problem(NOT_FOUND, "You own or moderate no listing with this id.")
    return row


def _item(one: Decided, public_url: str) -> ModerationItemRead:
    return ModerationItemRead(
        id=one.id,
        version=one.version,
        outcome="refused" if one.problem else "done",
        status=one.status,
        error=_error(one.problem, public_url) if one.problem else None,
    )


def _error(problem: Problem, public_url: str) -> ModerationError:
    kind = problem.kind
    return ModerationError(
        type=f"{public_url}/problems/{kind.code}",
        title=kind.title,
        status=kind.status,
        code=kind.code,
        detail=problem.detail or kind.advice,
        errors=list(problem.errors),
    )
