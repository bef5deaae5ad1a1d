"""What a file may leave out, move or write by a stand-in, and what still follows from the rest."""

from __future__ import annotations

import pytest

from pmo_hub.domain.records import CustomValue
from pmo_hub.domain.vocabulary import Kind
from tests.connectors.pmo_hub_mspdi.plans import plan, read_plan, records_of, task


def unlevelled(uid: int, number: str, **fields: object) -> dict[str, object]:
    return {name: value for name, value in task(uid, OutlineNumber=number, **fields).items() if name != "OutlineLevel"}


def test_a_task_is_known_by_its_uid_and_its_row_may_change() -> None:
    before = read_plan(plan([task(7, ID=1), task(8, ID=2)]))
    after = read_plan(plan([task(9, ID=1), task(7, ID=2), task(8, ID=3)]))
    assert set(before.items) == {"7", "8"}
    assert [after.items[uid].external_id for uid in before.items] == [one.external_id for one in before.items.values()]
    assert [one.position for one in after.schedules.values()] == [1, 2, 3]


def test_the_outlines_numbers_tell_the_hierarchy_where_levels_are_missing() -> None:
    rows = [unlevelled(1, "1"), unlevelled(2, "1.1"), unlevelled(3, "1.1.1"), unlevelled(4, "1.2"), unlevelled(5, "2")]
    ours = read_plan(plan(rows))
    parents = {uid: None if one.parent is None else one.parent.rpartition("/")[2] for uid, one in ours.items.items()}
    assert parents == {"1": None, "2": "1", "3": "2", "4": "1", "5": None}
    assert [uid for uid, one in ours.items.items() if one.kind is Kind.SUMMARY] == ["1", "2"]


def test_the_row_of_the_whole_plan_is_known_by_its_number_where_levels_are_missing() -> None:
    ours = read_plan(plan([unlevelled(0, "0"), unlevelled(1, "1"), unlevelled(2, "1.1")]))
    assert set(ours.items) == {"1", "2"}
    assert ours.items["1"].parent is None


@pytest.mark.parametrize(
    ("fields", "estimated"),
    [({"DurationFormat": 39}, True), ({"DurationFormat": 52}, True), ({"DurationFormat": 53}, True), ({"DurationFormat": 7}, False),
     ({"DurationFormat": 21}, False), ({"DurationFormat": 39, "Estimated": 0}, False), ({"DurationFormat": ""}, None)],
)  # fmt: skip
def test_a_question_mark_behind_a_duration_is_an_estimate(fields: dict[str, object], estimated: bool | None) -> None:
    assert read_plan(plan([task(1, **fields)])).schedules["1"].is_estimated is estimated


@pytest.mark.parametrize(("format", "elapsed"), [(7, False), (8, True), (40, True), (20, True), (21, False), (53, False)])
def test_time_that_passes_is_told_apart_from_time_that_is_worked(format: int, elapsed: bool) -> None:
    schedule = read_plan(plan([task(1, Duration="PT72H0M0S", DurationFormat=format)])).schedules["1"]
    assert (schedule.duration_hours, schedule.is_elapsed) == (72.0, elapsed)


@pytest.mark.parametrize(("written", "calendar"), [("-1", None), ("", None), ("3", "plan/3")])
def test_a_calendar_of_minus_one_is_none(written: str, calendar: str | None) -> None:
    assert read_plan(plan([task(1, CalendarUID=written)])).schedules["1"].calendar == calendar


def test_a_plan_without_a_code_of_its_currency_has_none_whatever_its_symbol() -> None:
    assert read_plan(plan([], CurrencySymbol="$", CurrencyDigits=2)).plan.currency is None


def test_a_value_of_a_list_is_named_by_its_number_where_it_has_no_guid() -> None:
    listed = {"FieldID": 188743731, "FieldName": "Text1", "Alias": "Region", "ValueList": {"Value": [{"ID": 4, "Value": "North"}]}}
    records = records_of(plan([task(1, ExtendedAttribute={"FieldID": 188743731, "ValueID": 4})], ExtendedAttributes=[listed]))
    assert [(r.name, r.text) for r in records if isinstance(r, CustomValue)] == [("Region", "North")]


def test_empty_elements_stand_for_nothing() -> None:
    fields = dict.fromkeys(("Start", "Finish", "Work", "Cost", "PercentComplete", "Priority", "TotalSlack", "ConstraintDate", "Notes"), "")
    ours = read_plan(plan([task(1, **fields)]))
    item, schedule = ours.items["1"], ours.schedules["1"]
    assert {item.planned_start, item.planned_finish, item.work_hours, item.percent_complete, item.priority, item.description} == {None}
    assert {schedule.cost, schedule.total_float_hours, schedule.constraint_at} == {None}
