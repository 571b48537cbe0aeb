"""The doctor looks at the OpenActive feeds, and mends them so that harvesters learn of it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from tests import build
from tests.conftest import serving
from tests.test_cli import run
from tests.test_openactive import COURSE, FEEDS, NAMES, ONCE, Everything, page
from tests.test_opportunities import act, push
from tests.test_search_upkeep import damage

Told = Sequence[tuple[str, str]]


def doctor(url: str, status: int) -> Told:
    """What the doctor says of the feeds, and that it ends with this status."""
    found = run(url, "doctor", "--json")
    assert found.returncode == status, found.stderr + found.stdout
    told = [(finding["level"], finding["text"]) for finding in json.loads(found.stdout)]
    return [(level, said) for level, said in told if "feeds" in said or "number" in said]


@dataclass
class Served:
    """A database, what serves it, and a harvester who has read everything."""

    url: str
    client: TestClient
    keys: build.Keys
    publisher: build.Headers
    harvester: Everything

    def push(self, name: str, **more: Any) -> int:
        """Push a listing; its primary key."""
        push(self.client, self.publisher, name, **more)
        statement = "SELECT pk FROM opportunity WHERE external_id = :name"
        return int(self.one(statement, name=name))

    def one(self, statement: str, **values: Any) -> Any:
        """One value out of the database."""
        with build.database_of(self.client).reading() as session:
            return session.execute(text(statement), values).scalar()

    def damage(self, statement: str, **values: Any) -> None:
        """Change what is stored behind the back of the software."""
        damage(self.client, statement, **values)


@pytest.fixture
def served(database_url: str) -> Iterator[Served]:
    """A source that is trusted, and nothing pushed yet."""
    with serving(database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        publisher = keys.publisher("dance-hub")
        yield Served(database_url, client, keys, publisher, Everything(client))


def withdraw(served: Served, name: str) -> int:
    """Push a listing and withdraw it."""
    pk = served.push(name)
    (found,) = (
        item
        for item in served.client.get("/v1/opportunities").json()["items"]
        if item["source"]["external_id"] == name
    )
    act(served.client, served.keys.staff, found["id"], "withdraw")
    return pk


def test_listings(served: Served) -> None:
    served.push("series")
    served.push("event", sessions=ONCE)
    served.push("course", **COURSE)
    served.push("turned")
    served.push("turned", sessions=ONCE)
    withdraw(served, "withdrawn")
    told = doctor(served.url, 0)
    assert told == [("ok", "The OpenActive feeds tell of 4 listings as they are.")]

    names = ("missing", "hidden", "behind", "elsewhere", "stranger", "unnumbered")
    pks = {name: served.push(name) for name in names}
    pks["shown"] = withdraw(served, "shown")
    served.harvester.catch_up().assert_in_step()
    of_it = "WHERE opportunity_pk = :pk"
    for name, statement in {
        "missing": f"DELETE FROM openactive_item {of_it}",
        "hidden": f"UPDATE openactive_item SET live = (1 = 0) {of_it}",
        "behind": f"UPDATE openactive_item SET change_number = 0 {of_it}",
        "elsewhere": f"UPDATE openactive_item SET feed = 'event' {of_it}",
        "unnumbered": "UPDATE opportunity SET change_number = NULL WHERE pk = :pk",
        "shown": f"UPDATE openactive_item SET live = (1 = 1) {of_it}",
    }.items():
        served.damage(statement, pk=pks[name])
    served.damage(
        "UPDATE openactive_item SET id = (SELECT id FROM opportunity WHERE pk = :other)"
        " WHERE opportunity_pk = :pk",
        pk=pks["stranger"],
        other=pks["shown"],
    )

    ((level, said),) = doctor(served.url, 1)
    assert level == "error"
    assert said.startswith(f"{len(pks)} listings were told otherwise in the OpenActive feeds")
    told = doctor(served.url, 0)
    assert told == [("ok", "The OpenActive feeds tell of 10 listings as they are.")]
    served.harvester.catch_up().assert_in_step()
    Everything(served.client).catch_up().assert_in_step()


def test_what_was_never_public(served: Served) -> None:
    build.source(served.client, served.keys, key="new", trust="moderated")
    pk = served.push("hidden", key="new")
    number = "SELECT change_number FROM opportunity WHERE pk = :pk"
    assert served.one(number, pk=pk) is None
    served.damage(
        "INSERT INTO openactive_item (opportunity_pk, feed, id, live, stale, change_number, item)"
        " SELECT pk, 'event', id, (1 = 1), (1 = 0), 0, '' FROM opportunity WHERE pk = :pk",
        pk=pk,
    )
    assert [level for level, _ in doctor(served.url, 1)] == ["error"]
    assert [level for level, _ in doctor(served.url, 0)] == ["ok"]
    assert served.one(number, pk=pk) is None
    assert not any(page(served.client, f"{FEEDS}/{name}")["items"] for name in NAMES)


def test_sessions(served: Served) -> None:
    silent, loud = served.push("series"), served.push("event", sessions=ONCE)
    served.harvester.catch_up()
    number = "SELECT count(change_number) FROM opportunity_session WHERE opportunity_pk = :pk"
    wanted = served.one(number, pk=silent)
    assert (wanted, served.one(number, pk=loud)) == (2, 0)
    change = "UPDATE opportunity_session SET change_number = {} WHERE opportunity_pk = :pk"
    served.damage(change.format("NULL"), pk=silent)
    served.damage(change.format("0"), pk=loud)

    ((level, said),) = doctor(served.url, 1)
    assert level == "error"
    assert said.startswith(f"{wanted + 1} sessions were told otherwise")
    assert [level for level, _ in doctor(served.url, 0)] == ["ok"]
    assert (served.one(number, pk=silent), served.one(number, pk=loud)) == (wanted, 0)
    served.harvester.catch_up().assert_in_step()


def test_numbers_above_their_counter(served: Served) -> None:
    served.push("1")
    served.push("2")
    served.damage("UPDATE counter SET value = 1 WHERE name = 'changes'")
    ((level, said), (other, _)) = doctor(served.url, 1)
    assert (level, other) == ("error", "ok")
    assert "above their counter" in said
    assert [level for level, _ in doctor(served.url, 0)] == ["ok"]
    served.harvester.catch_up()
    served.push("3")
    served.harvester.catch_up().assert_in_step()


def test_other_words_and_what_waits(served: Served) -> None:
    worded, waits = served.push("1"), served.push("2")
    served.harvester.catch_up()
    served.damage(
        "UPDATE openactive_item SET item = (SELECT item FROM openactive_item"
        " WHERE opportunity_pk = :other) WHERE opportunity_pk = :pk",
        pk=worded,
        other=waits,
    )
    served.damage("UPDATE openactive_item SET stale = (1 = 1) WHERE opportunity_pk = :pk", pk=waits)
    (words, waiting) = doctor(served.url, 0)
    assert words == ("warning", "1 items of the OpenActive feeds were mended.")
    assert waiting[0] == "warning"
    assert waiting[1].startswith("1 listings wait to be told anew")
    ((level, said),) = doctor(served.url, 0)
    assert (level, said) == waiting
    served.harvester.catch_up().assert_in_step()
