"""HTTP for the change log of listings."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import ConfigDict, Field

from app.access.callers import AnyCaller
from app.kit.exact import Parameters
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession
from app.kit.strict_json import dumps
from app.opportunities import changes
from app.opportunities.changes import MOST_CHANGES, USUAL_CHANGES, OpportunityChangePage

router = make_router("/v1/opportunities", "opportunities")
routers = (router,)

ASK_FIRST = "public, no-cache"
"""Of the end of the log: it may be kept, and is asked for again (If-None-Match) before its use."""


class ChangeParameters(Parameters):
    """Which part of the log."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[
        int,
        Field(ge=0, le=2**62, description="The last change number that you saw; 0 to begin."),
    ] = 0
    limit: Annotated[int, Field(ge=1, le=MOST_CHANGES, description="Changes on a page.")] = (
        USUAL_CHANGES
    )


@router.get("/changes", response_model=OpportunityChangePage)
def list_opportunity_changes(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[ChangeParameters, Query()],
) -> Response:
    """What changed among the public listings, for clients that keep a copy of them.

    Begin without `after`, then ask `next` again and again: at once while `more` is true, else
    whenever you want to catch up. Store an item under its `id` when its `state` is `published`,
    and remove it when that is `deleted`. Your copy then holds what `GET /v1/opportunities` lists,
    and nothing is missed however long you stay away and whoever writes meanwhile.

    Each listing that was ever public stands here once, at its latest change number, in the order
    of these; a listing that changes again moves to the end. The log is no history. A change of
    any session counts, of those beyond the ones that `data` shows too. Lists hold only what is
    published, so what expires is `deleted` here as well, and comes back when it is renewed.
    """
    found = changes.since(session, parameters.after, parameters.limit)
    public_url: str = request.app.state.settings.public_url
    last = found.rows[-1].change_number if found.rows else parameters.after
    query = urlencode({**request.query_params, "after": last})
    address = f"{public_url}{request.url.path}?{query}"
    headers = {"Link": f'<{address}>; rel="next"'}
    # A page with more behind it may be kept for a while: who goes on from it still meets all that
    # changed since. The end of the log is what tells of the present.
    if not found.more and not caller.is_signed_in:
        headers["Cache-Control"] = ASK_FIRST
    items = ",".join(changes.told(row, public_url) for row in found.rows)
    tail = dumps({"next": address, "more": found.more}).decode()[1:]
    return Response(f'{{"items":[{items}],{tail}', media_type="application/json", headers=headers)
