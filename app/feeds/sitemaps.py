"""Sitemaps: the addresses of all published listings, with when each was changed last.

A part has the listings of a range of keys, at most as many as the protocol allows, and always the
same ones: what is added comes into the last part, and a search engine reads only what changed.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from sqlalchemy import func, select
from sqlmodel import Session, col

from app.kit.database import Database
from app.opportunities.models import Opportunity, Status

MOST_ADDRESSES = 50_000
"""In one part, by the protocol."""
AT_ONCE = 2_000
SECONDS = 10.0
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = b' xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'


def parts(session: Session) -> Sequence[Any]:
    """The numbers of the parts that hold something, and when something in each changed last."""
    number = (col(Opportunity.pk) // MOST_ADDRESSES).label("number")
    statement = (
        select(number, func.max(Opportunity.updated_at).label("changed_at"))
        .where(col(Opportunity.status) == Status.PUBLISHED)
        .group_by(number)
        .order_by(number)
    )
    return session.execute(statement).all()


def index(found: Sequence[Any], public_url: str) -> bytes:
    """The index, which names the parts."""
    lines = b"".join(
        _entry("sitemap", part_address(public_url, row.number), row.changed_at) for row in found
    )
    return HEAD + b"<sitemapindex" + NAMESPACE + lines + b"</sitemapindex>\n"


def part_address(public_url: str, number: int) -> str:
    """Where a part is."""
    return f"{public_url}/sitemaps/opportunities-{number + 1}.xml"


def part(database: Database, number: int, page: str) -> Iterator[bytes]:
    """A part, made while it is sent; nothing at all if it holds nothing."""
    after, end = number * MOST_ADDRESSES - 1, (number + 1) * MOST_ADDRESSES
    before = HEAD + b"<urlset" + NAMESPACE
    begun = False
    while True:
        with database.reading(SECONDS) as session:
            rows = _rows(session, after, end)
        if rows:
            yield (b"" if begun else before) + b"".join(
                _entry("url", page.replace("{id}", str(row.id)), row.updated_at) for row in rows
            )
            begun, after = True, rows[-1].pk
        if len(rows) < AT_ONCE:
            break
    if begun:
        yield b"</urlset>\n"


def _rows(session: Session, after: int, end: int) -> Sequence[Any]:
    statement = (
        select(col(Opportunity.pk), col(Opportunity.id), col(Opportunity.updated_at))
        .where(
            col(Opportunity.pk) > after,
            col(Opportunity.pk) < end,
            col(Opportunity.status) == Status.PUBLISHED,
        )
        .order_by(col(Opportunity.pk))
        .limit(AT_ONCE)
    )
    return session.execute(statement).all()


def _entry(name: str, address: str, changed_at: datetime) -> bytes:
    return (
        f"<{name}><loc>{escape(address)}</loc>"
        f"<lastmod>{changed_at:%Y-%m-%dT%H:%M:%SZ}</lastmod></{name}>\n"
    ).encode()
