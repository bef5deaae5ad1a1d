"""The database fixtures themselves: what they lend is empty, the test's own, and gone afterwards."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from tests import engines
from tests.engines import PostgresServer, driver_url


def test_database_is_empty_and_takes_tables(database_url: str) -> None:
    engine = create_engine(database_url)
    try:
        assert inspect(engine).get_table_names() == []
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (id INTEGER PRIMARY KEY)"))
        assert inspect(engine).get_table_names() == ["kept"]
    finally:
        engine.dispose()


def test_database_of_a_test_is_gone_after_it_even_with_a_connection_left_open(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        left_open = psycopg.connect(driver_url(url))
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(driver_url(url))
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    left_open.close()


def test_copy_of_a_template_has_its_tables(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as template:
        with psycopg.connect(driver_url(template)) as connection:
            connection.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY)")
        with postgres_server.database(str(template.database)) as copy, psycopg.connect(driver_url(copy)) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_database_that_the_fixture_did_not_create_is_never_dropped(postgres_server: PostgresServer) -> None:
    with pytest.raises(ValueError, match="not created by this fixture"):
        postgres_server.drop(postgres_server.url.set(database="postgres"))


def test_server_named_by_the_environment_is_borrowed_and_left_as_it_was(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(engines.SERVER_VARIABLE, driver_url(postgres_server.url))
    with engines.server() as borrowed:
        assert borrowed.origin == engines.SERVER_VARIABLE
        forgotten = borrowed.create()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(driver_url(forgotten))
    with psycopg.connect(driver_url(postgres_server.url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_named_server_that_does_not_answer_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engines.SERVER_VARIABLE, "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(engines.NoPostgres, match="does not answer"), engines.server():
        pass


def test_folder_without_a_server_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "binary_folders", lambda: iter([(tmp_path, "system")]))
    with pytest.raises(engines.NoPostgres, match="no initdb was found"):
        engines.find_binaries()


def test_server_that_is_too_old_is_named_in_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("initdb", "pg_ctl"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'initdb (PostgreSQL) 13.4'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(engines, "binary_folders", lambda: iter([(tmp_path, "system")]))
    with pytest.raises(engines.NoPostgres, match=r"no PostgreSQL 15 or newer: .* has initdb \(PostgreSQL\) 13\.4"):
        engines.find_binaries()


def test_sqlite_address_names_a_file_that_does_not_exist_yet(sqlite_url: str) -> None:
    assert not Path(str(make_url(sqlite_url).database)).exists()
