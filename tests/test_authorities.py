"""Authorities by HTTP: lists, one, edits, boundaries; and the region as it is loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, event, func
from sqlmodel import Session, col, select
from starlette.testclient import TestClient

from app.access.models import AuditEvent
from app.authorities import queries
from app.authorities.loading import RegionLoaded, load_region
from app.authorities.models import Authority, Boundary, Cover, Indicator, Postcode
from app.kit.database import Database, key
from app.kit.identifiers import uuid7
from app.kit.times import today
from tests.build import Keys

BIRMINGHAM = "E08000025"
SOLIHULL = "E08000029"
STAFFORDSHIRE = "E10000028"
MOORLANDS = "E07000198"
WORCESTERSHIRE = "E10000034"
BROMSGROVE = "E07000234"
PATH = f"/v1/authorities/{SOLIHULL}"


def codes(answer: Any) -> list[str]:
    """The codes of a list, in its order."""
    assert answer.status_code == 200, answer.text
    return [item["code"] for item in answer.json()["items"]]


def pointers(answer: Any) -> list[str]:
    """What a 422 points at."""
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


def database_of(client: TestClient) -> Database:
    """The database behind a client."""
    found: Database = cast(FastAPI, client.app).state.database
    return found


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements that readers run meanwhile."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(database.read_engine, "before_cursor_execute", note)
    yield found
    event.remove(database.read_engine, "before_cursor_execute", note)


def cover(session: Session, code: str, slug: str, **more: Any) -> UUID:
    """Let a partnership cover an authority, as the partnerships' room does; its id."""
    identifier = uuid7()
    session.add(
        Cover(
            authority_pk=key(queries.by_code(session)[code]),
            partnership_id=identifier,
            slug=slug,
            name=slug.title(),
            stage="emerging",
            **more,
        )
    )
    return identifier


class TestListAuthorities:
    def test_all_by_name(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/v1/authorities?count=true")
        items = answer.json()["items"]
        assert answer.json()["total"] == len(items) == 33
        assert answer.json()["next"] is None
        assert items[0]["name"] == "Birmingham"
        assert {item["region"] for item in items} == {"West Midlands"}
        assert sum(item["postcode_count"] for item in items if item["kind"] != "county") == 203_821

    def test_an_item_needs_no_second_request(self, shared_client: TestClient) -> None:
        items = shared_client.get("/v1/authorities").json()["items"]
        item = next(item for item in items if item["code"] == BROMSGROVE)
        assert item["parent"] == {
            "code": WORCESTERSHIRE,
            "name": "Worcestershire",
            "href": f"http://testserver/v1/authorities/{WORCESTERSHIRE}",
        }
        assert item["centre"].keys() == {"lat", "lng", "easting", "northing"}
        assert [each["slug"] for each in item["partnerships"]] == [
            "worcestershire-arts-partnership"
        ]
        assert item["covered"] is True

    def test_pages_hold_each_once(self, shared_client: TestClient) -> None:
        found, address = [], "/v1/authorities?limit=10&kind=district&kind=county"
        while address:
            answer = shared_client.get(address)
            found += codes(answer)
            address = answer.json()["next"]
            assert ("link" in answer.headers) == bool(address)
        assert len(found) == len(set(found)) == 22

    def test_kinds_are_alternatives(self, shared_client: TestClient) -> None:
        assert len(codes(shared_client.get("/v1/authorities?kind=unitary"))) == 4
        both = shared_client.get("/v1/authorities?kind=unitary&kind=metropolitan_borough")
        assert len(codes(both)) == 11

    def test_parent_finds_districts(self, shared_client: TestClient) -> None:
        assert len(codes(shared_client.get(f"/v1/authorities?parent={STAFFORDSHIRE}"))) == 8
        assert codes(shared_client.get(f"/v1/authorities?parent={BIRMINGHAM}")) == []

    def test_partnership_finds_the_districts_of_its_county(self, shared_client: TestClient) -> None:
        address = "/v1/authorities?partnership=worcestershire-arts-partnership"
        items = shared_client.get(address).json()["items"]
        through = {item["code"]: item["partnerships"][0]["through_county"] for item in items}
        assert len(through) == 7
        assert [code for code, is_through in through.items() if not is_through] == [WORCESTERSHIRE]

    def test_an_uncertain_area_is_found_but_not_covered(self, shared_client: TestClient) -> None:
        items = shared_client.get("/v1/authorities?partnership=stoke-and-north-staffs").json()
        uncertain = next(item for item in items["items"] if item["code"] == MOORLANDS)
        assert uncertain["partnerships"][0]["confirmed"] is False
        assert uncertain["covered"] is False

    def test_covered_by_a_partnership_or_not(self, shared_client: TestClient) -> None:
        covered = codes(shared_client.get("/v1/authorities?covered=true"))
        # Eighteen of thirty, and the county whose partnership covers it whole.
        assert len(covered) == 19
        assert WORCESTERSHIRE in covered
        rest = codes(shared_client.get("/v1/authorities?covered=false"))
        assert len(rest) == 14
        assert {SOLIHULL, MOORLANDS, STAFFORDSHIRE} < set(rest)

    def test_a_county_is_covered_when_all_its_districts_are(self, client: TestClient) -> None:
        database = database_of(client)
        with database.writing() as session:
            warwickshire = [f"E070002{number}" for number in range(18, 23)]
            for code in warwickshire:
                cover(session, code, f"partnership-{code[-2:]}")
        found = codes(client.get("/v1/authorities?covered=true"))
        assert {"E10000031", *warwickshire} < set(found)
        assert client.get("/v1/authorities/E10000031").json()["partnerships"] == []

    def test_covers_begin_and_end_by_the_day(self, client: TestClient) -> None:
        day = timedelta(days=1)
        database = database_of(client)
        with database.writing() as session:
            cover(session, SOLIHULL, "over", from_date=None, until_date=today())
            cover(session, SOLIHULL, "to-come", from_date=today() + day)
            now = cover(session, SOLIHULL, "now", from_date=today(), until_date=today() + day)
        shown = client.get(PATH).json()["partnerships"]
        assert [each["id"] for each in shown] == [str(now)]
        assert codes(client.get(f"/v1/authorities?partnership={now}")) == [SOLIHULL]

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("birm", ["E08000025"]),
            ("SALOP", ["E06000051"]),
            ("telford & wrekin", ["E06000020"]),
            ("Stoke on Trent", ["E06000021"]),
            ("of Stafford", ["E07000197"]),
            ("county of herefordshire", ["E06000019"]),
            ("trent stoke", []),
            ("%", []),
            ("_", []),
        ],
    )
    def test_q(self, shared_client: TestClient, q: str, found: list[str]) -> None:
        answer = shared_client.get("/v1/authorities", params={"q": q, "kind": ALL_BUT_COUNTIES})
        assert codes(answer) == found

    def test_filters_narrow_together(self, shared_client: TestClient) -> None:
        address = f"/v1/authorities?parent={STAFFORDSHIRE}&covered=true&q=m"
        assert codes(shared_client.get(address)) == ["E07000195", "E07000199"]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("kind=parish", "?kind.0"),
            ("parent=E99999998", "?parent"),
            ("partnership=nobody", "?partnership"),
            ("covered=perhaps", "?covered"),
            ("q=", "?q"),
            ("limit=0", "?limit"),
            ("limit=201", "?limit"),
            ("county=x", "?county"),
        ],
    )
    def test_invalid(self, shared_client: TestClient, query: str, pointer: str) -> None:
        assert pointers(shared_client.get(f"/v1/authorities?{query}")) == [pointer]

    def test_a_foreign_cursor(self, shared_client: TestClient) -> None:
        cursor = shared_client.get("/v1/authorities?limit=1").json()["next"].split("cursor=")[1]
        answer = shared_client.get(f"/v1/authorities?kind=county&cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")

    def test_as_many_statements_for_one_as_for_all(self, shared_client: TestClient) -> None:
        counts = []
        for limit in (1, 200):
            with statements(database_of(shared_client)) as found:
                shared_client.get(f"/v1/authorities?limit={limit}&covered=true&kind=district")
            counts.append(len(found))
        assert counts[0] == counts[1] <= 4

    def test_unchanged(self, shared_client: TestClient) -> None:
        first = shared_client.get("/v1/authorities")
        again = shared_client.get(
            "/v1/authorities", headers={"If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304


ALL_BUT_COUNTIES = ["unitary", "metropolitan_borough", "district"]


class TestGetAuthority:
    def test_a_borough(self, shared_client: TestClient) -> None:
        answer = shared_client.get(f"/v1/authorities/{BIRMINGHAM}")
        body = answer.json()
        assert answer.headers["etag"].startswith(f'"{body["version"]}-')
        assert (body["name"], body["kind"], body["parent"]) == (
            "Birmingham",
            "metropolitan_borough",
            None,
        )
        assert body["aliases"] == ["City of Birmingham"]
        assert body["postcode_count"] == 35_068
        assert body["centre"]["lat"] == pytest.approx(52.48, abs=0.01)
        assert body["centre"]["lng"] == pytest.approx(-1.885, abs=0.01)
        assert body["indicators"] == []
        assert body["districts"] == []
        assert body["successor"] is None
        partnership = body["partnerships"][0]
        assert partnership["href"] == "http://testserver/v1/partnerships/birmingham"
        assert partnership["stage"] == "established"
        assert partnership["confirmed"] is True
        assert partnership["through_county"] is False
        assert shared_client.get(body["links"]["boundary"]).status_code == 200

    def test_a_county(self, shared_client: TestClient) -> None:
        body = shared_client.get(f"/v1/authorities/{STAFFORDSHIRE}").json()
        assert [each["name"] for each in body["districts"]] == [
            "Cannock Chase",
            "East Staffordshire",
            "Lichfield",
            "Newcastle-under-Lyme",
            "South Staffordshire",
            "Stafford",
            "Staffordshire Moorlands",
            "Tamworth",
        ]
        districts = [shared_client.get(each["href"]).json() for each in body["districts"]]
        count = sum(each["postcode_count"] for each in districts)
        assert body["postcode_count"] == count
        mean = sum(each["centre"]["easting"] * each["postcode_count"] for each in districts) / count
        assert body["centre"]["easting"] == pytest.approx(mean, abs=1)

    def test_figures(self, client: TestClient) -> None:
        database = database_of(client)
        with database.writing() as session:
            figure = Indicator(
                authority_pk=key(queries.by_code(session)[BIRMINGHAM]),
                name="population",
                age_band="5-10",
                value=96_000,
                period="mid-2020",
                source="ONS",
                licence="OGL-UK-3.0",
            )
            session.add(figure)
        assert client.get(f"/v1/authorities/{BIRMINGHAM}").json()["indicators"] == [
            {
                "name": "population",
                "age_band": "5-10",
                "value": 96_000.0,
                "period": "mid-2020",
                "source": "ONS",
                "licence": "OGL-UK-3.0",
            }
        ]

    def test_certain_before_uncertain_and_each_once(self, client: TestClient) -> None:
        database = database_of(client)
        with database.writing() as session:
            both = cover(session, BROMSGROVE, "both", confirmed=False)
            cover(session, BROMSGROVE, "also", confirmed=False)
            county = key(queries.by_code(session)[WORCESTERSHIRE])
            again = Cover(
                authority_pk=county, partnership_id=both, slug="both", name="Both", stage="emerging"
            )
            session.add(again)
        shown = client.get(f"/v1/authorities/{BROMSGROVE}").json()["partnerships"]
        assert [(each["slug"], each["confirmed"]) for each in shown] == [
            ("both", True),
            ("worcestershire-arts-partnership", True),
            ("also", False),
        ]

    @pytest.mark.parametrize("code", ["E08009999", "e08000025", "x", "E08000025%00", "%F0%9F"])
    def test_missing(self, shared_client: TestClient, code: str) -> None:
        answer = shared_client.get(f"/v1/authorities/{code}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_unknown_parameter(self, shared_client: TestClient) -> None:
        assert pointers(shared_client.get(f"{PATH}?deep=1")) == ["?deep"]


WRITE = {
    "name": "Solihull",
    "aliases": ["Silhill", "Metropolitan Borough of Solihull"],
    "valid_from": "1974-04-01",
    "valid_to": None,
    "successor": None,
}


class TestReplaceAuthority:
    def test_anonymous(self, shared_client: TestClient) -> None:
        answer = shared_client.put(PATH, json=WRITE, headers={"If-Match": "*"})
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers

    def test_stranger(self, shared_client: TestClient, shared_keys: Keys) -> None:
        headers = {**shared_keys.coordinator("birmingham"), "If-Match": "*"}
        assert shared_client.put(PATH, json=WRITE, headers=headers).status_code == 403

    def test_missing(self, shared_client: TestClient, shared_keys: Keys) -> None:
        headers = {**shared_keys.staff, "If-Match": "*"}
        answer = shared_client.put("/v1/authorities/E08009999", json=WRITE, headers=headers)
        assert answer.status_code == 404

    def test_without_if_match(self, shared_client: TestClient, shared_keys: Keys) -> None:
        answer = shared_client.put(PATH, json=WRITE, headers=shared_keys.staff)
        assert answer.status_code == 428

    def test_valid(self, client: TestClient, keys: Keys) -> None:
        etag = client.get(PATH).headers["etag"]
        headers = {**keys.staff, "If-Match": etag}
        answer = client.put(PATH, json=WRITE, headers=headers)
        assert answer.status_code == 200, answer.text
        assert {name: answer.json()[name] for name in WRITE} == WRITE
        assert answer.json()["code"] == SOLIHULL
        assert codes(client.get("/v1/authorities?q=silhill")) == [SOLIHULL]
        assert client.put(PATH, json=WRITE, headers=headers).status_code == 412
        with database_of(client).reading() as session:
            statement = select(AuditEvent).where(AuditEvent.action == "authority.update")
            found = session.exec(statement).all()
        assert [(each.subject_kind, each.subject_id, each.role) for each in found] == [
            ("authority", SOLIHULL, "staff")
        ]
        assert found[0].before_digest != found[0].after_digest

    def test_what_was_read_may_be_sent_back(self, client: TestClient, keys: Keys) -> None:
        before = client.get(PATH)
        answer = client.put(
            PATH, json=before.json(), headers={**keys.staff, "If-Match": before.headers["etag"]}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json() == before.json()

    def test_successor(self, client: TestClient, keys: Keys) -> None:
        headers = {**keys.staff, "If-Match": "*"}
        body = {**WRITE, "valid_to": "2028-03-31", "successor": {"code": BIRMINGHAM}}
        answer = client.put(PATH, json=body, headers=headers)
        assert answer.json()["successor"] == {
            "code": BIRMINGHAM,
            "name": "Birmingham",
            "href": f"http://testserver/v1/authorities/{BIRMINGHAM}",
        }
        around = client.patch(
            f"/v1/authorities/{BIRMINGHAM}", json={"successor": SOLIHULL}, headers=headers
        )
        assert pointers(around) == ["#/successor"]

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"name": " "}, "#/name"),
            ({"name": "x" * 121}, "#/name"),
            ({"aliases": [""]}, "#/aliases/0"),
            ({"aliases": ["x"] * 21}, "#/aliases"),
            ({"aliases": None}, "#/aliases"),
            ({"valid_from": "yesterday"}, "#/valid_from"),
            ({"valid_to": "1974-03-31"}, "#"),
            ({"successor": "E08009999"}, "#/successor"),
            ({"successor": SOLIHULL}, "#/successor"),
            ({"successor": "solihull"}, "#/successor"),
            ({"mayor": "x"}, "#/mayor"),
        ],
    )
    def test_invalid(
        self, shared_client: TestClient, shared_keys: Keys, change: dict[str, Any], pointer: str
    ) -> None:
        headers = {**shared_keys.staff, "If-Match": "*"}
        answer = shared_client.put(PATH, json={**WRITE, **change}, headers=headers)
        assert pointers(answer) == [pointer]

    def test_name_is_needed(self, shared_client: TestClient, shared_keys: Keys) -> None:
        headers = {**shared_keys.staff, "If-Match": "*"}
        assert pointers(shared_client.put(PATH, json={}, headers=headers)) == ["#/name"]


class TestUpdateAuthority:
    def test_anonymous(self, shared_client: TestClient) -> None:
        answer = shared_client.patch(PATH, json={}, headers={"If-Match": "*"})
        assert answer.status_code == 401

    def test_stranger(self, shared_client: TestClient, shared_keys: Keys) -> None:
        headers = {**shared_keys.coordinator("birmingham"), "If-Match": "*"}
        assert shared_client.patch(PATH, json={}, headers=headers).status_code == 403

    def test_missing(self, shared_client: TestClient, shared_keys: Keys) -> None:
        headers = {**shared_keys.staff, "If-Match": "*"}
        answer = shared_client.patch("/v1/authorities/E08009999", json={}, headers=headers)
        assert answer.status_code == 404

    def test_without_if_match(self, shared_client: TestClient, shared_keys: Keys) -> None:
        assert shared_client.patch(PATH, json={}, headers=shared_keys.staff).status_code == 428

    def test_valid(self, client: TestClient, keys: Keys) -> None:
        headers = {
            **keys.staff,
            "If-Match": client.get(PATH).headers["etag"],
            "Content-Type": "application/merge-patch+json",
        }
        answer = client.patch(PATH, content='{"valid_to": "2028-03-31"}', headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["valid_to"] == "2028-03-31"
        assert answer.json()["aliases"] == ["Metropolitan Borough of Solihull"]
        assert client.patch(PATH, content="{}", headers=headers).status_code == 412
        headers["If-Match"] = client.get(PATH).headers["etag"]
        cleared = client.patch(PATH, content='{"valid_to": null}', headers=headers)
        assert cleared.json()["valid_to"] is None

    @pytest.mark.parametrize(
        ("patch", "pointer"),
        [
            ({"name": None}, "#/name"),
            ({"leader": "x"}, "#/leader"),
            ({"aliases": "x"}, "#/aliases"),
        ],
    )
    def test_invalid(
        self, shared_client: TestClient, shared_keys: Keys, patch: dict[str, Any], pointer: str
    ) -> None:
        headers = {**shared_keys.staff, "If-Match": "*"}
        assert pointers(shared_client.patch(PATH, json=patch, headers=headers)) == [pointer]


class TestGetBoundary:
    def test_valid(self, shared_client: TestClient) -> None:
        answer = shared_client.get(f"/v1/authorities/{BIRMINGHAM}/boundary")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/geo+json"
        body = answer.json()
        assert (body["type"], body["id"]) == ("Feature", BIRMINGHAM)
        assert body["geometry"]["type"] in {"Polygon", "MultiPolygon"}
        assert body["properties"]["name"] == "Birmingham"
        assert body["properties"]["covered"] is True
        assert body["properties"]["note"].startswith("Indicative")
        assert "Open Government Licence" in body["properties"]["attribution"]
        again = shared_client.get(
            f"/v1/authorities/{BIRMINGHAM}/boundary",
            headers={"If-None-Match": answer.headers["etag"]},
        )
        assert again.status_code == 304

    def test_missing(self, shared_client: TestClient) -> None:
        assert shared_client.get("/v1/authorities/E08009999/boundary").status_code == 404

    def test_none_known(self, client: TestClient) -> None:
        database = database_of(client)
        with database.writing() as session:
            session.execute(delete(Boundary))
        assert client.get(f"/v1/authorities/{BIRMINGHAM}/boundary").status_code == 404
        assert client.get("/v1/authorities.geojson").json()["features"] == []


class TestListBoundaries:
    def test_all(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/v1/authorities.geojson")
        assert answer.headers["content-type"] == "application/geo+json"
        body = answer.json()
        assert body["type"] == "FeatureCollection"
        assert len(body["features"]) == 33
        properties = {each["id"]: each["properties"] for each in body["features"]}
        assert properties[BROMSGROVE]["parent"] == WORCESTERSHIRE
        assert properties[BROMSGROVE]["kind"] == "district"
        assert sum(each["covered"] for each in properties.values()) == 19

    def test_filters(self, shared_client: TestClient) -> None:
        body = shared_client.get("/v1/authorities.geojson?kind=county&covered=true").json()
        assert [each["id"] for each in body["features"]] == [WORCESTERSHIRE]

    def test_invalid(self, shared_client: TestClient) -> None:
        assert pointers(shared_client.get("/v1/authorities.geojson?limit=3")) == ["?limit"]

    def test_few_statements(self, shared_client: TestClient) -> None:
        with statements(database_of(shared_client)) as found:
            shared_client.get("/v1/authorities.geojson")
        assert len(found) <= 4


class TestLoadRegion:
    def test_twice_changes_nothing(self, client: TestClient) -> None:
        before = client.get("/v1/authorities").json()
        calls: list[tuple[int, int]] = []
        database = database_of(client)
        assert load_region(database, lambda *so_far: calls.append(so_far)) == RegionLoaded(0, 0, 0)
        assert calls == []
        assert client.get("/v1/authorities").json() == before

    def test_adds_what_is_missing_and_leaves_the_rest(self, client: TestClient, keys: Keys) -> None:
        headers = {**keys.staff, "If-Match": "*"}
        client.patch(PATH, json={"name": "Silhill"}, headers=headers)
        database = database_of(client)
        with database.writing() as session:
            pk = key(queries.by_code(session)[SOLIHULL])
            session.execute(delete(Boundary).where(col(Boundary.authority_pk) == pk))
            session.execute(delete(Postcode).where(col(Postcode.authority_pk) == pk))
        calls: list[tuple[int, int]] = []
        loaded = load_region(database, lambda *so_far: calls.append(so_far))
        body = client.get(PATH).json()
        count = body["postcode_count"]
        assert loaded == RegionLoaded(0, 1, count)
        assert calls[-1] == (count, count)
        assert body["name"] == "Silhill"
        with database.reading() as session:
            assert session.exec(select(func.count()).select_from(Postcode)).one() == 203_821


class TestQueries:
    def test_within(self, shared_client: TestClient) -> None:
        with database_of(shared_client).reading() as session:
            known = queries.by_code(session)
            found = queries.within(session, [WORCESTERSHIRE, BIRMINGHAM, "E08009999"])
            assert key(known[BIRMINGHAM]) in found
            assert key(known[BROMSGROVE]) in found
            assert len(found) == 8
            assert queries.within(session, []) == set()

    def test_covering(self, shared_client: TestClient) -> None:
        with database_of(shared_client).reading() as session:
            known = queries.by_code(session)
            found = queries.covering(session, today())
        assert [each.slug for each in found[key(known[BROMSGROVE])]] == [
            "worcestershire-arts-partnership"
        ]
        assert key(known[SOLIHULL]) not in found
        assert key(known[STAFFORDSHIRE]) not in found

    @pytest.mark.parametrize(
        ("easting", "northing", "code"),
        [
            (406_654, 286_948, BIRMINGHAM),
            (391_478, 298_844, "E08000031"),
            (341_500, 293_700, "E06000051"),  # the top of the Long Mynd
            (530_000, 180_000, None),  # London
            (0, 0, None),
        ],
    )
    def test_nearest_authority(
        self, shared_client: TestClient, easting: int, northing: int, code: str | None
    ) -> None:
        with database_of(shared_client).reading() as session:
            found = queries.nearest_authority(session, easting, northing)
            assert (found.code if found else None) == code

    def test_the_nearest_is_not_missed_from_a_corner(self, empty_authorities: Session) -> None:
        # One in the corner of the first box is farther than one just outside of its side.
        corner, side = queries.FIRST_REACH - 1, queries.FIRST_REACH + 1
        near, far = empty_authorities.exec(select(Authority).order_by(col(Authority.pk))).all()[:2]
        for postcode, row, east, north in (
            ("AA11AA", far, corner, corner),
            ("AA11AB", near, side, 0),
        ):
            place = Postcode(
                postcode=postcode,
                authority_pk=key(row),
                easting=100_000 + east,
                northing=100_000 + north,
                lat=50,
                lng=-5,
            )
            empty_authorities.add(place)
        empty_authorities.flush()
        found = queries.nearest_authority(empty_authorities, 100_000, 100_000)
        assert found is not None
        assert found.code == near.code


@pytest.fixture
def empty_authorities(client: TestClient) -> Iterator[Session]:
    """A writing session on authorities without a postcode."""
    database = database_of(client)
    with database.writing(seconds=60) as session:
        session.execute(delete(Postcode))
        yield session
