"""The made-up planning tool with webhooks, in the manner of Trello: it tries the address, signs body and address, and takes them by API."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha1
from typing import ClassVar

from pmo_hub.sdk.contract import Capability, Ref, Source
from pmo_hub.sdk.errors import ConfigError, HookError
from pmo_hub.sdk.hooks import Delivery, Proof, Registration
from tests.sdk.fake_site import FakeSite
from tests.sdk.fake_source import DeltaConnector, DeltaSource, Wire

SIGNATURE = "x-fake-webhook"
LIFE = timedelta(days=30)


def sign(body: bytes, url: str, secret: str) -> str:
    return b64encode(hmac.new(secret.encode(), body + url.encode(), sha1).digest()).decode()


def body_of(ref: Ref, deleted: bool = False, number: int = 1) -> bytes:
    verb = "deleted" if deleted else "changed"
    return json.dumps({"action": {"id": f"a{number}", "type": f"{verb}:{ref.kind}", "object": ref.external_id}}).encode()


@dataclass(frozen=True, slots=True)
class FakeHooks:
    """Knows what is changed and deleted."""

    proofs: Sequence[Proof] = (Proof.SIGNATURE, Proof.TOKEN)
    probes: frozenset[str] = frozenset({"HEAD"})
    registers: bool = True

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        if secret is not None:
            given = headers.get(SIGNATURE, "").encode("utf-8", "replace")
            if not hmac.compare_digest(given, sign(body, url, secret).encode()):
                raise HookError("The delivery is not signed with the secret of this webhook.")
        try:
            action = json.loads(body)["action"]
            verb, _, kind = action["type"].partition(":")
            id, ref = f"{action['id']}", Ref(kind, f"{action['object']}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Delivery("(none)", is_known=False)
        if verb == "renamed":
            return Delivery(action["type"], stale=[ref.external_id], id=id)
        if verb not in ("changed", "deleted"):
            return Delivery(action["type"], is_known=False, id=id)
        return Delivery(action["type"], True, [ref], [ref] if verb == "deleted" else [], (), id)


class HookedSource(DeltaSource):
    """Takes webhooks by API; each ends after thirty days."""

    def __init__(self, wire: Wire, connector: HookedConnector) -> None:
        super().__init__(wire)
        self._connector = connector

    def register(self, url: str, secret: str | None, scopes: Sequence[str]) -> Registration:
        if self._connector.refuses:
            raise ConfigError("The tool does not reach the address of the webhook.")
        id = f"w{len(self._connector.registered) + 1}"
        self._connector.registered[id] = (url, tuple(scopes))
        return Registration(id, self.wire.context.now() + LIFE)

    def renew(self, registration: Registration, scopes: Sequence[str]) -> Registration:
        if self._connector.refuses:
            raise ConfigError("The tool does not reach the address of the webhook.")
        url, _ = self._connector.registered[registration.id]
        self._connector.registered[registration.id] = (url, tuple(scopes))
        return Registration(registration.id, self.wire.context.now() + LIFE)

    def unregister(self, registration: Registration) -> None:
        self._connector.registered.pop(registration.id, None)


class HookedConnector(DeltaConnector):
    """`registered` are the webhooks that the tool holds: id → address and projects; it `refuses` new ones when told to."""

    name = "fake_hooks"
    title = "Fake, with webhooks"
    capabilities = DeltaConnector.capabilities | {Capability.HOOKS}
    hooks: ClassVar[FakeHooks] = FakeHooks()

    def __init__(self, site: FakeSite | None = None) -> None:
        super().__init__(site)
        self.registered: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.refuses = False

    def source(self, wire: Wire) -> Source:
        return HookedSource(wire, self)
