"""Fetched against expected: said by partition and kind, and a violation as long as the hub holds fewer than the source counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pmo_hub.sdk.contract import Listing, Mode, Page, Partition, Payload, Ref, Source
from pmo_hub.services import connections, runs, scopes
from pmo_hub.services.completeness import MOST_PARTS, Part, Tally, is_short
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import FakeSite
from tests.sdk.fake_source import DeltaConnector, GroupConnector, GroupSource, Wire
from tests.services.connected import CONNECTION, Connected


class CountingSource(GroupSource):
    """Says how many tasks a project has, reads them page by page without a group, and loses those that a test says."""

    lost: ClassVar[set[str]] = set()
    twice: ClassVar[bool] = False
    counted: ClassVar[dict[str, int]] = {}
    garbled: ClassVar[set[str]] = set()

    def plan(self, project: str, stated: bool) -> Iterator[Page]:
        rows = [row for row in self.wire.site.tables["task"].values() if row["project"] == project]
        there = [row for row in rows if row["id"] not in self.lost]
        payloads, rejected = self.split("task", [{k: v for k, v in r.items() if k != "v" or r["id"] not in self.garbled} for r in there])
        expected = {"task": self.counted.get(project, len(rows))}
        for _ in range(2 if self.twice else 1):
            yield Page(payloads, rejected=rejected, expected=expected)
        if stated:
            yield Page(state={f"{project}/marker": self.wire.get(f"plan/{project}", after="")["marker"]})

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        rows = [self.wire.site.tables["task"].get(ref.external_id) for ref in refs]
        payloads, rejected = self.split("task", [row for row in rows if row is not None and row["id"] not in self.lost])
        yield Page(payloads, rejected=rejected)

    def census(self, scopes: Any) -> Iterator[Listing]:
        for scope in scopes:
            ids = [row["id"] for row in self.wire.site.tables["task"].values() if row["project"] == scope]
            yield Listing("task", (scope,), ids, last=True)


class CountingConnector(GroupConnector):
    census_kinds = ("task",)

    def source(self, wire: Wire) -> Source:
        return CountingSource(wire)


def site(*sizes: int) -> FakeSite:
    made = FakeSite(page_size=1_000)
    for place, size in enumerate(sizes, 1):
        made.put("project", f"P{place}", name=f"Project {place}", code=f"C{place}")
        for n in range(size):
            made.put_task(f"P{place}-T{n:03d}", f"P{place}")
    return made


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    CountingSource.lost, CountingSource.twice, CountingSource.counted, CountingSource.garbled = set(), False, {}, set()
    return Connected(work, tmp_path, CountingConnector(site(60, 30)), scopes=("P1", "P2"))


def parts(hub: Connected, run: Run) -> dict[tuple[str | None, str], dict[str, Any]]:
    return {(part["scope"], part["kind"]): dict(part) for part in runs.parts(hub.hub, run.id)}


def violation(hub: Connected) -> tuple[str, str] | None:
    """State and evidence of the connection's violation of DQ-002."""
    found = [row for row in hub.rows("violations") if row.check_id == "DQ-002"]
    return None if not found else (found[0].state, " ".join(str(one.get("note")) for one in found[0].evidence))


def queued(hub: Connected) -> list[str]:
    return [run.mode for run in hub.rows("sync_runs") if run.state == "queued"]


@pytest.mark.parametrize(
    ("lacking", "expected", "short"),
    [(0, 0, False), (2, 10, False), (3, 10, True), (5, 1_000, False), (6, 1_000, True), (-7, 10, False)],
)
def test_what_an_approximate_count_can_be_wrong_by_is_no_shortfall(lacking: int, expected: int, short: bool) -> None:
    assert is_short(lacking, expected) is short


def test_a_full_read_says_by_scope_and_kind_what_came_of_what_was_expected(hub: Connected) -> None:
    run = hub.sync("full")
    found = parts(hub, run)
    assert {key: (part["fetched"], part["expected"], part["lacking"]) for key, part in found.items()} == {
        ("P1", "task"): (60, 60, 0), ("P2", "task"): (30, 30, 0),
    }  # fmt: skip
    assert {part["mode"] for part in found.values()} == {"full"}
    assert violation(hub) is None


def test_a_census_says_by_scope_what_was_listed_of_what_is_held(hub: Connected) -> None:
    hub.sync("full")
    del hub.site.tables["task"]["P1-T007"]
    found = parts(hub, hub.sync("census"))
    assert {(key, part["fetched"], part["expected"], part["missing"]) for key, part in found.items() if part["expected"] is not None} == {
        (("P1", "task"), 59, 60, 1), (("P2", "task"), 30, 30, 0),
    }  # fmt: skip


def test_a_shortfall_is_a_violation_until_a_whole_read_finds_all_of_it(hub: Connected) -> None:
    hub.sync("full")
    CountingSource.counted = {"P1": 64}
    run = hub.sync("full")
    assert run.state == "finished"
    assert parts(hub, run)["P1", "task"]["lacking"] == 4
    state, note = violation(hub) or ("", "")
    assert state == "open"
    assert "4 of 64 task objects of Project 1" in note
    # What a poll of nothing says doesn't take it back.
    hub.sync()
    assert (violation(hub) or ("",))[0] == "open"
    CountingSource.counted = {}
    hub.sync("full")
    assert (violation(hub) or ("",))[0] == "resolved"
    assert hub.rows("shortfalls") == []


def test_a_shortfall_brings_a_census_which_asks_for_what_is_lacking(hub: Connected) -> None:
    CountingSource.lost = {f"P1-T{n:03d}" for n in range(5)}
    hub.sync("full")
    assert (violation(hub) or ("",))[0] == "open"
    assert queued(hub) == ["census"]
    CountingSource.lost = set()
    run = hub.sync("census")
    assert run.state == "finished"
    assert {f"P1-T{n:03d}" for n in range(5)} <= hub.items().keys()
    assert (violation(hub) or ("",))[0] == "resolved"


def test_what_a_source_lists_and_never_hands_out_stays_a_shortfall(hub: Connected) -> None:
    CountingSource.lost = {f"P2-T{n:03d}" for n in range(5)}
    CountingSource.counted = {"P2": 25}
    hub.sync("full")
    assert violation(hub) is None
    found = runs.parts(hub.hub, hub.sync("census").id)
    assert [part["lacking"] for part in found if part["lacking"]] == [5]
    assert (violation(hub) or ("",))[0] == "open"
    (short,) = hub.rows("shortfalls")
    assert (short.expected, short.lacking, short.mode) == (30, 5, "census")


def test_what_is_listed_twice_does_not_hide_what_is_lacking(hub: Connected) -> None:
    CountingSource.lost = {f"P1-T{n:03d}" for n in range(5)}
    CountingSource.twice = True
    found = parts(hub, hub.sync("full"))
    assert (found["P1", "task"]["fetched"], found["P1", "task"]["lacking"]) == (110, 5)
    assert found["P2", "task"]["lacking"] == 0


def test_what_could_not_be_read_is_quarantined_and_not_lacking(hub: Connected) -> None:
    CountingSource.garbled = {f"P1-T{n:03d}" for n in range(5)}
    found = parts(hub, hub.sync("full"))["P1", "task"]
    assert (found["fetched"], found["quarantined"], found["lacking"]) == (55, 5, 0)
    assert len(hub.quarantined()) == 5


def test_a_scope_that_is_dropped_takes_its_shortfall_along(hub: Connected) -> None:
    CountingSource.counted = {"P1": 70}
    hub.sync("full")
    scopes.choose(hub.hub, CONNECTION, ["P2"], "test", "keep")
    assert hub.rows("shortfalls") == []


def test_a_run_that_failed_says_what_had_come_by_then(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    original = CountingSource.plan

    def broken(self: CountingSource, project: str, stated: bool) -> Iterator[Page]:
        yield from original(self, project, False)
        raise RuntimeError("a bug")

    monkeypatch.setattr(CountingSource, "plan", broken)
    run = hub.sync("full")
    assert run.state == "failed"
    assert sum(part["fetched"] for part in runs.parts(hub.hub, run.id)) > 0


def test_a_run_keeps_a_bounded_number_of_parts_what_falls_short_first() -> None:
    tally = Tally()
    for n in range(MOST_PARTS + 100):
        tally.note(Partition(f"P{n}", (f"P{n}",), {}, Mode.FULL), Page([Payload(Ref("task", "1"), f"P{n}", b"")], expected={"task": 1}))
    tally.count(Part("last", "full", "last", 1, "task", fetched=0, expected=9, lacking=9))
    told = tally.told()
    assert len(told) == MOST_PARTS + 1
    assert told[0]["partition"] == "last"
    assert (told[-1]["partition"], told[-1]["fetched"], told[-1]["scopes"]) == ("others", 101, 101)


# Each kind of run has a verdict of its own.


def test_a_good_poll_does_not_take_back_what_a_census_said(work: Work, tmp_path: Path) -> None:
    hub = Connected(work, tmp_path, DeltaConnector(), scopes=("P1",))
    for n in range(60):
        hub.site.put_task(f"X{n:03d}", "P1")
    hub.sync()
    for n in range(60):
        del hub.site.tables["task"][f"X{n:03d}"]
    held = hub.sync("census")
    assert held.state == "held"
    for _ in range(2):
        assert hub.sync().state == "finished"
        shown = connections.get(hub.hub, CONNECTION)
        assert (shown.state, shown.last_error) == ("active", held.error)
        assert (violation(hub) or ("",))[0] == "open"
    told = [(row.type, row.data.get("mode")) for row in hub.rows("events") if row.type.startswith("sync.") and row.type != "sync.finished"]
    assert told == [("sync.failed", "census")]
    assert hub.sync("accepting_census").state == "finished"
    assert connections.get(hub.hub, CONNECTION).last_error is None
    assert (violation(hub) or ("",))[0] == "resolved"
    told = [(row.type, row.data.get("mode")) for row in hub.rows("events") if row.type in ("sync.failed", "sync.recovered")]
    assert sorted(told) == [("sync.failed", "census"), ("sync.recovered", "accepting_census")]


def test_a_read_that_was_held_has_failed_until_one_goes_through(work: Work, tmp_path: Path) -> None:
    hub = Connected(work, tmp_path, GroupConnector(site(60)), scopes=("P1",))
    hub.sync()
    for n in range(30):
        hub.site.remove("task", f"P1-T{n:03d}")
    assert hub.sync().state == "held"
    assert (hub.stored().failures, hub.stored().last_error is not None) == (1, True)
    assert (violation(hub) or ("",))[0] == "open"
