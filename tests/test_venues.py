"""Venues through HTTP: where they are, who edits them, and what stays hidden."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.organisations.queries import organisations_by_ref, venues_by_ref, venues_of
from tests import build
from tests.build import Headers, Keys
from tests.test_organisations import counted, database_of, seat, under

PATH = "/v1/venues"


def make(
    client: TestClient, headers: Headers, organisation: str | None, name: str, **more: Any
) -> Any:
    """A new venue's body."""
    body = {"organisation": organisation, "name": name, "postcode": "B1 1BB", **more}
    answer = client.post(PATH, json=body, headers=dict(headers))
    assert answer.status_code == 201, answer.text
    return answer.json()


def slugs(client: TestClient, query: str, headers: Headers | None = None) -> list[str]:
    """The slugs that a list answers with."""
    answer = client.get(f"{PATH}{query}", headers=dict(headers or {}))
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


def edit(client: TestClient, headers: Headers, slug: str, /, **patch: Any) -> Any:
    """The answer to a PATCH under the version that these headers read."""
    path = f"{PATH}/{slug}"
    return client.patch(path, json=patch, headers=under(client, path, headers))


@pytest.fixture(scope="module")
def hub(shared_client: TestClient, shared_keys: Keys) -> str:
    """An organisation for the venues of this file."""
    slug: str = build.organisation(shared_client, shared_keys, "Venue Hub")["slug"]
    return slug


@pytest.fixture(scope="module")
def refuge(shared_client: TestClient, shared_keys: Keys, hub: str) -> Any:
    """A venue whose address is hidden."""
    return make(
        shared_client,
        shared_keys.staff,
        hub,
        "Secret Refuge",
        address="7 Whisper Lane",
        hide_exact_address=True,
        access=["step_free"],
        access_text="Ring at Whisper Lane.",
        url="https://example.org/whisper",
    )


class TestCreate:
    def test_anonymous(self, shared_client: TestClient, hub: str) -> None:
        body = {"organisation": hub, "name": "Hall", "postcode": "B1 1BB"}
        assert shared_client.post(PATH, json=body).status_code == 401

    def test_where_it_is_comes_from_its_postcode(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        answer = shared_client.post(
            PATH,
            json={
                "organisation": hub,
                "name": "Placed Hall",
                "address": "1 Centenary Square \nBirmingham",
                "postcode": " b1  1bb ",
                "access": ["step_free", "hearing_loop"],
            },
            headers=dict(shared_keys.staff),
        )
        assert answer.status_code == 201
        assert answer.headers["Location"] == f"http://testserver{PATH}/placed-hall"
        body = answer.json()
        assert body["postcode"] == "B1 1BB"
        assert body["address"] == "1 Centenary Square\nBirmingham"
        assert body["authority"]["code"] == "E08000025"
        assert 52.4 < body["lat"] < 52.6
        assert -2.0 < body["lng"] < -1.8
        assert body["organisation"]["slug"] == hub
        assert body["access"] == ["step_free", "hearing_loop"]

    def test_a_publisher_need_not_name_its_own(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Own Venues")
        own = shared_keys.publisher("own-venues")
        assert make(shared_client, own, None, "Own Room")["organisation"]["slug"] == "own-venues"

    def test_strangers_may_not(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        build.organisation(shared_client, shared_keys, "Venue Stranger")
        body = {"organisation": hub, "name": "Hall", "postcode": "B1 1BB"}
        for stranger in (
            shared_keys.publisher("venue-stranger"),
            shared_keys.coordinator("birmingham"),
        ):
            answer = shared_client.post(PATH, json=body, headers=dict(stranger))
            assert answer.status_code == 403

    def test_a_coordinator_adds_to_what_sits_on_its_partnership(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Seated Venues")
        seat(shared_client, shared_keys, "seated-venues", "dudley")
        coordinator = shared_keys.coordinator("dudley")
        assert make(shared_client, coordinator, "seated-venues", "Dudley Room")["version"] == 1

    def test_slugs_are_numbered_when_they_are_taken(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        made = [make(shared_client, shared_keys.staff, hub, "Main Stage") for _ in range(2)]
        assert [one["slug"] for one in made] == ["main-stage", "main-stage-2"]
        body = {"organisation": hub, "name": "X", "postcode": "B1 1BB", "slug": "main-stage"}
        taken = shared_client.post(PATH, json=body, headers=dict(shared_keys.staff))
        assert taken.status_code == 409

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"organisation": None}, "#/organisation"),
            ({"organisation": "nowhere"}, "#/organisation"),
            ({"name": ""}, "#/name"),
            ({"postcode": "Birmingham"}, "#/postcode"),
            ({"postcode": "B1"}, "#/postcode"),
            ({"postcode": "B1 9ZZ"}, "#/postcode"),
            ({"postcode": "EC1A 1BB"}, "#/postcode"),
            ({"postcode": None}, "#/postcode"),
            ({"address": "x" * 301}, "#/address"),
            ({"access": ["step_free", "magic"]}, "#/access/1"),
            ({"access": "step_free"}, "#/access"),
            ({"slug": "Not A Slug"}, "#/slug"),
            ({"easting": 1}, "#/easting"),
        ],
    )
    def test_invalid(
        self,
        shared_client: TestClient,
        shared_keys: Keys,
        hub: str,
        change: dict[str, Any],
        pointer: str,
    ) -> None:
        body = {"organisation": hub, "name": "Invalid", "postcode": "B1 1BB", **change}
        answer = shared_client.post(PATH, json=body, headers=dict(shared_keys.staff))
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


class TestHidden:
    def test_the_public_reads_only_the_district(
        self, shared_client: TestClient, shared_keys: Keys, hub: str, refuge: Any
    ) -> None:
        authority = shared_client.get("/v1/authorities/E08000025").json()
        by_id = shared_client.get(f"{PATH}/{refuge['id']}")
        (listed,) = [
            item
            for item in shared_client.get(f"{PATH}?organisation={hub}&limit=200").json()["items"]
            if item["id"] == refuge["id"]
        ]
        (embedded,) = [
            item
            for item in shared_client.get(f"/v1/organisations/{hub}").json()["venues"]
            if item["id"] == refuge["id"]
        ]
        for body in (by_id.json(), listed, embedded):
            assert body["name"] == "Birmingham"
            assert body["address"] == ""
            assert body["postcode"] == "B1"
            assert body["lat"] == authority["centre"]["lat"]
            assert body["lng"] == authority["centre"]["lng"]
            assert "whisper" not in str(body).lower()
            assert "secret" not in str(body).lower()
            assert body["access"] == ["step_free"]
        assert by_id.json()["access_text"] == ""
        assert by_id.json()["url"] is None

    def test_its_own_people_read_all(
        self, shared_client: TestClient, shared_keys: Keys, hub: str, refuge: Any
    ) -> None:
        for headers in (shared_keys.staff, shared_keys.publisher(hub)):
            body = shared_client.get(f"{PATH}/{refuge['slug']}", headers=dict(headers)).json()
            assert body == refuge
            assert body["name"] == "Secret Refuge"
            assert body["postcode"] == "B1 1BB"
        stranger = shared_keys.coordinator("birmingham")
        seen = shared_client.get(f"{PATH}/{refuge['slug']}", headers=dict(stranger)).json()
        assert seen["name"] == "Birmingham"

    @pytest.mark.parametrize("q", ["secret", "whisper", "refuge%20lane"])
    def test_it_is_not_found_by_its_words(
        self, shared_client: TestClient, shared_keys: Keys, hub: str, refuge: Any, q: str
    ) -> None:
        assert slugs(shared_client, f"?q={q}") == []
        stranger = shared_keys.coordinator("birmingham")
        assert slugs(shared_client, f"?q={q}", stranger) == []
        assert slugs(shared_client, f"?q={q}", shared_keys.publisher(hub)) == [refuge["slug"]]

    def test_its_slug_tells_nothing(
        self, shared_client: TestClient, shared_keys: Keys, hub: str, refuge: Any
    ) -> None:
        assert refuge["slug"].startswith("venue-birmingham")
        open_place = make(shared_client, shared_keys.staff, hub, "Telling Name")
        assert open_place["slug"] == "telling-name"
        answer = edit(shared_client, shared_keys.staff, "telling-name", hide_exact_address=True)
        assert answer.json()["slug"].startswith("venue-birmingham-")
        assert shared_client.get(f"{PATH}/telling-name").status_code == 404


@pytest.fixture(scope="module")
def some(shared_client: TestClient, shared_keys: Keys) -> None:
    """Venues that the tests of the list look for."""
    staff = shared_keys.staff
    build.organisation(shared_client, shared_keys, "List Venues")
    build.organisation(shared_client, shared_keys, "Veiled Venues", visibility="private")
    make(shared_client, staff, "list-venues", "Sought Barn", access=["step_free"])
    make(
        shared_client,
        staff,
        "list-venues",
        "Sought Chapel",
        postcode="WR1 2EY",
        address="Foregate",
        access=["bsl", "hearing_loop"],
    )
    make(shared_client, staff, "veiled-venues", "Sought Den")


class TestList:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?q=sought", ["sought-barn", "sought-chapel"]),
            ("?q=foregate%20SOUGHT", ["sought-chapel"]),
            ("?organisation=list-venues", ["sought-barn", "sought-chapel"]),
            ("?organisation=list-venues&authority=E08000025", ["sought-barn"]),
            ("?organisation=list-venues&authority=E10000034", ["sought-chapel"]),
            ("?q=sought&access=bsl", ["sought-chapel"]),
            ("?q=sought&access=bsl&access=step_free", ["sought-barn", "sought-chapel"]),
            ("?q=sought&access=quiet_space", []),
        ],
    )
    def test_filters(
        self, shared_client: TestClient, some: None, query: str, expected: list[str]
    ) -> None:
        assert slugs(shared_client, query) == expected

    def test_those_of_private_organisations_are_for_their_own(
        self, shared_client: TestClient, shared_keys: Keys, some: None
    ) -> None:
        assert shared_client.get(f"{PATH}/sought-den").status_code == 404
        own = shared_keys.publisher("veiled-venues")
        assert "sought-den" in slugs(shared_client, "?q=sought", own)
        unknown = shared_client.get(f"{PATH}?organisation=veiled-venues")
        assert unknown.status_code == 422

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("?organisation=nowhere", "?organisation"),
            ("?organisation=a%00b", "?organisation"),
            ("?authority=E09999999", "?authority"),
            ("?access=magic", "?access"),
            ("?near=B1+1BB", "?near"),
        ],
    )
    def test_what_it_does_not_know_is_named(
        self, shared_client: TestClient, query: str, pointer: str
    ) -> None:
        answer = shared_client.get(f"{PATH}{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    def test_pages_and_statements(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        for _ in range(5):
            make(shared_client, shared_keys.staff, hub, "Paged Place")
        found: list[str] = []
        address: str | None = f"{PATH}?q=paged&limit=2"
        while address:
            body = shared_client.get(address).json()
            found += [item["slug"] for item in body["items"]]
            address = body["next"]
        assert len(found) == len(set(found)) == 5
        runs = []
        for limit in (1, 5):
            with counted(shared_client) as statements:
                assert len(slugs(shared_client, f"?q=paged&limit={limit}")) == limit
            runs.append(len(statements))
        assert runs[0] == runs[1] <= 4


class TestGet:
    @pytest.mark.parametrize("ref", ["nowhere", "0190c8c4-0000-7000-8000-000000000000"])
    def test_missing(self, shared_client: TestClient, ref: str) -> None:
        assert shared_client.get(f"{PATH}/{ref}").status_code == 404

    def test_the_organisation_shows_its_venues_and_a_new_version(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        made = build.organisation(shared_client, shared_keys, "Showing Venues")
        venue = make(shared_client, shared_keys.staff, "showing-venues", "Shown Room")
        body = shared_client.get("/v1/organisations/showing-venues").json()
        assert [one["href"] for one in body["venues"]] == [venue["href"]]
        assert body["version"] == made["version"] + 1


class TestReplace:
    def test_anonymous(self, shared_client: TestClient) -> None:
        answer = shared_client.put(f"{PATH}/nowhere", json={}, headers={"If-Match": "*"})
        assert answer.status_code == 401

    def test_missing(self, shared_client: TestClient, shared_keys: Keys) -> None:
        answer = shared_client.put(
            f"{PATH}/nowhere",
            json={"name": "X", "postcode": "B1 1BB"},
            headers={**shared_keys.staff, "If-Match": "*"},
        )
        assert answer.status_code == 404

    def test_what_was_read_can_be_sent_back(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        made = make(shared_client, shared_keys.staff, hub, "Sent Back", address="1 Road")
        path = f"{PATH}/sent-back"
        own = shared_keys.publisher(hub)
        answer = shared_client.put(path, json=made, headers=under(shared_client, path, own))
        assert answer.status_code == 200, answer.text
        assert answer.json()["version"] == 1
        bare = shared_client.put(path, json=made, headers=dict(own))
        assert bare.status_code == 428

    def test_it_stays_with_its_organisation(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        build.organisation(shared_client, shared_keys, "Wants A Venue")
        make(shared_client, shared_keys.staff, hub, "Staying Put")
        answer = edit(shared_client, shared_keys.staff, "staying-put", organisation="wants-a-venue")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/organisation"


class TestUpdate:
    def test_anonymous(self, shared_client: TestClient) -> None:
        answer = shared_client.patch(f"{PATH}/nowhere", json={}, headers={"If-Match": "*"})
        assert answer.status_code == 401

    def test_a_new_postcode_moves_it(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        made = make(shared_client, shared_keys.staff, hub, "Moving Stage")
        answer = edit(shared_client, shared_keys.publisher(hub), "moving-stage", postcode="wr12ey")
        body = answer.json()
        assert answer.status_code == 200
        assert body["postcode"] == "WR1 2EY"
        assert body["authority"]["code"] == "E07000237"
        assert body["lat"] < made["lat"]
        assert body["version"] == 2

    def test_strangers_and_stale_edits(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        make(shared_client, shared_keys.staff, hub, "Guarded Room")
        stranger = shared_keys.coordinator("birmingham")
        assert edit(shared_client, stranger, "guarded-room", name="Mine").status_code == 403
        path = f"{PATH}/guarded-room"
        stale = under(shared_client, path, shared_keys.staff)
        assert edit(shared_client, shared_keys.staff, "guarded-room", name="New").is_success
        assert shared_client.patch(path, json={"name": "Old"}, headers=stale).status_code == 412

    def test_a_slug_that_is_taken(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        make(shared_client, shared_keys.staff, hub, "Room Owner")
        make(shared_client, shared_keys.staff, hub, "Room Taker")
        answer = edit(shared_client, shared_keys.staff, "room-taker", slug="room-owner")
        assert answer.status_code == 409
        renamed = edit(shared_client, shared_keys.staff, "room-taker", slug="room-taken")
        assert renamed.json()["slug"] == "room-taken"

    def test_a_retired_term_may_stay(self, client: TestClient, keys: Keys) -> None:
        hub = build.organisation(client, keys)["slug"]
        make(client, keys.staff, hub, "Old Term", access=["makaton"])
        term = "/v1/vocabularies/access/terms/makaton"
        body = {**client.get(term).json(), "retired": True}
        retired = client.put(term, json=body, headers=under(client, term, keys.staff))
        assert retired.status_code == 200, retired.text
        assert edit(client, keys.staff, "old-term", name="Still").status_code == 200
        again = {"organisation": hub, "name": "New", "postcode": "B1 1BB", "access": ["makaton"]}
        refused = client.post(PATH, json=again, headers=dict(keys.staff))
        assert refused.status_code == 422

    @pytest.mark.parametrize(
        ("patch", "pointer"),
        [
            ({"postcode": "B1 9ZZ"}, "#/postcode"),
            ({"name": None}, "#/name"),
            ({"access": ["magic"]}, "#/access/0"),
            ({"colour": "red"}, "#/colour"),
        ],
    )
    def test_invalid(
        self,
        shared_client: TestClient,
        shared_keys: Keys,
        hub: str,
        patch: dict[str, Any],
        pointer: str,
    ) -> None:
        made = make(shared_client, shared_keys.staff, hub, "Badly Patched")
        answer = edit(shared_client, shared_keys.staff, made["slug"], **patch)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


class TestDelete:
    def test_anonymous_and_strangers_may_not(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        make(shared_client, shared_keys.staff, hub, "Kept Room")
        path = f"{PATH}/kept-room"
        assert shared_client.delete(path, headers={"If-Match": "*"}).status_code == 401
        stranger = {**shared_keys.coordinator("birmingham"), "If-Match": "*"}
        assert shared_client.delete(path, headers=stranger).status_code == 403

    def test_its_own_publisher_may(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        make(shared_client, shared_keys.staff, hub, "Closing Room")
        path = f"{PATH}/closing-room"
        own = shared_keys.publisher(hub)
        assert shared_client.delete(path, headers=dict(own)).status_code == 428
        answer = shared_client.delete(path, headers=under(shared_client, path, own))
        assert answer.status_code == 204
        assert shared_client.get(path, headers=dict(own)).status_code == 404
        missing = shared_client.delete(path, headers={**own, "If-Match": "*"})
        assert missing.status_code == 404
        assert make(shared_client, own, hub, "Closing Room")["slug"] == "closing-room"


class TestForHigherRooms:
    def test_what_other_rooms_read(
        self, shared_client: TestClient, shared_keys: Keys, hub: str
    ) -> None:
        made = make(shared_client, shared_keys.staff, hub, "Read Above")
        with database_of(shared_client).reading() as session:
            assert venues_by_ref(session, []) == {}
            found = venues_by_ref(session, {"read-above", made["id"], "nowhere"})
            assert set(found) == {"read-above", made["id"]}
            owner = organisations_by_ref(session, [hub])[hub]
            assert owner.pk is not None
            assert found["read-above"] in venues_of(session, [owner.pk])[owner.pk]
