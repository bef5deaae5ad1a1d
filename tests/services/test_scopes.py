"""Which scopes a connection reads: what is new is synced, what is dropped ends."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pmo_hub.services import connections, scopes, sync
from pmo_hub.services.connections import Draft
from pmo_hub.services.errors import Conflict, Invalid
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.source import Payload, Scope, SyncState
from tests.serving import clock, shelf_hub
from tests.shelf import config
from tests.stored import Clock

__all__ = ["clock", "shelf_hub"]


@pytest.fixture
def connection_id(shelf_hub: Hub) -> str:
    """A connection that reads shelves A and B, and was synced."""
    made = connections.create(shelf_hub, Draft("Library", "shelf", config(), ["A", "B"]), "test")
    assert sync.run(shelf_hub, made.run.id).state == "finished"
    return made.connection.id


def live(hub: Hub) -> dict[str, int]:
    """Payloads that are there, by the scope that they were read in."""
    with hub.work.read() as session:
        query = sa.select(Payload.external_id).where(Payload.gone_at.is_(None)).order_by(Payload.external_id)
        found = [external_id[0] for external_id in session.scalars(query)]
    return {scope: found.count(scope) for scope in found}


def test_what_is_offered_is_told_from_what_is_chosen(shelf_hub: Hub, connection_id: str) -> None:
    found = {scope.external_id: scope for scope in scopes.offered(shelf_hub, connection_id)}
    assert {id: scope.chosen_at is not None for id, scope in found.items()} == {"A": True, "B": True, "C": False}
    assert found["A"].synced_at is not None
    assert found["A"].estimate == 30


def test_a_chosen_scope_that_is_no_longer_offered_is_still_told(shelf_hub: Hub, connection_id: str) -> None:
    with shelf_hub.work.write() as session:
        session.execute(sa.update(Scope).where(Scope.external_id == "B").values(external_id="Z"))
    told = {scope.external_id: (scope.is_offered, scope.chosen_at is not None) for scope in scopes.offered(shelf_hub, connection_id)}
    assert told == {"A": (True, True), "B": (True, False), "C": (True, False), "Z": (False, True)}


def test_a_new_scope_is_queued_to_be_read(shelf_hub: Hub, connection_id: str) -> None:
    made = scopes.choose(shelf_hub, connection_id, ["A", "B", "C"], "test")
    assert [scope.external_id for scope in made.scopes] == ["A", "B", "C"]
    assert made.run is not None
    sync.run(shelf_hub, made.run.id)
    assert live(shelf_hub) == {"A": 2, "B": 2, "C": 2}


def test_choosing_the_same_again_does_nothing(shelf_hub: Hub, connection_id: str) -> None:
    made = scopes.choose(shelf_hub, connection_id, ["B", "A"], "test")
    assert made.run is None
    assert len(made.scopes) == 2


def test_all_adds_what_is_offered_and_drops_nothing(shelf_hub: Hub, connection_id: str) -> None:
    with shelf_hub.work.write() as session:
        session.execute(sa.update(Scope).where(Scope.external_id == "B").values(id="f" * 32, external_id="Z"))
    found = scopes.choose(shelf_hub, connection_id, "all", "test").scopes
    assert {scope.external_id for scope in found} == {"A", "B", "C", "Z"}


def test_a_drop_that_says_nothing_of_the_data_is_refused(shelf_hub: Hub, connection_id: str) -> None:
    with pytest.raises(Invalid, match='"keep" or "purge"') as raised:
        scopes.choose(shelf_hub, connection_id, ["A"], "test")
    assert raised.value.faults[0].pointer == "/dropped_data"
    assert len(scopes.choose(shelf_hub, connection_id, ["A", "B"], "test").scopes) == 2


def test_a_dropped_scope_is_read_no_more_and_its_data_kept(shelf_hub: Hub, connection_id: str, clock: Clock) -> None:
    clock.forward(minutes=1)
    made = scopes.choose(shelf_hub, connection_id, ["A"], "test", "keep")
    assert made.run is None
    assert made.removal_id is not None
    assert live(shelf_hub) == {"A": 2, "B": 2}
    with shelf_hub.work.read() as session:
        assert session.scalars(sa.select(SyncState.key)).all() == ["A/read"]
    told = {scope.external_id: scope.read_only_since for scope in scopes.offered(shelf_hub, connection_id)}
    assert told == {"A": None, "B": clock.now, "C": None}


def test_a_scope_chosen_anew_is_read_from_the_start(shelf_hub: Hub, connection_id: str, clock: Clock) -> None:
    clock.forward(minutes=1)
    scopes.choose(shelf_hub, connection_id, ["A"], "test", "keep")
    clock.forward(minutes=1)
    again = scopes.choose(shelf_hub, connection_id, ["A", "B"], "test")
    assert again.run is not None
    sync.run(shelf_hub, again.run.id)
    assert live(shelf_hub) == {"A": 2, "B": 2}
    with shelf_hub.work.read() as session:
        assert sorted(session.scalars(sa.select(SyncState.key))) == ["A/read", "B/read"]


@pytest.mark.parametrize(("wanted", "pointer"), [([], "/scopes"), (["A", "Z"], "/scopes/1")])
def test_a_wrong_choice_is_pointed_at(shelf_hub: Hub, connection_id: str, wanted: list[str], pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        scopes.choose(shelf_hub, connection_id, wanted, "test")
    assert raised.value.faults[0].pointer == pointer


def test_a_scope_of_another_connection_is_a_conflict(shelf_hub: Hub, connection_id: str) -> None:
    other = connections.create(shelf_hub, Draft("Other", "shelf", config(), ["C"]), "test").connection.id
    with pytest.raises(Conflict, match="'Library' reads 'Atlases' already"):
        scopes.choose(shelf_hub, other, ["A", "C"], "test")
