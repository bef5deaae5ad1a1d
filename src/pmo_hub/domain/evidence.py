"""What facts are made of: the items and settings that providers read, the facts that they write, and the links back to the source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite

from pmo_hub.domain.planned import PlanFacts
from pmo_hub.domain.vocabulary import Kind, StatusCategory

MAX_EVIDENCE = 20

FactValue = bool | int | float | str | date | datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One link into the source. `type` is work_item, project, plan, connection or sync_run; `id` has 32 hex characters.

    `note` names instants, never ages ("due 2026-11-03"): a fact is written only when it changes, and an age changes every day.
    """

    type: str
    id: str
    label: str
    url: str | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A measured value; None is unknown and `reason` says why. `confidence` is 0..100; `evidence` is worst first, at most 20.

    `holds_until` is the next instant at which the value may change without any sync; None when only data can change it.
    """

    name: str
    value: FactValue
    unit: str | None
    confidence: int
    evidence: tuple[Evidence, ...] = ()
    reason: str | None = None
    holds_until: datetime | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 100:
            raise ValueError(f"{self.name}: a confidence lies in 0..100, not {self.confidence}")
        if len(self.evidence) > MAX_EVIDENCE:
            raise ValueError(f"{self.name}: {len(self.evidence)} pieces of evidence, at most {MAX_EVIDENCE} are kept")
        if isinstance(self.value, float) and not isfinite(self.value):
            raise ValueError(f"{self.name}: {self.value} is no measured value")


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """A work item as the providers read it.

    `priority` is 0..100 with 100 the most urgent; `started_at` is its first move to in progress, `done_at` the end of done and
    cancelled alike; `blocked` is flagged, in a blocked status or behind an open predecessor; `iteration_end` is that of the active
    iteration it is in. No `assignee_id` means nobody is assigned: every source says so plainly, and
    `is_staffed` that a plan assigns what is no account: a team, a role.
    """

    id: str
    key: str
    url: str | None
    title: str
    kind: Kind
    status_category: StatusCategory
    status: str
    assignee_id: str | None = None
    assignee_active: bool | None = None
    priority: int | None = None
    points: float | None = None
    estimate_hours: float | None = None
    remaining_hours: float | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    done_at: datetime | None = None
    status_since: datetime | None = None
    start: date | None = None
    due: date | None = None
    blocked: bool | None = None
    iteration_end: date | None = None
    resolution: str | None = None
    labels: tuple[str, ...] = ()
    counts: bool = True
    is_staffed: bool = False


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project's settings and the state of its data.

    A setting that is None is known to be empty, since the hub keeps it; the data's state below `state` is unknown when None.
    `synced_at` is the last success of the source that is furthest behind; `finish` is the planned one; `data_complete` is False
    after a run that failed, was cut short or returned far fewer items than were held. `read_only_since`: its sources were taken away
    then and their data kept. `plan` is None where no source of the project is a plan.
    """

    id: str
    name: str
    url: str | None = None
    sponsor: str | None = None
    manager: str | None = None
    manager_active: bool | None = None
    methodology: str | None = None
    phase: str | None = None
    classification: str | None = None
    start: date | None = None
    finish: date | None = None
    state: str = "active"
    time_zone: str = "UTC"
    synced_at: datetime | None = None
    cadence_minutes: int | None = None
    data_complete: bool | None = None
    read_only_since: datetime | None = None
    unmapped_share: float | None = None
    unknown_people_share: float | None = None
    plan: PlanFacts | None = None
