"""Organisations through HTTP: the directory, who may edit what, soft deletion."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select
from starlette.testclient import TestClient

from app.access.models import AuditEvent
from app.kit.database import Database
from app.kit.times import today
from app.organisations.models import Organisation
from app.organisations.queries import by_pks, organisations_by_ref, summaries, venues_of
from tests import build
from tests.build import Headers, Keys

PATH = "/v1/organisations"
BIRMINGHAM = {
    "code": "E08000025",
    "name": "Birmingham",
    "href": "http://testserver/v1/authorities/E08000025",
}


def database_of(client: TestClient) -> Database:
    """The database under a client."""
    database: Database = client.app.state.database  # type: ignore[attr-defined]
    return database


def under(client: TestClient, path: str, headers: Headers) -> dict[str, str]:
    """The key's headers with If-Match for what is at this path now."""
    answer = client.get(path, headers=dict(headers))
    assert answer.status_code == 200, answer.text
    return {**headers, "If-Match": answer.headers["ETag"]}


def slugs(client: TestClient, query: str, headers: Headers | None = None) -> list[str]:
    """The slugs that a list answers with."""
    answer = client.get(f"{PATH}{query}", headers=dict(headers or {}))
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json()["items"]]


def seat(
    client: TestClient,
    keys: Keys,
    organisation: str,
    partnership: str = "birmingham",
    **more: Any,
) -> None:
    """Give an organisation a place on a partnership."""
    body = {"organisation": organisation, "sector": "arts", **more}
    answer = client.post(
        f"/v1/partnerships/{partnership}/members", json=body, headers=dict(keys.staff)
    )
    assert answer.status_code == 201, answer.text


def edit(client: TestClient, headers: Headers, slug: str, /, **patch: Any) -> Any:
    """The answer to a PATCH under the version that these headers read."""
    path = f"{PATH}/{slug}"
    return client.patch(path, json=patch, headers=under(client, path, headers))


@contextmanager
def counted(client: TestClient) -> Iterator[list[str]]:
    """The statements that reads run meanwhile."""
    statements: list[str] = []

    def note(*details: Any) -> None:
        statements.append(details[2])

    engine = database_of(client).read_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def some(shared_client: TestClient, shared_keys: Keys) -> None:
    """Three organisations that the tests of the list look for."""
    build.organisation(
        shared_client,
        shared_keys,
        "Listed Museum of Kites",
        sector="museum",
        authority="E07000237",
        accreditations={"artsmark": "gold", "arts_award_centre": True},
    )
    build.organisation(shared_client, shared_keys, "Listed Library", sector="library")
    build.organisation(
        shared_client, shared_keys, "Listed Refuge", visibility="private", authority=None
    )
    seat(shared_client, shared_keys, "listed-library")
    seat(shared_client, shared_keys, "listed-refuge", "dudley")
    seat(
        shared_client,
        shared_keys,
        "listed-museum-of-kites",
        from_date="2020-01-01",
        until_date="2021-01-01",
    )


class TestList:
    def test_anonymous_reads_what_a_screen_needs(
        self, shared_client: TestClient, some: None
    ) -> None:
        answer = shared_client.get(f"{PATH}?q=listed%20library")
        (item,) = answer.json()["items"]
        assert item["href"] == f"http://testserver{PATH}/listed-library"
        assert item["listings"] == (
            "http://testserver/v1/opportunities?organisation=listed-library"
        )
        assert item["authority"] == BIRMINGHAM
        assert item["safeguarding"]["complete"] is True
        (place,) = item["partnerships"]
        assert place["slug"] == "birmingham"
        assert place["role"] == "member"
        assert place["href"] == "http://testserver/v1/partnerships/birmingham"
        assert answer.headers["Cache-Control"].startswith("public")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", ["listed-library", "listed-museum-of-kites"]),
            ("&sector=museum", ["listed-museum-of-kites"]),
            ("&sector=museum&sector=library", ["listed-library", "listed-museum-of-kites"]),
            ("&authority=E08000025", ["listed-library"]),
            ("&authority=E10000034", ["listed-museum-of-kites"]),
            ("&authority=E10000028", []),
            ("&partnership=birmingham", ["listed-library"]),
            ("&partnership=dudley", []),
            ("&artsmark=gold&artsmark=silver", ["listed-museum-of-kites"]),
            ("&artsmark=platinum", []),
            ("&arts_award_centre=true", ["listed-museum-of-kites"]),
            ("&arts_award_centre=false", ["listed-library"]),
            ("&visibility=private", []),
            ("&visibility=any", ["listed-library", "listed-museum-of-kites"]),
        ],
    )
    def test_filters(
        self, shared_client: TestClient, some: None, query: str, expected: list[str]
    ) -> None:
        assert slugs(shared_client, f"?q=listed{query}") == expected

    @pytest.mark.parametrize("q", ["100%25", "%E6%97%A5%E6%9C%AC", "kites%20library", "_"])
    def test_words_that_nothing_holds(self, shared_client: TestClient, some: None, q: str) -> None:
        assert slugs(shared_client, f"?q={q}") == []

    def test_words_in_any_order_case_and_accent(
        self, shared_client: TestClient, some: None
    ) -> None:
        assert slugs(shared_client, "?q=K%C3%8FTES%20mus") == ["listed-museum-of-kites"]

    def test_private_ones_are_seen_by_their_own_and_by_staff(
        self, shared_client: TestClient, shared_keys: Keys, some: None
    ) -> None:
        query = "?q=listed&visibility=private"
        assert slugs(shared_client, query, shared_keys.staff) == ["listed-refuge"]
        own = shared_keys.publisher("listed-refuge")
        assert slugs(shared_client, query, own) == ["listed-refuge"]
        seated = shared_keys.coordinator("dudley")
        assert slugs(shared_client, query, seated) == ["listed-refuge"]
        assert slugs(shared_client, query, shared_keys.coordinator("birmingham")) == []
        assert slugs(shared_client, query, shared_keys.publisher("listed-library")) == []

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("?sector=magic", "?sector"),
            ("?authority=E09999999", "?authority"),
            ("?authority=Birmingham", "?authority"),
            ("?partnership=atlantis", "?partnership"),
            ("?partnership=a%00b", "?partnership"),
            ("?artsmark=bronze", "?artsmark.0"),
            ("?arts_award_centre=perhaps", "?arts_award_centre"),
            ("?visibility=hidden", "?visibility"),
            ("?colour=red", "?colour"),
            ("?limit=0", "?limit"),
        ],
    )
    def test_what_it_does_not_know_is_named(
        self, shared_client: TestClient, query: str, pointer: str
    ) -> None:
        answer = shared_client.get(f"{PATH}{query}")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    def test_a_partnership_may_be_named_by_its_id(
        self, shared_client: TestClient, some: None
    ) -> None:
        identifier = shared_client.get("/v1/partnerships/birmingham").json()["id"]
        assert slugs(shared_client, f"?q=listed&partnership={identifier}") == ["listed-library"]

    def test_a_private_partnership_is_no_filter_for_strangers(
        self, client: TestClient, keys: Keys
    ) -> None:
        path = "/v1/partnerships/dudley"
        hidden = client.patch(
            path, json={"visibility": "private"}, headers=under(client, path, keys.staff)
        )
        assert hidden.status_code == 200, hidden.text
        query = f"{PATH}?partnership=dudley"
        assert client.get(query).status_code == 422
        for headers in (keys.coordinator("dudley"), keys.staff):
            assert client.get(query, headers=dict(headers)).status_code == 200

    def test_pages_hold_each_organisation_once(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        for _ in range(5):
            build.organisation(shared_client, shared_keys, "Paged Choir")
        found: list[str] = []
        address: str | None = f"{PATH}?q=paged&limit=2"
        while address:
            body = shared_client.get(address).json()
            found += [item["slug"] for item in body["items"]]
            address = body["next"]
        assert len(found) == len(set(found)) == 5

    def test_statements_do_not_grow_with_the_page(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        for _ in range(3):
            build.organisation(shared_client, shared_keys, "Counted Band")
        runs = []
        for limit in (1, 3):
            with counted(shared_client) as statements:
                assert len(slugs(shared_client, f"?q=counted&limit={limit}")) == limit
            runs.append(len(statements))
        assert runs[0] == runs[1] <= 4


class TestGet:
    def test_anonymous_reads_it_by_slug_and_by_id(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        made = build.organisation(
            shared_client,
            shared_keys,
            "Readable Theatre",
            website="https://example.org",
            description="<p>We play.</p><script>alert(1)</script>",
            contact={"role": "Learning team", "email": "Learning@Example.ORG"},
            charity_number="1089810",
            company_number="03812951",
        )
        for ref in ("readable-theatre", made["id"], made["id"].upper()):
            answer = shared_client.get(f"{PATH}/{ref}")
            assert answer.status_code == 200
            assert answer.json() == made
        assert made["description"] == "<p>We play.</p>"
        assert made["contact"] == {
            "role": "Learning team",
            "email": "Learning@example.org",
            "phone": None,
            "url": None,
        }
        assert made["accreditations"] == {"artsmark": None, "arts_award_centre": False}
        assert made["venues"] == made["partnerships"] == []
        assert made["demo"] is False
        assert "deleted_at" not in made

    @pytest.mark.parametrize("ref", ["nowhere", "0190c8c4-0000-7000-8000-000000000000", "a%00b"])
    def test_missing(self, shared_client: TestClient, ref: str) -> None:
        assert shared_client.get(f"{PATH}/{ref}").status_code == 404

    def test_a_private_one_is_missing_to_strangers(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Quiet House", visibility="private")
        path = f"{PATH}/quiet-house"
        assert shared_client.get(path).status_code == 404
        stranger = shared_keys.coordinator("birmingham")
        assert shared_client.get(path, headers=dict(stranger)).status_code == 404
        own = shared_keys.publisher("quiet-house")
        answer = shared_client.get(path, headers=dict(own))
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"

    def test_what_is_unchanged_is_not_sent_again(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Cached Dance")
        path = f"{PATH}/cached-dance"
        tag = shared_client.get(path).headers["ETag"]
        assert shared_client.get(path, headers={"If-None-Match": tag}).status_code == 304

    def test_a_seat_that_has_ended_is_not_shown(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Former Member")
        past = {"from_date": "2020-01-01", "until_date": today().isoformat()}
        seat(shared_client, shared_keys, "former-member", **past)
        assert shared_client.get(f"{PATH}/former-member").json()["partnerships"] == []
        coordinator = shared_keys.coordinator("birmingham")
        assert edit(shared_client, coordinator, "former-member").status_code == 403


class TestCreate:
    BODY = {"name": "New Folk", "sector": "arts"}

    def test_anonymous(self, shared_client: TestClient) -> None:
        answer = shared_client.post(PATH, json=self.BODY)
        assert answer.status_code == 401
        assert "WWW-Authenticate" in answer.headers

    def test_a_publisher_may_not(self, shared_client: TestClient, shared_keys: Keys) -> None:
        build.organisation(shared_client, shared_keys, "Only Publisher")
        own = shared_keys.publisher("only-publisher")
        assert shared_client.post(PATH, json=self.BODY, headers=dict(own)).status_code == 403

    def test_staff_make_one(self, shared_client: TestClient, shared_keys: Keys) -> None:
        answer = shared_client.post(
            PATH, json={"name": "Café Théâtre", "sector": "arts"}, headers=dict(shared_keys.staff)
        )
        assert answer.status_code == 201
        assert answer.headers["Location"] == f"http://testserver{PATH}/cafe-theatre"
        assert answer.json()["safeguarding"] == {
            "policy_url": None,
            "reviewed_on": None,
            "lead_named": False,
            "complete": False,
        }
        with database_of(shared_client).reading() as session:
            trail = select(AuditEvent.action).where(AuditEvent.subject_id == answer.json()["id"])
            assert session.exec(trail).all() == ["organisation.create"]

    def test_a_coordinator_makes_one_but_does_not_accredit_it(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        coordinator = dict(shared_keys.coordinator("birmingham"))
        body = {**self.BODY, "name": "Coordinated Choir", "slug": "choir-of-ours"}
        refused = shared_client.post(
            PATH, json={**body, "accreditations": {"artsmark": "gold"}}, headers=coordinator
        )
        assert refused.status_code == 403
        assert [error["pointer"] for error in refused.json()["errors"]] == ["#/accreditations"]
        made = shared_client.post(PATH, json=body, headers=coordinator)
        assert made.status_code == 201
        assert made.json()["slug"] == "choir-of-ours"

    def test_slugs_are_numbered_when_they_are_taken(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        made = [build.organisation(shared_client, shared_keys, "Twin Arts") for _ in range(3)]
        assert [one["slug"] for one in made] == ["twin-arts", "twin-arts-2", "twin-arts-3"]
        taken = shared_client.post(
            PATH, json={**self.BODY, "slug": "twin-arts-2"}, headers=dict(shared_keys.staff)
        )
        assert taken.status_code == 409

    def test_long_names_leave_room_for_a_number(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        name = "Long " * 31
        found = [build.organisation(shared_client, shared_keys, name)["slug"] for _ in range(2)]
        assert found[0] != found[1]
        assert all(len(slug) <= 80 for slug in found)

    def test_many_at_once_get_slugs_of_their_own(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        headers = dict(shared_keys.staff)

        def make(_: int) -> int:
            body = {"name": "Racing Band", "sector": "arts"}
            return shared_client.post(PATH, json=body, headers=headers).status_code

        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(make, range(6)))
        assert set(statuses) <= {201, 409}
        found = slugs(shared_client, "?q=racing")
        assert len(found) == len(set(found)) == statuses.count(201) >= 1

    def test_the_same_key_and_body_make_one(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        headers = {**shared_keys.staff, "Idempotency-Key": "organisation-1"}
        body = {"name": "Once Only", "sector": "arts"}
        first = shared_client.post(PATH, json=body, headers=headers)
        again = shared_client.post(PATH, json=body, headers=headers)
        assert first.json()["id"] == again.json()["id"]
        assert slugs(shared_client, "?q=once%20only") == ["once-only"]

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"name": " "}, "#/name"),
            ({"name": "日本"}, "#/slug"),
            ({"name": "x" * 161}, "#/name"),
            ({"name": "a\u0000b"}, None),
            ({"sector": "magic"}, "#/sector"),
            ({"sector": None}, "#/sector"),
            ({"slug": "Not A Slug"}, "#/slug"),
            ({"authority": "E09999999"}, "#/authority"),
            ({"authority": "Birmingham"}, "#/authority"),
            ({"website": "javascript:alert(1)"}, "#/website"),
            ({"charity_number": "12"}, "#/charity_number"),
            ({"charity_number": "1089810\n"}, "#/charity_number"),
            ({"company_number": "3812951"}, "#/company_number"),
            ({"contact": {"email": "nobody"}}, "#/contact/email"),
            ({"contact": {"phone": "12"}}, "#/contact/phone"),
            ({"contact": {"name": "Ann"}}, "#/contact/name"),
            ({"contact": "us"}, "#/contact"),
            ({"accreditations": {"artsmark": "bronze"}}, "#/accreditations/artsmark"),
            ({"safeguarding": {"reviewed_on": "soon"}}, "#/safeguarding/reviewed_on"),
            (
                {"safeguarding": {"reviewed_on": (today() + timedelta(days=2)).isoformat()}},
                "#/safeguarding/reviewed_on",
            ),
            ({"visibility": "hidden"}, "#/visibility"),
            ({"colour": "red"}, "#/colour"),
        ],
    )
    def test_invalid(
        self,
        shared_client: TestClient,
        shared_keys: Keys,
        change: dict[str, Any],
        pointer: str | None,
    ) -> None:
        answer = shared_client.post(
            PATH, json={**self.BODY, **change}, headers=dict(shared_keys.staff)
        )
        assert answer.status_code == 422
        if pointer:
            assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


class TestReplace:
    def test_anonymous(self, shared_client: TestClient) -> None:
        answer = shared_client.put(f"{PATH}/nowhere", json={}, headers={"If-Match": "*"})
        assert answer.status_code == 401

    def test_missing(self, shared_client: TestClient, shared_keys: Keys) -> None:
        answer = shared_client.put(
            f"{PATH}/nowhere",
            json={"name": "X", "sector": "arts"},
            headers={**shared_keys.staff, "If-Match": "*"},
        )
        assert answer.status_code == 404

    def test_if_match_is_needed_and_compared(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        made = build.organisation(shared_client, shared_keys, "Matched Music")
        path = f"{PATH}/matched-music"
        bare = shared_client.put(path, json=made, headers=dict(shared_keys.staff))
        assert bare.status_code == 428
        stale = under(shared_client, path, shared_keys.staff)
        assert edit(shared_client, shared_keys.staff, "matched-music", summary="New.").is_success
        assert shared_client.put(path, json=made, headers=stale).status_code == 412

    def test_what_was_read_can_be_sent_back(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        made = build.organisation(shared_client, shared_keys, "Round Trip", summary="As it is.")
        path = f"{PATH}/round-trip"
        answer = shared_client.put(
            path, json=made, headers=under(shared_client, path, shared_keys.staff)
        )
        assert answer.status_code == 200, answer.text
        same = {"updated_at", "version"}
        assert {k: v for k, v in answer.json().items() if k not in same} == {
            k: v for k, v in made.items() if k not in same
        }

    def test_what_is_left_out_is_cleared_but_for_the_slug(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Cleared Crafts", summary="Old.")
        path = f"{PATH}/cleared-crafts"
        answer = shared_client.put(
            path,
            json={"name": "Cleared Crafts Again", "sector": "museum"},
            headers=under(shared_client, path, shared_keys.staff),
        )
        body = answer.json()
        assert (body["slug"], body["name"]) == ("cleared-crafts", "Cleared Crafts Again")
        assert (body["summary"], body["authority"]) == ("", None)
        assert body["safeguarding"]["complete"] is False
        assert slugs(shared_client, "?q=crafts%20again") == ["cleared-crafts"]

    def test_a_publisher_sends_the_rest_as_it_is(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        made = build.organisation(
            shared_client,
            shared_keys,
            "Published Puppets",
            description="<p>Puppets &amp; <a href='https://example.org'>more</a></p>",
            website="https://example.org/puppets",
            accreditations={"arts_award_centre": True},
        )
        path = f"{PATH}/published-puppets"
        own = shared_keys.publisher("published-puppets")
        body = {**made, "contact": {"role": "Box office", "phone": "0121 496 0000"}}
        answer = shared_client.put(path, json=body, headers=under(shared_client, path, own))
        assert answer.status_code == 200, answer.text
        assert answer.json()["contact"]["phone"] == "+44 121 496 0000"
        body = {**made, "name": "Ours", "sector": "school", "accreditations": None}
        refused = shared_client.put(path, json=body, headers=under(shared_client, path, own))
        assert refused.status_code == 403
        assert {error["pointer"] for error in refused.json()["errors"]} == {
            "#/name",
            "#/sector",
            "#/accreditations",
        }


class TestUpdate:
    def test_anonymous(self, shared_client: TestClient) -> None:
        answer = shared_client.patch(f"{PATH}/nowhere", json={}, headers={"If-Match": "*"})
        assert answer.status_code == 401

    def test_strangers_may_not(self, shared_client: TestClient, shared_keys: Keys) -> None:
        build.organisation(shared_client, shared_keys, "Guarded Gallery")
        build.organisation(shared_client, shared_keys, "Other Gallery")
        for stranger in (
            shared_keys.publisher("other-gallery"),
            shared_keys.coordinator("birmingham"),
        ):
            answer = edit(shared_client, stranger, "guarded-gallery", summary="Mine.")
            assert answer.status_code == 403

    def test_staff_change_anything(self, shared_client: TestClient, shared_keys: Keys) -> None:
        build.organisation(shared_client, shared_keys, "Before Change")
        answer = edit(
            shared_client,
            shared_keys.staff,
            "before-change",
            slug="after-change",
            authority=None,
            accreditations={"artsmark": "platinum"},
            contact={"email": "hello@example.org"},
        )
        body = answer.json()
        assert answer.status_code == 200
        assert (body["slug"], body["version"]) == ("after-change", 2)
        assert body["authority"] is None
        assert body["accreditations"]["artsmark"] == "platinum"
        assert shared_client.get(f"{PATH}/before-change").status_code == 404
        assert shared_client.get(f"{PATH}/after-change").json() == body
        assert edit(shared_client, shared_keys.staff, "after-change", summary="So.").is_success

    def test_a_slug_that_is_taken(self, shared_client: TestClient, shared_keys: Keys) -> None:
        build.organisation(shared_client, shared_keys, "Slug Owner")
        build.organisation(shared_client, shared_keys, "Slug Taker")
        answer = edit(shared_client, shared_keys.staff, "slug-taker", slug="slug-owner")
        assert answer.status_code == 409

    def test_null_clears_a_part(self, shared_client: TestClient, shared_keys: Keys) -> None:
        build.organisation(
            shared_client, shared_keys, "Part Cleared", contact={"email": "a@example.org"}
        )
        answer = edit(
            shared_client,
            shared_keys.staff,
            "part-cleared",
            contact=None,
            safeguarding={"policy_url": None},
        )
        body = answer.json()
        assert set(body["contact"].values()) == {None}
        assert body["safeguarding"]["complete"] is False
        assert body["safeguarding"]["lead_named"] is True

    def test_a_publisher_changes_contact_and_safeguarding_only(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Own Orchestra", safeguarding=None)
        own = shared_keys.publisher("own-orchestra")
        facts = {
            "policy_url": "https://example.org/policy",
            "reviewed_on": today().isoformat(),
            "lead_named": True,
        }
        answer = edit(shared_client, own, "own-orchestra", safeguarding=facts)
        assert answer.status_code == 200
        assert answer.json()["safeguarding"]["complete"] is True
        for patch in (
            {"slug": "mine"},
            {"visibility": "private"},
            {"website": "https://example.org"},
            {"accreditations": {"artsmark": "gold"}},
        ):
            refused = edit(shared_client, own, "own-orchestra", **patch)
            assert refused.status_code == 403
            assert [e["pointer"] for e in refused.json()["errors"]] == [f"#/{next(iter(patch))}"]

    def test_a_coordinator_edits_what_sits_on_its_partnership(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Seated Strings")
        seat(shared_client, shared_keys, "seated-strings", "coventry")
        coordinator = shared_keys.coordinator("coventry")
        changed = edit(shared_client, coordinator, "seated-strings", name="Strings", sector="youth")
        assert changed.status_code == 200
        for patch in ({"slug": "mine"}, {"accreditations": {"arts_award_centre": True}}):
            assert edit(shared_client, coordinator, "seated-strings", **patch).status_code == 403

    def test_nothing_new_is_no_new_version(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Same Still")
        assert edit(shared_client, shared_keys.staff, "same-still").json()["version"] == 1

    @pytest.mark.parametrize(
        ("patch", "pointer"),
        [
            ({"name": None}, "#/name"),
            ({"contact": {"email": "x"}}, "#/contact/email"),
            ({"safeguarding": {"lead": "Ann"}}, "#/safeguarding/lead"),
            ({"colour": "red"}, "#/colour"),
            ({"sector": "magic"}, "#/sector"),
        ],
    )
    def test_invalid(
        self, shared_client: TestClient, shared_keys: Keys, patch: dict[str, Any], pointer: str
    ) -> None:
        made = build.organisation(shared_client, shared_keys, "Invalid Patch")
        answer = edit(shared_client, shared_keys.staff, made["slug"], **patch)
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


class TestDelete:
    def test_anonymous_and_others_may_not(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        build.organisation(shared_client, shared_keys, "Kept Kiln")
        path = f"{PATH}/kept-kiln"
        assert shared_client.delete(path, headers={"If-Match": "*"}).status_code == 401
        for other in (shared_keys.publisher("kept-kiln"), shared_keys.coordinator("birmingham")):
            headers = {**other, "If-Match": "*"}
            assert shared_client.delete(path, headers=headers).status_code == 403

    def test_missing_and_unmatched(self, shared_client: TestClient, shared_keys: Keys) -> None:
        build.organisation(shared_client, shared_keys, "Matched Delete")
        path = f"{PATH}/matched-delete"
        staff = dict(shared_keys.staff)
        assert shared_client.delete(path, headers=staff).status_code == 428
        stale = {**staff, "If-Match": '"99-abc"'}
        assert shared_client.delete(path, headers=stale).status_code == 412
        missing = {**staff, "If-Match": "*"}
        assert shared_client.delete(f"{PATH}/nowhere", headers=missing).status_code == 404

    def test_it_goes_with_its_venues_and_frees_its_slug(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        made = build.organisation(shared_client, shared_keys, "Gone Guild")
        venue = shared_client.post(
            "/v1/venues",
            json={"organisation": "gone-guild", "name": "Gone Hall", "postcode": "B1 1BB"},
            headers=dict(shared_keys.staff),
        )
        assert venue.status_code == 201, venue.text
        path = f"{PATH}/gone-guild"
        answer = shared_client.delete(path, headers=under(shared_client, path, shared_keys.staff))
        assert answer.status_code == 204
        assert answer.content == b""
        for missing in (path, f"{PATH}/{made['id']}", "/v1/venues/gone-hall"):
            headers = dict(shared_keys.staff)
            assert shared_client.get(missing, headers=headers).status_code == 404
        assert slugs(shared_client, "?q=gone%20guild&visibility=any", shared_keys.staff) == []
        again = build.organisation(shared_client, shared_keys, "Gone Guild")
        assert again["slug"] == "gone-guild"
        assert again["id"] != made["id"]
        with database_of(shared_client).reading() as session:
            kept = session.exec(select(Organisation).where(Organisation.slug == "gone-guild"))
            assert len(kept.all()) == 2


class TestForHigherRooms:
    def test_what_other_rooms_read(self, shared_client: TestClient, shared_keys: Keys) -> None:
        made = build.organisation(shared_client, shared_keys, "Higher Read")
        with database_of(shared_client).reading() as session:
            assert organisations_by_ref(session, []) == {}
            found = organisations_by_ref(session, {"higher-read", made["id"], "nowhere"})
            assert set(found) == {"higher-read", made["id"]}
            row = found["higher-read"]
            assert row.pk is not None
            assert row.safeguarding_complete
            assert by_pks(session, [row.pk]) == {row.pk: row}
            reference = summaries(session, [row.pk], "http://testserver")[row.pk]
            assert reference.href == made["href"]
            assert not summaries(session, [], "")
            assert not by_pks(session, [])
            assert venues_of(session, [row.pk]) == venues_of(session, []) == {}
