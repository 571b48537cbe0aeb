"""The change log: each listing that was ever public, once, at its latest change number.

A client that keeps a copy asks for what lies beyond the last number it saw. Numbers are drawn
last before a commit and from one counter, so a number that can be read has no lower one still to
come: to go on after it misses nothing, whoever writes meanwhile. A listing that changes again
moves to the end, so that even an old page of the log leads to the present.

A page is one query along the index of change numbers, as long as the page and no longer with the
table; the rows of listings that are gone are told apart there, and their documents stay unread.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import case, select
from sqlmodel import Field, Session, SQLModel, col

from app.opportunities.documents import served
from app.opportunities.models import Opportunity, Status
from app.opportunities.shown import OpportunityRead

MOST_CHANGES = 1_000
USUAL_CHANGES = 500


class ChangeState(StrEnum):
    """What a client does with its copy: keep it as `data` says, or remove it."""

    PUBLISHED = "published"
    DELETED = "deleted"


class OpportunityChange(SQLModel):
    """A listing as it stands since its latest change."""

    change_number: int
    id: UUID
    state: ChangeState = Field(
        description="`published`: lists show it, as in `data`. `deleted`: they show it no longer; "
        "it was withdrawn, rejected or merged, it expired, or it waits to be published again."
    )
    data: OpportunityRead | None = Field(description="The listing; null when it is `deleted`.")


class OpportunityChangePage(SQLModel):
    """Changes in the order of their numbers."""

    items: list[OpportunityChange]
    next: str = Field(
        description="Where to go on, now or after a month: keep it with your copy. Never null."
    )
    more: bool = Field(description="Whether there is more now: if so, ask `next` at once.")


class Changes(NamedTuple):
    """A page of the log; the document of a row is None where the listing is gone."""

    rows: Sequence[Any]
    more: bool


def since(session: Session, after: int, limit: int) -> Changes:
    """The first changes beyond a number. The log is the same for everybody.

    What was never public has no number, and so no place in it.
    """
    shown = case((col(Opportunity.status) == Status.PUBLISHED, col(Opportunity.document)))
    statement = (
        select(col(Opportunity.change_number), col(Opportunity.id), shown.label("document"))
        .where(col(Opportunity.change_number) > after)
        .order_by(col(Opportunity.change_number))
        .limit(limit + 1)
    )
    found = session.execute(statement).all()
    return Changes(found[:limit], len(found) > limit)


def told(row: Any, public_url: str) -> str:
    """One row of the log as JSON."""
    state, data = ChangeState.DELETED, "null"
    if row.document is not None:
        state, data = ChangeState.PUBLISHED, served(row.document, row.change_number, public_url)
    return (
        f'{{"change_number":{row.change_number},"id":"{row.id}","state":"{state}","data":{data}}}'
    )
