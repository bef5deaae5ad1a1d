"""The life of a violation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.governance import Evaluation, Mode, Result
from pmo_hub.domain.violations import Cause, Change, State, ViolationState, acknowledge, close_gone, fingerprint, transition
from tests.domain.estate import NOW

OF = fingerprint("SCH-003", "e" * 32, "m" * 32)
DAY = timedelta(days=1)


def said(result: Result, *, stale: bool = False) -> Evaluation:
    return Evaluation("SCH-003", "m" * 32, result, "said", stale_data=stale)


def step(
    current: ViolationState | None, result: Result, after: timedelta = timedelta(0), *, stale: bool = False, mode: Mode = Mode.ACTIVE
) -> Change | None:
    return transition(current, said(result, stale=stale), NOW + after, Cause.DATA_CHANGE, of=OF, mode=mode)


def changed(current: ViolationState | None, result: Result, after: timedelta = timedelta(0)) -> ViolationState:
    change = step(current, result, after)
    assert change is not None
    return change.after


def test_a_fingerprint_is_frozen_and_its_parts_do_not_run_together() -> None:
    assert fingerprint("GOV-001", "0" * 32) == "ca13dce3bea587b2e978cac3cec744d844e8856a91bd105822e099986da582d8"
    assert len({fingerprint("AB", "C"), fingerprint("A", "BC"), fingerprint("A", "B", "C"), fingerprint("AB", "", "C")}) == 4


def test_a_fail_opens_once_and_stays_open() -> None:
    change = step(None, Result.FAIL)
    assert change is not None
    assert (change.created, change.event, change.after.state, change.after.occurrences) == (True, "violation.opened", State.OPEN, 1)
    assert step(change.after, Result.FAIL, DAY) is None


def test_a_pass_resolves_and_passing_on_changes_nothing() -> None:
    opened = changed(None, Result.FAIL)
    change = step(opened, Result.PASS, DAY)
    assert change is not None
    assert (change.event, change.after.state, change.after.ended_at, change.after.reason) == (
        "violation.resolved",
        State.RESOLVED,
        NOW + DAY,
        "passed",
    )
    assert change.after.opened_at == NOW
    assert step(change.after, Result.PASS, 2 * DAY) is None
    assert step(None, Result.PASS) is None


@pytest.mark.parametrize("result", [Result.UNKNOWN, Result.ERROR])
def test_the_unknown_and_an_error_neither_open_nor_resolve(result: Result) -> None:
    assert step(None, result) is None
    assert step(changed(None, Result.FAIL), result, DAY) is None


def test_a_pass_on_stale_data_resolves_nothing() -> None:
    opened = changed(None, Result.FAIL)
    assert step(opened, Result.PASS, DAY, stale=True) is None
    assert step(None, Result.FAIL, stale=True) is not None


def test_a_relapse_within_ninety_days_reopens_the_same_violation() -> None:
    resolved = changed(changed(None, Result.FAIL), Result.PASS, DAY)
    change = step(resolved, Result.FAIL, DAY + timedelta(days=90))
    assert change is not None
    assert (change.created, change.event) == (False, "violation.reopened")
    assert (change.after.id, change.after.state, change.after.occurrences, change.after.ended_at) == (resolved.id, State.OPEN, 2, None)
    assert change.after.opened_at == NOW


def test_a_later_relapse_is_a_new_violation_that_names_the_old_one() -> None:
    resolved = changed(changed(None, Result.FAIL), Result.PASS, DAY)
    change = step(resolved, Result.FAIL, DAY + timedelta(days=90, microseconds=1))
    assert change is not None
    assert (change.created, change.event) == (True, "violation.opened")
    assert change.after.previous == resolved.id
    assert change.after.id != resolved.id
    assert (change.after.fingerprint, change.after.generation, change.after.occurrences) == (OF, 2, 1)


def test_a_check_that_no_longer_applies_resolves_and_says_so() -> None:
    after = changed(changed(None, Result.FAIL), Result.NOT_APPLICABLE, DAY)
    assert (after.state, after.reason) == (State.RESOLVED, "not_applicable")


def test_an_acknowledgement_lasts_while_the_check_fails_and_not_beyond() -> None:
    opened = changed(None, Result.FAIL)
    change = acknowledge(opened, NOW + DAY)
    assert change is not None
    assert (change.event, change.after.state) == ("violation.acknowledged", State.ACKNOWLEDGED)
    assert step(change.after, Result.FAIL, 2 * DAY) is None
    resolved = changed(change.after, Result.PASS, 3 * DAY)
    assert acknowledge(resolved, NOW) is None
    assert changed(resolved, Result.FAIL, 4 * DAY).state is State.OPEN


def test_a_violation_of_a_vanished_entity_is_closed_and_reopens_with_it() -> None:
    change = close_gone(changed(None, Result.FAIL), NOW + DAY)
    assert change is not None
    assert (change.after.state, change.after.reason) == (State.CLOSED, "entity_gone")
    assert close_gone(change.after, NOW) is None
    assert changed(change.after, Result.FAIL, 2 * DAY).occurrences == 2


def test_evaluate_mode_keeps_the_books_and_tells_nobody() -> None:
    change = step(None, Result.FAIL, mode=Mode.EVALUATE)
    assert change is not None
    assert change.event is None
    assert change.after.state is State.OPEN


def test_a_violation_of_another_fingerprint_is_refused() -> None:
    with pytest.raises(ValueError, match="another fingerprint"):
        transition(changed(None, Result.FAIL), said(Result.FAIL), NOW, Cause.DATA_CHANGE, of=fingerprint("X", "y"))


@given(st.lists(st.tuples(st.sampled_from(Result), st.booleans(), st.integers(0, 60)), max_size=30))
def test_whatever_happens_the_books_stay_right(story: list[tuple[Result, bool, int]]) -> None:
    current: ViolationState | None = None
    now = NOW
    events: list[str] = []
    for result, stale, days in story:
        now += timedelta(days=days)
        change = transition(current, said(result, stale=stale), now, Cause.DATA_CHANGE, of=OF)
        if result is Result.FAIL:
            assert (change or current) is not None
        if result in (Result.UNKNOWN, Result.ERROR) or (result is Result.PASS and stale):
            assert change is None
        if change is not None:
            assert change.event is not None
            events.append(change.event)
            current = change.after
            assert (current.ended_at is None) == (current.state is State.OPEN)
        assert transition(current, said(result, stale=stale), now, Cause.DATA_CHANGE, of=OF) is None
    openings = [event for event in events if event != "violation.resolved"]
    assert events[::2] == openings  # opened or re-opened, then resolved, by turns
    if current is not None:
        assert current.generation == events.count("violation.opened")
