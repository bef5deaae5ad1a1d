"""What an admin sets for a connection to Jira; titles and descriptions draw the form.

Which fields sign in is told by `sign_in`. They stand beside the others, and not below it, so that a connection stored before there was
a choice is an API token's, and one PATCH goes from one way to another.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from pmo_hub.sdk.config_fields import LOOPBACK, CertificateAuthority
from pmo_hub_jira.ways import FIELDS, WAYS, Deployment, Email, Secret, SignIn, Text, UserName, Way

GATEWAY = re.compile(r"/ex/jira/(?P<cloud_id>[0-9A-Za-z-]+)")
"""The path of api.atlassian.com under which scoped tokens, service accounts and apps reach a site."""

_PAGE = re.compile(r"/(?:browse|projects|secure|issues|login\.jsp|rest)(?:/|$)")
"""Where the path of an address is a page's and no longer the context path."""


def _branches(schema: dict[str, Any]) -> None:
    """Adds to the form which fields each way of signing in needs; the first way also counts where none is named."""
    schema["allOf"] = [
        {
            "title": way.title,
            "if": {"properties": {"sign_in": {"const": name.value}}} | ({} if name is SignIn.API_TOKEN else {"required": ["sign_in"]}),
            "then": {"required": sorted(way.model_fields)},
        }
        for name, way in WAYS.items()
    ]


class JiraConfig(BaseModel):
    """A site and the account that reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Jira", json_schema_extra=_branches)

    sign_in: Annotated[
        SignIn,
        Field(
            title="Sign in with",
            description="Jira Cloud: an API token (api_token), one with scopes or of a service account (scoped_token), or an app by "
            "OAuth 2.0 (oauth). Data Center: a personal access token (personal_access_token), or user and password (password) on a "
            "server that is too old for those.",
        ),
    ] = SignIn.API_TOKEN
    url: Annotated[
        str,
        Field(
            title="Site URL",
            description="Jira Cloud: the address of the site, such as https://example.atlassian.net. Data Center: the server's, with its "
            "context path where it has one, such as https://jira.example.com/jira.",
            examples=["https://example.atlassian.net", "https://jira.example.com/jira"],
        ),
    ]
    email: Annotated[
        Email | None,
        Field(title="E-mail address", description="Of the account that owns the API token; its permissions apply. Cloud only."),
    ] = None
    token: Annotated[
        Secret | None,
        Field(
            title="Token",
            description="Cloud: an API token, made at id.atlassian.com under Security. Data Center: a personal access token, made in the "
            "user's profile.",
        ),
    ] = None
    client_id: Annotated[
        Text | None,
        Field(title="Client id", description="Of an OAuth 2.0 app of your own, made at developer.atlassian.com/console/myapps."),
    ] = None
    client_secret: Annotated[
        Secret | None, Field(title="Client secret", description="Of the same app. The consent itself is given after saving.")
    ] = None
    user: Annotated[UserName | None, Field(title="User name", description="Of the account on a Data Center server.")] = None
    password: Annotated[Secret | None, Field(title="Password", description="Of that account.")] = None
    expires_on: Annotated[
        date | None,
        Field(
            title="Token expires on",
            description="As the page that made the token says; Jira tells nobody later. The hub gives notice before that day.",
        ),
    ] = None
    verify: CertificateAuthority = None
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

    @model_validator(mode="before")
    @classmethod
    def _only_of_the_way(cls, given: Any) -> Any:
        """Without what another way of signing in has left behind: a connection that changes its way drops the old secret."""
        if not isinstance(given, dict):
            return given
        try:
            way = WAYS[SignIn(given.get("sign_in") or SignIn.API_TOKEN)]
        except ValueError:
            return given
        return {name: value for name, value in given.items() if name not in FIELDS or name in way.model_fields}

    @model_validator(mode="after")
    def _complete(self) -> JiraConfig:
        """Each field that the way of signing in needs is there; an error points at the field."""
        WAYS[self.sign_in].model_validate({name: value for name in FIELDS if (value := getattr(self, name)) is not None})
        return self

    @cached_property
    def way(self) -> Way:
        """How to sign in, with just the values that this takes."""
        return WAYS[self.sign_in].model_validate({name: getattr(self, name) for name in WAYS[self.sign_in].model_fields})

    @property
    def deployment(self) -> Deployment:
        return WAYS[self.sign_in].deployment

    @property
    def gateway_id(self) -> str | None:
        """The cloud id, where the address is the gateway's."""
        found = GATEWAY.fullmatch(urlsplit(self.url).path)
        return found["cloud_id"] if found else None

    @field_validator("url")
    @classmethod
    def _site(cls, value: str, info: ValidationInfo) -> str:
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
        if parts.scheme == "http" and host not in LOOPBACK:
            raise ValueError("use https: over http the token would travel in the clear")
        path = parts.path.rstrip("/")
        address = f"{parts.scheme}://{parts.netloc.lower()}"
        sign_in = info.data.get("sign_in")
        if sign_in is not None and WAYS[sign_in].deployment is Deployment.DATA_CENTER:
            if parts.query or parts.fragment or _PAGE.search(path + "/"):
                raise ValueError(f"leave out everything after the context path: {address}{_PAGE.split(path + '/')[0].rstrip('/')}")
            return address + path
        if host not in LOOPBACK and "." not in host:
            raise ValueError(f"'{host}' is no full host name; it looks like example.atlassian.net")
        if (path and not GATEWAY.fullmatch(path)) or parts.query or parts.fragment:
            raise ValueError(f"leave out everything after the host: {parts.scheme}://{parts.netloc}")
        return address + path
