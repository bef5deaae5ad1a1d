"""What syncs did and are doing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.sync_runs import RunState, SyncRunDetail, SyncRunView
from pmo_hub.services import runs

router = APIRouter(prefix="/sync-runs", tags=["sync runs"], dependencies=[Depends(allow("sync_runs:read"))])


@router.get("")
def list_sync_runs(
    hub: HubDep,
    connection_id: Annotated[str | None, Query(max_length=32)] = None,
    state: RunState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SyncRunView]:
    """Runs, the newest first."""
    filters = {"connection_id": connection_id, "state": state}
    at = position(filters, cursor)
    found = runs.page(hub, connection_id, state, None if at is None else (at.instant, at.id), limit + 1)
    kept, following = page_of(found, limit, filters, lambda run: (run.started_at, run.id))
    return Page(items=[SyncRunView.model_validate(run) for run in kept], next_cursor=following)


@router.get("/{run_id}")
def get_sync_run(hub: HubDep, run_id: str) -> SyncRunDetail:
    """A run: what it fetched, what it expected, by partition and kind, and how long it will still take."""
    found = SyncRunView.model_validate(runs.get(hub, run_id)).model_dump()
    return SyncRunDetail.model_validate(found | {"parts": runs.parts(hub, run_id)})
