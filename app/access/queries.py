"""Finding keys, what they are limited to, and the audit trail."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer, String, Uuid, column, table
from sqlalchemy.sql.expression import TableClause
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import (
    ApiKey,
    ApiKeyPartnership,
    AuditEvent,
    Caller,
    KeyRole,
)
from app.kit.shapes import Reference
from app.kit.times import now


def _named(name: str) -> TableClause:
    # Organisations and partnerships live on higher floors: they are known here by name only.
    return table(
        name,
        column("pk", Integer),
        column("id", Uuid),
        column("slug", String),
        column("name", String),
        column("deleted_at", String),
    )


ORGANISATION = _named("organisation")
PARTNERSHIP = _named("partnership")


def live_key(session: Session, public_id: str) -> ApiKey | None:
    """The key of this public id, unless it is revoked or past its time."""
    key = session.exec(select(ApiKey).where(ApiKey.public_id == public_id)).first()
    if key is None or key.revoked_at is not None or key.expires_at <= now():
        return None
    return key


def partnerships_of(session: Session, key_pk: int) -> frozenset[int]:
    """The partnerships that a key acts for."""
    statement = select(ApiKeyPartnership.partnership_pk).where(ApiKeyPartnership.key_pk == key_pk)
    return frozenset(session.exec(statement))


def visible_to(caller: Caller) -> SelectOfScalar[ApiKey]:
    """The keys a caller may see: admins all, staff those below them, others their own."""
    statement = select(ApiKey)
    if caller.is_admin:
        return statement
    if caller.is_staff:
        below = [KeyRole.PUBLISHER, KeyRole.COORDINATOR]
        return statement.where(col(ApiKey.role).in_(below) | (col(ApiKey.pk) == caller.key_pk))
    return statement.where(ApiKey.pk == caller.key_pk)


def live_in_family(session: Session, family: UUID) -> list[ApiKey]:
    """The keys of one rotation that still work."""
    statement = select(ApiKey).where(
        ApiKey.family == family, col(ApiKey.revoked_at).is_(None), ApiKey.expires_at > now()
    )
    return list(session.exec(statement))


def pks_by_slug(session: Session, source: TableClause, slugs: Iterable[str]) -> dict[str, int]:
    """The primary keys of organisations or partnerships that exist, by slug."""
    statement = select(source.c.slug, source.c.pk).where(
        source.c.slug.in_(list(slugs)), source.c.deleted_at.is_(None)
    )
    return dict(session.execute(statement).all())


def exists(session: Session, source: TableClause, pk: int) -> bool:
    """Whether an organisation or partnership is there and not deleted."""
    statement = select(source.c.pk).where(source.c.pk == pk, source.c.deleted_at.is_(None))
    return session.execute(statement).first() is not None


def references(
    session: Session, source: TableClause, pks: Iterable[int], public_url: str
) -> dict[int, Reference]:
    """References to organisations or partnerships, by primary key."""
    wanted = list(set(pks))
    if not wanted:
        return {}
    statement = select(source.c.pk, source.c.id, source.c.slug, source.c.name).where(
        source.c.pk.in_(wanted)
    )
    path = f"{public_url}/v1/{source.name}s"
    return {
        pk: Reference(id=identifier, slug=slug, name=name, href=f"{path}/{slug}")
        for pk, identifier, slug, name in session.execute(statement)
    }


def partnerships_by_key(session: Session, key_pks: Iterable[int]) -> Mapping[int, list[int]]:
    """The partnerships of several keys, in one query."""
    statement = select(ApiKeyPartnership.key_pk, ApiKeyPartnership.partnership_pk).where(
        col(ApiKeyPartnership.key_pk).in_(list(key_pks))
    )
    found: dict[int, list[int]] = {}
    for key_pk, partnership_pk in session.execute(statement):
        found.setdefault(key_pk, []).append(partnership_pk)
    return found


def audit_events(
    *,
    action: str | None,
    subject_kind: str | None,
    subject_id: str | None,
    since: datetime | None,
) -> SelectOfScalar[AuditEvent]:
    """The audit trail, narrowed by what is given."""
    statement = select(AuditEvent)
    if action:
        statement = statement.where(AuditEvent.action == action)
    if subject_kind:
        statement = statement.where(AuditEvent.subject_kind == subject_kind)
    if subject_id:
        statement = statement.where(AuditEvent.subject_id == subject_id)
    if since:
        statement = statement.where(AuditEvent.at >= since)
    return statement
