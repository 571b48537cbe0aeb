"""Databases for the tests: one cluster per run, one template per engine, a fresh copy per test."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.kit.database import sqlite_module
from app.main import create_app
from tests import build, postgres

DAY_SECONDS = 86_400
ENGINES = ("sqlite", "postgresql")

# Set by the process that starts the run; its workers inherit them.
FOLDER = "LCEP_TEST_FOLDER"
CLUSTER = "LCEP_TEST_CLUSTER"


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL once per run; workers of pytest-xdist find it in their environment."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    run = ExitStack()
    config.add_cleanup(run.close)
    quick = Path(postgres.quick_folder())
    for left in quick.glob("lcep-tests-*"):  # by a run that was killed
        if time.time() - left.stat().st_mtime > DAY_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    folder = run.enter_context(TemporaryDirectory(prefix="lcep-tests-", dir=quick))
    try:
        cluster = run.enter_context(postgres.throwaway_cluster())
    except postgres.PostgresMissing as error:
        raise pytest.UsageError(str(error)) from None
    # A server that was lent to us keeps nothing of ours.
    run.callback(postgres.drop_database, cluster, _template_name(folder))
    os.environ[FOLDER] = folder
    os.environ[CLUSTER] = cluster


def pytest_report_header() -> str:
    """Say which engines this run tests."""
    server = postgres.server_version(os.environ[CLUSTER]) if CLUSTER in os.environ else "unused"
    return f"engines: SQLite {sqlite_module().sqlite_version}, PostgreSQL {server}"


@contextmanager
def fresh_database(engine: str, *, empty: bool = False) -> Iterator[str]:
    """The URL of a new database: with migrations and the region, or with nothing in it."""
    name = f"lcep_test_{uuid4().hex}"
    if engine == "sqlite":
        path = Path(os.environ[FOLDER]) / f"{name}.db"
        if not empty:
            shutil.copyfile(_sqlite_template(), path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for left in path.parent.glob(f"{name}.db*"):
                left.unlink(missing_ok=True)
    else:
        cluster = os.environ[CLUSTER]
        template = None if empty else _postgres_template()
        try:
            yield postgres.create_database(cluster, name, template)
        finally:
            postgres.drop_database(cluster, name)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own, on each engine, with the region loaded."""
    with fresh_database(request.param) as url:
        yield url


@pytest.fixture(params=ENGINES, scope="module")
def shared_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that the tests of one file share: for reading, mostly."""
    with fresh_database(request.param) as url:
        yield url


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with nothing in it, on each engine, for migrations and commands."""
    with fresh_database(request.param, empty=True) as url:
        yield url


# --- templates: made by whichever worker asks first ------------------------------------------


def _sqlite_template() -> Path:
    path = Path(os.environ[FOLDER]) / "template.db"
    with _once("sqlite") as first:
        if first:
            path.unlink(missing_ok=True)
            build.prepare(f"sqlite:///{path}")
            connection = sqlite_module().connect(path)
            # Everything must be in the one file that gets copied.
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.close()
            if busy:
                raise RuntimeError("tests.build.prepare left a connection open")
    return path


def _postgres_template() -> str:
    name = _template_name(os.environ[FOLDER])
    with _once("postgresql") as first:
        if first:
            postgres.drop_database(os.environ[CLUSTER], name)
            url = postgres.create_database(os.environ[CLUSTER], name)
            build.prepare(url)
            postgres.seal_database(url)
    return name


def _template_name(folder: str) -> str:
    return "lcep_test_template_" + Path(folder).name.removeprefix("lcep-tests-")


@contextmanager
def _once(engine: str) -> Iterator[bool]:
    """Hold every other worker back, and say whether we are the first to come."""
    done = Path(os.environ[FOLDER]) / f"{engine}.done"
    if done.exists():
        yield False
        return
    with done.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


# --- the application on those databases -------------------------------------------------------


@contextmanager
def serving(url: str, **settings: object) -> Iterator[TestClient]:
    """An application of its own on a database, answering as it would to the outside."""
    app = create_app(build.settings(url, **settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        _await_watch(app)
        yield client


def _await_watch(app: FastAPI) -> None:
    """Wait until revisions are heard: a clock that a test moves would cut the connecting short."""
    for _ in range(400):
        if not app.state.settings.cache_mb or app.state.watch.present() is not None:
            return
        time.sleep(0.005)


@pytest.fixture
def client(database_url: str) -> Iterator[TestClient]:
    """An application on a database of the test's own, on each engine."""
    with serving(database_url) as client:
        yield client


@pytest.fixture(scope="module")
def shared_client(shared_database_url: str) -> Iterator[TestClient]:
    """An application on a database that the tests of one file share, on each engine."""
    with serving(shared_database_url) as client:
        yield client


@pytest.fixture
def keys(client: TestClient) -> build.Keys:
    """Keys for the application of this test."""
    return build.Keys(build.database_of(client))


@pytest.fixture(scope="module")
def shared_keys(shared_client: TestClient) -> build.Keys:
    """Keys for the application that the tests of one file share."""
    return build.Keys(build.database_of(shared_client))


@pytest.fixture
def trusted(client: TestClient, keys: build.Keys) -> build.Headers:
    """The key of a publisher with a trusted source `web`."""
    build.organisation(client, keys)
    build.source(client, keys, key="web")
    return keys.publisher("dance-hub")


@pytest.fixture
def moderated(client: TestClient, keys: build.Keys) -> build.Headers:
    """The key of a publisher with a moderated source `web`."""
    build.organisation(client, keys)
    build.source(client, keys, key="web", trust="moderated")
    return keys.publisher("dance-hub")
