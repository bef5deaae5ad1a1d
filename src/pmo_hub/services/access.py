"""API keys: made, shown once, recognised, revoked.

A key reads `pmo_<prefix>_<secret>`: the prefix names it in lists and logs, the secret is 256 random bits, so that a plain SHA-256 of the
whole is a safe thing to keep (a guess costs 2^255 tries, whatever a hash costs).
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pmo_hub.services import audit
from pmo_hub.services.errors import Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import access as keys
from pmo_hub.store.repositories.access import StoredKey
from pmo_hub.store.unit_of_work import Session

ADMIN = "admin"
_WRITABLE = ("checks", "connections", "people", "portfolios", "programs", "projects", "subscriptions", "violations")
_READABLE = (*_WRITABLE, "connectors", "events", "evidence", "health", "risks", "sync_runs", "work_items")
SCOPES = frozenset({ADMIN, *(f"{noun}:read" for noun in _READABLE), *(f"{noun}:write" for noun in _WRITABLE)})

PREFIX_BYTES = 4
SECRET_BYTES = 32
LONGEST_KEY = 128
# Before a process notices that another one revoked a key.
CACHE_LIFE = timedelta(seconds=5)
CACHE_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a request carries. `admin` may do everything; to write a noun is to read it too."""

    key_id: str
    name: str
    prefix: str
    scopes: frozenset[str]
    expires_at: datetime | None = None

    @property
    def actor(self) -> str:
        """Who the audit log says it was."""
        return f"key:{self.prefix}"

    def may(self, scope: str) -> bool:
        noun, _, verb = scope.partition(":")
        return ADMIN in self.scopes or scope in self.scopes or (verb == "read" and f"{noun}:write" in self.scopes)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What may be told about a key."""

    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


@dataclass(frozen=True, slots=True)
class NewKey:
    """`text` is the key itself: this is the only time that it is seen."""

    info: KeyInfo
    text: str

    def __repr__(self) -> str:
        return f"NewKey(info={self.info!r})"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def create_key(hub: Hub, name: str, scopes: Sequence[str], actor: str, expires_at: datetime | None = None) -> NewKey:
    """A new key is stored, hashed; raises Invalid."""
    now = hub.now()
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise Invalid("/name", "A key needs a name of 1 to 200 characters.")
    unknown = sorted(set(scopes) - SCOPES)
    if unknown or not scopes:
        what = f"There is no scope {unknown[0]!r}" if unknown else "A key needs at least one scope"
        raise Invalid("/scopes", f"{what}; there are {', '.join(sorted(SCOPES))}.")
    if expires_at is not None and expires_at <= now:
        raise Invalid("/expires_at", "The key would have expired already.")
    prefix = secrets.token_hex(PREFIX_BYTES)
    text = f"pmo_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    stored = StoredKey(secrets.token_hex(16), name, prefix, digest(text), tuple(sorted(set(scopes))), now, expires_at, None)
    with hub.work.write() as session:
        keys.insert(session, stored)
        audit.record(session, actor, "key.created", "api_key", stored.id, {"name": name, "scopes": list(stored.scopes)}, now)
    return NewKey(_info(stored), text)


def list_keys(hub: Hub) -> list[KeyInfo]:
    """Every key ever made, the newest first."""
    with hub.work.read() as session:
        return [_info(key) for key in keys.all_keys(session)]


def revoke_key(hub: Hub, which: str, actor: str) -> KeyInfo:
    """The key of that id, prefix or name no longer opens anything; a name that several active keys share is Invalid."""
    now = hub.now()
    with hub.work.write() as session:
        key = _the_key(session, which)
        if key.revoked_at is None:
            keys.revoke(session, key.id, now)
            audit.record(session, actor, "key.revoked", "api_key", key.id, {"name": key.name}, now)
    return KeyInfo(key.id, key.name, key.prefix, key.scopes, key.created_at, key.expires_at, key.revoked_at or now)


def _the_key(session: Session, which: str) -> StoredKey:
    found = [key for key in keys.all_keys(session) if which in (key.id, key.prefix)]
    found = found or [key for key in keys.all_keys(session) if key.name == which and key.revoked_at is None]
    if not found:
        raise NotFound("active key", which)
    if len(found) > 1:
        raise Invalid("", f"Several keys are called {which!r}: name one by its prefix ({', '.join(key.prefix for key in found)}).")
    return found[0]


def recognise(hub: Hub, text: str) -> Caller | None:
    """Whose key it is; None for one that is unknown, expired or revoked."""
    prefix = prefix_of(text)
    if prefix is None:
        return None
    presented = digest(text)
    with hub.work.read() as session:
        candidates = keys.with_prefix(session, prefix)
    now = hub.now()
    for key in candidates:
        if hmac.compare_digest(key.key_hash, presented) and _info(key).state(now) == "active":
            return Caller(key.id, key.name, key.prefix, frozenset(key.scopes), key.expires_at)
    return None


_KEY = re.compile(r"pmo_([0-9a-f]{8})_[\w-]{40,64}", re.ASCII)


def prefix_of(text: str) -> str | None:
    """The prefix of what looks like a key; None for anything else, which then costs no query."""
    found = _KEY.fullmatch(text) if len(text) <= LONGEST_KEY else None
    return found.group(1) if found else None


class Recognised:
    """Keys that this process recognised within the last seconds, by hash, so that a read does not pay a query for its key."""

    def __init__(self) -> None:
        self._callers: dict[bytes, tuple[Caller, datetime]] = {}

    def get(self, text: str, now: datetime) -> Caller | None:
        """Whose key it is; None where `recognise` has to be asked."""
        held = self._callers.get(sha256(text.encode()).digest())
        if held is None or held[1] <= now:
            return None
        return held[0]

    def keep(self, text: str, caller: Caller, now: datetime) -> None:
        until = now + CACHE_LIFE
        if caller.expires_at is not None:
            until = min(until, caller.expires_at)
        if len(self._callers) >= CACHE_SIZE:
            self._callers.clear()
        self._callers[sha256(text.encode()).digest()] = (caller, until)


def _info(key: StoredKey) -> KeyInfo:
    return KeyInfo(key.id, key.name, key.prefix, key.scopes, key.created_at, key.expires_at, key.revoked_at)
