"""What an account may still ask of its source, as far as that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pmo_hub.host.session import throttle_key
from pmo_hub.sdk.throttle import Standing
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories.connections import Stored


@dataclass(frozen=True, slots=True)
class Budget:
    """`requests` in `per_s` seconds and `most_at_once` are what the connector declares, `at_once` what is left of it after refusals.

    `limit`, `remaining` and `resets_at` are the source's own words, None where it doesn't say; `closed_until`: nothing is sent till then.
    Connections of one account at one source share all of it.
    """

    requests: int | None = None
    per_s: float | None = None
    most_at_once: int | None = None
    at_once: int | None = None
    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None
    closed_until: datetime | None = None
    refused_at: datetime | None = None
    refused_reason: str | None = None


def of_connections(hub: Hub, found: Sequence[Stored]) -> dict[str, Budget]:
    """Connection → its budget now; what nobody has asked for yet is whole."""
    keys = {c.id: throttle_key(c.connector, c.namespace, c.account) for c in found}
    standings = hub.throttles.standings(set(keys.values()))
    return {c.id: _budget(hub, c, standings.get(keys[c.id])) for c in found}


def _budget(hub: Hub, connection: Stored, standing: Standing | None) -> Budget:
    connector = hub.registry.get(connection.connector)
    if connector is None:
        return Budget()
    declared = connector.rate_limit
    if standing is None:
        return Budget(declared.requests, declared.per_s, declared.concurrency, declared.concurrency)
    now = hub.now()

    def later(seconds: float | None) -> datetime | None:
        return None if seconds is None else now + timedelta(seconds=round(seconds))

    return Budget(
        declared.requests, declared.per_s, declared.concurrency, standing.concurrency, standing.limit, standing.remaining,
        later(standing.resets_in_s), later(standing.closed_s) if standing.closed_s > 0 else None,
        None if standing.refused_ago_s is None else later(-standing.refused_ago_s), standing.reason,
    )  # fmt: skip
