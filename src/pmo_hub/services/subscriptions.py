"""Subscriptions as an admin sees them: made, changed, tried, their secrets shown once and rotated with an overlap."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pmo_hub import log as logs
from pmo_hub.domain.delivery import Answer, encode_secret
from pmo_hub.domain.events import TEST, Event, Notice
from pmo_hub.domain.formats import Format
from pmo_hub.services import audit, delivering
from pmo_hub.services.delivering import Sealed
from pmo_hub.services.drafting import Draft, checked
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import lanes
from pmo_hub.store.repositories import subscriptions as rows
from pmo_hub.store.repositories.subscriptions import ACTIVE, PAUSED, Faring, StoredSubscription
from pmo_hub.store.secrets import SecretError
from pmo_hub.store.unit_of_work import Session

SECRET_BYTES = 32
OVERLAP_HOURS = 24
LONGEST_OVERLAP_HOURS = 31 * 24
MOST_SECRETS = 5
MOST_SUBSCRIPTIONS = 200


@dataclass(frozen=True, slots=True)
class SecretInfo:
    """What may be told of a secret; `until` None: it is the current one."""

    id: str
    created_at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SubscriptionInfo:
    """What may be told of a subscription."""

    stored: StoredSubscription
    secrets: Sequence[SecretInfo]
    faring: Faring


@dataclass(frozen=True, slots=True)
class NewSecret:
    """`secret` is seen this one time."""

    info: SubscriptionInfo
    secret: str = field(repr=False)


def create(hub: Hub, draft: Draft, actor: str) -> NewSecret:
    """It is told from now on; raises Invalid."""
    now = hub.now()
    id = secrets.token_hex(16)
    columns = checked(hub, draft)
    text = encode_secret(secrets.token_bytes(SECRET_BYTES))
    sealed = Sealed(draft.url, [_new(text, now)])
    stored = StoredSubscription(
        id=id,
        state=ACTIVE,
        sealed=_seal(hub, id, sealed),
        disabled_reason=None,
        created_by=actor,
        created_at=now,
        updated_at=now,
        **columns,
    )
    with hub.work.write() as session:
        if rows.count(session) >= MOST_SUBSCRIPTIONS:
            raise Conflict(f"There are {MOST_SUBSCRIPTIONS} subscriptions already: delete one.")
        rows.insert(session, stored)
        audit.record(session, actor, "subscription.created", "subscription", id, _detail(stored), now)
        return NewSecret(_info(hub, session, stored), text)


def page(hub: Hub, after: tuple[str, str] | None, limit: int) -> list[SubscriptionInfo]:
    """By (name, id), those after that pair."""
    with hub.work.read() as session:
        found = rows.page(session, after, limit)
        fared = rows.faring(session, [one.id for one in found])
    return [SubscriptionInfo(one, _secrets(hub, one), fared.get(one.id, Faring())) for one in found]


def get(hub: Hub, id: str) -> SubscriptionInfo:
    """Raises NotFound."""
    with hub.work.read() as session:
        return _info(hub, session, _the(session, id))


def change(hub: Hub, id: str, changes: Mapping[str, Any], actor: str, seen: datetime) -> SubscriptionInfo:
    """What `changes` names of a draft, and `state`, is as given; raises NotFound, Invalid, and Conflict where it is no longer as `seen`.

    Made active again, the endpoint starts anew: what it did wrong before counts no longer.
    """
    now = hub.now()
    with hub.work.write() as session:
        stored = _the(session, id, lock=True)
        if stored.updated_at != seen:
            raise Conflict("The subscription was changed meanwhile: read it again.")
        held = delivering.unsealed(hub, stored)
        draft = Draft(
            stored.name, held.url, Format(stored.format), stored.types, stored.filters, stored.is_thin, stored.digest, stored.time_zone,
            stored.quiet_hours,
        )  # fmt: skip
        wanted = {name: value for name, value in changes.items() if name != "state"}
        columns = checked(hub, replace(draft, **wanted))
        state = changes.get("state", stored.state)
        if state not in (ACTIVE, PAUSED, stored.state):
            raise Invalid("/state", "A subscription can be made active or paused.", code="state")
        if state == ACTIVE != stored.state:
            lanes.reset(session, id)
        values = columns | {"state": state, "updated_at": now}
        if state != rows.DISABLED:
            values["disabled_reason"] = None
        if "url" in wanted:
            values["sealed"] = _seal(hub, id, Sealed(wanted["url"], held.secrets))
        rows.update(session, id, values)
        after = _the(session, id)
        audit.record(session, actor, "subscription.changed", "subscription", id, {"changed": sorted(changes), **_detail(after)}, now)
        return _info(hub, session, after)


def delete(hub: Hub, id: str, actor: str) -> None:
    """It is gone with its log; raises NotFound."""
    now = hub.now()
    with hub.work.write() as session:
        stored = _the(session, id, lock=True)
        rows.delete(session, id)
        audit.record(session, actor, "subscription.deleted", "subscription", id, _detail(stored), now)


def rotate(hub: Hub, id: str, overlap_hours: int, actor: str) -> NewSecret:
    """A new secret signs, beside those that there were until the overlap has passed; raises NotFound and Invalid."""
    if not 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS:
        raise Invalid("/overlap_hours", f"The overlap must be 0 to {LONGEST_OVERLAP_HOURS} hours.")
    now = hub.now()
    text = encode_secret(secrets.token_bytes(SECRET_BYTES))
    until = now + timedelta(hours=overlap_hours)
    with hub.work.write() as session:
        stored = _the(session, id, lock=True)
        held = delivering.unsealed(hub, stored)
        standing = [one for one in held.secrets if one["until"] is None or datetime.fromisoformat(one["until"]) > now]
        older = [{**one, "until": _earlier(one["until"], until)} for one in standing] if overlap_hours else []
        after = _kept(hub, session, stored, Sealed(held.url, [_new(text, now), *older][:MOST_SECRETS]), now)
        audit.record(session, actor, "subscription.secret_rotated", "subscription", id, {"overlap_hours": overlap_hours}, now)
        return NewSecret(_info(hub, session, after), text)


def drop_secret(hub: Hub, id: str, secret_id: str, actor: str) -> SubscriptionInfo:
    """A former secret signs no more; raises NotFound, and Conflict for the current one."""
    now = hub.now()
    with hub.work.write() as session:
        stored = _the(session, id, lock=True)
        held = delivering.unsealed(hub, stored)
        found = next((one for one in held.secrets if one["id"] == secret_id), None)
        if found is None:
            raise NotFound("secret", secret_id)
        if found["until"] is None:
            raise Conflict("That is the current secret: rotate it first.")
        after = _kept(hub, session, stored, Sealed(held.url, [one for one in held.secrets if one is not found]), now)
        audit.record(session, actor, "subscription.secret_dropped", "subscription", id, {"secret_id": secret_id}, now)
        return _info(hub, session, after)


def ping(hub: Hub, id: str, actor: str) -> Answer:
    """A test message was sent, now and once; what came of it. Raises NotFound."""
    now = hub.now()
    with hub.work.read() as session:
        stored = _the(session, id)
    sealed = delivering.unsealed(hub, stored)
    event = Event(secrets.token_hex(16), TEST, now, "subscription", id, 0, {"name": stored.name, "sent_by": actor})
    notice = Notice(event, f"{hub.public_url}/api/v1/subscriptions/{id}", subject=stored.name, message="A test: nothing happened.")
    body = delivering.rendered(hub, stored, sealed, event.id, [notice], is_digest=False)

    async def sent() -> Answer:
        async with hub.poster.opened(1) as posting:
            return await delivering.send(hub, posting, stored, sealed, event.id, body)

    answer = asyncio.run(sent())
    with hub.work.write() as session:
        audit.record(session, actor, "subscription.tested", "subscription", id, {"status": answer.status}, hub.now())
    return answer


def _new(text: str, now: datetime) -> dict[str, Any]:
    logs.register_secret(text)
    return {"id": secrets.token_hex(8), "text": text, "created_at": now.isoformat(), "until": None}


def _earlier(until: str | None, other: datetime) -> str:
    return (other if until is None else min(other, datetime.fromisoformat(until))).isoformat()


def _kept(hub: Hub, session: Session, stored: StoredSubscription, sealed: Sealed, now: datetime) -> StoredSubscription:
    values = {"sealed": _seal(hub, stored.id, sealed), "updated_at": now}
    rows.update(session, stored.id, values)
    return _the(session, stored.id)


def _seal(hub: Hub, id: str, sealed: Sealed) -> bytes:
    text = json.dumps({"url": sealed.url, "secrets": list(sealed.secrets)})
    return hub.secrets.seal(text.encode(), "subscriptions", id, "sealed")


def _the(session: Session, id: str, *, lock: bool = False) -> StoredSubscription:
    found = rows.find(session, id, lock=lock)
    if found is None:
        raise NotFound("subscription", id)
    return found


def _info(hub: Hub, session: Session, stored: StoredSubscription) -> SubscriptionInfo:
    return SubscriptionInfo(stored, _secrets(hub, stored), rows.faring(session, [stored.id]).get(stored.id, Faring()))


def _secrets(hub: Hub, stored: StoredSubscription) -> list[SecretInfo]:
    """Those that sign now; none where they can't be read, which the lane's last error says."""
    try:
        held = delivering.unsealed(hub, stored).secrets
    except SecretError:
        return []
    times = [
        (str(one["id"]), datetime.fromisoformat(one["created_at"]), None if one["until"] is None else datetime.fromisoformat(one["until"]))
        for one in held
    ]
    return [SecretInfo(id, at, until) for id, at, until in times if until is None or until > hub.now()]


def _detail(stored: StoredSubscription) -> dict[str, Any]:
    """What the audit log tells: no secret, and of the address what may be shown."""
    return {"name": stored.name, "format": stored.format, "address": stored.address, "types": list(stored.types), "state": stored.state}
