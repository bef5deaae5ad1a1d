"""Projects and items for the domain's tests, on a Monday noon; whatever a test doesn't name is plain and harmless."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pmo_hub.domain.facts import Evidence, Fact, FactValue, ItemFacts, ProjectFacts
from pmo_hub.domain.vocabulary import Kind, StatusCategory

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def item(number: int, **changes: Any) -> ItemFacts:
    """An open, assigned, undated task `ERP-<number>`."""
    plain = ItemFacts(
        id=f"{number:032x}",
        key=f"ERP-{number}",
        url=f"https://erp.example/browse/ERP-{number}",
        title=f"Task {number}",
        kind=Kind.TASK,
        status_category=StatusCategory.TODO,
        status="To Do",
        assignee_id="ada",
        assignee_active=True,
        blocked=False,
    )
    return replace(plain, **changes)


def done(number: int, at: datetime, **changes: Any) -> ItemFacts:
    """A task finished at an instant."""
    return item(number, status_category=StatusCategory.DONE, status="Done", done_at=at, **changes)


def project(**changes: Any) -> ProjectFacts:
    """An active project, synced an hour ago, whose data is whole."""
    plain = ProjectFacts(
        id="f" * 32,
        name="ERP",
        url="https://erp.example/projects/ERP",
        sponsor="p1",
        manager="p2",
        manager_active=True,
        methodology="agile",
        synced_at=NOW - timedelta(hours=1),
        cadence_minutes=60,
        data_complete=True,
        unmapped_share=0.0,
        unknown_people_share=0.0,
    )
    return replace(plain, **changes)


def fact(name: str, value: FactValue, confidence: int = 100, **changes: Any) -> Fact:
    return Fact(name, value, None, confidence, **changes)


def by_name(*facts: Fact) -> dict[str, Fact]:
    return {found.name: found for found in facts}


def fresh(*facts: Fact) -> dict[str, Fact]:
    """The facts of a project whose data is fresh, with the given ones over them."""
    return by_name(
        fact("project.time_zone", "UTC"),
        fact("project.synced_at", NOW - timedelta(hours=1)),
        fact("project.cadence_minutes", 60),
        fact("project.sync_stale", False),
        fact("project.data_complete", True),
        *facts,
    )


EVIDENCE = Evidence("work_item", "0" * 32, "ERP-1", "https://erp.example/browse/ERP-1", "due 2026-11-03")
