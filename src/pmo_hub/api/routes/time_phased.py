"""Work and cost of a project over time, as its plans tell them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import AsOf, HubDep, allow
from pmo_hub.api.errors import BadRequest
from pmo_hub.api.schemas.time_phased import TimePhasedView, time_phased_view
from pmo_hub.domain.time_phased import Step
from pmo_hub.services.time_phased import time_phased

router = APIRouter(tags=["plans"])

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


@router.get("/projects/{project_id}/time-phased", dependencies=[Depends(allow("projects:read"))])
def get_project_time_phased(
    hub: HubDep,
    project_id: str,
    as_of: AsOf,
    first: Annotated[
        date | None, Query(alias="from", description="the first day; without it the first that has an amount", examples=["2026-06-01"])
    ] = None,
    last: Annotated[date | None, Query(alias="to", description="the last day; without it the last that has an amount")] = None,
    by: Annotated[Step, Query(description="in periods of a day, a week or a month")] = Step.WEEK,
    baseline: Annotated[int, Query(ge=0, le=10, description="which of the baselines 0 to 10; 0 is the current one")] = 0,
) -> TimePhasedView:
    """Planned, actual and baseline work and cost of a project over time, in periods and cumulatively; null is unknown, never zero."""
    for name, day in (("from", first), ("to", last)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise BadRequest(name, f"{name} must be a day from {FIRST_DAY} to {LAST_DAY}.")
    if first is not None and last is not None and last < first:
        raise BadRequest("to", "to must not be before from.")
    return time_phased_view(time_phased(hub, project_id, first, last, by, baseline, as_of), by, baseline, as_of)
