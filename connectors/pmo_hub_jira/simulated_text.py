"""Words of the generated organisation: names, summaries and ADF documents. Everything is drawn from the random source it is given."""
from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

FIRST = ("Amara", "Bjørn", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Inés", "Jonas", "Kavya", "Lucía", "Mateus", "Nadia",
         "Oskar", "Priya", "Quentin", "Rosa", "Sanna", "Tomás", "Ulrike", "Vikram", "Wanda", "Xin", "Yusuf", "Zoë")
LAST = ("Adeyemi", "Bergström", "Castelli", "Dvořák", "Eriksen", "Fontaine", "García", "Hoffmann", "Ivanova", "Jansen", "Kowalski",
        "Lindqvist", "Moreau", "Nakamura", "Okafor", "Petrov", "Quinn", "Rossi", "Schäfer", "Tanaka", "Usman", "Villanueva", "Weiss",
        "Yılmaz", "Zhang")
VERBS = ("Add", "Automate", "Check", "Clean up", "Configure", "Define", "Document", "Extend", "Fix", "Integrate", "Measure", "Migrate",
         "Prepare", "Replace", "Review", "Simplify", "Test", "Tune")
OBJECTS = ("address book", "approval flow", "archive job", "audit trail", "backup plan", "booking form", "cost report", "currency table",
           "data export", "delivery note", "discount rule", "error page", "import mapping", "interface contract", "invoice layout",
           "ledger posting", "login screen", "master data", "message queue", "monitoring", "order history", "payment retry",
           "permission model", "price list", "print template", "purchase order", "release checklist", "search index", "stock count",
           "supplier portal", "tax calculation", "time sheet", "training material", "user roles", "warehouse labels", "work instruction")
CONTEXTS = ("for branch offices", "in the pilot region", "after the cut-over", "before the audit", "for key customers",
            "with two suppliers", "on mobile devices", "during month end", "for the night shift", "at go-live", "under peak load",
            "in test")
LOCAL = ("Lieferschein prüfen", "Bestand abgleichen", "倉庫ラベル印刷", "Rückmeldung erfassen", "库存盘点", "Schnittstelle prüfen",
         "Regalplätze planen", "收货流程", "Schulung vorbereiten", "Drucker einrichten", "发票核对", "Altdaten übernehmen")
SENTENCES = ("The current way takes too many manual steps.", "Two departments depend on the outcome.",
             "Keep the old path until both sides agree.", "Numbers must match last month's closing.",
             "Ask the plant before changing anything visible.", "A rollback has to take minutes.",
             "The vendor confirmed the interface last week.", "Start with the smallest site.", "Measure before and after.")
LABELS = ("audit", "automation", "customer", "data-quality", "finance", "go-live", "infrastructure", "mobile", "security", "training")


def summary(random: Random, localised: bool = False) -> str:
    """A short title; three parts, so that few are equal."""
    if localised:
        return f"{random.choice(LOCAL)} {random.randrange(1, 90)}"
    return f"{random.choice(VERBS)} {random.choice(OBJECTS)} {random.choice(CONTEXTS)}"


def _text(value: str, *marks: str) -> dict[str, Any]:
    node: dict[str, Any] = {"type": "text", "text": value}
    return node | {"marks": [{"type": mark} for mark in marks]} if marks else node


def _paragraph(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "paragraph", "content": list(nodes)}


def document(*blocks: dict[str, Any]) -> dict[str, Any]:
    """An ADF document of these blocks."""
    return {"type": "doc", "version": 1, "content": list(blocks)}


def remark(random: Random) -> dict[str, Any]:
    """A comment: one paragraph."""
    return document(_paragraph(_text(random.choice(SENTENCES))))


def description(random: Random, people: tuple[tuple[str, str], ...], at: datetime) -> dict[str, Any] | None:
    """An ADF document of varied node types, or None for about one in eight; people are (account id, name)."""
    if random.random() < 0.12:
        return None
    blocks = [_paragraph(_text(random.choice(SENTENCES) + " "), _text(random.choice(OBJECTS), "strong"), _text("."))]
    for _ in range(random.choice((0, 0, 1, 1, 2, 3))):
        blocks.append(_BLOCKS[random.randrange(len(_BLOCKS))](random, people, at))
    return document(*blocks)


def _items(kind: str, random: Random) -> dict[str, Any]:
    return {"type": kind, "content": [{"type": "listItem", "content": [_paragraph(_text(random.choice(OBJECTS)))]} for _ in range(3)]}


def _tasks(random: Random) -> dict[str, Any]:
    return {"type": "taskList", "attrs": {"localId": "t"}, "content": [
        {"type": "taskItem", "attrs": {"localId": str(n), "state": random.choice(("TODO", "DONE"))},
         "content": [_text(random.choice(OBJECTS))]} for n in range(2)]}


def _table(random: Random) -> dict[str, Any]:
    def row(kind: str) -> dict[str, Any]:
        return {"type": "tableRow", "content": [
            {"type": kind, "attrs": {}, "content": [_paragraph(_text(random.choice(OBJECTS)))]} for _ in range(2)]}
    return {"type": "table", "attrs": {"isNumberColumnEnabled": False, "layout": "default"},
            "content": [row("tableHeader"), row("tableCell")]}


def _mention(random: Random, people: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    account, name = random.choice(people)
    return _paragraph({"type": "mention", "attrs": {"id": account, "text": f"@{name}", "accessLevel": ""}}, {"type": "hardBreak"},
                      {"type": "emoji", "attrs": {"shortName": ":warning:", "id": "atlassian-warning", "text": "⚠"}}, _text(" please look"))


_BLOCKS = (
    lambda random, people, at: _items("bulletList", random),
    lambda random, people, at: _items("orderedList", random),
    lambda random, people, at: _tasks(random),
    lambda random, people, at: _table(random),
    lambda random, people, at: _mention(random, people),
    lambda random, people, at: {"type": "heading", "attrs": {"level": 3}, "content": [_text("Acceptance")]},
    lambda random, people, at: {"type": "codeBlock", "attrs": {"language": "sql"}, "content": [_text("select count(*) from orders")]},
    lambda random, people, at: {"type": "panel", "attrs": {"panelType": "info"}, "content": [_paragraph(_text(random.choice(SENTENCES)))]},
    lambda random, people, at: {"type": "expand", "attrs": {"title": "Details"}, "content": [_paragraph(_text(random.choice(SENTENCES)))]},
    lambda random, people, at: {"type": "blockquote", "content": [_paragraph(_text(random.choice(SENTENCES), "em"))]},
    lambda random, people, at: {"type": "rule"},
    lambda random, people, at: _paragraph(
        {"type": "inlineCard", "attrs": {"url": "https://wiki.meridian.example/page/7"}}, _text(" "),
        {"type": "date", "attrs": {"timestamp": str(int(at.timestamp()) * 1000)}}, _text(" "),
        {"type": "status", "attrs": {"text": "AGREED", "color": "green", "localId": "s", "style": ""}}),
    lambda random, people, at: {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [
        {"type": "media", "attrs": {"type": "file", "id": "0d5e1f2a", "collection": "", "width": 640, "height": 480, "alt": "sketch"}}]},
)
