"""Which kinds of source can be connected."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.schemas.connections import BrokenConnectorView, ConnectorList, ConnectorView, RateLimitView
from pmo_hub.services.rules import schema_of

router = APIRouter(prefix="/connectors", tags=["connectors"])


@router.get("", dependencies=[Depends(allow("connectors:read"))])
def list_connectors(hub: HubDep) -> ConnectorList:
    """Every connector with the schema of its config, and every plugin that can't be used, with the reason."""
    usable = [
        ConnectorView(
            name=plugin.name,
            title=plugin.connector.title,
            capabilities=sorted(plugin.connector.capabilities),
            rate_limit=RateLimitView.model_validate(plugin.connector.rate_limit),
            config_schema=dict(plugin.config_schema),
            rules_schema=schema_of(plugin.connector),
        )
        for plugin in sorted(hub.registry.plugins.values(), key=lambda plugin: plugin.name)
    ]
    return ConnectorList(items=usable, broken=[BrokenConnectorView.model_validate(plugin) for plugin in hub.registry.broken])
