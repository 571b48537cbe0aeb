"""A partnership with its areas, members, stages and priorities."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field as Described
from pydantic import model_validator
from sqlalchemy import JSON, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from app.authorities.models import AuthorityCode, AuthorityReference
from app.kit.database import Row, enum_type
from app.kit.shapes import ROW_MEMBERS, Reference, Referred, Write
from app.kit.text import Email, Line, Paragraphs, Phone, Slug, Url
from app.kit.times import today
from app.organisations.models import Visibility
from app.vocabularies.models import TermId

ANONYMOUS_MEMBER = "Individual practitioner"
"""What the public reads of a person who has not agreed to be named."""
MOST_AREAS = 60
MOST_PRIORITIES = 40
MOST_TARGETS = 40
EMBEDDED_MEMBERS = 200
"""How many members one partnership shows without asking for the list."""
WORDS_LENGTH = 4_000
_IN_ORDER = "until_date IS NULL OR from_date IS NULL OR until_date >= from_date"


class MemberRole(StrEnum):
    """What a member does in its partnership."""

    CHAIR = "chair"
    VICE_CHAIR = "vice_chair"
    MEMBER = "member"
    BRIDGE = "bridge"


class Period(SQLModel):
    """The days on which something holds."""

    from_date: date | None = Field(default=None, description="The first day; null if not known.")
    until_date: date | None = Field(
        default=None, description="The day it ended; from then on it no longer counts."
    )


class InOrder(Period):
    """A period as it is written: it does not end before it begins."""

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """`until_date` may not come before `from_date`."""
        if self.from_date and self.until_date and self.until_date < self.from_date:
            raise ValueError("until_date must not come before from_date.")
        return self


# --- areas -----------------------------------------------------------------------------------


class AreaFields(Period):
    """How much of an authority a partnership covers, and since when."""

    whole: bool = Field(default=True, description="Whether all of the authority is covered.")
    part: Line | None = Field(
        default=None,
        max_length=300,
        description="Which part, when it is not the whole.",
        schema_extra={"examples": ["Leek and Biddulph"]},
    )
    confirmed: bool = Field(
        default=True, description="Whether the partnership has confirmed that it covers this."
    )


class Area(AreaFields, table=True):
    """An authority that a partnership covers, for a time, wholly or in part."""

    __tablename__ = "partnership_area"
    __table_args__ = (
        CheckConstraint(_IN_ORDER, name="in_order"),
        CheckConstraint("NOT (whole AND part IS NOT NULL)", name="part_of_whole"),
    )

    pk: int | None = Field(default=None, primary_key=True)
    partnership_pk: int = Field(foreign_key="partnership.pk", index=True)
    authority_pk: int = Field(foreign_key="authority.pk", index=True)


class AreaWrite(Write, AreaFields, InOrder):
    """An area as it is written."""

    authority: AuthorityCode

    @model_validator(mode="after")
    def part_of_whole(self) -> Self:
        """Only a part needs to be described."""
        if self.whole and self.part:
            raise ValueError("Leave `part` out, or set `whole` to false.")
        return self


class AreaRead(AreaFields):
    """An authority that a partnership covers."""

    authority: AuthorityReference


class AreasWrite(Write):
    """All areas of a partnership."""

    read_only: ClassVar[frozenset[str]] = frozenset({"next", "total"})

    items: Annotated[list[AreaWrite], Described(max_length=MOST_AREAS)]


# --- the partnership -------------------------------------------------------------------------


class PartnershipFields(SQLModel):
    """What a partnership says of itself."""

    name: Line = Field(max_length=160, schema_extra={"examples": ["Birmingham"]})
    aliases: list[Annotated[Line, Described(max_length=160)]] = Field(
        default_factory=list,
        max_length=20,
        sa_type=JSON,
        description="Other and earlier names.",
        schema_extra={"examples": [["Birmingham Creates"]]},
    )
    contact_role: Line | None = Field(
        default=None,
        max_length=120,
        description="Whom the contact reaches, as a role and never as a person.",
        schema_extra={"examples": ["Partnership coordinator"]},
    )
    contact_email: Email | None = Field(
        default=None, max_length=254, description="A role address, never a private one."
    )
    contact_phone: Phone | None = Field(default=None, max_length=40)
    website: Url | None = Field(default=None, max_length=2_000)
    summary: Paragraphs = Field(default="", max_length=2_000)
    aims: list[Annotated[Line, Described(max_length=500)]] = Field(
        default_factory=list, max_length=40, sa_type=JSON, description="One line each."
    )
    visibility: Visibility = Field(
        default=Visibility.PUBLIC,
        sa_type=enum_type(Visibility),
    )


class Partnership(Row, PartnershipFields, table=True):
    """A Local Cultural Education Partnership (LCEP)."""

    __table_args__ = (
        Index(
            "uq_partnership_live_slug",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_partnership_name", "name", "pk"),
    )

    slug: str = Field(max_length=80)
    stage: str = Field(max_length=60, index=True)
    lead_organisation_pk: int | None = Field(
        default=None, foreign_key="organisation.pk", index=True
    )
    words: str = Field(default="", max_length=WORDS_LENGTH)
    """The name and the aliases as plain words, for `q`."""
    loaded_as: str | None = Field(default=None, max_length=80, unique=True)
    """The slug under which it came with the software: a later load knows it by that."""
    deleted_at: datetime | None = None


class PartnershipWrite(Write, PartnershipFields):
    """A partnership as it is written. Its slug, stage and areas are the regional team's."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS | {
        "member_count",
        "members",
        "stages",
        "priorities",
        "links",
    }

    slug: Slug | None = Field(
        default=None, description="Left out: made from the name, or kept. Staff only."
    )
    stage: TermId | None = Field(
        default=None,
        description="Left out: `emerging` for a new one, else as it is. Staff only; "
        "POST to `/stages` also gives the reason.",
    )
    areas: Annotated[list[AreaWrite], Described(max_length=MOST_AREAS)] | None = Field(
        default=None, description="Left out: as they are. Staff only."
    )
    lead_organisation: Referred | None = None


class PartnershipSummary(SQLModel):
    """A partnership in a list."""

    id: UUID
    slug: str
    href: str
    name: str
    aliases: list[str]
    stage: str = Field(description="How far it has come: a term of the vocabulary `stage`.")
    summary: str
    website: str | None
    visibility: Visibility
    areas: list[AreaRead]
    lead_organisation: Reference | None
    member_count: int = Field(description="Members at present.")
    version: int
    created_at: datetime
    updated_at: datetime


# --- members ---------------------------------------------------------------------------------


class MemberFields(Period):
    """How somebody belongs to a partnership."""

    sector: TermId = Field(
        max_length=60,
        description="A term of the vocabulary `sector`.",
        schema_extra={"examples": ["museum"]},
    )
    role: MemberRole = Field(
        default=MemberRole.MEMBER,
        sa_type=enum_type(MemberRole),
    )


class Member(Row, MemberFields, table=True):
    """An organisation, or one practitioner, that belongs to a partnership."""

    __tablename__ = "partnership_member"
    __table_args__ = (
        CheckConstraint(
            "(organisation_pk IS NULL) <> (person_name IS NULL)", name="one_kind_of_member"
        ),
        CheckConstraint(_IN_ORDER, name="in_order"),
        Index(
            "uq_partnership_member_current",
            "partnership_pk",
            "organisation_pk",
            unique=True,
            sqlite_where=text("until_date IS NULL"),
            postgresql_where=text("until_date IS NULL"),
        ),
    )

    partnership_pk: int = Field(foreign_key="partnership.pk", index=True)
    organisation_pk: int | None = Field(default=None, foreign_key="organisation.pk", index=True)
    person_name: str | None = Field(default=None, max_length=160)
    consent_on: date | None = None


class IndividualFields(SQLModel):
    """A practitioner who belongs to a partnership as a person."""

    name: Line = Field(
        max_length=160,
        description=f"The public reads “{ANONYMOUS_MEMBER}” unless there is consent.",
    )
    consent_on: date | None = Field(
        default=None, description="The day on which the person agreed to be named in public."
    )


class IndividualWrite(Write, IndividualFields):
    """A practitioner as it is written."""

    @model_validator(mode="after")
    def consent_is_given(self) -> Self:
        """Nobody can have agreed tomorrow."""
        if self.consent_on and self.consent_on > today():
            raise ValueError("consent_on must not lie in the future.")
        return self


class IndividualRead(IndividualFields):
    """A practitioner; the day of consent is shown to the partnership and the regional team."""


class MemberWrite(Write, MemberFields, InOrder):
    """A member as it is written: an organisation or an individual."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS

    organisation: Referred | None = None
    individual: IndividualWrite | None = None

    @model_validator(mode="after")
    def one_kind_of_member(self) -> Self:
        """A member is an organisation or a person."""
        if (self.organisation is None) == (self.individual is None):
            raise ValueError("Give either `organisation` or `individual`.")
        return self


class MemberRead(MemberFields):
    """A member: exactly one of `organisation` and `individual` is given."""

    id: UUID
    href: str
    organisation: Reference | None
    individual: IndividualRead | None
    version: int
    created_at: datetime
    updated_at: datetime


# --- stages ----------------------------------------------------------------------------------


class StageFields(SQLModel):
    """A step in the life of a partnership."""

    stage: TermId = Field(
        max_length=60,
        description="A term of the vocabulary `stage`.",
        schema_extra={"examples": ["established"]},
    )
    reason: Line = Field(
        max_length=500,
        description="Why it is at this stage.",
        schema_extra={"examples": ["The steering group adopted a three-year plan."]},
    )
    evidence_url: Url | None = Field(
        default=None, max_length=2_000, description="Where one can see it."
    )


class Stage(Row, StageFields, table=True):
    """A stage that a partnership reached, kept for good."""

    __tablename__ = "partnership_stage"

    partnership_pk: int = Field(foreign_key="partnership.pk", index=True)
    from_date: date


class StageWrite(Write, StageFields):
    """A stage as it is written."""

    from_date: date | None = Field(
        default=None, description="The day it was reached; today if left out, never in the future."
    )

    @model_validator(mode="after")
    def reached(self) -> Self:
        """A stage has been reached, not promised."""
        if self.from_date and self.from_date > today():
            raise ValueError("from_date must not lie in the future.")
        return self


class StageRead(StageFields):
    """A stage that was reached."""

    id: UUID
    from_date: date
    created_at: datetime


# --- priorities ------------------------------------------------------------------------------


class TargetFields(SQLModel):
    """Something to reach."""

    text: Line = Field(max_length=300, schema_extra={"examples": ["Ten more schools take part."]})
    due: date | None = None
    done: bool = False


class TargetWrite(Write, TargetFields):
    """A target as it is written."""


class TargetRead(TargetFields):
    """A target."""


class PriorityFields(SQLModel):
    """Something that a partnership works towards."""

    priority: TermId = Field(
        max_length=60,
        description="A term of the vocabulary `priority`.",
        schema_extra={"examples": ["youth_involvement"]},
    )
    text: Paragraphs = Field(
        default="", max_length=1_000, description="What it means here, in the partnership's words."
    )


class Priority(PriorityFields, table=True):
    """A priority of a partnership, in its place of the order."""

    __tablename__ = "partnership_priority"

    pk: int | None = Field(default=None, primary_key=True)
    partnership_pk: int = Field(foreign_key="partnership.pk", index=True)
    position: int
    priority: str = Field(max_length=60, index=True)
    targets: list[dict[str, object]] = Field(default_factory=list, sa_type=JSON)


class PriorityWrite(Write, PriorityFields):
    """A priority as it is written."""

    targets: Annotated[list[TargetWrite], Described(max_length=MOST_TARGETS)] = Field(
        default_factory=list
    )


class PriorityRead(PriorityFields):
    """A priority with its targets."""

    targets: list[TargetRead]


class PrioritiesWrite(Write):
    """All priorities of a partnership, the first first."""

    read_only: ClassVar[frozenset[str]] = frozenset({"next", "total"})

    items: Annotated[list[PriorityWrite], Described(max_length=MOST_PRIORITIES)]


# --- the whole -------------------------------------------------------------------------------


class PartnershipLinks(SQLModel):
    """Where to read on."""

    members: str
    programmes: str
    opportunities: str
    case_studies: str


class PartnershipRead(PartnershipFields):
    """A partnership with all that belongs to it."""

    id: UUID
    slug: str
    href: str
    stage: str = Field(description="How far it has come: a term of the vocabulary `stage`.")
    areas: list[AreaRead]
    lead_organisation: Reference | None
    member_count: int = Field(description="Members at present.")
    members: list[MemberRead] = Field(
        description=f"Members at present, the first {EMBEDDED_MEMBERS}; `links.members` has all."
    )
    stages: list[StageRead] = Field(description="The history, latest first.")
    priorities: list[PriorityRead]
    links: PartnershipLinks
    version: int
    created_at: datetime
    updated_at: datetime
