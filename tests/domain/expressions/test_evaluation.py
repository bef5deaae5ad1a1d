"""Three-valued evaluation, and its laws."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.expressions import Fault, ListOf, Record, Scalar, Type, Unknown, compile_expression
from pmo_hub.domain.local_time import zone

SCHEMA: dict[str, Type] = {
    "a": Scalar.BOOL,
    "b": Scalar.BOOL,
    "c": Scalar.BOOL,
    "i": Scalar.INT,
    "j": Scalar.INT,
    "x": Scalar.DOUBLE,
    "s": Scalar.STRING,
    "day": Scalar.DATE,
    "at": Scalar.TIMESTAMP,
    "now": Scalar.TIMESTAMP,
    "tags": ListOf(Scalar.STRING),
    "numbers": ListOf(Scalar.INT),
    "risks": ListOf(Record((("score", Scalar.INT), ("owner", Scalar.STRING)))),
}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def run(text: str, **values: Any) -> Any:
    return compile_expression(text, SCHEMA).evaluate({"now": NOW, **values})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7 / 2.0", 3.5),
        ("1 == 1.0", True),
        ("'ab' + 'c' == \"abc\"", True),
        ("'b' in ['a', 'b']", True),
        ("2 < 1 ? 'yes' : 'no'", "no"),
        ("duration('1h30m') == minutes(90)", True),
        ("duration('-90s') == -minutes(1.5)", True),
        ("duration('250ms') < duration('1s')", True),
        ("days(2) - hours(12) == hours(36)", True),
        ("timestamp('2026-11-23T13:00:00+01:00') == now", True),
        ("date('2026-11-20') < now", True),
        ("date('2026-11-23') == now", True),
        ("days_between(date('2026-11-03'), now)", 20),
        ("working_days(date('2026-11-20'), now)", 1),
        ("now - date('2026-11-20') == days(3)", True),
        ("date('2026-11-20') + days(3) == now", True),
        ("abs(-3) + abs(2.5)", 5.5),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("min(3, 1, 2)", 1),
        ("max(3, 1.5)", 3),
        ("percentile([1, 2, 2, 3, 4, 5, 8, 8, 13, 21], 0.85)", 13),
        ("pct_change(80, 100)", 25.0),
        ("pct_change(-80, -100)", -25.0),
        ("lower('ÀB').startsWith('à')", True),
        ("'erp-core'.contains('core') && 'erp'.endsWith('p')", True),
        ("size('abc') + [1, 2].size()", 5),
        ("[1, 2, 3].filter(n, n > 1).size()", 2),
        ("[1, 2].exists(n, [3, 4].all(m, m > n))", True),
        ("!true || false", False),
    ],
)
def test_expressions_have_their_value(text: str, expected: object) -> None:
    result = run(text)
    assert result == expected
    assert type(result) is type(expected)


def test_a_date_meets_an_instant_as_the_day_of_the_projects_zone() -> None:
    overdue = compile_expression("day < now", SCHEMA)
    values = {"day": date(2026, 11, 23), "now": datetime(2026, 11, 23, 20, tzinfo=UTC)}
    assert overdue.evaluate(values) is False
    assert overdue.evaluate(values, zone("Asia/Tokyo")) is True


def test_lists_of_records_are_read_field_by_field() -> None:
    risks = [{"score": 12, "owner": ""}, {"score": 3, "owner": "p1"}]
    assert run("risks.exists(r, r.score >= 10 && r.owner == '')", risks=risks) is True
    assert run("risks.all(r, has(r.owner))", risks=risks) is False
    assert run("risks.filter(r, r.score > 2).size()", risks=risks) == 2


def test_an_unknown_field_of_a_record_is_named() -> None:
    risks = [{"score": 12, "owner": None}, {"score": None, "owner": "p1"}]
    assert run("risks.exists(r, r.score >= 10 && r.owner == '')", risks=risks) == Unknown(frozenset({"r.owner"}))
    assert run("risks.all(r, r.score > 10)", risks=risks) == Unknown(frozenset({"r.score"}))
    assert run("risks.exists(r, r.score > 11)", risks=risks) is True


@pytest.mark.parametrize(
    ("text", "values", "missing"),
    [
        ("a && i > 3", {"a": True}, {"i"}),
        ("i > 3 || j > 3", {}, {"i", "j"}),
        ("i + j > 3", {"i": 1}, {"j"}),
        ("a ? b : c", {"b": True, "c": True}, {"a"}),
        ("s in tags", {"tags": ("x",)}, {"s"}),
        ("tags.exists(t, t == s)", {"tags": ("x",)}, {"s"}),
        ("tags.exists(t, t == 'x')", {}, {"tags"}),
        ("max(i, j) > 0", {}, {"i", "j"}),
        ("has(s)", {}, {"s"}),
        ("day < now", {}, {"day"}),
        ("!a", {}, {"a"}),
    ],
)
def test_an_unknown_result_names_what_was_missing(text: str, values: dict[str, Any], missing: set[str]) -> None:
    assert run(text, **values) == Unknown(frozenset(missing))


def test_has_tells_empty_from_unknown_and_known_only_asks_for_a_value() -> None:
    assert run("has(s)", s="x") is True
    assert run("has(s)", s="") is False
    assert run("has(i)", i=0) is True
    assert run("has(tags)", tags=()) is False
    assert run("known(s)", s="") is True
    assert run("known(s)") is False
    assert run("!known(s) || s == ''") is True


@pytest.mark.parametrize(
    ("text", "values", "said"),
    [
        ("1 / i > 0", {"i": 0}, "division by zero"),
        ("x / 0.0 > 1.0", {"x": 1.0}, "division by zero"),
        ("i % 0 == 0", {"i": 1}, "division by zero"),
        ("i + 1 > 0", {"i": 2**63 - 1}, "64 bits"),
        ("x * 1e308 > 0.0", {"x": 1e10}, "too large"),
        ("now + days(x) > now", {"x": 1e9}, "out of range"),
        ("day + days(9999999) > now", {"day": date(2026, 1, 1)}, "out of range"),
        ("timestamp(s) < now", {"s": "2026-11-23 12:00"}, "names no offset"),
        ("timestamp(s) < now", {"s": "soon"}, "RFC 3339"),
        ("date(s) < now", {"s": "23/11/2026"}, "is no date"),
        ("duration(s) > days(1)", {"s": "1d"}, "is no duration"),
        ("percentile(numbers, 0.5) > 1", {"numbers": ()}, "no values"),
        ("percentile(numbers, 85) > 1", {"numbers": (1,)}, r"0\.\.1"),
        ("pct_change(i, j) > 1", {"i": 0, "j": 3}, "from 0"),
        ("a", {"a": "yes"}, "holds a str"),
        ("i > 0", {"i": True}, "holds a bool"),
        ("day < now", {"day": NOW}, "holds a datetime"),
        ("risks.exists(r, r.score > 1)", {"risks": [3]}, "no record"),
    ],
)
def test_a_fault_says_what_went_wrong(text: str, values: dict[str, Any], said: str) -> None:
    result = run(text, **values)
    assert isinstance(result, Fault)
    assert re.search(said, result.message)


def test_and_or_decide_past_a_fault_as_past_the_unknown() -> None:
    assert run("1 / i > 0 || a", i=0, a=True) is True
    assert run("1 / i > 0 && a", i=0, a=False) is False
    assert isinstance(run("1 / i > 0 && a", i=0, a=True), Fault)
    assert run("1 / i > 0 && a", i=0) == Unknown(frozenset({"a"}))


def test_comprehensions_have_a_budget() -> None:
    hundred = tuple(range(101))
    result = run("numbers.all(n, numbers.all(m, n + m >= 0))", numbers=hundred)
    assert isinstance(result, Fault)
    assert "10000 elements" in result.message
    assert run("numbers.all(n, numbers.all(m, n + m >= 0))", numbers=hundred[:99]) is True


# -- three-valued logic

TRUTHS: tuple[bool | None, ...] = (True, False, None)


def kleene(result: Any) -> bool | None:
    return None if isinstance(result, Unknown) else bool(result)


def test_and_or_not_follow_kleenes_tables() -> None:
    for left, right in itertools.product(TRUTHS, TRUTHS):
        both = False if False in (left, right) else None if None in (left, right) else True
        either = True if True in (left, right) else None if None in (left, right) else False
        assert kleene(run("a && b", a=left, b=right)) is both
        assert kleene(run("a || b", a=left, b=right)) is either
    assert [kleene(run("!a", a=truth)) for truth in TRUTHS] == [False, True, None]


CONDITIONS = st.recursive(
    st.sampled_from(["a", "b", "c", "i > 2", "i == j", "true", "false", "(s == 'x')"]),
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
    ),
    max_leaves=8,
)
TRUTH = st.sampled_from(TRUTHS)
VALUES = st.fixed_dictionaries(
    {
        "a": TRUTH,
        "b": TRUTH,
        "c": TRUTH,
        "i": st.sampled_from([None, 1, 3]),
        "j": st.sampled_from([None, 3]),
        "s": st.sampled_from([None, "x", "y"]),
    }
)


@given(CONDITIONS, CONDITIONS, VALUES)
def test_de_morgan_and_commutation_hold_with_the_same_names_missing(left: str, right: str, values: dict[str, Any]) -> None:
    assert run(f"!({left} && {right})", **values) == run(f"!({left}) || !({right})", **values)
    assert run(f"{left} || {right}", **values) == run(f"{right} || {left}", **values)
    assert run(f"!!({left})", **values) == run(left, **values)


@given(CONDITIONS, VALUES, st.data())
def test_learning_a_value_never_overturns_what_was_decided_without_it(text: str, values: dict[str, Any], data: st.DataObject) -> None:
    before = run(text, **values)
    unknown = sorted(name for name, value in values.items() if value is None)
    learnt = {
        **values,
        **{
            name: data.draw({"i": st.integers(1, 3), "j": st.integers(1, 3), "s": st.just("x")}.get(name, st.booleans()))
            for name in unknown
        },
    }
    after = run(text, **learnt)
    assert isinstance(after, bool)
    if isinstance(before, bool):
        assert after is before
    else:
        assert before.names <= set(unknown)
        assert before.names


@given(CONDITIONS, VALUES)
def test_an_explanation_reads_nothing_that_the_expression_does_not(text: str, values: dict[str, Any]) -> None:
    compiled = compile_expression(text, SCHEMA)
    leaves = compiled.explain(values)
    assert leaves
    assert {name for leaf in leaves for name, _ in leaf.values} <= compiled.names
    assert all(leaf.text in text for leaf in leaves)


def test_an_explanation_gives_the_conditions_that_decided_and_their_values() -> None:
    compiled = compile_expression("a && (i > 3 || s == 'x') && !b", SCHEMA)
    failing = compiled.explain({"a": True, "i": 2, "s": "x", "b": False})
    assert [(leaf.text, leaf.outcome, leaf.values) for leaf in failing] == [
        ("a", True, (("a", True),)),
        ("s == 'x'", True, (("s", "x"),)),
        ("b", False, (("b", False),)),
    ]
    passing = compiled.explain({"a": True, "i": 2, "s": "y", "b": False})
    assert [(leaf.text, leaf.outcome) for leaf in passing] == [("i > 3", False), ("s == 'x'", False)]
    unknown = compiled.explain({"a": True, "s": "y", "b": False})
    assert [(leaf.text, leaf.outcome, leaf.values) for leaf in unknown] == [("i > 3", None, (("i", None),))]


def test_a_duration_may_be_a_value_too() -> None:
    assert run("now - at", at=NOW - timedelta(hours=3)) == timedelta(hours=3)
