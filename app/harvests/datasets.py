"""From a dataset page to its feeds, as OpenActive has them: JSON-LD in the head of a page."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from app.harvests import rpde_pages
from app.harvests.rpde_pages import BadPage
from app.kit.strict_json import BadJSON, loads

MOST_FEEDS = 20
MOST_BYTES = 2_000_000
"""Of a page for people: parsers of HTML take their time over hostile ones."""
LINKED_DATA = "application/ld+json"
NAMES = ("identifier", "additionalType", "name")
"""Members of a distribution that may say which kind of item its feed holds."""


def feeds(body: bytes, url: str) -> list[str]:
    """The addresses of the feeds that an address leads to: itself, if it is a feed.

    BadPage if it leads to none.
    """
    documents = list(_documents(body))
    if any(rpde_pages.is_page(one) for one in documents):
        return [url]
    found: dict[str, None] = {}
    for one in documents:
        for distribution in _listed(one.get("distribution") if isinstance(one, dict) else None):
            address = distribution.get("contentUrl")
            if isinstance(address, str) and _kind(distribution) in rpde_pages.READ:
                found[urljoin(url, address.strip())] = None
    if not found:
        kinds = ", ".join(sorted(rpde_pages.READ))
        raise BadPage(
            "Here is neither a page of an RPDE feed, nor a dataset page whose `distribution` names "
            f"a feed of one of these kinds: {kinds}."
        )
    if len(found) > MOST_FEEDS:
        raise BadPage(f"A dataset has at most {MOST_FEEDS} feeds; this names {len(found)}.")
    return list(found)


def _documents(body: bytes) -> Iterator[Any]:
    if body.lstrip().startswith(b"{"):
        texts = [body]
    elif len(body) > MOST_BYTES:
        raise BadPage(f"A dataset page has at most {MOST_BYTES // 1_000_000} MB.")
    else:
        reader = _Scripts()
        reader.feed(body.decode("utf-8", "replace"))
        texts = [text.encode() for text in reader.found]
    for text in texts:
        try:
            found = loads(text)
        except BadJSON:
            continue  # another script may be the one
        yield from _listed(found)


def _listed(value: Any) -> list[Any]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _kind(distribution: dict[str, Any]) -> str | None:
    for member in NAMES:
        said = distribution.get(member)
        if isinstance(said, str):
            name = said.rstrip("/").rpartition("/")[2].rpartition("#")[2]
            if name in rpde_pages.READ:
                return name
    return None


class _Scripts(HTMLParser):
    """Collects the scripts of a page that hold linked data."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and dict(attrs).get("type") == LINKED_DATA
        if self._inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - scripts hold no other
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data
