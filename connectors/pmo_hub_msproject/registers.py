"""Rows of ProjectData as records: baselines 1 to 10, risks, issues, the way through the stages."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import msgspec

from pmo_hub.domain.records import Baseline, CustomValue, Record, RegisterEntry, StagePassage, WorkItem
from pmo_hub.domain.vocabulary import Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Payload
from pmo_hub.sdk.errors import RecordError
from pmo_hub_msproject import wire
from pmo_hub_msproject.reference import Site
from pmo_hub_msproject.values import clean, day, instant, moment, money, number

_NUMBERED = re.compile(r"\((\d+)\)\s*(.*)")
_STATES = {1: StatusCategory.IN_PROGRESS, 2: StatusCategory.TODO, 3: StatusCategory.DONE}
"""As the lists of a project's site number them: active, postponed, closed. The words after the number may be in any language."""

_PRIORITIES = {1: 90, 2: 50, 3: 20}


def map_baselines(payload: Payload) -> Mapped:
    """The numbered baselines of one task."""
    rows: list[wire.TaskBaseline] = _decoded(list[wire.TaskBaseline], payload, "baselines")
    item = payload.ref.external_id
    found: dict[int, Baseline] = {}
    for row in rows:
        n = row.baseline_number
        starts, finishes = moment(row.task_baseline_start_date), moment(row.task_baseline_finish_date)
        if n is None or not 1 <= n <= 10 or (starts is None and finishes is None):
            continue
        duration, work = number(row.task_baseline_duration), number(row.task_baseline_work)
        found[n] = Baseline(f"{item}/{n}", item, n, starts, finishes, duration, work, money(row.task_baseline_cost))
    return Mapped(list(found.values()))


class RiskMapping:
    """Maps `risk` payloads: an item that no measure counts, and what the register says of it besides."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self, payload: Payload) -> Mapped:
        row: wire.Risk = _decoded(wire.Risk, payload, "risk")
        id = payload.ref.external_id
        item = _item(self._site, id, row, Kind.RISK, "Risk", row.description, None)
        probability = number(row.probability)
        entry = RegisterEntry(
            id, id, _share(probability), number(row.impact), number(row.exposure), money(row.cost), _words(row.category),
            clean(row.mitigation_plan), clean(row.contingency_plan), clean(row.trigger_description),
        )  # fmt: skip
        return Mapped([item, entry, *_names(id, row)])


class IssueMapping:
    """Maps `issue` payloads."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self, payload: Payload) -> Mapped:
        row: wire.Issue = _decoded(wire.Issue, payload, "issue")
        id = payload.ref.external_id
        item = _item(self._site, id, row, Kind.ISSUE, "Issue", row.discussion, row.priority)
        return Mapped([item, RegisterEntry(id, id, category=_words(row.category), mitigation=clean(row.resolution)), *_names(id, row)])


class StageMapping:
    """Maps `stage` payloads: when the project entered and left a stage of its workflow."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self, payload: Payload) -> Mapped:
        row: wire.Stage = _decoded(wire.Stage, payload, "stage")
        id, zone = payload.ref.external_id, self._site.zone
        status = None if row.stage_status is None else str(row.stage_status)
        passage = StagePassage(
            id, id.partition("/")[0], clean(row.stage_name) or id, clean(row.phase_name), row.stage_order,
            clean(row.stage_state_description) or status, instant(row.stage_entry_date, zone), instant(row.stage_completion_date, zone),
        )  # fmt: skip
        return Mapped([passage])


def _item(site: Site, id: str, row: Any, kind: Kind, name: str, text: str | None, priority: str | None) -> WorkItem:
    number_, words = _numbered(row.status)
    rank, priority_words = _numbered(priority)
    path = clean(row.item_relative_url_path)
    category = _STATES.get(number_, StatusCategory.TODO)
    return WorkItem(
        id,
        id.rpartition("/")[2][:8],
        f"{site.url}/{path.lstrip('/')}" if path and "://" not in path else None,
        clean(row.title) or name,
        clean(text),
        kind,
        name,
        category,
        words or "unknown",
        priority=_PRIORITIES.get(rank),
        original_priority=priority_words or None,
        created_at=instant(row.created_date, site.zone),
        due=day(row.due_date),
        counts=False,
        uncounted=Uncounted.REGISTER,
    )


def _names(id: str, row: Any) -> list[Record]:
    """Who owns it and who works on it: the register has names where other rows have ids."""
    told = (("Owner", row.owner), ("AssignedToResource", row.assigned_to_resource))
    return [CustomValue(f"{id}:{key}", id, key, key, text=name) for key, name in told if clean(name)]


@lru_cache(maxsize=1_024)
def _numbered(text: str | None) -> tuple[int, str]:
    """The number and the words of a choice such as "(1) Active"."""
    found = _NUMBERED.fullmatch((text or "").strip())
    return (int(found[1]), found[2].strip()) if found else (0, (text or "").strip())


def _words(text: str | None) -> str | None:
    return _numbered(text)[1] or None


def _share(probability: float | None) -> float | None:
    """0 to 1; the list shows percents, and tells them as a share or as a number up to 100."""
    if probability is None or not 0 <= probability <= 100:
        return None
    return probability if probability <= 1 else probability / 100


def _decoded(kind: Any, payload: Payload, what: str) -> Any:
    try:
        return wire.decoder(kind).decode(payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"{what} {payload.ref.external_id} can't be mapped: {error}") from None
