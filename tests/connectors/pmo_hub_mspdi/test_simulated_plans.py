"""Generated plans: the same spec, the same bytes; as long as asked for; as a tool would write them."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_hub_mspdi.simulated_plans import PlanSpec, plan_files, plan_xml, write
from tests.connectors.pmo_hub_mspdi.mpxj_comparison import sorted_out
from tests.connectors.pmo_hub_mspdi.plans import records_of

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_the_same_spec_writes_the_same_bytes() -> None:
    assert sha256(plan_xml(PlanSpec("A", 50))).digest() == sha256(b"".join(write(PlanSpec("A", 50)))).digest()
    assert plan_xml(PlanSpec("A", 50)) != plan_xml(PlanSpec("A", 50, seed=2))
    assert plan_files(7, "small", NOW) == plan_files(7, "small", NOW)
    assert len(plan_files(7, "medium", NOW)) == 6


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 90), st.integers(0, 1_000))
def test_a_plan_of_any_length_is_whole(tasks: int, seed: int) -> None:
    ours = sorted_out(records_of(plan_xml(PlanSpec("Any", tasks, seed))))
    leaves = [one for one in ours.items.values() if one.counts]
    assert len(leaves) == tasks
    assert set(ours.baselines) == set(ours.items) == set(ours.schedules) == set(ours.earned)
    for successor, links in ours.links.items():
        for predecessor, link in links.items():
            assert predecessor in ours.items
            if link.dependency_type.value == "FS":
                before, after = ours.schedules[predecessor], ours.schedules[successor]
                assert before.finishes_at is not None
                assert after.starts_at is not None
                assert before.finishes_at <= after.starts_at.replace(hour=23)
    days = [one.first for exceptions in ours.exceptions.values() for one in exceptions]
    assert len(days) == 5
