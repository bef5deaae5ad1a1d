"""Risk signals, computed when they are asked for, and the risks and issues that sources keep as items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pmo_hub.domain.risk import RiskSignal, signals
from pmo_hub.domain.vocabulary import Kind
from pmo_hub.services.errors import NotFound
from pmo_hub.services.freshness import WORTH, Known, live
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import facts as kept
from pmo_hub.store.repositories import freshness, measures, portfolios, registers
from pmo_hub.store.repositories.portfolios import Holder
from pmo_hub.store.repositories.registers import KeptRisk
from pmo_hub.store.unit_of_work import Session

MOST_SIGNALS = 50

MOST_ITEMS = 5_000
"""Items that are in memory at a time, unless one project has more."""


@dataclass(frozen=True, slots=True)
class ProjectSignal:
    project_id: str
    project_name: str
    signal: RiskSignal


@dataclass(frozen=True, slots=True)
class SignalList:
    """The largest exposures first; `total` counts those that the bound left out too."""

    signals: Sequence[ProjectSignal]
    total: int
    computed_at: datetime


def project_signals(hub: Hub, project_id: str) -> SignalList:
    """What the project's items say may go wrong; raises NotFound."""
    now = hub.now()
    with hub.work.read() as session:
        if freshness.head(session, project_id) is None:
            raise NotFound("project", project_id)
        found = _signals(session, [project_id], now)
    return SignalList(found[:MOST_SIGNALS], len(found), now)


def holder_signals(hub: Hub, type: Holder, id: str) -> SignalList:
    """The worst signals of a portfolio's or program's projects; raises NotFound."""
    now = hub.now()
    with hub.work.read() as session:
        found = _signals(session, _projects_of(session, type, id), now)
    return SignalList(found[:MOST_SIGNALS], len(found), now)


def project_register(
    hub: Hub, kind: Kind, project_id: str, state: str | None, after: tuple[int, str] | None, limit: int, as_of: datetime | None = None
) -> list[KeptRisk]:
    """Risks or issues of a project, the most urgent first, those after (priority, place); raises NotFound."""
    with hub.work.read() as session:
        if freshness.head(session, project_id, as_of) is None:
            raise NotFound("project", project_id)
        return registers.kept(session, kind, [project_id], state, after, limit, as_of)


def holder_register(
    hub: Hub, kind: Kind, type: Holder, id: str, state: str | None, after: tuple[int, str] | None, limit: int,
    as_of: datetime | None = None,
) -> list[KeptRisk]:  # fmt: skip
    """As `project_register`, of a portfolio's or program's projects."""
    with hub.work.read() as session:
        return registers.kept(session, kind, _projects_of(session, type, id, as_of), state, after, limit, as_of)


def _projects_of(session: Session, type: Holder, id: str, as_of: datetime | None = None) -> list[str]:
    if portfolios.get(session, type, id, as_of) is None:
        raise NotFound(type, id)
    return portfolios.project_ids(session, id, as_of)


def _signals(session: Session, project_ids: Sequence[str], now: datetime) -> list[ProjectSignal]:
    found = []
    for batch in measures.batches(session, project_ids, MOST_ITEMS):
        facts = kept.of_entities(session, batch)
        for project_id, (project, items) in measures.project_inputs(session, batch, today=now.date()).items():
            worth = WORTH[project.data_complete]
            known = Known(facts.get(project_id, {}), live(project, now), worth)
            found += [ProjectSignal(project_id, project.name, signal) for signal in signals(project, items, known, now)]
    return sorted(found, key=lambda one: (-one.signal.exposure, one.project_name, one.signal.id))
