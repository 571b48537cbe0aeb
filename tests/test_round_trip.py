"""There and back: a listing that is pushed, told in each standard, read again and pushed again.

What a standard cannot carry is listed here, member by member and with the reason. A member that
gets lost without standing in the list fails, and so does one that stands there and survives.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from app.harvests import calendar_reading, openactive_reading
from app.sources.models import Source
from app.sources.spreadsheets import words_of
from tests import build
from tests.test_openactive import page

SATURDAYS = [
    {
        "starts_at": f"2027-06-{day:02}T10:00:00",
        "ends_at": f"2027-06-{day:02}T11:30:00",
        "capacity": 20,
        "places_left": 3,
    }
    for day in (5, 12, 19)
]
RICH: dict[str, Any] = {
    "title": "Saturday dance & clay",
    "summary": "Dance, then clay.",
    "description": "<p>Come in.</p><p><strong>Wear</strong> trainers.</p><ul><li>Water</li></ul>",
    "kind": "club",
    "artforms": ["dance", "craft"],
    "themes": ["careers", "family"],
    "audiences": ["children", "families"],
    "age_min": 7,
    "age_max": 11.5,
    "sessions": SATURDAYS,
    "price": {
        "from": "4.50", "to": "9", "per": "child", "text": "Half for brothers and sisters",
        "concessions": ["sibling"], "bursary": True,
    },
    "access": ["wheelchair", "bsl"],
    "access_text": "Ring the bell",
    "venue": {
        "name": "The Dance Room", "address": "1 Centenary Square, Birmingham",
        "postcode": "B1 1BB", "access": ["accessible_toilet"],
    },
    "booking": {
        "url": "https://hall.example/book", "required": True, "phone": "0121 496 0001",
        "email": "book@hall.example",
    },
    "image": {"url": "https://hall.example/a.jpg", "alt": "Two children dance", "credit": "Ann"},
    "contact": {
        "role": "Learning team", "email": "learning@hall.example", "phone": "0121 496 0000",
        "url": "https://hall.example/contact",
    },
    "licence": "CC BY 4.0",
    "url": "https://hall.example/saturdays",
}  # fmt: skip


def seen(one: Mapping[str, Any]) -> dict[str, Any]:
    """The members that were pushed, as they are read."""
    return {**{name: one[name] for name in RICH if name != "url"}, "url": one["source"]["url"]}


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """The members of a listing as it is read, each by its path."""
    if isinstance(value, Mapping):
        found: dict[str, Any] = {}
        for name, one in value.items():
            if name not in {"id", "href", "slug", "authority", "lat", "lng", "hidden"}:
                found |= leaves(one, f"{path}.{name}" if path else name)
        return found
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return {f"{path}.{name}": [one.get(name) for one in value] for name in leaves(value[0])}
    return {path: sorted(value) if isinstance(value, list) else value}


_ONE = "a calendar knows events: a listing of several sessions is several of them"
_TEXT = "a calendar has one text for everything else, and no member for this"
_BOOK = "there is no member for it: an offer has an address to book at"
LOST: dict[str, dict[str, str]] = {
    "openactive": {
        "access": "features of the venue and of the listing are one text",
        "age_max": "ages are whole years",
        "booking.email": _BOOK,
        "booking.phone": _BOOK,
        "booking.required": _BOOK,
        "contact.role": "an organisation has no roles",
        "contact.url": "an organisation has one page, which is ours",
        "description": "the summary comes before it; it is plain text with paragraphs and lists",
        "image.credit": "pictures have no credit",
        "licence": "the licence is that of the feed",
        "price.bursary": "there is no member for it",
        "price.concessions": "there is no member for kinds of people that pay less",
        "sessions.external_id": "sessions are named by the feed",
        "summary": "there is one text, the description",
    },
    "icalendar": {
        **dict.fromkeys(
            ("sessions.date", "sessions.starts_at", "sessions.ends_at", "sessions.status"), _ONE
        ),
        **dict.fromkeys(
            (
                "access", "access_text", "age_max", "age_min", "audiences", "booking.email",
                "booking.phone", "booking.required", "booking.url", "contact.email",
                "contact.phone", "contact.role", "contact.url", "image.alt", "image.credit",
                "image.url", "kind", "licence", "price.bursary", "price.concessions",
                "price.free", "price.from", "price.pay_what_you_can", "price.per", "price.text",
                "price.to", "sessions.capacity", "sessions.external_id", "sessions.places_left",
                "summary", "themes", "venue.access",
            ),
            _TEXT,
        ),
        "description": "it holds all else, as plain text",
        "venue.address": "the name and the address are one text",
    },
    "csv": {
        "contact.url": "our table has no column for it",
        "description": "cells hold plain text",
        "price.bursary": "our table has no column for it",
        "price.text": "a text beside numbers is not read back",
        "sessions.capacity": "a cell has the starts of all sessions, and no more of them",
        "sessions.ends_at": "a cell has the starts of all sessions, and no more of them",
        "sessions.places_left": "a cell has the starts of all sessions, and no more of them",
        "venue.access": "our table has no column for it",
    },
    "ndjson": {"url": "it is read as a member of `source`, which nobody writes"},
}  # fmt: skip
"""For each way the members that do not survive, and why."""

Way = Callable[[TestClient, build.Keys, str], dict[str, Any]]


def by_openactive(client: TestClient, keys: build.Keys, identifier: str) -> dict[str, Any]:
    """Its item of the feed and its sessions, read as a harvest reads them."""
    feeds = "/openactive/feeds"
    (item,) = [
        one for one in page(client, f"{feeds}/session-series")["items"] if one["id"] == identifier
    ]
    data = item["data"]
    sessions = [
        (one["id"], one["data"])
        for one in page(client, f"{feeds}/scheduled-sessions")["items"]
        if one["state"] == "updated" and one["data"]["superEvent"] == data["@id"]
    ]
    reading = openactive_reading.listing("again", item["kind"], data, sessions, words(client))
    return push(client, keys, json.dumps({"items": [reading.item]}).encode())


def by_calendar(client: TestClient, keys: build.Keys, identifier: str) -> dict[str, Any]:
    """Its first event, which is all that a calendar says of it."""
    body = client.get(f"/v1/opportunities/{identifier}.ics").content
    found = calendar_reading.listings(body, words(client), date(2027, 3, 1)).readings
    item = found[0].item | {"external_id": "again"}
    return push(client, keys, json.dumps({"items": [item]}).encode())


def by_table(client: TestClient, keys: build.Keys, identifier: str) -> dict[str, Any]:
    """The table of the export, pushed as a table."""
    body = client.get("/v1/opportunities.csv", params={"source": "web"}).content
    return push(client, keys, body)


def by_lines(client: TestClient, keys: build.Keys, identifier: str) -> dict[str, Any]:
    """The lines of the export, pushed as they are."""
    line = json.loads(client.get("/v1/opportunities.ndjson", params={"source": "web"}).content)
    return push(client, keys, json.dumps(line | {"external_id": "again"}).encode())


WAYS: dict[str, Way] = {
    "openactive": by_openactive,
    "icalendar": by_calendar,
    "csv": by_table,
    "ndjson": by_lines,
}


def words(client: TestClient) -> Any:
    with build.database_of(client).reading() as session:
        return words_of(session, session.exec(select(Source).limit(1)).one())


def push(client: TestClient, keys: build.Keys, body: bytes) -> dict[str, Any]:
    """Push to another source; the listing that came of it."""
    answer = client.post("/v1/sources/again/batches", content=body, headers=keys.staff)
    assert answer.status_code == 201, answer.text
    (item,) = answer.json()["items"]
    assert item["outcome"] == "created", item
    found: dict[str, Any] = client.get(item["href"], headers=keys.staff).json()
    return found


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_lost_that_can_be_carried(
    client: TestClient, keys: build.Keys, way: str
) -> None:
    build.organisation(client, keys)
    build.source(client, keys, key="web")
    build.source(client, keys, key="again", name="Again")
    made = client.put("/v1/sources/web/opportunities/1", json=RICH, headers=keys.staff).json()
    before = client.get(made["href"]).json()
    after = WAYS[way](client, keys, made["id"])
    had, has = leaves(seen(before)), leaves(seen(after))
    lost = {name for name in had if has.get(name) != had[name]}
    assert lost == set(LOST[way])
