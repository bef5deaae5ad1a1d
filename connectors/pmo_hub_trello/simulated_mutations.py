"""What people do on simulated boards. Each act changes what it changes and, where Trello does, leaves an action behind.

What Trello does not tell is marked so: an edited check item, a renamed label, a comment deleted by its author.
"""
from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from pmo_hub_trello.simulated_world import Board, Json, World, encode, later, stamp


class Mutations:
    """`now` is the site's own clock; `who` acts unless somebody else is named."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world, self._clock = world, now
        self.told: list[str] = []               # ids of the actions since somebody last looked

    @property
    def who(self) -> str:
        return self._world.caller

    def _act(self, kind: str, board: Board, data: Json, card: str | None = None, member: str | None = None, touch: bool = True) -> str:
        id = self._world.put_action(kind, board, member or self.who, self._clock(), data, card, touch)
        self.told.append(id)
        return id

    def _of(self, card: str) -> tuple[Json, Board]:
        held = self._world.cards[card]
        return held, self._world.boards[held["idBoard"]]

    def _list(self, board: Board, id: str) -> Json:
        return {"id": id, "name": board.lists[id]["name"]}

    # Cards

    def create(self, board: str, list_id: str, name: str, member: str | None = None, **values: Any) -> Json:
        held = self._world.boards[board]
        card = self._world.put_card(held, list_id, name, self._clock(), member or self.who, **values)
        self._act("createCard", held, {"list": self._list(held, list_id)}, card["id"], member)
        return card

    def edit(self, card: str, **values: Any) -> Json:
        """Sets name, desc, due, start, dueComplete or pos; what has that value already leaves no trace."""
        held, board = self._of(card)
        changed = {name: value for name, value in values.items() if held[name] != value}
        if changed:
            old = {name: held[name] for name in changed}
            held.update(changed)
            data = {"old": old, "card": {**self._world.brief(card), **changed}, "list": self._list(board, held["idList"])}
            self._act("updateCard", board, data, card)
        return held

    def archive(self, card: str, closed: bool = True) -> Json:
        return self.edit(card, closed=closed)

    def move(self, card: str, list_id: str) -> Json:
        """To another list of its board."""
        held, board = self._of(card)
        before = held["idList"]
        if before != list_id:
            held["idList"] = list_id
            data = {"old": {"idList": before}, "card": {**self._world.brief(card), "idList": list_id},
                    "listBefore": self._list(board, before), "listAfter": self._list(board, list_id)}
            self._act("updateCard", board, data, card)
        return held

    def move_board(self, card: str, board: str, list_id: str) -> Json:
        """To a list of another board: labels and custom fields stay behind, the id does not change."""
        held, source = self._of(card)
        target = self._world.boards[board]
        self._act("moveCardFromBoard", source, {"boardTarget": {"id": target.id}, "list": self._list(source, held["idList"])}, card)
        self._carry(held, source, target, list_id)
        self._act("moveCardToBoard", target, {"boardSource": {"id": source.id}, "list": self._list(target, list_id)}, card)
        return held

    def _carry(self, held: Json, source: Board, target: Board, list_id: str) -> None:
        source.cards.remove(held["id"])
        insort(target.cards, held["id"])
        target.shorts += 1
        names = {label["name"]: id for id, label in target.labels.items() if label["name"]}
        labels = [names[name] for id in held["idLabels"] if (name := source.labels.get(id, {}).get("name")) in names]
        held.update(idBoard=target.id, idList=list_id, idLabels=labels, customFieldItems=[], idShort=target.shorts,
                    dateLastActivity=later(held["dateLastActivity"], self._clock()))

    def delete(self, card: str) -> None:
        held, board = self._of(card)
        brief = {"id": card, "idShort": held["idShort"], "shortLink": held["shortLink"]}
        self._world.drop_card(card)
        self._act("deleteCard", board, {"card": brief, "list": self._list(board, held["idList"])})

    def assign(self, card: str, member: str) -> None:
        held, board = self._of(card)
        if member not in held["idMembers"]:
            held["idMembers"] = [*held["idMembers"], member]
            named = {"id": member, "name": self._world.people[member].name}
            self._act("addMemberToCard", board, {"idMember": member, "member": named}, card)

    def unassign(self, card: str, member: str) -> None:
        held, board = self._of(card)
        if member in held["idMembers"]:
            held["idMembers"] = [id for id in held["idMembers"] if id != member]
            self._act("removeMemberFromCard", board, {"idMember": member, "member": {"id": member}}, card)

    def label(self, card: str, label: str, on: bool = True) -> None:
        held, board = self._of(card)
        if on is not (label in held["idLabels"]):
            held["idLabels"] = [*held["idLabels"], label] if on else [id for id in held["idLabels"] if id != label]
            self._act("addLabelToCard" if on else "removeLabelFromCard", board, {"label": dict(board.labels[label])}, card)

    def set_field(self, card: str, field: str, value: Json | None = None, option: str | None = None, keep_empty: bool = False) -> None:
        """Without value and option the field is cleared: its item is gone or, `keep_empty`, holds nothing."""
        held, board = self._of(card)
        before = next((item for item in held["customFieldItems"] if item["idCustomField"] == field), None)
        rest = [item for item in held["customFieldItems"] if item["idCustomField"] != field]
        made: Json = {"id": before["id"] if before else self._world.new_id(self._clock()), "idCustomField": field, "idModel": card,
                "modelType": "card", "value": value, "idValue": option}
        held["customFieldItems"] = [*rest, made] if value is not None or option is not None or keep_empty else rest
        entry = board.fields[field]
        old = {"value": before["value"], "idValue": before["idValue"]} if before else {"value": None}
        self._act("updateCustomFieldItem", board, {"old": old, "customField": {n: entry[n] for n in ("id", "name", "type")},
                                                   "customFieldItem": {"value": value, "idValue": option, "id": made["id"]}}, card)

    def attach(self, card: str, url: str, name: str = "") -> str:
        held, board = self._of(card)
        id = self._world.new_id(self._clock())
        made: Json = {"id": id, "name": name or url, "url": url, "bytes": None, "date": stamp(self._clock()), "isUpload": False,
                      "previews": []}
        held["attachments"] = [*held["attachments"], made]
        self._act("addAttachmentToCard", board, {"attachment": {"id": id, "name": made["name"], "url": url}}, card)
        return id

    # Checklists

    def add_checklist(self, card: str, name: str, items: tuple[str, ...] = ()) -> str:
        held, board = self._of(card)
        id = self._world.new_id(self._clock())
        checklist = {"id": id, "name": name, "idBoard": board.id, "idCard": card, "pos": 16384, "checkItems": []}
        held["checklists"] = [*held["checklists"], checklist]
        self._act("addChecklistToCard", board, {"checklist": {"id": id, "name": name}}, card)
        for item in items:
            self.add_item(card, id, item)
        return id

    def drop_checklist(self, card: str, checklist: str) -> None:
        held, board = self._of(card)
        held["checklists"] = [one for one in held["checklists"] if one["id"] != checklist]
        self._act("removeChecklistFromCard", board, {"checklist": {"id": checklist}}, card)

    def add_item(self, card: str, checklist: str, name: str, **values: Any) -> str:
        """Told by an action that says no more than that."""
        held, board = self._of(card)
        id = self._world.new_id(self._clock())
        item = {"id": id, "name": name, "nameData": None, "pos": 16384, "state": "incomplete", "due": None, "dueReminder": None,
                "idMember": None, "idChecklist": checklist} | values
        next(one for one in held["checklists"] if one["id"] == checklist)["checkItems"].append(item)
        self._act("createCheckItem", board, {"checklist": {"id": checklist}, "checkItem": {"id": id, "name": name}}, card)
        return id

    def tick(self, card: str, item: str, done: bool = True) -> None:
        _, board = self._of(card)
        found = self._item(card, item)
        if found["state"] != ("complete" if done else "incomplete"):
            found["state"] = "complete" if done else "incomplete"
            named = {"id": item, "name": found["name"], "state": found["state"]}
            self._act("updateCheckItemStateOnCard", board, {"checkItem": named}, card)

    def edit_item(self, card: str, item: str, **values: Any) -> None:
        """Name, due or member: nothing tells of it."""
        self._item(card, item).update(values)

    def drop_item(self, card: str, item: str) -> None:
        """Nothing tells of it."""
        for checklist in self._world.cards[card]["checklists"]:
            checklist["checkItems"] = [one for one in checklist["checkItems"] if one["id"] != item]

    def convert_item(self, card: str, item: str) -> Json:
        """The check item becomes a card of its own."""
        held, board = self._of(card)
        name = self._item(card, item)["name"]
        self.drop_item(card, item)
        made = self._world.put_card(board, held["idList"], name, self._clock(), self.who)
        self._act("convertToCardFromCheckItem", board, {"cardSource": self._world.brief(card), "list": self._list(board, held["idList"])},
                  made["id"])
        return made

    def _item(self, card: str, item: str) -> Json:
        lists = self._world.cards[card]["checklists"]
        found: Json = next(one for checklist in lists for one in checklist["checkItems"] if one["id"] == item)
        return found

    # Comments

    def comment(self, card: str, text: str, member: str | None = None) -> str:
        _, board = self._of(card)
        return self._act("commentCard", board, {"text": text}, card, member)

    def edit_comment(self, action: str, text: str, silent: bool = False) -> None:
        """The comment keeps its id; where it is told, another action says so."""
        held = self._world.actions[action]
        body = msgspec.json.decode(held.body)
        before = body["data"]["text"]
        body["data"] |= {"text": text, "dateLastEdited": stamp(self._clock())}
        held.body = encode(body)
        if not silent and held.card is not None:
            _, board = self._of(held.card)
            self._act("updateComment", board, {"old": {"text": before}, "action": {"id": action, "text": text}}, held.card)

    def delete_comment(self, action: str, silent: bool = True) -> None:
        held = self._world.actions[action]
        self._world.drop_action(action)
        if not silent and held.card is not None:
            _, board = self._of(held.card)
            self._act("deleteComment", board, {"action": {"id": action}}, held.card)

    # Boards

    def create_list(self, board: str, name: str) -> str:
        held = self._world.boards[board]
        id = self._world.put_list(held, name, self._clock())
        self._act("createList", held, {"list": self._list(held, id)})
        return id

    def edit_list(self, board: str, list_id: str, **values: Any) -> None:
        """Its name, or whether it is closed."""
        held = self._world.boards[board]
        old = {name: held.lists[list_id][name] for name in values}
        if old != values:
            held.lists[list_id].update(values)
            self._act("updateList", held, {"list": {**self._list(held, list_id), **values}, "old": old})

    def move_list(self, list_id: str, board: str) -> None:
        """To another board, with all of its cards; they have nothing to tell of it themselves."""
        source = next(held for held in self._world.boards.values() if list_id in held.lists)
        target = self._world.boards[board]
        entry = source.lists.pop(list_id)
        target.lists[list_id] = entry | {"idBoard": target.id}
        for id in [id for id in source.cards if self._world.cards[id]["idList"] == list_id]:
            self._carry(self._world.cards[id], source, target, list_id)
        named = {"list": {"id": list_id, "name": entry["name"]}}
        self._act("moveListFromBoard", source, {**named, "boardTarget": {"id": target.id}})
        self._act("moveListToBoard", target, {**named, "boardSource": {"id": source.id}})

    def rename_label(self, board: str, label: str, name: str) -> None:
        """Nothing tells of it."""
        self._world.boards[board].labels[label]["name"] = name

    def drop_field(self, board: str, field: str) -> None:
        """Its values go with it."""
        held = self._world.boards[board]
        entry = held.fields.pop(field)
        for id in held.cards:
            card = self._world.cards[id]
            card["customFieldItems"] = [item for item in card["customFieldItems"] if item["idCustomField"] != field]
        self._act("deleteCustomField", held, {"customField": {"id": field, "name": entry["name"]}})

    def close_board(self, board: str, closed: bool = True) -> None:
        held = self._world.boards[board]
        if held.closed is not closed:
            held.closed = closed
            self._act("updateBoard", held, {"old": {"closed": not closed}})

    def add_member(self, board: str, member: str) -> None:
        held = self._world.boards[board]
        held.members[member] = False
        self._act("addMemberToBoard", held, {"idMemberAdded": member, "memberType": "normal"})

    def drop_member(self, board: str, member: str) -> None:
        """Off the board and off its cards."""
        held = self._world.boards[board]
        if held.members.pop(member, None) is None:
            return
        for id in held.cards:
            self.unassign(id, member)
        self._act("removeMemberFromBoard", held, {"idMember": member})

    def rename_person(self, member: str, name: str) -> None:
        """Nothing tells of it."""
        self._world.people[member].name = name

    def hide_board(self, board: str, hidden: bool = True) -> None:
        """The caller may not see the board any more, or again."""
        (self._world.hidden.add if hidden else self._world.hidden.discard)(board)
