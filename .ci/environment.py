"""Make .venv from a hashed lock file: `python3 .ci/environment.py run|dev`. Instant when current.

Standard library only. The syntax stays old on purpose, so that an old Python gets the polite
refusal below and not a traceback.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "environment"
LOCKS = {"run": ROOT / "requirements.txt", "dev": ROOT / "requirements-dev.txt"}


def main():
    """Check the stamp, and make or update the environment when it does not match."""
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("usage: python3 .ci/environment.py run|dev")
    if sys.version_info < (3, 11):
        sys.exit(
            "This needs Python 3.11 or newer, and %s is %d.%d.\n"
            "If a newer one is installed, name it: make PYTHON=python3.12 venv"
            % (sys.executable, sys.version_info[0], sys.version_info[1])
        )
    stamp = STAMP.read_text() if STAMP.exists() else ""
    # What has the development tools also runs, so `make run` never takes them away.
    kind = "dev" if stamp.startswith("dev ") else sys.argv[1]
    version = python_version()
    if version and stamp == stamp_for(kind, version):
        return
    if not version:
        print("Creating .venv …", file=sys.stderr)
        run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)])
        version = python_version() or sys.exit("The new .venv has no working Python.")
    STAMP.unlink(missing_ok=True)
    print("Installing %s …" % LOCKS[kind].name, file=sys.stderr)
    install(LOCKS[kind])
    STAMP.write_text(stamp_for(kind, version))


def stamp_for(kind, version):
    """What .venv/environment says when it matches the lock file and the Python."""
    digest = hashlib.sha256(LOCKS[kind].read_bytes() + version.encode())
    return "%s %s\n" % (kind, digest.hexdigest())


def python_version():
    """The version of the environment's Python, or nothing when it is missing, broken or old."""
    code = "import sys; print(sys.version if sys.version_info >= (3, 11) else '')"
    try:
        answer = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def install(lock):
    """Install a lock file by hash, with whichever installer the machine has."""
    arguments = ["--require-hashes", "-r", str(lock)]
    if shutil.which("uv"):
        return run(["uv", "pip", "install", "--quiet", "--python", str(PYTHON), *arguments])
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    if pip_can_target():
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    elif subprocess.run([str(PYTHON), "-m", "ensurepip"], capture_output=True).returncode == 0:
        pip = [str(PYTHON), "-m", "pip"]
    else:
        sys.exit(
            "Nothing here can install packages: pip 22.3 or newer, or uv, is needed.\n"
            "On Debian and Ubuntu: apt-get install python3-pip"
        )
    return run([*pip, "install", *quiet, *arguments])


def pip_can_target():
    """Whether this Python's pip is new enough for `pip --python`."""
    answer = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    found = re.match(rb"pip (\d+)\.(\d+)", answer.stdout)
    return bool(found) and (int(found.group(1)), int(found.group(2))) >= (22, 3)


def run(command):
    """Run a command, and end with a plain message if it fails."""
    # A user's own defaults must not send the packages somewhere else.
    surroundings = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    if subprocess.run(command, env=surroundings).returncode:
        sys.exit("This failed: %s" % " ".join(command))


if __name__ == "__main__":
    main()
