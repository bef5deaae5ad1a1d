"""What plans in the store do to a project's facts: whose dates, whose money, until when; and who works on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.records import Baseline, EarnedValue, Record, Resource, Schedule
from pmo_hub.domain.vocabulary import ResourceKind
from pmo_hub.services import facts, governance, people, projects, same_as
from pmo_hub.services.projects import NewRule
from pmo_hub.store.unit_of_work import Work
from tests.planned import ASSIGNMENT, CALENDAR, EXCEPTION, PLAN, RESOURCE, wall, write
from tests.stored import Estate, item_id, person_id, scope_id, statements


class Planned(Estate):
    """An estate of plans: each scope is one."""

    def plan(self, scope: str, finish: str, baseline: str | None = None, **item: Any) -> None:
        """The scope's plan has one line that is its item, `<scope>1`."""
        one = f"{scope}1"
        self.items(scope, {"external_id": one, "percent_complete": 25.0} | item)
        records: list[Record] = [
            replace(PLAN, external_id=scope, name=scope),
            Schedule(one, one, scope, starts_at=wall("2026-06-01T09:00"), finishes_at=wall(finish), duration_hours=40.0, cost=Decimal(110)),
        ]
        if baseline is not None:
            records.append(Baseline(f"{one}/0", one, 0, finishes_at=wall(baseline), cost=Decimal(100)))
        write(self.work, self.clock(), *records, CALENDAR, scope=scope)

    def earned(self, scope: str, item: str | None, ev: int, ac: int) -> None:
        made = EarnedValue(item or scope, scope, item, wall("2026-06-05T17:00"), Decimal(ev), Decimal(ev), Decimal(ac), Decimal(ev))
        write(self.work, self.clock(), made, scope=scope)

    def project(self, *rules: tuple[str, str], until: date | None = None, **narrowed: str) -> str:
        wanted = [
            NewRule(
                scope_id(scope), "list" if scope in narrowed else "all", narrowed.get(scope), role, until if role == "history" else None
            )
            for scope, role in rules
        ]
        return projects.create(self.hub, "P", {}, wanted, "test").id

    def told(self, project: str, *names: str, again: bool = True) -> list[Any]:
        if again:
            with self.work.write() as session:
                governance.refresh(session, [project], self.clock())
        found = {one.fact.name: one.fact.value for one in facts.list_facts(self.hub, project).facts}
        return [found[f"project.{name}"] for name in names]


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Planned:
    made = Planned(work, tmp_path)
    made.scopes("PLAN", "TEAM", "LEDGER", "OLD")
    made.plan("PLAN", "2026-07-10T17:00", "2026-07-03T17:00")
    return made


def test_a_project_has_its_dates_and_its_slip_from_the_plan(estate: Planned) -> None:
    project = estate.project(("PLAN", "schedule"))
    assert estate.told(project, "planned_start", "planned_finish", "baseline_finish", "finish_slip_days", "slipped_count") == [
        date(2026, 6, 1), date(2026, 7, 10), date(2026, 7, 3), 4.38, 1,
    ]  # fmt: skip
    # Five days of seven hours by the plan's calendar, at eight hours a day.
    assert estate.told(project, "plan_percent_complete", "cost_variance_share", "cpi") == [25.0, -0.1, None]


def test_of_two_baselines_of_one_number_a_line_has_the_newer(estate: Planned) -> None:
    project = estate.project(("PLAN", "schedule"))
    estate.clock.forward(minutes=1)
    write(estate.work, estate.clock(), Baseline("again", "PLAN1", 0, finishes_at=wall("2026-07-10T17:00"), cost=Decimal(110)))
    assert estate.told(project, "baseline_finish", "finish_slip_days", "cost_variance_share") == [date(2026, 7, 10), 0.0, 0.0]


def test_a_calendar_that_tells_its_exceptions_alone_has_a_standard_week(estate: Planned) -> None:
    write(
        estate.work, estate.clock(), replace(CALENDAR, week=(None,) * 7), replace(EXCEPTION, first=date(2026, 7, 6), last=date(2026, 7, 9))
    )
    assert estate.told(estate.project(("PLAN", "schedule")), "finish_slip_days") == [1.0]


def test_summaries_and_inactive_lines_do_not_count(estate: Planned) -> None:
    project = estate.project(("PLAN", "schedule"))
    estate.items("PLAN", {"external_id": "sum", "kind": "summary", "counts": False, "uncounted": "summary"})
    late = wall("2027-01-01T17:00")
    write(
        estate.work, estate.clock(), Schedule("sum", "sum", "PLAN", finishes_at=late, duration_hours=999.0),
        Baseline("sum/0", "sum", 0, finishes_at=late, cost=Decimal(9999)),
    )  # fmt: skip
    assert estate.told(project, "planned_finish", "baseline_finish", "plan_percent_complete", "item_count", "cost_variance_share") == [
        date(2026, 7, 10), date(2026, 7, 3), 25.0, 1, -0.1,
    ]  # fmt: skip


def test_the_schedule_is_that_of_the_scope_in_the_role_schedule(estate: Planned) -> None:
    estate.plan("TEAM", "2026-12-31T17:00")
    both = estate.project(("PLAN", "schedule"), ("TEAM", "execution"))
    assert estate.told(both, "planned_finish", "baseline_finish", "item_count") == [date(2026, 7, 10), date(2026, 7, 3), 2]
    same_as.put_precedence(estate.hub, both, {"schedule": ["execution"]}, "test")
    assert estate.told(both, "planned_finish", "baseline_finish", again=False) == [date(2026, 12, 31), None]
    parts = estate.project(("PLAN", "schedule"), ("TEAM", "schedule"))
    assert estate.told(parts, "planned_finish", "baseline_finish") == [date(2026, 12, 31), date(2026, 7, 3)]


def test_the_money_is_that_of_the_scope_in_the_role_money(estate: Planned) -> None:
    estate.plan("LEDGER", "2026-12-31T17:00")
    estate.earned("PLAN", None, 90, 100)
    project = estate.project(("PLAN", "schedule"), ("LEDGER", "money"))
    assert estate.told(project, "cpi", "planned_finish") == [0.9, date(2026, 7, 10)]  # the ledger tells none yet
    estate.earned("LEDGER", None, 50, 100)
    assert estate.told(project, "cpi", "planned_finish", "item_count") == [0.5, date(2026, 7, 10), 1]


def test_a_history_counts_until_its_date_and_not_where_the_plan_itself_speaks(estate: Planned) -> None:
    estate.plan("OLD", "2026-06-30T17:00")
    estate.earned("OLD", None, 70, 100)
    today = estate.clock().date()
    alone = estate.project(("OLD", "history"), until=today)
    joined = estate.project(("OLD", "history"), ("PLAN", "schedule"), until=today)
    never = estate.project(("OLD", "history"))
    assert estate.told(alone, "planned_finish", "cpi") == [date(2026, 6, 30), 0.7]
    assert estate.told(joined, "planned_finish", "cpi", "item_count") == [date(2026, 7, 10), 0.7, 2]
    assert estate.told(never, "planned_finish", "cpi") == [None, None]
    estate.clock.forward(days=1)
    facts.expire(estate.hub)
    assert estate.told(alone, "planned_finish", "cpi", again=False) == [None, None]
    assert estate.told(joined, "planned_finish", "cpi", "item_count", again=False) == [date(2026, 7, 10), None, 1]


def test_of_a_plan_that_is_taken_in_part_the_items_earned_value_is_added_up(estate: Planned) -> None:
    estate.items("PLAN", {"external_id": "a"}, {"external_id": "b"}, {"external_id": "c"})
    estate.earned("PLAN", None, 500, 1000)
    for one, ev in (("a", 30), ("b", 50), ("c", 999)):
        estate.earned("PLAN", one, ev, 100)
    part = estate.project(("PLAN", "schedule"), PLAN="PLAN-a PLAN-b")
    assert estate.told(part, "cpi") == [0.4]
    assert estate.told(estate.project(("PLAN", "schedule")), "cpi") == [0.5]


def test_a_line_whose_work_another_tool_does_still_has_its_dates(estate: Planned) -> None:
    estate.items("TEAM", {"external_id": "t1"})
    project = estate.project(("PLAN", "schedule"), ("TEAM", "execution"))
    same_as.add(estate.hub, item_id("t1"), item_id("PLAN1"), "test")
    assert estate.told(project, "planned_finish", "slipped_count", "item_count", again=False) == [date(2026, 7, 10), 1, 1]


def test_whom_a_plan_assigns_works_on_it_under_whichever_account(estate: Planned) -> None:
    estate.people("ann", "ann2")
    near = {"due": estate.clock().date() + timedelta(days=3)}
    estate.items("PLAN", *({"external_id": f"n{n}"} | near for n in range(4)), {"external_id": "n4", "assignee_id": person_id("ann2")})
    write(
        estate.work, estate.clock(), RESOURCE, Resource("crew", ResourceKind.WORK, name="Crew", is_generic=True),
        Resource("sand", ResourceKind.MATERIAL, name="Sand"), replace(ASSIGNMENT, external_id="0", item="n0"),
        replace(ASSIGNMENT, external_id="1", item="n1", resource="crew"), replace(ASSIGNMENT, external_id="2", item="n2", resource="sand"),
    )  # fmt: skip
    project = estate.project(("PLAN", "schedule"))
    assert estate.told(project, "near_term_count", "unassigned_near_term_count", "top_assignee_share") == [4, 2, 0.5]
    people.join(estate.hub, [person_id("ann"), person_id("ann2")], "test")
    assert estate.told(project, "top_assignee_share") == [1.0]


def test_projects_without_a_plan_cost_two_queries_more_and_many_plans_no_more_than_one(estate: Planned) -> None:
    estate.items("TEAM", {"external_id": "t1"})
    team, plan = estate.project(("TEAM", "execution")), estate.project(("PLAN", "schedule"))

    def asked(project: str) -> list[str]:
        with statements(estate.work) as seen, estate.work.write() as session:
            governance.refresh(session, [project], estate.clock())
        return seen

    asked(team), asked(plan)
    none = asked(team)
    assert [s for s in none if "schedules" in s or "baselines" in s or "earned_values" in s or "assignments" in s] == []
    few = len(asked(plan))
    for n in range(20):
        estate.items("PLAN", {"external_id": f"x{n}"})
        write(estate.work, estate.clock(), Schedule(f"x{n}", f"x{n}", "PLAN", finishes_at=wall("2026-07-01T17:00")))
    asked(plan)
    assert len(asked(plan)) == few
