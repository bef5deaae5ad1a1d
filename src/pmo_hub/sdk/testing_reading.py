"""Reading: whole, twice, side by side, broken off, with a scope that comes late, and when nothing has changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pmo_hub.sdk.contract import Capability, Mode, Page, Partition
from pmo_hub.sdk.testing_host import MemoryHost, RecordKey
from pmo_hub.sdk.testing_ports import Ports, difference


class Reading(Ports):
    """Tests of `partitions` and `read`."""

    def test_two_reads_give_equal_records(self) -> None:
        first = self.synced()
        assert first.records(), "the first sync of the source brings no record"
        self._equal(first, self.synced(), "a second read of the same source")
        self._equal(first, self.synced(Mode.FULL), "a full read of the same source")

    def test_a_full_read_of_unchanged_data_changes_nothing(self) -> None:
        host = self.synced()
        before = host.records()
        host.seen.clear()
        with self.opened() as source:
            done = host.sync(source, Mode.FULL)
        assert not done.changed, f"a full read of unchanged data hands over other bytes: {sorted(map(str, done.changed))[:3]}"
        assert not done.gone, f"a full read of unchanged data ends {sorted(map(str, done.gone))[:3]}"
        assert host.records() == before, difference(before, host.records())
        unread = [r for r in host.held if r not in host.seen]
        assert not unread, f"a full read leaves out {len(unread)} objects that are there, such as {unread[:3]}"

    def test_partitions_can_be_read_in_any_order(self) -> None:
        host = self.host()
        with self.opened() as source:
            host.refresh(source, host.scopes)
            partitions = source.partitions(tuple(host.scopes), {}, Mode.INCREMENTAL)
            for partition in reversed(partitions):
                for page in source.read(partition):
                    host.apply(source, partition, page)
        self._equal(self.synced(), host, "reading the partitions one after the other, the last first")

    def test_partitions_can_be_read_side_by_side(self) -> None:
        host = self.host()

        def pages(partition: Partition) -> list[Page]:
            return list(source.read(partition))

        with self.opened() as source, ThreadPoolExecutor(8) as threads:
            host.refresh(source, host.scopes)
            partitions = source.partitions(tuple(host.scopes), {}, Mode.INCREMENTAL)
            for partition, read in zip(partitions, threads.map(pages, partitions), strict=True):
                for page in read:
                    host.apply(source, partition, page)
        self._equal(self.synced(), host, "reading the partitions in threads of their own")

    def test_resuming_from_every_page_loses_nothing(self) -> None:
        whole = self.synced()
        for stop in self._stops(self.host(), Mode.INCREMENTAL):
            host = self.host()
            self._break_off(host, Mode.INCREMENTAL, stop)
            with self.opened() as source:
                host.sync(source)
            self._equal(whole, host, f"a first sync that was broken off after page {stop} and resumed")

    def test_resuming_a_full_read_leaves_nothing_out(self) -> None:
        for stop in self._stops(self.synced(), Mode.FULL):
            host = self.synced()
            host.seen.clear()
            self._break_off(host, Mode.FULL, stop)
            with self.opened() as source:
                host.sync(source, Mode.FULL)
            unread = [r for r in host.held if r not in host.seen]
            told = f"a full read broken off after page {stop} and resumed leaves out {len(unread)} objects, such as {unread[:3]}"
            assert not unread, told

    def test_a_late_scope_ends_equal(self) -> None:
        *early, late = self.several_scopes()
        host = self.synced(scopes=early)
        host.scopes.append(late)
        with self.opened() as source:
            host.sync(source)
        self._equal(self.synced(), host, f"the scope {late} that was chosen later")

    def test_a_scope_that_was_dropped_and_chosen_again_ends_equal(self) -> None:
        """The host ends what it held of a dropped scope and drops the state keys that begin with that scope."""
        *_, again = self.several_scopes()
        host = self.synced()
        host.state = {k: v for k, v in host.state.items() if not k.startswith(f"{again}/")}
        host.held = {r: h for r, h in host.held.items() if h.scope != again}
        with self.opened() as source:
            host.sync(source)
        self._equal(self.synced(), host, f"the scope {again} that was dropped and chosen again")

    def test_a_quiet_poll_is_quiet(self) -> None:
        host = self.host()
        with self.opened() as source:
            first = host.sync(source)
        keys: list[set[str]] = []
        for _ in range(2):
            with self.opened() as source:
                poll = host.sync(source)
            assert not poll.changed, f"a poll without change hands over other bytes: {sorted(map(str, poll.changed))[:3]}"
            assert not poll.gone, f"a poll without change ends {sorted(map(str, poll.gone))[:3]}"
            if Capability.INCREMENTAL in self.connector.capabilities:
                less = poll.fetched.total() < first.fetched.total()
                assert less, f"it claims INCREMENTAL, and a poll without change reads all {first.fetched.total()} payloads again"
            keys.append(set(host.state))
        assert keys[0] == keys[1], f"polls without change leave more and more state: {sorted(keys[0] ^ keys[1])[:3]}"

    def test_partitions_have_stable_names(self) -> None:
        def names(state: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
            with self.opened() as source:
                return [(p.name, tuple(p.scopes)) for p in source.partitions(tuple(self.scopes()), dict(state), Mode.FULL)]

        first, again = names({}), names({})
        assert sorted(first) == sorted(again), f"the same partitions were named {first[:3]} and then {again[:3]}"
        assert {s for _, scopes in first for s in scopes} == set(self.scopes()), "the partitions of a full read do not cover the scopes"

    def test_state_keys_keep_to_their_partition(self) -> None:
        """The host refuses a page that writes another's key; here, too, the partitions are handed what is theirs only."""
        host = self.synced()
        with self.opened() as source:
            for mode in Mode:
                for partition in source.partitions(tuple(host.scopes), dict(host.state), mode):
                    own = tuple(f"{name}/" for name in (partition.name, *partition.scopes))
                    foreign = [k for k in partition.state if not k.startswith(own)]
                    assert not foreign, f"partition {partition.name} is handed the state keys {foreign[:3]}, which are not its own"

    def test_state_values_are_bounded(self) -> None:
        """The host refuses a value above 64 kB; ours is looked at where it may grow: after a full read too."""
        host = self.synced()
        with self.opened() as source:
            host.sync(source, Mode.FULL)
        assert all(isinstance(v, str) for v in host.state.values()), "a state value is no text"
        assert len(json.dumps(host.state)) < 1_000_000, "the state of one connection has more than a megabyte"

    def test_no_scope_and_kind_is_read_twice(self) -> None:
        """The host refuses two partitions that read one kind of one scope: their order would decide."""
        assert self.synced(Mode.FULL).held, "a full read brings nothing"

    def _stops(self, host: MemoryHost, mode: Mode) -> Sequence[int]:
        """The numbers of the pages after which a run is broken off."""
        with self.opened() as source:
            pages = host.sync(source, mode).pages
        assert pages, "the source is read without a page"
        return sorted({round(i * (pages - 1) / max(1, self.most_resumes - 1)) for i in range(self.most_resumes)})

    def _break_off(self, host: MemoryHost, mode: Mode, stop: int) -> None:
        """`stop` pages are committed, one of each partition in turn, and then the process ends."""
        if stop:
            with self.opened() as source:
                for number, (partition, page) in enumerate(host.pages(source, mode), 1):
                    host.apply(source, partition, page)
                    if number == stop:
                        break
        host.crash()

    @staticmethod
    def _equal(expected: MemoryHost, got: MemoryHost, what: str) -> None:
        wanted: Mapping[RecordKey, object] = expected.records()
        found: Mapping[RecordKey, object] = got.records()
        assert found == wanted, f"{what} gives other records: {difference(wanted, found)}"
