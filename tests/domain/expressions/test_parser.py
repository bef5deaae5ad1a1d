"""The grammar of expressions, and what it refuses."""

from __future__ import annotations

import pytest

from pmo_hub.domain.expressions.parser import MAX_DEPTH, MAX_LIST, MAX_NODES, parse
from pmo_hub.domain.expressions.syntax import (
    Arithmetic,
    Compare,
    Comprehension,
    Conditional,
    LimitExceeded,
    Literal,
    Logical,
    Member,
    Not,
    ParseError,
    Presence,
    Variable,
    variables,
)


def test_and_binds_tighter_than_or_and_both_are_flat() -> None:
    tree = parse("a || b && c && d || e")
    assert isinstance(tree, Logical)
    assert not tree.conjunction
    assert [type(part) for part in tree.parts] == [Variable, Logical, Variable]
    middle = tree.parts[1]
    assert isinstance(middle, Logical)
    assert middle.conjunction
    assert len(middle.parts) == 3


def test_arithmetic_binds_tighter_than_comparison_and_goes_left_to_right() -> None:
    tree = parse("1 - 2 - 3 * 4 < x")
    assert isinstance(tree, Compare)
    assert isinstance(tree.left, Arithmetic)
    assert (tree.left.operator, tree.left.right.__class__) == ("-", Arithmetic)
    assert isinstance(tree.left.left, Arithmetic)
    assert tree.left.left.operator == "-"


def test_a_sign_binds_tighter_than_a_comparison() -> None:
    tree = parse("!a == b")
    assert isinstance(tree, Compare)
    assert isinstance(tree.left, Not)


def test_a_conditional_is_read_from_the_right() -> None:
    tree = parse("a ? 1 : b ? 2 : 3")
    assert isinstance(tree, Conditional)
    assert isinstance(tree.otherwise, Conditional)


def test_a_dotted_name_is_one_variable_and_its_last_part_may_be_a_method() -> None:
    assert parse("project.plan.start").__class__ is Variable
    tree = parse('project.tags.exists(tag, tag == "erp")')
    assert isinstance(tree, Comprehension)
    assert tree.source == Variable(0, 12, "project.tags")
    assert variables(tree) == {"project.tags"}


def test_a_local_variable_has_fields_and_ends_with_its_comprehension() -> None:
    tree = parse("risks.all(r, r.owner.active) && r.owner")
    assert isinstance(tree, Logical)
    inside = tree.parts[0]
    assert isinstance(inside, Comprehension)
    assert isinstance(inside.body, Member)
    assert tree.parts[1] == Variable(32, 39, "r.owner")


def test_has_takes_a_name_only() -> None:
    assert isinstance(parse("has(project.sponsor)"), Presence)
    with pytest.raises(ParseError, match="takes one name"):
        parse("has(1 + 2)")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\"b\\n\\u00e9"', 'a"b\né'),
        ("'it\\'s'", "it's"),
        ("1e3", 1000.0),
        ("0.25", 0.25),
        ("9223372036854775807", 2**63 - 1),
        ("true", True),
    ],
)
def test_literals_have_their_value(text: str, value: object) -> None:
    tree = parse(text)
    assert isinstance(tree, Literal)
    assert tree.value == value
    assert type(tree.value) is type(value)


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "something is missing"),
        ("a &&", 4, "something is missing"),
        ("a = b", 2, "write =="),
        ("a & b", 2, "write &&"),
        ("a and b", 2, "write &&"),
        ("a == null", 5, "known"),
        ("(a", 2, "expected '\\)'"),
        ("a b", 2, "expected the end"),
        ('"open', 0, "doesn't end"),
        ('"\\q"', 1, "no escape"),
        ("9223372036854775808", 0, "63 bits"),
        ("1e999", 0, "too large"),
        ("a ? b", 5, "expected ':'"),
        ("[1, 2", 5, "expected"),
        ("a.exists(1, true)", 9, "a name for the element"),
        ("a ; b", 2, "unexpected ';'"),
        ("1.f", 2, "fields"),
    ],
)
def test_an_error_says_where_and_what_to_write(text: str, position: int, said: str) -> None:
    with pytest.raises(ParseError, match=said) as caught:
        parse(text)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "a" * 4097,
        "é" * 2049,
        "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH,
        "!" * MAX_DEPTH + "a",
        "-" * 4000,
        "1" + " + 1" * MAX_DEPTH,
        "a" + ".f(b)" * MAX_DEPTH,
        "[" + ",".join(["1"] * (MAX_LIST + 1)) + "]",
        " || ".join(["a && b"] * (MAX_NODES // 3 + 1)),
        "a ? " * MAX_DEPTH + "b" + " : c" * MAX_DEPTH,
    ],
    ids=["bytes", "bytes of UTF-8", "parentheses", "signs", "minus", "sum", "methods", "list", "parts", "conditionals"],
)
def test_what_is_too_long_large_or_deep_is_refused(text: str) -> None:
    with pytest.raises(LimitExceeded):
        parse(text)


def test_what_is_just_within_the_limits_is_accepted() -> None:
    parse("(" * (MAX_DEPTH - 1) + "a" + ")" * (MAX_DEPTH - 1))
    parse("[" + ",".join(["1"] * MAX_LIST) + "]")
    parse(" && ".join(["a"] * (MAX_NODES - 1)))
