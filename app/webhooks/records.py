"""What the dispatcher writes down. These are no edits: versions and `updated_at` stay."""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Update, insert, update
from sqlmodel import Session, col

from app.access import audit
from app.access.models import SYSTEM
from app.deliveries.mail import queue_mail
from app.deliveries.worker import JITTER, LONGEST_WAIT, SHORTEST_WAIT
from app.deliveries.worker import WAITS as WORKER_WAITS
from app.kit.identifiers import uuid7
from app.kit.times import now
from app.webhooks import queries
from app.webhooks.events import wants
from app.webhooks.judging import Outcome
from app.webhooks.models import (
    ERROR_LENGTH,
    Stopped,
    Webhook,
    WebhookAttempt,
    WebhookMessage,
)

log = logging.getLogger("app.webhooks")

LEASE = timedelta(seconds=60)
"""Longer than a turn, the last attempt of it and writing that down take together."""

WAITS = (*WORKER_WAITS, timedelta(hours=24))
"""The worker's own waits and one more: attempts over 75 hours, so that a weekend is survived."""

RUN_LENGTH = 500
"""Changes of listings in a run."""

Changes = Callable[[Session, int, int], Sequence[Any]]
"""The change log of listings, handed down: the changes beyond a number, at most so many.

Each has `change_number`, `id`, `status`, `event_of(looked_at)` and `told()`.
"""


@dataclass(frozen=True)
class Held:
    """A webhook that this process has leased for a turn."""

    pk: int
    id: UUID
    holder: str


# --- turns ------------------------------------------------------------------------------------


def claim(session: Session, holder: str, *, calm: bool) -> Held | None:
    """Lease the webhook whose turn it is, so that one process at a time sends to it."""
    at = now()
    latest = queries.last_change(session)
    due = queries.next_due(at, latest, calm=calm).with_for_update(skip_locked=True)
    found = session.execute(
        update(Webhook)
        .where(col(Webhook.pk) == due.scalar_subquery())
        .values(locked_by=holder, locked_until=at + LEASE, served_at=at)
        .returning(col(Webhook.pk), col(Webhook.id))
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return Held(found[0], found[1], holder) if found else None


def release(session: Session, held: Held, *, idle: bool) -> None:
    """End a turn. After one in which there was nothing to do, the next comes a little later."""
    pause = {"paused_until": now() + SHORTEST_WAIT} if idle else {}
    session.execute(_held(held).values(locked_by=None, locked_until=None, **pause))


def _held(held: Held) -> Update:
    return (
        update(Webhook)
        .where(col(Webhook.pk) == held.pk, col(Webhook.locked_by) == held.holder)
        .execution_options(synchronize_session=False)
    )


# --- runs of the change log -------------------------------------------------------------------


def begin_run(session: Session, held: Held, changes: Changes) -> bool:
    """Take the next part of the change log for a webhook; whether there was any."""
    row = session.get(Webhook, held.pk, with_for_update=True)
    if row is None or not row.follows or queries.has_unfinished_run(session, held.pk):
        return False
    at = now()
    latest = queries.last_change(session)
    found = changes(session, row.told_to, RUN_LENGTH)
    whole = len(found) < RUN_LENGTH
    # All numbers up to one that can be read can be read: they are drawn in the order of commits.
    last = found[-1].change_number if found else row.told_to
    until = max(last, latest) if whole else last
    if until == row.told_to:
        return False
    if any(wants(row.events, change.event_of(row.looked_at)) for change in found):
        session.add(
            WebhookMessage(
                id=uuid7(),
                webhook_pk=held.pk,
                type="opportunity.*",
                after=row.told_to,
                until=until,
                position=row.told_to,
                new_since=row.looked_at,
            )
        )
        session.flush()
    values: dict[str, Any] = {"told_to": until, **({"looked_at": at} if whole else {})}
    session.execute(
        update(Webhook)
        .where(col(Webhook.pk) == held.pk)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return True


def move_on(session: Session, message: WebhookMessage, position: int, sent: int) -> None:
    """Write down how far a run has got."""
    session.execute(
        _message(message).values(
            position=position,
            sent=WebhookMessage.sent + sent,
            attempts=0,
            failing_since=None,
            **({"delivered_at": now()} if message.until == position else {}),
        )
    )


def accepted_run(
    session: Session, held: Held, message: WebhookMessage, outcome: Outcome, cause: UUID, sent: int
) -> None:
    """Write down that so many messages of a run were accepted, in one line of the log."""
    _attempt(session, message, outcome, cause, sent)
    _went_well(session, held, outcome)


# --- outcomes ---------------------------------------------------------------------------------


def accepted(session: Session, held: Held, message: WebhookMessage, outcome: Outcome) -> None:
    """Write down that a message was accepted, even if the lease passed to another meanwhile."""
    session.execute(
        _message(message).values(
            attempts=WebhookMessage.attempts + 1,
            delivered_at=now(),
            failed_at=None,
            failing_since=None,
            sent=1,
        )
    )
    _attempt(session, message, outcome, message.id, 1)
    _went_well(session, held, outcome)


def failed(
    session: Session,
    held: Held,
    message: WebhookMessage,
    outcome: Outcome,
    cause: UUID,
    patience: timedelta,
) -> None:
    """Write down a failure: when to try again, or that it is given up, or that all of it ends."""
    at = now()
    row = session.get(Webhook, held.pk, with_for_update=True)
    current = session.get(WebhookMessage, message.pk, with_for_update=True)
    if row is None or current is None:
        return
    _attempt(session, message, outcome, cause, 0)
    attempts, failures = current.attempts + 1, row.failures + 1
    pause, wait = _waits(attempts, failures, outcome.after)
    since = current.failing_since or at
    values: dict[str, Any] = {"attempts": attempts, "failing_since": since, "run_at": at + wait}
    is_run = message.until is not None
    if not is_run and (outcome.gone or attempts >= len(WAITS)):
        values["failed_at"] = at
    session.execute(_message(message).values(**values))
    failing_since = row.failing_since or at
    stuck = is_run and attempts >= len(WAITS) and at - since >= patience
    lost = failures >= len(WAITS) and at - failing_since >= patience
    session.execute(
        update(Webhook)
        .where(col(Webhook.pk) == held.pk)
        .values(failures=failures, failing_since=failing_since, paused_until=at + pause)
        .execution_options(synchronize_session=False)
    )
    log.warning(
        "a webhook failed",
        extra={"webhook": str(held.id), "message_id": str(cause), "attempt": attempts},
    )
    if outcome.gone or lost or stuck:
        _stop(session, row, Stopped.GONE if outcome.gone else Stopped.FAILING)


TOLD = {
    Stopped.GONE: "It answered 410, which says that it is gone for good.",
    Stopped.FAILING: "It has failed for days, however often we tried.",
}


def _stop(session: Session, row: Webhook, why: Stopped) -> None:
    """Disable a webhook and tell its owner: in the inbox, and by mail where there is an address."""
    session.execute(
        update(Webhook)
        .where(col(Webhook.pk) == row.pk, col(Webhook.stopped).is_(None))
        .values(stopped=why, stopped_at=now())
        .execution_options(synchronize_session=False)
    )
    audit.record(session, SYSTEM, "webhook.disable", "webhook", row.id, after=why.value)
    if row.email:
        # Of the address only the host: the rest may hold a secret.
        paragraphs = [
            f"We no longer send to your webhook on {urlsplit(row.url).hostname}. {TOLD[why]}",
            "What happens with listings meanwhile is kept, and you are told of it afterwards.",
            f"To go on, mend the address and POST /v1/webhooks/{row.id}/enable.",
        ]
        values = {"subject": "Your webhook was disabled", "paragraphs": paragraphs, "link": None}
        queue_mail(session, template="notice", to=row.email, values=values, about=row.id)
    log.error("a webhook was disabled", extra={"webhook": str(row.id), "reason": why.value})


def _waits(attempts: int, failures: int, asked: timedelta | None) -> tuple[timedelta, timedelta]:
    """How long the webhook pauses, and how long the message waits.

    The pause grows with failures of whatever message, so that an endpoint that is down is asked
    seldom, by one message. A message that is refused while others are accepted waits alone.
    """
    grown = random.uniform(1, 1 + JITTER)  # noqa: S311 - it hides nothing
    if asked is not None:
        wait = min(max(asked, SHORTEST_WAIT), LONGEST_WAIT) * grown
        return wait, wait
    last = len(WAITS) - 1
    pause = WAITS[min(failures, last)]
    return pause * grown, max(pause, WAITS[min(attempts, last)]) * grown


def _message(message: WebhookMessage) -> Update:
    return (
        update(WebhookMessage)
        .where(col(WebhookMessage.pk) == message.pk)
        .execution_options(synchronize_session=False)
    )


def _attempt(
    session: Session, message: WebhookMessage, outcome: Outcome, cause: UUID, sent: int
) -> None:
    session.execute(
        insert(WebhookAttempt).values(
            message_pk=message.pk,
            at=outcome.at,
            webhook_id=str(cause),
            status_code=outcome.status_code,
            duration_ms=outcome.duration_ms,
            sent=sent,
            error=outcome.error[:ERROR_LENGTH] if outcome.error else None,
        )
    )


def _went_well(session: Session, held: Held, outcome: Outcome) -> None:
    session.execute(
        update(Webhook)
        .where(col(Webhook.pk) == held.pk)
        .values(
            failures=0,
            failing_since=None,
            paused_until=None,
            succeeded_at=outcome.at,
        )
        .execution_options(synchronize_session=False)
    )


def due_now(session: Session) -> bool:
    """Whether any webhook could be claimed; an idle dispatcher takes no write lock."""
    at: datetime = now()
    statement = queries.next_due(at, queries.last_change(session), calm=False)
    return session.execute(statement).first() is not None
