"""Searching for words: what is asked, in the query language of each engine's index of words.

Only tokens of `words` and tags of `indexing` get here, all of them letters and digits, so that
nothing that a person typed is ever read as an operator.
"""

from collections.abc import Sequence
from enum import Enum

from app.opportunities.words import Asked, Term

Tags = Sequence[Sequence[str]]
"""Groups of tags: a listing has one of each group."""


class Part(Enum):
    """Which listings of those that match: all, or by whether the title alone does."""

    ALL = "all"
    BY_TITLE = "by title"
    ELSEWHERE = "elsewhere"


def fts5(asked: Asked, tags: Tags, part: Part) -> str:
    """What is asked, for the FTS5 table of SQLite."""
    wanted = " AND ".join(_fts5_term(term) for term in asked.terms)
    found = f"{'title' if part is Part.BY_TITLE else '{title body}'} : ({wanted})"
    for group in tags:
        found += f" AND tags : ({' OR '.join(group)})"
    return f"({found}) NOT (title : ({wanted}))" if part is Part.ELSEWHERE else found


def tsquery(asked: Asked, tags: Tags, part: Part) -> str:
    """What is asked, for the `tsvector` of PostgreSQL."""
    by_title = " & ".join(_ts_term(term, "A") for term in asked.terms)
    found = (
        by_title
        if part is Part.BY_TITLE
        else " & ".join(_ts_term(term, "AB") for term in asked.terms)
    )
    for group in tags:
        found += f" & ({' | '.join(_quoted(tag) for tag in group)})"
    return f"{found} & !({by_title})" if part is Part.ELSEWHERE else found


def _fts5_term(term: Term) -> str:
    runs = (f'"{" ".join(run)}"{" *" if term.prefix else ""}' for run in term.alternatives)
    return f"({' OR '.join(runs)})"


def _ts_term(term: Term, weights: str) -> str:
    return f"({' | '.join(_ts_run(run, weights, term.prefix) for run in term.alternatives)})"


def _ts_run(run: Sequence[str], weights: str, prefix: bool) -> str:
    star = "*" if prefix else ""
    tokens = [f"{_quoted(token)}:{weights}" for token in run[:-1]]
    tokens.append(f"{_quoted(run[-1])}:{star}{weights}")
    return f"({' <-> '.join(tokens)})"


def _quoted(token: str) -> str:
    return f"'{token}'"
