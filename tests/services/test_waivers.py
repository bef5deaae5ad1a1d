"""Waivers and deadlines: granted, told before and when they end, on both engines."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.services import checks, violations, waivers
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.store.models.governance import Event, Waiver
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.unit_of_work import Work
from tests.services.governed import NOON, Estate


@pytest.fixture
def estate(work: Work, tmp_path: Path) -> Estate:
    return Estate(work, tmp_path)


def broken(estate: Estate) -> str:
    """The id of a violation of severity high that stands."""
    estate.refresh(estate.project("ERP"))
    return str(estate.violation("GOV-001")["id"])


def tick(estate: Estate, *, days: int) -> None:
    """The clock goes on by so many days and then ticks."""
    estate.now += timedelta(days=days)
    waivers.tick(estate.hub)


def newest(estate: Estate, id: str) -> dict[str, Any]:
    rows = [row for row in estate.rows(Event) if row["subject_id"] == id]
    found: dict[str, Any] = max(rows, key=lambda row: int(row["sequence"]))["data"]
    return found


def test_a_waived_violation_is_shown_as_waived_and_stands_again_when_its_time_is_over(estate: Estate) -> None:
    id = broken(estate)
    until = NOON + timedelta(days=30)
    told = violations.accept(estate.hub, id, until, "Until go-live.", "key:ada")
    assert told.listed.violation.state == "waived"
    assert [(one.reason, one.until, one.granted_by, one.ended_at) for one in told.waivers] == [("Until go-live.", until, "key:ada", None)]
    assert violations.list_violations(estate.hub, violations.Wanted(states=("waived",)), None, None, 10)
    project = estate.violation("GOV-001")["project_id"]
    estate.refresh(project)
    assert estate.violation("GOV-001")["state"] == "waived", "the check goes on failing, and the waiver holds"
    heard = []
    for day in range(1, 33):
        before = len(estate.told(id))
        tick(estate, days=1)
        if len(estate.told(id)) > before:
            heard.append((day, newest(estate, id).get("days_left")))
    assert heard == [(16, 14), (27, 3), (30, None)]
    row = estate.violation("GOV-001")
    assert (row["state"], row["cause"], row["occurrences"]) == ("open", "waiver", 1)
    assert estate.told(id) == [
        "violation.opened", "violation.waived", "violation.waiver_expiring", "violation.waiver_expiring", "violation.waiver_expired",
    ]  # fmt: skip
    [kept] = violations.get_violation(estate.hub, id).waivers
    assert (kept.ended_as, kept.ended_at) == ("expired", until)


def test_a_waiver_can_be_revoked_and_what_passes_ends_it(estate: Estate) -> None:
    id = broken(estate)
    violations.accept(estate.hub, id, NOON + timedelta(days=9), "Soon.", "key:ada")
    told = violations.revoke_waiver(estate.hub, id, "key:bob")
    assert (told.listed.violation.state, told.waivers[0].ended_as, told.waivers[0].ended_by) == ("open", "revoked", "key:bob")
    with pytest.raises(Conflict, match="only a waived one"):
        violations.revoke_waiver(estate.hub, id, "key:bob")
    estate.now += timedelta(hours=1)
    violations.accept(estate.hub, id, NOON + timedelta(days=9), "Once more.", "key:ada")
    estate.project("ERP", sponsor_id=estate.person("Ada"))
    estate.synced(str(estate.violation("GOV-001")["project_id"]))
    assert estate.violation("GOV-001")["state"] == "resolved"
    assert {row["ended_as"] for row in estate.rows(Waiver)} == {"revoked", "over"}
    before = estate.told(id)
    tick(estate, days=20)
    assert estate.told(id) == before
    actions = {row["action"] for row in estate.rows(AuditEntry)}
    assert {"violation.waived", "violation.waiver_revoked"} <= actions


def test_a_waiver_needs_an_end_that_its_severity_allows(estate: Estate) -> None:
    id = broken(estate)
    for until in (NOON, NOON - timedelta(days=1), NOON + timedelta(days=90, seconds=1)):
        with pytest.raises(Invalid, match="within 90 days"):
            violations.accept(estate.hub, id, until, "Why not.", "key:ada")
    with pytest.raises(NotFound):
        violations.accept(estate.hub, "f" * 32, NOON + timedelta(days=1), "Why not.", "key:ada")
    violations.accept(estate.hub, id, NOON + timedelta(days=90), "Why not.", "key:ada")
    with pytest.raises(Conflict, match="is waived"):
        violations.accept(estate.hub, id, NOON + timedelta(days=90), "Again.", "key:ada")


def test_deadlines_run_out_once_each(estate: Estate) -> None:
    id = broken(estate)
    row = estate.violation("GOV-001")
    # A Monday noon; high: 5 weekdays to take note, 15 to resolve.
    assert (row["acknowledge_by"], row["resolve_by"]) == (NOON + timedelta(days=7), NOON + timedelta(days=21))
    tick(estate, days=6)
    assert estate.told(id) == ["violation.opened"]
    tick(estate, days=1)
    assert [newest(estate, id)[name] for name in ("clock", "due_at")] == ["acknowledge", (NOON + timedelta(days=7)).isoformat()]
    tick(estate, days=14)
    assert newest(estate, id)["clock"] == "resolve"
    before = estate.told(id)
    tick(estate, days=60)
    assert estate.told(id) == before
    assert before.count("violation.sla_breached") == 2


def test_who_took_note_in_time_is_asked_for_the_end_only(estate: Estate) -> None:
    id = broken(estate)
    violations.acknowledge(estate.hub, id, "Monday.", "key:ada")
    tick(estate, days=20)
    assert "violation.sla_breached" not in estate.told(id)
    tick(estate, days=2)
    assert newest(estate, id)["clock"] == "resolve"


def test_while_a_violation_is_waived_no_clock_runs_and_then_they_begin_anew(estate: Estate) -> None:
    id = broken(estate)
    violations.accept(estate.hub, id, NOON + timedelta(days=60), "Accepted.", "key:ada")
    tick(estate, days=59)
    assert "violation.sla_breached" not in estate.told(id)
    tick(estate, days=1)
    row = estate.violation("GOV-001")
    assert (row["state"], row["breach_at"]) == ("open", row["acknowledge_by"])
    assert row["acknowledge_by"] > estate.now


def test_of_a_check_on_trial_nobody_is_told(estate: Estate) -> None:
    checks.bind(estate.hub, "GOV-001", "evaluate", {}, "test")
    id = broken(estate)
    assert estate.violation("GOV-001")["breach_at"] is None
    violations.acknowledge(estate.hub, id, "Seen.", "key:ada")
    violations.accept(estate.hub, id, NOON + timedelta(days=20), "Accepted.", "key:ada")
    tick(estate, days=19)
    tick(estate, days=20)
    assert estate.violation("GOV-001")["state"] == "open"
    assert estate.told(id) == []
