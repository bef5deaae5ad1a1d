"""The registers that sources keep as items: risks and issues of projects and portfolios."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import AsOf, HubDep, allow
from pmo_hub.api.errors import BadRequest
from pmo_hub.api.pagination import Cursor, Limit, Position, page_of, position
from pmo_hub.api.schemas.risks import RiskPage, RiskView
from pmo_hub.domain.vocabulary import Kind
from pmo_hub.services import risks

router = APIRouter(tags=["risks"], dependencies=[Depends(allow("risks:read"))])

State = Annotated[Literal["open", "closed"] | None, Query(description="those that are still open, or those that ended")]


@router.get("/projects/{project_id}/risks")
def list_project_risks(
    hub: HubDep, project_id: str, as_of: AsOf, state: State = None, limit: Limit = 50, cursor: Cursor = None
) -> RiskPage:
    """The risks that a project's sources keep as items, the most urgent first."""
    filters = {"project": project_id, "state": state, "as_of": as_of}
    found = risks.project_register(hub, Kind.RISK, project_id, state, _after(position(filters, cursor)), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda risk: (risk.rank, risk.place))
    return RiskPage(items=[RiskView.model_validate(risk) for risk in kept], next_cursor=following, as_of=as_of)


@router.get("/projects/{project_id}/issues")
def list_project_issues(
    hub: HubDep, project_id: str, as_of: AsOf, state: State = None, limit: Limit = 50, cursor: Cursor = None
) -> RiskPage:
    """The issues that a project's sources keep in a register, the most urgent first."""
    filters = {"project": project_id, "of": "issues", "state": state, "as_of": as_of}
    found = risks.project_register(hub, Kind.ISSUE, project_id, state, _after(position(filters, cursor)), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda issue: (issue.rank, issue.place))
    return RiskPage(items=[RiskView.model_validate(issue) for issue in kept], next_cursor=following, as_of=as_of)


@router.get("/portfolios/{portfolio_id}/risks")
def list_portfolio_risks(
    hub: HubDep, portfolio_id: str, as_of: AsOf, state: State = None, limit: Limit = 50, cursor: Cursor = None
) -> RiskPage:
    """The risks that the sources of a portfolio's projects keep as items, the most urgent first."""
    filters = {"portfolio": portfolio_id, "state": state, "as_of": as_of}
    found = risks.holder_register(hub, Kind.RISK, "portfolio", portfolio_id, state, _after(position(filters, cursor)), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda risk: (risk.rank, risk.place))
    return RiskPage(items=[RiskView.model_validate(risk) for risk in kept], next_cursor=following, as_of=as_of)


def _after(at: Position | None) -> tuple[int, str] | None:
    if at is None:
        return None
    if not isinstance(at.sort, int) or not -1 <= at.sort <= 100:
        raise BadRequest("cursor", "The cursor is not one that this endpoint made: start again without it.")
    return at.sort, at.id
