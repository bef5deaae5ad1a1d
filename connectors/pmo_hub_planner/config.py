"""What an admin sets for a connection to Planner; titles and descriptions draw the form."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from pmo_hub.sdk.entra import PUBLIC_CLOUD, checked_authority, checked_tenant

GRAPH = "https://graph.microsoft.com"
_PLAN = re.compile(r"[A-Za-z0-9_-]{10,64}")


class PlannerConfig(BaseModel):
    """A tenant and the application that reads its plans."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Microsoft Planner")

    tenant_id: Annotated[
        str, Field(title="Tenant id", description="Of the Microsoft Entra tenant: its id, or one of its domains.", max_length=200)
    ]
    client_id: Annotated[
        str,
        Field(
            title="Application id",
            description="Of an app registration of your own with the application permissions Tasks.Read.All, GroupMember.Read.All and "
            "User.ReadBasic.All, and an admin's consent to them.",
            min_length=1,
            max_length=100,
        ),
    ]
    client_secret: Annotated[
        SecretStr,
        Field(
            title="Client secret", description="The value (not the id) of a secret of that app registration.", min_length=1, max_length=500
        ),
    ]
    expires_on: Annotated[
        date | None,
        Field(title="Secret expires on", description="As the app registration shows it. The hub gives notice before that day."),
    ] = None
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
        str,
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
    graph: Annotated[str, Field(title="Graph address", description="Only for national clouds, such as https://graph.microsoft.us.")] = GRAPH
    authority: Annotated[
        str, Field(title="Sign-in address", description="Only for national clouds, such as https://login.microsoftonline.us.")
    ] = PUBLIC_CLOUD
    verify: Annotated[
        str | None,
        Field(
            title="Certificate authority",
            description="Where a proxy of your own signs for Microsoft: its certificates in PEM format, or the path of a file with them on "
            "the machine of the hub. Empty: those that the system trusts.",
        ),
    ] = None

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

    @field_validator("tenant_id")
    @classmethod
    def _tenant(cls, value: str) -> str:
        return checked_tenant(value)

    @field_validator("authority", "graph")
    @classmethod
    def _address(cls, value: str) -> str:
        return checked_authority(value)

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value.strip()).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("write a time zone of the IANA database, such as Europe/Berlin or UTC") from None

    @field_validator("verify")
    @classmethod
    def _certificates(cls, value: str | None) -> str | None:
        text = (value or "").strip()
        if text and "-----BEGIN" not in text and not text.startswith("/"):
            raise ValueError("paste the certificates in PEM format, or write the whole path of a file, such as /etc/ssl/own-ca.pem")
        return text or None
