"""A page of OData 3 as a PWA site sends it: verbose (`d`, `results`, `__next`) or light (`value`, `odata.nextLink`), read in one place."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct


class _Results(Struct):
    results: list[Raw]
    next: str | None = msgspec.field(default=None, name="__next")


class _Light(Struct):
    value: list[Raw] | None = None
    d: Raw = Raw(b"")
    light_next: str | None = msgspec.field(default=None, name="odata.nextLink")
    newer_next: str | None = msgspec.field(default=None, name="@odata.nextLink")


class _Message(Struct):
    value: str | None = None


class _Fault(Struct):
    code: str | None = None
    message: _Message | str | None = None


class _Faulty(Struct):
    light: _Fault | None = msgspec.field(default=None, name="odata.error")
    verbose: _Fault | None = msgspec.field(default=None, name="error")


_LIGHT = msgspec.json.Decoder(_Light)
_RESULTS = msgspec.json.Decoder(_Results)
_RAWS = msgspec.json.Decoder(list[Raw])
_FAULTY = msgspec.json.Decoder(_Faulty)


def page(body: bytes) -> tuple[list[Raw], str | None]:
    """The entities of one page, and where the next one is; None after the last. Raises msgspec.DecodeError for any other answer.

    How many entities a page holds says nothing: a page may be short, and a full one may be the last.
    """
    whole = _LIGHT.decode(body)
    if whole.value is not None:
        return whole.value, whole.light_next or whole.newer_next
    if not bytes(whole.d):
        raise msgspec.ValidationError("neither `value` nor `d` is there")
    inner = bytes(whole.d).lstrip()
    if inner[:1] == b"[":  # the oldest form: verbose without paging
        return _RAWS.decode(inner), None
    found = _RESULTS.decode(inner)
    return found.results, found.next


def entity(body: bytes) -> Raw:
    """The one entity of the answer. Raises msgspec.DecodeError."""
    whole = _LIGHT.decode(body)
    return whole.d if bytes(whole.d) else Raw(body)


def fault(body: bytes) -> str | None:
    """What the site says went wrong, in one line; None where it says nothing that can be read."""
    try:
        found = _FAULTY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    told = found.light or found.verbose
    if told is None:
        return None
    message = told.message.value if isinstance(told.message, _Message) else told.message
    text = " ".join(f"{message or ''} {f'({told.code})' if told.code else ''}".split())
    return text[:200] or None


class Nested(Struct):
    """A collection inside a verbose entity."""

    results: list[Any]


def listed(value: Any) -> list[Any]:
    """The members of a collection inside an entity, whichever way it is written."""
    if isinstance(value, dict):
        value = value.get("results")
    return value if isinstance(value, list) else []
