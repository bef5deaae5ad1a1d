"""The recorded worklogs of a real site, split and mapped as they come, against the rows that DevLake makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from pmo_hub.domain.records import Worklog
from pmo_hub_jira.splitting import split_worklogs
from pmo_hub_jira.worklogs import map_worklog
from tests.acceptance.golden_tables import Tables, instant


@pytest.fixture(scope="module")
def tables(shared_folder: Path) -> Tables:
    return Tables(shared_folder / "data" / "jira" / "devlake")


@pytest.fixture(scope="module")
def mapped(tables: Tables) -> dict[str, Worklog]:
    raws = [msgspec.Raw(json.dumps(raw.data).encode()) for raw in tables.raw("_raw_jira_api_worklogs")]
    payloads, rejected = split_worklogs(raws)
    assert rejected == []
    records = [record for payload in payloads for record in map_worklog(payload).owned]
    return {record.external_id: record for record in records if isinstance(record, Worklog)}


def test_every_recorded_worklog_is_the_row_that_is_expected(tables: Tables, mapped: dict[str, Worklog]) -> None:
    expected = tables.expected("_tool_jira_worklogs")
    assert len(expected) == len(mapped) == 30
    for row in expected:
        found = mapped[row["worklog_id"]]
        assert (found.item, found.author) == (row["issue_id"], row["author_id"])
        assert found.hours == int(row["time_spent_seconds"]) / 3600
        assert (found.started_at, found.updated_at) == (instant(row["started"]), instant(row["updated"]))


def test_every_domain_row_is_met_too(tables: Tables, mapped: dict[str, Worklog]) -> None:
    rows = tables.expected("worklogs")
    assert rows
    for row in rows:
        found = mapped[row["id"].rpartition(":")[2]]
        assert (found.hours, found.started_at) == (int(row["time_spent_minutes"]) / 60, instant(row["started_date"]))
        # DevLake calls the time of the last change the time of logging.
        assert found.updated_at == instant(row["logged_date"])
        assert row["comment"] == "", "which DevLake leaves out"


def test_what_was_written_beside_the_work_is_kept(tables: Tables, mapped: dict[str, Worklog]) -> None:
    told = {raw.data["id"]: (raw.data.get("comment") or "").strip() or None for raw in tables.raw("_raw_jira_api_worklogs")}
    assert {id: worklog.body for id, worklog in mapped.items()} == told
    assert sum(body is not None for body in told.values()) > 10
