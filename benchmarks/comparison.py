"""Whether the stored rows equal the simulator's issues, read from it over HTTP; and what a sync wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from benchmarks.databases import Database
from benchmarks.site import Site
from pmo_hub.domain.identity import row_id
from pmo_hub.store.base import Base
from pmo_hub.store.engine import create_engine
from pmo_hub.store.models import canonical
from pmo_hub.store.models.source import Claim, Connection, Payload, PayloadHistory, Tombstone
from pmo_hub.store.unit_of_work import Session

COLUMNS = (
    "key", "title", "status_category", "original_status", "original_status_id", "original_type", "original_priority", "resolution",
    "assignee_id", "reporter_id", "parent_id", "created_at", "updated_at", "actual_finish", "due", "planned_start", "points", "work_hours",
    "labels", "component_ids", "version_ids", "iteration_ids",
)  # fmt: skip
CATEGORIES = {"new": "todo", "indeterminate": "in_progress", "done": "done"}
CANCELLED = "Won't Do"
POINTS, START, SPRINT = "customfield_10016", "customfield_10015", "customfield_10020"

_issue = msgspec.json.Decoder().decode
_STAMPS = ("recorded_from", "recorded_to", "seen_at", "ended_at")


def differences(site: Site, database: Database, namespace: str | None = None) -> tuple[int, list[str]]:
    """How many issues were compared column by column, and in words what differs (at most 20 of it)."""
    engine = create_engine(database.url)
    try:
        with Session(engine) as session:
            held = dict(_stored(session))
            namespace = namespace or session.scalars(sa.select(Connection.namespace)).one()
    finally:
        engine.dispose()
    found: list[str] = []
    compared = 0
    for body in site.contents():
        issue = _issue(body)
        compared += 1
        row = held.pop(issue["id"], None)
        if row is None:
            found.append(f"issue {issue['id']} is missing")
            continue
        expected = _expected(issue, namespace)
        if row != expected:
            found += [f"{issue['key']} {c}: {a!r}, not {b!r}" for c, a, b in zip(COLUMNS, row, expected, strict=True) if a != b]
    found += [f"issue {id} is stored, but not there" for id in held]
    return compared, found[:20]


def _stored(session: Session) -> Iterator[tuple[str, tuple[Any, ...]]]:
    item = canonical.WorkItem
    for external_id, *row in session.execute(sa.select(item.external_id, *(getattr(item, name) for name in COLUMNS))):
        yield external_id, tuple(tuple(value) if isinstance(value, list) else value for value in row)


def _expected(issue: dict[str, Any], namespace: str) -> tuple[Any, ...]:
    """The row by the simulator's own rules, written without the connector's mapping."""
    f = issue["fields"]
    status, seconds = f["status"], f.get("timeoriginalestimate")
    if "timetracking" in f:
        seconds = f["timetracking"].get("originalEstimateSeconds")
    category = "cancelled" if status["name"] == CANCELLED else CATEGORIES[status["statusCategory"]["key"]]

    def ids(kind: str, entries: Sequence[dict[str, Any]]) -> tuple[str, ...]:
        return tuple(row_id(namespace, kind, str(entry["id"])) for entry in entries)

    def person(user: dict[str, Any] | None) -> str | None:
        return row_id(namespace, "identity", user["accountId"]) if user else None

    return (
        issue["key"], f["summary"], category, status["name"], status["id"], f["issuetype"]["name"], f["priority"]["name"],
        f["resolution"]["name"] if f["resolution"] else None, person(f["assignee"]), person(f["reporter"]),
        row_id(namespace, "work_item", f["parent"]["id"]) if f["parent"] else None, _instant(f["created"]), _instant(f["updated"]),
        _instant(f["resolutiondate"]) if category == "done" else None, _day(f["duedate"]), _day(f[START]), f[POINTS],
        None if seconds is None else seconds / 3600, tuple(f["labels"]), ids("component", f["components"]),
        ids("version", f["fixVersions"]), ids("iteration", f[SPRINT] or ()),
    )  # fmt: skip


def _instant(text: str | None) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC) if text else None


def _day(text: str | None) -> Any:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date() if text else None


def fingerprint(database: Database) -> dict[str, str]:
    """Of each canonical, payload and history table its rows, its newest stamps and, on PostgreSQL, the transaction that wrote last."""
    engine = create_engine(database.url)
    tables: list[Any] = [model.__table__ for model in (Payload, PayloadHistory, Claim, Tombstone)]
    tables += [table for table in Base.metadata.sorted_tables if table.name in _canonical()]
    found = {}
    try:
        with engine.connect() as connection:
            for table in tables:
                values: list[Any] = [sa.func.count()]
                values += [sa.func.max(table.c[name]) for name in _STAMPS if name in table.c]
                if database.engine == "postgresql":
                    values.append(sa.func.max(sa.literal_column("xmin::text::bigint")))
                row = connection.execute(sa.select(*values).select_from(table)).one()
                found[table.name] = json.dumps([str(value) for value in row])
    finally:
        engine.dispose()
    return found


def _canonical() -> set[str]:
    """Names of the canonical tables and of their history tables."""
    current = {m.class_.__tablename__ for m in Base.registry.mappers if m.class_.__module__ == canonical.__name__}
    return current | {canonical.HISTORY[name].name for name in current if name in canonical.HISTORY}


def written(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The tables in which anything was written between two fingerprints."""
    return sorted(name for name in after if before.get(name) != after[name])
