"""Evidence: what was evaluated, decided and changed, as a pack that its reader can verify."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from pmo_hub.api.deps import HubDep, allow, instant
from pmo_hub.api.schemas.evidence import HeadView
from pmo_hub.domain.chain import Selection
from pmo_hub.services.access import Caller
from pmo_hub.services.evidence import packing, sealing

router = APIRouter(prefix="/evidence", tags=["evidence"])

Reader = Annotated[Caller, Depends(allow("evidence:read"))]
Instant = Annotated[str | None, Query(max_length=64, json_schema_extra={"format": "date-time"})]

MEDIA_TYPE = "application/zip"


@router.get("/head")
def get_evidence_head(hub: HubDep, _: Reader) -> HeadView:
    """The newest entry of the evidence log, to be noted where the hub's administrators can't reach."""
    return HeadView.model_validate(sealing.head(hub))


@router.get(
    "",
    response_class=StreamingResponse,
    responses={200: {"description": "The pack", "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}},
)
def get_evidence(
    hub: HubDep,
    _: Reader,
    project: Annotated[str | None, Query(max_length=32, description="bodies of what concerns this project, or the hub as a whole")] = None,
    since: Annotated[Instant, Query(alias="from", description="bodies of what happened at or after this instant (RFC 3339)")] = None,
    until: Annotated[Instant, Query(alias="to", description="bodies of what happened before this instant (RFC 3339)")] = None,
    after: Annotated[int, Query(ge=0, le=2**53, description="begin after this entry, the last of an earlier pack")] = 0,
) -> StreamingResponse:
    """A pack of evidence: a zip of entries, their manifest, and the script that verifies them.

    Every entry is in it by its hash and its ids, so that none can be left out unseen; those that are asked for have their bodies.
    """
    wanted = Selection(
        project_id=project,
        since=None if since is None else instant(since, "from"),
        until=None if until is None else instant(until, "to"),
        after=after,
    )
    headers = {"Content-Disposition": f'attachment; filename="evidence-{hub.now():%Y%m%dT%H%M%SZ}.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(packing.pack(hub, wanted), media_type=MEDIA_TYPE, headers=headers)
