"""What a connector with Capability.AUTHORIZE has besides: sign-ins that a person takes part in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from pmo_hub.sdk.contract import Context


@dataclass(frozen=True, slots=True)
class Authorization:
    """An interactive sign-in that has begun: a person consents at `url`, and the answer comes back with `state`.

    `kept` is what `finish` needs again; the host keeps it encrypted, for minutes, and hands it out once. With a `code`, the person types
    that at `url` on any device, and no answer comes back: `finish` asks whether it was done (see `Prompting`).
    """

    url: str
    state: str
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)
    code: str | None = None


class Authorize(Protocol):
    """How a connector with Capability.AUTHORIZE signs in interactively; it has one as `authorize`, and one without has none."""

    def applies(self, config: Any) -> bool:
        """Whether a connection with this config signs in so. If it does, the source tells its namespace before anybody has."""
        ...

    def start(self, config: Any, redirect: str) -> Authorization:
        """Nothing is asked of the source. `redirect` is where the browser goes with the answer."""
        ...

    def finish(self, config: Any, kept: Mapping[str, str], answer: Mapping[str, str], context: Context) -> None:
        """What the answer was exchanged for is in `context.credentials`; AuthError where consent was refused or came too late."""
        ...


@runtime_checkable
class Prompting(Protocol):
    """What an Authorize can do besides that knows sign-ins by a code which a person types elsewhere: nobody comes back with an answer."""

    def prompts(self, config: Any) -> bool:
        """Whether a connection with this config signs in so; `start` is not called then."""
        ...

    def prompt(self, config: Any, context: Context) -> Authorization:
        """The source has given a code. `finish` raises TransientError until it was typed; the host then keeps what was kept."""
        ...


@runtime_checkable
class Authorizing(Protocol):
    """A connector with Capability.AUTHORIZE."""

    @property
    def authorize(self) -> Authorize: ...
