"""The SQL of lists of listings: one builder for every path, in plain text for both engines.

Text, because putting SQLAlchemy's expressions together took longer than running them, and because
it can be read. Every value is a parameter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.opportunities import conditions, tags
from app.opportunities.conditions import Conditions, Sight, Way
from app.opportunities.wanted import Sort, Wanted, When
from app.opportunities.word_queries import Part


class PageRow(NamedTuple):
    """A row of a page, as the statement gives it."""

    pk: int
    k: Any
    document: str
    change_number: int | None
    version: int
    easting: int | None
    northing: int | None


@dataclass
class Statement:
    """A statement and its parameters."""

    sql: str
    parameters: dict[str, Any]
    is_page: bool = False
    """Whether it gives the rows of a page."""

    def rows(self, found: Sequence[Any]) -> Sequence[Any]:
        """What the driver found; those of a page with names."""
        return list(map(PageRow._make, found)) if self.is_page else found


def page(
    wanted: Wanted,
    sight: Sight,
    *,
    is_sqlite: bool,
    sort: Sort,
    way: Way,
    limit: int,
    after: Sequence[Any] | None = None,
    part: Part = Part.ALL,
    reach: int | None = None,
    keys: Sequence[int] = (),
) -> Statement:
    """The statement of a page: keys, sort values, and what is shown of each listing.

    `part` narrows words, `reach` the circle to so many metres, `after` starts behind a row.
    """
    found = Conditions(is_sqlite)
    source = _source(found, wanted, way, reach, keys)
    conditions.hold(found, wanted, sight, way, part)
    if reach is not None and wanted.near is not None:
        found.add(f"{conditions.squared(wanted.near)} <= {found.value(reach * reach)}")
    by, descending = _sort_key(wanted, sort)
    direction = " DESC" if descending else ""
    if after is not None:
        compare = "<" if descending else ">"
        found.add(f"({by}, o.pk) {compare} ({found.value(after[0])}, {found.value(after[1])})")
    inner = _in_order(found, source, by, direction, limit)
    # SQLite reads the page in its order; PostgreSQL is free not to.
    outer = "" if is_sqlite else f" ORDER BY p.k{direction}, p.pk{direction}"
    return Statement(
        "SELECT p.pk, p.k, d.document, d.change_number, d.version, d.easting, d.northing"  # noqa: S608
        f" FROM ({inner}) p JOIN opportunity d ON d.pk = p.pk{outer}",
        found.parameters,
        is_page=True,
    )


def keys_of(wanted: Wanted, sight: Sight, *, is_sqlite: bool, way: Way) -> Statement:
    """The statement that finds the keys of all that match."""
    found = Conditions(is_sqlite)
    source = _source(found, wanted, way, None, ())
    conditions.hold(found, wanted, sight, way, Part.ALL)
    where = " AND ".join(found.clauses) or "1 = 1"
    return Statement(f"SELECT o.pk FROM {source} WHERE {where}", found.parameters)  # noqa: S608


def keys_in_order(
    wanted: Wanted, sight: Sight, *, is_sqlite: bool, sort: Sort, way: Way, part: Part, limit: int
) -> Statement:
    """The statement that finds the keys of all that match, in the order in which pages come."""
    found = Conditions(is_sqlite)
    source = _source(found, wanted, way, None, ())
    conditions.hold(found, wanted, sight, way, part)
    by, descending = _sort_key(wanted, sort)
    inner = _in_order(found, source, by, " DESC" if descending else "", limit)
    return Statement(inner, found.parameters)


def _in_order(found: Conditions, source: str, by: str, direction: str, limit: int) -> str:
    where = " AND ".join(found.clauses) or "1 = 1"
    return (
        f"SELECT o.pk AS pk, {by} AS k FROM {source} WHERE {where}"  # noqa: S608 - values are parameters
        f" ORDER BY {by}{direction}, o.pk{direction} LIMIT {found.value(limit)}"
    )


def keys_of_words(
    wanted: Wanted,
    part: Part,
    *,
    is_sqlite: bool,
    tagged: bool,
    limit: int | None = None,
    among: Iterable[int] | None = None,
) -> Statement | None:
    """The statement that finds the keys of those with these words in the index of words alone.

    `tagged` narrows them down by the tags of filters, `among` by their keys. None if nothing is
    asked that could be met.
    """
    found = Conditions(is_sqlite)
    groups = [group for group in tags.of_wanted(wanted) if tagged and tags.PUBLISHED not in group]
    clause = conditions.words_alone(found, wanted, groups, part)
    if clause is None:
        return None
    key, table = ("rowid", "") if is_sqlite else ("w.opportunity_pk", " w")
    if among is not None:
        clause += f" AND {key} IN (SELECT c.value FROM {_listed(found, among)})"  # noqa: S608 - values are parameters
    bound = "" if limit is None else f" LIMIT {found.value(limit)}"
    sql = f"SELECT {key} FROM opportunity_words{table} WHERE {clause}{bound}"  # noqa: S608 - values are parameters
    return Statement(sql, found.parameters)


def of_keys(wanted: Wanted, sort: Sort, keys: Sequence[int], *, is_sqlite: bool) -> Statement:
    """The statement of a page whose listings are known, in their order; as `page` gives it."""
    found = Conditions(is_sqlite)
    source = _source(found, wanted, Way.KEYS, None, keys)
    by, _ = _sort_key(wanted, sort)
    found.among("o.status", wanted.statuses)
    # SQLite reads them in the order in which they are listed; PostgreSQL is free not to.
    order = "" if is_sqlite else " ORDER BY c.place"
    return Statement(
        f"SELECT o.pk, {by} AS k, o.document, o.change_number, o.version, o.easting, o.northing"  # noqa: S608 - values are parameters
        f" FROM {source} WHERE {' AND '.join(found.clauses)}{order}",
        found.parameters,
        is_page=True,
    )


def sessions_of(wanted: Wanted, when: When, *, is_sqlite: bool) -> Statement:
    """The statement that finds the sessions of this sort of all published listings that match."""
    found = Conditions(is_sqlite)
    conditions.hold(found, wanted, conditions.ANYBODY, Way.WALK, Part.ALL)
    where = " AND ".join([*found.clauses, *conditions.of_session(found, when)])
    return Statement(
        "SELECT o.pk, s.local_date, s.ends_at, s.has_time"  # noqa: S608 - values are parameters
        f" FROM opportunity o, opportunity_session s WHERE {where}",
        found.parameters,
    )


# --- where to look ----------------------------------------------------------------------------


def _source(
    found: Conditions,
    wanted: Wanted,
    way: Way,
    reach: int | None,
    keys: Sequence[int],
) -> str:
    # SQLite joins a CROSS JOIN in the order in which it is written.
    match way:
        case Way.CELLS:
            runs = (
                wanted.near.runs(reach) if wanted.near else wanted.box.runs() if wanted.box else ()
            )
            listed = ", ".join(f"({low}, {high})" for low, high in runs) or "(-1, -1)"
            return (
                f"(VALUES {listed}) c CROSS JOIN opportunity o"
                if found.is_sqlite
                else f"(VALUES {listed}) c JOIN opportunity o ON TRUE"
            )
        case Way.WORDS:
            if found.is_sqlite:
                return "opportunity_words w CROSS JOIN opportunity o ON o.pk = w.rowid"
            return "opportunity_words w JOIN opportunity o ON o.pk = w.opportunity_pk"
        case Way.KEYS:
            join = "CROSS JOIN" if found.is_sqlite else "JOIN"
            return f"{_listed(found, keys)} {join} opportunity o ON o.pk = c.value"
        case _:
            return "opportunity o"


def _listed(found: Conditions, keys: Iterable[int]) -> str:
    """Keys as a table `c`, whose column is `value`."""
    listed = ",".join(map(str, keys))
    if found.is_sqlite:
        return f"json_each({found.value(f'[{listed}]')}) c"
    return (
        f"unnest(CAST({found.value('{' + listed + '}')} AS int[])) WITH ORDINALITY c(value, place)"
    )


def _sort_key(wanted: Wanted, sort: Sort) -> tuple[str, bool]:
    """What a sort goes by, and whether the largest comes first."""
    match sort:
        case Sort.DISTANCE if wanted.near is not None:
            return conditions.squared(wanted.near), False
        case Sort.PUBLISHED:
            # What is published has a date; of the rest it is when it came.
            public = wanted.is_public
            return "o.published_at" if public else "coalesce(o.published_at, o.created_at)", True
        case Sort.UPDATED:
            return "o.updated_at", True
        case Sort.TITLE:
            return "o.title_sort", False
        case Sort.QUALITY:
            return "o.quality", True
        case _:
            return "o.sort_at", False
