"""The check library as it runs here: what each check asks, how it is bound, what it found; binding it anew, asking it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pmo_hub.domain.checks import BUILT_IN, CHECKS
from pmo_hub.domain.governance import BindingInvalid, Check, Mode, ParameterValue, resolve_parameters
from pmo_hub.domain.violations import Cause
from pmo_hub.services import audit, governance
from pmo_hub.services.errors import Fault, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections, freshness
from pmo_hub.store.repositories import governance as results
from pmo_hub.store.repositories.governance import KeptBinding, KeptEvaluation
from pmo_hub.store.unit_of_work import Session

MODES = (Mode.DISABLED, Mode.EVALUATE, Mode.ACTIVE)
"""What a check may be bound to; nothing is blocked by a check until there are gates."""

PROJECTS_AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """A check with its binding; `counts` are entities by result."""

    check: Check
    entity: str
    mode: Mode
    parameters: Mapping[str, ParameterValue]
    is_default: bool
    counts: Mapping[str, int]


def list_checks(hub: Hub) -> list[BoundCheck]:
    """Every built-in check, in the library's order."""
    with hub.work.read() as session:
        bindings, counts = results.bindings(session), results.counts(session)
    return [_bound(check, bindings.get(check.id), counts.get(check.id, {})) for check in BUILT_IN]


def get_check(hub: Hub, check_id: str) -> BoundCheck:
    """One check; raises NotFound."""
    check = _check(check_id)
    with hub.work.read() as session:
        return _bound(check, results.bindings(session).get(check_id), results.counts(session).get(check_id, {}))


def list_evaluations(
    hub: Hub, check_id: str, result: str | None, project_id: str | None, after: str | None, limit: int
) -> list[KeptEvaluation]:
    """The newest results of a check in the order of their ids, those after that one; raises NotFound."""
    _check(check_id)
    with hub.work.read() as session:
        return results.evaluations_page(session, check_id, result, project_id, after, limit)


def bind(hub: Hub, check_id: str, mode: str, parameters: Mapping[str, Any], actor: str) -> BoundCheck:
    """The check runs in this mode with these parameters from now on, and everything was judged by them; raises NotFound, Invalid.

    `parameters` are those that deviate from the defaults.
    """
    check = _check(check_id)
    _validate(check, mode, parameters)
    now = hub.now()
    with hub.work.write() as session:
        before = results.bindings(session).get(check_id)
        results.save_binding(session, check_id, mode, parameters, now)
        detail = {
            "before": None if before is None else {"mode": before.mode, "parameters": dict(before.parameters)},
            "after": {"mode": mode, "parameters": dict(parameters)},
        }
        audit.record(session, actor, "check.bound", "check", check_id, detail, now)
        same_mode = mode == (Mode.ACTIVE.value if before is None else before.mode)
        _ask_again(session, check_id, now, Cause.PARAM_CHANGE if same_mode else Cause.POLICY_CHANGE)
    return get_check(hub, check_id)


def evaluate_project(hub: Hub, project_id: str) -> list[KeptEvaluation]:
    """A project is measured and judged at once; returns all of its results. Raises NotFound."""
    with hub.work.write() as session:
        if freshness.head(session, project_id) is None:
            raise NotFound("project", project_id)
        governance.refresh(session, [project_id], hub.now())
        return results.evaluations_of(session, project_id)


def _ask_again(session: Session, check_id: str, now: datetime, cause: Cause) -> None:
    if check_id in governance.CONNECTION_CHECKS:
        for connection in connections.everyone(session):
            governance.refresh_connection(session, connection.id, now, cause.value)
        return
    projects = freshness.every_project(session)
    for start in range(0, len(projects), PROJECTS_AT_A_TIME):
        governance.judge_again(session, projects[start : start + PROJECTS_AT_A_TIME], check_id, now, cause)


def _check(check_id: str) -> Check:
    if check_id not in CHECKS:
        raise NotFound("check", check_id)
    return CHECKS[check_id]


def _validate(check: Check, mode: str, parameters: Mapping[str, Any]) -> None:
    faults = []
    if mode not in MODES:
        faults.append(Fault("/mode", f"A check's mode is one of {', '.join(one.value for one in MODES)}."))
    for name, value in parameters.items():
        try:
            resolve_parameters(check, {name: value})
        except BindingInvalid as error:
            step = name.replace("~", "~0").replace("/", "~1")
            faults.append(Fault(f"/parameters/{step}", f"{error}."))
    if faults:
        raise Invalid.of(faults)


def _bound(check: Check, binding: KeptBinding | None, counts: Mapping[str, int]) -> BoundCheck:
    return BoundCheck(
        check=check,
        entity="connection" if check.id in governance.CONNECTION_CHECKS else check.entity,
        mode=Mode.ACTIVE if binding is None else Mode(binding.mode),
        parameters=resolve_parameters(check, {} if binding is None else binding.parameters),
        is_default=binding is None,
        counts=counts,
    )
