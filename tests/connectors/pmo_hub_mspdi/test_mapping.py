"""Elements of small files as records: the traps of the format, one a test."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from pmo_hub.domain.records import CustomValue, Dependency, EarnedValue, WorkItem
from pmo_hub.domain.vocabulary import Constraint, DependencyType, Kind, ResourceKind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Payload, Ref
from pmo_hub.sdk.errors import RecordError
from pmo_hub_mspdi.mapping import mapper
from tests.connectors.pmo_hub_mspdi.plans import host_of, plan, read_plan, records_of, task


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_outline_makes_parents_however_far_its_levels_jump() -> None:
    ours = read_plan(
        plan([task(1), task(2, OutlineLevel=4), task(3, OutlineLevel=2), task(4, OutlineLevel=3), task(5), task(6, OutlineLevel=2)])
    )
    parents = {uid: None if one.parent is None else one.parent.split("/")[1] for uid, one in ours.items.items()}
    assert parents == {"1": None, "2": "1", "3": "1", "4": "3", "5": None, "6": "5"}
    assert [uid for uid, one in ours.items.items() if one.kind is Kind.SUMMARY] == ["1", "3", "5"]
    assert not any(ours.items[uid].counts for uid in ("1", "3", "5"))


def test_the_row_of_the_whole_plan_is_no_item_and_gives_the_plan_its_earned_value() -> None:
    total = task(0, OutlineLevel=0, BCWS="10000", BCWP="5000", ACWP="6050", Baseline={"Number": 0, "Cost": "20000"})
    records = records_of(plan([total, task(1)], StatusDate="2026-06-01T17:00:00"))
    assert [r.key for r in records if isinstance(r, WorkItem)] == ["1"]
    (whole,) = [r for r in records if isinstance(r, EarnedValue) and r.item is None]
    assert (whole.planned_value, whole.earned_value, whole.actual_cost, whole.budget_at_completion) == (
        Decimal(100), Decimal(50), Decimal("60.5"), Decimal(200),
    )  # fmt: skip
    assert whole.at == wall("2026-06-01T17:00:00")


def test_a_first_row_on_level_zero_that_is_the_authors_own_stays_an_item() -> None:
    ours = read_plan(plan([task(1, OutlineLevel=0, OutlineNumber="1"), task(2, OutlineNumber="1.1")]))
    assert ours.items["1"].kind is Kind.SUMMARY
    assert ours.items["2"].parent == "plan/1"


def test_blank_rows_and_rows_of_other_files_are_no_items() -> None:
    ghost = task(3, ExternalTask=1, ExternalTaskProject="C:\\other.mpp\\7")
    ours = read_plan(plan([task(1), task(2, IsNull=1), {"UID": 9, "ID": 9}, ghost]))
    assert set(ours.items) == {"1"}


@pytest.mark.parametrize(
    ("fields", "category", "status"),
    [
        ({}, StatusCategory.TODO, "Not started"),
        ({"PercentComplete": 0, "ActualStart": "2026-03-02T08:00:00"}, StatusCategory.IN_PROGRESS, "In progress"),
        ({"PercentComplete": 1}, StatusCategory.IN_PROGRESS, "In progress"),
        ({"PercentComplete": 100}, StatusCategory.DONE, "Complete"),
        ({"PercentComplete": 100, "Active": 0}, StatusCategory.CANCELLED, "Inactive"),
    ],
)
def test_progress_is_a_status(fields: dict[str, object], category: StatusCategory, status: str) -> None:
    item = read_plan(plan([task(1, **fields)])).items["1"]
    assert (item.status_category, item.original_status) == (category, status)


@pytest.mark.parametrize(
    ("fields", "kind", "uncounted"),
    [
        ({}, Kind.TASK, None),
        ({"Milestone": 1}, Kind.MILESTONE, None),
        ({"Duration": "PT0H0M0S"}, Kind.MILESTONE, None),
        ({"Summary": 1}, Kind.SUMMARY, Uncounted.SUMMARY),
        ({"IsSubproject": 1}, Kind.SUMMARY, Uncounted.MIRROR),
        ({"Active": 0}, Kind.TASK, Uncounted.INACTIVE),
    ],
)
def test_what_counts_and_what_only_adds_up(fields: dict[str, object], kind: Kind, uncounted: Uncounted | None) -> None:
    item = read_plan(plan([task(1, **fields)])).items["1"]
    assert (item.kind, item.uncounted, item.counts) == (kind, uncounted, uncounted is None)


def test_dates_are_wall_clock_and_instants_are_of_the_configured_zone() -> None:
    fields = {"Start": "2026-07-01T08:00:00", "Finish": "2026-07-02T17:00:00", "ActualStart": "2026-07-01T08:30:00", "CreateDate": "NA",
              "Deadline": "2026-07-03T17:00:00"}  # fmt: skip
    ours = read_plan(plan([task(1, **fields)]), {"time_zone": "Europe/Zurich"})
    item, schedule = ours.items["1"], ours.schedules["1"]
    assert (schedule.starts_at, schedule.deadline) == (wall("2026-07-01T08:00:00"), wall("2026-07-03T17:00:00"))
    assert (item.planned_start, item.planned_finish, item.due) == (date(2026, 7, 1), date(2026, 7, 2), date(2026, 7, 3))
    assert item.actual_start == datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
    assert item.created_at is None
    assert ours.plan.time_zone == "Europe/Zurich"


def test_money_slack_and_priority_are_scaled() -> None:
    fields = {"Cost": "352625", "ActualCost": "29908.45", "FixedCost": "0", "TotalSlack": "-4800", "FreeSlack": "600", "Priority": 900}
    ours = read_plan(plan([task(1, **fields)]))
    schedule = ours.schedules["1"]
    assert (schedule.cost, schedule.actual_cost, schedule.fixed_cost) == (Decimal("3526.25"), Decimal("299.0845"), Decimal(0))
    assert (schedule.total_float_hours, schedule.free_float_hours) == (-8.0, 1.0)
    assert (ours.items["1"].priority, ours.items["1"].original_priority) == (90, "900")


@pytest.mark.parametrize(
    ("fields", "constraint", "at"),
    [
        ({}, Constraint.AS_SOON_AS_POSSIBLE, None),
        ({"ConstraintType": 1, "ConstraintDate": "2026-03-02T08:00:00"}, Constraint.AS_LATE_AS_POSSIBLE, None),
        ({"ConstraintType": 4, "ConstraintDate": "2026-03-02T08:00:00"}, Constraint.START_NO_EARLIER_THAN, wall("2026-03-02T08:00:00")),
        ({"ConstraintType": 7, "ConstraintDate": "1970-01-01T00:00:00"}, Constraint.FINISH_NO_LATER_THAN, None),
        ({"ConstraintType": 12}, None, None),
    ],
)
def test_a_constraint_counts_from_zero(fields: dict[str, object], constraint: Constraint | None, at: datetime | None) -> None:
    schedule = read_plan(plan([task(1, **fields)])).schedules["1"]
    assert (schedule.constraint, schedule.constraint_at) == (constraint, at)


def link(uid: object, **fields: object) -> dict[str, object]:
    return {"PredecessorUID": uid, **fields}


def test_links_have_types_and_a_missing_one_is_finish_to_start() -> None:
    links = [link(1, Type=0), link(2, Type=1), link(3, Type=2), link(4, Type=3), link(5)]
    ours = read_plan(plan([*(task(n) for n in range(1, 6)), task(6, PredecessorLink=links)]))
    types = {uid: one.dependency_type for uid, one in ours.links["6"].items()}
    assert types == {
        "1": DependencyType.FINISH_TO_FINISH, "2": DependencyType.FINISH_TO_START, "3": DependencyType.START_TO_FINISH,
        "4": DependencyType.START_TO_START, "5": DependencyType.FINISH_TO_START,
    }  # fmt: skip


def test_a_relative_lag_is_of_the_predecessors_duration_wherever_that_stands() -> None:
    late = task(2, Duration="PT40H0M0S")
    ours = read_plan(plan([task(1, PredecessorLink=link(2, Type=3, LinkLag=-50, LagFormat=19)), late]))
    found = ours.links["1"]["2"]
    assert (found.lag_hours, found.original_type) == (-20.0, "SS-50%")


def test_a_link_to_nowhere_is_left_out_and_told() -> None:
    host, pages = host_of(plan([task(1, PredecessorLink=[link(77), link(0)]), task(2, PredecessorLink=link(1))]))
    assert [r.external_id for r in host.records().values() if isinstance(r, Dependency)] == ["plan/1>plan/2"]
    assert "2 links from tasks that its file does not hold" in pages[-1].notices[0]


def test_a_link_to_another_file_finds_its_task_where_the_connection_holds_it() -> None:
    files = {
        "own.xml": plan([task(1, PredecessorLink=link(0, CrossProject=1, CrossProjectName="C:\\plans\\Other Plan.mpp\\7"))], Title="Own"),
        "Other Plan.xml": plan([task(7)], Title="Other"),
    }
    host, _ = host_of(files)
    (found,) = [r for r in host.records().values() if isinstance(r, Dependency)]
    assert (found.predecessor, found.successor) == ("Other Plan/7", "own/1")


def test_a_ghost_row_is_the_task_that_it_stands_for() -> None:
    ghost = task(9, ExternalTask=1, ExternalTaskProject="Other Plan.mpp\\7")
    files = {"own.xml": plan([ghost, task(1, PredecessorLink=link(9))], Title="Own"), "Other Plan.xml": plan([task(7)], Title="Other")}
    host, _ = host_of(files)
    assert [r.predecessor for r in host.records().values() if isinstance(r, Dependency)] == ["Other Plan/7"]


def test_a_link_to_a_file_that_is_not_there_is_told() -> None:
    _, pages = host_of(plan([task(1, PredecessorLink=link(0, CrossProject=1, CrossProjectName="x.mpp\\7"))]))
    assert "upload these files too" in pages[-1].notices[0]


def test_baselines_have_their_number_and_an_empty_one_is_none() -> None:
    given = [
        {"Number": 0, "Start": "2026-03-02T08:00:00", "Finish": "2026-03-03T17:00:00", "Duration": "PT16H0M0S",
         "Work": "PT8H0M0S", "Cost": "4300"},
        {"Number": 10, "Cost": "100"}, {"Number": 11, "Cost": "100"}, {"Number": 3, "Start": "NA"}, {"Number": 0, "Cost": "9"},
    ]  # fmt: skip
    found = read_plan(plan([task(1, Baseline=given)])).baselines["1"]
    assert set(found) == {0, 10}
    first = found[0]
    assert (first.starts_at, first.duration_hours, first.work_hours, first.cost) == (wall("2026-03-02T08:00:00"), 16.0, 8.0, Decimal(43))


ANNA = {
    "UID": 1,
    "ID": 1,
    "Name": "Anna",
    "Type": 1,
    "EmailAddress": "anna@corp.example",
    "MaxUnits": "0.5",
    "CalendarUID": 3,
    "IsInactive": 0,
}
STEEL = {"UID": 2, "ID": 2, "Name": "Steel", "Type": 0}
TRAVEL = {"UID": 3, "ID": 3, "Name": "Travel", "Type": 0, "IsCostResource": 1}
ROLE = {"UID": 4, "ID": 4, "Name": "Welder", "Type": 1, "IsGeneric": 1}
UNNAMED = {"UID": 0, "ID": 0}


def test_resources_are_people_things_and_roles() -> None:
    ours = read_plan(plan([], Resources=[UNNAMED, ANNA, STEEL, TRAVEL, ROLE, {"UID": 5, "Name": "Old file"}]))
    assert {uid: one.kind for uid, one in ours.resources.items()} == {
        "1": ResourceKind.WORK, "2": ResourceKind.MATERIAL, "3": ResourceKind.COST, "4": ResourceKind.WORK, "5": ResourceKind.WORK,
    }  # fmt: skip
    anna = ours.resources["1"]
    assert (anna.name, anna.identity, anna.maximum_units, anna.calendar, anna.is_active) == (None, "plan/1", 0.5, "plan/3", True)
    assert (ours.identities["1"].name, ours.identities["1"].email) == ("Anna", "anna@corp.example")
    assert (ours.resources["4"].name, ours.resources["4"].identity) == ("Welder", None)
    assert set(ours.identities) == {"1", "5"}


def booking(uid: int, task: int, resource: object, **fields: object) -> dict[str, object]:
    return {"UID": uid, "TaskUID": task, "ResourceUID": resource, **fields}


def test_assignments_come_with_their_task_and_nobody_is_none() -> None:
    booked = [
        booking(70_000_000_000, 1, 1, Units="0.5", Work="PT4H0M0S", ActualWork="PT1H0M0S", Start="2026-03-02T08:00:00", Cost="4300"),
        booking(2, 1, -65535), booking(3, 1, 2, Units="12"), booking(4, 9, 1), booking(5, 1, 77),
    ]  # fmt: skip
    ours = read_plan(plan([task(1)], Resources=[ANNA, STEEL], Assignments=booked))
    assert set(ours.assignments) == {("1", "1"), ("1", "2")}
    one = ours.assignments["1", "1"]
    assert (one.units, one.work_hours, one.actual_hours) == (0.5, 4, 1)
    assert (one.starts_at, one.cost) == (wall("2026-03-02T08:00:00"), Decimal(43))
    assert ours.items["1"].assignee == "plan/1"  # the only person; steel is none


def test_of_several_people_none_is_the_assignee() -> None:
    booked = [booking(1, 1, 1), booking(2, 1, 5)]
    ours = read_plan(plan([task(1)], Resources=[ANNA, {"UID": 5, "Name": "Bo", "Type": 1}], Assignments=booked))
    assert ours.items["1"].assignee is None
    assert len(ours.assignments) == 2


FIELDS = [
    {"FieldID": 188743731, "FieldName": "Text1", "Alias": "Region", "Ltuid": "x"},
    {"FieldID": 188743734, "FieldName": "Number1"}, {"FieldID": 188743786, "FieldName": "Cost1", "Alias": "Fee"},
    {"FieldID": 188743945, "FieldName": "Date1"}, {"FieldID": 188743752, "FieldName": "Flag1"},
    {"FieldID": 188743783, "FieldName": "Duration1"}, {"FieldID": 188743999, "FieldName": "Texte9"},
]  # fmt: skip
TABLE = [
    {"FieldID": 188743731, "FieldName": "Text1", "Values": {"Value": [
        {"ValueID": 10, "FieldGUID": "AAAA-1", "Value": "Europe"},
        {"ValueID": 11, "FieldGUID": "AAAA-2", "ParentValueID": 10, "Value": "North"},
    ]}},
]  # fmt: skip


def test_fields_of_the_files_own_are_kept_by_name_and_type() -> None:
    values = [
        {"FieldID": 188743731, "Value": "raw", "ValueGUID": "aaaa-2"}, {"FieldID": 188743734, "Value": "4.5"},
        {"FieldID": 188743786, "Value": "12345"}, {"FieldID": 188743945, "Value": "2026-03-02T08:00:00"},
        {"FieldID": 188743752, "Value": "1"}, {"FieldID": 188743783, "Value": "PT16H0M0S", "DurationFormat": 7},
        {"FieldID": 188743999, "Value": "7"}, {"FieldID": 1, "Value": "unknown field"}, {"FieldID": 188743734}, {"Value": "no field"},
    ]  # fmt: skip
    records = records_of(plan([task(1, ExtendedAttribute=values)], ExtendedAttributes=FIELDS, OutlineCodes=TABLE))
    found = {r.name: r.text or r.number or r.day for r in records if isinstance(r, CustomValue)}
    assert found == {
        "Region": "Europe.North", "Number1": 4.5, "Fee": 123.45, "Date1": date(2026, 3, 2), "Flag1": "Yes", "Duration1": 16.0,
        "Texte9": "7", "1": "unknown field",
    }  # fmt: skip


def test_earned_value_is_as_of_the_status_date_or_the_day_of_the_file() -> None:
    measured = task(1, BCWS="1000", BCWP="0", ACWP="0")
    for head, at in (({"StatusDate": "2026-06-01T17:00:00", "CurrentDate": "2026-07-01T00:00:00"}, "2026-06-01T17:00:00"),
                     ({"CurrentDate": "2026-07-01T09:00:00"}, "2026-07-01T09:00:00")):  # fmt: skip
        found = read_plan(plan([measured, task(2, BCWS="0")], **head)).earned
        assert found["1"].at == wall(at)
        assert ("2" in found) is ("StatusDate" in head)


def test_the_header_is_the_plan() -> None:
    ours = read_plan(plan([], Manager="Anna", CurrencyCode="chf", CalendarUID=1, MinutesPerDay=450, MinutesPerWeek=2250, DaysPerMonth=18,
                          StartDate="2026-03-02T08:00:00", Resources=[ANNA]))  # fmt: skip
    told = ours.plan
    assert (told.name, told.owner, told.currency, told.calendar) == ("Plan", "plan/1", "CHF", "plan/1")
    assert (told.hours_per_day, told.hours_per_week, told.days_per_month) == (7.5, 37.5, 18)
    other = read_plan(plan([], Manager="Somebody else", CurrencyCode="€"))
    assert (other.plan.owner, other.plan.currency) == ("plan/manager", None)
    assert other.identities["manager"].name == "Somebody else"


def test_a_plan_is_known_by_its_guid_its_key_or_its_name() -> None:
    with_guid = plan([], GUID="{AAAAAAAA-0000-4000-8000-000000000001}")
    without = plan([], GUID="00000000-0000-0000-0000-000000000000")
    files = {"a.xml": with_guid, "b.xml": without, "c v2.xml": plan([])}
    host, _ = host_of(files, {"keys": {"b.xml": "bridge"}})
    assert set(host.scopes) == {"aaaaaaaa-0000-4000-8000-000000000001", "bridge", "c v2"}


def test_of_two_files_of_one_plan_the_newer_is_read_and_the_other_told() -> None:
    files = {
        "a.xml": plan([task(1)], GUID="AAAAAAAA-0000-4000-8000-000000000001"),
        "b.xml": plan([task(2)], GUID="aaaaaaaa-0000-4000-8000-000000000001"),
    }
    host, pages = host_of(files)
    assert [r.key for r in host.records().values() if isinstance(r, WorkItem)] == ["2"]
    assert any("is in 2 files; b.xml, the newest, is read, and not a.xml" in notice for page in pages for notice in page.notices)


def test_a_payload_that_is_no_element_is_refused() -> None:
    map_payload = mapper([], {})
    for kind, body in (("task", b"[]"), ("task", b"{}"), ("sprint", b"{}"), ("plan", b"{"), ("archived_task", b'{"Task": 1}')):
        with pytest.raises(RecordError):
            map_payload(Payload(Ref(kind, "p/1"), "p", body, context={"plan": "p"}))
