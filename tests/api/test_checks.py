"""The check library over the API: listed, bound, asked again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.checks import BUILT_IN
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.unit_of_work import Work
from tests.api.governed import client
from tests.services.governed import Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def test_every_built_in_check_is_listed_with_its_parameters_and_counts(estate: Estate) -> None:
    estate.synced(estate.project("ERP"), estate.project("CRM", methodology="waterfall"))
    items = client(estate, "checks:read").get("checks").json()["items"]
    assert [one["id"] for one in items] == [check.id for check in BUILT_IN]
    found = {one["id"]: one for one in items}
    assert found["GOV-001"]["counts"] == {"fail": 2}
    assert found["AGL-003"]["counts"] == {"unknown": 1, "not_applicable": 1}
    assert found["AGL-003"]["methodologies"] == ["agile", "hybrid"]
    assert (found["DQ-002"]["entity"], found["DQ-002"]["counts"]) == ("connection", {"pass": 1})
    assert found["GOV-013"]["parameters"] == [
        {"name": "silent_days", "type": "int", "default": 30, "value": 30, "minimum": 1.0, "maximum": 365.0}
    ]
    assert (found["GOV-013"]["mode"], found["GOV-013"]["is_default"]) == ("active", True)


def test_results_of_a_check_are_filtered_and_paged(estate: Estate) -> None:
    projects = [estate.project(f"P{number}") for number in range(3)]
    projects.append(estate.project("OK", sponsor_id=estate.person("Ada")))
    estate.refresh(*projects)
    asker = client(estate)
    assert len(asker.get("checks/GOV-001/evaluations").json()["items"]) == 4
    [passed] = asker.get("checks/GOV-001/evaluations", params={"result": "pass"}).json()["items"]
    assert (passed["entity_name"], passed["observed"]) == ("OK", {})
    [one] = asker.get("checks/GOV-001/evaluations", params={"project": projects[0]}).json()["items"]
    assert (one["entity_name"], one["result"]) == ("P0", "fail")
    assert one["observed"] == {"project.has_sponsor": False, "project.state": "active"}
    first = asker.get("checks/GOV-001/evaluations", params={"limit": 3}).json()
    rest = asker.get("checks/GOV-001/evaluations", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (3, 1, None)


def test_an_unknown_result_names_what_is_missing(estate: Estate) -> None:
    estate.refresh(estate.project("ERP"))
    [one] = client(estate).get("checks/GOV-013/evaluations").json()["items"]
    assert (one["result"], one["missing"]) == ("unknown", ["project.last_activity_at"])


def test_binding_a_check_answers_with_what_it_found_under_it_and_is_audited(estate: Estate) -> None:
    estate.refresh(estate.project("ERP"))
    asker = client(estate, "checks:write")
    body = asker.put("checks/GOV-001/binding", json={"mode": "disabled"}).json()
    assert (body["mode"], body["is_default"], body["counts"]) == ("disabled", False, {})
    assert estate.violation("GOV-001")["state"] == "resolved"
    body = asker.put("checks/AGL-004/binding", json={"mode": "evaluate", "parameters": {"allowed_share": 0.5}}).json()
    assert (body["mode"], body["parameters"][0]["value"]) == ("evaluate", 0.5)
    assert sorted(row["subject_id"] for row in estate.rows(AuditEntry) if row["action"] == "check.bound") == ["AGL-004", "GOV-001"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"parameters": {"silent_days": 0}}, "/parameters/silent_days"),
        ({"parameters": {"silent_days": True}}, "/parameters/silent_days"),
        ({"parameters": {"silent": 3}}, "/parameters/silent"),
        ({"mode": "blocking"}, "/mode"),
        ({"mod": "active"}, "/mod"),
    ],
)
def test_a_binding_that_is_not_allowed_is_refused_with_a_pointer(estate: Estate, body: dict[str, Any], pointer: str) -> None:
    answer = client(estate).put("checks/GOV-013/binding", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_reader_may_not_bind_or_evaluate(estate: Estate) -> None:
    project = estate.project("ERP")
    asker = client(estate, "checks:read")
    assert asker.put("checks/GOV-001/binding", json={"mode": "disabled"}).status_code == 403
    assert asker.post(f"projects/{project}/evaluate").status_code == 403


def test_evaluating_a_project_now_answers_with_its_results(estate: Estate) -> None:
    project = estate.project("ERP")
    body = client(estate, "checks:write").post(f"projects/{project}/evaluate").json()
    results = {one["check_id"]: one["result"] for one in body["items"]}
    assert results["GOV-001"] == "fail"
    assert results["GOV-013"] == "unknown"
    assert client(estate).post(f"projects/{'0' * 32}/evaluate").status_code == 404


def test_a_check_that_does_not_exist_is_404(estate: Estate) -> None:
    asker = client(estate)
    assert asker.get("checks/GOV-999").status_code == 404
    assert asker.get("checks/GOV-999/evaluations").status_code == 404
    assert asker.put("checks/GOV-999/binding", json={}).status_code == 404
