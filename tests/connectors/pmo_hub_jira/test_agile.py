"""Boards and sprints: read apart, every six hours, and a sprint by itself when it is due."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import respx

from pmo_hub.domain.records import Board, BoardColumn, Iteration
from pmo_hub.domain.vocabulary import IterationState
from pmo_hub.sdk.contract import Mode, Partition
from pmo_hub_jira.connector import JiraSource
from pmo_hub_jira.simulator import Simulator, generate, serve
from tests.connectors.pmo_hub_jira.lending import START, Lent, Store, opened, records_of, run

SITE = generate(7, 150, START, awkward=True)
AGILE = "/rest/agile/1.0"
PAY, OPS = "10000", "10008"


@pytest.fixture
def jira() -> Iterator[Simulator]:
    with serve(SITE, clock=lambda: START) as simulator:
        yield simulator


@pytest.fixture
def lent() -> Lent:
    return Lent()


@pytest.fixture
def source(jira: Simulator, lent: Lent) -> Iterator[JiraSource]:
    with opened(jira.config(), lent) as made:
        yield made


def pass_time(jira: Simulator, lent: Lent, delta: timedelta) -> None:
    jira.advance(delta)
    lent.advance(delta)


def agile_requests(jira: Simulator) -> list[str]:
    return [entry.path for entry in jira.log if entry.path.startswith(AGILE)]


def sprints(source: JiraSource, jira: Simulator, store: Store) -> dict[str, Iteration]:
    records = [record for found in records_of(source, jira.projects, store).values() for record in found]
    return {record.external_id: record for record in records if isinstance(record, Iteration)}


def test_all_boards_and_sprints_of_the_chosen_projects_are_read(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, jira.projects, store)
    assert set(store.of("board")) == {str(board.id) for board in jira.world.boards.values()}
    assert set(store.of("sprint")) == {str(sprint.id) for sprint in jira.world.sprints.values()}
    for board in jira.world.boards.values():
        assert store.of("board")[str(board.id)].scope == board.project_id
    records = [record for found in records_of(source, jira.projects, store).values() for record in found]
    columns = {record.external_id for record in records if isinstance(record, BoardColumn)}
    assert len(columns) == sum(len(board.columns) for board in jira.world.boards.values())
    fields = {record.external_id: record.estimation_field for record in records if isinstance(record, Board)}
    assert fields == {str(board.id): board.estimation_field for board in jira.world.boards.values()}


def test_boards_of_other_projects_are_left_alone(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [PAY], store)
    assert {payload.scope for payload in store.of("board").values()} == {PAY}


def test_of_many_projects_the_sites_boards_are_listed_once(jira: Simulator, source: JiraSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmo_hub_jira.agile.FEW_SCOPES", 1)
    store = Store()
    run(source, [PAY, OPS], store)
    assert agile_requests(jira).count(f"{AGILE}/board") == 1
    assert {payload.scope for payload in store.of("board").values()} == {PAY, OPS}


def test_the_dictionary_and_the_boards_are_read_with_the_same_requests(jira: Simulator, source: JiraSource) -> None:
    list(source.reference([PAY]))
    run(source, [PAY], Store())
    board = next(board.id for board in jira.world.boards.values() if board.project_id == PAY)
    assert sorted(agile_requests(jira)) == [f"{AGILE}/board", f"{AGILE}/board/{board}/configuration", f"{AGILE}/board/{board}/sprint"]


def test_within_six_hours_nothing_is_asked(jira: Simulator, source: JiraSource, lent: Lent) -> None:
    store = Store()
    run(source, jira.projects, store)
    pass_time(jira, lent, timedelta(minutes=5))
    jira.reset_log()
    run(source, jira.projects, store)
    assert agile_requests(jira) == []


def test_after_six_hours_a_renamed_sprint_is_seen(jira: Simulator, source: JiraSource, lent: Lent) -> None:
    store = Store()
    run(source, jira.projects, store)
    renamed = max(jira.world.sprints)
    jira.mutate("rename_sprint", renamed, "Renamed, id=9]")
    pass_time(jira, lent, timedelta(hours=6))
    with opened(jira.config(), lent) as later:
        run(later, jira.projects, store)
        assert sprints(later, jira, store)[str(renamed)].name == "Renamed, id=9]"


def test_a_full_read_reads_them_again(jira: Simulator, source: JiraSource) -> None:
    store = Store()
    run(source, [PAY], store)
    jira.reset_log()
    run(source, [PAY], store, Mode.FULL)
    assert any(path.endswith("/sprint") for path in agile_requests(jira))


def set_sprints(jira: Simulator, state: str, end: datetime | None, *ids: int) -> None:
    for id in ids or list(jira.world.sprints):
        jira.world.put_sprint(replace(jira.world.sprints[id], state=state, start=START, end=end))


def test_a_sprint_is_looked_at_when_it_should_end(jira: Simulator, source: JiraSource, lent: Lent) -> None:
    # The server's clock is three days ahead of ours: only the difference counts.
    jira.advance(timedelta(days=3))
    active = min(jira.world.sprints)
    set_sprints(jira, "closed", START)
    set_sprints(jira, "active", jira.now() + timedelta(hours=2), active)
    store = Store()
    run(source, jira.projects, store)
    pass_time(jira, lent, timedelta(hours=1))
    jira.reset_log()
    run(source, jira.projects, store)
    assert agile_requests(jira) == []
    pass_time(jira, lent, timedelta(hours=1, minutes=1))
    jira.mutate("close_sprint", active)
    run(source, jira.projects, store)
    assert agile_requests(jira) == [f"{AGILE}/sprint/{active}"]
    assert sprints(source, jira, store)[str(active)].state is IterationState.CLOSED
    jira.reset_log()
    run(source, jira.projects, store)
    assert agile_requests(jira) == []


def test_a_sprint_that_is_late_is_not_looked_at_for_ever(jira: Simulator, source: JiraSource, lent: Lent) -> None:
    active = min(jira.world.sprints)
    set_sprints(jira, "closed", START)
    set_sprints(jira, "active", START + timedelta(hours=1), active)
    store = Store()
    run(source, jira.projects, store)
    looked = []
    for _ in range(4):
        pass_time(jira, lent, timedelta(minutes=50))
        jira.reset_log()
        run(source, jira.projects, store)
        looked.append(len(agile_requests(jira)))
    assert looked == [0, 1, 0, 0]


def test_at_most_five_sprints_are_looked_at_in_a_run(jira: Simulator, source: JiraSource, lent: Lent) -> None:
    set_sprints(jira, "active", START + timedelta(hours=1))
    store = Store()
    run(source, jira.projects, store)
    pass_time(jira, lent, timedelta(hours=1, minutes=5))
    jira.reset_log()
    run(source, jira.projects, store)
    assert len(agile_requests(jira)) == 5


def test_a_board_without_sprints_is_no_error(jira: Simulator, source: JiraSource) -> None:
    kanban = next(board for board in jira.world.boards.values() if board.type == "kanban")
    for board in jira.world.boards.values():
        if board.project_id == kanban.project_id:
            jira.fault("status", path=f"{AGILE}/board/{board.id}/sprint", status=400, times=None)
    store = Store()
    run(source, [kanban.project_id], store)
    assert str(kanban.id) in store.of("board")
    assert store.of("sprint") == {}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_where_boards_are_out_of_reach_sprints_come_from_the_issues(jira: Simulator, lent: Lent, status: int) -> None:
    with opened(jira.config(), lent) as source:
        expected_store = Store()
        run(source, [PAY], expected_store)
        used = {
            str(sprint["id"])
            for payload in expected_store.of("issue").values()
            for sprint in json.loads(payload.body)["fields"].get("customfield_10020") or ()
        }
        full = sprints(source, jira, expected_store)
    jira.fault("status", path=AGILE, status=status, times=None)
    with opened(jira.config(), lent) as source:
        store = Store()
        run(source, [PAY], store)
        assert (store.of("board"), store.of("sprint")) == ({}, {})
        (site, scope) = source.reference([PAY])
        assert json.loads(site.body)["agile"] is False
        assert json.loads(scope.body) == {"estimation": None}
        found = sprints(source, jira, store)
    assert set(found) == used
    assert {id: (s.name, s.state, s.starts_at) for id, s in found.items()} == {
        id: (full[id].name, full[id].state, full[id].starts_at) for id in used
    }
    assert f"{PAY}/watermark_ms" in store.state


@pytest.mark.parametrize("status", [403, 404])
def test_where_sprints_alone_are_out_of_reach_boards_stay(jira: Simulator, lent: Lent, status: int) -> None:
    """As with a token that has the scope for boards and not the one for sprints."""
    for board in jira.world.boards.values():
        jira.fault("status", path=f"{AGILE}/board/{board.id}/sprint", status=status, times=None)
    with opened(jira.config(), lent) as source:
        store = Store()
        run(source, [PAY], store)
        assert len(store.of("board")) == 1
        assert store.of("sprint") == {}
        (site, scope) = source.reference([PAY])
        assert json.loads(site.body)["agile"] is False
        assert json.loads(scope.body)["estimation"]
        assert sprints(source, jira, store)
    assert [page.notices for page in store.pages if page.notices] == [
        ("Jira does not show this account the sprints of 1 boards: sprints are taken from the issues where these name them.",)
    ]


def test_a_site_without_boards_is_said_in_one_sentence(jira: Simulator, source: JiraSource) -> None:
    jira.fault("status", path=AGILE, status=404, times=None)
    store = Store()
    run(source, [PAY], store)
    (notice,) = (notice for page in store.pages for notice in page.notices)
    assert notice.startswith("Jira does not show its boards to this account")
    jira.clear_faults()
    with opened(jira.config()) as other:
        whole = Store()
        run(other, [PAY], whole)
    assert [page.notices for page in whole.pages if page.notices] == []


def test_a_sprint_that_cannot_be_read_is_rejected_and_the_rest_goes_on() -> None:
    config = {"url": "https://acme.atlassian.net", "email": "jane@acme.example", "token": "t"}
    date = {"Date": "Mon, 23 Nov 2026 09:00:00 GMT"}
    with respx.mock(base_url="https://acme.atlassian.net") as router, opened(config) as source:
        boards = [{"id": 1, "name": "B", "type": "scrum", "location": {"projectId": 10000}}]
        router.get(f"{AGILE}/board").respond(json={"values": boards, "isLast": True}, headers=date)
        router.get(f"{AGILE}/board/1/configuration").respond(404, json={})
        router.get(f"{AGILE}/board/1/sprint").respond(
            json={"values": [{"id": None}, {"id": 7, "state": "active"}], "isLast": True}, headers=date
        )
        store = Store()
        partition = Partition("agile", (PAY,), {}, Mode.FULL)
        for page in source.read(partition):
            store.commit(partition, page)
    assert set(store.of("sprint")) == {"7"}
    assert set(store.of("board")) == {"1"}
    (rejected,) = store.pages[0].rejected
    assert "a sprint of board 1" in rejected.why
