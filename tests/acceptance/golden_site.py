"""A site of Jira Cloud that serves given JSON over loopback: the platform's REST API v3 and the agile API, paged as strictly as theirs.

It knows nothing of where its issues come from, and answers only what a site answers: a query that it can't read is a 400, a credential
that it doesn't know a 401, and every path that it doesn't have is noted as a stray.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Json = dict[str, Any]

EMAIL, TOKEN = "reader@example.com", "golden-token"
API, AGILE = "/rest/api/3", "/rest/agile/1.0"

# Smaller than what clients ask for, so that every listing has several pages and the histories of one issue span some of them.
ISSUES_A_PAGE = 7
IDS_A_PAGE = 5_000
HISTORIES_A_PAGE = 60
VALUES_A_PAGE = 10

_SEARCH_KEYS = {"jql", "fields", "maxResults", "nextPageToken", "expand", "fieldsByKeys", "properties", "reconcileIssues"}
_CLAUSE = re.compile(r"project (?:= (?P<one>\d+)|in \((?P<many>[\d, ]+)\))|(?P<field>updated|created) (?P<sign>>=|<) (?P<ms>\d+)")


@dataclass(frozen=True, slots=True)
class Site:
    """What one site holds, in the shapes of its answers; `sprints` by board id, None where the account may not read boards."""

    cloud_id: str
    base_url: str
    projects: Sequence[Json]
    issues: Sequence[Json]
    histories: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    fields: Sequence[Json] = ()
    statuses: Sequence[Json] = ()
    types: Sequence[Json] = ()
    priorities: Sequence[Json] = ()
    link_types: Sequence[Json] = ()
    boards: Sequence[Json] = ()
    configurations: Mapping[int, Json] = field(default_factory=dict)
    sprints: Mapping[int, Sequence[Json]] | None = field(default_factory=dict)


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def epoch_ms(text: str) -> int:
    """Jira's spelling of an instant as epoch milliseconds."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@dataclass(slots=True)
class Served:
    """A site that is being served. `strays` are the requests that no site has an answer for."""

    site: Site
    url: str = ""
    requests: int = 0
    strays: list[str] = field(default_factory=list)

    # Searching

    def search(self, request: Request, body: Json) -> Json:
        if unknown := set(body) - _SEARCH_KEYS:
            raise Refusal(400, f"unknown properties {sorted(unknown)}")
        fields = body.get("fields") or ["id"]
        found = self._matching(body.get("jql", ""))
        most = IDS_A_PAGE if set(fields) <= {"id", "key"} else ISSUES_A_PAGE
        start, size = _token(body.get("nextPageToken"), body["jql"]), min(int(body.get("maxResults", 50)), most)
        page = found[start : start + size]
        answer: Json = {"issues": [self._issue(issue, fields) for issue in page], "isLast": start + size >= len(found)}
        if not answer["isLast"]:
            answer["nextPageToken"] = base64.b64encode(f"{start + size}|{body['jql']}".encode()).decode()
        return answer

    def count(self, request: Request, body: Json) -> Json:
        return {"count": len(self._matching(body.get("jql", "")))}

    def bulk_issues(self, request: Request, body: Json) -> Json:
        wanted = set(body["issueIdsOrKeys"])
        found = [self._issue(issue, body.get("fields") or ["*all"]) for issue in self.site.issues if wanted & {issue["id"], issue["key"]}]
        return {"issues": found, "issueErrors": []}

    def bulk_histories(self, request: Request, body: Json) -> Json:
        """Oldest first, and cut into pages without regard to where one issue's histories end."""
        wanted = set(body["issueIdsOrKeys"])
        entries = [
            (entry["created"], issue["id"], entry)
            for issue in self.site.issues
            if wanted & {issue["id"], issue["key"]}
            for entry in self.site.histories.get(issue["id"], ())
        ]
        entries.sort(key=lambda found: (found[0], int(found[1]), int(found[2]["id"])))
        start = _token(body.get("nextPageToken"), "changelog")
        size = min(int(body.get("maxResults", 1000)), HISTORIES_A_PAGE)
        logs: dict[str, list[Json]] = {}
        for _, issue_id, entry in entries[start : start + size]:
            logs.setdefault(issue_id, []).append(entry)
        answer: Json = {"issueChangeLogs": [{"issueId": id, "changeHistories": found} for id, found in logs.items()]}
        if start + size < len(entries):
            answer["nextPageToken"] = base64.b64encode(f"{start + size}|changelog".encode()).decode()
        return answer

    def _issue(self, issue: Json, fields: Sequence[str]) -> Json:
        head = {name: value for name, value in issue.items() if name != "fields"}
        if set(fields) == {"id"}:
            return {"id": issue["id"]}
        whole = "*all" in fields
        return {**head, "fields": {name: value for name, value in issue["fields"].items() if whole or name in fields}}

    def _matching(self, jql: str) -> list[Json]:
        """The issues of a bounded query, oldest first; anything but the few clauses of a synchronisation is refused."""
        where, _, order = jql.partition(" ORDER BY ")
        if order not in ("", "created ASC"):
            raise Refusal(400, f"cannot order by {order}")
        found = sorted(self.site.issues, key=lambda issue: (epoch_ms(issue["fields"]["created"]), int(issue["id"])))
        known = {project["id"] for project in self.site.projects}
        for clause in where.split(" AND "):
            match = _CLAUSE.fullmatch(clause)
            if match is None:
                raise Refusal(400, f"Error in the JQL Query: {clause!r}")
            if match["field"]:
                bound, name, after = int(match["ms"]), match["field"], match["sign"] == ">="
                found = [issue for issue in found if (epoch_ms(issue["fields"][name]) // 60_000 * 60_000 >= bound) is after]
                continue
            projects = set(re.findall(r"\d+", match["one"] or match["many"]))
            if lost := projects - known:
                raise Refusal(400, f"A value with ID '{min(lost)}' does not exist for the field 'project'.")
            found = [issue for issue in found if issue["fields"]["project"]["id"] in projects]
        return found

    # The site's dictionaries

    def server_info(self, request: Request) -> Json:
        return {"baseUrl": self.site.base_url, "deploymentType": "Cloud", "version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0],
                "serverTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")}  # fmt: skip

    def myself(self, request: Request) -> Json:
        return {"accountId": "golden-reader", "displayName": "Golden Reader", "active": True, "accountType": "atlassian",
                "timeZone": "Asia/Shanghai"}  # fmt: skip

    def project_search(self, request: Request) -> Json:
        wanted = request.query_params.getlist("id")
        counts = {
            project["id"]: sum(issue["fields"]["project"]["id"] == project["id"] for issue in self.site.issues)
            for project in self.site.projects
        }
        found = [
            {**project, "insight": {"totalIssueCount": counts[project["id"]]}}
            for project in self.site.projects
            if not wanted or project["id"] in wanted
        ]
        return _paged(request, found)

    def priority_schemes(self, request: Request) -> Json:
        values = [{**priority, "sequence": str(place)} for place, priority in enumerate(self.site.priorities)]
        listed = {"startAt": 0, "maxResults": 50, "total": len(values), "isLast": True, "values": values}
        return _paged(request, [{"id": "1", "name": "Default priority scheme", "isDefault": True, "priorities": listed}])

    # Boards and sprints

    def board_list(self, request: Request) -> Json:
        self._sprints()
        project = request.query_params.get("projectKeyOrId")
        names = {name for known in self.site.projects if project in (known["id"], known["key"]) for name in (known["id"], known["key"])}
        if project is not None and not names:
            raise Refusal(400, f"No project could be found with key or id '{project}'.")
        return _paged(request, [board for board in self.site.boards if not names or str(board["location"]["projectId"]) in names])

    def configuration(self, request: Request) -> Json:
        self._sprints()
        return self.site.configurations[self._board(request)]

    def sprint_list(self, request: Request) -> Json:
        return _paged(request, self._sprints()[self._board(request)])

    def _board(self, request: Request) -> int:
        board = int(request.path_params["board"])
        if board not in self.site.configurations:
            raise Refusal(404, "The requested board cannot be viewed because it either does not exist or you do not have permission.")
        return board

    def _sprints(self) -> Mapping[int, Sequence[Json]]:
        if self.site.sprints is None:
            raise Refusal(403, "The user does not have permission to view boards.")
        return self.site.sprints

    def routes(self) -> list[Route]:
        """Every operation that the site has, and last the catch-all that notes what it has not."""

        def stray(request: Request) -> Json:
            self.strays.append(f"{request.method} {request.url.path}")
            raise Refusal(404, "dead link")

        return [
            _get("/_edge/tenant_info", lambda request: {"cloudId": self.site.cloud_id}, self),
            _get(f"{API}/serverInfo", self.server_info, self),
            _get(f"{API}/myself", self.myself, self),
            _get(f"{API}/field", lambda request: self.site.fields, self),
            _get(f"{API}/status", lambda request: self.site.statuses, self),
            _get(f"{API}/issuetype", lambda request: self.site.types, self),
            _get(f"{API}/priorityscheme", self.priority_schemes, self),
            _get(f"{API}/issueLinkType", lambda request: {"issueLinkTypes": self.site.link_types}, self),
            _get(f"{API}/project/search", self.project_search, self),
            _get(f"{API}/project/{{project}}", lambda request: {"versions": [], "components": []}, self),
            _post(f"{API}/search/jql", self.search, self),
            _post(f"{API}/search/approximate-count", self.count, self),
            _post(f"{API}/issue/bulkfetch", self.bulk_issues, self),
            _post(f"{API}/changelog/bulkfetch", self.bulk_histories, self),
            _get(f"{AGILE}/board", self.board_list, self),
            _get(f"{AGILE}/board/{{board:int}}/configuration", self.configuration, self),
            _get(f"{AGILE}/board/{{board:int}}/sprint", self.sprint_list, self),
            _get("/{path:path}", stray, self),
            _post("/{path:path}", lambda request, body: stray(request), self),
        ]


def _token(token: str | None, name: str) -> int:
    """Where the page begins that a token stands for; a token of another listing is refused."""
    if token is None:
        return 0
    start, _, of = base64.b64decode(token).decode().partition("|")
    if of != name:
        raise Refusal(400, "The nextPageToken is not valid for this request.")
    return int(start)


def _paged(request: Request, values: Sequence[Json]) -> Json:
    start = int(request.query_params.get("startAt", "0"))
    size = min(int(request.query_params.get("maxResults", "50")), VALUES_A_PAGE)
    return {"startAt": start, "maxResults": size, "total": len(values), "isLast": start + size >= len(values),
            "values": values[start : start + size]}  # fmt: skip


def _answer(served: Served, request: Request, answer: Callable[[], object]) -> JSONResponse:
    served.requests += 1
    given = request.headers.get("authorization", "")
    if given != "Basic " + base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode() and request.url.path != "/_edge/tenant_info":
        return JSONResponse({"errorMessages": ["Client must be authenticated to access this resource."]}, 401)
    try:
        return JSONResponse(answer())
    except Refusal as refusal:
        return JSONResponse({"errorMessages": [str(refusal)], "errors": {}}, refusal.status)


def _get(path: str, handler: Callable[[Request], object], served: Served) -> Route:
    async def endpoint(request: Request) -> JSONResponse:
        return _answer(served, request, lambda: handler(request))

    return Route(path, endpoint, methods=["GET"])


def _post(path: str, handler: Callable[[Request, Json], object], served: Served) -> Route:
    async def endpoint(request: Request) -> JSONResponse:
        body = json.loads(await request.body() or b"{}")
        return _answer(served, request, lambda: handler(request, body))

    return Route(path, endpoint, methods=["POST"])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextmanager
def serve(site: Site) -> Iterator[Served]:
    """The site answers on a free port of loopback as long as the block lasts."""
    served = Served(site)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        served.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(Starlette(routes=served.routes()), log_config=None, access_log=False, lifespan="off",
                                timeout_graceful_shutdown=1)  # fmt: skip
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=site.cloud_id, daemon=True)
        thread.start()
        try:
            if not server.listening.wait(timeout=30):
                raise RuntimeError(f"the site {site.cloud_id} did not start")
            yield served
        finally:
            server.should_exit = True
            thread.join(timeout=10)
