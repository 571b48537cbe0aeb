"""Reading one page of an RPDE 1.0 feed: what is good of it is kept, what is wrong is told."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from app.harvests.models import HarvestProblem
from app.kit.strict_json import BadJSON, loads

MOST_ITEMS = 10_000
"""Of one page; the standard suggests 500."""
LARGEST = 2**63 - 1
LONGEST_ID = 200
LONGEST_KIND = 60
LONGEST_URL = 2_000
UPDATED = "updated"
STATES = (UPDATED, "deleted")
SESSION = "ScheduledSession"
LISTINGS = frozenset({"SessionSeries", "Event", "CourseInstance"})
READ = LISTINGS | {SESSION}
"""The kinds that are read; others are no listings, or parts of such."""


class BadPage(Exception):
    """What was answered is no page of a feed; the words are for whoever runs it."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a page says of one item."""

    kind: str
    id: str
    modified: int
    data: dict[str, Any] | None
    """None if it was deleted."""


@dataclass
class Page:
    """A page of a feed."""

    url: str
    following: str
    """Where it goes on."""
    items: list[Item] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    problems: list[HarvestProblem] = field(default_factory=list)
    is_empty: bool = False

    @property
    def is_last(self) -> bool:
        """Whether the end of the feed is reached: nothing in it, and it leads to itself."""
        return self.is_empty and self.following == self.url

    def has_told(self, code: str) -> bool:
        """Whether something of this kind is told already."""
        return any(one.code == code for one in self.problems)

    def tell(self, code: str, detail: str, item: str | None = None) -> None:
        """Note what is wrong with it."""
        self.problems.append(HarvestProblem(url=self.url, item=item, code=code, detail=detail))


def read(body: bytes, url: str, answered: str = "") -> Page:
    """A page that was asked for at this address; BadPage if it is none.

    `answered` is where the answer came from, if that is elsewhere, after redirects.
    """
    try:
        said = loads(body)
    except BadJSON as error:
        raise BadPage(f"The page is not acceptable JSON: {error}.") from None
    if not is_page(said):
        raise BadPage("A page of a feed is an object with `next`, `items` and `license`.")
    if len(said["items"]) > MOST_ITEMS:
        raise BadPage(f"A page holds at most {MOST_ITEMS:,} items. Send 500, as is suggested.")
    page = Page(url, _following(said["next"], url, answered or url), is_empty=not said["items"])
    latest: dict[tuple[str, str], Item] = {}
    before = 0
    for item in _items(page, said["items"]):
        if item.modified < before and not page.has_told("out_of_order"):
            page.tell(
                "out_of_order",
                "Items must come in the order of `modified`, or changes are missed.",
                item.id,
            )
        before = max(before, item.modified)
        known = latest.get((item.kind, item.id))
        if known is not None:
            page.tell("repeated", "An item is in a feed once, as it stands now.", item.id)
        if known is None or known.modified <= item.modified:
            latest[item.kind, item.id] = item
    page.items = list(latest.values())
    return page


def is_page(said: Any) -> bool:
    """Whether something is a page of a feed."""
    return (
        isinstance(said, dict)
        and isinstance(said.get("items"), list)
        and isinstance(said.get("next"), str)
    )


def _following(said: str, url: str, answered: str) -> str:
    """Where a feed goes on: at its own server, since it was that which was asked to be read."""
    try:
        found = urljoin(answered, said.strip())
        there = _server(found)
        known = there in {_server(url), _server(answered)}
    except ValueError:
        raise BadPage("`next` is no address.") from None
    if not known:
        raise BadPage(
            f"`next` leads to another server, {there[0]}://{there[1]}. Build it from the feed's "
            "public address."
        )
    if len(found) > LONGEST_URL:
        raise BadPage(f"`next` has more than {LONGEST_URL:,} characters.")
    return found


def _server(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port


def _items(page: Page, said: list[Any]) -> Iterator[Item]:
    for position, one in enumerate(said):
        identifier = _identifier(one)
        fault = _fault(one, identifier)
        if fault is not None:
            page.tell(*fault, identifier or f"number {position}")
            continue
        kind, modified = one["kind"], _modified(one["modified"])
        if kind not in READ:
            page.ignored[kind] += 1
        elif modified is not None and identifier is not None:
            yield Item(kind, identifier, modified, one["data"] if one["state"] == UPDATED else None)


def _identifier(one: Any) -> str | None:
    said = one.get("id") if isinstance(one, dict) else None
    if isinstance(said, int) and not isinstance(said, bool):
        said = str(said)
    return said if isinstance(said, str) and 0 < len(said) <= LONGEST_ID else None


def _fault(one: Any, identifier: str | None) -> tuple[str, str] | None:
    """What is wrong with an item: a code, and what to change."""
    if not isinstance(one, dict):
        return "no_object", "An item is an object."
    if identifier is None:
        return "no_id", f"An item has an `id` of at most {LONGEST_ID} characters."
    kind = one.get("kind")
    if not isinstance(kind, str) or not 0 < len(kind) <= LONGEST_KIND:
        return "no_kind", "An item has a `kind`, such as SessionSeries."
    if one.get("state") not in STATES:
        return "no_state", "`state` is updated or deleted."
    if _modified(one.get("modified")) is None:
        return (
            "no_modified",
            "`modified` is a number that grows with each change, from 1 to 2^63-1.",
        )
    if one["state"] == UPDATED and not isinstance(one.get("data"), dict):
        return "no_data", "An item that is updated has `data`, an object."
    return None


def _modified(said: Any) -> int | None:
    """A number to compare; some feeds write it as text, or as a date."""
    if isinstance(said, str) and said.isascii() and said.isdigit():
        said = int(said[:20])
    elif isinstance(said, str):
        try:
            said = int(datetime.fromisoformat(said.strip()).timestamp() * 1_000)
        except (ValueError, OverflowError):
            return None
    if isinstance(said, bool) or not isinstance(said, int) or not 0 <= said <= LARGEST:
        return None
    return said
