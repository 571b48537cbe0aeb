"""The README is true: its tour runs line by line on both engines, and its settings are all."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

import httpx
import pytest

from app.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def started(url: str, port: int, log: Path) -> Iterator[str]:
    """A service started as `make run` starts it; the first key that it printed."""
    environment = {
        **environ,
        "LCEP_DATABASE_URL": url,
        "LCEP_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "app", "start", "--port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=output)
        try:
            _await_ready(process, port, log)
            (key,) = re.findall(r"export KEY=(\S+)", log.read_text())
            yield key
        finally:
            process.terminate()
            process.wait(20)


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(log.read_text())


def tour(port: int) -> str:
    """The commands of the tour, with this run's port and interpreter."""
    part = README[README.index("## Ten minutes' tour") : README.index("## The contract")]
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", part, re.DOTALL))
    commands = commands.replace("export KEY=lcep_…", "")  # as it was printed
    commands = commands.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    return commands.replace(".venv/bin/python", sys.executable)


def test_the_tour(empty_database_url: str, tmp_path: Path) -> None:
    port = free_port()
    with started(empty_database_url, port, tmp_path / "log") as key:
        environment = {**environ, "KEY": key, "LCEP_DATABASE_URL": empty_database_url}
        run = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", tour(port)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    said = run.stdout
    assert run.returncode == 0, run.stderr
    for expected in (
        '"listings": 3000',
        '"slug":"creative-connections-herefordshire"',
        '"postcode":"WV1 1SE"',
        '"distance_km":',
        '"corrected":[{"written":"danse","taken_for":"dance"}]',
        '"facets":{"age_band":[{"value":',
        "<mark>",
        '"kind":"artform","text":"Dance"',
        '"more":true',
        "HTTP/1.1 304",
        '"pointer":"?colour"',
        '"outcome":"created","status":"submitted"',
        '"created":1,"updated":0,"unchanged":0,"withdrawn":0,"rejected":1',
        "age_max must not be below age_min.",
        '"field":"artforms","label":"Artforms","how":"saved"',
        '"created":3,"updated":0,"unchanged":0,"withdrawn":0,"rejected":0',
        '"created":0,"updated":1,"unchanged":',
        '"would_raise":[',
        '"kind":"submitted"',
        '"parsed_from":',
        '"action":"opportunity.approve"',
        '"answered_by":"Coventry"',
        '"reason":"Coventry covers the postcode."',
        '"state":"answered"',
        '"received":0,"assigned":0,"in_progress":0,"answered":1',
        '"dry_run": true, "enquiries": 0',
    ):
        assert expected in said, expected
    assert '"code":"internal"' not in said
    assert re.search(r'"status":"published","quality":\d+,"source":\{"key":"digbeth-website"', said)


def test_the_settings_table_is_whole() -> None:
    part = README[README.index("## Settings") : README.index("## PostgreSQL")]
    told = set(re.findall(r"`LCEP_([A-Z_]+)`", part))
    assert told == {name.upper() for name in Settings.model_fields}
