"""Postcodes: their shape, the look-up by HTTP, and files of other regions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, delete
from starlette.testclient import TestClient

from app.authorities import loading, queries
from app.authorities.loading import BadPostcodeFile, PostcodesLoaded, load_postcodes
from app.authorities.models import Boundary, Cover, Postcode
from app.authorities.postcodes import normalise_postcode, spaced
from app.kit.problems import Problem
from tests.test_authorities import database_of, statements


class TestShape:
    @pytest.mark.parametrize(
        ("text", "postcode"),
        [
            ("B1 1BB", "B11BB"),
            ("b11bb", "B11BB"),
            ("  wv1\t1se ", "WV11SE"),
            ("B1  1AA", "B11AA"),
            ("W1A\u00a01AA", "W1A1AA"),
            ("sw1a 1aa", "SW1A1AA"),
            ("GIR 0AA", "GIR0AA"),
        ],
    )
    def test_valid(self, text: str, postcode: str) -> None:
        assert normalise_postcode(text) == postcode

    @pytest.mark.parametrize(
        "text",
        [
            *("", " ", "B1", "B1 1B", "B1 1BBB", "B1 1BC", "1B 1BB", "BBB1 1BB", "B1-1BB"),
            *("ſt1 1aa", "B\u0661 1BB", "B1 1BB\n\x00", "B1 1BB;", "x" * 10_000),
        ],
    )
    def test_malformed(self, text: str) -> None:
        with pytest.raises(ValueError, match="not shaped like a postcode") as error:
            normalise_postcode(text)
        assert len(str(error.value)) < 200

    def test_spaced(self) -> None:
        assert spaced("B11BB") == "B1 1BB"
        assert spaced("WV112AB") == "WV11 2AB"


class TestGetPostcode:
    @pytest.mark.parametrize(
        ("postcode", "authority", "parent", "partnerships"),
        [
            ("B1 1BB", "Birmingham", None, ["birmingham"]),
            ("WV1 1SE", "Wolverhampton", None, ["wolverhampton"]),
            ("ST1 1AA", "Stoke-on-Trent", None, ["stoke-and-north-staffs"]),
            ("ST5 2AG", "Newcastle-under-Lyme", "Staffordshire", ["stoke-and-north-staffs"]),
            ("ST16 1AA", "Stafford", "Staffordshire", []),
            ("HR1 2HX", "Herefordshire, County of", None, ["creative-connections-herefordshire"]),
            ("CV1 2AA", "Coventry", None, ["coventry"]),
            ("CV34 5AA", "Warwick", "Warwickshire", []),
            ("WR5 1AA", "Worcester", "Worcestershire", ["worcestershire-arts-partnership"]),
            ("TF3 4LA", "Telford and Wrekin", None, ["telford"]),
            ("SY2 6ND", "Shropshire", None, ["cultural-consortium-shropshire"]),
        ],
    )
    def test_known(
        self,
        shared_client: TestClient,
        postcode: str,
        authority: str,
        parent: str | None,
        partnerships: Sequence[str],
    ) -> None:
        answer = shared_client.get(f"/v1/postcodes/{postcode}")
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["postcode"] == postcode
        assert body["authority"]["name"] == authority
        assert (body["parent"] and body["parent"]["name"]) == parent
        assert [each["slug"] for each in body["partnerships"]] == partnerships

    def test_everything(self, shared_client: TestClient) -> None:
        body = shared_client.get("/v1/postcodes/b11bb").json()
        partnership = body.pop("partnerships")[0]
        assert body == {
            "postcode": "B1 1BB",
            "href": "http://testserver/v1/postcodes/B11BB",
            "lat": pytest.approx(52.48042, abs=1e-5),
            "lng": pytest.approx(-1.90345, abs=1e-5),
            "easting": 406654,
            "northing": 286948,
            "authority": {
                "code": "E08000025",
                "name": "Birmingham",
                "href": "http://testserver/v1/authorities/E08000025",
            },
            "parent": None,
            "nearby": "http://testserver/v1/postcodes/B11BB/nearby",
        }
        assert partnership["confirmed"] is True

    def test_through_the_county(self, shared_client: TestClient) -> None:
        body = shared_client.get("/v1/postcodes/WR51AA").json()
        assert body["partnerships"][0]["through_county"] is True

    def test_an_uncertain_area(self, shared_client: TestClient) -> None:
        body = shared_client.get("/v1/postcodes/ST13 5AA").json()
        assert body["authority"]["name"] == "Staffordshire Moorlands"
        assert body["partnerships"][0]["confirmed"] is False

    @pytest.mark.parametrize("written", ["b11bb", "B1%201BB", "%20b1%20%201bb", "B1+1BB"])
    def test_spacing_and_case(self, shared_client: TestClient, written: str) -> None:
        answer = shared_client.get(f"/v1/postcodes/{written}")
        # A plus sign is a space in a form, never in a path.
        assert answer.status_code == (422 if "+" in written else 200)

    @pytest.mark.parametrize(
        "text", ["B1", "nonsense", "B1 1B", "12345", "B1 1BC", "%00", "B11BB%00"]
    )
    def test_malformed(self, shared_client: TestClient, text: str) -> None:
        answer = shared_client.get(f"/v1/postcodes/{text}")
        assert answer.status_code == 422
        error = answer.json()["errors"][0]
        assert (error["pointer"], error["code"]) == (":postcode", "malformed_postcode")

    @pytest.mark.parametrize(
        ("postcode", "code"),
        [
            ("B1 1ZZ", "unknown"),
            ("WV1 9ZZ", "unknown"),
            ("SW1A 1AA", "outside_region"),
            ("M1 1AA", "outside_region"),
            ("LD1 5AA", "outside_region"),
            ("B0 1AA", "outside_region"),  # B01 is not the outward code of B10 either
            ("GIR 0AA", "outside_region"),
        ],
    )
    def test_missing(self, shared_client: TestClient, postcode: str, code: str) -> None:
        answer = shared_client.get(f"/v1/postcodes/{postcode}")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
        assert shared_client.get(answer.json()["type"]).status_code == 200

    def test_two_statements(self, shared_client: TestClient) -> None:
        with statements(database_of(shared_client)) as found:
            shared_client.get("/v1/postcodes/wr5%201aa")  # so written nowhere else: not kept yet
        assert len([each for each in found if each.startswith("SELECT")]) == 2


class TestGetPostcodeNearby:
    def test_leads_to_the_search(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/v1/postcodes/b1 1bb/nearby", follow_redirects=False)
        assert answer.status_code == 307
        assert (
            answer.headers["location"]
            == "http://testserver/v1/opportunities?near=B11BB&within_km=5"
        )

    def test_missing(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/v1/postcodes/SW1A1AA/nearby", follow_redirects=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "outside_region")

    def test_malformed(self, shared_client: TestClient) -> None:
        answer = shared_client.get("/v1/postcodes/B1/nearby", follow_redirects=False)
        assert answer.status_code == 422


class TestQueries:
    def test_locate_in_chunks(
        self, shared_client: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(queries, "LOCATED_AT_ONCE", 2)
        asked = ["B11BB", "B11BB", "WV11SE", "HR12HX", "XX11XX"]
        database = database_of(shared_client)
        with database.reading() as session, statements(database) as found:
            places = queries.locate(session, asked)
        assert places.keys() == {"B11BB", "WV11SE", "HR12HX"}
        assert places["B11BB"][2:4] == (406_654, 286_948)
        assert len([each for each in found if each.startswith("SELECT")]) == 2

    def test_check_codes(self, shared_client: TestClient) -> None:
        with database_of(shared_client).reading() as session:
            queries.check_codes(session, ["E08000025"], "?authority")
            queries.check_codes(session, [], "?authority")
            with pytest.raises(Problem, match="E08009999") as problem:
                queries.check_codes(session, ["E08000025", "E08009999"], "?authority")
        assert [error.pointer for error in problem.value.errors] == ["?authority"]


# --- files -----------------------------------------------------------------------------------

HEADER = "pcd,pcd2,pcds,dointr,doterm,oslaua,oseast1m,osnrth1m,osgrdind"
LINE = "{0},{0},{0},199606,{doterm},{1},{2},{3},1"


def line(postcode: str, code: str, easting: object, northing: object, doterm: str = "") -> str:
    """A line of the ONS Postcode Directory."""
    return LINE.format(postcode, code, easting, northing, doterm=doterm)


def load(client: TestClient, path: Path, lines: Sequence[str]) -> PostcodesLoaded:
    """Load these lines."""
    path.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    calls: list[tuple[int, int]] = []
    result = load_postcodes(database_of(client), path, lambda *at: calls.append(at))
    size = path.stat().st_size
    assert calls == sorted(calls)
    assert calls[-1] == (size, size)
    return result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is written."""
    return tmp_path / "postcodes.csv"


def found(client: TestClient, postcode: str) -> Any:
    """The answer of a look-up."""
    answer = client.get(f"/v1/postcodes/{postcode}")
    assert answer.status_code == 200, answer.text
    return answer.json()


class TestLoadPostcodes:
    def test_the_directory(self, client: TestClient, path: Path) -> None:
        lines = [
            HEADER,
            line("SW1A1AA", "E09000033", "0529090", "0179645"),
            line("M1  1AE", "E08000003", 384_800, 397_900),
            line("LD1 5AA", "W06000023", 305_900, 261_300, doterm="200101"),
            line("EH1 1AA", "S12000036", 325_900, 673_900),
            line("BT1 1AA", "N09000003", 333_800, 374_300),
            line("BT1 1AB", "", "", ""),
            line("JE2 3AB", "L99999999", "", ""),
            line("IM1 1AA", "M99999999", "", ""),
            line("B99 9ZZ", "E08000025", "", ""),
            line("B98 0ZZ", "E07000236", 0, 0),
            line("OX1 1AA", "E99999999", 451_400, 206_200),
            "",
        ]
        result = load(client, path, lines)
        assert (result.read, result.changed, result.unchanged) == (11, 4, 0)
        assert result.skipped == {
            "northern_ireland": 2,
            "channel_islands": 1,
            "isle_of_man": 1,
            "no_coordinates": 2,
            "no_authority": 1,
        }
        assert result.authorities == ["E08000003", "E09000033", "S12000036", "W06000023"]
        body = found(client, "SW1A 1AA")
        assert body["lat"] == pytest.approx(51.5010, abs=1e-3)
        assert body["lng"] == pytest.approx(-0.1416, abs=1e-3)
        assert body["authority"]["name"] == "E09000033"
        westminster = client.get("/v1/authorities/E09000033").json()
        assert (westminster["kind"], westminster["region"]) == ("london_borough", None)
        assert westminster["postcode_count"] == 1
        assert westminster["centre"]["easting"] == 529_090
        kinds = {code: client.get(f"/v1/authorities/{code}").json()["kind"] for code in KINDS}
        assert kinds == KINDS
        again = load(client, path, lines)
        assert (again.changed, again.unchanged, again.authorities) == (0, 4, [])

    def test_names_of_later_years(self, client: TestClient, path: Path) -> None:
        header = "pcd7,pcd8,pcds,dointr,doterm,lad25cd,east1m,north1m,gridind"
        result = load(client, path, [header, line("M1 1AE", "E08000003", 384_800, 397_900)])
        assert result.changed == 1
        assert found(client, "M11AE")["authority"]["code"] == "E08000003"

    def test_code_point_open(self, client: TestClient, path: Path) -> None:
        lines = [
            '"M1 1AE",10,384800,397900,"E92000001","E19000001","E18000002","","E08000003",""',
            '"M1 1AF",90,0,0,"E92000001","E19000001","E18000002","","E08000003","E05011368"',
        ]
        result = load(client, path, lines)
        assert result.as_dict() == {
            "read": 2,
            "changed": 1,
            "unchanged": 0,
            "skipped": {"no_coordinates": 1},
            "authorities": ["E08000003"],
        }
        assert found(client, "M11AE")["easting"] == 384_800

    def test_renews_a_postcode(self, client: TestClient, path: Path) -> None:
        before = client.get("/v1/authorities/E08000029").json()
        load(client, path, [HEADER, line("B1 1BB", "E08000029", 406_700, 287_000)])
        body = found(client, "B11BB")
        assert (body["authority"]["code"], body["easting"]) == ("E08000029", 406_700)
        after = client.get("/v1/authorities/E08000029").json()
        assert after["postcode_count"] == before["postcode_count"] + 1
        assert after["version"] > before["version"]
        assert after["name"] == before["name"]

    def test_the_later_of_two_lines_holds(self, client: TestClient, path: Path) -> None:
        lines = [line("M1 1AE", "E08000003", 384_800 + step, 397_900) for step in (0, 50)]
        load(client, path, [HEADER, *lines])
        assert found(client, "M11AE")["easting"] == 384_850

    def test_in_chunks(
        self, client: TestClient, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(loading, "CHUNK", 2)
        lines = [line(f"M1 1A{end}", "E08000003", 384_800, 397_900) for end in "ABDEF"]
        assert load(client, path, [HEADER, *lines]).changed == 5

    def test_into_nothing_by_name_with_its_county(self, client: TestClient, path: Path) -> None:
        database = database_of(client)
        with database.writing(seconds=60) as session:
            rows = queries.by_code(session)
            gone = [rows["E07000218"], rows["E10000031"]]
            session.exec(delete(Postcode).where(col(Postcode.authority_pk) == gone[0].pk))
            for row in rows.values():
                if row.parent_pk == gone[1].pk:
                    row.parent_pk = None
            session.flush()
            pks = [row.pk for row in gone]
            session.exec(delete(Boundary).where(col(Boundary.authority_pk).in_(pks)))
            session.exec(delete(Cover).where(col(Cover.authority_pk).in_(pks)))
            for row in gone:
                session.delete(row)
        result = load(client, path, [HEADER, line("CV9 1AA", "E07000218", 430_900, 297_900)])
        assert result.authorities == ["E07000218"]
        body = found(client, "CV91AA")
        assert body["authority"]["name"] == "North Warwickshire"
        assert body["parent"]["name"] == "Warwickshire"

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ([], "Line 1: The file is empty."),
            (["id,name", "1,x"], "Line 1: This is neither"),
            (["pcds,oseast1m,osnrth1m"], "no column for authority"),
            ([HEADER, "B1 1BB"], "Line 2: It has only 1 columns"),
            ([HEADER, line("nowhere", "E08000025", 1, 1)], "Line 2: 'nowhere' is not shaped"),
            ([HEADER, line("B1 1BB", "E08000025", "x", 1)], "Line 2: 'x' is not a coordinate"),
            ([HEADER, line("B1 1BB", "E08000025", -5, 1)], "Line 2: '-5' is not a coordinate"),
            ([HEADER, line("B1 1BB", "K01000001", 1, 1)], "Line 2: 'K01000001' is not the GSS"),
            ([HEADER, line("B1 1BB", "E0800002", 1, 1)], "Line 2: 'E0800002' is not the GSS"),
            ([HEADER, line("B1 1BB", "E08000025", 900_000, 1)], "Line 2: .* outside the National"),
            (
                [HEADER, line("B1 1BB", "E08000025", 406_654, 286_948), "B1 1BB,x"],
                "Line 3: It has only 2 columns",
            ),
            ([HEADER, "x" * 200_000], "Line 2: It has only 1 columns"),
        ],
    )
    def test_invalid(
        self, shared_client: TestClient, path: Path, lines: Sequence[str], message: str
    ) -> None:
        with pytest.raises(BadPostcodeFile, match=message):
            load(shared_client, path, lines)

    def test_not_utf_8(self, shared_client: TestClient, path: Path) -> None:
        path.write_bytes(HEADER.encode() + b"\nB1 1B\xa3,,\xa3,,,E08000025,1,1,1\n")
        with pytest.raises(BadPostcodeFile, match="Line 2"):
            load_postcodes(database_of(shared_client), path, lambda *_: None)

    def test_an_empty_file(self, shared_client: TestClient, path: Path) -> None:
        path.write_bytes(b"")
        with pytest.raises(BadPostcodeFile, match=r"Line 1: The file is empty\."):
            load_postcodes(database_of(shared_client), path, lambda *_: None)


KINDS = {
    "E08000003": "metropolitan_borough",
    "E09000033": "london_borough",
    "S12000036": "unitary",
    "W06000023": "unitary",
}
