"""The change log: a client that keeps a copy holds what lists show, whatever happened meanwhile."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from time import sleep
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, text
from sqlmodel import select
from starlette.testclient import TestClient

from app.opportunities import documents, merging, occasions, upkeep
from app.opportunities.life import Rules
from app.opportunities.models import Opportunity
from app.opportunities.written import OpportunityWrite
from tests import build
from tests.test_opportunities import act, edit, push
from tests.test_service import problem

LOG = "/v1/opportunities/changes"


def insisting(client: TestClient, method: str, address: str, **more: Any) -> Any:
    """Ask, and again where the service is busy, as its answer advises."""
    answer = client.request(method, address, **more)
    for _ in range(60):
        if "retry-after" not in answer.headers:
            break
        sleep(0.1)
        answer = client.request(method, address, **more)
    return answer


def page(client: TestClient, address: str = LOG) -> Any:
    answer = insisting(client, "GET", address)
    assert answer.status_code == 200, answer.text
    return answer.json()


@dataclass
class Copy:
    """What a client keeps of the listings, and where it goes on."""

    client: TestClient
    limit: int = 500
    listings: dict[str, Any] = field(default_factory=dict)
    next: str = LOG
    met: list[int] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)

    def catch_up(self) -> "Copy":
        """Follow the log to its end, as its documentation says."""
        if self.next == LOG:
            self.next = f"{LOG}?limit={self.limit}"
        more = True
        while more:
            found = page(self.client, self.next)
            for item in found["items"]:
                self.met.append(item["change_number"])
                if item["state"] == "published":
                    assert item["data"]["id"] == item["id"]
                    assert item["data"]["change_number"] == item["change_number"]
                    self.listings[item["id"]] = item["data"]
                    self.deleted.discard(item["id"])
                else:
                    assert item == {**item, "state": "deleted", "data": None}
                    self.listings.pop(item["id"], None)
                    self.deleted.add(item["id"])
            assert self.next != found["next"] or not found["items"]
            self.next, more = found["next"], found["more"]
        return self


def listed(client: TestClient) -> dict[str, Any]:
    """All listings that the public finds, by their ids."""
    found: dict[str, Any] = {}
    address: str | None = "/v1/opportunities?limit=200"
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        found |= {item["id"]: item for item in answer.json()["items"]}
        address = answer.json()["next"]
    return found


def numbers(client: TestClient) -> dict[str, int]:
    """The latest change number of each listing, by its id."""
    return {item["id"]: item["change_number"] for item in page(client)["items"]}


class TestPages:
    def test_nothing_yet(self, client: TestClient) -> None:
        answer = client.get(LOG)
        assert answer.json() == {
            "items": [],
            "next": f"http://testserver{LOG}?after=0",
            "more": False,
        }
        assert answer.headers["link"] == f'<http://testserver{LOG}?after=0>; rel="next"'

    def test_in_the_order_of_their_numbers(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        made = [push(client, trusted, str(number))["id"] for number in range(5)]
        push(client, trusted, "1", title="Changed")
        order = [made[n] for n in (0, 2, 3, 4, 1)]
        first = page(client, f"{LOG}?limit=3")
        assert [item["id"] for item in first["items"]] == order[:3]
        assert first["more"] is True
        last = first["items"][-1]["change_number"]
        assert first["next"] == f"http://testserver{LOG}?limit=3&after={last}"
        second = page(client, first["next"])
        assert [item["id"] for item in second["items"]] == order[3:]
        assert second["more"] is False
        assert page(client, second["next"]) == {"items": [], "next": second["next"], "more": False}
        whole = [*first["items"], *second["items"]]
        assert [item["data"] for item in whole] == [listed(client)[one] for one in order]
        seen = [item["change_number"] for item in whole]
        assert seen == sorted(set(seen))

    def test_a_page_that_is_just_full(self, client: TestClient, trusted: build.Headers) -> None:
        for number in range(3):
            push(client, trusted, str(number))
        found = page(client, f"{LOG}?limit=3")
        assert (len(found["items"]), found["more"]) == (3, False)

    def test_a_thousand_at_once(self, client: TestClient, trusted: build.Headers) -> None:
        items = [{"external_id": str(n), **build.listing(title=f"L {n}")} for n in range(1_001)]
        client.post("/v1/sources/web/batches", json={"items": items}, headers=trusted)
        found = page(client, f"{LOG}?limit=1000")
        assert (len(found["items"]), found["more"]) == (1_000, True)
        assert len(page(client)["items"]) == 500
        assert Copy(client).catch_up().listings == listed(client)

    def test_beyond_the_present(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        found = page(client, f"{LOG}?after={2**62}")
        assert found == {
            "items": [],
            "next": f"http://testserver{LOG}?after={2**62}",
            "more": False,
        }

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("after=-1", "?after"),
            ("after=1e30", "?after"),
            (f"after={10**30}", "?after"),
            (f"after={2**63}", "?after"),
            ("after=1.5", "?after"),
            ("after=yesterday", "?after"),
            ("after=", "?after"),
            ("after=NaN", "?after"),
            ("after=%00", "?after"),
            ("after=1&after=2", "?after"),
            ("limit=0", "?limit"),
            ("limit=-5", "?limit"),
            ("limit=1001", "?limit"),
            ("limit=all", "?limit"),
            ("cursor=x", "?cursor"),
            ("artform=dance", "?artform"),
        ],
    )
    def test_bad_queries(self, shared_client: TestClient, query: str, pointer: str) -> None:
        found = problem(shared_client.get(f"{LOG}?{query}"), 422, "invalid")
        assert [error["pointer"] for error in found["errors"]] == [pointer]

    def test_only_read(self, shared_client: TestClient) -> None:
        problem(shared_client.post(LOG), 405, "method_not_allowed")
        head = shared_client.head(LOG)
        assert (head.status_code, head.content) == (200, b"")

    def test_one_question_whatever_its_length(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        database = build.database_of(client)
        asked: list[tuple[str, Any]] = []

        def note(_c: Any, _cur: Any, statement: str, parameters: Any, *_: Any) -> None:
            if statement != "BEGIN":
                asked.append((statement, parameters))

        for number in range(40):
            push(client, trusted, str(number))
        event.listen(database.read_engine, "before_cursor_execute", note)
        assert len(page(client)["items"]) == 40
        event.remove(database.read_engine, "before_cursor_execute", note)
        ((statement, parameters),) = asked
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        with database.reading() as session:
            if not database.is_sqlite:  # of so few rows it would read all, and sort them
                session.execute(text("SET LOCAL enable_seqscan = off"))
                session.execute(text("SET LOCAL enable_bitmapscan = off"))
            connection = session.connection()
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
            plan = "\n".join(str(row) for row in rows)
        assert "ix_opportunity_change_number" in plan
        assert "B-TREE" not in plan, "it is in order already"
        assert "Sort" not in plan


class TestCaching:
    def test_the_end_is_asked_for_again(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        for number in range(2):
            push(client, trusted, str(number))
        on_the_way = client.get(f"{LOG}?limit=1")
        assert on_the_way.headers["cache-control"].startswith("public, max-age=60")
        end = client.get(LOG)
        assert end.headers["cache-control"] == "public, no-cache"
        tag = {"If-None-Match": end.headers["etag"]}
        assert client.get(LOG, headers=tag).status_code == 304
        push(client, trusted, "2")
        assert client.get(LOG, headers=tag).status_code == 200
        signed_in = client.get(LOG, headers=keys.staff)
        assert signed_in.headers["cache-control"] == "private, no-store"
        assert signed_in.content == client.get(LOG).content, "it is the same for everybody"

    def test_an_old_page_leads_to_the_present(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        for number in range(6):
            push(client, trusted, str(number))
        copy = Copy(client, limit=2)
        old = page(client, f"{LOG}?limit=2")
        push(client, trusted, "0", title="Changed since")
        client.delete("/v1/sources/web/opportunities/1", headers=trusted)
        copy.listings = {item["id"]: item["data"] for item in old["items"]}
        copy.next = old["next"]
        assert copy.catch_up().listings == listed(client)


class TestStates:
    """Lists hold what is published; the log tells of everything that was, and never of the rest."""

    def test_never_public(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.source(client, keys, key="slow", trust="moderated")
        push(client, trusted, "draft", price=None)
        push(client, trusted, "draft", price=None, title="A draft still")
        waiting = push(client, trusted, "waiting", "slow")["id"]
        refused = push(client, trusted, "refused", "slow")["id"]
        act(client, keys.staff, refused, "reject", reason="Too short.")
        act(client, trusted, waiting, "withdraw")
        assert page(client)["items"] == []

    def test_published_at_last(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.source(client, keys, key="slow", trust="moderated")
        draft = push(client, trusted, "draft", price=None)["id"]
        waiting = push(client, trusted, "waiting", "slow")["id"]
        copy = Copy(client).catch_up()
        push(client, trusted, "draft")
        act(client, keys.staff, waiting, "approve")
        assert set(copy.catch_up().listings) == {draft, waiting}
        assert copy.listings == listed(client)

    def test_a_change_that_waits_is_not_told(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.source(client, keys, key="slow", trust="moderated")
        made = push(client, trusted, "1", "slow")["id"]
        act(client, keys.staff, made, "approve")
        push(client, trusted, "1", "slow", title="Waits for a moderator")
        assert "Waits for a moderator" not in client.get(LOG).text
        act(client, keys.staff, made, "approve")
        assert "Waits for a moderator" in client.get(LOG).text

    @pytest.mark.parametrize("by", ["partner", "staff", "incomplete"])
    def test_gone_and_back(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers, by: str
    ) -> None:
        secret = "The Moonlit Carousel"
        made = push(client, trusted, title=secret)["id"]
        copy = Copy(client).catch_up()
        before = copy.met[-1]
        go: dict[str, Callable[[], Any]] = {
            "partner": lambda: client.delete("/v1/sources/web/opportunities/1", headers=trusted),
            "staff": lambda: act(client, keys.staff, made, "withdraw", reason="It burnt down."),
            "incomplete": lambda: push(client, trusted, title=secret, price=None),
        }
        go[by]()
        answer = client.get(copy.next)
        (item,) = answer.json()["items"]
        gone = item["change_number"]
        assert item == {"change_number": gone, "id": made, "state": "deleted", "data": None}
        assert gone > before
        for content in (secret, "burnt down", "B1 1BB", "dance"):
            assert content not in answer.text
        assert copy.catch_up().listings == {} == listed(client)
        if by == "staff":
            act(client, keys.staff, made, "restore")
        else:
            push(client, trusted, title=secret)
        assert copy.catch_up().listings == listed(client) != {}
        assert copy.met[-1] > gone

    def test_expired_and_renewed(self, client: TestClient, trusted: build.Headers) -> None:
        made = push(client, trusted)["id"]
        copy = Copy(client).catch_up()
        with time_machine.travel(datetime(2027, 6, 12, 11, tzinfo=UTC), tick=True):
            upkeep.expire(build.database_of(client))
            assert copy.catch_up().listings == {} == listed(client)
            assert copy.deleted == {made}
            later = [{"starts_at": "2027-09-04T10:00", "ends_at": "2027-09-04T11:00"}]
            push(client, trusted, sessions=later)
            assert copy.catch_up().listings == listed(client) != {}

    def test_merged_and_taken_apart(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        stays = push(client, trusted, "1")["id"]
        goes = push(client, trusted, "2", summary="Every Saturday.")["id"]
        copy = Copy(client).catch_up()
        path = f"/v1/opportunities/{goes}"
        tag = client.get(path, headers=keys.staff).headers["etag"]
        headers = {**keys.staff, "If-Match": tag}
        assert client.post(f"{path}/merge", json={"into": stays}, headers=headers).is_success
        assert set(copy.catch_up().listings) == {stays}
        assert copy.deleted == {goes}
        assert copy.listings == listed(client)
        assert copy.listings[stays]["summary"] == "Every Saturday."
        tag = client.get(path, headers=keys.staff, follow_redirects=False).headers["etag"]
        restored = client.post(f"{path}/restore", headers={**keys.staff, "If-Match": tag})
        assert restored.is_success
        merging.keep_up(build.database_of(client), Rules())
        assert set(copy.catch_up().listings) == {stays, goes}
        assert copy.listings == listed(client)

    def test_it_follows_what_is_shown(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted)
        copy = Copy(client).catch_up()
        edit(client, keys.staff, "/v1/organisations/dance-hub", {"name": "Dance House"})
        (item,) = copy.catch_up().listings.values()
        assert item["provider"]["name"] == "Dance House"

    def test_the_same_again_is_no_change(self, client: TestClient, trusted: build.Headers) -> None:
        push(client, trusted)
        copy = Copy(client).catch_up()
        assert push(client, trusted)["outcome"] == "unchanged"
        assert page(client, copy.next)["items"] == []


class TestSessionsBeyondThoseShown:
    """A document shows the next fifty; the log tells of all."""

    @staticmethod
    def weekly(count: int, **last: Any) -> list[dict[str, Any]]:
        first = datetime(2027, 1, 2, 10)  # noqa: DTZ001 - London's clock, as partners write it
        found: list[dict[str, Any]] = [
            {"starts_at": (first + timedelta(weeks=n)).isoformat()} for n in range(count)
        ]
        return [*found[:-1], {**found[-1], **last}]

    @pytest.mark.parametrize(
        "sessions", [weekly(60, status="full"), weekly(59), weekly(61), weekly(60, capacity=5)]
    )
    def test_pushed(
        self, client: TestClient, trusted: build.Headers, sessions: list[dict[str, Any]]
    ) -> None:
        made = push(client, trusted, sessions=self.weekly(60))["id"]
        before = numbers(client)[made]
        push(client, trusted, sessions=sessions)
        assert numbers(client)[made] > before

    def test_though_no_document_differs(self, client: TestClient, trusted: build.Headers) -> None:
        """Today each push makes a new version, which documents show; this does not rely on it."""
        database = build.database_of(client)
        made, other, draft = (
            push(client, trusted, name, sessions=self.weekly(60), price=price)["id"]
            for name, price in (("1", {"free": True}), ("2", {"free": True}), ("3", None))
        )
        before = numbers(client)
        shown = listed(client)[made]

        def store(last: str) -> None:
            with database.writing() as session:
                pks = {
                    str(row.id): row.pk for row in session.execute(select(Opportunity)).scalars()
                }
                full = OpportunityWrite(title="-", sessions=self.weekly(60, status=last))
                same = OpportunityWrite(title="-", sessions=self.weekly(60))
                wanted = {pks[made]: full, pks[other]: same, pks[draft]: full}
                found = {pk: occasions.of(one) for pk, one in wanted.items()}
                documents.mark_anew(session, occasions.store(session, found))

        store("full")
        after = numbers(client)
        assert after == {made: after[made], other: before[other]}
        assert after[made] > before[made]
        assert listed(client)[made] == {**shown, "change_number": after[made]}
        store("full")
        assert numbers(client) == after


class TestWalks:
    """Whatever happens: after each catching up, the copy is what lists show."""

    @pytest.mark.parametrize("seed", [4, 17])
    def test_a_copy_keeps_in_step(self, client: TestClient, keys: build.Keys, seed: int) -> None:
        walk = Walk(client, keys, Random(seed))
        copies = [Copy(client, limit=limit) for limit in (1, 3, 500)]
        lazy = Copy(client, limit=4)
        moment = datetime(2027, 3, 1, 12, tzinfo=UTC)
        with time_machine.travel(moment) as traveller:
            walk.begin()
            for number in range(60):
                walk.step()
                if number % 6 == 5:
                    walk.pass_time()
                    moment += timedelta(days=4)
                    traveller.move_to(moment)
                if number % 4 == 3:
                    shown = listed(client)
                    for copy in copies:
                        assert copy.catch_up().listings == shown
                if number == 8:
                    lazy.catch_up()
            # It stopped for more than a month, and comes back.
            lazy.catch_up()
            shown = listed(client)
            assert lazy.listings == shown == copies[0].catch_up().listings
            assert Copy(client, limit=7).catch_up().listings == shown
        assert shown
        assert len(copies[0].deleted) > 3, "the walk met too little"


@dataclass
class Walk:
    """Everything that happens to listings, at random."""

    client: TestClient
    keys: build.Keys
    random: Random
    publisher: build.Headers = field(default_factory=dict)
    ids: dict[str, tuple[str, str]] = field(default_factory=dict)

    def begin(self) -> None:
        """Make an organisation with a trusted and a moderated source, and some listings."""
        build.organisation(self.client, self.keys)
        build.source(self.client, self.keys, key="web")
        build.source(self.client, self.keys, key="slow", trust="moderated")
        self.publisher = self.keys.publisher("dance-hub")
        for _ in range(12):
            self.push()

    def step(self) -> None:
        """Do one thing."""
        steps = [self.push] * 4 + [self.batch] * 2
        steps += [self.take_away, self.withdraw, self.restore, self.restore, self.decide]
        steps += [self.correct, self.merge, self.merge, self.rename]
        self.random.choice(steps)()

    def pass_time(self) -> None:
        """What the worker does each minute."""
        database = build.database_of(self.client)
        upkeep.expire(database)
        upkeep.move_on(database)
        documents.refresh_stale(database)
        merging.keep_up(database, Rules())

    def write(self) -> dict[str, Any]:
        """A listing that is complete, mostly."""
        day = date(2027, 3, 1) + timedelta(days=self.random.randint(1, 60))
        return build.listing(
            title=f"Club {self.random.randint(1, 10_000)}",
            sessions=[
                {"starts_at": f"{day + timedelta(days=n)}T10:00"}
                for n in range(self.random.randint(1, 9))
            ],
            **({"price": None} if self.random.random() < 0.15 else {}),
        )

    def push(self) -> None:
        """Push one listing, new or known."""
        source, name = self.random.choice(["web", "web", "slow"]), str(self.random.randint(1, 15))
        path = f"/v1/sources/{source}/opportunities/{name}"
        answer = self.client.put(path, json=self.write(), headers=self.publisher)
        assert answer.is_success, answer.text
        self.ids[answer.json()["id"]] = source, name

    def batch(self) -> None:
        """Push some at once, now and then all that there are."""
        names = self.random.sample(range(1, 15), self.random.randint(1, 9))
        items = [{"external_id": str(name), **self.write()} for name in names]
        mode = self.random.choice(["upsert", "replace&confirm_withdraw=15"])
        path = f"/v1/sources/web/batches?mode={mode}"
        answer = self.client.post(path, json={"items": items}, headers=self.publisher)
        assert answer.status_code in {201, 409}, answer.text
        for item in answer.json().get("items", ()):
            if item.get("id"):
                self.ids[item["id"]] = "web", item["external_id"]

    def take_away(self) -> None:
        """Take one away at its source."""
        source, name = self.ids[self.any()]
        path = f"/v1/sources/{source}/opportunities/{name}"
        answer = self.client.delete(path, headers=self.publisher)
        assert answer.status_code in {204, 404, 410}, answer.text

    def any(self) -> str:
        """Any listing."""
        return self.random.choice(list(self.ids))

    def act(self, action: str, **body: Any) -> None:
        """Decide about any listing; most decisions do not fit, which is nothing to us."""
        path = f"/v1/opportunities/{self.any()}"
        found = self.client.get(path, headers=self.keys.staff, follow_redirects=False)
        headers = {**self.keys.staff, "If-Match": found.headers["etag"]}
        answer = self.client.post(f"{path}/{action}", json=body or None, headers=headers)
        assert answer.status_code in {200, 404, 409, 422}, answer.text

    def withdraw(self) -> None:
        """Withdraw one."""
        self.act("withdraw", reason="It burnt down.")

    def restore(self) -> None:
        """Restore one."""
        self.act("restore")

    def decide(self) -> None:
        """Approve or reject what waits."""
        if self.random.random() < 0.7:
            self.act("approve")
        else:
            self.act("reject", reason="Too short to decide by.")

    def merge(self) -> None:
        """Merge one into another."""
        self.act("merge", into=self.any())

    def correct(self) -> None:
        """Lay a correction over one."""
        path = f"/v1/opportunities/{self.any()}"
        found = self.client.get(path, headers=self.keys.staff, follow_redirects=False)
        headers = {**self.keys.staff, "If-Match": found.headers["etag"]}
        patch = {"age_max": self.random.randint(11, 18), "reason": "They told us."}
        answer = self.client.patch(path, json=patch, headers=headers)
        assert answer.status_code in {200, 404, 409}, answer.text

    def rename(self) -> None:
        """Change what all of them show."""
        name = f"Dance Hub {self.random.randint(1, 99)}"
        edit(self.client, self.keys.staff, "/v1/organisations/dance-hub", {"name": name})


class TestWithWriters:
    """Several sources push at once while a client polls: it misses nothing, on either engine."""

    SOURCES = 3
    ROUNDS = 5
    LISTINGS = 40

    def test_nothing_is_missed(self, client: TestClient, keys: build.Keys) -> None:
        headers = []
        for number in range(self.SOURCES):
            slug = build.organisation(client, keys, f"Group {number}")["slug"]
            build.source(client, keys, slug, key=f"web-{number}")
            headers.append(keys.publisher(slug))
        copy = Copy(client, limit=7)
        asleep = Copy(client, limit=50).catch_up()
        stop = threading.Event()

        def follow() -> None:
            while not stop.is_set():
                copy.catch_up()

        with ThreadPoolExecutor(self.SOURCES + 1) as pool:
            following = pool.submit(follow)
            writing = [
                pool.submit(self.push_batches, client, headers[number], f"web-{number}", number)
                for number in range(self.SOURCES)
            ]
            try:
                for one in writing:
                    one.result()
            finally:
                stop.set()
            following.result()
        shown = listed(client)
        assert len(shown) > self.SOURCES * self.LISTINGS / 2
        assert copy.catch_up().listings == shown
        assert asleep.catch_up().listings == shown
        assert copy.met == sorted(set(copy.met)), "each number comes once, in order"

    def push_batches(
        self, client: TestClient, headers: build.Headers, source: str, number: int
    ) -> None:
        """Push batches that overlap, single listings, and take some away."""
        random = Random(number)
        for turn in range(self.ROUNDS):
            names: Sequence[int] = random.sample(range(self.LISTINGS), self.LISTINGS // 2)
            items = [
                {"external_id": str(name), **build.listing(title=f"Turn {turn} of {name}")}
                for name in names
            ]
            path = f"/v1/sources/{source}"
            ask = partial(insisting, client, headers=headers)
            sent = ask("POST", f"{path}/batches", json={"items": items})
            assert sent.status_code == 201, sent.text
            gone = ask("DELETE", f"{path}/opportunities/{names[0]}")
            assert gone.status_code == 204, gone.text
            alone = build.listing(title=f"Alone in turn {turn}")
            assert ask("PUT", f"{path}/opportunities/{names[1]}", json=alone).is_success
