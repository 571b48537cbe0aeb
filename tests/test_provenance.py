"""Where each field of a listing comes from."""

from collections.abc import Mapping
from typing import Any

from starlette.testclient import TestClient

from app.access.models import SYSTEM
from app.opportunities import intake, storing
from app.opportunities.life import Rules
from app.opportunities.planned import Item
from app.sources import queries
from tests import build
from tests.test_opportunities import act, edit, push
from tests.test_service import problem

TEXTS = {
    "texts": {"age_min": {"text": "7-11 yrs", "heading": "Ages", "confidence": 0.9}},
    "kept": {"Internal code": "DH-7"},
}


def push_row(client: TestClient, texts: Mapping[str, Any] | None, **more: Any) -> None:
    """Push a row of a spreadsheet, with what its cells said."""
    with build.database_of(client).writing() as session:
        source = queries.by_key(session, SYSTEM, "web", lock=True)
        assert source is not None
        origin = queries.origin(source)
        items = [Item(0, "1", build.listing(**more), texts=texts)]
        planned = intake.plan_held(session, origin, items, Rules())
        assert planned[0].errors == []
        storing.apply(session, origin, planned)


def read(client: TestClient, headers: build.Headers, identifier: str) -> Any:
    answer = client.get(f"/v1/opportunities/{identifier}/provenance", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fields(client: TestClient, headers: build.Headers, identifier: str) -> dict[str, Any]:
    return {one["name"]: one for one in read(client, headers, identifier)["fields"]}


def own(client: TestClient, headers: build.Headers) -> str:
    """The id of the listing that a row became."""
    answer = client.get("/v1/sources/web/opportunities/1", headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


class TestProvenance:
    def test_payload_correction_and_what_is_in_force(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted, title="Saturday dance")
        path = f"/v1/opportunities/{made['id']}"
        coordinator = keys.coordinator("birmingham")
        edit(client, coordinator, path, {"title": "Dance!", "reason": "As on the poster."})
        body = read(client, trusted, made["id"])
        assert body["id"] == made["id"]
        assert body["source"]["key"] == "web"
        assert (body["source"]["external_id"], len(body["payload_digest"])) == ("1", 32)
        assert body["kept"] == []
        found = fields(client, trusted, made["id"])
        title = found["title"]
        assert (title["payload"], title["effective"]) == ("Saturday dance", "Dance!")
        assert title["override"]["value"] == "Dance!"
        assert title["override"]["reason"] == "As on the poster."
        assert "pending" not in title
        assert (title["default"], title["parsed_from"], title["confidence"]) == (False, None, None)
        assert (found["age_max"]["override"], found["age_max"]["effective"]) == (None, 11)
        assert found["summary"]["payload"] is None
        starts = [one["starts_at"] for one in found["sessions"]["effective"]]
        assert starts == ["2027-06-05T10:00:00+01:00", "2027-06-12T10:00:00+01:00"]

    def test_who_corrected_it_is_named_to_staff_alone(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"/v1/opportunities/{made['id']}"
        coordinator = keys.coordinator("birmingham")
        edit(client, coordinator, path, {"title": "Dance!", "reason": "As on the poster."})
        edit(client, keys.staff, path, {"age_max": 16, "reason": "The venue told us."})
        for headers in (trusted, coordinator):
            found = fields(client, headers, made["id"])
            assert found["title"]["override"]["by"] == "a coordinator"
            assert found["age_max"]["override"]["by"] == "the regional team"
        items = client.get("/v1/keys", headers=keys.admin).json()["items"]
        roles = {item["id"]: item["role"] for item in items}
        found = fields(client, keys.staff, made["id"])
        assert roles[found["title"]["override"]["by"]] == "coordinator"
        assert roles[found["age_max"]["override"]["by"]] == "staff"

    def test_to_nobody_else(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        build.organisation(client, keys, "Clay Works")
        path = f"/v1/opportunities/{made['id']}/provenance"
        problem(client.get(path), 401, "unauthenticated")
        for other in (keys.publisher("clay-works"), keys.coordinator("dudley")):
            problem(client.get(path, headers=other), 404, "not_found")

    def test_the_defaults_of_the_source(self, client: TestClient, keys: build.Keys) -> None:
        build.organisation(client, keys)
        defaults = {"licence": "CC BY 4.0", "artforms": ["music"]}
        build.source(client, keys, key="web", defaults=defaults)
        publisher = keys.publisher("dance-hub")
        made = push(client, publisher)

        def defaulted() -> list[str]:
            found = fields(client, publisher, made["id"])
            return [name for name, one in found.items() if one["default"]]

        assert defaulted() == ["licence"]
        path = f"/v1/opportunities/{made['id']}"
        edit(client, keys.staff, path, {"age_max": 16, "reason": "The venue told us."})
        assert defaulted() == ["licence"]
        push(client, publisher, licence="CC BY 4.0", age_min=6)
        assert defaulted() == []


class TestTexts:
    def test_what_a_person_wrote_is_kept(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push_row(client, TEXTS)
        identifier = own(client, trusted)
        body = read(client, trusted, identifier)
        assert body["kept"] == [{"heading": "Internal code", "text": "DH-7"}]
        age = fields(client, trusted, identifier)["age_min"]
        assert age["parsed_from"] == {"text": "7-11 yrs", "heading": "Ages"}
        assert (age["confidence"], age["payload"]) == (0.9, 7)
        path = f"/v1/opportunities/{identifier}"
        edit(client, keys.staff, path, {"title": "Dance!", "reason": "As on the poster."})
        assert fields(client, trusted, identifier)["age_min"] == age
        push_row(client, None, age_min=8)
        age = fields(client, trusted, identifier)["age_min"]
        assert (age["parsed_from"], age["confidence"], age["payload"]) == (None, None, 8)
        assert read(client, trusted, identifier)["kept"] == []

    def test_they_wait_with_the_change(
        self, client: TestClient, keys: build.Keys, moderated: build.Headers
    ) -> None:
        push_row(client, TEXTS)
        identifier = own(client, moderated)
        act(client, keys.staff, identifier, "approve")
        later = {
            "texts": {
                "age_min": {"text": "from 5", "heading": "Ages", "confidence": 0.8},
                "title": {"text": " Dance ", "heading": "What"},
            }
        }
        push_row(client, later, age_min=5, title="Dance")
        path = f"/v1/opportunities/{identifier}"
        changes = client.get(f"{path}/pending", headers=moderated).json()["changes"]
        assert {one["field"]: one["text"] for one in changes} == {
            "title": " Dance ",
            "age_min": "from 5",
        }
        age = fields(client, moderated, identifier)["age_min"]
        assert (age["parsed_from"]["text"], age["pending"], age["effective"]) == ("7-11 yrs", 5, 7)
        act(client, keys.staff, identifier, "approve", fields=["age_min"])
        found = fields(client, moderated, identifier)
        assert found["age_min"]["parsed_from"]["text"] == "from 5"
        assert (found["title"]["parsed_from"], found["title"]["pending"]) == (None, "Dance")
        assert "pending" not in found["age_min"]


class TestCorrections:
    def test_the_partner_sees_that_and_why(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"/v1/opportunities/{made['id']}"
        assert client.get(path, headers=trusted).json()["corrections"] == {}
        edit(client, keys.staff, path, {"age_max": 16, "reason": "The venue told us."})
        push(client, trusted, title="New title")
        seen = client.get(path, headers=trusted).json()["corrections"]
        assert list(seen) == ["age_max"]
        assert seen["age_max"]["reason"] == "The venue told us."
        assert set(seen["age_max"]) == {"reason", "at"}
        assert "corrections" not in client.get(path).json()
