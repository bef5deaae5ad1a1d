"""Real boards of other people: DevLake's raw cards against its own tables, a board export of 2014, and recorded answers replayed."""

from __future__ import annotations

import base64
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import respx
import yaml  # type: ignore[import-untyped]

from pmo_hub.domain.records import BoardColumn, Comment, Identity, Label, Transition, WorkItem
from pmo_hub.domain.vocabulary import Field, Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Mode
from pmo_hub.sdk.testing import MemoryContext, MemoryHost
from pmo_hub_trello.client import HeaderAuth, TrelloClient
from pmo_hub_trello.config import TrelloConfig
from pmo_hub_trello.connector import TrelloConnector, TrelloSource
from pmo_hub_trello.mapping import mapper
from pmo_hub_trello.reference import board_reference
from pmo_hub_trello.splitting import action_payload, board_payload, card_payload

BOARD = "6402f643d23aa9af56b28f4b"
"""The board that DevLake's suite reads; its raw tables hold three others besides."""

DIFFERENCES = {
    "cards of other boards": "72 raw cards lie on 4 boards; DevLake's suite filters by connection and board, and keeps 23",
    "check items": "its raw table holds the checklists that one request brought; its items are rows here only under a card that is there",
    "due_complete": "a column of its own there; here it makes a card done in whichever list it lies",
    "pos": "kept there; here left out, since it changes without meaning",
    "date_last_activity": "+00:00 there, Z in the source: the same instant",
}
"""Where DevLake's tables are otherwise, and why."""


def rows(folder: Path, kind: str, name: str) -> list[dict[str, str]]:
    csv.field_size_limit(sys.maxsize)
    with (folder / "data" / "trello" / "devlake" / kind / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def raw(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(row["data"]) for row in rows(folder, "raw_tables", f"_raw_trello_{name}.csv")]


def of_board(folder: Path, board: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The board with its lists, labels and members, and its cards joined with their checklists."""
    checklists = raw(folder, "check_items")
    cards = [c | {"checklists": [x for x in checklists if x["idCard"] == c["id"]]} for c in raw(folder, "cards") if c["idBoard"] == board]
    whole = {"id": board, "name": "Board", "members": raw(folder, "members")[:1]}
    whole |= {name: [one for one in raw(folder, name) if one["idBoard"] == board] for name in ("lists", "labels")}
    return whole, cards


def items_of(board: dict[str, Any], cards: list[dict[str, Any]]) -> dict[str, WorkItem]:
    mapped = mapper([board_reference(board)], {})
    found = [record for card in cards for record in mapped(card_payload(card)).owned]
    return {item.external_id: item for item in found if isinstance(item, WorkItem)}


def test_cards_are_devlakes_cards(shared_folder: Path) -> None:
    items = items_of(*of_board(shared_folder, BOARD))
    expected = {row["id"]: row for row in rows(shared_folder, "snapshot_tables", "_tool_trello_cards.csv")}
    cards = {id: item for id, item in items.items() if item.kind is not Kind.SUB_ITEM}
    assert cards.keys() == expected.keys()
    for id, row in expected.items():
        item = cards[id]
        told = {
            "name": item.title, "short_link": item.key, "short_url": item.url, "id_list": item.original_status_id,
            "closed": str(int(item.resolution == "archived")),
        }  # fmt: skip
        assert told == {name: row[name] for name in told}, DIFFERENCES
        assert item.updated_at == datetime.fromisoformat(row["date_last_activity"])
        assert (item.status_category is StatusCategory.DONE) >= (row["due_complete"] == "1")


def test_every_card_of_every_board_is_mapped(shared_folder: Path) -> None:
    """The other three boards, too: templates among them count in no measure."""
    cards = raw(shared_folder, "cards")
    boards = sorted({card["idBoard"] for card in cards})
    items: dict[str, WorkItem] = {}
    for board in boards:
        items |= items_of(*of_board(shared_folder, board))
    assert len(boards) == 4
    assert sum(item.kind is not Kind.SUB_ITEM for item in items.values()) == 72
    templates = {card["id"] for card in cards if card["isTemplate"]}
    assert templates
    assert {id for id, item in items.items() if item.uncounted is Uncounted.TEMPLATE} == templates


def test_check_items_are_devlakes_check_items(shared_folder: Path) -> None:
    whole, cards = of_board(shared_folder, BOARD)
    items = {id: item for id, item in items_of(whole, cards).items() if item.kind is Kind.SUB_ITEM}
    expected = {row["id"]: row for row in rows(shared_folder, "snapshot_tables", "_tool_trello_check_items.csv")}
    assert items.keys() == expected.keys()
    assert len(items) == 56
    for id, row in expected.items():
        item = items[id]
        assert (item.title, item.original_status, item.parent) == (row["name"], row["state"], row["id_card"])


def test_lists_labels_and_members_are_devlakes(shared_folder: Path) -> None:
    whole, _ = of_board(shared_folder, BOARD)
    mapped = mapper([board_reference(whole)], {})(board_payload(whole))
    columns = {record.statuses[0]: record.name for record in mapped.owned if isinstance(record, BoardColumn)}
    assert columns == {row["id"]: row["name"] for row in rows(shared_folder, "snapshot_tables", "_tool_trello_lists.csv")}
    labels = rows(shared_folder, "snapshot_tables", "_tool_trello_labels.csv")
    assert {r.external_id for r in mapped.mentioned if isinstance(r, Label)} == {row["name"] or row["color"] for row in labels}
    members = rows(shared_folder, "snapshot_tables", "_tool_trello_members.csv")
    assert {r.external_id: r.name for r in mapped.mentioned if isinstance(r, Identity)} == {row["id"]: row["full_name"] for row in members}


# A board export of 2014


def read_export(files: Mapping[str, bytes], host: MemoryHost | None = None) -> MemoryHost:
    connector = TrelloConnector()
    with connector.open(TrelloConfig(), MemoryContext(files=files)) as source:
        board = host.scopes if host else [scope.external_id for scope in source.scopes()]
        host = host or MemoryHost(connector, board)
        host.sync(source)
    return host


def export(folder: Path) -> bytes:
    return (folder / "data" / "trello" / "board-exports" / "hermes.json").read_bytes()


def test_an_export_of_2014_is_read_as_an_upload(shared_folder: Path) -> None:
    body = json.loads(export(shared_folder))
    host = read_export({"hermes.json": export(shared_folder)})
    items = {r.external_id: r for r in host.owned().values() if isinstance(r, WorkItem)}
    assert items.keys() == {card["id"] for card in body["cards"]}
    closed = {card["id"] for card in body["cards"] if card["closed"]}
    hidden = {entry["id"] for entry in body["lists"] if entry["closed"]}
    archived = closed | {card["id"] for card in body["cards"] if card["idList"] in hidden}
    assert (len(items), len(closed)) == (55, 5)
    assert {id for id, item in items.items() if item.resolution == "archived"} == archived
    names = {entry["id"]: entry["name"] for entry in body["lists"]}
    assert all(items[card["id"]].original_status == names[card["idList"]] for card in body["cards"])
    told = Counter(action["type"] for action in body["actions"])
    assert sum(isinstance(r, Comment) for r in host.owned().values()) == told["commentCard"]
    moves = [r for r in host.owned().values() if isinstance(r, Transition) and r.field is Field.STATUS]
    assert len(moves) == sum("idList" in action["data"].get("old", {}) for action in body["actions"])
    assert all(move.from_text and move.to_text and move.to_category for move in moves)
    assert {r.name for r in host.mentioned().values() if isinstance(r, Identity)} >= {member["fullName"] for member in body["members"]}
    assert not host.quarantine
    assert {"Bug", "GUI", "Server"} <= {label for item in items.values() for label in item.labels} | {
        r.name for r in host.mentioned().values() if isinstance(r, Label)
    }


def test_the_same_export_again_changes_nothing(shared_folder: Path) -> None:
    files = {"hermes.json": export(shared_folder)}
    host = read_export(files)
    before = host.records()
    connector = TrelloConnector()
    with connector.open(TrelloConfig(), MemoryContext(files=files)) as source:
        assert source.partitions(tuple(host.scopes), dict(host.state), Mode.INCREMENTAL) == []
        done = host.sync(source, Mode.FULL)
    assert not done.changed
    assert not done.gone
    assert host.records() == before


# Recorded answers


class _Recordings(yaml.SafeLoader):  # type: ignore[misc]
    """Reads what Ruby wrote."""


_Recordings.add_constructor("!binary", lambda loader, node: base64.b64decode(loader.construct_scalar(node)))


def recorded(folder: Path) -> Iterator[tuple[str, str, int, bytes, dict[str, str]]]:
    """Method, path with query, status, body and headers of each recorded interaction."""
    for file in sorted((folder / "data" / "trello" / "ruby-trello-cassettes").glob("*.yml")):
        for one in yaml.load(file.read_text(encoding="utf-8"), _Recordings)["http_interactions"]:
            answer = one["response"]
            body = answer["body"]["string"]
            headers = {name: values[0] for name, values in answer["headers"].items()}
            text = body if isinstance(body, bytes) else body.encode()
            yield one["request"]["method"].upper(), one["request"]["uri"], answer["status"]["code"], text, headers


def objects(folder: Path) -> Iterator[dict[str, Any]]:
    for _, _, status, body, headers in recorded(folder):
        if status == 200 and "json" in headers.get("Content-Type", ""):
            found = json.loads(body)
            yield from (one for one in (found if isinstance(found, list) else [found]) if isinstance(one, dict))


def test_every_recorded_card_is_mapped(shared_folder: Path) -> None:
    cards = [one for one in objects(shared_folder) if {"idList", "idBoard", "name"} <= one.keys() and "idShort" in one]
    assert len(cards) > 30
    for card in cards:
        (item, *_) = mapper([], {})(card_payload(card)).owned
        assert isinstance(item, WorkItem)
        assert (item.title, item.key, item.original_status_id) == (card["name"], card["shortLink"], card["idList"])
        assert (item.resolution == "archived") == card["closed"]


def test_every_recorded_action_is_mapped_or_left_out_for_a_reason(shared_folder: Path) -> None:
    actions = [one for one in objects(shared_folder) if "idMemberCreator" in one and "type" in one and "data" in one]
    assert len(actions) > 20
    kept = Counter[str]()
    for action in actions:
        payload = action_payload(action)
        kept[action["type"]] += payload is not None
        if payload is not None:
            assert mapper([], {})(payload).owned
        else:
            told = action["data"].get("old", {}).keys() & {"idList", "closed", "dueComplete", "due", "start", "name"}
            assert "card" not in action["data"] or not told, action["type"]
    assert kept["commentCard"]


def test_recorded_boards_and_webhooks_are_read_as_they_were_answered(shared_folder: Path) -> None:
    """Replayed to the client, headers and all, whatever the path was that they answered."""
    boards = fields = 0
    with respx.mock() as router, MemoryContext().http("https://api.trello.com/1", HeaderAuth("k", "t")) as http:
        client = TrelloClient(http, 1)
        for method, uri, status, body, headers in recorded(shared_folder):
            if method != "GET" or status != 200 or "json" not in headers.get("Content-Type", ""):
                continue
            plain = {name: value for name, value in headers.items() if name.startswith(("X-Rate", "Content-Type", "Date"))}
            found = json.loads(body)
            if "/boards/" in uri and isinstance(found, dict) and "prefs" in found:
                router.get(path__startswith="/1/boards/").mock(return_value=httpx.Response(200, content=body, headers=plain))
                board = client.board(found["id"])
                assert board_payload(board).version == found.get("dateLastActivity")
                boards += 1
            elif uri.split("?")[0].endswith("/customFields"):
                reference = board_reference({"id": "0" * 24, "customFields": found})
                fields += len(found)
                assert all(one["id"] in reference.body.decode() for one in found)
    assert boards > 20
    assert fields


def test_who_says_nothing_is_signed_in_to_files_alone() -> None:
    connector = TrelloConnector()
    with connector.open(TrelloConfig(), MemoryContext(files={"notes.json": b"{}", "x.json": b"["})) as source:
        assert isinstance(source, TrelloSource)
        assert source.check() == "Reads 0 board export files, and 2 files that are none; nobody is signed in."
        assert list(source.scopes()) == []


def test_times_are_utc(shared_folder: Path) -> None:
    items = items_of(*of_board(shared_folder, BOARD))
    assert all(item.updated_at is None or item.updated_at.tzinfo is UTC for item in items.values())
