"""Projects and their rules, read by explicit columns and written as versions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.membership import Narrowing, Role, automatic_project
from pmo_hub.store.bulk import is_in
from pmo_hub.store.merge import end_rows, merge_rows
from pmo_hub.store.models.canonical import HISTORY, Identity
from pmo_hub.store.models.portfolio import Project, ProjectRule
from pmo_hub.store.models.source import Scope
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.unit_of_work import Session

_RULES: Any = ProjectRule.__table__
_PEOPLE: Any = Identity.__table__
_SCOPES: Any = Scope.__table__


@dataclass(frozen=True, slots=True)
class StoredProject:
    id: str
    name: str
    description: str | None
    state: str
    sponsor_id: str | None
    manager_id: str | None
    methodology: str | None
    phase: str | None
    classification: str | None
    start: date | None
    finish: date | None
    currency: str | None
    time_zone: str
    tags: tuple[str, ...]
    is_automatic: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredRule:
    id: str
    project_id: str
    scope_id: str
    narrowing: str
    value: str | None
    role: str
    history_until: date | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """An account as it is called now."""

    id: str
    name: str | None
    email: str | None
    is_active: bool | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of projects is narrowed to; None = whatever. `among` are the only ids that count."""

    among: frozenset[str] | None = None
    state: str | None = None
    methodology: str | None = None
    manager_ids: frozenset[str] | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class NewScope:
    """A scope that gets a project of its own."""

    id: str
    name: str


_COLUMNS = tuple(StoredProject.__slots__)


def _stored(row: Any) -> StoredProject:
    return StoredProject(**{**row._mapping, "tags": tuple(row.tags or ())})


def get(session: Session, id: str, as_of: datetime | None = None) -> StoredProject | None:
    table = rows_at(Project, as_of, _COLUMNS)
    row = session.execute(sa.select(*(table.c[n] for n in _COLUMNS)).where(table.c.id == id)).one_or_none()
    return None if row is None else _stored(row)


def page(session: Session, by: Filter, after: tuple[str, str] | None, limit: int, as_of: datetime | None = None) -> list[StoredProject]:
    """Projects by (name, id), those after that pair."""
    table = rows_at(Project, as_of, _COLUMNS)
    c = table.c
    query = sa.select(*(c[n] for n in _COLUMNS)).order_by(c.name, c.id).limit(limit)
    if by.among is not None:
        query = query.where(is_in(session, c.id, by.among))
    if by.state is not None:
        query = query.where(c.state == by.state)
    if by.methodology is not None:
        query = query.where(c.methodology == by.methodology)
    if by.manager_ids is not None:
        query = query.where(is_in(session, c.manager_id, by.manager_ids))
    if by.q:
        query = query.where(c.name.icontains(by.q, autoescape=True))
    if after is not None:
        query = query.where(sa.tuple_(c.name, c.id) > after)
    return [_stored(row) for row in session.execute(query)]


def save(session: Session, project: StoredProject, now: datetime) -> bool:
    """The project is as given; True when that is a new version of it."""
    return bool(merge_rows(session, Project, [asdict(project) | {"tags": list(project.tags)}], now).touched)


def create_automatic(session: Session, scopes: Collection[NewScope], now: datetime) -> list[str]:
    """Each scope has a project that takes it whole; one that is there already stays as it was changed. Returns the ids of the new ones."""
    wanted = {automatic_project(scope.id): scope for scope in scopes}
    there = set(session.scalars(sa.select(Project.id).where(is_in(session, Project.__table__.c.id, wanted.keys()))))
    new = {id_: scope for id_, scope in wanted.items() if id_ not in there}
    projects = [
        StoredProject(id_, scope.name, None, "active", None, None, None, None, None, None, None, None, "UTC", (), True, now)
        for id_, scope in new.items()
    ]
    merge_rows(session, Project, [asdict(p) | {"tags": []} for p in projects], now)
    rules = [
        StoredRule(rule_id(id_, scope.id, Narrowing.ALL, None), id_, scope.id, Narrowing.ALL.value, None, Role.EXECUTION.value)
        for id_, scope in new.items()
    ]
    merge_rows(session, ProjectRule, [asdict(rule) for rule in rules], now)
    return sorted(new)


def end(session: Session, id: str, now: datetime) -> None:
    """The project and its rules are history."""
    replace_rules(session, id, (), now)
    end_rows(session, Project, [id], now)


def ended_at(session: Session, id: str) -> datetime | None:
    """When the project that is there no longer ended."""
    history = HISTORY[Project.__tablename__]
    ended: datetime | None = session.scalar(
        sa.select(sa.func.max(history.c.recorded_to, type_=history.c.recorded_to.type)).where(history.c.id == id)
    )
    return ended


def rule_id(project_id: str, scope_id: str, narrowing: str, value: str | None) -> str:
    return row_id("project_rule", project_id, scope_id, narrowing, value or "")


def rules(session: Session, project_id: str, as_of: datetime | None = None) -> list[StoredRule]:
    table = rows_at(ProjectRule, as_of)
    columns = [table.c[n] for n in StoredRule.__slots__]
    query = sa.select(*columns).where(table.c.project_id == project_id).order_by(table.c.scope_id, table.c.narrowing, table.c.value)
    return [StoredRule(*row) for row in session.execute(query)]


def replace_rules(session: Session, project_id: str, wanted: Sequence[StoredRule], now: datetime) -> bool:
    """The project's rules are exactly these; True when that changes anything."""
    merged = merge_rows(session, ProjectRule, [asdict(rule) for rule in wanted], now)
    kept = {rule.id for rule in wanted}
    held = session.scalars(sa.select(_RULES.c.id).where(_RULES.c.project_id == project_id))
    return bool(end_rows(session, ProjectRule, [r for r in held if r not in kept], now) or merged.touched)


def scope_names(session: Session, scope_ids: Collection[str]) -> dict[str, str]:
    """Those of the scopes that a connection reads, with their names."""
    query = sa.select(_SCOPES.c.id, _SCOPES.c.name).where(is_in(session, _SCOPES.c.id, scope_ids))
    return {row.id: row.name for row in session.execute(query)} if scope_ids else {}


def names(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Those of the projects that exist, with their names."""
    table: Any = Project.__table__
    return {row.id: row.name for row in session.execute(sa.select(table.c.id, table.c.name).where(is_in(session, table.c.id, ids)))}


def people(session: Session, ids: Collection[str | None]) -> dict[str, Person]:
    p = _PEOPLE.c
    wanted = {id_ for id_ in ids if id_ is not None}
    query = sa.select(p.id, p.name, p.email, p.is_active).where(is_in(session, p.id, wanted))
    return {row.id: Person(*row) for row in session.execute(query)} if wanted else {}


def people_with_email(session: Session, email: str) -> list[Person]:
    """Accounts with that e-mail address in any case of letters, active ones first."""
    p = _PEOPLE.c
    query = sa.select(p.id, p.name, p.email, p.is_active).where(sa.func.lower(p.email) == email.lower())
    found = [Person(*row) for row in session.execute(query)]
    return sorted(found, key=lambda x: (x.is_active is not True, x.id))


def add_person(session: Session, email: str, now: datetime) -> str:
    """The id of the hub's own account for somebody whom no source has shown yet."""
    id_ = row_id("hub", "identity", email.lower())
    row: Mapping[str, Any] = {
        "id": id_, "external_id": email, "name": None, "email": email, "is_active": None, "account_type": None, "mention_version": None,
    }  # fmt: skip
    merge_rows(session, Identity, [row], now)
    return id_
