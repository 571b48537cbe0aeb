"""Reading terms. They are public: everybody sees them all."""

from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import Caller
from app.kit.problems import FieldError
from app.vocabularies.models import Term, Vocabulary


def visible_to(caller: Caller) -> SelectOfScalar[Term]:  # noqa: ARG001 - everybody sees all
    """The terms that a caller may see, in their order."""
    return select(Term).order_by(col(Term.vocabulary), col(Term.position), col(Term.code))


def term(session: Session, caller: Caller, vocabulary: Vocabulary, code: str) -> Term | None:
    """One term."""
    statement = visible_to(caller).where(col(Term.vocabulary) == vocabulary, col(Term.code) == code)
    return session.execute(statement).scalar_one_or_none()


def known_codes(session: Session, *, retired: bool = False) -> dict[Vocabulary, set[str]]:
    """The codes that new items may carry, of every vocabulary, in one query.

    `retired` adds those that only old items carry.
    """
    statement = select(Term.vocabulary, Term.code)
    if not retired:
        statement = statement.where(col(Term.retired).is_(False))
    known: dict[Vocabulary, set[str]] = {vocabulary: set() for vocabulary in Vocabulary}
    for vocabulary, code in session.execute(statement):
        known[vocabulary].add(code)
    return known


def labels(session: Session, vocabulary: Vocabulary) -> dict[str, str]:
    """The label of each code of a vocabulary, retired ones included."""
    statement = select(Term.code, Term.label).where(Term.vocabulary == vocabulary)
    return dict(session.execute(statement).all())


def every_label(session: Session) -> dict[Vocabulary, dict[str, str]]:
    """The label of each code by vocabulary, retired ones included."""
    found: dict[Vocabulary, dict[str, str]] = {vocabulary: {} for vocabulary in Vocabulary}
    for vocabulary, code, label in session.execute(select(Term.vocabulary, Term.code, Term.label)):
        found[vocabulary][code] = label
    return found


def all_labels(session: Session) -> dict[str, dict[str, str]]:
    """The label of each code that new items may carry, by vocabulary, in their order."""
    statement = (
        select(Term.vocabulary, Term.code, Term.label)
        .where(col(Term.retired).is_(False))
        .order_by(col(Term.vocabulary), col(Term.position), col(Term.code))
    )
    found: dict[str, dict[str, str]] = {}
    for vocabulary, code, label in session.execute(statement):
        found.setdefault(str(vocabulary), {})[code] = label
    return found


def unknown_terms(
    known: Mapping[Vocabulary, set[str]],
    carried: Iterable[tuple[str, Vocabulary, Sequence[str]]],
) -> list[FieldError]:
    """What is wrong with the codes that an item carries: (pointer, vocabulary, codes) each."""
    return [
        FieldError(
            pointer=f"{pointer}/{index}",
            detail=f"{code!r} is not a term of {vocabulary}. "
            f"Use one of {', '.join(sorted(known[vocabulary]))}.",
            code="unknown_term",
        )
        for pointer, vocabulary, codes in carried
        for index, code in enumerate(codes)
        if code not in known[vocabulary]
    ]
