"""API keys, callers and audit events."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import model_validator
from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from app.kit.database import Row, enum_type
from app.kit.identifiers import uuid7
from app.kit.shapes import Reference, Write
from app.kit.text import Line, Slug
from app.kit.times import Moment, now


class Role(StrEnum):
    """What a caller is, from least to most."""

    ANONYMOUS = "anonymous"
    PUBLISHER = "publisher"
    COORDINATOR = "coordinator"
    STAFF = "staff"
    ADMIN = "admin"


class KeyRole(StrEnum):
    """The roles that a key can carry."""

    PUBLISHER = "publisher"
    COORDINATOR = "coordinator"
    STAFF = "staff"
    ADMIN = "admin"


@dataclass(frozen=True)
class Caller:
    """Who asks: a role, and the organisation or partnerships it is limited to."""

    role: Role
    name: str = ""
    key_pk: int | None = None
    key_id: str = ""
    organisation_pk: int | None = None
    partnership_pks: frozenset[int] = field(default_factory=frozenset)

    @property
    def is_admin(self) -> bool:
        """Whether the caller is an administrator."""
        return self.role is Role.ADMIN

    @property
    def is_staff(self) -> bool:
        """Whether the caller works for the whole region (staff or admin)."""
        return self.role in {Role.STAFF, Role.ADMIN}

    @property
    def is_signed_in(self) -> bool:
        """Whether the caller came with a key."""
        return self.role is not Role.ANONYMOUS

    def publishes(self, organisation_pk: int | None) -> bool:
        """Whether the caller acts for this organisation."""
        return self.is_staff or (
            self.role is Role.PUBLISHER and self.organisation_pk == organisation_pk
        )

    def coordinates(self, *partnership_pks: int | None) -> bool:
        """Whether the caller acts for one of these partnerships."""
        return self.is_staff or (
            self.role is Role.COORDINATOR and not self.partnership_pks.isdisjoint(partnership_pks)
        )


ANONYMOUS = Caller(Role.ANONYMOUS)
SYSTEM = Caller(Role.ADMIN, name="system")
"""The service itself: the worker and the command line."""


class ApiKey(Row, table=True):
    """A key of one person or system; of its secret only a digest is kept."""

    __tablename__ = "api_key"

    name: str = Field(max_length=120)
    role: KeyRole = Field(sa_type=enum_type(KeyRole))
    public_id: str = Field(max_length=16, unique=True)
    secret_digest: str = Field(max_length=64)
    family: UUID = Field(default_factory=uuid7, index=True)
    organisation_pk: int | None = Field(default=None, foreign_key="organisation.pk", index=True)
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class ApiKeyPartnership(SQLModel, table=True):
    """A partnership that a coordinator's key acts for."""

    __tablename__ = "api_key_partnership"

    key_pk: int = Field(foreign_key="api_key.pk", primary_key=True)
    partnership_pk: int = Field(foreign_key="partnership.pk", primary_key=True, index=True)


class AuditEvent(SQLModel, table=True):
    """Who did what to what, and when. Append-only, and free of personal data."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject", "subject_kind", "subject_id", "pk"),)

    pk: int | None = Field(default=None, primary_key=True)
    id: UUID = Field(default_factory=uuid7, unique=True)
    at: datetime = Field(default_factory=now)
    caller: str = Field(max_length=16, description="The public part of the key, or `system`.")
    role: str = Field(max_length=16)
    action: str = Field(max_length=60, index=True)
    subject_kind: str = Field(max_length=40)
    subject_id: str = Field(max_length=80)
    before_digest: str | None = Field(default=None, max_length=24)
    after_digest: str | None = Field(default=None, max_length=24)
    request_id: str = Field(default="", max_length=64)


class KeyWrite(Write):
    """A key to be made."""

    name: Line = Field(max_length=120, description="Who holds it: one person or one system.")
    role: KeyRole
    organisation: Slug | None = Field(
        default=None, description="A publisher's organisation, by its slug."
    )
    partnerships: Annotated[list[Slug], Field(max_length=20)] = Field(
        default_factory=list, description="A coordinator's partnerships, by their slugs."
    )
    expires_at: Moment | None = Field(
        default=None, description="At most a year ahead, which is also the default."
    )

    @model_validator(mode="after")
    def scope_fits_role(self) -> "KeyWrite":
        """A publisher needs an organisation, a coordinator a partnership, others neither."""
        if (self.role is KeyRole.PUBLISHER) != (self.organisation is not None):
            raise ValueError("Give `organisation` for a publisher, and for nobody else.")
        if (self.role is KeyRole.COORDINATOR) != bool(self.partnerships):
            raise ValueError("Give `partnerships` for a coordinator, and for nobody else.")
        return self


class KeyRead(SQLModel):
    """A key, without its secret."""

    id: str = Field(description="The public part of the key.")
    name: str
    role: KeyRole
    organisation: Reference | None
    partnerships: list[Reference]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within about a minute.")


class KeyMade(KeyRead):
    """A new key, with its secret: this is the only time it is shown."""

    key: str = Field(
        description="Send it as `Authorization: Bearer …`. Keep it safe: it is not stored.",
        schema_extra={"examples": ["lcep_3k9d0q2m7x1z_…"]},
    )


class MeRead(SQLModel):
    """The caller, as the service sees it."""

    role: Role
    name: str
    key: str | None
    organisation: Reference | None
    partnerships: list[Reference]
    expires_at: datetime | None


class AuditEventRead(SQLModel):
    """One entry of the audit trail."""

    id: UUID
    at: datetime
    caller: str
    role: str
    action: str
    subject_kind: str
    subject_id: str
    before_digest: str | None
    after_digest: str | None
    request_id: str
