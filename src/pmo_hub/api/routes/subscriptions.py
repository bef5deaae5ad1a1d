"""Subscriptions: who is told what; tried, rotated, replayed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from pmo_hub.api.conditional import IfMatch, etag, require_match
from pmo_hub.api.deps import HubDep, allow
from pmo_hub.api.pagination import Cursor, Limit, Page, page_of, position
from pmo_hub.api.schemas.subscriptions import (
    FaringView,
    NewSecretView,
    NewSubscription,
    PingView,
    ReplayedView,
    ReplayWanted,
    RotationWanted,
    SecretView,
    SubscriptionPatch,
    SubscriptionView,
)
from pmo_hub.services import deliveries, subscriptions
from pmo_hub.services.access import Caller
from pmo_hub.services.drafting import Draft
from pmo_hub.services.subscriptions import SubscriptionInfo

router = APIRouter(prefix="/subscriptions", tags=["subscriptions"])

Reader = Annotated[Caller, Depends(allow("subscriptions:read"))]
Writer = Annotated[Caller, Depends(allow("subscriptions:write"))]

_NULLABLE = frozenset({"digest"})
_OWN = ("id", "name", "format", "state", "disabled_reason", "address", "types", "filters", "is_thin", "digest", "time_zone",
        "quiet_hours", "created_by", "created_at", "updated_at")  # fmt: skip


def _tag(view: SubscriptionView) -> str:
    """Of what an admin changes, not of how the endpoint fares."""
    return etag(view.model_dump_json(exclude={"faring"}).encode())


def _view(found: SubscriptionInfo) -> SubscriptionView:
    values: dict[str, Any] = {name: getattr(found.stored, name) for name in _OWN}
    secrets = [SecretView.model_validate(one) for one in found.secrets]
    return SubscriptionView.model_validate(values | {"secrets": secrets, "faring": FaringView.model_validate(found.faring)})


def _shown(found: SubscriptionInfo, response: Response) -> SubscriptionView:
    view = _view(found)
    response.headers["ETag"] = _tag(view)
    return view


@router.get("")
def list_subscriptions(hub: HubDep, _: Reader, limit: Limit = 50, cursor: Cursor = None) -> Page[SubscriptionView]:
    """Subscriptions by name, with how their endpoints fare."""
    at = position({}, cursor)
    found = subscriptions.page(hub, None if at is None else (str(at.sort), at.id), limit + 1)
    kept, following = page_of(found, limit, {}, lambda one: (one.stored.name, one.stored.id))
    return Page(items=[_view(one) for one in kept], next_cursor=following)


@router.post("", status_code=201)
def create_subscription(hub: HubDep, caller: Writer, body: NewSubscription, response: Response) -> NewSecretView:
    """Tell somebody what happens from now on; the secret that signs is in the answer, this one time."""
    made = subscriptions.create(hub, Draft(**_draft(body.model_dump())), caller.actor)
    response.headers["Location"] = f"/api/v1/subscriptions/{made.info.stored.id}"
    return NewSecretView(subscription=_shown(made.info, response), secret=made.secret)


@router.get("/{subscription_id}")
def get_subscription(hub: HubDep, _: Reader, subscription_id: str, response: Response) -> SubscriptionView:
    """A subscription. Its ETag covers what can be changed, not how the endpoint fares."""
    return _shown(subscriptions.get(hub, subscription_id), response)


@router.patch("/{subscription_id}")
def change_subscription(
    hub: HubDep, caller: Writer, subscription_id: str, body: SubscriptionPatch, response: Response, if_match: IfMatch = None
) -> SubscriptionView:
    """Change what the body names, pause it, or make it active again."""
    held = subscriptions.get(hub, subscription_id)
    require_match(if_match, _tag(_view(held)))
    changes = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None or name in _NULLABLE}
    return _shown(subscriptions.change(hub, subscription_id, _draft(changes), caller.actor, held.stored.updated_at), response)


@router.delete("/{subscription_id}", status_code=204)
def delete_subscription(hub: HubDep, caller: Writer, subscription_id: str, if_match: IfMatch = None) -> None:
    """Tell them nothing any more; what was to be sent and the log of it are gone too."""
    require_match(if_match, _tag(_view(subscriptions.get(hub, subscription_id))))
    subscriptions.delete(hub, subscription_id, caller.actor)


@router.post("/{subscription_id}/secrets", status_code=201)
def rotate_subscription_secret(
    hub: HubDep, caller: Writer, subscription_id: str, body: RotationWanted, response: Response
) -> NewSecretView:
    """Sign with a new secret, and with the former ones as well until the overlap has passed."""
    made = subscriptions.rotate(hub, subscription_id, body.overlap_hours, caller.actor)
    return NewSecretView(subscription=_shown(made.info, response), secret=made.secret)


@router.delete("/{subscription_id}/secrets/{secret_id}")
def drop_subscription_secret(hub: HubDep, caller: Writer, subscription_id: str, secret_id: str, response: Response) -> SubscriptionView:
    """Sign no more with a former secret."""
    return _shown(subscriptions.drop_secret(hub, subscription_id, secret_id, caller.actor), response)


@router.post("/{subscription_id}/test")
def ping_subscription(hub: HubDep, caller: Writer, subscription_id: str) -> PingView:
    """Send a test message now, once, and say what came of it."""
    answer = subscriptions.ping(hub, subscription_id, caller.actor)
    return PingView(
        is_delivered=answer.is_delivered, status=answer.status, error=answer.why, duration_ms=answer.duration_ms, excerpt=answer.excerpt
    )


@router.post("/{subscription_id}/replay")
def replay_subscription(hub: HubDep, caller: Writer, subscription_id: str, body: ReplayWanted) -> ReplayedView:
    """Send what was given up in a time once more, and what was missed in it."""
    done = deliveries.replay_range(hub, subscription_id, body.since, body.until, caller.actor, delivered=body.include_delivered)
    return ReplayedView.model_validate(done)


def _draft(values: dict[str, Any]) -> dict[str, Any]:
    if "types" in values:
        values["types"] = tuple(values["types"])
    return values
