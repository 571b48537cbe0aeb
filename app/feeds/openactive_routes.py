"""HTTP for OpenActive: the dataset page, the catalogues, the scheme of artforms, the feeds."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from fastapi import Query, Request, Response
from pydantic import ConfigDict, WithJsonSchema
from sqlalchemy import text
from sqlmodel import Field, Session, SQLModel
from starlette.responses import HTMLResponse, JSONResponse

from app.access.callers import AnyCaller
from app.feeds import openactive_dataset as describing
from app.feeds import rpde
from app.feeds.openactive_dataset import FEEDS, Publisher, feed_address
from app.kit.conditional import condition_of, matches
from app.kit.exact import Parameters
from app.kit.problems import BAD_CURSOR, Problem, problems
from app.kit.quick_reads import NotQuickError, QuickReads
from app.kit.routes import router as make_router
from app.kit.routes import with_short_way
from app.kit.sessions import ReadSession
from app.vocabularies import queries as vocabularies
from app.vocabularies.models import Term, Vocabulary

router = make_router("/openactive", "openactive")
routers = (router,)

NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
LARGEST = 2**63 - 1
PARAMETER = "afterChangeNumber"


class LinkedData(JSONResponse):
    """JSON-LD, as the contract names it."""

    media_type = "application/ld+json"


CACHED = {True: rpde.LAST, False: rpde.PASSED_ON}
"""How long a page may be kept, by whether it is the last."""
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img" aria-label="LCEP">'
    '<rect width="64" height="64" rx="12" fill="#1d3557"/>'
    '<circle cx="24" cy="26" r="10" fill="#f1c453"/>'
    '<circle cx="40" cy="26" r="10" fill="#e76f51" fill-opacity=".85"/>'
    '<circle cx="32" cy="40" r="10" fill="#2a9d8f" fill-opacity=".85"/></svg>'
)


class RpdeItem(SQLModel):
    """Something in a feed, as it stands since its latest change."""

    state: Literal["updated", "deleted"]
    kind: Literal["SessionSeries", "ScheduledSession", "Event", "CourseInstance"]
    id: str
    modified: int = Field(description="Its change number.")
    data: dict[str, Any] | None = Field(
        default=None, description="JSON-LD of OpenActive; not there when it is `deleted`."
    )


class RpdePage(SQLModel):
    """A page of a feed (Realtime Paged Data Exchange 1.0)."""

    next: str = Field(description="The next page. That of the last page is the page itself.")
    items: list[RpdeItem] = Field(description="At most 500; none on the last page.")
    license: str


class FeedParameters(Parameters):
    """Where in a feed."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[
        str | None,
        WithJsonSchema({"type": "integer", "minimum": 0, "format": "int64"}),
    ] = Field(default=None, alias=PARAMETER, description="Taken from `next`; left out to begin.")


@router.get("", response_class=HTMLResponse, summary="The dataset page")
async def get_openactive_dataset(request: Request) -> HTMLResponse:
    """What the feeds are and where, for people; embedded as JSON-LD, for machines."""
    found = describing.dataset(_publisher(request), request.app.version)
    return HTMLResponse(describing.page(found))


@router.get(
    "/catalogue",
    response_model=dict[str, Any],
    response_class=LinkedData,
    summary="The catalogue of datasets",
)
async def get_openactive_catalogue(request: Request) -> Response:
    """The datasets that are published here, as JSON-LD: there is one."""
    return _json_ld(describing.catalogue(_publisher(request)))


@router.get(
    "/data-catalog-collection.jsonld",
    response_model=dict[str, Any],
    response_class=LinkedData,
    summary="The collection of catalogues",
)
async def get_openactive_catalogue_collection(request: Request) -> Response:
    """Where clients of OpenActive begin, when they are given the address of this service."""
    return _json_ld(describing.collection(_publisher(request)))


@router.get(
    "/artforms",
    response_model=dict[str, Any],
    response_class=LinkedData,
    summary="Our artforms as concepts",
)
def list_openactive_artforms(request: Request, session: ReadSession, caller: AnyCaller) -> Response:
    """The concept scheme (SKOS) of the activities that OpenActive's own list does not know."""
    terms = [
        term
        for term in session.execute(vocabularies.visible_to(caller)).scalars()
        if isinstance(term, Term) and term.vocabulary is Vocabulary.ARTFORM
    ]
    return _json_ld(describing.artforms(_publisher(request).public_url, terms))


@router.get("/logo.svg", response_class=Response, include_in_schema=False)
async def get_openactive_logo() -> Response:
    """The picture that the dataset names as its publisher's."""
    return Response(LOGO, media_type="image/svg+xml")


async def _at_once(request: Request) -> Response | None:
    """The short way: on SQLite a page is read on the event loop, if that is quick."""
    quick: QuickReads | None = request.app.state.quick
    if quick is None or "authorization" in request.headers:
        return None
    try:
        asked = _asked(request, _after(_query(request)))
        with quick.snapshot():
            return _answer(request, asked, quick.rows)
    except (NotQuickError, Problem):
        return None


def _feed(request: Request, session: Session, parameters: FeedParameters) -> Response:
    def run(sql: str, values: Mapping[str, Any]) -> Sequence[Any]:
        return session.connection().execute(text(sql), values).all()

    return _answer(request, _asked(request, _after(parameters.after)), run)


FeedQuery = Annotated[FeedParameters, Query()]


@router.get("/feeds/session-series", response_model=RpdePage, responses=problems(400))
@with_short_way(_at_once)
def list_openactive_session_series(
    request: Request, session: ReadSession, parameters: FeedQuery
) -> Response:
    """Listings that repeat: clubs, workshops, what is always there. Their dates are in
    `scheduled-sessions`.

    Ask `next` again and again, at once until a page is its own `next`, and from then on whenever
    you want to catch up. Keep an item under its `id` while it is `updated`, and remove it when it
    is `deleted`. Items come in the order of their change numbers, which are those of
    `/v1/opportunities/changes`; one that changes again moves to the end.
    """
    return _feed(request, session, parameters)


@router.get("/feeds/scheduled-sessions", response_model=RpdePage, responses=problems(400))
@with_short_way(_at_once)
def list_openactive_scheduled_sessions(
    request: Request, session: ReadSession, parameters: FeedQuery
) -> Response:
    """The dates of the listings in `session-series`, each of which names its `superEvent`."""
    return _feed(request, session, parameters)


@router.get("/feeds/events", response_model=RpdePage, responses=problems(400))
@with_short_way(_at_once)
def list_openactive_events(
    request: Request, session: ReadSession, parameters: FeedQuery
) -> Response:
    """Listings that happen once: performances, open days."""
    return _feed(request, session, parameters)


@router.get("/feeds/course-instances", response_model=RpdePage, responses=problems(400))
@with_short_way(_at_once)
def list_openactive_course_instances(
    request: Request, session: ReadSession, parameters: FeedQuery
) -> Response:
    """Listings that are booked as a whole: courses, holiday weeks. Their dates are inside."""
    return _feed(request, session, parameters)


def _query(request: Request) -> str | None:
    """The one parameter, if there is nothing odd about the query; else a problem."""
    found = parse_qsl(request.url.query, keep_blank_values=True)
    if not found:
        return None
    if len(found) > 1 or found[0][0] != PARAMETER:
        raise Problem(BAD_CURSOR)
    return found[0][1]


def _after(value: str | None) -> int | None:
    if value is None:
        return None
    if not NUMBER.fullmatch(value) or int(value) > LARGEST:
        raise Problem(BAD_CURSOR, f"{PARAMETER} is a whole number, as in the `next` of a page.")
    return int(value)


def _asked(request: Request, after: int | None) -> rpde.Asked:
    name = request.url.path.rpartition("/")[2]
    publisher = _publisher(request)
    return rpde.Asked(
        feed=FEEDS[name][1],
        after=after,
        address=feed_address(publisher.public_url, name),
        public_url=publisher.public_url,
        licence=publisher.licence,
    )


def _answer(request: Request, asked: rpde.Asked, run: rpde.Run) -> Response:
    tag, last = rpde.tag(asked, run)
    headers = {} if "authorization" in request.headers else {"Cache-Control": CACHED[last]}
    condition = condition_of(request.scope)
    for known in (tag, f"{tag}-gzip"):
        if matches(condition, known):
            return Response(status_code=304, headers={"ETag": f'"{known}"', **headers})
    pages: rpde.Pages = request.app.state.feed_pages
    page = pages.find(asked, tag) or pages.keep(asked, rpde.page(asked, run))
    headers["ETag"] = f'"{page.tag}"'
    return Response(page.body, media_type="application/json", headers=headers)


def _publisher(request: Request) -> Publisher:
    settings = request.app.state.settings
    return Publisher(settings.publisher, settings.public_url, settings.data_licence)


def _json_ld(found: Mapping[str, Any]) -> Response:
    return LinkedData(found)
