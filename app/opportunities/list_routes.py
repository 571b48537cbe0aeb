"""HTTP for lists of listings: search, filters, sorts, facets."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import ConfigDict
from sqlalchemy import text
from sqlmodel import Field, Session

from app.access.callers import AnyCaller
from app.access.models import Caller
from app.authorities import queries as authorities
from app.authorities.queries import Place
from app.kit.exact import Parameters
from app.kit.problems import invalid, problems
from app.kit.revisions import current_revision
from app.kit.routes import router as make_router
from app.kit.routes import with_short_way
from app.kit.sessions import ReadSession, database
from app.opportunities import counting, list_answers, listing, shortlist, suggestions
from app.opportunities.census import Census
from app.opportunities.directory import Directories, Directory
from app.opportunities.filters import OpportunityFilters, resolve, sight
from app.opportunities.list_parameters import OpportunityListParameters
from app.opportunities.listing import Asking, complete
from app.opportunities.quick_list import quick_list
from app.opportunities.routes import private_parts
from app.opportunities.search import Statement
from app.opportunities.shown import OpportunityPage
from app.opportunities.suggestions import SuggestionList
from app.opportunities.wanted import Wanted

router = make_router("/v1/opportunities", "opportunities")
routers = (router,)


class SuggestParameters(Parameters):
    """What was typed."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        min_length=1, max_length=100, description="The letters so far; `da` for example."
    )


@router.get("", response_model=OpportunityPage, responses=problems(400, 401))
@with_short_way(quick_list)
def list_opportunities(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    parameters: Annotated[OpportunityListParameters, Query()],
) -> Response:
    """Listings that match, the next to happen first; always-available ones last.

    Without `status`, only what is published. `near` adds `distance_km` to each item. `q` finds
    words in any form, synonyms of the field, and words with one typing error; first comes what
    has them all in its title, then what is sooner.
    """
    directory = _directory(request, session)
    seen = sight(session, caller)
    wanted = resolve(session, caller, parameters, directory, partial(_locate, session))
    if parameters.facets and not wanted.is_public:
        raise invalid("?facets", "Only what is published is counted: leave out `status`.")
    census: Census = request.app.state.census
    is_sqlite = database(request).is_sqlite
    asking = Asking(
        wanted=wanted,
        sight=seen,
        sort=parameters.order,
        limit=parameters.limit,
        is_sqlite=is_sqlite,
        after=list_answers.position(request, parameters),
    )
    run = partial(run_in, session)
    found = complete(shortlist.page(asking, partial(census.if_in_step, session)), run)
    if found is None:
        few = counting.few(session, census, wanted)
        found = complete(listing.page(replace(asking, keys=few)), run)
    counts, total = None, None
    if wanted.is_public and (parameters.count or parameters.facets):
        counts = counting.counts(
            session, census, wanted, parameters.facets, directory, run, is_sqlite=is_sqlite
        )
    elif parameters.count:
        total = counting.total(wanted, seen, run, is_sqlite=is_sqlite)
    public_url = request.app.state.settings.public_url
    return list_answers.answer(
        request,
        parameters,
        wanted,
        found,
        counts=counts,
        total=total,
        private=private_parts(session, caller, [row.pk for row in found.rows], public_url),
    )


@router.get("/suggest", responses=problems(400))
def suggest_opportunities(
    request: Request, session: ReadSession, parameters: Annotated[SuggestParameters, Query()]
) -> SuggestionList:
    """What the letters that somebody has typed may become: titles, providers, artforms, places."""
    known = _directory(request, session).names(session)
    return SuggestionList(items=suggestions.suggest(session, known, parameters.q))


def resolved(
    request: Request, session: Session, caller: Caller, filters: OpportunityFilters
) -> Wanted:
    """What filters come to, for lists and for whatever else takes the same."""
    directory = _directory(request, session)
    return resolve(session, caller, filters, directory, partial(_locate, session))


def _directory(request: Request, session: Session) -> Directory:
    directories: Directories = request.app.state.directories
    return directories.at(session, current_revision(session))


def _locate(session: Session, postcode: str) -> Place | None:
    return authorities.locate(session, [postcode]).get(postcode)


def run_in(session: Session, statement: Statement) -> Sequence[Any]:
    """As the driver gives them: of ten thousand keys, rows that know their names took half."""
    found = session.connection().execute(text(statement.sql), statement.parameters)
    return statement.rows(found.cursor.fetchall())
