"""The quality of listings: the number, its reasons, and that it is the same everywhere."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from app.opportunities import quality
from app.opportunities.reassessment import reassess
from app.sources.quality_history import record_quality
from tests import build
from tests.test_opportunities import edit, push
from tests.test_service import problem

WHOLE: dict[str, Any] = {
    "summary": "Street dance for beginners, every Saturday in term time.",
    "description": "<p>" + "Come and dance with us. " * 10 + "</p>",
    "booking": {"url": "https://dancehub.example/book"},
    "image": {"url": "https://dancehub.example/1.jpg", "alt": "Children dancing"},
    "access": ["wheelchair"],
    "contact": {"email": "learning@dancehub.example"},
    "licence": "CC BY 4.0",
    "url": "https://dancehub.example/saturday",
}
"""What `build.listing` leaves out."""


def report(client: TestClient, headers: build.Headers, identifier: str) -> Any:
    answer = client.get(f"/v1/opportunities/{identifier}/quality", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def lacking(client: TestClient, headers: build.Headers, identifier: str) -> set[str]:
    reasons = report(client, headers, identifier)["reasons"]
    return {one["code"] for one in reasons if not one["earned"]}


class TestWeights:
    def test_they_make_a_hundred_and_every_bit_is_its_own(self) -> None:
        assert sum(one.points for one in quality.WEIGHTS) == 100
        assert len(quality.BITS) == len(quality.WEIGHTS)
        assert sum(quality.BITS.values()) == 2 ** len(quality.WEIGHTS) - 1

    def test_no_figure_without_a_source(self) -> None:
        # None of the references gives one: a number of percent would be made up.
        for one in quality.WEIGHTS:
            assert "%" not in one.why + one.advice
            assert one.why.endswith(".")
            assert one.advice.endswith(".")


@pytest.fixture
def publisher(shared_client: TestClient, shared_keys: build.Keys) -> build.Headers:
    if shared_client.get("/v1/organisations/dance-hub").status_code == 404:
        build.organisation(shared_client, shared_keys)
        build.source(shared_client, shared_keys, key="web")
    return shared_keys.publisher("dance-hub")


class TestScore:
    def test_a_whole_listing_has_a_hundred(
        self, shared_client: TestClient, publisher: build.Headers
    ) -> None:
        made = push(shared_client, publisher, "whole", **WHOLE)
        found = report(shared_client, publisher, made["id"])
        assert found["score"] == 100
        assert all(one["earned"] == one["points"] for one in found["reasons"])

    @pytest.mark.parametrize(
        ("code", "more"),
        [
            ("title", {"title": "Workshop"}),
            ("title", {"title": "SATURDAY DANCE CLUB"}),
            ("summary", {"summary": "Dance."}),
            ("description", {"description": "<p>Come and dance.</p>"}),
            ("ages", {"age_min": None, "age_max": None}),
            ("price", {"price": None}),
            ("price", {"price": {"concessions": ["free_school_meals"]}}),
            ("place", {"venue": {"name": "The Dance Room"}}),
            ("ends", {"sessions": [{"starts_at": "2027-06-05T10:00"}]}),
            ("booking", {"booking": None}),
            ("booking", {"booking": {"required": True}}),
            ("image", {"image": None}),
            ("access", {"access": []}),
            ("contact", {"contact": {"role": "Learning team"}}),
            ("artforms", {"artforms": []}),
            ("licence", {"licence": None}),
            ("url", {"url": None}),
        ],
    )
    def test_each_thing_counts_by_itself(
        self,
        shared_client: TestClient,
        publisher: build.Headers,
        code: str,
        more: dict[str, Any],
    ) -> None:
        made = push(shared_client, publisher, "each", **(WHOLE | more))
        found = report(shared_client, publisher, made["id"])
        (criterion,) = [one for one in quality.WEIGHTS if one.code == code]
        assert found["score"] == 100 - criterion.points
        first = found["reasons"][0]
        assert (first["code"], first["earned"], first["pointer"]) == (code, 0, criterion.pointer)
        assert first["detail"] == f"{criterion.why} {criterion.advice}"

    @pytest.mark.parametrize(
        "more",
        [
            {"sessions": [], "always_available": True},
            {"venue": None, "delivery": "online"},
            {"venue": None, "delivery": "outreach", "outreach_areas": ["region"]},
            {"age_min": None, "age_max": None, "audiences": ["families"]},
            {"booking": {"required": False}},
            {"access": [], "access_text": "Step-free from the street; ask for a quiet room."},
            {"price": {"pay_what_you_can": True}},
        ],
    )
    def test_what_cannot_apply_or_is_said_otherwise_has_its_points(
        self, shared_client: TestClient, publisher: build.Headers, more: dict[str, Any]
    ) -> None:
        made = push(shared_client, publisher, "other", **(WHOLE | more))
        assert report(shared_client, publisher, made["id"])["score"] == 100

    def test_days_without_times(self, shared_client: TestClient, publisher: build.Headers) -> None:
        sessions = [{"date": "2027-06-05"}, {"starts_at": "2027-06-12T10:00"}]
        made = push(shared_client, publisher, "days", **(WHOLE | {"sessions": sessions}))
        assert lacking(shared_client, publisher, made["id"]) == {"times", "ends"}

    def test_the_best_gain_comes_first(
        self, shared_client: TestClient, publisher: build.Headers
    ) -> None:
        made = push(shared_client, publisher, "plain")
        reasons = report(shared_client, publisher, made["id"])["reasons"]
        gains = [one["points"] for one in reasons if not one["earned"]]
        assert gains == sorted(gains, reverse=True)
        assert all(one["earned"] for one in reasons[len(gains) :])


class TestTheSameEverywhere:
    def test_alone_in_lists_and_for_its_source(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        score = report(client, trusted, made["id"])["score"]
        assert 0 < score < 100
        path = f"/v1/opportunities/{made['id']}"
        public = client.get(path).json()
        assert public["quality"] == score
        assert "would_raise" not in public
        assert client.get("/v1/opportunities").json()["items"][0]["quality"] == score
        own = client.get(path, headers=trusted).json()
        assert own["quality"] == score
        assert sum(one["points"] for one in own["would_raise"]) == 100 - score
        source = client.get("/v1/sources/web", headers=trusted).json()
        assert source["state"]["quality"] == score
        (row,) = client.get("/v1/sources/web/listings", headers=trusted).json()["items"]
        assert row["quality"] == score

    def test_a_correction_raises_it(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"/v1/opportunities/{made['id']}"
        before = client.get(path).json()["quality"]
        edit(client, keys.staff, path, {"licence": "CC BY 4.0", "reason": "They wrote to us."})
        assert client.get(path).json()["quality"] == before + 2

    def test_only_its_owner_and_moderators_read_the_reasons(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        path = f"/v1/opportunities/{made['id']}/quality"
        problem(client.get(path), 401, "unauthenticated")
        build.organisation(client, keys, "Clay Works")
        for other in (keys.publisher("clay-works"), keys.coordinator("dudley")):
            problem(client.get(path, headers=other), 404, "not_found")
        for own in (trusted, keys.staff, keys.coordinator("birmingham")):
            assert client.get(path, headers=own).status_code == 200

    def test_what_was_read_can_be_sent_back(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        read = client.get(f"/v1/opportunities/{made['id']}", headers=trusted).json()
        path = "/v1/sources/web/opportunities/1"
        assert client.put(path, json=read, headers=trusted).status_code == 200


class TestOtherWeights:
    def test_stored_listings_are_assessed_again(
        self, client: TestClient, trusted: build.Headers, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sessions = [{"starts_at": "2027-06-05T10:00"}]
        made = [push(client, trusted, str(n), sessions=sessions) for n in range(3)]
        path = f"/v1/opportunities/{made[0]['id']}"
        before = client.get(path).json()
        database = build.database_of(client)
        assert reassess(database) == 0

        halved = tuple(
            (bit, 0 if bit == quality.BITS["ages"] else points, test)
            for bit, points, test in quality._TESTS  # noqa: SLF001 - another version of the table
        )
        monkeypatch.setattr(quality, "VERSION", quality.VERSION + 1)
        monkeypatch.setattr(quality, "_TESTS", halved)
        monkeypatch.setattr("app.opportunities.reassessment.CHUNK", 2)
        assert reassess(database) == 3
        after = client.get(path).json()
        assert after["quality"] == before["quality"] - 12
        assert after["change_number"] > before["change_number"]
        assert after["version"] == before["version"]
        assert "ends" in lacking(client, trusted, made[0]["id"])
        assert "times" not in lacking(client, trusted, made[0]["id"])
        assert reassess(database) == 0

    def test_it_assesses_as_a_push_does(self, client: TestClient, trusted: build.Headers) -> None:
        made = [
            push(client, trusted, "1"),
            push(client, trusted, "2", sessions=[], always_available=True),
            push(client, trusted, "3", sessions=[{"date": "2027-06-05"}]),
            push(client, trusted, "4", **WHOLE),
        ]
        paths = [f"/v1/opportunities/{one['id']}" for one in made]
        before = [client.get(path).json() for path in paths]
        database = build.database_of(client)
        with database.writing() as session:
            session.connection().exec_driver_sql(
                "UPDATE opportunity SET quality_version = 0, quality = 0, quality_gaps = 0"
            )
        assert reassess(database) == 4
        assert [client.get(path).json() for path in paths] == before


class TestSource:
    def test_now_and_day_by_day(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        push(client, trusted, "1")
        push(client, trusted, "2", **WHOLE)
        push(client, trusted, "3", image=WHOLE["image"])
        found = client.get("/v1/sources/web/quality", headers=trusted).json()
        listed = client.get("/v1/sources/web/listings", headers=trusted).json()["items"]
        mean = round(sum(one["quality"] for one in listed) / 3, 1)
        assert (found["now"]["listings"], found["now"]["mean"]) == (3, mean)
        assert found["days"] == []
        lowest = found["now"]["lowest"]
        assert [one["listings"] for one in lowest] == [2] * 5
        assert lowest[0]["code"] == "description"
        assert "image" not in {one["code"] for one in lowest}
        for one in lowest:
            path = one["href"].removeprefix("http://testserver")
            items = client.get(path, headers=trusted).json()["items"]
            assert {item["external_id"] for item in items} == {"1", "3"}

        database = build.database_of(client)
        assert record_quality(database) == record_quality(database) == 1
        (day,) = client.get("/v1/sources/web/quality", headers=trusted).json()["days"]
        assert (day["listings"], day["mean"]) == (3, mean)
        assert (day["gaps"]["description"], day["gaps"]["image"]) == (2, 1)
        past = client.get("/v1/sources/web/quality?from=2020-01-01&to=2020-02-01", headers=trusted)
        assert past.json()["days"] == []
        for query in ("from=9999-12-31", "to=0001-01-01", "from=9999-12-30&to=9999-12-31"):
            answer = client.get(f"/v1/sources/web/quality?{query}", headers=trusted)
            assert (answer.status_code, answer.json()["days"]) == (200, []), query

    def test_bad_periods(self, client: TestClient, trusted: build.Headers) -> None:
        for query in (
            "from=2027-02-01&to=2027-01-01",
            "from=2020-01-01&to=2027-01-01",
            "from=2020-01-01",
            "from=yesterday",
        ):
            answer = client.get(f"/v1/sources/web/quality?{query}", headers=trusted)
            problem(answer, 422, "invalid")

    def test_without_listings(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        found = client.get("/v1/sources/web/quality", headers=trusted).json()
        assert found["now"] == {"listings": 0, "mean": None, "lowest": []}
        build.organisation(client, keys, "Clay Works")
        other = keys.publisher("clay-works")
        problem(client.get("/v1/sources/web/quality", headers=other), 404, "not_found")
        problem(client.get("/v1/sources/web/quality"), 401, "unauthenticated")
