"""Changing terms: staff only; a term in use is retired, never deleted."""

from sqlmodel import Session

from app.access import audit
from app.access.models import SYSTEM, Caller
from app.kit.conditional import IfMatch
from app.kit.database import touch
from app.kit.problems import invalid
from app.vocabularies import queries
from app.vocabularies.models import Term, TermWrite, Vocabulary
from app.vocabularies.terms import TERMS


def put_term(
    session: Session,
    caller: Caller,
    vocabulary: Vocabulary,
    code: str,
    write: TermWrite,
    if_match: IfMatch | None,
) -> tuple[Term, bool]:
    """Make a term or change it; the second value says whether it was made."""
    if write.parent == code:
        raise invalid("#/parent", "A term cannot be its own parent.")
    if write.parent and queries.term(session, caller, vocabulary, write.parent) is None:
        raise invalid("#/parent", f"There is no term {write.parent} in {vocabulary}.")
    row = queries.term(session, caller, vocabulary, code)
    created = row is None
    before = None
    if row is None:
        row = Term(vocabulary=vocabulary, code=code, **write.model_dump())
    else:
        before = row.model_dump()
        if if_match is not None:
            if_match.check(row)
        row.sqlmodel_update(write.model_dump())
    session.add(row)
    touch(session, row)
    session.flush()
    audit.record(
        session, caller, "term.put", "term", f"{vocabulary}/{code}", before=before, after=row
    )
    return row, created


def load_terms(session: Session) -> int:
    """Add the terms that come with the software and are not there yet; the number added."""
    known = {
        (row.vocabulary, row.code) for row in session.execute(queries.visible_to(SYSTEM)).scalars()
    }
    added = 0
    for vocabulary, terms in TERMS.items():
        for position, term in enumerate(terms):
            if (vocabulary, term.code) not in known:
                session.add(
                    Term(
                        vocabulary=vocabulary,
                        code=term.code,
                        label=term.label,
                        description=term.description,
                        position=position,
                        mappings=dict(term.mappings),
                    )
                )
                added += 1
    return added
