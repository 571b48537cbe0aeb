"""School terms: loaded by staff, read by everybody, and made into ranges of days."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlmodel import col, select
from starlette.testclient import TestClient

from app.access.models import AuditEvent
from app.authorities import school_term_queries
from app.authorities.models import Authority
from app.authorities.school_days import Ranges, SchoolDays, Span
from app.authorities.school_terms import MOST_TERMS
from app.main import open_database
from app.sources.demonstration import load_demonstration
from app.sources.demonstration_dates import Calendar
from tests import build
from tests.test_cli import run
from tests.test_service import problem

PATH = "/v1/school-terms"
BIRMINGHAM = "E08000025"
STAFFORDSHIRE = "E10000028"
MOORLANDS = "E07000198"
CSV = {"Content-Type": "text/csv"}
HEADER = "authority,name,starts_on,ends_on,source\n"


def term(starts_on: str, ends_on: str, authority: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "name": f"From {starts_on}",
        "authority": authority,
        "starts_on": starts_on,
        "ends_on": ends_on,
        **more,
    }


AUTUMN = [term("2026-09-02", "2026-10-23"), term("2026-11-02", "2026-12-18")]


def put(client: TestClient, headers: build.Headers, *items: Any) -> Any:
    answer = client.put(PATH, json={"items": items}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def put_csv(client: TestClient, headers: build.Headers, text: str | bytes) -> Any:
    return client.put(PATH, content=text, headers={**headers, **CSV})


def names(client: TestClient, query: str = "") -> list[str]:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


def day_ranges(client: TestClient) -> SchoolDays:
    with build.database_of(client).reading() as session:
        return school_term_queries.day_ranges(session)


def pk_of(client: TestClient, code: str) -> int:
    with build.database_of(client).reading() as session:
        return session.exec(select(Authority.pk).where(Authority.code == code)).one() or 0


class TestList:
    @pytest.fixture
    def filled(self, client: TestClient, keys: build.Keys) -> None:
        put(
            client,
            keys.staff,
            term("2026-09-02", "2026-10-23", name="Region 1", source="Agreed, OGL v3.0"),
            term("2026-11-02", "2026-12-18", name="Region 2"),
            term("2026-09-03", "2026-10-16", BIRMINGHAM, name="Birmingham 1"),
            term("2026-09-01", "2026-10-20", STAFFORDSHIRE, name="Staffordshire 1"),
        )

    def test_none_yet(self, client: TestClient) -> None:
        assert client.get(PATH).json() == {"items": [], "next": None, "total": None}

    @pytest.mark.usefixtures("filled")
    def test_everybody_reads_them_in_order(self, client: TestClient) -> None:
        items = client.get(PATH).json()["items"]
        assert [item["starts_on"] for item in items] == [
            "2026-09-01", "2026-09-02", "2026-09-03", "2026-11-02",
        ]  # fmt: skip
        staffordshire, region, birmingham, _ = items
        assert staffordshire["authority"]["name"] == "Staffordshire"
        assert birmingham["authority"] == {
            "code": BIRMINGHAM,
            "name": "Birmingham",
            "href": f"http://testserver/v1/authorities/{BIRMINGHAM}",
        }
        assert region == {
            "id": region["id"],
            "authority": None,
            "name": "Region 1",
            "starts_on": "2026-09-02",
            "ends_on": "2026-10-23",
            "source": "Agreed, OGL v3.0",
            "demo": False,
            "version": 1,
        }

    @pytest.mark.usefixtures("filled")
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (f"authority={BIRMINGHAM}", ["Birmingham 1"]),
            (f"authority={STAFFORDSHIRE}", ["Staffordshire 1"]),
            (f"authority={MOORLANDS}", ["Staffordshire 1"]),
            ("authority=E08000029", ["Region 1", "Region 2"]),
            (
                f"authority={BIRMINGHAM}&authority=E08000029",
                ["Region 1", "Birmingham 1", "Region 2"],
            ),
            ("from=2026-10-21", ["Region 1", "Region 2"]),
            ("to=2026-09-02", ["Staffordshire 1", "Region 1"]),
            ("from=2026-10-23&to=2026-11-01", ["Region 1"]),
            ("from=2026-10-24&to=2026-11-01", []),
            (f"authority={BIRMINGHAM}&from=2026-11-01", []),
        ],
    )
    def test_filters(self, client: TestClient, query: str, expected: list[str]) -> None:
        assert names(client, query) == expected

    @pytest.mark.usefixtures("filled")
    def test_pages(self, client: TestClient) -> None:
        first = client.get(f"{PATH}?limit=3&count=true").json()
        assert (len(first["items"]), first["total"]) == (3, 4)
        assert [one["name"] for one in client.get(first["next"]).json()["items"]] == ["Region 2"]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("authority=E08999999", "?authority"),
            ("authority=Birmingham", "?authority.0"),
            ("from=September", "?from"),
            ("to=2026-13-01", "?to"),
            ("starts=2026-09-01", "?starts"),
            ("from=2026-09-01&from=2026-09-02", "?from"),
            ("limit=0", "?limit"),
        ],
    )
    def test_bad_queries(self, shared_client: TestClient, query: str, pointer: str) -> None:
        found = problem(shared_client.get(f"{PATH}?{query}"), 422, "invalid")
        assert [error["pointer"] for error in found["errors"]] == [pointer]

    def test_out_of_order(self, shared_client: TestClient) -> None:
        answer = shared_client.get(f"{PATH}?from=2026-09-02&to=2026-09-01")
        assert "to must not come before from" in problem(answer, 422, "invalid")["detail"]


class TestReplace:
    def test_all_at_once_and_again(self, client: TestClient, keys: build.Keys) -> None:
        first = put(client, keys.staff, *AUTUMN)
        assert first == {"terms": 2, "added": 2, "changed": 0, "removed": 0, "unchanged": 0}
        before = client.get(PATH).json()
        again = put(client, keys.staff, *reversed(AUTUMN))
        assert again == {"terms": 2, "added": 0, "changed": 0, "removed": 0, "unchanged": 2}
        assert client.get(PATH).json() == before
        renamed = {**AUTUMN[0], "name": "Autumn 1"}
        third = put(client, keys.staff, renamed, term("2027-01-04", "2027-02-12"))
        assert third == {"terms": 2, "added": 1, "changed": 1, "removed": 1, "unchanged": 0}
        one, other = client.get(PATH).json()["items"]
        assert (one["id"], one["version"]) == (before["items"][0]["id"], 2)
        assert (one["name"], other["name"]) == ("Autumn 1", "From 2027-01-04")
        assert put(client, keys.staff) == {
            "terms": 0, "added": 0, "changed": 0, "removed": 2, "unchanged": 0,
        }  # fmt: skip
        assert names(client) == []

    def test_what_was_read_can_be_sent_back(self, client: TestClient, keys: build.Keys) -> None:
        put(client, keys.staff, *AUTUMN, term("2026-09-03", "2026-10-16", BIRMINGHAM))
        read = client.get(PATH).json()["items"]
        assert put(client, keys.staff, *read)["unchanged"] == 3

    def test_who_may(self, client: TestClient, keys: build.Keys) -> None:
        body = {"items": AUTUMN}
        problem(client.put(PATH, json=body), 401, "unauthenticated")
        coordinator = keys.coordinator("birmingham")
        problem(client.put(PATH, json=body, headers=coordinator), 403, "forbidden")
        assert client.put(PATH, json=body, headers=keys.admin).status_code == 200

    def test_it_is_on_record(self, client: TestClient, keys: build.Keys) -> None:
        put(client, keys.staff, *AUTUMN)
        put(client, keys.staff, *AUTUMN)
        with build.database_of(client).reading() as session:
            statement = select(AuditEvent).where(col(AuditEvent.subject_kind) == "school_terms")
            (event,) = session.exec(statement).all()
        assert (event.action, event.role) == ("school_terms.replace", "staff")
        assert event.before_digest != event.after_digest

    @pytest.mark.parametrize(
        ("items", "expected"),
        [
            ([term("2026-09-02", "2026-09-01")], {"#/items/0"}),
            ([term("1999-09-02", "1999-10-01")], {"#/items/0"}),
            ([term("2100-12-20", "2101-01-05")], {"#/items/0"}),
            ([term("2026-09-02", "2026-12-18")], {"#/items/0"}),
            ([*AUTUMN, term("2027-02-30", "2027-03-20")], {"#/items/2/starts_on"}),
            ([term("2026-09-02", "02/10/2026")], {"#/items/0/ends_on"}),
            ([{**AUTUMN[0], "starts_on": 0}], {"#/items/0/starts_on"}),
            ([{**AUTUMN[0], "name": " "}], {"#/items/0/name"}),
            ([{**AUTUMN[0], "name": "x" * 81}], {"#/items/0/name"}),
            ([{**AUTUMN[0], "source": "x" * 301}], {"#/items/0/source"}),
            ([{**AUTUMN[0], "source": " "}], {"#/items/0/source"}),
            ([{**AUTUMN[0], "begins": "2026"}], {"#/items/0/begins"}),
            ([{"name": "Autumn"}], {"#/items/0/starts_on", "#/items/0/ends_on"}),
            (["Autumn"], {"#/items/0"}),
            (
                [AUTUMN[0], {**AUTUMN[1], "authority": "Dudley"}, {**AUTUMN[1], "name": ""}],
                {"#/items/1/authority", "#/items/2/name"},
            ),
            (
                [AUTUMN[0], term("2026-09-02", "2026-10-01", "E08999999")],
                {"#/items/1/authority"},
            ),
            ([*AUTUMN, AUTUMN[0]], {"#/items/2/starts_on"}),
            (
                [
                    term("2026-10-23", "2026-12-01"),
                    AUTUMN[0],
                    term("2026-10-23", "2026-12-01", BIRMINGHAM),
                    term("2026-09-10", "2026-09-20"),
                ],
                {"#/items/0/starts_on", "#/items/3/starts_on"},
            ),
        ],
    )  # fmt: skip
    def test_bad_items(
        self,
        shared_client: TestClient,
        shared_keys: build.Keys,
        items: list[Any],
        expected: set[str],
    ) -> None:
        kept = term("2030-01-07", "2030-02-08", name="Kept")
        put(shared_client, shared_keys.staff, kept)
        answer = shared_client.put(PATH, json={"items": items}, headers=shared_keys.staff)
        found = problem(answer, 422, "invalid")
        assert {error["pointer"] for error in found["errors"]} == expected
        assert names(shared_client) == ["Kept"], "nothing is written unless all is right"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (b"", "#"),
            (b"{", "#"),
            (b"[]", "#"),
            (b"null", "#"),
            (b"{}", "#/items"),
            (b'{"items": null}', "#/items"),
            (b'{"items": [], "items": []}', "#"),
            (b'{"items": [], "mode": "add"}', "#/mode"),
            (json.dumps({"items": AUTUMN[:1] * (MOST_TERMS + 1)}).encode(), "#/items"),
        ],
    )
    def test_bad_bodies(
        self, shared_client: TestClient, shared_keys: build.Keys, body: bytes, pointer: str
    ) -> None:
        headers = {**shared_keys.staff, "Content-Type": "application/json"}
        answer = shared_client.put(PATH, content=body, headers=headers)
        found = problem(answer, 422, "invalid")
        assert found["errors"][0]["pointer"] == pointer

    @pytest.mark.parametrize("kind", ["text/plain", "application/pdf", "", "multipart/form-data"])
    def test_other_types(
        self, shared_client: TestClient, shared_keys: build.Keys, kind: str
    ) -> None:
        headers = {**shared_keys.staff, "Content-Type": kind}
        answer = shared_client.put(PATH, content=b"items", headers=headers)
        problem(answer, 415, "unsupported_media_type")

    def test_of_two_at_once_one_stays(self, client: TestClient, keys: build.Keys) -> None:
        """Neither spares what the other adds, so that no terms ever overlap."""
        sets = [
            [term(f"2026-09-{day:02}", "2026-10-23"), term(f"2026-11-{day:02}", "2026-12-18")]
            for day in range(1, 9)
        ]
        put(client, keys.staff, *AUTUMN)
        together = threading.Barrier(len(sets))

        def send(items: list[Any]) -> int:
            together.wait()
            answer = client.put(PATH, json={"items": items}, headers=keys.staff)
            return int(answer.status_code)

        with ThreadPoolExecutor(len(sets)) as pool:
            statuses = set(pool.map(send, sets))
        assert 200 in statuses
        assert statuses <= {200, 503}
        items = client.get(PATH).json()["items"]
        assert len(items) == 2
        assert items[0]["starts_on"][-2:] == items[1]["starts_on"][-2:]


class TestTables:
    def test_the_same_as_json(self, client: TestClient, keys: build.Keys) -> None:
        put(
            client,
            keys.staff,
            term("2026-09-02", "2026-10-23", name="Autumn 1", source="Schools, by agreement"),
            term("2026-09-03", "2026-10-22", BIRMINGHAM, name="Herbst"),
        )
        table = (
            "\ufeffSource, Name ,Starts on,ends_on,AUTHORITY\r\n"
            '"Schools, by agreement",Autumn 1,02/09/2026,23/10/2026,\r\n'
            "\r\n"
            f",Herbst,2026-09-03,22/10/2026,{BIRMINGHAM},,\r\n"
            ",,,,\r\n"
        )
        answer = put_csv(client, keys.staff, table.encode())
        assert answer.json()["unchanged"] == answer.json()["terms"] == 2, answer.text

    def test_a_header_alone_takes_all_away(self, client: TestClient, keys: build.Keys) -> None:
        put(client, keys.staff, *AUTUMN)
        assert put_csv(client, keys.staff, HEADER).json()["removed"] == 2

    def test_every_bad_line_is_named(self, client: TestClient, keys: build.Keys) -> None:
        table = HEADER + (
            ",Autumn 1,2026-09-02,2026-10-23,\n"
            "\n"
            ",Autumn 2,2026-11-31,2026-12-18,\n"
            ",,2027-01-04,2027-02-12,\n"
            "Dudley,Spring 2,2027-02-22,2027-03-19,\n"
            ",Summer 1,2027-05-28,2027-04-12,\n"
        )
        found = problem(put_csv(client, keys.staff, table), 422, "invalid")
        told = [(error["pointer"], error["detail"][:18]) for error in found["errors"]]
        assert told == [
            ("#/items/1/starts_on", "Line 4, starts_on:"),
            ("#/items/2/name", "Line 5, name: This"),
            ("#/items/3/authority", "Line 6, authority:"),
            ("#/items/4", "Line 7: ends_on mu"),
        ]
        assert found["detail"].startswith("Line 4, starts_on:")
        table = HEADER + (
            ",Autumn 1,2026-09-02,2026-10-23,\n"
            ",Autumn 2,2026-10-20,2026-12-18,\n"
            "E08999999,Autumn 1,2026-09-02,2026-10-23,\n"
        )
        found = problem(put_csv(client, keys.staff, table), 422, "invalid")
        assert [error["detail"][:6] for error in found["errors"]] == ["Line 4", "Line 3"]
        assert "'Autumn 1'" in found["errors"][1]["detail"]
        assert names(client) == []

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("", "nothing in it"),
            ("\n\n", "nothing in it"),
            ("authority,name,begins,ends_on\n", "no column 'begins'"),
            ("name,ends_on\n", "missing: starts_on"),
            ("name,name,starts_on,ends_on\n", "comes twice"),
            (",name,starts_on,ends_on\n", "no column ''"),
            ("{}", "no column '{}'"),
            (f"{HEADER},A,2026-09-02,2026-10-23,OGL, v3\n", "Line 2 has 6 cells"),
            (f'{HEADER},"A" B,2026-09-02,2026-10-23,\n', "Line 2: "),
            (f'{HEADER},"A,2026-09-02,2026-10-23,\n', "Line 2: "),
            (f"{HEADER},A\x00,2026-09-02,2026-10-23,\n", "NUL"),
            (
                f"{HEADER},Herbst,2026-09-02,2026-10-23,\n,Frühling".encode("cp1252"),
                "Line 3 is not",
            ),
            ("PK\x03\x04\xff".encode("latin-1"), "not UTF-8"),
            (HEADER + ",A,2026-09-02,2026-10-23,\n" * (MOST_TERMS + 1), "more than 5,000"),
        ],
    )
    def test_what_is_no_table(
        self, shared_client: TestClient, shared_keys: build.Keys, table: str | bytes, said: str
    ) -> None:
        found = problem(put_csv(shared_client, shared_keys.staff, table), 422, "invalid")
        assert said in found["detail"]
        assert found["errors"][0]["pointer"] == "#"


class TestCommand:
    def test_load_terms(self, database_url: str, tmp_path: Path) -> None:
        file = tmp_path / "terms.csv"
        file.write_text(f"{HEADER},Autumn 1 2026,02/09/2026,23/10/2026,Our own\n")
        loaded = run(database_url, "load", "terms", str(file))
        assert loaded.returncode == 0, loaded.stderr
        assert json.loads(loaded.stdout)["added"] == 1
        file.write_text(f"{HEADER},A,2026-09-02,2026-10-01,\n,B,2026-10-01,2026-10-20,\n,C,x,y,\n")
        refused = run(database_url, "load", "terms", str(file))
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "Line 4, starts_on:" in refused.stderr
        assert "Line 4, ends_on:" in refused.stderr
        file.write_text(f"{HEADER},A,2026-09-02,2026-10-01,\n,B,2026-10-01,2026-10-20,\n")
        assert "Line 3, starts_on: It overlaps" in run(
            database_url, "load", "terms", str(file)
        ).stderr.replace("\n", " ")
        missing = run(database_url, "load", "terms", str(tmp_path / "none.csv"))
        assert missing.returncode == 2
        database = open_database(build.settings(database_url))
        with database.reading() as session:
            (row,) = school_term_queries.stored(session)
        assert (row.name, row.source, row.demo) == ("Autumn 1 2026", "Our own", False)
        database.close()


class TestDemonstration:
    def load(self, client: TestClient) -> int:
        database = build.database_of(client)
        made = load_demonstration(database, seed=1, listings=1, progress=lambda _done, _of: None)
        return made["school_terms"]

    def test_made_up_ones_are_marked_and_give_way(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        assert self.load(client) == 12
        items = client.get(PATH).json()["items"]
        assert len(items) == 12
        for item in items:
            assert item["demo"]
            assert item["authority"] is None
            assert item["name"].endswith("(demonstration)")
            assert item["source"].startswith("Made up")
        assert self.load(client) == 0
        put(client, keys.staff, *AUTUMN)
        assert self.load(client) == 0
        assert len(names(client)) == 2

    @pytest.mark.parametrize("year", range(2024, 2060))
    def test_the_usual_pattern(self, year: int) -> None:
        terms = Calendar(date(year, 11, 1)).terms(year)
        assert [name.rpartition(" ")[0] for name, _, _ in terms] == [
            "Autumn 1", "Autumn 2", "Spring 1", "Spring 2", "Summer 1", "Summer 2",
        ]  # fmt: skip
        assert (terms[0][1].month, terms[-1][2].month) == (9, 7)
        for _, first, last in terms:
            assert first.weekday() < 5 > last.weekday()
            assert timedelta(weeks=3) < last - first < timedelta(weeks=9)
        gaps = [after[1] - before[2] for before, after in pairwise(terms)]
        assert all(timedelta(days=9) <= gap <= timedelta(days=19) for gap in gaps)


class TestDays:
    def test_the_region_and_those_with_dates_of_their_own(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        assert day_ranges(client) == SchoolDays()
        put(client, keys.staff, *AUTUMN)
        region = Ranges(
            term=(
                (date(2026, 9, 2), date(2026, 10, 23)),
                (date(2026, 11, 2), date(2026, 12, 18)),
            ),
            holiday=((date(2026, 10, 24), date(2026, 11, 1)),),
        )
        assert day_ranges(client) == SchoolDays(region)
        put(
            client,
            keys.staff,
            *AUTUMN,
            term("2026-11-09", "2026-12-18", STAFFORDSHIRE),
            term("2026-09-02", "2026-10-16", STAFFORDSHIRE),
            term("2026-09-04", "2026-10-16", BIRMINGHAM),
        )
        found = day_ranges(client)
        birmingham, moorlands = pk_of(client, BIRMINGHAM), pk_of(client, MOORLANDS)
        assert found.region == found.at(None) == found.at(pk_of(client, "E08000029")) == region
        assert found.at(birmingham) == Ranges(((date(2026, 9, 4), date(2026, 10, 16)),), ())
        assert (
            found.at(moorlands)
            == found.at(pk_of(client, STAFFORDSHIRE))
            == Ranges(
                (
                    (date(2026, 9, 2), date(2026, 10, 16)),
                    (date(2026, 11, 9), date(2026, 12, 18)),
                ),
                ((date(2026, 10, 17), date(2026, 11, 8)),),
            )
        )
        assert len(found.own) == 10, "Birmingham, Staffordshire and its eight districts"

    def test_terms_that_touch_are_one(self) -> None:
        days = [date(2026, 9, 1) + timedelta(days=n) for n in range(10)]
        found = Ranges.between([(days[5], days[6]), (days[0], days[4]), (days[9], days[9])])
        assert found == Ranges(((days[0], days[6]), (days[9], days[9])), ((days[7], days[8]),))

    @pytest.mark.parametrize("seed", range(20))
    def test_every_day_is_one_thing(self, seed: int) -> None:
        random = Random(seed)
        start = date(2026, 1, 1)
        days = [start + timedelta(days=n) for n in range(120)]
        terms = [
            (days[first], days[min(first + random.randint(0, 9), 119)])
            for first in random.sample(range(120), random.randint(0, 12))
        ]
        found = Ranges.between(terms)
        open_days = {day for first, last in terms for day in days if first <= day <= last}
        known = [day for day in days if open_days and min(open_days) <= day <= max(open_days)]
        assert _days(found.term) == sorted(open_days)
        assert _days(found.holiday) == [day for day in known if day not in open_days]


def _days(spans: Sequence[Span]) -> list[date]:
    return [
        first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)
    ]
