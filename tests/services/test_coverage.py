"""Coverage as a list of work, with how much hangs on each gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pmo_hub.domain.coverage import Dimension
from pmo_hub.sdk.contract import Grade, Reference, Word
from pmo_hub.services import coverage
from pmo_hub.services.errors import NotFound
from pmo_hub.store.repositories import connections
from pmo_hub.store.unit_of_work import Work
from tests.sdk.fake_site import FakeSite
from tests.sdk.ruled_source import EXTRA, RuledConnector
from tests.services.connected import CONNECTION, Connected


class Doubting(RuledConnector):
    """Of state 2 it knows no more than the name; what a project's own item is, it guesses; it has no scale and uses no column."""

    def words(self, references: Sequence[Reference], rules: Mapping[str, str]) -> Sequence[Word]:
        own = super().words(references, rules)
        states = [Word(w.dimension, w.id, w.name, w.value, Grade.UNMAPPED if w.id == "2" else w.grade, w.rule) for w in own]
        types = [Word("type", "t", "task", "task", Grade.TOLD, "kind"), Word("type", "p", "plan", "summary", Grade.GUESSED, "kind")]
        return [*states, *types, Word("field", EXTRA, "Ticket", None, Grade.UNMAPPED, "keep")]


@pytest.fixture
def hub(work: Work, tmp_path: Path) -> Connected:
    site = FakeSite.sample()
    site.put("task", "P1-T1", **{EXTRA: "MSP-7"})
    connected = Connected(work, tmp_path, Doubting(site))
    with work.write() as session:
        connections.update(session, CONNECTION, {"rules": {"keep": f'["{EXTRA}"]'}})
    connected.sync()
    return connected


def found(hub: Connected, dimension: Dimension) -> dict[str | None, tuple[str, int]]:
    return {one.gap.name: (one.gap.grade, one.gap.items) for one in coverage.work_list(hub.hub, CONNECTION, dimension)}


def test_a_status_without_a_meaning_comes_with_its_items(hub: Connected) -> None:
    held = [i for i, r in hub.items().items() if r.original_status_id == "2"]
    entries = coverage.work_list(hub.hub, CONNECTION, Dimension.STATUS)
    entry = next(one for one in entries if one.gap.id == "2")
    assert (entry.gap.items, entry.gap.value, entry.gap.rule) == (len(held), "in_progress", "status_category")
    assert {e.id for e in entry.evidence} <= {hub.items()[i].id for i in held}
    assert len(entry.evidence) == 2
    assert "1" not in {one.gap.id for one in entries}


def test_types_fields_and_people_are_counted_by_item(hub: Connected) -> None:
    types = found(hub, Dimension.TYPE)
    assert "task" not in types
    assert types["step"] == ("unmapped", 3)
    assert found(hub, Dimension.FIELD) == {EXTRA: ("unmapped", 1)}
    people = found(hub, Dimension.PERSON)
    assert sum(items for _, items in people.values()) == 16
    assert set(people) == {"User 0", "User 1", "User 2"}


def test_a_reference_that_leads_nowhere_is_counted(hub: Connected) -> None:
    assert found(hub, Dimension.REFERENCE) == {}
    hub.site.put("task", "P1-T4", parent="P9-T1")
    hub.site.put("task", "P1-T5", blocks=["P9-T2"])
    hub.sync()
    assert found(hub, Dimension.REFERENCE) == {"parent": ("missing", 1), "dependency": ("missing", 1)}


def test_the_whole_list_begins_with_what_most_hangs_on(hub: Connected) -> None:
    counts = [one.gap.items for one in coverage.work_list(hub.hub)]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) > 5


def test_an_unknown_connection_has_no_list(hub: Connected) -> None:
    with pytest.raises(NotFound):
        coverage.work_list(hub.hub, "nothing")
