"""Work and cost by day as an archive of ProjectData dumps them: rows in no order, many more than all others, set aside in blocks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pmo_hub.domain.records import TimePhased
from pmo_hub.domain.time_phased import HOURS, MONEY, Series, series
from pmo_hub.domain.vocabulary import Phased
from pmo_hub_mspdi.archive import Row, guid
from pmo_hub_mspdi.faults import UnreadableFile
from pmo_hub_mspdi.spool import Place, Spool
from pmo_hub_mspdi.values import MOST_MONEY

PLANNED, AGREED = "TaskTimephasedDataSet", "TaskBaselineTimephasedDataSet"
DAY_SETS: Mapping[str, Sequence[str]] = {
    PLANNED: ("TaskWork", "TaskActualWork", "TaskCost", "TaskActualCost"),
    AGREED: ("BaselineNumber", "TaskBaselineWork", "TaskBaselineCost"),
}
"""Set → what is kept of its rows, beside task and day."""

MS_A_DAY = 86_400_000
_SINCE_1970 = re.compile(r"/Date\((-?\d{1,15})\)/")

BLOCK = 2_000
MOST_KEPT = 50_000_000
"""Rows of an archive, all of which lie on the disk."""
MOST_DAY_ROWS = 1_000_000
"""Rows of one project, which are held in memory while they are put together by task."""


class Blocks:
    """Rows by project, in the spool; what stays in memory of them is a place for each `BLOCK`, and those of the last block."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._open: dict[str, list[list[Any]]] = defaultdict(list)
        self._places: dict[str, list[Place]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)
        self._count = self._waiting = 0

    def put(self, name: str, row: Row) -> None:
        project, task, on = guid(row.get("ProjectId")), guid(row.get("TaskId")), row.get("TimeByDay")
        if project is None or task is None or on is None:
            return
        self._count += 1
        if self._count > MOST_KEPT:
            raise UnreadableFile(f"holds more than {MOST_KEPT} rows of time-phased data: leave dumps of {PLANNED} and {AGREED} out")
        self._counts[project] += 1
        self._open[project].append([name, task, str(on)[:40], *(row.get(column) for column in DAY_SETS[name])])
        self._waiting += 1
        if len(self._open[project]) >= BLOCK:
            self._set_aside(project)
        elif self._waiting >= 20 * BLOCK:  # an archive may have its projects mixed
            self.close()

    def close(self) -> None:
        for project in list(self._open):
            self._set_aside(project)

    def _set_aside(self, project: str) -> None:
        block = self._open.pop(project)
        self._waiting -= len(block)
        self._places[project].append(self._spool.put(block))

    def count(self, project: str) -> int:
        return self._counts.get(project, 0)

    def rows(self, project: str) -> Iterator[list[Any]]:
        for place in self._places.get(project, ()):
            yield from self._spool.get(place)


def by_task(blocks: Blocks, project: str) -> dict[str, dict[str, list[Any]]] | None:
    """Task → its rows by set, in the order of their days; None where there are too many."""
    if blocks.count(project) > MOST_DAY_ROWS:
        return None
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name, task, *row in blocks.rows(project):
        found[task][name].append(row)
    for sets in found.values():
        for rows in sets.values():
            rows.sort(key=str)
    return found


def map_rows(told: Mapping[str, Sequence[Sequence[Any]]], item: str) -> Iterator[TimePhased]:
    """What is planned, was done and was agreed of a task; a quantity that one of the days lacks is unknown."""
    planned = [(_day(on), [_amount(value) for value in values]) for on, *values in told.get(PLANNED, ())]
    if planned:
        work, actual_work, cost, actual_cost = (
            _series({on: values[n] for on, values in planned}, places) for n, places in enumerate((HOURS, HOURS, MONEY, MONEY))
        )
        for kind, hours, amount in ((Phased.PLANNED, work, cost), (Phased.ACTUAL, actual_work, actual_cost)):
            if hours is not None or amount is not None:
                yield TimePhased(f"{item}/{kind}", item, kind, None, hours, amount)
    agreed: dict[int, list[tuple[date | None, Decimal | None, Decimal | None]]] = defaultdict(list)
    for on, number, work_, cost_ in told.get(AGREED, ()):
        if str(number).isdigit() and int(number) <= 10:
            agreed[int(number)].append((_day(on), _amount(work_), _amount(cost_)))
    for n, rows in sorted(agreed.items()):
        hours = _series({on: amount for on, amount, _ in rows}, HOURS)
        amount = _series({on: amount for on, _, amount in rows}, MONEY)
        if hours is not None or amount is not None:
            yield TimePhased(f"{item}/{Phased.BASELINE}/{n}", item, Phased.BASELINE, n, hours, amount)


def _series(days: Mapping[date | None, Decimal | None], places: Decimal) -> Series | None:
    known = {on: amount for on, amount in days.items() if on is not None and amount is not None}
    return series(known, places) if len(known) == len(days) else None


def _day(value: Any) -> date | None:
    """The day; older verbose JSON counts milliseconds."""
    found = _SINCE_1970.fullmatch(str(value))
    try:
        if found is not None:
            return date(1970, 1, 1) + timedelta(days=int(found[1]) // MS_A_DAY)
        return date.fromisoformat(str(value)[:10])
    except (ValueError, OverflowError):
        return None


def _amount(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found) < MOST_MONEY else None
