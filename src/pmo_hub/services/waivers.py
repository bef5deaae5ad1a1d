"""The clock's part in violations: waivers that end soon or have ended, deadlines that ran out; each told once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import ceil

from pmo_hub.domain.deadlines import Deadlines, next_breach, next_look
from pmo_hub.domain.governance import Mode
from pmo_hub.domain.violations import State, end_waiver
from pmo_hub.services import judging
from pmo_hub.services.evidence import recording
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import events, violations, waivers
from pmo_hub.store.repositories.waivers import KeptWaiver
from pmo_hub.store.unit_of_work import Session

AT_A_TIME = 100
"""So many are looked at in one tick, each in a transaction of its own; the next tick goes on."""


def tick(hub: Hub) -> int:
    """Whatever was due is told; returns how many waivers and deadlines that were."""
    now = hub.now()
    with hub.work.read() as session:
        ending = waivers.due(session, now, AT_A_TIME)
        breached = waivers.breached(session, now, AT_A_TIME)
    for waiver in ending:
        with hub.work.write() as session:
            _look(session, hub, waiver)
    for id in breached:
        with hub.work.write() as session:
            _breach(session, hub, id)
    return len(ending) + len(breached)


def _look(session: Session, hub: Hub, waiver: KeptWaiver) -> None:
    violations.lock(session, waiver.violation_id)
    # Looked at once more under the violation's lock: it may have been revoked, or told by another process.
    standing = waivers.of_violations(session, [waiver.violation_id]).get(waiver.violation_id)
    found = violations.get(session, waiver.violation_id)
    now = hub.now()
    if standing is None or found is None or standing.look_at is None or standing.look_at > now:
        return
    row = found.violation
    until = {"until": standing.until.isoformat()}
    if now < standing.until:
        waivers.look_again(session, standing.id, next_look(standing.until, now))
        days = ceil((standing.until - now) / timedelta(days=1))
        told = None if row.mode == Mode.EVALUATE.value else "violation.waiver_expiring"
        events.lock_subjects(session, [row.id])
        judging.tell(session, told, row, now, **until, days_left=days)
        return
    waivers.end(session, [row.id], waivers.EXPIRED, None, now)
    change = end_waiver(judging.state_of(row), now, mode=Mode(row.mode))
    if change is None:
        return
    after = judging.timed_anew(change, row, judging.zone_of(session, row.project_id))
    violations.save(session, [after])
    recording.moved(session, [("waiver_expired", after)], now)
    events.lock_subjects(session, [row.id])
    judging.tell(session, change.event, after, now, **until)


def _breach(session: Session, hub: Hub, id: str) -> None:
    violations.lock(session, id)
    found = violations.get(session, id)
    now = hub.now()
    if found is None or found.violation.breach_at is None or found.violation.breach_at > now:
        return
    row = found.violation
    due = row.breach_at
    clock = "acknowledge" if row.state == State.OPEN.value and due == row.acknowledge_by else "resolve"
    following = next_breach(State(row.state), Deadlines(row.acknowledge_by, row.resolve_by), due)
    violations.save(session, [replace(row, breach_at=following)])
    recording.moved(session, [("sla_breached", row)], now)
    if row.mode != Mode.EVALUATE.value and due is not None:
        events.lock_subjects(session, [id])
        judging.tell(session, "violation.sla_breached", row, now, clock=clock, due_at=due.isoformat())
