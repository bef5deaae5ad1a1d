"""The one HTTP client of every connector: throttled, retried, its errors sorted by who has to act, without secrets in its words.

httpx is imported in this module only (the contract names its type), so that another client with the same interface is one line away.
A request's retries live here and nowhere else.
"""

from __future__ import annotations

import random
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from pmo_hub.sdk.errors import AddressError, AuthError, ConfigError, ConnectorError, TransientError
from pmo_hub.sdk.quota import quota_of
from pmo_hub.sdk.throttle import LONGEST_WAIT_S, LocalThrottle, Throttle

__all__ = [
    "LONGEST_WAIT_S", "URL", "BasicAuth", "Client", "Clockwork", "LocalThrottle", "Policy", "Response", "Throttle", "client", "error_of",
    "is_web_page", "redact",
]  # fmt: skip

Client = httpx.Client
Response = httpx.Response
URL = httpx.URL
Auth = httpx.Auth
BasicAuth = httpx.BasicAuth
Request = httpx.Request

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 60.0
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
_NO_SUCH_HOST = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and how long one request is tried; `base_s` doubles with each attempt up to `cap_s`, and the wait is drawn below it."""

    attempts: int = 5
    total_s: float = 300.0
    base_s: float = 0.5
    cap_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Clockwork:
    """What retries read and wait by; tests put their own in."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    draw: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class _Failure:
    why: str
    asked_s: float | None = None
    refused: bool = False
    reason: str | None = None
    nowhere: bool = False


@cache
def _trust() -> ssl.SSLContext:
    """Loading the system's certificates takes longer than a quiet poll: once a process is enough."""
    return httpx.create_ssl_context()


def _trusting(authority: str) -> ssl.SSLContext:
    """Trusts the certificates of a text in PEM format, or of the file that it names, and no others; raises ConfigError."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    is_text = "-----BEGIN" in authority
    try:
        trust.load_verify_locations(cadata=authority) if is_text else trust.load_verify_locations(cafile=authority)
    except (OSError, ValueError):
        what = "the text given" if is_text else f"the file {authority}"
        raise ConfigError(f"{what} as certificate authority can't be read as certificates in PEM format; check the connection") from None
    return trust


def client(
    base: str,
    auth: httpx.Auth | None = None,
    verify: bool | str = True,
    *,
    throttle: Throttle,
    policy: Policy | None = None,
    clockwork: Clockwork | None = None,
    proxy: str | None = None,
) -> httpx.Client:
    """A client for one source whose answers are whole: throttled, retried by `policy`, its body read within the retries.

    Raises TransientError when the attempts or the time are used up, or when the source asks for a wait over `LONGEST_WAIT_S`. Every
    request is retried, POST too: connectors only read. Redirects are not followed: a credential stays with its host. `verify` as text
    is a certificate authority in PEM format, or the path of a file with one. Any `auth` but Basic keeps cookies.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    trust = _trust() if verify is True else _trusting(verify) if isinstance(verify, str) else verify
    inner = httpx.HTTPTransport(verify=trust, proxy=proxy, limits=limits)
    transport = _Retrying(inner, throttle, policy or Policy(), clockwork or Clockwork())
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    headers = {"Accept": "application/json", "User-Agent": "pmo-hub"}
    if auth is None:
        return _Direct(transport, base_url=base, timeout=timeout, headers=headers)
    if type(auth) is httpx.BasicAuth:
        headers["Authorization"] = next(auth.auth_flow(httpx.Request("GET", base))).headers["Authorization"]
        return _Direct(transport, base_url=base, timeout=timeout, headers=headers)
    return httpx.Client(base_url=base, auth=auth, transport=transport, timeout=timeout, headers=headers)


class _Direct(httpx.Client):
    """A client whose credential is the same header each time: whole answers go from the transport to the caller.

    What a session would do besides (cookies, redirects, a dialogue to sign in, timing) costs as much as a page's transfer. Cookies are
    not kept at all: with a credential in each request they could only bind it to somebody's session.
    """

    def __init__(self, direct: _Retrying, **options: Any) -> None:
        super().__init__(transport=direct, **options)
        self._direct = direct

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        if stream or self.is_closed or any(value is not httpx.USE_CLIENT_DEFAULT for value in options.values()):
            return super().send(request, stream=stream, **options)
        response = self._direct.handle_request(request)
        response.request = request
        return response


class _Retrying(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, throttle: Throttle, policy: Policy, clockwork: Clockwork) -> None:
        self._inner = inner
        self._throttle = throttle
        self._policy = policy
        self._clock = clockwork

    def close(self) -> None:
        self._inner.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        policy, clock = self._policy, self._clock
        ends_at = clock.monotonic() + policy.total_s
        attempt = 0
        while True:
            attempt += 1
            outcome = self._attempt(request)
            if isinstance(outcome, httpx.Response):
                return outcome
            wait_s = self._wait_s(outcome, attempt)
            if outcome.refused:
                self._throttle.penalise(wait_s, outcome.reason, _endpoint(request))
            asked = None if outcome.asked_s is None else timedelta(seconds=max(1.0, outcome.asked_s))
            if outcome.asked_s is not None and outcome.asked_s > LONGEST_WAIT_S:
                raise TransientError(f"{request.url.host} {outcome.why} and asked for a wait of {outcome.asked_s:.0f} s", asked)
            if attempt >= policy.attempts or clock.monotonic() + wait_s > ends_at:
                kind = AddressError if outcome.nowhere else TransientError
                raise kind(f"{request.url.host} {outcome.why}, {attempt} attempts in a row", asked)
            clock.sleep(wait_s)

    def _attempt(self, request: httpx.Request) -> httpx.Response | _Failure:
        self._throttle.acquire(_endpoint(request))
        try:
            response = self._inner.handle_request(request)
            try:
                response = _whole(response)
            finally:
                response.close()
        except httpx.UnsupportedProtocol:
            why = "its address is not one of http or https"
        except httpx.TimeoutException:
            return _Failure("did not answer in time")
        except (httpx.TransportError, httpx.DecodingError) as error:
            why = str(error)
            if "CERTIFICATE" not in why:
                return _Failure(_broken(error, why), nowhere=_is_nowhere(error))
            why = "its TLS certificate can't be verified; check the URL, or the certificate authority of your network"
        else:
            return self._judge(response)
        finally:
            self._throttle.release()
        # Raised here, outside the handler: the library's own error holds the request and its Authorization header.
        raise ConfigError(f"{request.url.host} can't be spoken to: {why}")

    def _judge(self, response: httpx.Response) -> httpx.Response | _Failure:
        status, headers = response.status_code, response.headers
        quota = quota_of(headers.raw, self._clock.now)
        if quota is not None:
            self._throttle.note(quota)
        if status in RETRIED_STATUSES:
            refused = status == 429 or "retry-after" in headers
            asked_s = _retry_after_s(headers.get("retry-after"), headers.get("date"), self._clock.now)
            if asked_s is None and status == 429 and quota is not None and quota.is_binding and quota.remaining == 0:
                asked_s = quota.resets_in_s
            why = "refuses more requests for now (429)" if status == 429 else f"failed with status {status}"
            return _Failure(why, asked_s, refused, headers.get("ratelimit-reason"))
        if status == 200 and _is_cut(response.content):
            return _Failure("sent only a part of its answer")
        return response

    def _wait_s(self, failure: _Failure, attempt: int) -> float:
        draw = self._clock.draw()
        if failure.asked_s is not None:
            # 0 is asked for with 429 now and then: at least a second, and not all of us in the same instant.
            return max(1.0, failure.asked_s) + draw
        drawn: float = draw * min(self._policy.cap_s, self._policy.base_s * 2.0**attempt)
        return max(1.0, drawn) if failure.refused else drawn


def _endpoint(request: httpx.Request) -> str:
    return f"{request.method} {request.url.raw_path.partition(b'?')[0].decode('ascii', 'replace')}"


def _whole(response: httpx.Response) -> httpx.Response:
    """The answer with its body, taken from the transport's stream at once; each chunk would pass four generators otherwise."""
    if "content-encoding" in response.headers or not isinstance(response.stream, httpx.SyncByteStream):
        response.read()
        return response
    body = b"".join(response.stream)
    response.close()
    return httpx.Response(response.status_code, headers=response.headers, content=body, extensions=response.extensions)


def _broken(error: Exception, text: str) -> str:
    if isinstance(error, httpx.ConnectError):
        if "Name or service" in text or "nodename" in text or "name resolution" in text or "No address" in text:
            return "has no address that could be found; check the URL"
        return "can't be reached"
    return "broke off its answer"


def _is_nowhere(error: BaseException | None) -> bool:
    """Whether the name service answered that there is no such host; one that can't answer for now says nothing about that."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return error.errno in _NO_SUCH_HOST
        error = error.__cause__ or error.__context__
    return False


def _is_cut(body: bytes) -> bool:
    """A JSON object or array without its end: a proxy's cut that kept the framing intact."""
    first, last = body[:1], body[-1:]
    if first not in (b"{", b"["):
        return False
    if last.isspace():
        last = body.rstrip()[-1:]
    return last != (b"}" if first == b"{" else b"]")


def _retry_after_s(value: str | None, date: str | None, now: Callable[[], datetime]) -> float | None:
    """Seconds to wait; an HTTP-date is read against the server's own clock where the answer tells it."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        server = parsedate_to_datetime(date) if date else now()
        return max(0.0, (until - server).total_seconds())
    except (TypeError, ValueError):
        return None


def error_of(response: httpx.Response, source: str) -> ConnectorError | None:
    """None for an answer in JSON or without a body; else the error that says in one sentence who has to do what."""
    status, host = response.status_code, response.request.url.host
    if status == 401:
        detail = "has expired" if b"expired" in response.content.lower() else "is not accepted"
        return AuthError(f"{source} at {host}: the credential {detail} (401); create a new one and save it in the connection")
    if status == 403:
        return AuthError(f"{source} at {host} forbids this (403); check the permissions of the account and its token")
    if status == 410:
        return ConfigError(f"{source} at {host} has removed {response.request.url.path} (410); update pmo-hub")
    if status in RETRIED_STATUSES:
        return TransientError(f"{source} at {host} failed with status {status}")
    if 300 <= status < 400:
        return ConfigError(f"{source} at {host} redirects elsewhere ({status}); check the URL of the connection")
    if is_web_page(response):
        return ConfigError(f"{source} at {host} answered with a web page, not JSON; check the URL of the connection")
    if status >= 500:
        return TransientError(f"{source} at {host} failed with status {status}")
    if status >= 400:
        return ConfigError(f"{source} at {host} refused the request with status {status}")
    return None


def is_web_page(response: httpx.Response) -> bool:
    """Whether a log-in page, a proxy's notice or the like came in place of an answer, whatever its status."""
    return "html" in response.headers.get("content-type", "") or response.content[:64].lstrip()[:1] == b"<"


_SECRETS = re.compile(
    r"(?i)(authorization\"?'?\s*[:=]\s*\"?'?(?:basic|bearer|oauth)?\s*|\b(?:token|key|secret|password|api_key)=|://[^/\s:@]+:)[^\s&\"',;@]+"
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets, Authorization values, passwords in addresses and secret query values."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return _SECRETS.sub(r"\1***", text)
