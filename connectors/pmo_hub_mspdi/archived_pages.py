"""A project of an archive, as payloads and pages of the contract.

An archive is gone through once for as long as its source is open: its rows are set aside by project, and every project is read from there.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pmo_hub.sdk.contract import Group, Page, Payload, Ref
from pmo_hub_mspdi.archive import SETS, Archive, Row, guid
from pmo_hub_mspdi.archived_days import DAY_SETS, MOST_DAY_ROWS, Blocks, by_task
from pmo_hub_mspdi.faults import UnreadableFile
from pmo_hub_mspdi.spool import Place, Spool

PROJECT, TASK, RESOURCE, RISK, ISSUE = (f"archived_{kind}" for kind in ("project", "task", "resource", "risk", "issue"))
MOST_ROWS = 5_000_000
TOO_MANY_DAYS = (
    f"The archive tells more than {MOST_DAY_ROWS} days of the tasks of the project {{}}, which are not put together: its work and cost by "
    "day are unknown."
)
PAGE_PAYLOADS = 250
_ENCODE = msgspec.json.Encoder(order="sorted").encode


class Index:
    """The rows of an archive by project and entity set; used from several threads."""

    def __init__(self, archive: Archive, spool: Spool) -> None:
        self._archive = archive
        self._spool = spool
        self._lock = threading.Lock()
        self._places: dict[str, dict[str, list[Place]]] | None = None
        self._resources: dict[str, Place] = {}
        self._days = Blocks(spool)

    def rows(self, project: str, name: str) -> list[Row]:
        """Raises UnreadableFile where the archive can't be read to its end."""
        with self._lock:
            if self._places is None:
                self._places = self._gone_through()
            return [self._spool.get(place) for place in self._places.get(project, {}).get(name, ())]

    def days(self, project: str) -> dict[str, dict[str, list[Any]]] | None:
        """Task → its rows by set, in short; None where there are more than are put together at once."""
        self.rows(project, "Projects")
        with self._lock:
            return by_task(self._days, project)

    def resource(self, id: str) -> Row | None:
        with self._lock:
            place = self._resources.get(id)
            return None if place is None else self._spool.get(place)

    def _gone_through(self) -> dict[str, dict[str, list[Place]]]:
        places: dict[str, dict[str, list[Place]]] = defaultdict(lambda: defaultdict(list))
        count = 0
        for name in SETS:
            for row in self._archive.rows(name):
                if name in DAY_SETS:
                    self._days.put(name, row)
                    continue
                count += 1
                if count > MOST_ROWS:
                    raise UnreadableFile(f"holds more than {MOST_ROWS} rows")
                if name == "Resources":
                    id = guid(row.get("ResourceId"))
                    if id is not None:
                        self._resources[id] = self._spool.put(row)
                    continue
                project = guid(row.get("ProjectId"))
                if project is not None:
                    places[project][name].append(self._spool.put(row))
        self._days.close()
        return places


def pages(index: Index, scope: str, state: Mapping[str, str]) -> Iterator[Page]:
    """The group of one project; raises UnreadableFile before the first page or not at all."""
    group = Ref("file", scope)
    held: list[Payload] = []
    days = index.days(scope)
    notices = (TOO_MANY_DAYS.format(scope),) if days is None else ()
    for payload in payloads(index, scope, days or {}):
        held.append(payload)
        if len(held) >= PAGE_PAYLOADS:
            yield Page(held, group=Group(group))
            held = []
    yield Page(held, dict(state), group=Group(group, last=True), notices=notices)


def payloads(index: Index, scope: str, days: Mapping[str, Mapping[str, Sequence[Any]]]) -> Iterator[Payload]:
    tasks = _unique(index.rows(scope, "Tasks"), "TaskId")
    assignments = index.rows(scope, "Assignments")
    baselines = _by(index.rows(scope, "TaskBaselines"), "TaskId")
    booked = _by([one for one in assignments if guid(one.get("ResourceId"))], "TaskId")
    projects = index.rows(scope, "Projects")
    stages = sorted(index.rows(scope, "ProjectWorkflowStageDataSet"), key=lambda one: str(one.get("StageId")))
    summaries = {id for id, task in tasks.items() if is_summary_of_all(task)}
    summary = next((tasks[id] for id in sorted(summaries)), None)
    body = {"Project": projects[-1] if projects else {}, "Stages": stages, "Summary": summary}
    yield _payload(PROJECT, scope, scope, body, {})
    # Without a status date nobody knows as of when earned value is; over the wire it is the same.
    at = next((str(date) for row in projects[-1:] if (date := row.get("ProjectStatusDate"))), "")
    names = {guid(one.get("ResourceId")): one.get("ResourceName") for one in assignments}
    people: set[str] = set()
    for id in sorted(id for id in names if id is not None):
        row = index.resource(id) or {"ResourceId": id, "ResourceName": names[id]}
        if is_person(row):
            people.add(id)
        yield _payload(RESOURCE, f"{scope}/{id}", scope, row, {"plan": scope})
    parents = {guid(task.get("ParentTaskId")) for task in tasks.values()}
    for id, task in tasks.items():
        if id in summaries or _is_true(task.get("TaskIsExternal")):
            continue  # a task of another project counts there
        context = {"plan": scope}
        parent = guid(task.get("ParentTaskId"))
        if parent is not None and parent != id and parent in tasks and parent not in summaries:
            context["parent"] = parent
        if id in parents:
            context["children"] = "1"
        mine = sorted(booked.get(id, ()), key=lambda one: str(one.get("AssignmentId")))
        theirs = dict.fromkeys(r for one in mine if (r := guid(one.get("ResourceId"))) is not None and r in people)
        if theirs:
            context["people"] = " ".join(theirs)
        if at and any(_is_some(task.get(f"Task{name}")) for name in ("BCWS", "BCWP", "ACWP")):
            context["at"] = at
        agreed = sorted(baselines.get(id, ()), key=lambda one: str(one.get("BaselineNumber")).zfill(2))
        told: dict[str, Any] = {"Task": task, "Assignments": mine, "Baselines": agreed}
        if id in days:
            told["Days"] = days[id]
        yield _payload(TASK, f"{scope}/{id}", scope, told, context)
    for kind, name, key in ((RISK, "Risks", "RiskId"), (ISSUE, "Issues", "IssueId")):
        for id, row in _unique(index.rows(scope, name), key).items():
            if not _is_true(row.get("IsFolder")):
                yield _payload(kind, f"{scope}/{id}", scope, row, {"plan": scope})


def _is_true(told: Any) -> bool:
    return str(told).casefold() == "true"


def _is_some(amount: Any) -> bool:
    return amount is not None and bool(str(amount).strip("0.-+ "))


def is_summary_of_all(task: Row) -> bool:
    return _is_true(task.get("TaskIsProjectSummary")) or str(task.get("TaskIndex")) == "0"


def is_person(resource: Row) -> bool:
    return kind_of(resource) == "work" and not _is_true(resource.get("ResourceIsGeneric"))


def kind_of(resource: Row) -> str:
    """work, material or cost, as the service names it; its numbers mean other things in each of its versions."""
    told = f"{resource.get('TypeName') or ''} {resource.get('TypeDescription') or ''}".casefold()
    if "material" in told or resource.get("ResourceMaterialLabel"):
        return "material"
    return "cost" if "cost" in told else "work"


def _payload(kind: str, id: str, scope: str, body: Any, context: Mapping[str, str]) -> Payload:
    return Payload(Ref(kind, id), scope, _ENCODE(body), context=dict(context))


def _by(rows: Sequence[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        id = guid(row.get(key))
        if id is not None:
            found[id].append(row)
    return found


def _unique(rows: Sequence[Row], key: str) -> dict[str, Row]:
    """Pages of a dump may overlap: the last row of an id counts."""
    return {id: found[-1] for id, found in _by(rows, key).items()}
