"""Work and cost by day from ProjectData: only where they are asked for, unknown where nothing is told, refused like the other reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from pmo_hub.domain.records import PlanValue, TimePhased, WorkItem
from pmo_hub.domain.time_phased import MOST_DAYS, total
from pmo_hub.domain.vocabulary import Phased
from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.errors import RecordError
from pmo_hub.sdk.testing import MemoryHost
from pmo_hub_msproject import time_phased
from pmo_hub_msproject.connector import MsProjectConnector
from pmo_hub_msproject.simulated_organisation import generate
from pmo_hub_msproject.simulator import Simulator, serve
from tests.connectors.pmo_hub_msproject.lending import START, asked, opened, synced
from tests.connectors.pmo_hub_msproject.payloads import PROJECT, TASK, mapped

ITEM = f"{PROJECT}/{TASK}"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serve(generate(7, 2, START, tasks=12), page_size=50) as served:
        yield served


def days(host: MemoryHost) -> dict[str, TimePhased]:
    return {r.external_id: r for r in host.owned().values() if isinstance(r, TimePhased)}


def refs(host: MemoryHost) -> set[str]:
    return {f"{ref.kind} {ref.external_id}" for ref in host.held if ref.kind in time_phased.BY_DAY}


def notices(simulator: Simulator, host: MemoryHost) -> str:
    told: list[str] = []
    with opened(simulator, time_phased=True) as source:
        for partition, page in host.pages(source, Mode.INCREMENTAL):
            host.apply(source, partition, page)
            told += page.notices
    return " ".join(told)


def test_days_are_read_only_where_they_are_asked_for(simulator: Simulator) -> None:
    host = synced(simulator)
    assert not days(host)
    assert not asked(simulator, "Timephased")
    synced(simulator, host, time_phased=True)
    assert days(host)
    assert not asked(simulator, "ProjectServer/Projects('"), "switching it on reads the two sets and no plan again"
    with opened(simulator, time_phased=True) as source:
        assert not host.sync(source).changed


def test_the_days_of_a_task_add_up_to_its_hours_and_costs(simulator: Simulator) -> None:
    host = synced(simulator, time_phased=True)
    items = {r.external_id: r for r in host.owned().values() if isinstance(r, WorkItem)}
    found = {id: one for id, one in days(host).items() if one.item in items and items[one.item].counts}
    planned = [one for one in found.values() if one.kind is Phased.PLANNED]
    assert planned
    for one in planned:
        item, actual = items[one.item], found[f"{one.item}/actual"]
        assert one.work is not None
        assert actual.work is not None
        assert float(total(one.work)) == pytest.approx(item.work_hours)
        assert float(total(actual.work)) == pytest.approx(item.spent_hours)
        assert one.work[0][0] == item.planned_start
    assert {one.number for one in found.values() if one.kind is Phased.BASELINE} == {0, 1}


def test_next_links_are_followed_to_the_end(simulator: Simulator) -> None:
    whole = days(synced(simulator, time_phased=True))
    simulator.page_size = 7
    assert days(synced(simulator, time_phased=True)) == whole


def test_a_site_that_keeps_no_such_data_is_unknown_and_not_zero(simulator: Simulator) -> None:
    simulator.keeps_days = False
    host = synced(simulator, time_phased=True)
    assert not days(host)
    with opened(simulator, time_phased=True) as source:
        assert not host.sync(source).changed, "an empty set was read as well"


def test_a_refused_set_is_told_and_what_was_read_of_it_stays(simulator: Simulator) -> None:
    host = synced(simulator, time_phased=True)
    held = refs(host)
    simulator.refused_sets = {"TaskTimephasedDataSet"}
    simulator.mutate("edit", simulator.projects[0], Name="Renamed")
    assert "does not let this account read TaskTimephasedDataSet (403)" in notices(simulator, host)
    assert held == refs(host)


def test_days_follow_the_publication_that_changed_them(simulator: Simulator) -> None:
    host = synced(simulator, time_phased=True)
    task = simulator.mutate("edit", simulator.projects[0], Work=80.0, ActualWork=0.0)
    synced(simulator, host, time_phased=True)
    found = days(host)[f"{simulator.projects[0]}/{task}/planned"]
    assert found.work is not None
    assert total(found.work) == 80


def test_a_publication_in_the_middle_of_the_days_is_read_at_the_next_poll(simulator: Simulator) -> None:
    project = simulator.projects[0]
    simulator.interrupt("TaskBaselineTimephasedDataSet", lambda: simulator.mutate("remove", project))
    host = synced(simulator, time_phased=True)
    synced(simulator, host, time_phased=True)
    whole = MemoryHost(MsProjectConnector(), simulator.projects)
    synced(simulator, whole, time_phased=True)
    assert host.owned() == whole.owned()


def test_more_rows_than_are_held_are_left_out_and_told(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    host = synced(simulator, time_phased=True)
    held = refs(host)
    simulator.mutate("edit", simulator.projects[0], Name="Renamed")
    monkeypatch.setattr(time_phased, "MOST_ROWS", 3)
    assert "TaskTimephasedDataSet holds more than 3 rows of one project" in notices(simulator, host)
    assert held == refs(host)
    assert not notices(simulator, host), "told once for a publication"


def one(kind: str, *rows: list[object]) -> dict[str, TimePhased]:
    return {r.external_id.removeprefix(f"{ITEM}/"): r for r in mapped(kind, list(rows), ITEM).owned if isinstance(r, TimePhased)}


def test_amounts_are_texts_or_numbers_and_a_day_that_comes_twice_counts_once() -> None:
    row = ["2026-06-01", "8.000000", 2, "720.5", "180.125"]
    found = one("days", row, row, ["2026-06-02", 8.0, "0.000000", "720.500000", "0"])
    assert found["planned"].work == ((date(2026, 6, 1), 2, Decimal(8)),)
    assert found["planned"].cost == ((date(2026, 6, 1), 2, Decimal("720.5")),)
    assert found["actual"].work == ((date(2026, 6, 1), 1, Decimal(2)),)
    assert found["actual"].cost == ((date(2026, 6, 1), 1, Decimal("180.125")),)


def test_a_day_without_an_amount_makes_the_series_unknown() -> None:
    found = one("days", ["2026-06-01", None, "1", "10", "2014-01-01T00:00:00"], ["2026-06-02", "8", "1", "10", "0"])
    assert (found["planned"].work, found["actual"].cost) == (None, None)
    assert (found["planned"].cost, found["actual"].work) == (
        ((date(2026, 6, 1), 2, Decimal(10)),), ((date(2026, 6, 1), 2, Decimal(1)),),
    )  # fmt: skip


def test_a_task_of_which_nothing_but_zeroes_is_told_is_known_to_be_zero() -> None:
    assert {(r.work, r.cost) for r in one("days").values()} == {((), ())}


def test_baselines_are_told_apart_and_others_than_0_to_10_are_none() -> None:
    found = one("baseline_days", ["2026-06-01", 0, "8", "80"], ["2026-06-01", 10, "4", "40"], ["2026-06-01", 11, "1", "1"])
    assert found.keys() == {"baseline/0", "baseline/10"}
    assert found["baseline/10"].work == ((date(2026, 6, 1), 1, Decimal(4)),)


@pytest.mark.parametrize("body", [b'[["soon","8","8","8","8"]]', b'[["2026-06-01","8"]]', b"[[1]]", b'[["2026-06-01"'])
def test_rows_that_are_none_are_refused(body: bytes) -> None:
    with pytest.raises(RecordError):
        mapped("days", body, ITEM)


def test_series_that_are_too_long_are_told_by_the_store_not_cut() -> None:
    found = one("days", ["1990-01-01", "1", "0", "0", "0"], ["2026-06-02", "8", "1", "10", "0"])["planned"].work
    assert found is not None
    assert (found[-1][0] - found[0][0]).days > MOST_DAYS


def test_a_projects_own_fields_are_the_plans(simulator: Simulator) -> None:
    values = {(r.plan, r.name): r for r in synced(simulator).owned().values() if isinstance(r, PlanValue)}
    first, second = simulator.projects
    assert (values[first, "Department"].text, values[second, "Department"].text) == ("Operations", "Finance")
    assert values[first, "Approved budget"].number == 130_000.0, "amounts of custom fields are hundredths"


def test_a_site_that_can_not_select_projects_own_fields_is_asked_for_every_property(simulator: Simulator) -> None:
    simulator.selects_customs = False
    host = synced(simulator)
    assert any(isinstance(r, WorkItem) for r in host.owned().values())
