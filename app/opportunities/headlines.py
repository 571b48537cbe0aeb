"""The change log in short, for those who are told of every change and read the rest themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, select
from sqlmodel import Session, col

from app.opportunities.models import Opportunity, Status
from app.webhooks.events import EventType

LONGEST_WRITE = timedelta(seconds=60)
"""As long as a batch may take from its stamps to its commit."""


@dataclass(frozen=True)
class Headline:
    """One change of a listing that is or was public, as anybody may hear of it."""

    change_number: int
    id: UUID
    status: Status
    title: str | None
    """None unless lists show it: what was withdrawn is public no longer, and its title neither."""
    published_at: datetime | None
    updated_at: datetime

    def event_of(self, looked_at: datetime) -> EventType:
        """What happened since the log was last looked at.

        A listing is `published` when it is public for the first time, and has `changed` when it
        comes back: a receiver keeps what is `published` or `changed`, and removes what is
        `withdrawn`, as `state` says in the change log.
        """
        if self.status is not Status.PUBLISHED or self.published_at is None:
            return EventType.OPPORTUNITY_WITHDRAWN
        # It is stamped when its transaction writes it and seen when that commits: it may be new
        # although its stamp is older than the look, and is, unless it was edited since.
        late = self.published_at > looked_at - LONGEST_WRITE
        if self.published_at > looked_at or (late and self.updated_at <= self.published_at):
            return EventType.OPPORTUNITY_PUBLISHED
        return EventType.OPPORTUNITY_CHANGED

    def told(self) -> dict[str, Any]:
        """The data of its message."""
        told: dict[str, Any] = {
            "id": str(self.id),
            "change_number": self.change_number,
            "href": f"/v1/opportunities/{self.id}",
        }
        if self.title is not None:
            told["title"] = self.title
        return told


def headlines(session: Session, after: int, limit: int) -> Sequence[Headline]:
    """The first changes beyond a number. The log is the same for everybody."""
    title = case((col(Opportunity.status) == Status.PUBLISHED, col(Opportunity.title)))
    statement = (
        select(
            col(Opportunity.change_number),
            col(Opportunity.id),
            col(Opportunity.status),
            title.label("title"),
            col(Opportunity.published_at),
            col(Opportunity.updated_at),
        )
        .where(col(Opportunity.change_number) > after)
        .order_by(col(Opportunity.change_number))
        .limit(limit)
    )
    return [Headline(*row) for row in session.execute(statement)]
