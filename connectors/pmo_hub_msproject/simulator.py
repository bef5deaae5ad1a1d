"""A simulated PWA site on loopback, with the sign-in service of Project Online: `python -m pmo_hub_msproject.simulator`.

Both shapes of JSON, pages of a size that a test sets, ProjectData that is there, absent or refused, faults on request, and changes that are
seen once they are published.
"""

from __future__ import annotations

import argparse
import base64
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from pmo_hub.sdk import simulated_serving
from pmo_hub.sdk.simulating import HTML, LOGIN_PAGE, Answer, Asked, Rule, Steered, mutation
from pmo_hub_msproject import simulated_odata as odata
from pmo_hub_msproject.simulated_days import DAYS_OF
from pmo_hub_msproject.simulated_dictionary import CALENDARS, CUSTOM_FIELDS, PROJECT_KEYS, TASK_KEYS
from pmo_hub_msproject.simulated_mutations import Mutations
from pmo_hub_msproject.simulated_organisation import Site, generate
from pmo_hub_msproject.simulated_plans import Content, Plan, Values, draw
from pmo_hub_msproject.simulated_sign_in import SignIn

JSON = (("Content-Type", "application/json"),)
KEPT_DRAWN = 12
SETS = {"TaskBaselines": ("TaskBaseline", "baselines"), "Risks": ("Risk", "risks"), "Issues": ("Issue", "issues"),
        "ProjectWorkflowStageDataSet": ("ProjectWorkflowStageData", "stages")}  # fmt: skip
MEMBERS = {"Tasks": ("PublishedTask", "tasks"), "TaskLinks": ("PublishedTaskLink", "links"),
           "Assignments": ("PublishedAssignment", "assignments"), "ProjectResources": ("PublishedProjectResource", "team")}  # fmt: skip
_PROJECT = re.compile(r"ProjectServer/Projects\((?:guid)?'([0-9a-fA-F-]{36})'\)(?:/(\w+))?")
_REPORT = re.compile(r"ProjectData(/\[en-US\])?/(\w+)(?:\(guid'([0-9a-f-]{36})'\))?")


@dataclass
class Fault(Rule):
    """Meets requests whose path has `path` in it: status, html, truncated (half a body as if it were whole), login (a log-in page)."""

    status: int = 503

    KINDS = frozenset({"status", "html", "truncated", "login"})

    def meets(self, asked: Asked) -> bool:
        return self.path in asked.path


class Simulator(Steered[Fault]):
    """One PWA site. `reporting` is there, absent or refused; `page_size` bounds every page; `verbose` answers in the older shape."""

    log: deque[tuple[str, str, int]]

    def __init__(self, site: Site, *, verbose: bool = False, page_size: int = 200, path: str = "/pwa") -> None:
        super().__init__(Fault, site.now.replace(tzinfo=UTC), url="")
        self.site, self.verbose, self.page_size, self.path = site, verbose, page_size, path
        self.user, self.password = "MERIDIAN\\reader", f"simulated-{site.seed}"
        self.reporting, self.refused_sets = "there", set[str]()
        self.selects_customs = True
        self.keeps_days = True
        self.calendars = list(CALENDARS)
        self.sign_in = SignIn()
        self.changes = Mutations(site)
        self.negotiate: Callable[[tuple[str, int], str], tuple[bool, str | None]] | None = None
        self._interrupts: list[tuple[str, int, Callable[[], None]]] = []
        self._drawn: OrderedDict[str, Content] = OrderedDict()

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

    def interrupt(self, path: str, action: Callable[[], None], times: int = 1) -> None:
        """`action` happens before the next `times` requests for that path are answered."""
        with self.lock:
            self._interrupts.append((path, times, action))

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        """Does one of the things of Mutations between two requests."""
        with self.lock:
            return mutation(self.changes, what)(*arguments, **named)

    # The wire

    def answer(self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        with self.lock:
            found = self._answer(Asked(method, path, {}, headers or {}, body), unquote(query.replace("+", "%20")))
            return self.noted(path.partition("/_api/")[2] or path, (path, query, found.status), found)

    def _answer(self, asked: Asked, query: str) -> Answer:
        path = asked.path
        told = self.sign_in.answer(path, asked.body)
        if told is not None:
            return Answer(*told, JSON)
        self._interrupted(path)
        truncated = False
        for fault in self.faults:
            if fault.strikes(asked):
                truncated = fault.kind == "truncated"
                if not truncated:
                    return self._faulty(fault)
        refused = self._stranger(asked.headers.get("authorization", ""))
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
        return Answer(200, content[: len(content) // 2] if truncated else content, (("Content-Type", "application/json;charset=utf-8"),))

    def _interrupted(self, path: str) -> None:
        for n, (part, times, action) in enumerate(self._interrupts):
            if part in path and times:
                self._interrupts[n] = (part, times - 1, action)
                action()

    def _faulty(self, fault: Fault) -> Answer:
        if fault.kind == "html":
            return Answer(200, LOGIN_PAGE, HTML)
        if fault.kind == "login":
            return Answer(302, b"", (("Location", f"{self.base}/_layouts/15/Authenticate.aspx?Source=%2F"), *HTML))
        wait = (("Retry-After", str(fault.retry_after)),) if fault.retry_after is not None else ()
        return Answer(fault.status, odata.failed("-1, Fault", "Asked for by a test.", self.verbose), (*JSON, *wait))

    def _stranger(self, authorization: str) -> Answer | None:
        """None for the right credentials."""
        if self.negotiate is not None:
            known, challenge = self.negotiate(simulated_serving.CLIENT.get(), authorization)
            return None if known else Answer(401, b"", (("WWW-Authenticate", challenge or "NTLM"),))
        own = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if authorization == f"Basic {own}" or self.sign_in.accepts(authorization):
            return None
        body = odata.failed("-2147024891, System.UnauthorizedAccessException", "Access denied.", self.verbose)
        return Answer(401, body, (*JSON, ("WWW-Authenticate", "NTLM")))

    def _error(self, status: int, message: str) -> Answer:
        return Answer(status, odata.failed(f"-1, {status}", message, self.verbose), JSON)

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


@contextmanager
def serve(site: Site | Simulator, port: int = 0, **options: Any) -> Iterator[Simulator]:
    """Serves the site on loopback from a daemon thread; `url` of what it yields says where. Options are Simulator's."""
    simulator = site if isinstance(site, Simulator) else Simulator(site, **options)
    with simulated_serving.serve(simulator, port, simulator.path):
        yield simulator


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
    account = f"user {simulator.user}, password {simulator.password}"
    simulated_serving.run(
        simulator, wanted.port, lambda: f"simulated PWA site: {len(simulator.projects)} plans on {simulator.url}, {account}", simulator.path
    )


if __name__ == "__main__":
    main()
