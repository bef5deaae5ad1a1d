"""Archives of Project Online: their forms, their rows as records, what is skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from pmo_hub.domain.records import (
    Assignment,
    Baseline,
    EarnedValue,
    Identity,
    Plan,
    Record,
    RegisterEntry,
    Resource,
    Schedule,
    StagePassage,
    WorkItem,
)
from pmo_hub.domain.vocabulary import Kind, ResourceKind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_mspdi.archive import guid, set_of
from pmo_hub_mspdi.config import MspdiConfig
from pmo_hub_mspdi.connector import MspdiConnector
from tests.connectors.pmo_hub_mspdi.archives import (
    ANNA,
    ARCHIVED,
    ROBOT,
    archive_zip,
    as_atom,
    as_json,
    dumps,
    project,
    task,
    task_id,
    zipped,
)
from tests.connectors.pmo_hub_mspdi.plans import records_of

R = TypeVar("R", bound=Record)


@pytest.fixture
def records() -> list[Record]:
    return records_of({"archive.zip": archive_zip()}, {"time_zone": "Europe/Zurich"})


def of(records: Sequence[Record], kind: type[R]) -> dict[str, R]:
    return {r.external_id.rpartition("/")[2]: r for r in records if isinstance(r, kind)}


def test_projects_that_nobody_worked_on_are_left_out(records: list[Record]) -> None:
    (plan,) = of(records, Plan).values()
    assert (plan.external_id, plan.name, plan.owner, plan.currency) == (ARCHIVED, "Head Office Move", ANNA, "EUR")
    assert (plan.stage, plan.phase, plan.time_zone) == ("Execution", "Manage", "Europe/Zurich")
    assert plan.status_at == datetime(2026, 9, 1, 17)  # noqa: DTZ001


def test_tasks_have_their_place_and_progress(records: list[Record]) -> None:
    items = of(records, WorkItem)
    tasks = {number: items[task_id(number)] for number in range(1, 5)}
    assert task_id(0) not in items
    assert [one.kind for one in tasks.values()] == [Kind.SUMMARY, Kind.TASK, Kind.MILESTONE, Kind.TASK]
    assert [one.parent for one in tasks.values()] == [None, *[f"{ARCHIVED}/{task_id(1)}"] * 3]
    assert tasks[2].status_category is StatusCategory.IN_PROGRESS
    assert (tasks[2].work_hours, tasks[2].spent_hours, tasks[2].priority, tasks[2].assignee) == (80, 40, 50, ANNA)
    assert tasks[3].status_category is StatusCategory.DONE
    assert (tasks[4].status_category, tasks[4].uncounted) == (StatusCategory.CANCELLED, Uncounted.INACTIVE)
    schedule = of(records, Schedule)[task_id(2)]
    assert (schedule.duration_hours, schedule.total_float_hours, schedule.cost) == (80, 16, Decimal(2400))


def test_assignments_resources_and_people(records: list[Record]) -> None:
    resources = of(records, Resource)
    assert {id: (one.kind, one.identity) for id, one in resources.items()} == {
        ANNA: (ResourceKind.WORK, ANNA), ROBOT: (ResourceKind.MATERIAL, None),
    }  # fmt: skip
    assert sorted(one.resource.rpartition("/")[2] for one in of(records, Assignment).values()) == [ANNA, ROBOT]
    (person,) = of(records, Identity).values()
    assert person.email == "anna@corp.example"


def test_baselines_and_earned_value(records: list[Record]) -> None:
    assert {one.number: one.work_hours for one in of(records, Baseline).values()} == {0: 72, 3: 72}
    found = {one.item: one for one in records if isinstance(one, EarnedValue)}
    assert (found[None].planned_value, found[None].estimate_at_completion, found[None].is_stale) == (Decimal(9000), Decimal(12000), False)
    own = found[f"{ARCHIVED}/{task_id(2)}"]
    assert (own.earned_value, own.at) == (Decimal(50), datetime(2026, 9, 1, 17))  # noqa: DTZ001


def test_risks_and_issues_are_in_their_register_and_count_nowhere(records: list[Record]) -> None:
    items = {one.kind: one for one in of(records, WorkItem).values() if one.kind in (Kind.RISK, Kind.ISSUE)}
    risk, issue = items[Kind.RISK], items[Kind.ISSUE]
    assert (risk.title, risk.status_category, risk.due, risk.uncounted) == (
        "Landlord is late", StatusCategory.IN_PROGRESS, date(2025, 6, 30), Uncounted.REGISTER,
    )  # fmt: skip
    assert (issue.status_category, issue.resolution) == (StatusCategory.DONE, "Repaired")
    entries = {one.item: one for one in of(records, RegisterEntry).values()}
    told = entries[risk.external_id]
    assert (told.probability, told.impact, told.exposure, told.cost, told.mitigation) == (0.4, 7, 2.8, Decimal(15000), "Weekly call")


@pytest.mark.parametrize(("given", "share"), [(40, 0.4), (0.4, 0.4), ("0.4", 0.4), (None, None), (400, None), (-1, None)])
def test_a_probability_is_a_share(given: Any, share: float | None) -> None:
    rows = {**dumps(), "Risks": [{**dumps()["Risks"][0], "Probability": given}]}
    found = of(records_of({"a.zip": archive_zip(rows)}), RegisterEntry)
    assert found["5b7f3c10-eeee-4d2e-9f00-000000000001"].probability == share


def test_the_way_through_the_stages_is_kept(records: list[Record]) -> None:
    stages = sorted(of(records, StagePassage).values(), key=lambda one: one.position or 0)
    assert [(one.stage, one.phase) for one in stages] == [("Business case", "Select"), ("Execution", "Manage")]
    assert stages[0].completed_at == datetime(2024, 12, 20, 15, 30, tzinfo=UTC)
    assert stages[1].completed_at is None


@pytest.mark.parametrize("form", ["verbose", "verbose list", "bare", "atom"])
def test_every_form_of_a_dump_reads_the_same(records: list[Record], form: str) -> None:
    told = records_of({"archive.zip": archive_zip(form=form)}, {"time_zone": "Europe/Zurich"})
    assert Counter(type(one) for one in told) == Counter(type(one) for one in records)
    assert of(told, WorkItem) == of(records, WorkItem)
    assert of(told, Schedule) == of(records, Schedule)


def test_a_set_may_come_in_pages_that_overlap() -> None:
    rows = dumps()
    members = {f"{name}.json": as_json(one) for name, one in rows.items() if name != "Tasks"}
    members["Tasks/page-1.json"] = as_json(rows["Tasks"][:3])
    members["Tasks_0002.xml"] = as_atom(rows["Tasks"][2:])
    assert len(of(records_of({"a.zip": zipped(members)}), WorkItem)) == 6


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Projects.json", "Projects"), ("dump/projects_0001.JSON", "Projects"), ("Tasks/1.xml", "Tasks"), ("a\\Risks.atom", "Risks"),
        ("TaskBaselines.json", "TaskBaselines"), ("ProjectWorkflowStageDataSet.json", "ProjectWorkflowStageDataSet"),
        ("ProjectBaselines.json", None), ("readme.txt", None), ("Tasks.csv", None), ("", None),
    ],
)  # fmt: skip
def test_a_dump_is_known_by_its_name(name: str, found: str | None) -> None:
    assert set_of(name) == found


def test_ids_are_compared_without_case_and_the_zero_id_is_none() -> None:
    assert guid("{ABC-1}") == "abc-1"
    assert guid("00000000-0000-0000-0000-000000000000") is None
    assert guid(None) is None


def test_older_dates_in_milliseconds_are_read() -> None:
    rows = {**dumps(), "Projects": [project(ProjectStartDate="/Date(1736150400000)/", ProjectFinishDate="/Date(99999999999999999999)/")]}
    (plan,) = of(records_of({"a.zip": archive_zip(rows)}), Plan).values()
    assert plan.starts_at == datetime(2025, 1, 6, 8)  # noqa: DTZ001
    assert plan.finishes_at is None


def test_a_task_of_an_archive_without_resources_knows_who_was_booked() -> None:
    rows = {**dumps(), "Resources": []}
    found = of(records_of({"a.zip": archive_zip(rows)}), Identity)
    assert found[ANNA].name in ("Anna Quist", "Anna Q")


def test_an_unpacked_archive_in_a_folder_is_one_and_plans_beside_it_are_plans() -> None:
    members = {f"online/dump/{name}.json": as_json(rows) for name, rows in dumps().items()}
    context = MemoryContext(folders={"/srv/plans": {**members, "Tasks.xml": b"<x/>"}})
    connector = MspdiConnector()
    with connector.open(MspdiConfig(folder="/srv/plans"), context) as source:
        assert [one.external_id for one in source.scopes()] == [ARCHIVED]
        host = MemoryHost(connector, [ARCHIVED])
        host.sync(source)
        assert len([r for r in host.records().values() if isinstance(r, WorkItem)]) == 6
        assert source.partitions([ARCHIVED], host.state, Mode.INCREMENTAL)[-1].scopes == ()  # Tasks.xml is told


def test_an_archive_is_gone_through_once_for_all_of_its_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    from pmo_hub_mspdi import archived_pages

    other = "5b7f3c10-aaaa-4d2e-9f00-000000000009"
    rows = {
        **dumps(),
        "Projects": [project(), project(ProjectId=other, ProjectName="Second")],
        "Tasks": [task(1, "A"), {**task(2, "B"), "ProjectId": other}],
    }
    count = 0
    gone_through = archived_pages.Index._gone_through

    def counted(self: archived_pages.Index) -> Any:
        nonlocal count
        count += 1
        return gone_through(self)

    monkeypatch.setattr(archived_pages.Index, "_gone_through", counted)
    found = records_of({"a.zip": archive_zip(rows)})
    assert len([r for r in found if isinstance(r, Plan)]) == 2
    assert count == 1
