"""Custom fields that no canonical field takes, kept as values so that a later rule has its data."""

from __future__ import annotations

from typing import Any

from pmo_hub.domain.records import CustomValue, Identity
from pmo_hub_jira import wire
from pmo_hub_jira.instants import day, instant, iso_ms
from pmo_hub_jira.people import mention
from pmo_hub_jira.reference import CustomField

TYPES: dict[str, Any] = {
    "number": float,
    "date": str,
    "datetime": str,
    "option": wire.Option,
    "options": list[wire.Option],
    "user": wire.User,
    "users": list[wire.User],
    # Data Center's are texts (`greenhopper`).
    "sprints": list[wire.Sprint | str],
    "sprint ids": list[wire.Numbered | str],
    "key": str,
}
"""What each shape of a custom field is decoded to."""


def values_of(field: CustomField, value: Any, item: str, mentioned: dict[str, Identity]) -> list[CustomValue]:
    """The value as records: one for a plain field, one for each choice of a field with several."""
    id, name, shape = f"{item}:{field.id}", field.name, field.shape
    if shape == "number":
        return [CustomValue(id, item, field.id, name, number=value)]
    if shape == "date":
        found = day(value)
        return [] if found is None else [CustomValue(id, item, field.id, name, day=found)]
    if shape == "datetime":
        at = instant(value)
        return [] if at is None else [CustomValue(id, item, field.id, name, text=iso_ms(at))]
    if shape == "option":
        text = _option(value)
        return [CustomValue(id, item, field.id, name, text=text)] if text else []
    if shape == "user":
        account = mention(value, mentioned)
        return [CustomValue(id, item, field.id, name, identity=account)] if account else []
    if shape == "options":
        texts = {option.id or option.value: _option(option) for option in value}
        return [CustomValue(f"{id}:{key}", item, field.id, name, text=text) for key, text in texts.items() if key and text]
    if shape == "users":
        accounts = dict.fromkeys(mention(user, mentioned) for user in value)
        return [CustomValue(f"{id}:{account}", item, field.id, name, identity=account) for account in accounts if account]
    return [CustomValue(id, item, field.id, name, text=value)] if shape == "key" else []


def _option(option: wire.Option) -> str | None:
    """The choice; of a cascading field both levels."""
    if option.value and option.child and option.child.value:
        return f"{option.value} / {option.child.value}"
    return option.value
