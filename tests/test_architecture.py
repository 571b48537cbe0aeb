"""The floor plan: what imports what, and where the one commit is."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"


def test_floors_are_kept() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_only_the_kit_commits() -> None:
    committing = [
        path.relative_to(ROOT).as_posix()
        for path in APP.rglob("*.py")
        if re.search(r"\.commit\(\)", path.read_text())
    ]
    assert committing == ["app/kit/database.py"]


def test_no_module_is_a_drawer() -> None:
    banned = {"utils", "crud", "base", "common", "constants", "services", "manager", "helpers"}
    assert not [path for path in APP.rglob("*.py") if path.stem in banned]


def test_imports_stand_at_the_top() -> None:
    inner = re.compile(r"^[ \t]+(from app|import app)", re.MULTILINE)
    assert not [path for path in APP.rglob("*.py") if inner.search(path.read_text())]


def test_importing_the_application_starts_nothing() -> None:
    script = (
        "import threading, app.main, app.cli, app.tables;"
        "assert threading.active_count() == 1;"
        "import sys; assert 'fastapi' in sys.modules"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
