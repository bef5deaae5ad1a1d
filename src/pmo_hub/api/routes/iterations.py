"""Iterations: what they promised when they started, and what they delivered."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.iterations import (
    DetailedIterationView,
    IterationStateName,
    ListedIterationView,
    detailed_iteration,
    listed_iteration,
)
from pmo_hub.services import iterations

router = APIRouter(prefix="/iterations", tags=["iterations"], dependencies=[Depends(allow("work_items:read"))])


@router.get("")
def list_iterations(
    hub: HubDep,
    project: Annotated[str | None, Query(max_length=32, description="those that items of the project are or were in")] = None,
    state: IterationStateName | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ListedIterationView]:
    """Iterations with their commitment in figures, the last to start first, those without a start at the end."""
    filters = {"project": project, "state": state}
    at = position(filters, cursor)
    after = None if at is None else (None if at.sort is None else at.instant, at.id)
    found = iterations.page(hub, project, state, after, limit + 1)
    kept, following = page_of(found, limit, filters, lambda told: (told.iteration.starts_at, told.iteration.id))
    return Page(items=[listed_iteration(told) for told in kept], next_cursor=following)


@router.get("/{iteration_id}")
def get_iteration(hub: HubDep, iteration_id: str) -> DetailedIterationView:
    """An iteration, its commitment, and the part of each item in it."""
    return detailed_iteration(iterations.get(hub, iteration_id))
