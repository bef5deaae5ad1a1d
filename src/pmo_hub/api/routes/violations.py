"""Violations: broken checks, listed, shown, acknowledged, and accepted for a while."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import HubDep, allow, instant
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.governance import (
    Acknowledgement,
    SeverityName,
    StateName,
    TransitionView,
    ViolationDetail,
    ViolationView,
    WaiverView,
    WaiverWanted,
)
from pmo_hub.domain.checks import CHECKS
from pmo_hub.services import violations
from pmo_hub.services.access import Caller
from pmo_hub.services.violations import Listed, Told, Wanted

router = APIRouter(prefix="/violations", tags=["violations"])

Reader = Annotated[Caller, Depends(allow("violations:read"))]
Writer = Annotated[Caller, Depends(allow("violations:write"))]
Id = Annotated[str | None, Query(max_length=32)]


@router.get("")
def list_violations(
    hub: HubDep,
    _: Reader,
    state: Annotated[list[StateName] | None, Query(description="may be given several times")] = None,
    severity: Annotated[list[SeverityName] | None, Query(description="may be given several times")] = None,
    mode: Annotated[
        Literal["active", "evaluate", "all"], Query(description="evaluate: of checks that run on trial, of which nobody was told")
    ] = "active",
    check: Annotated[str | None, Query(max_length=32, description="id of a check", examples=["GOV-001"])] = None,
    project: Id = None,
    portfolio: Annotated[str | None, Query(max_length=32, description="id of a portfolio or program")] = None,
    entity: Id = None,
    since: Annotated[
        str | None,
        Query(max_length=64, description="changed at or after this instant (RFC 3339)", json_schema_extra={"format": "date-time"}),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ViolationView]:
    """Violations, the newest first."""
    filters = {
        "state": state, "severity": severity, "mode": mode, "check": check, "project": project, "portfolio": portfolio,
        "entity": entity, "since": since,
    }  # fmt: skip
    at = position(filters, cursor)
    wanted = Wanted(
        states=tuple(state or ()),
        severities=tuple(severity or ()),
        mode=None if mode == "all" else mode,
        check_id=check,
        project_id=project,
        entity_id=entity,
        since=None if since is None else instant(since, "since"),
    )
    after = None if at is None else (at.instant, at.id)
    found = violations.list_violations(hub, wanted, portfolio, after, limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.violation.opened_at, one.violation.id))
    return Page(items=[ViolationView.model_validate(_values(one)) for one in kept], next_cursor=following)


@router.get("/{violation_id}")
def get_violation(hub: HubDep, _: Reader, violation_id: str) -> ViolationDetail:
    """A violation with its evidence and what happened to it."""
    return _detail(violations.get_violation(hub, violation_id))


@router.post("/{violation_id}/acknowledge")
def acknowledge_violation(hub: HubDep, caller: Writer, violation_id: str, body: Acknowledgement) -> ViolationDetail:
    """Take note of an open violation; it stays until the check passes."""
    return _detail(violations.acknowledge(hub, violation_id, body.note, caller.actor))


@router.post("/{violation_id}/waive")
def waive_violation(hub: HubDep, caller: Writer, violation_id: str, body: WaiverWanted) -> ViolationDetail:
    """Accept a violation until an instant; it is told when that comes near, and stands again when it has come."""
    return _detail(violations.accept(hub, violation_id, body.until, body.reason, caller.actor))


@router.post("/{violation_id}/revoke-waiver")
def revoke_waiver(hub: HubDep, caller: Writer, violation_id: str) -> ViolationDetail:
    """Let a waived violation stand again."""
    return _detail(violations.revoke_waiver(hub, violation_id, caller.actor))


def _detail(told: Told) -> ViolationDetail:
    transitions = [TransitionView.model_validate(one) for one in told.transitions]
    waivers = [WaiverView.model_validate(one) for one in told.waivers]
    return ViolationDetail.model_validate(_values(told.listed) | {"transitions": transitions, "waivers": waivers})


def _values(found: Listed) -> dict[str, object]:
    row = found.violation
    check = CHECKS.get(row.check_id)
    title = row.check_id if check is None else check.title
    values: dict[str, object] = {name: getattr(row, name) for name in ViolationView.model_fields if name not in _ADDED}
    return values | {"check_title": title, "entity_name": found.entity_name}


_ADDED = frozenset({"check_title", "entity_name"})
