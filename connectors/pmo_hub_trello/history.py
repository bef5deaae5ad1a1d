"""Actions as transitions and comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from pmo_hub.domain.records import Comment, Identity, Transition
from pmo_hub.domain.vocabulary import Field, StatusCategory
from pmo_hub.sdk.contract import Mapped, Payload
from pmo_hub.sdk.errors import RecordError
from pmo_hub_trello import wire
from pmo_hub_trello.dictionary import ARCHIVED, COMPLETE, ENDED, Dictionary
from pmo_hub_trello.instants import day, instant
from pmo_hub_trello.people import identity
from pmo_hub_trello.rules import Archived

_ARCHIVED_AS = {Archived.DONE: StatusCategory.DONE, Archived.CANCELLED: StatusCategory.CANCELLED}


class ActionMapping:
    """Maps `action` payloads to transitions of their card, or of a check item of it."""

    def __init__(self, known: Dictionary) -> None:
        self._known = known
        self._by_type = {
            "updateCard": self._updated,
            "moveCardToBoard": self._moved,
            "addMemberToCard": self._joined,
            "removeMemberFromCard": self._joined,
            "addLabelToCard": self._labelled,
            "removeLabelFromCard": self._labelled,
            "updateCheckItemStateOnCard": self._ticked,
            "updateCustomFieldItem": self._valued,
        }

    def __call__(self, payload: Payload) -> Mapped:
        action, card = read(payload)
        at = instant(action.date)
        if at is None:
            raise RecordError(f"action {payload.ref.external_id} does not say when it happened")
        people: dict[str, Identity] = {}
        actor = identity(action.member_creator, action.id_member_creator, people)
        found = self._by_type.get(action.type)
        if found is None:
            raise RecordError(f"action {action.id} is of the type '{action.type}', which is not kept")
        return Mapped(list(found(_Told(action, card, at, actor))), list(people.values()))

    def _updated(self, told: _Told) -> Iterator[Transition]:
        old, new = _part(told.data, "old"), _part(told.data, "card")
        if "idList" in old:
            yield self._listed(told, _part(told.data, "listBefore"), _part(told.data, "listAfter"), old.get("idList"), new.get("idList"))
        if "dueComplete" in old:
            yield from self._completed(told, bool(new.get("dueComplete")))
        if "closed" in old:
            yield from self._archived(told, bool(new.get("closed")))
        for name, field in (("due", Field.DUE), ("start", Field.PLANNED_START)):
            if name in old:
                before, after = (_day(side.get(name), self._known) for side in (old, new))
                yield told.change(field, name, before, before, after, after)
        if "name" in old:
            yield told.change(Field.TITLE, "name", None, _text(old.get("name")), None, _text(new.get("name")))

    def _listed(self, told: _Told, before: Mapping[str, Any], after: Mapping[str, Any], old: Any, new: Any) -> Transition:
        """Into another list; of lists on other boards only the names are known."""
        sides = []
        for side, id in ((before, old), (after, new)):
            list_id = _text(side.get("id")) or _text(id)
            name = _text(side.get("name"))
            sides.append((list_id, name, self._known.category(list_id, name) if list_id or name else None))
        (from_id, from_text, was), (to_id, to_text, is_) = sides
        return told.change(Field.STATUS, "idList", from_id, from_text, to_id, to_text, was, is_)

    def _completed(self, told: _Told, is_complete: bool) -> Iterator[Transition]:
        """A status where it says something that the list does not."""
        list_id, name, category = self._list_of(told)
        if not self._known.rules.due_complete or category in ENDED:
            before, after = str(not is_complete).lower(), str(is_complete).lower()
            yield told.change(Field.OTHER, "dueComplete", None, before, None, after)
            return
        listed, complete = (list_id, name, category), (COMPLETE, COMPLETE, StatusCategory.DONE)
        yield told.move("dueComplete", listed, complete) if is_complete else told.move("dueComplete", complete, listed)

    def _archived(self, told: _Told, is_closed: bool) -> Iterator[Transition]:
        """A resolution, and a status where archived cards have one by rule."""
        before, after = (None, ARCHIVED) if is_closed else (ARCHIVED, None)
        yield told.change(Field.RESOLUTION, "closed", None, before, None, after)
        list_id, name, category = self._list_of(told)
        meant = _ARCHIVED_AS.get(self._known.rules.archived)
        if meant is not None and category not in ENDED:
            listed, archived = (list_id, name, category), (ARCHIVED, ARCHIVED, meant)
            yield told.move("closed", listed, archived) if is_closed else told.move("closed", archived, listed)

    def _list_of(self, told: _Told) -> tuple[str | None, str | None, StatusCategory | None]:
        held = _part(told.data, "list")
        list_id, name = _text(held.get("id")), _text(held.get("name"))
        return list_id, name, self._known.category(list_id, name) if list_id or name else None

    def _moved(self, told: _Told) -> Iterator[Transition]:
        """To this board, into one of its lists; where it lay before, nobody says any more."""
        source, board, list_ = (_part(told.data, name) for name in ("boardSource", "board", "list"))
        yield told.change(Field.SCOPE, "board", _text(source.get("id")), None, _text(board.get("id")), None)
        list_id, name = _text(list_.get("id")), _text(list_.get("name"))
        if list_id is not None:
            yield told.change(Field.STATUS, "idList", None, None, list_id, name, None, self._known.category(list_id, name))

    def _joined(self, told: _Told) -> Iterator[Transition]:
        member = _text(told.data.get("idMember")) or _text(_part(told.data, "member").get("id"))
        if member is not None:
            came = told.action.type == "addMemberToCard"
            yield told.change(Field.ASSIGNEE, "members", *((None, None, member, None) if came else (member, None, None, None)))

    def _labelled(self, told: _Told) -> Iterator[Transition]:
        label = _part(told.data, "label")
        name = _text(label.get("name")) or _text(label.get("color"))
        if name is not None:
            came = told.action.type == "addLabelToCard"
            yield told.change(Field.OTHER, "label", *((None, None, None, name) if came else (None, name, None, None)))

    def _ticked(self, told: _Told) -> Iterator[Transition]:
        item = _part(told.data, "checkItem")
        id, state = _text(item.get("id")), _text(item.get("state"))
        if id is not None and state is not None:
            done = state == COMPLETE
            before = "incomplete" if done else COMPLETE
            was, is_ = (StatusCategory.TODO, StatusCategory.DONE)
            sides = ((before, before, was if done else is_), (state, state, is_ if done else was))
            yield told.move("state", *sides, item=id)

    def _valued(self, told: _Told) -> Iterator[Transition]:
        entry = _part(told.data, "customField")
        id, name = _text(entry.get("id")), _text(entry.get("name")) or "custom field"
        before, after = (_value(_part(told.data, side)) for side in ("old", "customFieldItem"))
        field = Field.POINTS if id is not None and id == self._known.points else Field.OTHER
        yield told.change(field, name, None, before, None, after)


class _Told:
    """One action with what every transition made of it shares."""

    def __init__(self, action: wire.Action, card: str, at: datetime, actor: str | None) -> None:
        self.action, self.card, self.at, self.actor = action, card, at, actor
        self.data = action.data

    def change(
        self,
        field: Field,
        original: str,
        from_id: str | None,
        from_text: str | None,
        to_id: str | None,
        to_text: str | None,
        was: StatusCategory | None = None,
        is_: StatusCategory | None = None,
        item: str | None = None,
    ) -> Transition:
        # An action may say two things by one of its fields; what a field means, a rule may change.
        id = f"{self.action.id}:{original}" + (":status" if original == "closed" and field is Field.STATUS else "")
        return Transition(id, item or self.card, field, original, from_id, from_text, to_id, to_text, self.at, self.actor, was, is_)

    def move(
        self,
        original: str,
        before: tuple[str | None, str | None, StatusCategory | None],
        after: tuple[str | None, str | None, StatusCategory | None],
        item: str | None = None,
    ) -> Transition:
        """A change of status from one (id, name, meaning) to another."""
        return self.change(Field.STATUS, original, *before[:2], *after[:2], before[2], after[2], item)


def map_comment(payload: Payload) -> Mapped:
    """A `comment` payload; an edited one is the same comment with a later change."""
    action, card = read(payload)
    people: dict[str, Identity] = {}
    author = identity(action.member_creator, action.id_member_creator, people)
    written = instant(action.date)
    edited = instant(_text(action.data.get("dateLastEdited")))
    comment = Comment(action.id, card, author, written, edited or written, _text(action.data.get("text")))
    return Mapped([comment], list(people.values()))


def read(payload: Payload) -> tuple[wire.Action, str]:
    """The action, and the card that it befell; RecordError for what is neither."""
    if payload.part_of is None:
        raise RecordError(f"action {payload.ref.external_id} does not say which card it belongs to")
    try:
        return wire.ACTION.decode(payload.body), payload.part_of.external_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"action {payload.ref.external_id} can't be mapped: {error}") from None


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _day(value: object, known: Dictionary) -> str | None:
    found = day(_text(value), known.zone)
    return None if found is None else found.isoformat()


def _value(side: Mapping[str, Any]) -> str | None:
    """A custom field's value as text: of a list the id of its option."""
    inner = side.get("value")
    if isinstance(inner, dict):
        return next((_text(value) for value in inner.values()), None)
    return _text(side.get("idValue"))
