"""The same for minutes: ever new seeds, each written down with what became of it (`make soak`)."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path

import pytest

from tests.convergence.running import SITES, Plan, asked_for, converge
from tests.convergence.walking import Databases

MINUTES = float(os.environ.get("PMO_HUB_TEST_SOAK_MINUTES", "10"))
"""How long each engine and site goes on."""

EXAMPLES = 20
STEPS = 60
RESULTS = Path(".soak") / "convergence.jsonl"


@pytest.mark.soak
@pytest.mark.parametrize("site", SITES)
def test_in_the_end_the_hub_is_what_the_source_is_whatever_the_seed(
    databases: tuple[str, Databases], tmp_path: Path, repository: Path, site: str
) -> None:
    engine, lent = databases
    wanted = asked_for()
    if wanted is not None and (wanted.engine, wanted.site) != (engine, site):
        pytest.skip(f"another engine was asked for: {wanted.text}")
    results = repository / RESULTS
    results.parent.mkdir(exist_ok=True)
    ends_at = time.monotonic() + MINUTES * 60
    print(f"\nconvergence on {engine}, written to {results}")
    while True:
        # Every third seed reads several partitions at once: requests then come in no certain order.
        number = secrets.randbelow(10**9)
        plan = wanted or Plan(engine, number, EXAMPLES, STEPS, readers=4 if number % 3 == 0 else 1, site=site)
        began = time.monotonic()
        told: dict[str, object] = {"plan": plan.text, "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        try:
            tally = converge(plan, lent, tmp_path)
        except BaseException as error:
            failure = f"{type(error).__name__}: {error}"[:2000]
            _record(results, told | {"failed": failure, "again": plan.again})
            raise
        _record(results, told | {"seconds": round(time.monotonic() - began, 1), "tally": dict(tally)})
        if wanted is not None or time.monotonic() > ends_at:
            return


def _record(file: Path, told: dict[str, object]) -> None:
    print(told)
    with file.open("a") as opened:
        opened.write(json.dumps(told) + "\n")
