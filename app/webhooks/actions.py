"""Making and changing webhooks, new secrets, tests and replays."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.access import audit
from app.access.models import ApiKey, Caller
from app.kit.addresses import Reach, Refused, target
from app.kit.database import key
from app.kit.identifiers import uuid7
from app.kit.problems import CONFLICT, FORBIDDEN, Problem, invalid
from app.kit.shapes import merged
from app.kit.times import now
from app.webhooks import queries
from app.webhooks.events import TEST, follows_listings
from app.webhooks.models import (
    Stopped,
    Webhook,
    WebhookAttempt,
    WebhookMessage,
    WebhookWrite,
)
from app.webhooks.signing import new_secret

MOST_WEBHOOKS = 20
"""Of one key and its rotations."""

BOTH_VALID = timedelta(hours=24)
"""How long messages carry a signature of the secret before the last as well."""


def create_webhook(session: Session, caller: Caller, write: WebhookWrite, reach: Reach) -> Webhook:
    """Make a webhook. It hears of what happens from now on."""
    if caller.key_pk is None:
        raise Problem(FORBIDDEN, "A webhook belongs to a key. Make one with a key of your own.")
    # Locked, so that two requests of one key are counted one after the other.
    owner = session.exec(
        select(ApiKey).where(ApiKey.pk == caller.key_pk).with_for_update(key_share=True)
    ).one()
    if queries.count_of_family(session, owner.family) >= MOST_WEBHOOKS:
        raise Problem(
            CONFLICT, f"Your key has {MOST_WEBHOOKS} webhooks already. Delete one, then try again."
        )
    row = Webhook(
        key_pk=key(owner),
        family=owner.family,
        role=owner.role,
        organisation_pk=owner.organisation_pk,
        url="",
        events=[],
        secret=new_secret(),
        told_to=queries.last_change(session),
    )
    _write(session, row, write, reach)
    audit.record(session, caller, "webhook.create", "webhook", row.id, after=write.model_dump())
    return row


def replace_webhook(
    session: Session, caller: Caller, row: Webhook, write: WebhookWrite, reach: Reach
) -> None:
    """Write all that an owner writes anew."""
    before = as_written(row).model_dump()
    _write(session, row, write, reach)
    audit.record(
        session,
        caller,
        "webhook.update",
        "webhook",
        row.id,
        before=before,
        after=write.model_dump(),
    )


def update_webhook(
    session: Session, caller: Caller, row: Webhook, patch: Mapping[str, Any], reach: Reach
) -> None:
    """Change some members by a merge patch."""
    replace_webhook(session, caller, row, merged(as_written(row), patch), reach)


def delete_webhook(session: Session, caller: Caller, row: Webhook) -> None:
    """Delete a webhook with all that waited for it, and its log."""
    of_it = select(WebhookMessage.pk).where(WebhookMessage.webhook_pk == row.pk)
    for statement in (
        delete(WebhookAttempt).where(col(WebhookAttempt.message_pk).in_(of_it)),
        delete(WebhookMessage).where(col(WebhookMessage.webhook_pk) == row.pk),
    ):
        session.execute(statement.execution_options(synchronize_session=False))
    session.delete(row)
    session.flush()
    audit.record(session, caller, "webhook.delete", "webhook", row.id)


def rotate_secret(session: Session, caller: Caller, row: Webhook) -> None:
    """Give a webhook a new secret; the one before stays valid for a day, an older one does not."""
    row.earlier_secret, row.earlier_until = row.secret, now() + BOTH_VALID
    row.secret = new_secret()
    session.add(row)
    session.flush()
    audit.record(session, caller, "webhook.rotate", "webhook", row.id)


def enable(session: Session, caller: Caller, row: Webhook) -> None:
    """Send again, at once what waited; listings from where it stopped."""
    must_have_key(session, row)
    row.stopped = row.stopped_at = None
    _begin_anew(session, row)
    audit.record(session, caller, "webhook.enable", "webhook", row.id)


def disable(session: Session, caller: Caller, row: Webhook) -> None:
    """Send nothing more; what waits is kept for as long as the log."""
    if row.stopped is None:
        row.stopped, row.stopped_at = Stopped.OWNER, now()
        session.add(row)
        session.flush()
        audit.record(session, caller, "webhook.disable", "webhook", row.id)


def send_test(session: Session, caller: Caller, row: Webhook) -> WebhookMessage:
    """Put a `webhook.test` where all messages wait, to be sent in the ordinary way."""
    if row.stopped is not None:
        raise Problem(CONFLICT, "This webhook is disabled. Enable it, then test it.")
    must_have_key(session, row)
    message = WebhookMessage(
        id=uuid7(),
        webhook_pk=key(row),
        type=TEST,
        data={"webhook": str(row.id), "href": f"/v1/webhooks/{row.id}"},
    )
    session.add(message)
    session.flush()
    audit.record(session, caller, "webhook.test", "webhook", row.id)
    return message


def replay(session: Session, caller: Caller, row: Webhook, message: WebhookMessage) -> None:
    """Send one message again under the same `webhook-id`, whether it was accepted or not."""
    must_have_key(session, row)
    _send_again(message)
    session.add(message)
    session.flush()
    audit.record(session, caller, "webhook.replay", "webhook", row.id, after=str(message.id))


def replay_failed(session: Session, caller: Caller, row: Webhook, since: datetime) -> int:
    """Send again all that was given up since then; the number of messages."""
    must_have_key(session, row)
    failed = session.exec(
        queries.messages_of(row).where(
            col(WebhookMessage.failed_at).is_not(None), WebhookMessage.created_at >= since
        )
    ).all()
    for message in failed:
        _send_again(message)
        session.add(message)
    session.flush()
    audit.record(session, caller, "webhook.replay", "webhook", row.id, after=len(failed))
    return len(failed)


def must_have_key(session: Session, row: Webhook) -> None:
    """A problem if the key of a webhook ended: nothing is sent then, to nobody."""
    if key(row) not in queries.owners(session, [row]):
        raise Problem(
            CONFLICT, "The key that made this webhook has ended. Make a new one with a live key."
        )


def as_written(row: Webhook) -> WebhookWrite:
    """A webhook as its owner would write it. Not validated: `merged` does that."""
    return WebhookWrite.model_construct(
        url=row.url,
        events=list(row.events),
        description=row.description or None,
        email=row.email,
    )


def purge(session: Session, days: int, limit: int = 5_000) -> int:
    """Forget messages that are older, with their attempts; the number of messages.

    A run of the change log that is not finished stays: the listings in it are told some day.
    """
    old = list(
        session.exec(
            select(WebhookMessage.pk)
            .where(
                WebhookMessage.created_at < now() - timedelta(days=days),
                ~(queries.is_waiting() & col(WebhookMessage.until).is_not(None)),
            )
            .order_by(col(WebhookMessage.created_at))
            .limit(limit)
        )
    )
    for start in range(0, len(old), 500):
        some = old[start : start + 500]
        for statement in (
            delete(WebhookAttempt).where(col(WebhookAttempt.message_pk).in_(some)),
            delete(WebhookMessage).where(col(WebhookMessage.pk).in_(some)),
        ):
            session.execute(statement.execution_options(synchronize_session=False))
    return len(old)


def _write(session: Session, row: Webhook, write: WebhookWrite, reach: Reach) -> None:
    try:
        target(write.url, reach)
    except Refused as refused:
        raise invalid("#/url", str(refused), "address_refused") from None
    if follows_listings(write.events) and not row.follows:
        row.told_to, row.looked_at = queries.last_change(session), now()
    moved = row.url != write.url
    row.url, row.events = write.url, list(write.events)
    row.description, row.email = write.description or "", write.email
    row.follows = follows_listings(write.events)
    row.updated_at = now()
    session.add(row)
    session.flush()
    if moved:
        _begin_anew(session, row)


def _begin_anew(session: Session, row: Webhook) -> None:
    """Forget the failures, and try at once what waits: the address works now, or is another."""
    row.failures, row.failing_since, row.paused_until = 0, None, None
    session.add(row)
    session.flush()
    session.execute(
        update(WebhookMessage)
        .where(col(WebhookMessage.webhook_pk) == row.pk, queries.is_waiting())
        .values(run_at=now(), attempts=0, failing_since=None)
        .execution_options(synchronize_session=False)
    )


def _send_again(message: WebhookMessage) -> None:
    message.run_at = now()
    message.attempts, message.failing_since = 0, None
    message.delivered_at = message.failed_at = None
    message.position = message.after
    message.sent = 0
