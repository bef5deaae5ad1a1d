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


def test_intervals_in_minutes_become_schedules_and_nothing_that_refers_to_a_connection_is_lost(database_url: str) -> None:
    command.upgrade(config(database_url), "0001")
    engine = create_engine(database_url)
    stored = sa.MetaData()
    stored.reflect(engine, only=["connections", "credentials", "scopes", "sync_runs"])
    at = "2026-11-23T08:00:00.000000Z"
    with engine.begin() as connection:
        for n, (minutes, census) in enumerate(((15, 1440), (90, 60))):
            connection.execute(
                sa.insert(stored.tables["connections"]).values(
                    id=f"{n:032}", name=f"C{n}", connector="test", namespace="n", config={}, secrets=b"", rules={}, state="active",
                    failures=0, interval_minutes=minutes, census_interval_minutes=census, created_at=at, updated_at=at,
                )
            )  # fmt: skip
        connection.execute(sa.insert(stored.tables["credentials"]).values(connection_id=f"{0:032}", version=1, secret=b"s"))
        scope = {"id": "5" * 32, "connection_id": f"{0:032}", "external_id": "A", "name": "A", "kind": "project", "chosen_at": at}
        connection.execute(sa.insert(stored.tables["scopes"]).values(scope))
        run = {
            "id": "7" * 32, "connection_id": f"{0:032}", "mode": "full", "state": "finished", "fence": 1, "started_at": at, "fetched": {},
            "expected": {}, "changed": {}, "gone": {}, "quarantined": 0, "requests": 1,
        }  # fmt: skip
        connection.execute(sa.insert(stored.tables["sync_runs"]).values(run))
    command.upgrade(config(database_url), "head")
    with engine.connect() as connection:
        connections = Base.metadata.tables["connections"].c
        found = connection.execute(sa.select(connections.schedules, connections.cadence_minutes).order_by(connections.id)).all()
        assert [tuple(row) for row in found] == [
            ({"incremental": "every 15m", "full": None, "census": "every 1d"}, 15),
            ({"incremental": "every 90m", "full": None, "census": "every 1h"}, 90),
        ]
        for table in ("credentials", "scopes", "sync_runs"):
            assert connection.scalar(sa.select(sa.func.count()).select_from(Base.metadata.tables[table])) == 1, table
    command.downgrade(config(database_url), "0001")
    with engine.connect() as connection:
        old = stored.tables["connections"].c
        told = sa.select(old.interval_minutes, old.census_interval_minutes).order_by(old.id)
        assert [tuple(row) for row in connection.execute(told)] == [(15, 1440), (90, 60)]
        assert connection.scalar(sa.select(sa.func.count()).select_from(stored.tables["credentials"])) == 1
    engine.dispose()
