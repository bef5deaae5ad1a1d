"""Runs the state machine on one engine with one seed, and says how to run it again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.convergence.dataverse_estate import DataverseEstate
from tests.convergence.estate import address
from tests.convergence.machine import Convergence
from tests.convergence.mspdi_estate import MspdiEstate
from tests.convergence.msproject_estate import MsProjectEstate
from tests.convergence.plan_estate import PlanEstate
from tests.convergence.plan_machine import of
from tests.convergence.planner_estate import PlannerDeltaEstate, PlannerEstate
from tests.convergence.trello_machine import TrelloConvergence
from tests.convergence.walking import Databases

VARIABLE = "PMO_HUB_TEST_CONVERGENCE"
"""ENGINE:SEED:EXAMPLES:STEPS:READERS:SITE of the one run that `make soak` is to do; without a site Jira's."""

PLANS: Mapping[str, type[PlanEstate]] = {
    "dataverse": DataverseEstate, "planner": PlannerEstate, "planner-delta": PlannerDeltaEstate, "msproject": MsProjectEstate,
    "mspdi": MspdiEstate,
}  # fmt: skip
SITES: Mapping[str, tuple[Callable[[], AbstractContextManager[Any]], type[Any]]] = {
    "jira": (address, Convergence),
    "trello": (partial(address, "/1"), TrelloConvergence),
    **{site: (kind.address, of(kind)) for site, kind in PLANS.items()},
}
"""What is served, and the machine that walks it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """So many examples of so many steps; `minimal` looks for the shortest way to a failure."""

    engine: str
    seed: int
    examples: int
    steps: int
    readers: int = 1
    minimal: bool = False
    site: str = "jira"

    @property
    def text(self) -> str:
        return f"{self.engine}:{self.seed}:{self.examples}:{self.steps}:{self.readers}:{self.site}"

    @property
    def again(self) -> str:
        """The command that does it once more, and looks for the shortest way."""
        return f"{VARIABLE}={self.text} make soak ARGS='tests/convergence -x -s'"


def asked_for() -> Plan | None:
    """The plan in the environment."""
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    engine, seed, examples, steps, readers, *site = text.split(":")
    return Plan(engine, int(seed), int(examples), int(steps), int(readers), True, *site)


def converge(plan: Plan, databases: Databases, folder: Path) -> Counter[str]:
    """How often what happened. Raises what the first failing example raises, with the command that repeats it."""
    tally: Counter[str] = Counter()
    serving, convergence = SITES[plan.site]
    with serving() as switch:
        lent_databases, lent_folder, readers = databases, folder, plan.readers

        class Machine(convergence):  # type: ignore[misc, valid-type]
            def __init__(self) -> None:
                super().__init__()
                self.databases, self.switch, self.folder, self.readers = lent_databases, switch, lent_folder, readers
                self.tally = tally
                tally["examples"] += 1

        phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if plan.minimal else ()))
        wanted = settings(
            max_examples=plan.examples, stateful_step_count=plan.steps, deadline=None, database=None, derandomize=False,
            phases=phases, suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=False,
            verbosity=Verbosity.normal,
        )  # fmt: skip
        try:
            run_state_machine_as_test(seed(plan.seed)(Machine), settings=wanted)
        except BaseException as error:
            error.add_note(f"again, with the shortest way to it: {plan.again}")
            raise
    return tally
