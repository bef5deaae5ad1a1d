"""Basic plans in a simulated Microsoft Graph, as a walk changes them; with the beta's delta, or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, ClassVar

import msgspec

from pmo_hub_planner.connector import PlannerConnector
from pmo_hub_planner.simulated_organisation import Plan, guid, new_id, stamp
from pmo_hub_planner.simulated_service import PlannerSimulator
from tests.convergence.estate import Switch
from tests.convergence.plan_estate import NAMES, SimulatedEstate, move, one_of

SEED = 11


class PlannerEstate(SimulatedEstate):
    """Four plans of six tasks, two of them chosen."""

    connector = PlannerConnector
    mentioned = (*SimulatedEstate.mentioned, "boards", "resources")
    lasting = ("user",)
    paths = ("/", "/v1.0/$batch", "/v1.0/planner", "/v1.0/groups", "/v1.0/users", "/beta")
    delta: ClassVar[bool] = False

    def __init__(self, now: Callable[[], datetime], switch: Switch) -> None:
        super().__init__(now, switch, PlannerSimulator(SEED, "4x6", now(), clock=now))
        self.simulator.page = 4
        self.tenant = self.simulator.tenant
        self.random = Random("walk")
        self._first = tuple(self.simulator.projects[:2])

    @property
    def first(self) -> tuple[str, ...]:
        return self._first

    def config(self) -> Mapping[str, Any]:
        return {**self.simulator.config(), "delta": self.delta}

    def there(self) -> list[str]:
        return sorted(self.simulator.projects)

    def lost(self) -> list[str]:
        return sorted(set(self.tenant.plans) & self.simulator.closed)

    def lose(self, plan: str) -> None:
        self.simulator.closed.add(plan)

    def regain(self, plan: str) -> None:
        self.simulator.closed.discard(plan)

    def end(self, plan: str) -> None:
        self._do("delete_plan", plan)

    def fail(self, kind: int, which: int, nth: int, times: int) -> None:
        super().fail(kind, which, nth, times)
        # Whoever is told that a person is not there doesn't ask again before a full reading, or a change of the plan.
        self.needs_full = self.needs_full or self.simulator.faults[-1].status == 404

    def stop_faults(self) -> None:
        super().stop_faults()
        self.simulator.throttled_parts = 0

    def heal(self) -> None:
        self.simulator.closed_users = False
        self.simulator.expands = True
        self.simulator.closed -= self.tenant.groups.keys()

    def titles(self, chosen: Sequence[str]) -> dict[str, str]:
        found = {}
        for plan in chosen:
            for id, body in self.tenant.plans[plan].tasks.items():
                task = msgspec.json.decode(body)
                found[id] = task["title"] or id
                found.update({f"{id}/{key}": item["title"] for key, item in task["details"]["checklist"].items()})
        return found

    # What people do

    def _do(self, what: str, *arguments: Any, **named: Any) -> Any:
        return self.simulator.mutate(what, *arguments, **named)

    def _plan(self, n: int) -> Plan:
        plan: Plan = self.tenant.plans[one_of(sorted(self.tenant.plans), n)]
        return plan

    def _task(self, n: int) -> str | None:
        tasks = sorted(id for plan in self.tenant.plans.values() for id in plan.tasks)
        return one_of(tasks, n) if tasks else None

    def _held(self, task: str) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.simulator.plan_of(task).tasks[task]))

    @move
    def edit_task(self, which: int, n: int) -> None:
        task = self._task(which)
        if task is None:
            return
        at = None if n % 5 == 0 else stamp(self.now().replace(month=1 + n % 12, day=1 + n % 28))
        buckets = self.simulator.plan_of(task).buckets
        values: tuple[dict[str, Any], ...] = (
            {"title": f"{one_of(NAMES, n)} {n}"}, {"percentComplete": one_of((0, 50, 100), n)}, {"startDateTime": at}, {"dueDateTime": at},
            {"priority": one_of((1, 3, 5, 9), n)}, {"bucketId": buckets[n % len(buckets)]["id"] if buckets else None},
            {"appliedCategories": {f"category{1 + n % 6}": True}}, {"appliedCategories": {}},
        )  # fmt: skip
        self._do("edit", task, **one_of(values, n))

    @move
    def describe_task(self, which: int, n: int) -> None:
        """Only the details' etag moves."""
        task = self._task(which)
        if task is None:
            return
        checklist = dict(self._held(task)["details"]["checklist"])
        if n % 3 == 0:
            self._do("edit", task, details={"description": f"Described {n}"})
        elif n % 3 == 1 or not checklist:
            item = {"isChecked": n % 2 == 0, "title": f"Check {n}", "orderHint": "8585", "lastModifiedDateTime": stamp(self.now())}
            self._do("edit", task, details={"checklist": {**checklist, guid(self.random): item}})
        else:
            del checklist[one_of(sorted(checklist), n)]
            self._do("edit", task, details={"checklist": checklist})

    @move
    def assign(self, which: int, n: int) -> None:
        task = self._task(which)
        if task is None:
            return
        held, user = dict(self._held(task)["assignments"]), one_of(sorted(self.tenant.users), n)
        if user in held:
            del held[user]
        else:
            held[user] = {"assignedDateTime": stamp(self.now()), "orderHint": "RWk1"}
        self._do("edit", task, assignments=held)

    @move
    def add_task(self, which: int, n: int) -> None:
        plan = self._plan(which)
        if plan.buckets:
            self._do("add", plan.id, f"New {n}")

    @move
    def delete_task(self, which: int, n: int) -> None:
        task = self._task(which)
        if task is not None:
            self._do("delete", task)

    @move
    def move_task(self, which: int, n: int) -> None:
        task, plan = self._task(which), self._plan(n)
        if task is not None and plan.buckets and task not in plan.tasks:
            self._do("move", task, plan.id)

    @move
    def change_buckets(self, which: int, n: int) -> None:
        plan = self._plan(which)
        with self.simulator.lock:
            if n % 3 == 0 or not plan.buckets:
                made = {"@odata.etag": self.simulator.etag("Bucket"), "name": f"Bucket {n}", "planId": plan.id, "orderHint": "9000"}
                plan.buckets.append({**made, "id": new_id(self.random)})
            elif n % 3 == 1:
                one_of(plan.buckets, n)["name"] = f"Bucket renamed {n}"
            else:
                gone = plan.buckets.pop(n % len(plan.buckets))["id"]
                for task in [id for id in plan.tasks if self._held(id)["bucketId"] == gone]:
                    self._do("delete", task)

    @move
    def rename_category(self, which: int, n: int) -> None:
        self._do("rename_category", self._plan(which).id, f"category{1 + n % 6}", f"Category {n}")

    @move
    def rename_plan(self, which: int, n: int) -> None:
        self._plan(which).title = f"{one_of(NAMES, n)} plan {n}"

    @move
    def begin_plan(self, which: int, n: int) -> None:
        if len(self.tenant.plans) < 6:
            plan = Plan(new_id(self.random), one_of(sorted(self.tenant.groups), which), f"Begun {n}", created=stamp(self.now()))
            plan.buckets.append(
                {"@odata.etag": self.simulator.etag("Bucket"), "name": "To do", "planId": plan.id, "id": new_id(self.random)}
            )
            self.tenant.plans[plan.id] = plan
            self._do("add", plan.id, f"First of {n}")

    @move
    def rename_person(self, which: int, n: int) -> None:
        """Told with the next reading of a plan whose tasks name the person."""
        user = self.tenant.users[one_of(sorted(self.tenant.users), which)]
        user |= {"displayName": f"{one_of(NAMES, n)} {n}", "accountEnabled": n % 2 == 0}
        self.names_untold = True

    # What Graph does

    @move
    def forget_where_changes_went_on(self, which: int, n: int) -> None:
        with self.simulator.lock:
            self.simulator.expire_tokens()

    @move
    def throttle_parts_of_batches(self, which: int, n: int) -> None:
        self.simulator.throttled_parts = 1 + n % 5

    @move
    def stop_or_go_on_expanding(self, which: int, n: int) -> None:
        ways: tuple[bool | str, ...] = (True, False, "refused")
        self.simulator.expands = one_of(ways, n)

    @move
    def close_or_open(self, which: int, n: int) -> None:
        """A group, or the directory."""
        if n % 2:
            self.simulator.closed_users = not self.simulator.closed_users
            return
        group = one_of(sorted(self.tenant.groups), which)
        if group in self.simulator.closed:
            self.simulator.closed.discard(group)
        elif len(self.there()) > 1:
            self.simulator.closed.add(group)


class PlannerDeltaEstate(PlannerEstate):
    """Asked for changes first, of the beta."""

    delta = True
