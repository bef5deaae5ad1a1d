"""What the providers measure of plans: the lines and the earned value of the scopes that a project believes, read set-wise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.earned_value import Amounts, total
from pmo_hub.domain.evidence import ItemFacts
from pmo_hub.domain.membership import Role
from pmo_hub.domain.planned import PlanEarned, PlanFacts, PlanHead, PlanLine
from pmo_hub.domain.sources import EARNED, SCHEDULED, Precedence, believed
from pmo_hub.domain.vocabulary import ResourceKind, StatusCategory
from pmo_hub.store.bulk import in_parts, is_in
from pmo_hub.store.models.canonical import Identity, WorkItem
from pmo_hub.store.models.people import PersonLink
from pmo_hub.store.models.plans import Assignment, Baseline, EarnedValue, Resource, Schedule
from pmo_hub.store.models.portfolio import ProjectMembership
from pmo_hub.store.repositories import plans as stored
from pmo_hub.store.repositories import same_as
from pmo_hub.store.repositories.plans import StoredEarnedValue, StoredPlan, Taking
from pmo_hub.store.unit_of_work import Session

_ITEMS: Any = WorkItem.__table__
_MEMBERS: Any = ProjectMembership.__table__
_SCHEDULES: Any = Schedule.__table__
_BASELINES: Any = Baseline.__table__
_EARNED: Any = EarnedValue.__table__
_ASSIGNMENTS: Any = Assignment.__table__
_RESOURCES: Any = Resource.__table__
_PEOPLE: Any = Identity.__table__
_PERSONS: Any = PersonLink.__table__

_ENDED = (StatusCategory.DONE.value, StatusCategory.CANCELLED.value)


class Once(dict[Any, Any]):
    """Each value as the object that it was first met as: what many rows have in common is held once."""

    def __missing__(self, value: Any) -> Any:
        self[value] = value
        return value


@dataclass(frozen=True, slots=True)
class Shared:
    """What the rows of one reading have in common, by type: equal values of different types are not the same. `items` are by id."""

    items: dict[str, ItemFacts] = field(default_factory=dict)
    texts: Once = field(default_factory=Once)
    times: Once = field(default_factory=Once)
    amounts: Once = field(default_factory=Once)
    numbers: Once = field(default_factory=Once)


@dataclass(frozen=True, slots=True)
class Staff:
    """Whom a plan assigns to an item: a human, under whichever account, or None where it is a team, a role or a machine."""

    person_id: str | None
    is_active: bool | None


def roles(takings: Sequence[Taking], today: date | None) -> dict[str, set[str]]:
    """Scope → the roles that it has in the project today: a history only until its date (`today` None: never)."""
    found: dict[str, set[str]] = {}
    for one in takings:
        is_over = one.history_until is None or today is None or one.history_until < today
        if one.role != Role.HISTORY or not is_over:
            found.setdefault(one.scope_id, set()).add(one.role)
    return found


def newest_of_plan(found: Sequence[StoredEarnedValue]) -> dict[str, StoredEarnedValue]:
    """The first row of each plan."""
    first: dict[str, StoredEarnedValue] = {}
    for one in found:
        first.setdefault(one.plan_id, one)
    return first


def plan_facts(session: Session, project_ids: Collection[str], today: date | None, held: Shared | None = None) -> dict[str, PlanFacts]:
    """Project → what the plans say that feed it; whom no plan feeds is left out. Two queries where there is no plan at all.

    Values that are `held` already are not held twice.
    """
    if not project_ids:
        return {}
    takings = stored.takings(session, project_ids)
    plans = stored.of_scopes(session, {one.scope_id for some in takings.values() for one in some})
    if not plans:
        return {}
    of_scope: dict[str, list[StoredPlan]] = defaultdict(list)
    for plan in plans:
        of_scope[plan.scope_id].append(plan)
    fed = {project: some for project, some in takings.items() if any(one.scope_id in of_scope for one in some)}
    times = stored.working_times(session, {plan.calendar_id for plan in plans if plan.calendar_id is not None})
    orders = same_as.precedence(session, fed.keys())
    lines = _lines(session, fed.keys(), held or Shared())
    of_plan = newest_of_plan(stored.earned_values(session, [plan.id for plan in plans]))
    summed = {
        plan.id
        for some in fed.values()
        for one in some
        for plan in of_scope.get(one.scope_id, ())
        if not (one.is_whole and plan.id in of_plan)
    }
    of_items = _earned_items(session, fed.keys(), summed)
    found = {}
    for project, some in fed.items():
        counting = {scope: names for scope, names in roles(some, today).items() if scope in of_scope}
        whole = {one.scope_id for one in some if one.is_whole}
        order, own = orders.get(project, {}), lines[project]
        earned = _earned(counting, whole, of_scope, of_plan, of_items[project])
        with_lines = {scope: names for scope, names in counting.items() if scope in own}
        found[project] = PlanFacts(
            plans=tuple(
                PlanHead(plan.id, plan.name, plan.url, plan.currency, plan.hours_per_day, times.get(plan.calendar_id or ""))
                for scope in sorted(counting)
                for plan in of_scope[scope]
            ),
            lines=_of(own, with_lines, SCHEDULED, order),
            cost_lines=_of(own, {scope: n for scope, n in with_lines.items() if any(_is_priced(x) for x in own[scope])}, EARNED, order),
            earned=_of(earned, {scope: names for scope, names in counting.items() if scope in earned}, EARNED, order),
        )
    return found


def _of(own: Mapping[str, Sequence[Any]], sources: Mapping[str, Collection[str]], field: str, order: Precedence) -> tuple[Any, ...]:
    scopes, _ = believed(field, sources, order)
    return tuple(one for scope in sorted(scopes) for one in own[scope])


def _is_priced(line: PlanLine) -> bool:
    return bool(line.baseline_cost) and line.cost is not None


def _lines(session: Session, project_ids: Collection[str], held: Shared) -> dict[str, dict[str, list[PlanLine]]]:
    """Project → scope → the lines of plans that count, in the order of their ids, the duplicates of other tools' items among them.

    Agreed is an item's baseline 0; of two that a source gives that number, the one that the hub knew last.
    """
    m, i, s, b = _MEMBERS.c, _ITEMS.c, _SCHEDULES.c, _BASELINES.c
    query = (
        sa.select(
            m.project_id, i.scope_id, i.id, i.key, i.url, s.plan_id, i.status_category,
            sa.func.coalesce(s.actual_starts_at, s.starts_at, type_=s.starts_at.type), s.finishes_at, s.actual_finishes_at, s.deadline,
            s.duration_hours, i.percent_complete, s.cost, b.starts_at, b.finishes_at, b.cost,
        )
        .select_from(_MEMBERS)
        .join(_SCHEDULES, s.item_id == m.item_id)
        .join(_ITEMS, i.id == m.item_id)
        .outerjoin(_BASELINES, sa.and_(b.item_id == m.item_id, b.number == 0))
        .where(is_in(session, m.project_id, project_ids), i.counts.is_(True))
        .order_by(m.project_id, i.id, s.plan_id, b.recorded_from, b.id.desc())
    )  # fmt: skip
    texts, times, amounts, numbers = held.texts, held.times, held.amounts, held.numbers
    found: dict[str, dict[str, list[PlanLine]]] = defaultdict(lambda: defaultdict(list))
    for (
        project, scope, id_, key, url, plan, category, start, finish, actual_finish, deadline, hours, percent, cost,
        baseline_start, baseline_finish, baseline_cost,
    ) in in_parts(session, query):  # fmt: skip
        ended = category in _ENDED
        item = held.items.get(id_)
        line = PlanLine(
            id_ if item is None else item.id, key if item is None else item.key, url, texts[plan], ended, times[start],
            times[(actual_finish or finish) if ended else finish], times[deadline], numbers[hours], numbers[percent], amounts[cost],
            times[baseline_start], times[baseline_finish], amounts[baseline_cost],
        )  # fmt: skip
        own = found[texts[project]][texts[scope]]
        if own and (own[-1].id, own[-1].plan_id) == (line.id, line.plan_id):
            own.pop()  # an older baseline
        own.append(line)
    return found


def _earned(
    counting: Mapping[str, Collection[str]],
    whole: Collection[str],
    of_scope: Mapping[str, Sequence[StoredPlan]],
    of_plan: Mapping[str, StoredEarnedValue],
    of_items: Mapping[str, PlanEarned],
) -> dict[str, list[PlanEarned]]:
    """Scope → the earned value of its plans: the tool's own where the project takes all of the plan, else that of the items it takes."""
    found: dict[str, list[PlanEarned]] = defaultdict(list)
    for scope in sorted(counting):
        for plan in of_scope[scope]:
            own, parts = of_plan.get(plan.id), of_items.get(plan.id)
            if own is not None and scope in whole:
                found[scope].append(PlanEarned(plan.id, own.at, own.is_stale, own.amounts))
            elif parts is not None:
                found[scope].append(parts)
    return found


def _earned_items(session: Session, project_ids: Collection[str], plan_ids: Collection[str]) -> dict[str, dict[str, PlanEarned]]:
    """Project → plan (of these) → the newest earned value of each of its items that counts, summed up."""
    if not plan_ids:
        return defaultdict(dict)
    m, i, e = _MEMBERS.c, _ITEMS.c, _EARNED.c
    names = tuple(StoredEarnedValue.__slots__)
    nth = sa.func.row_number().over(partition_by=(m.project_id, e.item_id), order_by=(e.at.is_(None), e.at.desc(), e.id)).label("nth")
    ranked = (
        sa.select(m.project_id, *(e[n] for n in names), nth)
        .select_from(_MEMBERS)
        .join(_EARNED, e.item_id == m.item_id)
        .join(_ITEMS, i.id == m.item_id)
        .where(is_in(session, m.project_id, project_ids), is_in(session, e.plan_id, plan_ids), i.counts.is_(True))
        .subquery("ranked")
    )
    r = ranked.c
    query = sa.select(r.project_id, *(r[n] for n in names)).where(r.nth == 1).order_by(r.project_id, r.plan_id, r.id)
    found: dict[str, dict[str, PlanEarned]] = defaultdict(dict)
    rows = ((project, StoredEarnedValue(*values)) for project, *values in session.execute(query))
    for (project, plan), parts in groupby(rows, key=lambda row: (row[0], row[1].plan_id)):
        found[project][plan] = _summed(plan, (part for _, part in parts))
    return found


def _summed(plan_id: str, parts: Iterable[StoredEarnedValue]) -> PlanEarned:
    """The parts together, each looked at once. Whether the sum is stale is unknown where it is of any part, and none is."""
    dates: set[datetime] = set()
    stale: set[bool | None] = set()
    count = 0

    def seen() -> Iterator[Amounts]:
        nonlocal count
        for part in parts:
            count += 1
            stale.add(part.is_stale)
            if part.at is not None:
                dates.add(part.at)
            yield part.amounts

    amounts = total(seen())
    return PlanEarned(plan_id, max(dates, default=None), True if True in stale else None if None in stale else False, amounts, count)


def staff(session: Session, project_ids: Collection[str]) -> dict[str, Staff]:
    """Item that names nobody itself → whom a plan assigns: of several the human with the largest part, else whatever is assigned."""
    if not project_ids:
        return {}
    m, a, r = _MEMBERS.c, _ASSIGNMENTS.c, _RESOURCES.c
    query = (
        sa.select(a.item_id, sa.func.coalesce(_PERSONS.c.person_id, r.identity_id), _PEOPLE.c.is_active)
        .select_from(_MEMBERS)
        .join(_ITEMS, sa.and_(_ITEMS.c.id == m.item_id, _ITEMS.c.assignee_id.is_(None)))
        .join(_ASSIGNMENTS, a.item_id == m.item_id)
        .outerjoin(_RESOURCES, r.id == a.resource_id)
        .outerjoin(_PEOPLE, _PEOPLE.c.id == r.identity_id)
        .outerjoin(_PERSONS, _PERSONS.c.identity_id == r.identity_id)
        .where(is_in(session, m.project_id, project_ids), sa.or_(r.kind.is_(None), r.kind == ResourceKind.WORK.value))
        .order_by(a.item_id, r.identity_id.is_(None), a.work_hours.is_(None), a.work_hours.desc(), a.units.desc(), a.id)
    )
    found: dict[str, Staff] = {}
    for item, person, active in session.execute(query):
        found.setdefault(item, Staff(person, active))
    return found
