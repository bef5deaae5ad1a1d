"""A hub that sends, killed again and again: `python -m tests.crash.delivery_runner PLAN.json`.

One process imports everything and forks a child for each kill, which writes some events, gives positions, sends, and sends itself SIGKILL
at its point: after the commit of what is to be sent and before it is sent, or after it was sent and before that is written down. The
last child is left alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pmo_hub.host import posting
from pmo_hub.host.addresses import networks
from pmo_hub.host.posting import Poster
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import delivering, dispatching
from pmo_hub.services.hub import Hub
from pmo_hub.store.engine import create_engine
from pmo_hub.store.repositories import events
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from tests.crash.runner import KEY

BEFORE_SENDING = "between commit and send"
BEFORE_RECORDING = "between send and record"
SMALL_ROUND = 8


def hub_of(url: str, folder: Path) -> Hub:
    poster = Poster(networks(["127.0.0.1"]), 5.0)
    return Hub(
        Work(create_engine(url)), lambda: datetime.now(UTC), Registry.of(), SecretBox([KEY]), Throttles(), folder, poster=poster
    )  # fmt: skip


def die(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killing(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """The function, whose nth call is the process's end."""
    left = number

    def called(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            die()
        return function(*arguments, **named)

    return called


def live(plan: dict[str, Any], kill: tuple[str, int] | None, first: int, count: int) -> None:
    """What one hub does in its life: `count` events happen, and what waits is sent."""
    hub = hub_of(plan["url"], Path(plan["folder"]))
    module: Any = delivering
    module.AT_A_TIME = SMALL_ROUND
    if kill is not None:
        name = {BEFORE_SENDING: "_send", BEFORE_RECORDING: "_record"}[kill[0]]
        setattr(module, name, killing(getattr(module, name), kill[1]))
    for number in range(first, first + count):
        with hub.work.write() as session:
            entity = f"{number % plan['entities']:032}"
            events.append(session, "sync.failed", "connection", entity, {"number": number}, hub.now())
        if kill is not None and number % 7 == 0:
            dispatching.dispatch(hub)
    while dispatching.dispatch(hub):
        continue
    asyncio.run(delivering.drive(hub, plan["subscription"], lambda: False))


def main(plan: dict[str, Any]) -> None:
    draw = random.Random(plan["seed"])
    kills = [(kind, draw.randint(1, 2)) for kind in (BEFORE_SENDING, BEFORE_RECORDING) for _ in range(plan["kills"])]
    draw.shuffle(kills)
    share = plan["events"] // (len(kills) + 1)
    posting._trust()  # read once: each child would read it anew
    died = {BEFORE_SENDING: 0, BEFORE_RECORDING: 0}
    first = 0
    for kill in [*kills, None]:
        count = share if kill is not None else plan["events"] - first
        child = os.fork()
        if child == 0:
            try:
                live(plan, kill, first, count)
            except BaseException:  # noqa: BLE001 - the child's edge: nothing of it may go on in the parent's code
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if kill is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            died[kill[0]] += 1
        elif status != 0:
            raise SystemExit(f"a child ended with {status}")
        first += count
    print(json.dumps(died))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
