"""School terms: the days on which schools are open, for the region and for single authorities."""

from datetime import date, timedelta
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field as Described
from pydantic import model_validator
from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from app.authorities.models import AuthorityCode, AuthorityReference
from app.kit.database import Row
from app.kit.shapes import ROW_MEMBERS, Write
from app.kit.text import Line

MOST_TERMS = 5_000
LONGEST = timedelta(weeks=11)
"""Half terms split a term: whatever lasts longer has one of them inside."""
EARLIEST = 2000
LATEST = 2100


class SchoolTermFields(SQLModel):
    """An unbroken stretch of term."""

    name: Line = Field(max_length=80, schema_extra={"examples": ["Autumn 1 2026"]})
    starts_on: date = Field(description="The first day of it.")
    ends_on: date = Field(description="The last day of it; from the next day on it is holiday.")
    source: Line | None = Field(
        default=None,
        max_length=300,
        description="Where the dates come from, and under which licence.",
    )


class SchoolTerm(Row, SchoolTermFields, table=True):
    """A stretch of term, of an authority or, without one, of the whole region."""

    __tablename__ = "school_term"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", "in_order"),
        Index("ix_school_term_authority", "authority_pk", "starts_on"),
    )

    authority_pk: int | None = Field(default=None, foreign_key="authority.pk")
    demo: bool = False


class SchoolTermWrite(Write, SchoolTermFields):
    """An unbroken stretch of term: a half term ends one, and the next begins after it."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS | {"demo"}

    authority: AuthorityCode | None = Field(
        default=None,
        description="The GSS code of the authority that keeps these dates (a county's hold in its "
        "districts); null where they are the region's, for all that have none of their own.",
    )

    @model_validator(mode="after")
    def plausible(self) -> Self:
        """In order, in this century, and without a half term inside."""
        if self.ends_on < self.starts_on:
            raise ValueError("ends_on must not come before starts_on.")
        if self.starts_on.year < EARLIEST or self.ends_on.year > LATEST:
            raise ValueError(f"Give days in the years {EARLIEST} to {LATEST}.")
        if self.ends_on - self.starts_on > LONGEST:
            raise ValueError(
                "This is longer than eleven weeks. Give each half term an item of its own, so "
                "that the days off between them are known."
            )
        return self


class SchoolTermsWrite(Write):
    """All school terms that are known, of every authority and year."""

    items: Annotated[list[SchoolTermWrite], Described(max_length=MOST_TERMS)]


class SchoolTermRead(SchoolTermFields):
    """An unbroken stretch of term."""

    id: UUID
    authority: AuthorityReference | None = Field(
        description="Whose dates they are; null for the region's, which hold wherever an "
        "authority, and its county, has none of its own."
    )
    demo: bool = Field(description="Made up for the demonstration: no dates of any school.")
    version: int


class SchoolTermsReport(SQLModel):
    """What became of the terms."""

    terms: int = Field(description="How many are known now.")
    added: int
    changed: int
    removed: int
    unchanged: int
