"""The site's dictionaries and an admin's rules, put together once for all that maps with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from pmo_hub.domain.vocabulary import Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Reference
from pmo_hub_jira import rules as admin
from pmo_hub_jira import wire
from pmo_hub_jira.reference import (
    EPIC_LINK,
    SCOPE,
    SITE,
    SPRINT,
    TARGET_END,
    TARGET_START,
    TEAM_POINTS,
    CustomField,
    ScopeReference,
    SiteReference,
)

_CATEGORIES = {
    "new": StatusCategory.TODO,
    "undefined": StatusCategory.TODO,
    "indeterminate": StatusCategory.IN_PROGRESS,
    "done": StatusCategory.DONE,
}
_POINTS_NAMES = frozenset({"story points", "story point estimate"})
_START_NAMES = frozenset({"start date", "startdatum", "开始日期"})
_FLAGGED_NAMES = frozenset({"flagged"})

# Where the site's schemes can't be read: the names and ids that every site begins with.
_URGENCY = {
    "highest": 100, "blocker": 100, "high": 75, "critical": 75, "medium": 50, "major": 50, "low": 25, "minor": 25, "lowest": 0,
    "trivial": 0,
}  # fmt: skip
_FIRST_IDS = {"1": 100, "2": 75, "3": 50, "4": 25, "5": 0}

_SUMMARIES = frozenset({Kind.INITIATIVE, Kind.EPIC, Kind.SUMMARY})


class Dictionary:
    """What Jira's ids and names mean on one site, for one project; each answer is worked out once."""

    def __init__(self, site: SiteReference, scope: ScopeReference, rules: admin.Rules) -> None:
        self.site = site
        self.rules = rules
        self.fields = {field.id: field for field in site.fields}
        self.sprint = self._first(lambda field: field.custom == SPRINT)
        self.epic_link = self._first(lambda field: field.custom == EPIC_LINK)
        self.flagged = self._first(lambda field: field.shape == "options" and field.name.casefold() in _FLAGGED_NAMES)
        self.target_end = self._first(lambda field: field.custom == TARGET_END)
        self.points = self._points(scope.estimation)
        self.starts = self._starts()
        taken = {self.sprint, self.epic_link, self.flagged, self.target_end, *self.points, *self.starts}
        self.others = tuple(field for field in site.fields if field.id not in taken)
        self._kinds: dict[wire.IssueType, tuple[Kind, Uncounted | None]] = {}
        self._categories: dict[tuple[wire.Status, wire.Named | None], StatusCategory] = {}
        self._urgencies: dict[wire.Named, int | None] = {}
        self._blocking: dict[wire.Named, bool] = {}

    def _first(self, wanted: Callable[[CustomField], bool]) -> str | None:
        return next((field.id for field in self.site.fields if wanted(field)), None)

    def _points(self, estimation: str | None) -> tuple[str, ...]:
        """Fields that may hold an issue's points, the first non-null counts: both kinds of project have one of their own."""
        numbers = [field for field in self.site.fields if field.shape == "number"]
        known = {field.id for field in numbers}
        if self.rules.points_field:
            return (self.rules.points_field,) if self.rules.points_field in known else ()
        found = [estimation] if estimation in known else []
        found += [field.id for field in numbers if field.custom == TEAM_POINTS]
        found += [field.id for field in numbers if field.name.casefold() in _POINTS_NAMES]
        return tuple(dict.fromkeys(id for id in found if id))

    def _starts(self) -> tuple[str, ...]:
        dates = [field for field in self.site.fields if field.shape == "date"]
        if self.rules.start_field:
            return tuple(field.id for field in dates if field.id == self.rules.start_field)
        named = [field.id for field in dates if field.name.casefold() in _START_NAMES]
        return tuple(dict.fromkeys([*named, *(field.id for field in dates if field.custom == TARGET_START)]))

    def kind(self, type: wire.IssueType) -> tuple[Kind, Uncounted | None]:
        """The kind of an issue type, and why its items are left out of every measure, if they are."""
        found = self._kinds.get(type)
        if found is None:
            kind = self._kind(type)
            found = self._kinds[type] = (kind, Uncounted.SUMMARY if kind in _SUMMARIES else _UNCOUNTED.get(kind))
        return found

    def _kind(self, type: wire.IssueType) -> Kind:
        if type.id in self.rules.kind:
            return self.rules.kind[type.id]
        entry = self.site.types.get(type.id)
        level = type.hierarchy_level if type.hierarchy_level is not None else entry.level if entry else None
        if type.subtask or (entry is not None and entry.subtask) or level == -1:
            return Kind.SUB_ITEM
        if level is not None and level >= 1:
            return Kind.EPIC if level == 1 else Kind.INITIATIVE
        name = (type.name or "").casefold()
        if level is None and name in admin.EPICS:
            return Kind.EPIC
        if type.id in self.rules.risk_types or _names(name, self.rules.risk_types):
            return Kind.RISK
        if name in admin.ISSUES:
            return Kind.ISSUE
        return next((kind for kind, words in admin.KINDS if _names(name, words)), Kind.TASK)

    def category(self, status: wire.Status, resolution: wire.Named | None) -> StatusCategory:
        """By the status' category; done without being done (won't do, duplicate) is cancelled."""
        key = (status, resolution)
        found = self._categories.get(key)
        if found is None:
            found = self._categories[key] = self._category(status, resolution)
        return found

    def _category(self, status: wire.Status, resolution: wire.Named | None) -> StatusCategory:
        ruled = self.rules.status_category.get(status.id)
        if ruled is not None:
            return ruled
        key = status.status_category.key if status.status_category else None
        category = _CATEGORIES.get(key or self.site.statuses.get(status.id, ""), StatusCategory.TODO)
        if category is StatusCategory.DONE:
            cancelled = self.rules.cancelled
            if status.id in cancelled or (status.name or "").casefold() in cancelled:
                return StatusCategory.CANCELLED
            if resolution and (resolution.id in cancelled or (resolution.name or "").casefold() in cancelled):
                return StatusCategory.CANCELLED
        return category

    def past_category(self, id: str | None, name: str | None) -> StatusCategory | None:
        """Of a status that a change names, by what it means today; None for one that the site no longer knows."""
        if not id:
            return None
        ruled = self.rules.status_category.get(id)
        if ruled is not None:
            return ruled
        category = _CATEGORIES.get(self.site.statuses.get(id, ""))
        cancelled = self.rules.cancelled
        if category is StatusCategory.DONE and (id in cancelled or (name or "").casefold() in cancelled):
            return StatusCategory.CANCELLED
        return category

    def priority(self, priority: wire.Named | None) -> int | None:
        """0..100 with 100 the most urgent, or None where nothing says how urgent it is."""
        if priority is None:
            return None
        try:
            return self._urgencies[priority]
        except KeyError:
            found = self._urgencies[priority] = self._urgency(priority)
            return found

    def _urgency(self, priority: wire.Named) -> int | None:
        if priority.id is None:
            return None
        if priority.id in self.rules.priority:
            return self.rules.priority[priority.id]
        if self.site.priorities:
            return self.site.priorities.get(priority.id)
        named = _URGENCY.get((priority.name or "").casefold())
        return named if named is not None else _FIRST_IDS.get(priority.id)

    def blocks(self, type: wire.Named | None) -> bool:
        """Whether links of this type say that one issue waits for another."""
        if type is None:
            return False
        found = self._blocking.get(type)
        if found is None:
            found = self._blocking[type] = self._blocks(type)
        return found

    def _blocks(self, type: wire.Named) -> bool:
        name = (type.name or "").casefold()
        if self.rules.dependency_types is not None:
            return type.id in self.rules.dependency_types or name in self.rules.dependency_types
        return "block" in name or type.id in self.site.blocking


_UNCOUNTED = {Kind.SUB_ITEM: Uncounted.SUB_ITEM, Kind.RISK: Uncounted.REGISTER}


def _names(name: str, words: frozenset[str]) -> bool:
    """Whether the name is one of `words`, or has one among its own; of a script without blanks, anywhere."""
    if name in words or not words.isdisjoint(re.split(r"\W+", name)):
        return True
    return any(word in name for word in words if not word.isascii())


def dictionary(references: Sequence[Reference], rules: Mapping[str, str]) -> Dictionary:
    """From the newest snapshots of the site and of one scope; without any, from Jira's defaults."""
    bodies = {reference.scope is None: reference.body for reference in references}
    return _dictionary(bodies.get(True), bodies.get(False), tuple(sorted(rules.items())))


@lru_cache(maxsize=64)
def _dictionary(site: bytes | None, scope: bytes | None, rules: tuple[tuple[str, str], ...]) -> Dictionary:
    """Kept beyond the batch: most projects of a site have the same snapshot."""
    return Dictionary(
        SiteReference() if site is None else SITE.decode(site),
        ScopeReference() if scope is None else SCOPE.decode(scope),
        admin.parse(dict(rules)),
    )
