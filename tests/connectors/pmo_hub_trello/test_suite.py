"""The Trello connector by the suite that every connector's author gets, against the simulator over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.http import Policy
from pmo_hub.sdk.testing import ConnectorSuite, Fault, MemoryContext
from pmo_hub_trello.connector import TrelloConnector
from pmo_hub_trello.hooks import SIGNATURE, sign
from pmo_hub_trello.simulator import serve
from tests.connectors.pmo_hub_trello.boards import Estate, estate

FAULTS: dict[Fault, dict[str, Any]] = {
    Fault.UNAUTHORIZED: {"kind": "status", "status": 401},
    Fault.RATE_LIMITED: {"kind": "status", "status": 429, "retry_after": "1800"},
    Fault.UNAVAILABLE: {"kind": "status", "status": 503},
    Fault.CUT: {"kind": "truncated"},
    Fault.WEB_PAGE: {"kind": "html"},
}


class TestTrello(ConnectorSuite):
    connector = TrelloConnector()
    unknown_id = "0" * 24
    # Paging goes by ids of what was read: nothing of the state ever expires.
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]

    made: Estate

    @pytest.fixture(autouse=True)
    def served(self) -> Iterator[None]:
        self.made = estate()
        with serve(self.made.simulator):
            yield

    def config(self) -> dict[str, Any]:
        return dict(self.made.simulator.config())

    def context(self) -> MemoryContext:
        return MemoryContext(clock=self._now, policy=Policy(attempts=3))

    def _now(self) -> datetime:
        return self.made.time.at

    def scopes(self) -> list[str]:
        return list(self.made.boards)

    def edit(self) -> Ref:
        card = self.made.cards()[0]
        self.made.do("edit", card, name="Renamed")
        return Ref("card", card)

    def add(self) -> Ref:
        board = self.made.boards[1]
        return Ref("card", self.made.do("create", board, self.made.lists[board][0], "A new one")["id"])

    def remove(self) -> Ref:
        card = self.made.cards()[0]
        self.made.do("delete", card)
        return Ref("card", card)

    def move(self) -> Ref:
        card = self.made.cards()[0]
        target = self.made.boards[1]
        self.made.do("move_board", card, target, self.made.lists[target][1])
        return Ref("card", card)

    def lose(self) -> str:
        self.made.do("hide_board", self.made.boards[1])
        return self.made.boards[1]

    @contextmanager
    def fault(self, kind: Fault) -> Iterator[None]:
        self.made.simulator.fault(times=None, **FAULTS[kind])
        try:
            yield
        finally:
            self.made.simulator.clear_faults()

    def hook_body(self, ref: Ref, deleted: bool) -> bytes:
        action = {
            "id": "6" * 24, "type": "deleteCard" if deleted else "updateCard",
            "data": {"card": {"id": ref.external_id}, "board": {"id": self.made.boards[0]}},
        }  # fmt: skip
        return json.dumps({"action": action, "model": {}}).encode()

    def hook_headers(self, body: bytes, url: str, secret: str) -> dict[str, str]:
        return {SIGNATURE: sign(body, url, secret)}
