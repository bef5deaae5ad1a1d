"""One human with many accounts: who is known to be one, who might be, and how that is taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.people import JoinWanted, PersonView, SuggestionList, SuggestionView
from pmo_hub.services import people
from pmo_hub.services.access import Caller

router = APIRouter(tags=["people"])

Reader = Annotated[Caller, Depends(allow("people:read"))]
Writer = Annotated[Caller, Depends(allow("people:write"))]


@router.get("/persons")
def list_persons(hub: HubDep, _: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[PersonView]:
    """Humans with several accounts."""
    at = position({}, cursor)
    kept, following = page_of(people.page(hub, None if at is None else at.id, limit + 1), limit, {}, lambda one: (one.id, one.id))
    return Page(items=[PersonView.model_validate(one) for one in kept], next_cursor=following)


@router.post("/persons", status_code=201)
def join_accounts(hub: HubDep, caller: Writer, body: JoinWanted) -> PersonView:
    """These accounts are one person."""
    return PersonView.model_validate(people.join(hub, body.identity_ids, caller.actor))


@router.get("/persons/{person_id}")
def get_person(hub: HubDep, _: Reader, person_id: str) -> PersonView:
    """A human with their accounts."""
    return PersonView.model_validate(people.get(hub, person_id))


@router.delete("/persons/{person_id}/accounts/{identity_id}", status_code=204)
def split_person(hub: HubDep, caller: Writer, person_id: str, identity_id: str) -> None:
    """The account is somebody else than the person's others."""
    people.split(hub, person_id, identity_id, caller.actor)


@router.get("/person-suggestions")
def list_person_suggestions(hub: HubDep, _: Reader) -> SuggestionList:
    """Accounts that might be one person: of one name, and of which nobody has decided yet; at most 500."""
    return SuggestionList(items=[SuggestionView.model_validate(one) for one in people.suggestions(hub)])


@router.post("/person-suggestions/{suggestion_id}/accept")
def accept_person_suggestion(hub: HubDep, caller: Writer, suggestion_id: str) -> PersonView:
    """The two are one person."""
    return PersonView.model_validate(people.accept(hub, suggestion_id, caller.actor))


@router.post("/person-suggestions/{suggestion_id}/reject", status_code=204)
def reject_person_suggestion(hub: HubDep, caller: Writer, suggestion_id: str) -> None:
    """The two are two persons; it is not suggested again."""
    people.reject(hub, suggestion_id, caller.actor)
