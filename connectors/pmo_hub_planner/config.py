"""What an admin sets for a connection to Planner; titles and descriptions draw the form."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from pmo_hub.sdk.config_fields import CertificateAuthority, ZoneName
from pmo_hub.sdk.entra import PUBLIC_CLOUD, Authority, ClientId, ClientSecret, SecretExpiry, TenantId, checked_authority

GRAPH = "https://graph.microsoft.com"
_PLAN = re.compile(r"[A-Za-z0-9_-]{10,64}")


class PlannerConfig(BaseModel):
    """A tenant and the application that reads its plans."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Microsoft Planner")

    tenant_id: TenantId
    client_id: Annotated[
        ClientId,
        Field(
            description="Of an app registration of your own with the application permissions Tasks.Read.All, GroupMember.Read.All and "
            "User.ReadBasic.All, and an admin's consent to them.",
        ),
    ]
    client_secret: ClientSecret
    expires_on: SecretExpiry = None
    plans: Annotated[
        str,
        Field(
            title="Further plans",
            description="Ids of plans that belong to no Microsoft 365 group (rosters), separated by spaces; nothing lists these. The id is "
            "in the plan's address.",
            max_length=20_000,
        ),
    ] = ""
    time_zone: Annotated[
        ZoneName,
        Field(
            title="Time zone of the plans",
            description="Start and due dates are days; the day is told in this zone, such as Europe/Berlin.",
        ),
    ] = "UTC"
    delta: Annotated[
        bool,
        Field(
            title="Ask for changes first",
            description="Uses a preview of Microsoft Graph (beta) that tells whether any task has changed: a quiet poll is one request.",
        ),
    ] = False
    graph: Annotated[
        str,
        Field(title="Graph address", description="Only for national clouds, such as https://graph.microsoft.us."),
        AfterValidator(checked_authority),
    ] = GRAPH
    authority: Authority = PUBLIC_CLOUD
    verify: CertificateAuthority = None

    @property
    def further(self) -> tuple[str, ...]:
        """Ids of the plans that nothing lists."""
        return tuple(dict.fromkeys(self.plans.replace(",", " ").split()))

    @field_validator("plans")
    @classmethod
    def _ids(cls, value: str) -> str:
        for id in value.replace(",", " ").split():
            if not _PLAN.fullmatch(id):
                raise ValueError("write the ids of plans, not their names or addresses; they look like xqQg5FS2LkCp935s-FIFm2QAFkHM")
        return value
