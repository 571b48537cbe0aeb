"""One history for both engines: up, down and up again, and nothing left to migrate."""

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlmodel import select

from app.access.actions import create_key
from app.access.models import SYSTEM, ApiKey, KeyRole, KeyWrite
from app.kit import migrations
from app.kit.database import Database
from app.tables import metadata


def test_up_down_and_up_again_with_data(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    database = Database(empty_database_url)
    with database.writing() as session:
        create_key(session, SYSTEM, KeyWrite(name="Somebody", role=KeyRole.STAFF))
    assert set(inspect(database.read_engine).get_table_names()) >= set(metadata.tables)
    database.close()

    migrations.downgrade(empty_database_url, "base")
    database = Database(empty_database_url)
    left = set(inspect(database.read_engine).get_table_names())
    assert left <= {"alembic_version"}
    database.close()

    migrations.upgrade(empty_database_url)
    database = Database(empty_database_url)
    with database.reading() as session:
        assert session.exec(select(ApiKey)).all() == []
    assert migrations.current(database) == migrations.head()
    database.close()


def test_the_head_is_the_one_that_alembic_knows() -> None:
    scripts = ScriptDirectory.from_config(migrations.config("sqlite://"))
    assert migrations.head() == scripts.get_current_head()


def test_models_and_migrations_agree(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    command.check(migrations.config(empty_database_url))
