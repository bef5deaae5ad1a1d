"""Issues as records: each field, each rule, what is odd and what is refused."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from pmo_hub.domain.records import Comment, Component, CustomValue, Dependency, Identity, Iteration, Label, Version, WorkItem
from pmo_hub.domain.vocabulary import DependencyType, IterationState, Kind, StatusCategory, Uncounted
from pmo_hub.sdk.contract import Payload, Ref
from pmo_hub.sdk.errors import ConfigError, RecordError
from pmo_hub_jira.mapping import mapper
from pmo_hub_jira.reference import SYSTEM_FIELDS
from tests.connectors.pmo_hub_jira.issues import issue, mapped, mentioned, owned, payload, scope, site, status, user


def item(rules: dict[str, str] | None = None, estimation: str | None = None, **fields: Any) -> WorkItem:
    (found,) = owned(mapped(issue(**fields), references=[site(), scope(estimation)], rules=rules), "work_item")
    assert isinstance(found, WorkItem)
    return found


def kind_of(name: str, level: int | None = 0, subtask: bool = False, id: str = "10050", **rules: str) -> Kind:
    return item(rules, issuetype={"id": id, "name": name, "subtask": subtask, "hierarchyLevel": level}).kind


def doc(text: str) -> dict[str, Any]:
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}


def test_a_full_issue_maps_to_one_work_item() -> None:
    body = issue(
        status=status("6", "Done", "done"),
        issuetype={"id": "10002", "name": "Story", "subtask": False, "hierarchyLevel": 0},
        resolution={"id": "10000", "name": "Done"},
        resolutiondate="2026-02-01T10:00:00.000+0100",
        priority={"id": "2", "name": "High"},
        assignee=user("Jane"),
        reporter=user("Ravi", active=False),
        parent={"id": "20000", "key": "ERP-0", "fields": {"summary": "Epic"}},
        duedate="2026-02-03",
        timetracking={
            "originalEstimate": "8h",
            "originalEstimateSeconds": 28_800,
            "timeSpentSeconds": 5_400,
            "remainingEstimateSeconds": 0,
        },
        labels=["backend", "q1"],
        components=[{"id": "30001", "name": "Ledger"}],
        fixVersions=[{"id": "40001", "name": "1.0", "released": True, "archived": False, "releaseDate": "2026-03-31"}],
        description=doc("Post them nightly."),
        customfield_10015="2026-01-05",
        customfield_10020=[{"id": 7, "name": "S7", "state": "closed"}, {"id": 9, "name": "A, id=9, name=B]", "state": "active"}],
        customfield_10021=[{"id": "1", "value": "Impediment"}],
        customfield_10023="2026-02-10",
        customfield_10026=5,
    )
    result = mapped(body)
    assert result.owned == [
        WorkItem(
            external_id="20001",
            key="ERP-1",
            url="https://acme.atlassian.net/browse/ERP-1",
            title="Post invoices",
            description="Post them nightly.",
            kind=Kind.STORY,
            original_type="Story",
            status_category=StatusCategory.DONE,
            original_status="Done",
            original_status_id="6",
            resolution="Done",
            parent="20000",
            priority=75,
            original_priority="High",
            assignee="id-jane",
            reporter="id-ravi",
            created_at=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
            updated_at=datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC),
            planned_start=date(2026, 1, 5),
            planned_finish=date(2026, 2, 10),
            actual_start=None,
            actual_finish=datetime(2026, 2, 1, 9, 0, tzinfo=UTC),
            due=date(2026, 2, 3),
            points=5.0,
            work_hours=8.0,
            spent_hours=1.5,
            remaining_hours=0.0,
            percent_complete=None,
            flagged=True,
            labels=("backend", "q1"),
            components=("30001",),
            versions=("40001",),
            iterations=("7", "9"),
            is_active=True,
            counts=True,
            uncounted=None,
        )
    ]
    assert set(result.mentioned) == {
        Identity("id-jane", "Jane", "jane@acme.example", True, "atlassian"),
        Identity("id-ravi", "Ravi", "ravi@acme.example", False, "atlassian"),
        Label("backend", "backend"),
        Label("q1", "q1"),
        Component("30001", "Ledger"),
        Version("40001", "1.0", True, False, None, date(2026, 3, 31)),
    }


def test_an_issue_of_nulls_leaves_everything_unknown() -> None:
    names = [name for name in SYSTEM_FIELDS if name not in ("status", "issuetype", "project", "updated")]
    fields: dict[str, Any] = dict.fromkeys(names) | {f"customfield_{n}": None for n in range(10014, 10050)}
    found = item(**fields)
    for name in ("resolution", "parent", "priority", "assignee", "created_at", "due", "points", "work_hours", "spent_hours", "description"):
        assert getattr(found, name) is None
    assert found.title == "ERP-1"
    assert (found.labels, found.components, found.versions, found.iterations) == ((), (), (), ())
    assert found.flagged is False
    assert mapped(issue(**fields)).mentioned == []


@pytest.mark.parametrize(
    ("id", "name", "category", "resolution", "found"),
    [
        ("1", "To Do", "new", None, StatusCategory.TODO),
        ("1", "已完成", "new", None, StatusCategory.TODO),
        ("5", "Odd", "undefined", None, StatusCategory.TODO),
        ("3", "In Progress", "indeterminate", None, StatusCategory.IN_PROGRESS),
        ("6", "完成", "done", None, StatusCategory.DONE),
        ("6", "Won't Do", "done", None, StatusCategory.CANCELLED),
        ("6", "Closed", "done", "Duplicate", StatusCategory.CANCELLED),
        ("6", "Closed", "done", "Done", StatusCategory.DONE),
        # A resolution set too early cancels nothing that is still being worked on.
        ("3", "In Progress", "indeterminate", "Won't Do", StatusCategory.IN_PROGRESS),
        ("6", "Closed", None, None, StatusCategory.DONE),
        ("99", "New one", None, None, StatusCategory.TODO),
    ],
)
def test_the_status_category_is_read_from_its_key(id: str, name: str, category: str | None, resolution: str | None, found: Any) -> None:
    given = {"id": "10001", "name": resolution} if resolution else None
    assert item(status=status(id, name, category), resolution=given).status_category is found


def test_rules_decide_about_statuses() -> None:
    rules = {"status_category": '{"3": "done"}', "cancelled": '["10007", "Parked"]'}
    assert item(rules, status=status("3", "In Review", "indeterminate")).status_category is StatusCategory.DONE
    assert item(rules, status=status("6", "parked", "done")).status_category is StatusCategory.CANCELLED
    assert item(rules, status=status("10007", "Ende", "done")).status_category is StatusCategory.CANCELLED
    assert item(rules, status=status("6", "Won't Do", "done")).status_category is StatusCategory.DONE


def test_only_what_is_done_has_an_actual_finish() -> None:
    at = "2026-02-01T10:00:00.000+0000"
    assert item(resolutiondate=at).actual_finish is None
    assert item(resolutiondate=at, status=status("6", "Won't Do", "done")).actual_finish is None
    assert item(resolutiondate=at, status=status("6", "Done", "done")).actual_finish == datetime(2026, 2, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "level", "subtask", "kind"),
    [
        ("Theme", 2, False, Kind.INITIATIVE),
        ("Legend", 3, False, Kind.INITIATIVE),
        ("长篇故事", 1, False, Kind.EPIC),
        ("子任务", -1, True, Kind.SUB_ITEM),
        ("Sub-bug", 0, True, Kind.SUB_ITEM),
        ("故事", 0, False, Kind.STORY),
        ("User Story", 0, False, Kind.STORY),
        ("缺陷", 0, False, Kind.BUG),
        ("线上缺陷", 0, False, Kind.BUG),
        ("Production Bug", 0, False, Kind.BUG),
        ("Defect", 0, False, Kind.BUG),
        ("Debugging", 0, False, Kind.TASK),
        ("Milestone", 0, False, Kind.MILESTONE),
        ("Risk", 0, False, Kind.RISK),
        ("风险", 0, False, Kind.RISK),
        ("Issue", 0, False, Kind.ISSUE),
        ("Support issue", 0, False, Kind.TASK),
        ("Task", 0, False, Kind.TASK),
        ("Task", None, False, Kind.TASK),
    ],
)
def test_the_kind_is_read_from_level_and_name(name: str, level: int | None, subtask: bool, kind: Kind) -> None:
    assert kind_of(name, level, subtask) is kind


def test_an_issue_without_a_level_takes_it_from_the_dictionary() -> None:
    assert kind_of("Thema", None, id="10009") is Kind.INITIATIVE


def test_rules_decide_about_types() -> None:
    assert kind_of("Task", id="10050", kind='{"10050": "milestone"}') is Kind.MILESTONE
    assert kind_of("Hazard", risk_types='["hazard"]') is Kind.RISK
    assert kind_of("Hazard", id="10077", risk_types='["10077"]') is Kind.RISK
    assert kind_of("Risk", risk_types='["hazard"]') is Kind.TASK


@pytest.mark.parametrize(
    ("type", "uncounted"),
    [
        ({"id": "1", "name": "Epic", "hierarchyLevel": 1}, Uncounted.SUMMARY),
        ({"id": "1", "name": "Theme", "hierarchyLevel": 2}, Uncounted.SUMMARY),
        ({"id": "1", "name": "Sub-task", "subtask": True}, Uncounted.SUB_ITEM),
        ({"id": "1", "name": "Risk", "hierarchyLevel": 0}, Uncounted.REGISTER),
        ({"id": "1", "name": "Bug", "hierarchyLevel": 0}, None),
    ],
)
def test_what_would_count_twice_does_not_count(type: dict[str, Any], uncounted: Uncounted | None) -> None:
    found = item(issuetype=type)
    assert (found.counts, found.uncounted) == (uncounted is None, uncounted)


@pytest.mark.parametrize(("id", "value"), [("1", 100), ("2", 75), ("3", 50), ("4", 25), ("5", 0), ("10099", None)])
def test_priorities_are_spread_evenly_in_their_order(id: str, value: int | None) -> None:
    assert item(priority={"id": id, "name": "?"}).priority == value


@pytest.mark.parametrize(
    ("id", "name", "value"), [("10", "Critical", 75), ("77", "LOW", 25), ("1", "Höchste", 100), ("77", "P1", None), (None, "High", None)]
)
def test_without_an_order_the_usual_names_and_ids_tell(id: str | None, name: str, value: int | None) -> None:
    (found,) = mapped(issue(priority={"id": id, "name": name}), references=[site(priorities={})]).owned
    assert isinstance(found, WorkItem)
    assert found.priority == value


def test_rules_decide_about_priorities() -> None:
    assert item({"priority": '{"3": 90}'}, priority={"id": "3", "name": "Medium"}).priority == 90


def test_points_are_the_first_that_are_given_and_the_boards_field_goes_first() -> None:
    assert item(customfield_10016=3, customfield_10026=8).points == 3
    assert item(estimation="customfield_10026", customfield_10016=3, customfield_10026=8).points == 8
    assert item(estimation="customfield_10026", customfield_10016=3).points == 3
    assert item(customfield_10016=0.0, customfield_10026=8).points == 0
    assert item({"points_field": '"customfield_10040"'}, customfield_10016=3, customfield_10040=13).points == 13
    # A board may estimate in hours or not at all.
    assert item(estimation="timeoriginalestimate", customfield_10026=8).points == 8


@pytest.mark.parametrize(("recorded", "points"), [("-1", -1.0), ("3.5", 3.5), ("five", None), ("", None), ("nan", None), ("inf", None)])
def test_numbers_recorded_as_text_are_read(recorded: str, points: float | None) -> None:
    found = item(customfield_10026=recorded, customfield_10041={"id": "11", "value": "Finance"}, description=doc("kept"))
    assert (found.points, found.description) == (points, "kept")


def test_only_numbers_are_read_from_text() -> None:
    body = issue(customfield_10026=True, customfield_10047=20260601, customfield_10040="7", customfield_10043="Ann")
    result = mapped(body)
    assert owned(result, "work_item")[0].points is None
    assert [(value.field, value.number) for value in owned(result, "custom_value")] == [("customfield_10040", 7.0)]


@pytest.mark.parametrize("tracking", [{}, {"timetracking": None}])
def test_hours_of_a_body_from_before_time_tracking_was_asked_for_are_still_read(tracking: dict[str, Any]) -> None:
    found = item(timeoriginalestimate=28_800, timespent=5_400, timeestimate=0, **tracking)
    assert (found.work_hours, found.spent_hours, found.remaining_hours) == (8.0, 1.5, 0.0)


def test_nothing_estimated_is_unknown_and_not_zero() -> None:
    for found in (item(timetracking={}), item(), item(timetracking={}, timeoriginalestimate=3_600)):
        assert (found.work_hours, found.spent_hours, found.remaining_hours) == (None, None, None)


def test_a_description_of_another_shape_costs_nothing_else() -> None:
    odd = {"type": "doc", "content": {"type": "paragraph", "content": [{"type": "text", "text": "odd"}, 7]}}
    found = item(description=odd, customfield_10026=5, customfield_10020=[{"id": 7, "name": "S7"}])
    assert (found.description, found.points, found.iterations) == ("odd", 5.0, ("7",))
    assert item(description="wiki *text* ").description == "wiki *text*"


def test_what_comes_again_in_the_same_words_is_the_same_object() -> None:
    fields = {"assignee": user("Jane"), "labels": ["a"], "components": [{"id": "1", "name": "Ledger"}], "fixVersions": [{"id": "2"}]}
    first, second = (mapped(issue(id, f"ERP-{id}", **fields)).mentioned for id in ("1", "2"))
    assert len(first) == 4
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_the_start_is_the_start_date_and_else_the_planned_target() -> None:
    assert item(customfield_10015="2026-01-05", customfield_10022="2026-01-01").planned_start == date(2026, 1, 5)
    assert item(customfield_10022="2026-01-01").planned_start == date(2026, 1, 1)
    assert item(
        {"start_field": '"customfield_10047"'}, customfield_10015="2026-01-05", customfield_10047="2026-01-09"
    ).planned_start == date(2026, 1, 9)


@pytest.mark.parametrize("duedate", ["51502-01-01", "1066-10-14", "2026-13-40", "soon", ""])
def test_dates_out_of_our_centuries_are_unknown(duedate: str) -> None:
    assert item(duedate=duedate, created=duedate).due is None


def test_a_due_date_is_moved_by_no_time_zone() -> None:
    assert item(duedate="2026-03-01").due == date(2026, 3, 1)


LINK = {"id": "50001", "type": {"id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"}}


def test_a_link_seen_from_both_ends_is_one_dependency() -> None:
    here = mapped(issue("20001", issuelinks=[LINK | {"outwardIssue": {"id": "20002", "key": "ERP-2"}}]))
    there = mapped(issue("20002", issuelinks=[LINK | {"inwardIssue": {"id": "20001", "key": "ERP-1"}}]))
    expected = Dependency("50001", "20001", "20002", DependencyType.FINISH_TO_START, 0.0, "Blocks")
    assert owned(here, "dependency") == owned(there, "dependency") == [expected]


def test_only_links_that_block_are_dependencies() -> None:
    links = [
        {"id": "1", "type": {"id": "10002", "name": "Relates"}, "outwardIssue": {"id": "20002"}},
        {"id": "2", "type": {"id": "10000", "name": "阻塞"}, "outwardIssue": {"id": "20003"}},
        {"id": "3", "type": {"id": "9", "name": "Strictly BLOCKS"}, "inwardIssue": {"id": "20004"}},
        {"id": "4", "type": None, "outwardIssue": {"id": "20005"}},
        {"id": "5", "type": {"id": "10000", "name": "Blocks"}},
    ]
    assert [d.external_id for d in owned(mapped(issue(issuelinks=links)), "dependency")] == ["2", "3"]
    ruled = mapped(issue(issuelinks=links), rules={"dependency_types": '["relates", "9"]'})
    assert [d.external_id for d in owned(ruled, "dependency")] == ["1", "3"]


def comments(count: int, total: int | None = None) -> dict[str, Any]:
    made = [
        {"id": str(n), "author": user("Ravi"), "body": doc(f"comment {n}"), "created": "2026-01-02T03:04:05.678+0000", "updated": None}
        for n in range(count)
    ]
    return {"comments": made, "maxResults": 20, "total": count if total is None else total, "startAt": 0}


def test_embedded_comments_are_owned_by_their_issue() -> None:
    found = owned(mapped(issue(comment=comments(2))), "comment")
    created = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert found == [Comment(str(n), "20001", "id-ravi", created, None, f"comment {n}") for n in range(2)]


def test_truncated_comments_are_left_to_their_own_payload() -> None:
    assert owned(mapped(issue(comment=comments(20, total=21))), "comment") == []
    result = mapper([site()], {})(payload(comments(21)["comments"], "comments"))
    assert len(result.owned) == 21
    assert result.mentioned == [Identity("id-ravi", "Ravi", "ravi@acme.example", True, "atlassian")]


def test_a_comment_of_version_two_is_text_already() -> None:
    (found,) = owned(mapped(issue(comment={"comments": [{"id": "1", "body": "wiki *text*"}], "total": 1})), "comment")
    assert (found.body, found.author) == ("wiki *text*", None)


def test_fields_that_nothing_takes_are_kept_as_values() -> None:
    body = issue(
        customfield_10040=1200.5,
        customfield_10041={"id": "11", "value": "Finance"},
        customfield_10042=user("Ann"),
        customfield_10043=[user("Ann"), user("Ravi")],
        customfield_10044=[{"id": "21", "value": "EMEA"}, {"id": "22", "value": "APAC, north"}],
        customfield_10045={"id": "31", "value": "Berlin", "child": {"id": "32", "value": "Mitte"}},
        customfield_10046="2026-05-01T09:00:00.000+0200",
        customfield_10047="2026-06-01",
        customfield_10048="never asked for",
        customfield_10026=5,
    )
    result = mapped(body)
    assert owned(result, "custom_value") == [
        CustomValue("20001:customfield_10040", "20001", "customfield_10040", "Budget", number=1200.5),
        CustomValue("20001:customfield_10041", "20001", "customfield_10041", "Stream", text="Finance"),
        CustomValue("20001:customfield_10042", "20001", "customfield_10042", "Approver", identity="id-ann"),
        CustomValue("20001:customfield_10043:id-ann", "20001", "customfield_10043", "Reviewers", identity="id-ann"),
        CustomValue("20001:customfield_10043:id-ravi", "20001", "customfield_10043", "Reviewers", identity="id-ravi"),
        CustomValue("20001:customfield_10044:21", "20001", "customfield_10044", "Regions", text="EMEA"),
        CustomValue("20001:customfield_10044:22", "20001", "customfield_10044", "Regions", text="APAC, north"),
        CustomValue("20001:customfield_10045", "20001", "customfield_10045", "Site", text="Berlin / Mitte"),
        CustomValue("20001:customfield_10046", "20001", "customfield_10046", "Go-live", text="2026-05-01T07:00:00.000Z"),
        CustomValue("20001:customfield_10047", "20001", "customfield_10047", "Review", day=date(2026, 6, 1)),
    ]
    assert {record.external_id for record in mentioned(result, "identity")} == {"id-ann", "id-ravi"}


def test_an_epic_link_is_kept_as_written_where_no_parent_is_given() -> None:
    assert owned(mapped(issue(customfield_10014="ERP-7")), "custom_value") == [
        CustomValue("20001:customfield_10014", "20001", "customfield_10014", "Epic Link", text="ERP-7")
    ]
    both = mapped(issue(customfield_10014="ERP-7", parent={"id": "20007"}))
    assert owned(both, "custom_value") == []
    assert owned(both, "work_item")[0].parent == "20007"


def test_a_custom_field_of_an_unexpected_shape_costs_its_value_only() -> None:
    body = issue(
        customfield_10026="five", customfield_10041="Finance", customfield_10020=["com.atlassian…Sprint@1f[id=7]"], customfield_10040=7
    )
    result = mapped(body)
    found = owned(result, "work_item")[0]
    assert (found.points, found.iterations) == (None, ())
    assert [value.number for value in owned(result, "custom_value")] == [7.0]


SPRINT = {"id": 9, "name": "A, id=9, name=B]", "state": "active", "goal": "", "startDate": "2026-01-05T08:00:00.000Z", "endDate": None}


def test_sprints_are_mentioned_only_where_boards_are_out_of_reach() -> None:
    body = issue(customfield_10020=[SPRINT])
    assert mentioned(mapped(body), "iteration") == []
    (found,) = mentioned(mapped(body, references=[site(agile=False)]), "iteration")
    assert found == Iteration("9", "A, id=9, name=B]", IterationState.ACTIVE, None, datetime(2026, 1, 5, 8, tzinfo=UTC), None, None)


@pytest.mark.parametrize("person", [None, {}, user("Former user", accountId=""), user("Former user", accountId=None)])
def test_nobody_is_mentioned_without_an_account(person: Any) -> None:
    result = mapped(issue(assignee=person))
    assert owned(result, "work_item")[0].assignee is None
    assert mentioned(result, "identity") == []


def test_people_may_be_inactive_apps_or_without_an_address() -> None:
    person = {"accountId": "557058:f5", "displayName": "Automation", "active": False, "accountType": "app", "emailAddress": ""}
    assert mentioned(mapped(issue(assignee=person)), "identity") == [Identity("557058:f5", "Automation", None, False, "app")]


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (issue(status=None), "field status: expected object, got null"),
        (issue(issuetype=None), "field issuetype: expected object, got null"),
        (issue() | {"fields": None}, "field fields: expected object, got null"),
        (without(issue(), "id"), "id"),
        (issue() | {"key": 7}, "field key: expected str, got int"),
        (issue(status=status() | {"id": 3}), "field status.id: expected str, got int"),
        (issue(labels="backend"), "field labels"),
        (issue(duedate=5), "field duedate"),
        (issue(issuelinks=[{"type": None}]), "field issuelinks"),
    ],
)
def test_an_unusable_field_refuses_the_issue_by_name(body: Any, field: str) -> None:
    with pytest.raises(RecordError) as raised:
        mapped(body)
    assert str(raised.value).startswith("issue 20001 can't be mapped: ")
    assert field in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_kind_of_payload_is_refused() -> None:
    with pytest.raises(RecordError, match="'wiki page' is no kind of payload"):
        mapper([site()], {})(Payload(Ref("wiki page", "1"), None, b"{}"))


@pytest.mark.parametrize(
    ("key", "text"), [("kind", '{"1": "saga"}'), ("priority", '{"1": 101}'), ("points_field", "[]"), ("cancelled", "won't do")]
)
def test_a_rule_that_cannot_be_read_is_named(key: str, text: str) -> None:
    with pytest.raises(ConfigError, match=f"rule '{key}' can't be used"):
        mapper([site()], {key: text})


def test_mapping_is_pure() -> None:
    bodies = [issue(str(n), f"ERP-{n}", labels=["a"], assignee=user("Jane"), comment=comments(2), issuelinks=[LINK]) for n in range(5)]
    payloads = [payload(body, id=body["id"]) for body in bodies]
    kept = copy.deepcopy(payloads)
    together = mapper([site(), scope()], {})
    forwards = [together(one) for one in payloads]
    backwards = [together(one) for one in reversed(payloads)][::-1]
    apart = [mapper([site(), scope()], {})(one) for one in payloads]
    assert forwards == backwards == apart
    assert payloads == kept


def test_an_issue_nested_ten_thousand_levels_is_mapped() -> None:
    deep = b'{"type":"blockquote","content":[' * 10_000 + b"]}" * 10_000
    body = json.dumps(issue(description="@")).encode().replace(b'"@"', deep)
    found = mapper([site()], {})(Payload(Ref("issue", "20001"), "10001", body)).owned[0]
    assert isinstance(found, WorkItem)
    assert (found.title, found.description) == ("Post invoices", None)


def test_a_board_maps_to_itself_and_its_columns() -> None:
    body = {
        "board": {"id": 5, "name": "ERP board", "type": "scrum", "location": {"projectId": 10001}},
        "configuration": {
            "columnConfig": {
                "columns": [{"name": "To Do", "statuses": [{"id": "1"}]}, {"name": "Doing", "statuses": [], "min": 1, "max": 4}]
            },
            "estimation": {"type": "field", "field": {"fieldId": "customfield_10026"}},
        },
    }
    board, first, second = mapper([site()], {})(payload(body, "board", "5")).owned
    assert (board.external_id, getattr(board, "estimation_field", None)) == ("5", "customfield_10026")
    assert (first.external_id, getattr(first, "statuses", None)) == ("5:0", ("1",))
    assert (getattr(second, "position", None), getattr(second, "minimum", None), getattr(second, "maximum", None)) == (1, 1, 4)
    bare = mapper([site()], {})(payload({"board": {"id": 5}, "configuration": None}, "board", "5"))
    assert [record.external_id for record in bare.owned] == ["5"]


@pytest.mark.parametrize(("kind", "body"), [("board", {"board": {}}), ("sprint", {"id": "x"}), ("comments", [{"author": None}])])
def test_other_payloads_of_the_wrong_shape_are_refused(kind: str, body: Any) -> None:
    with pytest.raises(RecordError, match="can't be mapped"):
        mapper([site()], {})(payload(body, kind))


def test_without_any_dictionary_an_issue_is_still_mapped() -> None:
    (found,) = mapper([], {})(payload(issue(assignee=None))).owned
    assert isinstance(found, WorkItem)
    assert (found.url, found.kind, found.flagged) == (None, Kind.TASK, None)
