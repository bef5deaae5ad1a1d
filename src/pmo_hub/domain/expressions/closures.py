"""The closures that a tree is built into, and the two results that are no value: unknown and faulty.

An operation on a doubtful value is doubtful; only `&&` and `||` may decide without it. An unknown outweighs a fault, since knowing
the value might still decide.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import isfinite
from typing import Any

from pmo_hub.domain.expressions.functions import Refused
from pmo_hub.domain.expressions.parser import MAX_INT
from pmo_hub.domain.expressions.syntax import Arithmetic, Comprehension, Local, Member, Node
from pmo_hub.domain.expressions.types import ListOf, Record, Scalar, Type
from pmo_hub.domain.local_time import local_day

MAX_STEPS = 10_000
"""Elements that the comprehensions of one evaluation may visit: some 10 ms, well under an entity's budget of 50 ms."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The result depends on values that are unknown."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fault:
    """The result can't be computed from these values: a division by zero, a value of another type than declared."""

    message: str
    position: int


class Frame:
    """What one evaluation reads: the values by name, the zone of its days, its local variables and its budget."""

    __slots__ = ("slots", "steps", "values", "where")

    def __init__(self, values: Mapping[str, Any], where: tzinfo) -> None:
        self.values = values
        self.where = where
        self.slots: dict[int, Any] = {}
        self.steps = 0


class Exhausted(Exception):
    """The evaluation visited more elements than allowed."""


Run = Callable[[Frame], Any]

COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_HELD: dict[Scalar, tuple[type, ...]] = {
    Scalar.BOOL: (bool,),
    Scalar.INT: (int,),
    Scalar.DOUBLE: (int, float),
    Scalar.STRING: (str,),
    Scalar.DATE: (date,),
    Scalar.TIMESTAMP: (datetime,),
    Scalar.DURATION: (timedelta,),
}


def _doubtful(value: Any) -> bool:
    kind = value.__class__
    return kind is Unknown or kind is Fault


def _merged(first: Any, second: Any) -> Any:
    """What two doubtful operands make: unknown before faulty, since knowing might still decide; the first fault of the text."""
    if first is None:
        return second
    if isinstance(first, Unknown):
        return Unknown(first.names | second.names) if isinstance(second, Unknown) else first
    return second if isinstance(second, Unknown) or second.position < first.position else first


def variable(name: str, start: int, kind: Type) -> Run:
    missing = Unknown(frozenset({name}))
    if isinstance(kind, ListOf | Record):
        held: tuple[type, ...] = (tuple, list) if isinstance(kind, ListOf) else (Mapping,)
    else:
        held = _HELD[kind]
    # A bool is an int and a datetime a date to Python, not to us.
    barred: tuple[type, ...] = {Scalar.INT: (bool,), Scalar.DOUBLE: (bool,), Scalar.DATE: (datetime,)}.get(kind, ())  # type: ignore[arg-type]

    def run(frame: Frame) -> Any:
        value = frame.values.get(name)
        if value is None:
            return missing
        if not isinstance(value, held) or isinstance(value, barred):
            return Fault(f"{name} holds a {type(value).__name__} where a {kind} is declared", start)
        return value

    return run


def member(node: Member, target: Run) -> Run:
    field = node.field
    missing = Unknown(frozenset({f"{_path(node.target)}.{field}"}))

    def run(frame: Frame) -> Any:
        record = target(frame)
        if _doubtful(record):
            return record
        if not isinstance(record, Mapping):
            return Fault(f"{_path(node.target)} is no record", node.start)
        value = record.get(field)
        return missing if value is None else value

    return run


def _path(node: Node) -> str:
    match node:
        case Local(name=name):
            return name
        case Member(target=target, field=field):
            return f"{_path(target)}.{field}"
    return ""


def negation(operand: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = operand(frame)
        return value if _doubtful(value) else not value

    return run


def logical(parts: tuple[Run, ...], *, deciding: bool) -> Run:
    def run(frame: Frame) -> Any:
        doubt: Any = None
        for part in parts:
            value = part(frame)
            if value is deciding:
                return deciding
            if value is not (not deciding):
                doubt = _merged(doubt, value)
        return (not deciding) if doubt is None else doubt

    return run


def presence(target: Run, *, strict: bool) -> Run:
    def run(frame: Frame) -> Any:
        value = target(frame)
        if value.__class__ is Fault:
            return value
        if value.__class__ is Unknown:
            return value if strict else False
        return not strict or not isinstance(value, str | tuple | list) or len(value) > 0

    return run


def conditional(test: Run, then: Run, otherwise: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = test(frame)
        if _doubtful(value):
            return value
        return then(frame) if value else otherwise(frame)

    return run


def comprehension(node: Comprehension, source: Run, body: Run) -> Run:
    slot, filtering, deciding = node.variable.slot, node.quantifier == "filter", node.quantifier == "exists"
    unnamed = Unknown(frozenset({node.variable.name}))

    def run(frame: Frame) -> Any:
        elements = source(frame)
        if _doubtful(elements):
            return elements
        doubt: Any = None
        kept: list[Any] = []
        for element in elements:
            frame.steps += 1
            if frame.steps > MAX_STEPS:
                raise Exhausted
            frame.slots[slot] = unnamed if element is None else element
            value = body(frame)
            if _doubtful(value):
                doubt = _merged(doubt, value)
            elif filtering:
                if value:
                    kept.append(element)
            elif value is deciding:
                return deciding
        if doubt is not None:
            return doubt
        return tuple(kept) if filtering else not deciding

    return run


def two(left: Run, right: Run, combine: Callable[[Any, Any], Any], start: int) -> Run:
    def run(frame: Frame) -> Any:
        first, second = left(frame), right(frame)
        if _doubtful(first):
            return _merged(first, second) if _doubtful(second) else first
        if _doubtful(second):
            return second
        try:
            return combine(first, second)
        except (Refused, ArithmeticError, ValueError, TypeError) as error:
            return Fault(_said(error), start)

    return run


def many(operands: tuple[Run, ...], combine: Callable[..., Any], start: int) -> Run:
    def run(frame: Frame) -> Any:
        values = [operand(frame) for operand in operands]
        doubt: Any = None
        for value in values:
            if _doubtful(value):
                doubt = _merged(doubt, value)
        if doubt is not None:
            return doubt
        try:
            return combine(*values)
        except (Refused, ArithmeticError, ValueError, TypeError) as error:
            return Fault(_said(error), start)

    return run


def day(instant: Run) -> Run:
    def run(frame: Frame) -> Any:
        value = instant(frame)
        return value if _doubtful(value) else local_day(value, frame.where)

    return run


def _said(error: Exception) -> str:
    if isinstance(error, ZeroDivisionError):
        return "a division by zero"
    return str(error) if isinstance(error, Refused) else "a value out of range"


def operation(node: Arithmetic) -> Callable[[Any, Any], Any]:
    sign = node.operator
    if not node.whole:
        return _finite({"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign])

    def divided(first: int, second: int) -> int:
        quotient = abs(first) // abs(second)
        return quotient if (first < 0) == (second < 0) else -quotient

    plain: dict[str, Callable[[int, int], int]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": divided,
        "%": lambda first, second: first - second * divided(first, second),
    }
    combine = plain[sign]

    def run(first: int, second: int) -> int:
        result = combine(first, second)
        if not -MAX_INT - 1 <= result <= MAX_INT:
            raise Refused("a whole number beyond 64 bits")
        return result

    return run


def _finite(combine: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(first: Any, second: Any) -> Any:
        result = combine(first, second)
        # An infinity or NaN would make every later comparison quietly false.
        if result.__class__ is float and not isfinite(result):
            raise Refused("a number too large")
        return result

    return run
