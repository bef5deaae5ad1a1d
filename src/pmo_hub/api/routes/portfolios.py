"""Portfolios: listed, made, changed, and what is placed in them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from pmo_hub.api.conditional import IfMatch, IfNoneMatch, etag, require_match, stop_if_held
from pmo_hub.api.deps import AsOf, HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, page_of, position
from pmo_hub.api.schemas.portfolios import (
    HolderPatch,
    MemberBody,
    MemberList,
    NewHolder,
    PortfolioPage,
    PortfolioView,
    portfolio_view,
)
from pmo_hub.api.schemas.projects import NamedView
from pmo_hub.services import portfolio
from pmo_hub.services.access import Caller
from pmo_hub.services.portfolio import HolderInfo

router = APIRouter(prefix="/portfolios", tags=["portfolios"])

Reader = Annotated[Caller, Depends(allow("portfolios:read"))]
Writer = Annotated[Caller, Depends(allow("portfolios:write"))]


def _tag(found: HolderInfo) -> str:
    return etag(portfolio_view(found))


def _shown(found: HolderInfo, response: Response) -> PortfolioView:
    response.headers["ETag"] = _tag(found)
    return portfolio_view(found)


@router.get("")
def list_portfolios(
    hub: HubDep,
    _: Reader,
    as_of: AsOf,
    q: Annotated[str | None, Query(min_length=1, max_length=100, description="a part of the name")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> PortfolioPage:
    """Portfolios by name."""
    filters = {"q": q, "as_of": as_of}
    at = position(filters, cursor)
    found = portfolio.page(hub, "portfolio", q, None if at is None else (str(at.sort), at.id), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda one: (one.name, one.id))
    return PortfolioPage(items=[portfolio_view(one) for one in kept], next_cursor=following, as_of=as_of)


@router.post("", status_code=201)
def create_portfolio(hub: HubDep, caller: Writer, body: NewHolder, response: Response) -> PortfolioView:
    """Make a portfolio, empty at first."""
    made = portfolio.create(hub, "portfolio", body.model_dump(exclude_unset=True), caller.actor)
    response.headers["Location"] = f"/api/v1/portfolios/{made.id}"
    return _shown(made, response)


@router.get("/{portfolio_id}")
def get_portfolio(
    hub: HubDep, _: Reader, portfolio_id: str, as_of: AsOf, response: Response, if_none_match: IfNoneMatch = None
) -> PortfolioView:
    """A portfolio and what is in it."""
    view = portfolio_view(portfolio.get(hub, "portfolio", portfolio_id, as_of), as_of)
    tag = etag(view)
    stop_if_held(if_none_match, tag)
    response.headers["ETag"] = tag
    return view


@router.patch("/{portfolio_id}")
def change_portfolio(
    hub: HubDep, caller: Writer, portfolio_id: str, body: HolderPatch, response: Response, if_match: IfMatch = None
) -> PortfolioView:
    """Change what the body names, null clearing it."""
    changes = body.model_dump(exclude_unset=True)
    after = portfolio.change(hub, "portfolio", portfolio_id, changes, caller.actor, lambda current: require_match(if_match, _tag(current)))
    return _shown(after, response)


@router.delete("/{portfolio_id}", status_code=204)
def delete_portfolio(hub: HubDep, caller: Writer, portfolio_id: str, if_match: IfMatch = None) -> None:
    """End a portfolio; its history is kept, and so is what was in it."""
    portfolio.delete(hub, "portfolio", portfolio_id, caller.actor, lambda current: require_match(if_match, _tag(current)))


@router.get("/{portfolio_id}/members")
def list_portfolio_members(hub: HubDep, _: Reader, portfolio_id: str, as_of: AsOf) -> MemberList:
    """What is placed in the portfolio directly."""
    found = portfolio.get(hub, "portfolio", portfolio_id, as_of)
    return MemberList(items=[NamedView.model_validate(member) for member in found.members], as_of=as_of)


@router.post("/{portfolio_id}/members")
def add_portfolio_member(hub: HubDep, caller: Writer, portfolio_id: str, body: MemberBody, response: Response) -> PortfolioView:
    """Place a program or project in the portfolio, beside wherever else it is; saying it twice changes nothing."""
    return _shown(portfolio.place(hub, "portfolio", portfolio_id, (body.type, body.id), caller.actor), response)


@router.delete("/{portfolio_id}/members/{type}/{member_id}", status_code=204)
def remove_portfolio_member(hub: HubDep, caller: Writer, portfolio_id: str, type: Literal["program", "project"], member_id: str) -> None:
    """Take a program or project out of the portfolio; that it was there is kept."""
    portfolio.remove(hub, "portfolio", portfolio_id, (type, member_id), caller.actor)
