"""What awaits a caller. Each room that has such things hands `main` a function that counts them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Field, Session, SQLModel

from app.access.models import Caller


class InboxItem(SQLModel):
    """Things of one kind that wait; of `corrected` there is one for each source."""

    kind: str = Field(description="What waits.", schema_extra={"examples": ["submitted"]})
    count: int
    oldest_at: datetime | None
    href: str = Field(description="The list of them.")


class Inbox(SQLModel):
    """What awaits the caller; kinds with nothing waiting are left out."""

    items: list[InboxItem]


Contributor = Callable[[Session, Caller, str], Sequence[InboxItem]]
"""Counts what waits for a caller; the last argument is the public address for links."""
