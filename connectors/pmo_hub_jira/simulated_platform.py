"""The platform operations that describe the site: who am I, fields, statuses, projects; and the table of all platform operations."""
from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pmo_hub.sdk.simulating import Answer
from pmo_hub_jira.simulated_faults import GONE, error
from pmo_hub_jira.simulated_rendering import Json, Renderer
from pmo_hub_jira.simulated_requests import Call, Operation, names, ok, refuse
from pmo_hub_jira.simulated_search import Search
from pmo_hub_jira.simulated_site import Field, Project
from pmo_hub_jira.simulated_world import World

API = "/rest/api/3"
_EMPTY_PAGE = b'{"maxResults":50,"startAt":0,"total":0,"isLast":true,"values":[]}'
_CATEGORY = {"new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE"}


class Platform:
    def __init__(self, world: World, renderer: Renderer, now: Callable[[], datetime], zone_name: str) -> None:
        self.world, self.renderer, self.now, self.zone_name = world, renderer, now, zone_name

    def tenant(self, call: Call) -> Answer:
        return ok({"cloudId": self.world.site.cloud_id})

    def server_info(self, call: Call) -> Answer:
        site = self.world.site
        return ok({"baseUrl": site.base_url, "displayUrl": site.base_url, "version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0],
                   "deploymentType": "Cloud", "buildNumber": 100290, "buildDate": "2026-11-01T00:00:00.000+0000",
                   "serverTime": self.renderer.instant(self.now()), "scmInfo": "0000000", "serverTitle": site.title,
                   "serverTimeZone": "Etc/UTC"})

    def myself(self, call: Call) -> Answer:
        me = self.renderer.person(self.world.people[self.world.site.caller])
        return ok(me | {"timeZone": self.zone_name, "locale": "en_US", "groups": {"size": 1, "items": []},
                        "applicationRoles": {"size": 1, "items": []}, "expand": "groups,applicationRoles"})

    def fields(self, call: Call) -> Answer:
        return ok([self._field(field) for field in self.world.dictionary.fields])

    def _field(self, field: Field) -> Json:
        number = field.id.partition("_")[2]
        schema: Json = {"type": field.type}
        if field.items:
            schema["items"] = field.items
        schema |= {"custom": field.custom, "customId": int(number)} if field.custom else {"system": field.id}
        clauses = [f"cf[{number}]", field.name] if field.custom else [field.id]
        out: Json = {"id": field.id, "key": field.id, "name": field.name, "custom": field.custom is not None, "orderable": True,
                     "navigable": field.navigable, "searchable": True, "clauseNames": clauses, "schema": schema}
        return out | {"scope": {"type": "PROJECT", "project": {"id": field.project_id}}} if field.project_id else out

    def statuses(self, call: Call) -> Answer:
        return ok([self.renderer.status(status) for status in self.world.dictionary.statuses])

    def search_statuses(self, call: Call) -> Answer:
        project, category, text = call.text("projectId"), call.text("statusCategory"), (call.text("searchString") or "").lower()
        values = [
            {"id": s.id, "name": s.name, "description": "", "statusCategory": _CATEGORY[s.category],
             "scope": {"type": "PROJECT", "project": {"id": s.project_id}} if s.project_id else {"type": "GLOBAL"}}
            for s in self.world.dictionary.statuses
            if (project is None or s.project_id in (None, project)) and category in (None, _CATEGORY[s.category])
            and text in s.name.lower()]
        return call.paged(values, default=200, most=200)

    def issue_types(self, call: Call) -> Answer:
        return ok([self.renderer.issue_type(type) for type in self.world.dictionary.types])

    def priorities(self, call: Call) -> Answer:
        return ok([self._priority(n) for n in range(len(self.world.dictionary.priorities))])

    def search_priorities(self, call: Call) -> Answer:
        return call.paged([self._priority(n) for n in range(len(self.world.dictionary.priorities))])

    def _priority(self, n: int) -> Json:
        priority = self.world.dictionary.priorities[n]
        return self.renderer.priority(priority.id) | {
            "description": "", "statusColor": f"#{20 * n + 60:02x}6666", "isDefault": priority.name == "Medium"}

    def priority_schemes(self, call: Call) -> Answer:
        scheme: Json = {"id": "10000", "name": "Default priority scheme", "description": "", "defaultPriorityId": "3", "default": True,
                        "self": f"{self.renderer.base}{API}/priorityscheme/10000"}
        if "priorities" in (call.text("expand") or "").split(","):
            values = [self._priority(n) | {"sequence": str(n)} for n in range(len(self.world.dictionary.priorities))]
            scheme["priorities"] = {"maxResults": 50, "startAt": 0, "total": len(values), "isLast": True, "values": values}
        return call.paged([scheme])

    def resolutions(self, call: Call) -> Answer:
        return ok([self.renderer.resolution(r.id) for r in self.world.dictionary.resolutions])

    def search_resolutions(self, call: Call) -> Answer:
        return call.paged([self.renderer.resolution(r.id) | {"default": n == 0} for n, r in enumerate(self.world.dictionary.resolutions)])

    def link_types(self, call: Call) -> Answer:
        return ok({"issueLinkTypes": [self.renderer.link_type(kind) for kind in self.world.dictionary.link_types]})

    def _project(self, project: Project, expand: set[str], whole: bool) -> Json:
        out: Json = {"expand": "description,lead,issueTypes,url,projectKeys,permissions,insight"} | self.renderer.project(project)
        out |= {"style": "next-gen" if project.team_managed else "classic", "isPrivate": False, "properties": {}}
        if project.team_managed:
            out["uuid"] = f"5f0c1d2e-0000-4000-8000-{int(project.id):012d}"
        if whole or "description" in expand:
            out["description"] = project.description
        if whole or "lead" in expand:
            out["lead"] = self.renderer.user(project.lead)
        if whole or "issueTypes" in expand:
            out["issueTypes"] = [self.renderer.type_part(id) for id in project.type_ids]
        if "insight" in expand:
            mine = [issue.updated for issue in self.world.visible_issues() if issue.project_id == project.id]
            out["insight"] = {"totalIssueCount": len(mine)} | ({"lastIssueUpdateTime": self.renderer.instant(max(mine))} if mine else {})
        if whole:
            out |= {"assigneeType": "UNASSIGNED", "roles": {}, "versions": [self.renderer.version(v, full=True) for v in project.versions],
                    "components": [self.renderer.component(c) for c in project.components]}
        return out

    def search_projects(self, call: Call) -> Answer:
        expand, text = set(call.texts("expand")), (call.text("query") or "").lower()
        ids, keys, states = set(call.texts("id")), {key.upper() for key in call.texts("keys")}, call.texts("status")
        found = [p for p in self.world.visible_projects() if (not ids or p.id in ids) and (not keys or p.key.upper() in keys)
                 and (text in p.key.lower() or text in p.name.lower()) and (not states or "live" in states)]
        return call.paged([self._project(project, expand, False) for project in found])

    def _found(self, call: Call) -> Project:
        wanted = call.parameters["project"]
        found = self.world.find_project(wanted)
        if found is None or wanted.upper() not in (found.id, found.key.upper()):
            raise refuse(404, f"No project could be found with {'id' if wanted.isdigit() else 'key'} '{wanted}'.")
        return found

    def project(self, call: Call) -> Answer:
        return ok(self._project(self._found(call), set(call.texts("expand")), True))

    def versions(self, call: Call) -> Answer:
        return ok([self.renderer.version(version, full=True) for version in self._found(call).versions])

    def components(self, call: Call) -> Answer:
        project = self._found(call)
        return ok([self.renderer.component(c) | {"project": project.key, "projectId": int(project.id), "assigneeType": "PROJECT_DEFAULT",
                                                 "isAssigneeTypeValid": True} | ({"lead": self.renderer.user(c.lead)} if c.lead else {})
                   for c in project.components])

    def permissions(self, call: Call) -> Answer:
        """What the caller may do; an unseen project or issue is a 404, a missing list of permissions a 400."""
        wanted = call.texts("permissions")
        if not wanted:
            raise refuse(400, "The 'permissions' query parameter is required.")
        for name in ("projectKey", "projectId"):
            text = call.text(name)
            if text is not None and self.world.find_project(text) is None:
                raise refuse(404, f"No project could be found with {name[7:].lower()} '{text}'.")
        for name in ("issueKey", "issueId"):
            text = call.text(name)
            if text is not None and self.world.find(text) is None:
                raise refuse(404, "Issue does not exist or you do not have permission to see it.")
        return ok({"permissions": {key: {"id": str(10 + n), "key": key, "name": key.replace("_", " ").title(), "type": "PROJECT",
                                         "description": "", "havePermission": key == "BROWSE_PROJECTS"} for n, key in enumerate(wanted)}})

    def comments(self, call: Call, most: int) -> Answer:
        issue = self.world.find(call.parameters["issue"])
        if issue is None:
            raise refuse(404, "Issue does not exist or you do not have permission to see it.")
        order = call.text("orderBy") or "created"
        if order not in ("created", "+created", "-created"):
            raise refuse(400, f"Comments cannot be ordered by '{order}'.")
        listed = issue.comments[::-1] if order[0] == "-" else issue.comments
        start, size = call.number("startAt", 0), min(call.number("maxResults", 100), most)
        return ok({"startAt": start, "maxResults": size, "total": len(listed),
                   "comments": [self.renderer.comment(comment, issue) for comment in listed[start:start + size]]})


def platform_operations(platform: Platform, search: Search) -> list[Operation]:
    """Every platform operation that the simulator answers, with exactly the names that the vendor's specification gives it."""
    def gone(call: Call) -> Answer:
        return error(410, GONE)

    def get(path: str, handler: Callable[[Call], Answer], query: str = "", anonymous: bytes | None = None, **flags: bool) -> Operation:
        return Operation("GET", API + path, handler, names(query), None, anonymous, **flags)

    def post(path: str, handler: Callable[[Call], Answer], body: str, anonymous: bytes | None = None) -> Operation:
        return Operation("POST", API + path, handler, frozenset(), names(body), anonymous)

    jql = "jql nextPageToken maxResults fields expand properties fieldsByKeys reconcileIssues"
    nothing = b'{"issues":[],"isLast":true}'
    any_search = "jql startAt maxResults validateQuery fields expand properties fieldsByKeys failFast"
    return [
        Operation("GET", "/_edge/tenant_info", platform.tenant, public=True),
        get("/serverInfo", platform.server_info, public=True), get("/myself", platform.myself, "expand"),
        get("/field", platform.fields, anonymous=b"[]"), get("/status", platform.statuses, anonymous=b"[]"),
        get("/statuses/search", platform.search_statuses, "projectId startAt maxResults searchString statusCategory"),
        get("/issuetype", platform.issue_types, anonymous=b"[]"), get("/priority", platform.priorities, deprecated=True),
        get("/priority/search", platform.search_priorities, "startAt maxResults id projectId priorityName onlyDefault expand",
            deprecated=True),
        get("/priorityscheme", platform.priority_schemes, "startAt maxResults priorityId schemeId schemeName onlyDefault orderBy expand"),
        get("/resolution", platform.resolutions, deprecated=True),
        get("/resolution/search", platform.search_resolutions, "startAt maxResults id onlyDefault"),
        get("/issueLinkType", platform.link_types),
        get("/project/search", platform.search_projects, "startAt maxResults orderBy id keys query typeKey categoryId action expand status "
            "properties propertyQuery", _EMPTY_PAGE),
        get("/project/{project}", platform.project, "expand properties"), get("/project/{project}/versions", platform.versions, "expand"),
        get("/project/{project}/components", platform.components, "componentSource"),
        get("/mypermissions", platform.permissions,
            "projectKey projectId issueKey issueId permissions projectUuid projectConfigurationUuid commentId"),
        get("/search/jql", search.page, f"{jql} failFast", nothing), post("/search/jql", search.page, jql, nothing),
        post("/search/approximate-count", search.count, "jql", b'{"count":0}'),
        post("/issue/bulkfetch", search.bulk_fetch, "issueIdsOrKeys fields fieldsByKeys expand properties",
             b'{"issues":[],"issueErrors":[]}'),
        post("/changelog/bulkfetch", search.bulk_changelog, "issueIdsOrKeys fieldIds maxResults nextPageToken"),
        get("/issue/{issue}/comment", lambda call: platform.comments(call, search.limits.comments), "startAt maxResults orderBy expand"),
        get("/search", gone, any_search, public=True),
        Operation("POST", f"{API}/search", gone, names(any_search), names(any_search), public=True)]
