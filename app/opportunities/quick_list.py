"""The fast path of lists: public pages on SQLite, without a thread, a session or the ORM.

It takes what it can be sure of and leaves everything else to the handler: errors, keys, words,
names that must be looked up, counts of what the census does not know. Filters, SQL and documents
are those of the handler, so that both answer alike, and a test holds them to it. What it bought is
in the README's table.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, get_origin
from urllib.parse import parse_qsl

from fastapi import Request, Response
from pydantic import ValidationError

from app.access.models import ANONYMOUS
from app.authorities.queries import Place
from app.kit.change_numbers import CHANGES
from app.kit.problems import Problem
from app.kit.quick_reads import NotQuickError, QuickReads
from app.opportunities import counting, list_answers, listing, shortlist
from app.opportunities.census import Census
from app.opportunities.conditions import ANYBODY
from app.opportunities.directory import Directories, Directory
from app.opportunities.filters import needs_session, resolve
from app.opportunities.list_parameters import OpportunityListParameters
from app.opportunities.listing import Asking
from app.opportunities.search import Statement

LISTS = frozenset(
    name
    for name, one in OpportunityListParameters.model_fields.items()
    if get_origin(one.annotation) is list
)
NAMES = frozenset(OpportunityListParameters.model_fields)
WHERE = f"SELECT {', '.join(Place._fields)} FROM postcode WHERE postcode = :postcode"  # noqa: S608
LAST_NUMBER = "SELECT value FROM counter WHERE name = :name"


async def quick_list(request: Request) -> Response | None:
    """A public page, if it can be answered at once."""
    quick: QuickReads | None = request.app.state.quick
    if quick is None or "authorization" in request.headers:
        return None
    parameters = _parameters(request)
    if parameters is None:
        return None
    directories: Directories = request.app.state.directories
    directory = directories.known(request.app.state.watch.present())
    if directory is None:
        return None
    try:
        with quick.snapshot():
            return _answer(request, quick, parameters, directory)
    except (NotQuickError, Problem):
        return None  # the handler has the time, and says what is wrong


def _parameters(request: Request) -> OpportunityListParameters | None:
    """The parameters, if there is nothing odd about them."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(request.url.query, keep_blank_values=True):
        if not value or name not in NAMES:
            return None
        if name in LISTS:
            found.setdefault(name, []).append(value)
        elif name in found:
            return None
        else:
            found[name] = value
    try:
        parameters = OpportunityListParameters.model_validate(found)
    except ValidationError:
        return None
    return None if needs_session(parameters) else parameters


def _answer(
    request: Request, quick: QuickReads, parameters: OpportunityListParameters, directory: Directory
) -> Response | None:
    wanted = resolve(None, ANONYMOUS, parameters, directory, partial(_locate, quick))
    asking = Asking(
        wanted=wanted,
        sight=ANYBODY,
        sort=parameters.order,
        limit=parameters.limit,
        is_sqlite=True,
        after=list_answers.position(request, parameters),
    )
    run = partial(_run, quick)
    hold = partial(_held, request, quick)
    found = shortlist.page(run, asking, hold)
    if found is None:
        with hold() as census:
            few = counting.few_of(census, wanted) if census and counting.asks(wanted) else None
        found = listing.page(run, replace(asking, keys=few))
    counts = None
    if parameters.count or parameters.facets:
        with hold() as census:
            if census is None:
                return None
            counts = counting.counts_at_once(census, wanted, parameters.facets, directory, run)
        if counts is None:
            return None
    return list_answers.answer(request, parameters, wanted, found, counts=counts)


@contextmanager
def _held(request: Request, quick: QuickReads) -> Iterator[Census | None]:
    """The census, if it is that of what is read."""
    census: Census = request.app.state.census
    numbers = quick.rows(LAST_NUMBER, {"name": CHANGES})
    with census.if_at(numbers[0][0] if numbers else 0) as held:
        yield held


def _locate(quick: QuickReads, postcode: str) -> Place | None:
    found = quick.rows(WHERE, {"postcode": postcode})
    return Place(*found[0]) if found else None


def _run(quick: QuickReads, statement: Statement) -> Sequence[Any]:
    return statement.rows(quick.rows(statement.sql, statement.parameters))
