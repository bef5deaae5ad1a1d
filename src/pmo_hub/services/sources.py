"""Trying a source on an admin's behalf: what goes wrong is said as a fault of the input, or as nobody's fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pmo_hub.host import configuration
from pmo_hub.host.configuration import BadConfig, Config
from pmo_hub.host.session import OpenSource, open_source, try_source
from pmo_hub.sdk.contract import Connector, Scope
from pmo_hub.sdk.errors import AuthError, ConfigError, ConnectorError, ScopeError, TransientError
from pmo_hub.sdk.http import Policy
from pmo_hub.services import credentials
from pmo_hub.services.errors import Fault, Invalid, ServiceError, Unavailable
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories.connections import Stored


@dataclass(frozen=True, slots=True)
class Checked:
    """Who we are at the source, which source that is, what may be chosen there, and when the credential ends (None: it doesn't say)."""

    account: str
    namespace: str
    scopes: Sequence[Scope]
    expires_at: datetime | None = None


def connector_named(hub: Hub, name: str) -> Connector:
    """The connector; raises Invalid where there is none that may be used."""
    connector = hub.registry.get(name)
    if connector is not None:
        return connector
    broken = [plugin.reason for plugin in hub.registry.broken if plugin.name == name]
    why = f"it is installed but {broken[0]}" if broken else f"there are {', '.join(sorted(hub.registry.plugins)) or 'none'}"
    raise Invalid("/connector", f"The connector {name!r} can't be used: {why}.", code="connector")


def checked_config(connector: Connector, given: Mapping[str, Any]) -> Config:
    """The config as the connector reads it; raises Invalid with a pointer to each field that it refuses."""
    try:
        return configuration.checked(connector, given)
    except BadConfig as error:
        faults = [Fault("".join(f"/{step}" for step in ("config", *fault.path)), fault.message, fault.code) for fault in error.faults]
        raise Invalid.of(faults) from None


def look(opened: OpenSource, *, scopes: bool = True) -> Checked:
    """What an open source says of itself; `scopes` False leaves out what it offers."""
    account = opened.source.check()
    offered = list(opened.source.scopes()) if scopes else ()
    return Checked(account, opened.source.namespace(), offered, credentials.expiry(opened.source))


@contextmanager
def trying(hub: Hub, connector: Connector, config: Config, connection_id: str | None = None) -> Iterator[OpenSource]:
    """A source is open with a config that is stored nowhere (see try_source); its errors are the service's."""
    with in_our_words(), try_source(hub, connector, config, connection_id) as opened:
        yield opened


@contextmanager
def opening(
    hub: Hub, connection: Stored, rules: Mapping[str, str] | None = None, policy: Policy | None = None
) -> Iterator[OpenSource]:
    """The connection's source is open, with its own rules or with those that are to be tried; its errors are the service's.

    `policy` bounds its requests.
    """
    with in_our_words(), open_source(hub, connection, rules, policy) as opened:
        yield opened


@contextmanager
def in_our_words() -> Iterator[None]:
    """What a connector raises inside is the service's error."""
    try:
        yield
    except ConnectorError as error:
        raise _translated(error) from error


def _translated(error: ConnectorError) -> ServiceError:
    why = str(error)
    match error:
        case AuthError():
            return Invalid("/config", why, code="credential")
        case ConfigError():
            return Invalid("/config", why, code="config")
        case ScopeError():
            return Invalid("/scopes", why, code="scope")
        case TransientError():
            return Unavailable(why, error.retry_after)
    return Unavailable(why)
