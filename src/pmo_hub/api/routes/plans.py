"""What planning tools say: schedules of items, plans of projects with their baselines, assignments and earned value, calendars."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import AsOf, HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Position, page_of, position
from pmo_hub.api.schemas.calendars import CalendarView, calendar_view
from pmo_hub.api.schemas.plans import (
    AssignmentPage,
    BaselinePage,
    EarnedValueList,
    ItemScheduleView,
    PlanList,
    earned_value_list,
    item_schedule_view,
    plan_list,
    project_assignment_view,
    project_baseline_view,
)
from pmo_hub.services import plans

router = APIRouter(tags=["plans"])

READS_ITEMS = [Depends(allow("work_items:read"))]
READS_PROJECTS = [Depends(allow("projects:read"))]


@router.get("/work-items/{work_item_id}/schedule", dependencies=READS_ITEMS)
def get_work_item_schedule(hub: HubDep, work_item_id: str, as_of: AsOf) -> ItemScheduleView:
    """What the scheduling tool says of an item: dates, float, cost, baselines, who works on it, and its earned value."""
    return item_schedule_view(plans.item_schedule(hub, work_item_id, as_of), as_of)


@router.get("/projects/{project_id}/plans", dependencies=READS_PROJECTS)
def list_project_plans(hub: HubDep, project_id: str, as_of: AsOf) -> PlanList:
    """The plans that feed a project, with status date, currency, calendar and their way through the stages."""
    return plan_list(plans.project_plans(hub, project_id, as_of), as_of)


@router.get("/projects/{project_id}/baselines", dependencies=READS_ITEMS)
def list_project_baselines(
    hub: HubDep,
    project_id: str,
    as_of: AsOf,
    number: Annotated[int | None, Query(ge=0, le=10, description="of the baselines 0 to 10; 0 is the current one")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> BaselinePage:
    """Baselines of a project's items, by the items' keys."""
    filters = {"project": project_id, "of": "baselines", "number": number, "as_of": as_of}
    found = plans.project_baselines(hub, project_id, number, _after(position(filters, cursor)), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda one: (one.key, one.baseline.id))
    return BaselinePage(items=[project_baseline_view(one) for one in kept], next_cursor=following, as_of=as_of)


@router.get("/projects/{project_id}/assignments", dependencies=READS_ITEMS)
def list_project_assignments(
    hub: HubDep,
    project_id: str,
    as_of: AsOf,
    resource: Annotated[str | None, Query(max_length=32, description="a resource's id")] = None,
    person: Annotated[str | None, Query(max_length=320, description="an identity's or a person's id, or an e-mail address")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AssignmentPage:
    """Who and what works on a project's items, by the items' keys; `person` finds all accounts of one human."""
    filters = {"project": project_id, "of": "assignments", "resource": resource, "person": person, "as_of": as_of}
    found = plans.project_assignments(hub, project_id, resource, person, _after(position(filters, cursor)), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda one: (one.key, one.assigned.assignment.id))
    return AssignmentPage(items=[project_assignment_view(one) for one in kept], next_cursor=following, as_of=as_of)


@router.get("/projects/{project_id}/earned-value", dependencies=READS_PROJECTS)
def list_project_earned_value(hub: HubDep, project_id: str, as_of: AsOf) -> EarnedValueList:
    """Earned value as the sources computed it of the project's plans, each with its status date and what follows from it."""
    return earned_value_list(plans.project_earned_value(hub, project_id, as_of), as_of)


@router.get("/calendars/{calendar_id}", dependencies=READS_ITEMS)
def get_calendar(hub: HubDep, calendar_id: str, as_of: AsOf) -> CalendarView:
    """A calendar's working week and its exceptions, with those that it inherits."""
    return calendar_view(plans.calendar(hub, calendar_id, as_of), as_of)


def _after(at: Position | None) -> tuple[str, str] | None:
    return None if at is None else (str(at.sort), at.id)
