"""The contract's part on incoming webhooks: what a connector with Capability.HOOKS offers under its attribute `hooks`.

A delivery is a hint: it names objects, which are then fetched like any others. Nothing else that it says is believed, so that a delivery
that comes twice, late or out of order changes nothing, and one that never comes is made up for by the next poll.
`docs/decisions/0012-webhooks-are-hints.md` takes two sources through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pmo_hub.sdk.contract import Ref


class Proof(StrEnum):
    """How a delivery shows who sent it."""

    SIGNATURE = "signature"  # the source signs with a secret that both sides know
    TOKEN = "token"  # the source signs nothing: what nobody can guess stands in the address, and the host compares it


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a delivery hints at.

    `deleted` are those of `refs` that the sender says are gone; `stale` names scopes whose reference must be read again. `id` is the same
    for a delivery that is sent once more; None where nothing tells one from another. An event of an unknown type has neither.
    """

    type: str
    is_known: bool = True
    refs: Sequence[Ref] = ()
    deleted: Sequence[Ref] = ()
    stale: Sequence[str] = ()
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """A webhook that the source holds on our behalf. `expires_at` None: until it is taken away."""

    id: str
    expires_at: datetime | None = None


@runtime_checkable
class Hooks(Protocol):
    """How deliveries are read; pure, and without an open source."""

    @property
    def proofs(self) -> Sequence[Proof]:
        """What a delivery can show, the better first."""
        ...

    @property
    def probes(self) -> frozenset[str]:
        """HTTP methods besides POST with which the source tries the address and wants an empty 200."""
        ...

    @property
    def registers(self) -> bool:
        """Whether the source takes webhooks by its API; an open source is `Registering` then. Elsewhere an admin makes them by hand."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        """What the delivery hints at; raises HookError where it does not show that the source sent it, and nothing else for any body.

        `headers` have lower-case names, `body` is raw, `url` is the address that was given to the source. `secret` None: the host found
        the token right, of a connector that names Proof.TOKEN.
        """
        ...


@runtime_checkable
class Registering(Protocol):
    """What a source can do besides whose connector's hooks say `registers`."""

    def register(self, url: str, secret: str | None, scopes: Sequence[str]) -> Registration:
        """The source sends to `url` from now on; by then that answers. What the source held for that address before is replaced."""
        ...

    def renew(self, registration: Registration, scopes: Sequence[str]) -> Registration:
        """The source holds it for longer, and for these scopes."""
        ...

    def unregister(self, registration: Registration) -> None:
        """The source sends no more; no error where it held it no longer."""
        ...
