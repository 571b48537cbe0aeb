"""A page of plain HTML and fetch, on another origin, in a real browser: one request a screen."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.protocol import FASTEST
from app.kit.times import LONDON, today
from app.main import create_app
from tests import build
from tests.browser.driver import Browser, browser
from tests.conftest import serving

FOLDER = Path(__file__).parent / "browser"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
DAY = timedelta(days=1)
PAGE = 10
LIST = "/v1/opportunities"
TITLES = (
    "Street dance for beginners", "Happy feet", "Ballet basics", "Dance & draw",
    "<b>Bold</b> dance club", "Jump in the library", "Contemporary dance lab",
)  # fmt: skip
NEAR, FURTHER, FAR = "B1 1BB", "B5 6DY", "CV1 1FY"


# --- two servers: the API, and the page's own ----------------------------------------------------


@dataclass
class Asked:
    """What browsers asked of the API: method, address and the status of the answer."""

    requests: list[tuple[str, str, int]] = field(default_factory=list)

    def over(self, app: ASGIApp) -> ASGIApp:
        """The application, with a note of what is asked."""

        async def noting(scope: Scope, receive: Receive, send: Send) -> None:
            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start" and scope["type"] == "http":
                    address = f"{scope['path']}?{scope['query_string'].decode()}"
                    self.requests.append((scope["method"], address, message["status"]))
                await send(message)

            await app(scope, receive, noted if scope["type"] == "http" else send)

        return noting

    def taken(self) -> list[tuple[str, str, int]]:
        """What was asked since somebody looked."""
        found, self.requests = self.requests, []
        return found


@contextmanager
def api(url: str, asked: Asked) -> Iterator[str]:
    """The address of a real server over a database."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(build.settings(url, public_url=address))
        server = uvicorn.Server(
            uvicorn.Config(asked.over(app), http=FASTEST, ws="none", log_config=None)
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(20)


@contextmanager
def page(api_address: str) -> Iterator[str]:
    """The address of the page, on an origin of its own."""

    class Files(BaseHTTPRequestHandler):
        """The three files, with the address of the API filled in."""

        def do_GET(self) -> None:
            """Send one."""
            file = FOLDER / self.path.partition("?")[0].lstrip("/")
            if file.suffix not in TYPES or not file.is_file():
                self.send_error(404)
                return
            body = file.read_text().replace("http://127.0.0.1:8000", api_address).encode()
            self.send_response(200)
            self.send_header("Content-Type", TYPES[file.suffix])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_address[1]}/find.html"
        server.shutdown()
        thread.join(10)


# --- what there is to be found -------------------------------------------------------------------


def _last_of_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1) - DAY


def _listings(day: date) -> list[dict[str, Any]]:
    """Fourteen that are meant, and as many that each miss in one thing."""
    last = _last_of_month(day)
    days = (last - day).days + 1
    meant = [
        _listing(
            f"meant-{number:02}",
            f"{TITLES[number % len(TITLES)]} {number + 1}",
            day + (number * 5 % days) * DAY,
            kind="workshop" if number % 3 == 0 else "club",
            artforms=["dance", "music"] if number % 4 == 0 else ["dance"],
            venue=_venue(FURTHER if number % 2 else NEAR),
        )
        for number in range(14)
    ]
    others: list[dict[str, Any]] = [
        {"price": {"from": "3.00"}},
        {"age_min": 12, "age_max": 16},
        {"venue": _venue(FAR)},
        {"sessions": [{"date": (last + DAY).isoformat()}]},
        {"title": "Sculpture morning", "artforms": ["visual_arts"]},
    ]
    missing = [
        {
            **_listing(f"other-{number:02}", "Dance afternoon", day),
            **others[number % len(others)],
        }
        for number in range(15)
    ]
    return [*missing, *meant]


def _listing(external_id: str, title: str, day: date, **more: Any) -> dict[str, Any]:
    found = build.listing(
        external_id=external_id,
        title=title,
        summary="Come as you are.",
        sessions=[{"date": day.isoformat()}],
        price={"free": True},
        age_min=7,
        age_max=11,
        venue=_venue(NEAR),
    )
    return {**found, **more}


def _venue(postcode: str) -> dict[str, Any]:
    return {"name": f"Hall of {postcode}", "address": "1 High Street", "postcode": postcode}


def _in_order(listings: Sequence[dict[str, Any]]) -> list[str]:
    """By relevance: what says dance in its title, then the soonest, then what came first."""
    meant = [one for one in listings if one["external_id"].startswith("meant")]

    def key(one: dict[str, Any]) -> tuple[bool, str]:
        title = one["title"].lower()
        return "dance" not in title and "ballet" not in title, one["sessions"][0]["date"]

    meant.sort(key=key)
    return [one["title"] for one in meant]


# --- a visit -------------------------------------------------------------------------------------


@dataclass
class Visit:
    """A person before the page, and what their browser asks of the API meanwhile."""

    window: Browser
    asked: Asked
    address: str
    listings: Sequence[dict[str, Any]]

    def screen(self, act: Callable[[], None], *, seen: bool = False) -> list[str]:
        """Do something that leads to another screen; its titles, when it is there.

        It takes one request. A screen that was seen before is in the browser's cache.
        """
        self.asked.taken()
        act()
        self.window.until(self._is_shown)
        requests = [one for one in self.asked.taken() if one[1].startswith(LIST)]
        if seen:
            assert [status for *_, status in requests] in ([], [304])
        else:
            assert [(method, status) for method, _, status in requests] == [("GET", 200)]
        return self.window.texts("#items h3")

    def facet(self, name: str) -> dict[str, int]:
        """The choices of a facet, with their numbers."""
        choices = self.window.texts(f"[data-facet={name}] li")
        return {
            label: int(number.strip("()")) for label, number in (c.rsplit(" ", 1) for c in choices)
        }

    def ask(self, near: str = "b1 1bb") -> None:
        """Fill in the form and send it."""
        self.window.write("#q", "dance")
        self.window.write("#near", near)
        self.window.write("#age", "8")
        self.window.click("#when option[value=month]")
        if not self.window.run("return document.getElementById('free').checked"):
            self.window.click("#free")
        self.window.click("button")

    def _is_shown(self) -> bool:
        return bool(
            self.window.run(
                "return document.body.dataset.shown === location.search"
                " && !document.querySelector('[aria-busy]')"
            )
        )


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """One browser for the file."""
    with browser() as found:
        yield found


@pytest.fixture
def visit(database_url: str, window: Browser) -> Iterator[Visit]:
    """The page before its first question, over a few dozen listings."""
    now = datetime.now(LONDON)
    midnight = datetime.combine(now.date() + DAY, datetime.min.time(), LONDON)
    if (left := (midnight - now).total_seconds()) < 60:
        time.sleep(left + 1)  # so that it is one day for the listings and for the page
    listings = _listings(today())
    with serving(database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys, name="Open Arts")
        build.source(client, keys, "open-arts", key="web")
        headers = keys.publisher("open-arts")
        answer = client.post("/v1/sources/web/batches", json={"items": listings}, headers=headers)
        assert answer.json()["counts"]["created"] == len(listings), answer.text
    asked = Asked()
    with api(database_url, asked) as address, page(address) as found:
        window.open(found)
        window.until(lambda: window.run("return document.body.dataset.shown") is not None)
        assert asked.taken() == []  # nothing was asked yet
        yield Visit(window, asked, found, listings)
        window.open("about:blank")


def test_free_dance_for_an_eight_year_old(visit: Visit) -> None:
    window, titles = visit.window, _in_order(visit.listings)
    first = visit.screen(visit.ask)
    assert first == titles[:PAGE]
    assert window.texts("#summary") == ["14 activities"]
    assert window.texts("#problem") == []
    facts = window.texts("#items .facts")
    assert all("free" in fact and "7 to 11 years" in fact and "km away" in fact for fact in facts)

    # Each facet tells what else could be chosen, in words and numbers.
    assert visit.facet("artform") == {"Dance": 14, "Music": 4}
    assert visit.facet("kind") == {"Club": 9, "Workshop": 5}
    assert visit.facet("authority") == {"Birmingham": 14}
    chosen = visit.screen(lambda: window.click("[data-facet=kind] li:nth-child(2) a"))
    assert chosen == [title for title in titles if (int(title.rsplit(" ", 1)[1]) - 1) % 3 == 0]
    assert window.texts("#summary") == ["5 activities"]
    assert window.texts("[aria-current=true]") == ["Workshop"]
    assert visit.facet("kind") == {"Club": 9, "Workshop": 5}
    assert visit.facet("artform") == {"Dance": 5, "Music": 2}

    assert visit.screen(window.back, seen=True) == first
    assert window.texts("[aria-current=true]") == []
    second = visit.screen(lambda: window.click("#next"))
    assert second == titles[PAGE:]
    assert window.texts("#next") == []
    assert visit.screen(window.back, seen=True) == first
    assert visit.screen(window.forward, seen=True) == second
    assert visit.screen(lambda: window.click("#first"), seen=True) == first
    assert window.run("return [...document.forms[0]].map(e => e.value).slice(0, 4)") == [
        "dance",
        "b1 1bb",
        "10",
        "8",
    ]


def test_a_postcode_that_does_not_exist(visit: Visit) -> None:
    window = visit.window
    first = visit.screen(visit.ask)
    visit.asked.taken()
    visit.ask("ZZ99 9ZZ")
    window.until(lambda: window.texts("#problem") != [])
    told = visit.asked.taken()
    assert [(method, status) for method, _, status in told] == [("GET", 422)]
    said = "ZZ99 9ZZ is not a postcode that is known here."
    assert said in window.texts("#problem")[0]
    assert window.texts("#near-problem") == [said]
    assert window.run("return document.activeElement.id") == "near"
    assert window.texts("#items h3") == []
    assert visit.screen(window.back, seen=True) == first
    assert window.texts("#problem") == []


def test_an_address_can_be_shared(visit: Visit) -> None:
    window = visit.window
    visit.screen(visit.ask)
    second = visit.screen(lambda: window.click("#next"))
    address = window.run("return location.href")
    window.open("about:blank")
    assert visit.screen(lambda: window.open(address), seen=True) == second
    assert window.texts("#first") == ["From the beginning"]
