"""Work that was logged on an item."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, page_of, position
from pmo_hub.api.schemas.worklogs import WorklogPage, WorklogView
from pmo_hub.services import worklogs

router = APIRouter(prefix="/work-items", tags=["work items"], dependencies=[Depends(allow("work_items:read"))])


@router.get("/{work_item_id}/worklogs")
def list_work_item_worklogs(hub: HubDep, work_item_id: str, limit: Limit = 50, cursor: Cursor = None) -> WorklogPage:
    """What was logged on the item, the newest work first, and the hours that it adds up to."""
    filters = {"id": work_item_id, "of": "worklogs"}
    at = position(filters, cursor)
    after = None if at is None else (None if at.sort is None else at.instant, at.id)
    found, total = worklogs.page(hub, work_item_id, after, limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.started_at, one.id))
    items = [WorklogView.model_validate(one) for one in kept]
    return WorklogPage(items=items, next_cursor=following, count=total.count, hours=total.hours)
