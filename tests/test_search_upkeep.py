"""What is stored for searching follows every change, is mended, and is one by every path."""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from app.kit.identifiers import slugify
from app.kit.strict_json import dumps
from app.opportunities import conditions, documents, indexing, kept_words, quick_list, soundness
from app.opportunities.conditions import Conditions
from app.opportunities.rendering import Shown
from tests import build
from tests.conftest import serving
from tests.test_cli import run
from tests.test_opportunities import act, edit, push
from tests.test_search import PATH, ask, ids, suggested, total
from tests.test_service import problem
from tests.test_venues import make as make_venue

ELSEWHERE = {"name": "Hall", "address": "1 Road", "postcode": "WV1 1SE"}
BIRMINGHAM, WOLVERHAMPTON = "E08000025", "E08000031"


def counted(client: TestClient, facet: str) -> dict[str, int]:
    """The numbers of a facet."""
    return {one["value"]: one["count"] for one in ask(client, facets=facet)["facets"][facet]}


class TestFollows:
    def test_a_listing_that_is_sent_again(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        push(client, trusted, "2", title="Percussion", artforms=["music"])
        assert ids(client, q="saturday dance") == ["1"]
        push(client, trusted, title="Sculpture", artforms=["visual_arts"], kind="course")
        assert ids(client, q="saturday dance") == []
        assert ids(client, q="sculpture") == ids(client, artform="visual_arts") == ["1"]
        assert ids(client, artform="dance") == []
        assert counted(client, "artform") == {"visual_arts": 1, "music": 1}
        assert counted(client, "kind") == {"course": 1, "club": 1}
        assert suggested(client, "saturday") == []
        assert ("title", "Sculpture") in suggested(client, "sculp")

    def test_words_that_are_kept_in_memory(
        self, client: TestClient, trusted: build.Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kept_words, "RARE", 0)  # as where there are many
        answers: list[object] = []
        of = kept_words.KeptWords.of

        def noting(*arguments: Any) -> Any:
            answers.append(of(*arguments))
            return answers[-1]

        monkeypatch.setattr(kept_words.KeptWords, "of", noting)

        def found(**asked: Any) -> list[str]:
            """What is found, once the words are kept."""
            for limit in range(3, 200):  # each another question, so that it is not remembered
                answers.clear()
                told = ids(client, limit=limit, **asked)
                if answers and None not in answers:
                    return told
                time.sleep(0.02)
            raise AssertionError("the words are not kept")

        push(client, trusted)
        push(client, trusted, "2", title="Percussion", description="Each Saturday.")
        ask(client, count="true")  # so that the listings are counted
        assert found(q="saturday") == ["1", "2"]
        assert found(q="saturday", sort="next_session", age=8) == ["1", "2"]
        push(client, trusted, title="Sculpture", kind="course")
        assert found(q="saturday") == ["2"]
        push(client, trusted, "3", title="Percussion on Saturday")
        assert found(q="saturday") == ["3", "2"]
        assert found(q="percussion saturday", kind="club") == ["3", "2"]
        monkeypatch.setattr(kept_words, "MOST_CHANGED", 0)  # all is read anew
        push(client, trusted, title="Saturday sculpture")
        assert found(q="saturday") == ["1", "3", "2"]

    def test_a_correction_by_staff(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        patch = {"title": "Ukulele orchestra", "artforms": ["music"], "reason": "They told us."}
        edit(client, keys.staff, f"{PATH}/{made['id']}", patch)
        assert ids(client, q="ukulele") == ids(client, artform="music") == ["1"]
        assert ids(client, q="saturday") == ids(client, artform="dance") == []

    def test_what_is_withdrawn_and_comes_back(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        asked: Sequence[Mapping[str, Any]] = (
            {"q": "saturday"},
            {"artform": "dance"},
            {"near": "B1 1BB", "within_km": 1},
            {"bbox": "-2,52,-1,53"},
            {"starts_from": "2027-06-01"},
            {"sort": "title"},
            {},
        )
        for query in asked:
            assert ids(client, **query) == ["1"]
        for action, expected in (("withdraw", []), ("restore", ["1"])):
            done = act(client, keys.staff, made["id"], action, reason="The hall is closed.")
            assert done.status_code == 200, done.text
            for query in asked:
                assert ids(client, **query) == expected
                assert total(client, **query) == len(expected)
            assert sum(counted(client, "artform").values()) == len(expected)
            assert bool(suggested(client, "saturday")) == bool(expected)

    def test_a_provider_with_another_name(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted, title="Pointe work", artforms=["music"], venue=ELSEWHERE)
        assert ids(client, q="hub") == ["1"]
        edit(client, keys.staff, "/v1/organisations/dance-hub", {"name": "Ukulele Palace"})
        assert ids(client, q="hub") == []
        assert ids(client, q="ukulele palace") == ["1"]
        (facet,) = ask(client, facets="provider")["facets"]["provider"]
        assert facet["label"] == "Ukulele Palace"
        assert suggested(client, "dance h") == []
        assert suggested(client, "ukul") == [("provider", "Ukulele Palace")]
        # The new name is a word that others are corrected to.
        assert ask(client, q="ukulelle")["corrected"]
        edit(client, keys.staff, "/v1/organisations/dance-hub", {"visibility": "private"})
        assert suggested(client, "ukul") == []
        assert ids(client, q="ukulele palace") == []
        assert ask(client, facets="provider")["facets"]["provider"] == []

    def test_a_name_that_was_written_first_and_committed_last(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        for name in ("Dance Hub", "Later Hub"):
            build.organisation(client, keys, name)
        assert suggested(client, "hub")
        with build.database_of(client).writing() as session:
            session.execute(
                text("UPDATE organisation SET name = 'Ukulele Palace', version = version + 1"
                     " WHERE slug = 'dance-hub'")
            )  # fmt: skip
        assert suggested(client, "hub") == [("provider", "Later Hub")]
        assert suggested(client, "ukul") == [("provider", "Ukulele Palace")]

    def test_a_venue_that_moves(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = make_venue(client, keys.staff, "dance-hub", "The Long Room", address="1 Road")
        push(client, trusted, venue=venue["slug"])
        near = {"near": "B1 1BB", "within_km": 1}
        there = {"near": "WV1 1SE", "within_km": 1}
        assert ids(client, **near) == ids(client, authority=BIRMINGHAM) == ["1"]
        assert counted(client, "partnership") == {"birmingham": 1}
        path = f"/v1/venues/{venue['slug']}"
        edit(client, keys.staff, path, {"postcode": "WV1 1SE", "name": "The Kiln"})
        assert ids(client, **near) == ids(client, authority=BIRMINGHAM) == []
        assert ids(client, **there) == ids(client, authority=WOLVERHAMPTON) == ["1"]
        assert counted(client, "authority") == {WOLVERHAMPTON: 1}
        assert "birmingham" not in counted(client, "partnership")
        assert ids(client, q="long room") == ids(client, q="birmingham") == []
        assert ids(client, q="kiln wolverhampton") == ["1"]
        assert ask(client, sort="distance", **there)["items"][0]["distance_km"] == 0
        assert ids(client, access="step_free") == []
        edit(client, keys.staff, path, {"access": ["step_free"]})
        assert ids(client, access="step_free") == ["1"]
        assert counted(client, "access") == {"step_free": 1}
        edit(client, keys.staff, path, {"hide_exact_address": True})
        assert ids(client, near="WV1 1SE", within_km=0.1) == []
        assert ids(client, authority=WOLVERHAMPTON) == ["1"]
        assert suggested(client, "kiln") == []

    def test_a_term_with_another_label(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted, title="Pointe work", artforms=["circus"])
        assert ids(client, q="juggling trapeze") == []
        path = "/v1/vocabularies/artform/terms/circus"
        term = client.get(path)
        answer = client.put(
            path,
            json={**term.json(), "label": "Trapeze and juggling"},
            headers={**keys.staff, "If-Match": term.headers["etag"]},
        )
        assert answer.status_code == 200, answer.text
        assert ids(client, q="juggling trapeze") == ["1"]
        (facet,) = ask(client, facets="artform")["facets"]["artform"]
        assert facet["label"] == "Trapeze and juggling"
        assert ("artform", "Trapeze and juggling") in suggested(client, "jugg")
        assert suggested(client, "circus") == []

    def test_a_partnership_with_other_areas(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        push(client, trusted, "2", venue=ELSEWHERE)
        assert ids(client, partnership="birmingham") == ["1"]
        areas = [{"authority": WOLVERHAMPTON}]
        edit(client, keys.staff, "/v1/partnerships/birmingham", {"areas": areas})
        page = ask(client, partnership="birmingham", facets="partnership")
        (item,) = page["items"]
        assert item["source"]["external_id"] == "2"
        assert "birmingham" in {one["slug"] for one in item["partnerships"]}
        assert {one["value"]: one["count"] for one in page["facets"]["partnership"]}[
            "birmingham"
        ] == 1
        (left,) = ask(client, authority=BIRMINGHAM)["items"]
        assert left["partnerships"] == []


# --- mending -------------------------------------------------------------------------------------


def damage(client: TestClient, statement: str, **values: Any) -> None:
    """Change what is stored behind the back of the software."""
    with build.database_of(client).writing() as session:
        session.execute(text(statement), values)


def doctor(url: str) -> list[tuple[str, str]]:
    """What the doctor finds about listings."""
    found = run(url, "doctor", "--json")
    assert found.returncode == 0, found.stderr + found.stdout
    told = [(finding["level"], finding["text"]) for finding in json.loads(found.stdout)]
    return [(level, said) for level, said in told if "mended" in said or "for reading" in said]


def test_the_doctor_mends_what_differs(database_url: str) -> None:
    with serving(database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        headers = keys.publisher("dance-hub")
        hall = make_venue(client, keys.staff, "dance-hub", "The Long Room")["slug"]
        names = ("document", "words", "nothing", "term", "area", "cell", "place", "title", "sound")
        pks = {}
        for name in names:
            more = {"venue": hall} if name == "place" else {}
            made = push(client, headers, name, title=f"Percussion {name}", **more)
            with build.database_of(client).reading() as session:
                found = session.execute(
                    text("SELECT pk FROM opportunity WHERE external_id = :name"), {"name": name}
                )
                pks[name] = found.scalar_one()
            assert made["status"] == "published"
        assert [level for level, _ in doctor(database_url)] == ["ok"]

        is_sqlite = build.database_of(client).is_sqlite
        key = "rowid" if is_sqlite else "opportunity_pk"
        damage(
            client,
            "UPDATE opportunity SET document = replace(document, 'Percussion', 'Nothing')"
            " WHERE pk = :pk",
            pk=pks["document"],
        )
        changed = "title = 'nothing'" if is_sqlite else "words = CAST('nothing' AS tsvector)"
        damage(client, f"UPDATE opportunity_words SET {changed} WHERE {key} = :pk", pk=pks["words"])
        damage(client, f"DELETE FROM opportunity_words WHERE {key} = :pk", pk=pks["nothing"])
        for name, statement in {
            "term": "UPDATE opportunity_term SET code = 'music' WHERE opportunity_pk = :pk"
            " AND vocabulary = 'artform'",
            "area": "DELETE FROM opportunity_area WHERE opportunity_pk = :pk",
            "cell": "UPDATE opportunity SET cell = 0 WHERE pk = :pk",
            "place": "UPDATE opportunity SET easting = 0, northing = 0, cell = 0 WHERE pk = :pk",
            "title": "UPDATE opportunity SET title_sort = 'zzz' WHERE pk = :pk",
        }.items():
            damage(client, statement, pk=pks[name])
        # The service counts what is there, and it is wrong.
        assert counted(client, "artform") == {"dance": len(names) - 1, "music": 1}
        asked: Sequence[Mapping[str, Any]] = (
            {"q": "percussion"},
            {"artform": "dance"},
            {"authority": BIRMINGHAM},
            {"near": "B1 1BB", "within_km": 1},
            {"artform": "dance", "near": "B1 1BB", "within_km": 1},
        )
        assert all(len(ids(client, **query)) < len(names) for query in asked)

        told = doctor(database_url)
        assert {level for level, _ in told} == {"warning"}
        assert {said.split(" ", 1)[1].split(" ")[0] for _, said in told} == {
            "documents",
            "entries",
            "places,",
        }
        assert [level for level, _ in doctor(database_url)] == ["ok"]
        # The running service learns of it.
        for query in asked:
            assert set(ids(client, **query)) == set(names), query
            assert total(client, **query) == len(names), query
        assert counted(client, "artform") == {"dance": len(names)}
        assert counted(client, "authority") == {BIRMINGHAM: len(names)}
        titles = [item["title"] for item in ask(client, sort="title")["items"]]
        assert titles == sorted(titles)
        assert all(title.startswith("Percussion") for title in titles)


# --- slow queries --------------------------------------------------------------------------------

ENDLESS = (
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000)"
    " SELECT count(*) FROM n) > 0"
)
AFTER_THE_FIRST = f"(o.pk = (SELECT min(pk) FROM opportunity) OR {ENDLESS})"


@pytest.mark.parametrize("condition", [ENDLESS, AFTER_THE_FIRST], ids=["at once", "on its way"])
def test_a_slow_query_is_ended_and_holds_nobody_up(
    database_url: str, condition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold: Callable[..., None] = conditions.hold
    begun = threading.Event()

    def held(found: Conditions, wanted: Any, *arguments: Any) -> None:
        hold(found, wanted, *arguments)
        if wanted.quality_min == 1 or wanted.words is not None:
            found.add(condition)  # the engine really is at it until it is stopped
            begun.set()

    monkeypatch.setattr(conditions, "hold", held)
    with serving(database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        for number in ("1", "2"):
            push(client, keys.publisher("dance-hub"), number)
        assert ids(client, count="true") == ["1", "2"]
        with ThreadPoolExecutor(3) as threads:
            queries = ("quality_min=1", "quality_min=1&q=dance&sort=title", "q=dance&count=true")
            slow = [threads.submit(client.get, f"{PATH}?{asked}") for asked in queries]
            assert begun.wait(10)
            assert [ids(client, limit=5 + turn) for turn in range(2)] == [["1", "2"]] * 2
            assert not any(one.done() for one in slow)
            for one in slow:
                answer = one.result()
                problem(answer, 503, "unavailable")
                assert int(answer.headers["retry-after"]) >= 1
        assert ids(client, quality_min=2) == ["1", "2"]


# --- one answer, whatever the path ---------------------------------------------------------------

QUERIES = (
    "", "?limit=1", "?limit=200", "?sort=title", "?sort=published&limit=3", "?sort=updated",
    "?sort=quality&limit=2", "?artform=dance", "?artform=dance&artform=music&limit=2",
    "?near=B1+1BB", "?near=b11bb&within_km=3.5&sort=distance", "?near=52.48,-1.9&sort=distance",
    "?bbox=-2.1,52.4,-1.7,52.6", "?bbox=-180,-90,180,90", "?age=8", "?age=8&age=14&free=false",
    "?age_band=5-10", "?key_stage=ks2&kind=club", "?free=true", "?max_price=4.50",
    "?starts_from=2027-06-05&starts_to=2027-06-05", "?weekday=sat&time_of_day=morning",
    "?has_places=true", "?authority=E08000025", "?delivery=online", "?access=step_free",
    "?audience=children", "?quality_min=10", "?source=web", "?fields=title,venue&limit=4",
    "?near=B1+1BB&fields=distance_km", "?term_time=true", "?holiday=false", "?changed_after=3",
    "?updated_since=2020-01-01T00:00:00Z", "?status=published", "?status=expired",
    "?artform=circus", "?limit=3&age=9.5", "?highlight=true", "?weekday=sun",
    "?count=true", "?count=true&limit=3&artform=dance&sort=title",
    "?facets=artform,kind,age_band,authority,partnership,delivery,free,access,month,provider",
    "?facets=provider,month&count=true&age=8&starts_from=2027-03-01&kind=club&kind=course",
)  # fmt: skip


WORDS = ("?q=dance", "?q=concert&age=8&limit=2", '?q="film+club"&sort=next_session')
SLOWLY = ("?q=nowhere+else", "?q=dance&highlight=true", "?q=dance&count=true")
"""Words that nobody asked for yet, what matched, and counts of words."""
BY_SQL = frozenset(
    {"sort=title", "sort=published", "sort=updated", "sort=quality", "bbox", "max_price", "weekday"}
    | {"has_places", "quality_min", "source", "term_time", "holiday", "changed_after"}
    | {"updated_since", "status=expired"}
)
"""What the census does not know: PostgreSQL's short way leaves it to the handler."""


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The answers of the quick path, so that it is known that it was it."""
    found: list[object] = []
    answer = quick_list._answer  # noqa: SLF001 - to know that it was it

    def noting(*arguments: Any, **more: Any) -> Any:
        found.append((yield from answer(*arguments, **more)))
        return found[-1]

    monkeypatch.setattr(quick_list, "_answer", noting)
    return found


def test_the_quick_path_answers_as_the_handler(database_url: str, taken: list[object]) -> None:
    with serving(database_url) as quick, serving(database_url) as slow:
        app = slow.app
        assert isinstance(app, FastAPI)
        made = app.state.quick, app.state.awaited
        app.state.quick = app.state.awaited = None
        keys = build.Keys(build.database_of(quick))
        build.organisation(quick, keys)
        build.source(quick, keys, key="web")
        headers = keys.publisher("dance-hub")
        chance = random.Random(4)
        items = [_random_item(chance, f"{number:02}") for number in range(40)]
        quick.post("/v1/sources/web/batches", json={"items": items}, headers=headers)
        for side in (quick, slow):  # so that the names are known, and the listings counted
            ids(side, q="dance", facets="provider")
        for query in WORDS:
            _ask_until_quick(quick, query, taken)
        is_sqlite = build.database_of(quick).is_sqlite
        for query in (*QUERIES, *WORDS):
            is_quick = is_sqlite or not any(part in query for part in BY_SQL)
            path: str | None = PATH + query
            pages = 0
            while path and pages < 4:
                before = len(taken)
                one, other = quick.get(path), slow.get(path)
                assert one.status_code == other.status_code == 200, one.text
                assert [found is not None for found in taken[before:]] == [is_quick], path
                assert one.content == other.content, path
                own = {"x-request-id"}
                assert {k: v for k, v in one.headers.items() if k not in own} == {
                    k: v for k, v in other.headers.items() if k not in own
                }
                path = one.json()["next"]
                pages += 1
        for query in SLOWLY:
            before = len(taken)
            assert quick.get(PATH + query).content == slow.get(PATH + query).content
            assert not any(taken[before:]), query
        for query in ("?limit=0", "?near=ZZ9+9ZZ", "?colour=red", "?cursor=x", "?status=draft"):
            one, other = quick.get(PATH + query), slow.get(PATH + query)
            assert one.status_code == other.status_code >= 400
            assert one.json() | {"request_id": ""} == other.json() | {"request_id": ""}
        app.state.quick, app.state.awaited = made


def _ask_until_quick(client: TestClient, query: str, taken: Sequence[object]) -> None:
    """Ask until the words are kept, each time another question, so that none is remembered."""
    for limit in range(3, 200):
        before = len(taken)
        client.get(f"{PATH}{query.replace('&limit=2', '')}&limit={limit}")
        if any(taken[before:]):
            return
        time.sleep(0.02)
    raise AssertionError(f"{query} never was quick")


def test_what_another_process_writes_is_seen_at_once(
    database_url: str, taken: list[object]
) -> None:
    with serving(database_url, cache_mb=0) as one, serving(database_url, cache_mb=0) as other:
        keys = build.Keys(build.database_of(one))
        made = build.organisation(one, keys, name="Dance Hub")
        build.source(one, keys, key="web")
        headers = keys.publisher("dance-hub")
        for number in range(3):
            push(one, headers, str(number))
            assert len(ids(other, facets="provider")) == number + 1
            assert len(ids(other, facets="provider")) == number + 1
            edit(one, keys.staff, made["href"], {"name": f"Hub {number}"})
            for _ in range(2):
                (facet,) = ask(other, facets="provider")["facets"]["provider"]
                assert facet == {
                    "value": "dance-hub",
                    "label": f"Hub {number}",
                    "count": number + 1,
                }
    assert sum(found is not None for found in taken) >= 3


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_is_gone(database_url: str, taken: list[object]) -> None:
    with serving(database_url, cache_mb=0) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        push(client, keys.publisher("dance-hub"))
        assert total(client) == 1  # by now they are counted
        assert [ids(client) for _ in range(3)] == [["1"]] * 3
        assert any(taken)
        with build.database_of(client).writing() as session:
            session.connection().exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        taken.clear()
        assert [ids(client) for _ in range(6)] == [["1"]] * 6
        assert any(taken)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_takes_long_is_left_to_the_handler(database_url: str, taken: list[object]) -> None:
    with serving(database_url, cache_mb=0) as client, ThreadPoolExecutor(6) as threads:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        push(client, keys.publisher("dance-hub"))
        assert total(client) == 1
        with build.database_of(client).writing() as session:
            session.connection().exec_driver_sql("LOCK TABLE opportunity IN ACCESS EXCLUSIVE MODE")
            taken.clear()
            asked = [threads.submit(ids, client) for _ in range(6)]
            time.sleep(1.5)
            assert not any(one.done() for one in asked)
        assert [one.result() for one in asked] == [["1"]] * 6
        assert len(taken) < 6  # who got a turn shortly before the end may still be quick
        taken.clear()
        assert ids(client) == ["1"]
        assert any(taken)


# --- stored as if made anew ----------------------------------------------------------------------

POSTCODES = ("B1 1BB", "B5 6DY", "WV1 1SE", "ST4 2DE", "CV1 1FY")
TITLES = ("Saturday dance", "Café concert", "Circus & more", "Théâtre", "Film <3", "Sculpture")


def _random_item(chance: random.Random, external_id: str) -> dict[str, Any]:
    delivery = chance.choices(("in_person", "online", "outreach"), (6, 1, 2))[0]
    venue = {"name": f"Hall {chance.randint(1, 3)}", "address": "1 Road"}
    day = f"2027-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    low = chance.choice((0, 4.5, 7, 11))
    item = build.listing(
        external_id=external_id,
        title=f"{chance.choice(TITLES)} {chance.randint(1, 9)}",
        summary=chance.choice((None, "Dancing for everyone.", "Bring a friend, “free”.")),
        description=chance.choice(("", "<p>One <strong>two</strong></p>", "Plain & simple")),
        kind=chance.choice(("club", "workshop", "course")),
        artforms=chance.sample(("dance", "music", "circus", "film"), chance.randint(1, 2)),
        audiences=chance.sample(("children", "families"), chance.randint(1, 2)),
        delivery=delivery,
        age_min=low,
        age_max=low + chance.randint(0, 6),
        venue={**venue, "postcode": chance.choice(POSTCODES)} if delivery == "in_person" else None,
        sessions=[{"starts_at": f"{day}T10:00:00", "ends_at": f"{day}T11:30:00"}],
        price=chance.choice(({"free": True}, {"from": "4.50"}, {"text": "Ask"}, None)),
        booking={"url": "https://example.org/book"},
    )
    if delivery == "outreach":
        item["outreach_areas"] = chance.choice(([BIRMINGHAM], [WOLVERHAMPTON], ["E10000028"]))
    return item


class Walk:
    """Random edits of listings and of what they show."""

    def __init__(self, client: TestClient, keys: build.Keys, seed: int) -> None:
        self.client = client
        self.staff = keys.staff
        self.chance = random.Random(seed)
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        self.publisher = keys.publisher("dance-hub")
        self.venue = make_venue(client, keys.staff, "dance-hub", "The Long Room")["slug"]

    def batch(self, number: int) -> None:
        """Many listings at once."""
        items = [_random_item(self.chance, f"{one:02}") for one in range(number)]
        for item in self.chance.sample(items, number // 4):
            item.update(venue=self.venue, delivery="in_person", outreach_areas=[])
        body = {"items": items}
        answer = self.client.post("/v1/sources/web/batches", json=body, headers=self.publisher)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        refused = [item for item in told["items"] if item["outcome"] == "rejected"]
        assert not refused, str(refused[0])

    def push(self) -> None:
        """One listing, new or sent again."""
        item = _random_item(self.chance, "")
        del item["external_id"]
        path = f"/v1/sources/web/opportunities/{self.chance.randint(0, 45):02}"
        answer = self.client.put(path, json=item, headers=self.publisher)
        assert answer.status_code in {200, 201}, answer.text

    def withdraw(self) -> None:
        """One is no longer sent."""
        path = f"/v1/sources/web/opportunities/{self.chance.randint(0, 39):02}"
        assert self.client.delete(path, headers=self.publisher).status_code < 500

    def correct(self) -> None:
        """Staff correct one."""
        found = ask(self.client, headers=self.staff, status="any", limit=200)["items"]
        live = [one for one in found if one["status"] == "published"]
        path = f"{PATH}/{self.chance.choice(live)['id']}"
        patch = {"title": f"Corrected {self.chance.randint(1, 99)}", "age_max": 18, "reason": "So."}
        edit(self.client, self.staff, path, patch)

    def move(self) -> None:
        """The venue moves, gets another name, or is hidden."""
        patch = self.chance.choice(
            (
                {"postcode": self.chance.choice(POSTCODES)},
                {"name": f"The Room {self.chance.randint(1, 99)}"},
                {"hide_exact_address": self.chance.random() < 0.5},
                {"access": self.chance.choice(([], ["step_free"]))},
            )
        )
        edit(self.client, self.staff, f"/v1/venues/{self.venue}", patch)

    def rename(self) -> None:
        """The provider gets another name, or hides."""
        patch = self.chance.choice(
            ({"name": f"Hub {self.chance.randint(1, 99)}"}, {"visibility": "private"},
             {"visibility": "public"})
        )  # fmt: skip
        edit(self.client, self.staff, "/v1/organisations/dance-hub", patch)

    def relabel(self) -> None:
        """A term gets another label."""
        path = "/v1/vocabularies/artform/terms/" + self.chance.choice(("dance", "music"))
        term = self.client.get(path)
        headers = {**self.staff, "If-Match": term.headers["etag"]}
        body = {**term.json(), "label": f"Label {self.chance.randint(1, 99)}"}
        assert self.client.put(path, json=body, headers=headers).status_code == 200

    def redraw(self) -> None:
        """A partnership gets other areas."""
        areas = [{"authority": self.chance.choice((BIRMINGHAM, WOLVERHAMPTON, "E08000026"))}]
        edit(self.client, self.staff, "/v1/partnerships/birmingham", {"areas": areas})


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_stored_is_what_would_be_made_anew(
    client: TestClient, keys: build.Keys, seed: int
) -> None:
    walk = Walk(client, keys, seed)
    walk.batch(40)
    database = build.database_of(client)
    steps = (
        walk.push, walk.push, walk.push, walk.correct, walk.correct, walk.withdraw, walk.move,
        walk.move, walk.rename, walk.relabel, walk.redraw,
    )  # fmt: skip
    for turn in range(8):
        for step in walk.chance.choices(steps, k=4):
            step()
        with database.reading() as session:
            pks = session.execute(text("SELECT pk FROM opportunity ORDER BY pk")).scalars().all()
            shown = Shown.read(session, pks)
            assert len(shown.listings) >= 40
            indexed = {}
            for row in shown.listings:
                made = shown.render(row)
                assert dumps(made).decode() == row.document, turn
                indexed[row.pk] = shown.index(row, made)
            assert indexing.stale(session, indexed) == set(), turn
        assert [one.level for one in soundness.examine(database)] == ["ok"]
        # And what is counted in memory is what the tables say.
        for artform in ("dance", "music", "circus", "film"):
            found = {
                one["id"] for one in ask(client, limit=200)["items"] if artform in one["artforms"]
            }
            assert total(client, artform=artform) == len(found)
    assert documents.refresh_stale(database) == 0
    titles = [item["title"] for item in ask(client, sort="title", limit=200)["items"]]
    assert [slugify(one, 160) for one in titles] == sorted(slugify(one, 160) for one in titles)
