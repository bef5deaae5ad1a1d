"""The current state of a simulated site: what mutations change and requests read."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pmo_hub_jira.simulated_changes import names_of
from pmo_hub_jira.simulated_dictionary import SPRINT
from pmo_hub_jira.simulated_site import Issue, Link, Project, Site, Sprint, Worklog

MOST_SUPERSEDED = 8


class World:
    """Indices over a site. Frozen values are replaced, so a Site can be shared by many worlds."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.dictionary = site.dictionary
        self.people = {person.account_id: person for person in site.people}
        self.statuses = {status.id: status for status in site.dictionary.statuses}
        self.types = {type.id: type for type in site.dictionary.types}
        self.projects = {project.id: project for project in site.projects}
        self.boards = {board.id: board for board in site.boards}
        self.sprints = {sprint.id: sprint for sprint in site.sprints}
        self.issues: dict[int, Issue] = {}
        self.ids: dict[str, int] = {}                    # every key an issue ever had, upper case: moved keys still resolve
        self.children: dict[int, list[int]] = {}
        self.links: dict[int, list[Link]] = {}
        self.numbers: dict[str, int] = {}                # project id -> last issue number given
        self.hidden_projects: set[str] = set()
        self.hidden_issues: set[int] = set()
        self.hidden_worklogs: set[int] = set()
        self.deleted_worklogs: list[tuple[int, datetime]] = []
        self.revision = 0
        self.index_lag = timedelta()                     # how long the search index does not know what was written
        self.superseded: dict[int, tuple[Issue, ...]] = {}    # an issue's last few versions before the present one, oldest first
        self.names = names_of(site.dictionary, site.people, site.projects, lambda id: self.sprints[id].name, lambda id: self.issues[id].key)
        for issue in site.issues:
            self._index(issue)
        for link in site.links:
            self.links.setdefault(link.source, []).append(link)
            self.links.setdefault(link.target, []).append(link)
        self.last_link = max((link.id for link in site.links), default=40000)
        self.next_issue = max(self.issues, default=10000) + 1
        self.next_history = max((h.id for i in site.issues for h in i.histories), default=50000) + 1
        self.next_comment = max((c.id for i in site.issues for c in i.comments), default=70000) + 1
        self.next_worklog = max((w.id for i in site.issues for w in i.worklogs), default=80000) + 1

    def _index(self, issue: Issue) -> None:
        self.issues[issue.id] = issue
        self.ids[issue.key.upper()] = issue.id
        self.numbers[issue.project_id] = max(self.numbers.get(issue.project_id, 0), issue.number)
        parent = issue.values.get("parent")
        if parent is not None:
            self.children.setdefault(parent, []).append(issue.id)

    def _unindex(self, issue: Issue) -> None:
        parent = issue.values.get("parent")
        if parent is not None and issue.id in self.children.get(parent, ()):
            self.children[parent].remove(issue.id)

    def put(self, issue: Issue) -> set[int]:
        """Stores the issue as it is now; gives the ids of all issues whose rendering shows it."""
        old = self.issues.get(issue.id)
        touched = self.neighbours(old) if old else set()
        if old:
            self._unindex(old)
            if old.updated != issue.updated:
                self.superseded[issue.id] = (*self.superseded.get(issue.id, ())[1 - MOST_SUPERSEDED:], old)
        self._index(issue)
        self.revision += 1
        return touched | self.neighbours(issue)

    def drop(self, issue: Issue) -> set[int]:
        """Removes the issue, its keys and its links; gives the ids of the issues that showed it."""
        touched = self.neighbours(issue)
        self._unindex(issue)
        del self.issues[issue.id]
        self.ids = {key: id for key, id in self.ids.items() if id != issue.id}
        for link in self.links.pop(issue.id, ()):
            other = link.target if link.source == issue.id else link.source
            self.links[other] = [kept for kept in self.links.get(other, ()) if kept.id != link.id]
        for id, versions in self.superseded.items():
            self.superseded[id] = tuple(
                replace(old, values={**old.values, "parent": None}) if old.values.get("parent") == issue.id else old for old in versions)
        for child in self.children.pop(issue.id, ()):
            orphan = self.issues[child]
            self.issues[child] = replace(orphan, values={**orphan.values, "parent": None})
        self.revision += 1
        return touched

    def put_link(self, type_id: str, source: int, target: int) -> Link:
        """A new link between two issues."""
        self.last_link += 1
        link = Link(self.last_link, type_id, source, target)
        self.links.setdefault(source, []).append(link)
        self.links.setdefault(target, []).append(link)
        return link

    def find_link(self, id: int) -> Link:
        return next(link for links in self.links.values() for link in links if link.id == id)

    def drop_link(self, link: Link) -> None:
        for end in (link.source, link.target):
            self.links[end] = [kept for kept in self.links[end] if kept.id != link.id]

    def put_sprint(self, sprint: Sprint) -> set[int]:
        """Stores the sprint; gives the ids of the issues in it."""
        self.sprints[sprint.id] = sprint
        self.revision += 1
        return {issue.id for issue in self.issues.values() if sprint.id in (issue.values.get(SPRINT) or ())}

    def neighbours(self, issue: Issue) -> set[int]:
        """The issue, its parent, children and linked issues: they embed its summary and status."""
        near = {issue.id, *self.children.get(issue.id, ())}
        if issue.values.get("parent") is not None:
            near.add(issue.values["parent"])
        for link in self.links.get(issue.id, ()):
            near |= {link.source, link.target}
        return near

    def visible(self, issue: Issue) -> bool:
        return issue.project_id not in self.hidden_projects and issue.id not in self.hidden_issues

    def visible_worklogs(self, issue: Issue) -> tuple[Worklog, ...]:
        return tuple(worklog for worklog in issue.worklogs if worklog.id not in self.hidden_worklogs)

    def visible_issues(self) -> Iterable[Issue]:
        if not self.hidden_projects and not self.hidden_issues:
            return self.issues.values()
        return (issue for issue in self.issues.values() if self.visible(issue))

    def indexed_issues(self, now: datetime) -> Iterable[Issue]:
        """The visible issues as the search index knows them: an issue's last version that is older than the lag."""
        if not self.index_lag:
            return self.visible_issues()
        until = now - self.index_lag
        found = []
        for issue in self.issues.values():
            versions = (*self.superseded.get(issue.id, ()), issue)
            known = next((version for version in reversed(versions) if version.updated <= until), None)
            if known is not None and self.visible(known) and self.visible(issue):
                found.append(known)
        return found

    def find(self, id_or_key: Any) -> Issue | None:
        """The visible issue of this id or present or former key, in any case."""
        text = str(id_or_key).strip()
        id = int(text) if text.isdigit() else self.ids.get(text.upper())
        issue = self.issues.get(id) if id is not None else None
        return issue if issue is not None and self.visible(issue) else None

    def visible_projects(self) -> list[Project]:
        return sorted((p for p in self.projects.values() if p.id not in self.hidden_projects), key=lambda p: p.key)

    def find_project(self, id_or_key: str) -> Project | None:
        """The visible project of this id, key or name, in any case."""
        wanted = id_or_key.strip().upper()
        return next((p for p in self.visible_projects() if wanted in (p.id, p.key.upper(), p.name.upper())), None)
