"""Files of listings: the filters of the list, everything that matches, nothing kept in memory."""

import csv
import gzip
import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from app.feeds import files
from app.feeds.csv_columns import HEADINGS
from tests import build
from tests.conftest import serving
from tests.test_answers import until
from tests.test_authorities import statements
from tests.test_opportunities import act, push
from tests.test_search import walk
from tests.test_service import problem
from tests.test_venues import make as make_venue

PATH = "/v1/opportunities"
MANY = 260
QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"sort": "title"},
    {"sort": "published"},
    {"q": "percussion"},
    {"near": "B1 1BB", "within_km": "3", "sort": "distance"},
    {"artform": "music", "age": "8"},
    {"bbox": "-2.5,52.0,-1.5,53.0"},
    {"weekday": "sat", "free": "false"},
)


@pytest.fixture(scope="module")
def found(shared_database_url: str) -> Iterator[TestClient]:
    """A service over more listings than one page of a file holds, some with odd texts."""
    with serving(shared_database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        kiln = make_venue(client, keys.staff, "dance-hub", "Kiln", address="1 Road\nBirmingham")
        items = [
            build.listing(
                external_id=f"music-{number:03}",
                title=f"Percussion {number % 7}",
                artforms=["music"],
                venue={"name": "Hall", "postcode": "B1 1BB" if number % 2 else "WV1 1SE"},
            )
            for number in range(MANY)
        ]
        items.append(
            build.listing(
                external_id="odd",
                title='=HYPERLINK("https://example.org")',
                summary='Say "hello", then\nleave; é ✓',
                description="<p>One</p><p>Two &amp; three</p>",
            )
        )
        items.append(
            build.listing(
                external_id="marks",
                title="Clay, slip",
                summary='A "slip" is wet clay',
                venue=kiln["slug"],
            )
        )
        items.append(
            build.listing(external_id="online", title="Online", delivery="online", venue=None)
        )
        answer = client.post(
            "/v1/sources/web/batches", json={"items": items}, headers=keys.publisher("dance-hub")
        )
        assert answer.json()["counts"]["created"] == len(items), answer.text
        yield client


def lines(answer: Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def table(answer: Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(StringIO(answer.text, newline="")))


class TestLines:
    """GET /v1/opportunities.ndjson"""

    @pytest.mark.parametrize("query", QUERIES)
    def test_the_list_whole_and_in_its_order(
        self, found: TestClient, query: dict[str, str]
    ) -> None:
        names = [
            one["source"]["external_id"] for one in lines(found.get(f"{PATH}.ndjson", params=query))
        ]
        assert names == walk(found, **query, limit=200)

    def test_a_line_is_an_item_of_the_list(self, found: TestClient) -> None:
        query = {"q": "online", "near": "B1 1BB", "fields": "title,venue,distance_km"}
        for asked in ({"q": "hello"}, {"near": "B1 1BB", "within_km": "1"}, {**query}):
            item = found.get(PATH, params={**asked, "limit": 1}).json()["items"]
            assert lines_or_none(found, asked)[:1] == item

    def test_nothing_is_no_line(self, found: TestClient) -> None:
        answer = found.get(f"{PATH}.ndjson?artform=film")
        assert (answer.status_code, answer.content) == (200, b"")

    def test_filters_are_those_of_the_list(self, found: TestClient) -> None:
        body = problem(found.get(f"{PATH}.ndjson?colour=red"), 422, "invalid")
        assert body["errors"][0]["pointer"] == "?colour"
        problem(found.get(f"{PATH}.ndjson?limit=5"), 422, "invalid")
        problem(found.get(f"{PATH}.ndjson?status=draft"), 422, "invalid")
        problem(found.get(f"{PATH}.ndjson?partnership=nowhere"), 422, "invalid")

    def test_more_than_a_file_holds_is_refused(
        self, found: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "MOST_LISTINGS", MANY)
        problem(found.get(f"{PATH}.ndjson"), 422, "too_many_listings")
        assert len(lines(found.get(f"{PATH}.ndjson?artform=music"))) == MANY

    def test_pages_are_few_statements_and_no_query_for_each_row(self, found: TestClient) -> None:
        with statements(build.database_of(found)) as ran:
            lines(found.get(f"{PATH}.ndjson", headers={"accept-encoding": "gzip"}))
        reads = [one for one in ran if one.lstrip().upper().startswith(("SELECT", "WITH"))]
        assert len(reads) <= 10, reads

    def test_gzip_is_streamed(self, found: TestClient) -> None:
        with found.stream("GET", f"{PATH}.ndjson", headers={"accept-encoding": "gzip"}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["etag"].endswith('-gzip"')
        plain = found.get(f"{PATH}.ndjson", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert gzip.decompress(raw) == plain.content

    def test_head_makes_nothing(self, found: TestClient) -> None:
        with statements(build.database_of(found)) as ran:
            answer = found.head(f"{PATH}.ndjson", headers={"accept-encoding": "identity"})
        assert answer.status_code == 200
        assert answer.content == b""
        assert not [one for one in ran if "document" in one and "opportunity d" in one]
        assert (
            answer.headers["etag"]
            == found.get(f"{PATH}.ndjson", headers={"accept-encoding": "identity"}).headers["etag"]
        )


def lines_or_none(client: TestClient, asked: dict[str, str]) -> list[Any]:
    answer = client.get(f"{PATH}.ndjson", params=asked)
    return lines(answer) if answer.content else []


class TestConditions:
    """Any file: one look-up tells that nothing changed."""

    @pytest.mark.parametrize("ending", ["ndjson", "csv", "geojson"])
    def test_one_look_up(self, found: TestClient, ending: str) -> None:
        path = f"{PATH}.{ending}?sort=title&q=percussion&partnership=birmingham"
        for coding in ("identity", "gzip"):
            asked = {"accept-encoding": coding}
            tag = found.get(path, headers=asked).headers["etag"]
            with statements(build.database_of(found)) as ran:
                answer = found.get(path, headers={**asked, "if-none-match": f'"a", {tag}'})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
            assert answer.headers["cache-control"].startswith("public")
            assert len([one for one in ran if not one.startswith(("BEGIN", "SET"))]) <= 1, ran

    def test_what_is_asked_and_who_asks_matter(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        tags = {
            client.get(f"{PATH}.{ending}", headers=who).headers["etag"]
            for ending in ("ndjson", "csv", "csv?bom=true", "ndjson?sort=title")
            for who in ({}, trusted, keys.staff)
        }
        assert len(tags) == 12

    def test_a_change_ends_it(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        tag = client.get(f"{PATH}.csv").headers["etag"]
        push(client, trusted, title="Another title")
        # Who keeps answers may hear of the change a moment later, on the other engine.
        until(lambda: client.get(f"{PATH}.csv", headers={"if-none-match": tag}).status_code == 200)

    def test_a_key_is_answered_for_itself(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        push(client, moderated)
        assert client.get(f"{PATH}.ndjson").content == b""
        answer = client.get(f"{PATH}.ndjson?status=submitted", headers=keys.staff)
        assert [one["status"] for one in lines(answer)] == ["submitted"]
        assert answer.headers["cache-control"] == "private, no-store"
        assert "missing" not in lines(answer)[0]


class TestTables:
    """GET /v1/opportunities.csv"""

    def test_a_row_each(self, found: TestClient) -> None:
        answer = found.get(f"{PATH}.csv")
        rows = table(answer)
        assert [row["external_id"] for row in rows] == walk(found, limit=200)
        assert answer.headers["content-disposition"] == 'attachment; filename="opportunities.csv"'
        assert tuple(rows[0]) == HEADINGS
        assert not any(None in row or None in row.values() for row in rows)

    def test_cells(self, found: TestClient) -> None:
        item = found.get(PATH, params={"q": "hello"}).json()["items"][0]
        (row,) = table(found.get(f"{PATH}.csv", params={"q": "hello"}))
        assert row["title"] == '\'=HYPERLINK("https://example.org")'
        assert row["summary"] == item["summary"]
        assert row["description"] == "One Two & three"
        assert row["price_from"] == "4.50"
        assert row["sessions"].split("; ")[0] == "2027-06-05T10:00:00+01:00"
        assert float(row["lng"]) == item["venue"]["lng"] < 0
        assert row["provider"] == "Dance Hub"
        assert row["href"] == item["href"]
        assert (row["free"], row["demo"], row["age_min"]) == ("false", "false", "7.0")
        assert int(row["change_number"]) == item["change_number"]

    def test_quotation_marks_where_they_are_needed(self, found: TestClient) -> None:
        answer = found.get(f"{PATH}.csv")
        (row,) = (one for one in table(answer) if one["external_id"] == "marks")
        assert (row["title"], row["summary"]) == ("Clay, slip", 'A "slip" is wet clay')
        assert row["venue_address"] == "1 Road\nBirmingham"
        again = StringIO(newline="")
        csv.writer(again).writerows(csv.reader(StringIO(answer.text, newline="")))
        assert answer.text == again.getvalue()

    def test_a_mark_for_excel_on_request(self, found: TestClient) -> None:
        plain = found.get(f"{PATH}.csv?q=hello").content
        assert plain.startswith(b"id,")
        assert found.get(f"{PATH}.csv?q=hello&bom=true").content == b"\xef\xbb\xbf" + plain


class TestMaps:
    """GET /v1/opportunities.geojson"""

    def test_features(self, found: TestClient) -> None:
        answer = found.get(f"{PATH}.geojson")
        assert answer.headers["content-type"] == "application/geo+json"
        whole = answer.json()
        assert set(whole) == {"type", "features"}
        assert len(whole["features"]) == MANY + 3
        for one in whole["features"]:
            assert set(one) == {"type", "id", "geometry", "properties"}
            if one["geometry"] is None:
                assert one["properties"]["delivery"] == "online"
            else:
                longitude, latitude = one["geometry"]["coordinates"]
                assert (-3 < longitude < -1, 52 < latitude < 53) == (True, True)

    def test_only_some_members(self, found: TestClient) -> None:
        (one,) = found.get(f"{PATH}.geojson?q=hello&fields=title").json()["features"]
        assert set(one["properties"]) == {"id", "href", "title"}
        assert one["geometry"]["type"] == "Point"

    def test_nothing_is_an_empty_collection(self, found: TestClient) -> None:
        assert found.get(f"{PATH}.geojson?artform=film").json() == {
            "type": "FeatureCollection",
            "features": [],
        }

    def test_a_hidden_address_stays_hidden(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = {
            "name": "A refuge", "organisation": "dance-hub", "address": "1 Secret Street",
            "postcode": "B1 1BB", "hide_exact_address": True,
        }  # fmt: skip
        made = client.post("/v1/venues", json=venue, headers=keys.staff)
        assert made.status_code == 201, made.text
        push(client, trusted, venue=made.json()["slug"])
        (one,) = client.get(f"{PATH}.geojson").json()["features"]
        district = client.get("/v1/authorities/E08000025").json()
        centre = district["centre"]
        assert one["geometry"]["coordinates"] == [centre["lng"], centre["lat"]]
        for ending in ("geojson", "csv", "ndjson"):
            said = client.get(f"{PATH}.{ending}").text
            assert "Secret" not in said
            assert "B1 1BB" not in said


def test_what_is_withdrawn_meanwhile_is_left_out(
    client: TestClient, keys: build.Keys, trusted: build.Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = push(client, trusted, "kept")["id"]
    gone = push(client, trusted, "gone")["id"]
    plain = files.Search.all_keys

    def then_withdraw(search: files.Search) -> Any:
        found = plain(search)
        assert act(client, keys.staff, gone, "withdraw", reason="No more.").status_code == 200
        return found

    monkeypatch.setattr(files.Search, "all_keys", then_withdraw)
    assert [one["id"] for one in lines(client.get(f"{PATH}.ndjson"))] == [kept]


class TestOutlines:
    """GET /v1/partnerships.geojson"""

    def test_areas_of_today(self, found: TestClient) -> None:
        answer = found.get("/v1/partnerships.geojson")
        assert answer.headers["content-type"] == "application/geo+json"
        features = {one["properties"]["slug"]: one for one in answer.json()["features"]}
        listed = found.get("/v1/partnerships?limit=200").json()["items"]
        assert set(features) == {one["slug"] for one in listed}
        birmingham = features["birmingham"]
        outline = found.get("/v1/authorities/E08000025/boundary").json()["geometry"]
        polygons = outline["coordinates"]
        if outline["type"] == "Polygon":
            polygons = [polygons]
        assert birmingham["geometry"] == {"type": "MultiPolygon", "coordinates": polygons}
        assert birmingham["properties"]["areas"][0]["authority"]["code"] == "E08000025"

    def test_filters_are_those_of_the_list(self, found: TestClient) -> None:
        one = found.get("/v1/partnerships.geojson?authority=E08000025").json()["features"]
        assert "birmingham" in [feature["properties"]["slug"] for feature in one]
        problem(found.get("/v1/partnerships.geojson?stage=grand"), 422, "invalid")
        problem(found.get("/v1/partnerships.geojson?limit=3"), 422, "invalid")
