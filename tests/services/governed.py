"""A hub with one connection, on a Monday noon, whose rows a test writes by hand through the merge, as a sync would."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import governance
from pmo_hub.services.hub import Hub
from pmo_hub.store.base import Base
from pmo_hub.store.merge import end_rows, merge_rows
from pmo_hub.store.models.canonical import Identity, ItemTiming, WorkItem
from pmo_hub.store.models.governance import Evaluation, Event, Violation
from pmo_hub.store.models.portfolio import Placement, Portfolio, Project, ProjectMembership, ProjectRule
from pmo_hub.store.models.source import Census, Connection, Scope, SyncRun
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONNECTION = row_id("test", "connection")
CADENCE = timedelta(minutes=60)


class Estate:
    """`now` is the hub's clock; a test sets it."""

    def __init__(self, work: Work, folder: Path) -> None:
        self.work = work
        self.now = NOON
        self.hub = Hub(work, lambda: self.now, Registry.of(), SecretBox([bytes(range(32))]), Throttles(), folder)
        self.runs = 0
        with work.write() as session:
            session.add(
                Connection(
                    id=CONNECTION, name="Site", connector="fake", namespace="fake:site", config={}, secrets=b"", rules={}, state="active",
                    account=None, last_error=None, last_error_at=None, failures=0, schedules={}, cadence_minutes=60,
                    created_at=NOON, updated_at=NOON,
                )
            )  # fmt: skip

    # -- settings

    def project(self, name: str, /, **settings: Any) -> str:
        """A project with a scope of its own; called again it changes the settings."""
        scope, project = row_id("scope", name), row_id("project", name)
        row: dict[str, Any] = {
            "id": project, "name": name, "description": None, "state": "active", "sponsor_id": None, "manager_id": None,
            "methodology": None, "phase": None, "classification": None, "start": None, "finish": None, "currency": None,
            "time_zone": "UTC", "tags": [], "is_automatic": True, "created_at": NOON,
        }  # fmt: skip
        rule = {
            "id": row_id("rule", name), "project_id": project, "scope_id": scope, "narrowing": "all", "value": None, "role": "execution",
            "history_until": None,
        }  # fmt: skip
        with self.work.write() as session:
            if session.get(Scope, scope) is None:
                session.add(
                    Scope(
                        id=scope, connection_id=CONNECTION, external_id=name, name=name, kind="project",
                        url=f"https://site.example/{name}", chosen_at=NOON - timedelta(days=400), synced_at=None, error=None,
                    )
                )  # fmt: skip
            merge_rows(session, Project, [row | settings], self.now)
            merge_rows(session, ProjectRule, [rule], self.now)
        return project

    def drop_project(self, project: str) -> None:
        with self.work.write() as session:
            end_rows(session, Project, [project], self.now)

    def person(self, name: str, *, is_active: bool = True) -> str:
        row = {
            "id": row_id("person", name), "external_id": name, "name": name, "email": None, "is_active": is_active, "account_type": None,
            "mention_version": None,
        }  # fmt: skip
        with self.work.write() as session:
            merge_rows(session, Identity, [row], self.now)
        return str(row["id"])

    def portfolio(self, name: str, *projects: str) -> str:
        portfolio = row_id("portfolio", name)
        placements = [
            {"id": row_id("placement", portfolio, one), "parent_type": "portfolio", "parent_id": portfolio, "child_type": "project",
             "child_id": one}
            for one in projects
        ]  # fmt: skip
        with self.work.write() as session:
            row = {"id": portfolio, "name": name, "description": None, "owner_id": None, "created_at": NOON}
            merge_rows(session, Portfolio, [row], self.now)
            merge_rows(session, Placement, placements, self.now)
        return portfolio

    # -- what a sync brings

    def item(self, project: str, key: str, timing: Mapping[str, Any] | None = None, **fields: Any) -> str:
        """A task, open and plain where nothing else is said; called again it changes the item."""
        item = row_id("item", key)
        row: dict[str, Any] = dict.fromkeys(column.name for column in WorkItem.__table__.columns)
        row |= {
            "id": item, "scope_id": row_id("scope"), "external_id": key, "key": key, "url": f"https://site.example/browse/{key}",
            "title": f"Task {key}", "kind": "task", "original_type": "Task", "status_category": "todo", "original_status": "To Do",
            "created_at": NOON - timedelta(days=30), "updated_at": NOON - timedelta(days=1), "labels": [], "component_ids": [],
            "version_ids": [], "iteration_ids": [], "is_active": True, "counts": True, **fields,
        }  # fmt: skip
        del row["row_hash"], row["recorded_from"]
        member = {
            "id": row_id("member", project, item), "project_id": project, "item_id": item, "rule_id": row_id("r"), "role": "execution",
        }  # fmt: skip
        times = {"id": item, "started_at": None, "done_at": None, "status_since": None, "reopened": 0, "due_moves": 0}
        with self.work.write() as session:
            merge_rows(session, WorkItem, [row], self.now)
            merge_rows(session, ProjectMembership, [member], self.now)
            merge_rows(session, ItemTiming, [times | dict(timing or {})], self.now)
        return item

    def drop_item(self, project: str, item: str) -> None:
        with self.work.write() as session:
            end_rows(session, WorkItem, [item], self.now)
            end_rows(session, ProjectMembership, [row_id("member", project, item)], self.now)

    def synced(self, *projects: str, refresh: bool = True) -> governance.Refreshed:
        """A run has ended well: the projects are measured, then the scopes marked and the connection judged, as the sync does."""
        done = governance.Refreshed()
        with self.work.write() as session:
            if refresh:
                done = governance.refresh(session, sorted(projects), self.now)
            session.execute(sa.update(Scope).values(synced_at=self.now, error=None))
            session.execute(sa.update(Connection).values(failures=0))
            self._run(session, "finished")
            return done + governance.refresh_connection(session, CONNECTION, self.now)

    def failed(self, why: str = "The token is wrong.") -> None:
        with self.work.write() as session:
            session.execute(sa.update(Connection).values(failures=Connection.failures + 1, last_error=why, last_error_at=self.now))
            self._run(session, "failed")
            governance.refresh_connection(session, CONNECTION, self.now)

    def held_census(self) -> None:
        with self.work.write() as session:
            session.add(
                Census(
                    id=row_id("census", self.now.isoformat()), connection_id=CONNECTION, state="held", started_at=self.now,
                    finished_at=self.now, listed=1, missing=99, reason="too many",
                )
            )  # fmt: skip

    def refresh(self, *projects: str) -> governance.Refreshed:
        with self.work.write() as session:
            return governance.refresh(session, sorted(projects), self.now)

    def _run(self, session: Any, state: str) -> None:
        self.runs += 1
        session.add(
            SyncRun(
                id=row_id("run", str(self.runs)), connection_id=CONNECTION, mode="incremental", state=state, fence=self.runs,
                started_at=self.now, heartbeat_at=self.now, finished_at=self.now, waiting_until=None, fetched={}, expected={}, changed={},
                gone={}, quarantined=0, requests=0, estimate=None, error=None, detail=None,
            )
        )  # fmt: skip

    # -- what is stored

    def rows(self, table: type[Base] | sa.Table) -> list[dict[str, Any]]:
        """Every row, in the order of its values."""
        source: Any = table if isinstance(table, sa.Table) else table.__table__
        with self.work.read() as session:
            found = [dict(row) for row in session.execute(sa.select(*source.columns)).mappings()]
        return sorted(found, key=lambda row: str(sorted(row.items(), key=lambda pair: pair[0])))

    def evaluation(self, entity: str, check: str, sub_key: str = "") -> dict[str, Any]:
        [found] = [row for row in self.rows(Evaluation) if (row["entity_id"], row["check_id"], row["sub_key"]) == (entity, check, sub_key)]
        return found

    def violations(self, check: str) -> list[dict[str, Any]]:
        return [row for row in self.rows(Violation) if row["check_id"] == check]

    def violation(self, check: str) -> dict[str, Any]:
        [found] = self.violations(check)
        return found

    def told(self, violation: str) -> list[str]:
        """The events of a violation, in order."""
        events = [row for row in self.rows(Event) if row["subject_id"] == violation]
        return [row["type"] for row in sorted(events, key=lambda row: int(row["sequence"]))]
