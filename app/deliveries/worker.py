"""The worker: sends what was announced, and runs periodic jobs when they are due.

Delivery is at least once. A claim is a lease, renewed while a sender or a job is at work, and no
transaction is open meanwhile. A worker that dies leaves its lease to run out; another then sends
the same message with the same id. Any number of workers can share one database.
"""

import logging
import os
import random
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, runtime_checkable

from sqlmodel import Session

from app.deliveries import actions, queries
from app.deliveries.models import Message
from app.kit.database import Database, Unavailable
from app.kit.times import now

log = logging.getLogger("app.deliveries")

WAITS = (
    timedelta(),
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
)
"""How long to wait before each attempt; after the last one a delivery is abandoned."""

JITTER = 0.2
"""A wait grows by up to this share of itself, so that failures do not come back together."""

SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=24)
"""Bounds for the wait that a sender asks for."""

POLL_SECONDS = 1.0
ROUND_SECONDS = 5.0
"""How long deliveries may hold up the periodic jobs."""

RENEW_SECONDS = actions.LEASE.total_seconds() / 4
TROUBLE_SECONDS = 5.0
STOP_SECONDS = 5.0

Sender = Callable[[Message], None]
"""Sends a message or raises; it should give up within a minute."""

Outcome = Callable[[Session], None]


class Retry(Exception):
    """Raised by a sender: try again, after `after` if given, else after the usual wait.

    The reason is stored and logged, so it must hold no personal data.
    """

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


class Refused(Exception):
    """Raised by a sender: this will never be taken, so it goes to the dead letters at once.

    The reason is stored and logged, so it must hold no personal data.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@runtime_checkable
class Resting(Protocol):
    """A sender that keeps something open between messages, and lets go of it when none is due."""

    def rest(self) -> None:
        """Let go; the next message opens it again."""


class ConsoleSender:
    """Logs that there was a message, and nothing of what it says."""

    def __call__(self, message: Message) -> None:
        """Log the topic and the id."""
        log.info("delivery %s %s", message.topic, message.id)


@dataclass(frozen=True)
class Job:
    """Something to run once in each interval, whichever worker comes first.

    It may run twice if a worker dies or the database goes away, so it must bear repeating.
    """

    name: str
    every: timedelta
    run: Callable[[Database], object]


class Worker:
    """Sends deliveries by their topic, and runs jobs.

    A sender is found by the topic or by the longest part of it that ends before a dot:
    `enquiry.received` goes to `enquiry.received`, else `enquiry`, else the console.
    """

    def __init__(
        self, database: Database, senders: Mapping[str, Sender], jobs: Sequence[Job] = ()
    ) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._database = database
        self._senders = dict(senders)
        self._console = ConsoleSender()
        self._jobs = tuple(jobs)
        self._unrecorded: Outcome | None = None
        self._away = False

    def run(self, stop: threading.Event) -> None:
        """Go round until told to stop; a database that is away is waited for."""
        try:
            while not stop.is_set():
                stop.wait(self._round(stop))
            with suppress(Unavailable):
                self._record()
        finally:
            self._rest()

    def tick(self, stop: threading.Event | None = None) -> bool:
        """Go round once: send what is due, run the jobs that are due; whether to hurry back.

        Unavailable if the database is busy or away; nothing is lost then.
        """
        stop = stop or threading.Event()
        self._record()
        more = self._deliver(stop)
        self._run_jobs(stop)
        return more

    def _round(self, stop: threading.Event) -> float:
        """One tick that survives trouble; the seconds to wait before the next."""
        try:
            more = self.tick(stop)
        except Unavailable:
            if not self._away:
                log.warning("the database is busy or away; the worker waits for it")
            self._away = True
            return POLL_SECONDS
        except Exception as error:  # noqa: BLE001 - a defect here must not end all delivery
            log.error("the worker stumbled", extra=_trouble(error))
            return TROUBLE_SECONDS
        if self._away:
            log.info("the database is back")
        self._away = False
        return 0 if more else POLL_SECONDS

    # --- deliveries ---

    def _deliver(self, stop: threading.Event) -> bool:
        """Send what is due, for a while; whether more may be waiting."""
        with self._database.reading() as session:  # an idle worker takes no write lock
            if not queries.is_any_due(session, now()):
                self._rest()
                return False
        until = time.monotonic() + ROUND_SECONDS
        while not stop.is_set():
            if time.monotonic() > until:
                return True
            with self._database.writing() as session:
                message = actions.claim(session, self.name)
            if message is None:
                self._rest()
                return False
            self._unrecorded = self._send(message)
            self._record()
        return False

    def _send(self, message: Message) -> Outcome:
        """Try to send a message, with no transaction open; what to write down."""
        if message.attempt > len(WAITS):
            return self._failure(message, "Every attempt was cut short.", None)
        try:
            with self._renewing(partial(actions.renew, message=message, holder=self.name)):
                self._sender(message.topic)(message)
        except Retry as retry:
            return self._failure(message, retry.reason, retry.after)
        except Refused as refused:
            return self._failure(message, refused.reason, final=True)
        except Exception as error:  # noqa: BLE001 - whatever a sender raises, others go on
            # Only the kind: the words of a mail server's error hold addresses.
            log.debug("a sender failed", extra=_trouble(error))
            return self._failure(message, type(error).__name__, None)
        return partial(actions.record_delivered, message=message)

    def _rest(self) -> None:
        senders: Iterable[object] = self._senders.values()
        for sender in senders:
            if isinstance(sender, Resting):
                sender.rest()

    def _sender(self, topic: str) -> Sender:
        while topic:
            if topic in self._senders:
                return self._senders[topic]
            topic = topic.rpartition(".")[0]
        return self._console

    def _failure(
        self, message: Message, error: str, after: timedelta | None = None, *, final: bool = False
    ) -> Outcome:
        again_at = None if final else _next_attempt(message.attempt, after)
        log.log(
            logging.WARNING if again_at else logging.ERROR,
            "a delivery failed" if again_at else "a delivery was abandoned",
            extra={
                "topic": message.topic,
                "delivery": str(message.id),
                "attempt": message.attempt,
                "error": error,
            },
        )
        return partial(
            actions.record_failure,
            message=message,
            holder=self.name,
            error=error,
            again_at=again_at,
        )

    # --- periodic jobs ---

    def _run_jobs(self, stop: threading.Event) -> None:
        if not self._jobs:
            return
        with self._database.reading() as session:
            known = queries.jobs_named(session, [job.name for job in self._jobs])
        for job in self._jobs:
            if stop.is_set():
                return
            seen = known.get(job.name)
            if seen is None or queries.is_due(seen, job.every, now()):
                self._run_job(job)

    def _run_job(self, job: Job) -> None:
        with self._database.writing() as session:
            if not actions.claim_job(session, job.name, job.every, self.name):
                return
        failed = None
        try:
            with self._renewing(partial(actions.renew_job, name=job.name, holder=self.name)):
                job.run(self._database)
        except Exception as error:  # noqa: BLE001 - one failing job must not stop the others
            failed = type(error).__name__
            log.error("a job failed", extra={"job": job.name, **_trouble(error)})
        self._unrecorded = partial(
            actions.finish_job, name=job.name, every=job.every, holder=self.name, error=failed
        )
        self._record()

    # --- both ---

    def _record(self) -> None:
        """Write down the last outcome; if the database is away it is kept for the next round."""
        outcome, self._unrecorded = self._unrecorded, None
        if outcome is None:
            return
        try:
            with self._database.writing() as session:
                outcome(session)
        except Unavailable:
            self._unrecorded = outcome
            raise

    @contextmanager
    def _renewing(self, renew: Outcome) -> Iterator[None]:
        """Renew a lease now and then, for as long as the block takes."""
        done = threading.Event()

        def keep() -> None:
            while not done.wait(RENEW_SECONDS):
                with suppress(Unavailable), self._database.writing() as session:
                    renew(session)

        keeper = threading.Thread(target=keep, name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()


@contextmanager
def running(worker: Worker) -> Iterator[None]:
    """Run a worker beside the block, and stop it within seconds afterwards.

    A sender or job that takes longer is left behind; its lease runs out and it is done again.
    """
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_SECONDS)


def _next_attempt(attempt: int, after: timedelta | None) -> datetime | None:
    """When to try again after this many attempts; None if that was the last."""
    if attempt >= len(WAITS):
        return None
    wait = WAITS[attempt] if after is None else min(max(after, SHORTEST_WAIT), LONGEST_WAIT)
    return now() + wait * random.uniform(1, 1 + JITTER)  # noqa: S311 - it hides nothing


def _trouble(error: Exception) -> dict[str, str]:
    """What kind of error, and where, without its words, which may hold personal data."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return {"error": type(error).__name__, "frames": frames}
