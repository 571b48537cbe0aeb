"""The made-up region: enough of everything, marked as such, the same from the same seed."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col
from starlette.testclient import TestClient

from app.kit import migrations
from app.kit.database import Database
from app.kit.problems import Problem
from app.kit.times import today
from app.main import open_database
from app.opportunities import occasions
from app.opportunities.models import Opportunity
from app.opportunities.written import OpportunityWrite
from app.organisations.models import Venue
from app.sources.demonstration import load_demonstration
from app.sources.demonstration_dates import Calendar
from app.sources.demonstration_listings import OVER_EVERY, Provider, listing
from app.sources.demonstration_words import FORMS, FORMS_OF, MAKERS, OTHER_FORMS, SUBJECTS
from app.vocabularies.models import Vocabulary
from app.vocabularies.terms import TERMS
from tests import build
from tests.build import Keys, database_of
from tests.conftest import fresh_database

SEED = 2026
LISTINGS = 150


def load(database: Database, *, seed: int = SEED, listings: int = LISTINGS) -> dict[str, int]:
    """Load the demonstration without telling how far it is."""
    return load_demonstration(
        database, seed=seed, listings=listings, progress=lambda _done, _total: None
    )


def everything(client: TestClient, path: str, keys: Keys | None = None) -> list[Any]:
    """All items of a list, page by page."""
    headers = dict(keys.staff) if keys else {}
    found: list[Any] = []
    following: str | None = path
    while following:
        answer = client.get(following, headers=headers)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        following = answer.json()["next"]
    return found


def contents(database: Database) -> tuple[list[Any], list[Any]]:
    """What tells two made-up regions apart: titles with times and prices, venues with places."""
    with database.reading() as session:
        table = Opportunity.__table__  # type: ignore[attr-defined]
        names = ("source_key", "external_id", "title", "payload_digest", "status")
        listings = session.execute(
            select(*(table.c[name] for name in names)).order_by(*(table.c[n] for n in names[:2]))
        )
        venues = session.execute(select(col(Venue.slug), col(Venue.postcode)))
        return [tuple(row) for row in listings], sorted(tuple(row) for row in venues)


@pytest.fixture(scope="module")
def made(shared_client: TestClient) -> dict[str, int]:
    """What loading into the database that this file shares has made."""
    return load(database_of(shared_client))


@pytest.fixture(scope="module")
def on_sqlite() -> Iterator[tuple[list[Any], list[Any]]]:
    """The contents of another database, from the same seed."""
    with fresh_database("sqlite") as url:
        database = open_database(build.settings(url))
        load(database)
        yield contents(database)
        database.close()


@pytest.mark.usefixtures("made")
class TestRegion:
    def test_there_is_enough(self, made: dict[str, int]) -> None:
        assert made["organisations"] == made["sources"] >= 60
        assert made["venues"] >= 100
        assert made["programmes"] >= 20
        assert made["case_studies"] == 12
        assert made["members"] >= 10
        assert made["listings"] == LISTINGS
        assert made["listings_rejected"] == 0

    def test_organisations(self, shared_client: TestClient) -> None:
        items = everything(shared_client, "/v1/organisations?limit=200")
        assert len(items) >= 60
        assert len({item["authority"]["code"] for item in items}) >= 25
        assert len({item["sector"] for item in items}) >= 20
        assert any(item["partnerships"] for item in items)
        given = [item["safeguarding"]["complete"] for item in items]
        assert 0.8 < sum(given) / len(given) < 1
        for item in items:
            assert item["demo"]
            assert item["summary"].startswith("Made up")
            assert item["website"].startswith("https://example.org/")
            assert item["contact"]["email"].endswith("@example.org")

    def test_venues_are_marked_and_some_are_hidden(self, shared_client: TestClient) -> None:
        items = everything(shared_client, "/v1/venues?limit=200")
        assert len(items) >= 100
        assert all(item["demo"] for item in items)
        hidden = [item for item in items if item["hide_exact_address"]]
        assert 1 <= len(hidden) <= 5
        assert all(" " not in item["postcode"] for item in hidden)

    def test_programmes(self, shared_client: TestClient) -> None:
        items = everything(shared_client, "/v1/programmes?limit=200")
        assert len(items) >= 20
        assert all(item["demo"] for item in items)
        assert len({item["status"] for item in items}) >= 3
        assert len({ref["slug"] for item in items for ref in item["partnerships"]}) >= 12
        one = shared_client.get("/v1/programmes/demo-loud-and-local").json()
        assert one["milestones"]
        assert one["outcomes"]

    def test_case_studies_say_that_they_are_made_up(self, shared_client: TestClient) -> None:
        items = everything(shared_client, "/v1/case-studies?limit=200")
        assert items
        assert all(item["title"].endswith("(demonstration)") for item in items)

    def test_listings_are_marked(self, shared_client: TestClient) -> None:
        items = everything(shared_client, "/v1/opportunities?limit=200")
        assert len(items) > LISTINGS / 2
        for item in items:
            assert item["demo"]
            assert item["source"]["name"] == "Demonstration data"
            assert "Demonstration listing" in item["description"]
        assert len({item["kind"] for item in items}) >= 12
        assert len({item["title"] for item in items}) > len(items) * 0.8

    def test_moderation_has_something_to_show(
        self, shared_client: TestClient, shared_keys: Keys
    ) -> None:
        items = everything(shared_client, "/v1/opportunities?limit=200&status=any", shared_keys)
        assert len(items) == LISTINGS
        statuses = Counter(item["status"] for item in items)
        assert set(statuses) == {"published", "submitted", "draft", "rejected", "expired"}
        assert statuses["published"] > LISTINGS / 2
        missing = {name for item in items for name in item["missing"] or []}
        assert "safeguarding" in missing
        assert all(item["rejection_reason"] for item in items if item["status"] == "rejected")

    @pytest.mark.parametrize(
        "query",
        [
            "near=B1%201BB&within_km=15",
            "authority=E08000025",
            "partnership=birmingham",
            "artform=dance",
            "kind=club",
            "age=8",
            "free=true",
            "free=false",
            "delivery=online",
            "delivery=outreach",
            "q=dance",
            "q=drum",
            "q=clay",
            "q=film",
            "q=story",
            "organisation=demo-lanternfold-arts",
            f"starts_from={today()}",
        ],
    )
    def test_filters_find_some(self, shared_client: TestClient, query: str) -> None:
        answer = shared_client.get(f"/v1/opportunities?{query}")
        assert answer.status_code == 200, answer.text
        assert answer.json()["items"]


class TestAgain:
    def test_a_second_time_adds_nothing(self, database_url: str) -> None:
        database = open_database(build.settings(database_url))
        told: list[tuple[int, int]] = []
        load_demonstration(
            database, seed=SEED, listings=90, progress=lambda done, of: told.append((done, of))
        )
        assert told[0] == (0, 90)
        assert told[-1] == (90, 90)
        assert told == sorted(told)
        before = contents(database)

        again = load(database, listings=90)
        kept = {"listings_updated", "listings_unchanged"}
        assert not any(count for name, count in again.items() if name not in kept)
        assert again["listings_unchanged"] > 70  # drafts are looked at again each time
        assert contents(database) == before

        other = load(database, seed=SEED + 1, listings=90)
        assert other["listings"] == other["organisations"] == other["venues"] == 0
        assert other["listings_updated"] > 50
        assert len(contents(database)[0]) == 90
        database.close()

    def test_the_same_seed_makes_the_same_region(
        self, database_url: str, on_sqlite: tuple[list[Any], list[Any]]
    ) -> None:
        database = open_database(build.settings(database_url))
        load(database)
        assert contents(database) == on_sqlite
        database.close()

    def test_it_needs_the_region(self, empty_database_url: str) -> None:
        migrations.upgrade(empty_database_url)
        database = open_database(build.settings(empty_database_url))
        with pytest.raises(Problem, match="Load the region first"):
            load(database)
        database.close()


class TestOneListing:
    PROVIDER = Provider(
        maker=MAKERS[0],
        slug="demo-lanternfold-arts",
        town="Birmingham",
        venues=["demo-lanternfold-studio"],
        halls=[("Brook Hall", "B1 1BB")],
        programmes=["demo-loud-and-local"],
        areas=["E08000025", "E08000026", "E08000027", "E08000028"],
    )

    @pytest.mark.parametrize(
        "day",
        [date(2026, 11, 23), date(2026, 12, 25), date(2027, 3, 28), date(2028, 2, 29)],
        ids=str,
    )
    def test_is_valid_on_any_day(self, day: date) -> None:
        calendar = Calendar(day)
        for number in range(300):
            said = listing(SEED, number, self.PROVIDER, calendar)
            del said["external_id"]
            write = OpportunityWrite.model_validate(said)
            days = [one.local_date for one in occasions.of(write)]
            if days and number % OVER_EVERY == 7:
                assert max(days) < day
            elif days:
                assert day <= max(days) <= calendar.ends

    def test_keeps_its_words_from_day_to_day(self) -> None:
        first, second = Calendar(date(2026, 11, 23)), Calendar(date(2026, 11, 24))
        for number in range(100):
            one = listing(SEED, number, self.PROVIDER, first)
            other = listing(SEED, number, self.PROVIDER, second)
            assert one["price"] == other["price"] if "price" in one else "price" not in other
            assert one["description"] == other["description"]


class TestCalendar:
    CALENDAR = Calendar(date(2026, 11, 23))

    @pytest.mark.parametrize(
        "day",
        ["2027-02-17", "2027-03-26", "2027-03-29", "2027-05-03", "2027-06-02", "2027-08-09"],
    )
    def test_schools_are_closed(self, day: str) -> None:
        assert not self.CALENDAR.in_term(date.fromisoformat(day))

    def test_schools_are_closed_at_christmas_and_at_weekends(self) -> None:
        assert not self.CALENDAR.in_term(date(2026, 12, 25))
        assert not self.CALENDAR.in_term(date(2027, 1, 9))

    @pytest.mark.parametrize(
        "day", [date(2026, 11, 24), date(2027, 1, 5), date(2027, 2, 22), date(2027, 6, 8)], ids=str
    )
    def test_schools_are_open(self, day: date) -> None:
        assert self.CALENDAR.in_term(day)

    def test_holiday_weeks(self) -> None:
        weeks = self.CALENDAR.weeks(date(2027, 1, 4), date(2027, 4, 30))
        assert weeks == [
            ("half-term", date(2027, 2, 15)),
            ("Easter", date(2027, 3, 22)),
            ("Easter", date(2027, 3, 29)),
        ]


class TestWords:
    def test_organisations_have_names_of_their_own(self) -> None:
        assert len({maker.name for maker in MAKERS}) == len(MAKERS) >= 60
        assert len({maker.short for maker in MAKERS}) == len(MAKERS)

    def test_every_term_exists(self) -> None:
        codes = {vocabulary: {term.code for term in terms} for vocabulary, terms in TERMS.items()}
        assert set(SUBJECTS) <= codes[Vocabulary.ARTFORM]
        assert {maker.sector for maker in MAKERS} <= codes[Vocabulary.SECTOR]
        assert {code for maker in MAKERS for code in maker.artforms} <= set(SUBJECTS)
        for form in FORMS.values():
            assert set(form.audiences) <= codes[Vocabulary.AUDIENCE]
            assert set(form.themes) <= codes[Vocabulary.THEME]

    def test_every_form_is_used(self) -> None:
        used = {name for forms in (*FORMS_OF.values(), OTHER_FORMS) for name in forms}
        assert used == set(FORMS)
