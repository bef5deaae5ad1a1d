"""Every document of the third-party shelf: read as what it is, or named here as something that the connector has no use for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pmo_hub.domain.records import Assignment, BoardColumn, CustomValue, Plan, WorkItem
from pmo_hub.domain.vocabulary import Kind
from pmo_hub.sdk.contract import Payload, Ref, Reference
from pmo_hub_planner.mapping import mapper
from pmo_hub_planner.reading import version

WRITES = re.compile(r"-delete_\d")
"""Answers to writing that have no body."""

NOT_READ = {
    "taskboardtaskformat": "how a person sorts cards",
    "planneruser-get": "a person's favourites",
    "planneruser-update": "a person's favourites",
    "planneruser-list-delta": "partial tasks: what changed leads to a whole read",
    "v1.0_planner_0": "the entry point, without content",
    "roster-add": "rosters: their plans are configured by id",
    "roster-get": "rosters: their plans are configured by id",
    "roster-member": "rosters: their plans are configured by id",
    "tenant-settings": "settings of the tenant",
}


def shelf(folder: Path) -> Iterator[tuple[str, Any]]:
    """Name and body of each document; some were printed with a comma too many."""
    for path in sorted((folder / "data/msproject/planner").rglob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        body = told.get("json")
        if body is None and "body_text" in told:
            body = json.loads(re.sub(r",(\s*[}\]])", r"\1", told["body_text"]))
        yield path.stem, body


def kind_of(name: str) -> str | None:
    """What the document's values are; None where they are not read."""
    if WRITES.search(name) or any(part in name for part in NOT_READ):
        return None
    for part, kind in (("checklistitem", "checklist"), ("task-reference", "references"), ("taskdetails", "task details"),
                       ("plandetails", "plan details"), ("list-tasks", "task"), ("post-tasks", "task"), ("list-buckets", "bucket"),
                       ("post-buckets", "bucket"), ("bucket", "bucket"), ("task", "task"), ("plan", "plan")):  # fmt: skip
        if part in name.replace("v1.0_planner", "").replace("beta_planner", ""):
            return kind
    return None


def values_of(body: Any) -> list[dict[str, Any]]:
    found = body if isinstance(body, list) else body.get("value", [body])
    return [one for one in found if isinstance(one, dict)]


def mapped(kind: str, body: Any, words: dict[str, Any] | None = None) -> list[Any]:
    references = [Reference("P", json.dumps(words).encode())] if words else []
    return list(mapper(references, {})(Payload(Ref(kind, body.get("id") or "x"), "P", json.dumps(body).encode())).owned)


def board(plan: Any = None, details: Any = None, buckets: Any = ()) -> list[Any]:
    whole = {"plan": plan or {"id": "P", "title": "P"}, "details": details or {}, "buckets": list(buckets)}
    return list(mapper([], {})(Payload(Ref("board", "P"), "P", json.dumps(whole).encode())).owned)


def test_every_document_is_read_or_named_as_not_read(shared_folder: Path) -> None:
    counts: Counter[str] = Counter()
    for name, body in shelf(shared_folder):
        kind = kind_of(name)
        if kind is None:
            assert WRITES.search(name) or any(part in name for part in NOT_READ), name
            counts["not read"] += 1
            continue
        counts[kind] += 1
        if kind == "checklist":
            (item, check) = mapped("task", {"id": "t", "title": "T", "details": {"checklist": body}})
            assert (item.kind, check.kind, check.title) == (Kind.TASK, Kind.SUB_ITEM, next(iter(body.values()))["title"]), name
        elif kind == "references":
            links = [r for r in mapped("task", {"id": "t", "title": "T", "details": {"references": body}}) if isinstance(r, CustomValue)]
            assert [r.text for r in links] == ["https://microsoft.com"], name
        elif kind == "task details":
            found = mapped("task", {"id": "t", "title": "T", "details": body})
            assert found[0].description == body["description"], name
            assert len(found) == 1 + len(body["checklist"]) + len(body["references"]), name
        elif kind == "plan details":
            told = {name: text for name, text in body["categoryDescriptions"].items() if text}
            item, *_ = mapped("task", {"id": "t", "title": "T", "appliedCategories": dict.fromkeys(told, True)}, {"categories": told})
            assert sorted(item.labels) == sorted(told.values()), name
            assert isinstance(board(details=body)[0], Plan), name
        else:
            values = values_of(body)
            assert values, name
            for value in values:
                _is_whole(kind, value, name)
    assert sum(counts.values()) == 66 + 27
    assert counts["not read"] == 29
    assert not {"task", "bucket", "plan", "plan details", "task details", "checklist", "references"} - counts.keys()


def _is_whole(kind: str, value: dict[str, Any], name: str) -> None:
    if kind == "task":
        details = {part: value[part] for part in ("description", "checklist", "references") if part in value}
        item, *rest = mapped("task", value | {"details": details})
        assert isinstance(item, WorkItem)
        assert item.title == value["title"], name
        assert sorted(r.resource for r in rest if isinstance(r, Assignment)) == sorted(value.get("assignments") or {}), name
        assert (item.created_at is None) == (not value.get("createdDateTime")), name
        assert (item.due is None) == (not value.get("dueDateTime")), name
    elif kind == "bucket":
        column = board(buckets=[value])[1]
        assert isinstance(column, BoardColumn)
        assert (column.external_id, column.name) == (value["id"], value["name"]), name
    else:
        assert kind == "plan", name
        (found,) = board(plan=value)
        assert isinstance(found, Plan)
        assert found.name == value["title"], name


def test_etags_of_the_documented_changes_tell_which_of_them_is_newer(shared_folder: Path) -> None:
    body = dict(shelf(shared_folder))["beta_planneruser-list-delta_0"]
    versions = [version({**one, "details": {"@odata.etag": one["@odata.etag"]}}) for one in body["value"]]
    assert None not in versions
    assert versions == sorted(versions, key=str)
    assert len(set(versions)) == 3


@pytest.mark.parametrize("name", ["task-get_0", "v1.0_plannertask-get_0"])
def test_documented_times_are_read_whatever_their_fraction(shared_folder: Path, name: str) -> None:
    """Seven digits of a second, or none."""
    body = dict(shelf(shared_folder))[name]
    item, *_ = mapped("task", body)
    assert item.created_at.date() == date.fromisoformat(body["createdDateTime"][:10])
