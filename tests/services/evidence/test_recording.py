"""Results, transitions, decisions and changes are in the evidence log, in the transaction that made them true, on both engines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.services import access, checks, governance, portfolio
from pmo_hub.services.evidence import sealing
from pmo_hub.services.violations import acknowledge
from pmo_hub.store.models.canonical import Identity
from pmo_hub.store.models.evidence import EvidenceBody, EvidenceEntry, EvidencePending
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import CADENCE, CONNECTION, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def entries(estate: Estate) -> list[dict[str, Any]]:
    """Everything that is sealed, with its bodies, by position."""
    sealing.seal_all(estate.hub)
    bodies = {row["position"]: json.loads(row["body"]) for row in estate.rows(EvidenceBody)}
    return sorted(
        ({**row, "body": bodies.get(row["position"])} for row in estate.rows(EvidenceEntry)), key=lambda row: int(row["position"])
    )


def of(estate: Estate, kind: str, **wanted: str) -> list[dict[str, Any]]:
    return [row for row in entries(estate) if row["kind"] == kind and wanted.items() <= row["body"].items()]


def test_every_result_that_changes_is_evidence_once(estate: Estate) -> None:
    project = estate.project("ERP", sponsor_id=None)
    estate.synced(project)
    [first] = of(estate, "evaluation", check_id="GOV-001")
    assert (first["action"], first["subject_type"], first["subject_id"]) == ("evaluation.fail", "project", project)
    assert (first["projects"], first["at"], first["body"]["result"]) == ([project], estate.now, "fail")
    assert first["body"]["observed"]["project.has_sponsor"] is False
    number = len(entries(estate))
    estate.synced(project)
    assert len(entries(estate)) == number

    estate.now += CADENCE
    estate.project("ERP", sponsor_id=estate.person("Ada"))
    estate.synced(project)
    assert [row["body"]["result"] for row in of(estate, "evaluation", check_id="GOV-001")] == ["fail", "pass"]
    assert [row["action"] for row in of(estate, "violation", check_id="GOV-001")] == ["violation.opened", "violation.resolved"]


def test_what_is_judged_of_a_connection_concerns_the_whole_hub(estate: Estate) -> None:
    estate.synced(estate.project("ERP"))
    estate.failed()
    found = of(estate, "evaluation", check_id="DQ-002")
    assert found
    assert {(row["subject_type"], row["subject_id"], tuple(row["projects"])) for row in found} == {("connection", CONNECTION, ())}


def test_decisions_and_changes_are_evidence_with_their_actor(estate: Estate) -> None:
    project = estate.project("ERP", sponsor_id=None)
    estate.synced(project)
    violation = estate.violation("GOV-001")["id"]
    acknowledge(estate.hub, violation, "We are on it.", "key:1f2e3d4c")
    checks.bind(estate.hub, "GOV-013", "evaluate", {}, "cli:admin")
    access.create_key(estate.hub, "auditor", ["evidence:read"], "cli:admin")
    portfolio.create(estate.hub, "portfolio", {"name": "Core"}, "cli:admin")
    found = {row["action"]: row for row in entries(estate) if row["kind"] in ("decision", "change")}
    assert {action: row["kind"] for action, row in found.items()} == {
        "violation.acknowledged": "decision", "check.bound": "decision", "key.created": "change", "portfolio.created": "change",
    }  # fmt: skip
    taken = found["violation.acknowledged"]
    assert (taken["body"]["actor"], taken["body"]["detail"], taken["projects"]) == ("key:1f2e3d4c", {"note": "We are on it."}, [project])
    assert found["check.bound"]["projects"] == []
    assert found["check.bound"]["body"]["detail"]["after"]["mode"] == "evaluate"


def test_what_is_rolled_back_is_no_evidence(estate: Estate) -> None:
    project = estate.project("ERP", sponsor_id=None)

    def judged_and_lost() -> None:
        with estate.work.write() as session:
            governance.refresh(session, [project], estate.now)
            raise RuntimeError("the process dies here")

    with pytest.raises(RuntimeError):
        judged_and_lost()
    assert estate.rows(EvidencePending) == []


def test_no_name_of_a_person_is_in_the_log(estate: Estate) -> None:
    ada = estate.person("Ada Lovelace", is_active=False)
    project = estate.project("ERP", sponsor_id=ada, manager_id=ada)
    estate.item(project, "ERP-1", assignee_id=ada, title="Over")
    estate.synced(project)
    assert [row["body"]["result"] for row in of(estate, "evaluation", check_id="GOV-002")] == ["fail"]
    names = {row["name"] for row in estate.rows(Identity)}
    assert names == {"Ada Lovelace"}
    told = str(entries(estate))
    assert "Lovelace" not in told
