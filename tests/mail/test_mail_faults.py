"""Mail over real sockets, whatever the server, the clock, the worker and the database do."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlalchemy import text
from sqlmodel import Session, select

from app.deliveries import actions, smtp, worker
from app.deliveries.actions import LEASE, mend_times
from app.deliveries.models import Delivery, Message
from app.deliveries.smtp import MailServer, SmtpSender
from app.deliveries.worker import WAITS, Retry, Worker
from app.kit import database as kit
from app.kit.database import Database
from tests.benchmarks.mail import remember
from tests.post_office import (
    ADA,
    HEAD,
    HOST,
    START,
    PostOffice,
    PowerCut,
    handing_in,
    message,
    postman,
    put,
    queue,
    row,
    sender,
)

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)


class TestConnection:
    def test_one_for_a_whole_round(self, database: Database, office: PostOffice) -> None:
        ids = [put(database, f"{n}") for n in range(30)]
        own = postman(database, office)
        own.tick()
        assert office.subjects == [str(n) for n in range(30)]
        assert office.connections == 1
        put(database, "later")
        own.tick()
        assert office.connections == 2  # it was let go when nothing was due
        assert all(row(database, made).delivered_at for made in ids)

    def test_a_new_one_now_and_then(
        self, database: Database, office: PostOffice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(smtp, "MOST_PER_CONNECTION", 4)
        for n in range(10):
            put(database, f"{n}")
        postman(database, office).tick()
        assert (len(office.posted), office.connections) == (10, 3)

    def test_a_server_that_was_restarted_in_between(self) -> None:
        office = PostOffice()
        with handing_in(office) as hand_in:
            with office.open():
                hand_in(message("one"))
            with office.open():
                hand_in(message("two"))
        assert office.subjects == ["one", "two"]


class TestServerDown:
    @pytest.mark.usefixtures("no_jitter")
    def test_for_an_hour_then_all_are_sent_once_and_in_order(
        self, database: Database, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
    ) -> None:
        office, abouts = PostOffice(), [uuid4() for _ in range(3)]
        own, queued = postman(database, office), []
        for minute in range(60):
            if minute < 6:
                for n, about in enumerate(abouts):
                    put(database, f"{n}.{minute}", to=f"ada{n}@example.org", about=about)
                    queued.append(f"{n}.{minute}")
            own.tick()
            clock.shift(timedelta(minutes=1))
        with office.open():
            for _ in range(12):
                own.tick()
                clock.shift(timedelta(minutes=20))
        assert Counter(office.subjects) == Counter(queued)
        for n in range(3):
            mine = [subject for subject in office.subjects if subject.startswith(f"{n}.")]
            assert mine == [f"{n}.{minute}" for minute in range(6)]
        assert "ada" not in caplog.text
        with database.reading() as session:
            errors = set(session.exec(select(Delivery.last_error)))
        assert errors <= {None, "The mail server could not be reached."}

    def test_it_is_not_asked_for_each_of_a_thousand(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        asked = 0

        class Counted(SmtpSender):
            def _opened(self) -> Any:
                nonlocal asked
                asked += 1
                return super()._opened()

        for n in range(20):
            put(database, f"{n}")
        server = MailServer(HOST, PostOffice().port, "none")
        Worker(database, {"mail": Counted(server, HEAD)}).tick()
        assert asked == 1


class TestOrder:
    @pytest.mark.usefixtures("no_jitter")
    def test_the_next_about_one_thing_waits_for_the_one_before(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        about = uuid4()
        office.verdict = "451 4.3.0 Try again later"
        first = put(database, "first", about=about)
        own = postman(database, office)
        own.tick()
        office.verdict = "250 OK"
        put(database, "second", about=about)
        put(database, "to another", to="bob@example.org", about=about)
        put(database, "about another", about=uuid4())
        put(database, "about nothing")
        own.tick()
        assert office.subjects == ["to another", "about another", "about nothing"]
        assert row(database, first).last_error == "The mail server refused the mail: 451 4.3.0."
        clock.shift(WAITS[1])
        own.tick()
        assert office.subjects[3:] == ["first", "second"]

    def test_a_dead_one_holds_nothing_up(self, database: Database, office: PostOffice) -> None:
        about = uuid4()
        office.verdict = "554 5.7.1 Not here"
        dead = put(database, "first", about=about)
        own = postman(database, office)
        own.tick()
        assert row(database, dead).abandoned_at
        office.verdict = "250 OK"
        put(database, "second", about=about)
        own.tick()
        assert office.subjects == ["second"]

    def test_one_that_is_put_off_holds_nothing_up(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        about = uuid4()
        put(database, "reminder", about=about, after=HOUR)
        put(database, "answer", about=about)
        own = postman(database, office)
        own.tick()
        assert office.subjects == ["answer"]
        clock.shift(HOUR)
        own.tick()
        assert office.subjects == ["answer", "reminder"]

    def test_not_while_the_one_before_is_being_sent(
        self, database: Database, office: PostOffice
    ) -> None:
        about = uuid4()
        put(database, "first", about=about)
        put(database, "second", about=about)
        other = PostOffice()
        with other.open():
            office.taken = lambda _: self._go_round(database, other)
            postman(database, office).tick()
        assert other.subjects == []
        assert office.subjects == ["first", "second"]

    @staticmethod
    def _go_round(database: Database, office: PostOffice) -> None:
        postman(database, office).tick()


class TestRefusals:
    def test_of_one_recipient_of_many(
        self, database: Database, office: PostOffice, caplog: pytest.LogCaptureFixture
    ) -> None:
        office.refusals["gone@example.org"] = "550 5.1.1 <gone@example.org>: no such user Gone"
        ids = {to: put(database, to=to) for to in (ADA, "gone@example.org", "bob@example.org")}
        with caplog.at_level(logging.DEBUG, "app"):
            postman(database, office).tick()
        assert [posted.recipient for posted in office.posted] == [ADA, "bob@example.org"]
        assert office.connections == 1
        dead = row(database, ids["gone@example.org"])
        assert (dead.attempts, dead.delivered_at) == (1, None)
        assert dead.abandoned_at
        assert dead.last_error == "The mail server refused the address: 550 5.1.1."
        told = "".join(entry.getMessage() + str(vars(entry)) for entry in caplog.records)
        assert "gone" not in told
        assert "ada@" not in told

    @pytest.mark.usefixtures("no_jitter")
    def test_for_now_of_a_recipient(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        office.refusals[ADA] = "450 4.2.1 Greylisted, ada@example.org"
        made = put(database)
        own = postman(database, office)
        own.tick()
        kept = row(database, made)
        assert kept.last_error == "The mail server refused the address: 450 4.2.1."
        assert (kept.abandoned_at, kept.run_at) == (None, START + WAITS[1])
        office.refusals.clear()
        clock.shift(WAITS[1])
        own.tick()
        assert len(office.posted) == 1

    def test_what_only_some_servers_take(self, office: PostOffice) -> None:
        with handing_in(office) as hand_in, pytest.raises(worker.Refused, match="beyond ASCII"):
            hand_in(message(to="jörg@example.org"))
        with PostOffice().open(enable_SMTPUTF8=True) as modern, handing_in(modern) as hand_in:
            hand_in(message(to="jörg@example.org"))
        assert modern.posted[0].recipient == "jörg@example.org"


class TestSlowServer:
    def test_is_given_up_in_time_and_tried_again(
        self, database: Database, office: PostOffice
    ) -> None:
        office.silence = 30
        made = put(database)
        started = time.monotonic()
        postman(database, office, timeout=0.2).tick()
        assert time.monotonic() - started < 10
        kept = row(database, made)
        assert kept.last_error == "The mail server did not answer in time."
        assert (kept.delivered_at, kept.abandoned_at) == (None, None)

    def test_one_that_talks_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(smtp, "WHOLE_SECONDS", 0.3)
        with _endless() as port, pytest.raises(Retry, match="closed the connection"):
            SmtpSender(MailServer(HOST, port, "none", timeout=5), HEAD)(message())

    def test_one_that_never_greets(self) -> None:
        with socket.socket() as silent:
            silent.bind((HOST, 0))
            silent.listen()
            server = MailServer(HOST, silent.getsockname()[1], "none", timeout=0.2)
            with pytest.raises(Retry, match="did not answer in time"):
                SmtpSender(server, HEAD)(message())


class TestAtLeastOnce:
    @pytest.mark.usefixtures("no_jitter")
    def test_taken_but_the_answer_lost(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        office.drop = True
        made = put(database)
        own = postman(database, office)
        own.tick()
        assert row(database, made).last_error == "The mail server closed the connection."
        office.drop = False
        clock.shift(WAITS[1])
        own.tick()
        own.tick()
        assert office.ids == [f"<{made.hex}@lcep.example.org>"] * 2
        assert row(database, made).delivered_at

    def test_killed_between_sending_and_recording(
        self, database: Database, database_url: str, office: PostOffice, tmp_path: Path
    ) -> None:
        """A worker of its own process dies by SIGKILL; another sends the same mail again."""
        made, other = put(database, "one"), put(database, "two", to="bob@example.org")
        environment = {
            **os.environ,
            "LCEP_DATABASE_URL": database_url,
            "LCEP_SMTP_HOST": HOST,
            "LCEP_SMTP_PORT": str(office.port),
            "LCEP_SMTP_SECURITY": "none",
            "LCEP_MAIL_FROM": HEAD.address,
            "LCEP_MAIL_FROM_NAME": HEAD.name,
            "LCEP_MAIL_DOMAIN": HEAD.domain,
        }
        log = tmp_path / "log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", "work"], cwd=ROOT, env=environment, stderr=output
            )
            office.taken = lambda _: os.kill(process.pid, signal.SIGKILL)
            try:
                assert process.wait(60) == -signal.SIGKILL, log.read_text()
            finally:
                process.kill()
        office.taken = lambda _: None
        assert office.ids == [f"<{made.hex}@lcep.example.org>"]
        kept = row(database, made)
        assert (kept.delivered_at, kept.attempts) == (None, 1)
        with time_machine.travel(datetime.now(UTC) + LEASE + timedelta(seconds=5), tick=True):
            postman(database, office).tick()
        again, once = f"<{made.hex}@lcep.example.org>", f"<{other.hex}@lcep.example.org>"
        assert Counter(office.ids) == {again: 2, once: 1}
        assert office.posted[0].raw == next(p.raw for p in office.posted[1:] if p.id == again)
        assert row(database, made).delivered_at
        assert ADA not in log.read_text()

    def test_two_workers_send_none_twice(
        self, database: Database, database_url: str, office: PostOffice
    ) -> None:
        total, enough, stop = 60, threading.Event(), threading.Event()
        abouts = [uuid4() for _ in range(6)]
        with database.writing() as session:
            for n in range(total):
                queue(session, f"{n:02}", to=f"a{n % 6}@example.org", about=abouts[n % 6])
        office.taken = lambda _: enough.set() if len(office.posted) >= total else None

        def work() -> None:
            with closing(Database(database_url)) as own:
                postman(own, office).run(stop)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        stop.set()
        for thread in threads:
            thread.join(20)
        assert sorted(office.subjects) == [f"{n:02}" for n in range(total)]
        for n in range(6):
            mine = [subject for subject in office.subjects if int(subject) % 6 == n]
            assert mine == sorted(mine)


class TestClock:
    def test_jumps_back_and_forth(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        own = postman(database, office)
        jumps = [timedelta(days=2), timedelta(days=-9), timedelta(days=400), timedelta(days=-400)]
        for n, jump in enumerate(jumps):
            put(database, f"{n} before")
            clock.shift(jump)
            put(database, f"{n} after")
            self._mend(database)
            own.tick()
        assert Counter(office.subjects) == Counter(
            f"{n} {when}" for n in range(4) for when in ("before", "after")
        )

    def test_what_was_put_off_is_put_off_still(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        put(database, after=HOUR)
        clock.shift(timedelta(days=-30))
        own = postman(database, office)
        self._mend(database)
        own.tick()
        clock.shift(HOUR - timedelta(seconds=1))
        self._mend(database)
        own.tick()
        assert office.posted == []
        clock.shift(timedelta(seconds=1))
        own.tick()
        assert len(office.posted) == 1

    def test_a_lease_from_the_future_runs_out(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        def cut(_: object) -> None:
            raise PowerCut

        made = put(database)
        clock.shift(timedelta(days=100))
        with pytest.raises(PowerCut):
            Worker(database, {"mail": cut}).tick()
        clock.move_to(START)
        own = postman(database, office)
        self._mend(database)
        own.tick()
        assert office.posted == []  # its holder may be alive
        clock.shift(LEASE)
        own.tick()
        assert row(database, made).delivered_at

    def test_a_retry_from_the_future_comes(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        made = put(database)
        clock.shift(timedelta(days=100))
        office.verdict = "451 Later"
        own = postman(database, office)
        own.tick()
        office.verdict = "250 OK"
        clock.move_to(START)
        self._mend(database)
        own.tick()
        assert row(database, made).delivered_at

    @staticmethod
    def _mend(database: Database) -> None:
        with database.writing() as session:
            mend_times(session)


class TestDatabaseTrouble:
    def test_restarted_or_locked_while_a_mail_is_sent(
        self,
        database: Database,
        database_url: str,
        office: PostOffice,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The outcome is kept and written down when the database is back: nothing is sent twice."""
        monkeypatch.setattr(kit, "SQLITE_BUSY_SECONDS", 0.2)
        monkeypatch.setattr(kit, "LOCK_SECONDS", 0.2)
        ids = [put(database, f"{n}") for n in range(5)]
        refused, stop = threading.Event(), threading.Event()

        class Refused(Worker):
            def tick(self, stop: threading.Event | None = None) -> bool:
                try:
                    return super().tick(stop)
                except kit.Unavailable:
                    refused.set()
                    raise

        with closing(Database(database_url)) as own:
            work = Refused(own, {"mail": sender(office)})
            office.taken = lambda _: self._trouble(database, refused)
            thread = threading.Thread(target=work.run, args=(stop,))
            thread.start()
            try:
                assert _until(lambda: self._delivered(database, ids))
            finally:
                stop.set()
                thread.join(20)
        assert refused.is_set() or not database.is_sqlite
        assert sorted(office.subjects) == [f"{n}" for n in range(5)]

    def test_lost_in_the_middle_of_a_claim(
        self, database: Database, office: PostOffice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        claim, cuts = actions.claim, iter(range(2))

        def cut(session: Session, holder: str) -> Message | None:
            claimed = claim(session, holder)
            if next(cuts, None) is None:
                return claimed
            if database.is_sqlite:
                raise kit.Unavailable("database is locked")
            pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
            with database.reading() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            return claimed

        monkeypatch.setattr(actions, "claim", cut)
        made = put(database)
        own = postman(database, office)
        for _ in range(2):
            with pytest.raises(kit.Unavailable):
                own.tick()
        assert office.posted == []
        own.tick()
        assert len(office.posted) == 1
        assert row(database, made).attempts == 1

    @staticmethod
    def _delivered(database: Database, ids: list[UUID]) -> bool:
        with suppress(kit.Unavailable):  # our own connection went away with the others
            return all(row(database, made).delivered_at for made in ids)
        return False

    def _trouble(self, database: Database, refused: threading.Event) -> None:
        """SQLite: another holds the write lock for a while. PostgreSQL: all connections end."""
        if not database.is_sqlite:
            with database.reading() as session:
                session.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
        elif not refused.is_set():
            held = threading.Event()

            def hold() -> None:
                with database.writing() as session:
                    session.connection()
                    held.set()
                    refused.wait(20)

            threading.Thread(target=hold, daemon=True).start()
            assert held.wait(20)


class TestPlans:
    def test_history_does_not_slow_ordered_claiming(self, database: Database) -> None:
        """With 100,000 delivered rows a claim, and the mending of times, use the small indexes."""
        with database.writing(seconds=60) as session:
            remember(session, is_sqlite=database.is_sqlite)
            for n in range(200):
                queue(session, to=f"a{n % 20}@example.org", about=uuid4())
        with database.writing(seconds=60) as session:
            session.execute(text("ANALYZE"))
        found: list[tuple[str, Any]] = []
        with _listening(database, found):
            Worker(database, {"mail": lambda _: None}).tick()
            with database.writing() as session:
                mend_times(session)
        asked = [each for each in found if "ORDER BY delivery.run_at" in each[0]]
        assert {statement.split()[0] for statement, _ in asked} == {"SELECT", "UPDATE"}
        mended = [each for each in found if "delivery.created_at >" in each[0]]
        assert mended
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        for statement, parameters in [*asked[:2], mended[0]]:
            with database.writing() as session:
                lines = session.connection().exec_driver_sql(f"{explain} {statement}", parameters)
                plan = "\n".join(str(line) for line in lines)
            assert "ix_delivery_waiting" in plan or "ix_delivery_sequence" in plan, plan
            assert "Seq Scan" not in plan, plan
            for line in plan.splitlines():
                assert "SCAN delivery" not in line or "USING INDEX ix_delivery_waiting" in line, (
                    plan
                )


@contextmanager
def _listening(database: Database, found: list[tuple[str, Any]]) -> Iterator[None]:
    from sqlalchemy import event

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    for engine in (database.read_engine, database.write_engine):
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        for engine in (database.read_engine, database.write_engine):
            event.remove(engine, "before_cursor_execute", note)


@contextmanager
def _endless() -> Iterator[int]:
    """A server that answers EHLO with one line after another, and never the last."""
    listening = socket.create_server((HOST, 0))

    def talk() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220 post.example\r\n")
            connection.recv(1000)
            try:
                while True:
                    connection.sendall(b"250-MORE\r\n")
                    time.sleep(0.05)
            except OSError:
                return

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    with listening:
        yield listening.getsockname()[1]
        thread.join(20)


def _until(true: Callable[[], bool]) -> bool:
    """Wait up to 30 seconds for something to become true."""
    pause = threading.Event()
    return any(true() or pause.wait(0.1) for _ in range(300))
