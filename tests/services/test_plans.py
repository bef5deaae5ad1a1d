"""What is answered of plans: as it is, as the hub knew it, and by whom it is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pmo_hub.domain import records
from pmo_hub.domain.vocabulary import ResourceKind
from pmo_hub.services import people, plans, projects, same_as
from pmo_hub.services.errors import Ended, NotFound
from pmo_hub.services.projects import NewRule
from pmo_hub.store.unit_of_work import Work
from tests.planned import (
    ASSIGNMENT,
    BASELINE,
    CALENDAR,
    EARNED_VALUE,
    EXCEPTION,
    NINE_TO_FIVE,
    PASSAGE,
    PLAN,
    RESOURCE,
    SCHEDULE,
    id_of,
    wall,
    write,
)
from tests.stored import Estate, item_id, person_id, scope_id, statements

WHOLE = replace(EARNED_VALUE, external_id="P", item=None, planned_value=Decimal(500), earned_value=Decimal(400), actual_cost=Decimal(500),
                budget_at_completion=Decimal(1000), estimate_at_completion=Decimal(1250))  # fmt: skip


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    made = Estate(work, tmp_path)
    made.scopes("PLAN", "TEAM")
    made.people("ann", "ann2", "bob")
    made.items("PLAN", {"external_id": "t1", "url": "https://plans.example/t1"}, {"external_id": "t2"})
    write(work, made.clock(), PLAN, SCHEDULE, BASELINE, EARNED_VALUE, RESOURCE, ASSIGNMENT, CALENDAR, EXCEPTION, PASSAGE)
    return made


@pytest.fixture
def project(estate: Estate) -> str:
    """A project that takes the plan for its schedule and the team's scope for execution."""
    wanted = [NewRule(scope_id("PLAN"), "all", None, "schedule"), NewRule(scope_id("TEAM"), "all", None, "execution")]
    return projects.create(estate.hub, "Harbour", {}, wanted, "test").id


def test_an_item_is_told_with_its_schedule_and_all_that_belongs_to_it(estate: Estate) -> None:
    found = plans.item_schedule(estate.hub, item_id("t1"))
    assert found.url == "https://plans.example/t1"
    assert found.schedule is not None
    assert found.plan is not None
    assert (found.schedule.finishes_at, found.schedule.total_float_hours) == (SCHEDULE.finishes_at, -16.0)
    assert (found.plan.time_zone, found.plan.currency, found.plan.owner_name, found.calendar_name) == (
        "America/New_York", "USD", "ANN", "Standard",
    )  # fmt: skip
    assert [(one.number, one.cost) for one in found.baselines] == [(0, Decimal(900))]
    (assigned,) = found.assignments
    assert (assigned.name, assigned.kind, assigned.assignment.units, assigned.identity_id) == ("ANN", "work", 0.5, person_id("ann"))
    earned = found.earned_value
    assert earned is not None
    assert earned.at == datetime(2026, 7, 1, 21, tzinfo=UTC)  # 17:00 in New York in summer
    assert [earned.performance.spi, earned.performance.cpi] == pytest.approx([600 / 900, 600 / 333.3333])


def test_an_item_of_no_plan_has_no_schedule_and_one_that_is_gone_says_so(estate: Estate) -> None:
    found = plans.item_schedule(estate.hub, item_id("t2"))
    assert (found.schedule, found.plan, found.earned_value, list(found.baselines)) == (None, None, None, [])
    with pytest.raises(NotFound):
        plans.item_schedule(estate.hub, "0" * 32)
    estate.clock.forward(days=1)
    estate.end_items("t2")
    with pytest.raises(Ended):
        plans.item_schedule(estate.hub, item_id("t2"))


def test_any_answer_is_given_as_of_an_instant(estate: Estate, project: str) -> None:
    then = estate.clock.forward(minutes=1)
    estate.clock.forward(days=1)
    moved = replace(SCHEDULE, finishes_at=wall("2026-07-31T17:00"), cost=Decimal("2000"))
    write(
        estate.work, estate.clock(), replace(PLAN, status_at=wall("2026-08-01T17:00"), stage="Close"), moved,
        replace(BASELINE, cost=Decimal(1)), replace(ASSIGNMENT, units=1.0), replace(WHOLE, planned_value=Decimal(1000)),
        replace(CALENDAR, week=((),) * 7), replace(EXCEPTION, name="Strike"),
        replace(PASSAGE, completed_at=datetime(2026, 6, 2, tzinfo=UTC)), replace(RESOURCE, maximum_units=0.5),
    )  # fmt: skip
    hub = estate.hub

    def told(as_of: datetime | None) -> tuple[object, ...]:
        item = plans.item_schedule(hub, item_id("t1"), as_of)
        assert item.schedule is not None
        assert item.plan is not None
        (plan,) = plans.project_plans(hub, project, as_of)
        (line,) = plans.project_baselines(hub, project, 0, None, 9, as_of)
        (assigned,) = plans.project_assignments(hub, project, None, None, None, 9, as_of)
        calendar = plans.calendar(hub, id_of(CALENDAR), as_of)
        assert calendar.week is not None
        return (
            item.schedule.cost, item.plan.status_at, item.baselines[0].cost, item.assignments[0].assignment.units, plan.plan.stage,
            plan.passages[0].completed_at, line.baseline.cost, assigned.assigned.maximum_units, calendar.week[0],
            calendar.exceptions[0].name, len(plans.project_earned_value(hub, project, as_of)),
        )  # fmt: skip

    assert told(then) == (
        Decimal("1000.1"), wall("2026-07-01T17:00"), 900, 0.5, "Build", None, 900, 1.0, NINE_TO_FIVE, "Summer closure", 0,
    )  # fmt: skip
    assert told(None) == (
        2000, wall("2026-08-01T17:00"), 1, 1.0, "Close", datetime(2026, 6, 2, tzinfo=UTC), 1, 0.5, (), "Strike", 1,
    )  # fmt: skip
    before = estate.clock.now.replace(year=2026, month=5)
    with pytest.raises(NotFound):
        plans.project_plans(hub, project, before)
    with pytest.raises(NotFound):
        plans.calendar(hub, id_of(CALENDAR), before)


def test_pages_of_baselines_and_assignments_go_on_where_they_ended(estate: Estate, project: str) -> None:
    numbers = [f"x{n:02}" for n in range(7)]
    estate.items("PLAN", *({"external_id": x} for x in numbers))
    made = [
        record
        for n, x in enumerate(numbers)
        for record in (
            replace(SCHEDULE, external_id=x, item=x),
            replace(BASELINE, external_id=f"{x}/0", item=x),
            replace(BASELINE, external_id=f"{x}/1", item=x, number=1),
            replace(ASSIGNMENT, external_id=f"{x}/r", item=x, resource="r1" if n % 2 else "r2"),
        )
    ]
    write(estate.work, estate.clock(), *made, records.Resource("r2", ResourceKind.MATERIAL, name="Concrete"))
    for number, count in ((None, 15), (0, 8), (1, 7), (2, 0)):
        seen = []
        after = None
        while page := plans.project_baselines(estate.hub, project, number, after, 3):
            seen += [(one.key, one.baseline.number) for one in page]
            after = (page[-1].key, page[-1].baseline.id)
        assert len(seen) == len(set(seen)) == count
        assert [key for key, _ in seen] == sorted(key for key, _ in seen)
    keys = []
    after = None
    while page_ := plans.project_assignments(estate.hub, project, id_of(records.Resource("r2", ResourceKind.WORK)), None, after, 2):
        assert {(one.assigned.name, one.assigned.kind, one.assigned.identity_id, one.currency) for one in page_} == {
            ("Concrete", "material", None, "USD")
        }
        keys += [one.key for one in page_]
        after = (page_[-1].key, page_[-1].assigned.assignment.id)
    assert keys == ["PLAN-x00", "PLAN-x02", "PLAN-x04", "PLAN-x06"]


def test_a_person_is_found_by_any_of_their_accounts(estate: Estate, project: str) -> None:
    write(
        estate.work, estate.clock(), replace(RESOURCE, external_id="r2", identity="ann2"),
        replace(RESOURCE, external_id="r3", identity="bob"), replace(ASSIGNMENT, external_id="t2/r2", item="t2", resource="r2"),
        replace(ASSIGNMENT, external_id="t2/r3", item="t2", resource="r3"),
    )  # fmt: skip

    def assigned(person: str) -> set[tuple[str, str | None]]:
        found = plans.project_assignments(estate.hub, project, None, person, None, 9)
        return {(one.key, one.assigned.name) for one in found}

    assert assigned(person_id("ann2")) == {("PLAN-t2", "ANN2")}
    people.join(estate.hub, [person_id("ann"), person_id("ann2")], "test")
    for known_as in (person_id("ann"), person_id("ann2"), "ANN@example.org"):
        assert assigned(known_as) == {("PLAN-t1", "ANN"), ("PLAN-t2", "ANN2")}
    persons = {one.assigned.person_id for one in plans.project_assignments(estate.hub, project, None, "ann@example.org", None, 9)}
    assert len(persons) == 1
    assert None not in persons
    assert assigned(persons.pop() or "") == {("PLAN-t1", "ANN"), ("PLAN-t2", "ANN2")}


def test_a_calendar_is_told_with_what_it_inherits_and_a_circle_ends(estate: Estate) -> None:
    own = records.Calendar("night", "Night shift", base="standard", week=(((0, 360),), *(None,) * 6))
    holiday = replace(EXCEPTION, external_id="night/1", calendar="night", name=None, first=date(2026, 12, 24), last=date(2026, 12, 24))
    write(estate.work, estate.clock(), own, holiday, replace(CALENDAR, base="night"))
    found = plans.calendar(estate.hub, id_of(own))
    assert [one.name for one in found.bases] == ["Standard"]
    assert found.week == (((0, 360),), *(NINE_TO_FIVE,) * 4, (), ())
    assert [(one.name, one.calendar_id) for one in found.exceptions] == [
        ("Summer closure", id_of(CALENDAR)), (None, id_of(own)),
    ]  # fmt: skip
    empty = records.Calendar("empty", "Empty", base="not held")
    write(estate.work, estate.clock(), empty)
    assert plans.calendar(estate.hub, id_of(empty)).week is None


# Whom the project believes.


def believed(estate: Estate, project: str) -> dict[str, str | None]:
    return {
        one.info.plan.name: one.because
        for one in plans.project_earned_value(estate.hub, project)
        if one.is_believed and one.info.plan is not None
    }


def test_earned_value_is_that_of_the_money_and_a_history_counts_until_its_date(estate: Estate) -> None:
    estate.scopes("LEDGER", "ARCHIVE")
    write(estate.work, estate.clock(), WHOLE)
    for scope, name in (("LEDGER", "Ledger"), ("ARCHIVE", "Archive")):
        plan = replace(PLAN, external_id=name, name=name)
        write(estate.work, estate.clock(), plan, replace(WHOLE, external_id=name, plan=name), scope=scope)

    def rules(*given: tuple[str, str, date | None]) -> str:
        wanted = [NewRule(scope_id(scope), "all", None, role, until) for scope, role, until in given]
        return projects.create(estate.hub, "P", {}, wanted, "test").id

    plan_rule, today = ("PLAN", "schedule", None), estate.clock().date()
    assert believed(estate, rules(plan_rule, ("LEDGER", "money", None))) == {"Ledger": "money"}
    assert believed(estate, rules(plan_rule, ("ARCHIVE", "history", today))) == {"Harbour": "schedule"}
    alone = rules(("ARCHIVE", "history", today))
    assert believed(estate, alone) == {"Archive": "history"}
    assert believed(estate, rules(("ARCHIVE", "history", None))) == {}
    both = rules(plan_rule, ("LEDGER", "money", None))
    same_as.put_precedence(estate.hub, both, {"earned_value": ["schedule"]}, "test")
    assert believed(estate, both) == {"Harbour": "schedule"}
    same_as.put_precedence(estate.hub, both, {"earned_value": [scope_id("LEDGER")]}, "test")
    assert believed(estate, both) == {"Ledger": scope_id("LEDGER")}
    estate.clock.forward(days=1)
    assert believed(estate, alone) == {}
    assert len(plans.project_earned_value(estate.hub, alone)) == 1  # still told, and not believed


def test_of_a_plan_that_is_taken_in_part_the_whole_is_not_believed(estate: Estate) -> None:
    write(estate.work, estate.clock(), WHOLE)
    part = projects.create(estate.hub, "Part", {}, [NewRule(scope_id("PLAN"), "list", "PLAN-t1", "schedule")], "test").id
    (found,) = plans.project_earned_value(estate.hub, part)
    assert (found.is_believed, found.is_whole) == (False, False)


def test_the_number_of_queries_does_not_grow_with_the_rows(estate: Estate, project: str) -> None:
    def asked() -> int:
        with statements(estate.work) as seen:
            plans.project_plans(estate.hub, project)
            plans.project_baselines(estate.hub, project, None, None, 50)
            plans.project_assignments(estate.hub, project, None, None, None, 50)
            plans.project_earned_value(estate.hub, project)
        return len(seen)

    few = asked()
    estate.items("PLAN", *({"external_id": f"x{n}"} for n in range(20)))
    write(estate.work, estate.clock(), *(replace(BASELINE, external_id=f"x{n}/0", item=f"x{n}") for n in range(20)))
    assert asked() == few
