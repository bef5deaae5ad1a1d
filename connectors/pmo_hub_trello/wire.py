"""The bodies of payloads, as mapping reads them; `splitting` writes them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct


class LabelBody(Struct, frozen=True):
    id: str | None = None
    name: str | None = None
    color: str | None = None


class CheckItem(Struct):
    id: str
    name: str | None = None
    state: str | None = None
    due: str | None = None
    id_member: str | None = msgspec.field(default=None, name="idMember")


class Checklist(Struct):
    id: str
    name: str | None = None
    check_items: list[CheckItem] = msgspec.field(default_factory=list, name="checkItems")


class FieldItem(Struct, rename="camel"):
    """The values of all types but list are texts in an object; a list's is the id of an option."""

    id_custom_field: str
    value: dict[str, Any] | None = None
    id_value: str | None = None


class Attachment(Struct):
    id: str
    name: str | None = None
    url: str | None = None


class Card(Struct, rename="camel"):
    id: str
    id_board: str
    id_list: str | None = None
    name: str | None = None
    desc: str | None = None
    closed: bool | None = None
    id_members: list[str] | None = None
    labels: list[LabelBody] = []
    due: str | None = None
    start: str | None = None
    due_complete: bool | None = None
    date_last_activity: str | None = None
    short_link: str | None = None
    short_url: str | None = None
    is_template: bool | None = None
    card_role: str | None = None
    mirror_source_id: str | None = None
    checklists: list[Checklist] = []
    custom_field_items: list[FieldItem] = []
    attachments: list[Attachment] = []


class Member(Struct, rename="camel"):
    id: str | None = None
    full_name: str | None = None
    username: str | None = None
    email: str | None = None
    deactivated: bool | None = None


class BoardList(Struct):
    id: str
    name: str | None = None
    closed: bool | None = None
    pos: float | None = None


class Board(Struct):
    id: str
    name: str | None = None
    lists: list[BoardList] = []
    labels: list[LabelBody] = []
    members: list[Member] = []


class Action(Struct, rename="camel"):
    id: str
    type: str
    data: dict[str, Any]
    date: str | None = None
    id_member_creator: str | None = None
    member_creator: Member | None = None


CARD = msgspec.json.Decoder(Card)
BOARD = msgspec.json.Decoder(Board)
ACTION = msgspec.json.Decoder(Action)
