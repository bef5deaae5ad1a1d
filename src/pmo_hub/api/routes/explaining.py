"""Why an item is or isn't there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from pmo_hub.api.deps import HubDep, allow, permit
from pmo_hub.api.schemas.explaining import ExplanationView, explanation_view
from pmo_hub.services import explaining

# It tells of connections and their errors, so whoever asks must be allowed to see those.
router = APIRouter(prefix="/work-items", tags=["work items"], dependencies=[Depends(allow("connections:read"))])


@router.get("/explain")
def explain_work_item(
    hub: HubDep,
    request: Request,
    ref: Annotated[str, Query(min_length=1, max_length=255, description="a key as people write it, the source's id, or the hub's")],
    connection: Annotated[str | None, Query(max_length=200, description="id or name; needed where several know the ref")] = None,
    ask_source: Annotated[bool, Query(description="ask the source, too; needs the scope connections:write")] = False,
) -> ExplanationView:
    """Why an item is in the hub, or why it isn't: out of scope, quarantined, not to be seen, not read yet, gone, never seen."""
    if ask_source:
        permit(request.scope, "connections:write")
    return explanation_view(explaining.explain(hub, ref, connection, ask_source))
