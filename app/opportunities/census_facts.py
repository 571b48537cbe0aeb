"""What is counted of listings: which have which value, read from the tables in few large reads.

Each read is of an index that holds all it needs, since the rows of listings are long: through
them, a first count of a million took over a minute, and takes seconds so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.kit.times import LONDON
from app.opportunities.models import Status
from app.vocabularies.models import Vocabulary

Value = tuple[str, Any]
"""The name of a thing, and one of its values."""
Listed = Mapping[Any, Sequence[int]]
"""The keys of the listings with each value."""
ALL: Value = ("all", None)
ALWAYS: Value = ("always_available", True)
COLUMNS = ("region_wide", "age_min", "age_max", "free", "kind", "delivery", "always_available")
"""They stand in the index by which lists are walked."""
AT_ONCE = 50_000
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
DAY_LONG = DAY // MICROSECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def facts(session: Session, pks: Sequence[int] | None) -> Iterator[tuple[str, Listed]]:
    """Each thing with its values and their listings, of some listings or all.

    What is published comes first, as `ALL`; the others are of listings in any state.
    """
    yield from _columns(session, pks)
    yield "provider_pk", _pairs(session, "provider_pk, pk FROM opportunity", "pk", pks)
    yield "programme_pk", _pairs(session, "programme_pk, pk FROM opportunity", "pk", pks)
    areas = "authority_pk, opportunity_pk FROM opportunity_area"
    yield "area", _pairs(session, areas, "opportunity_pk", pks)
    for vocabulary in (Vocabulary.ARTFORM, Vocabulary.AUDIENCE, Vocabulary.ACCESS):
        terms = (
            f"code, opportunity_pk FROM opportunity_term WHERE vocabulary = '{vocabulary.value}'"
        )
        yield vocabulary.value, _pairs(session, terms, "opportunity_pk", pks)
    yield "day", _days(session, pks)


def _columns(session: Session, pks: Sequence[int] | None) -> Iterator[tuple[str, Listed]]:
    query = (
        f"SELECT pk, {', '.join(COLUMNS)} FROM opportunity"  # noqa: S608 - our own names
        f" WHERE status = '{Status.PUBLISHED.value}'"
    )
    alike: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for pk, *values in _rows(session, query + _among("AND", "pk", pks)):
        alike[tuple(values)].append(pk)
    yield ALL[0], {ALL[1]: [pk for listed in alike.values() for pk in listed]}
    for at, name in enumerate(COLUMNS):
        found: defaultdict[Any, list[int]] = defaultdict(list)
        for values, listed in alike.items():
            found[values[at]] += listed
        yield name, found


def _days(session: Session, pks: Sequence[int] | None) -> Listed:
    """The London days of sessions, by their ordinals; nearly all are over on the day they begin."""
    query = (
        "local_date, opportunity_pk FROM opportunity_session"
        " WHERE deleted_at IS NULL AND status <> 'cancelled'"
    )
    found = {
        _ordinal(day): list(listed)
        for day, listed in _pairs(session, query, "opportunity_pk", pks).items()
    }
    # What ends on another day in UTC, or so late that it may in London.
    is_sqlite = session.connection().dialect.name == "sqlite"
    longer = (
        "(substr(ends_at, 1, 10) <> substr(starts_at, 1, 10) OR substr(ends_at, 12, 2) = '23')"
        if is_sqlite
        else "(ends_at AT TIME ZONE 'Europe/London')::date > local_date"
    )
    long = (
        "SELECT opportunity_pk, local_date, ends_at, has_time FROM opportunity_session"  # noqa: S608
        f" WHERE deleted_at IS NULL AND status <> 'cancelled' AND has_time AND {longer}"
    )
    for pk, local, *rest in _rows(session, long + _among("AND", "opportunity_pk", pks)):
        first = _ordinal(local)
        for day in session_days(local, *rest):
            if day != first:
                found.setdefault(day, []).append(pk)
    return found


def session_days(local: Any, ends: Any, has_time: Any) -> Iterable[int]:
    """Each London day of a session; an end at midnight belongs to the day before."""
    first = _ordinal(local)
    if not has_time:
        return (first,)
    last = (_instant(ends) - timedelta(microseconds=1)).astimezone(LONDON).date().toordinal()
    return range(first, max(first, last) + 1)


def _ordinal(day: Any) -> int:
    return (date.fromisoformat(day) if isinstance(day, str) else day).toordinal()


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value  # type: ignore[no-any-return]


def moment_of(value: Any) -> int:
    """An instant in microseconds since 1970, from what an engine gives or a cursor holds."""
    return (_instant(value) - EPOCH) // MICROSECOND


def moments(session: Session, pks: Sequence[int] | None) -> Iterator[tuple[int, int]]:
    """The key of each published listing, and the moment that lists are sorted by."""
    query = f"SELECT pk, sort_at FROM opportunity WHERE status = '{Status.PUBLISHED.value}'"  # noqa: S608 - our own name
    known: dict[Any, int] = {}
    for pk, value in _rows(session, query + _among("AND", "pk", pks)):
        moment = known.get(value)
        if moment is None:
            moment = known[value] = moment_of(value)
        yield pk, moment


def places(session: Session, pks: Sequence[int] | None) -> Iterator[tuple[int, int, int]]:
    """The key of each published listing that has a place, with its grid metres."""
    query = (
        "SELECT pk, easting, northing FROM opportunity"  # noqa: S608 - our own name
        f" WHERE status = '{Status.PUBLISHED.value}' AND cell IS NOT NULL"
    )
    yield from _rows(session, query + _among("AND", "pk", pks))


# --- reading ----------------------------------------------------------------------------------


def _pairs(session: Session, query: str, key: str, pks: Sequence[int] | None) -> Listed:
    """Values and keys, as a query gives them, collected by value."""
    word = "AND" if "WHERE" in query else "WHERE"
    found: defaultdict[Any, list[int]] = defaultdict(list)
    for value, pk in _rows(session, f"SELECT {query}{_among(word, key, pks)}"):
        found[value].append(pk)
    found.pop(None, None)
    return found


def _among(word: str, key: str, pks: Sequence[int] | None) -> str:
    return "" if pks is None else f" {word} {key} IN ({', '.join(map(str, pks))})"


def _rows(session: Session, query: str) -> Iterator[Any]:
    """Rows as plain tuples, some thousands at a time: millions are not held at once."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    is_sqlite = connection.dialect.name == "sqlite"
    cursor = driver.cursor() if is_sqlite else driver.cursor(name="census")
    try:
        cursor.execute(query)
        while some := cursor.fetchmany(AT_ONCE):
            yield from some
    finally:
        cursor.close()
