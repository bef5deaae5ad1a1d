"""Names and types are checked before an expression runs."""

from __future__ import annotations

import pytest

from pmo_hub.domain.expressions import ListOf, Record, Scalar, Type, TypeMismatch, UnknownName, compile_expression

SCHEMA: dict[str, Type] = {
    "project.sponsor": Scalar.STRING,
    "project.state": Scalar.STRING,
    "project.finish": Scalar.DATE,
    "project.synced_at": Scalar.TIMESTAMP,
    "project.open_count": Scalar.INT,
    "project.overdue_share": Scalar.DOUBLE,
    "project.tags": ListOf(Scalar.STRING),
    "project.risks": ListOf(Record((("score", Scalar.INT), ("owner", Scalar.STRING)))),
    "params.grace_days": Scalar.INT,
    "now": Scalar.TIMESTAMP,
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("project.finish < now - days(params.grace_days)", Scalar.BOOL),
        ("now - project.synced_at", Scalar.DURATION),
        ("now - project.finish", Scalar.DURATION),
        ("project.finish + days(3)", Scalar.DATE),
        ("project.open_count / 2", Scalar.INT),
        ("project.open_count / 2.0", Scalar.DOUBLE),
        ("project.open_count * project.overdue_share", Scalar.DOUBLE),
        ("[1, 2.5]", ListOf(Scalar.DOUBLE)),
        ("size(project.tags)", Scalar.INT),
        ("project.sponsor.size()", Scalar.INT),
        ("project.risks.filter(r, r.score > 9).size()", Scalar.INT),
        ("max(1, 2, 3.5)", Scalar.DOUBLE),
        ("max(1, 2)", Scalar.INT),
        ("percentile([1, 2, 3], 0.5)", Scalar.INT),
        ("days_between(project.synced_at, now)", Scalar.INT),
        ("true ? 1 : 2.0", Scalar.DOUBLE),
        ('"a" + project.sponsor', Scalar.STRING),
        ("-days(3)", Scalar.DURATION),
        ("timestamp('2026-11-23T00:00:00Z') in [now]", Scalar.BOOL),
        ("now in [project.finish]", Scalar.BOOL),
    ],
)
def test_every_operation_has_a_type(text: str, kind: Type) -> None:
    assert compile_expression(text, SCHEMA).type == kind


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ("project.sponser == ''", 0, "did you mean project.sponsor?"),
        ("true && projekt.state == 'active'", 8, "did you mean project.state?"),
        ("project.risks.exists(r, r.ownr == '')", 24, "did you mean owner?"),
        ("day(3) < days(4)", 0, "did you mean days?"),
        ("xyzzy", 0, None),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(text: str, position: int, hint: str | None) -> None:
    with pytest.raises(UnknownName) as caught:
        compile_expression(text, SCHEMA)
    assert (caught.value.position, caught.value.hint) == (position, hint)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("project.sponsor > 3", "string can't be compared with a int"),
        ("project.open_count && true", "a condition is a bool"),
        ("!project.open_count", "a condition is a bool"),
        ("project.sponsor + 1", r"\+ can't combine"),
        ("now + now", "can't combine"),
        ("days(1) * 2", "can't combine"),
        ("1.5 % 2.0", "% can't combine"),
        ("true < false", "< can't compare"),
        ("project.tags == project.tags", "== can't compare"),
        ("1 in 2", "in asks a list"),
        ("'a' in project.sponsor", r"write text.contains"),
        ("1 in project.tags", "can't be in"),
        ("[]", "no type"),
        ("[1, 'a']", "can't hold"),
        ("project.sponsor.exists(s, true)", "exists asks a list"),
        ("project.tags.all(t, t)", "a condition is a bool"),
        ("project.tags.exists(t, t.name == '')", "has no fields"),
        ("days('3')", "days takes"),
        ("days(1, 2)", "days takes"),
        ("max(1)", "max takes"),
        ("size(3)", "size takes"),
        ("-project.sponsor", "no negative"),
        ("true ? 1 : 'a'", "one branch"),
        ("days(now)", "days takes"),
    ],
)
def test_what_cannot_be_combined_is_refused(text: str, said: str) -> None:
    with pytest.raises(TypeMismatch, match=said):
        compile_expression(text, SCHEMA)


def test_a_check_must_be_a_condition() -> None:
    with pytest.raises(TypeMismatch, match="gives a int, a bool is asked for"):
        compile_expression("project.open_count", SCHEMA, Scalar.BOOL)


def test_names_and_the_use_of_the_clock_are_known_without_running() -> None:
    compiled = compile_expression("project.finish < now && project.risks.exists(r, r.score > params.grace_days)", SCHEMA)
    assert compiled.names == {"project.finish", "now", "project.risks", "params.grace_days"}
    assert compiled.reads_clock
    assert not compile_expression("project.open_count > 0", SCHEMA).reads_clock
