"""Assessments that this process made, reused as long as they are what it would say again: same facts, same syncs, same day.

A health request that meets one reads the hashes of the facts instead of the facts. Nothing is ever answered without asking the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from pmo_hub.domain.evidence import Fact
from pmo_hub.domain.health import Health, assess
from pmo_hub.domain.local_time import next_midnight, zone
from pmo_hub.services.freshness import known
from pmo_hub.store.repositories.freshness import Head
from pmo_hub.store.unit_of_work import Work

# Each holds up to 140 links: some ten megabytes at most.
MOST = 256


@dataclass(frozen=True, slots=True)
class _Assessed:
    head: Head
    version: str
    since: datetime
    until: datetime
    health: Health


_KEPT: WeakKeyDictionary[Work, dict[str, _Assessed]] = WeakKeyDictionary()


def health_of(work: Work, head: Head, version: str, now: datetime, facts: Callable[[], Mapping[str, Fact]]) -> Health:
    """The health that the facts of this version show now; `facts` is asked for them when they aren't known yet."""
    kept = _KEPT.setdefault(work, {})
    held = kept.get(head.id)
    if held is not None and held.version == version and held.head == head and held.since <= now < held.until:
        return _aged(held.health, head, now)
    found = known(facts(), head, now)
    health = assess(found, now)
    if len(kept) >= MOST:
        kept.clear()
    kept[head.id] = _Assessed(head, version, now, _until(found, head, now), health)
    return health


def _until(facts: Mapping[str, Fact], head: Head, now: datetime) -> datetime:
    """When the same facts may first show something else: at the project's midnight, for rules count days, or when they are stale."""
    named = facts.get("project.time_zone")
    midnight = next_midnight(now, zone(str(named.value) if named is not None else "UTC"))
    cadence = facts["project.cadence_minutes"].value
    if head.synced_at is None or not isinstance(cadence, int):
        return midnight
    stale = head.synced_at + 2 * timedelta(minutes=cadence) + timedelta(microseconds=1)
    return min(midnight, stale) if stale > now else midnight


def _aged(health: Health, head: Head, now: datetime) -> Health:
    """The same, with the age that the data has by now."""
    if head.synced_at is None:
        return health
    age = max(0.0, (now - head.synced_at).total_seconds())
    return replace(health, dimensions=tuple(replace(one, data_age_s=age) for one in health.dimensions), data_age_s=age)
