"""Factories for tests: a prepared database, keys for every role, listings that can be published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from fastapi import FastAPI
from starlette.testclient import TestClient

from app.access.actions import LastUse, create_key
from app.access.models import SYSTEM, KeyRole, KeyWrite
from app.authorities.loading import load_region
from app.kit import migrations
from app.kit.database import Database
from app.main import open_database
from app.partnerships.loading import load_partnerships
from app.settings import Settings
from app.vocabularies.actions import load_terms

Headers = Mapping[str, str]


def prepare(url: str) -> None:
    """Migrate an empty database and load the region into it."""
    migrations.upgrade(url)
    database = open_database(settings(url))
    load_region(database, lambda _done, _total: None)
    with database.writing() as session:
        load_terms(session)
    load_partnerships(database)
    database.close()


def settings(url: str, **more: Any) -> Settings:
    """Settings for a test: no worker, no limits, no wait for forms, unless told otherwise."""
    values: dict[str, Any] = {
        "database_url": url,
        "public_url": "http://testserver",
        "worker": False,
        "rate_per_address": 0,
        "rate_per_key": 0,
        "enquiry_form_seconds": 0,
        "enquiries_per_address": 0,
        "enquiries_per_email": 0,
        "regional_email": "region@example.org",
    }
    return Settings(**(values | more))


def database_of(client: TestClient) -> Database:
    """The database of a client's application."""
    found: Database = cast(FastAPI, client.app).state.database
    return found


def last_use_of(client: TestClient) -> LastUse:
    """What a client's application remembers of the use of keys."""
    found: LastUse = cast(FastAPI, client.app).state.last_use
    return found


@dataclass
class Keys:
    """Headers for each role; each key is made when it is first asked for."""

    database: Database
    _made: dict[str, Headers] = field(default_factory=dict)

    @property
    def admin(self) -> Headers:
        """An administrator's."""
        return self._key(KeyRole.ADMIN)

    @property
    def staff(self) -> Headers:
        """A member of staff's."""
        return self._key(KeyRole.STAFF)

    def coordinator(self, *partnerships: str) -> Headers:
        """A coordinator's of these partnerships."""
        return self._key(KeyRole.COORDINATOR, partnerships=list(partnerships))

    def publisher(self, organisation: str) -> Headers:
        """A publisher's of this organisation, which must exist."""
        return self._key(KeyRole.PUBLISHER, organisation=organisation)

    def _key(self, role: KeyRole, **scope: Any) -> Headers:
        name = f"{role} {scope}"
        if name not in self._made:
            with self.database.writing() as session:
                write = KeyWrite(name=name[:100], role=role, **scope)
                _, token = create_key(session, SYSTEM, write)
            self._made[name] = {"Authorization": f"Bearer {token}"}
        return self._made[name]


def organisation(client: TestClient, keys: Keys, name: str = "Dance Hub", **more: Any) -> Any:
    """Make an organisation with its safeguarding facts; the answer's body."""
    body = {
        "name": name,
        "sector": "arts",
        "authority": "E08000025",
        "safeguarding": {
            "policy_url": "https://example.org/safeguarding",
            "reviewed_on": "2026-09-01",
            "lead_named": True,
        },
        **more,
    }
    answer = client.post("/v1/organisations", json=body, headers=keys.staff)
    assert answer.status_code == 201, answer.text
    return answer.json()


def source(client: TestClient, keys: Keys, organisation: str = "dance-hub", **more: Any) -> Any:
    """Make a trusted source of an organisation; the answer's body."""
    body = {"name": "Website", "organisation": organisation, "trust": "trusted", **more}
    answer = client.post("/v1/sources", json=body, headers=keys.staff)
    assert answer.status_code == 201, answer.text
    return answer.json()


def listing(**more: Any) -> dict[str, Any]:
    """A listing that can be published as it is."""
    return {
        "title": "Saturday dance club",
        "kind": "club",
        "artforms": ["dance"],
        "age_min": 7,
        "age_max": 11,
        "venue": {
            "name": "The Dance Room",
            "address": "1 Centenary Square, Birmingham",
            "postcode": "B1 1BB",
        },
        "sessions": [
            {"starts_at": "2027-06-05T10:00:00", "ends_at": "2027-06-05T11:30:00"},
            {"starts_at": "2027-06-12T10:00:00", "ends_at": "2027-06-12T11:30:00"},
        ],
        "price": {"from": "4.50", "per": "child"},
        **more,
    }
