"""The change log in short, for those who are told of every change and read the rest themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, select
from sqlmodel import Session, col

from app.opportunities.models import Opportunity, Status
from app.webhooks.events import EventType


@dataclass(frozen=True)
class Headline:
    """One change of a listing that is or was public, as anybody may hear of it."""

    change_number: int
    id: UUID
    status: Status
    title: str | None
    """None unless lists show it: what was withdrawn is public no longer, and its title neither."""
    published_at: datetime | None

    def event_of(self, new_since: datetime) -> EventType:
        """What happened. A listing is `published` once, when it is public for the first time.

        One that comes back has `changed`: a receiver keeps what is `published` or `changed`, and
        removes what is `withdrawn`, as `state` says in the change log.
        """
        if self.status is not Status.PUBLISHED:
            return EventType.OPPORTUNITY_WITHDRAWN
        if self.published_at is not None and self.published_at > new_since:
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
        )
        .where(col(Opportunity.change_number) > after)
        .order_by(col(Opportunity.change_number))
        .limit(limit)
    )
    return [Headline(*row) for row in session.execute(statement)]
