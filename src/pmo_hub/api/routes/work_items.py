"""Work items: listed by filters, told one by one, with what the source recorded and what the hub did."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from pmo_hub.api.conditional import IfNoneMatch, etag, stop_if_held
from pmo_hub.api.deps import AsOf, HubDep, allow, instant
from pmo_hub.api.errors import BadRequest
from pmo_hub.api.pagination import Cursor, Limit, Page, Position, page_of, position
from pmo_hub.api.schemas.work_items import (
    RecordedVersionView,
    TransitionView,
    WorkItemPage,
    WorkItemView,
    listed_view,
    transition_view,
    version_view,
    work_item_view,
)
from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.services import work_items
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories.work_items import Filter, Order

router = APIRouter(prefix="/work-items", tags=["work items"], dependencies=[Depends(allow("work_items:read"))])

Sort = Literal["-updated_at", "updated_at", "due", "-due", "priority", "-priority", "key", "-key"]


@router.get("")
def list_work_items(
    hub: HubDep,
    as_of: AsOf,
    project: Annotated[str | None, Query(max_length=32)] = None,
    scope: Annotated[str | None, Query(max_length=32)] = None,
    connection: Annotated[str | None, Query(max_length=32)] = None,
    kind: Kind | None = None,
    status_category: StatusCategory | None = None,
    assignee: Annotated[str | None, Query(max_length=320, description="an identity's id or an e-mail address")] = None,
    key: Annotated[str | None, Query(max_length=255)] = None,
    updated_since: Annotated[str | None, Query(max_length=64, json_schema_extra={"format": "date-time"})] = None,
    due_before: date | None = None,
    overdue: Annotated[bool, Query(description="only what is open and was due before today (UTC)")] = False,
    counts: bool | None = None,
    q: Annotated[str | None, Query(min_length=2, max_length=100, description="a part of the title")] = None,
    sort: Annotated[Sort, Query(description="with - the highest first; what has no value comes last")] = "-updated_at",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> WorkItemPage:
    """Work items that pass all the filters.

    With `as_of`, what the hub knew then; for an instant before it knew a scope, its items are reconstructed from the source's own record.
    """
    since = None if updated_since is None else instant(updated_since, "updated_since")
    filters = {
        "project": project, "scope": scope, "connection": connection, "kind": kind, "status_category": status_category,
        "assignee": assignee, "key": key, "updated_since": since, "due_before": due_before, "overdue": overdue, "counts": counts, "q": q,
        "sort": sort, "as_of": as_of,
    }  # fmt: skip
    order = Order(sort.removeprefix("-"), sort.startswith("-"))
    by = Filter(
        project_id=project,
        kind=kind,
        status_category=status_category,
        key=key,
        updated_since=since,
        due_before=due_before,
        counts=counts,
        q=q,
    )
    query = work_items.Query(by, connection, scope, assignee, overdue)
    after = _after(position(filters, cursor), order.column)
    found = work_items.page(hub, query, order, after, limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda item: (_text(getattr(item, order.column)), item.id))
    return WorkItemPage(items=[listed_view(item) for item in kept], next_cursor=following, as_of=as_of)


@router.get("/{work_item_id}", response_model=WorkItemView)
def get_work_item(hub: HubDep, work_item_id: str, as_of: AsOf, if_none_match: IfNoneMatch = None) -> Response:
    """A work item and what surrounds it; 410 with the reason for one that its source no longer has."""
    return work_item_answer(hub, work_item_id, if_none_match, as_of)


def work_item_answer(hub: Hub, work_item_id: str, if_none_match: str | None, as_of: datetime | None = None) -> Response:
    """The answer of `get_work_item`, of the model that it declares and written out once: the framework would do that a second time."""
    body = work_item_view(work_items.get(hub, work_item_id, as_of), as_of).model_dump_json().encode()
    tag = etag(body)
    stop_if_held(if_none_match, tag)
    return Response(body, media_type="application/json", headers={"ETag": tag, "Cache-Control": "private"})


@router.get("/{work_item_id}/transitions")
def list_work_item_transitions(hub: HubDep, work_item_id: str, limit: Limit = 50, cursor: Cursor = None) -> Page[TransitionView]:
    """What the source recorded about the item, the newest first."""
    filters = {"id": work_item_id}
    at = position(filters, cursor)
    found = work_items.transitions(hub, work_item_id, None if at is None else (at.instant, at.id), limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.at, one.id))
    return Page(items=[transition_view(one) for one in kept], next_cursor=following)


@router.get("/{work_item_id}/history")
def list_work_item_history(hub: HubDep, work_item_id: str, limit: Limit = 50, cursor: Cursor = None) -> Page[RecordedVersionView]:
    """The versions of the item that the hub recorded, the newest first; also of one that ended."""
    filters = {"id": work_item_id, "of": "history"}
    at = position(filters, cursor)
    found = work_items.history(hub, work_item_id, None if at is None else at.instant, limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.recorded_from, work_item_id))
    return Page(items=[version_view(one) for one in kept], next_cursor=following)


def _text(value: Any) -> str | int | datetime | None:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _after(at: Position | None, column: str) -> tuple[Any, str] | None:
    """The cursor's place as values of that column; raises BadRequest for one that this list did not make."""
    if at is None or at.sort is None:
        return None if at is None else (None, at.id)
    if column == "updated_at":
        return at.instant, at.id
    if column == "due":
        try:
            return date.fromisoformat(str(at.sort)), at.id
        except ValueError:
            raise BadRequest("cursor", "The cursor is not one that this endpoint made: start again without it.") from None
    return (int(at.sort) if column == "priority" and isinstance(at.sort, int | float) else str(at.sort)), at.id
