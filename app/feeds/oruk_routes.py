"""HTTP for Open Referral UK 3.0, which councils' directories of services read."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any
from uuid import UUID

import pydantic_core
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel
from pyroaring import BitMap
from sqlalchemy import func
from sqlmodel import Session, col, select

from app.access.models import ANONYMOUS
from app.feeds import oruk_finding, oruk_services, streams
from app.feeds.oruk_finding import Looking
from app.feeds.oruk_models import (
    OrukOrganization,
    OrukOrganizationParameters,
    OrukOrganizationSummary,
    OrukPage,
    OrukPaging,
    OrukPlaceParameters,
    OrukRoot,
    OrukService,
    OrukServiceAtLocation,
    OrukServiceListParameters,
    OrukServiceParameters,
    OrukServiceSummary,
    OrukTaxonomy,
    OrukTaxonomyTerm,
    OrukTermParameters,
)
from app.feeds.oruk_terms import Terms
from app.feeds.paragraphs import paragraphs
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, database
from app.opportunities.documents import served
from app.opportunities.filters import OpportunityFilters
from app.opportunities.list_routes import resolved
from app.organisations import queries as organisations
from app.organisations.models import Organisation

router = make_router("/oruk/v3", "open-referral-uk")
routers = (router,)

JSON = "application/json"
PROFILE = "https://docs.openreferraluk.org/"
MINIMAL = frozenset({"id", "name", "status"})
ServiceId = Annotated[UUID, Path(description="The id of the service, which is the listing's.")]
OrganizationId = Annotated[UUID, Path(description="The id of the organisation.")]
TaxonomyId = Annotated[UUID, Path(description="The id of the taxonomy.")]
TermId = Annotated[UUID, Path(description="The id of the term.")]
Make = Callable[[], bytes]


@router.get("", response_model=OrukRoot)
@router.get("/", response_model=OrukRoot, include_in_schema=False)
def get_oruk_root(request: Request, session: ReadSession) -> Response:
    """Which standard is spoken here: Open Referral UK 3.0, a profile of HSDS."""
    public_url = request.app.state.settings.public_url
    found = OrukRoot(profile=PROFILE, openapi_url=f"{public_url}/openapi.json")
    return _answer(request, session, lambda: _written(found))


@router.get("/services", response_model=OrukPage[OrukServiceSummary], responses=problems(400))
def list_oruk_services(
    request: Request,
    session: ReadSession,
    parameters: Annotated[OrukServiceListParameters, Query()],
) -> Response:
    """Published listings as services, in the order in which they came.

    With `full=true` each has its schedules, places, prices and attributes; with `minimal=true` its
    id, name and state alone.
    """

    def make() -> bytes:
        terms = _terms(request, session)
        found = _found(request, session, parameters, terms)
        shown = _shown(request, session, _part(found, parameters))
        known = _organizations(request, session, shown)
        if parameters.full:
            return _page(
                parameters, len(found), [oruk_services.whole(one, known, terms) for one in shown]
            )
        contents = [oruk_services.summary(one, known) for one in shown]
        kept = set(MINIMAL) if parameters.minimal else None
        return _page(parameters, len(found), contents, kept)

    return _answer(request, session, make)


@router.get("/services/{service_id}", response_model=OrukService, responses=problems(404))
def get_oruk_service(request: Request, session: ReadSession, service_id: ServiceId) -> Response:
    """One service: when and where it is, what it costs, for whom it is."""

    def make() -> bytes:
        shown = _one(request, session, service_id)
        known = _organizations(request, session, [shown])
        return _written(oruk_services.whole(shown, known, _terms(request, session)))

    return _answer(request, session, make)


@router.get(
    "/service_at_locations",
    response_model=OrukPage[OrukServiceAtLocation],
    responses=problems(400),
)
def list_oruk_service_at_locations(
    request: Request,
    session: ReadSession,
    parameters: Annotated[OrukPlaceParameters, Query()],
) -> Response:
    """Services with their places; `postcode` and `proximity` find those nearby."""

    def make() -> bytes:
        terms = _terms(request, session)
        found = _found(request, session, parameters, terms)
        shown = _shown(request, session, _part(found, parameters))
        known = _organizations(request, session, shown)
        return _page(
            parameters,
            len(found),
            [oruk_services.at_location(one, terms, known, brief=True) for one in shown],
        )

    return _answer(request, session, make)


@router.get(
    "/service_at_locations/{service_id}",
    response_model=OrukServiceAtLocation,
    responses=problems(404),
)
def get_oruk_service_at_location(
    request: Request, session: ReadSession, service_id: ServiceId
) -> Response:
    """One service with its place."""

    def make() -> bytes:
        shown = _one(request, session, service_id)
        known = _organizations(request, session, [shown])
        return _written(oruk_services.at_location(shown, _terms(request, session), known))

    return _answer(request, session, make)


@router.get(
    "/organizations", response_model=OrukPage[OrukOrganizationSummary], responses=problems(400)
)
def list_oruk_organizations(
    request: Request,
    session: ReadSession,
    parameters: Annotated[OrukOrganizationParameters, Query()],
) -> Response:
    """Organisations that are public, in the order in which they came."""

    def make() -> bytes:
        statement = organisations.visible_to(ANONYMOUS)
        if parameters.search:
            statement = statement.where(
                func.lower(col(Organisation.name)).contains(
                    parameters.search.strip().lower(), autoescape=True
                )
            )
        total = session.execute(select(func.count()).select_from(statement.subquery())).scalar_one()
        rows = session.execute(
            statement.order_by(col(Organisation.pk))
            .offset((parameters.page - 1) * parameters.per_page)
            .limit(parameters.per_page)
        ).scalars()
        return _page(parameters, total, [_organization(request, row) for row in rows])

    return _answer(request, session, make)


@router.get(
    "/organizations/{organization_id}", response_model=OrukOrganization, responses=problems(404)
)
def get_oruk_organization(
    request: Request, session: ReadSession, organization_id: OrganizationId
) -> Response:
    """One organisation."""

    def make() -> bytes:
        statement = organisations.visible_to(ANONYMOUS).where(
            col(Organisation.id) == organization_id
        )
        row = session.execute(statement).scalar_one_or_none()
        if row is None:
            raise Problem(NOT_FOUND, "There is no organisation with this id.")
        return _written(_organization(request, row))

    return _answer(request, session, make)


@router.get("/taxonomies", response_model=OrukPage[OrukTaxonomy], responses=problems(400))
def list_oruk_taxonomies(
    request: Request, session: ReadSession, parameters: Annotated[OrukPaging, Query()]
) -> Response:
    """The lists of words by which services are sorted."""
    return _answer(
        request, session, lambda: _listed(parameters, _terms(request, session).taxonomies)
    )


@router.get("/taxonomies/{taxonomy_id}", response_model=OrukTaxonomy, responses=problems(404))
def get_oruk_taxonomy(request: Request, session: ReadSession, taxonomy_id: TaxonomyId) -> Response:
    """One list of words."""
    return _answer(
        request, session, lambda: _named(_terms(request, session).taxonomies, taxonomy_id)
    )


@router.get("/taxonomy_terms", response_model=OrukPage[OrukTaxonomyTerm], responses=problems(400))
def list_oruk_taxonomy_terms(
    request: Request, session: ReadSession, parameters: Annotated[OrukTermParameters, Query()]
) -> Response:
    """The words by which services are sorted."""

    def make() -> bytes:
        found = [
            one
            for one in _terms(request, session).all
            if parameters.taxonomy_id in {None, one.taxonomy_id}
            and parameters.parent_id in {None, one.parent_id}
            and (parameters.search or "").strip().casefold() in one.name.casefold()
        ]
        return _listed(parameters, found)

    return _answer(request, session, make)


@router.get("/taxonomy_terms/{term_id}", response_model=OrukTaxonomyTerm, responses=problems(404))
def get_oruk_taxonomy_term(request: Request, session: ReadSession, term_id: TermId) -> Response:
    """One word."""
    return _answer(request, session, lambda: _named(_terms(request, session).all, term_id))


# --- what is read -----------------------------------------------------------------------------


def _terms(request: Request, session: Session) -> Terms:
    return Terms(session, ANONYMOUS, request.app.state.settings.public_url)


def _found(
    request: Request, session: Session, parameters: OrukServiceParameters, terms: Terms
) -> BitMap:
    filters = OpportunityFilters(q=parameters.search or None)
    wanted = resolved(request, session, ANONYMOUS, filters)
    looking = Looking(session, request.app.state.census, database(request).is_sqlite)
    return oruk_finding.services(looking, wanted, parameters, terms)


def _part(found: BitMap, parameters: OrukPaging) -> Sequence[int]:
    first = (parameters.page - 1) * parameters.per_page
    return list(found[first : first + parameters.per_page]) if first < len(found) else []


def _shown(request: Request, session: Session, pks: Sequence[int]) -> list[dict[str, Any]]:
    public_url = request.app.state.settings.public_url
    return [
        pydantic_core.from_json(served(row.document, row.change_number, public_url))
        for row in oruk_finding.documents(session, pks)
    ]


def _one(request: Request, session: Session, identifier: UUID) -> dict[str, Any]:
    row = oruk_finding.document(session, identifier)
    if row is None:
        raise Problem(NOT_FOUND, "There is no service with this id.")
    public_url = request.app.state.settings.public_url
    shown: dict[str, Any] = pydantic_core.from_json(
        served(row.document, row.change_number, public_url)
    )
    return shown


def _organizations(
    request: Request, session: Session, shown: Iterable[dict[str, Any]]
) -> dict[UUID, OrukOrganizationSummary]:
    """The organisations that provide these services, in one query."""
    ids = {UUID(one["provider"]["id"]) for one in shown if one["provider"]}
    if not ids:
        return {}
    statement = organisations.visible_to(ANONYMOUS).where(col(Organisation.id).in_(ids))
    return {row.id: _organization(request, row) for row in session.execute(statement).scalars()}


def _organization(request: Request, row: Organisation) -> OrukOrganizationSummary:
    public_url = request.app.state.settings.public_url
    return OrukOrganizationSummary(
        id=row.id,
        name=row.name,
        description=paragraphs(row.description or "") or row.name,
        email=row.contact_email,
        website=row.website,
        uri=f"{public_url}/v1/organisations/{row.slug}",
    )


# --- how it is written ------------------------------------------------------------------------


def _written(found: BaseModel) -> bytes:
    return found.model_dump_json(exclude_none=True).encode()


def _named(found: Iterable[Any], identifier: UUID) -> bytes:
    for one in found:
        if one.id == identifier:
            return _written(one)
    raise Problem(NOT_FOUND, "There is nothing with this id.")


def _listed(parameters: OrukPaging, found: Sequence[BaseModel]) -> bytes:
    first = (parameters.page - 1) * parameters.per_page
    return _page(parameters, len(found), found[first : first + parameters.per_page])


def _page(
    parameters: OrukPaging,
    total: int,
    contents: Sequence[BaseModel],
    kept: set[str] | None = None,
) -> bytes:
    pages = max(1, -(-total // parameters.per_page))
    said = {
        "total_items": total,
        "total_pages": pages,
        "page_number": parameters.page,
        "size": len(contents),
        "first_page": parameters.page == 1,
        "last_page": parameters.page >= pages,
        "empty": not contents,
        "contents": [
            one.model_dump(mode="json", exclude_none=True, include=kept) for one in contents
        ],
    }
    return pydantic_core.to_json(said)


def _answer(request: Request, session: Session, make: Make) -> Response:
    """The answer, open to every page of the web; made only for who does not have it already."""
    tag = streams.tag_of(request, session, ANONYMOUS)
    found = streams.unmodified(request, tag)
    if found is None:
        found = Response(make(), media_type=JSON, headers={"ETag": f'"{tag}"'})
    # The standard asks for it whatever origins the rest of the service is open to.
    found.headers["Access-Control-Allow-Origin"] = "*"
    return found
