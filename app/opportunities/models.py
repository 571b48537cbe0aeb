"""A listing and its sessions as they are stored, and the words for their states."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlmodel import Field, SQLModel

from app.kit.database import MAXIMUM_INTEGER, Row, enum_type
from app.kit.identifiers import uuid7
from app.kit.times import now

EARLIEST = 2000
LATEST = 2100
MOST_SESSIONS = 1_000
OLDEST = 120.0
FAR_FUTURE = "9999-12-31T00:00:00+00:00"


class Kind(StrEnum):
    """What sort of thing a listing offers."""

    WORKSHOP = "workshop"
    COURSE = "course"
    CLUB = "club"
    PERFORMANCE = "performance"
    EXHIBITION = "exhibition"
    FESTIVAL = "festival"
    SCHOOL_VISIT = "school_visit"
    OUTREACH = "outreach"
    RESIDENCY = "residency"
    CPD = "cpd"
    TEACHERS_NETWORK = "teachers_network"
    YOUTH_BOARD = "youth_board"
    WORK_EXPERIENCE = "work_experience"
    APPRENTICESHIP = "apprenticeship"
    ARTS_AWARD = "arts_award"
    HOLIDAY_ACTIVITY = "holiday_activity"
    COMMISSION = "commission"
    FUNDING = "funding"
    LOAN_RESOURCE = "loan_resource"
    ONLINE_RESOURCE = "online_resource"
    MEETING = "meeting"


class Delivery(StrEnum):
    """How a listing reaches people."""

    IN_PERSON = "in_person"
    ONLINE = "online"
    HYBRID = "hybrid"
    OUTREACH = "outreach"


class Status(StrEnum):
    """The life of a listing."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    PUBLISHED = "published"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class SessionStatus(StrEnum):
    """Whether a session takes place."""

    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"
    FULL = "full"


class PricePer(StrEnum):
    """What one price pays for."""

    PERSON = "person"
    CHILD = "child"
    ADULT_AND_CHILD = "adult_and_child"
    FAMILY = "family"
    CLASS = "class"
    SCHOOL = "school"
    HOUR = "hour"
    SESSION = "session"
    HALF_DAY = "half_day"
    DAY = "day"
    WEEK = "week"
    TERM = "term"
    COURSE = "course"
    MEMBERSHIP = "membership"


# --- tables -----------------------------------------------------------------------------------


class Opportunity(Row, table=True):
    """A listing. What filters and sorts need stands in columns, the rest in `content`."""

    __table_args__ = (
        UniqueConstraint("source_pk", "external_id"),
        # It holds what the commonest filters look at, so that a page is found in it alone.
        Index(
            "ix_opportunity_listed",
            "status",
            "sort_at",
            "pk",
            "region_wide",
            "age_min",
            "age_max",
            "free",
            "kind",
            "delivery",
            "always_available",
        ),
        # A box on the map is a few runs of cells, so that one index serves it on both engines.
        Index(
            "ix_opportunity_place",
            "status",
            "cell",
            "easting",
            "northing",
            "pk",
            "region_wide",
            "age_min",
            "age_max",
            "free",
            "kind",
            "delivery",
        ),
        Index("ix_opportunity_published", "status", "published_at", "pk"),
        Index("ix_opportunity_updated", "status", "updated_at", "pk"),
        Index("ix_opportunity_title", "status", "title_sort", "pk"),
        Index("ix_opportunity_best", "status", "quality", "pk"),
        Index("ix_opportunity_provider", "provider_pk", "status"),
        Index("ix_opportunity_change_number", "change_number", unique=True),
        Index(
            "ix_opportunity_stale",
            "pk",
            sqlite_where=text("stale = 1"),
            postgresql_where=text("stale"),
        ),
        Index(
            "ix_opportunity_unmatched",
            "pk",
            sqlite_where=text("unmatched = 1"),
            postgresql_where=text("unmatched"),
        ),
        Index(
            "ix_opportunity_merged_into_pk",
            "merged_into_pk",
            sqlite_where=text("merged_into_pk IS NOT NULL"),
            postgresql_where=text("merged_into_pk IS NOT NULL"),
        ),
        # It holds all that a source is told of its listings together: states, quality, the oldest.
        Index(
            "ix_opportunity_source",
            "source_pk",
            "status",
            "last_seen_at",
            "quality",
            "quality_gaps",
        ),
        Index("ix_opportunity_assessed", "quality_version", "pk"),
        Index(
            "ix_opportunity_pending",
            "source_pk",
            sqlite_where=text("pending IS NOT NULL"),
            postgresql_where=text("pending IS NOT NULL"),
        ),
        Index(
            "ix_opportunity_endless",
            "status",
            "pk",
            sqlite_where=text("last_session_ends_at IS NULL"),
            postgresql_where=text("last_session_ends_at IS NULL"),
        ),
        Index(
            "ix_opportunity_asked",
            "pk",
            sqlite_where=text("asked_at IS NOT NULL"),
            postgresql_where=text("asked_at IS NOT NULL"),
        ),
        Index(
            "ix_opportunity_corrected",
            "source_pk",
            "status",
            "updated_at",
            sqlite_where=text("CAST(overrides AS TEXT) != '{}'"),
            postgresql_where=text("CAST(overrides AS TEXT) != '{}'"),
        ),
        CheckConstraint("age_min IS NULL OR age_max IS NULL OR age_min <= age_max", "ages"),
    )

    source_pk: int = Field(foreign_key="source.pk")
    source_key: str = Field(max_length=80)
    source_name: str = Field(max_length=160)
    owner_pk: int = Field(
        foreign_key="organisation.pk", index=True, description="The source's organisation."
    )
    external_id: str = Field(max_length=200)
    payload: dict[str, Any] = Field(sa_type=JSON, description="The item as it was sent.")
    payload_digest: str = Field(max_length=32)
    refused_digest: str | None = Field(
        default=None,
        max_length=32,
        description="Of a change that was refused, in whole or in part: sent again, it is no news.",
    )
    origin_text: dict[str, Any] | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True)),
        description="What people wrote at the source: `texts` by field, columns that are `kept`, "
        "and the fields that came from the source's `defaults`.",
    )
    content: dict[str, Any] = Field(sa_type=JSON, description="What is in force.")
    overrides: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    pending: dict[str, Any] | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True)),
        description="A change that awaits a moderator.",
    )
    status: Status = Field(sa_type=enum_type(Status))
    withdrawn_by: str | None = Field(default=None, max_length=10)
    rejection_reason: str | None = Field(default=None, max_length=500)
    missing: list[str] = Field(default_factory=list, sa_type=JSON)
    approved_at: datetime | None = None
    published_at: datetime | None = None
    last_seen_at: datetime = Field(default_factory=now)
    asked_at: datetime | None = Field(
        default=None, description="When its owner was asked whether it is still on."
    )
    confirmed_at: datetime | None = Field(
        default=None, description="When somebody last said that it is still on."
    )
    title: str = Field(max_length=160)
    title_sort: str = Field(
        default="",
        max_length=160,
        sa_column_kwargs={"server_default": ""},
        description="The title as lists are sorted by it: no case, no accents.",
    )
    kind: Kind | None = Field(default=None, sa_type=enum_type(Kind))
    delivery: Delivery = Field(sa_type=enum_type(Delivery))
    provider_pk: int | None = Field(default=None, foreign_key="organisation.pk")
    programme_pk: int | None = Field(default=None, foreign_key="programme.pk", index=True)
    venue_pk: int | None = Field(default=None, foreign_key="venue.pk", index=True)
    authority_pk: int | None = Field(default=None, foreign_key="authority.pk", index=True)
    easting: int | None = None
    northing: int | None = None
    cell: int | None = Field(
        default=None, description="The square kilometre of these metres; `grid.cell` says how."
    )
    region_wide: bool = False
    age_min: float | None = None
    age_max: float | None = None
    free: bool = False
    price_pence: int | None = Field(default=None, le=MAXIMUM_INTEGER)
    always_available: bool = False
    first_session_at: datetime | None = None
    next_session_at: datetime | None = None
    next_session_ends_at: datetime | None = None
    last_session_at: datetime | None = Field(default=None, index=True)
    last_session_ends_at: datetime | None = None
    sort_at: datetime = Field(description="The next session, or the far future.")
    quality: int = Field(
        default=0,
        sa_type=SmallInteger,
        sa_column_kwargs={"server_default": "0"},
        description="0 to 100; `quality` says how.",
    )
    quality_gaps: int = Field(
        default=0,
        sa_column_kwargs={"server_default": "0"},
        description="A bit for each criterion that it did not earn.",
    )
    quality_version: int = Field(
        default=0,
        sa_type=SmallInteger,
        sa_column_kwargs={"server_default": "0"},
        description="Of the weights under which it was assessed; 0 is never.",
    )
    document: str | None = Field(default=None, sa_type=Text)
    stale: bool = False
    change_number: int | None = Field(default=None, sa_type=BigInteger)
    demo: bool = False
    unmatched: bool = Field(
        default=True,
        sa_column_kwargs={"server_default": true()},
        description="It changed, and was not compared with the others since.",
    )
    merged_into_pk: int | None = Field(
        default=None, foreign_key="opportunity.pk", description="The listing that stands for it."
    )
    merged_version: int | None = Field(
        default=None, description="Its version when the listing that stands for it last took it in."
    )
    gaps: dict[str, Any] | None = Field(
        default=None,
        sa_column=Column(JSON(none_as_null=True)),
        description="What the listings merged into it say where it says nothing.",
    )


class OpportunitySession(SQLModel, table=True):
    """One occasion of a listing: UTC for machines, London's date and minute for people."""

    __tablename__ = "opportunity_session"
    __table_args__ = (
        Index("ix_opportunity_session_times", "opportunity_pk", "starts_at", "ends_at"),
        Index("ix_opportunity_session_change_number", "change_number", unique=True),
    )

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True)
    opportunity_pk: int = Field(foreign_key="opportunity.pk")
    external_id: str | None = Field(default=None, max_length=200)
    starts_at: datetime
    ends_at: datetime
    has_time: bool = True
    has_end: bool = True
    local_date: date
    local_minute: int | None = Field(default=None, ge=0, le=1439)
    weekday: int = Field(ge=0, le=6, description="0 is Monday.")
    status: SessionStatus = Field(sa_type=enum_type(SessionStatus))
    capacity: int | None = None
    places_left: int | None = None
    deleted_at: datetime | None = None
    change_number: int | None = Field(default=None, sa_type=BigInteger)


class OpportunityTerm(SQLModel, table=True):
    """A term that a listing carries, or its venue for it: artform, theme, audience, access."""

    __tablename__ = "opportunity_term"
    __table_args__ = (Index("ix_opportunity_term_code", "vocabulary", "code", "opportunity_pk"),)

    opportunity_pk: int = Field(foreign_key="opportunity.pk", primary_key=True)
    vocabulary: str = Field(max_length=20, primary_key=True)
    code: str = Field(max_length=60, primary_key=True)


class OpportunityArea(SQLModel, table=True):
    """An authority that a listing reaches: its venue's, and those it comes to."""

    __tablename__ = "opportunity_area"
    __table_args__ = (Index("ix_opportunity_area_authority", "authority_pk", "opportunity_pk"),)

    opportunity_pk: int = Field(foreign_key="opportunity.pk", primary_key=True)
    authority_pk: int = Field(foreign_key="authority.pk", primary_key=True)
