"""Processes under measurement: starting and ending them, what they use, their databases."""

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import psycopg

from app.kit.database import sqlite_module
from tests import postgres
from tests.benchmarks.load import CONNECTIONS, HOST, BenchmarkError, Load, ask, drive

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 60.0
COMMAND_SECONDS = 3_600.0
END_SECONDS = 15.0
NAME = "lcep_benchmarks"
FORGET_PEAK = "5"
"""What the system takes for: the peak of this process is what it has now."""
NOTHING_KEPT = {"cache_mb": "0"}


# --- processes --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A server process: where it listens, and the seconds from its start until it was ready."""

    pid: int
    port: int
    ready_seconds: float

    def cpu_seconds(self) -> float:
        """The processor time that it has used, all threads together."""
        return cpu_seconds(self.pid)

    def memory_mb(self) -> float:
        """The memory that is resident now, in MB."""
        return _status_mb(self.pid, "VmRSS")

    def peak_mb(self) -> float:
        """The most memory that was ever resident, or since its peak was forgotten, in MB."""
        return _status_mb(self.pid, "VmHWM")

    def forget_peak(self) -> None:
        """Count the most memory from now on."""
        (PROC / str(self.pid) / "clear_refs").write_text(FORGET_PEAK)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, from /proc; good to a hundredth of a second."""
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _status_mb(pid: int, name: str) -> float:
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise BenchmarkError(f"The system does not tell {name}.")


def surroundings(url: str, **settings: str) -> dict[str, str]:
    """The environment of a service on this database: no limits, else its defaults or these."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LCEP_")}
    return ours | {
        "LCEP_DATABASE_URL": url,
        "LCEP_RATE_PER_ADDRESS": "0",
        "LCEP_RATE_PER_KEY": "0",
        "LCEP_MAX_LISTINGS": "0",
        "LCEP_PUSHES_PER_HOUR": "0",
        **{f"LCEP_{name.upper()}": value for name, value in settings.items()},
    }


def command(url: str, *words: str) -> tuple[str, float]:
    """Run `python -m app …`: what it printed, and the seconds it took."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env=surroundings(url),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip(), time.perf_counter() - started


@contextmanager
def service(
    url: str, folder: Path, *, workers: int = 1, keeps: bool = True, pinned: bool = True
) -> Iterator[Server]:
    """The service itself, as it is run in earnest, its worker elsewhere.

    It may keep no answers, have several processes, or run on whatever core is free.
    """
    port = free_port()
    words = ["-m", "app", "serve", "--no-worker", "--port", str(port), "--workers", str(workers)]
    settings = {} if keeps else NOTHING_KEPT
    with _serving(words, port, "/readyz", surroundings(url, **settings), folder, pinned) as server:
        yield server


@contextmanager
def bare(kind: str, url: str, folder: Path, answers: Path) -> Iterator[Server]:
    """The server that does nothing, `plain` or behind the `same` middleware.

    Nothing is kept in front of its routes: they are to be measured, not the kept answers.
    """
    port = free_port()
    words = ["-m", "tests.benchmarks.bare", kind, str(port), str(answers)]
    surrounded = surroundings(url, **NOTHING_KEPT)
    with _serving(words, port, "/bare", surrounded, folder, True) as server:
        yield server


@contextmanager
def rivals(url: str, folder: Path) -> Iterator[Server]:
    """The server with the list written by hand and written naively, behind our middleware."""
    port = free_port()
    words = ["-m", "tests.benchmarks.rivals", str(port)]
    surrounded = surroundings(url, **NOTHING_KEPT)
    with _serving(words, port, "/readyz", surrounded, folder, True) as server:
        yield server


@contextmanager
def _serving(
    words: Sequence[str],
    port: int,
    ready: str,
    surrounded: Mapping[str, str],
    folder: Path,
    pinned: bool,
) -> Iterator[Server]:
    log = folder / f"{port}.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=surrounded,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            if pinned:
                _pin(process.pid, 0)
            _wait_until_ready(process, port, ready, started, log)
            yield Server(process.pid, port, time.perf_counter() - started)
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(
    process: subprocess.Popen[bytes], port: int, path: str, started: float, log: Path
) -> None:
    while process.poll() is None and time.perf_counter() - started < READY_SECONDS:
        try:
            if ask(port, path).status == 200:
                return
        except OSError:
            time.sleep(0.01)
    raise BenchmarkError(f"A server did not become ready.\n{log.read_text()[-2000:]}")


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


# --- cores ------------------------------------------------------------------------------------

CORES = sorted(os.sched_getaffinity(0))
"""Servers get the first and the load the second: figures then vary by a tenth, not by half."""


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this process to the core of the load while the block lasts."""
    _pin(0, 1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, CORES)


def _pin(pid: int, place: int) -> None:
    if len(CORES) > 1:
        os.sched_setaffinity(pid, {CORES[place]})


# --- databases --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Store:
    """An empty database of one engine, and how to see what its server uses."""

    engine: str
    version: str
    url: str

    def settle(self) -> None:
        """Gather statistics, so that plans are those of a database that has run for a while."""
        if self.engine == "postgresql":
            postgres.seal_database(self.url)

    def backends(self) -> dict[int, float]:
        """Processor seconds of each process that serves the database; none on SQLite."""
        if self.engine == "sqlite":
            return {}
        with psycopg.connect(self.url) as connection:
            pids = connection.execute(
                "SELECT pid FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        # A server on another machine has other processes under these numbers.
        return {pid: cpu_seconds(pid) for (pid,) in pids if _is_postgres(pid)}


def _is_postgres(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "comm").read_text().strip() == "postgres"
    except OSError:
        return False


def sqlite_version() -> str:
    """The version of SQLite that the service uses."""
    return str(sqlite_module().sqlite_version)


@contextmanager
def store(engine: str) -> Iterator[Store]:
    """An empty database: a file on disk, or in a cluster that lasts as long as the block."""
    if engine == "sqlite":
        with TemporaryDirectory(prefix="lcep-benchmarks-") as folder:
            yield Store(engine, sqlite_version(), f"sqlite:///{folder}/benchmarks.db")
        return
    with postgres.throwaway_cluster() as cluster:
        name = f"{NAME}_{os.getpid()}"
        try:
            url = postgres.create_database(cluster, name)
            yield Store(engine, postgres.server_version(cluster), url)
        finally:
            postgres.drop_database(cluster, name)


# --- measuring --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rate:
    """How a server did: medians over the rounds."""

    per_second: float
    cpu_us: float
    """Processor time of the server process for each request, in microseconds."""
    database_us: float | None
    """The same for the database's processes; None where there are none to see."""
    p50_ms: float
    p99_ms: float
    """With every connection always waiting: queueing as much as work."""


@dataclass(frozen=True)
class _Sample:
    load: Load
    cpu: float
    database: float | None


def race(
    store: Store,
    sides: Mapping[str, tuple[Server, Sequence[bytes]]],
    *,
    seconds: float,
    rounds: int,
    connections: int = CONNECTIONS,
) -> dict[str, Rate]:
    """Drive each side with its requests, in turn and in alternating order, round after round."""
    samples: dict[str, list[_Sample]] = {name: [] for name in sides}
    names = list(sides)
    for server, requests in sides.values():
        drive(server.port, requests, seconds / 4, connections)
    for turn in range(rounds):
        for name in names if turn % 2 == 0 else reversed(names):
            server, requests = sides[name]
            samples[name].append(_sample(store, server, requests, seconds, connections))
    return {name: _rate(found) for name, found in samples.items()}


def _sample(
    store: Store, server: Server, requests: Sequence[bytes], seconds: float, connections: int
) -> _Sample:
    before, backends = server.cpu_seconds(), store.backends()
    load = drive(server.port, requests, seconds, connections)
    cpu = server.cpu_seconds() - before
    after = store.backends()
    stayed = backends.keys() & after.keys()
    database = sum(after[pid] - backends[pid] for pid in stayed) if stayed else None
    return _Sample(load, cpu, database)


def _rate(samples: Sequence[_Sample]) -> Rate:
    waits = sorted(wait for sample in samples for wait in sample.load.waits)
    database = [
        sample.database / sample.load.requests * 1e6
        for sample in samples
        if sample.database is not None
    ]
    return Rate(
        per_second=_median(samples, lambda one: one.load.requests / one.load.seconds),
        cpu_us=_median(samples, lambda one: one.cpu / one.load.requests * 1e6),
        database_us=statistics.median(database) if database else None,
        p50_ms=waits[len(waits) // 2] * 1000,
        p99_ms=waits[len(waits) * 99 // 100] * 1000,
    )


def _median(values: Sequence[T], of: Callable[[T], float]) -> float:
    return statistics.median(of(value) for value in values)


def method(seconds: float, rounds: int) -> str:
    """How the figures are come by, in a sentence."""
    where = "each on a core of its own" if len(CORES) > 1 else "on the only core"
    return (
        f"Server and load {where}; {CONNECTIONS} connections kept alive; {rounds} rounds of "
        f"{seconds:g} s for each side in turn; medians."
    )
