"""Every trap of the wire that is known: batches, closed groups, details that come or do not, the beta's delta, dates, words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pydantic import ValidationError

from pmo_hub.domain.records import Assignment, BoardColumn, CustomValue, Identity, Plan, WorkItem
from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.sdk.contract import Mode, Payload, Ref, Reference
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, TransientError
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_planner.config import PlannerConfig
from pmo_hub_planner.connector import PlannerConnector, PlannerSource
from pmo_hub_planner.mapping import day, mapper
from pmo_hub_planner.reading import version
from pmo_hub_planner.simulator import PlannerSimulator, serve

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CONNECTOR = PlannerConnector()


@pytest.fixture
def at() -> list[datetime]:
    return [START]


@pytest.fixture
def simulator(at: list[datetime]) -> Iterator[PlannerSimulator]:
    with serve(5, 40, START, clock=lambda: at[0]) as simulator:
        simulator.page = 9
        yield simulator


@contextmanager
def opened(simulator: PlannerSimulator, at: list[datetime] | None = None, **changes: Any) -> Iterator[PlannerSource]:
    config = PlannerConfig.model_validate({**simulator.config(), **changes})
    clock = (lambda: at[0]) if at else (lambda: START)
    with CONNECTOR.open(config, MemoryContext(clock=clock, policy=Policy(attempts=2))) as source:
        yield source


def synced(simulator: PlannerSimulator, mode: Mode = Mode.INCREMENTAL, **changes: Any) -> MemoryHost:
    host = MemoryHost(CONNECTOR, simulator.projects)
    with opened(simulator, **changes) as source:
        host.sync(source, mode)
    return host


def poll(host: MemoryHost, simulator: PlannerSimulator, at: list[datetime] | None = None, **changes: Any) -> None:
    with opened(simulator, at, **changes) as source:
        host.sync(source)


def first(simulator: PlannerSimulator) -> str:
    return next(iter(simulator.tenant.plans[simulator.projects[0]].tasks))


# The wire


def test_closed_groups_are_skipped_and_reported(simulator: PlannerSimulator) -> None:
    simulator.closed.add(next(id for id, name in simulator.tenant.groups.items() if name == "Marketing"))
    with opened(simulator) as source:
        assert "2 of them may not be read" in source.check()
        offered = [scope.external_id for scope in source.scopes()]
        assert sorted(offered) == sorted(simulator.projects)
        told = [
            notice
            for partition in source.partitions(simulator.projects, {}, Mode.FULL)
            for page in source.read(partition)
            for notice in page.notices
        ]
    assert any("Plans of 2 groups may not be read" in notice and "Marketing" in notice for notice in told)


def test_an_application_that_may_read_no_group_is_an_auth_error(simulator: PlannerSimulator) -> None:
    simulator.closed |= simulator.tenant.groups.keys()
    with opened(simulator) as source, pytest.raises(AuthError, match=r"Tasks\.Read\.All"):
        source.check()


def test_a_plan_that_no_group_lists_is_read_by_its_id(simulator: PlannerSimulator) -> None:
    plan = simulator.tenant.plans[simulator.projects[0]]
    plan.group = "roster-without-a-group"
    with opened(simulator, plans=f"{plan.id}, AAAAAAAAAAAAAAAAAAAAAAAAAAAA") as source:
        assert plan.id in [scope.external_id for scope in source.scopes()]
    assert synced(simulator).owned()


@pytest.mark.parametrize("expands", [False, "refused"])
def test_details_are_fetched_by_themselves_where_they_do_not_come_along(simulator: PlannerSimulator, expands: bool | str) -> None:
    whole = synced(simulator).records()
    simulator.expands = expands
    assert synced(simulator).records() == whole


def test_a_changed_description_alone_arrives(simulator: PlannerSimulator) -> None:
    """Only the etag of the details moves."""
    host = synced(simulator)
    simulator.mutate("edit", first(simulator), details={"description": "Rewritten"})
    poll(host, simulator)
    assert host.owned() == synced(simulator).owned()
    assert "Rewritten" in [r.description for r in host.owned().values() if isinstance(r, WorkItem)]


def test_requests_of_a_batch_that_have_to_wait_are_asked_again_by_themselves(simulator: PlannerSimulator) -> None:
    whole = synced(simulator).records()
    simulator.throttled_parts = 3
    assert synced(simulator).records() == whole
    assert simulator.throttled_parts == 0


def test_no_batch_has_more_than_twenty_requests(at: list[datetime]) -> None:
    with serve(5, "45x3", START, clock=lambda: at[0]) as simulator:
        host = synced(simulator)
        assert len({held.scope for held in host.held.values() if held.scope}) == len(simulator.projects) > 20


def test_five_hundred_quiet_plans_take_a_batch_for_twenty_of_them(at: list[datetime]) -> None:
    with serve(5, "500x2", START, clock=lambda: at[0]) as simulator:
        host = synced(simulator)
        simulator.reset_log()
        with opened(simulator) as source:
            pages = 0
            for partition in source.partitions(tuple(host.scopes), dict(host.state), Mode.INCREMENTAL):
                pages += sum(1 for _ in source.read(partition))
        assert pages == 0
        asked = [entry for entry in simulator.log if entry.path == "/v1.0/$batch"]
        assert len(asked) == -(-len(simulator.projects) // 20)


def test_a_renamed_category_is_seen_within_the_hour(simulator: PlannerSimulator, at: list[datetime]) -> None:
    host = synced(simulator)
    simulator.mutate("rename_category", simulator.projects[0], "category1", "Now or never")
    at[0] += timedelta(hours=1)
    with opened(simulator, at) as source:
        pages = [page for _, page in host.pages(source, Mode.INCREMENTAL)]
    assert (simulator.projects[0],) in [page.stale for page in pages]


@pytest.mark.parametrize("link", ["https://evil.example/v1.0/groups?$skiptoken=1", "{url}/elsewhere"])
def test_a_next_link_that_leads_elsewhere_is_not_followed(simulator: PlannerSimulator, link: str) -> None:
    with opened(simulator) as source:
        with pytest.raises(ConfigError, match="next link"):
            list(source._client.rest({"value": [], "@odata.nextLink": link.format(url=simulator.url)}))
        address = f"{simulator.url}/v1.0/groups?$skiptoken=1"
        source._client.get = lambda _: {"value": [], "@odata.nextLink": address}  # type: ignore[method-assign,assignment]
        with pytest.raises(TransientError, match="never ends"):
            list(source._client.pages("/v1.0/groups"))


@pytest.mark.parametrize(
    ("rule", "error", "told"),
    [({"kind": "status", "status": 410}, ConfigError, "410"), ({"kind": "html"}, ConfigError, "web page"),
     ({"kind": "redirect"}, ConfigError, "redirect"), ({"kind": "unreadable"}, TransientError, "unreadable"),
     ({"kind": "status", "status": 403}, AuthError, "may not read")],
)  # fmt: skip
def test_what_stands_in_the_way_is_said_in_one_sentence(
    simulator: PlannerSimulator, rule: dict[str, Any], error: type[ConnectorError], told: str
) -> None:
    simulator.fault(times=None, path="/v1.0", **rule)
    with opened(simulator) as source, pytest.raises(error, match=told):
        source.check()


def test_without_names_people_are_read_by_their_ids_with_a_notice(simulator: PlannerSimulator) -> None:
    simulator.closed_users = True
    host = synced(simulator)
    assert any(isinstance(r, Assignment) for r in host.owned().values())
    assert not [r for r in host.mentioned().values() if isinstance(r, Identity)]


# The beta's delta


def test_where_changes_are_asked_for_first_a_quiet_poll_is_one_request(simulator: PlannerSimulator) -> None:
    host = synced(simulator, delta=True)
    simulator.reset_log()
    with opened(simulator, delta=True) as source:
        (partition,) = source.partitions(tuple(host.scopes), dict(host.state), Mode.INCREMENTAL)
        assert list(source.read(partition)) == []
    assert [entry.path for entry in simulator.log if entry.path.startswith(("/v1.0", "/beta"))] == ["/beta/planner/tasks/delta"]


@pytest.mark.parametrize("change", ["edit", "add", "delete"])
def test_changes_that_the_delta_tells_arrive(simulator: PlannerSimulator, change: str) -> None:
    host = synced(simulator, delta=True)
    arguments = (simulator.projects[0], "New") if change == "add" else (first(simulator),)
    simulator.mutate(change, *arguments, **({"title": "Renamed"} if change == "edit" else {}))
    poll(host, simulator, delta=True)
    assert host.owned() == synced(simulator).owned()


@pytest.mark.parametrize("refusal", ["too old", "malformed"])
def test_a_refused_delta_link_leads_to_a_full_read(simulator: PlannerSimulator, refusal: str) -> None:
    host = synced(simulator, delta=True)
    simulator.mutate("edit", first(simulator), title="Renamed")
    if refusal == "too old":
        simulator.expire_tokens()
    else:
        host.state["plans/delta"] = "/beta/planner/tasks/delta?$deltatoken=nonsense"
    poll(host, simulator, delta=True)
    assert host.wants_census
    assert host.owned() == synced(simulator).owned()
    host.wants_census = False
    poll(host, simulator, delta=True)
    assert not host.wants_census


# Config


@pytest.mark.parametrize(
    ("field", "value"),
    [("tenant_id", "common"), ("graph", "http://graph.example"), ("plans", "https://planner.cloud.microsoft/webui/plan/x"),
     ("time_zone", "Mars/Olympus"), ("verify", "ca.pem"), ("authority", "https://login.example/tenant")],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(field: str, value: str) -> None:
    good = {"tenant_id": "contoso.onmicrosoft.com", "client_id": "x", "client_secret": "y"}
    assert PlannerConfig.model_validate(good).graph == "https://graph.microsoft.com"
    with pytest.raises(ValidationError):
        PlannerConfig.model_validate({**good, field: value})


# Values


def mapped(task: dict[str, Any], zone: str = "UTC", **words: Any) -> tuple[WorkItem, list[Any]]:
    references = [Reference(None, json.dumps({"zone": zone}).encode()), Reference("P", json.dumps(words).encode())]
    found = mapper(references, {})(Payload(Ref("task", "T" * 28), "P", json.dumps(task).encode()))
    item = found.owned[0]
    assert isinstance(item, WorkItem)
    return item, list(found.owned[1:])


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2023-01-20T00:00:00Z", "UTC", date(2023, 1, 20)),
        ("2023-01-20T00:00:00Z", "America/New_York", date(2023, 1, 20)),
        ("2023-01-20T10:00:00Z", "America/New_York", date(2023, 1, 20)),
        ("2023-01-20T10:00:00Z", "Pacific/Auckland", date(2023, 1, 20)),
        ("2023-01-20T23:30:00Z", "Europe/Berlin", date(2023, 1, 21)),
        (None, "UTC", None),
        ("soon", "UTC", None),
    ],
)
def test_dates_are_days_of_the_configured_zone(text: str | None, zone: str, expected: date | None) -> None:
    assert day(text, zone) == expected


@pytest.mark.parametrize(
    ("percent", "status"),
    [(None, StatusCategory.TODO), (0, StatusCategory.TODO), (1, StatusCategory.IN_PROGRESS), (50, StatusCategory.IN_PROGRESS),
     (99, StatusCategory.IN_PROGRESS), (100, StatusCategory.DONE)],
)  # fmt: skip
def test_percent_says_the_status(percent: int | None, status: StatusCategory) -> None:
    assert mapped({"percentComplete": percent})[0].status_category is status


@pytest.mark.parametrize(
    ("given", "expected"), [(0, 90), (1, 90), (2, 70), (3, 70), (4, 70), (5, 50), (7, 50), (8, 20), (10, 20), (None, None)]
)
def test_priorities(given: int | None, expected: int | None) -> None:
    assert mapped({"priority": given})[0].priority == expected


def test_checklist_categories_assignees_references_and_bucket() -> None:
    task = {
        "bucketId": "b1", "appliedCategories": {"category3": True, "category5": False, "category9": True},
        "assignments": {"u2": {"assignedDateTime": "2026-01-02T00:00:00Z"}, "u1": {"assignedDateTime": "2026-01-03T00:00:00Z"}},
        "details": {
            "checklist": {"c1": {"title": "Ask", "isChecked": True}}, "references": {"https%3A//a%2Eexample/x%25y": {"alias": "Doc"}},
        },
    }  # fmt: skip
    item, rest = mapped(task, categories={"category3": "Budget"}, buckets={"b1": "Doing"})
    assert (item.labels, item.assignee) == (("Budget", "category9"), "u2")
    assert [r.resource for r in rest if isinstance(r, Assignment)] == ["u2", "u1"]
    (check,) = [r for r in rest if isinstance(r, WorkItem)]
    assert (check.kind, check.counts, check.status_category, check.parent) == (Kind.SUB_ITEM, False, StatusCategory.DONE, item.external_id)
    values = {r.name: r.text for r in rest if isinstance(r, CustomValue)}
    assert values == {"Bucket": "Doing", "Doc": "https://a.example/x%y"}


def test_etags_are_ordered_once_their_base64_is_taken_off() -> None:
    def of(own: str, inner: str) -> str:
        found = version({"@odata.etag": f'W/"{own}"', "details": {"@odata.etag": f'W/"{inner}"'}})
        assert found is not None
        return found

    older, newer = "JzEtVGFzayAgQEBAQEBAQEBAQEBAQEBASCc=", "JzEtVGFzayAgQEBAQEBAQEBAQEBAQEBATCc="
    assert of(older, older) < of(older, newer) < of(newer, older)
    assert version({"@odata.etag": 'W/"anything"', "details": {}}) is None


# Recorded and documented payloads


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    for path in sorted((folder / "data/msproject/planner").rglob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        if "json" not in told and "body_text" in told:
            try:
                told["json"] = json.loads(re.sub(r",(\s*[}\]])", r"\1", told["body_text"]))
            except ValueError:
                continue
        yield path.name, told.get("json")


def test_documented_tasks_plans_and_buckets_are_mapped(shared_folder: Path) -> None:
    tasks = boards = 0
    map_payload = mapper([], {})
    for name, body in documents(shared_folder):
        if not isinstance(body, (dict, list)):
            continue
        values = body if isinstance(body, list) else body.get("value", [body])
        for value in values if isinstance(values, list) else [values]:
            if not isinstance(value, dict) or "id" not in value:
                continue
            is_task = (
                "task" in name and "details" not in name and "reference" not in name and "checklist" not in name and "format" not in name
            )
            if is_task and "title" in value:
                task = {**value, "details": {k: value[k] for k in ("description", "checklist", "references") if k in value}}
                owned = map_payload(Payload(Ref("task", value["id"]), "P", json.dumps(task).encode())).owned
                assert isinstance(owned[0], WorkItem), name
                assert len([r for r in owned if isinstance(r, Assignment)]) == len(value.get("assignments") or {}), name
                tasks += 1
            elif "plan" in name and "title" in value and "bucket" not in name:
                buckets = [{"id": "b", "name": "To do"}]
                body_of = json.dumps({"plan": value, "details": {}, "buckets": buckets}).encode()
                owned = map_payload(Payload(Ref("board", value["id"]), value["id"], body_of)).owned
                assert [type(r) for r in owned] == [Plan, BoardColumn], name
                boards += 1
    assert tasks >= 12
    assert boards >= 8


def test_documented_details_are_read_as_part_of_a_task(shared_folder: Path) -> None:
    found = 0
    for name, body in documents(shared_folder):
        if "taskdetails" in name and isinstance(body, dict) and "checklist" in body:
            owned = mapper([], {})(Payload(Ref("task", "t"), "P", json.dumps({"title": "x", "details": body}).encode())).owned
            assert len([r for r in owned if isinstance(r, WorkItem)]) == 1 + len(body["checklist"])
            assert len([r for r in owned if isinstance(r, CustomValue)]) == len(body.get("references") or {})
            found += 1
    assert found >= 3


def test_what_the_simulator_answers_is_of_the_vendors_types(shared_folder: Path, simulator: PlannerSimulator) -> None:
    schema = ElementTree.parse(shared_folder / "specs/graph-v1.0-planner.csdl.xml")
    types: dict[str, set[str]] = {}
    for node in schema.iter():
        if node.tag.endswith(("}EntityType", "}ComplexType")):
            types[node.attrib["Name"]] = {child.attrib["Name"] for child in node if "Name" in child.attrib} | {"id"}

    def check(name: str, value: dict[str, Any]) -> None:
        unknown = {key for key in value if "@odata" not in key} - types[name]
        assert not unknown, f"{name} has no {sorted(unknown)}"

    plan = simulator.projects[0]
    check("plannerPlan", json.loads(simulator._plan({}, plan).body))
    check("plannerPlanDetails", json.loads(simulator._plan_details({}, plan).body))
    check("plannerCategoryDescriptions", json.loads(simulator._plan_details({}, plan).body)["categoryDescriptions"])
    for bucket in json.loads(simulator._buckets({}, plan).body)["value"]:
        check("plannerBucket", bucket)
    for task in json.loads(simulator._tasks({"$expand": "details"}, plan).body)["value"]:
        check("plannerTask", task)
        check("plannerTaskDetails", task["details"])
        for assignment in task["assignments"].values():
            check("plannerAssignment", assignment)
        for item in task["details"]["checklist"].values():
            check("plannerChecklistItem", item)
        for reference in task["details"]["references"].values():
            check("plannerExternalReference", reference)


def test_every_property_that_mapping_reads_is_of_the_vendors_types(shared_folder: Path) -> None:
    from pmo_hub_planner.mapping import Task

    text = (shared_folder / "specs/graph-v1.0-planner.csdl.xml").read_text(encoding="utf-8")
    for name in Task.__struct_encode_fields__:
        assert f'Property Name="{name}"' in text, name
