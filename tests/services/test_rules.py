"""Mapping rules: checked before they are kept, previewed without a word written, followed by a re-map without the source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.sdk.testing import Fault
from pmo_hub.services import rule_preview, rules
from pmo_hub.services.errors import Conflict, Invalid
from pmo_hub.services.running import LostLease
from pmo_hub.store import remapping
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.repositories import syncing
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import FakeSite
from tests.sdk.ruled_source import EXTRA, RuledConnector
from tests.services.connected import CONNECTION, Connected


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    """A site whose tasks in state 2 mean "in progress" by themselves, read once."""
    site = FakeSite.sample()
    site.put("task", "P1-T1", **{EXTRA: "MSP-7"})
    connected = Connected(work, tmp_path, RuledConnector(site))
    connected.sync()
    return connected


def follow(hub: Connected, wanted: dict[str, Any]) -> list[syncing.Run]:
    """The rules are put, and the runs that they asked for have run."""
    accepted = rules.put(hub.hub, CONNECTION, wanted, "test")
    return [hub.sync(run.mode) for run in accepted.runs]


def categories(hub: Connected) -> set[tuple[str, str]]:
    return {(r.original_status_id, r.status_category) for r in hub.items().values() if r.original_type == "task"}


def test_a_rule_maps_what_is_stored_without_asking_the_source(hub: Connected) -> None:
    asked = len(hub.site.asked)
    with hub.site.failing(Fault.UNAVAILABLE):
        (run,) = follow(hub, {"category": {"2": "cancelled"}})
    assert (run.mode, run.state, run.error, run.requests) == ("remap", "finished", None, 0)
    assert len(hub.site.asked) == asked
    assert categories(hub) == {("1", "todo"), ("2", "cancelled"), ("3", "done")}
    assert run.fetched == run.expected
    assert run.changed["task"] == 16


def test_a_re_map_writes_from_now_on_and_leaves_the_past_as_it_was_known(hub: Connected) -> None:
    before = {i: (r.status_category, r.recorded_from) for i, r in hub.items().items() if r.original_status_id == "2"}
    follow(hub, {"category": {"2": "cancelled"}})
    past = {r.external_id: r for r in hub.rows("work_items_history")}
    assert {i: (r.status_category, r.recorded_from) for i, r in past.items()} == before
    assert {r.recorded_to for r in past.values()} == {hub.now}


def test_facts_follow_a_re_map(hub: Connected) -> None:
    def counted() -> list[int]:
        return sorted(r.value for r in hub.rows("facts") if r.name == "project.item_count")

    assert counted() == [4, 5, 7]
    follow(hub, {"counts": {"types": ["Task"]}})
    assert counted() == [0, 0, 0]


def test_a_re_map_that_was_cut_off_is_gone_on_with(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmo_hub.services.reading.REMAP_PAYLOADS", 4)
    real, calls = remapping.remap, []

    def cut(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 3:
            raise LostLease
        return real(*given)

    monkeypatch.setattr(remapping, "remap", cut)
    rules.put(hub.hub, CONNECTION, {"category": {"2": "cancelled"}}, "test")
    hub.sync("remap")
    some = [r.status_category for r in hub.items().values() if r.original_status_id == "2"]
    assert 0 < some.count("cancelled") < len(some)
    hub.sync("remap")
    assert categories(hub) == {("1", "todo"), ("2", "cancelled"), ("3", "done")}
    assert len(hub.rows("work_items_history")) == len(some)


def test_a_re_map_says_nothing_of_the_sources_state(hub: Connected) -> None:
    with hub.site.failing(Fault.UNAUTHORIZED):
        assert hub.sync().state == "failed"
    synced_at = hub.stored().synced_at
    (run,) = follow(hub, {"category": {"2": "cancelled"}})
    assert run.state == "finished"
    assert (hub.stored().state, hub.stored().synced_at) == ("failing", synced_at)


def test_a_type_or_label_is_left_out_of_every_measure(hub: Connected) -> None:
    follow(hub, {"counts": {"labels": ["RED"]}})
    left_out = {i: r.uncounted for i, r in hub.items().items() if not r.counts and r.original_type == "task"}
    assert left_out == {"P1-T1": "rule", "P2-T1": "rule", "P3-T1": "rule"}
    follow(hub, {})
    assert all(r.counts for r in hub.items().values() if r.original_type == "task")


def test_the_same_rules_again_change_nothing(hub: Connected) -> None:
    follow(hub, {"category": {"2": "cancelled"}})
    assert rules.put(hub.hub, CONNECTION, {"category": {"2": "cancelled"}}, "test").runs == []


def test_an_unknown_word_is_pointed_at_after_the_source_was_asked_for_it(hub: Connected) -> None:
    asked = hub.site.asked.count("states")
    with pytest.raises(Invalid) as raised:
        rules.put(hub.hub, CONNECTION, {"category": {"77": "done"}, "counts": {"labels": []}}, "test")
    assert [(f.pointer, f.why) for f in raised.value.faults] == [("/rules/category/77", "There is no state '77'.")]
    assert hub.site.asked.count("states") == asked + 1


def test_a_word_that_the_source_has_learnt_since_is_accepted(hub: Connected) -> None:
    hub.site.rename_state("77", "Parked", "todo")
    follow(hub, {"category": {"77": "cancelled"}})
    assert dict(hub.stored().rules) == {"category": '{"77":"cancelled"}'}


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"nonsense": 1}, "/rules/nonsense"),
        ({"counts": {"types": "Bug"}}, "/rules/counts/types"),
        ({"counts": {"colour": []}}, "/rules/counts/colour"),
        ({"counts": []}, "/rules/counts"),
    ],
)
def test_a_rule_of_the_wrong_shape_is_pointed_at(hub: Connected, wanted: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as raised:
        rules.put(hub.hub, CONNECTION, wanted, "test")
    assert [fault.pointer for fault in raised.value.faults] == [pointer]
    assert hub.stored().rules == {}


def test_rules_decided_on_others_are_a_conflict(hub: Connected) -> None:
    seen = rules.get(hub.hub, CONNECTION).updated_at
    hub.now = hub.now.replace(minute=hub.now.minute + 1)
    rules.put(hub.hub, CONNECTION, {"counts": {"labels": ["red"]}}, "test", seen)
    with pytest.raises(Conflict, match="changed the connection meanwhile"):
        rules.put(hub.hub, CONNECTION, {}, "test", seen)


def test_the_audit_log_tells_who_changed_which_rule(hub: Connected) -> None:
    follow(hub, {"category": {"2": "cancelled"}})
    with hub.work.read() as session:
        (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "connection.rules_changed"))
    assert (entry.actor, entry.detail["changed"]) == ("test", ["category"])


def test_a_field_that_was_never_fetched_is_back_filled(hub: Connected) -> None:
    seen = rule_preview.preview(hub.hub, CONNECTION, {"keep": [EXTRA]})
    assert seen.unread_fields == (EXTRA,)
    assert "reads all scopes in full" in seen.warnings[0]
    runs = follow(hub, {"keep": [EXTRA]})
    assert [run.mode for run in runs] == ["remap", "full"]
    assert [(r.field, r.text) for r in hub.rows("custom_values")] == [(EXTRA, "MSP-7")]
    assert rules.get(hub.hub, CONNECTION).unread_fields == ()


# The preview.


def test_a_preview_counts_what_the_re_map_then_changes_and_writes_nothing(hub: Connected) -> None:
    wanted = {"category": {"2": "cancelled"}}
    before = hub.written()
    seen = rule_preview.preview(hub.hub, CONNECTION, wanted)
    assert hub.written() == before
    assert (seen.is_whole, seen.payloads) == (True, seen.total)
    follow(hub, wanted)
    changed = hub.rows("work_items_history")
    assert seen.rows == len(changed)
    assert seen.by_field == {"work_item.status_category": len(changed)}
    assert sorted((p.name, p.rows) for p in seen.by_project) == [("Project P1", 3), ("Project P2", 2), ("Project P3", 2)]
    assert {(s.field, s.before, s.after) for s in seen.samples} == {("status_category", "in_progress", "cancelled")}


def test_a_preview_gives_the_same_in_batches_of_any_size(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"category": {"2": "cancelled", "1": "done"}, "counts": {"labels": ["red"]}}
    whole = rule_preview.preview(hub.hub, CONNECTION, wanted)
    monkeypatch.setattr(rule_preview, "BATCH", 2)
    assert rule_preview.preview(hub.hub, CONNECTION, wanted) == whole
    assert set(whole.by_field) == {"work_item.status_category", "work_item.counts", "work_item.uncounted"}


def test_a_preview_that_runs_out_of_time_says_so(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_preview, "BATCH", 2)
    monkeypatch.setattr(rule_preview, "LONGEST", rule_preview.LONGEST * 0)
    seen = rule_preview.preview(hub.hub, CONNECTION, {"category": {"2": "cancelled"}})
    assert not seen.is_whole
    assert 0 < seen.payloads < seen.total


# Words that the kept dictionaries lack.


def test_an_unknown_status_makes_the_dictionaries_be_read_again_once_a_run(hub: Connected) -> None:
    hub.site.rename_state("9", "Waiting", "in_progress")
    for task in ("P1-T2", "P2-T2", "P2-T3"):
        hub.site.put("task", task, state="9")
    asked = hub.site.asked.count("states")
    assert hub.sync().state == "finished"
    assert hub.site.asked.count("states") == asked + 1
    assert {hub.items()[i].original_status for i in ("P1-T2", "P2-T2", "P2-T3")} == {"Waiting"}
    hub.assert_as(hub.model())
