"""What an admin sets for a connection to Jira Cloud; titles and descriptions draw the form."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

GATEWAY = re.compile(r"/ex/jira/(?P<cloud_id>[0-9A-Za-z-]+)")
"""The path of api.atlassian.com under which scoped tokens and service accounts reach a site."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class JiraConfig(BaseModel):
    """A site of Jira Cloud and the account that reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Jira Cloud")

    url: Annotated[
        str,
        Field(
            title="Site URL",
            description="The address of the site, such as https://example.atlassian.net. With a scoped token or a service account: "
            "https://api.atlassian.com/ex/jira/ followed by the site's cloud id.",
            examples=["https://example.atlassian.net"],
        ),
    ]
    email: Annotated[str, Field(title="E-mail address", description="Of the account that owns the API token; its permissions apply.")]
    token: Annotated[
        SecretStr,
        Field(title="API token", description="Made at id.atlassian.com under Security. It expires after a year at the latest."),
    ]
    history: Annotated[
        bool,
        Field(title="Read the change history", description="Needed for cycle times, scope growth and answers as of a day in the past."),
    ] = True
    overlap_minutes: Annotated[
        int,
        Field(
            ge=2,
            le=1440,
            title="Overlap in minutes",
            description="How far each poll looks back behind the last one, because Jira's search index lags behind its issues.",
        ),
    ] = 10
    concurrency: Annotated[
        int, Field(ge=1, le=16, title="Requests at a time", description="Lower it if other tools share the account's rate limit.")
    ] = 8

    @field_validator("url")
    @classmethod
    def _site(cls, value: str) -> str:
        """The address without a trailing slash; ValueError says what is wrong with it and how it should look."""
        text = value.strip()
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https"):
            raise ValueError("write the site URL with its scheme, such as https://example.atlassian.net")
        host = parts.hostname
        try:
            parts.port  # noqa: B018 (reading it is the check)
        except ValueError:
            raise ValueError("the site URL has a port that is not a number") from None
        if not host or " " in text:
            raise ValueError("the site URL names no host; it looks like https://example.atlassian.net")
        if parts.username or parts.password:
            raise ValueError("leave the credential out of the site URL; it has fields of its own")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise ValueError("use https: over http the token would travel in the clear")
        if host not in _LOOPBACK and "." not in host:
            raise ValueError(f"'{host}' is no full host name; it looks like example.atlassian.net")
        path = parts.path.rstrip("/")
        if (path and not GATEWAY.fullmatch(path)) or parts.query or parts.fragment:
            raise ValueError(f"leave out everything after the host: {parts.scheme}://{parts.netloc}")
        return f"{parts.scheme}://{parts.netloc.lower()}{path}"

    @field_validator("email")
    @classmethod
    def _email(cls, value: str) -> str:
        text = value.strip()
        if "@" not in text or " " in text or ":" in text:
            raise ValueError("write the account's e-mail address, such as jane@example.com")
        return text

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr) -> SecretStr:
        """A token that was copied with blanks around it is the same token."""
        text = value.get_secret_value().strip()
        if not text:
            raise ValueError("the API token is empty")
        return SecretStr(text)
