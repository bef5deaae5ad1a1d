"""What is asked of Dataverse, and what is not: versions, plain columns, the overlap of a fall-back, and where a list ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pmo_hub.domain.records import Schedule
from pmo_hub.sdk.testing import MemoryHost
from pmo_hub_dataverse import tables
from pmo_hub_dataverse.client import DataverseClient
from pmo_hub_dataverse.connector import DataverseConnector
from pmo_hub_dataverse.simulator import DataverseSimulator, serve
from tests.connectors.pmo_hub_dataverse.test_traps import mapped, opened, wall

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SITE = "https://contoso.crm4.dynamics.com"


@pytest.fixture
def at() -> list[datetime]:
    return [START]


@pytest.fixture
def simulator(at: list[datetime]) -> Iterator[DataverseSimulator]:
    with serve(5, 20, START, clock=lambda: at[0]) as simulator:
        yield simulator


def client(answers: Mapping[str, Any], headers: list[Mapping[str, str]] | None = None) -> DataverseClient:
    """One that is answered, address by address, with what it is told here."""

    def answered(request: httpx.Request) -> httpx.Response:
        if headers is not None:
            headers.append(request.headers)
        return httpx.Response(200, json=answers[request.url.raw_path.decode().removeprefix("/api/data/v9.2/")])

    return DataverseClient(httpx.Client(base_url=SITE, transport=httpx.MockTransport(answered), headers={"Accept": "application/json"}))


def test_each_request_names_the_version_that_it_understands() -> None:
    headers: list[Mapping[str, str]] = []
    asked = client({"x": {"value": []}, "y": {}}, headers)
    asked.page("/api/data/v9.2/x", tracked=True)
    asked.object("y")
    assert {(one["OData-MaxVersion"], one["OData-Version"], one["Accept"]) for one in headers} == {("4.0", "4.0", "application/json")}
    assert headers[0]["Prefer"] == "odata.maxpagesize=1000,odata.track-changes"


def test_only_a_missing_link_ends_a_list_and_no_count_does() -> None:
    link = f"{SITE}/api/data/v9.2/x?"
    asked = client({
        "x": {"value": [{"a": 1}], "@odata.nextLink": f"{link}page=2"}, "x?page=2": {"value": [], "@odata.nextLink": f"{link}page=3"},
        "x?page=3": {"value": [{"a": n} for n in range(1_000)]},
    })  # fmt: skip
    assert [len(page.rows) for page in asked.pages("/api/data/v9.2/x")] == [1, 0, 1_000]


def test_a_link_may_name_the_same_environment_by_its_other_host() -> None:
    other = "https://contoso.api.crm4.dynamics.com/api/data/v9.2/x?page=2"
    asked = client({"x": {"value": [], "@odata.nextLink": other}, "x?page=2": {"value": [{"a": 1}]}})
    assert [len(page.rows) for page in asked.pages("/api/data/v9.2/x")] == [0, 1]


def test_columns_that_are_moved_to_somebodys_zone_are_not_read() -> None:
    assert not [column for table in tables.TABLES for column in table.columns if column.startswith("msdyn_tza")]
    row = {"msdyn_scheduledstart": "2026-03-02T08:00:00Z", "msdyn_tzascheduledstart": "2026-03-02T03:00:00Z"}
    _, schedule = mapped("task", row).owned
    assert isinstance(schedule, Schedule)
    assert schedule.starts_at == wall(2026, 3, 2, 9, 0)


def test_what_was_modified_shortly_before_the_last_look_is_looked_at_again(simulator: DataverseSimulator, at: list[datetime]) -> None:
    """Two servers' clocks differ, and a transaction ends later than the time that it writes."""
    simulator.untracked |= {"msdyn_projecttasks"}
    host = MemoryHost(DataverseConnector(), simulator.projects)
    with opened(simulator, at) as source:
        host.sync(source)
    looked_at = datetime.fromisoformat(json.loads(host.state["tasks/msdyn_projecttasks"])["since"])
    simulator.reset_log()
    at[0] += timedelta(hours=1)
    with opened(simulator, at) as source:
        host.sync(source)
    asked = [told for entry in simulator.log if (told := entry.query.get("$filter", "")).startswith("modifiedon ge ")]
    since = datetime.fromisoformat(asked[0].removeprefix("modifiedon ge "))
    assert timedelta(minutes=5) <= looked_at - since < timedelta(minutes=6)


def test_the_recorded_first_reading_says_where_changes_go_on(shared_folder: Path) -> None:
    told = json.loads((shared_folder / "data/msproject/dataverse/recorded_change_tracking.json").read_text(encoding="utf-8"))
    body = json.loads(json.dumps(told["initial"]["body"]).replace("[Organization URI]", SITE))
    page = client({"accounts": body}).page("/api/data/v9.2/accounts", tracked=True)
    assert (len(page.rows), page.deleted, page.next) == (1, [], None)
    assert page.delta is not None
    assert "$deltatoken=919042" in page.delta
    assert set(told["unsupported_with_track_changes"]) == {"$filter", "$orderby", "$expand", "$top"}
