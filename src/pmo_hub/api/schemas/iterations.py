"""Iterations on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pmo_hub.domain.commitment import Basis, Line, Outcome
from pmo_hub.services.iterations import Commitment, Detailed, Told
from pmo_hub.store.repositories.iterations import NamedItem

IterationStateName = Literal["future", "active", "closed"]


class AmountView(BaseModel):
    """So many items with so many points; points are null where none of the items is estimated."""

    model_config = ConfigDict(from_attributes=True)
    items: int
    points: float | None
    unestimated: int = Field(description="how many of the items have no points")


class SummaryView(BaseModel):
    """An iteration in figures. Sub-items, epics and whatever else measures leave out is not in them."""

    model_config = ConfigDict(from_attributes=True)
    committed: AmountView = Field(description="in it at its start, with the points of then; without what was done before")
    added: AmountView
    removed: AmountView = Field(description="taken out before its end, be it of the commitment or of what was added")
    completed: AmountView = Field(description="done at its end, committed or added")
    not_completed: AmountView = Field(description="still open in it at its end")
    carried_over: AmountView = Field(description="those of them that went on into another iteration when it closed")
    cancelled: AmountView
    done_before: AmountView = Field(description="done before it was in this iteration: neither committed nor completed by it")
    kept: AmountView = Field(description="what of the commitment was completed, with the points of the start")
    say_do_share: float | None = Field(description="kept of committed, 0 to 1; null where nothing was committed")
    scope_change_share: float | None = Field(description="added and removed of committed; null where nothing was committed")
    by_points: bool = Field(description="whether the shares are of points, as every committed item has some, or of items")


class CommitmentView(BaseModel):
    """What an iteration promised and delivered, written down when it started and when it closed; later edits change nothing of it."""

    started_at: datetime | None
    start_basis: Basis = Field(description="reconstructed: from the source's own record, as the hub did not know the items yet")
    ended_at: datetime | None
    end_basis: Basis | None
    is_final: bool = Field(description="false while it runs: what depends on the end is as it stands now")
    summary: SummaryView | None = Field(description="null where nothing recorded what was in it at its start")


class ListedIterationView(BaseModel):
    id: str
    external_id: str
    name: str
    state: IterationStateName | None
    goal: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    completed_at: datetime | None
    commitment: CommitmentView | None = Field(description="null until it has begun and been read since")


class CommittedItemView(BaseModel):
    """An item's part in an iteration."""

    item_id: str
    key: str | None = Field(description="null where the hub no longer holds the item")
    title: str | None
    url: str | None = Field(description="where it is in its source")
    at_start: bool = Field(description="whether it was in the iteration when that started")
    start_points: float | None
    done_before: bool
    joined_at: datetime | None
    left_at: datetime | None
    end_points: float | None
    outcome: Outcome | None


class DetailedIterationView(ListedIterationView):
    """An iteration and the evidence for its figures."""

    items: list[CommittedItemView]


def listed_iteration(told: Told) -> ListedIterationView:
    return ListedIterationView(**_listed(told))


def detailed_iteration(found: Detailed) -> DetailedIterationView:
    return DetailedIterationView(**_listed(found.told), items=[_item(line, found.items) for line in found.lines])


def _listed(told: Told) -> dict[str, object]:
    one = told.iteration
    names = ("id", "external_id", "name", "state", "goal", "starts_at", "ends_at", "completed_at")
    return {name: getattr(one, name) for name in names} | {"commitment": None if told.commitment is None else _commitment(told.commitment)}


def _commitment(found: Commitment) -> CommitmentView:
    return CommitmentView(
        started_at=found.started_at,
        start_basis=found.start_basis,
        ended_at=found.ended_at,
        end_basis=found.end_basis,
        is_final=found.is_final,
        summary=None if found.summary is None else SummaryView.model_validate(found.summary),
    )


def _item(line: Line, items: Mapping[str, NamedItem]) -> CommittedItemView:
    known = items.get(line.item_id)
    return CommittedItemView(
        item_id=line.item_id,
        key=known.key if known else None,
        title=known.title if known else None,
        url=known.url if known else None,
        at_start=line.at_start,
        start_points=line.start_points,
        done_before=line.done_before,
        joined_at=line.joined_at,
        left_at=line.left_at,
        end_points=line.end_points,
        outcome=line.outcome,
    )
