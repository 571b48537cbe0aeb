"""The outbox and the worker: at least once, in time, and whatever else breaks."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import Engine, delete, event, func, text
from sqlmodel import Session, col, select

from app.deliveries import actions, worker
from app.deliveries.actions import LEASE, announce, purge_delivered
from app.deliveries.models import Delivery, Message, PeriodicJob
from app.deliveries.worker import WAITS, Job, Retry, Worker, running
from app.kit import database as kit
from app.kit.database import Database, Unavailable
from app.kit.times import now

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)


class PowerCut(BaseException):
    """The process ends here: nothing that catches an Exception gets to see it."""


class Broken(Exception):
    """What a defective sender or job raises."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with an empty outbox."""
    with closing(Database(database_url)) as opened:
        with opened.writing() as session:
            session.execute(delete(Delivery))
            session.execute(delete(PeriodicJob))
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


def put(database: Database, topic: str = "note.made", **more: Any) -> UUID:
    """Announce something and commit; the id of the delivery."""
    with database.writing() as session:
        return announce(session, topic, {"n": 1}, **more).id


def row(database: Database, id: UUID) -> Delivery:
    """The stored delivery."""
    with database.reading() as session:
        return session.exec(select(Delivery).where(Delivery.id == id)).one()


def job_row(database: Database, name: str) -> PeriodicJob:
    """The stored job."""
    with database.reading() as session:
        return session.exec(select(PeriodicJob).where(PeriodicJob.name == name)).one()


def failing(error: BaseException) -> Callable[[object], None]:
    """A sender, or the work of a job, that always raises."""

    def fail(_: object) -> None:
        raise error

    return fail


class Post:
    """A sender that keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def __call__(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def ids(self) -> list[UUID]:
        """The ids of what was sent, in order."""
        return [message.id for message in self.sent]


class TestAnnounce:
    def test_rolls_back_with_its_transaction(self, database: Database) -> None:
        def announce_and_fail() -> None:
            with database.writing() as session:
                announce(session, "note.made", {})
                session.flush()
                raise Broken

        with pytest.raises(Broken):
            announce_and_fail()
        with database.reading() as session:
            assert session.exec(select(func.count()).select_from(Delivery)).one() == 0

    def test_is_sent_with_its_snapshot(self, database: Database) -> None:
        post, payload = Post(), {"title": "Clay", "ages": [5, 7]}
        with database.writing() as session:
            made = announce(session, "note.made", payload, recipient="hub@example.org")
            payload["title"] = "changed after the announcement"
        Worker(database, {"note": post}).tick()
        expected = {"title": "Clay", "ages": [5, 7]}
        assert post.sent == [Message(made.id, "note.made", "hub@example.org", expected, 1)]

    def test_later(self, database: Database, clock: time_machine.Traveller) -> None:
        post = Post()
        sender = Worker(database, {"note": post})
        made = put(database, after=timedelta(hours=1))
        clock.shift(timedelta(minutes=59))
        sender.tick()
        assert post.ids == []
        clock.shift(MINUTE)
        sender.tick()
        assert post.ids == [made]

    @pytest.mark.parametrize(
        ("topic", "payload", "recipient"),
        [
            ("", {}, ""),
            ("t" * 81, {}, ""),
            ("note", {}, "r" * 321),
            ("note", {"n": float("nan")}, ""),
            ("note", {"at": START}, ""),
        ],
    )
    def test_what_cannot_be_kept_is_refused(
        self, topic: str, payload: dict[str, Any], recipient: str
    ) -> None:
        with Session() as session:
            with pytest.raises((ValueError, TypeError)):
                announce(session, topic, payload, recipient=recipient)
            assert not session.new


class TestSending:
    def test_oldest_first_and_once(self, database: Database, clock: time_machine.Traveller) -> None:
        post, ids = Post(), []
        for _ in range(3):
            ids.append(put(database))
            clock.shift(MOMENT)
        sender = Worker(database, {"note": post})
        sender.tick()
        sender.tick()
        assert post.ids == ids
        kept = row(database, ids[0])
        assert (kept.delivered_at, kept.attempts) == (now(), 1)
        assert (kept.locked_by, kept.locked_until, kept.last_error) == (None, None, None)

    def test_no_transaction_is_open_meanwhile(self, database: Database) -> None:
        def write(message: Message) -> None:
            assert database.write_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
            assert database.read_engine.pool.checkedout() == 0  # type: ignore[attr-defined]
            with database.writing() as session:
                announce(session, "answer", {"to": str(message.id)})

        put(database)
        post = Post()
        Worker(database, {"note": write, "answer": post}).tick()
        assert len(post.sent) == 1

    def test_the_longest_matching_prefix(self, database: Database) -> None:
        whole, part = Post(), Post()
        both = {"note": part, "note.made": whole}
        for topic in ("note.made", "note.made.twice", "note.lost", "notebook.made"):
            put(database, topic)
        Worker(database, both).tick()
        assert [m.topic for m in whole.sent] == ["note.made", "note.made.twice"]
        assert [m.topic for m in part.sent] == ["note.lost"]

    def test_unknown_topics_go_to_the_console(
        self, database: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        with database.writing() as session:
            made = announce(session, "odd", {"name": "Ada"}, recipient="ada@example.org")
        with caplog.at_level(logging.INFO, "app.deliveries"):
            Worker(database, {"note": Post()}).tick()
        assert caplog.messages == [f"delivery odd {made.id}"]
        assert row(database, made.id).delivered_at

    def test_four_workers_send_each_once(self, database: Database) -> None:
        total, sent, lock = 300, Counter[UUID](), threading.Lock()
        enough, stop = threading.Event(), threading.Event()
        with database.writing() as session:
            ids = [announce(session, "note", {"n": n}).id for n in range(total)]

        def post(message: Message) -> None:
            with lock:
                sent[message.id] += 1
                if sent.total() >= total:
                    enough.set()

        def work() -> None:
            url = database.url.render_as_string(hide_password=False)
            with closing(Database(url)) as own:
                Worker(own, {"note": post}).run(stop)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        stop.set()
        for thread in threads:
            thread.join(20)
        assert sent == Counter(ids)
        with database.reading() as session:
            left = select(Delivery).where(col(Delivery.delivered_at).is_(None))
            assert session.exec(left).all() == []
            assert set(session.exec(select(Delivery.attempts))) == {1}


class TestFailing:
    @pytest.mark.usefixtures("no_jitter")
    def test_waits_longer_each_time_then_is_abandoned(
        self, database: Database, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
    ) -> None:
        made, attempts = put(database), []

        def fail(message: Message) -> None:
            attempts.append((now(), message.id, message.attempt))
            raise Broken("ada@example.org")

        sender = Worker(database, {"note": fail})
        sender.tick()
        for wait in WAITS[1:]:
            clock.shift(wait - MOMENT)
            sender.tick()
            clock.shift(MOMENT)
            sender.tick()
        expected = [START + sum(WAITS[: n + 1], timedelta()) for n in range(10)]
        assert attempts == [(at, made, n) for n, at in enumerate(expected, start=1)]
        kept = row(database, made)
        assert (kept.abandoned_at, kept.delivered_at, kept.attempts) == (now(), None, 10)
        assert kept.last_error == "Broken"
        assert "ada@" not in caplog.text
        clock.shift(timedelta(days=30))
        sender.tick()
        assert len(attempts) == 10

    def test_jitter_only_lengthens(self, database: Database, clock: time_machine.Traveller) -> None:
        ids = [put(database) for _ in range(20)]
        Worker(database, {"note": failing(Broken())}).tick()
        waits = {row(database, made).run_at - START for made in ids}
        assert len(waits) > 10
        assert all(WAITS[1] <= wait <= WAITS[1] * 1.2 for wait in waits)

    @pytest.mark.usefixtures("no_jitter")
    @pytest.mark.parametrize(
        ("asked", "given"),
        [
            (None, WAITS[1]),
            (timedelta(minutes=7), timedelta(minutes=7)),
            (timedelta(days=-1), timedelta(seconds=1)),
            (timedelta(days=999), timedelta(hours=24)),
        ],
    )
    def test_a_sender_may_say_when_to_come_back(
        self,
        database: Database,
        clock: time_machine.Traveller,
        asked: timedelta | None,
        given: timedelta,
    ) -> None:
        made = put(database)
        Worker(database, {"note": failing(Retry("503 \0 " + "x" * 300, asked))}).tick()
        kept = row(database, made)
        assert kept.run_at == START + given
        assert kept.last_error == ("503   " + "x" * 300)[:200]

    def test_others_are_still_sent(self, database: Database) -> None:
        post = Post()
        put(database, "bad")
        made = put(database)
        Worker(database, {"bad": failing(Broken()), "note": post}).tick()
        assert post.ids == [made]


class TestCrashing:
    def test_sent_but_not_recorded_is_sent_again_with_the_same_id(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        post = Post()

        def cut(message: Message) -> None:
            post(message)
            raise PowerCut

        made = put(database)
        with pytest.raises(PowerCut):
            Worker(database, {"note": cut}).tick()
        other = Worker(database, {"note": post})
        clock.shift(LEASE - MOMENT)
        other.tick()
        assert post.ids == [made]
        clock.shift(MOMENT)
        other.tick()
        assert post.ids == [made, made]
        assert [message.attempt for message in post.sent] == [1, 2]
        assert row(database, made).delivered_at

    def test_a_message_that_kills_every_worker_is_abandoned(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        made = put(database)
        for _ in WAITS:
            with pytest.raises(PowerCut):
                Worker(database, {"note": failing(PowerCut())}).tick()
            clock.shift(LEASE)
        Worker(database, {"note": failing(PowerCut())}).tick()
        kept = row(database, made)
        assert kept.abandoned_at
        assert kept.last_error == "Every attempt was cut short."

    def test_a_slow_sender_keeps_its_lease(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "RENEW_SECONDS", 0.05)
        monkeypatch.setattr(actions, "LEASE", timedelta(seconds=2))
        post = Post()

        def slow(message: Message) -> None:
            post(message)
            until = now() + timedelta(seconds=2.5)
            while now() < until:
                Worker(database, {"note": post}).tick()

        put(database)
        Worker(database, {"note": slow}).tick()
        assert len(post.sent) == 1

    def test_a_late_failure_does_not_undo_anothers_success(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        post = Post()

        def late(message: Message) -> None:
            clock.shift(LEASE)
            Worker(database, {"note": post}).tick()
            raise Broken

        made = put(database)
        Worker(database, {"note": late}).tick()
        kept = row(database, made)
        assert kept.delivered_at
        assert kept.last_error is None


class TestJobs:
    def test_once_per_interval_with_two_workers(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        runs: list[datetime] = []
        job = Job("expire", MINUTE, lambda _: runs.append(now()))
        workers = [Worker(database, {}, [job]) for _ in range(2)]
        for _ in range(181):  # three minutes, second by second
            for each in workers:
                each.tick()
            clock.shift(timedelta(seconds=1))
        assert runs == [START + n * MINUTE for n in range(4)]

    def test_two_workers_at_the_same_moment(self, database: Database) -> None:
        runs: list[datetime] = []
        jobs = [Job(f"job-{n}", MINUTE, lambda _: runs.append(now())) for n in range(10)]
        barrier = threading.Barrier(2)

        def work() -> None:
            own = Worker(database, {}, jobs)
            barrier.wait()
            own.tick()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(runs) == 10

    def test_gets_the_database_with_no_transaction_open(self, database: Database) -> None:
        def run(given: Database) -> None:
            with given.writing() as session:
                announce(session, "note", {})

        post = Post()
        keeper = Worker(database, {"note": post}, [Job("announce", MINUTE, run)])
        keeper.tick()
        keeper.tick()
        assert len(post.sent) == 1

    def test_a_pause_is_followed_by_one_run_not_a_burst(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        runs: list[datetime] = []
        keeper = Worker(database, {}, [Job("expire", MINUTE, lambda _: runs.append(now()))])
        keeper.tick()
        clock.shift(timedelta(days=2))
        for _ in range(3):
            keeper.tick()
        assert len(runs) == 2

    def test_a_failing_job_does_not_stop_the_others(
        self, database: Database, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
    ) -> None:
        runs: list[datetime] = []
        failure = Broken("ada@example.org")
        keeper = Worker(
            database,
            {},
            [
                Job("bad", timedelta(days=1), failing(failure)),
                Job("good", MINUTE, lambda _: runs.append(now())),
            ],
        )
        keeper.tick()
        assert runs == [START]
        bad, good = job_row(database, "bad"), job_row(database, "good")
        assert (bad.last_error, bad.last_run_at) == ("Broken", START)
        assert bad.due_at == START + actions.AFTER_FAILURE
        assert (good.last_error, good.due_at) == (None, START + MINUTE)
        assert "ada@" not in caplog.text

    def test_a_crashed_workers_job_is_taken_over(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        runs: list[datetime] = []
        with pytest.raises(PowerCut):
            Worker(database, {}, [Job("expire", MINUTE, failing(PowerCut()))]).tick()
        other = Worker(database, {}, [Job("expire", MINUTE, lambda _: runs.append(now()))])
        other.tick()
        assert runs == []
        clock.shift(LEASE)
        other.tick()
        assert runs == [START + LEASE]

    def test_a_slow_job_keeps_its_lease(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "RENEW_SECONDS", 0.05)
        monkeypatch.setattr(actions, "LEASE", timedelta(seconds=2))
        runs: list[datetime] = []

        def slow(given: Database) -> None:
            runs.append(now())
            until = now() + timedelta(seconds=2.5)
            while now() < until:
                Worker(given, {}, [Job("slow", MINUTE, lambda _: runs.append(now()))]).tick()

        Worker(database, {}, [Job("slow", MINUTE, slow)]).tick()
        assert len(runs) == 1

    def test_a_clock_put_back_does_not_stop_it(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        runs: list[datetime] = []
        keeper = Worker(database, {}, [Job("expire", MINUTE, lambda _: runs.append(now()))])
        keeper.tick()
        clock.move_to(START - timedelta(days=100))
        keeper.tick()
        keeper.tick()
        assert runs == [START, START - timedelta(days=100)]

    def test_deliveries_without_end_do_not_hold_them_up(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(worker, "ROUND_SECONDS", 0)
        runs: list[datetime] = []
        put(database)
        keeper = Worker(database, {}, [Job("expire", MINUTE, lambda _: runs.append(now()))])
        assert keeper.tick()
        assert len(runs) == 1


class TestPurge:
    def test_only_what_was_delivered_long_ago(
        self, database: Database, clock: time_machine.Traveller
    ) -> None:
        old = [put(database) for _ in range(3)]
        Worker(database, {}).tick()
        waiting = put(database, after=timedelta(days=90))
        clock.shift(timedelta(days=30))
        recent = put(database)
        Worker(database, {}).tick()
        with database.writing() as session:
            assert purge_delivered(session) == 0
        clock.shift(MOMENT)
        with database.writing() as session:
            assert purge_delivered(session, limit=2) == 2
        with database.writing() as session:
            assert purge_delivered(session) == 1
        with database.reading() as session:
            assert set(session.exec(select(Delivery.id))) == {waiting, recent}
        assert len(old) == 3


class TestTrouble:
    @pytest.fixture
    def hurried(self, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[Database]:
        """A database that gives up waiting for a lock in a fifth of a second."""
        monkeypatch.setattr(kit, "SQLITE_BUSY_SECONDS", 0.2)
        monkeypatch.setattr(kit, "LOCK_SECONDS", 0.2)
        monkeypatch.setattr(worker, "POLL_SECONDS", 0.05)
        with closing(Database(database_url)) as opened:
            yield opened

    def test_a_busy_database_is_waited_for(
        self, database: Database, hurried: Database, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(database)
        arrived, refused, runs = threading.Event(), threading.Event(), []
        jobs = [Job("expire", MINUTE, lambda _: runs.append(now()))]
        caplog.set_level(logging.INFO, "app.deliveries")

        def hold() -> None:
            """Keep every writer out until the worker has been refused twice."""
            with database.writing() as session:
                session.connection()  # SQLite: this takes the one write lock
                if not database.is_sqlite:
                    session.execute(text("LOCK TABLE delivery IN EXCLUSIVE MODE"))
                started.set()
                assert refused.wait(20)

        class Impatient(Worker):
            refusals = 0

            def tick(self, stop: threading.Event | None = None) -> bool:
                try:
                    return super().tick(stop)
                except Unavailable:
                    self.refusals += 1
                    if self.refusals == 2:
                        refused.set()
                    raise

        started = threading.Event()
        holder = threading.Thread(target=hold)
        holder.start()
        assert started.wait(20)
        with running(Impatient(hurried, {"note": lambda _: arrived.set()}, jobs)):
            assert refused.wait(20)
            assert not arrived.is_set()
            holder.join(20)
            assert arrived.wait(20)
            assert _until(lambda: "the database is back" in caplog.messages)
        assert len(runs) == 1
        assert caplog.messages == [
            "the database is busy or away; the worker waits for it",
            "the database is back",
        ]

    def test_what_could_not_be_recorded_is_recorded_later_not_sent_again(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post, made = Post(), put(database)
        sender = Worker(database, {"note": post})
        record, refusals = actions.record_delivered, iter(range(3))

        def away(session: Session, message: Message) -> None:
            if next(refusals, None) is not None:
                raise Unavailable
            record(session, message)

        monkeypatch.setattr(actions, "record_delivered", away)
        for _ in range(3):
            with pytest.raises(Unavailable):
                sender.tick()
            assert row(database, made).delivered_at is None
        sender.tick()
        assert post.ids == [made]
        assert row(database, made).delivered_at

    def test_a_defect_does_not_end_the_worker(
        self,
        database: Database,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(worker, "TROUBLE_SECONDS", 0.05)
        arrived, claims, claim = threading.Event(), [], actions.claim

        def stumble(session: Session, holder: str) -> Message | None:
            claims.append(holder)
            if len(claims) == 1:
                raise Broken
            return claim(session, holder)

        monkeypatch.setattr(actions, "claim", stumble)
        put(database)
        with running(Worker(database, {"note": lambda _: arrived.set()})):
            assert arrived.wait(20)
        assert caplog.messages == ["the worker stumbled"]

    def test_stops_within_seconds_while_idle(self, database: Database) -> None:
        threads = set(threading.enumerate())
        with running(Worker(database, {}, [Job("expire", MINUTE, lambda _: None)])):
            assert [thread.name for thread in set(threading.enumerate()) - threads] == ["worker"]
        assert set(threading.enumerate()) == threads

    def test_stops_between_two_deliveries(self, database: Database) -> None:
        first, second, stop = put(database), put(database), threading.Event()
        Worker(database, {"note": lambda _: stop.set()}).run(stop)
        assert row(database, first).delivered_at
        assert row(database, second).attempts == 0


class TestPlans:
    def test_history_does_not_slow_claiming(self, database: Database) -> None:
        """With 100,000 delivered rows both statements of a claim use the small index."""
        number = "printf('%032x', n)" if database.is_sqlite else "lpad(to_hex(n), 32, '0')::uuid"
        columns = "created_at, updated_at, run_at, delivered_at"
        times = ", ".join([f"'{START:%Y-%m-%d %H:%M:%S.%f}'"] * 4)
        with database.writing(seconds=60) as session:
            session.execute(
                text(
                    f"INSERT INTO delivery (id, {columns}, version, topic, recipient, payload,"
                    " attempts) WITH RECURSIVE numbers(n) AS"
                    " (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)"
                    f" SELECT {number}, {times}, 1, 'old', '', '{{}}', 1 FROM numbers"
                )
            )
            for _ in range(50):
                announce(session, "note", {})
        with database.writing(seconds=60) as session:
            session.execute(text("ANALYZE"))
        statements = _recorded(database, lambda: Worker(database, {"note": Post()}).tick())
        asked = [each for each in statements if "ORDER BY delivery.run_at" in each[0]]
        assert {statement.split()[0] for statement, _ in asked} == {"SELECT", "UPDATE"}
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        for statement, parameters in asked[:2]:
            with database.writing() as session:
                found = session.connection().exec_driver_sql(f"{explain} {statement}", parameters)
                plan = "\n".join(str(line) for line in found)
            assert "ix_delivery_waiting" in plan
            assert "Seq Scan" not in plan
            assert "SCAN delivery" not in plan
            assert "TEMP B-TREE" not in plan


def _recorded(database: Database, action: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements, with their parameters, that an action sends to the database."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    engines: list[Engine] = [database.read_engine, database.write_engine]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        action()
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    return found


def _until(true: Callable[[], bool]) -> bool:
    """Wait up to 20 seconds for something to become true."""
    pause = threading.Event()
    return any(true() or pause.wait(0.05) for _ in range(400))
