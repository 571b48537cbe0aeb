"""OpenActive: whoever follows the feeds holds what lists show, each listing in its right kind."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import delete, event, insert, text, update
from sqlmodel import select
from starlette.testclient import TestClient

from app.feeds import rpde
from app.feeds.openactive_keeping import sort_and_renew
from app.feeds.openactive_models import TABLE, Feed
from app.opportunities import upkeep
from app.opportunities.models import Opportunity, OpportunitySession
from tests import build, test_changes
from tests.conftest import serving
from tests.test_opportunities import act, edit, push
from tests.test_service import problem

BASE = "http://testserver"
FEEDS = "/openactive/feeds"
OF_LISTINGS = ("session-series", "events", "course-instances")
NAMES = (*OF_LISTINGS, "scheduled-sessions")
KINDS = dict(
    zip(NAMES, ("SessionSeries", "Event", "CourseInstance", "ScheduledSession"), strict=True)
)
ONCE = [{"starts_at": "2027-06-05T10:00", "ends_at": "2027-06-05T11:30"}]
COURSE: dict[str, Any] = {"kind": "course", "price": {"from": "60", "per": "course"}}


def page(client: TestClient, address: str) -> Any:
    answer = test_changes.insisting(client, "GET", address)
    assert answer.status_code == 200, answer.text
    return answer.json()


@dataclass
class Harvest:
    """What a client of a feed keeps, and where it goes on."""

    client: TestClient
    name: str
    items: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    met: list[int] = field(default_factory=list)
    next: str = ""

    def catch_up(self) -> "Harvest":
        """Follow the feed to its end, as the standard says."""
        self.next = self.next or f"{BASE}{FEEDS}/{self.name}"
        while True:
            found = page(self.client, self.next)
            assert found["license"] == "https://creativecommons.org/licenses/by/4.0/"
            seen = [item["id"] for item in found["items"]]
            assert len(seen) == len(set(seen)), "an id is on a page once"
            for item in found["items"]:
                self.take(item)
            if not found["items"]:
                assert found["next"] == self.next
                return self
            last = found["items"][-1]["modified"]
            assert found["next"] == f"{BASE}{FEEDS}/{self.name}?afterChangeNumber={last}"
            self.next = found["next"]

    def take(self, item: Any) -> None:
        """Take one item in."""
        assert item["kind"] == KINDS[self.name]
        self.met.append(item["modified"])
        self.numbers[item["id"]] = item["modified"]
        if item["state"] == "updated":
            assert item["data"]["@type"] == item["kind"]
            assert item["data"]["identifier"] == item["id"]
            assert_nothing_empty(item["data"])
            self.items[item["id"]] = item["data"]
            self.deleted.discard(item["id"])
        else:
            assert set(item) == {"state", "kind", "id", "modified"}
            self.items.pop(item["id"], None)
            self.deleted.add(item["id"])


def assert_nothing_empty(value: Any) -> None:
    """The standard has no nulls, no empty texts and no empty lists."""
    assert value not in (None, "", [], {})
    for one in value.values() if isinstance(value, dict) else value if type(value) is list else ():
        assert_nothing_empty(one)


@dataclass
class Everything:
    """A client of all four feeds."""

    client: TestClient
    feeds: dict[str, Harvest] = field(default_factory=dict)

    def catch_up(self) -> "Everything":
        """Follow them all."""
        for name in NAMES:
            self.feeds.setdefault(name, Harvest(self.client, name)).catch_up()
        return self

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.feeds[name].items

    def assert_in_step(self) -> None:
        """It holds what lists show, at the numbers of the log, and the sessions of its series."""
        shown = test_changes.listed(self.client)
        held = [identifier for name in OF_LISTINGS for identifier in self[name]]
        assert sorted(held) == sorted(shown), "each listing is in one feed"
        numbers = {one: item["change_number"] for one, item in shown.items()}
        for name in OF_LISTINGS:
            assert {one: self.feeds[name].numbers[one] for one in self[name]} == {
                one: numbers[one] for one in self[name]
            }
            for identifier, data in self[name].items():
                assert data["name"] == shown[identifier]["title"]
                assert data["organizer"]["name"] == shown[identifier]["provider"]["name"]
        with build.database_of(self.client).reading() as session:
            statement = (
                select(OpportunitySession.id, Opportunity.id)
                .join(Opportunity)
                .where(OpportunitySession.deleted_at.is_(None))  # type: ignore[union-attr]
            )
            stored = {str(own): str(above) for own, above in session.exec(statement)}
        wanted = {own: above for own, above in stored.items() if above in self["session-series"]}
        found = {
            own: data["superEvent"].rpartition("/")[2]
            for own, data in self["scheduled-sessions"].items()
        }
        assert found == wanted


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three, so that few items make several."""
    monkeypatch.setattr(rpde, "PAGE", 3)


class TestPages:
    @pytest.mark.parametrize("name", NAMES)
    def test_nothing_yet(self, shared_client: TestClient, name: str) -> None:
        answer = shared_client.get(f"{FEEDS}/{name}")
        assert answer.json() == {
            "next": f"{BASE}{FEEDS}/{name}",
            "items": [],
            "license": "https://creativecommons.org/licenses/by/4.0/",
        }
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "public, max-age=8"

    @pytest.mark.usefixtures("small_pages")
    def test_in_the_order_of_their_numbers(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        made = [push(client, trusted, str(number))["id"] for number in range(5)]
        push(client, trusted, "1", title="Changed")
        first = client.get(f"{FEEDS}/session-series")
        assert first.headers["cache-control"] == "public, max-age=3600"
        whole = first.json()["items"]
        second = client.get(first.json()["next"])
        assert second.headers["cache-control"] == "public, max-age=3600"
        whole += second.json()["items"]
        assert [item["id"] for item in whole] == [made[n] for n in (0, 2, 3, 4, 1)]
        last = client.get(second.json()["next"])
        assert last.json() == {**last.json(), "items": [], "next": str(last.url)}
        assert last.headers["cache-control"] == "public, max-age=8"
        numbers = [item["modified"] for item in whole]
        assert numbers == sorted(set(numbers))
        assert numbers[0] >= 1

    @pytest.mark.parametrize("number", ["9007199254740991", str(2**63 - 1), "0"])
    def test_beyond_the_present(self, shared_client: TestClient, number: str) -> None:
        address = f"{BASE}{FEEDS}/events?afterChangeNumber={number}"
        assert page(shared_client, address) == {**page(shared_client, address), "next": address}

    @pytest.mark.parametrize(
        "value", ["-1", "1.5", "", "abc", "01", "1e3", str(2**63), "9" * 40, "%00", "١"]
    )
    def test_bad_numbers(self, shared_client: TestClient, value: str) -> None:
        problem(shared_client.get(f"{FEEDS}/events?afterChangeNumber={value}"), 400, "bad_cursor")

    @pytest.mark.parametrize("query", ["limit=5", "afterTimestamp=1", "afterId=x"])
    def test_what_it_does_not_know(self, shared_client: TestClient, query: str) -> None:
        problem(shared_client.get(f"{FEEDS}/events?{query}"), 422, "invalid")
        problem(shared_client.get(f"{FEEDS}/slots"), 404, "not_found")

    def test_only_read(self, shared_client: TestClient) -> None:
        problem(shared_client.post(f"{FEEDS}/events"), 405, "method_not_allowed")
        head = shared_client.head(f"{FEEDS}/events")
        assert (head.status_code, head.content) == (200, b"")

    def test_the_short_way_answers_alike(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, "1", title="Café «Ünïcode» – “quoted”")
        push(client, trusted, "2", sessions=ONCE)
        push(client, trusted, "3", **COURSE)
        state = cast(FastAPI, client.app).state
        for name in NAMES:
            quick = client.get(f"{FEEDS}/{name}")
            kept, state.quick, state.feed_pages = state.quick, None, rpde.Pages(0)
            plain = client.get(f"{FEEDS}/{name}?afterChangeNumber=0")
            state.quick, state.feed_pages = kept, rpde.Pages(1_000_000)
            assert quick.content == plain.content
            assert quick.json()["items"]

    @pytest.mark.parametrize("name", NAMES)
    def test_one_index(self, client: TestClient, trusted: build.Headers, name: str) -> None:
        database = build.database_of(client)
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        feed = rpde.Asked(
            None if name == "scheduled-sessions" else Feed.EVENT, 5, "", "", "licence"
        )
        asked: list[str] = []

        def run(sql: str, values: Any) -> Any:
            with database.reading() as session:
                if not database.is_sqlite:
                    session.execute(text("SET LOCAL enable_seqscan = off"))
                    session.execute(text("SET LOCAL enable_bitmapscan = off"))
                plan = session.connection().execute(text(f"{explain} {sql}"), values).all()
                asked.append("\n".join(str(row) for row in plan))
                return session.connection().execute(text(sql), values).all()

        rpde.tag(feed, run)
        rpde.page(feed, run)
        assert len(asked) == 2
        for plan in asked:
            assert re.search("ix_(openactive_item_feed|opportunity_session_change_number)", plan)
            assert "B-TREE" not in plan
            assert "Sort" not in plan
        if database.is_sqlite:
            assert "COVERING INDEX" in asked[0]


class TestConditional:
    @pytest.mark.parametrize("cache_mb", [0, 64])
    def test_one_look_up(self, database_url: str, cache_mb: int) -> None:
        with serving(database_url, cache_mb=cache_mb) as client:
            keys = build.Keys(build.database_of(client))
            build.organisation(client, keys)
            build.source(client, keys, key="web")
            trusted = keys.publisher("dance-hub")
            push(client, trusted, "1", sessions=ONCE)
            address = f"{FEEDS}/events"
            first = client.get(address)
            assert first.headers["content-encoding"] == "gzip"
            tag = {"If-None-Match": first.headers["etag"]}
            push(client, trusted, "2")  # a series: the database changes, and this page does not
            state = cast(FastAPI, client.app).state
            state.quick = None
            asked: list[str] = []

            def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
                if statement != "BEGIN":
                    asked.append(statement)

            engine = build.database_of(client).read_engine
            event.listen(engine, "before_cursor_execute", note)
            again = client.get(address, headers=tag)
            event.remove(engine, "before_cursor_execute", note)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
            assert again.headers["cache-control"] == "public, max-age=3600"
            (statement,) = asked
            assert "count(*)" in statement
            push(client, trusted, "1", sessions=ONCE, title="Changed")
            assert client.get(address, headers=tag).status_code == 200

    def test_a_key_makes_it_private(self, client: TestClient, keys: build.Keys) -> None:
        answer = client.get(f"{FEEDS}/events", headers=keys.staff)
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.content == client.get(f"{FEEDS}/events").content

    def test_pages_are_let_go(self) -> None:
        pages = rpde.Pages(25)
        asked = [rpde.Asked(Feed.EVENT, number, "here", "", "") for number in range(4)]
        for number, one in enumerate(asked):
            pages.keep(one, rpde.Page(b"0123456789", str(number), last=False))
        assert pages.find(asked[3], "3") is not None
        assert pages.find(asked[3], "other") is None
        assert pages.find(asked[0], "0") is None
        pages.keep(asked[2], rpde.Page(b"0" * 26, "2", last=False))
        assert pages.find(asked[2], "2") is None


class TestKinds:
    @pytest.mark.parametrize(
        ("more", "name"),
        [
            ({}, "session-series"),
            ({"kind": "workshop"}, "session-series"),
            ({"kind": "performance"}, "session-series"),
            ({"sessions": ONCE}, "events"),
            ({"sessions": ONCE, **COURSE}, "events"),
            ({"sessions": [{"date": "2027-06-05"}]}, "events"),
            (COURSE, "course-instances"),
            ({"kind": "course"}, "course-instances"),
            (
                {"kind": "holiday_activity", "price": {"from": "60", "per": "week"}},
                "course-instances",
            ),
            ({"kind": "holiday_activity"}, "session-series"),
            ({"sessions": [], "always_available": True}, "session-series"),
            (
                {
                    "recurrence": {
                        "rrule": "FREQ=WEEKLY;COUNT=4",
                        "starts_at": "2027-06-05T10:00",
                        "ends_at": "2027-06-05T11:00",
                    }
                },
                "session-series",
            ),
        ],
    )
    def test_the_right_one(
        self, client: TestClient, trusted: build.Headers, more: Any, name: str
    ) -> None:
        made = push(client, trusted, **more)["id"]
        held = Everything(client).catch_up()
        assert {one: list(held[one]) for one in OF_LISTINGS if held[one]} == {name: [made]}
        assert bool(held["scheduled-sessions"]) is (
            name == "session-series" and "always_available" not in more
        )
        held.assert_in_step()


class TestItems:
    def test_a_series(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(
            client,
            trusted,
            title="Street dance for girls and boys",
            summary="Every Saturday.",
            description="<p>Come &amp; dance.</p><p>Wear trainers.</p>",
            artforms=["dance", "film"],
            access=["bsl", "audio_described"],
            access_text="Ask us.",
            image={"url": "https://example.org/a.jpg", "alt": "Dancers"},
            booking={"url": "https://example.org/book"},
            contact={"email": "learning@example.org", "phone": "+44 121 496 0000"},
            url="https://example.org/street-dance",
            price={"from": "4.50", "to": "6", "per": "child", "text": "Less for two."},
        )["id"]
        data = Harvest(client, "session-series").catch_up().items[made]
        address = f"{BASE}/v1/opportunities/{made}"
        scheme = f"{BASE}/openactive/artforms"
        quantity = {"@type": "QuantitativeValue", "minValue": 7, "maxValue": 11}
        offer = {
            "@type": "Offer",
            "priceCurrency": "GBP",
            "description": "Less for two.",
            "url": "https://example.org/book",
        }
        organisation = f"{BASE}/v1/organisations/dance-hub"
        assert data == {
            "@context": "https://openactive.io/",
            "@type": "SessionSeries",
            "@id": address,
            "identifier": made,
            "url": "https://example.org/street-dance",
            "name": "Street dance for girls and boys",
            "description": "Every Saturday.\n\nCome & dance.\n\nWear trainers.",
            "activity": [
                {
                    "@type": "Concept",
                    "@id": "https://openactive.io/activity-list#85ddf0e4-115d-4c0b-9bca-4c3b4b635bb2",
                    "prefLabel": "Street Dance",
                    "inScheme": "https://openactive.io/activity-list",
                },
                {
                    "@type": "Concept",
                    "@id": f"{scheme}#film",
                    "prefLabel": "Film and moving image",
                    "inScheme": scheme,
                },
            ],
            "category": ["Dance", "Film and moving image", "Club"],
            "ageRange": quantity,
            "location": {
                "@type": "Place",
                "name": "The Dance Room",
                "address": {
                    "@type": "PostalAddress",
                    "streetAddress": "1 Centenary Square",
                    "addressLocality": "Birmingham",
                    "addressRegion": "West Midlands",
                    "postalCode": "B1 1BB",
                    "addressCountry": "GB",
                },
                "geo": {
                    "@type": "GeoCoordinates",
                    "latitude": data["location"]["geo"]["latitude"],
                    "longitude": data["location"]["geo"]["longitude"],
                },
            },
            "organizer": {
                "@type": "Organization",
                "@id": organisation,
                "url": organisation,
                "name": "Dance Hub",
                "email": "learning@example.org",
                "telephone": data["organizer"]["telephone"],
            },
            "image": [
                {"@type": "ImageObject", "url": "https://example.org/a.jpg", "caption": "Dancers"}
            ],
            "accessibilityInformation": "British Sign Language, Audio described. Ask us.",
            "accessibilitySupport": [
                {
                    "@type": "Concept",
                    "@id": "https://openactive.io/accessibility-support"
                    "#1393f2dc-3fcc-4be9-a99f-f1e51f5ad277",
                    "prefLabel": "Visual impairment",
                    "inScheme": "https://openactive.io/accessibility-support",
                }
            ],
            "offers": [
                {
                    **offer,
                    "@id": f"{address}#/offers/from",
                    "name": "Lowest price per child",
                    "price": 4.5,
                },
                {
                    **offer,
                    "@id": f"{address}#/offers/to",
                    "name": "Highest price per child",
                    "price": 6,
                },
            ],
            "eventSchedule": [
                {
                    "@type": "PartialSchedule",
                    "scheduleTimezone": "Europe/London",
                    "startDate": "2027-06-05",
                    "endDate": "2027-06-12",
                    "startTime": "10:00",
                    "endTime": "11:30",
                    "duration": "PT1H30M",
                    "byDay": ["https://schema.org/Saturday"],
                    "repeatFrequency": "P1W",
                }
            ],
        }

    def test_its_sessions(self, client: TestClient, trusted: build.Headers) -> None:
        sessions = [
            {"starts_at": "2027-03-27T10:00", "ends_at": "2027-03-27T11:30", "capacity": 9},
            {"starts_at": "2027-03-28T10:00", "status": "cancelled", "places_left": 3},
            {"date": "2027-03-29"},
            {"starts_at": "2027-03-30T22:00", "ends_at": "2027-04-01T23:05", "status": "full"},
        ]
        made = push(client, trusted, sessions=sessions)["id"]
        held = Everything(client).catch_up()
        found = sorted(held["scheduled-sessions"].values(), key=lambda one: one["startDate"])
        above = f"{BASE}/v1/opportunities/{made}"
        for data in found:
            assert data.pop("@id") == f"{above}#/subEvent/{data.pop('identifier')}"
            assert data.pop("superEvent") == data.pop("url") == above
            assert data.pop("@context") == "https://openactive.io/"
            assert data.pop("@type") == "ScheduledSession"
        going = {"eventStatus": "https://schema.org/EventScheduled"}
        assert found == [
            {
                **going,
                "startDate": "2027-03-27T10:00:00Z",
                "endDate": "2027-03-27T11:30:00Z",
                "duration": "PT1H30M",
                "maximumAttendeeCapacity": 9,
            },
            {
                "eventStatus": "https://schema.org/EventCancelled",
                "startDate": "2027-03-28T09:00:00Z",
                "remainingAttendeeCapacity": 3,
            },
            {
                **going,
                "startDate": "2027-03-28T23:00:00Z",
                "schedulingNote": "The time is not stated.",
            },
            {
                **going,
                "startDate": "2027-03-30T21:00:00Z",
                "endDate": "2027-04-01T22:05:00Z",
                "duration": "P2DT1H5M",
                "remainingAttendeeCapacity": 0,
            },
        ]

    def test_a_course(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(client, trusted, **{**COURSE, "price": {"free": True}})["id"]
        data = Harvest(client, "course-instances").catch_up().items[made]
        assert (data["startDate"], data["endDate"], data["duration"]) == (
            *("2027-06-05", "2027-06-12"),
            "P8D",
        )
        assert data["isAccessibleForFree"] is True
        assert [one["startDate"] for one in data["subEvent"]] == [
            "2027-06-05T10:00:00+01:00",
            "2027-06-12T10:00:00+01:00",
        ]
        assert all(one["isAccessibleForFree"] for one in data["subEvent"])
        assert [offer["price"] for offer in data["offers"]] == [0]

    def test_an_event(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(client, trusted, sessions=[{"date": "2027-06-05"}])["id"]
        data = Harvest(client, "events").catch_up().items[made]
        assert data["startDate"] == "2027-06-05T00:00:00+01:00"
        assert data["schedulingNote"] == "The time is not stated."
        assert "endDate" not in data
        push(client, trusted, sessions=[{**ONCE[0], "status": "cancelled"}])
        data = Harvest(client, "events").catch_up().items[made]
        assert data["eventStatus"] == "https://schema.org/EventCancelled"
        assert (data["endDate"], data["duration"]) == ("2027-06-05T11:30:00+01:00", "PT1H30M")

    @pytest.mark.parametrize(
        ("price", "told", "free"),
        [
            ({"free": True}, [("Free", 0)], True),
            ({"pay_what_you_can": True}, [("Pay what you can", 0)], True),
            ({"pay_what_you_can": True, "from": "2"}, [("Price", 2)], None),
            ({"from": "0", "to": "3.5"}, [("Lowest price", 0), ("Highest price", 3.5)], True),
            ({"from": "3", "to": "3", "per": "half_day"}, [("Price per half day", 3)], None),
            ({"text": "Ask us."}, [], None),
        ],
    )
    def test_prices(
        self, client: TestClient, trusted: build.Headers, price: Any, told: Any, free: Any
    ) -> None:
        made = push(client, trusted, price=price)["id"]
        data = Harvest(client, "session-series").catch_up().items[made]
        assert [(one["name"], one["price"]) for one in data.get("offers", [])] == told
        assert data.get("isAccessibleForFree") is free

    @pytest.mark.parametrize(
        ("more", "wanted"),
        [
            ({"age_min": 4.5, "age_max": None}, {"minValue": 4}),
            ({"age_min": 0, "age_max": 4.5}, {"minValue": 0, "maxValue": 4}),
            ({"age_min": None, "age_max": None, "audiences": ["families"]}, {"minValue": 0}),
            ({"age_min": None, "age_max": None, "audiences": ["teachers"]}, None),
        ],
    )
    def test_ages(self, client: TestClient, trusted: build.Headers, more: Any, wanted: Any) -> None:
        made = push(client, trusted, **more)["id"]
        data = Harvest(client, "session-series").catch_up().items[made]
        assert data.get("ageRange") == (wanted and {"@type": "QuantitativeValue", **wanted})

    @pytest.mark.parametrize(
        ("more", "name", "address"),
        [
            ({"delivery": "online", "venue": None}, "Online", "West Midlands"),
            (
                {"delivery": "outreach", "venue": None, "outreach_areas": ["E08000025"]},
                "Birmingham",
                "Birmingham, West Midlands",
            ),
            (
                {"delivery": "outreach", "venue": None, "outreach_areas": ["region"]},
                *("West Midlands", "West Midlands"),
            ),
        ],
    )
    def test_places_without_a_venue(
        self, client: TestClient, trusted: build.Headers, more: Any, name: str, address: str
    ) -> None:
        made = push(client, trusted, **more)["id"]
        data = Harvest(client, "session-series").catch_up().items[made]
        assert data["location"] == {"@type": "Place", "name": name, "address": address}

    def test_a_venue_that_must_not_be_found(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = {
            "name": "The Refuge",
            "organisation": "dance-hub",
            "address": "7 Secret Street",
            "postcode": "B1 1BB",
            "access": ["accessible_toilet", "accessible_parking"],
        }
        slug = client.post("/v1/venues", json=venue, headers=keys.staff).json()["slug"]
        made = push(client, trusted, venue=slug)["id"]
        held = Harvest(client, "session-series").catch_up()
        place = held.items[made]["location"]
        assert place["@id"] == place["url"] == f"{BASE}/v1/venues/{slug}"
        assert [one["@type"] for one in place["amenityFeature"]] == ["Toilets", "Parking"]
        edit(client, keys.staff, f"/v1/venues/{slug}", {"hide_exact_address": True})
        place = held.catch_up().items[made]["location"]
        assert set(place) == {"@type", "name", "geo", "amenityFeature"}
        assert place["name"] == "Birmingham"
        assert "Secret" not in client.get(f"{FEEDS}/session-series").text

    @pytest.mark.parametrize(
        ("title", "artforms", "labels"),
        [
            ("Ballet and breaking", ["dance"], ["Ballet", "Break Dance"]),
            ("Youth choir", ["music"], ["Singing"]),
            ("Ukulele", ["music"], ["Music"]),
            ("Trapeze", ["circus"], ["Circus Skills"]),
        ],
    )
    def test_activities(
        self, client: TestClient, trusted: build.Headers, title: str, artforms: Any, labels: Any
    ) -> None:
        made = push(client, trusted, title=title, artforms=artforms)["id"]
        data = Harvest(client, "session-series").catch_up().items[made]
        assert [one["prefLabel"] for one in data["activity"]] == labels

    @pytest.mark.parametrize("text", ["\x01/v1", "@/v1/x", "</script>", '"},{"state":"deleted"'])
    def test_hostile_texts(self, client: TestClient, trusted: build.Headers, text: str) -> None:
        body = build.listing(title="Club", summary=text)
        path = "/v1/sources/web/opportunities/1"
        answer = client.put(path, json=body, headers=trusted)
        if answer.status_code == 422:
            assert text.startswith("\x01")
            return
        (data,) = Harvest(client, "session-series").catch_up().items.values()
        assert data["description"] == text


class TestStates:
    @pytest.mark.parametrize("more", [{}, {"sessions": ONCE}, COURSE])
    def test_gone_and_back(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, more: Any
    ) -> None:
        made = push(client, trusted, title="The Moonlit Carousel", **more)["id"]
        held = Everything(client).catch_up()
        held.assert_in_step()
        sessions = set(held["scheduled-sessions"])
        act(client, keys.staff, made, "withdraw", reason="It burnt down.")
        held.catch_up().assert_in_step()
        gone = {one for feed in held.feeds.values() for one in feed.deleted}
        assert gone == {made, *sessions}
        for name in NAMES:
            assert "Carousel" not in client.get(f"{FEEDS}/{name}").text
        act(client, keys.staff, made, "restore")
        held.catch_up().assert_in_step()
        assert set(held["scheduled-sessions"]) == sessions

    def test_expired(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        held = Everything(client).catch_up()
        with time_machine.travel(datetime(2027, 6, 12, 11, tzinfo=UTC), tick=True):
            upkeep.expire(build.database_of(client))
            held.catch_up().assert_in_step()
        assert not any(held[name] for name in NAMES)
        assert len(held.feeds["scheduled-sessions"].deleted) == 2

    def test_never_public(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, price=None)
        push(client, trusted, price=None, title="A draft still", sessions=ONCE)
        for name in NAMES:
            assert page(client, f"{FEEDS}/{name}")["items"] == []
        push(client, trusted)
        Everything(client).catch_up().assert_in_step()

    def test_a_change_of_kind_leaves_a_tombstone(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)["id"]
        held = Everything(client).catch_up()
        for name, more in (
            ("course-instances", COURSE),
            ("events", {"sessions": ONCE}),
            ("session-series", {}),
            ("events", {"sessions": ONCE, "title": "Once only"}),
        ):
            push(client, trusted, **more)
            held.catch_up().assert_in_step()
            assert [one for one in OF_LISTINGS if held[one]] == [name]
            last = {held.feeds[one].numbers.get(made) for one in OF_LISTINGS} - {None}
            assert len(last) == 1, "they are all told at the same number"
        client.delete("/v1/sources/web/opportunities/1", headers=trusted)
        held.catch_up().assert_in_step()
        assert all(made in held.feeds[name].deleted for name in OF_LISTINGS)

    def test_one_row_unless_the_kind_changed(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        push(client, trusted, title="Changed")
        client.delete("/v1/sources/web/opportunities/1", headers=trusted)
        assert len(stored(client)) == 1
        push(client, trusted, **COURSE)
        assert len(stored(client)) == 2

    def test_a_session_that_goes(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        held = Everything(client).catch_up()
        met = len(held.feeds["scheduled-sessions"].met)
        days = [*build.listing()["sessions"][:1], {"starts_at": "2027-06-19T10:00:00"}]
        push(client, trusted, sessions=days)
        held.catch_up().assert_in_step()
        assert len(held.feeds["scheduled-sessions"].deleted) == 1
        assert len(held.feeds["scheduled-sessions"].met) == met + 2, "what stays is not told again"

    def test_it_follows_what_it_shows(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = {"name": "The Room", "organisation": "dance-hub", "postcode": "B1 1BB"}
        slug = client.post("/v1/venues", json=venue, headers=keys.staff).json()["slug"]
        for name, more in (("1", {}), ("2", {"sessions": ONCE}), ("3", COURSE)):
            push(client, trusted, name, venue=slug, **more)
        held = Everything(client).catch_up()
        edit(client, keys.staff, "/v1/organisations/dance-hub", {"name": "Dance House"})
        edit(client, keys.staff, f"/v1/venues/{slug}", {"name": "The Great Room"})
        held.catch_up().assert_in_step()
        for name in OF_LISTINGS:
            (data,) = held[name].values()
            assert data["organizer"]["name"] == "Dance House"
            assert data["location"]["name"] == "The Great Room"

    def test_the_same_again_is_no_change(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        held = Everything(client).catch_up()
        met = [len(feed.met) for feed in held.feeds.values()]
        push(client, trusted)
        assert [len(feed.met) for feed in held.catch_up().feeds.values()] == met


def stored(client: TestClient) -> Any:
    """The rows that the feeds keep."""
    with build.database_of(client).reading() as session:
        return session.connection().execute(TABLE.select()).all()


class TestJob:
    def test_a_new_label(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted, artforms=["film"])["id"]
        push(client, trusted, "2", artforms=["music"])
        held = Everything(client).catch_up()
        path = "/v1/vocabularies/artform/terms/film"
        body = {"label": "Moving image"}
        headers = {**keys.staff, "If-Match": "*"}
        assert client.put(path, json=body, headers=headers).is_success
        assert sort_and_renew(build.database_of(client)) == 1
        assert sort_and_renew(build.database_of(client)) == 0
        held.catch_up().assert_in_step()
        assert held["session-series"][made]["category"] == ["Moving image", "Club"]
        (scheme,) = {one["inScheme"] for one in held["session-series"][made]["activity"]}
        found = client.get(scheme).json()
        assert "Moving image" in [one["prefLabel"] for one in found["concept"]]

    def test_what_was_public_before_there_were_feeds(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        for name, more in (("1", {}), ("2", {"sessions": ONCE}), ("3", COURSE), ("4", {})):
            push(client, trusted, name, **more)
        client.delete("/v1/sources/web/opportunities/4", headers=trusted)
        database = build.database_of(client)
        with database.writing() as session:  # as the migration leaves it
            session.execute(delete(TABLE))
            for row in session.execute(select(Opportunity)).scalars():
                session.execute(
                    insert(TABLE).values(
                        opportunity_pk=row.pk,
                        feed=Feed.UNSORTED,
                        id=row.id,
                        live=row.status == "published",
                        stale=True,
                        change_number=row.change_number,
                        item=b"",
                    )
                )
            session.execute(update(OpportunitySession).values(change_number=None))
        for name in NAMES:
            assert page(client, f"{FEEDS}/{name}")["items"] == []
        assert sort_and_renew(database) == 4
        held = Everything(client).catch_up()
        held.assert_in_step()
        assert [len(held[name]) for name in NAMES] == [1, 1, 1, 2]
        assert len(stored(client)) == 3


class TestWalks:
    """Whatever happens: after each catching up, all feeds tell what lists and the log tell."""

    @pytest.mark.parametrize("seed", [4, 17])
    @pytest.mark.usefixtures("small_pages")
    def test_feeds_keep_in_step(self, client: TestClient, keys: build.Keys, seed: int) -> None:
        walk = Varied(client, keys, Random(seed))
        eager, lazy = Everything(client), Everything(client)
        log = test_changes.Copy(client)
        moment = datetime(2027, 3, 1, 12, tzinfo=UTC)
        with time_machine.travel(moment) as traveller:
            walk.begin()
            for number in range(48):
                walk.step()
                if number % 6 == 5:
                    walk.pass_time()
                    moment += timedelta(days=4)
                    traveller.move_to(moment)
                if number % 4 == 3:
                    eager.catch_up().assert_in_step()
                if number == 8:
                    lazy.catch_up()
            walk.pass_time()
            for held in (eager, lazy, Everything(client)):
                held.catch_up().assert_in_step()
            assert set(log.catch_up().listings) == {
                one for name in OF_LISTINGS for one in eager[name]
            }
        for feed in eager.feeds.values():
            assert feed.met == sorted(set(feed.met)), "each number comes once, in order"
            assert feed.met, "the walk met too little"


class Varied(test_changes.Walk):
    """A walk among listings of every kind of feed."""

    def write(self) -> dict[str, Any]:
        """A listing that repeats, happens once, or is a course."""
        body = super().write()
        if self.random.random() < 0.3:
            body |= {"kind": "course"}
        return body


class TestWithWriters:
    """Many write at once while clients follow: nothing is missed."""

    def test_they_converge(self, client: TestClient, keys: build.Keys) -> None:
        writers = test_changes.TestWithWriters()
        headers = []
        for number in range(3):
            slug = build.organisation(client, keys, f"Group {number}")["slug"]
            build.source(client, keys, slug, key=f"web-{number}")
            headers.append(keys.publisher(slug))
        held = Everything(client)
        stop = threading.Event()

        def follow() -> None:
            while not stop.is_set():
                held.catch_up()

        with ThreadPoolExecutor(4) as pool:
            following = pool.submit(follow)
            writing = [
                pool.submit(writers.push_batches, client, headers[number], f"web-{number}", number)
                for number in range(3)
            ]
            try:
                for one in writing:
                    one.result()
            finally:
                stop.set()
            following.result()
        held.catch_up().assert_in_step()
        assert held["session-series"]
        for feed in held.feeds.values():
            assert feed.met == sorted(set(feed.met)), "each number comes once, in order"


class TestDataset:
    def test_it_leads_to_the_feeds(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/openactive")
        assert answer.headers["content-type"].startswith("text/html")
        head = answer.text.partition("</head>")[0]
        (embedded,) = embedded_in(head)
        found = json.loads(embedded)
        assert found["@type"] == "Dataset"
        assert found["@id"] == found["url"] == f"{BASE}/openactive"
        assert {one["name"]: one["contentUrl"] for one in found["distribution"]} == {
            KINDS[name]: f"{BASE}{FEEDS}/{name}" for name in NAMES
        }
        for one in found["distribution"]:
            assert shared_client.get(one["contentUrl"]).status_code == 200
        assert shared_client.get(found["publisher"]["logo"]["url"]).is_success

    def test_the_catalogue_leads_to_it(self, shared_client: TestClient) -> None:
        top = shared_client.get("/openactive/data-catalog-collection.jsonld").json()
        (address,) = top["hasPart"]
        answer = shared_client.get(address)
        assert answer.headers["content-type"] == "application/ld+json"
        assert answer.json()["@context"] == "https://schema.org/"
        assert answer.json()["dataset"] == [f"{BASE}/openactive"]
        assert shared_client.get("/").json()["links"]["openactive"] == f"{BASE}/openactive"

    def test_the_artforms(self, shared_client: TestClient) -> None:
        scheme = f"{BASE}/openactive/artforms"
        found = shared_client.get(scheme).json()
        assert (found["id"], found["type"]) == (scheme, "ConceptScheme")
        film = next(one for one in found["concept"] if one["notation"] == "film")
        assert film["id"] == f"{scheme}#film"
        assert film["inScheme"] == scheme
        assert_nothing_empty(found)

    def test_whose_it_is(self, shared_database_url: str) -> None:
        name = 'Us & "Them" </script>'
        with serving(shared_database_url, publisher=name, data_licence="https://e.org/l") as client:
            answer = client.get("/openactive")
            (embedded,) = embedded_in(answer.text)
            assert json.loads(embedded)["publisher"]["name"] == name
            assert answer.text.count("</script>") == 1
            assert page(client, f"{FEEDS}/events")["license"] == "https://e.org/l"


def embedded_in(text: str) -> Iterator[str]:
    """The JSON-LD in a page."""
    yield from re.findall(r'<script type="application/ld\+json">(.*?)</script>', text)
