"""HTTP for calendars: of any search, one partnership, one organisation, one listing."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from sqlmodel import Session

from app.access.callers import AnyCaller
from app.access.models import Caller
from app.feeds import calendars, streams
from app.feeds.calendars import MOST_LISTINGS, Calendar
from app.feeds.export_routes import documented, searched
from app.kit.problems import GONE, NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, database
from app.opportunities import duplicate_queries
from app.opportunities.filters import OpportunityFilters
from app.organisations import queries as organisations
from app.partnerships import queries as partnerships

router = make_router("/v1", "feeds")
routers = (router,)

CALENDAR = "text/calendar"
KIND = f"{CALENDAR}; charset=utf-8"
OFFERS = "What children and young people can take part in."

OpportunityId = Annotated[UUID, Path(description="The id of the listing.")]
PartnershipPath = Annotated[
    str, Path(max_length=80, description="The slug or the id.", examples=["birmingham"])
]
OrganisationPath = Annotated[
    str, Path(max_length=80, description="The slug or the id.", examples=["dance-hub"])
]


@router.get(
    "/opportunities.ics",
    response_class=Response,
    responses={**problems(401), **documented(CALENDAR)},
)
def get_opportunity_calendar(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[OpportunityFilters, Query()],
) -> Response:
    """A calendar (iCalendar, RFC 5545) of the sessions of all listings that match.

    Subscribe to this address. It holds the sessions of the last 30 days and all to come, of the
    first 1,000 listings in the order of the list, at most 10,000 sessions. What was cancelled,
    taken out or withdrawn stays for 30 days with `STATUS:CANCELLED`. The `UID` of a session never
    changes, and `SEQUENCE` rises with every change. What is always available is no event, nor is
    what was never public, whoever asks.
    """
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    return _answer(request, session, caller, tag, parameters, "Opportunities")


@router.get(
    "/partnerships/{partnership}.ics",
    response_class=Response,
    responses={**problems(401, 404), **documented(CALENDAR)},
)
def get_partnership_calendar(
    request: Request, session: ReadSession, caller: AnyCaller, partnership: PartnershipPath
) -> Response:
    """A calendar of the listings in the areas of one partnership, as for a search."""
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    row = partnerships.partnership(session, caller, partnership)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no partnership {partnership!r}.")
    filters = OpportunityFilters(partnership=[row.slug])
    return _answer(request, session, caller, tag, filters, row.name, row.slug)


@router.get(
    "/organisations/{organisation}.ics",
    response_class=Response,
    responses={**problems(401, 404), **documented(CALENDAR)},
)
def get_organisation_calendar(
    request: Request, session: ReadSession, caller: AnyCaller, organisation: OrganisationPath
) -> Response:
    """A calendar of what one organisation offers, as for a search."""
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    row = organisations.organisation(session, caller, organisation)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no organisation {organisation!r}.")
    filters = OpportunityFilters(organisation=[row.slug])
    return _answer(request, session, caller, tag, filters, row.name, row.slug)


@router.get(
    "/opportunities/{opportunity_id}.ics",
    response_class=Response,
    responses={
        308: {"description": "It was merged: `Location` has the calendar of what stands for it."},
        **problems(401, 404, 410),
        **documented(CALENDAR),
    },
)
def get_calendar_of_opportunity(
    request: Request, session: ReadSession, caller: AnyCaller, opportunity_id: OpportunityId
) -> Response:
    """A calendar of the sessions of one listing.

    For 30 days after it was withdrawn its sessions are there, cancelled; then it is gone (410).
    """
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    public_url = request.app.state.settings.public_url
    survivor = duplicate_queries.survivor(session, caller, opportunity_id)
    if survivor is not None:
        address = f"{public_url}/v1/opportunities/{survivor[0]}.ics"
        return Response(status_code=308, headers={"Location": address})
    found = calendars.standing(session, opportunity_id)
    if found is None or not (found.is_public or found.left_a_trace):
        if found is not None and found.was_withdrawn:
            raise Problem(GONE)
        raise Problem(NOT_FOUND, "There is no listing with this id.")
    calendar = Calendar(
        database=database(request),
        name=found.title if found.is_public else calendars.CANCELLED,
        description=OFFERS,
        address=f"{public_url}{request.url.path}",
        public_url=public_url,
    )
    name = f"{opportunity_id}.ics"
    return streams.answer(request, tag, KIND, calendar.text([found.pk]), name=name)


def _answer(
    request: Request,
    session: Session,
    caller: Caller,
    tag: str,
    filters: OpportunityFilters,
    name: str,
    slug: str = "opportunities",
) -> Response:
    found = searched(request, session, caller, filters)
    keys, is_cut = calendars.keys_of(found, session)
    description = OFFERS
    if is_cut:
        description += f" There are more; these are the first {MOST_LISTINGS:,}. Narrow it down."
    query = f"?{request.url.query}" if request.url.query else ""
    calendar = Calendar(
        database=found.database,
        name=name,
        description=description,
        address=f"{found.public_url}{request.url.path}{query}",
        public_url=found.public_url,
    )
    return streams.answer(request, tag, KIND, calendar.text(keys), name=f"{slug}.ics")
