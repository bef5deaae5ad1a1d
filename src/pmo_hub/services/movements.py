"""What moved in a project beside its violations: its ratings and its risk signals, told when they differ from what was told last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pmo_hub.domain.evidence import Fact, ItemFacts, ProjectFacts
from pmo_hub.domain.health import Health, assess
from pmo_hub.domain.identity import row_id
from pmo_hub.domain.risk import Band, RiskSignal, band, signals
from pmo_hub.services.freshness import known
from pmo_hub.store.repositories import events, freshness, measures, project_states
from pmo_hub.store.repositories import facts as kept
from pmo_hub.store.repositories.freshness import Head
from pmo_hub.store.repositories.project_states import KeptState
from pmo_hub.store.unit_of_work import Session

_BANDS = {one: rank for rank, one in enumerate(Band)}
_ESCALATED = (Band.HIGH, Band.CRITICAL)
_MOST_REASONS = 3

MOST_PROJECTS = 25
"""So many projects' facts, with their evidence, are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A project as it shows itself now. `health` None: it was never synced. `signals` None: they were not computed, and stay as told."""

    health: Health | None
    is_stale: bool
    is_complete: bool | None
    signals: Sequence[RiskSignal] | None


def see(project: ProjectFacts, facts: Mapping[str, Fact], now: datetime, items: Sequence[ItemFacts]) -> Seen:
    """How the project shows itself by these facts."""
    health = None if project.synced_at is None else assess(facts, now)
    stale = _is_stale(project.synced_at, project.cadence_minutes, now)
    return Seen(health, stale, project.data_complete, signals(project, items, facts, now))


def tell(session: Session, seen: Mapping[str, Seen | None], now: datetime) -> int:
    """What differs from what was told of these projects last is told; None stands for a project that is gone.

    The first that is seen of a project is no change. The caller holds the projects' locks. Returns the number of events.
    """
    before = project_states.of(session, seen.keys())
    project_states.drop(session, [id for id in before if seen[id] is None])
    states: list[KeptState] = []
    new: list[tuple[str, str, str, dict[str, Any]]] = []
    for id, now_seen in seen.items():
        if now_seen is None:
            continue
        was = before.get(id)
        state = _state(id, now_seen, was, now)
        if was is not None:
            new += _changes(now_seen, state, was)
        if was is None or _differs(state, was):
            states.append(state)
    project_states.save(session, states)
    last = events.last_sequences(session, {subject for _, _, subject, _ in new})
    events.record_all(
        session, [events.NewEvent(type, kind, subject, last.get(subject, 0) + 1, data) for type, kind, subject, data in new], now
    )
    return len(new)


def follow_syncs(session: Session, project_ids: Collection[str], now: datetime) -> int:
    """Projects whose data became old, fresh, complete or incomplete by how its syncs went are rated anew; returns the number of events.

    What a sync leaves as it was costs two queries, however many projects it feeds.
    """
    heads = freshness.heads(session, project_ids)
    before = project_states.of(session, project_ids)
    turned = sorted(
        id
        for id, head in heads.items()
        if head.synced_at is not None
        and (id not in before or (before[id].is_stale, before[id].is_complete) != (_stale_head(head, now), head.complete))
    )
    if not turned:
        return 0
    measures.lock(session, turned)
    events_told = 0
    for some in (turned[start : start + MOST_PROJECTS] for start in range(0, len(turned), MOST_PROJECTS)):
        facts = kept.of_entities(session, some)
        told = {}
        for id in some:
            if facts.get(id):
                health = assess(known(facts[id], heads[id], now), now)
                told[id] = Seen(health, _stale_head(heads[id], now), heads[id].complete, None)
        events_told += tell(session, told, now)
    return events_told


def _stale_head(head: Head, now: datetime) -> bool:
    return _is_stale(head.synced_at, head.cadence_minutes, now)


def _is_stale(synced_at: datetime | None, cadence_minutes: int | None, now: datetime) -> bool:
    """As domain.health judges it."""
    return synced_at is None or cadence_minutes is None or now - synced_at > 2 * timedelta(minutes=cadence_minutes)


def _state(id: str, seen: Seen, was: KeptState | None, now: datetime) -> KeptState:
    ratings = {} if seen.health is None else {one.dimension: one.rating.value for one in seen.health.dimensions}
    rating = None if seen.health is None else seen.health.rating.value
    if seen.signals is not None:
        exposures: Mapping[str, int] | None = {one.kind: one.exposure for one in seen.signals}
    else:
        exposures = None if was is None else was.exposures
    return KeptState(id, rating, ratings, exposures, seen.is_stale, seen.is_complete, now)


def _differs(state: KeptState, was: KeptState) -> bool:
    return (state.rating, state.ratings, state.exposures, state.is_stale, state.is_complete) != (
        was.rating, was.ratings, was.exposures, was.is_stale, was.is_complete,
    )  # fmt: skip


def _changes(seen: Seen, state: KeptState, was: KeptState) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(type, entity type, entity id, data) of what became another since."""
    found: list[tuple[str, str, str, dict[str, Any]]] = []
    moved = {
        name: {"rating": rating, "was": was.ratings[name]}
        for name, rating in state.ratings.items()
        if name in was.ratings and was.ratings[name] != rating
    }
    if seen.health is not None and was.rating is not None and (moved or state.rating != was.rating):
        data = {
            "project_id": state.project_id, "rating": state.rating, "was": was.rating, "dimensions": moved,
            "reasons": [reason[:300] for reason in seen.health.reasons[:_MOST_REASONS]],
        }  # fmt: skip
        found.append(("health.changed", "project", state.project_id, data))
    for signal in seen.signals or ():
        if was.exposures is None:
            break  # nothing was ever told of its risks
        lower = band(was.exposures[signal.kind]) if signal.kind in was.exposures else Band.LOW
        if signal.band in _ESCALATED and _BANDS[signal.band] > _BANDS[lower]:
            escalated: dict[str, Any] = {
                "project_id": state.project_id, "kind": signal.kind, "title": signal.title[:300], "band": signal.band.value,
                "was": lower.value, "exposure": signal.exposure, "severity": signal.band.value,
            }  # fmt: skip
            found.append(("risk.escalated", "risk_signal", row_id("risk_signal", signal.kind, state.project_id), escalated))
    return found
