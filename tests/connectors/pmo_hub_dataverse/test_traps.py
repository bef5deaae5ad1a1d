"""Every trap of the wire that is known: change tracking and its refusals, links, throttling, metadata, units, sentinels, people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pmo_hub.domain.records import Assignment, Baseline, Dependency, Identity, Plan, Resource, Schedule, WorkItem
from pmo_hub.domain.vocabulary import DependencyType, Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mode, Payload, Ref, Reference
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, RecordError, TransientError
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_dataverse import simulated_schema, tables
from pmo_hub_dataverse.config import DataverseConfig
from pmo_hub_dataverse.connector import DataverseConnector, DataverseSource
from pmo_hub_dataverse.mapping import mapper
from pmo_hub_dataverse.rows import split
from pmo_hub_dataverse.schema import Present, Schema
from pmo_hub_dataverse.simulator import DataverseSimulator, serve

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CONNECTOR = DataverseConnector()
TASK, OTHER, PROJECT = (f"{n}0000000-0000-4000-8000-000000000000" for n in (1, 2, 3))


@pytest.fixture
def at() -> list[datetime]:
    return [START]


@pytest.fixture
def simulator(at: list[datetime]) -> Iterator[DataverseSimulator]:
    with serve(5, 40, START, clock=lambda: at[0]) as simulator:
        simulator.page = 12
        yield simulator


@contextmanager
def opened(simulator: DataverseSimulator, at: list[datetime] | None = None, **changes: Any) -> Iterator[DataverseSource]:
    config = DataverseConfig.model_validate({**simulator.config(), **changes})
    clock = (lambda: at[0]) if at else (lambda: START)
    with CONNECTOR.open(config, MemoryContext(clock=clock, policy=Policy(attempts=2))) as source:
        yield source


def synced(simulator: DataverseSimulator, mode: Mode = Mode.INCREMENTAL, scopes: int = 2) -> MemoryHost:
    host = MemoryHost(CONNECTOR, simulator.projects[:scopes])
    with opened(simulator) as source:
        host.sync(source, mode)
    return host


def poll(host: MemoryHost, simulator: DataverseSimulator, at: list[datetime] | None = None) -> None:
    with opened(simulator, at) as source:
        host.sync(source)


# The wire


def test_change_tracking_is_asked_for_with_its_page_size_on_every_page_and_without_any_filter(simulator: DataverseSimulator) -> None:
    simulator.reset_log()
    synced(simulator)
    tracked = [entry for entry in simulator.log if "odata.track-changes" in entry.prefer]
    assert any("$skiptoken" in entry.query for entry in tracked)
    assert all("odata.maxpagesize=" in entry.prefer for entry in tracked)
    assert not [entry for entry in tracked if {"$filter", "$orderby", "$expand", "$top"} & entry.query.keys()]
    rows = [e for e in simulator.log if e.path.endswith("s") and "/msdyn_" in e.path]
    assert all("odata.maxpagesize=" in entry.prefer for entry in rows)
    assert {entry.status for entry in simulator.log} == {200}


def test_the_simulator_refuses_what_dataverse_refuses(simulator: DataverseSimulator) -> None:
    synced(simulator)
    token = next(iter(simulator.entra.issued))
    headers = {"authorization": f"Bearer {token}", "prefer": "odata.track-changes"}
    for option in ("$filter=statecode eq 0", "$orderby=createdon", "$expand=x", "$top=1"):
        answer = simulator.answer("GET", "/api/data/v9.2/msdyn_projects", option, headers)
        assert (answer.status, b"isn't supported when Change Tracking is enabled" in answer.body) == (400, True)
    assert simulator.answer("GET", "/api/data/v9.2/msdyn_projects", "$select=nothing", headers).status == 400
    assert simulator.answer("PATCH", "/api/data/v9.2/msdyn_projects", "", headers).status == 405


@pytest.mark.parametrize("status", [400, 410, 412])
def test_a_refused_delta_link_is_a_state_error(simulator: DataverseSimulator, status: int) -> None:
    host = synced(simulator)
    simulator.fault("status", status=status, holds="$deltatoken", path="/api/data/v9.2/msdyn_projecttasks", code="0x80060888")
    poll(host, simulator)
    assert host.wants_census
    assert host.owned() == synced(simulator).owned()


def test_a_delta_link_older_than_seven_days_is_read_in_full(simulator: DataverseSimulator, at: list[datetime]) -> None:
    host = synced(simulator)
    at[0] += timedelta(days=8)
    poll(host, simulator, at)
    assert host.wants_census


def test_a_quiet_mark_is_renewed_before_it_expires(simulator: DataverseSimulator, at: list[datetime]) -> None:
    host = synced(simulator)
    before = dict(host.state)
    at[0] += timedelta(hours=13)
    poll(host, simulator, at)
    assert host.state.keys() == before.keys()
    assert host.state["tasks/msdyn_projecttasks"] != before["tasks/msdyn_projecttasks"]
    assert not host.wants_census


def test_a_deletion_of_a_row_that_was_never_seen_is_no_error(simulator: DataverseSimulator) -> None:
    host = synced(simulator)
    task = simulator.mutate("add_task", simulator.projects[0], "Short-lived")
    simulator.mutate("delete_task", task)
    poll(host, simulator)
    assert Ref("task", task) not in host.held


@pytest.mark.parametrize("link", ["https://evil.example/api/data/v9.2/msdyn_projects?$skiptoken=1", "{url}/elsewhere?$skiptoken=1"])
def test_a_next_link_that_leads_elsewhere_is_not_followed(simulator: DataverseSimulator, link: str) -> None:
    simulator._link = lambda *_: link.format(url=simulator.url)  # type: ignore[method-assign]
    simulator.page = 2
    with opened(simulator) as source, pytest.raises(ConfigError, match="next link"):
        list(source.scopes())


def test_a_listing_that_never_ends_is_given_up(simulator: DataverseSimulator) -> None:
    simulator.page = 2
    whole = simulator._rows
    simulator._rows = lambda table, query, *rest: whole(table, {"$select": query["$select"]}, *rest)  # type: ignore[method-assign]
    with opened(simulator) as source, pytest.raises(TransientError, match="never ends"):
        list(source.scopes())


@pytest.mark.parametrize("code", ["0x80072322", "0x80072321", "0x80072326"])
def test_the_codes_of_throttling_are_waited_out(simulator: DataverseSimulator, code: str) -> None:
    fault = simulator.fault("status", status=429, retry_after=17, code=code, path="/api/data", nth=4)
    assert synced(simulator).owned()
    assert fault.struck == 1


@pytest.mark.parametrize(
    ("rule", "error", "told"),
    [
        ({"kind": "status", "status": 410}, ConfigError, "410"),
        ({"kind": "html"}, ConfigError, "web page"),
        ({"kind": "redirect"}, ConfigError, "redirect"),
        ({"kind": "unreadable"}, TransientError, "unreadable"),
        ({"kind": "status", "status": 403, "code": "0x80072560"}, AuthError, "no application user"),
        ({"kind": "status", "status": 403, "code": "0x80040225"}, AuthError, "disabled"),
    ],
)
def test_what_stands_in_the_way_is_said_in_one_sentence(
    simulator: DataverseSimulator, rule: dict[str, Any], error: type[ConnectorError], told: str
) -> None:
    simulator.fault(times=None, path="/api/data", **rule)
    with opened(simulator) as source, pytest.raises(error, match=told) as raised:
        source.check()
    assert "\n" not in str(raised.value)


def test_a_host_without_an_address_says_to_check_the_url(simulator: DataverseSimulator) -> None:
    config = DataverseConfig.model_validate({**simulator.config(), "url": "https://no-such-org.invalid"})
    simulator.entra.resource = "x"
    with CONNECTOR.open(config, MemoryContext(policy=Policy(attempts=1))) as source, pytest.raises(ConnectorError):
        source.check()


def test_a_token_that_is_refused_before_its_time_is_got_anew_once(simulator: DataverseSimulator) -> None:
    with opened(simulator) as source:
        source.check()
        simulator.entra.revoke()
        assert source.check().startswith("Signed in")
    assert simulator.entra.asked == 2


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [("7000222", AuthError, "expired"), ("7000215", AuthError, "not accepted"), ("700016", AuthError, "not known"),
     ("53003", AuthError, "Conditional Access"), ("500011", ConfigError, "check the URL")],
)  # fmt: skip
def test_refusals_of_the_sign_in_say_what_to_do(simulator: DataverseSimulator, code: str, error: type[Exception], told: str) -> None:
    simulator.entra.refuses = code
    with opened(simulator) as source, pytest.raises(error, match=told):
        source.check()


def test_an_unknown_tenant_is_a_config_error(simulator: DataverseSimulator) -> None:
    with opened(simulator, tenant_id="nobody.onmicrosoft.com") as source, pytest.raises(ConfigError, match="no such tenant"):
        source.check()


def test_the_secret_goes_to_no_other_host_than_the_authority(simulator: DataverseSimulator) -> None:
    """The document of the sign-in service says where tokens are asked for; it is from the network."""
    answered = simulator.entra.answer

    def elsewhere(asked: Any, base: str, now: datetime) -> Any:
        return answered(asked, "http://evil.example", now)

    simulator.entra.answer = elsewhere  # type: ignore[method-assign]
    with opened(simulator) as source, pytest.raises(ConfigError, match="another host"):
        source.check()
    assert simulator.entra.asked == 0


# What an environment has


def test_columns_that_an_environment_lacks_are_not_asked_for(simulator: DataverseSimulator) -> None:
    simulator.columns_absent |= {"msdyn_priority", "msdyn_iscritical", "msdyn_start", "msdyn_finish"}
    items = [r for r in synced(simulator).owned().values() if isinstance(r, WorkItem) and r.kind is Kind.TASK]
    assert items
    assert all(item.priority is None for item in items)
    assert all(item.planned_start is not None for item in items)  # from msdyn_scheduledstart


def test_a_table_that_appears_later_is_read_then(simulator: DataverseSimulator) -> None:
    simulator.absent.add("msdyn_projectchecklists")
    host = synced(simulator)
    simulator.absent.clear()
    poll(host, simulator)
    assert host.owned() == synced(simulator).owned()


def test_an_environment_without_projects_is_a_config_error(simulator: DataverseSimulator) -> None:
    simulator.absent.add("msdyn_projects")
    with opened(simulator) as source, pytest.raises(ConfigError, match="msdyn_projects"):
        source.check()


def test_where_changes_are_not_tracked_modification_times_tell_them(simulator: DataverseSimulator, at: list[datetime]) -> None:
    simulator.untracked |= {"msdyn_projecttasks", "msdyn_resourceassignments"}
    host = synced(simulator)
    at[0] += timedelta(hours=1)
    task = simulator.world.ids("msdyn_projecttasks", _msdyn_project_value=simulator.projects[0])[0]
    simulator.mutate("rename", task, "Renamed")
    poll(host, simulator, at)
    assert host.owned() == synced(simulator).owned()
    simulator.mutate("delete_task", task)
    poll(host, simulator, at)
    assert Ref("task", task) in host.held
    for _ in range(2):
        with opened(simulator, at) as source:
            host.census(source)
    assert host.owned() == synced(simulator).owned()


def test_an_assignment_that_goes_changes_who_a_task_is_assigned_to(simulator: DataverseSimulator) -> None:
    host = synced(simulator)
    world = simulator.world
    project = simulator.projects[0]
    assignment = next(
        id for id in world.ids("msdyn_resourceassignments", _msdyn_projectid_value=project)
        if world.get("msdyn_resourceassignments", id, "_msdyn_bookableresourceid_value")
    )  # fmt: skip
    simulator.mutate("unassign", assignment)
    poll(host, simulator)
    assert host.owned() == synced(simulator).owned()


def test_another_baseline_becomes_number_0_and_the_older_one_1(simulator: DataverseSimulator, at: list[datetime]) -> None:
    host = synced(simulator)
    at[0] += timedelta(hours=1)
    simulator.mutate("take_baseline", simulator.projects[0])
    poll(host, simulator, at)
    fresh = synced(simulator)
    assert {r.number for r in fresh.owned().values() if isinstance(r, Baseline)} == {0, 1}


def test_five_hundred_quiet_plans_take_a_dozen_requests(at: list[datetime]) -> None:
    with serve(5, "500x3", START, clock=lambda: at[0]) as simulator:
        host = MemoryHost(CONNECTOR, simulator.projects)
        with opened(simulator) as source:
            host.sync(source)
            simulator.reset_log()
            state = {**host.state}
            pages = 0
            for partition in source.partitions(tuple(host.scopes), state, Mode.INCREMENTAL):
                pages += sum(1 for _ in source.read(partition))
        asked = [entry for entry in simulator.log if "/api/data" in entry.path]
        assert pages == 0
        assert len(asked) <= 15


# Config


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "contoso.crm4.dynamics.com"), ("url", "http://contoso.crm4.dynamics.com"), ("url", "https://a:b@contoso.crm4.dynamics.com"),
     ("tenant_id", "common"), ("tenant_id", "a/b"), ("authority", "http://login.example"), ("authority", "https://login.example/x"),
     ("time_zone", "Mars/Olympus"), ("verify", "certificate.pem")],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(field: str, value: str) -> None:
    good = {"url": "https://contoso.crm4.dynamics.com", "tenant_id": "contoso.onmicrosoft.com", "client_id": "x", "client_secret": "y"}
    assert DataverseConfig.model_validate(good).time_zone == "UTC"
    with pytest.raises(ValidationError):
        DataverseConfig.model_validate({**good, field: value})


# Units and sentinels


def wall(*parts: int) -> datetime:
    """What a clock on the wall shows."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def mapped(kind: str, row: dict[str, Any], context: dict[str, str] | None = None, part_of: Ref | None = None, **project: Any) -> Any:
    references = [
        Reference(None, json.dumps({"url": "https://o.example", "zone": "Europe/Berlin"}).encode()),
        Reference(PROJECT, json.dumps(project).encode()),
    ]
    payload = Payload(Ref(kind, TASK), PROJECT, json.dumps(row).encode(), context=context or {}, part_of=part_of)
    return mapper(references, {})(payload)


def test_days_become_hours_of_the_projects_length_and_dates_the_wall_clock_of_its_zone() -> None:
    row = {"msdyn_subject": "Dig", "msdyn_duration": 2.5, "msdyn_start": "2026-07-01T07:00:00Z", "msdyn_finish": "2026-12-01T22:30:00Z",
           "msdyn_progress": 0.29, "msdyn_effort": 12.5, "msdyn_priority": 3, "msdyn_displaysequence": 4.5}  # fmt: skip
    item, schedule = mapped("task", row, hours_per_day=7.0).owned
    assert isinstance(schedule, Schedule)
    assert (schedule.duration_hours, schedule.starts_at, schedule.position) == (17.5, wall(2026, 7, 1, 9, 0), 4)
    assert schedule.finishes_at == wall(2026, 12, 1, 23, 30)
    assert isinstance(item, WorkItem)
    assert (item.percent_complete, item.work_hours, item.priority, item.status_category) == (29.0, 12.5, 70, StatusCategory.IN_PROGRESS)


def test_the_date_that_stands_for_none_is_none() -> None:
    item, schedule = mapped("task", {"msdyn_start": "2000-01-01T00:00:00Z", "msdyn_finish": None}).owned
    assert (item.planned_start, item.planned_finish, schedule.starts_at) == (None, None, None)


def test_older_environments_count_minutes_and_have_scheduled_dates() -> None:
    row = {"msdyn_scheduleddurationminutes": 960, "msdyn_scheduledstart": "2026-03-02T08:00:00Z", "msdyn_wbsid": "1.2"}
    _, schedule = mapped("task", row).owned
    assert (schedule.duration_hours, schedule.outline) == (16.0, "1.2")
    assert schedule.starts_at == wall(2026, 3, 2, 9, 0)


@pytest.mark.parametrize(("given", "expected"), [(0, 90), (1, 90), (2, 70), (4, 70), (5, 50), (7, 50), (8, 20), (10, 20), (None, None)])
def test_priorities(given: int | None, expected: int | None) -> None:
    assert mapped("task", {"msdyn_priority": given}).owned[0].priority == expected


@pytest.mark.parametrize(
    ("row", "kind", "uncounted"),
    [({}, Kind.TASK, None), ({"msdyn_ismilestone": True}, Kind.MILESTONE, None),
     ({"msdyn_summary": True, "msdyn_ismilestone": True}, Kind.SUMMARY, Uncounted.SUMMARY),
     ({"statecode": 1}, Kind.TASK, Uncounted.INACTIVE), ({"msdyn_outlinelevel": 0}, Kind.SUMMARY, Uncounted.SUMMARY)],
)  # fmt: skip
def test_what_a_task_is_and_whether_it_counts(row: dict[str, Any], kind: Kind, uncounted: Uncounted | None) -> None:
    item = mapped("task", row).owned[0]
    assert (item.kind, item.uncounted, item.counts) == (kind, uncounted, uncounted is None)


@pytest.mark.parametrize(
    ("row", "type", "hours"),
    [
        ({"msdyn_projecttaskdependencylinktype": 0}, DependencyType.FINISH_TO_FINISH, 0),
        ({"msdyn_projecttaskdependencylinktype": 1, "msdyn_projecttaskdependencylinklag": 28_800}, DependencyType.FINISH_TO_START, 8),
        ({"msdyn_projecttaskdependencylinktype": 2, "msdyn_projecttaskdependencylinklag": -1_800}, DependencyType.START_TO_FINISH, -0.5),
        (
            {
                "msdyn_projecttaskdependencylinktype": 3, "msdyn_projecttaskdependencylinklag": 9,
                "msdyn_projecttaskdependencylinklaginseconds": 7_200,
            },
            DependencyType.START_TO_START, 2,
        ),
        ({"msdyn_linktype": 192350000}, DependencyType.FINISH_TO_START, 0),
        ({"msdyn_linktype": 192350001}, DependencyType.START_TO_START, 0),
        ({"msdyn_linktype": 192350002}, DependencyType.FINISH_TO_FINISH, 0),
        ({"msdyn_linktype": 192350004}, DependencyType.START_TO_FINISH, 0),
        ({}, DependencyType.FINISH_TO_START, 0),
    ],
)  # fmt: skip
def test_link_types_and_lags(row: dict[str, Any], type: DependencyType, hours: float) -> None:
    ends = {"_msdyn_predecessortask_value": TASK, "_msdyn_successortask_value": OTHER.upper()}
    (link,) = mapped("dependency", {**ends, **row}).owned
    assert isinstance(link, Dependency)
    assert (link.dependency_type, link.lag_hours, link.predecessor, link.successor) == (type, hours, TASK, OTHER)


def test_a_link_of_an_unknown_type_or_without_an_end_is_quarantined() -> None:
    with pytest.raises(RecordError):
        mapped("dependency", {"_msdyn_predecessortask_value": TASK})
    ends = {"_msdyn_predecessortask_value": TASK, "_msdyn_successortask_value": OTHER}
    with pytest.raises(RecordError):
        mapped("dependency", {**ends, "msdyn_projecttaskdependencylinktype": 77})


def test_a_person_has_one_identity_for_assignments_and_one_for_the_account() -> None:
    row = {"name": "Elif Quinn", "msdyn_primaryemail": "elif@example.com", "resourcetype": 3, "_userid_value": OTHER}
    found = mapped("resource", row).mentioned
    assert [r.external_id for r in found if isinstance(r, Identity)] == [TASK, OTHER]
    (resource,) = [r for r in found if isinstance(r, Resource)]
    assert (resource.name, resource.identity) == (None, TASK)
    machine = mapped("resource", {"name": "Crane", "resourcetype": 4}).mentioned
    assert [(r.name, r.identity) for r in machine if isinstance(r, Resource)] == [("Crane", None)]
    assert not [r for r in machine if isinstance(r, Identity)]


def test_a_role_without_a_resource_is_one_by_its_own_name() -> None:
    (role,) = mapped("team_member", {"msdyn_name": "Electrician"}).owned
    assert (role.external_id, role.name, role.is_generic) == (TASK, "Electrician", True)
    assert not mapped("team_member", {"msdyn_name": "x", "_msdyn_bookableresourceid_value": OTHER}).owned


# Recorded rows


def recorded(folder: Path, name: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads((folder / "data/msproject/dataverse" / f"recorded_{name}.json").read_text(encoding="utf-8"))
    return {key: value for key, value in row.items() if not key.startswith("__")}


RECORDED = ("msdyn_project", "msdyn_projecttask", "msdyn_projecttaskdependency", "msdyn_resourceassignment",
            "msdyn_projectbaselinetaskdata", "bookableresource")  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_rows_are_mapped(shared_folder: Path, name: str) -> None:
    row = recorded(shared_folder, name)
    table = next(table for table in tables.TABLES if table.name == name)
    row.setdefault(table.key, TASK)
    project = next((c for c in table.project if row.get(c)), None)
    parent = next((c for c in table.parent if row.get(c)), None)
    schema = Schema({name: Present(tuple(dict.fromkeys((table.key, *table.columns, *tables.EVERY))), True, project, parent)})
    chosen = {str(row.get(project))} if project else set()
    found = split(schema, table, [row], chosen)
    assert not found.rejected
    (payload,) = found.payloads
    assert payload.version is not None
    assert len(payload.version) == 20
    mapped = mapper([], {})(payload)
    expected = {"msdyn_project": Plan, "msdyn_projecttask": WorkItem, "msdyn_projecttaskdependency": Dependency,
                "msdyn_resourceassignment": Assignment, "msdyn_projectbaselinetaskdata": Baseline,
                "bookableresource": Resource}  # fmt: skip
    assert any(isinstance(record, expected[name]) for record in (*mapped.owned, *mapped.mentioned))


def test_recorded_change_tracking_is_read(shared_folder: Path, simulator: DataverseSimulator) -> None:
    """The recorded delta, its address put in place of the placeholder, by the client itself."""
    from pmo_hub.sdk.simulating import Answer

    body = json.dumps(recorded(shared_folder, "change_tracking")["delta"]["body"]).replace("[Organization URI]", simulator.url)
    simulator._read = lambda *_: Answer(200, body.encode())  # type: ignore[method-assign]
    with opened(simulator) as source:
        page = source._client.page("/api/data/v9.2/accounts?$select=name", tracked=True)
    assert [row["name"] for row in page.rows] == ["Monte Orton"]
    assert page.deleted == ["2e451703-c686-e711-80e5-00155db19e6d"]
    assert page.delta is not None
    assert page.delta.startswith("/api/data/v9.0/accounts?")
    assert "919058" in page.delta


@pytest.mark.parametrize("name", RECORDED)
def test_the_simulators_tables_have_every_recorded_column_with_values_of_its_type(
    shared_folder: Path, simulator: DataverseSimulator, name: str
) -> None:
    table = next(table for table in simulated_schema.TABLES if table.name == name)
    row = {key: value for key, value in recorded(shared_folder, name).items() if not key.startswith("@") and key != "_origin"}
    assert not row.keys() - table.columns
    shown = simulator.world.shown(table, ())(next(iter(simulator.world.rows[table.set].values())))
    assert row.keys() - shown.keys() <= {table.key}
    for key, value in row.items():
        if value is not None and shown[key] is not None:
            assert isinstance(shown[key], (int, float)) == isinstance(value, (int, float)), key


def test_every_column_that_is_read_of_a_recorded_table_was_recorded_or_is_an_older_one(shared_folder: Path) -> None:
    older = {
        "msdyn_scheduledend", "msdyn_scheduleddurationminutes", "msdyn_actualstart", "msdyn_actualend", "msdyn_wbsid", "msdyn_linktype",
        "_msdyn_projecttaskid_value",
    }  # fmt: skip
    for name in RECORDED:
        whole = json.loads((shared_folder / f"data/msproject/dataverse/recorded_{name}.json").read_text(encoding="utf-8"))
        known = {*whole, *whole.get("__mapped_without_sample__", ())}
        table = next(table for table in tables.TABLES if table.name == name)
        assert not {*table.columns} - known - older, name


def test_people_are_the_ones_of_the_other_tools() -> None:
    from pmo_hub.sdk.simulated_people import colleagues
    from pmo_hub_jira.simulator import generate

    others = {person.email for person in generate(5, "small", START).people if person.email}
    own = {person.email for person in colleagues(5)}
    assert len(own & others) >= 15
