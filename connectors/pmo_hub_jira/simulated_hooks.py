"""The simulated site's webhooks: what every mutation would make Jira send, signed, and sent when the test or the demo says so.

What was done is told from how the world differs, so that a mutation needs not know of webhooks. As in real Jira, permissions
send nothing, a comment sends two events, and nothing promises an order.
"""

from __future__ import annotations

import hmac
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from pmo_hub_jira.simulated_site import Issue, Link, Sprint
from pmo_hub_jira.simulated_world import World

Json = dict[str, Any]
TIMEOUT_S = 20.0
WORKLOGS = "worklogs"


@dataclass(frozen=True, slots=True)
class Event:
    """A body to be sent, with the number that names the delivery however often it is sent."""

    number: int
    body: bytes

    @property
    def type(self) -> str:
        return str(msgspec.json.decode(self.body)["webhookEvent"])


@dataclass(slots=True)
class Hooks:
    """`outbox` holds what was not sent yet: a test may lose, double or shuffle it. Without an address nothing is noted."""

    world: World
    base: str
    url: str | None = None
    secret: str | None = None
    at_once: bool = False
    outbox: list[Event] = field(default_factory=list)
    sent: int = 0

    def subscribe(self, url: str, secret: str | None, *, at_once: bool = False) -> None:
        """From now on mutations are told to this address; `at_once`: each before it returns."""
        self.url, self.secret, self.at_once = url, secret, at_once

    @contextmanager
    def telling(self, now: datetime) -> Iterator[None]:
        """What is done meanwhile is in the outbox."""
        if self.url is None:
            yield
            return
        issues, sprints, links = dict(self.world.issues), dict(self.world.sprints), self._links()
        yield
        for body in [*self._of_issues(issues), *self._of_sprints(sprints), *self._of_links(links)]:
            self.sent += 1
            self.outbox.append(Event(self.sent, msgspec.json.encode({"timestamp": int(now.timestamp() * 1000), **body})))

    def deliver(self) -> list[int]:
        """The outbox is sent, in its order; the statuses of the answers. What no one took (no answer, 429, 5xx) stays."""
        statuses = []
        for event in list(self.outbox):
            status = self.post(event)
            statuses.append(status)
            if status and status not in (408, 409, 425, 429) and status < 500:
                self.outbox.remove(event)
        return statuses

    def post(self, event: Event) -> int:
        """The status of the answer; 0 for none."""
        request = urllib.request.Request(self.url or "", event.body, dict(self.headers(event)), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code
        except OSError:
            return 0

    def headers(self, event: Event) -> Mapping[str, str]:
        headers = {"Content-Type": "application/json", "X-Atlassian-Webhook-Identifier": f"simulated-{event.number}"}
        if self.secret is not None:
            headers["X-Hub-Signature"] = "sha256=" + hmac.new(self.secret.encode(), event.body, sha256).hexdigest()
        return headers

    def _of_issues(self, before: Mapping[int, Issue]) -> Iterator[Json]:
        now = self.world.issues
        for id, old in before.items():
            if id not in now:
                yield {"webhookEvent": "jira:issue_deleted", "issue": self._issue(old)}
            elif now[id] is not old:
                yield from self._of_issue(old, now[id])
        for id, new in now.items():
            if id not in before:
                yield {"webhookEvent": "jira:issue_created", "issue_event_type_name": "issue_created", "issue": self._issue(new)}

    def _of_issue(self, old: Issue, new: Issue) -> Iterator[Json]:
        """The issue's own event, and those of its parts."""
        updated: Json = {"webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic", "issue": self._issue(new)}
        if new.histories != old.histories:
            last = new.histories[-1]
            updated["changelog"] = {"id": str(last.id), "items": [{"field": change.field} for change in last.changes]}
        yield updated
        head = {name: value for name, value in self._issue(new).items() if name != "fields"}
        for verb, some, others in (("created", new, old), ("deleted", old, new)):
            known = {comment.id for comment in others.comments}
            for comment in some.comments:
                if comment.id not in known:
                    address = f"{head['self']}/comment/{comment.id}"
                    yield {"webhookEvent": f"comment_{verb}", "comment": {"id": str(comment.id), "self": address}, "issue": head}
        yield from self._of_worklogs(old, new)

    @staticmethod
    def _of_worklogs(old: Issue, new: Issue) -> Iterator[Json]:
        """Those events name no issue but by its id."""
        before, now = ({log.id: log for log in getattr(issue, WORKLOGS, ())} for issue in (old, new))
        for id in {**before, **now}:
            if before.get(id) != now.get(id):
                verb = "created" if id not in before else "deleted" if id not in now else "updated"
                yield {"webhookEvent": f"worklog_{verb}", "worklog": {"id": str(id), "issueId": str(new.id)}}

    def _of_sprints(self, before: Mapping[int, Sprint]) -> Iterator[Json]:
        for id, sprint in self.world.sprints.items():
            old = before.get(id)
            if sprint != old:
                verb = "created" if old is None else "updated"
                if old is not None and old.state != sprint.state:
                    verb = {"active": "started", "closed": "closed"}.get(sprint.state, verb)
                told = {"id": sprint.id, "state": sprint.state, "name": sprint.name, "originBoardId": sprint.board_id}
                yield {"webhookEvent": f"sprint_{verb}", "sprint": told}

    def _of_links(self, before: Mapping[int, Link]) -> Iterator[Json]:
        """A link goes with either of its issues, which changes the other one without moving its `updated`."""
        now = self._links()
        for verb, some, others in (("created", now, before), ("deleted", before, now)):
            for id, link in some.items():
                if id not in others:
                    told = {"id": link.id, "sourceIssueId": link.source, "destinationIssueId": link.target}
                    yield {"webhookEvent": f"issuelink_{verb}", "issueLink": told}

    def _links(self) -> dict[int, Link]:
        return {link.id: link for links in self.world.links.values() for link in links}

    def _issue(self, issue: Issue) -> Json:
        project = self.world.projects[issue.project_id]
        fields = {"summary": issue.values.get("summary"), "project": {"id": project.id, "key": project.key, "name": project.name}}
        return {"id": str(issue.id), "self": f"{self.base}/rest/api/2/issue/{issue.id}", "key": issue.key, "fields": fields}
