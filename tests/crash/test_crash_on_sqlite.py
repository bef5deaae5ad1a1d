"""A pulled cable, on SQLite; PostgreSQL's is another file, so that the two can be run side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.walk import a_kill_at_any_point_changes_nothing_in_the_end, copying_files, stand_on

pytestmark = pytest.mark.long


def test_a_kill_at_any_point_changes_nothing_in_the_end_on_sqlite(migrated_sqlite_url: str, tmp_path: Path) -> None:
    a_kill_at_any_point_changes_nothing_in_the_end(stand_on(migrated_sqlite_url, tmp_path), copying_files(tmp_path))
