"""Open Referral UK: published listings as services, found by the filters of the standard."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from tests import build
from tests.test_opportunities import act, push
from tests.test_service import problem

BASE = "/oruk/v3"
SATURDAYS = [
    {"starts_at": f"2027-06-{day:02}T10:00:00", "ends_at": f"2027-06-{day:02}T11:30:00"}
    for day in (5, 12, 19)
]


@pytest.fixture
def trusted(client: TestClient, keys: build.Keys) -> build.Headers:
    build.organisation(client, keys)
    build.source(client, keys, key="web")
    return keys.publisher("dance-hub")


def get(client: TestClient, path: str, **parameters: Any) -> Any:
    answer = client.get(f"{BASE}{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert_plain(found)
    return found


def assert_plain(value: Any) -> None:
    """No nulls anywhere, and every id a UUID."""
    assert value is not None
    if isinstance(value, dict):
        for name, one in value.items():
            if name == "id" or name.endswith("_id"):
                UUID(one)
            assert_plain(one)
    elif isinstance(value, list):
        for one in value:
            assert_plain(one)


def names(client: TestClient, path: str = "/services", **parameters: Any) -> list[str]:
    found = get(client, path, **parameters)["contents"]
    return [one["name"] if "name" in one else one["service"]["name"] for one in found]


def term(client: TestClient, name: str, taxonomy: str = "Artforms") -> str:
    found = get(client, "/taxonomy_terms", search=name, per_page=100)["contents"]
    (one,) = [one for one in found if one["name"] == name and one["taxonomy"] == taxonomy]
    return str(one["id"])


def taxonomy(client: TestClient, name: str) -> str:
    found = get(client, "/taxonomies")["contents"]
    (one,) = [one for one in found if one["name"] == name]
    return str(one["id"])


class TestRoot:
    def test_what_is_spoken(self, client: TestClient) -> None:
        for path in ("", "/"):
            assert get(client, path) == {
                "version": "HSDS-UK-3.0",
                "profile": "https://docs.openreferraluk.org/",
                "openapi_url": "http://testserver/openapi.json",
            }


class TestServices:
    def test_a_page(self, client: TestClient, trusted: build.Headers) -> None:
        for number in range(5):
            push(client, trusted, str(number), title=f"Club {number}")
        first = get(client, "/services", per_page=2)
        assert {name: value for name, value in first.items() if name != "contents"} == {
            "total_items": 5, "total_pages": 3, "page_number": 1, "size": 2,
            "first_page": True, "last_page": False, "empty": False,
        }  # fmt: skip
        assert [one["name"] for one in first["contents"]] == ["Club 0", "Club 1"]
        last = get(client, "/services", per_page=2, page=3)
        assert (last["size"], last["last_page"], last["first_page"]) == (1, True, False)
        beyond = get(client, "/services", per_page=2, page=4)
        assert (beyond["contents"], beyond["empty"], beyond["total_items"]) == ([], True, 5)

    def test_nothing_yet(self, client: TestClient) -> None:
        found = get(client, "/services")
        assert (found["total_items"], found["total_pages"], found["empty"]) == (0, 1, True)
        assert (found["first_page"], found["last_page"]) == (True, True)

    def test_a_summary(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(client, trusted, summary="Come and dance.", contact={"email": "a@example.org"})
        (one,) = get(client, "/services")["contents"]
        organization = get(client, "/organizations")["contents"][0]
        assert one == {
            "id": made["id"],
            "organization_id": organization["id"],
            "organization": organization,
            "name": "Saturday dance club",
            "description": "Come and dance.",
            "url": f"http://testserver/v1/opportunities/{made['id']}",
            "email": "a@example.org",
            "status": "active",
            "fees": "£4.50 per child",
            "minimum_age": 7,
            "maximum_age": 11,
            "last_modified": one["last_modified"],
        }
        (minimal,) = get(client, "/services", minimal="true")["contents"]
        assert minimal == {name: one[name] for name in ("id", "name", "status")}
        (full,) = get(client, "/services", full="true")["contents"]
        assert full == get(client, f"/services/{made['id']}")

    @pytest.mark.parametrize(
        ("parameters", "where"),
        [
            ({"page": 0}, "?page"),
            ({"per_page": 101}, "?per_page"),
            ({"minimum_age": -1}, "?minimum_age"),
            ({"taxonomy_id": "dance"}, "?taxonomy_id/0"),
            ({"day": "Saturday"}, "?day/0"),
            ({"start_time": "25:00"}, "?start_time"),
            ({"modified_after": "yesterday"}, "?modified_after"),
            ({"colour": "red"}, "?colour"),
        ],
    )
    def test_what_is_wrong_is_told(
        self, client: TestClient, parameters: dict[str, Any], where: str
    ) -> None:
        answer = client.get(f"{BASE}/services", params=parameters)
        assert problem(answer, 422, "invalid")["errors"][0]["pointer"].startswith(where[:-2])


class TestFilters:
    @pytest.fixture(autouse=True)
    def pushed(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted, "1", title="Street dance", sessions=SATURDAYS, themes=["careers"])
        push(
            client, trusted, "2", title="Clay for families", artforms=["craft", "visual_arts"],
            kind="workshop", age_min=3, age_max=6, audiences=["families"], access=["bsl"],
            sessions=[{"starts_at": "2027-06-08T17:00:00", "ends_at": "2027-06-08T18:00:00"}],
            venue={"name": "Hall", "address": "Bridge Street", "postcode": "CV1 5FB"},
        )  # fmt: skip
        push(
            client, trusted, "3", title="Choir", artforms=["music"], age_min=16, age_max=None,
            sessions=[{"date": "2027-06-12"}],
        )  # fmt: skip

    def test_words(self, client: TestClient) -> None:
        assert names(client, search="choirs") == ["Choir"]
        assert names(client, search="zzz") == []

    def test_terms(self, client: TestClient) -> None:
        craft, art = term(client, "Craft and design"), term(client, "Visual arts")
        dance = term(client, "Dance")
        assert names(client, taxonomy_term_id=craft) == ["Clay for families"]
        assert names(client, taxonomy_term_id=[craft, art]) == ["Clay for families"]
        assert names(client, taxonomy_term_id=[craft, dance]) == []
        assert names(client, taxonomy_term_id="00000000-0000-4000-8000-000000000000") == []
        workshop = term(client, "Workshop", "Kinds of opportunity")
        assert names(client, taxonomy_term_id=workshop) == ["Clay for families"]
        club = term(client, "Club", "Kinds of opportunity")
        assert names(client, taxonomy_term_id=[workshop, club]) == []
        careers = term(client, "Careers and work experience", "Themes")
        assert names(client, taxonomy_term_id=careers) == ["Street dance"]

    def test_taxonomies(self, client: TestClient) -> None:
        assert names(client, taxonomy_id=taxonomy(client, "Themes")) == ["Street dance"]
        assert names(client, taxonomy_id=taxonomy(client, "Audiences")) == ["Clay for families"]
        assert len(names(client, taxonomy_id=taxonomy(client, "Kinds of opportunity"))) == 3
        assert names(client, taxonomy_id="00000000-0000-4000-8000-000000000000") == []

    def test_ages(self, client: TestClient) -> None:
        assert names(client, minimum_age=8, maximum_age=8) == ["Street dance"]
        assert names(client, maximum_age=7) == ["Street dance", "Clay for families"]
        assert names(client, minimum_age=12) == ["Choir"]
        assert names(client, minimum_age=11.5, maximum_age=15) == []

    def test_days_and_times_are_of_one_session(self, client: TestClient) -> None:
        assert names(client, day="SA") == ["Street dance", "Choir"]
        assert names(client, day=["TU", "SA"], start_time="12:00") == ["Clay for families"]
        assert names(client, start_time="10:00", end_time="11:30") == ["Street dance"]
        assert names(client, start_time="10:00", end_time="11:29") == []
        assert names(client, day="TU", end_time="12:00") == []

    def test_organisation_and_time_of_change(self, client: TestClient) -> None:
        (organization,) = get(client, "/organizations")["contents"]
        assert len(names(client, organization_id=organization["id"])) == 3
        assert names(client, organization_id="00000000-0000-4000-8000-000000000000") == []
        whole = get(client, "/services")["contents"]
        latest = max(one["last_modified"] for one in whole)
        assert names(client, modified_after=latest) == []
        assert len(names(client, modified_after="2020-01-01T00:00:00Z")) == 3

    def test_together(self, client: TestClient) -> None:
        found: dict[str, Any] = {"search": "street", "minimum_age": 8, "day": "SA"}
        assert names(client, **found) == ["Street dance"]
        assert names(client, **found | {"day": "SU"}) == []

    def test_nearby(self, client: TestClient) -> None:
        path = "/service_at_locations"
        assert names(client, path, postcode="B1 1BB", proximity=2_000) == ["Street dance", "Choir"]
        assert names(client, path, postcode="cv15fb") == ["Clay for families"]
        assert names(client, path, postcode="CV1 5FB", search="choir") == []
        refused: tuple[tuple[dict[str, Any], str], ...] = (
            ({"proximity": 5}, "?proximity"),
            ({"postcode": "nowhere"}, "?postcode"),
            ({"postcode": "B1 1ZZ"}, "?postcode"),
            ({"postcode": "B1 1BB", "proximity": 0}, "?proximity"),
        )
        for parameters, where in refused:
            answer = client.get(f"{BASE}{path}", params=parameters)
            assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == where


class TestService:
    def test_all_that_is_known(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(
            client,
            trusted,
            sessions=[*SATURDAYS, {"starts_at": "2027-06-20T10:00:00"}],
            venue={
                "name": "The Dance Room", "address": "1 Centenary Square, Birmingham",
                "postcode": "B1 1BB", "access": ["wheelchair"],
            },
            outreach_areas=["E08000026"],
            description="<p>Come and dance.</p><ul><li>Bring water</li></ul>",
        )  # fmt: skip
        found = get(client, f"/services/{made['id']}")
        weekly, once = found["schedules"]
        assert {name: value for name, value in weekly.items() if not name.endswith("id")} == {
            "dtstart": "2027-06-05", "valid_from": "2027-06-05", "valid_to": "2027-06-19",
            "freq": "WEEKLY", "interval": 1, "byday": "SA",
            "opens_at": "10:00:00", "closes_at": "11:30:00",
        }  # fmt: skip
        assert "freq" not in once
        assert found["description"] == "Come and dance.\n\n• Bring water"
        (place,) = found["service_at_locations"]
        (address,) = place["location"]["addresses"]
        assert (address["address_1"], address["city"], address["postal_code"]) == (
            "1 Centenary Square", "Birmingham", "B1 1BB",
        )  # fmt: skip
        assert place["location"]["accessibility"][0]["description"] == "Wheelchair accessible"
        assert found["cost_options"][0]["amount"] == 4.5
        assert [one["name"] for one in found["service_areas"]] == ["Coventry"]
        carried = [one["taxonomy_term"]["name"] for one in found["attributes"]]
        assert carried == ["Dance", "Club"]
        alone = get(client, f"/service_at_locations/{place['id']}")
        assert alone["location"] == place["location"]
        assert alone["service"]["id"] == made["id"]

    def test_always_there_online_and_free(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(
            client, trusted, sessions=[], always_available=True, venue=None, delivery="online",
            price={"free": True},
        )  # fmt: skip
        found = get(client, f"/services/{made['id']}")
        assert "schedules" not in found
        assert found["service_at_locations"][0]["location"]["location_type"] == "virtual"
        assert (found["fees"], found["cost_options"][0]["amount"]) == ("Free", 0)

    def test_what_stops_being_public_is_gone_at_once(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"{BASE}/services/{made['id']}"
        before = client.get(f"{BASE}/services").headers["etag"]
        assert client.get(path).status_code == 200
        act(client, keys.staff, made["id"], "withdraw", reason="It is off.")
        problem(client.get(path), 404, "not_found")
        problem(client.get(f"{BASE}/service_at_locations/{made['id']}"), 404, "not_found")
        answer = client.get(f"{BASE}/services", headers={"If-None-Match": before})
        assert (answer.status_code, answer.json()["total_items"]) == (200, 0)

    @pytest.mark.parametrize(
        "path",
        ["services", "service_at_locations", "organizations", "taxonomies", "taxonomy_terms"],
    )
    def test_unknown(self, client: TestClient, path: str) -> None:
        answer = client.get(f"{BASE}/{path}/00000000-0000-4000-8000-000000000000")
        problem(answer, 404, "not_found")
        problem(client.get(f"{BASE}/{path}/x"), 422, "invalid")


class TestOrganizations:
    def test_those_that_are_public(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys, description="<p>We dance.</p>")
        build.organisation(client, keys, name="Hidden House", visibility="private")
        (one,) = get(client, "/organizations")["contents"]
        assert (one["name"], one["description"]) == ("Dance Hub", "We dance.")
        assert get(client, f"/organizations/{one['id']}") == one
        assert names(client, "/organizations", search="DANCE") == ["Dance Hub"]
        assert names(client, "/organizations", search="%") == []


class TestTaxonomies:
    def test_terms_of_each(self, client: TestClient) -> None:
        found = get(client, "/taxonomies")["contents"]
        assert [one["name"] for one in found] == [
            "Artforms", "Themes", "Audiences", "Access and SEND features", "Kinds of opportunity",
        ]  # fmt: skip
        for one in found:
            assert get(client, f"/taxonomies/{one['id']}") == one
            terms = get(client, "/taxonomy_terms", taxonomy_id=one["id"], per_page=100)
            assert terms["total_items"] > 5
            assert {term["taxonomy_id"] for term in terms["contents"]} == {one["id"]}
        first = terms["contents"][0]
        assert get(client, f"/taxonomy_terms/{first['id']}") == first


class TestCost:
    @pytest.fixture
    def statements(self, client: TestClient) -> Iterator[list[str]]:
        found: list[str] = []
        engine = build.database_of(client).read_engine

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            found.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        yield found
        event.remove(engine, "before_cursor_execute", note)

    def test_no_query_a_row_and_one_look_up_for_what_is_known(
        self, client: TestClient, trusted: build.Headers, statements: list[str]
    ) -> None:
        for number in range(3):
            push(client, trusted, str(number))
        client.get(f"{BASE}/services", params={"full": "true"})
        for number in range(3, 12):
            push(client, trusted, str(number))

        def cost(known: str = "") -> tuple[int, str]:
            statements.clear()
            answer = client.get(
                f"{BASE}/services", params={"full": "true"}, headers={"If-None-Match": known}
            )
            assert answer.status_code == (304 if known else 200)
            return len(statements), answer.headers["etag"]

        many, tag = cost()
        assert many <= 14, statements
        few, _ = cost(tag)
        assert few <= 2, statements
