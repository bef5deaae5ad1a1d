"""What is there, as ids: cards, and comments, whose deletion nothing tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pmo_hub.sdk.contract import LISTING_IDS, Listing
from pmo_hub_trello.client import TrelloClient
from pmo_hub_trello.object_ids import is_id
from pmo_hub_trello.splitting import CARD, COMMENT, COMMENT_TYPES, card_of

KINDS = (CARD, COMMENT)
_TYPES = ",".join((*COMMENT_TYPES, "moveCardToBoard", "moveListToBoard"))


def list_board(client: TrelloClient, board: str) -> Iterator[Listing]:
    """The board's cards, then their comments: those made on other boards, too, before a card came here."""
    cards: set[str] = set()
    yield from _listings(CARD, board, _noted(client.card_ids(board), cards))
    yield from _listings(COMMENT, board, _comments(client, board, cards))


def _noted(ids: Iterable[str], into: set[str]) -> Iterator[str]:
    for id in ids:
        into.add(id)
        yield id


def _comments(client: TrelloClient, board: str, cards: set[str]) -> Iterator[str]:
    listed: set[str] = set()
    came: set[str] = set()
    for action in client.action_ids(board, _TYPES):
        kind, card = action.get("type"), card_of(action)
        if kind in COMMENT_TYPES and card in cards:
            listed.add(action["id"])
            yield action["id"]
        elif kind == "moveCardToBoard" and card in cards:
            came.add(str(card))
        elif kind == "moveListToBoard":
            list_ = (action.get("data") or {}).get("list") or {}
            came.update(set(client.cards_of_list(list_["id"])) & cards if is_id(list_.get("id")) else ())
    for card in sorted(came):
        for page in client.actions_of_card(card, ",".join(COMMENT_TYPES)):
            yield from (action["id"] for action in page if action["id"] not in listed)


def _listings(kind: str, board: str, ids: Iterable[str]) -> Iterator[Listing]:
    some: list[str] = []
    for id in ids:
        if len(some) == LISTING_IDS:
            yield Listing(kind, (board,), some, last=False)
            some = []
        some.append(id)
    yield Listing(kind, (board,), some, last=True)
