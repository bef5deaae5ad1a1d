"""Work items on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.domain.vocabulary import Field as ChangedField
from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.services.work_items import Version
from pmo_hub.store.repositories.work_item_details import Details, Related
from pmo_hub.store.repositories.work_items import StoredItem, StoredTransition

AS_OF = "the instant that was asked for; null is now"


class ListedItemView(BaseModel):
    """A work item; null is unknown, or nothing there.

    One that is `reconstructed` was put together from the source's own record, for an instant before the hub knew it: what that record
    does not tell is null, never what it is today.
    """

    id: str
    key: str | None
    title: str | None
    url: str | None = Field(description="where it is in its source")
    scope_id: str | None
    kind: Kind | None
    original_type: str | None = Field(description="what its source calls it")
    status_category: StatusCategory | None
    original_status: str | None = Field(description="what its source calls it")
    resolution: str | None
    parent_id: str | None
    assignee_id: str | None
    assignee_name: str | None = Field(description="what the account is called now")
    priority: int | None = Field(description="0 to 100, 100 the most urgent")
    original_priority: str | None
    created_at: datetime | None
    updated_at: datetime | None = Field(description="when its source changed it last")
    planned_start: date | None
    planned_finish: date | None
    actual_start: datetime | None
    actual_finish: datetime | None
    due: date | None
    points: float | None
    work_hours: float | None = Field(description="planned work, in working hours")
    spent_hours: float | None
    remaining_hours: float | None
    percent_complete: float | None
    flagged: bool | None
    labels: list[str] | None
    is_active: bool | None
    counts: bool | None = Field(description="whether measures count it")
    uncounted: str | None = Field(description="why they do not")
    recorded_from: datetime | None = Field(description="since when the hub has known this version")
    reconstructed: bool


class WorkItemPage(BaseModel):
    items: list[ListedItemView]
    next_cursor: str | None = None
    as_of: datetime | None = Field(None, description=AS_OF)


class ReferredView(BaseModel):
    """A component, a version or a project; its name is null where it can't be told."""

    id: str
    name: str | None


class IterationView(ReferredView):
    state: Literal["future", "active", "closed"] | None
    starts_at: datetime | None
    ends_at: datetime | None


class DependencyView(BaseModel):
    """Another item that this one waits for (`predecessor`) or that waits for this one (`successor`)."""

    role: Literal["predecessor", "successor"]
    type: Literal["FS", "SS", "FF", "SF"]
    id: str
    key: str | None = Field(description="null where the hub does not hold the item")
    title: str | None
    url: str | None
    status_category: StatusCategory | None


class TimingView(BaseModel):
    """When work began and ended, by the history of its status."""

    started_at: datetime | None
    done_at: datetime | None
    status_since: datetime | None
    reopened: int | None
    due_moves: int | None = Field(description="how often one due date was changed to another")


class LinksView(BaseModel):
    source: str | None
    transitions: str
    history: str


class WorkItemView(ListedItemView):
    """A work item and what surrounds it."""

    description: str | None
    external_id: str
    scope_name: str | None
    reporter_id: str | None
    reporter_name: str | None
    parent_key: str | None
    parent_url: str | None
    timing: TimingView | None
    iterations: list[IterationView] | None
    components: list[ReferredView] | None
    versions: list[ReferredView] | None
    projects: list[ReferredView] | None = Field(description="the projects that it is in; null where that can't be told")
    dependencies: list[DependencyView] | None
    links: LinksView
    as_of: datetime | None = Field(None, description=AS_OF)


class TransitionView(BaseModel):
    """A change that the source recorded; ids and texts are its own."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    at: datetime
    field: ChangedField
    original_field: str
    from_id: str | None
    from_text: str | None
    to_id: str | None
    to_text: str | None
    actor_id: str | None
    actor_name: str | None


class RecordedVersionView(BaseModel):
    """The item as the hub knew it from `recorded_from` until `recorded_to` (null: it still does)."""

    recorded_from: datetime
    recorded_to: datetime | None
    changed: list[str] | None = Field(description="the fields in which it differs from the version before; null for the first one")
    item: ListedItemView


_LISTED = tuple(name for name in ListedItemView.model_fields)


def listed_view(item: StoredItem) -> ListedItemView:
    return ListedItemView(**{name: getattr(item, name) for name in _LISTED})


def work_item_view(found: Details, as_of: datetime | None) -> WorkItemView:
    item = found.item
    values = {name: getattr(item, name) for name in _LISTED}
    timing = found.timing
    around = found.related
    path = f"/api/v1/work-items/{item.id}"
    return WorkItemView(
        **values | {"assignee_name": found.assignee_name},
        description=found.description,
        external_id=item.external_id,
        scope_name=found.scope_name,
        reporter_id=item.reporter_id,
        reporter_name=found.reporter_name,
        parent_key=found.parent_key,
        parent_url=found.parent_url,
        timing=None
        if timing is None
        else TimingView(
            started_at=timing.started_at, done_at=timing.done_at, status_since=timing.status_since, reopened=timing.reopened,
            due_moves=timing.due_moves,
        ),
        iterations=_iterations(item, around),
        components=_named(item.component_ids, around, "component"),
        versions=_named(item.version_ids, around, "version"),
        projects=None if around is None else [ReferredView(id=one.id, name=one.name) for one in around if one.role == "project"],
        dependencies=None if around is None else [_dependency(one) for one in around if one.role in ("predecessor", "successor")],
        links=LinksView(source=item.url, transitions=f"{path}/transitions", history=f"{path}/history"),
        as_of=as_of,
    )  # fmt: skip


def _iterations(item: StoredItem, around: Sequence[Related] | None) -> list[IterationView] | None:
    if item.iteration_ids is None:
        return None
    known = {one.id: one for one in around or () if one.role == "iteration"}
    blank = Related("iteration", "", None)
    return [
        IterationView(id=id_, name=one.name, state=one.state, starts_at=one.starts_at, ends_at=one.ends_at)
        for id_, one in ((id_, known.get(id_, blank)) for id_ in item.iteration_ids)
    ]


def _named(ids: Sequence[str] | None, around: Sequence[Related] | None, role: str) -> list[ReferredView] | None:
    if ids is None:
        return None
    known = {one.id: one.name for one in around or () if one.role == role}
    return [ReferredView(id=id_, name=known.get(id_)) for id_ in ids]


def _dependency(one: Related) -> DependencyView:
    return DependencyView(
        role=one.role, type=one.kind, id=one.id, key=one.key, title=one.name, url=one.url, status_category=one.state
    )  # fmt: skip


def transition_view(found: StoredTransition) -> TransitionView:
    return TransitionView.model_validate(found)


def version_view(found: Version) -> RecordedVersionView:
    return RecordedVersionView(
        recorded_from=found.recorded_from,
        recorded_to=found.recorded_to,
        changed=None if found.changed is None else list(found.changed),
        item=listed_view(found.item),
    )
