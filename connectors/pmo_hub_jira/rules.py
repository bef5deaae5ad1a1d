"""An admin's rules for mapping a site, each a JSON text under its key; what they leave open falls back on the tables here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from pmo_hub.domain.vocabulary import Kind, StatusCategory
from pmo_hub.sdk.errors import ConfigError

CANCELLED = frozenset({
    "won't do", "wont do", "won’t do", "won't fix", "wont fix", "won’t fix", "will not do", "cancelled", "canceled", "declined", "rejected",
    "duplicate", "abandoned", "obsolete", "cannot reproduce", "can't reproduce", "invalid", "withdrawn", "discarded", "not a bug",
    "abgebrochen", "abgelehnt", "verworfen", "duplikat", "已取消", "取消", "不会做", "不做", "重复", "无法重现", "已拒绝",
})  # fmt: skip
"""Names of statuses and resolutions, in lower case, that end an issue without its being done."""

RISKS = frozenset({"risk", "risiko", "风险"})

KINDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    (Kind.BUG, frozenset({"bug", "defect", "fehler", "缺陷"})),
    (Kind.MILESTONE, frozenset({"milestone", "meilenstein", "里程碑"})),
    (Kind.STORY, frozenset({"story", "故事"})),
)
"""Words in the name of a type at the base level, tried in this order."""

EPICS = frozenset({"epic", "épica", "épico", "епік", "эпик", "エピック", "에픽", "史诗", "长篇故事"})
"""Whole names of types that are epics, where types have no level: on Data Center."""

ISSUES = frozenset({"issue", "problem"})
"""Whole names of types that register an issue in the project manager's sense."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`status_category` by status id, `kind` by type id, `priority` by priority id (0..100); lists hold ids or names in lower case.

    `extra_fields` are custom fields of plain text, which nobody would ask for otherwise: their values are kept as they are.
    """

    status_category: Mapping[str, StatusCategory] = field(default_factory=dict)
    kind: Mapping[str, Kind] = field(default_factory=dict)
    priority: Mapping[str, int] = field(default_factory=dict)
    points_field: str | None = None
    start_field: str | None = None
    extra_fields: frozenset[str] = frozenset()
    dependency_types: frozenset[str] | None = None
    risk_types: frozenset[str] = RISKS
    cancelled: frozenset[str] = CANCELLED


_SHAPES: dict[str, Any] = {
    "status_category": dict[str, StatusCategory],
    "kind": dict[str, Kind],
    "priority": dict[str, Annotated[int, msgspec.Meta(ge=0, le=100)]],
    "points_field": str,
    "start_field": str,
    "extra_fields": frozenset[str],
    "dependency_types": frozenset[str],
    "risk_types": frozenset[str],
    "cancelled": frozenset[str],
}


def parse(rules: Mapping[str, str]) -> Rules:
    """The rules as values; ConfigError names the one that can't be read. Keys that this connector doesn't know are left alone."""
    values: dict[str, Any] = {}
    for key, shape in _SHAPES.items():
        if key not in rules:
            continue
        try:
            value = msgspec.json.decode(rules[key], type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"the mapping rule '{key}' can't be used: {error}") from None
        values[key] = frozenset(name.casefold() for name in value) if isinstance(value, frozenset) else value
    return Rules(**values)
