"""Interactive sign-ins of connections: begun by an admin, answered by a browser, finished with what came back.

Neither the source nor the browser talks to the hub: the admin's client hands over the answer, with its API key. The state that must come
with it is good for one answer, to one connection, for minutes.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from pmo_hub.host.configuration import Config
from pmo_hub.host.session import lend, stored_config
from pmo_hub.sdk.authorizing import Authorize, Authorizing, Prompting
from pmo_hub.sdk.config_fields import LOOPBACK
from pmo_hub.sdk.contract import Capability, Connector
from pmo_hub.services import audit, sources
from pmo_hub.services.errors import Invalid, NotFound, Unavailable
from pmo_hub.services.hub import Hub
from pmo_hub.services.sources import Checked
from pmo_hub.store.repositories import authorizations as pendings
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories.authorizations import Pending
from pmo_hub.store.repositories.connections import ACTIVE, STOPPED, Stored
from pmo_hub.store.secrets import SecretError

LIFE = timedelta(minutes=10)
LONGEST_ADDRESS = 2_000
UNAUTHORIZED = "Nobody has signed in for this connection yet: authorize it."


@dataclass(frozen=True, slots=True)
class Started:
    """A person consents at `url`, before `expires_at`; with a `code`, types that there, and `finish` is asked with this `state`."""

    url: str
    expires_at: datetime
    code: str | None = None
    state: str | None = None


def of(connector: Connector, config: Config) -> Authorize | None:
    """How a connection with this config signs in interactively; None where it does not."""
    if Capability.AUTHORIZE not in connector.capabilities or not isinstance(connector, Authorizing):
        return None
    return connector.authorize if connector.authorize.applies(config.model) else None


def start(hub: Hub, connection_id: str, redirect: str | None, actor: str) -> Started:
    """A sign-in has begun that `finish` can finish; one that was begun before no longer can be. No redirect where a code is typed."""
    stored, connector, config, authorize = _opened(hub, connection_id)
    if isinstance(authorize, Prompting) and authorize.prompts(config.model):
        with sources.in_our_words(), lend(hub, connector, config, stored.id) as context:
            begun = authorize.prompt(config.model, context)
    else:
        _check_redirect(redirect or "")
        with sources.in_our_words():
            begun = authorize.start(config.model, redirect or "")
    now = hub.now()
    secret = hub.secrets.seal(json.dumps(dict(begun.kept)).encode(), "pending_authorizations", stored.id, "secret")
    with hub.work.write() as session:
        pendings.put(session, stored.id, Pending(_hashed(begun.state), now + LIFE, secret))
        audit.record(session, actor, "connection.authorization_started", "connection", stored.id, {"redirect_url": redirect}, now)
    return Started(begun.url, now + LIFE, begun.code, begun.state if begun.code else None)


def finish(hub: Hub, connection_id: str, state: str, answer: Mapping[str, str], actor: str) -> Checked:
    """The connection is signed in, and what the source says now; `answer` is what the browser brought besides the state."""
    stored, connector, config, authorize = _opened(hub, connection_id)
    pending, kept = _taken(hub, stored.id, state)
    try:
        with sources.in_our_words(), lend(hub, connector, config, stored.id) as context:
            authorize.finish(config.model, kept, answer, context)
    except Unavailable:
        if isinstance(authorize, Prompting) and authorize.prompts(config.model):
            with hub.work.write() as session:
                pendings.put(session, stored.id, pending)  # the code was not typed yet
        raise
    with sources.opening(hub, stored) as opened:
        seen = sources.look(opened)
    now = hub.now()
    values: dict[str, Any] = {"account": seen.account, "updated_at": now, "last_error": None, "last_error_at": None}
    if stored.state in STOPPED:
        values["state"] = ACTIVE
    with hub.work.write() as session:
        rows.update(session, stored.id, values)
        audit.record(session, actor, "connection.authorized", "connection", stored.id, {}, now)
    return seen


def _opened(hub: Hub, connection_id: str) -> tuple[Stored, Connector, Config, Authorize]:
    with hub.work.read() as session:
        stored = rows.find(session, connection_id)
    if stored is None:
        raise NotFound("connection", connection_id)
    connector = sources.connector_named(hub, stored.connector)
    with sources.in_our_words():
        config = stored_config(hub, connector, stored)
    authorize = of(connector, config)
    if authorize is None:
        raise Invalid("", "This connection signs in by what its config holds: there is nothing to authorize.", code="config")
    return stored, connector, config, authorize


def _taken(hub: Hub, connection_id: str, state: str) -> tuple[Pending, Mapping[str, str]]:
    """What was kept for the answer with this state, which is used up, as it was and opened; raises Invalid."""
    again = "start again"
    with hub.work.write() as session:
        pending = pendings.find(session, connection_id)
        if pending is None or not hmac.compare_digest(pending.state_hash, _hashed(state)):
            raise Invalid("/state", f"The connection waits for no sign-in with this state: it was used already, or another began; {again}.")
        pendings.drop(session, connection_id)
    if pending.expires_at <= hub.now():
        raise Invalid("/state", f"The sign-in took longer than {LIFE.total_seconds() / 60:.0f} minutes; {again}.")
    try:
        kept: dict[str, str] = json.loads(hub.secrets.open(pending.secret, "pending_authorizations", connection_id, "secret"))
    except SecretError:
        raise Invalid("/state", f"The hub's key changed since the sign-in began; {again}.") from None
    return pending, kept


def _hashed(state: str) -> str:
    return sha256(state.encode()).hexdigest()


def _check_redirect(address: str) -> None:
    try:
        parts = urlsplit(address)
        fits = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        fits = False
    if not fits or not parts.hostname or parts.fragment or len(address) > LONGEST_ADDRESS:
        raise Invalid("/redirect_url", "Give the https address, without a #fragment, that is registered with the app as its callback.")
