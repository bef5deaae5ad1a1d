"""The delivery log, and what is sent once more: one delivery, or all of a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pmo_hub.domain.events import Event
from pmo_hub.services import audit
from pmo_hub.services.dispatching import Plan, grouped, plans_of, single
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import deliveries as rows
from pmo_hub.store.repositories import events, subscriptions
from pmo_hub.store.repositories.deliveries import DEAD, DELIVERED, KeptAttempt, StoredDelivery
from pmo_hub.store.repositories.events import Wanted
from pmo_hub.store.repositories.subscriptions import DISABLED
from pmo_hub.store.unit_of_work import Session

KEPT = timedelta(days=30)
FORGOTTEN_AT_A_TIME = 2_000
MOST_ATTEMPTS = 50
MOST_REPLAYED = 10_000


@dataclass(frozen=True, slots=True)
class Logged:
    """A delivery with its newest attempts, newest first."""

    delivery: StoredDelivery
    attempts: Sequence[KeptAttempt]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries are sent once more, and how many for the first time."""

    again: int
    new: int


def page(hub: Hub, filters: Mapping[str, str | None], after: tuple[datetime, str] | None, limit: int) -> list[StoredDelivery]:
    """Deliveries, the newest first, those after (made, id)."""
    with hub.work.read() as session:
        return rows.page(session, filters, after, limit)


def get(hub: Hub, id: str) -> Logged:
    """Raises NotFound."""
    with hub.work.read() as session:
        return _logged(session, id)


def replay(hub: Hub, id: str, actor: str) -> Logged:
    """It is sent once more, under the id that it had; raises NotFound, and Conflict while it waits or where nothing is sent there."""
    now = hub.now()
    with hub.work.write() as session:
        found = rows.find(session, id)
        if found is None:
            raise NotFound("delivery", id)
        _refuse_disabled(session, found.subscription_id)
        if not rows.revive(session, [id], now):
            raise Conflict("The delivery waits to be sent already.")
        audit.record(session, actor, "delivery.replayed", "delivery", id, {"subscription_id": found.subscription_id}, now)
        return _logged(session, id)


def replay_range(hub: Hub, subscription_id: str, since: datetime, until: datetime, actor: str, *, delivered: bool = False) -> Replayed:
    """Everything of that time that the subscription wants and has not got is sent; with `delivered`, what it has got as well.

    What it never was to get (it did not exist, or was disabled) is told now as if it were new. Raises NotFound, Invalid, Conflict.
    """
    now = hub.now()
    if since >= until:
        raise Invalid("/until", "The time ends before it begins.", code="until")
    with hub.work.write() as session:
        stored = _refuse_disabled(session, subscription_id)
        [plan] = plans_of(session, [stored])
        states = (DEAD, DELIVERED) if delivered else (DEAD,)
        revived = rows.made_between(session, subscription_id, since, until, states, MOST_REPLAYED + 1)
        told = rows.events_since(session, subscription_id, since)
        missed = _missed(session, plan, set(told), since, until)
        if len(revived) + len(missed) > MOST_REPLAYED:
            raise Invalid("/since", f"That is more than {MOST_REPLAYED} deliveries: name a shorter time.", code="since")
        again = rows.revive(session, revived, now)
        if plan.format.groups or plan.is_digest:
            made = grouped(plan.id, missed, now, is_digest=plan.is_digest)
        else:
            made = [single(plan.id, event, now, now) for event in missed]
        rows.add(session, made)
        detail = {"since": since.isoformat(), "until": until.isoformat(), "again": again, "new": len(made)}
        audit.record(session, actor, "subscription.replayed", "subscription", subscription_id, detail, now)
    return Replayed(again, len(made))


def forget(hub: Hub) -> int:
    """What ended a month ago is deleted, some of it at a time; returns how much that was."""
    with hub.work.write() as session:
        return rows.forget(session, hub.now() - KEPT, FORGOTTEN_AT_A_TIME)


def _missed(session: Session, plan: Plan, told: set[str], since: datetime, until: datetime) -> list[Event]:
    """Events of that time that the subscription wants and was never to be told, by position."""
    found: list[Event] = []
    after = 0
    while len(found) <= MOST_REPLAYED:
        page = events.page(session, Wanted(since=since, until=until), after, 1_000)
        if not page:
            break
        found += [one.event for one in page if one.event.id not in told and plan.filters.let_through(one.event)]
        after = page[-1].event.position or 0
    return found


def _refuse_disabled(session: Session, subscription_id: str) -> subscriptions.StoredSubscription:
    found = subscriptions.find(session, subscription_id)
    if found is None:
        raise NotFound("subscription", subscription_id)
    if found.state == DISABLED:
        raise Conflict("The subscription is disabled, nothing is sent there: make it active first.")
    return found


def _logged(session: Session, id: str) -> Logged:
    found = rows.find(session, id)
    if found is None:
        raise NotFound("delivery", id)
    return Logged(found, rows.attempts(session, id, MOST_ATTEMPTS))
