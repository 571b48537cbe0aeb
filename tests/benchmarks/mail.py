"""`taskset -c 0 python -m tests.benchmarks.mail`: mails a second by one worker, over real SMTP.

The mail server is a process beside it on the same core. Measured on an empty outbox, and with
100,000 mails delivered before.
"""

import subprocess
import sys
import time
from contextlib import closing
from uuid import uuid4

from sqlalchemy import text
from sqlmodel import Session

from app.kit import migrations
from app.kit.database import Database
from tests.benchmarks.harness import ROOT, store
from tests.post_office import PostOffice, free_port, postman, queue

ENGINES = ("sqlite", "postgresql")
MAILS = 1_000
HISTORY = 100_000
SERVER = (
    "import sys\n"
    "from tests.post_office import PostOffice\n"
    "with PostOffice(port=int(sys.argv[1])).open():\n"
    "    print('ready', flush=True)\n"
    "    sys.stdin.read()\n"
)


def main() -> None:
    """Measure both engines, and print a line for each figure."""
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as server:
        assert server.stdout is not None
        server.stdout.readline()
        for engine in ENGINES:
            with store(engine) as found:
                migrations.upgrade(found.url)
                with closing(Database(found.url)) as database:
                    _report(engine, 0, database, port)
                    with database.writing(seconds=60) as session:
                        remember(session, is_sqlite=database.is_sqlite)
                    _report(engine, HISTORY, database, port)


def remember(session: Session, *, is_sqlite: bool, rows: int = HISTORY) -> None:
    """Put so many delivered rows into the outbox."""
    number = "printf('%032x', n)" if is_sqlite else "lpad(to_hex(n), 32, '0')::uuid"
    columns = "created_at, updated_at, run_at, delivered_at"
    times = ", ".join(["'2026-03-02 09:00:00.000000'"] * 4)
    session.execute(
        text(
            f"INSERT INTO delivery (id, {columns}, version, topic, recipient, payload, attempts,"
            " sequence_key) WITH RECURSIVE numbers(n) AS"
            f" (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})"
            f" SELECT {number}, {times}, 1, 'old', '', '{{}}', 1, 'key-' || (n % 500) FROM numbers"
        )
    )


def _report(engine: str, history: int, database: Database, port: int) -> None:
    with database.writing(seconds=60) as session:
        for n in range(MAILS):
            queue(session, f"Number {n}", f"a{n % 50}@example.org", about=uuid4())
    worker = postman(database, PostOffice(port=port))
    started, used = time.perf_counter(), time.process_time()
    while worker.tick():
        pass
    seconds, used = time.perf_counter() - started, time.process_time() - used
    print(
        f"{engine}, {history:,} delivered before: {MAILS / seconds:.0f} mails/s, "
        f"{used / MAILS * 1000:.1f} ms of the worker's processor time each",
        flush=True,
    )


if __name__ == "__main__":
    main()
