"""A connector's config: checked by its own model, parted into what is plain and what is secret, and put together again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from pmo_hub.sdk.contract import Connector


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """What is wrong with one field; `path` leads to it, and the value is never told."""

    path: tuple[str | int, ...]
    code: str
    message: str


class BadConfig(Exception):
    """The connector's model refuses the config; `faults` has at least one."""

    def __init__(self, faults: Sequence[ConfigFault]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, fault.path)) or 'config'}: {fault.message}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Config:
    """A config that its connector accepts. `secrets` are by path; `plain` is JSON without them."""

    model: BaseModel
    plain: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)

    @property
    def whole(self) -> dict[str, Any]:
        return joined(self.plain, self.secrets)


def checked(connector: Connector, given: Mapping[str, Any]) -> Config:
    """The config as its connector reads it; raises BadConfig."""
    try:
        model = connector.Config.model_validate(given)
    except ValidationError as error:
        raise BadConfig([_fault(found) for found in error.errors(include_url=False, include_input=False, include_context=False)]) from None
    secrets: dict[str, str] = {}
    plain = _parted(model.model_dump(by_alias=True), model.model_dump(mode="json", by_alias=True), (), secrets)
    return Config(model, plain, secrets)


def _fault(found: Mapping[str, Any]) -> ConfigFault:
    return ConfigFault(tuple(found["loc"]), str(found["type"]), str(found["msg"]).removeprefix("Value error, "))


def _parted(value: Any, shown: Any, path: tuple[str, ...], secrets: dict[str, str]) -> Any:
    """`shown`, the JSON of `value`, without what is secret in it; that is added to `secrets` by its path."""
    if isinstance(value, Mapping):
        kept = {}
        for name, inner in value.items():
            if isinstance(inner, SecretStr):
                secrets["/".join((*path, str(name)))] = inner.get_secret_value()
            else:
                kept[name] = _parted(inner, shown[name], (*path, str(name)), secrets)
        return kept
    return shown


def joined(plain: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """The config as it was given, secrets in their places."""
    whole = _copied(plain)
    for path, value in secrets.items():
        *steps, last = path.split("/")
        place = whole
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = value
    return whole


def patched(whole: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`whole` after a JSON Merge Patch (RFC 7396): null removes, what is left out stays, secrets among it."""
    result = dict(whole)
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = patched(before if isinstance(before, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def _copied(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _copied(inner) if isinstance(inner, Mapping) else inner for name, inner in value.items()}


def required_fields(schema: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """The names of the fields that a form asks for, by what is filled in already: some need others (`allOf` of `if` and `then`)."""
    yield from schema.get("required", ())
    for branch in schema.get("allOf", ()):
        wanted, then = branch.get("if", {}), branch.get("then", {})
        constants = {name: drawn.get("const") for name, drawn in wanted.get("properties", {}).items()}
        named = all(name in given for name in wanted.get("required", ()))
        if named and all(given[name] == constant for name, constant in constants.items() if name in given):
            yield from then.get("required", ())


def secret_fields(schema: Mapping[str, Any]) -> Iterator[str]:
    """The names of a form's secret fields, at its top level."""
    for name, drawn in schema.get("properties", {}).items():
        if any(option.get("writeOnly") for option in (drawn, *drawn.get("anyOf", ()))):
            yield name
