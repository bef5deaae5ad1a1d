"""The one dispatcher: what was committed gets its position, and each subscription that wants it a delivery, in one transaction.

Positions are given under the lock of one row, so that whoever reads them in order never finds an earlier one later.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from pmo_hub.domain.events import Event, Filters, Notice, in_groups
from pmo_hub.domain.formats import Format
from pmo_hub.domain.identity import row_id
from pmo_hub.domain.local_time import zone
from pmo_hub.domain.quiet_hours import Window, opens_at
from pmo_hub.jobs.rhythm import Rhythm, parsed
from pmo_hub.services.hub import Hub
from pmo_hub.services.timetable import window_of
from pmo_hub.store.repositories import deliveries, events, people, portfolios, subscriptions, told
from pmo_hub.store.repositories.deliveries import WAITING, HeldBack, StoredDelivery
from pmo_hub.store.repositories.events import GONE, Placed
from pmo_hub.store.repositories.subscriptions import ACTIVE, PAUSED, StoredSubscription
from pmo_hub.store.unit_of_work import Session

AT_A_TIME = 1_000
"""Events that are placed in one transaction: some fifty milliseconds, while which other writers of SQLite wait."""

MOST_IN_A_GROUP = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription as the dispatcher reads it."""

    id: str
    format: Format
    filters: Filters
    rhythm: Rhythm | None
    quiet: Sequence[Window]
    where: tzinfo

    @property
    def is_digest(self) -> bool:
        return self.rhythm is not None


def dispatch(hub: Hub) -> bool:
    """Some of what waits has its position and its deliveries; False when nothing waited."""
    now = hub.now()
    with hub.work.read() as session:
        if not events.has_unplaced(session) and not deliveries.has_ripe(session, now):
            return False
    with hub.work.write() as session:
        head = events.lock_head(session)
        found = _placed(session, events.unplaced(session, AT_A_TIME), head)
        events.place(session, found)
        plans = {one.id: one for one in plans_of(session, subscriptions.in_states(session, ACTIVE, PAUSED))}
        made: list[StoredDelivery] = []
        held: list[HeldBack] = []
        for plan in plans.values():
            wanted = [one.event for one in found if plan.filters.let_through(one.event)]
            for one in hand_out(plan, wanted, now):
                (made if isinstance(one, StoredDelivery) else held).append(one)  # type: ignore[arg-type]
        ripe = deliveries.ripe(session, now, AT_A_TIME)
        deliveries.hold(session, held)
        deliveries.add(session, [*made, *_gathered(plans, ripe, now)])
    return bool(found or ripe)


def hand_out(plan: Plan, wanted: Sequence[Event], now: datetime) -> Iterator[StoredDelivery | HeldBack]:
    """What becomes of events for a subscription: deliveries, or a wait for a digest or for the end of quiet hours."""
    if not wanted:
        return
    opens = opens_at(plan.quiet, now, plan.where) or now
    if plan.rhythm is not None or (plan.format.groups and opens > now):
        fire = now if plan.rhythm is None else plan.rhythm.next_after(now, plan.where)
        due = opens_at(plan.quiet, fire or now, plan.where) or now
        for event in wanted:
            yield HeldBack(plan.id, event.id, event.position or 0, event.project_id, event.owner_id, due)
    elif plan.format.groups:
        yield from grouped(plan.id, wanted, now, is_digest=False)
    else:
        for event in wanted:
            yield single(plan.id, event, opens, now)


def single(subscription_id: str, event: Event, due_at: datetime, now: datetime) -> StoredDelivery:
    """One event as one message, which has the event's id: to whomever and however often it is sent."""
    return StoredDelivery(
        row_id("delivery", subscription_id, event.id), subscription_id, event.id, (event.id,), False, event.entity_id,
        event.position or 0, WAITING, 0, due_at, now,
    )  # fmt: skip


def grouped(subscription_id: str, wanted: Sequence[Event], now: datetime, *, is_digest: bool) -> list[StoredDelivery]:
    """One message a project and owner."""
    made = []
    for group in in_groups([Notice(event, "") for event in wanted], MOST_IN_A_GROUP):
        first, last = group[0].event, group[-1].event
        id = row_id("delivery", subscription_id, "group", first.id, last.id, str(len(group)))
        key = first.project_id or row_id("group", subscription_id)
        ids = tuple(one.event.id for one in group)
        made.append(StoredDelivery(id, subscription_id, id, ids, is_digest, key, last.position or 0, WAITING, 0, now, now))
    return made


def plans_of(session: Session, stored: Sequence[StoredSubscription]) -> list[Plan]:
    """The subscriptions, understood; an owner stands for all accounts of the same human."""
    plans = []
    for one in stored:
        filters = filters_of(one)
        if filters.owner_ids:
            filters = replace(filters, owner_ids=filters.owner_ids | people.everyone_like(session, filters.owner_ids))
        rhythm = None if one.digest is None else parsed(one.digest)
        plans.append(Plan(one.id, Format(one.format), filters, rhythm, [window_of(w) for w in one.quiet_hours], zone(one.time_zone)))
    return plans


def filters_of(stored: StoredSubscription) -> Filters:
    return Filters(types=frozenset(stored.types), **{name: frozenset(chosen) for name, chosen in stored.filters.items()})


def _placed(session: Session, found: Sequence[Event], head: int) -> list[Placed]:
    """With positions after `head`, and with what filters ask for as it is now."""
    own = {event.id: _project(event) for event in found}
    ids = {project for project in own.values() if project is not None}
    labels, above = told.projects(session, ids), portfolios.above(session, ids)
    placed = []
    for number, event in enumerate(found, start=1):
        project = own[event.id]
        label = None if project is None else labels.get(project)
        severity, check = event.data.get("severity"), event.data.get("check_id")
        whole = replace(
            event, position=head + number, project_id=project, portfolio_ids=above.get(project or "", ()),
            severity=None if severity is None else str(severity), check_id=None if check is None else str(check),
            owner_id=None if label is None else label.owner_id,
        )  # fmt: skip
        gone = project is not None and label is None
        placed.append(Placed(whole, GONE if gone else None if label is None else label.classification))
    return placed


def _project(event: Event) -> str | None:
    if event.entity_type == "project":
        return event.entity_id
    found = event.data.get("project_id")
    return None if found is None else str(found)


def _gathered(plans: dict[str, Plan], ripe: Sequence[HeldBack], now: datetime) -> list[StoredDelivery]:
    """What waited to be told together, told together."""
    made: list[StoredDelivery] = []
    for id in dict.fromkeys(one.subscription_id for one in ripe):
        if id not in plans:
            continue
        own = [
            Event(one.event_id, "", now, "", "", 0, position=one.position, project_id=one.project_id, owner_id=one.owner_id)
            for one in ripe
            if one.subscription_id == id
        ]
        made += grouped(id, own, now, is_digest=plans[id].is_digest)
    return made
