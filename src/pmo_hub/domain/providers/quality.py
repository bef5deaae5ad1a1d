"""Quality facts: open bugs and blockers, and since when they are open."""

from __future__ import annotations

from collections.abc import Sequence

from pmo_hub.domain.evidence import Fact, ItemFacts
from pmo_hub.domain.providers.reading import FAR, Reading, links, share_with
from pmo_hub.domain.vocabulary import Kind

_NAMES = ("project.open_bug_count", "project.oldest_bug_created_at", "project.open_blocker_count", "project.oldest_blocker_created_at")


def measure_quality(reading: Reading) -> list[Fact]:
    """Open bugs and, of these, blockers: bugs of the highest priority. Unknown where no bug was ever recorded: they live elsewhere."""
    if not any(item.kind is Kind.BUG for item in reading.work):
        return [reading.unknown(name, "no bug was ever recorded: bugs may be tracked elsewhere") for name in _NAMES]
    bugs = [item for item in reading.open if item.kind is Kind.BUG]
    blockers = [item for item in bugs if item.priority is not None and item.priority >= reading.parameters.blocker_priority]
    ranked = share_with(bugs, lambda item: item.priority is not None)
    return [*_counted(reading, _NAMES[:2], bugs, 1.0), *_counted(reading, _NAMES[2:], blockers, ranked)]


def _counted(reading: Reading, names: Sequence[str], items: Sequence[ItemFacts], sure: float) -> list[Fact]:
    def reported(item: ItemFacts) -> str | None:
        return f"reported {reading.day(item.created_at)}" if item.created_at else None

    evidence = links(items, lambda item: item.created_at or FAR, reported)
    oldest = min((item.created_at for item in items if item.created_at is not None), default=None)
    count = reading.fact(names[0], len(items), sure=sure, evidence=evidence)
    if oldest is None:
        return [count, reading.unknown(names[1], "none is open" if not items else "none says when it was reported")]
    return [
        count,
        reading.fact(names[1], oldest, sure=sure * share_with(items, lambda item: item.created_at is not None), evidence=evidence[:1]),
    ]
