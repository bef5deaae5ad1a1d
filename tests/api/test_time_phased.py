"""Work and cost over time over the wire: on how many tasks a figure rests, summaries once, null and not zero where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pmo_hub.domain.membership import automatic_project
from pmo_hub.domain.vocabulary import Phased
from pmo_hub.services import projects
from pmo_hub.services.projects import NewRule
from pmo_hub.store.unit_of_work import Work
from tests.planned import PLAN, SCHEDULE, TIME_PHASED, VALUE, write
from tests.serving import Visit
from tests.stored import Clock, Estate, scope_id

PROJECT = f"/api/v1/projects/{automatic_project(scope_id('PLAN'))}"
URL = f"{PROJECT}/time-phased"

PLANNED = replace(TIME_PHASED, external_id="t1/planned", kind=Phased.PLANNED, number=None, work=((date(2026, 6, 1), 10, Decimal(8)),))
ACTUAL = replace(PLANNED, external_id="t1/actual", kind=Phased.ACTUAL, work=((date(2026, 6, 2), 2, Decimal(6)),), cost=None)
OTHER = replace(PLANNED, external_id="t2/planned", item="t2", work=((date(2026, 6, 9), 1, Decimal("0.5")),), cost=None)
SUMMARY = replace(PLANNED, external_id="sum/planned", item="sum")
OLDER = replace(TIME_PHASED, external_id="t1/baseline/3", number=3, work=(), cost=())


@pytest.fixture
def estate(work: Work, tmp_path: Path, clock: Clock) -> Estate:
    made = Estate(work, tmp_path, clock)
    made.scopes("PLAN", "TWO")
    made.items("PLAN", {"external_id": "t1"}, {"external_id": "t2"}, {"external_id": "sum", "counts": False}, {"external_id": "t3"})
    lines = [replace(SCHEDULE, external_id=one, item=one) for one in ("t1", "t2", "t3", "sum")]
    write(work, made.clock(), PLAN, VALUE, *lines, TIME_PHASED, PLANNED, ACTUAL, OTHER, SUMMARY, OLDER)
    return made


@pytest.fixture
def api(estate: Estate, admin: TestClient) -> TestClient:
    return admin


def test_figures_say_on_how_many_leaf_tasks_they_rest(api: TestClient) -> None:
    told = api.get(URL).json()
    assert (told["by"], told["baseline"], told["currency"], told["no_cost"], told["because"]) == ("week", 0, "USD", None, "execution")
    assert [one["name"] for one in told["plans"]] == ["Harbour"]
    figures = told["figures"]
    assert figures["planned_hours"] == {"known": 2, "of": 3, "total_hours": 80.5}, "the summary's is that of its tasks"
    assert figures["actual_hours"] == {"known": 1, "of": 3, "total_hours": 12.0}
    assert figures["baseline_hours"] == {"known": 1, "of": 3, "total_hours": 65.5}
    assert figures["baseline_cost"] == {"known": 1, "of": 3, "total_cost": "899.9991"}
    assert figures["actual_cost"] == {"known": 0, "of": 3, "total_cost": None}


def test_periods_have_their_own_amounts_and_all_until_their_end(api: TestClient) -> None:
    told = api.get(URL).json()
    assert (told["first"], told["last"]) == ("2026-06-01", "2026-06-10")
    first, second = told["periods"]
    assert (first["first"], first["last"], second["first"], second["last"]) == ("2026-06-01", "2026-06-07", "2026-06-08", "2026-06-14")
    assert (first["planned_hours"], first["actual_hours"], first["baseline_hours"]) == (56.0, 12.0, 40.0)
    assert (second["planned_hours"], second["actual_hours"], second["baseline_hours"]) == (24.5, 0.0, 25.5)
    assert (second["cumulative"]["planned_hours"], second["cumulative"]["actual_hours"]) == (80.5, 12.0)
    assert (first["baseline_cost"], second["cumulative"]["baseline_cost"]) == ("699.9993", "899.9991")
    assert first["actual_cost"] is None, "unknown is not zero"
    assert second["cumulative"]["actual_cost"] is None


def test_days_and_months_and_a_part_of_the_time(api: TestClient) -> None:
    days = api.get(URL, params={"by": "day", "from": "2026-06-02", "to": "2026-06-03"}).json()["periods"]
    assert [(one["first"], one["planned_hours"], one["cumulative"]["planned_hours"]) for one in days] == [
        ("2026-06-02", 8.0, 16.0), ("2026-06-03", 8.0, 24.0),
    ]  # fmt: skip
    (month,) = api.get(URL, params={"by": "month", "from": "2026-06-02", "to": "2026-06-03"}).json()["periods"]
    assert (month["first"], month["last"], month["planned_hours"]) == ("2026-06-01", "2026-06-30", 80.5)


def test_a_baseline_that_is_zero_is_known(api: TestClient) -> None:
    told = api.get(URL, params={"baseline": 3, "by": "month"}).json()
    assert told["figures"]["baseline_hours"] == {"known": 1, "of": 3, "total_hours": 0.0}
    assert told["periods"][0]["baseline_hours"] == 0.0
    assert api.get(URL, params={"baseline": 5}).json()["figures"]["baseline_hours"] == {"known": 0, "of": 3, "total_hours": None}


REFUSED: tuple[tuple[dict[str, str], int, str], ...] = (
    ({"from": "2026-06-02", "to": "2026-06-01"}, 400, "to must not be before from"),
    ({"from": "1000-01-01"}, 400, "from must be a day from 1900-01-01"),
    ({"by": "day", "from": "2000-01-01"}, 422, "one answer has 2000"),
    ({"by": "quarter"}, 422, "by"),
    ({"baseline": "11"}, 422, "baseline"),
    ({"from": "soon"}, 422, "from"),
)


def test_what_can_not_be_answered_says_why(api: TestClient) -> None:
    for params, status, why in REFUSED:
        refused = api.get(URL, params=params)
        assert (refused.status_code, refused.headers["Content-Type"]) == (status, "application/problem+json"), params
        assert why in refused.text


def test_a_project_of_no_plan_knows_nothing(api: TestClient) -> None:
    told = api.get(f"/api/v1/projects/{automatic_project(scope_id('TWO'))}/time-phased").json()
    assert (told["plans"], told["periods"], told["first"]) == ([], [], None)
    assert told["figures"]["planned_hours"] == {"known": 0, "of": 0, "total_hours": None}
    assert api.get(f"/api/v1/projects/{'0' * 32}/time-phased").status_code == 404


def test_it_can_be_had_as_the_hub_knew_it(api: TestClient, estate: Estate) -> None:
    at = estate.clock.forward(minutes=1).isoformat()
    estate.clock.forward(minutes=1)
    write(estate.work, estate.clock(), replace(OTHER, work=((date(2026, 6, 9), 1, Decimal(4)),)))
    now, then = (api.get(URL, params=params).json()["figures"]["planned_hours"]["total_hours"] for params in ({}, {"as_of": at}))
    assert (now, then) == (84.0, 80.5)
    assert api.get(URL, params={"as_of": "2020-01-01T00:00:00Z"}).status_code == 404


def test_costs_of_two_currencies_are_not_added_up(api: TestClient, estate: Estate) -> None:
    estate.items("TWO", {"external_id": "u1"})
    other = replace(PLAN, external_id="Q", name="Quay", currency="EUR")
    write(estate.work, estate.clock(), other, replace(SCHEDULE, external_id="u1", item="u1", plan="Q"),
          replace(PLANNED, external_id="u1/planned", item="u1"), scope="TWO")  # fmt: skip
    rules = [NewRule(scope_id(one), "all", None, "schedule") for one in ("PLAN", "TWO")]
    made = projects.create(estate.hub, "Both", {}, rules, "test").id
    told = api.get(f"/api/v1/projects/{made}/time-phased").json()
    assert told["figures"]["planned_hours"] == {"known": 3, "of": 4, "total_hours": 160.5}
    assert told["figures"]["planned_cost"] == {"known": 0, "of": 4, "total_cost": None}
    assert (told["currency"], told["because"]) == (None, "schedule")
    assert "several currencies" in told["no_cost"]


@pytest.mark.usefixtures("estate")
def test_a_key_needs_the_scope(visit: Visit) -> None:
    assert visit("work_items:read").get(URL).status_code == 403
    assert visit("projects:read").get(URL).status_code == 200


def test_a_plan_is_told_with_the_fields_that_it_has_itself(api: TestClient) -> None:
    (plan,) = api.get(f"{PROJECT}/plans").json()["items"]
    assert plan["custom_values"] == [{"field": "Region", "name": "Region", "text": "North", "number": None, "day": None}]
