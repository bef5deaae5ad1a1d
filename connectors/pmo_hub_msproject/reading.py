"""A project read as a whole, since publishing it is what changes it: every part of it between two looks at when it was published."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec import DecodeError, Raw

from pmo_hub.sdk.contract import Payload, Ref, Rejected
from pmo_hub.sdk.errors import ScopeError
from pmo_hub_msproject import selects, wire
from pmo_hub_msproject.client import ProjectServer, Refused
from pmo_hub_msproject.links import Ends
from pmo_hub_msproject.reporting import Reporting
from pmo_hub_msproject.values import clean, duration_hours, guid, moment

READ_AGAIN = 2
READABLE = {0: "project", 5: "inserted project", 6: "master project"}
"""Types of project that are read; 1 is a template, 7 where timesheets keep absences."""


_T = TypeVar("_T", wire.Resource, wire.Assignment, wire.Link, "_Head")


class _Head(wire.Pascal):
    """What of a task reading has to know."""

    id: str
    outline_level: int | None = None
    is_external_task: bool | None = None
    external_task_uid: str | None = None
    external_project_uid: str | None = None
    duration_time_span: str | None = None
    duration_milliseconds: int | None = None


@dataclass(slots=True)
class Whole:
    """Everything of one project, as it was published at `published`."""

    published: str
    payloads: list[Payload] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class ProjectReader:
    """Reads projects; `keys` tells under which properties an entity has custom values. Safe to use from several threads."""

    def __init__(self, client: ProjectServer, reporting: Reporting, keys: Callable[[str], Sequence[str]]) -> None:
        self._client = client
        self._reporting = reporting
        self._keys = keys
        self._every_property = False
        self._every_property_of_projects = False

    def published(self, project: str) -> str | None:
        """When it was published last, as the site writes it; None where there is no such project."""
        raw = self._client.project(project, selects.PROBE)
        return None if raw is None else self._client.read(wire.Listed, raw, "project").last_published_date or ""

    def whole(self, project: str) -> Whole | None:
        """The project; None where it was published again each time that it was read. Raises ScopeError where it is gone."""
        for _ in range(1 + READ_AGAIN):
            whole = self._read(project)
            now = self.published(project)
            if now is None:
                raise lost(project)
            if now == whole.published:
                return whole
        return None

    def _read(self, project: str) -> Whole:
        raw = self._header(project)
        if raw is None:
            raise lost(project)
        header = self._client.read(wire.Project, raw, "project")
        whole = Whole(header.last_published_date or "")
        try:
            people = self._team(project, whole)
            assigned = self._assignments(project, whole)
            ends, summary = self._tasks(project, header, assigned, people, whole)
            self._links(project, ends, whole)
        except Refused as refusal:
            raise ScopeError(project, f"The project {header.name or project} can't be read: {refusal}") from None
        body = _joined(("project", raw), ("summary", summary), ("report", self._reporting.report(project)))
        whole.payloads.append(Payload(Ref("plan", project), project, body))
        return whole

    def _header(self, project: str) -> Raw | None:
        if not self._every_property_of_projects:
            try:
                return self._client.project(project, selects.project(self._keys("Project")))
            except Refused as refusal:
                if refusal.status != 400:
                    raise
                self._every_property_of_projects = True
        return self._client.project(project, selects.project((), every=True))

    def _team(self, project: str, whole: Whole) -> dict[str, str]:
        """The project's resources become payloads; returns which of them are people, with whose identity."""
        people = {}
        for raw in self._raws(project, "ProjectResources", selects.RESOURCES):
            resource = self._decoded(wire.Resource, raw, "resource", project, whole)
            if resource is None:
                continue
            id = guid(resource.id)
            whole.payloads.append(Payload(Ref("resource", f"{project}/{id}"), project, bytes(raw)))
            if id and is_person(resource):
                people[id] = identity_of(resource)
        return people

    def _assignments(self, project: str, whole: Whole) -> dict[str, list[tuple[wire.Assignment, Raw]]]:
        """By task."""
        found: dict[str, list[tuple[wire.Assignment, Raw]]] = defaultdict(list)
        for raw in self._raws(project, "Assignments", selects.ASSIGNMENTS):
            one = self._decoded(wire.Assignment, raw, "assignment", project, whole)
            task = guid(one.task.id) if one is not None and one.task else None
            if one is not None and task is not None:
                found[task].append((one, raw))
        return found

    def _tasks(
        self,
        project: str,
        header: wire.Project,
        assigned: dict[str, list[tuple[wire.Assignment, Raw]]],
        people: dict[str, str],
        whole: Whole,
    ) -> tuple[Ends, Raw | None]:
        """Tasks become payloads, each with its assignments; those of other projects are ends of links only, and one sums up the project."""
        ends = Ends(project, (header.minutes_per_week or 2400) / 60)
        top: Raw | None = None
        summary_id = guid(header.summary_task_id)
        status = {"status": header.status_date} if header.status_date and moment(header.status_date) else {}
        for raw in self._task_raws(project):
            head = self._decoded(_Head, raw, "task", project, whole)
            if head is None:
                continue
            id = guid(head.id) or ""
            hours = duration_hours(head.duration_time_span, head.duration_milliseconds)
            if head.is_external_task:
                ends.external(id, guid(head.external_project_uid), guid(head.external_task_uid), hours)
                continue
            ends.own(id, hours)
            if id == summary_id or head.outline_level == 0:
                top = raw
                continue
            parts = sorted(assigned.get(id, ()), key=lambda part: part[0].id)
            lead = _lead([part for part, _ in parts], people)
            context = status | ({"assignee": lead} if lead else {})
            body = _joined(("task", raw), ("assignments", [part for _, part in parts]))
            whole.payloads.append(Payload(Ref("task", f"{project}/{id}"), project, body, context=context))
        return ends, top

    def _task_raws(self, project: str) -> list[Raw]:
        keys = self._keys("Task")
        if not self._every_property:
            try:
                return self._raws(project, "Tasks", selects.tasks(keys))
            except Refused as refusal:
                if refusal.status != 400:
                    raise
                self._every_property = True  # a site that can't select the fields that people made
        return self._raws(project, "Tasks", selects.tasks((), every=True))

    def _links(self, project: str, ends: Ends, whole: Whole) -> None:
        for raw in self._raws(project, "TaskLinks", selects.LINKS):
            link = self._decoded(wire.Link, raw, "link", project, whole)
            if link is not None:
                whole.payloads.append(Payload(Ref("link", f"{project}/{guid(link.id)}"), project, bytes(raw), context=ends.context(link)))

    def _raws(self, project: str, collection: str, query: str) -> list[Raw]:
        return [raw for page in self._client.pages(f"ProjectServer/Projects('{project}')/{collection}", query) for raw in page]

    def _decoded(self, kind: type[_T], raw: Raw, what: str, project: str, whole: Whole) -> _T | None:
        """The entity, if it has an id; what has none is rejected."""
        try:
            found: _T = wire.decoder(kind).decode(raw)
            if guid(found.id):
                return found
            why = "it has no id"
        except DecodeError as error:
            why = str(error)
        whole.rejected.append(Rejected(None, project, bytes(raw), f"a {what} can't be read: {why}"))
        return None


def is_person(resource: wire.Resource) -> bool:
    """Whether somebody is meant, rather than a role, a material or an expense."""
    enterprise = resource.enterprise_resource or wire.EnterpriseResource()
    generic = resource.is_generic_resource or enterprise.is_generic
    return not (generic or clean(resource.material_label) or enterprise.resource_type in (2, 3))


def identity_of(resource: wire.Resource) -> str:
    """The external id of the account that a person is: the same in all projects of the site, where the site knows the person."""
    enterprise = resource.enterprise_resource
    return (guid(enterprise.id) if enterprise else None) or guid(resource.id) or resource.id


def lost(project: str) -> ScopeError:
    return ScopeError(project, f"The project {project} is not there any more, or the account may not see it; its data is kept as it was")


def _lead(assignments: Sequence[wire.Assignment], people: dict[str, str]) -> str | None:
    """Who does most of the task's work; of equals the same one every time."""
    work: dict[str, float] = defaultdict(float)
    for one in assignments:
        person = people.get(guid(one.resource.id) or "") if one.resource else None
        if person is not None:
            work[person] += duration_hours(one.work_time_span, one.work_milliseconds) or 0.0
    return min(work, key=lambda person: (-work[person], person), default=None)


def _joined(*parts: tuple[str, Raw | list[Raw] | None]) -> bytes:
    """One JSON object of what the site sent, byte by byte as it did."""
    members = []
    for name, part in parts:
        value = b"null" if part is None else b"[" + b",".join(map(bytes, part)) + b"]" if isinstance(part, list) else bytes(part)
        members.append(b'"%s":%s' % (name.encode(), value))
    return b"{" + b",".join(members) + b"}"
