"""Incoming webhooks as an admin sees them: turned on, their secret shown once, rotated with an overlap, turned off."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from pmo_hub import log as logs
from pmo_hub.sdk.contract import Capability
from pmo_hub.sdk.hooks import Hooks, Proof
from pmo_hub.services import audit, registering
from pmo_hub.services.errors import Invalid, NotFound, ServiceError
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections
from pmo_hub.store.repositories import hooks as rows
from pmo_hub.store.repositories.connections import Stored
from pmo_hub.store.repositories.hooks import Received, StoredHook
from pmo_hub.store.unit_of_work import Session

PATH = "/hooks/"
TOKEN = "token"
"""The name of the address's parameter; whatever is named so is masked in every log line."""

SECRET_BYTES = 32
SHORTEST_SECRET = 16
LONGEST_SECRET = 255
OVERLAP_HOURS = 24
LONGEST_OVERLAP_HOURS = 31 * 24
KEPT = timedelta(days=3)
"""Sources give up sending again within hours."""

PENDING_KEPT = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hook to be. `proof` None: the best that the connector knows. `secret`: one that the source has given out; None makes one."""

    proof: Proof | None = None
    secret: str | None = field(default=None, repr=False)
    overlap_hours: int = OVERLAP_HOURS


@dataclass(frozen=True, slots=True)
class HookInfo:
    """What may be told about a hook. `unknown` counts deliveries by types that nobody knows; `pending` objects are yet to be fetched."""

    url: str
    proof: str
    created_at: datetime
    rotated_at: datetime
    older_until: datetime | None
    accepted: int
    duplicates: int
    refused: int
    unknown: dict[str, int]
    pending: int
    last_accepted_at: datetime | None
    last_refused_at: datetime | None
    is_registered: bool
    registration_expires_at: datetime | None
    registration_error: str | None


@dataclass(frozen=True, slots=True)
class NewHook:
    """`url` and `secret` as they are to be entered at the source: this is the only time that they are seen whole."""

    info: HookInfo
    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    is_new: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """What a delivery may be proved with now, the current before the former; tokens by their hash."""

    secrets: Sequence[str] = field(repr=False)
    token_hashes: Sequence[str] = field(repr=False)


def hooks_of(hub: Hub, connector_name: str) -> Hooks | None:
    """The connector's hooks; None of one that has none, and of one that is not installed."""
    connector = hub.registry.get(connector_name)
    if connector is None or Capability.HOOKS not in connector.capabilities:
        return None
    found = getattr(connector, "hooks", None)
    return found if isinstance(found, Hooks) else None


def digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def keys_of(hub: Hub, hook: StoredHook, now: datetime) -> Keys:
    """What proves a delivery; raises SecretError where the stored secret can't be read."""
    held = _secrets(hub, hook)
    overlapping = hook.older_until is not None and now < hook.older_until
    texts = [held.get("current"), held.get("older") if overlapping else None]
    hashes = [hook.token_hash, hook.older_token_hash if overlapping else None]
    return Keys([text for text in texts if text], [one for one in hashes if one])


def get(hub: Hub, connection_id: str) -> HookInfo:
    """The connection's hook; raises NotFound."""
    with hub.work.read() as session:
        connection = _connection(session, connection_id)
        return _info_of(session, connection.id)


def infos(session: Session, connection_ids: Sequence[str]) -> dict[str, HookInfo]:
    """Connection → its hook, of those that have one."""
    found = rows.of_connections(session, connection_ids)
    waiting = rows.count_pending(session, connection_ids) if found else {}
    return {id: _info(hook, waiting.get(id, 0)) for id, hook in found.items()}


def deliveries(hub: Hub, connection_id: str, after: tuple[datetime, str] | None, limit: int) -> Sequence[Received]:
    """What came in the last days, the newest first."""
    with hub.work.read() as session:
        connection = _connection(session, connection_id)
        return rows.deliveries(session, connection.id, after, limit)


def set_up(hub: Hub, connection_id: str, wanted: Wanted, actor: str) -> NewHook:
    """The connection takes deliveries with a new secret; the former one is taken too until the overlap has passed.

    Where the source takes webhooks by its API it is told; raises Invalid or Unavailable where that fails, with nothing changed.
    """
    with hub.work.read() as session:
        connection = _connection(session, connection_id)
        before = rows.find(session, connection.id)
    made = hooks_of(hub, connection.connector)
    if made is None:
        raise Invalid("", f"The connector {connection.connector!r} takes no webhooks: its connections are polled.", code="capability")
    proof = _checked(made, wanted)
    now = hub.now()
    secret = token = None
    if proof is Proof.SIGNATURE:
        secret = wanted.secret or secrets.token_urlsafe(SECRET_BYTES)
    else:
        token = secrets.token_urlsafe(SECRET_BYTES)
    for text in filter(None, (secret, token)):
        logs.register_secret(text)
    url = f"{hub.public_url}{PATH}{connection.id}"
    older_until = None if before is None or wanted.overlap_hours == 0 else now + timedelta(hours=wanted.overlap_hours)
    kept = {"current": secret, "older": _secrets(hub, before).get("current") if before and older_until else None}
    hook = StoredHook(
        connection.id, proof.value, url, _sealed(hub, connection.id, kept), None if token is None else digest(token),
        before.token_hash if before and older_until else None, older_until, before.created_at if before else now, now,
        registration_id=before.registration_id if before else None,
        registration_expires_at=before.registration_expires_at if before else None,
    )  # fmt: skip
    with hub.work.write() as session:
        rows.put(session, hook)
        detail = {"proof": proof.value, "url": url, "overlap_hours": wanted.overlap_hours}
        audit.record(session, actor, "hook.rotated" if before else "hook.created", "connection", connection.id, detail, now)
    whole = url if token is None else f"{url}?{TOKEN}={token}"
    if made.registers:
        try:
            registering.register(hub, connection, whole, secret)
        except ServiceError:
            _take_back(hub, connection.id, before, actor)
            raise
    return NewHook(get(hub, connection.id), whole, None if wanted.secret else secret, before is None)


def remove(hub: Hub, connection_id: str, actor: str) -> None:
    """The connection takes no deliveries any more; raises NotFound where it took none. The source is told where it holds the webhook."""
    now = hub.now()
    with hub.work.write() as session:
        connection = _connection(session, connection_id)
        hook = rows.find(session, connection.id)
        if hook is None:
            raise NotFound("hook of connection", connection_id)
        rows.drop(session, connection.id)
        audit.record(session, actor, "hook.removed", "connection", connection.id, {}, now)
    registering.unregister(hub, connection, hook)


def tick(hub: Hub) -> None:
    """Registrations that end soon are renewed by a job; what came long ago is forgotten."""
    now = hub.now()
    with hub.work.write() as session:
        rows.forget(session, now - KEPT, now - PENDING_KEPT)
        registering.enqueue_due(session, now)


def _checked(made: Hooks, wanted: Wanted) -> Proof:
    known = ", ".join(proof.value for proof in made.proofs)
    proof = wanted.proof or made.proofs[0]
    if proof not in made.proofs:
        raise Invalid("/proof", f"This connector's deliveries can't be proved by {proof.value}; choose one of {known}.", code="proof")
    if wanted.secret is not None and proof is not Proof.SIGNATURE:
        raise Invalid("/secret", "A token is made by the hub: leave the secret out.", code="secret")
    if wanted.secret is not None and not SHORTEST_SECRET <= len(wanted.secret) <= LONGEST_SECRET:
        raise Invalid("/secret", f"A secret has {SHORTEST_SECRET} to {LONGEST_SECRET} characters; left out, the hub makes one.")
    if not 0 <= wanted.overlap_hours <= LONGEST_OVERLAP_HOURS:
        raise Invalid("/overlap_hours", f"The overlap must be 0 to {LONGEST_OVERLAP_HOURS} hours.")
    return proof


def _take_back(hub: Hub, connection_id: str, before: StoredHook | None, actor: str) -> None:
    with hub.work.write() as session:
        if before is None:
            rows.drop(session, connection_id)
        else:
            rows.put(session, before)
        detail = {"why": "the source did not take the webhook"}
        audit.record(session, actor, "hook.taken_back", "connection", connection_id, detail, hub.now())


def _secrets(hub: Hub, hook: StoredHook | None) -> dict[str, str | None]:
    if hook is None or not hook.secrets:
        return {}
    held: dict[str, str | None] = json.loads(hub.secrets.open(hook.secrets, "hooks", hook.connection_id, "secrets"))
    for text in held.values():
        if text:
            logs.register_secret(text)
    return held


def _sealed(hub: Hub, connection_id: str, held: dict[str, str | None]) -> bytes:
    if not any(held.values()):
        return b""
    return hub.secrets.seal(json.dumps(held).encode(), "hooks", connection_id, "secrets")


def _info_of(session: Session, connection_id: str) -> HookInfo:
    found = infos(session, [connection_id])
    if connection_id not in found:
        raise NotFound("hook of connection", connection_id)
    return found[connection_id]


def _info(hook: StoredHook, waiting: int) -> HookInfo:
    return HookInfo(
        hook.url, hook.proof, hook.created_at, hook.rotated_at, hook.older_until, hook.accepted, hook.duplicates, hook.refused,
        hook.unknown or {}, waiting, hook.last_accepted_at, hook.last_refused_at, hook.registration_id is not None,
        hook.registration_expires_at, hook.registration_error,
    )  # fmt: skip


def _connection(session: Session, id: str) -> Stored:
    found = connections.find(session, id)
    if found is None:
        raise NotFound("connection", id)
    return found
