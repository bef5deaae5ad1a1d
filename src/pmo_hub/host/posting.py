"""Posting to endpoints that somebody has named: connects only to addresses that were looked at, follows nothing, waits for nobody long.

httpcore is used as it is: the connection is what has to be watched, and above it nothing of httpx is wanted (redirects, cookies, proxies
of the environment).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import unicodedata
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Protocol

import httpcore

from pmo_hub import __version__
from pmo_hub.domain.delivery import Answer
from pmo_hub.domain.formats import Body
from pmo_hub.host.addresses import Network, is_listed, is_public, parsed

TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 5.0
MOST_READ_BYTES = 16 * 1024
EXCERPT = 1_000
MOST_CONNECTIONS = 32
RESOLVERS = 32


class RefusedAddress(Exception):
    """The endpoint is where the hub does not post to."""


class Resolve(Protocol):
    """Host and port → the addresses that they stand for, as text; raises OSError."""

    def __call__(self, host: str, port: int) -> Sequence[str]: ...


class Mailer(Protocol):
    """Sends an e-mail; the answer says what the server said."""

    def send(self, sender: str | None, recipients: Sequence[str], body: Body) -> Answer: ...


def resolved(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Guarded(httpcore.AsyncNetworkBackend):
    """Resolves a name, looks at its addresses, and connects to one that may be reached: what was looked at is what is connected to."""

    def __init__(self, allowed: Sequence[Network], resolve: Resolve, *, only_listed: bool) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._only_listed = only_listed
        self._under = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            # Resolvers can hang for long; those of other endpoints must find a thread all the same.
            found = await loop.run_in_executor(_resolvers(), self._resolve, host, port)
        except OSError as error:
            raise httpcore.ConnectError("its name is not known") from error
        reachable = [text for text in found if self._may(text)]
        if not reachable:
            raise RefusedAddress
        failed: Exception | None = None
        for address in reachable:
            try:
                return await self._under.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or RefusedAddress

    def _may(self, text: str) -> bool:
        try:
            address = parsed(text)
        except ValueError:
            return False
        return is_listed(address, self._allowed) or (not self._only_listed and is_public(address))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@cache
def _resolvers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")


@cache
def _trust() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


@dataclass(frozen=True, slots=True)
class Poster:
    """How the hub posts: `allowed` networks may be reached although they are not public, also without TLS."""

    allowed: tuple[Network, ...] = ()
    timeout_s: float = TIMEOUT_S
    resolve: Resolve = field(default=resolved)

    @asynccontextmanager
    async def opened(self, most_connections: int = MOST_CONNECTIONS) -> AsyncIterator[Posting]:
        """Connections to one endpoint; used again while it stands."""
        posting = Posting(self, most_connections)
        try:
            yield posting
        finally:
            await posting.close()


class Posting:
    """Posts to one endpoint over connections that are kept; made by `Poster.opened`."""

    def __init__(self, poster: Poster, most_connections: int) -> None:
        self._timeout_s = poster.timeout_s
        self._connect_s = min(CONNECT_TIMEOUT_S, poster.timeout_s)
        # Without TLS nobody knows who answers: only within networks that an admin has listed.
        self._pools = {
            plain: httpcore.AsyncConnectionPool(
                ssl_context=None if plain else _trust(),
                max_connections=most_connections,
                keepalive_expiry=30.0,
                network_backend=Guarded(poster.allowed, poster.resolve, only_listed=plain),
            )
            for plain in (False, True)
        }

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], content: bytes, now: datetime) -> Answer:
        """What came of it; never raises for what the endpoint does. `now` is what a Retry-After that names a date is compared with."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        status: int | None = None
        excerpt: str | None = None
        retry_after: timedelta | None = None
        error: str | None = None
        pool = self._pools[url.startswith("http://")]
        sent = [("User-Agent", f"pmo-hub/{__version__}"), ("Accept", "*/*"), *headers.items()]
        limits = {"connect": self._connect_s, "read": self._timeout_s, "write": self._timeout_s, "pool": self._timeout_s}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                pool.stream("POST", url, headers=sent, content=content, extensions={"timeout": limits}) as response,
            ):
                status = response.status
                retry_after = _retry_after(response.headers, now)
                excerpt = await _beginning(response)
        except RefusedAddress:
            error = "The endpoint's address is not public, and not among those that the hub's settings allow: nothing was sent."
        except (TimeoutError, httpcore.TimeoutException):
            error = f"The endpoint did not answer within {self._timeout_s:g} s."
        except httpcore.ConnectError as problem:
            error = f"The endpoint can't be reached: {_shortly(problem)}."
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ssl.SSLError) as problem:
            error = f"The connection broke off: {_shortly(problem)}."
        except (httpcore.UnsupportedProtocol, UnicodeError, ValueError) as problem:
            error = f"The endpoint's address can't be used: {_shortly(problem)}."
        return Answer(status, round((loop.time() - begun) * 1000), error, excerpt, retry_after)


async def _beginning(response: httpcore.Response) -> str:
    """The answer's text as far as it is of interest; what comes after MOST_READ_BYTES is not waited for."""
    read = b""
    async for part in response.aiter_stream():
        read += part
        if len(read) >= MOST_READ_BYTES:
            break
    return clean(read[:MOST_READ_BYTES].decode("utf-8", "replace"), EXCERPT)


def clean(text: str, most: int) -> str:
    """A foreign text without control characters but line ends, cut."""
    kept = "".join(one for one in text[: 4 * most] if one in "\n\t" or unicodedata.category(one)[0] != "C")
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def _retry_after(headers: Iterable[tuple[bytes, bytes]], now: datetime) -> timedelta | None:
    """What the endpoint asks for, in seconds or as a date; None where it asks for nothing that can be understood."""
    given = next((value for name, value in headers if name.lower() == b"retry-after"), None)
    if given is None:
        return None
    text = given.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**7))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0))


def _shortly(problem: Exception) -> str:
    text = clean(str(problem).strip().rstrip("."), 200).replace("\n", " ")
    return text or type(problem).__name__
