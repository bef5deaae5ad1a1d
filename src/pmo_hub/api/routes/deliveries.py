"""The delivery log, and a delivery sent once more."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.subscriptions import AttemptView, DeliveryDetail, DeliveryView
from pmo_hub.services import deliveries
from pmo_hub.services.access import Caller
from pmo_hub.services.deliveries import Logged

router = APIRouter(prefix="/deliveries", tags=["subscriptions"])

Reader = Annotated[Caller, Depends(allow("subscriptions:read"))]
Writer = Annotated[Caller, Depends(allow("subscriptions:write"))]


@router.get("")
def list_delivery_log(
    hub: HubDep,
    _: Reader,
    subscription: Annotated[str | None, Query(max_length=32)] = None,
    state: Annotated[Literal["waiting", "delivered", "dead"] | None, Query()] = None,
    message: Annotated[str | None, Query(max_length=32, description="webhook-id; of a single event the event's id")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """What was, is and will be sent in the last month, the newest first."""
    filters = {"subscription_id": subscription, "state": state, "message_id": message}
    at = position(filters, cursor)
    found = deliveries.page(hub, filters, None if at is None else (at.instant, at.id), limit + 1)
    kept, following = page_of(found, limit, filters, lambda one: (one.created_at, one.id))
    return Page(items=[DeliveryView.model_validate(one) for one in kept], next_cursor=following)


@router.get("/{delivery_id}")
def get_delivery(hub: HubDep, _: Reader, delivery_id: str) -> DeliveryDetail:
    """A delivery with its attempts and what was answered."""
    return _detail(deliveries.get(hub, delivery_id))


@router.post("/{delivery_id}/replay")
def replay_delivery(hub: HubDep, caller: Writer, delivery_id: str) -> DeliveryDetail:
    """Send it once more, under the id that it had."""
    return _detail(deliveries.replay(hub, delivery_id, caller.actor))


def _detail(found: Logged) -> DeliveryDetail:
    values = DeliveryView.model_validate(found.delivery).model_dump()
    return DeliveryDetail.model_validate(values | {"tries": [AttemptView.model_validate(one) for one in found.attempts]})
