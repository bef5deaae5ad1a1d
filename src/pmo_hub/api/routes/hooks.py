"""Where sources deliver: the one address besides the probes that asks for no key. What a delivery shows instead, its connector reads."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Path, Request, Response
from starlette.requests import ClientDisconnect

from pmo_hub.api.deps import HubDep
from pmo_hub.api.errors import HttpProblem
from pmo_hub.api.schemas.hooks import Receipt
from pmo_hub.services import receiving
from pmo_hub.services.errors import Unproven
from pmo_hub.services.hooks import PATH, TOKEN
from pmo_hub.services.hub import Hub
from pmo_hub.services.receiving import Door, Refusals

router = APIRouter(tags=["webhooks"])
ADDRESS = PATH + "{connection_id}"
REFUSED = "The delivery is not accepted."

ConnectionId = Annotated[str, Path(max_length=64)]


@router.post(ADDRESS, status_code=202)
async def receive_delivery(hub: HubDep, request: Request, connection_id: ConnectionId) -> Receipt:
    """A source's webhook. Proved, recognised if it comes again, and queued; what it names is fetched afterwards."""
    way = await _way(hub, connection_id)
    token = request.query_params.get(TOKEN)
    try:
        if way is None or not (way.keys.secrets or (token is not None and receiving.is_token_right(way, token))):
            raise Unproven(REFUSED)
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.body()
        outcome = await anyio.to_thread.run_sync(partial(receiving.receive, hub, way, headers, token, body))
    except ClientDisconnect:
        raise Unproven(REFUSED) from None  # nobody hears it: whoever promised a body went away
    except Unproven:
        if way is not None:
            await anyio.to_thread.run_sync(_refusals(request).add, hub, way.hook.connection_id)
        raise Unproven(REFUSED) from None  # whoever asks learns nothing of what is there
    return Receipt(status="accepted" if outcome is receiving.Outcome.ACCEPTED else "duplicate")


@router.api_route(ADDRESS, methods=["GET", "HEAD"], include_in_schema=False)
async def answer_probe(hub: HubDep, request: Request, connection_id: ConnectionId) -> Response:
    """The address is alive, for sources that try it."""
    way = await _way(hub, connection_id)
    if way is None:
        raise Unproven(REFUSED)
    if request.method not in way.made.probes:
        allowed = ", ".join(["POST", *sorted(way.made.probes)])
        raise HttpProblem(405, "method-not-allowed", f"This address takes {allowed}.", headers={"Allow": allowed})
    return Response()


async def _way(hub: Hub, connection_id: str) -> Door | None:
    return await anyio.to_thread.run_sync(receiving.door, hub, connection_id)


def _refusals(request: Request) -> Refusals:
    found: Refusals = request.app.state.refusals
    return found
