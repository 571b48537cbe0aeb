"""What the benchmarks of discovery ask: addresses that find something in the data at hand."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, product
from time import sleep
from urllib.parse import quote, urlencode, urlsplit

from tests.benchmarks.harness import Server
from tests.benchmarks.load import BenchmarkError, ask
from tests.benchmarks.pushes import LISTINGS, answered

LIMIT = 50
"""Of a page, which is what the service gives when nobody asks for another number."""
MANY = 60
"""Different queries of one kind."""
DEEP = 20
"""The page that counts as a deep one."""
AGES = range(4, 17)
COUNTY = "E10"
COUNTING_TRIES = 200
COMMON = ("music", "workshop", "children", "young", "sessions", "theatre")
RARE = ("stagecraft", "felt", "clog", "mural", "upcycled", "brass", "songwriting", "woodwork")
TYPED = ("d", "da", "dan", "mus", "b", "birm", "the", "sa", "sat", "young v")
RARELY = 0.01
"""A rare word is in at most this share of all listings."""
FACETS = (
    "artform,kind,age_band,authority,partnership,delivery,free,access,month,provider"  # all of them
)


@dataclass(frozen=True)
class Questions:
    """Addresses by what they are asked for."""

    pages: Sequence[str]
    """Authority, artform, age and upcoming: each its own query, with a full page."""
    first: Sequence[str]
    """Artform and age, with so many matches that there is a deep page."""
    deep: Sequence[str]
    """The deep pages of the same."""
    counted: Sequence[str]
    common: Sequence[str]
    rare: Sequence[str]
    near: Sequence[str]
    suggest: Sequence[str]
    listings: Sequence[str]
    postcodes: Sequence[str]


def find(server: Server, size: int) -> Questions:
    """Find what to ask."""
    wait_for_counts(server)
    chance = random.Random(size)
    told = answered(ask(server.port, f"{LISTINGS}?limit=200&count=true&facets=authority,artform"))
    codes = [one["value"] for one in told["facets"]["authority"]]
    codes = [code for code in codes if not code.startswith(COUNTY)]
    artforms = [one["value"] for one in told["facets"]["artform"][:10]]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    queries = [
        {"authority": code, "artform": artform, "age": str(age), "starts_from": today}
        for artform, code, age in product(artforms[:6], codes[:12], AGES)
    ]
    chance.shuffle(queries)
    pages = list(islice(_full(server, queries, LIMIT), MANY))
    broad = [{"artform": artform, "age": str(age)} for artform, age in product(artforms[:4], AGES)]
    first = list(islice(_full(server, broad, LIMIT * DEEP), 12))
    items = told["items"]
    postcodes = sorted({one["venue"]["postcode"] for one in items if one["venue"]} - {None})
    pairs = [
        {"artform": chance.choice(artforms[:4]), "age": str(chance.choice(AGES))}
        for _ in range(MANY)
    ]
    totals = {word: _total(server, {"q": word}) for word in RARE}
    rare = [word for word, total in totals.items() if 0 < total <= size * RARELY]
    return Questions(
        pages=pages,
        first=first,
        deep=[_deep(server, path) for path in first],
        counted=[
            _path({**pair, "authority": code, "count": "true", "facets": FACETS, "limit": "1"})
            for pair, code in zip(pairs, _again(codes), strict=False)
        ],
        common=[
            _path({"q": word, **pair}) for pair, word in zip(pairs, _again(COMMON), strict=False)
        ],
        rare=[_path({"q": word, **pair}) for pair, word in zip(pairs, _again(rare), strict=False)],
        near=[
            _path({"near": code, "within_km": "20", "sort": "distance", **pair})
            for pair, code in zip(pairs, _again(postcodes), strict=False)
        ],
        suggest=[f"{LISTINGS}/suggest?q={quote(letters)}" for letters in TYPED],
        listings=[f"{LISTINGS}/{one['id']}" for one in items[:50]],
        postcodes=[f"/v1/postcodes/{one.replace(' ', '')}" for one in postcodes[:50]],
    )


def wait_for_counts(server: Server, in_a_row: int = 1) -> None:
    """Listings are counted in a thread, which would stand in the way of what is measured.

    Of several processes any may answer, so that one answer does not speak for all.
    """
    answered = 0
    for _ in range(COUNTING_TRIES):
        if ask(server.port, _path({"count": "true", "limit": "1"})).status == 200:
            answered += 1
            if answered == in_a_row:
                return
        else:
            answered = 0
            sleep(0.5)
    raise BenchmarkError("The listings were not counted in time.")


def _again(values: Sequence[str]) -> Iterator[str]:
    if not values:
        raise BenchmarkError("The data have nothing to ask for.")
    while True:
        yield from values


def _path(query: dict[str, str]) -> str:
    return f"{LISTINGS}?{urlencode({'limit': str(LIMIT), **query})}"


def _total(server: Server, query: dict[str, str]) -> int:
    """How many match; none where that takes longer than the service has."""
    answer = ask(server.port, _path({**query, "count": "true", "limit": "1"}))
    if answer.status == 503:
        return 0
    found: int = answered(answer)["total"]
    return found


def _full(server: Server, queries: Sequence[dict[str, str]], least: int) -> Iterator[str]:
    """Those with more matches than so many; else, in small data, whatever has a match."""
    some = False
    for query in queries:
        if _total(server, query) > least:
            some = True
            yield _path(query)
    if not some:
        yield from (_path(query) for query in queries[:MANY] if _total(server, query))


def _deep(server: Server, path: str) -> str:
    for _ in range(DEEP - 1):
        following = answered(ask(server.port, path))["next"]
        if following is None:
            break
        parts = urlsplit(following)
        path = f"{parts.path}?{parts.query}"
    return path
