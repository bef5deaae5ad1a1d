"""What Trello or an export file hands over as payloads, cut to what is kept.

A card comes from a listing, alone, or from a file, with its fields in another order and with others besides; what is kept of it is the
same each time, byte for byte. Left out is whatever changes without meaning: positions, badges, previews of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from pmo_hub.sdk.contract import Payload, Ref, Rejected
from pmo_hub_trello.client import CARD_FIELDS, Json
from pmo_hub_trello.object_ids import is_id

BOARD, CARD, ACTION, COMMENT = "board", "card", "action", "comment"
COMMENT_TYPES = ("commentCard", "copyCommentCard")
LINKS = "links"
"""Small fact of a card: short link=id of each card that its attachments name, by space."""

_OLD = frozenset({"idList", "closed", "dueComplete", "due", "start", "name"})
"""Fields whose changes are told of an updated card; positions move all the time."""

_KEPT: Mapping[str, tuple[str, ...]] = {
    "updateCard": ("old", "list", "listBefore", "listAfter"),
    "moveCardToBoard": ("boardSource", "board", "list"),
    "addMemberToCard": ("idMember", "member"),
    "removeMemberFromCard": ("idMember", "member"),
    "addLabelToCard": ("label",),
    "removeLabelFromCard": ("label",),
    "updateCheckItemStateOnCard": ("checkItem",),
    "updateCustomFieldItem": ("old", "customField", "customFieldItem"),
    "commentCard": ("text", "dateLastEdited"),
    "copyCommentCard": ("text", "dateLastEdited"),
}
"""Types of action that are kept, with the data of them that is."""

_INNER: Mapping[str, tuple[str, ...]] = {
    "list": ("id", "name"), "listBefore": ("id", "name"), "listAfter": ("id", "name"), "board": ("id",), "boardSource": ("id",),
    "member": ("id",), "label": ("id", "name", "color"), "checkItem": ("id", "state"), "customField": ("id", "name", "type"),
    "customFieldItem": ("value", "idValue"),
}  # fmt: skip

_encode = msgspec.json.Encoder(order="sorted").encode


def split_cards(cards: Iterable[Any], links: Callable[[Json], str] | None = None) -> tuple[list[Payload], list[Rejected]]:
    """Each card as a payload of its board; `links` finds what the attachments of one lead to."""
    payloads, rejected = [], []
    for card in cards:
        id, board = (card.get("id"), card.get("idBoard")) if isinstance(card, dict) else (None, None)
        if is_id(id) and isinstance(board, str):
            payloads.append(card_payload(card, links(card) if links else ""))
        else:
            ref = Ref(CARD, str(id)) if is_id(id) else None
            body = msgspec.json.encode(card)
            rejected.append(Rejected(ref, None, body, "A card arrived without its id, or without the board that it is on."))
    return payloads, rejected


def card_payload(card: Json, links: str = "") -> Payload:
    kept: Json = {name: card.get(name) for name in CARD_FIELDS}
    kept["id"] = card["id"]
    kept["labels"] = _picked(card.get("labels"), ("id", "name", "color"))
    kept["checklists"] = [
        {"id": one["id"], "name": one.get("name"), "checkItems": _picked(one.get("checkItems"), ("id", "name", "state", "due", "idMember"))}
        for one in sorted((c for c in card.get("checklists") or () if isinstance(c, dict) and "id" in c), key=lambda c: str(c["id"]))
    ]
    kept["customFieldItems"] = _picked(card.get("customFieldItems"), ("idCustomField", "value", "idValue"), "idCustomField")
    linking = [one for one in card.get("attachments") or () if isinstance(one, dict) and card_link(one.get("url"))]
    kept["attachments"] = _picked(linking, ("id", "name", "url"))
    version = card.get("dateLastActivity")
    return Payload(
        Ref(CARD, card["id"]), card["idBoard"], _encode(kept), context={LINKS: links} if links else {},
        version=version if isinstance(version, str) else None,
    )  # fmt: skip


def board_payload(board: Json) -> Payload:
    """The board's lists, labels and people; what mapping needs of the rest is its reference."""
    deactivated = {m.get("idMember") for m in board.get("memberships") or () if isinstance(m, dict) and m.get("deactivated")}
    members = _picked(board.get("members"), ("id", "fullName", "username", "email"))
    for member in members:
        member["deactivated"] = member["id"] in deactivated
    kept = {
        "id": board["id"],
        "name": board.get("name"),
        "lists": _picked(board.get("lists"), ("id", "name", "closed", "pos")),
        "labels": _picked(board.get("labels"), ("id", "name", "color")),
        "members": members,
    }
    version = board.get("dateLastActivity")
    return Payload(Ref(BOARD, board["id"]), board["id"], _encode(kept), version=version if isinstance(version, str) else None)


def split_actions(actions: Iterable[Json]) -> list[Payload]:
    """The changes and comments among them, each as a part of its card; of other actions nothing is kept."""
    return [payload for action in actions if (payload := action_payload(action)) is not None]


def action_payload(action: Json) -> Payload | None:
    """None for an action that is not kept, and for one without the card that it befell."""
    kind, data = action.get("type"), action.get("data")
    names = _KEPT.get(kind) if isinstance(kind, str) else None
    card = card_of(action)
    if names is None or card is None or not isinstance(data, dict) or not is_id(action.get("id")):
        return None
    kept: Json = {name: _inner(name, data[name]) for name in names if name in data}
    if kind == "updateCard":
        changed = [name for name in kept.get("old") or () if name in _OLD]
        if not changed:
            return None
        kept["old"] = {name: data["old"][name] for name in changed}
        kept["card"] = {name: data["card"].get(name) for name in changed}
    creator = action.get("memberCreator")
    body = _encode({
        "id": action["id"],
        "type": kind,
        "date": action.get("date"),
        "idMemberCreator": action.get("idMemberCreator"),
        "memberCreator": {n: creator.get(n) for n in ("id", "fullName", "username")} if isinstance(creator, dict) else None,
        "data": kept,
    })  # fmt: skip
    return Payload(Ref(COMMENT if kind in COMMENT_TYPES else ACTION, action["id"]), None, body, part_of=Ref(CARD, card))


def card_of(action: Json) -> str | None:
    """The card that it befell."""
    return _named(action, "card")


def cards_of(action: Json) -> Iterable[str]:
    """Every card that it may have changed: a check item that became a card is gone from another."""
    found = (_named(action, name) for name in ("card", "cardSource"))
    return [id for id in found if id is not None]


def card_link(url: object) -> str | None:
    """The short link of the card that an address leads to."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    host, path = parts.hostname or "", parts.path.split("/")
    return path[2] if host in ("trello.com", "www.trello.com") and len(path) > 2 and path[1] == "c" and path[2].isalnum() else None


def _named(action: Json, name: str) -> str | None:
    data = action.get("data")
    inner = data.get(name) if isinstance(data, dict) else None
    id = inner.get("id") if isinstance(inner, dict) else None
    return id if is_id(id) else None


def _inner(name: str, value: Any) -> Any:
    names = _INNER.get(name)
    return {n: value.get(n) for n in names} if names and isinstance(value, dict) else value


def _picked(entries: Any, names: tuple[str, ...], key: str = "id") -> list[Json]:
    """Those fields of each entry, in the order of its key; an old label has a colour only."""
    found = [{name: entry.get(name) for name in names} for entry in entries or () if isinstance(entry, dict)]
    return sorted(found, key=lambda entry: (str(entry[key]), str(entry.get("name")), str(entry.get("color"))))
