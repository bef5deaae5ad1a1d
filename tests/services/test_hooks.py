"""Webhooks as an admin sees them: shown once, rotated with an overlap, registered where the source takes them, turned off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.hooks import Proof
from pmo_hub.services import connections, hooks, receiving, registering, resealing, scopes
from pmo_hub.services.errors import Invalid, NotFound, Unproven
from pmo_hub.services.hooks import Wanted
from pmo_hub.store.repositories.hooks import Outcome
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_hooks import FakeHooks, HookedConnector
from tests.services.connected import CONNECTION
from tests.services.hooked import Hooked

TASK = Ref("task", "P1-T1")


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Hooked:
    return Hooked(work, tmp_path)


def test_a_secret_is_shown_once_and_stored_encrypted(hub: Hooked) -> None:
    assert hub.hook.is_new
    assert hub.hook.url == f"http://127.0.0.1:8000/hooks/{CONNECTION}"
    assert hub.hook.secret is not None
    assert len(hub.hook.secret) >= 40
    (row,) = hub.rows("hooks")
    assert hub.hook.secret.encode() not in row.secrets
    for told in (hub.hook, hooks.get(hub.hub, CONNECTION), connections.get(hub.hub, CONNECTION), hub.door()):
        assert hub.hook.secret not in repr(told)
    assert connections.get(hub.hub, CONNECTION).hook == hooks.get(hub.hub, CONNECTION)


def test_of_a_token_only_the_hash_is_stored(hub: Hooked) -> None:
    made = hub.set_up(Proof.TOKEN)
    address, _, token = made.url.partition("?token=")
    assert (address, made.secret) == (hub.hook.info.url, None)
    (row,) = hub.rows("hooks")
    assert token not in str(row)
    assert receiving.is_token_right(hub.door(), token)
    assert not receiving.is_token_right(hub.door(), token[:-1])
    body = b'{"action": {"id": "1", "type": "changed:task", "object": "P1-T1"}}'
    assert receiving.receive(hub.hub, hub.door(), {}, token, body) is Outcome.ACCEPTED
    with pytest.raises(Unproven):
        receiving.receive(hub.hub, hub.door(), {}, f"{token}x", body)


def test_a_former_secret_is_taken_until_the_overlap_has_passed(hub: Hooked) -> None:
    former = hub.hook.secret
    made = hub.set_up(overlap_hours=2)
    assert (made.is_new, made.info.older_until) == (False, hub.now + timedelta(hours=2))
    assert made.secret != former
    assert hub.send(TASK) is Outcome.ACCEPTED
    hub.now += timedelta(hours=1, minutes=59)
    assert hub.send(TASK, secret=former) is Outcome.ACCEPTED
    hub.now += timedelta(minutes=1)
    with pytest.raises(Unproven):
        hub.send(TASK, secret=former)
    assert hub.send(TASK) is Outcome.ACCEPTED


def test_without_an_overlap_the_former_secret_ends_at_once(hub: Hooked) -> None:
    former = hub.hook.secret
    hub.set_up(overlap_hours=0)
    with pytest.raises(Unproven):
        hub.send(TASK, secret=former)


def test_a_change_from_token_to_signature_overlaps_too(hub: Hooked) -> None:
    token = hub.set_up(Proof.TOKEN).url.partition("?token=")[2]
    hub.set_up(Proof.SIGNATURE)
    assert receiving.receive(hub.hub, hub.door(), {}, token, b"{}") is Outcome.ACCEPTED
    assert hub.send(TASK) is Outcome.ACCEPTED


def test_a_secret_that_the_source_gave_out_is_not_told_back(hub: Hooked) -> None:
    given = "the-application-secret-of-the-tool"
    assert hub.set_up(secret=given).secret is None
    assert hub.send(TASK, secret=given) is Outcome.ACCEPTED


def test_a_hook_that_can_not_be_is_refused(hub: Hooked) -> None:
    before = hub.rows("hooks")
    for wanted, pointer in (
        (Wanted(secret="too short"), "/secret"),
        (Wanted(Proof.TOKEN, secret="long enough to be one"), "/secret"),
        (Wanted(overlap_hours=24 * 32), "/overlap_hours"),
    ):
        with pytest.raises(Invalid) as refused:
            hooks.set_up(hub.hub, CONNECTION, wanted, "test")
        assert refused.value.faults[0].pointer == pointer
    assert hub.rows("hooks") == before


def test_a_proof_that_the_connector_does_not_know_is_refused(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HookedConnector, "hooks", FakeHooks(proofs=(Proof.SIGNATURE,)))
    with pytest.raises(Invalid, match="choose one of signature"):
        hub.set_up(Proof.TOKEN)


def test_a_connector_without_webhooks_says_so(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HookedConnector, "capabilities", frozenset())
    with pytest.raises(Invalid, match="takes no webhooks"):
        hub.set_up()


def test_a_hook_that_is_turned_off_takes_nothing_and_forgets_what_came(hub: Hooked) -> None:
    hub.send(TASK)
    hooks.remove(hub.hub, CONNECTION, "test")
    assert receiving.door(hub.hub, CONNECTION) is None
    assert (hub.rows("hooks"), hub.rows("hook_refs"), hub.rows("hook_deliveries")) == ([], [], [])
    for call in (lambda: hooks.get(hub.hub, CONNECTION), lambda: hooks.remove(hub.hub, CONNECTION, "test")):
        with pytest.raises(NotFound):
            call()
    assert connections.get(hub.hub, CONNECTION).hook is None


def test_every_change_is_in_the_audit_log_without_a_secret(hub: Hooked) -> None:
    former = hub.hook.secret or ""
    hub.set_up()
    hooks.remove(hub.hub, CONNECTION, "test")
    entries = [r for r in hub.rows("audit_entries") if r.subject_id == CONNECTION]
    assert sorted(r.action for r in entries) == ["hook.created", "hook.removed", "hook.rotated"]
    assert former not in str(entries)
    assert (hub.hook.secret or "") not in str(entries)


def test_a_rotated_key_of_the_hub_reseals_the_secret(hub: Hooked) -> None:
    newer = bytes(range(32, 64))
    rotating = replace(hub.hub, secrets=SecretBox([newer, bytes(range(32))]))
    assert resealing.reseal(rotating, "test").resealed == 2
    hub.hub = replace(hub.hub, secrets=SecretBox([newer]))
    assert hub.send(TASK) is Outcome.ACCEPTED


# Where the source takes webhooks by its API.


def test_the_source_is_told_where_to_send_and_told_to_stop(hub: Hooked) -> None:
    assert hub.connector.registered == {"w1": (hub.hook.url, ("P1", "P2", "P3"))}
    assert hub.hook.info.is_registered
    hooks.remove(hub.hub, CONNECTION, "test")
    assert hub.connector.registered == {}


def test_a_source_that_refuses_leaves_everything_as_it_was(hub: Hooked) -> None:
    former = hub.hook
    hub.connector.refuses = True
    with pytest.raises(Invalid, match="does not reach the address"):
        hooks.set_up(hub.hub, CONNECTION, Wanted(), "test")
    assert hub.send(TASK, secret=former.secret) is Outcome.ACCEPTED
    hooks.remove(hub.hub, CONNECTION, "test")
    with pytest.raises(Invalid):
        hooks.set_up(hub.hub, CONNECTION, Wanted(), "test")
    assert hub.rows("hooks") == []


def test_a_registration_is_renewed_before_it_ends(hub: Hooked) -> None:
    first = hub.hook.info.registration_expires_at
    assert first is not None
    hooks.tick(hub.hub)
    assert [j for j in hub.rows("jobs") if j.kind == registering.RENEWAL] == []
    hub.now = first - timedelta(days=4)
    hooks.tick(hub.hub)
    hooks.tick(hub.hub)
    (job,) = [j for j in hub.rows("jobs") if j.kind == registering.RENEWAL]
    hub.connector.refuses = True
    registering.renew(hub.hub, **job.arguments)
    failed = hooks.get(hub.hub, CONNECTION)
    assert (failed.registration_expires_at, failed.registration_error) == (first, "The tool does not reach the address of the webhook.")
    hub.connector.refuses = False
    registering.renew(hub.hub, **job.arguments)
    renewed = hooks.get(hub.hub, CONNECTION)
    assert (renewed.registration_expires_at, renewed.registration_error) == (hub.now + timedelta(days=30), None)


def test_the_source_learns_which_scopes_are_chosen_now(hub: Hooked) -> None:
    scopes.choose(hub.hub, CONNECTION, ["P1", "P2"], "test", "keep")
    (job,) = [j for j in hub.rows("jobs") if j.kind == registering.RENEWAL]
    registering.renew(hub.hub, **job.arguments)
    assert hub.connector.registered == {"w1": (hub.hook.url, ("P1", "P2"))}


def test_what_came_long_ago_is_forgotten(hub: Hooked) -> None:
    hub.send(TASK, number=1)
    hub.now += hooks.KEPT
    hooks.tick(hub.hub)
    assert len(hub.rows("hook_deliveries")) == 1
    hub.send(Ref("task", "P1-T2"), number=2)
    hub.now += timedelta(seconds=1)
    hooks.tick(hub.hub)
    assert len(hub.rows("hook_deliveries")) == 1
    assert hub.pending() == {("task", "P1-T1"), ("task", "P1-T2")}
    hub.now += hooks.PENDING_KEPT - hooks.KEPT
    hooks.tick(hub.hub)
    assert (hub.pending(), hub.rows("hook_deliveries")) == ({("task", "P1-T2")}, [])
