"""HTTP for vocabularies."""

from collections.abc import Mapping
from itertools import groupby
from typing import Annotated

from fastapi import Path, Request, Response
from sqlmodel import col

from app.access.callers import AnyCaller, Staff
from app.kit.conditional import OptionalIfMatch, show_version
from app.kit.problems import NOT_FOUND, PRECONDITION_REQUIRED, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.vocabularies import actions, queries
from app.vocabularies.models import (
    DESCRIPTIONS,
    Term,
    TermId,
    TermRead,
    TermWrite,
    Vocabulary,
    VocabularyList,
    VocabularyRead,
)

router = make_router("/v1/vocabularies", "vocabularies")
routers = (router,)
VocabularyPath = Annotated[str, Path(description="The id of the vocabulary.", examples=["artform"])]
EditablePath = Annotated[
    Vocabulary, Path(description="A vocabulary that staff extend.", examples=["artform"])
]
TermPath = Annotated[TermId, Path(description="The id of the term.", examples=["visual_arts"])]


@router.get("")
def list_vocabularies(request: Request, session: ReadSession, caller: AnyCaller) -> VocabularyList:
    """Every vocabulary with its terms: those that staff extend, and the fixed ones."""
    fixed: Mapping[str, VocabularyRead] = request.app.state.fixed_vocabularies
    rows = session.execute(queries.visible_to(caller)).scalars().all()
    terms = {name: [read(row) for row in group] for name, group in groupby(rows, _vocabulary)}
    editable = [_editable(vocabulary, terms.get(vocabulary, [])) for vocabulary in Vocabulary]
    return VocabularyList(items=[*editable, *fixed.values()])


@router.get("/{vocabulary}", responses=problems(404))
def get_vocabulary(
    request: Request, session: ReadSession, caller: AnyCaller, vocabulary: VocabularyPath
) -> VocabularyRead:
    """One vocabulary with its terms in order."""
    fixed: Mapping[str, VocabularyRead] = request.app.state.fixed_vocabularies
    if vocabulary in fixed:
        return fixed[vocabulary]
    if vocabulary not in set(Vocabulary):
        raise Problem(NOT_FOUND, f"There is no vocabulary {vocabulary!r}.")
    name = Vocabulary(vocabulary)
    statement = queries.visible_to(caller).where(col(Term.vocabulary) == name)
    return _editable(name, [read(row) for row in session.execute(statement).scalars()])


@router.get("/{vocabulary}/terms/{term}", responses=problems(404))
def get_vocabulary_term(
    request: Request,
    session: ReadSession,
    caller: AnyCaller,
    vocabulary: EditablePath,
    term: TermPath,
) -> TermRead:
    """One term that staff may edit."""
    row = queries.term(session, caller, vocabulary, term)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no term {term!r} in {vocabulary}.")
    show_version(request, row)
    return read(row)


@router.put(
    "/{vocabulary}/terms/{term}",
    responses={
        **problems(401, 403, 412, 428),
        201: {"model": TermRead, "description": "Added"},
    },
)
def put_vocabulary_term(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: Staff,
    vocabulary: EditablePath,
    term: TermPath,
    body: TermWrite,
    if_match: OptionalIfMatch,
) -> TermRead:
    """Add a term (201), or change one under If-Match (200).

    Without If-Match a term that is there already is left alone: 428.
    """
    exists = queries.term(session, caller, vocabulary, term) is not None
    if exists and if_match is None:
        raise Problem(PRECONDITION_REQUIRED)
    row, created = actions.put_term(session, caller, vocabulary, term, body, if_match)
    response.status_code = 201 if created else 200
    if created:
        response.headers["Location"] = (
            f"{request.app.state.settings.public_url}/v1/vocabularies/{vocabulary}/terms/{term}"
        )
    show_version(request, row)
    return read(row)


def read(row: Term) -> TermRead:
    """A term as the contract promises it."""
    return TermRead(id=row.code, **row.model_dump(exclude={"id"}))


def _vocabulary(row: Term) -> Vocabulary:
    return row.vocabulary


def _editable(vocabulary: Vocabulary, terms: list[TermRead]) -> VocabularyRead:
    return VocabularyRead(
        id=vocabulary, description=DESCRIPTIONS[vocabulary], editable=True, terms=terms
    )
