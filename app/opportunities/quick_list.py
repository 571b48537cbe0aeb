"""The fast path of lists: public pages without a thread, a session or the ORM.

It takes what it can be sure of and leaves everything else to the handler: errors, keys, names and
words that must be looked up, counts of what the census does not know. Filters, SQL and documents
are those of the handler, so that both answer alike, and a test holds them to it.

On SQLite it reads on the event loop, in one snapshot. For PostgreSQL the loop waits, mostly once:
each statement tells at which change number and revision it was, and only if those are what the
census and the directory know does the answer count. What it bought is in the README's table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, get_origin
from urllib.parse import parse_qsl

from fastapi import Request, Response
from pydantic import ValidationError

from app.access.models import ANONYMOUS
from app.authorities.queries import Place
from app.kit.awaited_reads import AwaitedReads
from app.kit.change_numbers import CHANGES
from app.kit.problems import Problem
from app.kit.quick_reads import NotQuickError, QuickReads
from app.kit.revisions import REVISION
from app.opportunities import counting, list_answers, listing, shortlist
from app.opportunities.census import Census
from app.opportunities.conditions import ANYBODY
from app.opportunities.directory import Directories, Directory
from app.opportunities.filters import needs_session, postcode_of, resolve
from app.opportunities.list_parameters import OpportunityListParameters
from app.opportunities.listing import Asking, Reading, complete
from app.opportunities.search import Statement
from app.opportunities.shortlist import Hold

LISTS = frozenset(
    name
    for name, one in OpportunityListParameters.model_fields.items()
    if get_origin(one.annotation) is list
)
NAMES = frozenset(OpportunityListParameters.model_fields)
WHERE = f"SELECT {', '.join(Place._fields)} FROM postcode WHERE postcode = :postcode"  # noqa: S608
COUNTERS = ", ".join(
    f"(SELECT value FROM counter WHERE name = '{name}') AS {name}"  # noqa: S608 - our own names
    for name in (CHANGES, REVISION)
)


async def quick_list(request: Request) -> Response | None:
    """A public page, if it can be answered at once."""
    state = request.app.state
    directories: Directories = state.directories
    held = directories.latest()
    if held is None or "authorization" in request.headers:
        return None
    revision, directory = held
    parameters = _parameters(request, directory)
    if parameters is None:
        return None
    try:
        if state.quick is not None:
            return _at_once(request, parameters, directory, revision)
        if state.awaited is not None:
            return await _awaited(request, parameters, directory, revision)
    except (NotQuickError, Problem):
        pass  # the handler has the time, and says what is wrong
    return None


def _parameters(request: Request, directory: Directory) -> OpportunityListParameters | None:
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
    # To show what matched, each document is taken apart, which is nothing for the event loop.
    if needs_session(parameters, directory) or (parameters.q and parameters.highlight):
        return None
    return parameters


def _answer(
    request: Request,
    parameters: OpportunityListParameters,
    directory: Directory,
    hold: Hold,
    *,
    is_sqlite: bool,
) -> Reading[Response | None]:
    postcode = postcode_of(parameters)
    if postcode is not None and postcode not in directory.places:
        for row in (yield Statement(WHERE, {"postcode": postcode})):
            directory.note_place(Place(*row))
    wanted = resolve(None, ANONYMOUS, parameters, directory, directory.places.get)
    asking = Asking(
        wanted=wanted,
        sight=ANYBODY,
        sort=parameters.order,
        limit=parameters.limit,
        is_sqlite=is_sqlite,
        after=list_answers.position(request, parameters),
    )
    found = yield from shortlist.page(asking, hold, looks=False)
    if found is None:
        # What SQL has to look for is quick on the loop, or interrupted. PostgreSQL's few
        # connections are not for that, nor is the index of words.
        if not is_sqlite or wanted.words is not None:
            return None
        with hold() as census:
            few = counting.few_of(census, wanted) if census and counting.asks(wanted) else None
        found = yield from listing.page(replace(asking, keys=few))
    counts = None
    if parameters.count or parameters.facets:
        with hold() as census:
            if census is None:
                return None
            counts = counting.counts_at_once(census, wanted, parameters.facets, directory)
        if counts is None:
            return None
    return list_answers.answer(request, parameters, wanted, found, counts=counts)


# --- on SQLite --------------------------------------------------------------------------------


def _at_once(
    request: Request,
    parameters: OpportunityListParameters,
    directory: Directory,
    revision: int,
) -> Response | None:
    quick: QuickReads = request.app.state.quick
    census: Census = request.app.state.census
    with quick.snapshot():
        ((number, present),) = quick.rows(f"SELECT {COUNTERS}", {})
        if (present or 0) != revision:
            return None
        hold = partial(census.if_at, number or 0)
        reading = _answer(request, parameters, directory, hold, is_sqlite=True)
        return complete(reading, partial(_run, quick))


def _run(quick: QuickReads, statement: Statement) -> Sequence[Any]:
    return statement.rows(quick.rows(statement.sql, statement.parameters))


# --- on PostgreSQL ----------------------------------------------------------------------------


async def _awaited(
    request: Request,
    parameters: OpportunityListParameters,
    directory: Directory,
    revision: int,
) -> Response | None:
    awaited: AwaitedReads = request.app.state.awaited
    census: Census = request.app.state.census
    known = census.number, revision
    hold = partial(census.if_at, known[0])
    reading = _answer(request, parameters, directory, hold, is_sqlite=False)
    rows: Sequence[Any] | None = None
    seen = False
    try:
        while True:
            statement = next(reading) if rows is None else reading.send(rows)
            rows = statement.rows(await _rows(awaited, known, statement.sql, statement.parameters))
            seen = True
    except StopIteration as end:
        if not seen:
            await _rows(awaited, known, "SELECT NULL", {})
        found: Response | None = end.value
        return found


async def _rows(
    awaited: AwaitedReads, known: tuple[int, int], sql: str, parameters: Mapping[str, Any]
) -> Sequence[Any]:
    """The rows of a statement, if it sees the change number and the revision that are known."""
    # The counters come even where nothing is found.
    whole = f"SELECT c.*, f.* FROM (SELECT {COUNTERS}) c LEFT JOIN ({sql}) f ON TRUE"  # noqa: S608
    found = await awaited.rows(whole, parameters)
    if (found[0][0] or 0, found[0][1] or 0) != known:
        raise NotQuickError("It was changed meanwhile.")
    return [] if found[0][2] is None else [row[2:] for row in found]
