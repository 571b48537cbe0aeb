"""HTTP for a partner's own view: the quality of its sources, its listings and what is wrong."""

import csv
import io
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Query, Request, Response

from app.access.callers import SignedIn
from app.kit.pages import Page, page, paginate
from app.kit.problems import problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession
from app.kit.spreadsheet_text import safe_cell
from app.sources import actions, state
from app.sources.quality_history import quality_days, quality_now
from app.sources.routes import SourceKey
from app.sources.state_models import (
    ListingFilters,
    ListingParameters,
    PartnerListing,
    Period,
    SourceQualityRead,
)

router = make_router("/v1/sources", "sources")
routers = (router,)

MOST_ROWS = 20_000
"""Rows of a CSV file: the listings that a source has room for by default."""


@router.get("/{source_key}/quality", responses=problems(401, 404))
def get_source_quality(
    request: Request,
    session: ReadSession,
    caller: SignedIn,
    source_key: SourceKey,
    period: Annotated[Period, Query()],
) -> SourceQualityRead:
    """How good a source's listings are: now, what would raise the most of them, day by day."""
    source = actions.seen(session, caller, source_key)
    return SourceQualityRead(
        now=quality_now(session, source, request.app.state.settings.public_url),
        days=list(quality_days(session, source, period)),
    )


@router.get("/{source_key}/listings", responses=problems(400, 401, 404))
def list_source_listings(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    source_key: SourceKey,
    parameters: Annotated[ListingParameters, Query()],
) -> Page[PartnerListing]:
    """Your listings in every state: what is wrong with each, and what would raise its quality."""
    source = actions.seen(session, caller, source_key)
    settings = request.app.state.settings
    statement = state.listings(source, parameters)
    part = paginate(session, statement, state.listing_order(parameters.sort), parameters, request)
    items = [
        state.partner_listing(row, settings.public_url, settings.listing_grace_days)
        for row in part.rows
    ]
    return page(request, response, part, items)


@router.get(
    "/{source_key}/listings.csv",
    response_class=Response,
    responses={
        **problems(401, 404),
        200: {"description": "A table.", "content": {"text/csv": {"schema": {"type": "string"}}}},
    },
)
def export_source_listings(
    request: Request,
    session: ReadSession,
    caller: SignedIn,
    source_key: SourceKey,
    filters: Annotated[ListingFilters, Query()],
) -> Response:
    """The same as a table for a spreadsheet, unpaged: at most 20,000 rows."""
    source = actions.seen(session, caller, source_key)
    settings = request.app.state.settings
    statement = state.listings(source, filters)
    for part in state.listing_order(filters.sort):
        statement = statement.order_by(part.by.desc() if part.descending else part.by)
    found = session.execute(statement.limit(MOST_ROWS), execution_options={"yield_per": 1_000})
    rows = (
        state.partner_listing(row, settings.public_url, settings.listing_grace_days)
        for row in found
    )
    name = f'attachment; filename="{source.key}-listings.csv"'
    return Response(
        _table(rows), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


HEADINGS = (
    "external_id",
    "title",
    "status",
    "quality",
    "missing",
    "what_to_do",
    "would_raise",
    "corrected",
    "pending",
    "rejection_reason",
    "last_seen_at",
    "asked_at",
    "expires_at",
    "href",
)


def _table(rows: Iterable[PartnerListing]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for row in rows:
        cells: tuple[Any, ...] = (
            row.external_id,
            row.title,
            row.status.value,
            row.quality,
            "; ".join(row.missing),
            " ".join(row.what_to_do),
            " ".join(one.detail for one in row.would_raise),
            "; ".join(f"{one.field}: {one.reason}" for one in row.corrected),
            "yes" if row.pending else "no",
            row.rejection_reason or "",
            row.last_seen_at.isoformat(),
            row.asked.asked_at.isoformat() if row.asked else "",
            row.asked.expires_at.isoformat() if row.asked else "",
            row.href,
        )
        writer.writerow([safe_cell(str(cell)) for cell in cells])
    return text.getvalue()
