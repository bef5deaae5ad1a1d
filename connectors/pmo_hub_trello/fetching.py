"""Single objects again: boards, cards with all that befell them, comments and changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pmo_hub.sdk.contract import Gone, Page, Reason, Ref
from pmo_hub_trello.client import Refused, TrelloClient
from pmo_hub_trello.links import Links
from pmo_hub_trello.object_ids import is_id
from pmo_hub_trello.reading import past_of
from pmo_hub_trello.splitting import ACTION, BOARD, CARD, COMMENT, board_payload, split_actions, split_cards

CARDS_AT_ONCE = 100
HIDDEN = frozenset({401, 403})


def fetch_all(client: TrelloClient, refs: Iterable[Ref], links: Links | None) -> Iterator[Page]:
    """Each object with its dependents; what Trello does not have is absent, what it does not show us out of access."""
    wanted = list(dict.fromkeys(refs))
    for ref in wanted:
        if ref.kind == BOARD:
            yield _board(client, ref)
    cards = [ref.external_id for ref in wanted if ref.kind == CARD]
    for start in range(0, len(cards), CARDS_AT_ONCE):
        yield from _cards(client, cards[start : start + CARDS_AT_ONCE], links)
    single = [ref for ref in wanted if ref.kind in (ACTION, COMMENT)]
    for start in range(0, len(single), CARDS_AT_ONCE):
        yield _actions(client, single[start : start + CARDS_AT_ONCE])


def _board(client: TrelloClient, ref: Ref) -> Page:
    try:
        return Page([board_payload(client.board(ref.external_id))])
    except Refused as refusal:
        return Page(gone=[Gone(ref, _reason(refusal.status))])


def _cards(client: TrelloClient, ids: list[str], links: Links | None) -> Iterator[Page]:
    # What is no id of Trello's would be taken for a short link, or refused with all of its batch.
    known = [id for id in ids if is_id(id)]
    found = dict(zip(known, client.whole_cards(known) if known else (), strict=True))
    there = [card for status, card in found.values() if status == 200]
    gone = [Gone(Ref(CARD, id), _reason(found[id][0] if id in found else 404)) for id in ids if id not in found or found[id][0] != 200]
    if links is not None:
        links.learn(there)
    payloads, rejected = split_cards(there, links.of if links is not None else None)
    yield Page(payloads, gone=gone, rejected=rejected)
    yield from past_of(client, [payload.ref.external_id for payload in payloads])


def _actions(client: TrelloClient, refs: list[Ref]) -> Page:
    known = [ref for ref in refs if is_id(ref.external_id)]
    found = dict(zip(known, client.single_actions([ref.external_id for ref in known]) if known else (), strict=True))
    there = split_actions([action for status, action in found.values() if status == 200])
    gone = [Gone(ref, _reason(found[ref][0] if ref in found else 404)) for ref in refs if ref not in found or found[ref][0] != 200]
    return Page(there, gone=gone)


def _reason(status: int) -> Reason:
    return Reason.NO_ACCESS if status in HIDDEN else Reason.ABSENT
