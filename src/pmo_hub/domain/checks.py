"""The built-in checks that a project's settings, a connection and one issue tracker can answer, and what the rest of the library waits for.

Where a check looks at less than the library's definition, its title says so; the comment beside it says what is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType

from pmo_hub.domain.expressions import Scalar
from pmo_hub.domain.governance import Check, CheckTest, Methodology, Parameter, Result, Severity

_ALL = frozenset(Methodology)
_AGILE = frozenset({Methodology.AGILE, Methodology.HYBRID})
_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_ACTIVE = ("project.state", "active")


def _test(expect: Result, *given: tuple[str, bool | int | float | str | date | datetime | None]) -> CheckTest:
    return CheckTest(given, expect, now=_NOW)


GOV_001 = Check(
    id="GOV-001",
    title="No accountable sponsor",
    entity="project",
    domains=("governance",),
    methodologies=_ALL,
    severity=Severity.HIGH,
    fail_when='project.state == "active" && !project.has_sponsor',
    needs=("project.state",),
    message="the project is active and names no sponsor",
    remediation="Name the sponsor who answers for the business case in the project's settings.",
    evidence=("project.has_sponsor",),
    tests=(
        _test(Result.FAIL, _ACTIVE, ("project.has_sponsor", False)),
        _test(Result.PASS, _ACTIVE, ("project.has_sponsor", True)),
        _test(Result.PASS, ("project.state", "closed"), ("project.has_sponsor", False)),
        _test(Result.UNKNOWN, _ACTIVE),
    ),
)

GOV_002 = Check(
    id="GOV-002",
    title="No project manager or lead",
    entity="project",
    domains=("governance",),
    methodologies=_ALL,
    severity=Severity.HIGH,
    fail_when='project.state == "active" && (!project.has_manager || !project.manager_active)',
    needs=("project.state",),
    message="the project is active and has no manager with an active account (manager named: {project.has_manager})",
    remediation="Name a manager whose account is active in the project's settings.",
    evidence=("project.has_manager",),
    tests=(
        _test(Result.FAIL, _ACTIVE, ("project.has_manager", False)),
        _test(Result.FAIL, _ACTIVE, ("project.has_manager", True), ("project.manager_active", False)),
        _test(Result.PASS, _ACTIVE, ("project.has_manager", True), ("project.manager_active", True)),
        _test(Result.UNKNOWN, _ACTIVE, ("project.has_manager", True)),
    ),
)

GOV_004 = Check(
    id="GOV-004",
    title="Methodology not declared",
    entity="project",
    domains=("governance",),
    methodologies=_ALL,
    severity=Severity.LOW,
    fail_when='project.state == "active" && !has(project.methodology)',
    needs=("project.state",),
    message="the project declares no methodology, so no check can be left out for it",
    remediation="Declare agile, waterfall or hybrid in the project's settings.",
    evidence=("project.methodology",),
    tests=(
        _test(Result.FAIL, _ACTIVE, ("project.methodology", "")),
        _test(Result.PASS, _ACTIVE, ("project.methodology", "agile")),
        _test(Result.UNKNOWN, _ACTIVE),
    ),
)

GOV_013 = Check(
    id="GOV-013",
    title="Zombie project: active and silent",
    entity="project",
    domains=("governance",),
    methodologies=_ALL,
    severity=Severity.MEDIUM,
    parameters=(Parameter("silent_days", Scalar.INT, 30, 1, 365),),
    fail_when='project.state == "active" && now - project.last_activity_at > days(params.silent_days)',
    needs=("project.state",),
    message="nothing has changed since {project.last_activity_at}, more than {params.silent_days} days",
    remediation="Resume the project, put it on hold or close it.",
    evidence=("project.last_activity_at",),
    tests=(
        _test(Result.FAIL, _ACTIVE, ("project.last_activity_at", datetime(2026, 10, 24, 11, 59, tzinfo=UTC))),
        _test(Result.PASS, _ACTIVE, ("project.last_activity_at", datetime(2026, 10, 24, 12, tzinfo=UTC))),
        _test(Result.UNKNOWN, _ACTIVE),
    ),
)

# A re-forecast moves the due date, so a milestone that was re-forecast isn't past it. Release dates are not read yet.
SCH_003 = Check(
    id="SCH-003",
    title="Milestone overdue, not re-forecast",
    entity="milestone",
    domains=("schedule",),
    methodologies=_ALL,
    severity=Severity.HIGH,
    parameters=(Parameter("grace_days", Scalar.INT, 3, 0, 60),),
    fail_when="!milestone.done && milestone.due < now - days(params.grace_days)",
    message="{milestone.key} ({milestone.name}) was due {milestone.due}, more than {params.grace_days} days ago",
    remediation="Re-forecast the milestone in its source, or raise an exception report.",
    evidence=("milestone.due", "milestone.done"),
    tests=(
        _test(Result.FAIL, ("milestone.done", False), ("milestone.due", date(2026, 11, 19))),
        _test(Result.PASS, ("milestone.done", False), ("milestone.due", date(2026, 11, 20))),
        _test(Result.PASS, ("milestone.done", True)),
        _test(Result.UNKNOWN, ("milestone.done", False)),
        CheckTest((("milestone.done", False), ("milestone.due", date(2026, 11, 20))), Result.FAIL, (("grace_days", 2),), _NOW),
    ),
)

# "Forecast in the past" is left to the overdue measures: an open item past its date is late, not invalid.
SCH_011 = Check(
    id="SCH-011",
    title="Invalid dates",
    entity="project",
    domains=("schedule",),
    methodologies=_ALL,
    severity=Severity.MEDIUM,
    fail_when="project.invalid_date_count > 0",
    message="{project.invalid_date_count} items start after they are due, end before they start, or are dated in the future",
    remediation="Correct the dates in the source; its clock, if they lie in the future.",
    evidence=("project.invalid_date_count",),
    tests=(
        _test(Result.FAIL, ("project.invalid_date_count", 1)),
        _test(Result.PASS, ("project.invalid_date_count", 0)),
        _test(Result.UNKNOWN),
    ),
)

AGL_003 = Check(
    id="AGL-003",
    title="Ageing work in progress",
    entity="project",
    domains=("schedule",),
    methodologies=_AGILE,
    severity=Severity.MEDIUM,
    parameters=(Parameter("allowed", Scalar.INT, 0, 0, 100),),
    fail_when="project.ageing_wip_count > params.allowed",
    message="{project.ageing_wip_count} items are in progress for longer than 85 % of their kind took",
    remediation="Finish, split or stop the oldest items before starting new ones.",
    evidence=("project.ageing_wip_count",),
    tests=(
        _test(Result.FAIL, ("project.ageing_wip_count", 1)),
        _test(Result.PASS, ("project.ageing_wip_count", 0)),
        _test(Result.UNKNOWN),
        _test(Result.NOT_APPLICABLE, ("project.methodology", "waterfall"), ("project.ageing_wip_count", 9)),
    ),
)

# The half of AGL-004 that needs no board limits, for the running iteration: which items the next one holds is not read yet.
AGL_004 = Check(
    id="AGL-004",
    title="Iteration work without an estimate",
    entity="project",
    domains=("schedule",),
    methodologies=_AGILE,
    severity=Severity.LOW,
    parameters=(Parameter("allowed_share", Scalar.DOUBLE, 0.2, 0, 1),),
    fail_when="project.iteration_unestimated_share > params.allowed_share",
    message="a share of {project.iteration_unestimated_share} of the running iteration's open items has neither points nor hours",
    remediation="Estimate the items, or take them out of the iteration.",
    evidence=("project.iteration_unestimated_share",),
    tests=(
        _test(Result.FAIL, ("project.iteration_unestimated_share", 0.21)),
        _test(Result.PASS, ("project.iteration_unestimated_share", 0.2)),
        _test(Result.UNKNOWN),
        _test(Result.NOT_APPLICABLE, ("project.methodology", "waterfall")),
    ),
)

DQ_002 = Check(
    id="DQ-002",
    title="Sync stale or shrinking",
    entity="project",
    domains=("governance",),
    methodologies=_ALL,
    severity=Severity.CRITICAL,
    fail_when="project.sync_stale || !project.data_complete",
    message="last successful sync: {project.synced_at}; the last run was complete: {project.data_complete}",
    remediation="Read the connection's last error, correct it and sync again; confirm a shrinking source at the census brake.",
    evidence=("project.sync_stale", "project.data_complete"),
    tests=(
        _test(Result.FAIL, ("project.sync_stale", True)),
        _test(Result.FAIL, ("project.data_complete", False)),
        _test(Result.PASS, ("project.sync_stale", False), ("project.data_complete", True)),
        _test(Result.UNKNOWN, ("project.sync_stale", False)),
    ),
)

DQ_003 = Check(
    id="DQ-003",
    title="Unmapped statuses or people",
    entity="project",
    domains=("governance",),
    methodologies=_ALL,
    severity=Severity.MEDIUM,
    parameters=(Parameter("allowed_share", Scalar.DOUBLE, 0.02, 0, 1),),
    fail_when="project.unmapped_share > params.allowed_share || project.unknown_people_share > params.allowed_share",
    message="unmapped: {project.unmapped_share} of the items, {project.unknown_people_share} of the people; allowed {params.allowed_share}",
    remediation="Map the statuses and types that the connection lists as unmapped, and link the accounts to people.",
    evidence=("project.unmapped_share", "project.unknown_people_share"),
    tests=(
        _test(Result.FAIL, ("project.unmapped_share", 0.03)),
        _test(Result.PASS, ("project.unmapped_share", 0.02), ("project.unknown_people_share", 0.0)),
        _test(Result.UNKNOWN, ("project.unmapped_share", 0.0)),
    ),
)

DQ_004 = Check(
    id="DQ-004",
    title="Credential expires soon",
    entity="connection",
    domains=("governance",),
    methodologies=_ALL,
    severity=Severity.HIGH,
    parameters=(Parameter("warn_days", Scalar.INT, 14, 1, 90),),
    fail_when="connection.credential_expires_at < now + days(params.warn_days)",
    message="the credential ends at {connection.credential_expires_at}, in less than {params.warn_days} days",
    remediation="Create a new credential at the source and save it in the connection; nothing is read once this one has ended.",
    evidence=("connection.credential_expires_at",),
    tests=(
        _test(Result.FAIL, ("connection.credential_expires_at", datetime(2026, 12, 7, 11, 59, tzinfo=UTC))),
        _test(Result.PASS, ("connection.credential_expires_at", datetime(2026, 12, 7, 12, tzinfo=UTC))),
        _test(Result.UNKNOWN),
    ),
)

BUILT_IN: tuple[Check, ...] = (GOV_001, GOV_002, GOV_004, GOV_013, SCH_003, SCH_011, AGL_003, AGL_004, DQ_002, DQ_003, DQ_004)
BEYOND = ("DQ-004",)
"""Checks of the hub's own hygiene that the library doesn't have."""
CHECKS: Mapping[str, Check] = MappingProxyType({check.id: check for check in BUILT_IN})

WAITING: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "objectives, gates, reviews and status reports": (
            "GOV-003",
            "GOV-005",
            "GOV-006",
            "GOV-007",
            "GOV-008",
            "GOV-009",
            "BEN-001",
            "BEN-002",
        ),
        "tolerances, changes and who may see a source": ("GOV-010", "GOV-012", "GOV-014"),
        "baselines and forecasts": ("GOV-011", "SCH-001", "SCH-002", "SCH-005"),
        "the history of due dates": ("SCH-004",),
        "the dependency graph with its calendar": (
            "SCH-006",
            "SCH-007",
            "SCH-008",
            "SCH-009",
            "SCH-010",
            "SCH-012",
            "SCH-013",
            "SCH-014",
            "RES-002",
        ),
        "budgets and actual cost": ("FIN-001", "FIN-002", "FIN-003", "FIN-004", "FIN-005", "FIN-006", "FIN-007"),
        "the registers: probability, impact, responses, actions": ("RSK-001", "RSK-002", "RSK-003", "RSK-004", "RSK-005", "ISS-001"),
        "allocations and capacity": ("RES-001",),
        "the commitment of an iteration when it began": ("AGL-001", "AGL-002"),
        "the data-quality score": ("DQ-001",),
    }
)
"""What the other checks of the library need first."""
