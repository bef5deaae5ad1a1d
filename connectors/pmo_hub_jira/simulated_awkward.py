"""The project ODD: data that real sites hold and no schema promises. Each issue shows one oddity, named in its summary."""
from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_site import Board, Change, Column, Comment, History, Issue, Link, Named, Person, Project, Site, Sprint, Worklog
from pmo_hub_jira.simulated_text import document

FORMER = Person("unknown", "Former user", None, False, "unknown", "UTC")
SPRINT_NAME = "A, id=9, name=B]"


def deep_document(depth: int) -> msgspec.Raw:
    """An ADF document nested `depth` block quotes deep, as bytes: no JSON encoder nests that far."""
    opening, closing = b'{"type":"blockquote","content":[', b"]}"
    core = b'{"type":"paragraph","content":[{"type":"text","text":"at the bottom"}]}'
    return msgspec.Raw(b'{"type":"doc","version":1,"content":[' + opening * depth + core + closing * depth + b"]}")


class _Odd:
    """Makes issues of the project ODD with ids after everything generated."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.at = site.now - timedelta(days=60)
        self.next_issue = max(issue.id for issue in site.issues) + 1
        self.next_history = max((h.id for issue in site.issues for h in issue.histories), default=50000) + 1
        self.next_comment = max((c.id for issue in site.issues for c in issue.comments), default=70000) + 1
        self.next_worklog = max((w.id for issue in site.issues for w in issue.worklogs), default=80000) + 1
        self.next_sprint = max((s.id for s in site.sprints), default=0) + 1
        self.lead = next(p.account_id for p in site.people[2:] if p.active)
        self.issues: list[Issue] = []
        self.project = Project("19999", "ODD", "Odd Corner", self.lead, Named("10002", "Run", "Portfolio"),
                               (d.EPIC, d.STORY, d.TASK, d.BUG, d.SUB_TASK))

    def issue(self, summary: str, **values: Any) -> Issue:
        n = len(self.issues)
        created = self.at + timedelta(minutes=n)
        start = {"issuetype": d.TASK, "summary": summary, "status": d.TO_DO, "priority": d.MEDIUM, "reporter": self.lead, "labels": (),
                 "components": (), "fixVersions": (), "description": None, d.RANK: f"0|z{n:05x}:"}
        issue = Issue(self.next_issue + n, f"ODD-{n + 1}", self.project.id, created, created, self.lead, start | values, created)
        self.issues.append(issue)
        return issue

    def told(self, issue: Issue, *entries: tuple[str | None, tuple[Change, ...], dict[str, Any]]) -> None:
        """Appends histories an hour apart, with the values they lead to."""
        histories = []
        values = dict(issue.values)
        for n, (author, changes, new) in enumerate(entries):
            histories.append(History(self.next_history, issue.created + timedelta(hours=n + 1), author, changes))
            self.next_history += 1
            values |= new
        self.issues[self.issues.index(issue)] = replace(issue, values=values, histories=tuple(histories), updated=histories[-1].created)

    def remarks(self, issue: Issue, count: int, depth: int) -> None:
        out = []
        for n in range(count):
            at = issue.created + timedelta(hours=n + 1)
            body = document({"type": "paragraph", "content": [{"type": "text", "text": f"Remark {n + 1}"}]})
            out.append(Comment(self.next_comment, at, at, None if n == depth else self.lead, body))
            self.next_comment += 1
        self.issues[self.issues.index(issue)] = replace(issue, comments=tuple(out), updated=out[-1].updated)

    def work(self, issue: Issue, count: int) -> None:
        """Worklogs of a quarter of an hour each, the first by a former user and without a word."""
        out = []
        for n in range(count):
            at = issue.created + timedelta(hours=n + 1)
            said = None if n == 0 else document({"type": "paragraph", "content": [{"type": "text", "text": f"Part {n + 1}"}]})
            out.append(Worklog(self.next_worklog, at, at, FORMER.account_id if n == 0 else self.lead, at, 900, said))
            self.next_worklog += 1
        self.issues[self.issues.index(issue)] = replace(issue, worklogs=tuple(out), updated=out[-1].updated)


def with_awkward_project(site: Site, adf_depth: int) -> Site:
    """The site with ODD, its board, its strangely named sprints and a former user."""
    odd = _Odd(site)
    first = odd.next_sprint
    columns = (Column("To Do", (d.TO_DO,)), Column("Done", (d.DONE,)))
    boards = (Board(9001, "ODD board", "scrum", "19999", columns, d.STORY_POINTS, (first, first + 1)),
              Board(9002, "ODD flow", "kanban", "19999", columns))
    sprints = (Sprint(first, SPRINT_NAME, "active", 9001, odd.at, odd.at, site.now + timedelta(days=2)),
               Sprint(first + 1, "Sprint [state=CLOSED,goal=<null>]", "active", 9001, odd.at, odd.at, site.now + timedelta(days=3)))
    epic = odd.issue("An epic", issuetype=d.EPIC, **{d.EPIC_NAME: "An epic"})
    other = odd.issue("Another epic", issuetype=d.EPIC)
    odd.issue("A date in the year 51502", duedate="51502-03-04",
              **{d.START_DATE: "51502-01-01", d.GO_LIVE: "51502-03-04T10:00:00.000+0000"})
    nameless = odd.issue("A change without an author", assignee=FORMER.account_id)
    started = Change("status", "status", "jira", d.TO_DO, "To Do", d.IN_PROGRESS, "In Progress")
    resolved = Change("resolution", "resolution", "jira", None, None, d.RESOLVED, "Done")
    odd.told(nameless, (None, (started,), {"status": d.IN_PROGRESS}), (FORMER.account_id, (resolved,), {"resolution": d.RESOLVED}))
    odd.issue("Resolved by nobody, done without a resolution", status=d.DONE, reporter=None)
    odd.issue("Zero points", **{d.STORY_POINTS: 0.0})
    odd.issue("No points", **{d.STORY_POINTS: None})
    odd.issue("In two sprints at once", **{d.SPRINT: (first, first + 1)})
    deep = odd.issue("A description nested very deep", description=deep_document(adf_depth))
    odd.issue("Unknown nodes", description={"type": "doc", "version": 1, "content": [
        {"type": "hologram", "attrs": {}, "content": [{"type": "text", "text": "inside a hologram"}]}, {"type": "paragraph"}]})
    odd.issue("<script>alert(1)</script> & \u202eright to left\u202c 🚧", labels=("<b>", "ünïcode", "a" * 255))
    odd.issue("Epic link and parent disagree", parent=epic.id, **{d.EPIC_LINK: other.key})
    busy = odd.issue("More than a hundred changes", **{d.STORY_POINTS: 0.0})
    odd.told(busy, *((odd.lead, (Change("Story Points", d.STORY_POINTS, "custom", None, str(n), None, str(n + 1)),),
                      {d.STORY_POINTS: n + 1.0}) for n in range(130)))
    odd.remarks(odd.issue("Twenty-five comments"), 25, 3)
    odd.issue("Estimates of nothing", timeoriginalestimate=0, timeestimate=0, timespent=0, priority=None)
    odd.work(odd.issue("Twenty-one worklogs", timeoriginalestimate=90_000, timespent=21 * 900), 21)
    odd.work(odd.issue("Work of a former user", timespent=900), 1)
    links = (Link(max((link.id for link in site.links), default=40000) + 1, d.RELATES, deep.id, deep.id - 1),)
    return replace(site, people=(*site.people, FORMER), projects=(*site.projects, odd.project), boards=(*site.boards, *boards),
                   sprints=(*site.sprints, *sprints), issues=(*site.issues, *odd.issues), links=(*site.links, *links),
                   profiles={**site.profiles, "ODD": "awkward"})
