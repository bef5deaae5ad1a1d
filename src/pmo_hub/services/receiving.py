"""A webhook's delivery: proved, recognised if it comes again, and kept as names of objects that a run then fetches.

No source is asked here, and nothing is stored before the proof: whoever sends without one leaves no more than a count.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from pmo_hub.domain.identity import row_id
from pmo_hub.sdk.errors import HookError
from pmo_hub.sdk.hooks import Delivery, Hooks
from pmo_hub.services import hinted, hooks
from pmo_hub.services.errors import Unavailable, Unproven
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections
from pmo_hub.store.repositories import hooks as rows
from pmo_hub.store.repositories.hooks import Outcome, StoredHook
from pmo_hub.store.secrets import SecretError

__all__ = ["Door", "Outcome", "Refusals", "door", "is_token_right", "receive"]

log = structlog.get_logger(__name__)

MOST_REFS = 500
LONGEST_NAME = 255
LONGEST_TYPE = 100
COUNTED_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Door:
    """What a request needs to be let in by: the hook of an address and how its deliveries are read."""

    hook: StoredHook
    made: Hooks
    keys: hooks.Keys


class Refusals:
    """Counts deliveries without proof, and writes the counts down at most once a second each: a flood of them is no flood of writes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}
        self._written: dict[str, float] = {}

    def add(self, hub: Hub, connection_id: str) -> None:
        """One more; it is in the store within the second after the next."""
        with self._lock:
            self._open[connection_id] = self._open.get(connection_id, 0) + 1
            last = self._written.get(connection_id)
            if last is not None and self._clock() - last < COUNTED_EVERY_S:
                return
            self._written[connection_id] = self._clock()
        self.flush(hub, connection_id)

    def flush(self, hub: Hub, connection_id: str) -> None:
        """What was counted is in the store."""
        with self._lock:
            count = self._open.pop(connection_id, 0)
        if count:
            with hub.work.write() as session:
                rows.count_refused(session, connection_id, count, hub.now())
            log.warning("hook.refused", connection_id=connection_id, count=count)


def door(hub: Hub, connection_id: str) -> Door | None:
    """The way in to that connection; None where nobody takes deliveries. Raises Unavailable where they can't be proved now."""
    with hub.work.read() as session:
        hook = rows.find(session, connection_id)
        connection = None if hook is None else connections.find(session, connection_id)
    if hook is None or connection is None:
        return None
    made = hooks.hooks_of(hub, connection.connector)
    if made is None:
        raise Unavailable("The connector of this connection can't be used now.")
    try:
        return Door(hook, made, hooks.keys_of(hub, hook, hub.now()))
    except SecretError as error:
        log.error("hook.unreadable_secret", connection_id=connection_id, error=str(error))
        raise Unavailable("The secret of this webhook can't be read.") from None


def is_token_right(way: Door, token: str) -> bool:
    """Whether the address carries what only the source was given; in constant time."""
    presented = hooks.digest(token)
    equal = [hmac.compare_digest(one, presented) for one in way.keys.token_hashes]
    return any(equal)


def receive(hub: Hub, way: Door, headers: Mapping[str, str], token: str | None, body: bytes) -> Outcome:
    """The delivery's objects are going to be fetched, or it was a DUPLICATE of one; raises Unproven."""
    delivery = _proved(way, headers, token, body)
    now = hub.now()
    connection_id = way.hook.connection_id
    refs = _refs(delivery)
    state = rows.UNKNOWN if not delivery.is_known else rows.WAITING if refs else rows.EMPTY
    id = secrets.token_hex(16) if delivery.id is None else row_id(connection_id, "delivery", _storable(delivery.id))
    with hub.work.write() as session:
        outcome = rows.take(session, connection_id, id, _storable(delivery.type)[:LONGEST_TYPE], state, refs, now)
        if outcome is Outcome.ACCEPTED and refs and connections.get(session, connection_id).state == connections.ACTIVE:
            hinted.enqueue(session, connection_id, now)
    if outcome is Outcome.UNHELD:
        raise Unproven("This address takes no deliveries.")
    log.debug("hook.received", connection_id=connection_id, type=delivery.type, outcome=outcome.value, refs=len(refs))
    return outcome


def _proved(way: Door, headers: Mapping[str, str], token: str | None, body: bytes) -> Delivery:
    tries: list[str | None] = [*way.keys.secrets]
    if token is not None and is_token_right(way, token):
        tries.insert(0, None)
    for secret in tries:
        try:
            return way.made.verify(headers, body, way.hook.url, secret)
        except HookError:
            continue
    raise Unproven("The delivery does not show that the source sent it.")


def _refs(delivery: Delivery) -> Sequence[tuple[str, str, bool]]:
    """Each object once, as what is pending is kept; whatever can be no object's name is left out."""
    if not delivery.is_known:
        return ()
    deleted = set(delivery.deleted)
    found = {(ref.kind, ref.external_id): ref in deleted for ref in (*delivery.refs, *delivery.deleted)}
    named = [(kind, external_id, gone) for (kind, external_id), gone in found.items()]
    named += [("", scope, False) for scope in dict.fromkeys(delivery.stale)]
    sound = [one for one in named if _is_name(one[1])]
    if len(sound) > MOST_REFS:
        log.warning("hook.too_many_refs", type=delivery.type, refs=len(sound))
    return sound[:MOST_REFS]


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and text == _storable(text)


def _storable(text: str) -> str:
    """The text without what a database can't hold."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
