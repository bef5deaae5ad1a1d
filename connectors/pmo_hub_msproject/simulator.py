"""A simulated PWA site on loopback, with the sign-in service of Project Online: `python -m pmo_hub_msproject.simulator`.

Both shapes of JSON, pages of a size that a test sets, ProjectData that is there, absent or refused, faults on request, and changes that are
seen once they are published.
"""

from __future__ import annotations

import argparse
import base64
import re
import socket
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pmo_hub_msproject import simulated_odata as odata
from pmo_hub_msproject.simulated_days import DAYS_OF
from pmo_hub_msproject.simulated_dictionary import CALENDARS, CUSTOM_FIELDS, PROJECT_KEYS, TASK_KEYS
from pmo_hub_msproject.simulated_mutations import Mutations
from pmo_hub_msproject.simulated_organisation import Site, generate
from pmo_hub_msproject.simulated_plans import Content, Plan, Values, draw
from pmo_hub_msproject.simulated_sign_in import SignIn

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to your account</body></html>"
KEPT_DRAWN = 12
SETS = {"TaskBaselines": ("TaskBaseline", "baselines"), "Risks": ("Risk", "risks"), "Issues": ("Issue", "issues"),
        "ProjectWorkflowStageDataSet": ("ProjectWorkflowStageData", "stages")}  # fmt: skip
MEMBERS = {"Tasks": ("PublishedTask", "tasks"), "TaskLinks": ("PublishedTaskLink", "links"),
           "Assignments": ("PublishedAssignment", "assignments"), "ProjectResources": ("PublishedProjectResource", "team")}  # fmt: skip
_PROJECT = re.compile(r"ProjectServer/Projects\((?:guid)?'([0-9a-fA-F-]{36})'\)(?:/(\w+))?")
_REPORT = re.compile(r"ProjectData(/\[en-US\])?/(\w+)(?:\(guid'([0-9a-f-]{36})'\))?")


@dataclass(slots=True)
class Fault:
    """Meets requests whose path has `path` in it, `times` times from the nth on: status, truncated, html, login (sent to a log-in page)."""

    kind: str
    path: str = ""
    status: int = 503
    retry_after: int | None = None
    times: int | None = 1
    nth: int = 1
    seen: int = 0
    struck: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Simulator:
    """One PWA site. `reporting` is there, absent or refused; `page_size` bounds every page; `verbose` answers in the older shape."""

    def __init__(self, site: Site, *, verbose: bool = False, page_size: int = 200, path: str = "/pwa") -> None:
        self.site, self.verbose, self.page_size, self.path = site, verbose, page_size, path
        self.user, self.password = "MERIDIAN\\reader", f"simulated-{site.seed}"
        self.reporting, self.refused_sets = "there", set[str]()
        self.selects_customs = True
        self.keeps_days = True
        self.calendars = list(CALENDARS)
        self.sign_in = SignIn()
        self.faults: list[Fault] = []
        self.log: deque[tuple[str, str, int]] = deque(maxlen=20_000)
        self.stats: Counter[str] = Counter()
        self.url = ""
        self.changes = Mutations(site)
        self.negotiate: Callable[[tuple[str, int], str], tuple[bool, str | None]] | None = None
        self._interrupts: list[tuple[str, int, Callable[[], None]]] = []
        self._drawn: OrderedDict[str, Content] = OrderedDict()
        self._lock = threading.RLock()

    @property
    def projects(self) -> list[str]:
        """Ids of the projects that are read."""
        return list(self.site.plans)

    @property
    def base(self) -> str:
        return self.url.removesuffix(self.path)

    def config(self) -> dict[str, Any]:
        """The values of a connection to this site."""
        return {"sign_in": "password", "url": self.url, "user": self.user, "password": self.password, "time_zone": "Europe/Oslo"}

    def fault(self, kind: str, **rule: Any) -> Fault:
        with self._lock:
            self.faults.append(made := Fault(kind, **rule))
            return made

    def clear_faults(self) -> None:
        with self._lock:
            self.faults.clear()

    def interrupt(self, path: str, action: Callable[[], None], times: int = 1) -> None:
        """`action` happens before the next `times` requests for that path are answered."""
        with self._lock:
            self._interrupts.append((path, times, action))

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        """Does one of the things of Mutations between two requests."""
        if what.startswith("_") or not callable(getattr(Mutations, what, None)):
            raise ValueError(f"unknown mutation: {what}")
        with self._lock:
            return getattr(self.changes, what)(*arguments, **named)

    # The wire

    def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes = b"", client: tuple[str, int] = ("", 0)
    ) -> Answer:
        with self._lock:
            found = self._answer(path, unquote(query.replace("+", "%20")), headers, body, client)
            self.stats[path.partition("/_api/")[2] or path] += 1
            self.log.append((path, query, found.status))
            return found

    def _answer(self, path: str, query: str, headers: Mapping[str, str], body: bytes, client: tuple[str, int]) -> Answer:
        told = self.sign_in.answer(path, body)
        if told is not None:
            return Answer(told[0], told[1], {"content-type": "application/json"})
        self._interrupted(path)
        truncated = False
        for fault in self.faults:
            if fault.path in path and (fault.times is None or fault.struck < fault.times):
                fault.seen += 1
                if fault.seen < fault.nth:
                    continue
                fault.struck += 1
                truncated = fault.kind == "truncated"
                if not truncated:
                    return self._faulty(fault)
        refused = self._stranger(headers.get("authorization", ""), client)
        if refused is not None:
            return refused
        if not path.startswith(f"{self.path}/_api/"):
            return self._error(404, "Not found.")
        try:
            content = self._routed(path.removeprefix(f"{self.path}/_api/"), query)
        except odata.BadQuery as bad:
            return self._error(400, str(bad))
        if isinstance(content, Answer):
            return content
        return Answer(200, content[: len(content) // 2] if truncated else content, {"content-type": "application/json;charset=utf-8"})

    def _interrupted(self, path: str) -> None:
        for n, (part, times, action) in enumerate(self._interrupts):
            if part in path and times:
                self._interrupts[n] = (part, times - 1, action)
                action()

    def _faulty(self, fault: Fault) -> Answer:
        if fault.kind == "html":
            return Answer(200, HTML, {"content-type": "text/html"})
        if fault.kind == "login":
            return Answer(302, b"", {"location": f"{self.base}/_layouts/15/Authenticate.aspx?Source=%2F", "content-type": "text/html"})
        headers = {"content-type": "application/json"} | ({"retry-after": str(fault.retry_after)} if fault.retry_after is not None else {})
        return Answer(fault.status, odata.failed("-1, Fault", "Asked for by a test.", self.verbose), headers)

    def _stranger(self, authorization: str, client: tuple[str, int]) -> Answer | None:
        """None for the right credentials."""
        if self.negotiate is not None:
            known, challenge = self.negotiate(client, authorization)
            return None if known else Answer(401, b"", {"www-authenticate": challenge or "NTLM"})
        own = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if authorization == f"Basic {own}" or self.sign_in.accepts(authorization):
            return None
        body = odata.failed("-2147024891, System.UnauthorizedAccessException", "Access denied.", self.verbose)
        return Answer(401, body, {"content-type": "application/json", "www-authenticate": "NTLM"})

    def _error(self, status: int, message: str) -> Answer:
        return Answer(status, odata.failed(f"-1, {status}", message, self.verbose), {"content-type": "application/json"})

    def _routed(self, path: str, text: str) -> bytes | Answer:
        query = odata.read_query(text)
        simple = {"ProjectServer/CustomFields": ("CustomField", CUSTOM_FIELDS), "ProjectServer/Calendars": ("Calendar", self.calendars)}
        if path == "ProjectServer/Projects":
            return self._page(path, text, query, "PublishedProject", [plan.header for plan in self._plans()])
        if path in simple:
            return self._page(path, text, query, simple[path][0], list(simple[path][1]))
        if found := _PROJECT.fullmatch(path):
            plan = next((plan for plan in self._plans() if plan.id == found[1].lower()), None)
            if plan is None:
                return self._error(404, "ProjectDoesNotExist")
            if found[2] is None:
                return odata.single(self._entity("PublishedProject", plan.header, query, path), self.verbose)
            kind, name = MEMBERS[found[2]]
            return self._page(path, text, query, kind, getattr(self._content(plan), name))
        if found := _REPORT.fullmatch(path):
            return self._reported(path, text, query, found)
        return self._error(404, f"Cannot find resource for the request {path}.")

    def _reported(self, path: str, text: str, query: odata.Query, found: re.Match[str]) -> bytes | Answer:
        if self.reporting == "absent":
            return self._error(404, "Cannot find resource for the request ProjectData.")
        if self.reporting == "refused" or found[2] in self.refused_sets:
            return self._error(403, "GeneralSecurityAccessDenied (20010)")
        if query.expand:
            return self._error(501, "$expand is not implemented.")
        localised = found[1] is None
        if found[2] == "Projects":
            plans = [plan for plan in self.site.plans.values() if found[3] in (None, plan.id)]
            rows = [odata.row("Project", _report(plan), query, localised) for plan in plans]
            if found[3] is not None:
                return odata.single(rows[0], self.verbose) if rows else self._error(404, "Resource not found.")
            return self._paged(path, text, query, rows)
        plan = self.site.plans.get(query.project or "")
        if found[2] in DAYS_OF:
            if query.days is None:
                return self._error(400, "A query of time-phased data must name its days.")
            kind, days_of = DAYS_OF[found[2]]
            days = days_of(plan.id, self._content(plan)) if plan and self.keeps_days else []
            inside = [row for row in days if query.days[0] <= row["TimeByDay"] <= query.days[1]]
            return self._paged(path, text, query, inside, lambda values: odata.row(kind, values, query, localised))
        kind, name = SETS[found[2]]
        members = getattr(self._content(plan), name) if plan else []
        if query.above is not None:
            members = [row for row in members if row["BaselineNumber"] > query.above]
        return self._paged(path, text, query, members, lambda values: odata.row(kind, values, query, localised))

    def _plans(self) -> list[Plan]:
        return [*self.site.plans.values(), *self.site.others]

    def _content(self, plan: Plan) -> Content:
        """What is published of the plan; what nobody changed is drawn when it is asked for, and a few are kept."""
        if plan.published_content is not None:
            return plan.published_content
        if plan.id not in self._drawn:
            self._drawn[plan.id] = draw(plan)
            if len(self._drawn) > KEPT_DRAWN:
                self._drawn.popitem(last=False)
        return self._drawn[plan.id]

    def _entity(self, kind: str, values: Values, query: odata.Query, path: str) -> dict[str, Any]:
        customs = {"PublishedTask": TASK_KEYS, "PublishedProject": PROJECT_KEYS}.get(kind, ())
        if not self.selects_customs and any("_x005f_" in name for name in query.select):
            raise odata.BadQuery("The field or property does not exist.")
        address = f"{self.url}/_api/{path}" if path.endswith(")") else f"{self.url}/_api/{path}('{values.get('Id')}')"
        return odata.entity(kind, values, query, customs, self.verbose, address)

    def _page(self, path: str, text: str, query: odata.Query, kind: str, members: list[Values]) -> bytes:
        return self._paged(path, text, query, members, lambda values: self._entity(kind, values, query, path))

    def _paged(
        self, path: str, text: str, query: odata.Query, members: list[Any], write: Callable[[Any], Any] = lambda member: member
    ) -> bytes:
        size = min(self.page_size, query.top or self.page_size)
        ends = query.skip + size
        link = None
        if ends < len(members) and query.top is None:
            rest = "&".join(part for part in text.split("&") if part and not part.startswith("$skiptoken"))
            link = f"{self.url}/_api/{path}?{rest}{'&' if rest else ''}$skiptoken={ends}"
        return odata.collection([write(member) for member in members[query.skip : ends]], link, self.verbose)


def _report(plan: Plan) -> Values:
    return {
        "ProjectId": plan.id, "ProjectName": plan.header["Name"], "ProjectEarnedValueIsStale": False,
        "ProjectStatusDate": plan.header["StatusDate"], "ProjectCurrency": "EUR", "ProjectACWP": 0.0, "ProjectBCWP": 0.0,
        "ProjectBCWS": 0.0,
        "ProjectEAC": 0.0,
    }  # fmt: skip


class _Wire:
    """The ASGI end of a simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body, query = await request.body(), scope["query_string"].decode("latin-1")
        found = self._simulator.answer(request.method, scope["path"], query, request.headers, body, tuple(scope.get("client") or ("", 0)))
        await Response(found.body, found.status, dict(found.headers))(scope, receive, send)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


def _listen(simulator: Simulator, port: int) -> tuple[socket.socket, _Server]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    simulator.url = f"http://127.0.0.1:{listener.getsockname()[1]}{simulator.path}"
    config = uvicorn.Config(_Wire(simulator), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    return listener, _Server(config)


@contextmanager
def serve(site: Site | Simulator, port: int = 0, **options: Any) -> Iterator[Simulator]:
    """Serves the site on loopback from a daemon thread; `url` of what it yields says where. Options are Simulator's."""
    simulator = site if isinstance(site, Simulator) else Simulator(site, **options)
    listener, server = _listen(simulator, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="simulated-pwa")
    thread.start()
    try:
        if not server.listening.wait(timeout=30):
            raise RuntimeError("the simulated PWA site did not start")
        yield simulator
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()


@contextmanager
def simulate(seed: int, size: str, now: datetime) -> Iterator[Simulator]:
    """The demo's way in (entry point `msproject` of group pmo_hub.simulators)."""
    with serve(generate(seed, size, now)) as simulator:
        yield simulator


def main(arguments: list[str] | None = None) -> None:
    """Serves a generated organisation until it is stopped."""
    parser = argparse.ArgumentParser(prog="pmo_hub_msproject.simulator", description="A simulated PWA site on loopback.")
    parser.add_argument("--port", type=int, default=8902)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", default="small", help="small, medium, or a number of plans together with --tasks")
    parser.add_argument("--tasks", type=int, help="tasks of each plan")
    wanted = parser.parse_args(arguments)
    simulator = Simulator(generate(wanted.seed, wanted.size, datetime.now(UTC), wanted.tasks))
    listener, server = _listen(simulator, wanted.port)
    print(
        f"simulated PWA site: {len(simulator.projects)} plans on {simulator.url}, user {simulator.user}, password {simulator.password}",
        flush=True,
    )
    server.run(sockets=[listener])


if __name__ == "__main__":
    main()
