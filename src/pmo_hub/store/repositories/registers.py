"""The registers that sources keep as work items: risks and issues with their owners, and what the register says of them.

Probability and impact are the register's own, or else what custom fields of these names hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import CustomValue, Identity, WorkItem
from pmo_hub.store.models.plans import Plan, RegisterEntry
from pmo_hub.store.models.portfolio import Project, ProjectMembership
from pmo_hub.store.repositories.known import rows_at
from pmo_hub.store.unit_of_work import Session

_PEOPLE = Identity.__table__.c

LIKELIHOOD = ("likelihood", "probability", "risk likelihood", "risk probability")
IMPACT = ("impact", "severity", "risk impact", "consequence")
RESPONSE = ("response", "risk response", "mitigation", "mitigation plan")
"""What sources call these, in lower case; the first name that has a value counts."""

UNRANKED = -1
_ENDED = (StatusCategory.DONE.value, StatusCategory.CANCELLED.value)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a register says of a risk or an issue. `probability` is 0..1, `impact` and `exposure` are on the source's own scale."""

    probability: float | None
    impact: float | None
    exposure: float | None
    cost: Decimal | None
    category: str | None
    mitigation: str | None
    contingency: str | None
    trigger: str | None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class KeptRisk:
    """A risk or an issue in one project. `rank` is its priority, or UNRANKED; the list's order.

    `likelihood`, `impact` and `response` are texts for people: a custom field's, or else the register's own.
    """

    project_id: str
    project_name: str
    item_id: str
    key: str
    url: str | None
    title: str
    status: str
    status_category: str
    owner_id: str | None
    owner_name: str | None
    priority: int | None
    original_priority: str | None
    due: date | None
    updated_at: datetime | None
    likelihood: str | None
    impact: str | None
    response: str | None
    entry: Entry | None = None

    @property
    def rank(self) -> int:
        return UNRANKED if self.priority is None else self.priority

    @property
    def place(self) -> str:
        """Breaks ties: an item may be in several projects of a portfolio."""
        return self.item_id + self.project_id


_COLUMNS = (
    "id", "key", "url", "title", "original_status", "status_category", "assignee_id", "priority", "original_priority", "due", "updated_at",
    "kind",
)  # fmt: skip
_ENTRY = ("probability", "impact", "exposure", "cost", "category", "mitigation", "contingency", "trigger")


def kept(
    session: Session,
    kind: Kind,
    project_ids: Collection[str],
    state: str | None,
    after: tuple[int, str] | None,
    limit: int,
    as_of: datetime | None = None,
) -> list[KeptRisk]:
    """Risks or issues by (priority, item and project), the most urgent first, those after that pair; `state` is open, closed or None."""
    if not project_ids:
        return []
    m = rows_at(ProjectMembership, as_of, ("project_id", "item_id"), lambda c: is_in(session, c.project_id, project_ids)).c
    members = sa.select(m.item_id).where(is_in(session, m.project_id, project_ids))
    i = rows_at(WorkItem, as_of, _COLUMNS, lambda c: c.id.in_(members)).c
    p = rows_at(Project, as_of, ("id", "name")).c
    rank = sa.func.coalesce(i.priority, UNRANKED)
    place = i.id.concat(m.project_id)
    query = (
        sa.select(
            m.project_id, p.name, i.id, i.key, i.url, i.title, i.original_status, i.status_category, i.assignee_id, _PEOPLE.name,
            i.priority, i.original_priority, i.due, i.updated_at,
        )
        .select_from(m.item_id.table)
        .join(i.id.table, i.id == m.item_id)
        .join(p.id.table, p.id == m.project_id)
        .outerjoin(Identity.__table__, _PEOPLE.id == i.assignee_id)
        .where(is_in(session, m.project_id, project_ids), i.kind == kind.value)
        .order_by(rank.desc(), place)
        .limit(limit)
    )  # fmt: skip
    if state is not None:
        query = query.where(i.status_category.in_(_ENDED) if state == "closed" else i.status_category.not_in(_ENDED))
    if after is not None:
        query = query.where(sa.or_(rank < after[0], sa.and_(rank == after[0], place > after[1])))
    rows: Any = session.execute(query).all()
    ids = {row[2] for row in rows}
    named, entries = _custom(session, ids, as_of), _entries(session, ids, as_of)
    found = []
    for row in rows:
        entry = entries.get(row[2])
        told: list[Any] = [*_told(named[row[2]], entry), entry]
        found.append(KeptRisk(*row, *told))
    return found


def _told(values: Mapping[str, str], entry: Entry | None) -> list[str | None]:
    """Likelihood, impact and response in words."""
    own: tuple[str | None, ...] = (None, None, None)
    if entry is not None:
        own = (_number(entry.probability), _number(entry.impact), entry.mitigation or entry.contingency)
    return [_first(values, names) or said for names, said in zip(_ASKED, own, strict=True)]


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def _first(values: Mapping[str, str], names: Collection[str]) -> str | None:
    return next((values[name] for name in names if name in values), None)


_ASKED = (LIKELIHOOD, IMPACT, RESPONSE)


def _entries(session: Session, item_ids: Collection[str], as_of: datetime | None) -> dict[str, Entry]:
    """Item → what a register says of it, with the currency of its scope's plan."""
    if not item_ids:
        return {}
    e = rows_at(RegisterEntry, as_of, ("item_id", *_ENTRY), lambda c: is_in(session, c.item_id, item_ids)).c
    i = rows_at(WorkItem, as_of, ("id", "scope_id"), lambda c: is_in(session, c.id, item_ids)).c
    p = rows_at(Plan, as_of, ("scope_id", "currency")).c
    query = (
        sa.select(e.item_id, *(e[n] for n in _ENTRY), sa.func.min(p.currency))
        .select_from(e.item_id.table)
        .outerjoin(i.id.table, i.id == e.item_id)
        .outerjoin(p.scope_id.table, p.scope_id == i.scope_id)
        .where(is_in(session, e.item_id, item_ids))
        .group_by(e.item_id, *(e[n] for n in _ENTRY))
    )
    rows: Any = session.execute(query)
    return {row[0]: Entry(*row[1:]) for row in rows}


def _custom(session: Session, item_ids: Collection[str], as_of: datetime | None) -> dict[str, dict[str, str]]:
    """Item → name of a custom field in lower case → its value as text."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if not item_ids:
        return found
    wanted = [name for names in _ASKED for name in names]
    c = rows_at(CustomValue, as_of, ("id", "item_id", "name", "text", "number"), lambda c: is_in(session, c.item_id, item_ids)).c
    query = (
        sa.select(c.item_id, sa.func.lower(c.name), c.text, c.number)
        .where(is_in(session, c.item_id, item_ids), sa.func.lower(c.name).in_(wanted))
        .order_by(c.id)
    )
    for item, name, text, number in session.execute(query):
        value = text if text is not None else _number(number)
        if value:
            found[item].setdefault(name, value)
    return found
