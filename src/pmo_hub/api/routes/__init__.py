"""Every router, in the order in which a request's path is looked for: what is read most comes first."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter

from pmo_hub.api.quick import Read
from pmo_hub.api.routes import (
    checks,
    connection_hooks,
    connections,
    connectors,
    coverage,
    deliveries,
    events,
    evidence,
    explaining,
    files,
    health,
    iterations,
    people,
    plans,
    portfolios,
    programs,
    projects,
    registers,
    removals,
    rules,
    same_as,
    subscriptions,
    sync_runs,
    time_phased,
    violations,
    work_items,
    worklogs,
)

ROUTERS: tuple[APIRouter, ...] = (
    explaining.router,  # before the work items, or "explain" would be one's id
    work_items.router,
    health.router,
    registers.router,
    projects.router,
    portfolios.router,
    programs.router,
    violations.router,
    checks.router,
    connections.router,
    connection_hooks.router,
    files.router,
    rules.router,
    removals.router,
    coverage.router,
    people.router,
    same_as.router,
    connectors.router,
    sync_runs.router,
    iterations.router,
    worklogs.router,
    plans.router,
    time_phased.router,
    evidence.router,
    events.router,
    subscriptions.router,
    deliveries.router,
)

QUICK_READS: Mapping[str, tuple[str, Read]] = {
    "/work-items/{work_item_id}": ("work_items:read", work_items.work_item_answer),
    "/projects/{project_id}/health": ("health:read", health.project_health_answer),
}
"""Path → the scope that its endpoint asks for, and the function that answers both here and there (decision 0007)."""
