"""Two other ways to write the list of listings, in front of ours and behind its middleware.

`/by-hand` is the most that could be had: one ASGI function that takes its four parameters out of
the query, runs the statement that the service would run on SQLite, and joins stored documents.
`/naive` is how a tutorial writes it: SQLModel's `select`, a response model, a plain `def`; with
one query more for each kind of thing that is shown rather than one for each listing.
"""

import base64
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

import uvicorn
from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import func
from sqlmodel import Session, SQLModel, col, or_, select
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.authorities.models import Authority
from app.kit.database import sqlite_module
from app.kit.observe import log_json
from app.kit.quick_reads import MEMORY_PAGES
from app.kit.times import day_starts, today
from app.main import create_app
from app.opportunities import search
from app.opportunities.conditions import ANYBODY, Way
from app.opportunities.models import (
    Opportunity,
    OpportunityArea,
    OpportunitySession,
    OpportunityTerm,
    Status,
)
from app.opportunities.wanted import Sort, Wanted, When
from app.organisations.models import Organisation, Venue
from app.settings import Settings
from tests.benchmarks.load import HOST

BY_HAND = "/by-hand"
NAIVE = "/naive"
AREA, ARTFORM, AGE, MOST = -1, "?", -2.0, -3
"""Stand for the values in the statement, so that it can be asked where they go."""


class ByHand:
    """An ASGI function. It never makes a query longer than it must be, and checks nothing."""

    def __init__(self, path: str, public_url: str) -> None:
        self._connection: Any = sqlite_module().connect(
            path, isolation_level=None, check_same_thread=False
        )
        for pragma in ("query_only=ON", f"cache_size={MEMORY_PAGES}"):
            self._connection.execute(f"PRAGMA {pragma}")
        rows = self._connection.execute("SELECT code, pk FROM authority")
        self._pks: dict[str, int] = dict(rows.fetchall())
        wanted = Wanted(
            statuses=[Status.PUBLISHED],
            authority_pks=[AREA],
            artforms=[ARTFORM],
            ages=[AGE],
            when=When(starts_from=today()),
        )
        made = search.page(
            wanted, ANYBODY, is_sqlite=True, sort=Sort.NEXT_SESSION, way=Way.WALK, limit=MOST
        )
        self._sql = made.sql
        self._parameters = made.parameters
        self._names = {value: name for name, value in made.parameters.items()}
        self._href = f'"href":"{public_url}/'
        self._next = f'"{public_url}{BY_HAND}?'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a page."""
        query = scope["query_string"].decode()
        asked = dict(parse_qsl(query))
        limit = int(asked["limit"])
        parameters = self._parameters | {
            self._names[AREA]: self._pks[asked["authority"]],
            self._names[ARTFORM]: asked["artform"],
            self._names[AGE]: float(asked["age"]),
            self._names[MOST]: limit + 1,
        }
        rows = self._connection.execute(self._sql, parameters).fetchall()
        following = "null"
        if len(rows) > limit:
            del rows[limit:]
            mark = base64.urlsafe_b64encode(json.dumps(rows[-1][1::-1]).encode()).decode()
            following = f'{self._next}{query}&cursor={mark}"'
        items = ",".join(f'{row[2][:-1]},"change_number":{row[3]}}}' for row in rows)
        items = items.replace('"href":"@/', self._href)
        body = (
            f'{{"items":[{items}],"next":{following},"total":null,"corrected":[],"facets":null}}'
        ).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


# --- naively ----------------------------------------------------------------------------------


class NaiveSession(SQLModel):
    """A session."""

    id: UUID
    starts_at: datetime
    ends_at: datetime | None
    status: str
    capacity: int | None
    places_left: int | None


class NaivePlace(SQLModel):
    """Something with a name."""

    id: UUID
    slug: str
    name: str


class NaiveListing(SQLModel):
    """A listing: its columns, and what hangs on it."""

    id: UUID
    kind: str
    delivery: str
    title: str
    age_min: float | None
    age_max: float | None
    free: bool
    content: dict[str, Any]
    first_session_at: datetime | None
    next_session_at: datetime | None
    last_session_at: datetime | None
    always_available: bool
    region_wide: bool
    status: str
    quality: int
    version: int
    published_at: datetime | None
    updated_at: datetime
    change_number: int | None
    artforms: list[str]
    authority: str | None
    provider: NaivePlace | None
    venue: NaivePlace | None
    sessions: list[NaiveSession]


class NaivePage(SQLModel):
    """A page."""

    items: list[NaiveListing]
    next: str | None


class NaiveQuery(SQLModel):
    """The same four filters."""

    authority: str
    artform: str
    age: float
    starts_from: date
    limit: int = 50


naive = APIRouter()


def _session(request: Request) -> Iterator[Session]:
    with Session(request.app.state.database.read_engine) as session:
        yield session


@naive.get(NAIVE)
def list_naively(
    session: Annotated[Session, Depends(_session)], query: Annotated[NaiveQuery, Query()]
) -> NaivePage:
    """The same list."""
    area = select(OpportunityArea.opportunity_pk).join(
        Authority, col(Authority.pk) == col(OpportunityArea.authority_pk)
    )
    artforms = select(OpportunityTerm.opportunity_pk).where(
        OpportunityTerm.vocabulary == "artform", OpportunityTerm.code == query.artform
    )
    starts = day_starts(query.starts_from)
    coming = select(OpportunitySession.pk).where(
        OpportunitySession.opportunity_pk == Opportunity.pk,
        col(OpportunitySession.deleted_at).is_(None),
        OpportunitySession.status != "cancelled",
        or_(OpportunitySession.ends_at > starts, OpportunitySession.starts_at >= starts),
    )
    stated = or_(
        col(Opportunity.age_min).is_not(None),
        col(Opportunity.age_max).is_not(None),
    )
    statement = (
        select(Opportunity)
        .where(
            Opportunity.status == Status.PUBLISHED,
            or_(
                col(Opportunity.region_wide),
                area.where(
                    Authority.code == query.authority,
                    OpportunityArea.opportunity_pk == Opportunity.pk,
                ).exists(),
            ),
            artforms.where(OpportunityTerm.opportunity_pk == Opportunity.pk).exists(),
            stated,
            func.coalesce(Opportunity.age_min, 0) <= query.age,
            func.coalesce(Opportunity.age_max, 999) >= query.age,
            or_(col(Opportunity.always_available), coming.exists()),
        )
        .order_by(col(Opportunity.sort_at), col(Opportunity.pk))
        .limit(query.limit + 1)
    )
    rows = session.exec(statement).all()
    shown = rows[: query.limit]
    pks = [row.pk for row in shown]
    sessions: dict[int, list[OpportunitySession]] = {}
    for one in session.exec(
        select(OpportunitySession)
        .where(col(OpportunitySession.opportunity_pk).in_(pks))
        .order_by(col(OpportunitySession.starts_at))
    ):
        sessions.setdefault(one.opportunity_pk, []).append(one)
    terms: dict[int, list[str]] = {}
    for term in session.exec(
        select(OpportunityTerm).where(
            col(OpportunityTerm.opportunity_pk).in_(pks), OpportunityTerm.vocabulary == "artform"
        )
    ):
        terms.setdefault(term.opportunity_pk, []).append(term.code)
    providers = _by_pk(session, Organisation, [row.provider_pk for row in shown])
    venues = _by_pk(session, Venue, [row.venue_pk for row in shown])
    authorities = _by_pk(session, Authority, [row.authority_pk for row in shown])
    items = [
        NaiveListing(
            **row.model_dump(include=set(NaiveListing.model_fields)),
            artforms=terms.get(row.pk or 0, []),
            authority=getattr(authorities.get(row.authority_pk), "name", None),
            provider=_place(providers.get(row.provider_pk)),
            venue=_place(venues.get(row.venue_pk)),
            sessions=[
                NaiveSession.model_validate(one, from_attributes=True)
                for one in sessions.get(row.pk or 0, [])
            ],
        )
        for row in shown
    ]
    following = str(shown[-1].pk) if len(rows) > query.limit else None
    return NaivePage(items=items, next=following)


def _by_pk(session: Session, table: Any, pks: Sequence[int | None]) -> Mapping[Any, Any]:
    found = session.exec(select(table).where(table.pk.in_(set(pks)))).all()
    return {row.pk: row for row in found}


def _place(row: Any) -> NaivePlace | None:
    return NaivePlace.model_validate(row, from_attributes=True) if row is not None else None


def main() -> None:
    """Serve both beside the service itself."""
    settings = Settings()
    log_json(settings.log_level)
    service = create_app(settings)
    rival_routes: list[Any] = list(naive.routes)
    if settings.database_url.startswith("sqlite"):
        path = settings.database_url.removeprefix("sqlite:///")
        by_hand = ByHand(path, settings.public_url)
        rival_routes.append(Route(BY_HAND, by_hand, methods=["GET"]))
    service.router.routes[:0] = rival_routes
    uvicorn.run(
        service,
        host=HOST,
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
