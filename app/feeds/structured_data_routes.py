"""HTTP for structured data of one listing: by its own address, and as a script for any page.

By `Accept: application/ld+json` the listing's first address gives the same; see the room below.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response

from app.access.callers import AnyCaller
from app.feeds import structured_data
from app.feeds.export_routes import documented
from app.feeds.structured_data import MEDIA_TYPE
from app.kit.problems import problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession
from app.opportunities.routes import found_or_moved

router = make_router("/v1/opportunities", "feeds")
routers = (router,)

SCRIPT = "text/javascript"
OpportunityId = Annotated[UUID, Path(description="The id of the listing.")]
MOVED: dict[int | str, dict[str, Any]] = {
    308: {"description": "It was merged: `Location` has the same of what stands for it."}
}


@router.get(
    "/{opportunity_id}.jsonld",
    response_class=Response,
    responses={**problems(401, 404, 410), **MOVED, **documented(MEDIA_TYPE, {"type": "object"})},
)
def get_opportunity_as_linked_data(
    request: Request, session: ReadSession, caller: AnyCaller, opportunity_id: OpportunityId
) -> Response:
    """One listing in the words of schema.org, as JSON-LD.

    An `Event`, an `EducationEvent` or a `ChildrensEvent` where there are dates, with a `subEvent`
    for each of the next 50 sessions; else a `LearningResource` or a `Service`. It can be copied
    as it is into a script element of type `application/ld+json`. `Accept: application/ld+json` on
    the listing's own address gives the same.
    """
    found = found_or_moved(request, session, caller, opportunity_id, ".jsonld")
    if isinstance(found, Response):
        return found
    public_url = request.app.state.settings.public_url
    return Response(structured_data.linked_data(found.document, public_url), media_type=MEDIA_TYPE)


@router.get(
    "/{opportunity_id}/embed.js",
    response_class=Response,
    responses={**problems(401, 404, 410), **MOVED, **documented(SCRIPT)},
)
def get_opportunity_script(
    request: Request, session: ReadSession, caller: AnyCaller, opportunity_id: OpportunityId
) -> Response:
    """A script that puts the JSON-LD of one listing into the head of the page that loads it.

    A script element with `src="…/v1/opportunities/{id}/embed.js"` is all that a page needs.
    """
    found = found_or_moved(request, session, caller, opportunity_id, "/embed.js")
    if isinstance(found, Response):
        return found
    public_url = request.app.state.settings.public_url
    return Response(structured_data.script(found.document, public_url), media_type=SCRIPT)
