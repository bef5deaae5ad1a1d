"""Worklogs of the simulated Jira: what people log, and the operations that tell it, an issue's own and the site's."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pmo_hub.sdk.simulating import Answer
from pmo_hub_jira.simulated_changes import difference
from pmo_hub_jira.simulated_rendering import Renderer, epoch_ms
from pmo_hub_jira.simulated_requests import BAD_PAYLOAD, Call, Operation, names, ok, refuse
from pmo_hub_jira.simulated_search import Limits
from pmo_hub_jira.simulated_site import Change, Issue, Worklog
from pmo_hub_jira.simulated_world import World

API = "/rest/api/3"
MOST_IDS = 1_000
UNSETTLED = timedelta(minutes=1)
"""What changed so recently is not listed yet."""


class Worklogs:
    """The operations about worklogs."""

    def __init__(self, world: World, renderer: Renderer, now: Callable[[], datetime], limits: Limits) -> None:
        self.world, self.renderer, self.now, self.limits = world, renderer, now, limits

    def of_issue(self, call: Call) -> Answer:
        issue = self.world.find(call.parameters["issue"])
        if issue is None:
            raise refuse(404, "Issue does not exist or you do not have permission to see it.")
        seen = self.world.visible_worklogs(issue)
        start, size = call.number("startAt", 0), min(call.number("maxResults", 5000), self.limits.worklogs)
        return ok({"startAt": start, "maxResults": size, "total": len(seen),
                   "worklogs": [self.renderer.worklog(worklog, issue) for worklog in seen[start:start + size]]})

    def updated(self, call: Call) -> Answer:
        """Of the whole site, whether or not its worklogs' issues are to be seen."""
        found = [(epoch_ms(worklog.updated), worklog.id) for issue in self.world.issues.values() for worklog in issue.worklogs]
        return self._feed(call, found)

    def deleted(self, call: Call) -> Answer:
        return self._feed(call, [(epoch_ms(at), id) for id, at in self.world.deleted_worklogs])

    def _feed(self, call: Call, found: Sequence[tuple[int, int]]) -> Answer:
        since = call.number("since", 0)
        settled = epoch_ms(self.now() - UNSETTLED)
        told = sorted(entry for entry in found if since <= entry[0] <= settled)
        page = told[:self.limits.worklogs]
        until = page[-1][0] if page else since
        here = f"{self.renderer.base}{call.path}"
        out: dict[str, Any] = {"values": [{"worklogId": id, "updatedTime": at, "properties": []} for at, id in page], "since": since,
                               "until": until, "self": f"{here}?since={since}", "lastPage": len(page) == len(told)}
        return ok(out if out["lastPage"] else out | {"nextPage": f"{here}?since={until}"})

    def listed(self, call: Call) -> Answer:
        """The bodies of those that are there and may be seen, in the order of their ids."""
        wanted = call.body.get("ids")
        if not isinstance(wanted, list) or not all(isinstance(id, int) for id in wanted) or len(wanted) > MOST_IDS:
            raise refuse(400, BAD_PAYLOAD, ids=f"takes at most {MOST_IDS} whole numbers")
        found = {worklog.id: (worklog, issue) for issue in self.world.visible_issues() for worklog in self.world.visible_worklogs(issue)}
        return ok([self.renderer.worklog(*found[id]) for id in sorted(set(wanted)) if id in found])


def worklog_operations(worklogs: Worklogs) -> list[Operation]:
    return [Operation("GET", f"{API}/issue/{{issue}}/worklog", worklogs.of_issue,
                      names("startAt maxResults startedAfter startedBefore expand")),
            Operation("GET", f"{API}/worklog/updated", worklogs.updated, names("since expand")),
            Operation("GET", f"{API}/worklog/deleted", worklogs.deleted, names("since")),
            Operation("POST", f"{API}/worklog/list", worklogs.listed, names("expand"), names("ids"))]


class LoggedWork:
    """What people do with worklogs: the part of Mutations about them."""

    _world: World
    _issue: Callable[[int | str], Issue]
    _moment: Callable[[Issue], datetime]
    _write: Callable[..., Issue]
    _changed: Callable[[Iterable[int]], None]

    def log_work(self, id_or_key: int | str, seconds: int = 3600, author: str | None = None, started: datetime | None = None,
                 comment: Any = None) -> Worklog:
        """Logs work; the time spent of the issue grows by it."""
        issue = self._issue(id_or_key)
        at, who, world = self._moment(issue), author or self._world.site.caller, self._world
        worklog = Worklog(world.next_worklog, at, at, who, started or at, seconds, comment)
        world.next_worklog += 1
        self._spend(issue, at, seconds, (*issue.worklogs, worklog))
        return worklog

    def edit_worklog(self, id_or_key: int | str, worklog: int, seconds: int, touch: bool = True) -> Worklog:
        """Another amount of time; without `touch` the issue's own `updated` stays where it is."""
        issue = self._issue(id_or_key)
        at = self._moment(issue)
        old = next(w for w in issue.worklogs if w.id == worklog)
        new = replace(old, seconds=seconds, updated=at)
        self._spend(issue, at, seconds - old.seconds, tuple(new if w is old else w for w in issue.worklogs), touch)
        return new

    def delete_worklog(self, id_or_key: int | str, worklog: int, touch: bool = True) -> None:
        """The worklog is gone and told by /worklog/deleted alone."""
        issue = self._issue(id_or_key)
        at = self._moment(issue)
        old = next(w for w in issue.worklogs if w.id == worklog)
        self._world.deleted_worklogs.append((worklog, at))
        self._spend(issue, at, -old.seconds, tuple(w for w in issue.worklogs if w is not old), touch)

    def restrict_worklog(self, id_or_key: int | str, worklog: int) -> None:
        """Shown to a group alone, which the caller is not in."""
        issue = self._issue(id_or_key)
        at = self._moment(issue)
        self._world.hidden_worklogs.add(worklog)
        self._spend(issue, at, 0, tuple(replace(w, updated=at) if w.id == worklog else w for w in issue.worklogs))

    def _spend(self, issue: Issue, at: datetime, seconds: int, worklogs: tuple[Worklog, ...], touch: bool = True) -> None:
        spent = (issue.values.get("timespent") or 0) + seconds
        changes: tuple[Change, ...] = difference("timespent", issue.values.get("timespent"), spent, self._world.names)
        values = {**issue.values, "timespent": spent}
        if touch and changes:
            self._write(issue, changes, self._world.site.caller, at, values=values, worklogs=worklogs)
        else:
            self._changed(self._world.put(replace(issue, worklogs=worklogs, updated=at if touch else issue.updated)))
