"""What the contract shows of case studies, gathered with one query for each kind of thing."""

from collections.abc import Sequence

from sqlmodel import Session

from app.access.models import Caller
from app.case_studies import queries
from app.case_studies.models import (
    CaseStudy,
    CaseStudyFields,
    CaseStudyImageRead,
    CaseStudyRead,
    CaseStudySummary,
    QuoteRead,
    ReachedRead,
)
from app.kit.database import key
from app.partnerships.queries import summaries as partnership_summaries
from app.programmes.queries import summaries as programme_summaries


def in_list(
    session: Session, caller: Caller, rows: Sequence[CaseStudy], public_url: str
) -> list[CaseStudySummary]:
    """Case studies as a list shows them, in the order of the rows."""
    partnerships = partnership_summaries(
        session, {row.partnership_pk for row in rows}, public_url, caller
    )
    programmes = programme_summaries(
        session, {row.programme_pk for row in rows if row.programme_pk}, public_url, caller
    )
    priorities = queries.priorities(session, [key(row) for row in rows])
    return [
        CaseStudySummary(
            id=row.id,
            slug=row.slug,
            href=queries.address(row, public_url),
            title=row.title,
            year=row.year,
            summary=row.summary,
            status=row.status,
            partnership=partnerships.get(row.partnership_pk),
            programme=programmes.get(row.programme_pk or 0),
            priorities=priorities.get(key(row), []),
            reached=ReachedRead.model_validate(row.reached),
            image=CaseStudyImageRead.model_validate(row.images[0]) if row.images else None,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


def whole(session: Session, caller: Caller, row: CaseStudy, public_url: str) -> CaseStudyRead:
    """A case study with its story; quotes without consent only for its own people."""
    brief = in_list(session, caller, [row], public_url)[0]
    quotes = [QuoteRead.model_validate(quote) for quote in row.quotes]
    if not caller.coordinates(row.partnership_pk):
        quotes = [
            quote.model_copy(update={"consent_on": None}) for quote in quotes if quote.consent_on
        ]
    # Stored text has been checked and cleaned: it is not measured again.
    return CaseStudyRead.model_construct(
        **row.model_dump(include=set(CaseStudyFields.model_fields)),
        **brief.model_dump(
            include={"id", "slug", "href", "priorities", "version", "created_at", "updated_at"}
        ),
        partnership=brief.partnership,
        programme=brief.programme,
        reached=brief.reached,
        quotes=quotes,
        images=[CaseStudyImageRead.model_validate(image) for image in row.images],
    )
