"""The built-in checks keep their own examples, and the library is whole."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pmo_hub.domain.checks import BEYOND, BUILT_IN, CHECKS, WAITING
from pmo_hub.domain.governance import Check, CheckTest, Result, compile_check, evaluate, resolve_parameters
from tests.domain.estate import NOW, by_name, fact

EXAMPLES = [
    pytest.param(check, test, id=f"{check.id}-{number}-{test.expect}") for check in BUILT_IN for number, test in enumerate(check.tests)
]
SHARED = Path(os.environ.get("PMO_HUB_SHARED", Path(__file__).parents[3] / "shared"))


@pytest.mark.parametrize(("check", "test"), EXAMPLES)
def test_a_check_keeps_its_own_examples(check: Check, test: CheckTest) -> None:
    facts = by_name(*(fact(name, value) for name, value in test.given))
    found = evaluate(check, resolve_parameters(check, test.parameters), facts, test.now or NOW)
    assert found.result is test.expect, found


@pytest.mark.parametrize("check", BUILT_IN, ids=lambda check: check.id)
def test_every_check_compiles_and_shows_a_fail_a_pass_and_an_unknown(check: Check) -> None:
    compile_check(check)
    assert {Result.FAIL, Result.PASS, Result.UNKNOWN} <= {test.expect for test in check.tests}
    assert check.remediation
    assert check.evidence
    assert check.message


@pytest.mark.parametrize("check", BUILT_IN, ids=lambda check: check.id)
def test_a_failing_message_gives_values_and_no_placeholder(check: Check) -> None:
    test = next(test for test in check.tests if test.expect is Result.FAIL)
    found = evaluate(check, resolve_parameters(check, test.parameters), by_name(*(fact(name, value) for name, value in test.given)), NOW)
    assert "{" not in found.message
    assert found.leaves


def test_there_are_eleven_and_their_ids_are_their_own() -> None:
    assert len(BUILT_IN) == len(CHECKS) == 11


def test_built_in_and_waiting_checks_are_the_whole_library() -> None:
    page = SHARED / "reference" / "governance.md"
    if not page.exists():
        pytest.skip(f"{page} is not there")
    library = re.findall(r"^\|([A-Z]{2,3}-\d{3})\|", page.read_text(encoding="utf-8"), re.MULTILINE)
    waiting = [check_id for ids in WAITING.values() for check_id in ids]
    assert sorted([*CHECKS, *waiting]) == sorted([*library, *BEYOND])
