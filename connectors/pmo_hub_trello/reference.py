"""A board's dictionary: its lists and custom fields, whether it is closed; of the site, what was looked up when cards were read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from pmo_hub.sdk.contract import Reference
from pmo_hub_trello.client import Json


class ListEntry(Struct, frozen=True, omit_defaults=True):
    name: str
    closed: bool = False


class FieldEntry(Struct, frozen=True, omit_defaults=True):
    """`type` is text, number, date, checkbox or list; `options` of a list by their ids."""

    name: str
    type: str
    options: Mapping[str, str] = {}


class BoardReference(Struct, frozen=True, omit_defaults=True):
    """What mapping reads of a board."""

    closed: bool = False
    lists: Mapping[str, ListEntry] = {}
    fields: Mapping[str, FieldEntry] = {}
    labels: Mapping[str, str] = {}


class SiteReference(Struct, frozen=True, omit_defaults=True):
    """`links`: attachments that lead to cards were followed to their ids when the cards were read."""

    links: bool = False


BOARD_REFERENCE = msgspec.json.Decoder(BoardReference)
SITE_REFERENCE = msgspec.json.Decoder(SiteReference)
_encode = msgspec.json.Encoder(order="sorted").encode


def site_reference(links: bool) -> Reference:
    return Reference(None, _encode(SiteReference(links)))


def board_reference(board: Json) -> Reference:
    """In canonical order, whatever the order in which Trello tells."""
    lists = {entry["id"]: ListEntry(_text(entry.get("name")), bool(entry.get("closed"))) for entry in _entries(board, "lists")}
    fields = {entry["id"]: _field(entry) for entry in _entries(board, "customFields")}
    labels = {entry["id"]: _text(entry.get("name")) for entry in _entries(board, "labels") if entry.get("name")}
    return Reference(board["id"], _encode(BoardReference(bool(board.get("closed")), lists, fields, labels)))


def _field(entry: Json) -> FieldEntry:
    options = {option["id"]: _text((option.get("value") or {}).get("text")) for option in _entries(entry, "options")}
    return FieldEntry(_text(entry.get("name")), _text(entry.get("type")), options)


def _entries(holder: Json, name: str) -> list[Any]:
    return [one for one in holder.get(name) or () if isinstance(one, dict) and isinstance(one.get("id"), str)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
