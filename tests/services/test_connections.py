"""Connections: tried before they exist, made whole or not at all, changed without their secrets being said again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.identity import row_id
from pmo_hub.host.session import open_source
from pmo_hub.services import connections
from pmo_hub.services.connections import Change, Created, Draft
from pmo_hub.services.errors import Conflict, Invalid, NotFound, Unavailable
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.operation import AuditEntry, Job
from pmo_hub.store.models.portfolio import Project
from pmo_hub.store.models.source import Connection, Credential, Scope, SyncRun
from pmo_hub.store.repositories import connections as rows
from tests.serving import clock, shelf_hub
from tests.shelf import RIGHT_TOKEN, config
from tests.stored import Clock

__all__ = ["clock", "shelf_hub"]


def created(hub: Hub, name: str = "Library", *, scopes: connections.Chosen = "all", **given: object) -> Created:
    return connections.create(hub, Draft(name, "shelf", config(**given), scopes), "test")


def everything(hub: Hub) -> Mapping[str, int]:
    """How many rows there are of what a new connection brings."""
    with hub.work.read() as session:
        return {m.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(m)) or 0
                for m in (Connection, Scope, Project, SyncRun, Job, AuditEntry, Credential)}  # fmt: skip


def token_of(hub: Hub, id: str) -> str:
    with hub.work.read() as session:
        stored = rows.get(session, id)
    with open_source(hub, stored) as opened:
        source: Any = opened.source
        return str(source.config.token.get_secret_value())


def test_a_new_connection_comes_with_scopes_projects_a_queued_run_and_an_audit_entry(shelf_hub: Hub) -> None:
    made = created(shelf_hub)
    assert everything(shelf_hub) == {
        "connections": 1, "scopes": 3, "projects": 3, "sync_runs": 1, "jobs": 1, "audit_entries": 1, "credentials": 0,
    }  # fmt: skip
    assert (made.connection.state, made.connection.account) == ("active", "You are Librarian and see 3 shelves.")
    assert (made.run.state, made.run.mode) == ("queued", "incremental")
    # 42 objects were announced by the two shelves that count theirs.
    assert made.run.seconds_left == round(42 / 50)
    with shelf_hub.work.read() as session:
        assert session.scalars(sa.select(Scope.id).where(Scope.external_id == "A")).one() == row_id("shelf.example", "scope", "A")
        assert {p.name for p in session.scalars(sa.select(Project))} == {"Atlases", "Biographies", "Cookery"}


def test_no_answer_and_no_row_holds_the_secret(shelf_hub: Hub) -> None:
    made = created(shelf_hub, lending={"password": "hush-hush-hush"})
    with shelf_hub.work.read() as session:
        stored = [list(row) for m in (Connection, AuditEntry, SyncRun, Job) for row in session.execute(sa.select(m.__table__))]
    told = json.dumps([stored, repr(made)], default=repr)
    assert RIGHT_TOKEN not in told
    assert "hush" not in told
    assert token_of(shelf_hub, made.connection.id) == RIGHT_TOKEN


@pytest.mark.parametrize(
    ("given", "error", "pointer"),
    [
        ({"token": "wrong-token"}, Invalid, "/config"),
        ({"url": "https://portal.example"}, Invalid, "/config"),
        ({"url": "http://shelf.example"}, Invalid, "/config/url"),
        ({"pages": 0}, Invalid, "/config/pages"),
        ({"url": "https://empty.example"}, Invalid, "/scopes"),
        ({"url": "https://busy.example"}, Unavailable, None),
    ],
)
def test_what_the_source_refuses_leaves_no_row(
    shelf_hub: Hub, given: dict[str, object], error: type[Exception], pointer: str | None
) -> None:
    with pytest.raises(error) as raised:
        connections.create(shelf_hub, Draft("Library", "shelf", config(**given)), "test")
    if isinstance(raised.value, Invalid):
        assert raised.value.faults[0].pointer == pointer
    assert "wrong-token" not in str(raised.value)
    assert set(everything(shelf_hub).values()) == {0}


def test_a_source_that_wants_to_be_left_alone_says_for_how_long(shelf_hub: Hub) -> None:
    with pytest.raises(Unavailable) as raised:
        connections.check(shelf_hub, "shelf", config(url="https://busy.example"))
    assert raised.value.retry_after == timedelta(seconds=90)


def test_trying_a_source_keeps_nothing(shelf_hub: Hub) -> None:
    seen = connections.check(shelf_hub, "shelf", config())
    assert (seen.namespace, [scope.external_id for scope in seen.scopes]) == ("shelf.example", ["A", "B", "C"])
    assert set(everything(shelf_hub).values()) == {0}


def test_an_unknown_connector_names_those_that_there_are(shelf_hub: Hub) -> None:
    with pytest.raises(Invalid, match="there are shelf"):
        connections.check(shelf_hub, "drawer", {})


def test_only_the_chosen_scopes_are_read(shelf_hub: Hub) -> None:
    assert created(shelf_hub, scopes=["B", "B"]).connection.counts.scopes == 1


def test_a_scope_that_is_not_offered_is_pointed_at(shelf_hub: Hub) -> None:
    with pytest.raises(Invalid) as raised:
        created(shelf_hub, scopes=["A", "Z", "Y"])
    assert [fault.pointer for fault in raised.value.faults] == ["/scopes/1", "/scopes/2"]


def test_choosing_nothing_is_refused(shelf_hub: Hub) -> None:
    with pytest.raises(Invalid):
        created(shelf_hub, scopes=[])


def test_a_scope_is_read_by_one_connection_and_the_conflict_names_it(shelf_hub: Hub) -> None:
    created(shelf_hub, "First", scopes=["A"])
    with pytest.raises(Conflict, match="'First' reads 'Atlases' already"):
        created(shelf_hub, "Second", scopes=["B", "A"])
    assert everything(shelf_hub)["connections"] == 1
    assert created(shelf_hub, "Second", scopes=["B"]).connection.counts.scopes == 1


def test_the_same_scope_id_of_another_source_is_another_scope(shelf_hub: Hub) -> None:
    created(shelf_hub, "First", scopes=["A"])
    assert created(shelf_hub, "Second", scopes=["A"], url="https://other.example").connection.counts.scopes == 1


def test_a_name_is_given_once(shelf_hub: Hub) -> None:
    created(shelf_hub, "Library", scopes=["A"])
    with pytest.raises(Conflict, match="called 'Library' already"):
        created(shelf_hub, "Library", scopes=["B"])


@pytest.mark.parametrize(
    ("draft", "pointer"),
    [
        (Draft("  ", "shelf", config()), "/name"),
        (Draft("n", "shelf", config(), schedules={"incremental": "every 0m"}), "/schedules/incremental"),
        (Draft("n", "shelf", config(), schedules={"census": "61 * * * *"}), "/schedules/census"),
        (Draft("n", "shelf", config(), rules={"kind": "{not json"}), "/rules/kind"),
    ],
)
def test_a_wrong_field_is_pointed_at(shelf_hub: Hub, draft: Draft, pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        connections.create(shelf_hub, draft, "test")
    assert raised.value.faults[0].pointer == pointer


def test_a_change_that_leaves_a_secret_out_keeps_it(shelf_hub: Hub) -> None:
    made = created(shelf_hub, lending={"password": "hush-hush"})
    after = connections.change(shelf_hub, made.connection.id, Change(config={"pages": 20}), "test")
    assert after.config["pages"] == 20
    assert after.config["url"] == "https://shelf.example"
    assert token_of(shelf_hub, made.connection.id) == RIGHT_TOKEN


def test_a_changed_config_is_tried_first(shelf_hub: Hub) -> None:
    made = created(shelf_hub)
    with pytest.raises(Invalid, match="does not accept the token"):
        connections.change(shelf_hub, made.connection.id, Change(config={"token": "wrong-token"}), "test")
    assert token_of(shelf_hub, made.connection.id) == RIGHT_TOKEN


def test_a_config_that_leads_to_another_source_is_refused(shelf_hub: Hub) -> None:
    made = created(shelf_hub)
    with pytest.raises(Invalid, match="another source"):
        connections.change(shelf_hub, made.connection.id, Change(config={"url": "https://other.example"}), "test")


def test_a_working_config_ends_a_failure(shelf_hub: Hub) -> None:
    made = created(shelf_hub)
    id = made.connection.id
    with shelf_hub.work.write() as session:
        assert rows.failed(session, id, "incremental", "The token has expired.", rows.FAILING, shelf_hub.now()).is_first
        assert not rows.failed(session, id, "incremental", "The token has expired.", rows.FAILING, shelf_hub.now()).is_first
    failing = connections.get(shelf_hub, id)
    assert (failing.state, failing.last_error, failing.next_due_at) == ("failing", "The token has expired.", None)
    after = connections.change(shelf_hub, id, Change(config={"token": RIGHT_TOKEN}), "test")
    assert (after.state, after.last_error) == ("active", None)


def test_a_run_that_ends_well_ends_a_failure_once(shelf_hub: Hub) -> None:
    id = created(shelf_hub).connection.id
    with shelf_hub.work.write() as session:
        rows.failed(session, id, "incremental", "The source does not answer.", None, shelf_hub.now())
    assert connections.get(shelf_hub, id).state == "active"
    with shelf_hub.work.write() as session:
        assert rows.succeeded(session, id, "full", shelf_hub.now())
        assert not rows.succeeded(session, id, "full", shelf_hub.now())
    assert connections.get(shelf_hub, id).last_error is None


def test_a_change_decided_on_an_older_reading_is_refused(shelf_hub: Hub, clock: Clock) -> None:
    made = created(shelf_hub)
    seen = made.connection.updated_at
    clock.forward(minutes=1)
    connections.change(shelf_hub, made.connection.id, Change(name="Renamed"), "test", seen)
    with pytest.raises(Conflict, match="meanwhile"):
        connections.change(shelf_hub, made.connection.id, Change(schedules={"incremental": "every 30m"}), "test", seen)
    assert connections.get(shelf_hub, made.connection.id).name == "Renamed"


def test_a_name_that_is_taken_at_the_same_instant_is_a_conflict(shelf_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    created(shelf_hub, "First", scopes=["A"])
    second = created(shelf_hub, "Second", scopes=["B"]).connection.id
    # Neither sees the other's name before both write.
    monkeypatch.setattr(rows, "named", lambda session, name: None)
    with pytest.raises(Conflict):
        created(shelf_hub, "First", scopes=["C"])
    with pytest.raises(Conflict):
        connections.change(shelf_hub, second, Change(name="First"), "test")
    monkeypatch.setattr(rows, "taken", lambda session, ids: {})
    with pytest.raises(Conflict):
        created(shelf_hub, "Third", scopes=["A"])
    assert everything(shelf_hub)["connections"] == 2


def test_the_audit_log_names_changed_fields_and_no_values(shelf_hub: Hub) -> None:
    made = created(shelf_hub)
    connections.change(shelf_hub, made.connection.id, Change(name="Renamed", config={"token": RIGHT_TOKEN}), "key:me")
    with shelf_hub.work.read() as session:
        entry = session.execute(sa.select(AuditEntry.actor, AuditEntry.detail).where(AuditEntry.action == "connection.changed")).one()
    assert entry == ("key:me", {"changed": ["name", "config.token"]})


def test_a_paused_connection_is_not_due_and_a_resumed_one_is(shelf_hub: Hub, clock: Clock) -> None:
    id = created(shelf_hub).connection.id
    assert connections.pause(shelf_hub, id, "test").next_due_at is None
    clock.forward(hours=1)
    resumed = connections.resume(shelf_hub, id, "test")
    assert (resumed.state, resumed.next_due_at) == ("active", clock())


def test_a_connection_is_due_an_interval_after_its_last_run_began(shelf_hub: Hub, clock: Clock) -> None:
    made = created(shelf_hub)
    assert made.connection.next_due_at == made.connection.next_due["incremental"]
    assert made.connection.next_due_at is not None
    assert timedelta(minutes=13.5) <= made.connection.next_due_at - clock() <= timedelta(minutes=15)


def test_asking_twice_for_a_sync_queues_one_run(shelf_hub: Hub) -> None:
    made = created(shelf_hub)
    assert connections.request_sync(shelf_hub, made.connection.id, "incremental", "test").id == made.run.id
    census = connections.request_sync(shelf_hub, made.connection.id, "census", "test")
    assert census.id != made.run.id
    assert everything(shelf_hub)["sync_runs"] == 2


def test_a_waiting_poll_becomes_the_full_read_that_is_asked_for_and_does_for_polls_from_then_on(shelf_hub: Hub) -> None:
    made = created(shelf_hub)
    full = connections.request_sync(shelf_hub, made.connection.id, "full", "test")
    assert (full.id, full.mode) == (made.run.id, "full")
    assert connections.request_sync(shelf_hub, made.connection.id, "incremental", "test").mode == "full"
    assert everything(shelf_hub)["sync_runs"] == 1


def test_an_unknown_mode_is_pointed_at(shelf_hub: Hub) -> None:
    with pytest.raises(Invalid) as raised:
        connections.request_sync(shelf_hub, created(shelf_hub).connection.id, "sideways", "test")
    assert raised.value.faults[0].pointer == "/mode"


def test_connections_are_paged_by_name(shelf_hub: Hub) -> None:
    for name, scope in (("c", "C"), ("a", "A"), ("b", "B")):
        created(shelf_hub, name, scopes=[scope])
    first = connections.page(shelf_hub, None, 2)
    rest = connections.page(shelf_hub, (first[-1].name, first[-1].id), 2)
    assert [connection.name for connection in (*first, *rest)] == ["a", "b", "c"]


def test_what_is_not_there_is_not_found(shelf_hub: Hub) -> None:
    for ask in (connections.get, connections.check_again):
        with pytest.raises(NotFound):
            ask(shelf_hub, "nothing")
