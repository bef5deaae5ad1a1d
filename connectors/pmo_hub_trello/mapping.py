"""Payloads as records: pure, and built once a batch from the newest dictionaries and the admin's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from pmo_hub.domain.records import Board, BoardColumn, Dependency, Identity, Label, Record, WorkItem
from pmo_hub.domain.vocabulary import DependencyType, Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mapped, Mapper, Payload, Reference
from pmo_hub.sdk.errors import RecordError
from pmo_hub_trello import wire
from pmo_hub_trello.custom_values import members_of, number, values_of
from pmo_hub_trello.dictionary import (
    ARCHIVED,
    CARD_TYPE,
    COMPLETE,
    ENDED,
    INCOMPLETE,
    ITEM_TYPE,
    ROLES,
    TEMPLATE_TYPE,
    Dictionary,
    dictionary,
)
from pmo_hub_trello.history import ActionMapping, map_comment
from pmo_hub_trello.instants import day, instant
from pmo_hub_trello.object_ids import made_at
from pmo_hub_trello.people import identity_of
from pmo_hub_trello.rules import Archived, Attached
from pmo_hub_trello.splitting import ACTION, BOARD, CARD, COMMENT, LINKS, card_link

_UNCOUNTED_ROLES = {"mirror": Uncounted.MIRROR, "separator": Uncounted.INACTIVE, "board": Uncounted.INACTIVE}
"""A mirror is its source once more; a separator or the picture of a board is no work."""

_UNCOUNTED_KINDS = {
    Kind.SUMMARY: Uncounted.SUMMARY,
    Kind.EPIC: Uncounted.SUMMARY,
    Kind.INITIATIVE: Uncounted.SUMMARY,
    Kind.RISK: Uncounted.REGISTER,
}


def mapper(references: Sequence[Reference], rules: Mapping[str, str]) -> Mapper:
    """The mapper of one board's payloads; RecordError for a payload that it can't map."""
    by_kind = _by_kind(dictionary(references, rules))

    def map_payload(payload: Payload) -> Mapped:
        found = by_kind.get(payload.ref.kind)
        if found is None:
            raise RecordError(f"'{payload.ref.kind}' is no kind of payload of Trello's")
        return found(payload)

    return map_payload


@lru_cache(maxsize=64)
def _by_kind(known: Dictionary) -> dict[str, Callable[[Payload], Mapped]]:
    return {CARD: CardMapping(known), ACTION: ActionMapping(known), COMMENT: map_comment, BOARD: map_board}


class CardMapping:
    """Maps `card` payloads: the card, its check items, its custom values, and what its attachments say that it depends on."""

    def __init__(self, known: Dictionary) -> None:
        self._known = known

    def __call__(self, payload: Payload) -> Mapped:
        try:
            card = wire.CARD.decode(payload.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(f"card {payload.ref.external_id} can't be mapped: {error}") from None
        named = [(label.id, name) for label in card.labels if (name := label.name or label.color)]
        labels = tuple(dict.fromkeys(name for _, name in named))
        item = self._item(card, named, labels)
        owned: list[Record] = [item, *self._check_items(card, item)]
        owned += values_of(card, self._known)
        owned += members_of(card)
        owned += self._dependencies(card, payload.context.get(LINKS, ""))
        return Mapped(owned, [Label(name, name) for name in labels])

    def _item(self, card: wire.Card, named: list[tuple[str | None, str]], labels: tuple[str, ...]) -> WorkItem:
        known = self._known
        list_id = card.id_list or ""
        is_archived = bool(card.closed) or not known.is_shown(list_id)
        category, status, status_id = self._status(card, list_id, is_archived)
        kind, original_type, uncounted = self._kind(card, named)
        is_dropped = is_archived and category not in ENDED
        if uncounted is None and is_dropped:
            uncounted = Uncounted.INACTIVE
        urgency = known.priority(named)
        return WorkItem(
            external_id=card.id,
            key=card.short_link or card.id,
            url=card.short_url or None,
            title=card.name or card.short_link or card.id,
            description=card.desc or None,
            kind=kind,
            original_type=original_type,
            status_category=category,
            original_status=status,
            original_status_id=status_id,
            resolution=ARCHIVED if is_archived else None,
            priority=urgency[0] if urgency else None,
            original_priority=urgency[1] if urgency else None,
            assignee=next(iter(card.id_members or ()), None),
            created_at=made_at(card.id),
            updated_at=instant(card.date_last_activity),
            planned_start=day(card.start, known.zone),
            due=day(card.due, known.zone),
            points=self._points(card),
            labels=labels,
            is_active=not is_dropped and uncounted is not Uncounted.INACTIVE,
            counts=uncounted is None,
            uncounted=uncounted,
        )

    def _status(self, card: wire.Card, list_id: str, is_archived: bool) -> tuple[StatusCategory, str, str]:
        """The list says it, unless the card says that it is complete, or archived where a rule gives that a meaning."""
        known = self._known
        category, name = known.category(list_id), known.list_name(list_id)
        if category in ENDED:
            return category, name, list_id
        if card.due_complete and known.rules.due_complete:
            return StatusCategory.DONE, COMPLETE, COMPLETE
        if is_archived and known.rules.archived is not Archived.INACTIVE:
            return StatusCategory(known.rules.archived.value), ARCHIVED, ARCHIVED
        return category, name, list_id

    def _kind(self, card: wire.Card, named: list[tuple[str | None, str]]) -> tuple[Kind, str, Uncounted | None]:
        if card.is_template:
            return Kind.OTHER, TEMPLATE_TYPE, Uncounted.TEMPLATE
        if card.card_role in _UNCOUNTED_ROLES:
            return Kind.OTHER, card.card_role, _UNCOUNTED_ROLES[card.card_role]
        labelled = self._known.kind(named)
        if labelled is not None:
            kind, name = labelled
            return kind, name, _UNCOUNTED_KINDS.get(kind)
        return Kind.TASK, card.card_role if card.card_role in ROLES else CARD_TYPE, None

    def _points(self, card: wire.Card) -> float | None:
        id = self._known.points
        held = next((item for item in card.custom_field_items if item.id_custom_field == id), None) if id else None
        return None if held is None else number(held.value)

    def _check_items(self, card: wire.Card, parent: WorkItem) -> list[WorkItem]:
        """Sub-items with an owner and a due date of their own; what is done by whom and when is the card's affair."""
        found: dict[str, WorkItem] = {}
        for checklist in card.checklists:
            for entry in checklist.check_items:
                is_done = entry.state == COMPLETE
                found[entry.id] = WorkItem(
                    external_id=entry.id,
                    key=f"{parent.key}/{entry.id[-6:]}",
                    url=parent.url,
                    title=entry.name or entry.id,
                    description=None,
                    kind=Kind.SUB_ITEM,
                    original_type=ITEM_TYPE,
                    status_category=StatusCategory.DONE if is_done else StatusCategory.TODO,
                    original_status=COMPLETE if is_done else INCOMPLETE,
                    original_status_id=COMPLETE if is_done else INCOMPLETE,
                    parent=card.id,
                    assignee=entry.id_member or None,
                    created_at=made_at(entry.id),
                    due=day(entry.due, self._known.zone),
                    is_active=parent.is_active,
                    counts=False,
                    uncounted=Uncounted.SUB_ITEM,
                )
        return list(found.values())

    def _dependencies(self, card: wire.Card, links: str) -> list[Dependency]:
        """One for each card that an attachment leads to, where a rule says which of the two comes first."""
        meaning = self._known.rules.dependency_attachments
        if meaning is Attached.NONE or not links:
            return []
        ids = dict(pair.split("=", 1) for pair in links.split() if "=" in pair)
        found: dict[str, Dependency] = {}
        for attachment in card.attachments:
            other = ids.get(card_link(attachment.url) or "")
            if other is not None and other != card.id:
                before, after = (other, card.id) if meaning is Attached.PREDECESSOR else (card.id, other)
                id = f"{attachment.id}:{meaning.value}"
                found.setdefault(other, Dependency(id, before, after, DependencyType.FINISH_TO_START, original_type="attachment"))
        return list(found.values())


def map_board(payload: Payload) -> Mapped:
    """A board with its lists as columns; labels and people are mentioned."""
    try:
        board = wire.BOARD.decode(payload.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"board {payload.ref.external_id} can't be mapped: {error}") from None
    shown = sorted((entry for entry in board.lists if not entry.closed), key=lambda entry: (entry.pos or 0.0, entry.id))
    # A list may move to another board: both would claim one column until the first is read again.
    columns = [
        BoardColumn(f"{board.id}:{entry.id}", board.id, entry.name or entry.id, place, (entry.id,)) for place, entry in enumerate(shown)
    ]
    people: list[Identity] = [identity_of(member) for member in board.members if member.id]
    labels = {name: Label(name, name) for label in board.labels if (name := label.name or label.color)}
    return Mapped([Board(board.id, board.name or board.id, "board"), *columns], [*people, *labels.values()])
