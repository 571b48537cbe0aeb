"""HTTP for listings."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Path, Query, Request, Response
from pydantic import Field as Described
from pydantic import field_validator, model_validator
from sqlmodel import Field, Session, SQLModel

from app.access.callers import AnyCaller, CoordinatorOrStaff, SignedIn
from app.access.models import SYSTEM, Caller
from app.authorities import queries as authorities
from app.authorities.postcodes import normalise_postcode
from app.kit import national_grid
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.pages import ListParameters, Page, next_link, paginate
from app.kit.problems import GONE, NOT_FOUND, Problem, invalid, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.shapes import MergePatch
from app.kit.strict_json import dumps
from app.kit.text import Line
from app.opportunities import actions, documents, queries
from app.opportunities.life import Rules
from app.opportunities.models import (
    Age,
    Code,
    Delivery,
    Kind,
    Opportunity,
    OpportunityRead,
    SessionRead,
    Status,
)
from app.opportunities.queries import Near, Sort, Wanted
from app.organisations import queries as organisations
from app.partnerships import queries as partnerships
from app.programmes import queries as programmes
from app.vocabularies.models import TermId, Vocabulary
from app.vocabularies.queries import known_codes

router = make_router("/v1/opportunities", "opportunities")
routers = (router,)
DEFAULT_KILOMETRES = 10.0
MOST_VALUES = 50
OpportunityId = Annotated[UUID, Path(description="The id of the listing.")]
Slugs = Annotated[list[str], Described(max_length=MOST_VALUES)]


class OpportunityFilters(ListParameters):
    """Which listings, and in which order. Filters hold together; a repeated one is either."""

    q: str | None = Field(
        default=None, max_length=200, description="Words that all occur in the listing."
    )
    authority: Annotated[list[Code], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="GSS codes; a county means its districts too."
    )
    partnership: Slugs = Field(default_factory=list, description="Slugs or ids of partnerships.")
    organisation: Slugs = Field(default_factory=list, description="Slugs or ids of providers.")
    programme: Slugs = Field(default_factory=list, description="Slugs or ids of programmes.")
    source: Slugs = Field(default_factory=list, description="Keys of sources.")
    artform: Annotated[list[TermId], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="Terms of the vocabulary `artform`."
    )
    kind: Annotated[list[Kind], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="What sort of thing it is."
    )
    delivery: Annotated[list[Delivery], Described(max_length=MOST_VALUES)] = Field(
        default_factory=list, description="How it reaches people."
    )
    age: Age | None = Field(
        default=None, description="In years; listings without ages do not match."
    )
    free: bool | None = Field(default=None, description="true: free to everyone.")
    near: str | None = Field(
        default=None,
        max_length=60,
        description="A postcode, or `lat,lng`.",
        schema_extra={"examples": ["B1 1BB", "52.48,-1.9"]},
    )
    within_km: Annotated[
        float | None,
        Described(gt=0, le=200, allow_inf_nan=False, description="With `near`; 10 by default."),
    ] = None
    starts_from: date | None = Field(
        default=None, description="A session on this London day or later."
    )
    starts_to: date | None = Field(
        default=None, description="A session on this London day or earlier."
    )
    status: Annotated[list[str], Described(max_length=10)] = Field(
        default_factory=list,
        description="With a key: draft, submitted, published, rejected, withdrawn, expired or any.",
    )
    pending: bool | None = Field(
        default=None, description="With a key: whether a change awaits a moderator."
    )
    changed_after: int | None = Field(
        default=None, ge=0, le=2**62, description="Change numbers above this one."
    )
    sort: Sort | None = Field(default=None, description="`next_session` by default.")

    @field_validator("status")
    @classmethod
    def known_status(cls, value: list[str]) -> list[str]:
        """Only states, or `any`."""
        allowed = [*Status, "any"]
        for one in value:
            if one not in allowed:
                raise ValueError(f"Use one of {', '.join(allowed)}.")
        return value

    @model_validator(mode="after")
    def consistent(self) -> "OpportunityFilters":
        """Dates in order, and distances only from somewhere."""
        if self.starts_from and self.starts_to and self.starts_to < self.starts_from:
            raise ValueError("starts_to must not come before starts_from.")
        if self.near is None and (self.within_km is not None or self.sort is Sort.DISTANCE):
            raise ValueError("within_km and sort=distance need `near`.")
        return self


Correction = Annotated[
    MergePatch,
    Body(json_schema_extra={"$ref": "#/components/schemas/OpportunityCorrectionWrite"}),
]


class Reason(SQLModel):
    """Why."""

    model_config = {"extra": "forbid"}

    reason: Line = Field(max_length=500, description="The partner reads it.")


class OptionalReason(SQLModel):
    """Why, if that needs saying."""

    model_config = {"extra": "forbid"}

    reason: Line | None = Field(default=None, max_length=500, description="The partner reads it.")


@router.get("", response_model=Page[OpportunityRead], responses=problems(400, 401))
def list_opportunities(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    filters: Annotated[OpportunityFilters, Query()],
) -> Response:
    """Listings that match, the next to happen first; always-available ones last.

    Without `status`, only what is published. `near` adds `distance_km` to each item.
    """
    wanted = resolve(session, caller, filters)
    order = queries.order(filters.sort or Sort.NEXT_SESSION, wanted.near)
    part = paginate(session, queries.listed(caller, wanted), order, filters, request)
    private = private_parts(session, caller, part.rows)
    public_url = request.app.state.settings.public_url
    items = []
    for row in queries.documents_of(session, part.rows):
        more: dict[str, Any] = dict(private.get(row.pk, {}))
        if wanted.near is not None:
            more["distance_km"] = queries.kilometres(wanted.near, row.easting, row.northing)
        items.append(documents.served(row.document, row.change_number, public_url, **more))
    address = next_link(request, part.next)
    tail = dumps({"next": address, "total": part.total}).decode()[1:]
    headers = {"Link": f'<{address}>; rel="next"'} if address else {}
    return Response(
        f'{{"items":[{",".join(items)}],{tail}', media_type="application/json", headers=headers
    )


@router.get("/{opportunity_id}", response_model=OpportunityRead, responses=problems(404, 410))
def get_opportunity(
    request: Request, session: ReadSession, caller: AnyCaller, opportunity_id: OpportunityId
) -> Response:
    """One listing. An expired one can still be read; one withdrawn after publication is gone."""
    found = queries.served(session, caller, opportunity_id)
    if found is None:
        if queries.was_public(session, opportunity_id):
            raise Problem(GONE)
        raise Problem(NOT_FOUND, "There is no listing with this id.")
    return _shown(request, session, caller, found)


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
    items = [SessionRead.model_validate(documents.session_members(one)) for one in part.rows]
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


@router.post(
    "/{opportunity_id}/submit",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def submit_opportunity(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
) -> Response:
    """Send a draft in for moderation; 409 lists what is missing."""
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.submit(session, caller, row, rules(request))
    return answer(request, session, caller, row)


@router.post(
    "/{opportunity_id}/approve",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def approve_opportunity(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
) -> Response:
    """Publish what was submitted, or the change that waits beside it."""
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.approve(session, caller, row, rules(request))
    return answer(request, session, caller, row)


@router.post(
    "/{opportunity_id}/reject",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def reject_opportunity(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
    body: Reason,
) -> Response:
    """Refuse what was submitted, or the change that waits beside it, and say why."""
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.reject(session, caller, row, body.reason)
    return answer(request, session, caller, row)


@router.post(
    "/{opportunity_id}/withdraw",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def withdraw_opportunity(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
    body: Annotated[OptionalReason | None, Body()] = None,
) -> Response:
    """Take a listing away. What moderators withdraw stays away until `restore`."""
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.withdraw(session, caller, row, body.reason if body else None)
    return answer(request, session, caller, row)


@router.post(
    "/{opportunity_id}/restore",
    response_model=OpportunityRead,
    responses=problems(401, 403, 404, 409, 410, 412, 428),
)
def restore_opportunity(
    request: Request,
    session: WriteSession,
    caller: CoordinatorOrStaff,
    opportunity_id: OpportunityId,
    if_match: IfMatchHeader,
) -> Response:
    """Bring back what was withdrawn."""
    row = actions.editable(session, caller, opportunity_id)
    if_match.check(row)
    actions.restore(session, caller, row, rules(request))
    return answer(request, session, caller, row)


def rules(request: Request) -> Rules:
    """What the settings decide about listings."""
    return Rules(safeguarding_required=request.app.state.settings.safeguarding_required)


def answer(
    request: Request, session: Session, caller: Caller, row: Opportunity, status: int = 200
) -> Response:
    """One listing as it stands, with what only its owner and moderators see."""
    documents.refresh_touched(session)  # what this request changed is in the answer already
    found = queries.served(session, SYSTEM, row.id)
    return _shown(request, session, caller, found, status)


def _shown(
    request: Request, session: Session, caller: Caller, found: Any, status: int = 200
) -> Response:
    show_version(request, found)
    private = private_parts(session, caller, [found.pk]).get(found.pk, {})
    public_url = request.app.state.settings.public_url
    text = documents.served(found.document, found.change_number, public_url, **private)
    return Response(text, status, media_type="application/json")


def private_parts(
    session: Session, caller: Caller, pks: Sequence[int]
) -> Mapping[int, Mapping[str, Any]]:
    """What owners and moderators see besides the public document, by listing."""
    if not caller.is_signed_in or not pks:
        return {}
    return {
        row.pk: {
            "missing": row.missing,
            "rejection_reason": row.rejection_reason,
            "pending": row.pending["payload"] if row.pending else None,
            "last_seen_at": row.last_seen_at,
        }
        for row in queries.private(session, caller, pks)
    }


def resolve(session: Session, caller: Caller, filters: OpportunityFilters) -> Wanted:
    """The filters with what they name looked up; a 422 names what does not exist."""
    return Wanted(
        statuses=_statuses(caller, filters),
        pending=filters.pending,
        authority_pks=_authorities(session, filters.authority),
        partnership_pks=_named(
            "partnership",
            filters.partnership,
            partnerships.partnerships_by_ref(session, filters.partnership, caller),
        ),
        organisation_pks=_named(
            "organisation",
            filters.organisation,
            organisations.organisations_by_ref(session, filters.organisation, caller),
        ),
        programme_pks=_named(
            "programme",
            filters.programme,
            programmes.programmes_by_ref(session, filters.programme, caller),
        ),
        source_keys=filters.source,
        artforms=_artforms(session, filters.artform),
        kinds=filters.kind,
        deliveries=filters.delivery,
        age=filters.age,
        free=filters.free,
        near=_near(session, filters),
        starts_from=filters.starts_from,
        starts_to=filters.starts_to,
        words=(filters.q or "").casefold().split()[:12],
        changed_after=filters.changed_after,
    )


def _statuses(caller: Caller, filters: OpportunityFilters) -> list[Status]:
    if filters.pending is not None and not caller.is_signed_in:
        raise invalid("?pending", "What waits is told only with a key.")
    if not filters.status:
        return [] if filters.pending else [Status.PUBLISHED]
    if not caller.is_signed_in and set(filters.status) - {Status.PUBLISHED, Status.EXPIRED}:
        raise invalid("?status", "Without a key, only published and expired can be asked for.")
    return [] if "any" in filters.status else [Status(one) for one in filters.status]


def _authorities(session: Session, codes: Sequence[str]) -> frozenset[int] | None:
    if not codes:
        return None
    known = authorities.by_code(session)
    for code in codes:
        if code not in known:
            raise invalid("?authority", f"There is no authority {code}. See /v1/authorities.")
    return frozenset(authorities.within(session, codes))


def _named(name: str, asked: Sequence[str], found: Mapping[str, Any]) -> list[int]:
    for ref in asked:
        if ref not in found:
            raise invalid(f"?{name}", f"There is no {name} {ref!r}.")
    return [found[ref].pk for ref in asked]


def _artforms(session: Session, asked: Sequence[str]) -> Sequence[str]:
    if asked:
        known = known_codes(session, retired=True)[Vocabulary.ARTFORM]
        for code in asked:
            if code not in known:
                raise invalid("?artform", f"{code!r} is not one of {', '.join(sorted(known))}.")
    return asked


def _near(session: Session, filters: OpportunityFilters) -> Near | None:
    if filters.near is None:
        return None
    metres = round((filters.within_km or DEFAULT_KILOMETRES) * 1000)
    latitude, comma, longitude = filters.near.partition(",")
    if comma:
        try:
            easting, northing = national_grid.from_wgs84(float(latitude), float(longitude))
        except ValueError:
            raise invalid("?near", "Give `lat,lng` in Great Britain, such as 52.48,-1.9.") from None
        return Near(round(easting), round(northing), metres)
    try:
        postcode = normalise_postcode(filters.near)
    except ValueError:
        raise invalid("?near", "Give a postcode or `lat,lng`.") from None
    place = authorities.locate(session, [postcode]).get(postcode)
    if place is None:
        raise invalid("?near", f"{filters.near} is not a postcode that is known here.", "unknown")
    return Near(place.easting, place.northing, metres)
