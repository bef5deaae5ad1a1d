"""The check of a tree against a schema: every name exists, every operation has a type, instants that meet dates become days."""

from __future__ import annotations

from dataclasses import replace

from pmo_hub.domain.expressions.functions import FUNCTIONS, Overload
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
    UnknownName,
    Variable,
)
from pmo_hub.domain.expressions.types import NUMBERS, ORDERED, ListOf, Record, Scalar, Schema, Type, did_you_mean, fits, joined

Checked = tuple[Node, Type]

_ADDED: dict[tuple[Type, Type], Type] = {
    (Scalar.STRING, Scalar.STRING): Scalar.STRING,
    (Scalar.DURATION, Scalar.DURATION): Scalar.DURATION,
    (Scalar.TIMESTAMP, Scalar.DURATION): Scalar.TIMESTAMP,
    (Scalar.DURATION, Scalar.TIMESTAMP): Scalar.TIMESTAMP,
    (Scalar.DATE, Scalar.DURATION): Scalar.DATE,
    (Scalar.DURATION, Scalar.DATE): Scalar.DATE,
}
_SUBTRACTED: dict[tuple[Type, Type], Type] = {
    (Scalar.DURATION, Scalar.DURATION): Scalar.DURATION,
    (Scalar.TIMESTAMP, Scalar.TIMESTAMP): Scalar.DURATION,
    (Scalar.TIMESTAMP, Scalar.DURATION): Scalar.TIMESTAMP,
    (Scalar.DATE, Scalar.DATE): Scalar.DURATION,
    (Scalar.DATE, Scalar.DURATION): Scalar.DATE,
}


def check(node: Node, schema: Schema) -> Checked:
    """The tree with conversions put in, and its type. Raises UnknownName or TypeMismatch with the place and a hint."""
    return _Checker(schema).visit(node)


class _Checker:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._slots: dict[int, Type] = {}

    def visit(self, node: Node) -> Checked:
        match node:
            case Literal() | Variable() | Local():
                return node, self._leaf(node)
            case Member():
                return self._member(node)
            case Presence(target=target):
                checked, _ = self.visit(target)
                return replace(node, target=checked), Scalar.BOOL
            case Not(operand=operand):
                return replace(node, operand=self._truth(operand)), Scalar.BOOL
            case Logical(parts=parts):
                return replace(node, parts=tuple(map(self._truth, parts))), Scalar.BOOL
            case Negative():
                return self._negative(node)
            case Compare() | Membership() | Arithmetic():
                return self._pair(node)
            case ListLiteral() | Conditional() | Comprehension():
                return self._compound(node)
            case Call():
                return self._call(node)
        raise AssertionError(node)

    def _truth(self, node: Node) -> Node:
        checked, kind = self.visit(node)
        if kind != Scalar.BOOL:
            raise TypeMismatch(f"a condition is a bool, this is a {kind}", node.start)
        return checked

    def _leaf(self, node: Literal | Variable | Local) -> Type:
        if isinstance(node, Literal):
            return _literal_type(node.value)
        if isinstance(node, Local):
            return self._slots[node.slot]
        if node.name in self._schema:
            return self._schema[node.name]
        raise UnknownName(f"nothing is called {node.name}", node.start, did_you_mean(node.name, self._schema))

    def _member(self, node: Member) -> Checked:
        target, kind = self.visit(node.target)
        if not isinstance(kind, Record):
            raise TypeMismatch(f"a {kind} has no fields", node.start)
        fields = dict(kind.fields)
        if node.field not in fields:
            raise UnknownName(f"the record has no field {node.field}", node.start, did_you_mean(node.field, fields))
        return replace(node, target=target), fields[node.field]

    def _negative(self, node: Negative) -> Checked:
        operand, kind = self.visit(node.operand)
        if kind not in NUMBERS and kind != Scalar.DURATION:
            raise TypeMismatch(f"a {kind} has no negative", node.start)
        return replace(node, operand=operand), kind

    # -- two sides

    def _pair(self, node: Compare | Membership | Arithmetic) -> Checked:
        if isinstance(node, Membership):
            return self._membership(node)
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node, Compare):
            return self._comparison(node, left, right)
        return _arithmetic(node, *_same_days(left, right)) if node.operator == "-" else _arithmetic(node, left, right)

    def _comparison(self, node: Compare, left: Checked, right: Checked) -> Checked:
        (left_node, left_type), (right_node, right_type) = _same_days(left, right)
        common = joined(left_type, right_type)
        if common is None:
            raise TypeMismatch(f"a {left_type} can't be compared with a {right_type}", node.start)
        if common not in ORDERED and (common != Scalar.BOOL or node.operator not in ("==", "!=")):
            raise TypeMismatch(f"{node.operator} can't compare a {left_type} with a {right_type}", node.start)
        return replace(node, left=left_node, right=right_node), Scalar.BOOL

    def _membership(self, node: Membership) -> Checked:
        item, item_type = self.visit(node.item)
        collection, collection_type = self.visit(node.collection)
        if not isinstance(collection_type, ListOf):
            hint = "write text.contains(part)" if collection_type == Scalar.STRING else None
            raise TypeMismatch(f"in asks a list, this is a {collection_type}", node.collection.start, hint)
        if item_type == Scalar.TIMESTAMP and collection_type.element == Scalar.DATE:
            item, item_type = LocalDay(item.start, item.end, item), Scalar.DATE
        if isinstance(item_type, ListOf | Record) or joined(item_type, collection_type.element) is None:
            raise TypeMismatch(f"a {item_type} can't be in a {collection_type}", node.start)
        return replace(node, item=item, collection=collection), Scalar.BOOL

    # -- several parts

    def _compound(self, node: ListLiteral | Conditional | Comprehension) -> Checked:
        match node:
            case ListLiteral(items=items):
                return self._list(node, [self.visit(item) for item in items])
            case Conditional():
                test = self._truth(node.test)
                (then, then_type), (otherwise, otherwise_type) = _same_days(self.visit(node.then), self.visit(node.otherwise))
                common = joined(then_type, otherwise_type)
                if common is None:
                    raise TypeMismatch(f"one branch is a {then_type}, the other a {otherwise_type}", node.start)
                return replace(node, test=test, then=then, otherwise=otherwise), common
            case Comprehension():
                return self._comprehension(node)

    def _list(self, node: ListLiteral, items: list[Checked]) -> Checked:
        if not items:
            raise TypeMismatch("an empty list has no type", node.start)
        element = items[0][1]
        for item, kind in items:
            common = joined(element, kind)
            if common is None:
                raise TypeMismatch(f"a list of {element} can't hold a {kind}", item.start)
            element = common
        return replace(node, items=tuple(item for item, _ in items)), ListOf(element)

    def _comprehension(self, node: Comprehension) -> Checked:
        source, kind = self.visit(node.source)
        if not isinstance(kind, ListOf):
            raise TypeMismatch(f"{node.quantifier} asks a list, this is a {kind}", node.source.start)
        self._slots[node.variable.slot] = kind.element
        body = self._truth(node.body)
        return replace(node, source=source, body=body), kind if node.quantifier == "filter" else Scalar.BOOL

    def _call(self, node: Call) -> Checked:
        arguments = [self.visit(argument) for argument in node.arguments]
        types = [kind for _, kind in arguments]
        if node.function == "size":
            if len(types) != 1 or not (types[0] == Scalar.STRING or isinstance(types[0], ListOf)):
                raise TypeMismatch("size takes one list or string", node.start)
            return replace(node, arguments=(arguments[0][0],)), Scalar.INT
        if node.function not in FUNCTIONS:
            hint = did_you_mean(node.function, [*FUNCTIONS, "size", "has", "known", "exists", "all", "filter"])
            raise UnknownName(f"there is no function {node.function}", node.start, hint)
        for number, overload in enumerate(FUNCTIONS[node.function]):
            if (wanted := _parameters(overload, len(types))) is not None and all(map(fits, types, wanted)):
                converted = tuple(_as(argument, kind) for argument, kind in zip(arguments, wanted, strict=True))
                return replace(node, arguments=converted, overload=number), overload.result
        ways = " or ".join("(" + ", ".join(map(str, way.parameters)) + ")" for way in FUNCTIONS[node.function])
        raise TypeMismatch(f"{node.function} takes {ways}, not ({', '.join(map(str, types))})", node.start)


def _literal_type(value: bool | int | float | str) -> Scalar:
    match value:
        case bool():
            return Scalar.BOOL
        case int():
            return Scalar.INT
        case float():
            return Scalar.DOUBLE
        case str():
            return Scalar.STRING


def _parameters(overload: Overload, given: int) -> list[Type] | None:
    wanted = list(overload.parameters)
    if overload.variadic and given > len(wanted):
        wanted += [wanted[-1]] * (given - len(wanted))
    return wanted if len(wanted) == given else None


def _as(argument: Checked, wanted: Type) -> Node:
    node, kind = argument
    return LocalDay(node.start, node.end, node) if (kind, wanted) == (Scalar.TIMESTAMP, Scalar.DATE) else node


def _same_days(left: Checked, right: Checked) -> tuple[Checked, Checked]:
    """Both sides as days when one is a day and the other an instant."""
    if {left[1], right[1]} != {Scalar.DATE, Scalar.TIMESTAMP}:
        return left, right
    return (_as(left, Scalar.DATE), Scalar.DATE), (_as(right, Scalar.DATE), Scalar.DATE)


def _arithmetic(node: Arithmetic, left: Checked, right: Checked) -> Checked:
    (left_node, left_type), (right_node, right_type) = left, right
    found = replace(node, left=left_node, right=right_node)
    numeric = left_type in NUMBERS and right_type in NUMBERS
    whole = numeric and left_type == right_type == Scalar.INT
    if numeric and (whole or node.operator != "%"):
        return replace(found, whole=whole), Scalar.INT if whole else Scalar.DOUBLE
    table = {"+": _ADDED, "-": _SUBTRACTED}.get(node.operator, {})
    if (result := table.get((left_type, right_type))) is not None:
        return found, result
    raise TypeMismatch(f"{node.operator} can't combine a {left_type} with a {right_type}", node.start)
