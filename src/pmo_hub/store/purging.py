"""Deleting what a scope or a connection brought, its past included, in batches; whatever a batch leaves is found again by the next.

Who only was mentioned by what goes (people, labels, components …) is noted first and goes at the end, where nothing else mentions it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pmo_hub.domain.identity import row_id
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub.store.base import Base
from pmo_hub.store.bulk import is_in, upsert
from pmo_hub.store.models import source as tables
from pmo_hub.store.models.canonical import HISTORY, Dependency, ItemTiming, WorkItem
from pmo_hub.store.models.many_tools import SameAs, SameAsRefusal
from pmo_hub.store.models.people import PersonLink
from pmo_hub.store.models.plans import CalendarException, EarnedValue, Plan, PlanValue, Schedule, StagePassage
from pmo_hub.store.repositories import people
from pmo_hub.store.rows import MODELS

PEOPLE_COLUMNS = frozenset({
    "assignee_id", "reporter_id", "actor_id", "author_id", "identity_id", "sponsor_id", "manager_id", "owner_id",
})  # fmt: skip
"""Columns that name an account, in whichever table."""

NAMED_BY: Mapping[RecordType, Collection[str]] = {
    RecordType.IDENTITY: PEOPLE_COLUMNS, RecordType.RESOURCE: ("resource_id",), RecordType.CALENDAR: ("calendar_id", "base_id"),
}  # fmt: skip
"""Records that a column of any table may name; its own parts name it in vain."""

PARTS: Mapping[RecordType, tuple[str, Sequence[type[Base]]]] = {
    RecordType.CALENDAR: ("calendar_id", (CalendarException,)),
    RecordType.PLAN: ("plan_id", (Schedule, EarnedValue, StagePassage, PlanValue)),
}  # fmt: skip
"""What goes with a record, and by which column it names that."""

_NAMES = {column: kind for kind, columns in NAMED_BY.items() for column in columns}

LISTS: Mapping[str, RecordType] = {
    "component_ids": RecordType.COMPONENT, "version_ids": RecordType.VERSION, "iteration_ids": RecordType.ITERATION,
    "labels": RecordType.LABEL,
}  # fmt: skip
"""JSON columns of work items; `labels` holds names, the others ids."""

_PAYLOADS: Any = tables.Payload.__table__
_PAYLOADS_HISTORY: Any = tables.PayloadHistory.__table__
_CLAIMS: Any = tables.Claim.__table__
_MISSING: Any = tables.Missing.__table__
_TOMBSTONES: Any = tables.Tombstone.__table__
_CANDIDATES: Any = tables.PurgeCandidate.__table__
_ITEMS: Any = WorkItem.__table__
_DEPENDENCIES: Any = Dependency.__table__


@dataclass(frozen=True, slots=True)
class Part:
    """The payloads of scopes, or a connection's own that are of no scope."""

    scope_ids: Collection[str] = ()
    connection_id: str | None = None

    def where(self, session: Session) -> sa.ColumnElement[bool]:
        if self.connection_id is None:
            return is_in(session, _PAYLOADS.c.scope_id, self.scope_ids)
        return sa.and_(_PAYLOADS.c.connection_id == self.connection_id, _PAYLOADS.c.scope_id.is_(None))


def purge_payloads(session: Session, removal_id: str, namespace: str, part: Part, limit: int) -> Counter[str]:
    """Delete up to `limit` payloads of the part, with what only they own; empty when there is none left."""
    deleted: Counter[str] = Counter()
    ids = list(session.scalars(sa.select(_PAYLOADS.c.id).where(part.where(session)).order_by(_PAYLOADS.c.id).limit(limit)))
    if not ids:
        return deleted
    claims = session.execute(sa.select(_CLAIMS).where(is_in(session, _CLAIMS.c.payload_id, ids))).all()
    session.execute(sa.delete(_CLAIMS).where(is_in(session, _CLAIMS.c.payload_id, ids)))
    records: dict[str, set[str]] = defaultdict(set)
    held = set(session.scalars(sa.select(_CLAIMS.c.record_id).where(is_in(session, _CLAIMS.c.record_id, {c.record_id for c in claims}))))
    for claim in claims:
        if claim.record_id not in held:
            records[claim.record_type].add(claim.record_id)
    for kind, owned in records.items():
        if kind == RecordType.WORK_ITEM:
            deleted += purge_items(session, removal_id, namespace, owned)
        else:
            deleted += _purge_rows(session, removal_id, MODELS[RecordType(kind)], owned)
            deleted += _purge_parts(session, removal_id, RecordType(kind), owned)
    for table, column in ((_PAYLOADS_HISTORY, "id"), (_MISSING, "payload_id"), (_PAYLOADS, "id")):
        deleted[table.name] += _delete(session, table, is_in(session, table.c[column], ids))
    return deleted


def leftover_items(session: Session, scope_ids: Collection[str], limit: int) -> list[str]:
    """Items of these scopes that no payload owns any more: most ended while the scope was read. One that moved on isn't theirs."""
    history = HISTORY[_ITEMS.name]
    current = list(session.scalars(sa.select(_ITEMS.c.id).where(is_in(session, _ITEMS.c.scope_id, scope_ids)).limit(limit)))
    if current:
        return current
    other = history.alias()
    there = sa.exists().where(_ITEMS.c.id == history.c.id)
    elsewhere = sa.exists().where(other.c.id == history.c.id, sa.not_(is_in(session, other.c.scope_id, scope_ids)))
    query = sa.select(history.c.id).where(is_in(session, history.c.scope_id, scope_ids), ~there, ~elsewhere)
    return list(session.scalars(query.distinct().limit(limit)))


def purge_versions(session: Session, scope_ids: Collection[str], limit: int) -> int:
    """Delete what is known of the time that items which moved on spent in these scopes; 0 when there is none left."""
    history = HISTORY[_ITEMS.name]
    within = is_in(session, history.c.scope_id, scope_ids)
    ids = list(session.scalars(sa.select(history.c.id).where(within).distinct().limit(limit)))
    return _delete(session, history, sa.and_(within, is_in(session, history.c.id, ids))) if ids else 0


def purge_plans(session: Session, removal_id: str, scope_ids: Collection[str], limit: int) -> Counter[str]:
    """Delete up to `limit` plans of these scopes that no payload owns any more, with what is theirs; empty when there is none left."""
    deleted: Counter[str] = Counter()
    ids: set[str] = set()
    for table in _with_history(Plan):
        ids.update(session.scalars(sa.select(table.c.id).where(is_in(session, table.c.scope_id, scope_ids)).distinct().limit(limit)))
    if ids:
        deleted += _purge_parts(session, removal_id, RecordType.PLAN, ids)
        deleted += _purge_rows(session, removal_id, Plan, ids)
    return deleted


def purge_items(session: Session, removal_id: str, namespace: str, ids: Collection[str]) -> Counter[str]:
    """Delete these items with everything that is theirs, derived rows, memberships and the past included."""
    deleted: Counter[str] = Counter()
    names: dict[RecordType, set[str]] = defaultdict(set)
    for table in _with_history(WorkItem):
        for row in session.execute(sa.select(*(table.c[n] for n in LISTS)).where(is_in(session, table.c.id, ids))):
            for column, kind in LISTS.items():
                names[kind].update(getattr(row, column) or ())
    names[RecordType.LABEL] = {row_id(namespace, RecordType.LABEL, name) for name in names[RecordType.LABEL]}
    for kind, found in names.items():
        _note(session, removal_id, kind, found)
    for model in _item_models():
        deleted += _purge_where(session, removal_id, model, "item_id", ids)
    deleted += _purge_where(session, removal_id, SameAs, "duplicate_id", ids)
    deleted += _purge_dependencies(session, removal_id, ids)
    deleted += _purge_rows(session, removal_id, ItemTiming, ids)
    deleted += _purge_rows(session, removal_id, WorkItem, ids)
    session.execute(sa.delete(_CLAIMS).where(is_in(session, _CLAIMS.c.record_id, ids)))
    refused: Any = SameAsRefusal.__table__
    told_apart = sa.or_(is_in(session, refused.c.item_id, ids), is_in(session, refused.c.duplicate_id, ids))
    session.execute(sa.delete(refused).where(told_apart))
    pending: Any = tables.PendingDerivation.__table__
    session.execute(sa.delete(pending).where(is_in(session, pending.c.item_id, ids)))
    return deleted


def sweep(session: Session, removal_id: str, limit: int) -> Counter[str] | None:
    """Delete those of up to `limit` noted records that nothing mentions any more; None when none is noted."""
    c = _CANDIDATES.c
    kind = session.scalar(sa.select(c.record_type).where(c.removal_id == removal_id).order_by(c.record_type).limit(1))
    if kind is None:
        return None
    own = (c.removal_id == removal_id, c.record_type == kind)
    ids = set(session.scalars(sa.select(c.record_id).where(*own).order_by(c.record_id).limit(limit)))
    session.execute(sa.delete(_CANDIDATES).where(*own, is_in(session, c.record_id, ids)))
    claimed = set(session.scalars(sa.select(_CLAIMS.c.record_id).where(is_in(session, _CLAIMS.c.record_id, ids))))
    free = ids - claimed
    free -= _named(session, RecordType(kind), free) if kind in NAMED_BY else _listed(session, RecordType(kind), free)
    if kind == RecordType.IDENTITY:
        people.forget(session, free)
    return _purge_rows(session, removal_id, MODELS[RecordType(kind)], free) + _purge_parts(session, removal_id, RecordType(kind), free)


def _named(session: Session, kind: RecordType, ids: Collection[str]) -> set[str]:
    """Those of the records that any row names, now or in the past."""
    found: set[str] = set()
    parts = {PersonLink.__tablename__, *(table.name for model in PARTS.get(kind, ("", ()))[1] for table in _with_history(model))}
    for table in Base.metadata.sorted_tables:
        for column in table.c:
            if column.name in NAMED_BY[kind] and table.name not in parts:
                found.update(session.scalars(sa.select(column).where(is_in(session, column, ids)).distinct()))
    return found


def _listed(session: Session, kind: RecordType, ids: Collection[str]) -> set[str]:
    """Those of the records that a work item lists, now or in the past."""
    (column,) = (name for name, listed in LISTS.items() if listed is kind)
    texts = {i: i for i in ids}
    if kind is RecordType.LABEL:
        table: Any = MODELS[kind].__table__
        texts = {r.name: r.id for r in session.execute(sa.select(table.c.id, table.c.name).where(is_in(session, table.c.id, ids)))}
    found: set[str] = set()
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    for items in _with_history(WorkItem):
        unfold = sa.func.jsonb_array_elements_text if is_postgresql else sa.func.json_each
        each = unfold(items.c[column]).table_valued("value")
        query = sa.select(each.c.value).select_from(items.join(each, sa.true())).where(is_in(session, each.c.value, texts)).distinct()
        found.update(texts[text] for text in session.scalars(query))
    return found


def _item_models() -> Iterator[type[Base]]:
    """Models whose rows belong to an item."""
    derived = [m.class_ for m in Base.registry.mappers if m.class_.__tablename__ in HISTORY and m.class_ not in MODELS.values()]
    for model in (*MODELS.values(), *sorted(derived, key=lambda m: str(m.__tablename__))):
        if "item_id" in model.__table__.c:
            yield model


def _purge_where(session: Session, removal_id: str, model: type[Base], column: str, values: Collection[str]) -> Counter[str]:
    """Delete the rows of these values with their past; of one that has another value now, only its past with these."""
    ids: set[str] = set()
    for table in _with_history(model):
        ids.update(session.scalars(sa.select(table.c.id).where(is_in(session, table.c[column], values))))
    current, *past = _with_history(model)
    elsewhere = sa.and_(is_in(session, current.c.id, ids), sa.not_(is_in(session, current.c[column], values)))
    moved = set(session.scalars(sa.select(current.c.id).where(elsewhere)))
    deleted = _purge_rows(session, removal_id, model, ids - moved)
    for history in past if moved else ():
        within = sa.and_(is_in(session, history.c.id, moved), is_in(session, history.c[column], values))
        deleted[history.name] += _purge_from(session, removal_id, history, within)
    return deleted


def _purge_dependencies(session: Session, removal_id: str, item_ids: Collection[str]) -> Counter[str]:
    """Links of the items that nobody claims: one that its other end still tells of lives on."""
    ids: set[str] = set()
    for table in _with_history(Dependency):
        for end in ("predecessor_id", "successor_id"):
            ids.update(session.scalars(sa.select(table.c.id).where(is_in(session, table.c[end], item_ids))))
    ids -= set(session.scalars(sa.select(_DEPENDENCIES.c.id).where(is_in(session, _DEPENDENCIES.c.id, ids))))
    return _purge_rows(session, removal_id, Dependency, ids)


def _purge_rows(session: Session, removal_id: str, model: type[Base], ids: Collection[str]) -> Counter[str]:
    """Delete these rows with their past and tombstones, noting the accounts, resources and calendars that they name."""
    deleted: Counter[str] = Counter()
    if not ids:
        return deleted
    for table in _with_history(model):
        deleted[table.name] += _purge_from(session, removal_id, table, is_in(session, table.c.id, ids))
    deleted["tombstones"] += _delete(session, _TOMBSTONES, is_in(session, _TOMBSTONES.c.id, ids))
    return deleted


def _purge_from(session: Session, removal_id: str, table: Any, within: sa.ColumnElement[bool]) -> int:
    for column in table.c:
        if column.name in _NAMES:
            named = session.scalars(sa.select(column).where(within, column.is_not(None)).distinct())
            _note(session, removal_id, _NAMES[column.name], set(named))
    return _delete(session, table, within)


def _purge_parts(session: Session, removal_id: str, kind: RecordType, ids: Collection[str]) -> Counter[str]:
    """Delete what goes with these records, whether or not it is there still."""
    deleted: Counter[str] = Counter()
    column, models = PARTS.get(kind, ("", ()))
    for model in models:
        deleted += _purge_where(session, removal_id, model, column, ids)
    return deleted


def _note(session: Session, removal_id: str, kind: RecordType, ids: Collection[str]) -> None:
    upsert(session, _CANDIDATES, ("removal_id", "record_type", "record_id"), [(removal_id, kind.value, i) for i in sorted(ids)])


def _with_history(model: type[Base]) -> Sequence[Any]:
    table: Any = model.__table__
    history = HISTORY.get(table.name)
    return (table,) if history is None else (table, history)


def _delete(session: Session, table: Any, where: sa.ColumnElement[bool]) -> int:
    result: Any = session.execute(sa.delete(table).where(where))
    return int(result.rowcount)


def purge_entity(session: Session, entity_ids: Collection[str]) -> Counter[str]:
    """Delete the facts, results and violations of these projects or connections, their past included."""
    deleted: Counter[str] = Counter()
    for name in ("facts", "evaluations"):
        for table in (Base.metadata.tables[name], HISTORY[name]):
            deleted[table.name] += _delete(session, table, is_in(session, table.c.entity_id, entity_ids))
    violations = Base.metadata.tables["violations"]
    about = sa.or_(is_in(session, violations.c.project_id, entity_ids), is_in(session, violations.c.entity_id, entity_ids))
    waivers, states = Base.metadata.tables["waivers"], Base.metadata.tables["project_states"]
    deleted["waivers"] += _delete(session, waivers, waivers.c.violation_id.in_(sa.select(violations.c.id).where(about)))
    deleted["violations"] += _delete(session, violations, about)
    deleted["project_states"] += _delete(session, states, is_in(session, states.c.project_id, entity_ids))
    return deleted


def purge_projects(session: Session, project_ids: Collection[str]) -> Counter[str]:
    """Delete these projects with their rules, memberships, placements, facts, results and violations, their past included."""
    deleted = purge_entity(session, project_ids)
    columns = {
        "projects": "id", "project_precedences": "id", "project_rules": "project_id", "project_memberships": "project_id",
        "placements": "child_id",
    }  # fmt: skip
    for name, column in columns.items():
        for table in (Base.metadata.tables[name], HISTORY[name]):
            deleted[table.name] += _delete(session, table, is_in(session, table.c[column], project_ids))
    return deleted
