"""Facts, results, violations and events in the transaction that causes them, on both engines."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.violations import fingerprint, violation_id
from pmo_hub.services import checks, governance
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.violations import acknowledge, get_violation
from pmo_hub.store.models.canonical import HISTORY
from pmo_hub.store.models.governance import Evaluation, Event, Fact, Violation
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import CADENCE, CONNECTION, NOON, Estate

FACTS_HISTORY = HISTORY["facts"]
EVALUATIONS_HISTORY = HISTORY["evaluations"]


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def everything(estate: Estate) -> dict[str, list[dict[str, Any]]]:
    tables = {"facts": Fact, "evaluations": Evaluation, "violations": Violation, "events": Event}
    found = {name: estate.rows(model) for name, model in tables.items()}
    return found | {"facts_history": estate.rows(FACTS_HISTORY), "evaluations_history": estate.rows(EVALUATIONS_HISTORY)}


def test_unknown_is_never_pass(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.synced(project)
    zombie = estate.evaluation(project, "GOV-013")
    assert zombie["result"] == "unknown"
    assert zombie["missing"] == ["project.last_activity_at"]
    assert "no item has a date of change" in zombie["message"]
    assert estate.violations("GOV-013") == []


def test_a_violation_opens_stays_resolves_and_reopens_as_the_same(estate: Estate) -> None:
    project = estate.project("ERP", sponsor_id=None)
    estate.synced(project)
    opened = estate.violation("GOV-001")
    of = fingerprint("GOV-001", project)
    assert (opened["state"], opened["fingerprint"], opened["id"]) == ("open", of, violation_id(of, 1))
    assert (opened["severity"], opened["project_id"], opened["entity_type"]) == ("high", project, "project")

    estate.now += CADENCE
    estate.synced(project)
    assert estate.violation("GOV-001") == opened

    estate.now += CADENCE
    sponsor = estate.person("Ada")
    estate.project("ERP", sponsor_id=sponsor)
    estate.refresh(project)
    resolved = estate.violation("GOV-001")
    assert (resolved["id"], resolved["state"], resolved["resolved_at"]) == (opened["id"], "resolved", estate.now)
    assert resolved["message"] == opened["message"]

    estate.now += CADENCE
    estate.project("ERP", sponsor_id=None)
    estate.refresh(project)
    again = estate.violation("GOV-001")
    assert (again["id"], again["state"], again["occurrences"], again["opened_at"]) == (opened["id"], "open", 2, NOON)
    assert again["resolved_at"] is None
    assert estate.told(opened["id"]) == ["violation.opened", "violation.resolved", "violation.reopened"]


def test_a_violation_that_ended_long_ago_comes_back_as_a_new_one_that_names_the_old(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.refresh(project)
    estate.project("ERP", sponsor_id=estate.person("Ada"))
    estate.refresh(project)
    estate.now += timedelta(days=91)
    estate.project("ERP", sponsor_id=None)
    estate.refresh(project)
    old, new = sorted(estate.violations("GOV-001"), key=lambda row: int(row["generation"]))
    assert (old["state"], new["state"], new["previous_id"], new["generation"]) == ("resolved", "open", old["id"], 2)


def test_refreshing_twice_writes_nothing(estate: Estate) -> None:
    project = estate.project("ERP", methodology="agile")
    estate.item(project, "ERP-1", due=date(2026, 11, 1))
    estate.item(project, "ERP-2", kind="milestone", due=date(2026, 11, 1))
    estate.synced(project)
    before = everything(estate)
    assert before["violations"]
    assert before["events"]
    done = estate.refresh(project)
    assert (done.facts, done.judged) == (0, type(done.judged)())
    assert everything(estate) == before


def test_an_hour_that_changes_nothing_writes_nothing_but_how_long_facts_hold(estate: Estate) -> None:
    project = estate.project("ERP", methodology="agile")
    estate.item(project, "ERP-1", due=date(2026, 11, 1))
    estate.synced(project)
    before = everything(estate)
    estate.now += timedelta(hours=1)
    estate.synced(project)
    after = everything(estate)
    for rows in (before, after):
        for row in rows["facts"]:
            del row["holds_until"]
    assert after == before


def test_a_crash_before_the_commit_leaves_nothing(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1")

    def crash() -> None:
        with estate.work.write() as session:
            governance.refresh(session, [project], estate.now)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash()
    assert all(not rows for rows in everything(estate).values())
    estate.refresh(project)
    assert estate.violation("GOV-001")["state"] == "open"


def test_ids_are_hashes_of_what_the_rows_are_about(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.refresh(project)
    assert row_id("fact", "project", project, "project.item_count") in {row["id"] for row in estate.rows(Fact)}
    assert estate.evaluation(project, "GOV-001")["id"] == row_id("evaluation", "GOV-001", "project", project, "")
    violation = estate.violation("GOV-001")["id"]
    assert row_id("event", "violation.opened", violation, "1") in {row["id"] for row in estate.rows(Event)}


def test_an_event_is_thin(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.refresh(project)
    [event] = [row for row in estate.rows(Event) if row["data"]["check_id"] == "GOV-001"]
    assert event["data"] == {
        "check_id": "GOV-001", "entity_type": "project", "entity_id": project, "project_id": project, "sub_key": "", "severity": "high",
        "state": "open", "cause": "data_change",
    }  # fmt: skip


def test_each_overdue_milestone_has_a_violation_of_its_own_and_one_that_is_gone_closes_it(estate: Estate) -> None:
    project = estate.project("ERP")
    first = estate.item(project, "ERP-1", kind="milestone", due=date(2026, 11, 1))
    second = estate.item(project, "ERP-2", kind="milestone", due=date(2026, 11, 2))
    estate.item(project, "ERP-3", kind="milestone", due=date(2026, 12, 24))
    estate.synced(project)
    found = {row["sub_key"]: row for row in estate.violations("SCH-003")}
    assert found.keys() == {first, second}
    assert "ERP-1" in found[first]["message"]
    assert found[first]["evidence"][0]["url"] == "https://site.example/browse/ERP-1"

    estate.now += CADENCE
    estate.item(project, "ERP-1", kind="milestone", due=date(2026, 11, 1), status_category="done", original_status="Done")
    estate.drop_item(project, second)
    estate.synced(project)
    states = {row["sub_key"]: row["state"] for row in estate.violations("SCH-003")}
    assert states == {first: "resolved", second: "closed"}
    assert {row["sub_key"] for row in estate.rows(Evaluation) if row["check_id"] == "SCH-003"} == {first, row_id("item", "ERP-3")}


def test_what_is_told_of_an_open_violation_follows_the_data_without_an_event(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1", planned_start=date(2026, 12, 2), due=date(2026, 12, 1))
    estate.synced(project)
    opened = estate.violation("SCH-011")
    estate.now += CADENCE
    estate.item(project, "ERP-2", planned_start=date(2026, 12, 2), due=date(2026, 12, 1))
    estate.synced(project)
    after = estate.violation("SCH-011")
    assert (len(opened["evidence"]), len(after["evidence"])) == (1, 2)
    assert after["message"].startswith("2 items")
    assert after["changed_at"] == opened["changed_at"]
    assert estate.told(opened["id"]) == ["violation.opened"]


def test_a_project_that_is_gone_has_no_facts_and_its_violations_are_closed(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.refresh(project)
    estate.now += CADENCE
    estate.drop_project(project)
    estate.refresh(project)
    assert estate.rows(Fact) == []
    assert estate.rows(Evaluation) == []
    assert {row["state"] for row in estate.rows(Violation)} == {"closed"}


def test_a_failing_connection_is_one_violation_of_the_connection_and_success_resolves_it(estate: Estate) -> None:
    for name in ("ERP", "CRM"):
        estate.project(name)
    estate.synced()
    estate.now += CADENCE
    estate.failed("The site answered 401: make a new token.")
    found = estate.violation("DQ-002")
    assert (found["entity_type"], found["entity_id"], found["project_id"]) == ("connection", CONNECTION, None)
    assert found["severity"] == "critical"
    assert found["evidence"][0]["note"] == "The site answered 401: make a new token."
    estate.now += CADENCE
    estate.failed("The site answered 401: make a new token.")
    assert estate.violation("DQ-002") == found
    estate.now += CADENCE
    estate.synced()
    assert estate.violation("DQ-002")["state"] == "resolved"
    assert estate.told(found["id"]) == ["violation.opened", "violation.resolved"]


def test_a_census_that_waits_for_an_admin_is_a_violation_although_syncs_go_well(estate: Estate) -> None:
    estate.project("ERP")
    estate.synced()
    estate.held_census()
    estate.now += CADENCE
    estate.synced()
    assert estate.violation("DQ-002")["state"] == "open"


def test_unmapped_items_are_counted_over_the_whole_connection(estate: Estate) -> None:
    erp, crm = estate.project("ERP"), estate.project("CRM")
    for number in range(9):
        estate.item(erp, f"ERP-{number}")
    estate.item(crm, "CRM-1", kind="other", original_type="Wish")
    estate.synced(erp, crm)
    found = estate.evaluation(CONNECTION, "DQ-003")
    assert found["result"] == "fail"
    assert found["observed"]["project.unmapped_share"] == 0.1


def test_a_quiet_run_writes_no_fact_no_result_and_no_history(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1")
    estate.synced(project)
    before = everything(estate)
    for _ in range(3):
        estate.now += CADENCE
        estate.synced(refresh=False)
    after = everything(estate)
    for rows in (before, after):
        for row in rows["facts"]:
            del row["holds_until"]
    assert after == before


def test_a_pass_on_stale_data_resolves_nothing_until_the_run_has_ended_well(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.item(project, "ERP-1", planned_start=date(2026, 12, 2), due=date(2026, 12, 1))
    estate.synced(project)
    assert estate.violation("SCH-011")["state"] == "open"
    estate.now += timedelta(days=3)
    estate.item(project, "ERP-1", planned_start=date(2026, 12, 1), due=date(2026, 12, 2))
    estate.refresh(project)
    assert estate.evaluation(project, "SCH-011")["result"] == "pass"
    assert estate.violation("SCH-011")["state"] == "open"
    estate.synced(refresh=False)
    assert estate.violation("SCH-011")["state"] == "resolved"


def test_a_check_on_trial_opens_violations_and_tells_nobody(estate: Estate) -> None:
    project = estate.project("ERP")
    checks.bind(estate.hub, "GOV-001", "evaluate", {}, "key:test")
    estate.refresh(project)
    found = estate.violation("GOV-001")
    assert (found["state"], found["mode"]) == ("open", "evaluate")
    assert estate.told(found["id"]) == []


def test_disabling_a_check_resolves_its_violations_and_drops_its_results(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.refresh(project)
    estate.now += CADENCE
    checks.bind(estate.hub, "GOV-001", "disabled", {}, "key:test")
    found = estate.violation("GOV-001")
    assert (found["state"], found["cause"]) == ("resolved", "policy_change")
    assert [row for row in estate.rows(Evaluation) if row["check_id"] == "GOV-001"] == []
    estate.now += CADENCE
    checks.bind(estate.hub, "GOV-001", "active", {}, "key:test")
    assert estate.violation("GOV-001")["state"] == "open"


def test_a_parameter_is_judged_by_at_once_and_audited(estate: Estate) -> None:
    project = estate.project("ERP")
    milestone = estate.item(project, "ERP-1", kind="milestone", due=date(2026, 11, 13))
    estate.item(project, "ERP-2", updated_at=NOON - timedelta(days=20))
    estate.item(project, "ERP-1", kind="milestone", due=date(2026, 11, 13), updated_at=NOON - timedelta(days=20))
    estate.synced(project)
    assert estate.violations("GOV-013") == []
    assert estate.violation("SCH-003")["sub_key"] == milestone
    bound = checks.bind(estate.hub, "GOV-013", "active", {"silent_days": 10}, "key:test")
    assert (bound.parameters, bound.counts, bound.is_default) == ({"silent_days": 10}, {"fail": 1}, False)
    opened = estate.violation("GOV-013")
    assert (opened["state"], opened["cause"]) == ("open", "param_change")
    checks.bind(estate.hub, "SCH-003", "active", {"grace_days": 30}, "key:test")
    assert estate.violation("SCH-003")["state"] == "resolved"
    entries = [(row["actor"], row["action"], row["subject_id"]) for row in estate.rows(AuditEntry)]
    assert sorted(entries) == [("key:test", "check.bound", "GOV-013"), ("key:test", "check.bound", "SCH-003")]


@pytest.mark.parametrize(
    ("check", "mode", "parameters", "pointers"),
    [
        ("GOV-013", "active", {"silent_days": 0}, ["/parameters/silent_days"]),
        ("GOV-013", "active", {"silent_days": "ten"}, ["/parameters/silent_days"]),
        ("GOV-013", "active", {"silent_day/s": 10}, ["/parameters/silent_day~1s"]),
        ("GOV-001", "loud", {"x": 1}, ["/mode", "/parameters/x"]),
        ("GOV-001", "blocking", {}, ["/mode"]),
    ],
)
def test_a_binding_that_the_check_does_not_allow_is_refused_with_its_place(
    estate: Estate, check: str, mode: str, parameters: dict[str, Any], pointers: list[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        checks.bind(estate.hub, check, mode, parameters, "key:test")
    assert [fault.pointer for fault in refused.value.faults] == pointers
    assert estate.rows(AuditEntry) == []


def test_a_check_that_does_not_exist_cannot_be_bound(estate: Estate) -> None:
    with pytest.raises(NotFound):
        checks.bind(estate.hub, "GOV-999", "active", {}, "key:test")


def test_acknowledging_is_kept_while_the_check_fails_and_told_once(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.refresh(project)
    violation = estate.violation("GOV-001")["id"]
    estate.now += CADENCE
    told = acknowledge(estate.hub, violation, "The board names one on Friday.", "key:test")
    assert told.listed.violation.state == "acknowledged"
    with pytest.raises(Conflict):
        acknowledge(estate.hub, violation, "Again.", "key:test")
    estate.refresh(project)
    found = get_violation(estate.hub, violation)
    assert found.listed.violation.state == "acknowledged"
    assert found.listed.entity_name == "ERP"
    assert [event.type for event in found.transitions] == ["violation.acknowledged", "violation.opened"]
    assert found.transitions[0].data["note"] == "The board names one on Friday."
    estate.project("ERP", sponsor_id=estate.person("Ada"))
    estate.refresh(project)
    assert estate.told(violation) == ["violation.opened", "violation.acknowledged", "violation.resolved"]


def test_evaluating_a_project_on_demand_answers_with_every_result(estate: Estate) -> None:
    project = estate.project("ERP")
    found = checks.evaluate_project(estate.hub, project)
    assert {one.check_id for one in found} == set(governance.PROJECT_CHECKS)
    assert {one.entity_name for one in found} == {"ERP"}
    with pytest.raises(NotFound):
        checks.evaluate_project(estate.hub, "0" * 32)


def test_large_projects_are_taken_one_after_the_other(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    projects = [estate.project(name) for name in ("ERP", "CRM", "HR")]
    for project in projects:
        for number in range(3):
            estate.item(project, f"{project[:4]}-{number}")
    monkeypatch.setattr(governance, "MOST_ITEMS", 4)
    done = estate.refresh(*projects)
    assert done.projects == 3
    assert {row["entity_id"] for row in estate.rows(Evaluation)} == set(projects)
