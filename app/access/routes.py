"""HTTP for keys, the caller's own view and the audit trail."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Request, Response
from sqlmodel import Field, Session, col

from app.access import actions, queries
from app.access.callers import Admin, AnyCaller, SignedIn, Staff
from app.access.inbox import Contributor, Inbox
from app.access.models import (
    ApiKey,
    AuditEvent,
    AuditEventRead,
    KeyMade,
    KeyRead,
    KeyWrite,
    MeRead,
)
from app.kit.database import key
from app.kit.pages import ListParameters, Order, Page, page, paginate
from app.kit.problems import problems
from app.kit.routes import router as make_router
from app.kit.sessions import ReadSession, SecretSession, WriteSession
from app.kit.times import Moment

keys = make_router("/v1/keys", "access")
me = make_router("/v1/me", "access")
audit_trail = make_router("/v1/audit-events", "access")
routers = (keys, me, audit_trail)


KeyId = Annotated[
    str, Path(description="The public part of the key, after `lcep_`.", examples=["3k9d0q2m7x1z"])
]


class AuditParameters(ListParameters):
    """Which part of the audit trail."""

    action: str | None = Field(
        default=None, max_length=60, description="Such as `organisation.create`."
    )
    subject_kind: str | None = Field(
        default=None, max_length=40, description="Such as `organisation`."
    )
    subject_id: str | None = Field(default=None, max_length=80, description="What was changed.")
    since: Moment | None = Field(default=None, description="From this instant on.")


@keys.get("", responses=problems(400, 401, 403))
def list_keys(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: Staff,
    parameters: Annotated[ListParameters, Query()],
) -> Page[KeyRead]:
    """The keys that you manage, newest first. Secrets are never shown again."""
    order = [Order(col(ApiKey.pk), descending=True)]
    part = paginate(session, queries.visible_to(caller), order, parameters, request)
    return page(request, response, part, _read(request, session, part.rows))


@keys.post("", status_code=201, responses=problems(401, 403, 409))
def create_key(
    request: Request, response: Response, session: SecretSession, caller: Staff, body: KeyWrite
) -> KeyMade:
    """Make a key for one person or system. Its secret is in this answer and nowhere else."""
    row, token = actions.create_key(session, caller, body)
    response.headers["Location"] = _address(request, row)
    return _made(request, session, row, token)


@keys.get("/{key_id}", responses=problems(401, 404))
def get_key(request: Request, session: ReadSession, caller: SignedIn, key_id: KeyId) -> KeyRead:
    """One key that you hold or manage."""
    row = actions.managed_key(session, caller, key_id)
    return _read(request, session, [row])[0]


@keys.post("/{key_id}/rotate", status_code=201, responses=problems(401, 403, 404, 409))
def rotate_key(
    request: Request, response: Response, session: SecretSession, caller: SignedIn, key_id: KeyId
) -> KeyMade:
    """Make a second live key of the same kind. Revoke the old one when all use the new one."""
    row, token = actions.rotate_key(session, caller, key_id)
    response.headers["Location"] = _address(request, row)
    return _made(request, session, row, token)


@keys.post("/{key_id}/revoke", responses=problems(401, 403, 404))
def revoke_key(request: Request, session: WriteSession, caller: SignedIn, key_id: KeyId) -> KeyRead:
    """End a key at once. A key may revoke itself."""
    return _read(request, session, [actions.revoke_key(session, caller, key_id)])[0]


@me.get("", responses=problems(401), summary="Who you are")
def get_me(request: Request, session: ReadSession, caller: AnyCaller) -> MeRead:
    """Who you are to this service, and what you are limited to."""
    row = session.get(ApiKey, caller.key_pk) if caller.key_pk else None
    known = _read(request, session, [row])[0] if row else None
    return MeRead(
        role=caller.role,
        name=caller.name,
        key=caller.key_id or None,
        organisation=known.organisation if known else None,
        partnerships=known.partnerships if known else [],
        expires_at=row.expires_at if row else None,
    )


@me.get("/inbox", responses=problems(401), summary="What awaits you")
def get_inbox(request: Request, session: ReadSession, caller: SignedIn) -> Inbox:
    """What awaits you: kinds, how many, since when, and where to read them."""
    contributors: Sequence[Contributor] = request.app.state.inbox
    public_url = request.app.state.settings.public_url
    return Inbox(
        items=[item for count in contributors for item in count(session, caller, public_url)]
    )


@audit_trail.get("", responses=problems(400, 401, 403))
def list_audit_events(
    request: Request,
    response: Response,
    session: ReadSession,
    caller: Admin,  # noqa: ARG001 - it guards the route
    parameters: Annotated[AuditParameters, Query()],
) -> Page[AuditEventRead]:
    """Who changed what, newest first. It holds no personal data and is never rewritten."""
    statement = queries.audit_events(
        action=parameters.action,
        subject_kind=parameters.subject_kind,
        subject_id=parameters.subject_id,
        since=parameters.since,
    )
    order = [Order(col(AuditEvent.pk), descending=True)]
    part = paginate(session, statement, order, parameters, request)
    items = [AuditEventRead.model_validate(row, from_attributes=True) for row in part.rows]
    return page(request, response, part, items)


def _read(request: Request, session: Session, rows: Sequence[ApiKey]) -> list[KeyRead]:
    public_url = request.app.state.settings.public_url
    held = queries.partnerships_by_key(session, [key(row) for row in rows])
    organisations = queries.references(
        session,
        queries.ORGANISATION,
        [row.organisation_pk for row in rows if row.organisation_pk],
        public_url,
    )
    partnerships = queries.references(
        session, queries.PARTNERSHIP, [pk for pks in held.values() for pk in pks], public_url
    )
    return [
        KeyRead(
            id=row.public_id,
            name=row.name,
            role=row.role,
            organisation=organisations.get(row.organisation_pk or 0),
            partnerships=[partnerships[pk] for pk in sorted(held.get(key(row), []))],
            created_at=row.created_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            last_used_at=row.last_used_at,
        )
        for row in rows
    ]


def _address(request: Request, row: ApiKey) -> str:
    return f"{request.app.state.settings.public_url}/v1/keys/{row.public_id}"


def _made(request: Request, session: Session, row: ApiKey, token: str) -> KeyMade:
    return KeyMade(**_read(request, session, [row])[0].model_dump(), key=token)
