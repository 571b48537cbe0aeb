"""What ships: the image's files, the lock files, the commands of compose.yaml."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt", ".ci/openapi/requirements.txt"]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return loaded


def dockerfile() -> list[list[str]]:
    """The Dockerfile's instructions, as words."""
    joined = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    return [line.split() for line in joined.splitlines() if line and not line.startswith("#")]


def command_lines() -> list[list[str]]:
    """Every `python -m app …` that the image, compose.yaml and its instructions run."""
    found = [
        service["command"] for service in compose()["services"].values() if "command" in service
    ]
    instructions = " ".join(" ".join(words) for words in dockerfile() if words[0] == "CMD")
    found.append(re.findall(r'"([^"]*)"', instructions))
    comments = re.findall(r"^#.*?(python -m app .*)$", (ROOT / "compose.yaml").read_text(), re.M)
    found.extend(shlex.split(line) for line in comments)
    return found


@pytest.mark.parametrize(
    "path",
    [
        path
        for instruction, *words in dockerfile()
        if instruction == "COPY" and not words[0].startswith("--from=")
        for path in words[:-1]
    ],
)
def test_the_dockerfile_copies_what_exists(path: str) -> None:
    assert (ROOT / path).exists()
    assert f"!{path}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_image_does_not_run_as_root() -> None:
    users = [words[1] for words in dockerfile() if words[0] == "USER"]
    assert users == ["10001:10001"]


def test_the_image_and_compose_say_what_they_run() -> None:
    assert len(command_lines()) == 6


@pytest.mark.parametrize("line", command_lines(), ids=" ".join)
def test_the_commands_exist(line: list[str]) -> None:
    assert line[:3] == ["python", "-m", "app"]
    answer = subprocess.run(
        [sys.executable, *line[1:], "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


def test_the_worker_of_compose_runs_once() -> None:
    services = compose()["services"]
    assert "--no-worker" in services["service"]["command"]
    assert services["worker"]["command"][3:] == ["work"]


@pytest.mark.parametrize("name", LOCKS)
def test_lock_files_carry_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / name).read_text()
    pins = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n?", "", text, flags=re.M).strip())
    assert pins
    for pin in pins:
        assert re.match(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+ ", pin), pin
        assert "--hash=sha256:" in pin, pin
    assert not re.search(r"://|@ |--(extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize(
    ("name", "optional"),
    [("requirements.txt", ["postgres", "fast"]), ("requirements-dev.txt", ["postgres", "fast"])],
)
def test_lock_files_are_of_these_dependencies(name: str, optional: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = list(project["project"]["dependencies"])
    for extra in optional:
        wanted += project["project"]["optional-dependencies"][extra]
    if name == "requirements-dev.txt":
        wanted += project["dependency-groups"]["dev"]
    pins = re.findall(r"^([a-z0-9.-]+)(?:\[.*?\])?==(\S+)", (ROOT / name).read_text(), re.M)
    for line in wanted:
        requirement = Requirement(line)
        versions = [v for pinned, v in pins if pinned == canonicalize_name(requirement.name)]
        assert versions, f"{line} is not in {name}: make lock"
        assert all(map(requirement.specifier.contains, versions)), f"{line}: make lock"


def test_the_repository_holds_no_package_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "index" not in project.get("tool", {}).get("uv", {})
    assert not [
        name for name in ("uv.toml", "pip.conf", ".npmrc", "uv.lock") if (ROOT / name).exists()
    ]
