"""How a connection maps: its rules, what others would change, and their acceptance."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pmo_hub.api.conditional import IfMatch, etag, require_match
from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.schemas.rules import RulesAccepted, RulesPreview, RulesView, RulesWanted
from pmo_hub.api.schemas.sync_runs import SyncRunView
from pmo_hub.services import rule_preview, rules
from pmo_hub.services.access import Caller
from pmo_hub.services.rules import RulesInfo

router = APIRouter(prefix="/connections/{connection_id}/rules", tags=["connections"])

Reader = Annotated[Caller, Depends(allow("connections:read"))]
Writer = Annotated[Caller, Depends(allow("connections:write"))]


def _tag(found: RulesInfo) -> str:
    return etag(f"{found.connection_id} {found.updated_at.isoformat()}".encode())


@router.get("")
def get_rules(hub: HubDep, _: Reader, connection_id: str, response: Response) -> RulesView:
    """The rules by which the connection maps, the schema that draws their form, and the words that they may speak of."""
    found = rules.get(hub, connection_id)
    response.headers["ETag"] = _tag(found)
    return RulesView.model_validate(found)


@router.put("")
def put_rules(
    hub: HubDep, caller: Writer, connection_id: str, body: RulesWanted, response: Response, if_match: IfMatch = None
) -> RulesAccepted:
    """Map by exactly these rules from now on: what is stored is mapped again, the past stays as it was known."""
    held = rules.get(hub, connection_id)
    require_match(if_match, _tag(held))
    made = rules.put(hub, connection_id, body.rules, caller.actor, held.updated_at)
    response.headers["ETag"] = _tag(made.info)
    shown = RulesView.model_validate(made.info)
    return RulesAccepted.model_validate({**shown.model_dump(), "runs": [SyncRunView.model_validate(run) for run in made.runs]})


@router.post("/preview")
def preview_rules(hub: HubDep, _: Writer, connection_id: str, body: RulesWanted) -> RulesPreview:
    """The rows that these rules would change, by project and by field, with samples. Nothing is written."""
    return RulesPreview.model_validate(rule_preview.preview(hub, connection_id, body.rules))
