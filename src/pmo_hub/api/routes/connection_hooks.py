"""The incoming webhook of a connection: turned on, looked at, turned off."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.hooks import HookMade, HookView, HookWanted, ReceivedView
from pmo_hub.services import hooks
from pmo_hub.services.access import Caller
from pmo_hub.services.hooks import Wanted

router = APIRouter(prefix="/connections/{connection_id}/hook", tags=["connections"])

Reader = Annotated[Caller, Depends(allow("connections:read"))]
Writer = Annotated[Caller, Depends(allow("connections:write"))]


@router.put("", status_code=201, responses={200: {"model": HookMade, "description": "There was one: its secret is a new one now."}})
def put_hook(hub: HubDep, caller: Writer, connection_id: str, response: Response, body: HookWanted | None = None) -> HookMade:
    """Take webhooks, or change their secret. The answer tells once what to enter at the source.

    A former secret is taken too until the overlap has passed, so that nothing is refused meanwhile.
    """
    wanted = body or HookWanted()
    given = None if wanted.secret is None else wanted.secret.get_secret_value()
    made = hooks.set_up(hub, connection_id, Wanted(wanted.proof, given, wanted.overlap_hours), caller.actor)
    response.headers["Cache-Control"] = "no-store"
    if made.is_new:
        response.headers["Location"] = f"/api/v1/connections/{connection_id}/hook"
    else:
        response.status_code = 200
    return HookMade(hook=HookView.model_validate(made.info), url=made.url, secret=made.secret)


@router.get("")
def get_hook(hub: HubDep, _: Reader, connection_id: str) -> HookView:
    """What came, what was refused, what is yet to be fetched."""
    return HookView.model_validate(hooks.get(hub, connection_id))


@router.delete("", status_code=204)
def delete_hook(hub: HubDep, caller: Writer, connection_id: str) -> None:
    """Take no webhooks any more; the connection is polled as before."""
    hooks.remove(hub, connection_id, caller.actor)


@router.get("/deliveries")
def list_deliveries(hub: HubDep, _: Reader, connection_id: str, limit: Limit = 50, cursor: Cursor = None) -> Page[ReceivedView]:
    """Deliveries of the last days, the newest first."""
    filters = {"connection_id": connection_id}
    at = position(filters, cursor)
    found = hooks.deliveries(hub, connection_id, None if at is None else (at.instant, at.id), limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.received_at, one.id))
    return Page(items=[ReceivedView.model_validate(one) for one in kept], next_cursor=following)
