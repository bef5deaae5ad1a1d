"""Time-phased data of files and archives: by day, known only where it adds up, and bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.records import Assignment, Plan, PlanValue, Record, TimePhased, WorkItem
from pmo_hub.domain.time_phased import Series, total
from pmo_hub.domain.vocabulary import Phased
from pmo_hub_mspdi import archived_days, periods, streaming
from pmo_hub_mspdi.simulated_plans import PlanSpec, plan_xml
from tests.connectors.pmo_hub_mspdi.archives import AGREED, ARCHIVED, DAY, archive_zip, dumps, task_id
from tests.connectors.pmo_hub_mspdi.plans import host_of, plan, records_of, task
from tests.third_party import find_shared

SHELF = find_shared() / "data" / "msproject" / "mspdi"
HOURS_NEAR = 0.021
PEOPLE = [{"UID": 1, "Name": "Ann", "Type": 1}, {"UID": 2, "Name": "Sand", "Type": 0}]


def period(kind: int, start: str, finish: str, value: str, unit: int = 2) -> dict[str, Any]:
    return {"Type": kind, "UID": 1, "Start": f"2026-06-{start}:00", "Finish": f"2026-06-{finish}:00", "Unit": unit, "Value": value}


def booked(*told: dict[str, Any], resource: int = 1, uid: int = 1, **fields: Any) -> dict[str, Any]:
    return {"UID": uid, "TaskUID": 1, "ResourceUID": resource, **fields, "TimephasedData": list(told)}


def days(records: Sequence[Record]) -> dict[str, TimePhased]:
    """By task and kind."""
    return {one.external_id.partition("/")[2]: one for one in records if isinstance(one, TimePhased)}


def read(*assignments: dict[str, Any], tasks: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, TimePhased]:
    containers: dict[str, Any] = {"Resources": PEOPLE, "Assignments": list(assignments)}
    return days(records_of(plan(tasks or [task(1, **fields)], **containers)))


def on(day: int, hours: str, count: int = 1) -> Series:
    return ((date(2026, 6, day), count, Decimal(hours)),)


def test_what_was_done_is_a_part_of_what_is_planned() -> None:
    told = booked(period(2, "01T08:00", "02T08:00", "PT8H0M0S"), period(1, "02T08:00", "02T12:00", "PT4H0M0S"))
    found = read(told, Work="PT12H0M0S", ActualWork="PT8H0M0S")
    assert found["1/planned"].work == (*on(1, "8"), *on(2, "4"))
    assert found["1/actual"].work == on(1, "8")
    assert (found["1/planned"].cost, found["1/actual"].cost) == (None, None), "the file tells no cost by day"


def test_a_period_over_two_days_is_spread_over_the_working_time_in_it() -> None:
    found = read(booked(period(1, "04T13:00", "05T13:00", "PT8H0M0S")), Work="PT8H0M0S", ActualWork="PT0H0M0S")
    assert found["1/planned"].work == on(4, "4", 2)
    assert found["1/actual"].work == (), "nothing was done, and that is known"


def test_a_period_over_a_weekend_and_one_of_a_year_leave_days_off_out() -> None:
    found = read(booked(period(1, "05T08:00", "09T08:00", "PT16H0M0S")), Work="PT16H0M0S")
    assert found["1/planned"].work == (*on(5, "8"), *on(8, "8"))
    whole = {**period(1, "01T08:00", "01T08:00", "PT2088H0M0S", 8), "Finish": "2027-06-01T08:00:00"}
    work = read(booked(whole), Work="PT2088H0M0S")["1/planned"].work
    assert work is not None
    assert float(total(work)) == pytest.approx(2088, abs=0.001)
    assert all(first.weekday() + count <= 5 for first, count, _ in work)


def test_work_on_a_day_off_stays_there() -> None:
    found = read(booked(period(1, "06T08:00", "07T08:00", "PT3H0M0S")), Work="PT3H0M0S")
    assert found["1/planned"].work == on(6, "3")


def test_the_calendar_of_who_works_decides() -> None:
    night = {"UID": 5, "Name": "Thursdays", "IsBaseCalendar": 1, "WeekDays": {"WeekDay": [
        {"DayType": n, "DayWorking": int(n == 5), **({"WorkingTimes": {"WorkingTime": [{"FromTime": "08:00:00", "ToTime": "18:00:00"}]}}
                                                       if n == 5 else {})} for n in range(1, 8)
    ]}}  # fmt: skip
    file = plan(
        [task(1, Work="PT8H0M0S")], Calendars=[night], Resources=[{"UID": 1, "Name": "Ann", "Type": 1, "CalendarUID": 5}],
        Assignments=[booked(period(1, "04T13:00", "05T13:00", "PT8H0M0S"))],
    )  # fmt: skip
    assert days(records_of(file))["1/planned"].work == on(4, "8")


def test_periods_by_the_minute_are_days_too() -> None:
    told = [period(1, f"01T08:{n:02}", f"01T08:{n + 1:02}", "PT0H1M0S", 0) for n in range(50)]
    assert read(booked(*told), Work="PT0H50M0S")["1/planned"].work == ((date(2026, 6, 1), 1, Decimal("0.833333")),)


def test_overtime_is_within_actual_work() -> None:
    told = booked(period(2, "01T08:00", "02T08:00", "PT10H0M0S"), period(3, "01T08:00", "02T08:00", "PT2H0M0S"))
    assert read(told, Work="PT10H0M0S", ActualWork="PT10H0M0S")["1/actual"].work == on(1, "10")


def test_what_does_not_add_up_is_unknown_and_not_a_part() -> None:
    """Newer versions of Project leave the remaining work of a started assignment out."""
    found = read(booked(period(2, "01T08:00", "02T08:00", "PT8H0M0S")), Work="PT80H0M0S", ActualWork="PT8H0M0S")
    assert found["1/actual"].work == on(1, "8")
    assert "1/planned" not in found


def test_a_file_without_such_data_says_nothing_of_any_task() -> None:
    assert not read({"UID": 1, "TaskUID": 1, "ResourceUID": 1}, Work="PT0H0M0S", ActualWork="PT0H0M0S")


def test_materials_are_no_hours_and_the_unassigned_nobody() -> None:
    told = (
        booked(period(1, "01T08:00", "02T08:00", "PT8H0M0S")),
        booked(period(1, "01T08:00", "02T08:00", "PT40H0M0S"), resource=2, uid=2),
        booked(period(1, "01T08:00", "02T08:00", "PT8H0M0S"), resource=-65535, uid=3),
    )
    assert read(*told, Work="PT8H0M0S")["1/planned"].work == on(1, "8")


def test_baselines_0_to_10_have_kinds_of_their_own() -> None:
    told = booked(
        period(4, "01T08:00", "02T08:00", "PT8H0M0S"), period(5, "01T08:00", "02T08:00", "8050"),
        period(16, "02T08:00", "03T08:00", "PT6H0M0S"), period(71, "03T08:00", "04T08:00", "40"),
    )  # fmt: skip
    agreed = [
        {"Number": 0, "Work": "PT8H0M0S", "Cost": "8050"}, {"Number": 1, "Work": "PT6H0M0S"},
        {"Number": 10, "Work": "PT5H0M0S", "Cost": "4000"},
    ]  # fmt: skip
    found = read(told, Baseline=agreed)
    assert (found["1/baseline/0"].work, found["1/baseline/0"].cost) == (on(1, "8"), on(1, "80.5")), "in hundredths, as totals are"
    assert (found["1/baseline/1"].work, found["1/baseline/1"].number) == (on(2, "6"), 1)
    assert found["1/baseline/10"].cost == on(3, "40"), "or whole, where only that adds up"
    assert found["1/baseline/10"].work is None


def test_what_a_baseline_says_of_the_task_goes_before_its_assignments() -> None:
    """Its cost has the fixed cost in it; the periods of either may stand in the baseline."""
    at_task = {"Number": 0, "Cost": "10000", "TimephasedData": [period(10, "01T08:00", "02T08:00", "10000")]}
    told = booked(Baseline={"Number": 0, "TimephasedData": [period(5, "01T08:00", "02T08:00", "8000")]})
    assert read(told, Baseline=at_task)["1/baseline/0"].cost == on(1, "100")


def test_actual_cost_is_known_where_it_adds_up() -> None:
    told = booked(period(6, "01T08:00", "02T08:00", "4000"), period(2, "01T08:00", "02T08:00", "PT1H0M0S"))
    assert read(told, Work="PT1H0M0S", ActualWork="PT1H0M0S", ActualCost="4000")["1/actual"].cost == on(1, "40")
    assert read(told, Work="PT1H0M0S", ActualWork="PT1H0M0S", ActualCost="9000")["1/actual"].cost is None


def test_summaries_are_left_to_their_tasks() -> None:
    tasks = [task(1, Summary=1, Work="PT8H0M0S"), task(2, OutlineLevel=2, Work="PT8H0M0S")]
    told = booked(period(1, "01T08:00", "02T08:00", "PT8H0M0S"), uid=4) | {"TaskUID": 2}
    assert read(booked(period(1, "01T08:00", "02T08:00", "PT8H0M0S")), told, tasks=tasks).keys() == {"2/planned"}


@pytest.mark.parametrize(
    "bad",
    [
        {"Value": "-PT8H0M0S"}, {"Value": "P1Y"}, {"Value": "8 hours"}, {"Start": "soon"}, {"Finish": "2099-06-01T08:00:00"},
        {"Value": "1E999"},
    ],
)  # fmt: skip
def test_a_period_that_can_not_be_read_makes_its_task_unknown_and_is_told(bad: dict[str, str]) -> None:
    others = task(2, Work="PT8H0M0S"), booked(period(1, "01T08:00", "02T08:00", "PT8H0M0S"), uid=2) | {"TaskUID": 2}
    told = booked(period(1, "01T08:00", "02T08:00", "PT8H0M0S") | bad)
    host, pages = host_of(plan([task(1, Work="PT8H0M0S"), others[0]], Resources=PEOPLE, Assignments=[told, others[1]]))
    assert days(list(host.records().values())).keys() == {"2/planned"}
    assert any("of 1 tasks that can't be read" in notice for page in pages for notice in page.notices)


def test_more_periods_than_are_kept_are_told_and_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (periods, streaming):
        monkeypatch.setattr(module, "MOST_PERIODS", 3)
    told = [period(1, f"{n:02}T08:00", f"{n:02}T12:00", "PT4H0M0S") for n in range(1, 6)]
    file = plan([task(1, Work="PT20H0M0S")], Resources=PEOPLE, Assignments=[booked(*told)])
    host, pages = host_of(file)
    assert not days(list(host.records().values()))
    assert [r for r in host.records().values() if isinstance(r, WorkItem)]
    assert any("more days of 1 tasks than are kept" in notice for page in pages for notice in page.notices)


def test_a_series_of_more_than_twenty_years_is_told_and_nothing_is_cut() -> None:
    told = [period(1, "01T08:00", "02T08:00", "PT8H0M0S") | {"Start": f"{y}-06-01T08:00:00", "Finish": f"{y}-06-02T08:00:00"} for y in
            (2000, 2026)]  # fmt: skip
    host, pages = host_of(plan([task(1, Work="PT16H0M0S")], Resources=PEOPLE, Assignments=[booked(*told)]))
    assert not days(list(host.records().values()))
    assert any("twenty years" in notice for page in pages for notice in page.notices)


def test_an_assignment_of_many_periods_is_no_record_of_too_many_elements() -> None:
    told = [period(1, f"01T{n % 24:02}:{n // 24:02}", f"01T{n % 24:02}:{n // 24 + 1:02}", "PT0H0M1S", 0) for n in range(1_200)]
    file = plan([task(1, Work="PT0H20M0S")], Resources=PEOPLE, Assignments=[booked(*told * 8)])
    assert file.count(b"<Value>") > periods.MOST_PERIODS / 6
    assert [r for r in records_of(file) if isinstance(r, Assignment)]


def test_other_payloads_carry_no_periods() -> None:
    told = booked(period(1, "01T08:00", "02T08:00", "PT8H0M0S"), Work="PT8H0M0S")
    host, _ = host_of(plan([task(0, OutlineLevel=0, TimephasedData=[period(11, "01T08:00", "02T08:00", "10")]), task(1, Work="PT8H0M0S")],
                           Resources=PEOPLE, Assignments=[told]))  # fmt: skip
    assert not [held.payload.ref for held in host.held.values() if b"TimephasedData" in held.payload.body]


def test_the_fields_of_the_project_are_on_the_row_that_sums_it_up() -> None:
    field = {"FieldID": "188743731", "FieldName": "Text1", "Alias": "Department"}
    top = task(0, OutlineLevel=0, ExtendedAttribute={"FieldID": "188743731", "Value": "Finance"})
    records = records_of(plan([top, task(1)], ExtendedAttributes=[field]))
    (value,) = [r for r in records if isinstance(r, PlanValue)]
    (head,) = [r for r in records if isinstance(r, Plan)]
    assert (value.plan, value.name, value.text) == (head.external_id, "Department", "Finance")


# Archives of ProjectData


def archived(*rows: dict[str, Any], agreed: Sequence[dict[str, Any]] = (), form: str = "light") -> dict[str, TimePhased]:
    told = dumps() | {"TaskTimephasedDataSet": list(rows), "TaskBaselineTimephasedDataSet": list(agreed)}
    records = records_of({"archive.zip": archive_zip(told, form)})
    return {one.external_id.partition(f"{task_id(2)}/")[2]: one for one in records if isinstance(one, TimePhased)}


@pytest.mark.parametrize("form", ["light", "verbose", "atom"])
def test_an_archive_tells_work_and_cost_by_day(form: str) -> None:
    found = archived({**DAY, "TimeByDay": "2025-01-07T00:00:00"}, DAY, DAY, agreed=[AGREED], form=form)
    assert found["planned"].work == ((date(2025, 1, 6), 2, Decimal(8)),)
    assert found["actual"].cost == ((date(2025, 1, 6), 2, Decimal(60)),)
    assert (found["baseline/3"].work, found["baseline/3"].number) == (((date(2025, 1, 7), 1, Decimal(6)),), 3)


def test_an_archives_older_dates_count_milliseconds_and_what_a_day_lacks_is_unknown() -> None:
    found = archived({**DAY, "TimeByDay": "/Date(1736121600000)/", "TaskCost": None})
    assert found["planned"].work == ((date(2025, 1, 6), 1, Decimal(8)),)
    assert found["planned"].cost is None


def test_an_archive_without_these_dumps_knows_no_days() -> None:
    assert not archived()


def test_blocks_keep_mixed_projects_apart_and_more_rows_than_fit_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archived_days, "BLOCK", 2)
    rows = [{**DAY, "TimeByDay": f"2025-01-{n:02}T00:00:00", "ProjectId": ARCHIVED if n % 2 else task_id(9)} for n in range(1, 29)]
    work = archived(*rows)["planned"].work
    assert work is not None
    assert [first.day for first, _, _ in work] == list(range(1, 29, 2))
    monkeypatch.setattr(archived_days, "MOST_DAY_ROWS", 3)
    told = dumps() | {"TaskTimephasedDataSet": rows}
    host, pages = host_of({"archive.zip": archive_zip(told)})
    assert not [r for r in host.records().values() if isinstance(r, TimePhased)]
    assert any("work and cost by day are unknown" in notice for page in pages for notice in page.notices)


def test_a_generated_plan_tells_each_assigned_tasks_days() -> None:
    records = records_of(plan_xml(PlanSpec("By day", 40, seed=4, by_day=True)))
    found = days(records)
    items = {one.external_id: one for one in records if isinstance(one, WorkItem)}
    planned = [one for one in found.values() if one.kind is Phased.PLANNED and one.work]
    assert len(planned) > 20
    for one in planned:
        actual = found[f"{one.item.rpartition('/')[2]}/actual"].work
        assert float(total(one.work or ())) == items[one.item].work_hours
        assert float(total(actual or ())) == items[one.item].spent_hours


# The third-party shelf

TELLING = sorted(path for path in SHELF.glob("*/*.xml") if b"<TimephasedData>" in path.read_bytes()) if SHELF.is_dir() else []


def test_the_shelf_has_files_that_tell_days(shared_folder: Path) -> None:
    assert len(TELLING) >= 20


@pytest.mark.parametrize("path", TELLING, ids=lambda path: path.name)
def test_days_add_up_to_what_mpxj_reads_and_lie_within_the_task(path: Path) -> None:
    told = json.loads((SHELF / "expected" / f"{path.name}.expected.json").read_text(encoding="utf-8"))
    tasks = {one["uid"]: one for one in told["tasks"]}
    found = days(records_of({path.name: path.read_bytes()}))
    assert found
    for id, one in found.items():
        uid, _, kind = id.partition("/")
        if kind.startswith("baseline") or one.work is None:
            continue
        expected = tasks[uid]
        hours = expected["work" if kind == "planned" else "actualWork"]["h"]
        assert float(total(one.work)) == pytest.approx(hours, abs=HOURS_NEAR, rel=0.001), id
        if one.work and kind == "planned":
            assert one.work[0][0] >= date.fromisoformat(expected["start"][:10]), id
            first, count, _ = one.work[-1]
            assert first.toordinal() + count - 1 <= date.fromisoformat(expected["finish"][:10]).toordinal(), id
