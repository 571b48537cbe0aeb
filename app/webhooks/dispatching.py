"""The dispatcher: takes webhooks in turn and sends what waits for each, several at a time.

A turn is a lease on one webhook. So its messages go out one after the other, listings strictly in
the order of their changes and events as they happened unless one has to be tried again. One
that hangs holds up one hand of several and no other webhook, and the worker, with its mails and
jobs, is not waited on at all. Those whose last attempt failed get half the hands at most.

No transaction is open while something is sent. A process that dies leaves its lease to run out;
another then sends the same messages with the same ids. Any number of processes share a database.
"""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.kit.database import Database, Unavailable, key
from app.kit.outbound import Calls, Outbound
from app.webhooks import queries, records
from app.webhooks.judging import Outcome
from app.webhooks.models import Webhook, WebhookMessage
from app.webhooks.records import Changes, Held
from app.webhooks.sending import send_event, send_page

log = logging.getLogger("app.webhooks")

HANDS = 8
"""Webhooks that one process serves at the same time, besides those that keep it waiting."""
SLOW_SECONDS = 2.0
"""After so long in one attempt, a hand is taken to be waiting, and another is lent."""
LENT = 3
"""As many times the hands may be lent: a waiting thread costs little, but not nothing."""
PATIENCE = timedelta(days=5)
TURN_SECONDS = 15.0
"""After this a webhook lets others go first; an attempt that has begun is finished."""
PAGE = 100
"""Changes that are read together, and after which a run's place is written down."""
POLL_SECONDS = 1.0
RECORD_SECONDS = 20.0
"""How long the database is waited for to write down an outcome; then it is sent again some day."""
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class _Due:
    """What to send now, and to whom, as the database has it."""

    webhook: Webhook
    message: WebhookMessage | None
    page: tuple[Any, ...] = ()


@dataclass(eq=False)
class _Turn:
    """A webhook that is being served."""

    held: Held
    troubled: bool
    moved: float = field(default_factory=time.monotonic)
    """When its last attempt began."""

    @property
    def waits(self) -> bool:
        """Whether the endpoint has kept us waiting for a while."""
        return time.monotonic() - self.moved > SLOW_SECONDS


class Dispatcher:
    """Sends messages to webhooks."""

    def __init__(
        self,
        database: Database,
        outbound: Outbound,
        changes: Changes,
        *,
        public_url: str,
        hands: int = HANDS,
        patience: timedelta = PATIENCE,
    ) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._database = database
        self._outbound = outbound
        self._changes = changes
        self._public_url = public_url
        self._hands = hands
        self._patience = patience
        self._turns: set[_Turn] = set()
        self._free = threading.Condition()

    def run(self, stop: threading.Event) -> None:
        """Serve until told to stop; a database that is away is waited for."""
        while not stop.is_set():
            try:
                self._start_due(stop)
            except Unavailable:
                log.warning("the database is busy or away; webhooks wait for it")
            except Exception:  # a defect here must not end all delivery
                log.exception("the dispatcher stumbled")
            with self._free:
                self._free.wait(POLL_SECONDS)
        self._await(time.monotonic() + STOP_SECONDS)

    def tick(self) -> None:
        """Serve all that is due now, and wait until that is done."""
        stop = threading.Event()
        while self._start_due(stop):
            self._await(float("inf"))

    def _await(self, until: float) -> None:
        with self._free:
            while self._turns and (left := min(until - time.monotonic(), POLL_SECONDS)) > 0:
                self._free.wait(left)

    def _start_due(self, stop: threading.Event) -> bool:
        """Begin as many turns as there are free hands; whether there was one."""
        with self._database.reading() as session:
            if not records.due_now(session):
                return False
        started = False
        while not stop.is_set():
            with self._free:
                if not self._has_free_hand():
                    return started
                calm = sum(turn.troubled for turn in self._turns) >= max(1, self._hands // 2)
            with self._database.writing() as session:
                held = records.claim(session, self.name, calm=calm)
                row = session.get(Webhook, held.pk) if held else None
                troubled = bool(row and row.failures)
            if held is None:
                return started
            started = True
            turn = _Turn(held, troubled)
            with self._free:
                self._turns.add(turn)
            thread = threading.Thread(
                target=self._take, args=(turn, stop), name="webhook", daemon=True
            )
            thread.start()
        return started

    def _has_free_hand(self) -> bool:
        at_work = sum(not turn.waits for turn in self._turns)
        return at_work < self._hands and len(self._turns) < self._hands * (1 + LENT)

    def _take(self, turn: _Turn, stop: threading.Event) -> None:
        idle = True
        try:
            idle = not self._serve(turn, stop)
        except Unavailable:
            log.warning("the database went away; what was being sent is sent again")
        except Exception:  # a defect in one turn must not end the others
            log.exception("a turn failed", extra={"webhook": str(turn.held.id)})
        finally:
            with suppress(Unavailable):
                self._write(partial(records.release, held=turn.held, idle=idle))
            with self._free:
                self._turns.discard(turn)
                self._free.notify_all()

    def _serve(self, turn: _Turn, stop: threading.Event) -> bool:
        """Send what waits for a webhook, until its turn is over; whether there was anything."""
        until, busy, held = time.monotonic() + TURN_SECONDS, False, turn.held

        def may_go_on() -> bool:
            turn.moved = time.monotonic()
            return not stop.is_set() and turn.moved < until

        with self._outbound.open() as calls:
            while may_go_on() and (due := self._next(held)) is not None:
                if not self._do(held, calls, due, may_go_on):
                    return True
                busy = True
        return busy

    def _do(self, held: Held, calls: Calls, due: _Due, may_go_on: Callable[[], bool]) -> bool:
        """Do what is due; whether to go on."""
        if due.message is None:
            with self._database.writing() as session:
                return records.begin_run(session, held, self._changes)
        if due.message.until is None:
            return self._send_event(held, calls, due.webhook, due.message)
        return self._send_run(held, calls, due, may_go_on)

    def _next(self, held: Held) -> _Due | None:
        """What comes next, if the webhook, its key and our lease are still there."""
        with self._database.reading() as session:
            row = session.get(Webhook, held.pk)
            if row is None or row.stopped is not None or row.locked_by != held.holder:
                return None
            if key(row) not in queries.owners(session, [row]):
                return None
            message = queries.next_message(session, held.pk)
            page: tuple[Any, ...] = ()
            if message is not None and message.position is not None:
                found = self._changes(session, message.position, PAGE)
                page = tuple(one for one in found if one.change_number <= (message.until or 0))
            elif message is None and (
                not row.follows or row.told_to >= queries.last_change(session)
            ):
                return None
            session.expunge_all()
            return _Due(row, message, page)

    # --- sending ---

    def _send_event(
        self, held: Held, calls: Calls, webhook: Webhook, message: WebhookMessage
    ) -> bool:
        """Send one event; whether it was accepted."""
        outcome = send_event(calls, webhook, message, self._public_url)
        if outcome.error is None:
            self._write(partial(records.accepted, held=held, message=message, outcome=outcome))
            return True
        self._write(
            partial(self._failed, held=held, message=message, failure=(message.id, outcome))
        )
        return False

    def _send_run(self, held: Held, calls: Calls, due: _Due, may_go_on: Callable[[], bool]) -> bool:
        """Send a page of a run; whether to go on."""
        message = due.message
        if message is None or message.until is None:
            raise ValueError("this is no run of the change log")
        until = message.until
        sent = send_page(
            calls, due.webhook, message, due.page, self._public_url, may_go_on=may_go_on
        )
        # A page that is not full was the last one: nothing is left up to the end of the run.
        position = until if sent.whole and len(due.page) < PAGE else sent.position

        def record(session: Session) -> None:
            if position != message.position:
                records.move_on(session, message, position, sent.count)
            if sent.accepted and sent.last:
                records.accepted_run(session, held, message, sent.accepted, sent.last, sent.count)
            if sent.failure:
                self._failed(session, held, message, sent.failure)

        self._write(record)
        return sent.failure is None

    def _failed(
        self,
        session: Session,
        held: Held,
        message: WebhookMessage,
        failure: tuple[UUID, Outcome],
    ) -> None:
        cause, outcome = failure
        records.failed(session, held, message, outcome, cause, self._patience)

    def _write(self, record: Callable[[Session], None]) -> None:
        """Write something down; a database that is away is waited for, for a while."""
        until = time.monotonic() + RECORD_SECONDS
        while True:
            try:
                with self._database.writing() as session:
                    record(session)
            except Unavailable:
                if time.monotonic() > until:
                    raise
                time.sleep(POLL_SECONDS)
            else:
                return


@contextmanager
def dispatching(dispatcher: Dispatcher) -> Iterator[None]:
    """Run a dispatcher beside the block, and stop it within seconds afterwards."""
    stop = threading.Event()
    thread = threading.Thread(target=dispatcher.run, args=(stop,), name="dispatcher", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(2 * STOP_SECONDS)
