"""What an admin sets for a connection to Planner Premium; titles and descriptions draw the form."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pmo_hub.sdk.config_fields import LOOPBACK, CertificateAuthority, ZoneName
from pmo_hub.sdk.entra import PUBLIC_CLOUD, Authority, ClientId, ClientSecret, SecretExpiry, TenantId


class DataverseConfig(BaseModel):
    """An environment of Dataverse and the application user that reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Planner Premium (Dataverse)")

    url: Annotated[
        str,
        Field(
            title="Environment URL",
            description="The address of the environment that holds the plans, such as https://contoso.crm4.dynamics.com; the Power "
            "Platform admin centre shows it.",
            examples=["https://contoso.crm4.dynamics.com"],
        ),
    ]
    tenant_id: TenantId
    client_id: Annotated[
        ClientId,
        Field(
            description="Of an app registration of your own that is an application user of the environment, with a security role that "
            "lets it read the project tables of the whole organisation.",
        ),
    ]
    client_secret: ClientSecret
    expires_on: SecretExpiry = None
    time_zone: Annotated[
        ZoneName,
        Field(
            title="Time zone of the plans",
            description="Dataverse keeps UTC; start and finish of tasks are shown by the wall clock of this zone, such as Europe/Berlin.",
        ),
    ] = "UTC"
    authority: Authority = PUBLIC_CLOUD
    verify: CertificateAuthority = None

    @field_validator("url")
    @classmethod
    def _environment(cls, value: str) -> str:
        text = value.strip()
        parts = urlsplit(text)
        host = parts.hostname
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("write the environment URL with its scheme, such as https://contoso.crm4.dynamics.com")
        if parts.username or parts.password:
            raise ValueError("leave the credential out of the environment URL; it has fields of its own")
        if parts.scheme == "http" and host not in LOOPBACK:
            raise ValueError("use https: over http the token would travel in the clear")
        if host not in LOOPBACK and "." not in host:
            raise ValueError(f"'{host}' is no full host name; it looks like contoso.crm4.dynamics.com")
        return f"{parts.scheme}://{parts.netloc.lower()}"
