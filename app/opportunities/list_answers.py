"""The answer to a list of listings, put together from stored documents."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pydantic_core
from fastapi import Request, Response

from app.kit.pages import Cursors, context_of, next_link
from app.kit.strict_json import dumps
from app.opportunities import documents, words
from app.opportunities.facets import Counts
from app.opportunities.grid import Near
from app.opportunities.list_parameters import OpportunityListParameters
from app.opportunities.listing import Found
from app.opportunities.wanted import Wanted

ALWAYS_SHOWN = ("id", "href")
EXCERPT = 240
"""Letters of a description around what matched."""
NOTHING: Mapping[str, Any] = {}


def position(request: Request, parameters: OpportunityListParameters) -> Sequence[Any] | None:
    """Behind which row a page starts, if it is not the first."""
    if parameters.cursor is None:
        return None
    return _cursors(request).read(parameters.cursor, context_of(request))


def answer(
    request: Request,
    parameters: OpportunityListParameters,
    wanted: Wanted,
    found: Found,
    *,
    counts: Counts | None = None,
    total: int | None = None,
    private: Mapping[int, Mapping[str, Any]] | None = None,
) -> Response:
    """A page, with what its caller alone sees of each listing.

    `counts` has the total and the facets of what is published, `total` that of anything else.
    """
    public_url = request.app.state.settings.public_url
    if private or parameters.fields or parameters.highlight:
        items = ",".join(
            _item(row, wanted, parameters, public_url, (private or {}).get(row.pk, NOTHING))
            for row in found.rows
        )
    elif wanted.near is not None:
        items = documents.served_together(found.rows, public_url, partial(_distance, wanted.near))
    else:
        items = documents.served_together(found.rows, public_url)
    cursor = None
    if found.position is not None:
        cursor = _cursors(request).write(found.position, context_of(request))
    address = next_link(request, cursor)
    tail = {
        "next": address,
        "total": counts.total if counts is not None and parameters.count else total,
        "corrected": [
            {"written": written, "taken_for": meant}
            for written, meant in (wanted.words.corrected if wanted.words else ())
        ],
        "facets": _told(counts) if counts is not None and parameters.facets else None,
    }
    headers = {"Link": f'<{address}>; rel="next"'} if address else {}
    return Response(
        f'{{"items":[{items}],{dumps(tail).decode()[1:]}',
        media_type="application/json",
        headers=headers,
    )


def _told(counts: Counts) -> dict[str, list[dict[str, Any]]]:
    return {
        facet.value: [
            {"value": one.value, "label": one.label, "count": one.count} for one in values
        ]
        for facet, values in counts.facets.items()
    }


def _cursors(request: Request) -> Cursors:
    cursors: Cursors = request.app.state.cursors
    return cursors


def _distance(near: Near, row: Any) -> str:
    kilometres = near.kilometres(row.easting, row.northing)
    return f',"distance_km":{"null" if kilometres is None else kilometres}'


def _item(
    row: Any,
    wanted: Wanted,
    parameters: OpportunityListParameters,
    public_url: str,
    private: Mapping[str, Any],
) -> str:
    more: dict[str, Any] = dict(private)
    if wanted.near is not None:
        more["distance_km"] = wanted.near.kilometres(row.easting, row.northing)
    if parameters.highlight and wanted.words is not None:
        more["matched"] = _matched(row.document, wanted.words)
    whole = documents.served(row.document, row.change_number, public_url, **more)
    return _trimmed(whole, parameters.fields) if parameters.fields else whole


def _matched(document: str, asked: words.Asked) -> dict[str, str]:
    shown = pydantic_core.from_json(document)
    texts = {
        "title": shown["title"],
        "summary": shown["summary"] or "",
        "description": words.plain(shown["description"]),
    }
    found = {name: words.highlighted(said, asked, EXCERPT) for name, said in texts.items()}
    return {name: said for name, said in found.items() if said is not None}


def _trimmed(whole: str, names: Iterable[str]) -> str:
    kept = {*names, *ALWAYS_SHOWN}
    members = pydantic_core.from_json(whole)
    return dumps({name: value for name, value in members.items() if name in kept}).decode()
