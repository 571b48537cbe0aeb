"""Searching listings through HTTP: bad input, words, orders, facets and suggestions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from math import hypot
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from app.kit.times import today
from tests import build
from tests.conftest import serving
from tests.test_service import problem

PATH = "/v1/opportunities"
MANY = 45
"""Listings beside those that a test names."""
SESSIONS = [{"starts_at": "2027-06-05T10:00:00", "ends_at": "2027-06-05T11:30:00"}]
LATER = [{"starts_at": "2027-07-03T10:00:00", "ends_at": "2027-07-03T11:30:00"}]
NAMED: Mapping[str, Mapping[str, Any]] = {
    "club": {"title": "Saturday dance club", "sessions": LATER},
    "ballet": {"title": "Pointe work", "summary": "Dance for beginners.", "kind": "workshop"},
    "drama": {"title": "Youth Theatre auditions", "artforms": ["theatre"]},
    "circus": {"title": "Circus skills", "artforms": ["circus"], "price": {"free": True}},
    "cafe": {"title": "Café concert", "artforms": ["music"], "kind": "performance"},
    "phrase": {
        "title": "A night of street theatre",
        "artforms": ["theatre"],
        "kind": "workshop",
    },
    "apart": {"title": "Theatre on the high street", "artforms": ["theatre"], "sessions": LATER},
    "markup": {
        "title": "Ceramics <script>alert(1)</script> & glazes",
        "summary": 'Bring <b>"old"</b> ceramics & an apron',
        "description": "<p>All about <strong>ceramics</strong> &amp; 1 &lt; 2.</p>",
        "artforms": ["visual_arts"],
    },
    "far": {
        "title": "Sculpture far away",
        "artforms": ["visual_arts"],
        "venue": {"name": "Hall", "address": "1 Road", "postcode": "CV1 1FY"},
    },
    "near": {
        "title": "Sculpture close by",
        "artforms": ["visual_arts"],
        "venue": {"name": "Hall", "address": "1 Road", "postcode": "B5 6DY"},
    },
    "online": {
        "title": "Sculpture at home",
        "artforms": ["visual_arts"],
        "delivery": "online",
        "venue": None,
        "booking": {"url": "https://example.org/book"},
    },
}
FEATURELESS = {"venue": {"name": "The Long Room", "address": "1 Road", "postcode": "B1 1BB"}}


@pytest.fixture(scope="module")
def found(shared_database_url: str) -> Iterator[TestClient]:
    """A service over the named listings, and some music beside them."""
    with serving(shared_database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys, "Open Arts")
        build.source(client, keys, "open-arts", key="web")
        items = [
            build.listing(**{"external_id": name, **FEATURELESS, "sessions": SESSIONS, **more})
            for name, more in NAMED.items()
        ]
        items += [
            build.listing(
                external_id=f"music-{number:02}",
                title=f"Percussion {number:02}" if number % 3 else "Woodwind for all",
                summary=None if number % 3 else "With some percussion.",
                artforms=["music"],
                kind="course",
                sessions=LATER if number % 2 else SESSIONS,
                **FEATURELESS,
            )
            for number in range(MANY)
        ]
        headers = keys.publisher("open-arts")
        answer = client.post("/v1/sources/web/batches", json={"items": items}, headers=headers)
        assert answer.json()["counts"]["created"] == len(items), answer.text
        assert total(client) == len(items), client.get(PATH, headers=keys.staff).text
        yield client


def ask(client: TestClient, headers: Any = None, **asked: Any) -> Any:
    answer = client.get(PATH, params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(client: TestClient, **asked: Any) -> list[str]:
    return [item["source"]["external_id"] for item in ask(client, **asked)["items"]]


def total(client: TestClient, **asked: Any) -> int:
    number: int = ask(client, count="true", limit=1, **asked)["total"]
    return number


def walk(client: TestClient, **asked: Any) -> list[str]:
    """All that is found, page by page."""
    path: str | None = f"{PATH}?{urlencode(asked)}"
    names: list[str] = []
    while path:
        page = client.get(path).json()
        names += [item["source"]["external_id"] for item in page["items"]]
        path = page["next"]
    return names


class TestBadInput:
    @pytest.mark.parametrize(
        "q",
        [
            "*", "%", "_", "?", "dance*", "%dance%", "_ance", '"', '"dance', "'", "''", "`", "\\",
            "\\'", "(", ")", "(dance", "dance)", "dance AND", "AND", "OR", "NOT", "NEAR", "NOT a",
            "NEAR(dance club)", "dance AND club", "dance OR sculpture", "title:dance", "title : x",
            "{title body}:dance", "-dance", "+dance", "^dance", "dance&club", "dance|club",
            "!dance", "dance <-> club", "dance:*", "dance:A", "a <2> b", "'dance':A & !x",
            "; DROP TABLE x;", "--", "/*", "\x00", "\x01", "\x7f", "\u202e", "\ufeff", "\U0001f483",
            "\U0001f469\u200d\U0001f467 dance", "\u0663", "\ufb01", "\u0130", "ß", "e\u0301",
            "é" * 200, "a" * 200, "a " * 100, '"' * 200, '" "' * 60, "-" * 200, "the", "0", "s3nd",
            "\u0301" * 200, "tpublished", "&amp;", "<script>", "${7*7}", "%00",
        ],
    )  # fmt: skip
    def test_whatever_is_typed_is_words(self, found: TestClient, q: str) -> None:
        for more in ({}, {"highlight": "true", "facets": "artform", "count": "true"}):
            answer = found.get(PATH, params={"q": q, **more})
            assert answer.status_code == 200, answer.text
            if not any(letter.isalnum() for letter in q):
                assert answer.json()["items"] == []
        assert found.get(f"{PATH}/suggest", params={"q": q[:100]}).status_code == 200

    @pytest.mark.parametrize("q", ["%00", "%FF", "%ED%A0%80", "dance%00", "%F0%9F"])
    def test_bytes_that_are_no_text_are_separators(self, found: TestClient, q: str) -> None:
        assert set(ids(found, q="dance")) >= {
            one["source"]["external_id"] for one in found.get(f"{PATH}?q={q}").json()["items"]
        }

    @pytest.mark.parametrize(
        "asked",
        [
            "q=" + "a" * 5_000, "q=a&q=b",
            "near=B1+1BB&within_km=0", "near=B1+1BB&within_km=-1", "near=B1+1BB&within_km=1e308",
            "near=B1+1BB&within_km=1e999", "near=B1+1BB&within_km=nan", "near=B1+1BB&within_km=inf",
            "near=B1+1BB&within_km=", "within_km=5", "sort=distance", "sort=relevance", "sort=best",
            "near=91,0", "near=-91,0", "near=52.4,181", "near=0,0", "near=52.48", "near=52.48,",
            "near=,", "near=nan,nan", "near=inf,0", "near=1e308,1e308", "near=52,-1,3", "near=",
            "near=+", "near=ZZ99+9ZZ", "near=B1", "near=%F0%9F%92%83", "near=" + "1" * 61,
            "bbox=", "bbox=1,2,3", "bbox=1,2,3,4,5", "bbox=a,b,c,d", "bbox=-1.7,52.4,-2.1,52.6",
            "bbox=-2.1,52.6,-1.7,52.4", "bbox=-2,52,-2,53", "bbox=nan,nan,nan,nan",
            "bbox=-181,0,0,1", "bbox=0,-91,1,0", "bbox=-inf,-inf,inf,inf", "bbox=1e308,1,2,3",
            "age=-1", "age=121", "age=nan", "age=1e400", "age=eight", "age_band=0-99", "age_band=",
            "max_price=-1", "max_price=NaN", "max_price=1e30", "quality_min=101",
            "starts_from=2027-02-30", "starts_from=tomorrow", "starts_to=0000-00-00",
            "starts_from=2027-06-02&starts_to=2027-06-01", "weekday=someday", "time_of_day=noon",
            "artform=juggling_of_cats", "artform=%25", "authority=E09999999", "authority=x",
            "partnership=none", "organisation=none", "venue=none", "programme=none", "kind=fun",
            "delivery=pigeon", "free=maybe", "free=true&free=false", "access=none", "audience=none",
            "fields=secret", "fields=", "facets=colour", "facets=", "facets=artform,colour",
            "limit=0", "limit=-1", "limit=201", "limit=1.5", "limit=x", "limit=" + "9" * 50,
            "cursor=x", "cursor=" + "A" * 3_000, "count=2", "highlight=yes", "colour=red",
            "changed_after=-1", "changed_after=" + "9" * 30, "updated_since=2027-01-01",
            "status=draft", "pending=true",
            "&".join(["artform=dance"] * 200), "&".join(["age=8"] * 200),
            "&".join(["authority=E08000025"] * 200), "&".join(["kind=club"] * 200),
            "&".join(["facets=kind"] * 200), "&".join(["weekday=mon"] * 200),
            "&".join(["limit=5"] * 200), "&".join(f"p{number}=1" for number in range(200)),
        ],
        ids=lambda asked: asked[:40],
    )  # fmt: skip
    def test_what_makes_no_sense_is_told(self, found: TestClient, asked: str) -> None:
        answer = found.get(f"{PATH}?{asked}")
        assert answer.status_code in {400, 422}, answer.text
        body = problem(answer, answer.status_code, answer.json()["code"])
        if answer.status_code == 422:
            assert body["errors"]
            assert all(one["detail"] for one in body["errors"])

    @pytest.mark.parametrize(
        "asked",
        [
            {"age": 3, "kind": "club"},
            {"free": "false", "max_price": 0},
            {"term_time": "true", "holiday": "true"},
            {"delivery": "online", "near": "B1 1BB"},
            {"near": "CV1 1FY", "within_km": 1, "authority": "E08000025"},
            {"starts_from": "2039-01-01"},
            {"starts_to": "1999-01-01"},
            {"artform": "dance", "q": "sculpture"},
            {"bbox": "-8,49,-7,49.5"},
            {"near": "49.96,-5.2", "within_km": 200, "q": "dance"},
            {"access": ["step_free", "hearing_loop"]},
        ],
    )
    def test_filters_that_contradict_each_other_find_nothing(
        self, found: TestClient, asked: Mapping[str, Any]
    ) -> None:
        page = ask(found, count="true", facets="artform,kind,month", **asked)
        assert (page["items"], page["total"], page["next"]) == ([], 0, None)

    def test_fifty_repeated_values_are_one_of_them(self, found: TestClient) -> None:
        assert total(found, artform=["dance"] * 50) == 2
        assert total(found, age=[8] * 50) == total(found)

    def test_a_cursor_belongs_to_its_query(self, found: TestClient) -> None:
        cursor = found.get(PATH, params={"q": "percussion", "limit": 2}).json()["next"]
        cursor = dict(pair.split("=") for pair in cursor.partition("?")[2].split("&"))["cursor"]
        same = {"q": "percussion", "cursor": cursor}
        assert len(ask(found, limit=5, fields="title", count="true", **same)["items"]) == 5
        others: Sequence[Mapping[str, Any]] = (
            {"q": "sculpture"},
            {"q": "percussion", "sort": "title"},
            {"q": "percussion", "free": "true"},
            {},
        )
        for other in others:
            answer = found.get(PATH, params={**other, "cursor": cursor})
            problem(answer, 400, "bad_cursor")
        for broken in (cursor[:-1], cursor[1:], cursor.swapcase(), cursor + "AA"):
            answer = found.get(PATH, params={"q": "percussion", "cursor": broken})
            problem(answer, 400, "bad_cursor")
        elsewhere = found.get("/v1/organisations", params={"cursor": cursor})
        assert elsewhere.status_code == 400

    def test_the_whole_world_is_a_box(self, found: TestClient) -> None:
        assert total(found, bbox="-180,-90,180,90") == total(found) - 1  # not what is online

    def test_the_widest_circle(self, found: TestClient) -> None:
        assert total(found, near="B1 1BB", within_km=200) == total(found) - 1


class TestWords:
    @pytest.mark.parametrize(
        ("q", "names"),
        [
            ("danse", {"club", "ballet"}),
            ("dancing", {"club", "ballet"}),
            ("theater", {"drama", "phrase", "apart"}),
            ("drama clubs", {"drama", "apart"}),
            ("drama auditions", {"drama"}),
            ("sirkus", {"circus"}),
            ("cafe", {"cafe"}),
            ("CAFÉ", {"cafe"}),
            ("cafe\u0301", {"cafe"}),
            ("street theatre", {"phrase", "apart"}),
            ('"street theatre"', {"phrase"}),
            ('"theatre street"', set()),
            ("“street theatre”", {"phrase"}),
            ("dance dance dance", {"club", "ballet"}),
            ("dance -club", {"club"}),
            ("open arts sculpture", {"far", "near", "online"}),
            ("coventry", {"far"}),
            ("xyzzy", set()),
        ],
    )
    def test_met_in_any_form(self, found: TestClient, q: str, names: set[str]) -> None:
        assert set(ids(found, q=q)) == names

    def test_what_was_taken_for_something_else_is_told(self, found: TestClient) -> None:
        for q, meant in (("danse", "dance"), ("sirkus", "circus")):
            told = ask(found, q=q)["corrected"]
            assert {"written": q, "taken_for": meant} in told
        assert ask(found, q="dance")["corrected"] == []
        assert ask(found, q="theater")["corrected"] == []  # known, only spelt otherwise
        assert ask(found)["corrected"] == []

    def test_what_matched_is_shown_safely(self, found: TestClient) -> None:
        (item,) = ask(found, q="ceramics", highlight="true")["items"]
        assert item["title"] == NAMED["markup"]["title"]
        assert item["matched"] == {
            "title": "<mark>Ceramics</mark> &lt;script&gt;alert(1)&lt;/script&gt; &amp; glazes",
            "summary": "Bring &lt;b&gt;&quot;old&quot;&lt;/b&gt; <mark>ceramics</mark>"
            " &amp; an apron",
            "description": "All about <mark>ceramics</mark> &amp; 1 &lt; 2.",
        }
        (item,) = ask(found, q="script glazes", highlight="true")["items"]
        assert item["matched"]["title"] == (
            "Ceramics &lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt;"
            " &amp; <mark>glazes</mark>"
        )
        assert item["matched"].keys() == {"title"}
        (item,) = ask(found, q="ceramics")["items"]
        assert not item.get("matched")
        (item,) = ask(found, q="ceramics", highlight="true", fields="matched")["items"]
        assert item.keys() == {"id", "href", "matched"}


class TestOrder:
    def test_titles_first_then_sooner_then_by_id(self, found: TestClient) -> None:
        expected = [
            f"music-{number:02}"
            for number in sorted(range(MANY), key=lambda one: (one % 3 == 0, one % 2, one))
        ]
        assert walk(found, q="percussion", limit=200) == expected
        assert walk(found, q="percussion", limit=1) == expected
        assert walk(found, q="percussion", limit=7, sort="relevance") == expected
        assert walk(found, q="dance", limit=1) == ["club", "ballet"]

    def test_by_distance_to_the_metre(self, found: TestClient) -> None:
        with build.database_of(found).reading() as session:
            rows = session.execute(
                text(
                    "SELECT postcode, easting, northing FROM postcode"
                    " WHERE postcode IN ('B11BB', 'B56DY', 'CV11FY')"
                )
            ).all()
        places = {row[0]: (row[1], row[2]) for row in rows}
        (east, north) = places["B11BB"]
        page = ask(found, near="B1 1BB", within_km=50, sort="distance", limit=200)
        seen = []
        for item in page["items"]:
            there = places[item["venue"]["postcode"].replace(" ", "")]
            exact = hypot(there[0] - east, there[1] - north) / 1000
            assert item["distance_km"] == round(exact, 3)
            seen.append(item["distance_km"])
        assert seen == sorted(seen)
        assert [one["source"]["external_id"] for one in page["items"][-2:]] == ["near", "far"]
        names = [one["source"]["external_id"] for one in page["items"]]
        assert walk(found, near="b11bb", within_km=50, sort="distance", limit=4) == names
        # The circle's edge belongs to it.
        far, near = page["items"][-1]["distance_km"], page["items"][-2]["distance_km"]
        edge = {"near": "B1 1BB", "q": "sculpture", "sort": "distance"}
        assert ids(found, within_km=far + 0.001, **edge) == ["near", "far"]
        assert ids(found, within_km=near + 0.001, **edge) == ["near"]
        assert ids(found, within_km=near - 0.001, **edge) == []

    def test_coordinates_are_as_good_as_a_postcode(self, found: TestClient) -> None:
        place = found.get("/v1/postcodes/b11bb").json()
        near = f"{place['lat']},{place['lng']}"
        by_postcode = ask(found, near="B1 1BB", within_km=50, sort="distance", limit=200)["items"]
        by_place = ask(found, near=near, within_km=50, sort="distance", limit=200)["items"]
        assert [one["id"] for one in by_place] == [one["id"] for one in by_postcode]
        for one, other in zip(by_place, by_postcode, strict=True):
            assert abs(one["distance_km"] - other["distance_km"]) <= 0.003

    def test_every_sort_holds_over_pages(self, found: TestClient) -> None:
        for sort in ("next_session", "published", "updated", "title", "quality"):
            every = walk(found, sort=sort, limit=200)
            assert len(set(every)) == MANY + len(NAMED)
            assert walk(found, sort=sort, limit=9) == every
        titles = [item["title"] for item in ask(found, sort="title", limit=200)["items"]]
        keys = [title.lower().replace("é", "e") for title in titles]
        assert all(one <= two for one, two in pairwise(keys))


class TestWhatIsShown:
    def test_only_some_fields(self, found: TestClient) -> None:
        for asked in ("title,venue", ["title", "venue"], "title, venue,title"):
            (item,) = ask(found, q="circus", fields=asked)["items"]
            assert item.keys() == {"id", "href", "title", "venue"}
        (item,) = ask(found, q="circus", near="B1 1BB", fields="distance_km")["items"]
        assert item == {"id": item["id"], "href": item["href"], "distance_km": 0.0}
        whole = ask(found, q="circus")["items"][0]
        (item,) = ask(found, q="circus", fields=",".join(whole))["items"]
        assert item == whole
        assert whole["href"] == f"http://testserver{PATH}/{whole['id']}"

    def test_a_total_only_on_request(self, found: TestClient) -> None:
        assert ask(found, q="dance")["total"] is None
        assert ask(found, q="dance", count="false")["total"] is None
        assert ask(found, q="dance", count="true", limit=1)["total"] == 2
        assert ask(found, q="dance", facets="kind")["total"] is None
        page = ask(found, q="percussion", count="true", limit=40)
        assert page["total"] == MANY
        rest = found.get(page["next"]).json()
        assert (rest["total"], len(rest["items"])) == (MANY, MANY - 40)


class TestFacets:
    def test_labels_and_counts(self, found: TestClient) -> None:
        page = ask(
            found,
            facets="artform,kind,age_band,authority,partnership,delivery,free,access,month,provider",
        )
        told = {
            name: {one["value"]: (one["label"], one["count"]) for one in values}
            for name, values in page["facets"].items()
        }
        every = MANY + len(NAMED)
        assert told["artform"]["music"] == ("Music", MANY + 1)
        assert told["artform"]["visual_arts"] == ("Visual arts", 4)
        assert told["kind"] == {
            "course": ("Course", MANY),
            "club": ("Club", len(NAMED) - 3),
            "workshop": ("Workshop", 2),
            "performance": ("Performance", 1),
        }
        assert told["age_band"] == {
            "5-10": ("5 to 10 years", every),
            "11-15": ("11 to 15 years", every),
        }
        assert told["authority"]["E08000025"] == ("Birmingham", every - 1)
        assert told["authority"]["E08000026"] == ("Coventry", 2)  # what is online comes here too
        assert told["partnership"]["birmingham"][1] == every - 1
        assert told["delivery"] == {"in_person": ("In person", every - 1), "online": ("Online", 1)}
        assert told["free"] == {"true": ("Free", 1), "false": ("Not free", every - 1)}
        assert told["access"] == {}
        assert told["month"]["2027-06"][0] == "June 2027"
        assert told["provider"] == {"open-arts": ("Open Arts", every)}
        for values in page["facets"].values():
            assert values == sorted(values, key=lambda one: (-one["count"], one["value"]))

    def test_each_without_its_own_filter(self, found: TestClient) -> None:
        page = ask(found, artform="circus", free="true", facets="artform,free", count="true")
        assert page["total"] == 1
        assert page["facets"] == {
            "artform": [{"value": "circus", "label": "Circus", "count": 1}],
            "free": [{"value": "true", "label": "Free", "count": 1}],
        }
        page = ask(found, artform="circus", facets="artform", q="sculpture or circus")
        others = ask(found, artform="dance", q="theatre", facets="artform", count="true")
        assert (others["total"], page["total"]) == (0, None)
        assert others["facets"]["artform"] == [
            {"value": "theatre", "label": "Theatre and drama", "count": 3}
        ]

    def test_what_cannot_be_counted(self, found: TestClient) -> None:
        body = problem(found.get(f"{PATH}?facets=colour"), 422, "invalid")
        assert body["errors"][0]["pointer"].startswith("?facets")
        assert "artform" in body["errors"][0]["detail"]
        keys = build.Keys(build.database_of(found))
        answer = found.get(f"{PATH}?facets=kind&status=any", headers=keys.staff)
        assert problem(answer, 422, "invalid")["errors"][0]["pointer"] == "?facets"


# --- as you type ---------------------------------------------------------------------------------


def suggested(client: TestClient, q: str) -> list[tuple[str, str]]:
    answer = client.get(f"{PATH}/suggest", params={"q": q})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert len(items) <= 10
    return [(item["kind"], item["text"]) for item in items]


class TestSuggest:
    def test_titles_providers_artforms_and_places(self, found: TestClient) -> None:
        assert ("title", "Circus skills") in suggested(found, "circ")
        assert ("artform", "Circus") in suggested(found, "CIRC")
        assert ("provider", "Open Arts") in suggested(found, "open a")
        assert ("provider", "Open Arts") in suggested(found, "arts")
        assert ("place", "Coventry") in suggested(found, "cov")
        assert ("title", "Café concert") in suggested(found, "cafe c")
        assert ("title", "Woodwind for all") in suggested(found, "wood")
        assert suggested(found, "wood").count(("title", "Woodwind for all")) == 1
        assert suggested(found, "xyzzy") == []

    def test_what_is_suggested_can_be_asked(self, found: TestClient) -> None:
        for q in ("circ", "open", "cov", "perc"):
            items = found.get(f"{PATH}/suggest", params={"q": q}).json()["items"]
            assert items
            for item in items:
                assert item["parameter"] in {"q", "organisation", "artform", "authority", "venue"}
                if item["kind"] != "place":
                    assert total(found, **{item["parameter"]: item["value"]}) >= 1

    @pytest.mark.parametrize("q", ["%", "_", "*", "?", "%a", "_a", '"', "'", "\\", "💃", "-", " "])
    def test_wildcards_are_none(self, found: TestClient, q: str) -> None:
        assert all(
            any(word.startswith("a") for word in re.findall(r"[a-z]+", said.lower()))
            for _, said in suggested(found, q)
        )

    def test_nothing_from_nothing(self, found: TestClient) -> None:
        for asked in ("", "?q=", "?q=" + "a" * 101, "?q=a&q=b", "?q=a&limit=5"):
            problem(found.get(f"{PATH}/suggest{asked}"), 422, "invalid")

    def test_nothing_private(self, client: TestClient, keys: build.Keys) -> None:
        for name, visibility in (("Zebra Public", "public"), ("Zebra Quagga", "private")):
            slug = build.organisation(client, keys, name, visibility=visibility)["slug"]
            for venue, hidden in (("Hall", False), ("Refuge", True)):
                body = {
                    "organisation": slug,
                    "name": f"{name} {venue}",
                    "postcode": "B1 1BB",
                    "hide_exact_address": hidden,
                }
                answer = client.post("/v1/venues", json=body, headers=keys.staff)
                assert answer.status_code == 201, answer.text
        build.source(client, keys, "zebra-public", key="web")
        build.source(client, keys, "zebra-public", key="slow", trust="moderated")
        headers = keys.publisher("zebra-public")
        names: dict[str, dict[str, dict[str, Any]]] = {
            "web": {"draft": {"price": None}, "shown": {}, "gone": {}},
            "slow": {"sent": {}},
        }
        for key, some in names.items():
            for name, more in some.items():
                body = build.listing(title=f"Zebra {name}", **more)
                path = f"/v1/sources/{key}/opportunities/{name}"
                assert client.put(path, json=body, headers=headers).status_code == 201
        client.delete("/v1/sources/web/opportunities/gone", headers=headers)
        assert set(suggested(client, "zebra")) == {
            ("provider", "Zebra Public"),
            ("place", "Zebra Public Hall"),
            ("title", "Zebra shown"),
        }
        assert suggested(client, "refuge") == suggested(client, "quagga") == []
        # Nor is what nobody may see a word that others are corrected to.
        assert ask(client, q="quaggga")["corrected"] == []
        assert ask(client, q="zebbra")["corrected"] == [{"written": "zebbra", "taken_for": "zebra"}]


def test_months_are_counted_by_the_days_of_london(
    client: TestClient, trusted: build.Headers
) -> None:
    first = (today().replace(day=1) + timedelta(days=62)).replace(day=1)
    eve = first - timedelta(days=1)
    items = [
        build.listing(external_id="1", sessions=[{"date": first.isoformat()}]),
        build.listing(
            external_id="2",
            sessions=[{"starts_at": f"{eve}T23:30:00", "ends_at": f"{first}T00:30:00"}],
        ),
        build.listing(external_id="3", sessions=[{"starts_at": f"{eve}T23:30:00"}]),
    ]
    client.post("/v1/sources/web/batches", json={"items": items}, headers=trusted)
    months = {one["value"]: one["count"] for one in ask(client, facets="month")["facets"]["month"]}
    assert months == {f"{first:%Y-%m}": 2, f"{eve:%Y-%m}": 2}
    assert total(client, starts_from=first.isoformat()) == 2
    assert total(client, starts_to=eve.isoformat()) == 2
