"""ProjectData, the reporting service that Project Server 2016 and 2019 have and Subscription Edition lacks, by project and by set.

Each set is a group of its own. A set that the account may not read is not read, and what the hub holds of it stays as it was.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec import DecodeError, Raw

from pmo_hub.sdk.contract import Payload, Ref, Rejected
from pmo_hub_msproject import selects, wire
from pmo_hub_msproject.client import ProjectServer, Refused
from pmo_hub_msproject.values import guid

BASE = "ProjectData/[en-US]"
"""Without the language, a site names properties in its own."""

REFUSED = (
    "Project Server does not let this account read its reporting data (ProjectData, 403): baselines 1 to 10, risks, issues and the "
    "history of stages stay as they were; allow the account to access the Project Server Reporting Service."
)


class Access(StrEnum):
    THERE = "there"
    ABSENT = "absent"  # Subscription Edition
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Set:
    """`kind` is of its payloads, `key` the property that tells one row from the others of its project."""

    name: str
    kind: str
    rows: type[wire.Pascal]
    key: str
    narrowed: str = ""


SETS: Mapping[str, Set] = {
    one.kind: one
    for one in (
        # Number 0 is on the task itself, and would be told twice.
        Set("TaskBaselines", "baselines", wire.TaskBaseline, "task_id", " and BaselineNumber gt 0"),
        Set("Risks", "risk", wire.Risk, "risk_id"),
        Set("Issues", "issue", wire.Issue, "issue_id"),
        Set("ProjectWorkflowStageDataSet", "stage", wire.Stage, "stage_id"),
    )
}


class Reporting:
    """A site's ProjectData; safe to use from several threads."""

    def __init__(self, client: ProjectServer) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._access: Access | None = None
        self._readable: dict[str, bool] = {}

    def access(self) -> Access:
        """Whether there is one, and one for us; asked once."""
        with self._lock:
            if self._access is None:
                self._access = self._asked()
            return self._access

    def report(self, project: str) -> Raw | None:
        """What it says of the project as a whole."""
        if self.access() is not Access.THERE:
            return None
        try:
            return self._client.one(f"{BASE}/Projects(guid'{project}')", selects.REPORT)
        except Refused:
            return None  # the reporting database may not know it yet

    def may_read(self, project: str, of: Set) -> bool:
        """Whether the account may read the set, by asking for it of this project; asked once."""
        with self._lock:
            if of.name not in self._readable:
                try:
                    next(self._client.pages(f"{BASE}/{of.name}", selects.reporting(of.rows, project, of.narrowed)), None)
                    self._readable[of.name] = True
                except Refused:
                    self._readable[of.name] = False
            return self._readable[of.name]

    def rows(self, project: str, of: Set) -> tuple[list[Payload], list[Rejected]]:
        """The payloads of one set; raises Refused where the account may not read it."""
        found: dict[str, list[Raw]] = defaultdict(list)
        rejected = []
        for raws in self._client.pages(f"{BASE}/{of.name}", selects.reporting(of.rows, project, of.narrowed)):
            for raw in raws:
                try:
                    row = wire.decoder(of.rows).decode(raw)
                except DecodeError as error:
                    rejected.append(Rejected(None, project, bytes(raw), f"a row of {of.name} can't be read: {error}"))
                    continue
                id = guid(getattr(row, of.key))
                if id is None:
                    rejected.append(Rejected(None, project, bytes(raw), f"a row of {of.name} has no id"))
                elif not getattr(row, "is_folder", False):
                    found[id].append(raw)
        return list(_payloads(project, of, found)), rejected

    def _asked(self) -> Access:
        try:
            self._client.one(f"{BASE}/Projects", "$select=ProjectId&$top=1")
        except Refused as refusal:
            return Access.REFUSED if refusal.status == 403 else Access.ABSENT
        return Access.THERE


def _payloads(project: str, of: Set, found: Mapping[str, list[Raw]]) -> Iterator[Payload]:
    for id in sorted(found):
        rows = found[id]
        # The baselines of a task come in no order that anybody promises.
        body = b"[" + b",".join(sorted(map(bytes, rows))) + b"]" if of.kind == "baselines" else bytes(rows[0])
        yield Payload(Ref(of.kind, f"{project}/{id}"), project, body)
