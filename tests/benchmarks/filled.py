"""Databases of many listings: made once and kept, since filling takes longer than measuring.

One SQLite file for each size and schema revision lies in `.benchmarks/`, which is ignored; files
of another revision are deleted. On PostgreSQL, whose cluster lasts for one run, each size is
filled anew.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.kit.migrations import head
from app.main import open_database
from app.settings import Settings
from tests import postgres
from tests.benchmarks import bulk
from tests.benchmarks.harness import NAME, ROOT, Store, command, sqlite_version

FOLDER = ROOT / ".benchmarks"
DEMONSTRATION = 3_000
"""Listings of the demonstration, of which the others are copies."""
Note = Callable[[str], None]


@contextmanager
def filled(engine: str, sizes: list[int], note: Note) -> Iterator[dict[int, Store]]:
    """A database of each size. Nobody may write to those of SQLite, which are kept."""
    if engine == "sqlite":
        yield {size: _kept(size, note) for size in sizes}
        return
    with postgres.throwaway_cluster() as cluster:
        name = f"{NAME}_{os.getpid()}"
        version = postgres.server_version(cluster)
        names = {size: f"{name}_{size}" for size in sizes}
        try:
            seed = postgres.create_database(cluster, name)
            note("loading the demonstration")
            _seed(seed)
            postgres.seal_database(seed)
            found = {}
            for size in sizes:
                note(f"filling with {size:,} listings")
                url = postgres.create_database(cluster, names[size], template=name)
                _fill(url, size)
                postgres.seal_database(url)
                found[size] = Store(engine, version, url)
            yield found
        finally:
            for one in (*names.values(), name):
                postgres.drop_database(cluster, one)


@contextmanager
def writable(store: Store) -> Iterator[Store]:
    """A database that may be written to: on SQLite a copy, which goes when the block ends."""
    if store.engine != "sqlite":
        yield store
        return
    with TemporaryDirectory(prefix="copy-", dir=FOLDER) as folder:
        place = Path(folder) / "copy.db"
        _copy(Path(store.url.removeprefix("sqlite:///")), place)
        yield Store(store.engine, store.version, f"sqlite:///{place}")


def _kept(size: int, note: Note) -> Store:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("????-*.db*"):
        if not old.name.startswith(f"{head()}-"):
            old.unlink()
    place = FOLDER / f"{head()}-{size}.db"
    if not place.exists():
        seed = FOLDER / f"{head()}-seed.db"
        if not seed.exists():
            note("loading the demonstration")
            new = seed.with_suffix(".new")
            new.unlink(missing_ok=True)
            _seed(f"sqlite:///{new}")
            _copy(new, seed)
            _drop(new)
        note(f"filling with {size:,} listings, which is kept in {FOLDER.name}")
        new = place.with_suffix(".new")
        _drop(new)
        _copy(seed, new)
        _fill(f"sqlite:///{new}", size)
        new.rename(place)
        _drop(new)
    return Store("sqlite", sqlite_version(), f"sqlite:///{place}")


def _seed(url: str) -> None:
    command(url, "migrate")
    command(url, "load", "region")
    command(url, "load", "demo", "--listings", str(DEMONSTRATION))


def _fill(url: str, size: int) -> None:
    database = open_database(Settings(database_url=url))
    try:
        bulk.fill(database, size)
    finally:
        database.close()


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def _drop(place: Path) -> None:
    for end in ("", "-wal", "-shm"):
        place.with_name(place.name + end).unlink(missing_ok=True)
