"""The life of a listing: what a push does to each state, and what keeps it from publication."""

from dataclasses import dataclass

from app.opportunities.models import Status
from app.opportunities.written import OpportunityWrite

STAFF = "staff"
PARTNER = "partner"
MERGE = "merge"
HELD = frozenset({STAFF, MERGE})
"""What is withdrawn so does not come back by being sent again."""


@dataclass(frozen=True)
class Rules:
    """What the settings decide about listings."""

    safeguarding_required: bool = True
    max_listings: int = 0
    """Standing listings of a source that sets no number of its own; 0 is no limit."""
    pushes_per_hour: int = 0
    """What a source may send in an hour if it sets no number of its own; 0 is no limit."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a listing: its state, and whether the change waits beside it."""

    status: Status
    pending: bool = False
    approved: bool | None = None
    """Of what is withdrawn: whether what it says now may be shown without a moderator, if that
    has changed."""


def missing_facts(
    write: OpportunityWrite,
    *,
    has_provider: bool,
    has_place: bool,
    has_dates: bool,
    safeguarding: bool,
) -> list[str]:
    """What a listing still needs before it can be published, in the order of the form."""
    facts = {
        "provider": has_provider,
        "kind": write.kind is not None,
        "artforms": bool(write.artforms),
        "audience": bool(write.audiences) or write.age_min is not None or write.age_max is not None,
        "where": has_place,
        "when": has_dates,
        "price": write.price is not None and write.price.is_stated,
        "safeguarding": safeguarding,
    }
    return [name for name, stated in facts.items() if not stated]


WHAT_IS_MISSING = {
    "provider": "Say which organisation offers it.",
    "kind": "Say what kind of thing it is.",
    "artforms": "Name at least one artform.",
    "audience": "Say who it is for: ages or an audience.",
    "where": "Give a venue, outreach areas, or say that it is online.",
    "when": "Give sessions, or say that it is always available.",
    "price": "State the price, or that it is free.",
    "safeguarding": "The provider has not given its safeguarding facts: policy, date of review, "
    "named lead. Add them to the organisation.",
}


def after_push(
    previous: Status | None,
    *,
    withdrawn_by: str | None,
    was_approved: bool,
    changed: bool,
    trusted: bool,
    missing: bool,
    over: bool,
    manual: bool = False,
) -> Verdict:
    """The state after a push; `over` means that its last session has ended.

    Rejected stays until the payload changes. Withdrawn by staff stays until it is restored, and
    so does what was merged into another listing; withdrawn by the partner, or expired, revives.
    A moderated source's change to what is published waits beside the approved content.
    """
    if previous is Status.WITHDRAWN and withdrawn_by == STAFF:
        return Verdict(Status.WITHDRAWN, approved=False if changed and not trusted else None)
    if previous is Status.WITHDRAWN and withdrawn_by == MERGE:
        approved = not missing and (trusted or (was_approved and not changed))
        return Verdict(Status.WITHDRAWN, approved=approved)
    if previous is Status.REJECTED and not changed:
        return Verdict(Status.REJECTED)
    if previous is Status.PUBLISHED and changed and not trusted:
        return Verdict(Status.PUBLISHED, pending=True)
    if missing:
        return Verdict(Status.DRAFT)
    if manual and not trusted and previous in {None, Status.DRAFT, Status.REJECTED}:
        return Verdict(Status.DRAFT)  # a person sends it in with `submit`
    approved = was_approved and not changed
    if trusted or approved:
        return Verdict(Status.EXPIRED if over else Status.PUBLISHED)
    return Verdict(Status.SUBMITTED)
