"""What is shown of enquiries: to the enquirer, to whom it concerns, and as numbers."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlmodel import Field, SQLModel

from app.enquiries.models import (
    EnquirerRole,
    EnquiryKind,
    EnquiryOutcome,
    EntryKind,
    RoutedBy,
    State,
    Subject,
)
from app.kit.shapes import Reference
from app.opportunities.ages import AgeBand


class Challenge(SQLModel):
    """What a form needs before it can be sent."""

    form_token: str = Field(description="Send it with the form.")
    not_before: datetime = Field(description="A form sent sooner was hardly written by a person.")
    expires_at: datetime = Field(description="Get a new one after that.")


class EnquiryReceipt(SQLModel):
    """That an enquiry came, and what happens next."""

    reference: str = Field(schema_extra={"examples": ["ENQ-7K3M-9QXT"]})
    answered_by: str = Field(description="Who answers.")
    due_at: datetime = Field(description="When an answer is due.")
    what_happens_next: str


class AboutRead(SQLModel):
    """What an enquiry is about, as it was called then."""

    kind: Subject
    id: UUID
    name: str
    href: str


class RoutingRead(SQLModel):
    """Who answers, and why."""

    by: RoutedBy
    reason: str


class EnquirySummary(SQLModel):
    """An enquiry without anything of the person."""

    id: UUID
    href: str
    reference: str
    kind: EnquiryKind
    state: State
    outcome: EnquiryOutcome | None
    about: AboutRead | None
    partnership: Reference | None = Field(description="Null is the regional team.")
    routing: RoutingRead
    role: EnquirerRole
    age_band: AgeBand | None
    assignee: str | None = Field(description="Not told to publishers.")
    received_at: datetime
    due_at: datetime
    overdue: bool = Field(description="Whether an answer was due and has not been given.")
    chased_at: datetime | None = Field(description="When somebody was reminded.")
    escalated_at: datetime | None = Field(description="When the regional team was told.")
    answered_at: datetime | None
    closed_at: datetime | None
    shared_at: datetime | None = Field(
        description="When the contact details were shared with the provider."
    )
    may_share: bool = Field(description="Whether the enquirer agreed to that.")
    merged_into: UUID | None
    spam_reasons: list[str]
    retain_until: date = Field(description="The day on which it is forgotten, unless held.")
    legal_hold: bool
    version: int
    created_at: datetime
    updated_at: datetime


class EnquirerRead(SQLModel):
    """How to reach the enquirer. Each reading is audited."""

    name: str
    email: str
    phone: str | None
    organisation: str | None
    postcode: str | None


class EntryRead(SQLModel):
    """Something said or done."""

    id: UUID
    kind: EntryKind
    at: datetime
    author: str
    text: str


class EnquiryRead(EnquirySummary):
    """An enquiry with the person and the conversation, as far as the caller may see them."""

    contact: EnquirerRead | None = Field(
        description="Null for publishers until the partnership shares it."
    )
    message: str = Field(
        description="For publishers, until contact is shared, with addresses, numbers, the "
        "enquirer's name and postcode taken out."
    )
    privacy_notice_version: str
    hold_reason: str | None
    entries: list[EntryRead] = Field(
        description="Messages, replies, notes and events, the first first. Not for publishers."
    )


class MonthCount(SQLModel):
    """Enquiries of a month, those that were forgotten included."""

    partnership: Reference | None
    kind: EnquiryKind
    month: date
    count: int


class EnquiryCounts(SQLModel):
    """Numbers for a dashboard, of what the caller may see."""

    states: dict[str, int]
    open: int = Field(description="Received, assigned or in progress.")
    overdue: int
    unassigned: int = Field(description="Open, and nobody's yet.")
    escalated: int = Field(description="Open, and the regional team was told.")
    kinds: dict[str, int] = Field(description="Of those that are open.")
    months: list[MonthCount] = Field(
        description="All that were no spam, by month, kind and partnership."
    )


class MyMessage(SQLModel):
    """Something that you wrote, or that we answered."""

    author: Literal["you", "us"]
    at: datetime
    text: str


class MyEnquiry(SQLModel):
    """Your enquiry, as you sent it, and what has become of it."""

    reference: str
    kind: EnquiryKind
    state: State
    outcome: EnquiryOutcome | None
    about: AboutRead | None
    answered_by: str
    received_at: datetime
    due_at: datetime
    contact: EnquirerRead
    role: EnquirerRole
    age_band: AgeBand | None
    messages: list[MyMessage]
    shared_at: datetime | None = Field(
        description="When your contact details were given to the provider, as you allowed."
    )
    may_write: bool = Field(description="Whether you can still add a message or withdraw it.")
    kept_until: date = Field(description="The day on which all of this is deleted at the latest.")
    link_expires_at: datetime


class SubjectAccess(SQLModel):
    """All that is kept of the person with an e-mail address."""

    made_at: datetime
    enquiries: list[EnquiryRead]
