"""The hub is killed between commit and send and between send and record: everything arrives, in order, doubles under the same id."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from pmo_hub.services import subscriptions
from pmo_hub.services.drafting import Draft
from tests.crash.delivery_runner import BEFORE_RECORDING, BEFORE_SENDING, hub_of
from tests.receiver import receiving

SEED = 20261123


def survived(url: str, folder: Path, events: int, kills: int, entities: int) -> int:
    """Nothing is lost, of no entity anything is out of order; returns how many messages came twice."""
    hub = hub_of(url, folder)
    with receiving() as receiver:
        made = subscriptions.create(hub, Draft("Ops", receiver.url), "test")
        hub.work.dispose()
        plan = {
            "url": url, "folder": str(folder), "subscription": made.info.stored.id, "events": events, "kills": kills,
            "entities": entities, "seed": SEED,
        }  # fmt: skip
        file = folder / "plan.json"
        file.write_text(json.dumps(plan))
        root = Path(__file__).resolve().parents[2]
        done = subprocess.run(
            [sys.executable, "-m", "tests.crash.delivery_runner", str(file)],
            cwd=root,
            env={"PYTHONPATH": f"{root}:{root / 'src'}:{root / 'connectors'}", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == {BEFORE_SENDING: kills, BEFORE_RECORDING: kills}
    sequences: dict[str, list[int]] = defaultdict(list)
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in receiver.got:
        data = one.json["data"]
        assert data["id"] == one.id
        sequences[data["entity"]["id"]].append(data["sequence"])
        ids[data["entity"]["id"], data["sequence"]].add(one.id)
    assert len(ids) == events
    assert {len(found) for found in ids.values()} == {1}
    for found in sequences.values():
        assert found == sorted(found), "an earlier event came after a later one of its entity"
        assert sorted(set(found)) == list(range(1, len(set(found)) + 1))
    return len(receiver.got) - events


def test_kills_lose_nothing_and_change_no_order(migrated_url: str, tmp_path: Path) -> None:
    doubles = survived(migrated_url, tmp_path, events=160, kills=7, entities=30)
    assert doubles >= 7, "a kill between send and record makes the next hub send once more"


@pytest.mark.soak
def test_a_hundred_kills_lose_nothing_of_a_thousand_events(migrated_url: str, tmp_path: Path) -> None:
    doubles = survived(migrated_url, tmp_path, events=1_000, kills=50, entities=200)
    print(f"{doubles} of 1,000 events came more than once")
    assert doubles >= 50
