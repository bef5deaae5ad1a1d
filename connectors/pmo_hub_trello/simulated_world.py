"""The state of a simulated Trello: boards, cards and what befell them, as requests read it and mutations change it."""
from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

Json = dict[str, Any]
encode = msgspec.json.encode


@dataclass(slots=True)
class Person:
    id: str
    name: str
    username: str
    email: str | None = None


@dataclass(slots=True)
class Board:
    """`cards` and `actions` are sorted ids; `members` maps a member's id to whether it was deactivated."""
    id: str
    name: str
    workspace: str | None
    link: str
    closed: bool = False
    activity: str = ""
    lists: dict[str, Json] = field(default_factory=dict)
    labels: dict[str, Json] = field(default_factory=dict)
    fields: dict[str, Json] = field(default_factory=dict)
    members: dict[str, bool] = field(default_factory=dict)
    cards: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    shorts: int = 0


@dataclass(slots=True)
class Action:
    """`body` is what goes over the wire, but for its member: names are told as they are now."""
    type: str
    card: str | None
    member: str
    body: bytes


class World:
    """Everything there is. Ids are made of the second and a count, so that the same story gives the same ids."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.people: dict[str, Person] = {}
        self.workspaces: dict[str, str] = {}
        self.boards: dict[str, Board] = {}
        self.cards: dict[str, Json] = {}
        self.actions: dict[str, Action] = {}
        self.by_card: dict[str, list[str]] = {}
        self.links: dict[str, str] = {}
        self.hidden: set[str] = set()           # boards that the caller may not see
        self.caller = ""
        self._count = 0
        self._middle = blake2b(str(seed).encode(), digest_size=5).hexdigest()

    def new_id(self, at: datetime) -> str:
        self._count += 1
        return f"{int(at.timestamp()):08x}{self._middle}{self._count:06x}"

    def short_link(self) -> str:
        digits = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        number = int.from_bytes(blake2b(f"{self.seed}/{self._count}".encode(), digest_size=8).digest())
        return "".join(digits[(number >> (6 * place)) % len(digits)] for place in range(8))

    # Putting

    def put_person(self, name: str, username: str, email: str | None, at: datetime) -> Person:
        person = Person(self.new_id(at), name, username, email)
        self.people[person.id] = person
        return person

    def put_board(self, name: str, workspace: str | None, at: datetime) -> Board:
        board = Board(self.new_id(at), name, workspace, self.short_link(), activity=stamp(at))
        self.boards[board.id] = board
        return board

    def put_list(self, board: Board, name: str, at: datetime) -> str:
        id = self.new_id(at)
        board.lists[id] = {"id": id, "name": name, "closed": False, "idBoard": board.id, "pos": 16384 * (len(board.lists) + 1),
                           "subscribed": False, "softLimit": None}
        return id

    def put_label(self, board: Board, name: str, color: str | None, at: datetime) -> str:
        id = self.new_id(at)
        board.labels[id] = {"id": id, "idBoard": board.id, "name": name, "color": color}
        return id

    def put_field(self, board: Board, name: str, kind: str, options: tuple[str, ...], at: datetime) -> str:
        id = self.new_id(at)
        made: Json = {"id": id, "idModel": board.id, "modelType": "board", "fieldGroup": self._middle * 3, "name": name, "type": kind,
                      "pos": 16384, "display": {"cardFront": True}, "isSuggestedField": False}
        if kind == "list":
            made["options"] = [{"id": self.new_id(at), "idCustomField": id, "value": {"text": text}, "color": "none", "pos": 1}
                               for text in options]
        board.fields[id] = made
        return id

    def put_card(self, board: Board, list_id: str, name: str, at: datetime, member: str, **values: Any) -> Json:
        board.shorts += 1
        id, link = self.new_id(at), self.short_link()
        card: Json = {
            "id": id, "name": name, "desc": "", "closed": False, "idBoard": board.id, "idList": list_id, "idMembers": [], "idLabels": [],
            "due": None, "start": None, "dueComplete": False, "dueReminder": None, "dateLastActivity": stamp(at), "idShort": board.shorts,
            "shortLink": link, "shortUrl": f"https://trello.com/c/{link}", "url": f"https://trello.com/c/{link}/{board.shorts}-card",
            "pos": 16384.0 * board.shorts, "isTemplate": False, "cardRole": None, "mirrorSourceId": None, "idMemberCreator": member,
            "subscribed": False, "checklists": [], "customFieldItems": [], "attachments": []} | values
        self.cards[id] = card
        self.links[link] = id
        insort(board.cards, id)
        return card

    def put_action(self, kind: str, board: Board, member: str, at: datetime, data: Json, card: str | None = None,
                   touch: bool = True) -> str:
        """Something has happened on the board; `touch` moves the dates of the board and the card."""
        id = self.new_id(at)
        told = {"board": {"id": board.id, "name": board.name, "shortLink": board.link}, **data}
        if card is not None and "card" not in data:
            told["card"] = self.brief(card)
        body = encode({"id": id, "idMemberCreator": member, "data": told, "type": kind, "date": stamp(at), "appCreator": None,
                       "limits": None})
        self.actions[id] = Action(kind, card, member, body)
        insort(board.actions, id)
        if card is not None:
            insort(self.by_card.setdefault(card, []), id)
        if touch:
            board.activity = later(board.activity, at)
            if card is not None and card in self.cards:
                self.cards[card]["dateLastActivity"] = later(self.cards[card]["dateLastActivity"], at)
        return id

    def brief(self, card: str) -> Json:
        held = self.cards[card]
        return {"id": card, "name": held["name"], "idShort": held["idShort"], "shortLink": held["shortLink"]}

    # Taking away

    def drop_card(self, card: str) -> None:
        """With all that befell it."""
        held = self.cards.pop(card)
        self.boards[held["idBoard"]].cards.remove(card)
        del self.links[held["shortLink"]]
        for id in self.by_card.pop(card, ()):
            self.drop_action(id, of_card=False)

    def drop_action(self, id: str, of_card: bool = True) -> None:
        action = self.actions.pop(id)
        for board in self.boards.values():
            place = bisect_left(board.actions, id)
            if place < len(board.actions) and board.actions[place] == id:
                del board.actions[place]
        if of_card and action.card is not None:
            self.by_card[action.card].remove(id)

    # Asking

    def sees(self, board: str) -> bool:
        return board in self.boards and board not in self.hidden

    def find_card(self, id: str) -> Json | None:
        return self.cards.get(id) or self.cards.get(self.links.get(id, ""))

    def wire_action(self, id: str) -> Json:
        """As it goes over the wire, with the member's name of now; of a member that is gone from Trello there is none."""
        action = self.actions[id]
        found: Json = msgspec.json.decode(action.body)
        person = self.people.get(action.member)
        if person is not None:
            found["memberCreator"] = {"id": person.id, "fullName": person.name, "username": person.username}
        return found

    def wire_card(self, card: Json) -> Json:
        """With its labels as they are now."""
        labels = self.boards[card["idBoard"]].labels
        return {**card, "labels": [labels[id] for id in card["idLabels"] if id in labels]}

    def visible_cards(self) -> Iterator[Json]:
        return (card for card in self.cards.values() if self.sees(card["idBoard"]))


def page(ids: list[str], before: str | None, since: str | None, limit: int) -> list[str]:
    """The newest of the sorted ids that lie between, the newest first."""
    end = len(ids) if before is None else bisect_left(ids, before)
    start = 0 if since is None else bisect_right(ids, since)
    return ids[max(start, end - limit):end][::-1]


def later(than: str, at: datetime) -> str:
    """That time, or a millisecond after the other one where the clock has gone back."""
    before = datetime.fromisoformat(than)
    return stamp(at if at > before else before + timedelta(milliseconds=1))


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
