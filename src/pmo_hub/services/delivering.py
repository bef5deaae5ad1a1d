"""Sending: one lane an endpoint, walked by one process at a time, so that none waits for another's.

At least once: an attempt is written down after it was made, so that whoever is killed between the two makes it again, under the same id.
Of an entity the next message is sent when the one before has ended. A delivery's retries live here and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import anyio.to_thread
import structlog

from pmo_hub import log as logs
from pmo_hub.domain import delivery as rules
from pmo_hub.domain.delivery import Answer
from pmo_hub.domain.events import Notice
from pmo_hub.domain.formats import RENDERERS, Body, Envelope, Format
from pmo_hub.host.posting import Posting
from pmo_hub.services import telling
from pmo_hub.services.hub import Hub
from pmo_hub.services.sync import holder_name, is_alive
from pmo_hub.store.repositories import deliveries, events, lanes, subscriptions
from pmo_hub.store.repositories.deliveries import DEAD, DELIVERED, WAITING, StoredDelivery, Tried
from pmo_hub.store.repositories.lanes import Fared, Held
from pmo_hub.store.repositories.subscriptions import ACTIVE, DISABLED, StoredSubscription
from pmo_hub.store.secrets import SecretError
from pmo_hub.store.unit_of_work import Session

log = structlog.get_logger(__name__)

LEASE_TTL = timedelta(seconds=90)
AT_A_TIME = 64
"""Messages of one lane that are written down together."""

SIDE_BY_SIDE = 8
"""Requests to one endpoint at once; each of another entity."""

LONGEST_ROUND_S = 10.0
"""After so long no further message of the round is begun: what was sent is written down before the lease ends."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is encrypted of a subscription. `secrets` are the current and, until their time, the former ones."""

    url: str = field(repr=False)
    secrets: Sequence[Mapping[str, Any]] = field(repr=False)

    def in_force(self, now: datetime) -> list[str]:
        """The secrets that sign now, the current first."""
        return [str(one["text"]) for one in self.secrets if one["until"] is None or datetime.fromisoformat(one["until"]) > now]


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery with the message that it is now; None where its events are gone."""

    delivery: StoredDelivery
    body: Body | None


@dataclass(frozen=True, slots=True)
class Round:
    """Messages of one lane that are sent now, and by what."""

    subscription: StoredSubscription
    sealed: Sealed
    ready: Sequence[Ready]


def unsealed(hub: Hub, subscription: StoredSubscription) -> Sealed:
    """Raises SecretError where it can't be read."""
    held = json.loads(hub.secrets.open(subscription.sealed, "subscriptions", subscription.id, "sealed"))
    for one in held["secrets"]:
        logs.register_secret(one["text"])
    return Sealed(held["url"], held["secrets"])


def due(hub: Hub, without: Sequence[str], limit: int) -> list[str]:
    """Subscriptions whose lanes are to be walked now."""
    with hub.work.read() as session:
        return lanes.due(session, hub.now(), without, is_alive, limit)


async def drive(hub: Hub, subscription_id: str, is_stopping: Callable[[], bool], draw: Callable[[], float] = random.random) -> int:
    """What is due on this lane is sent, as long as there is something and the endpoint takes it; returns the number of attempts.

    Nothing is done where another process walks the lane.
    """
    made = 0
    lane: Held | None = await _in_thread(partial(_take, hub, subscription_id))
    if lane is None:
        return made
    held = lane
    try:
        async with hub.poster.opened(SIDE_BY_SIDE) as posting:
            while lane is not None and not is_stopping():
                one: Round | None = await _in_thread(partial(_prepare, hub, lane))
                if one is None:
                    break
                answers = await _send(hub, posting, one, lane.failures)
                made += len(answers)
                lane = await _in_thread(partial(_record, hub, lane, one.subscription, answers, draw))
    except SecretError as error:
        await _in_thread(partial(_leave_alone, hub, held, str(error)))
    finally:
        with anyio.CancelScope(shield=True):
            await _in_thread(partial(_release, hub, held))
    return made


async def send(hub: Hub, posting: Posting, subscription: StoredSubscription, sealed: Sealed, message_id: str, body: Body) -> Answer:
    """One message, signed as of now, by the way that its format takes."""
    now = hub.now()
    if subscription.format == Format.EMAIL:
        if hub.mailer is None:
            return Answer(None, 0, "The hub was not told how to send e-mails: set PMO_HUB_SMTP_URL.")
        mailer, recipients = hub.mailer, sealed.url.removeprefix("mailto:").split(",")
        return await anyio.to_thread.run_sync(lambda: mailer.send(None, recipients, body))
    signed = rules.signed_headers(sealed.in_force(now), message_id, now, body.content)
    return await posting.post(sealed.url, {"Content-Type": body.content_type, **body.headers, **signed}, body.content, now)


def rendered(
    hub: Hub, subscription: StoredSubscription, sealed: Sealed, message_id: str, notices: Sequence[Notice], *, is_digest: bool
) -> Body:
    """The message that these notices are in the subscription's format."""
    recipients = tuple(sealed.url.removeprefix("mailto:").split(",")) if subscription.format == Format.EMAIL else ()
    envelope = Envelope(message_id, notices[-1].event.at, hub.public_url, subscription.id, subscription.name, is_digest, None, recipients)
    return RENDERERS[Format(subscription.format)](notices, envelope)


def _take(hub: Hub, subscription_id: str) -> Held | None:
    with hub.work.write() as session:
        return lanes.take(session, subscription_id, holder_name(), is_alive, hub.now(), LEASE_TTL)


def _leave_alone(hub: Hub, lane: Held, why: str) -> None:
    """The lane rests: its secrets can't be read, which only an admin changes."""
    now = hub.now()
    with hub.work.write() as session:
        rested = Fared(lane.failures + 1, lane.failing_since or now, now + rules.LONGEST_REST, None, now, why)
        lanes.keep(session, lane, rested, now, LEASE_TTL)
    if not lane.failures:
        log.error("delivery.secret_unreadable", subscription_id=lane.subscription_id, error=why)


def _release(hub: Hub, lane: Held) -> None:
    with hub.work.write() as session:
        lanes.release(session, lane, hub.now())


def _prepare(hub: Hub, lane: Held) -> Round | None:
    """The next messages of the lane; None when nothing is due or nothing may be sent any more. A probe is a single one."""
    limit = 1 if lane.failures >= rules.RESTS_AFTER else AT_A_TIME
    with hub.work.read() as session:
        subscription = subscriptions.find(session, lane.subscription_id)
        if subscription is None or subscription.state != ACTIVE:
            return None
        found = deliveries.due(session, lane.subscription_id, hub.now(), limit)
        if not found:
            return None
        ids = {id for one in found for id in one.event_ids}
        placed = events.by_ids(session, ids)
        thin = ids if subscription.is_thin else ()
        notices = telling.notices(session, list(placed.values()), hub.public_url, thin)
    sealed = unsealed(hub, subscription)
    ready = []
    for one in found:
        told = [notices[id] for id in one.event_ids if id in notices]
        body = rendered(hub, subscription, sealed, one.message_id, told, is_digest=one.is_digest) if told else None
        ready.append(Ready(one, body))
    return Round(subscription, sealed, ready)


@dataclass(slots=True)
class _Course:
    """How a round goes: where too much fails, nothing further of it is begun."""

    failures: int
    is_over: bool = False

    def note(self, answer: Answer) -> None:
        if answer.is_delivered:
            self.failures = 0
            return
        self.failures += 1
        self.is_over = self.is_over or answer.is_gone or answer.retry_after is not None or self.failures >= rules.RESTS_AFTER


async def _send(hub: Hub, posting: Posting, one: Round, failures: int) -> list[tuple[StoredDelivery, datetime, Answer]]:
    """The answers in the order in which they came."""
    answers: list[tuple[StoredDelivery, datetime, Answer]] = []
    waiting = iter(one.ready)
    course = _Course(failures)
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST_ROUND_S

    async def walk() -> None:
        for ready in waiting:
            if ready.body is None:
                answer = Answer(None, 0, "Its events are gone: there is nothing to send.")
            else:
                answer = await _safely(send(hub, posting, one.subscription, one.sealed, ready.delivery.message_id, ready.body))
            answers.append((ready.delivery, hub.now(), answer))
            course.note(answer)
            if course.is_over or loop.time() > end:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(min(SIDE_BY_SIDE, len(one.ready))):
            group.create_task(walk())
    return answers


async def _safely(sending: Awaitable[Answer]) -> Answer:
    """What came of it; a bug of ours is a failed attempt like any other, or it would be made again and again."""
    try:
        return await sending
    except Exception as error:
        log.exception("delivery.bug")
        return Answer(None, 0, f"The hub failed ({type(error).__name__}); its log has the traceback.")


def _record(
    hub: Hub,
    lane: Held,
    subscription: StoredSubscription,
    answers: Sequence[tuple[StoredDelivery, datetime, Answer]],
    draw: Callable[[], float],
) -> Held | None:
    """The attempts are written down; the lane as it is held on, None where nothing more is to be sent on it now."""
    now = hub.now()
    failures, since, rest = lane.failures, lane.failing_since, None
    delivered_at = failed_at = None
    why: str | None = None
    gone: Answer | None = None
    tried = []
    for one, at, answer in answers:
        if answer.is_delivered:
            failures, since, rest, delivered_at = 0, None, None, at
        else:
            failures, since, failed_at, why = failures + 1, since or at, at, answer.why
            rest = rules.rest_until(failures, now, answer) or rest
            gone = answer if answer.is_gone else gone
        again = None if answer.is_delivered else rules.next_attempt(one.attempts + 1, now, answer, draw())
        state = DELIVERED if answer.is_delivered else WAITING if again is not None else DEAD
        tried.append(Tried(one, state, again or now, at, answer.duration_ms, answer.status, answer.why, answer.excerpt))
    fared = Fared(failures, since, rest, delivered_at, failed_at, why)
    with hub.work.write() as session:
        if not lanes.keep(session, lane, fared, now, LEASE_TTL):
            log.warning("delivery.lost_lane", subscription_id=lane.subscription_id)
            return None
        deliveries.record(session, tried)
        deliveries.free_followers(session, tried, now)
        if gone is not None:
            disable(session, subscription, "The endpoint answered 410: it wants nothing any more.", now)
        elif since is not None and rules.is_abandoned(failures, since, now):
            days = (now - since).days
            disable(session, subscription, f"The endpoint has taken nothing for {days} days and {failures} attempts: {why}", now)
        else:
            _tell(lane, failures, why)
            return None if rest is not None else Held(lane.subscription_id, lane.fence, failures, since)
    log.warning("subscription.disabled", subscription_id=lane.subscription_id, failures=failures)
    return None


def disable(session: Session, subscription: StoredSubscription, reason: str, now: datetime) -> None:
    """Nothing is sent there any more; what waited is dead, to be replayed, and the admins' subscriptions are told."""
    subscriptions.update(session, subscription.id, {"state": DISABLED, "disabled_reason": reason, "updated_at": now})
    deliveries.bury(session, subscription.id, reason, now)
    data = {"name": subscription.name, "reason": reason, "severity": "high"}
    events.append(session, "subscription.disabled", "subscription", subscription.id, data, now)


def _tell(lane: Held, failures: int, why: str | None) -> None:
    """A line in the log when an endpoint fails, and one when it takes messages again."""
    if failures and not lane.failures:
        log.warning("delivery.failed", subscription_id=lane.subscription_id, error=why)
    elif lane.failures and not failures:
        log.info("delivery.recovered", subscription_id=lane.subscription_id)


async def _in_thread(function: Callable[[], Any]) -> Any:
    return await anyio.to_thread.run_sync(function)
