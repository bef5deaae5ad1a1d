"""Signing in to Microsoft Entra ID as an application (client credentials), for every connector to a service of Microsoft's.

MSAL does the talking, over the client that the host lends: one throttle, one policy of retries, one list of errors. Tokens of an
application live for an hour or so and are kept in memory only.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, Field, SecretStr

from pmo_hub.sdk.config_fields import LOOPBACK
from pmo_hub.sdk.contract import Context
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, TransientError
from pmo_hub.sdk.http import URL, Auth, Client, Request, Response, is_web_page

PUBLIC_CLOUD = "https://login.microsoftonline.com"

_CODE = re.compile(r"AADSTS(\d+)")
_CLAIMS = re.compile(r'claims="([^"]+)"')
_TENANT = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?")
_WHAT_TO_DO: Mapping[str, str] = {
    "7000222": "the client secret has expired; create a new one under Certificates & secrets and save it in the connection",
    "7000215": "the client secret is not accepted; copy its value (not its id) again and save it in the connection",
    "7000216": "the client secret is missing or not accepted; save it in the connection again",
    "700016": "the application is not known in this tenant; check the application id and the tenant, or register it again",
    "700027": "the certificate of the application is not accepted; upload the one that the connection uses",
    "7000112": "the application is disabled in this tenant; enable its enterprise application again",
    "7000229": "the application has no service principal in this tenant; grant it admin consent",
    "53003": "a Conditional Access policy blocks the application; exclude it, or allow the address of the hub",
    "50034": "the account is not known in this tenant; check the tenant and the application id",
}


def refusal(description: str) -> ConnectorError:
    """The error for what Entra answered instead of a token, by its code; the text quotes nothing else of the answer."""
    found = _CODE.search(description)
    code = found[1] if found else ""
    if code in ("90002", "900021", "90013"):
        return ConfigError(f"Microsoft Entra knows no such tenant (AADSTS{code}); check the tenant id of the connection")
    if code in ("500011", "70011", "500013", "28002"):
        return ConfigError(f"Microsoft Entra knows no such service in this tenant (AADSTS{code}); check the URL of the connection")
    told = _WHAT_TO_DO.get(code, "check the application, its secret and its consent in the Entra admin centre")
    return AuthError(f"Microsoft Entra refuses the sign-in{f' (AADSTS{code})' if code else ''}: {told}")


def checked_authority(value: str) -> str:
    """The address of a sign-in service without a path; ValueError says what is wrong with it."""
    parts = urlsplit(value.strip())
    if parts.hostname is None or parts.scheme not in ("https", "http") or (parts.scheme == "http" and parts.hostname not in LOOPBACK):
        raise ValueError(f"write the sign-in address with https, such as {PUBLIC_CLOUD}")
    if parts.username or parts.password or parts.query or parts.path.strip("/"):
        raise ValueError("leave out everything after the host of the sign-in address; the tenant has a field of its own")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def checked_tenant(value: str) -> str:
    """A tenant's id or domain; ValueError says what is wrong with it."""
    text = value.strip()
    if not _TENANT.fullmatch(text) or text.lower() in ("common", "organizations", "consumers"):
        raise ValueError("write the tenant's id or one of its domains, such as contoso.onmicrosoft.com; an application has one tenant")
    return text


TenantId = Annotated[
    str,
    Field(title="Tenant id", description="Of the Microsoft Entra tenant: its id, or one of its domains.", max_length=200),
    AfterValidator(checked_tenant),
]
ClientId = Annotated[str, Field(title="Application id", min_length=1, max_length=100)]
ClientSecret = Annotated[
    SecretStr,
    Field(title="Client secret", description="The value (not the id) of a secret of that app registration.", min_length=1, max_length=500),
]
SecretExpiry = Annotated[
    date | None,
    Field(title="Secret expires on", description="As the app registration shows it. The hub gives notice before that day."),
]
Authority = Annotated[
    str,
    Field(title="Sign-in address", description="Only for national clouds, such as https://login.microsoftonline.us."),
    AfterValidator(checked_authority),
]
"""What an admin types of an application, as fields of a connector's config."""


class _Bridge:
    """What MSAL wants of an HTTP client, over the hub's.

    MSAL insists on https: an authority on loopback is told to it so, and spoken to by http. Nothing is sent to any other host: the
    request for a token carries the secret, and where that goes is said by a document from the network.
    """

    def __init__(self, http: Client, authority: str) -> None:
        self._http = http
        self._authority = urlsplit(authority)

    def get(self, url: str, params: Any = None, headers: Any = None, **_: object) -> Response:
        return self._answer(self._http.get(self._address(url), params=params, headers=headers))

    def post(self, url: str, params: Any = None, data: Any = None, headers: Any = None, **_: object) -> Response:
        return self._answer(self._http.post(self._address(url), params=params, data=data, headers=headers))

    def close(self) -> None:
        """The client is not this bridge's to close."""

    def _address(self, url: str) -> URL:
        parts = urlsplit(url)
        if parts.netloc.lower() != self._authority.netloc:
            raise ConfigError(f"the sign-in service at {self._authority.hostname} names another host, {parts.hostname}, for its answers")
        return URL(parts._replace(scheme=self._authority.scheme).geturl())

    def _answer(self, response: Response) -> Response:
        if 300 <= response.status_code < 400 or is_web_page(response):
            raise ConfigError(f"{self._authority.hostname} answered with a web page in place of a sign-in; check the sign-in address")
        return response


class Application(Auth):
    """An application that signs in with its own secret; safe to use from several threads.

    Each request carries its token; one that the service refuses is got anew once, with the claims it asks for.
    """

    def __init__(self, http: Client, resource: str, authority: str, tenant: str, client_id: str, secret: SecretStr) -> None:
        """`http` speaks to the authority; `resource` is the service's address: the token serves nothing else."""
        self._authority, self._tenant, self._client_id, self._secret = authority, tenant, client_id, secret
        self._scope = f"{resource.rstrip('/')}/.default"
        self._http = http
        self._lock = threading.Lock()
        self._library: Any = None
        self._token: str | None = None

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        token = self.token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self.token(refused=token, claims=_claims(response))}"
            yield request

    def token(self, refused: str | None = None, claims: str | None = None) -> str:
        """An access token that is not `refused`; raises AuthError or ConfigError where there is none to be had."""
        with self._lock:
            if refused is not None and self._token == refused:
                self._library = None  # its cache holds the refused one
            answer = self._asked(claims)
            token = answer.get("access_token")
            if not isinstance(token, str):
                raise refusal(f"{answer.get('error_description') or ''} {answer.get('error') or ''}")
            self._token = token
            return token

    def _asked(self, claims: str | None) -> dict[str, Any]:
        try:
            if self._library is None:
                self._library = self._made()
            answer: dict[str, Any] = self._library.acquire_token_for_client([self._scope], claims_challenge=claims) or {}
        except ConnectorError:
            raise
        except ValueError as error:
            # Raised for a tenant that is not there and for an answer that is not JSON; MSAL's text, or that of what caused it, quotes it.
            told = f"{error} {error.__context__}"
            raise (
                refusal(told)
                if _CODE.search(told)
                else TransientError(f"the sign-in service at {urlsplit(self._authority).hostname} sent an unreadable answer")
            ) from None
        return answer

    def _made(self) -> Any:
        from msal import ConfidentialClientApplication  # it loads requests and cryptography: only where somebody signs in

        host = urlsplit(self._authority).netloc
        return ConfidentialClientApplication(
            self._client_id,
            client_credential=self._secret.get_secret_value(),
            authority=f"https://{host}/{self._tenant}",
            http_client=_Bridge(self._http, self._authority),
            instance_discovery=False,  # the admin has chosen the authority: nobody else is asked whether it is one
        )


@contextmanager
def signed_in(
    context: Context, address: str, certificates: str | None, authority: str, tenant: str, client_id: str, secret: SecretStr
) -> Iterator[Client]:
    """A client for the service at `address` whose requests carry the application's token."""
    verify = certificates or True
    with context.http(authority, None, verify) as entra:
        application = Application(entra, address, authority, tenant, client_id, secret)
        with context.http(address, application, verify) as http:
            yield http


def _claims(response: httpx.Response) -> str | None:
    """The claims that a challenge wants in the next token (continuous access evaluation); None for none."""
    found = _CLAIMS.search(response.headers.get("www-authenticate", ""))
    if found is None:
        return None
    text = found[1]
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
