"""One piece of work in several tools: said by hand or by rule, counted once, taken back; and where the tools contradict each other."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pmo_hub.domain.membership import Role
from pmo_hub.domain.sources import RULED, conflicts, loops
from pmo_hub.services import audit, governance
from pmo_hub.services.errors import Conflict, Fault, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import connections, coverage, projects
from pmo_hub.store.repositories import same_as as rows
from pmo_hub.store.repositories.same_as import Rule, Same
from pmo_hub.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class ConflictSide:
    """An item as one tool has it; `value` is its value of the field in question."""

    item_id: str
    key: str
    url: str | None
    scope_id: str
    role: str
    value: Any


@dataclass(frozen=True, slots=True)
class ConflictInfo:
    """Two tools that say different things of one field; `winner_id` is believed, `because` of that role or scope."""

    same_as_id: str
    field: str
    counted: ConflictSide
    duplicate: ConflictSide
    winner_id: str
    because: str


def page(hub: Hub, item_id: str | None, after: str | None, limit: int) -> list[Same]:
    with hub.work.read() as session:
        return rows.page(session, item_id, after, limit)


def add(hub: Hub, item_id: str, duplicate_id: str, actor: str) -> Same:
    """The two are one piece of work, of which `item_id` counts; raises Invalid or Conflict."""
    now = hub.now()
    with hub.work.write() as session:
        there = rows.existing(session, [item_id, duplicate_id])
        faults = [
            Fault(f"/{name}", f"There is no work item {id!r}.", "unknown")
            for name, id in (("item_id", item_id), ("duplicate_id", duplicate_id))
            if id not in there
        ]
        if faults:
            raise Invalid.of(faults)
        known = rows.counted_of(session)
        held = known.pop(duplicate_id, None)
        stored = rows.get(session, rows.same_id(duplicate_id))
        if stored is not None and stored.how == "hand" and held != item_id:
            raise Conflict(f"The item is another one's duplicate already ({held}): take that back first.")
        if loops(item_id, duplicate_id, known):
            raise Invalid("/duplicate_id", "The item that shall count is itself a duplicate of the other.", code="circle")
        made = Same(rows.same_id(duplicate_id), item_id, duplicate_id, "hand", None)
        rows.save(session, [made], now)
        rows.accept_again(session, item_id, duplicate_id)
        audit.record(session, actor, "same_as.added", "work_item", duplicate_id, {"item_id": item_id}, now)
        _measure(session, {item_id, duplicate_id}, now)
    return made


def remove(hub: Hub, id: str, actor: str) -> None:
    """The two are two pieces of work, whatever a rule says; raises NotFound."""
    now = hub.now()
    with hub.work.write() as session:
        held = rows.get(session, id)
        if held is None:
            raise NotFound("same-as", id)
        rows.end(session, [id], now)
        rows.refuse(session, held.item_id, held.duplicate_id, actor, now)
        audit.record(session, actor, "same_as.removed", "work_item", held.duplicate_id, {"item_id": held.item_id, "how": held.how}, now)
        _measure(session, {held.item_id, held.duplicate_id}, now)


def rules(hub: Hub) -> Sequence[Rule]:
    with hub.work.read() as session:
        return rows.rules(session)


def add_rule(hub: Hub, connection_id: str, field: str | None, other_connection_id: str, counted: str, actor: str) -> Rule:
    """Items that the rule takes for one are counted once from now on; raises Invalid."""
    now = hub.now()
    rule = Rule(secrets.token_hex(16), connection_id, field, other_connection_id, counted, actor, now)
    with hub.work.write() as session:
        faults = [
            Fault(f"/{name}", f"There is no connection {id!r}.", "unknown")
            for name, id in (("connection_id", connection_id), ("other_connection_id", other_connection_id))
            if connections.find(session, id) is None
        ]
        if field is None and connection_id == other_connection_id:
            faults.append(Fault("/field", "Within one connection no two items have one key: name the field that holds it.", "required"))
        if faults:
            raise Invalid.of(faults)
        rows.add_rule(session, rule)
        detail = {"field": field, "other_connection_id": other_connection_id, "counted": counted}
        audit.record(session, actor, "same_as_rule.added", "connection", connection_id, detail, now)
        _measure(session, rows.refresh(session, now), now)
    return rule


def delete_rule(hub: Hub, id: str, actor: str) -> None:
    """What only this rule took for one counts twice again; raises NotFound."""
    now = hub.now()
    with hub.work.write() as session:
        if not rows.delete_rule(session, id):
            raise NotFound("same-as-rule", id)
        audit.record(session, actor, "same_as_rule.deleted", "same_as_rule", id, {}, now)
        _measure(session, rows.refresh(session, now), now)


def precedence(hub: Hub, project_id: str) -> Mapping[str, Sequence[str]]:
    """Field → whom the project believes first; raises NotFound."""
    with hub.work.read() as session:
        _project(session, project_id)
        return rows.precedence(session, [project_id]).get(project_id, {})


def put_precedence(hub: Hub, project_id: str, fields: Mapping[str, Sequence[str]], actor: str) -> Mapping[str, Sequence[str]]:
    """The project believes its sources in this order, field by field; raises NotFound or Invalid."""
    now = hub.now()
    with hub.work.write() as session:
        _project(session, project_id)
        known = {role.value for role in Role} | {rule.scope_id for rule in projects.rules(session, project_id)}
        faults = [
            Fault(f"/fields/{field}", f"There is no choice for {field!r}; there is for {', '.join(sorted(RULED))}.", "unknown")
            for field in fields
            if field not in RULED
        ]
        faults += [
            Fault(f"/fields/{field}/{place}", f"{name!r} is neither a role nor a scope of the project's rules.", "unknown")
            for field, order in fields.items()
            for place, name in enumerate(order)
            if name not in known
        ]
        if faults:
            raise Invalid.of(faults)
        if rows.save_precedence(session, project_id, fields, now):
            audit.record(session, actor, "project.precedence_changed", "project", project_id, {"fields": dict(fields)}, now)
            governance.refresh(session, [project_id], now, "policy_change")
        return rows.precedence(session, [project_id]).get(project_id, {})


def project_conflicts(hub: Hub, project_id: str) -> list[ConflictInfo]:
    """Where the tools of a project contradict each other, and who is believed; raises NotFound."""
    with hub.work.read() as session:
        _project(session, project_id)
        held = rows.pairs(session, [project_id])
        order = rows.precedence(session, [project_id]).get(project_id, {})
        named = coverage.named(session, {side.item_id for pair in held for side in (pair.counted, pair.duplicate)})
    found = []
    for pair in held:
        for one in conflicts(pair.counted, pair.duplicate, order):
            sides = [
                ConflictSide(s.item_id, named[s.item_id].key, named[s.item_id].url, s.scope_id, s.role, s.values[one.field])
                for s in (pair.counted, pair.duplicate)
            ]
            found.append(ConflictInfo(pair.same_id, one.field, sides[0], sides[1], one.winner_id, one.because))
    return found


def follow(session: Session, now: datetime) -> set[str]:
    """What rules take for one follows the data; returns the projects to measure anew. Cheap where there is no rule."""
    return set(rows.projects_of(session, rows.refresh(session, now)))


def _measure(session: Session, item_ids: Collection[str], now: datetime) -> None:
    governance.refresh(session, rows.projects_of(session, item_ids), now, "policy_change")


def _project(session: Session, id: str) -> None:
    if projects.get(session, id) is None:
        raise NotFound("project", id)
