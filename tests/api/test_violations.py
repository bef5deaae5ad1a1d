"""GET and acknowledge /violations."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.services import checks
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.unit_of_work import Work
from tests.api.governed import client
from tests.services.governed import CONNECTION, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def listed(estate: Estate, **filters: Any) -> list[dict[str, Any]]:
    answer = client(estate, "violations:read").get("violations", params=filters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def names(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(one["check_id"], one["entity_name"]) for one in found}


def test_violations_are_filtered_by_what_they_are_about(estate: Estate) -> None:
    ada = estate.person("Ada")
    erp, crm = estate.project("ERP", manager_id=ada, methodology="agile"), estate.project("CRM", manager_id=ada, methodology="agile")
    estate.synced(erp)
    estate.now += timedelta(hours=1)
    estate.project("ERP", manager_id=ada, sponsor_id=ada, methodology="agile")
    estate.synced(erp, crm)
    estate.failed("Gone.")
    assert names(listed(estate)) == {("GOV-001", "ERP"), ("GOV-001", "CRM"), ("DQ-002", "Site")}
    assert names(listed(estate, state="open")) == {("GOV-001", "CRM"), ("DQ-002", "Site")}
    assert names(listed(estate, state=["open", "resolved"])) == names(listed(estate))
    assert names(listed(estate, severity="critical")) == {("DQ-002", "Site")}
    assert names(listed(estate, check="GOV-001")) == {("GOV-001", "ERP"), ("GOV-001", "CRM")}
    assert names(listed(estate, project=crm)) == {("GOV-001", "CRM")}
    assert names(listed(estate, entity=CONNECTION)) == {("DQ-002", "Site")}
    assert names(listed(estate, portfolio=estate.portfolio("All", erp))) == {("GOV-001", "ERP")}
    assert names(listed(estate, portfolio=estate.portfolio("None"))) == set()
    assert names(listed(estate, since="2026-11-23T13:00:00Z")) == names(listed(estate))
    assert names(listed(estate, since="2026-11-23T13:00:01Z")) == set()


def test_violations_of_a_check_on_trial_are_shown_when_asked_for(estate: Estate) -> None:
    project = estate.project("ERP")
    checks.bind(estate.hub, "GOV-001", "evaluate", {}, "key:test")
    estate.refresh(project)
    assert "GOV-001" not in {one["check_id"] for one in listed(estate)}
    assert {one["check_id"] for one in listed(estate, mode="evaluate")} == {"GOV-001"}
    assert len(listed(estate, mode="all")) == len(listed(estate)) + 1


def test_paging_meets_each_violation_once_newest_first(estate: Estate) -> None:
    for number in range(3):
        estate.refresh(estate.project(f"P{number}"))
        estate.now += timedelta(hours=1)
    whole = listed(estate)
    assert [one["opened_at"] for one in whole] == sorted((one["opened_at"] for one in whole), reverse=True)
    asker, seen, cursor = client(estate), [], None
    while True:
        page = asker.get("violations", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == whole
    assert len(whole) > 4


def test_one_violation_is_shown_with_evidence_and_what_happened_to_it(estate: Estate) -> None:
    project = estate.project("ERP")
    estate.synced(project)
    violation = estate.violation("GOV-001")
    body = client(estate).get(f"violations/{violation['id']}").json()
    assert (body["check_title"], body["entity_name"], body["state"]) == ("No accountable sponsor", "ERP", "open")
    assert body["evidence"][0]["url"] == "https://site.example/ERP"
    assert body["remediation"]
    [opened] = body["transitions"]
    assert (opened["type"], opened["sequence"], opened["occurred_at"]) == ("violation.opened", 1, "2026-11-23T12:00:00Z")


def test_acknowledging_is_audited_and_possible_once(estate: Estate) -> None:
    estate.refresh(estate.project("ERP"))
    path = f"violations/{estate.violation('GOV-001')['id']}/acknowledge"
    asker = client(estate, "violations:write")
    assert asker.post(path, json={"note": "  "}).json()["errors"][0]["pointer"] == "/note"
    assert asker.post(path, json={"note": "Named on Friday."}).json()["state"] == "acknowledged"
    assert asker.post(path, json={"note": "Named on Friday."}).status_code == 409
    [entry] = [row for row in estate.rows(AuditEntry) if row["action"] == "violation.acknowledged"]
    assert entry["detail"] == {"note": "Named on Friday."}
    assert entry["actor"].startswith("key:")


def test_a_reader_may_not_acknowledge(estate: Estate) -> None:
    estate.refresh(estate.project("ERP"))
    path = f"violations/{estate.violation('GOV-001')['id']}/acknowledge"
    assert client(estate, "violations:read").post(path, json={"note": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("filters", "status"),
    [({"state": "broken"}, 422), ({"since": "yesterday"}, 400), ({"portfolio": "x"}, 404), ({"cursor": "x"}, 400), ({"limit": 0}, 422)],
)
def test_a_filter_that_makes_no_sense_is_a_problem(estate: Estate, filters: dict[str, Any], status: int) -> None:
    answer = client(estate).get("violations", params=filters)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_violation_that_does_not_exist_is_404(estate: Estate) -> None:
    assert client(estate).get(f"violations/{'0' * 32}").status_code == 404
    assert client(estate).post(f"violations/{'0' * 32}/acknowledge", json={"note": "x"}).status_code == 404


def test_a_violation_is_waived_shown_as_waived_and_stands_again(estate: Estate) -> None:
    estate.synced(estate.project("ERP", manager_id=estate.person("Ada"), methodology="agile"))
    [violation] = listed(estate, check="GOV-001")
    api = client(estate, "violations:write")
    address = f"violations/{violation['id']}"
    until = estate.now + timedelta(days=30)
    assert api.post(f"{address}/waive", json={"until": "2026-12-01T00:00:00", "reason": "No zone."}).status_code == 422
    assert api.post(f"{address}/waive", json={"until": (until + timedelta(days=61)).isoformat(), "reason": "Long."}).status_code == 422
    waived = api.post(f"{address}/waive", json={"until": until.isoformat(), "reason": "Until go-live."})
    assert waived.status_code == 200, waived.text
    assert (waived.json()["state"], waived.json()["waivers"][0]["reason"]) == ("waived", "Until go-live.")
    assert waived.json()["transitions"][0]["type"] == "violation.waived"
    assert names(listed(estate, state="waived")) == {("GOV-001", "ERP")}
    assert listed(estate, state="open", check="GOV-001") == []
    assert api.post(f"{address}/waive", json={"until": until.isoformat(), "reason": "Again."}).status_code == 409
    revoked = api.post(f"{address}/revoke-waiver").json()
    assert (revoked["state"], revoked["waivers"][0]["ended_as"]) == ("open", "revoked")
    assert api.post(f"{address}/revoke-waiver").status_code == 409
