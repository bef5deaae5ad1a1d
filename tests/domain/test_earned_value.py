"""Earned value against the published examples (domain-standards C1), and what is unknown stays unknown."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from pmo_hub.domain.earned_value import Amounts, performance, total

_LONG = {"planned_value": "pv", "earned_value": "ev", "actual_cost": "ac", "schedule_variance": "sv", "cost_variance": "cv",
         "cost_performance_index": "cpi"}  # fmt: skip
"""One of the examples spells names out."""


def amounts(**given: float) -> Amounts:
    return Amounts(**{name: Decimal(str(value)) for name, value in given.items()})


EVM_1 = amounts(budget_at_completion=1000, planned_value=500, earned_value=400, actual_cost=500)
EVM_2 = amounts(budget_at_completion=250_000, planned_value=120_000, earned_value=110_000, actual_cost=100_000)
EVM_3 = amounts(budget_at_completion=1000, planned_value=900, earned_value=800, actual_cost=1000)


def test_first_example() -> None:
    found = performance(EVM_1)
    assert (found.cost_variance, found.schedule_variance) == (Decimal(-100), Decimal(-100))
    assert (found.cpi, found.spi) == (0.8, 0.8)
    assert found.estimates == pytest.approx((1250, 1100, 1437.5))
    assert found.to_complete == pytest.approx(1.2)
    with_estimate = performance(amounts(budget_at_completion=1000, estimate_at_completion=1250))
    assert (with_estimate.variance_at_completion, with_estimate.variance_at_completion_share) == (Decimal(-250), -0.25)


def test_second_example() -> None:
    found = performance(EVM_2)
    assert found.cpi == pytest.approx(1.1)
    assert found.spi == pytest.approx(0.9167, abs=5e-5)
    assert found.estimates == pytest.approx((227_272.73, 240_000, 238_842.98), abs=0.005)
    assert found.to_complete == pytest.approx(0.9333, abs=5e-5)


def test_a_spent_budget_has_no_index_to_complete_with() -> None:
    assert performance(EVM_3).to_complete is None


@pytest.mark.parametrize("zero", ["planned_value", "actual_cost"])
def test_nothing_is_divided_by_zero(zero: str) -> None:
    found = performance(amounts(**{"planned_value": 1, "actual_cost": 1, "earned_value": 0, "budget_at_completion": 0, zero: 0}))
    assert (found.spi if zero == "planned_value" else found.cpi) is None
    assert (found.cpi if zero == "planned_value" else found.spi) == 0.0
    assert found.variance_at_completion_share is None


def test_of_nothing_nothing_is_known() -> None:
    found = performance(Amounts())
    assert {found.cost_variance, found.cpi, found.spi, found.variance_at_completion, found.to_complete, *found.estimates} == {None}


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert total([EVM_1, EVM_1]).earned_value == 800
    assert total([EVM_1, amounts(planned_value=1)]) == amounts(planned_value=501)
    assert total([]) == Amounts()


def test_worked_examples_of_third_parties_come_out_the_same(shared_folder: Path) -> None:
    told = json.loads((shared_folder / "data/msproject/evm/evm_worked_examples.json").read_text(encoding="utf-8"))
    compared = 0
    for case in told["cases"]:
        said = {_LONG.get(name, name): value for name, value in case["expected"].items()}
        budget = case.get("bac") or said.get("bac") or case["budget_at_completion"]
        found = performance(amounts(budget_at_completion=budget, planned_value=said["pv"], earned_value=said["ev"], actual_cost=said["ac"]))
        ours: dict[str, Decimal | float | None] = {
            "cv": found.cost_variance, "sv": found.schedule_variance, "cpi": found.cpi, "spi": found.spi,
            "eac_cpi": found.estimates[0], "eac_ac_plus_bac_minus_ev": found.estimates[1],
        }  # fmt: skip
        for name in ours.keys() & said.keys():
            assert float(ours[name] or 0) == pytest.approx(said[name], rel=0.005), f"{case.get('origin')}: {name}"
            compared += 1
    assert compared >= 13
