"""What stays in memory of a file's tasks and assignments while all else of them is in the spool: some two hundred bytes a task."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from pmo_hub_mspdi.spool import Place

_NONE = -1
DEEPEST = 65_535
"""Levels below count as this one."""


class Line(NamedTuple):
    """A task's place in the outline."""

    uid: str
    place: Place
    level: int
    parent: str | None
    has_children: bool


class Outline:
    """The tasks in the order of the file. Each one's parent is the nearest row above it on a lower level, however far levels jump."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._places = array("q")
        self._levels = array("q")
        self._parents = array("q")
        self._has_children = bytearray()
        self._open: list[int] = []

    def add(self, uid: str, place: Place, level: int) -> None:
        number, level = len(self._numbers), min(level, DEEPEST)
        while self._open and self._levels[self._open[-1]] >= level:
            self._open.pop()
        self._numbers[uid] = number
        self._places.append(place)
        self._levels.append(level)
        self._parents.append(self._open[-1] if self._open else _NONE)
        self._has_children.append(False)
        if self._open:
            self._has_children[self._open[-1]] = True
        self._open.append(number)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, uid: object) -> bool:
        return uid in self._numbers

    def __iter__(self) -> Iterator[Line]:
        names = list(self._numbers)
        for number, uid in enumerate(names):
            parent = self._parents[number]
            yield Line(
                uid,
                self._places[number],
                self._levels[number],
                None if parent == _NONE else names[parent],
                bool(self._has_children[number]),
            )

    def place_of(self, uid: str) -> Place | None:
        number = self._numbers.get(uid)
        return None if number is None else self._places[number]


class Bookings:
    """The assignments of each task, in the order of the file, whether they stand before or behind it."""

    def __init__(self) -> None:
        self._tasks: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._first = array("q")
        self._last = array("q")
        self._next = array("q")
        self._resource = array("q")
        self._place = array("q")

    def add(self, task: str, resource: str, place: Place) -> None:
        number = len(self._place)
        self._place.append(place)
        known = self._numbers.setdefault(resource, len(self._names))
        if known == len(self._names):
            self._names.append(resource)
        self._resource.append(known)
        self._next.append(_NONE)
        at = self._tasks.setdefault(task, len(self._tasks))
        if at == len(self._first):
            self._first.append(number)
            self._last.append(number)
        else:
            self._next[self._last[at]] = number
            self._last[at] = number

    def __len__(self) -> int:
        return len(self._place)

    def of(self, task: str) -> Iterator[tuple[str, Place]]:
        """Resource and place of each."""
        at = self._tasks.get(task)
        if at is None:
            return
        number = self._first[at]
        while number != _NONE:
            yield self._names[self._resource[number]], self._place[number]
            number = self._next[number]
