"""A board's dictionary and an admin's rules, put together once for all that maps with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.sdk.contract import Grade, Reference
from pmo_hub_trello import names
from pmo_hub_trello.reference import BOARD_REFERENCE, SITE_REFERENCE, BoardReference, FieldEntry, SiteReference
from pmo_hub_trello.rules import Rules, parse

ENDED = frozenset({StatusCategory.DONE, StatusCategory.CANCELLED})
COMPLETE, INCOMPLETE, ARCHIVED = "complete", "incomplete", "archived"
"""Statuses that are no list: a card marked complete, or archived, in a list that says otherwise; states of check items."""

CARD_TYPE, ITEM_TYPE, TEMPLATE_TYPE = "card", "check item", "template"
ROLES = ("separator", "link", "mirror", "board")


class Dictionary:
    """What ids and names mean on one board."""

    def __init__(self, site: SiteReference, board: BoardReference, rules: Rules) -> None:
        self.site, self.board, self.rules = site, board, rules
        self.zone: tzinfo = ZoneInfo(rules.time_zone)
        self.points = self._points()
        self._graded: dict[tuple[str | None, str | None], tuple[StatusCategory, Grade]] = {}

    def graded(self, list_id: str | None, name: str | None) -> tuple[StatusCategory, Grade]:
        """What a list means and how sure that is; of another board's list only the name is known."""
        key = (list_id, name)
        found = self._graded.get(key)
        if found is None:
            found = self._graded[key] = self._grade(list_id, name)
        return found

    def category(self, list_id: str | None, name: str | None = None) -> StatusCategory:
        return self.graded(list_id, name)[0]

    def list_name(self, list_id: str) -> str:
        entry = self.board.lists.get(list_id)
        return entry.name if entry is not None and entry.name else list_id

    def is_shown(self, list_id: str) -> bool:
        """Whether cards of that list can be seen at all: a closed list or board hides cards that are open themselves."""
        entry = self.board.lists.get(list_id)
        return not self.board.closed and not (entry is not None and entry.closed)

    def kind(self, labels: Iterable[tuple[str | None, str]]) -> tuple[Kind, str] | None:
        """Kind and name of the first label (id and name) that says one: a ruled one before a suggested one."""
        held = list(labels)
        for id, name in held:
            ruled = self.rules.kind.get(id or "") or self.rules.kind.get(name.casefold())
            if ruled is not None:
                return ruled, name
        return next(((kind, name) for _, name in held if (kind := names.suggested_kind(name)) is not None), None)

    def priority(self, labels: Iterable[tuple[str | None, str]]) -> tuple[int, str] | None:
        """0..100 and the label that says so; the most urgent one counts."""
        found = []
        for id, name in labels:
            value = self.rules.priority.get(id or "", self.rules.priority.get(name.casefold()))
            value = names.suggested_priority(name) if value is None else value
            if value is not None:
                found.append((value, name))
        return max(found, default=None)

    def field(self, id: str) -> FieldEntry:
        """A custom field; one that the dictionary lacks is called by its id."""
        return self.board.fields.get(id) or FieldEntry(id, "")

    def _points(self) -> str | None:
        numbers = {id: entry.name.casefold() for id, entry in self.board.fields.items() if entry.type == "number"}
        wanted = self.rules.points_field
        if wanted is not None:
            return next((id for id, name in numbers.items() if wanted == id or wanted.casefold() == name), None)
        return next((id for id, name in sorted(numbers.items()) if name in names.POINTS), None)

    def _grade(self, list_id: str | None, name: str | None) -> tuple[StatusCategory, Grade]:
        entry = self.board.lists.get(list_id or "")
        called = entry.name if entry is not None else name or ""
        ruled = self.rules.lists.get(list_id or "") or self.rules.lists.get(called.strip().casefold())
        if ruled is not None:
            return ruled, Grade.RULED
        guess = names.suggested_category(called)
        return (guess, Grade.GUESSED) if guess is not None else (StatusCategory.TODO, Grade.UNMAPPED)


def dictionary(references: Sequence[Reference], rules: Mapping[str, str]) -> Dictionary:
    """From the newest snapshots of the site and of one board; without any, names alone tell."""
    bodies = {reference.scope is None: reference.body for reference in references}
    return _dictionary(bodies.get(True), bodies.get(False), tuple(sorted(rules.items())))


@lru_cache(maxsize=64)
def _dictionary(site: bytes | None, board: bytes | None, rules: tuple[tuple[str, str], ...]) -> Dictionary:
    return Dictionary(
        SiteReference() if site is None else SITE_REFERENCE.decode(site),
        BoardReference() if board is None else BOARD_REFERENCE.decode(board),
        parse(dict(rules)),
    )
