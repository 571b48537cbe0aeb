"""Alembic's environment: one history for both engines."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, text
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from app.kit.database import Database
from app.settings import Settings
from app.tables import metadata

LOCK = 4_713_001
"""Names the advisory lock that lets one migrator run at a time on PostgreSQL."""


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write SQLModel's own types as plain SQLAlchemy ones."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Leave out tables that the engines make for themselves."""
    return not (kind == "table" and name is not None and name.startswith("opportunity_words"))


def migrate(connection: Connection) -> None:
    """Run the migrations that are asked for on this connection."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        include_name=include_name,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        context.run_migrations()


url = context.config.attributes.get("url") or Settings().database_url
database = Database(url)
try:
    with database.write_engine.connect() as opened:
        if database.is_sqlite:
            # Rebuilding a table must not trip the references to it; checked again afterwards.
            opened.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
            opened.begin()
            opened.info["deadline"] = float("inf")
        migrate(opened)
        if opened.in_transaction():
            opened.commit()
finally:
    database.close()
