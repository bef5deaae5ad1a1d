"""Board exports as people give them to a hub: uploaded, or laid into a watched folder; on both engines."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pmo_hub.host.registry import Registry
from pmo_hub.host.session import Throttles
from pmo_hub.services import connections, held, sync, uploads
from pmo_hub.services.connections import Draft
from pmo_hub.services.errors import Invalid
from pmo_hub.services.hub import Hub
from pmo_hub.store.models.canonical import Comment, WorkItem
from pmo_hub.store.repositories.syncing import Run
from pmo_hub.store.secrets import SecretBox
from pmo_hub.store.unit_of_work import Work
from pmo_hub_trello.connector import TrelloConnector
from tests.connectors.pmo_hub_trello.test_exports import BOARD, card, comment, export

SAID = datetime(2026, 11, 2, tzinfo=UTC)


class Given:
    """A hub with a connection to Trello that has files only."""

    def __init__(self, work: Work, folder: Path, config: dict[str, Any], **hub: Any) -> None:
        self.later = timedelta(0)
        registry = Registry.of(TrelloConnector())
        self.hub = Hub(work, lambda: datetime.now(UTC) + self.later, registry, SecretBox([bytes(32)]), Throttles(), folder / "data", **hub)
        self.id = connections.create(self.hub, Draft("Boards", "trello", config), "admin").connection.id

    def upload(self, content: bytes) -> Run:
        kept = uploads.keep(self.hub, self.id, "board.json", io.BytesIO(content), "admin")
        return sync.run(self.hub, kept.run.id)

    def sync(self) -> Run:
        return sync.run(self.hub, sync.request(self.hub, self.id, "incremental"))

    def titles(self) -> set[str]:
        with self.hub.work.read() as session:
            return set(session.scalars(sa.select(WorkItem.title)))

    def comments(self) -> int:
        with self.hub.work.read() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Comment)) or 0


Give = Callable[..., Given]


@pytest.fixture
def give(work: Work, tmp_path: Path) -> Give:
    return lambda config=None, **hub: Given(work, tmp_path, config or {}, **hub)


def test_an_uploaded_board_is_read_and_its_next_export_changes_what_differs(give: Give) -> None:
    given = give()
    cards = [card(n) for n in range(1, 6)]
    first = given.upload(export(cards, [comment(1, 1, SAID)]))
    assert (first.state, given.titles(), given.comments()) == ("finished", {f"Card {n}" for n in range(1, 6)}, 1)
    assert given.upload(export(cards, [comment(1, 1, SAID)])).changed == {}
    renamed = [cards[0] | {"name": "Renamed"}, *cards[1:4], card(9)]
    given.upload(export(renamed, [comment(2, 9, SAID)], at="2026-11-03T08:00:00.000Z"))
    assert given.titles() == {"Renamed", "Card 2", "Card 3", "Card 4", "Card 9"}
    assert given.comments() == 2, "a newer file's actions add to those of older ones"


def test_an_export_that_lacks_too_much_is_read_again_until_an_admin_has_confirmed_it(give: Give) -> None:
    given = give()
    cards = [card(n) for n in range(1, 61)]
    given.upload(export(cards))
    fewer = export(cards[:5], [comment(1, 1, SAID)], at="2026-11-03T08:00:00.000Z")
    assert (given.upload(fewer).state, len(given.titles()), given.comments()) == ("held", 60, 1)
    assert given.sync().state == "held"
    confirmed = sync.run(given.hub, held.confirm(given.hub, given.id, None, "admin").id)
    assert (confirmed.state, given.titles()) == ("finished", {f"Card {n}" for n in range(1, 6)})
    assert given.sync().fetched == {}


def test_what_is_no_board_export_is_refused_in_a_sentence(give: Give) -> None:
    with pytest.raises(Invalid) as refused:
        give().upload(b'{"id": "x"}')
    assert "Export as JSON" in str(refused.value.faults[0].why)


def test_an_export_that_appears_in_the_watched_folder_is_read_when_it_lies_still(give: Give, tmp_path: Path) -> None:
    folder = tmp_path / "boards"
    folder.mkdir()
    given = give({"folder": str(folder)}, watched_folders=(tmp_path,))
    (folder / "board.json").write_bytes(export([card(1), card(2)]))
    assert given.sync().fetched == {}  # it may still be written
    given.later += timedelta(minutes=1)
    assert given.sync().state == "finished"
    assert given.titles() == {"Card 1", "Card 2"}
    with given.hub.work.read() as session:
        assert set(session.scalars(sa.text("SELECT external_id FROM scopes"))) == {BOARD}
