"""Whether the process lives and whether it can serve; open to whoever runs it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from pmo_hub.api.deps import HubDep
from pmo_hub.services import readiness

router = APIRouter(tags=["probes"])


class Alive(BaseModel):
    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    status: Literal["ready", "unready"]
    why: str | None = None


@router.get("/healthz")
async def healthz() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready, "description": "It can't serve; `why` says what to do."}})
def readyz(hub: HubDep, response: Response) -> Ready:
    """The database can be reached and has the newest tables."""
    why = readiness.obstacle(hub)
    if why is not None:
        response.status_code = 503
    return Ready(status="ready" if why is None else "unready", why=why)
