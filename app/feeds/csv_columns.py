"""The columns of listings as a table: one row each, whatever has several values in one cell.

Lines are put together here rather than by the `csv` module, which looks at each character: that
was a quarter of what a file cost. Only what people wrote can need quotation marks.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.kit.spreadsheet_text import safe_cell
from app.opportunities.tokens import plain

BETWEEN = "; "
"""Between the values of one cell: commas are common in addresses."""
QUOTE = '"'
END = "\r\n"
NOTHING: Mapping[str, Any] = {}
_special = re.compile('[",\r\n]').search

HEADINGS = (
    "id", "href", "title", "summary", "description", "kind", "artforms", "themes", "audiences",
    "age_min", "age_max", "key_stages", "delivery", "region_wide", "outreach_areas", "provider",
    "partnerships", "authority", "authority_code", "programme", "venue_name", "venue_address",
    "venue_postcode", "lat", "lng", "next_session_at", "first_session_at", "last_session_at",
    "sessions", "always_available", "free", "price_from", "price_to", "price_per", "price_text",
    "concessions", "pay_what_you_can", "access", "access_text", "booking_url", "booking_required",
    "booking_email", "booking_phone", "contact_role", "contact_email", "contact_phone",
    "image_url", "image_alt", "image_credit", "url", "licence", "status", "quality", "source",
    "external_id", "demo", "change_number", "published_at", "updated_at",
)  # fmt: skip


HEADING = ",".join(HEADINGS) + END


def line_of(shown: Mapping[str, Any], change_number: int | None, public_url: str) -> str:
    """The line of a listing as its document shows it, in the order of the headings."""
    provider = shown["provider"] or NOTHING
    authority = shown["authority"] or NOTHING
    programme = shown["programme"] or NOTHING
    venue = shown["venue"] or NOTHING
    price = shown["price"] or NOTHING
    booking = shown["booking"] or NOTHING
    contact = shown["contact"] or NOTHING
    image = shown["image"] or NOTHING
    source = shown["source"]
    cells = (
        shown["id"],
        public_url + shown["href"].removeprefix("@"),
        _text(shown["title"]),
        _text(shown["summary"]),
        _text(plain(shown["description"] or "")),
        shown["kind"],
        BETWEEN.join(shown["artforms"]),
        BETWEEN.join(shown["themes"]),
        BETWEEN.join(shown["audiences"]),
        _value(shown["age_min"]),
        _value(shown["age_max"]),
        BETWEEN.join(shown["key_stages"]),
        shown["delivery"],
        _flag(shown["region_wide"]),
        _names(shown["outreach_areas"]),
        _text(provider.get("name")),
        _names(shown["partnerships"]),
        _text(authority.get("name")),
        _value(authority.get("code")),
        _text(programme.get("name")),
        _text(venue.get("name")),
        _text(venue.get("address")),
        _value(venue.get("postcode")),
        _value(venue.get("lat")),
        _value(venue.get("lng")),
        _value(shown["next_session_at"]),
        _value(shown["first_session_at"]),
        _value(shown["last_session_at"]),
        _sessions(shown["sessions"]),
        _flag(shown["always_available"]),
        _flag(price.get("free")),
        _value(price.get("from")),
        _value(price.get("to")),
        _value(price.get("per")),
        _text(price.get("text")),
        BETWEEN.join(price.get("concessions") or ()),
        _flag(price.get("pay_what_you_can")),
        BETWEEN.join(shown["access"]),
        _text(shown["access_text"]),
        _text(booking.get("url")),
        _flag(booking.get("required")),
        _text(booking.get("email")),
        _text(booking.get("phone")),
        _text(contact.get("role")),
        _text(contact.get("email")),
        _text(contact.get("phone")),
        _text(image.get("url")),
        _text(image.get("alt")),
        _text(image.get("credit")),
        _text(source["url"]),
        _text(shown["licence"]),
        shown["status"],
        _value(shown["quality"]),
        _text(source["name"]),
        _text(source["external_id"]),
        _flag(shown["demo"]),
        _value(change_number),
        _value(shown["published_at"]),
        shown["updated_at"],
    )
    return ",".join(cells) + END


def _text(value: str | None) -> str:
    """What people wrote; nothing in it may act as a formula, or end the cell."""
    if not value:
        return ""
    # Most begin with a letter, which is soon seen.
    safe = value if value[0].isalnum() else safe_cell(value)
    return f'"{safe.replace(QUOTE, 2 * QUOTE)}"' if _special(safe) else safe


def _value(value: str | float | None) -> str:
    """A number, a code or a time."""
    return "" if value is None else str(value)


def _flag(value: bool | None) -> str:
    return "" if value is None else "true" if value else "false"


def _names(references: Sequence[Mapping[str, Any]]) -> str:
    return _text(BETWEEN.join([one["name"] for one in references]))


def _sessions(sessions: Sequence[Mapping[str, Any]]) -> str:
    """When each of those shown begins; what is cancelled or full says so."""
    return BETWEEN.join(
        [
            (one["starts_at"] or one["date"])
            + ("" if one["status"] == "scheduled" else f" ({one['status']})")
            for one in sessions
        ]
    )
