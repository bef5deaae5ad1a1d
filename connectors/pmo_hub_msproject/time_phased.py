"""Work and cost by day, as ProjectData tells them where an administrator lets them be kept: reading, and mapping to records.

An empty set is normal, since sites keep no time-phased data by themselves: of a task without a row nothing is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import DecodeError

from pmo_hub.domain.records import TimePhased
from pmo_hub.domain.time_phased import HOURS, MONEY, Series, series
from pmo_hub.domain.vocabulary import Phased
from pmo_hub.sdk.contract import Mapped, Payload, Ref, Rejected
from pmo_hub.sdk.errors import RecordError
from pmo_hub_msproject import selects, wire
from pmo_hub_msproject.client import ProjectServer
from pmo_hub_msproject.reporting import BASE, SETS, Set
from pmo_hub_msproject.values import day, guid, money, number

DAYS = " and TimeByDay ge datetime'1984-01-01T00:00:00' and TimeByDay le datetime'2149-12-31T00:00:00'"
"""All days that Project knows: large sets may be asked only by the whole of their keys."""

MOST_ROWS = 1_000_000
"""Of one project and set; they are held in memory while they are put together by task."""

BY_DAY: Mapping[str, Set] = {
    one.kind: one
    for one in (
        Set("TaskTimephasedDataSet", "days", wire.TaskDay, "task_id", DAYS),
        Set("TaskBaselineTimephasedDataSet", "baseline_days", wire.BaselineDay, "task_id", DAYS),
    )
}
ALL_SETS: Mapping[str, Set] = {**SETS, **BY_DAY}

Amount = Decimal | None
_encode = msgspec.json.Encoder().encode


class TooMuch(Exception):
    """The set holds more rows of a project than are read."""


def rows(client: ProjectServer, project: str, of: Set) -> tuple[list[Payload], list[Rejected]]:
    """A payload for each task that the set tells of; raises Refused where the account may not read it, and TooMuch."""
    found: dict[str, list[bytes]] = defaultdict(list)
    rejected: list[Rejected] = []
    count = 0
    for raws in client.pages(f"{BASE}/{of.name}", selects.reporting(of.rows, project, of.narrowed)):
        count += len(raws)
        if count > MOST_ROWS:
            raise TooMuch(f"{of.name} holds more than {MOST_ROWS} rows of one project")
        for raw in raws:
            try:
                row = wire.decoder(of.rows).decode(raw)
            except DecodeError as error:
                rejected.append(Rejected(None, project, bytes(raw), f"a row of {of.name} can't be read: {error}"))
                continue
            task, on = guid(row.task_id), day(row.time_by_day)
            if task is None or on is None:
                rejected.append(Rejected(None, project, bytes(raw), f"a row of {of.name} has no task or no day"))
                continue
            values = row.values()
            if any(amount is None or amount for amount in map(_amount, values[-row.amounts :])):
                found[task].append(_encode([on.isoformat(), *values]))
            else:
                found.setdefault(task, [])  # a day of nothing still says that the task is told of
    # Rows come in no order that anybody promises.
    payloads = [Payload(Ref(of.kind, f"{project}/{id}"), project, b"[" + b",".join(sorted(found[id])) + b"]") for id in sorted(found)]
    return payloads, rejected


def map_days(payload: Payload) -> Mapped:
    """What is planned of a task, and what was done of it."""
    item = payload.ref.external_id
    told: list[tuple[date, list[Amount]]] = [(on, list(map(_amount, values))) for on, *values in _rows(payload, 5)]
    work, actual_work, cost, actual_cost = (_series({on: v[n] for on, v in told}, (HOURS, HOURS, MONEY, MONEY)[n]) for n in range(4))
    made = (
        TimePhased(f"{item}/{Phased.PLANNED}", item, Phased.PLANNED, None, work, cost),
        TimePhased(f"{item}/{Phased.ACTUAL}", item, Phased.ACTUAL, None, actual_work, actual_cost),
    )
    return Mapped([one for one in made if one.work is not None or one.cost is not None])


def map_baseline_days(payload: Payload) -> Mapped:
    """What was agreed of a task, by the baselines' numbers."""
    item = payload.ref.external_id
    told: dict[int, list[tuple[date, Amount, Amount]]] = defaultdict(list)
    for on, number_, work, cost in _rows(payload, 4):
        if isinstance(number_, int) and 0 <= number_ <= 10:
            told[number_].append((on, _amount(work), _amount(cost)))
    made = []
    for n, days in sorted(told.items()):
        work = _series({on: amount for on, amount, _ in days}, HOURS)
        cost = _series({on: amount for on, _, amount in days}, MONEY)
        if work is not None or cost is not None:
            made.append(TimePhased(f"{item}/{Phased.BASELINE}/{n}", item, Phased.BASELINE, n, work, cost))
    return Mapped(made)


def _rows(payload: Payload, width: int) -> Iterable[tuple[Any, ...]]:
    try:
        found = msgspec.json.decode(payload.body, type=list[list[Any]])
        for on, *values in found:
            if len(values) != width - 1:
                raise ValueError("a row has too many columns, or lacks some")
            yield date.fromisoformat(on), *values
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise RecordError(f"{payload.ref.kind} of {payload.ref.external_id} can't be mapped: {error}") from None


def _series(days: Mapping[date, Amount], places: Decimal) -> Series | None:
    """None where one of the days says nothing: the rest would look like all there is."""
    known = {on: amount for on, amount in days.items() if amount is not None}
    return series(known, places) if len(known) == len(days) else None


def _amount(value: Any) -> Amount:
    """A decimal, as a text or a number; None for what is none. The vendor's own list calls one of these columns a date."""
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return money(found) if number(found) is not None else None
