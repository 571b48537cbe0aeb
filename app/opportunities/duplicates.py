"""The job that finds listings which may be one: each that changed is compared with its like.

Listings are compared only with those that share a sign with them: a word of the title together
with the organisation or the place, a web page, an id. Signs are digests in one indexed table, so
a listing costs the same in a large database as in a small one. Only what is found is written
under the lock; the comparing is done between two short transactions.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import product
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, true, update
from sqlmodel import Session, col

from app.kit.database import Database, chunks
from app.kit.times import now
from app.opportunities.likeness import Facts, Judged, Meeting, judge, may_be_one
from app.opportunities.matches import (
    MatchKind,
    MatchStatus,
    OpportunityMatch,
    OpportunityMatchKey,
    in_order,
)
from app.opportunities.models import Opportunity, OpportunitySession, SessionStatus, Status
from app.opportunities.titles import read_title

LIVE = (Status.DRAFT, Status.SUBMITTED, Status.PUBLISHED)
CHUNK = 500
SECONDS = 60.0
MOST_CANDIDATES = 50
"""Listings that one is compared with: those that share most signs with it, the newest first."""
MOST_PER_KEY = 100
"""Listings that are looked at for one sign, the newest."""
MOST_DUPLICATES = 10
"""Pairs that are kept of one listing, the surest."""
MOST_MEETINGS = 60
"""Coming sessions of a listing that are compared."""
KEY_WORDS = 3
"""Words of a title that make signs: the longest, which are the rarest."""
CELL_METRES = 500
REACH_METRES = 250

Found = Mapping[tuple[int, int], Judged]


def find(database: Database, seconds: float = float("inf")) -> int:
    """Compare the listings that changed with their like; how many were compared.

    After so many seconds the rest waits for the next time: a process that serves as well has
    other things to do after a large push.
    """
    total, last = 0, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with database.writing(SECONDS) as session:
            waiting = _waiting(session, last)
            if not waiting:
                return total
            facts = _facts(session, [pk for pk, _ in waiting])
            _write_keys(session, [pk for pk, _ in waiting], facts)
        with database.reading(SECONDS) as session:
            found = _compare(session, facts)
        with database.writing(SECONDS) as session:
            _write_pairs(session, [pk for pk, _ in waiting], found)
            _done(session, waiting)
        total += len(waiting)
        last = waiting[-1][0]
    return total


# --- the listings -----------------------------------------------------------------------------


def _waiting(session: Session, after: int) -> list[tuple[int, int]]:
    """The next listings that changed, and their versions."""
    statement = (
        select(col(Opportunity.pk), col(Opportunity.version))
        # Not `is_(True)`: SQLite would not see that the partial index answers it.
        .where(col(Opportunity.unmatched) == true(), col(Opportunity.pk) > after)
        .order_by(col(Opportunity.pk))
        .limit(CHUNK)
    )
    return [(pk, version) for pk, version in session.execute(statement)]


def _done(session: Session, compared: Sequence[tuple[int, int]]) -> None:
    """One that was edited meanwhile waits for the next time."""
    table = Opportunity.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        update(table)
        .where(table.c.pk == bindparam("row_pk"), table.c.version == bindparam("seen"))
        .values(unmatched=False)
        .execution_options(unseen=True),
        [{"row_pk": pk, "seen": version} for pk, version in compared],
    )


_FACTS = (
    "pk",
    "title",
    "kind",
    "provider_pk",
    "source_pk",
    "external_id",
    "easting",
    "northing",
    "age_min",
    "age_max",
    "price_pence",
    "always_available",
)


def _facts(session: Session, pks: Iterable[int]) -> dict[int, Facts]:
    """What is compared of those listings that are live."""
    table = Opportunity.__table__  # type: ignore[attr-defined]
    found = {}
    for some in chunks(sorted(pks)):
        statement = select(
            *(table.c[name] for name in _FACTS),
            table.c.first_session_at.label("first_at"),
            table.c.last_session_at.label("last_at"),
            table.c.content["url"].as_string().label("page"),
            table.c.content[("booking", "url")].as_string().label("booking"),
        ).where(table.c.pk.in_(some), table.c.status.in_(LIVE))
        for row in session.execute(statement).mappings():
            members = dict(row)
            links = frozenset(
                _link(url) for url in (members.pop("page"), members.pop("booking")) if url
            )
            found[row["pk"]] = Facts(**members, links=links - {""})
    return found


def _link(url: str) -> str:
    """An address without what makes no difference; nothing for the front page of a site."""
    _, _, rest = url.casefold().partition("://")
    host, _, path = rest.rstrip("/").removeprefix("www.").partition("/")
    return f"{host}/{path}" if path else ""


# --- signs ------------------------------------------------------------------------------------


def _write_keys(session: Session, pks: Sequence[int], facts: Mapping[int, Facts]) -> None:
    session.execute(
        delete(OpportunityMatchKey)
        .where(col(OpportunityMatchKey.opportunity_pk).in_(pks))
        .execution_options(synchronize_session=False)
    )
    rows = [
        {"key": key, "opportunity_pk": one.pk}
        for one in facts.values()
        for key in sorted(_own(one))
    ]
    if rows:
        table = OpportunityMatchKey.__table__  # type: ignore[attr-defined]
        session.connection().execute(insert(table), rows)


def _own(facts: Facts) -> set[int]:
    """The signs of a listing."""
    signs = _elsewhere(facts)
    if facts.easting is not None and facts.northing is not None:
        cell = facts.easting // CELL_METRES, facts.northing // CELL_METRES
        signs |= {("place", *cell, word) for word in _words(facts)}
    return set(map(_digest, signs))


def _sought(facts: Facts) -> set[int]:
    """The signs of those that a listing may be one with: places so near count as its own."""
    signs = _elsewhere(facts)
    if facts.easting is not None and facts.northing is not None:
        across = {(facts.easting + way) // CELL_METRES for way in (-REACH_METRES, REACH_METRES)}
        along = {(facts.northing + way) // CELL_METRES for way in (-REACH_METRES, REACH_METRES)}
        signs |= {("place", *cell) for cell in product(across, along, _words(facts))}
    return set(map(_digest, signs))


def _elsewhere(facts: Facts) -> set[tuple[Any, ...]]:
    signs: set[tuple[Any, ...]] = {("link", link) for link in facts.links}
    if facts.provider_pk is not None:
        signs |= {("provider", facts.provider_pk, word) for word in _words(facts)}
    if facts.easting is None:
        signs.add(("title", " ".join(sorted(read_title(facts.title).words))))
    if len(facts.external_id) > 3:
        signs.add(("external_id", facts.external_id))
    return signs


def _words(facts: Facts) -> list[str]:
    """The beginnings of the longest words, so that a slip of the pen at the end is no matter."""
    words = sorted(read_title(facts.title).words, key=lambda word: (-len(word), word))
    return [word[:4] for word in words[:KEY_WORDS]]


def _digest(sign: tuple[Any, ...]) -> int:
    digest = hashlib.blake2b("\0".join(map(str, sign)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


# --- comparing --------------------------------------------------------------------------------


def _compare(session: Session, facts: Mapping[int, Facts]) -> Found:
    """The pairs of these listings and any others that are likely enough."""
    candidates = _candidates(session, facts)
    titles = _titles(session, {pk for some in candidates.values() for pk in some}, facts)
    pairs = {
        in_order(pk, other)
        for pk, some in candidates.items()
        for other in some
        if other in titles and may_be_one(facts[pk].title, titles[other])
    }
    involved = {pk for pair in pairs for pk in pair}
    known = {**facts, **_facts(session, involved - facts.keys())}
    meetings = _meetings(session, involved)
    judged = {}
    for one, other in sorted(pairs):
        if one in known and other in known:
            verdict = judge(
                known[one], known[other], meetings.get(one, ()), meetings.get(other, ())
            )
            if verdict:
                judged[one, other] = verdict
    return _kept(judged, known, facts.keys())


def _candidates(session: Session, facts: Mapping[int, Facts]) -> dict[int, list[int]]:
    sought = {pk: _sought(one) for pk, one in facts.items()}
    table = OpportunityMatchKey.__table__  # type: ignore[attr-defined]
    place = func.row_number().over(partition_by=table.c.key, order_by=table.c.opportunity_pk.desc())
    by_key: dict[int, list[int]] = {}
    for some in chunks(sorted({key for keys in sought.values() for key in keys}), 2_000):
        ranked = (
            select(table.c.key, table.c.opportunity_pk, place.label("place"))
            .where(table.c.key.in_(some))
            .subquery()
        )
        statement = select(ranked.c.key, ranked.c.opportunity_pk)
        for key, pk in session.execute(statement.where(ranked.c.place <= MOST_PER_KEY)):
            by_key.setdefault(key, []).append(pk)
    found = {}
    for pk, keys in sought.items():
        shared = Counter(other for key in keys for other in by_key.get(key, ()) if other != pk)
        nearest = sorted(shared, key=lambda other: (-shared[other], -other))
        found[pk] = nearest[:MOST_CANDIDATES]
    return found


def _titles(session: Session, pks: Iterable[int], facts: Mapping[int, Facts]) -> dict[int, str]:
    found = {pk: one.title for pk, one in facts.items()}
    for some in chunks(sorted(set(pks) - found.keys()), 1_000):
        statement = select(col(Opportunity.pk), col(Opportunity.title)).where(
            col(Opportunity.pk).in_(some)
        )
        found |= {row.pk: row.title for row in session.execute(statement)}
    return found


def _meetings(session: Session, pks: Iterable[int]) -> dict[int, list[Meeting]]:
    """The next sessions of each listing that take place."""
    table = OpportunitySession.__table__  # type: ignore[attr-defined]
    place = func.row_number().over(
        partition_by=table.c.opportunity_pk, order_by=(table.c.starts_at, table.c.pk)
    )
    found: dict[int, list[Meeting]] = {}
    for some in chunks(sorted(pks)):
        ranked = (
            select(
                table.c.opportunity_pk,
                table.c.starts_at,
                table.c.ends_at,
                table.c.has_time,
                place.label("place"),
            )
            .where(
                table.c.opportunity_pk.in_(some),
                table.c.deleted_at.is_(None),
                table.c.status != SessionStatus.CANCELLED,
                table.c.ends_at >= now(),
            )
            .subquery()
        )
        statement = select(ranked).where(ranked.c.place <= MOST_MEETINGS)
        for row in session.execute(statement.order_by(ranked.c.opportunity_pk, ranked.c.place)):
            meeting = Meeting(row.starts_at, row.ends_at, row.has_time)
            found.setdefault(row.opportunity_pk, []).append(meeting)
    return found


def _kept(judged: Found, facts: Mapping[int, Facts], of: Set[int]) -> Found:
    """The surest duplicates of each of these listings; of its series, the ones beside it in time.

    Three hundred weeks of one course would else be forty-five thousand pairs.
    """
    duplicates: dict[int, list[tuple[int, int]]] = {}
    following: dict[int, list[tuple[int, int]]] = {}
    for pair, verdict in judged.items():
        of_kind = duplicates if verdict.kind is MatchKind.DUPLICATE else following
        for pk in of & set(pair):
            of_kind.setdefault(pk, []).append(pair)
    chosen: set[tuple[int, int]] = set()
    for pairs in duplicates.values():
        chosen.update(sorted(pairs, key=lambda pair: (-judged[pair].score, pair))[:MOST_DUPLICATES])

    def starts(pk: int) -> Any:
        return facts[pk].first_at, pk

    near: Counter[tuple[int, int]] = Counter()
    for pk, pairs in following.items():
        others = {pair[0] if pair[1] == pk else pair[1]: pair for pair in pairs}
        before = [other for other in others if starts(other) < starts(pk)]
        after = [other for other in others if starts(other) > starts(pk)]
        if before:
            near[others[max(before, key=starts)]] += 1
        if after:
            near[others[min(after, key=starts)]] += 1
    chosen.update(near)
    return {pair: verdict for pair, verdict in judged.items() if pair in chosen}


# --- writing ----------------------------------------------------------------------------------


def _write_pairs(session: Session, pks: Sequence[int], found: Found) -> None:
    """Propose what is likely, and take back what is no longer; what people decided stands.

    A pair that was refused is proposed again only as another kind.
    """
    table = OpportunityMatch.__table__  # type: ignore[attr-defined]
    stored: dict[tuple[int, int], Any] = {}
    for side in (table.c.one_pk, table.c.other_pk):
        for row in session.execute(select(table).where(side.in_(pks))):
            stored[row.one_pk, row.other_pk] = row
    gone = [
        row.pk
        for pair, row in stored.items()
        if pair not in found and row.status is MatchStatus.PROPOSED
    ]
    for some in chunks(gone):
        session.execute(delete(table).where(table.c.pk.in_(some)))
    at = now()
    changed = [
        {
            "row_pk": row.pk,
            "new_found_at": row.found_at if row.kind is found[pair].kind else at,
            **{f"new_{name}": getattr(found[pair], name) for name in _JUDGED},
        }
        for pair, row in stored.items()
        if pair in found and _differs(row, found[pair])
    ]
    if changed:
        names = (*_JUDGED, "found_at")
        values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
        undecided = {"status": MatchStatus.PROPOSED, "decided_by": None, "decided_at": None}
        session.connection().execute(
            update(table).where(table.c.pk == bindparam("row_pk")).values(values | undecided),
            changed,
        )
    fresh = [
        {
            "one_pk": pair[0],
            "other_pk": pair[1],
            "status": MatchStatus.PROPOSED,
            "found_at": at,
            **{name: getattr(found[pair], name) for name in _JUDGED},
        }
        for pair in sorted(found.keys() - stored.keys())
    ]
    if fresh:
        session.connection().execute(insert(table), fresh)


_JUDGED = ("kind", "score", "reasons")


def _differs(row: Any, verdict: Judged) -> bool:
    """Whether a stored pair is to be written again."""
    if row.status is MatchStatus.PROPOSED:
        return any(getattr(row, name) != getattr(verdict, name) for name in _JUDGED)
    return row.status is MatchStatus.REFUSED and row.kind is not verdict.kind
