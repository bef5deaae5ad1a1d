"""OAuth 2.0 with Atlassian (3LO): a person's consent, exchanged for tokens that rotate.

An access token lives for an hour. A refresh token is used up by its use: the one that comes with the answer is the only one that counts
from then on, so it is stored before anything is done with the answer. Two processes may refresh at the same instant; the one that comes
second to store takes what the first has stored.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from pmo_hub.sdk.authorizing import Authorization
from pmo_hub.sdk.contract import Context
from pmo_hub.sdk.errors import AuthError, ConfigError, ReauthError, TransientError
from pmo_hub.sdk.http import Auth, Client, Request, Response, error_of
from pmo_hub_jira.config import JiraConfig
from pmo_hub_jira.ways import OAuth

SCOPES = (
    "read:jira-work", "read:jira-user", "read:board-scope:jira-software", "read:board-scope.admin:jira-software",
    "read:sprint:jira-software", "read:project:jira", "offline_access",
)  # fmt: skip
"""What the consent is asked for; without the last there is no refresh token."""

EARLY = timedelta(minutes=1)
"""An access token is renewed so long before its end, so that no request under way outlives it."""

UNUSED_LIFE = timedelta(days=90)
WHOLE_LIFE = timedelta(days=365)
"""How long refresh tokens work: since the last one was used, and since the consent."""


@dataclass(frozen=True, slots=True)
class Atlassian:
    """Where Atlassian's own services are; tests bring theirs, no admin can."""

    authorize: str = "https://auth.atlassian.com/authorize"
    token: str = "https://auth.atlassian.com/oauth/token"
    gateway: str = "https://api.atlassian.com"


class Tokens(Struct, frozen=True):
    """What is stored, encrypted. Times are aware UTC; `consented_at` is when a person last agreed."""

    access: str
    access_until: datetime
    refresh: str
    refreshed_at: datetime
    consented_at: datetime

    @property
    def expires_at(self) -> datetime:
        return min(self.refreshed_at + UNUSED_LIFE, self.consented_at + WHOLE_LIFE)

    def __repr__(self) -> str:
        return f"Tokens(until {self.access_until:%Y-%m-%dT%H:%M:%SZ})"


class _Granted(Struct):
    access_token: str
    expires_in: int
    refresh_token: str | None = None


class _Refusal(Struct):
    error: str | None = None


class _Resource(Struct):
    id: str
    url: str | None = None


_TOKENS = msgspec.json.Decoder(Tokens)
_GRANTED = msgspec.json.Decoder(_Granted)
_REFUSAL = msgspec.json.Decoder(_Refusal)
_RESOURCES = msgspec.json.Decoder(list[_Resource])


class Refused(Exception):
    """Atlassian gives no tokens for what it was shown."""


def _exchanged(http: Client, atlassian: Atlassian, way: OAuth, shown: Mapping[str, str]) -> _Granted:
    """The tokens for a code or for a refresh token; raises Refused, or AuthError where the app itself is refused."""
    body = {"client_id": way.client_id, "client_secret": way.client_secret.get_secret_value(), **shown}
    # A retry after a lost answer shows a refresh token that is used up already: Atlassian bears that for ten minutes.
    response = http.post(atlassian.token, json=body)
    if response.status_code in (400, 401, 403):
        try:
            said = _REFUSAL.decode(response.content).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = None
        if said in ("invalid_client", "unauthorized_client", "access_denied"):
            raise AuthError(
                "Atlassian does not accept the client id and secret; copy both again from the app's settings at "
                "developer.atlassian.com and save them in the connection"
            )
        raise Refused
    if error := error_of(response, "Atlassian's sign-in"):
        raise error
    granted: _Granted = _read(_GRANTED, response, "answer to the exchange of tokens")
    return granted


def _read(decoder: msgspec.json.Decoder[Any], response: Response, what: str) -> Any:
    try:
        return decoder.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The decoder's own words could quote what it read: a token.
        raise TransientError(f"Atlassian sent an unreadable {what}") from None


class Grant:
    """The tokens of one connection, renewed as they end; safe to use from several threads and beside other processes."""

    def __init__(self, context: Context, http: Client, atlassian: Atlassian, way: OAuth) -> None:
        self._context = context
        self._http = http
        self._atlassian = atlassian
        self._way = way
        self._lock = threading.Lock()
        self._held: Tokens | None = None

    def access(self, refused: str | None = None) -> str:
        """An access token that still lives, and is not `refused`; raises ReauthError where a person has to consent again."""
        with self._lock:
            if not self._serves(self._held, refused):
                tokens, version = self._stored()  # another process may have renewed them
                self._held = tokens if self._serves(tokens, refused) else self._renewed(tokens, version)
            assert self._held is not None
            return self._held.access

    def expires_at(self) -> datetime | None:
        """When nobody could renew them any more."""
        value, _ = self._context.credentials.load()
        return _TOKENS.decode(value).expires_at if value else None

    def _serves(self, tokens: Tokens | None, refused: str | None) -> bool:
        return tokens is not None and tokens.access != refused and tokens.access_until - EARLY > self._context.now()

    def _stored(self) -> tuple[Tokens, int]:
        value, version = self._context.credentials.load()
        if not value:
            raise ReauthError("nobody has signed in to Atlassian for this connection yet; authorize it")
        return _TOKENS.decode(value), version

    def _renewed(self, tokens: Tokens, version: int) -> Tokens:
        shown = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
        try:
            granted = _exchanged(self._http, self._atlassian, self._way, shown)
        except Refused:
            newer, now_stored = self._stored()
            if now_stored != version:
                return newer  # another process came first and used the token up
            raise ReauthError(
                "Atlassian no longer accepts this connection's sign-in: it went unused for 90 days, is a year old, or was withdrawn; "
                "authorize the connection again"
            ) from None
        now = self._context.now()
        until = now + timedelta(seconds=granted.expires_in)
        renewed = Tokens(granted.access_token, until, granted.refresh_token or tokens.refresh, now, tokens.consented_at)
        if self._context.credentials.save(msgspec.json.encode(renewed), version):
            return renewed
        return self._stored()[0]


class RotatingBearer(Auth):
    """Each request carries an access token; one that Atlassian refuses before its time is renewed once."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        token = self._grant.access()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = f"Bearer {self._grant.access(refused=token)}"
            yield request


class JiraAuthorize:
    """The consent: to Atlassian's page and back."""

    def __init__(self, atlassian: Atlassian) -> None:
        self._atlassian = atlassian

    def applies(self, config: JiraConfig) -> bool:
        return isinstance(config.way, OAuth)

    def start(self, config: JiraConfig, redirect: str) -> Authorization:
        way = _way(config)
        state = secrets.token_urlsafe(32)
        query = {
            "audience": "api.atlassian.com",
            "client_id": way.client_id,
            "scope": " ".join(SCOPES),
            "redirect_uri": redirect,
            "state": state,
            "response_type": "code",
            "prompt": "consent",
        }
        return Authorization(f"{self._atlassian.authorize}?{urlencode(query)}", state, {"redirect": redirect})

    def finish(self, config: JiraConfig, kept: Mapping[str, str], answer: Mapping[str, str], context: Context) -> None:
        way = _way(config)
        code = answer.get("code")
        if not code:
            said = " ".join((answer.get("error_description") or answer.get("error") or "no code came back").split())[:200]
            raise AuthError(f"Atlassian gave no consent ({said}); start again and accept what the app asks for")
        shown = {"grant_type": "authorization_code", "code": code, "redirect_uri": kept["redirect"]}
        verify = config.verify or True
        with context.http(config.url, None, verify) as site, context.http(self._atlassian.gateway, None, verify) as http:
            cloud_id = config.gateway_id or tenant(site)
            try:
                granted = _exchanged(http, self._atlassian, way, shown)
            except Refused:
                raise AuthError("Atlassian does not know the code of this sign-in, or it came too late; start again") from None
            if not granted.refresh_token:
                raise AuthError("Atlassian gave no refresh token; allow the scope offline_access to the app and start again")
            self._refuse_other_site(http, granted.access_token, cloud_id, config.url)
        now = context.now()
        tokens = Tokens(granted.access_token, now + timedelta(seconds=granted.expires_in), granted.refresh_token, now, now)
        while not context.credentials.save(msgspec.json.encode(tokens), context.credentials.load()[1]):
            pass  # a run renewed the older ones in this instant; a person's consent is newer

    def _refuse_other_site(self, http: Client, access: str, cloud_id: str, url: str) -> None:
        """Raises AuthError where the consent is not for the site of the connection."""
        headers = {"Authorization": f"Bearer {access}"}
        response = http.get(f"{self._atlassian.gateway}/oauth/token/accessible-resources", headers=headers)
        if error := error_of(response, "Atlassian"):
            raise error
        allowed: list[_Resource] = _read(_RESOURCES, response, "list of sites")
        if cloud_id not in {site.id for site in allowed}:
            names = ", ".join(sorted(filter(None, (urlsplit(site.url or "").hostname for site in allowed)))) or "no site"
            raise AuthError(f"the consent was given for {names} and not for {urlsplit(url).hostname}; start again and choose that site")


def _way(config: JiraConfig) -> OAuth:
    if not isinstance(config.way, OAuth):
        raise ConfigError(f"this connection signs in with {config.way.title}, so nobody has to authorize it")
    return config.way


class _Tenant(Struct, rename="camel"):
    cloud_id: str | None = None


_TENANT = msgspec.json.Decoder(_Tenant)


def tenant(site: Client) -> str:
    """The cloud id of the site that `site` speaks to, without a credential; raises ConfigError where it has none."""
    response = site.get("/_edge/tenant_info")
    host = site.base_url.host
    error = error_of(response, "Jira")
    if isinstance(error, TransientError):
        raise error
    cloud_id = _read(_TENANT, response, "cloud id").cloud_id if error is None else None
    if not cloud_id:
        raise ConfigError(f"{host} tells no cloud id, so it is no site of Jira Cloud; check the URL of the connection")
    return str(cloud_id)
