"""Programs: listed, made, changed, and what is placed in them."""

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
    ProgramPage,
    ProgramView,
    program_view,
)
from pmo_hub.api.schemas.projects import NamedView
from pmo_hub.services import portfolio
from pmo_hub.services.access import Caller
from pmo_hub.services.portfolio import HolderInfo

router = APIRouter(prefix="/programs", tags=["programs"])

Reader = Annotated[Caller, Depends(allow("programs:read"))]
Writer = Annotated[Caller, Depends(allow("programs:write"))]


def _tag(found: HolderInfo) -> str:
    return etag(program_view(found))


def _shown(found: HolderInfo, response: Response) -> ProgramView:
    response.headers["ETag"] = _tag(found)
    return program_view(found)


@router.get("")
def list_programs(
    hub: HubDep,
    _: Reader,
    as_of: AsOf,
    q: Annotated[str | None, Query(min_length=1, max_length=100, description="a part of the name")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ProgramPage:
    """Programs by name."""
    filters = {"q": q, "as_of": as_of}
    at = position(filters, cursor)
    found = portfolio.page(hub, "program", q, None if at is None else (str(at.sort), at.id), limit + 1, as_of)
    kept, following = page_of(found, limit, filters, lambda one: (one.name, one.id))
    return ProgramPage(items=[program_view(one) for one in kept], next_cursor=following, as_of=as_of)


@router.post("", status_code=201)
def create_program(hub: HubDep, caller: Writer, body: NewHolder, response: Response) -> ProgramView:
    """Make a program, empty at first."""
    made = portfolio.create(hub, "program", body.model_dump(exclude_unset=True), caller.actor)
    response.headers["Location"] = f"/api/v1/programs/{made.id}"
    return _shown(made, response)


@router.get("/{program_id}")
def get_program(hub: HubDep, _: Reader, program_id: str, as_of: AsOf, response: Response, if_none_match: IfNoneMatch = None) -> ProgramView:
    """A program and what is in it."""
    view = program_view(portfolio.get(hub, "program", program_id, as_of), as_of)
    tag = etag(view)
    stop_if_held(if_none_match, tag)
    response.headers["ETag"] = tag
    return view


@router.patch("/{program_id}")
def change_program(
    hub: HubDep, caller: Writer, program_id: str, body: HolderPatch, response: Response, if_match: IfMatch = None
) -> ProgramView:
    """Change what the body names, null clearing it."""
    changes = body.model_dump(exclude_unset=True)
    after = portfolio.change(hub, "program", program_id, changes, caller.actor, lambda current: require_match(if_match, _tag(current)))
    return _shown(after, response)


@router.delete("/{program_id}", status_code=204)
def delete_program(hub: HubDep, caller: Writer, program_id: str, if_match: IfMatch = None) -> None:
    """End a program; its history is kept, and so is what was in it."""
    portfolio.delete(hub, "program", program_id, caller.actor, lambda current: require_match(if_match, _tag(current)))


@router.get("/{program_id}/members")
def list_program_members(hub: HubDep, _: Reader, program_id: str, as_of: AsOf) -> MemberList:
    """What is placed in the program directly."""
    found = portfolio.get(hub, "program", program_id, as_of)
    return MemberList(items=[NamedView.model_validate(member) for member in found.members], as_of=as_of)


@router.post("/{program_id}/members")
def add_program_member(hub: HubDep, caller: Writer, program_id: str, body: MemberBody, response: Response) -> ProgramView:
    """Place a program or project in the program, beside wherever else it is; saying it twice changes nothing."""
    return _shown(portfolio.place(hub, "program", program_id, (body.type, body.id), caller.actor), response)


@router.delete("/{program_id}/members/{type}/{member_id}", status_code=204)
def remove_program_member(hub: HubDep, caller: Writer, program_id: str, type: Literal["program", "project"], member_id: str) -> None:
    """Take a program or project out of the program; that it was there is kept."""
    portfolio.remove(hub, "program", program_id, (type, member_id), caller.actor)
