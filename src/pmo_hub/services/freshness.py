"""Facts as they are read: what is kept, beside what every sync changes and is therefore told by the sync itself.

Kept facts are measured as if the data were complete. What the last runs did to it is put in when they are read: otherwise each poll,
each failure and each recovery would write every fact of every project anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from pmo_hub.domain.evidence import Fact, ProjectFacts
from pmo_hub.domain.facts import FACTS, Parameters
from pmo_hub.domain.providers.reading import read
from pmo_hub.domain.providers.state import measure_state
from pmo_hub.store.repositories.freshness import Head

LIVE = ("project.synced_at", "project.cadence_minutes", "project.sync_stale", "project.data_complete")
"""Facts that a sync changes without changing any data; never stored."""

# What data is worth whose last run did not bring everything, or of which no run has ended yet.
WORTH: Mapping[bool | None, float] = {True: 1.0, False: 0.5, None: 0.8}


class Known(Mapping[str, Fact]):
    """All facts of a project by name: the kept ones with the confidence that the state of the data leaves them, and the live ones."""

    __slots__ = ("_kept", "_live", "_worth")

    def __init__(self, kept: Mapping[str, Fact], live: Mapping[str, Fact], worth: float) -> None:
        self._kept = kept
        self._live = live
        self._worth = worth

    def __getitem__(self, name: str) -> Fact:
        return self._live[name] if name in self._live else discounted(self._kept[name], self._worth)

    def __iter__(self) -> Iterator[str]:
        yield from self._live
        yield from (name for name in self._kept if name not in self._live)

    def __len__(self) -> int:
        return len(self._live.keys() | self._kept.keys())


def stored(measured: Iterable[Fact]) -> list[Fact]:
    """Those of the facts that are kept."""
    return [fact for fact in measured if fact.name not in LIVE]


def live(project: ProjectFacts, now: datetime) -> dict[str, Fact]:
    """What the syncs say of the project's data at an instant, by name."""
    return {name: fact for name, fact in state_facts(project, now).items() if name in LIVE}


def state_facts(project: ProjectFacts, now: datetime) -> dict[str, Fact]:
    """Everything that is known without looking at an item, by name."""
    return {fact.name: fact for fact in measure_state(read(project, (), now, Parameters()))}


def of_head(head: Head) -> ProjectFacts:
    """The state of the data without the project's settings."""
    return ProjectFacts(
        head.id, head.name, head.url, synced_at=head.synced_at, cadence_minutes=head.cadence_minutes, data_complete=head.complete,
        read_only_since=head.read_only_since,
    )  # fmt: skip


def known(kept_facts: Mapping[str, Fact], head: Head, now: datetime) -> Known:
    """What a reader is told of a project at an instant."""
    return Known(kept_facts, live(of_head(head), now), WORTH[head.complete])


def discounted(fact: Fact, worth: float) -> Fact:
    """The fact with the confidence that is left of it; the hub's own settings need no source."""
    if worth == 1.0 or not FACTS[fact.name].from_source:
        return fact
    return replace(fact, confidence=round(fact.confidence * worth))
