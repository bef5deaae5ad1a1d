"""However a site changes, whatever goes wrong meanwhile, and in whichever order it is read: in the end the hub holds what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.convergence.running import SITES, Plan, converge
from tests.convergence.walking import Databases

pytestmark = pytest.mark.long

SEED = 20261123
EXAMPLES = {"jira": 15, "trello": 8, "dataverse": 2, "planner": 2, "planner-delta": 1, "msproject": 2, "mspdi": 2}
STEPS = 25


@pytest.mark.parametrize("site", SITES)
def test_in_the_end_the_hub_is_what_the_source_is(databases: tuple[str, Databases], tmp_path: Path, site: str) -> None:
    engine, lent = databases
    plan = Plan(engine, SEED, EXAMPLES[site], STEPS, site=site)
    print(f"convergence on {engine}: seed {plan.seed}; again with {plan.again}")
    print(converge(plan, lent, tmp_path))
