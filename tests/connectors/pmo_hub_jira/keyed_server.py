"""A Data Center server in a few lines, over respx: what the tests of its wire ask for, answered from a list of issues.

It reads the queries that the connector writes; whatever else is in one is refused, as Jira does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import respx

URL = "https://jira.example.com/jira"
FIELDS = [
    ("summary", "Summary", "string", None),
    ("customfield_10004", "Story Points", "number", "com.atlassian.jira.plugin.system.customfieldtypes:float"),
    ("customfield_10007", "Sprint", "array", "com.pyxis.greenhopper.jira:gh-sprint"),
    ("customfield_10008", "Epic Link", "any", "com.pyxis.greenhopper.jira:gh-epic-link"),
    ("customfield_10011", "Epic Name", "string", "com.pyxis.greenhopper.jira:gh-epic-label"),
]


def user(key: str, name: str | None = None) -> dict[str, Any]:
    return {
        "key": key,
        "name": name or key,
        "displayName": (name or key).title(),
        "active": True,
        "emailAddress": f"{name or key}@example.com",
    }


def issue(id: int, key: str, updated: str = "2026-11-20T09:00:00.000+0000", **fields: Any) -> dict[str, Any]:
    project = key.rpartition("-")[0]
    base = {
        "summary": f"Issue {key}", "project": {"id": str(10_000 + sum(map(ord, project)) % 1_000), "key": project},
        "status": {"id": "3", "name": "Open", "statusCategory": {"key": "new"}}, "issuetype": {"id": "3", "name": "Task", "subtask": False},
        "created": "2026-11-01T09:00:00.000+0000", "updated": updated, "comment": {"total": 0, "comments": []},
    }  # fmt: skip
    return {"id": str(id), "key": key, "self": f"{URL}/rest/api/2/issue/{id}", "expand": "whatever", "fields": base | fields}


def entry(id: int, *items: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": str(id), "author": user("jane"), "created": "2026-11-02T09:00:00.000+0000", "items": list(items)}


def worklog(id: int, issue: int, seconds: int, updated: str = "2026-11-20T09:00:00.000+0000") -> dict[str, Any]:
    return {
        "id": str(id), "issueId": str(issue), "author": user("u1", "jane"), "comment": "Wiki *markup*", "created": updated,
        "updated": updated, "started": updated, "timeSpentSeconds": seconds,
    }  # fmt: skip


class KeyedServer:
    """Its state is its attributes. `before` runs ahead of each search, with the number of it; `cap` is the longest page."""

    def __init__(self, *issues: dict[str, Any]) -> None:
        self.issues = list(issues)
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.moved: dict[str, str] = {}
        self.cap = 1_000
        self.takes_ms = True
        self.time_zone: str | None = "UTC"
        self.hidden_from_search: set[str] = set()
        self.before: Callable[[int], None] = lambda number: None
        self.queries: list[str] = []
        self.deployment = "Server"
        self.base_url = URL
        self.boards: dict[str, list[dict[str, Any]]] = {}
        self.worklogs: list[dict[str, Any]] = []
        self.deleted_worklogs: list[tuple[int, int]] = []
        """When, in epoch ms, and which."""
        self.worklogs_a_page = 1_000
        self.last_page = "lastPage"
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.components: dict[str, list[dict[str, Any]]] = {}
        self.headers: dict[str, str] = {}
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        self.lost: set[str] = set()
        self.failing: Callable[[], httpx.Response] | None = None

    @contextmanager
    def served(self) -> Any:
        with respx.mock(base_url=URL, assert_all_called=False) as router:
            router.post("/rest/api/2/search").mock(side_effect=self._search)
            router.get(url__regex=r".*/rest/api/2/issue/[^/]+$").mock(side_effect=self._issue)
            router.get("/rest/api/2/project").mock(side_effect=lambda _: self._json(self.projects()))
            router.get(url__regex=r".*/rest/api/2/issue/[^/]+/worklog(\?|$)").mock(side_effect=self._issue_worklogs)
            router.get("/rest/api/2/worklog/updated").mock(side_effect=self._updated_worklogs)
            router.get("/rest/api/2/worklog/deleted").mock(side_effect=lambda asked: self._feed(asked, self.deleted_worklogs))
            router.post("/rest/api/2/worklog/list").mock(side_effect=self._listed_worklogs)
            router.get(url__regex=r".*/rest/api/2/project/\d+$").mock(side_effect=self._whole_project)
            router.get(url__regex=r".*/rest/api/2/project/\d+/components$").mock(side_effect=self._components)
            router.get("/rest/api/2/field").mock(side_effect=lambda _: self._json([_field(*field) for field in FIELDS]))
            router.get("/rest/api/2/myself").mock(side_effect=lambda _: self._json(user("jane") | {"timeZone": self.time_zone}))
            router.get("/rest/api/2/serverInfo").mock(side_effect=lambda _: self._json(self.info()))
            router.get("/rest/api/2/status").mock(side_effect=lambda _: self._json([]))
            router.get("/rest/api/2/issuetype").mock(side_effect=lambda _: self._json([]))
            router.get("/rest/api/2/priority").mock(side_effect=lambda _: self._json([{"id": id} for id in ("1", "2", "3")]))
            router.get("/rest/api/2/issueLinkType").mock(side_effect=lambda _: self._json({"issueLinkTypes": []}))
            router.get("/rest/agile/1.0/board").mock(side_effect=self._boards)
            yield router

    def info(self) -> dict[str, Any]:
        told = {"baseUrl": self.base_url, "deploymentType": self.deployment, "version": "9.12.0"}
        return told | {"serverTime": _written(self.now)}

    def projects(self) -> list[dict[str, Any]]:
        found = {one["fields"]["project"]["id"]: one["fields"]["project"]["key"] for one in self.issues}
        return [{"id": id, "key": key, "name": key.title()} for id, key in found.items() if id not in self.lost]

    def touch(self, id: str, **fields: Any) -> None:
        """The issue is edited, a minute after whatever was before."""
        self.now += timedelta(minutes=1)
        found = self._at(id)
        assert found is not None
        found["fields"] |= fields | {"updated": _written(self.now)}

    def project(self, key: str) -> str:
        return next(str(project["id"]) for project in self.projects() if project["key"] == key)

    def remove(self, key: str) -> None:
        self.issues = [one for one in self.issues if one["key"] != key]

    def move(self, key: str, to: str) -> None:
        """The issue has another key, in another project, and the old one leads to it."""
        found = self._at(key)
        assert found is not None
        self.moved[key] = to
        found["fields"]["project"] = issue(0, to)["fields"]["project"]
        found["key"] = to

    def log(self, id: int, issue: int, seconds: int) -> None:
        """Work is logged, or logged otherwise, while the issue itself tells no change."""
        self.worklogs = [one for one in self.worklogs if one["id"] != str(id)] + [worklog(id, issue, seconds, _written(self.now))]

    def unlog(self, id: int) -> None:
        self.worklogs = [one for one in self.worklogs if one["id"] != str(id)]
        self.deleted_worklogs.append((_epoch_ms(self.now), id))

    def _at(self, key: str) -> dict[str, Any] | None:
        key = self.moved.get(key, key)
        return next((one for one in self.issues if key in (one["key"], one["id"])), None)

    def _json(self, body: Any, status: int = 200) -> httpx.Response:
        if self.failing is not None:
            return self.failing()
        headers = {"Date": format_datetime(self.now, usegmt=True)} | self.headers
        return httpx.Response(status, json=body, headers=headers)

    def _boards(self, request: httpx.Request) -> httpx.Response:
        values = self.boards.get(request.url.params.get("projectKeyOrId", ""), [])
        return self._json({"values": values, "isLast": True, "total": len(values)})

    def _issue(self, request: httpx.Request) -> httpx.Response:
        found = self._at(request.url.path.rpartition("/")[2])
        if found is None or found["fields"]["project"]["id"] in self.lost:
            return self._json({"errorMessages": ["Issue Does Not Exist"]}, 404)
        return self._json(self._shown(found, "changelog" in request.url.params.get("expand", "")))

    def _whole_project(self, request: httpx.Request) -> httpx.Response:
        """Components without who leads them, as a project has them."""
        id = request.url.path.rpartition("/")[2]
        found = next((project for project in self.projects() if project["id"] == id), None)
        if found is None:
            return self._json({"errorMessages": [f"No project could be found with id '{id}'."]}, 404)
        named = [{key: one[key] for key in ("id", "name")} for one in self.components.get(id, [])]
        return self._json(found | {"versions": self.versions.get(id, []), "components": named})

    def _components(self, request: httpx.Request) -> httpx.Response:
        id = request.url.path.split("/")[-2]
        return self._json([] if id in self.lost else self.components.get(id, []), 404 if id in self.lost else 200)

    def _of_issue(self, id: str) -> list[dict[str, Any]]:
        return [one for one in self.worklogs if one["issueId"] == id]

    def _issue_worklogs(self, request: httpx.Request) -> httpx.Response:
        """All at once, whatever page is asked for."""
        found = self._at(request.url.path.split("/")[-2])
        if found is None or found["fields"]["project"]["id"] in self.lost:
            return self._json({"errorMessages": ["Issue Does Not Exist"]}, 404)
        logged = self._of_issue(found["id"])
        return self._json({"startAt": 0, "maxResults": len(logged), "total": len(logged), "worklogs": logged})

    def _updated_worklogs(self, request: httpx.Request) -> httpx.Response:
        return self._feed(request, [(_epoch_ms(datetime.fromisoformat(one["updated"])), int(one["id"])) for one in self.worklogs])

    def _feed(self, request: httpx.Request, changes: Sequence[tuple[int, int]]) -> httpx.Response:
        """What was changed since then, the oldest first and the last minute left out."""
        since = int(request.url.params.get("since", "0"))
        told = sorted(one for one in changes if since <= one[0] <= _epoch_ms(self.now - timedelta(minutes=1)))
        page = told[: self.worklogs_a_page]
        until, here = page[-1][0] if page else since, f"{URL}{request.url.path.removeprefix('/jira')}"
        values = [{"worklogId": id, "updatedTime": at, "properties": []} for at, id in page]
        last = len(page) == len(told)
        body = {"values": values, "since": since, "until": until, self.last_page: last, "self": f"{here}?since={since}"}
        return self._json(body if last else body | {"nextPage": f"{here}?since={until}"})

    def _listed_worklogs(self, request: httpx.Request) -> httpx.Response:
        wanted = set(map(str, json.loads(request.content)["ids"]))
        seen = {one["id"] for one in self.issues if one["fields"]["project"]["id"] not in self.lost}
        return self._json([one for one in self.worklogs if one["id"] in wanted and one["issueId"] in seen])

    def _shown(self, found: dict[str, Any], history: bool, cut: bool = False) -> dict[str, Any]:
        if logged := self._of_issue(found["id"]):
            embedded = {"startAt": 0, "maxResults": 20, "total": len(logged), "worklogs": logged[:20]}
            found = found | {"fields": found["fields"] | {"worklog": embedded}}
        entries = self.histories.get(found["id"], [])
        log = {"total": len(entries), "histories": entries[:1] if cut else entries}
        return found | {"changelog": log} if history else found

    def _search(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        query, _, order = body["jql"].partition(" ORDER BY ")
        self.before(len(self.queries))
        self.queries.append(query)
        named = set(re.findall(r"\d+", " ".join(re.findall(r"^project (?:= \d+|in \([^)]*\))", query))))
        if gone := named & self.lost:
            return self._json({"errorMessages": [f"The value '{min(gone)}' does not exist for the field 'project'."]}, 400)
        try:
            seen = [one for one in self.issues if one["fields"]["project"]["id"] not in self.lost]
            matching = [one for one in seen if one["id"] not in self.hidden_from_search and self._matches(query, one)]
        except ValueError as error:
            if body["validateQuery"] or "not understood" in str(error):
                return self._json({"errorMessages": [str(error)], "errors": {}}, 400)
            matching = []
        matching.sort(key=lambda one: _place(one["key"]) if order else ("", int(one["id"])))
        start, size = body["startAt"], min(self.cap, body["maxResults"])
        page = matching[start : start + size]
        shown = [self._shown(one, "changelog" in body.get("expand", ()), cut=True) for one in page]
        return self._json({"startAt": start, "maxResults": size, "total": len(matching), "issues": shown})

    def _matches(self, query: str, one: dict[str, Any]) -> bool:
        head, nested, rest = query.partition(" AND ((")
        holds = [self._holds(clause, one) for clause in head.split(" AND ")]
        if nested:
            both, _, other = rest.removesuffix(")").partition(") OR ")
            inner = [self._holds(clause, one) for clause in both.split(" AND ")]
            holds.append(all(inner) or self._holds(other, one))
        return all(holds)

    def _holds(self, clause: str, one: dict[str, Any]) -> bool:
        project = one["fields"]["project"]
        clause = clause[1:-1] if clause.startswith("(") else clause
        if found := re.fullmatch(r"(project|key|id) (not )?in \(([^)]*)\)", clause):
            values = {text.strip(' "') for text in found[3].split(",")}
            inside = bool(values & {project["id"], project["key"]} if found[1] == "project" else values & {one[found[1]]})
            return inside is (found[2] is None)
        if found := re.fullmatch(r'project = "?(\w+)"?', clause):
            return found[1] in (project["id"], project["key"])
        if found := re.fullmatch(r'key > "([A-Z]+-\d+)"', clause):
            anchor = self._at(found[1])
            if anchor is None:
                raise ValueError(f"An issue with key '{found[1]}' does not exist for field 'key'.")
            return bool(anchor["fields"]["project"]["key"] == project["key"] and _place(one["key"]) > _place(anchor["key"]))
        updated = datetime.fromisoformat(one["fields"]["updated"])
        if self.takes_ms and (found := re.fullmatch(r"updated >= (\d+)", clause)):
            return updated >= datetime.fromtimestamp(int(found[1]) / 1000, UTC)
        if found := re.fullmatch(r'updated >= "(\d{4}-\d\d-\d\d \d\d:\d\d)"', clause):
            from zoneinfo import ZoneInfo

            return updated >= datetime.fromisoformat(found[1]).replace(tzinfo=ZoneInfo(self.time_zone or "Pacific/Kiritimati"))
        raise ValueError(f"'{clause}' is not understood")


def _place(key: str) -> tuple[str, int]:
    project, _, number = key.rpartition("-")
    return project, int(number)


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _epoch_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _field(id: str, name: str, type: str, custom: str | None) -> dict[str, Any]:
    return {"id": id, "name": name, "custom": custom is not None, "schema": {"type": type} | ({"custom": custom} if custom else {})}
