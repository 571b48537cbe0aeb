"""A programme with its milestones, outcomes and budget."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, PlainSerializer, field_validator, model_validator
from pydantic import Field as Described
from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Text, text
from sqlmodel import Field, SQLModel

from app.kit.database import Row, enum_type
from app.kit.shapes import ROW_MEMBERS, Reference, Referred, Write
from app.kit.text import Line, Paragraphs, SafeHTML, Slug
from app.organisations.models import Visibility
from app.vocabularies.models import TermId

MOST_MILESTONES = 100
MOST_OUTCOMES = 100
MOST_BUDGET_LINES = 200
MOST_MONEY = 1_000_000_000
"""Pounds; far above any line of a budget."""
LARGEST = 1e12
"""The largest target or actual figure."""
WORDS_LENGTH = 3_000


class ProgrammeKind(StrEnum):
    """What sort of work a programme is."""

    ACTIVITY = "activity"
    DEVELOPMENT = "development"
    TRAINING = "training"


class ProgrammeStatus(StrEnum):
    """The life of a programme."""

    PLANNED = "planned"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class BudgetKind(StrEnum):
    """Whether money or help comes."""

    CASH = "cash"
    IN_KIND = "in_kind"


def _consecutive(value: str) -> str:
    if (int(value[2:4]) + 1) % 100 != int(value[5:]):
        raise ValueError("The second year must follow the first, as in 2026/27.")
    return value


PlanYear = Annotated[
    str,
    Described(pattern=r"^20\d\d/\d\d$", max_length=7, examples=["2026/27"]),
    AfterValidator(_consecutive),
]
"""A year of plans and reports, which begins in one calendar year and ends in the next."""
Pounds = Annotated[
    Decimal,
    Described(
        ge=0, le=MOST_MONEY, decimal_places=2, description="Pounds sterling.", examples=["1250.00"]
    ),
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str),
]
Figure = Annotated[float, Described(ge=0, le=LARGEST, allow_inf_nan=False)]


# --- milestones ------------------------------------------------------------------------------


class MilestoneFields(SQLModel):
    """Something to be done by a day."""

    title: Line = Field(max_length=200, schema_extra={"examples": ["Ten schools have signed up."]})
    due_on: date | None = None
    done_on: date | None = Field(default=None, description="Null until it is done.")


class Milestone(Row, MilestoneFields, table=True):
    """A milestone of a programme, in its place of the order."""

    __tablename__ = "programme_milestone"

    programme_pk: int = Field(foreign_key="programme.pk", index=True)
    position: int


class MilestoneWrite(Write, MilestoneFields):
    """A milestone as it is written: with its id it is kept, without it is new."""

    id: UUID | None = None


class MilestoneRead(MilestoneFields):
    """A milestone."""

    id: UUID


# --- outcomes --------------------------------------------------------------------------------


class OutcomeFields(SQLModel):
    """Something counted: what was aimed at, and what came of it."""

    indicator: TermId = Field(
        max_length=60,
        description="A term of the vocabulary `indicator`.",
        schema_extra={"examples": ["participants"]},
    )
    target: Figure | None = Field(default=None)
    actual: Figure | None = Field(default=None, description="Null until it is known.")
    unit: Line | None = Field(
        default=None,
        max_length=60,
        description="What is counted, where the indicator leaves it open.",
        schema_extra={"examples": ["GBP"]},
    )
    period: Line | None = Field(
        default=None,
        max_length=60,
        description="The time that the figures are for.",
        schema_extra={"examples": ["2026/27"]},
    )


class Outcome(Row, OutcomeFields, table=True):
    """An outcome of a programme, in its place of the order."""

    __tablename__ = "programme_outcome"

    programme_pk: int = Field(foreign_key="programme.pk", index=True)
    position: int
    indicator: str = Field(max_length=60, index=True)


class OutcomeWrite(Write, OutcomeFields):
    """An outcome as it is written: with its id it is kept, without it is new."""

    id: UUID | None = None


class OutcomeRead(OutcomeFields):
    """An outcome."""

    id: UUID


# --- the budget ------------------------------------------------------------------------------


class BudgetLineFields(SQLModel):
    """Where part of the means of a programme comes from."""

    source: Line = Field(max_length=200, schema_extra={"examples": ["City council"]})
    kind: BudgetKind = Field(sa_type=enum_type(BudgetKind))
    description: Paragraphs = Field(default="", max_length=1_000)


class BudgetLine(Row, BudgetLineFields, table=True):
    """A line of a programme's budget. Never public."""

    __tablename__ = "programme_budget_line"

    programme_pk: int = Field(foreign_key="programme.pk", index=True)
    position: int
    pence: int = Field(sa_type=BigInteger)


class BudgetLineWrite(Write, BudgetLineFields):
    """A line of the budget as it is written: with its id it is kept, without it is new."""

    id: UUID | None = None
    amount: Pounds


class BudgetLineRead(BudgetLineFields):
    """A line of the budget."""

    id: UUID
    amount: Pounds


class BudgetWrite(Write):
    """The whole budget."""

    read_only: ClassVar[frozenset[str]] = frozenset({"cash", "in_kind"})

    items: Annotated[list[BudgetLineWrite], Described(max_length=MOST_BUDGET_LINES)]


class BudgetRead(SQLModel):
    """The whole budget with its sums."""

    items: list[BudgetLineRead]
    cash: Pounds
    in_kind: Pounds


# --- the programme ---------------------------------------------------------------------------


class ProgrammeFields(SQLModel):
    """What a programme says of itself."""

    title: Line = Field(max_length=160, schema_extra={"examples": ["Young writers"]})
    kind: ProgrammeKind = Field(sa_type=enum_type(ProgrammeKind))
    summary: Paragraphs = Field(default="", max_length=1_000)
    # Cleaning may lengthen what was within bounds, so that the column has none.
    description: SafeHTML = Field(default="", sa_type=Text)
    starts_on: date | None = None
    ends_on: date | None = None
    status: ProgrammeStatus = Field(
        default=ProgrammeStatus.PLANNED,
        sa_type=enum_type(ProgrammeStatus),
    )
    funders: list[Annotated[Line, Described(max_length=160)]] = Field(
        default_factory=list, max_length=40, sa_type=JSON, description="Names, shown in public."
    )
    visibility: Visibility = Field(
        default=Visibility.PUBLIC,
        sa_type=enum_type(Visibility),
    )


class Programme(Row, ProgrammeFields, table=True):
    """A programme of one or more partnerships."""

    __table_args__ = (
        CheckConstraint(
            "starts_on IS NULL OR ends_on IS NULL OR ends_on >= starts_on", name="in_order"
        ),
        Index(
            "uq_programme_live_slug",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_programme_title", "title", "pk"),
    )

    slug: str = Field(max_length=80)
    demo: bool = False
    words: str = Field(default="", max_length=WORDS_LENGTH)
    """The title and the summary as plain words, for `q`."""
    deleted_at: datetime | None = None


class ProgrammePartnership(SQLModel, table=True):
    """A partnership that carries a programme; the first is named first."""

    __tablename__ = "programme_partnership"

    programme_pk: int = Field(foreign_key="programme.pk", primary_key=True)
    partnership_pk: int = Field(foreign_key="partnership.pk", primary_key=True, index=True)
    position: int


class ProgrammePriority(SQLModel, table=True):
    """A priority that a programme serves."""

    __tablename__ = "programme_priority"

    programme_pk: int = Field(foreign_key="programme.pk", primary_key=True)
    priority: str = Field(max_length=60, primary_key=True, index=True)
    position: int


class ProgrammeYear(SQLModel, table=True):
    """A plan year that a programme belongs to."""

    __tablename__ = "programme_year"

    programme_pk: int = Field(foreign_key="programme.pk", primary_key=True)
    year: str = Field(max_length=7, primary_key=True, index=True)


def _unlike(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class ProgrammeWrite(Write, ProgrammeFields):
    """A programme as it is written."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS | {"demo", "links"}

    slug: Slug | None = Field(default=None, description="Left out: made from the title, or kept.")
    partnerships: Annotated[list[Referred], Described(max_length=20), AfterValidator(_unlike)] = (
        Field(description="The partnerships that carry it, one at least.")
    )
    priorities: Annotated[list[TermId], Described(max_length=20), AfterValidator(_unlike)] = Field(
        default_factory=list, description="Terms of the vocabulary `priority`."
    )
    plan_years: Annotated[list[PlanYear], Described(max_length=10)] = Field(
        default_factory=list, schema_extra={"examples": [["2026/27", "2027/28"]]}
    )
    milestones: Annotated[list[MilestoneWrite], Described(max_length=MOST_MILESTONES)] = Field(
        default_factory=list, description="All of them, in order."
    )
    outcomes: Annotated[list[OutcomeWrite], Described(max_length=MOST_OUTCOMES)] = Field(
        default_factory=list, description="All of them, in order."
    )

    @field_validator("plan_years")
    @classmethod
    def in_time(cls, value: list[str]) -> list[str]:
        """Each plan year once, the earliest first."""
        return sorted(set(value))

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """A programme does not end before it starts."""
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError("ends_on must not come before starts_on.")
        return self


class ProgrammeSummary(SQLModel):
    """A programme in a list."""

    id: UUID
    slug: str
    href: str
    title: str
    kind: ProgrammeKind
    summary: str
    status: ProgrammeStatus
    starts_on: date | None
    ends_on: date | None
    funders: list[str]
    visibility: Visibility
    demo: bool = Field(description="Whether it is made up, to show how the service looks.")
    partnerships: list[Reference]
    priorities: list[str]
    plan_years: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class ProgrammeLinks(SQLModel):
    """Where to read on."""

    opportunities: str
    case_studies: str
    budget: str | None = Field(description="Given to staff and to its own coordinators.")


class ProgrammeRead(ProgrammeSummary):
    """A programme with its milestones and outcomes."""

    description: str
    milestones: list[MilestoneRead]
    outcomes: list[OutcomeRead]
    links: ProgrammeLinks
