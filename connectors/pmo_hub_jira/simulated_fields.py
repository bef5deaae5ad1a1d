"""The value of each issue field in Jira's JSON."""
from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_site import Issue

if TYPE_CHECKING:
    from pmo_hub_jira.simulated_rendering import Renderer

Value = Callable[[Issue], Any]


def duration(seconds: int) -> str:
    """Jira's spelling of working time: eight hours a day, five days a week."""
    parts = []
    for letter, size in (("w", 144000), ("d", 28800), ("h", 3600), ("m", 60)):
        amount, seconds = divmod(seconds, size)
        if amount:
            parts.append(f"{amount}{letter}")
    return " ".join(parts) or "0m"


def renderers(r: Renderer) -> dict[str, Value]:
    """By field id, for every field of the site's dictionary."""
    world = r.world
    out: dict[str, Value] = {field.id: _plain(field.id) for field in world.dictionary.fields}
    out |= _times(r) | _people(r) | _relations(r) | _effort(r)
    out |= {
        "issuetype": lambda i: r.type_part(i.values["issuetype"]), "status": lambda i: r.status_part(i.values["status"]),
        "priority": lambda i: r.priority_part(i.values.get("priority")),
        "resolution": lambda i: _kept(r, "resolution", i.values.get("resolution"), r.resolution),
        "project": lambda i: r.part("project", i.project_id, lambda: r.project(world.projects[i.project_id])),
        "labels": lambda i: list(i.values.get("labels") or ()),
        d.FLAGGED: lambda i: [r.option(d.FLAGGED, o) for o in i.values.get(d.FLAGGED) or ()] or None,
        d.SPRINT: lambda i: [r.sprint(world.sprints[s]) for s in i.values.get(d.SPRINT) or ()] or None,
        d.DEVELOPMENT: lambda i: "{}", "attachment": lambda i: [], "versions": lambda i: [],
        "watches": lambda i: {"self": f"{r.base}/rest/api/3/issue/{i.key}/watchers", "watchCount": i.id % 4, "isWatching": False},
        "votes": lambda i: {"self": f"{r.base}/rest/api/3/issue/{i.key}/votes", "votes": 0, "hasVoted": False},
        "comment": r.embedded_comments, "worklog": r.embedded_worklogs,
        d.TEAM: lambda i: _team(r, i.values.get(d.TEAM))}
    for field in (d.WORK_STREAM, d.LIKELIHOOD, d.IMPACT):
        out[field] = _option(r, field)
    return out


def _plain(field: str) -> Value:
    return lambda i: i.values.get(field)


def _kept(r: Renderer, kind: str, id: str | None, make: Callable[[str], dict[str, Any]]) -> Any:
    return r.part(kind, id, lambda: make(id)) if id is not None else None


def _option(r: Renderer, field: str) -> Value:
    return lambda i: r.option(field, i.values[field]) if i.values.get(field) else None


def _team(r: Renderer, id: str | None) -> Any:
    if id is None:
        return None
    name = r.world.names.teams[id]
    return {"id": id, "name": name, "avatarUrl": "", "isVisible": True, "title": name, "isShared": True}


def _times(r: Renderer) -> dict[str, Value]:
    def moment(value: Any) -> Any:
        return r.instant(value) if isinstance(value, datetime) else value
    return {"created": lambda i: r.instant(i.created), "updated": lambda i: r.instant(i.updated),
            "statuscategorychangedate": lambda i: r.instant(i.status_changed), "resolutiondate": lambda i: moment(i.resolved),
            d.GO_LIVE: lambda i: moment(i.values.get(d.GO_LIVE))}


def _people(r: Renderer) -> dict[str, Value]:
    return {"assignee": lambda i: r.user(i.values.get("assignee")), "reporter": lambda i: r.user(i.values.get("reporter")),
            "creator": lambda i: r.user(i.creator), d.APPROVER: lambda i: r.user(i.values.get(d.APPROVER))}


def _relations(r: Renderer) -> dict[str, Value]:
    world = r.world

    def sub_tasks(issue: Issue) -> list[int]:
        return [c for c in world.children.get(issue.id, ()) if world.types[world.issues[c].values["issuetype"]].level < 0
                and world.visible(world.issues[c])]

    def parent(issue: Issue) -> Any:
        id = issue.values.get("parent")
        return r.brief(id) if id is not None and world.visible(world.issues[id]) else None

    def epic_link(issue: Issue) -> str | None:
        """Company-managed projects repeat an epic parent as its key."""
        if issue.values.get(d.EPIC_LINK):
            return str(issue.values[d.EPIC_LINK])
        id = issue.values.get("parent")
        if id is None or world.projects[issue.project_id].team_managed:
            return None
        epic = world.issues[id]
        return epic.key if world.types[epic.values["issuetype"]].level == 1 and world.visible(epic) else None

    def links(issue: Issue) -> list[Any]:
        ends = [(link, link.target if link.source == issue.id else link.source) for link in world.links.get(issue.id, ())]
        return [r.link(link, issue.id) for link, other in ends if world.visible(world.issues[other])]

    versions = {v.id: v for p in world.projects.values() for v in p.versions}
    components = {c.id: c for p in world.projects.values() for c in p.components}
    return {"parent": parent, d.EPIC_LINK: epic_link, "issuelinks": links, "subtasks": lambda i: [r.brief(c) for c in sub_tasks(i)],
            "fixVersions": lambda i: [r.version(versions[v]) for v in i.values.get("fixVersions") or ()],
            "components": lambda i: [r.component(components[c]) for c in i.values.get("components") or ()]}


def _effort(r: Renderer) -> dict[str, Value]:
    """Time in seconds; the aggregate fields add the sub-tasks' to the issue's own."""
    world = r.world

    def total(issue: Issue, field: str) -> int | None:
        children = [world.issues[c] for c in world.children.get(issue.id, ())]
        family = [issue, *(child for child in children if world.types[child.values["issuetype"]].level < 0)]
        found = [member.values[field] for member in family if member.values.get(field) is not None]
        return sum(found) if found else None

    def progress(spent: int | None, left: int | None) -> dict[str, int]:
        whole = (spent or 0) + (left or 0)
        return {"progress": spent or 0, "total": whole, **({"percent": 100 * (spent or 0) // whole} if whole else {})}

    def tracking(issue: Issue) -> dict[str, Any]:
        names = (("timeoriginalestimate", "originalEstimate"), ("timeestimate", "remainingEstimate"), ("timespent", "timeSpent"))
        known = [(name, issue.values[field]) for field, name in names if issue.values.get(field) is not None]
        return {name: duration(value) for name, value in known} | {f"{name}Seconds": value for name, value in known}

    def ratio(issue: Issue) -> int:
        estimate = issue.values.get("timeoriginalestimate")
        return 100 * (issue.values.get("timespent") or 0) // estimate if estimate else -1

    return {"timetracking": tracking, "workratio": ratio,
            "aggregatetimespent": lambda i: total(i, "timespent"), "aggregatetimeestimate": lambda i: total(i, "timeestimate"),
            "aggregatetimeoriginalestimate": lambda i: total(i, "timeoriginalestimate"),
            "progress": lambda i: progress(i.values.get("timespent"), i.values.get("timeestimate")),
            "aggregateprogress": lambda i: progress(total(i, "timespent"), total(i, "timeestimate"))}
