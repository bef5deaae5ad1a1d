"""A group of many payloads: how much of it is held at once, and that it is whole all the same. Counted, not timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.sdk.contract import Payload, Ref
from pmo_hub.services import committing
from pmo_hub.store import intake
from pmo_hub.store.repositories import derivation, memberships
from pmo_hub.store.repositories.staging import MOST_BYTES, MOST_PAYLOADS, pack, refs, unpack
from pmo_hub.store.unit_of_work import Work
from pmo_hub_mspdi.simulated_plans import PlanSpec
from tests.services.desk import Desk

PLAN = PlanSpec("Everything", 900, seed=7)
FEW = 100


@pytest.fixture
def desk(work: Work, tmp_path: Path) -> Desk:
    return Desk(work, tmp_path)


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """By what is done: the most payloads or items that it was done with at once, of limits that are made small."""
    found: dict[str, int] = {}
    for module in (derivation, memberships):
        monkeypatch.setattr(module, "AT_A_TIME", FEW)
    monkeypatch.setattr(committing, "GROUP_PAYLOADS", FEW)

    def watched(module: Any, name: str, at: int) -> None:
        done: Callable[..., Any] = getattr(module, name)

        def counted(*arguments: Any) -> Any:
            found[name] = max(found.get(name, 0), len(arguments[at]))
            return done(*arguments)

        monkeypatch.setattr(module, name, counted)

    watched(intake, "take_in", 2)
    watched(derivation, "_derive", 2)
    watched(memberships, "_items", 1)
    return found


def test_a_huge_plan_is_merged_and_derived_from_in_parts(desk: Desk, most: dict[str, int]) -> None:
    run = desk.upload(PLAN)
    assert (run.state, run.error) == ("finished", None)
    items = {row.id for row in desk.rows("work_items")}
    assert len(items) > 1_000
    assert {row.id for row in desk.rows("item_timings")} == items
    assert {row.item_id for row in desk.rows("project_memberships")} == items
    assert most["_derive"] == most["_items"] == FEW
    assert most["take_in"] < FEW + MOST_PAYLOADS
    assert desk.rows("staged_payloads") == []


def test_what_a_huge_plan_lacks_ends_though_no_part_shows_it(desk: Desk, most: dict[str, int]) -> None:
    desk.upload(PLAN)
    run = desk.upload(replace(PLAN, removed=frozenset({4, 500, 900}), renamed={700: "Renamed"}))
    assert run.gone == {"task": 3}
    assert run.changed["task"] >= 1
    assert {row.item_id for row in desk.rows("project_memberships")} == {row.id for row in desk.rows("work_items")}
    assert most["take_in"] < FEW + MOST_PAYLOADS


def payload(number: int, size: int = 10) -> Payload:
    return Payload(Ref("task", str(number)), "p", b"x" * size, context={"plan": "p"}, part_of=Ref("plan", "p"), version="1")


def test_staged_payloads_come_back_as_they_were_in_their_order() -> None:
    many = [payload(n) for n in range(2 * MOST_PAYLOADS + 1)]
    packed = list(pack(many))
    assert [len(unpack(one)) for one in packed] == [MOST_PAYLOADS, MOST_PAYLOADS, 1]
    assert [found for one in packed for found in unpack(one)] == many
    assert [ref for one in packed for ref in refs(one)] == [one.ref for one in many]
    assert list(pack([])) == []


def test_large_payloads_are_staged_apart() -> None:
    packed = list(pack([payload(1, MOST_BYTES // 2), payload(2, MOST_BYTES // 2), payload(3, 2 * MOST_BYTES), payload(4)]))
    assert [[ref.external_id for ref in refs(one)] for one in packed] == [["1", "2"], ["3"], ["4"]]
