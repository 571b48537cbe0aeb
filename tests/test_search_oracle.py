"""Random listings and random queries: both engines answer as a plain Python oracle does."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import hypot
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.kit import national_grid
from app.kit.identifiers import slugify
from app.kit.times import LONDON, today
from app.opportunities import kept_words, shortlist, words
from app.opportunities.facets import Facet
from tests import build
from tests.conftest import serving

LISTINGS = 160
QUERIES = 120
SEED = 20_271
POSTCODES = ("B1 1BB", "B5 6DY", "WV1 1SE", "ST4 2DE", "CV1 1FY", "WR1 2RX", "HR1 2BN", "TF3 4NT")
KINDS = ("workshop", "course", "club", "performance", "exhibition", "holiday_activity")
ARTFORMS = ("dance", "music", "theatre", "visual_arts", "film", "circus")
AUDIENCES = ("children", "young_people", "families", "teachers")
TITLES = (
    "Saturday dance club", "Street dance taster", "Theatre makers", "Drama for beginners",
    "Painting morning", "Film school", "Circus skills", "Café concert", "Big sing",
    "Hip-hop and beats", "Story time", "Ballet basics", "Clay for tots", "Coding music",
)  # fmt: skip
SUMMARIES = (
    "Dancing for everyone.", "A drama workshop with real actors.", "Bring a friend.",
    "Colours, paper and glue: no experience needed.", "Sing, dance and act.", "",
)  # fmt: skip
QUERIES_OF_WORDS = (
    "dance", "dancing", "danse", "drama clubs", "theater", '"street dance"', "cafe", "music film",
    "club", "beginners", "colour", "sing", "friend dance", "hip hop", "xyzzy",
)  # fmt: skip
DAY = timedelta(days=1)
OWN = "E06000021"
"""An authority with school terms of its own."""


@dataclass
class World:
    """What the oracle knows: the listings as they were sent, and where postcodes are."""

    items: list[dict[str, Any]]
    places: Mapping[str, Mapping[str, Any]]
    parents: Mapping[str, str | None]
    authority_names: Mapping[str, str]
    labels: Mapping[str, str]
    access: Sequence[str]
    terms: Sequence[Mapping[str, Any]]
    read: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Listings as they are read, by external id: for what only the service can know."""


# --- the listings -----------------------------------------------------------------------------


def _listing(chance: random.Random, number: int, access: Sequence[str]) -> dict[str, Any]:
    delivery = chance.choices(("in_person", "online", "hybrid", "outreach"), (8, 2, 1, 2))[0]
    low = chance.choice((None, 0, 2, 4.5, 5, 7, 8, 11, 14, 16))
    high = chance.choice((None, *((low or 0) + one for one in (0, 1, 2.5, 3, 5, 9))))
    item: dict[str, Any] = {
        "external_id": f"n{number:03}",
        "title": chance.choice(TITLES),
        "summary": chance.choice(SUMMARIES) or None,
        "kind": chance.choice(KINDS),
        "artforms": chance.sample(ARTFORMS, chance.randint(1, 2)),
        "audiences": chance.sample(AUDIENCES, chance.randint(1, 2)),
        "access": chance.sample(access, chance.randint(0, 2)),
        "age_min": low,
        "age_max": high,
        "delivery": delivery,
        "price": chance.choice(
            ({"free": True}, {"from": "2.50"}, {"from": "10.00", "to": "12.00"}, {"text": "Ask"})
        ),
    }
    if delivery in {"in_person", "hybrid"} or chance.random() < 0.3:
        item["venue"] = {
            "name": chance.choice(("The Hall", "Dance House", "Old Library")),
            "postcode": chance.choice(POSTCODES),
            "access": chance.sample(access, chance.randint(0, 1)),
        }
    if delivery == "outreach":
        item["outreach_areas"] = chance.choice(
            (["E10000028"], ["E08000025", "E08000031"], ["region"])
        )
    if delivery == "hybrid" and "venue" not in item:
        item["venue"] = {"name": "The Hall", "postcode": "B1 1BB"}
    if chance.random() < 0.1:
        item["always_available"] = True
    else:
        item["sessions"] = [_session(chance) for _ in range(chance.randint(1, 4))]
    return item


def _term(authority: str | None, first: int, last: int) -> dict[str, Any]:
    return {
        "authority": authority,
        "name": f"Term from day {first}",
        "starts_on": (today() + DAY * first).isoformat(),
        "ends_on": (today() + DAY * last).isoformat(),
    }


def _session(chance: random.Random) -> dict[str, Any]:
    day = today() + DAY * chance.randint(2, 200)
    more: dict[str, Any] = {}
    if chance.random() < 0.3:
        more["places_left"] = chance.choice((0, 5))
    if chance.random() < 0.2:
        more["status"] = chance.choice(("full", "cancelled"))
    if chance.random() < 0.2:
        return {"date": day.isoformat(), **more}
    hour = chance.choice((9, 11, 12, 14, 17, 19, 23))
    start = datetime.combine(day, time(hour))
    session = {"starts_at": start.isoformat(), **more}
    if chance.random() < 0.8:
        session["ends_at"] = (start + timedelta(hours=chance.choice((1, 3, 26)))).isoformat()
    return session


# --- the queries ------------------------------------------------------------------------------


def _query(chance: random.Random, world: World) -> list[tuple[str, str]]:
    day = today()
    drawn: dict[str, list[str]] = {
        "q": [chance.choice(QUERIES_OF_WORDS)],
        "authority": chance.sample(
            ("E08000025", "E08000031", "E06000021", "E10000028", "E10000034", "E07000199"), 2
        )[: chance.randint(1, 2)],
        "artform": chance.sample(ARTFORMS, chance.randint(1, 2)),
        "audience": [chance.choice(AUDIENCES)],
        "access": [chance.choice(world.access)],
        "kind": chance.sample(KINDS, chance.randint(1, 3)),
        "delivery": [chance.choice(("in_person", "online", "hybrid", "outreach"))],
        "age": [chance.choice(("3", "4.5", "8", "15.5", "30"))],
        "age_band": [chance.choice(("0-4", "5-10", "11-15", "16-18", "19-25"))],
        "key_stage": [chance.choice(("eyfs", "ks1", "ks2", "ks3", "ks4", "ks5"))],
        "free": [chance.choice(("true", "false"))],
        "max_price": [chance.choice(("0", "2.50", "9.99", "10"))],
        "near": [chance.choice((*POSTCODES, "52.48,-1.9"))],
        "bbox": [chance.choice(("-2.2,52.3,-1.7,52.7", "-3.0,52.0,-2.0,53.2", "-1.0,50,0,51"))],
        "starts_from": [(day + DAY * chance.randint(0, 150)).isoformat()],
        "starts_to": [(day + DAY * chance.randint(150, 220)).isoformat()],
        "weekday": chance.sample(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 2),
        "time_of_day": [chance.choice(("morning", "afternoon", "evening"))],
        "has_places": [chance.choice(("true", "false"))],
        "term_time": [chance.choice(("true", "false"))],
        "holiday": [chance.choice(("true", "false"))],
        "quality_min": [chance.choice(("40", "60", "70"))],
    }
    names = chance.sample(sorted(drawn), chance.randint(0, 4))
    asked = [(name, value) for name in names for value in drawn[name]]
    sorts = ["next_session", "published", "title", "quality"]
    if "near" in names:
        sorts.append("distance")
        asked.append(("within_km", chance.choice(("1", "10", "60"))))
    if "q" in names:
        sorts.append("relevance")
    if chance.random() < 0.6:
        asked.append(("sort", chance.choice(sorts)))
    return asked


# --- the oracle -------------------------------------------------------------------------------


def _expected(world: World, asked: Sequence[tuple[str, str]]) -> list[str]:
    wanted: dict[str, list[str]] = {}
    for name, value in asked:
        wanted.setdefault(name, []).append(value)
    found = [item for item in world.items if _matches(world, item, wanted)]
    sort = wanted.get("sort", ["relevance" if "q" in wanted else "next_session"])[0]
    place = {item["external_id"]: number for number, item in enumerate(world.items)}
    soonest = {item["external_id"]: _next(item) for item in found}

    def key(item: dict[str, Any]) -> Any:
        name = item["external_id"]
        match sort:
            case "distance":
                return _squared(world, item, wanted["near"][0]), place[name]
            case "title":
                return slugify(item["title"], 160), place[name]
            case "quality":
                return -world.read[name]["quality"], -place[name]
            case "published":
                return (-place[name],)  # one batch: one instant
            case "relevance":
                in_title = _has_words(wanted["q"][0], [words.tokens(item["title"])])
                return not in_title, soonest[name], place[name]
            case _:
                return soonest[name], place[name]

    return [item["external_id"] for item in sorted(found, key=key)]


def _matches(world: World, item: dict[str, Any], wanted: Mapping[str, list[str]]) -> bool:
    checks: dict[str, Callable[[list[str]], Any]] = {
        "q": lambda values: _has_words(values[0], _texts(world, item)),
        "authority": lambda values: _reaches(world, item, values),
        "artform": lambda values: set(item["artforms"]) & set(values),
        "audience": lambda values: set(item["audiences"]) & set(values),
        "access": lambda values: (
            set(values) <= {*item["access"], *(item.get("venue") or {}).get("access", [])}
        ),
        "kind": lambda values: item["kind"] in values,
        "delivery": lambda values: item["delivery"] in values,
        "age": lambda values: any(
            _ages(item, float(one), float(one), closed=True) for one in values
        ),
        "age_band": lambda values: any(
            _ages(item, float(one.split("-")[0]), float(one.split("-")[1]) + 1) for one in values
        ),
        "key_stage": lambda values: any(
            one in world.read[item["external_id"]]["key_stages"] for one in values
        ),
        "free": lambda values: bool(item["price"].get("free")) == (values[0] == "true"),
        "max_price": lambda values: (
            (item["price"].get("free") or "from" in item["price"])
            and float(item["price"].get("from", 0)) <= float(values[0])
        ),
        "near": lambda values: _is_near(world, item, values[0], float(wanted["within_km"][0])),
        "bbox": lambda values: _in_box(world, item, values[0]),
        "quality_min": lambda values: world.read[item["external_id"]]["quality"] >= int(values[0]),
    }
    if not all(check(wanted[name]) for name, check in checks.items() if name in wanted):
        return False
    if not WHEN & set(wanted) or item.get("always_available"):
        return True
    return any(
        _session_matches(one, wanted) and _on_school_day(world, item, one, wanted)
        for one in item["sessions"]
    )


WHEN = {"starts_from", "starts_to", "weekday", "time_of_day", "has_places", "term_time", "holiday"}


def _on_school_day(
    world: World, item: Mapping[str, Any], session: Mapping[str, Any], wanted: Mapping[str, Any]
) -> bool:
    place = world.places[item["venue"]["postcode"]]["code"] if item.get("venue") else None
    terms = [one for one in world.terms if one["authority"] == (place if place == OWN else None)]
    day = _span(session)[0].astimezone(LONDON).date().isoformat()
    is_term = any(one["starts_on"] <= day <= one["ends_on"] for one in terms)
    known = terms[0]["starts_on"] <= day <= terms[-1]["ends_on"]
    return all(
        fits == (wanted[name][0] == "true")
        for name, fits in (("term_time", is_term), ("holiday", known and not is_term))
        if name in wanted
    )


def _span(session: Mapping[str, Any]) -> tuple[datetime, datetime]:
    if "date" in session:
        day = datetime.fromisoformat(session["date"]).replace(tzinfo=LONDON)
        return day.astimezone(UTC), (day + DAY).astimezone(UTC)
    start = datetime.fromisoformat(session["starts_at"]).replace(tzinfo=LONDON)
    end = datetime.fromisoformat(session.get("ends_at", session["starts_at"]))
    return start.astimezone(UTC), end.replace(tzinfo=LONDON).astimezone(UTC)


def _session_matches(session: Mapping[str, Any], wanted: Mapping[str, list[str]]) -> bool:
    if session.get("status") == "cancelled":
        return False
    start, end = _span(session)
    local = start.astimezone(LONDON)
    if "starts_from" in wanted:
        bound = datetime.fromisoformat(wanted["starts_from"][0]).replace(tzinfo=LONDON)
        if not (end > bound or start >= bound):
            return False
    if "starts_to" in wanted:
        bound = datetime.fromisoformat(wanted["starts_to"][0]).replace(tzinfo=LONDON) + DAY
        if start >= bound:
            return False
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    if "weekday" in wanted and names[local.weekday()] not in wanted["weekday"]:
        return False
    if "time_of_day" in wanted and _part_of_day(session) not in wanted["time_of_day"]:
        return False
    if "has_places" in wanted:
        has = session.get("status") != "full" and session.get("places_left", 1) > 0
        return has == (wanted["has_places"][0] == "true")
    return True


def _part_of_day(session: Mapping[str, Any]) -> str | None:
    if "date" in session:
        return None
    hour = datetime.fromisoformat(session["starts_at"]).hour
    return "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"


def _next(item: Mapping[str, Any]) -> datetime:
    going = [_span(one)[0] for one in item.get("sessions", ()) if one.get("status") != "cancelled"]
    return min(going, default=datetime.max.replace(tzinfo=UTC))


def _ages(item: Mapping[str, Any], low: float, end: float, *, closed: bool = False) -> bool:
    if item["age_min"] is None and item["age_max"] is None:
        return False
    first = item["age_min"] or 0
    last = item["age_max"] if item["age_max"] is not None else 999
    return bool((first <= end if closed else first < end) and last >= low)


def _place(world: World, item: Mapping[str, Any]) -> tuple[int, int] | None:
    venue = item.get("venue")
    if not venue:
        return None
    place = world.places[venue["postcode"]]
    return place["easting"], place["northing"]


def _point(world: World, near: str) -> tuple[int, int]:
    if "," in near:
        lat, lng = near.split(",")
        easting, northing = national_grid.from_wgs84(float(lat), float(lng))
        return round(easting), round(northing)
    return world.places[near]["easting"], world.places[near]["northing"]


def _squared(world: World, item: Mapping[str, Any], near: str) -> int:
    here, there = _point(world, near), _place(world, item)
    assert there is not None
    return (here[0] - there[0]) ** 2 + (here[1] - there[1]) ** 2


def _is_near(world: World, item: Mapping[str, Any], near: str, kilometres: float) -> bool:
    there = _place(world, item)
    here = _point(world, near)
    return there is not None and hypot(here[0] - there[0], here[1] - there[1]) <= kilometres * 1000


def _in_box(world: World, item: Mapping[str, Any], box: str) -> bool:
    place = _place(world, item)
    if place is None:
        return False
    west, south, east, north = map(float, box.split(","))
    lat, lng = national_grid.to_wgs84(*place)
    return west <= lng <= east and south <= lat <= north


def _reaches(world: World, item: Mapping[str, Any], codes: Sequence[str]) -> bool:
    meant = {code for code, parent in world.parents.items() if code in codes or parent in codes}
    outreach = item.get("outreach_areas", [])
    own = {world.places[item["venue"]["postcode"]]["code"]} if item.get("venue") else set()
    areas = own | set(outreach)
    areas |= {code for code, parent in world.parents.items() if parent in areas}
    everywhere = "region" in outreach or (item["delivery"] == "online" and not outreach)
    return everywhere or bool(areas & meant)


def _texts(world: World, item: Mapping[str, Any]) -> list[list[str]]:
    venue = item.get("venue") or {}
    said = [item["summary"], "Dance Hub"]
    if venue:
        said += [world.authority_names[world.places[venue["postcode"]]["code"]], venue["name"]]
    said += [world.labels[code] for code in item["artforms"]]
    said.append(item["kind"].replace("_", " "))
    return [words.tokens(item["title"]), words.tokens("\n".join(one for one in said if one))]


def _has_words(q: str, texts: Sequence[list[str]]) -> bool:
    asked = words.asked(q, words.Lexicon.of(["Dance Hub", *ARTFORMS]))
    return bool(asked.terms) and all(
        any(_run_in(run, some) for run in term.alternatives for some in texts)
        for term in asked.terms
    )


def _run_in(run: Sequence[str], found: Sequence[str]) -> bool:
    width = len(run)
    return any(tuple(found[at : at + width]) == tuple(run) for at in range(len(found) - width + 1))


# --- the comparison ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched(shared_database_url: str) -> Iterator[tuple[TestClient, World]]:
    with serving(shared_database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        yield client, _fill(client, keys)


def _fill(client: TestClient, keys: build.Keys) -> World:
    chance = random.Random(SEED)
    terms = client.get("/v1/vocabularies/access").json()["terms"]
    access = [term["id"] for term in terms[:3]]
    items = [_listing(chance, number, access) for number in range(LISTINGS)]
    headers = keys.publisher("dance-hub")
    terms = [_term(None, 0, 40), _term(None, 55, 100), _term(None, 120, 150)]
    terms += [_term(OWN, 10, 60), _term(OWN, 61, 90)]
    answer = client.put("/v1/school-terms", json={"items": terms}, headers=keys.staff)
    assert answer.status_code == 200, answer.text
    answer = client.post("/v1/sources/web/batches", json={"items": items}, headers=headers)
    assert answer.json()["counts"]["created"] == LISTINGS, answer.text[:2000]
    with build.database_of(client).reading() as session:
        rows = session.execute(
            text(
                "SELECT p.postcode, p.easting, p.northing, a.code FROM postcode p"
                " JOIN authority a ON a.pk = p.authority_pk"
            )
        ).all()
    known = {one.replace(" ", "") for one in POSTCODES}
    places = {
        f"{row.postcode[:-3]} {row.postcode[-3:]}": {
            "easting": row.easting,
            "northing": row.northing,
            "code": row.code,
        }
        for row in rows
        if row.postcode in known
    }
    areas = client.get("/v1/authorities?limit=200").json()["items"]
    artforms = client.get("/v1/vocabularies/artform").json()["terms"]
    world = World(
        items=items,
        places=places,
        parents={one["code"]: (one["parent"] or {}).get("code") for one in areas},
        authority_names={one["code"]: one["name"] for one in areas},
        labels={term["id"]: term["label"] for term in artforms},
        access=access,
        terms=terms,
    )
    path: str | None = "/v1/opportunities?limit=200"
    while path:
        page = client.get(path).json()
        world.read |= {one["source"]["external_id"]: one for one in page["items"]}
        path = page["next"]
    # What is not published is not found: it is no part of the oracle's world.
    world.items = [item for item in items if item["external_id"] in world.read]
    return world


@pytest.fixture(params=["day by day", "sorted at once", "by SQL"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each way in which a page is found, and that it was taken."""
    way: str = request.param
    picked = []
    page = shortlist.page

    def seen(*arguments: Any, **more: Any) -> Any:
        found = None if way == "by SQL" else (yield from page(*arguments, **more))
        picked.append(found is not None)
        return found

    if way == "day by day":  # as where there are many
        monkeypatch.setattr(shortlist, "FEW", 0)
        monkeypatch.setattr(shortlist, "MOST_PAGES", 0)
        monkeypatch.setattr(kept_words, "RARE", 0)
    monkeypatch.setattr(shortlist, "page", seen)
    yield way
    assert any(picked) == (way != "by SQL")


@pytest.mark.parametrize("part", range(4))
def test_random_queries(searched: tuple[TestClient, World], part: int, way: str) -> None:
    client, world = searched
    assert len(world.items) > LISTINGS * 0.8
    chance = random.Random(f"{SEED} {part} {way}")
    hits = 0
    for _ in range(QUERIES // 4):
        asked = _query(chance, world)
        expected = _expected(world, asked)
        hits += bool(expected)
        found, total = _paged(client, asked, chance.choice((1, 7, 50)), len(expected))
        assert found == expected, asked
        assert total == len(expected), asked
    assert hits > QUERIES // 4 * 0.4  # it did look at something


def _paged(
    client: TestClient, asked: Sequence[tuple[str, str]], limit: int, expected: int
) -> tuple[list[str], int]:
    """All that a query finds, page by page."""
    path: str | None = "/v1/opportunities?" + urlencode(
        [*asked, ("limit", str(max(limit, expected // 12 + 1))), ("count", "true")]
    )
    found: list[str] = []
    total = -1
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, (asked, answer.text)
        page = answer.json()
        found += [one["source"]["external_id"] for one in page["items"]]
        total = page["total"]
        path = page["next"]
    return found, total


FILTER_OF = {"provider": "organisation"}
"""Facets whose filter has another name."""
DATES = {"starts_from", "starts_to"}
JUST_COUNT = (("count", "true"), ("limit", "1"))


@pytest.mark.parametrize("part", range(3))
def test_facets_say_what_their_filter_would_find(
    searched: tuple[TestClient, World], part: int
) -> None:
    client, world = searched
    chance = random.Random(SEED + 100 + part)
    for _ in range(5):
        asked = _query(chance, world)
        told = client.get(
            "/v1/opportunities", params=[*asked, ("facets", ",".join(Facet)), ("count", "true")]
        ).json()
        assert told["total"] == len(_expected(world, asked)), asked
        assert list(told["facets"]) == [facet.value for facet in Facet]
        for facet, values in told["facets"].items():
            name = FILTER_OF.get(facet, facet)
            own = DATES if facet == "month" else {name}
            others = [(one, value) for one, value in asked if one not in own]
            for value in chance.sample(values, min(2, len(values))):
                found = client.get(
                    "/v1/opportunities",
                    params=[*others, *_chosen(name, value["value"]), *JUST_COUNT],
                ).json()
                assert found["total"] == value["count"], (asked, facet, value)


def _chosen(name: str, value: str) -> list[tuple[str, str]]:
    if name != "month":
        return [(name, value)]
    first = date.fromisoformat(f"{value}-01")
    last = date(first.year + first.month // 12, first.month % 12 + 1, 1) - DAY
    return [("starts_from", first.isoformat()), ("starts_to", last.isoformat())]
