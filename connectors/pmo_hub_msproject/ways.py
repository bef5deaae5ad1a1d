"""The ways to sign in to a PWA site: for each, the fields that it needs and what is wrong with a value."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr


class SignIn(StrEnum):
    """The discriminator of a config: which of its other fields count."""

    DEVICE_CODE = "device_code"
    AUTHORIZATION_CODE = "authorization_code"
    PASSWORD = "password"
    NTLM = "ntlm"
    KERBEROS = "kerberos"


class Cloud(StrEnum):
    """Whose sign-in service the tenant is at."""

    GLOBAL = "global"
    US_GOVERNMENT = "us_government"
    CHINA = "china"


_TENANT = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{1,252}")


def _filled(value: str) -> str:
    text = value.strip()
    if not text:
        raise ValueError("this is empty")
    return text


def _tenant(value: str) -> str:
    text = _filled(value)
    if not _TENANT.fullmatch(text):
        raise ValueError("write the tenant's id or domain, such as contoso.onmicrosoft.com")
    return text


def _user(value: str) -> str:
    text = _filled(value)
    if ":" in text:
        raise ValueError("a user name has no colon; the password has a field of its own")
    return text


def _secret(value: SecretStr) -> SecretStr:
    """A secret that was copied with blanks around it is the same secret."""
    return SecretStr(_filled(value.get_secret_value()))


Text = Annotated[str, AfterValidator(_filled)]
Tenant = Annotated[str, AfterValidator(_tenant)]
UserName = Annotated[str, AfterValidator(_user)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]


class _Way(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    title: ClassVar[str]


class DeviceCode(_Way):
    """A person types a code at Microsoft's page, on any device; refresh tokens rotate from then on."""

    title: ClassVar[str] = "device code"
    client_id: Text
    tenant: Tenant


class AuthorizationCode(DeviceCode):
    """A person consents in the browser; the app may have a secret of its own."""

    title: ClassVar[str] = "authorization code"
    client_secret: Secret | None = None


class Password(_Way):
    """Basic, where the web application of the site allows it."""

    title: ClassVar[str] = "user name and password (Basic)"
    user: UserName
    password: Secret


class Ntlm(Password):
    """Windows sign-in with a user and a password."""

    title: ClassVar[str] = "NTLM"


class Kerberos(_Way):
    """Windows sign-in with a ticket: of this user and password, or the one that the hub's process has."""

    title: ClassVar[str] = "Kerberos"
    user: UserName | None = None
    password: Secret | None = None


Way = DeviceCode | AuthorizationCode | Password | Ntlm | Kerberos

WAYS: dict[SignIn, type[DeviceCode | AuthorizationCode | Password | Ntlm | Kerberos]] = {
    SignIn.DEVICE_CODE: DeviceCode,
    SignIn.AUTHORIZATION_CODE: AuthorizationCode,
    SignIn.PASSWORD: Password,
    SignIn.NTLM: Ntlm,
    SignIn.KERBEROS: Kerberos,
}

FIELDS = frozenset(name for way in WAYS.values() for name in way.model_fields)
