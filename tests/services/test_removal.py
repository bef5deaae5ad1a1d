"""Taking scopes and connections away: said beforehand, and then just that, kept or purged."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.domain.membership import automatic_project
from pmo_hub.services import connections, facts, people, projects, removal, rules, same_as, scopes, work_items
from pmo_hub.services.errors import Conflict, Invalid, NotFound
from pmo_hub.services.projects import NewRule
from pmo_hub.services.removal import Data
from pmo_hub.services.running import LostLease
from pmo_hub.services.sync import Busy
from pmo_hub.store import purging
from pmo_hub.store.base import Base
from pmo_hub.store.models.operation import AuditEntry
from pmo_hub.store.repositories import syncing
from pmo_hub.store.repositories.removals import StoredRemoval
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import FakeSite
from tests.sdk.fake_source import DeltaConnector
from tests.services.connected import CONNECTION, Connected

NEVER_PURGED = {"audit_entries", "jobs", "removals", "events", "outbox_head", "mapping_bases", "alembic_version"}
NEVER_PURGED |= {name for name in Base.metadata.tables if name.startswith("evidence_")}  # tests/services/evidence tells what goes
"""Tables that hold what the hub did, not what the source said."""


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    """A site of three projects, read, edited and read again, so that there is a past."""
    connected = Connected(work, tmp_path, DeltaConnector(FakeSite.sample()))
    connected.sync()
    connected.site.put("task", "P3-T2", title="Renamed", owner={"id": "u9", "name": "Only in P3"}, labels=["violet"])
    connected.site.remove("task", "P3-T4")
    connected.site.put("task", "P2-T2", title="Renamed too")
    connected.sync()
    connected.now += timedelta(minutes=1)
    return connected


def remove(hub: Connected, data: Data, *external_ids: str) -> StoredRemoval:
    asked = removal.request(hub.hub, CONNECTION, external_ids or None, data, "test")
    return removal.run(hub.hub, asked.id)


def sizes(hub: Connected) -> dict[str, int]:
    return {name: len(hub.rows(name)) for name in Base.metadata.tables if name not in NEVER_PURGED}


def scope_id(hub: Connected, external_id: str) -> str:
    found: str = next(r.id for r in hub.rows("scopes") if r.external_id == external_id)
    return found


def content(hub: Connected) -> dict[str, Any]:
    """What is known now, without when it became known."""
    derived = {
        name: sorted(r.row_hash for r in hub.rows(name)) for name in ("item_timings", "iteration_memberships", "project_memberships")
    }
    named = sorted((r.name, r.row_hash) for r in hub.rows("projects"))
    return {**hub.canonical(), **derived, "projects": named, "payloads": sorted((r.id, r.body_hash) for r in hub.payloads().values())}


# Said beforehand.


def test_a_forecast_counts_what_is_there_and_changes_nothing(hub: Connected) -> None:
    before = sizes(hub)
    seen = removal.forecast(hub.hub, CONNECTION, ["P3"])
    assert sizes(hub) == before
    assert [scope.external_id for scope in seen.scopes] == ["P3"]
    assert (seen.items, seen.item_versions) == (5, 2)  # the plan, three tasks, a step; one was renamed, one deleted
    assert [(p.name, p.is_theirs, p.items) for p in seen.projects] == [("Project P3", True, 5)]
    assert seen.facts > 20
    assert "5 items" in seen.if_kept
    assert "5 items, 2 earlier versions" in seen.if_purged


def test_a_forecast_names_the_projects_that_only_lose_items(hub: Connected) -> None:
    rule = NewRule(scope_id(hub, "P3"), "all", None, "execution")
    projects.create(hub.hub, "Both", {}, [rule, NewRule(scope_id(hub, "P2"), "all", None, "execution")], "test")
    seen = removal.forecast(hub.hub, CONNECTION, ["P3"])
    assert {p.name: p.is_theirs for p in seen.projects} == {"Both": False, "Project P3": True}
    assert "Both lose items" in seen.if_purged


def test_a_scope_that_the_connection_does_not_hold_is_pointed_at(hub: Connected) -> None:
    with pytest.raises(Invalid, match="holds no scope 'P9'; it holds P1, P2, P3"):
        removal.forecast(hub.hub, CONNECTION, ["P9"])


# Kept.


def test_kept_data_stays_as_it_is_and_is_read_no_more(hub: Connected) -> None:
    before = content(hub)
    assert remove(hub, "keep", "P3").state == "finished"
    assert content(hub) == before
    hub.site.put("task", "P3-T1", title="Nobody looks")
    hub.sync("full")
    assert hub.items()["P3-T1"].title == "Task P3-T1"
    assert content(hub) == before


def test_the_past_of_kept_data_is_still_answered(hub: Connected) -> None:
    then = hub.now - timedelta(minutes=2)
    item = hub.items()["P3-T2"].id
    remove(hub, "keep", "P3")
    assert work_items.get(hub.hub, item, None).item.title == "Renamed"
    assert work_items.get(hub.hub, item, then).item.title == "Task P3-T2"


def test_kept_data_grows_old_without_an_alarm_and_says_why(hub: Connected) -> None:
    remove(hub, "keep", "P3")
    hub.now += timedelta(days=30)

    def stale(external_id: str) -> tuple[Any, str | None]:
        listed = facts.list_facts(hub.hub, automatic_project(scope_id(hub, external_id))).facts
        (found,) = [one.fact for one in listed if one.fact.name == "project.sync_stale"]
        return found.value, found.reason

    assert stale("P2") == (True, None)
    assert stale("P3") == (False, "kept read-only: its source was taken away on 2026-11-23")


def test_a_kept_connection_forgets_its_secret_and_frees_its_name(hub: Connected) -> None:
    before = content(hub)
    remove(hub, "keep")
    stored = hub.stored()
    assert (stored.state, stored.secrets) == ("removed", b"")
    assert stored.name.startswith("Tool (removed 2026-11-23 ")
    assert content(hub) == before
    for act in (
        lambda: connections.request_sync(hub.hub, CONNECTION, "full", "test"),
        lambda: connections.resume(hub.hub, CONNECTION, "test"),
        lambda: scopes.choose(hub.hub, CONNECTION, "all", "test"),
        lambda: rules.put(hub.hub, CONNECTION, {"counts": {"labels": ["red"]}}, "test"),
        lambda: remove(hub, "keep"),
    ):
        with pytest.raises(Conflict, match="taken away"):
            act()


# Purged.


def test_a_purged_scope_leaves_nothing_behind(hub: Connected) -> None:
    p3 = scope_id(hub, "P3")
    project = automatic_project(p3)
    done = remove(hub, "purge", "P3")
    assert done.removed["work_items"] == 5
    texts = {name: [str(r) for r in hub.rows(name)] for name in Base.metadata.tables if name not in NEVER_PURGED}
    left = {name for name, rows in texts.items() if any("P3" in row or p3 in row or project in row for row in rows)}
    assert left == set()
    assert "Only in P3" not in str(hub.rows("identities"))
    assert "violet" not in str(hub.rows("labels"))
    assert "red" in {r.name for r in hub.rows("labels")}


def test_what_another_scope_tells_of_stays(hub: Connected) -> None:
    others = {i: r.row_hash for i, r in hub.items().items() if not i.startswith("P2")}
    link = next(r for r in hub.rows("dependencies") if r.external_id == "P1-T3>P2-T2")
    remove(hub, "purge", "P2")
    assert {i: r.row_hash for i, r in hub.items().items()} == others
    assert link.id in {r.id for r in hub.rows("dependencies")}
    assert {r.name for r in hub.rows("projects")} == {"Project P1", "Project P3"}


def test_a_project_made_by_hand_loses_only_the_rule_and_is_judged_anew(hub: Connected) -> None:
    rules = [NewRule(scope_id(hub, s), "label", "red", "execution") for s in ("P2", "P3")]
    made = projects.create(hub.hub, "Red", {}, rules, "test")
    hub.now += timedelta(minutes=1)
    remove(hub, "purge", "P3")
    assert [r.scope_name for r in projects.rules(hub.hub, made.id)] == ["Project P2"]
    (count,) = [r.value for r in hub.rows("facts") if r.name == "project.item_count" and r.entity_id == made.id]
    assert count == 1


@pytest.mark.parametrize("kept_before", [False, True])
def test_a_purged_connection_leaves_an_empty_database(hub: Connected, kept_before: bool) -> None:
    hub.upload("plan.json", b"{}")
    item, other = (hub.items()[i].id for i in ("P1-T1", "P2-T1"))
    same_as.remove(hub.hub, same_as.add(hub.hub, item, other, "test").id, "test")
    hub.now += timedelta(minutes=1)
    same_as.add(hub.hub, item, other, "test")
    same_as.add_rule(hub.hub, CONNECTION, "ref", CONNECTION, "own", "test")
    same_as.put_precedence(hub.hub, automatic_project(scope_id(hub, "P1")), {"due": ["schedule"]}, "test")
    people.join(hub.hub, [r.id for r in hub.rows("identities")][:2], "test")
    if kept_before:
        remove(hub, "keep")
    remove(hub, "purge")
    assert {name: count for name, count in sizes(hub).items() if count} == {}
    assert not hub.uploads.exists()
    assert [one.state for one in removal.listed(hub.hub, CONNECTION)][:1] == ["finished"]
    with pytest.raises(NotFound):
        connections.get(hub.hub, CONNECTION)


@pytest.mark.parametrize("cut", [1, 3, 6, 9, 12])
def test_a_purge_that_was_cut_off_is_gone_on_with(hub: Connected, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    monkeypatch.setattr(removal, "BATCH", 4)
    asked = removal.request(hub.hub, CONNECTION, ["P3"], "purge", "test")
    calls: Counter[str] = Counter()
    real = syncing.renew

    def renew(*given: Any) -> bool:
        calls["renew"] += 1
        return calls["renew"] != cut and real(*given)

    monkeypatch.setattr(syncing, "renew", renew)
    with pytest.raises(LostLease):
        removal.run(hub.hub, asked.id)
    assert removal.run(hub.hub, asked.id).state == "finished"
    assert not any(
        "P3" in str(r) for name in ("work_items", "work_items_history", "payloads", "projects", "scopes") for r in hub.rows(name)
    )
    assert hub.rows("purge_candidates") == []


def test_a_purge_deletes_no_more_than_a_batch_at_a_time(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "BATCH", 2)
    most: list[int] = []
    real = purging.purge_payloads

    def counted(*given: Any) -> Counter[str]:
        deleted = real(*given)
        most.append(deleted["payloads"])
        return deleted

    monkeypatch.setattr(purging, "purge_payloads", counted)
    remove(hub, "purge")
    assert max(most) == 2
    assert len(most) > 10


def test_a_removal_waits_for_the_worker_that_reads(hub: Connected) -> None:
    asked = removal.request(hub.hub, CONNECTION, ["P3"], "purge", "test")
    with hub.work.write() as session:
        lease = Base.metadata.tables["leases"]
        session.execute(sa.update(lease).values(holder="elsewhere|1|x", expires_at=hub.now + timedelta(minutes=1)))
    with pytest.raises(Busy):
        removal.run(hub.hub, asked.id)


# Chosen again.


@pytest.mark.parametrize("data", ["keep", "purge"])
def test_a_scope_that_is_chosen_again_ends_equal_to_one_that_is_read_for_the_first_time(hub: Connected, data: Data) -> None:
    remove(hub, data, "P3")
    hub.site.put_task("P3-T9", "P3")
    hub.site.remove("task", "P3-T1")
    hub.site.put("task", "P3-T3", title="Meanwhile")
    hub.now += timedelta(minutes=1)
    scopes.choose(hub.hub, CONNECTION, "all", "test")
    hub.sync()
    hub.sync("census")
    hub.assert_as(hub.model())
    assert {r.external_id: r.removed_at for r in hub.rows("scopes")} == dict.fromkeys(("P1", "P2", "P3"))
    assert sorted(r.name for r in hub.rows("projects")) == ["Project P1", "Project P2", "Project P3"]
    members = {r.item_id for r in hub.rows("project_memberships")}
    assert members == {r.id for r in hub.rows("work_items")}


def test_a_scope_that_is_being_purged_can_not_be_chosen_yet(hub: Connected) -> None:
    removal.request(hub.hub, CONNECTION, ["P3"], "purge", "test")
    with pytest.raises(Conflict, match="being purged"):
        scopes.choose(hub.hub, CONNECTION, "all", "test")


def test_the_audit_log_tells_who_took_what_away(hub: Connected) -> None:
    remove(hub, "keep", "P3")
    with hub.work.read() as session:
        (entry,) = session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "connection.scopes_removed"))
    assert (entry.actor, entry.detail["scopes"], entry.detail["data"], entry.detail["items"]) == ("test", ["P3"], "keep", 5)
