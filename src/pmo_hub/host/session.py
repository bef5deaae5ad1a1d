"""Opening a source, and what the host lends to it: credentials, files, throttled HTTP, the time. No database session, no settings."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Protocol

import httpx

from pmo_hub import log
from pmo_hub.domain.identity import row_id
from pmo_hub.host import configuration
from pmo_hub.host.configuration import BadConfig, Config
from pmo_hub.host.files import FolderFiles, watched
from pmo_hub.host.registry import Registry
from pmo_hub.sdk.contract import Connector, Credentials, RateLimit, Source
from pmo_hub.sdk.errors import ConfigError, ConnectorError
from pmo_hub.sdk.files import Files
from pmo_hub.sdk.http import Clockwork, Policy, client, redact
from pmo_hub.sdk.quota import Quota
from pmo_hub.sdk.throttle import LocalThrottle, SharedThrottle, Standing, Throttle
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories.connections import Stored
from pmo_hub.store.repositories.throttles import Ledgers
from pmo_hub.store.secrets import SecretBox, SecretError
from pmo_hub.store.unit_of_work import Work

MOST_AT_ONCE = 8
NOBODY = "none"
"""Names the folders of a connection that is only tried."""


class House(Protocol):
    """What opening a source needs of the hub."""

    @property
    def work(self) -> Work: ...
    @property
    def now(self) -> Callable[[], datetime]: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def secrets(self) -> SecretBox: ...
    @property
    def throttles(self) -> Throttles: ...
    @property
    def data_dir(self) -> Path: ...
    @property
    def watched_folders(self) -> Sequence[Path]: ...


class Throttles:
    """One throttle for each account at each source, kept as long as the process: two connections of one account share what it may ask.

    With `ledgers` they share it with other processes too; `make` then makes none.
    """

    def __init__(self, make: Callable[[RateLimit], Throttle] = LocalThrottle, ledgers: Ledgers | None = None) -> None:
        self._make = make
        self._ledgers = ledgers
        self._lock = threading.Lock()
        self._kept: dict[str, Throttle] = {}

    def of(self, key: str, limit: RateLimit) -> Throttle:
        """The throttle of that key; `limit` counts where it is new."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._make(limit) if self._ledgers is None else SharedThrottle(limit, self._ledgers.of(key))
            return self._kept[key]

    def standings(self, keys: Collection[str]) -> Mapping[str, Standing]:
        """Where the throttles of these keys stand; one that nothing has passed yet is left out."""
        if self._ledgers is not None:
            return self._ledgers.standings(keys)
        with self._lock:
            kept = {key: self._kept[key] for key in keys if key in self._kept}
        return {key: throttle.standing() for key, throttle in kept.items() if isinstance(throttle, LocalThrottle)}


def throttle_key(connector: str, namespace: str, account: str | None) -> str:
    """A name for an account at a source; nothing secret goes into it."""
    return row_id(connector, "throttle", namespace, account or "")


def trial_key(connector: str, plain: Mapping[str, Any]) -> str:
    """A name for a config that is only tried, so that nobody knows yet which account and source it leads to; without its secrets."""
    return row_id(connector, "trial", json.dumps(plain, sort_keys=True, default=str))


class Counted:
    """A throttle that counts what passes it for one opening of a source."""

    def __init__(self, inner: Throttle) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._requests = 0

    @property
    def requests(self) -> int:
        return self._requests

    def acquire(self, endpoint: str = "") -> None:
        self._inner.acquire(endpoint)
        with self._lock:
            self._requests += 1

    def release(self) -> None:
        self._inner.release()

    def penalise(self, retry_after_s: float, reason: str | None, endpoint: str = "") -> None:
        self._inner.penalise(retry_after_s, reason, endpoint)

    def note(self, quota: Quota) -> None:
        self._inner.note(quota)


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """Credentials in the connection's own row, encrypted; each call is a transaction of its own."""

    work: Work
    secrets: SecretBox
    connection_id: str

    def load(self) -> tuple[bytes, int]:
        """The value and its version; (b"", 0) while nothing was saved."""
        with self.work.read() as session:
            found = rows.credential(session, self.connection_id)
        if found is None:
            return b"", 0
        version, sealed = found
        return self.secrets.open(sealed, "credentials", self.connection_id, "secret"), version

    def save(self, value: bytes, version: int) -> bool:
        sealed = self.secrets.seal(value, "credentials", self.connection_id, "secret")
        with self.work.write() as session:
            return rows.swap_credential(session, self.connection_id, sealed, version)


class TriedCredentials:
    """Credentials of a connection that is only tried: kept as long as it is open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[bytes, int] = (b"", 0)

    def load(self) -> tuple[bytes, int]:
        return self._held

    def save(self, value: bytes, version: int) -> bool:
        with self._lock:
            if self._held[1] != version:
                return False
            self._held = (value, version + 1)
            return True


@dataclass(frozen=True, slots=True)
class HostContext:
    """The contract's Context for one opening of a source; `throttled` tells how many requests it made."""

    credentials: Credentials
    files: Files
    throttled: Counted
    clock: Callable[[], datetime]
    policy: Policy | None = None
    rules: Mapping[str, str] = field(default_factory=dict)
    scratch: Path = field(default_factory=lambda: Path(gettempdir()) / "pmo-hub")
    watchable: Sequence[Path] = ()

    @property
    def requests(self) -> int:
        return self.throttled.requests

    def http(self, base: str, auth: httpx.Auth | None = None, verify: bool | str = True) -> httpx.Client:
        clockwork = Clockwork(now=self.clock)
        return client(base, auth, verify, throttle=self.throttled, policy=self.policy, clockwork=clockwork)

    def folder(self, path: str) -> Files:
        return watched(path, self.watchable, self.clock)

    @contextmanager
    def throttle(self) -> Iterator[None]:
        self.throttled.acquire()
        try:
            yield
        finally:
            self.throttled.release()

    def now(self) -> datetime:
        return self.clock()


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source that is open, for as long as the block that opened it."""

    source: Source
    connector: Connector
    context: HostContext

    @property
    def concurrency(self) -> int:
        """How many partitions to read side by side."""
        return max(1, min(MOST_AT_ONCE, self.connector.rate_limit.concurrency))

    def requests(self) -> int:
        """How many requests were made since it was opened."""
        return self.context.requests


@contextmanager
def open_source(
    house: House, connection: Stored, rules: Mapping[str, str] | None = None, policy: Policy | None = None
) -> Iterator[OpenSource]:
    """The connection's source is open, with its own rules or with those that are to be tried; `policy` bounds its requests.

    Raises ConfigError where it can't be opened as it is stored.
    """
    connector = house.registry.get(connection.connector)
    if connector is None:
        reasons = [f" ({plugin.reason})" for plugin in house.registry.broken if plugin.name == connection.connector]
        raise ConfigError(f"The connector {connection.connector!r} is not installed{''.join(reasons[:1])}.")
    config = stored_config(house, connector, connection)
    credentials = StoredCredentials(house.work, house.secrets, connection.id)
    throttle = house.throttles.of(throttle_key(connector.name, connection.namespace, connection.account), connector.rate_limit)
    ruled = connection.rules if rules is None else rules
    with _opened(house, connector, config, credentials, connection.id, throttle, ruled, policy) as opened:
        yield opened


@contextmanager
def try_source(house: House, connector: Connector, config: Config, connection_id: str | None = None) -> Iterator[OpenSource]:
    """A source is open with a config that is stored nowhere; with what the source rotates, if a connection is named that has it."""
    credentials = TriedCredentials() if connection_id is None else StoredCredentials(house.work, house.secrets, connection_id)
    throttle = house.throttles.of(trial_key(connector.name, config.plain), connector.rate_limit)
    with _opened(house, connector, config, credentials, connection_id or NOBODY, throttle, {}) as opened:
        yield opened


@contextmanager
def lend(house: House, connector: Connector, config: Config, connection_id: str) -> Iterator[HostContext]:
    """What the host lends to a source of the connection, without one being open."""
    credentials = StoredCredentials(house.work, house.secrets, connection_id)
    throttle = house.throttles.of(trial_key(connector.name, config.plain), connector.rate_limit)
    with _lent(house, config, credentials, connection_id, throttle, {}) as context:
        yield context


def stored_config(house: House, connector: Connector, connection: Stored) -> Config:
    """The connection's config with its secrets; raises ConfigError."""
    try:
        secrets = json.loads(house.secrets.open(connection.secrets, "connections", connection.id, "secrets"))
        return configuration.checked(connector, configuration.joined(connection.config, secrets))
    except SecretError as error:
        raise ConfigError(str(error)) from error
    except BadConfig as error:
        raise ConfigError(f"The stored config does not suit this version of the connector: {error}.") from None


def uploads_of(house: House, connection_id: str) -> Path:
    """Where the files lie that were uploaded to the connection."""
    return house.data_dir / "files" / connection_id


def sealed_secrets(house: House, config: Config, connection_id: str) -> bytes:
    """The config's secrets as its row keeps them."""
    return house.secrets.seal(json.dumps(dict(config.secrets)).encode(), "connections", connection_id, "secrets")


@contextmanager
def _opened(
    house: House,
    connector: Connector,
    config: Config,
    credentials: Credentials,
    connection_id: str,
    throttle: Throttle,
    rules: Mapping[str, str],
    policy: Policy | None = None,
) -> Iterator[OpenSource]:
    lent = _lent(house, config, credentials, connection_id, throttle, rules, policy)
    with lent as context, connector.open(config.model, context) as source:
        yield OpenSource(source, connector, context)


@contextmanager
def _lent(
    house: House,
    config: Config,
    credentials: Credentials,
    connection_id: str,
    throttle: Throttle,
    rules: Mapping[str, str],
    policy: Policy | None = None,
) -> Iterator[HostContext]:
    for secret in config.secrets.values():
        log.register_secret(secret)
    files = FolderFiles(uploads_of(house, connection_id))
    scratch = house.data_dir / "scratch" / connection_id
    context = HostContext(credentials, files, Counted(throttle), house.now, policy, rules, scratch, house.watched_folders)
    try:
        yield context
    except ConnectorError as error:
        # Its text is shown to people and stored; a plugin may have quoted what it was given.
        error.args = (redact(str(error), config.secrets.values()),)
        raise
