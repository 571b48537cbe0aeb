"""HTTP for webhooks."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col

from app.access.callers import SignedIn
from app.access.models import Caller
from app.kit.addresses import Reach
from app.kit.conditional import IfMatchHeader, show_version
from app.kit.database import key
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, SecretSession, WriteSession
from app.kit.shapes import MergePatch
from app.kit.times import now
from app.webhooks import actions, queries
from app.webhooks.emitting import completed
from app.webhooks.models import (
    MessageState,
    Stopped,
    Webhook,
    WebhookAttemptRead,
    WebhookDeliveryRead,
    WebhookListingsRead,
    WebhookMade,
    WebhookMessage,
    WebhookRead,
    WebhookReplayRead,
    WebhookReplayWrite,
    WebhookStatus,
    WebhookWrite,
)

router = make_router("/v1/webhooks", "webhooks")
routers = (router,)

WebhookId = Annotated[UUID, Path(description="The id of the webhook.")]
DeliveryId = Annotated[UUID, Path(description="The id of the entry in the delivery log.")]


class WebhookParameters(ListParameters):
    """Which webhooks."""

    status: WebhookStatus | None = Field(default=None, description="Only these.")


class DeliveryParameters(ListParameters):
    """Which part of the delivery log."""

    state: MessageState | None = Field(default=None, description="Only these.")


@router.get("", responses=problems(400, 401))
def list_webhooks(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    parameters: Annotated[WebhookParameters, Query()],
) -> Page[WebhookRead]:
    """Your webhooks: those of your organisation or partnerships. Staff see all below them too."""
    statement = queries.with_status(queries.visible_to(caller), parameters.status)
    part = paginate(session, statement, [Order(col(Webhook.pk))], parameters, request)
    return page(request, response, part, _read(request, session, part.rows))


@router.post("", status_code=201, responses=problems(401, 403, 409))
def create_webhook(
    request: Request,
    response: Response,
    session: SecretSession,
    caller: SignedIn,
    body: WebhookWrite,
) -> WebhookMade:
    """Ask to be told. The secret is in this answer and nowhere else.

    Messages are posted as Standard Webhooks 1.0 says: JSON `{"type", "timestamp", "data"}`, with
    the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`. `data` holds ids and an
    `href` to read the rest from. Answer 2xx within 15 seconds, then do the work. The same message
    may come twice, with the same `webhook-id`.

    What you are told is what your key may see. Messages about listings come in the order of their
    changes; each listing once, as it stands since its latest change.
    """
    row = actions.create_webhook(session, caller, body, _reach(request))
    made = _made(request, session, row)
    response.headers["Location"] = made.href
    show_version(request, row)
    return made


@router.get("/{webhook_id}", responses=problems(401, 404))
def get_webhook(
    request: Request, session: ReadSession, caller: SignedIn, webhook_id: WebhookId
) -> WebhookRead:
    """One webhook, and how it goes."""
    return _shown(request, session, _found(session, caller, webhook_id))


@router.put("/{webhook_id}", responses=problems(401, 404, 412, 428))
def replace_webhook(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    webhook_id: WebhookId,
    if_match: IfMatchHeader,
    body: WebhookWrite,
) -> WebhookRead:
    """Change a webhook. Its secret stays; what waits goes to the new address."""
    row = _found(session, caller, webhook_id, lock=True)
    if_match.check(row)
    actions.replace_webhook(session, caller, row, body, _reach(request))
    return _shown(request, session, row)


@router.patch("/{webhook_id}", responses=problems(401, 404, 412, 428))
def update_webhook(
    request: Request,
    session: WriteSession,
    caller: SignedIn,
    webhook_id: WebhookId,
    if_match: IfMatchHeader,
    patch: MergePatch,
) -> WebhookRead:
    """Change parts of a webhook."""
    row = _found(session, caller, webhook_id, lock=True)
    if_match.check(row)
    actions.update_webhook(session, caller, row, patch, _reach(request))
    return _shown(request, session, row)


@router.delete("/{webhook_id}", status_code=204, responses=problems(401, 404, 412, 428))
def delete_webhook(
    session: WriteSession, caller: SignedIn, webhook_id: WebhookId, if_match: IfMatchHeader
) -> None:
    """Delete a webhook, its delivery log, and what waits."""
    row = _found(session, caller, webhook_id, lock=True)
    if_match.check(row)
    actions.delete_webhook(session, caller, row)


@router.post("/{webhook_id}/rotate", responses=problems(401, 404))
def rotate_webhook_secret(
    request: Request, session: SecretSession, caller: SignedIn, webhook_id: WebhookId
) -> WebhookMade:
    """Make a new secret. For 24 hours messages carry signatures of the old one and the new one."""
    row = _found(session, caller, webhook_id, lock=True)
    actions.rotate_secret(session, caller, row)
    show_version(request, row)
    return _made(request, session, row)


@router.post("/{webhook_id}/enable", responses=problems(401, 404, 409))
def enable_webhook(
    request: Request, session: WriteSession, caller: SignedIn, webhook_id: WebhookId
) -> WebhookRead:
    """Send again. What waited goes out at once; listings go on where they stopped.

    Other events that happened while it was disabled are not told afterwards.
    """
    row = _found(session, caller, webhook_id, lock=True)
    actions.enable(session, caller, row)
    return _shown(request, session, row)


@router.post("/{webhook_id}/disable", responses=problems(401, 404))
def disable_webhook(
    request: Request, session: WriteSession, caller: SignedIn, webhook_id: WebhookId
) -> WebhookRead:
    """Send nothing more until it is enabled again."""
    row = _found(session, caller, webhook_id, lock=True)
    actions.disable(session, caller, row)
    return _shown(request, session, row)


@router.post("/{webhook_id}/test", status_code=202, responses=problems(401, 404, 409))
def test_webhook(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: SignedIn,
    webhook_id: WebhookId,
) -> WebhookDeliveryRead:
    """Send a `webhook.test` in the ordinary way; the delivery log tells what became of it."""
    row = _found(session, caller, webhook_id, lock=True)
    return _logged(request, response, session, row, actions.send_test(session, caller, row))


@router.get("/{webhook_id}/deliveries", responses=problems(400, 401, 404))
def list_webhook_deliveries(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: SignedIn,
    webhook_id: WebhookId,
    parameters: Annotated[DeliveryParameters, Query()],
) -> Page[WebhookDeliveryRead]:
    """The delivery log, newest first, with each attempt: what was answered, and what went wrong.

    Many changes of listings are one entry. Entries are kept for 30 days, unless the service is
    set otherwise.
    """
    row = _found(session, caller, webhook_id)
    statement = queries.with_state(queries.messages_of(row), parameters.state)
    order = [Order(col(WebhookMessage.pk), descending=True)]
    part = paginate(session, statement, order, parameters, request)
    return page(request, response, part, _log(request, session, row, part.rows))


@router.get("/{webhook_id}/deliveries/{delivery_id}", responses=problems(401, 404))
def get_webhook_delivery(
    request: Request,
    session: ReadSession,
    caller: SignedIn,
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
) -> WebhookDeliveryRead:
    """One entry of the delivery log."""
    row = _found(session, caller, webhook_id)
    return _log(request, session, row, [_entry(session, row, delivery_id)])[0]


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    responses=problems(401, 404, 409),
)
def replay_webhook_delivery(
    request: Request,
    response: Response,
    session: WriteSession,
    caller: SignedIn,
    webhook_id: WebhookId,
    delivery_id: DeliveryId,
) -> WebhookDeliveryRead:
    """Send an entry again, with the same `webhook-id`, whether it was accepted or not.

    Of a run of listings those are sent that have not changed since: what did was told later.
    """
    row = _found(session, caller, webhook_id, lock=True)
    entry = _entry(session, row, delivery_id)
    actions.replay(session, caller, row, entry)
    return _logged(request, response, session, row, entry)


@router.post("/{webhook_id}/replay", responses=problems(401, 404, 409))
def replay_failed_deliveries(
    session: WriteSession, caller: SignedIn, webhook_id: WebhookId, body: WebhookReplayWrite
) -> WebhookReplayRead:
    """Send all again that were given up, from an instant on."""
    row = _found(session, caller, webhook_id, lock=True)
    return WebhookReplayRead(replayed=actions.replay_failed(session, caller, row, body.since))


# --- helpers ----------------------------------------------------------------------------------


def _reach(request: Request) -> Reach:
    found: Reach = request.app.state.reach
    return found


def _found(session: Session, caller: Caller, identifier: UUID, *, lock: bool = False) -> Webhook:
    row = queries.by_id(session, caller, identifier, lock=lock)
    if row is None:
        raise Problem(NOT_FOUND, "You have no webhook of this id.")
    return row


def _entry(session: Session, row: Webhook, identifier: UUID) -> WebhookMessage:
    found = queries.message(session, row, identifier)
    if found is None:
        raise Problem(NOT_FOUND, "The delivery log of this webhook has no entry of this id.")
    return found


def _address(request: Request, row: Webhook) -> str:
    return f"{request.app.state.settings.public_url}/v1/webhooks/{row.id}"


def _shown(request: Request, session: Session, row: Webhook) -> WebhookRead:
    show_version(request, row)
    return _read(request, session, [row])[0]


def _made(request: Request, session: Session, row: Webhook) -> WebhookMade:
    return WebhookMade(**_read(request, session, [row])[0].model_dump(), secret=row.secret)


def _read(request: Request, session: Session, rows: Sequence[Webhook]) -> list[WebhookRead]:
    waiting = queries.waiting_counts(session, [key(row) for row in rows])
    owners = queries.owners(session, rows)
    keys = queries.key_ids(session, [row.key_pk for row in rows])
    found = []
    for row in rows:
        stopped = row.stopped or (None if key(row) in owners else Stopped.KEY)
        earlier = row.earlier_until if row.earlier_until and row.earlier_until > now() else None
        found.append(
            WebhookRead(
                id=row.id,
                href=_address(request, row),
                url=row.url,
                events=row.events,
                description=row.description or None,
                email=row.email,
                status=WebhookStatus.DISABLED if stopped else WebhookStatus.ENABLED,
                stopped=stopped,
                stopped_at=row.stopped_at,
                failing_since=row.failing_since,
                succeeded_at=row.succeeded_at,
                waiting=waiting.get(key(row), 0),
                earlier_secret_until=earlier,
                key=keys[row.key_pk],
                version=row.version,
                created_at=row.created_at,
                updated_at=row.updated_at,
            )
        )
    return found


def _logged(
    request: Request, response: Response, session: Session, row: Webhook, entry: WebhookMessage
) -> WebhookDeliveryRead:
    (read,) = _log(request, session, row, [entry])
    response.headers["Location"] = read.href
    return read


def _log(
    request: Request, session: Session, row: Webhook, entries: Sequence[WebhookMessage]
) -> list[WebhookDeliveryRead]:
    tried = queries.attempts(session, [entry.pk for entry in entries if entry.pk])
    public_url = request.app.state.settings.public_url
    found = []
    for entry in entries:
        state = MessageState.WAITING
        if entry.delivered_at:
            state = MessageState.DELIVERED
        elif entry.failed_at:
            state = MessageState.FAILED
        listings = None
        if entry.after is not None and entry.until is not None and entry.position is not None:
            listings = WebhookListingsRead(
                after=entry.after, until=entry.until, position=entry.position
            )
        found.append(
            WebhookDeliveryRead(
                id=entry.id,
                href=f"{_address(request, row)}/deliveries/{entry.id}",
                type=entry.type,
                created_at=entry.created_at,
                state=state,
                sent=entry.sent,
                next_attempt_at=entry.run_at if state is MessageState.WAITING else None,
                delivered_at=entry.delivered_at,
                failed_at=entry.failed_at,
                data=None if entry.data is None else completed(entry.data, public_url),
                listings=listings,
                attempts=[
                    WebhookAttemptRead.model_validate(attempt, from_attributes=True)
                    for attempt in tried.get(entry.pk or 0, ())
                ],
            )
        )
    return found
