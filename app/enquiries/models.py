"""An enquiry, its conversation, what limits the form, and the counts that outlive a person."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, Text, text
from sqlmodel import Field, SQLModel

from app.kit.database import Row, enum_type
from app.opportunities.ages import AgeBand

NAME_LENGTH = 120
EMAIL_LENGTH = 254
PHONE_LENGTH = 40
ORGANISATION_LENGTH = 160
TEXT_LENGTH = 5_000
REASON_LENGTH = 300
TITLE_LENGTH = 200
MESSAGE_ID_LENGTH = 250
REGION = 0
"""Stands for the regional team where a count needs a partnership."""


class EnquiryKind(StrEnum):
    """What an enquiry is for."""

    JOIN_PARTNERSHIP = "join_partnership"
    OPPORTUNITY = "opportunity"
    PROGRAMME = "programme"
    SCHOOL_SUPPORT = "school_support"
    OFFER_ACTIVITY = "offer_activity"
    PRESS = "press"
    OTHER = "other"


class EnquirerRole(StrEnum):
    """Who asks. Nobody under 13 does."""

    TEACHER = "teacher"
    PARENT_CARER = "parent_carer"
    ARTIST = "artist"
    ORGANISATION = "organisation"
    YOUNG_PERSON = "young_person_13_plus"
    OTHER = "other"


class State(StrEnum):
    """The life of an enquiry."""

    RECEIVED = "received"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    ANSWERED = "answered"
    CLOSED = "closed"
    SPAM = "spam"


OPEN = (State.RECEIVED, State.ASSIGNED, State.IN_PROGRESS)
"""The states in which somebody waits for us."""


class EnquiryOutcome(StrEnum):
    """How an enquiry ended."""

    HELPED = "helped"
    REFERRED = "referred"
    UNABLE = "unable"
    NO_REPLY = "no_reply"
    WITHDRAWN = "withdrawn"
    DUPLICATE = "duplicate"


class Subject(StrEnum):
    """What an enquiry can be about."""

    PARTNERSHIP = "partnership"
    OPPORTUNITY = "opportunity"
    PROGRAMME = "programme"
    ORGANISATION = "organisation"


class RoutedBy(StrEnum):
    """What decided who answers."""

    ABOUT = "about"
    POSTCODE = "postcode"
    REGION = "region"
    STAFF = "staff"


class EntryKind(StrEnum):
    """What an entry of a conversation is."""

    MESSAGE = "message"
    REPLY = "reply"
    NOTE = "note"
    EVENT = "event"


_OPEN = text("state IN ('received', 'assigned', 'in_progress')")


class Enquiry(Row, table=True):
    """A request from the public, and how far it has come."""

    __tablename__ = "enquiry"
    __table_args__ = (
        Index("ix_enquiry_state", "state", "pk"),
        Index("ix_enquiry_partnership", "partnership_pk", "state"),
        Index("ix_enquiry_organisation", "organisation_pk", "pk"),
        Index("ix_enquiry_retain_until", "retain_until"),
        # What the clock looks at each time is little, however long the history.
        Index("ix_enquiry_clock", "remind_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    reference: str = Field(max_length=20, unique=True)
    kind: EnquiryKind = Field(sa_type=enum_type(EnquiryKind))
    state: State = Field(default=State.RECEIVED, sa_type=enum_type(State))
    outcome: EnquiryOutcome | None = Field(default=None, sa_type=enum_type(EnquiryOutcome))

    name: str = Field(max_length=NAME_LENGTH)
    email: str = Field(max_length=EMAIL_LENGTH)
    phone: str | None = Field(default=None, max_length=PHONE_LENGTH)
    organisation: str | None = Field(default=None, max_length=ORGANISATION_LENGTH)
    postcode: str | None = Field(default=None, max_length=7)
    role: EnquirerRole = Field(sa_type=enum_type(EnquirerRole))
    age_band: AgeBand | None = Field(default=None, sa_type=enum_type(AgeBand))
    message: str = Field(sa_type=Text)
    consent_share: bool = False
    privacy_notice_version: str = Field(max_length=40)

    about_kind: Subject | None = Field(default=None, sa_type=enum_type(Subject))
    about_id: UUID | None = None
    about_ref: str | None = Field(default=None, max_length=80)
    about_name: str | None = Field(default=None, max_length=TITLE_LENGTH)
    organisation_pk: int | None = Field(
        default=None, foreign_key="organisation.pk", description="Whose listing it is about."
    )
    partnership_pk: int | None = Field(
        default=None, foreign_key="partnership.pk", description="Null is the regional team."
    )
    routed_by: RoutedBy = Field(sa_type=enum_type(RoutedBy))
    routing_reason: str = Field(max_length=REASON_LENGTH)
    spam_reasons: list[str] = Field(default_factory=list, sa_type=JSON)

    assignee: str | None = Field(default=None, max_length=NAME_LENGTH)
    assignee_email: str | None = Field(default=None, max_length=EMAIL_LENGTH)
    received_at: datetime
    month: date = Field(description="The first day of the month in which it came.")
    remind_at: datetime
    due_at: datetime
    escalate_at: datetime
    confirmed_at: datetime | None = Field(
        default=None, description="When the enquirer was told that it came; suspects are not."
    )
    chased_at: datetime | None = None
    overdue_at: datetime | None = None
    escalated_at: datetime | None = None
    answered_at: datetime | None = Field(default=None, description="The last time.")
    first_answered_at: datetime | None = None
    closed_at: datetime | None = None
    shared_at: datetime | None = None
    merged_into: UUID | None = Field(default=None, index=True)

    retain_until: date
    legal_hold: bool = False
    hold_reason: str | None = Field(default=None, max_length=REASON_LENGTH)


class EnquiryEntry(Row, table=True):
    """Something said or done in an enquiry: messages, replies, private notes, events."""

    __tablename__ = "enquiry_entry"

    enquiry_pk: int = Field(foreign_key="enquiry.pk", index=True)
    kind: EntryKind = Field(sa_type=enum_type(EntryKind))
    author: str = Field(max_length=NAME_LENGTH)
    text: str = Field(sa_type=Text)
    message_id: str | None = Field(
        default=None, max_length=MESSAGE_ID_LENGTH, description="Of the mail that carried it."
    )


class EnquiryAllowance(SQLModel, table=True):
    """How many enquiries came in a window, from one address, with one e-mail, or in all.

    The key is a keyed digest, which cannot be turned back without the secret of the service.
    """

    __tablename__ = "enquiry_allowance"

    digest: str = Field(primary_key=True, max_length=64)
    count: int
    ends_at: int = Field(sa_type=BigInteger, index=True, description="Unix seconds.")


class EnquiryTally(SQLModel, table=True):
    """What remains of enquiries that were forgotten: a number."""

    __tablename__ = "enquiry_tally"

    partnership_pk: int = Field(
        primary_key=True,
        sa_column_kwargs={"autoincrement": False},
        description="0 is the regional team.",
    )
    kind: EnquiryKind = Field(primary_key=True, sa_type=enum_type(EnquiryKind))
    month: date = Field(primary_key=True, description="Its first day.")
    count: int
