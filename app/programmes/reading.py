"""What the contract shows of programmes, gathered with one query for each kind of thing."""

from collections.abc import Sequence
from decimal import Decimal

from sqlmodel import Session

from app.access.models import Caller
from app.kit.database import key
from app.partnerships.queries import summaries as partnership_summaries
from app.programmes import queries
from app.programmes.models import (
    BudgetKind,
    BudgetLine,
    BudgetLineFields,
    BudgetLineRead,
    BudgetRead,
    Milestone,
    MilestoneRead,
    Outcome,
    OutcomeRead,
    Programme,
    ProgrammeLinks,
    ProgrammeRead,
    ProgrammeSummary,
)


def in_list(
    session: Session, caller: Caller, rows: Sequence[Programme], public_url: str
) -> list[ProgrammeSummary]:
    """Programmes as a list shows them, in the order of the rows."""
    pks = [key(row) for row in rows]
    carriers = queries.partnership_pks(session, pks)
    partnerships = partnership_summaries(
        session, {pk for found in carriers.values() for pk in found}, public_url, caller
    )
    priorities = queries.priorities(session, pks)
    years = queries.plan_years(session, pks)
    return [
        ProgrammeSummary(
            **row.model_dump(include=set(ProgrammeSummary.model_fields)),
            href=queries.address(row, public_url),
            partnerships=[
                partnerships[pk] for pk in carriers.get(key(row), []) if pk in partnerships
            ],
            priorities=priorities.get(key(row), []),
            plan_years=years.get(key(row), []),
        )
        for row in rows
    ]


def whole(session: Session, caller: Caller, row: Programme, public_url: str) -> ProgrammeRead:
    """A programme with its milestones and outcomes."""
    brief = in_list(session, caller, [row], public_url)[0]
    own = caller.coordinates(*queries.partnership_pks(session, [key(row)]).get(key(row), []))
    return ProgrammeRead(
        **brief.model_dump(),
        description=row.description,
        milestones=[
            MilestoneRead.model_validate(item, from_attributes=True)
            for item in queries.parts(session, Milestone, key(row))
        ],
        outcomes=[
            OutcomeRead.model_validate(item, from_attributes=True)
            for item in queries.parts(session, Outcome, key(row))
        ],
        links=ProgrammeLinks(
            opportunities=f"{public_url}/v1/opportunities?programme={row.slug}",
            case_studies=f"{public_url}/v1/case-studies?programme={row.slug}",
            budget=f"{queries.address(row, public_url)}/budget" if own else None,
        ),
    )


def budget(session: Session, row: Programme) -> BudgetRead:
    """The budget of a programme with its sums."""
    lines = queries.parts(session, BudgetLine, key(row))
    return BudgetRead(
        items=[
            BudgetLineRead(
                **line.model_dump(include=set(BudgetLineFields.model_fields)),
                id=line.id,
                amount=_pounds(line.pence),
            )
            for line in lines
        ],
        cash=_pounds(sum(line.pence for line in lines if line.kind is BudgetKind.CASH)),
        in_kind=_pounds(sum(line.pence for line in lines if line.kind is BudgetKind.IN_KIND)),
    )


def _pounds(pence: int) -> Decimal:
    return Decimal(pence) / 100
