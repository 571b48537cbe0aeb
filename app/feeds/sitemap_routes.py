"""HTTP for sitemaps, which tell search engines of every published listing."""

from itertools import chain
from typing import Annotated

from fastapi import Path, Request, Response

from app.access.callers import AnyCaller
from app.feeds import sitemaps, streams
from app.feeds.export_routes import documented
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, database

router = make_router("", "feeds")
routers = (router,)

XML = "application/xml"
PartNumber = Annotated[int, Path(ge=1, le=100_000, description="As the index numbers it.")]


@router.get("/sitemap.xml", response_class=Response, responses={**problems(401), **documented(XML)})
def get_sitemap(request: Request, session: ReadSession, caller: AnyCaller) -> Response:
    """The index of the sitemap (sitemaps.org): a part for every 50,000 listings."""
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    public_url = request.app.state.settings.public_url
    return streams.answer(request, tag, XML, [sitemaps.index(sitemaps.parts(session), public_url)])


@router.get(
    "/sitemaps/opportunities-{number}.xml",
    response_class=Response,
    responses={**problems(401, 404), **documented(XML)},
)
def get_sitemap_part(
    request: Request, session: ReadSession, caller: AnyCaller, number: PartNumber
) -> Response:
    """A part of the sitemap: the page of each published listing, and when it changed last."""
    tag = streams.tag_of(request, session, caller)
    if (same := streams.unmodified(request, tag)) is not None:
        return same
    settings = request.app.state.settings
    page = settings.listing_page or f"{settings.public_url}/v1/opportunities/{{id}}"
    written = sitemaps.part(database(request), number - 1, page)
    first = next(written, None)
    if first is None:
        raise Problem(NOT_FOUND, "There is no such part. /sitemap.xml names them.")
    return streams.answer(request, tag, XML, chain([first], written))
