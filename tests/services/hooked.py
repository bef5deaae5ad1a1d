"""A hub that takes webhooks of the made-up planning tool, with one who sends them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.hooks import Proof
from pmo_hub.services import hooks, receiving, sync
from pmo_hub.services.hooks import NewHook, Wanted
from pmo_hub.store.repositories.hooks import Outcome
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.unit_of_work import Work
from tests.sdk import fake_hooks
from tests.sdk.fake_hooks import HookedConnector
from tests.sdk.fake_site import FakeSite
from tests.services.connected import CONNECTION, Connected


class Hooked(Connected):
    """`send` delivers as the tool would; `fetch` runs what that queued."""

    connector: HookedConnector

    def __init__(self, work: Work, folder: Path, **options: Any) -> None:
        super().__init__(work, folder, HookedConnector(FakeSite.sample()), **options)
        self.number = 0
        self.hook = self.set_up()

    def set_up(self, proof: Proof = Proof.SIGNATURE, **wanted: Any) -> NewHook:
        self.hook = hooks.set_up(self.hub, CONNECTION, Wanted(proof, **wanted), "test")
        return self.hook

    def send(self, ref: Ref, *, deleted: bool = False, number: int | None = None, secret: str | None = None) -> Outcome:
        self.number += 1
        return self.send_body(fake_hooks.body_of(ref, deleted, number or self.number), secret)

    def send_body(self, body: bytes, secret: str | None = None) -> Outcome:
        url = self.hook.info.url
        headers = {fake_hooks.SIGNATURE: fake_hooks.sign(body, url, secret or self.hook.secret or "")}
        return receiving.receive(self.hub, self.door(), headers, None, body)

    def door(self) -> receiving.Door:
        found = receiving.door(self.hub, CONNECTION)
        assert found is not None
        return found

    def queued(self) -> list[Any]:
        """Runs in mode hook that have not ended."""
        return [r for r in self.rows("sync_runs") if r.mode == "hook" and r.state in ("queued", "waiting", "running")]

    def fetch(self) -> Run:
        """The queued run, from its beginning to its end."""
        (queued,) = self.queued()
        self.now += timedelta(seconds=2)
        return sync.run(self.hub, queued.id, attempt=1)

    def pending(self) -> set[tuple[str, str]]:
        return {(r.kind, r.external_id) for r in self.rows("hook_refs")}

    def states(self) -> list[str]:
        return sorted(r.state for r in self.rows("hook_deliveries"))


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Hooked:
    """Connected, with a hook, and synced once."""
    made = Hooked(work, tmp_path)
    made.sync()
    return made


Make = Callable[..., Hooked]
