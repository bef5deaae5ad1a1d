"""Projects, the hub's own: made of scopes by themselves or by hand, described by their settings, filled by their rules."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from pmo_hub.domain.membership import Narrowing, Role
from pmo_hub.services import audit, governance, project_settings
from pmo_hub.services.errors import Ended, Fault, Invalid, NotFound, Refused
from pmo_hub.services.hub import Hub
from pmo_hub.store.repositories import measures, memberships, portfolios
from pmo_hub.store.repositories import projects as rows
from pmo_hub.store.repositories.portfolios import Named
from pmo_hub.store.repositories.projects import NewScope, Person, StoredProject, StoredRule
from pmo_hub.store.unit_of_work import Session

MOST_RULES = 200


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project with the names of what it refers to."""

    id: str
    name: str
    description: str | None
    state: str
    sponsor: Person | None
    manager: Person | None
    methodology: str | None
    phase: str | None
    classification: str | None
    start: date | None
    finish: date | None
    currency: str | None
    time_zone: str
    tags: tuple[str, ...]
    is_automatic: bool
    placed_in: tuple[Named, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """`items` counts what the rule takes now; None where that was asked for another time."""

    id: str
    scope_id: str
    scope_name: str | None
    narrowing: str
    value: str | None
    role: str
    items: int | None
    history_until: date | None = None


@dataclass(frozen=True, slots=True)
class NewRule:
    scope_id: str
    narrowing: str
    value: str | None
    role: str
    history_until: date | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What a list of projects is narrowed to. `manager` is an identity id or an e-mail address; `q` a part of the name."""

    portfolio: str | None = None
    program: str | None = None
    state: str | None = None
    methodology: str | None = None
    manager: str | None = None
    q: str | None = None


Decided = Callable[[ProjectInfo], None]
"""Looks at the project as it is inside the changing transaction and raises where the change was decided on another one."""

DecidedRules = Callable[[Sequence[RuleInfo]], None]


class ScopeLike(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


def create_for_scopes(session: Session, scopes: Collection[ScopeLike], now: datetime) -> list[str]:
    """Each scope has a project that takes it whole; one that has it keeps it as it is. Returns the ids of the new ones."""
    return rows.create_automatic(session, [NewScope(scope.id, scope.name) for scope in scopes], now)


def page(hub: Hub, by: Query, after: tuple[str, str] | None, limit: int, as_of: datetime | None = None) -> list[ProjectInfo]:
    """Projects by (name, id), those after that pair."""
    with hub.work.read() as session:
        among: set[str] | None = None
        for holder in (by.portfolio, by.program):
            if holder is not None:
                inside = set(portfolios.project_ids(session, holder, as_of))
                among = inside if among is None else among & inside
        managers = None if by.manager is None else frozenset(project_settings.accounts(session, by.manager))
        chosen = rows.Filter(None if among is None else frozenset(among), by.state, by.methodology, managers, by.q)
        return _infos(session, rows.page(session, chosen, after, limit, as_of), as_of)


def get(hub: Hub, id: str, as_of: datetime | None = None) -> ProjectInfo:
    """The project as it is, or as it was known; raises NotFound or, for one that was deleted, Ended."""
    with hub.work.read() as session:
        return _info(session, id, as_of)


def create(hub: Hub, name: str, settings: Mapping[str, object], rules: Sequence[NewRule], actor: str) -> ProjectInfo:
    """A project made by hand is there, filled and evaluated; raises Invalid."""
    now = hub.now()
    id_ = secrets.token_hex(16)
    with hub.work.write() as session:
        blank = StoredProject(id_, name, None, "active", None, None, None, None, None, None, None, None, "UTC", (), False, now)
        rows.save(session, project_settings.changed(session, blank, {**settings, "name": name}, now), now)
        audit.record(session, actor, "project.created", "project", id_, {"name": name, "fields": sorted(settings)}, now)
        _fill(session, id_, _checked(session, id_, rules), now)
        return _info(session, id_, None)


def change(hub: Hub, id: str, changes: Mapping[str, object], actor: str, decided: Decided) -> ProjectInfo:
    """The settings that `changes` names are as it says, None clearing one, and the checks have seen it; raises Invalid."""
    now = hub.now()
    with hub.work.write() as session:
        measures.lock(session, [id])
        decided(_info(session, id, None))
        stored = _stored(session, id, None)
        if rows.save(session, project_settings.changed(session, stored, changes, now), now):
            audit.record(session, actor, "project.changed", "project", id, {"fields": sorted(changes)}, now)
            _evaluate(session, {id}, now)
        return _info(session, id, None)


def delete(hub: Hub, id: str, actor: str, decided: Decided) -> None:
    """The project is history and its items fall back to their scopes' own projects; raises Refused for one that a scope made."""
    now = hub.now()
    with hub.work.write() as session:
        _lock(session, id, ())
        project = _info(session, id, None)
        decided(project)
        if project.is_automatic:
            raise Refused("The project is the scope's own: close it (state) or stop reading the scope instead.")
        scopes = {rule.scope_id for rule in rows.rules(session, id)}
        memberships.end_of_project(session, id, now)
        portfolios.end_placements(session, id, now)
        rows.end(session, id, now)
        audit.record(session, actor, "project.deleted", "project", id, {"name": project.name}, now)
        _evaluate(session, {id, *memberships.refresh(session, scopes, now)}, now)


def rules(hub: Hub, id: str, as_of: datetime | None = None) -> list[RuleInfo]:
    """Which items are the project's, and why."""
    with hub.work.read() as session:
        _stored(session, id, as_of)
        return _rules(session, id, as_of)


def replace_rules(hub: Hub, id: str, wanted: Sequence[NewRule], actor: str, decided: DecidedRules) -> list[RuleInfo]:
    """The project holds exactly what these rules take, and every project that gained or lost by it is evaluated; raises Invalid."""
    now = hub.now()
    with hub.work.write() as session:
        _lock(session, id, wanted)
        _stored(session, id, None)
        decided(_rules(session, id, None))
        if _fill(session, id, _checked(session, id, wanted), now):
            detail = {"rules": [{"scope_id": r.scope_id, "narrowing": r.narrowing, "value": r.value, "role": r.role} for r in wanted]}
            audit.record(session, actor, "project.rules_replaced", "project", id, detail, now)
        return _rules(session, id, None)


def _checked(session: Session, project_id: str, wanted: Sequence[NewRule]) -> list[StoredRule]:
    """The rules as they are stored; raises Invalid naming every fault at once."""
    names = rows.scope_names(session, {rule.scope_id for rule in wanted})
    faults: list[Fault] = []
    stored: dict[str, StoredRule] = {}
    if len(wanted) > MOST_RULES:
        raise Invalid("", f"A project has at most {MOST_RULES} rules.", code="too_many")
    for number, rule in enumerate(wanted):
        value = (rule.value or "").strip() or None
        if rule.scope_id not in names:
            faults.append(Fault(f"/{number}/scope_id", f"No connection reads a scope {rule.scope_id!r}.", "unknown"))
        if rule.narrowing == Narrowing.ALL and value is not None:
            faults.append(Fault(f"/{number}/value", "A rule that takes the whole scope has no value.", "unexpected"))
        if rule.narrowing != Narrowing.ALL and value is None:
            faults.append(Fault(f"/{number}/value", f"A rule by {rule.narrowing} needs a value.", "required"))
        if rule.history_until is not None and rule.role != Role.HISTORY:
            faults.append(Fault(f"/{number}/history_until", "Only a rule in the role history counts until a date.", "unexpected"))
        id_ = rows.rule_id(project_id, rule.scope_id, rule.narrowing, value)
        if id_ in stored:
            faults.append(Fault(f"/{number}", "The same rule is there twice.", "duplicate"))
        stored[id_] = StoredRule(id_, project_id, rule.scope_id, rule.narrowing, value, rule.role, rule.history_until)
    if faults:
        raise Invalid.of(faults)
    return list(stored.values())


def _fill(session: Session, id: str, wanted: Sequence[StoredRule], now: datetime) -> bool:
    """The project's rules are these, its items follow, and whoever gained or lost by it is evaluated; True when the rules changed."""
    scopes = {rule.scope_id for rule in (*rows.rules(session, id), *wanted)}
    changed = rows.replace_rules(session, id, wanted, now)
    touched = memberships.refresh(session, scopes, now) if changed else set()
    _evaluate(session, {id, *touched}, now)
    return changed


def _lock(session: Session, id: str, wanted: Sequence[NewRule]) -> None:
    """The project and the scopes that it is filled from stand still, in the order in which a sync takes them."""
    memberships.lock(session, {rule.scope_id for rule in rows.rules(session, id)} | {rule.scope_id for rule in wanted})
    measures.lock(session, [id])


def _evaluate(session: Session, project_ids: Collection[str], now: datetime) -> None:
    governance.refresh(session, sorted(project_ids), now)


def _stored(session: Session, id: str, as_of: datetime | None) -> StoredProject:
    stored = rows.get(session, id, as_of)
    if stored is None:
        ended = rows.ended_at(session, id) if as_of is None else None
        raise NotFound("project", id) if ended is None else Ended("project", id, "deleted", ended)
    return stored


def _info(session: Session, id: str, as_of: datetime | None) -> ProjectInfo:
    return _infos(session, [_stored(session, id, as_of)], as_of)[0]


def _infos(session: Session, stored: Sequence[StoredProject], as_of: datetime | None) -> list[ProjectInfo]:
    people = rows.people(session, [id_ for p in stored for id_ in (p.sponsor_id, p.manager_id)])
    placed = portfolios.holders(session, [p.id for p in stored], as_of)
    return [
        ProjectInfo(
            p.id, p.name, p.description, p.state, _person(people, p.sponsor_id), _person(people, p.manager_id), p.methodology, p.phase,
            p.classification, p.start, p.finish, p.currency, p.time_zone, p.tags, p.is_automatic, tuple(placed.get(p.id, ())),
            p.created_at,
        )
        for p in stored
    ]  # fmt: skip


def _person(people: Mapping[str, Person], id: str | None) -> Person | None:
    """Who it is; an account that was forgotten keeps its id and nothing else."""
    return None if id is None else people.get(id) or Person(id, None, None, None)


def _rules(session: Session, id: str, as_of: datetime | None) -> list[RuleInfo]:
    stored = rows.rules(session, id, as_of)
    names = rows.scope_names(session, {rule.scope_id for rule in stored})
    taken = memberships.counts(session, id) if as_of is None else None
    return [
        RuleInfo(
            r.id, r.scope_id, names.get(r.scope_id), r.narrowing, r.value, r.role, None if taken is None else taken.get(r.id, 0),
            r.history_until,
        )
        for r in stored
    ]  # fmt: skip
