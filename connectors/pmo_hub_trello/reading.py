"""Reading a board: all of it, or what its actions tell. One partition a board, resumable after every page.

The newest action is noted before the first page: whatever happens from then on is found by the next reading. Actions come newest first,
and a card is handed over before what befell it, because a part whose card is not known yet is dropped.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import Gone, Page, Partition, Patch, Payload, Reason, Ref, Rejected, State
from pmo_hub_trello import object_ids
from pmo_hub_trello.client import ACTIONS_A_PAGE, CARDS_A_PAGE, FEWEST_A_PAGE, Json, TooMuch, TrelloClient, moved_on
from pmo_hub_trello.links import Links
from pmo_hub_trello.reference import board_reference
from pmo_hub_trello.splitting import CARD, COMMENT, board_payload, card_of, cards_of, split_actions, split_cards

SWEPT_EVERY = timedelta(days=1)
COMMENTS_AGAIN = timedelta(days=30)
"""So far back a sweep reads actions again, since the edit of a comment may not be told."""

MANY = 200
"""Cards that one page of actions touches, from which on the whole board costs less than the cards one by one."""


class Progress(Struct, omit_defaults=True):
    """How far a reading has come. `marker` is the newest action from before the first page, `activity` the board's date then.

    `lists_cards`: all cards are read, not only those that actions name. Actions are read down to `since`, None for all; from `told` on
    they are news.
    """

    marker: str
    activity: str
    lists_cards: bool
    since: str | None = None
    told: str | None = None
    cards_before: str | None = None
    cards_done: bool = False
    limit: int = CARDS_A_PAGE
    actions_before: str | None = None
    swept: str | None = None


def key(board: str, name: str) -> str:
    return f"{board}/{name}"


def kept(state: State, board: str) -> State:
    names = ("activity", "actions", "swept", "dictionary", "page")
    return {k: state[k] for name in names if (k := key(board, name)) in state}


def is_covered(state: State, board: str) -> bool:
    return key(board, "actions") in state


def is_due(state: State, board: str, activity: str, now: datetime) -> bool:
    """Whether the board has moved, was not read to the end, or was not swept for a day."""
    return state.get(key(board, "activity")) != activity or key(board, "page") in state or sweep_is_due(state, board, now)


def sweep_is_due(state: State, board: str, now: datetime) -> bool:
    try:
        swept = datetime.fromisoformat(state[key(board, "swept")])
    except (KeyError, ValueError):
        return True
    return not now - SWEPT_EVERY < swept <= now + SWEPT_EVERY


class BoardReader:
    """Reads one partition. `wants_all`: to the first action, whatever was read before."""

    def __init__(
        self, client: TrelloClient, partition: Partition, now: datetime, overlap: timedelta, links: Links | None, wants_all: bool
    ) -> None:
        (self._board,) = partition.scopes
        self._client = client
        self._state = partition.state
        self._clock = now
        self._overlap_s = int(overlap.total_seconds())
        self._links = links
        self._wants_all = wants_all
        self._listed = False

    def pages(self) -> Iterator[Page]:
        progress = self._resumed()
        if progress is None:
            progress = yield from self._begin()
        if progress.lists_cards and not progress.cards_done:
            yield from self._cards(progress)
        self._listed = progress.lists_cards
        yield from self._actions(progress)

    def _resumed(self) -> Progress | None:
        text = self._state.get(key(self._board, "page"))
        if not text:
            return None
        try:
            found = msgspec.json.decode(text, type=Progress)
        except msgspec.DecodeError:
            return None
        # What a poll has left does not do for a full read.
        return None if self._wants_all and found.since is not None else found

    def _begin(self) -> Generator[Page, None, Progress]:
        board = self._client.board(self._board)
        marker = self._client.newest_action(self._board) or object_ids.at(datetime.fromtimestamp(0, UTC))
        digest = blake2b(board_reference(board).body, digest_size=16).hexdigest()
        before = self._state.get(key(self._board, "dictionary"))
        is_changed = before is not None and before != digest
        last = self._state.get(key(self._board, "actions"))
        told = object_ids.earlier(last, self._overlap_s) if last else None
        sweeps = sweep_is_due(self._state, self._board, self._clock)
        since = None
        if told is not None and not self._wants_all:
            since = min(told, object_ids.at(self._clock - COMMENTS_AGAIN)) if sweeps else told
        # A renamed label or a deleted field changes cards without touching them.
        lists_cards = since is None or sweeps or is_changed
        progress = Progress(marker, board.get("dateLastActivity") or "", lists_cards, since, told, swept=self._clock.isoformat())
        patch = {**self._saved(progress), key(self._board, "dictionary"): digest}
        yield Page([board_payload(board)], patch, stale=(self._board,) if is_changed else ())
        return progress

    def _saved(self, progress: Progress) -> Patch:
        return {key(self._board, "page"): msgspec.json.encode(progress).decode()}

    # Cards

    def _cards(self, progress: Progress) -> Iterator[Page]:
        """The listing down to its empty last page; a page that would hold too much is asked for in halves."""
        for page in self._listing(progress):
            payloads, rejected = self._split(page)
            progress.cards_done = not page
            yield Page(payloads, self._saved(progress), rejected=rejected)

    def _listing(self, progress: Progress) -> Iterator[list[Any]]:
        """Pages with `progress` moved past each, the empty last one too."""
        while True:
            try:
                page = self._client.cards(self._board, progress.cards_before, progress.limit)
            except TooMuch:
                if progress.limit <= FEWEST_A_PAGE:
                    raise
                progress.limit = max(FEWEST_A_PAGE, progress.limit // 2)
                continue
            ids = [card["id"] for card in page if isinstance(card, dict) and object_ids.is_id(card.get("id"))]
            if ids:
                progress.cards_before = moved_on(progress.cards_before, min(ids), "cards")
            yield page if ids else []
            if not ids:
                return

    def _split(self, cards: Sequence[Any]) -> tuple[list[Payload], list[Rejected]]:
        if self._links is None:
            return split_cards(cards)
        self._links.learn(cards)
        return split_cards(cards, self._links.of)

    # Actions

    def _actions(self, progress: Progress) -> Iterator[Page]:
        while True:
            page = self._client.actions(self._board, progress.actions_before, progress.since)
            if not page:
                yield Page(state=self._finished(progress))
                return
            progress.actions_before = moved_on(progress.actions_before, min(action["id"] for action in page), "actions")
            news = [action for action in page if progress.told is not None and action["id"] >= progress.told]
            yield from self._news(news, page)
            yield Page(split_actions(page), self._saved(progress))

    def _finished(self, progress: Progress) -> Patch:
        patch: dict[str, str | None] = {
            key(self._board, "activity"): progress.activity,
            key(self._board, "actions"): progress.marker,
            key(self._board, "page"): None,
        }
        if progress.lists_cards:
            patch[key(self._board, "swept")] = progress.swept
        return patch

    def _news(self, news: Sequence[Json], page: Sequence[Json]) -> Iterator[Page]:
        """Cards as they are now, and what came along with those that moved here."""
        left, came = self._moved(news, page)
        deleted = {id for action in news if action.get("type") == "deleteCard" and (id := card_of(action))}
        touched = {id for action in news for id in cards_of(action)}
        if not self._listed and len(touched) > MANY:
            for cards in self._listing(Progress("", "", True)):
                payloads, rejected = self._split(cards)
                yield Page(payloads, rejected=rejected)
            self._listed = True
        # A card that was deleted can't come back; all others are asked for, since an action may be older than where the card is now.
        asked = left if self._listed else touched | left
        yield from self._present(sorted(asked - deleted), left)
        if deleted:
            yield Page(gone=[Gone(Ref(CARD, id), Reason.DELETED) for id in sorted(deleted)])
        yield from self._edited(news)
        yield from past_of(self._client, sorted(came))

    def _moved(self, news: Sequence[Json], page: Sequence[Json]) -> tuple[set[str], dict[str, None]]:
        """Cards that left the board of late, and those that ever came from another: what befell them there is told by themselves only."""
        left: set[str] = set()
        came: dict[str, None] = {}
        new = {action["id"] for action in news}
        for action in page:
            kind, card = action.get("type"), card_of(action)
            if kind == "moveCardFromBoard" and card is not None and action["id"] in new:
                left.add(card)
            elif kind == "moveCardToBoard" and card is not None:
                came[card] = None
            elif kind == "moveListFromBoard" and action["id"] in new:
                left.update(self._of_list(action))
            elif kind == "moveListToBoard":
                cards = self._of_list(action)
                came.update(dict.fromkeys(cards))
                left.update(cards if action["id"] in new else ())  # to be asked for like those that left: nothing else names them
        return left, came

    def _of_list(self, action: Json) -> list[str]:
        """The cards that moved with their list; none where the list is out of sight by now, and a census will tell."""
        data = action.get("data")
        inner = data.get("list") if isinstance(data, dict) else None
        id = inner.get("id") if isinstance(inner, dict) else None
        return self._client.cards_of_list(id) if object_ids.is_id(id) and isinstance(id, str) else []

    def _present(self, cards: Sequence[str], left: set[str]) -> Iterator[Page]:
        """The cards as they are now, on this board; of those that are elsewhere the other board's reading tells."""
        for start in range(0, len(cards), CARDS_A_PAGE):
            some = cards[start : start + CARDS_A_PAGE]
            here, gone = [], []
            for id, (status, card) in zip(some, self._client.whole_cards(some), strict=True):
                if status == 200 and isinstance(card, dict):
                    if card.get("idBoard") == self._board:
                        here.append(card)
                    else:
                        gone.append(Gone(Ref(CARD, id), Reason.MOVED))
                elif status == 404:
                    gone.append(Gone(Ref(CARD, id), Reason.ABSENT))
                elif id in left:
                    gone.append(Gone(Ref(CARD, id), Reason.MOVED))  # to where we may not look
            payloads, rejected = self._split(here)
            yield Page(payloads, gone=gone, rejected=rejected)

    def _edited(self, news: Sequence[Json]) -> Iterator[Page]:
        """Comments whose edit or deletion an action tells; each is asked for."""
        ids = dict.fromkeys(
            id for action in news if action.get("type") in ("updateComment", "deleteComment") and (id := _comment(action)) is not None
        )
        if not ids:
            return
        found = self._client.single_actions(list(ids))
        there = [action for status, action in found if status == 200]
        gone = [Gone(Ref(COMMENT, id), Reason.DELETED) for id, (status, _) in zip(ids, found, strict=True) if status == 404]
        yield Page(split_actions(there), gone=gone)


def past_of(client: TrelloClient, cards: Sequence[str]) -> Iterator[Page]:
    """All that ever befell these cards, on whichever board; nothing of one that is gone."""
    first = client.first_actions(cards) if cards else []
    for card, (status, actions) in zip(cards, first, strict=True):
        if status != 200 or not isinstance(actions, list):
            continue
        page = [action for action in actions if isinstance(action, dict) and isinstance(action.get("id"), str)]
        if len(page) < ACTIONS_A_PAGE:
            yield Page(split_actions(page))
        else:
            for more in client.actions_of_card(card):
                yield Page(split_actions(more))


def _comment(action: Json) -> str | None:
    data = action.get("data")
    inner = data.get("action") if isinstance(data, dict) else None
    id = inner.get("id") if isinstance(inner, dict) else None
    return id if object_ids.is_id(id) else None
