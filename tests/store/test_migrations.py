"""The migrations make what the models say, and can be taken back, on both engines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from pmo_hub.store import migrations
from pmo_hub.store.base import Base
from pmo_hub.store.engine import create_engine


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(migrations.folder()))
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


def tables(url: str) -> set[str]:
    engine = create_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}
    finally:
        engine.dispose()


def test_up_down_up(database_url: str) -> None:
    command.upgrade(config(database_url), "head")
    assert tables(database_url) == set(Base.metadata.tables)
    command.downgrade(config(database_url), "base")
    assert tables(database_url) == set()
    command.upgrade(config(database_url), "head")
    assert tables(database_url) == set(Base.metadata.tables)


def test_models_and_migrations_agree(database_url: str) -> None:
    command.upgrade(config(database_url), "head")
    command.check(config(database_url))


def test_a_migration_imports_nothing_of_the_hub() -> None:
    files = list((migrations.folder() / "versions").glob("*.py"))
    assert files
    for file in files:
        assert "pmo_hub" not in file.read_text(), file.name
