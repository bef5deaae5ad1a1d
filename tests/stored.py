"""A small estate written straight into the store, as a sync would have left it, for tests of what is built upon it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import projects
from pmo_hub.services.hub import Hub
from pmo_hub.store.merge import end_rows, merge_rows
from pmo_hub.store.models.canonical import Component, Dependency, Identity, Iteration, Transition, Version, WorkItem
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.models.source import Connection, Scope, Tombstone
from pmo_hub.store.repositories import memberships
from pmo_hub.store.repositories.projects import NewScope
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Session, Work

NAMESPACE = "site-1"
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
"""When the sources' items were created."""
FIRST_SYNC = datetime(2026, 6, 1, tzinfo=UTC)

# What a work item has where a test says nothing.
_BLANK: dict[str, Any] = {
    "url": None, "description": None, "kind": "task", "original_type": "Task", "status_category": "todo", "original_status": "To Do",
    "original_status_id": "1", "resolution": None, "parent_id": None, "priority": 50, "original_priority": "Medium", "assignee_id": None,
    "reporter_id": None, "created_at": CREATED, "planned_start": None, "planned_finish": None, "actual_start": None,
    "actual_finish": None, "due": None, "points": None, "work_hours": None, "spent_hours": None, "remaining_hours": None,
    "percent_complete": None, "flagged": None, "labels": [], "component_ids": [], "version_ids": [], "iteration_ids": [],
    "is_active": True, "counts": True, "uncounted": None, "updated_at": FIRST_SYNC,
}  # fmt: skip


def item_id(external_id: str) -> str:
    return row_id(NAMESPACE, "work_item", external_id)


def scope_id(external_id: str) -> str:
    return row_id(NAMESPACE, "scope", external_id)


def person_id(external_id: str) -> str:
    return row_id(NAMESPACE, "identity", external_id)


@dataclass(slots=True)
class Clock:
    """Tells what it is set to."""

    now: datetime = FIRST_SYNC

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> datetime:
        self.now += timedelta(**amount)
        return self.now


@dataclass(slots=True)
class Estate:
    """A hub with one connection; every method writes in a transaction of its own, at the clock's time."""

    work: Work
    folder: Path
    clock: Clock = field(default_factory=Clock)

    @property
    def hub(self) -> Hub:
        return Hub(self.work, self.clock, Registry.of(), SecretBox([bytes(32)]), Throttles(), self.folder)

    def scopes(self, *external_ids: str) -> list[str]:
        """Scopes of the connection, each with its automatic project; returns their ids."""
        now = self.clock()
        ids = [scope_id(x) for x in external_ids]
        with self.work.write() as session:
            if session.get(Connection, "c" * 32) is None:
                session.execute(sa.insert(Connection).values(connection_row(now)))
            rows = [
                {"id": id_, "connection_id": "c" * 32, "external_id": x, "name": f"Scope {x}", "kind": "project", "chosen_at": now}
                for id_, x in zip(ids, external_ids, strict=True)
            ]
            session.execute(sa.insert(Scope), rows)
            projects.create_for_scopes(session, [NewScope(id_, f"Scope {x}") for id_, x in zip(ids, external_ids, strict=True)], now)
        return ids

    def items(self, scope: str, *rows: dict[str, Any]) -> set[str]:
        """Items of the scope as they are now, at least with their external_id; returns the projects to look at again."""
        with self.work.write() as session:
            self._merge_items(session, scope, rows)
            return memberships.refresh(session, [scope_id(scope)], self.clock(), [item_id(row["external_id"]) for row in rows])

    def _merge_items(self, session: Session, scope: str, rows: Sequence[dict[str, Any]]) -> None:
        full = [
            {"id": item_id(row["external_id"]), "scope_id": scope_id(scope), "key": f"{scope}-{row['external_id']}"}
            | {"title": f"Item {row['external_id']}"}
            | _BLANK
            | row
            for row in rows
        ]
        merge_rows(session, WorkItem, full, self.clock())

    def end_items(self, *external_ids: str, reason: str = "deleted") -> set[str]:
        """The items are gone; returns the projects to look at again."""
        now = self.clock()
        ids = [item_id(x) for x in external_ids]
        with self.work.write() as session:
            scopes = set(session.scalars(sa.select(WorkItem.scope_id).where(WorkItem.id.in_(ids))))
            end_rows(session, WorkItem, ids, now)
            end_rows(session, Transition, list(session.scalars(sa.select(Transition.id).where(Transition.item_id.in_(ids)))), now)
            rows = [
                {"id": item_id(x), "record_type": "work_item", "external_id": x, "reason": reason, "ended_at": now} for x in external_ids
            ]
            session.execute(sa.insert(Tombstone), rows)
            return memberships.refresh(session, scopes, now, ids)

    def transitions(self, external_id: str, *changes: dict[str, Any]) -> None:
        """What the source recorded about the item, at least `field` and `at`."""
        blank = dict.fromkeys(("from_id", "from_text", "to_id", "to_text", "actor_id", "from_category", "to_category"))
        rows = [
            blank
            | {"id": row_id("t", external_id, str(n)), "external_id": f"{n}:0", "item_id": item_id(external_id)}
            | {"original_field": change["field"]}
            | change
            for n, change in enumerate(changes)
        ]
        with self.work.write() as session:
            merge_rows(session, Transition, rows, self.clock())

    def people(self, *external_ids: str) -> None:
        """Active accounts, called in upper case and with an address at example.org."""
        rows = [
            {
                "id": person_id(x), "external_id": x, "name": x.upper(), "email": f"{x}@Example.org", "is_active": True,
                "account_type": None, "mention_version": None,
            }
            for x in external_ids
        ]  # fmt: skip
        with self.work.write() as session:
            merge_rows(session, Identity, rows, self.clock())

    def named(self, model: type[Component | Version | Iteration], id: str, name: str) -> None:
        """A component, version or iteration."""
        row: dict[str, Any] = {c.name: None for c in model.__table__.columns if c.name not in ("row_hash", "recorded_from")}
        with self.work.write() as session:
            merge_rows(session, model, [row | {"id": id, "external_id": id, "name": name}], self.clock())

    def dependency(self, predecessor: str, successor: str) -> None:
        """The successor waits for the predecessor."""
        row = {
            "id": row_id("d", predecessor, successor), "external_id": f"{predecessor}>{successor}", "predecessor_id": item_id(predecessor),
            "successor_id": item_id(successor), "dependency_type": "FS", "lag_hours": 0.0, "original_type": "Blocks",
        }  # fmt: skip
        with self.work.write() as session:
            merge_rows(session, Dependency, [row], self.clock())

    def members(self, project: str) -> set[str]:
        """External ids of the project's items."""
        with self.work.read() as session:
            query = sa.select(ProjectMembership.item_id).where(ProjectMembership.project_id == project)
            held: Collection[str] = set(session.scalars(query))
            names = sa.select(WorkItem.id, WorkItem.external_id)
            return {external_id for id_, external_id in session.execute(names) if id_ in held}


@contextmanager
def statements(work: Work) -> Iterator[list[str]]:
    """The texts of what is executed meanwhile."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    with work.read() as session:
        engine: Any = session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def connection_row(now: datetime) -> dict[str, Any]:
    return {
        "id": "c" * 32, "name": "Test site", "connector": "test", "namespace": NAMESPACE, "config": {}, "secrets": b"", "rules": {},
        "state": "active", "failures": 0, "schedules": {"incremental": "every 1h", "full": None, "census": "every 1d"}, "time_zone": "UTC",
        "quiet_hours": [], "cadence_minutes": 60, "created_at": now, "updated_at": now,
    }  # fmt: skip
