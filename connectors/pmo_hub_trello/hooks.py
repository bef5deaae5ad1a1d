"""Trello's webhooks: the signature over the raw body and the address, and which objects a body names."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha1
from typing import Any

import msgspec

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.errors import HookError
from pmo_hub.sdk.hooks import Delivery, Proof
from pmo_hub_trello.object_ids import is_id
from pmo_hub_trello.splitting import BOARD, CARD, COMMENT, COMMENT_TYPES, card_of, cards_of

SIGNATURE = "x-trello-webhook"
_NAMELESS = "(none)"

_DICTIONARY = frozenset(
    {f"{verb}{noun}" for verb in ("create", "update", "delete") for noun in ("List", "CustomField", "Label")}
    | {"updateBoard", "moveListToBoard", "moveListFromBoard", "addMemberToBoard", "removeMemberFromBoard", "deleteMemberFromBoard"}
)
"""Events that change a board's dictionary or its people."""

_VERBS = ("create", "update", "delete", "add", "remove", "move", "copy", "convert", "comment", "email", "vote", "make", "enable", "disable")


@dataclass(frozen=True, slots=True)
class TrelloHooks:
    """Webhooks that are made through the API, one a board, and signed with the secret of the API key's Power-Up."""

    proofs: Sequence[Proof] = (Proof.SIGNATURE,)
    probes: frozenset[str] = frozenset({"HEAD"})
    registers: bool = True

    def verify(self, headers: Mapping[str, str], body: bytes, url: str, secret: str | None) -> Delivery:
        """What the body names; HookError where its signature is not this secret's over this body and address."""
        given = headers.get(SIGNATURE, "")
        if secret is None or not hmac.compare_digest(given.encode("utf-8", "replace"), sign(body, url, secret).encode()):
            raise HookError("The delivery is not signed with the secret of this webhook.")
        action = _action(body)
        kind = action.get("type")
        if not isinstance(kind, str) or not kind:
            return Delivery(_NAMELESS, is_known=False, id=_id_of(action, body))
        if not kind.startswith(_VERBS):
            return Delivery(kind, is_known=False, id=_id_of(action, body))
        refs = list(dict.fromkeys(_refs(kind, action)))
        gone = [ref for ref in refs if (kind == "deleteCard" and ref.kind == CARD) or (kind == "deleteComment" and ref.kind == COMMENT)]
        return Delivery(kind, True, refs, gone, list(_stale(kind, action)), _id_of(action, body))


def sign(body: bytes, url: str, secret: str) -> str:
    """The header's value for a body that is sent to an address."""
    return base64.b64encode(hmac.new(secret.encode(), body + url.encode(), sha1).digest()).decode()


def _action(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    action = found.get("action") if isinstance(found, dict) else None
    return action if isinstance(action, dict) else {}


def _refs(kind: str, action: Mapping[str, Any]) -> Iterator[Ref]:
    """A comment alone is asked for where it is all that changed; else the card, with all that befell it."""
    told = dict(action)
    if kind in COMMENT_TYPES and is_id(told.get("id")) and card_of(told):
        yield Ref(CARD, str(card_of(told)))
        return
    if kind in ("updateComment", "deleteComment"):
        inner = _part(told, "action")
        if is_id(inner.get("id")):
            yield Ref(COMMENT, inner["id"])
    for card in cards_of(told):
        if kind != "deleteComment":
            yield Ref(CARD, card)
    if kind in _DICTIONARY:
        board = _part(told, "board").get("id")
        if is_id(board):
            yield Ref(BOARD, board)


def _stale(kind: str, action: Mapping[str, Any]) -> Iterator[str]:
    board = _part(action, "board").get("id")
    if kind in _DICTIONARY and is_id(board):
        yield board


def _part(action: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    data = action.get("data")
    inner = data.get(name) if isinstance(data, dict) else None
    return inner if isinstance(inner, dict) else {}


def _id_of(action: Mapping[str, Any], body: bytes) -> str | None:
    """The action's own id: Trello sends the same one again."""
    id = action.get("id")
    return id if is_id(id) else blake2b(body, digest_size=16).hexdigest() if action else None
