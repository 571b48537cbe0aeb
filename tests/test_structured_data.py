"""Structured data: a listing in the words of schema.org, and the sitemap that leads to it."""

import json
import re
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from app.feeds import sitemaps, structured_data
from app.kit.conditional import prefers
from app.settings import Settings
from tests import build
from tests.conftest import serving
from tests.test_answers import counting, counts, gives
from tests.test_authorities import statements
from tests.test_opportunities import act, push
from tests.test_service import problem

PATH = "/v1/opportunities"
LINKED = {"accept": "application/ld+json"}
NOON = {"starts_at": "2027-06-05T12:00", "ends_at": "2027-06-05T13:00"}


def told(client: TestClient, identifier: str) -> Any:
    answer = client.get(f"{PATH}/{identifier}.jsonld")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/ld+json"
    return answer.json()


def pushed(client: TestClient, headers: build.Headers, **more: Any) -> Any:
    return told(client, push(client, headers, **more)["id"])


class TestEvents:
    """GET /v1/opportunities/{id}.jsonld"""

    def test_one_session(self, client: TestClient, trusted: build.Headers) -> None:
        event = pushed(
            client,
            trusted,
            summary="For beginners.",
            sessions=[{**NOON, "capacity": 12, "places_left": 3}],
            booking={"url": "https://example.org/book"},
            image={"url": "https://example.org/a.jpg", "alt": "Dancers"},
        )
        shown = client.get(f"{PATH}/{event['identifier']}").json()
        assert event["@context"] == "https://schema.org"
        assert event["@type"] == "ChildrensEvent"
        assert event["@id"] == shown["href"]
        assert event["name"] == "Saturday dance club"
        assert event["description"] == "For beginners."
        assert event["startDate"] == "2027-06-05T12:00:00+01:00"
        assert event["endDate"] == "2027-06-05T13:00:00+01:00"
        assert event["eventStatus"] == "https://schema.org/EventScheduled"
        assert event["eventAttendanceMode"] == "https://schema.org/OfflineEventAttendanceMode"
        assert event["organizer"] == {
            "@type": "Organization",
            "@id": "http://testserver/v1/organisations/dance-hub",
            "name": "Dance Hub",
            "url": "http://testserver/v1/organisations/dance-hub",
        }
        assert event["audience"] == {
            "@type": "PeopleAudience", "suggestedMinAge": 7.0, "suggestedMaxAge": 11.0
        }  # fmt: skip
        assert event["typicalAgeRange"] == "7-11"
        assert event["location"]["address"]["postalCode"] == "B1 1BB"
        assert event["location"]["geo"]["latitude"] == shown["venue"]["lat"]
        assert event["isAccessibleForFree"] is False
        assert event["offers"]["price"] == "4.50"
        assert event["offers"]["priceCurrency"] == "GBP"
        assert event["offers"]["url"] == event["url"] == "https://example.org/book"
        assert event["image"]["caption"] == "Dancers"
        assert event["maximumAttendeeCapacity"] == 12
        assert event["remainingAttendeeCapacity"] == 3
        assert not {"subEvent", "eventSchedule"} & set(event)

    def test_several_sessions(self, client: TestClient, trusted: build.Headers) -> None:
        days = [{**NOON, "status": "cancelled"}, {"date": "2027-06-12"}, {"date": "2027-06-19"}]
        event = pushed(client, trusted, sessions=days)
        assert (event["startDate"], event["endDate"]) == ("2027-06-12", "2027-06-19")
        assert event["eventStatus"].endswith("/EventScheduled")
        assert [one["eventStatus"].rpartition("/")[2] for one in event["subEvent"]] == [
            "EventCancelled", "EventScheduled", "EventScheduled",
        ]  # fmt: skip
        assert event["subEvent"][1]["startDate"] == event["subEvent"][1]["endDate"] == "2027-06-12"
        assert len({one["@id"] for one in event["subEvent"]}) == 3

    def test_all_cancelled_or_full(self, client: TestClient, trusted: build.Headers) -> None:
        event = pushed(client, trusted, sessions=[{**NOON, "status": "cancelled"}])
        assert event["eventStatus"] == "https://schema.org/EventCancelled"
        event = pushed(client, trusted, sessions=[{**NOON, "status": "full"}])
        assert event["offers"]["availability"] == "https://schema.org/SoldOut"
        assert event["remainingAttendeeCapacity"] == 0

    def test_a_rule(self, client: TestClient, trusted: build.Headers) -> None:
        rule = {
            "rrule": "FREQ=WEEKLY;BYDAY=SA;COUNT=5", "exdates": ["2027-06-19"],
            "starts_at": "2027-06-05T10:00", "ends_at": "2027-06-05T11:30",
        }  # fmt: skip
        event = pushed(client, trusted, sessions=[], recurrence=rule)
        assert event["eventSchedule"] == {
            "@type": "Schedule",
            "startDate": "2027-06-05",
            "startTime": "10:00:00",
            "endTime": "11:30:00",
            "scheduleTimezone": "Europe/London",
            "repeatFrequency": "P1W",
            "repeatCount": 5,
            "byDay": ["https://schema.org/Saturday"],
            "exceptDate": ["2027-06-19"],
        }
        monthly = {**rule, "rrule": "FREQ=MONTHLY;BYDAY=1SA;UNTIL=20270904", "exdates": []}
        event = pushed(client, trusted, sessions=[], recurrence=monthly)
        assert event["eventSchedule"]["byDay"] == ["1SA"]
        assert event["eventSchedule"]["endDate"] == "2027-09-04"

    @pytest.mark.parametrize(
        ("more", "kind"),
        [
            ({"kind": "workshop", "age_min": 14, "age_max": 25}, "EducationEvent"),
            ({"kind": "cpd", "age_min": 5, "age_max": 11}, "EducationEvent"),
            ({"kind": "performance", "age_min": 5, "age_max": None}, "Event"),
            ({"kind": "performance", "age_min": 5, "age_max": 11}, "ChildrensEvent"),
            ({"kind": "funding", "sessions": [], "always_available": True}, "Service"),
            ({"kind": "loan_resource", "sessions": [], "always_available": True},
             "LearningResource"),
        ],
    )  # fmt: skip
    def test_what_it_is(
        self, client: TestClient, trusted: build.Headers, more: dict[str, Any], kind: str
    ) -> None:
        thing = pushed(client, trusted, **more)
        assert thing["@type"] == kind
        assert ("startDate" in thing) is kind.endswith("Event")
        assert "organizer" in thing or thing["provider"]["name"] == "Dance Hub"

    def test_online(self, client: TestClient, trusted: build.Headers) -> None:
        booking = {"url": "https://example.org/join"}
        event = pushed(client, trusted, delivery="online", venue=None, booking=booking)
        assert event["location"] == {
            "@type": "VirtualLocation", "url": "https://example.org/join"
        }  # fmt: skip
        assert event["eventAttendanceMode"] == "https://schema.org/OnlineEventAttendanceMode"
        event = pushed(client, trusted, delivery="hybrid", booking=booking)
        assert [one["@type"] for one in event["location"]] == ["Place", "VirtualLocation"]

    def test_it_comes_to_people(self, client: TestClient, trusted: build.Headers) -> None:
        areas = ["E08000025", "E08000031"]
        event = pushed(client, trusted, delivery="outreach", venue=None, outreach_areas=areas)
        assert [one["name"] for one in event["location"]] == ["Birmingham", "Wolverhampton"]

    @pytest.mark.parametrize(
        ("price", "expected"),
        [
            ({"free": True}, {"@type": "Offer", "price": "0"}),
            ({"from": "3.00", "to": "9.00"},
             {"@type": "AggregateOffer", "lowPrice": "3.00", "highPrice": "9.00"}),
            ({"pay_what_you_can": True}, {"@type": "Offer", "description": "Pay what you can"}),
        ],
    )  # fmt: skip
    def test_prices(
        self,
        client: TestClient,
        trusted: build.Headers,
        price: dict[str, Any],
        expected: dict[str, str],
    ) -> None:
        offer = pushed(client, trusted, price=price)["offers"]
        assert {name: offer.get(name) for name in expected} == expected
        assert "price" in expected or "price" not in offer

    def test_a_hidden_place(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = {
            "name": "A refuge", "organisation": "dance-hub", "address": "1 Secret Street",
            "postcode": "B1 1BB", "hide_exact_address": True,
        }  # fmt: skip
        made = client.post("/v1/venues", json=venue, headers=keys.staff).json()
        event = pushed(client, trusted, venue=made["slug"])
        assert event["location"] == {
            "@type": "Place",
            "name": "Birmingham",
            "address": {
                "@type": "PostalAddress", "addressLocality": "Birmingham", "addressCountry": "GB"
            },
        }  # fmt: skip

    def test_nothing_is_empty(self, client: TestClient, trusted: build.Headers) -> None:
        text = json.dumps(pushed(client, trusted))
        assert not re.search(r'null|""|\[\]|\{\}', text)


class TestNegotiation:
    """GET /v1/opportunities/{id} with Accept"""

    def test_by_accept(self, client: TestClient, trusted: build.Headers) -> None:
        one = f"{PATH}/{push(client, trusted)['id']}"
        plain, linked = client.get(one), client.get(one, headers=LINKED)
        assert linked.content == client.get(f"{one}.jsonld").content
        assert linked.headers["content-type"] == "application/ld+json"
        assert plain.json()["title"] == "Saturday dance club"
        assert plain.headers["etag"] != linked.headers["etag"]
        for answer in (plain, linked):
            assert "accept" in answer.headers["vary"].lower().replace("accept-encoding", "")
        tag = linked.headers["etag"]
        assert client.get(one, headers={**LINKED, "if-none-match": tag}).status_code == 304

    def test_what_is_kept_is_not_given_for_the_other(self, database_url: str) -> None:
        with counting(database_url) as client:
            keys = build.Keys(build.database_of(client))
            build.organisation(client, keys)
            build.source(client, keys, key="web")
            one = f"{PATH}/{push(client, keys.publisher('dance-hub'))['id']}"
            for _ in range(3):
                assert "title" in client.get(one).json()
                assert "@type" in client.get(one, headers=LINKED).json()
            assert gives(client, one)
            assert counts(client)["given"] >= 1

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("application/ld+json", True),
            ("text/html, application/LD+JSON;q=0.9", True),
            ("application/ld+json, application/json", True),
            ("application/ld+json;q=0.5, application/json", False),
            ("application/ld+json;q=0", False),
            ("*/*", False),
            ("", False),
        ],
    )
    def test_what_is_preferred(self, header: str, expected: bool) -> None:
        assert prefers(header, "application/ld+json") is expected


class TestScripts:
    """GET /v1/opportunities/{id}/embed.js"""

    def test_a_script_with_the_same(self, client: TestClient, trusted: build.Headers) -> None:
        title = '</script><script>alert(1)</script> ‘quoted’ "twice"'
        identifier = push(client, trusted, title=title)["id"]
        answer = client.get(f"{PATH}/{identifier}/embed.js")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert "</script" not in answer.text
        assert "<script" not in answer.text
        match = re.search(r"JSON\.stringify\((.*)\);document", answer.text)
        assert match is not None
        assert json.loads(match[1]) == told(client, identifier)
        assert told(client, identifier)["name"] == title
        assert b"<" not in client.get(f"{PATH}/{identifier}.jsonld").content

    def test_line_ends_of_old(self) -> None:
        found = structured_data.script(json.dumps(document("a\u2028b")), "")
        assert b"a\\u2028b" in found


def document(title: str) -> dict[str, Any]:
    """As little of a stored document as there can be."""
    empty = dict.fromkeys(
        (
            "kind", "summary", "description", "provider", "venue", "recurrence", "price", "booking",
            "image", "age_min", "age_max", "authority",
        )
    )  # fmt: skip
    lists: dict[str, list[Any]] = {
        name: [] for name in ("artforms", "themes", "audiences", "sessions", "outreach_areas")
    }
    return {
        **empty, **lists, "id": "1", "href": "@/1", "title": title, "delivery": "online",
        "source": {"url": None},
    }  # fmt: skip


@pytest.mark.parametrize("ending", [".jsonld", "/embed.js"])
class TestGoneAndMoved:
    """Both addresses of structured data: what is not there."""

    def test_unknown(self, client: TestClient, ending: str) -> None:
        problem(client.get(f"{PATH}/{UUID(int=7)}{ending}"), 404, "not_found")
        problem(client.get(f"{PATH}/nonsense{ending}"), 422, "invalid")

    def test_not_public(self, client: TestClient, moderated: build.Headers, ending: str) -> None:
        one = f"{PATH}/{push(client, moderated)['id']}{ending}"
        problem(client.get(one), 404, "not_found")
        assert client.get(one, headers=moderated).headers["cache-control"] == "private, no-store"

    def test_withdrawn_and_merged(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, ending: str
    ) -> None:
        kept, other = push(client, trusted, "1")["id"], push(client, trusted, "2")["id"]
        assert act(client, keys.staff, other, "merge", into=kept).status_code == 200
        answer = client.get(f"{PATH}/{other}{ending}", follow_redirects=False)
        assert answer.status_code == 308
        assert answer.headers["location"] == f"http://testserver{PATH}/{kept}{ending}"
        act(client, keys.staff, kept, "withdraw", reason="No more.")
        problem(client.get(f"{PATH}/{kept}{ending}"), 410, "gone")


NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def entries(client: TestClient, path: str, name: str) -> dict[str, str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(answer.content)  # noqa: S314 - it is our own
    return {
        str(one.findtext("s:loc", None, NAMES)): str(one.findtext("s:lastmod", None, NAMES))
        for one in root.findall(f"s:{name}", NAMES)
    }


class TestSitemap:
    """GET /sitemap.xml and its parts"""

    def test_parts(
        self, client: TestClient, trusted: build.Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sitemaps, "MOST_ADDRESSES", 4)
        monkeypatch.setattr(sitemaps, "AT_ONCE", 2)
        ids = [push(client, trusted, str(number))["id"] for number in range(9)]
        parts = entries(client, "/sitemap.xml", "sitemap")
        found: dict[str, str] = {}
        for address, changed in parts.items():
            some = entries(client, address.removeprefix("http://testserver"), "url")
            assert 0 < len(some) <= 4
            assert max(some.values()) == changed
            found |= some
        shown = {one: client.get(f"{PATH}/{one}").json() for one in ids}
        assert found == {
            one["href"]: one["updated_at"].partition(".")[0].removesuffix("Z") + "Z"
            for one in shown.values()
        }

    def test_only_what_is_published(self, client: TestClient, moderated: build.Headers) -> None:
        push(client, moderated)
        assert entries(client, "/sitemap.xml", "sitemap") == {}
        problem(client.get("/sitemaps/opportunities-1.xml"), 404, "not_found")
        problem(client.get("/sitemaps/opportunities-0.xml"), 422, "invalid")

    def test_asking_again_costs_one_look_up(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        for path in ("/sitemap.xml", "/sitemaps/opportunities-1.xml"):
            tag = client.get(path).headers["etag"]
            with statements(build.database_of(client)) as ran:
                assert client.get(path, headers={"if-none-match": tag}).status_code == 304
            assert len([one for one in ran if not one.startswith(("BEGIN", "SET"))]) <= 1, ran

    def test_pages_of_a_front_end(self, database_url: str) -> None:
        page = "https://front.example.org/what?a=1&id={id}"
        with serving(database_url, listing_page=page) as client:
            keys = build.Keys(build.database_of(client))
            build.organisation(client, keys)
            build.source(client, keys, key="web")
            one = push(client, keys.publisher("dance-hub"))["id"]
            found = entries(client, "/sitemaps/opportunities-1.xml", "url")
            assert list(found) == [page.replace("{id}", one)]
        with pytest.raises(ValueError, match=r"Write \{id\}"):
            Settings(listing_page="https://front.example.org/")
