"""A task's work and cost by day, from the periods of its assignments.

A file tells only what an exporter chose to write. So a series counts as known where it adds up to the total that stands beside it, and is
unknown otherwise; a file that has no such periods at all says nothing of any task. Amounts of a period that reaches over several days are
spread over the working time in it, by the calendar of who works, or else of the task or the plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pmo_hub.domain.calendars import Layer, Period, WorkingTime, standard, working_time
from pmo_hub.domain.records import Calendar, CalendarException, TimePhased
from pmo_hub.domain.time_phased import HOURS, MONEY, MOST_DAYS, Series, fault, series
from pmo_hub.domain.vocabulary import Phased
from pmo_hub.sdk.errors import RecordError
from pmo_hub_mspdi.calendars import map_calendar
from pmo_hub_mspdi.document import Document, kind_of
from pmo_hub_mspdi.periods import (
    ACTUAL,
    ACTUAL_COST,
    BASELINES,
    REMAINING,
    cost_of,
    has_too_many,
    periods_of,
    work_of,
)
from pmo_hub_mspdi.values import Element, hours, hours_of, integer, many, moment_of, text

NEAR_HOURS = Decimal("0.02")
NEAR_SHARE = Decimal("0.001")
"""How far a sum may be from its total: exporters round each period to the second, or to the hundredth."""

DEEPEST = 20
_MIDNIGHT = datetime.min.time()
_DAY = timedelta(days=1)

Amounts = dict[int, dict[date, Decimal]]
"""Kind of period → day → amount, as the file writes it."""


class _Unreadable(Exception):
    """A period that can't be read; what it belongs to is unknown."""


class Days:
    """Makes the series of a file's tasks.

    `too_long` counts tasks of which more is told than is kept, `unreadable` those with a period that can't be read: nothing is kept of
    either.
    """

    def __init__(self, document: Document, scope: str) -> None:
        self._document, self._scope = document, scope
        self._times: dict[str | None, WorkingTime] = {}
        self._resources: dict[str, tuple[bool, str | None]] = {}
        self.too_long = self.unreadable = 0

    def of(self, task: Element, booked: Sequence[tuple[str, Element]]) -> dict[str, dict[str, Any]]:
        """What is known of the task's days: planned, actual, baseline/0 … → work and cost; nothing where nothing is."""
        told = self._document.told
        if not told:
            return {}
        if has_too_many(task) or any(has_too_many(one) for _, one in booked):
            self.too_long += 1
            return {}
        try:
            amounts = self._amounts(task, booked)
        except _Unreadable:
            self.unreadable += 1
            return {}
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        if told & {REMAINING, ACTUAL}:
            worked = _added(amounts, (REMAINING, ACTUAL))
            found["planned"]["work"] = _work(worked, hours(task, "Work"))
            found["actual"]["work"] = _work(amounts.get(ACTUAL, {}), hours(task, "ActualWork"))
        if ACTUAL_COST in told:
            found["actual"]["cost"] = _cost(amounts.get(ACTUAL_COST, {}), text(task, "ActualCost"))
        for agreed in many(task, "Baseline"):
            number = integer(agreed, "Number") or 0
            if number in BASELINES and f"baseline/{number}" not in found:
                if told & set(work_of(number)):
                    found[f"baseline/{number}"]["work"] = _work(_either(amounts, work_of(number)), hours(agreed, "Work"))
                if told & set(cost_of(number)):
                    found[f"baseline/{number}"]["cost"] = _cost(_either(amounts, cost_of(number)), text(agreed, "Cost"))
        made = {kind: {name: one for name, one in pair.items() if one is not None} for kind, pair in found.items()}
        if any(fault(one) for pair in made.values() for one in pair.values()):
            self.too_long += 1
            return {}
        return {kind: {name: _written(one) for name, one in pair.items()} for kind, pair in made.items() if pair}

    def _amounts(self, task: Element, booked: Sequence[tuple[str, Element]]) -> Amounts:
        found: Amounts = defaultdict(lambda: defaultdict(Decimal))
        calendar = text(task, "CalendarUID")
        for resource, record in (("", task), *booked):
            is_work, own = self._resource(resource)
            time = self._time(own or calendar)
            for kind, start, finish, value in periods_of(record):
                amount = _amount(value)
                if value.startswith("P") and not is_work:
                    continue  # so many pieces of a material
                for day, part in _spread(amount, moment_of(start), moment_of(finish), time):
                    found[int(kind)][day] += part
        return found

    def _resource(self, uid: str) -> tuple[bool, str | None]:
        """Whether its work is hours, which is taken for granted of one that the file lacks, and its calendar."""
        if uid not in self._resources:
            place = self._document.resources.get(uid)
            who = None if place is None else self._document.spool.get(place)
            self._resources[uid] = (True, None) if who is None else (kind_of(who) == "work", text(who, "CalendarUID"))
        return self._resources[uid]

    def _time(self, uid: str | None) -> WorkingTime:
        """The working time of a calendar with all that it inherits; the plan's own where there is none of that id."""
        if uid is None or uid not in self._document.calendars:
            uid = self._document.fields.get("CalendarUID")
        if uid not in self._times:
            layers: list[Layer] = []
            at = uid
            while at is not None and at in self._document.calendars and len(layers) < DEEPEST:
                head, *days = map_calendar(self._document.spool.get(self._document.calendars[at]), self._scope)
                if isinstance(head, Calendar):
                    layers.append(
                        Layer(head.week, tuple(Period(d.first, d.last, d.shifts) for d in days if isinstance(d, CalendarException)))
                    )
                    at = None if head.base is None else head.base.removeprefix(f"{self._scope}/")
            self._times[uid] = working_time([*layers, Layer(standard().week)]) or standard()
        return self._times[uid]


def map_days(told: Mapping[str, Mapping[str, Any]], item: str) -> Iterator[TimePhased]:
    """The records of what `Days` found of a task."""
    for name, pair in told.items():
        kind, _, number = name.partition("/")
        try:
            work, cost = (_read(pair.get(one)) for one in ("work", "cost"))
            yield TimePhased(f"{item}/{name}", item, Phased(kind), int(number) if number else None, work, cost)
        except (ValueError, TypeError, InvalidOperation) as error:
            raise RecordError(f"the days of {item} can't be read: {error}") from None


def _spread(amount: Decimal, start: datetime | None, finish: datetime | None, time: WorkingTime) -> Iterable[tuple[date, Decimal]]:
    """The amount by days; where none of them is worked, on the first."""
    if start is None:
        raise _Unreadable
    first = start.date()
    if finish is None or finish <= start or finish <= datetime.combine(first, _MIDNIGHT) + _DAY:
        return ((first, amount),)
    if (finish - start).days > MOST_DAYS:
        raise _Unreadable
    last = finish.date()
    if (last - first).days == 1 and not time.hours_between(datetime.combine(last, _MIDNIGHT), finish):
        return ((first, amount),)  # the usual period: from one morning to the next
    shares = []
    day = first
    while day <= last:
        begin = datetime.combine(day, _MIDNIGHT)
        shares.append((day, time.hours_between(max(start, begin), min(finish, begin + _DAY))))
        day += _DAY
    worked = [(day, share) for day, share in shares if share > 0]
    if not worked:
        return ((first, amount),)
    total = Decimal(sum(share for _, share in worked))
    parts = [(day, amount * Decimal(share) / total) for day, share in worked[:-1]]
    return (*parts, (worked[-1][0], amount - sum((part for _, part in parts), Decimal())))


def _amount(value: str) -> Decimal:
    """Hours of a duration, or a cost in whichever unit the file has it."""
    if value.startswith(("P", "-P")):
        found = hours_of(value)
        if found is None or found < 0:
            raise _Unreadable
        return Decimal(str(round(found, 9)))
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise _Unreadable from None
    if not amount.is_finite() or abs(amount) > 10**15:
        raise _Unreadable
    return amount


def _work(days: Mapping[date, Decimal], total: float | None) -> Series | None:
    if total is None or not _near(sum(days.values(), Decimal()), Decimal(str(total)), NEAR_HOURS):
        return None
    return series(days, HOURS)


def _cost(days: Mapping[date, Decimal], total: str | None) -> Series | None:
    """Totals are hundredths. Of periods nobody documents it, so that what adds up decides: they are hundredths, or else whole."""
    try:
        wanted = Decimal(total or "")
    except InvalidOperation:
        return None
    found = sum(days.values(), Decimal())
    if not wanted.is_finite():
        return None
    if _near(found, wanted, Decimal(1)):
        return series({day: amount / 100 for day, amount in days.items()}, MONEY)
    return series(days, MONEY) if _near(found * 100, wanted, Decimal(1)) else None


def _near(found: Decimal, total: Decimal, near: Decimal) -> bool:
    return abs(found - total) <= max(near, abs(total) * NEAR_SHARE)


def _added(amounts: Amounts, kinds: Iterable[int]) -> dict[date, Decimal]:
    found: dict[date, Decimal] = defaultdict(Decimal)
    for kind in kinds:
        for day, amount in amounts.get(kind, {}).items():
            found[day] += amount
    return found


def _either(amounts: Amounts, kinds: tuple[int, int]) -> Mapping[date, Decimal]:
    """As the task tells it, else as its assignments do: the task's has its fixed cost in it."""
    of_assignments, of_task = kinds
    return amounts.get(of_task) or amounts.get(of_assignments) or {}


def _written(of: Series) -> list[list[Any]]:
    return [[first.isoformat(), count, f"{amount:f}"] for first, count, amount in of]


def _read(written: Any) -> Series | None:
    return None if written is None else tuple((date.fromisoformat(first), int(count), Decimal(amount)) for first, count, amount in written)
