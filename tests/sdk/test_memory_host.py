"""The model of a host: what the suite measures a connector by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from pmo_hub.sdk.contract import Gone, Group, Mode, Page, Partition, Payload, Reason, Ref, Source, State
from pmo_hub.sdk.testing import BrokenRule, MemoryContext, MemoryHost
from tests.sdk.fake_site import TOKEN, FakeSite, encode
from tests.sdk.fake_source import DeltaConnector, FakeConfig, FakeConnector, GroupConnector, Wire


class Scripted:
    """A source whose partitions are read from a script."""

    def __init__(self, source: Source, *script: tuple[Partition, Sequence[Page]]) -> None:
        self._source = source
        self._script = script
        self.reference = source.reference
        self.check, self.namespace, self.scopes = source.check, source.namespace, source.scopes
        self.fetch, self.census = source.fetch, source.census

    def partitions(self, scopes: Sequence[str], state: State, mode: Mode) -> Sequence[Partition]:
        return [partition for partition, _ in self._script]

    def read(self, partition: Partition) -> Iterator[Page]:
        yield from next(pages for p, pages in self._script if p.name == partition.name)


def sound(connector: FakeConnector) -> Source:
    return connector.source(Wire(connector.site, TOKEN, MemoryContext()))


def task(id: str, project: str, version: int = 1, title: str = "A task", **links: list[str]) -> Payload:
    row: dict[str, Any] = {"id": id, "project": project, "title": title, "state": "1", "owner": None, "parent": None, "labels": []}
    return Payload(Ref("task", id), project, encode({"blocks": [], "blocked_by": [], **row, **links}), version=f"{version:012d}")


def step(id: str, of: str) -> Payload:
    return Payload(Ref("step", id), None, encode({"id": id, "task": of, "title": "A step", "done": False}), part_of=Ref("task", of))


def part(name: str, *scopes: str) -> Partition:
    return Partition(name, scopes, {}, Mode.INCREMENTAL)


def after(*script: tuple[Partition, Sequence[Page]], scopes: Sequence[str] = ("P1", "P2")) -> MemoryHost:
    connector = DeltaConnector(FakeSite.sample())
    host = MemoryHost(connector, scopes)
    host.sync(Scripted(sound(connector), *script))
    return host


def test_an_older_version_never_replaces_a_newer_one() -> None:
    host = after((part("t", "P1"), [Page([task("T", "P1", 2, "New")]), Page([task("T", "P1", 1, "Old")])]))
    assert b"New" in host.held[Ref("task", "T")].payload.body


def test_a_partition_ends_nothing_that_has_moved_to_another_ones_scope() -> None:
    moved = Page(gone=[Gone(Ref("task", "T"), Reason.MOVED)])
    arrived = Page([task("T", "P2", 2)])
    before = Page([task("T", "P1", 1)])
    for script in (
        [(part("b", "P2"), [Page(), arrived]), (part("a", "P1"), [before, Page(), moved])],
        [(part("b", "P2"), [Page(), Page(), Page(), arrived]), (part("a", "P1"), [before, moved])],
    ):
        assert after(*script).held[Ref("task", "T")].scope == "P2"


def test_what_moves_to_a_scope_that_nobody_chose_ends_with_its_parts() -> None:
    pages = [Page([task("T", "P1", 1), step("S", "T")]), Page([task("T", "P9", 2)])]
    assert after((part("t", "P1"), pages)).records() == {}


def test_parts_follow_what_they_are_part_of() -> None:
    host = after((part("t", "P1", "P2"), [Page([step("S", "T"), task("T", "P1", 1)]), Page([task("T", "P2", 2)])]))
    assert {held.scope for held in host.held.values()} == {"P2"}


def test_a_record_lives_while_either_payload_claims_it() -> None:
    both = Page([task("A", "P1", 1, blocks=["B"]), task("B", "P1", 1, blocked_by=["A"])])
    assert ("dependency", "A>B") in after((part("t", "P1"), [both, Page([task("A", "P1", 2)])])).owned()
    assert ("dependency", "A>B") not in after((part("t", "P1"), [both, Page([task("A", "P1", 2), task("B", "P1", 2)])])).owned()


def test_a_group_is_unseen_until_its_last_page_and_ends_what_it_no_longer_holds() -> None:
    group = Group(Ref("plan", "P1"))
    first = [Page([task("A", "P1"), task("B", "P1")], group=Group(group.ref, last=True))]
    connector = DeltaConnector(FakeSite.sample())
    host = MemoryHost(connector, ["P1"])
    host.sync(Scripted(sound(connector), (part("P1", "P1"), first)))
    second = [Page([task("C", "P1")], group=group), Page([task("B", "P1")], group=Group(group.ref, last=True))]
    source = Scripted(sound(connector), (part("P1", "P1"), second))
    pages = host.pages(source, Mode.INCREMENTAL)
    host.apply(source, *next(pages))
    assert set(host.held) == {Ref("task", "A"), Ref("task", "B")}
    host.crash()
    host.sync(source)
    assert set(host.held) == {Ref("task", "B"), Ref("task", "C")}


@pytest.mark.parametrize(
    ("partition", "page", "told"),
    [
        (part("t", "P1"), Page(state={"u/token": "1"}), "not its own"),
        (part("t", "P1"), Page(state={"t/token": "x" * 65_537}), "bytes"),
        (part("t", "P1"), Page(state={"t/token": "1"}, group=Group(Ref("plan", "P1"))), "before its last"),
        (part("t", "P1"), Page(group=Group(Ref("plan", "P1"))), "without a page that says last"),
        (part("t", "P9"), Page(), "nobody chose"),
    ],
)
def test_a_page_against_the_rules_is_refused(partition: Partition, page: Page, told: str) -> None:
    with pytest.raises(BrokenRule, match=told):
        after((partition, [page]))


def test_two_censuses_have_to_agree() -> None:
    connector = GroupConnector(FakeSite.sample())
    host = MemoryHost(connector, ["P1"])
    with connector.open(FakeConfig.model_validate({"address": "a", "token": TOKEN}), MemoryContext()) as source:
        host.sync(source)
        connector.site.remove("task", "P1-T1")
        assert host.census(source).gone == {}
        assert Ref("task", "P1-T1") in host.census(source).gone
