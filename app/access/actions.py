"""Making, rotating and revoking keys."""

import hashlib
import hmac
import secrets
import string
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col

from app.access import audit, queries
from app.access.models import (
    ApiKey,
    ApiKeyPartnership,
    Caller,
    KeyRole,
    KeyWrite,
    Role,
)
from app.kit.database import Database, Unavailable, key
from app.kit.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Problem, invalid
from app.kit.times import now

PREFIX = "lcep"
LONGEST_LIFE = timedelta(days=366)
DEFAULT_LIFE = timedelta(days=365)
_ID_ALPHABET = string.ascii_lowercase + string.digits
_ID_LENGTH = 12
_NO_KEY = hashlib.sha256(b"no such key").hexdigest()


def authenticate(session: Session, token: str) -> Caller | None:
    """The caller who holds this token, or None. Takes as long for a bad secret as for none."""
    prefix, _, rest = token.partition("_")
    public_id, _, secret = rest.partition("_")
    row = queries.live_key(session, public_id) if prefix == PREFIX else None
    given = hashlib.sha256(secret.encode()).hexdigest()
    if not hmac.compare_digest(given, row.secret_digest if row else _NO_KEY) or row is None:
        return None
    if row.organisation_pk and not queries.exists(
        session, queries.ORGANISATION, row.organisation_pk
    ):
        return None  # its organisation was deleted
    scoped = row.role is KeyRole.COORDINATOR
    return Caller(
        role=Role(row.role),
        name=row.name,
        key_pk=row.pk,
        key_id=row.public_id,
        organisation_pk=row.organisation_pk,
        partnership_pks=queries.partnerships_of(session, key(row)) if scoped else frozenset(),
    )


def create_key(session: Session, caller: Caller, write: KeyWrite) -> tuple[ApiKey, str]:
    """Make a key; the second value is the whole token, which is not kept."""
    _may_manage(caller, write.role)
    expires_at = write.expires_at or now() + DEFAULT_LIFE
    if not now() < expires_at <= now() + LONGEST_LIFE:
        raise invalid("#/expires_at", "Choose a time in the future, at most a year ahead.")
    organisation_pk = None
    if write.organisation:
        found = queries.pks_by_slug(session, queries.ORGANISATION, [write.organisation])
        if write.organisation not in found:
            raise invalid("#/organisation", f"There is no organisation {write.organisation}.")
        organisation_pk = found[write.organisation]
    partnerships = queries.pks_by_slug(session, queries.PARTNERSHIP, write.partnerships)
    for slug in write.partnerships:
        if slug not in partnerships:
            raise invalid("#/partnerships", f"There is no partnership {slug}.")
    row = ApiKey(
        name=write.name,
        role=write.role,
        organisation_pk=organisation_pk,
        expires_at=expires_at,
        public_id="",
        secret_digest="",
    )
    token = _add(session, row, partnerships.values())
    audit.record(session, caller, "key.create", "key", row.public_id)
    return row, token


def rotate_key(session: Session, caller: Caller, public_id: str) -> tuple[ApiKey, str]:
    """Make a second live key like this one; the first works until it is revoked or expires."""
    old = managed_key(session, caller, public_id, lock=True)  # two rotations take turns
    if len(queries.live_in_family(session, old.family)) > 1:
        raise Problem(CONFLICT, "Two keys are live already. Revoke the old one, then rotate.")
    lifetime = min(old.expires_at - old.created_at, LONGEST_LIFE)
    row = ApiKey(
        name=old.name,
        role=old.role,
        organisation_pk=old.organisation_pk,
        family=old.family,
        expires_at=now() + lifetime,
        public_id="",
        secret_digest="",
    )
    token = _add(session, row, queries.partnerships_of(session, key(old)))
    audit.record(session, caller, "key.rotate", "key", row.public_id)
    return row, token


def revoke_key(session: Session, caller: Caller, public_id: str) -> ApiKey:
    """End a key at once, in every process. To revoke it again changes nothing."""
    row = managed_key(session, caller, public_id)
    if row.revoked_at is None:
        row.revoked_at = now()
        session.add(row)
        audit.record(session, caller, "key.revoke", "key", row.public_id)
    return row


def managed_key(session: Session, caller: Caller, public_id: str, *, lock: bool = False) -> ApiKey:
    """A key that the caller may rotate or revoke: its own, or one that it manages."""
    statement = queries.visible_to(caller).where(col(ApiKey.public_id) == public_id)
    if lock:
        statement = statement.with_for_update()
    row: ApiKey | None = session.execute(statement).scalar_one_or_none()
    if row is None:
        raise Problem(NOT_FOUND, "You have no key of this id.")
    if row.pk != caller.key_pk:
        _may_manage(caller, row.role)
    return row


def _may_manage(caller: Caller, role: KeyRole) -> None:
    if caller.is_admin:
        return
    if not caller.is_staff or role in {KeyRole.STAFF, KeyRole.ADMIN}:
        raise Problem(FORBIDDEN, f"You may not manage keys of the role {role}.")


def _add(session: Session, row: ApiKey, partnership_pks: Iterable[int]) -> str:
    row.public_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    secret = secrets.token_urlsafe(32)
    row.secret_digest = hashlib.sha256(secret.encode()).hexdigest()
    session.add(row)
    session.flush()
    for partnership_pk in partnership_pks:
        session.add(ApiKeyPartnership(key_pk=key(row), partnership_pk=partnership_pk))
    session.flush()
    return f"{PREFIX}_{row.public_id}_{secret}"


class LastUse:
    """Remembers when keys were used, and writes it down now and then, not at each request."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def note(self, key_pk: int) -> None:
        """A key was used just now."""
        with self._lock:
            self._seen[key_pk] = now()

    def flush(self) -> None:
        """Write down what was noted since the last time."""
        with self._lock:
            seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            self._write(seen)
        except Unavailable:
            with self._lock:
                self._seen = seen | self._seen
            raise

    def _write(self, seen: Mapping[int, datetime]) -> None:
        with self._database.writing() as session:
            for key_pk, at in sorted(seen.items()):
                # Not an edit: neither the version nor `updated_at` moves.
                session.execute(
                    update(ApiKey).where(col(ApiKey.pk) == key_pk).values(last_used_at=at)
                )
