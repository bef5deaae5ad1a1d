"""A sync run under way: what it holds, and the only way in which it writes."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pmo_hub.host.session import OpenSource
from pmo_hub.sdk.errors import ScopeError, TransientError
from pmo_hub.services.completeness import Tally
from pmo_hub.services.hub import Hub
from pmo_hub.store.ownership import Taken
from pmo_hub.store.placing import Basis, Origin
from pmo_hub.store.repositories import connections, syncing
from pmo_hub.store.unit_of_work import Session

LEASE_TTL = timedelta(minutes=5)


class LostLease(Exception):
    """Another worker took the connection over: this one may not write any more."""


class Suspicious(Exception):
    """The source answered, but what it says can't be the whole truth; the text is for the admin."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """Payloads by kind so far, and how many the source says there are (None: unknown)."""

    run_id: str
    fetched: Mapping[str, int]
    expected: Mapping[str, int]


@dataclass(slots=True)
class SyncRun:
    """A run under way."""

    hub: Hub
    id: str
    connection: connections.Stored
    lease: syncing.Lease
    opened: OpenSource
    started_at: datetime
    scopes: dict[str, str]
    rules_digest: str
    origin: Origin | None = None
    references: dict[str, syncing.Snapshot] = field(default_factory=dict)
    bases: dict[str | None, Basis] = field(default_factory=dict)
    taken: Taken = field(default_factory=Taken)
    by_scope: Counter[str] = field(default_factory=Counter)
    expected: dict[str, Mapping[str, int]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    lost_scopes: dict[str, str] = field(default_factory=dict)
    braked: list[str] = field(default_factory=list)
    held_groups: set[str] = field(default_factory=set)
    """Groups that wait for an admin by what this run read."""
    held_partitions: set[str] = field(default_factory=set)
    """Where these were read: what follows them there is kept, but not how far the reading came."""
    complaints: list[str] = field(default_factory=list)
    """What the admin should mend, though the run went on."""
    unsaved_bases: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """Basis id → digests of the site's reference, the scope's and the rules; saved with the first batch that is mapped with it."""
    unknown: set[str] = field(default_factory=set)
    """Scopes of which an item had a word that the kept dictionaries lack."""
    wants_census: bool = False
    wants_full: bool = False
    progress: Callable[[SyncProgress], None] | None = None

    @contextlib.contextmanager
    def commit(self) -> Iterator[Session]:
        """A transaction that is this run's to write: it renews the lease, and raises LostLease where another has it."""
        with self.hub.work.write() as session:
            if not syncing.renew(session, self.lease, self.hub.now(), LEASE_TTL):
                raise LostLease
            yield session

    def lose(self, error: ScopeError, asked: Collection[str]) -> None:
        """That scope of those that were asked for can't be read in this run; the others can."""
        if error.scope not in asked:
            raise TransientError(f"The source answered for a scope that nobody asked for: {error}")
        self.lost_scopes[error.scope] = str(error)

    def readable(self) -> list[str]:
        """The chosen scopes that were not lost."""
        return [s for s in self.scopes if s not in self.lost_scopes]

    def totals(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for counts in self.expected.values():
            total.update(counts)
        return total
