"""Tree → closures, run with three-valued logic, and explained leaf by leaf.

`&&` is false as soon as one part is false and `||` true as soon as one is true, whatever else is unknown or faulty; every other
operation on an unknown value is unknown. An unknown result carries the names of what was missing, a fault says where and why.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from pmo_hub.domain.expressions import closures
from pmo_hub.domain.expressions.checking import check
from pmo_hub.domain.expressions.closures import MAX_STEPS, Exhausted, Fault, Frame, Run
from pmo_hub.domain.expressions.functions import FUNCTIONS
from pmo_hub.domain.expressions.parser import parse
from pmo_hub.domain.expressions.syntax import (
    Arithmetic,
    Call,
    Compare,
    Comprehension,
    Conditional,
    ListLiteral,
    Literal,
    Local,
    LocalDay,
    Logical,
    Member,
    Membership,
    Negative,
    Node,
    Not,
    Presence,
    TypeMismatch,
    Variable,
    variables,
)
from pmo_hub.domain.expressions.types import Schema, Type

Outcome = Any
"""A value (bool, int, float, str, date, datetime, timedelta, tuple), Unknown or Fault."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A condition without && or || that decided the result: its text, its truth (None: unknown) and the values that it read."""

    text: str
    outcome: bool | None
    values: tuple[tuple[str, Any], ...]


class Expression:
    """A compiled expression: `type`, the `names` it reads, and whether it `reads_clock` (the variable `now`)."""

    __slots__ = ("_root", "_run", "_schema", "names", "reads_clock", "text", "type")

    def __init__(self, text: str, schema: Schema, wanted: Type | None = None) -> None:
        self.text = text
        self._schema = schema
        self._root, self.type = check(parse(text), schema)
        if wanted is not None and self.type != wanted:
            raise TypeMismatch(f"the expression gives a {self.type}, a {wanted} is asked for", 0)
        self.names = variables(self._root)
        self.reads_clock = "now" in self.names
        self._run = self._build(self._root)

    def evaluate(self, values: Mapping[str, Any], where: tzinfo = UTC) -> Outcome:
        """The value for these values; a name that is absent or None is unknown. `where` is the zone that days are counted in."""
        return self._attempt(self._run, Frame(values, where))

    def explain(self, values: Mapping[str, Any], where: tzinfo = UTC) -> tuple[Leaf, ...]:
        """The conditions that decided the result, in the order of the text; all of them when the result isn't a bool."""
        leaves: list[Leaf] = []
        self._collect(self._root, Frame(values, where), leaves)
        return tuple(leaves)

    def _attempt(self, run: Run, frame: Frame) -> Outcome:
        try:
            return run(frame)
        except Exhausted:
            return Fault(f"visits more than {MAX_STEPS} elements", 0)

    def _collect(self, node: Node, frame: Frame, leaves: list[Leaf]) -> None:
        if isinstance(node, Not):
            self._collect(node.operand, frame, leaves)
            return
        if isinstance(node, Logical):
            result = self._attempt(self._build(node), frame)
            for part in node.parts:
                outcome = self._attempt(self._build(part), frame)
                decided = not isinstance(outcome, bool) if not isinstance(result, bool) else outcome is result
                if decided:
                    self._collect(part, frame, leaves)
            return
        outcome = self._attempt(self._build(node), frame)
        read = tuple((name, frame.values.get(name)) for name in sorted(variables(node)))
        leaves.append(Leaf(self.text[node.start : node.end], outcome if isinstance(outcome, bool) else None, read))

    # -- building

    def _build(self, node: Node) -> Run:
        match node:
            case Literal(value=value):
                return lambda frame: value
            case Variable(name=name, start=start):
                return closures.variable(name, start, self._schema[name])
            case Local(slot=slot):
                return lambda frame: frame.slots[slot]
            case Member():
                return closures.member(node, self._build(node.target))
            case Not(operand=operand):
                return closures.negation(self._build(operand))
            case Logical(conjunction=conjunction, parts=parts):
                return closures.logical(tuple(map(self._build, parts)), deciding=not conjunction)
            case Presence(strict=strict, target=target):
                return closures.presence(self._build(target), strict=strict)
            case Conditional(test=test, then=then, otherwise=otherwise):
                return closures.conditional(self._build(test), self._build(then), self._build(otherwise))
            case Comprehension():
                return closures.comprehension(node, self._build(node.source), self._build(node.body))
            case _:
                return self._build_strict(node)

    def _build_strict(self, node: Node) -> Run:
        """Operations that are unknown as soon as one of their operands is."""
        match node:
            case Compare(operator=sign, left=left, right=right):
                return closures.two(self._build(left), self._build(right), closures.COMPARED[sign], node.start)
            case Membership(item=item, collection=collection):
                return closures.two(self._build(item), self._build(collection), lambda one, many: one in many, node.start)
            case Arithmetic(left=left, right=right):
                return closures.two(self._build(left), self._build(right), closures.operation(node), node.start)
            case ListLiteral(items=items):
                return closures.many(tuple(map(self._build, items)), lambda *values: values, node.start)
            case Call(function="size", arguments=arguments):
                return closures.many((self._build(arguments[0]),), len, node.start)
            case Call(function=function, arguments=arguments, overload=overload):
                return closures.many(tuple(map(self._build, arguments)), FUNCTIONS[function][overload].call, node.start)
            case Negative(operand=operand):
                return closures.many((self._build(operand),), operator.neg, node.start)
            case LocalDay(instant=instant):
                return closures.day(self._build(instant))
        raise AssertionError(node)


def compile_expression(text: str, schema: Schema, wanted: Type | None = None) -> Expression:
    """The expression of a text against a schema, kept for the next call. Raises ExpressionError."""
    return _compiled(text, frozenset(schema.items()), wanted)


@lru_cache(maxsize=1024)
def _compiled(text: str, schema: frozenset[tuple[str, Type]], wanted: Type | None) -> Expression:
    return Expression(text, MappingProxyType(dict(schema)), wanted)
