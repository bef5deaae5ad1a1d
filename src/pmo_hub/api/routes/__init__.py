"""Every router, in the order in which a request's path is looked for: what is read most comes first."""

from __future__ import annotations

from fastapi import APIRouter

from pmo_hub.api.routes import (
    checks,
    connections,
    connectors,
    health,
    portfolios,
    programs,
    projects,
    sync_runs,
    violations,
    work_items,
)

ROUTERS: tuple[APIRouter, ...] = (
    work_items.router,
    health.router,
    projects.router,
    portfolios.router,
    programs.router,
    violations.router,
    checks.router,
    connections.router,
    connectors.router,
    sync_runs.router,
)
