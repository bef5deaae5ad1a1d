"""The ways to sign in to Jira: for each, the fields that it needs and what is wrong with a value."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr


class Deployment(StrEnum):
    CLOUD = "cloud"
    DATA_CENTER = "data_center"


class SignIn(StrEnum):
    """The discriminator of a config: which of its other fields count."""

    API_TOKEN = "api_token"
    SCOPED_TOKEN = "scoped_token"
    OAUTH = "oauth"
    PERSONAL_ACCESS_TOKEN = "personal_access_token"
    PASSWORD = "password"


def _email(value: str) -> str:
    text = value.strip()
    if "@" not in text or " " in text or ":" in text:
        raise ValueError("write the account's e-mail address, such as jane@example.com")
    return text


def _filled(value: str) -> str:
    text = value.strip()
    if not text:
        raise ValueError("this is empty")
    return text


def _user(value: str) -> str:
    if ":" in value:
        raise ValueError("a user name has no colon; the password has a field of its own")
    return _filled(value)


def _secret(value: SecretStr) -> SecretStr:
    """A secret that was copied with blanks around it is the same secret."""
    return SecretStr(_filled(value.get_secret_value()))


Email = Annotated[str, AfterValidator(_email)]
Text = Annotated[str, AfterValidator(_filled)]
UserName = Annotated[str, AfterValidator(_user)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]


class _Way(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    deployment: ClassVar[Deployment] = Deployment.CLOUD
    """The product that knows this way."""

    title: ClassVar[str]


class ApiToken(_Way):
    """A classic API token: Basic, at the site's own address."""

    title: ClassVar[str] = "API token"
    email: Email
    token: Secret


class ScopedToken(ApiToken):
    """A token with scopes, or any token of a service account: Basic, at the gateway only."""

    title: ClassVar[str] = "API token with scopes, or of a service account"


class OAuth(_Way):
    """An app of the admin's own, to which a person consents once in the browser; its refresh tokens rotate."""

    title: ClassVar[str] = "OAuth 2.0"
    client_id: Text
    client_secret: Secret


class PersonalAccessToken(_Way):
    """Bearer, from Jira 8.14 on."""

    title: ClassVar[str] = "personal access token"
    deployment: ClassVar[Deployment] = Deployment.DATA_CENTER
    token: Secret


class Password(_Way):
    """Basic, for servers older than personal access tokens; Jira 11 refuses it unless told otherwise."""

    title: ClassVar[str] = "user name and password"
    deployment: ClassVar[Deployment] = Deployment.DATA_CENTER
    user: UserName
    password: Secret


Way = ApiToken | ScopedToken | OAuth | PersonalAccessToken | Password

WAYS: dict[SignIn, type[ApiToken | OAuth | PersonalAccessToken | Password]] = {
    SignIn.API_TOKEN: ApiToken,
    SignIn.SCOPED_TOKEN: ScopedToken,
    SignIn.OAUTH: OAuth,
    SignIn.PERSONAL_ACCESS_TOKEN: PersonalAccessToken,
    SignIn.PASSWORD: Password,
}

FIELDS = frozenset(name for way in WAYS.values() for name in way.model_fields)
