"""One piece of work in several tools: counted once, reversibly; and whom a project believes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.same_as import (
    ConflictList,
    ConflictView,
    PrecedenceBody,
    PrecedenceView,
    SameAsRuleList,
    SameAsRuleView,
    SameAsRuleWanted,
    SameAsView,
    SameAsWanted,
)
from pmo_hub.services import same_as
from pmo_hub.services.access import Caller

router = APIRouter(tags=["across tools"])

Reader = Annotated[Caller, Depends(allow("projects:read"))]
Writer = Annotated[Caller, Depends(allow("projects:write"))]


@router.get("/same-as")
def list_same_as(
    hub: HubDep, _: Reader, item_id: Annotated[str | None, Query(max_length=32)] = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[SameAsView]:
    """Items that are one piece of work, by hand or by rule."""
    filters = {"item_id": item_id}
    at = position(filters, cursor)
    found = same_as.page(hub, item_id, None if at is None else at.id, limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.id, one.id))
    return Page(items=[SameAsView.model_validate(one) for one in kept], next_cursor=following)


@router.post("/same-as", status_code=201)
def add_same_as(hub: HubDep, caller: Writer, body: SameAsWanted) -> SameAsView:
    """The two are one piece of work: the duplicate counts in no measure any more."""
    return SameAsView.model_validate(same_as.add(hub, body.item_id, body.duplicate_id, caller.actor))


@router.delete("/same-as/{same_as_id}", status_code=204)
def remove_same_as(hub: HubDep, caller: Writer, same_as_id: str) -> None:
    """The two are two pieces of work again, also for a rule that had found them."""
    same_as.remove(hub, same_as_id, caller.actor)


@router.get("/same-as-rules")
def list_same_as_rules(hub: HubDep, _: Reader) -> SameAsRuleList:
    """By which rules items of two connections are one piece of work."""
    return SameAsRuleList(items=[SameAsRuleView.model_validate(one) for one in same_as.rules(hub)])


@router.post("/same-as-rules", status_code=201)
def add_same_as_rule(hub: HubDep, caller: Writer, body: SameAsRuleWanted) -> SameAsRuleView:
    """Find items that are one piece of work by a key that one of them holds; now, and after every sync."""
    made = same_as.add_rule(hub, body.connection_id, body.field, body.other_connection_id, body.counted, caller.actor)
    return SameAsRuleView.model_validate(made)


@router.delete("/same-as-rules/{rule_id}", status_code=204)
def delete_same_as_rule(hub: HubDep, caller: Writer, rule_id: str) -> None:
    """What only this rule took for one piece of work counts twice again."""
    same_as.delete_rule(hub, rule_id, caller.actor)


@router.get("/projects/{project_id}/precedence")
def get_precedence(hub: HubDep, _: Reader, project_id: str) -> PrecedenceView:
    """Whom the project believes first, field by field, where that was chosen."""
    return PrecedenceView(fields={name: list(order) for name, order in same_as.precedence(hub, project_id).items()})


@router.put("/projects/{project_id}/precedence")
def put_precedence(hub: HubDep, caller: Writer, project_id: str, body: PrecedenceBody) -> PrecedenceView:
    """Choose whom the project believes first, field by field."""
    found = same_as.put_precedence(hub, project_id, body.fields, caller.actor)
    return PrecedenceView(fields={name: list(order) for name, order in found.items()})


@router.get("/projects/{project_id}/conflicts")
def list_conflicts(hub: HubDep, _: Reader, project_id: str) -> ConflictList:
    """Where the tools of the project contradict each other, with both values and who is believed."""
    return ConflictList(items=[ConflictView.model_validate(one) for one in same_as.project_conflicts(hub, project_id)])
