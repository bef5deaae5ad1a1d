"""Is what came all that there is: fetched against what the source counts, by partition and kind; by scope in a full read and a census.

The source's word is the measure. Where the hub holds fewer, beyond tolerance, a shortfall stands against the connection until a whole
look at that scope, a full read or a census, finds otherwise: a poll can't tell, it never asks again for what it missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pmo_hub.sdk.contract import Mode, Page, Partition
from pmo_hub.store.repositories import shortfalls, syncing
from pmo_hub.store.repositories.shortfalls import Shortfall
from pmo_hub.store.unit_of_work import Session

TOLERANCE_SHARE = 0.005
TOLERANCE_FEW = 2
MOST_PARTS = 500
MOST_IDS = 10_000
CENSUS = "census"


@dataclass(slots=True)
class Part:
    """What came of one kind in one partition.

    Of a census, by scope: of the `expected` that the hub held, `fetched` were listed and the others are `missing`; as a whole: of the
    `fetched` ids that were listed, `lacking` are not held though the source was asked for them.
    """

    partition: str
    mode: str
    scope: str | None
    scopes: int
    kind: str
    fetched: int = 0
    expected: int | None = None
    quarantined: int = 0
    missing: int = 0
    lacking: int = 0


@dataclass(slots=True)
class Tally:
    """What a run's pages brought."""

    parts: dict[tuple[str, str | None, str], Part] = field(default_factory=dict)
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _seen: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def note(self, partition: Partition, page: Page) -> None:
        """Count the page."""
        self.scopes[partition.name] = partition.scopes
        for kind, count in Counter(p.ref.kind for p in page.payloads).items():
            self._part(partition, kind).fetched += count
        for rejected in page.rejected:
            self._part(partition, "" if rejected.ref is None else rejected.ref.kind).quarantined += 1
        for kind, count in page.expected.items():
            self._part(partition, kind).expected = count
        if partition.mode is Mode.INCREMENTAL and page.group is None:
            # What falls short is listed a second time by some sources; the few ids of a poll are worth remembering. A group is whole.
            for payload in page.payloads:
                seen = self._seen.setdefault((partition.name, payload.ref.kind), set())
                if len(seen) < MOST_IDS:
                    seen.add(payload.ref.external_id)

    def count(self, part: Part) -> None:
        """Take in what a census found."""
        self.parts[part.partition, part.scope, part.kind] = part

    def distinct(self, part: Part) -> int:
        """How many different objects came, where that is known; else how many came."""
        seen = self._seen.get((part.partition, part.kind))
        return part.fetched if seen is None or len(seen) >= MOST_IDS else len(seen)

    def told(self) -> list[dict[str, Any]]:
        """The parts as the run keeps them: at most `MOST_PARTS`, what falls short and the largest first, the rest summed up by kind."""
        found = sorted(self.parts.values(), key=lambda p: (-(p.lacking + p.missing), -p.fetched, p.partition, p.scope or "", p.kind))
        rest: dict[str, Part] = {}
        for part in found[MOST_PARTS:]:
            summed = rest.setdefault(part.kind, Part("others", part.mode, None, 0, part.kind))
            summed.scopes += part.scopes
            summed.fetched += part.fetched
            summed.quarantined += part.quarantined
            if part.expected is not None:
                summed.expected = (summed.expected or 0) + part.expected
        return [{name: getattr(part, name) for name in Part.__slots__} for part in (*found[:MOST_PARTS], *rest.values())]

    def _part(self, partition: Partition, kind: str) -> Part:
        scope = partition.scopes[0] if len(partition.scopes) == 1 else None
        key = (partition.name, scope, kind)
        if key not in self.parts:
            self.parts[key] = Part(partition.name, partition.mode.value, scope, len(partition.scopes), kind)
        self.parts[key].mode = partition.mode.value
        return self.parts[key]


def is_short(lacking: int, expected: int) -> bool:
    """Whether so many fewer than counted are more than a source's approximate count can be wrong by."""
    return lacking > max(TOLERANCE_FEW, TOLERANCE_SHARE * expected)


def settle_read(
    session: Session, tally: Tally, connection_id: str, run_id: str, scopes: dict[str, str], lost: Iterable[str], now: datetime
) -> bool:
    """The parts of a run that read say what they lack, and shortfalls follow. True where something fell short.

    `scopes`: external id → id of those that were to be read, `lost` those that could not.
    """
    lost = set(lost)
    short: list[Shortfall] = []
    whole: set[tuple[str, str]] = set()
    for part in tally.parts.values():
        read = [scopes[s] for s in tally.scopes[part.partition] if s in scopes and s not in lost]
        if part.expected is None or not read:
            continue
        lacking = part.expected - tally.distinct(part) - part.quarantined
        if part.mode == Mode.FULL.value and part.scope is not None and part.fetched > part.expected:
            # Some of it came twice: what the hub holds of the scope tells how much came at least once.
            held = syncing.live_payloads(session, read, (part.kind,)).get(read[0], 0)
            lacking = part.expected - held - shortfalls.quarantined(session, read[0], part.kind)
        if is_short(lacking, part.expected):
            part.lacking = lacking
            scope_id = read[0] if len(read) == 1 else ""
            short.append(Shortfall(connection_id, scope_id, part.kind, part.expected, lacking, part.mode, run_id, now))
        elif part.mode == Mode.FULL.value:
            whole.update((scope_id, part.kind) for scope_id in read)
    _put(session, connection_id, whole, scopes.values(), short)
    return bool(short)


def settle_census(
    session: Session,
    parts: Sequence[tuple[Part, Sequence[str]]],
    connection_id: str,
    run_id: str,
    every_scope: Sequence[str],
    now: datetime,
) -> None:
    """Shortfalls follow what was listed to its end; each part comes with the ids of its scopes."""
    short: list[Shortfall] = []
    whole: set[tuple[str, str]] = set()
    for part, scope_ids in parts:
        if is_short(part.lacking, part.fetched):
            scope_id = scope_ids[0] if len(scope_ids) == 1 else ""
            short.append(Shortfall(connection_id, scope_id, part.kind, part.fetched, part.lacking, CENSUS, run_id, now))
        else:
            whole.update((scope_id, part.kind) for scope_id in scope_ids)
    _put(session, connection_id, whole, every_scope, short)


def _put(session: Session, connection_id: str, whole: set[tuple[str, str]], every_scope: Iterable[str], short: Sequence[Shortfall]) -> None:
    """What was seen whole lacks nothing any more; of several scopes together, once all of them were."""
    kinds = {kind for _, kind in whole}
    everything = set(every_scope)
    together = {("", kind) for kind in kinds if everything <= {scope_id for scope_id, k in whole if k == kind}}
    shortfalls.clear(session, connection_id, whole | together)
    shortfalls.put(session, short)
