"""What the OpenActive feeds hold: an item for each listing, ready to be sent."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from app.kit.database import enum_type


class Feed(StrEnum):
    """The feeds of listings. Those of `session_series` have their sessions in a feed beside it."""

    SESSION_SERIES = "session_series"
    EVENT = "event"
    COURSE_INSTANCE = "course_instance"
    UNSORTED = "unsorted"
    """No feed: a listing that was public before there were any, until the job has sorted it."""


class OpenActiveItem(SQLModel, table=True):
    """A listing in one feed: as it stands there, or the tombstone that it left.

    A listing that changes its kind of feed keeps a row in the old one; no other needs a second.
    The number of a row is always that of its listing, so that all feeds go in step with the log
    of changes. Sessions have no row here: they are told from their own.
    """

    __tablename__ = "openactive_item"
    __table_args__ = (
        Index("ix_openactive_item_feed", "feed", "change_number", unique=True),
        Index(
            "ix_openactive_item_stale",
            "opportunity_pk",
            sqlite_where=text("stale = 1"),
            postgresql_where=text("stale"),
        ),
    )

    opportunity_pk: int = Field(foreign_key="opportunity.pk", primary_key=True)
    feed: Feed = Field(sa_type=enum_type(Feed), primary_key=True)
    id: UUID = Field(description="The listing's, so that sessions can name it.")
    live: bool = Field(description="Whether the feed shows it; else it is a tombstone.")
    stale: bool = Field(default=False, description="To be made anew, by the job.")
    change_number: int | None = Field(default=None, sa_type=BigInteger)
    item: bytes = Field(
        sa_type=LargeBinary,
        description="The item as it is sent, but for its number and its end. As bytes: to make "
        "text of a page and bytes of it again took longer than to read it.",
    )


TABLE: Any = OpenActiveItem.__table__  # type: ignore[attr-defined]
