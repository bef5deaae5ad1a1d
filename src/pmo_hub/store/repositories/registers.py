"""The registers that sources keep as work items: risks with their owners, and probability and impact where a custom field holds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.store.bulk import is_in
from pmo_hub.store.models.canonical import CustomValue, Identity, WorkItem
from pmo_hub.store.models.portfolio import Project, ProjectMembership
from pmo_hub.store.unit_of_work import Session

_ITEMS = WorkItem.__table__.c
_MEMBERS = ProjectMembership.__table__.c
_PEOPLE = Identity.__table__.c
_PROJECTS = Project.__table__.c
_CUSTOM = CustomValue.__table__.c

LIKELIHOOD = ("likelihood", "probability", "risk likelihood", "risk probability")
IMPACT = ("impact", "severity", "risk impact", "consequence")
RESPONSE = ("response", "risk response", "mitigation", "mitigation plan")
"""What sources call these, in lower case; the first name that has a value counts."""

UNRANKED = -1
_ENDED = (StatusCategory.DONE.value, StatusCategory.CANCELLED.value)


@dataclass(frozen=True, slots=True)
class KeptRisk:
    """A risk item in one project. `rank` is its priority, or UNRANKED; the list's order."""

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

    @property
    def rank(self) -> int:
        return UNRANKED if self.priority is None else self.priority

    @property
    def place(self) -> str:
        """Breaks ties: an item may be in several projects of a portfolio."""
        return self.item_id + self.project_id


def risks(session: Session, project_ids: Collection[str], state: str | None, after: tuple[int, str] | None, limit: int) -> list[KeptRisk]:
    """Risk items by (priority, item and project), the most urgent first, those after that pair; `state` is open, closed or None."""
    if not project_ids:
        return []
    rank = sa.func.coalesce(_ITEMS.priority, UNRANKED)
    place = _ITEMS.id.concat(_MEMBERS.project_id)
    query = (
        sa.select(
            _MEMBERS.project_id,
            _PROJECTS.name,
            _ITEMS.id,
            _ITEMS.key,
            _ITEMS.url,
            _ITEMS.title,
            _ITEMS.original_status,
            _ITEMS.status_category,
            _ITEMS.assignee_id,
            _PEOPLE.name,
            _ITEMS.priority,
            _ITEMS.original_priority,
            _ITEMS.due,
            _ITEMS.updated_at,
        )
        .select_from(ProjectMembership.__table__)
        .join(WorkItem.__table__, _ITEMS.id == _MEMBERS.item_id)
        .join(Project.__table__, _PROJECTS.id == _MEMBERS.project_id)
        .outerjoin(Identity.__table__, _PEOPLE.id == _ITEMS.assignee_id)
        .where(is_in(session, _MEMBERS.project_id, project_ids), _ITEMS.kind == Kind.RISK.value)
        .order_by(rank.desc(), place)
        .limit(limit)
    )
    if state is not None:
        query = query.where(_ITEMS.status_category.in_(_ENDED) if state == "closed" else _ITEMS.status_category.not_in(_ENDED))
    if after is not None:
        query = query.where(sa.or_(rank < after[0], sa.and_(rank == after[0], place > after[1])))
    rows = session.execute(query).all()
    named = _custom(session, {row[2] for row in rows})
    return [KeptRisk(*row, *(_first(named[row[2]], names) for names in _ASKED)) for row in rows]


def _first(values: Mapping[str, str], names: Collection[str]) -> Any:
    return next((values[name] for name in names if name in values), None)


_ASKED = (LIKELIHOOD, IMPACT, RESPONSE)


def _custom(session: Session, item_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Item → name of a custom field in lower case → its value as text."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    if not item_ids:
        return found
    wanted = [name for names in _ASKED for name in names]
    query = (
        sa.select(_CUSTOM.item_id, sa.func.lower(_CUSTOM.name), _CUSTOM.text, _CUSTOM.number)
        .where(is_in(session, _CUSTOM.item_id, item_ids), sa.func.lower(_CUSTOM.name).in_(wanted))
        .order_by(_CUSTOM.id)
    )
    for item, name, text, number in session.execute(query):
        value = text if text is not None else None if number is None else f"{number:g}"
        if value:
            found[item].setdefault(name, value)
    return found
