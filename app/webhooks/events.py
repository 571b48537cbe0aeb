"""What other systems can be told of, and the patterns by which they ask for it."""

from collections.abc import Iterable
from enum import StrEnum


class EventType(StrEnum):
    """The events. A new one may be added at any time: receivers ignore what they do not know."""

    OPPORTUNITY_SUBMITTED = "opportunity.submitted"
    OPPORTUNITY_PUBLISHED = "opportunity.published"
    OPPORTUNITY_CHANGED = "opportunity.changed"
    OPPORTUNITY_WITHDRAWN = "opportunity.withdrawn"
    BATCH_FINISHED = "batch.finished"
    ENQUIRY_RECEIVED = "enquiry.received"
    ENQUIRY_OVERDUE = "enquiry.overdue"
    ENQUIRY_ANSWERED = "enquiry.answered"
    PARTNERSHIP_CHANGED = "partnership.changed"
    PROGRAMME_CHANGED = "programme.changed"


TEST = "webhook.test"
"""What a test delivery is called: every webhook gets it, whatever it asks for."""

FROM_THE_LOG = frozenset(
    {
        EventType.OPPORTUNITY_PUBLISHED,
        EventType.OPPORTUNITY_CHANGED,
        EventType.OPPORTUNITY_WITHDRAWN,
    }
)
"""These are not announced one by one: each webhook reads the change log of listings."""

EVERYTHING = "*"
ABOUT = """`*` is everything, `opportunity.*` all of one kind. The events:

- `opportunity.submitted`: listings wait for a moderator;
- `opportunity.published`, `.changed`, `.withdrawn`: a listing is public for the first time, its \
public form changed (or it came back), it is public no longer;
- `batch.finished`: a push of many listings was applied;
- `enquiry.received`, `.overdue`, `.answered`;
- `partnership.changed`, `programme.changed`."""


def wants(patterns: Iterable[str], event: str) -> bool:
    """Whether one of these patterns names this event."""
    whole = f"{event.partition('.')[0]}.*"
    return any(pattern in {EVERYTHING, whole, event} for pattern in patterns)


def follows_listings(patterns: Iterable[str]) -> bool:
    """Whether these patterns name an event that comes from the change log."""
    asked = list(patterns)
    return any(wants(asked, event) for event in FROM_THE_LOG)


def unknown(pattern: str) -> str | None:
    """What is wrong with a pattern that names no event, or None."""
    if any(wants([pattern], event) for event in EventType):
        return None
    kinds = dict.fromkeys(f"{event.partition('.')[0]}.*" for event in EventType)
    allowed = ", ".join([EVERYTHING, *kinds, *EventType])
    return f"There is no event {pattern!r}. Allowed: {allowed}."
