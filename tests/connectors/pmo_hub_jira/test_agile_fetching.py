"""Boards and sprints fetched by their ids are the same as read, and what is gone is said."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pmo_hub.sdk.contract import Gone, Mode, Reason, Ref
from pmo_hub_jira.connector import JiraSource
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.connectors.pmo_hub_jira.lending import START, opened


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with serve(generate(7, 60, START), clock=lambda: START) as served:
        yield served


@pytest.fixture
def source(simulator: Simulator) -> Iterator[JiraSource]:
    simulator.reset_log()
    with opened(simulator.config()) as source:
        yield source


def test_what_is_fetched_has_the_bytes_that_were_read(simulator: Simulator, source: JiraSource) -> None:
    partition = next(p for p in source.partitions(simulator.projects, {}, Mode.FULL) if p.name == "agile")
    read = {p.ref: p for page in source.read(partition) for p in page.payloads}
    wanted = [ref for ref in read if ref.kind in ("board", "sprint")]
    assert {ref.kind for ref in wanted} == {"board", "sprint"}
    fetched = {p.ref: p for page in source.fetch(wanted) for p in page.payloads}
    assert fetched == {ref: read[ref] for ref in wanted}


def test_what_is_not_there_is_absent(source: JiraSource) -> None:
    refs = [Ref("sprint", "99999"), Ref("board", "99999")]
    gone = [gone for page in source.fetch(refs) for gone in page.gone]
    assert sorted(gone, key=lambda one: one.ref.kind) == [Gone(ref, Reason.ABSENT) for ref in sorted(refs, key=lambda ref: ref.kind)]


def test_without_the_permission_for_boards_nothing_is_said(simulator: Simulator, source: JiraSource) -> None:
    simulator.fault("status", status=403, path="/rest/agile", times=None)
    try:
        assert list(source.fetch([Ref("sprint", "1"), Ref("board", "1")])) == []
    finally:
        simulator.clear_faults()


def test_issues_alone_cost_no_request_for_boards(simulator: Simulator, source: JiraSource) -> None:
    id = next(iter(simulator.world.issues))
    assert next(p.ref for page in source.fetch([Ref("issue", str(id))]) for p in page.payloads) == Ref("issue", str(id))
    assert not [entry for entry in simulator.log if "/agile/" in entry.path]
