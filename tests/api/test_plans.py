"""Plans over the wire: wall-clock times without an offset, amounts as exact texts, null and not zero where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pmo_hub.domain.membership import automatic_project
from pmo_hub.store.unit_of_work import Work
from tests.planned import ASSIGNMENT, BASELINE, CALENDAR, EARNED_VALUE, ENTRY, EXCEPTION, PASSAGE, PLAN, RESOURCE, SCHEDULE, id_of, write
from tests.serving import Visit
from tests.stored import Clock, Estate, item_id, person_id, scope_id

HOME = "/api/v1"
PROJECT = f"{HOME}/projects/{automatic_project(scope_id('PLAN'))}"


@pytest.fixture
def estate(work: Work, tmp_path: Path, clock: Clock) -> Estate:
    made = Estate(work, tmp_path, clock)
    made.scopes("PLAN")
    made.people("ann")
    made.items("PLAN", {"external_id": "t1", "url": "https://plans.example/t1"}, {"external_id": "t2"})
    whole = replace(EARNED_VALUE, external_id="P", item=None, actual_cost=Decimal(0), estimate_at_completion=None, is_stale=True)
    records = (PLAN, SCHEDULE, BASELINE, EARNED_VALUE, whole, RESOURCE, ASSIGNMENT, CALENDAR, EXCEPTION, PASSAGE)
    write(work, made.clock(), *records)
    return made


@pytest.fixture
def api(estate: Estate, admin: TestClient) -> TestClient:
    return admin


def test_an_items_schedule_is_told_by_the_plans_clock_and_in_its_currency(api: TestClient) -> None:
    answer = api.get(f"{HOME}/work-items/{item_id('t1')}/schedule")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["url"], told["plan"]["url"]) == ("https://plans.example/t1", "https://plans.example/P")
    assert (told["plan"]["time_zone"], told["plan"]["currency"], told["plan"]["status_at"]) == (
        "America/New_York", "USD", "2026-07-01T17:00:00",
    )  # fmt: skip
    schedule = told["schedule"]
    assert (schedule["finishes_at"], schedule["deadline"]) == ("2026-06-12T17:00:00", "2026-06-10T17:00:00")
    assert (schedule["cost"], schedule["actual_cost"], schedule["fixed_cost"]) == ("1000.1", "333.3333", "0")
    assert (schedule["total_float_hours"], schedule["constraint"]) == (-16.0, "start_no_earlier_than")
    assert schedule["calendar"] == {"id": id_of(CALENDAR), "name": "Standard"}
    assert [(one["number"], one["cost"]) for one in told["baselines"]] == [(0, "900")]
    assert [(one["resource"]["name"], one["units"]) for one in told["assignments"]] == [("ANN", 0.5)]
    assert (told["earned_value"]["source"], told["earned_value"]["at_instant"]) == ("provider", "2026-07-01T21:00:00Z")
    assert api.get(f"{HOME}/work-items/{item_id('t2')}/schedule").json()["schedule"] is None
    missing = api.get(f"{HOME}/work-items/{'0' * 32}/schedule")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")


def test_a_projects_plans_are_told_with_their_stages_and_roles(api: TestClient) -> None:
    (plan,) = api.get(f"{PROJECT}/plans").json()["items"]
    assert (plan["name"], plan["scope_name"], plan["owner_name"], plan["stage"], plan["program"]) == (
        "Harbour", "Scope PLAN", "ANN", "Build", "Harbours"
    )  # fmt: skip
    assert plan["takings"] == [{"role": "execution", "history_until": None, "is_whole": True}]
    assert [(one["stage"], one["entered_at"], one["completed_at"]) for one in plan["stages"]] == [("Build", "2026-06-01T12:00:00Z", None)]


def test_earned_value_divides_nothing_by_zero_and_makes_no_zero_of_the_unknown(api: TestClient) -> None:
    (found,) = api.get(f"{PROJECT}/earned-value").json()["items"]
    assert (found["source"], found["is_stale"], found["is_believed"], found["because"]) == ("provider", True, True, "execution")
    assert (found["actual_cost"], found["estimate_at_completion"]) == ("0", None)
    told = found["performance"]
    assert (told["cpi"], told["variance_at_completion"], told["variance_at_completion_share"]) == (None, None, None)
    assert (told["spi"], told["cost_variance"], told["schedule_variance"]) == (pytest.approx(2 / 3), "600", "-300")


def test_lists_go_in_pages_and_a_cursor_belongs_to_its_filters(api: TestClient, estate: Estate) -> None:
    write(estate.work, estate.clock(), replace(BASELINE, external_id="t2/0", item="t2"), replace(ASSIGNMENT, external_id="t2", item="t2"))
    for path, other in (("baselines", {"number": 0}), ("assignments", {"person": person_id("ann")})):
        first = api.get(f"{PROJECT}/{path}", params={"limit": 1}).json()
        second = api.get(f"{PROJECT}/{path}", params={"limit": 1, "cursor": first["next_cursor"]}).json()
        assert [one["key"] for one in first["items"] + second["items"]] == ["PLAN-t1", "PLAN-t2"]
        assert second["next_cursor"] is None
        refused = api.get(f"{PROJECT}/{path}", params={"limit": 1, "cursor": first["next_cursor"]} | other)
        assert refused.status_code == 400
        assert len(api.get(f"{PROJECT}/{path}", params=other).json()["items"]) == 2
    assert api.get(f"{PROJECT}/baselines", params={"number": 11}).status_code == 422
    assert [one["time_zone"] for one in api.get(f"{PROJECT}/baselines").json()["items"]] == ["America/New_York", None]


def test_a_calendar_says_its_week_in_words(api: TestClient) -> None:
    told = api.get(f"{HOME}/calendars/{id_of(CALENDAR)}").json()
    assert told["in_words"] == "Monday to Friday 09:00–12:00, 13:00–17:00; Saturday and Sunday off"
    assert told["week"][0] == {"day": "Monday", "shifts": [{"start": "09:00", "end": "12:00"}, {"start": "13:00", "end": "17:00"}],
                               "is_inherited": False}  # fmt: skip
    assert [(one["name"], one["first"], one["last"], one["shifts"]) for one in told["exceptions"]] == [
        ("Summer closure", "2026-08-03", "2026-08-14", [])
    ]
    assert api.get(f"{HOME}/calendars/{'0' * 32}").status_code == 404


@pytest.mark.parametrize(
    "path", [f"/work-items/{item_id('t1')}/schedule", *(f"/projects/{{project}}/{x}" for x in ("plans", "baselines", "assignments",
    "earned-value")), f"/calendars/{id_of(CALENDAR)}"],
)  # fmt: skip
def test_every_answer_can_be_had_as_of_an_instant(api: TestClient, estate: Estate, path: str) -> None:
    url = HOME + path.format(project=automatic_project(scope_id("PLAN")))
    at = estate.clock.forward(minutes=1).isoformat()
    now = api.get(url).json()
    estate.clock.forward(days=1)
    write(
        estate.work, estate.clock(), replace(PLAN, name="Other"), replace(SCHEDULE, position=9), replace(BASELINE, cost=Decimal(1)),
        replace(ASSIGNMENT, units=1.0), replace(CALENDAR, name="Other"),
        replace(EARNED_VALUE, external_id="P", item=None, planned_value=None),
    )  # fmt: skip
    assert api.get(url, params={"as_of": at}).json() | {"as_of": None} == now
    assert api.get(url).json() != now
    assert api.get(url, params={"as_of": "2020-01-01T00:00:00Z"}).status_code == 404
    assert api.get(url, params={"as_of": "yesterday"}).status_code == 400


def test_a_key_needs_the_scope(api: TestClient, visit: Visit) -> None:
    assert visit("work_items:read").get(f"{PROJECT}/baselines").status_code == 200
    assert visit("work_items:read").get(f"{PROJECT}/plans").status_code == 403
    assert visit("projects:read").get(f"{PROJECT}/earned-value").status_code == 200
    assert visit("projects:read").get(f"{HOME}/calendars/{id_of(CALENDAR)}").status_code == 403


def test_registers_show_what_they_say_of_risks_and_issues(api: TestClient, estate: Estate) -> None:
    estate.items(
        "PLAN", {"external_id": "risk1", "kind": "risk", "counts": False, "uncounted": "register"},
        {"external_id": "issue1", "kind": "issue", "counts": False, "uncounted": "register"},
    )  # fmt: skip
    write(estate.work, estate.clock(), ENTRY)
    (found,) = api.get(f"{PROJECT}/risks").json()["items"]
    assert found["entry"] == {
        "probability": 0.3, "impact": 4.0, "exposure": 1.2, "cost": "5000", "currency": "USD", "category": "Supplier",
        "mitigation": "Order early.", "contingency": "Rent a crane.", "trigger": "No answer by May.",
    }  # fmt: skip
    (issue,) = api.get(f"{PROJECT}/issues", params={"state": "open"}).json()["items"]
    assert (issue["key"], issue["entry"]) == ("PLAN-issue1", None)
    assert api.get(f"{PROJECT}/issues", params={"as_of": "2020-01-01T00:00:00Z"}).status_code == 404
    assert api.get(f"{PROJECT}/issues", params={"state": "lost"}).status_code == 422
