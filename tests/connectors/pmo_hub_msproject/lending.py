"""A served site, and a source that is open on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_msproject.config import MsProjectConfig
from pmo_hub_msproject.connector import MsProjectConnector, ProjectServerSource
from pmo_hub_msproject.microsoft import Microsoft
from pmo_hub_msproject.simulator import Simulator

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@contextmanager
def opened(
    simulator: Simulator, context: MemoryContext | None = None, microsoft: Microsoft | None = None, **config: Any
) -> Iterator[ProjectServerSource]:
    wanted = MsProjectConfig.model_validate(simulator.config() | config)
    lent = context or MemoryContext(clock=lambda: START, policy=Policy(attempts=2))
    with MsProjectConnector(microsoft).open(wanted, lent) as source:
        yield source


def synced(simulator: Simulator, host: MemoryHost | None = None, **config: Any) -> MemoryHost:
    """A host after a sync of every project."""
    host = host or MemoryHost(MsProjectConnector(), simulator.projects)
    with opened(simulator, **config) as source:
        host.sync(source)
    return host


def asked(simulator: Simulator, part: str = "") -> list[str]:
    """Paths of the requests since the last look."""
    found = [path for path, _, _ in simulator.log if part in path]
    simulator.log.clear()
    return found
