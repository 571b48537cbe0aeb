"""A case study: what was done, whom it reached, what people said of it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, model_validator
from pydantic import Field as Described
from sqlalchemy import JSON, Index, Text, text
from sqlmodel import Field, SQLModel

from app.kit.database import MAXIMUM_INTEGER, Row, enum_type
from app.kit.shapes import ROW_MEMBERS, Reference, Referred, Write
from app.kit.text import Line, Paragraphs, SafeHTML, Slug, Url
from app.kit.times import today
from app.vocabularies.models import TermId

FIRST_YEAR = 1990
LAST_YEAR = 2100
MOST_QUOTES = 40
MOST_IMAGES = 40
WORDS_LENGTH = 3_000

Count = Annotated[int, Described(ge=0, le=MAXIMUM_INTEGER)]


class CaseStudyStatus(StrEnum):
    """Whether the public reads a case study."""

    DRAFT = "draft"
    PUBLISHED = "published"


class ReachedFields(SQLModel):
    """How many took part; null where it was not counted."""

    children: Count | None = Field(default=None, description="Up to 12 years old.")
    young_people: Count | None = Field(default=None, description="13 to 25 years old.")
    families: Count | None = None
    schools: Count | None = None
    teachers: Count | None = None
    artists: Count | None = None
    volunteers: Count | None = None
    audience: Count | None = None
    sessions: Count | None = None


class ReachedWrite(Write, ReachedFields):
    """Numbers as they are written."""


class ReachedRead(ReachedFields):
    """How many took part; null where it was not counted."""


class QuoteFields(SQLModel):
    """What somebody said."""

    text: Paragraphs = Field(min_length=1, max_length=1_000)
    attribution: Line | None = Field(
        default=None, max_length=160, schema_extra={"examples": ["Teacher, primary school"]}
    )
    consent_on: date | None = Field(
        default=None,
        description="The day on which the person agreed to be quoted. Without it the quote is "
        "shown to staff and to the partnership's coordinators only.",
    )


class QuoteWrite(Write, QuoteFields):
    """A quote as it is written."""

    @model_validator(mode="after")
    def consent_is_given(self) -> Self:
        """Nobody can have agreed tomorrow."""
        if self.consent_on and self.consent_on > today():
            raise ValueError("consent_on must not lie in the future.")
        return self


class QuoteRead(QuoteFields):
    """What somebody said."""


class CaseStudyImageFields(SQLModel):
    """A picture."""

    url: Url = Field(max_length=2_000)
    alt: Line = Field(max_length=300, description="What it shows, for those who do not see it.")
    credit: Line | None = Field(default=None, max_length=160)


class CaseStudyImageWrite(Write, CaseStudyImageFields):
    """A picture as it is written."""


class CaseStudyImageRead(CaseStudyImageFields):
    """A picture."""


class CaseStudyFields(SQLModel):
    """What a case study tells."""

    title: Line = Field(max_length=160, schema_extra={"examples": ["SHOUT OUT!"]})
    year: int = Field(
        ge=FIRST_YEAR,
        le=LAST_YEAR,
        description="The calendar year that it is about.",
        schema_extra={"examples": [2026]},
    )
    summary: Paragraphs = Field(default="", max_length=1_000)
    # Cleaning may lengthen what was within bounds, so that the column has none.
    story: SafeHTML = Field(default="", sa_type=Text)
    status: CaseStudyStatus = Field(
        default=CaseStudyStatus.DRAFT,
        sa_type=enum_type(CaseStudyStatus),
    )


class CaseStudy(Row, CaseStudyFields, table=True):
    """A case study of one partnership."""

    __tablename__ = "case_study"
    __table_args__ = (
        Index(
            "uq_case_study_live_slug",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_case_study_year", "year", "pk"),
    )

    slug: str = Field(max_length=80)
    partnership_pk: int = Field(foreign_key="partnership.pk", index=True)
    programme_pk: int | None = Field(default=None, foreign_key="programme.pk", index=True)
    reached: dict[str, int | None] = Field(default_factory=dict, sa_type=JSON)
    quotes: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    images: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    words: str = Field(default="", max_length=WORDS_LENGTH)
    """The title and the summary as plain words, for `q`."""
    deleted_at: datetime | None = None


class CaseStudyPriority(SQLModel, table=True):
    """A priority that a case study is about."""

    __tablename__ = "case_study_priority"

    case_study_pk: int = Field(foreign_key="case_study.pk", primary_key=True)
    priority: str = Field(max_length=60, primary_key=True, index=True)
    position: int


def _unlike(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class CaseStudyWrite(Write, CaseStudyFields):
    """A case study as it is written."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS

    slug: Slug | None = Field(default=None, description="Left out: made from the title, or kept.")
    partnership: Referred
    programme: Referred | None = Field(default=None, description="A programme of that partnership.")
    priorities: Annotated[list[TermId], Described(max_length=20), AfterValidator(_unlike)] = Field(
        default_factory=list, description="Terms of the vocabulary `priority`."
    )
    reached: ReachedWrite = Field(default_factory=ReachedWrite)
    quotes: Annotated[list[QuoteWrite], Described(max_length=MOST_QUOTES)] = Field(
        default_factory=list
    )
    images: Annotated[list[CaseStudyImageWrite], Described(max_length=MOST_IMAGES)] = Field(
        default_factory=list
    )


class CaseStudySummary(SQLModel):
    """A case study in a list."""

    id: UUID
    slug: str
    href: str
    title: str
    year: int
    summary: str
    status: CaseStudyStatus
    partnership: Reference | None = Field(description="Null if it is not public.")
    programme: Reference | None
    priorities: list[str]
    reached: ReachedRead
    image: CaseStudyImageRead | None = Field(description="The first of its images.")
    version: int
    created_at: datetime
    updated_at: datetime


class CaseStudyRead(CaseStudyFields):
    """A case study with its story."""

    id: UUID
    slug: str
    href: str
    partnership: Reference | None = Field(description="Null if it is not public.")
    programme: Reference | None
    priorities: list[str]
    reached: ReachedRead
    quotes: list[QuoteRead] = Field(description="In public, those with consent.")
    images: list[CaseStudyImageRead]
    version: int
    created_at: datetime
    updated_at: datetime
