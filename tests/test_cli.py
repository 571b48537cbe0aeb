"""The commands: results on standard output, the rest on standard error, honest exit statuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.kit import migrations
from app.kit.database import sqlite_module
from tests import build
from tests.conftest import serving

ROOT = Path(__file__).parent.parent


def run(url: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env={**os.environ, "LCEP_DATABASE_URL": url, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


class TestKeys:
    def test_made_listed_and_revoked(self, database_url: str) -> None:
        made = run(database_url, "keys", "create", "--role", "staff", "--name", "Sam")
        assert made.returncode == 0, made.stderr
        token = made.stdout.strip()
        assert token.startswith("lcep_")
        headers = {"Authorization": f"Bearer {token}"}
        with serving(database_url) as client:
            assert client.get("/v1/me", headers=headers).json()["name"] == "Sam"
            (listed,) = json.loads(run(database_url, "keys", "list", "--json").stdout)
            assert listed["id"] == token.split("_")[1]
            assert token.split("_", 2)[2] not in run(database_url, "keys", "list").stdout
            assert run(database_url, "keys", "revoke", listed["id"]).returncode == 0
            assert client.get("/v1/me", headers=headers).status_code == 401

    def test_what_cannot_be_done_is_told(self, database_url: str) -> None:
        failed = run(database_url, "keys", "create", "--role", "publisher")
        assert failed.returncode == 1
        assert failed.stdout == ""
        assert "organisation" in failed.stderr
        missing = run(database_url, "keys", "revoke", "nothing")
        assert missing.returncode == 1
        words = run(database_url, "keys", "create", "--role", "king")
        assert words.returncode == 2


class TestDoctor:
    def test_a_sound_database(self, database_url: str) -> None:
        found = run(database_url, "doctor", "--json")
        assert found.returncode == 0, found.stderr
        assert {finding["level"] for finding in json.loads(found.stdout)} == {"ok"}

    def test_a_schema_that_is_not_current(self, empty_database_url: str) -> None:
        found = run(empty_database_url, "doctor")
        assert found.returncode == 1
        assert "python -m app migrate" in found.stderr
        refused = run(empty_database_url, "serve")
        assert refused.returncode == 1
        assert "python -m app migrate" in refused.stderr

    def test_a_database_that_is_away(self) -> None:
        found = run("postgresql://nobody@127.0.0.1:1/none", "doctor")
        assert found.returncode == 1
        assert "cannot be reached" in found.stderr


class TestLoad:
    def test_the_region_is_loaded_once(self, empty_database_url: str) -> None:
        migrations.upgrade(empty_database_url)
        assert run(empty_database_url, "load", "demo").returncode == 1
        for _ in range(2):
            loaded = run(empty_database_url, "load", "region")
            assert loaded.returncode == 0, loaded.stderr
        with serving(empty_database_url) as client:
            listed = client.get("/v1/partnerships?count=true").json()
            assert listed["total"] == 12
            assert client.get("/v1/authorities?count=true").json()["total"] == 33

    def test_postcodes_of_another_region(self, database_url: str, tmp_path: Path) -> None:
        file = tmp_path / "onspd.csv"
        file.write_text(
            "pcd,oslaua,oseast1m,osnrth1m,doterm\n"
            "M1  1AE,E08000003,384400,398200,\n"
            "BT1 1AA,N09000003,333600,373900,\n"
        )
        loaded = run(database_url, "load", "postcodes", str(file))
        assert loaded.returncode == 0, loaded.stderr
        with serving(database_url) as client:
            found = client.get("/v1/postcodes/m11ae").json()
            assert found["authority"]["code"] == "E08000003"
            assert client.get("/v1/postcodes/bt11aa").status_code == 404
        file.write_text("a,b\n1,2\n")
        assert run(database_url, "load", "postcodes", str(file)).returncode == 1


class TestBackup:
    @pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
    def test_a_copy_made_while_it_runs(self, database_url: str, tmp_path: Path) -> None:
        with serving(database_url) as client:
            keys = build.Keys(build.database_of(client))
            build.organisation(client, keys)
            copied = run(database_url, "backup", str(tmp_path / "copy.db"))
            assert copied.returncode == 0, copied.stderr
        connection = sqlite_module().connect(tmp_path / "copy.db")
        assert connection.execute("SELECT count(*) FROM organisation").fetchone() == (1,)
        connection.close()
        again = run(database_url, "backup", str(tmp_path / "copy.db"))
        assert again.returncode == 1
        assert "exists already" in again.stderr


def test_help_names_every_command() -> None:
    said = run("sqlite:///nowhere.db", "--help").stdout
    for command in ("serve", "work", "migrate", "load", "keys", "openapi", "doctor", "backup"):
        assert command in said
