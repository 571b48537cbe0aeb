"""Programmes through HTTP: plans, milestones, outcomes, private budgets."""

from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from tests import build
from tests.build import Headers, Keys

PATH = "/v1/programmes"
BODY: dict[str, Any] = {
    "title": "Young writers",
    "kind": "activity",
    "partnerships": ["birmingham"],
    "summary": "Writing clubs in libraries.",
    "description": "<p>Every week.<script>alert(1)</script></p>",
    "priorities": ["youth_involvement", "access"],
    "plan_years": ["2027/28", "2026/27"],
    "starts_on": "2026-09-01",
    "ends_on": "2028-07-31",
    "status": "active",
    "milestones": [
        {"title": "Ten libraries join.", "due_on": "2026-12-01"},
        {"title": "An anthology is printed.", "due_on": "2027-07-01"},
    ],
    "outcomes": [
        {"indicator": "participants", "target": 200, "actual": 120.5, "period": "2026/27"}
    ],
    "funders": ["City council"],
}


def made(client: TestClient, headers: Headers, **more: Any) -> Any:
    """A new programme."""
    answer = client.post(PATH, json={**BODY, **more}, headers=dict(headers))
    assert answer.status_code == 201, answer.text
    return answer.json()


def under(client: TestClient, path: str, headers: Headers) -> dict[str, str]:
    """The key's headers with If-Match for what is at this path now."""
    answer = client.get(path, headers=dict(headers))
    assert answer.status_code == 200, answer.text
    return {**headers, "If-Match": answer.headers["ETag"]}


def slugs(client: TestClient, query: str = "", headers: Headers | None = None) -> list[str]:
    """The slugs that a list answers with."""
    answer = client.get(f"{PATH}{query}", headers=dict(headers or {}))
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


class TestCreate:
    def test_who_may(self, client: TestClient, keys: Keys) -> None:
        build.organisation(client, keys, "Dance Hub")
        assert client.post(PATH, json=BODY).status_code == 401
        publisher = keys.publisher("dance-hub")
        assert client.post(PATH, json=BODY, headers=publisher).status_code == 403
        stranger = keys.coordinator("dudley")
        refused = client.post(PATH, json=BODY, headers=stranger)
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["pointer"] == "#/partnerships"

    def test_a_coordinator_makes_one(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        answer = client.post(PATH, json=BODY, headers=own)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert answer.headers["Location"] == "http://testserver/v1/programmes/young-writers"
        assert body["description"] == "<p>Every week.</p>"
        assert body["plan_years"] == ["2026/27", "2027/28"]
        assert body["priorities"] == ["youth_involvement", "access"]
        assert body["partnerships"][0]["href"] == "http://testserver/v1/partnerships/birmingham"
        assert [item["title"][:3] for item in body["milestones"]] == ["Ten", "An "]
        assert body["outcomes"][0]["actual"] == 120.5
        assert body["demo"] is False
        assert client.get(body["href"], headers=own).json() == body
        assert client.post(PATH, json=BODY, headers=own).status_code == 409
        assert client.post(PATH, json={**BODY, "slug": "writers-2"}, headers=own).is_success

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"title": None}, "#/title"),
            ({"kind": "party"}, "#/kind"),
            ({"colour": "red"}, "#/colour"),
            ({"partnerships": []}, "#/partnerships"),
            ({"partnerships": ["nowhere"]}, "#/partnerships/0"),
            ({"priorities": ["access", "magic"]}, "#/priorities/1"),
            ({"plan_years": ["2026/28"]}, "#/plan_years/0"),
            ({"plan_years": ["2026"]}, "#/plan_years/0"),
            ({"ends_on": "2020-01-01"}, "#"),
            ({"starts_on": "soon"}, "#/starts_on"),
            ({"milestones": [{"title": ""}]}, "#/milestones/0/title"),
            ({"outcomes": [{"indicator": "magic"}]}, "#/outcomes/0/indicator"),
            ({"outcomes": [{"indicator": "schools", "target": -1}]}, "#/outcomes/0/target"),
            ({"outcomes": [{"indicator": "schools", "target": 1e300}]}, "#/outcomes/0/target"),
            (
                {"milestones": [{"id": "01890000-0000-7000-8000-000000000000", "title": "Whose?"}]},
                "#/milestones/0/id",
            ),
            ({"title": "…"}, "#/slug"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, shared_client: TestClient, shared_keys: Keys, change: Any, pointer: str
    ) -> None:
        answer = shared_client.post(PATH, json={**BODY, **change}, headers=shared_keys.staff)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert slugs(shared_client, "?q=anthology") == []

    def test_the_same_key_makes_one_programme(self, client: TestClient, keys: Keys) -> None:
        headers = {**keys.staff, "Idempotency-Key": "once"}
        first = client.post(PATH, json=BODY, headers=headers)
        again = client.post(PATH, json=BODY, headers=headers)
        assert first.status_code == again.status_code == 201
        assert first.json() == again.json()


class TestList:
    def test_filters(self, client: TestClient, keys: Keys) -> None:
        made(client, keys.staff)
        made(
            client,
            keys.staff,
            title="Teachers meet",
            summary="Once a term.",
            kind="training",
            status="planned",
            partnerships=["worcestershire-arts-partnership", "dudley"],
            priorities=["cpd"],
            plan_years=["2025/26"],
        )
        expected = {
            "": ["teachers-meet", "young-writers"],
            "?partnership=birmingham": ["young-writers"],
            "?partnership=dudley&partnership=birmingham": ["teachers-meet", "young-writers"],
            "?authority=E07000237": ["teachers-meet"],
            "?authority=E10000034": ["teachers-meet"],
            "?authority=E08000029": [],
            "?kind=training": ["teachers-meet"],
            "?status=active": ["young-writers"],
            "?priority=cpd": ["teachers-meet"],
            "?year=2026/27": ["young-writers"],
            "?q=LIBRARIES": ["young-writers"],
            "?kind=training&status=active": [],
        }
        assert {query: slugs(client, query) for query in expected} == expected
        item = client.get(f"{PATH}?kind=training").json()["items"][0]
        assert [reference["slug"] for reference in item["partnerships"]] == [
            "worcestershire-arts-partnership",
            "dudley",
        ]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("?partnership=nowhere", "?partnership"),
            ("?authority=E09999999", "?authority"),
            ("?priority=magic", "?priority"),
            ("?kind=party", "?kind.0"),
            ("?year=2026", "?year.0"),
            ("?colour=red", "?colour"),
        ],
    )
    def test_what_it_does_not_know_is_named(
        self, shared_client: TestClient, query: str, pointer: str
    ) -> None:
        answer = shared_client.get(f"{PATH}{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    def test_statements_do_not_grow_with_the_page(self, client: TestClient, keys: Keys) -> None:
        for number in range(4):
            made(client, keys.staff, title=f"Programme {number}")
        engine = client.app.state.database.read_engine  # type: ignore[attr-defined]
        counts = []
        for limit in (1, 4):
            statements: list[str] = []

            def note(*arguments: Any, seen: list[str] = statements) -> None:
                seen.append(arguments[2])

            event.listen(engine, "before_cursor_execute", note)
            assert len(client.get(f"{PATH}?limit={limit}").json()["items"]) == limit
            event.remove(engine, "before_cursor_execute", note)
            counts.append(len(statements))
        assert counts[0] == counts[1]


class TestOne:
    def test_by_slug_or_id(self, client: TestClient, keys: Keys) -> None:
        body = made(client, keys.staff)
        shown = client.get(f"{PATH}/{body['id']}").json()
        assert shown["slug"] == "young-writers"
        assert shown["links"]["budget"] is None
        assert body["links"]["budget"] == f"{body['href']}/budget"
        assert client.get(f"{PATH}/nothing").status_code == 404

    def test_a_private_one_is_seen_by_its_own_and_by_staff_only(
        self, client: TestClient, keys: Keys
    ) -> None:
        own, stranger = keys.coordinator("birmingham"), keys.coordinator("dudley")
        path = made(client, own, visibility="private")["href"]
        assert client.get(path).status_code == 404
        assert client.get(path, headers=stranger).status_code == 404
        assert client.get(path, headers=own).status_code == 200
        assert slugs(client, "", own) == []
        assert slugs(client, "?visibility=any", own) == ["young-writers"]
        assert slugs(client, "?visibility=any") == []
        assert client.get(f"{path}/budget", headers=stranger).status_code == 404

    def test_a_private_partnership_is_not_named(self, client: TestClient, keys: Keys) -> None:
        path = made(client, keys.staff, partnerships=["birmingham", "dudley"])["href"]
        hidden = client.patch(
            "/v1/partnerships/dudley",
            json={"visibility": "private"},
            headers=under(client, "/v1/partnerships/dudley", keys.staff),
        )
        assert hidden.status_code == 200, hidden.text
        assert [item["slug"] for item in client.get(path).json()["partnerships"]] == ["birmingham"]
        assert client.get(f"{PATH}?partnership=dudley").status_code == 422
        assert slugs(client, "?authority=E08000027") == []
        # Who cannot see it cannot remove it either.
        own = keys.coordinator("birmingham")
        put = client.put(
            path,
            json=client.get(path, headers=own).json(),
            headers=under(client, path, own),
        )
        assert put.status_code == 200, put.text
        shown = client.get(path, headers=keys.staff).json()
        assert [item["slug"] for item in shown["partnerships"]] == ["birmingham", "dudley"]


class TestEdit:
    def test_needs_a_key_and_the_version(self, client: TestClient, keys: Keys) -> None:
        path = made(client, keys.staff)["href"]
        change = {"status": "completed"}
        assert client.patch(path, json=change).status_code == 401
        assert client.patch(path, json=change, headers=keys.staff).status_code == 428
        stranger = {**keys.coordinator("dudley"), "If-Match": "*"}
        assert client.patch(path, json=change, headers=stranger).status_code == 403
        first = under(client, path, keys.coordinator("birmingham"))
        answer = client.patch(path, json=change, headers=first)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "completed"
        assert len(answer.json()["milestones"]) == 2
        assert client.patch(path, json=change, headers=first).status_code == 412
        nowhere = client.patch(
            f"{PATH}/nothing", json=change, headers={**keys.staff, "If-Match": "*"}
        )
        assert nowhere.status_code == 404

    def test_put_keeps_the_items_that_come_with_their_ids(
        self, client: TestClient, keys: Keys
    ) -> None:
        own = keys.coordinator("birmingham")
        body = made(client, own)
        first, second = body["milestones"]
        second["done_on"] = "2027-06-20"
        body["milestones"] = [second, {"title": "A reading."}]
        body["outcomes"][0]["actual"] = 180
        answer = client.put(body["href"], json=body, headers=under(client, body["href"], own))
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert [item["title"] for item in shown["milestones"]] == [
            "An anthology is printed.",
            "A reading.",
        ]
        assert shown["milestones"][0]["id"] == second["id"]
        assert shown["milestones"][0]["done_on"] == "2027-06-20"
        assert first["id"] not in answer.text
        assert shown["outcomes"][0]["id"] == body["outcomes"][0]["id"]
        assert shown["outcomes"][0]["actual"] == 180
        assert shown["version"] > body["version"]
        twice = {**shown, "milestones": [shown["milestones"][0]] * 2}
        refused = client.put(body["href"], json=twice, headers=under(client, body["href"], own))
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "#/milestones/1/id"

    def test_a_coordinator_neither_adds_nor_removes_another_partnership(
        self, client: TestClient, keys: Keys
    ) -> None:
        own = keys.coordinator("birmingham")
        path = made(client, keys.staff, partnerships=["birmingham", "dudley"])["href"]
        for partnerships in (["birmingham"], ["birmingham", "dudley", "sandwell"], ["dudley"]):
            answer = client.patch(
                path, json={"partnerships": partnerships}, headers=under(client, path, own)
            )
            assert answer.status_code == 403, partnerships
        title = client.patch(path, json={"title": "Writers"}, headers=under(client, path, own))
        assert title.status_code == 200, title.text
        assert len(title.json()["partnerships"]) == 2


class TestDelete:
    def test_it_goes_out_of_sight_and_frees_its_slug(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        path = made(client, own)["href"]
        stranger = {**keys.coordinator("dudley"), "If-Match": "*"}
        assert client.delete(path, headers=stranger).status_code == 403
        assert client.delete(path, headers=own).status_code == 428
        assert client.delete(path, headers=under(client, path, own)).status_code == 204
        assert client.get(path, headers=keys.staff).status_code == 404
        assert slugs(client) == []
        made(client, own)


class TestBudget:
    body: dict[str, Any] = {
        "items": [
            {"source": "City council", "kind": "cash", "amount": "1250.50"},
            {"source": "Library", "kind": "in_kind", "amount": 300, "description": "Rooms."},
        ]
    }

    def test_who_may(self, client: TestClient, keys: Keys) -> None:
        path = made(client, keys.staff)["href"] + "/budget"
        stranger = keys.coordinator("dudley")
        assert client.get(path).status_code == 401
        assert client.get(path, headers=stranger).status_code == 403
        assert client.get(path, headers=keys.coordinator("birmingham")).status_code == 200
        assert client.put(path, json=self.body).status_code == 401
        assert client.put(path, json=self.body, headers=keys.staff).status_code == 428
        refused = client.put(path, json=self.body, headers={**stranger, "If-Match": "*"})
        assert refused.status_code == 403
        assert client.get(f"{PATH}/nothing/budget", headers=keys.staff).status_code == 404

    def test_its_coordinators_write_it_and_the_public_never_reads_it(
        self, client: TestClient, keys: Keys
    ) -> None:
        own = keys.coordinator("birmingham")
        programme = made(client, own)["href"]
        path = f"{programme}/budget"
        first = under(client, path, own)
        answer = client.put(path, json=self.body, headers=first)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert [line["amount"] for line in body["items"]] == ["1250.50", "300.00"]
        assert (body["cash"], body["in_kind"]) == ("1250.50", "300.00")
        assert client.get(path, headers=own).json() == body
        assert client.put(path, json=self.body, headers=first).status_code == 412
        public = client.get(programme).text
        assert "1250" not in public
        assert "Rooms" not in public
        del body["items"][0]
        kept = client.put(path, json=body, headers=under(client, path, own))
        assert kept.status_code == 200, kept.text
        assert [line["id"] for line in kept.json()["items"]] == [body["items"][0]["id"]]
        assert kept.json()["cash"] == "0.00"

    @pytest.mark.parametrize(
        ("line", "pointer"),
        [
            ({"amount": "-1"}, "#/items/0/amount"),
            ({"amount": "1.005"}, "#/items/0/amount"),
            ({"amount": "many"}, "#/items/0/amount"),
            ({"amount": "1e30"}, "#/items/0/amount"),
            ({"amount": "NaN"}, "#/items/0/amount"),
            ({"kind": "promise"}, "#/items/0/kind"),
            ({"source": ""}, "#/items/0/source"),
            ({"id": "01890000-0000-7000-8000-000000000000"}, "#/items/0/id"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, client: TestClient, keys: Keys, line: Any, pointer: str
    ) -> None:
        path = made(client, keys.staff)["href"] + "/budget"
        body = {"items": [{"source": "Council", "kind": "cash", "amount": "1", **line}]}
        answer = client.put(path, json=body, headers=under(client, path, keys.staff))
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
