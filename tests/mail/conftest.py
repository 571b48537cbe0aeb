"""What the tests of mail share: an empty outbox, a post office, and a clock that is moved."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import time_machine
from sqlalchemy import delete

from app.deliveries import worker
from app.deliveries.models import Delivery, PeriodicJob
from app.kit.database import Database
from tests.post_office import START, PostOffice


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with an empty outbox."""
    with closing(Database(database_url)) as opened:
        with opened.writing() as session:
            session.execute(delete(Delivery))
            session.execute(delete(PeriodicJob))
        yield opened


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A mail server that takes everything."""
    with PostOffice().open() as opened:
        yield opened


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are exactly as long as the table says."""
    monkeypatch.setattr(worker, "JITTER", 0)
