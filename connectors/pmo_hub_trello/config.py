"""What an admin sets for a connection to Trello; titles and descriptions draw the form.

Key and token may be left out: then only board export files are read, for people without access to the API.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from pmo_hub.sdk.config_fields import LOOPBACK, WatchedFolder

API = "https://api.trello.com/1"


class TrelloConfig(BaseModel):
    """The account that reads, or none for board export files alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Trello")

    api_key: Annotated[
        SecretStr | None,
        Field(title="API key", description="Of a Power-Up of your own, made at trello.com/power-ups/admin. Empty for export files alone."),
    ] = None
    token: Annotated[
        SecretStr | None,
        Field(
            title="Token",
            description="Of the account that reads, made by the link beside the API key. Whatever boards the account sees can be chosen.",
        ),
    ] = None
    expires_on: Annotated[
        date | None,
        Field(title="Token expires on", description="Where it was made to expire; the hub gives notice before that day."),
    ] = None
    overlap_minutes: Annotated[
        int,
        Field(
            ge=1, le=1440, title="Overlap in minutes", description="How far each poll looks back behind the last action that it has read."
        ),
    ] = 5
    concurrency: Annotated[
        int, Field(ge=1, le=8, title="Requests at a time", description="Lower it if other tools use the same token.")
    ] = 4
    folder: WatchedFolder = None
    url: Annotated[
        str,
        Field(title="Address of the API", description=f"Where Trello's API answers; leave it as it is ({API})."),
    ] = API

    @model_validator(mode="after")
    def _both_or_none(self) -> TrelloConfig:
        if (self.api_key is None) != (self.token is None):
            raise ValueError("API key and token go together: give both, or neither for board export files alone")
        return self

    @property
    def has_account(self) -> bool:
        return self.token is not None

    @field_validator("api_key", "token")
    @classmethod
    def _in_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        """Neither may end the header that carries both."""
        text = "" if value is None else value.get_secret_value().strip()
        if any(not character.isalnum() and character not in "-_." for character in text):
            raise ValueError("it has letters and digits only; copy it again from Trello's page")
        return SecretStr(text) if text else None

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        text = value.strip().rstrip("/")
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"write the whole address, such as {API}")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(f"leave out everything besides host and path, as in {API}")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("use https: over http the token would travel in the clear")
        return text
