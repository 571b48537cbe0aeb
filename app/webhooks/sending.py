"""Sending: one event, or a page of the change log as one message for each listing."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.kit.addresses import Refused
from app.kit.outbound import CallFailed, Calls
from app.kit.times import now
from app.webhooks import signing
from app.webhooks.emitting import body, completed, message_id
from app.webhooks.events import wants
from app.webhooks.judging import Outcome, judged
from app.webhooks.models import Webhook, WebhookMessage

AGENT = "lcep-webhooks/1"


@dataclass(frozen=True)
class Sent:
    """What became of a page: how far it got, how many were accepted, and what went wrong."""

    position: int
    whole: bool
    accepted: Outcome | None = None
    """Of those that were accepted, together."""
    count: int = 0
    last: UUID | None = None
    """The id of the last one accepted."""
    failure: tuple[UUID, Outcome] | None = None


def send_event(calls: Calls, webhook: Webhook, message: WebhookMessage, public_url: str) -> Outcome:
    """Send one event."""
    data = completed(message.data or {}, public_url)
    return post(calls, webhook, message.id, body(message.type, message.created_at, data))


def send_page(
    calls: Calls,
    webhook: Webhook,
    message: WebhookMessage,
    page: Sequence[Any],
    public_url: str,
    *,
    may_go_on: Callable[[], bool],
) -> Sent:
    """Send the changes of a page in their order, until one fails or the turn is over."""
    if message.position is None or message.new_since is None:
        raise ValueError("this is no run of the change log")
    position, count, last = message.position, 0, None
    at, began = now(), time.monotonic()
    failure, whole = None, True
    status = 200
    for change in page:
        event = change.event_of(message.new_since)
        if wants(webhook.events, event):
            if not may_go_on():
                whole = False
                break
            cause = message_id(webhook.id, change.change_number)
            data = completed(change.told(), public_url)
            outcome = post(calls, webhook, cause, body(event, message.created_at, data))
            if outcome.error is not None:
                failure, whole = (cause, outcome), False
                break
            count, last, status = count + 1, cause, outcome.status_code or status
        position = change.change_number
    accepted = Outcome(at, _since(began), status) if count else None
    return Sent(position, whole, accepted, count, last, failure)


def post(calls: Calls, webhook: Webhook, identifier: UUID, content: bytes) -> Outcome:
    """One attempt, signed with every secret that is valid now."""
    at, began = now(), time.monotonic()
    valid = [webhook.secret]
    if webhook.earlier_secret and webhook.earlier_until and webhook.earlier_until > at:
        valid.append(webhook.earlier_secret)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        **signing.headers(valid, str(identifier), int(at.timestamp()), content),
    }
    try:
        answer = calls.post(webhook.url, content, headers)
    except (CallFailed, Refused) as error:
        return Outcome(at, _since(began), error=str(error))
    return judged(answer, at, _since(began))


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
