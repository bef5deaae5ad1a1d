"""The simulator's answers are those the vendor describes, and its issues have the shape of recorded ones."""
from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pmo_hub_jira.simulated_organisation import generate
from pmo_hub_jira.simulator import Simulator
from tests.connectors.pmo_hub_jira.simulator_client import Client
from tests.connectors.pmo_hub_jira.vendor_specification import VendorSpecification, load

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
API, AGILE = "/rest/api/3", "/rest/agile/1.0"
# The connector's own fields are among these; what they hold has a schema in the specification.
SCHEMAS = {"issuetype": "IssueTypeDetails", "status": "StatusDetails", "assignee": "UserDetails", "reporter": "UserDetails",
           "creator": "UserDetails", "priority": "Priority", "resolution": "Resolution", "comment": "PageOfComments",
           "watches": "Watchers", "votes": "Votes", "timetracking": "TimeTrackingDetails", "worklog": "PageOfWorklogs"}
LIST_SCHEMAS = {"fixVersions": "Version", "components": "ProjectComponent", "issuelinks": "IssueLink"}


@pytest.fixture(scope="module")
def vendor(shared_folder: Path) -> VendorSpecification:
    return load(shared_folder)


@pytest.fixture(scope="module")
def client() -> Client:
    # No deep document: Python's own JSON reader stops at a thousand levels.
    return Client(Simulator(generate(3, 300, NOW, awkward=True, adf_depth=50), lambda: NOW, refuse_deprecated=False))


def tour() -> list[tuple[str, str, dict[str, str], dict[str, Any] | None, int]]:
    bounded = "project in (PAY, ODD) order by created asc"
    get = [
        (f"{API}/serverInfo", {}), (f"{API}/myself", {}), (f"{API}/field", {}), (f"{API}/status", {}), (f"{API}/issuetype", {}),
        (f"{API}/statuses/search", {"maxResults": "3"}), (f"{API}/priority", {}), (f"{API}/priority/search", {}),
        (f"{API}/priorityscheme", {"expand": "priorities"}), (f"{API}/resolution", {}), (f"{API}/resolution/search", {}),
        (f"{API}/issueLinkType", {}), (f"{API}/project/search", {"startAt": "2", "maxResults": "3", "expand": "lead,insight,issueTypes"}),
        (f"{API}/project/PAY", {"expand": "description"}), (f"{API}/project/10007", {}), (f"{API}/project/PAY/versions", {}),
        (f"{API}/project/10000/components", {}), (f"{API}/mypermissions", {"permissions": "BROWSE_PROJECTS", "projectId": "10000"}),
        (f"{API}/search/jql", {"jql": bounded, "fields": "*all", "maxResults": "20", "expand": "changelog"}),
        (f"{API}/issue/ODD-14/comment", {"startAt": "5", "maxResults": "7"}),
        (f"{API}/issue/ODD-16/worklog", {"startAt": "20", "maxResults": "5"}), (f"{API}/worklog/updated", {"since": "0"}),
        (f"{API}/worklog/deleted", {}), (f"{AGILE}/board", {}),
        (f"{AGILE}/board", {"projectKeyOrId": "POR"}), (f"{AGILE}/board/1/configuration", {}), (f"{AGILE}/board/2/configuration", {}),
        (f"{AGILE}/board/1/sprint", {"state": "closed,active"}), (f"{AGILE}/board/9001/sprint", {}), (f"{AGILE}/sprint/1", {})]
    post: list[tuple[str, dict[str, Any]]] = [
        (f"{API}/search/jql", {"jql": bounded, "fields": ["*all"], "maxResults": 100}),
        (f"{API}/search/jql", {"jql": bounded, "fields": ["id"]}),
        (f"{API}/search/jql", {"jql": "project = ODD", "fields": ["*all", "-description"]}),
        (f"{API}/search/approximate-count", {"jql": bounded}),
        (f"{API}/worklog/list", {"ids": [80001, 80002, 5]}),
        (f"{API}/issue/bulkfetch", {"issueIdsOrKeys": ["PAY-1", "ODD-4", "NONE-1"], "fields": ["*all"], "expand": ["changelog"]}),
        (f"{API}/changelog/bulkfetch", {"issueIdsOrKeys": ["PAY-1", "ODD-4", "ODD-13"], "maxResults": 60})]
    wrong: list[tuple[str, str, dict[str, str], dict[str, Any] | None, int]] = [
        ("POST", f"{API}/search/jql", {}, {"jql": "order by key"}, 400), ("GET", f"{API}/project/NONE", {}, None, 404),
        ("GET", f"{AGILE}/board/2/sprint", {}, None, 400), ("GET", f"{API}/mypermissions", {}, None, 400),
        ("GET", f"{AGILE}/sprint/99999", {}, None, 404), ("POST", f"{API}/issue/bulkfetch", {}, {"issueIdsOrKeys": []}, 400)]
    return [*(("GET", path, query, None, 200) for path, query in get), *(("POST", path, {}, body, 200) for path, body in post), *wrong]


@pytest.mark.parametrize(("method", "path", "query", "body", "status"), tour())
def test_answer_agrees_with_the_specification(
        vendor: VendorSpecification, client: Client, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None,
        status: int) -> None:
    answer = client.send(method, path, query, body)
    assert (answer.status, vendor.check_response(method, path, status, answer.json)) == (status, [])
    if status == 200 and "priority" not in path.split("/")[-2:] and not path.endswith("/resolution"):
        assert vendor.check_request(method, path, query, body) == []


def test_tour_visits_every_operation_of_the_simulator(client: Client) -> None:
    visited = {client.simulator._route(method, path)[0] for method, path, *_ in tour()}
    missed = {operation.label for operation in client.simulator.operations if operation not in visited}
    assert missed == {"GET /_edge/tenant_info", f"GET {API}/search", f"POST {API}/search"}


def test_simulator_knows_exactly_the_names_that_the_specification_knows(vendor: VendorSpecification, client: Client) -> None:
    for operation in client.simulator.operations:
        if operation.template.startswith("/_edge") or operation.template == f"{API}/search":
            continue
        path = operation.template.replace("{project}", "PAY").replace("{issue}", "PAY-1").replace("{board}", "1").replace("{sprint}", "1")
        specified = vendor._operation(operation.method, path)
        assert specified is not None
        assert (path, operation.query) == (path, specified.parameters)
        if operation.body is not None:
            reference = specified.definition["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            assert operation.body == vendor.property_names(reference.rpartition("/")[2])


def test_simulator_marks_as_deprecated_what_the_specification_does(vendor: VendorSpecification, client: Client) -> None:
    marked = {o.template for o in client.simulator.operations if o.deprecated}
    assert marked == {f"{API}/priority", f"{API}/priority/search", f"{API}/resolution"}
    assert all("deprecated" in problem for path in marked for problem in vendor.check_request("GET", path))


def test_fields_of_issues_agree_with_their_schemas(vendor: VendorSpecification, client: Client) -> None:
    seen = set()
    for issue in client.issues("project in (PAY, ERP, ZUE, REG, ODD)", ["*all"]):
        for field, value in issue["fields"].items():
            parts = [(SCHEMAS[field], value)] if field in SCHEMAS and value is not None else [
                (LIST_SCHEMAS[field], entry) for entry in value] if field in LIST_SCHEMAS else []
            for schema, part in parts:
                seen.add(field)
                assert (field, vendor.check_schema(schema, part)) == (field, [])
    assert seen == {*SCHEMAS, *LIST_SCHEMAS}


@pytest.mark.parametrize(("method", "path", "query", "body", "word"), [
    ("GET", f"{API}/search", ["jql"], None, "deprecated"), ("POST", f"{API}/search/jql", [], {"jql": "x", "startAt": 0}, "startAt"),
    ("GET", f"{API}/project/search", ["page"], None, "page"), ("GET", f"{API}/nowhere", [], None, "not in the specification"),
    ("POST", f"{API}/issue/bulkfetch", [], {}, "issueIdsOrKeys"), ("POST", f"{API}/changelog/bulkfetch", [],
                                                                   {"issueIdsOrKeys": ["1"], "fieldIds": list("abcdefghijk")}, "fieldIds")])
def test_checker_objects_to_a_wrong_request(
        vendor: VendorSpecification, method: str, path: str, query: list[str], body: dict[str, Any] | None, word: str) -> None:
    problems = vendor.check_request(method, path, query, body)
    assert len(problems) == 1
    assert word in problems[0]


def test_checker_objects_to_a_wrong_response(vendor: VendorSpecification) -> None:
    assert vendor.check_response("GET", f"{API}/myself", 200, {"accountId": 5, "shoeSize": 44}) != []


def recorded(folder: Path) -> Iterator[dict[str, Any]]:
    """Recorded issues of two sites; one file begins with a blank line."""
    csv.field_size_limit(10**8)
    for name in ("issues", "issue_relationships", "issues_for_due_date"):
        text = (folder / f"data/jira/devlake/raw_tables/_raw_jira_api_{name}.csv").read_text(encoding="utf-8").lstrip()
        for row in csv.DictReader(io.StringIO(text)):
            yield json.loads(row["data"])


def key_paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield f"{path}/{key}"
            yield from key_paths(entry, f"{path}/{key}")
    elif isinstance(value, list):
        for entry in value:
            yield from key_paths(entry, path)


def test_issues_have_no_key_that_recorded_issues_and_the_specification_lack(
        vendor: VendorSpecification, client: Client, shared_folder: Path) -> None:
    known = {path for issue in recorded(shared_folder) for path in key_paths(issue)}
    # Rich text is wiki markup in the recorded bodies (REST v2); custom fields have a site's own ids and are compared by their kind.
    own = {path for issue in client.issues("project in (PAY, ERP, REG, ZUE)", ["*all", "-description"]) for path in key_paths(issue)
           if not path.startswith("/fields/customfield_") and "/body/" not in path}
    unknown = own - known

    def specified(path: str) -> bool:
        """By the component that the last but one key stands for."""
        holder, name = path.split("/")[-2:]
        schema = {**SCHEMAS, **LIST_SCHEMAS, "comments": "Comment", "author": "UserDetails", "updateAuthor": "UserDetails",
                  "scope": "Scope", "project": "ProjectDetails", "outwardIssue": "LinkedIssue", "inwardIssue": "LinkedIssue",
                  "projectCategory": "UpdatedProjectCategory"}.get(holder)
        return schema is not None and name in vendor.property_names(schema)
    assert {path for path in unknown if not specified(path)} == set()
    assert len(own & known) > 150


def test_sprint_field_and_sprint_answer_have_the_recorded_keys(client: Client, shared_folder: Path) -> None:
    text = (shared_folder / "data/jira/devlake/raw_tables/_raw_jira_api_sprints.csv").read_text(encoding="utf-8").lstrip()
    sprints = {key for row in csv.DictReader(io.StringIO(text)) for key in json.loads(row["data"])}
    embedded = {key for issue in recorded(shared_folder) for sprint in issue["fields"].get("customfield_10020") or [] for key in sprint}
    ours = {key for sprint in client.get(f"{AGILE}/board/1/sprint")["values"] for key in sprint}
    shown = {key for issue in client.issues("project = PAY", ["customfield_10020"]) for sprint in issue["fields"]["customfield_10020"] or []
             for key in sprint}
    assert ours - sprints == {"createdDate"}
    assert shown == embedded
