"""What finds a listing: its words, its tags and its terms, made from what its document shows.

They are written where the document is, so that they follow every change that it follows. Tags are
values of filters as tokens, beside the words in one index: words and filters then meet inside
the index, and the statement checks exactly what the tags only narrow down.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, text
from sqlmodel import Session, col

from app.kit.database import chunks
from app.opportunities import tags, words
from app.opportunities.models import OpportunityTerm
from app.vocabularies.models import Vocabulary

TERMS = (Vocabulary.ARTFORM, Vocabulary.THEME, Vocabulary.AUDIENCE, Vocabulary.ACCESS)
"""Vocabularies of which filters ask, or whose labels are words of a listing."""
MOST_WORDS = 4_000
MOST_TIMES = 250
"""Of one word in one listing: PostgreSQL keeps the places of no more than 255."""
UNASKED = "0"
"""Stands where a word occurs too often; nobody asks for it."""
BETWEEN = 10
"""Places between title and body, so that no phrase reaches from one into the other."""


Labels = Mapping[Vocabulary, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What finds one listing."""

    title: Sequence[str]
    body: Sequence[str]
    tags: Sequence[str]
    terms: frozenset[tuple[str, str]]


def of(row: Any, document: Mapping[str, Any], areas: Iterable[int], labels: Labels) -> Indexed:
    """What finds a listing that has this document."""
    venue: Mapping[str, Any] = document["venue"] or {}
    carried = {
        Vocabulary.ARTFORM: document["artforms"],
        Vocabulary.THEME: document["themes"],
        Vocabulary.AUDIENCE: document["audiences"],
        Vocabulary.ACCESS: [*document["access"], *venue.get("access", ())],
    }
    terms = frozenset(
        (str(vocabulary), code) for vocabulary in TERMS for code in carried[vocabulary]
    )
    return Indexed(
        title=_bounded(words.tokens(document["title"])),
        body=_bounded(_body(document, venue, labels)),
        tags=tags.of_listing(row, terms, areas),
        terms=terms,
    )


def _body(document: Mapping[str, Any], venue: Mapping[str, Any], labels: Labels) -> list[str]:
    said = [document["summary"], words.plain(document["description"])]
    said += [one["name"] for one in (document["provider"], document["authority"]) if one]
    said += [venue.get("name"), venue.get("address")]
    for vocabulary, member in ((Vocabulary.ARTFORM, "artforms"), (Vocabulary.THEME, "themes")):
        known = labels.get(vocabulary, {})
        said += [known.get(code, code.replace("_", " ")) for code in document[member]]
    if document["kind"]:
        said.append(document["kind"].replace("_", " "))
    return words.tokens("\n".join(part for part in said if part))


def _bounded(found: list[str]) -> list[str]:
    """Both engines hold so many words, and so many times the same one."""
    found = found[:MOST_WORDS]
    if len(found) <= MOST_TIMES:
        return found
    times: dict[str, int] = {}
    kept = []
    for token in found:
        times[token] = times.get(token, 0) + 1
        kept.append(token if times[token] <= MOST_TIMES else UNASKED)
    return kept


# --- storing ----------------------------------------------------------------------------------


def add(session: Session, wanted: Mapping[int, Indexed]) -> None:
    """Index listings that were not there before."""
    _put_words(session, wanted)
    _add_terms(session, wanted)


def update(session: Session, wanted: Mapping[int, Indexed]) -> int:
    """Index listings as they are now; the number that differed from what was stored."""
    other_terms, other_words = _differing(session, wanted)
    # Mostly it is the words alone, and a listing has many terms.
    _remove_terms(session, sorted(other_terms))
    _add_terms(session, {pk: wanted[pk] for pk in sorted(other_terms)})
    if _is_sqlite(session):
        _remove_words(session, sorted(other_words))
    _put_words(session, {pk: wanted[pk] for pk in sorted(other_words)})
    return len(other_terms | other_words)


def stale(session: Session, wanted: Mapping[int, Indexed]) -> set[int]:
    """Those of these listings whose index differs from what it should be."""
    other_terms, other_words = _differing(session, wanted)
    return other_terms | other_words


def _differing(session: Session, wanted: Mapping[int, Indexed]) -> tuple[set[int], set[int]]:
    """Those of these listings whose stored terms differ, and those whose words do."""
    table = OpportunityTerm.__table__  # type: ignore[attr-defined]
    other_terms: set[int] = set()
    other_words: set[int] = set()
    for some in chunks(list(wanted)):
        stored_terms: dict[int, set[tuple[str, str]]] = {}
        # Of the table, not the model: of thousands of rows, the mapper's handling took half.
        columns = table.c.opportunity_pk, table.c.vocabulary, table.c.code
        statement = select(*columns).where(table.c.opportunity_pk.in_(some))
        for pk, vocabulary, code in session.connection().execute(statement).all():
            stored_terms.setdefault(pk, set()).add((vocabulary, code))
        same = _same_words(session, {pk: wanted[pk] for pk in some})
        other_terms |= {pk for pk in some if stored_terms.get(pk, set()) != wanted[pk].terms}
        other_words |= {pk for pk in some if pk not in same}
    return other_terms, other_words


# --- terms ------------------------------------------------------------------------------------


def _add_terms(session: Session, wanted: Mapping[int, Indexed]) -> None:
    rows = [_term_row(pk, term) for pk, one in wanted.items() for term in sorted(one.terms)]
    if rows:
        session.connection().execute(insert(OpportunityTerm.__table__), rows)  # type: ignore[attr-defined]


def _remove_terms(session: Session, pks: Sequence[int]) -> None:
    for some in chunks(pks):
        session.connection().execute(
            delete(OpportunityTerm).where(col(OpportunityTerm.opportunity_pk).in_(some))
        )


def _term_row(pk: int, term: tuple[str, str]) -> dict[str, Any]:
    return {"opportunity_pk": pk, "vocabulary": term[0], "code": term[1]}


# --- the index of words, engine by engine ------------------------------------------------------


def _is_sqlite(session: Session) -> bool:
    return session.connection().dialect.name == "sqlite"


def _remove_words(session: Session, pks: Sequence[int]) -> None:
    key = "rowid" if _is_sqlite(session) else "opportunity_pk"
    if pks:
        session.connection().execute(
            text(f"DELETE FROM opportunity_words WHERE {key} = :pk"),  # noqa: S608 - our own name
            [{"pk": pk} for pk in pks],
        )


def _put_words(session: Session, wanted: Mapping[int, Indexed]) -> None:
    """Store the words of listings, on SQLite of such as have none."""
    if not wanted:
        return
    if _is_sqlite(session):
        # In the order of keys: FTS5 takes half as long again when they go backwards.
        session.connection().exec_driver_sql(
            "INSERT INTO opportunity_words (rowid, title, body, tags) VALUES (?, ?, ?, ?)",
            [(pk, *_texts(wanted[pk])) for pk in sorted(wanted)],
        )
        return
    session.connection().execute(
        text(
            "INSERT INTO opportunity_words (opportunity_pk, words)"
            " SELECT n.pk, CAST(n.words AS tsvector)"
            " FROM unnest(CAST(:pks AS int[]), CAST(:words AS text[])) AS n(pk, words)"
            " ON CONFLICT (opportunity_pk) DO UPDATE SET words = excluded.words"
        ),
        {"pks": list(wanted), "words": [vector(one) for one in wanted.values()]},
    )


def _same_words(session: Session, wanted: Mapping[int, Indexed]) -> set[int]:
    if _is_sqlite(session):
        marks = ", ".join("?" * len(wanted))
        query = f"SELECT rowid, title, body, tags FROM opportunity_words WHERE rowid IN ({marks})"  # noqa: S608 - question marks
        stored = session.connection().exec_driver_sql(query, tuple(wanted))
        return {pk for pk, *texts in stored if tuple(texts) == _texts(wanted[pk])}
    stored = session.connection().execute(
        text(
            "SELECT w.opportunity_pk FROM opportunity_words w JOIN"
            " unnest(CAST(:pks AS int[]), CAST(:words AS text[])) AS n(pk, words)"
            " ON n.pk = w.opportunity_pk WHERE w.words = CAST(n.words AS tsvector)"
        ),
        {"pks": list(wanted), "words": [vector(one) for one in wanted.values()]},
    )
    return set(stored.scalars())


def _texts(one: Indexed) -> tuple[str, str, str]:
    return " ".join(one.title), " ".join(one.body), " ".join(one.tags)


def vector(one: Indexed) -> str:
    """The words of a listing as PostgreSQL writes a `tsvector`: the title has weight A, the body B.

    Tags are written with a capital, so that no word is ever one, and need no place.
    """
    places: dict[str, list[str]] = {}
    for place, token in enumerate(one.title, 1):
        places.setdefault(token, []).append(f"{place}A")
    for place, token in enumerate(one.body, len(one.title) + BETWEEN):
        places.setdefault(token, []).append(f"{place}B")
    # In all, as for each part: the places of one word in title and body together are bounded.
    parts = [f"{token}:{','.join(found[:255])}" for token, found in places.items()]
    return " ".join([*parts, *one.tags])
