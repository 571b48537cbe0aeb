"""Bringing a database to the schema of this software, and telling whether it is there."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from app.kit.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

ROOT = Path(__file__).resolve().parents[2]


# Alembic takes half a second to import. A server only asks whether the schema is current, so
# it is imported where something migrates.


def config(url: str) -> "Config":
    """Alembic's configuration for a database."""
    from alembic.config import Config  # noqa: PLC0415 - see above

    found = Config(str(ROOT / "alembic.ini"))
    found.set_main_option("script_location", str(ROOT / "migrations"))
    found.attributes["url"] = url
    return found


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate up to a revision."""
    from alembic import command  # noqa: PLC0415 - see above

    command.upgrade(config(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Migrate down to a revision."""
    from alembic import command  # noqa: PLC0415 - see above

    command.downgrade(config(url), revision)


@cache
def head() -> str:
    """The newest revision that this software knows."""
    files = (ROOT / "migrations" / "versions").glob("*.py")
    texts = [file.read_text(encoding="utf-8") for file in files]
    revisions = {found for one in texts for found in _REVISION.findall(one)}
    (newest,) = revisions - {found for one in texts for found in _DOWN.findall(one)}
    return str(newest)


_REVISION = re.compile(r'^revision: str = "(\w+)"', re.MULTILINE)
_DOWN = re.compile(r'^down_revision: .* = "(\w+)"', re.MULTILINE)


def current(database: Database) -> str:
    """The revision of a database, empty when it has none yet."""
    with database.reading() as session:
        connection = session.connection()
        if not inspect(connection).has_table("alembic_version"):
            return ""
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found or "")
