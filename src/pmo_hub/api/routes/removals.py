"""Taking scopes or connections away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.schemas.removals import Data, RemovalForecast, RemovalList, RemovalView
from pmo_hub.services import removal
from pmo_hub.services.access import Caller
from pmo_hub.store.repositories.removals import StoredRemoval

router = APIRouter(tags=["connections"])

Reader = Annotated[Caller, Depends(allow("connections:read"))]
Writer = Annotated[Caller, Depends(allow("connections:write"))]
Fate = Annotated[Data, Query(description="keep: the data stays answerable, read-only. purge: it is deleted for good, its past included.")]
Scopes = Annotated[list[str] | None, Query(alias="scope", max_length=1_000, description="external ids of scopes")]


@router.get("/connections/{connection_id}/removal")
def foresee_removal(hub: HubDep, _: Reader, connection_id: str, scope: Scopes = None) -> RemovalForecast:
    """What taking these scopes away, or the connection with all of them, would do to its data. Nothing is done."""
    return RemovalForecast.model_validate(removal.forecast(hub, connection_id, scope))


@router.delete("/connections/{connection_id}", status_code=202)
def remove_connection(hub: HubDep, caller: Writer, connection_id: str, data: Fate, response: Response) -> RemovalView:
    """Take the connection away: its credentials are forgotten at once, its data is kept or purged by a job."""
    return _accepted(removal.request(hub, connection_id, None, data, caller.actor), response)


@router.delete("/connections/{connection_id}/scopes", status_code=202)
def remove_scopes(hub: HubDep, caller: Writer, connection_id: str, data: Fate, response: Response, scope: Scopes = None) -> RemovalView:
    """Take these scopes away: nobody reads them from now on, their data is kept or purged by a job."""
    return _accepted(removal.request(hub, connection_id, scope or [], data, caller.actor), response)


@router.get("/connections/{connection_id}/removals")
def list_removals(hub: HubDep, _: Reader, connection_id: str) -> RemovalList:
    """What was taken away of the connection, the newest first; also of one that was purged."""
    return RemovalList(items=[RemovalView.model_validate(one) for one in removal.listed(hub, connection_id)])


@router.get("/removals/{removal_id}")
def get_removal(hub: HubDep, _: Reader, removal_id: str) -> RemovalView:
    """How far a removal is."""
    return RemovalView.model_validate(removal.get(hub, removal_id))


def _accepted(found: StoredRemoval, response: Response) -> RemovalView:
    response.headers["Location"] = f"/api/v1/removals/{found.id}"
    return RemovalView.model_validate(found)
