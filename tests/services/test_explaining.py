"""Why an item is there or isn't: each verdict, from what the hub knows and from what the source says."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pmo_hub.host import configuration
from pmo_hub.host.session import sealed_secrets
from pmo_hub.sdk.contract import Named, Page, Ref, Source
from pmo_hub.services import connections, explaining, sync
from pmo_hub.services.errors import Invalid, NotFound, Unavailable
from pmo_hub.services.explaining import Verdict, explain
from pmo_hub.store.repositories import connections as rows
from pmo_hub.store.repositories import syncing
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import TOKEN
from tests.sdk.fake_source import DeltaConnector, DeltaSource, Wire
from tests.services.connected import CONNECTION, Connected


class NamingSource(DeltaSource):
    """People call a task by its id with the project's code before it; a hidden one is shown to nobody."""

    hidden: ClassVar[set[str]] = set()

    def named(self, text: str) -> Named | None:
        row = self.wire.site.tables["task"].get(text.rpartition(":")[2])
        if row is None or row["id"] in self.hidden:
            return None
        return Named(Ref("task", row["id"]), row["project"], text)

    def fetch(self, refs: Iterable[Ref]) -> Iterator[Page]:
        yield from super().fetch([ref for ref in refs if ref.external_id not in self.hidden])


class NamingConnector(DeltaConnector):
    census_kinds = ("task", "project", "link")

    def source(self, wire: Wire) -> Source:
        return NamingSource(wire)


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    made = Connected(work, tmp_path, NamingConnector(), scopes=("P1", "P2"))
    NamingSource.hidden = set()
    made.sync()
    return made


def asked(hub: Connected, ref: str, **options: Any) -> explaining.Explanation:
    return explain(hub.hub, ref, **options)


def key_of(hub: Connected, external_id: str) -> str:
    return str(hub.items()[external_id].key)


def test_an_item_that_is_here_is_told_with_its_scope_its_projects_and_the_run(hub: Connected) -> None:
    for name in (key_of(hub, "P1-T2"), key_of(hub, "P1-T2").lower(), "P1-T2", hub.items()["P1-T2"].id):
        found = asked(hub, name)
        assert found.verdict is Verdict.HERE, name
        assert found.item is not None
        assert found.item.external_id == "P1-T2"
        assert found.scope is not None
        assert found.scope.external_id == "P1"
        assert [(one.name, one.narrowing) for one in found.projects] == [(found.scope.name, "all")]
        assert found.item.run_id == hub.rows("sync_runs")[0].id


def test_an_item_that_counts_nowhere_says_why(hub: Connected) -> None:
    found = asked(hub, "P1-S1")
    assert found.verdict is Verdict.HERE
    assert "counts in no measure (sub_item)" in found.sentence


def test_an_item_that_a_census_missed_is_missing_since_then(hub: Connected) -> None:
    del hub.site.tables["task"]["P1-T5"]
    hub.sync("census")
    found = asked(hub, key_of(hub, "P1-T5"))
    assert (found.verdict, found.missing_since is not None) == (Verdict.MISSING, True)
    assert "The next census that agrees ends it." in found.sentence


def test_an_item_that_ended_says_when_and_why(hub: Connected) -> None:
    key = key_of(hub, "P1-T2")
    hub.site.remove("task", "P1-T2")
    hub.sync()
    found = asked(hub, key)
    assert found.verdict is Verdict.GONE
    assert found.ended is not None
    assert (found.ended.reason, found.ended.external_id) == ("deleted", "P1-T2")
    assert "was deleted" in found.sentence
    assert asked(hub, "P1-T2").verdict is Verdict.GONE


def test_an_item_that_moved_out_of_what_is_read_is_out_of_scope(hub: Connected) -> None:
    key = key_of(hub, "P1-T2")
    hub.site.put("task", "P1-T2", project="P3")
    hub.sync()
    found = asked(hub, key)
    assert found.verdict is Verdict.OUT_OF_SCOPE
    assert found.ended is not None


def test_an_item_that_could_not_be_read_is_in_quarantine_under_its_id_and_under_the_name_in_its_bytes(hub: Connected) -> None:
    hub.site.put("task", "P1-T99", project="P1", title="X-99", state="no such state")
    hub.site.tables["task"]["P1-T99"].pop("labels", None)
    hub.sync()
    assert "P1-T99" in hub.quarantined()
    for name in ("P1-T99", "x-99"):
        found = asked(hub, name)
        assert found.verdict is Verdict.QUARANTINED, name
        assert found.unread is not None
        assert (found.unread.external_id, found.connection is not None) == ("P1-T99", True)


def test_a_scope_that_was_not_read_to_its_end_is_not_yet(hub: Connected) -> None:
    hub.choose("P3")
    run_id = sync.request(hub.hub, CONNECTION)
    found = asked(hub, "P3-1")
    assert (found.verdict, found.waiting_run) == (Verdict.NOT_YET, run_id)
    assert "A run is queued." in found.sentence


def test_a_scope_that_can_not_be_read_is_no_access(hub: Connected) -> None:
    refused = [row.id for row in hub.rows("scopes") if row.external_id == "P2"]
    with hub.work.write() as session:
        syncing.mark_scopes(session, refused, None, "P2 is not to be seen.")
    found = asked(hub, "P2-999")
    assert found.verdict is Verdict.NO_ACCESS
    assert "P2 is not to be seen." in found.sentence


def test_what_was_never_seen_says_what_was_read_and_whom_to_ask(hub: Connected) -> None:
    found = asked(hub, "P1-12345")
    assert found.verdict is Verdict.NEVER_SEEN
    assert found.scope is not None
    assert "read last at" in found.sentence
    assert "ask_source" in found.sentence
    assert found.source_says is None


# With the source's word.


def test_the_source_says_that_an_item_is_out_of_scope(hub: Connected) -> None:
    hub.site.put_task("P3-T50", "P3")
    found = asked(hub, "P3-T50", ask_source=True)
    assert found.verdict is Verdict.OUT_OF_SCOPE
    assert "P3" in found.sentence


def test_the_source_says_that_an_item_is_newer_than_the_last_run(hub: Connected) -> None:
    hub.site.put_task("P1-T50", "P1")
    assert asked(hub, "ONE:P1-T50").verdict is Verdict.NEVER_SEEN
    found = asked(hub, "ONE:P1-T50", ask_source=True)
    assert found.verdict is Verdict.NOT_YET
    assert "The next run brings it" in found.sentence
    hub.sync()
    assert asked(hub, "P1-T50").verdict is Verdict.HERE


def test_the_source_shows_nothing_of_that_name(hub: Connected) -> None:
    found = asked(hub, "P1-12345", ask_source=True)
    assert found.verdict is Verdict.NO_ACCESS
    assert found.source_says is not None


def test_the_source_no_longer_shows_what_is_here(hub: Connected) -> None:
    NamingSource.hidden = {"P1-T2"}
    found = asked(hub, "P1-T2", ask_source=True)
    assert found.verdict is Verdict.MISSING
    assert "two censuses that agree end it" in found.sentence


def test_an_old_name_finds_the_item_under_the_one_that_it_has_now(hub: Connected) -> None:
    found = asked(hub, "OLD:P1-T2", ask_source=True)
    assert found.verdict is Verdict.HERE
    assert f"OLD:P1-T2 is now called {key_of(hub, 'P1-T2')}." in found.sentence


def test_a_source_that_does_not_answer_in_time_is_nobodys_fault(hub: Connected, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(explaining, "LONGEST_S", 0.05)
    monkeypatch.setattr(NamingSource, "named", lambda self, text: answered.wait(30) and None)
    with pytest.raises(Unavailable, match="did not answer"):
        asked(hub, "P1-12345", ask_source=True)
    answered.set()


# Which connection.


def test_an_unknown_connection_is_not_found(hub: Connected) -> None:
    with pytest.raises(NotFound):
        asked(hub, "P1-T2", connection="nothing")


def test_where_several_connections_may_be_asked_one_has_to_be_named(hub: Connected) -> None:
    twin = replace(hub.stored(), id="d0" * 16, name="Twin", namespace="other.example", synced_at=None)
    config = configuration.checked(hub.connector, {"address": "https://other.example", "token": TOKEN})
    with hub.work.write() as session:
        rows.insert(session, replace(twin, secrets=sealed_secrets(hub.hub, config, twin.id)))
    with pytest.raises(Invalid, match="Say which connection") as raised:
        asked(hub, "ZZ-1", ask_source=True)
    assert raised.value.faults[0].pointer == "/connection"
    assert asked(hub, "P1-12345", connection="Tool", ask_source=True).verdict is Verdict.NO_ACCESS
    assert asked(hub, "P1-T2", connection="Twin").verdict is Verdict.NEVER_SEEN
    assert connections.get(hub.hub, CONNECTION).name == "Tool"
