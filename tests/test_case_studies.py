"""Case studies through HTTP: drafts, consent, filters."""

from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from tests.build import Headers, Keys

PATH = "/v1/case-studies"
BODY: dict[str, Any] = {
    "title": "Shout out",
    "partnership": "birmingham",
    "year": 2026,
    "summary": "Four hundred children sang.",
    "story": "<h3>Why</h3><p onclick='x()'>Because.</p>",
    "priorities": ["access"],
    "reached": {"children": 400, "schools": 12},
    "quotes": [
        {"text": "I sang!", "attribution": "Pupil", "consent_on": "2026-06-01"},
        {"text": "Do not print this.", "attribution": "Somebody"},
    ],
    "images": [{"url": "https://example.org/choir.jpg", "alt": "A choir of children."}],
    "status": "published",
}


def made(client: TestClient, headers: Headers, **more: Any) -> Any:
    """A new case study."""
    answer = client.post(PATH, json={**BODY, **more}, headers=dict(headers))
    assert answer.status_code == 201, answer.text
    return answer.json()


def programme(client: TestClient, headers: Headers, *partnerships: str) -> str:
    """The slug of a new programme of these partnerships."""
    body = {"title": "Singing", "kind": "activity", "partnerships": list(partnerships)}
    answer = client.post("/v1/programmes", json=body, headers=dict(headers))
    assert answer.status_code == 201, answer.text
    slug: str = answer.json()["slug"]
    return slug


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
    def test_who_may(self, shared_client: TestClient, shared_keys: Keys) -> None:
        assert shared_client.post(PATH, json=BODY).status_code == 401
        stranger = shared_keys.coordinator("dudley")
        assert shared_client.post(PATH, json=BODY, headers=stranger).status_code == 403

    def test_a_coordinator_makes_one(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        slug = programme(client, own, "birmingham")
        answer = client.post(PATH, json={**BODY, "programme": slug}, headers=own)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        assert answer.headers["Location"] == "http://testserver/v1/case-studies/shout-out"
        assert body["story"] == "<h3>Why</h3><p>Because.</p>"
        assert body["reached"]["children"] == 400
        assert body["reached"]["artists"] is None
        assert body["partnership"]["slug"] == "birmingham"
        assert body["programme"]["name"] == "Singing"
        assert client.get(body["href"], headers=own).json() == body
        assert client.post(PATH, json=BODY, headers=own).status_code == 409

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"title": " "}, "#/title"),
            ({"year": 1066}, "#/year"),
            ({"year": None}, "#/year"),
            ({"partnership": "nowhere"}, "#/partnership"),
            ({"programme": "nothing"}, "#/programme"),
            ({"priorities": ["magic"]}, "#/priorities/0"),
            ({"reached": {"children": -1}}, "#/reached/children"),
            ({"reached": {"aliens": 1}}, "#/reached/aliens"),
            ({"quotes": [{"text": "x", "consent_on": "2999-01-01"}]}, "#/quotes/0"),
            ({"quotes": [{"text": ""}]}, "#/quotes/0/text"),
            ({"images": [{"url": "https://example.org/x.jpg"}]}, "#/images/0/alt"),
            ({"images": [{"url": "data:x", "alt": "x"}]}, "#/images/0/url"),
            ({"status": "lost"}, "#/status"),
            ({"colour": "red"}, "#/colour"),
        ],
    )
    def test_what_is_wrong_is_named(
        self, shared_client: TestClient, shared_keys: Keys, change: Any, pointer: str
    ) -> None:
        answer = shared_client.post(PATH, json={**BODY, **change}, headers=shared_keys.staff)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer

    def test_the_programme_is_one_of_the_partnership(self, client: TestClient, keys: Keys) -> None:
        slug = programme(client, keys.staff, "dudley")
        answer = client.post(PATH, json={**BODY, "programme": slug}, headers=keys.staff)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/programme"


class TestConsent:
    def test_a_quote_without_consent_is_not_public(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        path = made(client, own)["href"]
        for headers in ({}, keys.coordinator("dudley")):
            shown = client.get(path, headers=headers)
            (quote,) = shown.json()["quotes"]
            assert quote == {"text": "I sang!", "attribution": "Pupil", "consent_on": None}
            assert "Do not print" not in shown.text
        assert len(client.get(path, headers=own).json()["quotes"]) == 2
        assert "Do not print" not in client.get(PATH).text


class TestDrafts:
    def test_they_are_seen_by_their_own_and_by_staff_only(
        self, client: TestClient, keys: Keys
    ) -> None:
        own, stranger = keys.coordinator("birmingham"), keys.coordinator("dudley")
        path = made(client, own, status="draft")["href"]
        assert client.get(path).status_code == 404
        assert client.get(path, headers=stranger).status_code == 404
        assert client.get(path, headers=own).status_code == 200
        assert slugs(client) == []
        assert slugs(client, "", own) == []
        assert slugs(client, "?status=draft", own) == ["shout-out"]
        assert slugs(client, "?status=any", keys.staff) == ["shout-out"]
        assert slugs(client, "?status=any") == []
        assert slugs(client, "?status=draft", stranger) == []
        hidden = client.patch(path, json={"title": "x"}, headers={**stranger, "If-Match": "*"})
        assert hidden.status_code == 404
        published = client.patch(
            path, json={"status": "published"}, headers=under(client, path, own)
        )
        assert published.status_code == 200, published.text
        assert slugs(client) == ["shout-out"]


class TestList:
    def test_filters(self, client: TestClient, keys: Keys) -> None:
        slug = programme(client, keys.staff, "dudley")
        made(client, keys.staff)
        made(
            client,
            keys.staff,
            title="Circus",
            summary="Tumbling.",
            partnership="dudley",
            programme=slug,
            year=2025,
            priorities=["wellbeing"],
        )
        expected = {
            "": ["shout-out", "circus"],
            "?partnership=dudley": ["circus"],
            f"?programme={slug}": ["circus"],
            "?priority=access": ["shout-out"],
            "?year=2025": ["circus"],
            "?year=2025&year=2026": ["shout-out", "circus"],
            "?q=children%20SANG": ["shout-out"],
            "?partnership=dudley&year=2026": [],
        }
        assert {query: slugs(client, query) for query in expected} == expected
        first = client.get(f"{PATH}?limit=1").json()
        assert first["items"][0]["image"]["alt"] == "A choir of children."
        assert [item["slug"] for item in client.get(first["next"]).json()["items"]] == ["circus"]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("?partnership=nowhere", "?partnership"),
            ("?programme=nothing", "?programme"),
            ("?priority=magic", "?priority"),
            ("?year=soon", "?year.0"),
            ("?status=lost", "?status"),
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
        slug = programme(client, keys.staff, "birmingham")
        for number in range(4):
            made(client, keys.staff, title=f"Study {number}", programme=slug)
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
        assert client.get(f"{PATH}/{body['id']}").json()["slug"] == "shout-out"
        assert client.get(f"{PATH}/nothing").status_code == 404

    def test_a_private_partnership_is_not_named(self, client: TestClient, keys: Keys) -> None:
        path = made(client, keys.staff)["href"]
        partnership = "/v1/partnerships/birmingham"
        hidden = client.patch(
            partnership,
            json={"visibility": "private"},
            headers=under(client, partnership, keys.staff),
        )
        assert hidden.status_code == 200, hidden.text
        assert client.get(path).json()["partnership"] is None


class TestEdit:
    def test_needs_a_key_and_the_version(self, client: TestClient, keys: Keys) -> None:
        path = made(client, keys.staff)["href"]
        change = {"year": 2025}
        assert client.patch(path, json=change).status_code == 401
        assert client.patch(path, json=change, headers=keys.staff).status_code == 428
        stranger = {**keys.coordinator("dudley"), "If-Match": "*"}
        assert client.patch(path, json=change, headers=stranger).status_code == 403
        first = under(client, path, keys.coordinator("birmingham"))
        answer = client.patch(path, json=change, headers=first)
        assert answer.status_code == 200, answer.text
        assert answer.json()["year"] == 2025
        assert len(answer.json()["quotes"]) == 2
        assert client.patch(path, json=change, headers=first).status_code == 412

    def test_what_was_read_can_be_put_back(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        slug = programme(client, own, "birmingham")
        body = made(client, own, programme=slug)
        body["reached"]["artists"] = 3
        answer = client.put(body["href"], json=body, headers=under(client, body["href"], own))
        assert answer.status_code == 200, answer.text
        assert answer.json()["reached"]["artists"] == 3
        assert answer.json()["programme"] == body["programme"]
        assert answer.json()["version"] == body["version"] + 1

    def test_a_coordinator_cannot_give_it_away(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        path = made(client, own)["href"]
        answer = client.patch(
            path, json={"partnership": "dudley"}, headers=under(client, path, own)
        )
        assert answer.status_code == 403


class TestDelete:
    def test_it_goes_out_of_sight(self, client: TestClient, keys: Keys) -> None:
        own = keys.coordinator("birmingham")
        path = made(client, own)["href"]
        stranger = {**keys.coordinator("dudley"), "If-Match": "*"}
        assert client.delete(path, headers=stranger).status_code == 403
        assert client.delete(path, headers=own).status_code == 428
        assert client.delete(path, headers=under(client, path, own)).status_code == 204
        assert client.get(path, headers=keys.staff).status_code == 404
        made(client, own)
