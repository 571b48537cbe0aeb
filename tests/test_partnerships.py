"""Partnerships through HTTP: the directory, areas, members, stages, priorities."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.authorities.models import Authority, Cover
from app.kit.database import Database
from app.kit.times import today
from app.organisations.models import Seat
from app.partnerships.loading import REASON, load_partnerships
from app.partnerships.models import ANONYMOUS_MEMBER
from tests import build
from tests.build import Headers, Keys

BIRMINGHAM = "/v1/partnerships/birmingham"
TWELVE = [
    "birmingham",
    "cannock-chase",
    "coventry",
    "creative-connections-herefordshire",
    "cultural-consortium-shropshire",
    "dudley",
    "sandwell",
    "stoke-and-north-staffs",
    "tamworth",
    "telford",
    "wolverhampton",
    "worcestershire-arts-partnership",
]


def database_of(client: TestClient) -> Database:
    """The database under a client."""
    database: Database = client.app.state.database  # type: ignore[attr-defined]
    return database


def under(client: TestClient, path: str, headers: Headers) -> dict[str, str]:
    """The key's headers with If-Match for what is at this path now."""
    answer = client.get(path, headers=dict(headers))
    assert answer.status_code == 200, answer.text
    return {**headers, "If-Match": answer.headers["ETag"]}


def slugs(client: TestClient, query: str = "", headers: Headers | None = None) -> list[str]:
    """The slugs that a list answers with."""
    answer = client.get(f"/v1/partnerships{query}", headers=dict(headers or {}))
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


def join(client: TestClient, keys: Keys, path: str = BIRMINGHAM, **body: Any) -> Any:
    """A new member of a partnership."""
    body = {"sector": "arts", **body}
    answer = client.post(f"{path}/members", json=body, headers=keys.staff)
    assert answer.status_code == 201, answer.text
    return answer.json()


def covers(client: TestClient, slug: str) -> list[tuple[str, bool, str]]:
    """What the authorities show of a partnership: code, confirmed, stage."""
    with database_of(client).reading() as session:
        statement = (
            select(Authority.code, Cover.confirmed, Cover.stage)
            .join(Cover, col(Cover.authority_pk) == Authority.pk)
            .where(Cover.slug == slug)
            .order_by(Authority.code)
        )
        return [tuple(row) for row in session.execute(statement)]


def seats(client: TestClient, slug: str) -> list[tuple[str, str]]:
    """What the organisations show of a partnership: its name, the role there."""
    with database_of(client).reading() as session:
        statement = select(Seat.name, Seat.role).where(Seat.slug == slug).order_by(Seat.role)
        return [tuple(row) for row in session.execute(statement)]


class TestLoading:
    def test_twelve_partnerships_with_their_stages(self, shared_client: TestClient) -> None:
        items = shared_client.get("/v1/partnerships").json()["items"]
        assert sorted(item["slug"] for item in items) == TWELVE
        established = {item["slug"] for item in items if item["stage"] == "established"}
        assert len(established) == 5
        assert {item["stage"] for item in items} == {"established", "emerging"}

    def test_stoke_is_sure_of_two_areas_and_not_of_the_third(
        self, shared_client: TestClient
    ) -> None:
        body = shared_client.get("/v1/partnerships/stoke-and-north-staffs").json()
        assert {area["authority"]["code"]: area["confirmed"] for area in body["areas"]} == {
            "E06000021": True,
            "E07000195": True,
            "E07000198": False,
        }
        assert covers(shared_client, "stoke-and-north-staffs") == [
            ("E06000021", True, "established"),
            ("E07000195", True, "established"),
            ("E07000198", False, "established"),
        ]

    def test_the_first_stage_tells_where_it_comes_from(self, shared_client: TestClient) -> None:
        (stage,) = shared_client.get(f"{BIRMINGHAM}/stages").json()["items"]
        assert stage["reason"] == REASON
        assert stage["stage"] == "established"

    def test_a_second_load_changes_nothing_and_brings_nothing_back(
        self, client: TestClient, keys: Keys
    ) -> None:
        changed = client.patch(
            BIRMINGHAM,
            json={"slug": "birmingham-creates", "name": "Birmingham Creates"},
            headers=under(client, BIRMINGHAM, keys.staff),
        )
        assert changed.status_code == 200, changed.text
        path = "/v1/partnerships/dudley"
        assert client.delete(path, headers=under(client, path, keys.staff)).status_code == 204
        assert load_partnerships(database_of(client)) == 0
        found = slugs(client)
        assert "birmingham-creates" in found
        assert "birmingham" not in found
        assert "dudley" not in found


class TestList:
    def test_anonymous_reads_what_a_screen_needs(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        answer = shared_client.get("/v1/partnerships?q=creates")
        (item,) = answer.json()["items"]
        assert item["name"] == "Birmingham"
        assert item["aliases"] == ["Birmingham Creates", "Birmingham LCEP"]
        assert item["href"] == f"http://testserver{BIRMINGHAM}"
        assert item["areas"][0]["authority"] == {
            "code": "E08000025",
            "name": "Birmingham",
            "href": "http://testserver/v1/authorities/E08000025",
        }
        assert item["member_count"] == 0
        assert answer.headers["Cache-Control"].startswith("public")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("?stage=established&q=birmingham", ["birmingham"]),
            ("?stage=emerging&stage=established&limit=200", None),
            ("?authority=E08000025", ["birmingham"]),
            ("?authority=E07000237", ["worcestershire-arts-partnership"]),
            (
                "?authority=E10000028",
                ["cannock-chase", "stoke-and-north-staffs", "tamworth"],
            ),
            ("?authority=E08000029", []),
            ("?q=NORTH%20stoke", ["stoke-and-north-staffs"]),
            ("?q=100%25", []),
            ("?q=%E6%97%A5%E6%9C%AC", []),
            ("?visibility=private", []),
        ],
    )
    def test_filters(
        self, shared_client: TestClient, query: str, expected: list[str] | None
    ) -> None:
        found = sorted(slugs(shared_client, query))
        assert found == (TWELVE if expected is None else expected)

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("?stage=famous", "?stage"),
            ("?sector=magic", "?sector"),
            ("?priority=magic", "?priority"),
            ("?authority=E09999999", "?authority"),
            ("?visibility=hidden", "?visibility"),
            ("?colour=red", "?colour"),
        ],
    )
    def test_what_it_does_not_know_is_named(
        self, shared_client: TestClient, query: str, pointer: str
    ) -> None:
        answer = shared_client.get(f"/v1/partnerships{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    def test_pages_hold_each_partnership_once(self, shared_client: TestClient) -> None:
        found: list[str] = []
        address: str | None = "/v1/partnerships?limit=5"
        while address:
            body = shared_client.get(address).json()
            found += [item["slug"] for item in body["items"]]
            address = body["next"]
        assert sorted(found) == TWELVE
        assert shared_client.get("/v1/partnerships?count=true&limit=1").json()["total"] == 12

    def test_statements_do_not_grow_with_the_page(self, shared_client: TestClient) -> None:
        engine = database_of(shared_client).read_engine
        counts = []
        for limit in (1, 12):
            statements: list[str] = []

            def note(*arguments: Any, seen: list[str] = statements) -> None:
                seen.append(arguments[2])

            event.listen(engine, "before_cursor_execute", note)
            shared_client.get(f"/v1/partnerships?limit={limit}&stage=established&stage=emerging")
            event.remove(engine, "before_cursor_execute", note)
            counts.append(len(statements))
        assert counts[0] == counts[1]

    def test_sector_and_priority_of_members_and_plans(self, client: TestClient, keys: Keys) -> None:
        build.organisation(client, keys, "City Museum")
        join(client, keys, organisation="city-museum", sector="museum")
        put = client.put(
            f"{BIRMINGHAM}/priorities",
            json={"items": [{"priority": "progression"}]},
            headers=under(client, BIRMINGHAM, keys.staff),
        )
        assert put.status_code == 200, put.text
        assert slugs(client, "?sector=museum") == ["birmingham"]
        assert slugs(client, "?sector=library") == []
        assert slugs(client, "?priority=progression") == ["birmingham"]


class TestOne:
    def test_by_slug_or_id(self, shared_client: TestClient) -> None:
        body = shared_client.get(BIRMINGHAM).json()
        assert shared_client.get(f"/v1/partnerships/{body['id']}").json() == body
        assert body["links"]["programmes"] == (
            "http://testserver/v1/programmes?partnership=birmingham"
        )
        assert body["members"] == []
        assert body["priorities"] == []
        assert [stage["stage"] for stage in body["stages"]] == ["established"]

    @pytest.mark.parametrize("ref", ["nowhere", "01890000-0000-7000-8000-000000000000", "%20"])
    def test_missing(self, shared_client: TestClient, ref: str) -> None:
        answer = shared_client.get(f"/v1/partnerships/{ref}")
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_unchanged_is_304(self, shared_client: TestClient) -> None:
        etag = shared_client.get(BIRMINGHAM).headers["ETag"]
        again = shared_client.get(BIRMINGHAM, headers={"If-None-Match": etag})
        assert again.status_code == 304

    def test_a_private_one_is_seen_by_its_own_and_by_staff_only(
        self, client: TestClient, keys: Keys
    ) -> None:
        own, stranger = keys.coordinator("birmingham"), keys.coordinator("dudley")
        hidden = client.patch(
            BIRMINGHAM, json={"visibility": "private"}, headers=under(client, BIRMINGHAM, own)
        )
        assert hidden.status_code == 200, hidden.text
        assert client.get(BIRMINGHAM).status_code == 404
        assert client.get(BIRMINGHAM, headers=stranger).status_code == 404
        assert client.get(f"{BIRMINGHAM}/members").status_code == 404
        assert client.get(BIRMINGHAM, headers=own).status_code == 200
        assert "birmingham" not in slugs(client)
        assert "birmingham" not in slugs(client, "", own)
        assert slugs(client, "?visibility=private", own) == ["birmingham"]
        assert slugs(client, "?visibility=private", stranger) == []
        assert "birmingham" in slugs(client, "?visibility=any", keys.staff)
        assert covers(client, "birmingham") == []


class TestCreate:
    body: dict[str, Any] = {
        "name": "Walsall",
        "aliases": ["Walsall LCEP"],
        "stage": "developing",
        "areas": [{"authority": "E08000030"}],
        "aims": ["Every child makes something."],
        "contact_role": "Coordinator",
        "contact_email": "lcep@example.org",
        "website": "https://example.org/lcep",
    }

    def test_who_may(self, client: TestClient, keys: Keys) -> None:
        assert client.post("/v1/partnerships", json=self.body).status_code == 401
        refused = client.post(
            "/v1/partnerships", json=self.body, headers=keys.coordinator("dudley")
        )
        assert refused.status_code == 403

    def test_staff_make_one(self, client: TestClient, keys: Keys) -> None:
        answer = client.post("/v1/partnerships", json=self.body, headers=keys.staff)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert answer.headers["Location"] == "http://testserver/v1/partnerships/walsall"
        assert body["stage"] == "developing"
        assert [stage["stage"] for stage in body["stages"]] == ["developing"]
        assert covers(client, "walsall") == [("E08000030", True, "developing")]
        assert client.get(answer.headers["Location"]).json() == body
        again = client.post("/v1/partnerships", json=self.body, headers=keys.staff)
        assert again.status_code == 409

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"name": " "}, "#/name"),
            ({"name": None}, "#/name"),
            ({"colour": "red"}, "#/colour"),
            ({"stage": "famous"}, "#/stage"),
            ({"slug": "Not A Slug"}, "#/slug"),
            ({"website": "javascript:alert(1)"}, "#/website"),
            ({"contact_email": "nobody"}, "#/contact_email"),
            ({"contact_phone": "x"}, "#/contact_phone"),
            ({"lead_organisation": "nobody"}, "#/lead_organisation"),
            ({"areas": [{"authority": "E09999999"}]}, "#/areas/0/authority"),
            ({"areas": [{"authority": "E08000030"}] * 2}, "#/areas/1"),
            ({"areas": [{"authority": "E08000030", "part": "Bloxwich"}]}, "#/areas/0"),
            (
                {
                    "areas": [
                        {
                            "authority": "E08000030",
                            "from_date": "2026-02-01",
                            "until_date": "2026-01-01",
                        }
                    ]
                },
                "#/areas/0",
            ),
        ],
    )
    def test_what_is_wrong_is_named(
        self, shared_client: TestClient, shared_keys: Keys, change: Any, pointer: str
    ) -> None:
        answer = shared_client.post(
            "/v1/partnerships", json={**self.body, **change}, headers=shared_keys.staff
        )
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert shared_client.get("/v1/partnerships/walsall").status_code == 404


class TestEdit:
    def test_needs_a_key_and_the_version(self, client: TestClient, keys: Keys) -> None:
        body = {"summary": "Hello."}
        assert client.patch(BIRMINGHAM, json=body).status_code == 401
        assert client.patch(BIRMINGHAM, json=body, headers=keys.staff).status_code == 428
        stranger = {**keys.coordinator("dudley"), "If-Match": "*"}
        assert client.patch(BIRMINGHAM, json=body, headers=stranger).status_code == 403
        nowhere = client.patch(
            "/v1/partnerships/nowhere", json=body, headers={**keys.staff, "If-Match": "*"}
        )
        assert nowhere.status_code == 404
        stale = under(client, BIRMINGHAM, keys.staff)
        assert client.patch(BIRMINGHAM, json=body, headers=stale).status_code == 200
        assert client.patch(BIRMINGHAM, json=body, headers=stale).status_code == 412

    def test_a_coordinator_sends_back_what_was_read(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        build.organisation(client, keys, "Dance Hub")
        body = client.get(BIRMINGHAM, headers=own).json()
        body |= {"summary": "We meet.", "lead_organisation": "dance-hub"}
        answer = client.put(BIRMINGHAM, json=body, headers=under(client, BIRMINGHAM, own))
        assert answer.status_code == 200, answer.text
        assert answer.json()["lead_organisation"]["name"] == "Dance Hub"
        assert answer.json()["areas"] == body["areas"]
        assert answer.json()["version"] > body["version"]
        cleared = client.patch(
            BIRMINGHAM, json={"lead_organisation": None}, headers=under(client, BIRMINGHAM, own)
        )
        assert cleared.json()["lead_organisation"] is None
        assert cleared.json()["summary"] == "We meet."

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"slug": "brum"}, "slug"),
            ({"stage": "delivering"}, "stage"),
            ({"areas": []}, "areas"),
        ],
    )
    def test_a_coordinator_leaves_what_is_the_regions(
        self, shared_client: TestClient, shared_keys: Keys, change: Any, name: str
    ) -> None:
        own = shared_keys.coordinator("birmingham")
        answer = shared_client.patch(
            BIRMINGHAM, json=change, headers=under(shared_client, BIRMINGHAM, own)
        )
        assert answer.status_code == 403
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/{name}"]

    def test_staff_change_slug_stage_and_areas(self, client: TestClient, keys: Keys) -> None:
        answer = client.patch(
            BIRMINGHAM,
            json={
                "slug": "brum",
                "stage": "delivering",
                "areas": [
                    {"authority": "E08000025", "whole": False, "part": "Northfield"},
                    {"authority": "E08000029", "confirmed": False},
                ],
            },
            headers=under(client, BIRMINGHAM, keys.staff),
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert [stage["stage"] for stage in body["stages"]] == ["delivering", "established"]
        assert body["areas"][0]["part"] == "Northfield"
        assert covers(client, "brum") == [
            ("E08000025", True, "delivering"),
            ("E08000029", False, "delivering"),
        ]
        assert client.get(BIRMINGHAM).status_code == 404

    def test_a_taken_slug_is_refused(self, shared_client: TestClient, shared_keys: Keys) -> None:
        answer = shared_client.patch(
            BIRMINGHAM,
            json={"slug": "dudley"},
            headers=under(shared_client, BIRMINGHAM, shared_keys.staff),
        )
        assert answer.status_code == 409

    def test_an_unknown_name_is_refused(self, shared_client: TestClient, shared_keys: Keys) -> None:
        answer = shared_client.patch(
            BIRMINGHAM,
            json={"colour": "red"},
            headers=under(shared_client, BIRMINGHAM, shared_keys.staff),
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/colour"


class TestDelete:
    def test_staff_take_it_out_of_sight(self, client: TestClient, keys: Keys) -> None:
        build.organisation(client, keys, "Dance Hub")
        join(client, keys, organisation="dance-hub")
        own = under(client, BIRMINGHAM, keys.coordinator("birmingham"))
        assert client.delete(BIRMINGHAM, headers=own).status_code == 403
        assert client.delete(BIRMINGHAM, headers=keys.staff).status_code == 428
        staff = under(client, BIRMINGHAM, keys.staff)
        assert client.delete(BIRMINGHAM, headers=staff).status_code == 204
        assert client.get(BIRMINGHAM, headers=keys.staff).status_code == 404
        assert covers(client, "birmingham") == []
        assert seats(client, "birmingham") == []
        again = client.post("/v1/partnerships", json={"name": "Birmingham"}, headers=keys.staff)
        assert again.status_code == 201, again.text
        assert again.json()["stage"] == "emerging"


class TestAreas:
    path = f"{BIRMINGHAM}/areas"

    def test_only_staff_write_them(self, client: TestClient, keys: Keys) -> None:
        body = {"items": [{"authority": "E08000025", "until_date": "2026-01-01"}]}
        assert client.put(self.path, json=body).status_code == 401
        own = under(client, BIRMINGHAM, keys.coordinator("birmingham"))
        assert client.put(self.path, json=body, headers=own).status_code == 403
        answer = client.put(self.path, json=body, headers=under(client, self.path, keys.staff))
        assert answer.status_code == 200, answer.text
        assert client.get(self.path).json() == answer.json()
        assert answer.json()["items"][0]["until_date"] == "2026-01-01"
        assert slugs(client, "?authority=E08000025") == []

    def test_missing_and_stale(self, shared_client: TestClient, shared_keys: Keys) -> None:
        assert shared_client.get("/v1/partnerships/nowhere/areas").status_code == 404
        stale = {**shared_keys.staff, "If-Match": '"999-abc"'}
        answer = shared_client.put(self.path, json={"items": []}, headers=stale)
        assert answer.status_code == 412


class TestStages:
    path = f"{BIRMINGHAM}/stages"

    def test_who_may(self, client: TestClient, keys: Keys) -> None:
        body = {"stage": "delivering", "reason": "Its festival ran."}
        assert client.post(self.path, json=body).status_code == 401
        own = keys.coordinator("birmingham")
        assert client.post(self.path, json=body, headers=own).status_code == 403

    def test_the_latest_by_date_counts(self, client: TestClient, keys: Keys) -> None:
        body = {
            "stage": "delivering",
            "reason": "Its festival ran.",
            "evidence_url": "https://example.org/festival",
        }
        answer = client.post(self.path, json=body, headers=keys.staff)
        assert answer.status_code == 201, answer.text
        assert client.get(answer.headers["Location"]).json() == answer.json()
        assert client.get(BIRMINGHAM).json()["stage"] == "delivering"
        assert covers(client, "birmingham") == [("E08000025", True, "delivering")]
        earlier = {"stage": "emerging", "reason": "First met.", "from_date": "2016-05-01"}
        assert client.post(self.path, json=earlier, headers=keys.staff).status_code == 201
        found = client.get(self.path).json()["items"]
        assert [item["stage"] for item in found] == ["delivering", "established", "emerging"]
        assert client.get(BIRMINGHAM).json()["stage"] == "delivering"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"stage": "famous", "reason": "So it is."}, "#/stage"),
            ({"stage": "delivering"}, "#/reason"),
            ({"stage": "delivering", "reason": "Soon.", "from_date": "2999-01-01"}, "#"),
            ({"stage": "delivering", "reason": "x", "evidence_url": "nowhere"}, "#/evidence_url"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, shared_client: TestClient, shared_keys: Keys, body: Any, pointer: str
    ) -> None:
        answer = shared_client.post(self.path, json=body, headers=shared_keys.staff)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    def test_missing(self, shared_client: TestClient) -> None:
        assert shared_client.get("/v1/partnerships/nowhere/stages").status_code == 404
        unknown = "01890000-0000-7000-8000-000000000000"
        assert shared_client.get(f"{self.path}/{unknown}").status_code == 404
        assert shared_client.get(f"{self.path}/first").status_code == 422


class TestPriorities:
    path = f"{BIRMINGHAM}/priorities"
    body: dict[str, Any] = {
        "items": [
            {
                "priority": "youth_involvement",
                "text": "Young people sit on the steering group.",
                "targets": [{"text": "Two seats.", "due": "2027-07-31", "done": False}],
            },
            {"priority": "cpd"},
        ]
    }

    def test_a_coordinator_writes_them_all(self, client: TestClient, keys: Keys) -> None:
        assert client.put(self.path, json=self.body).status_code == 401
        stranger = {**keys.coordinator("dudley"), "If-Match": "*"}
        assert client.put(self.path, json=self.body, headers=stranger).status_code == 403
        own = keys.coordinator("birmingham")
        assert client.put(self.path, json=self.body, headers=own).status_code == 428
        first = under(client, self.path, own)
        answer = client.put(self.path, json=self.body, headers=first)
        assert answer.status_code == 200, answer.text
        assert client.put(self.path, json=self.body, headers=first).status_code == 412
        assert client.get(self.path).json() == answer.json()
        assert client.get(BIRMINGHAM).json()["priorities"] == answer.json()["items"]
        body = answer.json()
        body["items"].reverse()
        again = client.put(self.path, json=body, headers=under(client, self.path, own))
        assert [item["priority"] for item in again.json()["items"]] == ["cpd", "youth_involvement"]

    def test_an_unknown_priority_is_named(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        answer = shared_client.put(
            self.path,
            json={"items": [{"priority": "cpd"}, {"priority": "magic"}]},
            headers=under(shared_client, self.path, shared_keys.staff),
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/items/1/priority"


class TestMembers:
    path = f"{BIRMINGHAM}/members"

    def test_who_may(self, client: TestClient, keys: Keys) -> None:
        body = {"sector": "artist", "individual": {"name": "Ada Example"}}
        assert client.post(self.path, json=body).status_code == 401
        stranger = keys.coordinator("dudley")
        assert client.post(self.path, json=body, headers=stranger).status_code == 403
        missing = client.post("/v1/partnerships/nowhere/members", json=body, headers=keys.staff)
        assert missing.status_code == 404
        own = keys.coordinator("birmingham")
        assert client.post(self.path, json=body, headers=own).status_code == 201

    def test_a_person_is_named_in_public_only_with_consent(
        self, client: TestClient, keys: Keys
    ) -> None:
        own = keys.coordinator("birmingham")
        quiet = join(client, keys, sector="artist", individual={"name": "Ada Example"})
        named = join(
            client,
            keys,
            sector="artist",
            individual={"name": "Ben Example", "consent_on": "2026-01-05"},
        )
        assert quiet["individual"]["name"] == "Ada Example"
        for headers in ({}, keys.coordinator("dudley")):
            items = client.get(self.path, headers=headers).json()["items"]
            assert [item["individual"]["name"] for item in items] == [
                ANONYMOUS_MEMBER,
                "Ben Example",
            ]
            assert all(item["individual"]["consent_on"] is None for item in items)
            assert "Ada" not in client.get(BIRMINGHAM, headers=headers).text
        items = client.get(self.path, headers=own).json()["items"]
        assert items[0]["individual"]["name"] == "Ada Example"
        assert items[1]["individual"]["consent_on"] == "2026-01-05"
        withdrawn = client.patch(
            named["href"],
            json={"individual": {"consent_on": None}},
            headers=under(client, named["href"], own),
        )
        assert withdrawn.status_code == 200, withdrawn.text
        assert client.get(named["href"]).json()["individual"]["name"] == ANONYMOUS_MEMBER

    def test_a_person_who_leaves_is_erased(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        member = join(client, keys, sector="artist", individual={"name": "Ada Example"})
        headers = under(client, member["href"], own)
        assert client.delete(member["href"], headers=headers).status_code == 204
        assert client.get(member["href"], headers=keys.staff).status_code == 404
        ended = client.get(f"{self.path}?ended=true", headers=keys.staff).json()["items"]
        assert ended == []

    def test_an_organisation_that_leaves_stays_in_the_history(
        self, client: TestClient, keys: Keys
    ) -> None:
        build.organisation(client, keys, "Dance Hub")
        version = client.get(BIRMINGHAM).json()["version"]
        member = join(client, keys, organisation="dance-hub", role="chair", from_date="2024-09-01")
        assert member["organisation"]["slug"] == "dance-hub"
        shown = client.get(BIRMINGHAM).json()
        assert shown["version"] > version
        assert shown["member_count"] == 1
        assert [item["id"] for item in shown["members"]] == [member["id"]]
        assert seats(client, "birmingham") == [("Birmingham", "chair")]
        headers = under(client, member["href"], keys.coordinator("birmingham"))
        assert client.delete(member["href"], headers=headers).status_code == 204
        assert client.get(self.path).json()["items"] == []
        assert client.get(BIRMINGHAM).json()["member_count"] == 0
        (past,) = client.get(f"{self.path}?ended=true").json()["items"]
        assert past["until_date"] == today().isoformat()
        again = join(client, keys, organisation="dance-hub")
        assert again["id"] != member["id"]

    def test_no_organisation_is_a_member_twice(self, client: TestClient, keys: Keys) -> None:
        build.organisation(client, keys, "Dance Hub")
        join(client, keys, organisation="dance-hub")
        answer = client.post(
            self.path,
            json={"sector": "arts", "organisation": "dance-hub"},
            headers=keys.staff,
        )
        assert answer.status_code == 409

    def test_what_has_not_begun_just_ends(self, client: TestClient, keys: Keys) -> None:
        build.organisation(client, keys, "Dance Hub")
        tomorrow = (today() + timedelta(days=1)).isoformat()
        member = join(client, keys, organisation="dance-hub", from_date=tomorrow)
        assert client.get(self.path).json()["items"] == []
        headers = under(client, member["href"], keys.staff)
        assert client.delete(member["href"], headers=headers).status_code == 204
        assert client.get(f"{self.path}?ended=true").json()["items"] == []

    def test_put_and_patch(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        build.organisation(client, keys, "Dance Hub")
        member = join(client, keys, organisation="dance-hub")
        body = client.get(member["href"], headers=own).json() | {"role": "vice_chair"}
        stale = under(client, member["href"], own)
        answer = client.put(member["href"], json=body, headers=stale)
        assert answer.status_code == 200, answer.text
        assert answer.json()["role"] == "vice_chair"
        assert client.put(member["href"], json=body, headers=stale).status_code == 412
        assert client.put(member["href"], json=body, headers=own).status_code == 428
        fresh = under(client, member["href"], own)
        patched = client.patch(member["href"], json={"role": "bridge"}, headers=fresh)
        assert patched.json()["role"] == "bridge"
        assert patched.json()["organisation"] == member["organisation"]
        assert seats(client, "birmingham") == [("Birmingham", "bridge")]
        found = client.get(f"{self.path}?role=bridge&sector=arts").json()["items"]
        assert [item["id"] for item in found] == [member["id"]]
        assert client.get(f"{self.path}?role=chair").json()["items"] == []

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"sector": "arts"}, "#"),
            ({"sector": "arts", "organisation": "nobody"}, "#/organisation"),
            ({"sector": "magic", "individual": {"name": "Ada"}}, "#/sector"),
            ({"individual": {"name": "Ada"}}, "#/sector"),
            ({"sector": "arts", "individual": {"name": ""}}, "#/individual/name"),
            (
                {"sector": "arts", "individual": {"name": "Ada", "consent_on": "2999-01-01"}},
                "#/individual",
            ),
            ({"sector": "arts", "individual": {"name": "Ada"}, "role": "king"}, "#/role"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, shared_client: TestClient, shared_keys: Keys, body: Any, pointer: str
    ) -> None:
        answer = shared_client.post(self.path, json=body, headers=shared_keys.staff)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
