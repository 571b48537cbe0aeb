"""The life of a listing as a table: each state, what happens to it, and what becomes of it."""

from contextlib import nullcontext
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from starlette.testclient import TestClient

from app.opportunities import upkeep
from app.opportunities.documents import refresh_stale
from tests import build
from tests.test_opportunities import act, edit, ids, push
from tests.test_service import problem

AFTERWARDS = datetime(2027, 6, 20, 12, tzinfo=UTC)
"""When every session of `build.listing` is over."""
LATER = [{"starts_at": "2027-09-04T10:00", "ends_at": "2027-09-04T11:00"}]
PUSHES: dict[str, dict[str, Any]] = {
    "push the same": {},
    "push a change": {"title": "Changed"},
    "push it incomplete": {"title": "Changed", "price": None},
    "push new dates": {"sessions": LATER},
    "push what is in force": {"title": "Saturday dance club"},
}

# For each state: what happens | from a trusted source | from a moderated one. `+` means that a
# change waits beside it; a word that is no state is the code of the refusal; `-` is impossible.
TABLE = """
draft:
    push the same           | draft           | draft
    push a change           | published       | submitted
    push it incomplete      | draft           | draft
    submit                  | not_publishable | not_publishable
    approve                 | not_publishable | not_publishable
    reject                  | rejected        | rejected
    withdraw                | withdrawn       | withdrawn
    delete                  | withdrawn       | withdrawn
    restore                 | conflict        | conflict
    time                    | draft           | draft
submitted:
    push the same           | -               | submitted
    push a change           | -               | submitted
    push it incomplete      | -               | draft
    submit                  | -               | conflict
    approve                 | -               | published
    reject                  | -               | rejected
    withdraw                | -               | withdrawn
    delete                  | -               | withdrawn
    restore                 | -               | conflict
    time                    | -               | submitted
published:
    push the same           | published       | published
    push a change           | published       | published+
    push it incomplete      | draft           | published+
    submit                  | conflict        | conflict
    approve                 | conflict        | conflict
    reject                  | conflict        | conflict
    withdraw                | withdrawn       | withdrawn
    delete                  | withdrawn       | withdrawn
    restore                 | conflict        | conflict
    time                    | expired         | expired
pending:
    push the same           | -               | published+
    push a change           | -               | published+
    push what is in force   | -               | published
    submit                  | -               | conflict
    approve                 | -               | published
    reject                  | -               | published
    withdraw                | -               | withdrawn
    delete                  | -               | withdrawn
    restore                 | -               | conflict
    time                    | -               | expired+
rejected:
    push the same           | rejected        | rejected
    push a change           | published       | submitted
    push it incomplete      | draft           | draft
    submit                  | conflict        | conflict
    approve                 | conflict        | conflict
    reject                  | conflict        | conflict
    withdraw                | conflict        | conflict
    delete                  | rejected        | rejected
    restore                 | conflict        | conflict
    time                    | rejected        | rejected
taken back:
    push the same           | published       | published
    push a change           | published       | submitted
    push it incomplete      | draft           | draft
    submit                  | conflict        | conflict
    approve                 | conflict        | conflict
    reject                  | conflict        | conflict
    withdraw                | conflict        | conflict
    withdraw by staff       | withdrawn       | withdrawn
    delete                  | gone            | gone
    restore                 | published       | published
    time                    | withdrawn       | withdrawn
taken away:
    push the same           | withdrawn       | withdrawn
    push a change           | withdrawn       | withdrawn
    push it incomplete      | withdrawn       | withdrawn
    submit                  | conflict        | conflict
    approve                 | conflict        | conflict
    reject                  | conflict        | conflict
    withdraw                | conflict        | conflict
    delete                  | gone            | gone
    restore                 | published       | published
    time                    | withdrawn       | withdrawn
expired:
    push the same           | expired         | expired
    push a change           | expired         | submitted
    push new dates          | published       | submitted
    push it incomplete      | draft           | draft
    submit                  | conflict        | conflict
    approve                 | conflict        | conflict
    reject                  | conflict        | conflict
    withdraw                | withdrawn       | withdrawn
    delete                  | withdrawn       | withdrawn
    restore                 | conflict        | conflict
    time                    | expired         | expired
"""


def cells() -> list[tuple[str, str, str, str]]:
    found, state = [], ""
    for line in TABLE.strip().splitlines():
        if line.endswith(":"):
            state = line[:-1]
            continue
        happens, trusted, moderated = (part.strip() for part in line.split("|"))
        found += [(state, happens, "trusted", trusted), (state, happens, "moderated", moderated)]
    return [cell for cell in found if cell[3] != "-"]


@pytest.fixture
def sources(shared_client: TestClient, shared_keys: build.Keys) -> None:
    if shared_client.get("/v1/sources/moderated", headers=shared_keys.staff).status_code == 404:
        build.organisation(shared_client, shared_keys)
        for trust in ("trusted", "moderated"):
            build.source(shared_client, shared_keys, key=trust, trust=trust)


class Subject:
    """A listing, brought into a state, to which something then happens."""

    def __init__(self, client: TestClient, keys: build.Keys, source: str, name: str) -> None:
        self.client, self.keys, self.source, self.name = client, keys, source, name
        self.owner = keys.publisher("dance-hub")
        self.said: dict[str, Any] = {}
        self.id = ""

    def bring_into(self, state: str) -> None:
        self.push(**({"price": None} if state == "draft" else {}))
        if state == "rejected":
            if self.source == "trusted":
                self.push(price=None)
                self.push_rejected()
                return
            self.push_rejected()
        elif state not in {"draft", "submitted"} and self.source == "moderated":
            self.act(self.keys.staff, "approve")
        if state == "pending":
            self.push(title="Waiting")
        elif state in {"taken back", "taken away"}:
            self.act(self.owner if state == "taken back" else self.keys.staff, "withdraw")
        assert self.read()["status"] == {
            "pending": "published",
            "taken back": "withdrawn",
            "taken away": "withdrawn",
        }.get(state, state)

    def push_rejected(self) -> None:
        assert self.act(self.keys.staff, "reject", reason="Not for us.").status_code == 200

    def push(self, **more: Any) -> None:
        self.said = more
        self.id = push(self.client, self.owner, self.name, self.source, **more)["id"]

    def act(self, headers: build.Headers, action: str, **body: Any) -> Any:
        return act(self.client, headers, self.id, action, **body)

    def meet(self, happens: str) -> Any:
        """Let it happen; the answer if it was asked for over HTTP."""
        if happens in PUSHES:
            more = self.said if happens == "push the same" else PUSHES[happens]
            self.push(**more)
            return None
        if happens == "time":
            upkeep.expire(build.database_of(self.client))
            return None
        if happens == "delete":
            path = f"/v1/sources/{self.source}/opportunities/{self.name}"
            return self.client.delete(path, headers=self.owner)
        if happens in {"submit", "withdraw"}:
            return self.act(self.owner, happens)
        action = happens.split(maxsplit=1)[0]
        return self.act(
            self.keys.staff, action, **({"reason": "So."} if action == "reject" else {})
        )

    def read(self) -> Any:
        path = f"/v1/opportunities/{self.id}"
        return self.client.get(path, headers=self.keys.staff).json()

    def public(self) -> Any:
        """What anybody sees, without what counts edits."""
        answer = self.client.get(f"/v1/opportunities/{self.id}")
        counted = {"version", "updated_at", "change_number", "request_id"}
        return answer.status_code, {k: v for k, v in answer.json().items() if k not in counted}

    def trail(self) -> list[str]:
        path = f"/v1/audit-events?subject_id={self.id}&limit=200"
        items = self.client.get(path, headers=self.keys.admin).json()["items"]
        return [item["action"] for item in items]


@pytest.mark.parametrize(("state", "happens", "source", "expected"), cells())
@pytest.mark.usefixtures("sources")
def test_what_becomes_of_it(
    shared_client: TestClient,
    shared_keys: build.Keys,
    state: str,
    happens: str,
    source: str,
    expected: str,
) -> None:
    subject = Subject(shared_client, shared_keys, source, f"{state} {happens}".replace(" ", "-"))
    subject.bring_into("published" if state == "expired" else state)
    over = state == "expired" or happens == "time"
    with time_machine.travel(AFTERWARDS, tick=True) if over else nullcontext():
        if state == "expired":
            upkeep.expire(build.database_of(shared_client))
        before, seen, trail = subject.read(), subject.public(), subject.trail()
        answer = subject.meet(happens)
        after, sees = subject.read(), subject.public()

        if expected in {"conflict", "gone", "not_publishable"}:
            problem(answer, 410 if expected == "gone" else 409, expected)
            assert (after, subject.trail()) == (before, trail)
            return
        assert answer is None or answer.status_code in {200, 204}, answer.text
        status, waits = expected.rstrip("+"), expected.endswith("+")
        assert (after["status"], after["pending"] is not None) == (status, waits)
        if sees != seen:
            assert after["change_number"] > (before["change_number"] or 0)
        if after["status"] != before["status"]:
            assert after["version"] > before["version"]
        if after["version"] != before["version"] and happens != "time":
            assert len(subject.trail()) == len(trail) + 1


@pytest.mark.usefixtures("sources")
def test_a_change_made_while_it_was_taken_away_is_looked_at(
    shared_client: TestClient, shared_keys: build.Keys
) -> None:
    for source, expected in (("moderated", "submitted"), ("trusted", "published")):
        subject = Subject(shared_client, shared_keys, source, "changed-meanwhile")
        subject.bring_into("taken away")
        subject.push(title="Never seen by anybody")
        assert subject.act(shared_keys.staff, "restore").json()["status"] == expected


class TestWhoDecides:
    WHO = ("nobody", "owner", "stranger", "coordinator", "other", "staff")
    EXPECTED = {
        "submit": (401, 200, 404, 200, 404, 200),
        "approve": (401, 403, 403, 200, 404, 200),
        "reject": (401, 403, 403, 200, 404, 200),
        "withdraw": (401, 200, 404, 200, 404, 200),
        "restore": (401, 403, 403, 200, 404, 200),
    }

    @pytest.mark.parametrize("action", EXPECTED)
    @pytest.mark.usefixtures("sources")
    def test_each_action(
        self, shared_client: TestClient, shared_keys: build.Keys, action: str
    ) -> None:
        client, keys = shared_client, shared_keys
        path = "/v1/organisations/clay-works"
        if client.get(path, headers=keys.staff).status_code == 404:
            build.organisation(client, keys, "Clay Works")
        headers = {
            "nobody": {},
            "owner": keys.publisher("dance-hub"),
            "stranger": keys.publisher("clay-works"),
            "coordinator": keys.coordinator("birmingham"),
            "other": keys.coordinator("dudley"),
            "staff": keys.staff,
        }
        body = {"reason": "So."} if action == "reject" else None
        for who, expected in zip(self.WHO, self.EXPECTED[action], strict=True):
            subject = Subject(client, keys, "moderated", f"{action}-{who}")
            subject.bring_into({"submit": "draft", "restore": "submitted"}.get(action, "submitted"))
            if action == "submit":
                self._complete_by_hand(subject)
            if action == "restore":
                subject.act(keys.staff, "withdraw")
            answer = client.post(
                f"/v1/opportunities/{subject.id}/{action}",
                json=body,
                headers={**headers[who], "If-Match": f'"{subject.read()["version"]}-0"'},
            )
            assert answer.status_code == expected, (who, answer.text)

    def _complete_by_hand(self, subject: Subject) -> None:
        """A manual listing: a draft that lacks nothing."""
        made = subject.client.post(
            "/v1/opportunities", json=build.listing(), headers=subject.owner
        ).json()
        assert (made["status"], made["missing"]) == ("draft", [])
        subject.id = made["id"]


class TestOrganisations:
    @pytest.mark.parametrize("state", ["published", "submitted"])
    def test_one_with_live_listings_stays(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers, state: str
    ) -> None:
        made = push(client, moderated)
        if state == "published":
            act(client, keys.staff, made["id"], "approve")
        path = "/v1/organisations/dance-hub"
        whole = {**keys.staff, "If-Match": client.get(path).headers["etag"]}
        refused = problem(client.delete(path, headers=whole), 409, "in_use")
        assert "1, published or submitted" in refused["detail"]
        assert client.get(path).status_code == 200
        act(client, keys.staff, made["id"], "withdraw")
        assert client.delete(path, headers=whole).status_code == 204
        refused = problem(act(client, keys.staff, made["id"], "restore"), 409, "conflict")
        assert refused["errors"][0]["pointer"] == "#/provider"
        assert ids(client) == []


class TestPartnerships:
    def test_coordinators_of_a_private_one_moderate_its_area(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        made = push(client, moderated)
        edit(client, keys.staff, "/v1/partnerships/birmingham", {"visibility": "private"})
        coordinator = keys.coordinator("birmingham")
        assert ids(client, "status=submitted", coordinator) == ["1"]
        assert act(client, coordinator, made["id"], "approve").status_code == 200

    def test_an_area_that_ended_while_no_worker_ran(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        database, path = build.database_of(client), f"/v1/opportunities/{made['id']}"
        partnership = "/v1/partnerships/birmingham"
        areas = client.get(f"{partnership}/areas").json()["items"]
        ending = [{**area, "until_date": "2027-03-10"} for area in areas]
        answer = client.put(
            f"{partnership}/areas",
            json={"items": ending},
            headers={
                **keys.staff,
                "If-Match": client.get(partnership, headers=keys.staff).headers["etag"],
            },
        )
        assert answer.status_code == 200, answer.text

        def shown(day: date) -> list[str]:
            with time_machine.travel(datetime(day.year, day.month, day.day, 9, tzinfo=UTC)):
                upkeep.follow_areas(database)
                refresh_stale(database)
            return [one["slug"] for one in client.get(path).json()["partnerships"]]

        assert shown(date(2027, 3, 9)) == ["birmingham"]
        assert shown(date(2027, 3, 13)) == []
