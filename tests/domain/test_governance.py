"""How a check is compiled and evaluated: parameters, scope, unknown data, evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pmo_hub.domain.checks import AGL_003, AGL_004, GOV_001, GOV_002, GOV_013, SCH_003, SCH_011
from pmo_hub.domain.expressions import Scalar
from pmo_hub.domain.facts import Subject, measure, measure_subjects
from pmo_hub.domain.governance import (
    BindingInvalid,
    CheckInvalid,
    Evaluation,
    Parameter,
    Result,
    compile_check,
    evaluate,
    evaluate_subjects,
    resolve_parameters,
)
from pmo_hub.domain.messages import render
from pmo_hub.domain.vocabulary import Kind
from tests.domain.estate import EVIDENCE, NOW, TODAY, ago, by_name, fact, fresh, item, project


def test_a_failing_check_shows_what_decided_it_and_links_into_the_source() -> None:
    found = evaluate(SCH_011, {}, fresh(fact("project.invalid_date_count", 2, 90, evidence=(EVIDENCE,))), NOW)
    assert (found.result, found.confidence, found.missing, found.error) == (Result.FAIL, 90, (), None)
    assert found.evidence == (EVIDENCE,)
    assert [(leaf.text, leaf.values) for leaf in found.leaves] == [("project.invalid_date_count > 0", (("project.invalid_date_count", 2),))]
    assert found.message == "2 items start after they are due, end before they start, or are dated in the future"


def test_an_unknown_fact_gives_unknown_and_is_named_with_its_reason() -> None:
    facts = fresh(fact("project.state", "active"), fact("project.last_activity_at", None, 0, reason="no item has a date of change"))
    found = evaluate(GOV_013, resolve_parameters(GOV_013, {}), facts, NOW)
    assert (found.result, found.missing) == (Result.UNKNOWN, ("project.last_activity_at",))
    assert found.message == "missing: project.last_activity_at (no item has a date of change)"
    assert found.confidence == 100


def test_what_a_check_needs_makes_it_unknown_even_where_the_rest_would_decide() -> None:
    strict = replace(GOV_001, needs=("project.state", "project.has_sponsor"))
    facts = fresh(fact("project.state", "closed"))
    assert evaluate(GOV_001, {}, facts, NOW).result is Result.PASS
    found = evaluate(strict, {}, facts, NOW)
    assert (found.result, found.missing) == (Result.UNKNOWN, ("project.has_sponsor",))


@pytest.mark.parametrize(
    ("methodology", "result"),
    [
        ("waterfall", Result.NOT_APPLICABLE),
        ("Waterfall", Result.NOT_APPLICABLE),
        ("agile", Result.FAIL),
        ("Agile", Result.FAIL),
        ("", Result.FAIL),
        (None, Result.FAIL),
    ],
)
def test_a_check_is_not_applied_to_a_declared_methodology_out_of_its_scope(methodology: str | None, result: Result) -> None:
    facts = fresh(fact("project.methodology", methodology), fact("project.ageing_wip_count", 3))
    assert evaluate(AGL_003, resolve_parameters(AGL_003, {}), facts, NOW).result is result


def test_a_value_of_another_type_than_declared_is_an_error_and_no_pass() -> None:
    found = evaluate(SCH_011, {}, fresh(fact("project.invalid_date_count", "none")), NOW)
    assert found.result is Result.ERROR
    assert "holds a str" in (found.error or "")


def test_a_silent_project_fails_only_after_its_thirty_days() -> None:
    parameters = resolve_parameters(GOV_013, {})
    facts = fresh(fact("project.state", "active"), fact("project.last_activity_at", ago(30)))
    assert evaluate(GOV_013, parameters, facts, NOW).result is Result.PASS
    assert evaluate(GOV_013, parameters, facts, NOW + timedelta(seconds=1)).result is Result.FAIL
    assert evaluate(GOV_013, parameters, facts, NOW).holds_until == datetime(2026, 11, 24, tzinfo=UTC)


def test_an_evaluation_holds_until_the_first_of_its_facts_may_change() -> None:
    soon, later = NOW + timedelta(hours=1), NOW + timedelta(hours=30)
    facts = fresh(fact("project.invalid_date_count", 0, holds_until=later), fact("project.open_count", 0, holds_until=soon))
    assert evaluate(SCH_011, {}, facts, NOW).holds_until == later
    assert evaluate(SCH_011, {}, facts, later).holds_until is None


def test_data_that_is_stale_or_incomplete_marks_what_rests_on_it_and_not_the_settings() -> None:
    sound = fresh(fact("project.invalid_date_count", 0), fact("project.state", "active"), fact("project.has_sponsor", True))
    assert not evaluate(SCH_011, {}, sound, NOW).stale_data
    for doubt in (
        fact("project.sync_stale", True),
        fact("project.sync_stale", None),
        fact("project.sync_stale", False, holds_until=NOW),
        fact("project.data_complete", False),
    ):
        assert evaluate(SCH_011, {}, {**sound, doubt.name: doubt}, NOW).stale_data
        assert not evaluate(GOV_001, {}, {**sound, doubt.name: doubt}, NOW).stale_data


def test_milestones_are_judged_one_by_one_in_the_projects_zone() -> None:
    items = [
        item(1, kind=Kind.MILESTONE, due=TODAY - timedelta(days=3), title="Go-live"),
        item(2, kind=Kind.MILESTONE, due=TODAY - timedelta(days=4), title="Design freeze"),
        item(3, kind=Kind.MILESTONE),
    ]
    made = project(time_zone="Asia/Tokyo")
    evening = NOW + timedelta(hours=4)  # the next day in Tokyo
    facts, subjects = by_name(*measure(made, items, evening)), measure_subjects(made, items, evening)
    found = evaluate_subjects(SCH_003, resolve_parameters(SCH_003, {}), facts, subjects, evening)
    assert [(one.sub_key[-1], one.result) for one in found] == [("1", Result.FAIL), ("2", Result.FAIL), ("3", Result.UNKNOWN)]
    assert found[1].message == "ERP-2 (Design freeze) was due 2026-11-19, more than 3 days ago"
    assert [piece.label for piece in found[1].evidence] == ["ERP-2"]
    assert found[2].missing == ("milestone.due",)
    noon = evaluate_subjects(SCH_003, resolve_parameters(SCH_003, {}), facts, subjects, NOW)
    assert [one.result for one in noon] == [Result.PASS, Result.FAIL, Result.UNKNOWN]


def test_a_project_without_milestones_is_not_judged_by_them() -> None:
    found = evaluate_subjects(SCH_003, resolve_parameters(SCH_003, {}), fresh(), (Subject("issue", "1", ()),), NOW)
    assert [(one.result, one.sub_key) for one in found] == [(Result.NOT_APPLICABLE, "")]
    assert len(evaluate_subjects(SCH_011, {}, fresh(), (), NOW)) == 1


# -- parameters and documents


def test_a_binding_lays_its_values_over_the_defaults() -> None:
    assert resolve_parameters(SCH_003, {}) == {"grace_days": 3}
    assert resolve_parameters(SCH_003, {"grace_days": 0}) == {"grace_days": 0}
    facts = {**fresh(), **by_name(fact("milestone.done", False), fact("milestone.due", TODAY - timedelta(days=1)))}
    assert evaluate(SCH_003, {"grace_days": 0}, facts, NOW).result is Result.FAIL


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"grace_day": 1}, "did you mean grace_days"),
        ({"grace_days": 61}, "between 0 and 60"),
        ({"grace_days": -1}, "between 0 and 60"),
        ({"grace_days": 1.5}, "is a int"),
        ({"grace_days": True}, "is a int"),
        ({"grace_days": "3"}, "is a int"),
    ],
)
def test_a_parameter_that_the_check_does_not_allow_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BindingInvalid, match=said):
        resolve_parameters(SCH_003, given)


def test_a_number_that_is_no_number_is_out_of_bounds() -> None:
    with pytest.raises(BindingInvalid, match="between 0 and 1"):
        resolve_parameters(AGL_004, {"allowed_share": float("nan")})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fail_when": "project.sponser == ''"}, "nothing is called project.sponser"),
        ({"fail_when": "milestone.done"}, "nothing is called milestone.done"),
        ({"fail_when": "project.open_count"}, "a bool is asked for"),
        ({"fail_when": "params.days > 1"}, "params.days"),
        ({"needs": ("project.sponser",)}, "there is no fact project.sponser"),
        ({"evidence": ("project.open_cnt",)}, "did you mean project.open_count"),
        ({"message": "{project.nam}"}, "its message names project.nam"),
        ({"entity": "budget"}, "no facts are measured about a budget"),
        ({"parameters": (Parameter("days", Scalar.INT, 99, 0, 60),)}, "lies between"),
    ],
)
def test_a_document_that_names_what_does_not_exist_is_refused_before_it_runs(changes: dict[str, Any], said: str) -> None:
    with pytest.raises((CheckInvalid, BindingInvalid), match=said):
        compile_check(replace(GOV_001, **changes))


# -- messages


def test_text_from_a_source_is_never_read_as_a_template() -> None:
    values = {"milestone.name": "{project.name} {0.__class__} %s {milestone.name}", "milestone.due": date(2026, 11, 3)}
    assert (
        render("{milestone.name} was due {milestone.due}", values) == "{project.name} {0.__class__} %s {milestone.name} was due 2026-11-03"
    )
    assert render("{0} {a.__class__} {}", {"a": 1}) == "{0} unknown {}"


def test_a_message_stays_on_one_line_and_short() -> None:
    assert render("{title}", {"title": "a\nb\x00\x1b[31m\u202ec\u200b"}) == "a b[31mc"
    assert len(render("{title}", {"title": "x" * 5000})) == 200


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (1 / 3, "0.3333"),
        (NOW, "2026-11-23 12:00 UTC"),
        (TODAY, "2026-11-23"),
        ("", ""),
    ],
)
def test_values_read_as_a_person_would_write_them(value: Any, text: str) -> None:
    assert render("{value}", {"value": value}) == text


def test_a_manager_without_an_account_is_unknown_and_not_absent() -> None:
    made = by_name(*measure(project(manager_active=None), [], NOW))
    found: Evaluation = evaluate(GOV_002, {}, made, NOW)
    assert (found.result, found.missing) == (Result.UNKNOWN, ("project.manager_active",))
    assert "belongs to no account" in found.message
