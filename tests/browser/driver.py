"""Debian's Chromium, driven over the plain HTTP of WebDriver."""

import base64
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The name under which WebDriver hands out elements."""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1000,1400", "--lang=en-GB",
)  # fmt: skip
SECONDS = 20.0


class BrowserError(Exception):
    """The browser is not there, or refused a command."""


class Browser:
    """One window of a browser."""

    def __init__(self, http: httpx.Client, folder: str) -> None:
        self._http = http
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": [*FLAGS, f"--user-data-dir={folder}"]},
        }
        made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"

    def open(self, address: str) -> None:
        """Go to an address."""
        self._do("/url", {"url": address})

    def back(self) -> None:
        """Go back in the history."""
        self._do("/back")

    def forward(self) -> None:
        """Go forward in the history."""
        self._do("/forward")

    def reload(self) -> None:
        """Load the page again."""
        self._do("/refresh")

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self._do("/execute/sync", {"script": script, "args": arguments})

    def click(self, selector: str) -> None:
        """Click the first element that a CSS selector finds."""
        self._do(f"/element/{self._find(selector)}/click")

    def write(self, selector: str, text: str) -> None:
        """Put a text into a field, in place of what is there."""
        element = self._find(selector)
        self._do(f"/element/{element}/clear")
        self._do(f"/element/{element}/value", {"text": text})

    def texts(self, selector: str) -> list[str]:
        """What people read in each element that a CSS selector finds and that is seen."""
        script = (
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter(e => e.checkVisibility()).map(e => e.innerText.trim())"
        )
        found: list[str] = self.run(script, selector)
        return found

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the page does by itself."""
        end = time.monotonic() + SECONDS
        while not holds():
            if time.monotonic() > end:
                raise BrowserError(f"It never came about. The page says: {self.texts('body')}")
            time.sleep(0.01)

    def picture(self, path: Path) -> None:
        """Keep what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self._ask("GET", f"{self._session}/screenshot")))

    def quit(self) -> None:
        """Close the window and end the browser."""
        self._ask("DELETE", self._session)

    def _find(self, selector: str) -> str:
        found = self._do("/element", {"using": "css selector", "value": selector})
        element: str = found[ELEMENT]
        return element

    def _do(self, path: str, body: Any = None) -> Any:
        return self._ask("POST", self._session + path, body or {})

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, path, json=body)
        value = answer.json()["value"]
        if answer.is_error:
            raise BrowserError(f"{path}: {value['error']}: {value['message']}")
        return value


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a new profile, which ends with the block."""
    program = shutil.which("chromedriver")
    if program is None or shutil.which("chromium") is None:
        raise BrowserError("Install the browser: apt-get install chromium chromium-driver")
    with tempfile.TemporaryDirectory(prefix="lcep-browser-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "driver.log"
        with log.open("w") as out:
            process = subprocess.Popen([program, "--port=0"], stdout=out, stderr=out)
        try:
            address = f"http://127.0.0.1:{_port(process, log)}"
            with httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
                made = Browser(http, f"{folder}/profile")
                try:
                    yield made
                finally:
                    made.quit()
        finally:
            process.terminate()
            process.wait(10)


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Where the driver listens, as it says itself."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        _, said, port = log.read_text().partition("was started successfully on port ")
        if said and "." in port:
            return int(port.split(".")[0])
        time.sleep(0.01)
    raise BrowserError(f"The driver did not start: {log.read_text()}")
