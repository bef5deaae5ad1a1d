"""What webhooks name is fetched, committed, and never lost on the way, whatever fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest

from pmo_hub.sdk.contract import Page, Ref
from pmo_hub.sdk.errors import AuthError, TransientError
from pmo_hub.sdk.testing import Fault
from pmo_hub.services import connections, hinted, scheduling
from pmo_hub.store.repositories.hooks import Outcome
from tests.sdk.fake_hooks import HookedSource
from tests.sdk.fake_source import DeltaSource
from tests.services.connected import CONNECTION
from tests.services.hooked import Hooked, hub

__all__ = ["hub"]


# What arrives.


def test_what_a_delivery_names_is_fetched_with_its_parts_and_nothing_else_is_read(hub: Hooked) -> None:
    hub.site.put("task", "P1-T2", title="Renamed")
    hub.site.put("step", "P1-S1", title="Renamed too")
    hub.site.asked.clear()
    hub.send(Ref("task", "P1-T2"))
    hub.send(Ref("task", "P1-T1"))
    run = hub.fetch()
    assert (run.mode, run.state, run.error) == ("hook", "finished", None)
    assert run.changed == {"task": 2, "step": 1}  # a task counts its parts' changes too
    assert (hub.items()["P1-T2"].title, hub.items()["P1-S1"].title) == ("Renamed", "Renamed too")
    assert {path.partition("/")[0] for path in hub.site.asked} <= {"whoami", "rows", "parts"}
    hub.assert_as(hub.model())
    assert hub.pending() == set()
    assert hub.states() == ["fetched", "fetched"]


def test_what_is_new_arrives(hub: Hooked) -> None:
    hub.send(hub.site.put_task("P2-T9", "P2"))
    hub.fetch()
    assert hub.scope_of("P2-T9") == "P2"
    hub.assert_as(hub.model())


def test_a_poll_after_it_changes_nothing(hub: Hooked) -> None:
    hub.send(hub.site.put("task", "P1-T2", title="Renamed"))
    hub.fetch()
    before = hub.canonical()
    hub.sync()
    assert hub.canonical() == before
    hub.assert_as(hub.model())


def test_what_lies_in_no_chosen_scope_is_dropped(hub: Hooked) -> None:
    hub.site.put("project", "P9", name="Nobody's", code="NOB")
    hub.send(hub.site.put_task("P9-T1", "P9"))
    run = hub.fetch()
    assert (run.state, run.changed) == ("finished", {})
    assert "P9-T1" not in hub.items()
    hub.assert_as(hub.model())


def test_what_moved_out_of_the_chosen_scopes_ends_as_moved(hub: Hooked) -> None:
    hub.site.put("project", "P9", name="Nobody's", code="NOB")
    hub.send(hub.site.put("task", "P1-T1", project="P9"))
    hub.fetch()
    assert hub.tombstones() == dict.fromkeys(("P1-T1", "P1-S1", "P1-N1", "P1-N2"), "moved")
    hub.assert_as(hub.model())


def test_what_moved_between_chosen_scopes_keeps_its_identity(hub: Hooked) -> None:
    before = hub.items()["P1-T1"].id
    hub.send(hub.site.put("task", "P1-T1", project="P3"))
    hub.fetch()
    assert (hub.items()["P1-T1"].id, hub.scope_of("P1-T1"), hub.scope_of("P1-S1")) == (before, "P3", "P3")
    hub.assert_as(hub.model())


def test_a_renamed_word_is_read_again_and_what_is_stored_is_mapped_anew(hub: Hooked) -> None:
    hub.site.rename_state("3", "Done and dusted", "done")
    hub.send_body(b'{"action": {"id": "r1", "type": "renamed:project", "object": "P1"}}')
    hub.fetch()
    assert {r.original_status for r in hub.items().values() if r.original_status_id == "3"} == {"Done and dusted"}
    assert hub.pending() == set()


# What is gone.


def test_a_deletion_that_fetch_confirms_acts_at_once(hub: Hooked) -> None:
    hub.send(hub.site.remove("task", "P1-T1"), deleted=True)
    run = hub.fetch()
    assert run.gone == {"task": 1, "step": 1, "note": 2}
    assert hub.tombstones() == dict.fromkeys(("P1-T1", "P1-S1", "P1-N1", "P1-N2"), "deleted")
    hub.assert_as(hub.model())


def test_a_deletion_that_fetch_contradicts_changes_nothing(hub: Hooked) -> None:
    before = hub.written()
    hub.send(Ref("task", "P1-T1"), deleted=True)
    run = hub.fetch()
    assert (run.state, run.gone, hub.tombstones()) == ("finished", {}, {})
    assert hub.written() == before


def test_what_nobody_said_was_deleted_and_is_not_shown_waits_for_the_census(hub: Hooked) -> None:
    hub.site.remove("task", "P1-T1")
    hub.send(Ref("task", "P1-T1"))
    run = hub.fetch()
    assert (run.state, run.gone) == ("finished", {})
    assert "P1-T1" in hub.items()


@pytest.mark.parametrize("told", [[False, True], [True, False]])
def test_the_order_of_deliveries_does_not_matter(hub: Hooked, told: list[bool]) -> None:
    hub.site.put("task", "P1-T1", title="Renamed")
    ref = hub.site.remove("task", "P1-T1")
    for deleted in told:
        hub.send(ref, deleted=deleted)
    hub.fetch()
    assert hub.tombstones()["P1-T1"] == "deleted"
    hub.assert_as(hub.model())


# One run for many; nothing is lost.


def test_many_deliveries_make_one_run_a_moment_later(hub: Hooked) -> None:
    for ref in ("P1-T1", "P1-T2", "P1-T1", "P2-T1"):
        hub.send(Ref("task", ref))
    (queued,) = hub.queued()
    (job,) = [j for j in hub.rows("jobs") if j.arguments["run_id"] == queued.id]
    assert (job.lock, job.run_at - hub.now) == (f"connection:{CONNECTION}", timedelta(seconds=2))
    assert hub.pending() == {("task", "P1-T1"), ("task", "P1-T2"), ("task", "P2-T1")}
    assert hub.fetch().fetched["task"] == 3


def test_a_delivery_that_comes_again_is_known(hub: Hooked) -> None:
    assert [hub.send(Ref("task", "P1-T1"), number=7) for _ in range(3)] == [Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.DUPLICATE]
    hub.fetch()
    assert hub.send(Ref("task", "P1-T1"), number=7) is Outcome.DUPLICATE
    assert (hub.queued(), hub.pending()) == ([], set())


def test_what_is_named_while_it_is_fetched_is_fetched_again(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = hub.site.put("task", "P1-T2", title="First")
    sound = DeltaSource.fetch

    def overtaken(source: DeltaSource, refs: Iterable[Ref]) -> Iterator[Page]:
        pages = list(sound(source, refs))
        if hub.items()["P1-T2"].title not in ("First", "Second"):
            hub.site.put("task", "P1-T2", title="Second")
            hub.send(ref)
        yield from pages

    monkeypatch.setattr(HookedSource, "fetch", overtaken)
    hub.send(ref)
    hub.fetch()
    assert hub.items()["P1-T2"].title == "First"
    assert hub.pending() == {("task", "P1-T2")}
    hub.fetch()
    assert hub.items()["P1-T2"].title == "Second"
    assert hub.pending() == set()


class Killed(BaseException):
    """The process ends here."""


def test_a_run_that_is_cut_off_after_a_page_is_taken_up_again(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = DeltaSource.fetch

    def cut(source: DeltaSource, refs: Iterable[Ref]) -> Iterator[Page]:
        yield from sound(source, refs)
        raise Killed

    monkeypatch.setattr(HookedSource, "fetch", cut)
    for project in ("P1", "P2"):
        hub.send(hub.site.put("task", f"{project}-T2", title="Renamed"))
    with pytest.raises(Killed):
        hub.fetch()
    assert hub.items()["P1-T2"].title == "Renamed"
    assert len(hub.pending()) == 2
    monkeypatch.undo()
    assert hub.fetch().state == "finished"
    assert hub.pending() == set()
    hub.assert_as(hub.model())


def test_a_source_that_asks_for_a_rest_gets_it_and_nothing_is_forgotten(hub: Hooked) -> None:
    hub.send(hub.site.put("task", "P1-T2", title="Renamed"))
    with hub.site.failing(Fault.RATE_LIMITED):
        run = hub.fetch()
    assert run.state == "waiting"
    assert run.waiting_until is not None
    hub.send(hub.site.put("task", "P2-T2", title="Renamed"))
    (waiting,) = hub.queued()
    assert (waiting.id, hub.pending()) == (run.id, {("task", "P1-T2"), ("task", "P2-T2")})
    hub.now = run.waiting_until
    assert hub.fetch().state == "finished"
    assert hub.pending() == set()
    hub.assert_as(hub.model())


def test_while_another_run_waits_for_the_source_no_delivery_disturbs_it(hub: Hooked) -> None:
    with hub.site.failing(Fault.RATE_LIMITED):
        waiting = hub.sync(attempt=1)
    assert waiting.waiting_until is not None
    hub.send(Ref("task", "P1-T2"))
    (queued,) = hub.queued()
    (job,) = [j for j in hub.rows("jobs") if j.arguments["run_id"] == queued.id]
    assert job.run_at == waiting.waiting_until


def test_what_could_not_be_fetched_is_tried_again_after_the_connections_interval(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(source: DeltaSource, refs: Iterable[Ref]) -> Iterator[Page]:
        raise RuntimeError("a bug")

    hub.send(hub.site.put("task", "P1-T2", title="Renamed"))
    monkeypatch.setattr(HookedSource, "fetch", failing)
    assert hub.fetch().state == "failed"
    assert hinted.tick(hub.hub) == []
    monkeypatch.undo()
    hub.now += timedelta(minutes=hub.connection.interval_minutes)
    assert len(hinted.tick(hub.hub)) == 1
    assert hinted.tick(hub.hub) == []
    hub.fetch()
    assert hub.pending() == set()
    assert hinted.tick(hub.hub) == []


def test_a_paused_connection_keeps_what_is_named_until_it_is_resumed(hub: Hooked) -> None:
    connections.pause(hub.hub, CONNECTION, "test")
    assert hub.send(hub.site.put("task", "P1-T2", title="Renamed")) is Outcome.ACCEPTED
    assert (hub.queued(), hinted.tick(hub.hub)) == ([], [])
    connections.resume(hub.hub, CONNECTION, "test")
    assert len(hinted.tick(hub.hub)) == 1
    hub.fetch()
    hub.assert_as(hub.model())


def test_a_refused_credential_is_no_deletion(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(source: DeltaSource) -> str:
        raise AuthError("The tool refuses the token.")

    monkeypatch.setattr(HookedSource, "check", refusing)
    hub.send(hub.site.remove("task", "P1-T1"), deleted=True)
    run = hub.fetch()
    assert (run.state, hub.stored().state, hub.tombstones()) == ("failed", "failing", {})
    assert hub.pending() == {("task", "P1-T1")}


# What such a run is not.


def test_a_few_fetched_objects_do_not_make_the_data_fresh(hub: Hooked) -> None:
    before = {r.external_id: r.synced_at for r in hub.rows("scopes")}
    hub.now += timedelta(minutes=14)
    hub.send(Ref("task", "P1-T2"))
    hub.fetch()
    assert {r.external_id: r.synced_at for r in hub.rows("scopes")} == before
    hub.now += timedelta(minutes=1)
    (due,) = scheduling.tick(hub.hub)
    assert {r.id: r.mode for r in hub.rows("sync_runs")}[due] == "incremental"


def test_a_few_fetched_objects_do_not_make_up_for_a_failed_run(hub: Hooked, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(source: DeltaSource, *_: object) -> Iterator[Page]:
        raise TransientError("The tool is down.")

    monkeypatch.setattr(HookedSource, "read", down)
    assert hub.sync(attempt=4).state == "failed"
    hub.send(Ref("task", "P1-T2"))
    assert hub.fetch().state == "finished"
    assert (hub.stored().failures, hub.stored().last_error) == (1, "The tool is down.")


def test_a_run_without_anything_to_fetch_asks_nothing(hub: Hooked) -> None:
    hub.send(Ref("task", "P1-T2"))
    with hub.work.write() as session:
        hinted.enqueue(session, CONNECTION, hub.now)
    hub.fetch()
    with hub.work.write() as session:
        hinted.enqueue(session, CONNECTION, hub.now)
    hub.site.asked.clear()
    assert hub.fetch().state == "finished"
    assert hub.site.asked == []
