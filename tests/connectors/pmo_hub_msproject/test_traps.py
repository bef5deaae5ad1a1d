"""What the wire of PWA sites is known to do, trap by trap."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pmo_hub.domain.records import (
    Assignment,
    Baseline,
    Calendar,
    CalendarException,
    CustomValue,
    Dependency,
    EarnedValue,
    Identity,
    Plan,
    RegisterEntry,
    Resource,
    Schedule,
    StagePassage,
    WorkItem,
)
from pmo_hub.domain.vocabulary import Constraint, DependencyType, Kind, ResourceKind, StatusCategory, Uncounted
from pmo_hub.sdk.errors import RecordError
from pmo_hub_msproject import odata, wire
from pmo_hub_msproject.calendars import ranges, shifts
from pmo_hub_msproject.links import Ends
from pmo_hub_msproject.reference import Calendar as SiteCalendar
from pmo_hub_msproject.reference import Exceptional, Site
from pmo_hub_msproject.values import duration_hours, guid, hours, instant, moment, span_hours, text_hours
from tests.connectors.pmo_hub_msproject.payloads import OTHER, PROJECT, TASK, mapped, one, task

NO_GUID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("0001-01-01T00:00:00", None), ("", None), (None, None), ("soon", None),
        ("2025-08-13T09:16:01.33", datetime(2025, 8, 13, 9, 16, 1)),  # noqa: DTZ001
        ("2025-08-13T15:39:09.04", datetime(2025, 8, 13, 15, 39, 9)), ("2024-04-25T17:00:00", datetime(2024, 4, 25, 17)),  # noqa: DTZ001
        ("/Date(1400000000000)/", datetime(2014, 5, 13, 16, 53, 20)), ("/Date(99999999999999999)/", None),  # noqa: DTZ001
    ],
)  # fmt: skip
def test_times_have_no_zone_and_a_sentinel(text: str | None, at: datetime | None) -> None:
    assert moment(text) == at


def test_instants_are_of_the_sites_zone() -> None:
    at = instant("2025-08-13T09:16:01", "Europe/Oslo")
    assert at is not None
    assert at.isoformat() == "2025-08-13T07:16:01+00:00"


@pytest.mark.parametrize(
    ("span", "expected"),
    [("P1D", 24.0), ("PT0S", 0.0), ("PT8H", 8.0), ("P8DT16H", 208.0), ("-PT4H30M", -4.5), ("P", None), (None, None), ("3d", None)],
)
def test_a_day_of_a_span_is_24_working_hours(span: str | None, expected: float | None) -> None:
    assert span_hours(span) == expected


def test_a_span_goes_before_milliseconds_that_may_not_have_fitted() -> None:
    assert hours("P50D", -2147483648) == 1200.0
    assert hours(None, 86_400_000, "3d") == 24.0
    assert hours(None, 2**31 - 1, "150d") == 1200.0
    assert duration_hours(None, -1_000_000, "3d") == 24.0
    assert duration_hours("-PT8H", None) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("3d", 24.0), ("3ed", 72.0), ("24h", 24.0), ("0.5 wks", 20.0), ("30m", 0.5), ("3 Tage", None), ("2 mons", 320.0)]
)
def test_texts_of_durations_are_the_last_resort(text: str, expected: float | None) -> None:
    assert text_hours(text) == expected


def test_the_zero_guid_is_none() -> None:
    assert guid(NO_GUID) is None
    assert guid("{47BD06F0-2703-4F11-8A8C-00155D805832}") == PROJECT


@pytest.mark.parametrize(
    ("body", "link"),
    [
        (b'{"value":[{"Id":1}],"odata.nextLink":"n"}', "n"), (b'{"value":[{"Id":1}],"@odata.nextLink":"n"}', "n"),
        (b'{"d":{"results":[{"Id":1}],"__next":"n"}}', "n"), (b'{"d":[{"Id":1}]}', None), (b'{"value":[{"Id":1}]}', None),
    ],
)  # fmt: skip
def test_both_shapes_and_all_next_links_are_read(body: bytes, link: str | None) -> None:
    found, next = odata.page(body)
    assert ([bytes(raw) for raw in found], next) == ([b'{"Id":1}'], link)


def test_an_entity_is_read_in_both_shapes() -> None:
    assert bytes(odata.entity(b'{"d":{"Id":1}}')) == b'{"Id":1}'
    assert bytes(odata.entity(b'{"Id":1}')) == b'{"Id":1}'


def test_an_answer_of_another_shape_is_no_empty_list() -> None:
    with pytest.raises(msgspec.DecodeError):
        odata.page(b'{"error":{}}')


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, None), (1, Constraint.AS_SOON_AS_POSSIBLE), (2, Constraint.AS_LATE_AS_POSSIBLE), (3, Constraint.MUST_START_ON),
     (4, Constraint.MUST_FINISH_ON), (5, Constraint.START_NO_EARLIER_THAN), (6, Constraint.START_NO_LATER_THAN),
     (7, Constraint.FINISH_NO_EARLIER_THAN), (8, Constraint.FINISH_NO_LATER_THAN), (9, None)],
)  # fmt: skip
def test_constraints_count_from_one(number: int, expected: Constraint | None) -> None:
    found = one(task(ConstraintType=number, ConstraintStartEnd="2026-01-05T08:00:00"), Schedule)
    assert found.constraint == expected
    assert (found.constraint_at is None) == (number in (0, 1, 2, 9))


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, DependencyType.FINISH_TO_FINISH), (1, DependencyType.FINISH_TO_START), (2, DependencyType.START_TO_FINISH),
     (3, DependencyType.START_TO_START)],
)  # fmt: skip
def test_links_have_their_types_and_lags_in_tenths_of_a_minute(number: int, expected: DependencyType) -> None:
    link = {"Id": OTHER, "PredecessorTaskId": OTHER, "SuccessorTaskId": TASK, "DependencyType": number, "LinkLag": -4800, "LinkLagFmt": 7}
    found = one(mapped("link", link, f"{PROJECT}/{OTHER}").owned, Dependency)
    assert (found.dependency_type, found.lag_hours) == (expected, -8.0)
    assert (found.predecessor, found.successor) == (f"{PROJECT}/{OTHER}", f"{PROJECT}/{TASK}")


def test_a_link_of_an_unknown_type_is_quarantined() -> None:
    link = {"Id": OTHER, "PredecessorTaskId": OTHER, "SuccessorTaskId": TASK, "DependencyType": 7}
    with pytest.raises(RecordError, match="type 7"):
        mapped("link", link, f"{PROJECT}/{OTHER}")


def test_lags_of_a_percentage_and_of_elapsed_time_become_working_hours() -> None:
    ends = Ends(PROJECT, 40.0)
    ends.own(OTHER, 24.0)
    for lag, format, expected in ((50, 19, 12.0), (43_200, 8, 72 * 40 / 168)):
        link = wire.Link(OTHER, OTHER, TASK, 1, lag, None, format)
        body = {"Id": OTHER, "PredecessorTaskId": OTHER, "SuccessorTaskId": TASK, "DependencyType": 1, "LinkLag": lag, "LinkLagFmt": format}
        found = one(mapped("link", body, f"{PROJECT}/{OTHER}", context=ends.context(link)).owned, Dependency)
        assert found.lag_hours == pytest.approx(expected, abs=0.001)


def test_a_link_between_projects_is_one_from_both_sides() -> None:
    ours, theirs, ghost = Ends(PROJECT, 40.0), Ends(OTHER, 40.0), "1e57d9b7-a356-4011-97c7-080027c4b287"
    ours.external(ghost, OTHER, OTHER, None)
    theirs.external(ghost, PROJECT, TASK, None)
    here = {"Id": ghost, "PredecessorTaskId": ghost, "SuccessorTaskId": TASK, "DependencyType": 1}
    there = {"Id": TASK, "PredecessorTaskId": OTHER, "SuccessorTaskId": ghost, "DependencyType": 1}
    first = mapped("link", here, f"{PROJECT}/{ghost}", context=ours.context(wire.Link(ghost, ghost, TASK)))
    second = mapped("link", there, f"{OTHER}/{TASK}", context=theirs.context(wire.Link(TASK, OTHER, ghost)))
    assert first.owned == second.owned
    assert one(first.owned, Dependency).predecessor == f"{OTHER}/{OTHER}"


def test_an_inactive_task_is_kept_and_not_counted() -> None:
    item = one(task(IsActive=False, PercentComplete=40), WorkItem)
    assert (item.is_active, item.counts, item.uncounted, item.status_category) == (
        False,
        False,
        Uncounted.INACTIVE,
        StatusCategory.CANCELLED,
    )


@pytest.mark.parametrize(
    ("values", "kind", "uncounted"),
    [({}, Kind.TASK, None), ({"IsMilestone": True}, Kind.MILESTONE, None), ({"IsSummary": True}, Kind.SUMMARY, Uncounted.SUMMARY),
     ({"IsSubProject": True}, Kind.SUMMARY, Uncounted.MIRROR)],
)  # fmt: skip
def test_kinds_of_tasks(values: dict[str, Any], kind: Kind, uncounted: Uncounted | None) -> None:
    item = one(task(**values), WorkItem)
    assert (item.kind, item.uncounted, item.counts) == (kind, uncounted, uncounted is None)


def test_dates_that_a_site_makes_up_for_words_are_not_believed() -> None:
    records = task(
        IsManual=True, StartText="after the summer", Start="2026-08-03T08:00:00", Finish="2026-08-04T17:00:00", FinishText="4.8.26"
    )
    item, schedule = one(records, WorkItem), one(records, Schedule)
    assert (item.planned_start, item.planned_finish, schedule.starts_at) == (None, date(2026, 8, 4), None)
    assert one(records, CustomValue).text == "after the summer"


@pytest.mark.parametrize(("percent", "category"), [(0, "todo"), (7, "in_progress"), (100, "done")])
def test_the_percentage_is_the_status(percent: int, category: str) -> None:
    item = one(task(PercentComplete=percent), WorkItem)
    assert (item.status_category.value, item.original_status) == (category, f"{percent} %")


def test_priority_is_a_tenth_and_hours_are_of_work() -> None:
    records = task(
        Priority=500, WorkTimeSpan="P1D", ActualWorkTimeSpan="PT8H", TotalSlackTimeSpan="-PT8H", Duration="3ed", DurationTimeSpan="P3D"
    )
    item, schedule = one(records, WorkItem), one(records, Schedule)
    assert (item.priority, item.work_hours, item.spent_hours) == (50, 24.0, 8.0)
    assert (schedule.total_float_hours, schedule.duration_hours, schedule.is_elapsed) == (-8.0, 72.0, True)


def test_baseline_zero_and_earned_value_are_the_tasks_own() -> None:
    records = task(
        BaselineStart="2026-01-05T08:00:00", BaselineFinish="2026-01-07T17:00:00", BaselineWorkTimeSpan="P1D", BaselineCost=2400.0,
        BudgetedCostWorkScheduled=1200.0, BudgetedCostWorkPerformed=800, ActualCostWorkPerformed="900.5",
        context={"status": "2026-01-06T17:00:00"},
    )  # fmt: skip
    baseline, earned = one(records, Baseline), one(records, EarnedValue)
    assert (baseline.number, baseline.work_hours, baseline.cost) == (0, 24.0, Decimal(2400))
    assert (earned.planned_value, earned.earned_value, earned.actual_cost) == (Decimal(1200), Decimal(800), Decimal("900.5"))
    assert earned.at == datetime(2026, 1, 6, 17)  # noqa: DTZ001


def test_a_task_without_cost_has_earned_nothing_that_could_be_known() -> None:
    assert not [r for r in task(BudgetedCostWorkScheduled=0.0, BaselineCost=0.0) if isinstance(r, EarnedValue)]


def test_an_assignment_without_a_resource_is_nobodys() -> None:
    rows = [{"Id": OTHER, "Task": {"Id": TASK}, "Resource": {"Id": NO_GUID}}, {"Id": TASK, "Task": {"Id": TASK}, "Resource": {"Id": OTHER}}]
    found = one(task(rows), Assignment)
    assert (found.external_id, found.resource) == (f"{PROJECT}/{TASK}", OTHER)


@pytest.mark.parametrize(
    "entries", [["Entry_1", "Entry_2"], {"__metadata": {"type": "Collection(Edm.String)"}, "results": ["Entry_1", "Entry_2"]}]
)
def test_values_of_lookup_tables_have_names_in_both_shapes(entries: Any) -> None:
    assert one(task(Custom_x005f_aa=entries), CustomValue).text == "Technology, Sales"


def test_custom_values_are_of_their_types() -> None:
    records = task(Custom_x005f_bb=150_000, Custom_x005f_cc=4800, Custom_x005f_dd="2026-02-03T08:00:00", Custom_x005f_ee=True)
    found = {r.name: r for r in records if isinstance(r, CustomValue)}
    assert (found["Value"].number, found["Effort"].number, found["Accepted"].day, found["Checked"].text) == (
        1500.0,
        8.0,
        date(2026, 2, 3),
        "yes",
    )


def test_a_sentinel_is_no_custom_value() -> None:
    assert not [r for r in task(Custom_x005f_dd="0001-01-01T00:00:00", Custom_x005f_aa="") if isinstance(r, CustomValue)]


def test_people_are_identities_and_roles_are_not() -> None:
    person = mapped(
        "resource", {"Id": OTHER, "Name": "Ada", "Email": "ada@x.example", "EnterpriseResource": {"Id": TASK}}, f"{PROJECT}/{OTHER}"
    )
    assert (one(person.mentioned, Resource).identity, one(person.mentioned, Identity).external_id) == (TASK, TASK)
    assert one(person.mentioned, Resource).name is None
    role = mapped("resource", {"Id": OTHER, "Name": "Concrete", "MaterialLabel": "t"}, f"{PROJECT}/{OTHER}")
    assert (one(role.mentioned, Resource).kind, len(role.mentioned)) == (ResourceKind.MATERIAL, 1)


def test_a_plan_claims_its_calendar_with_the_exceptions() -> None:
    days = Exceptional("0-0", "Christmas", (date(2026, 12, 24), date(2026, 12, 26)), ())
    site = Site("https://x", "UTC", calendars=(SiteCalendar(OTHER, "Standard", (days,)),))
    header = {
        "Id": PROJECT,
        "Name": "P",
        "MinutesPerDay": 480,
        "StatusDate": "0001-01-01T00:00:00",
        "Calendar": {"Id": OTHER},
        "CurrencyCode": "EUR",
    }
    records = mapped("plan", {"project": header, "summary": None, "report": None}, PROJECT, site).owned
    plan = one(records, Plan)
    assert (plan.hours_per_day, plan.status_at, plan.calendar, plan.currency) == (8.0, None, OTHER, "EUR")
    assert (one(records, Calendar).name, one(records, CalendarException).last) == ("Standard", date(2026, 12, 26))


def test_earned_value_of_a_plan_says_whether_it_is_stale() -> None:
    body = {"project": {"Id": PROJECT, "Name": "P"}, "summary": {"Id": TASK, "BudgetedCostWorkScheduled": 10.0},
            "report": {"ProjectId": PROJECT, "ProjectEarnedValueIsStale": True, "ProjectStatusDate": "2026-01-06T17:00:00"}}  # fmt: skip
    earned = one(mapped("plan", body, PROJECT).owned, EarnedValue)
    assert (earned.item, earned.is_stale, earned.at) == (None, True, datetime(2026, 1, 6, 17))  # noqa: DTZ001


def test_numbered_baselines_have_decimals_as_texts() -> None:
    rows = [{"TaskId": TASK, "BaselineNumber": n, "TaskBaselineStartDate": "2026-01-05T08:00:00", "TaskBaselineWork": "16.000000",
             "TaskBaselineCost": "2400.000000"} for n in (0, 1, 10, 11)]  # fmt: skip
    found = [r for r in mapped("baselines", rows).owned if isinstance(r, Baseline)]
    assert [(b.number, b.work_hours, b.cost) for b in found] == [(1, 16.0, Decimal(2400)), (10, 16.0, Decimal(2400))]


@pytest.mark.parametrize(("told", "share"), [(0.3, 0.3), (30, 0.3), ("50.0", 0.5), (1, 1.0), (-1, None)])
def test_risks_are_items_that_nothing_counts(told: Any, share: float | None) -> None:
    row = {
        "RiskId": TASK,
        "Title": "Late",
        "Status": "(2) Aufgeschoben",
        "Category": "(2) Zeit",
        "Probability": told,
        "Impact": 5.0,
        "Cost": 100.0,
    }
    records = mapped("risk", row).owned
    item, entry = one(records, WorkItem), one(records, RegisterEntry)
    assert (item.kind, item.counts, item.uncounted, item.status_category) == (Kind.RISK, False, Uncounted.REGISTER, StatusCategory.TODO)
    assert (entry.probability, entry.impact, entry.category, item.original_status) == (share, 5.0, "Zeit", "Aufgeschoben")


def test_stages_tell_when_they_were_entered() -> None:
    row = {
        "StageId": TASK,
        "StageName": "Plan",
        "StageOrder": 2,
        "StageStatus": 1,
        "StageEntryDate": "2026-01-05T08:00:00",
        "PhaseName": "Demand",
    }
    found = one(mapped("stage", row).owned, StagePassage)
    assert (found.plan, found.stage, found.position, found.completed_at) == (PROJECT, "Plan", 2, None)
    assert found.entered_at is not None
    assert found.entered_at.isoformat() == "2026-01-05T07:00:00+00:00"


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ({}, [(date(2026, 8, 18), date(2026, 8, 31))]),
        ({"recurrence_type": 1, "recurrence_frequency": 5}, [date(2026, 8, 18), date(2026, 8, 23), date(2026, 8, 28)]),
        ({"recurrence_type": 2, "recurrence_days": 2 | 32}, [date(2026, 8, 21), date(2026, 8, 24), date(2026, 8, 28), date(2026, 8, 31)]),
        ({"recurrence_type": 3, "recurrence_month_day": 20}, [date(2026, 8, 20)]),
        ({"recurrence_type": 3, "recurrence_week": 5, "recurrence_days": 2}, [date(2026, 8, 31)]),
        ({"recurrence_type": 4, "recurrence_month": 8, "recurrence_month_day": 29}, [date(2026, 8, 29)]),
        ({"recurrence_type": 4, "recurrence_month": 2, "recurrence_month_day": 30}, []),
    ],
)
def test_exceptions_that_recur_become_days(rule: dict[str, int], days: list[Any]) -> None:
    told = wire.CalendarException(1, None, "2026-08-18T00:00:00", "2026-08-31T00:00:00", **rule)
    assert ranges(told) == [d if isinstance(d, tuple) else (d, d) for d in days]


def test_equal_ends_of_a_shift_are_no_shift() -> None:
    assert shifts(wire.CalendarException(shift1_start=480, shift1_finish=720, shift2_start=0, shift2_finish=0)) == ((480, 720),)
