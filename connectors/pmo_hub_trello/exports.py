"""Board export files: what a board's menu gives to anybody who may see it, as one JSON object.

Its cards are complete and are merged as a group, so that what a newer export lacks ends. Its actions are at most the newest thousand, so
they add to those of older exports. An export that is older than what was read is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import IO, Any

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import Group, Page, Partition, Patch, Ref, State
from pmo_hub.sdk.errors import ScopeError, TransientError
from pmo_hub.sdk.files import Files
from pmo_hub_trello.client import Json
from pmo_hub_trello.object_ids import is_id
from pmo_hub_trello.splitting import board_payload, card_link, split_actions, split_cards

LONGEST = 512 * 1024 * 1024
CARDS_A_PAGE = 500
ACTIONS_A_PAGE = 1_000
EXPORT = "export"


class _Head(Struct):
    """Enough to know a board's export; the rest of it stays in bytes."""

    id: str
    name: str
    cards: msgspec.Raw
    lists: msgspec.Raw
    actions: list[msgspec.Raw] = []
    closed: bool | None = None
    short_url: str | None = msgspec.field(default=None, name="shortUrl")
    date_last_activity: str | None = msgspec.field(default=None, name="dateLastActivity")


class _Action(Struct):
    id: str | None = None
    date: str | None = None


_HEAD = msgspec.json.Decoder(_Head)
_ACTION = msgspec.json.Decoder(_Action)


@dataclass(frozen=True, slots=True)
class Export:
    """The newest export of a board: `at` is the board's last activity in it, as text; `digest` is of its bytes."""

    files: Files
    file: str
    board: str
    name: str
    closed: bool
    url: str | None
    at: str
    digest: str


class Exports:
    """The exports among the files of a connection: what was uploaded, and what lies in its watched folder."""

    def __init__(self, *shelves: Files) -> None:
        self._shelves = shelves
        self._found: dict[str, Export] | None = None
        self.others: list[str] = []

    def newest(self) -> Mapping[str, Export]:
        """Board → its newest export; files that are none are in `others`."""
        if self._found is None:
            found: dict[str, Export] = {}
            others = []
            for export, name in self._looked():
                if export is None:
                    others.append(name)
                elif export.board not in found or (found[export.board].at, found[export.board].file) < (export.at, export.file):
                    found[export.board] = export
            self._found, self.others = found, others
        return self._found

    def board(self, board: str) -> Json:
        """The export as JSON, with what old ones lack made up from what they have."""
        return _completed(self._decoded(board))

    def _looked(self) -> Iterator[tuple[Export | None, str]]:
        for shelf in self._shelves:
            for name in shelf.names():
                yield _look(shelf, name), name

    def _decoded(self, board: str) -> Json:
        export = self.newest()[board]
        try:
            found = msgspec.json.decode(_bytes(export.files, export.file))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, FileNotFoundError) as error:
            raise TransientError(f"the export of board {board} changed while it was read: {error}") from None
        if not isinstance(found, dict):
            raise TransientError(f"the export of board {board} changed while it was read")
        return found


def export_in(files: Files, name: str, body: bytes) -> Export | None:
    """The board's export that these bytes are; None where they are none."""
    try:
        head = _HEAD.decode(body)
        newest = max((_ACTION.decode(raw).date or "" for raw in head.actions), default="")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not is_id(head.id) or bytes(memoryview(head.cards)[:1]) != b"[":
        return None
    at = max(head.date_last_activity or "", newest)
    return Export(files, name, head.id, head.name, bool(head.closed), head.short_url, at, blake2b(body, digest_size=16).hexdigest())


def _look(files: Files, name: str) -> Export | None:
    return export_in(files, name, _bytes(files, name))


def _bytes(files: Files, name: str) -> bytes:
    try:
        with files.open(name) as file:
            return at_most(file)
    except FileNotFoundError:
        return b""  # taken away since the names were read


def at_most(file: IO[bytes]) -> bytes:
    """All of the file, or nothing of one that is longer than any export."""
    body = file.read(LONGEST + 1)
    return b"" if len(body) > LONGEST else body


def kept(state: State, board: str) -> State:
    return {k: state[k] for name in ("digest", "exported") if (k := f"{board}/{name}") in state}


def is_covered(state: State, board: str) -> bool:
    return f"{board}/digest" in state


def is_due(state: State, export: Export) -> bool:
    """Whether it says something else, and nothing older, than what was read."""
    return state.get(f"{export.board}/digest") != export.digest and state.get(f"{export.board}/exported", "") <= export.at


def read_export(exports: Exports, partition: Partition) -> Iterator[Page]:
    """The board with its cards as a group, then what befell them; the same file again changes nothing."""
    (board,) = partition.scopes
    export = exports.newest().get(board)
    if export is None:
        raise ScopeError(board, f"there is no export file of board {board}; upload one, or remove the board from the connection")
    yield from pages_of(exports, board, {f"{board}/digest": export.digest, f"{board}/exported": export.at})


def pages_of(exports: Exports, board: str, patch: Patch) -> Iterator[Page]:
    """The pages of a board's export; the last one carries the state."""
    body = exports.board(board)
    group = Ref(EXPORT, board)
    links = _links(body["cards"])
    payloads, rejected = split_cards(body["cards"], lambda card: " ".join(f"{k}={v}" for k, v in sorted(_linked(card, links))))
    whole = [board_payload(body), *payloads]
    for start in range(0, len(whole), CARDS_A_PAGE):
        is_last = start + CARDS_A_PAGE >= len(whole)
        yield Page(whole[start : start + CARDS_A_PAGE], rejected=rejected if is_last else (), group=Group(group, is_last))
    changes = split_actions(body["actions"])
    for start in range(0, len(changes) or 1, ACTIONS_A_PAGE):
        is_last = start + ACTIONS_A_PAGE >= len(changes)
        yield Page(changes[start : start + ACTIONS_A_PAGE], patch if is_last else {})


def _links(cards: Sequence[Any]) -> dict[str, str]:
    """Short link → id of the board's own cards: of others a file knows nothing."""
    return {card["shortLink"]: card["id"] for card in cards if isinstance(card, dict) and isinstance(card.get("shortLink"), str)}


def _linked(card: Json, links: Mapping[str, str]) -> set[tuple[str, str]]:
    found = (card_link(one.get("url")) for one in card.get("attachments") or () if isinstance(one, dict))
    return {(link, links[link]) for link in found if link is not None and link in links}


def _completed(board: Json) -> Json:
    """Checklists joined to their cards; labels of boards from the time when labels had no ids."""
    for name in ("cards", "actions", "lists", "members", "memberships", "labels", "checklists", "customFields"):
        board[name] = [entry for entry in board.get(name) or () if isinstance(entry, dict)]
    by_card: dict[object, list[Json]] = {}
    for checklist in board["checklists"]:
        by_card.setdefault(checklist.get("idCard"), []).append(checklist)
    for card in board["cards"]:
        card.setdefault("idBoard", board["id"])
        if by_card:
            card["checklists"] = by_card.get(card.get("id"), [])
    board["labels"] = board["labels"] or _old_labels(board)
    return board


def _old_labels(board: Json) -> list[Json]:
    named = board.get("labelNames")
    found = {str(name) for name in (named or {}).values() if name} if isinstance(named, dict) else set()
    for card in board["cards"]:
        found |= {label["name"] for label in card.get("labels") or () if isinstance(label, dict) and label.get("name")}
    return [{"id": name, "name": name, "color": None} for name in sorted(found)]
