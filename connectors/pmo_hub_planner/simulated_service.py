"""The simulated Microsoft Graph, as far as Planner goes: groups, plans, buckets, tasks with details, batches, and the beta's delta."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec

from pmo_hub.sdk.simulated_entra import CLIENT_ID, TENANT, SimulatedEntra
from pmo_hub.sdk.simulating import JSON, Answer, Asked, Simulated, odata_error
from pmo_hub_planner.simulated_organisation import Plan, generate, new_id, stamp

A_BATCH = 20
TOKEN_LIFE = timedelta(days=7)
_PATHS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("groups", r"/groups"), ("group_plans", r"/groups/(?P<id>[^/]+)/planner/plans"), ("plan", r"/planner/plans/(?P<id>[^/]+)"),
        ("plan_details", r"/planner/plans/(?P<id>[^/]+)/details"), ("buckets", r"/planner/plans/(?P<id>[^/]+)/buckets"),
        ("tasks", r"/planner/plans/(?P<id>[^/]+)/tasks"), ("task", r"/planner/tasks/(?P<id>[^/]+)"),
        ("task_details", r"/planner/tasks/(?P<id>[^/]+)/details"), ("user", r"/users/(?P<id>[^/]+)"),
    )
)  # fmt: skip


class PlannerSimulator(Simulated):
    """One tenant. `closed` groups and plans answer 403; with `expands` False `$expand` is ignored, with "refused" it is a 400.

    `throttled_parts` requests inside batches are told to wait from now on.
    """

    def __init__(self, seed: int, size: str | int, now: datetime, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(now, clock)
        self.seed = seed
        self.secret = f"simulated-secret-{seed}"
        self.entra = SimulatedEntra(self.secret)
        self.version = 0
        self.tenant = generate(seed, size, now, self.etag)
        self.closed: set[str] = {id for id, name in self.tenant.groups.items() if name == "Board"}
        self.closed_users = False
        self.page = 1_000
        self.expands: bool | str = True
        self.throttled_parts = 0
        self.oldest_token = 0
        self.log_of_tasks: list[tuple[int, str]] = []
        self.parts = 0
        self._random = Random(f"{seed}/later")

    def config(self) -> dict[str, str]:
        """The values of a connection to this tenant."""
        return {"tenant_id": TENANT, "client_id": CLIENT_ID, "client_secret": self.secret, "graph": self.url, "authority": self.url}

    @property
    def projects(self) -> list[str]:
        """Ids of the plans that the application may read, as scopes name them."""
        return [plan.id for plan in self.tenant.plans.values() if plan.group not in self.closed]

    def etag(self, what: str) -> str:
        """Ordered within one resource, once its base64 is taken off."""
        self.version += 1
        digits = "".join(chr(0x40 + (self.version >> shift & 31)) for shift in range(85, -1, -5))
        return f'W/"{base64.b64encode(f"{chr(39)}1-{what:<6}{digits}{chr(39)}".encode()).decode()}"'

    # What people do

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        done = getattr(self, f"do_{what}", None)
        if done is None:
            raise ValueError(f"unknown mutation: {what}")
        with self.lock:
            return done(*arguments, **named)

    def do_edit(self, task: str, **fields: Any) -> str:
        """Sets fields of a task; `details` are merged into its own."""
        plan = self.plan_of(task)
        value = msgspec.json.decode(plan.tasks[task])
        details = fields.pop("details", None)
        if details is not None:
            value["details"] |= {**details, "@odata.etag": self.etag("TaskDetails")}
        if fields:
            value |= {**fields, "@odata.etag": self.etag("Task")}
        plan.tasks[task] = msgspec.json.encode(value)
        self.log_of_tasks.append((self.version, task))
        return task

    def do_add(self, plan: str, title: str) -> str:
        held = self.tenant.plans[plan]
        id = new_id(self._random)
        held.tasks[id] = msgspec.json.encode({
            "@odata.etag": self.etag("Task"), "planId": plan, "bucketId": held.buckets[0]["id"], "title": title, "percentComplete": 0,
            "priority": 5, "createdDateTime": stamp(self.now()), "id": id, "assignments": {}, "appliedCategories": {},
            "details": {"@odata.etag": self.etag("TaskDetails"), "description": "", "checklist": {}, "references": {}},
        })  # fmt: skip
        self.log_of_tasks.append((self.version, id))
        return id

    def do_delete(self, task: str) -> str:
        del self.plan_of(task).tasks[task]
        self.version += 1
        self.log_of_tasks.append((self.version, task))
        return task

    def do_move(self, task: str, plan: str) -> str:
        value = msgspec.json.decode(self.plan_of(task).tasks.pop(task))
        value |= {"planId": plan, "bucketId": self.tenant.plans[plan].buckets[0]["id"], "@odata.etag": self.etag("Task")}
        value["details"]["@odata.etag"] = self.etag("TaskDetails")
        self.tenant.plans[plan].tasks[task] = msgspec.json.encode(value)
        self.log_of_tasks.append((self.version, task))
        return task

    def do_delete_plan(self, plan: str) -> str:
        for task in list(self.tenant.plans[plan].tasks):
            self.do_delete(task)
        del self.tenant.plans[plan]
        return plan

    def do_rename_category(self, plan: str, category: str, name: str) -> str:
        self.tenant.plans[plan].categories[category] = name
        return plan

    def expire_tokens(self) -> None:
        self.version += 1
        self.oldest_token = self.version

    def plan_of(self, task: str) -> Plan:
        found = next((plan for plan in self.tenant.plans.values() if task in plan.tasks), None)
        if found is None:
            raise KeyError(f"no task {task}")
        return found

    # The wire

    def answered(self, asked: Asked) -> Answer:
        self.entra.resource = self.url
        if (answer := self.entra.answer(asked, self.url, self.now())) is not None:
            return answer
        if not self.entra.knows(asked, self.now()):
            return odata_error(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        if asked.path == "/v1.0/$batch" and asked.method == "POST":
            return self._batch(asked.body)
        if asked.method != "GET":
            return odata_error(405, "Request_BadRequest", "Only reading is simulated.")
        if asked.path == "/beta/planner/tasks/delta":
            return self._delta(asked.query)
        if asked.path.startswith("/v1.0/"):
            return self._one(asked.path.removeprefix("/v1.0"), asked.query)
        return odata_error(404, "BadRequest", "Resource not found for the segment.")

    def _batch(self, body: bytes) -> Answer:
        requests = msgspec.json.decode(body)["requests"]
        if len(requests) > A_BATCH:
            return odata_error(400, "BadRequest", "Number of batch request steps exceeds the maximum value of 20.")
        answers = []
        for request in requests:
            self.parts += 1
            path, _, query = request["url"].partition("?")
            if self.throttled_parts > 0:
                self.throttled_parts -= 1
                answer = odata_error(429, "TooManyRequests", "Too many requests.", (("Retry-After", "3"),))
            else:
                answer = self._one(path, dict(parse_qsl(query, keep_blank_values=True)))
            answers.append(
                {"id": request["id"], "status": answer.status, "headers": dict(answer.headers), "body": msgspec.Raw(answer.body)}
            )
        return Answer(200, msgspec.json.encode({"responses": answers[::-1]}))  # in whatever order

    def _one(self, path: str, query: Mapping[str, str]) -> Answer:
        for name, pattern in _PATHS:
            if (found := pattern.fullmatch(path)) is not None:
                return getattr(self, f"_{name}")(query, **found.groupdict())  # type: ignore[no-any-return]
        return odata_error(404, "BadRequest", f"Resource not found for the segment {path}.")

    def _groups(self, query: Mapping[str, str]) -> Answer:
        return self._listed("groups", query, [msgspec.json.encode({"id": i, "displayName": n}) for i, n in self.tenant.groups.items()])

    def _group_plans(self, query: Mapping[str, str], id: str) -> Answer:
        if id in self.closed:
            return odata_error(403, "", "You do not have the required permissions to access this item.")
        plans = [msgspec.json.encode(self._shown(plan)) for plan in self.tenant.plans.values() if plan.group == id]
        return self._listed(f"groups/{id}/planner/plans", query, plans)

    def _plan(self, query: Mapping[str, str], id: str) -> Answer:
        return self._of(id, lambda plan: _ok(self._shown(plan)))

    def _plan_details(self, query: Mapping[str, str], id: str) -> Answer:
        return self._of(id, lambda plan: _ok({"sharedWith": {}, "categoryDescriptions": plan.categories, "id": plan.id}))

    def _buckets(self, query: Mapping[str, str], id: str) -> Answer:
        return self._of(id, lambda plan: _ok({"value": plan.buckets}))

    def _tasks(self, query: Mapping[str, str], id: str) -> Answer:
        expand = query.get("$expand") == "details"
        if expand and self.expands == "refused":
            return odata_error(400, "", "$expand is not supported.")
        with_details = expand and self.expands is True

        def listed(plan: Plan) -> Answer:
            return self._listed(f"planner/plans/{id}/tasks", query, list(plan.tasks.values()), None if with_details else _without_details)

        return self._of(id, listed)

    def _task(self, query: Mapping[str, str], id: str) -> Answer:
        return self._of_task(id, lambda task: Answer(200, _without_details(task)))

    def _task_details(self, query: Mapping[str, str], id: str) -> Answer:
        return self._of_task(id, lambda task: _ok({**msgspec.json.decode(task)["details"], "id": id}))

    def _user(self, query: Mapping[str, str], id: str) -> Answer:
        if self.closed_users:
            return odata_error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        user = self.tenant.users.get(id)
        return _ok(user) if user else odata_error(404, "Request_ResourceNotFound", "Resource does not exist.")

    def _delta(self, query: Mapping[str, str]) -> Answer:
        token = query.get("$deltatoken")
        if token is not None and not re.fullmatch(r"\d+!.+", token):
            return odata_error(400, "", "The delta token is malformed.")
        since = 0
        if token is not None:
            number, _, at = token.partition("!")
            since = int(number)
            if since < self.oldest_token or self.now() - datetime.fromisoformat(at) > TOKEN_LIFE:
                return odata_error(410, "", "The delta token is too old; a full synchronisation is needed.")
        there = {id for plan in self.tenant.plans.values() for id in plan.tasks} if token is None else set()
        changed = list(dict.fromkeys(id for version, id in self.log_of_tasks if version > since)) if token is not None else sorted(there)
        value = [
            {"@odata.type": "#microsoft.graph.plannerTask", "id": id} | ({} if self._is_there(id) else {"@removed": {"reason": "deleted"}})
            for id in changed
        ]
        offset = int(query.get("$skiptoken", "0"))
        page: dict[str, Any] = {"value": value[offset : offset + self.page]}
        if offset + self.page < len(value):
            kept = f"$deltatoken={quote(token)}&" if token else ""
            page["@odata.nextLink"] = f"{self.url}/beta/planner/tasks/delta?{kept}$skiptoken={offset + self.page}"
        else:
            page["@odata.deltaLink"] = (
                f"{self.url}/beta/planner/tasks/delta?$deltatoken={quote(f'{self.version}!{self.now().isoformat()}')}"
            )
        return _ok(page)

    def _is_there(self, task: str) -> bool:
        return any(task in plan.tasks for plan in self.tenant.plans.values())

    def _shown(self, plan: Plan) -> dict[str, Any]:
        container = {"containerId": plan.group, "type": "group", "url": f"{self.url}/v1.0/groups/{plan.group}"}
        return {
            "createdDateTime": plan.created, "owner": plan.group, "title": plan.title, "id": plan.id, "container": container,
            "createdBy": {"user": {"displayName": None, "id": plan.owner}},
        }  # fmt: skip

    def _of(self, id: str, answer: Callable[[Plan], Answer]) -> Answer:
        plan = self.tenant.plans.get(id)
        if plan is None:
            return odata_error(404, "", "The requested item is not found.")
        if id in self.closed or plan.group in self.closed:
            return odata_error(403, "", "You do not have the required permissions to access this item.")
        return answer(plan)

    def _of_task(self, id: str, answer: Callable[[bytes], Answer]) -> Answer:
        plan = next((plan for plan in self.tenant.plans.values() if id in plan.tasks), None)
        if plan is None:
            return odata_error(404, "", "The requested item is not found.")
        return self._of(plan.id, lambda plan: answer(plan.tasks[id]))

    def _listed(self, path: str, query: Mapping[str, str], values: list[bytes], show: Callable[[bytes], bytes] | None = None) -> Answer:
        offset = int(query.get("$skiptoken", "0"))
        shown = values[offset : offset + self.page]
        page: dict[str, Any] = {"value": [msgspec.Raw(show(value) if show else value) for value in shown]}
        if offset + self.page < len(values):
            again = "".join(f"{name}={quote(value, safe='$')}&" for name, value in query.items() if name != "$skiptoken")
            page["@odata.nextLink"] = f"{self.url}/v1.0/{path}?{again}$skiptoken={offset + self.page}"
        return _ok(page)


def _without_details(task: bytes) -> bytes:
    value = msgspec.json.decode(task)
    value.pop("details", None)
    return msgspec.json.encode(value)


def _ok(value: Any) -> Answer:
    return Answer(200, msgspec.json.encode(value), JSON)
