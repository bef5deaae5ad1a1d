"""Renders a world as Jira's JSON, each issue once a field list and then kept as bytes.

A page of search and a bulk fetch join the same bytes, so that the same field list gives the same bytes for an issue everywhere.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec

from pmo_hub_jira.simulated_fields import duration, renderers
from pmo_hub_jira.simulated_site import (
    Comment,
    Component,
    History,
    Issue,
    IssueType,
    Link,
    LinkType,
    Person,
    Project,
    Sprint,
    Status,
    Version,
    Worklog,
)
from pmo_hub_jira.simulated_world import World

Json = dict[str, Any]
CATEGORIES = {"new": (2, "blue-gray", "To Do"), "indeterminate": (4, "yellow", "In Progress"), "done": (3, "green", "Done")}
EMBEDDED_COMMENTS, EMBEDDED_WORKLOGS, EMBEDDED_HISTORIES = 20, 20, 40
_ISSUE_EXPAND = "operations,versionedRepresentations,editmeta,changelog,renderedFields"


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


class Renderer:
    def __init__(self, world: World, zone: tzinfo) -> None:
        self.world = world
        self.base = world.site.base_url
        self.zone = zone
        self._parts: dict[tuple[str, str], msgspec.Raw] = {}
        self._issues: dict[tuple[str, ...], dict[int, bytes]] = {}
        self._order = {field.id: n for n, field in enumerate(world.dictionary.fields)}
        self._fields: dict[str, Callable[[Issue], Any]] = renderers(self)

    # -- caches

    def forget(self, ids: Iterable[int]) -> None:
        """Drops the kept bytes of these issues."""
        gone = list(ids)
        for kept in self._issues.values():
            for id in gone:
                kept.pop(id, None)

    def forget_all(self) -> None:
        self._issues.clear()
        self._parts.clear()

    def part(self, kind: str, id: str, make: Callable[[], Json]) -> msgspec.Raw:
        found = self._parts.get((kind, id))
        if found is None:
            found = self._parts[kind, id] = msgspec.Raw(encode(make()))
        return found

    # -- small things

    def instant(self, moment: datetime) -> str:
        """A platform timestamp: milliseconds and an offset without colon, in the caller's profile zone."""
        local = moment.astimezone(self.zone)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"

    def _avatars(self, kind: str, number: int) -> Json:
        base = f"{self.base}/rest/api/3/universal_avatar/view/type/{kind}/avatar/{number}"
        return {"48x48": base, "24x24": f"{base}?size=small", "16x16": f"{base}?size=xsmall", "32x32": f"{base}?size=medium"}

    def person(self, person: Person) -> Json:
        """A user; the address is absent, not null, when the profile hides it."""
        out: Json = {"self": f"{self.base}/rest/api/3/user?accountId={person.account_id}", "accountId": person.account_id}
        if person.email:
            out["emailAddress"] = person.email
        return out | {"avatarUrls": self._avatars("user", 10300), "displayName": person.name, "active": person.active,
                      "timeZone": person.time_zone, "accountType": person.account_type}

    def user(self, account_id: str | None) -> msgspec.Raw | None:
        if account_id is None:
            return None
        return self.part("user", account_id, lambda: self.person(self.world.people[account_id]))

    def _scope(self, project_id: str) -> Json:
        return {"type": "PROJECT", "project": {"id": project_id}}

    def status(self, status: Status) -> Json:
        number, color, name = CATEGORIES[status.category]
        out: Json = {
            "self": f"{self.base}/rest/api/3/status/{status.id}", "description": "",
            "iconUrl": f"{self.base}/images/icons/statuses/generic.png", "name": status.name, "id": status.id,
            "statusCategory": {"self": f"{self.base}/rest/api/3/statuscategory/{number}", "id": number, "key": status.category,
                               "colorName": color, "name": name}}
        return out | {"scope": self._scope(status.project_id)} if status.project_id else out

    def issue_type(self, type: IssueType) -> Json:
        out: Json = {
            "self": f"{self.base}/rest/api/3/issuetype/{type.id}", "id": type.id, "description": f"Work of the kind {type.name}.",
            "iconUrl": f"{self.base}/rest/api/3/universal_avatar/view/type/issuetype/avatar/{type.avatar_id}?size=medium",
            "name": type.name,
            "subtask": type.level < 0, "avatarId": type.avatar_id, "hierarchyLevel": type.level}
        if type.project_id:
            out |= {"entityId": f"0e2a7b1c-0000-4000-8000-{int(type.id):012d}", "scope": self._scope(type.project_id)}
        return out

    def priority(self, id: str) -> Json:
        name = self.world.names.priorities[id]
        return {"self": f"{self.base}/rest/api/3/priority/{id}", "iconUrl": f"{self.base}/images/icons/priorities/{name.lower()}.svg",
                "name": name, "id": id}

    def resolution(self, id: str) -> Json:
        found = next(r for r in self.world.dictionary.resolutions if r.id == id)
        return {"self": f"{self.base}/rest/api/3/resolution/{id}", "id": id, "description": found.description, "name": found.name}

    def option(self, field: str, id: str) -> Json:
        return {"self": f"{self.base}/rest/api/3/customFieldOption/{id}", "value": self.world.names.options[field][id], "id": id}

    def project(self, project: Project) -> Json:
        """A project as issues embed it."""
        category = project.category
        return {"self": f"{self.base}/rest/api/3/project/{project.id}", "id": project.id, "key": project.key, "name": project.name,
                "projectTypeKey": "software", "simplified": project.team_managed, "avatarUrls": self._avatars("project", 10400),
                "projectCategory": {"self": f"{self.base}/rest/api/3/projectCategory/{category.id}", "id": category.id,
                                    "description": category.description, "name": category.name}}

    def version(self, version: Version, full: bool = False) -> Json:
        out: Json = {"self": f"{self.base}/rest/api/3/version/{version.id}", "id": version.id, "description": version.description,
                     "name": version.name, "archived": version.archived, "released": version.released}
        if full and version.start:
            out["startDate"] = version.start
        if version.release:
            out["releaseDate"] = version.release
        return out | {"projectId": int(version.project_id)} if full else out

    def component(self, component: Component) -> Json:
        return {"self": f"{self.base}/rest/api/3/component/{component.id}", "id": component.id, "name": component.name}

    def sprint(self, sprint: Sprint) -> Json:
        """A sprint as the issue field shows it: agile timestamps end in Z, an unstarted sprint has none."""
        out: Json = {"id": sprint.id, "name": sprint.name, "state": sprint.state, "boardId": sprint.board_id, "goal": sprint.goal}
        return out | self.sprint_dates(sprint)

    def sprint_dates(self, sprint: Sprint) -> Json:
        dates = {"startDate": sprint.start, "endDate": sprint.end, "completeDate": sprint.complete}
        return {name: agile_instant(at) for name, at in dates.items() if at is not None}

    # -- issues

    def selection(self, fields: Iterable[str], default: str) -> tuple[str, ...]:
        """Ids of the fields that a `fields` parameter asks for, in the site's own order; names Jira doesn't know are ignored."""
        tokens = [token.strip() for entry in fields for token in entry.split(",") if token.strip()]
        if not tokens or all(token.startswith("-") for token in tokens):
            tokens = [default, *tokens]
        chosen: set[str] = set()
        for token in tokens:
            if token in ("*all", "*navigable"):
                chosen |= {f.id for f in self.world.dictionary.fields if token == "*all" or f.navigable}
            elif token in self._order:
                chosen.add(token)
        chosen -= {token[1:] for token in tokens if token.startswith("-")}
        return tuple(sorted(chosen, key=self._order.__getitem__))

    def issue(self, issue: Issue, fields: tuple[str, ...] | None) -> bytes:
        """The issue with these fields; None: its id alone, as search answers when only ids are asked for."""
        if fields is None:
            return b'{"id":"%d"}' % issue.id
        # A version that the search index still holds is no news, so it is not kept.
        kept = self._issues.setdefault(fields, {}) if self.world.issues.get(issue.id) is issue else {}
        found = kept.get(issue.id)
        if found is None:
            body = {"expand": _ISSUE_EXPAND, "id": str(issue.id), "self": f"{self.base}/rest/api/3/issue/{issue.id}", "key": issue.key}
            found = kept[issue.id] = encode(body | ({"fields": self._values(issue, fields)} if fields else {}))
        return found

    def _values(self, issue: Issue, fields: tuple[str, ...]) -> Json:
        out = {}
        for field in fields:
            definition = self.world.dictionary.fields[self._order[field]]
            if definition.project_id in (None, issue.project_id):
                out[field] = self._fields[field](issue)
        return out

    def brief(self, id: int) -> Json:
        """An issue as parents, sub-tasks and links embed it."""
        issue = self.world.issues[id]
        values = issue.values
        fields: Json = {"summary": values["summary"], "status": self.status_part(values["status"])}
        if values.get("priority"):
            fields["priority"] = self.priority_part(values["priority"])
        return {"id": str(id), "key": issue.key, "self": f"{self.base}/rest/api/3/issue/{id}",
                "fields": fields | {"issuetype": self.type_part(values["issuetype"])}}

    def status_part(self, id: str) -> msgspec.Raw:
        return self.part("status", id, lambda: self.status(self.world.statuses[id]))

    def priority_part(self, id: str | None) -> msgspec.Raw | None:
        return self.part("priority", id, lambda: self.priority(id)) if id else None

    def type_part(self, id: str) -> msgspec.Raw:
        return self.part("type", id, lambda: self.issue_type(self.world.types[id]))

    def link_type(self, kind: LinkType) -> Json:
        return {"id": kind.id, "name": kind.name, "inward": kind.inward, "outward": kind.outward,
                "self": f"{self.base}/rest/api/3/issueLinkType/{kind.id}"}

    def link(self, link: Link, seen_from: int) -> Json:
        kind = next(t for t in self.world.dictionary.link_types if t.id == link.type_id)
        outward = link.source == seen_from
        return {"id": str(link.id), "self": f"{self.base}/rest/api/3/issueLink/{link.id}",
                "type": self.link_type(kind),
                "outwardIssue" if outward else "inwardIssue": self.brief(link.target if outward else link.source)}

    def comment(self, comment: Comment, issue: Issue) -> Json:
        out: Json = {"self": f"{self.base}/rest/api/3/issue/{issue.id}/comment/{comment.id}", "id": str(comment.id)}
        if comment.author:
            out |= {"author": self.user(comment.author), "updateAuthor": self.user(comment.author)}
        return out | {"body": comment.body, "created": self.instant(comment.created), "updated": self.instant(comment.updated),
                      "jsdPublic": True}

    def embedded_comments(self, issue: Issue) -> Json:
        shown = issue.comments[:EMBEDDED_COMMENTS]
        return {"comments": [self.comment(c, issue) for c in shown], "self": f"{self.base}/rest/api/3/issue/{issue.id}/comment",
                "maxResults": len(shown), "total": len(issue.comments), "startAt": 0}

    def worklog(self, worklog: Worklog, issue: Issue) -> Json:
        out: Json = {"self": f"{self.base}/rest/api/3/issue/{issue.id}/worklog/{worklog.id}"}
        if worklog.author:
            out |= {"author": self.user(worklog.author), "updateAuthor": self.user(worklog.author)}
        if worklog.comment is not None:
            out["comment"] = worklog.comment
        return out | {"created": self.instant(worklog.created), "updated": self.instant(worklog.updated),
                      "started": self.instant(worklog.started), "timeSpent": duration(worklog.seconds),
                      "timeSpentSeconds": worklog.seconds, "id": str(worklog.id), "issueId": str(issue.id)}

    def embedded_worklogs(self, issue: Issue) -> Json:
        seen = self.world.visible_worklogs(issue)
        shown = [self.worklog(worklog, issue) for worklog in seen[:EMBEDDED_WORKLOGS]]
        return {"startAt": 0, "maxResults": EMBEDDED_WORKLOGS, "total": len(seen), "worklogs": shown}

    def history(self, history: History, epoch: bool) -> Json:
        """A change; the bulk endpoint tells `created` in epoch milliseconds, the issue's own change log as text."""
        out: Json = {"id": str(history.id)}
        if history.author:
            out["author"] = self.user(history.author)
        items = []
        for c in history.changes:
            item: Json = {"field": c.field, "fieldtype": c.kind}
            if c.field_id:
                item["fieldId"] = c.field_id
            items.append(item | {"from": c.before, "fromString": c.before_text, "to": c.after, "toString": c.after_text})
        return out | {"created": epoch_ms(history.created) if epoch else self.instant(history.created), "items": items}

    def changelog(self, issue: Issue) -> Json:
        """The truncated change log of `expand=changelog`: the newest first."""
        shown = issue.histories[::-1][:EMBEDDED_HISTORIES]
        return {"startAt": 0, "maxResults": len(shown), "total": len(issue.histories), "histories": [self.history(h, False) for h in shown]}



def agile_instant(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, exact: a float would round."""
    return round(moment.timestamp() * 1000)


def only_ids(fields: Iterable[str]) -> bool:
    """True when nothing but ids and keys is asked for, which lets search answer with up to 5,000 rows."""
    return {token.strip() for entry in fields for token in entry.split(",")} <= {"id", "key", ""}


