"""Webhooks of a simulated Trello: held for boards, told of what happens, sent when somebody asks for it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmo_hub_trello.hooks import SIGNATURE, sign
from pmo_hub_trello.simulated_world import Json, encode

if TYPE_CHECKING:
    from pmo_hub_trello.simulated_service import Simulator


@dataclass(frozen=True, slots=True)
class Event:
    """A delivery that is going to be sent."""
    url: str
    body: bytes


class Hooks:
    """`secret` is the Power-Up's; `outbox` what is yet to be sent.."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.secret = "5ec4e7" * 10
        self.held: dict[str, Json] = {}
        self.outbox: list[Event] = []
        self.tried: list[str] = []

    @property
    def subscribed(self) -> bool:
        return bool(self.held)

    def listed(self) -> list[Json]:
        return list(self.held.values())

    def add(self, url: str, board: str, description: str) -> Json | None:
        """None where there is one already. Trello tries the address with HEAD first."""
        if any(hook["callbackURL"] == url and hook["idModel"] == board for hook in self.held.values()):
            return None
        self.tried.append(url)
        id = self._simulator.world.new_id(self._simulator.now())
        self.held[id] = {"id": id, "description": description, "idModel": board, "callbackURL": url, "active": True,
                         "consecutiveFailures": 0, "firstConsecutiveFailDate": None}
        return self.held[id]

    def note(self, actions: Sequence[str]) -> None:
        """What has just happened is told to whoever holds a webhook for its board."""
        for id in actions:
            if id not in self._simulator.world.actions:
                continue
            told = self._simulator.world.wire_action(id)
            board = told["data"]["board"]["id"]
            for hook in self.held.values():
                if hook["active"] and hook["idModel"] == board:
                    body = encode({"action": told, "model": {"id": board}, "webhook": {"id": hook["id"]}})
                    self.outbox.append(Event(hook["callbackURL"], body))

    def headers(self, event: Event) -> dict[str, Any]:
        return {SIGNATURE: sign(event.body, event.url, self.secret), "content-type": "application/json"}
