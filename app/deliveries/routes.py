"""HTTP for deliveries: how they stand, and dead letters to try again. Never what they say."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field as Described
from sqlmodel import Field, col

from app.access.callers import Staff
from app.deliveries import actions, queries
from app.deliveries.models import (
    DeliveriesRetried,
    DeliveriesRetryWrite,
    Delivery,
    DeliveryRead,
    DeliveryState,
    Topic,
)
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import NOT_FOUND, Problem, problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, WriteSession
from app.kit.times import now

router = make_router("/v1/deliveries", "deliveries")
routers = (router,)
NEWEST_FIRST = [Order(col(Delivery.pk), descending=True)]
DeliveryId = Annotated[UUID, Path(description="The id of the delivery.")]


class DeliveryFilters(ListParameters):
    """Which deliveries: filters hold together, a repeated one is either."""

    state: Annotated[list[DeliveryState], Described(max_length=10)] = Field(
        default_factory=list, description="Where they stand."
    )
    topic: Topic | None = Field(
        default=None, description="A topic or the beginning of one: `mail` for `mail.notice`."
    )
    about: UUID | None = Field(default=None, description="The id of what they are about.")


@router.get("", responses=problems(400, 401, 403))
def list_deliveries(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: Staff,
    filters: Annotated[DeliveryFilters, Query()],
) -> Page[DeliveryRead]:
    """What was announced by mail and otherwise, newest first: how it stands, not what it says."""
    statement = queries.visible_to(caller)
    if filters.state:
        statement = statement.where(queries.is_in(filters.state, now()))
    if filters.topic:
        statement = statement.where(queries.is_of(filters.topic))
    if filters.about:
        statement = statement.where(col(Delivery.about) == filters.about)
    part = paginate(session, statement, NEWEST_FIRST, filters, request)
    return page(request, response, part, [_read(request, row) for row in part.rows])


@router.post("/retry", responses=problems(401, 403))
def retry_deliveries(
    session: WriteSession, caller: Staff, body: DeliveriesRetryWrite
) -> DeliveriesRetried:
    """Try the dead letters of a topic again, the oldest first, once their cause is mended."""
    retried, remaining = actions.retry_many(session, caller, body.topic, body.limit)
    return DeliveriesRetried(retried=retried, remaining=remaining)


@router.get("/{delivery_id}", responses=problems(401, 403, 404))
def get_delivery(
    request: Request, session: ReadSession, caller: Staff, delivery_id: DeliveryId
) -> DeliveryRead:
    """How one delivery stands."""
    row = session.exec(queries.visible_to(caller).where(Delivery.id == delivery_id)).one_or_none()
    if row is None:
        raise Problem(NOT_FOUND, "There is no delivery with this id.")
    return _read(request, row)


@router.post("/{delivery_id}/retry", responses=problems(401, 403, 404, 409))
def retry_delivery(
    request: Request, session: WriteSession, caller: Staff, delivery_id: DeliveryId
) -> DeliveryRead:
    """Try one dead letter again. It gets as many attempts as a new one, and keeps its id."""
    return _read(request, actions.retry(session, caller, delivery_id))


def _read(request: Request, row: Delivery) -> DeliveryRead:
    over = row.delivered_at or row.abandoned_at
    return DeliveryRead(
        id=row.id,
        href=f"{request.app.state.settings.public_url}/v1/deliveries/{row.id}",
        topic=row.topic,
        about=row.about,
        state=queries.state_of(row, now()),
        attempts=row.attempts,
        last_error=row.last_error,
        created_at=row.created_at,
        next_attempt_at=None if over else row.run_at,
        delivered_at=row.delivered_at,
        dead_at=row.abandoned_at,
    )
