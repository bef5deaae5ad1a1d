"""The check library: what is asked, with which parameters, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.governance import (
    BindingWanted,
    CheckList,
    CheckView,
    EvaluationList,
    EvaluationView,
    ParameterView,
    ResultName,
)
from pmo_hub.services import checks
from pmo_hub.services.access import Caller
from pmo_hub.services.checks import BoundCheck

router = APIRouter(tags=["checks"])

Reader = Annotated[Caller, Depends(allow("checks:read"))]
Writer = Annotated[Caller, Depends(allow("checks:write"))]


@router.get("/checks")
def list_checks(hub: HubDep, _: Reader) -> CheckList:
    """Every check of the library, with its binding and how many entities have which result."""
    return CheckList(items=[_view(found) for found in checks.list_checks(hub)])


@router.get("/checks/{check_id}")
def get_check(hub: HubDep, _: Reader, check_id: str) -> CheckView:
    """One check with its binding and counts."""
    return _view(checks.get_check(hub, check_id))


@router.get("/checks/{check_id}/evaluations")
def list_check_evaluations(
    hub: HubDep,
    _: Reader,
    check_id: str,
    result: ResultName | None = None,
    project: Annotated[str | None, Query(max_length=32, description="id of a project")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EvaluationView]:
    """The newest result of the check on each entity, with evidence."""
    filters = {"check": check_id, "result": result, "project": project}
    at = position(filters, cursor)
    found = checks.list_evaluations(hub, check_id, result, project, None if at is None else at.id, limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (None, one.id))
    return Page(items=[EvaluationView.model_validate(one) for one in kept], next_cursor=following)


@router.put("/checks/{check_id}/binding")
def bind_check(hub: HubDep, caller: Writer, check_id: str, body: BindingWanted) -> CheckView:
    """Set a check's mode and parameters; everything is judged by them before the answer comes."""
    return _view(checks.bind(hub, check_id, body.mode, body.parameters, caller.actor))


@router.post("/projects/{project_id}/evaluate")
def evaluate_project(hub: HubDep, _: Writer, project_id: str) -> EvaluationList:
    """Measure a project and ask every check of it at once, without waiting for the next sync."""
    return EvaluationList(items=[EvaluationView.model_validate(one) for one in checks.evaluate_project(hub, project_id)])


def _view(found: BoundCheck) -> CheckView:
    check = found.check
    return CheckView.model_validate(
        {
            "id": check.id,
            "title": check.title,
            "entity": found.entity,
            "domains": check.domains,
            "methodologies": sorted(one.value for one in check.methodologies),
            "severity": check.severity.value,
            "fail_when": check.fail_when,
            "needs": check.needs,
            "message": check.message,
            "remediation": check.remediation,
            "version": check.version,
            "mode": found.mode.value,
            "is_default": found.is_default,
            "parameters": [
                ParameterView(
                    name=one.name, type=str(one.type), default=one.default, value=found.parameters[one.name], minimum=one.minimum,
                    maximum=one.maximum,
                )
                for one in check.parameters
            ],
            "counts": found.counts,
        }
    )  # fmt: skip
