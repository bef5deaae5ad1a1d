"""Links between tasks: whose tasks their ends are, and what a lag means. What a link's bytes lack goes with it as context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from pmo_hub.domain.records import Dependency
from pmo_hub.domain.vocabulary import DependencyType
from pmo_hub.sdk.contract import Mapped, Payload
from pmo_hub.sdk.errors import RecordError
from pmo_hub_msproject import wire
from pmo_hub_msproject.values import DAYS_A_WEEK_HOURS, TENTHS_OF_A_MINUTE_AN_HOUR, guid

TYPES = (
    DependencyType.FINISH_TO_FINISH,
    DependencyType.FINISH_TO_START,
    DependencyType.START_TO_FINISH,
    DependencyType.START_TO_START,
)
"""By the site's number."""

ELAPSED = frozenset({4, 6, 8, 10, 12, 20, 36, 38, 40, 42, 44, 52})
PERCENT = frozenset({19, 20, 51, 52})
"""Formats of a lag: through nights and weekends; a share of how long the predecessor takes."""


@dataclass(slots=True)
class Ends:
    """The tasks of one project that links may name, and those of others for which it has stand-ins."""

    project: str
    week_hours: float
    hours: dict[str, float | None] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)

    def own(self, task: str, hours: float | None) -> None:
        self.hours[task] = hours

    def external(self, task: str, project: str | None, original: str | None, hours: float | None) -> None:
        """`task` stands for a task of another project; where it doesn't say which, for itself."""
        self.hours[task] = hours
        if project and original:
            self.strangers[task] = f"{project}/{original}"

    def context(self, link: wire.Link) -> dict[str, str]:
        """What its bytes lack: ends in other projects, and the measure of a lag that is no working time."""
        found = {}
        for name, id in (("predecessor", guid(link.predecessor_task_id)), ("successor", guid(link.successor_task_id))):
            if id in self.strangers:
                found[name] = self.strangers[id]
        if link.link_lag and link.link_lag_fmt in PERCENT:
            hours = self.hours.get(guid(link.predecessor_task_id) or "")
            if hours is not None:
                found["predecessor_hours"] = f"{hours:g}"
        if link.link_lag and link.link_lag_fmt in ELAPSED:
            found["week_hours"] = f"{self.week_hours:g}"
        return found


def map_link(payload: Payload) -> Mapped:
    try:
        link: wire.Link = wire.decoder(wire.Link).decode(payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordError(f"link {payload.ref.external_id} can't be mapped: {error}") from None
    project = payload.ref.external_id.partition("/")[0]
    ends = []
    for name, told in (("predecessor", link.predecessor_task_id), ("successor", link.successor_task_id)):
        id = guid(told)
        if id is None:
            raise RecordError(f"link {payload.ref.external_id} names no {name}")
        ends.append(payload.context.get(name) or f"{project}/{id}")
    predecessor, successor = ends
    number = 1 if link.dependency_type is None else link.dependency_type
    if not 0 <= number < len(TYPES):
        raise RecordError(f"link {payload.ref.external_id} is of type {number}, which Project does not have")
    # Both projects tell of a link between them: it is one.
    crosses = "predecessor" in payload.context or "successor" in payload.context
    external_id = f"{predecessor}>{successor}" if crosses else payload.ref.external_id
    return Mapped([Dependency(external_id, predecessor, successor, TYPES[number], lag_hours(link, payload.context), str(number))])


def lag_hours(link: wire.Link, context: Mapping[str, str]) -> float:
    """The lag in working hours: of elapsed time, as many as a week has of it; of a percentage, that share of the predecessor's duration."""
    lag = link.link_lag or 0
    if not lag:
        return 0.0
    if link.link_lag_fmt in PERCENT:
        return round(lag / 100 * float(context.get("predecessor_hours", 0)), 4)
    found = Decimal(lag) / TENTHS_OF_A_MINUTE_AN_HOUR
    if link.link_lag_fmt in ELAPSED:
        return round(float(found) * float(context.get("week_hours", DAYS_A_WEEK_HOURS)) / DAYS_A_WEEK_HOURS, 4)
    return float(found)
