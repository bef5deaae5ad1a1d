"""Properties that read otherwise than they look: fractions of seconds, shares of a day, texts in the site's language, local fields."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from pmo_hub.domain.records import Assignment, Calendar, CustomValue, Dependency, EarnedValue, Plan, Resource, Schedule, WorkItem
from pmo_hub.domain.vocabulary import ResourceKind
from pmo_hub_msproject.links import Ends
from pmo_hub_msproject.reference import Calendar as SiteCalendar
from pmo_hub_msproject.reference import Site
from pmo_hub_msproject.values import moment
from pmo_hub_msproject.wire import Link
from tests.connectors.pmo_hub_msproject.payloads import OTHER, PROJECT, TASK, mapped, one, task


@pytest.mark.parametrize("fraction", ["", ".1", ".33", ".123", ".8676617"])
def test_a_time_may_have_any_fraction_of_a_second(fraction: str) -> None:
    assert moment(f"2025-08-13T09:16:40{fraction}") == datetime(2025, 8, 13, 9, 16, 40)  # noqa: DTZ001


def test_units_of_one_are_all_of_somebodys_time() -> None:
    rows = [{"Id": OTHER, "Task": {"Id": TASK}, "Resource": {"Id": OTHER}, "ResourceCapacity": 0.5}]
    assert one(task(rows), Assignment).units == 0.5
    team = mapped("resource", {"Id": OTHER, "Name": "Ada", "MaximumCapacity": 1.0}, f"{PROJECT}/{OTHER}").mentioned
    assert one(team, Resource).maximum_units == 1.0


@pytest.mark.parametrize(("type", "kind"), [(1, ResourceKind.WORK), (2, ResourceKind.MATERIAL), (3, ResourceKind.COST)])
def test_a_resource_of_the_enterprise_says_what_it_is(type: int, kind: ResourceKind) -> None:
    row = {"Id": OTHER, "Name": "X", "EnterpriseResource": {"Id": TASK, "ResourceType": type}}
    assert one(mapped("resource", row, f"{PROJECT}/{OTHER}").mentioned, Resource).kind is kind


def test_a_plan_tells_its_stage_and_phase() -> None:
    header = {"Id": PROJECT, "Name": "P", "Stage": {"Id": TASK, "Name": "Execution"}, "Phase": {"Id": OTHER, "Name": "Manage"}}
    plan = one(mapped("plan", {"project": header}, PROJECT).owned, Plan)
    assert (plan.stage, plan.phase) == ("Execution", "Manage")


def test_the_week_of_a_calendar_is_unknown() -> None:
    """A site tells the exceptions only."""
    site = Site("https://x", "UTC", calendars=(SiteCalendar(OTHER, "Standard", ()),))
    found = one(mapped("plan", {"project": {"Id": PROJECT, "Name": "P", "Calendar": {"Id": OTHER}}}, PROJECT, site).owned, Calendar)
    assert found.week == (None,) * 7


@pytest.mark.parametrize("text", ["2 Tage", "2d", "16h", None, ""])
def test_the_text_of_a_lag_is_for_people(text: str | None) -> None:
    body = {"Id": OTHER, "PredecessorTaskId": OTHER, "SuccessorTaskId": TASK, "DependencyType": 1, "LinkLag": 9600, "LinkLagDuration": text,
            "LinkLagFmt": 7}  # fmt: skip
    assert one(mapped("link", body, f"{PROJECT}/{OTHER}").owned, Dependency).lag_hours == 16.0


def test_a_link_of_a_project_names_tasks_of_it_where_nothing_stands_for_others() -> None:
    assert Ends(PROJECT, 40.0).context(Link(OTHER, OTHER, TASK, 1, 4800, None, 7)) == {}


def test_a_duration_that_the_milliseconds_can_not_hold_is_read_from_its_span() -> None:
    records = task(DurationTimeSpan="P50D", DurationMilliseconds=25_032_704, Duration="150d", WorkTimeSpan=None, WorkMilliseconds=2**31 - 1)
    schedule = one(records, Schedule)
    assert (schedule.duration_hours, one(records, WorkItem).work_hours) == (1200.0, None)


def test_local_fields_of_a_project_are_no_values_under_names_of_the_wire() -> None:
    """Which people gave a name in that project only: the site's dictionary of fields lacks them."""
    key = f"LocalCustom_x005f_Published_x005f_{PROJECT.replace('-', '')}_x005f_000039b78bbe4ceb82c4fa8c0b400033"
    values: dict[str, Any] = {key: "Entry_9", "Custom_x005f_unknown": ["Entry_1"]}
    records = task(**values)
    assert not [r for r in records if isinstance(r, CustomValue)]


def test_costs_are_numbers_here_and_texts_in_reports() -> None:
    assert one(task(Cost=2400.0), Schedule).cost == one(task(Cost="2400.000000"), Schedule).cost == 2400
    report = {"ProjectId": PROJECT, "ProjectBCWS": "10.500000", "ProjectBCWP": "8.000000", "ProjectACWP": "9.0", "ProjectEAC": "20.0",
              "ProjectEarnedValueIsStale": False}  # fmt: skip
    found = one(mapped("plan", {"project": {"Id": PROJECT, "Name": "P"}, "report": report}, PROJECT).owned, EarnedValue)
    assert (found.planned_value, found.is_stale, found.at) == (Decimal("10.5"), False, None), "without a status date, as of when?"
