"""Webhooks at Trello on our behalf: one a board, made again where it is missing, revived where Trello gave up on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pmo_hub.sdk.errors import ConfigError
from pmo_hub.sdk.hooks import Registration
from pmo_hub_trello.client import Json, Refused, TrelloClient

LOOKED_AT_EVERY = timedelta(days=1)
"""Trello's webhooks have no end; this one is named so that the hub looks after them, again and again, before it comes."""

SHORTEST_SECRET = 32
DESCRIPTION = "pmo-hub"


def register(client: TrelloClient, url: str, secret: str | None, boards: Sequence[str], now: datetime) -> Registration:
    """Each board sends to `url`, and what was held for that address for other boards is gone."""
    if secret is None or len(secret) < SHORTEST_SECRET or any(c not in "0123456789abcdef" for c in secret.lower()):
        raise ConfigError(
            "Trello signs with the secret of the API key, which nobody else can choose: give the secret that stands beside the key at "
            "trello.com/power-ups/admin"
        )
    return renew(client, url, boards, now)


def renew(client: TrelloClient, url: str, boards: Sequence[str], now: datetime) -> Registration:
    """What Trello holds for that address is one active webhook for each of the boards."""
    held: dict[str, Json] = {}
    for hook in _held(client, url):
        board = str(hook.get("idModel"))
        if board in held or board not in boards:
            client.drop_webhook(hook["id"])
        else:
            held[board] = hook
    refused: list[str] = []
    for board in boards:
        found = held.get(board)
        try:
            if found is None:
                client.add_webhook(url, board, DESCRIPTION)
            elif not found.get("active", True):
                client.revive_webhook(found["id"])
        except Refused as refusal:
            refused.append(f"{board}: {refusal}")
    if refused and len(refused) == len(boards):
        raise ConfigError(f"Trello takes no webhook for any of the boards, such as {refused[0]}"[:400])
    return Registration(url, now + LOOKED_AT_EVERY)


def unregister(client: TrelloClient, url: str) -> None:
    for hook in _held(client, url):
        client.drop_webhook(hook["id"])


def _held(client: TrelloClient, url: str) -> list[Json]:
    return [hook for hook in client.webhooks() if hook.get("callbackURL") == url and isinstance(hook.get("id"), str)]
