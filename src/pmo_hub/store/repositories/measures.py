"""What the providers measure: projects with the state of their data, and their work items, read set-wise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from pmo_hub.domain.evidence import ItemFacts, ProjectFacts
from pmo_hub.domain.local_time import local_day, zone
from pmo_hub.domain.membership import Role
from pmo_hub.domain.vocabulary import DependencyType, IterationState, Kind, StatusCategory, Uncounted
from pmo_hub.store.bulk import in_parts, is_in
from pmo_hub.store.models.canonical import Dependency, Identity, ItemTiming, Iteration, WorkItem
from pmo_hub.store.models.people import PersonLink
from pmo_hub.store.models.portfolio import Project, ProjectMembership, ProjectRule
from pmo_hub.store.repositories import planned, same_as
from pmo_hub.store.repositories.freshness import Head, heads
from pmo_hub.store.unit_of_work import Session

# Items that only carry money or a closed past are not part of the plan that health speaks of.
PLANNED_ROLES = ("schedule", "execution")

# Sources without a flag say "blocked" as a status; these are the words that workflows use for it.
BLOCKED_WORDS = ("blocked", "impeded", "impediment", "on hold")

_ENDED = (StatusCategory.DONE.value, StatusCategory.CANCELLED.value)
_KINDS = {kind.value: kind for kind in Kind}
_CATEGORIES = {category.value: category for category in StatusCategory}
_TEXTS = msgspec.json.Decoder(tuple[str, ...])
_NO_LIST = ("[]", "null", None)

# Columns of tables, not of classes: rows are read as tuples, never as entities.
_MEMBERS = ProjectMembership.__table__.c
_ITEMS = WorkItem.__table__.c
_TIMINGS = ItemTiming.__table__.c
_PEOPLE = Identity.__table__.c
_PERSONS = PersonLink.__table__.c
_RULES = ProjectRule.__table__.c
_ITERATIONS = Iteration.__table__.c
_LINKS = Dependency.__table__.c
_PROJECTS = Project.__table__.c

Inputs = tuple[ProjectFacts, list[ItemFacts]]


def project_inputs(
    session: Session, project_ids: Collection[str], kinds: Collection[str] = (), today: date | None = None
) -> dict[str, Inputs]:
    """Each project that exists, with its counted items and its registers (of these kinds only, if any are named).

    A history's items count until the date that its rule names, which is compared with `today` (None: they don't). What is in the project
    twice, from two tools, is there once, with the values of whichever source is believed. A handful of queries however many projects
    there are.
    """
    projects = _projects(session, project_ids)
    held = planned.Shared()
    items, strangers = _items(session, {row.id: row.time_zone for row in projects}, kinds, today, held)
    plans = {} if kinds else planned.plan_facts(session, [row.id for row in projects], today, held)
    staff = planned.staff(session, plans.keys())
    for project_id, values in same_as.believed(session, [row.id for row in projects]).items():
        own = items[project_id]
        own[:] = [_believed(item, values.get(item.id)) for item in own]
    found = heads(session, [row.id for row in projects])
    told = {}
    for row in projects:
        own = items[row.id]
        facts = replace(_project(row, found[row.id], own, strangers), plan=plans.get(row.id))
        for n, item in enumerate(own):  # in their place: of a project of fifty thousand there are no two lists
            own[n] = _staffed(item, staff.get(item.id))
        told[row.id] = facts, own
    return told


def lock(session: Session, project_ids: Collection[str]) -> None:
    """Nobody else measures these projects until the transaction ends; what they committed before is seen from here on.

    SQLite has one writer anyway. Taken in the order of the ids, so that two that share projects wait instead of dying.
    """
    if project_ids:
        session.execute(sa.select(_PROJECTS.id).where(is_in(session, _PROJECTS.id, project_ids)).order_by(_PROJECTS.id).with_for_update())


def batches(session: Session, project_ids: Collection[str], most_items: int) -> Iterator[list[str]]:
    """The projects in groups of at most so many items (a larger project is a group of its own), so that memory stays bounded."""
    query = (
        sa.select(_MEMBERS.project_id, sa.func.count())
        .where(is_in(session, _MEMBERS.project_id, project_ids))
        .group_by(_MEMBERS.project_id)
    )
    sizes = {project: int(size) for project, size in session.execute(query)} if project_ids else {}
    group: list[str] = []
    filled = 0
    for project in sorted(set(project_ids)):
        size = sizes.get(project, 0) + 1
        if group and filled + size > most_items:
            yield group
            group, filled = [], 0
        group.append(project)
        filled += size
    if group:
        yield group


def _projects(session: Session, project_ids: Collection[str]) -> Sequence[Any]:
    if not project_ids:
        return ()
    query = (
        sa.select(
            _PROJECTS.id,
            _PROJECTS.name,
            _PROJECTS.sponsor_id,
            _PROJECTS.manager_id,
            _PEOPLE.is_active.label("manager_active"),
            _PROJECTS.methodology,
            _PROJECTS.phase,
            _PROJECTS.classification,
            _PROJECTS.start,
            _PROJECTS.finish,
            _PROJECTS.state,
            _PROJECTS.time_zone,
        )
        .select_from(Project.__table__)
        .outerjoin(Identity.__table__, _PEOPLE.id == _PROJECTS.manager_id)
        .where(is_in(session, _PROJECTS.id, project_ids))
        .order_by(_PROJECTS.id)
    )
    return session.execute(query).all()


def _project(row: Any, known: Head, items: Sequence[ItemFacts], strangers: Collection[str]) -> ProjectFacts:
    counted = [item for item in items if item.counts]
    assigned = [item.id not in strangers for item in counted if item.assignee_id is not None]
    return ProjectFacts(
        id=row.id,
        name=row.name,
        url=known.url,
        sponsor=row.sponsor_id,  # the id, never the name: facts are kept when a person is forgotten
        manager=row.manager_id,
        manager_active=row.manager_active,
        methodology=row.methodology,
        phase=row.phase,
        classification=row.classification,
        start=row.start,
        finish=row.finish,
        state=row.state,
        time_zone=row.time_zone,
        synced_at=known.synced_at,
        cadence_minutes=known.cadence_minutes,
        data_complete=known.complete,
        read_only_since=known.read_only_since,
        unmapped_share=_share(sum(item.kind is Kind.OTHER or not item.status for item in counted), len(counted)),
        unknown_people_share=(_share(assigned.count(False), len(assigned)) or 0.0) if counted else None,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _in_projects(session: Session, project_ids: Collection[str], today: date | None = None) -> sa.ColumnElement[bool]:
    counting: sa.ColumnElement[bool] = _MEMBERS.role.in_(PLANNED_ROLES)
    if today is not None:
        still = sa.exists().where(_RULES.id == _MEMBERS.rule_id, _RULES.history_until >= today)
        counting = sa.or_(counting, sa.and_(_MEMBERS.role == Role.HISTORY.value, still))
    return sa.and_(is_in(session, _MEMBERS.project_id, project_ids), counting)


def _is_past(item_id: Any, today: date | None) -> sa.ColumnElement[bool]:
    """Whether the item is in the member's project as history whose date has passed: a duplicate of it counts itself then."""
    past, rule = ProjectMembership.__table__.alias(), ProjectRule.__table__.alias()
    found = sa.exists().where(past.c.item_id == item_id, past.c.project_id == _MEMBERS.project_id, past.c.role == Role.HISTORY.value)
    return found if today is None else found.where(~sa.exists().where(rule.c.id == past.c.rule_id, rule.c.history_until >= today))


def _believed(item: ItemFacts, values: Mapping[str, Any] | None) -> ItemFacts:
    """The item with what is believed of it, where another tool has it too."""
    if values is None:
        return item
    return replace(
        item, start=values["planned_start"], due=values["due"] or values["planned_finish"], points=values["points"],
        estimate_hours=values["work_hours"], remaining_hours=values["remaining_hours"],
    )  # fmt: skip


def _staffed(item: ItemFacts, known: planned.Staff | None) -> ItemFacts:
    """The item with who works on it, where its tool names nobody on the item itself and a plan assigns somebody."""
    if known is None or item.assignee_id is not None:
        return item
    return replace(item, assignee_id=known.person_id, assignee_active=known.is_active, is_staffed=True)


def _items(
    session: Session, zones: dict[str, str], kinds: Collection[str], today: date | None, held: planned.Shared
) -> tuple[dict[str, list[ItemFacts]], set[str]]:
    """Each project's items in the order of their ids; and those whose assignee's account the hub does not know."""
    found: dict[str, list[ItemFacts]] = defaultdict(list)
    strangers: set[str] = set()
    if not zones:
        return found, strangers
    texts, times, numbers = held.texts, held.times, held.numbers
    waiting, unclear = _behind_predecessors(session, zones)
    ends = _active_iterations(session)
    query = (
        sa.select(
            _MEMBERS.project_id,
            _ITEMS.id,
            _ITEMS.key,
            _ITEMS.url,
            _ITEMS.title,
            _ITEMS.kind,
            _ITEMS.status_category,
            _ITEMS.original_status,
            # One human is counted once, under whichever account.
            sa.func.coalesce(_PERSONS.person_id, _ITEMS.assignee_id),
            _PEOPLE.is_active,
            _PEOPLE.id,
            _ITEMS.priority,
            _ITEMS.points,
            _ITEMS.work_hours,
            _ITEMS.remaining_hours,
            _ITEMS.created_at,
            _ITEMS.updated_at,
            sa.func.coalesce(_TIMINGS.started_at, _ITEMS.actual_start, type_=_ITEMS.actual_start.type),
            sa.func.coalesce(_TIMINGS.done_at, _ITEMS.actual_finish, type_=_ITEMS.actual_finish.type),
            _TIMINGS.status_since,
            _ITEMS.planned_start,
            sa.func.coalesce(_ITEMS.due, _ITEMS.planned_finish, type_=_ITEMS.due.type),
            _ITEMS.flagged,
            sa.cast(_ITEMS.iteration_ids, sa.Text),
            _ITEMS.resolution,
            sa.cast(_ITEMS.labels, sa.Text),
            _ITEMS.counts,
        )
        .select_from(ProjectMembership.__table__)
        .join(WorkItem.__table__, _ITEMS.id == _MEMBERS.item_id)
        .outerjoin(ItemTiming.__table__, _TIMINGS.id == _ITEMS.id)
        .outerjoin(Identity.__table__, _PEOPLE.id == _ITEMS.assignee_id)
        .outerjoin(PersonLink.__table__, _PERSONS.identity_id == _ITEMS.assignee_id)
        .where(
            _in_projects(session, zones, today),
            sa.or_(_ITEMS.counts.is_(True), _ITEMS.uncounted == Uncounted.REGISTER.value),
            ~same_as.is_duplicate(_ITEMS.id, unless=lambda counted: _is_past(counted, today)),
        )
        .order_by(_MEMBERS.project_id, _ITEMS.id)
    )
    if kinds:
        query = query.where(_ITEMS.kind.in_(sorted(kinds)))
    for (
        project, id_, key, url, title, kind, category, status, assignee, active, known, priority, points, estimate, remaining,
        created, updated, started, done, since, start, due, flagged, iterations, resolution, labels, counts,
    ) in in_parts(session, query):  # fmt: skip
        ended = category in _ENDED
        if known is None:
            strangers.add(id_)
        item = held.items[id_] = ItemFacts(
            id=id_, key=key, url=url, title=title, kind=_KINDS.get(kind, Kind.OTHER),
            status_category=_CATEGORIES[category],
            status=texts[status], assignee_id=texts[assignee], assignee_active=active, priority=priority, points=points,
            estimate_hours=numbers[estimate], remaining_hours=numbers[remaining], created_at=times[created], updated_at=times[updated],
            started_at=times[started],
            # A reopened item keeps the source's old end; it isn't over.
            done_at=times[done] if ended else None,
            status_since=times[since], start=times[start], due=times[due],
            blocked=_blocked(flagged, status, id_ in waiting, id_ in unclear),
            iteration_end=_last_end(iterations, ends, zones[project]),
            resolution=texts[resolution], labels=() if labels in _NO_LIST else _TEXTS.decode(labels), counts=counts,
        )  # fmt: skip
        found[project].append(item)
    return found, strangers


def _blocked(flagged: bool | None, status: str, waits: bool, unclear: bool) -> bool | None:
    if flagged or waits or _says_blocked(status):
        return True
    return None if unclear else False


@lru_cache(maxsize=1_000)
def _says_blocked(status: str) -> bool:
    return any(word in status.casefold() for word in BLOCKED_WORDS)


def _behind_predecessors(session: Session, project_ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Items that wait for an open predecessor, and those with a predecessor that the hub does not hold."""
    query = (
        sa.select(_LINKS.successor_id, _ITEMS.status_category)
        .select_from(Dependency.__table__)
        .join(ProjectMembership.__table__, _MEMBERS.item_id == _LINKS.successor_id)
        .outerjoin(WorkItem.__table__, _ITEMS.id == _LINKS.predecessor_id)
        .where(
            _in_projects(session, project_ids),
            _LINKS.dependency_type == DependencyType.FINISH_TO_START.value,
            sa.or_(_ITEMS.status_category.is_(None), _ITEMS.status_category.not_in(_ENDED)),
        )
    )
    waiting: set[str] = set()
    unclear: set[str] = set()
    for successor, category in session.execute(query):
        (unclear if category is None else waiting).add(successor)
    return waiting, unclear


def _active_iterations(session: Session) -> dict[str, datetime]:
    query = sa.select(_ITERATIONS.id, _ITERATIONS.ends_at).where(
        _ITERATIONS.state == IterationState.ACTIVE.value, _ITERATIONS.ends_at.is_not(None)
    )
    return {row.id: row.ends_at for row in session.execute(query)}


def _last_end(iterations: str | None, ends: dict[str, datetime], time_zone: str) -> date | None:
    if iterations in _NO_LIST or not ends or iterations is None:
        return None
    known = [ends[id_] for id_ in _TEXTS.decode(iterations) if id_ in ends]
    return local_day(max(known), zone(time_zone)) if known else None
