"""Text → tree, by precedence climbing; refuses what is too long, too large or too deep before it costs anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

from pmo_hub.domain.expressions.syntax import (
    Arithmetic,
    Call,
    Comparator,
    Compare,
    Comprehension,
    Conditional,
    LimitExceeded,
    ListLiteral,
    Literal,
    Local,
    Logical,
    Member,
    Membership,
    Negative,
    Node,
    Not,
    Operator,
    ParseError,
    Presence,
    Quantifier,
    Variable,
)

MAX_TEXT = 4096
MAX_NODES = 500
MAX_DEPTH = 32
MAX_LIST = 200
MAX_INT = 2**63 - 1

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    |(?P<int>\d+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_BINDING = {"==": 1, "!=": 1, "<": 1, "<=": 1, ">": 1, ">=": 1, "in": 1, "+": 2, "-": 2, "*": 3, "/": 3, "%": 3}
_INSTEAD = {
    "and": "write &&",
    "or": "write ||",
    "not": "write !",
    "null": "ask known(x) or has(x)",
    "None": "ask known(x) or has(x)",
    "True": "write true",
    "False": "write false",
}

AnyNode = TypeVar("AnyNode", bound=Node)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            single = text[position]
            hint = {"=": "write ==", "&": "write &&", "|": "write ||"}.get(single)
            if single in "\"'":
                raise ParseError("this text in quotes doesn't end", position, hint)
            raise ParseError(f"unexpected {single!r}", position, hint)
        if match.lastgroup != "space":
            yield _Token(match.lastgroup or "", match.group(), position)
        position = match.end()
    yield _Token("end", "", len(text))


def parse(text: str) -> Node:
    """The tree of a text; names are not looked up yet. Raises ParseError or LimitExceeded."""
    if len(text.encode(errors="surrogatepass")) > MAX_TEXT:
        raise LimitExceeded(f"an expression has at most {MAX_TEXT} bytes", 0)
    parser = _Parser(list(_tokens(text)))
    node = parser.expression()
    parser.expect("end", "", "the end of the expression")
    return node


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nodes = 0
        self._depth = 0
        self._slots = 0
        self._locals: dict[str, int] = {}

    # -- tokens

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _accept(self, text: str) -> bool:
        if self._next.kind == "sign" and self._next.text == text:
            self._at += 1
            return True
        return False

    def expect(self, kind: str, text: str, wanted: str) -> _Token:
        token = self._next
        if token.kind != kind or (text and token.text != text):
            found = f"{token.text!r}" if token.kind != "end" else "the end"
            raise ParseError(f"expected {wanted}, found {found}", token.start, _INSTEAD.get(token.text))
        return self._take()

    @property
    def _last_end(self) -> int:
        return self._tokens[self._at - 1].end

    # -- limits

    def _made(self, node: AnyNode) -> AnyNode:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise LimitExceeded(f"an expression has at most {MAX_NODES} parts", node.start)
        return node

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise LimitExceeded(f"an expression nests at most {MAX_DEPTH} deep", self._next.start)
        yield
        self._depth -= 1

    # -- grammar

    def expression(self) -> Node:
        with self._deeper():
            test = self._logical(conjunction=False)
            if not self._accept("?"):
                return test
            then = self.expression()
            self.expect("sign", ":", "':'")
            otherwise = self.expression()
            return self._made(Conditional(test.start, otherwise.end, test, then, otherwise))

    def _logical(self, *, conjunction: bool) -> Node:
        sign = "&&" if conjunction else "||"
        parts = [self._logical(conjunction=True) if not conjunction else self._binary(1)]
        while self._accept(sign):
            parts.append(self._logical(conjunction=True) if not conjunction else self._binary(1))
        if len(parts) == 1:
            return parts[0]
        return self._made(Logical(parts[0].start, parts[-1].end, conjunction, tuple(parts)))

    def _binary(self, weakest: int) -> Node:
        left = self._prefix()
        chained = 0
        while (binding := _BINDING.get(self._next.text, 0)) >= weakest and self._next.kind in ("sign", "name"):
            chained += 1
            if self._depth + chained > MAX_DEPTH:
                raise LimitExceeded(f"an expression nests at most {MAX_DEPTH} deep", self._next.start)
            sign = self._take().text
            right = self._binary(binding + 1)
            left = self._made(_joined(sign, left, right))
        return left

    def _prefix(self) -> Node:
        token = self._next
        if token.kind == "sign" and token.text in ("!", "-"):
            self._take()
            with self._deeper():
                operand = self._prefix()
            if token.text == "!":
                return self._made(Not(token.start, operand.end, operand))
            return self._made(Negative(token.start, operand.end, operand))
        return self._postfix(self._primary())

    def _primary(self) -> Node:
        token = self._take()
        match token.kind:
            case "int":
                if (number := int(token.text)) > MAX_INT:
                    raise ParseError("a whole number has at most 63 bits", token.start)
                return self._made(Literal(token.start, token.end, number))
            case "float":
                return self._made(Literal(token.start, token.end, _finite(token)))
            case "string":
                return self._made(Literal(token.start, token.end, _unescaped(token)))
            case "name":
                return self._named(token)
            case "sign" if token.text == "(":
                inner = self.expression()
                self.expect("sign", ")", "')'")
                return inner
            case "sign" if token.text == "[":
                items = self._arguments("]")
                if len(items) > MAX_LIST:
                    raise LimitExceeded(f"a list has at most {MAX_LIST} elements", token.start)
                return self._made(ListLiteral(token.start, self._last_end, items))
        found = f"unexpected {token.text!r}" if token.kind != "end" else "something is missing here"
        raise ParseError(found, token.start)

    def _named(self, token: _Token) -> Node:
        name = token.text
        if name in ("true", "false"):
            return self._made(Literal(token.start, token.end, name == "true"))
        if name in _INSTEAD or name == "in":
            raise ParseError(f"{name!r} is no name", token.start, _INSTEAD.get(name))
        if self._next.text == "(" and self._next.kind == "sign":
            self._take()
            return self._called(token, self._arguments(")"))
        if name in self._locals:
            return self._made(Local(token.start, token.end, name, self._locals[name]))
        return self._made(Variable(token.start, token.end, name))

    def _called(self, token: _Token, arguments: tuple[Node, ...]) -> Node:
        if token.text in ("has", "known"):
            if len(arguments) != 1 or not isinstance(arguments[0], Variable | Local | Member):
                raise ParseError(f"{token.text}() takes one name", token.start)
            return self._made(Presence(token.start, self._last_end, token.text == "has", arguments[0]))
        return self._made(Call(token.start, self._last_end, token.text, arguments))

    def _arguments(self, closing: str) -> tuple[Node, ...]:
        if self._accept(closing):
            return ()
        items = [self.expression()]
        while self._accept(","):
            items.append(self.expression())
        self.expect("sign", closing, f"',' or {closing!r}")
        return tuple(items)

    def _postfix(self, node: Node) -> Node:
        chained = 0
        while self._accept("."):
            chained += 1
            if self._depth + chained > MAX_DEPTH:
                raise LimitExceeded(f"an expression nests at most {MAX_DEPTH} deep", self._next.start)
            name = self.expect("name", "", "a name")
            if self._accept("("):
                node = self._method(node, name)
            elif isinstance(node, Variable):
                node = Variable(node.start, name.end, f"{node.name}.{name.text}")
            elif isinstance(node, Local | Member):
                node = self._made(Member(node.start, name.end, node, name.text))
            else:
                raise ParseError("only names and elements of lists have fields", name.start)
        return node

    def _method(self, target: Node, name: _Token) -> Node:
        if name.text not in ("exists", "all", "filter"):
            arguments = self._arguments(")")
            return self._made(Call(target.start, self._last_end, name.text, (target, *arguments)))
        variable = self.expect("name", "", "a name for the element")
        self.expect("sign", ",", "','")
        outer = dict(self._locals)
        slot, self._slots = self._slots, self._slots + 1
        self._locals[variable.text] = slot
        body = self.expression()
        self._locals = outer
        self.expect("sign", ")", "')'")
        local = Local(variable.start, variable.end, variable.text, slot)
        return self._made(Comprehension(target.start, self._last_end, cast(Quantifier, name.text), target, local, body))


def _joined(sign: str, left: Node, right: Node) -> Node:
    if sign == "in":
        return Membership(left.start, right.end, left, right)
    if _BINDING[sign] == 1:
        return Compare(left.start, right.end, cast(Comparator, sign), left, right)
    return Arithmetic(left.start, right.end, cast(Operator, sign), left, right)


def _finite(token: _Token) -> float:
    number = float(token.text)
    if number == float("inf"):
        raise ParseError("this number is too large", token.start)
    return number


def _unescaped(token: _Token) -> str:
    def replaced(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise ParseError(f"\\{code} is no escape", token.start + 1 + match.start(), "write \\\\ for a backslash")
        return _ESCAPES[code]

    return _ESCAPE.sub(replaced, token.text[1:-1])
