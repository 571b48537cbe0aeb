"""The harvester: takes the harvests that are due one after the other, beside the worker.

It has a thread of its own, so that no mail waits for a feed that drips. A harvest is held by a
lease that each page renews; a process that dies leaves it to run out, and another goes on from the
last page that was kept. No transaction is open while something is fetched.
"""

import logging
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.harvests import actions, building, queries, whole_files
from app.harvests.actions import Held, Lost
from app.harvests.fetching import Fault, Reader
from app.harvests.following import MOST_PAGES, MOST_SECONDS, Follower
from app.harvests.models import HarvestOutcome
from app.kit.database import Database, Unavailable
from app.kit.outbound import Outbound
from app.kit.problems import Problem
from app.kit.times import now
from app.opportunities.life import Rules
from app.sources.batches import BUSY, GUARD
from app.sources.models import SourceKind

log = logging.getLogger("app.harvests")

POLL_SECONDS = 3.0
STOP_SECONDS = 5.0
FEED_BYTES = 32_000_000
"""The largest page or file that is read, once it is out of its compression."""
FEED_SECONDS = 60.0
PAUSE = building.AT_ONCE
"""Listings that are due before some are sent in, between two pages."""


class Stopping(Exception):
    """The process is to end: the harvest is gone on with later."""


class Harvester:
    """Fetches what is due."""

    def __init__(
        self,
        database: Database,
        outbound: Outbound,
        rules: Rules,
        *,
        most_pages: int = MOST_PAGES,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._database = database
        self._outbound = outbound
        self._rules = rules
        self._most_pages = most_pages
        self._most_seconds = most_seconds

    def run(self, stop: threading.Event) -> None:
        """Fetch until told to stop; a database that is away is waited for."""
        while not stop.is_set():
            try:
                self.tick(stop)
            except Unavailable:
                log.warning("the database is busy or away; harvests wait for it")
            except Exception:  # a defect here must not end all harvests
                log.exception("the harvester stumbled")
            stop.wait(POLL_SECONDS)

    def tick(self, stop: threading.Event | None = None) -> int:
        """Fetch all that is due now; the number of harvests."""
        stop = stop or threading.Event()
        done = 0
        while not stop.is_set():
            with self._database.reading() as session:  # an idle one takes no write lock
                at = now()
                due = session.execute(queries.due(at).limit(1)).first()
                waiting = session.execute(queries.next_open(at).limit(1)).first()
            if due is None and waiting is None:
                return done
            with self._database.writing() as session:
                actions.schedule(session)
            with self._database.writing() as session:
                mine = actions.claim(session, self.name)
            if mine is None:
                return done
            self._harvest(mine, stop)
            done += 1
        return done

    def _harvest(self, mine: Held, stop: threading.Event) -> None:
        """One harvest, whatever comes of it."""
        try:
            self._fetch(mine, stop)
        except Stopping:
            log.info("a harvest is gone on with later", extra={"source": mine.source.key})
        except Lost:
            log.warning("another took a harvest over", extra={"source": mine.source.key})
        except Unavailable:
            raise
        except Exception:
            log.exception("a harvest stumbled", extra={"source": mine.source.key})
            fault = Fault(
                "internal",
                "Something went wrong here. It is tried again; tell the regional team if it stays.",
            )
            self._end(mine, HarvestOutcome.FAILED, [fault])

    def _fetch(self, mine: Held, stop: threading.Event) -> None:
        source = mine.source
        if source.paused or source.deleted_at is not None:
            fault = Fault("paused", "The source is paused. End the pause, and ask again.")
            self._end(mine, HarvestOutcome.REFUSED, [fault])
            return
        with self._outbound.open() as calls:
            reader = Reader(calls)
            try:
                if source.kind is SourceKind.RPDE:
                    self._follow(mine, reader, stop)
                else:
                    whole_files.harvest(self._database, mine, reader, self._rules)
                    self._end(mine, HarvestOutcome.FINISHED, [])
            except Fault as fault:
                self._end(mine, HarvestOutcome.FAILED, [fault])
            except Problem as problem:
                self._refused(mine, problem)

    def _follow(self, mine: Held, reader: Reader, stop: threading.Event) -> None:
        follower = Follower(
            self._database,
            mine,
            reader,
            most_pages=self._most_pages,
            most_seconds=self._most_seconds,
        )

        def after_page() -> None:
            if stop.is_set():
                raise Stopping
            building.build(self._database, mine, self._rules, least=PAUSE)

        follower.follow(after_page)
        building.build(self._database, mine, self._rules)
        if mine.state.sweep and not follower.incomplete and not follower.faults:
            building.sweep(self._database, mine, self._rules, mine.confirm_withdraw)
            with self._database.writing() as session:
                actions.swept(session, mine)
        if follower.faults:
            self._end(mine, HarvestOutcome.FAILED, follower.faults, stopped=follower.all_stopped)
        elif follower.incomplete:
            self._end(mine, HarvestOutcome.INCOMPLETE, [])
        else:
            self._end(mine, HarvestOutcome.FINISHED, [])

    def _refused(self, mine: Held, problem: Problem) -> None:
        """A batch was not taken: it would withdraw too much, the source is paused or busy."""
        fault = Fault(problem.kind.code, problem.detail or problem.kind.advice)
        if problem.kind is GUARD:
            gone = problem.extra.get("would_withdraw")
            self._end(mine, HarvestOutcome.REFUSED, [fault], would_withdraw=gone)
        elif problem.kind is BUSY:
            self._end(mine, HarvestOutcome.INCOMPLETE, [fault])
        else:
            self._end(mine, HarvestOutcome.FAILED, [fault])

    def _end(
        self,
        mine: Held,
        outcome: HarvestOutcome,
        faults: Sequence[Fault],
        *,
        would_withdraw: int | None = None,
        stopped: bool = False,
    ) -> None:
        with self._database.writing() as session:
            actions.end(
                session, mine, outcome, faults, would_withdraw=would_withdraw, stopped=stopped
            )


@contextmanager
def harvesting(harvester: Harvester) -> Iterator[None]:
    """Run a harvester beside the block, and stop it within seconds afterwards."""
    stop = threading.Event()
    thread = threading.Thread(target=harvester.run, args=(stop,), name="harvester", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(2 * STOP_SECONDS)
