"""Serves a simulated Jira site: credentials, clock, faults, the request log, and what an answer looks like on the wire."""
from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from pmo_hub.sdk.simulating import Answer, Asked, Steered, mutation
from pmo_hub_jira.simulated_agile import Agile, agile_operations
from pmo_hub_jira.simulated_faults import PAGE_KINDS, Fault, at_random, error
from pmo_hub_jira.simulated_hooks import Hooks
from pmo_hub_jira.simulated_platform import Platform, platform_operations
from pmo_hub_jira.simulated_rendering import Renderer
from pmo_hub_jira.simulated_requests import Call, Operation, Refused, check_query, ok, read_body, read_query
from pmo_hub_jira.simulated_search import Limits, Search
from pmo_hub_jira.simulated_site import Site
from pmo_hub_jira.simulated_upheavals import Upheavals
from pmo_hub_jira.simulated_worklogs import Worklogs, worklog_operations
from pmo_hub_jira.simulated_world import World

UNAUTHENTICATED = "Client must be authenticated to access this resource."
EXPIRED = "The API token has expired. Create a new token to go on."


@dataclass(frozen=True, slots=True)
class Logged:
    """A request as it was asked, without its credentials, and the status it got; 0 when the connection was reset."""
    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    status: int

    @property
    def body_names(self) -> tuple[str, ...]:
        return tuple(self.body) if isinstance(self.body, dict) else ()


class Simulator(Steered[Fault]):
    """One simulated Jira Cloud site.

    `answer` is the whole wire without a socket. Without a `clock` the site's time starts at its `now` and runs on. `time_zone` is the
    profile zone of the caller. `wrong_token` says what invalid credentials get: "anonymous" (as Cloud does: /myself is a 401, what the
    public may see is an empty 200) or "401". An operation that the specification calls deprecated answers 410 unless
    `refuse_deprecated` is False.
    """

    log: deque[Logged]

    def __init__(self, site: Site, clock: Callable[[], datetime] | None = None, *, email: str | None = None, token: str | None = None,
                 expired_token: str = "expired-token", time_zone: str | None = None, refuse_deprecated: bool = True,
                 wrong_token: str = "anonymous", limits: Limits | None = None) -> None:
        super().__init__(Fault, site.now, clock, site.base_url)
        self.site = site
        caller = next(person for person in site.people if person.account_id == site.caller)
        self.email, self.token, self.expired_token = email or caller.email or "", token or f"simulated-{site.seed}", expired_token
        self.refuse_deprecated, self.wrong_token = refuse_deprecated, wrong_token
        self.limits = limits or Limits()
        self.fault_rate, self._random = 0.0, Random(1)
        zone_name = time_zone or caller.time_zone
        zone = ZoneInfo(zone_name)
        self.world = World(site)
        self.renderer = Renderer(self.world, zone)
        self.hooks = Hooks(self.world, site.base_url)
        self._mutations = Upheavals(self.world, self.now, self.renderer.forget)
        self._mutations.forget_all = self.renderer.forget_all
        self._search = Search(self.world, self.renderer, self.now, zone, self.limits)
        self._platform = Platform(self.world, self.renderer, self.now, zone_name)
        self.operations: list[Operation] = [
            *platform_operations(self._platform, self._search),
            *worklog_operations(Worklogs(self.world, self.renderer, self.now, self.limits)),
            *agile_operations(Agile(self.world, self.renderer))]

    # -- what a test or the demo asks for

    def change_time_zone(self, name: str) -> None:
        """The caller's profile is in another zone: instants are rendered in it, bare date-times in JQL are read in it."""
        with self.lock:
            self.renderer.zone = self._search.zone = ZoneInfo(name)
            self._platform.zone_name = name
            self.renderer.forget_all()

    def config(self) -> dict[str, str]:
        """The values of a connection to this site."""
        return {"url": self.url, "email": self.email, "token": self.token}

    @property
    def projects(self) -> list[str]:
        """Ids of the projects that the caller sees."""
        return [project.id for project in self.world.visible_projects()]

    def clear_faults(self) -> None:
        with self.lock:
            super().clear_faults()
            self.fault_rate = 0.0

    def fault_at_random(self, rate: float, seed: int = 1) -> None:
        """Strikes that share of all requests with 429, 5xx, truncated bodies and resets, in an order given by the seed."""
        with self.lock:
            self.fault_rate, self._random = rate, Random(seed)

    def struck(self, asked: Asked) -> list[Fault]:
        struck = super().struck(asked)
        return [*struck, at_random(self._random)] if self.fault_rate and self._random.random() < self.fault_rate else struck

    def mutate(self, what: str, *arguments: Any, **named: Any) -> Any:
        """Does one of the things of Upheavals (edit, transition, comment, create, delete, move ...) between two requests."""
        does = mutation(self._mutations, what)
        with self.lock, self.hooks.telling(self.now()):
            done = does(*arguments, **named)
        if self.hooks.at_once:
            self.hooks.deliver()
        return done

    # -- the wire

    def answer(self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The answer to one request; header names in lower case."""
        with self.lock:
            answer, label, read = self._answer(method, path, query, headers or {}, body)
            return self.noted(label, Logged(method, path, read_query(query), read, 0 if answer.reset else answer.status), answer)

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes) -> tuple[Answer, str, Any]:
        operation, parameters = self._route(method, path)
        label = operation.label if operation else f"{method} {path}"
        arguments = read_query(query)
        if operation is None:
            known = any(candidate.pattern.match(path) for candidate in self.operations)
            return error(405 if known else 404, f"There is no operation {method} {path}."), label, None
        body: dict[str, Any] = {}
        try:
            check_query(operation, arguments)
            body = read_body(operation, headers.get("content-type", ""), raw)
        except Refused as refused:
            return refused.answer, label, None

        def handled(struck: Sequence[Fault]) -> Answer:
            call = Call(method, path, parameters, arguments, body, self.site.base_url, [f for f in struck if f.kind in PAGE_KINDS])
            return self._handled(operation, call, headers)

        asked = Asked(method, path, {name: values[-1] for name, values in arguments.items()} | body, headers, raw)
        return self.faulted(asked, handled), label, body or None

    def _route(self, method: str, path: str) -> tuple[Operation | None, dict[str, str]]:
        for operation in self.operations:
            found = operation.pattern.match(path) if operation.method == method else None
            if found:
                return operation, found.groupdict()
        return None, {}

    def _handled(self, operation: Operation, call: Call, headers: Mapping[str, str]) -> Answer:
        if operation.deprecated and self.refuse_deprecated:
            return error(410, "This operation is deprecated by the specification and refused here.")
        try:
            if not operation.public:
                refused = self._unknown_caller(operation, headers.get("authorization", ""))
                if refused is not None:
                    return refused
            return operation.handler(call)
        except Refused as refused:
            return refused.answer

    def _unknown_caller(self, operation: Operation, authorization: str) -> Answer | None:
        """None for the right credentials; else the 401, or the empty answer that the public gets."""
        kind, _, encoded = authorization.partition(" ")
        try:
            email, _, token = base64.b64decode(encoded, validate=True).decode().partition(":") if kind.lower() == "basic" else ("", "", "")
        except (binascii.Error, UnicodeDecodeError):
            email = token = ""
        if email == self.email and token == self.token:
            return None
        if email == self.email and token == self.expired_token:
            return error(401, EXPIRED, headers=(("WWW-Authenticate", 'Basic realm="Jira"'),))
        failed = (("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"),) if authorization else ()
        if self.wrong_token == "anonymous" and operation.anonymous is not None:
            return replace(ok(operation.anonymous), headers=(*ok(b"").headers, *failed))
        return error(401, UNAUTHENTICATED, headers=(("WWW-Authenticate", 'Basic realm="Jira"'), *failed))
