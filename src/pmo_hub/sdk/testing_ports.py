"""What the suite asks of an author: a connector, a config, and a source that the tests may change and break."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Any, NoReturn

import pytest
from pydantic import BaseModel, SecretStr

from pmo_hub.sdk.contract import Connector, Context, Mode, Ref, Source
from pmo_hub.sdk.testing_context import MemoryContext
from pmo_hub.sdk.testing_host import MemoryHost


class Fault(StrEnum):
    """How a source fails; a fault lasts as long as its block and meets every request."""

    UNAUTHORIZED = "unauthorized"  # it refuses the credential: 401
    RATE_LIMITED = "rate_limited"  # 429 with a Retry-After of 1,800 seconds
    UNAVAILABLE = "unavailable"  # 503 without more
    CUT = "cut"  # status 200 and half of the answer
    WEB_PAGE = "web_page"  # status 200 and a page of HTML


class Ports(ABC):
    """The ports of the suite. A port that a subclass leaves out skips the tests that need it, with the reason.

    A test that has no meaning for a connector is taken out by name in the subclass, where a reader sees it: `test_… = None`.
    """

    fetched_kinds: Sequence[str] | None = None
    """Kinds of payload that `fetch` answers for; None: every kind but those that are part of another."""

    most_resumes = 12
    """At so many pages, evenly spread, a run is broken off and resumed."""

    unknown_id = "999999999"
    """An external id in the source's own form that no object has."""

    @property
    @abstractmethod
    def connector(self) -> Connector:
        """The connector; a class attribute will do."""

    @abstractmethod
    def config(self) -> Mapping[str, Any]:
        """What an admin types into the form for the source of this test, secrets in plain text. Each test gets a source of its own."""

    @abstractmethod
    def scopes(self) -> Sequence[str]:
        """External ids of the scopes to choose; two or more turn on what is tested with a late scope.

        They hold enough for several pages, with payloads of every kind, and something that changed long ago: a poll that finds nothing
        new has to hand over less than a full read.
        """

    def rules(self) -> Mapping[str, str]:
        """The admin's mapping rules."""
        return {}

    def files(self) -> Mapping[str, bytes]:
        """Uploads by name, as they are now."""
        return {}

    def context(self) -> Context:
        """What the host lends: real HTTP whose waits take no time."""
        return MemoryContext(files=self.files())

    def edit(self) -> Ref:
        """Change an object in the source so that a record differs; returns its ref."""
        self._skip("edit")

    def add(self) -> Ref:
        """Add an object to a chosen scope; returns its ref."""
        self._skip("add")

    def remove(self) -> Ref:
        """Delete an object in the source; returns its ref."""
        self._skip("remove")

    def move(self) -> Ref:
        """Move an object from one chosen scope to another; returns its ref, which stays."""
        self._skip("move")

    def expire(self) -> None:
        """Make the source refuse what a partition's state resumes from (a token, a delta link)."""
        self._skip("expire")

    def lose(self) -> str:
        """Make one of two or more chosen scopes vanish; returns it."""
        self._skip("lose")

    def fault(self, kind: Fault) -> AbstractContextManager[None]:
        """The source fails in that way as long as the block lasts."""
        self._skip("fault")

    def _skip(self, port: str) -> NoReturn:
        pytest.skip(f"{type(self).__name__} offers no {port}()")

    def model(self) -> BaseModel:
        """The config as the connector's own model reads it."""
        return self.connector.Config.model_validate(dict(self.config()))

    def secrets(self) -> list[str]:
        """The secret values of the config."""
        return list(_secret_values(self.model()))

    @contextmanager
    def opened(self, context: Context | None = None) -> Iterator[Source]:
        """The source is open, as a process of its own would open it."""
        with self.connector.open(self.model(), context or self.context()) as source:
            yield source

    def host(self, scopes: Sequence[str] | None = None) -> MemoryHost:
        """A host that knows nothing yet."""
        return MemoryHost(self.connector, self.scopes() if scopes is None else scopes, self.rules())

    def synced(self, mode: Mode = Mode.INCREMENTAL, scopes: Sequence[str] | None = None) -> MemoryHost:
        """A host after its first sync."""
        host = self.host(scopes)
        with self.opened() as source:
            host.sync(source, mode)
        return host

    def several_scopes(self) -> Sequence[str]:
        """At least two; skips where the author has one only."""
        scopes = self.scopes()
        if len(scopes) < 2:
            pytest.skip(f"{type(self).__name__} names one scope only")
        return scopes


def _secret_values(value: object) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secret_values(getattr(value, name))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _secret_values(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _secret_values(inner)


def difference(expected: Mapping[Any, object], got: Mapping[Any, object]) -> str:
    """In words, what the second lacks, has too much, or has otherwise; at most a few of each."""
    told = []
    lacking = [k for k in expected if k not in got]
    beyond = [k for k in got if k not in expected]
    other = [k for k in expected if k in got and expected[k] != got[k]]
    for what, keys in (("lacking", lacking), ("too much", beyond), ("different", other)):
        if keys:
            told.append(f"{what}: {len(keys)}, such as {keys[:3]}")
    told.extend(f"{k}: {expected[k]!r} became {got[k]!r}" for k in other[:1])
    return "; ".join(told)
