"""Documents as text: every node that the format has, shapes that it has not, and any depth."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_hub_jira import adf
from pmo_hub_jira.nesting import decode, pruned


def doc(*content: Any) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": list(content)}


def paragraph(*content: Any) -> dict[str, Any]:
    return {"type": "paragraph", "content": [{"type": "text", "text": c} if isinstance(c, str) else c for c in content]}


def node(kind: str, *content: Any, **attrs: Any) -> dict[str, Any]:
    return {"type": kind, "attrs": attrs, "content": list(content)}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (None, None),
        (doc(), None),
        (doc(paragraph()), None),
        ("wiki *text* of version 2", "wiki *text* of version 2"),
        (doc(paragraph("one"), paragraph("two")), "one\ntwo"),
        (doc(paragraph("a", node("hardBreak"), "b")), "a\nb"),
        (doc(paragraph("hello ", node("mention", id="5b1", text="@Jane"), "!")), "hello @Jane!"),
        (doc(paragraph(node("emoji", shortName=":smile:", text="😀"))), "😀"),
        (doc(paragraph(node("emoji", shortName=":custom:"))), ":custom:"),
        (doc(paragraph(node("inlineCard", url="https://x.example/1"))), "https://x.example/1"),
        (doc(paragraph("due ", node("date", timestamp="1732838400000"))), "due 2024-11-29"),
        (doc(paragraph(node("date", timestamp="nonsense"))), None),
        (doc(paragraph(node("status", text="BLOCKED", color="red"))), "BLOCKED"),
        (doc(node("mediaSingle", node("media", id="x", type="file", alt="plan.png"))), "plan.png"),
        (doc(node("heading", {"type": "text", "text": "Title"}, level=2), paragraph("body")), "Title\nbody"),
        (doc(node("bulletList", node("listItem", paragraph("a")), node("listItem", paragraph("b")))), "a\nb"),
        (doc(node("taskList", node("taskItem", {"type": "text", "text": "do"}, state="DONE"))), "[x] do"),
        (doc(node("codeBlock", {"type": "text", "text": "x = 1\ny = 2"}, language="python")), "x = 1\ny = 2"),
        (doc(node("expand", paragraph("inside"), title="More")), "More\ninside"),
        (doc(node("panel", paragraph("note"), panelType="info"), paragraph("after")), "note\nafter"),
        (
            doc(
                node(
                    "table",
                    node("tableRow", node("tableHeader", paragraph("h1")), node("tableHeader", paragraph("h2"))),
                    node("tableRow", node("tableCell", paragraph("c1")), node("tableCell", paragraph("c2"))),
                )
            ),
            "h1\th2\nc1\tc2",
        ),
        (doc(node("someNewNode", paragraph("still read"))), "still read"),
        # Shapes that no format promises
        (doc(paragraph({"type": "text", "text": None}), {"type": "paragraph", "content": None}, None, 7, "loose"), None),
        (doc({"type": ["odd"], "content": {"type": "text", "text": "single"}}), "single"),
        (doc(node("mention")), None),
        ([paragraph("a list")], "a list"),
        (42, None),
    ],
)
def test_a_document_reads_as_its_text(document: Any, text: str | None) -> None:
    assert adf.text(document) == text
    assert adf.text_of(json.dumps(document).encode()) == text


@pytest.mark.parametrize("depth", [100, 1_000, 10_000])
def test_no_depth_of_nesting_breaks_the_walk(depth: int) -> None:
    raw = b'{"type":"doc","content":[' + b'{"type":"text","text":"top"},' + b'{"type":"x","content":[' * depth
    raw += b'{"type":"text","text":"bottom"}' + b"]}" * depth + b"]}"
    text = adf.text_of(raw)
    assert text is not None
    assert text.startswith("top")
    assert ("bottom" in text) == (depth == 100)


def test_a_decoded_document_of_any_depth_is_walked() -> None:
    document: dict[str, Any] = {"type": "text", "text": "bottom"}
    for _ in range(10_000):
        document = {"type": "blockquote", "content": [document]}
    assert adf.text(document) == "bottom"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30
)
nodes = st.recursive(
    st.fixed_dictionaries({"type": st.just("text"), "text": st.text()}),
    lambda inner: st.fixed_dictionaries({"type": st.sampled_from(["paragraph", "tableCell", "x", "date"]), "content": st.lists(inner)}),
    max_leaves=20,
)


@given(json_values)
def test_nothing_in_json_breaks_the_walk(value: Any) -> None:
    assert adf.text_of(json.dumps(value).encode()) == adf.text(value)


@given(nodes)
def test_no_word_is_lost(document: Any) -> None:
    words: list[str] = []
    todo = [document]
    while todo:
        current = todo.pop()
        words += current.get("text", "").split()
        todo += current.get("content", [])
    text = adf.text(document) or ""
    assert all(word in text for word in words)


@given(json_values)
def test_pruning_keeps_what_is_shallow(value: Any) -> None:
    body = json.dumps(value).encode()
    assert pruned(body) == body


def test_pruning_puts_null_for_what_is_too_deep() -> None:
    body = rb'{"a":[{"b":[1,2],"c":"]}\"{["}],"d":{"e":{}}}'
    assert json.loads(pruned(body, 3)) == {"a": [{"b": None, "c": ']}"{['}], "d": {"e": {}}}
    assert json.loads(pruned(body, 2)) == {"a": [None], "d": {"e": None}}
    assert json.loads(pruned(body, 0) or b"null") is None


def test_a_deep_body_is_decoded_without_its_depth() -> None:
    body = b'{"id":"1","fields":' + b'{"x":[' * 5_000 + b"]}" * 5_000 + b"}"
    decoded = decode(msgspec.json.Decoder(dict[str, Any]), body)
    assert decoded["id"] == "1"


@given(st.lists(nodes))
def test_a_document_reads_the_same_however_it_is_walked(content: Any) -> None:
    document = doc(*content)
    assert adf.text_of(json.dumps(document).encode()) == adf.text(document)


def test_the_text_of_a_deep_document_is_in_order() -> None:
    inner = paragraph("bottom")
    for level in range(60):
        inner = node("blockquote", paragraph(f"before {level}"), inner, paragraph(f"after {level}"))
    lines = [f"before {level}" for level in range(59, -1, -1)] + ["bottom"] + [f"after {level}" for level in range(60)]
    assert adf.text_of(json.dumps(doc(inner)).encode()) == "\n".join(lines)
