"""Changing case studies."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col

from app.access import audit
from app.access.models import Caller
from app.case_studies import queries
from app.case_studies.models import (
    WORDS_LENGTH,
    CaseStudy,
    CaseStudyFields,
    CaseStudyImageWrite,
    CaseStudyPriority,
    CaseStudyWrite,
    QuoteWrite,
    ReachedWrite,
)
from app.kit.conditional import IfMatch
from app.kit.database import key, touch
from app.kit.identifiers import slugify
from app.kit.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Problem, invalid
from app.kit.shapes import merged
from app.kit.times import now
from app.partnerships.queries import check_codes, ids_shown, partnerships_by_ref, words_of
from app.programmes.queries import partnership_pks, programmes_by_ref
from app.programmes.queries import summaries as programme_summaries
from app.vocabularies.models import Vocabulary

PERSONAL = {"quotes"}
"""What the audit trail leaves out, even from its digests."""


def create_case_study(session: Session, caller: Caller, write: CaseStudyWrite) -> CaseStudy:
    """Make a case study. Coordinators make them for their own partnerships."""
    slug = write.slug or slugify(write.title)
    if not slug:
        raise invalid("#/slug", "No slug can be made from this title. Give one.")
    _refuse_taken(session, slug)
    row = CaseStudy(
        slug=slug,
        title=write.title,
        year=write.year,
        partnership_pk=_partnership_pk(session, caller, write),
    )
    _write(session, caller, row, write, kept=set())
    audit.record(
        session,
        caller,
        "case_study.create",
        "case_study",
        row.id,
        after=row.model_dump(exclude=PERSONAL),
    )
    return row


def replace_case_study(
    session: Session, caller: Caller, ref: str, write: CaseStudyWrite, if_match: IfMatch
) -> CaseStudy:
    """Write a case study anew."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, write)


def update_case_study(
    session: Session, caller: Caller, ref: str, patch: Mapping[str, Any], if_match: IfMatch
) -> CaseStudy:
    """Change some members of a case study by a merge patch."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, merged(_as_written(session, caller, row), patch))


def delete_case_study(session: Session, caller: Caller, ref: str, if_match: IfMatch) -> None:
    """Take a case study out of sight; what people said in it is erased."""
    row = editable(session, caller, ref)
    if_match.check(row)
    row.quotes = []
    row.deleted_at = now()
    session.add(row)
    session.flush()
    touch(session, row)
    audit.record(session, caller, "case_study.delete", "case_study", row.id)


def editable(session: Session, caller: Caller, ref: str) -> CaseStudy:
    """The case study that the caller wants to change: 404 if unseen, 403 if of others."""
    row = queries.case_study(session, caller, ref)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no case study {ref!r}.")
    if not caller.coordinates(row.partnership_pk):
        raise Problem(FORBIDDEN, "This is for the coordinators of its partnership.")
    return row


def _rewrite(session: Session, caller: Caller, row: CaseStudy, write: CaseStudyWrite) -> CaseStudy:
    before = row.model_dump(exclude=PERSONAL)
    partnership_pk = _partnership_pk(session, caller, write)
    if write.slug is not None and write.slug != row.slug:
        _refuse_taken(session, write.slug)
        row.slug = write.slug
    row.partnership_pk = partnership_pk
    kept = set(queries.priorities(session, [key(row)]).get(key(row), []))
    _write(session, caller, row, write, kept=kept)
    audit.record(
        session,
        caller,
        "case_study.update",
        "case_study",
        row.id,
        before=before,
        after=row.model_dump(exclude=PERSONAL),
    )
    return row


def _partnership_pk(session: Session, caller: Caller, write: CaseStudyWrite) -> int:
    found = partnerships_by_ref(session, [write.partnership], caller)
    if write.partnership not in found:
        raise invalid("#/partnership", f"There is no partnership {write.partnership!r}.")
    pk = key(found[write.partnership])
    if not caller.coordinates(pk):
        raise Problem(FORBIDDEN, "Name a partnership of your own key.")
    return pk


def _write(
    session: Session, caller: Caller, row: CaseStudy, write: CaseStudyWrite, *, kept: set[str]
) -> None:
    programme_pk = None
    if write.programme is not None:
        found = programmes_by_ref(session, [write.programme], caller)
        if write.programme not in found:
            raise invalid("#/programme", f"There is no programme {write.programme!r}.")
        programme_pk = key(found[write.programme])
        carriers = partnership_pks(session, [programme_pk]).get(programme_pk, [])
        if row.partnership_pk not in carriers:
            raise invalid("#/programme", "This is not a programme of that partnership.")
    check_codes(
        session,
        [
            (f"#/priorities/{index}", Vocabulary.PRIORITY, code)
            for index, code in enumerate(write.priorities)
        ],
        kept,
    )
    row.sqlmodel_update(write.model_dump(include=set(CaseStudyFields.model_fields)))
    row.programme_pk = programme_pk
    row.words = words_of(row.title, row.summary, limit=WORDS_LENGTH)
    row.reached = write.reached.model_dump()
    row.quotes = [quote.model_dump(mode="json") for quote in write.quotes]
    row.images = [image.model_dump(mode="json") for image in write.images]
    row.updated_at = now()
    session.add(row)
    session.flush()
    session.execute(
        delete(CaseStudyPriority).where(col(CaseStudyPriority.case_study_pk) == key(row))
    )
    for position, code in enumerate(write.priorities):
        session.add(CaseStudyPriority(case_study_pk=key(row), priority=code, position=position))
    session.flush()
    touch(session, row)


def _as_written(session: Session, caller: Caller, row: CaseStudy) -> CaseStudyWrite:
    partnership = ids_shown(session, [row.partnership_pk], caller).get(row.partnership_pk, "")
    programme = None
    if row.programme_pk is not None:
        programme = programme_summaries(session, [row.programme_pk], "", caller).get(
            row.programme_pk
        )
    # Not validated here: `merged` does, and answers with a problem.
    return CaseStudyWrite.model_construct(
        **row.model_dump(include=set(CaseStudyFields.model_fields)),
        slug=row.slug,
        partnership=str(partnership),
        programme=str(programme.id) if programme else None,
        priorities=queries.priorities(session, [key(row)]).get(key(row), []),
        reached=ReachedWrite.model_validate(row.reached),
        quotes=[QuoteWrite.model_validate(quote) for quote in row.quotes],
        images=[CaseStudyImageWrite.model_validate(image) for image in row.images],
    )


def _refuse_taken(session: Session, slug: str) -> None:
    if queries.slug_is_taken(session, slug):
        raise Problem(CONFLICT, f"There is a case study {slug} already. Choose another slug.")
