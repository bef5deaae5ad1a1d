"""`jira820`, a third party's stateful stand-in for Jira Data Center, as a process of its own; and before it a gate that mends its queries.

The stand-in holds the data, and the real `jira` library changes and reads it there directly. The hub's connector goes through the gate,
because of what the stand-in does otherwise than Jira does (found in version 0.12.0):

- a search is a GET only (Jira: GET and POST), with neither `expand` nor `validateQuery`;
- JQL knows a project by its key only (Jira: by id too); `key >` is read as `key =`, `id in` and `project not in (…)` beside `OR` are
  ignored, epoch milliseconds end in status 500; keys are ordered as text (ERP-10 before ERP-2; Jira: by number);
- an issue is found by its key only (Jira: by id too), and its project has another id in the issue than in the list of projects;
- entries of a changelog and links are numbered within their issue (Jira: throughout the server; a link has one id at both of its ends).

The gate answers those requests as Jira documents them: it asks the stand-in for everything that it holds, and filters, sorts and cuts
that itself. Of the issues it changes those ids and nothing else. Epoch milliseconds it refuses (400), so that the connector takes its
other way. The other deviations need nothing here: an edit is dated nine o'clock of the stand-in's day, which may lie before the change
that the issue had last (the tests edit others), sprints come as objects and not as texts, comments are no field of an issue.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CAP = 90
"""The most issues that the gate gives a page, whatever is asked for: as a server whose administrator lowered the limit."""

_CLAUSES = (
    (re.compile(r"^project (?:= \"?(\w+)\"?|in \(([^)]*)\))$"), "project"),
    (re.compile(r"^project not in \(([^)]*)\)$"), "not project"),
    (re.compile(r"^key > \"([A-Z0-9]+-\d+)\"$"), "behind"),
    (re.compile(r"^key in \(([^)]*)\)$"), "keys"),
    (re.compile(r"^id in \(([^)]*)\)$"), "ids"),
    (re.compile(r"^updated >= \"(\d{4}-\d\d-\d\d) \d\d:\d\d\"$"), "updated"),
)


class Refusal(Exception):
    """What Jira would answer with a 400."""


class Gate:
    """Answers the connector's requests from the stand-in at `server`; `asked` counts them."""

    def __init__(self, server: str) -> None:
        self._http = httpx.Client(base_url=server, timeout=30)
        self.asked: Counter[str] = Counter()
        self.cookies: set[str | None] = set()
        self._known: list[dict[str, Any]] = []
        self._changelogs: dict[str, Any] = {}

    def forget(self) -> None:
        """The stand-in is asked anew: somebody may have edited it."""
        self._known = []
        self._changelogs = {}

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, query: str = "") -> httpx.Response:
        return self._http.get(f"{path}?{query}" if query else path)

    def search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        query, _, order = str(asked["jql"]).partition(" ORDER BY ")
        assert order in ("", "key ASC"), order
        strict = asked.get("validateQuery", True)
        issues = [issue for issue in self._everything() if self._matches(query, issue, strict)]
        start, size = int(asked.get("startAt", 0)), min(CAP, int(asked["maxResults"]))
        page = issues[start : start + size]
        history = "changelog" in asked.get("expand", ())
        return {
            "startAt": start, "maxResults": size, "total": len(issues),
            "issues": [self._shown(issue, asked["fields"], history) for issue in page],
        }  # fmt: skip

    def one(self, id_or_key: str, fields: str, expand: str) -> dict[str, Any] | None:
        found = [issue for issue in self._everything() if id_or_key in (issue["id"], issue["key"])]
        return self._shown(found[0], fields.split(","), "changelog" in expand) if found else None

    def _everything(self) -> list[dict[str, Any]]:
        if self._known:
            return self._known
        answer = self._http.get("/rest/api/2/search", params={"jql": "", "maxResults": 100_000}).json()
        projects = {project["key"]: project["id"] for project in self._http.get("/rest/api/2/project").json()}
        for issue in answer["issues"]:
            issue["fields"]["project"]["id"] = projects[issue["fields"]["project"]["key"]]
            for link in issue["fields"]["issuelinks"]:
                ends = sorted([issue["id"], (link.get("outwardIssue") or link["inwardIssue"])["id"]])
                link["id"] = "-".join([*ends, link["type"]["id"]])
        self._known = sorted(answer["issues"], key=lambda issue: _place(issue["key"]))
        return self._known

    def _shown(self, issue: Mapping[str, Any], fields: Sequence[str], history: bool) -> dict[str, Any]:
        kept = issue["fields"] if fields == ["*all"] else {name: issue["fields"][name] for name in fields if name in issue["fields"]}
        shown = {"id": issue["id"], "key": issue["key"], "self": issue["self"], "fields": kept}
        if history:
            shown["changelog"] = self._changelog(issue["id"], issue["key"])
        return shown

    def _changelog(self, id: str, key: str) -> Any:
        if id not in self._changelogs:
            found = self._http.get(f"/rest/api/2/issue/{key}", params={"expand": "changelog", "fields": "summary"}).json()["changelog"]
            for entry in found["histories"]:
                entry["id"] = f"{id}{entry['id']}"
            self._changelogs[id] = found
        return self._changelogs[id]

    def _matches(self, query: str, issue: Mapping[str, Any], strict: bool) -> bool:
        """Of "A AND B AND ((C AND D) OR E)", which is as far as the connector's queries go."""
        head, nested, rest = query.partition(" AND ((")
        clauses = [self._holds(clause, issue, strict) for clause in head.split(" AND ")]
        if nested:
            both, _, other = rest.removesuffix(")").partition(") OR ")
            clauses.append(all(self._holds(c, issue, strict) for c in both.split(" AND ")) or self._holds(other, issue, strict))
        return all(clauses)

    def _holds(self, clause: str, issue: Mapping[str, Any], strict: bool) -> bool:
        for pattern, kind in _CLAUSES:
            found = pattern.match(clause)
            if found is None:
                continue
            values = [text.strip(' "') for group in found.groups() if group for text in group.split(",")]
            project = issue["fields"]["project"]
            match kind:
                case "project":
                    return bool({project["id"], project["key"]} & set(values))
                case "not project":
                    return project["key"] not in values
                case "behind":
                    return _place(values[0])[0] == project["key"] and _place(issue["key"]) > _place(values[0])
                case "keys":
                    assert not strict
                    return issue["key"] in values
                case "ids":
                    assert not strict
                    return issue["id"] in values
                case "updated":
                    return bool(issue["fields"]["updated"][:10] >= values[0])
        raise Refusal(f"Error in the JQL Query: '{clause}' is not understood.")


def _place(key: str) -> tuple[str, int]:
    project, _, number = key.rpartition("-")
    return project, int(number)


def application(gate: Gate) -> Starlette:
    """The gate as an ASGI application: searches and issues answered, everything else passed on."""

    def noted(request: Request) -> None:
        gate.asked[f"{request.method} {request.url.path.rsplit('/', 1)[0] if 'issue/' in request.url.path else request.url.path}"] += 1
        gate.cookies.add(request.cookies.get("node"))

    async def search(request: Request) -> Response:
        noted(request)
        body = json.loads(await request.body())
        try:
            answer = gate.search(body)
        except Refusal as refusal:
            return JSONResponse({"errorMessages": [str(refusal)], "errors": {}}, 400)
        response = JSONResponse(answer)
        response.set_cookie("node", "node-1")
        return response

    def issue(request: Request) -> Response:
        noted(request)
        found = gate.one(request.path_params["id"], request.query_params.get("fields", "*all"), request.query_params.get("expand", ""))
        if found is None:
            return JSONResponse({"errorMessages": ["Issue Does Not Exist"], "errors": {}}, 404)
        return JSONResponse(found)

    def other(request: Request) -> Response:
        noted(request)
        answer = gate.get(request.url.path, request.url.query)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    return Starlette(
        routes=[
            Route("/rest/api/2/search", search, methods=["POST"]),
            Route("/rest/api/2/issue/{id}", issue),
            Route("/{path:path}", other),
        ]
    )


@contextmanager
def jira820(folder: Path, today: date) -> Iterator[str]:
    """The address of a stand-in of its own, whose clock stands at `today`; its process ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    script = Path(sys.executable).with_name("jira820")
    environment = {**os.environ, "JIRA820_PORT": str(port), "JIRA820_DATE": today.isoformat(), "JIRA820_SEED": "0"}
    command = [str(script)] if script.exists() else [sys.executable, "-m", "jira820"]
    with (folder / "jira820.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        transport = httpx.HTTPTransport(retries=12)  # a refused connection is tried again, each time later
        with httpx.Client(base_url=address, transport=transport) as http:
            http.get("/rest/api/2/serverInfo").raise_for_status()
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def gated(server: str) -> Iterator[tuple[Gate, str]]:
    """The gate before a stand-in, and its address."""
    gate = Gate(server)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(uvicorn.Config(application(gate), log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True, name="jira820-gate")
        thread.start()
        try:
            yield gate, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(timeout=10)
            gate.close()


def tomorrow(now: datetime) -> date:
    """A day that every poll of today looks back behind: the stand-in dates a change by its day."""
    return date.fromordinal(now.date().toordinal() + 1)
