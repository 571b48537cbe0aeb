"""What the settings decide about enquiries, handed down from above."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.enquiries.models import EnquiryKind
from app.kit.times import LONDON

LONGEST, DEFAULT, SPAM, WITHDRAWN = "longest", "default", "spam", "withdrawn"
PURPOSES = (LONGEST, DEFAULT, SPAM, WITHDRAWN, *(kind.value for kind in EnquiryKind))
RETENTION: Mapping[str, int] = {LONGEST: 365, DEFAULT: 90, SPAM: 30, WITHDRAWN: 7}
"""Days: `longest` after receipt, at most; the others after closing, a kind of its own if named."""


@dataclass(frozen=True)
class Rules:
    """The knobs of enquiries."""

    form_seconds: int = 3
    form_hours: int = 24
    max_links: int = 2
    per_address: int = 5
    per_email: int = 5
    in_all: int = 1_000
    remind_days: int = 4
    due_days: int = 5
    escalate_days: int = 7
    link_days: int = 90
    retention: Mapping[str, int] = field(default_factory=lambda: RETENTION)
    regional_name: str = "the regional team"
    regional_email: str | None = None
    page_url: str = ""
    public_url: str = ""

    def kept_at_most(self, received: datetime) -> date:
        """The last day on which an enquiry that came then is kept, whatever becomes of it."""
        return _day(received) + timedelta(days=self.days(LONGEST))

    def kept_after(self, purpose: str, received: datetime, ended: datetime) -> date:
        """The day on which an enquiry that ended then is forgotten."""
        return min(
            _day(ended) + timedelta(days=self.days(purpose)),
            self.kept_at_most(received),
        )

    def days(self, purpose: str) -> int:
        """The days of a purpose: its own, or else the default."""
        table = {**RETENTION, **self.retention}
        return table.get(purpose, table[DEFAULT])


@dataclass(frozen=True)
class Desk:
    """The rules, with the secret that signs form tokens and links."""

    rules: Rules
    secret: bytes = field(repr=False)


def _day(instant: datetime) -> date:
    return instant.astimezone(LONDON).date()
