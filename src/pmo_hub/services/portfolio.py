"""Portfolios and programs: what they are called, who owns them, and what is placed in them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pmo_hub.services import audit, project_settings
from pmo_hub.services.errors import Conflict, Fault, Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import portfolios as rows
from pmo_hub.store.repositories import projects
from pmo_hub.store.repositories.portfolios import Holder, Member, Named, StoredHolder
from pmo_hub.store.repositories.projects import Person
from pmo_hub.store.unit_of_work import Session


@dataclass(frozen=True, slots=True)
class HolderInfo:
    """A portfolio or a program; `projects` counts those in it and in its programs, each once."""

    id: str
    name: str
    description: str | None
    owner: Person | None
    members: tuple[Named, ...]
    placed_in: tuple[Named, ...]
    projects: int
    created_at: datetime


Decided = Callable[[HolderInfo], None]
"""Looks at the thing as it is inside the changing transaction and raises where the change was decided on another one."""


def page(
    hub: Hub, type: Holder, q: str | None, after: tuple[str, str] | None, limit: int, as_of: datetime | None = None
) -> list[HolderInfo]:
    """By (name, id), those after that pair; `q` is a part of the name."""
    with hub.work.read() as session:
        stored = rows.page(session, type, q, after, limit, as_of)
        people = projects.people(session, [s.owner_id for s in stored])
        placed = rows.holders(session, [s.id for s in stored], as_of)
        inside = rows.contents(session, [s.id for s in stored], as_of)
        direct = rows.members_of(session, [s.id for s in stored], as_of)
        return [_told(s, people, direct.get(s.id, []), placed.get(s.id, []), inside[s.id]) for s in stored]


def get(hub: Hub, type: Holder, id: str, as_of: datetime | None = None) -> HolderInfo:
    """The portfolio or program as it is, or as it was known; raises NotFound."""
    with hub.work.read() as session:
        return _info(session, type, id, as_of)


def create(hub: Hub, type: Holder, settings: Mapping[str, object], actor: str) -> HolderInfo:
    """An empty portfolio or program is there; `settings` are name, description and owner. Raises Invalid."""
    now = hub.now()
    id_ = secrets.token_hex(16)
    with hub.work.write() as session:
        rows.save(session, type, _changed(session, StoredHolder(id_, "", None, None, now), settings, now), now)
        audit.record(session, actor, f"{type}.created", type, id_, {"name": settings.get("name")}, now)
        return _info(session, type, id_, None)


def change(hub: Hub, type: Holder, id: str, changes: Mapping[str, object], actor: str, decided: Decided) -> HolderInfo:
    """What `changes` names is as it says, None clearing it; raises Invalid."""
    now = hub.now()
    with hub.work.write() as session:
        rows.lock(session, type, id)
        decided(_info(session, type, id, None))
        if rows.save(session, type, _changed(session, _stored(session, type, id, None), changes, now), now):
            audit.record(session, actor, f"{type}.changed", type, id, {"fields": sorted(changes)}, now)
        return _info(session, type, id, None)


def delete(hub: Hub, type: Holder, id: str, actor: str, decided: Decided) -> None:
    """It is history; what was placed in it stays where else it is."""
    now = hub.now()
    with hub.work.write() as session:
        rows.lock(session, type, id)
        info = _info(session, type, id, None)
        decided(info)
        rows.end(session, type, id, now)
        audit.record(session, actor, f"{type}.deleted", type, id, {"name": info.name}, now)


def place(hub: Hub, type: Holder, id: str, member: tuple[Member, str], actor: str) -> HolderInfo:
    """The member is in it, beside wherever else it is; raises Invalid for what is not there, Conflict for what would hold itself."""
    now = hub.now()
    with hub.work.write() as session:
        rows.lock_tree(session)
        _stored(session, type, id, None)
        if not rows.exists(session, *member):
            raise Invalid("/id", f"There is no {member[0]} {member[1]!r}.", code="unknown")
        if member[1] == id or (type, id) in rows.within(session, member[1]):
            raise Conflict(f"The {member[0]} holds this {type} already; nothing can be inside itself.")
        if rows.place(session, (type, id), member, now):
            audit.record(session, actor, f"{type}.member_added", type, id, {"type": member[0], "id": member[1]}, now)
        return _info(session, type, id, None)


def remove(hub: Hub, type: Holder, id: str, member: tuple[Member, str], actor: str) -> None:
    """The member is not in it any more, what it was is kept; raises NotFound where it was not in it."""
    now = hub.now()
    with hub.work.write() as session:
        _stored(session, type, id, None)
        if not rows.remove(session, id, member, now):
            raise NotFound(f"{member[0]} in this {type}", member[1])
        audit.record(session, actor, f"{type}.member_removed", type, id, {"type": member[0], "id": member[1]}, now)


def _changed(session: Session, stored: StoredHolder, changes: Mapping[str, object], now: datetime) -> StoredHolder:
    if "name" in changes and not changes["name"]:
        raise Invalid.of([Fault("/name", "This can't be cleared.", "required")])
    values = {name: value for name, value in changes.items() if name != "owner"}
    if "owner" in changes:
        owner = changes["owner"]
        values["owner_id"] = None if owner is None else project_settings.account(session, str(owner), "/owner", now)
    return replace(stored, **values)  # type: ignore[arg-type]


def _stored(session: Session, type: Holder, id: str, as_of: datetime | None) -> StoredHolder:
    stored = rows.get(session, type, id, as_of)
    if stored is None:
        raise NotFound(type, id)
    return stored


def _info(session: Session, type: Holder, id: str, as_of: datetime | None) -> HolderInfo:
    stored = _stored(session, type, id, as_of)
    people = projects.people(session, [stored.owner_id])
    placed = rows.holders(session, [id], as_of).get(id, [])
    return _told(stored, people, rows.members(session, id, as_of), placed, rows.contents(session, [id], as_of)[id])


def _told(
    s: StoredHolder, people: Mapping[str, Person], direct: list[Named], placed: list[Named], inside: set[tuple[str, str]]
) -> HolderInfo:
    owner = None if s.owner_id is None else people.get(s.owner_id) or Person(s.owner_id, None, None, None)
    held = sum(1 for type_, _ in inside if type_ == "project")
    return HolderInfo(s.id, s.name, s.description, owner, tuple(direct), tuple(placed), held, s.created_at)
