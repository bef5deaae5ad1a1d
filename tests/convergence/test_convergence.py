"""However a site changes, whatever goes wrong meanwhile, and in whichever order it is read: in the end the hub holds what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.convergence.machine import Databases
from tests.convergence.running import Plan, converge

pytestmark = pytest.mark.long

SEED = 20261123
EXAMPLES = 15
STEPS = 25


def test_in_the_end_the_hub_is_what_the_source_is(databases: tuple[str, Databases], tmp_path: Path) -> None:
    engine, lent = databases
    plan = Plan(engine, SEED, EXAMPLES, STEPS)
    print(f"convergence on {engine}: seed {plan.seed}; again with {plan.again}")
    print(converge(plan, lent, tmp_path))
