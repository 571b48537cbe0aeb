"""From an event to the messages of those who may hear of it.

`emit` writes one row into the outbox, in the transaction of what happened. The worker later fans
it out: a message for each webhook that asks for such events and whose owner may hear of this one,
in a transaction of its own. Who may hear is decided then, by the keys as they stand.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from sqlmodel import Session, col, select

from app.access.models import Caller, Role
from app.deliveries.actions import announce
from app.deliveries.models import Delivery, Message
from app.kit.database import Database, key
from app.kit.times import now
from app.webhooks import queries
from app.webhooks.events import FROM_THE_LOG, EventType, wants
from app.webhooks.models import WebhookMessage

TOPIC = "event"
"""The outbox holds events under `event.<type>`."""

MOST_BYTES = 16_000
"""Of an event's data. The whole message stays under the 20 kB that the standard asks for."""


@dataclass(frozen=True)
class Scope:
    """Who may hear of an event: staff always; others by what their key acts for.

    The numbers are the primary keys of organisations and partnerships.
    """

    public: bool = False
    organisations: frozenset[int] = field(default_factory=frozenset)
    partnerships: frozenset[int] = field(default_factory=frozenset)

    def includes(self, caller: Caller) -> bool:
        """Whether this caller may hear of it."""
        if self.public or caller.is_staff:
            return True
        if caller.role is Role.PUBLISHER:
            return caller.organisation_pk in self.organisations
        return caller.role is Role.COORDINATOR and not self.partnerships.isdisjoint(
            caller.partnership_pks
        )

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "public": self.public,
            "organisations": sorted(self.organisations),
            "partnerships": sorted(self.partnerships),
        }


def emit(
    session: Session, event: EventType | str, data: Mapping[str, Any], *, scope: Scope
) -> Delivery:
    """Tell webhooks of something, once the caller's transaction commits: one outbox row.

    `data` is small and holds ids, counts and states; nothing personal, ever, since it goes to
    other systems and is kept in delivery logs. An `href` that starts with `/` is completed with
    the public address. `scope` says who may hear of it, besides staff:

        emit(
            session,
            EventType.ENQUIRY_RECEIVED,
            {"id": str(enquiry.id), "kind": enquiry.kind, "href": f"/v1/enquiries/{enquiry.id}"},
            scope=Scope(partnerships=frozenset({partnership_pk})),
        )

    ValueError if there is no such event, if it comes from the change log of listings, or if the
    data are too long.
    """
    kind = EventType(event)
    if kind in FROM_THE_LOG:
        raise ValueError(f"{kind} is told from the change log: give the listing a new number")
    if len(json.dumps(data, allow_nan=False)) > MOST_BYTES:
        raise ValueError(f"The data of an event have at most {MOST_BYTES} bytes.")
    payload = {"type": kind.value, "at": now().isoformat(), "data": data, "scope": scope.stored()}
    return announce(session, f"{TOPIC}.{kind}", payload)


class FanOut:
    """The worker's sender for events: makes the messages, sends nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, message: Message) -> None:
        """Write a message for each webhook that hears of it; to repeat it changes nothing."""
        event = message.payload
        stored = event["scope"]
        scope = Scope(
            public=stored["public"],
            organisations=frozenset(stored["organisations"]),
            partnerships=frozenset(stored["partnerships"]),
        )
        at = datetime.fromisoformat(event["at"])
        with self._database.writing() as session:
            asking = [
                row
                for row in queries.enabled(session)
                if wants(row.events, event["type"]) and row.created_at <= at
            ]
            owners = queries.owners(session, asking)
            ids = {
                message_id(row.id, message.id): key(row)
                for row in asking
                if key(row) in owners and scope.includes(owners[key(row)])
            }
            known = set(
                session.exec(select(WebhookMessage.id).where(col(WebhookMessage.id).in_(ids)))
            )
            for identifier, webhook_pk in ids.items():
                if identifier not in known:
                    session.add(
                        WebhookMessage(
                            id=identifier,
                            webhook_pk=webhook_pk,
                            type=event["type"],
                            data=event["data"],
                            created_at=at,
                        )
                    )


def message_id(webhook: UUID, cause: UUID | int) -> UUID:
    """The id of what a webhook is told of a cause: an event, or a change number.

    It is made from both, so that whoever repeats it, and however often, repeats the id.
    """
    return uuid5(webhook, str(cause))


def completed(data: Mapping[str, Any], public_url: str) -> dict[str, Any]:
    """Data whose `href` is a whole address."""
    href = data.get("href")
    if isinstance(href, str) and href.startswith("/"):
        return {**data, "href": f"{public_url}{href}"}
    return dict(data)


def body(event: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The very bytes that are signed and sent."""
    told = {
        "type": event,
        "timestamp": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": data,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
