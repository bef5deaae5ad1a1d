"""What two hubs of one site may not differ in, and what a hub must hold of the site itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from pmo_hub.domain.identity import identifier, row_id
from pmo_hub.domain.vocabulary import RecordType
from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_site import Issue
from pmo_hub_jira.simulator import Simulator
from tests.convergence.estate import ReadingHub

EQUAL = (
    "work_items", "dependencies", "transitions", "comments", "custom_values", "iterations", "boards", "board_columns",
    "iteration_memberships", "item_timings",
)  # fmt: skip
PLANNED = (
    *EQUAL, "worklogs", "plans", "schedules", "baselines", "earned_values", "resources", "assignments", "calendars", "calendar_exceptions",
    "stage_passages", "register_entries",
)  # fmt: skip
MENTIONED = ("labels", "components", "versions", "identities")
"""What is only mentioned never ends with who mentioned it: whoever read longer knows at least as much, and the same of each."""

LEFT_OUT = ("recorded_from", "mention_version")


class Differs(AssertionError):
    """The hub is not what the source is."""


def compare(
    hub: ReadingHub,
    fresh: ReadingHub,
    namespace: str,
    untold: Collection[int] = (),
    names_untold: bool = False,
    equal: Collection[str] = EQUAL,
    mentioned: Collection[str] = MENTIONED,
    lasting: Collection[str] = (),
) -> None:
    """Row for row, but for the issues in `untold` and, where `names_untold`, the names of people: what the source does not tell of.

    Rows of `mentioned` tables and payloads of `lasting` kinds are only asked for where the fresh hub has them.
    """
    said = []
    item = identifier(namespace, RecordType.WORK_ITEM)
    silent = {item(str(id)) for id in untold}
    for table in (table for table in equal if table not in mentioned):
        ours, theirs = (_without(one.rows(table, *LEFT_OUT), silent) for one in (hub, fresh))
        said += _differences(table, ours, theirs, ours.keys() | theirs.keys())
    for table in mentioned:
        if table == "identities" and names_untold:
            continue
        ours, theirs = hub.rows(table, *LEFT_OUT), fresh.rows(table, *LEFT_OUT)
        said += _differences(table, ours, theirs, theirs.keys())
    ours, theirs = (_live(one, {str(id) for id in untold}) for one in (hub, fresh))
    here = {i for i, row in ours.items() if row["kind"] not in lasting}
    said += _differences("payloads", ours, theirs, here | theirs.keys())
    held = hub.rows("quarantine", "body")
    said += [f"quarantine: {row['kind']} {row['external_id']}: {row['why']}" for row in held.values()]
    if said:
        raise Differs("the hub differs from one that read the site from scratch:\n" + "\n".join(said[:40]))


def _without(rows: dict[str, dict[str, Any]], silent: Collection[str]) -> dict[str, dict[str, Any]]:
    links = ("id", "item_id", "predecessor_id", "successor_id")
    return {i: row for i, row in rows.items() if not any(row.get(name) in silent for name in links)}


def _live(hub: ReadingHub, untold: Collection[str]) -> dict[str, dict[str, Any]]:
    """The payloads that are there: not their bytes, which differ with the caller's time zone."""
    rows = hub.rows("payloads", "body").items()
    live = {i: row for i, row in rows if row["gone_at"] is None and row["external_id"] not in untold}
    return {i: {name: row[name] for name in ("kind", "external_id", "scope_id", "part_of_id")} for i, row in live.items()}


def _differences(
    table: str, ours: dict[str, dict[str, Any]], theirs: dict[str, dict[str, Any]], ids: Collection[str] | None = None
) -> list[str]:
    said = []
    for id in sorted(ours.keys() | theirs.keys() if ids is None else ids):
        mine, other = ours.get(id), theirs.get(id)
        if mine == other:
            continue
        if mine is None or other is None:
            said.append(f"{table}: {'missing' if mine is None else 'not at the source'}: {mine or other}")
            continue
        columns = {n: (mine[n], other[n]) for n in mine if mine[n] != other[n] and n != "row_hash"}
        said.append(f"{table} {mine.get('key') or mine.get('external_id') or id}: (hub, source) {columns}")
    return said


def expected_issue(simulator: Simulator, issue: Issue, namespace: str) -> dict[str, Any]:
    """The columns of a work item that follow from the site without any mapping worth the name."""
    world, values = simulator.world, issue.values
    item, iteration = identifier(namespace, RecordType.WORK_ITEM), identifier(namespace, RecordType.ITERATION)
    person = identifier(namespace, RecordType.IDENTITY)
    parent = values.get("parent")
    shown = parent is not None and world.visible(world.issues[parent])
    assignee = values.get("assignee")
    return {
        "key": issue.key,
        "title": values["summary"],
        "original_status_id": values["status"],
        "scope_id": row_id(namespace, "scope", issue.project_id),
        "parent_id": item(str(parent)) if shown else None,
        "assignee_id": person(assignee) if assignee else None,
        "created_at": issue.created,
        "updated_at": issue.updated,
        "due": values.get("duedate"),
        "labels": list(values.get("labels") or ()),
        "iteration_ids": [iteration(str(s)) for s in dict.fromkeys(values.get(d.SPRINT) or ())],
    }


def compare_with_site(hub: ReadingHub, simulator: Simulator, chosen: Collection[str], namespace: str) -> None:
    """Issues, comments, histories and blocking links are those of the site: a fault that all hubs share shows here."""
    world = simulator.world
    issues = {issue.id: issue for issue in world.visible_issues() if issue.project_id in chosen}
    item = identifier(namespace, RecordType.WORK_ITEM)
    rows = {int(row["external_id"]): row for row in hub.rows("work_items").values()}
    said = [f"issue {i} is missing" for i in issues.keys() - rows.keys()]
    said += [f"issue {i} is not there any more" for i in rows.keys() - issues.keys()]
    for id in issues.keys() & rows.keys():
        wanted = expected_issue(simulator, issues[id], namespace)
        wrong = {name: (rows[id][name], value) for name, value in wanted.items() if rows[id][name] != value}
        said += [f"issue {id}: (hub, site) {wrong}"] if wrong else []
    by_item = {table: Counter(row["item_id"] for row in hub.rows(table).values()) for table in ("comments", "transitions")}
    for id, issue in issues.items():
        counted = {"comments": len(issue.comments), "transitions": sum(len(h.changes) for h in issue.histories)}
        wrong = {table: (by_item[table][item(str(id))], n) for table, n in counted.items() if by_item[table][item(str(id))] != n}
        said += [f"issue {id}: (hub, site) {wrong}"] if wrong else []
    blocking = {
        (item(str(link.source)), item(str(link.target)))
        for id in issues
        for link in world.links.get(id, ())
        if link.type_id == d.BLOCKS and all(world.visible(world.issues[end]) for end in (link.source, link.target))
    }
    held = {(row["predecessor_id"], row["successor_id"]) for row in hub.rows("dependencies").values()}
    said += [f"dependencies: {len(blocking - held)} missing, {len(held - blocking)} too many"] if held != blocking else []
    if said:
        raise Differs("the hub differs from the site:\n" + "\n".join(said[:40]))
