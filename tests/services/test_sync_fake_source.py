"""The real host against a source that is nothing like Jira: deltas by table, projects refreshed as a whole, uploaded files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.sdk.contract import Gone, Mode, Page, Partition, Reason, Ref, Source, State
from pmo_hub.sdk.errors import ConfigError, ScopeError
from pmo_hub.sdk.testing import Fault
from pmo_hub.services import removal, scheduling, scopes
from pmo_hub.services.running import SyncRun
from pmo_hub.store.placing import Basis, Origin
from pmo_hub.store.repositories import syncing
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import FakeSite
from tests.sdk.fake_source import DeltaConnector, DeltaSource, FakeConnector, GroupConnector, UploadConnector, Wire
from tests.services.connected import CONNECTION, Connected
from tests.uncollected import left_of

Make = Callable[..., Connected]


@pytest.fixture
def make(work: Work, tmp_path: Path) -> Make:
    """Makes a hub that is connected to a sample site."""

    def connected(connector: type[FakeConnector] = DeltaConnector, site: FakeSite | None = None, **options: Any) -> Connected:
        return Connected(work, tmp_path, connector(site or FakeSite.sample()), **options)

    return connected


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is committed after a page or two."""
    monkeypatch.setattr("pmo_hub.host.reader.BATCH_PAYLOADS", 1)


def big(count: int) -> FakeSite:
    """One project with so many tasks."""
    site = FakeSite(page_size=50)
    site.put("project", "P1", name="Big", code="BIG")
    for n in range(count):
        site.put_task(f"T{n:03d}", "P1")
    return site


# A first sync, and what comes after it.


@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
def test_a_first_sync_brings_everything(make: Make, connector: type[FakeConnector]) -> None:
    hub = make(connector)
    run = hub.sync()
    assert (run.state, run.error) == ("finished", None)
    hub.assert_as(hub.model())
    assert run.fetched["task"] == run.changed["task"] == 16


def test_an_edit_supersedes_one_row_and_one_payload(make: Make) -> None:
    hub = make()
    hub.sync()
    hub.site.put("task", "P1-T2", title="Renamed")
    run = hub.sync()
    assert run.changed == {"task": 1}
    assert hub.items()["P1-T2"].title == "Renamed"
    assert [r.title for r in hub.rows("work_items_history")] == ["Task P1-T2"]
    assert len(hub.rows("payloads_history")) == 1
    hub.assert_as(hub.model())


@pytest.mark.parametrize("mode", ["incremental", "full"])
@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
def test_reading_what_has_not_changed_writes_no_row(make: Make, connector: type[FakeConnector], mode: str) -> None:
    hub = make(connector)
    hub.sync()
    hub.sync(mode)
    before, state = hub.written(), hub.state()
    run = hub.sync(mode)
    assert run.state == "finished"
    assert not any(run.changed.values())
    assert hub.written() == before
    assert hub.state() == state


def test_many_small_batches_end_as_one_big_one(make: Make, small_batches: None) -> None:
    hub = make()
    hub.sync()
    hub.assert_as(hub.model())


def test_nothing_of_a_run_waits_for_the_collector(make: Make) -> None:
    hub = make()
    hub.sync()
    assert left_of(hub.sync, SyncRun, Origin, Basis) == []


# What is gone.


def test_a_deletion_that_a_delta_states_acts_at_once(make: Make) -> None:
    hub = make()
    hub.sync()
    hub.site.remove("task", "P1-T2")
    run = hub.sync()
    assert run.gone == {"task": 1}
    assert hub.tombstones() == {"P1-T2": "deleted"}
    hub.assert_as(hub.model())


def test_a_part_goes_with_what_it_is_part_of(make: Make) -> None:
    hub = make()
    hub.sync()
    del hub.site.tables["step"]["P1-S1"], hub.site.tables["note"]["P1-N1"], hub.site.tables["note"]["P1-N2"]
    hub.site.remove("task", "P1-T1")
    run = hub.sync()
    assert run.gone == {"task": 1, "step": 1, "note": 2}
    assert {"P1-T1", "P1-S1", "P1-N1", "P1-N2"} == hub.tombstones().keys()


def test_what_was_deleted_and_comes_back_keeps_its_identity(make: Make) -> None:
    hub = make()
    hub.sync()
    before = hub.items()["P1-T2"].id
    row = dict(hub.site.tables["task"]["P1-T2"])
    hub.site.remove("task", "P1-T2")
    hub.sync()
    hub.site.put("task", "P1-T2", **{k: v for k, v in row.items() if k not in ("id", "v")})
    hub.sync()
    assert hub.items()["P1-T2"].id == before
    assert "P1-T2" not in hub.tombstones()
    hub.assert_as(hub.model())


def test_a_link_lives_while_either_end_tells_it(make: Make) -> None:
    hub = make()
    hub.sync()
    told = "P1-T3>P2-T2"
    hub.site.unblock("P1-T3", "P2-T2", told_by="P1-T3")
    hub.sync()
    assert told in {r.external_id for r in hub.rows("dependencies")}
    hub.site.unblock("P1-T3", "P2-T2", told_by="P2-T2")
    hub.sync()
    assert told not in {r.external_id for r in hub.rows("dependencies")}
    assert hub.tombstones()[told] == "replaced"


# Moves.


def test_what_moves_to_a_scope_that_nobody_chose_ends_as_moved(make: Make) -> None:
    hub = make(scopes=("P1", "P2"))
    hub.sync()
    hub.site.put("task", "P1-T1", project="P3")
    hub.sync()
    assert hub.tombstones() == dict.fromkeys(("P1-T1", "P1-S1", "P1-N1", "P1-N2"), "moved")
    hub.assert_as(hub.model())


@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
def test_what_moves_between_chosen_scopes_keeps_its_identity_and_takes_its_parts_along(make: Make, connector: type[FakeConnector]) -> None:
    hub = make(connector)
    hub.sync()
    before = {i: r.id for i, r in hub.items().items()}
    hub.site.put("task", "P1-T1", project="P3")
    hub.sync()
    assert hub.items().keys() == before.keys()
    assert {i: r.id for i, r in hub.items().items()} == before
    assert hub.scope_of("P1-T1") == "P3"
    assert hub.scope_of("P1-S1") == "P3"
    parts = [Ref("task", "P1-T1"), Ref("step", "P1-S1"), Ref("note", "P1-N1"), Ref("note", "P1-N2")]
    assert len({hub.payloads()[ref].scope_id for ref in parts}) == 1
    hub.assert_as(hub.model())


# Versions, quarantine, references.


def test_an_older_version_never_replaces_a_newer_one(make: Make) -> None:
    hub = make()
    hub.sync()
    hub.site.tables["task"]["P1-T2"].update(v=0, title="From an old replica")
    run = hub.sync("full")
    assert run.fetched["task"] == 16
    assert hub.items()["P1-T2"].title == "Task P1-T2"


@pytest.mark.parametrize("spoil", [FakeSite.garble, FakeSite.spoil])
@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
def test_what_cannot_be_read_is_quarantined_and_healed_by_the_next_run(
    make: Make, connector: type[FakeConnector], spoil: Callable[[FakeSite, Ref], None]
) -> None:
    hub = make(connector)
    bad = Ref("task", "P1-T2")
    spoil(hub.site, bad)
    run = hub.sync()
    assert (run.state, run.quarantined) == ("finished", 1)
    assert list(hub.quarantined()) == ["P1-T2"]
    assert "P1-T2" not in hub.items()
    assert "P1-T3" in hub.items()
    hub.site.mend(bad)
    hub.sync()
    assert hub.quarantined() == {}
    hub.assert_as(hub.model())


@pytest.mark.parametrize("spoil", [FakeSite.garble, FakeSite.spoil])
@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
def test_what_was_read_before_stays_while_its_new_version_cannot_be_read(
    make: Make, connector: type[FakeConnector], spoil: Callable[[FakeSite, Ref], None]
) -> None:
    hub = make(connector)
    hub.sync()
    spoil(hub.site, Ref("task", "P1-T2"))
    run = hub.sync()
    assert run.quarantined >= 1
    assert hub.items()["P1-T2"].title == "Task P1-T2"
    assert hub.tombstones() == {}


def test_what_is_as_it_was_before_leaves_the_quarantine(make: Make) -> None:
    hub = make()
    hub.sync()
    before = dict(hub.site.tables["task"]["P1-T2"])
    bad = Ref("task", "P1-T2")
    hub.site.garble(bad)
    hub.sync()
    hub.site.mend(bad)
    hub.site.tables["task"]["P1-T2"] = before
    hub.sync()
    assert hub.quarantined() == {}


@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
def test_what_is_gone_leaves_the_quarantine(make: Make, connector: type[FakeConnector]) -> None:
    hub = make(connector)
    bad = Ref("task", "P1-T2")
    hub.site.garble(bad)
    hub.sync()
    hub.site.remove("task", "P1-T2")
    hub.sync()
    assert hub.quarantined() == {}


def test_a_changed_dictionary_maps_again_what_is_stored_and_reads_nothing(make: Make) -> None:
    hub = make()
    hub.sync()
    hub.site.rename_state("3", "Done and dusted", "done")
    hub.now += timedelta(hours=7)
    hub.site.asked.clear()
    hub.sync()
    assert {r.original_status for r in hub.items().values() if r.original_status_id == "3"} == {"Done and dusted"}
    assert not [path for path in hub.site.asked if path.startswith(("rows", "parts"))]


# Groups.


def test_what_has_vanished_from_a_group_ends(make: Make) -> None:
    hub = make(GroupConnector)
    hub.sync()
    hub.site.remove("task", "P1-T1")
    run = hub.sync()
    assert run.fetched.keys() <= {"task", "link", "step", "note"}
    assert hub.tombstones() == dict.fromkeys(("P1-T1", "P1-S1", "P1-N1", "P1-N2"), "deleted")
    hub.assert_as(hub.model())


@pytest.mark.parametrize(("held", "vanish", "is_braked"), [(60, 20, False), (60, 21, True), (300, 30, False), (300, 31, True)])
def test_a_group_that_loses_too_much_waits_for_an_admin(make: Make, held: int, vanish: int, is_braked: bool) -> None:
    hub = make(GroupConnector, big(held), scopes=("P1",))
    hub.sync()
    before = hub.written()
    for n in range(vanish):
        hub.site.remove("task", f"T{n:03d}")
    run = hub.sync()
    assert run.state == ("held" if is_braked else "finished")
    assert len(hub.items()) == (held if is_braked else held - vanish)
    if is_braked:
        assert str(vanish) in (run.error or "")
        for table in ("work_items", "payloads", "tombstones"):
            assert hub.written()[table] == before[table]
        assert hub.sync().state == "held"


def test_a_braked_group_does_not_hold_up_the_others(make: Make) -> None:
    site = big(60)
    site.put("project", "P2", name="P2", code="P2")
    site.put_task("P2-T1", "P2")
    hub = make(GroupConnector, site, scopes=("P1", "P2"))
    hub.sync()
    for n in range(30):
        site.remove("task", f"T{n:03d}")
    site.put("task", "P2-T1", title="Renamed")
    run = hub.sync()
    assert run.state == "held"
    assert hub.items()["P2-T1"].title == "Renamed"
    assert len(hub.items()) == 61


def test_a_group_that_broke_off_is_not_seen_and_is_read_again(make: Make, small_batches: None) -> None:
    hub = make(GroupConnector, scopes=("P1",))
    hub.sync()
    before = hub.written()["work_items"]
    hub.site.remove("task", "P1-T7")
    hub.site.put("task", "P1-T1", title="Renamed")
    with hub.site.failing(Fault.UNAVAILABLE, after=5):
        run = hub.sync(attempt=1)
    assert run.state == "waiting"
    assert hub.rows("staged_payloads")
    assert hub.written()["work_items"] == before
    hub.sync()
    assert hub.rows("staged_payloads") == []
    hub.assert_as(hub.model())


def test_a_member_that_was_fetched_is_still_of_its_group(make: Make) -> None:
    hub = make(GroupConnector)
    bad = Ref("task", "P1-T2")
    hub.site.garble(bad)
    hub.sync()
    hub.site.mend(bad)
    hub.sync()
    assert "P1-T2" in hub.items()
    hub.site.remove("task", "P1-T2")
    hub.sync()
    assert "P1-T2" not in hub.items()


# Uploads.


def test_an_upload_is_read_once_and_a_newer_one_ends_what_it_no_longer_holds(make: Make) -> None:
    site = FakeSite.sample()
    hub = make(UploadConnector, site, scopes=(), namespace="file")
    hub.upload("first.plan", site.export("P1"))
    hub.choose("P1")
    assert hub.sync().changed == {"task": 7, "link": 2}
    hub.assert_as(hub.model())
    before = hub.written()
    assert hub.sync().fetched == {}
    assert hub.written() == before
    site.remove("task", "P1-T3")
    hub.upload("first.plan", site.export("P1"))
    assert hub.sync().gone == {"task": 1}
    assert "P1/P1-T3" not in hub.items()
    hub.assert_as(hub.model())


# State and scopes.


def test_an_expired_token_is_read_in_full_and_a_census_looks_for_the_lost(make: Make) -> None:
    hub = make()
    hub.sync()
    hub.site.remove("task", "P1-T2")
    hub.site.put("task", "P1-T3", title="Renamed")
    hub.site.expire()
    run = hub.sync()
    assert run.state == "finished"
    assert hub.items()["P1-T3"].title == "Renamed"
    queued = [r for r in hub.rows("sync_runs") if r.state == "queued"]
    assert [r.mode for r in queued] == ["census"]
    assert "P1-T2" in hub.items()
    hub.sync("census")
    assert "P1-T2" in hub.items()
    hub.sync("census")
    assert "P1-T2" not in hub.items()
    hub.assert_as(hub.model())
    assert hub.sync().fetched == {}


def test_only_the_partition_whose_state_is_refused_is_read_again(make: Make) -> None:
    class Forgotten(DeltaSource):
        """Knows the tokens of all tables but one."""

        def read(self, partition: Partition) -> Iterator[Any]:
            if partition.name == "link":
                yield from super().read(partition)
            else:
                self.wire.site.epoch -= 1
                try:
                    yield from list(super().read(partition))
                finally:
                    self.wire.site.epoch += 1

    class Connector(DeltaConnector):
        def source(self, wire: Wire) -> Source:
            return Forgotten(wire) if wire.site.epoch > 1 else DeltaSource(wire)

    hub = make(Connector)
    hub.sync()
    hub.site.expire()
    hub.site.asked.clear()
    hub.sync()
    assert {path for path in hub.site.asked if path.startswith("rows/")} == {"rows/link"}


def test_a_scope_that_was_chosen_later_ends_as_if_it_were_there_from_the_start(make: Make) -> None:
    hub = make(scopes=("P1",))
    hub.sync()
    hub.choose("P2", "P3")
    hub.sync()
    hub.assert_as(hub.model())
    assert {r.external_id: r.synced_at is not None for r in hub.rows("scopes")} == dict.fromkeys(("P1", "P2", "P3"), True)


def test_a_scope_that_was_dropped_and_chosen_again_is_whole(make: Make) -> None:
    hub = make()
    hub.sync()
    before = hub.canonical()
    removal.run(hub.hub, scopes.choose(hub.hub, CONNECTION, ["P1", "P2"], "admin", "purge").removal_id or "")
    hub.now += timedelta(minutes=1)
    assert "P3-T1" not in hub.items()
    scopes.choose(hub.hub, CONNECTION, ["P1", "P2", "P3"], "admin")
    hub.sync()
    assert hub.canonical() == before


@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
def test_a_scope_that_vanished_leaves_the_others_readable(make: Make, connector: type[FakeConnector]) -> None:
    hub = make(connector)
    hub.sync()
    hub.site.hidden.add("P2")
    hub.site.put("task", "P1-T2", title="Renamed")
    run = hub.sync("full")
    assert run.state == "finished"
    assert "P2" in (run.error or "")
    assert {r.external_id: r.error is None for r in hub.rows("scopes")} == {"P1": True, "P2": False, "P3": True}
    assert hub.items()["P1-T2"].title == "Renamed"
    assert "P2-T1" in hub.items()


@pytest.mark.parametrize("where", ["partitions", "reference"])
def test_a_scope_that_vanished_before_the_first_page_leaves_the_others_readable(make: Make, where: str) -> None:
    class Eager(DeltaSource):
        """Asks for every scope first."""

        def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
            self._look(scopes, "partitions")
            return super().partitions(scopes, state, mode)

        def reference(self, scopes: Sequence[str]) -> Iterator[Any]:
            self._look(scopes, "reference")
            return super().reference(scopes)

        def _look(self, scopes: Sequence[str], now: str) -> None:
            if now == where:
                for scope in scopes:
                    if scope in self.wire.site.hidden:
                        raise ScopeError(scope, f"The project {scope} is not there any more.")

    class Connector(DeltaConnector):
        def source(self, wire: Wire) -> Source:
            return Eager(wire)

    hub = make(Connector)
    hub.sync()
    hub.site.hidden.add("P2")
    hub.site.put("task", "P1-T2", title="Renamed")
    hub.now += timedelta(hours=7)
    run = hub.sync()
    assert run.state == "finished"
    assert "P2" in (run.error or "")
    assert hub.items()["P1-T2"].title == "Renamed"


# Failures.


@pytest.mark.parametrize(("fault", "told"), [(Fault.UNAUTHORIZED, "token"), (Fault.WEB_PAGE, "web page")])
def test_what_only_an_admin_can_mend_stops_the_schedule_with_one_sentence(make: Make, fault: Fault, told: str) -> None:
    hub = make()
    hub.sync()
    with hub.site.failing(fault, after=3):
        run = hub.sync()
    assert run.state == "failed"
    assert told in (run.error or "")
    assert (run.error or "").count(".") == 1
    stored = hub.stored()
    assert (stored.state, stored.last_error, stored.failures) == ("failing", run.error, 1)
    hub.now += timedelta(days=2)
    assert scheduling.tick(hub.hub) == []
    assert hub.sync().state == "finished"
    assert (hub.stored().state, hub.stored().last_error) == ("active", None)


def test_a_source_that_asks_for_a_long_wait_is_left_alone_until_then(make: Make) -> None:
    hub = make()
    with hub.site.failing(Fault.RATE_LIMITED, after=9):
        run = hub.sync()
    assert run.state == "waiting"
    assert run.waiting_until == hub.now + timedelta(seconds=1800)
    assert [r.holder for r in hub.rows("leases")] == [None]
    assert hub.stored().state == "active"


@pytest.mark.parametrize("connector", [DeltaConnector, GroupConnector])
@pytest.mark.parametrize("answers", range(4, 20, 3))
def test_a_run_that_fails_in_the_middle_is_resumed_and_loses_nothing(
    make: Make, small_batches: None, connector: type[FakeConnector], answers: int
) -> None:
    hub = make(connector)
    with hub.site.failing(Fault.UNAVAILABLE, after=answers):
        hub.sync()
    hub.sync()
    hub.assert_as(hub.model())


def test_a_page_with_a_foreign_state_key_stops_the_run(make: Make) -> None:
    class Trespassing(DeltaSource):
        def read(self, partition: Partition) -> Iterator[Any]:
            for page in super().read(partition):
                object.__setattr__(page, "state", {**page.state, "other/token": "1"})
                yield page

    class Connector(DeltaConnector):
        def source(self, wire: Wire) -> Source:
            return Trespassing(wire)

    hub = make(Connector)
    run = hub.sync()
    assert run.state == "failed"
    assert hub.state() == {}
    assert hub.items() == {}


def test_a_worker_whose_lease_was_taken_writes_no_more(make: Make, small_batches: None) -> None:
    hub = make()
    at_the_steal: list[dict[str, list[Any]]] = []

    def steal(_: object) -> None:
        if at_the_steal:
            return
        with hub.work.write() as session:
            assert syncing.take_lease(session, CONNECTION, "elsewhere|1|x", lambda holder: False, hub.now, timedelta(minutes=5)) is not None
        at_the_steal.append({**hub.written(), "state": [hub.state()]})

    run = hub.sync(progress=steal)
    assert run.state == "running"
    assert at_the_steal[0]["payloads"]
    assert {**hub.written(), "state": [hub.state()]} == at_the_steal[0]
    assert [r.holder for r in hub.rows("leases")] == ["elsewhere|1|x"]


# The census.


def test_an_object_ends_when_two_censuses_agree(make: Make) -> None:
    hub = make()
    hub.sync()
    # As if the source had lost the row without telling.
    del hub.site.tables["link"]["P1-L1"]
    hub.sync()
    hub.sync("census")
    assert "P1-L1" in {r.external_id for r in hub.rows("dependencies")}
    hub.sync("census")
    assert hub.tombstones() == {"P1-L1": "absent"}
    hub.assert_as(hub.model())


def test_a_kind_whose_last_listing_is_missing_is_not_compared(make: Make) -> None:
    class Half(DeltaSource):
        def census(self, scopes: Sequence[str]) -> Iterator[Any]:
            for listing in super().census(scopes):
                if listing.kind == "link":
                    object.__setattr__(listing, "last", False)
                    object.__setattr__(listing, "ids", listing.ids[:1])
                yield listing

        def fetch(self, refs: Any) -> Iterator[Any]:
            asked.extend(refs)
            yield from super().fetch(asked)

    class Connector(DeltaConnector):
        def source(self, wire: Wire) -> Source:
            return Half(wire)

    asked: list[Ref] = []
    hub = make(Connector)
    hub.sync()
    del hub.site.tables["task"]["P1-T5"]
    hub.sync("census")
    assert asked == [Ref("task", "P1-T5")]


@pytest.mark.parametrize("vanish", [25, 60])
def test_a_listing_that_would_end_too_much_waits_for_an_admin(make: Make, vanish: int) -> None:
    hub = make(DeltaConnector, big(60), scopes=("P1",))
    hub.sync()
    for n in range(vanish):
        del hub.site.tables["task"][f"T{n:03d}"]
    for _ in range(2):
        run = hub.sync("census")
        assert run.state == "held"
        assert str(vanish) in (run.error or "")
    assert len(hub.items()) == 61
    run = hub.sync("accepting_census")
    assert (run.state, run.gone["task"]) == ("finished", vanish)
    assert len(hub.items()) == 61 - vanish


def test_what_a_partition_says_is_gone_has_not_gone_when_it_moved_to_another_ones_scope(make: Make) -> None:
    """A delta a scope: one says that the task left, the other that it arrived, in whatever order they are read."""
    hub = make(Apart)
    hub.sync()
    for target in ("P3", "P1"):
        hub.site.put("task", "P1-T1", project=target)
        hub.sync()
        assert hub.scope_of("P1-T1") == target


class ApartSource(DeltaSource):
    """Partitions by scope: the members that are known, and a deletion for each that is no longer there."""

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        return [Partition(s, (s,), {k: v for k, v in state.items() if k.startswith(f"{s}/")}, mode) for s in scopes]

    def read(self, partition: Partition) -> Iterator[Any]:
        rows = [r for _, r in sorted(self.wire.site.tables["task"].items()) if r["project"] == partition.name]
        known = set(filter(None, partition.state.get(f"{partition.name}/known", "").split(",")))
        there = {r["id"] for r in rows}
        payloads, _ = self.with_parts(rows)
        gone = [Gone(Ref("task", i), Reason.MOVED) for i in sorted(known - there)]
        yield Page(payloads, {f"{partition.name}/known": ",".join(sorted(there))}, gone)


class Apart(DeltaConnector):
    def source(self, wire: Wire) -> Source:
        return ApartSource(wire)


@pytest.mark.parametrize("payloads_a_batch", [1, 2_000])
def test_a_page_after_another_has_the_last_word(make: Make, monkeypatch: pytest.MonkeyPatch, payloads_a_batch: int) -> None:
    """What a page says is gone and a later page brings, is there, in one batch or in two."""
    monkeypatch.setattr("pmo_hub.host.reader.BATCH_PAYLOADS", payloads_a_batch)

    class Twice(DeltaSource):
        def read(self, partition: Partition) -> Iterator[Any]:
            for page in super().read(partition):
                yield Page(gone=[Gone(p.ref, Reason.DELETED) for p in page.payloads])
                yield page

    class Connector(DeltaConnector):
        def source(self, wire: Wire) -> Source:
            return Twice(wire)

    hub = make(Connector)
    hub.sync()
    assert len(hub.items()) == 22
    hub.sync("full")
    assert len(hub.items()) == 22


def test_a_connector_whose_config_is_wrong_says_so(make: Make) -> None:
    class Refusing(DeltaSource):
        def check(self) -> str:
            raise ConfigError("The address has a path; leave it out.")

    class Connector(DeltaConnector):
        def source(self, wire: Wire) -> Source:
            return Refusing(wire)

    hub = make(Connector)
    run = hub.sync()
    assert (run.state, run.error) == ("failed", "The address has a path; leave it out.")
    assert hub.stored().state == "failing"


@pytest.mark.parametrize("payloads_a_batch", [1, 2_000])
def test_parts_of_what_cannot_be_read_come_with_it_when_it_is_well(
    make: Make, monkeypatch: pytest.MonkeyPatch, payloads_a_batch: int
) -> None:
    """However the pages fall into batches: a part has no place without its parent."""
    monkeypatch.setattr("pmo_hub.host.reader.BATCH_PAYLOADS", payloads_a_batch)
    hub = make()
    bad = Ref("task", "P1-T1")
    hub.site.garble(bad)
    hub.sync()
    assert "P1-S1" not in hub.items()
    assert all(ref.kind not in ("step", "note") or not ref.external_id.startswith("P1-") for ref in hub.payloads())
    hub.site.mend(bad)
    hub.sync()
    assert "P1-S1" in hub.items()
    hub.assert_as(hub.model())
