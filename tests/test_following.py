"""Listings follow what they show, and give away nothing private of it."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests import build
from tests.test_opportunities import edit, ids, push
from tests.test_service import problem

PARTNERSHIP = "/v1/partnerships/birmingham"


def make_venue(client: TestClient, headers: build.Headers, **more: Any) -> str:
    body = {
        "organisation": "dance-hub",
        "name": "The Refuge",
        "address": "12 Secret Street",
        "postcode": "B1 1BB",
        **more,
    }
    answer = client.post("/v1/venues", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["slug"])


def make_programme(client: TestClient, headers: build.Headers, **more: Any) -> None:
    body = {
        "title": "Secret plan",
        "kind": "activity",
        "partnerships": ["birmingham"],
        "status": "planned",
        **more,
    }
    answer = client.post("/v1/programmes", json=body, headers=headers)
    assert answer.status_code == 201, answer.text


class TestVenues:
    def test_one_that_is_hidden_is_no_longer_found_nearby(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = make_venue(client, keys.staff)
        push(client, trusted, venue=venue)
        here = "near=B1%201BB&within_km=0.1"
        assert ids(client, here) == ["1"]
        edit(client, keys.staff, f"/v1/venues/{venue}", {"hide_exact_address": True})
        assert ids(client, here) == []

    def test_one_that_moves_takes_its_listings_along(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = make_venue(client, keys.staff)
        made = push(client, trusted, venue=venue, outreach_areas=["E10000028"])
        edit(client, keys.staff, f"/v1/venues/{venue}", {"postcode": "WV1 1SE"})
        item = client.get(f"/v1/opportunities/{made['id']}").json()
        assert item["authority"]["code"] == "E08000031"
        shown = {one["slug"] for one in item["partnerships"]}
        assert "wolverhampton" in shown
        assert "birmingham" not in shown
        assert ids(client, "authority=E08000025") == []
        for query in ("authority=E08000031", "authority=E10000028", "near=WV11SE&within_km=1"):
            assert ids(client, query) == ["1"], query
        waiting = "status=any"
        assert ids(client, waiting, keys.coordinator("wolverhampton")) == ["1"]

    def test_one_of_a_private_organisation_is_not_given_away(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.organisation(client, keys, "Shelter", visibility="private")
        venue = make_venue(client, keys.staff, organisation="shelter")
        path = "/v1/sources/web/opportunities/1"
        refused = client.put(path, json=build.listing(venue=venue), headers=trusted)
        assert problem(refused, 422, "invalid_item")["errors"][0]["code"] == "unknown"


class TestPartnerships:
    @pytest.fixture
    def listed(self, client: TestClient, trusted: build.Headers) -> str:
        return f"/v1/opportunities/{push(client, trusted)['id']}"

    def test_an_area_that_is_given_up(
        self, client: TestClient, keys: build.Keys, listed: str
    ) -> None:
        tag = client.get(PARTNERSHIP, headers=keys.staff).headers["etag"]
        answer = client.put(
            f"{PARTNERSHIP}/areas", json={"items": []}, headers={**keys.staff, "If-Match": tag}
        )
        assert answer.status_code == 200, answer.text
        assert client.get(listed).json()["partnerships"] == []

    def test_one_that_becomes_private(
        self, client: TestClient, keys: build.Keys, listed: str
    ) -> None:
        edit(client, keys.staff, PARTNERSHIP, {"visibility": "private"})
        assert client.get(listed).json()["partnerships"] == []

    def test_one_that_is_deleted(self, client: TestClient, keys: build.Keys, listed: str) -> None:
        tag = client.get(PARTNERSHIP, headers=keys.staff).headers["etag"]
        client.delete(PARTNERSHIP, headers={**keys.staff, "If-Match": tag})
        assert client.get(listed).json()["partnerships"] == []


class TestProgrammes:
    def test_a_private_one_is_not_given_away(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        make_programme(client, keys.staff, visibility="private")
        path = "/v1/sources/web/opportunities/1"
        refused = client.put(path, json=build.listing(programme="secret-plan"), headers=trusted)
        assert problem(refused, 422, "invalid_item")["errors"][0]["code"] == "unknown"

    def test_one_that_becomes_private_is_shown_no_more(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        make_programme(client, keys.staff)
        made = push(client, trusted, programme="secret-plan")
        edit(client, keys.staff, "/v1/programmes/secret-plan", {"visibility": "private"})
        assert client.get(f"/v1/opportunities/{made['id']}").json()["programme"] is None


class TestOrganisations:
    def test_one_that_becomes_private_is_named_no_more(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        edit(client, keys.staff, "/v1/organisations/dance-hub", {"visibility": "private"})
        assert client.get(f"/v1/opportunities/{made['id']}").json()["provider"] is None

    def test_the_keys_of_a_deleted_one_end(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        path = "/v1/organisations/dance-hub"
        tag = client.get(path, headers=keys.staff).headers["etag"]
        client.delete(path, headers={**keys.staff, "If-Match": tag})
        answer = client.put(
            "/v1/sources/web/opportunities/1", json=build.listing(), headers=trusted
        )
        problem(answer, 401, "unauthenticated")
