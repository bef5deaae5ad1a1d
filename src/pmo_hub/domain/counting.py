"""What an admin leaves out of every measure, whatever the tool says of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from pmo_hub.domain.records import WorkItem
from pmo_hub.domain.vocabulary import Uncounted


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Names of original types and of labels, in any case of letters: an item with one of them doesn't count."""

    types: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()

    @classmethod
    def of(cls, types: Collection[str] = (), labels: Collection[str] = ()) -> Exclusion:
        return cls(frozenset(map(str.casefold, types)), frozenset(map(str.casefold, labels)))

    def takes(self, item: WorkItem) -> bool:
        return item.original_type.casefold() in self.types or any(label.casefold() in self.labels for label in item.labels)


def counted(item: WorkItem, exclusion: Exclusion) -> WorkItem:
    """The item, not counting where the exclusion takes it; one that doesn't count for another reason keeps that."""
    if not item.counts or not exclusion.takes(item):
        return item
    return replace(item, counts=False, uncounted=Uncounted.RULE)
