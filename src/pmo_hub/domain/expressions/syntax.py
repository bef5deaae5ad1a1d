"""The typed tree of an expression, and the errors that a text may raise before it runs.

ExpressionError(position, hint)
├── ParseError       the text is no expression of the subset
├── LimitExceeded    it is one, but too large
├── UnknownName      it reads a variable, field or function that doesn't exist
└── TypeMismatch     it compares or combines what can't be
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

Comparator = OneOf["==", "!=", "<", "<=", ">", ">="]
Operator = OneOf["+", "-", "*", "/", "%"]
Quantifier = OneOf["exists", "all", "filter"]


class ExpressionError(Exception):
    """`position` counts characters from 0; `hint` proposes what to write instead."""

    def __init__(self, message: str, position: int, hint: str | None = None) -> None:
        super().__init__(f"{message} (at character {position + 1})" + (f"; {hint}" if hint else ""))
        self.message = message
        self.position = position
        self.hint = hint


class ParseError(ExpressionError):
    """The text is no expression of the subset."""


class LimitExceeded(ExpressionError):
    """The expression is longer, larger or deeper than allowed."""


class UnknownName(ExpressionError):
    """A variable, field or function that doesn't exist."""


class TypeMismatch(ExpressionError):
    """Values of these types can't be compared or combined."""


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of the text from `start` up to and without `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: bool | int | float | str


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """A dotted name such as `project.sponsor`."""

    name: str


@dataclass(frozen=True, slots=True)
class Local(Node):
    """The variable of the comprehension that owns `slot`."""

    name: str
    slot: int


@dataclass(frozen=True, slots=True)
class Member(Node):
    """A field of a record in a list."""

    target: Node
    field: str


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Negative(Node):
    operand: Node


@dataclass(frozen=True, slots=True)
class Logical(Node):
    """`&&` of all parts when `conjunction`, else `||`."""

    conjunction: bool
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    operator: Comparator
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Membership(Node):
    item: Node
    collection: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`whole` is set by the type check: both sides are ints, so a division cuts towards zero."""

    operator: Operator
    left: Node
    right: Node
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    test: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Presence(Node):
    """`has(x)`: x isn't empty, unknown while x is; `known(x)`: x has a value at all."""

    strict: bool
    target: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`overload` is set by the type check: which of the function's signatures is meant."""

    function: str
    arguments: tuple[Node, ...]
    overload: int = 0


@dataclass(frozen=True, slots=True)
class LocalDay(Node):
    """The calendar day of an instant in the project's zone; put in where an instant meets a date."""

    instant: Node


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    quantifier: Quantifier
    source: Node
    variable: Local
    body: Node


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly under a node, in the order of the text."""
    match node:
        case ListLiteral(items=nodes) | Logical(parts=nodes) | Call(arguments=nodes):
            return nodes
        case Not(operand=child) | Negative(operand=child) | Presence(target=child) | Member(target=child) | LocalDay(instant=child):
            return (child,)
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right) | Membership(item=left, collection=right):
            return (left, right)
        case Conditional(test=test, then=then, otherwise=otherwise):
            return (test, then, otherwise)
        case Comprehension(source=source, body=body):
            return (source, body)
        case _:
            return ()


def variables(node: Node) -> frozenset[str]:
    """The dotted names that an expression reads."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, Variable):
            found.add(current.name)
        waiting.extend(children(current))
    return frozenset(found)
