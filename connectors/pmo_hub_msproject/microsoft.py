"""Sign-in with Microsoft on behalf of a person, as Project Online wants it: MSAL over the hub's own HTTP, its cache in the hub's store.

The cache holds a refresh token that is exchanged for another one when it is used. It is stored by compare-and-swap: who comes second takes
what the first one stored, and a refusal counts only if nobody else has stored since.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from pmo_hub.sdk.authorizing import Authorization
from pmo_hub.sdk.contract import Context
from pmo_hub.sdk.errors import AuthError, ConfigError, ReauthError, TransientError
from pmo_hub.sdk.http import URL, Auth, Client, Request, Response
from pmo_hub_msproject.config import MsProjectConfig
from pmo_hub_msproject.ways import AuthorizationCode, Cloud, DeviceCode

if TYPE_CHECKING:
    from msal import ClientApplication, SerializableTokenCache

EARLY = timedelta(minutes=2)
UNUSED_LIFE = timedelta(days=90)
"""So long a refresh token works that nobody uses."""

_CODE = re.compile(r"AADSTS\d+")
_CLAIMS = re.compile(r'claims="([^"]+)"')
_SIGN_IN_AGAIN = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required", "expired_token"})
_APP = frozenset({"invalid_client", "unauthorized_client"})
_LATER = frozenset({"temporarily_unavailable", "server_error"})


@dataclass(frozen=True, slots=True)
class Microsoft:
    """Where Microsoft's sign-in services are. `served_at` stands for all of them in tests; no admin can set it."""

    authorities: Mapping[Cloud, str] = field(
        default_factory=lambda: {
            Cloud.GLOBAL: "https://login.microsoftonline.com",
            Cloud.US_GOVERNMENT: "https://login.microsoftonline.us",
            Cloud.CHINA: "https://login.partner.microsoftonline.cn",
        }
    )
    served_at: str | None = None

    def authority(self, config: MsProjectConfig) -> str:
        return f"{self.authorities[config.cloud]}/{_way(config).tenant}"


class _Answer:
    """What MSAL wants to see of a response."""

    def __init__(self, response: Response) -> None:
        self.status_code = response.status_code
        self.text = response.text
        self.headers = response.headers

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise TransientError(f"Microsoft's sign-in service failed with status {self.status_code}")


class _Http:
    """MSAL's HTTP client over the hub's: throttled and retried as everything else, and to the sign-in service only."""

    def __init__(self, client: Client, authority: str, served_at: str | None) -> None:
        self._client = client
        self._authority = URL(authority)
        self._served_at = served_at

    def get(self, url: str, params: Any = None, headers: Any = None, **_: Any) -> _Answer:
        return _Answer(self._client.get(self._address(url), params=params, headers=headers))

    def post(self, url: str, params: Any = None, data: Any = None, headers: Any = None, **_: Any) -> _Answer:
        return _Answer(self._client.post(self._address(url), params=params, data=data, headers=headers))

    def close(self) -> None:
        """The client is not this one's to close."""

    def _address(self, url: str) -> URL:
        found = URL(url)
        if (found.scheme, found.host) != (self._authority.scheme, self._authority.host):
            raise ConfigError(f"Microsoft's sign-in service names {found.host}, which is not its own host; nothing was sent there")
        return found if self._served_at is None else URL(self._served_at).join(found.raw_path.decode("ascii"))


class Grant:
    """What a person consented to, for one connection; safe to use from several threads and beside other processes."""

    def __init__(self, context: Context, http: Client, microsoft: Microsoft, config: MsProjectConfig) -> None:
        self._context = context
        self._config = config
        self._microsoft = microsoft
        self._http = http
        self._lock = threading.Lock()
        self._held: tuple[str, datetime] | None = None

    def access(self, refused: str | None = None, claims: str | None = None) -> str:
        """An access token that still lives, and is not `refused`; raises ReauthError where a person has to sign in again."""
        with self._lock:
            if self._held is None or self._held[0] == refused or self._held[1] - EARLY <= self._context.now():
                self._held = self._acquired(refused, claims)
            return self._held[0]

    def account(self) -> str:
        """Whose sign-in it is."""
        value, _ = self._context.credentials.load()
        accounts = _held(value).get("Account", {}).values()
        return next((str(one.get("username")) for one in accounts if one.get("username")), "the person who authorized it")

    def expires_at(self) -> datetime | None:
        """When the refresh token ends if nobody uses it; None before somebody has signed in."""
        value, _ = self._context.credentials.load()
        times = [int(one.get("last_modification_time") or 0) for one in _held(value).get("RefreshToken", {}).values()]
        newest = max(times, default=0)
        return datetime.fromtimestamp(newest, UTC) + UNUSED_LIFE if newest else None

    def _acquired(self, refused: str | None, claims: str | None) -> tuple[str, datetime]:
        value, version = self._context.credentials.load()
        while True:
            if not value:
                raise ReauthError("Nobody has signed in to Microsoft for this connection yet; authorize it")
            cache = _cache(value)
            found = self._silently(cache, refused, claims)
            if "access_token" in found:
                if cache.has_state_changed:
                    self._context.credentials.save(cache.serialize().encode(), version)
                return found["access_token"], self._context.now() + timedelta(seconds=int(found.get("expires_in") or 0))
            newer, now_stored = self._context.credentials.load()
            if now_stored == version:
                raise _error(found)
            value, version = newer, now_stored  # another process came first and used the refresh token up

    def _silently(self, cache: SerializableTokenCache, refused: str | None, claims: str | None) -> dict[str, Any]:
        app = application(self._config, self._http, self._microsoft, cache)
        accounts = app.get_accounts()
        if not accounts:
            return {"error": "login_required"}
        wanted = scopes(self._config)
        found = app.acquire_token_silent_with_error(wanted, accounts[0], claims_challenge=claims) or {"error": "login_required"}
        if refused is not None and found.get("access_token") == refused:
            found = app.acquire_token_silent_with_error(wanted, accounts[0], force_refresh=True) or {"error": "login_required"}
        return dict(found)


class RotatingBearer(Auth):
    """Each request carries an access token; one that the site refuses before its time, or wants more claims of, is renewed once."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        token = self._grant.access()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self._grant.access(token, _claims(response))}"
            yield request


class MicrosoftAuthorize:
    """The sign-in of a person: to Microsoft's page and back, or with a code that is typed there."""

    def __init__(self, microsoft: Microsoft) -> None:
        self._microsoft = microsoft

    def applies(self, config: MsProjectConfig) -> bool:
        return isinstance(config.way, DeviceCode)

    def prompts(self, config: MsProjectConfig) -> bool:
        return isinstance(config.way, DeviceCode) and not isinstance(config.way, AuthorizationCode)

    def start(self, config: MsProjectConfig, redirect: str) -> Authorization:
        way, state, verifier = _way(config), secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        nonce = secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = [*scopes(config), "offline_access", "openid", "profile"]
        query = {
            "client_id": way.client_id, "response_type": "code", "redirect_uri": redirect, "response_mode": "query",
            "scope": " ".join(asked), "state": state, "code_challenge": challenge, "code_challenge_method": "S256",
            "prompt": "select_account", "nonce": hashlib.sha256(nonce.encode()).hexdigest(),
        }  # fmt: skip
        kept = {"redirect": redirect, "verifier": verifier, "state": state, "nonce": nonce}
        return Authorization(f"{self._microsoft.authority(config)}/oauth2/v2.0/authorize?{urlencode(query)}", state, kept)

    def prompt(self, config: MsProjectConfig, context: Context) -> Authorization:
        with self._http(config, context) as http:
            flow = application(config, http, self._microsoft, _cache(b"")).initiate_device_flow(scopes(config))
        if "user_code" not in flow:
            raise _error(flow)
        return Authorization(flow["verification_uri"], secrets.token_urlsafe(32), {"flow": json.dumps(flow)}, flow["user_code"])

    def finish(self, config: MsProjectConfig, kept: Mapping[str, str], answer: Mapping[str, str], context: Context) -> None:
        cache = _cache(b"")
        with self._http(config, context) as http:
            app = application(config, http, self._microsoft, cache)
            if "flow" in kept:
                # Asked once: with the end in the past, MSAL does not wait for the person.
                found = app.acquire_token_by_device_flow(json.loads(kept["flow"]) | {"expires_at": 0})
            else:
                flow = {
                    "state": kept["state"], "redirect_uri": kept["redirect"], "code_verifier": kept["verifier"], "scope": scopes(config),
                    "nonce": kept["nonce"],
                }  # fmt: skip
                try:
                    found = app.acquire_token_by_auth_code_flow(flow, {**answer, "state": kept["state"]})
                except (RuntimeError, ValueError):  # the answer is not one to what was asked
                    raise AuthError("Microsoft's answer does not belong to this sign-in; start again") from None
        if found.get("error") in ("authorization_pending", "slow_down"):
            raise TransientError("Nobody has typed the code at Microsoft's page yet", timedelta(seconds=5))
        if "access_token" not in found:
            raise _refused(found)
        if not cache.search(cache.CredentialType.REFRESH_TOKEN):
            raise AuthError("Microsoft gave no refresh token; allow the app offline_access and start again")
        while not context.credentials.save(cache.serialize().encode(), context.credentials.load()[1]):
            pass  # a run renewed the older one in this instant; a person's consent is newer

    def _http(self, config: MsProjectConfig, context: Context) -> Client:
        return context.http(self._microsoft.authority(config), None, True)


def scopes(config: MsProjectConfig) -> list[str]:
    """What the app registration was granted for the tenant's SharePoint; of the host, not of the PWA site."""
    return [f"{config.host}/.default"]


def application(config: MsProjectConfig, http: Client, microsoft: Microsoft, cache: SerializableTokenCache) -> ClientApplication:
    import msal

    way, authority = _way(config), microsoft.authority(config)
    secret = way.client_secret.get_secret_value() if isinstance(way, AuthorizationCode) and way.client_secret else None
    options = {
        "authority": authority, "token_cache": cache, "instance_discovery": False,
        "http_client": _Http(http, authority, microsoft.served_at),
    }  # fmt: skip
    try:
        if secret is not None:
            return msal.ConfidentialClientApplication(way.client_id, client_credential=secret, **options)
        return msal.PublicClientApplication(way.client_id, **options)
    except ValueError:
        raise ConfigError(f"Microsoft's sign-in service does not know the tenant {way.tenant}; correct it in the connection") from None


def _cache(value: bytes) -> SerializableTokenCache:
    from msal import SerializableTokenCache

    cache = SerializableTokenCache()
    if value:
        cache.deserialize(value.decode())
    return cache


def _held(value: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value) if value else {}
    return found


def _way(config: MsProjectConfig) -> DeviceCode:
    if not isinstance(config.way, DeviceCode):
        raise ConfigError(f"this connection signs in with {config.way.title}, so nobody has to authorize it")
    return config.way


def _claims(response: Response) -> str | None:
    """What the site wants to see in the token besides (continuous access evaluation), as JSON."""
    found = _CLAIMS.search(response.headers.get("www-authenticate", ""))
    if found is None:
        return None
    try:
        return base64.b64decode(found[1] + "==").decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _error(found: Mapping[str, Any]) -> Exception:
    """Whose turn it is after such an answer. Microsoft's own text is left out but for its number: it quotes ids."""
    error, number = str(found.get("error") or ""), _CODE.search(str(found.get("error_description") or ""))
    told = number[0] if number else error or "no reason given"
    if error in _SIGN_IN_AGAIN:
        return ReauthError(
            f"Microsoft no longer accepts this connection's sign-in ({told}): it went unused too long, the password changed or it was "
            "withdrawn; authorize the connection again"
        )
    if error in _APP:
        return AuthError(f"Microsoft does not accept the app registration ({told}); check its client id, secret and permissions")
    if error in _LATER:
        return TransientError(f"Microsoft's sign-in service can't answer now ({told})")
    return AuthError(f"Microsoft gave no token ({told}); check the tenant, the app registration and its permissions")


def _refused(found: Mapping[str, Any]) -> Exception:
    """The same of a sign-in that a person has just tried."""
    error = str(found.get("error") or "")
    if error in _APP or error in _LATER:
        return _error(found)
    number = _CODE.search(str(found.get("error_description") or ""))
    return AuthError(f"Microsoft gave no consent ({number[0] if number else error or 'no code came back'}); start again and accept the app")
