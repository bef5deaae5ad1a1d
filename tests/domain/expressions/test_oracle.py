"""The same expression on the same values, here and in Google's C++ CEL: same value, or unknown and faulty at the same time.

Left out of the comparison, since ours differs on purpose: ints that meet doubles, doubles divided by zero, calendar dates.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_hub.domain.expressions import Fault, ListOf, Scalar, Type, Unknown, compile_expression

pytestmark = pytest.mark.part("CEL oracle (cel-expr-python)")

SCHEMA: dict[str, Type] = {
    "project.active": Scalar.BOOL,
    "project.late": Scalar.BOOL,
    "project.open": Scalar.INT,
    "params.limit": Scalar.INT,
    "project.share": Scalar.DOUBLE,
    "project.name": Scalar.STRING,
    "project.tags": ListOf(Scalar.STRING),
    "project.synced_at": Scalar.TIMESTAMP,
    "now": Scalar.TIMESTAMP,
}
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "project.active": st.booleans(),
        "project.late": st.booleans(),
        "project.open": st.integers(-5, 5),
        "params.limit": st.integers(-3, 3),
        "project.share": st.sampled_from([0.0, 0.05, 0.15, 1.0]),
        "project.name": st.sampled_from(["", "erp", "erp-core", "été"]),
        "project.tags": st.lists(st.sampled_from(["erp", "crm", "x"]), max_size=3),
        "project.synced_at": st.just(datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        "now": st.just(datetime(2026, 11, 23, 12, tzinfo=UTC)),
    },
)


def _joined(operands: st.SearchStrategy[str], signs: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(operands, st.sampled_from(signs), operands).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})")


INTS = st.recursive(
    st.sampled_from(["project.open", "params.limit", "0", "1", "7", "-3", "size(project.name)", "project.tags.size()"]),
    lambda inner: _joined(inner, ["+", "-", "*", "/", "%"]) | inner.map(lambda text: f"-({text})"),
    max_leaves=4,
)
DOUBLES = st.recursive(st.sampled_from(["project.share", "0.15", "2.5"]), lambda inner: _joined(inner, ["+", "-", "*"]), max_leaves=3)
TEXTS = st.sampled_from(["project.name", "'erp'", '"é\\n\\u00e9"', "(project.name + 'x')"])
TIMES = st.sampled_from(["now", "project.synced_at", "(now - duration('72h'))", "timestamp('2026-11-20T10:30:00+01:00')"])
SPANS = st.sampled_from(["(now - project.synced_at)", "duration('1h30m')", "duration('-10s')"])
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
ATOMS = st.one_of(
    st.sampled_from(["project.active", "project.late", "true", "false", "'erp' in project.tags", "project.open in [1, 2, params.limit]"]),
    *(_joined(kind, COMPARISONS) for kind in (INTS, DOUBLES, TEXTS, TIMES, SPANS)),
    st.tuples(TEXTS, st.sampled_from(["contains", "startsWith", "endsWith"]), TEXTS).map(
        lambda parts: f"{parts[0]}.{parts[1]}({parts[2]})"
    ),
    st.tuples(st.sampled_from(["exists", "all"]), TEXTS).map(lambda parts: f"project.tags.{parts[0]}(tag, tag != {parts[1]})"),
    INTS.map(lambda text: f"project.tags.filter(tag, tag == 'erp').size() < {text}"),
    INTS.map(lambda text: f"[1, 2, 3].exists(n, [3, 4].all(m, m > n + {text}))"),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda text: f"!({text})"),
        _joined(inner, ["&&", "||"]),
        st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]} ? {parts[1]} : {parts[2]})"),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def environment() -> Any:
    cel: Any = pytest.importorskip("cel_expr_python.cel", reason="cel-expr-python is not installed")
    types: dict[Type, Any] = {
        Scalar.BOOL: cel.Type.BOOL,
        Scalar.INT: cel.Type.INT,
        Scalar.DOUBLE: cel.Type.DOUBLE,
        Scalar.STRING: cel.Type.STRING,
        Scalar.TIMESTAMP: cel.Type.TIMESTAMP,
    }
    return cel.NewEnv(
        variables={name: cel.Type.List(cel.Type.STRING) if isinstance(kind, ListOf) else types[kind] for name, kind in SCHEMA.items()}
    )


@settings(max_examples=400, deadline=None)
@given(text=CONDITIONS, values=VALUES)
def test_ours_and_googles_cel_agree(environment: Any, text: str, values: dict[str, Any]) -> None:
    theirs = environment.compile(text).eval(data=values)
    ours = compile_expression(text, SCHEMA, Scalar.BOOL).evaluate(values)
    if theirs.type().name().lower() == "bool":
        assert ours is theirs.plain_value()
    else:
        assert isinstance(ours, Unknown | Fault), (ours, theirs.plain_value())
