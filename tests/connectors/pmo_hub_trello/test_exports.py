"""Board export files: scopes for people without access to the API; read again, older, capped, of another board, broken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pmo_hub.domain.records import Comment, Dependency, WorkItem
from pmo_hub.sdk.contract import Mode, Ref
from pmo_hub.sdk.testing import ConnectorSuite, MemoryContext, MemoryHost
from pmo_hub_trello.config import TrelloConfig
from pmo_hub_trello.connector import TrelloConnector
from pmo_hub_trello.simulator import serve
from tests.connectors.pmo_hub_trello.boards import estate

BOARD, LIST = "5" * 24, "a" * 24
OTHER_BOARD, OTHER_LIST = "6" * 24, "b" * 24
CONNECTOR = TrelloConnector()


def card(number: int, **values: Any) -> dict[str, Any]:
    id = f"{number:024x}"
    made = {
        "id": id, "name": f"Card {number}", "idList": LIST, "idBoard": BOARD, "closed": False, "shortLink": f"link{number:04d}",
        "shortUrl": f"https://trello.com/c/link{number:04d}", "dateLastActivity": "2026-11-01T08:00:00.000Z", "labels": [],
    }  # fmt: skip
    return made | values


def comment(number: int, of: int, at: datetime) -> dict[str, Any]:
    data = {"text": f"Said {number}", "card": {"id": f"{of:024x}"}, "board": {"id": BOARD}}
    return {"id": f"f{number:023x}", "type": "commentCard", "date": at.isoformat(), "idMemberCreator": "c" * 24, "data": data}


def export(cards: list[dict[str, Any]], actions: list[dict[str, Any]] = [], at: str = "2026-11-02T08:00:00.000Z", **more: Any) -> bytes:  # noqa: B006
    board = {"id": BOARD, "name": "Exported", "closed": False, "dateLastActivity": at, "cards": cards, "actions": actions,
             "lists": [{"id": LIST, "name": "Doing", "closed": False}], "checklists": [], "members": []} | more  # fmt: skip
    return json.dumps(board).encode()


def sync(files: Mapping[str, bytes], host: MemoryHost | None = None, rules: Mapping[str, str] | None = None) -> MemoryHost:
    host = host or MemoryHost(CONNECTOR, [BOARD], rules)
    with CONNECTOR.open(TrelloConfig(), MemoryContext(files=files, rules=rules)) as source:
        host.sync(source)
    return host


def items(host: MemoryHost) -> dict[str, WorkItem]:
    return {r.title: r for r in host.owned().values() if isinstance(r, WorkItem)}


class TestExports(ConnectorSuite):
    """What the suite asks of any connector, of export files."""

    connector = CONNECTOR
    unknown_id = "0" * 24
    # Files are compared when they are read: a census by ids has nothing to say of them.
    test_census_lists_what_read_sees = None  # type: ignore[assignment]
    test_listings_say_their_last = None  # type: ignore[assignment]
    # No server is asked, with no credential and no token to resume from.
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]
    test_a_refused_credential_is_an_auth_error = None  # type: ignore[assignment]
    test_a_rate_limit_is_transient_and_says_for_how_long = None  # type: ignore[assignment]
    test_a_failing_server_is_transient = None  # type: ignore[assignment]
    test_a_cut_answer_is_transient = None  # type: ignore[assignment]
    test_a_web_page_is_a_config_error = None  # type: ignore[assignment]
    test_no_secret_is_told = None  # type: ignore[assignment]

    @pytest.fixture(autouse=True)
    def made(self) -> None:
        self.cards = [card(n) for n in range(1, 4)]
        self.others: list[dict[str, Any]] | None = [self._elsewhere(n) for n in range(4, 6)]

    def config(self) -> dict[str, Any]:
        return {}

    def scopes(self) -> list[str]:
        return [BOARD, OTHER_BOARD]

    def files(self) -> dict[str, bytes]:
        held = {"board.json": export(self.cards, [comment(1, 1, datetime(2026, 11, 2, tzinfo=UTC))])}
        if self.others is not None:
            lists = [{"id": OTHER_LIST, "name": "Doing", "closed": False}]
            held["other.json"] = export(self.others, id=OTHER_BOARD, name="Other", lists=lists)
        return held

    def add(self) -> Ref:
        self.cards = [*self.cards, card(9)]
        return Ref("card", f"{9:024x}")

    def remove(self) -> Ref:
        self.cards = self.cards[1:]
        return Ref("card", f"{1:024x}")

    def edit(self) -> Ref:
        self.cards = [self.cards[0] | {"name": "Renamed"}, *self.cards[1:]]
        return Ref("card", f"{1:024x}")

    def move(self) -> Ref:
        self.cards, self.others = self.cards[:2], [*(self.others or []), self._elsewhere(3)]
        return Ref("card", f"{3:024x}")

    def lose(self) -> str:
        self.others = None
        return OTHER_BOARD

    @staticmethod
    def _elsewhere(number: int) -> dict[str, Any]:
        return card(number, idBoard=OTHER_BOARD, idList=OTHER_LIST)

    test_a_delivery_leads_to_what_changed = None  # type: ignore[assignment]
    test_a_delivery_tells_what_was_deleted = None  # type: ignore[assignment]
    test_only_the_right_signature_passes = None  # type: ignore[assignment]
    test_no_body_is_an_error = None  # type: ignore[assignment]
    test_a_delivery_that_is_sent_again_has_the_same_id = None  # type: ignore[assignment]


def test_checklists_are_joined_to_their_cards() -> None:
    checklist = {
        "id": "d" * 24,
        "name": "Steps",
        "idCard": f"{1:024x}",
        "checkItems": [{"id": "e" * 24, "name": "One", "state": "complete"}],
    }
    host = sync({"board.json": export([card(1)], checklists=[checklist])})
    assert items(host)["One"].parent == f"{1:024x}"


def test_a_newer_export_ends_what_it_lacks_and_keeps_older_comments() -> None:
    """An export has at most the newest thousand actions: those of older exports stay."""
    first = datetime(2026, 11, 1, tzinfo=UTC)
    host = sync({"board.json": export([card(1), card(2)], [comment(1, 1, first), comment(2, 2, first)])})
    later = [comment(n, 1, first + timedelta(days=1)) for n in range(10, 1_010)]
    sync({"board.json": export([card(1, name="Renamed")], later, at="2026-11-03T08:00:00.000Z")}, host)
    assert set(items(host)) == {"Renamed"}
    kept = [r for r in host.owned().values() if isinstance(r, Comment)]
    assert len(kept) == 1_001
    assert {r.item for r in kept} == {f"{1:024x}"}


def test_an_older_export_does_not_turn_the_clock_back() -> None:
    host = sync({"board.json": export([card(1, name="New")], at="2026-11-05T08:00:00.000Z")})
    before = host.records()
    sync({"board.json": export([card(1, name="Old")], at="2026-11-03T08:00:00.000Z")}, host)
    assert host.records() == before


def test_of_several_exports_of_a_board_the_newest_counts() -> None:
    old, new = export([card(1, name="Old")], at="2026-11-03T08:00:00.000Z"), export([card(1, name="New")], at="2026-11-05T08:00:00.000Z")
    assert set(items(sync({"a.json": new, "b.json": old}))) == {"New"}


def test_many_archived_cards_are_there_and_in_no_measure() -> None:
    host = sync({"board.json": export([card(n, closed=True) for n in range(1, 1_300)])})
    found = items(host).values()
    assert len(found) == 1_299
    assert not any(item.counts for item in found)


def test_boards_of_a_file_are_offered_and_other_files_are_told() -> None:
    files = {"board.json": export([card(1)], closed=True), "notes.txt": b"hello", "other.json": b'{"id": 5}', "deep.json": b"[" * 100_000}
    with CONNECTOR.open(TrelloConfig(), MemoryContext(files=files)) as source:
        (scope,) = source.scopes()
        assert (scope.external_id, scope.name, scope.kind) == (BOARD, "Exported (closed)", "board export")
        assert "3 files that are none" in source.check()


def test_a_chosen_board_without_its_file_is_a_lost_scope() -> None:
    host = sync({})
    assert "upload one" in host.lost[BOARD]


def test_attachments_lead_to_cards_of_the_same_file() -> None:
    links = [{"id": "9" * 24, "url": "https://trello.com/c/link0001/1-x"}, {"id": "8" * 24, "url": "https://trello.com/c/elsewher"}]
    rules = {"dependency_attachments": '"successor"'}
    host = sync({"board.json": export([card(1), card(2, attachments=links)])}, rules=rules)
    (found,) = (r for r in host.owned().values() if isinstance(r, Dependency))
    assert (found.predecessor, found.successor) == (f"{2:024x}", f"{1:024x}")


def test_labels_of_the_time_before_they_had_ids() -> None:
    labels = [{"color": "red", "name": "Bug"}, {"color": "blue", "name": ""}]
    host = sync({"board.json": export([card(1, labels=labels)], labelNames={"red": "Bug", "blue": ""})})
    item = items(host)["Card 1"]
    assert (set(item.labels), item.kind.value) == ({"Bug", "blue"}, "bug")


@pytest.mark.parametrize("mode", list(Mode))
def test_a_board_that_the_account_sees_is_read_by_the_api_and_others_from_their_files(mode: Mode) -> None:
    made = estate()
    with serve(made.simulator):
        config = TrelloConfig.model_validate(made.simulator.config())
        seen = made.boards[0]
        both = export([card(1)]).replace(BOARD.encode(), seen.encode())
        files = {"own.json": export([card(2, name="From the file")]), "both.json": both}
        host = MemoryHost(CONNECTOR, [seen, BOARD])
        for _ in range(2):
            with CONNECTOR.open(config, MemoryContext(files=files, clock=lambda: made.time.at)) as source:
                assert {s.external_id for s in source.scopes()} == {*made.boards, BOARD}
                host.sync(source, mode)
        assert "From the file" in items(host)
        assert {held.payload.ref.external_id for held in host.held.values() if held.scope == seen} >= set(made.cards())
