"""API keys: shown once, recognised by hash, ended by time or by hand."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from pmo_hub.services import access
from pmo_hub.services.access import Caller, NewKey, Recognised
from pmo_hub.services.errors import Invalid, NotFound
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.operation import ApiKey, AuditEntry
from tests.serving import clock, shelf_hub
from tests.stored import Clock

__all__ = ["clock", "shelf_hub"]


def made(hub: Hub, *scopes: str, **more: object) -> NewKey:
    return access.create_key(hub, "board", scopes or ("projects:read",), "test", **more)  # type: ignore[arg-type]


def test_a_new_key_is_recognised_with_what_it_allows(shelf_hub: Hub) -> None:
    key = made(shelf_hub, "projects:read", "violations:write")
    caller = access.recognise(shelf_hub, key.text)
    assert caller is not None
    assert caller.name == "board"
    assert caller.scopes == {"projects:read", "violations:write"}
    assert key.text.startswith(f"pmo_{key.info.prefix}_")


def test_two_keys_of_one_name_are_two(shelf_hub: Hub) -> None:
    first, second = made(shelf_hub), made(shelf_hub)
    assert first.text != second.text
    assert access.recognise(shelf_hub, first.text) != access.recognise(shelf_hub, second.text)


def test_the_store_and_the_audit_log_hold_no_key(shelf_hub: Hub) -> None:
    key = made(shelf_hub)
    secret = key.text.split("_", 2)[2]
    with shelf_hub.work.read() as session:
        rows = [*session.execute(sa.select(ApiKey.__table__)), *session.execute(sa.select(AuditEntry.__table__))]
    assert secret not in json.dumps([list(row) for row in rows], default=str)
    assert secret not in repr(key)


@pytest.mark.parametrize("change", ["flipped", "cut", "longer", "prefix"])
def test_a_key_that_is_not_quite_it_is_unknown(shelf_hub: Hub, change: str) -> None:
    text = made(shelf_hub).text
    other = made(shelf_hub).info.prefix
    wrong = {
        "flipped": text[:-1] + ("A" if text[-1] != "A" else "B"),
        "cut": text[:-1],
        "longer": text + "A",
        "prefix": f"pmo_{other}_{text.split('_', 2)[2]}",
    }[change]
    assert access.recognise(shelf_hub, wrong) is None


@pytest.mark.parametrize("text", ["", "pmo_", "pmo_0123abcd_", "Bearer x", "pmo_0123abcd_" + "a" * 500, "pmo_ÿÿÿÿÿÿÿÿ_" + "a" * 43])
def test_what_does_not_look_like_a_key_costs_no_query(text: str) -> None:
    assert access.prefix_of(text) is None


def test_an_expired_key_is_unknown(shelf_hub: Hub, clock: Clock) -> None:
    key = made(shelf_hub, expires_at=clock() + timedelta(hours=1))
    assert access.recognise(shelf_hub, key.text) is not None
    clock.forward(hours=1)
    assert access.recognise(shelf_hub, key.text) is None
    assert [found.state(clock()) for found in access.list_keys(shelf_hub)] == ["expired"]


@pytest.mark.parametrize("by", ["id", "prefix", "name"])
def test_a_revoked_key_is_unknown(shelf_hub: Hub, clock: Clock, by: str) -> None:
    key = made(shelf_hub)
    access.revoke_key(shelf_hub, getattr(key.info, by), "test")
    assert access.recognise(shelf_hub, key.text) is None
    assert [found.state(clock()) for found in access.list_keys(shelf_hub)] == ["revoked"]


def test_revoking_twice_is_told_once(shelf_hub: Hub) -> None:
    key = made(shelf_hub)
    access.revoke_key(shelf_hub, key.info.id, "test")
    access.revoke_key(shelf_hub, key.info.id, "test")
    with shelf_hub.work.read() as session:
        assert session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.action)).all() == ["key.created", "key.revoked"]


def test_a_name_that_several_keys_have_is_not_revoked_by_chance(shelf_hub: Hub) -> None:
    made(shelf_hub)
    made(shelf_hub)
    with pytest.raises(Invalid, match="Several keys"):
        access.revoke_key(shelf_hub, "board", "test")


def test_revoking_what_is_not_there_is_not_found(shelf_hub: Hub) -> None:
    with pytest.raises(NotFound):
        access.revoke_key(shelf_hub, "nothing", "test")


@pytest.mark.parametrize(
    ("name", "scopes", "pointer"),
    [(" ", ["admin"], "/name"), ("n" * 201, ["admin"], "/name"), ("n", [], "/scopes"), ("n", ["projects:erase"], "/scopes")],
)
def test_a_key_is_refused_with_a_pointer(shelf_hub: Hub, name: str, scopes: list[str], pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        access.create_key(shelf_hub, name, scopes, "test")
    assert raised.value.faults[0].pointer == pointer


def test_a_key_that_would_have_expired_already_is_refused(shelf_hub: Hub, clock: Clock) -> None:
    with pytest.raises(Invalid):
        made(shelf_hub, expires_at=clock())


@pytest.mark.parametrize(
    ("scopes", "asked", "may"),
    [
        ({"projects:read"}, "projects:read", True),
        ({"projects:read"}, "projects:write", False),
        ({"projects:write"}, "projects:read", True),
        ({"projects:write"}, "violations:read", False),
        ({"admin"}, "violations:write", True),
        (set(), "projects:read", False),
    ],
)
def test_scopes_allow_what_they_say(scopes: set[str], asked: str, may: bool) -> None:
    assert Caller("id", "name", "prefix", frozenset(scopes)).may(asked) is may


def test_a_recognised_key_is_remembered_for_seconds_only(shelf_hub: Hub, clock: Clock) -> None:
    key = made(shelf_hub)
    caller = access.recognise(shelf_hub, key.text)
    assert caller is not None
    remembered = Recognised()
    remembered.keep(key.text, caller, clock())
    assert remembered.get(key.text, clock()) is caller
    assert remembered.get(key.text + "x", clock()) is None
    clock.forward(seconds=access.CACHE_LIFE.total_seconds())
    assert remembered.get(key.text, clock()) is None


def test_a_remembered_key_does_not_outlive_its_end(shelf_hub: Hub, clock: Clock) -> None:
    key = made(shelf_hub, expires_at=clock() + timedelta(seconds=1))
    caller = access.recognise(shelf_hub, key.text)
    assert caller is not None
    remembered = Recognised()
    remembered.keep(key.text, caller, clock())
    clock.forward(seconds=1)
    assert remembered.get(key.text, clock()) is None


def test_what_is_remembered_stays_bounded(shelf_hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "CACHE_SIZE", 2)
    caller = Caller("id", "name", "prefix", frozenset())
    remembered = Recognised()
    for n in range(5):
        remembered.keep(str(n), caller, clock())
    assert sum(remembered.get(str(n), clock()) is not None for n in range(5)) <= 2
