"""What an admin sets for a connection to Planner Premium; titles and descriptions draw the form."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from pmo_hub.sdk.entra import LOOPBACK, PUBLIC_CLOUD, checked_authority, checked_tenant


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
    tenant_id: Annotated[
        str, Field(title="Tenant id", description="Of the Microsoft Entra tenant: its id, or one of its domains.", max_length=200)
    ]
    client_id: Annotated[
        str,
        Field(
            title="Application id",
            description="Of an app registration of your own that is an application user of the environment, with a security role that "
            "lets it read the project tables of the whole organisation.",
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
    time_zone: Annotated[
        str,
        Field(
            title="Time zone of the plans",
            description="Dataverse keeps UTC; start and finish of tasks are shown by the wall clock of this zone, such as Europe/Berlin.",
        ),
    ] = "UTC"
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

    @field_validator("tenant_id")
    @classmethod
    def _tenant(cls, value: str) -> str:
        return checked_tenant(value)

    @field_validator("authority")
    @classmethod
    def _authority(cls, value: str) -> str:
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
