"""Which cards the attachments of cards lead to: an address holds a short link, and records name cards by their ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pmo_hub_trello.client import Json, TrelloClient
from pmo_hub_trello.splitting import card_link

MOST_KEPT = 100_000


class Links:
    """Short links with the ids that they were found to be, for as long as the source is open."""

    def __init__(self, client: TrelloClient) -> None:
        self._client = client
        self._ids: dict[str, str | None] = {}

    def learn(self, cards: Iterable[Any]) -> None:
        """Every link of these cards can be told; what is not on a page that was read is asked for, ten a request."""
        if len(self._ids) > MOST_KEPT:
            self._ids.clear()
        wanted: dict[str, None] = {}
        for card in cards:
            if isinstance(card, dict):
                if isinstance(card.get("shortLink"), str):
                    self._ids[card["shortLink"]] = card.get("id")
                wanted.update(dict.fromkeys(_links_of(card)))
        asked = [link for link in wanted if link not in self._ids]
        for link, (status, found) in zip(asked, self._client.linked_cards(asked) if asked else (), strict=True):
            self._ids[link] = found.get("id") if status == 200 and isinstance(found, dict) else None

    def of(self, card: Json) -> str:
        """The card's links with their ids, in one text; a card that nobody may see is left out."""
        found = {link: self._ids.get(link) for link in _links_of(card)}
        return " ".join(f"{link}={id}" for link, id in sorted(found.items()) if id)


def _links_of(card: Json) -> list[str]:
    found = (card_link(one.get("url")) for one in card.get("attachments") or () if isinstance(one, dict))
    return [link for link in found if link]
