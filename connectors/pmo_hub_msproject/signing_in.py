"""From a connection's way of signing in to HTTP clients that are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, LifoQueue
from typing import Protocol

from pmo_hub.sdk.contract import Context
from pmo_hub.sdk.http import BasicAuth, Client
from pmo_hub_msproject.config import MsProjectConfig
from pmo_hub_msproject.microsoft import Grant, Microsoft, RotatingBearer
from pmo_hub_msproject.negotiating import Negotiated
from pmo_hub_msproject.ways import DeviceCode, Kerberos, Ntlm, Password


class Clients(Protocol):
    def lent(self) -> AbstractContextManager[Client]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """The way in, and whose it is."""

    clients: Clients
    who: Callable[[], str]
    ends: Callable[[], datetime | None] = lambda: None

    @property
    def account(self) -> str:
        return self.who()

    def lent(self) -> AbstractContextManager[Client]:
        return self.clients.lent()

    def expires_at(self) -> datetime | None:
        return self.ends()


class Shared:
    """One client for all requests, which are signed in one by one."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @contextmanager
    def lent(self) -> Iterator[Client]:
        yield self._client


class OneEach:
    """A client, and so a connection, for each request under way: a connection is what NTLM signs in, and its legs have to meet again."""

    def __init__(self, make: Callable[[], Client], stack: ExitStack) -> None:
        self._make = make
        self._stack = stack
        self._free: LifoQueue[Client] = LifoQueue()

    @contextmanager
    def lent(self) -> Iterator[Client]:
        try:
            client = self._free.get_nowait()
        except Empty:
            client = self._stack.enter_context(self._make())
        try:
            yield client
        finally:
            self._free.put(client)


@contextmanager
def signed_in(config: MsProjectConfig, context: Context, microsoft: Microsoft) -> Iterator[Entry]:
    """The way in is open; whether it leads anywhere, the first request tells."""
    way, verify = config.way, config.verify or True
    with ExitStack() as stack:
        match way:
            case DeviceCode():
                own = stack.enter_context(context.http(microsoft.authority(config), None, True))
                grant = Grant(context, own, microsoft, config)
                client = stack.enter_context(context.http(config.url, RotatingBearer(grant), verify))
                yield Entry(Shared(client), grant.account, grant.expires_at)
            case Kerberos():
                ticket = Negotiated("kerberos", way.user, way.password.get_secret_value() if way.password else None)
                pool = OneEach(lambda: context.http(config.url, ticket, verify), stack)
                yield Entry(pool, lambda: way.user or "the owner of the hub's Kerberos ticket")
            case Ntlm():
                ntlm = Negotiated("ntlm", way.user, way.password.get_secret_value())
                yield Entry(OneEach(lambda: context.http(config.url, ntlm, verify), stack), lambda: way.user)
            case Password():
                basic = BasicAuth(way.user, way.password.get_secret_value())
                yield Entry(Shared(stack.enter_context(context.http(config.url, basic, verify))), lambda: way.user)
