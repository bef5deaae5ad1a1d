"""Flow facts: throughput with its zeros, cycle times, ageing and blocked work in progress."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pmo_hub.domain.evidence import Fact, ItemFacts
from pmo_hub.domain.flow import cycle_days, percentile, weekly_throughput
from pmo_hub.domain.providers.reading import FAR, Reading, days_ago, earliest, links, share_with
from pmo_hub.domain.vocabulary import Kind, StatusCategory


def measure_flow(reading: Reading) -> list[Fact]:
    """Throughput over the last full weeks, work in progress, cycle-time percentiles, and what ages beyond them or is blocked."""
    progress = [item for item in reading.open if item.status_category is StatusCategory.IN_PROGRESS]
    return [
        _throughput(reading),
        reading.fact("project.wip_count", len(progress)),
        *_ageing(reading, progress),
        *_blocked(reading, progress),
    ]


def _done(reading: Reading) -> list[ItemFacts]:
    return [item for item in reading.finished if item.status_category is StatusCategory.DONE]


def _throughput(reading: Reading) -> Fact:
    name, parameters = "project.throughput_per_week", reading.parameters
    done = _done(reading)
    days = [reading.day(item.done_at) for item in done if item.done_at is not None]
    if not days:
        return reading.unknown(name, "nothing was ever finished" if not done else "no finished item says when")
    begun = min([*days, *(reading.day(item.created_at) for item in reading.work if item.created_at is not None)])
    weeks = min(parameters.throughput_weeks, (reading.today - begun).days // 7)
    if weeks < parameters.throughput_min_weeks:
        return reading.unknown(name, f"under {parameters.throughput_min_weeks} full weeks of history", reading.tomorrow)
    rate = sum(weekly_throughput(days, reading.today, weeks)) / weeks
    return reading.fact(name, rate, sure=len(days) / len(done), holds_until=reading.tomorrow)


@dataclass(frozen=True, slots=True)
class _CycleTimes:
    """Cycle times in days: of all recently finished items, and of each kind that has enough of them."""

    everything: tuple[int, ...]
    limits: Mapping[Kind, int]
    limit: int | None

    def limit_of(self, kind: Kind) -> int | None:
        """The kind's own P85, else that of all kinds together; None with too few samples."""
        return self.limits.get(kind, self.limit)


def _cycle_times(reading: Reading) -> _CycleTimes:
    since = days_ago(reading.today, reading.parameters.cycle_window_days)
    by_kind: defaultdict[Kind, list[int]] = defaultdict(list)
    for item in _done(reading):
        if item.started_at is None or item.done_at is None or item.done_at < item.started_at:
            continue
        if (done := reading.day(item.done_at)) >= since:
            by_kind[item.kind].append(cycle_days(reading.day(item.started_at), done))
    least = reading.parameters.cycle_min_samples
    everything = tuple(sorted(days for times in by_kind.values() for days in times))
    limits = {kind: limit for kind, times in by_kind.items() if len(times) >= least and (limit := percentile(times, 0.85)) is not None}
    return _CycleTimes(everything, limits, percentile(everything, 0.85) if len(everything) >= least else None)


def _ageing(reading: Reading, progress: Sequence[ItemFacts]) -> list[Fact]:
    times = _cycle_times(reading)
    samples, tomorrow = len(times.everything), reading.tomorrow
    facts = [reading.fact("project.cycle_samples", samples, holds_until=tomorrow)]
    for name, p in (("project.cycle_time_p50_days", 0.5), ("project.cycle_time_p85_days", 0.85)):
        value = percentile(times.everything, p) if samples >= reading.parameters.cycle_min_samples else None
        few = f"{samples} finished items with a known start, {reading.parameters.cycle_min_samples} are needed"
        facts.append(reading.unknown(name, few, tomorrow) if value is None else reading.fact(name, value, holds_until=tomorrow))
    return facts + _beyond(reading, progress, times)


def _beyond(reading: Reading, progress: Sequence[ItemFacts], times: _CycleTimes) -> list[Fact]:
    names = ("project.ageing_wip_count", "project.ageing_wip_share", "project.oldest_wip_started_at")
    if not progress:
        return [
            reading.fact("project.ageing_wip_count", 0) if reading.work else reading.unknown(names[0], "the project has no work items"),
            *(reading.unknown(name, "nothing is in progress") for name in names[1:]),
        ]
    started = [(item.started_at, item) for item in progress if item.started_at is not None]
    if not started:
        return [reading.unknown(name, "no item in progress says since when") for name in names]
    first, oldest = min(started, key=lambda pair: (pair[0], pair[1].id))
    oldest_fact = reading.fact(names[2], first, evidence=links([oldest], lambda item: 0, _since(reading)))
    judged = [(reading.day(start), limit, item) for start, item in started if (limit := times.limit_of(item.kind)) is not None]
    if not judged:
        reason = f"fewer than {reading.parameters.cycle_min_samples} finished items to compare with"
        return [*(reading.unknown(name, reason, reading.tomorrow) for name in names[:2]), oldest_fact]
    ageing = [item for start, limit, item in judged if cycle_days(start, reading.today) > limit]
    evidence = links(ageing, lambda item: item.started_at or FAR, _since(reading))
    # An item begun on day s with limit L is on day s + L for the first time older than L; the samples' window moves at midnight too.
    flips = earliest([*(_midnight(reading, start, limit) for start, limit, _ in judged), reading.tomorrow], reading.now)
    sure = len(judged) / len(progress)
    return [
        reading.fact(names[0], len(ageing), sure=sure, evidence=evidence, holds_until=flips),
        reading.fact(names[1], len(ageing) / len(judged), sure=sure, evidence=evidence, holds_until=flips),
        oldest_fact,
    ]


def _midnight(reading: Reading, start: date, limit: int) -> datetime:
    return reading.midnight(start + timedelta(days=limit))


def _since(reading: Reading) -> Callable[[ItemFacts], str | None]:
    return lambda item: f"in progress since {reading.day(item.started_at)}" if item.started_at else None


def _blocked(reading: Reading, progress: Sequence[ItemFacts]) -> list[Fact]:
    known = [item for item in reading.open if item.blocked is not None]
    if not known:
        reason = "no work is open" if not reading.open else "the source doesn't say what is blocked"
        return [reading.unknown(name, reason) for name in ("project.blocked_count", "project.blocked_wip_share")]
    blocked = [item for item in known if item.blocked]
    evidence = links(
        blocked,
        lambda item: item.status_since or FAR,
        lambda item: f"{item.status[:60]} since {reading.day(item.status_since)}" if item.status_since else item.status[:60],
    )
    sure = share_with(reading.open, lambda item: item.blocked is not None)
    count = reading.fact("project.blocked_count", len(blocked), sure=sure, evidence=evidence)
    held = [item for item in progress if item.blocked is not None]
    if not held:
        return [count, reading.unknown("project.blocked_wip_share", "nothing is in progress")]
    stuck = sum(1 for item in held if item.blocked) / len(held)
    return [count, reading.fact("project.blocked_wip_share", stuck, sure=len(held) / len(progress), evidence=evidence)]
