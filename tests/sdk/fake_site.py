"""A made-up planning tool: its rows, what users do to them, and a wire that answers as bytes and can be made to fail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.testing import Fault

TOKEN = "tok-5f2c9e71aa"
"""What the site accepts as a credential."""

Row = dict[str, Any]

STATES = {"1": ["Open", "todo"], "2": ["Doing", "in_progress"], "3": ["Closed", "done"]}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def encode(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class FakeSite:
    """Tables project, task, link, step (of a task) and note (on a task or a step).

    Every change gives its row the next `sequence`, as a row version; a delta token is an epoch and a sequence.
    """

    def __init__(self, page_size: int = 3) -> None:
        self.page_size = page_size
        self.name = "fake.example"
        self.tables: dict[str, dict[str, Row]] = {t: {} for t in ("project", "task", "link", "step", "note")}
        self.states: dict[str, list[str]] = dict(STATES)
        self.removed: dict[tuple[str, str], int] = {}
        self.sequence = 0
        self.epoch = 1
        self.hidden: set[str] = set()
        self.unreadable: set[Ref] = set()
        self.unsplittable: set[Ref] = set()
        self.fault: Fault | None = None
        self.answers_before_fault = 0
        self.asked: list[str] = []
        self._lock = Lock()

    @classmethod
    def sample(cls, page_size: int = 3) -> FakeSite:
        """Three projects with tasks, steps, notes, links inside and across, and some of everything that a mapper must meet."""
        site = cls(page_size)
        for project, count in (("P1", 7), ("P2", 5), ("P3", 4)):
            site.put("project", project, name=f"Project {project}", code=project)
            for n in range(1, count + 1):
                owner = {"id": f"u{n % 3}", "name": f"User {n % 3}"}
                site.put_task(f"{project}-T{n}", project, state=str(1 + n % 3), owner=owner, labels=["red"] if n == 1 else [])
            site.put("link", f"{project}-L1", project=project, before=f"{project}-T1", after=f"{project}-T2", type="FS")
            site.put("link", f"{project}-L2", project=project, before=f"{project}-T2", after=f"{project}-T3", type="SS")
            site.put("step", f"{project}-S1", task=f"{project}-T1", title="First step", done=False)
            site.put("note", f"{project}-N1", on={"kind": "task", "id": f"{project}-T1"}, text="On a task")
            site.put("note", f"{project}-N2", on={"kind": "step", "id": f"{project}-S1"}, text="On a step")
        site.block("P1-T3", "P2-T2")
        return site

    # What users do.

    def put(self, table: str, id: str, **values: Any) -> Ref:
        """The row has these values, new or beside those that it had."""
        with self._lock:
            self.sequence += 1
            row = {**self.tables[table].get(id, {"id": id}), **values, "v": self.sequence}
            self.tables[table][id] = row
            self.removed.pop((table, id), None)
            if table in ("step", "note"):
                self.tables["task"][self._task_of(table, row)]["v"] = self.sequence
        return Ref(table, id)

    def put_task(self, id: str, project: str, **values: Any) -> Ref:
        given = {"state": "1", "owner": None, "parent": None, "labels": [], "blocks": [], "blocked_by": [], **values}
        return self.put("task", id, project=project, **{"title": f"Task {id}", **given})

    def block(self, first: str, then: str) -> None:
        """`first` blocks `then`, which both rows tell."""
        for id, side, other in ((first, "blocks", then), (then, "blocked_by", first)):
            self.put("task", id, **{side: sorted({*self.tables["task"][id][side], other})})

    def unblock(self, first: str, then: str, told_by: str) -> None:
        """The row `told_by` no longer tells it."""
        side, other = ("blocks", then) if told_by == first else ("blocked_by", first)
        self.put("task", told_by, **{side: [i for i in self.tables["task"][told_by][side] if i != other]})

    def remove(self, table: str, id: str) -> Ref:
        """The row is gone with what is part of it."""
        with self._lock:
            self.sequence += 1
            for other, row in list(self._parts(table, id)):
                del self.tables[other][row["id"]]
                self.removed[other, row["id"]] = self.sequence
            row = self.tables[table].pop(id)
            self.removed[table, id] = self.sequence
            if table in ("step", "note"):
                self.tables["task"][self._task_of(table, row)]["v"] = self.sequence
        return Ref(table, id)

    def expire(self) -> None:
        """Delta tokens given out so far are no longer accepted."""
        self.epoch += 1

    def rename_state(self, id: str, name: str, category: str) -> None:
        self.states[id] = [name, category]

    def garble(self, ref: Ref) -> None:
        """The row arrives without its fields, so that nothing can be mapped from it."""
        self.unreadable.add(ref)
        self.put(ref.kind, ref.external_id)

    def spoil(self, ref: Ref) -> None:
        """The row arrives as something of which no more than its id can be told."""
        self.unsplittable.add(ref)
        self.put(ref.kind, ref.external_id)

    def mend(self, ref: Ref) -> None:
        self.unreadable.discard(ref)
        self.unsplittable.discard(ref)

    @contextmanager
    def failing(self, fault: Fault, after: int = 0) -> Iterator[None]:
        """After so many good answers the site fails, as long as the block lasts."""
        self.fault, self.answers_before_fault = fault, after
        try:
            yield
        finally:
            self.fault = None

    def export(self, project: str) -> bytes:
        """The project as a file that a user saves and uploads."""
        tasks, links = self._rows("task", [project]), self._rows("link", [project])
        return encode({"guid": project, "name": self.tables["project"][project]["name"], "tasks": tasks, "links": links})

    # The wire.

    def ask(self, token: str, path: str, query: Mapping[str, str]) -> Answer:
        with self._lock:
            self.asked.append(path)
            failure = self._failure()
            if failure is None and token != TOKEN:
                failure = Answer(401, b"no")
            if failure is not None:
                return failure
            what, _, rest = path.partition("/")
            answer: Answer = getattr(self, f"_get_{what}")(rest, query)
            if self.fault is Fault.CUT and self.answers_before_fault <= 0:
                return Answer(answer.status, answer.body[: len(answer.body) // 2])
            return answer

    def _failure(self) -> Answer | None:
        if self.fault is None:
            return None
        if self.answers_before_fault > 0:
            self.answers_before_fault -= 1
            return None
        match self.fault:
            case Fault.UNAUTHORIZED:
                return Answer(401, b"no")
            case Fault.RATE_LIMITED:
                return Answer(429, b"", {"retry-after": "1800"})
            case Fault.UNAVAILABLE:
                return Answer(503, b"")
            case Fault.WEB_PAGE:
                return Answer(200, b"<html><body>Sign in</body></html>")
            case Fault.CUT:
                return None

    def _get_whoami(self, _: str, query: Mapping[str, str]) -> Answer:
        return Answer(200, encode({"name": "robot", "site": self.name}))

    def _get_states(self, _: str, query: Mapping[str, str]) -> Answer:
        return Answer(200, encode(self.states))

    def _get_projects(self, _: str, query: Mapping[str, str]) -> Answer:
        shown = [r for i, r in sorted(self.tables["project"].items()) if i not in self.hidden]
        return Answer(200, encode([{"id": r["id"], "name": r["name"], "code": r["code"], "marker": self._marker(r["id"])} for r in shown]))

    def _get_token(self, _: str, query: Mapping[str, str]) -> Answer:
        return Answer(200, encode(f"{self.epoch}.{self.sequence}"))

    def _get_rows(self, table: str, query: Mapping[str, str]) -> Answer:
        if "ids" in query:
            ids = query["ids"].split(",")
            found = [self.tables[table][i] for i in ids if i in self.tables[table]]
            shown = [r for r in found if table in ("step", "note") or self._project_of(table, r) not in self.hidden]
            return Answer(200, encode({"rows": [self._served(table, r) for r in shown], "next": None}))
        projects = query["projects"].split(",")
        for project in projects:
            if project in self.hidden or project not in self.tables["project"]:
                return Answer(404, encode({"missing": project}))
        return Answer(200, encode(self._page(table, [r for r in self._rows(table, projects) if r["id"] > query["after"]])))

    def _get_parts(self, _: str, query: Mapping[str, str]) -> Answer:
        since = int(query.get("since", "0"))
        parts = [(t, r) for id in query["tasks"].split(",") for t, r in self._parts("task", id) if r["v"] > since]
        return Answer(200, encode([{"table": t, "row": self._served(t, r)} for t, r in parts]))

    def _get_delta(self, table: str, query: Mapping[str, str]) -> Answer:
        epoch, _, since = query["since"].partition(".")
        if int(epoch) != self.epoch:
            return Answer(410, b"")
        kinds = ("task", "step", "note") if table == "task" else (table,)
        entries: list[tuple[str, str, Row | None]] = [(r["id"], table, r) for r in self.tables[table].values() if r["v"] > int(since)]
        entries += [(i, k, None) for (k, i), at in self.removed.items() if at > int(since) and k in kinds]
        left = sorted((e for e in entries if e[0] > query["after"]), key=lambda e: e[0])
        page = left[: self.page_size]
        return Answer(200, encode({
            "rows": [self._served(k, r) for _, k, r in page if r is not None],
            "removed": [{"kind": k, "id": i} for i, k, r in page if r is None],
            "next": page[-1][0] if len(left) > len(page) else None,
            "token": f"{self.epoch}.{self.sequence}",
        }))  # fmt: skip

    def _get_plan(self, project: str, query: Mapping[str, str]) -> Answer:
        if project in self.hidden or project not in self.tables["project"]:
            return Answer(404, encode({"missing": project}))
        page = self._page("task", [r for r in self._rows("task", [project]) if r["id"] > query["after"]])
        links = [self._served("link", r) for r in self._rows("link", [project])] if page["next"] is None else []
        return Answer(200, encode({**page, "links": links, "marker": self._marker(project)}))

    def _get_ids(self, table: str, query: Mapping[str, str]) -> Answer:
        return Answer(200, encode([r["id"] for r in self._rows(table, query["projects"].split(","))]))

    def _page(self, table: str, rows: list[Row]) -> Row:
        page = rows[: self.page_size]
        return {"rows": [self._served(table, r) for r in page], "next": page[-1]["id"] if len(rows) > len(page) else None}

    def _rows(self, table: str, projects: list[str]) -> list[Row]:
        return [r for _, r in sorted(self.tables[table].items()) if self._project_of(table, r) in projects]

    def _served(self, table: str, row: Row) -> Row:
        ref = Ref(table, row["id"])
        if ref in self.unsplittable:
            return {"id": row["id"], "spoiled": True}
        if ref in self.unreadable:
            return {k: row[k] for k in ("id", "project", "v", "task", "on") if k in row}
        return row

    def _parts(self, table: str, id: str) -> Iterator[tuple[str, Row]]:
        if table == "task":
            for step in [r for _, r in sorted(self.tables["step"].items()) if r["task"] == id]:
                yield "step", step
                yield from self._parts("step", step["id"])
        for note in [r for _, r in sorted(self.tables["note"].items()) if r["on"] == {"kind": table, "id": id}]:
            yield "note", note

    def _task_of(self, table: str, row: Row) -> str:
        if table == "step":
            return str(row["task"])
        on = row["on"]
        return str(on["id"] if on["kind"] == "task" else self.tables["step"][on["id"]]["task"])

    def _project_of(self, table: str, row: Row) -> str:
        return str(row["id"] if table == "project" else row["project"])

    def _marker(self, project: str) -> str:
        """Changes whenever anything of the project does, a row that has left it included."""
        rows = [(r["id"], r["v"]) for t in ("task", "link") for r in self._rows(t, [project])]
        return sha256(encode([self.epoch, rows])).hexdigest()[:16]
