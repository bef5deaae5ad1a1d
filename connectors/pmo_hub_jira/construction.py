"""Frozen records at the price of plain ones.

A frozen dataclass sets each of its fields by `object.__setattr__`: of a work item with 36 of them that takes longer than decoding the
issue. Here they are set on an unfrozen twin with the same slots, which is then declared to be the record that it has become.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

_P = ParamSpec("_P")
_T = TypeVar("_T")


def constructor(record: Callable[_P, _T]) -> Callable[_P, _T]:
    """What makes instances of a frozen dataclass with slots as its class does, only faster; where it can't, the class itself."""
    kind = cast("type[Any]", record)

    def become(twin: Any) -> None:
        twin.__class__ = kind

    fields = [
        (field.name, Any, dataclasses.field(default=field.default, default_factory=cast("Any", field.default_factory)))
        for field in dataclasses.fields(kind)
    ]
    twin = dataclasses.make_dataclass(kind.__name__, cast("Any", fields), namespace={"__post_init__": become}, slots=True)
    try:
        twin(**dict.fromkeys(field.name for field in dataclasses.fields(kind)))
    except TypeError:  # an interpreter that lays the two out differently
        return record
    return cast("Callable[_P, _T]", twin)
