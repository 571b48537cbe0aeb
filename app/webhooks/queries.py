"""Reading webhooks, their messages, and who they may hear of what."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, exists, false, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from app.access.inbox import InboxItem
from app.access.models import ApiKey, ApiKeyPartnership, Caller, KeyRole, Role
from app.access.queries import ORGANISATION, partnerships_by_key
from app.kit.change_numbers import CHANGES
from app.kit.database import Counter, key
from app.kit.times import now
from app.webhooks.models import (
    MessageState,
    Stopped,
    Webhook,
    WebhookAttempt,
    WebhookMessage,
    WebhookStatus,
)

SHOWN_ATTEMPTS = 20


# --- who sees what ----------------------------------------------------------------------------


def visible_to(caller: Caller) -> SelectOfScalar[Webhook]:
    """The webhooks that a caller may see: its own, and staff those of the roles below too."""
    statement = select(Webhook)
    if caller.is_admin:
        return statement
    if caller.is_staff:
        return statement.where(col(Webhook.role) != KeyRole.ADMIN)
    return statement.where(_owned_by(caller))


def _owned_by(caller: Caller) -> ColumnElement[bool]:
    """Holds for the webhooks of the caller's organisation, partnerships, or for the region."""
    if caller.is_staff:
        return col(Webhook.role) == KeyRole(caller.role)
    if caller.role is Role.PUBLISHER:
        return col(Webhook.organisation_pk) == caller.organisation_pk
    if caller.role is Role.COORDINATOR:
        # Whoever acts for more partnerships would hear more than this caller may.
        beyond = exists().where(
            col(ApiKeyPartnership.key_pk) == col(Webhook.key_pk),
            col(ApiKeyPartnership.partnership_pk).not_in(caller.partnership_pks),
        )
        return (col(Webhook.role) == KeyRole.COORDINATOR) & ~beyond
    return false()


def by_id(
    session: Session, caller: Caller, identifier: UUID, *, lock: bool = False
) -> Webhook | None:
    """A webhook that the caller may see."""
    statement = visible_to(caller).where(Webhook.id == identifier)
    if lock:
        statement = statement.with_for_update()
    return session.exec(statement).one_or_none()


def with_status(
    statement: SelectOfScalar[Webhook], status: WebhookStatus | None
) -> SelectOfScalar[Webhook]:
    """Those of the webhooks that are enabled, or that are not; all of them with None."""
    works = col(Webhook.stopped).is_(None) & has_key(now())
    match status:
        case WebhookStatus.ENABLED:
            return statement.where(works)
        case WebhookStatus.DISABLED:
            return statement.where(~works)
        case _:
            return statement


def count_of_family(session: Session, family: UUID) -> int:
    """How many webhooks a key and its rotations have."""
    statement = select(func.count()).select_from(Webhook).where(Webhook.family == family)
    return session.exec(statement).one()


def inbox(session: Session, caller: Caller, public_url: str) -> list[InboxItem]:
    """The caller's webhooks that were disabled because their addresses did not answer."""
    statement = select(func.count(), func.min(Webhook.stopped_at)).where(
        col(Webhook.stopped).in_([Stopped.GONE, Stopped.FAILING]), _owned_by(caller)
    )
    count, oldest = session.exec(statement).one()
    if not count:
        return []
    href = f"{public_url}/v1/webhooks?status=disabled"
    return [InboxItem(kind="webhooks_disabled", count=count, oldest_at=oldest, href=href)]


# --- owners -----------------------------------------------------------------------------------


def has_key(at: datetime) -> ColumnElement[bool]:
    """Holds for webhooks of which a key still lives: the one that made it, or its rotation.

    A key lives no longer than its organisation.
    """
    live = aliased(ApiKey)
    there = exists().where(
        ORGANISATION.c.pk == col(live.organisation_pk), ORGANISATION.c.deleted_at.is_(None)
    )
    return exists().where(
        col(live.family) == col(Webhook.family),
        col(live.revoked_at).is_(None),
        col(live.expires_at) > at,
        or_(col(live.organisation_pk).is_(None), there),
    )


def owners(session: Session, webhooks: Sequence[Webhook]) -> Mapping[int, Caller]:
    """Who hears through each of these webhooks; those whose key or organisation ended are left out.

    Keys are looked at anew each time: nothing is told to a key that is no more.
    """
    families = {webhook.family for webhook in webhooks}
    live = session.exec(
        select(ApiKey).where(
            col(ApiKey.family).in_(families),
            col(ApiKey.revoked_at).is_(None),
            ApiKey.expires_at > now(),
        )
    ).all()
    partnerships = partnerships_by_key(session, [key(row) for row in live])
    wanted = [row.organisation_pk for row in live if row.organisation_pk]
    there = set(
        session.execute(
            select(ORGANISATION.c.pk).where(
                ORGANISATION.c.pk.in_(wanted), ORGANISATION.c.deleted_at.is_(None)
            )
        ).scalars()
    )
    callers = {
        row.family: Caller(
            role=Role(row.role),
            name=row.name,
            key_pk=row.pk,
            key_id=row.public_id,
            organisation_pk=row.organisation_pk,
            partnership_pks=frozenset(
                partnerships.get(key(row), ()) if row.role is KeyRole.COORDINATOR else ()
            ),
        )
        for row in live
        if row.organisation_pk is None or row.organisation_pk in there
    }
    return {
        key(webhook): callers[webhook.family] for webhook in webhooks if webhook.family in callers
    }


def key_ids(session: Session, key_pks: Iterable[int]) -> dict[int, str]:
    """The public parts of keys."""
    statement = select(ApiKey.pk, ApiKey.public_id).where(col(ApiKey.pk).in_(set(key_pks)))
    return {pk: public_id for pk, public_id in session.exec(statement) if pk is not None}


# --- messages ---------------------------------------------------------------------------------


def is_waiting() -> ColumnElement[bool]:
    """Holds for messages that were neither delivered nor given up."""
    return col(WebhookMessage.delivered_at).is_(None) & col(WebhookMessage.failed_at).is_(None)


def messages_of(webhook: Webhook) -> SelectOfScalar[WebhookMessage]:
    """The delivery log of a webhook."""
    return select(WebhookMessage).where(WebhookMessage.webhook_pk == webhook.pk)


def with_state(
    statement: SelectOfScalar[WebhookMessage], state: MessageState | None
) -> SelectOfScalar[WebhookMessage]:
    """Those of the messages of which this became; all of them with None."""
    match state:
        case MessageState.WAITING:
            return statement.where(is_waiting())
        case MessageState.DELIVERED:
            return statement.where(col(WebhookMessage.delivered_at).is_not(None))
        case MessageState.FAILED:
            return statement.where(col(WebhookMessage.failed_at).is_not(None))
        case _:
            return statement


def message(session: Session, webhook: Webhook, identifier: UUID) -> WebhookMessage | None:
    """One entry of the delivery log of a webhook."""
    return session.exec(messages_of(webhook).where(WebhookMessage.id == identifier)).one_or_none()


def waiting_counts(session: Session, webhook_pks: Sequence[int]) -> Mapping[int, int]:
    """How many messages wait for each webhook."""
    statement = (
        select(WebhookMessage.webhook_pk, func.count())
        .where(col(WebhookMessage.webhook_pk).in_(webhook_pks), is_waiting())
        .group_by(col(WebhookMessage.webhook_pk))
    )
    return dict(session.exec(statement).all())


def attempts(
    session: Session, message_pks: Sequence[int]
) -> Mapping[int, Sequence[WebhookAttempt]]:
    """The last attempts of several messages, in one query, oldest first."""
    place = func.row_number().over(
        partition_by=col(WebhookAttempt.message_pk), order_by=col(WebhookAttempt.pk).desc()
    )
    last = (
        select(WebhookAttempt.pk, place.label("place"))
        .where(col(WebhookAttempt.message_pk).in_(message_pks))
        .subquery()
    )
    statement = (
        select(WebhookAttempt)
        .join(last, last.c.pk == col(WebhookAttempt.pk))
        .where(last.c.place <= SHOWN_ATTEMPTS)
        .order_by(col(WebhookAttempt.pk))
    )
    found: dict[int, list[WebhookAttempt]] = {}
    for row in session.exec(statement):
        found.setdefault(row.message_pk, []).append(row)
    return found


# --- what is to do ----------------------------------------------------------------------------


def last_change(session: Session) -> int:
    """The latest change number that was drawn; no listing has a higher one."""
    found = session.get(Counter, CHANGES)
    return found.value if found else 0


def next_due(at: datetime, latest: int, *, calm: bool) -> Select[tuple[int | None]]:
    """The key of the webhook to serve now: whoever has waited longest for a turn.

    `calm` leaves out those whose last attempt failed.
    """
    waits = exists().where(
        col(WebhookMessage.webhook_pk) == col(Webhook.pk),
        is_waiting(),
        col(WebhookMessage.run_at) <= at,
    )
    unfinished = exists().where(
        col(WebhookMessage.webhook_pk) == col(Webhook.pk),
        is_waiting(),
        col(WebhookMessage.until).is_not(None),
    )
    behind = col(Webhook.follows) & (col(Webhook.told_to) < latest) & ~unfinished
    statement = select(Webhook.pk).where(
        col(Webhook.stopped).is_(None),
        or_(col(Webhook.locked_until).is_(None), col(Webhook.locked_until) <= at),
        or_(col(Webhook.paused_until).is_(None), col(Webhook.paused_until) <= at),
        or_(waits, behind),
        has_key(at),
    )
    if calm:
        statement = statement.where(Webhook.failures == 0)
    order = (col(Webhook.served_at).is_not(None), col(Webhook.served_at), col(Webhook.pk))
    return statement.order_by(*order).limit(1)  # type: ignore[return-value]


def next_message(session: Session, webhook_pk: int) -> WebhookMessage | None:
    """The message to send now: the oldest that is due, and what failed already after the others.

    So one that is refused again and again is not asked about first each time a webhook's pause
    ends, which would keep the rest waiting behind it for days.
    """
    statement = (
        select(WebhookMessage)
        .where(
            WebhookMessage.webhook_pk == webhook_pk, is_waiting(), WebhookMessage.run_at <= now()
        )
        .order_by(col(WebhookMessage.attempts), col(WebhookMessage.pk))
        .limit(1)
    )
    return session.exec(statement).first()


def has_unfinished_run(session: Session, webhook_pk: int) -> bool:
    """Whether a run of the change log is under way, or waits to be tried again."""
    statement = select(WebhookMessage.pk).where(
        WebhookMessage.webhook_pk == webhook_pk,
        is_waiting(),
        col(WebhookMessage.until).is_not(None),
    )
    return session.exec(statement.limit(1)).first() is not None


def enabled(session: Session) -> Sequence[Webhook]:
    """The webhooks to which something may be sent, as far as they themselves say."""
    return session.exec(select(Webhook).where(col(Webhook.stopped).is_(None))).all()


def is_anybody_listening(session: Session) -> bool:
    """Whether there is any webhook to which something may be sent."""
    found = select(Webhook.pk).where(col(Webhook.stopped).is_(None)).limit(1)
    return session.exec(found).first() is not None
