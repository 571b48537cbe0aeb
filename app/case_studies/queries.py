"""Reading case studies.

Drafts are seen by the regional team and by the coordinators of the partnership.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import SYSTEM, Caller
from app.case_studies.models import CaseStudy, CaseStudyPriority, CaseStudyStatus
from app.kit.database import key
from app.kit.problems import invalid
from app.partnerships.queries import as_uuid, holds_words
from app.programmes.queries import programmes_by_ref


def visible_to(caller: Caller) -> SelectOfScalar[CaseStudy]:
    """The case studies that a caller may see."""
    statement = select(CaseStudy).where(col(CaseStudy.deleted_at).is_(None))
    if caller.is_staff:
        return statement
    return statement.where(
        or_(
            col(CaseStudy.status) == CaseStudyStatus.PUBLISHED,
            col(CaseStudy.partnership_pk).in_(caller.partnership_pks),
        )
    )


def case_study(session: Session, caller: Caller, ref: str) -> CaseStudy | None:
    """One case study, by its slug or its id."""
    named = or_(col(CaseStudy.slug) == ref, col(CaseStudy.id) == as_uuid(ref))
    return session.execute(visible_to(caller).where(named)).scalars().first()


def address(row: CaseStudy, public_url: str) -> str:
    """Where a case study is read."""
    return f"{public_url}/v1/case-studies/{row.slug}"


def slug_is_taken(session: Session, slug: str) -> bool:
    """Whether a case study that is not deleted has this slug."""
    statement = visible_to(SYSTEM).where(col(CaseStudy.slug) == slug)
    return session.execute(statement).first() is not None


def listed(
    caller: Caller,
    *,
    status: CaseStudyStatus | None = None,
    partnership_pks: Collection[int] | None = None,
    programme_pks: Collection[int] | None = None,
    priorities: Collection[str] = (),
    years: Collection[int] = (),
    q: str | None = None,
) -> SelectOfScalar[CaseStudy]:
    """The case studies that a caller may see, narrowed by what is given."""
    statement = visible_to(caller)
    if status:
        statement = statement.where(col(CaseStudy.status) == status)
    if partnership_pks is not None:
        statement = statement.where(col(CaseStudy.partnership_pk).in_(partnership_pks))
    if programme_pks is not None:
        statement = statement.where(col(CaseStudy.programme_pk).in_(programme_pks))
    if priorities:
        serving = select(CaseStudyPriority.case_study_pk).where(
            col(CaseStudyPriority.priority).in_(priorities)
        )
        statement = statement.where(col(CaseStudy.pk).in_(serving))
    if years:
        statement = statement.where(col(CaseStudy.year).in_(years))
    if q is not None:
        statement = statement.where(holds_words(col(CaseStudy.words), q))
    return statement


def programmes_meant(session: Session, caller: Caller, refs: Collection[str]) -> set[int]:
    """The keys of the programmes that `?programme=` names; 422 if one is unknown."""
    found = programmes_by_ref(session, refs, caller)
    for ref in refs:
        if ref not in found:
            raise invalid("?programme", f"There is no programme {ref}.")
    return {key(row) for row in found.values()}


def priorities(session: Session, pks: Collection[int]) -> Mapping[int, list[str]]:
    """The priorities of several case studies in order, in one query."""
    statement = (
        select(CaseStudyPriority)
        .where(col(CaseStudyPriority.case_study_pk).in_(pks))
        .order_by(col(CaseStudyPriority.position))
    )
    found: dict[int, list[str]] = {}
    for row in session.execute(statement).scalars():
        found.setdefault(row.case_study_pk, []).append(row.priority)
    return found
