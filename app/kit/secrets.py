"""Secrets that every process of one service shares, kept beside its data."""

import secrets

from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, SQLModel

from app.kit.database import Database


class ServiceSecret(SQLModel, table=True):
    """A random value made once, when it was first needed."""

    __tablename__ = "service_secret"

    name: str = Field(primary_key=True, max_length=40)
    value: str = Field(max_length=64)


def shared_secret(database: Database, name: str) -> bytes:
    """The 32 random bytes of this name, made now if there are none yet."""
    with database.reading() as session:
        found = session.get(ServiceSecret, name)
        if found:
            return bytes.fromhex(found.value)
    value = secrets.token_hex(32)
    try:
        with database.writing() as session:
            session.add(ServiceSecret(name=name, value=value))
    except IntegrityError:  # another process was first
        return shared_secret(database, name)
    return bytes.fromhex(value)
