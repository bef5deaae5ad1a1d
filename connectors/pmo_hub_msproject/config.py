"""What an admin sets for a connection to a PWA site; titles and descriptions draw the form. `sign_in` tells which fields sign in."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pmo_hub.sdk.config_fields import LOOPBACK, CertificateAuthority, ZoneName
from pmo_hub_msproject.ways import FIELDS, WAYS, Cloud, Secret, SignIn, Tenant, Text, UserName, Way


def _branches(schema: dict[str, Any]) -> None:
    """Adds to the form which fields each way of signing in needs."""
    schema["allOf"] = [
        {
            "title": way.title,
            "if": {"properties": {"sign_in": {"const": name.value}}, "required": ["sign_in"]},
            "then": {"required": sorted(field for field, info in way.model_fields.items() if info.is_required())},
        }
        for name, way in WAYS.items()
    ]


class MsProjectConfig(BaseModel):
    """A PWA site and the account that reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Microsoft Project", json_schema_extra=_branches)

    sign_in: Annotated[
        SignIn,
        Field(
            title="Sign in with",
            description="Project Online: a person signs in once, with a code (device_code) or in the browser (authorization_code). Project "
            "Server: Windows sign-in with a user's password (ntlm) or with a ticket (kerberos), or user and password as they are "
            "(password) where the site allows it.",
        ),
    ]
    url: Annotated[
        str,
        Field(
            title="Site URL",
            description="The address of the PWA site, without anything after it.",
            examples=["https://contoso.sharepoint.com/sites/pwa", "https://projects.example.com/pwa"],
        ),
    ]
    tenant: Annotated[
        Tenant | None, Field(title="Tenant", description="Project Online: the tenant's id, or its domain such as contoso.onmicrosoft.com.")
    ] = None
    client_id: Annotated[
        Text | None,
        Field(title="Client id", description="Project Online: of an app registration of your own that may read PWA as the signed-in user."),
    ] = None
    client_secret: Annotated[
        Secret | None, Field(title="Client secret", description="Of the same app, where it is a confidential one; not with a device code.")
    ] = None
    cloud: Annotated[Cloud, Field(title="Microsoft cloud", description="Project Online: whose sign-in service the tenant is at.")] = (
        Cloud.GLOBAL
    )
    user: Annotated[UserName | None, Field(title="User name", description="Project Server: with its domain, such as CONTOSO\\reader.")] = (
        None
    )
    password: Annotated[Secret | None, Field(title="Password", description="Of that user.")] = None
    time_zone: Annotated[
        ZoneName,
        Field(
            title="Time zone of the site",
            description="As its regional settings have it, such as Europe/Oslo: the site tells times without saying in which zone.",
        ),
    ] = "UTC"
    verify: CertificateAuthority = None
    time_phased: Annotated[
        bool,
        Field(
            title="Work and cost by day",
            description="Read time-phased data as well, where the site has a reporting service and keeps such data. It is a row for each "
            "task and day, which takes a site of your own many requests a project.",
        ),
    ] = False
    concurrency: Annotated[
        int, Field(ge=1, le=8, title="Requests at a time", description="SharePoint slows down accounts that ask for much at once.")
    ] = 2

    @model_validator(mode="before")
    @classmethod
    def _only_of_the_way(cls, given: Any) -> Any:
        """Without what another way of signing in has left behind: a connection that changes its way drops the old secret."""
        if not isinstance(given, dict):
            return given
        try:
            way = WAYS[SignIn(given.get("sign_in") or "")]
        except ValueError:
            return given
        return {name: value for name, value in given.items() if name not in FIELDS or name in way.model_fields}

    @model_validator(mode="after")
    def _complete(self) -> MsProjectConfig:
        """Each field that the way of signing in needs is there; an error points at the field."""
        WAYS[self.sign_in].model_validate({name: value for name in FIELDS if (value := getattr(self, name)) is not None})
        if (self.user is None) != (self.password is None):
            raise ValueError("give user and password, or neither")
        return self

    @cached_property
    def way(self) -> Way:
        """How to sign in, with just the values that this takes."""
        return WAYS[self.sign_in].model_validate({name: getattr(self, name) for name in WAYS[self.sign_in].model_fields})

    @property
    def host(self) -> str:
        """`scheme://host`, for which Microsoft gives tokens."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("url")
    @classmethod
    def _site(cls, value: str) -> str:
        """The address without a trailing slash; ValueError says what is wrong with it and how it should look."""
        text = value.strip()
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https"):
            raise ValueError("write the site URL with its scheme, such as https://contoso.sharepoint.com/sites/pwa")
        try:
            parts.port  # noqa: B018 (reading it is the check)
        except ValueError:
            raise ValueError("the site URL has a port that is not a number") from None
        if not parts.hostname or " " in text:
            raise ValueError("the site URL names no host; it looks like https://contoso.sharepoint.com/sites/pwa")
        if parts.username or parts.password:
            raise ValueError("leave the credential out of the site URL; it has fields of its own")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("use https: over http the credential would travel in the clear")
        if parts.query or parts.fragment or "/_" in parts.path or parts.path.lower().endswith(".aspx"):
            path = parts.path.partition("/_")[0].rstrip("/")
            path = path.rpartition("/")[0] if path.lower().endswith(".aspx") else path
            raise ValueError(f"leave out everything after the site: {parts.scheme}://{parts.netloc}{path}")
        return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
