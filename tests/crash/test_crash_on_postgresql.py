"""A pulled cable, on PostgreSQL; SQLite's is another file, so that the two can be run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.walk import a_kill_at_any_point_changes_nothing_in_the_end, copying_databases, stand_on
from tests.engines import PostgresServer

pytestmark = pytest.mark.long


def test_a_kill_at_any_point_changes_nothing_in_the_end_on_postgresql(
    migrated_postgresql_url: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with copying_databases(postgres_server, tmp_path) as copy:
        a_kill_at_any_point_changes_nothing_in_the_end(stand_on(migrated_postgresql_url, tmp_path), copy)
