"""What people do to a Jira site while somebody syncs it. Each moves `updated` and writes history where real Jira does, and only there.

Comments, deletions, sprint changes and permissions leave no history; sprint changes and permissions do not even move `updated`;
a neighbour that embeds the changed issue is rendered anew but keeps its own `updated`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_changes import difference
from pmo_hub_jira.simulated_site import Change, Comment, History, Issue, Sprint
from pmo_hub_jira.simulated_worklogs import LoggedWork
from pmo_hub_jira.simulated_world import World

_TUPLES = (d.SPRINT, d.FLAGGED, "labels", "components", "fixVersions")
_DATES = ("duedate", d.START_DATE, d.TARGET_END)


class Mutations(LoggedWork):
    """Acts on a world; `changed` hears the ids of issues to be rendered anew."""

    def __init__(self, world: World, now: Callable[[], datetime], changed: Callable[[Iterable[int]], None]) -> None:
        self._world, self._now, self._changed = world, now, changed
        self.forget_all: Callable[[], None] | None = None    # what was kept of anything at all is to be rendered anew

    def _issue(self, id_or_key: int | str) -> Issue:
        text = str(id_or_key)
        id = int(text) if text.isdigit() else self._world.ids.get(text.upper(), -1)
        if id not in self._world.issues:
            raise KeyError(f"no issue {id_or_key}")
        return self._world.issues[id]

    def _moment(self, issue: Issue) -> datetime:
        """Now to the millisecond, and always later than the issue's last update."""
        now = self._now()
        return max(now.replace(microsecond=now.microsecond // 1000 * 1000), issue.updated + timedelta(milliseconds=1))

    def _write(self, issue: Issue, changes: tuple[Change, ...], author: str | None, at: datetime, **new: Any) -> Issue:
        history = History(self._world.next_history, at, author, changes)
        self._world.next_history += 1
        issue = replace(issue, updated=at, histories=(*issue.histories, history), **new)
        self._changed(self._world.put(issue))
        return issue

    def edit(self, id_or_key: int | str, author: str | None = None, **fields: Any) -> Issue:
        """Sets fields by id (status="3", duedate=date(...), customfield_10020=(7,)) in one history entry."""
        return self.edit_fields(id_or_key, fields, author)

    def edit_fields(self, id_or_key: int | str, fields: Mapping[str, Any], author: str | None = None) -> Issue:
        """As edit, for names that are no identifiers; texts from the control API become the values they stand for."""
        issue = self._issue(id_or_key)
        at = self._moment(issue)
        values = dict(issue.values)
        changes: tuple[Change, ...] = ()
        new: dict[str, Any] = {}
        for field, raw in fields.items():
            value = self._value(field, raw)
            changes += difference(field, values.get(field), value, self._world.names)
            if field == "status" and self._category(values[field]) != self._category(value):
                new["status_changed"] = at
            if field == "resolution":
                new["resolved"] = at if value else None
            values[field] = value
        return self._write(issue, changes, author or self._world.site.caller, at, values=values, **new) if changes else issue

    def _category(self, status: str) -> str:
        return self._world.statuses[status].category

    @staticmethod
    def _value(field: str, raw: Any) -> Any:
        if field in _TUPLES:
            return tuple(raw or ())
        if field in _DATES and isinstance(raw, str):
            try:
                return date.fromisoformat(raw)
            except ValueError:
                return raw
        return raw

    def transition(self, id_or_key: int | str, status: str, author: str | None = None) -> Issue:
        """Moves to the status of this id or name; entering the done category sets a resolution, leaving it clears it."""
        issue = self._issue(id_or_key)
        found = next((s for s in self._world.dictionary.statuses if s.id == status or
                      (s.name.lower() == status.lower() and s.project_id in (None, issue.project_id))), None)
        if found is None:
            raise KeyError(f"no status {status}")
        fields: dict[str, Any] = {"status": found.id}
        if (found.category == "done") != bool(issue.values.get("resolution")):
            fields["resolution"] = d.RESOLVED if found.category == "done" else None
        return self.edit_fields(id_or_key, fields, author)

    def comment(self, id_or_key: int | str, text: str, author: str | None = None) -> Comment:
        """Adds a comment: `updated` moves, history does not."""
        issue = self._issue(id_or_key)
        at = self._moment(issue)
        body = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}
        comment = Comment(self._world.next_comment, at, at, author or self._world.site.caller, body)
        self._world.next_comment += 1
        self._changed(self._world.put(replace(issue, updated=at, comments=(*issue.comments, comment))))
        return comment

    def add_history(self, id_or_key: int | str, count: int = 1, author: str | None = None) -> Issue:
        """Appends that many changes of the rank, the cheapest real change there is."""
        issue = self._issue(id_or_key)
        for n in range(count):
            issue = self.edit_fields(issue.id, {d.RANK: f"{issue.values.get(d.RANK)}{n % 10}"}, author)
        return issue

    def create(self, project_key: str, summary: str, author: str | None = None, **fields: Any) -> Issue:
        """A new issue in the first status of its project's workflow."""
        world = self._world
        project = next(p for p in world.projects.values() if p.key == project_key)
        who = author or world.site.caller
        now = self._now()
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        local = project.team_managed
        values = {"issuetype": d.LOCAL_TASK if local else d.TASK, "summary": summary, "status": d.LOCAL_OPEN if local else d.TO_DO,
                  "priority": d.MEDIUM, "reporter": who, "labels": (), "components": (), "fixVersions": (), "description": None,
                  d.RANK: f"0|i{world.next_issue:05x}:"}
        values |= {field: self._value(field, value) for field, value in fields.items()}
        issue = Issue(world.next_issue, f"{project.key}-{world.numbers.get(project.id, 0) + 1}", project.id, at, at, who, values, at)
        world.next_issue += 1
        self._changed(world.put(issue))
        return issue

    def delete(self, id_or_key: int | str) -> None:
        """The issue is gone, without a trace anywhere."""
        self._changed(self._world.drop(self._issue(id_or_key)))

    def move(self, id_or_key: int | str, project_key: str, author: str | None = None) -> Issue:
        """The issue goes to another project: new key, same id; the old key still resolves."""
        issue = self._issue(id_or_key)
        world = self._world
        old = world.projects[issue.project_id]
        new = next(p for p in world.projects.values() if p.key == project_key)
        key = f"{new.key}-{world.numbers.get(new.id, 0) + 1}"
        at = self._moment(issue)
        changes = (Change("project", "project", "jira", old.id, old.name, new.id, new.name),
                   Change("Key", None, "jira", "", issue.key, "", key))
        values = {**issue.values, "components": (), "fixVersions": ()}
        return self._write(issue, changes, author or world.site.caller, at, key=key, project_id=new.id, values=values)

    def _sprint(self, id: int, **new: Any) -> Sprint:
        sprint = replace(self._world.sprints[id], **new)
        self._changed(self._world.put_sprint(sprint))
        return sprint

    def rename_sprint(self, id: int, name: str) -> Sprint:
        return self._sprint(id, name=name)

    def start_sprint(self, id: int, days: int = 14) -> Sprint:
        now = self._now()
        return self._sprint(id, state="active", start=now, end=now + timedelta(days=days))

    def close_sprint(self, id: int, into: int | None = None) -> Sprint:
        """Closes the sprint; its unfinished issues move on to sprint `into`, each with a change of its Sprint field."""
        sprint = self._sprint(id, state="closed", complete=self._now())
        if into is not None:
            for issue in list(self._world.issues.values()):
                held = issue.values.get(d.SPRINT) or ()
                if id in held and self._category(issue.values["status"]) != "done":
                    self.edit_fields(issue.id, {d.SPRINT: (*held, into)})
        return sprint

    def revoke_project(self, key: str, revoked: bool = True) -> None:
        """Takes from (or gives back to) the caller the permission to browse the project."""
        id = next(p.id for p in self._world.projects.values() if p.key == key)
        (self._world.hidden_projects.add if revoked else self._world.hidden_projects.discard)(id)
        self._everything_changed()

    def revoke_issue(self, id_or_key: int | str, revoked: bool = True) -> None:
        """Takes from (or gives back to) the caller the issue, as an issue security level does."""
        id = self._issue(id_or_key).id
        (self._world.hidden_issues.add if revoked else self._world.hidden_issues.discard)(id)
        self._everything_changed()

    def _everything_changed(self) -> None:
        self._world.revision += 1
        self._changed(self._world.issues)
